import { z } from "zod";
import { ZhangshiError } from "../../domain/errors.ts";
import { dimensionKinds } from "../../domain/voucher.ts";

const CODE = "1 至 80 个字符的编码 / a code of 1 to 80 characters";
const Code = z.string({ error: CODE }).min(1, CODE).max(80, CODE);

const PERIOD = "会计期间写成 2025-01 / an accounting period is written 2025-01";
const PeriodText = z.string({ error: PERIOD }).regex(/^\d{4}-(0[1-9]|1[0-2])$/, PERIOD);

const ASSIST = "辅助核算类型，如 bd_material 或 bd_auxinfo:12 / a type such as bd_material or bd_auxinfo:12";
const AssistType = z.string({ error: ASSIST }).regex(/^[a-z][a-z_]*(:\d+)?$/, ASSIST);

const whole = (min: number, max: number): z.ZodDefault<z.ZodInt> | z.ZodInt => {
  const message = `${min} 至 ${max} 的整数 / a whole number from ${min} to ${max}`;
  return z.int({ error: message }).min(min, message).max(max, message);
};

const KNOWN_FAILURE = "refused、not-done 或 uncertain / refused, not-done or uncertain";

const BOOK = "填写账簿代号，与账簿配置中的 book 一致 / the book's code, the same as in the ledger's configuration";

/** Settings of one 金蝶云星辰 connection, which is one account set. Secrets are not among them: see `secretNames`. */
export const KingdeeXingchenSettings = z.strictObject({
  /** An account set is one book. Its code is ours to choose: the vendor's interface never asks for it. */
  book: z.string({ error: BOOK }).min(1, BOOK).max(80, BOOK),
  /** Chooses one account set where an authorisation covers several (accountId of the authorisation record). */
  accountId: Code.optional(),
  /** `domain` of the authorisation, sent as X-GW-Router-Addr. Needed only where no outerInstanceId is given. */
  routerAddress: z.url({ error: "授权信息中的 domain，如 https://tf.jdy.com / the authorisation's domain" }).optional(),
  /** 凭证字 by our name → group_number in the ERP. */
  words: z.record(Code, Code).default({ 记: "记" }),
  /** ISO code → currency_number in the ERP. */
  currencies: z.record(Code, Code).default({ CNY: "RMB" }),
  /** Our dimension → type in `assist`; a custom one with its bd_aux_info_type_id behind a colon; null where there is none. */
  dimensions: z
    .partialRecord(z.enum(dimensionKinds), z.union([AssistType, z.null()], { error: ASSIST }))
    .default({})
    .transform((given) => ({ ...DEFAULT_ASSISTS, ...given })),
  /** Whether a quantity travels with measure_unit_number (inferred from the detail of a voucher). */
  sendUnits: z.boolean({ error: "true 或 false / true or false" }).default(true),
  /** What common_operate calls a voucher (public clients; the vendor's list of names is not public). */
  operationEntity: Code.default("gl_voucher"),
  /** Vouchers in one save. The vendor takes several, but its answer names no elements: alone each is refused by name. */
  batchMax: whole(1, 100).default(1),
  /** True where a test tenant has shown that a save of several is rolled back whole when one of them is refused. */
  batchRollsBack: z.boolean({ error: "true 或 false / true or false" }).default(false),
  linesMax: whole(2, 10_000).default(500),
  summaryMax: whole(1, 1_000).default(255),
  quantityDecimals: whole(0, 10).default(6),
  /** Rows asked for at once. The vendor publishes no upper limit; public clients ask for 100. */
  pageSize: whole(1, 2_000).default(100),
  /** "report": account_balance_report; "entries": the voucher lines since the book's start are added up, without opening balances. */
  balances: z.enum(["report", "entries"], { error: "report 或 entries / report or entries" }).default("report"),
  /** Asks the reports for rows by item as well; they count where a row names its dimensions. */
  reportItems: z.boolean({ error: "true 或 false / true or false" }).default(true),
  /** Quantities from qty_sum beside the report; false where the account set has no 数量核算. */
  reportQuantities: z.boolean({ error: "true 或 false / true or false" }).default(true),
  /** First and current period of the book, where system_param may not be read. */
  periods: z.strictObject({ start: PeriodText, current: PeriodText }).optional(),
  /** The token lives 24 hours (reference §10.2) and is renewed after four fifths of it. */
  tokenHours: whole(1, 24).default(24),
  /** Public clients report that a third token within a minute is throttled. */
  tokensPerMinute: whole(1, 600).default(2),
  /**
   * Numbers of the vendor's failures that this installation has come to know, beside those of `vendor-errors.ts`: whether one
   * proves a refusal, or that nothing ran. The vendor publishes no list.
   */
  knownFailures: z
    .record(z.string(), z.enum(["refused", "not-done", "uncertain"], { error: KNOWN_FAILURE }))
    .default({}),
  timeoutMs: whole(1_000, 600_000).default(60_000),
  tokenTimeoutMs: whole(1_000, 120_000).default(30_000),
  parallelReads: whole(1, 8).default(4),
  /** PEM text of a private certification authority, for a proxy in between. */
  certificateAuthority: z.string().optional(),
  allowedHosts: z.array(z.string()).default([]),
});
export type KingdeeXingchenSettings = z.infer<typeof KingdeeXingchenSettings>;

const DEFAULT_ASSISTS: { readonly [kind in (typeof dimensionKinds)[number]]?: string | null } = {
  item: "bd_material",
  supplier: "bd_supplier",
  customer: "bd_customer",
  department: "bd_department",
  warehouse: "bd_store",
};

/** @throws ZhangshiError CONFIG_INVALID naming the field */
export const parseSettings = (settings: unknown, connection: string): KingdeeXingchenSettings => {
  const parsed = KingdeeXingchenSettings.safeParse(settings ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ZhangshiError("CONFIG_INVALID", {
    connection,
    field: ["settings", ...(issue?.path ?? [])].map(String).join("."),
    reason: issue?.message ?? "无法识别 / unreadable",
  });
};

/**
 * Names under which secrets are handed in. `outerInstanceId` lets the connector fetch the present appKey and appSecret itself;
 * without it both are given, and somebody replaces the appSecret each time the vendor rotates it.
 */
export const secretNames = ["clientId", "clientSecret", "appKey", "appSecret", "outerInstanceId"] as const;
export type SecretName = (typeof secretNames)[number];

/** What identifies the application and the account set. */
export interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly outerInstanceId: string | undefined;
  readonly application: { readonly appKey: string; readonly appSecret: string } | undefined;
}

/** @throws ZhangshiError SECRET_MISSING */
export const credentialsOf = (secrets: Readonly<Record<string, string>>, connection: string): Credentials => {
  const given = (name: SecretName): string | undefined => secrets[name] || undefined;
  const needed = (name: SecretName): string => {
    const value = given(name);
    if (value === undefined) throw new ZhangshiError("SECRET_MISSING", { connection, secret: name });
    return value;
  };
  const outerInstanceId = given("outerInstanceId");
  return {
    clientId: needed("clientId"),
    clientSecret: needed("clientSecret"),
    outerInstanceId,
    // With an instance the present ones are fetched, and with them the domain: what was entered is older at best.
    application:
      outerInstanceId === undefined ? { appKey: needed("appKey"), appSecret: needed("appSecret") } : undefined,
  };
};
