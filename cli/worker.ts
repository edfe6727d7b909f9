import { existsSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Client } from "@temporalio/client";
import type { Command } from "commander";
import { z } from "zod";
import { resolveSecrets } from "../config/installation.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { currentInstallation } from "../db/installation-store.ts";
import { readStatus } from "../db/status-store.ts";
import { ZhangshiError } from "../domain/errors.ts";
import type { Installation } from "../domain/installation.ts";
import { createLog, type Log } from "../observability/log.ts";
import { createMetrics, type Metrics } from "../observability/metrics.ts";
import { startMetricsServer } from "../observability/metrics-server.ts";
import { startWebhooks, syncNudger, type WebhookServer } from "../server/webhooks.ts";
import { openConnectors } from "../worker/connectors.ts";
import { keepWorker } from "../worker/kept-worker.ts";
import { connect } from "./procedure.ts";
import {
  commandNamed,
  parseOptions,
  runCommand,
  say,
  type Surroundings,
  wholeNumber,
  withDatabase,
  withTemporal,
} from "./surroundings.ts";

const PORT_MAX = 65_535;
const Options = z.object({
  dryRun: z.boolean().default(false),
  webhooks: wholeNumber(0, PORT_MAX).optional(),
});
/** Made by the build; in a checkout the workflows are bundled at the start. */
const BUNDLE = fileURLToPath(new URL("../workflow-bundle.js", import.meta.url));
const SECOND_MS = 1_000;

export const workerCommand = (): Command =>
  commandNamed("worker", {
    zh: "运行工作进程，直到 Ctrl-C；没有配置服务器地址时自带 PostgreSQL 与 Temporal",
    en: "run a worker until Ctrl-C; brings PostgreSQL and Temporal along where no addresses are set",
  })
    .option(
      "--webhooks <PORT>",
      say({
        zh: "在此端口接收推送：POST /webhooks/公司/来源",
        en: "take pushes at this port: POST /webhooks/COMPANY/SOURCE",
      }),
    )
    .option("--dry-run", say({ zh: "只检查能否启动", en: "only see whether it could start" }))
    .action((given: unknown) =>
      runCommand((surroundings) =>
        withDatabase(surroundings, async (database, databaseUrl) => {
          const installation = await currentInstallation(database);
          if (installation === undefined) throw new ZhangshiError("CONFIG_MISSING");
          secretsOf(installation, surroundings.variables);
          const options = parseOptions(Options, given);
          if (options.dryRun) {
            const text = say({ zh: "可以启动。", en: "It could start." });
            return surroundings.result({ ready: true, connections: installation.connections.length }, text);
          }
          await withTemporal(surroundings, async (temporalAddress, namespace) => {
            // The native core would say it in its own words only.
            await (await connect(surroundings, temporalAddress)).close();
            await work(surroundings, { databaseUrl, temporalAddress, namespace }, options.webhooks);
          });
        }),
      ),
    );

interface Place {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly namespace: string;
}

