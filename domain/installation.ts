import { createHash } from "node:crypto";
import { z } from "zod";
import { ZhangshiError } from "./errors.ts";
import { Stage } from "./posting.ts";

/**
 * What an installation consists of: connections, companies, warehouse systems and account books. It says nothing of one
 * vendor: `settings` are handed to the connector's factory, which knows what they mean. It holds no secret, only where
 * each secret is to be found.
 */

const CODE_LENGTH_MAX = 40;
const code = z
  .string()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/, "use letters, digits, . _ and - | 只能使用字母、数字和 . _ -")
  .max(CODE_LENGTH_MAX);
const text = z.string().min(1, "must not be empty | 不能为空");
const settings = z.record(z.string(), z.unknown());
const milliseconds = z.number().int().positive();

/** A lease outlives the request it covers; the default request may take a minute. */
const LEASE_MS = 120_000;
const DEADLINE_MS = 60_000;
/** How long after lease and deadline an ERP may still show a late commit before absence counts. */
const SETTLING_MS = 60_000;
const PASS_INTERVAL_MS = 3_600_000;

const ConnectionConfig = z.strictObject({
  name: code,
  vendor: text,
  baseUrl: z.url({
    protocol: /^https?$/,
    error: "an address begins with http:// or https:// | 地址以 http:// 或 https:// 开头",
  }),
  settings: settings.default({}),
  secrets: z
    .record(
      z.string(),
      z
        .string()
        .regex(
          /^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/,
          "env:NAME or file:PATH, never the secret itself | 填写 env:变量名 或 file:路径，不要填密钥本身",
        ),
    )
    .default({}),
  rate: z.strictObject({ perSecond: z.number().positive().max(1000) }).optional(),
  /** A private certification authority, trusted beside the public ones for this connection alone. */
  certificateAuthority: z
    .string()
    .regex(
      /^(file:.+|-----BEGIN CERTIFICATE-----[\s\S]+)$/,
      "file:PATH or the PEM text itself | 填写 file:路径 或 PEM 证书内容",
    )
    .optional(),
  /** Hosts to which requests may go although they are link-local or metadata addresses. */
  allowedHosts: z.array(text).optional(),
});

const CompanyConfig = z.strictObject({
  code,
  name: text,
  zone: z
    .string()
    .refine(isZone, "a time zone such as Asia/Shanghai | 时区名称，例如 Asia/Shanghai")
    .default("Asia/Shanghai"),
  standard: z.enum(["CAS", "SME"]),
});

const SourceConfig = z.strictObject({
  code,
  company: code,
  connection: code,
  /** How often every form is read again in full, to find edits and deletions that nothing announced. */
  passIntervalMs: milliseconds.default(PASS_INTERVAL_MS),
  settings: settings.default({}),
});

const LedgerConfig = z
  .strictObject({
    code,
    company: code,
    connection: code,
    book: text,
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, "three letters such as CNY | 三位字母，例如 CNY")
      .default("CNY"),
    word: text.default("记"),
    targetStage: Stage.exclude(["none"]).default("audited"),
    estimateStyle: z.enum(["month-start-reversal", "reverse-on-invoice", "difference-on-invoice"]),
    closedPeriod: z.enum(["hold", "next-open", "ask"]),
    grouping: z.enum(["document", "day", "period"]).optional(),
    averagingScope: z.enum(["company", "warehouse"]),
    /** A file beside the configuration, or "cas" or "sme"; absent: the pack of the company's standard. */
    rulePack: text.optional(),
    /** As `rulePack`. */
    chart: text.optional(),
    codeTables: z.record(z.string(), z.enum(["identity", "table"])).default({}),
    approval: z.boolean().default(false),
    leaseMs: milliseconds.default(LEASE_MS),
    settlingMs: milliseconds.default(SETTLING_MS),
    deadlineMs: milliseconds.default(DEADLINE_MS),
    settings: settings.default({}),
  })
  .refine(({ leaseMs, deadlineMs }) => leaseMs > deadlineMs, {
    path: ["leaseMs"],
    message: "the lease must outlive the deadline of a request (deadlineMs) | leaseMs 必须大于 deadlineMs",
  });

const Shape = z.strictObject({
  connections: z.array(ConnectionConfig).min(1),
  companies: z.array(CompanyConfig).min(1),
  sources: z.array(SourceConfig),
  ledgers: z.array(LedgerConfig),
});

