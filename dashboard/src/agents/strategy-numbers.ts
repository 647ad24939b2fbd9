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

/** All that is wrong with the texts of these parameters. */
export function complaints(parameters: StrategyParameter[], texts: Record<string, string>): string[] {
  return parameters.flatMap((each) => numberComplaint(each, texts[each.name] ?? "") ?? []);
}

/** What a parameter is for, its bounds and its default. */
export function numberAdvice(parameter: StrategyParameter): string {
  return `${parameter.description} ${parameter.lowest} to ${parameter.highest}, by default ${parameter.default}.`;
}

/** A text for each parameter: what is given, else its default. */
export function numberTexts(parameters: StrategyParameter[], given: Record<string, unknown> = {}): Record<string, string> {
  return Object.fromEntries(parameters.map((each) => [each.name, String(given[each.name] ?? each.default)]));
}

/** The numbers that differ from the strategy's defaults: only they are sent. */
export function differingNumbers(parameters: StrategyParameter[], texts: Record<string, string>): Record<string, number> {
  const changed = parameters.filter((each) => Number(texts[each.name]) !== each.default);
  return Object.fromEntries(changed.map((each) => [each.name, Number(texts[each.name])]));
}
