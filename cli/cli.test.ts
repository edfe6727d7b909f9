import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { readXlsx, writeXlsx } from "hucre/xlsx";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { simulators } from "../simulators/registry.ts";
import { parseInstallation } from "../config/installation.ts";
import { type Database, inTransaction, openDatabase } from "../db/database.ts";
import { currentInstallation } from "../db/installation-store.ts";
import { pauseLedger } from "../db/posting-store.ts";
import { insertPostings } from "../db/voucher-store.ts";
import { decimal } from "../domain/decimal.ts";
import { postingKeyOf } from "../domain/posting-key.ts";
import { startKingdeeCloud } from "../simulators/kingdee-cloud/server.ts";
import { testDatabase } from "../test/support/database.ts";
import { template } from "./template-jiandaoyun-kingdee.ts";

const checkout = join(import.meta.dirname, "..");
const RUN_LIMIT_MS = 60_000;
/** Several runs of the command, each of which loads the sources anew. */
const TEST_LIMIT_MS = 180_000;
vi.setConfig({ testTimeout: TEST_LIMIT_MS });
const SECRETS = {
  JIANDAOYUN_API_KEY: "jdy-secret-value",
  KINGDEE_ACCT_ID: "acct-secret-value",
  KINGDEE_USER: "user-secret-value",
  KINGDEE_APP_ID: "231784_x7dD4YmO6uA9XW1Hw1SBR7UFRvSd2tmF",
  KINGDEE_APP_SECRET: "app-secret-value",
};

interface Answer {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

let folder: string;
let databaseUrl: string;
let database: Database;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "zhangshi-cli-"));
  databaseUrl = (await testDatabase()).url;
  database = openDatabase(databaseUrl);
});
afterAll(async () => {
  await database.close();
  rmSync(folder, { recursive: true });
});

