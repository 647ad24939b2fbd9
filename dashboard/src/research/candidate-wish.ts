/** The research that an agent on its way to live is asked for: of its strategy, with its parameters, on its candles. */

import type { AgentCard } from "../api/agent-types";
import type { BacktestWish } from "../api/research-types";

export type Candidate = Pick<AgentCard, "strategy" | "parameters" | "timeframe" | "instruments" | "promotion_practice">;

/** What the form of a search begins with. */
export interface SearchStart {
  strategy: string;
  timeframe: string;
  instruments: string[];
  folds: string;
  trials: string;
  objective: string;
}

export function candidateBacktest(agent: Candidate): BacktestWish {
  const parameters = Object.fromEntries(Object.entries(agent.parameters).filter((entry): entry is [string, number] => typeof entry[1] === "number"));
  return {
    strategies: [{ name: agent.strategy, parameters, timeframe: null }],
    instruments: agent.instruments,
    timeframe: agent.timeframe,
    start: null,
    end: null,
    starting_capital: "1000",
    fee: null,
    slippage_bps: null,
    seed: 0,
    mode: "auto",
    limits: {},
    resumes_daily: false,
  };
}

/** A practice market has few days behind it, of which no Sharpe ratio can be told. */
export function candidateSearch(agent: Candidate): SearchStart {
  const { strategy, timeframe } = agent;
  const size = agent.promotion_practice ? { folds: "2", trials: "5", objective: "total_return" } : { folds: "4", trials: "40", objective: "sharpe" };
  return { strategy, timeframe, instruments: agent.instruments.slice(0, 1), ...size };
}
