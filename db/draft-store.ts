import type pg from "pg";
import type { Movement } from "../domain/movement.ts";
import type { PostingState, Purpose } from "../domain/posting.ts";
import { type ArrivedMovement, queryMovements, readRevisions } from "./movement-log.ts";
import { Basis, type RedrawLink } from "./redraw-store.ts";

/** One drafting per ledger at a time; the lock ends with the transaction. */
export const lockDrafting = async (client: pg.ClientBase, ledger: string): Promise<void> => {
  await client.query("SELECT pg_advisory_xact_lock(hashtextextended('draft/' || $1, 0))", [ledger]);
};

/** Runs `work` within the transaction; where its result has blocks, what it wrote is undone. */
export const undoWhereBlocked = async <T extends { readonly blocks: readonly unknown[] }>(
  client: pg.ClientBase,
  work: () => Promise<T>,
): Promise<T> => {
  await client.query("SAVEPOINT attempt");
  const result = await work();
  await client.query(`${result.blocks.length === 0 ? "RELEASE" : "ROLLBACK TO"} SAVEPOINT attempt`);
  return result;
};

/** Sources of a company and how far this ledger has drafted each. */
export const draftCursors = async (
  client: pg.ClientBase,
  ledger: string,
  sources: readonly string[],
): Promise<readonly { readonly source: string; readonly arrival: string }[]> => {
  const rows = await client.query<{ source: string; arrival: string }>(
    `SELECT s.source, coalesce(c.arrival, 0)::text AS arrival FROM unnest($2::text[]) AS s (source)
     LEFT JOIN draft_cursors c ON c.ledger = $1 AND c.source = s.source ORDER BY s.source`,
    [ledger, sources],
  );
  return rows.rows;
};

export const moveDraftCursor = async (
  client: pg.ClientBase,
  ledger: string,
  source: string,
  arrival: string,
): Promise<void> => {
  await client.query(
    `INSERT INTO draft_cursors (ledger, source, arrival) VALUES ($1, $2, $3)
     ON CONFLICT (ledger, source) DO UPDATE SET arrival = excluded.arrival`,
    [ledger, source, arrival],
  );
};

/** The newest revision of movements that could not be drafted before. */
export const readBlocked = async (
  client: pg.ClientBase,
  ledger: string,
  sizeMax: number,
): Promise<readonly ArrivedMovement[]> => {
  return queryMovements(
    client,
    `(SELECT movement_id AS blocked_id FROM blocked_movements WHERE ledger = $1 ORDER BY arrival LIMIT $2) b
     CROSS JOIN LATERAL (SELECT * FROM movements WHERE movement_id = blocked_id ORDER BY revision DESC LIMIT 1) m
     ORDER BY m.arrival`,
    [ledger, sizeMax],
  );
};

export interface Block {
  readonly movement: ArrivedMovement;
  readonly code: string;
  readonly subject: string;
}

/** Replaces what is known to be blocked among the movements just tried. */
export const replaceBlocks = async (
  client: pg.ClientBase,
  ledger: string,
  tried: readonly string[],
  blocks: readonly Block[],
): Promise<void> => {
  const still = new Map(blocks.toReversed().map((block) => [block.movement.movementId, block]));
  const gone = tried.filter((id) => !still.has(id));
  if (gone.length > 0)
    await client.query("DELETE FROM blocked_movements WHERE ledger = $1 AND movement_id = ANY ($2::bigint[])", [
      ledger,
      gone,
    ]);
  if (still.size === 0) return;
  // One row per movement, whatever else is missing: the rest shows when this is there.
  const rows = [...still.values()];
  await client.query(
    `INSERT INTO blocked_movements (ledger, movement_id, revision, source, arrival, code, subject)
     SELECT $1, * FROM unnest($2::bigint[], $3::int[], $4::text[], $5::bigint[], $6::text[], $7::text[])
     ON CONFLICT (ledger, movement_id) DO UPDATE SET revision = excluded.revision, arrival = excluded.arrival,
       code = excluded.code, subject = excluded.subject`,
    [
      ledger,
      rows.map(({ movement }) => movement.movementId),
      rows.map(({ movement }) => movement.revision),
      rows.map(({ movement }) => movement.source),
      rows.map(({ movement }) => movement.arrival),
      rows.map(({ code }) => code),
      rows.map(({ subject }) => subject),
    ],
  );
};

