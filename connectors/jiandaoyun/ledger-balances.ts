import type { Period } from "../../domain/dates.ts";
import { type Decimal, ZERO, add, negate } from "../../domain/decimal.ts";
import type { AccountBalance, ErpVoucher, ErpVoucherLine } from "../contract.ts";

type Sums = { -readonly [Name in keyof AccountBalance]: AccountBalance[Name] };

/**
 * Balances from the vouchers alone, per account and per item of it; debit is positive, void vouchers do not count. What a book
 * brought with it from before its first voucher is in them only where a voucher says so.
 */
export class LedgerBalances {
  readonly #of: Period;
  readonly #sums = new Map<string, Sums>();

  constructor(of: Period) {
    this.#of = of;
  }

  add(voucher: ErpVoucher): void {
    if (voucher.voided || voucher.period > this.#of) return;
    for (const line of voucher.lines)
      for (const item of new Set(["", line.dimensions.item ?? ""]))
        addLine(this.#sumsOf(line.account, item), line, voucher.period === this.#of);
  }

  all(): readonly AccountBalance[] {
    return [...this.#sums.values()];
  }

  #sumsOf(account: string, item: string): Sums {
    const name = JSON.stringify([account, item]);
    const known = this.#sums.get(name);
    if (known !== undefined) return known;
    const quantities = { openingQuantity: undefined, debitQuantity: undefined, creditQuantity: undefined };
    const money = { opening: ZERO, debit: ZERO, credit: ZERO, closing: ZERO };
    const made: Sums = { account, item, ...money, ...quantities, closingQuantity: undefined };
    this.#sums.set(name, made);
    return made;
  }
}

const addLine = (sums: Sums, { side, amount, quantity }: ErpVoucherLine, inPeriod: boolean): void => {
  const signed = (value: Decimal): Decimal => (side === "debit" ? value : negate(value));
  sums.closing = add(sums.closing, signed(amount));
  if (inPeriod) sums[side] = add(sums[side], amount);
  else sums.opening = add(sums.opening, signed(amount));
  if (quantity === undefined) return;
  const plus = (known: Decimal | undefined, value: Decimal): Decimal => add(known ?? ZERO, value);
  sums.closingQuantity = plus(sums.closingQuantity, signed(quantity));
  if (!inPeriod) sums.openingQuantity = plus(sums.openingQuantity, signed(quantity));
  else if (side === "debit") sums.debitQuantity = plus(sums.debitQuantity, quantity);
  else sums.creditQuantity = plus(sums.creditQuantity, quantity);
};
