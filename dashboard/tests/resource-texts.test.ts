import { describe, expect, it } from "vitest";

import { cpuComplaint, memoryComplaint, spanAdvice, takesResources } from "../src/agents/resource-texts";

const SPANS = { memory: { default: "256M", lowest: "64M", highest: "64G" }, cpu: { default: 0.5, lowest: 0.05, highest: 64 } };

describe("an agent's resources while they are typed", () => {
  it("are marked where the firm would refuse them", () => {
    expect(["lots", "", "1g", "1.5G", "256"].map((text) => memoryComplaint(text, SPANS.memory))).toEqual(Array(5).fill("Write it like 256M or 1G."));
    expect(["63M", "65G", "65537M"].map((text) => memoryComplaint(text, SPANS.memory))).toEqual(Array(3).fill("Between 64M and 64G."));
    expect(["64M", " 1G ", "64G", "65536M"].map((text) => memoryComplaint(text, SPANS.memory))).toEqual(Array(4).fill(null));
    expect(["", "half"].map((text) => cpuComplaint(text, SPANS.cpu))).toEqual(Array(2).fill("Give a number."));
    expect(["0.04", "64.1"].map((text) => cpuComplaint(text, SPANS.cpu))).toEqual(Array(2).fill("Between 0.05 and 64."));
    expect(["0.05", "1", "64"].map((text) => cpuComplaint(text, SPANS.cpu))).toEqual(Array(3).fill(null));
  });

  it("let the form be sent once both are right", () => {
    expect(takesResources({ memory: "256M", cpu: "0.5" }, SPANS)).toBe(true);
    expect(takesResources({ memory: "lots", cpu: "0.5" }, SPANS)).toBe(false);
    expect(takesResources({ memory: "256M", cpu: "all" }, SPANS)).toBe(false);
  });

  it("are advised with bounds and default", () => {
    expect(spanAdvice(SPANS.memory)).toBe("64M to 64G, by default 256M.");
  });
});
