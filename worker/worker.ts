import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { Context } from "@temporalio/activity";
import { Client, Connection } from "@temporalio/client";
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from "@temporalio/worker";
import { type LedgerDesk, createLedgerActivities } from "../activities/ledger.ts";
import { createReconciliationActivities } from "../activities/reconciliation.ts";
import { createSourceSyncActivities } from "../activities/source-sync.ts";
import { createTickActivities } from "../activities/tick.ts";
import { openDatabase } from "../db/database.ts";
import { exceptionStore } from "../db/exception-store.ts";
import { currentInstallationVersion } from "../db/installation-store.ts";
import { reconciliationStore } from "../db/reconciliation-store.ts";
import { createSourceStore } from "../db/source-store.ts";
import { ZhangshiError } from "../domain/errors.ts";
import { WORKFLOW_QUEUE, connectionQueue } from "../domain/procedures.ts";
import { accountsOfRole } from "../mappings/chart.ts";
import type { Log } from "../observability/log.ts";
import { type Metrics, createMetrics } from "../observability/metrics.ts";
import { startAttributesOf } from "../workflows/search-attributes.ts";
import { workflowsPath } from "./bundle.ts";
import { openConnectors } from "./connectors.ts";
import { openLedgers } from "./ledgers.ts";
import { ensureSchedules } from "./schedules.ts";
import { ensureSearchAttributes } from "./search-attributes.ts";

export interface WorkerSettings {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly namespace: string;
  /** For a server that asks for one, which then speaks TLS; secret. */
  readonly temporalApiKey?: string | undefined;
  readonly temporalTls?: boolean;
  /** Where the secrets named in the configuration are found. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Where sends, look-ups and read-backs are counted. */
  readonly metrics?: Metrics;
  /** Port of the SDK's own Prometheus metrics; none when absent. */
  readonly temporalMetricsPort?: number | undefined;
  /** A bundle made beforehand; without it the workflows are bundled at the start. */
  readonly workflowBundle?: WorkerOptions["workflowBundle"];
  /** True: the installation's Schedules are set up first, and everything runs by itself from then on. */
  readonly schedules?: boolean;
}

export interface RunningWorker {
  /** Version of the configuration that it runs. */
  readonly version: number;
  /** Resolves when all queues have been drained and everything is closed. */
  readonly stop: () => Promise<void>;
  /** Settles when the worker ends by itself. */
  readonly done: Promise<void>;
}

let runtimeLog: Log | undefined;
/** Temporal's native core can be set up once per process: its log lines go the way of the newest worker's, its metrics to a port. */
const prepareRuntime = ({ log, temporalMetricsPort }: WorkerSettings): void => {
  const isReady = runtimeLog !== undefined;
  runtimeLog = log;
  if (isReady) return;
  Runtime.install({
    logger: new DefaultLogger("WARN", ({ level, message, meta }) => {
      if (message.startsWith(NO_WORKFLOWS) || message.startsWith(NO_NEXUS)) return;
      if (level === "ERROR") runtimeLog?.error({ temporal: meta }, message);
      else runtimeLog?.warn({ temporal: meta }, message);
    }),
    ...(temporalMetricsPort === undefined
      ? {}
      : { telemetryOptions: { metrics: { prometheus: { bindAddress: `0.0.0.0:${temporalMetricsPort}` } } } }),
  });
};
/** The workers of the connections' queues run activities only, as they should. */
const NO_WORKFLOWS = "No workflows registered";
const NO_NEXUS = "No Nexus services registered";

/** A posting that runs is finished or given up within this time; then it is taken up by its lease. */
const SHUTDOWN_GRACE = "30 seconds";
/** Two cores: few activities at once per connection, since each sends many requests. */
const ACTIVITIES_PER_QUEUE = 4;

/** Roles whose accounts carry stock: their 数量核算 is compared with the warehouse. */
const STOCK_ROLES = ["inventory"];
const stockAccountsOf = (chart: LedgerDesk["chart"]): readonly string[] =>
  STOCK_ROLES.flatMap((role) => accountsOfRole(chart, role));

const serverOf = ({ temporalAddress, temporalApiKey, temporalTls }: WorkerSettings) => ({
  address: temporalAddress,
  ...(temporalTls === true ? { tls: true } : {}),
  ...(temporalApiKey === undefined ? {} : { apiKey: temporalApiKey }),
});

