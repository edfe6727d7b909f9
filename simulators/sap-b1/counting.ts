/** Counting documents, and the postings that bring stock to what was counted. */

import { ONE, roundDecimal, scaleDecimal } from "../shared/decimal.ts";
import { type Posting, postDocumentEntry } from "./document-journal.ts";
import { noReference, notFound, notSupported, place, ServiceError } from "./errors.ts";
import { checkReference } from "./ledger.ts";
import { amount, decimal, given, list, number, type Row, text } from "./model.ts";
import { checkDates, DOCUMENT_DATES, periodOn } from "./periods.ts";
import { accountFor, checkItem, moveStock, stockAccount, stockOf } from "./stock.ts";
import { fillRow } from "./values.ts";
import type { Context, World } from "./world.ts";

export const COUNTINGS = "InventoryCountings";
export const POSTINGS = "InventoryPostings";
const COUNTING_CODE = 1_470_000_065;
const POSTING_CODE = "10000071";
const HUNDRED = 100n * ONE;

export function createCounting(context: Context, input: Row): string {
  const { world, origin } = context;
  const entry = world.next(`${COUNTINGS}.DocEntry`, 1);
  const date = text(input, "CountDate") || world.today();
  const period = periodOn(world, date);
  const row: Row = {
    ...input,
    DocumentEntry: entry,
    DocumentNumber: world.next(`${COUNTINGS}.DocNum`, 1),
    Series: number(input, "Series") ?? 0,
    CountDate: date,
    CountTime: input["CountTime"] ?? world.timeOfDay(),
    FinancialPeriod: number(period, "AbsoluteEntry") ?? null,
    PeriodIndicator: text(period, "PeriodIndicator") || null,
    InventoryCountingLines: countingLines(world, list(input, "InventoryCountingLines"), entry),
  };
  world.store.put(COUNTINGS, String(entry), fillRow(world.schema.type("InventoryCounting"), row, world.schema), origin);
  return String(entry);
}

/** Line numbers start at 1 (API reference sample); what is in the warehouse is taken when the line is written. */
export function countingLines(world: World, lines: readonly Row[], entry: number): Row[] {
  if (lines.length === 0) throw new ServiceError(-5002, "No matching records found; document has no rows");
  return lines.map((line, index) => {
    const item = checkItem(world, text(line, "ItemCode"), "INC1", index + 1);
    const warehouse = text(line, "WarehouseCode") || text(item, "DefaultWarehouse");
    if (world.row("Warehouses", warehouse) === undefined) throw noReference("INC1.WhsCode");
    const inWarehouse = stockOf(world, text(line, "ItemCode"), warehouse).quantity;
    const counted = countedOf(line);
    const isCounted = line["Counted"] === "tYES" || (line["Counted"] === undefined && counted !== undefined);
    const variance = isCounted ? (counted ?? 0n) - inWarehouse : 0n;
    return {
      ...line,
      DocumentEntry: entry,
      LineNumber: number(line, "LineNumber") ?? index + 1,
      VisualOrder: index,
      ItemDescription: text(item, "ItemName"),
      WarehouseCode: warehouse,
      UoMCode: text(line, "UoMCode") || text(item, "InventoryUOM"),
      ItemsPerUnit: given(line, "ItemsPerUnit") ? text(line, "ItemsPerUnit") : "1",
      Counted: isCounted ? "tYES" : "tNO",
      InWarehouseQuantity: decimal(inWarehouse),
      CountedQuantity: decimal(counted ?? 0n),
      UoMCountedQuantity: given(line, "UoMCountedQuantity") ? text(line, "UoMCountedQuantity") : decimal(counted ?? 0n),
      Variance: decimal(variance),
      VariancePercentage: decimal(inWarehouse === 0n ? 0n : (scaleDecimal(variance, HUNDRED, inWarehouse) ?? 0n)),
    };
  });
}

/** Counted in the stock unit, or in another unit times its items. */
function countedOf(line: Row): bigint | undefined {
  if (given(line, "CountedQuantity")) return amount(line, "CountedQuantity");
  if (!given(line, "UoMCountedQuantity")) return undefined;
  const perUnit = given(line, "ItemsPerUnit") ? amount(line, "ItemsPerUnit") : ONE;
  return scaleDecimal(amount(line, "UoMCountedQuantity"), perUnit, ONE);
}

