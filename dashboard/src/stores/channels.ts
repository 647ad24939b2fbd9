/** Two shapes of live state: the latest whole, and a keyed collection. Both remember when and how they were told. */

import { shallowReactive } from "vue";

import type { Frame } from "../stream/frames";

export interface Latest<T> {
  data: T | null;
  asOf: string | null;
  heardAt: number | null;
}

export interface Collection<T> {
  rows: T[];
  asOf: string | null;
  heardAt: number | null;
}

export function latest<T>(): Latest<T> {
  return shallowReactive<Latest<T>>({ data: null, asOf: null, heardAt: null });
}

export function collection<T>(): Collection<T> {
  return shallowReactive<Collection<T>>({ rows: [], asOf: null, heardAt: null });
}

export function takeLatest<T>(store: Latest<T>, frame: Frame): void {
  store.data = frame.data as T;
  store.asOf = frame.as_of;
  store.heardAt = Date.now();
}

/** The rows of a frame's data: one thing, a list, or a page. */
export function rowsIn<T>(data: unknown): T[] {
  if (Array.isArray(data)) return data as T[];
  if (typeof data !== "object" || data === null) return [];
  const results = (data as Record<string, unknown>)["results"];
  return Array.isArray(results) ? (results as T[]) : [data as T];
}

export interface Shape<T> {
  key: (row: T) => string;
  /** Negative when a stands before b. */
  order: (a: T, b: T) => number;
  most: number;
}

/** The rows after `told` was heard: replaced by key, ordered, capped. `fresh` ones win over those known. */
export function merged<T>(known: T[], told: T[], shape: Shape<T>, fresh = true): T[] {
  const byKey = new Map(known.map((row) => [shape.key(row), row]));
  for (const row of told) {
    const key = shape.key(row);
    if (fresh || !byKey.has(key)) byKey.set(key, row);
  }
  return [...byKey.values()].sort(shape.order).slice(0, shape.most);
}

/** Newest first by an ISO time, then by key so that the order never flickers. */
export function newestFirst<T>(time: (row: T) => string | null | undefined, key: (row: T) => string) {
  return (a: T, b: T): number => {
    const [x, y] = [time(a) ?? "", time(b) ?? ""];
    if (x !== y) return x < y ? 1 : -1;
    return key(a) < key(b) ? 1 : -1;
  };
}
