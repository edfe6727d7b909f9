import type { BusinessDate } from "../../domain/dates.ts";
import type { Decimal } from "../../domain/decimal.ts";
import type { Side } from "../../domain/voucher.ts";

/** One entry on its way into a file, in the 账套's own codes; every layout writes the same entries. */
export interface Entry {
  readonly date: BusinessDate;
  /** 凭证字 of the 账套. */
  readonly word: string;
  /** Tells the vouchers of one file apart. The program gives its own numbers. */
  readonly fileNumber: number;
  /** From 0 (reference §11.3). */
  readonly entryNumber: number;
  readonly summary: string;
  readonly account: string;
  readonly objects: readonly { readonly slot: number; readonly class: string; readonly code: string }[];
  readonly tradeNumber: string;
  readonly reference: string;
  readonly currency: string;
  readonly side: Side;
  readonly amount: Decimal;
  readonly quantity: Decimal | undefined;
  readonly unit: string | undefined;
  readonly unitPrice: Decimal | undefined;
  readonly attachments: number;
  readonly preparer: string;
}

/** One entry as an exported file holds it: texts, "" where the layout has no column or nothing stands in it. */
export interface ExportedEntry {
  /** Place in the file, from 1, for messages. */
  readonly row: number;
  readonly date: string;
  readonly word: string;
  readonly number: string;
  readonly entryNumber: string;
  readonly summary: string;
  readonly account: string;
  readonly objects: readonly { readonly class: string; readonly code: string }[];
  readonly tradeNumber: string;
  readonly reference: string;
  /** undefined: the column that holds the amount says it. */
  readonly side: Side | undefined;
  readonly debit: string;
  readonly credit: string;
  readonly quantity: string;
  readonly unit: string;
  readonly attachments: string;
  readonly preparer: string;
  readonly checker: string;
  readonly booked: boolean;
  readonly voided: boolean;
  /** 系统模块 that made it; "" when a person or an import did. */
  readonly module: string;
}
