import { ZERO } from "../../domain/decimal.ts";
import type { ErrorCode } from "../../domain/errors.ts";
import { type VoucherDraft, type VoucherLine, dimensionKinds } from "../../domain/voucher.ts";
import type { KingdeeXingchenSettings } from "./settings.ts";

/** Why a draft cannot even be written down for this ERP. */
export interface CannotWrite {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What keeps a draft from being sent, found before anything is sent; undefined when nothing does. */
export const obstacleTo = (draft: VoucherDraft, settings: KingdeeXingchenSettings): CannotWrite | undefined => {
  if (draft.book !== settings.book)
    return { code: "CONFIG_INVALID", message: `account book ${draft.book} is not the connection's book` };
  if (settings.words[draft.word] === undefined)
    return { code: "CODE_MISSING", message: `凭证字 ${draft.word} has no code in the connection's words` };
  if (settings.currencies[draft.currency] === undefined)
    return { code: "CODE_MISSING", message: `currency ${draft.currency} has no code in the connection's currencies` };
  for (const line of draft.lines)
    for (const kind of dimensionKinds)
      if (line.dimensions[kind] !== undefined && (settings.dimensions[kind] ?? null) === null)
        return {
          code: "DIMENSION_REFUSED",
          message: `line ${line.lineNumber}: no assist type is configured for ${kind}`,
        };
  return undefined;
};

const assistsOf = (line: VoucherLine, settings: KingdeeXingchenSettings): readonly Record<string, string>[] =>
  dimensionKinds.flatMap((kind) => {
    const number: string | undefined = line.dimensions[kind];
    const configured = settings.dimensions[kind] ?? undefined;
    if (number === undefined || configured === undefined) return [];
    const [type = "", custom] = configured.split(":");
    return [{ type, number, ...(custom === undefined ? {} : { bd_aux_info_type_id: custom }) }];
  });

const lineBody = (line: VoucherLine, currency: string, settings: KingdeeXingchenSettings): Record<string, unknown> => {
  const assist = assistsOf(line, settings);
  const [debit, credit] = line.side === "debit" ? [line.amount, ZERO] : [ZERO, line.amount];
  return {
    explanation: line.summary,
    account_number: line.account,
    currency_number: currency,
    debit_amount: debit,
    credit_amount: credit,
    amount_for: line.amount,
    dc: line.side === "debit" ? "1" : "-1",
    ...(line.quantity === undefined ? {} : { quantity: line.quantity }),
    // Inferred from the detail, as all keys of an entry; without it the quantity would count in the item's own base unit.
    ...(line.quantity === undefined || line.unit === undefined || !settings.sendUnits
      ? {}
      : { measure_unit_number: line.unit }),
    ...(line.unitPrice === undefined ? {} : { price: line.unitPrice }),
    ...(assist.length === 0 ? {} : { assist }),
  };
};

/** One new voucher (reference §10.4). It carries no id: with one it would be a change. All values are text. */
export const voucherItem = (draft: VoucherDraft, settings: KingdeeXingchenSettings): Record<string, unknown> => ({
  date: draft.date,
  group_number: settings.words[draft.word] ?? draft.word,
  // Empty: the ERP numbers it.
  number: "",
  remark: "",
  source_bill_no: draft.key,
  entry_list: draft.lines.map((line) =>
    lineBody(line, settings.currencies[draft.currency] ?? draft.currency, settings),
  ),
});

export const saveBody = (
  drafts: readonly VoucherDraft[],
  settings: KingdeeXingchenSettings,
): Record<string, unknown> => ({ items: drafts.map((draft) => voucherItem(draft, settings)) });
