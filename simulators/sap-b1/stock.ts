/**
 * Stock by item and warehouse with its value, batches and serial numbers. Valuation is moving average per warehouse: an
 * issue takes the average, and the last unit takes whatever value is left, so that stock and its account agree.
 */

import { ONE, parseDecimal, roundDecimal, scaleDecimal } from "../shared/decimal.ts";
import { noReference, place, ServiceError } from "./errors.ts";
import { postJournal } from "./ledger.ts";
import { amount, decimal, list, type Row, text, yes } from "./model.ts";
import { dayBefore } from "./periods.ts";
import { fillRow } from "./values.ts";
import type { Context, World } from "./world.ts";

const STOCK = "OITW";
const BATCH_STOCK = "OBTQ";
const SERIAL_STOCK = "OSRQ";
/** every movement ever made, in order */
export const MOVEMENTS = "OINM";

export type Stock = { readonly quantity: bigint; readonly value: bigint; readonly price: bigint };

export function stockOf(world: World, item: string, warehouse: string): Stock {
  const row = world.row(STOCK, `${item}|${warehouse}`);
  return { quantity: amount(row, "Quantity"), value: amount(row, "Value"), price: amount(row, "Price") };
}

export function* warehouseStock(
  world: World,
): Generator<{ item: string; warehouse: string; quantity: bigint; value: bigint }> {
  for (const [, { row }] of world.store.rows(STOCK)) {
    const [quantity, value] = [amount(row, "Quantity"), amount(row, "Value")];
    yield { item: text(row, "ItemCode"), warehouse: text(row, "WarehouseCode"), quantity, value };
  }
}

export type Movement = {
  readonly item: string;
  readonly warehouse: string;
  /** positive comes in */
  readonly quantity: bigint;
  /** what comes in is worth; undefined: the current average. Ignored for what goes out unless `atValue` */
  readonly value?: bigint | undefined;
  /** an issue takes exactly this value: a cancellation gives back what came */
  readonly atValue?: bigint | undefined;
  readonly batches: readonly Row[];
  readonly serials: readonly Row[];
  readonly date: string;
  /** object type and number of the document */
  readonly document: { readonly type: string; readonly entry: number; readonly line: number; readonly table: string };
  /** the line as refusals count it, from 1 */
  readonly line: number;
  /** what posts a count may move what the count froze */
  readonly ignoresFreeze?: boolean;
};

/**
 * Moves stock.
 *
 * @returns the value moved, without sign
 */
export function moveStock(context: Context, movement: Movement): bigint {
  const { world, origin } = context;
  const { item, warehouse, quantity } = movement;
  const itemRow = checkItem(world, item, movement.document.table, movement.line);
  if (world.row("Warehouses", warehouse) === undefined) throw noReference(`${movement.document.table}.WhsCode`);
  if (!yes(itemRow, "InventoryItem")) return 0n;
  if (movement.ignoresFreeze !== true) refuseFrozen(world, movement);
  const before = stockOf(world, item, warehouse);
  const after = before.quantity + quantity;
  if (quantity < 0n && after < 0n && world.settings.negativeStock === "block") {
    throw new ServiceError(
      -10,
      `Quantity falls into negative inventory${place(`${movement.document.table}.ItemCode`, movement.line)}`,
    );
  }
  moveBatches(context, movement, itemRow);
  moveSerials(context, movement, itemRow);
  const value = valueOf(world, movement, before);
  const total = quantity < 0n ? before.value - value : before.value + value;
  const price = after > 0n ? (scaleDecimal(total, ONE, after) ?? before.price) : before.price;
  const row = {
    ItemCode: item,
    WarehouseCode: warehouse,
    Quantity: decimal(after),
    Value: decimal(total),
    Price: decimal(roundDecimal(price, world.settings.priceAccuracy)),
  };
  world.store.put(STOCK, `${item}|${warehouse}`, row, origin);
  noteMovement(context, movement, value);
  return value;
}

function valueOf(world: World, movement: Movement, before: Stock): bigint {
  const { totalsAccuracy } = world.settings;
  if (movement.atValue !== undefined) return movement.atValue;
  const magnitude = movement.quantity < 0n ? -movement.quantity : movement.quantity;
  if (movement.quantity >= 0n && movement.value !== undefined) return roundDecimal(movement.value, totalsAccuracy);
  if (movement.quantity < 0n && magnitude === before.quantity) return before.value;
  // From the exact value, not from the rounded price: many small issues then drift less.
  const exact =
    before.quantity > 0n
      ? scaleDecimal(before.value, magnitude, before.quantity)
      : scaleDecimal(magnitude, before.price, ONE);
  return roundDecimal(exact ?? 0n, totalsAccuracy);
}

