import nock from "nock";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ZhangshiError } from "../../domain/errors.ts";
import type { SourceRecord } from "../contract.ts";
import {
  COUNTS,
  type Company,
  ITEMS,
  line,
  ORDERS,
  RECEIPTS,
  receipt,
  receiptForm,
  settings,
  startCompany,
} from "./testing.ts";

let company: Company;
beforeEach(async () => {
  company = await startCompany();
});
afterEach(async () => company.close());

const readAll = async (sizeMax = 1_000): Promise<readonly SourceRecord[]> => {
  const records: SourceRecord[] = [];
  let cursor = "";
  for (let page = 0; page < 50; page += 1) {
    const read = await company.source.readPage("receipt", cursor, sizeMax);
    records.push(...read.records);
    if (read.last) return records;
    cursor = read.cursor;
  }
  throw new Error("the form does not end");
};
const only = async (): Promise<SourceRecord> => {
  const [record, ...more] = await readAll();
  if (record === undefined || more.length > 0) throw new Error("not one record");
  return record;
};
const importRows = (count: number) =>
  company.person("records/import", {
    entry_id: RECEIPTS,
    rows: Array.from({ length: count }, (_, index) => receipt(`RK-${index}`)),
  });

test("a document becomes movements, its numbers, codes and price untouched by floats", async () => {
  const recordId = await company.enter(receipt("12345678901234567890", [line({ sku_code: "007" }), line()]));
  const record = await only();
  expect(record.problems).toEqual([]);
  expect(record.movements).toHaveLength(2);
  expect(record.movements[0]).toMatchObject({
    company: "demo",
    source: "warehouse",
    form: "receipt",
    recordId,
    revision: 0,
    cancelled: false,
    kind: "purchase-receipt",
    documentNumber: "12345678901234567890",
    happenedAt: "2025-01-31T08:00:00.000Z",
    happenedOn: "2025-01-31",
    item: "007",
    warehouse: "WH-1",
    batch: "B1",
    unit: "件",
    quantity: "12.5",
    // 12.5 × 3.21 = 40.125, and 13 % of 40.13 is 5.2169.
    amount: "40.13",
    taxAmount: "5.22",
    currency: "CNY",
    partner: "S-1",
    invoiced: false,
  });
  expect(record.movements[0]?.lineId).toMatch(/^[0-9a-f]{24}$/);
  expect(record.movements[0]?.lineId).not.toBe(record.movements[1]?.lineId);
});

test("the edge of a month is drawn in Shanghai, and a day alone is that day", async () => {
  await company.enter(receipt("A", undefined, { biz_date: "2025-01-31T16:30:00.000Z" }));
  await company.enter(receipt("B", undefined, { biz_date: "2025-01-31" }));
  const days = (await readAll()).map((record) => record.movements[0]?.happenedOn);
  expect(days).toEqual(["2025-02-01", "2025-01-31"]);
});

test("two hundred lines are one document", async () => {
  await company.enter(
    receipt(
      "A",
      Array.from({ length: 200 }, (_, index) => line({ sku_code: `SKU-${index}` })),
    ),
  );
  expect((await only()).movements).toHaveLength(200);
});

const badLines: readonly [string, object, object][] = [
  ["a zero quantity", line({ actual_qty: 0 }), { code: "QUANTITY_ZERO", field: "actual_qty", value: "0" }],
  ["a negative quantity", line({ actual_qty: -3 }), { code: "QUANTITY_NEGATIVE", field: "actual_qty", value: "-3" }],
  ["no quantity", line({ actual_qty: null }), { code: "FIELD_MISSING", field: "actual_qty" }],
  ["no item", line({ sku_code: " " }), { code: "FIELD_MISSING", field: "sku_code" }],
];
test.each(badLines)("%s stops its document and nothing else", async (_name, bad, problem) => {
  const recordId = await company.enter(receipt("BAD", [line(), bad]));
  await company.enter(receipt("GOOD"));
  const [first, second] = await readAll();
  expect(first?.movements).toEqual([]);
  expect(first?.problems).toMatchObject([{ form: "receipt", recordId, documentNumber: "BAD", ...problem }]);
  expect(first?.problems[0]?.lineId).toMatch(/^[0-9a-f]{24}$/);
  expect(second?.movements).toHaveLength(1);
});

const badHeads: readonly [string, object, object][] = [
  ["an unknown kind", { biz_type: "神秘业务" }, { code: "KIND_UNKNOWN", field: "biz_type", value: "神秘业务" }],
  ["no date", { biz_date: null }, { code: "FIELD_MISSING", field: "biz_date" }],
  ["no document number", { receipt_no: "" }, { code: "FIELD_MISSING", field: "receipt_no" }],
  ["no lines", { lines: [] }, { code: "SUBFORM_EMPTY", field: "lines" }],
];
test.each(badHeads)("%s is a problem of the document", async (_name, over, problem) => {
  await company.enter(receipt("A", [line()], over));
  const record = await only();
  expect(record.movements).toEqual([]);
  expect(record.problems[0]).toMatchObject(problem);
});

