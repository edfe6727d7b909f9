import { createHash } from "node:crypto";
import { dayInZone, instant, type BusinessDate, type Instant } from "../../domain/dates.ts";
import {
  add,
  type Decimal,
  decimal,
  divide,
  isNegative,
  isZero,
  multiply,
  negate,
  round,
  subtract,
  ZERO,
} from "../../domain/decimal.ts";
import type { ErrorCode } from "../../domain/errors.ts";
import { type CountLine, directionOf, type Movement, type MovementKind } from "../../domain/movement.ts";
import type { RecordProblem, SourceItem, SourceRecord, WarehouseBalance } from "../contract.ts";
import type { Pins } from "./pins.ts";
import { type FormSettings, type OurField, systemFields } from "./settings.ts";
import { type Read, readInstant, readMoney, readNumber, readText, showValue } from "./values.ts";
import { Head, Lines, type Row } from "./wire.ts";

export interface FormContext {
  readonly company: string;
  readonly source: string;
  readonly zone: string;
  readonly formName: string;
  readonly form: FormSettings;
  readonly pins: Pins;
}

const ONE = decimal("1");
const PRICE_DECIMALS_MAX = 10;
const EPOCH = instant("1970-01-01T00:00:00.000Z");
const CODE_LENGTH = 200;
const TEXT_LENGTH: Partial<Record<OurField, number>> = { unit: 50, currency: 10, cause: 100 };
const FLOW_STATES = ["running", "finished", "closed", "rejected"] as const;
/** Money alone happens here: nothing moves, so there may be no quantity. */
const withoutQuantity: ReadonlySet<MovementKind> = new Set(["provision", "subcontract-fee"]);
/** Keeps neighbours apart, so that no two records read alike. */
const SEPARATOR = "\u001f";

/** Where a field of ours is read in this form; the line comes before the head. */
interface Place {
  readonly level: "line" | "head";
  /** The key in the record; for the message, what the configuration calls it. */
  readonly name: string;
  readonly field: string;
}

