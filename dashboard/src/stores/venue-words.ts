/** The rungs of a venue's ladder in words, best first. */

import type { Tone } from "./order-words";

export interface RungWord {
  name: string;
  word: string;
  tone: Tone;
  means: string;
}

export const rungs: RungWord[] = [
  { name: "normal", word: "Normal", tone: "good", means: "everything is sent." },
  { name: "no_entries", word: "No entries", tone: "warn", means: "no new risk; orders that lower a position pass." },
  { name: "exits_only", word: "Exits only", tone: "warn", means: "only reduce-only orders pass." },
  { name: "frozen", word: "Frozen", tone: "bad", means: "nothing is sent but exits of the stop guard, of flatten and of role risk." },
];

export function rungWord(name: string): string {
  return rungs.find((rung) => rung.name === name)?.word ?? name.replaceAll("_", " ");
}
