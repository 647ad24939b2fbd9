/** Promotions in words. */

import type { PromotionJudgement, Stage } from "../api/promotion-types";
import type { Tone } from "../stores/order-words";

/** The way up, in order. */
export const WAY: Stage[] = ["research", "walk_forward", "paper", "canary", "live"];

const STAGES: Record<Stage, { word: string; means: string }> = {
  research: { word: "Research", means: "Its votes are kept and not counted. A stored backtest must speak for it." },
  walk_forward: { word: "Walk-forward", means: "Its votes are kept and not counted. A search must speak for it that tests on candles it has not chosen by." },
  paper: { word: "Paper", means: "It votes on what happens now, and nobody listens." },
  canary: { word: "Canary", means: "Its vote counts a little." },
  live: { word: "Live", means: "Its vote counts as its record says." },
  ended: { word: "Ended", means: "Its votes are kept and not counted." },
};

export function stageWord(stage: Stage): string {
  return STAGES[stage].word;
}

export function stageMeans(stage: Stage): string {
  return STAGES[stage].means;
}

/** Whether a candidate's votes count whatever its record is: practice shows what each stage does. */
export function heardInPractice(agent: { promotion_practice: boolean; promotion_stage: Stage | null }): boolean {
  return agent.promotion_practice && (agent.promotion_stage === "canary" || agent.promotion_stage === "live");
}

/** How a step of the way is drawn beside the stage that the candidate is on. */
export function stepTone(step: Stage, stage: Stage): Tone {
  if (stage === "ended") return "";
  const [at, now] = [WAY.indexOf(step), WAY.indexOf(stage)];
  if (at < now) return "good";
  return at === now ? "calm" : "";
}

/** Signed off from paper to canary by ann: … */
export function judgementText(one: PromotionJudgement): string {
  const from = one.before ? stageWord(one.before) : "";
  const failed = one.gates.filter((gate) => !gate.passed && !gate.waived).length;
  const waived = one.gates.filter((gate) => gate.waived).length;
  switch (one.outcome) {
    case "opened":
      return `Put on the way by ${one.actor}: ${one.reason}`;
    case "advanced":
      return `${from} to ${stageWord(one.after)}, signed off by ${one.actor}${waived ? ` in practice (${waived} failed ${waived === 1 ? "gate" : "gates"} waived)` : ""}: ${one.reason}`;
    case "refused":
      return `${one.actor} asked to leave ${from}; ${failed === 1 ? "one gate was" : `${failed} gates were`} failed.`;
    case "demoted":
      return `${from} back to ${stageWord(one.after)} (${one.actor}): ${one.reason}`;
    case "ended":
      return `Ended on ${from} by ${one.actor}: ${one.reason}`;
  }
}
