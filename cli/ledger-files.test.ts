import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { postBatch } from "../activities/posting.ts";
import type { VoucherTarget } from "../connectors/contract.ts";
import { type Database, inTransaction, openDatabase } from "../db/database.ts";
import { currentInstallation } from "../db/installation-store.ts";
import * as store from "../db/posting-store.ts";
import { insertPostings } from "../db/voucher-store.ts";
import { decimal } from "../domain/decimal.ts";
import { postingKeyOf } from "../domain/posting-key.ts";
import { type KingdeeKis, startKingdeeKis } from "../simulators/kingdee-kis/server.ts";
import { testDatabase } from "../test/support/database.ts";
import { targetOf } from "./connectors.ts";

const checkout = join(import.meta.dirname, "..");
/** Several runs of the command, each of which loads the sources anew. */
const TEST_LIMIT_MS = 180_000;
vi.setConfig({ testTimeout: TEST_LIMIT_MS, hookTimeout: TEST_LIMIT_MS });

let folder: string;
let home: string;
let databaseUrl: string;
let database: Database;
let simulator: KingdeeKis;
let target: VoucherTarget;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "zhangshi-files-"));
  folder = mkdtempSync(join(tmpdir(), "zhangshi-kis-"));
  databaseUrl = (await testDatabase()).url;
  database = openDatabase(databaseUrl);
  simulator = await startKingdeeKis({ folder, dialect: "standard" });
  writeFileSync(
    join(home, "zhangshi.yaml"),
    `connections:
  - { name: kis, vendor: kingdee-kis, baseUrl: "${pathToFileURL(folder).href}", settings: { dialect: standard, book: "001" } }
companies: [{ code: main, name: 示例公司, standard: CAS }]
sources: []
ledgers:
  - { code: books, company: main, connection: kis, book: "001", targetStage: saved, estimateStyle: reverse-on-invoice,
      closedPeriod: hold, averagingScope: company }
`,
  );
  expect((await zhangshi("apply", join(home, "zhangshi.yaml"))).err).toBe("");
  const installation = await currentInstallation(database);
  const [ledger] = installation?.ledgers ?? [];
  if (installation === undefined || ledger === undefined) throw new Error("nothing was applied");
  target = targetOf(installation, ledger, {});
});
afterAll(async () => {
  await simulator.close();
  await database.close();
  for (const path of [home, folder]) rmSync(path, { recursive: true });
});

