/**
 * The double-entry books: vouchers with their life cycle, numbering, periods, and everything the general ledger
 * refuses. Knows nothing of JSON or HTTP. Every change gets the next commit sequence number.
 */

import { formatDecimal, parseDecimal, scaleDecimal } from "../shared/decimal.ts";
import type { BaseData } from "./base-data.ts";
import { FLEX_COLUMNS } from "./charts.ts";
import {
  addPeriods,
  type BaseItem,
  type Book,
  type DocumentStatus,
  type Entry,
  MSG,
  type Origin,
  Refusal,
  Refusals,
  type Voucher,
} from "./model.ts";
import { foldText } from "./query-language.ts";

export type EntryInput = Omit<Entry, "id"> & { id: number | undefined };

export type VoucherInput = {
  book: string;
  date: string;
  businessDate: string;
  /** given by the caller; must agree with the date */
  year: number | undefined;
  period: number | undefined;
  group: string;
  /** "" lets the server number it */
  number: string;
  attachments: number;
  reference: string;
  external: string;
  sourceBillKey: string;
  adjust: boolean;
  entries: readonly EntryInput[];
};

/** What happened to a voucher, for whoever keeps it. */
export type LedgerNote =
  | { kind: "voucher"; voucher: Voucher }
  | { kind: "deleted"; deleted: DeletedVoucher }
  | { kind: "book"; book: Book };

export type DeletedVoucher = { voucher: Voucher; deletedBy: Origin; sequence: number };

const FIRST_VOUCHER_ID = 100_001;
const EXPLANATION_LENGTH_MAX = 255;
const ENTRIES_MAX = 5_000;
const EDITABLE: ReadonlySet<DocumentStatus> = new Set(["Z", "A", "D"]);

export class Ledger {
  readonly books = new Map<string, Book>();
  readonly vouchers = new Map<number, Voucher>();
  readonly deleted: DeletedVoucher[] = [];
  /** ids in rising order; ids of deleted vouchers stay until half of the list is such */
  #order: number[] = [];
  readonly #byExternal = new Map<string, Set<number>>();
  readonly #byNumber = new Map<string, Set<number>>();
  readonly #byPeriod = new Map<string, Set<number>>();
  /** last number given per book, period and 凭证字 */
  readonly #lastNumber = new Map<string, number>();
  readonly #base: BaseData;
  readonly #now: () => string;
  readonly #note: (note: LedgerNote) => void;
  readonly #externalLengthMax: number;
  readonly #unlistedDimensions: "keep" | "drop" | "refuse";
  #sequence = 0;
  #nextId = FIRST_VOUCHER_ID;
  #nextEntryId = 1;

  constructor(options: {
    base: BaseData;
    now: () => string;
    note: (note: LedgerNote) => void;
    externalLengthMax: number;
    unlistedDimensions: "keep" | "drop" | "refuse";
  }) {
    this.#base = options.base;
    this.#now = options.now;
    this.#note = options.note;
    this.#externalLengthMax = options.externalLengthMax;
    this.#unlistedDimensions = options.unlistedDimensions;
  }

  get sequence(): number {
    return this.#sequence;
  }

  // ---- books and periods

  putBook(book: Book): void {
    this.books.set(book.number, book);
    this.#sequence += 1;
    this.#note({ kind: "book", book });
  }

  restoreBook(book: Book): void {
    this.books.set(book.number, book);
  }

  book(number: string): Book {
    const book = this.books.get(number);
    if (!book) throw new Refusal(MSG.notFound, `账簿“${number}”不存在`, "FAccountBookID");
    return book;
  }

  /** 结账: this period and all before it take no more vouchers. */
  closePeriod(number: string, period: string): void {
    this.putBook({ ...this.book(number), closedThrough: period });
  }

  /** 反结账: this period and all after it are open again. */
  openPeriod(number: string, period: string): void {
    const book = this.book(number);
    if (period <= book.closedThrough) this.putBook({ ...book, closedThrough: addPeriods(period, -1) });
  }

  // ---- reading

  /** @returns ids in rising order, those above `after` only */
  idsAfter(after: number): number[] {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#order[middle] ?? 0) <= after) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? this.#order : this.#order.slice(low);
  }

  byExternal(value: string): ReadonlySet<number> {
    return this.#byExternal.get(foldText(value)) ?? EMPTY;
  }

