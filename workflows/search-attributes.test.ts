import { fileURLToPath } from "node:url";
import { Client, Connection } from "@temporalio/client";
import { DefaultLogger, NativeConnection, Runtime, Worker } from "@temporalio/worker";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { LedgerActivities } from "../activities/ledger.ts";
import { SEARCH_ATTRIBUTES } from "../config/environment.ts";
import type { Procedure } from "../domain/procedures.ts";
import { eventually } from "../test/support/held-server.ts";
import { testTemporal, testTimeSkipping } from "../test/support/temporal.ts";
import { nudge } from "./ledger-posting.ts";
import { USED_SEARCH_ATTRIBUTES, periodShown, startAttributesOf, stateShown } from "./search-attributes.ts";

const QUEUE = "search-attributes-test";
const LIMIT_MS = 60_000;
type Batch = Awaited<ReturnType<LedgerActivities["postBatch"]>>;
const idle: Batch = {
  claimed: 0,
  posted: 0,
  verified: 0,
  refused: 0,
  uncertain: 0,
  left: 1,
  nextDueMs: 60_000,
  paused: false,
};
let batch: Batch = idle;

/** An activity that waits until it is let go. */
class Gate {
  #open = (): void => undefined;
  readonly passed = new Promise<void>((resolve) => {
    this.#open = resolve;
  });
  readonly open = (): void => this.#open();
}
let drafting = new Gate();
let posting = new Gate();
const landing = new Gate();

let connection: Connection;
let native: NativeConnection;
let client: Client;
let worker: Worker;
let running: Promise<void>;
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger("ERROR") });
  const { address, namespace } = await testTemporal();
  connection = await Connection.connect({ address });
  native = await NativeConnection.connect({ address });
  client = new Client({ connection, namespace });
  worker = await Worker.create({
    connection: native,
    namespace,
    taskQueue: QUEUE,
    workflowsPath: fileURLToPath(new URL("./index.ts", import.meta.url)),
    activities: {
      draftPage: async () => {
        await drafting.passed;
        return { movements: 0, vouchers: 0, blocked: 0, more: false };
      },
      postBatch: async () => {
        await posting.passed;
        return batch;
      },
      planReconciliation: async () => ({ periods: ["2025-03", "2025-04"], sources: [], period: "2025-03" }),
      landLedger: async () => {
        await landing.passed;
        return { vouchers: 0 };
      },
      compare: async () => ({}),
    },
  });
  running = worker.run();
});
afterAll(async () => {
  worker?.shutdown();
  await running;
  await native?.close();
  await connection?.close();
});

const about = { company: "shown", ledger: "books" };
const procedureOf = (workflow: Procedure["workflow"], workflowId: string): Procedure => ({
  workflow,
  workflowId,
  input: { ...about, statement: "books", queue: QUEUE },
  about,
});
const start = (procedure: Procedure, more: { attributes: boolean } = { attributes: true }) =>
  client.workflow.start(procedure.workflow, {
    workflowId: procedure.workflowId,
    taskQueue: QUEUE,
    args: [procedure.input],
    ...(more.attributes ? { typedSearchAttributes: startAttributesOf(procedure) } : {}),
  });

test("the procedures carry every search attribute of ours, and no other", () => {
  expect([...USED_SEARCH_ATTRIBUTES].sort()).toEqual([...SEARCH_ATTRIBUTES].sort());
});

test(
  "a posting shows whether it drafts, posts, waits or is paused",
  async () => {
    const handle = await start(procedureOf("ledgerPosting", "shown/posting"));
    const shows = (state: string) =>
      eventually(`it shows ${state}`, async () => {
        const { typedSearchAttributes } = await handle.describe();
        return stateShown(typedSearchAttributes) === state;
      });
    await shows("drafting");
    drafting.open();
    await shows("posting");
    posting.open();
    await shows("waiting");

    posting = new Gate();
    await handle.signal(nudge.name);
    await shows("posting");
    batch = { ...idle, paused: true };
    posting.open();
    await shows("paused");

    // A paused ledger that still has something to wait for shows what it does while it looks again.
    drafting = new Gate();
    batch = { ...idle, left: 0, nextDueMs: undefined };
    await handle.signal(nudge.name);
    await shows("drafting");
    drafting.open();
    await handle.result();
  },
  LIMIT_MS,
);

test(
  "a reconciliation shows the newest period with vouchers of ours, and is found by it",
  async () => {
    const handle = await start(procedureOf("reconciliation", "shown/reconciliation"));
    await eventually("it shows its period", async () => {
      const { typedSearchAttributes } = await handle.describe();
      return periodShown(typedSearchAttributes) === "2025-03";
    });
    await eventually("it is found", async () => {
      const { count } = await client.workflow.count(`ZsCompany = "shown" AND ZsPeriod = "2025-03"`);
      return count === 1;
    });
    landing.open();
    await handle.result();
  },
  LIMIT_MS,
);

test(
  "a server without the attributes refuses the start and names one, instead of stopping a procedure for ever; without them it runs",
  async () => {
    const bare = await testTimeSkipping();
    try {
      const procedure = procedureOf("ledgerPosting", "shown/nowhere");
      const options = { workflowId: procedure.workflowId, taskQueue: QUEUE, args: [procedure.input] };
      await expect(
        bare.client.workflow.start("ledgerPosting", {
          ...options,
          typedSearchAttributes: startAttributesOf(procedure),
        }),
      ).rejects.toMatchObject({ cause: { details: expect.stringMatching(/Zs\w+/) } });
    } finally {
      await bare.teardown();
    }
    [drafting, posting] = [new Gate(), new Gate()];
    drafting.open();
    posting.open();
    batch = { ...idle, left: 0, nextDueMs: undefined };
    const handle = await start(procedureOf("ledgerPosting", "shown/without"), { attributes: false });
    await handle.result();
    expect(stateShown((await handle.describe()).typedSearchAttributes)).toBeUndefined();
  },
  LIMIT_MS,
);
