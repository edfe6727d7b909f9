/** Marketing and inventory documents: checks, prices, stock, journal entry, cancellation, closing. */

import { ONE, roundDecimal, scaleDecimal } from "../shared/decimal.ts";
import { DOCUMENT_KINDS, type DocumentKind } from "./document-kinds.ts";
import { enumMember } from "./enums.ts";
import { type Posting, postDocumentEntry, taxOf } from "./document-journal.ts";
import { notFound, notSupported, noReference, place, ServiceError } from "./errors.ts";
import { checkReference, PARTNERS } from "./ledger.ts";
import { amount, decimal, given, list, number, type Row, text, yes } from "./model.ts";
import { checkDates, DOCUMENT_DATES } from "./periods.ts";
import { accountFor, checkItem, moveStock, stockAccount, stockOf } from "./stock.ts";
import { fillRow } from "./values.ts";
import type { Context, World } from "./world.ts";

const QUANTITY_ONE = ONE;

export function kindOf(set: string): DocumentKind {
  const kind = DOCUMENT_KINDS.get(set);
  if (kind === undefined) throw notSupported();
  return kind;
}

/** @returns DocEntry */
export function createDocument(context: Context, set: string, input: Row): string {
  const kind = kindOf(set);
  const { world, origin } = context;
  const dates = datesOf(world, input);
  const period = checkDates(world, { ...dates, table: kind.header, columns: DOCUMENT_DATES, isSale: kind.isSale });
  const partner = partnerOf(world, kind, input);
  checkReference(world, "Projects", input, "Project", `${kind.header}.Project`);
  const lines = list(input, "DocumentLines");
  if (lines.length === 0) throw new ServiceError(-5002, "No matching records found; document has no rows");
  const entry = world.next(`${set}.DocEntry`, 1);
  const docNum = yes(input, "HandWritten") ? (number(input, "DocNum") ?? entry) : world.next(`${set}.DocNum`, 1);
  const postings: Posting[] = [];
  const done = lines.map((line, index) => {
    const one = new DocumentLine(context, kind, line, index, { entry, date: dates.posting, partner });
    const { row, effects } = one.post();
    postings.push(...effects);
    return row;
  });
  const sum = (name: string): bigint => done.reduce((total, line) => total + amount(line, name), 0n);
  const [net, tax] = [sum("LineTotal"), sum("TaxTotal")];
  const gross = net + tax;
  if (kind.set === "PurchaseInvoices" || kind.set === "Invoices") {
    const sign = kind.isSale ? 1n : -1n;
    const account = text(partner, "DebitorAccount");
    postings.push({ account, amount: sign * gross, partner: text(partner, "CardCode") });
  }
  const memo = text(input, "JournalMemo") || memoFor(kind, partner);
  const journal = postDocumentEntry(
    context,
    {
      transType: kind.transType,
      entry,
      number: docNum,
      date: dates.posting,
      due: dates.due,
      tax: dates.tax,
      memo,
      reference: "",
      reference2: text(input, "Reference2"),
      project: text(input, "Project"),
      isSale: kind.isSale,
    },
    kind.transType === "" ? [] : postings,
  );
  const row: Row = {
    ...input,
    DocEntry: entry,
    DocNum: docNum,
    Series: number(input, "Series") ?? Number(kind.objectCode),
    DocDate: dates.posting,
    DocDueDate: dates.due,
    TaxDate: dates.tax,
    VatDate: input["VatDate"] ?? dates.tax,
    CardName: text(input, "CardName") || text(partner, "CardName") || null,
    DocCurrency: text(input, "DocCurrency") || world.localCurrency,
    DocRate: given(input, "DocRate") ? text(input, "DocRate") : "1",
    JournalMemo: memo,
    DocTotal: decimal(gross),
    DocTotalSys: decimal(gross),
    VatSum: decimal(tax),
    CreationDate: world.today(),
    UpdateDate: world.today(),
    UpdateTime: world.timeOfDay(),
    FinancialPeriod: number(period, "AbsoluteEntry") ?? null,
    PeriodIndicator: text(period, "PeriodIndicator"),
    UserSign: 2,
    TransNum: journal,
    DocumentStatus: kind.closed ? "bost_Close" : "bost_Open",
    DocObjectCode: enumMember("BoObjectTypes", kind.objectCode) ?? null,
    DocumentLines: done,
  };
  world.store.put(set, String(entry), fillRow(world.schema.type("Document"), row, world.schema), origin);
  return String(entry);
}

function memoFor(kind: DocumentKind, partner: Row | undefined): string {
  const name = kind.set.replaceAll(/([a-z])([A-Z])/g, "$1 $2");
  return partner === undefined ? name : `${name} - ${text(partner, "CardCode")}`;
}

