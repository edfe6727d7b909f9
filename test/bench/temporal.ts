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
import { type Bench, type Limit, atMost, secondsOf } from "./bench.ts";
import { COMPANY, SOURCE, company, enterMonth, ledgerConfig } from "./warehouse-month.ts";

const DOCUMENTS = 2_000;
/** What the simulated ERP has in its master data. */
const CODES = { item: "M-001", unit: "Pcs", supplier: "VEN001", warehouse: "CK01" };
/** Goes before the measured ones, so that neither of them pays for a cold start. */
const WARM_UP = "warmup";
const DIRECT = "direct";
const THROUGH = "through";
const ROUNDS_MAX = 100;
const LIMIT = 1.25;
const EVENTS_MAX = 4_096;
const PAYLOAD_BYTES_MAX = 65_536;
const WHOLE = 1;

/** The same movements drafted, posted and verified twice: by the activities called in a row, and by `ledgerPosting`. */
export const temporal: Bench = async ({ database, databaseUrl, say }) => {
  const simulators = new SimulatorProcess();
  const server = await startTemporal({ throwAway: true, progress: say });
  try {
    await enterMonth(database, DOCUMENTS, CODES);
    const { installation, environment } = await install(simulators);
    await storeInstallation(database, installation);
    const log = createLog({ level: "fatal" });
    const connectors = openConnectors(installation, database, environment, log);
    const desks = openLedgers(installation, database, connectors, "bench", () => undefined, createMetrics());
    const activities = createLedgerActivities((code) => {
      const desk = desks(code);
      if (desk === undefined) throw new Error(`There is no ledger ${code}.`);
      return desk;
    });
    await postDirectly(activities, WARM_UP);
    const direct = await secondsOf(() => postDirectly(activities, DIRECT));
    await connectors.close();
    await verified(database, DIRECT);

    const place = { databaseUrl, temporalAddress: server.address, namespace: server.namespace };
    const worker = await startWorker({ ...place, environment, log });
    const connection = await Connection.connect({ address: server.address });
    const client = new Client({ connection, namespace: server.namespace });
    try {
      const through = await secondsOf(() => postThrough(client, installation));
      await verified(database, THROUGH);
      const rate = (seconds: number): string =>
        `${seconds.toFixed(2)} s, ${(DOCUMENTS / seconds).toFixed(0)} vouchers/s`;
      say(`directly ${rate(direct)}; through Temporal ${rate(through)}`);
      return [atMost("temporal", through / direct, LIMIT), ...(await historyLimits(client))];
    } finally {
      await connection.close();
      await worker.stop();
    }
  } finally {
    simulators.stop();
    await server.stop();
  }
};

/** Two ledgers of one company, each with a simulated ERP of its own. */
async function install(
  simulators: SimulatorProcess,
): Promise<{ installation: Installation; environment: Readonly<Record<string, string>> }> {
  const environment: Record<string, string> = {};
  const names = [WARM_UP, DIRECT, THROUGH];
  const connections = await Promise.all(
    names.map(async (name, index) => {
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
    ledgers: names.map((name) => ({ ...ledgerConfig, code: name, connection: name })),
  });
  return { installation, environment };
}

async function postDirectly(activities: LedgerActivities, ledger: string): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const { more } = await activities.draftPage({ ledger, sizeMax: DRAFT_PAGE });
    const { left } = await activities.postBatch({ ledger, sizeMax: POST_BATCH });
    if (!more && left === 0) return;
  }
}

async function postThrough(client: Client, installation: Installation): Promise<void> {
  for (const { workflow, workflowId, input } of postingsOf(installation, THROUGH))
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