/** Understands the records of one form. Made once per form and set of pins: what a record needs is looked up beforehand. */
export class RecordParser {
  readonly #context: FormContext;
  readonly #places: ReadonlyMap<OurField, Place>;
  readonly #conditions: readonly {
    readonly name: string;
    readonly texts: ReadonlySet<string>;
    readonly counts: boolean;
  }[];

  constructor(context: FormContext) {
    this.#context = context;
    this.#places = placesOf(context);
    const nameOf = (field: string): string => context.pins.head.get(field)?.name ?? field;
    this.#conditions = [
      ...context.form.onlyWhen.map((when) => ({ name: nameOf(when.field), texts: new Set(when.in), counts: true })),
      ...context.form.reversedWhen.map((when) => ({
        name: nameOf(when.field),
        texts: new Set(when.in),
        counts: false,
      })),
    ];
  }

  /** @returns undefined for a record in the recycle bin */
  parse(row: Row): SourceRecord | undefined {
    const head = Head.safeParse(row);
    if (!head.success) return this.#malformed(row, head.error.issues[0]?.path.join(".") ?? "");
    if (typeof head.data.deleteTime === "string") return undefined;
    const reading = new Reading(this.#context, this.#places, row);
    const inForce = this.#isInForce(row, head.data);
    const createdAt = reading.instant("createTime");
    const updatedAt = reading.instant("updateTime");
    const documentNumber = reading.documentNumber();
    const movements: Movement[] = [];
    const counts: CountLine[] = [];
    if (inForce) {
      const carriesCounts = this.#context.form.carries === "counts";
      for (const line of this.#lines(reading)) {
        reading.turnTo(line);
        if (carriesCounts) counts.push(reading.countLine(documentNumber));
        else movements.push(reading.movement(documentNumber, updatedAt));
      }
    }
    const bad = reading.problems.length > 0;
    return {
      form: this.#context.formName,
      recordId: row._id,
      documentNumber,
      createdAt,
      updatedAt,
      digest: digestOf(inForce, movements, counts, reading.problems),
      movements: bad ? [] : movements,
      counts: bad ? [] : counts,
      problems: reading.problems,
    };
  }

  /** Rows of a master data form. @returns undefined when a row cannot be used; the problems say why */
  item(row: Row): { readonly items: readonly SourceItem[]; readonly problems: readonly RecordProblem[] } {
    return this.#each(row, (reading, lines) => {
      const conversions: { unit: string; factor: Decimal }[] = [];
      const [first] = lines;
      reading.turnTo(this.#places.get("item")?.level === "line" ? first : undefined);
      const item = {
        code: reading.needText("item"),
        name: reading.text("name"),
        itemClass: reading.text("itemClass"),
        unit: reading.needText("unit"),
      };
      for (const line of lines) {
        reading.turnTo(line);
        const unit = reading.text("conversionUnit");
        const factor = unit === "" ? undefined : reading.needNumber("conversionFactor", PRICE_DECIMALS_MAX);
        if (factor !== undefined) conversions.push({ unit, factor });
      }
      return [{ ...item, conversions }];
    });
  }

  balance(row: Row): { readonly items: readonly WarehouseBalance[]; readonly problems: readonly RecordProblem[] } {
    return this.#each(row, (reading, lines) =>
      lines.map((line) => {
        reading.turnTo(line);
        return {
          item: reading.needText("item"),
          warehouse: reading.text("warehouse"),
          batch: reading.text("batch"),
          quantity: reading.needNumber("quantity", this.#context.form.quantityDecimals),
        };
      }),
    );
  }

  #each<T>(row: Row, read: (reading: Reading, lines: readonly (Row | undefined)[]) => readonly T[]) {
    const head = Head.safeParse(row);
    if (!head.success) return { items: [], problems: this.#malformed(row, "").problems };
    if (typeof head.data.deleteTime === "string" || !this.#isInForce(row, head.data))
      return { items: [], problems: [] };
    const reading = new Reading(this.#context, this.#places, row);
    const subform = this.#context.pins.subform;
    const lines = subform === undefined ? { success: true as const, data: [] } : Lines.safeParse(row[subform.name]);
    const items = read(reading, lines.success && lines.data.length > 0 ? lines.data : [undefined]);
    return { items: reading.problems.length > 0 ? [] : items, problems: reading.problems };
  }

  #isInForce(row: Row, head: Head): boolean {
    const { flowState } = this.#context.form;
    if (flowState !== undefined) {
      const state = FLOW_STATES[Number(head.flowState ?? -1)];
      if (state === undefined || !flowState.includes(state)) return false;
    }
    return this.#conditions.every(({ name, texts, counts }) => {
      const read = readText(row[name], CODE_LENGTH);
      return texts.has(read.ok ? (read.value ?? "") : "") === counts;
    });
  }

  /** One entry per line; `undefined` stands for a record that is its own only line. */
  #lines(reading: Reading): readonly (Row | undefined)[] {
    const subform = this.#context.pins.subform;
    if (subform === undefined) return [undefined];
    const value = reading.row[subform.name];
    if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) {
      reading.problem("SUBFORM_EMPTY", this.#context.form.lines?.subform ?? "", "");
      return [];
    }
    const lines = Lines.safeParse(value);
    if (!lines.success) {
      reading.problem("RECORD_UNREADABLE", this.#context.form.lines?.subform ?? "", value);
      return [];
    }
    const seen = new Set<string>();
    for (const line of lines.data) {
      if (!seen.has(line._id)) seen.add(line._id);
      else reading.problem("DUPLICATE_LINE", this.#context.form.lines?.subform ?? "", line._id);
    }
    return lines.data;
  }

  #malformed(row: Row, field: string): SourceRecord {
    const problem: RecordProblem = {
      code: "RECORD_UNREADABLE",
      form: this.#context.formName,
      recordId: row._id,
      lineId: "",
      documentNumber: "",
      field,
      value: showValue(row[field]),
    };
    return {
      form: this.#context.formName,
      recordId: row._id,
      documentNumber: "",
      createdAt: EPOCH,
      updatedAt: EPOCH,
      digest: digestOf(true, [], [], [problem]),
      movements: [],
      counts: [],
      problems: [problem],
    };
  }
}

