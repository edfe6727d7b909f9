import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { z } from "zod";
import { createReportActivities } from "../activities/report.ts";
import { openDatabase } from "../db/database.ts";
import { replaceCodes } from "../db/code-store.ts";
import { exceptionStore } from "../db/exception-store.ts";
import { storeInstallation } from "../db/installation-store.ts";
import { migrateToLatest } from "../db/migrate.ts";
import { reconciliationStore } from "../db/reconciliation-store.ts";
import { pausedLedgers, readCoverage, readDemoFigures } from "./figures.ts";
import { ZhangshiError } from "../domain/errors.ts";
import { readMappings } from "../mappings/applied.ts";
import { Installation } from "../domain/installation.ts";
import { startPostgres } from "../embedded/postgres.ts";
import { startTemporal } from "../embedded/temporal.ts";
import { createLog } from "../observability/log.ts";
import { startJiandaoyun } from "../simulators/jiandaoyun/server.ts";
import { startKingdeeCloud } from "../simulators/kingdee-cloud/server.ts";
import { startWorker } from "../worker/worker.ts";
import { adventureWorks } from "./adventureworks.ts";
import { demoCompany } from "./company.ts";
import type { DemoCompany } from "./document.ts";
import { enterCompany } from "./enter.ts";
import { demoRulePackYaml } from "./rules.ts";
import { type InstalledCompany, demoInstallation, ledgerCodeOf, secretVariables } from "./installation.ts";
import type { JiandaoyunOffice } from "./jiandaoyun-office.ts";
import { KingdeeOffice, codeRowsOf } from "./kingdee-office.ts";
import { northwind } from "./northwind.ts";
import { plantAfter } from "./planted/after.ts";
import { type PlantedBefore, plantBefore } from "./planted/before.ts";
import { openPipeline } from "./pipeline.ts";
import { Steps } from "./steps.ts";

/*
 * The main job on one machine: servers, simulators, a company, sync, vouchers, reconciliation, reports.
 * A second run takes up where things are.
 */

const DEFAULT_SEED = 1;

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    seed: { type: "string", default: String(DEFAULT_SEED) },
    keep: { type: "boolean", default: false },
    data: { type: "string" },
    folder: { type: "string", default: ".zhangshi" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(
    `npm run demo -- [--json] [--seed N] [--keep] [--data FOLDER]

  --json         print one JSON object and nothing else
  --seed N       draw another month and other planted mismatches (default ${DEFAULT_SEED})
  --keep         leave everything running until Ctrl-C, and say how to look around
  --folder F     keep all data below F (default .zhangshi)
  --data FOLDER  do the job on the AdventureWorks and Northwind files in FOLDER instead
`,
  );
  process.exit(0);
}
const options = z
  .object({
    json: z.boolean(),
    seed: z.coerce.number().int().min(0),
    keep: z.boolean(),
    data: z.string().optional(),
    folder: z.string(),
  })
  .parse(values);

const folder = resolve(options.folder, options.data === undefined ? `demo-${options.seed}` : "demo-data");
const reportFolder = join(folder, "reports");
/** The demo company has a rule pack of its own, as real companies do. */
const ruleFile = join(folder, "rules.yaml");
const plantedFile = join(reportFolder, "planted.json");
const steps = new Steps((line) => process.stderr.write(`${line}\n`));
const closing: (() => Promise<unknown>)[] = [];

/** What the demo works on; only the company of our own making has mismatches planted in it. */
const subjects = (): readonly { readonly company: DemoCompany; readonly planted: PlantedBefore | undefined }[] => {
  if (options.data === undefined) {
    const planted = plantBefore(demoCompany(options.seed), options.seed);
    return [{ company: planted.company, planted }];
  }
  const real = resolve(options.data);
  for (const name of ["adventureworks", "northwind"]) {
    if (!existsSync(join(real, name))) throw new ZhangshiError("FILE_UNREADABLE", { folder: join(real, name) });
  }
  return [adventureWorks(real), northwind(real)].map((company) => ({
    company,
    planted: undefined,
  }));
};

