import { describe, expect, it } from "vitest";

import type { ScalePlan, ScalingDecision } from "../src/api/scaling-types";
import { dealt, dealtWords, doneWords, inputWords, planWords, resourceWords, targetComplaint } from "../src/fleet/scaling-words";

const plan: ScalePlan = {
  target_agents: 5,
  strategy_distribution: ["momentum"],
  running_before: 4,
  changes_nothing: false,
  created: [],
  started: [],
  kept: [],
  drained: [],
  by_strategy: [],
  budget: { memory_bytes: 2 ** 33, cpus: 16 },
  used_after: { memory_bytes: 2 ** 28, cpus: 0.5 },
  note: "",
};
const one = { id: "1", name: "momentum-1", strategy: "momentum", reason: "A test." };

describe("scaling in words", () => {
  it("deals agents as the server does", () => {
    expect([...dealt(5, ["momentum", "arbitrage", "mean_reversion"])]).toEqual([
      ["momentum", 2],
      ["arbitrage", 2],
      ["mean_reversion", 1],
    ]);
    expect([...dealt(4, ["momentum", "momentum", "breakout"])]).toEqual([
      ["momentum", 3],
      ["breakout", 1],
    ]);
    expect(dealtWords(1, ["momentum", "mean_reversion"])).toBe("1 momentum, 0 mean reversion");
  });

  it("refuses numbers that the server would refuse", () => {
    for (const text of ["0", "501", "-1", "1.5", "many"]) expect(targetComplaint(text), text).not.toBeNull();
    for (const text of ["1", " 5 ", "500"]) expect(targetComplaint(text), text).toBeNull();
  });

  it("says what a plan does", () => {
    expect(planWords({ ...plan, created: [one, one], drained: [{ ...one, state: "stopped" }], kept: [one, one, one] })).toBe("Creates 2 agents, drains 1 and keeps 3.");
    expect(planWords({ ...plan, started: [one] })).toBe("Starts 1 again.");
    expect(planWords({ ...plan, changes_nothing: true, kept: [one] })).toBe("That is what runs already; nothing would change.");
  });

  it("says what a decision saw, and that something is unknown", () => {
    const decision: ScalingDecision = {
      id: "1",
      at: "2026-01-01T00:00:00Z",
      firm_at: "2026-01-01T00:00:00Z",
      actor: "autoscaler",
      action: "nothing",
      code: "in_bounds",
      reason: "",
      inputs: { volatility: null, running: 4, used: plan.used_after, budget: plan.budget },
      plan: {},
      policy_version: 3,
    };
    expect(doneWords(decision)).toBe("Left alone");
    expect(doneWords({ ...decision, action: "deploy", plan: { created: "momentum-2", agent_id: "1" } })).toBe("Deployed momentum-2");
    expect(doneWords({ ...decision, action: "scale", plan: { created: 2, drained: 1 } })).toBe("Scaled by request");
    expect(inputWords(decision)).toEqual(["volatility unknown", "4 running", "256 MiB and 0.5 CPUs of 8.0 GiB and 16 CPUs taken", "policy version 3"]);
    expect(resourceWords({ memory_bytes: 1.25 * 2 ** 30, cpus: 2.5 })).toBe("1.3 GiB and 2.5 CPUs");
  });
});
