import { afterEach, beforeEach, expect, test } from "vitest";
import { signPush } from "./push.ts";
import {
  COUNT_FORM,
  OneReply,
  type Receiver,
  startCompany,
  startReceiver,
  type TestCompany,
  until,
} from "./testing.ts";

let company: TestCompany;
let receiver: Receiver;
beforeEach(async () => {
  company = await startCompany();
});
afterEach(async () => {
  await company.close();
  await receiver.close();
});

const SECRET = "wms-demo-secret";
const DAY_MS = 86_400_000;

async function listenTo(status?: (count: number) => number | undefined, more: object = {}) {
  receiver = await startReceiver(status);
  await company.person("pushes", { entry_id: COUNT_FORM, url: receiver.url, secret: SECRET, ...more });
}

async function submit(data: object = { sku_code: "SKU-1" }) {
  return OneReply.parse(await company.person("records/create", { entry_id: COUNT_FORM, as: "wangcg", data })).data;
}

function pushed(index: number) {
  const push = receiver.received[index];
  if (push === undefined) throw new Error(`no push ${index}`);
  return { ...push, json: JSON.parse(push.body) };
}

async function logged(): Promise<{
  deliveries: { state: string; attempts: unknown[] }[];
  pushes: { enabled: boolean }[];
}> {
  return JSON.parse(JSON.stringify(await company.person("pushes/log", {})));
}

test("the signature agrees with the worked vectors", async () => {
  receiver = await startReceiver();
  const body =
    '{"op":"data_update","opTime":1788230400123,"data":{"_id":"66c2000000000000000000a1","appId":"66b1f0a2c3d4e5f600000001","entryId":"66b1f0a2c3d4e5f600000202","formName":"盘点明细","counted_qty":118}}';
  expect(Buffer.byteLength(body)).toBe(201);
  expect(signPush("7c1e9a", body, SECRET, "1788230400")).toBe("4fc81a56ccc486626d9bf67977a03a310ebdf14a");
  const spelled = body.replace("118}}", "118.0}}");
  expect(signPush("7c1e9a", spelled, SECRET, "1788230400")).toBe("566a66824082f0884fe2576303e98784c50d1b85");
  expect(signPush("a1b2c3", '{"op":"data_test"}', SECRET, "1788230401")).toBe(
    "7c5ffe790759f58202fae9f7a2306788bc431073",
  );
});

test("API writes push nothing; then one change by a person pushes exactly once", async () => {
  await listenTo();
  const wrap = (value: unknown) => ({ value });
  const created = await company.data("create", { data: { sku_code: wrap("A") }, is_start_trigger: true });
  const data_id = OneReply.parse(created.body).data._id;
  await company.data("batch_create", { data_list: [{ sku_code: wrap("B") }], transaction_id: "t" });
  await company.data("update", { data_id, data: { sku_code: wrap("C") }, is_start_trigger: true });
  await company.data("batch_update", { data_ids: [data_id], data: { sku_code: wrap("D") } });
  await company.data("delete", { data_id });
  await submit();
  await until(() => receiver.received.length > 0);
  expect(receiver.received).toHaveLength(1);
  expect(pushed(0).json.op).toBe("data_create");
  expect((await logged()).deliveries).toHaveLength(1);
});

test("imports and bulk operations by a person push nothing", async () => {
  await listenTo();
  const imported = await company.person("records/import", { entry_id: COUNT_FORM, rows: [{ sku_code: "A" }] });
  const { data_ids } = JSON.parse(JSON.stringify(imported));
  await company.person("records/bulk-update", { entry_id: COUNT_FORM, data_ids, data: { sku_code: "B" } });
  await company.person("records/bulk-delete", { entry_id: COUNT_FORM, data_ids });
  await company.person("records/bulk-recover", { entry_id: COUNT_FORM, data_ids });
  expect((await logged()).deliveries).toEqual([]);
});

test("a push is signed over its raw bytes, carries a deliver id, and keeps the query of the address", async () => {
  await listenTo();
  const record = await submit({ sku_code: "SKU-1", book_qty: 120, counter: "lizg" });
  await until(() => receiver.received.length === 1);
  const { url, headers, body, json } = pushed(0);
  const nonce = url.searchParams.get("nonce") ?? "";
  const timestamp = url.searchParams.get("timestamp") ?? "";
  expect(nonce).toMatch(/^[0-9a-f]{6}$/);
  expect(timestamp).toMatch(/^\d{10}$/);
  expect(url.searchParams.get("tenant")).toBe("1");
  expect(headers["x-jdy-signature"]).toBe(signPush(nonce, body, SECRET, timestamp));
  expect(headers["x-jdy-deliverid"]).toMatch(/^[0-9a-f-]{36}$/);
  expect(json).toMatchObject({
    op: "data_create",
    data: { _id: record._id, formName: "盘点明细", sku_code: "SKU-1", book_qty: 120, deleter: null, flowState: null },
  });
  expect(json.data.creator).toEqual({
    _id: expect.any(String),
    name: "王仓管",
    username: "wangcg",
    status: 1,
    type: 0,
  });
});

