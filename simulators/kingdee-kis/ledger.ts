/** The double-entry books of one 账套, and everything that KIS refuses. Texts are the simulator's own wording. */

import { gbkLength } from "./gbk.ts";
import {
  type Account,
  addPeriods,
  type Entry,
  type EntryInput,
  type Item,
  type ItemClass,
  NUMBER_MAX,
  type Origin,
  periodOf,
  Refusal,
  type Voucher,
  type VoucherInput,
} from "./model.ts";

export type DeletedVoucher = { voucher: Voucher; deletedBy: Origin; sequence: number };

export type Book = {
  number: string;
  name: string;
  currency: string;
  /** 启用期间 */
  startPeriod: string;
  /** this period and all before it are closed */
  closedThrough: string;
  groups: readonly string[];
  /** 审核人与制单人不能相同 */
  auditorMustDiffer: boolean;
  /** unaudited vouchers may be booked (过账) */
  bookWithoutAudit: boolean;
};

/** What the edition holds: lengths in bytes of GBK, decimals. */
export type BookLimits = {
  summaryBytes: number;
  accountBytes: number;
  codeBytes: number;
  groupBytes: number;
  amountDecimals: number;
  quantityDecimals: number;
  /** largest amount without its decimals, in digits (FDebit N14,2 holds eleven) */
  amountDigits: number;
  entriesMax: number;
};

export type LedgerRules = {
  /** "program": the next free number; "file": the number of the file, refused when taken */
  numbering: "program" | "file";
  /** 业务编号 kept on every entry, or only where the account is 往来业务核算 (never, in a fresh chart) */
  tradeNumber: "keep" | "drop";
};

export type LedgerNote =
  | { kind: "voucher"; voucher: Voucher }
  | { kind: "deleted"; deleted: DeletedVoucher }
  | { kind: "book"; book: Book };

export class Ledger {
  readonly vouchers = new Map<number, Voucher>();
  readonly deleted: DeletedVoucher[] = [];
  readonly accounts = new Map<string, Account>();
  readonly classes = new Map<string, ItemClass>();
  readonly items = new Map<string, Item>();
  sequence = 0;
  #book: Book;
  #nextId = 1;
  readonly #limits: BookLimits;
  readonly #rules: () => LedgerRules;
  readonly #note: (note: LedgerNote) => void;
  /** "2025-01|记" to the numbers in use */
  readonly #numbers = new Map<string, Numbers>();

  constructor(book: Book, options: { limits: BookLimits; rules: () => LedgerRules; note: (note: LedgerNote) => void }) {
    this.#book = book;
    this.#limits = options.limits;
    this.#rules = options.rules;
    this.#note = options.note;
  }

  get book(): Book {
    return this.#book;
  }

  changeBook(change: Partial<Book>): void {
    this.#book = { ...this.#book, ...change };
    this.#note({ kind: "book", book: this.#book });
  }

  // ---- vouchers

  /** @throws Refusal in the program's words, with the row where one entry is to blame */
  create(input: VoucherInput, by: Origin): Voucher {
    const period = this.#checkHead(input);
    const entries = this.#checkEntries(input.entries);
    const number = this.#numberFor(period, input);
    const sequence = this.#next();
    const voucher: Voucher = {
      id: this.#nextId,
      date: input.date,
      group: input.group,
      number,
      attachments: input.attachments,
      preparer: input.preparer === "" ? by.user : input.preparer,
      checker: "",
      poster: "",
      invalid: false,
      entries,
      origin: by,
      createdSequence: sequence,
      changedSequence: sequence,
    };
    this.#nextId += 1;
    this.#put(voucher);
    return voucher;
  }

  /** Checks everything but the number. @throws Refusal */
  check(input: VoucherInput): void {
    this.#checkHead(input);
    this.#checkEntries(input.entries);
  }

  /** Replaces what a person may edit of a voucher that is neither audited nor booked nor void. */
  update(id: number, input: VoucherInput): Voucher {
    const before = this.get(id);
    this.#refuseFinished(before, "修改");
    this.#checkOpen(periodOf(before.date));
    const period = this.#checkHead(input);
    const entries = this.#checkEntries(input.entries);
    const moved = period !== periodOf(before.date) || input.group !== before.group || input.number !== before.number;
    if (moved) this.#free(before);
    try {
      const number = moved ? this.#numberFor(period, input, "file") : before.number;
      const { date, group, attachments } = input;
      return this.#change({ ...before, date, group, number, attachments, entries });
    } catch (error) {
      if (moved) this.#take(before);
      throw error;
    }
  }

