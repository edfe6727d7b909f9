import { afterEach, expect, test } from "vitest";
import { type SapB1, type SapB1Options, startSapB1 } from "./server.ts";
import { type Client, logIn, type Reply } from "./testing.ts";

let simulator: SapB1 | undefined;

async function start(options: SapB1Options = {}): Promise<Client> {
  simulator = await startSapB1({ http: true, ...options });
  const client = await logIn(simulator);
  const line = (code: string): object => ({ ItemCode: code, WarehouseCode: "CK01", Quantity: 2, UnitPrice: "5" });
  const order = { CardCode: "CUST001", DocDate: "2025-01-31", DocumentLines: [line("M-001"), line("M-002")] };
  expect((await client.post("Orders", order)).json).toMatchObject({
    DocEntry: 1,
    DocTotal: 20,
    DocumentStatus: "bost_Open",
  });
  return client;
}

afterEach(async () => {
  await simulator?.close();
  simulator = undefined;
});

const patch = (client: Client, body: object, headers: Record<string, string> = {}): Promise<Reply> =>
  client.call("Orders(1)", { method: "PATCH", body, headers });
const lines = async (client: Client): Promise<unknown> =>
  (await client.get("Orders(1)?$select=DocumentLines,DocTotal")).json;

test("lines without a number apply by position and overwrite; numbered ones are matched, others are added", async () => {
  const client = await start();
  expect((await patch(client, { DocumentLines: [{ ItemCode: "007", Quantity: 1 }] })).status).toBe(204);
  expect(await lines(client)).toMatchObject({
    DocumentLines: [
      { LineNum: 0, ItemCode: "007" },
      { LineNum: 1, ItemCode: "M-002" },
    ],
  });
  const appended = [{ LineNum: 0 }, { LineNum: 1 }, { ItemCode: "M-001", Quantity: 3, UnitPrice: "1.10" }];
  await patch(client, { DocumentLines: appended });
  expect(await lines(client)).toMatchObject({
    DocTotal: 18.3,
    DocumentLines: [{ ItemCode: "007" }, { ItemCode: "M-002" }, { LineNum: 2, LineTotal: 3.3 }],
  });
});

test("where the switch says so, lines without a number are always new", async () => {
  const client = await start({ settings: { linePatchMode: "insert" } });
  await patch(client, { DocumentLines: [{ ItemCode: "007", Quantity: 1 }] });
  expect(await lines(client)).toMatchObject({
    DocumentLines: [{ ItemCode: "M-001" }, { ItemCode: "M-002" }, { LineNum: 2 }],
  });
});

test("absent lines stay, unless the collection is to be replaced", async () => {
  const client = await start();
  await patch(client, { DocumentLines: [{ LineNum: 1, Quantity: 9 }] });
  expect(await lines(client)).toMatchObject({ DocumentLines: [{ LineNum: 0 }, { LineNum: 1, Quantity: 9 }] });
  await patch(client, { DocumentLines: [{ LineNum: 1 }] }, { "B1S-ReplaceCollectionsOnPatch": "true" });
  expect(await lines(client)).toMatchObject({ DocumentLines: [{ LineNum: 1, Quantity: 9 }], DocTotal: 45 });
});

test("a line is closed alone or not at all; PUT resets what it does not name", async () => {
  const client = await start();
  const refused = await patch(client, { Comments: "x", DocumentLines: [{ LineNum: 0, LineStatus: "bost_Close" }] });
  expect(refused.json).toMatchObject({
    error: { code: "-5002", message: expect.stringContaining("[DocumentLines.LineStatus][line: 0]") },
  });
  expect((await patch(client, { DocumentLines: [{ LineNum: 0, LineStatus: "bost_Close" }] })).status).toBe(204);
  await patch(client, { Comments: "kept", NumAtCard: "kept" });
  expect((await client.call("Orders(1)", { method: "PUT", body: { Comments: "put" } })).status).toBe(204);
  expect((await client.get("Orders(1)")).json).toMatchObject({ Comments: "put", NumAtCard: null, CardCode: "CUST001" });
});

test("an order is delivered line by line, and closes with its last one", async () => {
  const client = await start();
  await client.post("InventoryGenEntries", {
    DocDate: "2025-01-31",
    DocumentLines: ["M-001", "M-002"].map((code) => ({
      ItemCode: code,
      WarehouseCode: "CK01",
      Quantity: 5,
      UnitPrice: "1",
    })),
  });
  const deliver = (line: number): Promise<Reply> =>
    client.post("DeliveryNotes", {
      CardCode: "CUST001",
      DocDate: "2025-01-31",
      DocumentLines: [{ BaseType: 17, BaseEntry: 1, BaseLine: line }],
    });
  expect((await deliver(0)).json).toMatchObject({ DocumentLines: [{ ItemCode: "M-001", Quantity: 2 }] });
  expect((await client.get("Orders(1)?$select=DocumentStatus")).json).toMatchObject({ DocumentStatus: "bost_Open" });
  expect((await deliver(1)).status).toBe(201);
  expect((await client.get("Orders(1)?$select=DocumentStatus")).json).toMatchObject({ DocumentStatus: "bost_Close" });
  expect((await deliver(1)).status).toBe(400);
});
