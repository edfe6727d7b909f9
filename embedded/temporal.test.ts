import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, Connection } from "@temporalio/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { eventually, holdServer } from "../test/support/held-server.ts";
import { isAlive } from "./processes.ts";
import { startTemporal, stopTemporal } from "./temporal.ts";

const environment = { ...process.env, TEMPORAL_ADDRESS: undefined };
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "zhangshi-test-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

test("a started workflow survives a kill -9 of the server, which comes back at the same address", async () => {
  const server = await startTemporal({ dataDir: folder, throwAway: true, environment });
  try {
    const { address } = server;
    await withClient(address, (client) =>
      client.workflow.start("anything", { taskQueue: "none", workflowId: "post/demo/main" }),
    );
    await server.kill9();
    await server.restart();
    expect(server.address).toBe(address);
    const status = await withClient(
      address,
      async (client) => (await client.workflow.getHandle("post/demo/main").describe()).status.name,
    );
    expect(status).toBe("RUNNING");
  } finally {
    await server.stop();
  }
  expect(existsSync(folder)).toBe(false);
});

test("a kill -9 of the process that started a throw-away leaves neither server nor folder behind", async () => {
  const held = await holdServer("temporal", folder, "throw-away");
  const pid = serverPid(folder);
  expect(isAlive(pid)).toBe(true);
  held.process.kill("SIGKILL");
  await eventually("the server has ended", () => !isAlive(pid));
  await eventually("the folder is gone", () => !existsSync(folder));
});

test("a server that was left up is found and used, and can be stopped by its folder", async () => {
  const held = await holdServer("temporal", folder, "detached");
  if (held.process.exitCode === null) await once(held.process, "exit");
  const server = await startTemporal({ dataDir: folder, environment });
  expect({ address: server.address, reused: server.reused }).toEqual({ address: held.place, reused: true });
  const pid = serverPid(folder);
  await server.stop();
  expect(isAlive(pid)).toBe(true);
  expect(await stopTemporal(folder)).toBe(true);
  expect(isAlive(pid)).toBe(false);
});

test("right after a kill -9 of its process, a server that still answers is not relied upon", async () => {
  const held = await holdServer("temporal", folder, "keep");
  held.process.kill("SIGKILL");
  await once(held.process, "exit");
  const server = await startTemporal({ dataDir: folder, environment });
  expect(server.reused).toBe(false);
  await server.stop();
});

test("a kept folder is taken up again: workflows and search attributes are still there", async () => {
  const first = await startTemporal({ dataDir: folder, environment });
  const searchAttributes = { ZsCompany: ["demo"] };
  await withClient(first.address, (client) =>
    client.workflow.start("anything", { taskQueue: "none", workflowId: "sync/demo/jdy", searchAttributes }),
  );
  await first.stop();
  const second = await startTemporal({ dataDir: folder, environment });
  try {
    const described = await withClient(second.address, (client) =>
      client.workflow.getHandle("sync/demo/jdy").describe(),
    );
    expect(described.searchAttributes["ZsCompany"]).toEqual(["demo"]);
  } finally {
    await second.stop();
  }
});

const Served = z.object({ pid: z.number() });

function serverPid(base: string): number {
  return Served.parse(JSON.parse(readFileSync(join(base, "server.json"), "utf8"))).pid;
}

async function withClient<Result>(address: string, run: (client: Client) => Promise<Result>): Promise<Result> {
  const connection = await Connection.connect({ address });
  try {
    return await run(new Client({ connection }));
  } finally {
    await connection.close();
  }
}