export interface ItemRow {
  readonly code: string;
  readonly name: string;
  readonly itemClass: string;
  readonly unit: string;
  readonly conversions: Readonly<Record<string, string>>;
}

export const readItems = async (
  client: pg.ClientBase,
  company: string,
  codes: readonly string[],
): Promise<readonly ItemRow[]> => {
  const rows = await client.query<{
    code: string;
    name: string;
    item_class: string;
    unit: string;
    conversions: Record<string, string>;
  }>("SELECT code, name, item_class, unit, conversions FROM items WHERE company = $1 AND code = ANY ($2::text[])", [
    company,
    codes,
  ]);
  return rows.rows.map((row) => ({
    code: row.code,
    name: row.name,
    itemClass: row.item_class,
    unit: row.unit,
    conversions: row.conversions,
  }));
};

/** Which of these codes are the class of an item. */
export const readItemClasses = async (
  client: pg.ClientBase,
  company: string,
  codes: readonly string[],
): Promise<readonly string[]> => {
  const { rows } = await client.query<{ code: string }>(
    `SELECT a.code FROM unnest($2::text[]) AS a (code)
     WHERE EXISTS (SELECT FROM items i WHERE i.company = $1 AND i.item_class = a.code)`,
    [company, codes],
  );
  return rows.map(({ code }) => code);
};

export interface CodeEntryRow {
  readonly table: string;
  readonly code: string;
  readonly erpCode: string;
  readonly validFrom: string;
  readonly validTo: string | undefined;
}

export const readCodeEntries = async (client: pg.ClientBase, ledger: string): Promise<readonly CodeEntryRow[]> => {
  const rows = await client.query<{
    code_table: string;
    their_code: string;
    our_code: string;
    valid_from: string;
    valid_to: string | null;
  }>("SELECT code_table, their_code, our_code, valid_from, valid_to FROM code_entries WHERE ledger = $1", [ledger]);
  return rows.rows.map((row) => ({
    table: row.code_table,
    code: row.their_code,
    erpCode: row.our_code,
    validFrom: row.valid_from,
    validTo: row.valid_to ?? undefined,
  }));
};

/** One movement in one voucher. */
export interface KnownLink {
  readonly movementId: string;
  readonly revision: number;
  readonly occurrence: string;
  readonly generation: number;
  readonly value: Movement["quantity"];
  readonly postingId: string;
  readonly key: string;
  readonly purpose: Purpose;
  readonly groupName: string;
  readonly state: PostingState;
}

/** The vouchers in which these movements are, those that were withdrawn left out. */
export const readLinks = async (
  client: pg.ClientBase,
  ledger: string,
  movementIds: readonly string[],
): Promise<readonly KnownLink[]> => {
  if (movementIds.length === 0) return [];
  const { rows } = await client.query<KnownLink>(
    `SELECT l.movement_id::text AS "movementId", l.revision, l.occurrence, l.generation, l.value,
       p.posting_id::text AS "postingId", p.posting_key AS key, p.purpose, p.group_name AS "groupName", p.state
     FROM posting_movements l JOIN postings p ON p.posting_id = l.posting_id
     WHERE l.ledger = $1 AND l.movement_id = ANY ($2::bigint[]) AND p.purpose <> 'reversal'`,
    [ledger, movementIds],
  );
  return rows;
};

/** A movement as a voucher was drawn from it. */
export interface VoucherLink extends RedrawLink {
  readonly postingId: string;
  readonly purpose: Purpose;
  readonly generation: number;
}

