/** Stock documents and what is on hand because of them: only audited ones count, and goods leave at the moving average. */

import { formatDecimal, scaleDecimal, ONE, roundDecimal } from "../shared/decimal.ts";
import { type BillKind, type BillLine, billKind, type StockBill } from "./bills.ts";
import type { Sequence } from "./ledger.ts";
import { type Book, ERR, type IdMint, isDay, type Life, type Origin, Refusal } from "./model.ts";

export type LineInput = Omit<BillLine, "id"> & { id: string | undefined };

export type BillInput = {
  number: string;
  date: string;
  head: Record<string, string>;
  custom: Record<string, string>;
  task: string;
  lines: readonly LineInput[];
};

export type DeletedBill = { bill: StockBill; deletedBy: Origin; sequence: number };

export type StockNote = { kind: "bill"; bill: StockBill } | { kind: "deletedBill"; deleted: DeletedBill };

/** Quantity in base units and value of one item in one warehouse and batch. */
export type OnHand = { material: string; store: string; batch: string; quantity: bigint; cost: bigint };

/** What to do when goods leave that are not there: nothing, refuse unless ignore_warn is set, refuse. */
export type NegativeStock = "allow" | "warn" | "refuse";

const LINES_MAX = 1_000;
const BILL_NUMBER_LENGTH_MAX = 50;

export class Stock {
  readonly bills = new Map<string, StockBill>();
  readonly deleted: DeletedBill[] = [];
  readonly #openings: OnHand[] = [];
  readonly #onHand = new Map<string, OnHand>();
  readonly #byNumber = new Map<string, string>();
  readonly #lastNumber = new Map<string, number>();
  readonly #ids: IdMint;
  readonly #sequence: Sequence;
  readonly #now: () => number;
  readonly #book: () => Book;
  readonly #note: (note: StockNote) => void;

  constructor(options: {
    ids: IdMint;
    sequence: Sequence;
    now: () => number;
    book: () => Book;
    note: (note: StockNote) => void;
  }) {
    this.#ids = options.ids;
    this.#sequence = options.sequence;
    this.#now = options.now;
    this.#book = options.book;
    this.#note = options.note;
  }

  // ---- reading

  get(kind: BillKind, id: string): StockBill {
    const bill = this.bills.get(id);
    if (bill?.kind !== kind.path) throw new Refusal(ERR.notFound, `参数id[${id}]不存在`);
    return bill;
  }

  byNumber(kind: BillKind, number: string): StockBill | undefined {
    const id = this.#byNumber.get(`${kind.path}|${number}`);
    return id === undefined ? undefined : this.bills.get(id);
  }

