import { periodOf } from "../domain/dates.ts";
import { type Decimal, multiply, normalize } from "../domain/decimal.ts";
import { scaled, textOf } from "../domain/costing-fold.ts";
import type { ErrorCode } from "../domain/errors.ts";
import { type DimensionKind, type VoucherLine, dimensionKinds } from "../domain/voucher.ts";
import { type ChartAccount, accountOf } from "./chart.ts";
import { type CodeTableName, lookUpCode } from "./code-table.ts";
import type {
  DraftInput,
  DraftResult,
  MappingContext,
  MappingItem,
  MappingProblem,
  RuleRef,
  Skipped,
  ValuedMovement,
} from "./draft-types.ts";
import {
  type AmountName,
  type PostingRule,
  type RuleDimension,
  type RuleLine,
  type SummaryField,
  summaryFields,
} from "./rule.ts";
import { selectRule } from "./select.ts";

export type * from "./draft-types.ts";

const MONEY_PLACES = 2;
const UNIT_PRICE_PLACES = 6;
const SUMMARY_MAX = 200;

/**
 * Draws the voucher of one group of movements. Pure: the same movements, rules, chart and codes give the same voucher.
 *
 * @returns the lines with the movements behind each of them; or why no voucher is needed; or everything that is missing,
 *   once per missing thing
 */
export const draftVoucher = (input: DraftInput, context: MappingContext): DraftResult => {
  const problems = new Problems();
  const skipped: Skipped[] = [];
  const drawn: Drawn[] = [];
  for (const movement of input.movements) drawMovement(movement, context, problems, skipped, drawn);
  if (problems.any) return { kind: "problems", problems: problems.list() };
  if (drawn.length === 0) return { kind: "none", skipped };
  return assemble(input, drawn, skipped, context, problems);
};

/** One line for one movement, before lines are merged. Amounts in cents. */
interface Drawn {
  readonly movement: ValuedMovement;
  readonly rule: PostingRule;
  readonly line: RuleLine;
  readonly lineIndex: number;
  readonly account: ChartAccount;
  readonly dimensions: Partial<Record<DimensionKind, string>>;
  readonly dimensionKey: string;
  readonly amount: bigint;
  readonly quantity: Decimal | undefined;
  readonly unit: string | undefined;
}

const drawMovement = (
  movement: ValuedMovement,
  context: MappingContext,
  problems: Problems,
  skipped: Skipped[],
  drawn: Drawn[],
): void => {
  const { movementId } = movement;
  const item = context.items(movement.item);
  const rule = selectRule(context.rules, movement, {
    purpose: movement.purpose,
    itemClass: item?.itemClass ?? "",
    negative: movement.value?.startsWith("-") === true,
    on: context.on,
  });
  if (rule === undefined) {
    problems.add("RULE_MISSING", "rule", `${movement.kind}/${movement.purpose}`, movementId);
    return;
  }
  if (!("lines" in rule)) {
    skipped.push({ movementId, reason: "no-money", why: rule.none });
    return;
  }
  if (item === undefined) {
    problems.add("ITEM_UNKNOWN", "item-master", movement.item, movementId);
    return;
  }
  const lines: Drawn[] = [];
  const amounts = amountsOf(movement);
  rule.lines.forEach((line, lineIndex) => {
    const made = drawLine({ movement, rule, line, lineIndex, item, amounts, context, problems });
    if (made !== undefined) lines.push(made);
  });
  if (movement.kind === "transfer" && cancelsOut(lines))
    skipped.push({ movementId, reason: "same-account", why: "科目与辅助核算相同，不产生分录" });
  else if (lines.every((line) => line.amount === 0n)) {
    if (!problems.concerns(movementId))
      skipped.push({ movementId, reason: "zero-amount", why: "金额为零，不产生分录" });
  } else for (const line of lines) if (line.amount !== 0n) drawn.push(line);
};

interface LineWork {
  readonly movement: ValuedMovement;
  readonly rule: PostingRule;
  readonly line: RuleLine;
  readonly lineIndex: number;
  readonly item: MappingItem;
  readonly amounts: Amounts;
  readonly context: MappingContext;
  readonly problems: Problems;
}

