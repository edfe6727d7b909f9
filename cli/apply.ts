import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { installationDigest, parseInstallation } from "../config/installation.ts";
import { openDatabase } from "../db/database.ts";
import { currentInstallationVersion, storeInstallation } from "../db/installation-store.ts";
import { isUnmigrated, migrateToLatest, pendingMigrations } from "../db/migrate.ts";
import { ZhangshiError } from "../domain/errors.ts";
import type { Installation, Mappings } from "../domain/installation.ts";
import { readMappings } from "../mappings/applied.ts";
import type { TargetCapabilities } from "../connectors/contract.ts";
import { tryConnectors } from "./connectors.ts";
import { refuseOverflowingGroups } from "./grouping-plan.ts";
import { mappingChanges } from "./mapping-plan.ts";
import { type Change, changesBetween } from "./plan.ts";
import { commandNamed, parseOptions, runCommand, say, type Surroundings, withDatabaseUrl } from "./surroundings.ts";

export const CONFIG_FILE = "zhangshi.yaml";

const Options = z.object({
  file: z.string().optional(),
  dryRun: z.boolean().default(false),
  migrate: z.boolean().default(false),
});

export const applyCommand = (): Command =>
  commandNamed("apply", {
    zh: "校验配置，显示变更计划，并保存为新版本",
    en: "validate the configuration, show the plan, store it as a new version",
  })
    .argument(
      "[file]",
      say({
        zh: `配置文件，缺省为 ZHANGSHI_CONFIG 或 ${CONFIG_FILE}`,
        en: `configuration file; ZHANGSHI_CONFIG or ${CONFIG_FILE} when left out`,
      }),
    )
    .option("--dry-run", say({ zh: "只校验并显示计划，不保存", en: "validate and show the plan, store nothing" }))
    .option(
      "--migrate",
      say({
        zh: "先把数据库升级到最新结构（新数据库总会建立）",
        en: "first bring the database to the newest schema (a new database always gets it)",
      }),
    )
    .action((file: string | undefined, options: object) =>
      runCommand((surroundings) => apply(surroundings, parseOptions(Options, { ...options, file }))),
    );

async function apply(surroundings: Surroundings, options: z.infer<typeof Options>): Promise<void> {
  const file = options.file ?? surroundings.environment.configFile ?? CONFIG_FILE;
  const installation = parseInstallation(readText(file), file);
  const mappings = readMappings(installation, dirname(file));
  const declared = await tryConnectors(installation, surroundings.variables);
  await withDatabaseUrl(surroundings, async (databaseUrl) => {
    const migrations = await pendingMigrations(databaseUrl);
    // Nobody relies on a database that is new; bringing up one in use is for its owner to say.
    const mayMigrate = options.migrate || isUnmigrated(migrations);
    if (migrations.length > 0 && !mayMigrate)
      throw new ZhangshiError("SCHEMA_OUTDATED", { missing: migrations.join(" ") });
    if (migrations.length > 0 && !options.dryRun) await migrateToLatest(databaseUrl);
    // A database without its tables holds no version to compare with.
    const unmigrated = migrations.length > 0 && options.dryRun;
    const step = { databaseUrl, migrations, unmigrated, dryRun: options.dryRun, declared };
    await planAndStore(surroundings, { installation, mappings }, step);
  });
}

interface Step {
  readonly databaseUrl: string;
  readonly migrations: readonly string[];
  readonly unmigrated: boolean;
  readonly dryRun: boolean;
  /** What each ledger's connector declares, by the ledger's code. */
  readonly declared: ReadonlyMap<string, TargetCapabilities>;
}

interface Next {
  readonly installation: Installation;
  readonly mappings: Mappings;
}

async function planAndStore(surroundings: Surroundings, { installation, mappings }: Next, step: Step): Promise<void> {
  const database = openDatabase(step.databaseUrl);
  try {
    const current = step.unmigrated ? undefined : await currentInstallationVersion(database);
    if (!step.unmigrated)
      await refuseOverflowingGroups(database, installation, mappings, ({ code }) => step.declared.get(code));
    const changes = [
      ...changesBetween(current?.installation, installation),
      ...mappingChanges(current?.mappings, mappings),
    ];
    const version = step.dryRun
      ? (current?.version ?? null)
      : await storeInstallation(database, installation, mappings);
    const stored = !step.dryRun && version !== current?.version;
    surroundings.result(
      {
        dryRun: step.dryRun,
        stored,
        version,
        previousVersion: current?.version ?? null,
        digest: installationDigest(installation, mappings),
        mappings: mappings.ledgers,
        migrations: step.migrations,
        changes,
      },
      [
        ...step.migrations.map((name) => `+ migration ${name}`),
        ...changes.map(line),
        conclusion(step.dryRun, stored, version),
      ].join("\n"),
    );
  } finally {
    await database.close();
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const reason = say({ zh: "没有这个文件时先运行 zhangshi init", en: "if there is none, run zhangshi init first" });
    throw new ZhangshiError("FILE_UNREADABLE", { file, reason }, { cause: error });
  }
}

function line({ kind, subject, field, before, after }: Change): string {
  if (kind === "added") return after === undefined ? `+ ${subject}` : `+ ${subject}: ${after}`;
  if (kind === "removed") return `- ${subject}`;
  return `~ ${subject} ${field ?? ""}: ${before ?? "–"} → ${after ?? "–"}`;
}

function conclusion(dryRun: boolean, stored: boolean, version: number | null): string {
  if (dryRun) return say({ zh: "试运行：没有保存任何内容。", en: "Dry run: nothing was stored." });
  if (!stored)
    return say({ zh: `没有变化，仍为版本 ${version}。`, en: `Nothing changed; version ${version} stays in force.` });
  return say({ zh: `已保存为版本 ${version}。`, en: `Stored as version ${version}.` });
}
