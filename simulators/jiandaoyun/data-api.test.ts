import { afterEach, beforeEach, expect, test } from "vitest";
import { APP_ID, COUNT_FORM, OneReply, OTHER_FORM, Reply, startCompany, type TestCompany } from "./testing.ts";

let company: TestCompany;
beforeEach(async () => {
  company = await startCompany();
});
afterEach(() => company.close());

const wrap = (value: unknown) => ({ value });

async function create(data: object, more: object = {}) {
  const answer = await company.data("create", { data, ...more });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return OneReply.parse(answer.body).data;
}

async function readBack(id: string) {
  return OneReply.parse((await company.data("get", { data_id: id })).body).data;
}

async function batchCreate(rows: object[], more: object = {}) {
  return Reply.parse((await company.data("batch_create", { data_list: rows, ...more })).body);
}

const skus = (count: number) => Array.from({ length: count }, (_, index) => ({ sku_code: wrap(`SKU-${index}`) }));

test("230 rows are read as pages of 100, 100 and 30, ids ascending, none twice", async () => {
  for (const size of [100, 100, 30]) await batchCreate(skus(size));
  const pages: string[][] = [];
  let cursor: string | undefined;
  for (let page = 0; page < 3; page += 1) {
    const rows = await company.list({ limit: 100, ...(cursor === undefined ? {} : { data_id: cursor }) });
    pages.push(rows.map(({ _id }) => _id));
    cursor = rows.at(-1)?._id;
  }
  expect(pages.map((page) => page.length)).toEqual([100, 100, 30]);
  const ids = pages.flat();
  expect(ids).toEqual([...new Set(ids)].toSorted());
});

test("a page has ten rows unless more are asked for, and never more than a hundred", async () => {
  await batchCreate(skus(12));
  expect(await company.list()).toHaveLength(10);
  expect((await company.data("list", { limit: 101 })).body).toMatchObject({ code: 17017 });
});

test("a cursor whose record was deleted still leads to the next id", async () => {
  const { success_ids: ids = [] } = await batchCreate(skus(5));
  await company.data("delete", { data_id: ids[1] });
  const rows = await company.list({ data_id: ids[1] });
  expect(rows.map(({ _id }) => _id)).toEqual(ids.slice(2));
});

test("values that are not wrapped leave an empty record and a success", async () => {
  const { _id } = await create({ sku_code: "SKU-1", book_qty: 5 });
  expect(await readBack(_id)).toMatchObject({ sku_code: "", book_qty: null });
});

test("unknown field names are ignored, unknown options and dangling lookups are stored", async () => {
  const record = await create({
    nonsense: wrap("x"),
    diff_cause: wrap("没有这个选项"),
    task_ref: wrap("66c2000000000000000000a1"),
  });
  expect(record).toMatchObject({ diff_cause: "没有这个选项", task_ref: "66c2000000000000000000a1" });
  expect(record).not.toHaveProperty("nonsense");
});

test("wrong shapes are stored empty with success", async () => {
  const record = await create({
    book_qty: wrap("abc"),
    tags: wrap("破损,短装"),
    counter: wrap({ username: "wangcg" }),
    place: wrap("江苏省无锡市"),
    phone: wrap("13800000000"),
    dept: wrap("公司"),
    counted_at: wrap("2026/08/27"),
  });
  expect(record).toMatchObject({
    book_qty: null,
    tags: [],
    counter: null,
    place: { province: "", city: "", district: "", detail: "" },
    phone: {},
    dept: null,
    counted_at: null,
  });
});

test("right shapes read back in the vendor's read shape", async () => {
  const record = await create({
    sku_code: wrap(7),
    book_qty: wrap("123"),
    tags: wrap(["破损"]),
    counter: wrap("wangcg"),
    place: wrap({ province: "江苏省", city: "无锡市" }),
    phone: wrap({ phone: "13800000000" }),
    dept: wrap(1),
  });
  expect(record).toMatchObject({
    sku_code: "7",
    book_qty: 123,
    tags: ["破损"],
    counter: { username: "wangcg", name: "王仓管", status: 1, type: 0, departments: [1] },
    place: { province: "江苏省", city: "无锡市", district: "", detail: "" },
    phone: { phone: "13800000000", verified: false },
    dept: { dept_no: 1, name: "公司" },
  });
});

