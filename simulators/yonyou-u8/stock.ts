/** Stock documents and what lies in the warehouses. One structure serves receipts, issues, transfers and counts. */

import { isOn } from "./archives.ts";
import type { BookAccess } from "./ledger.ts";
import {
  type DocumentKind,
  foldText,
  type Origin,
  readDate,
  Refusal,
  type StockDocument,
  type StockLine,
  SUCCEED,
} from "./model.ts";
import { type DocumentDraft, followUps, pricesOf, readNumber, TRAITS } from "./stock-kinds.ts";

export type StockSettings = {
  /** 零出库: whether an issue may take more than there is */
  zeroIssue: "refuse" | "allow";
  /** 修改现存量时点 */
  stockMoves: "save" | "audit";
};

export type DeletedDocument = { document: StockDocument; deletedBy: Origin; sequence: number };

export type StockNote =
  | { kind: "document"; document: StockDocument }
  | { kind: "gone"; deleted: DeletedDocument }
  | { kind: "withdrawn"; id: number };

export type Balance = { book: string; warehouse: string; item: string; batch: string; quantity: bigint };

const CODE_LENGTH = 10;

export class Stock {
  readonly documents = new Map<number, StockDocument>();
  readonly deleted: DeletedDocument[] = [];
  readonly #balances = new Map<string, Balance>();
  readonly #byCode = new Map<string, number>();
  readonly #byDefine = new Map<string, Set<number>>();
  readonly #lastCode = new Map<string, number>();
  readonly #now: () => string;
  readonly #note: (note: StockNote) => void;
  readonly #settings: () => StockSettings;
  readonly #nextSequence: () => number;
  #nextId = 1;
  #nextLineId = 1;

  constructor(options: {
    now: () => string;
    note: (note: StockNote) => void;
    settings: () => StockSettings;
    nextSequence: () => number;
  }) {
    this.#now = options.now;
    this.#note = options.note;
    this.#settings = options.settings;
    this.#nextSequence = options.nextSequence;
  }

  // ---- reading

  ofBook(book: string, kind?: DocumentKind): StockDocument[] {
    const all = [...this.documents.values()];
    return all.filter((document) => document.book === book && (kind === undefined || document.kind === kind));
  }

  byCode(book: string, kind: DocumentKind, code: string): StockDocument | undefined {
    const id = this.#byCode.get(codeKey(book, kind, code));
    return id === undefined ? undefined : this.documents.get(id);
  }

  /** @returns documents whose head 自定义项 1 holds this text */
  byDefine1(book: string, value: string): StockDocument[] {
    const ids = this.#byDefine.get(`${book}|${foldText(value)}`) ?? [];
    return [...ids].flatMap((id) => this.documents.get(id) ?? []);
  }

  get(id: number): StockDocument {
    const document = this.documents.get(id);
    if (!document) throw new Refusal("单据不存在", SUCCEED.notFound);
    return document;
  }

