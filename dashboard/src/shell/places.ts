/** The pages of the rail and their keys. */

import type { IconName } from "../parts/icons";

export interface Place {
  name: string;
  label: string;
  icon: IconName;
  key: string;
  /** Kept in the bottom bar of a phone; the others are under "More". */
  first?: boolean;
  /** Begins a group of the rail: what is traded, what keeps it safe, what it runs on. */
  apart?: boolean;
}

export const PLACES: Place[] = [
  { name: "overview", label: "Overview", icon: "overview", key: "h", first: true },
  { name: "markets", label: "Markets", icon: "markets", key: "m", first: true },
  { name: "orders", label: "Orders", icon: "orders", key: "o", first: true },
  { name: "decisions", label: "Decisions", icon: "decisions", key: "d", first: true },
  { name: "agents", label: "Agents", icon: "agents", key: "a" },
  { name: "research", label: "Research", icon: "research", key: "e" },
  { name: "risk", label: "Risk", icon: "risk", key: "r", apart: true },
  { name: "accounts", label: "Accounts", icon: "accounts", key: "c" },
  { name: "breaks", label: "Breaks", icon: "breaks", key: "b" },
  { name: "fleet", label: "Fleet", icon: "fleet", key: "f", apart: true },
  { name: "drills", label: "Drills", icon: "drills", key: "l" },
  { name: "audit", label: "Audit", icon: "audit", key: "u" },
  { name: "settings", label: "Settings", icon: "settings", key: "s" },
];
