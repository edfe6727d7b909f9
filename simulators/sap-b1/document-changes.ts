/** What happens to a document that stands: cancellation, closing, reopening, changed orders. */

import { ONE, roundDecimal, scaleDecimal } from "../shared/decimal.ts";
import { type DocumentKind } from "./document-kinds.ts";
import { postDocumentEntry } from "./document-journal.ts";
import { kindOf } from "./documents.ts";
import { notFound, notSupported, ServiceError } from "./errors.ts";
import { amount, decimal, given, list, number, type Row, text, yes } from "./model.ts";
import { checkDates, DOCUMENT_DATES } from "./periods.ts";
import { checkItem, movedValue, moveStock } from "./stock.ts";
import { fillRow } from "./values.ts";
import type { Context, World } from "./world.ts";

/** Cancel: a cancellation document with the opposite effect; the original is marked, and closed. */
export function cancelDocument(context: Context, set: string, key: string): string {
  const kind = kindOf(set);
  const { world, origin } = context;
  const original = world.row(set, key);
  if (original === undefined) throw notFound();
  if (original["CancelStatus"] !== "csNo") throw new ServiceError(-5002, "Document has already been canceled");
  const date = text(original, "DocDate");
  checkDates(world, {
    posting: date,
    due: text(original, "DocDueDate"),
    tax: text(original, "TaxDate"),
    table: kind.header,
    columns: DOCUMENT_DATES,
    isSale: kind.isSale,
  });
  const entry = world.next(`${set}.DocEntry`, 1);
  const docNum = world.next(`${set}.DocNum`, 1);
  const lines = list(original, "DocumentLines").map((line, index) => {
    moveBack(context, kind, line, index, { from: Number(key), entry, date });
    return { ...line, LineStatus: "bost_Close", RemainingOpenQuantity: "0" };
  });
  const journal = reverseEntryOf(context, original, kind.transType, entry, docNum);
  const shared = { Cancelled: "tYES", DocumentStatus: "bost_Close", DocumentLines: lines, CancelDate: world.today() };
  world.store.put(set, key, { ...original, ...shared, CancelStatus: "csYes" }, origin);
  const own = { DocEntry: entry, DocNum: docNum, TransNum: journal, CreationDate: world.today() };
  world.store.put(set, String(entry), { ...original, ...shared, ...own, CancelStatus: "csCancellation" }, origin);
  return String(entry);
}

function moveBack(
  context: Context,
  kind: DocumentKind,
  line: Row,
  index: number,
  { from, entry, date }: { from: number; entry: number; date: string },
): void {
  const fromStockDocument = [15, 20].includes(number(line, "BaseType") ?? -1);
  if (kind.stock === "none" || fromStockDocument || yes(line, "WithoutInventoryMovement")) return;
  const quantity = amount(line, "Quantity");
  const original = number(line, "LineNum") ?? index;
  const value = movedValue(context.world, kind.objectCode, from, original);
  moveStock(context, {
    item: text(line, "ItemCode"),
    warehouse: text(line, "WarehouseCode"),
    quantity: kind.stock === "in" ? -quantity : quantity,
    atValue: value,
    batches: list(line, "BatchNumbers"),
    serials: list(line, "SerialNumbers"),
    date,
    document: { type: kind.objectCode, entry, line: index, table: kind.line },
    line: index + 1,
  });
}

/** @returns the opposite of a document's journal entry; null when it has none */
export function reverseEntryOf(
  context: Context,
  original: Row,
  transType: string,
  entry: number,
  docNum: number,
): number | null {
  const journal = context.world.row("JournalEntries", text(original, "TransNum"));
  if (journal === undefined) return null;
  const postings = list(journal, "JournalEntryLines").map((line) => {
    const [account, short] = [text(line, "AccountCode"), text(line, "ShortName")];
    const value = amount(line, "Credit") - amount(line, "Debit");
    return { account, amount: value, partner: short === account ? undefined : short, line };
  });
  return postDocumentEntry(
    context,
    {
      transType,
      entry,
      number: docNum,
      date: text(journal, "ReferenceDate"),
      due: text(journal, "DueDate"),
      tax: text(journal, "TaxDate"),
      memo: `${text(journal, "Memo")} - Cancellation`,
      reference: String(docNum),
      reference2: text(journal, "Reference2"),
      project: text(journal, "ProjectCode"),
      isSale: false,
    },
    postings,
  );
}

/** An order has posted nothing: its changed lines are numbered, and its totals are counted again. */
export function recounted({ world }: Context, row: Row): Row {
  const type = world.schema.type("DocumentLine");
  let next = list(row, "DocumentLines").reduce((highest, line) => Math.max(highest, number(line, "LineNum") ?? -1), -1);
  const lines = list(row, "DocumentLines").map((line, index) => {
    const item = checkItem(world, text(line, "ItemCode"), "RDR1", index + 1);
    const isNew = !given(line, "LineNum");
    if (isNew) next += 1;
    const quantity = amount(line, "Quantity") === 0n ? ONE : amount(line, "Quantity");
    const full = scaleDecimal(amount(line, "UnitPrice"), quantity, ONE) ?? 0n;
    const open = line["LineStatus"] === "bost_Close" ? amount(line, "RemainingOpenQuantity") : quantity;
    const counted = {
      ...line,
      LineNum: isNew ? next : (number(line, "LineNum") ?? 0),
      VisualOrder: index,
      ItemDescription: text(line, "ItemDescription") || text(item, "ItemName"),
      WarehouseCode: text(line, "WarehouseCode") || text(item, "DefaultWarehouse"),
      Quantity: decimal(quantity),
      RemainingOpenQuantity: decimal(open),
      LineTotal: decimal(roundDecimal(full, world.settings.totalsAccuracy)),
    };
    return fillRow(type, counted, world.schema);
  });
  const net = lines.reduce((total, line) => total + amount(line, "LineTotal") + amount(line, "TaxTotal"), 0n);
  const closed = lines.length > 0 && lines.every((line) => line["LineStatus"] === "bost_Close");
  const status = closed ? "bost_Close" : text(row, "DocumentStatus");
  return { ...row, DocumentLines: lines, DocTotal: decimal(net), DocumentStatus: status };
}

export function closeDocument({ world, origin }: Context, set: string, key: string): void {
  const row = openRow(world, set, key);
  const lines = list(row, "DocumentLines").map((line) => ({ ...line, LineStatus: "bost_Close" }));
  world.store.put(set, key, { ...row, DocumentStatus: "bost_Close", DocumentLines: lines }, origin);
}

export function reopenDocument({ world, origin }: Context, set: string, key: string): void {
  const row = world.row(set, key);
  if (row === undefined) throw notFound();
  if (row["DocumentStatus"] !== "bost_Close" || row["CancelStatus"] !== "csNo" || kindOf(set).closed)
    throw notSupported();
  const lines = list(row, "DocumentLines").map((line) => ({
    ...line,
    LineStatus: amount(line, "RemainingOpenQuantity") > 0n ? "bost_Open" : "bost_Close",
  }));
  world.store.put(set, key, { ...row, DocumentStatus: "bost_Open", DocumentLines: lines }, origin);
}

function openRow(world: World, set: string, key: string): Row {
  const row = world.row(set, key);
  if (row === undefined) throw notFound();
  if (row["DocumentStatus"] === "bost_Close") throw new ServiceError(-5002, "Document is already closed");
  return row;
}
