import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { type SapB1, type SapB1Options, startSapB1 } from "./server.ts";
import { batchOf, changeSet, type Client, logIn, receipt, send } from "./testing.ts";

let simulator: SapB1 | undefined;

const COMPANY = { userTables: [{ name: "EXTPOST" }], userFields: [{ table: "OJDT", name: "ExtRef" }] };

async function start(faults: SapB1Options["faults"] = []): Promise<{ running: SapB1; client: Client }> {
  simulator = await startSapB1({ http: true, company: COMPANY, faults });
  return { running: simulator, client: await logIn(simulator) };
}

afterEach(async () => {
  await simulator?.close();
  simulator = undefined;
});

const Dump = z.object({
  pendingCommits: z.number(),
  vouchers: z.array(
    z.object({
      U_ExtRef: z.string(),
      _meta: z.object({ origin: z.object({ kind: z.string(), request: z.string() }), createdSequence: z.number() }),
    }),
  ),
  userTables: z.object({ EXTPOST: z.array(z.object({ Code: z.string() })) }),
});

async function keysInBooks(running: SapB1): Promise<string[]> {
  const { vouchers, userTables } = Dump.parse((await send(running, "/_sim/books", { method: "GET" })).json);
  const claims = userTables.EXTPOST.map(({ Code }) => Code);
  const keys = vouchers.map(({ U_ExtRef }) => U_ExtRef);
  return claims.length === 0 ? keys : [...keys, `claims: ${claims.join(" ")}`];
}

const save = (client: Client, key: string): ReturnType<Client["post"]> =>
  client.post("JournalEntries", receipt(key, { U_ExtRef: key }));
const voucher = (key: string): string =>
  changeSet(
    ["POST", "/b1s/v2/U_EXTPOST", { Code: key, Name: key }],
    ["POST", "/b1s/v2/JournalEntries", receipt(key, { U_ExtRef: key })],
  );
const batch = (client: Client, keys: readonly string[]): ReturnType<Client["post"]> =>
  client.batch(batchOf(...keys.map(voucher)));

test("a lost answer leaves the entry in the books when it came after the commit, and only then", async () => {
  const { running, client } = await start([
    { kind: "lose-before", operation: "save", match: "before" },
    { kind: "lose-after", operation: "save", match: "after" },
    { kind: "half-answer", operation: "save", match: "half" },
    { kind: "500-after", operation: "save", match: "error", status: 502 },
    { kind: "unreadable", operation: "save", match: "html" },
    { kind: "hang-after", operation: "save", match: "hung", delayMs: 20 },
  ]);
  for (const key of ["before", "after", "half", "hung"]) await expect(save(client, key)).rejects.toThrow();
  expect(await save(client, "error")).toMatchObject({ status: 502, json: undefined });
  expect(await save(client, "html")).toMatchObject({ status: 200, json: undefined });
  expect(await keysInBooks(running)).toEqual(["after", "half", "hung", "error", "html"]);
});

test("a change set whose answer was lost is in the books once, and its repeat is refused by the claim", async () => {
  const { running, client } = await start([{ kind: "lose-after", operation: "batchSave", times: 1 }]);
  await expect(batch(client, ["k"])).rejects.toThrow();
  expect((await batch(client, ["k"])).text).toContain('"code" : "-2035"');
  expect(await keysInBooks(running)).toEqual(["k", "claims: k"]);
});

test("a creation may be applied twice; the claim row keeps a change set from it", async () => {
  const { running, client } = await start([{ kind: "apply-twice" }]);
  expect((await save(client, "plain")).status).toBe(201);
  expect((await batch(client, ["claimed"])).text.match(/201 Created/g)).toHaveLength(2);
  expect(await keysInBooks(running)).toEqual(["plain", "plain", "claimed", "claims: claimed"]);
});

test("done and called existing, done and called failed, nothing done and called failed", async () => {
  const { running, client } = await start([
    { kind: "already-exists", operation: "save", match: "exists" },
    { kind: "failure-after", operation: "save", match: "failed" },
    { kind: "200-failure", operation: "save", match: "nothing", variant: "-2039" },
    { kind: "already-exists", operation: "batchSave" },
  ]);
  expect((await save(client, "exists")).json).toMatchObject({ error: { code: "-2035" } });
  expect((await save(client, "failed")).json).toMatchObject({ error: { code: "-1116" } });
  expect((await save(client, "nothing")).json).toMatchObject({ error: { code: "-2039" } });
  expect((await batch(client, ["b"])).text).toContain('"code" : "-2035"');
  expect(await keysInBooks(running)).toEqual(["exists", "failed", "b", "claims: b"]);
});

