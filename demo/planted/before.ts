import {
  centsOf,
  centsText,
  type DemoBalance,
  type DemoCompany,
  type DemoDocument,
  type DemoItem,
  type DemoLine,
  documentWith,
} from "../document.ts";
import { Draw } from "../random.ts";
import { movementSubject, planOf, type Planted, planted } from "./planted.ts";

const STREAM = 0xbef0;
const VAT_PERCENT = 13n;

export interface PlantedBefore {
  /** The company as it will be entered. */
  readonly company: DemoCompany;
  readonly planted: readonly Planted[];
  /** Known to the warehouse only: neither in the ERP nor in the code table. */
  readonly missingItems: readonly string[];
  /** To be forbidden in the ERP. */
  readonly forbiddenItems: readonly string[];
  /** Items whose quantities differ for a reason of their own: later acts keep away from them. */
  readonly reservedItems: readonly string[];
}

/** Hides what has to be there before the first record is entered: causes 2, 9, 18, 20, 21, 22. */
export function plantBefore(company: DemoCompany, seed: number): PlantedBefore {
  const plan = planOf(seed);
  const month = new Hidden(company, new Draw(seed ^ STREAM));
  month.unitError();
  month.offsettingPair();
  if (plan.has(2)) month.withoutRule();
  if (plan.has(20)) month.missingItem();
  if (plan.has(21)) month.forbiddenItem();
  if (plan.has(22)) month.closedMonth();
  return month.result();
}

class Hidden {
  readonly #company: DemoCompany;
  readonly #draw: Draw;
  readonly #documents: DemoDocument[];
  readonly #items: DemoItem[];
  #balances: DemoBalance[];
  readonly #planted: Planted[] = [];
  readonly #missing: string[] = [];
  readonly #forbidden: string[] = [];
  readonly #reserved: string[] = [];
  #pairQuantityAvoided = 0;

  constructor(company: DemoCompany, draw: Draw) {
    this.#company = company;
    this.#draw = draw;
    this.#documents = [...company.documents];
    this.#items = [...company.items];
    this.#balances = [...company.balances];
  }

  result(): PlantedBefore {
    const company = { ...this.#company, items: this.#items, documents: this.#documents, balances: this.#balances };
    return {
      company,
      planted: this.#planted,
      missingItems: this.#missing,
      forbiddenItems: this.#forbidden,
      reservedItems: this.#reserved,
    };
  }

  /** Cause 9: n cartons left, n pieces were written down. n occurs on no other line of the item, so one document explains it. */
  unitError(): void {
    const choices = this.#items.flatMap((item) => {
      const [carton] = item.conversions;
      if (carton === undefined || item.itemClass !== "goods") return [];
      const taken = new Set(this.#linesOf(item.code).map(({ quantity }) => quantity));
      return [3, 4, 5, 6, 7, 8, 9, 10].flatMap((cartons) => {
        const pieces = cartons * Number(carton.factor);
        const lot = this.#balances.find((one) => one.item === item.code && Number(one.quantity) > pieces);
        return lot === undefined || taken.has(String(cartons)) ? [] : [{ item, cartons, pieces, lot }];
      });
    });
    const { item, cartons, pieces, lot } = this.#draw.one(choices);
    const line = this.#saleLine(item, lot.batch, cartons, pieces);
    const document = this.#sale("XS2503-9009", lot.warehouse, line);
    this.#take(lot, pieces);
    this.#reserved.push(item.code);
    this.#pairQuantityAvoided = pieces - cartons;
    this.#note(9, movementSubject(document.form, document.documentNumber));
  }

