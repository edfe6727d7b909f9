import { afterEach, beforeEach, expect, test } from "vitest";
import { APP_ID, COUNT_FORM, OneReply, OTHER_FORM, startCompany, type TestCompany } from "./testing.ts";

let company: TestCompany;
beforeEach(async () => {
  company = await startCompany({ clock: { startAt: "2026-09-01T00:00:00Z", frozen: true } });
});
afterEach(() => company.close());

const FIELDS = "v5/app/entry/widget/list";
const address = { app_id: APP_ID, entry_id: COUNT_FORM };

async function submit(data: object, more: object = {}) {
  return OneReply.parse(await company.person("records/create", { entry_id: COUNT_FORM, data, ...more })).data;
}

async function fields() {
  const { body } = await company.api(FIELDS, address);
  return JSON.parse(JSON.stringify(body));
}

test("the field list shows aliases, ids, subforms and what is hidden", async () => {
  const { widgets, sysWidgets } = await fields();
  expect(widgets[0]).toEqual({
    name: "sku_code",
    widgetName: "_widget_1722900000101",
    label: "商品编码",
    type: "text",
  });
  const lines = widgets.find(({ name }: { name: string }) => name === "lines");
  expect(lines.items).toMatchObject([
    { name: "batch", label: "批次", type: "text" },
    { name: "quantity", label: "数量", type: "number" },
  ]);
  const note = widgets.find(({ label }: { label: string }) => label === "备注");
  expect(note.name).toBe(note.widgetName);
  expect(widgets.map(({ type }: { type: string }) => type)).not.toContain("separator");
  expect(sysWidgets).toContainEqual({ name: "updateTime" });
});

test("a renamed alias changes the keys of every answer, and what is written under the old name is lost", async () => {
  const { _id } = await submit({ sku_code: "A", book_qty: 5 });
  await company.person("forms/alias", { entry_id: COUNT_FORM, field: "book_qty", alias: "quantity_in_book" });
  const { widgets } = await fields();
  expect(widgets[1]).toMatchObject({ name: "quantity_in_book", widgetName: "_widget_1722900000102" });
  await company.data("update", {
    data_id: _id,
    data: { book_qty: { value: 9 }, _widget_1722900000101: { value: "B" } },
  });
  const [row] = await company.list();
  expect(row).toMatchObject({ quantity_in_book: 5, sku_code: "B" });
  expect(row).not.toHaveProperty("book_qty");
  const bad = company.person("forms/alias", { entry_id: COUNT_FORM, field: "sku_code", alias: "Bad-Alias" });
  await expect(bad).rejects.toThrow("3042");
});

test("a field that is removed and added again has a new id and no values", async () => {
  await submit({ book_qty: 5 });
  const before = await fields();
  await company.person("forms/alter", {
    entry_id: COUNT_FORM,
    remove: ["book_qty"],
    add: [{ label: "账面数量", type: "number", alias: "book_qty" }],
  });
  const idOf = ({ widgets }: { widgets: { name: string; widgetName: string }[] }) =>
    widgets.find(({ name }) => name === "book_qty")?.widgetName;
  expect(idOf(await fields())).not.toBe(idOf(before));
  expect((await company.list())[0]).toMatchObject({ book_qty: null });
});

test("every change moves dataModifyTime, even within one millisecond", async () => {
  const times = [(await fields()).dataModifyTime];
  const note = async () => times.push((await fields()).dataModifyTime);
  const { _id: data_id } = await submit({ sku_code: "A" });
  await note();
  await company.data("update", { data_id, data: { sku_code: { value: "B" } } });
  await note();
  await company.person("records/delete", { entry_id: COUNT_FORM, data_id });
  await note();
  await company.person("records/recover", { entry_id: COUNT_FORM, data_id });
  await note();
  await company.person("records/import", { entry_id: COUNT_FORM, rows: [{ sku_code: "C" }] });
  await note();
  expect(new Set(times).size).toBe(times.length);
  expect(times).toEqual(times.toSorted((left, right) => Date.parse(left) - Date.parse(right)));
});

