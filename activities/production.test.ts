import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { add, decimal, sum, toFixed } from "../domain/decimal.ts";
import {
  COST_OF_SALES,
  INVENTORY,
  type Paper,
  type World,
  database,
  issue,
  receipt,
  world,
} from "../test/support/drafting-world.ts";

/*
 * What an order used is what its products are worth, whatever comes in which order, and whatever changes afterwards.
 */

const WORK_IN_PROGRESS = "5001";
const SUBCONTRACTED = "1408";

const material = (record: string, day: string, quantity: string, amount: string, item = "I"): Paper =>
  receipt(record, day, quantity, amount, { item, invoiced: true });
const used = (record: string, day: string, quantity: string, order: string, more: Partial<Paper> = {}): Paper => ({
  record,
  kind: "production-issue",
  day,
  quantity,
  order,
  ...more,
});
/** A product without an amount. */
const made = (record: string, day: string, quantity: string, order: string, more: Partial<Paper> = {}): Paper => ({
  record,
  kind: "production-receipt",
  day,
  quantity,
  order,
  item: "K",
  ...more,
});

test("a product without an amount is worth what its order has used", async () => {
  const at = await world();
  await at.put(material("m", "2025-01-05", "10", "100"));
  await at.put(used("u", "2025-01-06", "6", "A"));
  await at.put(made("p", "2025-01-08", "3", "A"));
  await at.put(issue("s", "2025-01-09", "1", { item: "K" }));
  await at.draft();
  expect(await at.blocked()).toEqual([]);
  await at.check();
  expect(await at.books()).toMatchObject({
    [WORK_IN_PROGRESS]: "0.00",
    [INVENTORY]: "80.00",
    [COST_OF_SALES]: "20.00",
  });
});

test("a product waits while its order has cost nothing, and goes on as soon as it has", async () => {
  const at = await world();
  await at.put(material("m", "2025-01-05", "10", "100"));
  await at.put(made("p", "2025-01-08", "3", "A"));
  await at.put(used("u", "2025-01-06", "6", "B"));
  await at.draft();
  expect(await at.blocked()).toMatchObject([{ record: "p", code: "VALUE_PENDING" }]);
  await at.check();
  await at.put(used("v", "2025-01-07", "3", "A"));
  await at.draft();
  expect(await at.blocked()).toEqual([]);
  await at.check();
  expect(await at.books()).toMatchObject({ [WORK_IN_PROGRESS]: "60.00", [INVENTORY]: "40.00" });
});

/** One order, sold already: 60.00 of 6 pieces in 3 products, of which 2 are sold. */
const sold = async (settings: Parameters<typeof world>[0] = {}): Promise<World> => {
  const at = await world(settings);
  await at.put(material("m", "2025-01-05", "10", "100"));
  await at.put(used("u", "2025-01-06", "6", "A"));
  await at.put(made("p", "2025-01-08", "3", "A"));
  await at.put(issue("s", "2025-01-09", "2", { item: "K" }));
  await at.draft();
  await at.send();
  return at;
};

test("what an order uses later, or at another price than thought, reaches its products and what was sold of them", async () => {
  const at = await sold();
  await at.put(used("u2", "2025-01-10", "3", "A"));
  await at.draft();
  await at.check();
  expect(await at.books()).toMatchObject({ [WORK_IN_PROGRESS]: "0.00", [COST_OF_SALES]: "60.00" });
  // A receipt before the issues raises the average from 10 to 13.
  await at.put(material("m2", "2025-01-05", "10", "160"));
  await at.draft();
  await at.check();
  expect(await at.books()).toMatchObject({ [WORK_IN_PROGRESS]: "0.00", [COST_OF_SALES]: "78.00" });
  expect(new Set((await at.vouchers()).map(({ purpose }) => purpose))).toEqual(new Set(["stock", "cost-correction"]));
});

