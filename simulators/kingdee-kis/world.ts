/** Everything one running KIS knows: its folder, its settings, its books. It can be kept in a folder of its own. */

import { z } from "zod";
import { formatDecimal, parseDecimal } from "../shared/decimal.ts";
import { Journal, openJournal } from "../shared/journal.ts";
import { Random } from "../shared/prng.ts";
import { chartOf, classesOf, className } from "./charts.ts";
import type { ExcelLayout } from "./excel-layouts.ts";
import { type Book, type BookLimits, type DeletedVoucher, itemKey, Ledger, type LedgerNote } from "./ledger.ts";
import {
  type Account,
  addPeriods,
  type Dialect,
  type Entry,
  type Item,
  type ItemClass,
  type Standard,
  type Voucher,
} from "./model.ts";

export type Named = { number: string; name: string };

/** The one company of a 账套, as a caller describes it. */
export type CompanyBook = {
  /** 账套号; "001" when absent */
  number?: string | undefined;
  name?: string | undefined;
  /** chart of accounts; "CAS" when absent */
  standard?: Standard | undefined;
  openPeriod?: string | undefined;
  /** 启用期间; January of the year before the open period when absent */
  startPeriod?: string | undefined;
  groups?: readonly string[] | undefined;
  auditorMustDiffer?: boolean | undefined;
  bookWithoutAudit?: boolean | undefined;
  accounts?: readonly AccountSeed[] | undefined;
  classes?: readonly ItemClass[] | undefined;
  /** 核算项目 of any class */
  objects?: readonly (Named & { className: string })[] | undefined;
  /** 物料; their units are not kept by KIS's vouchers beyond a text */
  items?: readonly Named[] | undefined;
  warehouses?: readonly Named[] | undefined;
  suppliers?: readonly Named[] | undefined;
  customers?: readonly Named[] | undefined;
  departments?: readonly Named[] | undefined;
  employees?: readonly Named[] | undefined;
};

export type AccountSeed = Pick<Account, "number"> & Partial<Account>;

export const SettingsShape = z.strictObject({
  /** "program": imports get the next free number; "file": they keep theirs */
  numbering: z.enum(["program", "file"]),
  /** whether a wrong voucher stops the whole file */
  wholeFile: z.boolean(),
  /** whether 业务编号 survives on accounts without 往来业务核算 */
  tradeNumber: z.enum(["keep", "drop"]),
  /** 核算类别 only in the slot that EXPVCH gives them (标准版) */
  fixedSlots: z.boolean(),
  /** what 引入 opens; the real 专业版 opens legacy .xls alone */
  excelFormats: z.array(z.enum(["xls", "xlsx"])).min(1),
  /** layout of an exported workbook */
  excelExport: z.enum(["chinese", "technical"]),
  latencyMs: z.int().min(0).max(600_000),
});
export type Settings = z.infer<typeof SettingsShape> & { excelExport: ExcelLayout };

export const DEFAULT_SETTINGS: Settings = {
  numbering: "program",
  wholeFile: false,
  tradeNumber: "keep",
  fixedSlots: true,
  excelFormats: ["xls", "xlsx"],
  excelExport: "chinese",
  latencyMs: 0,
};

export type WorldOptions = {
  folder: string;
  dialect: Dialect;
  seed: number;
  now: () => number;
  openPeriod: string;
  settings: Partial<Settings>;
  dataDir: string | undefined;
  company: CompanyBook;
};

const LIMITS: Record<Dialect, BookLimits> = {
  standard: {
    summaryBytes: 40,
    accountBytes: 15,
    codeBytes: 10,
    groupBytes: 4,
    amountDecimals: 2,
    quantityDecimals: 2,
    amountDigits: 11,
    entriesMax: 9_999,
  },
  professional: {
    summaryBytes: 80,
    accountBytes: 40,
    codeBytes: 80,
    groupBytes: 10,
    amountDecimals: 2,
    quantityDecimals: 8,
    amountDigits: 15,
    entriesMax: 9_999,
  },
  excel: {
    summaryBytes: 80,
    accountBytes: 40,
    codeBytes: 80,
    groupBytes: 10,
    amountDecimals: 2,
    quantityDecimals: 8,
    amountDigits: 13,
    entriesMax: 9_999,
  },
};

const MEMORY_KEY_SETTINGS = "settings";
export const CURRENCY = { code: "RMB", name: "人民币" } as const;