function noteMovement({ world, origin }: Context, movement: Movement, value: bigint): void {
  const id = world.next(MOVEMENTS, 1);
  const row = {
    TransNum: id,
    ItemCode: movement.item,
    Warehouse: movement.warehouse,
    Quantity: decimal(movement.quantity),
    Value: decimal(movement.quantity < 0n ? -value : value),
    DocDate: movement.date,
    TransType: movement.document.type,
    CreatedBy: movement.document.entry,
    DocLineNum: movement.document.line,
  };
  world.store.put(MOVEMENTS, String(id), row, origin);
}

/** @returns the item; refuses what does not exist or is inactive (texts: catalogue) */
export function checkItem(world: World, item: string, table: string, line: number): Row {
  if (item === "") {
    const where = place(`${table}.ItemCode`, line).trim();
    throw new ServiceError(-5002, `Item number is missing; specify an item number ${where}`);
  }
  const row = world.row("Items", item);
  if (row === undefined) throw noReference(`${table}.ItemCode`);
  if (yes(row, "Frozen") || row["Valid"] === "tNO") throw new ServiceError(-10, `10001069 - Item ${item} is inactive`);
  return row;
}

/** Freeze in a counting document blocks movements of that item and warehouse until it is posted (rule inferred). */
function refuseFrozen(world: World, { item, warehouse, line, document }: Movement): void {
  for (const key of world.store.table("InventoryCountings").keysWith("DocumentStatus", "cdsOpen")) {
    const lines = list(world.row("InventoryCountings", key), "InventoryCountingLines");
    const frozen = lines.some(
      (one) =>
        one["Freeze"] === "tYES" &&
        one["LineStatus"] === "clsOpen" &&
        one["ItemCode"] === item &&
        one["WarehouseCode"] === warehouse,
    );
    if (frozen) {
      const where = place(`${document.table}.ItemCode`, line);
      throw new ServiceError(-10, `Item ${item} is frozen by inventory counting ${key}${where}`);
    }
  }
}

function moveBatches(context: Context, movement: Movement, item: Row): void {
  if (!yes(item, "ManageBatchNumbers")) return;
  const { world, origin } = context;
  const sum = movement.batches.reduce((total, batch) => total + amount(batch, "Quantity"), 0n);
  const magnitude = movement.quantity < 0n ? -movement.quantity : movement.quantity;
  if (sum !== magnitude) {
    throw new ServiceError(
      -10,
      `Cannot add row without complete selection of batch/serial numbers${place(`${movement.document.table}.ItemCode`, movement.line)}`,
    );
  }
  for (const batch of movement.batches) {
    const name = text(batch, "BatchNumber");
    const key = `${movement.item}|${movement.warehouse}|${name}`;
    const signed = movement.quantity < 0n ? -amount(batch, "Quantity") : amount(batch, "Quantity");
    const after = amount(world.row(BATCH_STOCK, key), "Quantity") + signed;
    if (signed < 0n && after < 0n) {
      throw new ServiceError(
        -10,
        `Batch/serial number ${name} does not exist; specify a valid batch/serial number${place(`${movement.document.table}.ItemCode`, movement.line)}`,
      );
    }
    const known = { ItemCode: movement.item, WhsCode: movement.warehouse, DistNumber: name };
    world.store.put(BATCH_STOCK, key, { ...known, Quantity: decimal(after) }, origin);
    rememberBatch(context, movement, item, batch);
  }
}

function rememberBatch({ world, origin }: Context, movement: Movement, item: Row, batch: Row): void {
  const name = text(batch, "BatchNumber");
  const known = world.store
    .table("BatchNumberDetails")
    .keysWith("Batch", name)
    .some((key) => world.row("BatchNumberDetails", key)?.["ItemCode"] === movement.item);
  if (known) return;
  const entry = world.next("OBTN", 1);
  const row = {
    DocEntry: entry,
    ItemCode: movement.item,
    ItemDescription: text(item, "ItemName"),
    Batch: name,
    BatchAttribute1: batch["ManufacturerSerialNumber"] ?? null,
    BatchAttribute2: batch["InternalSerialNumber"] ?? null,
    AdmissionDate: movement.date,
    ManufacturingDate: batch["ManufacturingDate"] ?? null,
    ExpirationDate: batch["ExpiryDate"] ?? null,
    SystemNumber: entry,
  };
  const type = world.schema.type("BatchNumberDetail");
  world.store.put("BatchNumberDetails", String(entry), fillRow(type, row, world.schema), origin);
}

