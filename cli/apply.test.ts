import { execFile } from "node:child_process";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Database, openDatabase } from "../db/database.ts";
import { currentInstallationVersion } from "../db/installation-store.ts";
import { standardText } from "../mappings/load.ts";
import { createMetrics } from "../observability/metrics.ts";
import { testDatabase } from "../test/support/database.ts";
import { openConnectors } from "../worker/connectors.ts";
import { openLedgers } from "../worker/ledgers.ts";
import { createLog } from "../observability/log.ts";
import { template } from "./template-jiandaoyun-kingdee.ts";

/** Several runs of the command, each of which loads the sources anew. */
vi.setConfig({ testTimeout: 120_000 });
const RUN_LIMIT_MS = 60_000;
const checkout = join(import.meta.dirname, "..");
const SECRETS = {
  JIANDAOYUN_API_KEY: "one",
  KINGDEE_ACCT_ID: "two",
  KINGDEE_USER: "three",
  KINGDEE_APP_ID: "231784_x7dD4YmO6uA9XW1Hw1SBR7UFRvSd2tmF",
  KINGDEE_APP_SECRET: "four",
};
const RULES = standardText("packs", "cas").replace("name: cas", "name: own");

let folder: string;
let databaseUrl: string;
let database: Database;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "zhangshi-apply-"));
  databaseUrl = (await testDatabase()).url;
  database = openDatabase(databaseUrl);
  writeFileSync(join(folder, "zhangshi.yaml"), template.replace("    # rulePack:", "    rulePack:"));
  writeFileSync(join(folder, "rules.yaml"), RULES);
});
afterAll(async () => {
  await database.close();
  rmSync(folder, { recursive: true });
});

/** Started elsewhere than where the configuration lies, as a service would. */
const apply = (...options: readonly string[]): Promise<{ code: number; answer: unknown }> =>
  new Promise((resolve) => {
    const loader = join(checkout, "node_modules", "tsx", "dist", "loader.mjs");
    const file = join(folder, "zhangshi.yaml");
    execFile(
      process.execPath,
      ["--import", loader, join(checkout, "cli", "main.ts"), "apply", file, "--json", ...options],
      {
        cwd: tmpdir(),
        timeout: RUN_LIMIT_MS,
        env: { PATH: process.env["PATH"], HOME: folder, ZHANGSHI_DATABASE_URL: databaseUrl, ...SECRETS },
      },
      (error, out) => resolve({ code: error === null ? 0 : 1, answer: JSON.parse(out) }),
    );
  });

/** What a worker that starts now books by, on a machine of its own. */
const summaryInWorker = async (): Promise<unknown> => {
  const current = await currentInstallationVersion(database);
  if (current === undefined) throw new Error("nothing was applied");
  const log = createLog({ level: "silent" });
  const connectors = openConnectors(current.installation, database, SECRETS, log);
  try {
    const desk = openLedgers(current, database, connectors, "test", () => undefined, createMetrics())("main");
    const rule = desk?.rules.rules.find(({ name }) => name === "purchase-receipt-with-invoice");
    return rule !== undefined && "voucher" in rule ? rule.voucher.summary : undefined;
  } finally {
    await connectors.close();
  }
};
const SUMMARY = "采购入库 {documentNumber}";

test("an edited rule changes nothing before apply; the plan names it dry, and a worker then books by it without the file", async () => {
  const first = await apply();
  expect(first.answer).toMatchObject({
    stored: true,
    version: 1,
    mappings: { main: { rules: { name: "rules.yaml" } } },
  });
  expect(await summaryInWorker()).toBe(SUMMARY);

  writeFileSync(join(folder, "rules.yaml"), RULES.replace(SUMMARY, "入库 {documentNumber}"));
  expect(await summaryInWorker()).toBe(SUMMARY);

  const change = {
    kind: "changed",
    subject: "ledger main rule purchase-receipt-with-invoice version 1",
    field: "voucher.summary",
    before: JSON.stringify(SUMMARY),
    after: '"入库 {documentNumber}"',
  };
  const dry = await apply("--dry-run");
  expect(dry.answer).toMatchObject({ stored: false, version: 1, changes: [change] });
  expect(await summaryInWorker()).toBe(SUMMARY);

  const second = await apply();
  expect(second.answer).toMatchObject({ stored: true, version: 2, previousVersion: 1, changes: [change] });
  renameSync(join(folder, "rules.yaml"), join(folder, "elsewhere.yaml"));
  expect(await summaryInWorker()).toBe("入库 {documentNumber}");
});

test("a rule pack that is not there, or wrong, is refused with its place, dry as well, and nothing is stored", async () => {
  const before = await currentInstallationVersion(database);
  rmSync(join(folder, "rules.yaml"), { force: true });
  const gone = await apply("--dry-run");
  expect(gone.code).toBe(1);
  expect(gone.answer).toMatchObject({
    error: { code: "FILE_UNREADABLE", details: { file: join(folder, "rules.yaml"), field: "rulePack" } },
  });
  writeFileSync(join(folder, "rules.yaml"), RULES.replace("group: document", "group: year"));
  const wrong = await apply();
  expect(wrong.code).toBe(1);
  expect(wrong.answer).toMatchObject({
    error: {
      code: "CONFIG_INVALID",
      details: { file: "rules.yaml", field: "rules.0.voucher.group", value: "year", usedBy: "ledger main" },
    },
  });
  expect(await currentInstallationVersion(database)).toEqual(before);
});
