import { type Kysely, sql } from "kysely";

/** What the sync remembers besides its cursor: where the overlap begins, the mark of a running pass, an unreadable version. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    ALTER TABLE source_forms
      ADD COLUMN overlap_cursor text NOT NULL DEFAULT '',
      ADD COLUMN overlap_next_cursor text NOT NULL DEFAULT '',
      ADD COLUMN overlap_next_at timestamptz,
      ADD COLUMN pass_mark text;
    COMMENT ON COLUMN source_forms.overlap_cursor IS 'Where the cursor stood some minutes ago: a sync begins there, for records that became visible late.';
    COMMENT ON COLUMN source_forms.pass_mark IS 'The change mark as read before the running pass; it becomes change_mark when the pass is concluded.';

    ALTER TABLE source_records ADD COLUMN problem_digest text;
    COMMENT ON COLUMN source_records.problem_digest IS 'Digest of the version that could not be understood, while it is the current one.';
    COMMENT ON COLUMN source_records.digest IS 'Digest of the version behind the latest revision; empty before the first.';

    CREATE INDEX count_lines_by_record ON count_lines (company, source, form, record_id);
  `.execute(db);
}
