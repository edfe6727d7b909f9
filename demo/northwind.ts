import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  centsOf,
  centsText,
  type DemoCompany,
  type DemoDocument,
  type DemoItem,
  type DemoLine,
  divideHalfUp,
  documentWith,
  OPENING_CAUSE,
} from "./document.ts";

/*
 * Northwind's sales as movements: the opening stock is what is left plus everything ever shipped, at 60 % of the list
 * price; every line of a shipped order is an issue on the day it was shipped. Orders that never left make no movement.
 */

const WAREHOUSE = "NW01";
const OPENING_AT = "1996-07-01 00:00:00";
export const OPENING_NUMBER = "OPENING-1996-07-01";
const OPENING_PERCENT = 60n;

/** @param folder  where `northwind/` lies */
export function northwind(folder: string): DemoCompany {
  const read = (file: string): readonly Record<string, string>[] => recordsOf(join(folder, "northwind", file));
  const products = read("products.csv");
  const linesOf = new Map<string, Record<string, string>[]>();
  for (const line of read("order_details.csv")) {
    const order = cell(line, "order_id");
    linesOf.set(order, [...(linesOf.get(order) ?? []), line]);
  }
  const shipped = read("orders.csv")
    .filter((order) => cell(order, "shipped_date") !== "")
    .map((order) => ({
      number: cell(order, "order_id"),
      customer: cell(order, "customer_id"),
      day: isoDay(cell(order, "shipped_date")),
    }))
    .sort((a, b) => (a.day === b.day ? Number(a.number) - Number(b.number) : a.day < b.day ? -1 : 1));
  const issued = new Map<string, bigint>();
  const onDay = new Map<string, number>();
  const issues = shipped.map(({ number, customer, day }): DemoDocument => {
    const lines = (linesOf.get(number) ?? []).map((line): DemoLine => {
      const item = cell(line, "product_id");
      const quantity = cell(line, "quantity");
      issued.set(item, (issued.get(item) ?? 0n) + BigInt(quantity));
      return { item, batch: "", unit: "个", quantity };
    });
    const turn = onDay.get(day) ?? 0;
    onDay.set(day, turn + 1);
    // Orders of one day leave one minute apart, in the order of their numbers.
    const happenedAt = `${day} 09:${String(turn).padStart(2, "0")}:00`;
    return documentWith({
      form: "sales-issue",
      documentNumber: number,
      happenedAt,
      warehouse: WAREHOUSE,
      partner: customer,
      lines,
    });
  });
  const opening = documentWith({
    form: "opening",
    documentNumber: OPENING_NUMBER,
    happenedAt: OPENING_AT,
    cause: OPENING_CAUSE,
    warehouse: WAREHOUSE,
    lines: products.flatMap((product): readonly DemoLine[] => {
      const item = cell(product, "product_id");
      const quantity = BigInt(cell(product, "units_in_stock")) + (issued.get(item) ?? 0n);
      if (quantity === 0n) return [];
      const cents = divideHalfUp(quantity * centsOf(cell(product, "unit_price")) * OPENING_PERCENT, 100n);
      return [{ item, batch: "", unit: "个", quantity: quantity.toString(), amount: centsText(cents) }];
    }),
  });
  return {
    code: "northwind",
    name: "Northwind",
    book: "003",
    organization: "300",
    zone: "Asia/Shanghai",
    firstPeriod: OPENING_AT.slice(0, 7),
    lastPeriod: issues.at(-1)?.happenedAt.slice(0, 7) ?? "",
    items: products.map(
      (product): DemoItem => ({
        code: cell(product, "product_id"),
        name: cell(product, "name"),
        itemClass: "goods",
        unit: "个",
        conversions: [],
      }),
    ),
    warehouses: [{ code: WAREHOUSE, name: "Northwind" }],
    suppliers: [],
    customers: read("customers.csv").map((row) => ({ code: cell(row, "customer_id"), name: cell(row, "company") })),
    departments: [],
    documents: [opening, ...issues],
    // The warehouse's own word on what is left: straight from the file.
    balances: products
      .filter((product) => cell(product, "units_in_stock") !== "0")
      .map((product) => ({
        item: cell(product, "product_id"),
        warehouse: WAREHOUSE,
        batch: "",
        quantity: cell(product, "units_in_stock"),
      })),
  };
}

/** "7/16/1996" (month first) to "1996-07-16". */
export const isoDay = (text: string): string => {
  const [month = "", day = "", year = ""] = text.split("/");
  return `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
};

/** Comma-separated with a header; a field in double quotes may hold commas. */
export const recordsOf = (path: string): readonly Record<string, string>[] => {
  const [header = [], ...rows] = readFileSync(path, "utf8")
    .split(/\r?\n/)
    .filter((line) => line !== "")
    .map((line) =>
      [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
        (match) => match[1]?.replaceAll('""', '"') ?? match[2] ?? "",
      ),
    );
  return rows.map((row) => Object.fromEntries(header.map((name, at) => [name, row[at] ?? ""])));
};

const cell = (row: Readonly<Record<string, string>>, name: string): string => {
  const text = row[name];
  if (text === undefined) throw new Error(`the file has no column ${name}`);
  return text;
};
