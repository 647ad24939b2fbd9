import { shallowReactive } from "vue";
import { beforeEach, describe, expect, it, vi } from "vitest";

vi.mock("../src/stores/desk", () => ({
  system: shallowReactive({ data: null }),
  portfolio: shallowReactive({ data: null }),
  decisions: shallowReactive({ rows: [] }),
  quotes: shallowReactive(new Map()),
}));

import * as desk from "../src/stores/desk";
import { firmTime } from "../src/stores/firm-time";

const at = (minute: number): string => `2026-01-01T10:${minute}:00Z`;
const tell = (market: object): unknown => Object.assign(desk.system, { data: { market: { lock_step: true, bar_at: null, ...market } } });
const mark = (minute: number): unknown => desk.quotes.set("BTC/USDT", { data: { mark: { as_of: at(minute) } }, heardAt: 0 } as never);

beforeEach(() => {
  desk.quotes.clear();
  Object.assign(desk.portfolio, { data: null });
  Object.assign(desk.decisions, { rows: [] });
  Object.assign(desk.system, { data: null });
  expect(firmTime.value).toBeNull();
});

describe("the firm's time", () => {
  it("follows whatever tells of the newest bar", () => {
    tell({ bar_at: at(36) });
    expect(firmTime.value).toBe(at(36));
    Object.assign(desk.decisions, { rows: [{ closed_at: at(50) }, { closed_at: at(45) }] });
    expect(firmTime.value).toBe(at(50));
    mark(55);
    expect(firmTime.value).toBe(at(55));
    Object.assign(desk.portfolio, { data: { as_of: "2026-01-01T10:56:00.000Z" } });
    expect(firmTime.value).toBe("2026-01-01T10:56:00.000Z");
  });

  it("never runs back while somebody is signed in, and begins anew afterwards", () => {
    tell({});
    mark(55);
    expect(firmTime.value).toBe(at(55));
    mark(40);
    tell({ bar_at: at(41) });
    expect(firmTime.value).toBe(at(55));
    Object.assign(desk.system, { data: null });
    desk.quotes.clear();
    expect(firmTime.value).toBeNull();
    tell({ bar_at: at(12) });
    expect(firmTime.value).toBe(at(12));
  });

  it("is the viewer's own on a live market", () => {
    tell({ lock_step: false, bar_at: at(36) });
    mark(55);
    expect(firmTime.value).toBeNull();
  });
});