  audit(id: number, user: string): Voucher {
    const voucher = this.get(id);
    if (voucher.checker !== "") throw new Refusal("凭证已经审核");
    if (voucher.invalid) throw new Refusal("凭证已作废，不能审核");
    if (this.#book.auditorMustDiffer && voucher.preparer === user) throw new Refusal("审核人与制单人不能为同一人");
    return this.#change({ ...voucher, checker: user });
  }

  unaudit(id: number): Voucher {
    const voucher = this.get(id);
    if (voucher.checker === "") throw new Refusal("凭证尚未审核");
    if (voucher.poster !== "") throw new Refusal("凭证已经过账，不能反审核");
    return this.#change({ ...voucher, checker: "" });
  }

  post(id: number, user: string): Voucher {
    const voucher = this.get(id);
    if (voucher.poster !== "") throw new Refusal("凭证已经过账");
    if (voucher.invalid) throw new Refusal("凭证已作废，不能过账");
    if (voucher.checker === "" && !this.#book.bookWithoutAudit) throw new Refusal("凭证尚未审核，不能过账");
    return this.#change({ ...voucher, poster: user });
  }

  unpost(id: number): Voucher {
    const voucher = this.get(id);
    if (voucher.poster === "") throw new Refusal("凭证尚未过账");
    this.#checkOpen(periodOf(voucher.date));
    return this.#change({ ...voucher, poster: "" });
  }

  setInvalid(id: number, invalid: boolean): Voucher {
    const voucher = this.get(id);
    if (voucher.invalid === invalid) throw new Refusal(invalid ? "凭证已经作废" : "凭证没有作废");
    if (voucher.checker !== "" || voucher.poster !== "") throw new Refusal("凭证已经审核或过账，不能作废");
    this.#checkOpen(periodOf(voucher.date));
    return this.#change({ ...voucher, invalid });
  }

  /** Its number is free afterwards: the next voucher may get it. */
  delete(id: number, by: Origin): Voucher {
    const voucher = this.get(id);
    if (voucher.checker !== "" || voucher.poster !== "") throw new Refusal("凭证已经审核或过账，不能删除");
    this.#checkOpen(periodOf(voucher.date));
    this.vouchers.delete(id);
    this.#free(voucher);
    const deleted: DeletedVoucher = { voucher, deletedBy: by, sequence: this.#next() };
    this.deleted.push(deleted);
    this.#note({ kind: "deleted", deleted });
    return voucher;
  }

  /** 凭证整理断号: the vouchers of a period that are not booked close ranks, in the order of date and old number. */
  renumber(period: string, group: string): number {
    this.#checkOpen(period);
    const all = this.inPeriod(period).filter((voucher) => voucher.group === group);
    if (all.some(({ poster }) => poster !== "")) throw new Refusal("该期间有已过账凭证，不能整理断号");
    const ordered = all.toSorted((left, right) => left.date.localeCompare(right.date) || left.number - right.number);
    for (const voucher of ordered) this.#free(voucher);
    let changed = 0;
    ordered.forEach((voucher, index) => {
      if (voucher.number !== index + 1) changed += 1;
      this.#change({ ...voucher, number: index + 1 });
      this.#take({ ...voucher, number: index + 1 });
    });
    return changed;
  }

  get(id: number): Voucher {
    const voucher = this.vouchers.get(id);
    if (!voucher) throw new Refusal(`凭证${id}不存在`);
    return voucher;
  }

  /** @returns the vouchers of a period by 凭证字 (in the book's order) and number, as the program lists them */
  inPeriod(period: string): Voucher[] {
    const rank = (group: string): number => this.#book.groups.indexOf(group);
    return [...this.vouchers.values()]
      .filter(({ date }) => periodOf(date) === period)
      .toSorted((left, right) => rank(left.group) - rank(right.group) || left.number - right.number);
  }

  // ---- periods

  closePeriod(period: string): void {
    const waiting = [...this.vouchers.values()].filter(
      ({ date, poster, invalid }) => periodOf(date) <= period && poster === "" && !invalid,
    );
    // KIS closes a period only when every voucher of it is booked; `force` of the person's face books them first.
    if (waiting.length > 0) throw new Refusal(`本期还有${waiting.length}张凭证未过账，不能结账`);
    if (period > this.#book.closedThrough) this.changeBook({ closedThrough: period });
  }

  openPeriod(period: string): void {
    if (period <= this.#book.closedThrough) this.changeBook({ closedThrough: addPeriods(period, -1) });
  }

  // ---- what a start finds in its folder

  restore(voucher: Voucher): void {
    this.vouchers.set(voucher.id, voucher);
    this.#take(voucher);
    this.#nextId = Math.max(this.#nextId, voucher.id + 1);
    this.sequence = Math.max(this.sequence, voucher.changedSequence);
  }

  restoreDeleted(deleted: DeletedVoucher): void {
    this.deleted.push(deleted);
    this.#nextId = Math.max(this.#nextId, deleted.voucher.id + 1);
    this.sequence = Math.max(this.sequence, deleted.sequence);
  }

  restoreBook(book: Book): void {
    this.#book = book;
  }

  // ---- what is refused

  #checkHead(input: VoucherInput): string {
    const row = input.entries[0]?.row ?? 0;
    const period = periodOf(input.date);
    if (input.period !== 0 && input.period !== Number(input.date.slice(5, 7))) {
      throw new Refusal(`会计期间${input.period}与凭证日期${input.date}不符`, row);
    }
    if (period < this.#book.startPeriod) throw new Refusal(`凭证日期${input.date}早于账套启用期间`, row);
    this.#checkOpen(period, row);
    if (gbkLength(input.group) > this.#limits.groupBytes || !this.#book.groups.includes(input.group)) {
      throw new Refusal(`凭证字“${input.group}”不存在`, row);
    }
    return period;
  }

  #checkOpen(period: string, row = 0): void {
    if (period > this.#book.closedThrough) return;
    throw new Refusal(`会计期间${period.slice(0, 4)}年第${Number(period.slice(5))}期已经结账`, row);
  }

  #checkEntries(entries: readonly EntryInput[]): Entry[] {
    if (entries.length < 2) throw new Refusal("凭证至少要有两条分录", entries[0]?.row ?? 0);
    if (entries.length > this.#limits.entriesMax) throw new Refusal(`凭证分录超过${this.#limits.entriesMax}条`);
    // Integrators fill an empty first summary with a placeholder because the program refuses it.
    if (entries[0]?.summary.trim() === "") throw new Refusal("第一条分录的摘要不能为空", entries[0].row);
    const checked = entries.map((entry) => this.#checkEntry(entry));
    const total = (side: "D" | "C"): bigint =>
      checked.reduce((sum, entry) => sum + (entry.side === side ? entry.amount : 0n), 0n);
    if (total("D") !== total("C")) throw new Refusal("凭证借贷不平衡", entries[0]?.row ?? 0);
    return checked;
  }

  #checkEntry(input: EntryInput): Entry {
    const { row, debit, credit, ...entry } = input;
    const refuse = (message: string): never => {
      throw new Refusal(message, row);
    };
    const account = this.#usableAccount(entry.account, row);
    const limits = this.#limits;
    if (gbkLength(entry.summary) > limits.summaryBytes) refuse(`摘要超过${limits.summaryBytes}个字节`);
    if ((entry.side === "D" ? credit : debit) !== 0n) refuse("借贷方向与金额不符");
    if (entry.amount === 0n) refuse("分录金额不能为零");
    if (!fits(entry.amount, limits.amountDecimals, limits.amountDigits)) refuse("金额超出允许的长度或小数位");
    if (!fits(entry.quantity, limits.quantityDecimals, limits.amountDigits)) refuse("数量超出允许的小数位");
    if (entry.currency !== this.#book.currency) refuse(`币别“${entry.currency}”不存在`);
    if (entry.rate !== RATE_ONE) refuse("本位币的汇率应为1");
    if (entry.amountFor !== entry.amount) refuse("原币金额与本位币金额不符");
    return {
      ...entry,
      objects: this.#checkObjects(input, account),
      tradeNumber: this.#rules().tradeNumber === "keep" ? entry.tradeNumber : "",
      // Quantities of accounts without 数量金额核算 vanish without a word.
      quantity: account.quantity ? entry.quantity : 0n,
      price: account.quantity ? entry.price : 0n,
      unit: account.quantity ? entry.unit : "",
    };
  }

  #usableAccount(number: string, row: number): Account {
    const account = this.accounts.get(number);
    if (!account || gbkLength(number) > this.#limits.accountBytes) throw new Refusal(`科目代码“${number}”不存在`, row);
    if (this.isParent(number)) throw new Refusal(`科目“${number}”不是最明细科目`, row);
    if (account.disabled) throw new Refusal(`科目“${number}”已禁用`, row);
    return account;
  }

  isParent(number: string): boolean {
    for (const other of this.accounts.keys()) if (other.startsWith(`${number}.`)) return true;
    return false;
  }

  #checkObjects({ objects, row }: EntryInput, account: Account): Entry["objects"] {
    const given = new Set<string>();
    for (const { className, code } of objects) {
      if (!this.classes.has(className)) throw new Refusal(`核算类别“${className}”不存在`, row);
      if (given.has(className)) throw new Refusal(`核算类别“${className}”重复`, row);
      if (account.objects[className] === undefined) {
        throw new Refusal(`科目“${account.number}”没有核算类别“${className}”`, row);
      }
      const item = this.items.get(itemKey(className, code));
      if (!item || gbkLength(code) > this.#limits.codeBytes) {
        throw new Refusal(`核算类别“${className}”中代码“${code}”不存在`, row);
      }
      if (item.disabled) throw new Refusal(`核算项目“${code}”已禁用`, row);
      given.add(className);
    }
    const missing = Object.entries(account.objects).find(([name, demand]) => demand === "required" && !given.has(name));
    if (missing) throw new Refusal(`科目“${account.number}”必须录入核算项目“${missing[0]}”`, row);
    return objects.map(({ className, code }) => ({ className, code }));
  }

  #refuseFinished(voucher: Voucher, verb: string): void {
    if (voucher.poster !== "") throw new Refusal(`凭证已经过账，不能${verb}`);
    if (voucher.checker !== "") throw new Refusal(`凭证已经审核，不能${verb}`);
    if (voucher.invalid) throw new Refusal(`凭证已作废，不能${verb}`);
  }

  // ---- numbers

  #numberFor(period: string, input: VoucherInput, rule = this.#rules().numbering): number {
    const used = this.#used(period, input.group);
    const row = input.entries[0]?.row ?? 0;
    if (rule === "file" && input.number > 0) {
      if (input.number > NUMBER_MAX) throw new Refusal(`凭证号超过${NUMBER_MAX}`, row);
      if (used.has(input.number)) throw new Refusal(`凭证号“${input.group}-${input.number}”已经存在`, row);
      used.add(input.number);
      return input.number;
    }
    const next = used.highest() + 1;
    if (next > NUMBER_MAX) throw new Refusal(`${period}“${input.group}”字凭证号已达${NUMBER_MAX}`, row);
    used.add(next);
    return next;
  }

  #used(period: string, group: string): Numbers {
    const key = `${period}|${group}`;
    const used = this.#numbers.get(key) ?? new Numbers();
    this.#numbers.set(key, used);
    return used;
  }

  #take(voucher: Voucher): void {
    this.#used(periodOf(voucher.date), voucher.group).add(voucher.number);
  }

  #free(voucher: Voucher): void {
    this.#used(periodOf(voucher.date), voucher.group).delete(voucher.number);
  }

