import type pg from "pg";
import { z } from "zod";
import { copyLines, copyNullable, copyText } from "./copy-text.ts";
import { databaseTypes } from "./database.ts";
import { arrivalText } from "../domain/costing-events.ts";
import type { CostEntry, CostEvent, RunningState } from "../domain/costing-types.ts";
import { BusinessDate } from "../domain/dates.ts";
import { Decimal } from "../domain/decimal.ts";
import { groupBy } from "../domain/group-by.ts";
import type { Movement } from "../domain/movement.ts";
import type { PostingState, Purpose } from "../domain/posting.ts";

/** A revision of a movement as it waits for drafting. */
export interface ArrivedMovement extends Movement {
  readonly movementId: string;
  readonly arrival: string;
}

/*
 * Movements are read as they are used: the statement gives the fields their names, and the driver builds the objects.
 * A page has thousands of them, and a second object for each would cost as much as reading the first.
 */
const MOVEMENT_FIELDS = `movement_id AS "movementId", arrival, company, source, form, record_id AS "recordId",
  line_id AS "lineId", revision, cancelled, kind, document_number AS "documentNumber", happened_at AS "happenedAt",
  happened_on AS "happenedOn", item, warehouse, counter_warehouse AS "counterWarehouse", batch, unit, quantity, amount,
  tax_amount AS "taxAmount", sales_amount AS "salesAmount", currency, partner, department, order_number AS "order",
  cause, invoiced, origin_document AS "originDocument", source_updated_at AS "sourceUpdatedAt"`;

const TIMESTAMPTZ_OID = 1184;
const movementTypes = databaseTypes();
movementTypes.setTypeParser(TIMESTAMPTZ_OID, instantOf);

/** "2025-01-01 08:30:00+00", as PostgreSQL writes it in UTC, to "2025-01-01T08:30:00.000Z"; others by way of a Date. */
function instantOf(text: string): string {
  const [whole = "", fraction = ""] = text.slice(0, -UTC.length).split(".");
  const plain = text.endsWith(UTC) && whole.length === WHOLE_SECONDS && fraction.length <= MILLISECONDS;
  if (!plain) return new Date(text).toISOString();
  return `${whole.slice(0, DATE_LENGTH)}T${whole.slice(DATE_LENGTH + 1)}.${fraction.padEnd(MILLISECONDS, "0")}Z`;
}
const UTC = "+00";
const WHOLE_SECONDS = "2025-01-01 08:30:00".length;
const DATE_LENGTH = "2025-01-01".length;
const MILLISECONDS = 3;

