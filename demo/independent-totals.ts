import { readFileSync } from "node:fs";
import { join } from "node:path";

/*
 * What the books must say about the real data, summed straight from the files: no code is shared with what reads the same
 * files for entry, nor with the product. Amounts are whole cents.
 */

export interface RoleTotal {
  debit: bigint;
  credit: bigint;
}
export interface IndependentTotals {
  /** Per account role; red lines count as negative amounts on their own side. */
  readonly accounts: Readonly<Record<string, RoleTotal>>;
  /** Per item code: quantity in hundredths, value in cents. */
  readonly stock: ReadonlyMap<string, { readonly quantity: bigint; readonly value: bigint }>;
  /** Documents that must each stand in exactly one voucher; returns are documents of their own. */
  readonly documents: number;
  readonly lines: number;
}

/** Receipts Dr inventory, Cr estimated payables; returns the same in red. */
export function adventureWorksTotals(folder: string): IndependentTotals {
  const lines = (file: string): string[][] =>
    readFileSync(join(folder, "adventureworks", file), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => line.trimEnd().split("\t"));
  const numberOf: Record<string, string> = {};
  for (const [id = "", , number = ""] of lines("Product.csv")) numberOf[id] = number;
  const stock = new Map<string, { quantity: bigint; value: bigint }>();
  const documents = new Set<string>();
  let [sum, movements] = [0n, 0];
  for (const [order, , due, , product = "", price = "", , received = "", rejected = ""] of lines(
    "PurchaseOrderDetail.csv",
  )) {
    for (const [sign, quantity] of [
      [1n, fixed(received, 2)],
      [-1n, fixed(rejected, 2)],
    ] as const) {
      if (quantity === 0n) continue;
      // quantity × 10^2, price × 10^4: ten thousand of the product make one cent.
      const cents = (quantity * fixed(price, 4) + 5_000n) / 10_000n;
      const code = numberOf[product] ?? "?";
      const held = stock.get(code) ?? { quantity: 0n, value: 0n };
      stock.set(code, { quantity: held.quantity + sign * quantity, value: held.value + sign * cents });
      sum += sign * cents;
      movements += 1;
      documents.add(`${String(order)} ${String(due)} ${String(sign)}`);
    }
  }
  const accounts = { inventory: { debit: sum, credit: 0n }, "estimated-payables": { debit: 0n, credit: sum } };
  return { accounts, stock, documents: documents.size, lines: movements };
}

/**
 * Opening Dr inventory against the opening's own account; issues Dr cost of sales, Cr inventory at the average that the last
 * receipt made, here the opening: its value × quantity ÷ its quantity, rounded half up per line; whoever takes the last
 * piece takes the rest.
 */
export function northwindTotals(folder: string): IndependentTotals {
  const lines = (file: string): string[][] =>
    readFileSync(join(folder, "northwind", file), "utf8")
      .trimEnd()
      .split("\n")
      .slice(1)
      .map((line) => line.trimEnd().split(","));
  const shipped = lines("orders.csv")
    .filter(([, , , date = ""]) => date !== "")
    .map(([order = "", , , date = ""]) => ({ order, at: Date.parse(`${date} UTC`) }))
    .sort((a, b) => a.at - b.at || Number(a.order) - Number(b.order));
  const sold: Record<string, [product: string, quantity: bigint][]> = {};
  for (const [order = "", product = "", , quantity = "0"] of lines("order_details.csv")) {
    (sold[order] ??= []).push([product, BigInt(quantity)]);
  }
  const everSold: Record<string, bigint> = {};
  for (const { order } of shipped) {
    for (const [product, quantity] of sold[order] ?? []) everSold[product] = (everSold[product] ?? 0n) + quantity;
  }
  const stock = new Map<string, { quantity: bigint; value: bigint }>();
  const opened = new Map<string, { quantity: bigint; value: bigint }>();
  let [opening, cost, movements] = [0n, 0n, 0];
  for (const row of lines("products.csv")) {
    // Names hold no commas that matter: the numbers are counted from the end.
    const [id = "", price = "", left = ""] = [row[0], row.at(-5), row.at(-4)];
    const quantity = BigInt(left) + (everSold[id] ?? 0n);
    if (quantity === 0n) continue;
    const value = (quantity * fixed(price, 2) * 60n + 50n) / 100n;
    stock.set(id, { quantity: quantity * 100n, value });
    opened.set(id, { quantity: quantity * 100n, value });
    opening += value;
    movements += 1;
  }
  for (const { order } of shipped) {
    for (const [product, quantity] of sold[order] ?? []) {
      const held = stock.get(product) ?? { quantity: 0n, value: 0n };
      const out = quantity * 100n;
      const average = opened.get(product) ?? { quantity: 1n, value: 0n };
      const atAverage = (2n * average.value * out + average.quantity) / (2n * average.quantity);
      const cents = out === held.quantity ? held.value : atAverage;
      stock.set(product, { quantity: held.quantity - out, value: held.value - cents });
      cost += cents;
      movements += 1;
    }
  }
  const accounts = {
    inventory: { debit: opening, credit: cost },
    "opening-counterpart": { debit: 0n, credit: opening },
    "cost-of-sales": { debit: cost, credit: 0n },
  };
  return { accounts, stock, documents: shipped.length + 1, lines: movements };
}

/** "12.5" as a whole number of 10^-places; the files have no more decimals than asked for. */
const fixed = (text: string, places: number): bigint => {
  const [whole = "", fraction = ""] = text.split(".");
  return BigInt((whole === "" ? "0" : whole) + fraction.padEnd(places, "0").slice(0, places));
};
