import { absolute, normalize, scaleOf } from "./decimal.ts";
import type { ErrorCode } from "./errors.ts";
import { isGbk } from "./gbk.ts";
import { type VoucherDraft, type VoucherLine, swappedLine } from "./voucher.ts";

/** What a ledger can hold, as its connector declares it. */
export interface VoucherLimits {
  readonly linesMax: number;
  /** Longest 摘要, in the measure of `text`. */
  readonly summaryMax: number;
  readonly text: TextLimits;
  readonly amountDecimals: number;
  /** Digits before the point. */
  readonly amountDigits: number;
  /** False where a line keeps no quantity: ours stay with us. */
  readonly quantities: boolean;
  readonly quantityDecimals: number;
  /** Digits before the point. */
  readonly quantityDigits: number;
  /** Vouchers of one period that the ERP can number; undefined where there is no such limit. */
  readonly vouchersPerPeriodMax: number | undefined;
  /**
   * How a red voucher is written: "negative" amounts on the same side; "swapped" sides with positive ones; "void": it cannot
   * be written at all, and the voucher itself is cancelled.
   */
  readonly red: "negative" | "swapped" | "void";
}

export interface TextLimits {
  /** How the ERP counts: code points, UTF-16 units (nvarchar), or bytes of GBK. */
  readonly measure: "characters" | "utf16" | "gbk-bytes";
  /** What it can hold: everything, nothing beyond U+FFFF, or what GBK has. */
  readonly repertoire: "unicode" | "bmp" | "gbk";
}

export type LimitCode = ErrorCode &
  ("LIMIT_LINES" | "LIMIT_DECIMALS" | "LIMIT_DIGITS" | "LIMIT_CHARACTERS" | "LIMIT_VOUCHERS" | "NOT_REVERSIBLE");

/**
 * Why a voucher does not fit its ledger, found before anything is sent; undefined when it does.
 *
 * @param inPeriod  vouchers of its period that the ledger already has from us
 */
export const limitBroken = (
  draft: Pick<VoucherDraft, "lines">,
  limits: VoucherLimits,
  inPeriod = 0,
): LimitCode | undefined => {
  if (draft.lines.length > limits.linesMax) return "LIMIT_LINES";
  if (limits.vouchersPerPeriodMax !== undefined && inPeriod >= limits.vouchersPerPeriodMax) return "LIMIT_VOUCHERS";
  for (const line of draft.lines) {
    const broken = lineBroken(line, limits);
    if (broken !== undefined) return broken;
  }
  return undefined;
};

const lineBroken = (line: VoucherLine, limits: VoucherLimits): LimitCode | undefined => {
  const quantity = limits.quantities ? line.quantity : undefined;
  if (scaleOf(normalize(line.amount)) > limits.amountDecimals) return "LIMIT_DECIMALS";
  if (quantity !== undefined && scaleOf(normalize(quantity)) > limits.quantityDecimals) return "LIMIT_DECIMALS";
  if (digitsOf(line.amount) > limits.amountDigits) return "LIMIT_DIGITS";
  if (quantity !== undefined && digitsOf(quantity) > limits.quantityDigits) return "LIMIT_DIGITS";
  if (!canHold(line.summary, limits.text)) return "LIMIT_CHARACTERS";
  return limits.red === "void" && line.amount.startsWith("-") ? "NOT_REVERSIBLE" : undefined;
};

const digitsOf = (number: VoucherLine["amount"]): number =>
  absolute(normalize(number)).split(".")[0]?.replace(/^0$/, "").length ?? 0;

/** True when the ledger stores this text as it is. A lone half of a surrogate pair is stored by none. */
export const canHold = (text: string, { repertoire }: Pick<TextLimits, "repertoire">): boolean => {
  if (/\p{Surrogate}/u.test(text)) return false;
  switch (repertoire) {
    case "unicode":
      return true;
    case "bmp":
      return !/[\u{10000}-\u{10ffff}]/u.test(text);
    case "gbk":
      return isGbk(text);
  }
};

/** Length of a text as the ledger counts it. */
export const lengthOf = (text: string, { measure }: Pick<TextLimits, "measure">): number => {
  switch (measure) {
    case "characters":
      return Array.from(text).length;
    case "utf16":
      return text.length;
    case "gbk-bytes":
      // ASCII takes one byte, everything else that GBK has takes two.
      return Array.from(text).reduce((bytes, character) => bytes + (character < "\u0080" ? 1 : 2), 0);
  }
};

/**
 * The voucher as the ledger can write it, which is also what a read-back is compared with. Only the summary is shortened, and
 * visibly; quantities that the ledger has no place for stay with us; red lines change sides where it knows no negative amounts.
 */
export const fitted = (draft: VoucherDraft, limits: VoucherLimits): VoucherDraft => ({
  ...draft,
  lines: draft.lines.map((line) => {
    const { quantity: _quantity, unit: _unit, unitPrice: _unitPrice, ...plain } = line;
    const counted = limits.quantities ? line : plain;
    const summary = shortened(line.summary, limits);
    return limits.red === "swapped" ? swappedLine({ ...counted, summary }) : { ...counted, summary };
  }),
});

const ELLIPSIS = "…";
const shortened = (summary: string, { summaryMax, text }: VoucherLimits): string => {
  if (lengthOf(summary, text) <= summaryMax) return summary;
  const room = summaryMax - lengthOf(ELLIPSIS, text);
  let kept = "";
  let length = 0;
  for (const character of summary) {
    length += lengthOf(character, text);
    if (length > room) break;
    kept += character;
  }
  return `${kept}${ELLIPSIS}`;
};
