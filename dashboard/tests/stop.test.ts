import { describe, expect, it } from "vitest";

import type { StopProgress } from "../src/api/system-types";
import { stopSteps, stopUnderWay } from "../src/risk/stop-words";

const began: StopProgress = {
  by: "ada",
  reason: "Strange prices.",
  halted_at: "2026-11-28T12:00:00Z",
  orders_total: 3,
  orders_left: 2,
  orders_seconds: null,
  agents_total: 20,
  agents_left: 20,
  agents_seconds: null,
};

describe("a stop in words", () => {
  it("says of each step how far it has come", () => {
    expect(stopUnderWay(began)).toBe("Asking the venues: 1 of 3 orders canceled so far. Ending processes: 0 of 20 agents stopped so far.");
  });

  it("says when each step was through, and nothing more once all are", () => {
    const half = { ...began, orders_left: 0, orders_seconds: 0.4 };
    expect(stopSteps(half)).toEqual([
      { done: true, words: "3 orders canceled, 0.4 s after the halt." },
      { done: false, words: "Ending processes: 0 of 20 agents stopped so far." },
    ]);
    expect(stopUnderWay({ ...half, agents_left: 0, agents_seconds: 12.4 })).toBe("");
  });

  it("does not speak of orders and agents that there were not", () => {
    const nothing = { ...began, orders_total: 0, orders_left: 0, agents_total: 0, agents_left: 0 };
    expect(stopSteps(nothing).map((each) => each.words)).toEqual(["Looking for orders to be canceled…", "Looking for agents to be stopped…"]);
    expect(stopSteps({ ...nothing, orders_seconds: 0, agents_seconds: 0 }).map((each) => each.words)).toEqual(["No order had to be canceled.", "No agent had to be stopped."]);
  });

  it("counts what was found later", () => {
    expect(stopSteps({ ...began, orders_total: 1, orders_left: 4 })[0]?.words).toBe("Asking the venues: 0 of 4 orders canceled so far.");
  });
});
