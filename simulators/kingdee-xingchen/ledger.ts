/**
 * The double-entry books of one account set: vouchers with their life cycle, numbering and periods. What the books refuse
 * about the content of a voucher stands in voucher-rules.ts. Every change gets the next commit sequence number.
 */

import type { BaseData } from "./base-data.ts";
import {
  addPeriods,
  type Book,
  type Entry,
  ERR,
  type IdMint,
  type Life,
  type Origin,
  Refusal,
  type Voucher,
} from "./model.ts";
import { checkVoucher, type RuleOptions } from "./voucher-rules.ts";

export type EntryInput = Omit<Entry, "id"> & { id: string | undefined };

export type VoucherInput = {
  date: string;
  group: string;
  /** "" lets the server number it */
  number: string;
  remark: string;
  external: string;
  attachments: readonly string[];
  entries: readonly EntryInput[];
};

export type DeletedVoucher = { voucher: Voucher; deletedBy: Origin; sequence: number };

/** What happened, for whoever keeps it. */
export type LedgerNote =
  | { kind: "voucher"; voucher: Voucher }
  | { kind: "deleted"; deleted: DeletedVoucher }
  | { kind: "book"; book: Book };

/** Counts commits: vouchers and stock documents of all account sets share one. */
export type Sequence = { value: number };

export class Ledger {
  readonly vouchers = new Map<string, Voucher>();
  readonly deleted: DeletedVoucher[] = [];
  readonly #byExternal = new Map<string, Set<string>>();
  readonly #byPeriod = new Map<string, Set<string>>();
  readonly #bySeriesNumber = new Map<string, string>();
  /** last number given per 凭证字 and period */
  readonly #lastNumber = new Map<string, number>();
  readonly #base: BaseData;
  readonly #ids: IdMint;
  readonly #sequence: Sequence;
  readonly #now: () => number;
  readonly #note: (note: LedgerNote) => void;
  readonly #rules: () => RuleOptions;
  #book: Book;

  constructor(options: {
    book: Book;
    base: BaseData;
    ids: IdMint;
    sequence: Sequence;
    now: () => number;
    note: (note: LedgerNote) => void;
    rules: () => RuleOptions;
  }) {
    this.#book = options.book;
    this.#base = options.base;
    this.#ids = options.ids;
    this.#sequence = options.sequence;
    this.#now = options.now;
    this.#note = options.note;
    this.#rules = options.rules;
  }

  // ---- the book and its periods

  get book(): Book {
    return this.#book;
  }

  changeBook(change: Partial<Book>): Book {
    this.#book = { ...this.#book, ...change };
    this.#sequence.value += 1;
    this.#note({ kind: "book", book: this.#book });
    return this.#book;
  }

  /** 结账: this period and all before it take no more vouchers. */
  closePeriod(period: string): Book {
    return this.changeBook({ closedThrough: period });
  }

  /** 反结账: this period and all after it are open again. */
  openPeriod(period: string): Book {
    return period > this.#book.closedThrough ? this.#book : this.changeBook({ closedThrough: addPeriods(period, -1) });
  }

  isClosed(date: string): boolean {
    return date.slice(0, 7) <= this.#book.closedThrough;
  }

  // ---- reading

  get(id: string): Voucher {
    const voucher = this.vouchers.get(id);
    if (!voucher) throw new Refusal(ERR.notFound, `参数id[${id}]不存在`);
    return voucher;
  }

  byExternal(external: string): Voucher[] {
    return this.#fetch(this.#byExternal.get(external));
  }

  /** @param period  "2025-01" */
  inPeriod(period: string): Voucher[] {
    return this.#fetch(this.#byPeriod.get(period));
  }

