/** The backtests that were asked for, newest first. Followed while somebody looks. */

import { onScopeDispose } from "vue";

import { get, type Page, rowsOf } from "../api/client";
import { sentence } from "../api/problem";
import type { BacktestLine } from "../api/research-types";
import { onSessionEnd } from "../api/session";
import { hear } from "../stream/connection";
import { collection, merged, newestFirst, rowsIn, type Shape } from "./channels";

export const backtests = collection<BacktestLine>();

const SHAPE: Shape<BacktestLine> = {
  key: (row) => row.id,
  order: newestFirst(
    (row) => row.requested_at,
    (row) => row.id,
  ),
  most: 300,
};

export function takeBacktest(row: BacktestLine): void {
  backtests.rows = merged(backtests.rows, [row], SHAPE);
}

/** Follow the list as long as the calling component lives; REST fills in where the stream is late. */
export function followBacktests(trouble: (says: string) => void): void {
  onScopeDispose(
    hear("backtests", (frame) => {
      backtests.rows = merged(backtests.rows, rowsIn<BacktestLine>(frame.data), SHAPE);
      backtests.asOf = frame.as_of;
      backtests.heardAt = Date.now();
      trouble("");
    }),
  );
  void read(trouble);
}

async function read(trouble: (says: string) => void): Promise<void> {
  try {
    const told = rowsOf(await get<Page<BacktestLine>>("agents/backtests/", { limit: 200 }));
    backtests.rows = merged(backtests.rows, told, SHAPE, false);
    backtests.heardAt ??= Date.now();
  } catch (error) {
    if (backtests.heardAt === null) trouble(sentence(error));
  }
}

onSessionEnd(() => Object.assign(backtests, { rows: [], asOf: null, heardAt: null }));
