import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { startYonyouU8, type YonyouU8 } from "./server.ts";
import { type Api, books, eai, openApi, person, receiptLines, voucherJson, voucherXml } from "./testing.ts";

let simulator: YonyouU8;
let api: Api;
const clock = { now: Date.parse("2025-01-20T02:00:00Z") };

beforeEach(async () => {
  clock.now = Date.parse("2025-01-20T02:00:00Z");
  simulator = await startYonyouU8({ clock: () => clock.now, asyncDelayMs: 400 });
  api = await openApi(simulator);
});

afterEach(async () => {
  await simulator.close();
});

const Waiting = z.strictObject({ url: z.string(), ping_after: z.number(), tradeid: z.string() });

async function finished(accepted: Record<string, unknown>): Promise<Record<string, unknown>> {
  const { url } = Waiting.parse(accepted);
  for (let poll = 0; poll < 200; poll += 1) {
    const answer = z.record(z.string(), z.unknown()).parse(await (await fetch(url)).json());
    if (answer["url"] === undefined) return answer;
    await sleep(10);
  }
  throw new Error("the result never came");
}

const external = (key: string): Record<string, unknown> => ({ voucher_making_system: "CDM", reserve2: key });

test("token and tradeid are handed out; wrong secrets and old tokens are refused in the vendor's words", async () => {
  const { from_account, app_key } = simulator.credentials;
  const wrong = new URLSearchParams({ from_account, app_key, app_secret: "no" });
  const refused: unknown = await (await fetch(`${simulator.baseUrl}system/token?${wrong.toString()}`)).json();
  expect(refused).toMatchObject({ errcode: "30002" });
  expect(await api.tradeId()).toMatch(/^[0-9a-f]{32}$/);
  expect(await api.get("api/warehouse/batch_get", { to_account: "" })).toMatchObject({ errcode: "30001" });
  clock.now += 7_200_000;
  expect(await api.get("api/warehouse/batch_get")).toEqual({ errcode: "30012", errmsg: "参数token已过期" });
});

test("a synchronous add answers with the 凭证号 and is seen through both faces", async () => {
  const tradeid = await api.tradeId();
  const added = await api.post("api/voucher/add", { tradeid, sync: "1" }, voucherJson(receiptLines(), external("K-1")));
  expect(added).toEqual({ errcode: "0", errmsg: "", tradeid, id: "1" });
  expect(await api.get("api/voucherlist/batch_get", { coutno_id: "K-1" })).toMatchObject({
    errcode: "0",
    row_count: "2",
    voucherlist: { entry: [{ ino_id: "1", code: "1405", debit_amount: "128.50", coutno_id: "K-1" }, {}] },
  });
  expect(await api.get("api/voucherdetails/batch_get", { coutno_id: "K-1" })).toMatchObject({
    voucherdetails: [
      { inid: "1", md: "128.50", nd_s: "10", citem_id: "M-001", iflag: "0" },
      { inid: "2", mc: "128.50", csup_id: "VEN001" },
    ],
  });
  expect((await eai(simulator, voucherXml(receiptLines(), { key: "K-1" }))).items[0]?.["dsc"]).toBe("数据重复上传");
});

test("an asynchronous add has no errcode, and its result is polled without a token", async () => {
  const tradeid = await api.tradeId();
  const accepted = await api.post("api/voucher/add", { tradeid }, voucherJson(receiptLines(), external("K")));
  expect(Waiting.parse(accepted)).toMatchObject({ ping_after: 1, tradeid });
  expect(await (await fetch(Waiting.parse(accepted).url)).json()).toHaveProperty("url");
  expect(await finished(accepted)).toEqual({ errcode: "0", errmsg: "", tradeid, id: "1" });
  const failing = await api.post("api/voucher/add", { biz_id: "B" }, voucherJson([]));
  expect(await finished(failing)).toMatchObject({ errcode: "20005", errmsg: "U8 服务调用失败:key='';凭证没有分录;" });
  const gone: unknown = await (await fetch(`${simulator.baseUrl}result?requestid=none`)).json();
  expect(gone).toEqual({ errcode: "30026", errmsg: "结果不存在" });
  await person(simulator, "settings", { pollRunning: "30025" });
  const running = await api.post("api/voucher/add", { biz_id: "C" }, voucherJson(receiptLines()));
  expect(await (await fetch(Waiting.parse(running).url)).json()).toEqual({ errcode: "30025", errmsg: "操作正在执行" });
});

test("a biz_id or tradeid leads to one document: repeated it gives the first result, a failed one runs again", async () => {
  const add = (query: Record<string, string>, body: unknown) =>
    api.post("api/voucher/add", { sync: "1", ...query }, body);
  const first = await add({ biz_id: "B-1" }, voucherJson(receiptLines()));
  expect(await add({ biz_id: "B-1" }, voucherJson(receiptLines("1")))).toEqual(first);
  const [debit] = receiptLines();
  expect(await add({ biz_id: "B-2" }, voucherJson(debit ? [debit] : []))).toMatchObject({ errcode: "20005" });
  expect(await add({ biz_id: "B-2" }, voucherJson(receiptLines()))).toMatchObject({ errcode: "0", id: "2" });
  const tradeid = await api.tradeId();
  expect(await add({ tradeid }, voucherJson(receiptLines()))).toMatchObject({ id: "3" });
  expect(await add({ tradeid }, voucherJson(receiptLines()))).toMatchObject({ id: "3" });
  expect(await add({ tradeid: "f".repeat(32) }, voucherJson(receiptLines()))).toMatchObject({ errcode: "30013" });
  expect(await add({}, voucherJson(receiptLines()))).toMatchObject({ errcode: "30014" });
  expect(await add({ tradeid, biz_id: "B" }, voucherJson(receiptLines()))).toMatchObject({ errcode: "30014" });
  await api.post("api/voucher/add", { biz_id: "B-3" }, voucherJson(receiptLines()));
  expect(await add({ biz_id: "B-3" }, voucherJson(receiptLines()))).toMatchObject({ errcode: "30025" });
  expect((await books(simulator)).vouchers.length).toBeLessThanOrEqual(4);
});

