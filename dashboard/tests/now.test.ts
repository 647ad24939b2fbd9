import { describe, expect, it } from "vitest";

import type { Decision } from "../src/api/agent-types";
import type { Fill, Order } from "../src/api/trading-types";
import { dayHeads, nowLines } from "../src/overview/now-lines";
import { deedWords } from "../src/stores/order-words";

function decision(id: string, minute: string, code: string, outcome: Decision["outcome"] = "NO_TRADE", instrument = "ETH/USDT"): Decision {
  return { id, instrument, outcome, code, closed_at: `2026-01-01T09:${minute}:00Z`, decided_at: `2026-03-01T12:${minute}:01Z` } as Decision;
}

function order(id: string, minute: string, more: Partial<Order> = {}): Order {
  const fill = { realized_pnl: "-3.754", traded_at: `2026-01-01T09:${minute}:00Z`, recorded_at: `2026-03-01T12:${minute}:02Z` } as Fill;
  const known = { id, instrument: "ETH/USDT", side: "sell", origin: "guard", actor: "stop guard", decision_id: null, filled_quantity: "0.0759", average_price: "3234.9" };
  return { ...known, reason: "The price fell to 3265.", fills: [fill], ...more } as Order;
}

function told(lines: ReturnType<typeof nowLines>): string[] {
  return lines.map((line) => (line.order ? line.key : `${line.key} x${line.times}`));
}

describe("the feed of what happened", () => {
  it("tells trades that no decision asked for among the decisions, newest first", () => {
    const lines = nowLines([decision("d3", "50", "far"), decision("d1", "40", "entry", "ORDER")], [order("stopped", "45"), order("agents", "40", { decision_id: "d1" })], "all", 60);
    expect(told(lines)).toEqual(["d3 x1", "stopped", "d1 x1"]);
  });

  it("names the day where it turns, and only there", () => {
    const past = { ...decision("d0", "30", "near"), closed_at: "2025-12-30T09:30:00Z", decided_at: "2026-03-01T11:00:00Z" };
    const lines = nowLines([decision("d2", "50", "far"), past], [order("stopped", "45"), order("older", "40", { fills: [{ traded_at: "2025-12-30T09:40:00Z", recorded_at: "2026-03-01T11:30:00Z" } as Fill] })], "all", 60);
    expect(told(lines)).toEqual(["d2 x1", "stopped", "older", "d0 x1"]);
    expect([...dayHeads(lines)]).toEqual([["older", "30 Dec 2025"]]);
  });

  it("says once what bars repeat, and again after something happened", () => {
    const bars = [decision("d4", "55", "far"), decision("d3", "50", "far"), decision("d2", "40", "far"), decision("d1", "35", "far")];
    expect(told(nowLines(bars, [], "all", 60))).toEqual(["d4 x4"]);
    expect(told(nowLines(bars, [order("stopped", "45")], "all", 60))).toEqual(["d4 x2", "stopped", "d2 x2"]);
  });

  it("keeps the stops where only orders are wanted, leaves out what traded nothing, and ends at its length", () => {
    const bars = [decision("d3", "50", "far"), decision("d2", "49", "limits", "DENIED")];
    expect(told(nowLines(bars, [order("stopped", "45"), order("armed", "46", { fills: [] })], "acted", 60))).toEqual(["d2 x1", "stopped"]);
    expect(told(nowLines(bars, [order("stopped", "45")], "all", 2))).toEqual(["d3 x1", "d2 x1"]);
  });

  it("says who traded, the result and why", () => {
    expect(deedWords(order("stopped", "45"))).toBe("the stop guard sold 0.0759 at 3,234.9, result \u22123.75. The price fell to 3265.");
    expect(deedWords(order("bought", "45", { side: "buy", origin: "manual", actor: "ann", reason: "Dip." }))).toBe("ann bought 0.0759 at 3,234.9. Dip.");
  });
});