/** Progress of an activity, when there is one around. */
const heartbeat = (progress: unknown): void => Context.current().heartbeat(progress);

/** What has been opened, closed in the opposite order. */
class Opened {
  readonly #closers: (() => Promise<void>)[] = [];

  add<One extends { close: () => Promise<void> }>(one: One): One {
    this.#closers.unshift(() => one.close());
    return one;
  }

  readonly close = async (): Promise<void> => {
    for (const close of this.#closers) await close();
  };
}

/**
 * Starts one Temporal worker for workflows and one per connection for its activities, in this process.
 *
 * @throws ZhangshiError CONFIG_MISSING  when no configuration has been applied; SEARCH_ATTRIBUTES_MISSING
 */
export const startWorker = async (settings: WorkerSettings): Promise<RunningWorker> => {
  prepareRuntime(settings);
  const opened = new Opened();
  try {
    return await startWorkerWith(settings, opened);
  } catch (error) {
    await opened.close();
    throw error;
  }
};

const startWorkerWith = async (settings: WorkerSettings, opened: Opened): Promise<RunningWorker> => {
  const database = opened.add(openDatabase(settings.databaseUrl));
  const current = await currentInstallationVersion(database);
  if (current === undefined) throw new ZhangshiError("CONFIG_MISSING");
  const { installation, version } = current;
  const metrics = settings.metrics ?? createMetrics();
  const name = `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`;
  const server = serverOf(settings);
  const native = opened.add(await NativeConnection.connect(server));
  const clientConnection = opened.add(await Connection.connect(server));
  const connectors = opened.add(openConnectors(installation, database, settings.environment, settings.log, metrics));
  const client = new Client({ connection: clientConnection, namespace: settings.namespace });
  const sync = createSourceSyncActivities({
    store: createSourceStore(database),
    sources: connectors.source,
    heartbeat,
  });
  const findDesk = openLedgers(current, database, connectors, name, heartbeat, metrics);
  const deskOf = (code: string): LedgerDesk => {
    const desk = findDesk(code);
    if (desk === undefined) throw new ZhangshiError("CONNECTION_UNKNOWN", { ledger: code });
    return desk;
  };
  const ledgers = createLedgerActivities(deskOf);
  const reconciliation = createReconciliationActivities({
    store: reconciliationStore(database),
    exceptions: exceptionStore(database),
    targets: connectors.target,
    sources: (code) =>
      connectors.source(installation.sources.find((source) => source.code === code)?.company ?? "", code),
    sourcesOf: (company) =>
      installation.sources
        .filter((source) => source.company === company)
        .map(({ code, connection }) => ({ code, queue: connectionQueue(connection) })),
    bookOf: (ledger) => deskOf(ledger).ledger.book,
    stockAccountsOf: (ledger) => stockAccountsOf(deskOf(ledger).chart),
    rulesOf: (ledger) => deskOf(ledger).rules,
  });
  await ensureSearchAttributes(clientConnection, settings.namespace, settings.log);
  if (settings.schedules === true) await ensureSchedules(client, installation);
  const common = {
    connection: native,
    namespace: settings.namespace,
    identity: name,
    shutdownGraceTime: SHUTDOWN_GRACE,
  } as const;
  const workers = await Promise.all([
    Worker.create({
      ...common,
      taskQueue: WORKFLOW_QUEUE,
      ...(settings.workflowBundle === undefined ? { workflowsPath } : { workflowBundle: settings.workflowBundle }),
      activities: {
        ...createTickActivities({ client, taskQueue: WORKFLOW_QUEUE, startAttributesOf }),
        ...reconciliation,
      },
    }),
    ...installation.connections.map((connection) =>
      Worker.create({
        ...common,
        taskQueue: connectionQueue(connection.name),
        activities: { ...sync, ...ledgers, ...reconciliation },
        maxConcurrentActivityTaskExecutions: ACTIVITIES_PER_QUEUE,
      }),
    ),
  ]);
  const done = Promise.all(workers.map((worker) => worker.run())).then(opened.close, async (error: unknown) => {
    await opened.close();
    throw error;
  });
  settings.log.info({ queues: workers.length }, "worker ready");
  return {
    version,
    done,
    stop: async () => {
      for (const worker of workers) if (worker.getState() === "RUNNING") worker.shutdown();
      await done;
    },
  };
};
