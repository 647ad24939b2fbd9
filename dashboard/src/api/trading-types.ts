/** The trading room's views. */

export interface Position {
  instrument: string;
  quantity: string;
  average_price: string | null;
  cost: string;
  mark_price: string | null;
  market_value: string | null;
  unrealized_pnl: string | null;
  unrealized_pct: string | null;
  realized_pnl: string;
  fees: string;
  /** Null for dust, which no stop covers. */
  stop_price: string | null;
  share_of_equity: string | null;
  opened_at: string | null;
  mark_as_of: string | null;
  mark_sources: string[];
  stale: boolean;
}

/** Equity and what follows from it are null while a held price is unknown. `as_of` is firm time. */
export interface Portfolio {
  id: string;
  account: string;
  name: string;
  mode: string;
  base_currency: string;
  starting_capital: string;
  cash: string;
  reserved: string;
  equity: string | null;
  market_value: string | null;
  realized_pnl: string;
  unrealized_pnl: string | null;
  fees_paid: string;
  pnl: string | null;
  return_pct: string | null;
  day_pnl: string | null;
  exposure_pct: string | null;
  peak_equity: string;
  drawdown_pct: string | null;
  trading_state: string;
  as_of: string;
  stale: boolean;
  positions: Position[];
}

export interface Verdict {
  rule: string;
  allowed: boolean;
  code: string;
  detail: string;
  inputs?: Record<string, unknown> | null;
}

export interface Fill {
  id: string;
  order_id: string;
  instrument: string;
  side: "buy" | "sell";
  quantity: string;
  price: string;
  cost: string;
  fee: string;
  fee_asset: string;
  realized_pnl: string;
  liquidity: string;
  account: string;
  venue_trade_id: string;
  traded_at: string;
  recorded_at: string;
}

export interface Transition {
  from: string | null;
  to: string;
  at: string;
  firm_at: string;
  actor: string;
  note: string;
}

/** What an order waits for. */
export interface Trigger {
  state: "waiting" | "at_venue" | "hit" | "ended";
  price: string | null;
  fires: "at_or_below" | "at_or_above";
  then: "market" | "limit";
  best_price: string | null;
}

export interface GroupMember {
  id: string;
  role: "entry" | "take_profit" | "stop_loss";
  state: string;
  side: "buy" | "sell";
  type: string;
  quantity: string;
  filled_quantity: string;
  limit_price: string | null;
  stop_price: string | null;
}

/** Orders that belong together: the exits of held units, or an entry with its exits. */
export interface OrderGroup {
  id: string;
  kind: "oco" | "bracket";
  units: string | null;
  take_profit_price: string | null;
  stop_loss_price: string | null;
  orders: GroupMember[];
}

/** What the gate would say now; nothing is stored. */
export interface OrderPreview {
  allowed: boolean;
  summary: string;
  verdicts: Verdict[];
  account: string;
  mark: string | null;
  quantity: string;
  value: string | null;
  reserves: string | null;
  reserves_asset: string;
  stop_price: string | null;
}

export interface Order {
  id: string;
  client_order_id: string;
  portfolio_id: string;
  instrument: string;
  state: string;
  state_note: string;
  summary: string;
  side: "buy" | "sell";
  type: string;
  time_in_force: string;
  reduce_only: boolean;
  post_only: boolean;
  is_protective: boolean;
  reason: string;
  origin: string;
  actor: string;
  quantity: string;
  notional: string | null;
  limit_price: string | null;
  stop_price: string | null;
  trail_pct: string | null;
  trail_amount: string | null;
  trigger: Trigger | null;
  role: "" | "entry" | "take_profit" | "stop_loss";
  group: OrderGroup | null;
  replaces: string | null;
  replaced_by: string | null;
  filled_quantity: string;
  filled_cost: string;
  average_price: string | null;
  fees: string;
  reserved_amount: string;
  reserved_left: string;
  reserved_asset: string;
  decision_id: string | null;
  agent_id: string | null;
  correlation_id: string;
  cancel_wanted: boolean;
  reject_code: string;
  reject_detail: string;
  account: string;
  venue_order_id: string | null;
  verdicts: Verdict[];
  gate_digest: string;
  fills: Fill[];
  transitions: Transition[];
  proposed_at: string;
  proposed_firm_at: string;
  approved_at: string | null;
  submitted_at: string | null;
  accepted_firm_at: string | null;
  triggered_firm_at: string | null;
  expires_at: string | null;
  done_at: string | null;
}

/** `at` is firm time. */
export interface EquityPoint {
  at: string;
  recorded_at: string;
  equity: string;
  /** In the scale of today's money, so that a deposit is no step of the curve. */
  adjusted_equity: string;
  stale: boolean;
}

export interface Cause {
  id?: string;
  kind: string;
  /** Empty: the whole house. */
  account?: string;
  /** What ends it, in a sentence. */
  clears?: string;
  well_since?: string | null;
  state: string;
  latched: boolean;
  author?: string;
  reason: string;
  facts?: Record<string, unknown>;
  opened_at?: string | null;
  opened_firm_at?: string | null;
  closed_at?: string | null;
  closed_by?: string;
  close_reason?: string;
}

export interface RiskState {
  state: string;
  causes: Cause[];
  history: Cause[];
  venues: VenueHealth[];
}

/** How an account's venue answers; `rung` is null before its first answer. */
export interface VenueHealth {
  account: string;
  venue: string;
  in_house: boolean;
  enabled: boolean;
  state: string;
  rung: string | null;
  means: string;
  since: string | null;
  reason: string;
  latency_ms: number | null;
  answers: number;
  failures: number;
  failures_in_row: number;
  last_failure_kind: string;
  last_failure_at: string | null;
  last_ok_at: string | null;
  clock_offset_ms: number | null;
  clock_read_at: string | null;
}

export interface LimitUse {
  limit: string;
  used: string | number | null;
  holds: string | number;
  used_pct: string | null;
  about: string;
}

export interface LimitUseView {
  account: string;
  as_of: string;
  stale: boolean;
  use: LimitUse[];
}

export interface LimitsVersion {
  version: number;
  author: string;
  reason: string;
  at: string;
  changes: Record<string, { from: string | number | null; to: string | number | null }>;
}

export interface Limit {
  name: string;
  value: string | number;
  default: string | number;
  lowest: string;
  highest: string;
  meaning: string;
}

export interface LimitsView {
  version: number;
  author: string;
  reason: string;
  changed_at: string | null;
  values: Record<string, string | number>;
  limits: Limit[];
  fees: Record<string, unknown>;
  /** The paper venue's terms for US stocks. */
  stock_fees: Record<string, unknown>;
}

/** One transfer of the double-entry ledger with its postings, which balance per asset. */
export interface Transfer {
  id: string;
  cause: string;
  cause_id: string;
  order_id: string | null;
  at: string;
  firm_at: string;
  postings: { asset: string; kind: string; budget: string; amount: string }[];
}
