import { z } from "zod";
import type { Cause, Certainty } from "./causes.ts";
import { BusinessDate, Period } from "./dates.ts";
import { Decimal } from "./decimal.ts";
import { Movement } from "./movement.ts";
import { PostingState, Purpose, Stage } from "./posting.ts";
import type { Deviation } from "./read-back.ts";
import { Side } from "./voucher.ts";

/*
 * The words of the comparison: what both sides say about one thing (a fact), and what follows from it (a difference).
 * Facts hold deviations or candidates only, so that they fit into memory however large the books are.
 */

/** Why we say so: enough for a person to open the document, the voucher and the edit without searching. */
export interface Evidence {
  /** Empty where the difference lies on the warehouse's side alone. */
  readonly ledger: string;
  readonly documents: readonly string[];
  readonly postingKeys: readonly string[];
  readonly erpIds: readonly string[];
  readonly erpNumbers: readonly string[];
  readonly deviations: readonly Deviation[];
  /** What would put it right in the ERP, for a person to do: nothing is done to a voucher without one. */
  readonly proposals: readonly Proposal[];
  /** Further causes that fit the same document; the first fitting one by precedence names the difference. */
  readonly also: readonly Cause[];
  /** The ERP's or the catalogue's own words, where there are some. */
  readonly message: string;
}

/** A voucher of the ERP to be reversed there; while it is not booked, making it void does as well. */
export interface Proposal {
  readonly act: "reverse";
  readonly erpId: string;
  readonly erpNumber: string;
}

/** `id` is `<company>/<cause>/<subject>` and stays the same for as long as the difference lasts. */
export interface Difference {
  readonly id: string;
  readonly company: string;
  readonly cause: Cause;
  readonly certainty: Certainty;
  readonly subject: string;
  /** An error of the catalogue, or the name of the cause. */
  readonly code: string;
  /** "difference" between two sides, or something "blocked" on its way. */
  readonly kind: "difference" | "blocked";
  /** How many documents are behind it. */
  readonly affected: number;
  /** Money in question, in the ledger's currency; absent where it cannot be said. */
  readonly amount: Decimal | undefined;
  readonly evidence: Evidence;
}

// ---------------------------------------------------------------------------------------------- subjects

export const documentSubject = (form: string, documentNumber: string): string => `movement:${form}/${documentNumber}`;
export const voucherSubject = (book: string, word: string, number: string, inPeriod: string): string =>
  `voucher:${book}/${word}-${number}@${inPeriod}`;
export const itemSubject = (item: string): string => `item:${item}`;
export const itemPairSubject = (one: string, other: string): string => {
  const [a, b] = one < other ? [one, other] : [other, one];
  return `item-pair:${a}+${b}`;
};

// ---------------------------------------------------------------------------------------------- facts

export const ErpLineFact = z.object({
  lineNumber: z.int(),
  summary: z.string(),
  side: Side,
  account: z.string(),
  amount: Decimal,
  quantity: Decimal.optional(),
  unit: z.string().optional(),
  dimensions: z.record(z.string(), z.string()),
});
export type ErpLineFact = z.infer<typeof ErpLineFact>;

/** A voucher as the ERP showed it. */
export const ErpVoucherFact = z.object({
  erpId: z.string(),
  key: z.string(),
  word: z.string(),
  number: z.string(),
  date: BusinessDate,
  period: Period,
  stage: Stage,
  voided: z.boolean(),
  origin: z.string(),
  maker: z.string(),
  lines: z.array(ErpLineFact),
});
export type ErpVoucherFact = z.infer<typeof ErpVoucherFact>;

export const OurLineFact = z.object({
  lineNumber: z.int(),
  side: Side,
  account: z.string(),
  amount: Decimal,
  quantity: Decimal.nullable(),
  dimensions: z.record(z.string(), z.string()),
});
export type OurLineFact = z.infer<typeof OurLineFact>;

/** One posting beside every voucher of the ERP that carries its key. */
export const PostingFact = z.object({
  key: z.string(),
  form: z.string(),
  documents: z.array(z.string()),
  purpose: Purpose,
  state: PostingState,
  stage: Stage,
  targetStage: Stage,
  accountedOn: BusinessDate,
  period: Period,
  late: z.boolean(),
  auditedSeen: z.boolean(),
  /** True once a read-back was equal to what we sent. */
  verifiedOnce: z.boolean(),
  errorCode: z.string(),
  errorMessage: z.string(),
  erpId: z.string(),
  erpNumber: z.string(),
  amount: Decimal,
  lines: z.array(OurLineFact),
  vouchers: z.array(ErpVoucherFact),
  /** False where its period was not listed: then the ERP's silence means nothing. */
  landed: z.boolean(),
});
export type PostingFact = z.infer<typeof PostingFact>;

