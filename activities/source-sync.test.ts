import { ApplicationFailure } from "@temporalio/common";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { SourceItem, SourceRecord, StockSource, WarehouseBalance } from "../connectors/contract.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { createSourceStore, receivePush } from "../db/source-store.ts";
import { businessDate, instant } from "../domain/dates.ts";
import { decimal } from "../domain/decimal.ts";
import { ZhangshiError } from "../domain/errors.ts";
import { testDatabase } from "../test/support/database.ts";
import { createSourceSyncActivities } from "./source-sync.ts";

const identity = { company: "demo", source: "warehouse" };
const form = { ...identity, form: "receipts" };
const at = instant("2025-01-31T08:00:00.000Z");
let database: Database;

beforeAll(async () => {
  database = openDatabase((await testDatabase()).url);
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query(
    "TRUNCATE movements, count_lines, source_records, source_forms, exceptions, push_inbox, items, warehouse_balances",
  );
});

/** A warehouse system in memory: records in id order, pages of `pageMax`, the last id as cursor. */
class Warehouse implements StockSource {
  readonly capabilities = { modifiedSince: false, listsDeletions: false, pushes: true, pageMax: 10 };
  readonly forms = ["receipts"];
  readonly records = new Map<string, string>();
  readonly pagesRead: string[] = [];
  mark: string | undefined = "1";
  stock: readonly WarehouseBalance[] = [];
  goods: readonly SourceItem[] = [];
  /** A source that does not understand its own cursor. */
  ignoresCursor = false;