  byNumber(value: string): ReadonlySet<number> {
    return this.#byNumber.get(foldText(value)) ?? EMPTY;
  }

  inPeriod(book: string, year: number, period: number): ReadonlySet<number> {
    return this.#byPeriod.get(`${book}|${year}|${period}`) ?? EMPTY;
  }

  account(book: Book, number: string): BaseItem | undefined {
    return this.#base.find("BD_ACCOUNT", number, book.chart);
  }

  /** The number as shown on lists: 凭证字 and number, "记-12". */
  caption(voucher: Voucher): string {
    return `${this.#base.find("BD_VOUCHERGROUP", voucher.group)?.name ?? ""}-${voucher.number}`;
  }

  // ---- writing

  /** @throws Refusal or Refusals with everything that is wrong */
  create(input: VoucherInput, origin: Origin, draft = false): Voucher {
    const book = this.book(input.book);
    const checked = this.#check(book, input, draft);
    const [year, period] = yearAndPeriod(input.date);
    const now = this.#now();
    const voucher: Voucher = {
      id: this.#nextId,
      book: book.number,
      date: input.date,
      businessDate: input.businessDate,
      year,
      period,
      group: input.group,
      number: this.#numberFor(book, input, undefined),
      documentStatus: draft ? "Z" : "A",
      invalid: false,
      posted: false,
      attachments: input.attachments,
      reference: input.reference,
      external: input.external,
      sourceBillKey: input.sourceBillKey,
      adjust: input.adjust,
      creator: origin.user,
      createdAt: now,
      modifier: origin.user,
      modifiedAt: now,
      auditor: "",
      auditedAt: "",
      poster: "",
      postedAt: "",
      entries: this.#numberEntries(checked),
      origin,
      createdSequence: this.#sequence + 1,
      changedSequence: this.#sequence + 1,
    };
    this.#nextId += 1;
    this.#commit(voucher, undefined);
    return voucher;
  }

