/** Trained models and the devices that judge by them. */

export interface Device {
  device: string;
  title: string;
  alive: boolean;
  at: string;
  /** Digest of the model that it holds ready; empty without any. */
  model: string;
  waiting: number;
  batches: number;
  windows: number;
  failures: number;
  problem: string;
  batch_size_mean: number | null;
  batch_ms_p50: number | null;
  batch_ms_p99: number | null;
  memory_used: number | null;
  memory_total: number | null;
}

export interface TradedFigures {
  total_return: number;
  largest_drawdown: number;
  trades: number;
}

export interface ForecastFigures {
  hit_rate: number;
  direction_brier: number;
  calibration_error: number;
  samples: number;
}

/** What was measured in training, on bars that the model had not seen. */
export interface ModelCard {
  data: { instrument: string; source: string; timeframe: string; candles: number; first: string; last: string }[];
  folds: { forecast: ForecastFigures; tested_from: string; tested_until: string }[];
  gates: { name: string; passed: boolean; detail: string }[];
  traded: TradedFigures;
  rules: Record<string, TradedFigures>;
  holding: number;
}

export interface NeuralModel {
  id: string;
  digest: string;
  origin: "trained" | "shipped";
  state: "candidate" | "promoted" | "retired";
  timeframe: string;
  horizon_bars: number;
  passed: boolean;
  facts: Record<string, string | number>;
  card: ModelCard;
  created_at: string;
  created_by: string;
  promoted_at: string | null;
  promoted_by: string | null;
  promotion_reason: string | null;
  retired_at: string | null;
  retired_by: string | null;
  retirement_reason: string | null;
}
