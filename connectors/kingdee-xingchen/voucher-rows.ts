import { z } from "zod";
import { BusinessDate, Period } from "../../domain/dates.ts";
import { Decimal, isZero, negate, normalize, subtract } from "../../domain/decimal.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import type { Stage } from "../../domain/posting.ts";
import { type DimensionKind, dimensionKinds } from "../../domain/voucher.ts";
import type { ErpVoucher, ErpVoucherLine } from "../contract.ts";
import { Text } from "./answers.ts";
import type { KingdeeXingchenSettings } from "./settings.ts";

/** Source: reference §10.4. Ids are numbers in some answers; here everything is text already. */
const HeadRow = z.looseObject({
  id: z.string().min(1),
  date: Text,
  period: Text,
  number: Text,
  voucher_no: Text,
  bill_status: Text,
  group_number: Text,
  group_name: Text,
  source_bill_type: Text,
  source_bill_no: Text,
  creator_name: Text,
});

export interface VoucherHead {
  readonly erpId: string;
  /** As it stands in the ERP; whoever compares keys has lower-cased it here. */
  readonly key: string;
  readonly word: string;
  readonly number: string;
  readonly date: string;
  /** "202501" as the vendor writes it. */
  readonly periodText: string;
  readonly stage: Stage;
  readonly sourceType: string;
  readonly maker: string;
}

/** bill_status: Z 未审核, C 已审核 (reference §10.3). */
export const stageOf = (billStatus: string): Stage => (billStatus.toUpperCase() === "C" ? "audited" : "saved");

/** @throws ZhangshiError READ_FAILED */
export const headOf = (row: unknown): VoucherHead => {
  const parsed = HeadRow.safeParse(row);
  if (!parsed.success) throw new ZhangshiError("READ_FAILED", { reason: "a voucher without id" });
  const head = parsed.data;
  return {
    erpId: head.id,
    key: head.source_bill_no.trim().toLowerCase(),
    word: head.group_number || head.group_name,
    number: head.number || head.voucher_no,
    date: head.date.slice(0, 10),
    periodText: head.period.replaceAll("-", ""),
    stage: stageOf(head.bill_status),
    sourceType: head.source_bill_type,
    maker: head.creator_name,
  };
};

const Assist = z.looseObject({ type: Text, number: Text, bd_aux_info_type_id: Text });
const Entry = z.looseObject({
  seq: Text,
  explanation: Text,
  account_number: Text,
  measure_unit_number: Text,
  debit_amount: Text,
  credit_amount: Text,
  quantity: Text,
  dc: Text,
  assist: z
    .union([z.array(Assist), z.null()])
    .optional()
    .transform((assist) => assist ?? []),
});
type Entry = z.infer<typeof Entry>;

const Detail = z.looseObject({
  id: z.string().min(1),
  entry_list: z
    .union([z.array(Entry), z.null()])
    .optional()
    .transform((entries) => entries ?? []),
});

export interface VoucherDetail {
  readonly head: VoucherHead;
  /** True where the detail itself carries the key; the vendor's own model of it does not. */
  readonly withKey: boolean;
  readonly lines: readonly ErpVoucherLine[];
}

/** @throws ZhangshiError READ_FAILED naming voucher and field */
export const detailOf = (data: unknown, settings: KingdeeXingchenSettings): VoucherDetail => {
  const parsed = Detail.safeParse(data);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ZhangshiError("READ_FAILED", { field: (issue?.path ?? []).map(String).join("."), reason: "no voucher" });
  }
  const head = headOf(data);
  const kinds = kindsByType(settings);
  const lines = parsed.data.entry_list.map((entry, index) => lineOf(entry, index, head.erpId, kinds));
  return { head, withKey: head.key !== "", lines: lines.toSorted((a, b) => a.lineNumber - b.lineNumber) };
};

const kindsByType = (settings: KingdeeXingchenSettings): ReadonlyMap<string, DimensionKind> =>
  new Map(
    dimensionKinds.flatMap((kind) => {
      const type = settings.dimensions[kind] ?? undefined;
      return type === undefined ? [] : [[type, kind] as const];
    }),
  );

const lineOf = (entry: Entry, index: number, id: string, kinds: ReadonlyMap<string, DimensionKind>): ErpVoucherLine => {
  const number = (text: string, field: string): Decimal => normalize(read(Decimal, text.trim() || "0", id, field));
  const debit = number(entry.debit_amount, "debit_amount");
  const credit = number(entry.credit_amount, "credit_amount");
  const quantity = number(entry.quantity, "quantity");
  const dimensions: Partial<Record<DimensionKind, string>> = {};
  for (const { type, number: code, bd_aux_info_type_id: custom } of entry.assist) {
    const kind = kinds.get(`${type}:${custom}`) ?? kinds.get(type);
    if (kind !== undefined && code !== "") dimensions[kind] = code;
  }
  const onCredit = isZero(debit) && (!isZero(credit) || entry.dc === "-1");
  return {
    lineNumber: /^\d+$/.test(entry.seq) ? Number(entry.seq) : index + 1,
    summary: entry.explanation,
    ...(onCredit ? { side: "credit", amount: credit } : { side: "debit", amount: subtract(debit, credit) }),
    account: entry.account_number,
    quantity: isZero(quantity) ? undefined : quantity,
    unit: entry.measure_unit_number || undefined,
    dimensions,
  };
};

/** @throws ZhangshiError READ_FAILED naming voucher and field */
export const voucherOf = (
  head: VoucherHead,
  lines: readonly ErpVoucherLine[],
  settings: KingdeeXingchenSettings,
): ErpVoucher => {
  const words = new Map(Object.entries(settings.words).map(([ours, theirs]) => [theirs, ours]));
  const date = read(BusinessDate, head.date, head.erpId, "date");
  const periodText = head.periodText === "" ? date.slice(0, 7).replace("-", "") : head.periodText;
  return {
    erpId: head.erpId,
    key: head.key,
    word: words.get(head.word) ?? head.word,
    number: head.number,
    date,
    period: read(Period, `${periodText.slice(0, 4)}-${periodText.slice(4)}`, head.erpId, "period"),
    stage: head.stage,
    // This ERP knows no void vouchers: they are deleted, or reversed by a red one.
    voided: false,
    // It counts attached files only, which we send none of.
    attachments: undefined,
    origin: head.sourceType === "" ? "manual" : head.sourceType,
    maker: head.maker,
    lines,
  };
};

const read = <Value>(
  schema: { safeParse(text: string): { success: true; data: Value } | { success: false } },
  text: string,
  id: string,
  field: string,
): Value => {
  const parsed = schema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new ZhangshiError("READ_FAILED", { voucher: id, field, value: text.slice(0, 200) });
};

/** Debit minus credit of one line. */
export const signedAmount = (line: ErpVoucherLine): Decimal =>
  line.side === "debit" ? line.amount : negate(line.amount);
