import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { type SapB1, type SapB1Options, startSapB1 } from "./server.ts";
import { type Client, logIn } from "./testing.ts";

let simulator: SapB1 | undefined;

const COMPANY = {
  items: [
    { code: "A100", name: "Item A", unit: "EA" },
    { code: "B100", name: "Batch item", unit: "EA", batches: true },
    { code: "S100", name: "Serial item", unit: "EA", serials: true },
  ],
  warehouses: [
    { code: "01", name: "Main" },
    { code: "02", name: "Other", properties: { StockAccount: "1403" } },
  ],
  suppliers: [{ code: "VEN001", name: "Supplier" }],
  customers: [{ code: "CUST001", name: "Customer" }],
  costCentres: [{ code: "1020", name: "Store" }],
  projects: [{ code: "P01", name: "Project" }],
};
const DATES = { DocDate: "2025-01-31", DocDueDate: "2025-01-31", TaxDate: "2025-01-31" };

async function start(options: SapB1Options = {}): Promise<Client> {
  simulator = await startSapB1({ http: true, company: COMPANY, ...options });
  return logIn(simulator);
}

afterEach(async () => {
  await simulator?.close();
  simulator = undefined;
});

const doc = (lines: readonly object[], rest: object = {}): object => ({ ...DATES, DocumentLines: lines, ...rest });
const receive = (client: Client, quantity: string, price: string, item = "A100", rest: object = {}) =>
  client.post(
    "InventoryGenEntries",
    doc([{ ItemCode: item, WarehouseCode: "01", Quantity: quantity, UnitPrice: price, ...rest }]),
  );

const Document = z.object({
  DocEntry: z.number(),
  TransNum: z.number().nullable(),
  DocumentStatus: z.string(),
  DocumentLines: z.array(z.record(z.string(), z.unknown())),
});

async function balances(client: Client): Promise<Record<string, string>> {
  const all = z.record(z.string(), z.string()).parse((await client.person("balances"))["balances"]);
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== "0"));
}

async function stock(client: Client): Promise<unknown> {
  return (await client.person("stock"))["stock"];
}

/** What stands in the stock accounts is what stock is worth: the promise behind every document. */
async function expectStockAgrees(client: Client): Promise<void> {
  const rows = z.array(z.object({ value: z.string() })).parse(await stock(client));
  const sums = await balances(client);
  const booked = Number(sums["1405"] ?? "0") + Number(sums["1403"] ?? "0");
  expect(rows.reduce((sum, { value }) => sum + Number(value), 0)).toBeCloseTo(booked, 6);
}

test("receipt and issue move stock and books alike, at moving average", async () => {
  const client = await start();
  const first = Document.parse((await receive(client, "10", "5.00")).json);
  expect(first).toMatchObject({ TransNum: 1, DocumentStatus: "bost_Close" });
  await receive(client, "5", "8.00");
  const issue = await client.post(
    "InventoryGenExits",
    doc([{ ItemCode: "A100", WarehouseCode: "01", Quantity: 3, AccountCode: "6602", CostingCode: "1020" }], {
      Comments: "Cycle count",
    }),
  );
  expect(issue.status).toBe(201);
  expect(issue.headers["etag"]).toMatch(/^W\/"[0-9A-F]{40}"$/);
  expect(issue.json).toMatchObject({
    DocumentLines: [{ LineNum: 0, StockInmPrice: 6, LineTotal: 18, AccountCode: "6602" }],
  });
  expect((await client.get("JournalEntries(3)")).json).toMatchObject({
    OriginalJournal: "ttGeneralReleaseFromStock",
    Original: 1,
    JournalEntryLines: [
      { AccountCode: "6602", Debit: 18, CostingCode: "1020" },
      { AccountCode: "1405", Credit: 18 },
    ],
  });
  const item = await client.get("Items('A100')?$select=QuantityOnStock,MovingAveragePrice,ItemWarehouseInfoCollection");
  expect(item.json).toMatchObject({
    QuantityOnStock: 12,
    MovingAveragePrice: 6,
    ItemWarehouseInfoCollection: [
      { WarehouseCode: "01", InStock: 12, StandardAveragePrice: 6 },
      { WarehouseCode: "02", InStock: 0 },
    ],
  });
  await expectStockAgrees(client);
});

