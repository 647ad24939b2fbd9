/** What is wrong with an order ticket, in words, before it is sent. The server judges again; this only saves a round. */

import type { Instrument } from "../api/market-types";
import { type Amount, compare, isMultiple, multiply, parse, placesOf, show, signOf, subtract } from "../format/decimal";
import { type Force, KIND_OF, type OrderKind, pricesOf, type PriceName } from "./order-kinds";

export interface Ticket extends Record<PriceName, string> {
  instrument: string;
  side: "buy" | "sell";
  type: OrderKind;
  unit: "quantity" | "notional";
  amount: string;
  time_in_force: Force;
  /** As the browser's own control writes it, in UTC: 2026-03-01T12:00 */
  expires_at: string;
  reduce_only: boolean;
  post_only: boolean;
  reason: string;
}

export interface TicketFacts {
  rules: Instrument | null;
  mark: Amount;
  cash: Amount;
  held: Amount;
  quote: string;
}

export type TicketField = "instrument" | "amount" | PriceName | "reduce_only" | "expires_at";
export type Complaints = Partial<Record<TicketField, string>>;

export function blankTicket(instrument: string): Ticket {
  return {
    instrument,
    side: "buy",
    type: "market",
    unit: "quantity",
    amount: "",
    limit_price: "",
    stop_price: "",
    trail_pct: "",
    trail_amount: "",
    take_profit_price: "",
    stop_loss_price: "",
    time_in_force: "GTC",
    expires_at: "",
    reduce_only: false,
    post_only: false,
    reason: "",
  };
}

function given(ticket: Ticket, price: PriceName): boolean {
  return pricesOf(ticket.type).includes(price) && ticket[price].trim() !== "";
}

function priceComplaint(text: string, tick: Amount): string | null {
  if (!text.trim()) return "Give a price.";
  if (!parse(text)) return `“${text}” is not a number. Write it like 63120.5.`;
  if (signOf(text) <= 0) return "A price must be above zero.";
  if (tick && isMultiple(text, tick) === false) return `Prices move in steps of ${show(tick, { places: placesOf(tick) })}.`;
  return null;
}

/** Whether the order may rest in the book, so that it can be kept from trading at once. */
export function mayRest(ticket: Ticket): boolean {
  return ticket.type === "limit" || (ticket.type === "bracket" && given(ticket, "limit_price") && !given(ticket, "stop_price"));
}

/** The price a ticket would trade at, as far as anyone can tell beforehand. */
export function ticketPrice(ticket: Ticket, facts: TicketFacts): Amount {
  for (const price of ["limit_price", "stop_price", "take_profit_price"] as const) {
    if (price === "take_profit_price" && ticket.type !== "oco") continue;
    if (given(ticket, price) && parse(ticket[price])) return ticket[price];
  }
  return facts.mark;
}

/** What it would cost or bring, before fees; null while unknown. */
export function ticketValue(ticket: Ticket, facts: TicketFacts): string | null {
  if (!parse(ticket.amount)) return null;
  return ticket.unit === "notional" ? ticket.amount : multiply(ticket.amount, ticketPrice(ticket, facts));
}

function amountComplaint(ticket: Ticket, facts: TicketFacts): string | null {
  const { rules } = facts;
  const text = ticket.amount;
  if (!text.trim()) return "Say how much.";
  if (!parse(text)) return `“${text}” is not a number. Write it like 0.0021.`;
  if (signOf(text) <= 0) return "The amount must be above zero.";
  const base = ticket.instrument.split("/")[0] ?? "";
  if (ticket.unit === "notional" && ticket.type === "oco") return `An OCO sells units: give the amount in ${base}.`;
  if (ticket.unit === "quantity" && rules) {
    if (rules.min_quantity && compare(text, rules.min_quantity) === -1) return `The smallest order is ${show(rules.min_quantity)} ${base}.`;
    if (isMultiple(text, rules.step_size) === false) return `Quantities move in steps of ${show(rules.step_size)} ${base}.`;
  }
  const value = ticketValue(ticket, facts);
  if (rules?.min_notional && value && compare(value, rules.min_notional) === -1) {
    return `That is worth ${show(value, { places: 2 })} ${facts.quote}; the smallest order is ${show(rules.min_notional)} ${facts.quote}.`;
  }
  if (ticket.side === "buy" && value && compare(value, facts.cash) === 1) {
    return `That needs ${show(value, { places: 2 })} ${facts.quote}; ${show(facts.cash, { places: 2 })} is free.`;
  }
  if (ticket.side === "sell") {
    if (!facts.held || signOf(facts.held) === 0) return `Nothing of ${ticket.instrument} is held; positions are long or flat, so there is nothing to sell.`;
    if (ticket.unit === "quantity" && compare(text, facts.held) === 1) return `Only ${show(facts.held)} ${base} is held.`;
  }
  return null;
}

