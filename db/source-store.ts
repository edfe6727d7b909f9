import { z } from "zod";
import type { Decimal } from "../domain/decimal.ts";
import type { ErrorCode } from "../domain/errors.ts";
import type { Database } from "./database.ts";
import { type FormIdentity, type IngestSummary, type PageToIngest, cancelRecords, ingestPage } from "./ingest.ts";

/** Names one source of one company. */
export interface SourceIdentity {
  readonly company: string;
  readonly source: string;
}

/** A re-read that is under way. */
export interface Pass {
  readonly number: number;
  readonly cursor: string;
}

/** What a finished re-read found, before anything is concluded from it. */
export interface PassResult {
  /** Records seen in the pass. */
  readonly seen: number;
  /** Records of ours that are not cancelled. */
  readonly live: number;
  /** Live records that were there before the pass and did not come up in it. */
  readonly unseen: number;
}

export interface InboxEntry {
  readonly deliveryId: string;
  readonly form: string;
  readonly recordId: string;
  readonly event: "changed" | "removed" | "form-changed";
}

export interface ItemRow {
  readonly code: string;
  readonly name: string;
  readonly itemClass: string;
  readonly unit: string;
  readonly conversions: readonly { readonly unit: string; readonly factor: Decimal }[];
}

export interface BalanceRow {
  readonly item: string;
  readonly warehouse: string;
  readonly batch: string;
  readonly quantity: Decimal;
}

/** Everything the sync keeps in the database. Every method may be repeated. */
export interface SourceStore {
  /** Makes the partitions of this and the next months, and a row per form. */
  prepare(source: SourceIdentity, forms: readonly string[]): Promise<void>;
  ingest(page: PageToIngest): Promise<IngestSummary>;
  /** Where the form's new records are read from. */
  cursor(form: FormIdentity): Promise<string>;
  /** Where a sync begins: the cursor of some minutes ago. Also notes where the cursor is now, for later. */
  overlapCursor(form: FormIdentity, overlapMs: number): Promise<string>;
  /** The running re-read, or undefined between two. */
  runningPass(form: FormIdentity): Promise<Pass | undefined>;
  /** Begins a re-read if the mark changed since the last one or the last one is older than the interval. */
  beginPassWhenDue(form: FormIdentity, mark: string | undefined, intervalMs: number): Promise<Pass | undefined>;
  passResult(form: FormIdentity): Promise<PassResult>;
  /** Live records that the running pass did not see, in id order. */
  unseenRecords(form: FormIdentity, sizeMax: number): Promise<readonly string[]>;
  /** Ends the pass as complete. */
  concludePass(form: FormIdentity, seen: number): Promise<void>;
  /** Ends the pass without a conclusion; the next one is due after the interval. */
  abandonPass(form: FormIdentity): Promise<void>;
  /** The form itself changed: the next sync reads all of it again. */
  requirePass(form: FormIdentity): Promise<void>;
  /** How many of these ids are live records of ours, and how many live records there are. */
  liveRecords(form: FormIdentity, ids: readonly string[]): Promise<{ readonly named: number; readonly all: number }>;
  cancelRecords(form: FormIdentity, ids: readonly string[]): Promise<number>;
  /** Opens the exception that says why nothing was concluded from a read, or closes it with `code` undefined. */
  reportSnapshot(
    form: FormIdentity,
    code: ErrorCode | undefined,
    evidence: Readonly<Record<string, string | number>>,
  ): Promise<void>;
  waitingPushes(source: SourceIdentity, sizeMax: number): Promise<readonly InboxEntry[]>;
  pushesHandled(source: SourceIdentity, deliveryIds: readonly string[]): Promise<void>;
  /** Removes what was handled long ago. @returns how many */
  removeHandledPushes(source: SourceIdentity): Promise<number>;
  writeItems(company: string, items: readonly ItemRow[]): Promise<void>;
  /** The database's clock, to be handed to the following two. */
  now(): Promise<string>;
  writeBalances(source: SourceIdentity, readAt: string, balances: readonly BalanceRow[]): Promise<void>;
  /** Removes balances that the read of `readAt` did not bring. */
  removeOlderBalances(source: SourceIdentity, readAt: string): Promise<number>;
}

