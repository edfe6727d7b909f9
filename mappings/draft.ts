import { periodOf } from "../domain/dates.ts";
import { type Decimal, multiply, normalize } from "../domain/decimal.ts";
import { scaled, tenTo, textOf } from "../domain/fixed-point.ts";
import type { ErrorCode } from "../domain/errors.ts";
import { type DimensionKind, dimensionKinds } from "../domain/voucher.ts";
import { type ChartAccount, accountOf } from "./chart.ts";
import { type CodeTableName, lookUpCode } from "./code-table.ts";
import type {
  DraftInput,
  DraftResult,
  DrawnLine,
  KnownMovement,
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
  for (const valued of input.movements) drawMovement(valued, context, problems, skipped, drawn);
  if (problems.any) return { kind: "problems", problems: problems.list() };
  if (drawn.length === 0) return { kind: "none", skipped };
  return assemble(input, drawn, skipped, context, problems);
};

/** One line for one movement, before lines are merged. Amounts in cents. */
interface Drawn {
  readonly movement: KnownMovement;
  readonly rule: PostingRule;
  readonly line: RuleLine;
  readonly lineIndex: number;
  readonly account: ChartAccount;
  readonly dimensions: Dimensions;
  readonly amount: bigint;
  readonly quantity: Decimal | undefined;
  readonly unit: string | undefined;
}
type Dimensions = Partial<Record<DimensionKind, string>>;
const NO_DIMENSIONS: Dimensions = Object.freeze({});

