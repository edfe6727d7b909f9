import type pg from "pg";
import { z } from "zod";
import type { Instant } from "../domain/dates.ts";
import type { ErrorCode } from "../domain/errors.ts";
import type { CountLine, Movement } from "../domain/movement.ts";
import { copyInto, copyNullable, copyText } from "./copy-text.ts";
import { type Database, inTransaction } from "./database.ts";

/** Names one form of one source of one company. */
export interface FormIdentity {
  readonly company: string;
  readonly source: string;
  readonly form: string;
}

/** A record as a source's connector parsed it: what of it the database keeps. */
export interface SourceRecord {
  readonly recordId: string;
  readonly documentNumber: string;
  readonly updatedAt: Instant;
  /** Changes exactly when something that we use of the record changes. */
  readonly digest: string;
  /** Their revision is not looked at: the registry knows it. */
  readonly movements: readonly Movement[];
  readonly counts: readonly CountLine[];
  /** Not empty: the record could not be understood, and nothing of it enters. */
  readonly problems: readonly {
    readonly code: ErrorCode;
    readonly form: string;
    readonly recordId: string;
    readonly lineId: string;
    readonly documentNumber: string;
    readonly field: string;
    readonly value: string;
  }[];
}

/** What the source gave in one read, and how far that read got. */
export interface PageToIngest extends FormIdentity {
  readonly records: readonly SourceRecord[];
  /** Where new records are read from next; absent leaves the cursor where it is. */
  readonly cursor?: string;
  /** Where the running re-read stands; absent leaves it alone. */
  readonly passCursor?: string;
  /** Number of the re-read that saw these records; absent for reads that prove nothing about completeness. */
  readonly passNumber?: number;
}

export interface IngestSummary {
  readonly newRecords: number;
  readonly changedRecords: number;
  readonly unchangedRecords: number;
  /** Rows written to the movement log, cancelled ones included. */
  readonly movements: number;
  readonly counts: number;
  /** Records that could not be understood and were reported now. */
  readonly problems: number;
  /** Records that came twice in the page, or a second time in the same re-read. */
  readonly repeatedRecords: number;
}

export const nothingIngested: IngestSummary = {
  newRecords: 0,
  changedRecords: 0,
  unchangedRecords: 0,
  movements: 0,
  counts: 0,
  problems: 0,
  repeatedRecords: 0,
};

/**
 * Takes one page into the registry, the movement log and the count log, and commits the cursor with it. Taking the same
 * page again changes nothing. Pages of one source wait for each other, so that arrivals become visible in their order.
 */
export const ingestPage = (database: Database, page: PageToIngest): Promise<IngestSummary> =>
  inTransaction(database, (client) => ingestWithin(client, page));

/** The same inside a transaction of the caller. */
export async function ingestWithin(client: pg.ClientBase, page: PageToIngest): Promise<IngestSummary> {
  await takeTurn(client, page);
  const records = new Map(page.records.map((record) => [record.recordId, record]));
  const known = await knownRecords(client, page, [...records.keys()]);
  const sorted = sortOut([...records.values()], known);
  await registerNew(client, page, [
    ...sorted.fresh,
    ...sorted.unreadable.filter(({ recordId }) => !known.has(recordId)),
  ]);
  await registerChanged(client, page, sorted.changed);
  await writeLines(client, page, sorted, known);
  const cancelled = await cancelVanishedLines(client, page, recordIds(sorted.changed));
  await reportProblems(client, page, sorted.unreadable, known);
  await closeProblems(client, page, recordIds(sorted.cured));
  await markSeen(client, page, recordIds(sorted.seen));
  await moveCursors(client, page);
  return {
    newRecords: sorted.fresh.length,
    changedRecords: sorted.changed.length,
    unchangedRecords: sorted.unchanged,
    movements: linesOf(sorted, "movements") + cancelled.movements,
    counts: linesOf(sorted, "counts") + cancelled.counts,
    problems: sorted.unreadable.length,
    repeatedRecords: page.records.length - records.size + seenBefore(known, page.passNumber),
  };
}

/**
 * Takes records back that the source no longer has: a new revision in which every line is cancelled.
 * @returns how many were not cancelled before
 */
export const cancelRecords = (database: Database, form: FormIdentity, ids: readonly string[]): Promise<number> =>
  inTransaction(database, async (client) => {
    await takeTurn(client, form);
    const { rows } = await client.query<{ record_id: string }>(
      `UPDATE source_records SET cancelled = true, problem_digest = NULL, revision = revision + sign(revision)::int
       WHERE company = $1 AND source = $2 AND form = $3 AND record_id = ANY ($4) AND NOT cancelled RETURNING record_id`,
      [...keyOf(form), ids],
    );
    const gone = rows.map(({ record_id }) => record_id);
    await cancelVanishedLines(client, form, gone);
    await closeProblems(client, form, gone);
    return gone.length;
  });

