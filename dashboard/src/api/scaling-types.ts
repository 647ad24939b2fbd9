/** Scaling of the fleet: plans, decisions and the autoscaler's policy. */

import type { Page } from "./client";

export interface Resources {
  memory_bytes: number;
  cpus: number;
}

export interface PlannedAgent {
  id: string | null;
  name: string | null;
  strategy: string;
  reason: string;
}

export interface DrainedAgent extends PlannedAgent {
  state: "draining" | "stopped";
}

export interface StrategyCount {
  strategy: string;
  before: number;
  after: number;
  created: number;
  started: number;
  kept: number;
  drained: number;
}

export interface ScalePlan {
  target_agents: number;
  strategy_distribution: string[];
  running_before: number;
  changes_nothing: boolean;
  created: PlannedAgent[];
  started: PlannedAgent[];
  kept: PlannedAgent[];
  drained: DrainedAgent[];
  by_strategy: StrategyCount[];
  budget: Resources;
  used_after: Resources;
  note: string;
}

export interface AutoscalerPolicy {
  version: number;
  enabled: boolean;
  strategies: string[];
  least_agents: number;
  most_agents: number;
  hot_above: number;
  cool_under: number;
  late_above: number;
  weak_brier: number;
  most_memory_bytes: number;
  most_cpus: number;
  hold_seconds: number;
  cooldown_seconds: number;
  author: string;
  reason: string;
  at: string | null;
}

export type ScalingAction = "deploy" | "more_resources" | "bench" | "drain" | "nothing" | "scale";

/** What a look of the autoscaler saw; a person's request keeps what was asked instead. */
export interface ScalingInputs {
  volatility?: number | null;
  budget?: Resources;
  used?: Resources;
  running?: number;
  draining?: number;
  running_before?: number;
  target_agents?: number;
  strategy_distribution?: string[];
}

export interface ScalingDecision {
  id: string;
  at: string;
  firm_at: string;
  actor: string;
  action: ScalingAction;
  code: string;
  reason: string;
  inputs: ScalingInputs;
  plan: Record<string, unknown>;
  policy_version: number | null;
}

export interface AutoscalerPage extends Page<ScalingDecision> {
  policy: AutoscalerPolicy;
  budget: Resources;
}
