/** Differences between our books and a venue, and how far each account's comparison has come. */

export interface BreakChoice {
  choice: string;
  label: string;
  consequence: string;
}

export interface Break {
  id: string;
  account: string;
  kind: string;
  instrument: string | null;
  asset: string | null;
  amount: string | null;
  order_id: string | null;
  detail: string;
  healing: string;
  what_to_do: string;
  choices: BreakChoice[];
  facts: Record<string, unknown>;
  quarantines: boolean;
  state: "OPEN" | "HEALED" | "RESOLVED";
  opened_at: string;
  opened_firm_at: string;
  seen_at: string;
  times_seen: number;
  choice: string;
  choice_reason: string;
  choice_by: string;
  choice_at: string | null;
  cancel_wanted: boolean;
  closed_at: string | null;
}

export interface Reconciliation {
  account: string;
  reconciled: boolean;
  required_at: string | null;
  passed_at: string | null;
  tried_at: string | null;
  finished_at: string | null;
  failures: number;
  trouble: string;
  open_breaks: number;
  summary: Record<string, unknown>;
}
