import type { BusinessDate, Instant } from "../../domain/dates.ts";
import { dayInZone, instant } from "../../domain/dates.ts";
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
import type { SourceItem, SourceRecord, WarehouseBalance } from "../contract.ts";
import { digestOf } from "./digest.ts";
import type { Fields, OurField, RowForm } from "./form-settings.ts";
import {
  type Habits,
  type RawValue,
  type Read,
  readInstant,
  readMoney,
  readNumber,
  readText,
  showValue,
} from "./values.ts";

/** Reads what a place (column, path) holds. */
export type Cells = (place: string) => RawValue;

/** One document of a source, before anything of it is understood. */
export interface RawDocument {
  readonly recordId: string;
  readonly head: Cells;
  /** Each with an id of its own inside the document. */
  readonly lines: readonly { readonly id: string; readonly cells: Cells }[];
  /** Stand in for the fields of these names where the form maps none. */
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

export interface ParserContext {
  readonly company: string;
  readonly source: string;
  readonly formName: string;
  readonly form: RowForm;
  /** Looked up in the line before the head. */
  readonly lineFields: Fields;
  readonly headFields: Fields;
  /** Where the fields of `onlyWhen` and `reversedWhen` stand. */
  readonly conditionsIn: "line" | "head";
  readonly zone: string;
  readonly typedByPeople: boolean;
}

/** What could not be understood, and in which line of the document. */
export interface Fault {
  /** Index into the document's lines; -1 for the head. */
  readonly line: number;
  readonly code: ErrorCode;
  readonly field: string;
  readonly value: string;
}
export interface ParsedDocument {
  readonly record: SourceRecord;
  readonly faults: readonly Fault[];
}

const ONE = decimal("1");
const PRICE_DECIMALS_MAX = 10;
const EPOCH = instant("1970-01-01T00:00:00.000Z");
const CODE_LENGTH = 200;
const TEXT_LENGTH: Partial<Record<OurField, number>> = { unit: 50, currency: 10, cause: 100 };
/** Money alone happens here: nothing moves, so there may be no quantity. */
const withoutQuantity: ReadonlySet<MovementKind> = new Set(["provision", "subcontract-fee"]);

/** Understands the documents of one form. Every row source maps through here, so that all of them mean the same. */
export class DocumentParser {
  readonly #context: ParserContext;

  constructor(context: ParserContext) {
    this.#context = context;
  }