  /**
   * @param date  counts only what happened until this day; "" counts everything
   * @returns every item, warehouse and batch that anything ever happened to
   */
  onHand(date = ""): OnHand[] {
    if (date === "") return [...this.#onHand.values()];
    const held = new Map<string, OnHand>();
    const add = (movement: OnHand): void => addMovement(held, movement);
    this.#openings.forEach(add);
    for (const bill of this.bills.values()) {
      if (bill.status === "C" && bill.date <= date) movementsOf(billKind(bill.kind), bill.lines).forEach(add);
    }
    return [...held.values()];
  }

  /** @returns what is on hand of one item in one warehouse, of one batch or over all of them */
  held(material: string, store: string, batch?: string): { quantity: bigint; cost: bigint } {
    const held = { quantity: 0n, cost: 0n };
    for (const one of this.#onHand.values()) {
      if (one.material !== material || one.store !== store || one.batch !== (batch ?? one.batch)) continue;
      held.quantity += one.quantity;
      held.cost += one.cost;
    }
    return held;
  }

  // ---- writing

  /** Stock that was there when the account set was opened; it needs no document. */
  open(movement: OnHand): void {
    this.#openings.push(movement);
    this.#move(movement);
  }

  create(kind: BillKind, input: BillInput, origin: Origin): StockBill {
    this.#check(kind, input);
    const bill: StockBill = {
      id: this.#ids.next(),
      kind: kind.path,
      number: this.#numberFor(kind, input),
      date: input.date,
      status: "Z",
      head: input.head,
      custom: input.custom,
      task: input.task,
      gain: "",
      loss: "",
      lines: this.#identify(input.lines),
      ...this.#born(origin),
    };
    this.#commit(bill, undefined);
    return bill;
  }

  update(kind: BillKind, id: string, input: BillInput, origin: Origin): StockBill {
    const old = this.get(kind, id);
    this.#refuseUnlessEditable(kind, old, "修改");
    this.#check(kind, input);
    const number = input.number === "" ? old.number : input.number;
    if (number !== old.number) this.#refuseTaken(kind, number);
    const { date, head, custom, task } = input;
    const change = { number, date, head, custom, task, lines: this.#identify(input.lines), modifier: origin.user };
    return this.#settle(old, change);
  }

  /** Goes through what an audit would refuse, before anything is saved. */
  verifyAudit(kind: BillKind, lines: readonly LineInput[], negative: NegativeStock): void {
    this.#cost(kind, lines, negative);
  }

  /** Books the goods in or out; what goes out gets its cost now. */
  audit(kind: BillKind, id: string, origin: Origin, negative: NegativeStock): StockBill {
    const old = this.get(kind, id);
    if (old.status === "C") throw no(kind, old, "已审核，不能重复审核");
    this.#refuseClosed(kind, old, "审核");
    const lines = this.#cost(kind, old.lines, negative);
    for (const movement of movementsOf(kind, lines)) this.#move(movement);
    return this.#settle(old, { status: "C", auditor: origin.user, auditedAtMs: this.#now(), lines });
  }

  unaudit(kind: BillKind, id: string): StockBill {
    const old = this.get(kind, id);
    if (old.status !== "C") throw no(kind, old, "未审核，不能反审核");
    if (old.gain !== "" || old.loss !== "") throw no(kind, old, "已生成盘盈单或盘亏单，不能反审核");
    this.#refuseClosed(kind, old, "反审核");
    for (const movement of movementsOf(kind, old.lines)) this.#move(opposite(movement));
    return this.#settle(old, { status: "Z", auditor: "", auditedAtMs: 0 });
  }

  delete(kind: BillKind, id: string, origin: Origin): StockBill {
    const bill = this.get(kind, id);
    this.#refuseUnlessEditable(kind, bill, "删除");
    this.#sequence.value += 1;
    const deleted = { bill, deletedBy: origin, sequence: this.#sequence.value };
    this.bills.delete(id);
    this.#byNumber.delete(`${bill.kind}|${bill.number}`);
    this.deleted.push(deleted);
    this.#note({ kind: "deletedBill", deleted });
    return bill;
  }

  /** Notes on a count which documents its differences became. */
  link(bill: StockBill, change: { gain: string; loss: string }): StockBill {
    return this.#settle(bill, change);
  }

  // ---- keeping

  restore(bill: StockBill): void {
    this.#index(bill);
    this.#seen(bill);
    if (bill.status === "C") for (const movement of movementsOf(billKind(bill.kind), bill.lines)) this.#move(movement);
  }

  restoreDeleted(deleted: DeletedBill): void {
    this.deleted.push(deleted);
    this.#seen(deleted.bill);
    this.#sequence.value = Math.max(this.#sequence.value, deleted.sequence);
  }

  #seen(bill: StockBill): void {
    this.#ids.seen(bill.id);
    for (const line of bill.lines) this.#ids.seen(line.id);
    this.#sequence.value = Math.max(this.#sequence.value, bill.changedSequence);
  }

  #index(bill: StockBill): void {
    this.bills.set(bill.id, bill);
    this.#byNumber.set(`${bill.kind}|${bill.number}`, bill.id);
    const running = /^(\D+-\d{8})-(\d{5})$/.exec(bill.number);
    if (!running) return;
    const series = running[1] ?? "";
    this.#lastNumber.set(series, Math.max(this.#lastNumber.get(series) ?? 0, Number(running[2])));
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

  #settle(old: StockBill, change: Partial<StockBill>): StockBill {
    const next = this.#sequence.value + 1;
    const bill: StockBill = { ...old, ...change, modifiedAtMs: this.#now(), changedSequence: next };
    this.#commit(bill, old);
    return bill;
  }

  #commit(bill: StockBill, old: StockBill | undefined): void {
    this.#sequence.value += 1;
    if (old) this.#byNumber.delete(`${old.kind}|${old.number}`);
    this.#index(bill);
    this.#note({ kind: "bill", bill });
  }

  #identify(lines: readonly LineInput[]): BillLine[] {
    return lines.map((line) => ({ ...line, id: line.id ?? this.#ids.next() }));
  }

  #numberFor(kind: BillKind, input: BillInput): string {
    if (input.number !== "") {
      this.#refuseTaken(kind, input.number);
      return input.number;
    }
    const series = `${kind.prefix}-${input.date.replaceAll("-", "")}`;
    return `${series}-${String((this.#lastNumber.get(series) ?? 0) + 1).padStart(5, "0")}`;
  }

  #refuseTaken(kind: BillKind, number: string): void {
    if (!this.#byNumber.has(`${kind.path}|${number}`)) return;
    // "组合值与其他表单重复" is what integrators report of a repeated number.
    throw new Refusal(ERR.duplicate, `单据编号“${number}”：组合值与其他表单重复`);
  }

  // ---- stock

  #move(movement: OnHand): void {
    addMovement(this.#onHand, movement);
  }

  /** @returns the lines with the value at which they go in or out */
  #cost<Line extends LineInput>(kind: BillKind, lines: readonly Line[], negative: NegativeStock): Line[] {
    if (kind.effect === "count") return [...lines];
    const taken = new Map<string, { quantity: bigint; cost: bigint }>();
    return lines.map((line, index) => {
      if (kind.effect === "in")
        return line.cost === 0n ? { ...line, cost: this.#average(line, line.baseQuantity) } : line;
      const key = keyOf(line);
      const before = taken.get(key) ?? { quantity: 0n, cost: 0n };
      const held = this.#onHand.get(key) ?? { quantity: 0n, cost: 0n };
      const left = { quantity: held.quantity - before.quantity, cost: held.cost - before.cost };
      if (negative !== "allow" && left.quantity < line.baseQuantity) {
        const warning = `第${index + 1}行商品[${line.material}]在仓库[${line.store}]库存不足`;
        throw new Refusal(ERR.state, `${warning}，现存量${formatDecimal(left.quantity, 4)}`);
      }
      const cost = costOf(left, line.baseQuantity);
      taken.set(key, { quantity: before.quantity + line.baseQuantity, cost: before.cost + cost });
      return { ...line, cost };
    });
  }

  /** Goods that come in without a value get the average of what is there. */
  #average(line: LineInput, quantity: bigint): bigint {
    const held = this.held(line.material, line.store);
    return held.quantity > 0n ? roundDecimal(scaleDecimal(held.cost, quantity, held.quantity) ?? 0n, 2) : 0n;
  }

  // ---- rules

  #check(kind: BillKind, input: BillInput): void {
    if (!isDay(input.date)) throw new Refusal(ERR.validation, `参数bill_date[${input.date}]不正确`);
    const book = this.#book();
    const period = input.date.slice(0, 7);
    if (period <= book.closedThrough) throw new Refusal(ERR.validation, `单据日期${input.date}所在期间已结账`);
    if (period < book.startPeriod) throw new Refusal(ERR.validation, `单据日期${input.date}早于账套启用期间`);
    if (input.number.length > BILL_NUMBER_LENGTH_MAX) throw new Refusal(ERR.validation, "单据编号过长");
    if (input.lines.length === 0) throw new Refusal(ERR.validation, `${kind.name}分录不能为空`);
    if (input.lines.length > LINES_MAX) throw new Refusal(ERR.validation, `${kind.name}分录不能超过${LINES_MAX}条`);
  }