const planted: readonly [string, object, object][] = [
  ["1e3", { field: "lines", row: 0, inner: "actual_qty", json: "1e3" }, { code: "NUMBER_UNREADABLE", value: "1e3" }],
  [
    "a number of twenty digits",
    { field: "lines", row: 0, inner: "actual_qty", json: "12345678901234567890" },
    { code: "NUMBER_IMPRECISE", value: "12345678901234567890" },
  ],
  ["words", { field: "lines", row: 0, inner: "actual_qty", json: '"ten"' }, { code: "NUMBER_UNREADABLE" }],
  ["a subform that is none", { field: "lines", json: '"x"' }, { code: "RECORD_UNREADABLE", field: "lines" }],
  ["30 February", { field: "biz_date", json: '"2025-02-30T00:00:00.000Z"' }, { code: "DATE_UNREADABLE" }],
  ["a list for a code", { field: "wh_code", json: '["a"]' }, { code: "RECORD_UNREADABLE", field: "wh_code" }],
  [
    "a document number in a number field",
    { field: "receipt_no", json: "12345678901234567890" },
    { code: "NUMBER_IMPRECISE", field: "receipt_no" },
  ],
];
test.each(planted)("%s is named with its place and value", async (_name, plant, problem) => {
  const recordId = await company.enter(receipt("A"));
  await company.enter(receipt("B"));
  await company.control("plant", { entry_id: RECEIPTS, data_id: recordId, ...plant });
  const [bad, good] = await readAll();
  expect(bad).toMatchObject({ movements: [], problems: [{ recordId, ...problem }] });
  expect(good?.movements).toHaveLength(1);
});

test("the noise of a computed double is not a problem, a real surplus of digits is", async () => {
  await company.enter(receipt("A", [line({ actual_qty: 0.1 + 0.2 })]));
  await company.enter(receipt("B", [line({ actual_qty: 0.1234567 })]));
  const [noisy, tooFine] = await readAll();
  expect(noisy?.movements[0]?.quantity).toBe("0.3");
  expect(tooFine?.problems).toMatchObject([{ code: "LIMIT_DECIMALS", value: "0.1234567" }]);
});

test("a draft carries nothing, and its completion is a change", async () => {
  const recordId = await company.enter(receipt("A", undefined, { doc_status: "草稿" }));
  const draft = await only();
  expect(draft).toMatchObject({ movements: [], problems: [] });
  await company.person("records/update", { entry_id: RECEIPTS, data_id: recordId, data: { doc_status: "已过账" } });
  const done = await only();
  expect(done.movements).toHaveLength(1);
  expect(done.digest).not.toBe(draft.digest);
});

test("the re-read finds an edit and a deletion, and an edit elsewhere changes no digest", async () => {
  const edited = await company.enter(receipt("A"));
  const deleted = await company.enter(receipt("B"));
  const before = new Map((await readAll()).map((record) => [record.recordId, record.digest]));
  const mark = await company.source.changeMark("receipt");
  expect(await company.source.changeMark("receipt")).toBe(mark);

  await company.person("records/update", { entry_id: RECEIPTS, data_id: edited, data: { remark: "看过" } });
  expect(await company.source.changeMark("receipt")).not.toBe(mark);
  expect((await readAll())[0]?.digest).toBe(before.get(edited));

  await company.person("records/update", { entry_id: RECEIPTS, data_id: edited, data: { supplier_code: "S-2" } });
  await company.person("records/bulk-delete", { entry_id: RECEIPTS, data_ids: [deleted] });
  const after = await readAll();
  expect(after.map((record) => record.recordId)).toEqual([edited]);
  expect(after[0]?.digest).not.toBe(before.get(edited));
  expect([...(await company.source.readRecords("receipt", [edited, deleted])).keys()]).toEqual([edited]);
});

test("230 records come in the vendor's order, once each, whatever the size of our pages", async () => {
  await importRows(230);
  const records = await readAll();
  expect(new Set(records.map((record) => record.recordId)).size).toBe(230);
  const small = await readAll(70);
  expect(small.map((record) => record.recordId)).toEqual(records.map((record) => record.recordId));
  const page = await company.source.readPage("receipt", "", 200);
  expect(page.records).toHaveLength(200);
  expect(page.last).toBe(false);
});

test.each(["short-page", "empty-page"])("a %s by mistake does not look like the end", async (variant) => {
  await importRows(230);
  const kind = variant === "empty-page" ? "200-failure" : "reorder";
  await company.faults(kind, "list", { variant, nth: 2 });
  expect(await readAll()).toHaveLength(230);
});