test("stock does not fall below zero; the refusal names table and line, and nothing of the document stays", async () => {
  const client = await start();
  await receive(client, "1", "3.33");
  const lines = [
    { ItemCode: "A100", WarehouseCode: "01", Quantity: 1 },
    { ItemCode: "A100", WarehouseCode: "01", Quantity: 1 },
  ];
  const refused = await client.post("InventoryGenExits", doc(lines));
  expect(refused).toMatchObject({
    status: 400,
    json: { error: { code: "-10", message: "Quantity falls into negative inventory  [IGE1.ItemCode][line: 2]" } },
  });
  expect(await stock(client)).toEqual([{ item: "A100", warehouse: "01", quantity: "1", value: "3.33" }]);
  expect((await client.get("InventoryGenExits/$count")).text).toBe("0");
  const allowing = await client.person("settings", { negativeStock: "allow" });
  expect(allowing["ok"]).toBe(true);
  expect((await client.post("InventoryGenExits", doc(lines))).status).toBe(201);
});

test("the last unit takes the value that is left, so that no cent stays behind", async () => {
  const client = await start();
  await receive(client, "3", "3.333333");
  for (let time = 0; time < 3; time += 1) {
    await client.post("InventoryGenExits", doc([{ ItemCode: "A100", WarehouseCode: "01", Quantity: 1 }]));
  }
  expect(await stock(client)).toEqual([{ item: "A100", warehouse: "01", quantity: "0", value: "0" }]);
  expect(await balances(client)).toEqual({});
});

test("what a document refers to must exist, be active, and be given", async () => {
  const client = await start();
  const line = { ItemCode: "A100", WarehouseCode: "01", Quantity: 1, UnitPrice: "1" };
  const cases: [line: object, status: number, code: string, text: string][] = [
    [{ ...line, ItemCode: "nope" }, 404, "-2028", "[IGN1.ItemCode] , No matching records found"],
    [
      { ...line, ItemCode: "" },
      400,
      "-5002",
      "Item number is missing; specify an item number [IGN1.ItemCode][line: 1]",
    ],
    [{ ...line, WarehouseCode: "99" }, 404, "-2028", "[IGN1.WhsCode]"],
    [{ ...line, Quantity: 0 }, 400, "-5002", "Quantity must be greater than zero"],
    [{ ...line, CostingCode: "nope" }, 404, "-2028", "[IGN1.OcrCode]"],
    [{ ...line, AccountCode: "9999" }, 400, "-5002", "Enter valid code"],
    [{ ...line, Nope: 1 }, 400, "-1000", "Property 'Nope' of 'DocumentLine' is invalid"],
  ];
  for (const [bad, status, code, text] of cases) {
    const refused = await client.post("InventoryGenEntries", doc([bad]));
    expect(refused).toMatchObject({ status, json: { error: { code, message: expect.stringContaining(text) } } });
  }
  await client.call("Items('A100')", { method: "PATCH", body: { Frozen: "tYES" } });
  expect((await client.post("InventoryGenEntries", doc([line]))).json).toMatchObject({
    error: { code: "-10", message: "10001069 - Item A100 is inactive" },
  });
});

test("batches and serial numbers must be complete and known", async () => {
  const client = await start();
  const batch = (name: string, quantity: number): object => ({
    BatchNumber: name,
    Quantity: quantity,
    BaseLineNumber: 0,
  });
  expect((await receive(client, "3", "1", "B100")).json).toMatchObject({
    error: { code: "-10", message: expect.stringContaining("Cannot add row without complete selection of batch") },
  });
  expect((await receive(client, "3", "1", "B100", { BatchNumbers: [batch("L-77", 3)] })).status).toBe(201);
  const issue = (name: string) =>
    client.post(
      "InventoryGenExits",
      doc([
        {
          ItemCode: "B100",
          WarehouseCode: "01",
          Quantity: 2,
          BatchNumbers: [{ BatchNumberProperty: name, Quantity: 2 }],
        },
      ]),
    );
  expect((await issue("L-78")).json).toMatchObject({ error: { message: expect.stringContaining("does not exist") } });
  expect((await issue("L-77")).status).toBe(201);
  expect((await client.get("BatchNumberDetails(1)")).json).toMatchObject({ Batch: "L-77", ItemCode: "B100" });
  const serial = { SerialNumbers: [{ InternalSerialNumber: "SN-1" }] };
  expect((await receive(client, "2", "1", "S100", serial)).status).toBe(400);
  expect((await receive(client, "1", "1", "S100", serial)).status).toBe(201);
  expect((await receive(client, "1", "1", "S100", serial)).json).toMatchObject({
    error: { message: expect.stringContaining("already exists") },
  });
});

test("a transfer keeps the value, and makes an entry only where the accounts differ", async () => {
  const client = await start({
    company: { ...COMPANY, warehouses: [...COMPANY.warehouses, { code: "03", name: "Third" }] },
  });
  await receive(client, "10", "5.55");
  const transfer = (into: string) =>
    client.post("StockTransfers", {
      DocDate: "2025-01-31",
      FromWarehouse: "01",
      ToWarehouse: into,
      StockTransferLines: [{ ItemCode: "A100", Quantity: 4 }],
    });
  expect((await transfer("03")).json).toMatchObject({
    TransNum: null,
    StockTransferLines: [{ WarehouseCode: "03", Price: 5.55 }],
  });
  expect((await transfer("02")).json).toMatchObject({ TransNum: 2 });
  expect(await balances(client)).toMatchObject({ "1405": "33.3", "1403": "22.2" });
  expect((await client.post("StockTransfers(2)/Cancel", {})).status).toBe(204);
  expect(await balances(client)).toMatchObject({ "1405": "55.5" });
  await expectStockAgrees(client);
  expect((await transfer("01")).status).toBe(400);
});

