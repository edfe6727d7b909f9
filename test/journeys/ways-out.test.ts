import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { draftPage } from "../../activities/drafting.ts";
import type { LedgerDesk } from "../../activities/ledger.ts";
import { postBatch } from "../../activities/posting.ts";
import type { PeriodState } from "../../connectors/contract.ts";
import { createKingdeeCloud } from "../../connectors/kingdee-cloud/connector.ts";
import { type Database, inTransaction, openDatabase } from "../../db/database.ts";
import { draftingStores } from "../../db/drafting-stores.ts";
import { exceptionStore } from "../../db/exception-store.ts";
import { ingestPage } from "../../db/ingest.ts";
import * as postingStore from "../../db/posting-store.ts";
import { retryPostings } from "../../db/retry-store.ts";
import { businessDate, instant, period } from "../../domain/dates.ts";
import { decimal } from "../../domain/decimal.ts";
import { Installation } from "../../domain/installation.ts";
import type { Movement } from "../../domain/movement.ts";
import { standardChart, standardRules } from "../../mappings/load.ts";
import { type KingdeeCloud, startKingdeeCloud } from "../../simulators/kingdee-cloud/server.ts";
import { reversePosting } from "../../worker/reversal.ts";
import { testDatabase } from "../support/database.ts";

/* Every state in which a voucher may stand still has a way out, and none of them sends twice what is in the ERP. */

let database: Database;
let kingdee: KingdeeCloud;
let run = 0;

beforeAll(async () => {
  database = openDatabase((await testDatabase()).url);
});
afterAll(() => database.close());

/** A company, a ledger and fresh books of their own for each test. */
let company: string;
let desk: LedgerDesk;
beforeEach(async () => {
  run += 1;
  company = `c${run}`;
  kingdee = await startKingdeeCloud({ openPeriod: "2025-01" });
  const { acctId, userName, password, appId, appSecret, auditorUserName, auditorPassword } = kingdee.credentials;
  const target = createKingdeeCloud(
    { books: { "001": "100" }, batchMax: 8 },
    {
      connection: "erp",
      baseUrl: kingdee.baseUrl,
      secrets: { acctId, userName, password, appId, appSecret, auditorUserName, auditorPassword },
      pacer: { permit: async () => undefined },
      now: () => new Date(),
      log: () => undefined,
    },
  );
  const installation = Installation.parse({
    connections: [{ name: "erp", vendor: "kingdee-cloud", baseUrl: kingdee.baseUrl }],
    companies: [{ code: company, name: "公司", standard: "CAS" }],
    sources: [],
    ledgers: [
      {
        code: `l${run}`,
        company,
        connection: "erp",
        book: "001",
        estimateStyle: "reverse-on-invoice",
        closedPeriod: "hold",
        averagingScope: "company",
        codeTables: { supplier: "table", customer: "table" },
        leaseMs: 400,
        deadlineMs: 300,
        settlingMs: 40,
      },
    ],
  });
  const [ledger] = installation.ledgers;
  const [firm] = installation.companies;
  if (ledger === undefined || firm === undefined) throw new Error("no ledger");
  desk = {
    database,
    inTransaction,
    stores: draftingStores,
    store: postingStore,
    company: firm,
    ledger,
    sources: ["s"],
    rules: standardRules("cas"),
    chart: standardChart("cas"),
    target,
    periods: () => target.periods("001"),
    today: () => businessDate("2025-01-20"),
    worker: "test",
    timing: ledger,
    lanes: 1,
    onStep: async () => undefined,
    heartbeat: () => undefined,
    count: () => undefined,
  };
  await database.pool.query(
    "INSERT INTO items (company, code, name, item_class, unit) VALUES ($1, 'M-001', '物料', 'goods', 'Pcs')",
    [company],
  );
  await code("supplier", "P", "VEN001");
  await code("customer", "P", "CUST001");
  return async () => {
    await target.close();
    await kingdee.close();
  };
});

