import { type BusinessDate, type Period, firstDayOf, lastDayOf, nextPeriod, periodOf } from "./dates.ts";
import {
  type Decimal,
  ZERO,
  add,
  compare,
  divide,
  equal,
  isZero,
  multiply,
  normalize,
  subtract,
  sum,
  toFixed,
} from "./decimal.ts";

/*
 * 暂估: a receipt whose invoice has not come stands in the books at an estimate. Exactly one side reverses it, the ERP
 * or this; which style is used is read from the ERP's setting.
 */
export const estimateStyles = [
  "month-start-reversal", // 月初回冲: on the first day of the next month, and again estimated at its end while open
  "reverse-on-invoice", // 单到回冲: when the invoice comes
  "difference-on-invoice", // 单到补差: stays; the invoice brings the difference
] as const;
export type EstimateStyle = (typeof estimateStyles)[number];

/** One voucher's worth. Amounts and quantities are positive; the rule of the purpose writes reversals in red. */
export interface EstimateEvent {
  readonly purpose: "stock" | "estimate-reversal" | "re-estimate" | "invoice" | "invoice-difference";
  readonly date: BusinessDate;
  readonly quantity: Decimal;
  /** At estimate price: what is booked, reversed, or (difference) taken off the estimated payables. */
  readonly value: Decimal;
  /** Net amount and VAT of the invoice; absent where none is involved. */
  readonly net?: Decimal;
  readonly tax?: Decimal;
  /** The receipt, invoice or return behind it. */
  readonly source: string;
  /** Number of the estimate it opens or closes, from 1; 0 where it touches none. */
  readonly estimate: number;
  /** Number of the reversal or renewed estimate within its receipt, from 1, where the turn of a month brings it. */
  readonly turn?: number;
}

/** A quantity and its share of the value at estimate price. */
export interface Part {
  readonly quantity: Decimal;
  readonly value: Decimal;
}

/** What one invoice or return took out of a receipt. */
export interface Taken extends Part {
  /** The share of it that was reversed, so that it took nothing of it out of the books; absent: nothing was. */
  readonly outside?: Part;
}

/** Stored for every receipt, so what is usual takes no room in it. */
export interface EstimateState {
  readonly style: EstimateStyle;
  readonly receipt: string;
  /** Received and neither invoiced nor returned. */
  readonly openQuantity: Decimal;
  /** The open part at estimate price, whether it stands in the books or is reversed at the moment. */
  readonly openValue: Decimal;
  /** "estimated": the open part stands in the books, without `outside`. "reversed": it does not. "closed": nothing is open. */
  readonly stage: "estimated" | "reversed" | "closed";
  /** Where only a share of the open part is reversed: something was taken before the reversal and has been given back since. */
  readonly outside?: Part;
  /** By the movement that took it, so that an edited or cancelled one can give it back. */
  readonly taken?: Readonly<Record<string, Taken>>;
  /** How often it was estimated. */
  readonly estimates: number;
  /** How many reversals and renewed estimates the turn of a month has brought; never counted down, so each has its number. */
  readonly turns?: number;
  /** Month of the latest estimate. */
  readonly estimatedIn: Period;
  readonly places: number;
}

export interface EstimatedReceipt {
  readonly id: string;
  readonly date: BusinessDate;
  readonly quantity: Decimal;
  /** From goods list, contract or document; never with VAT. */
  readonly value: Decimal;
}

export type EstimateInput =
  | { readonly kind: "month-start"; readonly period: Period }
  | { readonly kind: "month-end"; readonly period: Period }
  | {
      readonly kind: "invoice";
      readonly id: string;
      readonly date: BusinessDate;
      readonly quantity: Decimal;
      readonly net: Decimal;
      readonly tax: Decimal;
    }
  | { readonly kind: "return"; readonly id: string; readonly date: BusinessDate; readonly quantity: Decimal };

