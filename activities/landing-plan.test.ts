import { afterAll, beforeEach, expect, test } from "vitest";
import type { VoucherTarget } from "../connectors/contract.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { exceptionStore } from "../db/exception-store.ts";
import { reconciliationStore } from "../db/reconciliation-store.ts";
import { period } from "../domain/dates.ts";
import { standardRules } from "../mappings/load.ts";
import { type TestDatabase, testDatabase } from "../test/support/database.ts";
import { createReconciliationActivities } from "./reconciliation.ts";

/* Which periods a reconciliation reads: an ERP that only knows periods, and our postings as bare rows. */

let testing: TestDatabase | undefined;
let database: Database;
let open: Set<string>;
const KNOWN = ["2025-01", "2025-02", "2025-03", "2025-04", "2025-05"];
const scope = { company: "demo", ledger: "main" };

const notAsked = (): never => {
  throw new Error("a plan does not ask for this");
};
const target: VoucherTarget = {
  capabilities: {
    batchMax: 1,
    keyGuard: "lookup",
    keyLength: 26,
    stages: ["saved"],
    red: "negative",
    asynchronous: false,
    dimensions: [],
    checks: { period: "erp", account: "erp", dimension: "erp", code: "erp", balance: "erp" },
    people: { edit: true, unaudit: true, delete: true, void: true, copy: "with-key" },
    text: { measure: "characters", repertoire: "unicode" },
    amountDigits: 15,
    quantities: true,
    quantityDigits: 12,
    linesMax: 100,
    summaryMax: 100,
    amountDecimals: 2,
    quantityDecimals: 6,
    vouchersPerPeriodMax: undefined,
    readsBalances: false,
    readsQuantities: false,
  },
  check: notAsked,
  close: async () => undefined,
  post: notAsked,
  advance: notAsked,
  findByKeys: notAsked,
  readBack: async () => new Map(),
  listPeriod: async function* () {
    yield [];
  },
  balances: notAsked,
  periods: async () => KNOWN.map((name) => ({ period: period(name), open: open.has(name) })),
  masterData: notAsked,
};
const activities = () =>
  createReconciliationActivities({
    store: reconciliationStore(database),
    exceptions: exceptionStore(database),
    targets: () => target,
    sources: notAsked,
    sourcesOf: () => [],
    bookOf: () => "001",
    stockAccountsOf: () => ["1405"],
    rulesOf: () => standardRules("cas"),
  });

const KEY_LETTERS = "abcdefghijklmnopqrstuvwxyz";
let keys = 0;
const postedIn = async (month: string): Promise<void> => {
  const { rows } = await database.pool.query<{ id: string }>("SELECT zs_next_id()::text AS id");
  keys += 1;
  const key = (KEY_LETTERS[keys] ?? "a").repeat(26);
  await database.pool.query("INSERT INTO posting_keys VALUES ($1, $2, 'main', $1)", [key, rows[0]?.id]);
  await database.pool.query(
    `INSERT INTO postings (posting_id, posting_key, company, ledger, book, source, form, record_id, purpose, part, generation, group_name,
       state, target_stage, word, accounted_on, period, attachments, currency, documents, summary, rule_name, rule_version,
       debit_total, credit_total, fingerprint, created_at)
     VALUES ($1, $2, 'demo', 'main', '001', 'jdy', 'receipt', $2, 'stock', 1, 1, '', 'withdrawn', 'audited', '记', $3, $4, 1, 'CNY',
       '{}', '入库', 'r', 1, 1, 1, 'f', clock_timestamp())`,
    [rows[0]?.id, key, `${month}-05`, month],
  );
};
const planned = async (full = false): Promise<readonly string[]> =>
  (await activities().planReconciliation({ ...scope, full })).periods;
/** @returns what was landed */
const land = async (): Promise<readonly string[]> => {
  const periods = await planned();
  await activities().landLedger({ ...scope, periods });
  return periods;
};

beforeEach(async () => {
  await database?.close();
  await testing?.drop();
  testing = await testDatabase();
  database = openDatabase(testing.url);
  open = new Set(["2025-04", "2025-05"]);
  keys = 0;
  for (const month of KNOWN.slice(0, 4)) await postedIn(month);
});
afterAll(async () => {
  await database.close();
  await testing?.drop();
});

test("every period is read once; from then on open ones, the next one, and the closed ones in turn", async () => {
  expect(await land()).toEqual(["2025-01", "2025-02", "2025-03", "2025-04", "2025-05"]);
  const nights = [await land(), await land(), await land(), await land()];
  expect(nights.map((periods) => periods.slice(1))).toEqual(nights.map(() => ["2025-04", "2025-05"]));
  const turns = nights.map(([first]) => first);
  expect(new Set(turns.slice(0, 3))).toEqual(new Set(["2025-01", "2025-02", "2025-03"]));
  expect(turns[3]).toBe(turns[0]);
});

test("asked for everything, closed periods are read again as well", async () => {
  await land();
  expect(await planned(true)).toEqual(["2025-01", "2025-02", "2025-03", "2025-04", "2025-05"]);
});

test("a period that was reopened, was closed after its last reading, or got a voucher of ours since is read again", async () => {
  await land();
  const turn = "2025-01";
  expect((await planned())[0]).toBe(turn);
  open.add("2025-03");
  expect(await planned()).toContain("2025-03");
  await land();
  open.delete("2025-03");
  expect(await land()).toContain("2025-03");
  await land();
  expect((await planned()).filter((of) => of < "2025-04")).toHaveLength(1);
  await postedIn("2025-02");
  await postedIn("2025-03");
  expect(await planned()).toEqual(expect.arrayContaining(["2025-02", "2025-03"]));
});

test("a reading that did not reach its end does not count", async () => {
  const broken = createReconciliationActivities({
    store: reconciliationStore(database),
    exceptions: exceptionStore(database),
    targets: () => ({
      ...target,
      listPeriod: async function* (_book, of) {
        if (of === "2025-03") throw new Error("the ERP is away");
        yield [];
      },
    }),
    sources: notAsked,
    sourcesOf: () => [],
    bookOf: () => "001",
    stockAccountsOf: () => [],
    rulesOf: () => standardRules("cas"),
  });
  await expect(broken.landLedger({ ...scope, periods: await planned() })).rejects.toThrow("the ERP is away");
  expect(await planned()).toEqual(KNOWN);
});

test("the plan names the newest period with vouchers of ours", async () => {
  expect((await activities().planReconciliation(scope)).period).toBe("2025-04");
});