/** @param pushPort  where pushes are taken; absent: they are not */
async function work(surroundings: Surroundings, place: Place, pushPort: number | undefined): Promise<void> {
  const { environment, variables } = surroundings;
  const metrics = createMetrics();
  const database = openDatabase(place.databaseUrl, 1);
  const logOf = (installation: Installation | undefined): Log => {
    const secrets = installation === undefined ? [] : secretsOf(installation, variables);
    const own = [passwordOf(place.databaseUrl), environment.temporalApiKey ?? ""];
    return createLog({ level: environment.logLevel, secrets: [...secrets, ...own] });
  };
  let log = logOf(undefined);
  let webhooks: WebhookServer | undefined;
  const running = await keepWorker({
    database,
    log: () => log,
    tryOut: (installation) => void secretsOf(installation, variables),
    start: async () => {
      const installation = await currentInstallation(database);
      if (installation === undefined) throw new ZhangshiError("CONFIG_MISSING");
      log = logOf(installation);
      // Loaded here, because its native core takes a second that no other command should wait for.
      const { startWorker } = await import("../worker/worker.ts");
      const worker = await startWorker({
        ...place,
        temporalApiKey: environment.temporalApiKey,
        temporalTls: environment.temporalTls,
        environment: variables,
        log,
        metrics,
        schedules: true,
        temporalMetricsPort: environment.temporalMetricsPort,
        ...(existsSync(BUNDLE) ? { workflowBundle: { codePath: BUNDLE } } : {}),
      });
      if (pushPort === undefined) return worker;
      const port = webhooks?.port ?? pushPort;
      await webhooks?.close();
      webhooks = await openWebhooks(surroundings, place, { installation, port, metrics }, database, log);
      return worker;
    },
  });
  const server =
    environment.metricsPort === undefined
      ? undefined
      : await startMetricsServer({
          port: environment.metricsPort,
          registry: metrics.registry,
          refresh: () => refresh(metrics, database),
          health: () => health(database),
        });
  surroundings.result(
    {
      ready: true,
      temporal: place.temporalAddress,
      metricsPort: server?.port ?? null,
      webhooksPort: webhooks?.port ?? null,
    },
    say({ zh: "工作进程已就绪，Ctrl-C 结束。", en: "The worker is ready; Ctrl-C ends it." }),
  );
  try {
    await Promise.race([stopSignal(), running.done]);
  } finally {
    await webhooks?.close();
    await server?.close();
    await running.stop();
    await database.close();
  }
}

interface Pushes {
  readonly installation: Installation;
  readonly port: number;
  readonly metrics: Metrics;
}

/** The door for pushes, with connectors of its own: a push waits for no activity. */
async function openWebhooks(
  surroundings: Surroundings,
  { temporalAddress, namespace }: Pick<Place, "temporalAddress" | "namespace">,
  { installation, port, metrics }: Pushes,
  database: Database,
  log: Log,
): Promise<WebhookServer> {
  const connection = await connect(surroundings, temporalAddress);
  const connectors = openConnectors(installation, database, surroundings.variables, log, metrics);
  const server = await startWebhooks({
    port,
    database,
    sources: connectors.source,
    nudge: syncNudger(new Client({ connection, namespace }), installation),
    log,
  });
  return {
    port: server.port,
    close: async () => {
      await server.close();
      await connectors.close();
      await connection.close();
    },
  };
}

/** The numbers that are states, not events, are read from where the facts are. */
async function refresh(metrics: Metrics, database: Database): Promise<void> {
  const status = await readStatus(database);
  for (const gauge of [metrics.postings, metrics.exceptionsOpen, metrics.ledgerPaused, metrics.syncLag]) gauge.reset();
  for (const { company, ledger, state, count } of status.postings)
    metrics.postings.set({ company, ledger, state }, count);
  for (const { company, kind, count } of status.exceptions) metrics.exceptionsOpen.inc({ company, kind }, count);
  for (const { company, ledger, paused } of status.ledgers)
    metrics.ledgerPaused.set({ company, ledger }, paused ? 1 : 0);
  for (const { company, source, pulledAt } of status.sources) {
    if (pulledAt === null) continue;
    const lag = Math.max(0, (Date.now() - Date.parse(pulledAt)) / SECOND_MS);
    // A source is as late as its latest form.
    const known = await metrics.syncLag.get();
    const other = known.values.find(({ labels }) => labels.company === company && labels.source === source)?.value ?? 0;
    metrics.syncLag.set({ company, source }, Math.max(lag, other));
  }
}

async function health(database: Database): Promise<{ ok: boolean; checks: Record<string, string> }> {
  try {
    await database.pool.query("SELECT 1");
    return { ok: true, checks: { database: "ok" } };
  } catch {
    return { ok: false, checks: { database: "unreachable" } };
  }
}

const secretsOf = (installation: Installation, variables: Surroundings["variables"]): string[] =>
  installation.connections.flatMap((connection) => Object.values(resolveSecrets(connection, variables)));

const passwordOf = (databaseUrl: string): string => decodeURIComponent(new URL(databaseUrl).password);

const stopSignal = (): Promise<void> =>
  new Promise((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