export type EstimateResult =
  | { readonly ok: true; readonly state: EstimateState; readonly events: readonly EstimateEvent[] }
  /** More is invoiced or returned than is open: the reference is wrong, or one of both was entered twice. */
  | { readonly ok: false; readonly problem: "exceeds-open"; readonly openQuantity: Decimal };

/** A receipt without invoice enters the books at its estimate. */
export const openEstimate = (
  style: EstimateStyle,
  receipt: EstimatedReceipt,
  places = 2,
): { readonly state: EstimateState; readonly events: readonly EstimateEvent[] } => {
  const value = toFixed(receipt.value, places);
  return {
    state: {
      style,
      receipt: receipt.id,
      openQuantity: receipt.quantity,
      openValue: value,
      stage: isZero(receipt.quantity) ? "closed" : "estimated",
      estimates: 1,
      estimatedIn: periodOf(receipt.date),
      places,
    },
    events: [
      { purpose: "stock", date: receipt.date, quantity: receipt.quantity, value, source: receipt.id, estimate: 1 },
    ],
  };
};

export type Reopened =
  | {
      readonly ok: true;
      readonly state: EstimateState;
      /** The receipt's voucher, drawn anew. */
      readonly events: readonly EstimateEvent[];
      /** What the goods are worth at estimate price, whether all of it goes through the receipt's voucher or not. */
      readonly worth: Decimal;
    }
  | Extract<EstimateResult, { ok: false }>;

/**
 * An edited receipt enters the books anew. What invoices and returns took stays as they took it, since their vouchers may
 * stand in the ERP: the new quantity and price hold for the open part only.
 *
 * @returns "exceeds-open" when less is received now than was invoiced and returned
 */
export const reopenEstimate = (
  before: EstimateState,
  style: EstimateStyle,
  receipt: EstimatedReceipt,
  places = 2,
): Reopened => {
  const parts = Object.values(before.taken ?? {});
  const openQuantity = normalize(subtract(receipt.quantity, sum(parts.map(({ quantity }) => quantity))));
  if (compare(openQuantity, ZERO) < 0) return { ok: false, problem: "exceeds-open", openQuantity };
  const openValue = shareOf(
    { quantity: receipt.quantity, value: toFixed(receipt.value, places) },
    openQuantity,
    places,
  );
  const estimates = before.estimates + 1;
  const state: EstimateState = {
    style,
    receipt: receipt.id,
    openQuantity,
    openValue,
    stage: isZero(openQuantity) ? "closed" : "estimated",
    ...(before.taken === undefined ? {} : { taken: before.taken }),
    estimates,
    ...(before.turns === undefined ? {} : { turns: before.turns }),
    estimatedIn: periodOf(receipt.date),
    places,
  };
  const worth = toFixed(add(openValue, sum(parts.map(({ value }) => value))), places);
  const outside = sumOf(parts.map((part) => part.outside ?? NOTHING));
  const event: EstimateEvent = {
    purpose: "stock",
    date: receipt.date,
    quantity: normalize(subtract(receipt.quantity, outside.quantity)),
    value: toFixed(subtract(worth, outside.value), places),
    source: receipt.id,
    estimate: estimates,
  };
  return { ok: true, state, events: [event], worth };
};

/**
 * The receipt is taken back, or is no estimate any more. Undefined while invoices or returns have a part of it: they have
 * to go first.
 */
export const dropEstimate = (state: EstimateState): EstimateState | undefined => {
  if (Object.keys(state.taken ?? {}).length > 0) return undefined;
  const { outside: _, ...rest } = state;
  return { ...rest, openQuantity: ZERO, openValue: toFixed(ZERO, state.places), stage: "closed" };
};

/** An edited or cancelled invoice or return gives its part back, standing in the books or reversed as it was then. */
export const giveBack = (state: EstimateState, id: string): EstimateState => {
  const part = state.taken?.[id];
  if (part === undefined) return state;
  const { [id]: _, ...taken } = state.taken ?? {};
  return withOpen(
    { ...state, taken },
    { quantity: add(state.openQuantity, part.quantity), value: add(state.openValue, part.value) },
    sumOf([outsideOf(state), part.outside ?? NOTHING]),
  );
};

