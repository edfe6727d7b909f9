import { copyInto } from "../../db/copy-text.ts";
import { type Database, inTransaction } from "../../db/database.ts";
import { MOVEMENT_COLUMNS, type SourceRecord, ingestPage, movementLine } from "../../db/ingest.ts";
import { businessDate, instant } from "../../domain/dates.ts";
import { decimal } from "../../domain/decimal.ts";
import type { Movement } from "../../domain/movement.ts";
import { type Bench, atLeast, median, secondsOf } from "./bench.ts";

const MOVEMENTS = 200_000;
const LINES_PER_RECORD = 4;
const RECORDS_PER_PAGE = 1_000;
/** Every tenth record comes again a page later, as the overlap of a sync brings it. */
const REPEAT_EVERY = 10;
const ROUNDS = 5;
const LIMIT = 0.8;
const COMPANY = "bench";
const SOURCE = "warehouse";
const FORM = "receipts";

/**
 * Pages into registry and movement log, a cursor commit each, against one COPY of the same rows into staging and one
 * insert into a like table with the same indexes, in one transaction. Both sides get the repeats and drop them.
 */
export const ingest: Bench = async ({ database, begin, say }) => {
  const pages = makePages();
  await begin();
  const rows = pages.flat().reduce((total, { movements }) => total + movements.length, 0);
  say(`${rows} movements in ${pages.length} pages, ${rows - MOVEMENTS} of them repeats, ${ROUNDS} rounds`);
  const ours: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await emptyTables(database);
    floor.push(await secondsOf(() => copyAndInsert(database, pages)));
    ours.push(await secondsOf(() => ingestAll(database, pages)));
    await sameRows(database);
    say(
      `round ${round + 1}: COPY and insert ${perSecond(rows, floor)} movements/s, ingest ${perSecond(rows, ours)} movements/s`,
    );
  }
  // Neighbours are compared, because the machine may be slower in one round than in another.
  return [atLeast("ingest", median(floor.map((seconds, round) => seconds / (ours[round] ?? Number.NaN))), LIMIT)];
};

const perSecond = (rows: number, seconds: readonly number[]): string =>
  Math.round(rows / (seconds.at(-1) ?? Number.NaN)).toLocaleString("en");

function makePages(): readonly (readonly SourceRecord[])[] {
  const unique = Array.from({ length: MOVEMENTS / LINES_PER_RECORD }, (_, index) => makeRecord(index));
  const pages: SourceRecord[][] = [];
  for (let start = 0; start < unique.length; start += RECORDS_PER_PAGE) {
    const repeats = start === 0 ? [] : unique.slice(start - RECORDS_PER_PAGE, start);
    pages.push([
      ...repeats.filter((_, index) => index % REPEAT_EVERY === 0),
      ...unique.slice(start, start + RECORDS_PER_PAGE),
    ]);
  }
  return pages;
}

function makeRecord(index: number): SourceRecord {
  const recordId = `66c2${index.toString(16).padStart(20, "0")}`;
  const day = businessDate(`2025-01-${String((index % 28) + 1).padStart(2, "0")}`);
  const updatedAt = instant(`${day}T08:30:00.000Z`);
  const documentNumber = `RK-202501-${String(index).padStart(6, "0")}`;
  const movements = Array.from({ length: LINES_PER_RECORD }, (_, line): Movement => {
    const sku = (index * 7 + line * 13) % 5_000;
    return {
      company: COMPANY,
      source: SOURCE,
      form: FORM,
      recordId,
      lineId: `${recordId.slice(4)}${line}`,
      revision: 1,
      cancelled: false,
      kind: "purchase-receipt",
      documentNumber,
      happenedAt: updatedAt,
      happenedOn: day,
      item: `SKU-${String(sku).padStart(6, "0")}`,
      warehouse: `WH-${sku % 12}`,
      counterWarehouse: "",
      batch: `B${day.replaceAll("-", "")}-${sku % 40}`,
      unit: "件",
      quantity: decimal(`${(sku % 90) + 1}.5`),
      amount: decimal(`${(sku % 900) + 1}.25`),
      taxAmount: decimal(`${(sku % 90) + 1}.13`),
      currency: "CNY",
      partner: `供应商-${sku % 300}`,
      department: "仓储部",
      order: `PO-${index % 4e3}`,
      cause: "",
      invoiced: sku % 2 === 0,
      originDocument: "",
      sourceUpdatedAt: updatedAt,
    };
  });
  return {
    recordId,
    documentNumber,
    updatedAt,
    movements,
    counts: [],
    problems: [],
    digest: `sha256-${recordId}${recordId}`,
  };
}

async function ingestAll(database: Database, pages: readonly (readonly SourceRecord[])[]): Promise<void> {
  for (const [index, records] of pages.entries())
    await ingestPage(database, {
      company: COMPANY,
      source: SOURCE,
      form: FORM,
      records,
      cursor: `page-${index}`,
    });
}

/** The least that landing these rows can cost with the indexes they need. */
async function copyAndInsert(database: Database, pages: readonly (readonly SourceRecord[])[]): Promise<void> {
  await inTransaction(database, async (client) => {
    await client.query("CREATE TEMPORARY TABLE staging (LIKE movements INCLUDING DEFAULTS) ON COMMIT DROP");
    let number = 0;
    const ids = new Map<string, string>();
    const idOf = (identity: string): string => {
      const known = ids.get(identity);
      if (known !== undefined) return known;
      number += 1;
      const made = String(number);
      ids.set(identity, made);
      return made;
    };
    for (const records of pages)
      await copyInto(
        client,
        "staging",
        MOVEMENT_COLUMNS,
        records.flatMap(({ movements }) =>
          movements.map((movement) => {
            const id = idOf(`${movement.recordId}/${movement.lineId}`);
            return movementLine(id, "1", id, movement);
          }),
        ),
      );
    await client.query("INSERT INTO floor_movements SELECT * FROM staging ON CONFLICT DO NOTHING");
  });
}

async function emptyTables(database: Database): Promise<void> {
  await database.pool.query("DROP TABLE IF EXISTS floor_movements");
  await database.pool.query("CREATE TABLE floor_movements (LIKE movements INCLUDING ALL)");
  await database.pool.query("TRUNCATE movements, count_lines, source_records, source_forms, exceptions");
}

async function sameRows(database: Database): Promise<void> {
  const facts = "record_id, line_id, item, quantity, amount, happened_on, partner";
  const { rows } = await database.pool.query<{ ours: string; theirs: string; different: string }>(
    `SELECT (SELECT count(*) FROM movements) AS ours, (SELECT count(*) FROM floor_movements) AS theirs,
       (SELECT count(*) FROM (SELECT ${facts} FROM movements EXCEPT SELECT ${facts} FROM floor_movements) d) AS different`,
  );
  const counts = rows[0];
  if (counts?.ours !== String(MOVEMENTS) || counts.theirs !== counts.ours || counts.different !== "0")
    throw new Error(`The two ways did not land the same rows: ${JSON.stringify(counts)}`);
}