test("an issue that is edited or taken back takes its cost out of the products again", async () => {
  const at = await sold();
  await at.put(used("u", "2025-01-06", "3", "A"));
  await at.draft();
  await at.check();
  await at.reverse();
  await at.draft();
  await at.check();
  expect(await at.books()).toMatchObject({ [WORK_IN_PROGRESS]: "0.00", [COST_OF_SALES]: "20.00" });
  await at.put(used("u2", "2025-01-07", "3", "A"));
  await at.draft();
  await at.send();
  expect((await at.books())[COST_OF_SALES]).toBe("40.00");
  await at.put(used("u2", "2025-01-07", "3", "B"));
  await at.draft();
  await at.reverse();
  await at.draft();
  await at.check();
  expect(await at.books()).toMatchObject({ [WORK_IN_PROGRESS]: "30.00", [COST_OF_SALES]: "20.00" });
  await at.cancel("u");
  await at.draft();
  await at.reverse();
  await at.draft();
  await at.check();
  expect(await at.books()).toMatchObject({ [WORK_IN_PROGRESS]: "30.00", [COST_OF_SALES]: "0.00" });
});

test("a further product takes its share of the one before it; edited and cancelled products give theirs back", async () => {
  const at = await sold();
  await at.put(made("p2", "2025-01-15", "3", "A", { item: "L" }));
  await at.draft();
  await at.send();
  await at.check();
  expect(await at.books()).toMatchObject({ [WORK_IN_PROGRESS]: "0.00", [COST_OF_SALES]: "20.00" });
  await at.put(made("p2", "2025-01-15", "1", "A", { item: "L" }));
  await at.draft();
  await at.reverse();
  await at.draft();
  await at.check();
  expect(await at.books()).toMatchObject({ [WORK_IN_PROGRESS]: "0.00", [COST_OF_SALES]: "30.00" });
  await at.cancel("p2");
  await at.draft();
  await at.reverse();
  await at.draft();
  await at.check();
  expect(await at.books()).toMatchObject({ [WORK_IN_PROGRESS]: "0.00", [COST_OF_SALES]: "40.00" });
});

test("a product whose document says its amount has that; the others share the rest", async () => {
  const at = await sold();
  await at.put(made("p2", "2025-01-15", "5", "A", { amount: "45.00" }));
  await at.draft();
  await at.check();
  expect((await at.books())[WORK_IN_PROGRESS]).toBe("0.00");
  await at.put(made("p3", "2025-01-16", "5", "A", { amount: "99.00" }));
  await at.put(made("p4", "2025-01-16", "5", "A"));
  await at.draft();
  expect(await at.blocked()).toMatchObject([{ record: "p4", code: "VALUE_PENDING" }]);
  await at.check();
});

test("a product that says its amount later is drawn anew at it", async () => {
  const at = await sold();
  await at.put(made("p", "2025-01-08", "3", "A", { amount: "90.00" }));
  await at.draft();
  await at.reverse();
  await at.draft();
  await at.check();
  expect(await at.books()).toMatchObject({ [WORK_IN_PROGRESS]: "-30.00", [COST_OF_SALES]: "60.00" });
});

test("a product of one order that another uses carries every change through to the last", async () => {
  const at = await world();
  await at.put(material("m", "2025-01-05", "10", "100"));
  // The chain arrives from its end.
  await at.put(issue("s", "2025-01-12", "1", { item: "L" }));
  await at.put(made("q", "2025-01-11", "1", "B", { item: "L" }));
  await at.put(used("v", "2025-01-10", "2", "B", { item: "K" }));
  await at.draft();
  await at.check();
  await at.put(made("p", "2025-01-08", "2", "A"));
  await at.put(used("u", "2025-01-06", "5", "A"));
  await at.draft();
  expect(await at.blocked()).toEqual([]);
  await at.check();
  expect(await at.books()).toMatchObject({ [WORK_IN_PROGRESS]: "0.00", [COST_OF_SALES]: "50.00" });
  await at.send();
  await at.put(material("m2", "2025-01-05", "10", "160"));
  await at.draft();
  await at.check();
  expect(await at.books()).toMatchObject({ [WORK_IN_PROGRESS]: "0.00", [COST_OF_SALES]: "65.00" });
});

test("what a workshop uses in general is no part of any product", async () => {
  const at = await world();
  await at.put(material("m", "2025-01-05", "10", "100"));
  await at.put(used("u", "2025-01-06", "4", "A", { cause: "制造费用" }));
  await at.put(made("p", "2025-01-08", "3", "A"));
  await at.draft();
  expect(await at.blocked()).toMatchObject([{ record: "p", code: "VALUE_PENDING" }]);
  await at.put(used("v", "2025-01-07", "3", "A"));
  await at.draft();
  await at.check();
  expect(await at.books()).toMatchObject({ [WORK_IN_PROGRESS]: "0.00", "5101": "40.00", [INVENTORY]: "60.00" });
});

