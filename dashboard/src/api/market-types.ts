/** The market's views, field by field as the API gives them. Decimals are strings, times ISO 8601 UTC. */

export interface Mark {
  price: string | null;
  as_of: string | null;
  received_at: string | null;
  sources: string[];
  spread_bps: string | null;
  stale: boolean;
  diverging: boolean;
  reason: string;
  closed: boolean;
  opens_at: string | null;
}

export interface Quote {
  instrument: string;
  source: string;
  bid: string;
  ask: string;
  last: string | null;
  spread_bps: string | null;
  event_at: string;
  received_at: string;
  market: string;
}

export interface QuoteSnapshot {
  instrument: string;
  market: string;
  assumption: string;
  mark: Mark;
  quotes: Quote[];
}

export interface Candle {
  instrument: string;
  source: string;
  timeframe: string;
  open_at: string;
  close_at: string;
  open: string;
  high: string;
  low: string;
  close: string;
  volume: string;
}

export interface Instrument {
  instrument: string;
  base: string;
  quote: string;
  tick_size: string;
  step_size: string;
  min_quantity: string | null;
  min_notional: string | null;
  assumed: string[];
  sources: string[];
  calendar: string;
  open: boolean;
  session_until: string | null;
  watched: boolean;
  paused: boolean;
  paused_reason: string | null;
  paused_by?: string | null;
  paused_at?: string | null;
}

export interface Provider {
  name: string;
  market: string;
  priority: number;
  enabled: boolean;
  state: string;
  message: string;
  primary: boolean;
  failures: number;
  latency_ms: number | null;
  last_ok_at: string | null;
  last_error_at: string | null;
}

export interface Notice {
  id: number;
  instrument: string;
  source: string;
  timeframe: string;
  open_at: string;
  kind: string;
  repaired: boolean;
  detail: string;
}

/** One instrument's past candles being fetched; ``progress`` in [0, 1]. */
export interface Backfill {
  id: string;
  instrument: string;
  source: string;
  timeframe: string;
  first_open: string;
  last_open: string;
  wanted: number;
  stored: number;
  progress: number;
  state: "queued" | "running" | "done" | "failed";
  message: string;
  requested_by: string;
  created_at: string;
  changed_at: string;
}

export interface Gap {
  id: number | string;
  instrument: string;
  source: string;
  timeframe: string;
  first_open: string;
  last_open: string;
  missing: number;
  state: string;
}
