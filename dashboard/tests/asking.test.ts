import { beforeEach, describe, expect, it, vi } from "vitest";

import * as client from "../src/api/client";
import { ApiProblem } from "../src/api/problem";
import { asking } from "../src/parts/asking";

const lost = new ApiProblem(0, "unreachable", "The server can't be reached.");
vi.mock("../src/api/client", async (original) => ({ ...(await original<typeof client>()), post: vi.fn(), patch: vi.fn() }));
const post = vi.mocked(client.post);
const patch = vi.mocked(client.patch);
const keys = (): (string | undefined)[] => post.mock.calls.map(([, , key]) => key);

beforeEach(() => post.mockReset());

describe("a form's request", () => {
  it("carries the same key when the answer to the same wish was lost", async () => {
    post.mockRejectedValueOnce(lost).mockResolvedValueOnce({ id: "1" });
    const request = asking();
    expect(await request.ask("agents/", { strategy: "momentum" })).toBeNull();
    expect(request.problem?.code).toBe("unreachable");
    expect(await request.ask("agents/", { strategy: "momentum" })).toEqual({ id: "1" });
    expect(request.problem).toBeNull();
    expect(keys()[0]).toBeTruthy();
    expect(keys()[1]).toBe(keys()[0]);
  });

  it("is another request for another wish, and for the same one once it was granted", async () => {
    post.mockRejectedValueOnce(lost).mockResolvedValue({ id: "1" });
    const request = asking();
    await request.ask("agents/", { strategy: "momentum" });
    await request.ask("agents/", { strategy: "breakout" });
    await request.ask("agents/", { strategy: "breakout" });
    expect(new Set(keys()).size).toBe(3);
  });

  it("changes what exists under the same rule", async () => {
    patch.mockRejectedValueOnce(lost).mockResolvedValue({ id: "1" });
    const request = asking();
    expect(await request.change("agents/1/", { timeframe: "1h" })).toBeNull();
    expect(await request.change("agents/1/", { timeframe: "1h" })).toEqual({ id: "1" });
    await request.change("agents/1/", { timeframe: "5m" });
    const [first, again, other] = patch.mock.calls.map(([, , key]) => key);
    expect(first).toBeTruthy();
    expect(again).toBe(first);
    expect(other).not.toBe(first);
    expect(post).not.toHaveBeenCalled();
  });

  it("is sent once at a time", async () => {
    post.mockResolvedValue({ id: "1" });
    const request = asking();
    const first = request.ask("agents/", { strategy: "momentum" });
    expect(await request.ask("agents/", { strategy: "momentum" })).toBeNull();
    expect(await first).toEqual({ id: "1" });
    expect(keys()).toHaveLength(1);
  });
});
