/** The order types in plain words, and which fields each of them needs. The server refuses every other price. */

export type OrderKind = "market" | "limit" | "stop" | "stop_limit" | "take_profit" | "trailing_stop" | "oco" | "bracket";
export type PriceName = "limit_price" | "stop_price" | "trail_pct" | "trail_amount" | "take_profit_price" | "stop_loss_price";
export type Force = "GTC" | "IOC" | "FOK" | "GTD";

export interface KindOfOrder {
  name: OrderKind;
  label: string;
  /** In one or two sentences, for each side. */
  means: { buy: string; sell: string };
  needs: PriceName[];
  /** Of these at least one. */
  choice?: PriceName[];
  takes?: PriceName[];
  side?: "buy" | "sell";
  forces?: Force[];
}

export const KINDS: KindOfOrder[] = [
  { name: "market", label: "Market", needs: [], means: { buy: "Buys at once at the best price there is.", sell: "Sells at once at the best price there is." } },
  {
    name: "limit",
    label: "Limit",
    needs: ["limit_price"],
    means: { buy: "Buys at your price or cheaper. What can't be bought waits.", sell: "Sells at your price or dearer. What can't be sold waits." },
  },
  {
    name: "stop",
    label: "Stop",
    needs: ["stop_price"],
    means: { buy: "Waits until the price rises to the trigger, then buys at the market.", sell: "Waits until the price falls to the trigger, then sells at the market." },
  },
  {
    name: "stop_limit",
    label: "Stop-limit",
    needs: ["stop_price", "limit_price"],
    means: {
      buy: "Waits until the price rises to the trigger, then places a limit order. In a jump it may not fill.",
      sell: "Waits until the price falls to the trigger, then places a limit order. In a jump it may not fill.",
    },
  },
  {
    name: "take_profit",
    label: "Take-profit",
    needs: ["stop_price"],
    takes: ["limit_price"],
    means: {
      buy: "Waits until the price falls to the trigger, then buys: at the market, or at your limit or cheaper.",
      sell: "Waits until the price rises to the trigger, then sells: at the market, or at your limit or dearer.",
    },
  },
  {
    name: "trailing_stop",
    label: "Trailing stop",
    needs: [],
    choice: ["trail_pct", "trail_amount"],
    means: {
      buy: "A stop that follows the lowest price down at a fixed distance and never moves up. It buys at the market once the price turns that far.",
      sell: "A stop that follows the highest price up at a fixed distance and never moves down. It sells at the market once the price turns that far.",
    },
  },
  {
    name: "oco",
    label: "OCO: take profit or stop",
    needs: ["take_profit_price", "stop_loss_price"],
    side: "sell",
    forces: ["GTC", "GTD"],
    means: { buy: "", sell: "Two exits for units you hold: a limit order above and a stop below. Whichever sells ends the other; the units are reserved once." },
  },
  {
    name: "bracket",
    label: "Bracket: buy with exits",
    needs: [],
    choice: ["take_profit_price", "stop_loss_price"],
    takes: ["limit_price", "stop_price"],
    side: "buy",
    means: { buy: "Buys, and once filled sets a take-profit above and a stop-loss below for what was bought. One exit ends the other.", sell: "" },
  },
];

export const KIND_OF = new Map(KINDS.map((kind) => [kind.name, kind]));

/** The prices a type may carry, in the order they are asked for. */
export function pricesOf(kind: OrderKind): PriceName[] {
  const found = KIND_OF.get(kind);
  return found ? [...(found.takes ?? []), ...found.needs, ...(found.choice ?? [])] : [];
}

/** Whether the type would do without this price. */
export function isOptional(kind: OrderKind, price: PriceName): boolean {
  return !KIND_OF.get(kind)?.needs.includes(price);
}

const WORDS: Record<PriceName, string> = {
  limit_price: "Limit price",
  stop_price: "Trigger price",
  trail_pct: "Distance in %",
  trail_amount: "or distance",
  take_profit_price: "Take profit at",
  stop_loss_price: "Stop loss at",
};

export function priceLabel(kind: OrderKind, price: PriceName): string {
  if (kind === "bracket" && price === "limit_price") return "Entry limit (empty: market)";
  if (kind === "bracket" && price === "stop_price") return "Entry trigger (empty: now)";
  if (kind === "take_profit" && price === "limit_price") return "Limit price (empty: market)";
  return WORDS[price];
}

export const FORCE_WORDS: Record<Force, string> = {
  GTC: "until canceled",
  IOC: "at once or not (IOC)",
  FOK: "all or nothing, at once (FOK)",
  GTD: "until a date (GTD)",
};
