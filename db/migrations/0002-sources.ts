import { type Kysely, sql } from "kysely";

/** What the warehouse side says: registry of records, the append-only movement log, counts, items, balances, pushes. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE source_forms (
      company        text NOT NULL,
      source         text NOT NULL,
      form           text NOT NULL,
      cursor         text NOT NULL DEFAULT '',
      change_mark    text,
      pass_number    bigint NOT NULL DEFAULT 0,
      pass_cursor    text,
      pass_started_at timestamptz,
      last_pass_at   timestamptz,
      last_pass_count bigint,
      pulled_at      timestamptz,
      PRIMARY KEY (company, source, form)
    );
    COMMENT ON COLUMN source_forms.cursor IS 'Where new records are read from; opaque.';
    COMMENT ON COLUMN source_forms.pass_cursor IS 'Where a running re-read stands; null between passes.';

    CREATE TABLE source_records (
      company        text NOT NULL,
      source         text NOT NULL,
      form           text NOT NULL,
      record_id      text COLLATE "C" NOT NULL,
      record_number  bigint NOT NULL UNIQUE,
      document_number text NOT NULL,
      revision       integer NOT NULL,
      digest         text NOT NULL,
      cancelled      boolean NOT NULL DEFAULT false,
      lines          integer NOT NULL,
      seen_pass      bigint NOT NULL DEFAULT 0,
      source_updated_at timestamptz NOT NULL,
      first_seen_at  timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (company, source, form, record_id)
    );
    CREATE INDEX source_records_by_pass ON source_records (company, source, form, seen_pass) WHERE NOT cancelled;
    CREATE INDEX source_records_by_document ON source_records (company, document_number);
    COMMENT ON TABLE source_records IS 'One row per record of a source, with its latest revision.';

    CREATE TABLE movements (
      movement_id    bigint NOT NULL,
      revision       integer NOT NULL,
      arrival        bigint NOT NULL,
      company        text NOT NULL,
      source         text NOT NULL,
      form           text NOT NULL,
      record_id      text COLLATE "C" NOT NULL,
      line_id        text NOT NULL,
      cancelled      boolean NOT NULL,
      kind           text NOT NULL,
      document_number text NOT NULL,
      happened_at    timestamptz NOT NULL,
      happened_on    date NOT NULL,
      item           text NOT NULL,
      warehouse      text NOT NULL,
      counter_warehouse text NOT NULL,
      batch          text NOT NULL,
      unit           text NOT NULL,
      quantity       numeric NOT NULL,
      amount         numeric,
      tax_amount     numeric,
      sales_amount   numeric,
      currency       text NOT NULL,
      partner        text NOT NULL,
      department     text NOT NULL,
      order_number   text NOT NULL,
      cause          text NOT NULL,
      invoiced       boolean NOT NULL,
      origin_document text NOT NULL,
      source_updated_at timestamptz NOT NULL,
      recorded_at    timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (movement_id, revision)
    ) PARTITION BY RANGE (movement_id);
    INSERT INTO partitioned_tables VALUES ('movements', 1);
    CREATE INDEX movements_by_arrival ON movements (company, source, arrival);
    CREATE INDEX movements_by_record ON movements (company, source, form, record_id);
    CREATE INDEX movements_by_item ON movements (company, item, happened_on);
    CREATE INDEX movements_by_document ON movements (company, document_number);
    COMMENT ON TABLE movements IS 'The movement log: append-only. A change or cancellation is a new revision.';
    COMMENT ON COLUMN movements.arrival IS 'Order in which revisions reached us; drafting follows it.';

    CREATE FUNCTION zs_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
    END $$;
    CREATE TRIGGER movements_append_only BEFORE UPDATE OR DELETE ON movements
      FOR EACH STATEMENT EXECUTE FUNCTION zs_append_only();

    CREATE TABLE count_lines (
      movement_id    bigint NOT NULL,
      revision       integer NOT NULL,
      company        text NOT NULL,
      source         text NOT NULL,
      form           text NOT NULL,
      record_id      text COLLATE "C" NOT NULL,
      line_id        text NOT NULL,
      cancelled      boolean NOT NULL,
      document_number text NOT NULL,
      counted_at     timestamptz NOT NULL,
      counted_on     date NOT NULL,
      item           text NOT NULL,
      warehouse      text NOT NULL,
      batch          text NOT NULL,
      unit           text NOT NULL,
      book_quantity  numeric NOT NULL,
      counted_quantity numeric NOT NULL,
      recorded_at    timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (movement_id, revision)
    ) PARTITION BY RANGE (movement_id);
    INSERT INTO partitioned_tables VALUES ('count_lines', 1);
    CREATE INDEX count_lines_by_item ON count_lines (company, item, counted_on);

    CREATE TABLE items (
      company     text NOT NULL,
      code        text NOT NULL,
      name        text NOT NULL,
      item_class  text NOT NULL,
      unit        text NOT NULL,
      conversions jsonb NOT NULL DEFAULT '{}',
      read_at     timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (company, code)
    );
    COMMENT ON COLUMN items.conversions IS 'unit -> stock units per one of it, as text';

    CREATE TABLE warehouse_balances (
      company    text NOT NULL,
      source     text NOT NULL,
      item       text COLLATE "C" NOT NULL,
      warehouse  text COLLATE "C" NOT NULL,
      batch      text COLLATE "C" NOT NULL,
      quantity   numeric NOT NULL,
      read_at    timestamptz NOT NULL,
      PRIMARY KEY (company, source, item, warehouse, batch)
    );

    CREATE TABLE push_inbox (
      company     text NOT NULL,
      source      text NOT NULL,
      delivery_id text NOT NULL,
      form        text NOT NULL,
      record_id   text NOT NULL,
      event       text NOT NULL,
      received_at timestamptz NOT NULL DEFAULT now(),
      handled_at  timestamptz,
      PRIMARY KEY (company, source, delivery_id)
    );
    CREATE INDEX push_inbox_waiting ON push_inbox (company, source, received_at) WHERE handled_at IS NULL;
  `.execute(db);
}
