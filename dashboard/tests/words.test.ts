import { describe, expect, it } from "vitest";

import type { AgentCard } from "../src/api/agent-types";
import { ApiProblem, failure, problemOf } from "../src/api/problem";
import type { Candle } from "../src/api/market-types";
import { thinned } from "../src/charts/thinned-curve";
import { counted } from "../src/format/counted";
import { prose, withMinus } from "../src/format/prose";
import { spanText, timeframeSeconds, utcText } from "../src/format/time";
import { isBar, joined, missingBars, withHoles } from "../src/markets/candle-series";
import { merged, newestFirst } from "../src/stores/channels";
import { waitingWords } from "../src/stores/waiting-words";

describe("problems as sentences", () => {
  it("keeps the server's words and finds each field's own", () => {
    const found = problemOf(400, {
      code: "validation_failed",
      detail: "quantity: Not a decimal.",
      errors: [{ field: "quantity", code: "invalid", detail: "Not a decimal." }],
    });
    expect(found.message).toBe("quantity: Not a decimal.");
    expect(found.of("quantity")).toBe("Not a decimal.");
    expect(found.of("side")).toBeNull();
  });

  it("does not say that something was not done where nobody knows", () => {
    expect(failure("Trading was NOT stopped.", new ApiProblem(403, "role_too_low", "Stopping needs the role trader."))).toBe("Trading was NOT stopped. Stopping needs the role trader.");
    expect(failure("Trading was NOT stopped.", new ApiProblem(0, "unreachable", "It is not known whether this arrived."))).toBe("It is not known whether this arrived.");
  });

  it("has a sentence for an answer without words", () => {
    expect(problemOf(502, null)).toBeInstanceOf(ApiProblem);
    expect(problemOf(502, "<html>").message).toContain("do not repeat it");
    expect(problemOf(418, {}).message).toContain("418");
  });
});

describe("counts", () => {
  it("take the word that fits them", () => {
    expect([0, 1, 12_345].map((count) => counted(count, "bar"))).toEqual(["0 bars", "1 bar", "12,345 bars"]);
    expect(counted(1, "bar has", "bars have")).toBe("1 bar has");
  });
});

describe("prose", () => {
  it("begins with a capital and writes minus signs, not hyphens", () => {
    expect(prose("the score -0.34 asks to be flat")).toBe("The score \u22120.34 asks to be flat");
    expect(withMinus("mean-reversion-1 on 2026-11-28: +0.2, (-1.5)")).toBe("mean-reversion-1 on 2026-11-28: +0.2, (\u22121.5)");
  });
});

describe("times", () => {
  it("words spans and writes UTC", () => {
    expect([4.9, 61, 7200, 200_000].map(spanText)).toEqual(["4 s", "1 min", "2 h", "2 d"]);
    expect(spanText(Number.NaN)).toBe("unknown");
    expect(utcText("2024-03-03T14:35:07.123Z")).toBe("2024-03-03 14:35:07 UTC");
    expect(utcText("nonsense")).toBe("unknown");
    expect([timeframeSeconds("5m"), timeframeSeconds("1d")]).toEqual([300, 86_400]);
  });
});

describe("collections", () => {
  interface Row {
    id: string;
    at: string;
    text: string;
  }
  const shape = { key: (row: Row) => row.id, order: newestFirst<Row>((row) => row.at, (row) => row.id), most: 3 };
  const row = (id: string, at: string, text = ""): Row => ({ id, at, text });

  it("replaces by key, orders newest first, keeps the most recent", () => {
    const known = [row("b", "2"), row("a", "1")];
    const told = merged(known, [row("a", "1", "new"), row("c", "3"), row("d", "4")], shape);
    expect(told.map((each) => each.id)).toEqual(["d", "c", "b"]);
    expect(merged(known, [row("a", "1", "new")], shape)[1]?.text).toBe("new");
  });

  it("does not let a late page undo what was heard live", () => {
    expect(merged([row("a", "1", "live")], [row("a", "1", "stale")], shape, false)[0]?.text).toBe("live");
  });
});

describe("candles", () => {
  const candle = (minute: number): Candle => ({
    instrument: "BTC/USDT",
    source: "x",
    timeframe: "1m",
    open_at: new Date(minute * 60_000).toISOString(),
    close_at: new Date((minute + 1) * 60_000).toISOString(),
    open: "1",
    high: "2",
    low: "0.5",
    close: "1.5",
    volume: "3",
  });

  it("draws a gap as empty places and counts it", () => {
    const candles = [candle(1), candle(2), candle(5)];
    const drawn = withHoles(candles, 60);
    expect(drawn.map((item) => item.time / 60)).toEqual([1, 2, 3, 4, 5]);
    expect(drawn.map(isBar)).toEqual([true, true, false, false, true]);
    expect(missingBars(candles, 60)).toBe(2);
  });

  it("joins pages without doubling a bar", () => {
    expect(joined([candle(2), candle(3)], [candle(1), candle(2)]).map((each) => Date.parse(each.open_at) / 60_000)).toEqual([1, 2, 3]);
  });
});

describe("the thinned curve", () => {
  it("keeps the first, the last and every extreme", () => {
    const points = Array.from({ length: 5000 }, (_, place): [number, number] => [place, place === 2501 ? -50 : place === 3303 ? 90 : 0]);
    const kept = thinned(points, 400);
    expect(kept.length).toBeLessThanOrEqual(404);
    expect(kept[0]).toEqual([0, 0]);
    expect(kept.at(-1)?.[0]).toBe(4999);
    expect(kept).toContainEqual([2501, -50]);
    expect(kept).toContainEqual([3303, 90]);
    expect(kept.map(([time]) => time)).toEqual([...kept.map(([time]) => time)].sort((a, b) => a - b));
  });
});

describe("waiting", () => {
  const agent = (changes: Partial<AgentCard>): AgentCard => ({ desired_state: "running", warming: null, activity: "voting", ...changes }) as AgentCard;

  it("teaches why nothing was decided", () => {
    expect(waitingWords([]).title).toBe("No agent exists.");
    expect(waitingWords([agent({ desired_state: "stopped" })]).title).toBe("All agents are stopped.");
    expect(waitingWords([agent({ warming: "warming 37/200" }), agent({})]).says).toContain("need 200 bars; they have 37");
    expect(waitingWords([agent({ warming: "warming 199/200" })]).says).toBe("Agents need 200 bars; they have 199. 1 more bar has to close.");
    expect(waitingWords([agent({ activity: "silent" })]).title).toBe("No agent is answering.");
  });
});
