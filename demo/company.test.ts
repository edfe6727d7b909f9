import { expect, test } from "vitest";
import { demoCompany } from "./company.ts";
import { type DemoCompany, type DemoDocument, type DemoLine, movementForms } from "./document.ts";
import { plantBefore } from "./planted/before.ts";

const SEEDS = [1, 2, 3, 20, 77];
const INCOMING = new Set([
  "opening",
  "purchase-receipt",
  "sales-return",
  "production-receipt",
  "subcontract-receipt",
  "count-gain",
]);
const OUTGOING = new Set([
  "purchase-return",
  "sales-issue",
  "production-issue",
  "subcontract-issue",
  "count-loss",
  "scrap",
]);

const linesOf = (company: DemoCompany): DemoLine[] =>
  company.documents.flatMap(({ form, lines }) => (form === "count-sheet" ? [] : lines));

test.each(SEEDS)("seed %i draws every kind, at least 600 movements and 40 items with batches", (seed) => {
  const company = demoCompany(seed);
  expect(new Set(company.documents.map(({ form }) => form))).toEqual(new Set([...movementForms, "count-sheet"]));
  expect(linesOf(company).length).toBeGreaterThanOrEqual(600);
  expect(company.items.length).toBeGreaterThanOrEqual(40);
  expect(company.warehouses).toHaveLength(2);
  expect(new Set(linesOf(company).map(({ batch }) => batch)).size).toBeGreaterThan(20);
});

test.each(SEEDS)("seed %i has the awkward cases: 007, a 20-digit number, cartons, both edges of the month", (seed) => {
  const company = demoCompany(seed);
  expect(linesOf(company).some(({ item }) => item === "007")).toBe(true);
  expect(company.documents.some(({ documentNumber }) => /^\d{20}$/.test(documentNumber))).toBe(true);
  expect(linesOf(company).some(({ unit }) => unit === "箱")).toBe(true);
  expect(company.documents[0]?.happenedAt).toBe("2025-03-01 00:00:00");
  expect(company.documents.at(-1)?.happenedAt).toBe("2025-03-31 23:59:59");
});

test("document numbers are unique, also across forms", () => {
  for (const seed of SEEDS) {
    const numbers = demoCompany(seed).documents.map(({ documentNumber }) => documentNumber);
    expect(new Set(numbers).size).toBe(numbers.length);
  }
});

test("purchase invoices are full, partial, at another price or before their goods, and some receipts never get one", () => {
  const company = demoCompany(1);
  const receipts = new Map(
    company.documents.filter(({ form }) => form === "purchase-receipt").map((one) => [one.documentNumber, one]),
  );
  const kinds = company.documents
    .filter(({ form }) => form === "purchase-invoice")
    .map((invoice) => kindOfInvoice(invoice, receipts.get(invoice.originDocument)));
  expect(new Set(kinds)).toEqual(new Set(["full", "part", "other-price", "before its goods"]));
  const invoiced = new Set(
    company.documents.filter(({ form }) => form === "purchase-invoice").map(({ originDocument }) => originDocument),
  );
  expect(
    [...receipts.values()].some(({ documentNumber, invoiced: together }) => !together && !invoiced.has(documentNumber)),
  ).toBe(true);
});

function kindOfInvoice(invoice: DemoDocument, receipt: DemoDocument | undefined): string {
  if (receipt === undefined) return invoice.originDocument === "" ? "before its goods" : "without receipt";
  if (invoice.lines.length < receipt.lines.length || invoice.lines[0]?.quantity !== receipt.lines[0]?.quantity)
    return "part";
  return invoice.lines[0]?.amount === receipt.lines[0]?.amount ? "full" : "other-price";
}

test("the count sheet differs from the books by exactly the gains and losses booked for it", () => {
  const { documents } = demoCompany(4);
  const sheet = documents.find(({ form }) => form === "count-sheet");
  const off = sheet?.lines.filter(({ quantity, bookQuantity }) => quantity !== bookQuantity) ?? [];
  const booked = documents
    .filter(({ form }) => form === "count-gain" || form === "count-loss")
    .flatMap(({ lines }) => lines);
  expect(off).toHaveLength(6);
  expect(booked.map(({ item, batch }) => `${item} ${batch}`).sort()).toEqual(
    off.map(({ item, batch }) => `${item} ${batch}`).sort(),
  );
});

test.each(SEEDS)("seed %i: stock never falls below zero and ends as the balances say", (seed) => {
  const company = demoCompany(seed);
  expect(stockOf(company)).toEqual(
    new Map(company.balances.map((one) => [`${one.item}|${one.warehouse}|${one.batch}`, Number(one.quantity)])),
  );
});

test.each(SEEDS)("seed %i: what is written down stays above zero with the planted documents in it", (seed) => {
  expect(stockOf(plantBefore(demoCompany(seed), seed).company).size).toBeGreaterThan(0);
});

test("the same seed draws the same month, another seed another", () => {
  expect(demoCompany(9)).toEqual(demoCompany(9));
  expect(demoCompany(9)).not.toEqual(demoCompany(10));
});

/** Quantity per item, warehouse and batch after everything, in order of time; fails when one is negative on the way. */
function stockOf(company: DemoCompany): Map<string, number> {
  const stock = new Map<string, number>();
  const factors = new Map(
    company.items.flatMap(({ code, conversions }) =>
      conversions.map(({ unit, factor }) => [`${code}|${unit}`, Number(factor)] as const),
    ),
  );
  const inOrder = [...company.documents].sort((a, b) =>
    a.happenedAt < b.happenedAt ? -1 : a.happenedAt > b.happenedAt ? 1 : 0,
  );
  for (const document of inOrder) {
    for (const line of document.lines) {
      const pieces = Number(line.quantity) * (factors.get(`${line.item}|${line.unit}`) ?? 1);
      const change = (warehouse: string, by: number): void => {
        const key = `${line.item}|${warehouse}|${line.batch}`;
        const left = (stock.get(key) ?? 0) + by;
        expect(left, `${key} at ${document.documentNumber}`).toBeGreaterThanOrEqual(0);
        if (left === 0) stock.delete(key);
        else stock.set(key, left);
      };
      if (INCOMING.has(document.form)) change(document.warehouse, pieces);
      if (OUTGOING.has(document.form) || document.form === "transfer") change(document.warehouse, -pieces);
      if (document.form === "transfer") change(document.counterWarehouse, pieces);
    }
  }
  return stock;
}
