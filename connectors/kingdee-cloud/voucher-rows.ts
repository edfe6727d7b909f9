import { BusinessDate, Period } from "../../domain/dates.ts";
import { Decimal, isZero, negate, normalize, subtract } from "../../domain/decimal.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import type { Stage } from "../../domain/posting.ts";
import type { DimensionKind } from "../../domain/voucher.ts";
import type { ErpVoucher, ErpVoucherLine } from "../contract.ts";
import { type Row, flagCell, textCell } from "./query.ts";
import type { KingdeeCloudSettings } from "./settings.ts";
import { dimensionColumns } from "./voucher-body.ts";

/** Fields that say where a voucher stands (reference §7.2). */
export const stageFields = ["FDocumentStatus", "FPOSTED", "FInvalid"] as const;

/** FDocumentStatus: Z 暂存, A 创建, B 审核中, C 已审核, D 重新审核; FPOSTED: 过账 (reference §6, §7.2). */
export const stageOf = (documentStatus: string, posted: boolean): Stage => {
  if (posted) return "booked";
  if (documentStatus === "C") return "audited";
  return documentStatus === "B" ? "submitted" : "saved";
};

const headFields = [
  "FVOUCHERID",
  "FDate",
  "FYEAR",
  "FPERIOD",
  "FVOUCHERGROUPID.FNumber",
  "FVOUCHERGROUPNO",
  ...stageFields,
  "FAttachments",
  "FCreatorId.FName",
] as const;
const lineFields = [
  "FEntity_FSeq",
  "FEXPLANATION",
  "FACCOUNTID.FNumber",
  "FDEBIT",
  "FCREDIT",
  "FQty",
  "FUnitId.FNumber",
] as const;

/** Field keys of an entry-level query: head fields repeat per line. */
export const voucherFields = (settings: KingdeeCloudSettings): readonly string[] => [
  ...headFields,
  ...lineFields,
  settings.keyField,
  ...(settings.originColumn === null ? [] : [settings.originColumn]),
  ...dimensionColumns(settings).map(([, column]) => `FDetailID.${column}.FNumber`),
];

export const VOUCHER_ORDER = "FVOUCHERID asc, FEntity_FSeq asc";

/** Rows of whole vouchers to vouchers, in the order in which they came. @throws ZhangshiError READ_FAILED */
export const vouchersOf = (rows: readonly Row[], settings: KingdeeCloudSettings): readonly ErpVoucher[] => {
  const fields = voucherFields(settings);
  const words = new Map(Object.entries(settings.words).map(([ours, theirs]) => [theirs, ours]));
  const columns = dimensionColumns(settings);
  const vouchers = new Map<string, { head: Omit<ErpVoucher, "lines">; lines: ErpVoucherLine[] }>();
  for (const row of rows) {
    const cell = (field: string): Row[number] | undefined => row[fields.indexOf(field)];
    const text = (field: string): string => textCell(cell(field));
    const id = text("FVOUCHERID");
    let voucher = vouchers.get(id);
    if (voucher === undefined) {
      const word = text("FVOUCHERGROUPID.FNumber");
      const attachments = text("FAttachments");
      voucher = {
        head: {
          erpId: id,
          key: text(settings.keyField).toLowerCase(),
          word: words.get(word) ?? word,
          number: text("FVOUCHERGROUPNO"),
          date: read(BusinessDate, text("FDate").slice(0, 10), id, "FDate"),
          period: read(Period, `${text("FYEAR")}-${text("FPERIOD").padStart(2, "0")}`, id, "FPERIOD"),
          stage: stageOf(text("FDocumentStatus"), flagCell(cell("FPOSTED"))),
          voided: flagCell(cell("FInvalid")),
          attachments: attachments === "" ? undefined : Number(attachments),
          origin: originOf(settings.originColumn === null ? "" : text(settings.originColumn), settings),
          maker: text("FCreatorId.FName"),
        },
        lines: [],
      };
      vouchers.set(id, voucher);
    }
    const account = text("FACCOUNTID.FNumber");
    const lineNumber = text("FEntity_FSeq");
    // A voucher without lines comes as one row without line fields.
    if (account === "" && lineNumber === "") continue;
    const amountOf = (field: string): Decimal => read(Decimal, text(field) || "0", id, field);
    const dimensions: Partial<Record<DimensionKind, string>> = {};
    for (const [kind, column] of columns) {
      const code = text(`FDetailID.${column}.FNumber`);
      if (code !== "") dimensions[kind] = code;
    }
    const debit = amountOf("FDEBIT");
    const credit = amountOf("FCREDIT");
    const quantity = normalize(amountOf("FQty"));
    voucher.lines.push({
      lineNumber: Number(lineNumber),
      summary: text("FEXPLANATION"),
      ...(isZero(debit) && !isZero(credit)
        ? { side: "credit", amount: normalize(credit) }
        : { side: "debit", amount: normalize(subtract(debit, credit)) }),
      account,
      quantity: isZero(quantity) ? undefined : quantity,
      unit: text("FUnitId.FNumber") || undefined,
      dimensions,
    });
  }
  return [...vouchers.values()].map(({ head, lines }) => ({
    ...head,
    lines: lines.toSorted((a, b) => a.lineNumber - b.lineNumber),
  }));
};

/** 手工录入 is what a person's voucher says, and ours as well unless the settings name another 业务类型. */
const originOf = (businessType: string, settings: KingdeeCloudSettings): string =>
  businessType === "" || businessType === settings.businessType ? "manual" : businessType;

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
