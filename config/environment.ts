import { readFileSync } from "node:fs";
import { z } from "zod";

/**
 * Settings that belong to the machine, not to the business: where the database and Temporal are, where files may lie.
 * Companies, sources and ledgers are configured in a file of their own.
 *
 * Any variable may also be given as NAME_FILE, a path whose first line is the value: container secrets arrive that way.
 */

/** The search attributes that every workflow carries (all of Temporal type Keyword). A server needs them before first use. */
export const SEARCH_ATTRIBUTES = ["ZsCompany", "ZsSource", "ZsLedger", "ZsPeriod", "ZsState"] as const;

/** A variable that is set but empty counts as not set: shells and compose files write `NAME=` for "nothing". */
const text = z
  .string()
  .trim()
  .transform((value) => (value === "" ? undefined : value))
  .optional();

const PORT = "a port is a number from 0 to 65535 | 端口是 0 到 65535 的数字";
const port = z
  .string()
  .trim()
  .regex(/^\d{0,5}$/, PORT)
  .transform((value) => (value === "" ? undefined : Number(value)))
  .refine((value) => value === undefined || value <= 65_535, PORT)
  .optional();

const Variables = z.object({
  ZHANGSHI_DATABASE_URL: text.refine(
    (value) => value === undefined || /^postgres(ql)?:\/\//.test(value),
    "a database address begins with postgres:// or postgresql:// | 数据库地址以 postgres:// 或 postgresql:// 开头",
  ),
  TEMPORAL_ADDRESS: text.refine(
    (value) => value === undefined || /^[^\s/]+:\d+$/.test(value),
    "a Temporal address is host:port, without https:// | Temporal 地址是 主机:端口，不带 https://",
  ),
  TEMPORAL_NAMESPACE: text,
  TEMPORAL_API_KEY: text,
  TEMPORAL_TLS: z.enum(["true", "false", ""]).optional(),
  ZHANGSHI_DATA: text,
  ZHANGSHI_CACHE: text,
  ZHANGSHI_CONFIG: text,
  ZHANGSHI_LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent", ""]).optional(),
  ZHANGSHI_METRICS_PORT: port,
  ZHANGSHI_TEMPORAL_METRICS_PORT: port,
});

type VariableName = keyof z.infer<typeof Variables>;

/** Log levels of pino, from the most to the least talkative. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

export interface Environment {
  /** PostgreSQL connection string (contains the password: never log it). Absent: `embedded/` brings up a database. */
  readonly databaseUrl: string | undefined;
  /** host:port of Temporal's front end. Absent: `embedded/` brings up a server. */
  readonly temporalAddress: string | undefined;
  readonly temporalNamespace: string;
  /** Only for servers that ask for one; secret. */
  readonly temporalApiKey: string | undefined;
  readonly temporalTls: boolean;
  /** Folder for everything one installation keeps on this machine. */
  readonly dataFolder: string;
  /** Folder for downloaded or built programs; absent: the user's cache. */
  readonly cacheFolder: string | undefined;
  /** The configuration file of companies, sources and ledgers. */
  readonly configFile: string | undefined;
  readonly logLevel: LogLevel;
  /** Ports for Prometheus; absent: no metrics are served, 0: any free port. */
  readonly metricsPort: number | undefined;
  readonly temporalMetricsPort: number | undefined;
}

/** Thrown when a variable cannot be used. The message names the variable and never repeats its value, which may be secret. */
export class EnvironmentError extends Error {
  override readonly name = "EnvironmentError";
  /** One per variable: what is expected of it, in English and, behind " | ", in Chinese. */
  readonly problems: readonly { readonly variable: string; readonly expected: string }[];

  constructor(problems: EnvironmentError["problems"], options?: ErrorOptions) {
    const sentences = problems.map(({ variable, expected }) => `${variable}: ${expected.split(" | ")[0] ?? expected}`);
    super(`The environment cannot be used. ${sentences.join("; ")}.`, options);
    this.problems = problems;
  }
}

/**
 * Reads the settings of this machine.
 *
 * @param variables  usually `process.env`
 * @throws EnvironmentError  naming each variable that is wrong, and what is expected
 */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>>): Environment {
  const given = Object.fromEntries(variableNames.map((name) => [name, valueOf(name, variables)]));
  const parsed = Variables.safeParse(given);
  if (!parsed.success) {
    throw new EnvironmentError(
      parsed.error.issues.map((issue) => ({ variable: issue.path.join("."), expected: issue.message })),
    );
  }
  const value = parsed.data;
  return {
    databaseUrl: value.ZHANGSHI_DATABASE_URL,
    temporalAddress: value.TEMPORAL_ADDRESS,
    temporalNamespace: value.TEMPORAL_NAMESPACE ?? "default",
    temporalApiKey: value.TEMPORAL_API_KEY,
    temporalTls: value.TEMPORAL_TLS === "true",
    dataFolder: value.ZHANGSHI_DATA ?? ".zhangshi",
    cacheFolder: value.ZHANGSHI_CACHE,
    configFile: value.ZHANGSHI_CONFIG,
    logLevel:
      value.ZHANGSHI_LOG_LEVEL === undefined || value.ZHANGSHI_LOG_LEVEL === "" ? "info" : value.ZHANGSHI_LOG_LEVEL,
    metricsPort: value.ZHANGSHI_METRICS_PORT,
    temporalMetricsPort: value.ZHANGSHI_TEMPORAL_METRICS_PORT,
  };
}

const variableNames = Object.keys(Variables.shape).filter((name): name is VariableName => name in Variables.shape);

function valueOf(name: VariableName, variables: Readonly<Record<string, string | undefined>>): string | undefined {
  const direct = variables[name];
  const file = variables[`${name}_FILE`];
  if (file === undefined || file === "") return direct;
  if (direct !== undefined && direct !== "") {
    const expected = `${name}_FILE is set as well: remove one of them | 与 ${name}_FILE 只能设置一个`;
    throw new EnvironmentError([{ variable: name, expected }]);
  }
  try {
    return readFileSync(file, "utf8").split(/\r?\n/)[0];
  } catch (error) {
    const expected = "the file cannot be read | 无法读取该文件";
    throw new EnvironmentError([{ variable: `${name}_FILE`, expected }], { cause: error });
  }
}
