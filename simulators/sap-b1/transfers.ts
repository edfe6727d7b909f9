/** Stock transfers: out of one warehouse and into another at the same value; an entry only where the accounts differ. */

import { ONE, roundDecimal, scaleDecimal } from "../shared/decimal.ts";
import { type Posting, postDocumentEntry } from "./document-journal.ts";
import { checkBins, datesOf, reverseEntryOf } from "./documents.ts";
import { noReference, notFound, place, ServiceError } from "./errors.ts";
import { checkReference } from "./ledger.ts";
import { amount, decimal, list, number, type Row, text } from "./model.ts";
import { checkDates, DOCUMENT_DATES } from "./periods.ts";
import { checkItem, moveStock, stockAccount } from "./stock.ts";
import { fillRow } from "./values.ts";
import type { Context } from "./world.ts";

const SET = "StockTransfers";
const TABLE = "WTR1";
const OBJECT_CODE = "67";
const TRANS_TYPE = "ttTransferBetweenWarehouses";

export function createTransfer(context: Context, input: Row): string {
  const { world, origin } = context;
  const dates = datesOf(world, input);
  const period = checkDates(world, { ...dates, table: "OWTR", columns: DOCUMENT_DATES, isSale: false });
  const lines = list(input, "StockTransferLines");
  if (lines.length === 0) throw new ServiceError(-5002, "No matching records found; document has no rows");
  const entry = world.next(`${SET}.DocEntry`, 1);
  const docNum = world.next(`${SET}.DocNum`, 1);
  const postings: Posting[] = [];
  const done = lines.map((line, index) => {
    const item = checkItem(world, text(line, "ItemCode"), TABLE, index + 1);
    const from = text(line, "FromWarehouseCode") || text(input, "FromWarehouse");
    const into = text(line, "WarehouseCode") || text(input, "ToWarehouse");
    if (world.row("Warehouses", from) === undefined) throw noReference(`${TABLE}.FromWhsCod`);
    if (world.row("Warehouses", into) === undefined) throw noReference(`${TABLE}.WhsCode`);
    if (from === into) {
      throw new ServiceError(-5002, `Source and target warehouse are the same${place(`${TABLE}.WhsCode`, index + 1)}`);
    }
    checkReference(world, "Projects", line, "ProjectCode", `${TABLE}.Project`);
    checkReference(world, "ProfitCenters", line, "DistributionRule", `${TABLE}.OcrCode`);
    const quantity = amount(line, "Quantity");
    if (quantity <= 0n) {
      throw new ServiceError(-5002, `Quantity must be greater than zero${place(`${TABLE}.Quantity`, index + 1)}`);
    }
    const row = {
      ...line,
      LineNum: index,
      DocEntry: entry,
      ItemDescription: text(item, "ItemName"),
      FromWarehouseCode: from,
      WarehouseCode: into,
      InventoryQuantity: decimal(quantity),
      UoMCode: text(item, "InventoryUOM"),
      StockTransferLinesBinAllocations: checkBins(
        world,
        line,
        "StockTransferLinesBinAllocations",
        into,
        quantity,
        { line: TABLE },
        index,
      ),
    };
    const value = transfer(context, row, index, entry, dates.posting);
    const [source, target] = [
      stockAccount(world, text(row, "ItemCode"), from),
      stockAccount(world, text(row, "ItemCode"), into),
    ];
    const dimensions = { ...row, CostingCode: text(line, "DistributionRule") };
    if (source !== target) {
      postings.push(
        { account: target, amount: value, line: dimensions },
        { account: source, amount: -value, line: dimensions },
      );
    }
    const price = decimal(scaleDecimal(value, ONE, quantity) ?? 0n);
    return { ...row, Price: price, UnitPrice: price };
  });
  const memo = text(input, "JournalMemo") || "Inventory Transfers";
  const journal = postDocumentEntry(
    context,
    {
      transType: TRANS_TYPE,
      entry,
      number: docNum,
      date: dates.posting,
      due: dates.due,
      tax: dates.tax,
      memo,
      reference: "",
      reference2: text(input, "Reference2"),
      project: "",
      isSale: false,
    },
    postings,
  );
  const row: Row = {
    ...input,
    DocEntry: entry,
    DocNum: docNum,
    Series: number(input, "Series") ?? Number(OBJECT_CODE),
    DocDate: dates.posting,
    DueDate: dates.due,
    TaxDate: dates.tax,
    JournalMemo: memo,
    CreationDate: world.today(),
    UpdateDate: world.today(),
    FinancialPeriod: number(period, "AbsoluteEntry") ?? null,
    TransNum: journal,
    StockTransferLines: done,
  };
  world.store.put(SET, String(entry), fillRow(world.schema.type("StockTransfer"), row, world.schema), origin);
  return String(entry);
}

function transfer(context: Context, line: Row, index: number, entry: number, date: string, atValue?: bigint): bigint {
  const shared = {
    item: text(line, "ItemCode"),
    batches: list(line, "BatchNumbers"),
    serials: list(line, "SerialNumbers"),
    date,
    document: { type: OBJECT_CODE, entry, line: index, table: TABLE },
    line: index + 1,
  };
  const quantity = amount(line, "Quantity");
  const from = text(line, "FromWarehouseCode");
  const value = moveStock(context, { ...shared, warehouse: from, quantity: -quantity, atValue });
  return moveStock(context, { ...shared, warehouse: text(line, "WarehouseCode"), quantity, value });
}

/** The same quantities and values go back. */
export function cancelTransfer(context: Context, key: string): void {
  const { world, origin } = context;
  const row = world.row(SET, key);
  if (row === undefined) throw notFound();
  if (row["DocumentStatus"] === "bost_Close")
    throw new ServiceError(-5002, "Document has already been canceled or closed");
  const dates = { posting: text(row, "DocDate"), due: text(row, "DueDate"), tax: text(row, "TaxDate") };
  checkDates(world, { ...dates, table: "OWTR", columns: DOCUMENT_DATES, isSale: false });
  list(row, "StockTransferLines").forEach((line, index) => {
    const back = { ...line, FromWarehouseCode: line["WarehouseCode"], WarehouseCode: line["FromWarehouseCode"] };
    const exact = scaleDecimal(amount(line, "Quantity"), amount(line, "Price"), ONE) ?? 0n;
    const value = roundDecimal(exact, world.settings.totalsAccuracy);
    transfer(context, back, index, Number(key), dates.posting, value);
  });
  reverseEntryOf(context, row, TRANS_TYPE, Number(key), number(row, "DocNum") ?? 0);
  world.store.put(SET, key, { ...row, DocumentStatus: "bost_Close", Canceled: "Y" }, origin);
}

export function closeTransfer({ world, origin }: Context, key: string): void {
  const row = world.row(SET, key);
  if (row === undefined) throw notFound();
  world.store.put(SET, key, { ...row, DocumentStatus: "bost_Close" }, origin);
}
