import fc from "fast-check";
import { expect, test } from "vitest";
import { businessDate, instant } from "../domain/dates.ts";
import { decimal } from "../domain/decimal.ts";
import { type MovementKind, movementKinds } from "../domain/movement.ts";
import { balances, VoucherLine } from "../domain/voucher.ts";
import { type CodeTables, codeTables } from "./code-table.ts";
import {
  type DraftResult,
  type KnownMovement,
  type MappingContext,
  type ValuedMovement,
  draftVoucher,
} from "./draft.ts";
import { type Standard, standardChart, standardRules, standards } from "./load.ts";
import { groupOf, selectRule } from "./select.ts";

const tables = (identity: CodeTables["identity"], rows: CodeTables["rows"] = []): CodeTables => {
  const made = codeTables(rows, identity);
  if (!made.ok) throw new Error(made.problems[0]?.message);
  return made.tables;
};
const ALL = new Set(["item", "unit", "warehouse", "supplier", "customer", "department", "word"] as const);
const loaded = {
  cas: { rules: standardRules("cas"), chart: standardChart("cas") },
  sme: { rules: standardRules("sme"), chart: standardChart("sme") },
};
const contextOf = (standard: Standard, change: Partial<MappingContext> = {}): MappingContext => ({
  ...loaded[standard],
  codes: tables(ALL),
  items: (code) =>
    code === "missing"
      ? undefined
      : {
          itemClass: code.startsWith("R") ? "raw-material" : "goods",
          unit: "个",
          name: `品名${code}`,
          factorOf: (unit) => (unit === "个" ? decimal("1") : unit === "箱" ? decimal("12") : undefined),
        },
  on: businessDate("2025-01-31"),
  ...change,
});

type Amounts = Omit<ValuedMovement, "movement">;
type Change = Partial<KnownMovement & Amounts>;
const movement = (kind: MovementKind, change: Change = {}): ValuedMovement => {
  const { purpose = "stock", net, tax, salesTax, provision, value: _, ...fields } = change;
  const value = "value" in change ? change.value : decimal("100.00");
  return { movement: movementOf(kind, fields), purpose, value, net, tax, salesTax, provision };
};
const movementOf = (kind: MovementKind, change: Partial<KnownMovement>): KnownMovement => ({
  movementId: "1",
  company: "c",
  source: "s",
  form: "f",
  recordId: "rec-1",
  lineId: "1",
  revision: 1,
  cancelled: false,
  kind,
  documentNumber: "D-1",
  happenedAt: instant("2025-01-31T01:00:00.000Z"),
  happenedOn: businessDate("2025-01-31"),
  item: "007",
  warehouse: "W1",
  counterWarehouse: "W2",
  batch: "",
  unit: "个",
  quantity: decimal("10"),
  currency: "CNY",
  partner: "P1",
  department: "",
  order: "",
  cause: "",
  invoiced: false,
  originDocument: "",
  sourceUpdatedAt: instant("2025-01-31T01:00:00.000Z"),
  ...change,
});

const lines = (result: DraftResult): readonly string[] => {
  if (result.kind !== "voucher") throw new Error(JSON.stringify(result));
  return result.lines.map((line) =>
    [line.side === "debit" ? "借" : "贷", line.account, line.amount, line.quantity]
      .filter((x) => x !== undefined)
      .join(" "),
  );
};
const draw = (standard: Standard, ...movements: readonly ValuedMovement[]): DraftResult =>
  draftVoucher({ movements }, contextOf(standard));
const show = (standard: Standard, kind: MovementKind, change: Change = {}): string =>
  lines(draw(standard, movement(kind, change))).join(" | ");

