import { z } from "zod";
import { ZhangshiError } from "../../domain/errors.ts";
import { dimensionKinds } from "../../domain/voucher.ts";
import type { Bilingual } from "../contract.ts";

/** A sentence of the schema, for whoever edits the configuration. */
const say = (zh: string, en: string): string => `${zh} / ${en}`;

const Code = z
  .string()
  .min(1, say("不能为空", "must not be empty"))
  .max(80, say("最长 80 个字符", "at most 80 characters"));
const Name = (max: number) =>
  Code.max(max, say(`U8 该字段最长 ${max} 个字符`, `U8 keeps at most ${max} characters here`));
/** A path below the base URL: an address would send what is secret to somebody else. */
const Path = z
  .string()
  .regex(/^[\w.-]+(\/[\w.-]+)*$/, say("应为相对路径，如 U8EAI/import.asp", "a path such as U8EAI/import.asp"));
const Month = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, say("应为 年-月，如 2025-01", "a month such as 2025-01"));
const TextColumn = z.enum(["dept_id", "cust_id", "supplier_id", "personnel_id"]);
/** 自定义项 of a text type; 4 and 6 are dates, 5, 7, 15 and 16 are numbers (template Voucher.xml). */
const SelfDefined = z.string().regex(/^self_define([1-3]|[89]|1[0-4])$/, {
  error: say(
    "应为 dept_id、cust_id、supplier_id、personnel_id、文本型 self_define，或 { itemClass: 项目大类 }",
    "dept_id, cust_id, supplier_id, personnel_id, a text self_define, or { itemClass: 项目大类 }",
  ),
});
/** 辅助核算 of a voucher line: one of its fields, or a 项目 of one 项目大类. */
const DimensionPlace = z.union([TextColumn, SelfDefined, z.strictObject({ itemClass: Name(2) }), z.null()]);
export type DimensionPlace = z.infer<typeof DimensionPlace>;

const Codes = (...given: readonly string[]) => z.array(z.string()).default([...given]);

/** EAI over HTTP on the U8 server's IIS (EAI knowledge base, reference §2). */
const EaiSettings = z.strictObject({
  path: Path.default("U8EAI/import.asp"),
  /** The vendor's sample says so although the body is XML; the server looks at the body alone. */
  contentType: z.string().default("application/x-www-form-urlencoded"),
  /** How requests are written. Answers are read as UTF-8 unless they declare something else. */
  encoding: z.enum(["utf-8", "gb2312"]).default("utf-8"),
  /** Working clients exist for each value; the vendor's paper contradicts itself (reference §2.3). */
  codeExchanged: z.enum(["N", "Y", ""]).default("N"),
  /** False where the generic query (SQLEXE) is shut off: periods then count as open until U8 refuses. */
  sqlexe: z.boolean().default(true),
  /** "sql": sums of the database, one question for all; "vouchers": every voucher since `since` is read and added up. */
  balances: z.enum(["sql", "vouchers"]).default("sql"),
  /** Asks for the control totals of each voucher read back (recipe R2): a cut answer shows. Needs `sqlexe`. */
  controlTotals: z.boolean().default(false),
});

/** The vendor's cloud gateway (apiCenter pages, reference §3). */
const OpenApiSettings = z.strictObject({
  /** 账套 inside the application; empty is the first one. */
  dsSequence: z.string().default(""),
  /** Whether an answer is waited for inside the call. A synchronous call that times out says nothing. */
  sync: z.boolean().default(false),
  /** "biz_id": our key is the upstream key; "tradeid": a number of the platform's is fetched for each voucher. */
  transaction: z.enum(["biz_id", "tradeid"]).default("biz_id"),
  /** Imitations of the gateway use other names. */
  tokenPath: Path.default("system/token"),
  tradeidPath: Path.default("system/tradeid"),
  apiPath: Path.default("api"),
  /** The vendor's life is two hours; its own kit renews five minutes earlier. */
  tokenMinutes: z.int().min(1).max(120).default(115),
  /** 2,000 calls belong to one token (reference §3.3). */
  tokenCallsMax: z.int().min(2).default(1_900),
  pageRows: z.int().min(1).max(8_000).default(500),
  /** Longest wait between two polls, whatever `ping_after` says. */
  pollSecondsMax: z.number().min(0.05).max(60).default(10),
  /** Codes that the vendor does not publish, by what they mean. The defaults are assumed, not seen. */
  codes: z
    .strictObject({
      logInRefused: Codes("30002"),
      permissionDenied: Codes("30003"),
      notReachable: Codes("30004"),
      throttled: Codes("30005"),
    })
    .default({
      logInRefused: ["30002"],
      permissionDenied: ["30003"],
      notReachable: ["30004"],
      throttled: ["30005"],
    }),
});

