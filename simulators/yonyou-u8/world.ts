/** Everything one running U8 knows: settings, credentials, 账套 with archives, vouchers and stock. It can be kept in a folder. */

import { z } from "zod";
import { parseDecimal } from "../shared/decimal.ts";
import { type Journal, openJournal } from "../shared/journal.ts";
import { Random } from "../shared/prng.ts";
import { Archives, ITEM_KIND } from "./archives.ts";
import { chartOf } from "./charts.ts";
import { type CompanyBook, SHARED_ARCHIVES } from "./company.ts";
import {
  KeptArchive,
  KeptBook,
  KeptCredentials,
  KeptDeleted,
  KeptDeletedDocument,
  KeptDocument,
  KeptResult,
  KeptVoucher,
  plainDeleted,
  plainDeletedDocument,
  plainDocument,
  plainVoucher,
} from "./kept.ts";
import { type BookAccess, Ledger, type LedgerSettings } from "./ledger.ts";
import { addPeriods, type BookState, chinaTime, type Origin, Refusal, SUCCEED } from "./model.ts";
import { Stock, type StockSettings } from "./stock.ts";

/** The vendor's own names: `sender` for EAI, the rest for the OpenAPI. */
export type Credentials = z.infer<typeof KeptCredentials>;
/** What became of an `add` of the OpenAPI; errcode null: still running. */
export type AddResult = z.infer<typeof KeptResult>;

export type Settings = LedgerSettings &
  StockSettings & {
    /** how EAI words a voucher that is there already: succeed 0 数据重复上传, or succeed 1 外部系统凭证已存在 */
    duplicateReply: "uploaded" | "refused";
    /** what an OpenAPI poll says while the work runs: the address again, or 30025 */
    pollRunning: "url" | "30025";
    /** whether the OpenAPI knows 盘点单; the vendor's catalogue of 2020 does not */
    openApiCheckvouch: boolean;
    /** vouchers in an export of EAI, lines in voucherdetails: more are left out without a word; 0 leaves nothing out */
    rowsMax: number;
    /** extra time that every vendor call takes */
    latencyMs: number;
  };

export const DEFAULT_SETTINGS: Settings = {
  abstractLengthMax: 60,
  externalLengthMax: 50,
  unlistedAuxiliaries: "keep",
  controlledAccounts: "allow",
  duplicateKey: "id-or-reserve2",
  duplicateReply: "uploaded",
  zeroIssue: "refuse",
  stockMoves: "save",
  pollRunning: "url",
  openApiCheckvouch: false,
  rowsMax: 0,
  latencyMs: 0,
};

export type Book = BookAccess & { openings: Map<string, bigint> };

const KeptSettings = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const KeptOpenings = z.record(z.string(), z.string());

export class World {
  readonly books = new Map<string, Book>();
  readonly ledger: Ledger;
  readonly stock: Stock;
  readonly credentials: Credentials;
  readonly random: Random;
  readonly now: () => number;
  readonly openPeriod: string;
  /** "voucher|add" that somebody took away */
  readonly revoked = new Set<string>();
  /** documents a person has open in the client: 其他人正在修改 */
  readonly openInClient = new Map<string, string>();
  readonly results = new Map<string, AddResult>();
  #settings: Settings;
  #sequence = 0;
  readonly #journal: Journal | undefined;