test("subcontracting: goods and fee make the product, also when the fee comes after it was sold", async () => {
  const at = await world();
  await at.put(material("m", "2025-01-05", "10", "100"));
  await at.put({ ...used("u", "2025-01-06", "6", "W"), kind: "subcontract-issue" });
  await at.put({ ...made("p", "2025-01-08", "3", "W"), kind: "subcontract-receipt" });
  // A production order may have the same number.
  await at.put(used("x", "2025-01-06", "1", "W"));
  await at.draft();
  await at.send();
  await at.put(issue("s", "2025-01-09", "1", { item: "K" }));
  const fee = (amount: string): Paper => ({
    ...used("f", "2025-01-20", "0", "W", { item: "K", amount, tax: "3.90" }),
    kind: "subcontract-fee",
  });
  await at.put(fee("30.00"));
  await at.draft();
  expect(await at.blocked()).toEqual([]);
  await at.check();
  expect(await at.books()).toMatchObject({
    [SUBCONTRACTED]: "0.00",
    [WORK_IN_PROGRESS]: "10.00",
    [COST_OF_SALES]: "30.00",
    "2202.01": "-133.90",
  });
  await at.put(fee("60.00"));
  await at.draft();
  await at.check();
  expect(await at.books()).toMatchObject({ [SUBCONTRACTED]: "0.00", [COST_OF_SALES]: "40.00" });
  await at.cancel("f");
  await at.draft();
  await at.check();
  expect(await at.books()).toMatchObject({ [SUBCONTRACTED]: "0.00", [COST_OF_SALES]: "20.00" });
});

test("products that all go back to their own order keep their value, and share it when they return", async () => {
  const at = await world();
  await at.put(material("m", "2025-01-05", "10", "100"));
  await at.put(used("u", "2025-01-06", "6", "A"));
  await at.put(made("p", "2025-01-08", "3", "A"));
  await at.draft();
  await at.put(used("back", "2025-01-09", "3", "A", { item: "K" }));
  await at.draft();
  await at.check();
  expect(await at.books()).toMatchObject({ [WORK_IN_PROGRESS]: "60.00", [INVENTORY]: "40.00" });
  const largest = async (): Promise<number> => Math.max(...(await at.vouchers()).map(({ total }) => Number(total)));
  expect(await largest()).toBe(100);
  await at.put(made("again", "2025-01-10", "3", "A"));
  await at.draft();
  await at.check();
  expect(await at.books()).toMatchObject({ [WORK_IN_PROGRESS]: "0.00", [INVENTORY]: "100.00" });
  expect(await largest()).toBe(100);
});

test("at-period-end: a product waits for the end of its month; by-document: for its own amount", async () => {
  const monthly = await world({ productValue: "at-period-end" });
  const never = await world({ productValue: "by-document" });
  for (const at of [monthly, never]) {
    await at.put(material("m", "2025-01-05", "10", "100"));
    await at.put(used("u", "2025-01-06", "6", "A"));
    await at.put(made("p", "2025-01-08", "3", "A"));
    await at.draft("2025-01-30");
    expect(await at.blocked()).toMatchObject([{ record: "p", code: "VALUE_PENDING" }]);
    await at.draft("2025-01-31");
    await at.check();
  }
  expect(await monthly.blocked()).toEqual([]);
  expect((await monthly.books())[WORK_IN_PROGRESS]).toBe("0.00");
  expect(await never.blocked()).toHaveLength(1);
});

test("a page without an order's documents asks nothing about orders; one with many of them asks once", async () => {
  const at = await world();
  await at.put(material("m", "2025-01-05", "90", "900", "I"));
  await at.put({ ...issue("s", "2025-01-09", "2"), order: "SO-1" });
  await at.draft();
  await at.put(material("m2", "2025-01-04", "10", "500", "I"));
  await at.draft();
  expect(at.ordersAsked).toEqual([]);
  const orders = ["A", "B", "C"];
  for (const order of orders) {
    await at.put(used(`u${order}`, "2025-01-10", "2", order));
    await at.put(made(`p${order}`, "2025-01-11", "1", order));
  }
  await at.draft();
  expect(at.ordersAsked).toEqual([orders.map((order) => `work-in-progress/${order}`)]);
});

