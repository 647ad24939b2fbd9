/** What an agent's process may use while somebody types it. */

import type { ResourceSpan, ResourceSpans } from "../api/agent-types";

/** The mebibytes that 256M or 1G stand for; null for any other text. */
function mebibytes(text: string): number | null {
  const found = /^(\d{1,6})([MG])$/.exec(text);
  return found ? Number(found[1]) * (found[2] === "G" ? 1024 : 1) : null;
}

function outside<T>(span: ResourceSpan<T>, value: number, measure: (edge: T) => number): string | null {
  return value < measure(span.lowest) || value > measure(span.highest) ? `Between ${span.lowest} and ${span.highest}.` : null;
}

/** What is wrong with a text as memory; null where nothing is. */
export function memoryComplaint(text: string, span: ResourceSpan<string>): string | null {
  const size = mebibytes(text.trim());
  return size === null ? "Write it like 256M or 1G." : outside(span, size, (edge) => mebibytes(edge) ?? 0);
}

/** What is wrong with a text as a number of processors; null where nothing is. */
export function cpuComplaint(text: string, span: ResourceSpan<number>): string | null {
  if (text.trim() === "" || Number.isNaN(Number(text))) return "Give a number.";
  return outside(span, Number(text), (edge) => edge);
}

/** Whether the firm would take both. */
export function takesResources(texts: { memory: string; cpu: string }, spans: ResourceSpans): boolean {
  return memoryComplaint(texts.memory, spans.memory) === null && cpuComplaint(texts.cpu, spans.cpu) === null;
}

/** The bounds and the default, as advice beside a field. */
export function spanAdvice<T>(span: ResourceSpan<T>): string {
  return `${span.lowest} to ${span.highest}, by default ${span.default}.`;
}
