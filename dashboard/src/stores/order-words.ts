/** Orders in words: states, tones, sentences. */

import type { Order } from "../api/trading-types";
import { add, show } from "../format/decimal";

export type Tone = "good" | "warn" | "bad" | "calm" | "";

const STATES: Record<string, { word: string; tone: Tone; means: string }> = {
  PROPOSED: { word: "Proposed", tone: "calm", means: "Asked for; the risk gate has not judged it yet." },
  DENIED: { word: "Denied", tone: "warn", means: "The risk gate refused it. Nothing was sent." },
  APPROVED: { word: "Approved", tone: "calm", means: "The risk gate let it through; it waits to be sent." },
  ARMED: { word: "Armed", tone: "calm", means: "Its trigger is watched; it is sent when the price gets there." },
  SUBMITTING: { word: "Submitting", tone: "calm", means: "It is being sent; the answer has not come yet." },
  ACCEPTED: { word: "Accepted", tone: "calm", means: "The venue holds it; nothing is filled yet." },
  PARTIALLY_FILLED: { word: "Part filled", tone: "calm", means: "Part of it is filled; the rest is working." },
  FILLED: { word: "Filled", tone: "good", means: "All of it is filled and booked." },
  PENDING_CANCEL: { word: "Canceling", tone: "calm", means: "A cancel was asked for; the venue has not confirmed it." },
  CANCELED: { word: "Canceled", tone: "", means: "It was taken back; reserved funds are free again." },
  EXPIRED: { word: "Expired", tone: "", means: "Its time was over; reserved funds are free again." },
  REJECTED: { word: "Rejected", tone: "bad", means: "The venue refused it. Nothing was traded." },
  UNKNOWN: { word: "Unknown", tone: "warn", means: "It was sent and no answer came. It is being looked up, never resent." },
  NOT_PLACED: { word: "Not placed", tone: "", means: "Looked up and proven: it never reached the venue." },
};

export const ORDER_STATES = Object.keys(STATES);
const OPEN = ["PROPOSED", "APPROVED", "ARMED", "SUBMITTING", "ACCEPTED", "PARTIALLY_FILLED", "PENDING_CANCEL", "UNKNOWN"];

export function isOpen(state: string): boolean {
  return OPEN.includes(state);
}

export function stateWord(state: string): string {
  return STATES[state]?.word ?? state.toLowerCase().replaceAll("_", " ");
}

export function stateTone(state: string): Tone {
  return STATES[state]?.tone ?? "";
}

export function stateMeans(state: string): string {
  return STATES[state]?.means ?? "A state this screen does not know.";
}

/** When it was asked for, wall clock. */
export function orderTime(order: Order): string {
  return order.proposed_at;
}

const PARTS = { entry: "entry", take_profit: "take-profit", stop_loss: "stop-loss" };

/** limit at 63,120.5; stop-limit at 63,000, limit 62,900; of a group: bracket stop-loss at 61,000 */
export function typeWords(order: Order): string {
  const part = order.role && order.group ? `${order.group.kind === "oco" ? "OCO" : "bracket"} ${PARTS[order.role]}` : "";
  const name = part || order.type.replaceAll("_", "-");
  if (order.type === "trailing_stop") {
    const distance = order.trail_pct ? `${show(order.trail_pct)} %` : show(order.trail_amount);
    return `${name} ${distance} behind${order.stop_price ? `, at ${show(order.stop_price)}` : ""}`;
  }
  const trigger = order.type === "limit" || order.type === "market" ? null : order.stop_price;
  const limit = order.limit_price && order.limit_price !== trigger ? order.limit_price : null;
  if (trigger) return limit ? `${name} at ${show(trigger)}, limit ${show(limit)}` : `${name} at ${show(trigger)}`;
  return limit ? `${name} at ${show(limit)}` : name;
}

const ORIGINS: Record<string, string> = {
  manual: "a person",
  consensus: "the agents",
  guard: "the stop guard",
  flatten: "the flatten order",
};

export function originWords(order: Order): string {
  return ORIGINS[order.origin] ?? order.origin;
}

/** the stop guard sold 0.0759 at 3,234.9, result −3.75. Protects the position: sells at the market when ... */
export function deedWords(order: Order): string {
  const who = order.origin === "manual" ? order.actor : originWords(order);
  const verb = order.side === "buy" ? "bought" : "sold";
  const gained = order.fills.reduce<string | null>((sum, fill) => add(sum, fill.realized_pnl), "0");
  const result = order.side === "sell" ? `, result ${show(gained, { places: 2, signed: true })}` : "";
  return `${who} ${verb} ${show(order.filled_quantity)} at ${show(order.average_price)}${result}. ${order.reason}`;
}