const code = async (table: string, theirs: string, ours: string): Promise<void> => {
  await database.pool.query("DELETE FROM code_entries WHERE ledger = $1 AND code_table = $2 AND their_code = $3", [
    desk.ledger.code,
    table,
    theirs,
  ]);
  await database.pool.query(
    "INSERT INTO code_entries (ledger, code_table, their_code, our_code, valid_from) VALUES ($1, $2, $3, $4, '1990-01-01')",
    [desk.ledger.code, table, theirs, ours],
  );
};

const put = async (number: string, over: Partial<Movement> = {}): Promise<void> => {
  const at = instant("2025-01-10T08:00:00.000Z");
  const movement: Movement = {
    company,
    source: "s",
    form: "f",
    recordId: number,
    lineId: "1",
    revision: 0,
    cancelled: false,
    kind: "purchase-receipt",
    documentNumber: number,
    happenedAt: at,
    happenedOn: businessDate("2025-01-10"),
    item: "M-001",
    warehouse: "CK01",
    counterWarehouse: "",
    batch: "",
    unit: "Pcs",
    quantity: decimal("10"),
    amount: decimal("100"),
    currency: "CNY",
    partner: "P",
    department: "",
    order: "",
    cause: "",
    invoiced: false,
    originDocument: "",
    sourceUpdatedAt: at,
    ...over,
  };
  const record = {
    recordId: number,
    documentNumber: number,
    updatedAt: at,
    digest: JSON.stringify(movement),
    movements: [movement],
    counts: [],
    problems: [],
  };
  await ingestPage(database, { company, source: "s", form: "f", records: [record] });
};
const sale = (number: string): Promise<void> =>
  put(number, { kind: "sales-issue", quantity: decimal("4"), amount: undefined, salesAmount: decimal("60") });

const ROUNDS_MAX = 60;
/** Drafts and posts until nothing is left to do without a person. */
const work = async (): Promise<void> => {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    await draftPage(desk, 100);
    const { left, nextDueMs, paused } = await postBatch(desk, 100);
    if (left === 0 || paused) return;
    await new Promise((resolve) => setTimeout(resolve, Math.min(nextDueMs ?? 20, 300)));
  }
};

interface Row {
  readonly key: string;
  readonly document: string;
  readonly purpose: string;
  readonly state: string;
  readonly generation: number;
  readonly code: string | null;
}
const postings = async (): Promise<readonly Row[]> =>
  (
    await database.pool.query<Row>(
      `SELECT posting_key AS key, documents[1] AS document, purpose, state, generation, error_code AS code FROM postings
       WHERE ledger = $1 ORDER BY posting_id`,
      [desk.ledger.code],
    )
  ).rows;
const states = async (): Promise<readonly string[]> => (await postings()).map(({ state }) => state);
const keyOf = async (document: string): Promise<string> =>
  (await postings()).find((row) => row.document === document)?.key ?? "";
const retry = (key?: string) =>
  retryPostings(database, { ledgers: [desk.ledger.code], key, dryRun: false, sizeMax: 100 });
const acts = async (key?: string) => (await retry(key)).map(({ act }) => act);

const person = async (act: string, body: object): Promise<void> => {
  const answer = await fetch(new URL(`/_person/${act}`, kingdee.baseUrl), {
    method: "POST",
    body: JSON.stringify(body),
  });
  expect(await answer.json()).toMatchObject({ ok: true });
};
const right = async (operations: readonly string[], granted: boolean): Promise<void> => {
  for (const operation of operations) await person("rights", { form: "GL_VOUCHER", operation, granted });
};
const faults = async (...list: readonly object[]): Promise<void> => {
  const answer = await fetch(new URL("/_sim/faults", kingdee.baseUrl), {
    method: "POST",
    body: JSON.stringify({ faults: list }),
  });
  expect(answer.status).toBe(200);
};
const loseRequest = (times: number) => ({ kind: "lose-before", operation: ["save", "batchSave"], times });

const Books = z.object({ vouchers: z.array(z.looseObject({ id: z.number(), external: z.string() })) });
const booked = async () => {
  const answer = await fetch(new URL("/_person/vouchers", kingdee.baseUrl));
  return Books.parse(await answer.json()).vouchers;
};
const alarms = async () =>
  (await exceptionStore(database).listOpen(company)).map(({ code: name, subject }) => `${name} ${subject}`);
