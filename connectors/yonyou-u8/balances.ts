import type { Period } from "../../domain/dates.ts";
import { type Decimal, ZERO, add, negate } from "../../domain/decimal.ts";
import type { AccountBalance, ErpVoucher, ErpVoucherLine } from "../contract.ts";

/**
 * Balances of detail accounts from voucher lines, unposted ones included (U8's own 科目总账 knows posted ones alone); void
 * vouchers do not count. Opening balances entered at the book's start are not in it.
 */
export const sumVouchers = async (
  pages: AsyncIterable<readonly ErpVoucher[]>,
  of: Period,
): Promise<readonly AccountBalance[]> => {
  const balances = new Map<string, AccountBalance>();
  for await (const vouchers of pages)
    for (const { voided, period, lines } of vouchers)
      if (!voided)
        for (const line of lines)
          for (const item of new Set(["", line.dimensions.item ?? ""]))
            put(balances, ofLine(line, item, period === of));
  return [...balances.values()];
};

const ofLine = (line: ErpVoucherLine, item: string, inPeriod: boolean): AccountBalance => {
  const { side, amount, quantity } = line;
  const signed = (value: Decimal): Decimal => (side === "debit" ? value : negate(value));
  const turnover = (of: ErpVoucherLine["side"], value: Decimal): Decimal => (inPeriod && side === of ? value : ZERO);
  return {
    account: line.account,
    item,
    opening: inPeriod ? ZERO : signed(amount),
    debit: turnover("debit", amount),
    credit: turnover("credit", amount),
    closing: signed(amount),
    openingQuantity: quantity === undefined ? undefined : inPeriod ? ZERO : signed(quantity),
    debitQuantity: quantity === undefined ? undefined : turnover("debit", quantity),
    creditQuantity: quantity === undefined ? undefined : turnover("credit", quantity),
    closingQuantity: quantity === undefined ? undefined : signed(quantity),
  };
};

const put = (balances: Map<string, AccountBalance>, more: AccountBalance): void => {
  const name = JSON.stringify([more.account, more.item]);
  const known = balances.get(name);
  balances.set(
    name,
    known === undefined
      ? more
      : {
          account: known.account,
          item: known.item,
          opening: add(known.opening, more.opening),
          debit: add(known.debit, more.debit),
          credit: add(known.credit, more.credit),
          closing: add(known.closing, more.closing),
          openingQuantity: plus(known.openingQuantity, more.openingQuantity),
          debitQuantity: plus(known.debitQuantity, more.debitQuantity),
          creditQuantity: plus(known.creditQuantity, more.creditQuantity),
          closingQuantity: plus(known.closingQuantity, more.closingQuantity),
        },
  );
};

const plus = (a: Decimal | undefined, b: Decimal | undefined): Decimal | undefined =>
  a === undefined && b === undefined ? undefined : add(a ?? ZERO, b ?? ZERO);
