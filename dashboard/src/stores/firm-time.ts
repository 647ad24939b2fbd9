/** What time it is on a market that runs bar by bar. */

import { computed } from "vue";

import { newest } from "../format/time";
import { decisions, portfolio, quotes, system } from "./desk";

/** The newest close that the desk was told of, by whatever told it first; it never runs back. Null on a live market. */
export const firmTime = computed<string | null>((before) => {
  const market = system.data?.market;
  if (!market?.lock_step) return null;
  const marks = [...quotes.values()].map((quote) => quote.data.mark.as_of);
  return newest([before, market.bar_at, portfolio.data?.as_of, decisions.rows[0]?.closed_at, ...marks]);
});
