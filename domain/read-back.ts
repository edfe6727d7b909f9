import { type Decimal, ZERO, equal, normalize } from "./decimal.ts";
import type { Side, VoucherDraft } from "./voucher.ts";

/** One place where the voucher read back is not the one we sent. */
export interface Deviation {
  /** "date", "lines", "2.amount", "2.dimension.item" … */
  readonly field: string;
  readonly ours: string;
  readonly theirs: string;
}

/** The part of a voucher in the ERP that is compared. */
export interface ReadBackVoucher {
  readonly date: string;
  readonly voided: boolean;
  readonly attachments: number | undefined;
  readonly lines: readonly {
    readonly side: Side;
    readonly account: string;
    readonly amount: Decimal;
    readonly quantity: Decimal | undefined;
    readonly dimensions: Readonly<Record<string, string | undefined>>;
  }[];
}

/**
 * Compares line by line, in order. The number is the ERP's to give and the summary may have been shortened: neither counts.
 * A quantity counts where we sent one; zero and none are the same.
 */
export const deviationsOf = (
  draft: Pick<VoucherDraft, "date" | "attachments" | "lines">,
  voucher: ReadBackVoucher,
): readonly Deviation[] => {
  const found: Deviation[] = [];
  const note = (field: string, ours: string, theirs: string): void => {
    if (ours !== theirs) found.push({ field, ours, theirs });
  };
  note("voided", "false", String(voucher.voided));
  note("date", draft.date, voucher.date);
  if (voucher.attachments !== undefined) note("attachments", String(draft.attachments), String(voucher.attachments));
  note("lines", String(draft.lines.length), String(voucher.lines.length));
  draft.lines.forEach((line, index) => {
    const theirs = voucher.lines[index];
    if (theirs === undefined) return;
    const at = String(index + 1);
    note(`${at}.account`, line.account, theirs.account);
    note(`${at}.side`, line.side, theirs.side);
    if (!equal(line.amount, theirs.amount)) note(`${at}.amount`, normalize(line.amount), normalize(theirs.amount));
    if (line.quantity !== undefined && !equal(line.quantity, theirs.quantity ?? ZERO)) {
      note(`${at}.quantity`, normalize(line.quantity), normalize(theirs.quantity ?? ZERO));
    }
    for (const [kind, code] of Object.entries(line.dimensions)) {
      note(`${at}.dimension.${kind}`, code, theirs.dimensions[kind] ?? "");
    }
  });
  return found;
};