  #refuseUnlessEditable(kind: BillKind, bill: StockBill, verb: string): void {
    if (bill.status === "C") throw no(kind, bill, `已审核，不能${verb}`);
    this.#refuseClosed(kind, bill, verb);
  }

  #refuseClosed(kind: BillKind, bill: StockBill, verb: string): void {
    if (bill.date.slice(0, 7) <= this.#book().closedThrough) throw no(kind, bill, `所在期间已结账，不能${verb}`);
  }
}

function no(kind: BillKind, bill: StockBill, message: string): Refusal {
  return new Refusal(ERR.state, `${kind.name}【${bill.number}】${message}`);
}

function addMovement(held: Map<string, OnHand>, movement: OnHand): void {
  const key = keyOf(movement);
  const before = held.get(key) ?? { ...movement, quantity: 0n, cost: 0n };
  held.set(key, {
    ...before,
    quantity: before.quantity + movement.quantity,
    cost: before.cost + movement.cost,
  });
}

function keyOf({ material, store, batch }: Pick<OnHand, "material" | "store" | "batch">): string {
  return `${material}|${store}|${batch}`;
}

/** The last goods take the whole remaining value with them, so that nothing is left when nothing is there. */
function costOf(left: { quantity: bigint; cost: bigint }, quantity: bigint): bigint {
  if (left.quantity === quantity) return left.cost;
  return left.quantity === 0n ? 0n : roundDecimal(scaleDecimal(left.cost, quantity, left.quantity) ?? 0n, 2);
}

function opposite(movement: OnHand): OnHand {
  return { ...movement, quantity: -movement.quantity, cost: -movement.cost };
}

/** What audited lines did to the stock. */
export function movementsOf(kind: BillKind, lines: readonly BillLine[]): OnHand[] {
  return lines.flatMap((line): OnHand[] => {
    const there = { material: line.material, store: line.store, batch: line.batch };
    const into = { quantity: line.baseQuantity, cost: line.cost };
    const out = { quantity: -line.baseQuantity, cost: -line.cost };
    switch (kind.effect) {
      case "in":
        return [{ ...there, ...into }];
      case "out":
        return [{ ...there, ...out }];
      case "move":
        return [
          { ...there, ...out },
          { ...there, store: line.otherStore, ...into },
        ];
      case "count":
        return [];
    }
  });
}

/** @returns the value of one base unit; 0 when there is none */
export function unitCost(line: BillLine): bigint {
  return scaleDecimal(line.cost, ONE, line.baseQuantity) ?? 0n;
}