  constructor(options: {
    seed: number;
    now: () => number;
    openPeriod: string;
    settings: Settings;
    dataDir: string | undefined;
    companies: readonly CompanyBook[];
  }) {
    this.now = options.now;
    this.random = new Random(options.seed);
    this.openPeriod = options.openPeriod;
    this.#settings = options.settings;
    const kept = options.dataDir === undefined ? undefined : openJournal(options.dataDir, "yonyou-u8");
    const entries = kept?.entries ?? new Map<string, unknown>();
    const nextSequence = (): number => (this.#sequence += 1);
    const now = (): string => chinaTime(this.now());
    const settings = (): Settings => this.#settings;
    this.ledger = new Ledger({ now, settings, nextSequence, note: (note) => this.#noteLedger(note) });
    this.stock = new Stock({ now, settings, nextSequence, note: (note) => this.#noteStock(note) });
    // Nothing is noted while the journal is not set: what it holds need not be written again.
    this.#restore(entries);
    this.#journal = kept?.journal;
    const drawn = drawCredentials(this.random, options.companies[0]?.number ?? "001");
    const old = KeptCredentials.safeParse(entries.get("credentials"));
    this.credentials = old.success ? old.data : drawn;
    this.#put("credentials", this.credentials);
    for (const company of options.companies) if (!this.books.has(company.number)) this.addCompany(company);
    this.flush();
  }

  get settings(): Settings {
    return this.#settings;
  }

  /** commit number of the last change */
  get sequence(): number {
    return this.#sequence;
  }

  changeSettings(change: Partial<Settings>): void {
    this.#settings = { ...this.#settings, ...change };
    this.#put("settings", this.#settings);
  }

  /** @throws Refusal when there is no such 账套 */
  book(number: string): Book {
    const book = this.books.get(number);
    if (!book) throw new Refusal(`账套${number}不存在`);
    return book;
  }

  /** @returns the 账套 of a ds_sequence, counted from 1 in the order in which they were opened */
  bookAt(sequence: number): Book | undefined {
    return [...this.books.values()].at(sequence - 1);
  }

  changeBook(number: string, change: Partial<BookState>): BookState {
    const book = this.book(number);
    book.state = { ...book.state, ...change };
    this.#put(`book|${number}`, book.state);
    return book.state;
  }

  closePeriod(number: string, period: string, module: "gl" | "st" | "all"): BookState {
    return this.changeBook(number, {
      ...(module === "st" ? {} : { closedThrough: period }),
      ...(module === "gl" ? {} : { stockClosedThrough: period }),
    });
  }

  /** Opens a period and all after it. */
  reopenPeriod(number: string, period: string, module: "gl" | "st" | "all"): BookState {
    const { state } = this.book(number);
    const before = addPeriods(period, -1);
    const [closed, stockClosed] = [state.closedThrough, state.stockClosedThrough];
    return this.changeBook(number, {
      closedThrough: module !== "st" && period <= closed ? before : closed,
      stockClosedThrough: module !== "gl" && period <= stockClosed ? before : stockClosed,
      lockedPeriods: state.lockedPeriods.filter((locked) => locked !== period),
    });
  }

  /** Opens a 账套 with its chart and base data; to one that exists it only adds. */
  addCompany(company: CompanyBook): Book {
    const book = this.books.get(company.number) ?? this.#openBook(company);
    const { archives } = book;
    for (const account of company.accounts ?? []) archives.putAccount(account);
    for (const unit of company.units ?? []) archives.put({ kind: "unit", ...unit, fields: { group_code: "01" } });
    for (const { code, name, unit, specification, batched } of company.items ?? []) {
      if (!archives.find("unit", unit)) {
        archives.put({ kind: "unit", code: unit, name: unit, fields: { group_code: "01" } });
      }
      const fields = {
        sort_code: "01",
        unitgroup_code: "01",
        main_measure: unit,
        specs: specification ?? "",
        batch_flag: batched === true ? "1" : "0",
        sale_flag: "1",
        purchase_flag: "1",
      };
      archives.put({ kind: "inventory", code, name, fields });
    }
    for (const { code, name, positions, stoppedOn } of company.warehouses ?? []) {
      const fields = {
        valuestyle: "全月平均法",
        whmanage: positions === true ? "1" : "0",
        barcode: code,
        ...(stoppedOn === undefined ? {} : { dWhEndDate: stoppedOn }),
      };
      archives.put({ kind: "warehouse", code, name, fields });
    }
    for (const { code, name, warehouse } of company.positions ?? []) {
      archives.put({ kind: "position", code, name, fields: { warehouse_code: warehouse, end_flag: "1" } });
    }
    for (const { code, name } of company.suppliers ?? []) {
      archives.put({ kind: "vendor", code, name, fields: { abbrname: name, sort_code: "01", bvencargo: "1" } });
    }
    for (const { code, name } of company.customers ?? []) {
      archives.put({ kind: "customer", code, name, fields: { abbrname: name, sort_code: "01" } });
    }
    for (const { code, name } of company.departments ?? []) {
      archives.put({ kind: "department", code, name, fields: { endflag: "1", rank: "1" } });
    }
    for (const { code, name, department } of company.persons ?? []) {
      archives.put({ kind: "person", code, name, fields: { dept_code: department } });
    }
    for (const { code, name, source } of company.itemClasses ?? []) {
      archives.put({ kind: "fitemclass", code, name, fields: source === undefined ? {} : { source } });
    }
    for (const { code, name, itemClass } of company.projects ?? []) {
      const fields = { item_class: itemClass, item_code: code };
      archives.put({ kind: ITEM_KIND, code: `${itemClass}|${code}`, name, fields });
    }
    this.#addOpenings(book, company);
    this.flush();
    return book;
  }

  keepResult(result: AddResult): void {
    this.results.set(result.id, result);
    this.#put(`result|${result.id}`, result);
  }

  /** @throws Refusal while a person has the record open in the client */
  refuseOpen(what: "voucher" | "document", id: number): void {
    if (this.openInClient.has(`${what}|${id}`)) throw new Refusal("其他人正在修改", SUCCEED.state);
  }

  /** Hands what changed to the operating system; called before every answer. */
  flush(): void {
    this.#journal?.flush();
  }

  close(): void {
    this.#journal?.close();
  }

  #openBook(company: CompanyBook): Book {
    const openPeriod = company.openPeriod ?? this.openPeriod;
    const closedThrough = addPeriods(openPeriod, -1);
    const standard = company.standard ?? "CAS";
    const book = this.#emptyBook({
      number: company.number,
      name: company.name ?? `示例账套${company.number}`,
      standard,
      startPeriod: company.startPeriod ?? `${Number(openPeriod.slice(0, 4)) - 1}-01`,
      closedThrough,
      stockClosedThrough: closedThrough,
      lockedPeriods: [],
    });
    this.#put(`book|${company.number}`, book.state);
    for (const archive of SHARED_ARCHIVES) book.archives.put(archive);
    for (const account of chartOf(standard)) book.archives.putAccount(account);
    return book;
  }

  #emptyBook(state: BookState): Book {
    const archives = new Archives((archive, gone) => {
      this.#put(`archive|${state.number}|${archive.kind}|${archive.code}`, gone ? null : archive);
    });
    const book: Book = { state, archives, openings: new Map() };
    this.books.set(state.number, book);
    return book;
  }

  #addOpenings(book: Book, company: CompanyBook): void {
    for (const { account, amount } of company.openings ?? []) {
      const value = parseDecimal(amount);
      if (value === undefined) throw new Error(`The opening balance of account ${account} is no decimal number.`);
      book.openings.set(account, (book.openings.get(account) ?? 0n) + value);
    }
    if (company.openings !== undefined) {
      const texts = [...book.openings].map(([account, value]) => [account, value.toString()]);
      this.#put(`openings|${book.state.number}`, Object.fromEntries(texts));
    }
    const origin: Origin = { kind: "person", request: "opening", user: "期初" };
    const date = `${addPeriods(book.state.stockClosedThrough, 1)}-01`;
    for (const { warehouse, item, quantity, price, batch } of company.openingStock ?? []) {
      const line = { inventorycode: item, quantity, price: price ?? "", serial: batch ?? "" };
      const head = { warehousecode: warehouse, date, businesstype: "期初结存", vouchtype: "34", chandler: "期初" };
      this.stock.create(book, { kind: "34", head: { ...head, auditdate: date }, lines: [line] }, origin);
    }
  }

