/** Scaling in words: how agents are dealt, what a plan does, what a decision saw. */

import type { Resources, ScalePlan, ScalingAction, ScalingDecision } from "../api/scaling-types";
import { counted } from "../format/counted";
import type { Tone } from "../stores/order-words";
import { asWords } from "../stores/rule-words";

const GIB = 2 ** 30;
const MOST = 500;

const ACTIONS: Record<ScalingAction, string> = {
  deploy: "Deployed",
  more_resources: "More resources",
  bench: "Benched",
  drain: "Drained",
  nothing: "Left alone",
  scale: "Scaled by request",
};

/** How many agents each strategy gets: dealt in the order of the list, as the server does it. */
export function dealt(target: number, distribution: readonly string[]): Map<string, number> {
  const shares = new Map<string, number>();
  const each = Math.floor(target / distribution.length);
  const left = target % distribution.length;
  distribution.forEach((strategy, place) => shares.set(strategy, (shares.get(strategy) ?? 0) + each + (place < left ? 1 : 0)));
  return shares;
}

/** "2 momentum, 2 arbitrage, 1 mean reversion" */
export function dealtWords(target: number, distribution: readonly string[]): string {
  return [...dealt(target, distribution)].map(([strategy, count]) => `${count} ${asWords(strategy).toLowerCase()}`).join(", ");
}

/** What is wrong with the number of agents; null when nothing is. */
export function targetComplaint(text: string): string | null {
  if (!/^\d+$/.test(text.trim())) return "Give a whole number.";
  const value = Number(text);
  return value >= 1 && value <= MOST ? null : `Between 1 and ${MOST}. To stop all agents, press the stop.`;
}

/** "Creates 2 agents, drains 1 and keeps 3." */
export function planWords(plan: ScalePlan): string {
  if (plan.changes_nothing) return "That is what runs already; nothing would change.";
  const parts = [
    plan.created.length ? `creates ${counted(plan.created.length, "agent")}` : "",
    plan.started.length ? `starts ${plan.started.length} again` : "",
    plan.drained.length ? `drains ${plan.drained.length}` : "",
    plan.kept.length ? `keeps ${plan.kept.length}` : "",
  ].filter(Boolean);
  const last = parts.pop() ?? "";
  const text = parts.length ? `${parts.join(", ")} and ${last}` : last;
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** "1.3 GiB and 2.5 CPUs" */
export function resourceWords(resources: Resources): string {
  const memory = resources.memory_bytes;
  const size = memory >= GIB ? `${(memory / GIB).toFixed(1)} GiB` : `${(memory / 2 ** 20).toFixed(0)} MiB`;
  return `${size} and ${counted(resources.cpus, "CPU")}`;
}

export function actionTone(action: ScalingAction): Tone {
  if (action === "nothing") return "";
  return action === "bench" || action === "drain" ? "warn" : "good";
}

/** What was done, with the agent's name: "Deployed momentum-2". */
export function doneWords(decision: ScalingDecision): string {
  const named = ["created", "started", "drained", "configured", "benched"].map((each) => decision.plan[each]).find((each) => typeof each === "string");
  if (decision.action === "more_resources" && named) return `More resources for ${named as string}`;
  return named ? `${ACTIONS[decision.action]} ${named as string}` : ACTIONS[decision.action];
}

/** The numbers behind a decision, each with its name. */
export function inputWords(decision: ScalingDecision): string[] {
  const { inputs } = decision;
  const found: string[] = [];
  if (inputs.strategy_distribution) found.push(`${inputs.target_agents ?? 0} asked for: ${inputs.strategy_distribution.map((each) => asWords(each).toLowerCase()).join(", ")}`);
  if (inputs.running_before !== undefined) found.push(`${inputs.running_before} ran before`);
  if (inputs.volatility !== undefined) found.push(inputs.volatility === null ? "volatility unknown" : `volatility ${inputs.volatility.toFixed(2)} times the usual`);
  if (inputs.running !== undefined) found.push(`${inputs.running} running`);
  if (inputs.draining) found.push(`${inputs.draining} draining`);
  if (inputs.used && inputs.budget) found.push(`${resourceWords(inputs.used)} of ${resourceWords(inputs.budget)} taken`);
  if (decision.policy_version) found.push(`policy version ${decision.policy_version}`);
  return found;
}