  enter(from: number, to: number): void {
    for (let number = from; number <= to; number += 1) this.records.set(idOf(number), "1");
  }
  async changeMark() {
    return this.mark;
  }
  async readPage(_form: string, cursor: string, sizeMax: number) {
    this.pagesRead.push(cursor);
    const after = [...this.records.keys()].sort().filter((id) => this.ignoresCursor || id > cursor);
    const ids = after.slice(0, sizeMax);
    return { records: ids.map((id) => this.#record(id)), cursor: ids.at(-1) ?? cursor, last: after.length <= sizeMax };
  }
  async readRecords(_form: string, ids: readonly string[]) {
    return new Map(ids.filter((id) => this.records.has(id)).map((id) => [id, this.#record(id)]));
  }
  async *items() {
    yield* this.goods;
  }
  async *balances() {
    yield* this.stock;
  }
  verifyPush(): never {
    throw new ZhangshiError("PUSH_SIGNATURE_WRONG");
  }
  async *check() {}
  async close() {}

  #record(recordId: string): SourceRecord {
    const quantity = this.records.get(recordId) ?? "0";
    const facts = { documentNumber: recordId, counts: [], problems: [] };
    return {
      ...facts,
      form: "receipts",
      recordId,
      createdAt: at,
      updatedAt: at,
      digest: quantity,
      movements: [
        {
          ...form,
          recordId,
          lineId: "1",
          revision: 0,
          cancelled: false,
          kind: "opening",
          documentNumber: recordId,
          happenedAt: at,
          happenedOn: businessDate("2025-01-31"),
          item: "SKU-1",
          warehouse: "W",
          counterWarehouse: "",
          batch: "",
          unit: "件",
          quantity: decimal(quantity),
          currency: "CNY",
          partner: "",
          department: "",
          order: "",
          cause: "",
          invoiced: false,
          originDocument: "",
          sourceUpdatedAt: at,
        },
      ],
    };
  }
}
const idOf = (number: number): string => `r${String(number).padStart(4, "0")}`;
const activitiesFor = (warehouse: Warehouse, heartbeat: () => void = () => undefined) =>
  createSourceSyncActivities({ store: createSourceStore(database), sources: () => warehouse, heartbeat });
const count = async (where: string): Promise<number> =>
  Number((await database.pool.query<{ count: string }>(`SELECT count(*) FROM ${where}`)).rows[0]?.count);
const DAY_MS = 86_400_000;

async function pulled(warehouse: Warehouse) {
  const activities = activitiesFor(warehouse);
  await activities.beginSync(identity);
  await activities.pullPage({ ...form, fresh: true });
  return activities;
}
async function passed(activities: ReturnType<typeof activitiesFor>, acceptDeletions = false) {
  await activities.passIsDue({ ...form, intervalMs: 0 });
  const read = await activities.rereadPage(form);
  return read.stopped === undefined ? activities.concludePass({ ...form, acceptDeletions }) : read;
}

test("a record that becomes visible behind the cursor is found by the overlap of a later pull", async () => {
  const warehouse = new Warehouse();
  warehouse.enter(1, 5);
  warehouse.enter(7, 9);
  const activities = await pulled(warehouse);
  warehouse.enter(6, 6);
  expect(await activities.pullPage({ ...form, fresh: true })).toMatchObject({ newRecords: 1, unchangedRecords: 8 });
});

test("the overlap follows the cursor once it has aged, and never passes it", async () => {
  const warehouse = new Warehouse();
  warehouse.enter(1, 9);
  const activities = await pulled(warehouse);
  const age = () =>
    database.pool.query("UPDATE source_forms SET overlap_next_at = overlap_next_at - interval '11 min'");
  await age();
  await activities.pullPage({ ...form, fresh: true });
  await age();
  warehouse.enter(10, 12);
  await activities.pullPage({ ...form, fresh: true });
  expect(warehouse.pagesRead.at(-1)).toBe(idOf(9));
  expect(await count("movements")).toBe(12);
});

test("an activity that dies between two pages goes on where the last commit was", async () => {
  const warehouse = new Warehouse();
  warehouse.enter(1, 35);
  let beats = 0;
  const dying = activitiesFor(warehouse, () => {
    beats += 1;
    if (beats === 2) throw new Error("killed");
  });
  await dying.beginSync(identity);
  await expect(dying.pullPage({ ...form, fresh: true })).rejects.toThrow("killed");
  expect(await count("movements")).toBe(20);
  await activitiesFor(warehouse).pullPage({ ...form, fresh: false });
  expect(warehouse.pagesRead).toEqual(["", idOf(10), idOf(20), idOf(30)]);
  expect(await count("movements")).toBe(35);
});

test("a re-read is due when the mark changed or the interval is over, and not before", async () => {
  const warehouse = new Warehouse();
  warehouse.enter(1, 3);
  const activities = await pulled(warehouse);
  const due = () => activities.passIsDue({ ...form, intervalMs: DAY_MS });
  expect(await due()).toBe(true);
  expect(await passed(activities)).toMatchObject({ last: true });
  expect(await due()).toBe(false);
  warehouse.mark = "2";
  expect(await due()).toBe(true);
  await passed(activities);
  await database.pool.query("UPDATE source_forms SET last_pass_at = last_pass_at - interval '1 day'");
  expect(await due()).toBe(true);
});

test("a source that ignores its cursor ends the pass with an exception and cancels nothing", async () => {
  const warehouse = new Warehouse();
  warehouse.enter(1, 25);
  const activities = await pulled(warehouse);
  warehouse.ignoresCursor = true;
  expect(await passed(activities)).toMatchObject({ stopped: "SNAPSHOT_REPEATS" });
  expect(await count("exceptions WHERE state = 'open' AND code = 'SNAPSHOT_REPEATS'")).toBe(1);
  expect(await count("source_records WHERE cancelled")).toBe(0);
  warehouse.ignoresCursor = false;
  expect(await passed(activities)).not.toHaveProperty("stopped");
  expect(await count("exceptions WHERE state = 'open'")).toBe(0);
});

test("a few deletions are concluded; the limit lies above ten records and above a fifth", async () => {
  const warehouse = new Warehouse();
  warehouse.enter(1, 40);
  const activities = await pulled(warehouse);
  const remove = (from: number, to: number) => {
    for (let number = from; number <= to; number += 1) warehouse.records.delete(idOf(number));
  };
  remove(1, 10);
  expect(await passed(activities)).toMatchObject({ cancelledRecords: 10 });
  remove(11, 21);
  expect(await passed(activities)).toMatchObject({ cancelledRecords: 0, stopped: "SNAPSHOT_SHRUNK" });
  expect(await passed(activities, true)).toMatchObject({ cancelledRecords: 11 });
});

test("pushes that name many missing records cancel nothing by themselves: a re-read becomes due", async () => {
  const warehouse = new Warehouse();
  warehouse.enter(1, 20);
  const activities = await pulled(warehouse);
  await passed(activities);
  warehouse.records.clear();
  for (let number = 1; number <= 20; number += 1)
    await receivePush(database, identity, {
      deliveryId: `d${number}`,
      form: "receipts",
      recordId: idOf(number),
      event: "removed",
    });
  expect(await activities.drainInbox(identity)).toMatchObject({ cancelledRecords: 0, last: true });
  expect(await count("push_inbox WHERE handled_at IS NULL")).toBe(0);
  expect(await activities.passIsDue({ ...form, intervalMs: DAY_MS })).toBe(true);
});

test("a push about a record that is still there reads it, whatever the push says", async () => {
  const warehouse = new Warehouse();
  warehouse.enter(1, 2);
  const activities = await pulled(warehouse);
  warehouse.records.set(idOf(1), "5");
  await receivePush(database, identity, { deliveryId: "d", form: "receipts", recordId: idOf(1), event: "removed" });
  await receivePush(database, identity, { deliveryId: "e", form: "elsewhere", recordId: "x", event: "changed" });
  expect(await activities.drainInbox(identity)).toMatchObject({ changedRecords: 1, cancelledRecords: 0 });
  expect(await count("push_inbox WHERE handled_at IS NULL")).toBe(0);
});

test("a re-read removes pushes that were handled a week ago, and none that wait or were handled since", async () => {
  const warehouse = new Warehouse();
  warehouse.enter(1, 2);
  const activities = await pulled(warehouse);
  const push = (deliveryId: string) =>
    receivePush(database, identity, { deliveryId, form: "receipts", recordId: idOf(1), event: "changed" });
  for (const delivery of ["old", "recent"]) await push(delivery);
  await activities.drainInbox(identity);
  await push("waiting");
  await database.pool.query("UPDATE push_inbox SET handled_at = now() - interval '8 days' WHERE delivery_id = 'old'");
  await database.pool.query(
    "UPDATE push_inbox SET received_at = now() - interval '8 days' WHERE delivery_id = 'waiting'",
  );
  await passed(activities);
  const { rows } = await database.pool.query("SELECT delivery_id FROM push_inbox ORDER BY delivery_id");
  expect(rows).toEqual([{ delivery_id: "recent" }, { delivery_id: "waiting" }]);
});

test("balances are those of the last read, two rows about one thing are summed, an empty read removes nothing", async () => {
  const warehouse = new Warehouse();
  const activities = activitiesFor(warehouse);
  const row = (item: string, quantity: string) => ({ item, warehouse: "W", batch: "", quantity: decimal(quantity) });
  warehouse.stock = [row("a", "1"), row("b", "2"), row("a", "3.5")];
  await activities.refreshBalances(identity);
  warehouse.stock = [row("a", "4")];
  expect(await activities.refreshBalances(identity)).toBe(1);
  warehouse.stock = [];
  await activities.refreshBalances(identity);
  expect((await database.pool.query("SELECT item, quantity FROM warehouse_balances")).rows).toEqual([
    { item: "a", quantity: "4" },
  ]);
});

test("items keep their conversions as exact text", async () => {
  const warehouse = new Warehouse();
  const conversions = [{ unit: "箱", factor: decimal("12.50") }];
  warehouse.goods = [{ code: "007", name: "螺丝", itemClass: "raw", unit: "件", conversions }];
  expect(await activitiesFor(warehouse).refreshItems(identity)).toBe(1);
  expect((await database.pool.query("SELECT code, conversions FROM items")).rows).toEqual([
    { code: "007", conversions: { 箱: "12.50" } },
  ]);
});

test("a failure carries its code as type, and one that only a person can cure is not repeated", async () => {
  const failing = (code: "CONNECTION_UNKNOWN" | "THROTTLED") =>
    createSourceSyncActivities({
      store: createSourceStore(database),
      sources: () => {
        throw new ZhangshiError(code);
      },
      heartbeat: () => undefined,
    }).beginSync(identity);
  await expect(failing("CONNECTION_UNKNOWN")).rejects.toMatchObject({ type: "CONNECTION_UNKNOWN", nonRetryable: true });
  await expect(failing("THROTTLED")).rejects.toMatchObject({ type: "THROTTLED", nonRetryable: false });
  await expect(failing("THROTTLED")).rejects.toBeInstanceOf(ApplicationFailure);
});