interface KnownRecord {
  readonly digest: string;
  readonly cancelled: boolean;
  readonly revision: number;
  readonly problemDigest: string | null;
  readonly seenPass: number;
}
type Known = ReadonlyMap<string, KnownRecord>;

interface Sorted {
  /** Never seen, and understood. */
  readonly fresh: SourceRecord[];
  /** A new revision of what we have. */
  readonly changed: SourceRecord[];
  /** Not understood, and not yet reported in this version. */
  readonly unreadable: SourceRecord[];
  /** Understood again after a version that was not. */
  readonly cured: SourceRecord[];
  /** In the registry before this page. */
  readonly seen: SourceRecord[];
  unchanged: number;
}

function sortOut(records: readonly SourceRecord[], known: Known): Sorted {
  const sorted: Sorted = { fresh: [], changed: [], unreadable: [], cured: [], seen: [], unchanged: 0 };
  for (const record of records) {
    const before = known.get(record.recordId);
    if (before !== undefined) sorted.seen.push(record);
    if (record.problems.length > 0) {
      if (before?.problemDigest === record.digest && !before.cancelled) sorted.unchanged += 1;
      else sorted.unreadable.push(record);
      continue;
    }
    if (before === undefined) sorted.fresh.push(record);
    else if (before.cancelled || before.digest !== record.digest) sorted.changed.push(record);
    else sorted.unchanged += 1;
    if (before !== undefined && before.problemDigest !== null) sorted.cured.push(record);
  }
  return sorted;
}

const keyOf = ({ company, source, form }: FormIdentity): [string, string, string] => [company, source, form];
const recordIds = (records: readonly SourceRecord[]): string[] => records.map(({ recordId }) => recordId);
const linesOf = ({ fresh, changed }: Sorted, kind: "movements" | "counts"): number =>
  [...fresh, ...changed].reduce((total, record) => total + record[kind].length, 0);
const seenBefore = (known: Known, passNumber: number | undefined): number =>
  passNumber === undefined ? 0 : [...known.values()].filter(({ seenPass }) => seenPass === passNumber).length;

/** One writer per source at a time, until its transaction ends: who reads up to an arrival has then seen all before it. */
async function takeTurn(client: pg.ClientBase, { company, source }: FormIdentity): Promise<void> {
  await client.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [`ingest/${company}/${source}`]);
}

async function knownRecords(client: pg.ClientBase, form: FormIdentity, ids: readonly string[]): Promise<Known> {
  const { rows } = await client.query<{
    record_id: string;
    digest: string;
    cancelled: boolean;
    revision: number;
    problem_digest: string | null;
    seen_pass: string;
  }>(
    `SELECT record_id, digest, cancelled, revision, problem_digest, seen_pass FROM source_records
     WHERE company = $1 AND source = $2 AND form = $3 AND record_id = ANY ($4)`,
    [...keyOf(form), ids],
  );
  return new Map(
    rows.map((row) => [
      row.record_id,
      {
        digest: row.digest,
        cancelled: row.cancelled,
        revision: row.revision,
        problemDigest: row.problem_digest,
        seenPass: Number(row.seen_pass),
      },
    ]),
  );
}

const RECORD_COLUMNS = [
  "company",
  "source",
  "form",
  "record_id",
  "record_number",
  "document_number",
  "revision",
  "digest",
  "problem_digest",
  "lines",
  "seen_pass",
  "source_updated_at",
];

async function registerNew(client: pg.ClientBase, page: PageToIngest, records: readonly SourceRecord[]): Promise<void> {
  const numbers = await reserve(client, records.length);
  const start = keyOf(page).map(copyText).join("\t");
  const lines = records.map((record, index) => {
    const readable = record.problems.length === 0;
    return `${[
      start,
      copyText(record.recordId),
      numbers.idOf(index),
      copyText(record.documentNumber),
      readable ? "1" : "0",
      readable ? copyText(record.digest) : "",
      readable ? "\\N" : copyText(record.digest),
      String(record.movements.length + record.counts.length),
      String(page.passNumber ?? 0),
      record.updatedAt,
    ].join("\t")}\n`;
  });
  await copyInto(client, "source_records", RECORD_COLUMNS, lines);
}