export function closeCounting({ world, origin }: Context, key: string): void {
  const row = world.row(COUNTINGS, key);
  if (row === undefined) throw notFound();
  if (row["DocumentStatus"] === "cdsClosed") throw new ServiceError(-5002, "Document is already closed");
  const lines = list(row, "InventoryCountingLines").map((line) => ({ ...line, LineStatus: "clsClosed" }));
  world.store.put(COUNTINGS, key, { ...row, DocumentStatus: "cdsClosed", InventoryCountingLines: lines }, origin);
}

export function removeCounting({ world }: Context, key: string): void {
  const row = world.row(COUNTINGS, key);
  if (row === undefined) throw notFound();
  if (list(row, "InventoryCountingLines").some((line) => given(line, "TargetEntry"))) throw notSupported();
  world.store.remove(COUNTINGS, key);
}

export function createPosting(context: Context, input: Row): string {
  const { world, origin } = context;
  const posting = text(input, "PostingDate") || world.today();
  const period = checkDates(world, {
    posting,
    due: posting,
    tax: posting,
    table: "OIQR",
    columns: DOCUMENT_DATES,
    isSale: false,
  });
  const entry = world.next(`${POSTINGS}.DocEntry`, 1);
  const docNum = world.next(`${POSTINGS}.DocNum`, 1);
  const given_ = list(input, "InventoryPostingLines");
  if (given_.length === 0) throw new ServiceError(-5002, "No matching records found; document has no rows");
  const effects: Posting[] = [];
  const lines = given_.map((line, index) => {
    const done = postLine(context, input, fromCounting(context, line, entry, index), index, { entry, date: posting });
    effects.push(...done.effects);
    return done.row;
  });
  const memo = text(input, "JournalRemark") || "Inventory Posting";
  postDocumentEntry(
    context,
    {
      transType: "ttInventoryPosting",
      entry,
      number: docNum,
      date: posting,
      due: posting,
      tax: posting,
      memo,
      reference: "",
      reference2: text(input, "Reference2"),
      project: "",
      isSale: false,
    },
    effects,
  );
  const row: Row = {
    ...input,
    DocumentEntry: entry,
    DocumentNumber: docNum,
    Series: number(input, "Series") ?? 0,
    PostingDate: posting,
    CountDate: input["CountDate"] ?? posting,
    CountTime: input["CountTime"] ?? world.timeOfDay(),
    JournalRemark: memo,
    FinancialPeriod: number(period, "AbsoluteEntry") ?? null,
    PeriodIndicator: text(period, "PeriodIndicator"),
    InventoryPostingLines: lines,
  };
  world.store.put(POSTINGS, String(entry), fillRow(world.schema.type("InventoryPosting"), row, world.schema), origin);
  return String(entry);
}

/** A line from a counting takes what it does not say from there; the counting line then points to it, and closes. */
function fromCounting(context: Context, line: Row, entry: number, index: number): Row {
  if (!given(line, "BaseEntry")) return { ...line, BaseType: -1 };
  const { world, origin } = context;
  const type = number(line, "BaseType") ?? COUNTING_CODE;
  const key = text(line, "BaseEntry");
  const counting = type === COUNTING_CODE ? world.row(COUNTINGS, key) : undefined;
  const lines = list(counting, "InventoryCountingLines");
  const base = lines.find((one) => one["LineNumber"] === (number(line, "BaseLine") ?? 1));
  if (counting === undefined || base === undefined) throw noReference("IQR1.BaseEntry");
  if (base["LineStatus"] === "clsClosed") {
    throw new ServiceError(-5002, `Counting row was closed or posted already${place("IQR1.BaseLine", index + 1)}`);
  }
  const target = {
    TargetEntry: entry,
    TargetLine: index + 1,
    TargetType: Number(POSTING_CODE),
    LineStatus: "clsClosed",
  };
  const marked = lines.map((one) => (one === base ? { ...one, ...target } : one));
  const closed = marked.every((one) => one["LineStatus"] === "clsClosed");
  world.store.put(
    COUNTINGS,
    key,
    { ...counting, InventoryCountingLines: marked, DocumentStatus: closed ? "cdsClosed" : "cdsOpen" },
    origin,
  );
  const taken = Object.fromEntries(
    ["ItemCode", "WarehouseCode", "BinEntry", "CountedQuantity", "UoMCode", "ProjectCode", "CostingCode"].map(
      (name) => [name, base[name]],
    ),
  );
  const own = Object.fromEntries(Object.entries(line).filter(([, value]) => value !== null && value !== ""));
  const batches = list(line, "InventoryPostingBatchNumbers");
  return {
    ...taken,
    ...own,
    BaseType: COUNTING_CODE,
    BaseReference: number(counting, "DocumentNumber") ?? null,
    InventoryPostingBatchNumbers: batches.length > 0 ? batches : list(base, "InventoryCountingBatchNumbers"),
  };
}

