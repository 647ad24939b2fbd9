/** Backtests as the API tells them. Figures are numbers: they are measured on a simulation and never posted. */

export type RunState = "QUEUED" | "RUNNING" | "DONE" | "FAILED" | "CANCELED";

export interface WantedStrategy {
  name: string;
  parameters: Record<string, number>;
  timeframe: string | null;
}

export interface BacktestWish {
  strategies: WantedStrategy[];
  instruments: string[];
  timeframe: string;
  start: string | null;
  end: string | null;
  starting_capital: string;
  fee: string | null;
  slippage_bps: string | null;
  seed: number;
  mode: string;
  limits: Record<string, unknown>;
  resumes_daily: boolean;
}

export interface BacktestHeadline {
  total_return: number;
  cagr: number | null;
  cagr_untold: string | null;
  sharpe: number | null;
  max_drawdown: number;
  excess_return: number;
  trades: number;
  win_rate: number | null;
}

export interface BacktestLine {
  id: string;
  state: RunState;
  progress: number;
  step: string;
  problem: string;
  tries: number;
  wish: BacktestWish;
  requested_by: string;
  requested_at: string;
  started_at: string | null;
  ended_at: string | null;
  seconds: number | null;
  mode: string;
  trade_count: number;
  digest: string;
  headline: BacktestHeadline | null;
}

export interface CurvePoint {
  at: string;
  equity: string;
  buy_and_hold: string;
  drawdown: number;
}

export interface BacktestTrade {
  number: number;
  instrument: string;
  opened_at: string;
  closed_at: string;
  strategy: string;
  reason: string;
  quantity: string;
  entry: string;
  exit: string;
  fees: string;
  profit: string;
  returned: number;
  adverse: number;
  favourable: number;
  bars: number;
}

export type Figures = Record<string, number | null>;

export interface BacktestMetrics {
  equity: Figures;
  buy_and_hold: Figures;
  trades: Figures;
  by: Record<string, Record<string, Figures>>;
  months: Record<string, { return: number; buy_and_hold_return: number; excess_return: number }>;
  /** Runs from before it was measured have none. */
  luck?: Luck;
  /** Figures that the run is too short for, by name, each with the reason in a sentence. */
  untold?: Record<string, string>;
  /** The loss limit that ended trading before the run ended. */
  stopped?: { kind: string; at: string; after_days: number; days: number; reason: string; told: string };
}

/** p5 to p95 */
export type Percentiles = Record<"p5" | "p25" | "p50" | "p75" | "p95", number>;

/** What chance could have made of a run; null where it is too short to tell. */
export interface Luck {
  seed: number;
  days: {
    samples: number;
    days: number;
    block_days: number;
    luck_probability: number;
    luck_probability_beyond_holding: number | null;
    sharpe: [number, number];
    total_return: [number, number];
  } | null;
  trades: {
    samples: number;
    trades: number;
    total_return: number;
    largest_drawdown: number;
    drawn_return: Percentiles;
    drawn_drawdown: Percentiles;
    shuffled_drawdown: Percentiles;
    loss_probability: number;
    calmer_orders: number;
  } | null;
}

export interface Backtest extends BacktestLine {
  stated: Record<string, unknown>;
  metrics: BacktestMetrics | null;
  outcomes: Record<string, number>;
  restrictions: string[];
  equity: CurvePoint[];
  trades: BacktestTrade[];
}

export interface CandleSpan {
  instrument: string;
  timeframe: string;
  first: string;
  last: string;
}

export interface BacktestChoices {
  base_timeframe: string;
  candles: CandleSpan[];
  strategies: string[];
}

export interface SearchWish {
  strategy: string;
  instruments: string[];
  timeframe: string;
  start: string | null;
  end: string | null;
  starting_capital: string;
  fee: string | null;
  slippage_bps: string | null;
  seed: number;
  mode: string;
  space: Record<string, [number, number]>;
  fixed: Record<string, number>;
  folds: number;
  trials: number;
  objective: string;
  train_tests: number;
  gap_bars: number;
  anchored: boolean;
}

export interface SearchLine {
  id: string;
  state: RunState;
  progress: number;
  step: string;
  problem: string;
  wish: SearchWish;
  requested_by: string;
  requested_at: string;
  started_at: string | null;
  ended_at: string | null;
  headline: {
    out_of_sample_return: number | null;
    out_of_sample_sharpe: number | null;
    buy_and_hold_return: number | null;
    in_sample_return: number | null;
    overfit_probability: number | null;
    efficiency: number | null;
    parameters: Record<string, number>;
  } | null;
}

export interface TestedFold {
  number: number;
  train: [string, string];
  test: [string, string];
  parameters: Record<string, number>;
  in_sample: Figures;
  out_of_sample: Figures;
  trials: number;
  refused: number;
  overfit_probability: number | null;
}

export interface SearchReport {
  objective: string;
  folds: TestedFold[];
  out_of_sample: Figures | null;
  buy_and_hold: Figures | null;
  curve: [string, number, number][];
  efficiency: number | null;
  recommended: {
    parameters: Record<string, number>;
    in_sample: Figures;
    trials: number;
    refused: number;
    overfit_probability: number | null;
    loss_probability: number | null;
    halvings: number | null;
    deflated_sharpe: number | null;
  };
  surface: { parameters: Record<string, number>; value: number | null; refused: string }[];
}

export interface Search extends SearchLine {
  folds: { number: number; state: RunState; trials: number; tries: number; problem: string }[];
  report: SearchReport | null;
}