const placesOf = ({ form, pins }: FormContext): ReadonlyMap<OurField, Place> => {
  const places = new Map<OurField, Place>();
  const put = (level: Place["level"], fields: FormSettings["fields"], names: Pins["head"]): void => {
    for (const [ours, field] of entriesOf(fields))
      places.set(ours, { level, field, name: names.get(field)?.name ?? field });
  };
  put("head", form.fields, pins.head);
  if (form.lines !== undefined) put("line", form.lines.fields, pins.line);
  return places;
};
function* entriesOf(fields: FormSettings["fields"]): Iterable<[OurField, string]> {
  let ours: OurField;
  for (ours in fields) {
    const field = fields[ours];
    if (field !== undefined) yield [ours, field];
  }
}

/** The reading of one record: takes value after value and collects what it could not understand. */
class Reading {
  readonly row: Row;
  readonly problems: RecordProblem[] = [];
  readonly #context: FormContext;
  readonly #places: ReadonlyMap<OurField, Place>;
  /** Head fields are read once per record, not once per line. */
  readonly #headTexts = new Map<OurField, string>();
  #line: Row | undefined;
  #documentNumber = "";
  #lastAt: Instant | undefined;
  #lastOn: BusinessDate | undefined;

  constructor(context: FormContext, places: ReadonlyMap<OurField, Place>, row: Row) {
    this.#context = context;
    this.#places = places;
    this.row = row;
  }

  turnTo(line: Row | undefined): void {
    this.#line = line;
  }

  problem(code: ErrorCode, field: string, value: unknown): void {
    this.problems.push({
      code,
      form: this.#context.formName,
      recordId: this.row._id,
      lineId: this.#line?._id ?? "",
      documentNumber: this.#documentNumber,
      field,
      value: showValue(value),
    });
  }

  instant(field: "createTime" | "updateTime"): Instant {
    const read = readInstant(this.row[field]);
    if (read.ok && read.value !== undefined) return read.value;
    this.problem("RECORD_UNREADABLE", field, this.row[field]);
    return EPOCH;
  }

  documentNumber(): string {
    this.#documentNumber = this.needText("documentNumber");
    return this.#documentNumber;
  }

  text(ours: OurField): string {
    return this.#text(ours, false);
  }
  needText(ours: OurField): string {
    return this.#text(ours, true);
  }