async function zhangshi(...args: readonly string[]): Promise<{ code: number | null; out: string; err: string }> {
  const loader = join(checkout, "node_modules", "tsx", "dist", "loader.mjs");
  const child = spawn(process.execPath, ["--import", loader, join(checkout, "cli", "main.ts"), ...args], {
    cwd: home,
    env: { PATH: process.env["PATH"] ?? "", HOME: home, ZHANGSHI_DATABASE_URL: databaseUrl },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  await once(child, "close");
  return { code: child.exitCode, out, err };
}
const result = async (...args: readonly string[]): Promise<unknown> =>
  JSON.parse((await zhangshi(...args, "--json")).out);

const identityOf = (recordId: string) => ({
  company: "main",
  source: "warehouse",
  form: "receipt",
  recordId,
  ledger: "books",
  purpose: "stock" as const,
  part: 1,
  generation: 0,
});
const keyOf = (recordId: string) => postingKeyOf(identityOf(recordId));

const insert = (...recordIds: readonly string[]) =>
  inTransaction(database, (client) =>
    insertPostings(
      client,
      recordIds.map((recordId) => {
        const shared = { amount: decimal("12.50"), summary: recordId, why: "", dimensions: {}, movementIds: [] };
        return {
          ...identityOf(recordId),
          key: keyOf(recordId),
          book: "001",
          groupName: recordId,
          state: "drafted" as const,
          targetStage: "saved" as const,
          word: "记",
          accountedOn: "2025-01-31",
          late: false,
          attachments: 1,
          currency: "CNY",
          documents: [recordId],
          summary: recordId,
          ruleName: "r",
          ruleVersion: 1,
          errorCode: undefined,
          reverses: undefined,
          lines: [
            { ...shared, lineNumber: 1, side: "debit" as const, role: "inventory", account: "1001" },
            { ...shared, lineNumber: 2, side: "credit" as const, role: "payables", account: "2241" },
          ],
          movements: [],
        };
      }),
    ),
  );

/** What the worker does, and then time passes. */
const post = async (rounds = 1): Promise<readonly string[]> => {
  const ledger = (await currentInstallation(database))?.ledgers[0];
  if (ledger === undefined) throw new Error("no ledger");
  for (let round = 0; round < rounds; round += 1) {
    await postBatch(
      {
        database,
        store,
        target,
        ledger,
        worker: "w",
        timing: { leaseMs: 60_000, deadlineMs: 30_000, settlingMs: 1 },
        lanes: 1,
        onStep: async () => undefined,
        heartbeat: () => undefined,
        count: () => undefined,
      },
      100,
    );
    await database.pool.query(
      `UPDATE postings SET look_up_after = look_up_after - interval '1 hour', retry_after = retry_after - interval '1 hour',
         lease_until = lease_until - interval '1 hour'`,
    );
  }
  const { rows } = await database.pool.query<{ said: string }>(
    "SELECT concat_ws(' ', documents[1], state, error_code, erp_number) AS said FROM postings ORDER BY posting_id",
  );
  return rows.map(({ said }) => said);
};
const person = async (act: string, body: unknown): Promise<void> => {
  const answer = await fetch(`${simulator.origin}/_person/${act}`, { method: "POST", body: JSON.stringify(body) });
  expect(answer.status).toBe(200);
};
const waitingFile = async (): Promise<string> => {
  const file = await target.files?.outstanding();
  if (file === undefined) throw new Error("no file waits");
  return file.name;
};
/** The person keeps logs and exports elsewhere than in the shared folder. */
const takenAway = (name: string): string => {
  const path = join(home, name);
  renameSync(join(folder, name), path);
  return path;
};

test("a log and an export that are handed in settle a file, and verify it", async () => {
  await insert("first");
  expect(await post()).toEqual(["first uncertain AWAITING_RECEIPT"]);
  const file = await waitingFile();
  expect(await result("ledger", "receipt", "books", "--dry-run")).toMatchObject({
    file,
    settled: [],
    waiting: 1,
    dryRun: true,
  });
  await person("import", { file });
  const log = takenAway(`${file}.log`);
  expect(await result("ledger", "receipt", "books", log, "--by", "会计")).toMatchObject({
    ledger: "books",
    file,
    settled: [{ key: keyOf("first"), found: "one", number: "1" }],
    waiting: 0,
  });
  expect(await post(2)).toEqual(["first posted EXPORT_MISSING 1"]);
  await person("export", { period: "2025-01" });
  const exported = takenAway("export-2025-01.dbf");
  expect(await result("ledger", "receipt", "books", exported)).toMatchObject({ file: null, periods: ["2025-01"] });
  expect(await post()).toEqual(["first verified 1"]);
  expect(readdirSync(folder)).not.toContain(file);
});

test("of a voucher that nothing settles a person says what was seen, and cannot overrule a log", async () => {
  await insert("there", "not there");
  await post();
  const dry = await result("ledger", "confirm", "books", keyOf("there"), "--posted", "77", "--dry-run");
  expect(dry).toMatchObject({ said: "one", number: "77", confirmed: false });
  expect((await post()).slice(1)).toEqual(["there uncertain AWAITING_RECEIPT", "not there uncertain AWAITING_RECEIPT"]);
  expect(await result("ledger", "confirm", "books", keyOf("there"), "--posted", "77")).toMatchObject({
    confirmed: true,
  });
  const overruled = await zhangshi("ledger", "confirm", "books", keyOf("there"), "--absent");
  expect([overruled.code, overruled.err]).toEqual([1, expect.stringContaining("found=posted")]);
  await result("ledger", "confirm", "books", keyOf("not there"), "--absent");
  // Known absent twice, it goes out again, in a file of its own.
  expect((await post(4)).slice(1)).toEqual(["there posted EXPORT_MISSING 77", "not there uncertain AWAITING_RECEIPT"]);
  expect((await target.files?.outstanding())?.keys).toEqual([keyOf("not there")]);
});

test("a file that was not imported is said so in one word; nonsense is refused by name", async () => {
  const file = await waitingFile();
  expect(await result("ledger", "receipt", "books", "--not-imported")).toMatchObject({
    file,
    settled: [{ key: keyOf("not there"), found: "absent" }],
  });
  const none = await zhangshi("ledger", "receipt", "books", "--imported");
  expect([none.code, none.err]).toEqual([1, expect.stringContaining("no file waits")]);
  for (const args of [
    ["receipt", "books"],
    ["receipt", "books", join(home, "gone.dbf")],
    ["confirm", "books", "nothing", "--absent"],
    ["confirm", "books", keyOf("first"), "--absent"],
  ])
    expect([args, (await zhangshi("ledger", ...args)).code]).toEqual([args, 1]);
});
