import { describe, expect, it } from "vitest";

import { candidateBacktest, candidateSearch } from "../src/research/candidate-wish";

const AGENT = { strategy: "three_down", parameters: { falls: 4, note: "odd" }, timeframe: "5m", instruments: ["BTC/USDT", "ETH/USDT"], promotion_practice: false };

describe("the research that a candidate is asked for", () => {
  it("is of its strategy alone, with its parameters, on its candles", () => {
    const wish = candidateBacktest(AGENT);
    expect(wish.strategies).toEqual([{ name: "three_down", parameters: { falls: 4 }, timeframe: null }]);
    expect([wish.timeframe, wish.instruments]).toEqual(["5m", ["BTC/USDT", "ETH/USDT"]]);
  });

  it("is smaller in practice, and looks for what few days can tell", () => {
    expect(candidateSearch(AGENT)).toEqual({ strategy: "three_down", timeframe: "5m", instruments: ["BTC/USDT"], folds: "4", trials: "40", objective: "sharpe" });
    expect(candidateSearch({ ...AGENT, promotion_practice: true })).toMatchObject({ folds: "2", trials: "5", objective: "total_return" });
  });
});
