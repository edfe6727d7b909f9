import { exactNumber } from "../transport/json.ts";
import { ZERO } from "../../domain/decimal.ts";
import type { ErrorCode } from "../../domain/errors.ts";
import { type DimensionKind, type VoucherDraft, type VoucherLine, dimensionKinds } from "../../domain/voucher.ts";
import type { KingdeeCloudSettings } from "./settings.ts";

/** Why a draft cannot even be written down for this ERP. */
export interface CannotWrite {
  readonly code: ErrorCode;
  readonly message: string;
}

const reference = (number: string): { readonly FNumber: string } => ({ FNumber: number });

/** What keeps a draft from being sent, found before anything is sent; undefined when nothing does. */
export const obstacleTo = (draft: VoucherDraft, settings: KingdeeCloudSettings): CannotWrite | undefined => {
  if (settings.books[draft.book] === undefined)
    return { code: "CONFIG_INVALID", message: `account book ${draft.book} is not among the connection's books` };
  if (settings.words[draft.word] === undefined)
    return { code: "CODE_MISSING", message: `凭证字 ${draft.word} has no code in the connection's words` };
  if (settings.currencies[draft.currency] === undefined)
    return { code: "CODE_MISSING", message: `currency ${draft.currency} has no code in the connection's currencies` };
  for (const line of draft.lines)
    for (const kind of dimensionKinds)
      if (line.dimensions[kind] !== undefined && (settings.dimensions[kind] ?? null) === null)
        return { code: "DIMENSION_REFUSED", message: `line ${line.lineNumber}: no column is configured for ${kind}` };
  return undefined;
};

const dimensionsOf = (line: VoucherLine, settings: KingdeeCloudSettings): Record<string, unknown> => {
  const columns: Record<string, unknown> = {};
  for (const kind of dimensionKinds) {
    const code: string | undefined = line.dimensions[kind];
    const column = settings.dimensions[kind];
    if (code !== undefined && column !== undefined && column !== null)
      columns[`FDETAILID__${column.toUpperCase()}`] = reference(code);
  }
  return columns;
};

const lineBody = (line: VoucherLine, currency: string, settings: KingdeeCloudSettings): Record<string, unknown> => {
  const dimensions = dimensionsOf(line, settings);
  const [debit, credit] = line.side === "debit" ? [line.amount, ZERO] : [ZERO, line.amount];
  return {
    FEXPLANATION: line.summary,
    FACCOUNTID: reference(line.account),
    ...(Object.keys(dimensions).length === 0 ? {} : { FDetailID: dimensions }),
    FCURRENCYID: reference(currency),
    FEXCHANGERATETYPE: reference(settings.rateType),
    FEXCHANGERATE: exactNumber("1"),
    ...(line.unit === undefined ? {} : { FUnitId: { FNUMBER: line.unit } }),
    ...(line.unitPrice === undefined ? {} : { FPrice: exactNumber(line.unitPrice) }),
    ...(line.quantity === undefined ? {} : { FQty: exactNumber(line.quantity) }),
    FAMOUNTFOR: exactNumber(line.amount),
    FDEBIT: exactNumber(debit),
    FCREDIT: exactNumber(credit),
  };
};

/** Model of one new voucher (reference §7.1). It carries no id: an id in a new document overwrites the one that has it. */
export const voucherModel = (draft: VoucherDraft, settings: KingdeeCloudSettings): Record<string, unknown> => {
  const [year = "", month = ""] = draft.date.split("-");
  const currency = settings.currencies[draft.currency] ?? draft.currency;
  return {
    FAccountBookID: reference(draft.book),
    FDate: draft.date,
    FBUSDATE: draft.date,
    FYEAR: exactNumber(year),
    FPERIOD: exactNumber(String(Number(month))),
    FVOUCHERGROUPID: reference(settings.words[draft.word] ?? draft.word),
    // Empty: the ERP numbers it.
    FVOUCHERGROUPNO: "",
    FATTACHMENTS: exactNumber(String(draft.attachments)),
    FISADJUSTVOUCHER: "false",
    FSourceBillKey: reference(settings.businessType),
    [settings.keyField]: draft.key,
    FEntity: draft.lines.map((line) => lineBody(line, currency, settings)),
  };
};

/** Body of a BatchSave. The key is asked back: unknown fields vanish in silence (reference §7.2). */
export const batchSaveBody = (
  drafts: readonly VoucherDraft[],
  settings: KingdeeCloudSettings,
): Record<string, unknown> => ({
  formid: "GL_VOUCHER",
  data: {
    NeedUpDateFields: [],
    NeedReturnFields: [settings.keyField],
    IsDeleteEntry: "true",
    SubSystemId: "GL",
    IsVerifyBaseDataField: "true",
    IsEntryBatchFill: "true",
    ValidateFlag: "true",
    NumberSearch: "true",
    InterationFlags: "",
    Model: drafts.map((draft) => voucherModel(draft, settings)),
  },
});

/** Flex columns that are configured, as [our dimension, the ERP's column]. */
export const dimensionColumns = (settings: KingdeeCloudSettings): readonly (readonly [DimensionKind, string])[] =>
  dimensionKinds.flatMap((kind) => {
    const column = settings.dimensions[kind];
    return column === undefined || column === null ? [] : [[kind, column] as const];
  });
