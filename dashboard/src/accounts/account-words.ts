/** What an account is and how it is doing, in words. */

import type { Account } from "../api/account-types";

export function stateOf(account: Account): { word: string; tone: string; means: string } {
  if (account.trouble) return { word: "Not tradable", tone: "bad", means: account.trouble };
  if (account.enabled) return { word: "Enabled", tone: "good", means: `Enabled by ${account.enabled_by}.` };
  if (account.live_needs.some((need) => !need.met)) return { word: "Not ready", tone: "warn", means: "Something is missing for live trading." };
  return { word: "Disabled", tone: "", means: "An administrator can enable it." };
}

export function moneyWords(account: Account): string {
  if (account.mode === "live") return "Real money";
  if (account.venue === "paper") return "Practice, filled in the house";
  if (account.venue === "simulated") return "Practice, on the exchange simulator of this house";
  return `Practice account at ${account.venue}`;
}

export function venueWords(account: Account): string {
  if (account.venue === "paper") return "the paper exchange of this house";
  if (account.venue === "simulated") return "the exchange simulator of this house";
  return `${account.venue.charAt(0).toUpperCase()}${account.venue.slice(1)}, ${account.mode === "live" ? "live" : "its practice side"}`;
}
