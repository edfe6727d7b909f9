import { expect, test } from "vitest";
import { businessDate } from "../domain/dates.ts";
import { decimal } from "../domain/decimal.ts";
import { restatementSummary, reversalSummary, reverseLines } from "./reversal.ts";

test("a red reversal keeps account and side and negates amount and quantity", () => {
  const line = {
    lineNumber: 1,
    summary: "入库",
    side: "debit",
    role: "inventory",
    account: "1405",
    amount: decimal("12.50"),
    quantity: decimal("5"),
    unit: "Pcs",
    unitPrice: decimal("2.500000"),
    dimensions: { item: "007" },
    why: "货已入库",
  } as const;
  const [red] = reverseLines([line], "注销");
  expect(red).toMatchObject({
    side: "debit",
    account: "1405",
    amount: "-12.50",
    quantity: "-5",
    unitPrice: "2.500000",
  });
  expect(reverseLines(red === undefined ? [] : [red], "x")[0]).toMatchObject({ amount: "12.50", quantity: "5" });
});

test("the summaries have the prescribed form", () => {
  const posted = { date: businessDate("2025-01-05"), word: "记", number: "12" };
  expect(reversalSummary(posted)).toBe("注销1月5日记字12号凭证");
  expect(restatementSummary(posted)).toBe("订正1月5日记字12号凭证");
});
