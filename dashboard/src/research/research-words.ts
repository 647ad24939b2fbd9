/** How runs and their figures read. */

import type { BacktestMetrics, BacktestWish, RunState, WantedStrategy } from "../api/research-types";
import { show } from "../format/decimal";
import { spanText } from "../format/time";
import type { Tone } from "../stores/order-words";
import { asWords } from "../stores/rule-words";

const STATES: Record<RunState, { word: string; tone: Tone }> = {
  QUEUED: { word: "Waits", tone: "warn" },
  RUNNING: { word: "Running", tone: "calm" },
  DONE: { word: "Done", tone: "good" },
  FAILED: { word: "Failed", tone: "bad" },
  CANCELED: { word: "Canceled", tone: "" },
};

export function runWord(state: RunState): string {
  return STATES[state].word;
}

export function runTone(state: RunState): Tone {
  return STATES[state].tone;
}

export function isUnderWay(run: { state: RunState }): boolean {
  return run.state === "QUEUED" || run.state === "RUNNING";
}

/** What the rows of both lists have in common. */
export interface AnyRun {
  state: RunState;
  progress: number;
  step: string;
  tries?: number;
  requested_at: string;
}

const SOON_MS = 120_000; // by then a worker has long started

/** What a run that is under way does now. */
export function runStep(run: AnyRun, now: number): string {
  const waited = now - new Date(run.requested_at).getTime();
  if (run.state === "QUEUED" && !run.tries && waited > SOON_MS) return `No worker has taken it for ${spanText(waited / 1000)}: all are busy, or none starts. Theirs is the log research.log.`;
  if (run.state === "QUEUED") return run.tries ? "Its worker was lost; it waits for another one." : "Waits for a research worker.";
  return run.step || "Begins.";
}

const PLAIN = { most: 6 };

/** momentum (fast 10, slow 30) on 15m */
export function strategyText(wanted: WantedStrategy): string {
  const given = Object.entries(wanted.parameters).map(([name, value]) => `${asWords(name).toLowerCase()} ${show(String(value), PLAIN)}`);
  return `${asWords(wanted.name)}${given.length ? ` (${given.join(", ")})` : ""}${wanted.timeframe ? ` on ${wanted.timeframe}` : ""}`;
}

export function strategiesText(wish: BacktestWish): string {
  return wish.strategies.map(strategyText).join(" + ");
}

export function marketText(wish: Pick<BacktestWish, "instruments" | "timeframe">): string {
  const most = 3;
  const named = wish.instruments.slice(0, most).join(", ");
  const more = wish.instruments.length - most;
  return `${named}${more > 0 ? ` and ${more} more` : ""} ${wish.timeframe}`;
}

/** fast 12, slow 40 */
export function settingText(parameters: Record<string, number>): string {
  const named = Object.entries(parameters).sort(([a], [b]) => a.localeCompare(b));
  return named.map(([name, value]) => `${asWords(name).toLowerCase()} ${show(String(Number(value.toPrecision(5))), PLAIN)}`).join(", ");
}

/** A share as a percentage; null is a figure that the run can't tell. */
export function percent(value: number | null | undefined, signed = false): string {
  if (value === null || value === undefined) return "unknown";
  return `${show((value * 100).toFixed(2), { places: 2, signed })}\u00a0%`;
}

/** The colour of a share as ``percent`` shows it: none for one that is unknown or shows as 0. */
export function shareTone(value: number | null | undefined): "up" | "down" | "" {
  const shown = Math.round((value ?? 0) * 10_000);
  if (shown === 0) return "";
  return shown < 0 ? "down" : "up";
}

export function plain(value: number | null | undefined, places = 2): string {
  if (value === null || value === undefined) return "unknown";
  return show(value.toFixed(places), { places });
}

export interface FigureRow {
  label: string;
  part: "equity" | "trades";
  name: string;
  kind: "percent" | "plain" | "count";
  /** Buying and holding has it as well. */
  held?: boolean;
  /** Which way is better, for the comparison of two runs. */
  better?: "more" | "less";
  hint?: string;
}

export const FIGURES: { title: string; rows: FigureRow[] }[] = [
  {
    title: "Return",
    rows: [
      { label: "Return", part: "equity", name: "total_return", kind: "percent", held: true, better: "more" },
      { label: "Beyond holding", part: "equity", name: "excess_return", kind: "percent", better: "more" },
      { label: "Growth a year", part: "equity", name: "cagr", kind: "percent", held: true, better: "more", hint: "CAGR: told of runs of a year or more." },
    ],
  },
  {
    title: "Risk",
    rows: [
      { label: "Largest drawdown", part: "equity", name: "max_drawdown", kind: "percent", held: true, better: "less" },
      { label: "Longest drawdown, days", part: "equity", name: "longest_drawdown_days", kind: "plain", held: true, better: "less" },
      { label: "Volatility a year", part: "equity", name: "volatility", kind: "percent", held: true, better: "less" },
      { label: "Value at risk, day", part: "equity", name: "value_at_risk", kind: "percent", held: true, better: "less", hint: "The loss of the mildest of the worst 5 % of days." },
      { label: "Expected shortfall", part: "equity", name: "expected_shortfall", kind: "percent", held: true, better: "less", hint: "The mean loss of the worst 5 % of days (CVaR)." },
    ],
  },
  {
    title: "Ratios, on daily returns",
    rows: [
      { label: "Sharpe", part: "equity", name: "sharpe", kind: "plain", held: true, better: "more" },
      { label: "Sharpe above 0", part: "equity", name: "probabilistic_sharpe", kind: "percent", better: "more", hint: "Probabilistic Sharpe ratio: how likely the true ratio lies above 0, given length, skew and fat tails." },
      { label: "Sortino", part: "equity", name: "sortino", kind: "plain", held: true, better: "more" },
      { label: "Calmar", part: "equity", name: "calmar", kind: "plain", held: true, better: "more" },
      { label: "Omega", part: "equity", name: "omega", kind: "plain", held: true, better: "more" },
    ],
  },
  {
    title: "Trades",
    rows: [
      { label: "Closed trades", part: "trades", name: "trades", kind: "count" },
      { label: "Won", part: "trades", name: "win_rate", kind: "percent", better: "more" },
      { label: "Profit factor", part: "trades", name: "profit_factor", kind: "plain", better: "more" },
      { label: "Expectancy", part: "trades", name: "expectancy_share", kind: "percent", better: "more", hint: "Mean profit of a trade, as a share of its cost." },
      { label: "Against it while held", part: "trades", name: "average_adverse", kind: "percent", better: "less", hint: "Mean adverse excursion (MAE)." },
      { label: "For it while held", part: "trades", name: "average_favourable", kind: "percent", better: "more", hint: "Mean favourable excursion (MFE)." },
      { label: "Bars held", part: "trades", name: "average_bars", kind: "plain" },
      { label: "Fees", part: "trades", name: "fees", kind: "plain", better: "less" },
      { label: "Time invested", part: "equity", name: "exposure", kind: "percent" },
      { label: "Turnover, times equity", part: "equity", name: "turnover", kind: "plain" },
    ],
  },
];

/** A figure of a run, or a dash where the run is known to be too short for it. */
export function toldText(row: FigureRow, run: Pick<BacktestMetrics, "untold">, value: number | null | undefined): string {
  return run.untold?.[row.name] ? "\u2013" : figureText(row, value);
}

export function figureText(row: FigureRow, value: number | null | undefined): string {
  if (row.kind === "percent") return percent(value);
  return plain(value, row.kind === "count" ? 0 : 2);
}
