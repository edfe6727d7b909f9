import { type Kysely, sql } from "kysely";

/**
 * Nothing asks for voucher lines by account: they are met through their voucher, and the reconciliation reads whole periods.
 * Every page of drafting asks for reversed vouchers whose source changed, which read all vouchers of the ledger.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    DROP INDEX voucher_lines_by_account;
    CREATE INDEX postings_to_free ON postings (ledger) WHERE state = 'reversed' AND source_changed;
  `.execute(db);
}
