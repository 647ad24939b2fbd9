/** The searches that were asked for, newest first. */

import type { SearchLine } from "../api/research-types";
import { newestFirst } from "./channels";
import { followedList } from "./followed-list";

export const {
  list: searches,
  take: takeSearch,
  follow: followSearches,
} = followedList<SearchLine>("searches", "agents/searches/", {
  key: (row) => row.id,
  order: newestFirst(
    (row) => row.requested_at,
    (row) => row.id,
  ),
  most: 200,
});
