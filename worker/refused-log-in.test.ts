import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, Connection } from "@temporalio/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exceptionStore } from "../db/exception-store.ts";
import { ledgerState, resumeLedger } from "../db/posting-store.ts";
import { readStatus } from "../db/status-store.ts";
import { secretVariables } from "../demo/installation.ts";
import { postingsOf } from "../domain/procedures.ts";
import { type EmbeddedTemporal, startTemporal } from "../embedded/temporal.ts";
import { testDatabase } from "../test/support/database.ts";
import { type MainJob, openMainJob } from "../test/support/main-job.ts";

/** One company, a real server and the simulators: first with a wrong secret, then with the right ones. */
let folder: string;
let temporal: EmbeddedTemporal;
let job: MainJob;
let ledger: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "zhangshi-refused-"));
  temporal = await startTemporal({ throwAway: true });
  const { url } = await testDatabase();
  job = await openMainJob({ databaseUrl: url, temporal, folder });
  ledger = job.installation.ledgers[0]?.code ?? "";
});
afterAll(async () => {
  await job?.close();
  await temporal?.stop();
  await rm(folder, { recursive: true, force: true });
});

const wholeOf = (error: unknown, depth = 0): string =>
  error instanceof Error && depth < 6 ? `${error.message}\n${wholeOf(error.cause, depth + 1)}` : "";
const alarms = async () =>
  (await exceptionStore(job.database).listOpen(job.company))
    .filter(({ code }) => code === "LOGIN_REFUSED")
    .map(({ kind, subject }) => `${kind} ${subject}`);
const states = async () =>
  Object.fromEntries((await readStatus(job.database)).postings.map(({ state, count }) => [state, count]));

test("a wrong key of the source ends the sync by name, with one exception that closes itself once the key is right", async () => {
  const source = job.installation.sources[0]?.code ?? "";
  const worker = await job.work({ ...job.credentials, [secretVariables.jiandaoyun.apiKey]: "wrong-api-key" });
  for (const _twice of [1, 2])
    expect(wholeOf(await job.pipeline.sync(job.company).catch((error: unknown) => error))).toContain("LOGIN_REFUSED");
  await worker.stop();
  expect(await alarms()).toEqual([`record ${source}`]);
  const mended = await job.work(job.credentials);
  await job.pipeline.sync(job.company);
  await mended.stop();
  expect(await alarms()).toEqual([]);
});

test("a wrong secret of the ERP ends the posting by name, pauses the ledger, and is not tried again until it is resumed", async () => {
  const misled = await job.work({ ...job.credentials, [secretVariables.kingdee.appSecret]: "wrong-app-secret" });
  // The second run asks nobody any more.
  for (const _twice of [1, 2])
    expect(wholeOf(await job.pipeline.post(job.company).catch((error: unknown) => error))).toContain("LOGIN_REFUSED");
  await misled.stop();
  const connection = await Connection.connect({ address: temporal.address });
  const client = new Client({ connection, namespace: temporal.namespace });
  const [posting] = postingsOf(job.installation);
  const { events } = await client.workflow.getHandle(posting?.workflowId ?? "").fetchHistory();
  await connection.close();
  const started = (events ?? [])
    .map((event) => event.activityTaskStartedEventAttributes)
    .filter((one) => one !== null && one !== undefined);
  expect(
    started.map((attributes) => attributes.attempt),
    "no activity was repeated",
  ).toEqual(started.map(() => 1));
  expect(await ledgerState(job.database, ledger)).toMatchObject({ paused: true, pauseCode: "LOGIN_REFUSED" });
  expect(await alarms()).toEqual([`ledger ${ledger}`]);

  const mended = await job.work(job.credentials);
  // Mended credentials alone send nothing: a person says that it may go on.
  expect(wholeOf(await job.pipeline.post(job.company).catch((error: unknown) => error))).toContain("LOGIN_REFUSED");
  expect(await states()).not.toHaveProperty("verified");
  await resumeLedger(job.database, ledger);
  expect(await alarms()).toEqual([]);
  await job.pipeline.post(job.company);
  await mended.stop();
  const after = await states();
  expect(after["verified"]).toBeGreaterThan(20);
  for (const unfinished of ["ready", "sending", "uncertain", "posted"]) expect(after).not.toHaveProperty(unfinished);
});

test("a user who is disabled in the ERP and enabled again posts after the resumption, without another worker", async () => {
  const user = job.credentials[secretVariables.kingdee.userName] ?? "";
  const person = async (enabled: boolean): Promise<void> => {
    const [connection] = job.installation.connections.filter(({ vendor }) => vendor === "kingdee-cloud");
    const answer = await fetch(new URL("/_person/user", connection?.baseUrl), {
      method: "POST",
      body: JSON.stringify({ user, enabled }),
    });
    expect(answer.status).toBe(200);
  };
  const worker = await job.work(job.credentials);
  await person(false);
  expect(wholeOf(await job.pipeline.reconcile(job.company).catch((error: unknown) => error))).toContain(
    "LOGIN_REFUSED",
  );
  expect(await alarms()).toEqual([`ledger ${ledger}`]);
  await person(true);
  await resumeLedger(job.database, ledger);
  await job.pipeline.reconcile(job.company);
  await worker.stop();
  expect(await alarms()).toEqual([]);
});