// Net 100.00 at 13 %; where a role has another number in the 小企业 chart, both are given.
const TAX = { tax: decimal("13.00") };
const d = decimal;
const cases: readonly (readonly [string, MovementKind, Change, string, string?])[] = [
  [
    "receipt with invoice",
    "purchase-receipt",
    { invoiced: true, ...TAX },
    "借 1405 100.00 10 | 借 2221.01.01 13.00 | 贷 2202.01 113.00",
  ],
  ["raw material", "purchase-receipt", { item: "R1" }, "借 1403 100.00 10 | 贷 2202.02 100.00"],
  ["receipt without invoice", "purchase-receipt", {}, "借 1405 100.00 10 | 贷 2202.02 100.00"],
  ["receipt after its invoice", "purchase-receipt", { originDocument: "I-1" }, "借 1405 100.00 10 | 贷 1402 100.00"],
  [
    "estimate reversed",
    "purchase-receipt",
    { purpose: "estimate-reversal" },
    "借 1405 -100.00 -10 | 贷 2202.02 -100.00",
  ],
  ["estimated again", "purchase-receipt", { purpose: "re-estimate" }, "借 1405 100.00 10 | 贷 2202.02 100.00"],
  [
    "estimate reversed by its invoice",
    "purchase-invoice",
    { purpose: "estimate-reversal", originDocument: "D-0" },
    "借 1405 -100.00 -10 | 贷 2202.02 -100.00",
  ],
  [
    "invoice",
    "purchase-invoice",
    { purpose: "invoice", originDocument: "D-0", net: d("104"), ...TAX },
    "借 1405 104.00 10 | 借 2221.01.01 13.00 | 贷 2202.01 117.00",
  ],
  [
    "invoice first",
    "purchase-invoice",
    { purpose: "invoice", net: d("104"), ...TAX },
    "借 1402 104.00 | 借 2221.01.01 13.00 | 贷 2202.01 117.00",
  ],
  [
    "invoice difference",
    "purchase-invoice",
    { purpose: "invoice-difference", net: d("104"), ...TAX },
    "借 1405 4.00 | 借 2221.01.01 13.00 | 贷 2202.02 -100.00 | 贷 2202.01 117.00",
  ],
  ["return before the invoice", "purchase-return", {}, "借 1405 -100.00 -10 | 贷 2202.02 -100.00"],
  [
    "return at another price",
    "purchase-return",
    { value: d("516.67"), net: d("500") },
    "借 1405 -516.67 -10 | 借 6401 16.67 | 贷 2202.02 -500.00",
    "借 1405 -516.67 -10 | 借 5401 16.67 | 贷 2202.02 -500.00",
  ],
  [
    "return after the invoice",
    "purchase-return",
    { invoiced: true, ...TAX },
    "借 1405 -100.00 -10 | 借 2221.01.01 -13.00 | 贷 2202.01 -113.00",
  ],
  ["sales issue", "sales-issue", {}, "借 6401 100.00 | 贷 1405 100.00 10", "借 5401 100.00 | 贷 1405 100.00 10"],
  [
    "revenue",
    "sales-issue",
    { purpose: "revenue", salesAmount: d("150"), taxAmount: d("19.5") },
    "借 1122 169.50 | 贷 6001 150.00 | 贷 2221.01.05 19.50",
    "借 1122 169.50 | 贷 5001 150.00 | 贷 2221.01.05 19.50",
  ],
  [
    "sales return",
    "sales-return",
    {},
    "借 6401 -100.00 | 贷 1405 -100.00 -10",
    "借 5401 -100.00 | 贷 1405 -100.00 -10",
  ],
  [
    "revenue returned",
    "sales-return",
    { purpose: "revenue", salesAmount: d("150") },
    "借 1122 -150.00 | 贷 6001 -150.00",
    "借 1122 -150.00 | 贷 5001 -150.00",
  ],
  ["transfer", "transfer", {}, "借 1405 100.00 10 | 贷 1405 100.00 10"],
  [
    "production issue",
    "production-issue",
    { item: "R1" },
    "借 5001 100.00 | 贷 1403 100.00 10",
    "借 4001 100.00 | 贷 1403 100.00 10",
  ],
  [
    "issue to the office",
    "production-issue",
    { cause: "管理" },
    "借 6602 100.00 | 贷 1405 100.00 10",
    "借 5602 100.00 | 贷 1405 100.00 10",
  ],
  [
    "production receipt",
    "production-receipt",
    {},
    "借 1405 100.00 10 | 贷 5001 100.00",
    "借 1405 100.00 10 | 贷 4001 100.00",
  ],
  ["subcontract issue", "subcontract-issue", { item: "R1" }, "借 1408 100.00 | 贷 1403 100.00 10"],
  ["subcontract fee", "subcontract-fee", TAX, "借 1408 100.00 | 借 2221.01.01 13.00 | 贷 2202.01 113.00"],
  ["subcontract receipt", "subcontract-receipt", {}, "借 1405 100.00 10 | 贷 1408 100.00"],
  ["count gain", "count-gain", {}, "借 1405 100.00 10 | 贷 1901.01 100.00"],
  ["count loss", "count-loss", {}, "借 1901.01 100.00 | 贷 1405 100.00 10"],
  [
    "loss by mismanagement",
    "count-loss",
    { cause: "管理不善", ...TAX },
    "借 1901.01 100.00 | 借 1901.01 13.00 | 贷 1405 100.00 10 | 贷 2221.01.06 13.00",
  ],
  ["scrap", "scrap", {}, "借 1901.01 100.00 | 贷 1405 100.00 10"],
  [
    "correction of an issue",
    "sales-issue",
    { purpose: "cost-correction", value: d("-15.00") },
    "借 6401 -15.00 | 贷 1405 -15.00",
    "借 5401 -15.00 | 贷 1405 -15.00",
  ],
  [
    "correction of a sales return",
    "sales-return",
    { purpose: "cost-correction", value: d("15.00") },
    "借 6401 -15.00 | 贷 1405 -15.00",
    "借 5401 -15.00 | 贷 1405 -15.00",
  ],
  [
    "correction of a transfer",
    "transfer",
    { purpose: "cost-correction", value: d("15") },
    "借 1405 15.00 | 贷 1405 15.00",
  ],
  [
    "opening on demand",
    "opening",
    { cause: "book" },
    "借 1405 100.00 10 | 贷 4104 100.00",
    "借 1405 100.00 10 | 贷 3104 100.00",
  ],
];

