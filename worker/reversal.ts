import { createHash } from "node:crypto";
import { type Database, inTransaction } from "../db/database.ts";
import { type NewPosting, insertPostings, lockForReversal } from "../db/posting-store.ts";
import { type BusinessDate, businessDate, firstDayOf, periodOf } from "../domain/dates.ts";
import { negate } from "../domain/decimal.ts";
import { ZhangshiError } from "../domain/errors.ts";
import { postingKeyOf } from "../domain/posting-key.ts";
import { totalsOf } from "../domain/voucher.ts";
import type { PeriodState } from "../connectors/contract.ts";
import { reversalSummary, reverseLines } from "../mappings/reversal.ts";

export interface PlannedReversal {
  readonly key: string;
  readonly reverses: string;
  readonly date: BusinessDate;
  readonly summary: string;
  readonly lines: NewPosting["lines"];
}

/** Decimals of money in a total. */
type Numbers = NewPosting["movements"][number]["value"];

/**
 * Draws the red reversal of a posted voucher: a voucher with its own key, same accounts, same sides, negative amounts, linked
 * both ways, in an open period. Nothing is deleted, and nothing uncertain is ever reversed.
 *
 * @param dryRun  true: nothing is stored
 * @throws ZhangshiError VOUCHER_UNKNOWN, NOT_REVERSIBLE (not verified, itself a reversal, or reversed already), PERIOD_CLOSED
 */
export const reversePosting = (
  database: Database,
  key: string,
  periods: readonly PeriodState[],
  dryRun: boolean,
): Promise<PlannedReversal> =>
  inTransaction(database, async (client) => {
    const original = await lockForReversal(client, key);
    if (original === undefined) throw new ZhangshiError("VOUCHER_UNKNOWN", { key });
    const reversible = original.state === "verified" || original.state === "differs";
    if (!reversible || original.purpose === "reversal" || original.reversal !== undefined) {
      throw new ZhangshiError("NOT_REVERSIBLE", {
        key,
        state: original.state,
        ...(original.reversal === undefined ? {} : { reversal: original.reversal }),
      });
    }
    const { draft, targetStage } = original.claimed;
    const date = openDate(draft.date, periods);
    const summary = reversalSummary({ date: draft.date, word: draft.word, number: original.number });
    const lines = reverseLines(draft.lines, summary).map((line, index) => ({
      ...line,
      movementIds: original.lineMovements[index] ?? [],
    }));
    const identity = {
      company: original.company,
      source: original.source,
      form: original.form,
      // Several vouchers of one record may be reversed, each with a key of its own.
      recordId: `reversal:${key}`,
      ledger: draft.ledger,
      purpose: "reversal" as const,
      part: 1,
      generation: original.generation,
    };
    const reversal: NewPosting = {
      ...identity,
      key: postingKeyOf(identity),
      book: draft.book,
      groupName: identity.recordId,
      state: "drafted",
      targetStage,
      word: draft.word,
      accountedOn: date,
      late: false,
      attachments: draft.attachments,
      currency: draft.currency,
      documents: draft.documents,
      summary,
      ruleName: "reversal",
      ruleVersion: 1,
      total: totalsOf(lines).debit,
      fingerprint: createHash("sha256")
        .update(JSON.stringify([date, lines]))
        .digest("hex"),
      errorCode: undefined,
      reverses: original.postingId,
      lines,
      movements: original.movements.map((movement) => ({
        ...movement,
        occurrence: original.purpose,
        quantity: negated(movement.quantity),
        value: negated(movement.value),
      })),
    };
    if (!dryRun) await insertPostings(client, [reversal]);
    return { key: reversal.key, reverses: key, date, summary, lines };
  });

const negated = (text: Numbers): Numbers => negate(text as Parameters<typeof negate>[0]);

/** The original's own day while its period is open, else the first day of the first open period. */
const openDate = (wanted: BusinessDate, periods: readonly PeriodState[]): BusinessDate => {
  const open = periods
    .filter((each) => each.open)
    .map((each) => each.period)
    .sort();
  const first = open[0];
  if (first === undefined) throw new ZhangshiError("PERIOD_CLOSED", { period: periodOf(wanted) });
  return periodOf(wanted) >= first ? wanted : businessDate(firstDayOf(first));
};
