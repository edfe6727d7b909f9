import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "@temporalio/client";
import { z } from "zod";
import { readEnvironment, SEARCH_ATTRIBUTES } from "../config/environment.ts";
import { withLock } from "./lock.ts";
import { isOrphan, recordOwner } from "./owner.ts";
import { freePort } from "./ports.ts";
import { commandLineOf, isAlive } from "./processes.ts";
import { type Progress, silent } from "./progress.ts";
import {
  type Lifetime,
  type SupervisedServer,
  logTail,
  startSupervised,
  stopByPid,
  waitForOrphan,
} from "./supervised.ts";
import { type TemporalProgram, temporalCommand, timeSkippingServer } from "./temporal-programs.ts";

export interface TemporalOptions {
  /** `dev`: the real server on SQLite. `time-skipping`: the test server, in memory, which knows no schedules. Default `dev`. */
  readonly mode?: "dev" | "time-skipping";
  /** Folder for the database and the log. Absent: a new one among the temporary files. */
  readonly dataDir?: string;
  /** Nothing in it matters after the end: no waiting for the disk, and the folder is removed when it stops. */
  readonly throwAway?: boolean;
  readonly lifetime?: Lifetime;
  /** Serve the web pages as well. */
  readonly ui?: boolean;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly progress?: Progress;
}

export interface EmbeddedTemporal {
  /** host:port of the front end. */
  readonly address: string;
  readonly namespace: string;
  /** Address of the web pages, when they are served. */
  readonly uiUrl: string | undefined;
  readonly how: "environment" | "binary" | "fetched" | "built";
  /** True when a server was found running; such a one is not stopped. */
  readonly reused: boolean;
  /** Where database and log are; absent when the address came from the environment. */
  readonly folder: string | undefined;
  /** Stops and starts on the same port and data; after `kill9` it only starts. */
  restart(): Promise<void>;
  /** Ends the server without warning. */
  kill9(): Promise<void>;
  stop(): Promise<void>;
}

const NAMESPACE = "default";
const START_TRIES_MAX = 5;
const READY_LIMIT_MS = 90_000;
const READY_POLL_MS = 100;
const CALL_LIMIT_MS = 3_000;
const LOCK_LIMIT_MS = 2_100_000;
const KEYWORD = 2; // temporal.api.enums.v1.IndexedValueType

/**
 * By default a server of one shard takes ten steps a second for work that runs in turn, whatever the machine could do:
 * two polls a step, twenty polls a second.
 */
const POLLS_PER_SECOND = 2_000;
const DYNAMIC_CONFIG = [
  `history.transferProcessorMaxPollRPS=${POLLS_PER_SECOND}`,
  `history.transferProcessorMaxPollHostRPS=${POLLS_PER_SECOND}`,
  `history.timerProcessorMaxPollRPS=${POLLS_PER_SECOND}`,
  `history.timerProcessorMaxPollHostRPS=${POLLS_PER_SECOND}`,
];

/**
 * Brings up a Temporal server without any set-up: the address in the environment (TEMPORAL_ADDRESS), else the `temporal`
 * command of this machine, else one fetched by the official package, else one built from its Go module.
 */
export async function startTemporal(options: TemporalOptions = {}): Promise<EmbeddedTemporal> {
  const settings = readEnvironment(options.environment ?? process.env);
  const progress = options.progress ?? silent;
  if (options.mode === "time-skipping") return startTimeSkipping(await timeSkippingServer(settings, progress), options);
  if (settings.temporalAddress !== undefined)
    return fromEnvironment(settings.temporalAddress, settings.temporalNamespace);
  const base = dataFolder(options.dataDir);
  const lock = { waitMs: LOCK_LIMIT_MS, progress, waitingFor: "Temporal is being started by another process" };
  return withLock(join(base, "start.lock"), lock, async () => {
    const running = await runningServer(base);
    if (running !== undefined) {
      progress("Temporal is still running from before; using it.");
      return reusedServer(base, running);
    }
    const program = await temporalCommand(settings, progress);
    progress("Starting Temporal.");
    const server = new OwnServer(base, program, options, devArguments);
    await server.begin();
    return server;
  });
}

/** Stops a server that an earlier run left up. @returns false when none was running there */
export async function stopTemporal(dataDir: string): Promise<boolean> {
  const base = resolve(dataDir);
  const record = recordOf(base);
  if (record === undefined || !isServerOf(base, record.pid)) return false;
  await stopByPid(record.pid, "SIGTERM");
  rmSync(recordFile(base), { force: true });
  return true;
}