async function registerChanged(
  client: pg.ClientBase,
  page: PageToIngest,
  records: readonly SourceRecord[],
): Promise<void> {
  if (records.length === 0) return;
  await client.query(
    `UPDATE source_records r SET document_number = c.document_number, revision = r.revision + 1, digest = c.digest,
       problem_digest = NULL, cancelled = false, lines = c.lines, source_updated_at = c.updated_at
     FROM unnest($4::text[], $5::text[], $6::text[], $7::int[], $8::timestamptz[])
       AS c (record_id, document_number, digest, lines, updated_at)
     WHERE r.company = $1 AND r.source = $2 AND r.form = $3 AND r.record_id = c.record_id`,
    [
      ...keyOf(page),
      recordIds(records),
      records.map(({ documentNumber }) => withoutNul(documentNumber)),
      records.map(({ digest }) => digest),
      records.map(({ movements, counts }) => movements.length + counts.length),
      records.map(({ updatedAt }) => updatedAt),
    ],
  );
}

/** Ids and arrivals for a number of rows, taken from the sequence with one statement. */
interface Reserved {
  /** YYYYMM × 10^12 + number, as text: the id that carries its month. */
  idOf(index: number): string;
  arrivalOf(index: number): string;
}
const SEQUENCE_DIGITS = 12;
const Reservation = z.object({ month: z.string(), numbers: z.array(z.string()) });

async function reserve(client: pg.ClientBase, size: number): Promise<Reserved> {
  if (size === 0) return noneReserved;
  const { rows } = await client.query(
    `SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYYMM') AS month,
       ARRAY(SELECT nextval('zs_sequence') FROM generate_series(1, $1)) AS numbers`,
    [size],
  );
  const { month, numbers } = Reservation.parse(rows[0]);
  const numberAt = (index: number): string => {
    const number = numbers[index];
    if (number === undefined) throw new RangeError(`Only ${numbers.length} numbers were reserved.`);
    return number;
  };
  return { idOf: (index) => month + numberAt(index).padStart(SEQUENCE_DIGITS, "0"), arrivalOf: numberAt };
}
const noneReserved: Reserved = {
  idOf: () => {
    throw new RangeError("No number was reserved.");
  },
  arrivalOf: () => {
    throw new RangeError("No number was reserved.");
  },
};

/** Everything of a line but its id, revision and arrival, in the order of the table. */
const MOVEMENT_FACTS = [
  "company",
  "source",
  "form",
  "record_id",
  "line_id",
  "kind",
  "document_number",
  "happened_at",
  "happened_on",
  "item",
  "warehouse",
  "counter_warehouse",
  "batch",
  "unit",
  "quantity",
  "amount",
  "tax_amount",
  "sales_amount",
  "currency",
  "partner",
  "department",
  "order_number",
  "cause",
  "invoiced",
  "origin_document",
  "source_updated_at",
];
const COUNT_FACTS = [
  "company",
  "source",
  "form",
  "record_id",
  "line_id",
  "document_number",
  "counted_at",
  "counted_on",
  "item",
  "warehouse",
  "batch",
  "unit",
  "book_quantity",
  "counted_quantity",
];
/** Columns of the movement log in the order of `movementLine`. */
export const MOVEMENT_COLUMNS = ["movement_id", "revision", "arrival", "cancelled", ...MOVEMENT_FACTS];
const COUNT_COLUMNS = ["movement_id", "revision", "cancelled", ...COUNT_FACTS];

async function writeLines(client: pg.ClientBase, page: PageToIngest, sorted: Sorted, known: Known): Promise<void> {
  const records = [...sorted.fresh, ...sorted.changed];
  const kept = await keptIds(client, page, sorted.changed);
  const numbers = await reserve(client, linesOf(sorted, "movements") + linesOf(sorted, "counts"));
  const movementLines: string[] = [];
  const countLines: string[] = [];
  let index = 0;
  for (const record of records) {
    const revision = String((known.get(record.recordId)?.revision ?? 0) + 1);
    const idOf = (lineId: string): string => kept.get(lineKey(record.recordId, lineId)) ?? numbers.idOf(index);
    for (const movement of record.movements) {
      movementLines.push(movementLine(idOf(movement.lineId), revision, numbers.arrivalOf(index), movement));
      index += 1;
    }
    for (const count of record.counts) {
      countLines.push(countLine(idOf(count.lineId), revision, count));
      index += 1;
    }
  }
  await copyInto(client, "movements", MOVEMENT_COLUMNS, movementLines);
  await copyInto(client, "count_lines", COUNT_COLUMNS, countLines);
}

