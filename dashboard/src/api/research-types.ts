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