/** Creates what is missing of our search attributes: on a server that is not ours nobody else will have done it. */
export async function ensureSearchAttributes(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: CALL_LIMIT_MS });
  try {
    const missing = await missingSearchAttributes(connection, namespace);
    if (missing.length === 0) return;
    const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  } finally {
    await connection.close();
  }
}

async function startTimeSkipping(program: TemporalProgram, options: TemporalOptions): Promise<EmbeddedTemporal> {
  const server = new OwnServer(dataFolder(options.dataDir), program, options, ({ port }) => [String(port)]);
  await server.begin();
  return server;
}

interface Place {
  readonly base: string;
  readonly port: number;
  readonly uiPort: number | undefined;
  readonly throwAway: boolean;
}

function devArguments({ base, port, uiPort, throwAway }: Place): string[] {
  const pages = uiPort === undefined ? ["--headless"] : ["--ui-port", String(uiPort)];
  const repeated = [
    ["--sqlite-pragma", "journal_mode=WAL"],
    ["--sqlite-pragma", `synchronous=${throwAway ? "OFF" : "NORMAL"}`],
    ...DYNAMIC_CONFIG.map((value) => ["--dynamic-config-value", value]),
    ...SEARCH_ATTRIBUTES.map((name) => ["--search-attribute", `${name}=Keyword`]),
  ].flat();
  const where = ["--ip", "127.0.0.1", "--port", String(port), "--db-filename", databaseFile(base)];
  return ["server", "start-dev", ...where, "--namespace", NAMESPACE, "--log-level", "warn", ...pages, ...repeated];
}

/** A server that this process started. */
class OwnServer implements EmbeddedTemporal {
  readonly namespace = NAMESPACE;
  readonly reused = false;
  readonly folder: string;
  readonly how: TemporalProgram["how"];
  readonly #program: TemporalProgram;
  readonly #options: TemporalOptions;
  readonly #argumentsFor: (place: Place) => string[];
  readonly #isDev: boolean;
  #port = 0;
  #uiPort: number | undefined;
  #server: SupervisedServer | undefined;

