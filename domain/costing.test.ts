import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type CostEvent,
  type CostPolicy,
  type ItemState,
  type Valuation,
  appendOnly,
  cutBefore,
  defaultCostPolicy,
  emptyItem,
  emptyRunning,
  valueEvents,
} from "./costing.ts";
import { businessDate } from "./dates.ts";
import { type Decimal, ZERO, add, compare, decimal, divide, equal, isZero, negate, sum } from "./decimal.ts";

type Change = Partial<Omit<CostEvent, "quantity" | "amount" | "date">>;
const event = (
  id: string,
  day: number,
  effect: CostEvent["effect"],
  quantity: string,
  amount?: string,
  change: Change = {},
): CostEvent => ({
  id,
  scope: "company",
  item: "007",
  date: businessDate(`2025-01-${String(day).padStart(2, "0")}`),
  at: "",
  arrival: id.padStart(8, "0"),
  effect,
  quantity: decimal(quantity),
  ...(amount === undefined ? {} : { amount: decimal(amount) }),
  ...change,
});

const run = (state: ItemState, arrivals: readonly CostEvent[], policy: CostPolicy = defaultCostPolicy): Valuation => {
  const result = valueEvents(state, arrivals, policy);
  if (result.kind !== "valued") throw new Error(`history needed for ${result.eventId}`);
  return result;
};
/** Feeds events one by one, as they would arrive. */
const arrive = (events: readonly CostEvent[], policy: CostPolicy = defaultCostPolicy) => {
  let state = emptyItem;
  const booked = new Map<string, Decimal>();
  const corrections: Valuation["corrections"][number][] = [];
  for (const each of events) {
    const result = run(state, [each], policy);
    state = result.state;
    for (const { event: of, amount, pending } of result.valued) if (!pending) booked.set(of.id, amount);
    for (const correction of result.corrections) {
      corrections.push(correction);
      booked.set(correction.eventId, add(booked.get(correction.eventId) ?? ZERO, correction.delta));
    }
  }
  return { state, booked, corrections };
};
const stock = (state: ItemState, scope = "company") => {
  const { quantity, value } = state.running.scopes[scope] ?? { quantity: ZERO, value: ZERO };
  return { quantity, value };
};

const TWO_RECEIPTS = [event("1", 1, "in", "10", "1000"), event("2", 2, "in", "5", "550")];
const RETURN = event("3", 3, "out", "5", "500", { isReturn: true });

test("(a) a return leaves at the document's price and the rest is averaged anew: 1,050 / 10 = 105.00", () => {
  const { state, booked } = arrive([...TWO_RECEIPTS, RETURN, event("4", 4, "out", "1")]);
  expect(booked.get("3")).toBe("500.00");
  expect(booked.get("4")).toBe("105.00");
  expect(stock(state)).toEqual({ quantity: "9", value: "945.00" });
});

test("(a) by policy a return leaves at average: 516.67, so that 16.67 beyond the document's 500.00 are a variance", () => {
  const { state, booked } = arrive([...TWO_RECEIPTS, RETURN], { places: 2, returns: "average" });
  expect(booked.get("3")).toBe("516.67");
  expect(stock(state)).toEqual({ quantity: "10", value: "1033.33" });
});

test("(b) a receipt into negative stock settles the issue: 6.60 to it, 18 × 3.30 = 59.40 stay", () => {
  const { state, corrections, booked } = arrive([event("1", 1, "out", "2"), event("2", 2, "in", "20", "66")]);
  expect(corrections).toEqual([{ eventId: "1", delta: "6.60", because: "2" }]);
  expect(booked.get("1")).toBe("6.6");
  expect(stock(state)).toEqual({ quantity: "18", value: "59.40" });
});

test("(b) an issue without stock goes out at the last known cost until a receipt settles it", () => {
  const first = arrive([event("1", 1, "in", "4", "40"), event("2", 2, "out", "6")]);
  expect(first.booked.get("2")).toBe("60.00");
  expect(stock(first.state)).toEqual({ quantity: "-2", value: "-20.00" });
  const settled = run(first.state, [event("3", 3, "in", "1", "13")]);
  expect(settled.corrections).toEqual([{ eventId: "2", delta: "3.00", because: "3" }]);
  expect(stock(settled.state)).toEqual({ quantity: "-1", value: "-10.00" });
});

