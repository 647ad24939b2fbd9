/** How far an emergency stop has come, in words: halted, orders canceled, agents stopped. */

import type { StopProgress } from "../api/system-types";
import { counted } from "../format/counted";

export interface StopStep {
  done: boolean;
  words: string;
}

/** 0.4 s, 12 s, 135 s */
function secondsText(seconds: number): string {
  return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds).toLocaleString("en")} s`;
}

function step(what: string, doing: string, sizes: { total: number; left: number; seconds: number | null }, one: string): StopStep {
  const total = Math.max(sizes.total, sizes.left);
  if (sizes.seconds !== null) {
    return { done: true, words: total === 0 ? `No ${one} had to be ${what}.` : `${counted(total, one)} ${what}, ${secondsText(sizes.seconds)} after the halt.` };
  }
  return { done: false, words: total === 0 ? `Looking for ${one}s to be ${what}…` : `${doing}: ${total - sizes.left} of ${counted(total, one)} ${what} so far.` };
}

/** The steps after the halt, in their order. */
export function stopSteps(stop: StopProgress): StopStep[] {
  return [
    step("canceled", "Asking the venues", { total: stop.orders_total, left: stop.orders_left, seconds: stop.orders_seconds }, "order"),
    step("stopped", "Ending processes", { total: stop.agents_total, left: stop.agents_left, seconds: stop.agents_seconds }, "agent"),
  ];
}

/** In one line, while it is under way; empty once it is through. */
export function stopUnderWay(stop: StopProgress | null | undefined): string {
  if (!stop) return "";
  return stopSteps(stop)
    .filter((each) => !each.done)
    .map((each) => each.words)
    .join(" ");
}
