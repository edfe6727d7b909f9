import { ZERO, normalize, scaleOf, toFixed } from "../../domain/decimal.ts";
import type { ErrorCode } from "../../domain/errors.ts";
import { type DimensionKind, type VoucherDraft, type VoucherLine, dimensionKinds } from "../../domain/voucher.ts";
import { exactNumber } from "../transport/json.ts";
import type { DimensionPlace, YonyouU8Settings } from "./settings.ts";
import { type XmlTree, isXmlText, writeXml } from "./xml.ts";

/** 附单据数 is a smallint. */
const ATTACHMENTS_MAX = 32_767;
/** Width of 科目编码 and of the 辅助核算 codes that are narrowest in the template. */
const ACCOUNT_MAX = 40;
const SELF_DEFINES = 16;
export const AMOUNT_DECIMALS = 2;

/** Why a draft cannot even be written down for this ERP. */
export interface CannotWrite {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What keeps a draft from being sent, found before anything is sent; undefined when nothing does. */
export const obstacleTo = (draft: VoucherDraft, settings: YonyouU8Settings): CannotWrite | undefined => {
  if (draft.book !== settings.book)
    return { code: "CONFIG_INVALID", message: `account book ${draft.book} is not the connection's book` };
  if (settings.words[draft.word] === undefined)
    return { code: "CODE_MISSING", message: `凭证字 ${draft.word} has no code in the connection's words` };
  if (settings.currencies[draft.currency] === undefined)
    return { code: "CODE_MISSING", message: `currency ${draft.currency} has no name in the connection's currencies` };
  if (draft.attachments > ATTACHMENTS_MAX)
    return { code: "LIMIT_DIGITS", message: `${draft.attachments} attachments, at most ${ATTACHMENTS_MAX}` };
  for (const line of draft.lines) {
    const problem = lineObstacle(line, settings);
    if (problem !== undefined) return { ...problem, message: `line ${line.lineNumber}: ${problem.message}` };
  }
  return undefined;
};

const lineObstacle = (line: VoucherLine, settings: YonyouU8Settings): CannotWrite | undefined => {
  if (!isXmlText(line.summary)) return { code: "LIMIT_CHARACTERS", message: "control characters in the summary" };
  if (!isXmlText(line.account) || line.account.length > ACCOUNT_MAX)
    return { code: "ACCOUNT_REFUSED", message: `no account code: ${line.account.slice(0, ACCOUNT_MAX)}` };
  // Rounded in silence it would be another voucher.
  if (scaleOf(normalize(line.amount)) > AMOUNT_DECIMALS)
    return { code: "LIMIT_DECIMALS", message: `an amount of ${line.amount}` };
  const used = new Set<string>();
  for (const kind of dimensionKinds) {
    const code = line.dimensions[kind];
    if (code === undefined) continue;
    const place = placeOf(settings, kind);
    if (place === undefined)
      return { code: "DIMENSION_REFUSED", message: `no place on the line is configured for ${kind}` };
    if (!isXmlText(code)) return { code: "DIMENSION_REFUSED", message: `no code of ${kind}` };
    const field = typeof place === "string" ? place : "item_id";
    if (used.has(field)) return { code: "DIMENSION_REFUSED", message: `two dimensions as 项目 on one line (${kind})` };
    used.add(field);
  }
  return undefined;
};

export const placeOf = (settings: YonyouU8Settings, kind: DimensionKind): Exclude<DimensionPlace, null> | undefined =>
  settings.dimensions[kind] ?? undefined;

/** Dimensions that the settings give a place. */
export const placedKinds = (settings: YonyouU8Settings): readonly DimensionKind[] =>
  dimensionKinds.filter((kind) => placeOf(settings, kind) !== undefined);

/** 辅助核算 of one line by the names of the template's body. */
const auxiliaryOf = (line: VoucherLine, settings: YonyouU8Settings): Readonly<Record<string, string>> => {
  const fields: Record<string, string> = {};
  for (const kind of placedKinds(settings)) {
    const code: string | undefined = line.dimensions[kind];
    const place = placeOf(settings, kind);
    if (code === undefined || place === undefined) continue;
    if (typeof place === "string") fields[place] = code;
    else {
      fields["item_class"] = place.itemClass;
      fields["item_id"] = code;
    }
  }
  return fields;
};

const AUXILIARY_NAMES = [
  "dept_id",
  "personnel_id",
  "cust_id",
  "supplier_id",
  "item_class",
  "item_id",
  "operator",
] as const;

/**
 * One voucher as the template Voucher.xml has it: every element, in its order, unused ones empty (reference §2.6, appendix A).
 * Our key stands in all three places that U8 may compare: message number, voucher id and external number.
 */
export const voucherXml = (draft: VoucherDraft, sender: string, settings: YonyouU8Settings): string => {
  const [year = "", month = ""] = draft.date.split("-");
  const { codeExchanged, encoding } = settings.eai;
  return writeXml(
    {
      ufinterface: {
        "@roottag": "voucher",
        "@billtype": "gl",
        "@docid": draft.key,
        "@receiver": "u8",
        "@sender": sender,
        "@proc": "add",
        "@codeexchanged": codeExchanged,
        "@exportneedexch": codeExchanged,
        // U8 numbers it, and it is saved as freshly entered.
        "@renewproofno": "y",
        "@newadd": "y",
        "@import": "n",
        "@version": "2.0",
        voucher: {
          "@id": draft.key,
          voucher_head: {
            company: "",
            voucher_type: settings.words[draft.word] ?? draft.word,
            fiscal_year: year,
            accounting_period: String(Number(month)),
            voucher_id: "",
            attachment_number: String(draft.attachments),
            date: draft.date,
            enter: settings.maker,
            // The importer stores state as sent: it stays empty.
            cashier: "",
            signature: "",
            checker: "",
            posting_date: "",
            posting_person: "",
            voucher_making_system: settings.makingSystem,
            memo1: "",
            memo2: "",
            reserve1: settings.businessType,
            reserve2: draft.key,
            revokeflag: "",
          },
          voucher_body: { entry: draft.lines.map((line, index) => lineXml(line, index + 1, draft.currency, settings)) },
        },
      },
    },
    encoding,
  );
};

/** The unused side has an empty quantity and 原币, and 0 in 本币; a red line keeps its side (reference §2.6.3). */
const lineXml = (line: VoucherLine, entry: number, currency: string, settings: YonyouU8Settings): XmlTree => {
  const on = (side: VoucherLine["side"], value: string, otherwise: string): string =>
    line.side === side ? value : otherwise;
  const amount = toFixed(line.amount, AMOUNT_DECIMALS);
  const quantity = line.quantity ?? "";
  const auxiliary = auxiliaryOf(line, settings);
  return {
    entry_id: String(entry),
    account_code: line.account,
    abstract: line.summary,
    settlement: "",
    document_id: "",
    document_date: "",
    currency: settings.currencies[currency] ?? currency,
    unit_price: line.quantity === undefined ? "" : (line.unitPrice ?? ""),
    exchange_rate1: "",
    exchange_rate2: "",
    debit_quantity: on("debit", quantity, ""),
    primary_debit_amount: "",
    secondary_debit_amount: "",
    natural_debit_currency: on("debit", amount, ZERO),
    credit_quantity: on("credit", quantity, ""),
    primary_credit_amount: "",
    secondary_credit_amount: "",
    natural_credit_currency: on("credit", amount, ZERO),
    bill_type: "",
    bill_id: "",
    bill_date: "",
    auxiliary_accounting: {
      item: [...AUXILIARY_NAMES, ...Array.from({ length: SELF_DEFINES }, (_, index) => `self_define${index + 1}`)].map(
        (name) => ({ "@name": name, "#text": auxiliary[name] ?? "" }),
      ),
    },
    detail: { cash_flow_statement: "", code_remark_statement: "" },
  };
};

/** Body of voucher/add (reference §3.6): debit and credit lines in lists of their own, one sequence of numbers over both. */
export const voucherJson = (draft: VoucherDraft, settings: YonyouU8Settings): Readonly<Record<string, unknown>> => {
  const [year = "", month = ""] = draft.date.split("-");
  const lines = draft.lines.map((line, index) => ({
    side: line.side,
    body: lineJson(line, index + 1, draft, settings),
  }));
  const on = (side: VoucherLine["side"]) => ({
    entry: lines.filter((line) => line.side === side).map(({ body }) => body),
  });
  return {
    voucher: {
      voucher_type: settings.words[draft.word] ?? draft.word,
      fiscal_year: exactNumber(year),
      accounting_period: exactNumber(String(Number(month))),
      date: draft.date,
      enter: settings.maker,
      attachment_number: exactNumber(String(draft.attachments)),
      voucher_making_system: settings.makingSystem,
      reserve2: draft.key,
      debit: on("debit"),
      credit: on("credit"),
    },
  };
};

const lineJson = (
  line: VoucherLine,
  entry: number,
  { currency }: VoucherDraft,
  settings: YonyouU8Settings,
): Readonly<Record<string, unknown>> => {
  const auxiliary = auxiliaryOf(line, settings);
  return {
    entry_id: exactNumber(String(entry)),
    account_code: line.account,
    abstract: line.summary,
    currency: settings.currencies[currency] ?? currency,
    ...(line.quantity === undefined
      ? {}
      : {
          [`${line.side}_quantity`]: exactNumber(line.quantity),
          ...(line.unitPrice === undefined ? {} : { unit_price: exactNumber(line.unitPrice) }),
        }),
    [`natural_${line.side}_currency`]: exactNumber(toFixed(line.amount, AMOUNT_DECIMALS)),
    ...(Object.keys(auxiliary).length === 0 ? {} : { auxiliary }),
  };
};
