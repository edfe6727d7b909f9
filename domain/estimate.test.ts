import fc from "fast-check";
import { expect, test } from "vitest";
import { businessDate, period } from "./dates.ts";
import { type Decimal, ZERO, add, compare, decimal, equal, isZero, subtract } from "./decimal.ts";
import {
  type EstimateEvent,
  type EstimateInput,
  type EstimateState,
  type EstimateStyle,
  advanceEstimate,
  dropEstimate,
  estimateStyles,
  estimatedInBooks,
  giveBack,
  needsYearEndReview,
  openEstimate,
  reopenEstimate,
  totalEstimated,
} from "./estimate.ts";

const RECEIPT = { id: "r", date: businessDate("2025-01-20"), quantity: decimal("100"), value: decimal("500") };
const invoice = (id: string, date: string, quantity: string, net: string): EstimateInput => ({
  kind: "invoice",
  id,
  date: businessDate(date),
  quantity: decimal(quantity),
  net: decimal(net),
  tax: decimal("1.30"),
});
const monthStart = (text: string): EstimateInput => ({ kind: "month-start", period: period(text) });
const monthEnd = (text: string): EstimateInput => ({ kind: "month-end", period: period(text) });

const live = (style: EstimateStyle, inputs: readonly EstimateInput[], receipt = RECEIPT) => {
  const opened = openEstimate(style, receipt);
  let state: EstimateState = opened.state;
  const events: EstimateEvent[] = [...opened.events];
  for (const [index, drawn] of inputs.entries()) {
    const input = "id" in drawn ? { ...drawn, id: `${drawn.id}${index}` } : drawn;
    const result = advanceEstimate(state, input);
    if (!result.ok) continue;
    state = result.state;
    events.push(...result.events);
  }
  return { state, events, short: events.map((each) => [each.purpose, each.date, each.quantity, each.value, each.net]) };
};

test("月初回冲: reversed on the first, estimated again at the month's end while open, then only the invoice", () => {
  const { short, state } = live("month-start-reversal", [
    monthEnd("2025-01"),
    monthStart("2025-02"),
    monthStart("2025-02"),
    monthEnd("2025-02"),
    monthEnd("2025-02"),
    monthStart("2025-03"),
    invoice("i", "2025-03-05", "100", "520"),
  ]);
  expect(short).toEqual([
    ["stock", "2025-01-20", "100", "500.00", undefined],
    ["estimate-reversal", "2025-02-01", "100", "500.00", undefined],
    ["re-estimate", "2025-02-28", "100", "500.00", undefined],
    ["estimate-reversal", "2025-03-01", "100", "500.00", undefined],
    ["invoice", "2025-03-05", "100", "500.00", "520"],
  ]);
  expect(state.stage).toBe("closed");
});

test("单到回冲: each partial invoice reverses its share by quantity, the last one the rest", () => {
  const receipt = { ...RECEIPT, quantity: decimal("3"), value: decimal("100") };
  const inputs = ["1", "1", "1"].map((quantity, at) => invoice(`i${at}`, "2025-02-05", quantity, "34"));
  const { short, state } = live("reverse-on-invoice", [monthStart("2025-02"), ...inputs], receipt);
  expect(short.filter(([purpose]) => purpose === "estimate-reversal").map(([, , , value]) => value)).toEqual([
    "33.33",
    "33.34",
    "33.33",
  ]);
  expect(short.filter(([purpose]) => purpose === "invoice")).toHaveLength(3);
  expect(state).toMatchObject({ stage: "closed", openValue: "0.00" });
});

test("单到补差: nothing is reversed; the invoice brings the difference in one voucher", () => {
  const { short } = live("difference-on-invoice", [monthStart("2025-02"), invoice("i", "2025-02-05", "40", "210")]);
  expect(short.slice(1)).toEqual([["invoice-difference", "2025-02-05", "40", "200.00", "210"]]);
});

