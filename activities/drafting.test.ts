import fc from "fast-check";
import { expect, test } from "vitest";
import { firstDayOf, lastDayOf, period } from "../domain/dates.ts";
import { decimal, toFixed } from "../domain/decimal.ts";
import { type EstimateStyle, estimateStyles } from "../domain/estimate.ts";
import type { LedgerConfig } from "../domain/installation.ts";
import {
  COST_OF_SALES,
  ESTIMATED_PAYABLES,
  INVENTORY,
  SOURCE,
  type Paper,
  type Settings,
  type World,
  back,
  database,
  invoice,
  issue,
  receipt,
  world,
} from "../test/support/drafting-world.ts";

/*
 * The books that drafting makes, summed per account from the lines of all vouchers that were not withdrawn, must agree
 * with the stock values and the open estimates that it keeps beside them, whatever happens to the documents and whenever.
 */

// ------------------------------------------------------------------------------------------------ 暂估

test("月初回冲: a receipt stays open over the turns of three months, and each reversal and new estimate has its own voucher", async () => {
  const at = await world({ estimateStyle: "month-start-reversal" });
  await at.put(receipt("r", "2025-01-10", "10", "100"));
  await at.draft("2025-01-10");
  await at.send();
  for (const [today, inventory] of [
    ["2025-02-10", "0.00"],
    ["2025-02-28", "100.00"],
    ["2025-03-31", "100.00"],
    ["2025-04-15", "0.00"],
  ] as const) {
    await at.draft(today);
    await at.send();
    await at.check();
    expect((await at.books())[INVENTORY]).toBe(inventory);
  }
  expect((await at.vouchers()).map(({ purpose, date }) => [purpose, date])).toEqual([
    ["stock", "2025-01-10"],
    ["estimate-reversal", "2025-02-01"],
    ["re-estimate", "2025-02-28"],
    ["estimate-reversal", "2025-03-01"],
    ["re-estimate", "2025-03-31"],
    ["estimate-reversal", "2025-04-01"],
  ]);
});

test.for(estimateStyles)(
  "%s: partial invoices and returns over three months leave nothing estimated behind",
  async (style) => {
    const at = await world({ estimateStyle: style });
    await at.put(receipt("r", "2025-01-10", "10", "100"), {
      ...receipt("r", "2025-01-10", "3", "100"),
      line: "2",
      item: "J",
    });
    await at.draft("2025-01-31");
    await at.send();
    await at.put(invoice("f1", "r", "2025-02-05", "4", "44"));
    await at.put({ ...back("t1", "r", "2025-02-06", "1", "30"), item: "J" });
    await at.draft("2025-02-10");
    await at.check();
    await at.send();
    await at.put(back("t2", "r", "2025-02-20", "2", "24"));
    await at.draft("2025-02-28");
    await at.check();
    await at.put(invoice("f2", "r", "2025-03-03", "4", "41"));
    await at.put({ ...invoice("f3", "r", "2025-03-03", "2", "80"), item: "J" });
    await at.draft("2025-03-31");
    await at.check();
    expect(await at.blocked()).toEqual([]);
    expect((await at.books())[ESTIMATED_PAYABLES]).toBe("0.00");
    expect((await at.estimates()).map(({ stage }) => stage)).toEqual(["closed", "closed"]);
  },
);

test("a return against an estimate takes its share of the estimate; the rest of its price is a variance", async () => {
  const at = await world();
  await at.put(receipt("r", "2025-01-10", "10", "100"));
  await at.draft();
  await at.put(back("t", "r", "2025-01-12", "4", "48"));
  await at.draft();
  expect(await at.books()).toEqual({ [INVENTORY]: "52.00", [ESTIMATED_PAYABLES]: "-60.00", [COST_OF_SALES]: "8.00" });
  await at.put(invoice("f", "r", "2025-01-14", "6", "60"));
  await at.draft();
  await at.check();
  expect((await at.books())[ESTIMATED_PAYABLES]).toBe("0.00");
});

test("a return of more than is open is held back and named, and goes on when it says that it is invoiced", async () => {
  const at = await world();
  await at.put(receipt("r", "2025-01-10", "10", "100"));
  await at.put(invoice("f", "r", "2025-01-12", "10", "100"));
  await at.draft();
  await at.put(back("t", "r", "2025-01-13", "4", "40"));
  await at.draft();
  expect(await at.blocked()).toEqual([{ record: "t", code: "ORIGIN_MISSING", subject: "document/NO-r" }]);
  await at.check();
  await at.put({ ...back("t", "r", "2025-01-13", "4", "40"), invoiced: true });
  await at.draft();
  expect(await at.blocked()).toEqual([]);
  expect((await at.books())[INVENTORY]).toBe("60.00");
  await at.check();
});

