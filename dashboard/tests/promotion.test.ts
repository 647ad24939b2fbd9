import { describe, expect, it } from "vitest";

import { heardInPractice, judgementText, stageWord, stepTone, WAY } from "../src/agents/promotion-words";
import type { PromotionJudgement } from "../src/api/promotion-types";

const judged: PromotionJudgement = {
  outcome: "advanced",
  before: "paper",
  after: "canary",
  at: "2026-03-02T12:00:00Z",
  at_firm: "2026-03-02T12:00:00Z",
  actor: "ann",
  reason: "A fortnight of it.",
  gates: [],
};

describe("promotions in words", () => {
  it("draws what is behind, where it stands, and what is ahead", () => {
    expect(WAY.map((step) => stepTone(step, "paper"))).toEqual(["good", "good", "calm", "", ""]);
    expect(WAY.map((step) => stepTone(step, "ended"))).toEqual(["", "", "", "", ""]);
    expect(stageWord("walk_forward")).toBe("Walk-forward");
  });

  it("says from which stage on practice hears a candidate", () => {
    const agent = (promotion_stage: "paper" | "canary" | null, promotion_practice: boolean) => ({ promotion_stage, promotion_practice });
    expect([agent("paper", true), agent("canary", true), agent("canary", false), agent(null, false)].map(heardInPractice)).toEqual([false, true, false, false]);
  });

  it("tells who decided what and why", () => {
    expect(judgementText(judged)).toBe("Paper to Canary, signed off by ann: A fortnight of it.");
    const gate = { name: "long_enough", required: "14 days", seen: "3 days", passed: false, waived: false };
    expect(judgementText({ ...judged, outcome: "refused", gates: [gate] })).toBe("ann asked to leave Paper; one gate was failed.");
    const loss = { name: "profit_after_fees", required: "above 0 bps", seen: "-12 bps", passed: false, waived: true };
    expect(judgementText({ ...judged, gates: [loss] })).toBe("Paper to Canary, signed off by ann in practice (1 failed gate waived): A fortnight of it.");
    expect(judgementText({ ...judged, outcome: "refused", gates: [gate, loss] })).toBe("ann asked to leave Paper; one gate was failed.");
    expect(judgementText({ ...judged, outcome: "demoted", before: "live", after: "paper", actor: "scoreboard", reason: "It lost." })).toBe("Live back to Paper (scoreboard): It lost.");
    expect(judgementText({ ...judged, outcome: "opened", before: null, after: "research" })).toBe("Put on the way by ann: A fortnight of it.");
  });
});