test("a return before the invoice reduces the open part, and more than is open is refused", () => {
  const back: EstimateInput = { kind: "return", id: "b", date: businessDate("2025-01-25"), quantity: decimal("25") };
  const { state, short } = live("reverse-on-invoice", [back]);
  expect(short[1]).toEqual(["stock", "2025-01-25", "25", "125.00", undefined]);
  expect(state).toMatchObject({ openQuantity: "75", openValue: "375.00", stage: "estimated" });
  expect(advanceEstimate(state, invoice("i", "2025-02-01", "75.001", "1"))).toEqual({
    ok: false,
    problem: "exceeds-open",
    openQuantity: "75",
  });
});

test("an estimate that is open in December is flagged for review, a closed one is not", () => {
  expect(needsYearEndReview(live("reverse-on-invoice", []).state, period("2025-12"))).toBe(true);
  expect(needsYearEndReview(live("reverse-on-invoice", []).state, period("2025-11"))).toBe(false);
  const closed = live("reverse-on-invoice", [invoice("i", "2025-02-05", "100", "500")]).state;
  expect(needsYearEndReview(closed, period("2025-12"))).toBe(false);
});

const months = ["2025-02", "2025-03", "2025-04"] as const;
const drawnInput = fc.oneof(
  fc.constantFrom(...months).map(monthStart),
  fc.constantFrom(...months).map(monthEnd),
  fc
    .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 900 }))
    .map(([quantity, net]) => invoice("i", "2025-03-10", String(quantity), String(net))),
  fc.integer({ min: 1, max: 60 }).map(
    (quantity): EstimateInput => ({
      kind: "return",
      id: "b",
      date: businessDate("2025-03-10"),
      quantity: decimal(String(quantity)),
    }),
  ),
);

