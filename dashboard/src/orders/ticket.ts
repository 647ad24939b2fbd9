/** What is wrong with an order ticket, in words, before it is sent. The server judges again; this only saves a round. */

import type { Instrument } from "../api/market-types";
import { type Amount, compare, isMultiple, multiply, parse, placesOf, show, signOf, subtract } from "../format/decimal";

export interface Ticket {
  instrument: string;
  side: "buy" | "sell";
  type: "market" | "limit" | "stop";
  unit: "quantity" | "notional";
  amount: string;
  limit_price: string;
  stop_price: string;
  time_in_force: "GTC" | "IOC" | "FOK";
  reduce_only: boolean;
  reason: string;
}

export interface TicketFacts {
  rules: Instrument | null;
  mark: Amount;
  cash: Amount;
  held: Amount;
  quote: string;
}

export type TicketField = "instrument" | "amount" | "limit_price" | "stop_price" | "reduce_only";
export type Complaints = Partial<Record<TicketField, string>>;

function priceComplaint(text: string, tick: Amount): string | null {
  if (!text.trim()) return "Give a price.";
  if (!parse(text)) return `“${text}” is not a number. Write it like 63120.5.`;
  if (signOf(text) <= 0) return "A price must be above zero.";
  if (tick && isMultiple(text, tick) === false) return `Prices move in steps of ${show(tick, { places: placesOf(tick) })}.`;
  return null;
}

/** The price a ticket would trade at, as far as anyone can tell beforehand. */
export function ticketPrice(ticket: Ticket, facts: TicketFacts): Amount {
  if (ticket.type === "limit" && parse(ticket.limit_price)) return ticket.limit_price;
  if (ticket.type === "stop" && parse(ticket.stop_price)) return ticket.stop_price;
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

function stopComplaint(ticket: Ticket, facts: TicketFacts): string | null {
  const wrong = priceComplaint(ticket.stop_price, facts.rules?.tick_size);
  if (wrong) return wrong;
  const side = compare(ticket.stop_price, facts.mark);
  if (side === null) return null;
  if (ticket.side === "sell" && side >= 0) return `A stop to sell lies below the mark (${show(facts.mark)}); this one would fire at once.`;
  if (ticket.side === "buy" && side <= 0) return `A stop to buy lies above the mark (${show(facts.mark)}); this one would fire at once.`;
  return null;
}

export function complaints(ticket: Ticket, facts: TicketFacts): Complaints {
  const found: Complaints = {};
  if (!ticket.instrument) found.instrument = "Choose an instrument.";
  if (facts.rules?.paused) found.instrument = `${ticket.instrument} is paused: ${facts.rules.paused_reason ?? "no reason given"}`;
  const amount = amountComplaint(ticket, facts);
  if (amount) found.amount = amount;
  if (ticket.type === "limit") {
    const wrong = priceComplaint(ticket.limit_price, facts.rules?.tick_size);
    if (wrong) found.limit_price = wrong;
  }
  if (ticket.type === "stop") {
    const wrong = stopComplaint(ticket, facts);
    if (wrong) found.stop_price = wrong;
  }
  if (ticket.reduce_only && ticket.side === "buy") found.reduce_only = "Only a sale can reduce a position.";
  return found;
}

/** Things worth knowing that forbid nothing. */
export function remarks(ticket: Ticket, facts: TicketFacts): string[] {
  const found: string[] = [];
  if (ticket.type === "limit" && parse(ticket.limit_price) && facts.mark) {
    const side = compare(ticket.limit_price, facts.mark);
    if (ticket.side === "buy" && side === 1) found.push("The limit lies above the mark: it would be filled like a market order.");
    if (ticket.side === "sell" && side === -1) found.push("The limit lies below the mark: it would be filled like a market order.");
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
  if (ticket.type === "limit") body["limit_price"] = ticket.limit_price.trim();
  if (ticket.type === "stop") body["stop_price"] = ticket.stop_price.trim();
  if (ticket.reason.trim()) body["reason"] = ticket.reason.trim();
  return body;
}
