import { z } from "zod";
import { ZhangshiError } from "../../domain/errors.ts";
import { dimensionKinds } from "../../domain/voucher.ts";

/** A user field as entities show it: `U_` and the name under which it was created (reference §8.1). */
const UserField = z
  .string()
  .regex(/^U_[A-Za-z0-9_]{1,18}$/, "用户字段写作 U_ 加字段名 / a user field is written U_ and its name");
/** Places on a journal line that can hold a code (reference §7.2). */
const LineField = z.union(
  [
    UserField,
    z.enum([
      "CostingCode",
      "CostingCode2",
      "CostingCode3",
      "CostingCode4",
      "CostingCode5",
      "ProjectCode",
      "Reference1",
      "Reference2",
      "AdditionalReference",
    ]),
  ],
  "不是日记账分录行的字段 / not a field of a journal line",
);
const Code = z.string().min(1, "不能为空 / must not be empty").max(100, "太长 / too long");
const TableName = z.string().regex(/^[A-Za-z0-9_]{1,19}$/, "不是用户表名 / not the name of a user table");

/** Settings of one SAP Business One connection. Secrets are not among them: see `secretNames`. */
export const SapB1Settings = z.strictObject({
  /** v2 is OData 4 and primary; v1 (OData 3) is deprecated since FP 2405 and keeps working (reference §0). */
  serviceLayer: z.enum(["v2", "v1"], "只能是 v2 或 v1 / either v2 or v1").default("v2"),
  /** Language of messages; a number of UserLanguages. 3 is English, 15 simplified Chinese. Absent: the user's own. */
  language: z.int().optional(),
  /** Account book → branch (BPLID) that its lines belong to; null where the company has no branches. One book is one company database. */
  books: z
    .record(Code, z.union([z.null(), z.int()]))
    .refine((books) => Object.keys(books).length > 0, "至少一个账簿 / at least one account book"),
  /** 凭证字 by our name → transaction code of up to 4 characters; null: none is written. */
  words: z.record(Code, z.union([z.null(), z.string().min(1).max(4)])).default({ 记: null }),
  /** Numbering series of journal entries; absent: the default series of period and user. */
  series: z.int().optional(),
  /** Our ISO code of the company's local currency; other currencies are not posted. */
  currency: Code.default("CNY"),
  /** Field on the journal entry's head that holds our key. */
  keyField: UserField.default("U_ZSKey"),
  /** User table whose rows claim a key: its `Code` is unique, so a second voucher with the key is rolled back (reference §8.3). */
  claimTable: TableName.default("ZSCLAIM"),
  /** "code": accounts by Code; "format": by FormatCode, for segmented charts whose codes read _SYS… (reference §7.10). */
  accountCodes: z.enum(["code", "format"], "只能是 code 或 format / either code or format").default("code"),
  /** Control accounts: their lines name a business partner instead of the account, and B1 puts the account. */
  controlAccounts: z.record(Code, z.enum(["supplier", "customer"])).default({}),
  /** Our dimension → field of the journal line; null where the ledger holds none. */
  dimensions: z
    .partialRecord(z.enum(dimensionKinds), z.union([LineField, z.null()]))
    .default({})
    .transform((given) => ({ ...DEFAULT_FIELDS, ...given })),
  /** Fields of the journal line for 数量核算, which B1 does not know; null: quantities are not written. */
  quantityField: z.union([UserField, z.null()]).default("U_ZSQty"),
  unitField: z.union([UserField, z.null()]).default("U_ZSUnit"),
  /** "negative": negative amounts on the same side, where the company uses negative amounts; "swapped": the other side. */
  red: z.enum(["negative", "swapped"], "只能是 negative 或 swapped / either negative or swapped").default("negative"),
  /** Dimensions whose codes B1 does not keep: they are written without being looked up. */
  uncheckedCodes: z.array(z.enum(dimensionKinds)).default([]),
  batchMax: z.int().min(1).max(100).default(20),
  linesMax: z.int().min(2).default(500),
  /** Length of LineMemo: 254 in current releases, 50 in older ones. UTF-16 units. */
  summaryMax: z.int().min(10).max(254).default(254),
  /** Length of Memo on the head: 50, or 254 in releases that widened it (reference §7.2). */
  memoLength: z.int().min(10).max(254).default(50),
  /** Rows a page; asked for by `Prefer: odata.maxpagesize`, else the server gives 20. */
  pageSize: z.int().min(1).max(5_000).default(200),
  /** "chart": from the balances of the chart of accounts; "entries": journal lines since `entriesSince` are added up, per item too. */
  balances: z.enum(["chart", "entries"]).default("chart"),
  /** First period whose lines count in "entries". */
  entriesSince: z
    .string()
    .regex(/^\d{4}-(0[1-9]|1[0-2])$/, "写作 2026-01 / written 2026-01")
    .optional(),
  /** Requests at a time; sites run well with 2 to 4 (reference §12). */
  parallelRequests: z.int().min(1).max(16).default(3),
  /** The client gives up after this. */
  timeoutMs: z.int().min(1_000).default(120_000),
  /** A good log-in takes up to 8 seconds (reference §2.1). */
  logInTimeoutMs: z.int().min(1_000).default(60_000),
});
export type SapB1Settings = z.infer<typeof SapB1Settings>;

const DEFAULT_FIELDS: { readonly [kind in (typeof dimensionKinds)[number]]?: string | null } = {
  item: "U_ZSItem",
  warehouse: "U_ZSWhs",
  supplier: "U_ZSSupplier",
  customer: "U_ZSCustomer",
  department: "CostingCode",
};

/** @throws ZhangshiError CONFIG_INVALID naming the field */
export const parseSettings = (settings: unknown, connection: string): SapB1Settings => {
  const parsed = SapB1Settings.safeParse(settings ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ZhangshiError("CONFIG_INVALID", {
    connection,
    field: ["settings", ...(issue?.path ?? [])].map(String).join("."),
    reason: issue?.message ?? "unreadable",
  });
};

/** Names under which secrets are handed in. */
export const secretNames = ["companyDb", "userName", "password"] as const;
export type SecretName = (typeof secretNames)[number];

/** @throws ZhangshiError SECRET_MISSING */
export const secretOf = (secrets: Readonly<Record<string, string>>, name: SecretName, connection: string): string => {
  const value = secrets[name];
  if (value === undefined || value === "") throw new ZhangshiError("SECRET_MISSING", { connection, secret: name });
  return value;
};
