import type pg from "pg";
import type { Movement } from "../domain/movement.ts";
import { databaseTypes } from "./database.ts";

/*
 * The movement log as drafting reads it.
 */

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
export const queryMovements = async (
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

/** A month is looked at as far as this; more than enough to see how a company groups. */
const BUSIEST_MONTH_MAX = 200_000;

/** The live movements of the month in which the company had most, at most so many. */
export const readBusiestMonth = async (client: pg.ClientBase, company: string): Promise<readonly ArrivedMovement[]> => {
  const { rows } = await client.query<{ month: string }>(
    `SELECT to_char(happened_on, 'YYYY-MM') AS month FROM movements WHERE company = $1 AND revision = 1
     GROUP BY 1 ORDER BY count(*) DESC, 1 DESC LIMIT 1`,
    [company],
  );
  const [busiest] = rows;
  if (busiest === undefined) return [];
  const read = await queryMovements(
    client,
    `movements WHERE company = $1 AND happened_on >= $2::date AND happened_on < $2::date + interval '1 month'
     ORDER BY movement_id, revision DESC LIMIT $3`,
    [company, `${busiest.month}-01`, BUSIEST_MONTH_MAX],
    "DISTINCT ON (movement_id)",
  );
  return read.filter(({ cancelled }) => !cancelled);
};

/** Item code → item class, of all items of a company. */
export const readItemClasses = async (client: pg.ClientBase, company: string): Promise<ReadonlyMap<string, string>> => {
  const { rows } = await client.query<{ code: string; item_class: string }>(
    "SELECT code, item_class FROM items WHERE company = $1",
    [company],
  );
  return new Map(rows.map(({ code, item_class }) => [code, item_class]));
};