test("writes to 选择数据, serial numbers and system fields are ignored", async () => {
  const record = await create({
    sku_link: wrap({ id: "66c2000000000000000000a1" }),
    serial: wrap("00099"),
    creator: wrap("lizg"),
    createTime: wrap("2020-01-01"),
  });
  expect(record).toMatchObject({ sku_link: {}, serial: "00001", creator: { username: "#admin" } });
  expect(record["createTime"]).not.toContain("2020");
});

test("a text longer than any number stays text: leading zeros and twenty digits survive", async () => {
  const record = await create({ sku_code: wrap("007"), _widget_1722900000101: wrap("00012345678901234567") });
  expect(record["sku_code"]).toBe("00012345678901234567");
});

test.each([
  ["2026-08-27 10:30:00", "2026-08-27T10:30:00.000Z"],
  ["2026-08-27T10:30:00", "2026-08-27T10:30:00.000Z"],
  ["2026-08-27T10:30:00+08:00", "2026-08-27T02:30:00.000Z"],
  ["2026-08-27", "2026-08-27T00:00:00.000Z"],
  [1_788_230_400_000, "2026-09-01T02:40:00.000Z"],
  [1_788_230_400, null],
  ["2026年8月27日", null],
  ["2026-02-30", null],
  ["Thu, 27 Aug 2026 10:30:00 GMT", null],
  [0, null],
])("the date %j is stored as %j: without an offset it is UTC", async (sent, stored) => {
  expect((await create({ counted_at: wrap(sent) }))["counted_at"]).toBe(stored);
});

test("updating a subform replaces it: rows not sent are gone, a named row keeps its id, others get new ones", async () => {
  const row = (batch: string, more: object = {}) => ({ batch: wrap(batch), ...more });
  const { _id, lines } = await create({ lines: wrap([row("A", { quantity: wrap(1) }), row("B")]) });
  const [first] = Array.isArray(lines) ? lines : [];
  const kept: unknown = first?._id;
  await company.data("update", {
    data_id: _id,
    data: { lines: wrap([row("A2", { _id: wrap(kept) }), row("C", { _id: wrap("66c2000000000000000009ff") })]) },
  });
  const after = await readBack(_id);
  expect(after["lines"]).toMatchObject([
    { _id: kept, batch: "A2", quantity: null },
    { batch: "C", quantity: null },
  ]);
  expect(JSON.stringify(after["lines"])).not.toContain("66c2000000000000000009ff");
});

test("sending a subform back in its read shape empties it, with success", async () => {
  const record = await create({ lines: wrap([{ batch: wrap("A") }]) });
  await company.data("update", { data_id: record._id, data: { lines: wrap(record["lines"]) } });
  expect(await readBack(record._id)).toMatchObject({ lines: [] });
});

test("200 subform rows are taken, 201 are refused", async () => {
  const rows = Array.from({ length: 201 }, (_, index) => ({ quantity: wrap(index) }));
  expect((await create({ lines: wrap(rows.slice(1)) }))["lines"]).toHaveLength(200);
  expect((await company.data("create", { data: { lines: wrap(rows) } })).body).toMatchObject({ code: 3005 });
});

test("a change clears with {}, clears text with the empty text, and refuses null", async () => {
  const { _id } = await create({ book_qty: wrap(5), sku_code: wrap("A"), tags: wrap(["x"]) });
  await company.data("update", { data_id: _id, data: { book_qty: wrap({}), sku_code: wrap("") } });
  expect(await readBack(_id)).toMatchObject({ book_qty: null, sku_code: "", tags: ["x"] });
  const refused = await company.data("update", { data_id: _id, data: { tags: wrap(null) } });
  expect(refused).toMatchObject({ status: 400, body: { code: 3005 } });
});

