import { describe, expect, it } from "vitest";

import { type Column, csv, filtered, readSorting, sorted } from "../src/parts/table";

interface Row {
  name: string;
  amount: string | null;
}
const columns: Column<Row>[] = [
  { key: "name", label: "Name", text: (row) => row.name },
  { key: "amount", label: "Amount, USDT", text: (row) => row.amount ?? "unknown", by: (row) => row.amount },
];
const rows: Row[] = [
  { name: "b 10", amount: "9.5" },
  { name: "b 9", amount: "10.25" },
  { name: "a", amount: null },
];
const names = (found: Row[]): string[] => found.map((row) => row.name);

describe("tables", () => {
  it("sorts decimals as numbers, with unknown last either way", () => {
    expect(names(sorted(rows, columns, readSorting("amount")))).toEqual(["b 10", "b 9", "a"]);
    expect(names(sorted(rows, columns, readSorting("-amount")))).toEqual(["b 9", "b 10", "a"]);
    expect(names(sorted(rows, columns, readSorting("name")))).toEqual(["a", "b 9", "b 10"]);
  });

  it("finds rows that hold every word", () => {
    expect(names(filtered(rows, columns, "B 9.5"))).toEqual(["b 10"]);
    expect(names(filtered(rows, columns, "  "))).toHaveLength(3);
    expect(filtered(rows, columns, "nothing")).toEqual([]);
  });

  it("writes CSV that a spreadsheet reads as data", () => {
    const wild: Row[] = [
      { name: '=HYPERLINK("x")', amount: "\u22121,234.5" },
      { name: "a, b", amount: "+3" },
    ];
    expect(csv(wild, columns)).toBe('Name,"Amount, USDT"\r\n"\'=HYPERLINK(""x"")",-1234.5\r\n"a, b",+3');
  });
});
