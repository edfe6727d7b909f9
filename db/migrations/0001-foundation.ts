import { type Kysely, sql } from "kysely";

/**
 * Ids that carry their month. An id is YYYYMM × 10^12 + a number of the sequence, so that a table partitioned by id is
 * partitioned by month, and a unique constraint that contains the id holds over all partitions.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE SEQUENCE zs_sequence AS bigint;

    CREATE FUNCTION zs_next_id() RETURNS bigint LANGUAGE sql VOLATILE AS $$
      SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYYMM')::bigint * 1000000000000 + nextval('zs_sequence')
    $$;

    CREATE TABLE partitioned_tables (
      table_name text PRIMARY KEY,
      id_factor  bigint NOT NULL DEFAULT 1
    );
    COMMENT ON TABLE partitioned_tables IS 'Tables that grow for ever; id_factor: how many ids one number of the sequence makes.';

    CREATE FUNCTION zs_ensure_partitions(first_month date, months integer) RETURNS integer LANGUAGE plpgsql AS $$
    DECLARE
      entry record; month date; low bigint; high bigint; name text; made integer := 0;
    BEGIN
      PERFORM pg_advisory_xact_lock(hashtext('zs_ensure_partitions'));
      FOR entry IN SELECT table_name, id_factor FROM partitioned_tables ORDER BY table_name LOOP
        FOR offset_months IN 0 .. months - 1 LOOP
          month := (date_trunc('month', first_month) + make_interval(months => offset_months))::date;
          name := entry.table_name || '_' || to_char(month, 'YYYYMM');
          IF to_regclass(name) IS NULL THEN
            low  := to_char(month, 'YYYYMM')::bigint * 1000000000000 * entry.id_factor;
            high := to_char(month + interval '1 month', 'YYYYMM')::bigint * 1000000000000 * entry.id_factor;
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s)', name, entry.table_name, low, high);
            made := made + 1;
          END IF;
        END LOOP;
      END LOOP;
      RETURN made;
    END $$;

    CREATE TABLE installation_versions (
      version       integer PRIMARY KEY,
      configuration jsonb NOT NULL,
      digest        text NOT NULL,
      applied_at    timestamptz NOT NULL DEFAULT now()
    );
    COMMENT ON TABLE installation_versions IS 'Every applied configuration; the highest version is in force. Holds no secret.';

    CREATE TABLE code_entries (
      code_table  text NOT NULL,
      ledger      text NOT NULL,
      their_code  text NOT NULL,
      our_code    text NOT NULL,
      valid_from  date NOT NULL DEFAULT '0001-01-01',
      valid_to    date,
      PRIMARY KEY (ledger, code_table, their_code, valid_from),
      CHECK (valid_to IS NULL OR valid_to >= valid_from)
    );
    COMMENT ON COLUMN code_entries.their_code IS 'The warehouse side''s code.';
    COMMENT ON COLUMN code_entries.our_code IS 'The code in the ERP.';

    CREATE TABLE pacer_permits (
      connection  text NOT NULL,
      lane        text NOT NULL,
      next_at     timestamptz NOT NULL,
      PRIMARY KEY (connection, lane)
    );
    COMMENT ON TABLE pacer_permits IS 'When the next request to a connection''s interface may start; shared by all workers.';
  `.execute(db);
}