const STYLES_AND_SENT = estimateStyles.flatMap((style) => [
  { style, sent: false },
  { style, sent: true },
]);

test.for(STYLES_AND_SENT)(
  "$style: an edited invoice is booked at its new amount (sent before: $sent)",
  async ({ style, sent }) => {
    const at = await world({ estimateStyle: style });
    await at.put(receipt("r", "2025-01-10", "10", "100"));
    await at.draft("2025-01-10");
    await at.send();
    await at.put(invoice("f", "r", "2025-01-12", "10", "110"));
    await at.draft("2025-01-12");
    if (sent) await at.send();
    await at.put(invoice("f", "r", "2025-01-12", "6", "72"));
    await at.draft("2025-01-12");
    await at.check();
    if (sent) {
      expect(await at.reverse()).toBeGreaterThan(0);
      await at.draft("2025-01-12");
    }
    await at.check();
    expect(await at.blocked()).toEqual([]);
    expect(await at.books()).toMatchObject({ [INVENTORY]: "112.00", [ESTIMATED_PAYABLES]: "-40.00" });
    await at.cancel("f");
    await at.draft("2025-01-13");
    await at.check();
    expect(await at.books()).toMatchObject({ [INVENTORY]: "100.00", [ESTIMATED_PAYABLES]: "-100.00" });
  },
);

test("月初回冲: an invoice of last month that is edited after the turn finds its part again", async () => {
  const at = await world({ estimateStyle: "month-start-reversal" });
  await at.put(receipt("r", "2025-01-10", "10", "100"));
  await at.put(invoice("f", "r", "2025-01-12", "4", "44"));
  await at.draft("2025-01-31");
  await at.send();
  await at.draft("2025-02-10");
  await at.send();
  await at.check();
  await at.put(invoice("f", "r", "2025-01-12", "4", "48"));
  await at.draft("2025-02-11");
  await at.reverse();
  await at.draft("2025-02-11");
  await at.check();
  await at.cancel("f");
  await at.draft("2025-02-12");
  await at.reverse();
  await at.draft("2025-02-28");
  await at.check();
  expect(await at.books()).toMatchObject({ [INVENTORY]: "100.00", [ESTIMATED_PAYABLES]: "-100.00" });
});

test.for(STYLES_AND_SENT)(
  "$style: an edited receipt keeps what was invoiced of it (invoice sent before: $sent)",
  async ({ style, sent }) => {
    const at = await world({ estimateStyle: style });
    await at.put(receipt("r", "2025-01-10", "10", "100"));
    await at.draft("2025-01-10");
    if (sent) await at.send();
    await at.put(invoice("f", "r", "2025-01-12", "10", "110"));
    await at.draft("2025-01-12");
    await at.put(receipt("r", "2025-01-10", "10", "90"));
    await at.draft("2025-01-12");
    await at.check();
    if (sent) {
      await at.reverse();
      await at.draft("2025-01-12");
      await at.check();
    }
    expect(await at.books()).toMatchObject({ [INVENTORY]: "110.00", [ESTIMATED_PAYABLES]: "0.00" });
  },
);

test("月初回冲: a receipt that is edited after the turn of the month is estimated anew, returns and invoices included", async () => {
  const at = await world({ estimateStyle: "month-start-reversal" });
  await at.put(receipt("r", "2025-01-10", "10", "100"));
  await at.draft("2025-01-31");
  await at.send();
  await at.put(invoice("f", "r", "2025-02-03", "3", "36"));
  await at.put(back("t", "r", "2025-02-04", "2", "22"));
  await at.draft("2025-02-10");
  await at.send();
  await at.check();
  await at.put(receipt("r", "2025-01-10", "12", "144"));
  await at.draft("2025-02-11");
  await at.check();
  await at.reverse();
  await at.draft("2025-02-11");
  await at.check();
  await at.draft("2025-02-28");
  await at.check();
  // 7 at the new price of 12.00; what was invoiced and returned stays as it was.
  expect((await at.books())[ESTIMATED_PAYABLES]).toBe("-84.00");
});

