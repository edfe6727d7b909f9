/** One row of a document: what it takes from its base, its price and tax, the stock it moves, the accounts it touches. */

import { ONE, roundDecimal, scaleDecimal } from "../shared/decimal.ts";
import { type DocumentKind } from "./document-kinds.ts";
import { type Posting, taxOf } from "./document-journal.ts";
import { noReference, place, ServiceError } from "./errors.ts";
import { checkReference } from "./ledger.ts";
import { amount, decimal, given, list, number, type Row, text, yes } from "./model.ts";
import { accountFor, checkItem, moveStock, stockAccount, stockOf } from "./stock.ts";
import type { Context, World } from "./world.ts";

export type Surroundings = { entry: number; date: string; partner: Row | undefined };

/** One row of a document on its way into stock and books. */
export class DocumentLine {
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
    const quantity = given(this.#line, "Quantity") ? amount(this.#line, "Quantity") : ONE;
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
