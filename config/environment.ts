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

const port = z
  .string()
  .trim()
  .regex(/^\d{0,5}$/, "a port is a number from 0 to 65535")
  .transform((value) => (value === "" ? undefined : Number(value)))
  .refine((value) => value === undefined || value <= 65_535, "a port is a number from 0 to 65535")
  .optional();

const Variables = z.object({
  ZHANGSHI_DATABASE_URL: text.refine(
    (value) => value === undefined || /^postgres(ql)?:\/\//.test(value),
    "a database address begins with postgres:// or postgresql://",
  ),
  TEMPORAL_ADDRESS: text.refine(
    (value) => value === undefined || /^[^\s/]+:\d+$/.test(value),
    "a Temporal address is host:port, without https://",
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
    const sentences = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new EnvironmentError(`The environment cannot be used. ${sentences.join("; ")}.`);
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
    throw new EnvironmentError(`Both ${name} and ${name}_FILE are set: remove one of them.`);
  }
  try {
    return readFileSync(file, "utf8").split(/\r?\n/)[0];
  } catch (error) {
    throw new EnvironmentError(`${name}_FILE names a file that cannot be read.`, { cause: error });
  }
}