  /** Cause 18: one item left, its neighbour was written down. Neither has cartons, so no unit error can explain it. */
  offsettingPair(): void {
    const lots = this.#balances.filter((lot) => {
      const item = this.#items.find(({ code }) => code === lot.item);
      const plain = item?.itemClass === "goods" && item.conversions.length === 0 && !lot.item.startsWith("SP-19");
      return plain && Number(lot.quantity) >= 20;
    });
    const pairs = lots.flatMap((written) =>
      lots
        .filter((left) => left.item !== written.item && left.warehouse === written.warehouse)
        .map((left) => ({ written, left })),
    );
    const { written, left } = this.#draw.one(pairs);
    const drawn = this.#draw.between(7, 18);
    const quantity = drawn === this.#pairQuantityAvoided ? drawn + 1 : drawn;
    const item = this.#itemOf(written.item);
    this.#sale("XS2503-9018", written.warehouse, this.#saleLine(item, written.batch, quantity, quantity));
    this.#take(left, quantity);
    const [a = "", b = ""] = [written.item, left.item].sort((x, y) => (x < y ? -1 : 1));
    this.#reserved.push(a, b);
    this.#note(18, `item-pair:${a}+${b}`);
  }

  /** Cause 2: a use of goods for which no rule was written. */
  withoutRule(): void {
    const item = this.#newItem("ZS-9002", "样品赠送件");
    const receipt = this.#receipt("CG2503-9092", item, `${this.#company.firstPeriod}-30 16:00:00`);
    this.#documents.push(
      documentWith({
        form: "scrap",
        documentNumber: "BF2503-9002",
        happenedAt: `${this.#company.firstPeriod}-31 16:10:00`,
        warehouse: receipt.warehouse,
        department: "D03",
        cause: UNRULED_CAUSE,
        lines: [{ item: item.code, batch: PLANTED_BATCH, unit: item.unit, quantity: "4" }],
      }),
    );
    const lot = this.#balances.find((one) => one.item === item.code);
    if (lot !== undefined) this.#take(lot, 4);
    this.#reserved.push(item.code);
    this.#note(2, movementSubject("scrap", "BF2503-9002"));
  }

  missingItem(): void {
    const item = this.#newItem("ZS-9020", "未建档新品");
    this.#receipt("CG2503-9020", item, `${this.#company.firstPeriod}-26 15:00:00`);
    this.#missing.push(item.code);
    this.#note(20, `code:item/${item.code}`);
  }

  forbiddenItem(): void {
    const item = this.#newItem("ZS-9021", "已禁用物料");
    const { documentNumber } = this.#receipt("CG2503-9021", item, `${this.#company.firstPeriod}-25 15:30:00`);
    this.#forbidden.push(item.code);
    this.#note(21, movementSubject("purchase-receipt", documentNumber));
  }

  closedMonth(): void {
    const item = this.#newItem("ZS-9022", "上月漏单物料");
    const { documentNumber } = this.#receipt(
      "CG2502-9022",
      item,
      "2025-02-28 23:50:00",
      `${this.#company.firstPeriod}-03 09:05:00`,
    );
    this.#note(22, movementSubject("purchase-receipt", documentNumber));
  }

  // ------------------------------------------------------------------------------------------- within

  #note(cause: number, subject: string): void {
    this.#planted.push(planted(this.#company.code, cause, subject));
  }

  #linesOf(item: string): readonly DemoLine[] {
    return this.#documents.flatMap(({ lines }) => lines).filter((line) => line.item === item);
  }

  #itemOf(code: string): DemoItem {
    const item = this.#items.find((one) => one.code === code);
    if (item === undefined) throw new Error(`no item ${code}`);
    return item;
  }

  #newItem(code: string, name: string): DemoItem {
    const item: DemoItem = { code, name, itemClass: "goods", unit: "个", conversions: [] };
    this.#items.push(item);
    this.#reserved.push(code);
    return item;
  }

  #receipt(documentNumber: string, item: DemoItem, happenedAt: string, recordedAt?: string): DemoDocument {
    const quantity = this.#draw.between(10, 40);
    const amount = centsText(BigInt(quantity * this.#draw.between(800, 2_400)));
    const warehouse = this.#company.warehouses[0]?.code ?? "";
    const document = documentWith({
      form: "purchase-receipt",
      documentNumber,
      happenedAt,
      ...(recordedAt === undefined ? {} : { recordedAt }),
      warehouse,
      partner: this.#company.suppliers[0]?.code ?? "",
      department: "D01",
      lines: [{ item: item.code, batch: PLANTED_BATCH, unit: item.unit, quantity: String(quantity), amount }],
    });
    this.#documents.push(document);
    this.#balances.push({ item: item.code, warehouse, batch: PLANTED_BATCH, quantity: String(quantity) });
    return document;
  }

  #saleLine(item: DemoItem, batch: string, quantity: number, pieces: number): DemoLine {
    const opening = this.#linesOf(item.code).find(({ amount }) => amount !== undefined);
    const cost = opening === undefined ? 1_000n : centsOf(opening.amount ?? "0") / BigInt(opening.quantity);
    const sales = (cost * BigInt(pieces) * 140n) / 100n;
    const tax = (sales * VAT_PERCENT + 50n) / 100n;
    return {
      item: item.code,
      batch,
      unit: item.unit,
      quantity: String(quantity),
      salesAmount: centsText(sales),
      taxAmount: centsText(tax),
    };
  }

  /** Late on the last day: nothing of the item follows that could meet an empty shelf. */
  #sale(documentNumber: string, warehouse: string, line: DemoLine): DemoDocument {
    const document = documentWith({
      form: "sales-issue",
      documentNumber,
      happenedAt: `${this.#company.firstPeriod}-31 ${documentNumber.endsWith("9") ? "18:40:00" : "18:50:00"}`,
      warehouse,
      partner: this.#company.customers[0]?.code ?? "",
      department: "D03",
      lines: [line],
    });
    this.#documents.push(document);
    return document;
  }

  #take(lot: DemoBalance, quantity: number): void {
    this.#balances = this.#balances.flatMap((one) => {
      if (one.item !== lot.item || one.warehouse !== lot.warehouse || one.batch !== lot.batch) return [one];
      const left = Number(one.quantity) - quantity;
      return left === 0 ? [] : [{ ...one, quantity: String(left) }];
    });
  }
}

const PLANTED_BATCH = "B2503ZZ";
/** A use of goods that the rules of the demo do not name (`demo/rules.ts`). */
export const UNRULED_CAUSE = "对外赠送";