for (const [name, kind, change, cas, sme = cas] of cases)
  test(`${name}: right accounts, sides and amounts in both packs`, () => {
    expect(show("cas", kind, change)).toBe(cas);
    expect(show("sme", kind, change)).toBe(sme);
  });

test("provisions exist under 企业会计准则 only, with their own entry for a release", () => {
  expect(show("cas", "provision", { value: d("30") })).toBe("借 6701 30.00 | 贷 1471 30.00");
  expect(show("cas", "provision", { value: d("-30") })).toBe("借 1471 30.00 | 贷 6701 30.00");
  expect(draw("sme", movement("provision"))).toMatchObject({
    kind: "problems",
    problems: [{ code: "PROVISION_NOT_ALLOWED" }],
  });
  expect(draw("cas", movement("provision", { amount: d("-1") }))).toMatchObject({
    kind: "problems",
    problems: [{ code: "PROVISION_NEGATIVE" }],
  });
  expect(draw("cas", movement("provision", { cause: "期初" }))).toMatchObject({ kind: "none" });
  expect(show("cas", "sales-issue", { provision: d("8") })).toBe(
    "借 6401 100.00 | 借 1471 8.00 | 贷 1405 100.00 10 | 贷 6401 8.00",
  );
});

test("every movement kind has a rule or a stated reason for none, in both packs; of provisions one refuses all", () => {
  for (const standard of standards)
    for (const kind of movementKinds) {
      if (standard === "sme" && kind === "provision") continue;
      const purpose = kind === "purchase-invoice" ? "invoice" : "stock";
      expect(draw(standard, movement(kind, { purpose })).kind, `${standard} ${kind}`).not.toBe("problems");
    }
});