test("(c) a backdated receipt corrects the issue by +15.00 and rewrites nothing", () => {
  const { state, corrections } = arrive([
    event("1", 1, "in", "10", "100"),
    event("2", 10, "out", "5"),
    event("3", 5, "in", "10", "160"),
  ]);
  expect(corrections).toEqual([{ eventId: "2", delta: "15.00", because: "3" }]);
  expect(stock(state)).toEqual({ quantity: "15", value: "195.00" });
});

test("(d) an invoice 20.00 above the estimate: 8.00 to stock, 12.00 to the part that was sold", () => {
  const estimated = arrive([event("1", 1, "in", "100", "500"), event("2", 2, "out", "60")]);
  const invoiced = run(estimated.state, [event("3", 20, "revalue", "100", "520", { origin: "1" })]);
  expect(invoiced.valued.map(({ amount }) => amount)).toEqual(["20.00"]);
  expect(invoiced.corrections).toEqual([{ eventId: "2", delta: "12.00", because: "3" }]);
  expect(stock(invoiced.state)).toEqual({ quantity: "40", value: "208.00" });
});

test("(d) when everything is sold the whole difference goes to what was sold, and value never turns negative", () => {
  for (const [net, delta] of [
    ["520", "20.00"],
    ["470", "-30.00"],
  ] as const) {
    const sold = arrive([event("1", 1, "in", "100", "500"), event("2", 2, "out", "100")]);
    const invoiced = run(sold.state, [event("3", 20, "revalue", "100", net, { origin: "1" })]);
    expect(invoiced.corrections).toEqual([{ eventId: "2", delta, because: "3" }]);
    expect(stock(invoiced.state)).toEqual({ quantity: "0", value: "0.00" });
  }
});

test("(d) partial invoices replace their share of the estimate; a fee adds to the value", () => {
  const { state } = arrive([
    event("1", 1, "in", "3", "100"),
    event("2", 5, "revalue", "1", "40", { origin: "1" }),
    event("3", 6, "revalue", "2", "70", { origin: "1" }),
    event("4", 7, "revalue", "0", "5", { origin: "1" }),
  ]);
  expect(stock(state)).toEqual({ quantity: "3", value: "115.00" });
});

test("(e) movements of one instant have a total order: arrival, then id, decides", () => {
  const at = "2025-01-02T08:00:00.000Z";
  const both = [event("b", 2, "out", "1", undefined, { at }), event("a", 2, "out", "1", undefined, { at })];
  const forth = run(emptyItem, [event("0", 1, "in", "2", "1"), ...both]);
  const back = run(emptyItem, [...both.toReversed(), event("0", 1, "in", "2", "1")]);
  expect(forth.state).toEqual(back.state);
  expect(forth.state.entries.map((entry) => entry.event.id)).toEqual(["0", "a", "b"]);
});

test("(g) three issues out of 100.00: 33.33, 33.33 and the last takes the rest; no quantity, no value", () => {
  const { state, booked } = arrive([
    event("1", 1, "in", "3", "100"),
    ...["2", "3", "4"].map((id) => event(id, Number(id), "out", "1")),
  ]);
  expect(["2", "3", "4"].map((id) => booked.get(id))).toEqual(["33.33", "33.33", "33.34"]);
  expect(stock(state)).toEqual({ quantity: "0", value: "0.00" });
});

test("(h) a transfer passes the corrected cost on to the destination and to what was sold there", () => {
  const { state, corrections } = arrive([
    event("1", 1, "in", "10", "100", { scope: "A" }),
    event("2", 10, "across", "5", undefined, { scope: "A", counterScope: "B" }),
    event("3", 11, "out", "2", undefined, { scope: "B" }),
    event("4", 5, "in", "10", "160", { scope: "A" }),
  ]);
  expect(corrections).toEqual([
    { eventId: "2", delta: "15.00", because: "4" },
    { eventId: "3", delta: "6.00", because: "4" },
  ]);
  expect(stock(state, "A")).toEqual({ quantity: "15", value: "195.00" });
  expect(stock(state, "B")).toEqual({ quantity: "3", value: "39.00" });
});

test("(h) a transfer out of negative stock passes on what the settling receipt cost", () => {
  const { state, corrections } = arrive([
    event("1", 1, "across", "5", undefined, { scope: "A", counterScope: "B" }),
    event("2", 2, "out", "2", undefined, { scope: "B" }),
    event("3", 3, "in", "10", "30", { scope: "A" }),
  ]);
  expect(corrections.map(({ eventId, delta }) => [eventId, delta])).toEqual([
    ["1", "15.00"],
    ["2", "6.00"],
  ]);
  expect(stock(state, "A")).toEqual({ quantity: "5", value: "15.00" });
  expect(stock(state, "B")).toEqual({ quantity: "3", value: "9.00" });
});

