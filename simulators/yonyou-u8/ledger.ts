/** The double-entry books of every 账套: vouchers, their numbers and their life. Every change gets the next commit number. */

import type { Archives } from "./archives.ts";
import {
  type BookState,
  DuplicateUpload,
  type Flag,
  foldText,
  type Line,
  type Origin,
  periodText,
  Refusal,
  SUCCEED,
  type Voucher,
} from "./model.ts";
import {
  checkHead,
  checkLines,
  draftOfLine,
  refuseClosed,
  type VoucherDraft,
  type VoucherSettings,
  wholeNumber,
} from "./voucher-rules.ts";

export type LedgerSettings = VoucherSettings & {
  /** what counts as uploaded before; the vendor does not say which key it compares */
  duplicateKey: "id-or-reserve2" | "reserve2" | "none";
};

export type DeletedVoucher = { voucher: Voucher; deletedBy: Origin; sequence: number };

export type LedgerNote = { kind: "voucher"; voucher: Voucher } | { kind: "deleted"; deleted: DeletedVoucher };

/** How an import is to be taken (EAI-KB, the six rows of renewproofno, newadd and import). */
export type ImportMode = {
  renumber: boolean;
  /** state as freshly entered; otherwise auditor, cashier and 作废 come as sent */
  fresh: boolean;
  /** saved even when its key is in the books: what a person does by hand */
  again?: boolean | undefined;
};

/** What a book lends to the ledger. */
export type BookAccess = { state: BookState; archives: Archives };

const FIRST_VOUCHER_ID = 1;
const NUMBER_MAX = 32_767;
/** The making system that marks a voucher as external (apiCenter/voucher_add). */
export const EXTERNAL_SYSTEM = "CDM";

export class Ledger {
  readonly vouchers = new Map<number, Voucher>();
  readonly deleted: DeletedVoucher[] = [];
  readonly #byExternal = new Map<string, Set<number>>();
  readonly #byUpload = new Map<string, Set<number>>();
  /** ids by book, year, period and 凭证类别, by 凭证号 */
  readonly #series = new Map<string, Map<number, number>>();
  readonly #highest = new Map<string, number>();
  readonly #byPeriod = new Map<string, Set<number>>();
  readonly #now: () => string;
  readonly #note: (note: LedgerNote) => void;
  readonly #settings: () => LedgerSettings;
  readonly #nextSequence: () => number;
  #nextId = FIRST_VOUCHER_ID;
  #nextLineId = 1;

  constructor(options: {
    now: () => string;
    note: (note: LedgerNote) => void;
    settings: () => LedgerSettings;
    nextSequence: () => number;
  }) {
    this.#now = options.now;
    this.#note = options.note;
    this.#settings = options.settings;
    this.#nextSequence = options.nextSequence;
  }

  // ---- reading

  get(id: number): Voucher {
    const voucher = this.vouchers.get(id);
    if (!voucher) throw new Refusal("凭证不存在", SUCCEED.notFound);
    return voucher;
  }

  byExternal(book: string, value: string): Voucher[] {
    return this.#all(this.#byExternal.get(`${book}|${foldText(value)}`));
  }

  inPeriod(book: string, year: number, period: number): Voucher[] {
    return this.#all(this.#byPeriod.get(`${book}|${periodText(year, period)}`));
  }

  ofBook(book: string): Voucher[] {
    return [...this.vouchers.values()].filter((voucher) => voucher.book === book);
  }

  byNumber(book: string, year: number, period: number, sign: string, number: number): Voucher | undefined {
    const id = this.#series.get(seriesOf({ book, year, period, sign }))?.get(number);
    return id === undefined ? undefined : this.vouchers.get(id);
  }

  // ---- writing

