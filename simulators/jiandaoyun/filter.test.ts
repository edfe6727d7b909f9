import { afterAll, beforeAll, expect, test } from "vitest";
import { startCompany, type TestCompany } from "./testing.ts";

let company: TestCompany;
const wrap = (value: unknown) => ({ value });

beforeAll(async () => {
  company = await startCompany({ clock: { startAt: "2026-08-31T15:00:00Z", frozen: true } });
  const rows = [
    { sku_code: wrap("A"), book_qty: wrap(10), counted_at: wrap("2026-08-31T15:59:59.000Z"), tags: wrap(["x", "y"]) },
    { sku_code: wrap("B"), book_qty: wrap(20), counted_at: wrap("2026-08-31T16:00:00.000Z"), counter: wrap("lizg") },
    { book_qty: wrap(30), tags: wrap(["x"]) },
  ];
  for (const data of rows) await company.data("create", { data, data_creator: "wangcg" });
});
afterAll(() => company.close());

/** Which of the three rows come back, by quantity. */
async function found(cond: object[], rel = "and") {
  const rows = await company.list({ filter: { rel, cond } });
  return rows.map((row) => row["book_qty"]);
}

test.each([
  [{ field: "sku_code", type: "text", method: "eq", value: ["A"] }, [10]],
  [{ field: "sku_code", method: "in", value: ["A", "B"] }, [10, 20]],
  [{ field: "sku_code", method: "ne", value: ["A"] }, [20, 30]],
  [{ field: "sku_code", method: "empty" }, [30]],
  [{ field: "sku_code", method: "not_empty" }, [10, 20]],
  [{ field: "_widget_1722900000101", method: "eq", value: ["B"] }, [20]],
  [{ field: "book_qty", method: "gt", value: [10] }, [20, 30]],
  [{ field: "book_qty", method: "range", value: [10, 20] }, [10, 20]],
  [{ field: "book_qty", method: "range", value: [null, 10] }, [10]],
  [{ field: "counted_at", method: "range", value: ["2026-08-31T16:00:00.000Z", null] }, [20]],
  [{ field: "counted_at", method: "eq", value: ["2026-09-01"] }, [20]],
  [{ field: "tags", method: "all", value: ["x", "y"] }, [10]],
  [{ field: "tags", method: "in", value: ["x"] }, [10, 30]],
  [{ field: "counter", method: "eq", value: ["lizg"] }, [20]],
  [{ field: "creator", method: "eq", value: ["wangcg"] }, [10, 20, 30]],
  [{ field: "createTime", method: "range", value: ["2026-08-31T15:00:00Z", "2026-08-31T15:00:00Z"] }, [10, 20, 30]],
])("the condition %j finds %j", async (condition, expected) => {
  expect(await found([condition])).toEqual(expected);
});

test.each([
  [{ field: "nonsense", method: "eq", value: ["A"] }],
  [{ field: "sku_code", method: "contains", value: ["A"] }],
  [{ field: "sku_code", method: "like", value: ["A"] }],
  [{ field: "book_qty", method: "eq", value: ["10"] }],
  [{ field: "_id", method: "eq", value: ["66c2000000000000000000a1"] }],
  [{ field: "updateTime", method: "range", value: ["2030-01-01", null] }],
  [{ field: "createTime", method: "gt", value: ["2030-01-01"] }],
  [{ field: "lines", method: "eq", value: ["A"] }],
  [{ field: "counter", method: "nin", value: ["nobody"] }],
  [{ field: "sku_code", method: "eq", value: "A" }],
])("the wrong condition %j is dropped: everything comes back, or 4815 when strict", async (condition) => {
  expect(await found([condition])).toEqual([10, 20, 30]);
  await company.control("switches", { filterErrors: "strict" });
  const refused = await company.data("list", { filter: { rel: "and", cond: [condition] } });
  await company.control("switches", { filterErrors: "silent" });
  expect(refused).toMatchObject({ status: 400, body: { code: 4815 } });
});

test("a dropped condition leaves the others in force", async () => {
  const nonsense = { field: "nonsense", method: "eq", value: ["A"] };
  expect(await found([nonsense, { field: "sku_code", method: "eq", value: ["A"] }])).toEqual([10]);
});

test("or finds what fits one of the conditions", async () => {
  const cond = [
    { field: "sku_code", method: "eq", value: ["A"] },
    { field: "book_qty", method: "eq", value: [30] },
  ];
  expect(await found(cond, "or")).toEqual([10, 30]);
});

test("data_id finds records by their ids, in order, with the cursor still counting", async () => {
  const all = await company.list();
  const ids = all.map(({ _id }) => _id);
  const cond = [{ field: "data_id", type: "dataid", method: "in", value: ids.toReversed() }];
  expect(await found(cond)).toEqual([10, 20, 30]);
  const rest = await company.list({ filter: { rel: "and", cond }, data_id: ids[0] });
  expect(rest.map(({ _id }) => _id)).toEqual(ids.slice(1));
});

test("a thousand values are taken, one more is refused", async () => {
  const value = Array.from({ length: 1001 }, (_, index) => (index === 0 ? "A" : `-${index}`));
  expect(await found([{ field: "sku_code", method: "in", value: value.slice(0, 1000) }])).toEqual([10]);
  const refused = await company.data("list", {
    filter: { rel: "and", cond: [{ field: "sku_code", method: "in", value }] },
  });
  expect(refused.body).toMatchObject({ code: 4815 });
});