test("(k) on equal dates receipts come before issues and returns, and amounts are rounded half up", () => {
  const { state, booked } = arrive([event("1", 1, "out", "1"), event("2", 1, "in", "8", "0.12")]);
  expect(booked.get("1")).toBe("0.02");
  expect(stock(state)).toEqual({ quantity: "7", value: "0.10" });
});

test("sales returns come back at the cost with which they left, to the last cent", () => {
  const { booked, state } = arrive([
    event("1", 1, "in", "6", "100"),
    event("2", 2, "out", "3"),
    event("3", 3, "in", "10", "999"),
    ...["4", "5", "6"].map((id) => event(id, Number(id), "in", "1", undefined, { isReturn: true, origin: "2" })),
  ]);
  expect(["4", "5", "6"].map((id) => booked.get(id))).toEqual(["16.67", "16.66", "16.67"]);
  expect(stock(state)).toEqual({ quantity: "16", value: "1099.00" });
});

test("a receipt without value is pending: it is valued again when its cost is known, and issues are corrected", () => {
  const first = run(emptyItem, [event("1", 1, "in", "5"), event("2", 2, "out", "1")]);
  expect(first.valued.map(({ amount, pending }) => [amount, pending])).toEqual([
    ["0.00", true],
    ["0.00", false],
  ]);
  const known = run(first.state, [event("1", 1, "in", "5", "50")]);
  expect(known.valued.map(({ amount, pending }) => [amount, pending])).toEqual([["50.00", false]]);
  expect(known.corrections).toEqual([{ eventId: "2", delta: "10.00", because: "1" }]);
});

test("a cancelled receipt is withdrawn, not corrected, and what it had averaged is", () => {
  const first = run(emptyItem, [
    event("1", 1, "in", "10", "100"),
    event("2", 2, "in", "10", "160"),
    event("3", 3, "out", "5"),
  ]);
  const result = run(first.state, [event("2", 2, "in", "10", "160", { cancelled: true })]);
  expect(result.withdrawn).toEqual([{ eventId: "2", booked: "160.00" }]);
  expect(result.corrections).toEqual([{ eventId: "3", delta: "-15.00", because: "2" }]);
  expect(run(result.state, [event("2", 2, "in", "10", "160", { cancelled: true })]).withdrawn).toEqual([]);
});

test("the fast path says when it needs history, and a shortened history gives the same numbers", () => {
  const all = [event("1", 1, "in", "10", "100"), event("2", 10, "out", "5"), event("3", 12, "in", "5", "80")];
  const full = run(emptyItem, all).state;
  expect(appendOnly(full.running, [event("4", 11, "out", "1")])).toEqual({
    kind: "needs-history",
    eventId: "4",
    reason: "backdated",
  });
  const cut = cutBefore(full, "2025-01-11");
  expect(cut.entries.map((entry) => entry.event.id)).toEqual(["3"]);
  const late = event("4", 11, "out", "2");
  expect(run(cut, [late]).state.running).toEqual(run(full, [late]).state.running);
  expect(valueEvents(cut, [event("5", 9, "out", "1")]).kind).toBe("needs-history");
});

// ---------------------------------------------------------------------------------------------- (j) property

const SCOPES = ["A", "B", "C"] as const;
const drawnEvent = fc.record({
  day: fc.integer({ min: 1, max: 9 }),
  kind: fc.constantFrom("in", "in", "out", "out", "across", "purchase-return", "sales-return", "invoice"),
  scope: fc.constantFrom(...SCOPES),
  to: fc.constantFrom(...SCOPES),
  quantity: fc.integer({ min: 1, max: 30 }),
  cents: fc.integer({ min: 0, max: 50_000 }),
  refers: fc.nat(30),
});
type Drawn = typeof drawnEvent extends fc.Arbitrary<infer T> ? T : never;