/** The schema of the file, cross-checked: every name used is defined, and defined once. */
export const Installation = Shape.superRefine(crossCheck);
export type Installation = z.infer<typeof Shape>;
export type ConnectionConfig = z.infer<typeof ConnectionConfig>;
export type CompanyConfig = z.infer<typeof CompanyConfig>;
export type SourceConfig = z.infer<typeof SourceConfig>;
export type LedgerConfig = z.infer<typeof LedgerConfig>;

const DIGEST = /^[0-9a-f]{64}$/;
const MappingFile = z.strictObject({
  /** The path as the configuration gives it, or the name of one that comes with the product: "cas". */
  name: text,
  /** SHA-256 of its text. */
  digest: z.string().regex(DIGEST),
});

/**
 * The rule packs and charts of an installation as they were when it was applied. They are kept with the version, so that
 * an edit of a file changes nothing before the next apply, and a worker needs no files.
 */
export const Mappings = z.strictObject({
  /** Code of the ledger → what it books by. */
  ledgers: z.record(code, z.strictObject({ rules: MappingFile, chart: MappingFile })),
  /** Digest → text; once, however many ledgers share it. */
  texts: z.record(z.string().regex(DIGEST), z.string()),
});
export type Mappings = z.infer<typeof Mappings>;
export type MappingFile = z.infer<typeof MappingFile>;

/** The digest by which a text of a rule pack or chart is known. */
export const textDigest = (text: string): string => createHash("sha256").update(text).digest("hex");

/**
 * A digest that changes exactly when the configuration means something else: comments and the order of keys do not count.
 * Of rule packs and charts every character counts.
 */
export function installationDigest(installation: Installation, mappings?: Mappings): string {
  const meaning = mappings === undefined ? installation : { ...installation, mappings: mappings.ledgers };
  return textDigest(canonical(meaning));
}

/** The connection by that name. @throws ZhangshiError CONNECTION_UNKNOWN */
export function connectionOf(installation: Installation, name: string): ConnectionConfig {
  const connection = installation.connections.find((candidate) => candidate.name === name);
  if (connection === undefined) throw new ZhangshiError("CONNECTION_UNKNOWN", { connection: name });
  return connection;
}

/** Settings for a connector: those of its connection, overridden by those of the source or ledger that uses it. */
export function mergedSettings(
  connection: Pick<ConnectionConfig, "settings">,
  user: Pick<SourceConfig, "settings">,
): Readonly<Record<string, unknown>> {
  return { ...connection.settings, ...user.settings };
}

/** The same for a source: a stock source also gets the codes its movements carry, and the zone that decides their day. */
export function sourceSettings(installation: Installation, source: SourceConfig): Readonly<Record<string, unknown>> {
  const zone = installation.companies.find((company) => company.code === source.company)?.zone;
  return {
    ...mergedSettings(connectionOf(installation, source.connection), source),
    company: source.company,
    source: source.code,
    ...(zone === undefined ? {} : { zone }),
  };
}

function crossCheck(installation: Installation, context: z.RefinementCtx): void {
  const complain = (path: (string | number)[], message: string) => context.addIssue({ code: "custom", path, message });
  const unique = (
    list: "connections" | "companies" | "sources" | "ledgers",
    names: readonly string[],
    field: string,
  ) => {
    names.forEach((name, index) => {
      if (names.indexOf(name) !== index) complain([list, index, field], "is defined twice | 重复定义");
    });
  };
  const connections = installation.connections.map(({ name }) => name);
  const companies = installation.companies.map((company) => company.code);
  unique("connections", connections, "name");
  unique("companies", companies, "code");
  unique(
    "sources",
    installation.sources.map((source) => source.code),
    "code",
  );
  unique(
    "ledgers",
    installation.ledgers.map((ledger) => ledger.code),
    "code",
  );
  for (const list of ["sources", "ledgers"] as const) {
    installation[list].forEach((user, index) => {
      if (!connections.includes(user.connection)) {
        complain(
          [list, index, "connection"],
          `is not among connections: ${connections.join(", ")} | connections 中没有该连接`,
        );
      }
      if (!companies.includes(user.company)) {
        complain([list, index, "company"], `is not among companies: ${companies.join(", ")} | companies 中没有该公司`);
      }
    });
  }
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(",")}}`;
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