test("a record is created at the time the person says, and its id sorts by it", async () => {
  await submit({ sku_code: "late" }, { at: "2026-08-31T10:00:00+08:00" });
  await submit({ sku_code: "early" }, { at: "2026-08-01 08:00:00", as: "wangcg" });
  const rows = await company.list();
  expect(rows.map((row) => row["sku_code"])).toEqual(["early", "late"]);
  expect(rows[0]).toMatchObject({ createTime: "2026-08-01T00:00:00.000Z", creator: { username: "wangcg" } });
});

test("a person's dates are local: a day is stored as its midnight in Shanghai", async () => {
  expect(await submit({ counted_at: "2026-08-27" })).toMatchObject({ counted_at: "2026-08-26T16:00:00.000Z" });
  expect(await submit({ counted_at: "2026-08-27 10:30" })).toMatchObject({ counted_at: "2026-08-27T02:30:00.000Z" });
});

test("labels work as names, subform rows are plain, and slips are told", async () => {
  const record = await submit({ 商品编码: "A", 明细: [{ 批次: "L1", quantity: 2 }] });
  expect(record).toMatchObject({ sku_code: "A", lines: [{ batch: "L1", quantity: 2 }] });
  await expect(submit({ nonsense: 1 })).rejects.toThrow("no field nonsense");
  await expect(submit({ book_qty: "abc" })).rejects.toThrow("3005");
});

test("the form checks what is required and unique, in single submissions and in imports", async () => {
  const add = (data: object) => company.person("records/create", { entry_id: OTHER_FORM, data });
  await add({ code: "A" });
  await expect(add({ code: "A" })).rejects.toThrow("exists already");
  await expect(add({})).rejects.toThrow("required");
  const rows = [{ code: "B" }, { code: "B" }];
  await expect(company.person("records/import", { entry_id: OTHER_FORM, rows })).rejects.toThrow("twice");
});

test("a deleted record comes back under its own id", async () => {
  const { _id: data_id } = await submit({ sku_code: "A" });
  await company.person("records/delete", { entry_id: COUNT_FORM, data_id });
  expect(await company.list()).toEqual([]);
  await company.person("records/recover", { entry_id: COUNT_FORM, data_id });
  expect(await company.list()).toMatchObject([{ _id: data_id, sku_code: "A", deleteTime: null }]);
});

test("a whole application is set up in one call, with ids by alias", async () => {
  const app = await company.person("apps", {
    name: "采购",
    forms: [{ name: "入库单", fields: [{ label: "单号", type: "text", alias: "receipt_no" }] }],
  });
  expect(app).toMatchObject({
    app_id: expect.stringMatching(/^[0-9a-f]{24}$/),
    forms: [{ name: "入库单", fields: { receipt_no: expect.stringMatching(/^_widget_\d{13}$/) } }],
  });
  expect(await company.person("apps/list", {})).toMatchObject({ apps: [{ name: "仓库管理" }, app] });
});

test("a planted value is answered letter by letter, in a field and in a subform row", async () => {
  const { _id: data_id } = await submit({ book_qty: 5, lines: [{ quantity: 1 }] });
  const target = { entry_id: COUNT_FORM, data_id };
  await company.control("plant", { ...target, field: "book_qty", json: "1e3" });
  await company.control("plant", { ...target, field: "lines", row: 0, inner: "quantity", json: '"a \\"b\\""' });
  const answer = await fetch(`${company.baseUrl}/api/v5/app/entry/data/list`, {
    method: "POST",
    headers: { Authorization: `Bearer ${company.credentials.apiKey}` },
    body: JSON.stringify(address),
  });
  const text = await answer.text();
  expect(text).toContain('"book_qty":1e3,');
  expect(text).toContain('"quantity":"a \\"b\\""');
});
