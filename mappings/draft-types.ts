import type { BusinessDate } from "../domain/dates.ts";
import type { Decimal } from "../domain/decimal.ts";
import type { ErrorCode } from "../domain/errors.ts";
import type { Movement } from "../domain/movement.ts";
import type { Purpose } from "../domain/posting.ts";
import type { VoucherLine } from "../domain/voucher.ts";
import type { Chart } from "./chart.ts";
import type { CodeTableName, CodeTables } from "./code-table.ts";
import type { RulePack } from "./rule.ts";

/** A movement with the database's identity of it, as text. */
export type KnownMovement = Movement & { readonly movementId: string };

/**
 * What one movement is worth for one purpose. For a purchase invoice that refers to a receipt, `item`, `warehouse` and
 * `unit` of the movement are the receipt's, so that reversal and new entry meet the estimate on the same account and
 * dimensions.
 */
export interface ValuedMovement {
  readonly movement: KnownMovement;
  readonly purpose: Purpose;
  /**
   * Stock value moved (from the costing engine, the estimate or its share); for "cost-correction" the signed delta,
   * for a provision required minus existing balance. Absent while pending.
   */
  readonly value?: Decimal | undefined;
  /** Net amount of the document; absent: the movement's `amount`, else `value`. */
  readonly net?: Decimal | undefined;
  /** Input VAT; absent: the movement's `taxAmount`, else 0. */
  readonly tax?: Decimal | undefined;
  /** Output VAT of a sales line; absent: the movement's `taxAmount`, else 0. */
  readonly salesTax?: Decimal | undefined;
  /** Provision released together with the goods (CAS); absent: 0. */
  readonly provision?: Decimal | undefined;
}

export interface MappingItem {
  /** 存货类别, for example "goods" or "raw-material". */
  readonly itemClass: string;
  /** Stock unit (our code). */
  readonly unit: string;
  readonly name: string;
  /** How many stock units one `unit` is; "1" for the stock unit itself; undefined: no such unit. */
  readonly factorOf: (unit: string) => Decimal | undefined;
}

export interface MappingContext {
  readonly rules: RulePack;
  readonly chart: Chart;
  readonly codes: CodeTables;
  readonly items: (code: string) => MappingItem | undefined;
  /** The accounting date: rules and codes valid on it are used. */
  readonly on: BusinessDate;
}

/** What the movements of one voucher have in common is decided by `groupOf`. */
export interface DraftInput {
  readonly movements: readonly ValuedMovement[];
  /** Where the document states its total net amount: the largest line takes the rounding remainder. */
  readonly documentNet?: Decimal;
}

/** One per missing thing, however many movements wait for it. */
export interface MappingProblem {
  readonly code: ErrorCode;
  readonly subject: {
    readonly table: CodeTableName | "rule" | "role" | "item-master" | "item-unit" | "movement";
    readonly code: string;
  };
  readonly movementIds: readonly string[];
}

export interface RuleRef {
  readonly name: string;
  readonly version: number;
}

/** A voucher line with the movements behind it. */
export interface DrawnLine extends VoucherLine {
  readonly movementIds: readonly string[];
}

export type DraftResult =
  | {
      readonly kind: "voucher";
      /** 凭证字 by our name. */
      readonly word: string;
      /** Of the voucher's first line. */
      readonly summary: string;
      readonly lines: readonly DrawnLine[];
      /** The rules used, first the one that gave the head. */
      readonly rules: readonly RuleRef[];
      /** Distinct document numbers, in order. */
      readonly documents: readonly string[];
      /** Movements of the group that need no entry, each with the reason. */
      readonly skipped: readonly Skipped[];
    }
  | { readonly kind: "none"; readonly skipped: readonly Skipped[] }
  | { readonly kind: "problems"; readonly problems: readonly MappingProblem[] };

export interface Skipped {
  readonly movementId: string;
  readonly reason: "no-money" | "same-account" | "zero-amount";
  /** The sentence of the rule, where a rule says "none". */
  readonly why: string;
}