function moveSerials(context: Context, movement: Movement, item: Row): void {
  if (!yes(item, "ManageSerialNumbers")) return;
  const { world, origin } = context;
  const magnitude = movement.quantity < 0n ? -movement.quantity : movement.quantity;
  const where = place(`${movement.document.table}.ItemCode`, movement.line);
  if (BigInt(movement.serials.length) * ONE !== magnitude) {
    throw new ServiceError(-10, `Cannot add row without complete selection of batch/serial numbers${where}`);
  }
  for (const serial of movement.serials) {
    const name = text(serial, "InternalSerialNumber");
    const key = `${movement.item}|${name}`;
    const at = text(world.row(SERIAL_STOCK, key), "WhsCode");
    if (movement.quantity < 0n && at !== movement.warehouse) {
      throw new ServiceError(
        -10,
        `Batch/serial number ${name} does not exist; specify a valid batch/serial number${where}`,
      );
    }
    if (movement.quantity > 0n && at !== "")
      throw new ServiceError(-10, `Serial number ${name} already exists${where}`);
    const whs = movement.quantity > 0n ? movement.warehouse : "";
    world.store.put(SERIAL_STOCK, key, { ItemCode: movement.item, DistNumber: name, WhsCode: whs }, origin);
  }
}

/** @returns the account that holds the stock of an item in a warehouse: the item's own for it, else the warehouse's */
export function stockAccount(world: World, item: string, warehouse: string): string {
  return accountFor(world, item, warehouse, "InventoryAccount", "StockAccount");
}

/** @returns the account of an item in a warehouse by the item's own override, else by the warehouse */
export function accountFor(world: World, item: string, warehouse: string, own: string, general: string): string {
  const infos = list(world.row("Items", item), "ItemWarehouseInfoCollection");
  const info = infos.find((one) => one["WarehouseCode"] === warehouse);
  return text(info, own) || text(world.row("Warehouses", warehouse), general);
}

export type OpeningStock = {
  readonly item: string;
  readonly warehouse: string;
  readonly quantity: string;
  readonly price: string;
  readonly batch?: string | undefined;
  readonly opening: string;
};

/** Stock on the day before the first open period, against the account for openings. */
export function receiveOpeningStock(context: Context, seed: OpeningStock): void {
  const { world } = context;
  const [quantity, price] = [parseDecimal(seed.quantity), parseDecimal(seed.price)];
  if (quantity === undefined || price === undefined) throw new Error(`The opening stock of ${seed.item} does not fit.`);
  const date = dayBefore(`${world.openPeriod}-01`);
  const entry = world.next("InventoryOpeningBalances", 1);
  const batches = seed.batch === undefined ? [] : [{ BatchNumber: seed.batch, Quantity: seed.quantity }];
  const value = moveStock(context, {
    ...seed,
    quantity,
    value: scaleDecimal(quantity, price, ONE) ?? 0n,
    batches,
    serials: [],
    date,
    document: { type: "310000001", entry, line: 0, table: "OIQI" },
    line: 1,
  });
  if (value === 0n || !world.settings.perpetual) return;
  const lines = [
    { AccountCode: stockAccount(world, seed.item, seed.warehouse), Debit: decimal(value), Credit: "0" },
    { AccountCode: seed.opening, Debit: "0", Credit: decimal(value) },
  ];
  postJournal(
    context,
    { ReferenceDate: date, Memo: "Inventory Opening Balance", JournalEntryLines: lines },
    { type: "ttInventoryOpeningBalance", original: entry, checkPeriod: false, automatic: true },
  );
}

/** Changes what stock is worth without moving any. */
export function revalueStock({ world, origin }: Context, item: string, warehouse: string, change: bigint): void {
  const stock = stockOf(world, item, warehouse);
  const value = stock.value + change;
  if (stock.quantity <= 0n || value < 0n) throw new ServiceError(-10, `Stock of ${item} cannot take this value`);
  const price = scaleDecimal(value, ONE, stock.quantity) ?? 0n;
  const row = {
    ItemCode: item,
    WarehouseCode: warehouse,
    Quantity: decimal(stock.quantity),
    Value: decimal(value),
    Price: decimal(roundDecimal(price, world.settings.priceAccuracy)),
  };
  world.store.put(STOCK, `${item}|${warehouse}`, row, origin);
}
