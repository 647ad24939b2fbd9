/** A strategy's numbers while somebody types them. */

import type { StrategyParameter } from "../api/agent-types";

/** What is wrong with `text` as this parameter; null where nothing is. */
export function numberComplaint(parameter: StrategyParameter, text: string): string | null {
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value)) return "Give a number.";
  if (parameter.whole && !Number.isInteger(value)) return "Give a whole number.";
  if (value < parameter.lowest || value > parameter.highest) return `Between ${parameter.lowest} and ${parameter.highest}.`;
  return null;
}

/** The numbers that differ from the strategy's defaults: only they are sent. */
export function differingNumbers(parameters: StrategyParameter[], texts: Record<string, string>): Record<string, number> {
  const changed = parameters.filter((each) => Number(texts[each.name]) !== each.default);
  return Object.fromEntries(changed.map((each) => [each.name, Number(texts[each.name])]));
}
