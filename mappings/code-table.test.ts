import { expect, test } from "vitest";
import { businessDate } from "../domain/dates.ts";
import { codeColumns, codeTablesFromSheet, lookUpCode, sheetOfCodeTables } from "./code-table.ts";

const HEADER = [...codeColumns];
const read = (...rows: readonly string[][]) => codeTablesFromSheet([HEADER, ...rows], ["warehouse"]);
const good = (...rows: readonly string[][]) => {
  const result = read(...rows);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.tables;
};

test("the code valid on the accounting date is used, both days included", () => {
  const tables = good(["item", "007", "OLD", "", "2024-12-31"], ["item", "007", "NEW", "2025-01-01", ""]);
  const on = (day: string) => lookUpCode(tables, "item", "007", businessDate(day));
  expect([on("2024-12-31"), on("2025-01-01")]).toEqual(["OLD", "NEW"]);
  expect(lookUpCode(tables, "item", "7", businessDate("2025-01-01"))).toBeUndefined();
});

test("only tables with identity pass an unknown code on, and never one that somebody ended", () => {
  const tables = good(["warehouse", "W1", "S1", "", "2024-12-31"]);
  const day = businessDate("2025-01-01");
  expect(lookUpCode(tables, "warehouse", "W2", day)).toBe("W2");
  expect(lookUpCode(tables, "warehouse", "W1", day)).toBeUndefined();
  expect(lookUpCode(tables, "supplier", "P1", day)).toBeUndefined();
});

test("overlapping rows are refused with both row numbers, blank rows between them counted", () => {
  expect(read(["item", "1", "A", "", ""], ["", "", "", "", ""], ["item", "1", "B", "2025-01-01", ""])).toEqual({
    ok: false,
    problems: [{ row: 4, column: "code", value: "1", message: "item 1 is already given for these days in row 2" }],
  });
});

test("every wrong cell is named by row and column", () => {
  const result = read(["thing", "1", "A", "", ""], ["item", "1", "", "2025-02-30", ""]);
  expect(result.ok ? [] : result.problems.map(({ row, column }) => [row, column])).toEqual([
    [2, "table"],
    [3, "erpCode"],
    [3, "validFrom"],
  ]);
  expect(codeTablesFromSheet([["table", "code"]]).ok).toBe(false);
});

test("a table travels to a sheet and back unchanged", () => {
  const tables = good(["item", "007", "M-007", "2025-01-01", "2025-12-31"], ["unit", "个", "Pcs", "", ""]);
  expect(
    good(
      ...sheetOfCodeTables(tables)
        .slice(1)
        .map((row) => [...row]),
    ).rows,
  ).toEqual(tables.rows);
});
