import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { type KingdeeCloud, type KingdeeCloudOptions, startKingdeeCloud } from "./server.ts";
import { type Client, FORM_SERVICE, logIn, receipt } from "./testing.ts";

let simulator: KingdeeCloud | undefined;

async function start(faults: KingdeeCloudOptions["faults"] = []): Promise<{ running: KingdeeCloud; client: Client }> {
  simulator = await startKingdeeCloud({ faults });
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
    z.object({ external: z.string(), origin: z.object({ request: z.string() }), createdSequence: z.number() }),
  ),
});

async function keysInBooks(running: KingdeeCloud): Promise<string[]> {
  const dump = Dump.parse(await (await fetch(`${running.origin}/_sim/books`)).json());
  return dump.vouchers.map(({ external }) => external);
}

const save = (client: Client, key: string): Promise<{ text: string }> => {
  return client.post(`${FORM_SERVICE}Save`, { formid: "GL_VOUCHER", data: { Model: receipt(key) } });
};
const batch = (client: Client, keys: readonly string[]): ReturnType<Client["write"]> => {
  return client.write("BatchSave", { NeedReturnFields: ["F_ZS_ExtNo"], Model: keys.map((key) => receipt(key)) });
};

test("a lost answer leaves the voucher in the books when it came after the commit, and only then", async () => {
  const { running, client } = await start([
    { kind: "lose-before", operation: "save", match: "before" },
    { kind: "lose-after", operation: "save", match: "after" },
    { kind: "half-answer", operation: "save", match: "half" },
    { kind: "500-after", operation: "save", match: "error" },
  ]);
  await expect(save(client, "before")).rejects.toThrow();
  await expect(save(client, "after")).rejects.toThrow();
  await expect(save(client, "half")).rejects.toThrow();
  expect(await save(client, "error")).toMatchObject({ status: 500 });
  expect(await keysInBooks(running)).toEqual(["after", "half", "error"]);
});

test("a session can be lost in every form that the vendor has, and is then really gone", async () => {
  const { running, client } = await start();
  const forms: [variant: string | undefined, save: unknown, query: unknown][] = [
    [undefined, '{"Result":{"ResponseStatus":{"ErrorCode":500,"IsSuccess":false,', '[[{"Result":{"ResponseStatus":'],
    ["array", '[{"FieldName":null,"Message":"会话信息已丢失，请重新登录","DIndex":0}]', '[{"FieldName":null,'],
    ["response_error", "response_error:发生异常：ctx == null", "response_error:"],
    ["401", "未登录", "未登录"],
    ["empty", "{}", "{}"],
  ];
  for (const [variant, written, asked] of forms) {
    running.faults.replace([{ kind: "session-lost", operation: "save", times: 1, ...(variant ? { variant } : {}) }]);
    const fresh = await logIn(running);
    expect((await save(fresh, "k")).text).toContain(written);
    const after = await fresh.post(`${FORM_SERVICE}ExecuteBillQuery`, {
      data: { FormId: "GL_VOUCHER", FieldKeys: "FDate" },
    });
    expect(after.text).toContain("会话信息已丢失");
    running.faults.replace([{ kind: "session-lost", operation: "query", times: 1, ...(variant ? { variant } : {}) }]);
    const other = await logIn(running);
    const query = await other.post(`${FORM_SERVICE}ExecuteBillQuery`, {
      data: { FormId: "GL_VOUCHER", FieldKeys: "FDate" },
    });
    expect(query.text).toContain(asked);
  }
  expect((await save(client, "still here")).text).toContain('"IsSuccess":true');
});

test("a batch may lose its session in the middle, refuse one element, or keep silent about one", async () => {
  const { running, client } = await start([
    { kind: "session-lost-mid-batch", operation: "batchSave", match: '"a0"', after: 2 },
    { kind: "batch-element-refused", operation: "batchSave", match: '"b0"', index: 1 },
    { kind: "batch-element-unnamed", operation: "batchSave", match: '"c0"', index: 0, done: true },
    { kind: "batch-element-unnamed", operation: "batchSave", match: '"d0"', index: 2, done: false },
  ]);
  expect(await batch(client, ["a0", "a1", "a2"])).toMatchObject({ ok: false, msgCode: 1, ids: [] });
  const again = await logIn(running);
  const refused = await batch(again, ["b0", "b1", "b2"]);
  expect(refused).toMatchObject({ ok: false, returned: [{ F_ZS_ExtNo: "b0" }, {}, { F_ZS_ExtNo: "b2" }] });
  expect(await batch(again, ["c0", "c1"])).toMatchObject({ ok: true, returned: [{ F_ZS_ExtNo: "c1" }] });
  expect((await batch(again, ["d0", "d1", "d2"])).ids).toHaveLength(2);
  expect(await keysInBooks(running)).toEqual(["a0", "a1", "b0", "b2", "c0", "c1", "d0", "d1"]);
});

