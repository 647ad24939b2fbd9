import { describe, expect, it } from "vitest";

import { add, compare, isMultiple, multiply, parse, percentOf, placesOf, show, showPercent, showShare, signOf, subtract } from "../src/format/decimal";

describe("decimal strings", () => {
  it("keeps every digit of eighteen decimals", () => {
    expect(add("0.1", "0.200000000000000001")).toBe("0.300000000000000001");
    expect(subtract("1000", "0.000000000000000001")).toBe("999.999999999999999999");
    expect(multiply("63120.5", "0.0021")).toBe("132.55305");
  });

  it("reads exponents and refuses what is no number", () => {
    expect(show("1e-6")).toBe("0.000001");
    expect(show("2.5e3")).toBe("2,500");
    for (const text of ["", "abc", "NaN", "1,5", "0x10", "1.2.3", "Infinity", null, undefined]) expect(parse(text)).toBeNull();
  });

  it("shows fixed decimals, grouped, with a true minus, rounded half away from zero", () => {
    expect(show("63120.5", { places: 1 })).toBe("63,120.5");
    expect(show("-1234567.005", { places: 2 })).toBe("\u22121,234,567.01");
    expect(show("0.995", { places: 2 })).toBe("1.00");
    expect(show("12", { places: 2, signed: true })).toBe("+12.00");
    expect(show("0", { places: 2, signed: true })).toBe("0.00");
    expect(show("-0.001", { places: 2, signed: true })).toBe("0.00");
  });

  it("says unknown instead of zero", () => {
    expect(show(null)).toBe("unknown");
    expect(showPercent(undefined)).toBe("unknown");
    expect(add("1", null)).toBeNull();
    expect(percentOf("1", "0")).toBeNull();
    expect(compare("1", "x")).toBeNull();
  });

  it("compares exactly where floats would not", () => {
    expect(compare("9007199254740993", "9007199254740992")).toBe(1);
    expect(compare("0.10", "0.1")).toBe(0);
    expect(isMultiple("0.3", "0.1")).toBe(true);
    expect(isMultiple("0.00215", "0.0001")).toBe(false);
    expect(signOf("-0")).toBe(0);
  });

  it("turns ticks into decimals and shares into percent", () => {
    expect(placesOf("0.0100")).toBe(2);
    expect(placesOf("1")).toBe(0);
    expect(placesOf(null, 3)).toBe(3);
    expect(showShare("0.1256")).toBe("12.6\u00a0%");
    expect(percentOf("0.12", "1000")).toBe("0.0120");
  });
});
