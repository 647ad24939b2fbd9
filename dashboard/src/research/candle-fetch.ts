/** Past candles of a live market that shall be fetched: how many, what is wrong with the wish, how far one is. */

import type { Backfill } from "../api/market-types";
import { counted } from "../format/counted";
import { timeframeSeconds } from "../format/time";
import type { Tone } from "../stores/order-words";

export const MOST_CANDLES = 100_000; // of one request, as the house has it
const DAY = 86_400_000;
const FIRST_DAYS = 90;

export interface Span {
  timeframe: string;
  /** Days as a date field writes them, 2026-03-01, in UTC; the last one is included. */
  first: string;
  last: string;
}

/** The days that a form begins with: a quarter up to today. */
export function recentDays(now: number): { first: string; last: string } {
  return { first: dayOf(now - (FIRST_DAYS - 1) * DAY), last: dayOf(now) };
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** The span as the API takes it, up to now at most; null while a day is missing. */
export function bounds(span: Span, now: number): { start: number; end: number } | null {
  const [first, last] = [Date.parse(`${span.first}T00:00:00Z`), Date.parse(`${span.last}T00:00:00Z`)];
  return Number.isNaN(first) || Number.isNaN(last) ? null : { start: first, end: Math.min(last + DAY, now) };
}

/** How many candles of one instrument that is, without holes and closing hours. */
export function candleCount(span: Span, now: number): number {
  const found = bounds(span, now);
  return found ? Math.max(0, Math.floor((found.end - found.start) / (timeframeSeconds(span.timeframe) * 1000))) : 0;
}

/** Why nothing is asked for yet; null where it can be. */
export function spanComplaint(span: Span, now: number): string | null {
  const found = bounds(span, now);
  if (!found) return "Name the first and the last day.";
  if (found.start >= now) return "The first day has not begun yet: there is nothing to fetch.";
  if (found.start >= found.end) return "The first day must not lie after the last one.";
  const count = candleCount(span, now);
  if (count === 0) return `No whole ${span.timeframe} candle lies between these days.`;
  if (count > MOST_CANDLES) return `These are ${counted(count, "candle")} each; at most ${counted(MOST_CANDLES, "candle")} are fetched at once. Take a longer timeframe, or fewer days.`;
  return null;
}

export function isFetching(row: Backfill): boolean {
  return row.state === "queued" || row.state === "running";
}

export function fetchTone(row: Backfill): Tone {
  if (row.state === "failed") return "bad";
  if (row.state === "done") return row.stored > 0 ? "good" : "warn";
  return "calm";
}

/** 1,200 of 25,920 candles, 5 %; what hindered it is told behind. */
export function fetchText(row: Backfill): string {
  const count = `${row.stored.toLocaleString("en")} of ${counted(row.wanted, "candle")}`;
  const state = { queued: row.stored > 0 ? `${Math.round(row.progress * 100)} %` : "waits", running: `${Math.round(row.progress * 100)} %`, done: "done", failed: "failed" }[row.state];
  return `${count}, ${state}${row.message ? `. ${row.message}` : ""}`;
}
