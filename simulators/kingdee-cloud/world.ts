/** Everything one running 云星空 knows: settings, credentials, base data, books. It can be kept in a folder. */

import { z } from "zod";
import { Journal, openJournal } from "../shared/journal.ts";
import { formatDecimal, parseDecimal } from "../shared/decimal.ts";
import { Random } from "../shared/prng.ts";
import { type Credentials, mintAppId } from "./auth.ts";
import { BaseData, type NewItem, seedSharedBaseData } from "./base-data.ts";
import { chartOf } from "./charts.ts";
import type { FormContext } from "./forms.ts";
import { type DeletedVoucher, Ledger, type LedgerNote } from "./ledger.ts";
import {
  type AccountSeed,
  addPeriods,
  type BaseItem,
  type Book,
  chinaTime,
  type Entry,
  type Standard,
  type Voucher,
} from "./model.ts";
import { ROWS_MAX } from "./query.ts";
import type { Opening } from "./reports.ts";

/** One company as a caller describes it: its account book and the base data of its organisation. */
export type CompanyBook = {
  /** 账簿 number, "001" */
  number: string;
  name?: string | undefined;
  /** 组织 number; "100" when absent */
  organization?: string | undefined;
  organizationName?: string | undefined;
  /** chart of accounts; "CAS" when absent */
  standard?: Standard | undefined;
  /** first open period; the simulator's when absent */
  openPeriod?: string | undefined;
  /** 启用期间; January of the year before the open period when absent */
  startPeriod?: string | undefined;
  auditorMustDiffer?: boolean | undefined;
  auditWithoutSubmit?: boolean | undefined;
  bookWithoutAudit?: boolean | undefined;
  selfNumbering?: boolean | undefined;
  /** accounts to add, or to change by number */
  accounts?: readonly AccountSeed[] | undefined;
  /** opening balances, debit positive */
  openings?: readonly OpeningSeed[] | undefined;
  items?: readonly { number: string; name: string; unit: string; specification?: string | undefined }[] | undefined;
  units?:
    | readonly { number: string; name: string; group?: string | undefined; factor?: string | undefined }[]
    | undefined;
  warehouses?: readonly Named[] | undefined;
  suppliers?: readonly Named[] | undefined;
  customers?: readonly Named[] | undefined;
  departments?: readonly Named[] | undefined;
  employees?: readonly Named[] | undefined;
};

export type Named = { number: string; name: string };

export type OpeningSeed = {
  account: string;
  /** decimal text */
  amount: string;
  dimensions?: Record<string, string> | undefined;
  quantity?: string | undefined;
  unit?: string | undefined;
};

export type Settings = {
  /** key of the custom head field; undefined: the form has none, and Saves lose it in silence */
  customField: string | undefined;
  /** refuse unknown Model keys with MsgCode 9 instead of ignoring them */
  strictKeys: boolean;
  /** a BatchSave in which some documents failed calls itself a success */
  mixedBatchIsSuccess: boolean;
  /** extra time that every vendor call takes */
  latencyMs: number;
  /** rows that one answer to a query holds; what is beyond is cut in silence */
  rowsMax: number;
};

export type WorldOptions = {
  seed: number;
  now: () => number;
  openPeriod: string;
  settings: Settings;
  externalLengthMax: number;
  unlistedDimensions: "keep" | "drop" | "refuse";
  dataDir: string | undefined;
  companies: readonly CompanyBook[];
};

const MEMORY_KEY_CREDENTIALS = "credentials";
const MEMORY_KEY_SETTINGS = "settings";

export class World {
  readonly base: BaseData;
  readonly ledger: Ledger;
  readonly credentials: Credentials;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly random: Random;
  readonly now: () => number;
  readonly openPeriod: string;
  readonly openings = new Map<string, Opening[]>();
  /** "user|form|operation" that somebody took away */
  readonly revoked = new Set<string>();
  /** vouchers that a person has open in the client: id to that person */
  readonly openInClient = new Map<number, string>();
  #settings: Settings;
  readonly #journal: Journal | undefined;

