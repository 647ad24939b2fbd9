/** Agents and votes in words. */

import type { Vote } from "../api/agent-types";
import type { Tone } from "./order-words";

export function activityTone(activity: string): Tone {
  if (activity === "voting") return "good";
  if (activity.startsWith("warming") || activity === "benched" || activity === "unknown") return "warn";
  if (activity === "silent" || activity === "raising") return "bad";
  return "";
}

type Said = Pick<Vote, "direction" | "confidence" | "abstain">;

/** Direction times confidence, in [-1, 1]. */
export function strength(vote: Said): number {
  return vote.abstain ? 0 : vote.direction * vote.confidence;
}

/** +0.71, −0.20, 0.00 */
export function signed(value: number, places = 2): string {
  const text = Math.abs(value).toFixed(places);
  if (Number(text) === 0) return text;
  return value > 0 ? `+${text}` : `\u2212${text}`;
}

export function voteWord(vote: Said): string {
  if (vote.abstain) return "abstains";
  const value = strength(vote);
  if (value > 0) return "up";
  return value < 0 ? "down" : "neutral";
}