/** Rows of our own movement log went through the schema when they came in. */
const queryMovements = async (
  client: pg.ClientBase,
  rest: string,
  values: readonly unknown[],
  distinct = "",
): Promise<readonly ArrivedMovement[]> => {
  const { rows } = await client.query<Mutable<ArrivedMovement>>({
    text: `SELECT ${distinct} ${MOVEMENT_FIELDS} FROM ${rest}`,
    values: [...values],
    types: movementTypes,
  });
  for (const row of rows) {
    row.amount ??= undefined;
    row.taxAmount ??= undefined;
    row.salesAmount ??= undefined;
  }
  return rows;
};
type Mutable<T> = { -readonly [field in keyof T]: T[field] };

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
  const page = await queryMovements(
    client,
    "movements WHERE company = $1 AND source = $2 AND arrival > $3 ORDER BY movements.arrival LIMIT $4",
    [company, source, after, sizeMax],
  );
  const last = page.at(-1);
  if (last === undefined || page.length < sizeMax) return page;
  const rest = await queryMovements(
    client,
    `movements WHERE company = $1 AND source = $2 AND arrival > $3 AND form = $4 AND record_id = $5 AND revision = $6
     ORDER BY movements.arrival`,
    [company, source, last.arrival, last.form, last.recordId, last.revision],
  );
  return rest.length === 0 ? page : [...page, ...rest];
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
  await client.query("DELETE FROM blocked_movements WHERE ledger = $1 AND movement_id = ANY ($2::bigint[])", [
    ledger,
    tried.filter((id) => !still.has(id)),
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
  return queryMovements(
    client,
    "movements WHERE company = $1 AND document_number = ANY ($2::text[]) ORDER BY movement_id, revision DESC",
    [company, documents],
    "DISTINCT ON (movement_id)",
  );
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

const ENTRY_FIELDS = `movement_id AS id, scope, item, accounted_on AS date, at, arrival, effect, is_return AS "isReturn",
  counter_scope AS "counterScope", quantity, amount, origin, order_number AS "order", cancelled, canonical, booked, basis,
  running_quantity AS "runningQuantity", running_value AS "runningValue"`;

type StoredEntry = Omit<CostEntry, "event"> &
  Required<Pick<CostEvent, "id" | "scope" | "item" | "date" | "at" | "arrival" | "effect" | "quantity">> & {
    readonly isReturn: boolean;
    readonly cancelled: boolean;
    readonly counterScope: string | null;
    readonly amount: CostEvent["quantity"] | null;
    readonly origin: string | null;
    readonly order: string | null;
  };

const entryOf = (row: StoredEntry): CostEntry => {
  const { id, scope, item, date, at, arrival, effect, quantity, counterScope, amount, origin, order } = row;
  const { canonical, booked, basis, runningQuantity, runningValue } = row;
  const event: CostEvent = {
    id,
    scope,
    item,
    date,
    at,
    arrival: arrivalText(arrival),
    effect,
    quantity,
    ...(row.isReturn ? { isReturn: true } : {}),
    ...(row.cancelled ? { cancelled: true } : {}),
    ...(counterScope === null ? {} : { counterScope }),
    ...(amount === null ? {} : { amount }),
    ...(origin === null ? {} : { origin }),
    ...(order === null ? {} : { order }),
  };
  return { event, canonical, booked, basis, runningQuantity, runningValue };
};

/** The whole costing history of one item, in no particular order. */
export const readCostHistory = async (
  client: pg.ClientBase,
  ledger: string,
  item: string,
): Promise<readonly CostEntry[]> => {
  const { rows } = await client.query<StoredEntry>(
    `SELECT ${ENTRY_FIELDS} FROM cost_entries WHERE ledger = $1 AND item = $2`,
    [ledger, item],
  );
  return rows.map(entryOf);
};

export const readCostEntries = async (
  client: pg.ClientBase,
  ledger: string,
  movementIds: readonly string[],
): Promise<readonly CostEntry[]> => {
  if (movementIds.length === 0) return [];
  const { rows } = await client.query<StoredEntry>(
    `SELECT ${ENTRY_FIELDS} FROM cost_entries WHERE ledger = $1 AND movement_id = ANY ($2::bigint[])`,
    [ledger, movementIds],
  );
  return rows.map(entryOf);
};

/** What a page did to the costing: `added` are movements valued for the first time, `changed` may stand there already. */
export interface CostingChange {
  readonly running: ReadonlyMap<string, RunningState>;
  readonly added: readonly CostEntry[];
  readonly changed: readonly CostEntry[];
}

export const writeCosting = async (client: pg.ClientBase, ledger: string, change: CostingChange): Promise<void> => {
  const { running, added, changed } = change;
  await client.query(
    `INSERT INTO costing_states (ledger, item, running) SELECT $1, * FROM unnest($2::text[], $3::jsonb[])
     ON CONFLICT (ledger, item) DO UPDATE SET running = excluded.running`,
    [ledger, [...running.keys()], [...running.values()].map((state) => JSON.stringify(state))],
  );
  if (changed.length > 0)
    await client.query("DELETE FROM cost_entries WHERE ledger = $1 AND movement_id = ANY ($2::bigint[])", [
      ledger,
      changed.map(({ event }) => event.id),
    ]);
  await copyLines(client, "cost_entries", COST_ENTRY_COLUMNS, costEntryLines(ledger, added));
  await copyLines(client, "cost_entries", COST_ENTRY_COLUMNS, costEntryLines(ledger, changed));
};

const COST_ENTRY_COLUMNS = [
  "ledger",
  "movement_id",
  "item",
  "scope",
  "accounted_on",
  "at",
  "arrival",
  "effect",
  "is_return",
  "counter_scope",
  "quantity",
  "amount",
  "origin",
  "order_number",
  "cancelled",
  "canonical",
  "booked",
  "basis",
  "running_quantity",
  "running_value",
];
function* costEntryLines(ledger: string, entries: readonly CostEntry[]): Generator<string> {
  const of = copyText(ledger);
  for (const { event, canonical, booked, basis, runningQuantity, runningValue } of entries)
    yield `${of}\t${event.id}\t${copyText(event.item)}\t${copyText(event.scope)}\t${event.date}\t${event.at}\t${event.arrival}\t${event.effect}\t${flag(event.isReturn)}\t${copyNullable(event.counterScope)}\t${event.quantity}\t${copyNullable(event.amount)}\t${copyNullable(event.origin)}\t${copyNullable(event.order)}\t${flag(event.cancelled)}\t${canonical}\t${booked}\t${basis}\t${runningQuantity}\t${runningValue}\n`;
}
const flag = (value: boolean | undefined): string => (value === true ? "t" : "f");

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

/** Estimates of these receipts. */
export const readEstimatesOf = async (
  client: pg.ClientBase,
  ledger: string,
  movementIds: readonly string[],
): Promise<readonly EstimateRow[]> => {
  if (movementIds.length === 0) return [];
  const rows = await client.query<StoredEstimate>(
    `SELECT ${ESTIMATE_FIELDS} FROM estimates WHERE ledger = $1 AND movement_id = ANY ($2::bigint[])`,
    [ledger, movementIds],
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
  return queryMovements(
    client,
    "movements WHERE movement_id = ANY ($1::bigint[]) ORDER BY movement_id, revision DESC",
    [movementIds],
    "DISTINCT ON (movement_id)",
  );
};

/** Movements in the revision in which a voucher that stands shows them; in their newest where none does. */
export const readDrawn = (
  client: pg.ClientBase,
  ledger: string,
  movementIds: readonly string[],
): Promise<readonly ArrivedMovement[]> =>
  queryMovements(
    client,
    `(SELECT id AS drawn_id, coalesce(
        (SELECT max(l.revision) FROM posting_movements l JOIN postings p ON p.posting_id = l.posting_id
         WHERE l.ledger = $1 AND l.movement_id = id AND p.state <> 'reversed' AND p.purpose NOT IN ('reversal', 'cost-correction')),
        (SELECT max(m.revision) FROM movements m WHERE m.movement_id = id)) AS drawn_revision
      FROM unnest($2::bigint[]) AS asked (id)) d
     JOIN movements ON movement_id = drawn_id AND revision = drawn_revision`,
    [ledger, movementIds],
  );

/** Movements in the revisions asked for. */
export const readRevisions = async (
  client: pg.ClientBase,
  asked: readonly { readonly movementId: string; readonly revision: number }[],
): Promise<readonly ArrivedMovement[]> =>
  asked.length === 0
    ? []
    : queryMovements(
        client,
        "movements WHERE (movement_id, revision) IN (SELECT * FROM unnest($1::bigint[], $2::int[]))",
        [asked.map(({ movementId }) => movementId), asked.map(({ revision }) => revision)],
      );

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

/** What a link's voucher was drawn from, where that is not simply the movement at the link's value. */
const Basis = z.object({
  happenedOn: BusinessDate,
  warehouse: z.string(),
  batch: z.string(),
  quantity: Decimal,
  value: Decimal.optional(),
  net: Decimal.optional(),
  tax: Decimal.optional(),
  salesTax: Decimal.optional(),
  provision: Decimal.optional(),
});
export type Basis = z.infer<typeof Basis>;

/** A voucher that a person wants drawn anew, with everything it was drawn from. */
export interface Redraw {
  readonly postingId: string;
  readonly state: PostingState;
  readonly source: string;
  readonly form: string;
  readonly recordId: string;
  readonly purpose: Purpose;
  readonly part: number;
  /** Of the voucher to come: its own, or the next after a confirmed reversal. */
  readonly generation: number;
  readonly groupName: string;
  readonly accountedOn: Movement["happenedOn"];
  /** A newer revision, or a later voucher, of one of its movements: that one counts. */
  readonly overtakenBy: "revision" | "voucher" | undefined;
  readonly links: readonly RedrawLink[];
}
export interface RedrawLink {
  readonly movement: ArrivedMovement;
  readonly occurrence: string;
  readonly quantity: Movement["quantity"];
  readonly value: Movement["quantity"];
  readonly basis: Basis | undefined;
}

interface RedrawRow {
  posting_id: string;
  state: PostingState;
  source: string;
  form: string;
  record_id: string;
  purpose: Purpose;
  part: number;
  generation: number;
  group_name: string;
  accounted_on: Movement["happenedOn"];
  source_changed: boolean;
}
interface RedrawLinkRow {
  posting_id: string;
  movement_id: string;
  revision: number;
  occurrence: string;
  quantity: Movement["quantity"];
  value: Movement["quantity"];
  basis: unknown;
  overtaken: boolean;
}

/** Vouchers to be drawn anew of which nothing is in the ERP, or whose reversal is verified; locked. */
export const readRedraws = async (
  client: pg.ClientBase,
  ledger: string,
  sizeMax: number,
): Promise<readonly Redraw[]> => {
  const postings = await client.query<RedrawRow>(
    `SELECT p.posting_id::text, p.state, p.source, p.form, p.record_id, p.purpose, p.part, p.group_name, p.accounted_on,
       p.source_changed, CASE WHEN p.state <> 'reversed' THEN p.generation ELSE
         (SELECT max(o.generation) + 1 FROM postings o WHERE o.company = p.company AND o.source = p.source AND o.form = p.form
            AND o.record_id = p.record_id AND o.ledger = p.ledger AND o.purpose = p.purpose) END AS generation
     FROM postings p WHERE p.ledger = $1 AND p.retry = 'redraw'
       AND p.state IN ('drafted', 'approved', 'ready', 'held', 'refused', 'reversed')
     ORDER BY p.posting_id LIMIT $2 FOR UPDATE OF p`,
    [ledger, sizeMax],
  );
  if (postings.rows.length === 0) return [];
  const links = await client.query<RedrawLinkRow>(
    `SELECT l.posting_id::text, l.movement_id::text, l.revision, l.occurrence, l.quantity, l.value, l.basis,
       EXISTS (SELECT 1 FROM posting_movements n WHERE n.ledger = l.ledger AND n.movement_id = l.movement_id
         AND n.purpose = l.purpose AND n.occurrence = l.occurrence AND n.generation > l.generation) AS overtaken
     FROM posting_movements l WHERE l.posting_id = ANY ($1::bigint[])`,
    [postings.rows.map((row) => row.posting_id)],
  );
  const movements = await readMovements(client, [...new Set(links.rows.map((row) => row.movement_id))]);
  const movementOfId = new Map(movements.map((movement) => [movement.movementId, movement]));
  const linksOf = groupBy(links.rows, (row) => row.posting_id);
  return postings.rows.map((row): Redraw => {
    const own = linksOf.get(row.posting_id) ?? [];
    const isChanged =
      row.source_changed || own.some((link) => movementOfId.get(link.movement_id)?.revision !== link.revision);
    const isFollowed = own.some((link) => link.overtaken);
    return {
      postingId: row.posting_id,
      state: row.state,
      source: row.source,
      form: row.form,
      recordId: row.record_id,
      purpose: row.purpose,
      part: row.part,
      generation: row.generation,
      groupName: row.group_name,
      accountedOn: row.accounted_on,
      overtakenBy: isFollowed ? "voucher" : isChanged ? "revision" : undefined,
      links: own.flatMap((link): RedrawLink[] => {
        const movement = movementOfId.get(link.movement_id);
        if (movement === undefined) return [];
        const { occurrence, quantity, value } = link;
        const basis = link.basis === null ? undefined : Basis.parse(link.basis);
        return [{ movement, occurrence, quantity, value, basis }];
      }),
    };
  });
};

/** The wish is fulfilled, or falls away because something newer counts. */
export const concludeRedraw = async (client: pg.ClientBase, postingId: string): Promise<void> => {
  await client.query("UPDATE postings SET retry = NULL WHERE posting_id = $1", [postingId]);
};

/** The change of its source draws it; a reversed voucher makes room for that like any other reversed one. */
export const leaveToChange = async (client: pg.ClientBase, postingId: string): Promise<void> => {
  await client.query(
    "UPDATE postings SET retry = NULL, source_changed = source_changed OR state = 'reversed' WHERE posting_id = $1",
    [postingId],
  );
};

/** Says on the voucher what keeps it from being drawn; it is tried again at every drafting. */
export const noteRedrawProblem = async (
  client: pg.ClientBase,
  postingId: string,
  code: string,
  subject: string,
): Promise<void> => {
  await client.query("UPDATE postings SET error_code = $2, error_message = $3 WHERE posting_id = $1", [
    postingId,
    code,
    subject,
  ]);
};

/** A refused or held reversal says what its original said; only its day may have to move. */
export const draftReversalAgain = async (client: pg.ClientBase, postingId: string, on: string): Promise<void> => {
  await client.query(
    `UPDATE postings SET state = 'drafted', retry = NULL, error_code = NULL, error_message = NULL, lease_owner = NULL,
       fingerprint = CASE WHEN accounted_on = $2::date THEN fingerprint
         ELSE encode(sha256(convert_to(fingerprint || $2::text, 'UTF8')), 'hex') END,
       accounted_on = $2::date, period = to_char($2::date, 'YYYY-MM')
     WHERE posting_id = $1`,
    [postingId, on],
  );
};
