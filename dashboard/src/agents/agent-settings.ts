/** An agent's settings while somebody changes them: what it has, what is typed, and what of that differs. */

import type { AgentCard, Strategy } from "../api/agent-types";
import { differingNumbers, numberTexts } from "./strategy-numbers";

export interface AgentSettings {
  timeframe: string;
  /** None: the watch list. */
  instruments: string[];
  memory: string;
  cpu: string;
  mayVeto: boolean;
  /** The strategy's parameters by name, as texts. */
  numbers: Record<string, string>;
}

/** The settings that an agent has. */
export function settingsOf(agent: AgentCard, strategy: Strategy | null): AgentSettings {
  return {
    timeframe: agent.timeframe,
    instruments: agent.follows_watch_list ? [] : [...agent.instruments],
    memory: agent.resources.memory ?? "",
    cpu: agent.resources.cpu === undefined ? "" : String(agent.resources.cpu),
    mayVeto: agent.may_veto,
    numbers: numberTexts(strategy?.parameters ?? [], agent.parameters),
  };
}

/** What a CPU field holds as the API takes it; what is no number goes as it is, so that the API says so. */
export function cpuOf(text: string): number | string {
  return text.trim() === "" || Number.isNaN(Number(text)) ? text.trim() : Number(text);
}

function sameInstruments(some: string[], others: string[]): boolean {
  return [...some].sort().join() === [...others].sort().join();
}

/** Whether an agent's settings are still those that were known; a parameter that was not known has not changed. */
export function sameSettings(known: AgentSettings, now: AgentSettings): boolean {
  const plain = (settings: AgentSettings): string => [settings.timeframe, settings.memory, settings.cpu, settings.mayVeto].join();
  const numbers = Object.entries(known.numbers).every(([name, text]) => now.numbers[name] === text);
  return numbers && plain(known) === plain(now) && sameInstruments(known.instruments, now.instruments);
}

/** What a form shows once the agent has other settings: what was typed stays, what was not touched follows the agent. */
export function followed(typed: AgentSettings, known: AgentSettings, now: AgentSettings): AgentSettings {
  const numbers = Object.entries(now.numbers).map(([name, text]) => [name, typed.numbers[name] === known.numbers[name] ? text : typed.numbers[name]]);
  return {
    timeframe: typed.timeframe === known.timeframe ? now.timeframe : typed.timeframe,
    instruments: sameInstruments(typed.instruments, known.instruments) ? now.instruments : typed.instruments,
    memory: typed.memory === known.memory ? now.memory : typed.memory,
    cpu: typed.cpu === known.cpu ? now.cpu : typed.cpu,
    mayVeto: typed.mayVeto === known.mayVeto ? now.mayVeto : typed.mayVeto,
    numbers: Object.fromEntries(numbers) as Record<string, string>,
  };
}

export interface SettingChanges {
  timeframe?: string;
  instruments?: string[];
  resources?: Record<string, unknown>;
  parameters?: Record<string, number>;
  may_veto?: boolean;
}

/** What the API shall change: only what differs. Parameters go together, since the API takes them as a whole. */
export function changesOf(typed: AgentSettings, has: AgentSettings, strategy: Strategy | null): SettingChanges {
  const changes: SettingChanges = {};
  const parameters = strategy?.parameters ?? [];
  const resources: Record<string, unknown> = {};
  if (typed.memory.trim() !== has.memory) resources["memory"] = typed.memory.trim();
  if (cpuOf(typed.cpu) !== cpuOf(has.cpu)) resources["cpu"] = cpuOf(typed.cpu);
  if (typed.timeframe !== has.timeframe) changes.timeframe = typed.timeframe;
  if (!sameInstruments(typed.instruments, has.instruments)) changes.instruments = typed.instruments;
  if (Object.keys(resources).length > 0) changes.resources = resources;
  if (parameters.some(({ name }) => Number(typed.numbers[name]) !== Number(has.numbers[name]))) changes.parameters = differingNumbers(parameters, typed.numbers);
  if (typed.mayVeto !== has.mayVeto) changes.may_veto = typed.mayVeto;
  return changes;
}