/** Everything these vouchers were drawn from. */
export const readVoucherLinks = async (
  client: pg.ClientBase,
  postingIds: readonly string[],
): Promise<readonly VoucherLink[]> => {
  if (postingIds.length === 0) return [];
  const { rows } = await client.query<
    Omit<VoucherLink, "movement" | "basis"> & { readonly movementId: string; revision: number; basis: unknown }
  >(
    `SELECT posting_id::text AS "postingId", purpose, generation, movement_id::text AS "movementId", revision, occurrence,
       quantity, value, basis
     FROM posting_movements WHERE posting_id = ANY ($1::bigint[]) ORDER BY movement_id`,
    [postingIds],
  );
  const movements = await readRevisions(client, rows);
  const movementOf = new Map(movements.map((each) => [`${each.movementId}/${each.revision}`, each]));
  return rows.flatMap(({ movementId, revision, basis, ...link }) => {
    const movement = movementOf.get(`${movementId}/${revision}`);
    return movement === undefined
      ? []
      : [{ ...link, movement, basis: basis === null ? undefined : Basis.parse(basis) }];
  });
};

/** Frees the movements of vouchers that are about to be drawn anew or withdrawn. */
export const clearLinks = async (client: pg.ClientBase, postingIds: readonly string[]): Promise<void> => {
  if (postingIds.length === 0) return;
  await client.query("DELETE FROM posting_movements WHERE posting_id = ANY ($1::bigint[])", [postingIds]);
};

/** Highest part of each group that exists already, by `partsKey`. */
export const readGroupParts = async (
  client: pg.ClientBase,
  ledger: string,
  groupNames: readonly string[],
): Promise<ReadonlyMap<string, number>> => {
  if (groupNames.length === 0) return new Map();
  const { rows } = await client.query<PartsKey & { readonly part: number }>(
    `SELECT group_name AS "groupName", purpose, generation, max(part) AS part FROM postings
     WHERE ledger = $1 AND group_name = ANY ($2::text[]) GROUP BY group_name, purpose, generation`,
    [ledger, groupNames],
  );
  return new Map(rows.map((row) => [partsKey(row), row.part]));
};
interface PartsKey {
  readonly groupName: string;
  readonly purpose: Purpose;
  readonly generation: number;
}
export const partsKey = ({ groupName, purpose, generation }: PartsKey): string =>
  `${purpose} ${generation} ${groupName}`;

/** Notes on a posting in the ERP's hands that its source has changed since. */
export const markSourceChanged = async (client: pg.ClientBase, postingIds: readonly string[]): Promise<void> => {
  if (postingIds.length === 0) return;
  await client.query("UPDATE postings SET source_changed = true WHERE posting_id = ANY ($1::bigint[])", [postingIds]);
};

/** Keeps vouchers of these movements from being sent as they are: their source has changed, and what it says now waits. */
export const keepFromSending = async (
  client: pg.ClientBase,
  ledger: string,
  movementIds: readonly string[],
): Promise<void> => {
  if (movementIds.length === 0) return;
  await client.query(
    `UPDATE postings SET source_changed = true
     WHERE posting_id IN (SELECT posting_id FROM posting_movements WHERE ledger = $1 AND movement_id = ANY ($2::bigint[]))
       AND state IN ('drafted', 'approved', 'ready', 'held', 'refused') AND purpose NOT IN ('reversal', 'cost-correction')`,
    [ledger, movementIds],
  );
};

/** Held postings whose period is open again go back to the queue, and to whoever approves them. */
export const releaseHeld = async (
  client: pg.ClientBase,
  ledger: string,
  openPeriods: readonly string[],
): Promise<number> => {
  const changed = await client.query(
    `UPDATE postings SET state = 'drafted', error_code = NULL, error_message = NULL
     WHERE ledger = $1 AND state = 'held' AND error_code = 'PERIOD_CLOSED' AND period = ANY ($2::text[])`,
    [ledger, openPeriods],
  );
  return changed.rowCount ?? 0;
};

/**
 * Vouchers that were reversed because their source changed: their movements make room for the next generation.
 * Each is handed out once.
 */
export const takeReversed = async (client: pg.ClientBase, ledger: string): Promise<readonly string[]> => {
  const freed = await client.query<{ posting_id: string }>(
    `UPDATE postings SET source_changed = false WHERE ledger = $1 AND state = 'reversed' AND source_changed
     RETURNING posting_id::text`,
    [ledger],
  );
  return freed.rows.map((row) => row.posting_id);
};
