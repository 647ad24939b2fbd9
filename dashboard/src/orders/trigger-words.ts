/** Triggers, groups and exits in words. */

import type { GroupMember, Order } from "../api/trading-types";
import { type Amount, percentOf, show, showPercent, subtract } from "../format/decimal";

/** How far the price still has to go, in percent of the mark and without a sign; null where nothing waits. */
export function distanceToTrigger(order: Order, mark: Amount): string | null {
  const trigger = order.trigger;
  if (trigger?.state !== "waiting" && trigger?.state !== "at_venue") return null;
  if (!trigger.price) return null;
  const [upper, lower] = trigger.fires === "at_or_below" ? [mark, trigger.price] : [trigger.price, mark];
  return percentOf(subtract(upper, lower), mark);
}

/** sells at the market at or below 49,800 */
export function triggerWords(order: Order, places: number): string {
  const trigger = order.trigger;
  if (!trigger) return "";
  const price = trigger.price ? show(trigger.price, { places }) : "the first price seen";
  const where = trigger.fires === "at_or_below" ? `at or below ${price}` : `at or above ${price}`;
  const then = trigger.then === "market" ? "at the market" : `as a limit at ${show(order.limit_price, { places })}`;
  return `${order.side}s ${then} once the price is ${where}`;
}

const TRIGGER_STATES = {
  waiting: "watched by the house",
  at_venue: "watched by the venue",
  hit: "it was hit",
  ended: "no longer watched",
};

export function triggerStateWords(order: Order): string {
  return order.trigger ? TRIGGER_STATES[order.trigger.state] : "";
}

export function distanceWords(order: Order, mark: Amount): string {
  const distance = distanceToTrigger(order, mark);
  return distance === null ? "" : `${showPercent(distance, { places: 1 })} away`;
}

const ROLES = { entry: "Entry", take_profit: "Take-profit", stop_loss: "Stop-loss" };

export function roleWord(role: Order["role"]): string {
  return role ? ROLES[role] : "";
}

export function memberPrice(member: GroupMember, places: number): string {
  const price = member.role === "stop_loss" ? member.stop_price : (member.limit_price ?? member.stop_price);
  return price ? `at ${show(price, { places })}` : "at the market";
}

/** The group's promise in one sentence. */
export function groupWords(order: Order): string {
  if (!order.group) return "";
  return order.group.kind === "oco"
    ? "OCO: two exits for the same units; whichever sells ends the other."
    : "Bracket: an entry with its exits, which sell what it bought; one exit ends the other.";
}