/** Invoices and returns that come again under the same id give back first what they took before. */
export const advanceEstimate = (state: EstimateState, input: EstimateInput): EstimateResult => {
  switch (input.kind) {
    case "month-start":
      return { ok: true, ...startMonth(state, input.period) };
    case "month-end":
      return { ok: true, ...endMonth(state, input.period) };
    case "invoice":
      return takePart(giveBack(state, input.id), input, (standing, part) =>
        invoiceEvents(state, input, standing, part),
      );
    case "return":
      return takePart(giveBack(state, input.id), input, (standing) => returnEvents(state, input, standing));
  }
};

/** Estimates still open at the end of December are looked at by a person before the year is closed. */
export const needsYearEndReview = (state: EstimateState, at: Period): boolean =>
  state.stage !== "closed" && at.endsWith("-12");

/** What stands in the books as estimated payables for this receipt. */
export const estimatedInBooks = (state: EstimateState): Decimal => toFixed(standingOf(state).value, state.places);

/** Of the receipt: what is open and what was taken. */
export const receivedQuantity = ({ openQuantity, taken }: EstimateState): Decimal =>
  taken === undefined ? openQuantity : add(openQuantity, sum(Object.values(taken).map(({ quantity }) => quantity)));

const NOTHING: Part = { quantity: ZERO, value: ZERO };

const sumOf = (parts: readonly Part[]): Part => ({
  quantity: sum(parts.map(({ quantity }) => quantity)),
  value: sum(parts.map(({ value }) => value)),
});
const without = (whole: Part, part: Part): Part => ({
  quantity: subtract(whole.quantity, part.quantity),
  value: subtract(whole.value, part.value),
});
const isNothing = ({ quantity, value }: Part): boolean => isZero(quantity) && isZero(value);
const openOf = ({ openQuantity, openValue }: EstimateState): Part => ({ quantity: openQuantity, value: openValue });

/** The share of the open part that is reversed at the moment. */
const outsideOf = (state: EstimateState): Part =>
  state.stage === "reversed" ? openOf(state) : (state.outside ?? NOTHING);
const standingOf = (state: EstimateState): Part => without(openOf(state), outsideOf(state));

/** The state with another open part; `outside` is stored only where the stage does not tell it. */
const withOpen = (state: EstimateState, open: Part, outside: Part): EstimateState => {
  const { outside: _, taken, ...rest } = state;
  const openQuantity = normalize(open.quantity);
  const stage = isZero(openQuantity) ? "closed" : isNothing(without(open, outside)) ? "reversed" : "estimated";
  const partly = stage === "estimated" && !isNothing(outside);
  return {
    ...rest,
    ...(taken === undefined || Object.keys(taken).length === 0 ? {} : { taken }),
    openQuantity,
    openValue: toFixed(open.value, state.places),
    stage,
    ...(partly ? { outside: partOf(outside, state.places) } : {}),
  };
};
const partOf = ({ quantity, value }: Part, places: number): Part => ({
  quantity: normalize(quantity),
  value: toFixed(value, places),
});

/** A share by quantity, rounded half up; the whole is the whole. */
const shareOf = (whole: Part, quantity: Decimal, places: number): Decimal =>
  equal(quantity, whole.quantity)
    ? whole.value
    : toFixed(divide(multiply(whole.value, quantity), whole.quantity, places), places);

interface Step {
  readonly state: EstimateState;
  readonly events: readonly EstimateEvent[];
}

const startMonth = (state: EstimateState, period: Period): Step => {
  const due = state.style === "month-start-reversal" && state.stage === "estimated" && state.estimatedIn < period;
  if (!due) return { state, events: [] };
  // Reversed on the first day of the month that follows the estimate, also when that day is noticed late.
  const date = firstDayOf(nextPeriod(state.estimatedIn));
  const turn = (state.turns ?? 0) + 1;
  const standing = partOf(standingOf(state), state.places);
  return {
    state: withOpen({ ...state, turns: turn }, openOf(state), openOf(state)),
    events: [turned(state, "estimate-reversal", date, standing, state.estimates, turn)],
  };
};

