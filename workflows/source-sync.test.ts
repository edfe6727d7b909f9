import { fileURLToPath } from "node:url";
import { WorkflowFailedError } from "@temporalio/client";
import type { TestWorkflowEnvironment } from "@temporalio/testing";
import { Worker } from "@temporalio/worker";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSourceSyncActivities } from "../activities/source-sync.ts";
import type { StockSource } from "../connectors/contract.ts";
import { type Company, RECEIPTS, line, receipt, settings, startCompany } from "../connectors/jiandaoyun/testing.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { createSourceStore, receivePush } from "../db/source-store.ts";
import { testDatabase } from "../test/support/database.ts";
import { testTimeSkipping } from "../test/support/temporal.ts";
import { type SourceSyncInput, nudge, sourceSync, sourceSyncId } from "./source-sync.ts";

const QUEUE = "warehouse-connection";
const DAY_MS = 86_400_000;
let company: Company;
let database: Database;
let temporal: TestWorkflowEnvironment;
let worker: Worker;
let running: Promise<void>;
const ids: string[] = [];

beforeAll(async () => {
  company = await startCompany();
  database = openDatabase((await testDatabase()).url);
  temporal = await testTimeSkipping();
  worker = await Worker.create({
    connection: temporal.nativeConnection,
    taskQueue: QUEUE,
    workflowsPath: fileURLToPath(new URL("./source-sync.ts", import.meta.url)),
    activities: createSourceSyncActivities({
      store: createSourceStore(database),
      sources: (_company, name) => sourceNamed(name),
      heartbeat: () => undefined,
    }),
  });
  running = worker.run();
});
afterAll(async () => {
  worker.shutdown();
  await running;
  await temporal.teardown();
  await database.close();
  await company.close();
});

/** The company's own, the same with one form that does not exist there, and a source of many empty forms. */
function sourceNamed(name: string): StockSource {
  switch (name) {
    case "warehouse":
      return company.source;
    case "half":
      return (half ??= company.connect({
        source: "half",
        forms: { ...settings.forms, receipt: { ...settings.forms.receipt, entryId: "66b1f0a2c3d4e5f6000009ff" } },
      }));
    default:
      return manyForms;
  }
}
let half: StockSource | undefined;
const EMPTY_FORMS = 110;
const nothing = async function* (): AsyncGenerator<never> {};
const manyForms: StockSource = {
  capabilities: { modifiedSince: false, listsDeletions: false, pushes: false, pageMax: 100 },
  forms: Array.from({ length: EMPTY_FORMS }, (_, index) => `form-${index}`),
  changeMark: async () => undefined,
  readPage: async (_form, cursor) => ({ records: [], cursor, last: true }),
  readRecords: async () => new Map(),
  items: nothing,
  balances: nothing,
  verifyPush: () => {
    throw new Error("no pushes here");
  },
  check: nothing,
  close: async () => undefined,
};

const sync = (over: Partial<SourceSyncInput> = {}) =>
  temporal.client.workflow.execute(sourceSync, {
    taskQueue: QUEUE,
    workflowId: sourceSyncId("demo", "warehouse"),
    args: [{ company: "demo", source: "warehouse", queue: QUEUE, passIntervalMs: DAY_MS, ...over }],
  });
const latest = async () =>
  (
    await database.pool.query(
      `SELECT DISTINCT ON (movement_id) document_number, quantity, cancelled, revision FROM movements
       ORDER BY movement_id, revision DESC`,
    )
  ).rows;
const openExceptions = async () =>
  (await database.pool.query("SELECT code, subject FROM exceptions WHERE state = 'open' ORDER BY subject")).rows;

test("everything new in the source is in the movement log after one sync, and a second one changes nothing", async () => {
  for (let number = 1; number <= 30; number += 1)
    ids.push(await company.enter(receipt(`RK-${number}`, [line({ actual_qty: number }), line({ sku_code: "SKU-2" })])));
  ids.push(await company.enter(receipt("RK-bad", [line({ actual_qty: -1 })])));
  expect(await sync()).toMatchObject({ newRecords: 30, movements: 60, problems: 1, failures: [], inconclusive: [] });
  expect(await openExceptions()).toMatchObject([{ code: "QUANTITY_NEGATIVE", subject: "RK-bad" }]);
  expect(await sync()).toMatchObject({ newRecords: 0, changedRecords: 0, movements: 0, problems: 0 });
  expect(await latest()).toHaveLength(60);
});