test("a receipt cannot be taken back while an invoice has a part of it; it goes as soon as the invoice is gone", async () => {
  const at = await world();
  await at.put(receipt("r", "2025-01-10", "10", "100"));
  await at.draft();
  await at.put(invoice("f", "r", "2025-01-12", "4", "44"));
  await at.draft();
  await at.cancel("r");
  await at.draft();
  expect(await at.blocked()).toMatchObject([{ record: "r" }]);
  await at.check();
  await at.cancel("f");
  await at.draft();
  expect(await at.blocked()).toEqual([]);
  await at.check();
  expect(await at.books()).toEqual({});
});

test("a receipt that turns out to be invoiced, or to be something else, leaves no estimate behind", async () => {
  const at = await world();
  await at.put(receipt("r", "2025-01-10", "10", "100"));
  await at.put(receipt("q", "2025-01-10", "10", "100"));
  await at.draft();
  await at.put({ ...receipt("r", "2025-01-10", "10", "100"), invoiced: true });
  await at.put({ ...receipt("q", "2025-01-10", "10", "70"), kind: "count-gain" });
  await at.draft();
  await at.check();
  expect(await at.books()).toMatchObject({ [INVENTORY]: "170.00", "2202.01": "-100.00" });
  expect((await at.books())[ESTIMATED_PAYABLES]).toBeUndefined();
});

test("an invoice and a return find the line of their own batch, warehouse and source", async () => {
  const at = await world({ sources: ["a", SOURCE] });
  // The same number in another source, and two lines of one item.
  await at.put({ ...receipt("r@a", "2025-01-09", "10", "500"), source: "a" });
  await at.put(
    receipt("r", "2025-01-10", "10", "100", { batch: "B1", line: "1" }),
    receipt("r", "2025-01-10", "10", "200", { batch: "B2", line: "2" }),
  );
  await at.put({ ...invoice("f", "r", "2025-01-12", "10", "230"), batch: "B2" });
  await at.draft();
  await at.check();
  // 500 + 100 stay estimated; the line at 200 is invoiced.
  expect((await at.books())[ESTIMATED_PAYABLES]).toBe("-600.00");
  await at.put(
    issue("i", "2025-01-15", "3", { batch: "B1", line: "1" }),
    issue("i", "2025-01-15", "5", { batch: "B2", line: "2" }),
  );
  await at.put({ ...issue("z", "2025-01-16", "5", { origin: "i", batch: "B2" }), kind: "sales-return" });
  await at.draft();
  await at.check();
  const sold = decimal((await at.books())[COST_OF_SALES] ?? "0");
  // 3 of 30 pieces worth 830.00 stay sold.
  expect(toFixed(sold, 2)).toBe("83.00");
});

// ------------------------------------------------------------------------------------------------ corrections of cost

const corrected = async (settings: Settings = {}): Promise<World> => {
  const at = await world(settings);
  await at.put(receipt("r1", "2025-01-05", "10", "100", { invoiced: true }));
  await at.put(issue("i", "2025-01-20", "5"));
  await at.draft();
  await at.put(receipt("r2", "2025-01-10", "10", "160", { invoiced: true }));
  return at;
};

test("an issue whose cost was corrected is drawn anew at its full cost, and the correction goes with it", async () => {
  const at = await corrected();
  await at.draft();
  expect((await at.books())[COST_OF_SALES]).toBe("65.00");
  await at.put(issue("i", "2025-01-20", "6"));
  await at.draft();
  await at.check();
  expect((await at.books())[COST_OF_SALES]).toBe("78.00");
  await at.put(issue("i", "2025-01-20", "4"));
  await at.draft();
  await at.check();
  expect((await at.books())[COST_OF_SALES]).toBe("52.00");
});

test("a posted, corrected issue that is cancelled and reversed leaves nothing of its cost behind", async () => {
  const at = await corrected();
  await at.draft();
  await at.send();
  await at.cancel("i");
  await at.draft();
  await at.check();
  await at.reverse();
  await at.draft();
  await at.check();
  expect((await at.books())[COST_OF_SALES]).toBe("0.00");
});