test("a creation may be applied twice, or done and then called existing, or done and then called failed", async () => {
  const { running, client } = await start([
    { kind: "apply-twice", operation: "save", match: "twice" },
    { kind: "already-exists", operation: "save", match: "exists" },
    { kind: "failure-after", operation: "save", match: "failed" },
    { kind: "200-failure", operation: "save", match: "nothing" },
  ]);
  expect((await save(client, "twice")).text).toContain('"SuccessEntitys":[{"Id":100002,');
  expect((await save(client, "exists")).text).toContain("已存在");
  expect((await save(client, "failed")).text).toContain('"MsgCode":6}');
  expect((await save(client, "nothing")).text).toContain('"MsgCode":6}');
  expect(await keysInBooks(running)).toEqual(["twice", "twice", "exists", "failed"]);
});

test("results may come back in another order, with their DIndex still true", async () => {
  const { client } = await start([{ kind: "reorder", operation: ["batchSave", "query"] }]);
  const saved = await batch(client, ["a", "b", "c"]);
  expect(new Set(saved.ids)).toEqual(new Set([100_001, 100_002, 100_003]));
  expect(saved.ids).not.toEqual([100_001, 100_002, 100_003]);
  const rows = await client.query({ FieldKeys: "FVOUCHERID", OrderString: "FVOUCHERID" });
  expect(rows.flat()).not.toEqual([100_001, 100_002, 100_003]);
});

test("a late commit lands after its delay, and the dump says while it is still to come", async () => {
  const { running, client } = await start([{ kind: "late-commit", operation: "save", delayMs: 150 }]);
  await expect(save(client, "late")).rejects.toThrow();
  expect(running.pendingCommits()).toBe(1);
  expect(await keysInBooks(running)).toEqual([]);
  await expect.poll(() => keysInBooks(running), { timeout: 3_000 }).toEqual(["late"]);
  expect(running.pendingCommits()).toBe(0);
});

test("throttling is MsgCode 14, by fault and by a rate limit", async () => {
  const { running, client } = await start([{ kind: "throttled", operation: "save", times: 1 }]);
  expect(await client.write("Save", { Model: receipt("k") })).toMatchObject({ ok: false, msgCode: 14 });
  expect(await keysInBooks(running)).toEqual([]);
  await running.close();
  simulator = await startKingdeeCloud({ requestsPerSecondMax: 1 });
  const limited = await logIn(simulator);
  const codes: number[] = [];
  for (let time = 0; time < 4; time += 1) codes.push((await limited.write("Save", { Model: receipt("k") })).msgCode);
  expect(codes.filter((code) => code === 14).length).toBeGreaterThanOrEqual(1);
  expect(codes[0]).toBe(0);
});

test("faults are changed while it runs, and their hits are counted", async () => {
  const { running, client } = await start();
  const put = (text: string): Promise<Response> =>
    fetch(`${running.origin}/_sim/faults`, { method: "POST", body: text });
  expect((await put('{"faults":[{"kind":"nonsense"}]}')).status).toBe(400);
  expect((await put('{"faults":[{"kind":"500-before","operation":"save","status":504}]}')).status).toBe(200);
  expect(await save(client, "k")).toMatchObject({ status: 504 });
  const report: unknown = await (await fetch(`${running.origin}/_sim/faults`)).json();
  expect(report).toMatchObject({ hits: { "500-before": 1, hang: 0 }, faults: [{ seen: 1, hits: 1 }] });
  const requests: unknown = await (await fetch(`${running.origin}/_sim/requests`)).json();
  expect(requests).toMatchObject({ totals: { login: 1, save: 1 } });
});

test("a document that a person has open in the client is refused with MsgCode 13", async () => {
  const { client } = await start();
  const [id = 0] = (await client.write("Save", { Model: receipt("k") })).ids;
  await client.person("lock", { id, user: "张会计" });
  const answer = await client.write("Submit", { Ids: String(id) });
  expect(answer).toMatchObject({ ok: false, msgCode: 13 });
  expect(answer.messages[0]).toContain("冲突，请稍候再使用");
  await client.person("lock", { id, locked: false });
  expect((await client.write("Submit", { Ids: String(id) })).ok).toBe(true);
});