  constructor(options: WorldOptions) {
    this.now = options.now;
    this.random = new Random(options.seed);
    this.openPeriod = options.openPeriod;
    this.#settings = options.settings;
    const kept = options.dataDir === undefined ? undefined : openJournal(options.dataDir, "kingdee-cloud");
    const entries = kept?.entries ?? new Map<string, unknown>();
    this.base = new BaseData(
      () => chinaTime(this.now()),
      (item) => this.#put(`base|${item.form}|${item.scope}|${item.number}`, item),
    );
    this.ledger = new Ledger({
      base: this.base,
      now: () => chinaTime(this.now()),
      note: (note) => this.#noteLedger(note),
      externalLengthMax: options.externalLengthMax,
      unlistedDimensions: options.unlistedDimensions,
    });
    // Nothing is noted while the journal is not set: what it holds need not be written again.
    this.#restore(entries);
    this.#journal = kept?.journal;
    const drawn = drawCredentials(this.random);
    const old = KeptCredentials.safeParse(entries.get(MEMORY_KEY_CREDENTIALS));
    const { clientId, clientSecret, ...credentials } = old.success ? old.data : drawn;
    this.credentials = credentials;
    this.clientId = clientId;
    this.clientSecret = clientSecret;
    this.#put(MEMORY_KEY_CREDENTIALS, { ...credentials, clientId, clientSecret });
    if (entries.size === 0) seedSharedBaseData(this.base);
    this.base.put({ form: "SEC_USER", number: credentials.userName, name: credentials.userName });
    this.base.put({ form: "SEC_USER", number: credentials.auditorUserName, name: credentials.auditorUserName });
    for (const company of options.companies) {
      if (!this.ledger.books.has(company.number)) this.addCompany(company);
    }
    this.flush();
  }

  get settings(): Settings {
    return this.#settings;
  }

  changeSettings(change: Partial<Settings>): void {
    this.#settings = { ...this.#settings, ...change };
    this.#put(MEMORY_KEY_SETTINGS, { ...this.#settings, customField: this.#settings.customField ?? null });
  }

  get context(): FormContext {
    return { base: this.base, ledger: this.ledger, customField: this.#settings.customField };
  }

  /** Opens an account book with its chart, organisation and base data; to a book that exists it only adds. */
  addCompany(company: CompanyBook): Book {
    const known = this.ledger.books.get(company.number);
    const book = known ?? this.#openBook(company);
    for (const account of company.accounts ?? []) this.putAccount(book, account);
    this.#addBaseData(company, book.organization);
    for (const opening of company.openings ?? []) this.#addOpening(book, opening);
    this.flush();
    return book;
  }

  #openBook(company: CompanyBook): Book {
    const organization = company.organization ?? "100";
    const standard = company.standard ?? "CAS";
    const openPeriod = company.openPeriod ?? this.openPeriod;
    const chart = `KMB${company.number}`;
    this.base.put({
      form: "ORG_ORGANIZATIONS",
      number: organization,
      name: company.organizationName ?? company.name ?? `示例组织${organization}`,
    });
    this.base.put({
      form: "BD_ACCOUNTTABLE",
      number: chart,
      name: standard === "CAS" ? "企业会计准则科目表" : "小企业会计准则科目表",
    });
    const book: Book = {
      number: company.number,
      name: company.name ?? `示例账簿${company.number}`,
      organization,
      standard,
      chart,
      currency: "PRE001",
      startPeriod: company.startPeriod ?? `${Number(openPeriod.slice(0, 4)) - 1}-01`,
      closedThrough: addPeriods(openPeriod, -1),
      auditorMustDiffer: company.auditorMustDiffer ?? true,
      auditWithoutSubmit: company.auditWithoutSubmit ?? false,
      bookWithoutAudit: company.bookWithoutAudit ?? false,
      selfNumbering: company.selfNumbering ?? true,
    };
    this.ledger.putBook(book);
    for (const account of chartOf(standard)) this.putAccount(book, account);
    return book;
  }

  /** Adds an account to a chart, or changes what is given of one; its parent stops being a detail account. */
  putAccount(book: Book, account: AccountSeed): void {
    const known = this.base.find("BD_ACCOUNT", account.number, book.chart);
    const parent = account.number.includes(".") ? account.number.slice(0, account.number.lastIndexOf(".")) : "";
    const dimensions = account.dimensions === undefined ? undefined : Object.entries(account.dimensions);
    const listed = (rule: string): string | undefined => {
      return dimensions?.flatMap(([column, demand]) => (demand === rule ? [column.toUpperCase()] : [])).join(",");
    };
    const attributes: Record<string, string | undefined> = {
      FACCTTBLID: book.chart,
      FPARENTID: parent,
      FDC: account.direction === undefined ? (known ? undefined : "1") : String(account.direction),
      FISDETAIL: known ? undefined : "1",
      FQUANTITYRULE: account.quantity ?? (known ? undefined : "none"),
      FISQUANTITIES:
        account.quantity === undefined ? (known ? undefined : "0") : account.quantity === "none" ? "0" : "1",
      FITEMDETAILID: listed("required"),
      FITEMOPTIONALID: listed("optional"),
    };
    this.base.put({
      form: "BD_ACCOUNT",
      scope: book.chart,
      number: account.number,
      name: account.name ?? known?.name ?? account.number,
      attributes: Object.fromEntries(
        Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
      ),
    });
    const above = this.base.find("BD_ACCOUNT", parent, book.chart);
    if (above?.attributes["FISDETAIL"] === "1") {
      this.base.change(above, { attributes: { ...above.attributes, FISDETAIL: "0" } });
    }
  }