test("a correction meets the accounts that the corrected voucher used, also after the document moved elsewhere", async () => {
  const at = await world();
  await at.put(receipt("r1", "2025-01-05", "10", "100", { invoiced: true }));
  await at.put({ ...issue("i", "2025-01-20", "5"), kind: "production-issue" });
  await at.draft();
  await at.send();
  await at.put({ ...issue("i", "2025-01-20", "5"), kind: "scrap", cause: "报废" });
  await at.put(receipt("r2", "2025-01-10", "10", "160", { invoiced: true }));
  await at.draft();
  const before = await at.books();
  await at.check();
  expect(Object.values(before).filter((net) => net === "65.00")).toHaveLength(1);
  await at.reverse();
  await at.draft();
  await at.check();
  const after = await at.books();
  expect(Object.values(after).filter((net) => net === "65.00")).toHaveLength(1);
  expect(after).not.toEqual(before);
});

test("a correction that cannot be drawn holds its receipt back whole, with the reason", async () => {
  const at = await world({ codeTables: { warehouse: "table" } });
  await database.pool.query(
    `INSERT INTO code_entries (code_table, ledger, their_code, our_code, valid_from, valid_to)
     VALUES ('warehouse', $1, 'W', 'W1', '2025-01-01', '2025-01-31'), ('warehouse', $1, 'V', 'V1', '2025-01-01', NULL)`,
    [at.ledger.code],
  );
  await at.put(receipt("r1", "2025-01-05", "10", "100", { invoiced: true }));
  await at.put(issue("i", "2025-01-20", "5"));
  await at.draft();
  await at.send();
  await at.put(receipt("r2", "2025-01-10", "10", "160", { invoiced: true, warehouse: "V" }));
  await at.draft("2025-02-05");
  expect(await at.blocked()).toEqual([{ record: "r2", code: "CODE_MISSING", subject: "warehouse/W" }]);
  await at.check();
  await database.pool.query("UPDATE code_entries SET valid_to = NULL WHERE ledger = $1", [at.ledger.code]);
  await at.draft("2025-02-05");
  expect(await at.blocked()).toEqual([]);
  expect(await at.books()).toMatchObject({ [INVENTORY]: "195.00", [COST_OF_SALES]: "65.00" });
  await at.check();
});

test("a document that moves to another item leaves the first one's stock", async () => {
  const at = await world();
  await at.put(receipt("r1", "2025-01-05", "10", "100", { invoiced: true }));
  await at.put(receipt("r2", "2025-01-05", "10", "300", { invoiced: true, item: "J" }));
  await at.put(issue("i", "2025-01-20", "5"));
  await at.draft();
  await at.put(issue("i", "2025-01-20", "5", { item: "J" }));
  await at.draft();
  await at.check();
  expect((await at.books())[COST_OF_SALES]).toBe("150.00");
  await at.put(issue("i", "2025-01-20", "5", { item: "J" }), issue("i", "2025-01-20", "1", { line: "2" }));
  await at.draft();
  await at.check();
  expect((await at.books())[COST_OF_SALES]).toBe("160.00");
});

test("a change that cannot be drawn yet leaves the voucher as it was, and keeps it from being sent", async () => {
  const at = await world();
  await at.put(receipt("r", "2025-01-05", "10", "100", { invoiced: true }));
  await at.draft();
  await at.put(receipt("r", "2025-01-05", "10", "120", { invoiced: true, item: "unknown" }));
  await at.draft();
  expect(await at.blocked()).toMatchObject([{ code: "ITEM_UNKNOWN" }]);
  await at.check();
  await at.send();
  expect((await at.vouchers()).map(({ state }) => state)).toEqual(["drafted"]);
  await at.put(receipt("r", "2025-01-05", "10", "120", { invoiced: true }));
  await at.draft();
  await at.send();
  await at.check();
  expect((await at.vouchers()).map(({ state, total }) => [state, total])).toEqual([["verified", "120.00"]]);
});

// ------------------------------------------------------------------------------------------------ groups