const stock = async () =>
  (await database.pool.query("SELECT quantity, value FROM stock_values WHERE ledger = $1", [desk.ledger.code])).rows;

test("a refused voucher is drawn again with today's codes under its own key, and posted once; costing does not move", async () => {
  await code("supplier", "P", "VEN999");
  await put("RK1");
  await work();
  const [refused] = await postings();
  expect(refused).toMatchObject({ state: "refused", code: expect.stringMatching(/REFUSED/) });
  const before = await stock();
  await work();
  expect(await states()).toEqual(["refused"]);

  const planned = await retryPostings(database, {
    ledgers: [desk.ledger.code],
    key: undefined,
    dryRun: true,
    sizeMax: 9,
  });
  expect(planned.map(({ key, act }) => ({ key, act }))).toEqual([{ key: refused?.key, act: "redraw" }]);
  await work();
  expect(await states(), "a dry run changes nothing").toEqual(["refused"]);

  // Twice is once, and what is still wrong is refused once more.
  expect([await acts(), await acts()]).toEqual([["redraw"], ["redraw"]]);
  await work();
  expect(await states()).toEqual(["refused"]);
  await code("supplier", "P", "VEN001");
  await acts();
  await work();
  expect(await postings()).toMatchObject([{ key: refused?.key, state: "verified", code: null }]);
  expect((await booked()).map(({ external }) => external)).toEqual([refused?.key]);
  expect(await stock()).toEqual(before);
  expect(await acts()).toEqual([]);
});

test("a code that is missing keeps a retried voucher where it is, says so on it, and the entry alone lets it go on", async () => {
  await code("supplier", "P", "VEN999");
  await put("RK1");
  await work();
  await database.pool.query("DELETE FROM code_entries WHERE ledger = $1 AND code_table = 'supplier'", [
    desk.ledger.code,
  ]);
  await acts();
  await work();
  expect(await postings()).toMatchObject([{ state: "refused", code: "CODE_MISSING" }]);
  await code("supplier", "P", "VEN001");
  await work();
  expect(await states()).toEqual(["verified"]);
});

test("of a sale whose revenue was refused only the revenue is drawn again", async () => {
  await put("RK1", { invoiced: true });
  await work();
  await code("customer", "P", "CUST999");
  await sale("CK1");
  await work();
  const before = await postings();
  expect(before.map(({ purpose, state }) => [purpose, state])).toEqual([
    ["stock", "verified"],
    ["stock", "verified"],
    ["revenue", "refused"],
  ]);
  const goods = await stock();
  await code("customer", "P", "CUST001");
  expect(await acts()).toEqual(["redraw"]);
  await work();
  expect((await postings()).map(({ key, state }) => [key, state])).toEqual(before.map(({ key }) => [key, "verified"]));
  expect(await booked()).toHaveLength(3);
  expect(await stock()).toEqual(goods);
});

/** Everything a voucher says, but for the supplier. */
const content = async () =>
  (
    await database.pool.query(
      `SELECT p.posting_key, p.accounted_on, p.word, p.documents, p.group_name, l.line_number, l.side, l.account, l.amount, l.quantity, l.unit,
         l.summary, l.why, l.dimensions - 'supplier' AS dimensions,
         (SELECT array_agg((m.movement_id, m.occurrence, m.quantity, m.value)::text ORDER BY 1)
            FROM posting_movements m WHERE m.posting_id = p.posting_id) AS links
       FROM postings p JOIN voucher_lines l USING (posting_id) WHERE ledger = $1 ORDER BY p.posting_id, l.line_number`,
      [desk.ledger.code],
    )
  ).rows;