test("reserve2 demands CDM, and a repeated one is refused", async () => {
  const add = (head: Record<string, unknown>, biz_id: string) =>
    api.post("api/voucher/add", { sync: "1", biz_id }, voucherJson(receiptLines(), head));
  expect(await add({ reserve2: "K" }, "1")).toMatchObject({ errcode: "20005" });
  expect(await add(external("K"), "2")).toMatchObject({ errcode: "0" });
  expect(await add(external("K"), "3")).toEqual({
    errcode: "20005",
    errmsg: "U8 服务调用失败:key='';数据重复上传;",
  });
});

test("an external voucher is voided by its reserve2 and by nothing else", async () => {
  await api.post("api/voucher/add", { sync: "1", biz_id: "1" }, voucherJson(receiptLines(), external("K")));
  const [voucher] = (await books(simulator)).vouchers;
  for (const act of ["void", "delete", "change"]) {
    expect(await person(simulator, act, { id: voucher?.id })).toMatchObject({
      ok: false,
      message: "外部凭证不能在总账中修改或删除",
    });
  }
  expect(await api.post("api/voucher/cancel", { id: "nothing" }, {})).toMatchObject({ errcode: "20005" });
  expect(await api.post("api/voucher/cancel", { id: "K" }, {})).toEqual({ errcode: "0", errmsg: "" });
  expect((await books(simulator)).vouchers[0]?.invalid).toBe(true);
  expect(await api.get("api/voucherdetails/batch_get", { coutno_id: "K" })).toMatchObject({
    voucherdetails: [{ iflag: "1" }, { iflag: "1" }],
  });
});

test("money beyond a float's digits arrives exact", async () => {
  const body = JSON.stringify(voucherJson(receiptLines("1")))
    .replaceAll('"natural_debit_currency":1', '"natural_debit_currency":999999999999.99')
    .replaceAll('"natural_credit_currency":1', '"natural_credit_currency":999999999999.99')
    .replaceAll('"debit_quantity":10', '"debit_quantity":123456789012.000001');
  const { from_account, to_account, app_key } = simulator.credentials;
  const query = new URLSearchParams({ from_account, to_account, app_key, token: api.token, biz_id: "1", sync: "1" });
  await fetch(`${simulator.baseUrl}api/voucher/add?${query.toString()}`, { method: "POST", body });
  expect((await books(simulator)).vouchers[0]?.entries[0]).toMatchObject({
    debit: "999999999999.99",
    quantity: "123456789012.0000010000",
  });
});

test("pages are counted in text, from 1, and are cut at the end", async () => {
  const page = (page_index: string) => api.get("api/code/batch_get", { page_index, rows_per_page: "20" });
  const first = await page("1");
  expect(first).toMatchObject({ page_index: "1", rows_per_page: "20" });
  expect(z.array(z.unknown()).parse(first["code"])).toHaveLength(20);
  const count = Number(first["row_count"]);
  const last = await page(String(first["page_count"]));
  expect(z.array(z.unknown()).parse(last["code"])).toHaveLength(count % 20);
  expect(await page("99")).toMatchObject({ code: [] });
});

test("periods, rights and the limit of calls per token", async () => {
  await person(simulator, "close-period", { period: "2025-01", module: "st" });
  expect(await api.get("api/mendst/batch_get", { rows_per_page: "100" })).toMatchObject({
    mendst: expect.arrayContaining([{ iyear: "2025", iperiod: "1", bflag_ST: "1" }]),
  });
  expect(await api.get("api/mendglgz/batch_get", { rows_per_page: "100" })).toMatchObject({
    mendglgz: expect.arrayContaining([{ iyear: "2025", iperiod: "1", bflag: "0", bflag_GLGZ: "0" }]),
  });
  expect(await api.get("api/period/batch_get", { rows_per_page: "1" })).toMatchObject({
    period: [{ cacc_id: "001", iyear: "2024", iid: "1", dbegin: "2024-01-01", dend: "2024-01-31" }],
  });
  await person(simulator, "rights", { resource: "voucher", operation: "add", granted: false });
  expect(await api.post("api/voucher/add", { biz_id: "1" }, voucherJson(receiptLines()))).toMatchObject({
    errcode: "30003",
  });
  await person(simulator, "rights", { resource: "voucher", operation: "add", granted: true });
  expect(await api.get("api/nothing/batch_get")).toMatchObject({ errcode: "30003" });
  const few = await startYonyouU8({ callsPerTokenMax: 2 });
  try {
    const limited = await openApi(few);
    await limited.get("api/warehouse/batch_get");
    await limited.get("api/warehouse/batch_get");
    expect(await limited.get("api/warehouse/batch_get")).toMatchObject({ errcode: "30005" });
  } finally {
    await few.close();
  }
});
