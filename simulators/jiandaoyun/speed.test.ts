import { afterAll, beforeAll, expect, test } from "vitest";
import { COUNT_FORM, startCompany, type TestCompany } from "./testing.ts";

/** Bounds a good deal wider than what was measured, so that a busy machine does not fail them. */
const ROWS = 100_000;
const BATCHES = 50;
const ROWS_PER_SECOND_MIN = 1_000;
const LIST_MS_MAX = 30_000;

let company: TestCompany;
beforeAll(async () => {
  company = await startCompany();
});
afterAll(() => company.close());

test("batch_create takes at least a thousand rows a second", async () => {
  const row = {
    sku_code: { value: "SKU-1" },
    book_qty: { value: 12.5 },
    counted_at: { value: "2026-08-27T00:00:00Z" },
  };
  const lines = { value: [{ batch: { value: "L1" }, quantity: { value: 3 } }] };
  const data_list = Array.from({ length: 100 }, () => ({ ...row, lines }));
  const startedAt = performance.now();
  for (let batch = 0; batch < BATCHES; batch += 1) await company.data("batch_create", { data_list });
  const seconds = (performance.now() - startedAt) / 1000;
  expect((BATCHES * 100) / seconds).toBeGreaterThan(ROWS_PER_SECOND_MIN);
});

test("a hundred thousand records are listed to the end without a page slowing down", async () => {
  const rows = Array.from({ length: ROWS }, (_, index) => ({ sku_code: `SKU-${index}`, book_qty: index }));
  await company.person("records/import", { entry_id: COUNT_FORM, rows });
  const startedAt = performance.now();
  let cursor: string | undefined;
  let count = 0;
  for (let page = 0; page <= ROWS / 100 + BATCHES; page += 1) {
    const body = { limit: 100, fields: ["sku_code"], ...(cursor === undefined ? {} : { data_id: cursor }) };
    const records = await company.list(body);
    count += records.length;
    cursor = records.at(-1)?._id;
    if (records.length < 100) break;
  }
  expect(count).toBe(ROWS + BATCHES * 100);
  expect(performance.now() - startedAt).toBeLessThan(LIST_MS_MAX);
});