  number(ours: OurField, decimalsMax: number): Decimal | undefined {
    const place = this.#places.get(ours);
    return place && this.#take(place, readNumber(this.#valueAt(place), decimalsMax));
  }
  #money(ours: OurField, decimals: number): Decimal | undefined {
    const place = this.#places.get(ours);
    return place && this.#take(place, readMoney(this.#valueAt(place), decimals));
  }
  /** Zero stands in for a number that is missing; the problem keeps it from going anywhere. */
  needNumber(ours: OurField, decimalsMax: number): Decimal {
    const before = this.problems.length;
    const number = this.number(ours, decimalsMax);
    if (number === undefined && this.problems.length === before) this.#missing(ours);
    return number ?? ZERO;
  }

  movement(documentNumber: string, sourceUpdatedAt: Instant): Movement {
    const { company, source, formName, form } = this.#context;
    const kind = this.#kind();
    const quantity = this.#quantity(kind);
    const happenedAt = this.#happenedAt();
    const { constants } = form;
    const amounts = this.#amounts(quantity);
    return {
      company,
      source,
      form: formName,
      recordId: this.row._id,
      lineId: this.#line?._id ?? "1",
      revision: 0,
      cancelled: false,
      kind,
      documentNumber,
      happenedAt,
      happenedOn: this.#dayOf(happenedAt),
      item: this.needText("item"),
      warehouse: this.text("warehouse") || (constants.warehouse ?? ""),
      counterWarehouse: this.text("counterWarehouse"),
      batch: this.text("batch"),
      unit: this.text("unit") || (constants.unit ?? ""),
      quantity,
      currency: this.text("currency") || constants.currency,
      partner: this.text("partner") || (constants.partner ?? ""),
      department: this.text("department") || (constants.department ?? ""),
      order: this.text("order"),
      cause: this.text("cause") || (constants.cause ?? ""),
      invoiced: this.#places.has("invoiced")
        ? form.invoicedWhen.includes(this.text("invoiced"))
        : (constants.invoiced ?? false),
      originDocument: this.text("originDocument"),
      sourceUpdatedAt,
      ...amounts,
    };
  }

  countLine(documentNumber: string): CountLine {
    const { company, source, formName, form } = this.#context;
    const countedAt = this.#happenedAt();
    const countedQuantity = this.needNumber("countedQuantity", form.quantityDecimals);
    if (isNegative(countedQuantity)) this.#wrong("countedQuantity", "QUANTITY_NEGATIVE");
    return {
      company,
      source,
      form: formName,
      recordId: this.row._id,
      lineId: this.#line?._id ?? "1",
      documentNumber,
      countedAt,
      countedOn: this.#dayOf(countedAt),
      item: this.needText("item"),
      warehouse: this.text("warehouse") || (form.constants.warehouse ?? ""),
      batch: this.text("batch"),
      unit: this.text("unit") || (form.constants.unit ?? ""),
      bookQuantity: this.needNumber("bookQuantity", form.quantityDecimals),
      countedQuantity,
    };
  }

  #kind(): MovementKind {
    const { kinds, constants } = this.#context.form;
    const fallback = constants.kind ?? "status-change";
    if (!this.#places.has("kind")) return fallback;
    const word = this.needText("kind");
    const kind = Object.hasOwn(kinds, word) ? kinds[word] : undefined;
    if (kind !== undefined) return kind;
    if (word !== "") this.#wrong("kind", "KIND_UNKNOWN");
    return fallback;
  }

  /** Positive, whatever the form's habit with signs. */
  #quantity(kind: MovementKind): Decimal {
    const { form } = this.#context;
    const optional = withoutQuantity.has(kind);
    const before = this.problems.length;
    const read = this.number("quantity", form.quantityDecimals);
    if (read === undefined) {
      if (!optional && this.problems.length === before) this.#missing("quantity");
      return ZERO;
    }
    const quantity = form.signedQuantity && directionOf[kind] === "out" ? negate(read) : read;
    if (isNegative(quantity)) this.#wrong("quantity", "QUANTITY_NEGATIVE");
    if (isZero(quantity) && !optional) this.#wrong("quantity", "QUANTITY_ZERO");
    return quantity;
  }

  #happenedAt(): Instant {
    const place = this.#places.get("happenedAt") ?? CREATED;
    const value = this.#valueAt(place);
    const read = readInstant(value);
    if (read.ok && read.value !== undefined) return read.value;
    this.problem(read.ok ? "FIELD_MISSING" : read.code, place.field, value);
    return EPOCH;
  }

  #dayOf(at: Instant): BusinessDate {
    if (this.#lastAt === at && this.#lastOn !== undefined) return this.#lastOn;
    this.#lastAt = at;
    this.#lastOn = dayInZone(at, this.#context.zone);
    return this.#lastOn;
  }

  #amounts(quantity: Decimal): Pick<Movement, "amount" | "taxAmount" | "salesAmount"> {
    const purchase = this.#net("amount", "unitPrice", quantity);
    const sale = this.#net("salesAmount", "salesPrice", quantity);
    const taxAmount = this.#money("taxAmount", this.#context.form.amountDecimals) ?? purchase?.tax ?? sale?.tax;
    const amounts: { amount?: Decimal; taxAmount?: Decimal; salesAmount?: Decimal } = {};
    if (purchase !== undefined) amounts.amount = purchase.net;
    if (taxAmount !== undefined) amounts.taxAmount = taxAmount;
    if (sale !== undefined) amounts.salesAmount = sale.net;
    return amounts;
  }

  /** The line's net amount and tax, rounded half up per line, as invoices are. */
  #net(amountField: OurField, priceField: OurField, quantity: Decimal) {
    const { amountDecimals, taxRate, priceIncludesTax } = this.#context.form;
    const price = this.#money(priceField, PRICE_DECIMALS_MAX);
    const written =
      price === undefined ? this.#money(amountField, amountDecimals) : round(multiply(price, quantity), amountDecimals);
    if (written === undefined) return undefined;
    if (taxRate === undefined) return { net: written, tax: undefined };
    if (!priceIncludesTax) return { net: written, tax: round(multiply(written, taxRate), amountDecimals) };
    const net = divide(written, add(ONE, taxRate), amountDecimals);
    return { net, tax: subtract(written, net) };
  }

  #text(ours: OurField, needed: boolean): string {
    const place = this.#places.get(ours);
    if (place === undefined) return "";
    const known = place.level === "head" ? this.#headTexts.get(ours) : undefined;
    if (known !== undefined) return known;
    const before = this.problems.length;
    const text = this.#take(place, readText(this.#valueAt(place), TEXT_LENGTH[ours] ?? CODE_LENGTH)) ?? "";
    if (text === "" && needed && this.problems.length === before) this.#missing(ours);
    if (place.level === "head") this.#headTexts.set(ours, text);
    return text;
  }

  #take<T>(place: Place, read: Read<T>): T | undefined {
    if (read.ok) return read.value;
    this.problem(read.code, place.field, this.#valueAt(place));
    return undefined;
  }
  #missing(ours: OurField): void {
    this.problem("FIELD_MISSING", this.#places.get(ours)?.field ?? ours, "");
  }
  #wrong(ours: OurField, code: ErrorCode): void {
    this.problem(code, this.#places.get(ours)?.field ?? ours, this.#valueOf(ours));
  }
  #valueOf(ours: OurField): unknown {
    const place = this.#places.get(ours);
    return place && this.#valueAt(place);
  }
  #valueAt(place: Place): unknown {
    return place.level === "head" || systemFields.has(place.name) ? this.row[place.name] : this.#line?.[place.name];
  }
}