test("at any time: the books hold exactly the open estimates, and no estimate is reversed beyond itself", () => {
  fc.assert(
    fc.property(fc.constantFrom(...estimateStyles), fc.array(drawnInput, { maxLength: 12 }), (style, inputs) => {
      const { state, events } = live(style, inputs, { ...RECEIPT, value: decimal("499.97") });
      let inBooks: Decimal = ZERO;
      const reversed = new Map<number, Decimal>();
      const estimated = new Map<number, Decimal>();
      for (const each of events) {
        const opens = each.purpose === "re-estimate" || (each.purpose === "stock" && each.source === "r");
        if (opens) {
          inBooks = add(inBooks, each.value);
          expect(estimated.has(each.estimate)).toBe(false);
          estimated.set(each.estimate, each.value);
        } else if (each.estimate > 0) {
          inBooks = subtract(inBooks, each.value);
          reversed.set(each.estimate, add(reversed.get(each.estimate) ?? ZERO, each.value));
        }
      }
      expect(equal(inBooks, estimatedInBooks(state))).toBe(true);
      expect(equal(inBooks, totalEstimated([state]))).toBe(true);
      for (const [estimate, value] of reversed)
        expect(compare(value, estimated.get(estimate) ?? ZERO)).toBeLessThanOrEqual(0);
      expect(isZero(state.openQuantity)).toBe(state.stage === "closed");
      if (state.stage === "closed") expect(isZero(state.openValue)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test("an edited invoice gives back what it took, also the whole of it, and takes anew", () => {
  const { state } = live("reverse-on-invoice", [invoice("i", "2025-02-05", "100", "520")]);
  expect(state).toMatchObject({ stage: "closed", taken: { i0: { quantity: "100", value: "500.00" } } });
  const open = giveBack(state, "i0");
  expect(open).toEqual(openEstimate("reverse-on-invoice", RECEIPT).state);
  const again = advanceEstimate(state, invoice("i0", "2025-02-05", "60", "300"));
  expect(again.ok && again.state).toMatchObject({ openQuantity: "40", openValue: "200.00" });
});

test("月初回冲: a part that was taken before the reversal stands in the books again when it is given back", () => {
  const { state } = live("month-start-reversal", [invoice("i", "2025-01-25", "40", "210"), monthStart("2025-02")]);
  expect(estimatedInBooks(state)).toBe("0.00");
  const mixed = giveBack(state, "i0");
  expect(mixed).toMatchObject({
    openQuantity: "100",
    stage: "estimated",
    outside: { quantity: "60", value: "300.00" },
  });
  expect(estimatedInBooks(mixed)).toBe("200.00");
  const turned = advanceEstimate(mixed, monthStart("2025-02"));
  expect(turned.ok && turned.events).toMatchObject([{ purpose: "estimate-reversal", value: "200.00", turn: 2 }]);
  const ended = turned.ok ? advanceEstimate(turned.state, monthEnd("2025-02")) : turned;
  expect(ended.ok && ended.events).toMatchObject([{ purpose: "re-estimate", value: "500.00", turn: 3 }]);
});

test("an edited receipt keeps what was invoiced as it was invoiced; the new price holds for the open part", () => {
  const { state } = live("reverse-on-invoice", [invoice("i", "2025-02-05", "40", "210")]);
  const edited = { ...RECEIPT, quantity: decimal("90"), value: decimal("540") };
  const reopened = reopenEstimate(state, "reverse-on-invoice", edited);
  // 40 at the old 5.00 and 50 at the new 6.00.
  expect(reopened.ok && reopened.events).toMatchObject([{ purpose: "stock", quantity: "90", value: "500.00" }]);
  expect(reopened.ok && reopened.state).toMatchObject({ openQuantity: "50", openValue: "300.00", stage: "estimated" });
  const less = reopenEstimate(state, "reverse-on-invoice", { ...RECEIPT, quantity: decimal("39") });
  expect(less).toEqual({ ok: false, problem: "exceeds-open", openQuantity: "-1" });
  expect(dropEstimate(state)).toBeUndefined();
  expect(dropEstimate(giveBack(state, "i0"))).toMatchObject({ stage: "closed", openValue: "0.00" });
});

test("whatever is given back and taken again, the books hold the open estimates", () => {
  const act = fc.oneof(
    drawnInput,
    fc.integer({ min: 0, max: 5 }).map((at) => ({ kind: "give-back" as const, at })),
    fc.integer({ min: 1, max: 200 }).map((value) => ({ kind: "reopen" as const, value: String(value) })),
  );
  fc.assert(
    fc.property(fc.constantFrom(...estimateStyles), fc.array(act, { maxLength: 14 }), (style, acts) => {
      const opened = openEstimate(style, { ...RECEIPT, value: decimal("499.97") });
      let state = opened.state;
      // What each voucher that stands put into the estimated payables: the receipt's and its turns', and one per taker.
      let own: Decimal = opened.events[0]?.value ?? ZERO;
      const takers = new Map<string, Decimal>();
      for (const [index, input] of acts.entries()) {
        if (input.kind === "give-back") {
          const id = [...takers.keys()][input.at];
          if (id === undefined) continue;
          state = giveBack(state, id);
          takers.delete(id);
        } else if (input.kind === "reopen") {
          const result = reopenEstimate(state, style, { ...RECEIPT, value: decimal(input.value) });
          if (!result.ok) throw new Error("the quantity is the same");
          state = result.state;
          own = result.events[0]?.value ?? ZERO;
        } else {
          const numbered = "id" in input ? { ...input, id: String(index) } : input;
          const result = advanceEstimate(state, numbered);
          if (!result.ok) continue;
          state = result.state;
          for (const { value, purpose, estimate } of result.events) {
            const signed = purpose === "re-estimate" ? value : subtract(ZERO, value);
            if (estimate === 0) continue;
            if ("id" in numbered) takers.set(numbered.id, signed);
            else own = add(own, signed);
          }
          if ("id" in numbered && !takers.has(numbered.id)) takers.set(numbered.id, ZERO);
        }
        const inBooks = [...takers.values()].reduce(add, own);
        expect(equal(inBooks, estimatedInBooks(state))).toBe(true);
        expect(isZero(state.openQuantity)).toBe(state.stage === "closed");
      }
    }),
    { numRuns: 2_000, seed: 5 },
  );
});