  /**
   * @throws DuplicateUpload when the key is in the books already
   * @throws Refusal naming everything that is wrong
   */
  create(book: BookAccess, draft: VoucherDraft, mode: ImportMode, origin: Origin): Voucher {
    const settings = this.#settings();
    const earlier = mode.again === true ? undefined : this.#uploaded(book.state.number, draft, settings);
    if (earlier) throw new DuplicateUpload(earlier);
    const head = checkHead(draft, book.state, book.archives, settings);
    const number = this.#numberFor(book.state.number, draft, head, mode.renumber);
    const lines = checkLines(draft, head.date, book.archives, settings);
    const kept = !mode.fresh;
    const voucher: Voucher = {
      id: this.#nextId,
      book: book.state.number,
      ...head,
      sign: draft.sign,
      number,
      maker: draft.maker === "" ? origin.user : draft.maker,
      cashier: kept ? draft.cashier : "",
      auditor: kept ? draft.auditor : "",
      auditedAt: kept && draft.auditor !== "" ? this.#now() : "",
      // 记账 is never taken over from an import (EAI-KB, row 3).
      poster: "",
      posted: false,
      flag: kept ? flagOf(draft.flag) : 0,
      makingSystem: draft.makingSystem,
      externalType: draft.externalType,
      external: draft.external,
      memo1: draft.memo1,
      memo2: draft.memo2,
      uploadId: draft.uploadId,
      lines: this.#numberLines(lines),
      createdAt: this.#now(),
      origin,
      createdSequence: 0,
      changedSequence: 0,
    };
    this.#nextId += 1;
    return this.#commit(voucher, undefined);
  }

  /** The same upload once more, as the fault apply-twice has it: the books refuse a key they have, unless a switch forbids them. */
  repeat(book: BookAccess, draft: VoucherDraft, mode: ImportMode, origin: Origin): void {
    try {
      this.create(book, draft, { ...mode, renumber: true }, origin);
    } catch (error) {
      if (!(error instanceof DuplicateUpload)) throw error;
    }
  }