const drawLine = (work: LineWork): Drawn | undefined => {
  const { movement, rule, line, lineIndex, item, amounts, context, problems } = work;
  const { movementId } = movement;
  const account = accountOf(context.chart, line.account, item.itemClass);
  if (account === undefined) {
    problems.add("ROLE_MISSING", "role", line.account, movementId);
    return undefined;
  }
  const amount = amounts[line.amount];
  if (amount === undefined || (line.required === true && amounts.stated[line.amount] === false)) {
    const pending = movement.kind === "production-receipt";
    problems.add(pending ? "VALUE_PENDING" : "AMOUNT_MISSING", "movement", nameOf(movement), movementId);
    return undefined;
  }
  // A line of nothing needs no dimensions: VAT of an exempt purchase, a provision that does not exist.
  const dimensions = amount === 0n ? {} : dimensionsOf(work, account);
  const counted = account.quantity && line.quantity !== false && amount !== 0n ? quantityOf(work) : undefined;
  return {
    movement,
    rule,
    line,
    lineIndex,
    account,
    dimensions,
    dimensionKey: keyOf(dimensions),
    amount: line.negative === true ? -amount : amount,
    quantity: counted?.quantity,
    unit: counted?.unit,
  };
};

// ------------------------------------------------------------------------------------------------ amounts

type Amounts = Readonly<Record<AmountName, bigint | undefined>> & {
  /** False where a zero only stands for "not stated". */
  readonly stated: Readonly<Partial<Record<AmountName, boolean>>>;
};

const cents = (value: Decimal): bigint => scaled(value, MONEY_PLACES);
const plus = (a: bigint | undefined, b: bigint | undefined): bigint | undefined =>
  a === undefined || b === undefined ? undefined : a + b;

/** Every amount is rounded once, by itself; sums and differences are taken of whole cents, so that all lines balance. */
const amountsOf = (movement: ValuedMovement): Amounts => {
  const value = movement.value === undefined ? undefined : cents(movement.value);
  const document = movement.net ?? movement.amount;
  const net = document === undefined ? value : cents(document);
  const taxText = movement.tax ?? movement.taxAmount;
  const tax = taxText === undefined ? 0n : cents(taxText);
  const sales = movement.salesAmount === undefined ? undefined : cents(movement.salesAmount);
  const salesTaxText = movement.salesTax ?? movement.taxAmount;
  const salesTax = salesTaxText === undefined ? 0n : cents(salesTaxText);
  const provision = movement.provision === undefined ? 0n : cents(movement.provision);
  return {
    value,
    net,
    tax,
    gross: plus(net, tax),
    difference: net === undefined || value === undefined ? undefined : net - value,
    variance: net === undefined || value === undefined ? undefined : value - net,
    sales,
    salesTax,
    salesGross: plus(sales, salesTax),
    provision,
    carrying: value === undefined ? undefined : value - provision,
    stated: {
      tax: taxText !== undefined,
      salesTax: salesTaxText !== undefined,
      provision: movement.provision !== undefined,
    },
  };
};

const quantityOf = (work: LineWork): { readonly quantity: Decimal; readonly unit: string } | undefined => {
  const { movement, line, item, context, problems } = work;
  const factor = item.factorOf(movement.unit);
  const unit = lookUpCode(context.codes, "unit", item.unit, context.on);
  if (unit === undefined) problems.add("CODE_MISSING", "unit", item.unit, movement.movementId);
  if (factor === undefined)
    problems.add("UNIT_UNKNOWN", "item-unit", `${movement.item} ${movement.unit}`, movement.movementId);
  if (factor === undefined || unit === undefined) return undefined;
  const quantity = factor === "1" ? tidy(movement.quantity) : multiply(movement.quantity, factor);
  return { quantity: line.negative === true ? flip(quantity) : quantity, unit };
};
const flip = (value: Decimal): Decimal => textOf(-scaled(value, placesOf(value)), placesOf(value));
/** Most quantities are whole: those are in their one spelling already. */
const tidy = (quantity: Decimal): Decimal => (quantity.includes(".") ? normalize(quantity) : quantity);
const placesOf = (value: Decimal): number => value.split(".")[1]?.length ?? 0;

