/** What the management room says about the whole firm. */

import type { Provider } from "./market-types";
import type { Cause } from "./trading-types";

/** The pulse of one long-lived loop. */
export interface ProcessBeat {
  name: string;
  process: string;
  host: string;
  pid: number;
  alive: boolean;
  late: boolean;
  beat_at: string;
  last_step_at: string | null;
  age_seconds: number;
  steps: number;
  errors: number;
  last_error: string;
  standing_by?: string;
}

export interface MarketClock {
  kind: string;
  lock_step: boolean;
  base_timeframe: string;
  speed: number;
  bar_at: string | null;
  bar_index: number | null;
  state: string;
  message: string;
  dataset: unknown;
  sources: string[];
  primary_source: string;
  released_at: string | null;
}

export interface Incident {
  id: string;
  kind: string;
  subject: string;
  severity: string;
  detail: string;
  open: boolean;
  opened_at: string;
  last_seen_at: string;
  occurrences: number;
  closed_at: string | null;
  closed_by: string;
  close_reason: string;
}

/** How far the emergency stop in force has come; seconds are from the halt to the end of a step, null before. */
export interface StopProgress {
  by: string;
  reason: string;
  halted_at: string;
  orders_total: number;
  orders_left: number;
  orders_seconds: number | null;
  agents_total: number;
  agents_left: number;
  agents_seconds: number | null;
}

export interface SystemView {
  mode: string;
  venue: string;
  account: { name: string; venue: string | null; mode: string; enabled: boolean; trouble: string };
  market: MarketClock;
  trading_state: string;
  causes: Cause[];
  data_age_seconds: number | null;
  leader: string | null;
  lease: { leader: string | null; epoch: number; held_since: string | null; age_seconds: number | null; sends_in_seconds: number; text: string };
  instance: string;
  role: string;
  runtime: string;
  providers: Provider[];
  processes: ProcessBeat[];
  warming: { agent: string; name: string; text: string }[];
  agents: Record<string, number>;
  fleet_paused: boolean;
  emergency_stop: StopProgress | null;
  open_incidents: number;
  incidents: Incident[];
  as_of: string;
  firm_at: string;
}

export interface Container {
  name: string;
  kind: string;
  agent_id: string;
  agent: string | null;
  runtime: string;
  health: string;
  reason: string;
  wanted: boolean;
  handle: string;
  digest: string;
  started_at: string | null;
  observed_at: string | null;
  heartbeat_at: string | null;
  votes: number | null;
  exit_code: number | null;
  restarts: number;
  quarantined_at: string | null;
  memory_bytes: number | null;
  cpu_percent: number | null;
  limits: Record<string, unknown>;
  limits_state: string;
}

export interface Instance {
  id: string;
  name: string;
  role: string;
  leader: boolean;
  epoch: number | null;
  lease_age_seconds: number | null;
  promotion_wanted: boolean;
  alive: boolean;
  host: string;
  runtime: string;
  version: string;
  started_at: string | null;
  seen_at: string | null;
}

export interface Health {
  ok: boolean;
  problems: string[];
  parts: { part: string; ok: boolean; detail: string; ms: number }[];
  processes: ProcessBeat[];
  containers: { name: string; health: string; reason: string }[];
  open_incidents: number;
  as_of: string;
}

export interface AuditEntry {
  id: number;
  chain: string;
  seq: number;
  action: string;
  actor: string;
  subject: string;
  payload: unknown;
  at: string;
  firm_at: string;
  hash: string;
  previous_hash: string;
}

export interface AuditReport {
  ok: boolean;
  rows: number;
  first_bad: unknown;
  chains: { chain: string; rows: number; head: unknown; first_bad: unknown; gaps_before: number[] }[];
}