const main = async (): Promise<void> => {
  await mkdir(reportFolder, { recursive: true });
  const work = subjects();
  await writeFile(ruleFile, demoRulePackYaml());

  const postgres = await steps.run("PostgreSQL", () =>
    startPostgres({ dataDir: join(folder, "postgres"), progress: steps.note }),
  );
  closing.push(() => postgres.stop());
  const temporal = await steps.run("Temporal", () =>
    startTemporal({ mode: "dev", dataDir: join(folder, "temporal"), ui: options.keep, progress: steps.note }),
  );
  closing.push(() => temporal.stop());
  await steps.run("数据库结构 schema", () => migrateToLatest(postgres.url));

  const [jiandaoyun, kingdee] = await steps.run("模拟器 simulators", () =>
    Promise.all([
      startJiandaoyun({
        dataDir: join(folder, "jiandaoyun"),
        seed: options.seed,
        apps: [],
        switches: { rates: "off" },
      }),
      startKingdeeCloud({ dataDir: join(folder, "kingdee"), seed: options.seed }),
    ]),
  );
  closing.push(
    () => jiandaoyun.close(),
    () => kingdee.close(),
  );

  const installed: InstalledCompany[] = [];
  const offices = new Map<string, JiandaoyunOffice>();
  for (const { company, planted } of work) {
    const entered = await steps.run(`录入 enter ${company.code}`, () =>
      enterCompany(
        company,
        {
          jiandaoyun: { baseUrl: jiandaoyun.baseUrl, apiKey: jiandaoyun.credentials.apiKey },
          kingdeeOrigin: kingdee.origin,
        },
        options.seed,
        { missingItems: planted?.missingItems ?? [], forbiddenItems: planted?.forbiddenItems ?? [] },
      ),
    );
    steps.note(`${entered.records} records new`);
    offices.set(company.code, entered.office);
    installed.push({ company, office: entered.office, ...(planted === undefined ? {} : { rulePack: ruleFile }) });
  }

  const environment: Record<string, string> = {};
  const hand = (names: Readonly<Record<string, string>>, credentials: Readonly<Record<string, unknown>>): void => {
    for (const [name, variable] of Object.entries(names)) environment[variable] = String(credentials[name]);
  };
  hand(secretVariables.jiandaoyun, { ...jiandaoyun.credentials });
  hand(secretVariables.kingdee, { ...kingdee.credentials });

  const database = openDatabase(postgres.url);
  closing.push(() => database.close());
  const installation = Installation.parse(
    demoInstallation(installed, { jiandaoyun: jiandaoyun.baseUrl, kingdee: kingdee.baseUrl }),
  );
  await steps.run("配置 configuration", async () => {
    await storeInstallation(database, installation, readMappings(installation, process.cwd()));
    for (const { company, planted } of work)
      await replaceCodes(database, ledgerCodeOf(company.code), codeRowsOf(company, planted?.missingItems));
  });

  const worker = await steps.run("工作进程 worker", () =>
    startWorker({
      databaseUrl: postgres.url,
      temporalAddress: temporal.address,
      namespace: temporal.namespace,
      environment,
      log: createLog({ level: "warn", secrets: Object.values(environment) }),
    }),
  );
  closing.push(() => worker.stop());

  const pipeline = await openPipeline(temporal.address, temporal.namespace, installation);
  closing.push(() => pipeline.close());
  for (const { company, planted } of work) {
    await steps.run(`同步 sync ${company.code}`, () => pipeline.sync(company.code));
    await steps.run(`记账 post ${company.code}`, () => pipeline.post(company.code));
    if (planted !== undefined && !existsSync(plantedFile)) {
      await steps.run("埋设差异 plant mismatches", () => plant(company, planted));
    }
    await steps.run(`对账 reconcile ${company.code}`, () => pipeline.reconcile(company.code));
  }

  async function plant(company: DemoCompany, before: PlantedBefore): Promise<void> {
    const office = offices.get(company.code);
    if (office === undefined) throw new Error(`${company.code} was not entered`);
    const after = await plantAfter(
      {
        company,
        jiandaoyun: office,
        kingdee: new KingdeeOffice(kingdee.origin),
        seed: options.seed,
        reservedItems: before.reservedItems,
        exclude: before.planted,
      },
      {
        sync: () => pipeline.sync(company.code),
        syncAndPost: async () => {
          await pipeline.sync(company.code);
          await pipeline.post(company.code);
        },
      },
    );
    const all = [...before.planted, ...after].sort((a, b) => (a.id < b.id ? -1 : 1));
    await writeFile(plantedFile, `${JSON.stringify(all, null, 2)}\n`);
  }

  for (const { ledger, pauseCode } of await pausedLedgers(database)) {
    // The person that the ledger waits for is not part of the demo: a second run finds it paused, and posts nothing.
    steps.note(`账簿 ${ledger} 已暂停 paused (${pauseCode})：核对 ERP 后 then: zhangshi ledger resume ${ledger}`);
  }

  const store = reconciliationStore(database);
  const exceptions = exceptionStore(database);
  const reports = createReportActivities({ store, exceptions, reportFolder });
  const result = await steps.run("报告 reports", async () => {
    const figures = await readDemoFigures(database);
    const paths: string[] = [];
    const mismatches: unknown[] = [];
    const accountTotals: Record<string, unknown> = {};
    const stock: Record<string, unknown> = {};
    for (const { company } of work) {
      const coverage = await readCoverage(database, company.code);
      const written = await reports.writeReport({ company: company.code, figures: { ...figures, ...coverage } });
      paths.push(written.xlsx, written.json);
      for (const { id, cause, certainty, subject } of await exceptions.listMismatches(company.code))
        mismatches.push({ id, cause, certainty, company: company.code, subject });
      accountTotals[company.code] = await store.accountTotals(company.code);
      stock[company.code] = await store.stock(company.code);
    }
    if (existsSync(plantedFile)) paths.push(plantedFile);
    return { ...figures, mismatches, accountTotals, stock, reports: paths };
  });

  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else process.stdout.write(await summaryOf(result));
  if (options.keep) {
    process.stderr.write(
      `
Everything stays up until Ctrl-C:
  Temporal UI   ${temporal.uiUrl ?? temporal.address}
  database      psql "${postgres.url}"
  Jiandaoyun    ${jiandaoyun.baseUrl}  (people: /_person/…, controls: /_sim/…)
  Kingdee       ${kingdee.baseUrl}  (people: ${kingdee.origin}/_person/…, books: ${kingdee.origin}/_sim/books)
`,
    );
    await new Promise<void>((done) => {
      process.once("SIGINT", () => done());
      process.once("SIGTERM", () => done());
    });
  }
};

