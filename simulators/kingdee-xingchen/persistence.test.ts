import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { startKingdeeXingchen } from "./server.ts";
import { hmacText, logIn, person, receipt, send, signedHeaders } from "./testing.ts";

let folder = "";
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kingdee-xingchen-"));
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const Ready = z.strictObject({
  vendor: z.literal("kingdee-xingchen"),
  baseUrl: z.string().regex(/^http:\/\/127\.0\.0\.1:\d+$/),
  openPeriod: z.literal("2025-01"),
  credentials: z.strictObject({
    clientId: z.string(),
    clientSecret: z.string(),
    outerInstanceId: z.string(),
    appKey: z.string(),
    appSecret: z.string(),
    domain: z.string(),
    accountId: z.string(),
    accountName: z.string(),
    serviceId: z.string(),
    groupName: z.string(),
  }),
});
type Ready = z.infer<typeof Ready>;

async function spawnMain(): Promise<{ child: ChildProcess; ready: Ready }> {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const options = ["--seed", "5", "--data-dir", folder, "--requests-per-second", "0"];
  const child = spawn(process.execPath, ["--import", "tsx", main, ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const [line]: unknown[] = await once(createInterface({ input: child.stdout }), "line");
  return { child, ready: Ready.parse(JSON.parse(z.string().parse(line))) };
}

async function call(
  { baseUrl, credentials }: Ready,
  method: string,
  path: string,
  query: Record<string, string>,
  rest: { token?: string; body?: object } = {},
): Promise<unknown> {
  const suffix = new URLSearchParams(query).toString();
  const response = await fetch(`${baseUrl}${path}${suffix === "" ? "" : `?${suffix}`}`, {
    method,
    headers: { ...signedHeaders(credentials, method, path, query, Date.now()), "app-token": rest.token ?? "" },
    ...(rest.body === undefined ? {} : { body: JSON.stringify(rest.body) }),
  });
  return z.object({ data: z.unknown() }).parse(await response.json()).data;
}

async function tokenOf(ready: Ready): Promise<string> {
  const { appKey, appSecret } = ready.credentials;
  const query = { app_key: appKey, app_signature: hmacText(appSecret, appKey) };
  const data = await call(ready, "GET", "/jdyconnector/app_management/kingdee_auth_token", query);
  return z.object({ "app-token": z.string() }).parse(data)["app-token"];
}

test("after kill -9 every voucher that was answered is there again, and the old token still opens the books", async () => {
  const first = await spawnMain();
  const token = await tokenOf(first.ready);
  const ids: string[] = [];
  for (let number = 0; number < 20; number += 1) {
    const body = { items: [receipt(`k${number}`)] };
    const data = await call(first.ready, "POST", "/jdy/v2/fi/voucher", {}, { token, body });
    ids.push(...z.object({ ids: z.array(z.string()) }).parse(data).ids);
  }
  const operate = (operation: string, targets: readonly string[]): Promise<unknown> => {
    const body = { entity_number: "gl_voucher", operate_type: operation, ids: targets };
    return call(first.ready, "POST", "/jdy/v2/sys/common_operate", {}, { token, body });
  };
  await operate("audit", ids.slice(0, 2));
  await operate("delete", ids.slice(4, 5));
  first.child.kill("SIGKILL");
  await once(first.child, "exit");

  const second = await spawnMain();
  expect(second.ready.credentials).toEqual(first.ready.credentials);
  const data = await call(second.ready, "GET", "/jdy/v2/fi/voucher", { page_size: "100" }, { token });
  const { rows } = z.object({ rows: z.array(z.object({ id: z.string(), bill_status: z.string() })) }).parse(data);
  const expected = ids
    .map((id, index) => ({ id, bill_status: index < 2 ? "C" : "Z" }))
    .filter(({ id }) => id !== ids[4]);
  expect(rows.toReversed()).toEqual(expected);
});

test("a restart keeps books, stock, periods, switches, secrets, deletions, numbering and openings", async () => {
  const books = [
    {
      number: "001",
      items: [{ number: "M-001", name: "料", unit: "Pcs" }],
      warehouses: [{ number: "CK01", name: "一号仓" }],
      suppliers: [{ number: "VEN001", name: "供应商" }],
      openings: [{ account: "1002", amount: "5.00" }],
      openingStock: [{ item: "M-001", warehouse: "CK01", quantity: "3", cost: "9" }],
    },
  ];
  const options = { dataDir: folder, books, requestsPerSecondMax: null };
  const first = await startKingdeeXingchen(options);
  const client = await logIn(first);
  const [, second = ""] = await client.save(receipt("a"), receipt("b"));
  await client.operate("gl_voucher", "delete", [second]);
  const lines = [{ material_number: "M-001", unit_number: "Pcs", stock_number: "CK01", qty: "2" }];
  const bill = { bill_date: "2025-01-10", operation_key: "audit", material_entity: lines };
  await client.call("POST", "/jdy/v2/scm/inv_other_out", {}, bill);
  await person(first, "close-period", { period: "2025-01" });
  await person(first, "settings", { listOrder: "oldest-first" });
  await person(first, "rotate-secret", {});
  await person(first, "end-sessions", {});
  const { sequence } = first.world;
  const before = sequence.value;
  await first.close();

  const restarted = await startKingdeeXingchen(options);
  try {
    expect(restarted.credentials).toEqual(first.credentials);
    expect(restarted.world.sequence.value).toBeGreaterThanOrEqual(before - 1);
    expect(restarted.world.settings.listOrder).toBe("oldest-first");
    const again = await logIn(restarted);
    const path = "/jdy/v2/fi/voucher";
    const headers = { ...signedHeaders(restarted.credentials, "GET", path, {}, Date.now()), "app-token": client.token };
    expect(await send(restarted, headers, "GET", path)).toMatchObject({ errcode: 1_000_202_001 });
    await expect(again.save(receipt("c"))).rejects.toThrow("已结账");
    await person(restarted, "open-period", { period: "2025-01" });
    await again.save(receipt("c"));
    const rows = await again.list("fi/voucher");
    expect(rows.map((row) => [row["source_bill_no"], row["voucher_no"]])).toEqual([
      ["a", "记-1"],
      ["c", "记-2"],
    ]);
    expect(new Set(rows.map((row) => row["id"])).size).toBe(2);
    expect(await again.list("scm/inventory")).toMatchObject([{ qty: "1", cost: "3.00" }]);
    const report = { start_period: "202501", end_period: "202501", search: "1002" };
    expect(await again.detail("fi/account_balance_report", report)).toMatchObject({
      rows: [{ begin_bal: "5.00", begin_dc: "1" }],
    });
  } finally {
    await restarted.close();
  }
});
