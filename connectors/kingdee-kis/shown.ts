import type { ErpVoucher } from "../contract.ts";
import type { PeriodExport } from "./exports.ts";

/**
 * The vouchers of all exports under ids that last. One of ours is called by its key as the file has it: its number changes when
 * somebody renumbers (整理断号), its period when somebody moves it, and a receipt may name neither. A further voucher with
 * the same key, and those of people, are called by period, 凭证字 and number.
 */
export const shownVouchers = (exports: Iterable<PeriodExport>): readonly ErpVoucher[] => {
  const ordered = [...exports]
    .flatMap(({ vouchers }) => vouchers)
    .toSorted((a, b) => compare(a.period, b.period) || compare(a.word, b.word) || Number(a.number) - Number(b.number));
  const taken = new Set<string>();
  return ordered.map((voucher) => {
    if (voucher.key === "") return voucher;
    if (taken.has(voucher.key)) return { ...voucher, erpId: copyIdOf(voucher.key, voucher.erpId) };
    taken.add(voucher.key);
    return { ...voucher, erpId: voucher.key };
  });
};

export const copyIdOf = (key: string, place: string): string => `${key}~${place}`;

const compare = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);
