import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { testDatabase } from "../test/support/database.ts";
import { type Database, inTransaction, openDatabase } from "./database.ts";
import { releaseHeld } from "./draft-store.ts";
import {
  type PostingTiming,
  type Settlement,
  claimReady,
  releaseDrafted,
  settleSent,
  stampSent,
} from "./posting-store.ts";
import { retryPostings } from "./retry-store.ts";
import { type NewPosting, insertPostings, redrawPosting } from "./voucher-store.ts";
import { decimal } from "../domain/decimal.ts";
import { postingKeyOf } from "../domain/posting-key.ts";

let database: Database;
let ledger: string;
let run = 0;
beforeAll(async () => {
  database = openDatabase((await testDatabase()).url);
});
afterAll(() => database.close());
beforeEach(() => {
  run += 1;
  ledger = `l${run}`;
});

const WORKER = "w";
const TIMING: PostingTiming = { leaseMs: 60_000, deadlineMs: 30_000, settlingMs: 0 };

const draftOf = (recordId: string, over: Partial<NewPosting> = {}): NewPosting => {
  const identity = {
    company: "c",
    source: "s",
    form: "f",
    recordId,
    ledger,
    purpose: "stock" as const,
    part: 1,
    generation: 1,
  };
  const shared = { amount: decimal("10.00"), summary: "s", why: "w", dimensions: {}, movementIds: [] };
  return {
    ...identity,
    key: postingKeyOf(identity),
    book: "001",
    groupName: `document:f/${recordId}`,
    state: "drafted",
    targetStage: "audited",
    word: "记",
    accountedOn: "2025-01-15",
    late: false,
    attachments: 1,
    currency: "CNY",
    documents: [recordId],
    summary: "s",
    ruleName: "r",
    ruleVersion: 1,
    errorCode: undefined,
    reverses: undefined,
    lines: [
      { ...shared, lineNumber: 1, side: "debit", role: "inventory", account: "1405" },
      { ...shared, lineNumber: 2, side: "credit", role: "payables", account: "2202" },
    ],
    movements: [],
    ...over,
  };
};
const insert = (drafts: readonly NewPosting[]): Promise<readonly string[]> =>
  inTransaction(database, (client) => insertPostings(client, drafts));
const numbers = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `r${index}`);
const stateOf = async (id: string | undefined): Promise<unknown> =>
  (await database.pool.query<{ state: string }>("SELECT state FROM postings WHERE posting_id = $1", [id])).rows[0]
    ?.state;

/** One request after another, as a lane makes them. @returns the sizes of the batches */
const send = async (size: number, requests: number, fails: (records: readonly string[]) => Settlement | undefined) => {
  const batches: string[][] = [];
  for (let request = 0; request < requests; request += 1) {
    const claimed = await claimReady(database, ledger, WORKER, TIMING, size);
    if (claimed.length === 0) break;
    await stampSent(
      database,
      claimed.map(({ postingId }) => postingId),
      WORKER,
      TIMING,
    );
    const records = claimed.map(({ draft }) => draft.documents[0] ?? "");
    batches.push(records);
    const outcome: Settlement = fails(records) ?? { kind: "posted", erpId: "1", number: "1", stage: "saved" };
    await settleSent(
      database,
      claimed.map(({ postingId }) => ({ postingId, outcome })),
      WORKER,
      "send",
    );
  }
  return batches;
};
const notDone = (code: "CONFLICT" | "NOT_REACHABLE"): Settlement => ({
  kind: "not-done",
  code,
  message: "",
  retryMs: 0,
});
const sizesOf = (batches: readonly (readonly string[])[]): readonly number[] => batches.map(({ length }) => length);

test("a batch that keeps failing is halved down to the one voucher that spoils it, and the others pass", async () => {
  await insert(numbers(8).map((record) => draftOf(record)));
  await releaseDrafted(database, ledger, false);
  const batches = await send(8, 20, (records) => (records.includes("r5") ? notDone("CONFLICT") : undefined));
  expect(sizesOf(batches).slice(0, 7)).toEqual([8, 8, 4, 4, 2, 2, 1]);
  expect(new Set(batches.slice(6).flat()), "in the end the spoiler travels alone").toEqual(new Set(["r4", "r5"]));
  const { rows } = await database.pool.query<{ document: string; state: string }>(
    "SELECT documents[1] AS document, state FROM postings WHERE ledger = $1 ORDER BY posting_id",
    [ledger],
  );
  expect(rows.map(({ document, state }) => `${document} ${state}`)).toEqual(
    numbers(8).map((record) => (record === "r5" ? "r5 ready" : `${record} posted`)),
  );
});