/** The command as a user's shell starts it: its own process, its own folder, nothing inherited but the PATH. */
function start(args: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const environment = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    ZHANGSHI_DATABASE_URL: databaseUrl,
    ...variables,
  };
  const loader = join(checkout, "node_modules", "tsx", "dist", "loader.mjs");
  return spawn(process.execPath, ["--import", loader, join(checkout, "cli", "main.ts"), ...args], {
    cwd: folder,
    env: environment,
    timeout: RUN_LIMIT_MS,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function zhangshi(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const child = start(args, variables);
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  await once(child, "close");
  return { code: child.exitCode, out, err };
}

const object = (text: string): unknown => JSON.parse(text);

describe("help and language", () => {
  const commands = [
    "init",
    "apply",
    "check",
    "certify",
    "sync",
    "post",
    "reconcile",
    "status",
    "exceptions",
    "voucher",
    "ledger",
    "codes",
    "simulate",
    "doctor",
    "worker",
  ];
  const changing = ["init", "apply", "certify", "sync", "post", "reconcile", "worker"];

  test("the help names every command, in the language of the user", async () => {
    const english = await zhangshi(["--help"], { LANG: "en_GB.UTF-8" });
    expect(english.code).toBe(0);
    for (const command of commands) expect(english.out).toMatch(new RegExp(`^  ${command} `, "m"));
    const chinese = await zhangshi(["--help"], { LANG: "zh_CN.UTF-8" });
    expect(chinese.out).toContain("账实相符");
    expect((await zhangshi(["status", "--help", "--language", "zh"], { LANG: "C" })).out).toContain("待处理异常");
  });

  test.each(commands)("%s has --help and --json, and --dry-run where it changes something", async (command) => {
    const { code, out } = await zhangshi([command, "--help"]);
    expect(code).toBe(0);
    expect(out).toContain("--json");
    if (changing.includes(command)) expect(out).toContain("--dry-run");
  });
});

describe("init and apply", () => {
  test("init writes a configuration that is valid as it stands, and never overwrites one", async () => {
    expect((await zhangshi(["init", "--dry-run", "one.yaml"])).out).toContain("connections:");
    expect((await zhangshi(["init", "one.yaml"])).code).toBe(0);
    expect(parseInstallation(readFileSync(join(folder, "one.yaml"), "utf8"), "one.yaml").ledgers).toHaveLength(1);
    const again = await zhangshi(["init", "one.yaml"]);
    expect(again.code).toBe(1);
    expect(again.err).toContain("is not overwritten");
  });

  test("apply shows the plan dry, stores a version once, and stores a change as the next with its difference", async () => {
    const file = join(folder, "two.yaml");
    writeFileSync(file, template);
    const dry = await zhangshi(["apply", file, "--dry-run", "--json"], SECRETS);
    expect(dry.err).toBe("");
    expect(object(dry.out)).toMatchObject({ dryRun: true, stored: false, version: null });
    expect(await currentInstallation(database)).toBeUndefined();

    expect(object((await zhangshi(["apply", file, "--json"], SECRETS)).out)).toMatchObject({
      stored: true,
      version: 1,
    });
    const same = await zhangshi(["apply", file, "--json"], SECRETS);
    expect(object(same.out)).toMatchObject({ stored: false, version: 1, changes: [] });

    writeFileSync(file, template.replace("grouping: document", "grouping: day"));
    const changed = await zhangshi(["apply", file, "--json"], SECRETS);
    expect(object(changed.out)).toMatchObject({
      version: 2,
      previousVersion: 1,
      changes: [{ kind: "changed", subject: "ledger main", field: "grouping", before: '"document"', after: '"day"' }],
    });
    expect((await currentInstallation(database))?.ledgers[0]?.grouping).toBe("day");
  });

  test("a mistake is refused with its place and the next step: in the file, in a connector's settings, in the environment", async () => {
    const file = join(folder, "three.yaml");
    writeFileSync(file, template.replace("standard: CAS", "standard: GAAP"));
    const wrong = await zhangshi(["apply", file, "--json", "--dry-run"], SECRETS);
    expect(wrong.code).toBe(1);
    expect(object(wrong.out)).toMatchObject({
      error: { code: "CONFIG_INVALID", details: { field: "companies[0].standard", value: "GAAP", line: "45" } },
    });
    writeFileSync(file, template.replace("authentication: signed", "authentication: magic"));
    const settings = await zhangshi(["apply", file, "--dry-run"], { ...SECRETS, LANG: "zh_CN.UTF-8" });
    expect(settings.code).toBe(1);
    expect(settings.err).toContain("settings.authentication");
    expect(settings.err).toContain("usedBy=ledger main");
    expect(settings.err).toContain("重新 apply");
    writeFileSync(file, template);
    const { KINGDEE_APP_SECRET: _left, ...others } = SECRETS;
    const missing = await zhangshi(["apply", file, "--dry-run"], others);
    expect(missing.err).toContain("place=env:KINGDEE_APP_SECRET");
    for (const secret of Object.values(others)) expect(missing.err + missing.out).not.toContain(secret);
  });

  test("a database that is not there is named as such, without its password", async () => {
    const gone = await zhangshi(["status", "--json"], { ZHANGSHI_DATABASE_URL: "postgres://u:hunter2@127.0.0.1:1/x" });
    expect(gone.code).toBe(1);
    expect(object(gone.out)).toMatchObject({ error: { code: "DATABASE_UNREACHABLE" } });
    expect(gone.out + gone.err).not.toContain("hunter2");
  });
});

describe("what runs", () => {
  test("sync, post and reconcile name dry what they would start", async () => {
    const ids = async (command: string) => object((await zhangshi([command, "--dry-run", "--json"])).out);
    expect(await ids("sync")).toMatchObject({ procedures: [{ workflowId: "sync/main/warehouse", state: "planned" }] });
    expect(await ids("post")).toMatchObject({ procedures: [{ workflowId: "post/main/main" }] });
    expect(await ids("reconcile")).toMatchObject({ procedures: [{ workflowId: "reconcile/main/main" }] });
    const unknown = await zhangshi(["sync", "--source", "other", "--dry-run"]);
    expect(unknown.code).toBe(1);
    expect(unknown.err).toContain("expected=warehouse");
  });

  test("status counts vouchers by state, and voucher show says why, from rule to read-back", async () => {
    const key = postingKeyOf({
      company: "main",
      source: "warehouse",
      form: "purchase-receipt",
      recordId: "r1",
      ledger: "main",
      purpose: "stock",
      part: 1,
      generation: 0,
    });
    const shared = {
      lineNumber: 1,
      summary: "暂估入库 CG-1",
      amount: decimal("12.50"),
      dimensions: { warehouse: "01" },
      movementIds: [],
    };
    await inTransaction(database, (client) =>
      insertPostings(client, [
        {
          key,
          company: "main",
          ledger: "main",
          book: "001",
          source: "warehouse",
          form: "purchase-receipt",
          recordId: "r1",
          purpose: "stock",
          part: 1,
          generation: 0,
          groupName: "r1",
          state: "ready",
          targetStage: "audited",
          word: "记",
          accountedOn: "2025-01-31",
          late: false,
          attachments: 1,
          currency: "CNY",
          documents: ["CG-1"],
          summary: "暂估入库 CG-1",
          ruleName: "purchase-receipt-without-invoice",
          ruleVersion: 3,
          errorCode: undefined,
          reverses: undefined,
          lines: [
            { ...shared, side: "debit", role: "inventory", account: "1405", why: "货已入库，按暂估价入账" },
            {
              ...shared,
              lineNumber: 2,
              side: "credit",
              role: "estimated-payables",
              account: "2202",
              why: "发票到达后冲回",
            },
          ],
          movements: [],
        },
      ]),
    );
    await database.pool.query(
      `INSERT INTO posting_attempts (posting_id, act, outcome, code, message, worker)
       SELECT posting_id, 'send', 'refused', 'PERIOD_CLOSED', '期间已结账', 'w1' FROM postings WHERE posting_key = $1`,
      [key],
    );
    const status = object((await zhangshi(["status", "--json"])).out);
    expect(status).toMatchObject({
      configuration: { version: 2 },
      postings: [{ company: "main", ledger: "main", state: "ready", count: 1 }],
      exceptions: [],
    });
    expect((await zhangshi(["status"])).out).toMatch(/main\s+main\s+ready\s+1/);

    const shown = await zhangshi(["voucher", "show", key, "--json"]);
    expect(object(shown.out)).toMatchObject({
      posting: { key, rule: "purchase-receipt-without-invoice", ruleVersion: 3, debitTotal: "12.50" },
      lines: [
        { account: "1405", role: "inventory", why: "货已入库，按暂估价入账", amount: "12.50" },
        { account: "2202", side: "credit" },
      ],
      attempts: [{ act: "send", outcome: "refused", code: "PERIOD_CLOSED" }],
      readBacks: [],
    });
    const text = await zhangshi(["voucher", "show", key], { LANG: "zh_CN.UTF-8" });
    expect(text.out).toContain("purchase-receipt-without-invoice v3");
    expect(text.out).toMatch(/借\s+1405\s+12\.50/);
    const unknown = await zhangshi(["voucher", "show", "nothing"]);
    expect(unknown.code).toBe(1);
    expect(unknown.err).toContain("There is no such posting key");
  });

  test("post --retry names dry what it would do per voucher, and a key that nobody knows", async () => {
    await database.pool.query("UPDATE postings SET state = 'held', error_code = 'LIMIT_LINES' WHERE ledger = 'main'");
    const dry = object((await zhangshi(["post", "--retry", "--dry-run", "--json"])).out);
    expect(dry).toMatchObject({
      retried: [{ documents: ["CG-1"], state: "held", code: "LIMIT_LINES", act: "redraw" }],
      procedures: [{ workflowId: "post/main/main", state: "planned" }],
    });
    expect((await zhangshi(["post", "--retry", "--dry-run"], { LANG: "zh_CN.UTF-8" })).out).toContain("重新生成并发送");
    const { rows } = await database.pool.query("SELECT DISTINCT retry FROM postings");
    expect(rows).toEqual([{ retry: null }]);
    const unknown = await zhangshi(["post", "--retry", "--key", "nothing", "--dry-run"]);
    expect(unknown.err).toContain("There is no such posting key");
    expect((await zhangshi(["post", "--key", "nothing", "--dry-run"])).err).toContain("--retry");
    const absent = await zhangshi(["voucher", "absent", "nothing", "--dry-run"]);
    expect(absent.err).toContain("There is no such posting key");
  });

  test("code tables travel to Excel and back; with one wrong row nothing is taken, and the row is named", async () => {
    const file = join(folder, "codes.xlsx");
    const header = ["table", "code", "erpCode", "validFrom", "validTo"];
    const sheet = async (rows: readonly string[][]) =>
      writeFileSync(file, await writeXlsx({ sheets: [{ name: "codes", rows: [header, ...rows] }] }));
    await sheet([
      ["unit", "箱", "Pcs", "", ""],
      ["item", "007", "CH007", "2025-01-01", ""],
    ]);
    const counts = z.object({ added: z.number(), removed: z.number(), total: z.number() });
    const run = async (...more: string[]) =>
      counts.parse(object((await zhangshi(["codes", "import", "main", file, "--json", ...more])).out));
    expect(await run("--dry-run")).toEqual({ added: 2, removed: 0, total: 2 });
    expect(await run()).toEqual({ added: 2, removed: 0, total: 2 });
    await sheet([["unit", "个", "Pcs", "", ""]]);
    expect(await run("--mode", "add")).toEqual({ added: 1, removed: 0, total: 3 });
    await sheet([
      ["unit", "个", "Pcs", "", ""],
      ["colour", "x", "y", "", ""],
    ]);
    const wrong = await zhangshi(["codes", "import", "main", file, "--json"]);
    expect(wrong.code).toBe(1);
    expect(object(wrong.out)).toMatchObject({ error: { details: { row: "3", column: "table", value: "colour" } } });

    const out = join(folder, "out.xlsx");
    expect((await zhangshi(["codes", "export", "main", out])).code).toBe(0);
    const { sheets } = await readXlsx(readFileSync(out));
    expect(sheets[0]?.rows.map((row) => row.slice(0, 4).map((cell) => cell ?? ""))).toEqual([
      header.slice(0, 4),
      ["item", "007", "CH007", "2025-01-01"],
      ["unit", "个", "Pcs", ""],
      ["unit", "箱", "Pcs", ""],
    ]);
  });

  test("check says stage by stage what works, fails with exit code 1, and names what to do", async () => {
    const simulator = await startKingdeeCloud({ port: 0, seed: 7 });
    try {
      const { baseUrl, credentials } = simulator;
      const given = {
        KINGDEE_ACCT_ID: credentials.acctId,
        KINGDEE_USER: credentials.userName,
        KINGDEE_APP_ID: credentials.appId,
        KINGDEE_APP_SECRET: credentials.appSecret,
      };
      const file = join(folder, "check.yaml");
      writeFileSync(file, template.replace("https://erp.example.com/k3cloud/", baseUrl));
      const good = await zhangshi(["check", "erp", "--file", file, "--json"], given);
      const lines = good.out.trim().split("\n").map(object);
      expect(lines).toContainEqual(expect.objectContaining({ connection: "erp", stage: "key-field", state: "ok" }));
      expect(lines.at(-1)).toMatchObject({ ok: true, failed: 0 });
      expect(good.code).toBe(0);
      const wrong = "wrong-secret-of-the-user-himself";
      const bad = await zhangshi(["check", "erp", "--file", file, "--language", "zh"], {
        ...given,
        KINGDEE_APP_SECRET: wrong,
      });
      expect(bad.code).toBe(1);
      expect(bad.out).toMatch(/✗ login .*\n {4}→ /);
      expect(bad.out + bad.err).not.toContain(wrong);
    } finally {
      await simulator.close();
    }
  });

  test("a paused ledger shows its reason in status and is resumed by hand only", async () => {
    await pauseLedger(database, "main", "main", "KEY_NOT_ECHOED", "no key came back");
    expect(object((await zhangshi(["status", "--json"])).out)).toMatchObject({
      ledgers: [{ ledger: "main", paused: true, pauseCode: "KEY_NOT_ECHOED" }],
    });
    const resume = async (...more: string[]) =>
      object((await zhangshi(["ledger", "resume", "main", "--json", ...more])).out);
    expect(await resume("--dry-run")).toEqual({ ledger: "main", wasPaused: true, resumed: false, dryRun: true });
    expect(await resume()).toMatchObject({ wasPaused: true, resumed: true });
    expect(await resume()).toMatchObject({ wasPaused: false, resumed: false });
  });

  test("doctor names the database's state, and a Temporal that is not there with what to do", async () => {
    const { code, out } = await zhangshi(["doctor", "--json"], { TEMPORAL_ADDRESS: "127.0.0.1:1" });
    expect(code).toBe(1);
    const { findings } = z
      .object({
        findings: z.array(z.object({ check: z.string(), state: z.string(), nextStep: z.string().optional() })),
      })
      .parse(object(out));
    const states = Object.fromEntries(findings.map(({ check, state }) => [check, state]));
    expect(states).toMatchObject({
      node: "ok",
      database: "ok",
      schema: "ok",
      clock: "ok",
      configuration: "ok",
      temporal: "failed",
    });
    expect(findings.find(({ check }) => check === "temporal")?.nextStep).toContain("TEMPORAL_ADDRESS");
  });

  test("an option that the simulator of a vendor lacks is refused, and so is a value that it does not take", async () => {
    const foreign = await zhangshi(["simulate", "kingdee-cloud", "--folder", "/tmp"], { LANG: "en_GB.UTF-8" });
    expect(foreign.code).toBe(1);
    expect(foreign.err).toContain("--folder");
    const unknown = await zhangshi(["simulate", "kingdee-kis", "--dialect", "mdb"], { LANG: "en_GB.UTF-8" });
    expect(unknown.code).toBe(1);
    expect(unknown.err).toContain("standard | professional | excel");
  });

  test.each(Object.keys(simulators))(
    "simulate %s prints exactly one JSON line, answers there, and ends when told",
    async (vendor) => {
      // A certificate of the simulator's own making is no matter of this promise.
      const plain = simulators[vendor]?.options?.some(({ name }) => name === "http") === true ? ["--http"] : [];
      const child = start(["simulate", vendor, "--seed", "7", ...plain]);
      let out = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
      for (let waited = 0; !out.includes("\n") && waited < RUN_LIMIT_MS && child.exitCode === null; waited += 100) {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const ready = z
        .strictObject({
          vendor: z.string(),
          baseUrl: z.string(),
          credentials: z.record(z.string(), z.unknown()),
          openPeriod: z.string().nullable(),
        })
        .parse(object(out));
      expect(ready.vendor).toBe(vendor);
      expect((await fetch(ready.baseUrl)).status).toBeGreaterThan(0);
      child.kill("SIGTERM");
      await once(child, "close");
      expect(child.exitCode).toBe(0);
      expect(out.trim().split("\n")).toHaveLength(1);
    },
  );
});