test("a change of status, an opening and a movement without amount give no voucher, and say why", () => {
  expect(draw("cas", movement("status-change"))).toMatchObject({ kind: "none", skipped: [{ reason: "no-money" }] });
  expect(draw("cas", movement("opening"))).toMatchObject({ kind: "none", skipped: [{ reason: "no-money" }] });
  expect(draw("cas", movement("sales-issue", { value: d("0.00") }))).toMatchObject({
    kind: "none",
    skipped: [{ reason: "zero-amount" }],
  });
});

test("a transfer between equal account and dimensions needs no voucher", () => {
  const same = movement("transfer", { counterWarehouse: "W1" });
  expect(draw("cas", same)).toMatchObject({ kind: "none", skipped: [{ reason: "same-account" }] });
});

test("a document of several kinds is one voucher; every movement is traceable to its lines", () => {
  const result = draw(
    "cas",
    movement("purchase-receipt", { movementId: "1", value: d("100") }),
    movement("purchase-receipt", { movementId: "2", value: d("50"), item: "008" }),
    movement("purchase-return", { movementId: "3", value: d("20"), amount: d("20") }),
  );
  expect(lines(result)).toEqual([
    "借 1405 100.00 10",
    "借 1405 50.00 10",
    "借 1405 -20.00 -10",
    "贷 2202.02 150.00",
    "贷 2202.02 -20.00",
  ]);
  expect(result).toMatchObject({
    lines: [["1"], ["2"], ["3"], ["1", "2"], ["3"]].map((movementIds) => ({ movementIds })),
    documents: ["D-1"],
    rules: [{ name: "purchase-receipt-without-invoice" }, { name: "purchase-return-estimated" }],
  });
});

test("quantities are in the stock unit and the unit price keeps six decimals", () => {
  const result = draw("cas", movement("purchase-receipt", { unit: "箱", quantity: d("0.25"), value: d("10") }));
  expect(result).toMatchObject({
    lines: [{ quantity: "3", unit: "个", unitPrice: "3.333333", dimensions: { item: "007", warehouse: "W1" } }, {}],
  });
});

test("each missing thing is one problem, however many movements wait for it", () => {
  const codes = tables(new Set(["unit", "warehouse"] as const), [{ table: "item", code: "007", erpCode: "M7" }]);
  const movements = ["1", "2"].map((movementId) => movement("purchase-receipt", { movementId }));
  const result = draftVoucher({ movements }, contextOf("cas", { codes }));
  expect(result).toEqual({
    kind: "problems",
    problems: [{ code: "CODE_MISSING", subject: { table: "supplier", code: "P1" }, movementIds: ["1", "2"] }],
  });
});

test("what is missing is named: item, unit, rule, role, amount, pending value, partner", () => {
  const codeOf = (change: Change, kind: MovementKind = "purchase-receipt", context = contextOf("cas")) => {
    const result = draftVoucher({ movements: [movement(kind, change)] }, context);
    return result.kind === "problems" ? result.problems.map((problem) => problem.code) : result.kind;
  };
  expect(codeOf({ item: "missing" })).toEqual(["ITEM_UNKNOWN"]);
  expect(codeOf({ unit: "桶" })).toEqual(["UNIT_UNKNOWN"]);
  expect(codeOf({ purpose: "revenue" })).toEqual(["RULE_MISSING"]);
  expect(codeOf({ value: undefined })).toEqual(["AMOUNT_MISSING"]);
  expect(codeOf({ value: undefined }, "production-receipt")).toEqual(["VALUE_PENDING"]);
  expect(codeOf({ cause: "被盗" }, "count-loss")).toEqual(["AMOUNT_MISSING"]);
  expect(codeOf({ partner: "" })).toEqual(["FIELD_MISSING"]);
  const { payables: _, "estimated-payables": __, ...roles } = loaded.cas.chart.roles;
  const chart = { ...loaded.cas.chart, roles };
  expect(codeOf({}, "purchase-receipt", contextOf("cas", { chart }))).toEqual(["ROLE_MISSING"]);
});

