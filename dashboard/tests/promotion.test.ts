import { describe, expect, it } from "vitest";

import { barredWords, closedGates, closedText, heardInPractice, judgementText, stageBadge, standingText, stageWord, stepTone, WAY } from "../src/agents/promotion-words";
import type { PromotionJudgement, Stage } from "../src/api/promotion-types";

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

const YOUNG = { name: "long_enough", required: "14 days", seen: "3 days", passed: false, pending: true, waived: false };
const LOSS = { name: "profit_after_fees", required: "above 0 bps", seen: "-12 bps", passed: false, pending: false, waived: false };
const SOUND = { name: "messages_are_sound", required: "at most 1 % refused", seen: "0.00%", passed: true, pending: false, waived: false };

describe("promotions in words", () => {
  it("calls a gate failed only for what was seen, and not yet for what is missing", () => {
    expect(standingText([SOUND])).toBe("every gate is passed");
    expect([standingText([YOUNG]), standingText([LOSS])]).toEqual(["its gate is not met yet", "its gate is failed"]);
    expect(standingText([SOUND, YOUNG])).toBe("1 of 2 gates is not met yet");
    expect(standingText([SOUND, YOUNG, LOSS])).toBe("1 of 3 gates is failed, 1 is not met yet");
    expect(standingText([SOUND, { ...LOSS, waived: true }])).toBe("practice waives 1 of 2 gates that is not passed");
    expect(closedText(closedGates([YOUNG, YOUNG, LOSS, LOSS]))).toBe("2 gates were failed, and 2 were not met yet");
    expect(closedText(closedGates([YOUNG]))).toBe("one gate was not met yet");
  });

  it("says which gates bar a sign-off, and of those that practice waives nothing", () => {
    expect(barredWords([SOUND, { ...LOSS, waived: true }])).toBe("");
    expect(barredWords([SOUND, YOUNG])).toBe("It can be signed off once this gate is passed:\n\u2022 Long enough: 3 days; required: 14 days");
    expect(barredWords([YOUNG, LOSS]).split("\n")).toEqual(["It can be signed off once these gates are passed:", "\u2022 Long enough: 3 days; required: 14 days", "\u2022 Profit after fees: -12 bps; required: above 0 bps"]);
  });

  it("draws what is behind, where it stands, and what is ahead", () => {
    expect(WAY.map((step) => stepTone(step, "paper"))).toEqual(["good", "good", "calm", "", ""]);
    expect(WAY.map((step) => stepTone(step, "ended"))).toEqual(["", "", "", "", ""]);
    expect(stageWord("walk_forward")).toBe("Walk-forward");
  });

  it("has a badge for an agent that was put on the way, and says what its stage means", () => {
    const badge = (promotion_stage: Stage | null, promotion_practice = false) => stageBadge({ promotion_stage, promotion_practice });
    expect(badge(null)).toBeNull();
    expect(badge("canary")).toEqual({ word: "Canary", tone: "calm", hint: "Stage of its promotion: Canary. Its vote counts a little." });
    expect([badge("paper")?.tone, badge("live")?.tone, badge("ended")]).toEqual(["calm", "good", { word: "Promotion ended", tone: "", hint: "Its promotion has ended. Its votes are kept and not counted." }]);
    expect(badge("paper", true)).toMatchObject({ word: "Paper, practice", tone: "warn" });
    expect(badge("paper", true)?.hint).toContain("Practice: gates that judge it are waived");
  });

  it("says from which stage on practice hears a candidate", () => {
    const agent = (promotion_stage: "paper" | "canary" | null, promotion_practice: boolean) => ({ promotion_stage, promotion_practice });
    expect([agent("paper", true), agent("canary", true), agent("canary", false), agent(null, false)].map(heardInPractice)).toEqual([false, true, false, false]);
  });

  it("tells who decided what and why", () => {
    expect(judgementText(judged)).toBe("Paper to Canary, signed off by ann: A fortnight of it.");
    expect(judgementText({ ...judged, outcome: "refused", gates: [YOUNG] })).toBe("ann asked to leave Paper; one gate was not met yet.");
    expect(judgementText({ ...judged, outcome: "refused", gates: [YOUNG, LOSS] })).toBe("ann asked to leave Paper; one gate was failed, and one was not met yet.");
    const waived = { ...LOSS, waived: true };
    expect(judgementText({ ...judged, gates: [waived] })).toBe("Paper to Canary, signed off by ann in practice (1 gate waived): A fortnight of it.");
    expect(judgementText({ ...judged, outcome: "refused", gates: [YOUNG, waived] })).toBe("ann asked to leave Paper; one gate was not met yet.");
    expect(judgementText({ ...judged, outcome: "demoted", before: "live", after: "paper", actor: "scoreboard", reason: "It lost." })).toBe("Live back to Paper (scoreboard): It lost.");
    expect(judgementText({ ...judged, outcome: "opened", before: null, after: "research" })).toBe("Put on the way by ann: A fortnight of it.");
  });
});