  /** A document counts whole or not at all: with one fault it has no lines. */
  parse(document: RawDocument): ParsedDocument {
    const reading = new Reading(this.#context, document);
    const createdAt = reading.instant("createdAt") ?? document.createdAt;
    const updatedAt = reading.instant("updatedAt") ?? document.updatedAt;
    const documentNumber = reading.documentNumber();
    const movements: Movement[] = [];
    const counts: CountLine[] = [];
    const carriesCounts = this.#context.form.carries === "counts";
    const ids = new Set<string>();
    document.lines.forEach((_line, index) => {
      reading.turnTo(index);
      if (!reading.isInForce()) return;
      const lineId = reading.lineId();
      if (ids.has(lineId)) reading.fault("DUPLICATE_LINE", "lineId", lineId);
      ids.add(lineId);
      if (carriesCounts) counts.push(reading.countLine(lineId, documentNumber));
      else movements.push(reading.movement(lineId, documentNumber, updatedAt));
    });
    if (document.lines.length === 0) reading.fault("SUBFORM_EMPTY", "lines", "");
    return {
      record: this.#record(reading, { createdAt, updatedAt, documentNumber, movements, counts }),
      faults: reading.faults,
    };
  }

  item(document: RawDocument): { readonly item: SourceItem | undefined; readonly faults: readonly Fault[] } {
    const reading = new Reading(this.#context, document);
    reading.turnTo(document.lines.length === 0 ? -1 : 0);
    if (!reading.isInForce()) return { item: undefined, faults: [] };
    const described = {
      code: reading.needText("item"),
      name: reading.text("name"),
      itemClass: reading.text("itemClass") || (this.#context.form.constants.itemClass ?? ""),
      unit: reading.needText("unit"),
    };
    const conversions: { unit: string; factor: Decimal }[] = [];
    document.lines.forEach((_line, index) => {
      reading.turnTo(index);
      const unit = reading.text("conversionUnit");
      const factor = unit === "" ? undefined : reading.needNumber("conversionFactor", PRICE_DECIMALS_MAX);
      if (factor !== undefined) conversions.push({ unit, factor });
    });
    const { faults } = reading;
    return { item: faults.length > 0 ? undefined : { ...described, conversions }, faults };
  }

  /** One balance per line. */
  balances(document: RawDocument): {
    readonly balances: readonly WarehouseBalance[];
    readonly faults: readonly Fault[];
  } {
    const reading = new Reading(this.#context, document);
    const { form } = this.#context;
    const balances = document.lines.flatMap((_line, index): WarehouseBalance[] => {
      reading.turnTo(index);
      if (!reading.isInForce()) return [];
      const before = reading.faults.length;
      const balance = {
        item: reading.needText("item"),
        warehouse: reading.text("warehouse") || (form.constants.warehouse ?? ""),
        batch: reading.text("batch"),
        quantity: reading.needNumber("quantity", form.quantityDecimals),
      };
      return reading.faults.length > before ? [] : [balance];
    });
    return { balances, faults: reading.faults };
  }

  #record(
    reading: Reading,
    parsed: Pick<SourceRecord, "createdAt" | "updatedAt" | "documentNumber" | "movements" | "counts">,
  ): SourceRecord {
    const { document, faults } = reading;
    const problems = faults.map(({ line, code, field, value }) => ({
      code,
      form: this.#context.formName,
      recordId: document.recordId,
      lineId: document.lines[line]?.id ?? "",
      documentNumber: parsed.documentNumber,
      field,
      value,
    }));
    const bad = problems.length > 0;
    return {
      form: this.#context.formName,
      recordId: document.recordId,
      ...parsed,
      digest: digestOf(parsed.movements, parsed.counts, problems),
      movements: bad ? [] : parsed.movements,
      counts: bad ? [] : parsed.counts,
      problems,
    };
  }
}

/** The reading of one document: takes value after value and collects what it could not understand. */
class Reading {
  readonly document: RawDocument;
  readonly faults: Fault[] = [];
  readonly #context: ParserContext;
  readonly #habits: Habits;
  #line = -1;

  constructor(context: ParserContext, document: RawDocument) {
    this.#context = context;
    this.document = document;
    this.#habits = {
      zone: context.zone,
      timeFormat: context.form.timeFormat,
      typedByPeople: context.typedByPeople,
    };
  }

  turnTo(line: number): void {
    this.#line = line;
  }

  fault(code: ErrorCode, field: string, value: string): void {
    this.faults.push({ line: this.#line, code, field, value });
  }

  /** Whether the line counts: it meets every condition and was not taken back. */
  isInForce(): boolean {
    const { onlyWhen, reversedWhen } = this.#context.form;
    const { document } = this;
    const inHead = this.#context.conditionsIn === "head";
    const says = (place: string): string => {
      const read = readText(inHead ? document.head(place) : document.lines[this.#line]?.cells(place), CODE_LENGTH);
      return read.ok ? (read.value ?? "") : "";
    };
    return (
      onlyWhen.every((when) => when.in.includes(says(when.field))) &&
      !reversedWhen.some((when) => when.in.includes(says(when.field)))
    );
  }

  lineId(): string {
    return this.text("lineId") || (this.document.lines[this.#line]?.id ?? "1");
  }

  documentNumber(): string {
    return this.needText("documentNumber");
  }

  text(ours: OurField): string {
    const value = this.#take(ours, readText(this.#valueOf(ours), TEXT_LENGTH[ours] ?? CODE_LENGTH)) ?? "";
    const codes = this.#context.form.codes[ours];
    return codes !== undefined && Object.hasOwn(codes, value) ? (codes[value] ?? value) : value;
  }

  needText(ours: OurField): string {
    const before = this.faults.length;
    const text = this.text(ours);
    if (text === "" && this.faults.length === before) this.#missing(ours);
    return text;
  }

  /** Zero stands in for a number that is missing; the fault keeps it from going anywhere. */
  needNumber(ours: OurField, decimalsMax: number): Decimal {
    const before = this.faults.length;
    const number = this.#number(ours, decimalsMax);
    if (number === undefined && this.faults.length === before) this.#missing(ours);
    return number ?? ZERO;
  }

  instant(ours: OurField): Instant | undefined {
    return this.#take(ours, readInstant(this.#valueOf(ours), this.#habits));
  }

  movement(lineId: string, documentNumber: string, sourceUpdatedAt: Instant): Movement {
    const { company, source, formName, form } = this.#context;
    const { constants } = form;
    const { kind, quantity } = this.#kindAndQuantity();
    const happenedAt = this.#happenedAt();
    return {
      company,
      source,
      form: formName,
      recordId: this.document.recordId,
      lineId,
      revision: 0,
      cancelled: false,
      kind,
      documentNumber,
      happenedAt,
      happenedOn: this.#dayOf(happenedAt),
      item: this.needText("item"),
      warehouse: this.text("warehouse") || (constants.warehouse ?? ""),
      counterWarehouse: this.text("counterWarehouse") || (constants.counterWarehouse ?? ""),
      batch: this.text("batch"),
      unit: this.text("unit") || (constants.unit ?? ""),
      quantity,
      currency: this.text("currency") || constants.currency,
      partner: this.text("partner") || (constants.partner ?? ""),
      department: this.text("department") || (constants.department ?? ""),
      order: this.text("order"),
      cause: this.text("cause") || (constants.cause ?? ""),
      invoiced:
        this.#placeOf("invoiced") === undefined
          ? (constants.invoiced ?? false)
          : form.invoicedWhen.includes(this.text("invoiced")),
      originDocument: this.text("originDocument"),
      sourceUpdatedAt,
      ...this.#amounts(quantity),
    };
  }

  countLine(lineId: string, documentNumber: string): CountLine {
    const { company, source, formName, form } = this.#context;
    const countedAt = this.#happenedAt();
    const countedQuantity = this.needNumber("countedQuantity", form.quantityDecimals);
    if (isNegative(countedQuantity)) this.#wrong("countedQuantity", "QUANTITY_NEGATIVE");
    return {
      company,
      source,
      form: formName,
      recordId: this.document.recordId,
      lineId,
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

  /** The kind by its word, and a positive quantity, whatever the source's habit with signs. */
  #kindAndQuantity(): { readonly kind: MovementKind; readonly quantity: Decimal } {
    const { form } = this.#context;
    const before = this.faults.length;
    const read = this.#number("quantity", form.quantityDecimals);
    const unreadable = this.faults.length > before;
    const { kind, signed } = this.#kind(read !== undefined && isNegative(read));
    const optional = withoutQuantity.has(kind);
    if (read === undefined) {
      if (!optional && !unreadable) this.#missing("quantity");
      return { kind, quantity: ZERO };
    }
    const turned = signed ? isNegative(read) : form.signedQuantity && directionOf[kind] === "out";
    const quantity = turned ? negate(read) : read;
    if (isNegative(quantity)) this.#wrong("quantity", "QUANTITY_NEGATIVE");
    if (isZero(quantity) && !optional) this.#wrong("quantity", "QUANTITY_ZERO");
    return { kind, quantity };
  }

  /** `signed`: the sign of the quantity chose the kind, so it is used up. */
  #kind(negative: boolean): { readonly kind: MovementKind; readonly signed: boolean } {
    const { kinds, constants } = this.#context.form;
    const fallback = { kind: constants.kind ?? "status-change", signed: false } as const;
    if (this.#placeOf("kind") === undefined) return fallback;
    const word = this.needText("kind");
    const kind = Object.hasOwn(kinds, word) ? kinds[word] : undefined;
    if (kind === undefined) {
      if (word !== "") this.#wrong("kind", "KIND_UNKNOWN");
      return fallback;
    }
    if (typeof kind === "string") return { kind, signed: false };
    return { kind: negative ? kind.negative : kind.positive, signed: true };
  }

  #happenedAt(): Instant {
    if (this.#placeOf("happenedAt") === undefined) return this.document.createdAt;
    const before = this.faults.length;
    const at = this.instant("happenedAt");
    if (at === undefined && this.faults.length === before) this.#missing("happenedAt");
    return at ?? EPOCH;
  }

  #dayOf(at: Instant): BusinessDate {
    return dayInZone(at, this.#context.zone);
  }

  #amounts(quantity: Decimal): Pick<Movement, "amount" | "taxAmount" | "salesAmount"> {
    const purchase = this.#net("amount", "unitPrice", quantity);
    const sale = this.#net("salesAmount", "salesPrice", quantity);
    const taxAmount = this.#money("taxAmount", this.#context.form.amountDecimals) ?? purchase?.tax ?? sale?.tax;
    return {
      ...(purchase === undefined ? {} : { amount: purchase.net }),
      ...(taxAmount === undefined ? {} : { taxAmount }),
      ...(sale === undefined ? {} : { salesAmount: sale.net }),
    };
  }

  /** The line's net amount and tax, rounded half up per line, as invoices are. */
  #net(amountField: OurField, priceField: OurField, quantity: Decimal): { net: Decimal; tax?: Decimal } | undefined {
    const { taxRate, priceIncludesTax, amountDecimals } = this.#context.form;
    const given = this.#money(amountField, amountDecimals);
    const price = this.#money(priceField, PRICE_DECIMALS_MAX);
    const gross = given ?? (price === undefined ? undefined : round(multiply(price, quantity), amountDecimals));
    if (gross === undefined) return undefined;
    if (taxRate === undefined) return { net: gross };
    if (!priceIncludesTax) return { net: gross, tax: round(multiply(gross, taxRate), amountDecimals) };
    const net = divide(gross, add(ONE, taxRate), amountDecimals);
    return { net, tax: subtract(gross, net) };
  }

  #number(ours: OurField, decimalsMax: number): Decimal | undefined {
    return this.#take(ours, readNumber(this.#valueOf(ours), decimalsMax, this.#habits));
  }

  #money(ours: OurField, decimals: number): Decimal | undefined {
    return this.#take(ours, readMoney(this.#valueOf(ours), decimals, this.#habits));
  }

  #take<T>(ours: OurField, read: Read<T>): T | undefined {
    if (read.ok) return read.value;
    this.#wrong(ours, read.code);
    return undefined;
  }

  #missing(ours: OurField): void {
    this.fault("FIELD_MISSING", this.#placeOf(ours) ?? ours, "");
  }

  #wrong(ours: OurField, code: ErrorCode): void {
    this.fault(code, this.#placeOf(ours) ?? ours, showValue(this.#valueOf(ours)));
  }

  #placeOf(ours: OurField): string | undefined {
    return this.#context.lineFields[ours] ?? this.#context.headFields[ours];
  }

  #valueOf(ours: OurField): RawValue {
    const inLine = this.#context.lineFields[ours];
    if (inLine !== undefined && this.#line >= 0) return this.document.lines[this.#line]?.cells(inLine);
    const inHead = this.#context.headFields[ours] ?? inLine;
    return inHead === undefined ? undefined : this.document.head(inHead);
  }
}
