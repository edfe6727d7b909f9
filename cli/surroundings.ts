import { join } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { type Environment, EnvironmentError, readEnvironment } from "../config/environment.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { pendingMigrations } from "../db/migrate.ts";
import { ZhangshiError } from "../domain/errors.ts";
import { type Bilingual, type Language, language, say } from "./language.ts";

export { language, say } from "./language.ts";

/**
 * What every command gets: how it speaks, and how it finds its servers. Results go to standard output, in `--json` as
 * exactly one object (`check` streams one per line); progress goes to standard error.
 */
export interface Surroundings {
  readonly language: Language;
  readonly json: boolean;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly environment: Environment;
  readonly say: (sentence: Bilingual) => string;
  readonly progress: (sentence: Bilingual) => void;
  /** The one result: `value` for machines, `text` for people. */
  readonly result: (value: unknown, text: string) => void;
}

/** Read from the arguments themselves: a command and its parent both know the option, and the parent would keep it. */
const json = process.argv.slice(2).includes("--json");

/** A command with the options that all of them have. */
export function commandNamed(name: string, description: Bilingual): Command {
  return new Command(name)
    .description(say(description))
    .option("--json", say({ zh: "输出 JSON（稳定的约定）", en: "print JSON (a stable contract)" }))
    .option("--language <zh|en>", say({ zh: "语言，缺省取自 LANG", en: "language; from LANG when left out" }))
    .helpOption("-h, --help", say({ zh: "显示帮助", en: "show this help" }));
}

/** Runs a command's work, and turns what goes wrong into a sentence with the next step and exit code 1. */
export async function runCommand(work: (surroundings: Surroundings) => Promise<void>): Promise<void> {
  try {
    await work({
      language,
      json,
      variables: process.env,
      environment: readEnvironment(process.env),
      say,
      progress: (sentence) => void process.stderr.write(`${say(sentence)}\n`),
      result: (value, text) => void process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${text}\n`),
    });
  } catch (error) {
    process.exitCode = 1;
    reportError(error);
  }
}

function reportError(error: unknown): void {
  const known = error instanceof ZhangshiError ? error : knownCause(error);
  const message = known?.say(language) ?? (error instanceof Error ? error.message : String(error));
  if (json) {
    const value = { error: { code: known?.code ?? "UNEXPECTED", details: known?.details ?? {}, message } };
    process.stdout.write(`${JSON.stringify(value)}\n`);
    return;
  }
  process.stderr.write(`${message}\n`);
  const stack = error instanceof Error && known === undefined && !(error instanceof EnvironmentError);
  if (stack) process.stderr.write(`${error.stack ?? ""}\n`);
}

const UNREACHABLE = new Set(["ECONNREFUSED", "ENOTFOUND", "ETIMEDOUT", "EHOSTUNREACH", "28P01", "3D000", "57P03"]);
const TABLE_MISSING = "42P01";

/** Errors of the database driver that mean something to a person. */
function knownCause(error: unknown): ZhangshiError | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  if (error.code === TABLE_MISSING) return new ZhangshiError("SCHEMA_OUTDATED", {}, { cause: error });
  if (UNREACHABLE.has(error.code))
    return new ZhangshiError("DATABASE_UNREACHABLE", { reason: error.code }, { cause: error });
  return undefined;
}

/** Runs `work` with the connection string of the database: the one of the environment, else the embedded one. */
export async function withDatabaseUrl<Result>(
  surroundings: Surroundings,
  work: (databaseUrl: string) => Promise<Result>,
): Promise<Result> {
  const { environment } = surroundings;
  if (environment.databaseUrl !== undefined) return work(environment.databaseUrl);
  const { startPostgres } = await import("../embedded/postgres.ts");
  const postgres = await startPostgres({
    dataDir: join(environment.dataFolder, "postgres"),
    progress: (message) => surroundings.progress({ zh: message, en: message }),
  });
  try {
    return await work(postgres.url);
  } finally {
    if (!postgres.reused) await postgres.stop();
  }
}

/** The same, opened, and with the schema this program knows. @throws ZhangshiError SCHEMA_OUTDATED, DATABASE_UNREACHABLE */
export async function withDatabase<Result>(
  surroundings: Surroundings,
  work: (database: Database, databaseUrl: string) => Promise<Result>,
): Promise<Result> {
  return withDatabaseUrl(surroundings, async (databaseUrl) => {
    const pending = await pendingMigrations(databaseUrl);
    if (pending.length > 0) throw new ZhangshiError("SCHEMA_OUTDATED", { missing: pending.join(" ") });
    const database = openDatabase(databaseUrl);
    try {
      return await work(database, databaseUrl);
    } finally {
      await database.close();
    }
  });
}

/** Runs `work` with Temporal's address: the one of the environment, else the embedded server. */
export async function withTemporal<Result>(
  surroundings: Surroundings,
  work: (address: string, namespace: string) => Promise<Result>,
): Promise<Result> {
  const { environment } = surroundings;
  if (environment.temporalAddress !== undefined)
    return work(environment.temporalAddress, environment.temporalNamespace);
  const { startTemporal } = await import("../embedded/temporal.ts");
  const temporal = await startTemporal({
    dataDir: join(environment.dataFolder, "temporal"),
    progress: (message) => surroundings.progress({ zh: message, en: message }),
  });
  try {
    return await work(temporal.address, temporal.namespace);
  } finally {
    if (!temporal.reused) await temporal.stop();
  }
}
