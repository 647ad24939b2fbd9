import { describe, expect, it } from "vitest";

import { ApiProblem } from "../src/api/problem";
import { confirming } from "../src/parts/confirming";

describe("a confirmed step", () => {
  it("keeps the sentence of a failure and the key of the same request", async () => {
    const step = confirming();
    const keys: string[] = [];
    const away = async (_: string, key: string): Promise<void> => {
      keys.push(key);
      throw new ApiProblem(0, "unreachable", "The server can't be reached.");
    };
    expect(await step.run(away, "looked at it")).toBe(false);
    expect(step.problem).toBe("The server can't be reached.");
    expect(await step.run(away, "looked at it")).toBe(false);
    expect(await step.run(away, "another reason")).toBe(false);
    step.begin();
    expect(step.problem).toBe("");
    expect(await step.run(away, "another reason")).toBe(false);
    expect(keys[1]).toBe(keys[0]);
    expect(new Set(keys).size).toBe(3);
  });

  it("runs once at a time", async () => {
    const step = confirming();
    let done = 0;
    let finish = (): void => undefined;
    const slow = (): Promise<void> =>
      new Promise((resolve) => {
        finish = () => {
          done += 1;
          resolve();
        };
      });
    const first = step.run(slow, "why");
    expect(step.busy).toBe(true);
    expect(await step.run(slow, "why")).toBe(false);
    finish();
    expect(await first).toBe(true);
    expect([done, step.busy]).toEqual([1, false]);
  });
});
