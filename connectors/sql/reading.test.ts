import { createServer, type Server, type Socket } from "node:net";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { testDatabase } from "../../test/support/database.ts";
import type { ConnectorContext, SourcePage, SourceRecord, StockSource } from "../contract.ts";
import { createSql } from "./connector.ts";

let url: URL;
let admin: pg.Client;
const sources: StockSource[] = [];
beforeAll(async () => {
  url = new URL((await testDatabase("empty")).url);
  admin = new pg.Client({ connectionString: url.href });
  await admin.connect();
});
afterAll(async () => admin?.end());
beforeEach(async () => {
  await admin.query(`DROP SCHEMA IF EXISTS wms CASCADE; CREATE SCHEMA wms;
    CREATE TABLE wms.lines (id bigint PRIMARY KEY, doc text, at timestamptz, kind text, sku text, qty numeric, amount numeric, day date, cancelled boolean NOT NULL DEFAULT false)`);
});
afterEach(async () => {
  for (const source of sources.splice(0)) await source.close();
});

const FORM = {
  carries: "movements",
  from: "wms.lines",
  key: { changedAt: "at", row: "id", document: "doc" },
  fields: { documentNumber: "doc", happenedAt: "day", item: "sku", quantity: "qty", amount: "amount", kind: "kind" },
  kinds: { in: "purchase-receipt", count: { positive: "count-gain", negative: "count-loss" } },
  reversedWhen: [{ field: "cancelled", in: ["t", "true"] }],
};
const context = (more: Partial<ConnectorContext> = {}): ConnectorContext => ({
  connection: "wms",
  baseUrl: `postgres://${url.host}${url.pathname}`,
  secrets: { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) },
  pacer: { permit: async () => undefined },
  now: () => new Date(),
  log: () => undefined,
  ...more,
});
const connect = (form: object = {}, settings: object = {}, more: Partial<ConnectorContext> = {}): StockSource => {
  const forms = { receipt: { ...FORM, ...form } };
  const source = createSql({ company: "demo", source: "wms", tls: "off", forms, ...settings }, context(more));
  sources.push(source);
  return source;
};
let nextId = 0;
const enter = async (
  doc: string | null,
  at: string | null,
  over: { kind?: string; sku?: string; qty?: string } = {},
): Promise<void> => {
  nextId += 1;
  await admin.query("INSERT INTO wms.lines VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", [
    nextId,
    doc,
    at,
    over.kind ?? "in",
    over.sku ?? "007",
    over.qty ?? "1.50",
    "12345678901234567.89",
    "2025-09-01",
  ]);
};
const minute = (number: number): string => new Date(Date.UTC(2025, 8, 1, 0, number)).toISOString();
const all = async (
  source: StockSource,
  cursor = "",
  size = 2,
): Promise<{ ids: string[]; records: SourceRecord[]; cursor: string }> => {
  const records: SourceRecord[] = [];
  let page: SourcePage = { records: [], cursor, last: false };
  for (let pages = 0; pages < 50 && !page.last; pages += 1) {
    page = await source.readPage("receipt", page.cursor, size);
    records.push(...page.records);
  }
  return { ids: records.map(({ recordId }) => recordId), records, cursor: page.cursor };
};

test("rows become whole documents, with numbers, codes and days as the database prints them", async () => {
  await enter("D-1", minute(1));
  await enter("D-1", minute(2), { sku: "B" });
  await enter("D-2", minute(3), { kind: "count", qty: "-2" });
  const { records } = await all(connect());
  expect(records.map(({ recordId, movements }) => [recordId, movements.length])).toEqual([
    ["D-1", 2],
    ["D-2", 1],
  ]);
  expect(records[0]).toMatchObject({ updatedAt: "2025-09-01T00:02:00.000Z", problems: [] });
  expect(records[0]?.movements[0]).toMatchObject({
    company: "demo",
    source: "wms",
    item: "007",
    quantity: "1.5",
    amount: "12345678901234567.89",
    kind: "purchase-receipt",
    happenedAt: "2025-08-31T16:00:00.000Z",
    happenedOn: "2025-09-01",
  });
  expect(records[1]?.movements[0]).toMatchObject({ kind: "count-loss", quantity: "2" });
});

test("pages of one row walk through equal times of change without loss or repetition", async () => {
  for (let index = 0; index < 7; index += 1) await enter(`D-${index}`, minute(Math.floor(index / 3)));
  expect((await all(connect(), "", 1)).ids).toEqual(["D-0", "D-1", "D-2", "D-3", "D-4", "D-5", "D-6"]);
});

