import { describe, expect, it } from "vitest";

import { changesOf, cpuOf, followed, sameSettings, settingsOf } from "../src/agents/agent-settings";
import { effectWords, restarts, restartState, savedWords } from "../src/agents/settings-words";
import { complaints, numberAdvice } from "../src/agents/strategy-numbers";
import type { AgentCard, Strategy } from "../src/api/agent-types";

const MOMENTUM: Strategy = {
  name: "momentum",
  description: "Follows the trend.",
  default_timeframe: "5m",
  needs_bars: 78,
  unavailable: "",
  resources: { memory: { default: "256M", lowest: "64M", highest: "64G" }, cpu: { default: 0.5, lowest: 0.05, highest: 64 } },
  parameters: [
    { name: "fast", default: 12, lowest: 2, highest: 200, whole: true, description: "Span of the fast average in bars.", searched: [4, 40] },
    { name: "slow", default: 26, lowest: 3, highest: 400, whole: true, description: "Span of the slow average in bars.", searched: null },
  ],
};

const CARD = {
  name: "momentum-1",
  strategy: "momentum",
  instruments: ["BTC/USDT", "ETH/USDT"],
  follows_watch_list: true,
  timeframe: "5m",
  parameters: { fast: 10 },
  resources: { memory: "256M", cpu: 0.5 },
  desired_state: "running",
  may_veto: false,
  promotion_stage: null,
} as unknown as AgentCard;

const HAS = settingsOf(CARD, MOMENTUM);

describe("an agent's settings", () => {
  it("are shown as it has them, with the strategy's defaults for the rest", () => {
    expect(HAS).toEqual({ timeframe: "5m", instruments: [], memory: "256M", cpu: "0.5", mayVeto: false, numbers: { fast: "10", slow: "26" } });
    expect(settingsOf({ ...CARD, follows_watch_list: false }, null)).toMatchObject({ instruments: ["BTC/USDT", "ETH/USDT"], numbers: {} });
  });

  it("are changed where they differ, and nowhere else", () => {
    expect(changesOf(HAS, HAS, MOMENTUM)).toEqual({});
    expect(changesOf({ ...HAS, cpu: "0.50", memory: " 256M", numbers: { fast: "10.0", slow: "26" } }, HAS, MOMENTUM)).toEqual({});
    expect(changesOf({ ...HAS, timeframe: "15m", cpu: "1", mayVeto: true, instruments: ["BTC/USDT"] }, HAS, MOMENTUM)).toEqual({
      timeframe: "15m",
      resources: { cpu: 1 },
      may_veto: true,
      instruments: ["BTC/USDT"],
    });
  });

  it("send parameters as a whole, and of them what differs from the defaults", () => {
    expect(changesOf({ ...HAS, numbers: { fast: "10", slow: "30" } }, HAS, MOMENTUM)).toEqual({ parameters: { fast: 10, slow: 30 } });
    expect(changesOf({ ...HAS, numbers: { fast: "12", slow: "26" } }, HAS, MOMENTUM)).toEqual({ parameters: {} });
    expect(changesOf({ ...HAS, numbers: { fast: "7" } }, HAS, null)).toEqual({});
  });

  it("keep what was typed when the agent gets other ones meanwhile, and follow it elsewhere", () => {
    const typed = { ...HAS, memory: "1G", numbers: { fast: "20", slow: "26" } };
    const now = settingsOf({ ...CARD, timeframe: "1h", parameters: { fast: 11, slow: 40 }, may_veto: true }, MOMENTUM);
    const shown = followed(typed, HAS, now);
    expect(shown).toEqual({ timeframe: "1h", instruments: [], memory: "1G", cpu: "0.5", mayVeto: true, numbers: { fast: "20", slow: "40" } });
    expect(changesOf(shown, now, MOMENTUM)).toEqual({ resources: { memory: "1G" }, parameters: { fast: 20, slow: 40 } });
    expect(sameSettings(HAS, now)).toBe(false);
  });

  it("take up the parameters once the strategy is known, which is no change", () => {
    const bare = settingsOf(CARD, null);
    expect(sameSettings(bare, HAS)).toBe(true);
    expect(followed({ ...bare, cpu: "2" }, bare, HAS)).toEqual({ ...HAS, cpu: "2" });
  });

  it("leave it to the API to say what is no number", () => {
    expect([cpuOf("0.5"), cpuOf(" much "), cpuOf("")]).toEqual([0.5, "much", ""]);
  });

  it("tell bounds and defaults, and what is wrong", () => {
    expect(numberAdvice(MOMENTUM.parameters[0]!)).toBe("Span of the fast average in bars. 2 to 200, by default 12.");
    expect(complaints(MOMENTUM.parameters, { fast: "1", slow: "3.5" })).toEqual(["Between 2 and 200.", "Give a whole number."]);
    expect(complaints(MOMENTUM.parameters, { fast: "2" })).toEqual(["Give a number."]);
  });
});