// --------------------------------------------------------------------------------------------- dimensions

const dimensionsOf = (work: LineWork, account: ChartAccount): Partial<Record<DimensionKind, string>> => {
  const found: Partial<Record<DimensionKind, string>> = {};
  for (const wanted of wantedOf(work.line, account)) {
    const kind = wanted === "counter-warehouse" ? "warehouse" : wanted;
    const code = ourCode(work.movement, wanted);
    const { context, movement, problems } = work;
    if (code === "") {
      // Only what the account demands must be there; the rest is told where it is known.
      if (account.dimensions.includes(kind))
        problems.add("FIELD_MISSING", "movement", `${nameOf(movement)} ${kind}`, movement.movementId);
      continue;
    }
    const erpCode = lookUpCode(context.codes, kind, code, context.on);
    if (erpCode === undefined) problems.add("CODE_MISSING", kind, code, movement.movementId);
    else found[kind] = erpCode;
  }
  return found;
};

const wantedLists = new WeakMap<RuleLine, Map<ChartAccount, readonly RuleDimension[]>>();

/** What the account demands and what the rule adds; the destination of a transfer takes the warehouse's place. */
const wantedOf = (line: RuleLine, account: ChartAccount): readonly RuleDimension[] => {
  const lists = wantedLists.get(line) ?? new Map<ChartAccount, readonly RuleDimension[]>();
  wantedLists.set(line, lists);
  const known = lists.get(account);
  if (known !== undefined) return known;
  const all = new Set<RuleDimension>([...account.dimensions, ...(line.dimensions ?? [])]);
  if (all.has("counter-warehouse")) all.delete("warehouse");
  const made = [...all];
  lists.set(account, made);
  return made;
};

const ourCode = (movement: ValuedMovement, dimension: RuleDimension): string => {
  switch (dimension) {
    case "item":
      return movement.item;
    case "warehouse":
      return movement.warehouse;
    case "counter-warehouse":
      return movement.counterWarehouse;
    case "supplier":
    case "customer":
      return movement.partner;
    case "department":
      return movement.department;
    case "order":
      return movement.order;
    case "batch":
      return movement.batch;
  }
};

/** Codes may hold any character but no line break. */
const keyOf = (dimensions: Partial<Record<DimensionKind, string>>): string => {
  let key = "";
  for (const kind of dimensionKinds) if (dimensions[kind] !== undefined) key += `${kind}=${dimensions[kind]}\n`;
  return key;
};

const cancelsOut = (lines: readonly Drawn[]): boolean => {
  const left = new Map<string, bigint>();
  for (const line of lines) {
    const key = `${line.account.account} ${line.dimensionKey}`;
    left.set(key, (left.get(key) ?? 0n) + (line.line.side === "debit" ? line.amount : -line.amount));
  }
  return [...left.values()].every((amount) => amount === 0n);
};

// ----------------------------------------------------------------------------------------------- assembly

interface Merged {
  readonly first: Drawn;
  amount: bigint;
  quantity: Decimal | undefined;
  readonly movements: ValuedMovement[];
}