interface Result extends Awaited<ReturnType<typeof readDemoFigures>> {
  readonly mismatches: readonly unknown[];
  readonly reports: readonly string[];
}

const summaryOf = async (result: Result): Promise<string> => {
  const planted = existsSync(plantedFile)
    ? z.array(z.object({ id: z.string() })).parse(JSON.parse(await readFile(plantedFile, "utf8")))
    : undefined;
  const found = new Set(result.mismatches.map((each) => z.object({ id: z.string() }).parse(each).id));
  const agreement =
    planted === undefined
      ? ""
      : `  埋设 planted ${planted.length} · 找到 found ${planted.filter(({ id }) => found.has(id)).length} · 误报 other ${
          [...found].filter((id) => !planted.some((each) => each.id === id)).length
        }\n`;
  return `
  拉取 pulled ${result.pulled} · 凭证 drafted ${result.drafted} · 已传 posted ${result.posted} · 已核对 verified ${result.verified}
  挂起 held ${result.held} · 被拒 refused ${result.refused} · 不明 uncertain ${result.uncertain} · 异常 exceptions ${result.exceptions}
  差异 mismatches ${result.mismatches.length}
${agreement}
  报告 reports
${result.reports.map((path) => `    ${path}`).join("\n")}
`;
};

const closeAll = async (): Promise<void> => {
  for (const close of closing.toReversed()) {
    try {
      await close();
    } catch (error) {
      process.stderr.write(`closing: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
};

try {
  await main();
} catch (error) {
  const text = error instanceof ZhangshiError ? error.say("zh") : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${text ?? ""}\n`);
  process.exitCode = 1;
} finally {
  await closeAll();
}
process.exit();
