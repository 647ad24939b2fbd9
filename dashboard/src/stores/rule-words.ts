/** Names of rules and inputs as words. */

const RULES: Record<string, string> = {
  max_order_notional: "Largest order",
  max_position: "Largest position",
  max_position_share: "Largest position",
  gross_exposure: "Total exposure",
  concentration: "Share of one asset",
  market_session: "Market open",
  stale_price: "Fresh price",
  price_collar: "Price near the mark",
  diverging_providers: "Sources agree",
  spread: "Spread",
  min_notional: "Smallest order",
  fee_edge: "Edge pays the fees",
  daily_loss: "Daily loss",
  drawdown: "Drawdown",
  order_rate: "Orders an hour",
  open_orders: "Open orders",
  unknown_orders: "Unknown orders",
  trading_state: "Trading state",
  loss_streak: "Losses in a row",
  max_gross_exposure: "Total exposure",
  open_order_count: "Open orders",
  correlation: "What moves together",
  venue_health: "Venue answers well",
  clock_skew: "Clocks agree",
  symbol_quarantined: "Books and venue agree",
  agent_budget: "Agent's budget",
  instrument_paused: "Instrument not paused",
  instrument_rules: "Step and tick",
  balance: "Money to pay it",
};

export function asWords(name: string): string {
  const plain = name.replaceAll("_", " ");
  return plain.charAt(0).toUpperCase() + plain.slice(1);
}

export function ruleWord(rule: string): string {
  return RULES[rule] ?? asWords(rule);
}

export interface NamedValue {
  name: string;
  value: string;
}

function valueWords(value: unknown): string {
  if (value === null || value === undefined || value === "") return "unknown";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

export function inputWords(inputs: Record<string, unknown> | null | undefined): NamedValue[] {
  return Object.entries(inputs ?? {}).map(([name, value]) => ({ name: name.replaceAll("_", " "), value: valueWords(value) }));
}
