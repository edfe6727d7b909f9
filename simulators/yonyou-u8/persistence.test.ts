import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { startYonyouU8 } from "./server.ts";
import { books, eai, openApi, person, receiptLines, sql, voucherJson, voucherXml } from "./testing.ts";

let folder = "";
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "yonyou-u8-"));
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const Ready = z.strictObject({
  vendor: z.literal("yonyou-u8"),
  baseUrl: z.string().regex(/^http:\/\/127\.0\.0\.1:\d+\/$/),
  openPeriod: z.literal("2025-01"),
  credentials: z.strictObject({
    sender: z.literal("001"),
    from_account: z.string(),
    to_account: z.string(),
    app_key: z.string(),
    app_secret: z.string(),
    ds_sequence: z.literal(1),
  }),
});

async function spawnMain(): Promise<{ child: ChildProcess; ready: z.infer<typeof Ready> }> {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", main, "--seed", "5", "--data-dir", folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const [line]: unknown[] = await once(createInterface({ input: child.stdout }), "line");
  return { child, ready: Ready.parse(JSON.parse(z.string().parse(line))) };
}

test("the ready line names both faces' credentials, and kill -9 loses nothing that was answered", async () => {
  const first = await spawnMain();
  const post = (baseUrl: string, key: string) =>
    fetch(`${baseUrl}U8EAI/import.asp`, { method: "POST", body: voucherXml(receiptLines(), { key }) });
  for (const key of ["k1", "k2", "k3"]) await (await post(first.ready.baseUrl, key)).text();
  const gone = once(first.child, "exit");
  first.child.kill("SIGKILL");
  await gone;
  const second = await spawnMain();
  expect(second.ready.credentials).toEqual(first.ready.credentials);
  const reply = await (await post(second.ready.baseUrl, "k3")).text();
  expect(reply).toContain("数据重复上传");
  expect(await (await post(second.ready.baseUrl, "k4")).text()).toContain('u8voucher_id="4"');
});

test("a restart keeps vouchers, stock, archives, periods, settings, deletions and results", async () => {
  const first = await startYonyouU8({ dataDir: folder });
  const api = await openApi(first);
  await eai(first, voucherXml(receiptLines(), { key: "a" }));
  const added = await api.post("api/voucher/add", { biz_id: "b", sync: "1" }, voucherJson(receiptLines()));
  const head = { warehousecode: "CK01", date: "2025-01-10", define1: "S" };
  await person(first, "write-document", { kind: "08", head, lines: [{ inventorycode: "M-001", quantity: "2.5" }] });
  await person(first, "delete", { id: 1, force: true });
  await person(first, "settings", { abstractLengthMax: 120 });
  await person(first, "base-data", { records: [{ kind: "warehouse", code: "W9", name: "新仓" }] });
  await person(first, "close-period", { period: "2025-01", module: "st" });
  const before: unknown = await (await fetch(`${first.origin}/_sim/books`)).json();
  await first.close();
  const second = await startYonyouU8({ dataDir: folder });
  try {
    expect(await (await fetch(`${second.origin}/_sim/books`)).json()).toEqual(before);
    expect(second.world.settings.abstractLengthMax).toBe(120);
    expect(await sql(second, "select cWhName from Warehouse where cWhCode = 'W9'")).toEqual([{ cWhName: "新仓" }]);
    const again = await openApi(second);
    const repeated = await again.post("api/voucher/add", { biz_id: "b", sync: "1" }, voucherJson(receiptLines()));
    expect(repeated).toEqual(added);
    expect((await books(second)).vouchers).toHaveLength(1);
  } finally {
    await second.close();
  }
});
