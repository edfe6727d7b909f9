import { type Database, inTransaction } from "../db/database.ts";
import { lockForReversal } from "../db/posting-store.ts";
import { markRetry } from "../db/retry-store.ts";
import { type NewPosting, insertPostings } from "../db/voucher-store.ts";
import { calendarOf } from "../domain/calendar.ts";
import { type BusinessDate, firstDayOf, periodOf } from "../domain/dates.ts";
import { negate } from "../domain/decimal.ts";
import { ZhangshiError } from "../domain/errors.ts";
import { postingKeyOf } from "../domain/posting-key.ts";
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
 * @param options  `dryRun`: nothing is stored. `redraw`: once the reversal is verified, a new voucher takes the original's
 *   place, drawn from the same movements and values with the rules and codes of that day
 * @throws ZhangshiError VOUCHER_UNKNOWN, NOT_REVERSIBLE (not verified, itself a reversal, or reversed already), PERIOD_CLOSED
 */
export const reversePosting = (
  database: Database,
  key: string,
  periods: readonly PeriodState[],
  { dryRun, redraw }: { readonly dryRun: boolean; readonly redraw: boolean },
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
      errorCode: undefined,
      reverses: original.postingId,
      lines,
      movements: original.movements.map((movement) => ({
        ...movement,
        // Two corrections of one movement are reversed by themselves: each keeps what set it apart.
        occurrence: movement.occurrence === "" ? original.purpose : `${original.purpose}:${movement.occurrence}`,
        quantity: negated(movement.quantity),
        value: negated(movement.value),
      })),
    };
    if (!dryRun) await insertPostings(client, [reversal]);
    if (!dryRun && redraw) await markRetry(client, [original.postingId]);
    return { key: reversal.key, reverses: key, date, summary, lines };
  });

const negated = (text: Numbers): Numbers => negate(text as Parameters<typeof negate>[0]);

/** The original's own day while its period is open, else the first day of the next open period after it, never one before. */
const openDate = (wanted: BusinessDate, periods: readonly PeriodState[]): BusinessDate => {
  const { isOpen, openPeriods } = calendarOf(periods);
  const period = periodOf(wanted);
  if (isOpen(period)) return wanted;
  const next = openPeriods.find((each) => each > period);
  if (next === undefined) throw new ZhangshiError("PERIOD_CLOSED", { period });
  return firstDayOf(next);
};
