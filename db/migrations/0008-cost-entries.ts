import { type Kysely, sql } from "kysely";

/**
 * The costing history in columns, by month of the movement. As JSON it was several times as large, and writing it was the
 * dearest part of drafting. What stood there is carried over.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    ALTER TABLE cost_entries RENAME TO cost_entries_before;
    ALTER TABLE cost_entries_before RENAME CONSTRAINT cost_entries_pkey TO cost_entries_before_pkey;
    DROP INDEX cost_entries_by_item;

    CREATE TABLE cost_entries (
      ledger           text NOT NULL,
      movement_id      bigint NOT NULL,
      item             text NOT NULL,
      scope            text NOT NULL,
      accounted_on     date NOT NULL,
      at               text NOT NULL,
      arrival          bigint NOT NULL,
      effect           text NOT NULL,
      is_return        boolean NOT NULL,
      counter_scope    text,
      quantity         numeric NOT NULL,
      amount           numeric,
      origin           text,
      order_number     text,
      cancelled        boolean NOT NULL,
      canonical        numeric NOT NULL,
      booked           numeric NOT NULL,
      basis            text NOT NULL,
      running_quantity numeric NOT NULL,
      running_value    numeric NOT NULL,
      PRIMARY KEY (ledger, movement_id)
    ) PARTITION BY RANGE (movement_id);
    CREATE INDEX cost_entries_by_item ON cost_entries (ledger, item);
    INSERT INTO partitioned_tables VALUES ('cost_entries', 1);
    COMMENT ON TABLE cost_entries IS 'The costing history per item: what each movement was worth; derived, recomputable from the movement log.';
    COMMENT ON COLUMN cost_entries.at IS 'When it happened, as text: places in the canonical order are compared as text.';
    COMMENT ON COLUMN cost_entries.canonical IS 'Value moved according to the canonical order; booked: the sum of what was given to vouchers.';
    SELECT zs_ensure_partitions(
      coalesce((SELECT to_date((min(movement_id) / 1000000000000)::text, 'YYYYMM') FROM cost_entries_before), date_trunc('month', now())::date),
      coalesce((SELECT (EXTRACT(YEAR FROM age) * 12 + EXTRACT(MONTH FROM age))::integer FROM (
        SELECT age(date_trunc('month', now()), to_date((min(movement_id) / 1000000000000)::text, 'YYYYMM')) FROM cost_entries_before) a (age)), 0) + 3);

    INSERT INTO cost_entries
      SELECT ledger, movement_id, item, scope, accounted_on, entry -> 'event' ->> 'at', arrival, effect,
        coalesce((entry -> 'event' ->> 'isReturn')::boolean, false), entry -> 'event' ->> 'counterScope',
        (entry -> 'event' ->> 'quantity')::numeric, (entry -> 'event' ->> 'amount')::numeric, entry -> 'event' ->> 'origin',
        entry -> 'event' ->> 'order', coalesce((entry -> 'event' ->> 'cancelled')::boolean, false),
        (entry ->> 'canonical')::numeric, (entry ->> 'booked')::numeric, entry ->> 'basis',
        (entry ->> 'runningQuantity')::numeric, (entry ->> 'runningValue')::numeric
      FROM cost_entries_before;
    DROP TABLE cost_entries_before;
  `.execute(db);
}