const lineKey = (recordId: string, lineId: string): string => `${recordId}\n${lineId}`;

/** Lines keep their id over all revisions of their record; a line that comes back gets its old id as well. */
async function keptIds(
  client: pg.ClientBase,
  form: FormIdentity,
  records: readonly SourceRecord[],
): Promise<ReadonlyMap<string, string>> {
  if (records.length === 0) return new Map();
  const lines = (table: string): string =>
    `SELECT movement_id, record_id, line_id FROM ${table}
     WHERE company = $1 AND source = $2 AND form = $3 AND record_id = ANY ($4)`;
  const { rows } = await client.query<{ movement_id: string; record_id: string; line_id: string }>(
    `${lines("movements")} UNION ${lines("count_lines")}`,
    [...keyOf(form), recordIds(records)],
  );
  return new Map(rows.map((row) => [lineKey(row.record_id, row.line_id), row.movement_id]));
}

/** One line of COPY text for the movement log. */
export const movementLine = (id: string, revision: string, arrival: string, movement: Movement): string =>
  `${id}\t${revision}\t${arrival}\tf\t${copyText(movement.company)}\t${copyText(movement.source)}\t${copyText(movement.form)}\t${copyText(movement.recordId)}\t${copyText(movement.lineId)}\t${movement.kind}\t${copyText(movement.documentNumber)}\t${movement.happenedAt}\t${movement.happenedOn}\t${copyText(movement.item)}\t${copyText(movement.warehouse)}\t${copyText(movement.counterWarehouse)}\t${copyText(movement.batch)}\t${copyText(movement.unit)}\t${movement.quantity}\t${copyNullable(movement.amount)}\t${copyNullable(movement.taxAmount)}\t${copyNullable(movement.salesAmount)}\t${copyText(movement.currency)}\t${copyText(movement.partner)}\t${copyText(movement.department)}\t${copyText(movement.order)}\t${copyText(movement.cause)}\t${movement.invoiced ? "t" : "f"}\t${copyText(movement.originDocument)}\t${movement.sourceUpdatedAt}\n`;

const countLine = (id: string, revision: string, count: CountLine): string =>
  `${id}\t${revision}\tf\t${[
    count.company,
    count.source,
    count.form,
    count.recordId,
    count.lineId,
    count.documentNumber,
    count.countedAt,
    count.countedOn,
    count.item,
    count.warehouse,
    count.batch,
    count.unit,
    count.bookQuantity,
    count.countedQuantity,
  ]
    .map(copyText)
    .join("\t")}\n`;

/** Lines that the latest revision of their record no longer has get a cancelled row in that revision. */
async function cancelVanishedLines(
  client: pg.ClientBase,
  form: FormIdentity,
  ids: readonly string[],
): Promise<{ movements: number; counts: number }> {
  if (ids.length === 0) return { movements: 0, counts: 0 };
  const values = [...keyOf(form), ids];
  const movements = await client.query(
    cancelSql(
      "movements",
      ["movement_id", "revision", "cancelled", "arrival"],
      ", nextval('zs_sequence')",
      MOVEMENT_FACTS,
    ),
    values,
  );
  const counts = await client.query(
    cancelSql("count_lines", ["movement_id", "revision", "cancelled"], "", COUNT_FACTS),
    values,
  );
  return { movements: movements.rowCount ?? 0, counts: counts.rowCount ?? 0 };
}

const cancelSql = (table: string, head: readonly string[], arrival: string, facts: readonly string[]): string =>
  `WITH latest AS (
     SELECT DISTINCT ON (movement_id) * FROM ${table}
     WHERE company = $1 AND source = $2 AND form = $3 AND record_id = ANY ($4)
     ORDER BY movement_id, revision DESC
   )
   INSERT INTO ${table} (${[...head, ...facts].join(", ")})
   SELECT l.movement_id, r.revision, true${arrival}, ${facts.map((fact) => `l.${fact}`).join(", ")}
   FROM latest l JOIN source_records r USING (company, source, form, record_id)
   WHERE NOT l.cancelled AND l.revision < r.revision`;