const assemble = (
  input: DraftInput,
  drawn: readonly Drawn[],
  skipped: readonly Skipped[],
  context: MappingContext,
  problems: Problems,
): DraftResult => {
  const merged = spreadRemainder(input, merge(drawn)).filter((each) => each.amount !== 0n);
  const lines = merged.map((each, index) => voucherLine(each, index + 1, context));
  let open = 0n;
  for (const each of merged) open += each.first.line.side === "debit" ? each.amount : -each.amount;
  const ids = input.movements.map((movement) => movement.movementId);
  const [head] = drawn;
  if (head === undefined || lines.length < 2) {
    // Red and blue lines of one document can cancel out completely.
    const reason = { reason: "zero-amount", why: "红蓝分录相抵，金额为零" } as const;
    return { kind: "none", skipped: [...new Set(ids)].map((movementId) => ({ movementId, ...reason })) };
  }
  if (open !== 0n) {
    for (const id of ids) problems.add("VOUCHER_UNBALANCED", "rule", head.rule.name, id);
    return { kind: "problems", problems: problems.list() };
  }
  const word = lookUpCode(context.codes, "word", head.rule.voucher.word, context.on) ?? head.rule.voucher.word;
  return {
    kind: "voucher",
    word,
    summary: lines[0]?.summary ?? "",
    lines,
    movementsOfLine: merged.map((each) => [...new Set(each.movements.map((movement) => movement.movementId))]),
    rules: rulesOf(drawn),
    documents: [...new Set(input.movements.map((movement) => movement.documentNumber))],
    skipped,
  };
};

const merge = (drawn: readonly Drawn[]): readonly Merged[] => {
  const found = new Map<string, Merged>();
  drawn.forEach((each, index) => {
    const together = each.line.merge ?? each.quantity === undefined;
    // Lines without a quantity of their own follow those of their rule, so a voucher reads debit first.
    const key = together
      ? `${each.rule.name} ${each.lineIndex} ${each.account.account} ${each.unit ?? ""} ${each.dimensionKey}`
      : `${index}`;
    const same = found.get(key);
    if (same === undefined)
      found.set(key, { first: each, amount: each.amount, quantity: each.quantity, movements: [each.movement] });
    else {
      same.amount += each.amount;
      same.quantity = addQuantities(same.quantity, each.quantity);
      same.movements.push(each.movement);
    }
  });
  // Debits before credits, as a voucher is read; within a side the order of the document.
  const all = [...found.values()];
  const of = (side: "debit" | "credit"): readonly Merged[] => all.filter((each) => each.first.line.side === side);
  return [...of("debit"), ...of("credit")];
};

const addQuantities = (a: Decimal | undefined, b: Decimal | undefined): Decimal | undefined => {
  if (a === undefined || b === undefined) return undefined;
  const places = Math.max(placesOf(a), placesOf(b));
  return normalize(textOf(scaled(a, places) + scaled(b, places), places));
};

/** Lines rounded one by one may miss the document's own total by cents: the largest line of each side takes them. */
const spreadRemainder = (input: DraftInput, lines: readonly Merged[]): readonly Merged[] => {
  if (input.documentNet === undefined) return lines;
  let net = 0n;
  for (const movement of input.movements) net += amountsOf(movement).net ?? 0n;
  const remainder = cents(input.documentNet) - net;
  if (remainder === 0n) return lines;
  for (const side of ["debit", "credit"] as const) {
    const carrying = lines.filter((each) => each.first.line.side === side && carriesNet(each.first.line.amount));
    const largest = carrying.reduce<Merged | undefined>(
      (best, each) => (best === undefined || magnitude(each) > magnitude(best) ? each : best),
      undefined,
    );
    if (largest !== undefined) largest.amount += largest.first.line.negative === true ? -remainder : remainder;
  }
  return lines;
};
const carriesNet = (amount: AmountName): boolean => amount === "net" || amount === "gross" || amount === "value";
const magnitude = (line: Merged): bigint => (line.amount < 0n ? -line.amount : line.amount);

const voucherLine = (merged: Merged, lineNumber: number, context: MappingContext): VoucherLine => {
  const { first, amount, quantity } = merged;
  const base = {
    lineNumber,
    summary: summaryOf(first.rule.voucher.summary, merged.movements, context),
    side: first.line.side,
    role: first.line.account,
    account: first.account.account,
    amount: textOf(amount, MONEY_PLACES),
    dimensions: first.dimensions,
    why: first.line.why,
  };
  if (quantity === undefined || first.unit === undefined) return base;
  const unitPrice = unitPriceOf(amount, quantity);
  return unitPrice === undefined
    ? { ...base, quantity, unit: first.unit }
    : { ...base, quantity, unit: first.unit, unitPrice };
};