test.each(["repeated-row", "reversed"])("pages that do not move forward are refused (%s)", async (variant) => {
  await importRows(230);
  await company.faults("reorder", "list", { ...(variant === "reversed" ? {} : { variant }), nth: 2 });
  await expect(readAll()).rejects.toMatchObject({ code: "SNAPSHOT_REPEATS" });
  expect(await readAll()).toHaveLength(230);
});

test("records are found by id in chunks, and an ignored filter or an empty answer is noticed", async () => {
  await importRows(150);
  const ids = (await readAll()).map((record) => record.recordId);
  const unknown = "66b1f0a2c3d4e5f6ffffffff";
  expect((await company.source.readRecords("receipt", [...ids, unknown])).size).toBe(150);
  await company.faults("200-failure", "list", { variant: "empty-page", nth: 1 });
  const found = await company.source.readRecords("receipt", [...ids.slice(0, 3), unknown]);
  expect([...found.keys()]).toEqual(ids.slice(0, 3));
});

test("a renamed alias is followed by the field's id, a field that is gone stops its form with its name", async () => {
  await company.enter(receipt("A"));
  expect((await only()).problems).toEqual([]);
  await company.person("forms/alias", { entry_id: RECEIPTS, field: "wh_code", alias: "house" });
  // Without a new look at the form: the missing key is noticed in the rows.
  const [id = ""] = (await readAll()).map((record) => record.recordId);
  expect((await company.source.readRecords("receipt", [id])).get(id)?.movements[0]?.warehouse).toBe("WH-1");
  await company.person("forms/alter", { entry_id: RECEIPTS, remove: ["house"] });
  await expect(company.source.readPage("receipt", "", 100)).rejects.toMatchObject({
    code: "FORM_FIELD_GONE",
    details: { form: "receipt", field: "wh_code" },
  });
});

test.each([
  ["throttled", {}],
  ["throttled", { variant: "8304" }],
  ["throttled", { variant: "429" }],
  ["lose-after", {}],
  ["half-answer", {}],
  ["unreadable", {}],
  ["500-after", { status: 502 }],
] as const)("a read survives %s %o", async (kind, more) => {
  await company.enter(receipt("A"));
  await company.faults(kind, "list", { ...more, times: 2 });
  expect(await readAll()).toHaveLength(1);
});

test("a refusal that waiting cannot cure is not repeated and says what it is", async () => {
  const seen: string[] = [];
  const source = company.connect(
    {},
    {
      secrets: { apiKey: "wrong-key" },
      pacer: { permit: async (lane) => void seen.push(lane) },
    },
  );
  await expect(source.readPage("receipt", "", 10)).rejects.toMatchObject({ code: "LOGIN_REFUSED" });
  expect(seen).toEqual(["all", "fields"]);
});

test.each([
  ["unknown", "8c4f0e6a0b1d4c0f", "17018"],
  ["disabled", "disabled-key", "17018"],
  ["not one word", "two words", "8301"],
])("a key that is %s is a refused log-in, asked once", async (_why, apiKey, vendorCode) => {
  await company.person("keys", { apiKey: "disabled-key", enabled: false }).catch(() => undefined);
  let asked = 0;
  const pacer = { permit: async (lane: string) => void (asked += lane === "all" ? 1 : 0) };
  const source = company.connect({}, { secrets: { apiKey }, pacer });
  await expect(source.readRecords("receipt", [RECORD_ID])).rejects.toMatchObject({ code: "LOGIN_REFUSED", vendorCode });
  expect(asked).toBe(1);
});
const RECORD_ID = "66c2000000000000000000a1";

test("items and counts come from their forms, and a bad row of master data is told", async () => {
  await company.person("records/import", {
    entry_id: ITEMS,
    rows: [
      { sku_code: "007", sku_name: "螺丝", category: "五金", uom: "件", units: [{ other_unit: "箱", factor: 24 }] },
      { sku_code: "", sku_name: "无码", uom: "件" },
      { sku_code: "008", sku_name: "螺母", uom: "件", units: [] },
    ],
  });
  const items = [];
  for await (const item of company.source.items()) items.push(item);
  expect(items).toEqual([
    { code: "007", name: "螺丝", itemClass: "五金", unit: "件", conversions: [{ unit: "箱", factor: "24" }] },
    { code: "008", name: "螺母", itemClass: "", unit: "件", conversions: [] },
  ]);
  expect(company.logged.some((entry) => entry.includes("FIELD_MISSING"))).toBe(true);

  const data = { task_no: "CT-1", sku_code: "007", wh_code: "WH-1", uom: "件", book_qty: 120, counted_qty: 0 };
  await company.person("records/create", {
    entry_id: COUNTS,
    data: { ...data, counted_at: "2025-01-31T16:30:00.000Z" },
  });
  const { records } = await company.source.readPage("count", "", 100);
  expect(records[0]?.counts).toMatchObject([
    { lineId: "1", documentNumber: "CT-1", countedOn: "2025-02-01", bookQuantity: "120", countedQuantity: "0" },
  ]);
});