test("times of change are compared to the microsecond, not to JavaScript's millisecond", async () => {
  for (const micros of ["000001", "000002", "000003"]) await enter(`D-${micros}`, `2025-09-01T00:00:00.${micros}Z`);
  const source = connect({ overlapMs: 0 });
  expect((await all(source, "", 1)).ids).toEqual(["D-000001", "D-000002", "D-000003"]);
});

test("a row that becomes visible late is found by the overlap, and one before it is not read again", async () => {
  await enter("D-early", minute(0));
  await enter("D-now", minute(30));
  const source = connect();
  const { cursor } = await all(source);
  await enter("D-late", minute(25));
  expect((await all(source, cursor)).ids).toEqual(["D-late", "D-now"]);
  await enter("D-too-late", minute(10));
  expect((await all(source, cursor)).ids).not.toContain("D-too-late");
  expect((await all(source, "")).ids).toContain("D-too-late");
});

test("a document that changes while all is read comes up once, and again in the next read", async () => {
  for (const name of ["A", "B", "C"]) await enter(name, minute(nextId));
  const source = connect({ overlapMs: 0 });
  const first = await source.readPage("receipt", "", 1);
  await admin.query("UPDATE wms.lines SET at = $1, qty = 9 WHERE doc IN ('A', 'B')", [minute(900)]);
  const rest = await all(source, first.cursor, 1);
  expect([...first.records.map(({ recordId }) => recordId), ...rest.ids]).toEqual(["A", "C"]);
  expect((await all(source, rest.cursor)).ids).toEqual(["C", "A", "B"]);
  expect([...(await source.readRecords("receipt", ["B", "none"])).keys()]).toEqual(["B"]);
});

test("a line that is gone, cancelled or unreadable changes its document as a whole", async () => {
  await enter("D", minute(1));
  await enter("D", minute(1), { sku: "B" });
  const source = connect();
  const digest = async (): Promise<string | undefined> => (await all(source)).records[0]?.digest;
  const before = await digest();
  await admin.query("UPDATE wms.lines SET cancelled = true WHERE sku = 'B'");
  expect(await digest()).not.toBe(before);
  await admin.query("UPDATE wms.lines SET cancelled = false, qty = 'NaN' WHERE sku = 'B'");
  expect((await all(source)).records[0]).toMatchObject({
    movements: [],
    problems: [{ code: "NUMBER_UNREADABLE", field: "qty", value: "NaN" }],
  });
});

