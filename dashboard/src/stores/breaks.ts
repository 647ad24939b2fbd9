/** The queue of breaks: open ones oldest first, then the latest that were closed. */

import type { Break } from "../api/break-types";
import type { Shape } from "./channels";
import { followedList } from "./followed-list";

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

export const { list: breaks, take: takeBreak, follow: followBreaks } = followedList<Break>("breaks", "trading/breaks/", BREAK_SHAPE);
