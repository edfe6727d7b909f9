import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { startKingdeeCloud } from "./server.ts";
import { AUTH_SERVICE, FORM_SERVICE, logIn, receipt } from "./testing.ts";

let folder = "";
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kingdee-cloud-"));
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const Ready = z.object({
  vendor: z.literal("kingdee-cloud"),
  baseUrl: z.string().regex(/^http:\/\/127\.0\.0\.1:\d+\/k3cloud\/$/),
  openPeriod: z.literal("2025-01"),
  credentials: z.strictObject({
    acctId: z.string(),
    userName: z.string(),
    password: z.string(),
    appId: z.string(),
    appSecret: z.string(),
    lcid: z.literal(2052),
    orgNum: z.literal(100),
    auditorUserName: z.string(),
    auditorPassword: z.string(),
  }),
});
type Ready = z.infer<typeof Ready>;

async function spawnMain(): Promise<{ child: ChildProcess; ready: Ready }> {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", main, "--seed", "5", "--data-dir", folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const [line]: unknown[] = await once(createInterface({ input: child.stdout }), "line");
  return { child, ready: Ready.parse(JSON.parse(z.string().parse(line))) };
}

async function post(ready: Ready, service: string, body: unknown, session: string): Promise<string> {
  const response = await fetch(`${ready.baseUrl}${service}.common.kdsvc`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "kdservice-sessionid": session },
  });
  return response.text();
}

async function session(ready: Ready): Promise<string> {
  const { acctId, userName, password } = ready.credentials;
  const text = await post(ready, `${AUTH_SERVICE}ValidateUser`, { parameters: [acctId, userName, password, 2052] }, "");
  return z.object({ KDSVCSessionId: z.string() }).parse(JSON.parse(text)).KDSVCSessionId;
}

test("after kill -9 every voucher that was answered is there again, under the same credentials", async () => {
  const first = await spawnMain();
  const login = await session(first.ready);
  const answered: string[] = [];
  for (let number = 0; number < 20; number += 1) {
    const body = { formid: "GL_VOUCHER", data: { IsVerifyBaseDataField: true, Model: receipt(`k${number}`) } };
    expect(await post(first.ready, `${FORM_SERVICE}Save`, body, login)).toContain('"IsSuccess":true');
    answered.push(`k${number}`);
  }
  await post(first.ready, `${FORM_SERVICE}Submit`, { formid: "GL_VOUCHER", data: { Ids: "100001,100002" } }, login);
  await post(first.ready, `${FORM_SERVICE}Delete`, { formid: "GL_VOUCHER", data: { Ids: "100005" } }, login);
  first.child.kill("SIGKILL");
  await once(first.child, "exit");

  const second = await spawnMain();
  expect(second.ready.credentials).toEqual(first.ready.credentials);
  const query = { data: { FormId: "GL_VOUCHER", FieldKeys: "F_ZS_ExtNo,FDocumentStatus", OrderString: "FVOUCHERID" } };
  const rows: unknown = JSON.parse(
    await post(second.ready, `${FORM_SERVICE}ExecuteBillQuery`, query, await session(second.ready)),
  );
  const expected = answered.map((key, index) => [key, index < 2 ? "B" : "A"]).filter(([key]) => key !== "k4");
  expect(rows).toEqual(expected);
});

test("a restart keeps books, periods, settings, deletions and numbering", async () => {
  const first = await startKingdeeCloud({ dataDir: folder });
  const client = await logIn(first);
  await client.write("Save", { Model: receipt("a") });
  await client.write("Save", { Model: receipt("b") });
  await client.person("close-period", { book: "001", period: "2025-01" });
  await client.person("custom-field", { name: "F_ZS_Other" });
  await client.person("base-data", { records: [{ form: "BD_STOCK", number: "CK09", name: "新仓" }] });
  const sequence = first.world.ledger.sequence;
  await first.close();

  const second = await startKingdeeCloud({ dataDir: folder });
  try {
    expect(second.credentials).toEqual(first.credentials);
    expect(second.world.ledger.sequence).toBeGreaterThanOrEqual(sequence - 3);
    const again = await logIn(second);
    expect(await again.query({ FieldKeys: "F_ZS_Other,FDEBITTOTAL,FVOUCHERGROUPNO" })).toEqual([
      ["a", 128.5, "1"],
      ["b", 128.5, "2"],
    ]);
    expect((await again.write("Save", { Model: receipt("c") })).messages[0]).toContain("已结账");
    expect(await again.query({ FormId: "BD_STOCK", FieldKeys: "FName", FilterString: "FNumber='CK09'" })).toEqual([
      ["新仓"],
    ]);
    await again.person("open-period", { book: "001", period: "2025-01" });
    expect((await again.write("Save", { IsVerifyBaseDataField: true, Model: receipt("c") })).numbers).toEqual(["3"]);
  } finally {
    await second.close();
  }
});