  /** Overwrites the whole voucher, found by year, period, 凭证类别 and 凭证号 or, by hand, by its id. */
  update(book: BookAccess, old: Voucher, draft: VoucherDraft, fresh: boolean): Voucher {
    this.#refuseUnlessEditable(book.state, old);
    const head = checkHead(draft, book.state, book.archives, this.#settings());
    const sameSeries = seriesOf({ ...head, book: old.book, sign: draft.sign }) === seriesOf(old);
    const wanted = draft.number === "" ? (sameSeries ? old.number : undefined) : wholeNumber(draft.number);
    const number =
      sameSeries && wanted === old.number ? old.number : this.#numberFor(old.book, draft, head, draft.number === "");
    const lines = checkLines(draft, head.date, book.archives, this.#settings());
    return this.#commit(
      {
        ...old,
        ...head,
        sign: draft.sign,
        number,
        maker: draft.maker === "" ? old.maker : draft.maker,
        cashier: fresh ? "" : draft.cashier,
        auditor: fresh ? "" : draft.auditor,
        flag: fresh ? 0 : flagOf(draft.flag),
        makingSystem: draft.makingSystem,
        externalType: draft.externalType,
        external: draft.external,
        memo1: draft.memo1,
        memo2: draft.memo2,
        lines: this.#numberLines(lines),
      },
      old,
    );
  }

  audit(book: BookAccess, id: number, auditor: string): Voucher {
    const voucher = this.get(id);
    if (voucher.auditor !== "") throw new Refusal("凭证已审核", SUCCEED.state);
    if (voucher.flag !== 0) throw new Refusal("作废或有错凭证不能审核", SUCCEED.state);
    if (voucher.maker === auditor) throw new Refusal("制单人与审核人不能为同一人", SUCCEED.state);
    refuseClosed(book.state, periodText(voucher.year, voucher.period));
    return this.#commit({ ...voucher, auditor, auditedAt: this.#now() }, voucher);
  }

  unaudit(book: BookAccess, id: number): Voucher {
    const voucher = this.get(id);
    if (voucher.auditor === "") throw new Refusal("凭证未审核", SUCCEED.state);
    if (voucher.posted) throw new Refusal("凭证已记账", SUCCEED.state);
    refuseClosed(book.state, periodText(voucher.year, voucher.period));
    return this.#commit({ ...voucher, auditor: "", auditedAt: "" }, voucher);
  }

  /** 记账. */
  post(book: BookAccess, id: number, poster: string): Voucher {
    const voucher = this.get(id);
    if (voucher.posted) throw new Refusal("凭证已记账", SUCCEED.state);
    if (voucher.auditor === "") throw new Refusal("未审核凭证不能记账", SUCCEED.state);
    if (voucher.flag !== 0) throw new Refusal("作废或有错凭证不能记账", SUCCEED.state);
    refuseClosed(book.state, periodText(voucher.year, voucher.period));
    return this.#commit({ ...voucher, posted: true, poster }, voucher);
  }

  unpost(book: BookAccess, id: number): Voucher {
    const voucher = this.get(id);
    if (!voucher.posted) throw new Refusal("凭证未记账", SUCCEED.state);
    refuseClosed(book.state, periodText(voucher.year, voucher.period));
    return this.#commit({ ...voucher, posted: false, poster: "" }, voucher);
  }

  /** 作废: the rows stay with their amounts. */
  void(book: BookAccess, id: number): Voucher {
    const voucher = this.get(id);
    if (voucher.flag === 1) throw new Refusal("凭证已作废", SUCCEED.state);
    this.#refuseUnlessEditable(book.state, voucher);
    return this.#commit({ ...voucher, flag: 1 }, voucher);
  }

  unvoid(book: BookAccess, id: number): Voucher {
    const voucher = this.get(id);
    if (voucher.flag !== 1) throw new Refusal("凭证未作废", SUCCEED.state);
    refuseClosed(book.state, periodText(voucher.year, voucher.period));
    return this.#commit({ ...voucher, flag: 0 }, voucher);
  }

  delete(book: BookAccess, id: number, by: Origin): Voucher {
    const voucher = this.get(id);
    this.#refuseUnlessEditable(book.state, voucher);
    this.#unindex(voucher);
    this.vouchers.delete(id);
    const deleted = { voucher, deletedBy: by, sequence: this.#nextSequence() };
    this.deleted.push(deleted);
    this.#note({ kind: "deleted", deleted });
    return voucher;
  }

  /** 凭证整理: void vouchers of the period go for good, and the others close ranks; their numbers change. */
  tidy(book: BookAccess, year: number, period: number, by: Origin): { removed: number; renumbered: number } {
    refuseClosed(book.state, periodText(year, period));
    const vouchers = this.inPeriod(book.state.number, year, period);
    const gone = vouchers.filter(({ flag }) => flag === 1);
    for (const { id } of gone) this.delete(book, id, by);
    let renumbered = 0;
    for (const { sign } of book.archives.list("dsign").map(({ code }) => ({ sign: code }))) {
      const left = vouchers
        .filter((voucher) => voucher.sign === sign && voucher.flag !== 1)
        .sort((one, other) => one.number - other.number);
      left.forEach((voucher, index) => {
        if (voucher.number === index + 1) return;
        this.#commit({ ...voucher, number: index + 1 }, voucher);
        renumbered += 1;
      });
    }
    return { removed: gone.length, renumbered };
  }

  // ---- keeping

  restore(voucher: Voucher): void {
    this.#index(voucher);
    this.#seen(voucher);
  }

  restoreDeleted(deleted: DeletedVoucher): void {
    this.deleted.push(deleted);
    this.#seen(deleted.voucher);
  }

  #seen(voucher: Voucher): void {
    this.#nextId = Math.max(this.#nextId, voucher.id + 1);
    for (const line of voucher.lines) this.#nextLineId = Math.max(this.#nextLineId, line.id + 1);
  }

  #commit(changed: Voucher, old: Voucher | undefined): Voucher {
    const sequence = this.#nextSequence();
    const voucher = {
      ...changed,
      createdSequence: old ? old.createdSequence : sequence,
      changedSequence: sequence,
    };
    if (old) this.#unindex(old);
    this.#index(voucher);
    this.#note({ kind: "voucher", voucher });
    return voucher;
  }