test("(i) warehouses of one group share an average", async () => {
  const at = await world({ averagingScope: { groups: { east: ["W", "V"] } } });
  await at.put(material("m1", "2025-01-05", "10", "100"));
  await at.put({ ...material("m2", "2025-01-05", "10", "160"), warehouse: "V" });
  await at.put({ ...material("m3", "2025-01-05", "10", "900"), warehouse: "far" });
  await at.put(issue("s", "2025-01-09", "1"));
  await at.draft();
  await at.check();
  expect((await at.books())[COST_OF_SALES]).toBe("13.00");
});

// ------------------------------------------------------------------------------------------------ any order of arrival

const papers: readonly Paper[] = [
  material("m1", "2025-01-03", "10", "100.01"),
  material("m2", "2025-01-05", "7", "93.10"),
  used("u1", "2025-01-04", "3", "A"),
  used("u2", "2025-01-06", "5", "A"),
  made("p1", "2025-01-07", "3", "A"),
  made("p2", "2025-01-09", "4", "A"),
  used("u3", "2025-01-08", "2", "B", { item: "K" }),
  used("u4", "2025-01-08", "1", "B"),
  made("p3", "2025-01-10", "6", "B", { item: "L" }),
  issue("s1", "2025-01-09", "2", { item: "K" }),
  issue("s2", "2025-01-12", "5", { item: "L" }),
];

test("(j) whatever arrives first, and sent or not, the books end the same and nothing stays in progress", {
  timeout: 180_000,
}, async () => {
  const whole = await world();
  for (const paper of papers) await whole.put(paper);
  await whole.draft();
  const expected = await whole.books();
  expect(expected[WORK_IN_PROGRESS]).toBe("0.00");
  const shuffled = fc.shuffledSubarray([...papers], { minLength: papers.length });
  const pauses = fc.array(fc.constantFrom("none", "draft", "send"), {
    minLength: papers.length,
    maxLength: papers.length,
  });
  await fc.assert(
    fc.asyncProperty(shuffled, pauses, fc.boolean(), async (arrivals, acts, edit) => {
      const at = await world();
      for (const [index, paper] of arrivals.entries()) {
        await at.put(edit && paper.record === "u2" ? { ...paper, quantity: "4", order: "B" } : paper);
        if (acts[index] === "none") continue;
        await at.draft();
        await at.check();
        if (acts[index] === "send") await at.send();
      }
      if (edit) {
        const changed = papers.find(({ record }) => record === "u2");
        if (changed !== undefined) await at.put(changed);
        await at.draft();
        await at.reverse();
      }
      await at.draft();
      await at.check();
      expect(await at.blocked()).toEqual([]);
      expect(await at.books()).toEqual(expected);
    }),
    { numRuns: 20, seed: 20_250_131, endOnFailure: process.env["CI"] !== undefined },
  );
});

test("three products of one order have its cost between them to the cent", async () => {
  const at = await world();
  await at.put(material("m", "2025-01-05", "1", "100"));
  await at.put(used("u", "2025-01-06", "1", "A"));
  for (const record of ["p1", "p2", "p3"]) await at.put(made(record, "2025-01-08", "1", "A"));
  await at.draft();
  await at.check();
  const totals = (await at.vouchers()).slice(2).map(({ total }) => decimal(total));
  expect(totals.map((total) => toFixed(total, 2))).toEqual(["33.33", "33.34", "33.33"]);
  expect(toFixed(sum(totals), 2)).toBe("100.00");
});

// ------------------------------------------------------------------------------------------------ any sequence

type Step =
  | { readonly act: "put"; readonly paper: Paper }
  | { readonly act: "cancel"; readonly record: string }
  | { readonly act: "draft" | "send" | "settle" };

const RECORDS = ["m0", "m1", "u0", "u1", "u2", "p0", "p1", "p2", "s0", "f0"] as const;
const days = fc.integer({ min: 1, max: 28 }).map((day) => `2025-01-${String(day).padStart(2, "0")}`);
const few = fc.integer({ min: 1, max: 4 }).map(String);
const many = fc.integer({ min: 6, max: 12 }).map(String);
const amounts = fc
  .integer({ min: 100, max: 99_999 })
  .map((cents) => `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`);