export class World {
  readonly folder: string;
  readonly dialect: Dialect;
  readonly ledger: Ledger;
  readonly now: () => number;
  readonly random: Random;
  readonly openPeriod: string;
  readonly limits: BookLimits;
  #settings: Settings;
  readonly #journal: Journal | undefined;

  constructor(options: WorldOptions) {
    this.folder = options.folder;
    this.dialect = options.dialect;
    this.now = options.now;
    this.random = new Random(options.seed);
    this.limits = LIMITS[options.dialect];
    this.#settings = { ...DEFAULT_SETTINGS, ...options.settings };
    const kept = options.dataDir === undefined ? undefined : openJournal(options.dataDir, "kingdee-kis");
    const entries = kept?.entries ?? new Map<string, unknown>();
    this.ledger = new Ledger(bookOf(options.company, options.openPeriod), {
      limits: this.limits,
      rules: () => this.#settings,
      note: (note) => this.#noteLedger(note),
    });
    // Nothing is noted while the journal is not set: what it holds need not be written again.
    this.#restore(entries);
    this.#journal = kept?.journal;
    this.openPeriod = options.company.openPeriod ?? options.openPeriod;
    if (entries.size === 0) this.#begin(options.company);
    this.flush();
  }

  get settings(): Settings {
    return this.#settings;
  }

  changeSettings(change: Partial<Settings>): void {
    this.#settings = { ...this.#settings, ...change };
    this.#put(MEMORY_KEY_SETTINGS, this.#settings);
  }

  /** Adds base data to the 账套; what exists is overwritten by number. */
  addBaseData(company: CompanyBook): void {
    for (const one of company.classes ?? []) this.putClass(one);
    for (const account of company.accounts ?? []) this.putAccount(account);
    const lists: [need: Parameters<typeof className>[1], list: readonly Named[] | undefined][] = [
      ["item", company.items],
      ["warehouse", company.warehouses],
      ["supplier", company.suppliers],
      ["customer", company.customers],
      ["department", company.departments],
      ["employee", company.employees],
    ];
    for (const [need, list] of lists) {
      const name = className(this.dialect, need);
      // 标准版 has no class for warehouses: they are left out rather than misfiled.
      if (name === undefined) continue;
      for (const one of list ?? [])
        this.putItem({ className: name, code: one.number, name: one.name, disabled: false });
    }
    for (const one of company.objects ?? []) {
      this.putItem({ className: one.className, code: one.number, name: one.name, disabled: false });
    }
  }

  putAccount(seed: AccountSeed): void {
    const known = this.ledger.accounts.get(seed.number);
    const account: Account = {
      number: seed.number,
      name: seed.name ?? known?.name ?? seed.number,
      direction: seed.direction ?? known?.direction ?? 1,
      quantity: seed.quantity ?? known?.quantity ?? false,
      objects: seed.objects ?? known?.objects ?? {},
      disabled: seed.disabled ?? known?.disabled ?? false,
    };
    this.ledger.accounts.set(account.number, account);
    this.#put(`account|${account.number}`, account);
  }

  putClass(one: ItemClass): void {
    this.ledger.classes.set(one.name, one);
    this.#put(`class|${one.name}`, one);
  }

  putItem(item: Item): void {
    this.ledger.items.set(itemKey(item.className, item.code), item);
    this.#put(`item|${itemKey(item.className, item.code)}`, item);
  }

  /** Hands what changed to the operating system; called before every answer. */
  flush(): void {
    this.#journal?.flush();
  }

  close(): void {
    this.#journal?.close();
  }

  #begin(company: CompanyBook): void {
    this.#noteLedger({ kind: "book", book: this.ledger.book });
    for (const one of classesOf(this.dialect)) this.putClass(one);
    for (const account of chartOf(company.standard ?? "CAS", this.dialect)) this.putAccount(account);
    this.addBaseData(company);
  }

  #noteLedger(note: LedgerNote): void {
    switch (note.kind) {
      case "voucher":
        return this.#put(`voucher|${note.voucher.id}`, plainVoucher(note.voucher));
      case "deleted":
        this.#put(`voucher|${note.deleted.voucher.id}`, null);
        return this.#put(`deleted|${note.deleted.voucher.id}`, plainDeleted(note.deleted));
      case "book":
        return this.#put("book", note.book);
    }
  }

  #put(key: string, value: unknown): void {
    this.#journal?.put(key, value);
  }

  #restore(entries: ReadonlyMap<string, unknown>): void {
    for (const [key, value] of entries) {
      const [kind = ""] = key.split("|");
      if (kind === "book") this.ledger.restoreBook(KeptBook.parse(value));
      else if (kind === "voucher") this.ledger.restore(KeptVoucher.parse(value));
      else if (kind === "deleted") this.ledger.restoreDeleted(KeptDeleted.parse(value));
      else if (kind === "account") this.putAccount(KeptAccount.parse(value));
      else if (kind === "class") this.putClass(KeptClass.parse(value));
      else if (kind === "item") this.putItem(KeptItem.parse(value));
      else if (key === MEMORY_KEY_SETTINGS) this.#settings = SettingsShape.parse(value);
    }
  }
}