/** Vouchers, not void, that share one key of ours. Found by listing the ledger, not by asking for keys. */
export const DoubleFact = z.object({
  key: z.string(),
  form: z.string(),
  documents: z.array(z.string()),
  amount: Decimal,
  /** Oldest first. */
  erpIds: z.array(z.string()),
  numbers: z.array(z.string()),
  /** The one that stays; every other one is surplus. */
  keptErpId: z.string(),
});
export type DoubleFact = z.infer<typeof DoubleFact>;

/** A voucher on a stock account that no posting of ours stands behind. */
export const ForeignVoucherFact = z.object({
  book: z.string(),
  word: z.string(),
  number: z.string(),
  period: z.string(),
  erpId: z.string(),
  origin: z.string(),
  maker: z.string(),
  /** Debit minus credit on stock accounts. */
  amount: Decimal,
});
export type ForeignVoucherFact = z.infer<typeof ForeignVoucherFact>;

/** A movement whose newest revision is not the one that a standing voucher was drawn from. Names as they were posted. */
export const ChangedMovementFact = z.object({
  movementId: z.string(),
  form: z.string(),
  documentNumber: z.string(),
  item: z.string(),
  purpose: Purpose,
  key: z.string(),
  erpId: z.string(),
  erpNumber: z.string(),
  cancelled: z.boolean(),
  /** As posted. */
  invoiced: z.boolean(),
  /** Of the voucher, and of the movement's day now. */
  period: z.string(),
  happenedIn: z.string(),
  value: Decimal,
  /** Fields of the movement that are other than posted: ours is the newest revision, theirs what the voucher was drawn from. */
  fields: z.array(z.object({ field: z.string(), ours: z.string(), theirs: z.string() })),
});
export type ChangedMovementFact = z.infer<typeof ChangedMovementFact>;

/** A movement that stands as posted while its voucher was reversed by us, and no other voucher is in sight. */
export const ReversedFact = z.object({
  movementId: z.string(),
  form: z.string(),
  documentNumber: z.string(),
  key: z.string(),
  /** Key of the reversal. */
  reversal: z.string(),
  erpId: z.string(),
  erpNumber: z.string(),
  value: Decimal,
});
export type ReversedFact = z.infer<typeof ReversedFact>;

/** A movement that came after later movements of its item had been costed. */
export const BackdatedFact = z.object({
  form: z.string(),
  documentNumber: z.string(),
  item: z.string(),
  happenedOn: z.string(),
  recordedAt: z.string(),
  /** Day of the latest movement of the item that had been costed by then. */
  costedUntil: z.string(),
  /** Keys of the cost corrections that it caused. */
  corrections: z.array(z.string()),
  corrected: Decimal,
});
export type BackdatedFact = z.infer<typeof BackdatedFact>;

/** A movement that could not be drafted. */
export const BlockedFact = z.object({
  form: z.string(),
  documentNumber: z.string(),
  code: z.string(),
  subject: z.string(),
  amount: Decimal.nullable(),
});
export type BlockedFact = z.infer<typeof BlockedFact>;

/** A movement that drafting has passed and that is in no voucher and in no list of blocked ones. */
export const UndraftedFact = z.object({
  movementId: z.string(),
  quantity: Decimal,
  amount: Decimal.nullable(),
  /** True where a voucher of the same document stands: the line came later. */
  standing: z.boolean(),
  movement: Movement,
  itemClass: z.string(),
});
export type UndraftedFact = z.infer<typeof UndraftedFact>;

export const OneLegFact = z.object({ form: z.string(), documentNumber: z.string(), item: z.string() });
export type OneLegFact = z.infer<typeof OneLegFact>;

/** A record that the source lists otherwise than the movement log. */
export const UnpulledFact = z.object({
  form: z.string(),
  documentNumber: z.string(),
  recordId: z.string(),
  change: z.enum(["new", "edited", "removed"]),
  /** True where a voucher that stands was drawn from it. */
  posted: z.boolean(),
});
export type UnpulledFact = z.infer<typeof UnpulledFact>;

/** A voucher line on a stock account whose quantity is not that of its movements. Stock unit. */
export const LineQuantityFact = z.object({
  form: z.string(),
  documentNumber: z.string(),
  item: z.string(),
  key: z.string(),
  erpId: z.string(),
  erpNumber: z.string(),
  moved: Decimal,
  booked: Decimal,
  movementIds: z.array(z.string()),
});
export type LineQuantityFact = z.infer<typeof LineQuantityFact>;