/** A trigger that lies on the side where it would fire at once. */
function triggerComplaint(ticket: Ticket, facts: TicketFacts): string | null {
  const side = compare(ticket.stop_price, facts.mark);
  if (side === null) return null;
  const word = KIND_OF.get(ticket.type)?.label.toLowerCase() ?? "stop";
  const below = (ticket.side === "sell") !== (ticket.type === "take_profit");
  if (below && side >= 0) return `A ${word} to ${ticket.side} lies below the mark (${show(facts.mark)}); this one would fire at once.`;
  if (!below && side <= 0) return `A ${word} to ${ticket.side} lies above the mark (${show(facts.mark)}); this one would fire at once.`;
  return null;
}

function exitComplaint(ticket: Ticket, facts: TicketFacts, price: "take_profit_price" | "stop_loss_price"): string | null {
  const entry = ticketPrice({ ...ticket, type: "bracket" }, facts);
  const paid = ticket.type === "oco" ? facts.mark : entry;
  const side = compare(ticket[price], paid);
  if (side === null) return null;
  const what = ticket.type === "oco" || paid === facts.mark ? "the mark" : "the entry";
  if (price === "take_profit_price" && side <= 0) return `A take-profit lies above ${what} (${show(paid)}); this one would sell at once.`;
  if (price === "stop_loss_price" && side >= 0) return `A stop-loss lies below ${what} (${show(paid)}); this one would sell at once.`;
  return null;
}

function distanceComplaint(text: string, percent: boolean): string | null {
  if (!parse(text)) return `“${text}” is not a number. Write it like ${percent ? "2.5" : "500"}.`;
  if (signOf(text) <= 0) return "The distance must be above zero.";
  if (percent && compare(text, "50") === 1) return "At most 50 %.";
  return null;
}

function priceComplaints(ticket: Ticket, facts: TicketFacts): Complaints {
  const found: Complaints = {};
  const kind = KIND_OF.get(ticket.type);
  for (const price of pricesOf(ticket.type)) {
    if (!given(ticket, price)) {
      if (kind?.needs.includes(price)) found[price] = "Give a price.";
      continue;
    }
    const distance = price === "trail_pct" || price === "trail_amount";
    let wrong = distance ? distanceComplaint(ticket[price], price === "trail_pct") : priceComplaint(ticket[price], facts.rules?.tick_size);
    if (!wrong && price === "stop_price") wrong = triggerComplaint(ticket, facts);
    if (!wrong && (price === "take_profit_price" || price === "stop_loss_price")) wrong = exitComplaint(ticket, facts, price);
    if (wrong) found[price] = wrong;
  }
  const choice = kind?.choice ?? [];
  const chosen = choice.filter((price) => given(ticket, price));
  const first = choice[0];
  if (first && chosen.length === 0) found[first] = ticket.type === "bracket" ? "Give a take-profit, a stop-loss or both." : "Give a distance.";
  if (ticket.type === "trailing_stop" && chosen.length > 1) found.trail_amount = "Give one distance: in percent or in money.";
  return found;
}

export function complaints(ticket: Ticket, facts: TicketFacts): Complaints {
  const found: Complaints = {};
  if (!ticket.instrument) found.instrument = "Choose an instrument.";
  if (facts.rules?.paused) found.instrument = `${ticket.instrument} is paused: ${facts.rules.paused_reason ?? "no reason given"}`;
  const amount = amountComplaint(ticket, facts);
  if (amount) found.amount = amount;
  Object.assign(found, priceComplaints(ticket, facts));
  if (ticket.time_in_force === "GTD" && !ticket.expires_at) found.expires_at = "Say until when.";
  if (ticket.reduce_only && ticket.side === "buy") found.reduce_only = "Only a sale can reduce a position.";
  return found;
}

/** Things worth knowing that forbid nothing. */
export function remarks(ticket: Ticket, facts: TicketFacts): string[] {
  const found: string[] = [];
  if (ticket.type === "limit" && parse(ticket.limit_price) && facts.mark) {
    const side = compare(ticket.limit_price, facts.mark);
    const fate = ticket.post_only ? "post-only, it would be refused." : "it would be filled like a market order.";
    if (ticket.side === "buy" && side === 1) found.push(`The limit lies above the mark: ${fate}`);
    if (ticket.side === "sell" && side === -1) found.push(`The limit lies below the mark: ${fate}`);
  }
  const value = ticketValue(ticket, facts);
  const left = ticket.side === "buy" && value ? subtract(facts.cash, value) : null;
  if (left && signOf(left) >= 0) found.push(`Leaves about ${show(left, { places: 2 })} ${facts.quote} free.`);
  return found;
}

/** The body of the request. */
export function ticketBody(ticket: Ticket): Record<string, unknown> {
  const body: Record<string, unknown> = {
    instrument: ticket.instrument,
    side: ticket.side,
    type: ticket.type,
    [ticket.unit]: ticket.amount.trim(),
    time_in_force: ticket.time_in_force,
    reduce_only: ticket.reduce_only,
  };
  for (const price of pricesOf(ticket.type)) {
    if (given(ticket, price)) body[price] = ticket[price].trim();
  }
  if (ticket.time_in_force === "GTD" && ticket.expires_at) body["expires_at"] = `${ticket.expires_at}Z`;
  if (ticket.post_only && mayRest(ticket)) body["post_only"] = true;
  if (ticket.reason.trim()) body["reason"] = ticket.reason.trim();
  return body;
}
