import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client, Connection } from "@temporalio/client";
import { type Database, openDatabase } from "../../db/database.ts";
import { storeInstallation } from "../../db/installation-store.ts";
import { migrateToLatest } from "../../db/migrate.ts";
import { Installation } from "../../domain/installation.ts";
import { NUDGE, postingsOf, WORKFLOW_QUEUE } from "../../domain/procedures.ts";
import { type EmbeddedPostgres, startPostgres } from "../../embedded/postgres.ts";
import { type EmbeddedTemporal, startTemporal } from "../../embedded/temporal.ts";
import { Random } from "../../simulators/shared/prng.ts";
import { bundleWorkflows } from "../../worker/bundle.ts";
import { COMPANY, LedgerRun, type RunResult } from "./ledger-run.ts";
import type { RunSimulator, SimulatorProcess } from "./simulators.ts";
import { HEARTBEAT_MS, THROUGH_TEMPORAL } from "./timing.ts";

export interface TemporalPart {
  readonly runs: readonly number[];
  readonly seed: number;
  readonly simulators: SimulatorProcess;
  readonly say: (line: string) => void;
  readonly onResult: (result: RunResult) => void;
}

/** So many ledgers share one worker and what befalls it. */
const EPISODE_RUNS = 10;
const EPISODE_MS_MAX = 480_000;
const LOOK_MS = 150;
const NUDGE_EVERY_LOOKS = 8;
const PAUSE_MS_MIN = 500;
const PAUSE_MS_MAX = 2_500;
/** What befalls the processes of every episode, in drawn order. */
const BLOWS = ["kill-9-worker", "temporal-restarted", "postgres-restarted", "kill-9-worker"] as const;
type Blow = (typeof BLOWS)[number];
const EPISODE_STRIDE = 104_729;

interface Servers {
  readonly postgres: EmbeddedPostgres;
  readonly temporal: EmbeddedTemporal;
  readonly folder: string;
  readonly bundle: string;
}