  #noteLedger(note: Parameters<ConstructorParameters<typeof Ledger>[0]["note"]>[0]): void {
    if (note.kind === "voucher") return this.#put(`voucher|${note.voucher.id}`, plainVoucher(note.voucher));
    this.#put(`voucher|${note.deleted.voucher.id}`, null);
    this.#put(`deleted|${note.deleted.voucher.id}`, plainDeleted(note.deleted));
  }

  #noteStock(note: Parameters<ConstructorParameters<typeof Stock>[0]["note"]>[0]): void {
    switch (note.kind) {
      case "document":
        return this.#put(`document|${note.document.id}`, plainDocument(note.document));
      case "withdrawn":
        return this.#put(`document|${note.id}`, null);
      case "gone":
        this.#put(`document|${note.deleted.document.id}`, null);
        this.#put(`gone|${note.deleted.document.id}`, plainDeletedDocument(note.deleted));
    }
  }

  #put(key: string, value: unknown): void {
    this.#journal?.put(key, value);
  }

  #restore(entries: ReadonlyMap<string, unknown>): void {
    // First of all, because they decide what a stock document does to the stock.
    this.#settings = { ...this.#settings, ...KeptSettings.parse(entries.get("settings") ?? {}) };
    for (const [key, value] of entries) {
      const [kind = "", rest = ""] = key.split("|");
      if (kind === "book") this.#emptyBook(KeptBook.parse(value));
      else if (kind === "archive") this.book(rest).archives.restore(KeptArchive.parse(value));
      else if (kind === "voucher") this.#restored(this.ledger, KeptVoucher.parse(value));
      else if (kind === "document") this.#restored(this.stock, KeptDocument.parse(value));
      else if (kind === "deleted") this.ledger.restoreDeleted(this.#seen(KeptDeleted.parse(value)));
      else if (kind === "gone") this.stock.restoreDeleted(this.#seen(KeptDeletedDocument.parse(value)));
      else if (kind === "result") {
        const result = KeptResult.parse(value);
        this.results.set(result.id, result);
      } else if (kind === "openings") {
        for (const [account, amount] of Object.entries(KeptOpenings.parse(value))) {
          this.book(rest).openings.set(account, BigInt(amount));
        }
      }
    }
  }

  #restored<Record extends { changedSequence: number }>(
    where: { restore(record: Record): void },
    record: Record,
  ): void {
    where.restore(record);
    this.#sequence = Math.max(this.#sequence, record.changedSequence);
  }

  #seen<Deleted extends { sequence: number }>(deleted: Deleted): Deleted {
    this.#sequence = Math.max(this.#sequence, deleted.sequence);
    return deleted;
  }
}

function drawCredentials(random: Random, sender: string): Credentials {
  return {
    sender,
    from_account: `test_dev_${random.hex(6)}`,
    to_account: `test_ent_${random.hex(6)}`,
    app_key: `opa${random.hex(15)}`,
    app_secret: random.hex(32),
    ds_sequence: 1,
  };
}
