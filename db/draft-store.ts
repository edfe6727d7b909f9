import type pg from "pg";
import { copyLines, copyText } from "./copy-text.ts";
import type { CostEntry, RunningState } from "../domain/costing-types.ts";
import { Movement } from "../domain/movement.ts";
import type { PostingState, Purpose } from "../domain/posting.ts";

/** A revision of a movement as it waits for drafting. */
export interface ArrivedMovement extends Movement {
  readonly movementId: string;
  readonly arrival: string;
}

interface MovementRow {
  movement_id: string;
  revision: number;
  arrival: string;
  company: string;
  source: string;
  form: string;
  record_id: string;
  line_id: string;
  cancelled: boolean;
  kind: Movement["kind"];
  document_number: string;
  happened_at: Date;
  happened_on: Movement["happenedOn"];
  item: string;
  warehouse: string;
  counter_warehouse: string;
  batch: string;
  unit: string;
  quantity: Movement["quantity"];
  amount: Movement["quantity"] | null;
  tax_amount: Movement["quantity"] | null;
  sales_amount: Movement["quantity"] | null;
  currency: string;
  partner: string;
  department: string;
  order_number: string;
  cause: string;
  invoiced: boolean;
  origin_document: string;
  source_updated_at: Date;
}

/** Rows of our own movement log went through the schema when they came in. */
const movementOf = (row: MovementRow): ArrivedMovement => {
  // Spreads of optional fields would leave an object that is slow to read and to copy: amounts are put in afterwards.
  const movement: { -readonly [field in keyof ArrivedMovement]: ArrivedMovement[field] } = {
    movementId: row.movement_id,
    arrival: row.arrival,
    company: row.company,
    source: row.source,
    form: row.form,
    recordId: row.record_id,
    lineId: row.line_id,
    revision: row.revision,
    cancelled: row.cancelled,
    kind: row.kind,
    documentNumber: row.document_number,
    happenedAt: row.happened_at.toISOString() as Movement["happenedAt"],
    happenedOn: row.happened_on,
    item: row.item,
    warehouse: row.warehouse,
    counterWarehouse: row.counter_warehouse,
    batch: row.batch,
    unit: row.unit,
    quantity: row.quantity,
    currency: row.currency,
    partner: row.partner,
    department: row.department,
    order: row.order_number,
    cause: row.cause,
    invoiced: row.invoiced,
    originDocument: row.origin_document,
    sourceUpdatedAt: row.source_updated_at.toISOString() as Movement["sourceUpdatedAt"],
  };
  if (row.amount !== null) movement.amount = row.amount;
  if (row.tax_amount !== null) movement.taxAmount = row.tax_amount;
  if (row.sales_amount !== null) movement.salesAmount = row.sales_amount;
  return movement;
};

