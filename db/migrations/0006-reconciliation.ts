import { type Kysely, sql } from "kysely";

/** What a comparison needs beside the landed books: which periods were read whole, and every record id of a source. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE SEQUENCE reconciliation_run_ids AS bigint;

    CREATE TABLE landed_periods (
      ledger    text NOT NULL,
      period    text NOT NULL,
      run_id    bigint NOT NULL,
      landed_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (ledger, period)
    );
    COMMENT ON TABLE landed_periods IS 'Periods of a ledger whose vouchers were listed to the end: only there does a missing voucher mean anything.';

    CREATE TABLE landed_records (
      company         text NOT NULL,
      source          text NOT NULL,
      form            text NOT NULL,
      record_id       text COLLATE "C" NOT NULL,
      document_number text NOT NULL,
      change          text NOT NULL CHECK (change IN ('none','new','edited')),
      effects         jsonb NOT NULL DEFAULT '[]',
      run_id          bigint NOT NULL,
      PRIMARY KEY (company, source, form, record_id)
    );
    CREATE INDEX landed_records_changed ON landed_records (company, source) WHERE change <> 'none';
    COMMENT ON TABLE landed_records IS 'One row per record the source listed last; change says how it stands to the movement log.';
    COMMENT ON COLUMN landed_records.effects IS 'For changed records: what the log does not know yet, [{item, warehouse, batch, quantity}] in stock units.';

    CREATE TABLE landed_sources (
      company   text NOT NULL,
      source    text NOT NULL,
      run_id    bigint NOT NULL,
      landed_at timestamptz NOT NULL DEFAULT now(),
      balances  integer NOT NULL,
      PRIMARY KEY (company, source)
    );
    COMMENT ON COLUMN landed_sources.balances IS 'How many rows of stock on hand the source gave; 0 means that it keeps none.';

    ALTER TABLE erp_balances ADD COLUMN opening_quantity numeric;

    CREATE INDEX exceptions_by_ledger ON exceptions (company, (evidence ->> 'ledger')) WHERE state = 'open';
  `.execute(db);
}