/** Stock on hand of one item in one warehouse that the movements do not explain. Stock unit. */
export const StockFact = z.object({
  item: z.string(),
  warehouse: z.string(),
  /** What the warehouse system says is there. */
  onHand: Decimal,
  /** What its movements add up to, the ones not yet pulled included. */
  moved: Decimal,
});
export type StockFact = z.infer<typeof StockFact>;

/** A document line of an item whose stock is off, and the factors of the item's units: to find a unit error. */
export const UnitCandidateFact = z.object({
  form: z.string(),
  documentNumber: z.string(),
  item: z.string(),
  warehouse: z.string(),
  /** As written, signed by what it does to the warehouse. */
  quantity: Decimal,
  /** Stock units per one of the unit it was written in. */
  factor: Decimal,
  /** Factors of the item's other units, 1 for the stock unit. */
  otherFactors: z.array(Decimal),
});
export type UnitCandidateFact = z.infer<typeof UnitCandidateFact>;

/** The same sum over vouchers that are not void, over the audited and over the booked ones: ERPs count differently. */
export const ByStage = z.object({ all: Decimal, audited: Decimal, booked: Decimal });
export type ByStage = z.infer<typeof ByStage>;
export type StageBasis = keyof ByStage;

/** 数量核算 of one item over the stock accounts. Stock unit. */
export const LedgerQuantityFact = z.object({
  item: z.string(),
  /** Closing quantity by the ERP's balance. */
  theirs: Decimal,
  /** What the ledger must have opened with. */
  opening: Decimal,
  /** What the ERP's vouchers add. */
  vouchers: ByStage,
});
export type LedgerQuantityFact = z.infer<typeof LedgerQuantityFact>;

/**
 * One item whose movements and 数量核算 differ, without the openings and without what other differences explain. Stock unit.
 */
export const ItemQuantityFact = z.object({
  item: z.string(),
  /** What its drafted movements add up to. */
  warehouse: Decimal,
  /** What the ERP's vouchers add to the stock accounts. */
  ledger: Decimal,
});
export type ItemQuantityFact = z.infer<typeof ItemQuantityFact>;

/** What differences of the document level account for: the quantity level leaves it out on both sides. */
export interface Explained {
  readonly movementIds: readonly string[];
  readonly keys: readonly string[];
  /** Vouchers without a key of ours. */
  readonly erpIds: readonly string[];
}

/** Turnover (发生额) of one account in one period on one side. */
export const AccountTotalFact = z.object({
  account: z.string(),
  period: z.string(),
  side: Side,
  theirs: Decimal,
  vouchers: ByStage,
  ours: Decimal,
});
export type AccountTotalFact = z.infer<typeof AccountTotalFact>;

export interface Facts {
  readonly company: string;
  readonly ledger: string;
  readonly postings: readonly PostingFact[];
  readonly doubles: readonly DoubleFact[];
  readonly foreign: readonly ForeignVoucherFact[];
  readonly changed: readonly ChangedMovementFact[];
  readonly backdated: readonly BackdatedFact[];
  readonly blocked: readonly BlockedFact[];
  readonly reversed: readonly ReversedFact[];
  readonly undrafted: readonly UndraftedFact[];
  readonly oneLegs: readonly OneLegFact[];
  readonly unpulled: readonly UnpulledFact[];
  readonly lineQuantities: readonly LineQuantityFact[];
  readonly stock: readonly StockFact[];
  readonly unitCandidates: readonly UnitCandidateFact[];
  readonly ledgerQuantities: readonly LedgerQuantityFact[];
  readonly itemQuantities: readonly ItemQuantityFact[];
  readonly totals: readonly AccountTotalFact[];
}

export const noFacts = (company: string, ledger: string): Facts => ({
  company,
  ledger,
  postings: [],
  doubles: [],
  foreign: [],
  changed: [],
  backdated: [],
  blocked: [],
  reversed: [],
  undrafted: [],
  oneLegs: [],
  unpulled: [],
  lineQuantities: [],
  stock: [],
  unitCandidates: [],
  ledgerQuantities: [],
  itemQuantities: [],
  totals: [],
});

/** What a classifier says about one thing, before company and ledger are added. */
export interface Finding {
  readonly cause: Cause;
  readonly certainty: Certainty;
  readonly subject: string;
  readonly code?: string;
  readonly blocked?: boolean;
  /** False where no ledger is concerned: the same difference for every ledger of the company. */
  readonly inLedger?: boolean;
  readonly amount?: Decimal | undefined;
  readonly documents?: readonly string[];
  readonly postingKeys?: readonly string[];
  readonly erpIds?: readonly string[];
  readonly erpNumbers?: readonly string[];
  readonly deviations?: readonly Deviation[];
  readonly proposals?: readonly Proposal[];
  readonly message?: string;
}