test("the vouchers of an invoice are redrawn as they were: estimate, price and place of the receipt, only the code is another", async () => {
  await put("RK1", { warehouse: "CK01", batch: "B7" });
  await work();
  await code("supplier", "P", "VEN999");
  const invoice = { kind: "purchase-invoice", invoiced: true, originDocument: "RK1", warehouse: "" } as const;
  await put("FP1", { ...invoice, quantity: decimal("6"), amount: decimal("72"), taxAmount: decimal("9.36") });
  await work();
  expect((await postings()).map(({ purpose, state }) => [purpose, state])).toEqual([
    ["stock", "verified"],
    ["estimate-reversal", "refused"],
    ["invoice", "refused"],
  ]);
  const before = await content();
  await code("supplier", "P", "VEN001");
  expect(await acts()).toEqual(["redraw", "redraw"]);
  await work();
  expect(await states()).toEqual(["verified", "verified", "verified"]);
  expect(await content()).toEqual(before);
});

test("a voucher of several documents is redrawn whole, under its own key", async () => {
  const { rules } = desk;
  const byDay = rules.rules.map((rule) =>
    "lines" in rule ? { ...rule, voucher: { ...rule.voucher, group: "day" as const } } : rule,
  );
  desk = { ...desk, rules: { ...rules, rules: byDay } };
  await code("supplier", "P", "VEN999");
  await put("RK1");
  await put("RK2", { amount: decimal("35") });
  await work();
  expect(await states()).toEqual(["refused"]);
  const before = await content();
  await code("supplier", "P", "VEN001");
  await acts();
  await work();
  expect(await states()).toEqual(["verified"]);
  expect(await content()).toEqual(before);
  expect(await booked()).toHaveLength(1);
});

test("a voucher held for its closed period goes on, redrawn, once a person opened the period and says so", async () => {
  await put("RK0");
  await work();
  await person("close-period", { book: "001", period: "2025-01" });
  await put("RK1");
  await work();
  expect(await states()).toEqual(["verified", "held"]);
  await acts();
  await work();
  expect(await states()).toEqual(["verified", "held"]);
  await person("open-period", { book: "001", period: "2025-01" });
  await acts();
  await work();
  expect(await states()).toEqual(["verified", "verified"]);
});

test("a missing right stops the ledger with one exception and refuses not one voucher; granted and resumed, all are posted", async () => {
  for (let number = 0; number < 10; number += 1) await put(`RK${number}`);
  await right(["save", "batchSave"], false);
  await work();
  expect(new Set(await states())).toEqual(new Set(["ready"]));
  expect(await postingStore.ledgerState(database, desk.ledger.code)).toMatchObject({
    paused: true,
    pauseCode: "PERMISSION_DENIED",
  });
  expect(await alarms()).toEqual([`PERMISSION_DENIED ${desk.ledger.code}`]);
  await right(["save", "batchSave"], true);
  await postingStore.resumeLedger(database, desk.ledger.code);
  await database.pool.query("UPDATE postings SET retry_after = NULL WHERE ledger = $1", [desk.ledger.code]);
  await work();
  expect(new Set(await states())).toEqual(new Set(["verified"]));
  expect(await booked()).toHaveLength(10);
  expect(await alarms()).toEqual([]);
});

test("a missing right to audit keeps nothing else from being saved, and what was saved is brought on afterwards", async () => {
  await put("RK1");
  await put("RK2");
  await right(["audit"], false);
  await work();
  expect((await postings()).map(({ state, code: why }) => [state, why])).toEqual([
    ["posted", "PERMISSION_DENIED"],
    ["posted", "PERMISSION_DENIED"],
  ]);
  expect(await alarms()).toEqual([]);
  await right(["audit"], true);
  expect(new Set(await acts())).toEqual(new Set(["bring-on"]));
  await work();
  expect(await states()).toEqual(["verified", "verified"]);
  expect(await booked()).toHaveLength(2);
});

test("control vouchers that a person deleted do not blind the look-ups while another voucher of ours is seen", async () => {
  for (const number of ["RK1", "RK2", "RK3", "RK4", "RK5"]) await put(number);
  await work();
  const { controlKeys } = await postingStore.ledgerState(database, desk.ledger.code);
  expect(controlKeys).toHaveLength(3);
  for (const { id, external } of await booked())
    if (controlKeys.some((key) => key === external)) await person("delete", { id, force: true });
  await faults(loseRequest(1));
  await put("RK6");
  await work();
  expect(new Set(await states())).toEqual(new Set(["verified"]));
  expect((await booked()).filter(({ external }) => !controlKeys.some((key) => key === external))).toHaveLength(3);
  expect(await alarms()).toEqual([]);
});