test("a session is lost before anything is done, or in the middle of a batch", async () => {
  const { running, client } = await start([
    { kind: "session-lost", operation: "save", times: 1 },
    { kind: "session-lost-mid-batch", operation: "batchSave", after: 2 },
  ]);
  expect(await save(client, "k")).toMatchObject({ status: 401, json: { error: { code: "301" } } });
  expect((await client.get("JournalEntries")).status).toBe(401);
  const again = await logIn(running);
  expect((await batch(again, ["a", "b", "c"])).status).toBe(401);
  expect((await again.get("JournalEntries")).status).toBe(401);
  expect(await keysInBooks(running)).toEqual(["a", "b", "claims: a b"]);
});

test("one part of a batch may be refused, and ends it, or be done without being named", async () => {
  const { running, client } = await start([
    { kind: "batch-element-refused", operation: "batchSave", match: '"a0"', index: 1 },
    { kind: "batch-element-unnamed", operation: "batchSave", match: '"b0"', index: 0, done: true },
    { kind: "batch-element-unnamed", operation: "batchSave", match: '"c0"', index: 0, done: false },
  ]);
  expect((await batch(client, ["a0", "a1", "a2"])).text).toContain('"code" : "-1116"');
  expect((await batch(client, ["b0", "b1"])).text.match(/changesetresponse_\S+\r\n\r\n/g)).toHaveLength(1);
  await batch(client, ["c0", "c1"]);
  expect(await keysInBooks(running)).toEqual(["a0", "b0", "b1", "c1", "claims: a0 b0 b1 c1"]);
});

test("a late commit lands after its delay, and the dump says while it is still to come", async () => {
  const { running, client } = await start([{ kind: "late-commit", operation: "batchSave", delayMs: 150 }]);
  await expect(batch(client, ["late"])).rejects.toThrow();
  expect(running.pendingCommits()).toBe(1);
  expect(await keysInBooks(running)).toEqual([]);
  await expect.poll(() => keysInBooks(running), { timeout: 3_000 }).toEqual(["late", "claims: late"]);
  expect(running.pendingCommits()).toBe(0);
});

test("throttling is Apache's 503 in HTML, by fault and by a rate limit", async () => {
  const { running, client } = await start([{ kind: "throttled", operation: "save", times: 1 }]);
  expect(await save(client, "k")).toMatchObject({ status: 503, json: undefined });
  expect(await keysInBooks(running)).toEqual([]);
  await running.close();
  simulator = await startSapB1({ http: true, requestsPerSecondMax: 1 });
  const limited = await logIn(simulator);
  const codes: number[] = [];
  for (let time = 0; time < 4; time += 1) codes.push((await limited.get("Items")).status);
  expect(codes).toContain(503);
  expect(codes[0]).toBe(200);
});

test("faults are changed while it runs, and their hits and all requests are counted", async () => {
  const { running, client } = await start();
  const put = (body: string) => send(running, "/_sim/faults", { method: "POST", body });
  expect((await put('{"faults":[{"kind":"nonsense"}]}')).status).toBe(400);
  expect((await put('{"faults":[{"kind":"500-before","operation":"save","status":504}]}')).status).toBe(200);
  expect(await save(client, "k")).toMatchObject({ status: 504 });
  expect((await send(running, "/_sim/faults", { method: "GET" })).json).toMatchObject({
    hits: { "500-before": 1, hang: 0 },
    faults: [{ seen: 1, hits: 1 }],
  });
  expect((await send(running, "/_sim/requests", { method: "GET" })).json).toMatchObject({
    totals: { login: 1, save: 1 },
  });
});

test("rows without an order asked for may come in any", async () => {
  const { client } = await start([{ kind: "reorder", operation: "query" }]);
  for (const key of ["a", "b", "c"]) await save(client, key);
  const { value } = z
    .object({ value: z.array(z.object({ JdtNum: z.number() })) })
    .parse((await client.get("JournalEntries")).json);
  expect(value.map(({ JdtNum }) => JdtNum)).not.toEqual([1, 2, 3]);
  expect(value).toHaveLength(3);
});
