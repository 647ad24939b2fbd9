/** The agents' views. */

import type { Stage } from "./promotion-types";
import type { Order, Verdict } from "./trading-types";

/** One line an agent that was asked: what it said and what that weighed, or why it said nothing. */
export interface DecisionVote {
  agent_id: string;
  agent: string;
  weight: number;
  voted: boolean;
  counted: boolean;
  share: number;
  note: string;
  reason: string;
  direction?: number;
  confidence?: number;
  abstain?: boolean;
  horizon_bars?: number;
  digest?: string;
  data_as_of?: string | null;
  expires_at?: string | null;
  received_at?: string | null;
}

export type Outcome = "ORDER" | "DENIED" | "NO_TRADE" | "SKIPPED";

export interface Decision {
  id: string;
  instrument: string;
  timeframe: string;
  closed_at: string;
  decided_at: string | null;
  outcome: Outcome;
  code: string;
  reason: string;
  headline: string;
  method: string;
  rules: Record<string, unknown>;
  score: number;
  target: number | null;
  held: number | null;
  expected_edge_bps: number | null;
  fee_bps: number | null;
  volatility: number | null;
  horizon_bars: number;
  asked: number;
  opinions: number;
  in_favour: number;
  votes: DecisionVote[];
  sizing: Record<string, unknown>;
  verdicts: Verdict[];
  order_id: string | null;
  order: Order | null;
  correlation_id: string;
}

export interface Explanation {
  instrument: string;
  at: string;
  decisions: Decision[];
  open_rounds: { id: string; timeframe: string; closed_at: string; deadline: string; asked: string[] }[];
  note: string;
}

export interface Vote {
  id: number;
  round_id: string;
  instrument: string;
  timeframe: string;
  closed_at: string;
  direction: number;
  confidence: number;
  abstain: boolean;
  horizon_bars: number;
  expires_at: string | null;
  reason: string;
  digest: string;
  received_at: string | null;
  next_bar_bps: number | null;
  horizon_bps: number | null;
}

export interface Score {
  at: string;
  votes: number;
  opinions: number;
  hits: number;
  hit_rate: number | null;
  brier: number | null;
  pnl_bps: number;
  weight: number;
  benched_reason: string | null;
}

export interface Heartbeat {
  at?: string;
  votes?: number;
  failures?: number;
  problem?: string;
  warm_bars?: number;
  needs_bars?: number;
  rss_bytes?: number;
}

export interface AgentCard {
  id: string;
  name: string;
  type: string;
  strategy: string;
  instruments: string[];
  follows_watch_list: boolean;
  timeframe: string;
  parameters: Record<string, unknown>;
  needs_bars: number;
  resources: { memory?: string; cpu?: number };
  desired_state: string;
  weight: number;
  may_veto: boolean;
  benched_reason: string | null;
  budget: string | null;
  created_at: string;
  changed_at: string;
  heartbeat: Heartbeat | null;
  warming: string | null;
  /** destroyed, stopped, draining, unknown, silent, warming 37/200, benched, voting */
  activity: string;
  votes: Vote[];
  score: Score | null;
  refused_votes: number;
  /** null: it was never put on the way of a promotion. */
  promotion_stage: Stage | null;
  promotion_practice: boolean;
}

export interface Performance {
  agent_id: string;
  name: string;
  weight: number;
  benched_reason: string | null;
  votes: number;
  score: Score | null;
  history: Score[];
  refused: { code: string; count: number; detail: string; first_at: string; last_at: string }[];
}

export interface StrategyParameter {
  name: string;
  default: number;
  lowest: number;
  highest: number;
  whole: boolean;
  description: string;
  /** Where a search looks, from and to; null: it leaves the parameter alone. */
  searched: [number, number] | null;
}

/** What an agent gets of a resource where nothing is named, and within which bounds it may be named. */
export interface ResourceSpan<T> {
  default: T;
  lowest: T;
  highest: T;
}

export interface ResourceSpans {
  /** Such as 256M or 1G. */
  memory: ResourceSpan<string>;
  cpu: ResourceSpan<number>;
}

export interface Strategy {
  name: string;
  description: string;
  default_timeframe: string;
  needs_bars: number;
  /** Why an agent of it could not vote here, and the remedy; empty where it could. */
  unavailable: string;
  parameters: StrategyParameter[];
  resources: ResourceSpans;
}
