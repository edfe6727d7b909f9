import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, Connection } from "@temporalio/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Database } from "../../db/database.ts";
import { resumeLedger } from "../../db/posting-store.ts";
import { secretVariables } from "../../demo/installation.ts";
import { postingsOf, reconciliationsOf, syncsOf } from "../../domain/procedures.ts";
import { type EmbeddedTemporal, startTemporal } from "../../embedded/temporal.ts";
import { testDatabase } from "../support/database.ts";
import { type MainJob, openMainJob } from "../support/main-job.ts";

/*
 * The main job with the test credentials, once as it should be and once with wrong ones, so that there is talk of them.
 * Names of users are no secrets: a voucher says who made it.
 */
const NAMES: ReadonlySet<string> = new Set([
  secretVariables.kingdee.userName,
  secretVariables.kingdee.auditorUserName,
  secretVariables.kingdee.acctId,
]);
const WRONG = "wrong-credential-";

let folder: string;
let temporal: EmbeddedTemporal;
let job: MainJob;
let secrets: readonly string[];
const logged: string[] = [];
const failures: string[] = [];
let histories: readonly string[] = [];
let rows: readonly string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "zhangshi-secrets-"));
  // The task queues of the product itself are worked on here: that takes a server of our own.
  temporal = await startTemporal({ throwAway: true });
  const { url } = await testDatabase();
  job = await openMainJob({ databaseUrl: url, temporal, folder, logged: (line) => void logged.push(line) });
  const secretOnes = Object.entries(job.credentials).filter(([name]) => !NAMES.has(name));
  // An appId of another shape would not get as far as a log-in.
  const spoilt = secretOnes.filter(([name]) => name !== secretVariables.kingdee.appId);
  const wrong = Object.fromEntries(spoilt.map(([name], index) => [name, `${WRONG}${index}`]));
  secrets = [...secretOnes.map(([, secret]) => secret), ...Object.values(wrong)];

  const first = await job.work(job.credentials);
  await job.pipeline.sync(job.company);
  await first.stop();

  const misled = await job.work({ ...job.credentials, ...wrong });
  await job.pipeline.sync(job.company).catch((error: unknown) => failures.push(wholeOf(error)));
  await job.pipeline.post(job.company).catch((error: unknown) => failures.push(wholeOf(error)));
  await misled.stop();
  const refusals = await historiesOf(job);
  const refused = await everyRow(job.database);
  for (const { code } of job.installation.ledgers) await resumeLedger(job.database, code);

  const worker = await job.work(job.credentials);
  await job.pipeline.post(job.company);
  await job.pipeline.reconcile(job.company);
  await worker.stop();
  histories = [...refusals, ...(await historiesOf(job))];
  rows = [...refused, ...(await everyRow(job.database))];
});
afterAll(async () => {
  await job?.close();
  await temporal?.stop();
  await rm(folder, { recursive: true, force: true });
});

test("what is searched is there: refused log-ins, refused vouchers, three procedures, lines in the log", () => {
  expect(failures, "the wrong credentials are refused in both procedures").toHaveLength(2);
  for (const failure of failures) expect(failure).toContain("LOGIN_REFUSED");
  expect(histories.length).toBeGreaterThanOrEqual(5);
  expect(histories.join()).toContain("landLedger");
  expect(logged.length).toBeGreaterThan(0);
  expect(rows.some((row) => row.startsWith("posting_attempts"))).toBe(true);
  expect(rows.filter((row) => row.startsWith("exceptions") && row.includes("LOGIN_REFUSED")).length).toBeGreaterThan(1);
  expect(
    secrets.every((secret) => secret.length >= 8),
    "short ones would be found by chance",
  ).toBe(true);
});

test.each([
  ["the log", () => logged],
  ["the histories of Temporal", () => histories],
  ["the errors of procedures", () => failures],
  ["any table of the database", () => rows],
])("no credential is in %s", (_where, texts) => {
  for (const secret of secrets) {
    const spellings = [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64")];
    expect(texts().filter((text) => spellings.some((spelling) => text.includes(spelling)))).toEqual([]);
  }
});

/** Every text in a value: payloads decoded, errors with stack and causes. */
function wholeOf(value: unknown, depth = 0): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("utf8");
  if (typeof value !== "object" || value === null || depth > DEPTH_MAX) return String(value);
  const own = Object.getOwnPropertyNames(value).map(
    (name) => `${name}: ${wholeOf(Reflect.get(value, name), depth + 1)}`,
  );
  return own.join("\n");
}
const DEPTH_MAX = 12;

async function historiesOf({ installation }: MainJob): Promise<string[]> {
  const connection = await Connection.connect({ address: temporal.address });
  try {
    const client = new Client({ connection, namespace: temporal.namespace });
    const texts: string[] = [];
    for (const { workflowId } of [syncsOf, postingsOf, reconciliationsOf].flatMap((of) => of(installation))) {
      const handle = client.workflow.getHandle(workflowId);
      const history = await handle.fetchHistory().catch(() => undefined);
      if (history !== undefined) texts.push(wholeOf(history));
    }
    return texts;
  } finally {
    await connection.close();
  }
}

async function everyRow({ pool }: Database): Promise<string[]> {
  const tables = await pool.query<{ name: string }>(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'",
  );
  const texts: string[] = [];
  for (const { name } of tables.rows) {
    const found = await pool.query<{ line: string }>(`SELECT one::text AS line FROM "${name}" one`);
    texts.push(...found.rows.map(({ line }) => `${name} ${line}`));
  }
  return texts;
}
