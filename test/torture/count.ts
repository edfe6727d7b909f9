import type { BookedVoucher } from "./ledgers/ledger.ts";

/** What the database says of one posting when the run is over. */
export interface PostingRow {
  readonly key: string;
  readonly state: string;
  readonly total: string;
  /** Numbers of the documents behind it. */
  readonly documents: readonly string[];
}

export interface Verdict {
  readonly lost: readonly string[];
  /** Booked more than once, and either not found by the finder or not to be excused. */
  readonly doubled: readonly string[];
  readonly doubledDetected: readonly string[];
  readonly falselyPosted: readonly string[];
  readonly uncertainLeft: readonly string[];
}

/**
 * Keys that shared a request with one of `victims`: what the ERP did to that request, it did to all of them.
 *
 * @param victims  keys whose request was to be committed late beyond the settling time, or twice
 */
export function excusedBy(victims: readonly string[], vouchers: readonly BookedVoucher[]): ReadonlySet<string> {
  const requests = new Set(vouchers.filter(({ key }) => victims.includes(key)).map(({ request }) => request));
  return new Set(vouchers.filter(({ request }) => requests.has(request)).map(({ key }) => key));
}

export interface Evidence {
  /** The simulator's own books. */
  readonly vouchers: readonly BookedVoucher[];
  /** Every document that has to be in exactly one voucher. */
  readonly documents: readonly string[];
  readonly postings: readonly PostingRow[];
  /** Keys that the finder of doubles named. */
  readonly found: ReadonlySet<string>;
  /** Keys that were on the way while the ERP committed beyond the settling time, or twice: no sender can prevent those. */
  readonly excused: ReadonlySet<string>;
}

const CLAIMS_BOOKED = new Set(["posted", "verified", "reversed"]);
const CLAIMS_UNBOOKED = new Set(["drafted", "approved", "ready", "held", "refused", "withdrawn"]);
const UNDECIDED = new Set(["sending", "uncertain"]);

/** Counts from the books, not from what we believe: a document is a summary of a live voucher's line there. */
export function judge({ vouchers, documents, postings, found, excused }: Evidence): Verdict {
  const live = vouchers.filter(({ voided }) => !voided);
  const byKey = groupBy(live, ({ key }) => [key]);
  const byDocument = groupBy(live, ({ lines }) => new Set(lines.map(({ summary }) => summary)));

  const lost = documents.filter((document) => !byDocument.has(document));
  const doubledDetected: string[] = [];
  const doubled: string[] = [];
  for (const [key, copies] of byKey)
    if (copies.length > 1) (found.has(key) && excused.has(key) ? doubledDetected : doubled).push(key);
  for (const [document, copies] of byDocument)
    if (new Set(copies.map(({ key }) => key)).size > 1) doubled.push(document);

  const falselyPosted = postings
    .filter(({ key, state, total }) => {
      const booked = byKey.get(key);
      if (state === "differs") return true;
      if (CLAIMS_BOOKED.has(state)) return booked?.some((voucher) => debitOf(voucher) === cents(total)) !== true;
      return CLAIMS_UNBOOKED.has(state) && booked !== undefined;
    })
    .map(({ key }) => key);
  const strangers = [...byKey.keys()].filter((key) => postings.every((posting) => posting.key !== key));
  return {
    lost,
    doubled,
    doubledDetected,
    falselyPosted: [...falselyPosted, ...strangers],
    uncertainLeft: postings.filter(({ state }) => UNDECIDED.has(state)).map(({ key }) => key),
  };
}

function groupBy<Item>(items: readonly Item[], keysOf: (item: Item) => Iterable<string>): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items)
    for (const key of keysOf(item)) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [item]);
      else group.push(item);
    }
  return groups;
}

const debitOf = (voucher: BookedVoucher): bigint => voucher.lines.reduce((sum, { debit }) => sum + cents(debit), 0n);

/** "12.5" → 1250n; amounts here have at most two decimals. */
const cents = (text: string): bigint => {
  const [whole = "0", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.slice(0, 2).padEnd(2, "0"));
};
