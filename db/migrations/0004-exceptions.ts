import { type Kysely, sql } from "kysely";

/** What people have to look at, and the two sides as landed for comparison. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE exceptions (
      exception_id  text COLLATE "C" PRIMARY KEY,
      company       text NOT NULL,
      kind          text NOT NULL CHECK (kind IN ('difference','blocked','record','ledger')),
      cause         integer,
      certainty     text CHECK (certainty IN ('certain','suspected')),
      code          text NOT NULL,
      subject       text NOT NULL,
      evidence      jsonb NOT NULL DEFAULT '{}',
      affected      integer NOT NULL DEFAULT 1,
      amount        numeric,
      state         text NOT NULL DEFAULT 'open' CHECK (state IN ('open','closed')),
      first_seen_at timestamptz NOT NULL DEFAULT now(),
      last_seen_at  timestamptz NOT NULL DEFAULT now(),
      closed_at     timestamptz,
      reopened      integer NOT NULL DEFAULT 0
    );
    CREATE INDEX exceptions_open ON exceptions (company, kind, first_seen_at) WHERE state = 'open';
    COMMENT ON TABLE exceptions IS 'One row per business difference or blocked thing; it keeps its id over as many runs as it lasts.';

    CREATE TABLE reconciliation_runs (
      run_id      bigint PRIMARY KEY,
      company     text NOT NULL,
      ledger      text NOT NULL,
      statement   text NOT NULL,
      started_at  timestamptz NOT NULL DEFAULT now(),
      finished_at timestamptz,
      summary     jsonb
    );

    CREATE TABLE erp_vouchers (
      ledger      text NOT NULL,
      period      text NOT NULL,
      erp_id      text COLLATE "C" NOT NULL,
      posting_key text COLLATE "C" NOT NULL,
      word        text NOT NULL,
      number      text NOT NULL,
      dated       date NOT NULL,
      stage       text NOT NULL,
      voided      boolean NOT NULL,
      origin      text NOT NULL,
      maker       text NOT NULL,
      voucher     jsonb NOT NULL,
      run_id      bigint NOT NULL,
      PRIMARY KEY (ledger, erp_id)
    );
    CREATE INDEX erp_vouchers_by_key ON erp_vouchers (ledger, posting_key) WHERE posting_key <> '';

    CREATE TABLE erp_balances (
      ledger   text NOT NULL,
      period   text NOT NULL,
      account  text COLLATE "C" NOT NULL,
      item     text COLLATE "C" NOT NULL,
      opening  numeric NOT NULL,
      debit    numeric NOT NULL,
      credit   numeric NOT NULL,
      closing  numeric NOT NULL,
      closing_quantity numeric,
      run_id   bigint NOT NULL,
      PRIMARY KEY (ledger, period, account, item)
    );

    SELECT zs_ensure_partitions(now()::date, 3);
  `.execute(db);
}
