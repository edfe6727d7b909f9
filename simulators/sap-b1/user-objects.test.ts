import { afterEach, expect, test } from "vitest";
import { type SapB1, type SapB1Options, startSapB1 } from "./server.ts";
import { type Client, logIn, receipt } from "./testing.ts";

let simulator: SapB1 | undefined;

async function start(options: SapB1Options = {}): Promise<Client> {
  simulator = await startSapB1({ http: true, ...options });
  return logIn(simulator);
}

afterEach(async () => {
  await simulator?.close();
  simulator = undefined;
});

const TABLE = { TableName: "EXTPOST", TableDescription: "External postings", TableType: "bott_NoObject" };
const FIELD = {
  TableName: "OJDT",
  Name: "ExtRef",
  Description: "External reference",
  Type: "db_Alpha",
  Size: 60,
  EditSize: 60,
};

test("a user table becomes an entity set with a unique code, and its fields are its own", async () => {
  const client = await start();
  expect((await client.get("U_EXTPOST")).status).toBe(404);
  expect(await client.post("UserTablesMD", TABLE)).toMatchObject({ status: 201, json: TABLE });
  const number = {
    TableName: "@EXTPOST",
    Name: "DocEntry",
    Description: "Created document",
    Type: "db_Numeric",
    EditSize: 11,
  };
  expect((await client.post("UserFieldsMD", number)).status).toBe(201);
  const row = { Code: "count:1", Name: "count:1", U_DocEntry: 17 };
  expect(await client.post("U_EXTPOST", row)).toMatchObject({ status: 201, json: row });
  expect((await client.post("U_EXTPOST", row)).json).toMatchObject({ error: { code: "-2035" } });
  expect((await client.post("U_EXTPOST", { Code: "x", U_Nope: 1 })).json).toMatchObject({
    error: { code: "-1000", message: "Property 'U_Nope' of 'EXTPOST' is invalid" },
  });
  expect((await client.call("U_EXTPOST('count:1')", { method: "PATCH", body: { U_DocEntry: 18 } })).status).toBe(204);
  expect((await client.get("U_EXTPOST?$filter=U_DocEntry%20eq%2018")).json).toMatchObject({
    value: [{ Code: "count:1" }],
  });
  expect((await client.call("U_EXTPOST('count:1')", { method: "DELETE" })).status).toBe(204);
  expect((await client.post("UserTablesMD", TABLE)).json).toMatchObject({ error: { code: "-2035" } });
});

test("a user field is a property of its entity, of its length, and cannot be made twice", async () => {
  const client = await start();
  const made = await client.post("UserFieldsMD", FIELD);
  expect(made.headers["location"]).toMatch(/\/UserFieldsMD\(TableName='OJDT',FieldID=0\)$/);
  expect((await client.get("UserFieldsMD(TableName='OJDT',FieldID=0)")).json).toMatchObject({
    Name: "ExtRef",
    FieldID: 0,
  });
  expect((await client.post("UserFieldsMD", FIELD)).json).toMatchObject({ error: { code: "-2035" } });
  expect((await client.post("JournalEntries", receipt("k", { U_ExtRef: "k-1" }))).json).toMatchObject({
    U_ExtRef: "k-1",
  });
  expect((await client.post("JournalEntries", receipt("k", { U_ExtRef: "x".repeat(61) }))).status).toBe(400);
  const found = await client.get("JournalEntries?$filter=U_ExtRef%20eq%20%27k-1%27&$select=JdtNum,U_ExtRef");
  expect(found.json).toMatchObject({ value: [{ JdtNum: 1, U_ExtRef: "k-1" }] });
});

test("a field on one marketing header stands on all of them", async () => {
  const client = await start();
  await client.post("UserFieldsMD", { ...FIELD, TableName: "OIGE" });
  const body = {
    DocDate: "2025-01-31",
    U_ExtRef: "k",
    DocumentLines: [{ ItemCode: "M-001", WarehouseCode: "CK01", Quantity: 1, UnitPrice: 1 }],
  };
  expect((await client.post("InventoryGenEntries", body)).json).toMatchObject({ U_ExtRef: "k" });
  expect((await client.get("UserFieldsMD?$filter=TableName%20eq%20%27OWTR%27")).json).toMatchObject({
    value: [{ Name: "ExtRef" }],
  });
});

test("fields may stay unseen until the service is restarted", async () => {
  const client = await start({ settings: { udfVisibility: "afterRestart" } });
  await client.post("UserFieldsMD", FIELD);
  expect((await client.post("JournalEntries", receipt("k", { U_ExtRef: "k" }))).json).toMatchObject({
    error: { code: "-1000", message: "Property 'U_ExtRef' of 'JournalEntry' is invalid" },
  });
  await client.person("restart-service", {});
  expect((await client.post("JournalEntries", receipt("k", { U_ExtRef: "k" }))).status).toBe(201);
});

test("a unique user key is kept, and numbered tables number their rows", async () => {
  const client = await start();
  await client.post("UserTablesMD", { ...TABLE, TableType: "bott_NoObjectAutoIncrement" });
  await client.post("UserFieldsMD", { ...FIELD, TableName: "@EXTPOST", Name: "Ref" });
  const key = { TableName: "@EXTPOST", KeyName: "REF", Unique: "tYES", UserKeysMD_Elements: [{ ColumnAlias: "Ref" }] };
  expect((await client.post("UserKeysMD", key)).status).toBe(201);
  expect((await client.post("U_EXTPOST", { U_Ref: "a" })).json).toMatchObject({ Code: 1 });
  expect((await client.post("U_EXTPOST", { U_Ref: "a" })).json).toMatchObject({ error: { code: "-2035" } });
  expect((await client.post("U_EXTPOST", { U_Ref: "b" })).json).toMatchObject({ Code: 2 });
  expect((await client.get("U_EXTPOST(2)")).json).toMatchObject({ U_Ref: "b" });
});