const endMonth = (state: EstimateState, period: Period): Step => {
  const outside = partOf(outsideOf(state), state.places);
  if (isNothing(outside) || period <= state.estimatedIn) return { state, events: [] };
  const estimates = state.estimates + 1;
  const turn = (state.turns ?? 0) + 1;
  return {
    state: withOpen({ ...state, estimates, turns: turn, estimatedIn: period }, openOf(state), NOTHING),
    events: [turned(state, "re-estimate", lastDayOf(period), outside, estimates, turn)],
  };
};

const turned = (
  state: EstimateState,
  purpose: "estimate-reversal" | "re-estimate",
  date: BusinessDate,
  part: Part,
  estimate: number,
  turn: number,
): EstimateEvent => ({ purpose, date, ...part, source: state.receipt, estimate, turn });

/** Takes a quantity out of the open part with its share of the value; the last part takes what is left. */
const takePart = (
  state: EstimateState,
  { id, quantity }: { readonly id: string; readonly quantity: Decimal },
  eventsOf: (standing: Part, part: Part) => readonly EstimateEvent[],
): EstimateResult => {
  const { places } = state;
  if (compare(quantity, state.openQuantity) > 0)
    return { ok: false, problem: "exceeds-open", openQuantity: state.openQuantity };
  const open = openOf(state);
  const part: Part = { quantity, value: shareOf(open, quantity, places) };
  const standing = standingShare(state, part);
  const outside = without(part, standing);
  const taken: Taken = isNothing(outside) ? part : { ...part, outside: partOf(outside, places) };
  return {
    ok: true,
    state: withOpen(
      { ...state, taken: { ...state.taken, [id]: taken } },
      without(open, part),
      without(outsideOf(state), outside),
    ),
    events: eventsOf(partOf(standing, places), part),
  };
};

/** How much of a part comes out of the books: what stands there first, and with the last part all that is left. */
const standingShare = (state: EstimateState, part: Part): Part => {
  const standing = standingOf(state);
  if (compare(part.quantity, standing.quantity) >= 0) return standing;
  return compare(part.value, standing.value) > 0 ? { ...part, value: standing.value } : part;
};

type Invoice = Extract<EstimateInput, { kind: "invoice" }>;

const invoiceEvents = (
  state: EstimateState,
  invoice: Invoice,
  standing: Part,
  part: Part,
): readonly EstimateEvent[] => {
  const base = { date: invoice.date, source: invoice.id };
  const paper = { net: invoice.net, tax: invoice.tax };
  const estimate = isNothing(standing) ? 0 : state.estimates;
  if (state.style === "difference-on-invoice")
    return [{ ...base, ...standing, ...paper, purpose: "invoice-difference", estimate }];
  const entry: EstimateEvent = { ...base, ...part, ...paper, purpose: "invoice", estimate: 0 };
  // After the reversal at the start of the month nothing stands in the books that could be reversed again.
  return isNothing(standing) ? [entry] : [{ ...base, ...standing, purpose: "estimate-reversal", estimate }, entry];
};

const returnEvents = (
  state: EstimateState,
  back: Extract<EstimateInput, { kind: "return" }>,
  standing: Part,
): readonly EstimateEvent[] =>
  // The return's own voucher is the red part of the estimate (its `net` is this value); a reversed one has none left.
  isNothing(standing)
    ? []
    : [{ purpose: "stock", date: back.date, ...standing, source: back.id, estimate: state.estimates }];

/** Σ of what stands estimated over many receipts: equals the balance of the estimated payables. */
export const totalEstimated = (states: Iterable<EstimateState>): Decimal => {
  let total = ZERO;
  for (const state of states) total = add(total, estimatedInBooks(state));
  return total;
};
