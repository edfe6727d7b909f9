import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { z } from "zod";
import { readEnvironment } from "../config/environment.ts";
import { type Account, giveTo, reachableFolder, runAs, unprivilegedAccount } from "./account.ts";
import { withLock } from "./lock.ts";
import { isOrphan, recordOwner } from "./owner.ts";
import { freePort } from "./ports.ts";
import { type PostgresPrograms, postgresPrograms } from "./postgres-programs.ts";
import { type Progress, silent } from "./progress.ts";
import { commandLineOf, isAlive } from "./processes.ts";
import { runProgram } from "./run-program.ts";
import {
  type Lifetime,
  type SupervisedServer,
  logTail,
  startSupervised,
  stopByPid,
  waitForOrphan,
} from "./supervised.ts";

export interface PostgresOptions {
  /** Folder for the cluster, its password and its log. Absent: a new one among the temporary files. */
  readonly dataDir?: string;
  /** Nothing in it matters after the end: no waiting for the disk, and the folder is removed when it stops. */
  readonly throwAway?: boolean;
  readonly lifetime?: Lifetime;
  /** Further server settings, e.g. `{ max_connections: "300" }`. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly progress?: Progress;
}

export interface EmbeddedPostgres {
  /** Connection string of the database `zhangshi`, with the password. Its user may create further databases. */
  readonly url: string;
  readonly how: "environment" | "binary" | "fetched";
  /** True when a server was found running (from the environment, or left up by an earlier run). Such a one is not stopped. */
  readonly reused: boolean;
  /** Where the files really are; absent when the address came from the environment. */
  readonly folder: string | undefined;
  /** Stops and starts on the same port and data; after `kill9` it only starts. */
  restart(): Promise<void>;
  /** Ends the server without warning. Committed data survive that, in a throw-away cluster too. */
  kill9(): Promise<void>;
  stop(): Promise<void>;
}

const USER = "zhangshi";
const DATABASE = "zhangshi";
const START_TRIES_MAX = 5;
/** Recovery after a kill is quick, but a slow disk may need a while. */
const READY_LIMIT_MS = 120_000;
const READY_POLL_MS = 50;
/** After a kill -9 the last children need a moment to notice; until then the shared memory counts as in use. */
const LEFTOVER_LIMIT_MS = 15_000;
const INITDB_LIMIT_MS = 120_000;
const LOCK_LIMIT_MS = 180_000;

/**
 * Brings up PostgreSQL without any set-up: the address in the environment (ZHANGSHI_DATABASE_URL), else server programs
 * on this machine, else the official npm package. Listens on 127.0.0.1 only, with a password of its own.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<EmbeddedPostgres> {
  const settings = readEnvironment(options.environment ?? process.env);
  if (settings.databaseUrl !== undefined) return fromEnvironment(settings.databaseUrl);
  const progress = options.progress ?? silent;
  const account = unprivilegedAccount();
  const base = dataFolder(options.dataDir, account, progress);
  const lock = { waitMs: LOCK_LIMIT_MS, progress, waitingFor: "PostgreSQL is being started by another process" };
  return withLock(join(base, "start.lock"), lock, async () => {
    const running = await runningCluster(base);
    if (running !== undefined) {
      progress("PostgreSQL is still running from before; using it.");
      return reusedCluster(base, running);
    }
    const programs = await postgresPrograms({ settings, major: clusterMajor(base), account, progress });
    const cluster = new OwnCluster(base, programs, account, options);
    await cluster.begin(progress);
    return cluster;
  });
}

/** Stops a cluster that an earlier run left up. @returns false when none was running there */
export async function stopPostgres(dataDir: string): Promise<boolean> {
  const base = dataFolder(dataDir, unprivilegedAccount(), silent);
  const pid = postmasterOf(base)?.pid;
  if (pid === undefined || !isPostmasterOf(base, pid)) return false;
  await stopByPid(pid, "SIGINT");
  return true;
}

/** A cluster that this process started. */
class OwnCluster implements EmbeddedPostgres {
  readonly how: "binary" | "fetched";
  readonly reused = false;
  readonly folder: string;
  readonly #programs: PostgresPrograms;
  readonly #account: Account | undefined;
  readonly #options: PostgresOptions;
  #port = 0;
  #server: SupervisedServer | undefined;

  constructor(folder: string, programs: PostgresPrograms, account: Account | undefined, options: PostgresOptions) {
    this.folder = folder;
    this.how = programs.how;
    this.#programs = programs;
    this.#account = account;
    this.#options = options;
  }

