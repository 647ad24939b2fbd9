/** The backtests that were asked for, newest first. */

import type { BacktestLine } from "../api/research-types";
import { newestFirst } from "./channels";
import { followedList } from "./followed-list";

export const {
  list: backtests,
  take: takeBacktest,
  follow: followBacktests,
} = followedList<BacktestLine>("backtests", "agents/backtests/", {
  key: (row) => row.id,
  order: newestFirst(
    (row) => row.requested_at,
    (row) => row.id,
  ),
  most: 300,
});