  #next(): number {
    this.sequence += 1;
    return this.sequence;
  }

  #change(voucher: Voucher): Voucher {
    const changed = { ...voucher, changedSequence: this.#next() };
    this.#put(changed);
    return changed;
  }

  #put(voucher: Voucher): void {
    this.vouchers.set(voucher.id, voucher);
    this.#note({ kind: "voucher", voucher });
  }
}

/** The numbers that are taken in one period for one 凭证字. */
class Numbers {
  readonly #taken = new Set<number>();
  #highest = 0;

  has(number: number): boolean {
    return this.#taken.has(number);
  }

  add(number: number): void {
    this.#taken.add(number);
    this.#highest = Math.max(this.#highest, number);
  }

  delete(number: number): void {
    this.#taken.delete(number);
    if (number !== this.#highest) return;
    this.#highest = 0;
    for (const taken of this.#taken) this.#highest = Math.max(this.#highest, taken);
  }

  /** @returns 0 when none is taken */
  highest(): number {
    return this.#highest;
  }
}

const RATE_ONE = 10n ** 10n;

export const itemKey = (className: string, code: string): string => `${className}|${code}`;

/** @returns whether an amount of 10^-10 has no more decimals and digits than these */
function fits(value: bigint, decimals: number, digits: number): boolean {
  const step = 10n ** BigInt(10 - decimals);
  const magnitude = value < 0n ? -value : value;
  return magnitude % step === 0n && magnitude < 10n ** BigInt(digits + 10);
}