const drawMovement = (
  valued: ValuedMovement,
  context: MappingContext,
  problems: Problems,
  skipped: Skipped[],
  drawn: Drawn[],
): void => {
  const { movement, purpose } = valued;
  const { movementId } = movement;
  const item = context.items(movement.item);
  const refusal = movement.kind === "provision" ? provisionRefusal(valued, context) : undefined;
  if (refusal !== undefined) {
    if (refusal === "PROVISION_NEGATIVE") problems.add(refusal, "movement", nameOf(movement), movementId);
    else problems.add(refusal, "rule", movement.kind, movementId);
    return;
  }
  const rule = selectRule(context.rules, movement, {
    purpose,
    itemClass: item?.itemClass ?? "",
    negative: valued.value?.startsWith("-") === true,
    on: context.on,
  });
  if (rule === undefined) {
    problems.add("RULE_MISSING", "rule", `${movement.kind}/${purpose}`, movementId);
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
  const work = { valued, movement, rule, item, context, problems };
  const lines: Drawn[] = [];
  for (let lineIndex = 0; lineIndex < rule.lines.length; lineIndex += 1) {
    const line = rule.lines[lineIndex];
    const made = line && drawLine(work, line, lineIndex);
    if (made !== undefined) lines.push(made);
  }
  if (movement.kind === "transfer" && cancelsOut(lines))
    skipped.push({ movementId, reason: "same-account", why: "科目与辅助核算相同，不产生分录" });
  else if (lines.every((line) => line.amount === 0n)) {
    if (!problems.concerns(movementId))
      skipped.push({ movementId, reason: "zero-amount", why: "金额为零，不产生分录" });
  } else for (const line of lines) if (line.amount !== 0n) drawn.push(line);
};

/** 小企业会计准则 art. 6 knows no provisions, whatever a rule says; and a provision is released up to what there is of it. */
const provisionRefusal = ({ movement }: ValuedMovement, { rules }: MappingContext) => {
  if (rules.standard === "sme") return "PROVISION_NOT_ALLOWED" as const;
  return movement.amount?.startsWith("-") === true ? ("PROVISION_NEGATIVE" as const) : undefined;
};

interface MovementWork {
  readonly valued: ValuedMovement;
  readonly movement: KnownMovement;
  readonly rule: PostingRule;
  readonly item: MappingItem;
  readonly context: MappingContext;
  readonly problems: Problems;
}

const drawLine = (work: MovementWork, line: RuleLine, lineIndex: number): Drawn | undefined => {
  const { valued, movement, rule, item, context, problems } = work;
  const { movementId } = movement;
  const account = accountOf(context.chart, line.account, item.itemClass);
  if (account === undefined) {
    problems.add("ROLE_MISSING", "role", line.account, movementId);
    return undefined;
  }
  const amount = amountOf(valued, line.amount);
  if (amount === undefined || (line.required === true && !isStated(valued, line.amount))) {
    const pending = movement.kind === "production-receipt" || movement.kind === "subcontract-receipt";
    problems.add(pending ? "VALUE_PENDING" : "AMOUNT_MISSING", "movement", nameOf(movement), movementId);
    return undefined;
  }
  // A line of nothing needs no dimensions: VAT of an exempt purchase, a provision that does not exist.
  const dimensions = amount === 0n ? NO_DIMENSIONS : dimensionsOf(work, line, account);
  const counted = account.quantity && line.quantity !== false && amount !== 0n ? quantityOf(work, line) : undefined;
  return {
    movement,
    rule,
    line,
    lineIndex,
    account,
    dimensions,
    amount: line.negative === true ? -amount : amount,
    quantity: counted?.quantity,
    unit: counted?.unit,
  };
};

// ------------------------------------------------------------------------------------------------ amounts

const cents = (value: Decimal): bigint => scaled(value, MONEY_PLACES);
const centsOr0 = (value: Decimal | undefined): bigint => (value === undefined ? 0n : cents(value));
const plus = (a: bigint | undefined, b: bigint): bigint | undefined => (a === undefined ? undefined : a + b);
const minus = (a: bigint | undefined, b: bigint | undefined): bigint | undefined =>
  a === undefined || b === undefined ? undefined : a - b;

/** Every amount is rounded once, by itself; sums and differences are taken of whole cents, so that all lines balance. */
const amountOf = (valued: ValuedMovement, name: AmountName): bigint | undefined => {
  const { movement } = valued;
  switch (name) {
    case "value":
      return valued.value === undefined ? undefined : cents(valued.value);
    case "net": {
      const net = valued.net ?? movement.amount ?? valued.value;
      return net === undefined ? undefined : cents(net);
    }
    case "tax":
      return centsOr0(valued.tax ?? movement.taxAmount);
    case "gross":
      return plus(amountOf(valued, "net"), centsOr0(valued.tax ?? movement.taxAmount));
    case "difference":
      return minus(amountOf(valued, "net"), amountOf(valued, "value"));
    case "variance":
      return minus(amountOf(valued, "value"), amountOf(valued, "net"));
    case "sales":
      return movement.salesAmount === undefined ? undefined : cents(movement.salesAmount);
    case "salesTax":
      return centsOr0(valued.salesTax ?? movement.taxAmount);
    case "salesGross":
      return plus(amountOf(valued, "sales"), centsOr0(valued.salesTax ?? movement.taxAmount));
    case "provision":
      return centsOr0(valued.provision);
    case "carrying":
      return minus(amountOf(valued, "value"), centsOr0(valued.provision));
  }
};

/** False where a zero only stands for "not stated". */
const isStated = ({ movement, tax, salesTax, provision }: ValuedMovement, name: AmountName): boolean => {
  if (name === "tax") return (tax ?? movement.taxAmount) !== undefined;
  if (name === "salesTax") return (salesTax ?? movement.taxAmount) !== undefined;
  return name !== "provision" || provision !== undefined;
};

const quantityOf = (
  { movement, item, context, problems }: MovementWork,
  line: RuleLine,
): { readonly quantity: Decimal; readonly unit: string } | undefined => {
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
/** Most quantities are in their one spelling already. */
const tidy = (quantity: Decimal): Decimal =>
  quantity.includes(".") && quantity.endsWith("0") ? normalize(quantity) : quantity;
const placesOf = (value: Decimal): number => {
  const point = value.indexOf(".");
  return point < 0 ? 0 : value.length - point - 1;
};

// --------------------------------------------------------------------------------------------- dimensions

const dimensionsOf = (
  { movement, context, problems }: MovementWork,
  line: RuleLine,
  account: ChartAccount,
): Dimensions => {
  const found: Dimensions = {};
  for (const wanted of wantedOf(line, account)) {
    const kind = wanted === "counter-warehouse" ? "warehouse" : wanted;
    const code = ourCode(movement, wanted);
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

const ourCode = (movement: KnownMovement, dimension: RuleDimension): string => {
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
const keyOf = (dimensions: Dimensions): string => {
  let key = "";
  for (const kind of dimensionKinds) if (dimensions[kind] !== undefined) key += `${kind}=${dimensions[kind]}\n`;
  return key;
};

const cancelsOut = (lines: readonly Drawn[]): boolean => {
  const left = new Map<string, bigint>();
  for (const line of lines) {
    const key = `${line.account.account} ${keyOf(line.dimensions)}`;
    left.set(key, (left.get(key) ?? 0n) + (line.line.side === "debit" ? line.amount : -line.amount));
  }
  return [...left.values()].every((amount) => amount === 0n);
};

// ----------------------------------------------------------------------------------------------- assembly

interface Merged {
  readonly first: Drawn;
  amount: bigint;
  quantity: Decimal | undefined;
  readonly movements: KnownMovement[];
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
  const ids = input.movements.map(({ movement }) => movement.movementId);
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
    rules: rulesOf(drawn),
    documents: [...new Set(input.movements.map(({ movement }) => movement.documentNumber))],
    skipped,
  };
};

/** Debits before credits, as a voucher is read; within a side the order of the document. */
const merge = (drawn: readonly Drawn[]): readonly Merged[] => {
  const sides: Readonly<Record<RuleLine["side"], Merged[]>> = { debit: [], credit: [] };
  const found = new Map<string, Merged>();
  for (const each of drawn) {
    const key = mergingOf(each);
    const same = key === undefined ? undefined : found.get(key);
    if (same !== undefined) {
      same.amount += each.amount;
      same.quantity = addQuantities(same.quantity, each.quantity);
      same.movements.push(each.movement);
      continue;
    }
    const merged = { first: each, amount: each.amount, quantity: each.quantity, movements: [each.movement] };
    sides[each.line.side].push(merged);
    if (key !== undefined) found.set(key, merged);
  }
  return [...sides.debit, ...sides.credit];
};

/** What lines have in common that become one; undefined for a line of its own, as those with a quantity mostly are. */
const mergingOf = ({ line, lineIndex, rule, account, unit, quantity, dimensions }: Drawn): string | undefined =>
  (line.merge ?? quantity === undefined)
    ? `${rule.name} ${lineIndex} ${account.account} ${unit ?? ""} ${keyOf(dimensions)}`
    : undefined;

const addQuantities = (a: Decimal | undefined, b: Decimal | undefined): Decimal | undefined => {
  if (a === undefined || b === undefined) return undefined;
  const places = Math.max(placesOf(a), placesOf(b));
  return normalize(textOf(scaled(a, places) + scaled(b, places), places));
};

/** Lines rounded one by one may miss the document's own total by cents: the largest line of each side takes them. */
const spreadRemainder = (input: DraftInput, lines: readonly Merged[]): readonly Merged[] => {
  if (input.documentNet === undefined) return lines;
  let net = 0n;
  for (const valued of input.movements) net += amountOf(valued, "net") ?? 0n;
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

const voucherLine = (merged: Merged, lineNumber: number, context: MappingContext): DrawnLine => {
  const { first, amount, quantity, movements } = merged;
  const line: { -readonly [field in keyof DrawnLine]: DrawnLine[field] } = {
    lineNumber,
    summary: summaryOf(first.rule.voucher.summary, movements, context),
    side: first.line.side,
    role: first.line.account,
    account: first.account.account,
    amount: textOf(amount, MONEY_PLACES),
    dimensions: first.dimensions,
    why: first.line.why,
    movementIds: idsOf(movements),
  };
  if (quantity === undefined || first.unit === undefined) return line;
  line.quantity = quantity;
  line.unit = first.unit;
  const unitPrice = unitPriceOf(amount, quantity);
  if (unitPrice !== undefined) line.unitPrice = unitPrice;
  return line;
};

/** One movement may stand behind a line with several of its purposes. */
const idsOf = (movements: readonly KnownMovement[]): readonly string[] => {
  const ids = movements.map(({ movementId }) => movementId);
  return ids.length === 1 ? ids : [...new Set(ids)];
};

/** Amount per stock unit, for people and for ledgers that ask for it; the truth is amount and quantity. */
const unitPriceOf = (amount: bigint, quantity: Decimal): Decimal | undefined => {
  const places = placesOf(quantity);
  const units = scaled(quantity, places);
  if (units === 0n) return undefined;
  const top = amount * tenTo(UNIT_PRICE_PLACES - MONEY_PLACES + places);
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

const summaryOf = (template: string, movements: readonly KnownMovement[], context: MappingContext): string => {
  let text = "";
  for (const part of partsOf(template)) text += part.field ? quoteAll(part.field, movements, context) : part.text;
  const tidied = text.includes("  ") ? text.replace(/ {2,}/g, " ") : text;
  return tidied.trim().slice(0, SUMMARY_MAX);
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
const quoteAll = (name: SummaryField, movements: readonly KnownMovement[], context: MappingContext): string => {
  const [first, ...others] = movements;
  if (first === undefined) return "";
  const value = quote(name, first, context);
  if (others.every((other) => quote(name, other, context) === value)) return value;
  return `${value} 等${new Set(movements.map((each) => quote(name, each, context))).size}项`;
};

const quote = (name: SummaryField, movement: KnownMovement, context: MappingContext): string => {
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

const nameOf = (movement: KnownMovement): string => `${movement.documentNumber} ${movement.lineId}`;

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