  /** Hands what changed to the operating system; called before every answer. */
  flush(): void {
    this.#journal?.flush();
  }

  close(): void {
    this.#journal?.close();
  }

  #addBaseData(company: CompanyBook, scope: string): void {
    for (const unit of company.units ?? []) {
      this.base.put({
        form: "BD_UNIT",
        number: unit.number,
        name: unit.name,
        attributes: { FUNITGROUPID: unit.group ?? unit.number, FCONVERTRATE: unit.factor ?? "1" },
      });
    }
    for (const item of company.items ?? []) this.base.put(materialOf(item, scope));
    const lists: [form: string, list: readonly Named[] | undefined][] = [
      ["BD_STOCK", company.warehouses],
      ["BD_SUPPLIER", company.suppliers],
      ["BD_CUSTOMER", company.customers],
      ["BD_DEPARTMENT", company.departments],
      ["BD_EMPINFO", company.employees],
    ];
    for (const [form, list] of lists) {
      for (const { number, name } of list ?? []) this.base.put({ form, number, name, scope });
    }
  }

  #addOpening(book: Book, seed: OpeningSeed): void {
    const [amount, quantity] = [parseDecimal(seed.amount), parseDecimal(seed.quantity ?? "0")];
    if (amount === undefined || quantity === undefined) {
      throw new Error(`The opening balance of account ${seed.account} is no decimal number.`);
    }
    const opening: Opening = {
      account: seed.account,
      dimensions: seed.dimensions ?? {},
      amount,
      quantity,
      unit: seed.unit ?? "",
    };
    const list = [...(this.openings.get(book.number) ?? []), opening];
    this.openings.set(book.number, list);
    this.#put(`openings|${book.number}`, list.map(plainOpening));
  }

  #noteLedger(note: LedgerNote): void {
    switch (note.kind) {
      case "voucher":
        return this.#put(`voucher|${note.voucher.id}`, plainVoucher(note.voucher));
      case "deleted":
        this.#put(`voucher|${note.deleted.voucher.id}`, null);
        return this.#put(`deleted|${note.deleted.voucher.id}`, plainDeleted(note.deleted));
      case "book":
        this.#put(`book|${note.book.number}`, note.book);
        this.base.put(bookItem(note.book));
    }
  }

  #put(key: string, value: unknown): void {
    this.#journal?.put(key, value);
  }

  #restore(entries: ReadonlyMap<string, unknown>): void {
    for (const [key, value] of entries) {
      const [kind = "", rest = ""] = key.split("|");
      if (kind === "base") this.base.restore(KeptItem.parse(value));
      else if (kind === "book") this.ledger.restoreBook(KeptBook.parse(value));
      else if (kind === "voucher") this.ledger.restore(KeptVoucher.parse(value));
      else if (kind === "deleted") this.ledger.restoreDeleted(KeptDeleted.parse(value));
      else if (kind === "openings") this.openings.set(rest, z.array(KeptOpening).parse(value));
      else if (key === MEMORY_KEY_SETTINGS) {
        const { customField, ...settings } = KeptSettings.parse(value);
        this.#settings = { ...settings, customField: customField ?? undefined };
      }
    }
  }
}

export function materialOf(
  item: { number: string; name: string; unit: string; specification?: string | undefined },
  scope: string,
): NewItem {
  return {
    form: "BD_MATERIAL",
    number: item.number,
    name: item.name,
    scope,
    attributes: { FBASEUNITID: item.unit, FSPECIFICATION: item.specification ?? "" },
  };
}

function bookItem(book: Book): NewItem {
  const current = addPeriods(book.closedThrough, 1);
  return {
    form: "BD_ACCOUNTBOOK",
    number: book.number,
    name: book.name,
    attributes: {
      FACCTTBLID: book.chart,
      FACCOUNTORGID: book.organization,
      FCURRENCYID: book.currency,
      FSTARTYEAR: book.startPeriod.slice(0, 4),
      FSTARTPERIOD: String(Number(book.startPeriod.slice(5, 7))),
      FCURRENTYEAR: current.slice(0, 4),
      FCURRENTPERIOD: String(Number(current.slice(5, 7))),
    },
  };
}

