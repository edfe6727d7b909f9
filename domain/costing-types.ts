import type { BusinessDate } from "./dates.ts";
import type { Decimal } from "./decimal.ts";

/**
 * What an event does to the stock of its scope. "revalue" changes the value of an earlier receipt (an invoice). Two leave
 * the stock alone: "charge" adds money to an order (a subcontracting fee), "balance" says how large the provision for the
 * item has to be.
 */
export type CostEffect = "in" | "out" | "across" | "revalue" | "charge" | "balance";

/**
 * One event that the moving average values. Canonical order: accounting date, receipts before issues and returns,
 * `at`, `arrival`, `id`; all compared as text, so they have a fixed width.
 */
export interface CostEvent {
  /** The movement's identity; arriving again under the same id replaces the earlier form of the event. */
  readonly id: string;
  /** Averaging scope, see `costScopeOf`. */
  readonly scope: string;
  readonly item: string;
  /** The accounting date. */
  readonly date: BusinessDate;
  /** When it happened in the warehouse (an instant); "" where unknown. */
  readonly at: string;
  /** Arrival sequence, zero-padded: breaks the remaining ties. */
  readonly arrival: string;
  readonly effect: CostEffect;
  /** True for purchase and sales returns: they come with the issues of a day, not with its receipts. */
  readonly isReturn?: boolean;
  /** Destination of an "across" event; may equal `scope`. */
  readonly counterScope?: string;
  /** In the item's stock unit, positive; for "revalue" the invoiced quantity, "0" for a plain addition (a fee). */
  readonly quantity: Decimal;
  /** The document's net value: receipts, priced returns, invoices. A receipt without one is pending; its order may give one. */
  readonly amount?: Decimal;
  /** Id of the event it refers to: a sales return its issue, an invoice its receipt. */
  readonly origin?: string;
  /** Where its cost is collected, or where a product's cost comes from: role and order number, as in "work-in-progress/MO-1". */
  readonly order?: string;
  /** The cost of its order decides what it is worth: its own document says nothing. */
  readonly byOrder?: boolean;
  /** The source took the event back. */
  readonly cancelled?: boolean;
}

export interface CostPolicy {
  /** Decimals of money: 2. */
  readonly places: number;
  /** Purchase returns leave at the document's price and the rest is averaged anew, or leave at average (rest: variance). */
  readonly returns: "document-price" | "average";
}

/** Where an amount came from, for the explanation. "last-known" and "pending" are provisional. */
export type CostBasis = "document" | "order" | "average" | "rest" | "origin" | "last-known" | "pending" | "cancelled";

export interface CostEntry {
  readonly event: CostEvent;
  /** Value moved according to the canonical order, positive (a "revalue" and a "balance" may be negative). */
  readonly canonical: Decimal;
  /** Sum of what was emitted so far: equals `canonical` after every run, "0" while pending. */
  readonly booked: Decimal;
  readonly basis: CostBasis;
  /** Of the event's scope, after the event. */
  readonly runningQuantity: Decimal;
  readonly runningValue: Decimal;
}

/** An issue that took more than was there; following receipts settle it. */
export interface OpenIssue {
  readonly eventId: string;
  readonly quantity: Decimal;
  /** What is booked for this quantity until a receipt settles it. */
  readonly value: Decimal;
  /** Set for transfers: the goods, and their value, lie there now. */
  readonly counterScope?: string;
}

export interface ScopeState {
  readonly quantity: Decimal;
  readonly value: Decimal;
  /** Unit cost as an exact fraction value / quantity, set by the last receipt or priced return. */
  readonly average: { readonly value: Decimal; readonly quantity: Decimal };
  readonly open: readonly OpenIssue[];
}

/** Everything that later events need, as plain JSON. */
export interface RunningState {
  /** Canonical position of the last event included; "" at the very start. */
  readonly upTo: string;
  /** Receipts whose invoice came before them. */
  readonly awaited: readonly string[];
  /**
   * True after transfers in a circle out of negative stock, whose values never settle: they were fixed, a scope without
   * quantity may keep a residue of cents, and everything that follows needs a replay.
   */
  readonly circular: boolean;
  readonly scopes: Readonly<Record<string, ScopeState>>;
  /** The provision for the item, over all scopes; absent while there never was one. */
  readonly provision?: Decimal;
}

export interface ItemState {
  /** The state before the first of `entries`. */
  readonly checkpoint: RunningState;
  /** Canonical order, everything after the checkpoint. */
  readonly entries: readonly CostEntry[];
  /** The state after the last of `entries`. */
  readonly running: RunningState;
}

export interface ValuedEvent {
  readonly event: CostEvent;
  /** Value for the voucher: stock in or out, positive; for "revalue" the change of the receipt's value (signed). */
  readonly amount: Decimal;
  readonly basis: CostBasis;
  /** True while the amount is only a stand-in: the movement has no value to book yet. */
  readonly pending: boolean;
}

export interface CostCorrection {
  readonly eventId: string;
  /** Canonical minus booked: add it to both; post it in the open period with purpose "cost-correction". */
  readonly delta: Decimal;
  /** Id of the arriving event that caused it. */
  readonly because: string;
}

export interface Valuation {
  readonly kind: "valued";
  readonly state: ItemState;
  /** First value of each arriving event (of a formerly pending one: its full value now), in canonical order. */
  readonly valued: readonly ValuedEvent[];
  readonly corrections: readonly CostCorrection[];
  /** Cancelled events and what had been booked for them: their vouchers are reversed, so this is no correction. */
  readonly withdrawn: readonly { readonly eventId: string; readonly booked: Decimal }[];
}

export type AppendResult =
  | {
      readonly kind: "appended";
      readonly running: RunningState;
      readonly entries: readonly CostEntry[];
      readonly valued: readonly ValuedEvent[];
      readonly corrections: readonly CostCorrection[];
    }
  | {
      readonly kind: "needs-history";
      readonly eventId: string;
      readonly reason: "backdated" | "origin" | "revalue" | "transfer-settled" | "cancelled" | "repeated";
    };

/** An arrival lies before the checkpoint: the caller loads older entries and an older checkpoint, then asks again. */
export interface HistoryNeeded {
  readonly kind: "needs-history";
  readonly eventId: string;
}