export function datesOf(world: World, input: Row): { posting: string; due: string; tax: string } {
  const posting = text(input, "DocDate") || world.today();
  const due = text(input, "DocDueDate") || text(input, "DueDate") || posting;
  return { posting, due, tax: text(input, "TaxDate") || posting };
}

function partnerOf(world: World, kind: DocumentKind, input: Row): Row | undefined {
  if (kind.partner === undefined) return undefined;
  const code = text(input, "CardCode");
  const partner = world.row(PARTNERS, code);
  if (partner === undefined || partner["CardType"] !== kind.partner) {
    throw new ServiceError(-5002, `Invalid BP code [${kind.header}.CardCode] , '${code}'`);
  }
  if (yes(partner, "Frozen")) throw new ServiceError(-10, `10001071 - Customer ${code} is inactive`);
  return partner;
}

type Surroundings = { entry: number; date: string; partner: Row | undefined };

/** One row of a document on its way into stock and books. */
class DocumentLine {
  readonly #context: Context;
  readonly #kind: DocumentKind;
  readonly #line: Row;
  readonly #index: number;
  readonly #about: Surroundings;

  constructor(context: Context, kind: DocumentKind, line: Row, index: number, about: Surroundings) {
    this.#context = context;
    this.#kind = kind;
    this.#index = index;
    this.#about = about;
    this.#line = fromBase(context, kind, line, about.partner);
  }