const money = (cents: number): string => divide(decimal(String(cents)), decimal("100"), 2);
const eventOf = (drawn: Drawn, index: number, all: readonly Drawn[]): CostEvent => {
  const id = String(index).padStart(3, "0");
  const origin = String(drawn.refers % all.length).padStart(3, "0");
  const { scope, day } = drawn;
  const quantity = String(drawn.quantity);
  switch (drawn.kind) {
    case "in":
      return event(id, day, "in", quantity, money(drawn.cents), { scope });
    case "across":
      return event(id, day, "across", quantity, undefined, { scope, counterScope: drawn.to });
    case "purchase-return":
      return event(id, day, "out", quantity, money(drawn.cents), { scope, isReturn: true });
    case "sales-return":
      return event(id, day, "in", quantity, undefined, { scope, isReturn: true, origin });
    case "invoice":
      return event(id, day, "revalue", quantity, money(drawn.cents), { scope, origin });
    case "out":
      return event(id, day, "out", quantity, undefined, { scope });
  }
};
const batch = fc.array(drawnEvent, { minLength: 1, maxLength: 25 }).chain((drawn) =>
  fc.record({
    events: fc.constant(drawn.map(eventOf)),
    shuffled: fc.shuffledSubarray(drawn.map(eventOf), { minLength: drawn.length, maxLength: drawn.length }),
  }),
);

const byKind = (booked: ReadonlyMap<string, Decimal>, events: readonly CostEvent[]) => {
  const sums = new Map<string, Decimal>();
  for (const each of events) {
    const account = `${each.scope} ${each.effect} ${each.isReturn === true ? "return" : ""} ${each.counterScope ?? ""}`;
    sums.set(account, add(sums.get(account) ?? ZERO, booked.get(each.id) ?? ZERO));
  }
  return new Map([...sums].map(([account, total]) => [account, Number(total)] as const));
};

test("(j) any order of arrival ends with equal quantity, value and sums per account", () => {
  fc.assert(
    fc.property(batch, ({ events, shuffled }) => {
      const one = arrive(events);
      const other = arrive(shuffled);
      const whole = run(emptyItem, shuffled);
      expect(other.state.running).toEqual(one.state.running);
      expect(whole.state.running).toEqual(one.state.running);
      expect(byKind(other.booked, events)).toEqual(byKind(one.booked, events));
    }),
    { numRuns: 400 },
  );
});

test("value is conserved: what went in and did not go out is on stock, and booked equals canonical", () => {
  fc.assert(
    fc.property(batch, ({ events, shuffled }) => {
      const { state, booked } = arrive(shuffled);
      const signed = events.map((each) => {
        const value = booked.get(each.id) ?? ZERO;
        if (each.effect === "across") return ZERO;
        return each.effect === "out" ? negate(value) : value;
      });
      // Known limit: goods that circle between scopes before they are there may lose a cent (docs/design.md).
      if (state.running.circular) return;
      const scopes = Object.values(state.running.scopes);
      expect(Number(sum(signed))).toBe(Number(sum(scopes.map((scope) => scope.value))));
      for (const entry of state.entries)
        if (entry.basis !== "pending") expect(equal(entry.canonical, booked.get(entry.event.id) ?? ZERO)).toBe(true);
      for (const scope of scopes) if (isZero(scope.quantity)) expect(isZero(scope.value)).toBe(true);
    }),
    { numRuns: 400 },
  );
});

test("without invoices below the estimate, stock on hand never has a negative value", () => {
  fc.assert(
    fc.property(batch, ({ events }) => {
      const { state } = arrive(events.filter((each) => each.effect !== "revalue"));
      for (const { quantity, value } of Object.values(state.running.scopes))
        if (compare(quantity, ZERO) > 0) expect(compare(value, ZERO)).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 300 },
  );
});

test("100,000 movements that were never backdated are valued in well under 1.5 seconds", () => {
  const PER_ITEM = 1_000;
  const events = Array.from({ length: PER_ITEM }, (_, index) =>
    index % 3 === 0
      ? event(String(index), 1 + Math.floor(index / 40), "in", "10", "123.45")
      : event(String(index), 1 + Math.floor(index / 40), "out", "4.5"),
  );
  const ordered = run(emptyItem, events).state.entries.map((entry) => entry.event);
  const before = process.cpuUsage();
  for (let item = 0; item < 100; item += 1) {
    let running = emptyRunning;
    for (let at = 0; at < PER_ITEM; at += 50) {
      const result = appendOnly(running, ordered.slice(at, at + 50));
      if (result.kind !== "appended") throw new Error(result.reason);
      running = result.running;
    }
  }
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(1_500);
});
