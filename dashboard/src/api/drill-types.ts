/** Drills: faults pressed on purpose on a practice firm. */

export interface DrillChoice {
  code: string;
  title: string;
  breaks: string;
  shows: string;
}

export interface DrillChoices {
  /** Why no drill can be played now; empty when one can. */
  why_not: string;
  drills: DrillChoice[];
}

export interface DrillRun {
  id: string;
  scenario: string;
  title: string;
  reason: string;
  requested_by: string;
  requested_at: string;
  state: "waiting" | "running" | "passed" | "failed";
  seed: number;
  steps: { seconds: number; text: string }[];
  problems: string[];
  recovery_seconds: number | null;
  started_at: string | null;
  ended_at: string | null;
}
