import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { type KingdeeXingchen, type KingdeeXingchenOptions, startKingdeeXingchen } from "./server.ts";
import { type Client, logIn, receipt, type Reply } from "./testing.ts";

let simulator: KingdeeXingchen | undefined;

async function start(
  faults: KingdeeXingchenOptions["faults"] = [],
): Promise<{ running: KingdeeXingchen; client: Client }> {
  simulator = await startKingdeeXingchen({ faults, requestsPerSecondMax: null });
  return { running: simulator, client: await logIn(simulator) };
}

afterEach(async () => {
  await simulator?.close();
  simulator = undefined;
});

const Dump = z.object({
  sequence: z.number(),
  pendingCommits: z.number(),
  vouchers: z.array(
    z.object({
      external: z.string(),
      invalid: z.literal(false),
      entries: z.array(z.object({ explanation: z.string(), debit: z.string() })),
      origin: z.object({ request: z.string() }),
      createdSequence: z.number(),
    }),
  ),
});

async function keysInBooks(running: KingdeeXingchen): Promise<string[]> {
  const dump = Dump.parse(await (await fetch(`${running.origin}/_sim/books`)).json());
  return dump.vouchers.map(({ external }) => external);
}

const save = (client: Client, ...keys: string[]): Promise<Reply> => {
  return client.call("POST", "/jdy/v2/fi/voucher", {}, { items: keys.map((key) => receipt(key)) });
};

test("a lost answer leaves the voucher in the books when it came after the commit, and only then", async () => {
  const { running, client } = await start([
    { kind: "lose-before", operation: "save", match: "before" },
    { kind: "lose-after", operation: "save", match: "after" },
    { kind: "half-answer", operation: "save", match: "half" },
    { kind: "500-before", operation: "save", match: "earlier" },
    { kind: "500-after", operation: "save", match: "error", status: 502 },
    { kind: "unreadable", operation: "save", match: "proxy" },
    { kind: "hang", operation: "save", match: "silent", delayMs: 20 },
    { kind: "hang-after", operation: "save", match: "mute", delayMs: 20 },
  ]);
  for (const key of ["before", "after", "half", "silent", "mute"]) await expect(save(client, key)).rejects.toThrow();
  expect(await save(client, "earlier")).toMatchObject({ status: 500 });
  expect(await save(client, "error")).toMatchObject({ status: 502 });
  expect(await save(client, "proxy")).toMatchObject({ status: 200, errcode: -1 });
  expect(await keysInBooks(running)).toEqual(["after", "half", "mute", "error", "proxy"]);
});

test("the vendor's failure comes before or after the work, with its code; a repeated key is said to exist", async () => {
  const { running, client } = await start([
    { kind: "200-failure", operation: "save", match: "nay" },
    { kind: "failure-after", operation: "save", match: "yea", variant: "2000002009", message: "超时" },
    { kind: "already-exists", operation: "save", match: "twin" },
    { kind: "throttled", operation: "query", variant: "429" },
  ]);
  expect(await save(client, "nay")).toMatchObject({ status: 200, errcode: 2_000_002_000 });
  expect(await save(client, "yea")).toMatchObject({ errcode: 2_000_002_009, description: "超时" });
  expect(await save(client, "twin")).toMatchObject({ description: "组合值与其他表单重复" });
  expect(await client.call("GET", "/jdy/v2/fi/voucher")).toMatchObject({ status: 429, errcode: 429 });
  expect(await keysInBooks(running)).toEqual(["yea", "twin"]);
});

