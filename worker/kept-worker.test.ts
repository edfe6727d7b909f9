import { Client, Connection } from "@temporalio/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Database, openDatabase } from "../db/database.ts";
import { storeInstallation } from "../db/installation-store.ts";
import { ZhangshiError } from "../domain/errors.ts";
import { Installation } from "../domain/installation.ts";
import { connectionQueue } from "../domain/procedures.ts";
import { type EmbeddedTemporal, startTemporal } from "../embedded/temporal.ts";
import { createLog, linesInMemory } from "../observability/log.ts";
import { testDatabase } from "../test/support/database.ts";
import { eventually } from "../test/support/held-server.ts";
import { type KeptWorker, keepWorker } from "./kept-worker.ts";
import { startWorker } from "./worker.ts";

const ACTIVITY_TASKS = 2; // temporal.api.enums.v1.TaskQueueType
const installationWith = (sources: readonly string[], connections = ["kept"]): Installation =>
  Installation.parse({
    connections: connections.map((name) => ({ name, vendor: "jiandaoyun", baseUrl: "http://127.0.0.1:9" })),
    companies: [{ code: "kept", name: "kept", standard: "CAS" }],
    sources: sources.map((code, index) => ({ code, company: "kept", connection: connections[index] ?? "kept" })),
    ledgers: [],
  });

let temporal: EmbeddedTemporal;
let database: Database;
let connection: Connection;
let client: Client;
let worker: KeptWorker;
const memory = linesInMemory();
const log = createLog({ level: "info", destination: memory.destination });

beforeAll(async () => {
  // Schedules and queues under the product's own names: that takes a server of our own.
  temporal = await startTemporal({ throwAway: true });
  const { url } = await testDatabase();
  database = openDatabase(url);
  await storeInstallation(database, installationWith(["north"]));
  connection = await Connection.connect({ address: temporal.address });
  client = new Client({ connection, namespace: temporal.namespace });
  worker = await keepWorker({
    database,
    log: () => log,
    lookEveryMs: 100,
    tryOut: ({ companies }) => {
      if (companies[0]?.name === "elsewhere") throw new ZhangshiError("SECRET_MISSING", { secret: "apiKey" });
    },
    start: () =>
      startWorker({
        databaseUrl: url,
        temporalAddress: temporal.address,
        namespace: temporal.namespace,
        environment: {},
        log,
        schedules: true,
      }),
  });
});
afterAll(async () => {
  await worker?.stop();
  await connection?.close();
  await database?.close();
  await temporal?.stop();
});

const schedules = async (): Promise<string[]> => {
  const ids: string[] = [];
  for await (const { scheduleId } of client.schedule.list()) ids.push(scheduleId);
  return ids.sort();
};
const listensOn = async (name: string): Promise<boolean> => {
  const { pollers } = await connection.workflowService.describeTaskQueue({
    namespace: temporal.namespace,
    taskQueue: { name: connectionQueue(name) },
    taskQueueType: ACTIVITY_TASKS,
  });
  return (pollers ?? []).length > 0;
};

test("an applied configuration reaches the schedules and the queues of a running worker by itself", async () => {
  await eventually("the first schedule is there", async () => (await schedules()).join() === "tick/sync/kept/north");
  const version = await storeInstallation(database, installationWith(["north", "south"], ["kept", "second"]));
  await eventually("the worker runs the new version", () => worker.version() === version);
  await eventually(
    "both schedules are there",
    async () => (await schedules()).join() === "tick/sync/kept/north,tick/sync/kept/south",
  );
  await eventually("the new connection's queue is worked on", () => listensOn("second"));
  const without = await storeInstallation(database, installationWith(["south"]));
  await eventually("the worker runs without the source", () => worker.version() === without);
  await eventually("its schedule is gone", async () => (await schedules()).join() === "tick/sync/kept/south");
});

test("a configuration that cannot run here is told once, and the worker goes on with the one it has", async () => {
  const before = worker.version();
  const unfit = installationWith(["south", "east"]);
  await storeInstallation(database, {
    ...unfit,
    companies: unfit.companies.map((one) => ({ ...one, name: "elsewhere" })),
  });
  const told = () => memory.lines().filter((line) => line.includes("SECRET_MISSING"));
  await eventually("it is told", () => told().length > 0);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(told()).toHaveLength(1);
  expect(worker.version()).toBe(before);
  expect(await schedules()).toEqual(["tick/sync/kept/south"]);
});