  /** Puts new content into a voucher that is not under audit, audited or booked. */
  update(id: number, input: VoucherInput, origin: Origin, draft = false): Voucher {
    const old = this.get(id);
    this.#refuseUnlessEditable(old);
    const book = this.book(input.book);
    const checked = this.#check(book, input, draft);
    const [year, period] = yearAndPeriod(input.date);
    const moved = old.book !== input.book || old.year !== year || old.period !== period || old.group !== input.group;
    const number = moved || input.number !== old.number ? this.#numberFor(book, input, old) : old.number;
    return this.#edit(old, origin, {
      book: input.book,
      date: input.date,
      businessDate: input.businessDate,
      year,
      period,
      group: input.group,
      number,
      documentStatus: draft ? "Z" : old.documentStatus === "Z" ? "A" : old.documentStatus,
      attachments: input.attachments,
      reference: input.reference,
      external: input.external,
      sourceBillKey: input.sourceBillKey,
      adjust: input.adjust,
      entries: this.#numberEntries(checked),
    });
  }

  submit(id: number): Voucher {
    const voucher = this.get(id);
    if (voucher.invalid) throw refuse(voucher, "凭证已作废，不允许提交", this);
    if (voucher.documentStatus !== "A" && voucher.documentStatus !== "D") {
      throw refuse(voucher, "只有创建或重新审核状态的单据才允许提交", this);
    }
    this.#refuseClosed(voucher);
    return this.#change(voucher, { documentStatus: "B" });
  }

  /** 撤销提交. */
  cancelAssign(id: number): Voucher {
    const voucher = this.get(id);
    if (voucher.documentStatus !== "B") throw refuse(voucher, "只有审核中的单据才允许撤销", this);
    return this.#change(voucher, { documentStatus: "D" });
  }

  audit(id: number, origin: Origin): Voucher {
    const voucher = this.get(id);
    const book = this.book(voucher.book);
    const ready =
      voucher.documentStatus === "B" || (book.auditWithoutSubmit && EDITABLE_FOR_AUDIT.has(voucher.documentStatus));
    if (!ready) throw refuse(voucher, "只有审核中的单据才允许审核", this);
    if (voucher.invalid) throw refuse(voucher, "凭证已作废，不允许审核", this);
    if (book.auditorMustDiffer && voucher.creator === origin.user)
      throw refuse(voucher, "审核人与制单人不能相同", this);
    this.#refuseClosed(voucher);
    return this.#change(voucher, { documentStatus: "C", auditor: origin.user, auditedAt: this.#now() });
  }

  unaudit(id: number): Voucher {
    const voucher = this.get(id);
    if (voucher.documentStatus !== "C") throw refuse(voucher, "只有已审核的单据才允许反审核", this);
    if (voucher.posted) throw refuse(voucher, "凭证已过账，不允许反审核", this);
    this.#refuseClosed(voucher);
    return this.#change(voucher, { documentStatus: "D", auditor: "", auditedAt: "" });
  }

  /** 过账. */
  post(id: number, origin: Origin): Voucher {
    const voucher = this.get(id);
    const book = this.book(voucher.book);
    if (voucher.posted) throw refuse(voucher, "凭证已过账", this);
    if (voucher.invalid) throw refuse(voucher, "凭证已作废，不允许过账", this);
    if (voucher.documentStatus === "Z") throw refuse(voucher, "暂存的凭证不允许过账", this);
    if (voucher.documentStatus !== "C" && !book.bookWithoutAudit) throw refuse(voucher, "凭证未审核，不允许过账", this);
    this.#refuseClosed(voucher);
    return this.#change(voucher, { posted: true, poster: origin.user, postedAt: this.#now() });
  }

  /** 反过账. */
  unpost(id: number): Voucher {
    const voucher = this.get(id);
    if (!voucher.posted) throw refuse(voucher, "凭证未过账", this);
    this.#refuseClosed(voucher);
    return this.#change(voucher, { posted: false, poster: "", postedAt: "" });
  }

  /** 作废. */
  void(id: number, origin: Origin): Voucher {
    const voucher = this.get(id);
    if (voucher.invalid) throw refuse(voucher, "凭证已作废", this);
    this.#refuseUnlessEditable(voucher);
    return this.#edit(voucher, origin, { invalid: true });
  }

  /** 反作废. */
  unvoid(id: number, origin: Origin): Voucher {
    const voucher = this.get(id);
    if (!voucher.invalid) throw refuse(voucher, "凭证未作废", this);
    this.#refuseClosed(voucher);
    return this.#edit(voucher, origin, { invalid: false });
  }

  delete(id: number, origin: Origin): Voucher {
    const voucher = this.get(id);
    this.#refuseUnlessEditable(voucher);
    this.#sequence += 1;
    const deleted = { voucher, deletedBy: origin, sequence: this.#sequence };
    this.#forget(voucher);
    this.deleted.push(deleted);
    this.#note({ kind: "deleted", deleted });
    return voucher;
  }

  get(id: number): Voucher {
    const voucher = this.vouchers.get(id);
    if (!voucher) throw new Refusal(MSG.notFound, `内码为“${id}”的凭证不存在，可能已被删除`);
    return voucher;
  }

  /** Empties the custom field of every voucher, as removing a field in BOS does. */
  clearExternal(origin: Origin): void {
    for (const voucher of this.vouchers.values()) {
      if (voucher.external !== "") this.#edit(voucher, origin, { external: "" });
    }
  }

  // ---- keeping

  restore(voucher: Voucher): void {
    this.#index(voucher);
    this.#seen(voucher);
  }

  restoreDeleted(deleted: DeletedVoucher): void {
    this.deleted.push(deleted);
    this.#seen(deleted.voucher);
    this.#sequence = Math.max(this.#sequence, deleted.sequence);
  }

  #seen(voucher: Voucher): void {
    this.#nextId = Math.max(this.#nextId, voucher.id + 1);
    this.#sequence = Math.max(this.#sequence, voucher.changedSequence);
    for (const entry of voucher.entries) this.#nextEntryId = Math.max(this.#nextEntryId, entry.id + 1);
  }

  /** A change of content also names its modifier; one of state (提交, 审核, 过账 …) does not. */
  #edit(old: Voucher, origin: Origin, change: Partial<Voucher>): Voucher {
    return this.#change(old, { ...change, modifier: origin.user, modifiedAt: this.#now() });
  }

  #change(old: Voucher, change: Partial<Voucher>): Voucher {
    const voucher: Voucher = { ...old, ...change, changedSequence: this.#sequence + 1 };
    this.#commit(voucher, old);
    return voucher;
  }

  #commit(voucher: Voucher, old: Voucher | undefined): void {
    this.#sequence += 1;
    if (old) this.#unindex(old);
    this.#index(voucher);
    this.#note({ kind: "voucher", voucher });
  }

  #index(voucher: Voucher): void {
    if (!this.vouchers.has(voucher.id)) {
      const last = this.#order.at(-1);
      this.#order.push(voucher.id);
      if (last !== undefined && last > voucher.id) this.#order.sort((left, right) => left - right);
    }
    this.vouchers.set(voucher.id, voucher);
    if (voucher.external !== "") addTo(this.#byExternal, foldText(voucher.external), voucher.id);
    addTo(this.#byNumber, foldText(voucher.number), voucher.id);
    addTo(this.#byPeriod, `${voucher.book}|${voucher.year}|${voucher.period}`, voucher.id);
    const number = Number(voucher.number);
    const series = seriesOf(voucher);
    if (Number.isSafeInteger(number) && number > (this.#lastNumber.get(series) ?? 0))
      this.#lastNumber.set(series, number);
  }

  #unindex(voucher: Voucher): void {
    this.#byExternal.get(foldText(voucher.external))?.delete(voucher.id);
    this.#byNumber.get(foldText(voucher.number))?.delete(voucher.id);
    this.#byPeriod.get(`${voucher.book}|${voucher.year}|${voucher.period}`)?.delete(voucher.id);
  }

  #forget(voucher: Voucher): void {
    this.#unindex(voucher);
    this.vouchers.delete(voucher.id);
    // The last number of a series is free again when its voucher goes; any other leaves a gap (断号).
    if (String(this.#lastNumber.get(seriesOf(voucher))) === voucher.number) {
      this.#lastNumber.set(seriesOf(voucher), Number(voucher.number) - 1);
    }
    if (this.#order.length > 2 * this.vouchers.size + 16)
      this.#order = this.#order.filter((id) => this.vouchers.has(id));
  }

  // ---- rules

  #refuseUnlessEditable(voucher: Voucher): void {
    if (voucher.posted) throw refuse(voucher, "凭证已过账，不允许修改", this);
    if (voucher.documentStatus === "C") throw refuse(voucher, "单据已审核，不允许修改", this);
    if (!EDITABLE.has(voucher.documentStatus)) throw refuse(voucher, "单据审核中，不允许修改", this);
    this.#refuseClosed(voucher);
  }

  #refuseClosed(voucher: Voucher): void {
    if (voucher.date.slice(0, 7) <= this.book(voucher.book).closedThrough) {
      throw refuse(voucher, "凭证日期所在期间已结账", this);
    }
  }

  #numberFor(book: Book, input: VoucherInput, old: Voucher | undefined): string {
    const [year, period] = yearAndPeriod(input.date);
    const series = seriesOf({ book: book.number, year, period, group: input.group });
    const wanted = input.number.trim();
    // A voucher that moves to another series without asking for a number gets the next one there.
    if (wanted === "" || !book.selfNumbering || wanted === old?.number)
      return String((this.#lastNumber.get(series) ?? 0) + 1);
    for (const id of this.byNumber(wanted)) {
      const other = this.vouchers.get(id);
      if (other && other.id !== old?.id && seriesOf(other) === series) {
        const word = this.#base.find("BD_VOUCHERGROUP", input.group)?.name ?? input.group;
        throw new Refusal(
          MSG.validation,
          `凭证号重复：${year}年${period}期 ${word}-${wanted} 已存在`,
          "FVOUCHERGROUPNO",
        );
      }
    }
    return wanted;
  }

  #numberEntries(entries: readonly EntryInput[]): Entry[] {
    return entries.map((entry) => {
      const id = entry.id ?? this.#nextEntryId;
      if (entry.id === undefined) this.#nextEntryId += 1;
      return { ...entry, id };
    });
  }

  /** @returns the entries as they will be kept */
  #check(book: Book, input: VoucherInput, draft: boolean): EntryInput[] {
    if (draft) return [...input.entries];
    const refusals = [...this.#headRefusals(book, input)];
    const entries = input.entries.map((entry, index) => {
      const checked = this.#checkEntry(book, entry, index);
      refusals.push(...checked.refusals);
      return checked.entry;
    });
    let balance = 0n;
    for (const entry of entries) balance += entry.debit - entry.credit;
    if (balance !== 0n) {
      refusals.push(new Refusal(MSG.validation, `凭证借贷不平衡，差额${formatDecimal(balance, 2)}`, "FDEBIT"));
    }
    if (refusals.length > 0) throw new Refusals(refusals);
    return entries;
  }

  *#headRefusals(book: Book, input: VoucherInput): Generator<Refusal> {
    const [year, period] = yearAndPeriod(input.date);
    if (input.date.slice(0, 7) <= book.closedThrough) {
      yield new Refusal(MSG.validation, "凭证日期所在期间已结账，不允许新增凭证", "FDate");
    }
    if (input.date.slice(0, 7) < book.startPeriod) {
      yield new Refusal(MSG.validation, "凭证日期早于账簿启用期间", "FDate");
    }
    if ((input.year ?? year) !== year || (input.period ?? period) !== period) {
      yield new Refusal(MSG.validation, "凭证日期与会计年度、期间不一致", "FPERIOD");
    }
    if (input.group === "") yield new Refusal(MSG.validation, "字段[凭证字]是必录字段", "FVOUCHERGROUPID");
    if (input.entries.length === 0) yield new Refusal(MSG.validation, "凭证没有分录", "FEntity");
    if (input.entries.length > ENTRIES_MAX) yield new Refusal(MSG.validation, `分录超过${ENTRIES_MAX}行`, "FEntity");
    if (input.external.length > this.#externalLengthMax) {
      yield new Refusal(MSG.validation, `字段长度超过${this.#externalLengthMax}`, "FBillHead");
    }
  }

  #checkEntry(book: Book, entry: EntryInput, index: number): { entry: EntryInput; refusals: Refusal[] } {
    const row = `第${index + 1}行分录：`;
    const no = (field: string, message: string): Refusal => new Refusal(MSG.validation, `${row}${message}`, field);
    if (entry.account === "") return { entry, refusals: [no("FACCOUNTID", "字段[科目]是必录字段")] };
    const account = this.#base.usable("BD_ACCOUNT", entry.account, book.chart);
    if (!account) {
      return { entry, refusals: [no("FACCOUNTID", `基础资料【科目】编码为“${entry.account}”的数据不存在或未审核`)] };
    }
    const refusals: Refusal[] = [];
    if (account.attributes["FISDETAIL"] !== "1") refusals.push(no("FACCOUNTID", `科目“${entry.account}”不是明细科目`));
    if (entry.explanation.trim() === "") refusals.push(no("FEXPLANATION", "字段[摘要]是必录字段"));
    if (entry.explanation.length > EXPLANATION_LENGTH_MAX) {
      refusals.push(no("FEXPLANATION", `摘要长度超过${EXPLANATION_LENGTH_MAX}`));
    }
    if (entry.debit !== 0n && entry.credit !== 0n) refusals.push(no("FDEBIT", "借方金额和贷方金额不能同时有值"));
    if (entry.debit === 0n && entry.credit === 0n && entry.quantity === 0n) {
      refusals.push(no("FDEBIT", "借方金额和贷方金额不能同时为零"));
    }
    const amount = entry.debit + entry.credit;
    if (entry.currency === book.currency && entry.amountFor !== amount) {
      refusals.push(no("FAMOUNTFOR", "原币金额与本位币金额不一致"));
    }
    const dimensions = this.#checkDimensions(account, entry, no, refusals);
    const quantity = this.#checkQuantity(account, book, { ...entry, dimensions }, no, refusals);
    return { entry: { ...entry, dimensions, ...quantity }, refusals };
  }

  #checkDimensions(
    account: BaseItem,
    entry: EntryInput,
    no: (field: string, message: string) => Refusal,
    refusals: Refusal[],
  ): Record<string, string> {
    const required = columnsIn(account.attributes["FITEMDETAILID"]);
    const listed = new Set([...required, ...columnsIn(account.attributes["FITEMOPTIONALID"])]);
    for (const column of required) {
      if ((entry.dimensions[column] ?? "") !== "") continue;
      const name = FLEX_COLUMNS[column]?.name ?? column;
      refusals.push(no("FDetailID", `科目“${account.number}”的核算维度【${name}】是必录字段`));
    }
    const unlisted = Object.keys(entry.dimensions).filter((column) => !listed.has(column));
    if (unlisted.length === 0 || this.#unlistedDimensions === "keep") return entry.dimensions;
    if (this.#unlistedDimensions === "refuse") {
      refusals.push(no("FDetailID", `科目“${account.number}”没有核算维度${unlisted.join("、")}`));
    }
    return Object.fromEntries(Object.entries(entry.dimensions).filter(([column]) => listed.has(column)));
  }

  /** 数量核算: the unit must belong to the item's unit group; without 数量核算 quantity and unit are dropped. */
  #checkQuantity(
    account: BaseItem,
    book: Book,
    entry: EntryInput,
    no: (field: string, message: string) => Refusal,
    refusals: Refusal[],
  ): Pick<EntryInput, "quantity" | "unit" | "price"> {
    const rule = account.attributes["FQUANTITYRULE"] ?? "none";
    if (rule === "none") return { quantity: 0n, unit: "", price: 0n };
    if (rule === "required" && entry.quantity === 0n)
      refusals.push(no("FQty", `数量核算科目“${account.number}”必须录入数量`));
    if (entry.quantity === 0n) return { quantity: 0n, unit: entry.unit, price: entry.price };
    const unit = this.#base.usable("BD_UNIT", entry.unit);
    if (!unit) {
      refusals.push(no("FUnitId", entry.unit === "" ? "字段[单位]是必录字段" : `单位“${entry.unit}”不存在`));
      return { quantity: entry.quantity, unit: entry.unit, price: entry.price };
    }
    const baseUnit = this.baseUnit(book, entry);
    if (baseUnit && baseUnit.attributes["FUNITGROUPID"] !== unit.attributes["FUNITGROUPID"]) {
      refusals.push(no("FUnitId", `单位“${unit.name}”不属于物料的单位组，物料的基本单位为“${baseUnit.name}”`));
    }
    const amount = entry.debit + entry.credit;
    const price = entry.price === 0n ? (scaleDecimal(amount, 10n ** 10n, entry.quantity) ?? 0n) : entry.price;
    return { quantity: entry.quantity, unit: entry.unit, price };
  }

  /** @returns the base unit of the item in FFLEX8, when the line names an item that has one */
  baseUnit(book: Book, entry: { dimensions: Record<string, string> }): BaseItem | undefined {
    const number = entry.dimensions["FFLEX8"];
    const item = number === undefined ? undefined : this.#base.find("BD_MATERIAL", number, book.organization);
    const unit = item?.attributes["FBASEUNITID"];
    return unit === undefined ? undefined : this.#base.find("BD_UNIT", unit);
  }

  /** @returns the line's quantity in the base unit of its item (or as it stands, without an item) */
  baseQuantity(book: Book, entry: Entry): { quantity: bigint; unit: string } {
    const unit = this.#base.find("BD_UNIT", entry.unit);
    const baseUnit = this.baseUnit(book, entry);
    if (!unit || !baseUnit || unit.number === baseUnit.number) return { quantity: entry.quantity, unit: entry.unit };
    const factor = parseDecimal(unit.attributes["FCONVERTRATE"] ?? "1") ?? 0n;
    const baseFactor = parseDecimal(baseUnit.attributes["FCONVERTRATE"] ?? "1") ?? 0n;
    return { quantity: scaleDecimal(entry.quantity, factor, baseFactor) ?? 0n, unit: baseUnit.number };
  }
}

const EMPTY: ReadonlySet<number> = new Set();
const EDITABLE_FOR_AUDIT: ReadonlySet<DocumentStatus> = new Set(["A", "D"]);

function refuse(voucher: Voucher, message: string, ledger: Ledger): Refusal {
  const code = /已审核|已过账|审核中/.test(message) ? MSG.notOperable : MSG.validation;
  return new Refusal(code, `凭证“${ledger.caption(voucher)}”：${message}`);
}

function addTo(index: Map<string, Set<number>>, key: string, id: number): void {
  const ids = index.get(key);
  if (ids) ids.add(id);
  else index.set(key, new Set([id]));
}

function columnsIn(text: string | undefined): string[] {
  return (text ?? "").split(",").filter((column) => column !== "");
}

function seriesOf(voucher: Pick<Voucher, "book" | "year" | "period" | "group">): string {
  return `${voucher.book}|${voucher.year}|${voucher.period}|${voucher.group}`;
}

export function yearAndPeriod(date: string): [year: number, period: number] {
  return [Number(date.slice(0, 4)), Number(date.slice(5, 7))];
}
