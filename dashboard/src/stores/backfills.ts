/** The candles that are fetched from an exchange, and how far each is, newest first. */

import type { Backfill } from "../api/market-types";
import { newestFirst } from "./channels";
import { followedList } from "./followed-list";

export const {
  list: backfills,
  add: addBackfill,
  follow: followBackfills,
} = followedList<Backfill>("backfills", "market/backfills/", {
  key: (row) => row.id,
  order: newestFirst(
    (row) => row.created_at,
    (row) => row.id,
  ),
  most: 300,
});