  /** @returns what lies where, zero included once something lay there, by warehouse, item and batch */
  balances(book: string): Balance[] {
    const all = [...this.#balances.values()].filter((balance) => balance.book === book);
    const key = ({ warehouse, item, batch }: Balance): string => `${warehouse}\u0000${item}\u0000${batch}`;
    return all.sort((left, right) => (key(left) < key(right) ? -1 : 1));
  }

  // ---- writing

  /** A number that is taken is replaced by the next free one, in silence (U8EAIimpRU). */
  create(book: BookAccess, draft: DocumentDraft, origin: Origin): StockDocument {
    const checked = this.#check(book, draft);
    const traits = TRAITS[draft.kind];
    const wanted = (draft.head[traits.number] ?? "").trim();
    const free = wanted !== "" && this.byCode(book.state.number, draft.kind, wanted) === undefined;
    const auditor = draft.head[traits.auditor] ?? "";
    const audited = auditor !== "" && (draft.head["auditdate"] ?? "") !== "";
    const document: StockDocument = {
      id: this.#nextId,
      book: book.state.number,
      kind: draft.kind,
      code: free ? wanted : this.#nextCode(book.state.number, draft.kind),
      ...checked,
      maker: (draft.head["maker"] ?? "") === "" ? origin.user : (draft.head["maker"] ?? ""),
      handler: audited && traits.sign !== 0 ? auditor : "",
      auditedAt: audited && traits.sign !== 0 ? (readDate(draft.head["auditdate"] ?? "") ?? "") : "",
      head: draft.head,
      createdAt: this.#now(),
      origin,
      createdSequence: 0,
      changedSequence: 0,
    };
    this.#nextId += 1;
    const created = this.#commit(document, undefined);
    if (!audited || traits.sign !== 0) return created;
    try {
      return this.audit(book, created.id, auditor, origin);
    } catch (error) {
      this.#withdraw(created);
      throw error;
    }
  }

  update(book: BookAccess, old: StockDocument, draft: DocumentDraft): StockDocument {
    this.#refuseUnlessEditable(book, old);
    const checked = this.#check(book, draft);
    return this.#commit({ ...old, ...checked, head: { ...old.head, ...draft.head } }, old);
  }

  /** 审核; a transfer or a count then brings its receipts and issues with it. */
  audit(book: BookAccess, id: number, auditor: string, origin: Origin): StockDocument {
    const document = this.get(id);
    if (document.handler !== "") throw new Refusal("单据已审核", SUCCEED.state);
    this.#refuseClosed(book, document.date);
    const brought: StockDocument[] = [];
    try {
      for (const draft of followUps(document)) {
        brought.push(this.create(book, draft, { ...origin, user: document.maker }));
      }
    } catch (error) {
      for (const one of brought.toReversed()) this.#withdraw(one);
      throw error;
    }
    return this.#commit({ ...document, handler: auditor, auditedAt: this.#now().slice(0, 10) }, document);
  }

  /** 弃审; what a transfer or a count brought with it goes again. */
  unaudit(book: BookAccess, id: number, origin: Origin): StockDocument {
    const document = this.get(id);
    if (document.handler === "") throw new Refusal("单据未审核", SUCCEED.state);
    this.#refuseClosed(book, document.date);
    if (TRAITS[document.kind].sign === 0) {
      const brought = this.ofBook(document.book).filter(({ head }) => head["businesscode"] === document.code);
      if (brought.some(({ handler }) => handler !== "")) throw new Refusal("下游单据已审核，不能弃审", SUCCEED.state);
      for (const one of brought) this.delete(book, one.id, origin);
    }
    return this.#commit({ ...document, handler: "", auditedAt: "" }, document);
  }

  delete(book: BookAccess, id: number, by: Origin): StockDocument {
    const document = this.get(id);
    this.#refuseUnlessEditable(book, document);
    this.#move(document, undefined);
    this.#unindex(document);
    this.documents.delete(id);
    const deleted = { document, deletedBy: by, sequence: this.#nextSequence() };
    this.deleted.push(deleted);
    this.#note({ kind: "gone", deleted });
    return document;
  }

  /** Takes back what was saved a moment ago within the same call: it never was. */
  #withdraw(document: StockDocument): void {
    this.#apply(document, -1n);
    this.#unindex(document);
    this.documents.delete(document.id);
    this.#note({ kind: "withdrawn", id: document.id });
  }

  // ---- keeping

  restore(document: StockDocument): void {
    this.#apply(document, 1n);
    this.#index(document);
    this.#seen(document);
  }

  restoreDeleted(deleted: DeletedDocument): void {
    this.deleted.push(deleted);
    this.#seen(deleted.document);
  }

  #seen(document: StockDocument): void {
    this.#nextId = Math.max(this.#nextId, document.id + 1);
    for (const line of document.lines) this.#nextLineId = Math.max(this.#nextLineId, line.id + 1);
  }

