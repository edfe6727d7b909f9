import { draftPage } from "../../activities/drafting.ts";
import type { Database } from "../../db/database.ts";
import { DRAFT_PAGE } from "../../domain/procedures.ts";
import { type Bench, atMost, median, secondsOf } from "./bench.ts";
import { COMPANY, LINES_PER_DOCUMENT, SOURCE, draftingOf, enterMonth } from "./warehouse-month.ts";

const MOVEMENTS = 100_000;
const DOCUMENTS = MOVEMENTS / LINES_PER_DOCUMENT;
const ROUNDS = 3;
const PAGES_MAX = 1_000;
const LIMIT = 4;

/**
 * From rows of the movement log to balanced vouchers in the database, against reading the same rows: every column, as
 * objects of pg, in pages of the same size and order.
 */
export const valueAndDraft: Bench = async ({ database, begin, say }) => {
  await enterMonth(database, DOCUMENTS);
  await begin();
  say(`${MOVEMENTS} movements in ${DOCUMENTS} documents, pages of ${DRAFT_PAGE}`);
  const reading: number[] = [];
  const drafting: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    await forgetDrafts(database);
    reading.push(await secondsOf(() => readAll(database)));
    drafting.push(await secondsOf(() => draftAll(database)));
    await everythingDrafted(database);
    say(`round ${round}: reading ${reading.at(-1)?.toFixed(2)} s, value and draft ${drafting.at(-1)?.toFixed(2)} s`);
    // The first round warms both up.
    if (round === 0) reading.length = drafting.length = 0;
  }
  return [
    atMost(
      "value-and-draft",
      median(drafting.map((seconds, round) => seconds / (reading[round] ?? Number.NaN))),
      LIMIT,
    ),
  ];
};

async function readAll(database: Database): Promise<void> {
  let after = "0";
  let total = 0;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { rows } = await database.pool.query<{ arrival: string }>(
      "SELECT * FROM movements WHERE company = $1 AND source = $2 AND arrival > $3 ORDER BY arrival LIMIT $4",
      [COMPANY, SOURCE, after, DRAFT_PAGE],
    );
    total += rows.length;
    const last = rows.at(-1);
    if (last === undefined) break;
    after = last.arrival;
  }
  if (total !== MOVEMENTS) throw new Error(`${total} of ${MOVEMENTS} movements were read`);
}

/** Pages until nothing waits, as `ledgerPosting` asks for them. */
export async function draftAll(database: Database): Promise<void> {
  const dependencies = draftingOf(database);
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { more, blocked } = await draftPage(dependencies, DRAFT_PAGE);
    if (blocked > 0) throw new Error(`${blocked} movements are blocked`);
    if (!more) return;
  }
}

async function forgetDrafts(database: Database): Promise<void> {
  await database.pool.query(
    `TRUNCATE posting_keys, postings, voucher_lines, posting_movements, cost_entries, costing_states, estimates,
       blocked_movements, draft_cursors`,
  );
}

async function everythingDrafted(database: Database): Promise<void> {
  const { rows } = await database.pool.query<{ postings: string; movements: string; unbalanced: string }>(
    `SELECT (SELECT count(*) FROM postings WHERE state = 'drafted') AS postings,
       (SELECT count(DISTINCT movement_id) FROM posting_movements) AS movements,
       (SELECT count(*) FROM (SELECT posting_id FROM voucher_lines GROUP BY posting_id
         HAVING sum(CASE side WHEN 'debit' THEN amount ELSE -amount END) <> 0) u) AS unbalanced`,
  );
  const counts = rows[0];
  if (counts?.postings !== String(DOCUMENTS) || counts.movements !== String(MOVEMENTS) || counts.unbalanced !== "0")
    throw new Error(`Not every movement is in a balanced voucher: ${JSON.stringify(counts)}`);
}