function postLine(
  context: Context,
  head: Row,
  line: Row,
  index: number,
  about: { entry: number; date: string },
): { row: Row; effects: Posting[] } {
  const { world } = context;
  const code = text(line, "ItemCode");
  const item = checkItem(world, code, "IQR1", index + 1);
  const warehouse = text(line, "WarehouseCode") || text(item, "DefaultWarehouse");
  if (world.row("Warehouses", warehouse) === undefined) throw noReference("IQR1.WhsCode");
  checkReference(world, "Projects", line, "ProjectCode", "IQR1.Project");
  checkReference(world, "ProfitCenters", line, "CostingCode", "IQR1.OcrCode");
  const before = stockOf(world, code, warehouse);
  // Both are writable: CountedQuantity wins (the simulator's choice).
  const counted = countedOf(line) ?? before.quantity + amount(line, "Variance");
  const variance = counted - before.quantity;
  const price = priceOf(head, line, item, before.price);
  const magnitude = variance < 0n ? -variance : variance;
  const gain = roundDecimal(scaleDecimal(magnitude, price, ONE) ?? 0n, world.settings.totalsAccuracy);
  const value =
    variance === 0n
      ? 0n
      : moveStock(context, {
          item: code,
          warehouse,
          quantity: variance,
          value: gain,
          batches: movedBatches(world, code, warehouse, line, variance),
          serials: list(line, "InventoryPostingSerialNumbers"),
          date: about.date,
          document: { type: POSTING_CODE, entry: about.entry, line: index, table: "IQR1" },
          line: index + 1,
          ignoresFreeze: true,
        });
  const signed = variance < 0n ? -value : value;
  const row = {
    ...line,
    DocumentEntry: about.entry,
    LineNumber: index + 1,
    ItemDescription: text(item, "ItemName"),
    WarehouseCode: warehouse,
    InWarehouseQuantity: decimal(before.quantity),
    CountedQuantity: decimal(counted),
    UoMCode: text(line, "UoMCode") || text(item, "InventoryUOM"),
    Variance: decimal(variance),
    VariancePercentage: decimal(before.quantity === 0n ? 0n : (scaleDecimal(variance, HUNDRED, before.quantity) ?? 0n)),
    Price: decimal(price),
    Currency: world.localCurrency,
    ActualPrice: decimal(magnitude === 0n ? price : (scaleDecimal(value, ONE, magnitude) ?? 0n)),
    Total: decimal(signed),
    PostedValueLC: decimal(signed),
    PostedValueSC: decimal(signed),
    InventoryOffsetIncreaseAccount:
      text(line, "InventoryOffsetIncreaseAccount") ||
      accountFor(world, code, warehouse, "IncreasingAccount", "IncreasingAcc"),
    InventoryOffsetDecreaseAccount:
      text(line, "InventoryOffsetDecreaseAccount") ||
      accountFor(world, code, warehouse, "DecreasingAccount", "DecreasingAccount"),
  };
  const offset = variance > 0n ? row.InventoryOffsetIncreaseAccount : row.InventoryOffsetDecreaseAccount;
  const effects = [
    { account: stockAccount(world, code, warehouse), amount: signed, line: row },
    { account: offset, amount: -signed, line: row },
  ];
  return { row, effects };
}

function priceOf(head: Row, line: Row, item: Row, cost: bigint): bigint {
  if (given(line, "Price") && amount(line, "Price") !== 0n) return amount(line, "Price");
  if (text(head, "PriceSource") !== "ippsByPriceList") return cost;
  const listNumber = number(head, "PriceList") ?? 1;
  const price = list(item, "ItemPrices").find((one) => one["PriceList"] === listNumber);
  return amount(price, "Price");
}

/** Batch quantities of a posting are counted totals (the simulator's choice): what moves is their difference to the book. */
function movedBatches(world: World, item: string, warehouse: string, line: Row, variance: bigint): Row[] {
  const sign = variance < 0n ? -1n : 1n;
  return list(line, "InventoryPostingBatchNumbers").flatMap((batch) => {
    const name = text(batch, "BatchNumber");
    const held = amount(world.row("OBTQ", `${item}|${warehouse}|${name}`), "Quantity");
    const moved = sign * (amount(batch, "Quantity") - held);
    return moved === 0n ? [] : [{ ...batch, Quantity: decimal(moved) }];
  });
}
