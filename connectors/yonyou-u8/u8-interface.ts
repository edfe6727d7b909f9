import type { Period } from "../../domain/dates.ts";
import type { ErrorCode } from "../../domain/errors.ts";
import type { VoucherDraft } from "../../domain/voucher.ts";
import type {
  AccountBalance,
  CheckStage,
  ErpVoucher,
  MasterDataKind,
  MasterDataRow,
  PeriodState,
} from "../contract.ts";
import type { VoucherName } from "./erp-id.ts";

/** What an answer to a voucher says. "taken": it calls the voucher saved; whether it is, with our key, the books say. */
export type SendAnswer =
  | { readonly kind: "taken"; readonly message: string }
  | {
      readonly kind: "refused" | "not-done" | "uncertain";
      readonly code: ErrorCode;
      readonly message: string;
      /** True where the vendor itself looked at the voucher: its books are asked before it is believed. */
      readonly judged?: boolean;
    };

/** What EAI and the OpenAPI both can do. Reads throw ZhangshiError: READ_FAILED, RESULT_TRUNCATED or why nothing was asked. */
export interface U8Interface {
  /** Sends once, never again. */
  send(draft: VoucherDraft, deadlineAt: Date): Promise<SendAnswer>;
  /** Keys that one query can ask for. */
  readonly keysPerQuery: number;
  /** Every voucher with one of these external numbers, void ones too. An answer may have been cut without a word. */
  vouchersWithKeys(keys: readonly string[]): Promise<readonly ErpVoucher[]>;
  /** By number alone, for vouchers that carry no key of ours. */
  vouchersNumbered(names: readonly VoucherName[]): Promise<readonly ErpVoucher[]>;
  /** Compares a voucher with what the database says of it, where that can be asked. @throws ZhangshiError RESULT_TRUNCATED */
  confirmTotals(voucher: ErpVoucher): Promise<void>;
  /** Everything in the period, each voucher once. */
  listPeriod(of: Period): AsyncIterable<readonly ErpVoucher[]>;
  /** Sums of vouchers since the settings' first period; undefined where the vouchers have to be read for them. */
  sums(of: Period): Promise<readonly AccountBalance[]> | undefined;
  periods(): Promise<readonly PeriodState[]>;
  masterData(kind: MasterDataKind, codes: readonly string[] | undefined): Promise<readonly MasterDataRow[]>;
  /** Stages of `zhangshi check` behind address, port and TLS, log-in first; it ends after a log-in that failed. */
  checkStages(): AsyncIterable<CheckStage>;
  redact(text: string): string;
  close(): void;
}
