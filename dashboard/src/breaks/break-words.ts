/** Kinds of breaks and how they ended, in words. */

import type { Break } from "../api/break-types";

const KINDS: Record<string, string> = {
  unknown_order: "Order we have no record of",
  missing_fill: "Trade our books lack",
  over_fill: "Trade too large for its order",
  balance_gap: "Money differs",
  position_gap: "Units differ",
  foreign_order: "Somebody else's order",
  foreign_trade: "Somebody else's trade",
  bad_answer: "An answer that can't be right",
  order_gone: "Order the venue does not know",
  undecided_order: "Order with an unknown fate",
};

const CHOICES: Record<string, string> = {
  accept_transfer: "Accepted as a transfer",
  adopt_trade: "Trade adopted",
  cancel_order: "Cancel asked for",
  attest_not_placed: "Attested: never placed",
  attest_canceled: "Attested: canceled",
  ignore: "Ignored",
  stay: "Kept in quarantine",
};

export function kindWords(row: Break): string {
  return KINDS[row.kind] ?? row.kind.replaceAll("_", " ");
}

export function choiceWords(choice: string): string {
  return CHOICES[choice] ?? choice.replaceAll("_", " ");
}

/** What new risk is kept out of. */
export function quarantineWords(row: Break): string {
  if (!row.quarantines) return "";
  return row.instrument ? `${row.instrument} in quarantine` : `All of ${row.account} in quarantine`;
}

export function endWords(row: Break): string {
  if (row.state === "HEALED") return "Healed by the house";
  return `${choiceWords(row.choice)} by ${row.choice_by}`;
}
