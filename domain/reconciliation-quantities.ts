import { groupBy } from "./group-by.ts";
import {
  type Decimal,
  absolute,
  add,
  compare,
  decimal,
  equal,
  isZero,
  multiply,
  negate,
  normalize,
  subtract,
} from "./decimal.ts";
import {
  type AccountTotalFact,
  type ByStage,
  type Finding,
  type ItemQuantityFact,
  type LedgerQuantityFact,
  type StageBasis,
  type StockFact,
  type UnitCandidateFact,
  documentSubject,
  itemPairSubject,
  itemSubject,
} from "./reconciliation.ts";

/* Quantity level and account totals: what documents do not explain. */

interface Remainder {
  readonly item: string;
  readonly warehouse: string;
  readonly fact: StockFact;
  /** On hand minus moved. */
  readonly off: Decimal;
}

/** Stock that its movements do not explain: an offsetting pair, a unit error in one document, or an open question. */
export const stockFindings = (
  facts: readonly StockFact[],
  candidates: readonly UnitCandidateFact[],
): readonly Finding[] => {
  const open = facts
    .map((fact) => ({
      item: fact.item,
      warehouse: fact.warehouse,
      fact,
      off: normalize(subtract(fact.onHand, fact.moved)),
    }))
    .filter(({ off }) => !isZero(off));
  const { pairs, rest } = pairUp(open);
  return [...pairs.map(pairFinding), ...rest.map((remainder) => singleFinding(remainder, candidates))];
};

/** Matches +n with −n: one item over two warehouses first, then two items in one warehouse. Only where one partner fits. */
const pairUp = (
  open: readonly Remainder[],
): { pairs: readonly (readonly [Remainder, Remainder])[]; rest: readonly Remainder[] } => {
  const pairs: (readonly [Remainder, Remainder])[] = [];
  let rest = open;
  for (const place of [sameItem, sameWarehouse]) {
    const groups = groupBy(rest, (remainder) => `${place(remainder)}\u0000${absolute(remainder.off)}`);
    const left: Remainder[] = [];
    for (const group of groups.values()) {
      const [one, other] = group;
      const fits = group.length === 2 && one !== undefined && other !== undefined && equal(one.off, negate(other.off));
      if (fits) pairs.push([one, other]);
      else left.push(...group);
    }
    rest = left;
  }
  return { pairs, rest };
};
const sameItem = ({ item }: Remainder): string => item;
const sameWarehouse = ({ warehouse }: Remainder): string => warehouse;

const pairFinding = (pair: readonly [Remainder, Remainder]): Finding => ({
  cause: 18,
  certainty: "suspected",
  inLedger: false,
  subject: subjectOfPair(pair),
  deviations: pair.map(stockDeviation),
});

const subjectOfPair = ([one, other]: readonly [Remainder, Remainder]): string => {
  if (one.item !== other.item) return itemPairSubject(one.item, other.item);
  const [a, b] = one.warehouse < other.warehouse ? [one, other] : [other, one];
  return `warehouse-pair:${one.item}@${a.warehouse}+${b.warehouse}`;
};

const stockDeviation = ({ item, warehouse, fact }: Remainder): { field: string; ours: string; theirs: string } => ({
  field: warehouse === "" ? `${item}.quantity` : `${item}@${warehouse}.quantity`,
  ours: normalize(fact.moved),
  theirs: normalize(fact.onHand),
});

/** A document whose quantity, read in another unit of the item, would explain exactly what is off. */
const explains = (candidate: UnitCandidateFact, { item, warehouse, off }: Remainder): boolean =>
  candidate.item === item &&
  candidate.warehouse === warehouse &&
  candidate.otherFactors.some((factor) => equal(multiply(candidate.quantity, subtract(factor, candidate.factor)), off));

const ONE = decimal("1");