/** Settings of one 用友 U8 connection. Secrets are not among them: see `secretNames`. */
export const YonyouU8Settings = z.strictObject({
  interface: z.enum(["eai", "openapi"], say("应为 eai 或 openapi", "either eai or openapi")).default("eai"),
  /** Our name of the 账套: the registration code (EAI) or the data source (OpenAPI) selects it on U8's side. */
  book: Code.default("001"),
  /** 凭证字 by our name → 凭证类别字 in U8. */
  words: z
    .record(Code, Name(2))
    .refine((words) => Object.keys(words).length > 0, say("至少配置一个凭证字", "at least one 凭证字"))
    .default({ 记: "记" }),
  /** ISO code → name of the 本币 in U8. */
  currencies: z.record(Code, Name(8)).default({ CNY: "人民币" }),
  /** 制单人: the name of a U8 user. */
  maker: Name(20).default("账实接口"),
  /** CDM makes external vouchers, which nobody can edit or delete in U8; GL makes ordinary ones. */
  makingSystem: z.enum(["CDM", "GL"]).default("CDM"),
  /** 外部凭证业务类型 (reserve1). */
  businessType: Name(20).default("ZHANGSHI"),
  /** Our dimension → its place on a voucher line; null where U8 keeps none. */
  dimensions: z
    .partialRecord(z.enum(dimensionKinds), DimensionPlace)
    .default({})
    .transform((given) => ({ ...DEFAULT_PLACES, ...given })),
  /** "lookup" where the customer's U8 does not refuse a second voucher with the same external number. */
  keyGuard: z.enum(["native", "lookup"]).default("native"),
  /** Databases of U8 8.x count bytes of GBK in 摘要 and hold nothing else. */
  columns: z.enum(["nvarchar", "varchar"]).default("nvarchar"),
  summaryMax: z.int().min(1).max(1_000).default(60),
  linesMax: z.int().min(2).max(32_767).default(1_000),
  /** Quantities are floats in U8. */
  quantityDecimals: z.int().min(0).max(6).default(6),
  /** First period of the book that is read; without it January of last year. */
  since: Month.optional(),
  /** Vouchers asked for in one request of a list. */
  numbersPerQuery: z.int().min(1).max(5_000).default(200),
  timeoutMs: z.int().min(500).default(120_000),
  parallelReads: z.int().min(1).max(8).default(2),
  eai: EaiSettings.default(EaiSettings.parse({})),
  openapi: OpenApiSettings.default(OpenApiSettings.parse({})),
  allowedHosts: z.array(z.string()).default([]),
});
export type YonyouU8Settings = z.infer<typeof YonyouU8Settings>;

const DEFAULT_PLACES: { readonly [kind in (typeof dimensionKinds)[number]]?: DimensionPlace } = {
  supplier: "supplier_id",
  customer: "cust_id",
  department: "dept_id",
};

/** @throws ZhangshiError CONFIG_INVALID naming the field */
export const parseSettings = (settings: unknown, connection: string): YonyouU8Settings => {
  const invalid = (field: string, reason: string): ZhangshiError =>
    new ZhangshiError("CONFIG_INVALID", { connection, field: `settings${field === "" ? "" : `.${field}`}`, reason });
  const parsed = YonyouU8Settings.safeParse(settings ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid((issue?.path ?? []).map(String).join("."), issue?.message ?? "unreadable");
  }
  const problem = contradictionIn(parsed.data);
  if (problem !== undefined) throw invalid(problem.field, say(problem.reason.zh, problem.reason.en));
  return parsed.data;
};

/** What each value alone cannot show. */
const contradictionIn = (
  settings: YonyouU8Settings,
): { readonly field: string; readonly reason: Bilingual } | undefined => {
  const taken = new Map<string, string>();
  for (const kind of dimensionKinds) {
    const place = settings.dimensions[kind] ?? null;
    if (place === null) continue;
    const name = JSON.stringify(place);
    const other = taken.get(name);
    if (other !== undefined)
      return {
        field: `dimensions.${kind}`,
        reason: { zh: `与 ${other} 使用同一字段`, en: `the same place as ${other}` },
      };
    taken.set(name, kind);
    if (settings.interface === "openapi" && typeof place === "string" && place.startsWith("self_define"))
      return {
        field: `dimensions.${kind}`,
        reason: { zh: "OpenAPI 读不回自定义项", en: "the OpenAPI does not read 自定义项 back" },
      };
  }
  if (settings.eai.controlTotals && !settings.eai.sqlexe)
    return {
      field: "eai.controlTotals",
      reason: { zh: "需要 eai.sqlexe", en: "needs eai.sqlexe" },
    };
  return undefined;
};

/** Names under which secrets are handed in, as the vendor names them. `iis…` only where IIS itself asks for a log-in. */
export const secretNames = [
  "sender",
  "iisUser",
  "iisPassword",
  "from_account",
  "to_account",
  "app_key",
  "app_secret",
] as const;
export type SecretName = (typeof secretNames)[number];

/** @throws ZhangshiError SECRET_MISSING */
export const secretOf = (secrets: Readonly<Record<string, string>>, name: SecretName, connection: string): string => {
  const value = secrets[name];
  if (value === undefined || value === "") throw new ZhangshiError("SECRET_MISSING", { connection, secret: name });
  return value;
};
