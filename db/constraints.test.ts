import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mayMove, postingStates } from "../domain/posting.ts";
import { testDatabase } from "../test/support/database.ts";
import { type Database, openDatabase } from "./database.ts";

let database: Database;
beforeAll(async () => {
  database = openDatabase((await testDatabase()).url);
  await database.pool.query("SELECT zs_ensure_partitions('2025-01-01', 2)");
});
afterAll(() => database.close());

const january = (number: number): string => `202501${String(number).padStart(12, "0")}`;
const february = (number: number): string => `202502${String(number).padStart(12, "0")}`;
const keyOf = (number: number): string =>
  number.toString(2).replaceAll("0", "a").replaceAll("1", "b").padStart(26, "c");
const query = (text: string, values: readonly unknown[] = []): Promise<pg.QueryResult> =>
  database.pool.query(text, [...values]);
const refusal = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "accepted",
    (error: unknown) =>
      typeof error === "object" && error !== null && "constraint" in error && error.constraint !== undefined
        ? JSON.stringify(error.constraint).slice(1, -1)
        : String(error),
  );

async function draft(id: string, key: string, over: Readonly<Record<string, string>> = {}): Promise<void> {
  await query("INSERT INTO posting_keys (posting_key, posting_id, ledger, short_key) VALUES ($1, $2, 'main', $1)", [
    key,
    id,
  ]);
  await posting(id, key, over);
}
async function posting(id: string, key: string, over: Readonly<Record<string, string>> = {}): Promise<void> {
  const row: Record<string, string> = {
    posting_id: id,
    posting_key: key,
    company: "demo",
    ledger: "main",
    book: "001",
    source: "warehouse",
    form: "receipts",
    record_id: "r",
    purpose: "stock",
    part: "1",
    generation: "0",
    group_name: "g",
    state: "drafted",
    target_stage: "audited",
    word: "记",
    accounted_on: "2025-01-31",
    period: "2025-01",
    attachments: "1",
    currency: "CNY",
    documents: "{}",
    summary: "s",
    rule_name: "n",
    rule_version: "1",
    debit_total: "10",
    credit_total: "10",
    fingerprint: "f",
    ...over,
  };
  const names = Object.keys(row);
  await query(
    `INSERT INTO postings (${names.join(", ")}) VALUES (${names.map((_, index) => `$${index + 1}`).join(", ")})`,
    Object.values(row),
  );
}
const line = (id: string, number: number, side: string, amount: string): string =>
  `(${id}, ${number}, '${side}', 'inventory', '1405', ${amount}, '{}', 's', 'w', '{}')`;
const insertLines = (...rows: readonly string[]): Promise<pg.QueryResult> =>
  query(
    `INSERT INTO voucher_lines (posting_id, line_number, side, role, account, amount, dimensions, summary, why, movement_ids)
     VALUES ${rows.join(", ")}`,
  );

test("the database allows exactly the moves of the domain's table", async () => {
  const pairs = postingStates.flatMap((from) => postingStates.map((to) => ({ from, to })));
  const { rows } = await query(
    "SELECT zs_posting_moves(f, t) AS allowed FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS p (f, t, n) ORDER BY n",
    [pairs.map(({ from }) => from), pairs.map(({ to }) => to)],
  );
  expect(rows.map((row, index) => ({ ...pairs[index], allowed: Boolean(row.allowed) }))).toEqual(
    pairs.map((pair) => ({ ...pair, allowed: mayMove(pair.from, pair.to) })),
  );
});

test("a move that is not in the table is refused, one that is goes through", async () => {
  await draft(january(1), keyOf(1));
  const move = (state: string) =>
    refusal(query("UPDATE postings SET state = $2 WHERE posting_id = $1", [january(1), state]));
  expect(await move("posted")).toBe("postings_allowed_move");
  expect(await move("nonsense")).toBe("postings_allowed_move");
  expect(await move("ready")).toBe("accepted");
});

test("a voucher that does not balance is refused, by its totals and by its lines", async () => {
  expect(await refusal(draft(january(2), keyOf(2), { credit_total: "9.99" }))).toBe("postings_balanced");
  await draft(january(3), keyOf(3));
  expect(await refusal(insertLines(line(january(3), 1, "debit", "10")))).toBe("voucher_lines_balanced");
  expect(await refusal(insertLines(line(january(3), 1, "debit", "10"), line(january(3), 2, "credit", "10")))).toBe(
    "accepted",
  );
  const change = (amount: string) =>
    refusal(
      query("UPDATE voucher_lines SET amount = $2 WHERE posting_id = $1 AND line_number = 1", [january(3), amount]),
    );
  expect(await change("10.01")).toBe("voucher_lines_balanced");
  expect(
    await refusal(query("DELETE FROM voucher_lines WHERE posting_id = $1 AND line_number = 2", [january(3)])),
  ).toBe("voucher_lines_balanced");
});

