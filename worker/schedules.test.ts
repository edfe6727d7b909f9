import { Client, Connection, ScheduleNotFoundError } from "@temporalio/client";
import { NativeConnection, Worker } from "@temporalio/worker";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTickActivities } from "../activities/tick.ts";
import { Installation } from "../domain/installation.ts";
import { connectionQueue, postingsOf, reconciliationsOf, syncsOf } from "../domain/procedures.ts";
import { eventually } from "../test/support/held-server.ts";
import { testTemporal } from "../test/support/temporal.ts";
import { startAttributesOf } from "../workflows/search-attributes.ts";
import { workflowsPath } from "./bundle.ts";
import { ensureSchedules, scheduleId } from "./schedules.ts";

const QUEUE = "schedules-test";
const installationWith = (sources: readonly string[], passIntervalMs = 60_000): Installation =>
  Installation.parse({
    connections: [{ name: "scheduled", vendor: "jiandaoyun", baseUrl: "http://localhost" }],
    companies: [{ code: "scheduled", name: "scheduled", standard: "CAS", zone: "Asia/Shanghai" }],
    sources: sources.map((code) => ({ code, company: "scheduled", connection: "scheduled", passIntervalMs })),
    ledgers: [
      {
        code: "books",
        company: "scheduled",
        connection: "scheduled",
        book: "001",
        estimateStyle: "reverse-on-invoice",
        closedPeriod: "hold",
        averagingScope: "company",
      },
    ],
  });
const installation = installationWith(["north", "south"]);
const [sync, southern] = syncsOf(installation);
const [posting] = postingsOf(installation);
const [reconciling] = reconciliationsOf(installation);
if (sync === undefined || southern === undefined || posting === undefined || reconciling === undefined)
  throw new Error("the installation lacks a procedure");

/** Activities that wait until they are let go. */
class Gate {
  entered = 0;
  #open = (): void => undefined;
  readonly #opened = new Promise<void>((resolve) => {
    this.#open = resolve;
  });
  readonly pass = async (): Promise<void> => {
    this.entered += 1;
    await this.#opened;
  };
  readonly open = (): void => this.#open();
}
const inbox = new Gate();
const planning = new Gate();

let connection: Connection;
let native: NativeConnection;
let client: Client;
let workers: Worker[] = [];
let running: Promise<unknown>;

beforeAll(async () => {
  const { address, namespace } = await testTemporal();
  connection = await Connection.connect({ address });
  native = await NativeConnection.connect({ address });
  client = new Client({ connection, namespace });
  const none = {
    newRecords: 0,
    changedRecords: 0,
    unchangedRecords: 0,
    cancelledRecords: 0,
    movements: 0,
    problems: 0,
  };
  const activities = {
    beginSync: async () => ({ forms: [] }),
    drainInbox: async () => {
      await inbox.pass();
      return { ...none, last: true };
    },
    refreshItems: async () => 0,
    refreshBalances: async () => 0,
    planReconciliation: async () => {
      await planning.pass();
      return { periods: [], sources: [] };
    },
    landLedger: async () => ({ vouchers: 0 }),
    compare: async () => ({}),
  };
  const ticks = createTickActivities({ client, taskQueue: QUEUE, startAttributesOf });
  workers = await Promise.all([
    Worker.create({
      connection: native,
      namespace,
      taskQueue: QUEUE,
      workflowsPath,
      activities: { ...activities, ...ticks },
    }),
    Worker.create({ connection: native, namespace, taskQueue: connectionQueue("scheduled"), activities }),
  ]);
  running = Promise.all(workers.map((worker) => worker.run()));
  await ensureSchedules(client, installation, QUEUE);
  // Only what this test triggers shall run.
  for (const each of [sync, southern, posting, reconciling]) await handleOf(each).pause("quiet");
});
afterAll(async () => {
  inbox.open();
  planning.open();
  await ensureSchedulesGone();
  for (const worker of workers) worker.shutdown();
  await running;
  await native.close();
  await connection.close();
});

const handleOf = (procedure: { readonly workflowId: string }) => client.schedule.getHandle(scheduleId(procedure));
/** Triggers once, and waits until that tick has ended. */
const tick = async (procedure: { readonly workflowId: string }): Promise<void> => {
  const before = (await handleOf(procedure).describe()).info.numActionsTaken;
  await handleOf(procedure).trigger();
  await eventually("the tick has ended", async () => {
    const { info } = await handleOf(procedure).describe();
    const last = info.recentActions.at(-1)?.action;
    if (info.numActionsTaken === before || last === undefined) return false;
    return (await client.workflow.getHandle(last.workflow.workflowId).describe()).status.name === "COMPLETED";
  });
};
const runOf = async (workflowId: string) => (await client.workflow.getHandle(workflowId).describe()).runId;
async function ensureSchedulesGone(): Promise<void> {
  for (const each of [sync, southern, posting, reconciling])
    await handleOf(each ?? { workflowId: "" })
      .delete()
      .catch(() => undefined);
}

test("a schedule starts the id of a source, nudges it while it runs, and never runs it twice at a time", async () => {
  await tick(sync);
  await eventually("the sync waits at its inbox", () => inbox.entered === 1);
  const first = await runOf(sync.workflowId);
  await tick(sync);
  await tick(sync);
  expect(await runOf(sync.workflowId)).toBe(first);
  expect(inbox.entered).toBe(1);
  inbox.open();
  await client.workflow.getHandle(sync.workflowId).result();
  expect(await runOf(sync.workflowId)).toBe(first);
  expect(inbox.entered, "the nudges were answered by another look into the inbox").toBe(2);
  const { typedSearchAttributes } = await client.workflow.getHandle(sync.workflowId).describe();
  expect(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value])).toEqual(
    expect.arrayContaining([
      ["ZsCompany", "scheduled"],
      ["ZsSource", "north"],
    ]),
  );
});

test("a schedule leaves a reconciliation alone that still runs", async () => {
  await tick(reconciling);
  await eventually("the reconciliation has begun", () => planning.entered === 1);
  const first = await runOf(reconciling.workflowId);
  await tick(reconciling);
  expect(await runOf(reconciling.workflowId)).toBe(first);
  planning.open();
  await client.workflow.getHandle(reconciling.workflowId).result();
  expect(planning.entered).toBe(1);
});

test("the reconciliation is due at night in the company's zone, and no tick runs beside itself", async () => {
  const { spec, policies } = await handleOf(reconciling).describe();
  expect(spec.timezone).toBe("Asia/Shanghai");
  expect(spec.calendars?.[0]).toMatchObject({ hour: [{ start: 1 }], minute: [{ start: 30 }] });
  expect(policies).toMatchObject({ overlap: "SKIP", catchupWindow: 86_400_000 });
});

test("a changed installation changes its schedules, deletes those of a removed source, and leaves paused ones paused", async () => {
  await ensureSchedules(client, installationWith(["north"], 120_000), QUEUE);
  const { action, state } = await handleOf(sync).describe();
  expect(action.args).toMatchObject([{ input: { passIntervalMs: 120_000 } }]);
  expect(state.paused).toBe(true);
  await expect(handleOf(southern).describe()).rejects.toThrow(ScheduleNotFoundError);
  expect((await handleOf(posting).describe()).action).toMatchObject({ workflowType: "tick" });
});