/** What a version that cannot be understood leaves: one exception per field. What we had understood before stays in force. */
async function reportProblems(
  client: pg.ClientBase,
  page: PageToIngest,
  records: readonly SourceRecord[],
  known: Known,
): Promise<void> {
  if (records.length === 0) return;
  const before = records.filter(({ recordId }) => known.has(recordId));
  await client.query(
    `UPDATE source_records r SET problem_digest = p.digest, digest = CASE WHEN r.cancelled THEN '' ELSE r.digest END,
       cancelled = false
     FROM unnest($4::text[], $5::text[]) AS p (record_id, digest)
     WHERE r.company = $1 AND r.source = $2 AND r.form = $3 AND r.record_id = p.record_id`,
    [...keyOf(page), recordIds(before), before.map(({ digest }) => digest)],
  );
  const problems = [
    ...new Map(
      records.flatMap((record) => record.problems).map((problem) => [problemId(page, problem), problem]),
    ).entries(),
  ];
  const column = (of: keyof (typeof problems)[number][1]): string[] =>
    problems.map(([, problem]) => withoutNul(problem[of]));
  await client.query(
    // Evidence is built in the server: a value may have been cut inside a character, which its JSON would refuse.
    `INSERT INTO exceptions (exception_id, company, kind, code, subject, evidence)
     SELECT p.id, $1, 'record', p.code, coalesce(nullif(p.document, ''), p.record_id), jsonb_build_object(
       'source', $2::text, 'form', p.form, 'recordId', p.record_id, 'lineId', p.line_id,
       'documentNumber', p.document, 'field', p.field, 'value', p.value)
     FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
       AS p (id, code, form, record_id, line_id, document, field, value)
     ON CONFLICT (exception_id) DO UPDATE SET code = excluded.code, subject = excluded.subject,
       evidence = excluded.evidence, last_seen_at = now(), closed_at = NULL, state = 'open',
       reopened = exceptions.reopened + CASE exceptions.state WHEN 'closed' THEN 1 ELSE 0 END`,
    [
      page.company,
      page.source,
      problems.map(([id]) => id),
      column("code"),
      column("form"),
      column("recordId"),
      column("lineId"),
      column("documentNumber"),
      column("field"),
      column("value"),
    ],
  );
  await closeProblems(
    client,
    page,
    recordIds(records),
    problems.map(([id]) => id),
  );
}

const withoutNul = (text: string): string => text.replaceAll("\0", "\uFFFD");
const problemId = (
  { company, form }: FormIdentity,
  problem: { documentNumber: string; recordId: string; lineId: string; field: string },
): string =>
  withoutNul(
    `${company}/record/${form}/${problem.documentNumber === "" ? problem.recordId : problem.documentNumber}/${problem.lineId}/${problem.field}`,
  );

/** Closes what was reported about these records, except the exceptions named in `still`. */
async function closeProblems(
  client: pg.ClientBase,
  form: FormIdentity,
  ids: readonly string[],
  still: readonly string[] = [],
): Promise<void> {
  if (ids.length === 0) return;
  await client.query(
    `UPDATE exceptions SET state = 'closed', closed_at = now()
     WHERE company = $1 AND kind = 'record' AND state = 'open' AND evidence->>'source' = $2 AND evidence->>'form' = $3
       AND evidence->>'recordId' = ANY ($4) AND exception_id <> ALL ($5)`,
    [...keyOf(form), ids, still],
  );
  if (still.length > 0) return;
  await client.query(
    `UPDATE source_records SET problem_digest = NULL
     WHERE company = $1 AND source = $2 AND form = $3 AND record_id = ANY ($4) AND problem_digest IS NOT NULL`,
    [...keyOf(form), ids],
  );
}

async function markSeen(client: pg.ClientBase, page: PageToIngest, ids: readonly string[]): Promise<void> {
  if (page.passNumber === undefined || ids.length === 0) return;
  await client.query(
    `UPDATE source_records SET seen_pass = $5
     WHERE company = $1 AND source = $2 AND form = $3 AND record_id = ANY ($4) AND seen_pass <> $5`,
    [...keyOf(page), ids, page.passNumber],
  );
}

async function moveCursors(client: pg.ClientBase, page: PageToIngest): Promise<void> {
  if (page.cursor === undefined && page.passCursor === undefined) return;
  await client.query(
    `INSERT INTO source_forms AS f (company, source, form, cursor, pass_cursor, pulled_at)
     VALUES ($1, $2, $3, coalesce($4::text, ''), $5::text, CASE WHEN $4::text IS NULL THEN NULL ELSE now() END)
     ON CONFLICT (company, source, form) DO UPDATE SET
       cursor = coalesce($4::text, f.cursor), pass_cursor = coalesce($5::text, f.pass_cursor),
       pulled_at = CASE WHEN $4::text IS NULL THEN f.pulled_at ELSE now() END`,
    [...keyOf(page), page.cursor ?? null, page.passCursor ?? null],
  );
}