test.for(["document", "day", "period"] as const)(
  "grouped by %s: an edit draws the voucher anew with everything else in it",
  async (grouping) => {
    const at = await world({ grouping });
    await at.put(receipt("r", "2025-01-05", "100", "1000", { invoiced: true }));
    for (const [index, record] of ["a", "b", "c"].entries())
      await at.put(issue(record, "2025-01-20", String(index + 1), { sales: "50" }));
    await at.draft();
    await at.check();
    expect(await at.books()).toMatchObject({ [COST_OF_SALES]: "60.00", "6001": "-150.00" });
    // Before it is sent: another quantity, another day, taken back.
    await at.put(issue("b", "2025-01-20", "4", { sales: "50" }));
    await at.draft();
    await at.check();
    expect(await at.books()).toMatchObject({ [COST_OF_SALES]: "80.00", "6001": "-150.00" });
    await at.put(issue("b", "2025-01-21", "4", { sales: "60" }));
    await at.draft();
    await at.check();
    expect(await at.books()).toMatchObject({ [COST_OF_SALES]: "80.00", "6001": "-160.00" });
    await at.cancel("a");
    await at.draft();
    await at.check();
    expect(await at.books()).toMatchObject({ [COST_OF_SALES]: "70.00", "6001": "-110.00" });
    // After it was sent: it stands until it is reversed, and what did not change comes again as well.
    await at.send();
    await at.put(issue("c", "2025-01-20", "1", { sales: "10" }));
    await at.draft();
    await at.check();
    expect((await at.books())[COST_OF_SALES]).toBe("70.00");
    await at.reverse();
    await at.draft();
    await at.check();
    expect(await at.books()).toMatchObject({ [COST_OF_SALES]: "50.00", "6001": "-70.00" });
    await at.send();
    await at.cancel("b");
    await at.put(issue("d", "2025-01-20", "2", { sales: "20" }));
    await at.draft();
    await at.reverse();
    await at.draft();
    await at.check();
    expect(await at.books()).toMatchObject({ [COST_OF_SALES]: "30.00", "6001": "-30.00" });
  },
);

test.for(["day", "period"] as const)(
  "grouped by %s: estimates, invoices and returns share vouchers and can each be edited",
  async (grouping) => {
    const at = await world({ grouping, estimateStyle: "month-start-reversal" });
    for (const record of ["r1", "r2"]) await at.put(receipt(record, "2025-01-10", "10", "100"));
    await at.draft("2025-01-31");
    await at.put(receipt("r1", "2025-01-10", "10", "110"));
    await at.draft("2025-01-31");
    await at.check();
    await at.send();
    for (const [index, origin] of ["r1", "r2"].entries()) {
      await at.put({ ...invoice(`f${index}`, origin, "2025-02-05", "4", "48"), warehouse: "V" });
      await at.put(back(`t${index}`, origin, "2025-02-05", "1", "13"));
    }
    await at.draft("2025-02-10");
    await at.check();
    await at.put(invoice("f0", "r1", "2025-02-05", "5", "60"));
    await at.put(back("t1", "r2", "2025-02-05", "2", "25"));
    await at.draft("2025-02-10");
    await at.check();
    await at.draft("2025-02-28");
    await at.check();
    await at.send();
    await at.cancel("f1");
    await at.put(receipt("r1", "2025-01-10", "10", "120"));
    await at.draft("2025-02-28");
    await at.reverse();
    await at.draft("2025-02-28");
    await at.check();
    await at.draft("2025-03-31");
    await at.check();
  },
);

// ------------------------------------------------------------------------------------------------ any sequence

interface Run {
  readonly style: EstimateStyle;
  readonly grouping: "document" | "day" | "period";
  readonly averagingScope: LedgerConfig["averagingScope"];
  readonly steps: readonly Step[];
}
type Step =
  | { readonly act: "put"; readonly papers: readonly Paper[] }
  | { readonly act: "cancel"; readonly record: string }
  | { readonly act: "draft"; readonly months: number; readonly end: boolean }
  | { readonly act: "send" | "claim"; readonly records: readonly string[] }
  | { readonly act: "settle" };

const RECORDS = ["r0", "r1", "r2", "i0", "i1", "f0", "f1", "t0", "z0"] as const;
const days = fc.integer({ min: 1, max: 28 }).map((day) => `2025-01-${String(day).padStart(2, "0")}`);
const quantities = fc.integer({ min: 1, max: 9 }).map(String);
const amounts = fc
  .integer({ min: 100, max: 99_999 })
  .map((cents) => `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`);