test("the largest line takes the rounding remainder of the document's own total", () => {
  const part = (movementId: string, net: string): ValuedMovement =>
    movement("purchase-receipt", { movementId, invoiced: true, net: d(net), value: d(net) });
  const movements = [part("1", "10.004"), part("2", "20.004"), part("3", "5.004")];
  expect(lines(draftVoucher({ movements, documentNet: d("35.01") }, contextOf("cas")))).toEqual([
    "借 1405 10.00 10",
    "借 1405 20.01 10",
    "借 1405 5.00 10",
    "贷 2202.01 35.01",
  ]);
});

test("the rule valid on the accounting date is used", () => {
  const [first, ...rest] = loaded.cas.rules.rules;
  if (first === undefined) throw new Error("empty pack");
  const rules = {
    ...loaded.cas.rules,
    rules: [
      {
        ...first,
        name: "old",
        validFrom: businessDate("2020-01-01"),
        validTo: businessDate("2024-12-31"),
        when: { kind: "scrap" as const },
      },
      ...rest,
    ],
  };
  const on = (day: string) =>
    selectRule(rules, movementOf("scrap", {}), {
      purpose: "stock",
      itemClass: "",
      negative: false,
      on: businessDate(day),
    })?.name;
  expect([on("2024-12-31"), on("2025-01-01")]).toEqual(["old", "scrap"]);
});

test("groups: the record itself, the day or the period of the accounting date", () => {
  const rule = loaded.cas.rules.rules.find((each) => each.name === "scrap");
  if (rule === undefined || !("lines" in rule)) throw new Error("no rule");
  const name = (group: "document" | "day" | "period") =>
    groupOf({ ...rule, voucher: { ...rule.voucher, group } }, movementOf("scrap", {}), businessDate("2025-02-01"));
  expect([name("document"), name("day"), name("period")]).toEqual([
    "rec-1",
    "day:2025-02-01:scrap",
    "period:2025-02:scrap",
  ]);
});

const amount = fc.integer({ min: -99_999, max: 999_999 }).map((n) => d((n / 1000).toFixed(3)));
test("whatever the amounts are, each rule of both packs gives a balanced voucher of valid lines, or none", () => {
  const rules = standards.flatMap((standard) =>
    loaded[standard].rules.rules.flatMap((rule) => ("lines" in rule ? [{ standard, rule }] : [])),
  );
  const drawn = fc.record({
    value: amount,
    net: amount,
    tax: amount,
    salesAmount: amount,
    salesTax: amount,
    provision: amount,
  });
  const first = <T>(value: T | readonly T[] | undefined, otherwise: T): T =>
    value === undefined ? otherwise : Array.isArray(value) ? (value[0] ?? otherwise) : (value as T);
  fc.assert(
    fc.property(
      fc.constantFrom(...rules),
      fc.array(drawn, { minLength: 1, maxLength: 4 }),
      ({ standard, rule }, all) => {
        const { when } = rule;
        const movements = all.map((amounts, at) =>
          movement(first(when.kind, "scrap"), {
            ...amounts,
            movementId: String(at),
            purpose: first(when.purpose, "stock"),
            cause: first(when.cause, ""),
            invoiced: when.invoiced ?? false,
            originDocument: when.origin === true ? "O-1" : "",
          }),
        );
        const result = draw(standard, ...movements);
        expect(result.kind).not.toBe("problems");
        if (result.kind !== "voucher") return;
        expect(balances(result.lines)).toBe(true);
        for (const line of result.lines) expect(VoucherLine.safeParse(line).success).toBe(true);
      },
    ),
    { numRuns: 1_000 },
  );
});

test("100,000 movements in 20,000 documents are drawn in about a second", () => {
  const context = contextOf("cas");
  const five = ["1", "2", "3", "4", "5"].map((movementId) =>
    movement("purchase-receipt", { movementId, item: `I${movementId}` }),
  );
  const before = process.cpuUsage();
  for (let at = 0; at < 20_000; at += 1) draftVoucher({ movements: five }, context);
  // Three times the aim, because test machines are shared.
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(3_000);
});
