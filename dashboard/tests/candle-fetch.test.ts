import { describe, expect, it } from "vitest";

import type { Backfill } from "../src/api/market-types";
import { bounds, candleCount, fetchText, fetchTone, isFetching, recentDays, spanComplaint } from "../src/research/candle-fetch";

const NOW = Date.parse("2026-03-10T12:34:56Z");

const ROW: Backfill = {
  id: "1",
  instrument: "BTC/USDT",
  source: "binance",
  timeframe: "5m",
  first_open: "2026-03-01T00:00:00Z",
  last_open: "2026-03-09T23:55:00Z",
  wanted: 2592,
  stored: 1200,
  progress: 0.463,
  state: "running",
  message: "",
  requested_by: "ann",
  created_at: "2026-03-10T12:00:00Z",
  changed_at: "2026-03-10T12:00:10Z",
};

describe("candles that shall be fetched", () => {
  it("takes whole days in UTC, the last one included, up to now", () => {
    expect(recentDays(NOW)).toEqual({ first: "2025-12-11", last: "2026-03-10" });
    expect(bounds({ timeframe: "1h", first: "2026-03-01", last: "2026-03-02" }, NOW)).toEqual({ start: Date.parse("2026-03-01T00:00:00Z"), end: Date.parse("2026-03-03T00:00:00Z") });
    expect(bounds({ timeframe: "1h", first: "2026-03-10", last: "2026-03-10" }, NOW)?.end).toBe(NOW);
    expect(candleCount({ timeframe: "1h", first: "2026-03-10", last: "2026-03-10" }, NOW)).toBe(12);
    expect(candleCount({ timeframe: "5m", first: "2026-03-01", last: "2026-03-09" }, NOW)).toBe(2592);
  });

  it("says what is wrong before anything is asked for", () => {
    const says = (timeframe: string, first: string, last: string) => spanComplaint({ timeframe, first, last }, NOW);
    expect(says("5m", "2026-03-01", "2026-03-09")).toBeNull();
    expect(says("5m", "", "2026-03-09")).toBe("Name the first and the last day.");
    expect(says("5m", "2026-03-09", "2026-03-01")).toBe("The first day must not lie after the last one.");
    expect(says("5m", "2026-03-11", "2026-03-12")).toContain("has not begun yet");
    expect(says("1d", "2026-03-10", "2026-03-10")).toBe("No whole 1d candle lies between these days.");
    expect(says("1m", "2025-12-01", "2026-03-09")).toContain("at most 100,000 candles are fetched at once");
  });

  it("tells how far one is, and what hindered it", () => {
    expect(fetchText(ROW)).toBe("1,200 of 2,592 candles, 46 %");
    expect(fetchText({ ...ROW, state: "queued", stored: 0, message: "binance does not answer." })).toBe("0 of 2,592 candles, waits. binance does not answer.");
    expect(fetchText({ ...ROW, state: "done", stored: 2592 })).toBe("2,592 of 2,592 candles, done");
    expect([ROW, { ...ROW, state: "done" as const }, { ...ROW, state: "done" as const, stored: 0 }, { ...ROW, state: "failed" as const }].map(fetchTone)).toEqual(["calm", "good", "warn", "bad"]);
    expect(isFetching(ROW)).toBe(true);
    expect(isFetching({ ...ROW, state: "failed" })).toBe(false);
  });
});
