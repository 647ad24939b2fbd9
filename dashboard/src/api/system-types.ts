/** What the management room says about the whole firm. */

import type { Provider } from "./market-types";
import type { Cause } from "./trading-types";

export interface ProcessBeat {
  name: string;
  process?: string;
  host?: string;
  pid?: number;
  state?: string;
  alive?: boolean;
  late?: boolean;
  beat_at?: string | null;
  last_step_at?: string | null;
  steps?: number;
  errors?: number;
  last_error?: string;
  lag_seconds?: number | null;
  age_seconds?: number | null;
}

export interface SystemView {
  mode: string;
  market?: MarketClock | string;
  trading_state: string;
  causes?: Cause[];
  data_age_seconds?: number | null;
  leader?: string | null;
  role?: string;
  instance?: string;
  providers?: Provider[];
  processes?: ProcessBeat[];
  warming?: Warming[] | Record<string, unknown>;
  agents?: Record<string, unknown>;
  as_of?: string;
  [field: string]: unknown;
}

export interface Warming {
  agent?: string;
  name?: string;
  instrument?: string;
  have?: number;
  bars?: number;
  needs?: number;
  text?: string;
}

export interface MarketClock {
  kind: string;
  lock_step: boolean;
  base_timeframe: string;
  speed: number;
  bar_at: string | null;
  state: string;
  message: string;
  dataset?: string | null;
  primary_source?: string;
}
