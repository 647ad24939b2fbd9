import { effectScope } from "vue";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { getOne } from "../src/api/client";
import { ApiProblem } from "../src/api/problem";
import { loader } from "../src/parts/loading";

const ID = "01a22652-7c1e-7a54-9d0b-3f6f0c9e5d11";
const ask = vi.fn(async () => new Response("{}", { status: 200 }));

beforeEach(() => {
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("fetch", ask);
});
afterEach(() => vi.unstubAllGlobals());

async function loaded(fetcher: () => Promise<unknown>) {
  const found = effectScope().run(() => loader(fetcher))!;
  await found.load();
  return found;
}

describe("a thing whose address is wrong", () => {
  it("is missing, and no other list of that name is asked for it", async () => {
    const found = await loaded(() => getOne("agents/", "promotions"));
    expect(found).toMatchObject({ data: null, missing: true, problem: "“promotions” is no id." });
    expect(ask).not.toHaveBeenCalled();
  });

  it("is missing where the server knows none of that id, and only then", async () => {
    expect((await loaded(() => Promise.reject(new ApiProblem(404, "unknown_agent", `There is no agent ${ID}.`)))).missing).toBe(true);
    expect((await loaded(() => Promise.reject(new ApiProblem(503, "database_away", "The database is away.")))).missing).toBe(false);
  });

  it("is missing no more once it is found", async () => {
    const answers = [Promise.reject(new ApiProblem(404, "unknown_agent", "None.")), Promise.resolve({ id: ID })];
    const found = await loaded(() => answers.shift()!);
    await found.load();
    expect(found).toMatchObject({ data: { id: ID }, missing: false, problem: "" });
  });
});
