import { z } from "zod";
import { Period } from "../../domain/dates.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import { dimensionKinds } from "../../domain/voucher.ts";

const Code = z.string().min(1).max(80);

/**
 * How voucher files are laid out. "standard": DBF of 标准版 and 迷你版 (reference §11.2); "professional": DBF of 专业版 and
 * K/3 (§11.3); "excel": 标准格式凭证 as a workbook (§11.4).
 */
export const Dialect = z.enum(["standard", "professional", "excel"]);
export type Dialect = z.infer<typeof Dialect>;

/** Where our key stands in a file: 业务编号, 参考信息, or the end of the first line's 摘要. */
export const KeyPlace = z.enum(["trade-number", "reference", "summary"]);
export type KeyPlace = z.infer<typeof KeyPlace>;

/** A 核算类别 by its name in the 账套; `slot` is its fixed place in files of 标准版, 0 where any will do. */
const ObjectClass = z.strictObject({ class: Code, slot: z.int().min(0).max(8).default(0) });
export type ObjectClass = z.infer<typeof ObjectClass>;

const Shape = z.strictObject({
  dialect: Dialect,
  /** The account book of our drafts; one folder serves one 账套. */
  book: Code,
  /** First period of the 账套 (启用期间), and the last that is closed: the program cannot be asked. */
  startPeriod: Period.optional(),
  closedThrough: Period.optional(),
  /** 凭证字 by our name → the 账套's. */
  words: z.record(Code, Code).default({ 记: "记" }),
  /** ISO code → 币别代码, or in workbooks the name. Only the 账套's own currency can be sent. */
  currencies: z.record(Code, Code).optional(),
  /** Our dimension → 核算类别; null where the 账套 has none: a voucher with that dimension is held. */
  dimensions: z.partialRecord(z.enum(dimensionKinds), z.union([ObjectClass, z.null()])).default({}),
  keyPlace: KeyPlace.optional(),
  /** 制单. The program may replace it by whoever imports. */
  preparer: z.string().min(1).max(20).default("账实"),
  vouchersPerFileMax: z.int().min(1).max(9_999).default(200),
  linesMax: z.int().min(2).max(9_999).default(500),
  /** Workbooks: "xls" is what 专业版 is said to open (§11.4); "xlsx" where it opens that. */
  workbook: z.enum(["xlsx", "xls"]).default("xlsx"),
  /** Workbooks: our name of a column → the header in an exported sample, where it differs from §11.4. */
  headers: z.record(z.string(), z.string().min(1)).default({}),
  /** Workbooks: what stands between several 核算项目 of one row. */
  objectSeparator: z.string().min(1).default(";"),
  /** Texts of the program that tell a refusal's cause, as regular expressions, before the built-in ones. */
  refusals: z
    .partialRecord(z.enum(["PERIOD_CLOSED", "ACCOUNT_REFUSED", "DIMENSION_REFUSED", "MASTER_DATA_REFUSED"]), z.string())
    .default({}),
});

export type KingdeeKisSettings = Omit<z.infer<typeof Shape>, "currencies" | "keyPlace"> & {
  readonly currencies: Readonly<Record<string, string>>;
  readonly keyPlace: KeyPlace;
};

type Classes = z.infer<typeof Shape>["dimensions"];
const STANDARD_CLASSES: Classes = {
  item: { class: "物料", slot: 1 },
  supplier: { class: "往来单位", slot: 2 },
  customer: { class: "往来单位", slot: 2 },
  department: { class: "部门", slot: 3 },
};
const PROFESSIONAL_CLASSES: Classes = {
  item: { class: "物料", slot: 0 },
  warehouse: { class: "仓库", slot: 0 },
  supplier: { class: "供应商", slot: 0 },
  customer: { class: "客户", slot: 0 },
  department: { class: "部门", slot: 0 },
};

/** @throws ZhangshiError CONFIG_INVALID naming the field */
export const parseSettings = (settings: unknown, connection: string): KingdeeKisSettings => {
  const parsed = Shape.safeParse(settings ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(connection, (issue?.path ?? []).map(String), issue?.message ?? "unreadable");
  }
  const given = parsed.data;
  const keyPlace = given.keyPlace ?? (given.dialect === "excel" ? "summary" : "trade-number");
  // 标准版 files have no 参考信息 and the Chinese workbook has neither column (§11.2, §11.4).
  if (given.dialect === "standard" && keyPlace === "reference")
    throw invalid(connection, ["keyPlace"], "no such column");
  if (given.dialect === "excel" && keyPlace !== "summary") throw invalid(connection, ["keyPlace"], "no such column");
  for (const [cause, pattern] of Object.entries(given.refusals))
    if (!isPattern(pattern)) throw invalid(connection, ["refusals", cause], "not a regular expression");
  return {
    ...given,
    keyPlace,
    currencies: given.currencies ?? { CNY: given.dialect === "excel" ? "人民币" : "RMB" },
    dimensions: {
      ...(given.dialect === "standard" ? STANDARD_CLASSES : PROFESSIONAL_CLASSES),
      ...given.dimensions,
    },
  };
};

const invalid = (connection: string, path: readonly string[], reason: string): ZhangshiError =>
  new ZhangshiError("CONFIG_INVALID", { connection, field: ["settings", ...path].join("."), reason });

const isPattern = (pattern: string): boolean => {
  try {
    return new RegExp(pattern, "u").source !== "";
  } catch {
    return false;
  }
};
