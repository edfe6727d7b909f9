import type pg from "pg";
import { z } from "zod";
import { type ErrorCode, errorCatalog, errorCodes } from "../domain/errors.ts";
import { PostingState } from "../domain/posting.ts";
import { type Database, inTransaction } from "./database.ts";

/**
 * What trying again means for a posting. "redraw": nothing of it is in the ERP, it is drawn with today's rules and codes
 * and sent under its own key. "look-up": the ERP is asked for it now. "read-again": the ERP's voucher is read and compared
 * once more. "bring-on": submitted or audited once more. "none": it goes its way by itself.
 */
const retryActs = ["redraw", "look-up", "read-again", "bring-on", "none"] as const;
export type RetryAct = (typeof retryActs)[number];

const RetryStep = z.object({
  key: z.string(),
  company: z.string(),
  ledger: z.string(),
  documents: z.array(z.string()),
  state: PostingState,
  code: z.string().nullable(),
  message: z.string().nullable(),
  act: z.enum(retryActs),
});
export type RetryStep = z.infer<typeof RetryStep>;

export interface RetryWish {
  readonly ledgers: readonly string[];
  /** One posting; all that stand still where absent. */
  readonly key: string | undefined;
  readonly dryRun: boolean;
  readonly sizeMax: number;
}

/** What brings a posted voucher to a standstill inside the ERP. */
const STANDING: readonly ErrorCode[] = errorCodes.filter(
  (code) => errorCatalog[code].outcome === "refused" || code === "PERMISSION_DENIED",
);

const ACT = `CASE WHEN state IN ('refused', 'held') THEN 'redraw'
  WHEN state = 'uncertain' AND look_up_after = 'infinity' THEN 'look-up'
  WHEN state = 'differs' THEN 'read-again'
  WHEN state = 'posted' AND error_code = ANY ($2::text[]) THEN 'bring-on'
  ELSE 'none' END`;

/**
 * Gives postings that stand still another try. Nothing that may be in the ERP is sent again: only what is known not to be
 * there is drawn anew. Doing it twice is doing it once.
 *
 * @returns what is done per posting, the oldest first; at most `sizeMax`
 */
export const retryPostings = (
  database: Database,
  { ledgers, key, dryRun, sizeMax }: RetryWish,
): Promise<readonly RetryStep[]> =>
  inTransaction(database, async (client) => {
    const found = await client.query<{ id: string; act: RetryAct }>(
      `SELECT posting_id::text AS id, posting_key AS key, company, ledger, documents, state, error_code AS code,
         error_message AS message, ${ACT} AS act
       FROM postings WHERE ledger = ANY ($1::text[]) AND ${key === undefined ? "$3::text IS NULL" : "posting_key = $3"}
         AND (${key === undefined ? `state IN ('refused', 'held', 'uncertain', 'differs', 'posted') AND ${ACT} <> 'none'` : "true"})
       ORDER BY posting_id LIMIT $4 FOR UPDATE`,
      [ledgers, STANDING, key ?? null, sizeMax],
    );
    const idsOf = (act: RetryAct): readonly string[] => found.rows.filter((row) => row.act === act).map(({ id }) => id);
    if (!dryRun) {
      await markRetry(client, idsOf("redraw"));
      await client.query("UPDATE postings SET retry = 'read' WHERE posting_id = ANY ($1::bigint[]) AND retry IS NULL", [
        idsOf("read-again"),
      ]);
      await client.query(
        "UPDATE postings SET look_up_after = clock_timestamp(), failures = 0 WHERE posting_id = ANY ($1::bigint[])",
        [idsOf("look-up")],
      );
      await client.query(
        "UPDATE postings SET retry_after = NULL, error_code = NULL, error_message = NULL WHERE posting_id = ANY ($1::bigint[])",
        [idsOf("bring-on")],
      );
    }
    return z.array(RetryStep).parse(found.rows);
  });

/** The next drafting draws these anew as soon as nothing of them is in the ERP, or their reversal is verified. */
export const markRetry = async (client: pg.ClientBase, postingIds: readonly string[]): Promise<void> => {
  await client.query("UPDATE postings SET retry = 'redraw' WHERE posting_id = ANY ($1::bigint[])", [postingIds]);
};

/**
 * A person handed something in to a ledger that takes files: what waited for it is looked at now, and not when its time comes.
 * @returns how many postings
 */
export const wakeFiled = async (database: Database, ledger: string): Promise<number> => {
  const woken = await database.pool.query(
    `UPDATE postings SET look_up_after = CASE WHEN state = 'uncertain' THEN clock_timestamp() ELSE look_up_after END,
       retry_after = CASE WHEN state = 'posted' THEN NULL ELSE retry_after END
     WHERE ledger = $1 AND (state = 'uncertain' AND error_code = 'AWAITING_RECEIPT' OR state = 'posted' AND error_code = 'EXPORT_MISSING')`,
    [ledger],
  );
  return woken.rowCount ?? 0;
};