/** Receipts are mostly large enough for several invoices and returns. */
const received = fc.integer({ min: 5, max: 12 }).map(String);
const parts = fc.integer({ min: 1, max: 4 }).map(String);
const items = fc.constantFrom("I", "I", "I", "I", "I", "J");
const receipts = fc.constantFrom("r0", "r0", "r1", "r1", "r2");
const papers: fc.Arbitrary<Paper> = fc.oneof(
  fc
    .tuple(receipts, days, received, amounts, items, fc.boolean())
    .map(([record, day, quantity, amount, item, early]) =>
      receipt(record, day, quantity, amount, { item, invoiced: early && record === "r2" }),
    ),
  fc
    .tuple(
      fc.constantFrom("i0", "i1"),
      days,
      quantities,
      items,
      fc.constantFrom("sales-issue", "transfer", "production-issue"),
    )
    .map(
      ([record, day, quantity, item, kind]): Paper => ({
        ...issue(record, day, quantity, { item, to: kind === "transfer" ? "V" : "" }),
        kind,
      }),
    ),
  fc
    .tuple(fc.constantFrom("f0", "f1"), receipts, days, parts, amounts, items)
    .map(([record, origin, day, quantity, amount, item]) => ({
      ...invoice(record, origin, day, quantity, amount),
      item,
    })),
  fc
    .tuple(fc.constantFrom("t0"), receipts, days, parts, amounts, items)
    .map(([record, origin, day, quantity, amount, item]) => ({ ...back(record, origin, day, quantity, amount), item })),
  fc.tuple(fc.constantFrom("z0"), days, quantities, items).map(
    ([record, day, quantity, item]): Paper => ({
      ...issue(record, day, quantity, { item, origin: "i0" }),
      kind: "sales-return",
    }),
  ),
);
const secondLine = (paper: Paper, [quantity, amount, item]: readonly [string, string, string]): Paper => ({
  ...paper,
  line: "2",
  quantity,
  item,
  ...(paper.amount === undefined ? {} : { amount }),
});
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(papers, fc.option(fc.tuple(quantities, amounts, items), { freq: 3 })).map(([paper, more]) => ({
      act: "put" as const,
      papers: more === null ? [paper] : [paper, secondLine(paper, more)],
    })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...RECORDS).map((record) => ({ act: "cancel" as const, record })),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(0, 0, 0, 1), fc.boolean())
      .map(([months, end]) => ({ act: "draft" as const, months, end })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom("send" as const, "send" as const, "claim" as const), fc.subarray([...RECORDS]))
      .map(([act, records]) => ({ act, records })),
  },
  { weight: 1, arbitrary: fc.constant({ act: "settle" as const }) },
);
const runs: fc.Arbitrary<Run> = fc.record({
  style: fc.constantFrom(...estimateStyles),
  grouping: fc.constantFrom("document" as const, "day" as const, "period" as const),
  averagingScope: fc.constantFrom("company" as const, "warehouse" as const),
  steps: fc.array(steps, { minLength: 4, maxLength: 24 }),
});
const MONTHS = ["2025-01", "2025-02", "2025-03", "2025-04"].map(period);
/** A reversal may free a document whose other vouchers have to be reversed as well. */
const SETTLE_ROUNDS_MAX = 5;

const play = async ({ style, grouping, averagingScope, steps: acts }: Run): Promise<void> => {
  const at = await world({ estimateStyle: style, grouping, averagingScope });
  let month = 0;
  const today = (end: boolean): string => {
    const of = MONTHS[Math.min(month, MONTHS.length - 1)] ?? period("2025-04");
    return end ? lastDayOf(of) : firstDayOf(of);
  };
  const draftAndCheck = async (end: boolean): Promise<void> => {
    await at.draft(today(end));
    await at.check();
  };
  const settle = async (): Promise<void> => {
    // What is on its way arrives first: changes of it wait until then.
    await at.send();
    await at.draft(today(false));
    for (let round = 0; round < SETTLE_ROUNDS_MAX; round += 1) {
      await at.send();
      if ((await at.reverse()) === 0) break;
      await at.draft(today(false));
    }
    await draftAndCheck(false);
  };
  for (const step of acts) {
    switch (step.act) {
      case "put":
        await at.put(...step.papers);
        break;
      case "cancel":
        await at.cancel(step.record);
        break;
      case "draft":
        month += step.months;
        await draftAndCheck(step.end);
        break;
      case "send":
        await at.send(...step.records);
        break;
      case "claim":
        await at.claim(step.records);
        break;
      case "settle":
        await settle();
        break;
    }
  }
  await settle();
};

test("any sequence of arrivals, edits, cancellations, sendings and reversals ends with books that agree", {
  timeout: 180_000,
}, async () => {
  await fc.assert(fc.asyncProperty(runs, play), {
    numRuns: 60,
    seed: 20_250_131,
    endOnFailure: process.env["CI"] !== undefined,
  });
});
