import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { startYonyouU8, type YonyouU8, type YonyouU8Options } from "./server.ts";
import {
  type Api,
  books,
  eai,
  openApi,
  person,
  receiptLines,
  sql,
  voucherElement,
  voucherJson,
  voucherXml,
} from "./testing.ts";

let simulator: YonyouU8 | undefined;

async function start(faults: YonyouU8Options["faults"] = []): Promise<{ running: YonyouU8; api: Api }> {
  simulator = await startYonyouU8({ faults, asyncDelayMs: 20 });
  return { running: simulator, api: await openApi(simulator) };
}

afterEach(async () => {
  await simulator?.close();
  simulator = undefined;
});

const save = (running: YonyouU8, key: string) => eai(running, voucherXml(receiptLines(), { key }));
const keys = async (running: YonyouU8) => (await books(running)).vouchers.map(({ external }) => external);
const add = (api: Api, key: string, query: Record<string, string> = {}) =>
  api.post(
    "api/voucher/add",
    { biz_id: key, sync: "1", ...query },
    voucherJson(receiptLines(), { voucher_making_system: "CDM", reserve2: key }),
  );

test("a lost answer leaves the voucher in the books when it came after the commit, and only then, on both faces", async () => {
  const { running, api } = await start([
    { kind: "lose-before", operation: "save", match: "before" },
    { kind: "lose-after", operation: "save", match: "after" },
    { kind: "half-answer", operation: "save", match: "half" },
    { kind: "500-after", operation: "save", match: "error" },
    { kind: "unreadable", operation: "save", match: "page" },
  ]);
  await expect(save(running, "before-1")).rejects.toThrow();
  await expect(add(api, "before-2")).rejects.toThrow();
  await expect(save(running, "after-1")).rejects.toThrow();
  await expect(add(api, "after-2")).rejects.toThrow();
  await expect(save(running, "half-1")).rejects.toThrow();
  expect((await save(running, "error-1")).status).toBe(500);
  expect((await save(running, "page-1")).text).toContain("502 Bad Gateway");
  expect(await keys(running)).toEqual(["after-1", "after-2", "half-1", "error-1", "page-1"]);
});

test("EAI fails in every form that integrators have seen", async () => {
  const { running } = await start();
  const answer = async (kind: "200-failure" | "failure-after", variant?: string) => {
    running.faults.replace([{ kind, operation: "save", ...(variant === undefined ? {} : { variant }) }]);
    return save(running, `${kind} ${variant}`);
  };
  expect((await answer("200-failure", "false")).text).toBe("false");
  expect((await answer("200-failure", "empty")).text).toBe("");
  expect((await answer("200-failure", "page")).text).toContain("An error occurred on the server");
  expect((await answer("200-failure", "keyless")).items[0]).toMatchObject({ succeed: "0", dsc: "", u8voucher_id: "" });
  expect((await answer("200-failure")).items[0]).toMatchObject({ succeed: "1" });
  expect(await keys(running)).toEqual([]);
  expect((await answer("failure-after", "gbk")).text).toContain("\ufffd");
  expect((await answer("failure-after", "false")).text).toBe("false");
  expect(await keys(running)).toEqual(["failure-after gbk", "failure-after false"]);
});

test("a late commit comes after its answer was lost, and the next look finds it", async () => {
  const { running, api } = await start([{ kind: "late-commit", operation: "save", delayMs: 2_000 }]);
  await expect(save(running, "late-1")).rejects.toThrow();
  await expect(add(api, "late-2")).rejects.toThrow();
  expect((await books(running)).pendingCommits).toBe(2);
  expect(await sql(running, "select coutno_id from GL_accvouch")).toEqual([]);
  for (let wait = 0; wait < 400 && running.pendingCommits() > 0; wait += 1) await sleep(20);
  expect(new Set(await keys(running))).toEqual(new Set(["late-1", "late-2"]));
});

test("apply-twice saves one voucher where the books know its key, two where a switch makes them blind; already-exists saves one", async () => {
  const { running, api } = await start([{ kind: "apply-twice", operation: "save", match: "twice" }]);
  await save(running, "twice-once");
  expect(await keys(running)).toEqual(["twice-once"]);
  await person(running, "settings", { duplicateKey: "none" });
  expect((await save(running, "twice")).items).toHaveLength(1);
  expect(await add(api, "twice-b")).toMatchObject({ errcode: "0" });
  expect((await keys(running)).slice(1)).toEqual(["twice", "twice", "twice-b", "twice-b"]);
  running.faults.replace([{ kind: "already-exists", operation: "save" }]);
  expect((await save(running, "x")).items[0]).toMatchObject({ succeed: "0", dsc: "数据重复上传", u8voucher_id: "" });
  expect(await add(api, "y")).toMatchObject({ errcode: "20005" });
  expect((await keys(running)).slice(5)).toEqual(["x", "y"]);
});

test("a batch may lose an element, keep silent about one, or break off in the middle", async () => {
  const { running } = await start();
  const batch = (names: readonly string[]) => {
    const elements = names.map((key) => voucherElement(receiptLines(), { key })).join("");
    return eai(running, voucherXml([], {}).replace(/<voucher id[\s\S]*<\/voucher>/, elements));
  };
  running.faults.replace([{ kind: "batch-element-refused", operation: "save", index: 1 }]);
  expect((await batch(["a", "b", "c"])).items.map(({ succeed }) => succeed)).toEqual(["0", "1", "0"]);
  running.faults.replace([{ kind: "batch-element-unnamed", operation: "save", index: 0, done: true }]);
  expect((await batch(["d", "e"])).items).toHaveLength(1);
  running.faults.replace([{ kind: "session-lost-mid-batch", operation: "save", after: 1 }]);
  expect((await batch(["f", "g"])).status).toBe(401);
  expect(await keys(running)).toEqual(["a", "c", "d", "e", "f"]);
});

test("the OpenAPI loses its token, throttles and fails in its own words", async () => {
  const { running, api } = await start([{ kind: "session-lost", operation: "query", times: 1 }]);
  expect(await api.get("api/warehouse/batch_get")).toMatchObject({ errcode: "30012" });
  expect(await api.get("api/warehouse/batch_get")).toMatchObject({ errcode: "30012" });
  const fresh = await openApi(running);
  running.faults.replace([{ kind: "throttled", operation: "query" }]);
  expect(await fresh.get("api/warehouse/batch_get")).toMatchObject({ errcode: "30005" });
  running.faults.replace([{ kind: "200-failure", operation: "save" }]);
  expect(await add(fresh, "k")).toEqual({ errcode: "10001", errmsg: "平台错误" });
  running.faults.replace([{ kind: "200-failure", operation: "save", variant: "30025", message: "操作正在执行" }]);
  expect(await add(fresh, "k")).toEqual({ errcode: "30025", errmsg: "操作正在执行" });
  expect(await keys(running)).toEqual([]);
});

test("requests are counted by verb, and hits by fault", async () => {
  const { running, api } = await start([{ kind: "slow", operation: "save", delayMs: 1 }]);
  await save(running, "k");
  await add(api, "l");
  await sql(running, "select ccode from code");
  const requests: unknown = await (await fetch(`${running.origin}/_sim/requests`)).json();
  expect(requests).toMatchObject({ totals: { login: 1, save: 2, query: 1 } });
  expect(running.faults.hits().slow).toBe(2);
});
