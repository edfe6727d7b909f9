/** Everything one running 云星辰 knows: its account sets, the application's credentials, the switches. It can be kept in a folder. */

import { z } from "zod";
import { type Journal, openJournal } from "../shared/journal.ts";
import { Random } from "../shared/prng.ts";
import { AccountSet, type Authorisation, bookOf, type CompanyBook, type SetNote } from "./account-set.ts";
import {
  KeptBill,
  KeptBook,
  KeptDeletedBill,
  KeptDeletedVoucher,
  KeptItem,
  KeptOpenings,
  KeptSet,
  KeptVoucher,
  plainBill,
  plainOpening,
  plainVoucher,
} from "./keeping.ts";
import type { Sequence } from "./ledger.ts";
import { type Book, IdMint } from "./model.ts";
import { Settings } from "./settings.ts";

export type WorldOptions = {
  seed: number;
  now: () => number;
  openPeriod: string;
  settings: Partial<Settings>;
  dataDir: string | undefined;
  companies: readonly CompanyBook[];
};

const DOMAIN = "https://tf.jdy.com";
const KEY_APPLICATION = "application";
const KEY_SETTINGS = "settings";

const Application = z.object({ clientId: z.string(), clientSecret: z.string(), tokenKey: z.string() });
type Application = z.infer<typeof Application>;

export class World {
  readonly application: Application;
  readonly random: Random;
  readonly now: () => number;
  readonly openPeriod: string;
  readonly sequence: Sequence = { value: 0 };
  readonly #ids = new IdMint();
  readonly #sets = new Map<string, AccountSet>();
  readonly #journal: Journal | undefined;
  #settings: Settings;

  constructor(options: WorldOptions) {
    this.now = options.now;
    this.random = new Random(options.seed);
    this.openPeriod = options.openPeriod;
    const kept = options.dataDir === undefined ? undefined : openJournal(options.dataDir, "kingdee-xingchen");
    const entries = kept?.entries ?? new Map<string, unknown>();
    const old = Settings.safeParse(entries.get(KEY_SETTINGS));
    this.#settings = old.success ? old.data : Settings.parse(options.settings);
    const drawn = drawApplication(this.random);
    const application = Application.safeParse(entries.get(KEY_APPLICATION));
    this.application = application.success ? application.data : drawn;
    // Nothing is noted while the journal is not set: what it holds need not be written again.
    this.#restore(entries);
    this.#journal = kept?.journal;
    this.#put(KEY_APPLICATION, this.application);
    for (const company of options.companies) {
      if (!this.findSet(company.number)) this.addCompany(company);
    }
    this.flush();
  }

  get settings(): Settings {
    return this.#settings;
  }

  /** @throws ZodError when a switch does not exist or does not take that value */
  changeSettings(change: object): Settings {
    this.#settings = Settings.parse({ ...this.#settings, ...change });
    this.#put(KEY_SETTINGS, this.#settings);
    return this.#settings;
  }

  // ---- account sets

  sets(): AccountSet[] {
    return [...this.#sets.values()];
  }

  /** @param number  of the book; undefined takes the first */
  findSet(number: string | undefined): AccountSet | undefined {
    return this.sets().find((set) => number === undefined || set.book.number === number);
  }

  /** Opens an account set with its chart and base data; to one that exists it only adds. */
  addCompany(company: CompanyBook): AccountSet {
    const known = this.findSet(company.number);
    const set = known ?? this.#open(company);
    set.addCompany(company);
    this.flush();
    return set;
  }

  #open(company: CompanyBook): AccountSet {
    const authorisation = this.#drawAuthorisation(company);
    const set = this.#make(bookOf(company, authorisation.accountId, this.openPeriod), authorisation, this.now());
    this.#note(set, { kind: "authorisation", set });
    this.#note(set, { kind: "book", book: set.book });
    set.seed(set.book.standard);
    return set;
  }

