import { z } from "zod";
import { ZhangshiError } from "../../domain/errors.ts";
import { dimensionKinds } from "../../domain/voucher.ts";

const FieldKey = z.string().regex(/^[A-Za-z]\w*$/, "not a field key");
const Code = z.string().min(1).max(80);

/** 业务类型 "手工录入" (vendor field list, reference §7.1). */
const MANUAL_BUSINESS_TYPE = "78050206-2fa6-40e3-b7c8-bd608146fa38";

/** Settings of one 金蝶云星空 connection. Secrets are not among them: see `secretNames`. */
export const KingdeeCloudSettings = z.strictObject({
  /** "signed": header signatures of a 第三方系统登录授权; "session": log-in with a password or an application's secret. */
  authentication: z.enum(["signed", "session"]).default("signed"),
  /** 语言: 2052 is simplified Chinese. */
  lcid: z.int().default(2052),
  /** 组织编码 sent along with a log-in; 0 is the user's own organisation. */
  orgNum: z.string().default("0"),
  /** The custom head field of GL_VOUCHER that holds our key. */
  keyField: FieldKey.default("F_ZS_ExtNo"),
  /** Account book → organisation whose base data it uses. */
  books: z.record(Code, Code).refine((books) => Object.keys(books).length > 0, "at least one account book"),
  /** 凭证字 by our name → FNumber in the ERP. */
  words: z.record(Code, Code).default({ 记: "PRE001" }),
  /** ISO code → FNumber in the ERP. */
  currencies: z.record(Code, Code).default({ CNY: "PRE001" }),
  rateType: Code.default("HLTX01_SYS"),
  businessType: Code.default(MANUAL_BUSINESS_TYPE),
  /** Our dimension → flex column of the ERP; null where the ERP has none. Tenants differ (reference §7.1). */
  dimensions: z
    .partialRecord(z.enum(dimensionKinds), z.union([FieldKey, z.null()]))
    .default({})
    .transform((given) => ({
      ...DEFAULT_COLUMNS,
      ...given,
    })),
  batchMax: z.int().min(1).max(500).default(50),
  linesMax: z.int().min(2).default(500),
  summaryMax: z.int().min(1).default(255),
  quantityDecimals: z.int().min(0).max(10).default(6),
  /** Column that says where a voucher came from; null where the ERP cannot be asked for it. */
  originColumn: z.union([z.string(), z.null()]).default("FSourceBillKey"),
  /** "report": GL_RPT_AccountBalance; "entries": the voucher lines since `entriesSince` are added up, without opening balances. */
  balances: z.enum(["report", "entries"]).default("report"),
  /** First period whose lines count in "entries". */
  entriesSince: z
    .string()
    .regex(/^\d{4}-(0[1-9]|1[0-2])$/)
    .optional(),
  /** False where the report has no quantity columns. */
  reportQuantities: z.boolean().default(true),
  /** The client gives up after this; the server usually completes all the same (reference §4.3). */
  timeoutMs: z.int().min(1_000).default(150_000),
  logInTimeoutMs: z.int().min(1_000).default(30_000),
  /** Sessions are renewed at this age; the vendor publishes no lifetime, 20 minutes is the shortest seen. */
  sessionMinutes: z.int().min(1).default(15),
  parallelReads: z.int().min(1).max(16).default(4),
  /** PEM text of a private certification authority. */
  certificateAuthority: z.string().optional(),
  allowedHosts: z.array(z.string()).default([]),
});
export type KingdeeCloudSettings = z.infer<typeof KingdeeCloudSettings>;

const DEFAULT_COLUMNS: { readonly [kind in (typeof dimensionKinds)[number]]?: string | null } = {
  item: "FFLEX8",
  supplier: "FFLEX4",
  customer: "FFLEX6",
  department: "FFLEX5",
  warehouse: "FF100002",
};

/** @throws ZhangshiError CONFIG_INVALID naming the field */
export const parseSettings = (settings: unknown, connection: string): KingdeeCloudSettings => {
  const parsed = KingdeeCloudSettings.safeParse(settings ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ZhangshiError("CONFIG_INVALID", {
    connection,
    field: ["settings", ...(issue?.path ?? [])].map(String).join("."),
    reason: issue?.message ?? "unreadable",
  });
};

/** Names under which secrets are handed in. The auditor's are needed where the ERP wants another person than the maker. */
export const secretNames = [
  "acctId",
  "userName",
  "password",
  "appId",
  "appSecret",
  "auditorUserName",
  "auditorPassword",
] as const;
export type SecretName = (typeof secretNames)[number];

/** @throws ZhangshiError SECRET_MISSING */
export const secretOf = (secrets: Readonly<Record<string, string>>, name: SecretName, connection: string): string => {
  const value = secrets[name];
  if (value === undefined || value === "") throw new ZhangshiError("SECRET_MISSING", { connection, secret: name });
  return value;
};
