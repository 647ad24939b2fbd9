/** Entries of the audit in words: what was done, to what, on which chain. */

import type { RouteLocationRaw } from "vue-router";

import type { AuditEntry } from "../api/system-types";
import { shortId } from "../format/short-id";
import { stateWord } from "./order-words";
import { asWords } from "./rule-words";

/** Where a subject of this kind can be looked at. */
const PLACES: Record<string, (id: string) => RouteLocationRaw> = {
  order: (id) => ({ name: "orders", params: { id } }),
  agent: (id) => ({ name: "agents", params: { id } }),
  account: () => ({ name: "accounts" }),
  break: () => ({ name: "breaks" }),
  fleet: () => ({ name: "fleet" }),
  peer: () => ({ name: "fleet" }),
  proposal: () => ({ name: "fleet" }),
  drill: () => ({ name: "drills" }),
  limits: () => ({ name: "risk" }),
  cause: () => ({ name: "risk" }),
  trading: () => ({ name: "risk" }),
};
const KINDS: Record<string, string> = { limits: "Limits, version", cause: "Cause", trading: "Trading" };

/** "Order accepted" for a change of state, else the action as words. */
export function actionWords(entry: Pick<AuditEntry, "action" | "payload">): string {
  const payload = entry.payload as Record<string, unknown> | null;
  const to = payload?.["to"];
  if (entry.action === "order.state_changed" && typeof to === "string") return `Order ${stateWord(to).toLowerCase()}`;
  return asWords(entry.action.replaceAll(".", " "));
}

export interface SubjectWords {
  words: string;
  to: RouteLocationRaw | null;
}

/** "order:<id>" is "Order …1a2b3c", an agent goes by its name; null where there is nothing to open. */
export function subjectWords(subject: string, agents: ReadonlyMap<string, string>): SubjectWords {
  const at = subject.indexOf(":");
  const [kind, id] = at < 0 ? [subject, ""] : [subject.slice(0, at), subject.slice(at + 1)];
  const name = kind === "agent" ? agents.get(id) : undefined;
  const words = name ?? `${KINDS[kind] ?? asWords(kind)}\u00a0${shortId(id)}`.trim();
  return { words, to: PLACES[kind]?.(id) ?? null };
}

/** "execution/fill_poll" is the fill poll of the process execution; other names stay. */
export function loopName(name: string): string {
  const found = /^([a-z0-9-]+)\/([a-z_]+)/.exec(name);
  return found ? `${asWords(found[2] ?? "")} (${found[1] ?? ""})${name.slice(found[0].length)}` : name;
}

export function chainWords(chain: string): string {
  const [kind = "", id = ""] = chain.split(":");
  return id ? `${asWords(kind)}\u00a0${shortId(id)}` : asWords(kind);
}
