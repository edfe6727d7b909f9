import { type BusinessDate, type Period, firstDayOf, lastDayOf, nextPeriod, periodOf } from "./dates.ts";
import { type Decimal, ZERO, add, compare, divide, isZero, multiply, normalize, subtract, toFixed } from "./decimal.ts";

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
}

export interface EstimateState {
  readonly style: EstimateStyle;
  readonly receipt: string;
  /** Received and neither invoiced nor returned. */
  readonly openQuantity: Decimal;
  /** The open part at estimate price, whether it stands in the books or is reversed at the moment. */
  readonly openValue: Decimal;
  /** "estimated": the open part stands in the books. "reversed": it does not. "closed": nothing is open. */
  readonly stage: "estimated" | "reversed" | "closed";
  /** How often it was estimated. */
  readonly estimates: number;
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

export const advanceEstimate = (state: EstimateState, input: EstimateInput): EstimateResult => {
  switch (input.kind) {
    case "month-start":
      return { ok: true, ...startMonth(state, input.period) };
    case "month-end":
      return { ok: true, ...endMonth(state, input.period) };
    case "invoice":
      return takePart(state, input.quantity, (part) => invoiceEvents(state, input, part));
    case "return":
      return takePart(state, input.quantity, (part) => returnEvents(state, input, part));
  }
};

/** Estimates still open at the end of December are looked at by a person before the year is closed. */
export const needsYearEndReview = (state: EstimateState, at: Period): boolean =>
  state.stage !== "closed" && at.endsWith("-12");

/** What stands in the books as estimated payables for this receipt. */
export const estimatedInBooks = (state: EstimateState): Decimal =>
  state.stage === "estimated" ? state.openValue : toFixed(ZERO, state.places);

interface Step {
  readonly state: EstimateState;
  readonly events: readonly EstimateEvent[];
}

const startMonth = (state: EstimateState, period: Period): Step => {
  const due = state.style === "month-start-reversal" && state.stage === "estimated" && state.estimatedIn < period;
  if (!due) return { state, events: [] };
  // Reversed on the first day of the month that follows the estimate, also when that day is noticed late.
  const date = firstDayOf(nextPeriod(state.estimatedIn));
  return {
    state: { ...state, stage: "reversed" },
    events: [wholeOf(state, "estimate-reversal", date, state.estimates)],
  };
};

const endMonth = (state: EstimateState, period: Period): Step => {
  if (state.stage !== "reversed" || period <= state.estimatedIn) return { state, events: [] };
  const estimates = state.estimates + 1;
  return {
    state: { ...state, stage: "estimated", estimates, estimatedIn: period },
    events: [wholeOf(state, "re-estimate", lastDayOf(period), estimates)],
  };
};

const wholeOf = (
  state: EstimateState,
  purpose: "estimate-reversal" | "re-estimate",
  date: BusinessDate,
  estimate: number,
): EstimateEvent => ({
  purpose,
  date,
  quantity: state.openQuantity,
  value: state.openValue,
  source: state.receipt,
  estimate,
});

interface Part {
  readonly quantity: Decimal;
  readonly value: Decimal;
}

/** Takes a quantity out of the open part with its share of the value; the last part takes what is left. */
const takePart = (
  state: EstimateState,
  quantity: Decimal,
  eventsOf: (part: Part) => readonly EstimateEvent[],
): EstimateResult => {
  const order = compare(quantity, state.openQuantity);
  if (order > 0) return { ok: false, problem: "exceeds-open", openQuantity: state.openQuantity };
  const value =
    order === 0
      ? state.openValue
      : toFixed(divide(multiply(state.openValue, quantity), state.openQuantity, state.places), state.places);
  const openQuantity = normalize(subtract(state.openQuantity, quantity));
  return {
    ok: true,
    state: {
      ...state,
      openQuantity,
      openValue: toFixed(subtract(state.openValue, value), state.places),
      stage: isZero(openQuantity) ? "closed" : state.stage,
    },
    events: eventsOf({ quantity, value }),
  };
};

type Invoice = Extract<EstimateInput, { kind: "invoice" }>;

const invoiceEvents = (state: EstimateState, invoice: Invoice, part: Part): readonly EstimateEvent[] => {
  const base = { date: invoice.date, ...part, source: invoice.id };
  const paper = { net: invoice.net, tax: invoice.tax };
  const estimate = state.stage === "estimated" ? state.estimates : 0;
  if (state.style === "difference-on-invoice") return [{ ...base, ...paper, purpose: "invoice-difference", estimate }];
  const entry: EstimateEvent = { ...base, ...paper, purpose: "invoice", estimate: 0 };
  // After the reversal at the start of the month nothing stands in the books that could be reversed again.
  return state.stage === "estimated" ? [{ ...base, purpose: "estimate-reversal", estimate }, entry] : [entry];
};

const returnEvents = (
  state: EstimateState,
  back: Extract<EstimateInput, { kind: "return" }>,
  part: Part,
): readonly EstimateEvent[] =>
  // The return's own voucher is the red part of the estimate (its `net` is this value); a reversed one has none left.
  state.stage === "estimated"
    ? [{ purpose: "stock", date: back.date, ...part, source: back.id, estimate: state.estimates }]
    : [];

/** Σ of what stands estimated over many receipts: equals the balance of the estimated payables. */
export const totalEstimated = (states: Iterable<EstimateState>): Decimal => {
  let total = ZERO;
  for (const state of states) total = add(total, estimatedInBooks(state));
  return total;
};