test("an element of a batch can be refused, go unnamed, be done twice, or be reordered", async () => {
  const { running, client } = await start([
    { kind: "batch-element-refused", operation: "batchSave", match: "r1", index: 1 },
    { kind: "batch-element-unnamed", operation: "batchSave", match: "u1", index: 0, done: true },
    { kind: "batch-element-unnamed", operation: "batchSave", match: "n1", index: 0, done: false },
    { kind: "apply-twice", operation: "save", match: "t1" },
    { kind: "reorder", operation: "batchSave", match: "o1" },
  ]);
  const named = (reply: Reply): number => z.object({ ids: z.array(z.string()) }).parse(reply.data).ids.length;
  const refused = await save(client, "r0", "r1", "r2");
  expect([refused.errcode === 0, named(refused)]).toEqual([false, 2]);
  expect(named(await save(client, "u0", "u1"))).toBe(1);
  expect(named(await save(client, "n0", "n1"))).toBe(1);
  expect(named(await save(client, "t1"))).toBe(1);
  const { ids } = z.object({ ids: z.array(z.string()) }).parse((await save(client, "o0", "o1")).data);
  expect(ids).toEqual(ids.toSorted().toReversed());
  expect(await keysInBooks(running)).toEqual(["r0", "r2", "u0", "u1", "n1", "t1", "t1", "o0", "o1"]);
});

test("a token can be lost in every form, also in the middle of a batch, and is then really gone", async () => {
  const { running } = await start();
  const forms: [variant: string | undefined, status: number, errcode: number][] = [
    [undefined, 401, 1_000_202_001],
    ["200", 200, 1_000_202_001],
    ["gateway", 519, 4002],
  ];
  for (const [variant, status, errcode] of forms) {
    const client = await logIn(running);
    const fault = { kind: "session-lost", operation: "query", ...(variant === undefined ? {} : { variant }) };
    await fetch(`${running.origin}/_sim/faults`, {
      method: "POST",
      body: JSON.stringify({ faults: [{ ...fault, nth: 1 }] }),
    });
    expect(await client.call("GET", "/jdy/v2/fi/voucher")).toMatchObject({ status, errcode });
    expect(await client.call("GET", "/jdy/v2/fi/voucher")).toMatchObject({ status: 401, errcode: 1_000_202_001 });
  }
  const client = await logIn(running);
  const faults = [{ kind: "session-lost-mid-batch", operation: "batchSave", after: 2 }];
  await fetch(`${running.origin}/_sim/faults`, { method: "POST", body: JSON.stringify({ faults }) });
  expect(await save(client, "a", "b", "c")).toMatchObject({ errcode: 1_000_202_001 });
  expect(await keysInBooks(running)).toEqual(["a", "b"]);
});

test("a late commit lands after its answer was lost, and is counted until then", async () => {
  const { running, client } = await start([{ kind: "late-commit", operation: "save", delayMs: 80 }]);
  await expect(save(client, "late")).rejects.toThrow();
  expect(running.pendingCommits()).toBe(1);
  expect(await keysInBooks(running)).toEqual([]);
  await expect.poll(() => running.pendingCommits()).toBe(0);
  expect(await keysInBooks(running)).toEqual(["late"]);
});

test("faults reach log-in, stock and reports by their operations, and requests are counted by them", async () => {
  const { running, client } = await start();
  const faults = ["login", "stockQuery", "inventory", "report", "master", "system"].map((operation) => ({
    kind: "200-failure",
    operation,
  }));
  await fetch(`${running.origin}/_sim/faults`, { method: "POST", body: JSON.stringify({ faults }) });
  await expect(logIn(running)).rejects.toThrow("系统繁忙");
  for (const path of [
    "scm/inv_other_in",
    "scm/inventory",
    "fi/account_balance_report",
    "bd/material",
    "sys/system_param",
  ]) {
    expect((await client.call("GET", `/jdy/v2/${path}`)).errcode).toBe(2_000_002_000);
  }
  const { totals } = z
    .object({ totals: z.record(z.string(), z.number()) })
    .parse(await (await fetch(`${running.origin}/_sim/requests`)).json());
  expect(totals).toEqual({ login: 2, stockQuery: 1, inventory: 1, report: 1, master: 1, system: 1 });
});
