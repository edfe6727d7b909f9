import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Client, Connection } from "@temporalio/client";
import { historyToJSON } from "@temporalio/common/lib/proto-utils.js";
import { migrateToLatest } from "../../db/migrate.ts";
import { WORKFLOW_QUEUE, postingsOf, reconciliationsOf, syncsOf } from "../../domain/procedures.ts";
import { startPostgres } from "../../embedded/postgres.ts";
import { startTemporal } from "../../embedded/temporal.ts";
import { openMainJob } from "../support/main-job.ts";

/*
 * Saves the histories that `replay.test.ts` replays: npx tsx test/histories/save.ts [version]
 *
 * It runs the main job on throw-away servers and writes one history per workflow beside this file. Run it after a new
 * workflow, or one whose steps have changed for those that start from now on, has been released: then name the version
 * ("2" makes ledgerPosting-2.json), and keep the older file as long as executions of that version may still run. Everything
 * that names this machine is left out.
 */

const NEUTRAL = "worker";
const [, , version] = process.argv;
const here = fileURLToPath(new URL(".", import.meta.url));

/** What a history tells of the machine: who polled, its own sticky queue, where the code lay. */
function withoutMachine(value: unknown, key = ""): unknown {
  if (key === "identity") return NEUTRAL;
  if (key === "stackTrace") return "";
  if (Array.isArray(value)) return value.map((each) => withoutMachine(each));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const isSticky = entries.some(([name, inner]) => name === "kind" && inner === "TASK_QUEUE_KIND_STICKY");
  return Object.fromEntries(
    entries.map(([name, inner]) => [name, isSticky && name === "name" ? NEUTRAL : withoutMachine(inner, name)]),
  );
}

const folder = await mkdtemp(join(tmpdir(), "zhangshi-histories-"));
const postgres = await startPostgres({ throwAway: true });
const temporal = await startTemporal({ throwAway: true });
try {
  await migrateToLatest(postgres.url);
  const job = await openMainJob({ databaseUrl: postgres.url, temporal, folder });
  const connection = await Connection.connect({ address: temporal.address });
  const client = new Client({ connection, namespace: temporal.namespace });
  const worker = await job.work(job.credentials);
  const save = async (name: string, workflowId: string): Promise<void> => {
    const history = await client.workflow.getHandle(workflowId).fetchHistory();
    const text = `${JSON.stringify(withoutMachine(JSON.parse(historyToJSON(history))), null, 1)}\n`;
    const telling = [hostname(), process.cwd(), folder, ...Object.values(job.credentials)];
    if (telling.some((word) => text.includes(word))) throw new Error(`${name} still tells of this machine`);
    await writeFile(join(here, `${name}${version === undefined ? "" : `-${version}`}.json`), text);
    process.stdout.write(`${name}: ${history.events?.length ?? 0} events\n`);
  };
  try {
    await job.pipeline.sync(job.company);
    await job.pipeline.post(job.company);
    await job.pipeline.reconcile(job.company);
    const procedures = [syncsOf, postingsOf, reconciliationsOf].flatMap((of) => of(job.installation));
    for (const { workflow, workflowId } of procedures) await save(workflow, workflowId);
    const [procedure] = procedures;
    if (procedure === undefined) throw new Error("the company has no source");
    await client.workflow.execute("tick", { workflowId: "tick", taskQueue: WORKFLOW_QUEUE, args: [procedure] });
    await save("tick", "tick");
    // What the tick started ends before the servers do.
    await client.workflow.getHandle(procedure.workflowId).result();
  } finally {
    await worker.stop();
    await connection.close();
    await job.close();
  }
} finally {
  await temporal.stop();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
}
process.exit();