test("a connection with settings that cannot work is refused by the field's name", () => {
  const broken = { ...settings, forms: { receipt: { ...receiptForm, kinds: { 采购入库: "gift" } } } };
  expect(() => company.connect(broken)).toThrow(ZhangshiError);
  expect(() => company.connect({ rates: { list: 31 } })).toThrow(/rates\.list/);
  expect(() => company.connect({}, { secrets: {} })).toThrow(/SECRET_MISSING/);
});

test("workflow forms count once they are finished", async () => {
  await company.person("forms", {
    app_id: settings.appId,
    name: "调拨",
    entry_id: ORDERS,
    kind: "flow",
    nodes: [{ flow_id: 1, name: "复核", assignees: ["lizg"] }],
    fields: [
      { label: "单号", type: "text", alias: "no" },
      { label: "商品", type: "text", alias: "sku" },
      { label: "数量", type: "number", alias: "qty" },
    ],
  });
  const form = {
    entryId: ORDERS,
    carries: "movements",
    fields: { documentNumber: "no", item: "sku", quantity: "qty" },
    constants: { kind: "transfer", unit: "件" },
    flowState: ["finished"],
  };
  const source = company.connect({ forms: { transfer: form } });
  await company.person("records/create", { entry_id: ORDERS, data: { no: "DB-1", sku: "A", qty: 1 } });
  expect((await source.readPage("transfer", "", 10)).records[0]).toMatchObject({ movements: [], problems: [] });
  const open = company.connect({ forms: { transfer: { ...form, flowState: ["running"] } } });
  expect((await open.readPage("transfer", "", 10)).records[0]?.movements).toMatchObject([{ lineId: "1", unit: "件" }]);
});

test("balances come from their form, zero and negative ones too", async () => {
  await company.person("records/import", {
    entry_id: COUNTS,
    rows: [
      { sku_code: "007", wh_code: "WH-1", book_qty: -2 },
      { sku_code: "008", wh_code: "WH-1", book_qty: 0 },
    ],
  });
  const form = {
    entryId: COUNTS,
    carries: "balances",
    fields: { item: "sku_code", warehouse: "wh_code", quantity: "book_qty" },
  };
  const balances = [];
  for await (const balance of company.connect({ forms: { stock: form } }).balances()) balances.push(balance);
  expect(balances).toEqual([
    { item: "007", warehouse: "WH-1", batch: "", quantity: "-2" },
    { item: "008", warehouse: "WH-1", batch: "", quantity: "0" },
  ]);
});

test("a filter that is ignored in silence is noticed, and the records are asked for one by one", async () => {
  const [wanted, other, gone] = ["a", "b", "c"].map((end) => `66c20000000000000000000${end}`);
  const row = (id: string | undefined) => ({
    _id: id,
    createTime: "2025-01-01T00:00:00.000Z",
    updateTime: "2025-01-01T00:00:00.000Z",
    ...receipt("A", [{ _id: "66c2000000000000000000ff", ...line() }]),
  });
  const widget = (name: string, items?: object[]) => ({
    name,
    widgetName: name,
    type: items ? "subform" : "text",
    items,
  });
  const inner = Object.keys(line()).map((name) => widget(name));
  const asked: string[] = [];
  const vendor = nock("http://jdy.example.test");
  vendor.post("/api/v5/app/entry/widget/list").reply(200, {
    widgets: Object.keys(receipt("A")).map((name) => widget(name, name === "lines" ? inner : undefined)),
  });
  vendor.post("/api/v5/app/entry/data/list").reply(200, { data: [row(wanted), row(other)] });
  vendor
    .post("/api/v5/app/entry/data/get", (body: { data_id: string }) => asked.push(body.data_id) > 0)
    .times(2)
    .reply(() => (asked.at(-1) === wanted ? [200, { data: row(wanted) }] : [400, { code: 4001, msg: "数据不存在" }]));
  try {
    const source = company.connect({}, { baseUrl: "http://jdy.example.test" });
    const found = await source.readRecords("receipt", [wanted ?? "", gone ?? ""]);
    expect([...found.keys()]).toEqual([wanted]);
    expect(found.get(wanted ?? "")?.problems).toEqual([]);
    expect(asked).toEqual([wanted, gone]);
  } finally {
    nock.cleanAll();
    nock.restore();
    nock.activate();
  }
});
