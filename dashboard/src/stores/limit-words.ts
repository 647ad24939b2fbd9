/** Names and values of limits as words. */

import { multiply, show } from "../format/decimal";
import { asWords } from "./rule-words";

const SHARE_ENDINGS = ["share", "exposure", "daily_loss", "drawdown", "distance", "band"];
const UNITS: [string, string][] = [
  ["_bps", "bp"],
  ["_minutes", "min"],
  ["_ms", "ms"],
  ["_seconds", "s"],
];

export function isShareLimit(name: string): boolean {
  return SHARE_ENDINGS.some((word) => name.endsWith(word));
}

/** "max_spread_bps" is "Max spread". */
export function limitName(name: string): string {
  const unit = UNITS.find(([ending]) => name.endsWith(ending));
  return asWords(unit ? name.slice(0, -unit[0].length) : name);
}

export function limitWords(name: string, value: string | number | null): string {
  if (value === null) return "unknown";
  const text = String(value);
  if (isShareLimit(name)) return `${show(multiply(text, "100"))}\u00a0%`;
  const unit = UNITS.find(([ending]) => name.endsWith(ending));
  return unit ? `${show(text)}\u00a0${unit[1]}` : show(text);
}
