import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { receiptRows, startKis } from "./testing.ts";

let dataDir = "";
let folder = "";
const children: ChildProcess[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "kingdee-kis-data-"));
  folder = mkdtempSync(join(tmpdir(), "kingdee-kis-files-"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(dataDir, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
});

const Ready = z.strictObject({
  vendor: z.literal("kingdee-kis"),
  baseUrl: z.string().regex(/^http:\/\/127\.0\.0\.1:\d+\/$/),
  credentials: z.strictObject({ folder: z.string() }),
  openPeriod: z.literal("2025-01"),
});

test("books, numbers, base data and settings survive a restart", async () => {
  const before = await startKis({ dataDir, folder });
  before.dbf("a.dbf", [...receiptRows("1"), ...receiptRows("2")]);
  await before.import("a.dbf");
  await before.person("delete", { id: 2 });
  await before.person("audit", { id: 1 });
  await before.person("settings", { tradeNumber: "drop" });
  await before.person("base-data", { items: [{ number: "M-9", name: "新物料" }] });
  const vouchers = [...before.simulator.world.ledger.vouchers.values()];
  await before.close();

  const after = await startKis({ dataDir, folder });
  const { ledger, settings } = after.simulator.world;
  expect([...ledger.vouchers.values()]).toEqual(vouchers);
  expect(ledger.deleted).toHaveLength(1);
  expect(settings.tradeNumber).toBe("drop");
  after.dbf("b.dbf", receiptRows("3", { debit: { FOBJID1: "M-9" } }));
  expect((await after.import("b.dbf")).lines).toMatchObject([{ taken: true, number: 2 }]);
  expect(ledger.get(3).entries[0]?.tradeNumber).toBe("");
  await after.close();
});

test("what was answered is found again after kill -9", async () => {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const args = ["--import", "tsx", main, "--data-dir", dataDir, "--folder", folder];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const [line]: unknown[] = await once(createInterface({ input: child.stdout }), "line");
  const ready = Ready.parse(JSON.parse(z.string().parse(line)));
  expect(ready.credentials.folder).toBe(folder);
  const lines = [
    { account: "1001", debit: "10.00" },
    { account: "1002", credit: "10.00" },
  ];
  const body = JSON.stringify({ date: "2025-01-15", lines });
  expect((await fetch(`${ready.baseUrl}_person/write`, { method: "POST", body })).status).toBe(200);
  child.kill("SIGKILL");
  await once(child, "close");

  const after = await startKis({ dataDir, folder });
  expect([...after.simulator.world.ledger.vouchers.values()]).toMatchObject([{ number: 1, date: "2025-01-15" }]);
  await after.close();
});