  get url(): string {
    return connectionString(this.folder, this.#port, DATABASE);
  }

  async begin(progress: Progress): Promise<void> {
    if (clusterMajor(this.folder) === undefined) {
      progress(`Creating a PostgreSQL ${this.#programs.major} cluster in ${this.folder}.`);
      await createCluster(this.folder, this.#programs, this.#account, this.#options.throwAway === true);
    }
    removeStalePidFile(this.folder);
    progress(`Starting PostgreSQL ${this.#programs.major}.`);
    await this.#startOnSomePort();
    await ensureDatabase(connectionString(this.folder, this.#port, "postgres"));
  }

  async restart(): Promise<void> {
    await this.#server?.stop();
    removeStalePidFile(this.folder);
    await this.#start();
  }

  async kill9(): Promise<void> {
    await this.#server?.kill9();
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    if (this.#options.throwAway === true) removeFolder(this.folder);
  }

  /** Between finding a free port and listening on it another process may take it: then another one is tried. */
  async #startOnSomePort(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      this.#port = await freePort();
      try {
        return await this.#start();
      } catch (error) {
        if (tries >= START_TRIES_MAX || !logTail(this.#logFile()).includes("Address already in use")) throw error;
      }
    }
  }

  async #start(): Promise<void> {
    const until = Date.now() + LEFTOVER_LIMIT_MS;
    for (;;) {
      // Each attempt reads its own log only; the server itself appends.
      writeFileSync(this.#logFile(), "");
      recordOwner(this.folder, this.#options.lifetime ?? "parent");
      this.#server = await startSupervised({
        command: join(this.#programs.folder, "postgres"),
        args: this.#arguments(),
        account: this.#account,
        logFile: this.#logFile(),
        stopSignal: "SIGINT", // "fast": running transactions are rolled back, then the server ends
        lifetime: this.#options.lifetime ?? "parent",
        removeAfter: this.#options.throwAway === true ? this.folder : undefined,
      });
      const server = this.#server;
      const answer = await waitForAnswer(connectionString(this.folder, this.#port, "postgres"), () =>
        server.hasExited(),
      );
      if (answer === "ready") return;
      const log = logTail(this.#logFile());
      await server.stop().catch(() => undefined);
      const leftover = log.includes("is still in use") || log.includes("lock file");
      if (!leftover || Date.now() > until) throw new Error(`PostgreSQL did not start (${answer}).\n${log}`);
      await sleep(READY_POLL_MS * 4);
    }
  }

  #logFile(): string {
    return join(this.folder, "postgres.log");
  }

  #arguments(): string[] {
    const fixed = {
      listen_addresses: "127.0.0.1",
      unix_socket_directories: "",
      timezone: "UTC",
      max_connections: "200",
    };
    // What is committed must survive a kill of the server, so only the waiting for the disk is switched off:
    // synchronous_commit stays on.
    const hasty = this.#options.throwAway === true ? { fsync: "off", full_page_writes: "off" } : {};
    const settings = Object.entries({ ...fixed, ...hasty, ...this.#options.settings });
    return [
      "-D",
      clusterFolder(this.folder),
      "-p",
      String(this.#port),
      ...settings.flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ];
  }
}

function fromEnvironment(url: string): EmbeddedPostgres {
  const refuse = () =>
    Promise.reject(new Error("This PostgreSQL came from ZHANGSHI_DATABASE_URL: it is not ours to restart or kill."));
  return {
    url,
    how: "environment",
    reused: true,
    folder: undefined,
    restart: refuse,
    kill9: refuse,
    stop: () => Promise.resolve(),
  };
}

function reusedCluster(base: string, running: Postmaster): EmbeddedPostgres {
  const refuse = () =>
    Promise.reject(new Error("This PostgreSQL was started by another run: it is not ours to restart or kill."));
  return {
    url: connectionString(base, running.port, DATABASE),
    how: "binary",
    reused: true,
    folder: base,
    restart: refuse,
    kill9: refuse,
    stop: () => Promise.resolve(),
  };
}

function dataFolder(wanted: string | undefined, account: Account | undefined, progress: Progress): string {
  if (wanted !== undefined) {
    mkdirSync(wanted, { recursive: true });
    return resolve(reachableFolder(wanted, account, progress));
  }
  const made = mkdtempSync(join(tmpdir(), "zhangshi-postgres-"));
  chmodSync(made, 0o711); // a temporary folder is closed to others, but the server's account has to pass through
  const folder = reachableFolder(made, account, progress);
  if (folder !== made) removeFolder(made);
  return folder;
}

function clusterFolder(base: string): string {
  return join(base, "cluster");
}

function clusterMajor(base: string): number | undefined {
  const file = join(clusterFolder(base), "PG_VERSION");
  return existsSync(file) ? Number(readFileSync(file, "utf8").trim()) : undefined;
}

/** Makes an empty cluster below `base`, owned by the account, with a password of its own. */
export async function createCluster(
  base: string,
  programs: PostgresPrograms,
  account: Account | undefined,
  throwAway: boolean,
): Promise<void> {
  const cluster = clusterFolder(base);
  // A cluster without its version file is one whose making was interrupted.
  rmSync(cluster, { recursive: true, force: true });
  mkdirSync(cluster, { mode: 0o700 });
  giveTo(cluster, account);
  const password = passwordOf(base);
  const passwordFile = join(base, `initdb-${process.pid}`);
  writeFileSync(passwordFile, password, { mode: 0o600 });
  giveTo(passwordFile, account);
  try {
    // Byte collation: keys are compared by their bytes on both sides.
    const how = [
      "--encoding=UTF8",
      "--locale=C",
      `--username=${USER}`,
      "--auth=scram-sha-256",
      `--pwfile=${passwordFile}`,
    ];
    const hasty = throwAway ? ["--no-sync"] : [];
    const options = { cwd: "/", limitMs: INITDB_LIMIT_MS, ...runAs(account) };
    await runProgram(join(programs.folder, "initdb"), ["-D", cluster, ...how, ...hasty], options);
  } catch (error) {
    for (const name of readdirSync(cluster)) rmSync(join(cluster, name), { recursive: true, force: true });
    throw error;
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/** Made once per folder, readable by its owner only. */
function passwordOf(base: string): string {
  const file = join(base, "password");
  if (!existsSync(file)) writeFileSync(file, randomBytes(18).toString("base64url"), { mode: 0o600 });
  return readFileSync(file, "utf8");
}

function connectionString(base: string, port: number, database: string): string {
  return `postgres://${USER}:${passwordOf(base)}@127.0.0.1:${port}/${database}`;
}

interface Postmaster {
  readonly pid: number;
  readonly port: number;
}

/** Lines 1 and 4 of the server's own file: process id and port. */
function postmasterOf(base: string): Postmaster | undefined {
  const file = join(clusterFolder(base), "postmaster.pid");
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, "utf8").split("\n");
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  return Number.isInteger(pid) && pid > 0 ? { pid, port: Number.isInteger(port) ? port : 0 } : undefined;
}

function isPostmasterOf(base: string, pid: number): boolean {
  return isAlive(pid) && (commandLineOf(pid)?.includes(clusterFolder(base)) ?? false);
}

/** A running server of this folder. One that is on its way out, because its run has just ended, is waited for. */
async function runningCluster(base: string): Promise<Postmaster | undefined> {
  const found = postmasterOf(base);
  if (found === undefined || !isPostmasterOf(base, found.pid)) return undefined;
  if (isOrphan(base)) {
    await waitForOrphan(found.pid, "SIGINT");
    return undefined;
  }
  const url = connectionString(base, found.port, "postgres");
  const answer = await waitForAnswer(url, () => !isPostmasterOf(base, found.pid));
  if (answer === "late")
    throw new Error(`PostgreSQL (process ${found.pid}) holds ${base} but does not answer. End it and try again.`);
  if (answer === "ended") return undefined;
  await ensureDatabase(url);
  return found;
}

/**
 * After a crash the file names a process id that may belong to somebody else by now; the server would then refuse to
 * start. It is removed only when no server of this folder is alive.
 */
function removeStalePidFile(base: string): void {
  const found = postmasterOf(base);
  if (found !== undefined && isPostmasterOf(base, found.pid)) return;
  rmSync(join(clusterFolder(base), "postmaster.pid"), { force: true });
}

async function waitForAnswer(url: string, hasEnded: () => boolean): Promise<"ready" | "ended" | "late"> {
  for (const start = Date.now(); Date.now() - start < READY_LIMIT_MS; await sleep(READY_POLL_MS)) {
    if (hasEnded()) return "ended";
    if (await answers(url)) return "ready";
  }
  return "late";
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("select 1");
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

const Found = z.array(z.object({ found: z.number() })).length(1);

async function ensureDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const answer = await client.query("select count(*)::int as found from pg_database where datname = $1", [DATABASE]);
    const [row] = Found.parse(answer.rows);
    if (row?.found === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}

function removeFolder(folder: string): void {
  const triesMax = 5;
  rmSync(folder, { recursive: true, force: true, maxRetries: triesMax });
}
