import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { businessDate, instant } from "../domain/dates.ts";
import { decimal } from "../domain/decimal.ts";
import type { Movement } from "../domain/movement.ts";
import { testDatabase } from "../test/support/database.ts";
import { type Database, inTransaction, openDatabase } from "./database.ts";
import { type SourceRecord, cancelRecords, ingestPage, ingestWithin } from "./ingest.ts";

const form = { company: "demo", source: "warehouse", form: "receipts" };
const at = instant("2025-01-31T08:00:00.000Z");
let database: Database;

beforeAll(async () => {
  database = openDatabase((await testDatabase()).url);
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query("TRUNCATE movements, count_lines, source_records, source_forms, exceptions");
});

const movement = (recordId: string, lineId: string, quantity: string): Movement => ({
  ...form,
  recordId,
  lineId,
  revision: 9,
  cancelled: false,
  kind: "purchase-receipt",
  documentNumber: `RK-${recordId}`,
  happenedAt: at,
  happenedOn: businessDate("2025-01-31"),
  item: "SKU	1\\",
  warehouse: "一号仓\n",
  counterWarehouse: "",
  batch: "",
  unit: "件",
  quantity: decimal(quantity),
  amount: decimal("10.10"),
  currency: "CNY",
  partner: "S\0-1",
  department: "",
  order: "",
  cause: "",
  invoiced: false,
  originDocument: "",
  sourceUpdatedAt: at,
});
const record = (
  recordId: string,
  quantities: Record<string, string>,
  digest = JSON.stringify(quantities),
): SourceRecord => ({
  recordId,
  documentNumber: `RK-${recordId}`,
  updatedAt: at,
  digest,
  counts: [],
  problems: [],
  movements: Object.entries(quantities).map(([lineId, quantity]) => movement(recordId, lineId, quantity)),
});
const unreadable = (recordId: string, digest: string, fields: readonly string[]): SourceRecord => ({
  ...record(recordId, {}, digest),
  problems: fields.map((field) => ({
    code: "NUMBER_UNREADABLE",
    form: "receipts",
    recordId,
    lineId: "1",
    documentNumber: `RK-${recordId}`,
    field,
    value: "1e3 \ud83d\0",
  })),
});
const ingest = (records: readonly SourceRecord[], more: { passNumber?: number; cursor?: string } = {}) =>
  ingestPage(database, { ...form, records, ...more });
const log = async () => {
  const { rows } = await database.pool.query<{
    movement_id: string;
    revision: number;
    arrival: string;
    line_id: string;
    cancelled: boolean;
    quantity: string;
  }>("SELECT movement_id, revision, arrival, line_id, cancelled, quantity FROM movements ORDER BY arrival");
  return rows;
};
const facts = async () =>
  (await log()).map(({ revision, line_id, cancelled, quantity }) => [revision, line_id, cancelled, quantity]);
const exceptions = async () =>
  (
    await database.pool.query<{ exception_id: string; state: string; reopened: number }>(
      "SELECT exception_id, state, reopened FROM exceptions ORDER BY exception_id",
    )
  ).rows;

test("a page read twice changes nothing the second time", async () => {
  const page = [record("a", { 1: "1.5", 2: "2" }), record("b", { 1: "3" })];
  expect(await ingest(page, { cursor: "b" })).toMatchObject({ newRecords: 2, movements: 3, unchangedRecords: 0 });
  const before = await log();
  expect(await ingest(page, { cursor: "b" })).toMatchObject({ newRecords: 0, movements: 0, unchangedRecords: 2 });
  expect(await log()).toEqual(before);
  expect(before.map(({ movement_id }) => movement_id.slice(0, 6))).toEqual(
    before.map(() => new Date().toISOString().slice(0, 7).replace("-", "")),
  );
});

test("texts arrive as they are, whatever COPY thinks of their characters; a NUL becomes visible", async () => {
  await ingest([record("a", { 1: "1.50" })]);
  const { rows } = await database.pool.query(
    "SELECT item, warehouse, partner, quantity, amount, tax_amount FROM movements",
  );
  expect(rows).toEqual([
    {
      item: "SKU\t1\\",
      warehouse: "一号仓\n",
      partner: "S\uFFFD-1",
      quantity: "1.50",
      amount: "10.10",
      tax_amount: null,
    },
  ]);
});

test("a changed record is a new revision of all its lines; kept lines keep their id, a vanished one is cancelled", async () => {
  await ingest([record("a", { 1: "1", 2: "2" })]);
  const [one, two] = await log();
  expect(await ingest([record("a", { 1: "5", 3: "7" })])).toMatchObject({ changedRecords: 1, movements: 3 });
  expect(await facts()).toEqual([
    [1, "1", false, "1"],
    [1, "2", false, "2"],
    [2, "1", false, "5"],
    [2, "3", false, "7"],
    [2, "2", true, "2"],
  ]);
  const rows = await log();
  expect(rows[2]?.movement_id).toBe(one?.movement_id);
  expect(rows[4]?.movement_id).toBe(two?.movement_id);
  expect(new Set(rows.map(({ movement_id }) => movement_id)).size).toBe(3);

  await ingest([record("a", { 1: "5", 2: "8", 3: "7" })]);
  const back = (await log()).find(({ revision, line_id }) => revision === 3 && line_id === "2");
  expect(back, "a line that comes back gets its old id").toMatchObject({
    movement_id: two?.movement_id,
    cancelled: false,
  });
});

