import { afterEach, beforeEach, expect, test } from "vitest";
import { type SapB1, startSapB1 } from "./server.ts";
import { type Client, logIn, receipt, send } from "./testing.ts";

let simulator: SapB1;
let client: Client;

beforeEach(async () => {
  const userFields = [{ table: "OJDT", name: "ExtRef" }];
  simulator = await startSapB1({ http: true, company: { userFields, projects: [{ code: "P01", name: "P" }] } });
  client = await logIn(simulator);
  await client.post("JournalEntries", receipt("k", { U_ExtRef: "k" }));
});

afterEach(() => simulator.close());

test("a person changes what the client lets him change, and the books name him", async () => {
  const changed = await client.person("change", { id: 1, user: "lee", fields: { Memo: "by hand", U_ExtRef: "" } });
  expect(changed).toMatchObject({ ok: true, record: { Memo: "by hand", U_ExtRef: "" } });
  const refused = await client.person("change", { id: 1, fields: { JournalEntryLines: [{ Line_ID: 0, Debit: "1" }] } });
  expect(refused).toMatchObject({ ok: false, code: -1029 });
  const listed = await client.person("vouchers?id=1");
  expect(listed).toMatchObject({ vouchers: [{ JdtNum: 1, _meta: { version: 2, origin: { kind: "api" } } }] });
});

test("a duplicate carries the user fields, so it looks like a second posting", async () => {
  const copy = await client.person("copy", { id: 1, date: "2025-02-28" });
  expect(copy).toMatchObject({ ok: true, id: "2", record: { U_ExtRef: "k", ReferenceDate: "2025-02-28" } });
  expect(await client.person("copy", { id: 1, userFields: false })).toMatchObject({ record: { U_ExtRef: null } });
  expect(await client.person("vouchers?field=U_ExtRef&value=k")).toMatchObject({
    vouchers: [{ JdtNum: 1 }, { JdtNum: 2 }],
  });
});

test("an entry is cancelled by its opposite and cannot be deleted; one is written by hand", async () => {
  expect(await client.person("delete", { id: 1 })).toMatchObject({ ok: false, code: -5006 });
  expect(await client.person("cancel", { id: 1 })).toMatchObject({ ok: true, reversal: 2 });
  expect(await client.person("vouchers?id=1")).toMatchObject({
    vouchers: [{ _meta: { reversedBy: 2, isReversal: false } }],
  });
  expect(await client.person("vouchers?id=2")).toMatchObject({ vouchers: [{ _meta: { isReversal: true } }] });
  const written = await client.person("write", { user: "lee", fields: receipt("hand") });
  expect(written).toMatchObject({ ok: true, id: "3", record: { _meta: { origin: { kind: "person", user: "lee" } } } });
  expect(await client.person("write", { fields: { JournalEntryLines: [] } })).toMatchObject({ ok: false, code: -5002 });
});

test("periods are locked, opened and given other windows", async () => {
  expect(await client.person("close-period", { period: "2025-01" })).toMatchObject({ ok: true, changed: 1 });
  expect((await client.post("JournalEntries", receipt("a"))).json).toMatchObject({ error: { code: "-4013" } });
  await client.person("open-period", { period: "2025-01" });
  expect((await client.post("JournalEntries", receipt("a"))).status).toBe(201);
  await client.person("period", { period: "2025-01", dueTo: "2025-01-31" });
  expect((await client.post("JournalEntries", receipt("b", { DueDate: "2025-02-01" }))).json).toMatchObject({
    error: { code: "-10" },
  });
});

test("master data is added, frozen and removed; rights are taken and given", async () => {
  const company = { items: [{ code: "N-1", name: "New" }], accounts: [{ code: "1406.01", name: "New account" }] };
  expect(await client.person("base-data", { company })).toMatchObject({ ok: true });
  expect((await client.get("Items('N-1')?$select=ItemName")).json).toMatchObject({ ItemName: "New" });
  expect((await client.get("ChartOfAccounts('1406')?$select=ActiveAccount")).json).toMatchObject({
    ActiveAccount: "tNO",
  });
  expect(
    await client.person("change", { set: "ChartOfAccounts", id: "1405", fields: { FrozenFor: "tYES" } }),
  ).toMatchObject({ ok: true });
  expect((await client.post("JournalEntries", receipt("c"))).json).toMatchObject({ error: { code: "-10" } });
  expect(await client.person("delete", { set: "ChartOfAccounts", id: "1405" })).toMatchObject({ ok: false, code: -10 });
  expect(await client.person("delete", { set: "Projects", id: "P01" })).toMatchObject({ ok: true });
  await client.person("rights", { set: "JournalEntries", operation: "query", granted: false });
  expect((await client.get("JournalEntries")).status).toBe(400);
  expect((await client.get("JournalEntries(1)")).status).toBe(200);
  await client.person("rights", { set: "JournalEntries", operation: "query", granted: true });
  expect((await client.get("JournalEntries")).status).toBe(200);
});

test("a rule of the customer's own refuses with its number in brackets; settings and unknown acts are told", async () => {
  const rule = { set: "JournalEntries", contains: "forbidden", number: 7, text: "No such memo" };
  await client.person("settings", { notificationRules: [rule] });
  expect((await client.post("JournalEntries", receipt("forbidden"))).json).toMatchObject({
    error: { code: "-5002", message: "(7) No such memo" },
  });
  expect(await client.person("settings", { pageSize: -1 })).toMatchObject({ ok: false });
  expect(await client.person("nonsense", {})).toMatchObject({ ok: false });
  const ended = await send(simulator, "/_person/end-sessions", { method: "POST", body: "{}" });
  expect(ended.status).toBe(200);
  expect((await client.get("Items")).status).toBe(401);
});

test("the clock of the simulator can be moved", async () => {
  const day = 86_400_000;
  await send(simulator, "/_sim/clock", { method: "POST", body: JSON.stringify({ offsetMs: -400 * day }) });
  const { json } = await send(simulator, "/_sim/clock", { method: "GET" });
  expect(json).toMatchObject({ offsetMs: -400 * day });
});
