import { describe, expect, it } from "vitest";

import type { BacktestWish } from "../src/api/research-types";
import { figureText, FIGURES, isUnderWay, marketText, percent, plain, runStep, settingText, shareTone, strategiesText, toldText } from "../src/research/research-words";

const WISH: BacktestWish = {
  strategies: [
    { name: "momentum", parameters: { fast: 10, slow: 30.5 }, timeframe: "15m" },
    { name: "mean_reversion", parameters: {}, timeframe: null },
  ],
  instruments: ["BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "ADA/USDT"],
  timeframe: "1m",
  start: null,
  end: null,
  starting_capital: "1000",
  fee: null,
  slippage_bps: null,
  seed: 0,
  mode: "auto",
  limits: {},
  resumes_daily: false,
};

describe("research in words", () => {
  it("names what is run and on what", () => {
    expect(strategiesText(WISH)).toBe("Momentum (fast 10, slow 30.5) on 15m + Mean reversion");
    expect(marketText(WISH)).toBe("BTC/USDT, ETH/USDT, SOL/USDT and 2 more 1m");
    expect(settingText({ slow: 40, fast: 12, entry: 1.234567 })).toBe("entry 1.2346, fast 12, slow 40");
  });

  it("says unknown of a figure that a run can't tell, never 0", () => {
    expect(percent(null)).toBe("unknown");
    expect(plain(undefined)).toBe("unknown");
    expect(percent(0.01234, true)).toBe("+1.23\u00a0%");
    expect(percent(-0.00001, true)).toBe("0.00\u00a0%");
    expect(plain(1234.5)).toBe("1,234.50");
  });

  it("colours what shows as a gain or a loss, and nothing that shows as 0", () => {
    expect([0.01, -0.01, 0, -0.00001, null].map(shareTone)).toEqual(["up", "down", "", "", ""]);
  });

  it("writes every figure in its own kind", () => {
    const rows = FIGURES.flatMap((group) => group.rows);
    expect(new Set(rows.map((row) => row.name)).size).toBe(rows.length);
    const trades = rows.find((row) => row.name === "trades");
    expect(trades && figureText(trades, 12)).toBe("12");
  });

  it("has a dash where a run is too short for a figure, and unknown where nobody knows why", () => {
    const growth = FIGURES.flatMap((group) => group.rows).find((row) => row.name === "cagr");
    const short = { untold: { cagr: "A run of 3.0 days is not annualised." } };
    expect(growth && [toldText(growth, short, null), toldText(growth, {}, null), toldText(growth, { untold: {} }, 0.12)]).toEqual(["\u2013", "unknown", "12.00\u00a0%"]);
  });

  it("says what a run waits for, and that its worker was lost", () => {
    const run = { state: "QUEUED" as const, progress: 0, step: "", tries: 0, requested_at: "2026-11-28T10:00:00Z" };
    const now = Date.parse("2026-11-28T10:00:30Z");
    expect(isUnderWay(run)).toBe(true);
    expect(runStep(run, now)).toBe("Waits for a research worker.");
    expect(runStep({ ...run, tries: 1 }, now)).toContain("lost");
    expect(runStep({ ...run, state: "RUNNING", step: "Bar 3 of 9." }, now)).toBe("Bar 3 of 9.");
    expect(runStep(run, now + 200_000)).toContain("No worker has taken it for 3 min");
  });
});
