import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Client, Connection } from "@temporalio/client";
import { type LedgerActivities, createLedgerActivities } from "../../activities/ledger.ts";
import { storeInstallation } from "../../db/installation-store.ts";
import { Installation } from "../../domain/installation.ts";
import { DRAFT_PAGE, POST_BATCH, WORKFLOW_QUEUE, postingsOf } from "../../domain/procedures.ts";
import { startTemporal } from "../../embedded/temporal.ts";
import { createLog } from "../../observability/log.ts";
import { createMetrics } from "../../observability/metrics.ts";
import { openConnectors } from "../../worker/connectors.ts";
import { openLedgers } from "../../worker/ledgers.ts";
import { startWorker } from "../../worker/worker.ts";
import { SimulatorProcess } from "../torture/simulators.ts";
import { type Bench, type Limit, atMost, median, secondsOf } from "./bench.ts";
import { COMPANY, SOURCE, company, enterMonth, ledgerConfig } from "./warehouse-month.ts";

const DOCUMENTS = 2_000;
/** What the simulated ERP has in its master data. */
const CODES = { item: "M-001", unit: "Pcs", supplier: "VEN001", warehouse: "CK01" };
const DIRECT = "direct";
const THROUGH = "through";
/** Each side once before and once after the other: what grows while they run, such as the tables, weighs on both alike. */
const TURNS = [DIRECT, THROUGH, THROUGH, DIRECT] as const;
/** The first one warms both sides up. */
const ROUNDS = 4;
const PAGES_MAX = 100;
const LIMIT = 1.25;
const EVENTS_MAX = 4_096;
const PAYLOAD_BYTES_MAX = 65_536;
const WHOLE = 1;

/** The same movements drafted, posted and verified over and over, in turns: by the activities called in a row, and by `ledgerPosting`. */
export const temporal: Bench = async ({ database, databaseUrl, begin, say }) => {
  const simulators = new SimulatorProcess();
  const server = await startTemporal({ throwAway: true, progress: say });
  const folder = await mkdtemp(join(tmpdir(), "zhangshi-bench-"));
  try {
    await enterMonth(database, DOCUMENTS, CODES);
    const { installation, environment } = await install(simulators);
    await storeInstallation(database, installation);
    const log = createLog({ level: "fatal" });
    const connectors = openConnectors(installation, database, environment, log);
    const desks = openLedgers({ installation }, database, connectors, "bench", () => undefined, createMetrics());
    const activities = createLedgerActivities((code) => {
      const desk = desks(code);
      if (desk === undefined) throw new Error(`There is no ledger ${code}.`);
      return desk;
    });
    const place = { databaseUrl, temporalAddress: server.address, namespace: server.namespace };
    const workflowBundle = { codePath: await bundleWorkflows(folder) };
    const worker = await startWorker({ ...place, environment, log, workflowBundle });
    const connection = await Connection.connect({ address: server.address });
    const client = new Client({ connection, namespace: server.namespace });
    try {
      await begin();
      const ratios: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const seconds = { [DIRECT]: 0, [THROUGH]: 0 };
        for (const [turn, side] of TURNS.entries()) {
          const ledger = ledgerOf(side, round, turn);
          seconds[side] += await secondsOf(() =>
            side === DIRECT ? postDirectly(activities, ledger) : postThrough(client, installation, ledger),
          );
          await verified(database, ledger);
        }
        say(`round ${round}: directly ${rateOf(seconds.direct)}; through Temporal ${rateOf(seconds.through)}`);
        // Neighbours are compared: the machine may be slower in one round than in another.
        if (round > 0) ratios.push(seconds.through / seconds.direct);
      }
      return [atMost("temporal", median(ratios), LIMIT), ...(await historyLimits(client))];
    } finally {
      await connection.close();
      await worker.stop();
      await connectors.close();
    }
  } finally {
    simulators.stop();
    await server.stop();
    await rm(folder, { recursive: true });
  }
};