test("where not one voucher known to be there is seen, nothing is sent again and the ledger pauses", async () => {
  for (const number of ["RK1", "RK2", "RK3", "RK4"]) await put(number);
  await work();
  for (const { id } of await booked()) await person("delete", { id, force: true });
  await faults(loseRequest(1));
  await put("RK6");
  await work();
  expect(await booked()).toEqual([]);
  expect((await postings()).at(-1)).toMatchObject({ state: "uncertain", code: "LOOKUP_BLIND" });
  expect(await alarms()).toEqual([`LOOKUP_BLIND ${desk.ledger.code}`]);
  // The way out: a person looked for the key in the ERP.
  const key = await keyOf("RK6");
  expect(await postingStore.declareAbsent(database, key, false)).toEqual({ ledger: desk.ledger.code });
  await postingStore.resumeLedger(database, desk.ledger.code);
  await work();
  expect((await booked()).map(({ external }) => external)).toEqual([key]);
});

test("a first voucher whose answer is lost waits for a second one to prove what look-ups see, and is then sent again", async () => {
  await faults(loseRequest(1));
  await put("RK1");
  await work();
  expect(await postings()).toMatchObject([{ state: "uncertain", code: "LOOKUP_UNPROVEN" }]);
  await put("RK2");
  await work();
  expect(await states()).toEqual(["verified", "verified"]);
  expect(await booked()).toHaveLength(2);
  expect(await alarms()).toEqual([]);
  const { rows } = await database.pool.query<{ outcome: string }>(
    `SELECT outcome FROM posting_attempts a JOIN postings p USING (posting_id) WHERE posting_key = $1 AND act = 'look-up'
     ORDER BY attempt_at`,
    [await keyOf("RK1")],
  );
  const outcomes = rows.map(({ outcome }) => outcome);
  expect(outcomes.slice(-2), "absent counts twice, with proof").toEqual(["absent", "absent"]);
  expect(new Set(outcomes.slice(0, -2)), "and never before").toEqual(new Set(["unproven"]));
});

test("a first voucher that is alone is never sent again on a guess: it is parked, told, and a person's word lets it go on", async () => {
  await faults(loseRequest(1));
  await put("RK1");
  const key = async () => keyOf("RK1");
  await draftPage(desk, 100);
  await postBatch(desk, 100);
  expect(
    await postingStore.declareAbsent(database, await key(), false),
    "not before the first look-up",
  ).toBeUndefined();
  await work();
  expect(await postings()).toMatchObject([{ state: "uncertain", code: "LOOKUP_UNPROVEN" }]);
  expect(await booked()).toEqual([]);
  expect(await alarms()).toEqual([`LOOKUP_UNPROVEN ${await key()}`]);
  expect(await acts(), "looked up again on demand, not sent").toEqual(["look-up"]);
  await work();
  expect(await booked()).toEqual([]);
  expect(await postingStore.declareAbsent(database, await key(), true)).toBeDefined();
  expect(await states()).toEqual(["uncertain"]);
  await postingStore.declareAbsent(database, await key(), false);
  expect(await alarms()).toEqual([]);
  await work();
  expect(await states()).toEqual(["verified"]);
  expect(await booked()).toHaveLength(1);
});

test("a first voucher that did arrive is found, whatever is known of the look-ups", async () => {
  await faults({ ...loseRequest(1), kind: "lose-after" });
  await put("RK1");
  await work();
  expect(await states()).toEqual(["verified"]);
  expect(await booked()).toHaveLength(1);
});