test("a row without time of change or document is reported, for no cursor would ever meet it", async () => {
  await enter("D", minute(1));
  await enter("E", null);
  await enter(null, minute(2));
  const { records } = await all(connect());
  expect(records.map(({ recordId, problems }) => [recordId, problems[0]?.field])).toEqual([
    [expect.stringMatching(/^row\//), "at"],
    [expect.stringMatching(/^row\//), "doc"],
    ["D", undefined],
  ]);
});

test("a running number serves as the cursor, with its own overlap", async () => {
  for (const name of ["A", "B", "C"]) await enter(name, minute(1));
  const source = connect({ key: { changedAt: "id", row: "id" }, overlapCount: 1 });
  const { ids, cursor } = await all(source);
  expect(ids).toHaveLength(3);
  expect((await all(source, cursor)).ids).toEqual(ids.slice(1));
});

test("an empty view is no error, and a cursor of somebody else is one", async () => {
  const source = connect();
  expect(await source.readPage("receipt", "", 5)).toEqual({ records: [], cursor: "", last: true });
  await expect(source.readPage("receipt", "{}", 5)).rejects.toThrow(/READ_FAILED/);
});

test.each([
  ["a query that writes", "DELETE FROM wms.lines RETURNING *"],
  ["a query that writes inside", "WITH gone AS (DELETE FROM wms.lines RETURNING *) SELECT * FROM gone"],
  ["a function that writes", "SELECT * FROM wms.take_all()"],
  [
    "a second statement",
    "SELECT * FROM wms.lines) AS q; COMMIT; DELETE FROM wms.lines; SELECT * FROM (SELECT * FROM wms.lines",
  ],
  [
    "a query that unlocks the transaction",
    "SELECT l.* FROM wms.lines l, set_config('transaction_read_only', 'off', false)",
  ],
  ["a query that locks rows", "SELECT * FROM wms.lines FOR UPDATE"],
])("%s is refused, and nothing is written", async (_what, query) => {
  await admin.query(
    `CREATE FUNCTION wms.take_all() RETURNS SETOF wms.lines LANGUAGE sql AS 'DELETE FROM wms.lines RETURNING *'`,
  );
  await enter("D", minute(1));
  await expect(all(connect({ from: undefined, query }))).rejects.toThrow(/CONFIG_INVALID|READ_FAILED/);
  expect((await admin.query("SELECT count(*)::int AS count FROM wms.lines")).rows).toEqual([{ count: 1 }]);
});

test("a query with a comment and a semicolon at its end is an ordinary one", async () => {
  await enter("D", minute(1));
  expect((await all(connect({ from: undefined, query: "SELECT * FROM wms.lines -- all of them\n;\n" }))).ids).toEqual([
    "D",
  ]);
});

test("a slow query is stopped by the server", async () => {
  const query = "SELECT l.* FROM wms.lines l, pg_sleep(30)";
  const source = connect({ from: undefined, query }, { statementTimeoutMs: 200 });
  await enter("D", minute(1));
  const beganAt = Date.now();
  await expect(all(source)).rejects.toThrow(/READ_FAILED.*statement timeout/);
  expect(Date.now() - beganAt).toBeLessThan(5_000);
});

test("a column that is gone, a view that is not there and a wrong log-in are named", async () => {
  await expect(all(connect({ fields: { ...FORM.fields, batch: "lot" } }))).rejects.toThrow(/FORM_FIELD_GONE.*lot/);
  await expect(all(connect({ from: "wms.nothing" }))).rejects.toThrow(/CONFIG_INVALID/);
  const wrong = connect({}, {}, { secrets: { user: "nobody-here", password: "hunter2hunter2" } });
  await expect(all(wrong)).rejects.toThrow(/LOGIN_REFUSED/);
  await expect(all(wrong)).rejects.not.toThrow(/hunter2/);
});

test.each([
  "postgres://user:pass@db.example/wms",
  "postgres://169.254.169.254/wms",
  "postgres://db.example",
  "postgres://db.example/wms?sslmode=disable",
  "https://db.example/wms",
])("the address %s is refused", (baseUrl) => {
  expect(() => connect({}, {}, { baseUrl })).toThrow(/CONFIG_INVALID/);
});

test("without secrets, or with both a view and a query, nothing is built", () => {
  expect(() => connect({}, {}, { secrets: {} })).toThrow(/SECRET_MISSING/);
  expect(() => connect({ query: "SELECT 1" })).toThrow(/either from or query/);
  expect(() => connect({ key: undefined })).toThrow(/need key/);
});

test("by default the connection asks for TLS and gives no password to a server that has none", async () => {
  const heard: Buffer[] = [];
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on("data", (bytes) => {
      heard.push(bytes);
      socket.write("N");
    });
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  try {
    const source = connect({}, { tls: "verify" }, { baseUrl: `postgres://127.0.0.1:${port}/wms` });
    await expect(all(source)).rejects.toThrow(/NOT_REACHABLE/);
    // The one message is the request for TLS (length 8, code 80877103); no start-up, no user, no password.
    expect(Buffer.concat(heard).toString("hex")).toBe("0000000804d2162f");
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});

test("items and balances are read from views of their own", async () => {
  await enter("D", minute(1), { sku: "A" });
  const forms = {
    item: {
      carries: "items",
      query: "SELECT sku, 'Nail' AS name, '件' AS unit, '箱' AS big, 12 AS per FROM wms.lines",
      fields: { item: "sku", name: "name", unit: "unit", conversionUnit: "big", conversionFactor: "per" },
    },
    stock: {
      carries: "balances",
      from: "wms.lines",
      fields: { item: "sku", quantity: "qty" },
      constants: { warehouse: "W1" },
    },
  };
  const source = connect({}, { forms });
  const [items, balances]: [unknown[], unknown[]] = [[], []];
  for await (const item of source.items()) items.push(item);
  for await (const balance of source.balances()) balances.push(balance);
  expect(items).toEqual([
    { code: "A", name: "Nail", itemClass: "", unit: "件", conversions: [{ unit: "箱", factor: "12" }] },
  ]);
  expect(balances).toEqual([{ item: "A", warehouse: "W1", batch: "", quantity: "1.5" }]);
});

test("the check warns of rights it does not want and of rows it cannot meet", async () => {
  await enter("D", null);
  const stages = [];
  for await (const stage of connect().check()) stages.push(`${stage.stage} ${stage.state}`);
  expect(stages).toEqual(["address ok", "tls warning", "login ok", "rights warning", "key-field warning", "limits ok"]);
});

test("each read waits for its permit", async () => {
  const lanes: string[] = [];
  await all(connect({}, {}, { pacer: { permit: async (lane) => void lanes.push(lane) } }));
  expect(lanes).toEqual(["query"]);
});
