import { describe, expect, it } from "vitest";

import type { BridgePeer, Proposal } from "../src/api/bridge-types";
import { grouped, peerTone, peerWords, proposalWords, rightWords } from "../src/fleet/bridge-words";

const KEY = { fingerprint: "6F2A0B", holds: true, added_by: "ada", added_at: "", ends_at: null, ended_by: "" };

function peer(changes: Partial<BridgePeer> = {}): BridgePeer {
  return {
    name: "hq-lab",
    named: true,
    may_halt: false,
    may_propose: true,
    keys: [KEY],
    heard: true,
    heard_at: "2026-11-28T12:00:00Z",
    role: "research",
    leads: false,
    epoch: 0,
    trading_state: "ACTIVE",
    version: "0.1.0",
    waiting_here: 0,
    waiting_there: 0,
    taken: 3,
    added_by: "ada",
    added_at: "2026-11-28T11:00:00Z",
    reason: "our laboratory",
    ...changes,
  };
}

describe("the bridge in words", () => {
  it("says how a peer is, the most pressing first", () => {
    expect([peerWords(peer()), peerTone(peer())]).toEqual(["research, active", "good"]);
    const leader = peer({ role: "primary", leads: true, epoch: 7, trading_state: "HALTED", waiting_here: 2 });
    expect(peerWords(leader)).toBe("primary, leads in epoch 7, halted; 2 messages to it without a receipt");
    expect([peerWords(peer({ heard: false })), peerTone(peer({ heard: false }))]).toEqual(["silent, was research, active", "bad"]);
    expect([peerWords(peer({ heard_at: null })), peerTone(peer({ heard_at: null }))]).toEqual(["not heard yet", ""]);
    expect(peerWords(peer({ keys: [{ ...KEY, holds: false }] }))).toContain("no key of it holds");
    expect([peerWords(peer({ named: false })), peerTone(peer({ named: false }))]).toEqual(["HQ_PEERS does not name it: nothing is exchanged", "warn"]);
  });

  it("names its rights, and keys as people compare them", () => {
    expect(rightWords(peer({ may_halt: true }))).toBe("May halt this firm and propose agents.");
    expect(rightWords(peer({ may_propose: false }))).toBe("May only tell how it is.");
    expect(grouped("6F2A0BCD1")).toBe("6F2A 0BCD 1");
  });

  it("tells what is proposed", () => {
    const proposal = { strategy: "mean_reversion", timeframe: "5m", instruments: ["BTC/USDT"], parameters: { slow_bars: 50 } } as unknown as Proposal;
    expect(proposalWords(proposal)).toBe("Mean reversion on 5m bars of BTC/USDT; slow bars 50");
    expect(proposalWords({ ...proposal, instruments: [], parameters: {} })).toBe("Mean reversion on 5m bars of the watch list");
  });
});
