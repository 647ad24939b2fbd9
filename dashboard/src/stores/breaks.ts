/** The queue of breaks: open ones oldest first, then the latest that were closed. Followed while somebody looks. */

import { onScopeDispose } from "vue";

import type { Break } from "../api/break-types";
import { get, type Page, rowsOf } from "../api/client";
import { sentence } from "../api/problem";
import { onSessionEnd } from "../api/session";
import { hear } from "../stream/connection";
import { collection, merged, rowsIn, type Shape } from "./channels";

export const breaks = collection<Break>();

export const BREAK_SHAPE: Shape<Break> = {
  key: (row) => row.id,
  order: (a, b) => {
    const [x, y] = [a.state === "OPEN", b.state === "OPEN"];
    if (x !== y) return x ? -1 : 1;
    if (x) return a.opened_at < b.opened_at ? -1 : 1;
    return (a.closed_at ?? "") < (b.closed_at ?? "") ? 1 : -1;
  },
  most: 500,
};

export function takeBreak(row: Break): void {
  breaks.rows = merged(breaks.rows, [row], BREAK_SHAPE);
}

/** Follow the queue as long as the calling component lives; REST fills in where the stream is late. */
export function followBreaks(trouble: (says: string) => void): void {
  onScopeDispose(
    hear("breaks", (frame) => {
      breaks.rows = merged(breaks.rows, rowsIn<Break>(frame.data), BREAK_SHAPE);
      breaks.asOf = frame.as_of;
      breaks.heardAt = Date.now();
      trouble("");
    }),
  );
  void read(trouble);
}

async function read(trouble: (says: string) => void): Promise<void> {
  try {
    const told = rowsOf(await get<Page<Break>>("trading/breaks/", { limit: 200 }));
    breaks.rows = merged(breaks.rows, told, BREAK_SHAPE, false);
    breaks.heardAt ??= Date.now();
  } catch (error) {
    if (breaks.heardAt === null) trouble(sentence(error));
  }
}

onSessionEnd(() => Object.assign(breaks, { rows: [], asOf: null, heardAt: null }));
