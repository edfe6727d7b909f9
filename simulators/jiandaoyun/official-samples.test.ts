import { afterAll, beforeAll, expect, test } from "vitest";
import { OneReply, Reply, startCompany, type TestCompany } from "./testing.ts";

/**
 * The requests of the vendor's public samples, in their order and with their bodies.
 *
 * Source: jiandaoyun/api-demo, python/starter/api/jdy and node/test/api/jdy, last change 2024-10.
 */
const APP_ID = "62a2fc6f5e66850006738f01";
const ENTRY_ID = "62a2fc6f5e66850006738f02";
const NUMBER = "_widget_1669106585318";
const TEXT = "_widget_1669106585317";
const ADDRESS = "_widget_1669106585320";
const DATE = "_widget_1669106585319";

let company: TestCompany;
beforeAll(async () => {
  const fields = [
    { label: "数字", type: "number", widgetName: NUMBER },
    { label: "单行文本", type: "text", widgetName: TEXT },
    { label: "地址", type: "address", widgetName: ADDRESS },
    { label: "日期", type: "datetime", widgetName: DATE },
  ] as const;
  const forms = [{ name: "样例表单", entry_id: ENTRY_ID, fields: [...fields] }];
  company = await startCompany({ apps: [{ name: "样例", app_id: APP_ID, forms }], switches: { rates: "vendor" } });
});
afterAll(() => company.close());

const address = { city: "北京市", province: "北京市", district: "东城区", detail: "详细地址" };
const sample = {
  [NUMBER]: { value: 321 },
  [TEXT]: { value: "单行文本2333" },
  [ADDRESS]: { value: address },
  [DATE]: { value: 1_654_876_800_000 },
};

async function send(path: string, body: object) {
  const headers = { "Content-Type": "application/json;charset=utf-8" };
  const answer = await company.api(path, { app_id: APP_ID, entry_id: ENTRY_ID, ...body }, headers);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
}
const sendData = (name: string, body: object) => send(`v5/app/entry/data/${name}`, body);

test("app and form lists, and the fields of the form", async () => {
  expect(await send("v5/app/list", { skip: 0, limit: 10 })).toEqual({ apps: [{ name: "样例", app_id: APP_ID }] });
  expect(await send("v5/app/entry/list", { skip: 0, limit: 10 })).toEqual({
    forms: [{ name: "样例表单", app_id: APP_ID, entry_id: ENTRY_ID }],
  });
  expect(await send("v5/app/entry/widget/list", {})).toMatchObject({
    widgets: [{ name: NUMBER, widgetName: NUMBER, label: "数字", type: "number" }, {}, {}, {}],
  });
});

test("one record: create, get, update, delete", async () => {
  const created = OneReply.parse(await sendData("create", { data: sample })).data;
  expect(created).toMatchObject({ [NUMBER]: 321, [ADDRESS]: address, [DATE]: "2022-06-10T16:00:00.000Z" });
  expect(OneReply.parse(await sendData("get", { data_id: created._id })).data).toEqual(created);
  const data = { ...sample, [NUMBER]: { value: 234 }, [TEXT]: { value: "单行文本3344" } };
  const updated = OneReply.parse(await sendData("update", { data, data_id: created._id })).data;
  expect(updated).toMatchObject({ _id: created._id, [NUMBER]: 234, [TEXT]: "单行文本3344" });
  expect(await sendData("delete", { data_id: created._id })).toEqual({ status: "success" });
});

test("many records: batch_create with a transaction id, batch_update, list from a cursor, batch_delete", async () => {
  const batch = { data_list: [sample, sample], transaction_id: "87cd7d71-c6df-4281-9927-469094395677" };
  const created = Reply.parse(await sendData("batch_create", batch));
  expect(created).toMatchObject({ status: "success", success_count: 2 });
  const ids = created.success_ids ?? [];
  expect(await sendData("batch_update", { data_ids: ids, data: { [NUMBER]: { value: 2 } } })).toEqual({
    status: "success",
    success_count: 2,
  });
  const query = (text: string) => ({
    data_id: ids[0],
    limit: 10,
    fields: [NUMBER, TEXT],
    filter: { rel: "and", cond: [{ field: TEXT, type: "text", method: "eq", value: [text] }] },
  });
  expect(await sendData("list", query("单行文本1"))).toEqual({ data: [] });
  expect(await sendData("list", query("单行文本2333"))).toEqual({
    data: [{ _id: ids[1], appId: APP_ID, entryId: ENTRY_ID, [NUMBER]: 2, [TEXT]: "单行文本2333" }],
  });
  expect(await sendData("batch_delete", { data_ids: ids })).toEqual({ status: "success", success_count: 2 });
});

test("all pages are walked by the last id of the page before", async () => {
  await sendData("batch_create", { data_list: Array.from({ length: 25 }, () => sample) });
  const ids: string[] = [];
  for (let page = 0; page < 3; page += 1) {
    const body = await sendData("list", { limit: 10, ...(ids.length === 0 ? {} : { data_id: ids.at(-1) }) });
    ids.push(...JSON.parse(JSON.stringify(body)).data.map((row: { _id: string }) => row._id));
  }
  expect(new Set(ids).size).toBe(25);
});