/** @param freely  whether a product may go back to its own order, or to one that its order uses */
const papersOf = (freely: boolean): fc.Arbitrary<Paper> =>
  fc.oneof(
    fc
      .tuple(fc.constantFrom("m0", "m1"), days, many, amounts)
      .map(([record, day, quantity, amount]) => material(record, day, quantity, amount)),
    fc
      .tuple(fc.constantFrom("u0", "u1", "u2"), days, few, fc.constantFrom("A", "B"), fc.constantFrom("I", "K", "L"))
      .map(([record, day, quantity, order, item]) =>
        used(record, day, quantity, order, { item: freely || (order === "B" && item !== "L") ? item : "I" }),
      ),
    fc
      .tuple(fc.constantFrom("p0", "p1", "p2"), days, few, fc.constantFrom("A", "B"), fc.option(amounts, { freq: 6 }))
      .map(([record, day, quantity, order, amount]) =>
        made(record, day, quantity, order, { item: order === "A" ? "K" : "L", ...(amount === null ? {} : { amount }) }),
      ),
    fc
      .tuple(days, few, fc.constantFrom("I", "K", "L"))
      .map(([day, quantity, item]) => issue("s0", day, quantity, { item })),
    fc
      .tuple(days, fc.constantFrom("A", "B"), amounts)
      .map(([day, order, amount]): Paper => ({ ...used("f0", day, "0", order, { amount }), kind: "subcontract-fee" })),
  );
const stepsOf = (freely: boolean): fc.Arbitrary<readonly Step[]> =>
  fc.array(
    fc.oneof(
      { weight: 8, arbitrary: papersOf(freely).map((paper) => ({ act: "put" as const, paper })) },
      { weight: 1, arbitrary: fc.constantFrom(...RECORDS).map((record) => ({ act: "cancel" as const, record })) },
      { weight: 4, arbitrary: fc.constantFrom("draft", "draft", "send", "settle").map((act) => ({ act }) as const) },
    ),
    { minLength: 5, maxLength: 24 },
  );

/** A reversal may free a document whose other vouchers have to be reversed as well. */
const SETTLE_ROUNDS_MAX = 5;
const settle = async (at: World): Promise<void> => {
  await at.send();
  await at.draft();
  for (let round = 0; round < SETTLE_ROUNDS_MAX; round += 1) {
    await at.send();
    if ((await at.reverse()) === 0) break;
    await at.draft();
  }
  await at.draft();
  await at.check();
};
const play = async (at: World, steps: readonly Step[]): Promise<void> => {
  for (const step of steps) {
    if (step.act === "put") await at.put(step.paper);
    else if (step.act === "cancel") await at.cancel(step.record);
    else if (step.act === "send") await at.send();
    else if (step.act === "settle") await settle(at);
    else {
      await at.draft();
      await at.check();
    }
  }
  await settle(at);
};

const Order = z.object({ order: z.string(), left: z.string(), given: z.string(), zero: z.boolean() });
/** Per order what has not been passed on, of those that gave value to a product. */
const ordersOf = async (at: World) =>
  z.array(Order).parse(
    (
      await database.pool.query(
        `SELECT order_number AS order, sum(CASE effect WHEN 'in' THEN -canonical ELSE canonical END)::text AS left,
           count(*) FILTER (WHERE basis = 'order')::text AS given, bool_and(canonical = 0 OR basis <> 'order') AS zero
         FROM cost_entries WHERE ledger = $1 AND order_number IS NOT NULL AND NOT cancelled GROUP BY order_number`,
        [at.ledger.code],
      )
    ).rows,
  );

test("any sequence of arrivals, edits, cancellations, sendings and reversals leaves nothing of an order behind", {
  timeout: 180_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(stepsOf(false), async (steps) => {
      const at = await world();
      await play(at, steps);
      let inProgress = decimal("0");
      for (const { order, left, given, zero } of await ordersOf(at)) {
        if (order.startsWith("work-in-progress/")) inProgress = add(inProgress, decimal(left));
        // More was said by documents than the order has cost: the others get nothing.
        if (given !== "0" && !zero) expect({ order, left: toFixed(decimal(left), 2) }).toEqual({ order, left: "0.00" });
      }
      expect((await at.books())[WORK_IN_PROGRESS] ?? "0.00").toBe(toFixed(inProgress, 2));
    }),
    { numRuns: 30, seed: 20_250_131, endOnFailure: process.env["CI"] !== undefined },
  );
});

test("products may go round in circles: the books agree with the stock all the same", {
  timeout: 180_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(stepsOf(true), async (steps) => play(await world(), steps)),
    { numRuns: 20, seed: 20_250_131, endOnFailure: process.env["CI"] !== undefined },
  );
});