/** One drafting per ledger at a time; the lock ends with the transaction. */
export const lockDrafting = async (client: pg.ClientBase, ledger: string): Promise<void> => {
  await client.query("SELECT pg_advisory_xact_lock(hashtextextended('draft/' || $1, 0))", [ledger]);
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

/** Revisions that arrived after `after`; never half a document. */
export const readArrivals = async (
  client: pg.ClientBase,
  company: string,
  source: string,
  after: string,
  sizeMax: number,
): Promise<readonly ArrivedMovement[]> => {
  const page = await client.query<MovementRow>(
    "SELECT * FROM movements WHERE company = $1 AND source = $2 AND arrival > $3 ORDER BY arrival LIMIT $4",
    [company, source, after, sizeMax],
  );
  const last = page.rows.at(-1);
  if (last === undefined || page.rows.length < sizeMax) return page.rows.map(movementOf);
  const rest = await client.query<MovementRow>(
    `SELECT * FROM movements WHERE company = $1 AND source = $2 AND arrival > $3 AND form = $4 AND record_id = $5 AND revision = $6
     ORDER BY arrival`,
    [company, source, last.arrival, last.form, last.record_id, last.revision],
  );
  return [...page.rows, ...rest.rows].map(movementOf);
};

/** The newest revision of movements that could not be drafted before. */
export const readBlocked = async (
  client: pg.ClientBase,
  ledger: string,
  sizeMax: number,
): Promise<readonly ArrivedMovement[]> => {
  const rows = await client.query<MovementRow>(
    `SELECT m.* FROM (SELECT movement_id FROM blocked_movements WHERE ledger = $1 ORDER BY arrival LIMIT $2) b
     CROSS JOIN LATERAL (SELECT * FROM movements m WHERE m.movement_id = b.movement_id ORDER BY m.revision DESC LIMIT 1) m
     ORDER BY m.arrival`,
    [ledger, sizeMax],
  );
  return rows.rows.map(movementOf);
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
  const still = new Set(blocks.map(({ movement }) => movement.movementId));
  await client.query("DELETE FROM blocked_movements WHERE ledger = $1 AND movement_id = ANY ($2::bigint[])", [
    ledger,
    tried.filter((id) => !still.has(id)),
  ]);
  if (blocks.length === 0) return;
  await client.query(
    `INSERT INTO blocked_movements (ledger, movement_id, revision, source, arrival, code, subject)
     SELECT $1, * FROM unnest($2::bigint[], $3::int[], $4::text[], $5::bigint[], $6::text[], $7::text[])
     ON CONFLICT (ledger, movement_id) DO UPDATE SET revision = excluded.revision, arrival = excluded.arrival,
       code = excluded.code, subject = excluded.subject`,
    [
      ledger,
      blocks.map(({ movement }) => movement.movementId),
      blocks.map(({ movement }) => movement.revision),
      blocks.map(({ movement }) => movement.source),
      blocks.map(({ movement }) => movement.arrival),
      blocks.map(({ code }) => code),
      blocks.map(({ subject }) => subject),
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

/** Movement ids by document and item, for references between documents; of the kinds asked for. */
export const findOrigins = async (
  client: pg.ClientBase,
  company: string,
  documents: readonly string[],
): Promise<readonly ArrivedMovement[]> => {
  if (documents.length === 0) return [];
  const rows = await client.query<MovementRow>(
    `SELECT DISTINCT ON (movement_id) * FROM movements WHERE company = $1 AND document_number = ANY ($2::text[])
     ORDER BY movement_id, revision DESC`,
    [company, documents],
  );
  return rows.rows.map(movementOf);
};

export const readRunning = async (
  client: pg.ClientBase,
  ledger: string,
  items: readonly string[],
): Promise<ReadonlyMap<string, RunningState>> => {
  const rows = await client.query<{ item: string; running: RunningState }>(
    "SELECT item, running FROM costing_states WHERE ledger = $1 AND item = ANY ($2::text[])",
    [ledger, items],
  );
  return new Map(rows.rows.map((row) => [row.item, row.running]));
};

/** The whole costing history of one item, in no particular order. */
export const readCostHistory = async (
  client: pg.ClientBase,
  ledger: string,
  item: string,
): Promise<readonly CostEntry[]> => {
  const rows = await client.query<{ entry: CostEntry }>(
    "SELECT entry FROM cost_entries WHERE ledger = $1 AND item = $2",
    [ledger, item],
  );
  return rows.rows.map(({ entry }) => entry);
};

export const readCostEntries = async (
  client: pg.ClientBase,
  ledger: string,
  movementIds: readonly string[],
): Promise<readonly CostEntry[]> => {
  if (movementIds.length === 0) return [];
  const rows = await client.query<{ entry: CostEntry }>(
    "SELECT entry FROM cost_entries WHERE ledger = $1 AND movement_id = ANY ($2::bigint[])",
    [ledger, movementIds],
  );
  return rows.rows.map(({ entry }) => entry);
};

export const writeCosting = async (
  client: pg.ClientBase,
  ledger: string,
  running: ReadonlyMap<string, RunningState>,
  entries: readonly CostEntry[],
): Promise<void> => {
  await client.query(
    `INSERT INTO costing_states (ledger, item, running) SELECT $1, * FROM unnest($2::text[], $3::jsonb[])
     ON CONFLICT (ledger, item) DO UPDATE SET running = excluded.running`,
    [ledger, [...running.keys()], [...running.values()].map((state) => JSON.stringify(state))],
  );
  if (entries.length === 0) return;
  await client.query("DELETE FROM cost_entries WHERE ledger = $1 AND movement_id = ANY ($2::bigint[])", [
    ledger,
    entries.map(({ event }) => event.id),
  ]);
  await copyLines(client, "cost_entries", COST_ENTRY_COLUMNS, costEntryLines(ledger, entries));
};

const COST_ENTRY_COLUMNS = ["ledger", "item", "scope", "accounted_on", "effect", "arrival", "movement_id", "entry"];
function* costEntryLines(ledger: string, entries: readonly CostEntry[]): Generator<string> {
  const of = copyText(ledger);
  for (const entry of entries) {
    const { event } = entry;
    yield `${of}\t${copyText(event.item)}\t${copyText(event.scope)}\t${event.date}\t${event.effect}\t${event.arrival}\t${event.id}\t${copyText(JSON.stringify(entry))}\n`;
  }
}

export interface EstimateRow {
  readonly movementId: string;
  readonly documentNumber: string;
  readonly item: string;
  readonly state: unknown;
  readonly closed: boolean;
}

interface StoredEstimate {
  movement_id: string;
  document_number: string;
  item: string;
  state: unknown;
  closed: boolean;
}
const ESTIMATE_FIELDS = "movement_id, document_number, item, state, closed";

const estimateOf = (row: StoredEstimate): EstimateRow => ({
  movementId: row.movement_id,
  documentNumber: row.document_number,
  item: row.item,
  state: row.state,
  closed: row.closed,
});

export const readEstimates = async (
  client: pg.ClientBase,
  ledger: string,
  documents: readonly string[],
): Promise<readonly EstimateRow[]> => {
  const rows = await client.query<StoredEstimate>(
    `SELECT ${ESTIMATE_FIELDS} FROM estimates WHERE ledger = $1 AND document_number = ANY ($2::text[])`,
    [ledger, documents],
  );
  return rows.rows.map(estimateOf);
};

/** Estimates that are still open: what a period end looks at. */
export const readOpenEstimates = async (client: pg.ClientBase, ledger: string): Promise<readonly EstimateRow[]> => {
  const rows = await client.query<StoredEstimate>(
    `SELECT ${ESTIMATE_FIELDS} FROM estimates WHERE ledger = $1 AND NOT closed`,
    [ledger],
  );
  return rows.rows.map(estimateOf);
};

export const writeEstimates = async (
  client: pg.ClientBase,
  ledger: string,
  estimates: readonly EstimateRow[],
): Promise<void> => {
  if (estimates.length === 0) return;
  await client.query("DELETE FROM estimates WHERE ledger = $1 AND movement_id = ANY ($2::bigint[])", [
    ledger,
    estimates.map(({ movementId }) => movementId),
  ]);
  await copyLines(client, "estimates", ESTIMATE_COLUMNS, estimateLines(ledger, estimates));
};

const ESTIMATE_COLUMNS = ["ledger", "movement_id", "document_number", "item", "state", "closed"];
function* estimateLines(ledger: string, estimates: readonly EstimateRow[]): Generator<string> {
  const of = copyText(ledger);
  for (const { movementId, documentNumber, item, state, closed } of estimates)
    yield `${of}\t${movementId}\t${copyText(documentNumber)}\t${copyText(item)}\t${copyText(JSON.stringify(state))}\t${closed ? "t" : "f"}\n`;
}

export const readMovements = async (
  client: pg.ClientBase,
  movementIds: readonly string[],
): Promise<readonly ArrivedMovement[]> => {
  if (movementIds.length === 0) return [];
  const rows = await client.query<MovementRow>(
    `SELECT DISTINCT ON (movement_id) * FROM movements WHERE movement_id = ANY ($1::bigint[]) ORDER BY movement_id, revision DESC`,
    [movementIds],
  );
  return rows.rows.map(movementOf);
};

export interface KnownPosting {
  readonly postingId: string;
  readonly key: string;
  readonly form: string;
  readonly recordId: string;
  readonly purpose: Purpose;
  readonly part: number;
  readonly generation: number;
  readonly state: PostingState;
}

/** Postings of these records, and postings of groups that hold one of these movements. */
export const readPostingsOf = async (
  client: pg.ClientBase,
  ledger: string,
  company: string,
  recordIds: readonly string[],
  movementIds: readonly string[],
): Promise<readonly KnownPosting[]> => {
  const rows = await client.query<{
    posting_id: string;
    posting_key: string;
    form: string;
    record_id: string;
    purpose: Purpose;
    part: number;
    generation: number;
    state: PostingState;
  }>(
    `SELECT posting_id::text, posting_key, form, record_id, purpose, part, generation, state FROM postings
     WHERE company = $2 AND ledger = $1 AND record_id = ANY ($3::text[]) AND purpose <> 'reversal'
     UNION
     SELECT p.posting_id::text, posting_key, form, record_id, p.purpose, part, p.generation, state
     FROM posting_movements m JOIN postings p ON p.posting_id = m.posting_id
     WHERE m.ledger = $1 AND m.movement_id = ANY ($4::bigint[]) AND p.purpose <> 'reversal'`,
    [ledger, company, recordIds, movementIds],
  );
  return rows.rows.map((row) => ({
    postingId: row.posting_id,
    key: row.posting_key,
    form: row.form,
    recordId: row.record_id,
    purpose: row.purpose,
    part: row.part,
    generation: row.generation,
    state: row.state,
  }));
};

/** Highest part of each group name that exists already. */
export const readGroupParts = async (
  client: pg.ClientBase,
  ledger: string,
  groupNames: readonly string[],
): Promise<ReadonlyMap<string, number>> => {
  const rows = await client.query<{ group_name: string; part: number }>(
    "SELECT group_name, max(part) AS part FROM postings WHERE ledger = $1 AND group_name = ANY ($2::text[]) GROUP BY group_name",
    [ledger, groupNames],
  );
  return new Map(rows.rows.map((row) => [row.group_name, row.part]));
};

/** Notes on a posting in the ERP's hands that its source has changed since. */
export const markSourceChanged = async (client: pg.ClientBase, postingIds: readonly string[]): Promise<void> => {
  if (postingIds.length === 0) return;
  await client.query("UPDATE postings SET source_changed = true WHERE posting_id = ANY ($1::bigint[])", [postingIds]);
};

/** Held postings whose period is open again go back to the queue. */
export const releaseHeld = async (
  client: pg.ClientBase,
  ledger: string,
  openPeriods: readonly string[],
): Promise<number> => {
  const changed = await client.query(
    `UPDATE postings SET state = 'ready', error_code = NULL, error_message = NULL
     WHERE ledger = $1 AND state = 'held' AND error_code = 'PERIOD_CLOSED' AND period = ANY ($2::text[])`,
    [ledger, openPeriods],
  );
  return changed.rowCount ?? 0;
};

/**
 * Movements whose voucher was reversed because their source changed: they make room for the next generation.
 * Each is handed out once.
 */
export const takeReversed = async (client: pg.ClientBase, ledger: string): Promise<readonly ArrivedMovement[]> => {
  const freed = await client.query<{ posting_id: string }>(
    `UPDATE postings SET source_changed = false WHERE ledger = $1 AND state = 'reversed' AND source_changed
     RETURNING posting_id::text`,
    [ledger],
  );
  if (freed.rows.length === 0) return [];
  const rows = await client.query<{ movement_id: string }>(
    "SELECT DISTINCT movement_id::text FROM posting_movements WHERE posting_id = ANY ($1::bigint[])",
    [freed.rows.map((row) => row.posting_id)],
  );
  return readMovements(
    client,
    rows.rows.map((row) => row.movement_id),
  );
};