/** Amount per stock unit, for people and for ledgers that ask for it; the truth is amount and quantity. */
const unitPriceOf = (amount: bigint, quantity: Decimal): Decimal | undefined => {
  const places = placesOf(quantity);
  const units = scaled(quantity, places);
  if (units === 0n) return undefined;
  const top = amount * 10n ** BigInt(UNIT_PRICE_PLACES - MONEY_PLACES + places);
  const [t, u] = [top < 0n ? -top : top, units < 0n ? -units : units];
  const price = (t * 2n + u) / (u * 2n);
  return textOf(top < 0n === units < 0n ? price : -price, UNIT_PRICE_PLACES);
};

const rulesOf = (drawn: readonly Drawn[]): readonly RuleRef[] => {
  const found = new Map<string, RuleRef>();
  for (const { rule } of drawn) found.set(`${rule.name} ${rule.version}`, { name: rule.name, version: rule.version });
  return [...found.values()];
};

// ------------------------------------------------------------------------------------------------ summary

const summaryOf = (template: string, movements: readonly ValuedMovement[], context: MappingContext): string => {
  let text = "";
  for (const part of partsOf(template)) text += part.field ? quoteAll(part.field, movements, context) : part.text;
  return text.replace(/ {2,}/g, " ").trim().slice(0, SUMMARY_MAX);
};

interface TemplatePart {
  readonly text: string;
  readonly field?: SummaryField;
}
const templates = new Map<string, readonly TemplatePart[]>();
const TEMPLATES_MAX = 10_000;

const partsOf = (template: string): readonly TemplatePart[] => {
  const known = templates.get(template);
  if (known !== undefined) return known;
  const made = template.split(/(\{[a-zA-Z]+\})/).map((text): TemplatePart => {
    const field = summaryFields.find((name) => text === `{${name}}`);
    return field === undefined ? { text } : { text, field };
  });
  if (templates.size < TEMPLATES_MAX) templates.set(template, made);
  return made;
};

/** One value as it is; of several the first, and how many there are. */
const quoteAll = (name: SummaryField, movements: readonly ValuedMovement[], context: MappingContext): string => {
  const [first, ...others] = movements;
  if (first === undefined) return "";
  const value = quote(name, first, context);
  if (others.every((other) => quote(name, other, context) === value)) return value;
  return `${value} 等${new Set(movements.map((each) => quote(name, each, context))).size}项`;
};

const quote = (name: SummaryField, movement: ValuedMovement, context: MappingContext): string => {
  switch (name) {
    case "date":
      return context.on;
    case "period":
      return periodOf(context.on);
    case "itemName":
      return context.items(movement.item)?.name ?? movement.item;
    case "documentNumber":
    case "originDocument":
    case "item":
    case "warehouse":
    case "counterWarehouse":
    case "partner":
    case "department":
    case "order":
    case "cause":
      return movement[name];
  }
};

const nameOf = (movement: ValuedMovement): string => `${movement.documentNumber} ${movement.lineId}`;

// ----------------------------------------------------------------------------------------------- problems

/** Collects what is missing, one entry per missing thing. */
class Problems {
  readonly #found = new Map<
    string,
    { code: ErrorCode; subject: MappingProblem["subject"]; movementIds: Set<string> }
  >();

  add(code: ErrorCode, table: CodeTableName | MappingProblem["subject"]["table"], subject: string, id: string): void {
    const key = `${code} ${table} ${subject}`;
    const known = this.#found.get(key);
    if (known !== undefined) known.movementIds.add(id);
    else this.#found.set(key, { code, subject: { table, code: subject }, movementIds: new Set([id]) });
  }
  get any(): boolean {
    return this.#found.size > 0;
  }
  concerns(movementId: string): boolean {
    return [...this.#found.values()].some((each) => each.movementIds.has(movementId));
  }
  list(): readonly MappingProblem[] {
    return [...this.#found.values()].map(({ code, subject, movementIds }) => ({
      code,
      subject,
      movementIds: [...movementIds],
    }));
  }
}