  #commit(changed: StockDocument, old: StockDocument | undefined): StockDocument {
    this.#move(old, changed);
    const sequence = this.#nextSequence();
    const document = { ...changed, createdSequence: old ? old.createdSequence : sequence, changedSequence: sequence };
    if (old) this.#unindex(old);
    this.#index(document);
    this.#note({ kind: "document", document });
    return document;
  }

  #index(document: StockDocument): void {
    this.documents.set(document.id, document);
    this.#byCode.set(codeKey(document.book, document.kind, document.code), document.id);
    const define = document.head["define1"] ?? "";
    if (define !== "") {
      const key = `${document.book}|${foldText(define)}`;
      const ids = this.#byDefine.get(key) ?? new Set<number>();
      ids.add(document.id);
      this.#byDefine.set(key, ids);
    }
    const number = /^\d{1,15}$/.test(document.code) ? Number(document.code) : 0;
    const series = `${document.book}|${document.kind}`;
    this.#lastCode.set(series, Math.max(number, this.#lastCode.get(series) ?? 0));
  }

  #unindex(document: StockDocument): void {
    this.#byCode.delete(codeKey(document.book, document.kind, document.code));
    this.#byDefine.get(`${document.book}|${foldText(document.head["define1"] ?? "")}`)?.delete(document.id);
  }

  #nextCode(book: string, kind: DocumentKind): string {
    return String((this.#lastCode.get(`${book}|${kind}`) ?? 0) + 1).padStart(CODE_LENGTH, "0");
  }

  // ---- what lies where

  /** Replaces the effect of one state of a document by that of another. */
  #move(before: StockDocument | undefined, after: StockDocument | undefined): void {
    const touched = [...this.#effects(before), ...this.#effects(after)].map(({ key }) => key);
    const old = new Map(touched.map((key) => [key, this.#balances.get(key)?.quantity ?? 0n]));
    if (before) this.#apply(before, -1n);
    if (after) this.#apply(after, 1n);
    if (this.#settings().zeroIssue === "allow") return;
    for (const [key, quantity] of old) {
      const now = this.#balances.get(key)?.quantity ?? 0n;
      if (now >= 0n || now >= quantity) continue;
      const item = this.#balances.get(key)?.item ?? "";
      if (after) this.#apply(after, -1n);
      if (before) this.#apply(before, 1n);
      throw new Refusal(`存货${item}现存量不足`);
    }
  }

  #apply(document: StockDocument, factor: bigint): void {
    for (const { key, balance } of this.#effects(document)) {
      const quantity = (this.#balances.get(key)?.quantity ?? 0n) + factor * balance.quantity;
      this.#balances.set(key, { ...balance, quantity });
    }
  }

  #effects(document: StockDocument | undefined): { key: string; balance: Balance }[] {
    if (!document) return [];
    const { sign } = TRAITS[document.kind];
    const counted = sign !== 0 && (this.#settings().stockMoves === "save" || document.handler !== "");
    if (!counted) return [];
    return document.lines.map(({ item, batch, quantity }) => {
      const { book, warehouse } = document;
      const key = `${book}|${warehouse}|${foldText(item)}|${foldText(batch)}`;
      return { key, balance: { book, warehouse, item, batch, quantity: BigInt(sign) * quantity } };
    });
  }

  // ---- rules, in the order of the reference

  #check(
    book: BookAccess,
    draft: DocumentDraft,
  ): Pick<StockDocument, "warehouse" | "counterWarehouse" | "date" | "lines"> {
    const { head } = draft;
    const traits = TRAITS[draft.kind];
    const date = readDate(head["date"] ?? "");
    const day = date ?? this.#now().slice(0, 10);
    const lookUp = (kind: string, element: string, required: boolean, name: string): string => {
      const code = (head[element] ?? "").trim();
      if (code === "" && !required) return "";
      const found = book.archives.usable(kind, code, day);
      if (!found) throw new Refusal(`该${name}不合法,请重新输入。`, SUCCEED.reference);
      return found.code;
    };
    const warehouse = lookUp("warehouse", traits.warehouse, true, "仓库");
    const counterWarehouse =
      traits.counterWarehouse === undefined ? "" : lookUp("warehouse", traits.counterWarehouse, true, "仓库");
    if (draft.kind === "trans" && warehouse === counterWarehouse) throw new Refusal("转出仓库与转入仓库不能相同");
    this.#checkRdType(book, draft);
    lookUp("department", traits.department, false, "部门");
    lookUp("person", "personcode", false, "业务员");
    lookUp("vendor", "vendorcode", draft.kind === "01", "供应商");
    lookUp("customer", "customercode", false, "客户");
    if (date === undefined) throw new Refusal("单据日期非法");
    this.#refuseClosed(book, date);
    if (draft.lines.length === 0) throw new Refusal("单据没有表体");
    const lines = draft.lines.map((line) => this.#checkLine(book, draft, line, warehouse, date));
    return { warehouse, counterWarehouse, date, lines };
  }

  #checkRdType(book: BookAccess, draft: DocumentDraft): void {
    const sides: [element: string, into: boolean][] =
      TRAITS[draft.kind].sign === 0
        ? [
            ["irdcode", true],
            ["ordcode", false],
          ]
        : [["receivecode", TRAITS[draft.kind].sign === 1]];
    for (const [element, into] of sides) {
      const code = (draft.head[element] ?? "").trim();
      if (code === "") continue;
      const found = book.archives.find("receivesendtype", code);
      const fits = found !== undefined && isOn(found.fields["rsflag"]) === into && found.fields["end_flag"] !== "0";
      if (!fits) throw new Refusal("该收发类别不合法,请重新输入。", SUCCEED.reference);
    }
  }

  #checkLine(
    book: BookAccess,
    draft: DocumentDraft,
    fields: Record<string, string>,
    warehouse: string,
    date: string,
  ): StockLine {
    const item = book.archives.usable("inventory", (fields["inventorycode"] ?? "").trim(), date);
    if (!item) throw new Refusal("该存货不合法,请重新输入。", SUCCEED.reference);
    const batch = (fields["serial"] ?? "").trim();
    const batched = isOn(item.fields["batch_flag"]);
    if (batched && batch === "") throw new Refusal(`存货${item.code}的批号不能为空`);
    if (!batched && batch !== "") throw new Refusal(`存货${item.code}未启用批次管理，不能输入批号`);
    const position = (fields["position"] ?? "").trim();
    const positioned = isOn(book.archives.find("warehouse", warehouse)?.fields["whmanage"]) && draft.kind !== "trans";
    if (positioned && draft.kind !== "check" && !book.archives.find("position", position)) {
      throw new Refusal("该货位不合法,请重新输入。", SUCCEED.reference);
    }
    const quantityText = (fields["quantity"] ?? "") === "" ? (fields["shouldquantity"] ?? "") : fields["quantity"];
    const quantity = readNumber(quantityText);
    const counted = draft.kind === "check";
    if (quantity === undefined || (quantity === 0n && !counted)) throw new Refusal(`存货${item.code}的数量不能为空`);
    const { price, cost } = pricesOf(fields, draft.kind, quantity);
    if (price !== undefined && price < 0n) throw new Refusal(`存货${item.code}的单价不能为负`);
    const id = this.#nextLineId;
    this.#nextLineId += 1;
    return { id, item: item.code, quantity, price, cost, batch, fields };
  }

  #refuseUnlessEditable(book: BookAccess, document: StockDocument): void {
    if (document.handler !== "") throw new Refusal("单据已审核，不能修改或删除", SUCCEED.state);
    this.#refuseClosed(book, document.date);
  }

  #refuseClosed(book: BookAccess, date: string): void {
    if (date.slice(0, 7) <= book.state.stockClosedThrough) throw new Refusal("单据日期所在月份库存管理已结账");
  }
}

function codeKey(book: string, kind: DocumentKind, code: string): string {
  return `${book}|${kind}|${foldText(code)}`;
}