/** The same protocol through the product's own worker and a real Temporal server, with processes killed under it. */
export async function throughTemporal(part: TemporalPart): Promise<void> {
  if (part.runs.length === 0) return;
  const environment = { ...process.env, ZHANGSHI_DATABASE_URL: undefined, TEMPORAL_ADDRESS: undefined };
  const options = { throwAway: true, environment, progress: part.say };
  const folder = await mkdtemp(join(tmpdir(), "zhangshi-torture-"));
  const postgres = await startPostgres(options);
  let temporal: EmbeddedTemporal | undefined;
  try {
    temporal = await startTemporal(options);
    await migrateToLatest(postgres.url);
    const bundle = join(folder, "workflows.cjs");
    await bundleWorkflows(bundle);
    const servers = { postgres, temporal, folder, bundle };
    for (let from = 0; from < part.runs.length; from += EPISODE_RUNS)
      await new Episode(part, servers, part.runs.slice(from, from + EPISODE_RUNS)).play();
  } finally {
    await temporal?.stop();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

class Episode {
  readonly #part: TemporalPart;
  readonly #servers: Servers;
  readonly #runs: readonly number[];
  readonly #random: Random;
  #worker: ChildProcess | undefined;
  #environment: Readonly<Record<string, string>> = {};

  constructor(part: TemporalPart, servers: Servers, runs: readonly number[]) {
    this.#part = part;
    this.#servers = servers;
    this.#runs = runs;
    this.#random = new Random(part.seed * EPISODE_STRIDE + (runs[0] ?? 0));
  }

  async play(): Promise<void> {
    const { seed, simulators, onResult } = this.#part;
    const database = openDatabase(this.#servers.postgres.url);
    const started = await Promise.all(this.#runs.map((run) => simulators.start({ seed: seed + run })));
    try {
      const ledgers = this.#runs.flatMap((run, index) => {
        const simulator = started[index];
        if (simulator === undefined) return [];
        const common = { seed, database, vendor: simulators.vendor, without: undefined, databaseFails: true } as const;
        return [new LedgerRun({ ...common, run, simulator, timing: THROUGH_TEMPORAL })];
      });
      const installation = this.#install(ledgers, started);
      await storeInstallation(database, installation);
      for (const ledger of ledgers) await ledger.begin();
      await this.#post(ledgers, installation, database);
      for (const ledger of ledgers) onResult(await ledger.conclude());
    } finally {
      await this.#endWorker();
      await database.close();
      for (const simulator of started) await simulator.close();
    }
  }

  /** One connection per run; the secrets travel in the worker's environment. */
  #install(ledgers: readonly LedgerRun[], simulators: readonly RunSimulator[]): Installation {
    const environment: Record<string, string> = {};
    const connections = ledgers.map(({ ledger, settings }, index) => {
      const simulator = simulators[index];
      const secrets = Object.entries(simulator?.secrets ?? {}).map(([name, value]) => {
        const variable = `TORTURE_${index}_${name}`;
        environment[variable] = value;
        return [name, `env:${variable}`] as const;
      });
      return {
        name: ledger.connection,
        vendor: this.#part.simulators.vendor,
        baseUrl: simulator?.baseUrl,
        settings,
        secrets: Object.fromEntries(secrets),
      };
    });
    this.#environment = environment;
    return Installation.parse({
      connections,
      companies: [{ code: COMPANY, name: "Torture", standard: "CAS" }],
      sources: [],
      ledgers: ledgers.map(({ ledger }) => ledger),
    });
  }

  async #post(ledgers: readonly LedgerRun[], installation: Installation, database: Database): Promise<void> {
    const open = new Set(ledgers);
    const until = Date.now() + EPISODE_MS_MAX;
    const over = { is: false };
    await this.#nudge(installation, open);
    const blows = this.#strike(open, over);
    for (let look = 1; open.size > 0 && Date.now() < until; look += 1) {
      if (look % NUDGE_EVERY_LOOKS === 0) await this.#nudge(installation, open);
      for (const ledger of open) {
        try {
          await ledger.reviseSomething();
          if (await ledger.lookAfter()) open.delete(ledger);
        } catch (error) {
          // The database is down at the moment; that is what this part is about.
          ledger.note(error);
        }
      }
      await sleep(LOOK_MS);
    }
    over.is = true;
    await blows;
    await this.#settle(database);
  }

  /** Kills and restarts, each blow once at least, and keeps a worker up in between. */
  async #strike(open: ReadonlySet<LedgerRun>, over: { readonly is: boolean }): Promise<void> {
    const blows: Blow[] = this.#random.shuffled(BLOWS);
    await this.#keepWorker();
    while (!over.is) {
      await sleep(PAUSE_MS_MIN + this.#random.below(PAUSE_MS_MAX - PAUSE_MS_MIN));
      const blow = over.is ? undefined : blows.shift();
      if (blow !== undefined) {
        for (const ledger of open) ledger.hit(blow);
        await this.#deal(blow);
      }
      await this.#keepWorker();
    }
  }

  async #deal(blow: Blow): Promise<void> {
    const { postgres, temporal } = this.#servers;
    if (blow === "kill-9-worker") return this.#endWorker();
    const server = blow === "temporal-restarted" ? temporal : postgres;
    // Half of them without warning.
    if (this.#random.below(2) === 0) await server.kill9();
    await server.restart();
  }

  async #keepWorker(): Promise<void> {
    if (this.#worker !== undefined && this.#worker.exitCode === null && this.#worker.signalCode === null) return;
    const { postgres, temporal, folder, bundle } = this.#servers;
    const place = {
      databaseUrl: postgres.url,
      temporalAddress: temporal.address,
      namespace: temporal.namespace,
      reportFolder: folder,
      bundle,
    };
    const child = fork(fileURLToPath(new URL("./worker-host.ts", import.meta.url)), [JSON.stringify(place)], {
      execArgv: ["--import", import.meta.resolve("tsx")],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      env: { ...process.env, ...this.#environment },
    });
    this.#worker = child;
    // Ready, or already at its end because a server it needs is down: then the next look starts another one.
    await Promise.race([once(child, "message"), once(child, "exit")]);
  }

  async #endWorker(): Promise<void> {
    const child = this.#worker;
    this.#worker = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  /** What schedules and webhooks do: start the procedure, or nudge it where it runs. */
  async #nudge(installation: Installation, open: ReadonlySet<LedgerRun>): Promise<void> {
    const wanted = new Set([...open].map(({ ledger }) => ledger.code));
    const { address, namespace } = this.#servers.temporal;
    try {
      const connection = await Connection.connect({ address, connectTimeout: PAUSE_MS_MAX });
      try {
        const client = new Client({ connection, namespace });
        for (const { workflow, workflowId, input, about } of postingsOf(installation)) {
          if (!wanted.has(about.ledger ?? "")) continue;
          await client.workflow.signalWithStart(workflow, {
            workflowId,
            taskQueue: WORKFLOW_QUEUE,
            signal: NUDGE,
            signalArgs: [],
            args: [{ ...input, heartbeatMs: HEARTBEAT_MS }],
          });
        }
      } finally {
        await connection.close();
      }
    } catch {
      // Temporal is down at the moment; the next nudge comes soon.
    }
  }

  /** A pool that lost its server needs one statement to notice. */
  async #settle(database: Database): Promise<void> {
    await database.pool.query("SELECT 1").catch(() => undefined);
  }
}
