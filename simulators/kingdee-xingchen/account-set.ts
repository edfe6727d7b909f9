/** One 账套: its book, base data, vouchers, stock documents and the credentials of its authorisation. */

import { parseDecimal } from "../shared/decimal.ts";
import { BaseData, type NewItem, seedSharedBaseData } from "./base-data.ts";
import type { StockBill } from "./bills.ts";
import { chartOf } from "./charts.ts";
import { Ledger, type LedgerNote, type Sequence } from "./ledger.ts";
import { type AccountSeed, addPeriods, type BaseItem, type Book, type IdMint, type Standard } from "./model.ts";
import type { Settings } from "./settings.ts";
import { Stock, type StockNote } from "./stock.ts";

/** One company as a caller describes it. */
export type CompanyBook = {
  /** our name for the account set, "001" */
  number: string;
  name?: string | undefined;
  /** chart of accounts; "CAS" when absent */
  standard?: Standard | undefined;
  /** first open period; the simulator's when absent */
  openPeriod?: string | undefined;
  /** 启用期间; January of the year before the open period when absent */
  startPeriod?: string | undefined;
  auditorMustDiffer?: boolean | undefined;
  /** accounts to add, or to change by number */
  accounts?: readonly AccountSeed[] | undefined;
  /** opening balances, debit positive */
  openings?: readonly OpeningSeed[] | undefined;
  /** stock on hand at the start; the books know nothing of it unless an opening balance says so */
  openingStock?: readonly { item: string; warehouse: string; quantity: string; cost: string }[] | undefined;
  items?: readonly { number: string; name: string; unit: string; specification?: string | undefined }[] | undefined;
  units?:
    | readonly { number: string; name: string; group?: string | undefined; factor?: string | undefined }[]
    | undefined;
  warehouses?: readonly Named[] | undefined;
  suppliers?: readonly Named[] | undefined;
  customers?: readonly Named[] | undefined;
  departments?: readonly Named[] | undefined;
  employees?: readonly Named[] | undefined;
  /** 盘点任务, with the warehouse that is counted */
  checkTasks?: readonly { number: string; name: string; warehouse: string }[] | undefined;
};

export type Named = { number: string; name: string };

export type OpeningSeed = {
  account: string;
  /** decimal text */
  amount: string;
  assist?: Record<string, string> | undefined;
  quantity?: string | undefined;
};

/** Debit positive; the quantity counts in the item's base unit. */
export type Opening = { account: string; assist: Record<string, string>; amount: bigint; quantity: bigint };

/** What the open platform hands out for one account set, under its own names. */
export type Authorisation = {
  outerInstanceId: string;
  appKey: string;
  appSecret: string;
  domain: string;
  accountId: string;
  accountName: string;
  serviceId: string;
  groupName: string;
};

/** What changed, for whoever keeps it. */
export type SetNote =
  | LedgerNote
  | StockNote
  | { kind: "base"; id: string; item: BaseItem | null }
  | { kind: "openings"; openings: readonly Opening[]; stock: NonNullable<CompanyBook["openingStock"]> }
  | { kind: "authorisation"; set: AccountSet };

export class AccountSet {
  readonly base: BaseData;
  readonly ledger: Ledger;
  readonly stock: Stock;
  /** "entity|operation" that somebody took away from the integration user */
  readonly revoked = new Set<string>();
  #openings: Opening[] = [];
  #openingStock: NonNullable<CompanyBook["openingStock"]> = [];
  #authorisation: Authorisation;
  #secretAtMs: number;
  /** tokens of an earlier generation are expired */
  #generation = 0;
  readonly #note: (note: SetNote) => void;

