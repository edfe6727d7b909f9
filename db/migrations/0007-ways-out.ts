import { type Kysely, sql } from "kysely";

/** Ways out of every state a posting may stand still in, and what they need to be remembered. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    -- Purposes of which one movement has one voucher must not slip past the unique constraint by an occurrence.
    ALTER TABLE posting_movements
      ADD COLUMN basis jsonb,
      ADD CONSTRAINT posting_movements_occurrence CHECK (occurrence = '' OR purpose IN
        ('re-estimate','estimate-reversal','invoice','invoice-difference','cost-correction','reversal'));
    COMMENT ON COLUMN posting_movements.basis IS 'What the voucher was drawn from where it is not simply the movement at its value: date, place, quantity and amounts.';

    ALTER TABLE postings
      ADD COLUMN retry text,
      ADD COLUMN failures integer NOT NULL DEFAULT 0,
      ADD CONSTRAINT postings_retry CHECK (retry IN ('redraw','read'));
    COMMENT ON COLUMN postings.retry IS 'What a person asked for: to draw the voucher anew as soon as nothing of it is in the ERP or its reversal is verified, or to read it back once more.';
    COMMENT ON COLUMN postings.failures IS 'How often in a row a request that held this voucher ended without saying what became of it, or a look-up proved nothing.';

    ALTER TABLE ledger_states
      ADD COLUMN control_keys text[] NOT NULL DEFAULT '{}',
      ADD COLUMN controls_at timestamptz;
    UPDATE ledger_states SET control_keys = ARRAY[control_key], controls_at = now() WHERE control_key IS NOT NULL;
    ALTER TABLE ledger_states DROP COLUMN control_key;
    COMMENT ON COLUMN ledger_states.control_keys IS 'Keys known to be in the ERP''s books, the newest first: what proves that a query can see.';

    CREATE INDEX postings_to_retry ON postings (ledger, posting_id) WHERE retry IS NOT NULL;
  `.execute(db);
}