const CREATED: Place = { level: "head", name: "createTime", field: "createTime" };

/** What a movement says, without what changes when nothing of it did (update time, revision). */
const contentOf = (movement: Movement): string =>
  [
    movement.lineId,
    movement.kind,
    movement.documentNumber,
    movement.happenedAt,
    movement.happenedOn,
    movement.item,
    movement.warehouse,
    movement.counterWarehouse,
    movement.batch,
    movement.unit,
    movement.quantity,
    movement.amount ?? "",
    movement.taxAmount ?? "",
    movement.salesAmount ?? "",
    movement.currency,
    movement.partner,
    movement.department,
    movement.order,
    movement.cause,
    movement.invoiced,
    movement.originDocument,
  ].join(SEPARATOR);
const contentOfCount = (line: CountLine): string =>
  [
    line.lineId,
    line.documentNumber,
    line.countedAt,
    line.item,
    line.warehouse,
    line.batch,
    line.unit,
    line.bookQuantity,
    line.countedQuantity,
  ].join(SEPARATOR);

/** Over what was understood. The order of lines says nothing, so that dragging them about is no change. */
const digestOf = (
  inForce: boolean,
  movements: readonly Movement[],
  counts: readonly CountLine[],
  problems: readonly RecordProblem[],
): string => {
  const lines = [...movements.map(contentOf), ...counts.map(contentOfCount)].sort();
  const troubles = problems.map((problem) =>
    [problem.code, problem.lineId, problem.field, problem.value].join(SEPARATOR),
  );
  const content = [inForce ? "in force" : "not in force", ...lines, ...troubles].join("\u001e");
  return createHash("sha256").update(content).digest("hex");
};