  #fetch(ids: ReadonlySet<string> | undefined): Voucher[] {
    return [...(ids ?? [])].flatMap((id) => this.vouchers.get(id) ?? []);
  }

  // ---- writing

  /**
   * Goes through everything that saving would go through, and keeps nothing.
   *
   * @param id  the voucher that is changed; undefined for a new one
   */
  verify(input: VoucherInput, id: string | undefined): void {
    const old = id === undefined ? undefined : this.get(id);
    if (old) this.#refuseUnlessEditable(old, "修改");
    checkVoucher(input, this.#book, this.#base, this.#rules());
    if (input.number !== "") this.#numberFor(input, old);
  }

  /** @throws Refusal naming what is wrong */
  create(input: VoucherInput, origin: Origin, reversalOf = ""): Voucher {
    const entries = checkVoucher(input, this.#book, this.#base, this.#rules());
    const voucher: Voucher = {
      id: this.#ids.next(),
      ...headOf(input),
      number: this.#numberFor(input, undefined),
      status: "Z",
      reversalOf,
      reversedBy: "",
      entries: this.#identify(entries),
      ...this.#born(origin),
    };
    this.#commit(voucher, undefined);
    return voucher;
  }

  /** Puts new content into a voucher that is not audited. */
  update(id: string, input: VoucherInput, origin: Origin): Voucher {
    const old = this.get(id);
    this.#refuseUnlessEditable(old, "修改");
    const entries = checkVoucher(input, this.#book, this.#base, this.#rules());
    const moved = seriesOf(old) !== seriesOf(input) || (input.number !== "" && input.number !== old.number);
    return this.#change(old, origin, {
      ...headOf(input),
      number: moved ? this.#numberFor(input, old) : old.number,
      entries: this.#identify(entries),
    });
  }

  audit(id: string, origin: Origin): Voucher {
    const old = this.get(id);
    if (old.status === "C") throw this.#no(old, "已审核，不能重复审核");
    if (this.#book.auditorMustDiffer && old.creator === origin.user) throw this.#no(old, "审核人与制单人不能相同");
    this.#refuseClosed(old, "审核");
    return this.#settle(old, { status: "C", auditor: origin.user, auditedAtMs: this.#now() });
  }

  unaudit(id: string): Voucher {
    const old = this.get(id);
    if (old.status !== "C") throw this.#no(old, "未审核，不能反审核");
    this.#refuseClosed(old, "反审核");
    return this.#settle(old, { status: "Z", auditor: "", auditedAtMs: 0 });
  }

  delete(id: string, origin: Origin): Voucher {
    const voucher = this.get(id);
    this.#refuseUnlessEditable(voucher, "删除");
    if (voucher.reversedBy !== "") throw this.#no(voucher, "已被冲销，不能删除");
    this.#sequence.value += 1;
    const deleted = { voucher, deletedBy: origin, sequence: this.#sequence.value };
    this.#forget(voucher);
    this.deleted.push(deleted);
    this.#note({ kind: "deleted", deleted });
    const original = this.vouchers.get(voucher.reversalOf);
    if (original) this.#settle(original, { reversedBy: "" });
    return voucher;
  }

  /** 冲销: the same accounts and sides with negative amounts, in the original's period or else in the first open one. */
  reverse(id: string, origin: Origin): Voucher {
    const old = this.get(id);
    if (old.status !== "C") throw this.#no(old, "未审核，不能冲销");
    if (old.reversedBy !== "") throw this.#no(old, "已被冲销，不能重复冲销");
    if (old.reversalOf !== "") throw this.#no(old, "是冲销凭证，不能冲销");
    const date = this.isClosed(old.date) ? `${addPeriods(this.#book.closedThrough, 1)}-01` : old.date;
    const entries = old.entries.map((entry) => negative(entry, `冲销${this.caption(old)}：${entry.explanation}`));
    const input = { date, group: old.group, number: "", remark: old.remark, external: "", attachments: [], entries };
    const reversal = this.create(input, origin, old.id);
    this.#settle(old, { reversedBy: reversal.id });
    return reversal;
  }

  /** 凭证字号, as on lists: "记-12". */
  caption(voucher: Voucher): string {
    return `${voucher.group}-${voucher.number}`;
  }

  // ---- keeping

  restore(voucher: Voucher): void {
    this.#index(voucher);
    this.#seen(voucher);
  }

  restoreDeleted(deleted: DeletedVoucher): void {
    this.deleted.push(deleted);
    this.#seen(deleted.voucher);
    this.#sequence.value = Math.max(this.#sequence.value, deleted.sequence);
  }

  #seen(voucher: Voucher): void {
    this.#ids.seen(voucher.id);
    for (const entry of voucher.entries) this.#ids.seen(entry.id);
    this.#sequence.value = Math.max(this.#sequence.value, voucher.changedSequence);
  }

  #born(origin: Origin): Life {
    const [now, next] = [this.#now(), this.#sequence.value + 1];
    return {
      creator: origin.user,
      createdAtMs: now,
      modifier: origin.user,
      modifiedAtMs: now,
      auditor: "",
      auditedAtMs: 0,
      origin,
      createdSequence: next,
      changedSequence: next,
    };
  }

  #change(old: Voucher, origin: Origin, change: Partial<Voucher>): Voucher {
    return this.#settle(old, { ...change, modifier: origin.user });
  }

  #settle(old: Voucher, change: Partial<Voucher>): Voucher {
    const next = this.#sequence.value + 1;
    const voucher: Voucher = { ...old, ...change, modifiedAtMs: this.#now(), changedSequence: next };
    this.#commit(voucher, old);
    return voucher;
  }

  #commit(voucher: Voucher, old: Voucher | undefined): void {
    this.#sequence.value += 1;
    if (old) this.#unindex(old);
    this.#index(voucher);
    this.#note({ kind: "voucher", voucher });
  }

  #index(voucher: Voucher): void {
    this.vouchers.set(voucher.id, voucher);
    if (voucher.external !== "") addTo(this.#byExternal, voucher.external, voucher.id);
    addTo(this.#byPeriod, voucher.date.slice(0, 7), voucher.id);
    const series = seriesOf(voucher);
    this.#bySeriesNumber.set(`${series}|${voucher.number}`, voucher.id);
    this.#lastNumber.set(series, Math.max(this.#lastNumber.get(series) ?? 0, Number(voucher.number)));
  }

  #unindex(voucher: Voucher): void {
    this.#byExternal.get(voucher.external)?.delete(voucher.id);
    this.#byPeriod.get(voucher.date.slice(0, 7))?.delete(voucher.id);
    this.#bySeriesNumber.delete(`${seriesOf(voucher)}|${voucher.number}`);
  }

  #forget(voucher: Voucher): void {
    this.#unindex(voucher);
    this.vouchers.delete(voucher.id);
    // The last number of a series is free again when its voucher goes; any other leaves a gap (断号).
    const series = seriesOf(voucher);
    if (this.#lastNumber.get(series) === Number(voucher.number)) {
      this.#lastNumber.set(series, Number(voucher.number) - 1);
    }
  }

  #numberFor(input: VoucherInput, old: Voucher | undefined): string {
    const series = seriesOf(input);
    if (input.number === "" || (old && input.number === old.number)) {
      return String((this.#lastNumber.get(series) ?? 0) + 1);
    }
    if (!/^[1-9]\d{0,8}$/.test(input.number)) throw new Refusal(ERR.validation, `凭证号“${input.number}”不正确`);
    const taken = this.#bySeriesNumber.get(`${series}|${input.number}`);
    if (taken !== undefined && taken !== old?.id) {
      const period = input.date.slice(0, 7).replace("-", "");
      throw new Refusal(ERR.duplicate, `凭证号重复：${period}期 ${input.group}-${input.number} 已存在`);
    }
    return input.number;
  }

  #identify(entries: readonly EntryInput[]): Entry[] {
    return entries.map((entry) => ({ ...entry, id: entry.id ?? this.#ids.next() }));
  }

  #refuseUnlessEditable(voucher: Voucher, verb: string): void {
    if (voucher.status === "C") throw this.#no(voucher, `已审核，不能${verb}`);
    this.#refuseClosed(voucher, verb);
  }

  #refuseClosed(voucher: Voucher, verb: string): void {
    if (this.isClosed(voucher.date)) throw this.#no(voucher, `所在期间已结账，不能${verb}`);
  }

  #no(voucher: Voucher, message: string): Refusal {
    return new Refusal(ERR.state, `凭证【${this.caption(voucher)}】${message}`);
  }
}

function headOf(input: VoucherInput): Omit<VoucherInput, "entries" | "number"> {
  const { date, group, remark, external, attachments } = input;
  return { date, group, remark, external, attachments };
}

function negative(entry: Entry, explanation: string): EntryInput {
  return {
    ...entry,
    id: undefined,
    explanation: explanation.slice(0, 255),
    quantity: -entry.quantity,
    amountFor: -entry.amountFor,
    debit: -entry.debit,
    credit: -entry.credit,
  };
}

function seriesOf({ date, group }: Pick<Voucher, "date" | "group">): string {
  return `${date.slice(0, 7)}|${group}`;
}

function addTo(index: Map<string, Set<string>>, key: string, id: string): void {
  const ids = index.get(key);
  if (ids) ids.add(id);
  else index.set(key, new Set([id]));
}
