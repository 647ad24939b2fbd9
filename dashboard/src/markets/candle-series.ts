/** Candles as the chart draws them: gaps as gaps, fills on their bars. Pure. */

import type { Candle } from "../api/market-types";
import { forDrawing } from "../format/decimal";
import { epochSeconds } from "../format/time";

export interface Bar {
  time: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

export interface Hole {
  time: number;
}

const MOST_HOLES = 2000;

/** Known and told candles as one list, oldest first, one a bar; what is told replaces what was known. */
export function joined(known: readonly Candle[], told: readonly Candle[]): Candle[] {
  const byTime = new Map(known.map((candle) => [candle.open_at, candle]));
  for (const candle of told) byTime.set(candle.open_at, candle);
  return [...byTime.values()].sort((a, b) => (a.open_at < b.open_at ? -1 : 1));
}

export function barOf(candle: Candle): Bar {
  return {
    time: epochSeconds(candle.open_at),
    open: forDrawing(candle.open),
    high: forDrawing(candle.high),
    low: forDrawing(candle.low),
    close: forDrawing(candle.close),
    volume: forDrawing(candle.volume),
  };
}

/** Bars with an empty place for each bar that is missing between two of them. */
export function withHoles(candles: readonly Candle[], step: number): (Bar | Hole)[] {
  const drawn: (Bar | Hole)[] = [];
  let before: number | null = null;
  let holes = 0;
  for (const candle of candles) {
    const bar = barOf(candle);
    for (let time = before === null ? bar.time : before + step; time < bar.time && holes < MOST_HOLES; time += step) {
      drawn.push({ time });
      holes += 1;
    }
    drawn.push(bar);
    before = bar.time;
  }
  return drawn;
}

export function isBar(item: Bar | Hole): item is Bar {
  return "close" in item;
}

/** How many bars are missing between the first and the last. */
export function missingBars(candles: readonly Candle[], step: number): number {
  const first = candles[0];
  const last = candles.at(-1);
  if (!first || !last) return 0;
  return Math.round((epochSeconds(last.open_at) - epochSeconds(first.open_at)) / step) + 1 - candles.length;
}

/** The opening time of the bar that holds this instant. */
export function barTime(iso: string, step: number): number {
  return Math.floor(epochSeconds(iso) / step) * step;
}
