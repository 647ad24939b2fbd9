/** What a table column is, and the pure work on rows: sort, filter, CSV. */

import { compare, parse } from "../format/decimal";

export interface Column<T> {
  key: string;
  label: string;
  /** What stands in the cell, in the filter and in the CSV file. */
  text: (row: T) => string;
  /** Sorts by this; a decimal string is compared exactly. Without it by the text. */
  by?: (row: T) => string | number | null | undefined;
  right?: boolean;
  /** Not shown until chosen. */
  optional?: boolean;
  /** Kept on a narrow screen. */
  phone?: boolean;
  hint?: string;
  /** Takes the room that is left and ends in an ellipsis; whole on hover. */
  rest?: boolean;
  /** Wraps instead of ending in an ellipsis: for sentences, in a table too short for virtual rows. */
  wraps?: boolean;
}

export interface Sorting {
  key: string;
  down: boolean;
}

/** "-time" means by time, downwards. */
export function readSorting(text: string): Sorting {
  return text.startsWith("-") ? { key: text.slice(1), down: true } : { key: text, down: false };
}

function between(a: string | number | null | undefined, b: string | number | null | undefined): number {
  const [noA, noB] = [a === null || a === undefined || a === "", b === null || b === undefined || b === ""];
  if (noA || noB) return noA && noB ? 0 : noA ? 1 : -1; // unknown stands last, whichever way
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string" && parse(a) && parse(b)) return compare(a, b) ?? 0;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}

export function sorted<T>(rows: readonly T[], columns: readonly Column<T>[], sorting: Sorting): T[] {
  const column = columns.find((each) => each.key === sorting.key);
  if (!column) return [...rows];
  const value = column.by ?? column.text;
  const unknown = (row: T): boolean => {
    const found = value(row);
    return found === null || found === undefined || found === "";
  };
  return [...rows].sort((a, b) => {
    const order = between(value(a), value(b));
    return sorting.down && !unknown(a) && !unknown(b) ? -order : order;
  });
}

/** Rows in which every word stands in some cell. */
export function filtered<T>(rows: readonly T[], columns: readonly Column<T>[], words: string): T[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return [...rows];
  return rows.filter((row) => {
    const text = columns.map((column) => column.text(row).toLowerCase()).join("\u0000");
    return wanted.every((word) => text.includes(word));
  });
}

function cell(text: string): string {
  // A spreadsheet runs what looks like a formula; an apostrophe makes it text.
  const safe = /^[=@\t\r]|^[+-](?![\d.])/.test(text) ? `'${text}` : text;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The rows as CSV with the columns' labels as its head; numbers ungrouped, with a plain minus. */
export function csv<T>(rows: readonly T[], columns: readonly Column<T>[]): string {
  const lines = rows.map((row) =>
    columns.map((column) => cell(column.text(row).replaceAll("\u2212", "-").replace(/(?<=\d),(?=\d{3})/g, ""))),
  );
  return [columns.map((column) => cell(column.label)), ...lines].map((line) => line.join(",")).join("\r\n");
}