const singleFinding = (remainder: Remainder, candidates: readonly UnitCandidateFact[]): Finding => {
  const possible = candidates.filter((candidate) => explains(candidate, remainder));
  // Pieces written for boxes is the usual slip: where only such a document fits besides others, it is the likelier one.
  const pieces = possible.filter(({ factor }) => equal(factor, ONE));
  const fitting = pieces.length > 0 ? pieces : possible;
  const subjects = [...new Set(fitting.map(({ form, documentNumber }) => documentSubject(form, documentNumber)))];
  const [subject, ...others] = subjects;
  const found = subject !== undefined && others.length === 0;
  return {
    cause: 9,
    certainty: found && possible.length === fitting.length ? "certain" : "suspected",
    inLedger: false,
    subject: found ? subject : itemSubject(remainder.item),
    documents: [...new Set(fitting.map(({ documentNumber }) => documentNumber))],
    deviations: [stockDeviation(remainder)],
  };
};

const bases: readonly StageBasis[] = ["all", "audited", "booked"];

/** Which vouchers an ERP counts in its balances is its own setting: the basis that leaves the fewest rows open is it. */
const basisOf = <T>(facts: readonly T[], offBy: (fact: T, basis: StageBasis) => Decimal): StageBasis => {
  let best: StageBasis = "all";
  let fewest = Number.POSITIVE_INFINITY;
  for (const basis of bases) {
    const open = facts.filter((fact) => !isZero(offBy(fact, basis))).length;
    if (open < fewest) [best, fewest] = [basis, open];
  }
  return best;
};

const at = (sums: ByStage, basis: StageBasis): Decimal => sums[basis];

const inLedgerFindings = (open: readonly Remainder[]): readonly Finding[] => {
  const { pairs, rest } = pairUp(open);
  return [...pairs.map(pairFinding), ...rest.map((remainder) => singleFinding(remainder, []))].map((finding) => ({
    ...finding,
    inLedger: true,
  }));
};

/** 数量核算 against opening and vouchers. What the vouchers themselves have wrong is a finding of the document level. */
export const ledgerQuantityFindings = (facts: readonly LedgerQuantityFact[]): readonly Finding[] => {
  const offBy = (fact: LedgerQuantityFact, basis: StageBasis): Decimal =>
    subtract(fact.theirs, add(fact.opening, at(fact.vouchers, basis)));
  const basis = basisOf(facts, offBy);
  const open = facts
    .filter((fact) => !isZero(offBy(fact, basis)))
    .map((fact) => ({
      item: fact.item,
      warehouse: "",
      off: normalize(offBy(fact, basis)),
      fact: {
        item: fact.item,
        warehouse: "",
        onHand: fact.theirs,
        moved: normalize(add(fact.opening, at(fact.vouchers, basis))),
      },
    }));
  return inLedgerFindings(open);
};

/** Warehouse against 数量核算: both sides agree with themselves, and still with one another they do not. */
export const itemQuantityFindings = (facts: readonly ItemQuantityFact[]): readonly Finding[] => {
  const open = facts.map(({ item, warehouse, ledger }) => ({
    item,
    warehouse: "",
    off: normalize(subtract(ledger, warehouse)),
    fact: { item, warehouse: "", onHand: ledger, moved: warehouse },
  }));
  return inLedgerFindings(open);
};

/** Turnover per account against the vouchers listed: a remainder is something that no voucher shows. */
export const totalFindings = (facts: readonly AccountTotalFact[]): readonly Finding[] => {
  const offBy = (fact: AccountTotalFact, basis: StageBasis): Decimal => subtract(fact.theirs, at(fact.vouchers, basis));
  const basis = basisOf(facts, offBy);
  return facts
    .filter((fact) => !isZero(offBy(fact, basis)))
    .toSorted((a, b) => compare(absolute(offBy(b, basis)), absolute(offBy(a, basis))))
    .map((fact) => ({
      cause: 8,
      certainty: "suspected",
      subject: `account:${fact.account}@${fact.period}`,
      amount: absolute(offBy(fact, basis)),
      deviations: [
        { field: `${fact.account}.${fact.side}`, ours: fact.ours, theirs: fact.theirs },
        { field: "vouchers", ours: at(fact.vouchers, basis), theirs: fact.theirs },
      ],
    }));
};
