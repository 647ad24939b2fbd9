/** What to do with each frame of the stream, decided from its sequence numbers alone. */

export interface Frame {
  channel: string;
  stream_id: string;
  seq: number;
  prev_seq: number;
  type: "snapshot" | "delta";
  as_of: string;
  data: unknown;
}

export interface Position {
  stream_id: string;
  seq: number;
}

/** take: apply it. skip: it was seen before. gap: something was missed, subscribe again from the position kept. */
export type Verdict = "take" | "skip" | "gap";

/** On these channels each frame is the whole truth, so that a missed one is of no consequence. */
export function latestWins(channel: string): boolean {
  return channel === "portfolio" || channel === "system" || channel.startsWith("quotes:");
}

export function judge(frame: Frame, known: Position | undefined): Verdict {
  if (frame.type === "snapshot") return "take";
  if (!known) return latestWins(frame.channel) ? "take" : "gap";
  if (known.stream_id !== frame.stream_id) {
    // A snapshot from before the first frame carries no stream yet; the first frame continues it.
    const continues = known.stream_id === "" && frame.prev_seq === 0;
    return continues || latestWins(frame.channel) ? "take" : "gap";
  }
  if (frame.seq <= known.seq) return "skip";
  if (latestWins(frame.channel) || frame.prev_seq === known.seq) return "take";
  return "gap";
}

/** A frame as received, or null when the text is not one. */
export function readFrame(text: string): Frame | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const frame = value as Partial<Frame>;
  const whole = typeof frame.channel === "string" && typeof frame.stream_id === "string" && Number.isInteger(frame.seq);
  if (!whole || (frame.type !== "snapshot" && frame.type !== "delta")) return null;
  return { prev_seq: 0, as_of: "", data: null, ...frame } as Frame;
}

/** The subscribe message: channels with the position from which each resumes. */
export function subscription(channels: string[], positions: Map<string, Position>): object {
  const since: Record<string, Position> = {};
  for (const channel of channels) {
    const known = positions.get(channel);
    if (known) since[channel] = { stream_id: known.stream_id, seq: known.seq };
  }
  return { op: "subscribe", channels, since };
}

/** Milliseconds before the next attempt: doubling from half a second to five, spread by `jitter` in [0, 1). */
export function backOff(attempt: number, jitter: number): number {
  const ceiling = Math.min(5_000, 500 * 2 ** Math.min(attempt, 10));
  return Math.round(ceiling * (0.6 + 0.4 * jitter));
}