test("a counting remembers the book, and its posting moves the variance once", async () => {
  const client = await start();
  await receive(client, "100", "2.50");
  const counting = await client.post("InventoryCountings", {
    CountDate: "2025-01-31",
    InventoryCountingLines: [
      { ItemCode: "A100", WarehouseCode: "01", Counted: "tYES", CountedQuantity: 97, Freeze: "tYES" },
    ],
  });
  expect(counting.json).toMatchObject({
    DocumentStatus: "cdsOpen",
    InventoryCountingLines: [{ LineNumber: 1, InWarehouseQuantity: 100, Variance: -3, VariancePercentage: -3 }],
  });
  expect((await receive(client, "1", "1")).json).toMatchObject({
    error: { message: expect.stringContaining("frozen") },
  });
  const post = () =>
    client.post("InventoryPostings", {
      PostingDate: "2025-01-31",
      InventoryPostingLines: [{ BaseEntry: 1, BaseLine: 1, InventoryOffsetDecreaseAccount: "6602" }],
    });
  const posted = await post();
  expect(posted.json).toMatchObject({
    JournalRemark: "Inventory Posting",
    InventoryPostingLines: [{ ItemCode: "A100", BaseType: 1470000065, Variance: -3, PostedValueLC: -7.5 }],
  });
  expect((await client.get("JournalEntries(2)")).json).toMatchObject({
    OriginalJournal: "ttInventoryPosting",
    JournalEntryLines: [
      { AccountCode: "1405", Credit: 7.5 },
      { AccountCode: "6602", Debit: 7.5 },
    ],
  });
  expect((await client.get("InventoryCountings(1)")).json).toMatchObject({
    DocumentStatus: "cdsClosed",
    InventoryCountingLines: [{ LineStatus: "clsClosed", TargetEntry: 1, TargetLine: 1, TargetType: 10000071 }],
  });
  expect((await post()).status).toBe(400);
  expect((await receive(client, "1", "1")).status).toBe(201);
  await expectStockAgrees(client);
});

test("a posting without a counting gains at the item's cost, or at the price given", async () => {
  const client = await start();
  await receive(client, "10", "4");
  const post = (line: object) =>
    client.post("InventoryPostings", {
      PostingDate: "2025-01-31",
      InventoryPostingLines: [{ ItemCode: "A100", WarehouseCode: "01", ...line }],
    });
  expect((await post({ CountedQuantity: 12 })).json).toMatchObject({ InventoryPostingLines: [{ Total: 8, Price: 4 }] });
  expect((await post({ CountedQuantity: 13, Price: "7" })).json).toMatchObject({
    InventoryPostingLines: [{ Total: 7 }],
  });
  expect((await client.call("InventoryPostings(1)", { method: "DELETE" })).json).toMatchObject({
    error: { code: "-5006" },
  });
  await expectStockAgrees(client);
});

test("revaluation changes what stock is worth, by price or by amount, and can be taken back", async () => {
  const client = await start();
  await receive(client, "10", "4");
  const line = { ItemCode: "A100", WarehouseCode: "01" };
  const byPrice = { DocDate: "2025-01-31", MaterialRevaluationLines: [{ ...line, Price: "4.50" }] };
  expect((await client.post("MaterialRevaluation", byPrice)).json).toMatchObject({
    TransNum: 2,
    MaterialRevaluationLines: [{ RevalAmountToStock: 5 }],
  });
  const byAmount = {
    DocDate: "2025-01-31",
    RevalType: "M",
    MaterialRevaluationLines: [{ ...line, DebitCredit: "-3" }],
  };
  expect((await client.post("MaterialRevaluation", byAmount)).status).toBe(201);
  expect(await stock(client)).toMatchObject([{ value: "42" }]);
  await client.post("MaterialRevaluation(2)/Cancel", {});
  expect(await stock(client)).toMatchObject([{ value: "45" }]);
  await expectStockAgrees(client);
});