  constructor(
    folder: string,
    program: TemporalProgram,
    options: TemporalOptions,
    argumentsFor: (place: Place) => string[],
  ) {
    this.folder = folder;
    this.how = program.how;
    this.#program = program;
    this.#options = options;
    this.#argumentsFor = argumentsFor;
    this.#isDev = options.mode !== "time-skipping";
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get uiUrl(): string | undefined {
    return this.#uiPort === undefined ? undefined : `http://127.0.0.1:${this.#uiPort}`;
  }

  async begin(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      this.#port = await freePort();
      this.#uiPort = this.#isDev && this.#options.ui === true ? await freePort() : undefined;
      try {
        return await this.#start();
      } catch (error) {
        if (tries >= START_TRIES_MAX || !/in use|bind/i.test(logTail(this.#logFile()))) throw error;
      }
    }
  }

  async restart(): Promise<void> {
    await this.#server?.stop();
    await this.#start();
  }

  async kill9(): Promise<void> {
    await this.#server?.kill9();
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    rmSync(recordFile(this.folder), { force: true });
    if (this.#isThrowAway()) rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #start(): Promise<void> {
    writeFileSync(this.#logFile(), "");
    recordOwner(this.folder, this.#options.lifetime ?? "parent");
    const place = { base: this.folder, port: this.#port, uiPort: this.#uiPort, throwAway: this.#isThrowAway() };
    const server = await startSupervised({
      command: this.#program.file,
      args: this.#argumentsFor(place),
      cwd: this.folder,
      logFile: this.#logFile(),
      stopSignal: "SIGTERM",
      lifetime: this.#options.lifetime ?? "parent",
      removeAfter: this.#isThrowAway() ? this.folder : undefined,
    });
    this.#server = server;
    writeFileSync(recordFile(this.folder), JSON.stringify({ pid: server.pid, port: this.#port, uiPort: this.#uiPort }));
    const answer = await waitForAnswer(this.address, this.#isDev, () => server.hasExited());
    if (answer === "ready") return;
    await server.stop().catch(() => undefined);
    throw new Error(`Temporal did not start (${answer}).\n${logTail(this.#logFile())}`);
  }

  #isThrowAway(): boolean {
    return this.#options.throwAway === true;
  }

  #logFile(): string {
    return join(this.folder, "temporal.log");
  }
}

async function fromEnvironment(address: string, namespace: string): Promise<EmbeddedTemporal> {
  await ensureSearchAttributes(address, namespace);
  const refuse = () =>
    Promise.reject(new Error("This Temporal server came from TEMPORAL_ADDRESS: it is not ours to restart or kill."));
  return {
    address,
    namespace,
    uiUrl: undefined,
    how: "environment",
    reused: true,
    folder: undefined,
    restart: refuse,
    kill9: refuse,
    stop: () => Promise.resolve(),
  };
}

function reusedServer(base: string, running: ServerRecord): EmbeddedTemporal {
  const refuse = () =>
    Promise.reject(new Error("This Temporal server was started by another run: it is not ours to restart or kill."));
  return {
    address: `127.0.0.1:${running.port}`,
    namespace: NAMESPACE,
    uiUrl: running.uiPort === undefined ? undefined : `http://127.0.0.1:${running.uiPort}`,
    how: "binary",
    reused: true,
    folder: base,
    restart: refuse,
    kill9: refuse,
    stop: () => Promise.resolve(),
  };
}

function dataFolder(wanted: string | undefined): string {
  if (wanted === undefined) return mkdtempSync(join(tmpdir(), "zhangshi-temporal-"));
  mkdirSync(wanted, { recursive: true });
  return resolve(wanted);
}

function databaseFile(base: string): string {
  return join(base, "temporal.db");
}

const ServerRecord = z.object({ pid: z.number().int(), port: z.number().int(), uiPort: z.number().int().optional() });
type ServerRecord = z.infer<typeof ServerRecord>;

function recordFile(base: string): string {
  return join(base, "server.json");
}

function recordOf(base: string): ServerRecord | undefined {
  if (!existsSync(recordFile(base))) return undefined;
  try {
    return ServerRecord.parse(JSON.parse(readFileSync(recordFile(base), "utf8")));
  } catch {
    return undefined; // half written by a process that was killed: as good as none
  }
}

function isServerOf(base: string, pid: number): boolean {
  return isAlive(pid) && (commandLineOf(pid)?.includes(databaseFile(base)) ?? false);
}

/** A running server of this folder. One that is on its way out, because its run has just ended, is waited for. */
async function runningServer(base: string): Promise<ServerRecord | undefined> {
  const record = recordOf(base);
  if (record === undefined || !isServerOf(base, record.pid)) return undefined;
  if (isOrphan(base)) {
    await waitForOrphan(record.pid, "SIGTERM");
    return undefined;
  }
  const answer = await waitForAnswer(`127.0.0.1:${record.port}`, true, () => !isServerOf(base, record.pid));
  if (answer === "late")
    throw new Error(`Temporal (process ${record.pid}) holds ${base} but does not answer. End it and try again.`);
  return answer === "ready" ? record : undefined;
}

async function waitForAnswer(
  address: string,
  isDev: boolean,
  hasEnded: () => boolean,
): Promise<"ready" | "ended" | "late"> {
  for (const start = Date.now(); Date.now() - start < READY_LIMIT_MS; await sleep(READY_POLL_MS)) {
    if (hasEnded()) return "ended";
    if (await answers(address, isDev)) return "ready";
  }
  return "late";
}

/** Ready means that workflows can be started: the namespace is there and our search attributes are known. */
async function answers(address: string, isDev: boolean): Promise<boolean> {
  const connection = Connection.lazy({ address });
  try {
    await connection.withDeadline(Date.now() + CALL_LIMIT_MS, async () => {
      await connection.workflowService.getSystemInfo({});
      if (isDev) await connection.workflowService.describeNamespace({ namespace: NAMESPACE });
    });
    return !isDev || (await missingSearchAttributes(connection, NAMESPACE)).length === 0;
  } catch {
    return false;
  } finally {
    await connection.close();
  }
}

async function missingSearchAttributes(connection: Connection, namespace: string): Promise<string[]> {
  const known = await connection.withDeadline(Date.now() + CALL_LIMIT_MS, () =>
    connection.operatorService.listSearchAttributes({ namespace }),
  );
  return SEARCH_ATTRIBUTES.filter((name) => !(name in (known.customAttributes ?? {})));
}
