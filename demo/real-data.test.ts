import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { adventureWorks } from "./adventureworks.ts";
import { centsOf, type DemoCompany } from "./document.ts";
import { adventureWorksTotals, northwindTotals } from "./independent-totals.ts";
import { northwind } from "./northwind.ts";

/** The sample data does not belong to the project: it lies where this variable says, or in a folder `data` beside the checkout. */
const FOLDER = process.env["ZHANGSHI_SAMPLE_DATA"] ?? dataBeside();
const present = FOLDER !== "" && isSampleData(FOLDER);
if (!present)
  process.stderr.write(
    `SKIPPED: the tests on real data need the sample data; set ZHANGSHI_SAMPLE_DATA to its folder.\n`,
  );

function isSampleData(folder: string): boolean {
  return existsSync(join(folder, "adventureworks")) && existsSync(join(folder, "northwind"));
}

/** @returns "" when there is none */
function dataBeside(): string {
  const parent = resolve("..");
  return (
    readdirSync(parent)
      .map((name) => join(parent, name, "data"))
      .find(isSampleData) ?? ""
  );
}

const linesOf = (company: DemoCompany, form: string) =>
  company.documents.filter((one) => one.form === form).flatMap(({ lines }) => lines);
const sumOf = (lines: readonly { readonly amount?: string }[]): bigint =>
  lines.reduce((sum, { amount }) => sum + centsOf(amount ?? "0"), 0n);

test.skipIf(!present)(
  "AdventureWorks: 8,845 receipts in 4,012 orders, and 563 returns dated like their receipts",
  () => {
    const company = adventureWorks(FOLDER);
    expect(linesOf(company, "purchase-receipt")).toHaveLength(8_845);
    expect(linesOf(company, "purchase-return")).toHaveLength(563);
    expect(new Set(company.documents.map(({ documentNumber }) => documentNumber)).size).toBe(4_012);
    expect(company.documents[0]?.happenedAt.slice(0, 10)).toBe("2022-04-29");
    expect(company.lastPeriod).toBe("2025-10");
    const received = new Set(
      company.documents
        .filter(({ form }) => form === "purchase-receipt")
        .map((one) => `${one.documentNumber} ${one.happenedAt.slice(0, 10)}`),
    );
    const returns = company.documents.filter(({ form }) => form === "purchase-return");
    expect(returns.every((one) => received.has(`${one.documentNumber} ${one.happenedAt.slice(0, 10)}`))).toBe(true);
  },
);

test.skipIf(!present)(
  "AdventureWorks: documents agree to the cent and the piece with sums taken straight from the file",
  () => {
    const company = adventureWorks(FOLDER);
    const totals = adventureWorksTotals(FOLDER);
    expect(sumOf(linesOf(company, "purchase-receipt")) - sumOf(linesOf(company, "purchase-return"))).toBe(
      totals.accounts["inventory"]?.debit,
    );
    expect(company.documents).toHaveLength(totals.documents);
    expect(company.documents.flatMap(({ lines }) => lines)).toHaveLength(totals.lines);
    expect(new Map(company.balances.map(({ item, quantity }) => [item, centsOf(quantity)]))).toEqual(
      new Map([...totals.stock].map(([item, { quantity }]) => [item, quantity])),
    );
  },
);

test.skipIf(!present)("Northwind: 2,082 shipped lines of 809 orders, and an opening for each of 77 products", () => {
  const company = northwind(FOLDER);
  expect(linesOf(company, "sales-issue")).toHaveLength(2_155 - 73);
  expect(company.documents.filter(({ form }) => form === "sales-issue")).toHaveLength(830 - 21);
  expect(linesOf(company, "opening")).toHaveLength(77);
  expect([company.firstPeriod, company.lastPeriod]).toEqual(["1996-07", "1998-05"]);
});

test.skipIf(!present)(
  "Northwind: opening minus everything shipped is what the file says is left, and the books balance",
  () => {
    const company = northwind(FOLDER);
    const { accounts, stock, lines, documents } = northwindTotals(FOLDER);
    const left = new Map(company.balances.map(({ item, quantity }) => [item, centsOf(quantity)]));
    for (const [item, { quantity, value }] of stock) {
      expect(left.get(item) ?? 0n).toBe(quantity);
      expect(quantity > 0n || value === 0n).toBe(true);
    }
    expect(accounts["inventory"]?.debit).toBe(sumOf(linesOf(company, "opening")));
    const value = [...stock.values()].reduce((sum, one) => sum + one.value, 0n);
    expect((accounts["inventory"]?.debit ?? 0n) - (accounts["inventory"]?.credit ?? 0n)).toBe(value);
    expect(company.documents).toHaveLength(documents);
    expect(company.documents.flatMap((document) => document.lines)).toHaveLength(lines);
  },
);