test("a repeated transaction overwrites within the hour and doubles after it", async () => {
  const send = (rows: object[]) => batchCreate(rows, { transaction_id: "87cd7d71-c6df" });
  const first = await send(skus(2));
  const second = await send([{ sku_code: wrap("changed") }, { sku_code: wrap("SKU-1") }]);
  expect(second).toMatchObject({ status: "success", success_count: 2, success_ids: [] });
  const rows = await company.list();
  expect(rows.map(({ _id }) => _id)).toEqual(first.success_ids);
  expect(rows[0]).toMatchObject({ sku_code: "changed" });
  company.clock.advance(61 * 60_000);
  expect((await send(skus(2))).success_ids).toHaveLength(2);
  expect(await company.list()).toHaveLength(4);
});

test("a longer repetition adds its new rows, a shorter one leaves the old ones", async () => {
  const more = { transaction_id: "t-1" };
  await batchCreate(skus(2), more);
  expect(await batchCreate(skus(3), more)).toMatchObject({ success_count: 3, success_ids: [expect.any(String)] });
  expect(await batchCreate(skus(1), more)).toMatchObject({ success_count: 3, success_ids: [] });
  expect(await company.list()).toHaveLength(3);
});

test("transaction ids are refused when malformed or used by another form", async () => {
  expect(await batchCreate(skus(1), { transaction_id: "a${b}" })).toMatchObject({ code: 17025 });
  await batchCreate(skus(1), { transaction_id: "t-2" });
  const other = await company.api("v5/app/entry/data/batch_create", {
    app_id: APP_ID,
    entry_id: OTHER_FORM,
    transaction_id: "t-2",
    data_list: [{ code: wrap("A") }],
  });
  expect(other.body).toMatchObject({ code: 17026 });
});

test("batches of 101 are refused, each with its own code; empty ones too", async () => {
  const ids = Array.from({ length: 101 }, () => COUNT_FORM);
  expect(await batchCreate(skus(101))).toMatchObject({ code: 17024 });
  expect((await company.data("batch_update", { data_ids: ids, data: {} })).body).toMatchObject({ code: 17023 });
  expect((await company.data("batch_delete", { data_ids: ids })).body).toMatchObject({ code: 17033 });
  expect(await batchCreate([])).toMatchObject({ code: 3005 });
});

test("batch_update sets one value on many rows, skips unknown ids and leaves subforms alone", async () => {
  const { success_ids: ids = [] } = await batchCreate([{ lines: wrap([{ batch: wrap("A") }]) }, {}]);
  const body = { data_ids: [...ids, COUNT_FORM], data: { book_qty: wrap(2), lines: wrap([]) } };
  expect((await company.data("batch_update", body)).body).toEqual({ status: "success", success_count: 2 });
  const rows = await company.list();
  expect(rows.map((row) => row["book_qty"])).toEqual([2, 2]);
  expect(rows[0]).toMatchObject({ lines: [{ batch: "A" }] });
});

test("deleted and unknown records are 4001; batch_delete counts what it deleted", async () => {
  const { success_ids: ids = [] } = await batchCreate(skus(2));
  expect((await company.data("delete", { data_id: ids[0] })).body).toEqual({ status: "success" });
  for (const name of ["get", "delete"]) {
    expect(await company.data(name, { data_id: ids[0] })).toMatchObject({ status: 400, body: { code: 4001 } });
  }
  expect((await company.data("update", { data_id: ids[0], data: {} })).body).toMatchObject({ code: 4001 });
  expect((await company.data("batch_delete", { data_ids: ids })).body).toEqual({ status: "success", success_count: 1 });
});

test("the API checks neither required nor unique, and stores two records with one key", async () => {
  const address = { app_id: APP_ID, entry_id: OTHER_FORM };
  for (const data of [{ code: wrap("A") }, { code: wrap("A") }, {}]) {
    expect((await company.api("v5/app/entry/data/create", { ...address, data })).status).toBe(200);
  }
});