test("what failed together comes after what did not, and never spoils a fresh batch", async () => {
  await insert(numbers(4).map((record) => draftOf(record)));
  await releaseDrafted(database, ledger, false);
  await send(4, 2, () => notDone("CONFLICT"));
  await insert(["n1", "n2"].map((record) => draftOf(record)));
  await releaseDrafted(database, ledger, false);
  expect(await send(4, 2, () => undefined)).toEqual([
    ["n1", "n2"],
    ["r0", "r1"],
  ]);
});

test("an outage says nothing against the vouchers: their batch stays whole", async () => {
  await insert(numbers(4).map((record) => draftOf(record)));
  await releaseDrafted(database, ledger, false);
  expect(sizesOf(await send(4, 5, () => notDone("NOT_REACHABLE")))).toEqual([4, 4, 4, 4, 4]);
});

test("a success ends the row of failures", async () => {
  const [id] = await insert([draftOf("r")]);
  await releaseDrafted(database, ledger, false);
  await send(1, 3, () => notDone("CONFLICT"));
  await send(1, 1, () => undefined);
  const { rows } = await database.pool.query("SELECT failures FROM postings WHERE posting_id = $1", [id]);
  expect(rows).toEqual([{ failures: 0 }]);
});

test("what was held goes back to whoever approves, not past them, when its period opens", async () => {
  const [id] = await insert([draftOf("r", { state: "held", errorCode: "PERIOD_CLOSED" })]);
  await inTransaction(database, (client) => releaseHeld(client, ledger, ["2025-01"]));
  expect(await stateOf(id)).toBe("drafted");
  expect(await releaseDrafted(database, ledger, true)).toBe(0);
  expect(await stateOf(id)).toBe("drafted");
});

test.each(["drafted", "approved", "ready", "held", "refused"])(
  "a redraw of a posting that is %s is drafted: what was approved is not what will be sent",
  async (state) => {
    const [id = ""] = await insert([draftOf("r")]);
    const before: Readonly<Record<string, readonly string[]>> = {
      approved: ["approved"],
      ready: ["ready"],
      held: ["held"],
      refused: ["ready", "sending", "refused"],
    };
    for (const next of before[state] ?? [])
      await database.pool.query("UPDATE postings SET state = $2 WHERE posting_id = $1", [id, next]);
    await inTransaction(database, (client) => redrawPosting(client, id, draftOf("r", { summary: "anew" })));
    expect(await stateOf(id)).toBe("drafted");
  },
);

test("a retry names what it would do and touches nothing that goes its way or may be in the ERP", async () => {
  const paths: Readonly<Record<string, readonly string[]>> = {
    refused: ["ready", "sending", "refused"],
    held: ["held"],
    ready: ["ready"],
    sending: ["ready", "sending"],
    uncertain: ["ready", "sending", "uncertain"],
    parked: ["ready", "sending", "uncertain"],
    differs: ["ready", "sending", "posted", "differs"],
    verified: ["ready", "sending", "posted", "verified"],
  };
  for (const [record, path] of Object.entries(paths)) {
    const [id] = await insert([draftOf(record)]);
    for (const state of path)
      await database.pool.query(
        "UPDATE postings SET state = $2, sent_at = now(), erp_id = '1', look_up_after = now(), lease_until = now() WHERE posting_id = $1",
        [id, state],
      );
  }
  await database.pool.query(
    "UPDATE postings SET look_up_after = 'infinity' WHERE ledger = $1 AND record_id = 'parked'",
    [ledger],
  );
  const wish = { ledgers: [ledger], key: undefined, dryRun: false, sizeMax: 100 };
  const steps = await retryPostings(database, wish);
  expect(steps.map(({ documents, act }) => [...documents, act])).toEqual([
    ["refused", "redraw"],
    ["held", "redraw"],
    ["parked", "look-up"],
    ["differs", "read-again"],
  ]);
  const { rows } = await database.pool.query<{ text: string }>(
    `SELECT record_id || ' ' || state || ' ' || coalesce(retry, '-') AS text FROM postings
     WHERE ledger = $1 ORDER BY posting_id`,
    [ledger],
  );
  expect(rows.map(({ text }) => text)).toEqual([
    "refused refused redraw",
    "held held redraw",
    "ready ready -",
    "sending sending -",
    "uncertain uncertain -",
    "parked uncertain -",
    "differs differs read",
    "verified verified -",
  ]);
  const key = draftOf("verified").key;
  expect(await retryPostings(database, { ...wish, key })).toMatchObject([{ key, act: "none" }]);
  expect(await retryPostings(database, { ...wish, ledgers: ["other"], key })).toEqual([]);
});