  #make(book: Book, authorisation: Authorisation, secretAtMs: number): AccountSet {
    const set = new AccountSet({
      book,
      authorisation,
      secretAtMs,
      ids: this.#ids,
      sequence: this.sequence,
      now: this.now,
      settings: () => this.#settings,
      note: (from, note) => this.#note(from, note),
    });
    this.#sets.set(book.accountId, set);
    return set;
  }

  #drawAuthorisation(company: CompanyBook): Authorisation {
    const digits = (length: number): string => {
      return Array.from({ length }, (_, index) =>
        index === 0 ? 1 + this.random.below(9) : this.random.below(10),
      ).join("");
    };
    return {
      outerInstanceId: digits(18),
      appKey: `${this.random.hex(8)}A`,
      appSecret: this.random.hex(40),
      domain: DOMAIN,
      accountId: digits(19),
      accountName: company.name ?? `示例账套${company.number}`,
      serviceId: digits(13),
      groupName: "cn-north-4",
    };
  }

  // ---- keeping

  /** Hands everything noted to the operating system; called before every answer. */
  flush(): void {
    this.#journal?.flush();
  }

  close(): void {
    this.#journal?.close();
  }

  #put(key: string, value: unknown): void {
    this.#journal?.put(key, value);
  }

  #note(set: AccountSet, note: SetNote): void {
    const { accountId } = set.book;
    switch (note.kind) {
      case "authorisation": {
        const { authorisation, secretAtMs, generation } = note.set;
        return this.#put(`set|${accountId}`, { authorisation, secretAtMs, generation });
      }
      case "book":
        return this.#put(`book|${accountId}`, note.book);
      case "base":
        return this.#put(`base|${accountId}|${note.id}`, note.item);
      case "voucher":
        return this.#put(`voucher|${accountId}|${note.voucher.id}`, plainVoucher(note.voucher));
      case "deleted": {
        const { voucher } = note.deleted;
        this.#put(`voucher|${accountId}|${voucher.id}`, null);
        return this.#put(`deleted|${accountId}|${voucher.id}`, { ...note.deleted, voucher: plainVoucher(voucher) });
      }
      case "bill":
        return this.#put(`bill|${accountId}|${note.bill.id}`, plainBill(note.bill));
      case "deletedBill": {
        const { bill } = note.deleted;
        this.#put(`bill|${accountId}|${bill.id}`, null);
        return this.#put(`deletedBill|${accountId}|${bill.id}`, { ...note.deleted, bill: plainBill(bill) });
      }
      case "openings":
        return this.#put(`openings|${accountId}`, { openings: note.openings.map(plainOpening), stock: note.stock });
    }
  }

  #restore(entries: ReadonlyMap<string, unknown>): void {
    for (const [key, value] of entries) {
      const [kind = "", accountId = ""] = key.split("|");
      if (kind === "set") {
        const { authorisation, secretAtMs, generation } = KeptSet.parse(value);
        const book = KeptBook.parse(entries.get(`book|${accountId}`));
        this.#make(book, authorisation, secretAtMs).restoreGeneration(generation);
      }
      const set = this.#sets.get(accountId);
      if (set) restoreInto(set, kind, value);
    }
  }
}

function restoreInto(set: AccountSet, kind: string, value: unknown): void {
  switch (kind) {
    case "base":
      return set.base.restore(KeptItem.parse(value));
    case "voucher":
      return set.ledger.restore(KeptVoucher.parse(value));
    case "deleted":
      return set.ledger.restoreDeleted(KeptDeletedVoucher.parse(value));
    case "bill":
      return set.stock.restore(KeptBill.parse(value));
    case "deletedBill":
      return set.stock.restoreDeleted(KeptDeletedBill.parse(value));
    case "openings": {
      const { openings, stock } = KeptOpenings.parse(value);
      return set.setOpenings(openings, stock, stock);
    }
    default:
      return;
  }
}

function drawApplication(random: Random): Application {
  return {
    clientId: String(200_000 + random.below(99_999)),
    clientSecret: random.hex(32),
    tokenKey: random.hex(32),
  };
}