function bookOf(company: CompanyBook, openPeriod: string): Book {
  const open = company.openPeriod ?? openPeriod;
  return {
    number: company.number ?? "001",
    name: company.name ?? "示例账套",
    currency: CURRENCY.code,
    startPeriod: company.startPeriod ?? `${Number(open.slice(0, 4)) - 1}-01`,
    closedThrough: addPeriods(open, -1),
    groups: company.groups ?? ["记", "收", "付", "转"],
    auditorMustDiffer: company.auditorMustDiffer ?? true,
    bookWithoutAudit: company.bookWithoutAudit ?? false,
  };
}

// ---- how values are kept: decimals as text

const Amount = z.string().transform((text) => parseDecimal(text) ?? 0n);
const KeptOrigin = z.object({
  kind: z.enum(["import", "person"]),
  request: z.string(),
  user: z.string(),
  file: z.string(),
});
const KeptBook = z.object({
  number: z.string(),
  name: z.string(),
  currency: z.string(),
  startPeriod: z.string(),
  closedThrough: z.string(),
  groups: z.array(z.string()),
  auditorMustDiffer: z.boolean(),
  bookWithoutAudit: z.boolean(),
}) satisfies z.ZodType<Book>;
const KeptAccount = z.object({
  number: z.string(),
  name: z.string(),
  direction: z.union([z.literal(1), z.literal(-1)]),
  quantity: z.boolean(),
  objects: z.record(z.string(), z.enum(["required", "optional"])),
  disabled: z.boolean(),
}) satisfies z.ZodType<Account>;
const KeptClass = z.object({ name: z.string(), slot: z.number() }) satisfies z.ZodType<ItemClass>;
const KeptItem = z.object({
  className: z.string(),
  code: z.string(),
  name: z.string(),
  disabled: z.boolean(),
}) satisfies z.ZodType<Item>;
const KeptEntry = z.object({
  summary: z.string(),
  account: z.string(),
  objects: z.array(z.object({ className: z.string(), code: z.string() })),
  tradeNumber: z.string(),
  reference: z.string(),
  currency: z.string(),
  rate: Amount,
  side: z.enum(["D", "C"]),
  amountFor: Amount,
  amount: Amount,
  quantity: Amount,
  unit: z.string(),
  price: Amount,
  settleCode: z.string(),
  settleNumber: z.string(),
}) satisfies z.ZodType<Entry>;
const KeptVoucher = z.object({
  id: z.number(),
  date: z.string(),
  group: z.string(),
  number: z.number(),
  attachments: z.number(),
  preparer: z.string(),
  checker: z.string(),
  poster: z.string(),
  invalid: z.boolean(),
  entries: z.array(KeptEntry),
  origin: KeptOrigin,
  createdSequence: z.number(),
  changedSequence: z.number(),
}) satisfies z.ZodType<Voucher>;
const KeptDeleted = z.object({
  voucher: KeptVoucher,
  deletedBy: KeptOrigin,
  sequence: z.number(),
}) satisfies z.ZodType<DeletedVoucher>;

/** @returns the voucher with its amounts as exact text, as it is kept and dumped */
export function plainVoucher(voucher: Voucher) {
  return {
    ...voucher,
    entries: voucher.entries.map((entry) => ({
      ...entry,
      rate: formatDecimal(entry.rate),
      amountFor: formatDecimal(entry.amountFor, 2),
      amount: formatDecimal(entry.amount, 2),
      quantity: formatDecimal(entry.quantity),
      price: formatDecimal(entry.price),
    })),
  };
}

export function plainDeleted(deleted: DeletedVoucher) {
  return { ...deleted, voucher: plainVoucher(deleted.voucher) };
}
