import { z } from "zod";
import { BusinessDate } from "./dates.ts";
import { Decimal, ZERO, add, equal, isNegative, negate } from "./decimal.ts";
import { Code } from "./movement.ts";

/** What our systems call a dimension (辅助核算); each ledger's connector knows its own column for it. */
export const dimensionKinds = ["item", "warehouse", "supplier", "customer", "department", "order", "batch"] as const;
export const DimensionKind = z.enum(dimensionKinds);
export type DimensionKind = z.infer<typeof DimensionKind>;

export const Side = z.enum(["debit", "credit"]);
export type Side = z.infer<typeof Side>;

/** One line (分录). A red line keeps its side and has a negative amount. All codes are the ERP's codes already. */
export const VoucherLine = z.object({
  lineNumber: z.int().min(1),
  summary: z.string().min(1),
  side: Side,
  /** The role by which the rule reached the account, kept for the explanation. */
  role: Code,
  account: Code,
  /** In the ledger's currency, two decimals: "12.50". */
  amount: Decimal,
  /** 数量核算: in the item's stock unit; signed like the amount. Absent where the account keeps no quantities. */
  quantity: Decimal.optional(),
  unit: z.string().optional(),
  unitPrice: Decimal.optional(),
  dimensions: z.partialRecord(DimensionKind, Code),
  /** Why this account and this side, from the rule. */
  why: z.string(),
});
export type VoucherLine = z.infer<typeof VoucherLine>;

/** A voucher as we want the ERP to hold it. The ERP gives the number. */
export const VoucherDraft = z.object({
  /** 26 characters a–z 2–7. */
  key: z.string().regex(/^[a-z2-7]{26}$/),
  ledger: Code,
  /** The account book's code in the ERP. */
  book: Code,
  /** 凭证字 by our name ("记"); the connector's settings map it to the ERP's code. */
  word: Code,
  date: BusinessDate,
  /** 附单据数 */
  attachments: z.int().min(0),
  currency: Code,
  /** Document numbers behind it, for people. */
  documents: z.array(z.string()),
  lines: z.array(VoucherLine).min(2),
});
export type VoucherDraft = z.infer<typeof VoucherDraft>;

/** Debit and credit totals of some lines; a voucher balances when both are equal to the cent. */
export const totalsOf = (
  lines: readonly Pick<VoucherLine, "side" | "amount">[],
): { readonly debit: Decimal; readonly credit: Decimal } => {
  let debit = ZERO;
  let credit = ZERO;
  for (const line of lines) {
    if (line.side === "debit") debit = add(debit, line.amount);
    else credit = add(credit, line.amount);
  }
  return { debit, credit };
};

export const balances = (lines: readonly Pick<VoucherLine, "side" | "amount">[]): boolean => {
  const { debit, credit } = totalsOf(lines);
  return equal(debit, credit);
};

/** A red line for a ledger that knows no negative amounts: the other side, positive. A line that is not red stays as it is. */
export const swappedLine = (line: VoucherLine): VoucherLine =>
  isNegative(line.amount)
    ? {
        ...line,
        side: line.side === "debit" ? "credit" : "debit",
        amount: negate(line.amount),
        ...(line.quantity === undefined ? {} : { quantity: negate(line.quantity) }),
      }
    : line;
