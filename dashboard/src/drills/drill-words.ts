/** How a drill stands, in words. */

import type { DrillRun } from "../api/drill-types";
import type { Tone } from "../stores/order-words";

const STATES: Record<DrillRun["state"], { word: string; tone: Tone }> = {
  waiting: { word: "Waits for its worker", tone: "warn" },
  running: { word: "Under way", tone: "warn" },
  passed: { word: "Nothing was lost", tone: "good" },
  failed: { word: "Failed", tone: "bad" },
};

export function drillWord(state: DrillRun["state"]): string {
  return STATES[state].word;
}

export function drillTone(state: DrillRun["state"]): Tone {
  return STATES[state].tone;
}
