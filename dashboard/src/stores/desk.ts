/** The live state of the whole desk: one store a channel, started at sign-in, emptied when the session ends. */

import { computed, reactive, shallowReactive, watch } from "vue";

import type { AgentCard, Decision } from "../api/agent-types";
import { get, type Page, rowsOf } from "../api/client";
import type { Instrument, QuoteSnapshot } from "../api/market-types";
import { onSessionEnd, session } from "../api/session";
import type { SystemView } from "../api/system-types";
import type { Order, Portfolio } from "../api/trading-types";
import { timeframeSeconds } from "../format/time";
import { hear, startStream } from "../stream/connection";
import type { Frame } from "../stream/frames";
import { accounts, loadAccounts, shownAccount } from "./accounts";
import { collection, latest, merged, newestFirst, rowsIn, type Shape, takeLatest } from "./channels";
import { orderTime } from "./order-words";

export const system = latest<SystemView>();
export const portfolio = latest<Portfolio>();
export const orders = collection<Order>();
export const agents = collection<AgentCard>();
export const decisions = collection<Decision>();
export const instruments = collection<Instrument>();
export const quotes = shallowReactive(new Map<string, { data: QuoteSnapshot; heardAt: number }>());

/** What could not be loaded at the start, by part. */
export const troubles = reactive<Record<string, string>>({});

export const ORDER_SHAPE: Shape<Order> = { key: (row) => row.id, order: newestFirst(orderTime, (row) => row.id), most: 1000 };
export const AGENT_SHAPE: Shape<AgentCard> = {
  key: (row) => row.id,
  order: (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }),
  most: 500,
};
export const DECISION_SHAPE: Shape<Decision> = {
  key: (row) => row.id,
  order: newestFirst(
    (row) => row.closed_at,
    (row) => row.instrument,
  ),
  most: 400,
};

const TIMEFRAMES = ["1m", "5m", "15m", "1h", "4h", "1d"];
const STREAM_LATE_MS = 2500;
let fallback: number | undefined;
const leaving: (() => void)[] = [];
const quoteListeners = new Map<string, () => void>();

function follow<T>(channel: string, store: { rows: T[]; asOf: string | null; heardAt: number | null }, shape: Shape<T>): void {
  leaving.push(
    hear(channel, (frame: Frame) => {
      store.rows = merged(store.rows, rowsIn<T>(frame.data), shape);
      store.asOf = frame.as_of;
      store.heardAt = Date.now();
    }),
  );
}

async function fill<T>(part: string, path: string, store: { rows: T[]; heardAt: number | null }, shape: Shape<T>, limit = 100): Promise<void> {
  try {
    const told = rowsOf(await get<Page<T> | T[]>(path, limit ? { limit } : {}));
    store.rows = merged(store.rows, told, shape, false);
    store.heardAt ??= Date.now();
    delete troubles[part];
  } catch (error) {
    troubles[part] = error instanceof Error ? error.message : "unknown";
  }
}

/** Follow every channel the desk lives on. Safe to call again. */
export function startDesk(): void {
  if (leaving.length > 0) return;
  leaving.push(hear("system", (frame) => takeLatest(system, frame)));
  leaving.push(hear("portfolio", takePortfolio));
  follow("orders", orders, ORDER_SHAPE);
  follow("agents", agents, AGENT_SHAPE);
  follow("decisions", decisions, DECISION_SHAPE);
  startStream();
  void loadPortfolio(); // one round trip sooner than the stream's first snapshot
  void loadInstruments();
  void loadAccounts().catch((error: unknown) => (troubles["accounts"] = error instanceof Error ? error.message : "unknown"));
  fallback = window.setTimeout(readWhatIsMissing, STREAM_LATE_MS);
}

/** The stream's snapshots bring everything; what it has not brought in time is read once over REST. */
function readWhatIsMissing(): void {
  if (session.state !== "in") return;
  if (orders.heardAt === null) void fill("orders", "trading/orders/", orders, ORDER_SHAPE);
  if (decisions.heardAt === null) void fill("decisions", "trading/decisions/", decisions, DECISION_SHAPE);
  if (agents.heardAt === null) void fill("agents", "agents/", agents, AGENT_SHAPE);
}

/** The channel tells the house's portfolio; while another one is shown, a frame says when to read that again. */
function takePortfolio(frame: Frame): void {
  if ((frame.data as Portfolio).account === (shownAccount.value || (frame.data as Portfolio).account)) takeLatest(portfolio, frame);
  else if (!reading) void loadPortfolio(true);
}

let reading = false;

async function loadPortfolio(replace = false): Promise<void> {
  const wanted = shownAccount.value;
  reading = true;
  try {
    const told = await get<Portfolio>("trading/portfolio/", wanted ? { account: wanted } : {});
    if ((replace || portfolio.heardAt === null) && wanted === shownAccount.value) {
      portfolio.data = told;
      portfolio.asOf = told.as_of;
      portfolio.heardAt = Date.now();
    }
  } catch (error) {
    troubles["portfolio"] = error instanceof Error ? error.message : "unknown";
  } finally {
    reading = false;
  }
}

watch(
  () => accounts.shown,
  (chosen) => {
    if (chosen) void loadPortfolio(true);
  },
);

/** The watch list, and a quote listener for each of its instruments. */
export async function loadInstruments(): Promise<void> {
  try {
    const told = rowsOf(await get<Page<Instrument> | Instrument[]>("market/instruments/", { limit: 500 }));
    instruments.rows = [...told].sort((a, b) => Number(b.watched) - Number(a.watched) || a.instrument.localeCompare(b.instrument));
    instruments.heardAt = Date.now();
    delete troubles["instruments"];
    for (const row of told) if (row.watched) followQuotes(row.instrument);
  } catch (error) {
    troubles["instruments"] = error instanceof Error ? error.message : "unknown";
  }
}

/** Hear the quotes of one instrument as long as the session lasts. */
export function followQuotes(symbol: string): void {
  if (quoteListeners.has(symbol)) return;
  const leave = hear(`quotes:${symbol}`, (frame) => {
    quotes.set(symbol, { data: frame.data as QuoteSnapshot, heardAt: Date.now() });
  });
  quoteListeners.set(symbol, leave);
}

/** An order that was just answered by the API, so that it shows before its frame arrives. */
export function takeOrder(order: Order): void {
  orders.rows = merged(orders.rows, [order], ORDER_SHAPE);
}

export function takeAgent(card: AgentCard): void {
  agents.rows = merged(agents.rows, [card], AGENT_SHAPE);
}

export const instrumentOf = computed(() => new Map(instruments.rows.map((row) => [row.instrument, row])));
/** The timeframes whose candles the running market stores, shortest first: its own and the coarser ones that it divides. */
export const storedTimeframes = computed(() => {
  const base = system.data?.market.base_timeframe ?? "1m";
  const length = timeframeSeconds(base);
  return [base, ...TIMEFRAMES.filter((each) => timeframeSeconds(each) > length && timeframeSeconds(each) % length === 0)];
});
export const currency = computed(() => portfolio.data?.base_currency ?? "");

onSessionEnd(() => {
  window.clearTimeout(fallback);
  for (const leave of leaving) leave();
  leaving.length = 0;
  for (const leave of quoteListeners.values()) leave();
  quoteListeners.clear();
  quotes.clear();
  for (const store of [system, portfolio]) Object.assign(store, { data: null, asOf: null, heardAt: null });
  for (const store of [orders, agents, decisions, instruments]) Object.assign(store, { rows: [], asOf: null, heardAt: null });
});