test("a projection carries the three ids along; [], _id and system names are ignored", async () => {
  await create({ sku_code: wrap("A"), book_qty: wrap(1) });
  const [narrow] = await company.list({ fields: ["sku_code"] });
  expect(Object.keys(narrow ?? {})).toEqual(["_id", "appId", "entryId", "sku_code"]);
  for (const fields of [[], ["_id"], ["updateTime"]]) {
    const [full] = await company.list({ fields });
    expect(full).toHaveProperty("book_qty", 1);
  }
});

test("a stored file key needs the transaction it was uploaded under", async () => {
  const token = await company.api("v5/app/entry/file/get_upload_token", {
    app_id: APP_ID,
    entry_id: COUNT_FORM,
    transaction_id: "files-1",
  });
  const pairs = JSON.parse(JSON.stringify(token.body)).token_and_url_list;
  expect(pairs).toHaveLength(100);
  const upload = async () => {
    const form = new FormData();
    form.set("token", pairs[0].token);
    form.set("file", new Blob(["picture"], { type: "image/png" }), "a.png");
    return fetch(pairs[0].url, { method: "POST", body: form });
  };
  const { key } = JSON.parse(await (await upload()).text());
  expect((await upload()).status).toBe(579);

  expect(await create({ photos: wrap([key]) })).toMatchObject({ photos: [] });
  const bound = await create({ photos: wrap([key]) }, { transaction_id: "files-1" });
  expect(bound).toMatchObject({ photos: [{ name: "a.png", mime: "image/png", size: 7 }] });
  const url = JSON.parse(JSON.stringify(bound["photos"]))[0].url;
  expect(await (await fetch(url)).text()).toBe("picture");
  company.clock.advance(15 * 86_400_000 + 1);
  expect((await fetch(url)).status).toBe(404);
});

test("numbers are doubles and written in their shortest form", async () => {
  const answer = await fetch(`${company.baseUrl}/api/v5/app/entry/data/create`, {
    method: "POST",
    headers: { Authorization: `Bearer ${company.credentials.apiKey}` },
    body: `{"app_id":"${APP_ID}","entry_id":"${COUNT_FORM}","data":{"book_qty":{"value":118.0}}}`,
  });
  expect(await answer.text()).toContain('"book_qty":118,');
  expect(await create({ book_qty: wrap(0.1) })).toMatchObject({ book_qty: 0.1 });
});

test("strict switches refuse what is otherwise swallowed", async () => {
  await company.control("switches", { badValues: "strict" });
  expect((await company.data("create", { data: { book_qty: wrap("abc") } })).body).toMatchObject({ code: 3005 });
  expect((await company.data("create", { data: { serial: wrap("1") } })).body).toMatchObject({ code: 17032 });
});

test("a stock rule stops the single write that would go negative, and lets the batch pass", async () => {
  await company.person("apps", {
    name: "进销存",
    app_id: "66b1f0a2c3d4e5f600000009",
    forms: [
      {
        name: "流水",
        entry_id: "66b1f0a2c3d4e5f600000901",
        fields: [
          { label: "商品", type: "text", alias: "sku" },
          { label: "数量", type: "number", alias: "quantity" },
        ],
      },
    ],
    aggregates: [
      {
        name: "库存",
        minimum: 0,
        sources: [{ entry_id: "66b1f0a2c3d4e5f600000901", dimensions: ["sku"], value: "quantity", sign: 1 }],
      },
    ],
  });
  const address = { app_id: "66b1f0a2c3d4e5f600000009", entry_id: "66b1f0a2c3d4e5f600000901" };
  const issue = { sku: wrap("A"), quantity: wrap(-1) };
  const single = await company.api("v5/app/entry/data/create", { ...address, data: issue });
  expect(single.body).toMatchObject({ code: 4402 });
  const batch = await company.api("v5/app/entry/data/batch_create", { ...address, data_list: [issue] });
  expect(batch.body).toMatchObject({ success_count: 1 });
});
