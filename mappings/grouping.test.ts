import { expect, test } from "vitest";
import { businessDate, instant } from "../domain/dates.ts";
import { decimal } from "../domain/decimal.ts";
import type { Movement } from "../domain/movement.ts";
import { type Grouping, overflows, regrouped } from "./grouping.ts";
import { standardChart, standardRules } from "./load.ts";

const chart = standardChart("cas");
const rules = (grouping: Grouping) => regrouped(standardRules("cas"), grouping);

const receipts = (count: number, perDocument: number): readonly Movement[] =>
  Array.from({ length: count }, (_, at) => ({
    company: "c",
    source: "s",
    form: "receipt",
    recordId: `r${Math.floor(at / perDocument)}`,
    lineId: String(at),
    revision: 1,
    cancelled: false,
    kind: "purchase-receipt",
    documentNumber: `CG-${Math.floor(at / perDocument)}`,
    happenedAt: instant("2025-01-05T02:00:00Z"),
    happenedOn: businessDate(`2025-01-${String((at % 28) + 1).padStart(2, "0")}`),
    item: `M-${at}`,
    warehouse: "CK01",
    counterWarehouse: "",
    batch: "",
    unit: "Pcs",
    quantity: decimal("1"),
    amount: decimal("10.00"),
    taxAmount: undefined,
    salesAmount: undefined,
    currency: "CNY",
    partner: "VEN001",
    department: "",
    order: "",
    cause: "",
    invoiced: true,
    originDocument: "",
    sourceUpdatedAt: instant("2025-01-05T02:00:00Z"),
  }));

const found = (grouping: Grouping, movements: readonly Movement[], linesMax: number, vouchersPerPeriodMax?: number) =>
  overflows(rules(grouping), chart, movements, () => "goods", { linesMax, vouchersPerPeriodMax });

test("a month in one voucher overflows where its days do not", () => {
  const movements = receipts(560, 10);
  const [month] = found("period", movements, 200);
  expect(month).toMatchObject({ kind: "lines", grouping: "period", count: 561, max: 200 });
  expect(found("day", movements, 200)).toEqual([]);
  expect(found("document", movements, 200)).toEqual([]);
});

test("exactly as many lines as the ledger takes are no overflow", () => {
  const [month] = found("period", receipts(200, 10), 200);
  expect(month).toMatchObject({ count: 201 });
  expect(found("period", receipts(199, 10), 200)).toEqual([]);
});

test("more documents than the ledger can number are told by period", () => {
  const movements = receipts(100, 1);
  expect(found("document", movements, 500, 99)).toEqual([{ kind: "vouchers", period: "2025-01", count: 100, max: 99 }]);
  expect(found("document", movements, 500, 100)).toEqual([]);
  expect(found("day", movements, 500, 99)).toEqual([]);
});

test("without movements nothing overflows", () => {
  expect(found("period", [], 2, 1)).toEqual([]);
});
