/** Inventory revaluation: a new price for what is on hand, or an amount to add or take off. No stock moves. */

import { ONE, roundDecimal, scaleDecimal } from "../shared/decimal.ts";
import { type Posting, postDocumentEntry } from "./document-journal.ts";
import { noReference, notFound, place, ServiceError } from "./errors.ts";
import { amount, decimal, given, list, number, type Row, text } from "./model.ts";
import { checkDates, DOCUMENT_DATES } from "./periods.ts";
import { accountFor, checkItem, revalueStock, stockAccount, stockOf } from "./stock.ts";
import { fillRow } from "./values.ts";
import type { Context } from "./world.ts";
import { reverseEntryOf } from "./documents.ts";

const SET = "MaterialRevaluation";
const TRANS_TYPE = "ttInventoryValuation";

export function createRevaluation(context: Context, input: Row): string {
  const { world, origin } = context;
  const date = text(input, "DocDate") || world.today();
  const tax = text(input, "TaxDate") || date;
  checkDates(world, { posting: date, due: date, tax, table: "OMRV", columns: DOCUMENT_DATES, isSale: false });
  const lines = list(input, "MaterialRevaluationLines");
  if (lines.length === 0) throw new ServiceError(-5002, "No matching records found; document has no rows");
  const entry = world.next(`${SET}.DocEntry`, 1);
  const docNum = world.next(`${SET}.DocNum`, 1);
  const effects: Posting[] = [];
  const byAmount = text(input, "RevalType") === "M";
  const done = lines.map((line, index) => {
    const code = text(line, "ItemCode");
    const item = checkItem(world, code, "MRV1", index + 1);
    const warehouse = text(line, "WarehouseCode") || text(item, "DefaultWarehouse");
    if (world.row("Warehouses", warehouse) === undefined) throw noReference("MRV1.WhsCode");
    const stock = stockOf(world, code, warehouse);
    if (stock.quantity <= 0n) {
      throw new ServiceError(-10, `No stock to revalue${place("MRV1.ItemCode", index + 1)}`);
    }
    const worth = scaleDecimal(amount(line, "Price"), stock.quantity, ONE) ?? 0n;
    const exact = byAmount ? amount(line, "DebitCredit") : worth - stock.value;
    const change = roundDecimal(exact, world.settings.totalsAccuracy);
    if (stock.value + change < 0n) {
      throw new ServiceError(-10, `Stock value would become negative${place("MRV1.LineTotal", index + 1)}`);
    }
    revalueStock(context, code, warehouse, change);
    const increase =
      text(line, "RevaluationIncrementAccount") ||
      text(input, "RevaluationIncomeAccount") ||
      accountFor(world, code, warehouse, "IncreasingAccount", "IncreaseGLAccount");
    const decrease =
      text(line, "RevaluationDecrementAccount") ||
      text(input, "RevaluationExpenseAccount") ||
      accountFor(world, code, warehouse, "DecreasingAccount", "DecreaseGLAccount");
    const row = {
      ...line,
      LineNum: index,
      DocEntry: entry,
      ItemDescription: text(item, "ItemName"),
      WarehouseCode: warehouse,
      Quantity: decimal(stock.quantity),
      OnHand: decimal(stock.quantity),
      ActualPrice: decimal(stock.price),
      Price: given(line, "Price") ? text(line, "Price") : decimal(stockOf(world, code, warehouse).price),
      DebitCredit: decimal(change),
      RevalAmountToStock: decimal(change),
      RevaluationIncrementAccount: increase,
      RevaluationDecrementAccount: decrease,
    };
    const dimensions = { CostingCode: text(line, "DistributionRule"), ProjectCode: text(line, "Project") };
    effects.push(
      { account: stockAccount(world, code, warehouse), amount: change, line: dimensions },
      { account: change > 0n ? increase : decrease, amount: -change, line: dimensions },
    );
    return row;
  });
  const memo = text(input, "JournalMemo") || "Inventory Revaluation";
  const journal = postDocumentEntry(
    context,
    {
      transType: TRANS_TYPE,
      entry,
      number: docNum,
      date,
      due: date,
      tax,
      memo,
      reference: text(input, "Reference1"),
      reference2: text(input, "Reference2"),
      project: "",
      isSale: false,
    },
    effects,
  );
  const row: Row = {
    ...input,
    DocEntry: entry,
    DocNum: docNum,
    DocDate: date,
    TaxDate: tax,
    Series: number(input, "Series") ?? 0,
    JournalMemo: memo,
    TransNum: journal,
    MaterialRevaluationLines: done,
  };
  world.store.put(SET, String(entry), fillRow(world.schema.type("MaterialRevaluation"), row, world.schema), origin);
  return String(entry);
}

/** The amounts are taken off again; what left stock meanwhile may make that impossible. */
export function cancelRevaluation(context: Context, key: string): void {
  const { world, origin } = context;
  const row = world.row(SET, key);
  if (row === undefined) throw notFound();
  if (row["DataSource"] === "C") throw new ServiceError(-5002, "Document has already been canceled");
  for (const line of list(row, "MaterialRevaluationLines")) {
    revalueStock(context, text(line, "ItemCode"), text(line, "WarehouseCode"), -amount(line, "RevalAmountToStock"));
  }
  reverseEntryOf(context, row, TRANS_TYPE, Number(key), number(row, "DocNum") ?? 0);
  world.store.put(SET, key, { ...row, DataSource: "C" }, origin);
}