describe("what becomes of the agent", () => {
  const stopped = { ...CARD, desired_state: "stopped" };

  it("is a new process for other parameters or resources, and none for the rest", () => {
    expect([{ parameters: {} }, { resources: { cpu: 1 } }, { timeframe: "1h" }, { may_veto: true }].map((changes) => restarts(changes, CARD))).toEqual([true, true, false, false]);
    expect(restarts({ parameters: {} }, stopped)).toBe(false);
    expect(effectWords({}, CARD)).toEqual(["Nothing is changed yet."]);
    expect(effectWords({ parameters: {} }, CARD)[0]).toContain("another one starts with these settings");
    expect(effectWords({ timeframe: "1h" }, CARD)[0]).toBe("The new settings hold from the next bar on; its process runs on.");
    expect(effectWords({ parameters: {} }, stopped)[0]).toBe("The new settings hold once it is started.");
    expect(savedWords({ parameters: {} }, CARD)).toBe("The settings of momentum-1 are changed. It is being started again with them.");
    expect(savedWords({ may_veto: true }, CARD)).toBe("The settings of momentum-1 are changed. They hold from the next bar on.");
  });

  it("is a record that begins anew for what votes follow from", () => {
    const anew = "Its record begins anew: weight and bench follow from votes with these settings alone.";
    for (const changes of [{ parameters: {} }, { timeframe: "1h" }, { instruments: [] }]) expect(effectWords(changes, CARD)).toContain(anew);
    expect(effectWords({ may_veto: true, resources: { cpu: 1 } }, CARD)).not.toContain(anew);
  });

  it("is a way back to research for a candidate that has shown something with other ones", () => {
    const paper = { ...CARD, promotion_stage: "paper" as const };
    expect(effectWords({ timeframe: "1h" }, paper)[2]).toContain("goes back from paper to research");
    expect(effectWords({ may_veto: true }, paper)).toHaveLength(1);
    expect(effectWords({ timeframe: "1h" }, { ...CARD, promotion_stage: "research" as const })).toHaveLength(2);
  });

  it("is followed until the new process runs", () => {
    const at = "2026-03-10T12:00:00.500Z";
    const before = "2026-03-10T11:59:59Z";
    const after = "2026-03-10T12:00:02Z";
    const container = (health: string, observed_at: string, started_at: string | null) => ({ health, observed_at, started_at, reason: "It needs more memory than there is." });
    expect(restartState(null, at)).toMatchObject({ done: false, tone: "warn" });
    expect(restartState(container("healthy", before, before), at)).toMatchObject({ done: false, tone: "warn" });
    expect(restartState(container("starting", before, null), at)).toMatchObject({ done: false, tone: "warn" });
    expect(restartState(container("starting", after, null), at)).toEqual({ done: false, tone: "good", says: "Its new process was started with its new settings." });
    expect(restartState(container("healthy", after, after), at)).toMatchObject({ done: true, tone: "good" });
    expect(restartState(container("ended", after, null), at)).toEqual({ done: false, tone: "bad", says: "It was not started with its new settings. It needs more memory than there is." });
    expect(restartState(container("stopped", after, null), at)).toMatchObject({ done: true, tone: "" });
  });
});