  #index(voucher: Voucher): void {
    this.vouchers.set(voucher.id, voucher);
    if (voucher.external !== "") addTo(this.#byExternal, `${voucher.book}|${foldText(voucher.external)}`, voucher.id);
    if (voucher.uploadId !== "") addTo(this.#byUpload, `${voucher.book}|${voucher.uploadId}`, voucher.id);
    addTo(this.#byPeriod, `${voucher.book}|${periodText(voucher.year, voucher.period)}`, voucher.id);
    const series = this.#series.get(seriesOf(voucher)) ?? new Map<number, number>();
    series.set(voucher.number, voucher.id);
    this.#series.set(seriesOf(voucher), series);
    this.#highest.set(seriesOf(voucher), Math.max(voucher.number, this.#highest.get(seriesOf(voucher)) ?? 0));
  }

  #unindex(voucher: Voucher): void {
    this.#byExternal.get(`${voucher.book}|${foldText(voucher.external)}`)?.delete(voucher.id);
    this.#byUpload.get(`${voucher.book}|${voucher.uploadId}`)?.delete(voucher.id);
    this.#byPeriod.get(`${voucher.book}|${periodText(voucher.year, voucher.period)}`)?.delete(voucher.id);
    const series = this.#series.get(seriesOf(voucher));
    if (series?.get(voucher.number) !== voucher.id) return;
    series.delete(voucher.number);
    if (voucher.number !== this.#highest.get(seriesOf(voucher))) return;
    // The next number follows the highest one in the books, so that of a deleted last voucher is free again.
    let highest = 0;
    for (const number of series.keys()) highest = Math.max(highest, number);
    this.#highest.set(seriesOf(voucher), highest);
  }

  #all(ids: ReadonlySet<number> | undefined): Voucher[] {
    return [...(ids ?? [])].flatMap((id) => this.vouchers.get(id) ?? []);
  }

  // ---- rules

  #uploaded(book: string, draft: VoucherDraft, settings: LedgerSettings): Voucher | undefined {
    if (settings.duplicateKey === "none") return undefined;
    const byId = settings.duplicateKey === "id-or-reserve2" && draft.uploadId !== "";
    if (byId) return this.#all(this.#byUpload.get(`${book}|${draft.uploadId}`)).at(0);
    return draft.external === "" ? undefined : this.byExternal(book, draft.external).at(0);
  }

  #refuseUnlessEditable(book: BookState, voucher: Voucher): void {
    if (voucher.posted) throw new Refusal("凭证已记账，不能修改", SUCCEED.state);
    if (voucher.auditor !== "") throw new Refusal("凭证已审核，不能修改", SUCCEED.state);
    refuseClosed(book, periodText(voucher.year, voucher.period));
  }

  #numberFor(book: string, draft: VoucherDraft, head: { year: number; period: number }, renumber: boolean): number {
    const series = seriesOf({ book, ...head, sign: draft.sign });
    let next = (this.#highest.get(series) ?? 0) + 1;
    if (!renumber) {
      const wanted = wholeNumber(draft.number);
      if (wanted === undefined || wanted === 0) throw new Refusal("凭证号非法");
      if (this.#series.get(series)?.has(wanted)) throw new Refusal("凭证号重复");
      next = wanted;
    }
    if (next > NUMBER_MAX) throw new Refusal("凭证号超出范围");
    return next;
  }

  #numberLines(lines: readonly Omit<Line, "id">[]): Line[] {
    return lines.map((line) => {
      const id = this.#nextLineId;
      this.#nextLineId += 1;
      return { id, ...line };
    });
  }
}

/** Whether the client of U8 may not touch it: an external voucher is voided through the API only (apiCenter/voucher_add). */
export function isExternal(voucher: Voucher): boolean {
  return voucher.makingSystem === EXTERNAL_SYSTEM && voucher.external !== "";
}

/** The voucher as a request would have written it. */
export function draftOf(voucher: Voucher): VoucherDraft {
  return {
    sign: voucher.sign,
    year: String(voucher.year),
    period: String(voucher.period),
    number: String(voucher.number),
    attachments: String(voucher.attachments),
    date: voucher.date,
    maker: voucher.maker,
    cashier: voucher.cashier,
    auditor: voucher.auditor,
    flag: voucher.flag === 0 ? "" : String(voucher.flag),
    makingSystem: voucher.makingSystem,
    memo1: voucher.memo1,
    memo2: voucher.memo2,
    externalType: voucher.externalType,
    external: voucher.external,
    uploadId: voucher.uploadId,
    lines: voucher.lines.map((line, index) => draftOfLine(line, index + 1)),
  };
}

function flagOf(text: string): Flag {
  return text === "1" ? 1 : text === "2" ? 2 : 0;
}

function seriesOf(voucher: { book: string; year: number; period: number; sign: string }): string {
  return `${voucher.book}|${periodText(voucher.year, voucher.period)}|${voucher.sign}`;
}

function addTo(index: Map<string, Set<number>>, key: string, id: number): void {
  const ids = index.get(key) ?? new Set<number>();
  ids.add(id);
  index.set(key, ids);
}
