import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  centsText,
  type DemoCompany,
  type DemoDocument,
  type DemoItem,
  type DemoLine,
  divideHalfUp,
  documentWith,
  scaledOf,
} from "./document.ts";

/*
 * AdventureWorks' purchasing as movements: every order line is a receipt of what was received, on its due date; what was
 * rejected is a purchase return on the same document. Nothing of the files is kept here: they are read when asked for.
 */

const WAREHOUSE = "AW01";
/** Received quantities have two decimals in the file, prices four, cents are two. */
const QUANTITY_PLACES = 2;
const PRICE_PLACES = 4;
const CENT_DIVISOR = 10n ** BigInt(QUANTITY_PLACES + PRICE_PLACES - 2);

/** @param folder  where `adventureworks/` lies */
export function adventureWorks(folder: string): DemoCompany {
  const read = (file: string): readonly (readonly string[])[] => rowsOf(join(folder, "adventureworks", file));
  const products = new Map(
    read("Product.csv").map((row) => [cell(row, 0), { code: cell(row, 2), name: cell(row, 1) }]),
  );
  const vendorOf = new Map(read("PurchaseOrderHeader.csv").map((row) => [cell(row, 0), cell(row, 4)]));
  const orders = new Map<
    string,
    { receipts: DemoLine[]; returns: DemoLine[]; order: string; day: string; partner: string }
  >();
  const held = new Map<string, bigint>();
  for (const row of read("PurchaseOrderDetail.csv")) {
    const order = cell(row, 0);
    const day = cell(row, 2).slice(0, 10);
    const item = products.get(cell(row, 4))?.code;
    const partner = vendorOf.get(order);
    if (item === undefined || partner === undefined)
      throw new Error(`order ${order} names an unknown product or no vendor`);
    const [price, received, rejected] = [
      scaledOf(cell(row, 5), PRICE_PLACES),
      scaledOf(cell(row, 7), QUANTITY_PLACES),
      scaledOf(cell(row, 8), QUANTITY_PLACES),
    ];
    // A few orders were due on two days: a document is dated, so it becomes one document per day under one number.
    const key = `${order}|${day}`;
    const document = orders.get(key) ?? { receipts: [], returns: [], order, day, partner };
    orders.set(key, document);
    if (received > 0n) document.receipts.push(lineOf(item, received, price));
    if (rejected > 0n) document.returns.push(lineOf(item, rejected, price));
    held.set(item, (held.get(item) ?? 0n) + received - rejected);
  }
  const documents = [...orders.values()]
    .flatMap(({ order, day, partner, receipts, returns }): readonly DemoDocument[] => {
      const head = { documentNumber: order, warehouse: WAREHOUSE, partner };
      // On equal dates the receipt comes first.
      const receipt = { ...head, form: "purchase-receipt", happenedAt: `${day} 09:00:00`, lines: receipts } as const;
      const back = {
        ...head,
        form: "purchase-return",
        happenedAt: `${day} 17:00:00`,
        originDocument: order,
        lines: returns,
      } as const;
      return [receipt, back].filter(({ lines }) => lines.length > 0).map(documentWith);
    })
    .sort((a, b) => (a.happenedAt < b.happenedAt ? -1 : a.happenedAt > b.happenedAt ? 1 : 0));
  return {
    code: "adventureworks",
    name: "AdventureWorks",
    book: "002",
    organization: "200",
    zone: "Asia/Shanghai",
    firstPeriod: documents[0]?.happenedAt.slice(0, 7) ?? "",
    lastPeriod: documents.at(-1)?.happenedAt.slice(0, 7) ?? "",
    items: [...products.values()].map(
      ({ code, name }): DemoItem => ({ code, name, itemClass: "goods", unit: "个", conversions: [] }),
    ),
    warehouses: [{ code: WAREHOUSE, name: "AdventureWorks" }],
    suppliers: read("Vendor.csv").map((row) => ({ code: cell(row, 0), name: cell(row, 2) })),
    customers: [],
    departments: [],
    documents,
    balances: [...held].map(([item, quantity]) => ({
      item,
      warehouse: WAREHOUSE,
      batch: "",
      quantity: quantityText(quantity),
    })),
  };
}

const lineOf = (item: string, quantity: bigint, price: bigint): DemoLine => ({
  item,
  batch: "",
  unit: "个",
  quantity: quantityText(quantity),
  amount: centsText(divideHalfUp(quantity * price, CENT_DIVISOR)),
});

const quantityText = (hundredths: bigint): string => {
  const [whole = "", cents = ""] = centsText(hundredths).split(".");
  const fraction = cents.replace(/0+$/, "");
  return fraction === "" ? whole : `${whole}.${fraction}`;
};

const rowsOf = (path: string): readonly (readonly string[])[] =>
  readFileSync(path, "utf8")
    .split(/\r?\n/)
    .filter((line) => line !== "")
    .map((line) => line.split("\t"));

const cell = (row: readonly string[], at: number): string => {
  const text = row[at];
  if (text === undefined) throw new Error(`a row has only ${row.length} columns`);
  return text;
};
