import { type Kysely, sql } from "kysely";

/** What we told the ERP: one row per posting key, its voucher's lines, every attempt, what was read back. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE posting_keys (
      posting_key text COLLATE "C" PRIMARY KEY,
      posting_id  bigint NOT NULL UNIQUE,
      ledger      text NOT NULL,
      short_key   text COLLATE "C" NOT NULL,
      CONSTRAINT posting_keys_shape CHECK (posting_key ~ '^[a-z2-7]{26}$'),
      CONSTRAINT posting_keys_short_unique UNIQUE (ledger, short_key),
      CONSTRAINT posting_keys_pair UNIQUE (posting_key, posting_id)
    );
    COMMENT ON TABLE posting_keys IS 'Every key ever assigned. Keys never expire: rows are never deleted.';

    CREATE TABLE postings (
      posting_id    bigint PRIMARY KEY,
      posting_key   text COLLATE "C" NOT NULL,
      company       text NOT NULL,
      ledger        text NOT NULL,
      book          text NOT NULL,
      source        text NOT NULL,
      form          text NOT NULL,
      record_id     text NOT NULL,
      purpose       text NOT NULL,
      part          integer NOT NULL,
      generation    integer NOT NULL,
      group_name    text NOT NULL,
      state         text NOT NULL,
      stage         text NOT NULL DEFAULT 'none',
      target_stage  text NOT NULL,
      word          text NOT NULL,
      accounted_on  date NOT NULL,
      period        text NOT NULL,
      late          boolean NOT NULL DEFAULT false,
      attachments   integer NOT NULL,
      currency      text NOT NULL,
      documents     text[] NOT NULL,
      summary       text NOT NULL,
      rule_name     text NOT NULL,
      rule_version  integer NOT NULL,
      debit_total   numeric NOT NULL,
      credit_total  numeric NOT NULL,
      fingerprint   text NOT NULL,
      erp_id        text,
      erp_number    text,
      lease_owner   text,
      lease_until   timestamptz,
      sent_at       timestamptz,
      deadline_at   timestamptz,
      look_up_after timestamptz,
      absent_count  integer NOT NULL DEFAULT 0,
      absent_at     timestamptz,
      attempts      integer NOT NULL DEFAULT 0,
      retry_after   timestamptz,
      error_code    text,
      error_message text,
      source_changed boolean NOT NULL DEFAULT false,
      reverses      bigint,
      reversed_by   bigint,
      audited_seen  boolean NOT NULL DEFAULT false,
      created_at    timestamptz NOT NULL DEFAULT now(),
      posted_at     timestamptz,
      verified_at   timestamptz,
      CONSTRAINT postings_key FOREIGN KEY (posting_key, posting_id) REFERENCES posting_keys (posting_key, posting_id),
      CONSTRAINT postings_balanced CHECK (debit_total = credit_total),
      CONSTRAINT postings_state CHECK (state IN ('drafted','approved','ready','sending','posted','verified','held','refused','uncertain','differs','withdrawn','reversed')),
      CONSTRAINT postings_stage CHECK (stage IN ('none','saved','submitted','audited','booked')),
      CONSTRAINT postings_purpose CHECK (purpose IN ('stock','revenue','estimate-reversal','re-estimate','invoice','invoice-difference','cost-correction','reversal')),
      CONSTRAINT postings_sent CHECK (state <> 'uncertain' OR sent_at IS NOT NULL),
      CONSTRAINT postings_known CHECK (state NOT IN ('posted','verified','differs') OR erp_id IS NOT NULL),
      CONSTRAINT postings_period CHECK (period = to_char(accounted_on, 'YYYY-MM'))
    ) PARTITION BY RANGE (posting_id);
    INSERT INTO partitioned_tables VALUES ('postings', 1);
    CREATE INDEX postings_work ON postings (ledger, state, posting_id) WHERE state NOT IN ('verified','withdrawn','reversed');
    CREATE INDEX postings_by_period ON postings (ledger, period, posting_id);
    CREATE INDEX postings_by_record ON postings (company, source, form, record_id);
    CREATE INDEX postings_by_erp_id ON postings (ledger, erp_id) WHERE erp_id IS NOT NULL;
    CREATE INDEX postings_by_key ON postings (posting_key);
    CREATE INDEX postings_by_group ON postings (ledger, group_name, part);
    COMMENT ON COLUMN postings.sent_at IS 'Stamped by one statement just before the request, while the lease holds; without it nothing was sent.';
    COMMENT ON COLUMN postings.late IS 'True where a closed period moved the date (补记).';
    COMMENT ON COLUMN postings.source_changed IS 'The source changed while this was sending or uncertain; handled once the outcome is known.';

    CREATE FUNCTION zs_posting_moves(old_state text, new_state text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
      SELECT CASE old_state
        WHEN 'drafted'   THEN new_state IN ('approved','ready','held','withdrawn')
        WHEN 'approved'  THEN new_state IN ('ready','held','withdrawn','drafted')
        WHEN 'ready'     THEN new_state IN ('sending','held','withdrawn','drafted')
        WHEN 'sending'   THEN new_state IN ('posted','refused','uncertain','ready','held')
        WHEN 'uncertain' THEN new_state IN ('posted','ready','withdrawn')
        WHEN 'posted'    THEN new_state IN ('verified','differs')
        WHEN 'verified'  THEN new_state IN ('differs','reversed')
        WHEN 'differs'   THEN new_state IN ('verified','reversed')
        WHEN 'held'      THEN new_state IN ('drafted','ready','withdrawn')
        WHEN 'refused'   THEN new_state IN ('drafted','ready','withdrawn')
        ELSE false END
    $$;
    CREATE FUNCTION zs_posting_guard() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.state <> OLD.state AND NOT zs_posting_moves(OLD.state, NEW.state) THEN
        RAISE EXCEPTION 'posting % may not go from % to %', OLD.posting_key, OLD.state, NEW.state
          USING ERRCODE = 'check_violation', CONSTRAINT = 'postings_allowed_move';
      END IF;
      IF NEW.fingerprint <> OLD.fingerprint AND OLD.state NOT IN ('drafted','approved','ready','held','refused') THEN
        RAISE EXCEPTION 'posting % is frozen in state %', OLD.posting_key, OLD.state
          USING ERRCODE = 'check_violation', CONSTRAINT = 'postings_frozen';
      END IF;
      IF NEW.posting_key <> OLD.posting_key THEN
        RAISE EXCEPTION 'posting keys never change' USING ERRCODE = 'check_violation', CONSTRAINT = 'postings_key_fixed';
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER postings_guard BEFORE UPDATE ON postings FOR EACH ROW EXECUTE FUNCTION zs_posting_guard();

    CREATE TABLE voucher_lines (
      posting_id  bigint NOT NULL,
      line_number integer NOT NULL,
      side        text NOT NULL CHECK (side IN ('debit','credit')),
      role        text NOT NULL,
      account     text NOT NULL,
      amount      numeric NOT NULL,
      quantity    numeric,
      unit        text,
      unit_price  numeric,
      item        text,
      dimensions  jsonb NOT NULL,
      summary     text NOT NULL,
      why         text NOT NULL,
      movement_ids bigint[] NOT NULL,
      PRIMARY KEY (posting_id, line_number)
    ) PARTITION BY RANGE (posting_id);
    INSERT INTO partitioned_tables VALUES ('voucher_lines', 1);
    CREATE INDEX voucher_lines_by_account ON voucher_lines (account, item, posting_id);

    CREATE FUNCTION zs_lines_balance_new() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE wrong bigint;
    BEGIN
      SELECT l.posting_id INTO wrong FROM voucher_lines l
        WHERE l.posting_id IN (SELECT DISTINCT posting_id FROM changed)
        GROUP BY l.posting_id
        HAVING sum(CASE l.side WHEN 'debit' THEN l.amount ELSE -l.amount END) <> 0 LIMIT 1;
      IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'lines of posting % do not balance', wrong
          USING ERRCODE = 'check_violation', CONSTRAINT = 'voucher_lines_balanced';
      END IF;
      RETURN NULL;
    END $$;
    CREATE TRIGGER voucher_lines_balanced_insert AFTER INSERT ON voucher_lines
      REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION zs_lines_balance_new();
    CREATE TRIGGER voucher_lines_balanced_update AFTER UPDATE ON voucher_lines
      REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION zs_lines_balance_new();
    CREATE TRIGGER voucher_lines_balanced_delete AFTER DELETE ON voucher_lines
      REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION zs_lines_balance_new();

    CREATE TABLE posting_movements (
      movement_id bigint NOT NULL,
      revision    integer NOT NULL,
      ledger      text NOT NULL,
      purpose     text NOT NULL,
      generation  integer NOT NULL,
      occurrence  text NOT NULL DEFAULT '',
      posting_id  bigint NOT NULL,
      quantity    numeric NOT NULL,
      value       numeric NOT NULL,
      CONSTRAINT one_movement_one_voucher UNIQUE (ledger, movement_id, purpose, generation, occurrence)
    ) PARTITION BY RANGE (movement_id);
    INSERT INTO partitioned_tables VALUES ('posting_movements', 1);
    CREATE INDEX posting_movements_by_posting ON posting_movements (posting_id);
    COMMENT ON COLUMN posting_movements.occurrence IS 'Empty, except for purposes that may repeat: the month of a re-estimate, the arrival that caused a cost correction, the invoice line.';

    CREATE TABLE posting_attempts (
      posting_id bigint NOT NULL,
      attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      act        text NOT NULL,
      outcome    text NOT NULL,
      code       text,
      message    text,
      erp_id     text,
      worker     text NOT NULL
    ) PARTITION BY RANGE (posting_id);
    INSERT INTO partitioned_tables VALUES ('posting_attempts', 1);
    CREATE INDEX posting_attempts_by_posting ON posting_attempts (posting_id, attempt_at);

    CREATE TABLE read_backs (
      posting_id bigint NOT NULL,
      read_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
      equal      boolean NOT NULL,
      voucher    jsonb NOT NULL,
      deviations jsonb NOT NULL
    ) PARTITION BY RANGE (posting_id);
    INSERT INTO partitioned_tables VALUES ('read_backs', 1);
    CREATE INDEX read_backs_by_posting ON read_backs (posting_id, read_at);

    CREATE TABLE ledger_states (
      company       text NOT NULL,
      ledger        text PRIMARY KEY,
      paused        boolean NOT NULL DEFAULT false,
      pause_code    text,
      pause_message text,
      control_key   text
    );
    COMMENT ON COLUMN ledger_states.control_key IS 'A key known to be in the ERP''s books: what proves that a query can see.';

    CREATE TABLE draft_cursors (
      ledger  text NOT NULL,
      source  text NOT NULL,
      arrival bigint NOT NULL DEFAULT 0,
      PRIMARY KEY (ledger, source)
    );

    CREATE TABLE blocked_movements (
      ledger      text NOT NULL,
      movement_id bigint NOT NULL,
      revision    integer NOT NULL,
      source      text NOT NULL,
      arrival     bigint NOT NULL,
      code        text NOT NULL,
      subject     text NOT NULL,
      since       timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (ledger, movement_id)
    );
    CREATE INDEX blocked_movements_by_subject ON blocked_movements (ledger, code, subject);
    COMMENT ON TABLE blocked_movements IS 'Movements that could not be drafted, with the missing thing behind each; tried again at every drafting.';

    CREATE TABLE cost_entries (
      ledger      text NOT NULL,
      item        text NOT NULL,
      scope       text NOT NULL,
      accounted_on date NOT NULL,
      effect      text NOT NULL,
      arrival     bigint NOT NULL,
      movement_id bigint NOT NULL,
      entry       jsonb NOT NULL,
      PRIMARY KEY (ledger, movement_id)
    );
    CREATE INDEX cost_entries_by_item ON cost_entries (ledger, item, accounted_on);
    COMMENT ON TABLE cost_entries IS 'The costing history per item: what each movement was worth; derived, recomputable from the movement log.';

    CREATE TABLE costing_states (
      ledger      text NOT NULL,
      item        text COLLATE "C" NOT NULL,
      running     jsonb NOT NULL,
      PRIMARY KEY (ledger, item)
    );
    COMMENT ON TABLE costing_states IS 'Per item: quantity, value and average of each averaging scope after its last valued event.';

    CREATE VIEW stock_values AS
      SELECT s.ledger, s.item, scope.key AS scope, (scope.value ->> 'quantity')::numeric AS quantity, (scope.value ->> 'value')::numeric AS value
      FROM costing_states s CROSS JOIN LATERAL jsonb_each(s.running -> 'scopes') AS scope;

    CREATE TABLE estimates (
      ledger      text NOT NULL,
      movement_id bigint NOT NULL,
      document_number text NOT NULL,
      item        text NOT NULL,
      state       jsonb NOT NULL,
      closed      boolean NOT NULL DEFAULT false,
      PRIMARY KEY (ledger, movement_id)
    );
    CREATE INDEX estimates_open ON estimates (ledger, document_number, item) WHERE NOT closed;
    COMMENT ON TABLE estimates IS '暂估: the open part of every receipt that came without its invoice.';
  `.execute(db);
}