/** In a process of its own: a worker in production has no compiler in it. */
async function bundleWorkflows(folder: string): Promise<string> {
  const file = join(folder, "workflows.cjs");
  const child = fileURLToPath(new URL("./bundle-child.ts", import.meta.url));
  await promisify(execFile)(process.execPath, ["--import", import.meta.resolve("tsx"), child, file]);
  return file;
}

const ledgerOf = (side: string, round: number, turn: number): string => `${side}-${round}-${turn}`;
const rateOf = (seconds: number): string =>
  `${seconds.toFixed(2)} s, ${((DOCUMENTS * TURNS.length) / 2 / seconds).toFixed(0)} vouchers/s`;

/** Two simulated ERPs, one for each side, with a ledger for each turn. */
async function install(
  simulators: SimulatorProcess,
): Promise<{ installation: Installation; environment: Readonly<Record<string, string>> }> {
  const environment: Record<string, string> = {};
  const sides = [DIRECT, THROUGH];
  const connections = await Promise.all(
    sides.map(async (name, index) => {
      const { baseUrl, secrets } = await simulators.start({ seed: index + 1 });
      const places = Object.entries(secrets).map(([secret, value]) => {
        const variable = `BENCH_${name}_${secret}`;
        environment[variable] = value;
        return [secret, `env:${variable}`] as const;
      });
      const settings = { authentication: "session", books: { [ledgerConfig.book]: "100" } };
      return { name, vendor: "kingdee-cloud", baseUrl, settings, secrets: Object.fromEntries(places) };
    }),
  );
  const installation = Installation.parse({
    connections,
    companies: [company],
    sources: [{ code: SOURCE, company: COMPANY, connection: DIRECT }],
    ledgers: Array.from({ length: ROUNDS }, (_, round) =>
      TURNS.map((connection, turn) => ({ ...ledgerConfig, code: ledgerOf(connection, round, turn), connection })),
    ).flat(),
  });
  return { installation, environment };
}

async function postDirectly(activities: LedgerActivities, ledger: string): Promise<void> {
  for (let round = 0; round < PAGES_MAX; round += 1) {
    const { more } = await activities.draftPage({ ledger, sizeMax: DRAFT_PAGE });
    const { left } = await activities.postBatch({ ledger, sizeMax: POST_BATCH });
    if (!more && left === 0) return;
  }
}

async function postThrough(client: Client, installation: Installation, ledger: string): Promise<void> {
  for (const { workflow, workflowId, input } of postingsOf(installation, ledger))
    await client.workflow.execute(workflow, { workflowId, taskQueue: WORKFLOW_QUEUE, args: [input] });
}

async function verified(database: Parameters<Bench>[0]["database"], ledger: string): Promise<void> {
  const { rows } = await database.pool.query<{ state: string; error_code: string | null; count: number }>(
    "SELECT state, error_code, count(*)::int AS count FROM postings WHERE ledger = $1 GROUP BY 1, 2",
    [ledger],
  );
  if (rows.length !== 1 || rows[0]?.state !== "verified" || rows[0].count !== DOCUMENTS)
    throw new Error(`Not every voucher of ${ledger} is verified: ${JSON.stringify(rows)}`);
}

/** The longest history, and the largest payload in any of them. */
async function historyLimits(client: Client): Promise<readonly Limit[]> {
  let events = 0;
  let bytes = 0;
  for await (const { workflowId, runId } of client.workflow.list()) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    events = Math.max(events, history.events?.length ?? 0);
    bytes = Math.max(bytes, largestBytes(history));
  }
  if (events === 0) throw new Error("No history was found.");
  return [
    atMost("history-events", events / EVENTS_MAX, WHOLE),
    atMost("payload-bytes", bytes / PAYLOAD_BYTES_MAX, WHOLE),
  ];
}

const largestBytes = (value: unknown): number => {
  if (value instanceof Uint8Array) return value.byteLength;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce<number>((most, each) => Math.max(most, largestBytes(each)), 0);
};
