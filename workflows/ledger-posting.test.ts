import { fileURLToPath } from "node:url";
import type { TestWorkflowEnvironment } from "@temporalio/testing";
import { DefaultLogger, Runtime, Worker } from "@temporalio/worker";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { LedgerActivities } from "../activities/ledger.ts";
import { testTimeSkipping } from "../test/support/temporal.ts";
import { ledgerPosting, nudge } from "./ledger-posting.ts";

type Batch = Awaited<ReturnType<LedgerActivities["postBatch"]>>;
type Drafted = Awaited<ReturnType<LedgerActivities["draftPage"]>>;

const QUEUE = "ledger-posting-test";
const INPUT = { company: "demo", ledger: "books", queue: QUEUE };
const MINUTE_MS = 60_000;
const nothingDrafted: Drafted = { movements: 0, vouchers: 0, blocked: 0, more: false };
const idle: Batch = {
  claimed: 0,
  posted: 0,
  verified: 0,
  refused: 0,
  uncertain: 0,
  left: 0,
  nextDueMs: undefined,
  paused: false,
};
let draftPage: LedgerActivities["draftPage"];
let postBatch: LedgerActivities["postBatch"];
/** Server time at which each batch began. */
let batchTimes: number[];
let temporal: TestWorkflowEnvironment;
let worker: Worker;
let running: Promise<void>;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger("ERROR") });
  temporal = await testTimeSkipping();
  worker = await Worker.create({
    connection: temporal.nativeConnection,
    taskQueue: QUEUE,
    workflowsPath: fileURLToPath(new URL("./ledger-posting.ts", import.meta.url)),
    activities: {
      draftPage: (step: Parameters<typeof draftPage>[0]) => draftPage(step),
      postBatch: async (step: Parameters<typeof postBatch>[0]) => {
        batchTimes.push(await temporal.currentTimeMs());
        return postBatch(step);
      },
    },
  });
  running = worker.run();
});
beforeEach(() => {
  batchTimes = [];
  draftPage = async () => nothingDrafted;
  postBatch = async () => idle;
});
afterAll(async () => {
  worker.shutdown();
  await running;
  await temporal.teardown();
});

/** One batch after the other; the last one repeats. */
const batches = (...list: readonly Partial<Batch>[]): LedgerActivities["postBatch"] => {
  let turn = 0;
  return async () => {
    const batch = list[Math.min(turn, list.length - 1)];
    turn += 1;
    return { ...idle, ...batch };
  };
};
const start = (workflowId: string) =>
  temporal.client.workflow.start(ledgerPosting, { taskQueue: QUEUE, workflowId, args: [INPUT] });

test("posting ends as soon as nothing is left, with the sums of its batches", async () => {
  postBatch = batches({ posted: 3, verified: 2, refused: 1, left: 1, nextDueMs: 50 }, { posted: 4, verified: 5 });
  expect(await (await start("post/ends")).result()).toEqual({ drafted: 0, posted: 7, verified: 7, refused: 1 });
  expect(batchTimes).toHaveLength(2);
});

test("what becomes due later is waited for that long, and never longer than a minute at a time", async () => {
  postBatch = batches({ left: 1, nextDueMs: 45_000 }, { left: 1, nextDueMs: 10 * MINUTE_MS }, {});
  await (await start("post/waits")).result();
  const [first = 0, second = 0, third = 0] = batchTimes;
  expect(second - first).toBeGreaterThanOrEqual(45_000);
  expect(second - first).toBeLessThan(MINUTE_MS);
  expect(third - second).toBeGreaterThanOrEqual(MINUTE_MS);
  expect(third - second).toBeLessThan(2 * MINUTE_MS);
});

test("while there is more to draft, no time is spent waiting", async () => {
  let pages = 0;
  draftPage = async () => {
    pages += 1;
    return { ...nothingDrafted, vouchers: 10, more: pages < 3 };
  };
  postBatch = batches({ left: 1, nextDueMs: MINUTE_MS }, { left: 1, nextDueMs: MINUTE_MS }, {});
  expect(await (await start("post/more")).result()).toMatchObject({ drafted: 30 });
  expect((batchTimes[2] ?? 0) - (batchTimes[0] ?? 0)).toBeLessThan(MINUTE_MS);
});

test("where drafting fails, what is drafted already is posted all the same, and the procedure ends with the reason", async () => {
  let tries = 0;
  draftPage = async () => {
    tries += 1;
    throw new Error("the page cannot be drawn");
  };
  postBatch = batches({ posted: 3, verified: 3 });
  const posting = await start("post/undraftable");
  await expect(posting.result()).rejects.toMatchObject({ cause: { cause: { message: "the page cannot be drawn" } } });
  expect(batchTimes).toHaveLength(1);
  expect(tries).toBe(10);
});

test("a nudge ends the wait at once", async () => {
  postBatch = batches({ left: 1, nextDueMs: MINUTE_MS }, {});
  // Without a caller that waits for a result the server does not skip time.
  const handle = await start("post/nudged");
  for (let turn = 0; batchTimes.length === 0 && turn < 500; turn += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  await handle.signal(nudge);
  await handle.result();
  const [first = 0, second = 0] = batchTimes;
  expect(second - first).toBeLessThan(MINUTE_MS / 2);
});

test("a nudge during the last batch asks for another round", async () => {
  let turn = 0;
  const handle = temporal.client.workflow.getHandle("post/late-nudge");
  postBatch = async () => {
    turn += 1;
    if (turn === 1) await handle.signal(nudge.name);
    return idle;
  };
  await (await start("post/late-nudge")).result();
  expect(turn).toBe(2);
});

test("a long posting continues as new with its sums, and its history stays small", async () => {
  let turn = 0;
  postBatch = async () => {
    turn += 1;
    return turn <= 210 ? { ...idle, posted: 1, left: 1, nextDueMs: 20 } : idle;
  };
  const handle = await start("post/long");
  expect(await handle.result()).toMatchObject({ posted: 210 });
  const first = await temporal.client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId).describe();
  expect(first.status.name).toBe("CONTINUED_AS_NEW");
  expect(first.historyLength).toBeLessThan(4_096);
});