test("an edit and a deletion that nothing announced are found by the re-read", async () => {
  await company.person("records/update", { entry_id: RECEIPTS, data_id: ids[0], data: { supplier_code: "S-9" } });
  await company.person("records/delete", { entry_id: RECEIPTS, data_id: ids[1] });
  expect(await sync({ passIntervalMs: 0 })).toMatchObject({ changedRecords: 1, cancelledRecords: 1, inconclusive: [] });
  const cancelled = (await latest()).filter((row) => row.cancelled === true);
  expect(cancelled).toMatchObject([
    { document_number: "RK-2", revision: 2 },
    { document_number: "RK-2", revision: 2 },
  ]);
});

test("a push is kept once, and the record that it names is read at the next sync", async () => {
  await company.person("records/delete", { entry_id: RECEIPTS, data_id: ids[2] });
  const source = { company: "demo", source: "warehouse" };
  const push = { deliveryId: "d-1", form: "receipt", recordId: ids[2] ?? "", event: "removed" } as const;
  expect(await receivePush(database, source, push)).toBe("stored");
  expect(await receivePush(database, source, push)).toBe("repeat");
  expect(await sync()).toMatchObject({ cancelledRecords: 1 });
  expect((await database.pool.query("SELECT count(*) FROM push_inbox WHERE handled_at IS NULL")).rows).toEqual([
    { count: "0" },
  ]);
});

test("a nudge while it starts is answered in the same execution", async () => {
  ids.push(await company.enter(receipt("RK-nudged")));
  const handle = await temporal.client.workflow.signalWithStart(sourceSync, {
    taskQueue: QUEUE,
    workflowId: sourceSyncId("demo", "warehouse"),
    args: [{ company: "demo", source: "warehouse", queue: QUEUE, passIntervalMs: DAY_MS }],
    signal: nudge,
  });
  expect(await handle.result()).toMatchObject({ newRecords: 1 });
});

test("when most records vanish nothing is concluded until a person accepts it", async () => {
  for (const id of ids.slice(3, 28)) await company.person("records/delete", { entry_id: RECEIPTS, data_id: id });
  const before = await latest();
  expect(await sync({ passIntervalMs: 0 })).toMatchObject({
    cancelledRecords: 0,
    inconclusive: ["conclude receipt: SNAPSHOT_SHRUNK"],
  });
  expect(await latest()).toEqual(before);
  expect(await openExceptions()).toContainEqual({ code: "SNAPSHOT_SHRUNK", subject: "receipt" });
  expect(await sync({ acceptDeletions: true })).toMatchObject({ cancelledRecords: 25, inconclusive: [] });
  expect(await openExceptions()).not.toContainEqual({ code: "SNAPSHOT_SHRUNK", subject: "receipt" });
});

test("a form that suddenly shows nothing cancels nothing", async () => {
  for (const id of [ids[0], ...ids.slice(28)])
    await company.person("records/delete", { entry_id: RECEIPTS, data_id: id });
  expect(await sync({ passIntervalMs: 0 })).toMatchObject({
    cancelledRecords: 0,
    inconclusive: ["conclude receipt: SNAPSHOT_EMPTY"],
  });
});

test("a form that cannot be read keeps nobody else waiting, and the sync says which it was", async () => {
  const failure: unknown = await sync({ source: "half" }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(WorkflowFailedError);
  expect(failure).toMatchObject({
    cause: { type: "SYNC_INCOMPLETE", message: expect.stringMatching(/pull receipt: \w+; reread receipt: \w+$/) },
  });
  const { rows } = await database.pool.query("SELECT form, last_pass_at FROM source_forms WHERE source = 'half'");
  expect(rows).toContainEqual({ form: "count", last_pass_at: expect.any(Date) });
});

test("a sync of many steps continues as new where it stood, and its history stays small", async () => {
  const handle = await temporal.client.workflow.start(sourceSync, {
    taskQueue: QUEUE,
    workflowId: sourceSyncId("demo", "many"),
    args: [{ company: "demo", source: "many", queue: QUEUE, passIntervalMs: DAY_MS }],
  });
  expect(await handle.result()).toMatchObject({ failures: [], inconclusive: [] });
  const first = temporal.client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId);
  const description = await first.describe();
  expect(description.status.name).toBe("CONTINUED_AS_NEW");
  expect(description.historyLength).toBeLessThan(4_096);
  const passes = await database.pool.query(
    "SELECT pass_number, count(*) FROM source_forms WHERE source = 'many' GROUP BY 1",
  );
  expect(passes.rows, "every form was read once").toEqual([{ pass_number: "1", count: String(EMPTY_FORMS) }]);
});