test("change, deletion, recovery and an alias each push their own event; a deletion carries ids only", async () => {
  await listenTo();
  const { _id: data_id } = await submit();
  const address = { entry_id: COUNT_FORM, data_id };
  const steps: [string, object][] = [
    ["records/update", { ...address, data: { book_qty: 5 } }],
    ["records/delete", address],
    ["records/recover", address],
    ["forms/alias", { entry_id: COUNT_FORM, field: "book_qty", alias: "quantity_in_book" }],
  ];
  for (const [count, [action, body]] of steps.entries()) {
    await until(() => receiver.received.length > count);
    await company.person(action, body);
  }
  await until(() => receiver.received.length === 5);
  const ops = receiver.received.map(({ body }) => JSON.parse(body).op);
  expect(ops).toEqual(["data_create", "data_update", "data_remove", "data_recover", "form_update"]);
  expect(Object.keys(pushed(2).json.data)).toEqual(["_id", "appId", "entryId", "formName", "deleter", "deleteTime"]);
  expect(pushed(4).json.data.widgets).toContainEqual({
    name: "quantity_in_book",
    widgetName: "_widget_1722900000102",
    label: "账面数量",
    type: "number",
  });
  const ids = new Set(receiver.received.map(({ headers }) => headers["x-jdy-deliverid"]));
  expect(ids.size).toBe(5);
});

test("a refused push is tried five times in all, each time signed anew under one deliver id", async () => {
  await listenTo(() => 500);
  await submit();
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    await until(async () => (await logged()).deliveries[0]?.attempts.length === attempt);
    company.clock.advance(DAY_MS);
  }
  expect((await logged()).deliveries[0]).toMatchObject({ state: "given-up" });
  expect(receiver.received).toHaveLength(5);
  expect(new Set(receiver.received.map(({ headers }) => headers["x-jdy-deliverid"])).size).toBe(1);
  expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
  expect(new Set(receiver.received.map(({ url }) => url.searchParams.get("nonce"))).size).toBe(5);
});

test("a receiver that is too slow gets the push again", async () => {
  await company.control("switches", { pushTimeoutMs: 100, pushRetryMs: [0] });
  await listenTo((count) => (count === 1 ? undefined : 200));
  await submit();
  await until(async () => (await logged()).deliveries[0]?.state === "delivered");
  expect(receiver.received).toHaveLength(2);
});

test("after a hundred failures in a row the push is switched off, and a person switches it on again", async () => {
  await company.control("switches", { pushFailuresMax: 3, pushRetryMs: [] });
  await listenTo(() => 404);
  for (let count = 1; count <= 3; count += 1) {
    await submit();
    await until(async () => (await logged()).deliveries[count - 1]?.state === "given-up");
  }
  const [push] = JSON.parse(JSON.stringify(await company.person("pushes/log", {}))).pushes;
  expect(push).toMatchObject({ enabled: false, failures: 3 });
  await submit();
  expect((await logged()).deliveries).toHaveLength(3);
  await company.person("pushes/alter", { push_id: push.id, enabled: true });
  await submit();
  expect((await logged()).deliveries).toHaveLength(4);
});

test("the connection test and an unwanted event: the one is sent, the other is not", async () => {
  await listenTo(undefined, { events: ["data_remove"] });
  await submit();
  const [push] = JSON.parse(JSON.stringify(await company.person("pushes/log", {}))).pushes;
  await company.person("pushes/test", { push_id: push.id });
  await until(() => receiver.received.length === 1);
  expect(pushed(0).json).toMatchObject({ op: "data_test", data: {} });
});

test("faults of pushes: lost, doubled, wrongly signed, overtaken", async () => {
  await listenTo();
  const misbehave = (fault: object) =>
    company.control("faults", { faults: [{ operation: "push", times: 1, ...fault }] });
  const ids: string[] = [];
  const faults = [{ kind: "lose-before" }, { kind: "apply-twice" }, { kind: "200-failure", variant: "bad-signature" }];
  for (const fault of faults) {
    await misbehave(fault);
    ids.push((await submit())._id);
    await until(async () => (await logged()).deliveries.every(({ state }) => state === "delivered"));
  }
  await misbehave({ kind: "reorder" });
  for (let count = 0; count < 2; count += 1) ids.push((await submit())._id);
  await until(() => receiver.received.length === 5);
  const arrived = receiver.received.map(({ body }) => ids.indexOf(JSON.parse(body).data._id));
  expect(arrived).toEqual([1, 1, 2, 4, 3]);
  const { url, headers, body } = pushed(2);
  const [nonce, timestamp] = [url.searchParams.get("nonce") ?? "", url.searchParams.get("timestamp") ?? ""];
  expect(headers["x-jdy-signature"]).not.toBe(signPush(nonce, body, SECRET, timestamp));
});
