/** Promotions in words. */

import type { PromotionGate, PromotionJudgement, Stage } from "../api/promotion-types";
import type { Tone } from "../stores/order-words";
import { asWords } from "../stores/rule-words";

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

type Promoted = { promotion_practice: boolean; promotion_stage: Stage | null };

/** Whether a candidate's votes count whatever its record is: practice shows what each stage does. */
export function heardInPractice(agent: Promoted): boolean {
  return agent.promotion_practice && (agent.promotion_stage === "canary" || agent.promotion_stage === "live");
}

/** The stage of an agent's promotion as a badge, and what it means; null for an agent that was never put on the way. */
export function stageBadge(agent: Promoted): { word: string; tone: Tone; hint: string } | null {
  const stage = agent.promotion_stage;
  if (!stage) return null;
  const tone: Tone = stage === "live" ? "good" : stage === "ended" ? "" : "calm";
  const word = stage === "ended" ? "Promotion ended" : stageWord(stage);
  const hint = stage === "ended" ? `Its promotion has ended. ${stageMeans(stage)}` : `Stage of its promotion: ${word}. ${stageMeans(stage)}`;
  if (!agent.promotion_practice) return { word, tone, hint };
  return { word: `${word}, practice`, tone: stage === "ended" ? "" : "warn", hint: `${hint}\nPractice: gates that judge it are waived where it fails them.` };
}

/** How a step of the way is drawn beside the stage that the candidate is on. */
export function stepTone(step: Stage, stage: Stage): Tone {
  if (stage === "ended") return "";
  const [at, now] = [WAY.indexOf(step), WAY.indexOf(stage)];
  if (at < now) return "good";
  return at === now ? "calm" : "";
}

/** How many gates let nobody through: those that were failed, and those that lack time, votes or research. */
export function closedGates(gates: PromotionGate[]): { failed: number; pending: number } {
  const closed = gates.filter((gate) => !gate.passed && !gate.waived);
  const pending = closed.filter((gate) => gate.pending).length;
  return { failed: closed.length - pending, pending };
}

/** How gates are met that nobody has asked for yet: 1 of 7 gates is failed, 2 are not met yet. */
export function standingText(gates: PromotionGate[]): string {
  const { failed, pending } = closedGates(gates);
  const waived = gates.filter((gate) => gate.waived).length;
  const are = (count: number): string => (count === 1 ? "is" : "are");
  if (gates.length === 1 && failed + pending) return failed ? "its gate is failed" : "its gate is not met yet";
  if (failed) return `${failed} of ${gates.length} gates ${are(failed)} failed${pending ? `, ${pending} ${are(pending)} not met yet` : ""}`;
  if (pending) return `${pending} of ${gates.length} gates ${are(pending)} not met yet`;
  return waived ? `practice waives ${waived} of ${gates.length} gates that ${are(waived)} not passed` : "every gate is passed";
}

/** Why a sign-off was refused: 2 gates were failed, and one was not met yet. */
export function closedText({ failed, pending }: { failed: number; pending: number }): string {
  const be = (count: number): string => (count === 1 ? "was" : "were");
  const counted = (count: number): string => (count === 1 ? "one gate" : `${count} gates`);
  const first = failed ? `${counted(failed)} ${be(failed)} failed` : `${counted(pending)} ${be(pending)} not met yet`;
  return failed && pending ? `${first}, and ${pending === 1 ? "one" : pending} ${be(pending)} not met yet` : first;
}

/** What keeps a candidate from its next stage, as a sentence; empty where nothing does, or where practice waives it. */
export function barredWords(gates: PromotionGate[]): string {
  const closed = gates.filter((gate) => !gate.passed && !gate.waived);
  if (closed.length === 0) return "";
  const told = closed.map((gate) => `\u2022 ${asWords(gate.name)}: ${gate.seen}; required: ${gate.required}`);
  return [`It can be signed off once ${closed.length === 1 ? "this gate is" : "these gates are"} passed:`, ...told].join("\n");
}

/** Signed off from paper to canary by ann: … */
export function judgementText(one: PromotionJudgement): string {
  const from = one.before ? stageWord(one.before) : "";
  const waived = one.gates.filter((gate) => gate.waived).length;
  switch (one.outcome) {
    case "opened":
      return `Put on the way by ${one.actor}: ${one.reason}`;
    case "advanced":
      return `${from} to ${stageWord(one.after)}, signed off by ${one.actor}${waived ? ` in practice (${waived} ${waived === 1 ? "gate" : "gates"} waived)` : ""}: ${one.reason}`;
    case "refused":
      return `${one.actor} asked to leave ${from}; ${closedText(closedGates(one.gates))}.`;
    case "demoted":
      return `${from} back to ${stageWord(one.after)} (${one.actor}): ${one.reason}`;
    case "ended":
      return `Ended on ${from} by ${one.actor}: ${one.reason}`;
  }
}
