/** One entry as a voucher file holds it, before anything is checked: all texts, alike for every layout. */

import { parseDecimal } from "../shared/decimal.ts";
import { type EntryInput, type ObjectUse, Refusal, type VoucherInput } from "./model.ts";

export type FileEntry = {
  /** record or sheet row, from 1 */
  row: number;
  /** "2025-01-31"; anything else is refused */
  date: string;
  /** "" or "0": the file leaves it out */
  period: string;
  group: string;
  number: string;
  entryId: string;
  summary: string;
  account: string;
  /** `slot` from 1; 0 where the layout has none */
  objects: readonly (ObjectUse & { slot: number; name: string })[];
  tradeNumber: string;
  reference: string;
  currency: string;
  rate: string;
  /** "" where the layout lets the amount's column say it */
  side: "D" | "C" | "" | "?";
  amountFor: string;
  quantity: string;
  unit: string;
  price: string;
  debit: string;
  credit: string;
  settleCode: string;
  settleNumber: string;
  preparer: string;
  attachments: string;
  checker: string;
  poster: string;
  invalid: boolean;
  /** 凭证序号, written by an export only */
  serial: string;
};

/** The entries of one voucher of a file: equal date, period, 凭证字 and number (EXPVCH). */
export type FileVoucher = {
  date: string;
  period: string;
  group: string;
  number: string;
  entries: readonly FileEntry[];
};

/** Groups entries in the order in which vouchers first appear; inside one they follow their FEntryID. */
export function vouchersOf(entries: readonly FileEntry[]): FileVoucher[] {
  const vouchers = new Map<string, FileEntry[]>();
  for (const entry of entries) {
    const key = JSON.stringify([entry.date, entry.period, entry.group, entry.number]);
    const found = vouchers.get(key);
    if (found) found.push(entry);
    else vouchers.set(key, [entry]);
  }
  return [...vouchers.values()].flatMap((list) => {
    const [first] = list;
    if (first === undefined) return [];
    const { date, period, group, number } = first;
    return [{ date, period, group, number, entries: list.toSorted(byEntryId) }];
  });
}

function byEntryId(left: FileEntry, right: FileEntry): number {
  return (wholeNumber(left.entryId) ?? 0) - (wholeNumber(right.entryId) ?? 0) || left.row - right.row;
}

/** Reads what a voucher of a file says. @throws Refusal naming the row whose text is no date, number or side */
export function inputOf(voucher: FileVoucher, options: { fixedSlots: ReadonlyMap<string, number> }): VoucherInput {
  const [head] = voucher.entries;
  if (head === undefined) throw new Refusal("凭证没有分录");
  if (!isDate(voucher.date)) throw new Refusal(`凭证日期“${voucher.date}”不正确`, head.row);
  const period = wholeNumber(voucher.period === "" ? "0" : voucher.period);
  if (period === undefined || period > 12) throw new Refusal(`会计期间“${voucher.period}”不正确`, head.row);
  const number = wholeNumber(voucher.number === "" ? "0" : voucher.number);
  if (number === undefined) throw new Refusal(`凭证号“${voucher.number}”不正确`, head.row);
  const attachments = wholeNumber(head.attachments === "" ? "0" : head.attachments);
  if (attachments === undefined) throw new Refusal(`附单据数“${head.attachments}”不正确`, head.row);
  return {
    date: voucher.date,
    period,
    group: voucher.group,
    number,
    attachments,
    preparer: head.preparer,
    entries: voucher.entries.map((entry) => entryOf(entry, options.fixedSlots)),
  };
}

function entryOf(entry: FileEntry, fixedSlots: ReadonlyMap<string, number>): EntryInput {
  const amount = (name: string, text: string, absent = "0"): bigint => {
    const value = parseDecimal(text === "" ? absent : text);
    if (value === undefined) throw new Refusal(`${name}“${text}”不是数字`, entry.row);
    return value;
  };
  if (entry.side === "?") throw new Refusal("借贷方向不正确", entry.row);
  for (const { className, slot } of entry.objects) {
    const wanted = fixedSlots.get(className) ?? 0;
    if (slot > 0 && wanted > 0 && slot !== wanted) {
      throw new Refusal(`核算类别“${className}”应填在第${wanted}组`, entry.row);
    }
  }
  const debit = amount("借方金额", entry.debit);
  const credit = amount("贷方金额", entry.credit);
  const side = entry.side === "" ? (credit === 0n ? "D" : "C") : entry.side;
  return {
    row: entry.row,
    summary: entry.summary,
    account: entry.account,
    objects: entry.objects.map(({ className, code }) => ({ className, code })),
    tradeNumber: entry.tradeNumber,
    reference: entry.reference,
    currency: entry.currency,
    rate: amount("汇率", entry.rate, "1"),
    side,
    debit,
    credit,
    amount: side === "D" ? debit : credit,
    amountFor: amount("原币金额", entry.amountFor, entry.side === "D" || side === "D" ? entry.debit : entry.credit),
    quantity: amount("数量", entry.quantity),
    unit: entry.unit,
    price: amount("单价", entry.price),
    settleCode: entry.settleCode,
    settleNumber: entry.settleNumber,
  };
}

/** @returns undefined for what is no whole number of zero or more; "12.00" is 12, as a numeric column says it */
export function wholeNumber(text: string): number | undefined {
  const found = /^(\d{1,9})(\.0*)?$/.exec(text.trim());
  return found === null ? undefined : Number(found[1]);
}

export function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}
