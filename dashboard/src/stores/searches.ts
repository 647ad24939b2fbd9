/** The searches that were asked for, newest first. Followed while somebody looks. */

import { onScopeDispose } from "vue";

import { get, type Page, rowsOf } from "../api/client";
import { sentence } from "../api/problem";
import type { SearchLine } from "../api/research-types";
import { onSessionEnd } from "../api/session";
import { hear } from "../stream/connection";
import { collection, merged, newestFirst, rowsIn, type Shape } from "./channels";

export const searches = collection<SearchLine>();

const SHAPE: Shape<SearchLine> = {
  key: (row) => row.id,
  order: newestFirst(
    (row) => row.requested_at,
    (row) => row.id,
  ),
  most: 200,
};

export function takeSearch(row: SearchLine): void {
  searches.rows = merged(searches.rows, [row], SHAPE);
}

/** Follow the list as long as the calling component lives; REST fills in where the stream is late. */
export function followSearches(trouble: (says: string) => void): void {
  onScopeDispose(
    hear("searches", (frame) => {
      searches.rows = merged(searches.rows, rowsIn<SearchLine>(frame.data), SHAPE);
      searches.asOf = frame.as_of;
      searches.heardAt = Date.now();
      trouble("");
    }),
  );
  void read(trouble);
}

async function read(trouble: (says: string) => void): Promise<void> {
  try {
    const told = rowsOf(await get<Page<SearchLine>>("agents/searches/", { limit: 200 }));
    searches.rows = merged(searches.rows, told, SHAPE, false);
    searches.heardAt ??= Date.now();
  } catch (error) {
    if (searches.heardAt === null) trouble(sentence(error));
  }
}

onSessionEnd(() => Object.assign(searches, { rows: [], asOf: null, heardAt: null }));
