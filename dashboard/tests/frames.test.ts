import { describe, expect, it } from "vitest";

import { backOff, type Frame, judge, type Position, readFrame, subscription } from "../src/stream/frames";

function frame(changes: Partial<Frame>): Frame {
  return { channel: "orders", stream_id: "s1", seq: 5, prev_seq: 4, type: "delta", as_of: "", data: {}, ...changes };
}
const at = (seq: number, stream_id = "s1"): Position => ({ stream_id, seq });

describe("judging frames", () => {
  it("takes what follows, skips what was seen, asks again after a gap", () => {
    expect(judge(frame({}), at(4))).toBe("take");
    expect(judge(frame({ seq: 4, prev_seq: 3 }), at(4))).toBe("skip");
    expect(judge(frame({ seq: 7, prev_seq: 6 }), at(4))).toBe("gap");
  });

  it("takes every snapshot and forgets the old stream", () => {
    expect(judge(frame({ type: "snapshot", stream_id: "s2", seq: 1, prev_seq: 1 }), at(400))).toBe("take");
    expect(judge(frame({ stream_id: "s2", seq: 401, prev_seq: 400 }), at(400))).toBe("gap");
  });

  it("asks for a snapshot when a delta comes first", () => {
    expect(judge(frame({}), undefined)).toBe("gap");
  });

  it("lets the first frame continue a snapshot that came before any frame", () => {
    expect(judge(frame({ seq: 1, prev_seq: 0 }), at(0, ""))).toBe("take");
    expect(judge(frame({ seq: 3, prev_seq: 2 }), at(0, ""))).toBe("gap");
  });

  it("lets the latest win where each frame is the whole truth", () => {
    for (const channel of ["portfolio", "system", "quotes:BTC/USDT"]) {
      expect(judge(frame({ channel, seq: 90, prev_seq: 40 }), at(12))).toBe("take");
      expect(judge(frame({ channel, seq: 12, prev_seq: 11 }), at(12))).toBe("skip");
      expect(judge(frame({ channel, stream_id: "s2", seq: 1, prev_seq: 0 }), at(12))).toBe("take");
    }
    expect(judge(frame({ channel: "candles:BTC/USDT:5m", seq: 90, prev_seq: 40 }), at(12))).toBe("gap");
  });
});

describe("speaking with the stream", () => {
  it("reads frames and leaves everything else alone", () => {
    expect(readFrame('{"type":"pong"}')).toBeNull();
    expect(readFrame("{")).toBeNull();
    expect(readFrame('{"channel":"orders","stream_id":"a","seq":1.5,"type":"delta"}')).toBeNull();
    expect(readFrame('{"channel":"orders","stream_id":"a","seq":1,"prev_seq":0,"type":"delta","data":1}')?.seq).toBe(1);
  });

  it("resumes known channels from where they stand", () => {
    const known = new Map([["orders", at(41)]]);
    expect(subscription(["orders", "system"], known)).toEqual({
      op: "subscribe",
      channels: ["orders", "system"],
      since: { orders: { stream_id: "s1", seq: 41 } },
    });
  });

  it("waits longer after each failure, never over fifteen seconds, never the same for all", () => {
    expect(backOff(0, 0)).toBe(300);
    expect(backOff(0, 1)).toBe(500);
    expect(backOff(3, 1)).toBe(4000);
    expect(backOff(50, 1)).toBe(5_000);
  });
});