  post(): { row: Row; effects: Posting[] } {
    const { world } = this.#context;
    const item = checkItem(world, text(this.#line, "ItemCode"), this.#kind.line, this.#index + 1);
    const warehouse = text(this.#line, "WarehouseCode") || text(item, "DefaultWarehouse");
    if (world.row("Warehouses", warehouse) === undefined) throw noReference(`${this.#kind.line}.WhsCode`);
    const quantity = given(this.#line, "Quantity") ? amount(this.#line, "Quantity") : QUANTITY_ONE;
    if (quantity <= 0n) {
      throw new ServiceError(
        -5002,
        `Quantity must be greater than zero${place(`${this.#kind.line}.Quantity`, this.#index + 1)}`,
      );
    }
    checkReference(world, "Projects", this.#line, "ProjectCode", `${this.#kind.line}.Project`);
    for (const name of ["CostingCode", "CostingCode2", "CostingCode3", "CostingCode4", "CostingCode5"]) {
      checkReference(world, "ProfitCenters", this.#line, name, `${this.#kind.line}.OcrCode`);
    }
    const net = this.#netOf(text(item, "ItemCode"), warehouse, quantity);
    const group = text(this.#line, "VatGroup");
    const taxed = this.#kind.partner !== undefined && group !== "";
    if (taxed) checkTaxGroup(world, group);
    const { tax, account } = taxed ? taxOf(this.#context, group, net) : { tax: 0n, account: "" };
    const moved = this.#move(text(item, "ItemCode"), warehouse, quantity, net);
    const roundedTax = roundDecimal(tax, world.settings.totalsAccuracy);
    const issueTotal = this.#kind.set === "InventoryGenExits" ? moved.value : net;
    const row = {
      ...this.#line,
      LineNum: this.#index,
      VisualOrder: this.#index,
      ItemDescription: text(this.#line, "ItemDescription") || text(item, "ItemName"),
      Quantity: decimal(quantity),
      InventoryQuantity: decimal(quantity),
      WarehouseCode: warehouse,
      LineTotal: decimal(issueTotal),
      Price: decimal(scaleDecimal(issueTotal, ONE, quantity) ?? 0n),
      TaxTotal: decimal(roundedTax),
      StockInmPrice: decimal(scaleDecimal(moved.value, ONE, quantity) ?? 0n),
      RemainingOpenQuantity: decimal(this.#kind.closed ? 0n : quantity),
      LineStatus: this.#kind.closed ? "bost_Close" : "bost_Open",
      UoMCode: text(item, "InventoryUOM"),
      DocumentLinesBinAllocations: checkBins(
        world,
        this.#line,
        "DocumentLinesBinAllocations",
        warehouse,
        quantity,
        this.#kind,
        this.#index,
      ),
    };
    const offset = text(this.#line, "AccountCode") || this.#offsetAccount(text(item, "ItemCode"), warehouse);
    const priced = {
      ...row,
      AccountCode: offset,
      UnitPrice: given(this.#line, "UnitPrice") ? text(this.#line, "UnitPrice") : row.Price,
    };
    const effects = this.#effects(priced, moved, { net, tax: roundedTax, taxAccount: account, offset });
    return { row: priced, effects };
  }

  /** Goods come in at the price given; without one at the current cost. Discounts count. */
  #netOf(item: string, warehouse: string, quantity: bigint): bigint {
    const { world } = this.#context;
    const { totalsAccuracy } = world.settings;
    const priceName = ["UnitPrice", "Price"].find((name) => given(this.#line, name));
    if (priceName === undefined) {
      if (given(this.#line, "LineTotal")) return roundDecimal(amount(this.#line, "LineTotal"), totalsAccuracy);
      const price = this.#kind.partner === undefined ? stockOf(world, item, warehouse).price : 0n;
      return roundDecimal(scaleDecimal(price, quantity, ONE) ?? 0n, totalsAccuracy);
    }
    const full = scaleDecimal(amount(this.#line, priceName), quantity, ONE) ?? 0n;
    const discount = priceName === "UnitPrice" ? amount(this.#line, "DiscountPercent") : 0n;
    if (discount >= 100n * ONE) throw new ServiceError(-5002, "10001058 Enter a discount percentage of less than 100");
    return roundDecimal(scaleDecimal(full, 100n * ONE - discount, 100n * ONE) ?? 0n, totalsAccuracy);
  }

  #move(item: string, warehouse: string, quantity: bigint, net: bigint): { value: bigint; did: boolean } {
    const fromStockDocument = [15, 20].includes(number(this.#line, "BaseType") ?? -1);
    if (this.#kind.stock === "none" || fromStockDocument || yes(this.#line, "WithoutInventoryMovement")) {
      return { value: 0n, did: false };
    }
    const value = moveStock(this.#context, {
      item,
      warehouse,
      quantity: this.#kind.stock === "in" ? quantity : -quantity,
      value: net,
      batches: list(this.#line, "BatchNumbers"),
      serials: list(this.#line, "SerialNumbers"),
      date: this.#about.date,
      document: {
        type: this.#kind.objectCode,
        entry: this.#about.entry,
        line: this.#index,
        table: this.#kind.line,
      },
      line: this.#index + 1,
    });
    return { value, did: true };
  }

  #offsetAccount(item: string, warehouse: string): string {
    const account = (own: string, general: string): string =>
      accountFor(this.#context.world, item, warehouse, own, general);
    switch (this.#kind.set) {
      case "InventoryGenEntries":
        return account("IncreasingAccount", "IncreasingAcc");
      case "InventoryGenExits":
        return account("DecreasingAccount", "DecreasingAccount");
      case "PurchaseDeliveryNotes":
      case "PurchaseInvoices":
      case "PurchaseOrders":
        return account("TransferAccount", "TransfersAcc");
      case "DeliveryNotes":
        return account("CostAccount", "CostOfGoodsSold");
      default:
        return account("RevenuesAccount", "RevenuesAccount");
    }
  }

  #effects(
    row: Row,
    moved: { value: bigint; did: boolean },
    totals: { net: bigint; tax: bigint; taxAccount: string; offset: string },
  ): Posting[] {
    const [item, warehouse] = [text(row, "ItemCode"), text(row, "WarehouseCode")];
    const stock = (value: bigint): Posting => ({
      account: stockAccount(this.#context.world, item, warehouse),
      amount: value,
      line: row,
    });
    const { net, tax, taxAccount, offset } = totals;
    const against = (value: bigint): Posting => ({ account: offset, amount: value, line: row });
    switch (this.#kind.set) {
      case "InventoryGenEntries":
      case "PurchaseDeliveryNotes":
        return [stock(moved.value), against(-moved.value)];
      case "InventoryGenExits":
      case "DeliveryNotes":
        return [against(moved.value), stock(-moved.value)];
      case "PurchaseInvoices": {
        const base = scaleDecimal(baseCost(this.#context.world, this.#line), amount(row, "Quantity"), ONE) ?? 0n;
        const allocated = roundDecimal(base, this.#context.world.settings.totalsAccuracy);
        const goods = moved.did
          ? [stock(moved.value)]
          : invoiceOfReceipt(this.#context.world, row, offset, allocated, net);
        return [...goods, { account: taxAccount, amount: tax, line: row }];
      }
      case "Invoices": {
        const cost = accountFor(this.#context.world, item, warehouse, "CostAccount", "CostOfGoodsSold");
        const goods = moved.did ? [{ account: cost, amount: moved.value, line: row }, stock(-moved.value)] : [];
        return [against(-net), { account: taxAccount, amount: -tax, line: row }, ...goods];
      }
      default:
        return [];
    }
  }
}

/** What was allocated at receipt is cleared; a price that differs goes to the account for price differences. */
function invoiceOfReceipt(world: World, row: Row, offset: string, allocated: bigint, net: bigint): Posting[] {
  const difference = text(world.row("Warehouses", text(row, "WarehouseCode")), "PriceDifferencesAccount");
  return [
    { account: offset, amount: allocated, line: row },
    { account: difference, amount: net - allocated, line: row },
  ];
}

function baseCost(world: World, line: Row): bigint {
  if (number(line, "BaseType") !== 20) return 0n;
  const base = world.row("PurchaseDeliveryNotes", text(line, "BaseEntry"));
  const row = list(base, "DocumentLines").find((one) => one["LineNum"] === line["BaseLine"]);
  return amount(row, "StockInmPrice");
}

function checkTaxGroup(world: World, group: string): void {
  if (world.row("VatGroups", group) === undefined) throw new ServiceError(-10, "10000180 - Specify valid tax code");
}

/** Bins of a warehouse that has them must be named, and hold the whole quantity (rule inferred; bins keep no stock here). */
export function checkBins(
  world: World,
  line: Row,
  property: string,
  warehouse: string,
  quantity: bigint,
  kind: { readonly line: string },
  index: number,
): readonly Row[] {
  const bins = list(line, property);
  if (!yes(world.row("Warehouses", warehouse), "EnableBinLocations")) return bins;
  const sum = bins.reduce((total, bin) => total + amount(bin, "Quantity"), 0n);
  if (sum !== quantity) {
    throw new ServiceError(
      -10,
      `Allocate the whole quantity to bin locations${place(`${kind.line}.WhsCode`, index + 1)}`,
    );
  }
  return bins;
}

/** A line with a base takes what it does not say from there, and closes what it takes. */
function fromBase(context: Context, kind: DocumentKind, line: Row, partner: Row | undefined): Row {
  const type = number(line, "BaseType") ?? -1;
  if (type === -1) return line;
  const { world, origin } = context;
  const set = kind.bases[type];
  const entry = text(line, "BaseEntry");
  const base = set === undefined ? undefined : world.row(set, entry);
  const baseLine = list(base, "DocumentLines").find((one) => one["LineNum"] === (number(line, "BaseLine") ?? 0));
  if (set === undefined || base === undefined || baseLine === undefined) throw noReference(`${kind.line}.BaseEntry`);
  if (base["CardCode"] !== partner?.["CardCode"]) {
    throw new ServiceError(-5002, "Base document card and target document card do not match.");
  }
  const open = amount(baseLine, "RemainingOpenQuantity");
  const quantity = given(line, "Quantity") ? amount(line, "Quantity") : open;
  if (baseLine["LineStatus"] === "bost_Close" || quantity > open) {
    throw new ServiceError(
      -5002,
      `Base document line is closed or its open quantity is exceeded [${kind.line}.BaseLine]`,
    );
  }
  const lines = list(base, "DocumentLines").map((one) => {
    if (one !== baseLine) return one;
    const rest = open - quantity;
    return { ...one, RemainingOpenQuantity: decimal(rest), LineStatus: rest === 0n ? "bost_Close" : "bost_Open" };
  });
  const closed = lines.every((one) => one["LineStatus"] === "bost_Close");
  const status = closed ? "bost_Close" : "bost_Open";
  world.store.put(set, entry, { ...base, DocumentLines: lines, DocumentStatus: status }, origin);
  const own = Object.fromEntries(Object.entries(line).filter(([, value]) => value !== null && value !== ""));
  const inherited = [
    "ItemCode",
    "WarehouseCode",
    "UnitPrice",
    "VatGroup",
    "ProjectCode",
    "CostingCode",
    "ItemDescription",
  ];
  const taken = Object.fromEntries(inherited.map((name) => [name, baseLine[name]]));
  return { ...taken, BaseLine: 0, ...own, Quantity: decimal(quantity) };
}

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
    moveBack(context, kind, line, index, entry, date);
    return { ...line, LineStatus: "bost_Close", RemainingOpenQuantity: "0" };
  });
  const journal = reverseEntryOf(context, original, kind.transType, entry, docNum);
  const shared = { Cancelled: "tYES", DocumentStatus: "bost_Close", DocumentLines: lines, CancelDate: world.today() };
  world.store.put(set, key, { ...original, ...shared, CancelStatus: "csYes" }, origin);
  const own = { DocEntry: entry, DocNum: docNum, TransNum: journal, CreationDate: world.today() };
  world.store.put(set, String(entry), { ...original, ...shared, ...own, CancelStatus: "csCancellation" }, origin);
  return String(entry);
}

function moveBack(context: Context, kind: DocumentKind, line: Row, index: number, entry: number, date: string): void {
  const fromStockDocument = [15, 20].includes(number(line, "BaseType") ?? -1);
  if (kind.stock === "none" || fromStockDocument || yes(line, "WithoutInventoryMovement")) return;
  const quantity = amount(line, "Quantity");
  const { totalsAccuracy } = context.world.settings;
  const value = roundDecimal(scaleDecimal(quantity, amount(line, "StockInmPrice"), ONE) ?? 0n, totalsAccuracy);
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
