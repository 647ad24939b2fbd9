/** One WebSocket for the whole page: tickets, subscriptions by reference count, gaps, reconnects with back-off. */

import { reactive, readonly } from "vue";

import { post } from "../api/client";
import { onSessionEnd, session } from "../api/session";
import { backOff, type Frame, judge, type Position, readFrame, subscription } from "./frames";

type Listener = (frame: Frame) => void;

interface Condition {
  state: "idle" | "connecting" | "live" | "waiting";
  since: number;
  lastFrameAt: number | null;
  retryAt: number | null;
  attempts: number;
  gaps: number;
  reason: string;
}

const condition = reactive<Condition>({
  state: "idle",
  since: Date.now(),
  lastFrameAt: null,
  retryAt: null,
  attempts: 0,
  gaps: 0,
  reason: "",
});
export const connection = readonly(condition);

const listeners = new Map<string, Set<Listener>>();
const positions = new Map<string, Position>();
let socket: WebSocket | null = null;
let timer: number | undefined;
let running = false;
let pending = new Set<string>();
const askedAt = new Map<string, number>(); // gaps that are being closed
const ASK_AGAIN_MS = 4000;

function enter(state: Condition["state"], reason = ""): void {
  if (condition.state !== state) condition.since = Date.now();
  condition.state = state;
  condition.reason = reason;
}

/** Hear a channel; the returned function stops it. Subscribes with the first listener, leaves with the last. */
export function hear(channel: string, listener: Listener): () => void {
  const known = listeners.get(channel);
  const set = known ?? new Set<Listener>();
  set.add(listener);
  listeners.set(channel, set);
  positions.delete(channel); // a new listener needs the snapshot, not only what comes next
  ask(channel);
  return () => {
    set.delete(listener);
    if (set.size > 0) return;
    listeners.delete(channel);
    positions.delete(channel);
    if (socket?.readyState === WebSocket.OPEN) {
      socket.send(JSON.stringify({ op: "unsubscribe", channels: [channel] }));
    }
  };
}

/** Subscriptions of one tick leave together. */
function ask(channel: string): void {
  if (socket?.readyState !== WebSocket.OPEN) return;
  pending.add(channel);
  if (pending.size > 1) return;
  queueMicrotask(() => {
    const channels = [...pending];
    pending = new Set();
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(subscription(channels, positions)));
  });
}

export function startStream(): void {
  if (running) return;
  running = true;
  void connect();
}

export function stopStream(): void {
  running = false;
  window.clearTimeout(timer);
  positions.clear();
  socket?.close(1000);
  socket = null;
  enter("idle");
}

/** Try at once instead of waiting for the back-off. */
export function reconnectNow(): void {
  if (!running || condition.state !== "waiting") return;
  window.clearTimeout(timer);
  void connect();
}

async function connect(): Promise<void> {
  enter("connecting", condition.reason);
  condition.retryAt = null;
  let ticket: string;
  try {
    ticket = (await post<{ ticket: string }>("auth/ws-ticket/")).ticket;
  } catch (error) {
    if (session.state === "in") later(error instanceof Error ? error.message : "No ticket was given.");
    return;
  }
  if (!running) return;
  const scheme = window.location.protocol === "https:" ? "wss" : "ws";
  const opened = new WebSocket(`${scheme}://${window.location.host}/ws/v1/stream/?ticket=${encodeURIComponent(ticket)}`);
  socket = opened;
  opened.onopen = () => {
    condition.attempts = 0;
    askedAt.clear();
    enter("live");
    const channels = [...listeners.keys()];
    if (channels.length > 0) opened.send(JSON.stringify(subscription(channels, positions)));
  };
  opened.onmessage = (event: MessageEvent<string>) => receive(event.data);
  opened.onclose = (event) => {
    if (socket === opened) socket = null;
    if (running) later(event.reason || "The live connection closed.");
  };
}

function later(reason: string): void {
  if (!running) return;
  const wait = backOff(condition.attempts, Math.random());
  condition.attempts += 1;
  condition.retryAt = Date.now() + wait;
  enter("waiting", reason);
  window.clearTimeout(timer);
  timer = window.setTimeout(() => void connect(), wait);
}

function receive(text: string): void {
  const frame = readFrame(text);
  if (!frame) return; // answers to operations carry no channel
  condition.lastFrameAt = Date.now();
  const heard = listeners.get(frame.channel);
  if (!heard) return;
  const verdict = judge(frame, positions.get(frame.channel));
  if (verdict === "skip") return;
  if (verdict === "gap") {
    if (Date.now() - (askedAt.get(frame.channel) ?? 0) < ASK_AGAIN_MS) return;
    condition.gaps += 1;
    askedAt.set(frame.channel, Date.now());
    ask(frame.channel);
    return;
  }
  askedAt.delete(frame.channel);
  positions.set(frame.channel, { stream_id: frame.stream_id, seq: frame.seq });
  for (const listener of heard) listener(frame);
}

onSessionEnd(stopStream);
window.addEventListener("online", reconnectNow);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") reconnectNow();
});
