import { expect, test } from "vitest";
import { businessDate } from "./dates.ts";
import { decimal } from "./decimal.ts";
import { type VoucherLimits, fitted, lengthOf, limitBroken } from "./limits.ts";
import type { VoucherDraft } from "./voucher.ts";

const LIMITS: VoucherLimits = {
  linesMax: 4,
  summaryMax: 10,
  text: { measure: "characters", repertoire: "unicode" },
  amountDecimals: 2,
  amountDigits: 11,
  quantities: true,
  quantityDecimals: 2,
  quantityDigits: 5,
  vouchersPerPeriodMax: 9_999,
  red: "negative",
};

const draftOf = (
  change: { amount?: string; quantity?: string; summary?: string; lines?: number } = {},
): VoucherDraft => ({
  key: "abcdefghijklmnopqrstuvwxyz",
  ledger: "main",
  book: "001",
  word: "记",
  date: businessDate("2025-01-31"),
  attachments: 1,
  currency: "CNY",
  documents: ["R-1"],
  lines: Array.from({ length: change.lines ?? 2 }, (_, index) => ({
    lineNumber: index + 1,
    summary: change.summary ?? "入库",
    side: index % 2 === 0 ? ("debit" as const) : ("credit" as const),
    role: "inventory",
    account: "1405",
    amount: decimal(change.amount ?? "12.50"),
    quantity: decimal(change.quantity ?? "3"),
    unit: "Pcs",
    dimensions: {},
    why: "",
  })),
});

test.each([
  [{ lines: 5 }, "LIMIT_LINES"],
  [{ amount: "0.001" }, "LIMIT_DECIMALS"],
  [{ amount: "0.100" }, undefined],
  [{ quantity: "1.234" }, "LIMIT_DECIMALS"],
  [{ amount: "99999999999.99" }, undefined],
  [{ amount: "-100000000000.00" }, "LIMIT_DIGITS"],
  [{ quantity: "99999.99" }, undefined],
  [{ quantity: "-100000" }, "LIMIT_DIGITS"],
  [{ summary: "\ud842" }, "LIMIT_CHARACTERS"],
])("a voucher with %j breaks %s", (change, code) => {
  expect(limitBroken(draftOf(change), LIMITS)).toBe(code);
});

test.each([
  ["unicode", "📦𠮷镕㎡", undefined],
  ["bmp", "镕㎡", undefined],
  ["bmp", "📦", "LIMIT_CHARACTERS"],
  ["gbk", "入库（镕基）、①Ω㎡ abc", undefined],
  ["gbk", "𠮷", "LIMIT_CHARACTERS"],
  ["gbk", "한국", "LIMIT_CHARACTERS"],
  ["gbk", "✅", "LIMIT_CHARACTERS"],
] as const)("a ledger that holds %s and the summary %s: %s", (repertoire, summary, code) => {
  expect(limitBroken(draftOf({ summary }), { ...LIMITS, text: { measure: "characters", repertoire } })).toBe(code);
});

test("the last number of a period is given, the next voucher is held", () => {
  expect(limitBroken(draftOf(), LIMITS, 9_998)).toBeUndefined();
  expect(limitBroken(draftOf(), LIMITS, 9_999)).toBe("LIMIT_VOUCHERS");
});

test("where the ledger keeps no quantities, theirs cannot break a limit and are left out", () => {
  const limits = { ...LIMITS, quantities: false };
  const draft = draftOf({ quantity: "1.23456" });
  expect(limitBroken(draft, limits)).toBeUndefined();
  expect(fitted(draft, limits).lines[0]).not.toHaveProperty("quantity");
});

test.each([
  ["characters", "暂估入库单据编号一二三四", "暂估入库单据编号一…"],
  ["characters", "𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷", "𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷…"],
  ["utf16", "𠮷𠮷𠮷𠮷𠮷𠮷", "𠮷𠮷𠮷𠮷…"],
  ["gbk-bytes", "暂估入库单", "暂估入库单"],
  ["gbk-bytes", "暂估入库单据", "暂估入库…"],
  ["gbk-bytes", "abc暂估入库单", "abc暂估…"],
] as const)("counted in %s, %s is written %s", (measure, summary, wanted) => {
  const limits = { ...LIMITS, text: { measure, repertoire: "unicode" } } as const;
  const [line] = fitted(draftOf({ summary }), limits).lines;
  expect(line?.summary).toBe(wanted);
  expect(lengthOf(wanted, limits.text)).toBeLessThanOrEqual(10);
});

test("red lines change sides where a ledger knows no negative amounts", () => {
  const red = draftOf({ amount: "-12.50", quantity: "-3" });
  expect(
    fitted(red, { ...LIMITS, red: "swapped" }).lines.map(({ side, amount, quantity }) => [side, amount, quantity]),
  ).toEqual([
    ["credit", "12.5", "3"],
    ["debit", "12.5", "3"],
  ]);
  expect(fitted(red, LIMITS).lines).toEqual(red.lines);
  expect(limitBroken(red, { ...LIMITS, red: "void" })).toBe("NOT_REVERSIBLE");
});