test("purchase and sale run from receipt to invoice, with tax, allocation and cost of sales", async () => {
  const client = await start();
  const bought = { ItemCode: "A100", WarehouseCode: "01", Quantity: 10, UnitPrice: "7", VatGroup: "J1" };
  expect((await client.post("PurchaseDeliveryNotes", doc([bought], { CardCode: "VEN001" }))).status).toBe(201);
  expect(await balances(client)).toMatchObject({ "1405": "70", "2202.02": "-70" });
  const fromReceipt = { BaseType: 20, BaseEntry: 1, BaseLine: 0 };
  const invoice = await client.post(
    "PurchaseInvoices",
    doc([{ ...fromReceipt, UnitPrice: "7.10" }], { CardCode: "VEN001" }),
  );
  expect(invoice.json).toMatchObject({ DocTotal: 80.23, VatSum: 9.23 });
  expect(await balances(client)).toMatchObject({
    "1405": "70",
    "2202.01": "-80.23",
    "2221.01.01": "9.23",
    "6401": "1",
  });
  expect((await client.get("PurchaseDeliveryNotes(1)?$select=DocumentStatus")).json).toMatchObject({
    DocumentStatus: "bost_Close",
  });
  const twice = await client.post("PurchaseInvoices", doc([fromReceipt], { CardCode: "VEN001" }));
  expect(twice.status).toBe(400);
  const sold = { ItemCode: "A100", WarehouseCode: "01", Quantity: 4, UnitPrice: "20", VatGroup: "X1" };
  await client.post("DeliveryNotes", doc([sold], { CardCode: "CUST001" }));
  const fromDelivery = { BaseType: 15, BaseEntry: 1, BaseLine: 0 };
  expect((await client.post("Invoices", doc([fromDelivery], { CardCode: "CUST001" }))).json).toMatchObject({
    DocTotal: 90.4,
  });
  expect(await balances(client)).toMatchObject({ "1405": "42", "1122": "90.4", "6001": "-80", "6401": "29" });
  const wrong = await client.post("Invoices", doc([sold], { CardCode: "V9" }));
  expect(wrong.json).toMatchObject({ error: { code: "-5002", message: "Invalid BP code [OINV.CardCode] , 'V9'" } });
  await expectStockAgrees(client);
});

test("a cancelled document is marked, followed by its cancellation, and leaves no trace in stock and books", async () => {
  const client = await start();
  await receive(client, "10", "5");
  await client.post("InventoryGenExits", doc([{ ItemCode: "A100", WarehouseCode: "01", Quantity: 3 }]));
  expect((await client.post("InventoryGenExits(1)/Cancel", {})).status).toBe(204);
  expect(
    (
      await client.get(
        "InventoryGenExits?$filter=CancelStatus%20ne%20%27csNo%27&$select=DocEntry,Cancelled,CancelStatus",
      )
    ).json,
  ).toMatchObject({
    value: [
      { DocEntry: 1, Cancelled: "tYES", CancelStatus: "csYes" },
      { DocEntry: 2, CancelStatus: "csCancellation" },
    ],
  });
  expect(await stock(client)).toMatchObject([{ quantity: "10", value: "50" }]);
  expect((await client.post("InventoryGenExits(1)/Cancel", {})).status).toBe(400);
  expect((await client.call("InventoryGenExits(1)", { method: "DELETE" })).json).toMatchObject({
    error: { code: "-5006" },
  });
  await expectStockAgrees(client);
});

test("without perpetual inventory stock moves and the books keep still; an approval template makes a draft", async () => {
  const client = await start({ settings: { perpetual: false, approvalTemplates: ["InventoryGenExits"] } });
  await receive(client, "10", "5");
  expect(await balances(client)).toEqual({});
  const caught = await client.post("InventoryGenExits", doc([{ ItemCode: "A100", WarehouseCode: "01", Quantity: 3 }]));
  expect(caught.json).toMatchObject({ error: { code: "-2028" } });
  expect((await client.get("Drafts(1)")).json).toMatchObject({
    DocObjectCode: "oInventoryGenExit",
    DocumentLines: [{ ItemCode: "A100" }],
  });
  await client.person("approve", { draft: 1 });
  expect((await client.get("InventoryGenExits/$count")).text).toBe("1");
  expect((await client.get("Drafts/$count")).text).toBe("0");
});

test("opening stock and opening balances stand before the open period, and balance", async () => {
  const client = await start({
    company: {
      ...COMPANY,
      openings: [
        { account: "1002", amount: "1000" },
        { account: "2202.01", amount: "-300.25", partner: "VEN001" },
      ],
      stock: [{ item: "A100", warehouse: "01", quantity: "7", price: "3.5" }],
    },
  });
  expect(await balances(client)).toMatchObject({
    "1002": "1000",
    "2202.01": "-300.25",
    "1405": "24.5",
    "4104": "-724.25",
  });
  expect((await client.get("JournalEntries(1)")).json).toMatchObject({ ReferenceDate: "2024-12-31T00:00:00Z" });
  await expectStockAgrees(client);
});
