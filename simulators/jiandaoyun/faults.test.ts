import { afterEach, beforeEach, expect, test } from "vitest";
import { Reply, startCompany, type TestCompany, until } from "./testing.ts";

let company: TestCompany;
beforeEach(async () => {
  company = await startCompany();
});
afterEach(() => company.close());

const wrap = (value: unknown) => ({ value });
const rows = (count: number) => Array.from({ length: count }, (_, index) => ({ book_qty: wrap(index) }));

async function misbehave(fault: object) {
  await company.control("faults", { faults: [{ times: 1, ...fault }] });
}

const create = () => company.data("create", { data: { book_qty: wrap(1) } });
const stored = async () => (await company.list({ limit: 100 })).length;

test.each([
  ["lose-before", 0],
  ["lose-after", 1],
  ["half-answer", 1],
])("%s cuts the connection; %i records are stored", async (kind, count) => {
  await misbehave({ kind, operation: "create" });
  await expect(create()).rejects.toThrow();
  expect(await stored()).toBe(count);
});

test.each([
  ["unreadable", 200, 1],
  ["500-before", 500, 0],
  ["500-after", 500, 1],
])("%s answers %i; %i records are stored", async (kind, status, count) => {
  await misbehave({ kind, operation: "create" });
  const answer = await create();
  expect(answer.status).toBe(status);
  expect(String(answer.body)).toContain("<html>");
  expect(await stored()).toBe(count);
});

test("a record committed late appears after its connection was cut", async () => {
  await misbehave({ kind: "late-commit", operation: "create", delayMs: 50 });
  await expect(create()).rejects.toThrow();
  await until(async () => (await stored()) === 1);
});

test("throttled is 8303, 8304 or 429, as asked; nothing is done", async () => {
  const answers = [];
  for (const variant of [undefined, "8304", "429"]) {
    await misbehave({ kind: "throttled", operation: "create", ...(variant === undefined ? {} : { variant }) });
    answers.push(await create());
  }
  expect(answers).toMatchObject([
    { status: 400, body: { code: 8303 } },
    { status: 400, body: { code: 8304 } },
    { status: 429 },
  ]);
  expect(await stored()).toBe(0);
});

test("a create applied twice doubles; a batch applied twice doubles only without a transaction id", async () => {
  await misbehave({ kind: "apply-twice", operation: "create" });
  await create();
  expect(await stored()).toBe(2);
  for (const [more, expected] of [
    [{ transaction_id: "t" }, 5],
    [{}, 11],
  ] as const) {
    await misbehave({ kind: "apply-twice", operation: "batch-create" });
    await company.data("batch_create", { data_list: rows(3), ...more });
    expect(await stored()).toBe(expected);
  }
});

test("a batch that breaks off is completed by sending it again under its transaction id", async () => {
  const send = async () =>
    Reply.parse((await company.data("batch_create", { data_list: rows(3), transaction_id: "t" })).body);
  await misbehave({ kind: "batch-element-refused", operation: "batch-create", index: 1 });
  expect(await send()).toMatchObject({ status: "success", success_count: 2 });
  expect(await send()).toMatchObject({ success_count: 3, success_ids: [expect.any(String)] });
  expect((await company.list()).map((row) => row["book_qty"])).toEqual([0, 2, 1]);
});

test("a batch whose key is lost half-way stores its beginning and names nothing", async () => {
  await misbehave({ kind: "session-lost-mid-batch", operation: "batch-create", after: 2 });
  const answer = await company.data("batch_create", { data_list: rows(3) });
  expect(answer).toMatchObject({ status: 400, body: { code: 17018 } });
  expect(await stored()).toBe(2);
});

test("reading goes wrong: empty page, page that starts or ends wrongly, row twice, order turned", async () => {
  await company.data("batch_create", { data_list: rows(4) });
  const read = async () => (await company.list()).map((row) => row["book_qty"]);
  const pages = [];
  for (const variant of ["empty-page", "page-shift", "short-page", "repeated-row", "reversed"]) {
    const kind = variant === "empty-page" ? "200-failure" : "reorder";
    await misbehave({ kind, operation: "list", variant });
    pages.push(await read());
  }
  expect(pages).toEqual([[], [1, 2, 3], [0, 1], [0, 0, 1, 2, 3], [3, 2, 1, 0]]);
  expect(await read()).toEqual([0, 1, 2, 3]);
});

test("hits are counted, and a fault for pushes is not drawn by calls", async () => {
  await company.control("faults", { faults: [{ kind: "500-before", operation: "push" }] });
  expect((await create()).status).toBe(200);
  await misbehave({ kind: "500-before" });
  await create();
  expect(await company.control("faults/hits")).toMatchObject({ hits: { "500-before": 1 } });
});