  constructor(options: {
    book: Book;
    authorisation: Authorisation;
    secretAtMs: number;
    ids: IdMint;
    sequence: Sequence;
    now: () => number;
    settings: () => Settings;
    note: (set: AccountSet, note: SetNote) => void;
  }) {
    const { ids, sequence, now } = options;
    this.#note = (note) => options.note(this, note);
    this.#authorisation = options.authorisation;
    this.#secretAtMs = options.secretAtMs;
    this.base = new BaseData(ids, now, (id, item) => this.#note({ kind: "base", id, item }));
    this.ledger = new Ledger({
      book: options.book,
      base: this.base,
      ids,
      sequence,
      now,
      note: this.#note,
      rules: options.settings,
    });
    this.stock = new Stock({ ids, sequence, now, book: () => this.ledger.book, note: this.#note });
  }

  get book(): Book {
    return this.ledger.book;
  }

  get authorisation(): Authorisation {
    return this.#authorisation;
  }

  get secretAtMs(): number {
    return this.#secretAtMs;
  }

  get generation(): number {
    return this.#generation;
  }

  get openings(): readonly Opening[] {
    return this.#openings;
  }

  /** A new appSecret; the old one is worthless from now on. */
  rotateSecret(appSecret: string, atMs: number): void {
    this.#authorisation = { ...this.#authorisation, appSecret };
    this.#secretAtMs = atMs;
    this.#note({ kind: "authorisation", set: this });
  }

  /** Every app-token handed out so far is expired. */
  endTokens(): void {
    this.#generation += 1;
    this.#note({ kind: "authorisation", set: this });
  }

  restoreGeneration(generation: number): void {
    this.#generation = generation;
  }

  restoreBill(bill: StockBill): void {
    this.stock.restore(bill);
  }

  // ---- base data

  /** What a new account set starts with: shared base data and a chart. */
  seed(standard: Standard): void {
    seedSharedBaseData(this.base);
    for (const account of chartOf(standard)) this.putAccount(account);
  }

  /** Adds what a company brings along; what is there already is changed. */
  addCompany(company: CompanyBook): void {
    for (const account of company.accounts ?? []) this.putAccount(account);
    for (const unit of company.units ?? []) {
      const attributes = { group: unit.group ?? unit.number, factor: unit.factor ?? "1", precision: "6" };
      this.base.put({ kind: "bd_measureunits_new", number: unit.number, name: unit.name, attributes });
    }
    for (const item of company.items ?? []) this.base.put(materialOf(item));
    const lists: [kind: string, list: readonly Named[] | undefined][] = [
      ["bd_store", company.warehouses],
      ["bd_supplier", company.suppliers],
      ["bd_customer", company.customers],
      ["bd_department", company.departments],
      ["bd_employee", company.employees],
    ];
    for (const [kind, list] of lists) {
      for (const { number, name } of list ?? []) this.base.put({ kind, number, name });
    }
    for (const { number, name, warehouse } of company.checkTasks ?? []) {
      this.base.put({ kind: "inv_check_task", number, name, attributes: { stock: warehouse } });
    }
    if (company.openings || company.openingStock) {
      this.setOpenings(
        [...this.#openings, ...(company.openings ?? []).map(openingOf)],
        [...this.#openingStock, ...(company.openingStock ?? [])],
        company.openingStock ?? [],
      );
    }
  }

  /** @param fresh  the part of the stock that is not on hand yet */
  setOpenings(
    openings: readonly Opening[],
    stock: NonNullable<CompanyBook["openingStock"]>,
    fresh: NonNullable<CompanyBook["openingStock"]>,
  ): void {
    this.#openings = [...openings];
    this.#openingStock = stock;
    for (const { item, warehouse, quantity, cost } of fresh) {
      const [amount, count] = [exactly(cost, item), exactly(quantity, item)];
      this.stock.open({ material: item, store: warehouse, batch: "", quantity: count, cost: amount });
    }
    this.#note({ kind: "openings", openings: this.#openings, stock: this.#openingStock });
  }

  /** Adds an account, or changes what is given of one; its parent stops being a detail account. */
  putAccount(account: AccountSeed): BaseItem {
    const known = this.base.find("bd_account", account.number);
    const parent = account.number.includes(".") ? account.number.slice(0, account.number.lastIndexOf(".")) : "";
    const assist =
      account.assist &&
      Object.entries(account.assist)
        .map(([type, demand]) => `${type}:${demand}`)
        .join(",");
    const attributes: Record<string, string | undefined> = {
      parent,
      dc: account.direction === undefined ? (known ? undefined : "1") : String(account.direction),
      is_leaf: known ? undefined : "1",
      quantity_rule: account.quantity ?? (known ? undefined : "none"),
      assist,
    };
    const given = Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]));
    const item = this.base.put({
      kind: "bd_account",
      number: account.number,
      name: account.name ?? known?.name ?? account.number,
      attributes: Object.fromEntries(given),
    });
    const above = this.base.find("bd_account", parent);
    if (above && above.attributes["is_leaf"] !== "0") {
      this.base.change(above, { attributes: { ...above.attributes, is_leaf: "0" } });
    }
    return item;
  }
}

/** @returns the book that a company starts with */
export function bookOf(company: CompanyBook, accountId: string, openPeriod: string): Book {
  const first = company.openPeriod ?? openPeriod;
  return {
    number: company.number,
    name: company.name ?? `示例账套${company.number}`,
    accountId,
    standard: company.standard ?? "CAS",
    startPeriod: company.startPeriod ?? `${Number(first.slice(0, 4)) - 1}-01`,
    closedThrough: addPeriods(first, -1),
    auditorMustDiffer: company.auditorMustDiffer ?? false,
  };
}

function materialOf(item: { number: string; name: string; unit: string; specification?: string | undefined }): NewItem {
  const attributes = { base_unit: item.unit, model: item.specification ?? "" };
  return { kind: "bd_material", number: item.number, name: item.name, attributes };
}

function openingOf(seed: OpeningSeed): Opening {
  const { account, assist = {}, amount, quantity = "0" } = seed;
  return { account, assist, amount: exactly(amount, account), quantity: exactly(quantity, account) };
}

function exactly(text: string, what: string): bigint {
  const value = parseDecimal(text);
  if (value === undefined) throw new Error(`The opening balance of ${what} is no decimal number: ${text}`);
  return value;
}
