import { z } from "zod";
import { Period } from "../../domain/dates.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import { type DimensionKind, dimensionKinds, DimensionKind as Dimension } from "../../domain/voucher.ts";
import type { MasterDataKind } from "../contract.ts";
import { Condition, HexId, VendorField, appShape } from "./settings.ts";

/** The form designer allows so many rows in a subform. Source: Jiandaoyun reference §9.4. */
const SUBFORM_ROWS_MAX = 200;
/** No limit of a text field is documented; the tests of ours go this far. */
const SUMMARY_MAX = 200;

const text = z.string().min(1).max(200);

/** A form whose records are codes that a voucher may name. */
const MasterForm = z.strictObject({
  entryId: HexId,
  code: VendorField,
  name: VendorField.optional(),
  /** Only records that meet all of these may be used. */
  usableWhen: z.array(Condition).default([]),
  /** Accounts: only records that meet all of these have nothing below them. */
  detailWhen: z.array(Condition).default([]),
  /** Accounts: the field that says which dimensions a line must have, by the words below. */
  dimensions: VendorField.optional(),
  dimensionWords: z.record(text, Dimension).default({
    商品: "item",
    物料: "item",
    仓库: "warehouse",
    供应商: "supplier",
    客户: "customer",
    部门: "department",
  }),
});
export type MasterForm = z.infer<typeof MasterForm>;

const PeriodText = Period;
/** Which months take vouchers. The vendor knows no accounting periods, so somebody has to say it. */
const Periods = z.union([
  /** Every month from this one on, up to `openUntil` where it is given. */
  z.strictObject({ openFrom: PeriodText, openUntil: PeriodText.optional() }),
  z.strictObject({ open: z.array(PeriodText).min(1) }),
  /** A form with one record per month; a month without a record is closed. */
  z.strictObject({ entryId: HexId, period: VendorField, openWhen: z.array(Condition).min(1) }),
]);

const Fields = z.strictObject({
  key: VendorField,
  date: VendorField,
  word: VendorField.optional(),
  /** A 流水号 field that the vendor fills; without one the record's id is the number. */
  number: VendorField.optional(),
  summary: VendorField.optional(),
  attachments: VendorField.optional(),
  documents: VendorField.optional(),
  currency: VendorField.optional(),
});
const LineFields = z.strictObject({
  summary: VendorField,
  side: VendorField,
  account: VendorField,
  amount: VendorField,
  quantity: VendorField.optional(),
  unit: VendorField.optional(),
  unitPrice: VendorField.optional(),
});

export const LedgerSettings = z
  .strictObject({
    ...appShape,
    /** Account book (账簿) → the form that holds its vouchers. */
    books: z.record(text, HexId).refine((books) => Object.keys(books).length > 0, "no book"),
    fields: Fields,
    lines: z.strictObject({
      subform: VendorField,
      fields: LineFields,
      dimensions: z.partialRecord(Dimension, VendorField).default({}),
    }),
    /** What the field of the side holds. */
    sides: z.strictObject({ debit: text, credit: text }).default({ debit: "借", credit: "贷" }),
    /** 凭证字 by our name → what the form holds. */
    words: z.record(text, text).default({ 记: "记", 收: "收", 付: "付", 转: "转" }),
    currency: text.default("CNY"),
    /** Member (username) who appears as the submitter; the company's creator when left out. */
    maker: text.optional(),
    /** The voucher form is a workflow form: a new voucher enters its workflow at once. */
    flow: z
      .strictObject({
        /** Members whose tasks we finish when a voucher shall be audited; without them, people audit. */
        approvers: z.array(text).default([]),
        comment: z.string().max(500).default("账实自动审核"),
        /** What a workflow is that an administrator ended (结束): it did not pass, so it does not count. */
        closed: z.enum(["void", "audited"]).default("void"),
      })
      .optional(),
    /** A voucher that meets one of these does not count. */
    voidWhen: z.array(Condition).default([]),
    periods: Periods,
    master: z
      .strictObject({
        account: MasterForm.optional(),
        item: MasterForm.optional(),
        warehouse: MasterForm.optional(),
        supplier: MasterForm.optional(),
        customer: MasterForm.optional(),
        department: MasterForm.optional(),
        unit: MasterForm.optional(),
      })
      .prefault({}),
    /** A code that was found usable is not looked up again for so long. */
    masterTrustMs: z.int().min(0).max(3_600_000).default(60_000),
    linesMax: z.int().min(2).max(SUBFORM_ROWS_MAX).default(SUBFORM_ROWS_MAX),
    summaryMax: z.int().min(10).max(5_000).default(SUMMARY_MAX),
    quantityDecimals: z.int().min(0).max(8).default(6),
  })
  .superRefine(({ master, lines }, context) => {
    if (master.account?.dimensions !== undefined && Object.keys(lines.dimensions).length === 0)
      context.addIssue({ code: "custom", path: ["lines", "dimensions"], message: "accounts demand dimensions" });
  });
export type LedgerSettings = z.infer<typeof LedgerSettings>;
export type PeriodSettings = LedgerSettings["periods"];

/** Kinds of master data that a form of the app can hold. */
export type MasterKind = Exclude<MasterDataKind, "word">;

/** Dimensions that have a column on the line, with the vendor's field. */
export const dimensionFields = (settings: LedgerSettings): readonly (readonly [DimensionKind, string])[] =>
  dimensionKinds.flatMap((kind) => {
    const field = settings.lines.dimensions[kind];
    return field === undefined ? [] : [[kind, field] as const];
  });

/** The form that says which codes of a dimension exist; orders and batches have none. */
export const masterOf = (settings: LedgerSettings, kind: DimensionKind): MasterForm | undefined =>
  kind === "order" || kind === "batch" ? undefined : settings.master[kind];

/** @throws ZhangshiError CONFIG_INVALID, naming the field */
export const parseLedgerSettings = (settings: unknown, connection: string): LedgerSettings => {
  const parsed = LedgerSettings.safeParse(settings);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ZhangshiError("CONFIG_INVALID", {
    connection,
    field: issue?.path.join(".") ?? "",
    reason: issue?.message ?? "",
  });
};