function drawCredentials(random: Random): Credentials & { clientId: string; clientSecret: string } {
  const clientId = String(200_000 + random.below(99_999));
  const { appId, clientSecret } = mintAppId(clientId, random.bytes(24));
  return {
    acctId: random.hex(14),
    userName: "接口用户",
    password: `Api@${random.hex(10)}`,
    appId,
    appSecret: random.hex(32),
    lcid: 2052,
    orgNum: 100,
    auditorUserName: "审核用户",
    auditorPassword: `Audit@${random.hex(10)}`,
    clientId,
    clientSecret,
  };
}

// ---- how values are kept: decimals as text

const Amount = z.string().transform((text) => parseDecimal(text) ?? 0n);
const Status = z.enum(["Z", "A", "B", "C", "D"]);
const Texts = z.record(z.string(), z.string());
const KeptOrigin = z.object({ kind: z.enum(["api", "person"]), request: z.string(), user: z.string() });
const KeptItem = z.object({
  id: z.number(),
  form: z.string(),
  number: z.string(),
  name: z.string(),
  scope: z.string(),
  documentStatus: Status,
  forbidStatus: z.enum(["A", "B"]),
  attributes: Texts,
  createdAt: z.string(),
  modifiedAt: z.string(),
}) satisfies z.ZodType<BaseItem>;
const KeptBook = z.object({
  number: z.string(),
  name: z.string(),
  organization: z.string(),
  standard: z.enum(["CAS", "SME"]),
  chart: z.string(),
  currency: z.string(),
  startPeriod: z.string(),
  closedThrough: z.string(),
  auditorMustDiffer: z.boolean(),
  auditWithoutSubmit: z.boolean(),
  bookWithoutAudit: z.boolean(),
  selfNumbering: z.boolean(),
}) satisfies z.ZodType<Book>;
const KeptEntry = z.object({
  id: z.number(),
  explanation: z.string(),
  account: z.string(),
  dimensions: Texts,
  currency: z.string(),
  rateType: z.string(),
  rate: Amount,
  unit: z.string(),
  price: Amount,
  quantity: Amount,
  amountFor: Amount,
  debit: Amount,
  credit: Amount,
  businessNumber: z.string(),
  settleType: z.string(),
  settleNumber: z.string(),
  exportEntryId: z.string(),
}) satisfies z.ZodType<Entry>;
const KeptVoucher = z.object({
  id: z.number(),
  book: z.string(),
  date: z.string(),
  businessDate: z.string(),
  year: z.number(),
  period: z.number(),
  group: z.string(),
  number: z.string(),
  documentStatus: Status,
  invalid: z.boolean(),
  posted: z.boolean(),
  attachments: z.number(),
  reference: z.string(),
  external: z.string(),
  sourceBillKey: z.string(),
  adjust: z.boolean(),
  creator: z.string(),
  createdAt: z.string(),
  modifier: z.string(),
  modifiedAt: z.string(),
  auditor: z.string(),
  auditedAt: z.string(),
  poster: z.string(),
  postedAt: z.string(),
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
const KeptOpening = z.object({
  account: z.string(),
  dimensions: Texts,
  amount: Amount,
  quantity: Amount,
  unit: z.string(),
});
const KeptSettings = z.object({
  customField: z.string().nullable(),
  strictKeys: z.boolean(),
  mixedBatchIsSuccess: z.boolean(),
  latencyMs: z.number(),
  rowsMax: z.number().default(ROWS_MAX),
});
const KeptCredentials = z.object({
  acctId: z.string(),
  userName: z.string(),
  password: z.string(),
  appId: z.string(),
  appSecret: z.string(),
  lcid: z.number(),
  orgNum: z.number(),
  auditorUserName: z.string(),
  auditorPassword: z.string(),
  clientId: z.string(),
  clientSecret: z.string(),
});

/** @returns the voucher with its amounts as exact text, as it is kept and dumped */
export function plainVoucher(voucher: Voucher) {
  return {
    ...voucher,
    entries: voucher.entries.map((entry) => ({
      ...entry,
      rate: formatDecimal(entry.rate),
      price: formatDecimal(entry.price),
      quantity: formatDecimal(entry.quantity),
      amountFor: formatDecimal(entry.amountFor, 2),
      debit: formatDecimal(entry.debit, 2),
      credit: formatDecimal(entry.credit, 2),
    })),
  };
}

export function plainDeleted(deleted: DeletedVoucher) {
  return { ...deleted, voucher: plainVoucher(deleted.voucher) };
}

function plainOpening(opening: Opening) {
  return { ...opening, amount: formatDecimal(opening.amount), quantity: formatDecimal(opening.quantity) };
}
