import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { startSapB1 } from "./server.ts";
import { batchOf, changeSet, logIn, receipt } from "./testing.ts";

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "sap-b1-"));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

test("a restart finds books, stock, user objects, periods, settings, credentials and certificate as they were", async () => {
  const company = {
    userTables: [{ name: "EXTPOST" }],
    items: [{ code: "A", name: "A" }],
    warehouses: [{ code: "01", name: "1" }],
  };
  const first = await startSapB1({ dataDir, seed: 5, company });
  const client = await logIn(first);
  await client.post("UserFieldsMD", { TableName: "OJDT", Name: "ExtRef", Type: "db_Alpha", Size: 20 });
  await client.batch(
    batchOf(
      changeSet(["POST", "U_EXTPOST", { Code: "k" }], ["POST", "JournalEntries", receipt("k", { U_ExtRef: "k" })]),
    ),
  );
  await client.batch(batchOf(changeSet(["POST", "U_EXTPOST", { Code: "l" }], ["POST", "JournalEntries", {}])));
  const line = { ItemCode: "A", WarehouseCode: "01", Quantity: 3, UnitPrice: "1.10" };
  await client.post("InventoryGenEntries", { DocDate: "2025-01-31", DocumentLines: [line] });
  await client.person("close-period", { period: "2025-03" });
  await client.person("settings", { pageSize: 7 });
  const { credentials, ca } = first;
  const before = (await client.get("JournalEntries")).text.replaceAll(first.origin, "");
  await first.close();

  const second = await startSapB1({ dataDir, seed: 99, company });
  try {
    expect(second.credentials).toEqual(credentials);
    expect(second.ca).toBe(ca);
    const again = await logIn(second);
    expect((await again.get("JournalEntries")).text.replaceAll(second.origin, "")).toBe(before);
    expect((await again.get("U_EXTPOST")).json).toMatchObject({ value: [{ Code: "k" }] });
    expect((await again.post("U_EXTPOST", { Code: "k" })).status).toBe(400);
    expect((await again.person("stock"))["stock"]).toEqual([
      { item: "A", warehouse: "01", quantity: "3", value: "3.3" },
    ]);
    const late = receipt("m", { ReferenceDate: "2025-03-31" });
    expect((await again.post("JournalEntries", late)).json).toMatchObject({ error: { code: "-4013" } });
    const next = receipt("m", { ReferenceDate: "2025-04-01", U_ExtRef: "m" });
    expect((await again.post("JournalEntries", next)).json).toMatchObject({ JdtNum: 3, U_ExtRef: "m" });
    expect(second.world.settings.pageSize).toBe(7);
  } finally {
    await second.close();
  }
});

const Ready = z.object({
  vendor: z.literal("sap-b1"),
  baseUrl: z.string(),
  credentials: z.object({ companyDb: z.string(), userName: z.string(), password: z.string() }),
  openPeriod: z.string(),
});

test("what was answered survives kill -9 of the process", { timeout: 60_000 }, async () => {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", main, "--http", "--data-dir", dataDir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [line] = z.tuple([z.instanceof(Buffer)]).parse(await once(child.stdout, "data"));
    const { baseUrl, credentials } = Ready.parse(JSON.parse(line.toString()));
    const login = await fetch(`${baseUrl}Login`, {
      method: "POST",
      body: JSON.stringify({
        CompanyDB: credentials.companyDb,
        UserName: credentials.userName,
        Password: credentials.password,
      }),
    });
    const cookie = (login.headers.getSetCookie()[0] ?? "").split(";")[0] ?? "";
    const body = JSON.stringify(receipt("kept"));
    const posted = await fetch(`${baseUrl}JournalEntries`, { method: "POST", body, headers: { cookie } });
    expect(posted.status).toBe(201);
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  const again = await startSapB1({ http: true, dataDir });
  try {
    const client = await logIn(again);
    expect((await client.get("JournalEntries(1)")).json).toMatchObject({ Reference: "kept" });
  } finally {
    await again.close();
  }
});
