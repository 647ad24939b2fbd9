/** What the feed tells: decisions and the trades that none of them asked for, newest first. */

import type { Decision } from "../api/agent-types";
import type { Order } from "../api/trading-types";
import { dayText } from "../format/time";

export type Which = "all" | "acted";

interface Decided {
  key: string;
  wall: string;
  decision: Decision;
  times: number;
  order?: undefined;
}

interface Deed {
  key: string;
  wall: string;
  order: Order;
}

export type NowLine = Decided | Deed;

/** When its last trade was booked here, wall clock. */
export function tradedAt(order: Order): string {
  return order.fills.at(-1)?.recorded_at ?? order.proposed_at;
}

/** When its last trade was made, firm time. */
export function tradedFirmAt(order: Order): string {
  return order.fills.at(-1)?.traded_at ?? order.proposed_firm_at;
}

/** Bars that say the same of an instrument again are told once, until something happens there. */
export function nowLines(decisions: Decision[], orders: Order[], which: Which, most: number): NowLine[] {
  const deeds: NowLine[] = orders.filter((order) => order.decision_id === null && order.fills.length > 0).map((order) => ({ key: order.id, wall: tradedAt(order), order }));
  const decided: NowLine[] = decisions
    .filter(({ outcome }) => which === "all" || outcome === "ORDER" || outcome === "DENIED")
    .map((decision) => ({ key: decision.id, wall: decision.decided_at ?? decision.closed_at, decision, times: 1 }));
  const lines: NowLine[] = [];
  const last = new Map<string, NowLine>();
  for (const line of [...deeds, ...decided].sort((a, b) => b.wall.localeCompare(a.wall))) {
    const instrument = (line.order ?? line.decision).instrument;
    const known = last.get(instrument);
    if (line.order === undefined && known?.order === undefined && known && sameNoTrade(known.decision, line.decision)) {
      known.times += 1;
      continue;
    }
    if (lines.length >= most) break;
    last.set(instrument, line);
    lines.push(line);
  }
  return lines;
}

/** The day (firm time, the viewer's zone) over each line that is of an earlier one than the line above it, by key. */
export function dayHeads(lines: NowLine[]): Map<string, string> {
  const heads = new Map<string, string>();
  let above = "";
  for (const line of lines) {
    const day = dayText(line.order ? tradedFirmAt(line.order) : line.decision.closed_at);
    if (above && day !== above) heads.set(line.key, day);
    above = day;
  }
  return heads;
}

function sameNoTrade(one: Decision, other: Decision): boolean {
  return one.outcome === "NO_TRADE" && other.outcome === "NO_TRADE" && one.code === other.code;
}
