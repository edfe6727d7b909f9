import type { BusinessDate } from "../domain/dates.ts";
import { type Decimal, negate, toFixed } from "../domain/decimal.ts";
import type { VoucherLine } from "../domain/voucher.ts";

/** The prescribed summary of a red voucher: 注销某月某日某号凭证. */
export const reversalSummary = (posted: {
  readonly date: BusinessDate;
  readonly word: string;
  /** As the ERP numbered it; "" where it is not known. */
  readonly number: string;
}): string => {
  const [, month = "", day = ""] = posted.date.split("-");
  return `注销${Number(month)}月${Number(day)}日${posted.word}字${posted.number}号凭证`;
};

/** The prescribed summary of the blue voucher that follows: 订正某月某日某号凭证. */
export const restatementSummary = (posted: Parameters<typeof reversalSummary>[0]): string =>
  reversalSummary(posted).replace("注销", "订正");

/** Red reversal: same accounts, same sides, amounts and quantities negated. */
export const reverseLines = (lines: readonly VoucherLine[], summary: string): readonly VoucherLine[] =>
  lines.map((line) => ({
    ...line,
    summary,
    amount: toFixed(negate(line.amount), AMOUNT_PLACES),
    ...(line.quantity === undefined ? {} : { quantity: flip(line.quantity) }),
    why: `红字冲销：${line.why}`,
  }));

const AMOUNT_PLACES = 2;
const flip = (quantity: Decimal): Decimal => negate(quantity);
