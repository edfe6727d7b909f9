import { expect, test } from "vitest";
import { decimal } from "../../domain/decimal.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import type { VoucherDraft } from "../../domain/voucher.ts";
import { capabilitiesOf } from "./capabilities.ts";
import { obstaclesTo } from "./obstacles.ts";
import { parseSettings } from "./settings.ts";
import { receiptDraft, settingsFor, withLine } from "./testing.ts";

const standard = settingsFor("standard");
const draft = receiptDraft("a");
const bothAmounts = (amount: string): VoucherDraft =>
  withLine(withLine(draft, 0, { amount: decimal(amount) }), 1, { amount: decimal(amount) });

test.each(["standard", "professional", "excel"] as const)("an ordinary voucher fits %s", (dialect) => {
  expect(obstaclesTo(draft, settingsFor(dialect))).toEqual([]);
});

test.each<[what: string, draft: VoucherDraft, code: string, lineNumber: number]>([
  ["another book", { ...draft, book: "002" }, "CONFIG_INVALID", 0],
  ["an unknown 凭证字", { ...draft, word: "转" }, "CODE_MISSING", 0],
  ["another currency", { ...draft, currency: "USD" }, "CODE_MISSING", 0],
  ["an unbalanced voucher", withLine(draft, 0, { amount: decimal("1") }), "VOUCHER_UNBALANCED", 0],
  [
    "a dimension without a class",
    withLine(draft, 0, { dimensions: { item: "M-001", warehouse: "CK01" } }),
    "DIMENSION_REFUSED",
    1,
  ],
  [
    "two dimensions in one slot",
    withLine(draft, 1, { dimensions: { supplier: "V", customer: "C" } }),
    "DIMENSION_REFUSED",
    2,
  ],
  ["a character that GBK lacks", withLine(draft, 1, { summary: "入库 😀" }), "LIMIT_CHARACTERS", 2],
  ["a long account", withLine(draft, 0, { account: "1405.01.02.03.04.05" }), "LIMIT_LENGTH", 1],
  ["a code of eleven bytes", withLine(draft, 0, { dimensions: { item: "一二三四五6" } }), "LIMIT_LENGTH", 1],
  ["twelve digits before the point", bothAmounts("123456789012.00"), "LIMIT_DIGITS", 1],
  ["a third of a cent", bothAmounts("1.005"), "LIMIT_DECIMALS", 1],
  ["three decimals of quantity", withLine(draft, 0, { quantity: decimal("1.125") }), "LIMIT_DECIMALS", 1],
  ["a hundred thousand pieces", withLine(draft, 0, { quantity: decimal("100000") }), "LIMIT_DIGITS", 1],
  ["ten thousand attachments", { ...draft, attachments: 10_000 }, "LIMIT_DIGITS", 1],
  ["an amount of zero", bothAmounts("0"), "VOUCHER_EMPTY", 1],
])("标准版 has no place for %s, and it is named before anything is written", (_what, one, code, lineNumber) => {
  expect(obstaclesTo(one, standard)[0]).toMatchObject({ code, lineNumber });
});

test("专业版 takes what 标准版 does not", () => {
  const professional = settingsFor("professional");
  const large = withLine(bothAmounts("123456789012.34"), 0, {
    amount: decimal("123456789012.34"),
    quantity: decimal("100000.123456"),
    dimensions: { item: "一二三四五6", warehouse: "CK01" },
  });
  expect(obstaclesTo(large, professional)).toEqual([]);
  expect(obstaclesTo(large, settingsFor("excel"))).toEqual([]);
  // A cell of a workbook is a double.
  expect(obstaclesTo(bothAmounts("123456789012345.67"), professional)).toEqual([]);
  expect(obstaclesTo(bothAmounts("123456789012345.67"), settingsFor("excel"))[0]?.code).toBe("LIMIT_DIGITS");
});

test("every obstacle of a voucher is told at once", () => {
  const bad = withLine(withLine(draft, 0, { quantity: decimal("0.001"), account: "x".repeat(16) }), 1, {
    summary: "𠮷",
  });
  expect(obstaclesTo(bad, standard).map(({ code }) => code)).toEqual([
    "LIMIT_LENGTH",
    "LIMIT_DECIMALS",
    "LIMIT_CHARACTERS",
  ]);
});

test("the limits are declared", () => {
  expect(capabilitiesOf(standard)).toMatchObject({
    keyGuard: "receipt",
    keyLength: 10,
    summaryMax: 40,
    amountDigits: 11,
    quantityDecimals: 2,
    quantityDigits: 5,
    vouchersPerPeriodMax: 9_999,
  });
  expect(capabilitiesOf(settingsFor("professional"))).toMatchObject({
    keyLength: 26,
    summaryMax: 80,
    quantityDecimals: 8,
  });
  expect(capabilitiesOf(settingsFor("excel"))).toMatchObject({ keyLength: 10, asynchronous: true, summaryMax: 68 });
});

test.each([
  {},
  { dialect: "standard" },
  { dialect: "mdb", book: "001" },
  { dialect: "standard", book: "001", keyPlace: "reference" },
  { dialect: "excel", book: "001", keyPlace: "trade-number" },
  { dialect: "standard", book: "001", refusals: { PERIOD_CLOSED: "(" } },
  { dialect: "standard", book: "001", unknown: 1 },
])("the settings %j are refused by name", (given) => {
  expect(() => parseSettings(given, "kis")).toThrow(ZhangshiError);
});
