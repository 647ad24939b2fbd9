/** The bridge in words: what a peer is to us, by which key, and what it proposes. */

import type { BridgePeer, Proposal } from "../api/bridge-types";
import { counted } from "../format/counted";
import type { Tone } from "../stores/order-words";
import { asWords } from "../stores/rule-words";

/** What is known of a peer now, the most pressing first. */
export function peerWords(peer: BridgePeer): string {
  if (!peer.named) return "HQ_PEERS does not name it: nothing is exchanged";
  if (!peer.keys.some((key) => key.holds)) return "no key of it holds: it is refused until an admin adds one";
  if (!peer.heard_at) return "not heard yet";
  const role = peer.role ?? "role unknown";
  const state = peer.trading_state ? `, ${peer.trading_state.toLowerCase()}` : "";
  const said = `${role}${peer.leads ? `, leads in epoch ${peer.epoch}` : ""}${state}`;
  const waits = peer.waiting_here ? `; ${counted(peer.waiting_here, "message")} to it without a receipt` : "";
  return `${peer.heard ? said : `silent, was ${said}`}${waits}`;
}

export function peerTone(peer: BridgePeer): Tone {
  if (!peer.named || !peer.keys.some((key) => key.holds)) return "warn";
  if (!peer.heard_at) return "";
  return peer.heard ? "good" : "bad";
}

/** What it may do here. */
export function rightWords(peer: BridgePeer): string {
  const rights = [peer.may_halt ? "halt this firm" : "", peer.may_propose ? "propose agents" : ""].filter(Boolean);
  return rights.length ? `May ${rights.join(" and ")}.` : "May only tell how it is.";
}

/** A fingerprint in groups of four, as people compare it. */
export function grouped(fingerprint: string): string {
  return (fingerprint.match(/.{1,4}/g) ?? []).join(" ");
}

export function proposalWords(proposal: Proposal): string {
  const what = `${asWords(proposal.strategy)} on ${proposal.timeframe} bars of ${proposal.instruments.join(", ") || "the watch list"}`;
  const settings = Object.entries(proposal.parameters).map(([name, value]) => `${asWords(name).toLowerCase()} ${String(value)}`);
  return settings.length ? `${what}; ${settings.join(", ")}` : what;
}