test("a key names one posting for ever, in whatever month", async () => {
  await draft(january(4), keyOf(4));
  expect(await refusal(draft(february(4), keyOf(4)))).toBe("posting_keys_pkey");
  expect(await refusal(posting(february(4), keyOf(4)))).toBe("postings_key");
  expect(await refusal(posting(january(4), keyOf(4)))).toMatch(/_pkey$/);
  expect(
    await refusal(query("UPDATE postings SET posting_key = $2 WHERE posting_id = $1", [january(4), keyOf(5)])),
  ).toBe("postings_key_fixed");
});

test("a shortened key is unique within its ledger", async () => {
  const insert = (key: string, id: string, ledger: string) =>
    refusal(query("INSERT INTO posting_keys VALUES ($1, $2, $3, 'short')", [key, id, ledger]));
  expect(await insert(keyOf(6), january(6), "main")).toBe("accepted");
  expect(await insert(keyOf(7), january(7), "main")).toBe("posting_keys_short_unique");
  expect(await insert(keyOf(7), january(7), "other")).toBe("accepted");
});

test("one movement has one voucher per ledger, purpose, generation and occurrence, whatever months they lie in", async () => {
  const link = (movement: string, posting: string, purpose: string, generation: number, occurrence: string) =>
    refusal(
      query("INSERT INTO posting_movements VALUES ($1, 1, 'main', $3, $4, $5, $2, 1, 1)", [
        movement,
        posting,
        purpose,
        generation,
        occurrence,
      ]),
    );
  expect(await link(january(8), january(8), "stock", 0, "")).toBe("accepted");
  expect(await link(january(8), february(9), "stock", 0, "")).toMatch(/ledger_movement_id_purpose_generat/);
  expect(await link(january(8), february(9), "stock", 1, "")).toBe("accepted");
  expect(await link(january(8), february(9), "re-estimate", 0, "2025-02")).toBe("accepted");
  expect(await link(january(8), february(9), "re-estimate", 0, "2025-02")).toMatch(
    /ledger_movement_id_purpose_generat/,
  );
  expect(await link(february(8), february(9), "stock", 0, "")).toBe("accepted");
});

test("a purpose of which a movement has one voucher cannot slip past by an occurrence; those that repeat keep theirs", async () => {
  const link = (purpose: string, occurrence: string) =>
    refusal(
      query("INSERT INTO posting_movements VALUES ($1, 1, 'main', $2, 7, $3, $1, 1, 1)", [
        january(13),
        purpose,
        occurrence,
      ]),
    );
  expect(await link("stock", "")).toBe("accepted");
  expect(await link("stock", "x")).toBe("posting_movements_occurrence");
  expect(await link("revenue", "2")).toBe("posting_movements_occurrence");
  for (const purpose of ["re-estimate", "estimate-reversal", "invoice", "invoice-difference", "cost-correction"])
    expect(await link(purpose, "2"), purpose).toBe("accepted");
  // Two corrections of one movement in one generation are both reversible.
  expect(await link("reversal", "cost-correction:7")).toBe("accepted");
  expect(await link("reversal", "cost-correction:8")).toBe("accepted");
});

test("a person's wish to try again is one of two things", async () => {
  await draft(january(14), keyOf(14));
  const wish = (retry: string | null) =>
    refusal(query("UPDATE postings SET retry = $2 WHERE posting_id = $1", [january(14), retry]));
  expect(await wish("resend")).toBe("postings_retry");
  expect([await wish("redraw"), await wish("read"), await wish(null)]).toEqual(["accepted", "accepted", "accepted"]);
});

test("what was sent is frozen", async () => {
  await draft(january(10), keyOf(10));
  const redraw = (print: string) =>
    refusal(query("UPDATE postings SET fingerprint = $2 WHERE posting_id = $1", [january(10), print]));
  const move = (state: string) => query("UPDATE postings SET state = $2 WHERE posting_id = $1", [january(10), state]);
  expect(await redraw("g")).toBe("accepted");
  await move("ready");
  await move("sending");
  expect(await redraw("h")).toBe("postings_frozen");
  await move("refused");
  expect(await redraw("h")).toBe("accepted");
});

test("uncertain needs the stamp of a send, posted needs the ERP's id", async () => {
  await draft(january(11), keyOf(11));
  const update = (assignments: string) =>
    refusal(query(`UPDATE postings SET ${assignments} WHERE posting_id = $1`, [january(11)]));
  await update("state = 'ready'");
  await update("state = 'sending'");
  expect(await update("state = 'uncertain'")).toBe("postings_sent");
  expect(await update("state = 'posted'")).toBe("postings_known");
  expect(await update("state = 'uncertain', sent_at = now()")).toBe("accepted");
  expect(await update("state = 'posted', erp_id = '1'")).toBe("accepted");
});

test("the movement log takes no change and no deletion", async () => {
  await query(
    `INSERT INTO movements VALUES (${january(12)}, 1, 1, 'demo', 'w', 'f', 'r', '1', false, 'opening', 'd', now(), now(),
       'i', 'w', '', '', '件', 1, 1, NULL, NULL, 'CNY', '', '', '', '', false, '', now())`,
  );
  expect(await refusal(query("UPDATE movements SET quantity = 2"))).toMatch(/append-only/);
  expect(await refusal(query("DELETE FROM movements"))).toMatch(/append-only/);
});
