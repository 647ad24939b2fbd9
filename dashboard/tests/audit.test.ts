import { describe, expect, it } from "vitest";

import { actionWords, chainWords, loopName, subjectWords } from "../src/stores/audit-words";

const ID = "01939f3a-7c1e-7a52-9d10-0b6cf21a2b3c";

describe("the audit in words", () => {
  it("tells what became of an order", () => {
    expect(actionWords({ action: "order.state_changed", payload: { from: "SUBMITTING", to: "ACCEPTED" } })).toBe("Order accepted");
    expect(actionWords({ action: "order.cancel_wanted", payload: {} })).toBe("Order cancel wanted");
    expect(actionWords({ action: "fleet.paused", payload: null })).toBe("Fleet paused");
  });

  it("names subjects and says where to look at them", () => {
    const agents = new Map([[ID, "momentum-1"]]);
    expect(subjectWords(`order:${ID}`, agents)).toEqual({ words: "Order\u00a0…f21a2b3c", to: { name: "orders", params: { id: ID } } });
    expect(subjectWords(`agent:${ID}`, agents).words).toBe("momentum-1");
    expect(subjectWords(`agent:${ID}`, new Map()).words).toBe("Agent\u00a0…f21a2b3c");
    expect(subjectWords("limits:3", agents).words).toBe("Limits, version\u00a03");
    expect(subjectWords("BTC/USDT", agents)).toEqual({ words: "BTC/USDT", to: null });
  });

  it("names loops in sentences of the health check", () => {
    expect(loopName("core/market_clock has not beaten for 783 s.")).toBe("Market clock (core) has not beaten for 783 s.");
    expect(loopName("Redis is away: timeout 1/2.")).toBe("Redis is away: timeout 1/2.");
  });

  it("names chains", () => {
    expect(chainWords("operations")).toBe("Operations");
    expect(chainWords(`account:${ID}`)).toBe("Account\u00a0…f21a2b3c");
  });
});