const PARTITION_MONTHS = 3;
const Count = z.object({ count: z.coerce.number() });
const key = ({ company, source, form }: FormIdentity): [string, string, string] => [company, source, form];
const OF_FORM = "company = $1 AND source = $2 AND form = $3";

/** Live records that were there before the pass and did not come up in it. */
const UNSEEN = `FROM source_records r JOIN source_forms f USING (company, source, form)
  WHERE r.company = $1 AND r.source = $2 AND r.form = $3 AND NOT r.cancelled
    AND r.seen_pass < f.pass_number AND r.first_seen_at < f.pass_started_at`;

export const createSourceStore = (database: Database): SourceStore => {
  const { pool } = database;
  const preparedMonths = new Set<string>();

  return {
    async prepare({ company, source }, forms) {
      const { rows } = await pool.query<{ month: string }>(
        "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM') AS month",
      );
      const month = z.string().parse(rows[0]?.month);
      if (!preparedMonths.has(month)) {
        await pool.query("SELECT zs_ensure_partitions((now() AT TIME ZONE 'UTC')::date, $1)", [PARTITION_MONTHS]);
        preparedMonths.add(month);
      }
      await pool.query(
        `INSERT INTO source_forms (company, source, form) SELECT $1, $2, unnest($3::text[]) ON CONFLICT DO NOTHING`,
        [company, source, forms],
      );
    },

    ingest: (page) => ingestPage(database, page),

    async cursor(form) {
      const { rows } = await pool.query<{ cursor: string }>(
        `SELECT cursor FROM source_forms WHERE ${OF_FORM}`,
        key(form),
      );
      return rows[0]?.cursor ?? "";
    },

    async overlapCursor(form, overlapMs) {
      const { rows } = await pool.query<{ overlap_cursor: string }>(
        `UPDATE source_forms SET
           overlap_cursor = CASE WHEN overlap_next_at < now() - $4 * interval '1 ms' THEN overlap_next_cursor ELSE overlap_cursor END,
           overlap_next_cursor = CASE WHEN overlap_next_at >= now() - $4 * interval '1 ms' THEN overlap_next_cursor ELSE cursor END,
           overlap_next_at = CASE WHEN overlap_next_at >= now() - $4 * interval '1 ms' THEN overlap_next_at ELSE now() END
         WHERE ${OF_FORM} RETURNING overlap_cursor`,
        [...key(form), overlapMs],
      );
      return rows[0]?.overlap_cursor ?? "";
    },

    async runningPass(form) {
      const { rows } = await pool.query<{ pass_number: string; pass_cursor: string }>(
        `SELECT pass_number, pass_cursor FROM source_forms WHERE ${OF_FORM} AND pass_cursor IS NOT NULL`,
        key(form),
      );
      return passOf(rows[0]);
    },

    async beginPassWhenDue(form, mark, intervalMs) {
      const { rows } = await pool.query<{ pass_number: string; pass_cursor: string }>(
        `UPDATE source_forms SET pass_number = pass_number + 1, pass_cursor = '', pass_started_at = now(), pass_mark = $4::text
         WHERE ${OF_FORM} AND pass_cursor IS NULL
           AND (last_pass_at IS NULL OR last_pass_at <= now() - $5 * interval '1 ms'
                OR ($4::text IS NOT NULL AND change_mark IS DISTINCT FROM $4::text))
         RETURNING pass_number, pass_cursor`,
        [...key(form), mark ?? null, intervalMs],
      );
      return passOf(rows[0]);
    },

    async passResult(form) {
      const seen = await pool.query(
        `SELECT count(*) FROM source_records r JOIN source_forms f USING (company, source, form)
         WHERE r.company = $1 AND r.source = $2 AND r.form = $3 AND NOT r.cancelled AND r.seen_pass = f.pass_number`,
        key(form),
      );
      const live = await pool.query(
        `SELECT count(*) FROM source_records WHERE ${OF_FORM} AND NOT cancelled`,
        key(form),
      );
      const unseen = await pool.query(`SELECT count(*) ${UNSEEN}`, key(form));
      return {
        seen: Count.parse(seen.rows[0]).count,
        live: Count.parse(live.rows[0]).count,
        unseen: Count.parse(unseen.rows[0]).count,
      };
    },

    async unseenRecords(form, sizeMax) {
      const { rows } = await pool.query<{ record_id: string }>(
        `SELECT r.record_id ${UNSEEN} ORDER BY r.record_id LIMIT $4`,
        [...key(form), sizeMax],
      );
      return rows.map(({ record_id }) => record_id);
    },

    async concludePass(form, seen) {
      await pool.query(
        `UPDATE source_forms SET pass_cursor = NULL, last_pass_at = now(), last_pass_count = $4, change_mark = pass_mark
         WHERE ${OF_FORM} AND pass_cursor IS NOT NULL`,
        [...key(form), seen],
      );
    },

    async abandonPass(form) {
      await pool.query(
        `UPDATE source_forms SET pass_cursor = NULL, last_pass_at = now(), change_mark = pass_mark WHERE ${OF_FORM}`,
        key(form),
      );
    },

    async requirePass(form) {
      await pool.query(`UPDATE source_forms SET last_pass_at = NULL WHERE ${OF_FORM}`, key(form));
    },

    async liveRecords(form, ids) {
      const { rows } = await pool.query<{ named: string; all: string }>(
        `SELECT count(*) FILTER (WHERE record_id = ANY ($4)) AS named, count(*) AS all
         FROM source_records WHERE ${OF_FORM} AND NOT cancelled`,
        [...key(form), ids],
      );
      return { named: Number(rows[0]?.named ?? 0), all: Number(rows[0]?.all ?? 0) };
    },

    cancelRecords: (form, ids) => cancelRecords(database, form, ids),

    async reportSnapshot({ company, source, form }, code, evidence) {
      const id = `${company}/record/${form}/${source}/snapshot`;
      if (code === undefined) {
        await pool.query(
          "UPDATE exceptions SET state = 'closed', closed_at = now() WHERE exception_id = $1 AND state = 'open'",
          [id],
        );
        return;
      }
      await pool.query(
        `INSERT INTO exceptions (exception_id, company, kind, code, subject, evidence)
         VALUES ($1, $2, 'record', $3, $4, $5)
         ON CONFLICT (exception_id) DO UPDATE SET code = excluded.code, evidence = excluded.evidence,
           last_seen_at = now(), closed_at = NULL, state = 'open',
           reopened = exceptions.reopened + CASE exceptions.state WHEN 'closed' THEN 1 ELSE 0 END`,
        [id, company, code, form, JSON.stringify({ source, form, ...evidence })],
      );
    },

    async waitingPushes({ company, source }, sizeMax) {
      const { rows } = await pool.query(
        `SELECT delivery_id AS "deliveryId", form, record_id AS "recordId", event FROM push_inbox
         WHERE company = $1 AND source = $2 AND handled_at IS NULL ORDER BY received_at, delivery_id LIMIT $3`,
        [company, source, sizeMax],
      );
      return z.array(InboxRow).parse(rows);
    },

    async pushesHandled({ company, source }, deliveryIds) {
      await pool.query(
        "UPDATE push_inbox SET handled_at = now() WHERE company = $1 AND source = $2 AND delivery_id = ANY ($3)",
        [company, source, deliveryIds],
      );
    },

    async removeHandledPushes({ company, source }) {
      const { rowCount } = await pool.query(
        `DELETE FROM push_inbox WHERE company = $1 AND source = $2 AND handled_at < now() - $3 * interval '1 day'`,
        [company, source, HANDLED_PUSH_KEPT_DAYS],
      );
      return rowCount ?? 0;
    },

    async writeItems(company, items) {
      const unique = [...new Map(items.map((item) => [item.code, item])).values()];
      await pool.query(
        `INSERT INTO items (company, code, name, item_class, unit, conversions, read_at)
         SELECT $1, i.code, i.name, i.item_class, i.unit, i.conversions::jsonb, now()
         FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS i (code, name, item_class, unit, conversions)
         ON CONFLICT (company, code) DO UPDATE SET name = excluded.name, item_class = excluded.item_class,
           unit = excluded.unit, conversions = excluded.conversions, read_at = excluded.read_at`,
        [
          company,
          unique.map(({ code }) => code),
          unique.map(({ name }) => name),
          unique.map(({ itemClass }) => itemClass),
          unique.map(({ unit }) => unit),
          unique.map(({ conversions }) =>
            JSON.stringify(Object.fromEntries(conversions.map(({ unit, factor }) => [unit, factor]))),
          ),
        ],
      );
    },

    async now() {
      const { rows } = await pool.query<{ now: string }>("SELECT clock_timestamp()::text AS now");
      return z.string().parse(rows[0]?.now);
    },

    async writeBalances({ company, source }, readAt, balances) {
      await pool.query(
        // Two rows of one read about the same thing are two parts of one quantity.
        `INSERT INTO warehouse_balances AS b (company, source, item, warehouse, batch, quantity, read_at)
         SELECT $1, $2, n.item, n.warehouse, n.batch, sum(n.quantity), $3
         FROM unnest($4::text[], $5::text[], $6::text[], $7::numeric[]) AS n (item, warehouse, batch, quantity)
         GROUP BY n.item, n.warehouse, n.batch
         ON CONFLICT (company, source, item, warehouse, batch) DO UPDATE SET read_at = excluded.read_at,
           quantity = excluded.quantity + CASE WHEN b.read_at = excluded.read_at THEN b.quantity ELSE 0 END`,
        [
          company,
          source,
          readAt,
          balances.map(({ item }) => item),
          balances.map(({ warehouse }) => warehouse),
          balances.map(({ batch }) => batch),
          balances.map(({ quantity }) => quantity),
        ],
      );
    },

    async removeOlderBalances({ company, source }, readAt) {
      const { rowCount } = await pool.query(
        "DELETE FROM warehouse_balances WHERE company = $1 AND source = $2 AND read_at < $3",
        [company, source, readAt],
      );
      return rowCount ?? 0;
    },
  };
};

/** A repeated delivery is known by its row; one older than minutes is refused anyway. The days are for people who look. */
const HANDLED_PUSH_KEPT_DAYS = 7;

const InboxRow = z.object({
  deliveryId: z.string(),
  form: z.string(),
  recordId: z.string(),
  event: z.enum(["changed", "removed", "form-changed"]),
});

const passOf = (row: { pass_number: string; pass_cursor: string } | undefined): Pass | undefined =>
  row === undefined ? undefined : { number: Number(row.pass_number), cursor: row.pass_cursor };

/**
 * Keeps a verified push for the next sync.
 * @returns "repeat" when this delivery was kept before; nothing changes then
 */
export async function receivePush(
  database: Database,
  { company, source }: SourceIdentity,
  delivery: InboxEntry,
): Promise<"stored" | "repeat"> {
  const { rowCount } = await database.pool.query(
    `INSERT INTO push_inbox (company, source, delivery_id, form, record_id, event)
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
    [company, source, delivery.deliveryId, delivery.form, delivery.recordId, delivery.event],
  );
  return rowCount === 1 ? "stored" : "repeat";
}