test("a deleted record is one cancelled revision, once; restored unchanged it is a revision more", async () => {
  await ingest([record("a", { 1: "1", 2: "2" })]);
  expect(await cancelRecords(database, form, ["a", "unknown"])).toBe(1);
  expect(await cancelRecords(database, form, ["a"])).toBe(0);
  expect((await facts()).slice(2)).toEqual([
    [2, "1", true, "1"],
    [2, "2", true, "2"],
  ]);
  expect(await ingest([record("a", { 1: "1", 2: "2" })])).toMatchObject({ changedRecords: 1 });
  expect((await facts()).slice(4)).toEqual([
    [3, "1", false, "1"],
    [3, "2", false, "2"],
  ]);
});

test("an unreadable record is reported once per field, and its exception closes with a clean version", async () => {
  expect(await ingest([unreadable("a", "bad", ["quantity", "price"]), record("b", { 1: "1" })])).toMatchObject({
    problems: 1,
    movements: 1,
  });
  expect(await ingest([unreadable("a", "bad", ["quantity", "price"])])).toMatchObject({
    problems: 0,
    unchangedRecords: 1,
  });
  expect(await exceptions()).toEqual([
    { exception_id: "demo/record/receipts/RK-a/1/price", state: "open", reopened: 0 },
    { exception_id: "demo/record/receipts/RK-a/1/quantity", state: "open", reopened: 0 },
  ]);
  await ingest([unreadable("a", "worse", ["price"])]);
  expect((await exceptions()).map(({ state }) => state)).toEqual(["open", "closed"]);
  await ingest([record("a", { 1: "4" })]);
  expect((await exceptions()).map(({ state }) => state)).toEqual(["closed", "closed"]);
  expect(await facts()).toEqual([
    [1, "1", false, "1"],
    [1, "1", false, "4"],
  ]);
  await ingest([unreadable("a", "bad", ["price"])]);
  expect((await exceptions())[0]).toMatchObject({ state: "open", reopened: 1 });
});

test("a version that cannot be read leaves what was understood in force, and taking it back makes no new revision", async () => {
  await ingest([record("a", { 1: "1" })]);
  await ingest([unreadable("a", "bad", ["quantity"])]);
  expect(await ingest([record("a", { 1: "1" })])).toMatchObject({ changedRecords: 0, unchangedRecords: 1 });
  expect(await facts()).toEqual([[1, "1", false, "1"]]);
  expect((await exceptions()).map(({ state }) => state)).toEqual(["closed"]);
});

test("a page that fails leaves neither rows nor cursor", async () => {
  await ingest([record("a", { 1: "1" })], { cursor: "a" });
  const broken = { ...record("c", { 1: "1" }), updatedAt: instant("2025-01-31T99:00:00.000Z") };
  await expect(ingest([record("b", { 1: "1" }), broken], { cursor: "c" })).rejects.toThrow();
  expect(await facts()).toHaveLength(1);
  const { rows } = await database.pool.query("SELECT cursor FROM source_forms");
  expect(rows).toEqual([{ cursor: "a" }]);
});

test("a page waits while another of its source is not committed, so arrivals become visible in their order", async () => {
  const order: string[] = [];
  let second: Promise<unknown> = Promise.resolve();
  await inTransaction(database, async (client) => {
    await ingestWithin(client, { ...form, records: [record("a", { 1: "1" })] });
    second = ingest([record("a", { 1: "1" }), record("b", { 1: "2" })]).then(() => order.push("second"));
    await ingestPage(database, { ...form, source: "another", records: [] });
    await waitsForLock();
    order.push("first");
  });
  await second;
  expect(order).toEqual(["first", "second"]);
  expect((await log()).map(({ quantity }) => quantity)).toEqual(["1", "2"]);
});

const LOCK_POLLS_MAX = 500;
async function waitsForLock(): Promise<void> {
  for (let poll = 0; poll < LOCK_POLLS_MAX; poll += 1) {
    const { rows } = await database.pool.query(
      `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    if (rows.length > 0) return;
    await sleep(10);
  }
  throw new Error("Nobody waits for the lock.");
}

test("count lines follow the same life", async () => {
  const count = (counted: string): SourceRecord => ({
    ...record("k", {}, counted),
    counts: [
      {
        ...form,
        recordId: "k",
        lineId: "1",
        documentNumber: "PD-1",
        countedAt: at,
        countedOn: businessDate("2025-01-31"),
        item: "SKU-1",
        warehouse: "W",
        batch: "",
        unit: "件",
        bookQuantity: decimal("10"),
        countedQuantity: decimal(counted),
      },
    ],
  });
  await ingest([count("9")]);
  await ingest([count("9")]);
  await ingest([count("8")]);
  await cancelRecords(database, form, ["k"]);
  const { rows } = await database.pool.query(
    "SELECT revision, cancelled, counted_quantity, count(*) OVER (PARTITION BY movement_id) AS same FROM count_lines ORDER BY revision",
  );
  expect(rows).toEqual([
    { revision: 1, cancelled: false, counted_quantity: "9", same: "3" },
    { revision: 2, cancelled: false, counted_quantity: "8", same: "3" },
    { revision: 3, cancelled: true, counted_quantity: "8", same: "3" },
  ]);
});