test("a void voucher is parked; restored in the ERP and looked up on demand it is posted, and nothing is sent twice", async () => {
  await put("RK1");
  await work();
  await faults({ ...loseRequest(1), kind: "lose-after" });
  await put("RK2");
  await draftPage(desk, 100);
  await postBatch(desk, 100);
  const id = (await booked()).at(-1)?.id;
  await person("void", { id });
  await work();
  expect(await postings()).toMatchObject([{ state: "verified" }, { state: "uncertain", code: "FOUND_VOID" }]);
  expect(await alarms()).toEqual([`FOUND_VOID ${await keyOf("RK2")}`]);
  expect(await postingStore.declareAbsent(database, await keyOf("RK2"), false)).toBeUndefined();
  await person("unvoid", { id });
  expect(await acts()).toEqual(["look-up"]);
  await work();
  expect(await states()).toEqual(["verified", "verified"]);
  expect(await booked()).toHaveLength(2);
  expect(await alarms()).toEqual([]);
});

test("a voucher that differed is read again on demand, without being touched in the ERP", async () => {
  await put("RK1");
  await work();
  await database.pool.query(
    "UPDATE postings SET state = 'differs', error_code = 'READ_BACK_DIFFERS' WHERE ledger = $1",
    [desk.ledger.code],
  );
  await work();
  expect(await states()).toEqual(["differs"]);
  expect(await acts()).toEqual(["read-again"]);
  await work();
  expect(await postings()).toMatchObject([{ state: "verified", code: null }]);
  const [voucher] = await booked();
  await database.pool.query("UPDATE postings SET state = 'differs' WHERE ledger = $1", [desk.ledger.code]);
  await person("delete", { id: voucher?.id, force: true });
  await acts();
  await work();
  expect(await postings(), "gone is said, and not sent again").toMatchObject([
    { state: "differs", code: "READ_FAILED" },
  ]);
  expect(await booked()).toEqual([]);
});

const JANUARY: readonly PeriodState[] = [{ period: period("2025-01"), open: true }];

test("a reversal with --redraw is followed by one voucher of the next generation with today's codes and the same values", async () => {
  await put("RK0");
  await put("RK1");
  await work();
  const key = await keyOf("RK1");
  const goods = await stock();
  await person("base-data", { records: [{ form: "BD_SUPPLIER", number: "VEN002", name: "另一供应商" }] });
  await code("supplier", "P", "VEN002");
  await reversePosting(database, key, JANUARY, { dryRun: false, redraw: true });
  await draftPage(desk, 100);
  expect(await postings(), "not before the reversal is verified").toHaveLength(3);
  await work();
  await work();
  const after = await postings();
  expect(after.map(({ document, purpose, state, generation }) => [document, purpose, state, generation])).toEqual([
    ["RK0", "stock", "verified", 1],
    ["RK1", "stock", "reversed", 1],
    ["RK1", "reversal", "verified", 1],
    ["RK1", "stock", "verified", 2],
  ]);
  expect(await booked()).toHaveLength(4);
  const { rows } = await database.pool.query(
    "SELECT dimensions ->> 'supplier' AS supplier, amount FROM voucher_lines l JOIN postings p USING (posting_id) WHERE posting_key = $1 AND side = 'credit'",
    [after[3]?.key],
  );
  expect(rows).toEqual([{ supplier: "VEN002", amount: "100.00" }]);
  expect(await stock()).toEqual(goods);
  // The redrawn voucher can itself be reversed and redrawn.
  await reversePosting(database, after[3]?.key ?? "", JANUARY, { dryRun: false, redraw: true });
  await work();
  await work();
  expect((await postings()).at(-1)).toMatchObject({ document: "RK1", generation: 3, state: "verified" });
});

test("a reversal with --redraw of a document that changed meanwhile is followed by the changed voucher alone", async () => {
  await put("RK1");
  await work();
  await reversePosting(database, await keyOf("RK1"), JANUARY, { dryRun: false, redraw: true });
  await put("RK1", { amount: decimal("130") });
  await work();
  await work();
  expect((await postings()).map(({ purpose, state, generation }) => [purpose, state, generation])).toEqual([
    ["stock", "reversed", 1],
    ["reversal", "verified", 1],
    ["stock", "verified", 2],
  ]);
  expect(await stock()).toMatchObject([{ quantity: "10", value: "130.00" }]);
});
