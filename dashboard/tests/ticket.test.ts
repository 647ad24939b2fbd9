import { describe, expect, it } from "vitest";

import type { Instrument } from "../src/api/market-types";
import { KINDS, pricesOf } from "../src/orders/order-kinds";
import { blankTicket, complaints, mayRest, remarks, type Ticket, ticketBody, type TicketFacts, ticketValue } from "../src/orders/ticket";

const rules: Instrument = {
  instrument: "BTC/USDT",
  base: "BTC",
  quote: "USDT",
  tick_size: "0.1",
  step_size: "0.00001",
  min_quantity: "0.00001",
  min_notional: "5",
  calendar: "", open: true, session_until: null, assumed: [],
  sources: [],
  watched: true,
  paused: false,
  paused_reason: null,
};
const facts: TicketFacts = { rules, mark: "60000", cash: "500", held: "0.002", quote: "USDT" };

function ticket(changes: Partial<Ticket>): Ticket {
  return { ...blankTicket("BTC/USDT"), amount: "0.001", ...changes };
}

describe("the order ticket", () => {
  it("has nothing against a sound order", () => {
    expect(complaints(ticket({}), facts)).toEqual({});
    expect(ticketValue(ticket({}), facts)).toBe("60.000");
  });

  it("says what is wrong with an amount", () => {
    const said = (changes: Partial<Ticket>): string | undefined => complaints(ticket(changes), facts).amount;
    expect(said({ amount: "" })).toBe("Say how much.");
    expect(said({ amount: "much" })).toContain("is not a number");
    expect(said({ amount: "-1" })).toBe("The amount must be above zero.");
    expect(said({ amount: "0.000015" })).toContain("steps of 0.00001 BTC");
    expect(said({ amount: "0.00005" })).toBe("That is worth 3.00 USDT; the smallest order is 5 USDT.");
    expect(said({ amount: "0.01" })).toBe("That needs 600.00 USDT; 500.00 is free.");
    expect(said({ side: "sell", amount: "0.003" })).toBe("Only 0.002 BTC is held.");
    expect(said({ unit: "notional", amount: "4.99" })).toContain("the smallest order is 5 USDT");
  });

  it("refuses to sell what is not held", () => {
    expect(complaints(ticket({ side: "sell" }), { ...facts, held: "0" }).amount).toContain("nothing to sell");
  });

  it("judges prices by tick and side", () => {
    expect(complaints(ticket({ type: "limit", limit_price: "60000.05" }), facts).limit_price).toContain("steps of 0.1");
    expect(complaints(ticket({ type: "limit", limit_price: "" }), facts).limit_price).toBe("Give a price.");
    expect(complaints(ticket({ type: "stop", side: "sell", stop_price: "60001" }), facts).stop_price).toContain("below the mark");
    expect(complaints(ticket({ type: "stop", side: "buy", stop_price: "59999" }), facts).stop_price).toContain("above the mark");
    expect(remarks(ticket({ type: "limit", limit_price: "60001", amount: "0.001" }), facts)[0]).toContain("like a market order");
  });

  it("names the pause of an instrument", () => {
    const paused = { ...facts, rules: { ...rules, paused: true, paused_reason: "news" } };
    expect(complaints(ticket({}), paused).instrument).toBe("BTC/USDT is paused: news");
  });

  it("sends decimals as the strings that were typed, and only what the type needs", () => {
    expect(ticketBody(ticket({ type: "limit", limit_price: " 60000.1 ", stop_price: "1", unit: "notional", amount: "25.50" }))).toEqual({
      instrument: "BTC/USDT",
      side: "buy",
      type: "limit",
      notional: "25.50",
      limit_price: "60000.1",
      time_in_force: "GTC",
      reduce_only: false,
    });
  });

  it("judges the trigger of each type on its own side", () => {
    const said = (changes: Partial<Ticket>): string | undefined => complaints(ticket(changes), facts).stop_price;
    expect(said({ type: "take_profit", side: "sell", stop_price: "59999" })).toContain("above the mark");
    expect(said({ type: "take_profit", side: "sell", stop_price: "60001" })).toBeUndefined();
    expect(said({ type: "stop_limit", side: "sell", stop_price: "59000", limit_price: "58900" })).toBeUndefined();
  });

  it("wants exactly one distance of a trailing stop", () => {
    expect(complaints(ticket({ type: "trailing_stop" }), facts).trail_pct).toBe("Give a distance.");
    expect(complaints(ticket({ type: "trailing_stop", trail_pct: "60" }), facts).trail_pct).toContain("50 %");
    expect(complaints(ticket({ type: "trailing_stop", trail_pct: "2", trail_amount: "100" }), facts).trail_amount).toContain("one distance");
    expect(complaints(ticket({ type: "trailing_stop", trail_amount: "100" }), facts)).toEqual({});
  });

  it("keeps the exits of a group on their sides of what is paid", () => {
    const bracket = { type: "bracket", take_profit_price: "61000", stop_loss_price: "59000" } as const;
    expect(complaints(ticket(bracket), facts)).toEqual({});
    expect(complaints(ticket({ ...bracket, stop_loss_price: "60500" }), facts).stop_loss_price).toContain("below the mark");
    expect(complaints(ticket({ ...bracket, limit_price: "58000" }), facts).stop_loss_price).toContain("below the entry");
    expect(complaints(ticket({ type: "bracket" }), facts).take_profit_price).toContain("or both");
    const oco = { type: "oco", side: "sell", take_profit_price: "61000", stop_loss_price: "59000" } as const;
    expect(complaints(ticket(oco), facts)).toEqual({});
    expect(complaints(ticket({ ...oco, unit: "notional", amount: "50" }), facts).amount).toContain("in BTC");
  });

  it("asks for a date only with GTD, and sends it in UTC", () => {
    expect(complaints(ticket({ time_in_force: "GTD" }), facts).expires_at).toBe("Say until when.");
    expect(ticketBody(ticket({ time_in_force: "GTD", expires_at: "2026-03-01T12:00" }))["expires_at"]).toBe("2026-03-01T12:00Z");
  });

  it("sends for every type no price but its own", () => {
    const all = { limit_price: "1", stop_price: "2", trail_pct: "3", trail_amount: "4", take_profit_price: "5", stop_loss_price: "6" };
    for (const kind of KINDS) {
      const sent = Object.keys(ticketBody(ticket({ ...all, type: kind.name }))).filter((name) => name in all);
      expect(sent.sort()).toEqual([...pricesOf(kind.name)].sort());
    }
  });

  it("offers post-only where an order may rest", () => {
    expect(mayRest(ticket({ type: "limit" }))).toBe(true);
    expect(mayRest(ticket({ type: "bracket", limit_price: "59000" }))).toBe(true);
    expect(mayRest(ticket({ type: "bracket" }))).toBe(false);
    expect(ticketBody(ticket({ type: "market", post_only: true }))).not.toHaveProperty("post_only");
  });
});
