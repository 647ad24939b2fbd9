/** What becomes of an agent whose settings are changed, in words. */

import type { AgentCard } from "../api/agent-types";
import type { Container } from "../api/system-types";
import { clockText } from "../format/time";
import type { Tone } from "../stores/order-words";
import type { SettingChanges } from "./agent-settings";
import { stageWord } from "./promotion-words";

type Affected = Pick<AgentCard, "name" | "desired_state" | "promotion_stage">;

/** Whether the fleet puts another process in the place of the one that runs. */
export function restarts(changes: SettingChanges, agent: Affected): boolean {
  const runs = agent.desired_state === "running" || agent.desired_state === "draining";
  return runs && (changes.parameters !== undefined || changes.resources !== undefined);
}

/** What becomes of the agent once the changes are saved, in sentences. */
export function effectWords(changes: SettingChanges, agent: Affected): string[] {
  if (Object.keys(changes).length === 0) return ["Nothing is changed yet."];
  const told: string[] = [];
  if (restarts(changes, agent)) told.push("Its process ends and another one starts with these settings, within seconds. A bar that closes meanwhile may go without its vote.");
  else if (agent.desired_state === "running") told.push("The new settings hold from the next bar on; its process runs on.");
  else told.push("The new settings hold once it is started.");
  const stage = agent.promotion_stage;
  const shown = changes.parameters ?? changes.timeframe ?? changes.instruments;
  if (shown !== undefined) told.push("Its record begins anew: weight and bench follow from votes with these settings alone.");
  if (shown !== undefined && stage && stage !== "research" && stage !== "ended") told.push(`Its promotion goes back from ${stageWord(stage).toLowerCase()} to research: what it has shown, it has shown with other settings.`);
  return told;
}

/** The announcement after the changes were saved. */
export function savedWords(changes: SettingChanges, agent: Affected): string {
  if (restarts(changes, agent)) return `The settings of ${agent.name} are changed. It is being started again with them.`;
  return `The settings of ${agent.name} are changed. They hold ${agent.desired_state === "running" ? "from the next bar on" : "once it is started"}.`;
}

type Seen = Pick<Container, "health" | "reason" | "started_at" | "observed_at">;

/** How far the restart with settings of `changedAt` is. The fleet starts a process at once, and learns since when it runs as it looks again. */
export function restartState(container: Seen | null, changedAt: string): { done: boolean; tone: Tone; says: string } {
  const since = (at: string | null | undefined): boolean => Date.parse(at ?? "") >= Date.parse(changedAt);
  if (since(container?.started_at)) return { done: true, tone: "good", says: `It runs with its new settings since ${clockText(container?.started_at)}.` };
  if (!container || !since(container.observed_at)) return { done: false, tone: "warn", says: "It is being started again with its new settings…" };
  if (container.health === "stopped") return { done: true, tone: "", says: "It does not run; once it does, it has its new settings." };
  if (container.health === "ended" || container.health === "quarantined") return { done: false, tone: "bad", says: `It was not started with its new settings. ${container.reason}` };
  if (container.health === "starting" && container.started_at === null) return { done: false, tone: "good", says: "Its new process was started with its new settings." };
  return { done: false, tone: "warn", says: "It is being started again with its new settings…" };
}
