import type { Cause } from "./causes.ts";
import { type Decimal, add } from "./decimal.ts";
import { groupBy } from "./group-by.ts";
import {
  backdatedFinding,
  blockedFinding,
  causeCode,
  changedFinding,
  doubleFinding,
  foreignFinding,
  lineQuantityFinding,
  oneLegFinding,
  postingFinding,
  reversedFinding,
  undraftedFinding,
  unpulledFinding,
} from "./reconciliation-documents.ts";
import {
  itemQuantityFindings,
  ledgerQuantityFindings,
  stockFindings,
  totalFindings,
} from "./reconciliation-quantities.ts";
import type { Difference, Explained, Facts, Finding } from "./reconciliation.ts";

/**
 * Where several causes fit one document, the first of these names the difference and the others stand beside it: what
 * makes the books wrong comes before what merely waits. "Seen audited and no longer" (10) comes before 4, a missing
 * code (20) before a missing rule (2).
 */
export const precedence: readonly Cause[] = [5, 12, 10, 6, 9, 8, 23, 21, 22, 20, 2, 3, 4, 16, 13, 11, 18, 1];

/**
 * What the facts mean: one difference per business object, with its cause, certainty and evidence. Differences of
 * quantities and totals that a document explains are folded into that document's.
 *
 * @returns ordered by id, so that two runs over the same facts are the same text
 */
export const classify = (facts: Facts): readonly Difference[] => {
  const findings: readonly Finding[] = [
    ...facts.postings.map(postingFinding),
    ...facts.doubles.map(doubleFinding),
    ...facts.foreign.map(foreignFinding),
    ...facts.changed.map(changedFinding),
    ...facts.lineQuantities.map(lineQuantityFinding),
    ...facts.backdated.map(backdatedFinding),
    ...facts.blocked.map(blockedFinding),
    ...facts.reversed.map(reversedFinding),
    ...facts.undrafted.map(undraftedFinding),
    ...facts.oneLegs.map(oneLegFinding),
    ...facts.unpulled.map(unpulledFinding),
    ...stockFindings(facts.stock, facts.unitCandidates),
    ...ledgerQuantityFindings(facts.ledgerQuantities),
    ...itemQuantityFindings(facts.itemQuantities),
    ...totalFindings(facts.totals),
  ].filter((finding) => finding !== undefined);
  return [...groupBy(findings, ({ subject }) => subject).entries()]
    .flatMap(([, group]) => fold(facts, group))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
};

/** Movements and vouchers that a difference of their own speaks of: no quantity of theirs is counted a second time. */
export const explainedBy = (facts: Omit<Facts, "itemQuantities">): Explained => ({
  movementIds: unique([
    ...facts.changed.map(({ movementId }) => movementId),
    ...facts.reversed.map(({ movementId }) => movementId),
    ...facts.undrafted.map(({ movementId }) => movementId),
    ...facts.lineQuantities.flatMap(({ movementIds }) => movementIds),
  ]),
  keys: unique([
    ...facts.postings.map(({ key }) => key),
    ...facts.doubles.map(({ key }) => key),
    ...facts.changed.map(({ key }) => key),
    ...facts.lineQuantities.map(({ key }) => key),
  ]),
  erpIds: unique(facts.foreign.map(({ erpId }) => erpId)),
});

const fold = ({ company, ledger }: Facts, group: readonly Finding[]): readonly Difference[] => {
  const ranked = group.toSorted((a, b) => precedence.indexOf(a.cause) - precedence.indexOf(b.cause));
  const [leading] = ranked;
  if (leading === undefined) return [];
  const same = ranked.filter(({ cause }) => cause === leading.cause);
  const documents = unique(same.flatMap((finding) => finding.documents ?? []));
  return [
    {
      id: `${company}/${leading.cause}/${leading.subject}`,
      company,
      cause: leading.cause,
      certainty: same.some(({ certainty }) => certainty === "certain") ? "certain" : "suspected",
      subject: leading.subject,
      code: leading.code ?? causeCode(leading.cause),
      kind: leading.blocked === true ? "blocked" : "difference",
      affected: Math.max(1, documents.length),
      amount: total(same),
      evidence: {
        ledger: leading.inLedger === false ? "" : ledger,
        documents,
        postingKeys: unique(same.flatMap((finding) => finding.postingKeys ?? [])),
        erpIds: unique(same.flatMap((finding) => finding.erpIds ?? [])),
        erpNumbers: unique(same.flatMap((finding) => finding.erpNumbers ?? [])),
        deviations: ranked.flatMap((finding) => finding.deviations ?? []),
        proposals: ranked.flatMap((finding) => finding.proposals ?? []),
        also: [...new Set(ranked.map(({ cause }) => cause))].filter((cause) => cause !== leading.cause),
        message: leading.message ?? "",
      },
    },
  ];
};

const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)].filter((text) => text !== "");

const total = (findings: readonly Finding[]): Decimal | undefined => {
  const known = findings.flatMap(({ amount }) => (amount === undefined ? [] : [amount]));
  return known.length === 0 ? undefined : known.reduce(add);
};
