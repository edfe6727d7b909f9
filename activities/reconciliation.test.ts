import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readXlsx } from "hucre/xlsx";
import { afterAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import type {
  AccountBalance,
  ErpVoucher,
  SourceRecord,
  StockSource,
  VoucherTarget,
  WarehouseBalance,
} from "../connectors/contract.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { exceptionStore } from "../db/exception-store.ts";
import { ledgerState, pauseLedger, resumeLedger } from "../db/posting-store.ts";
import { reconciliationStore } from "../db/reconciliation-store.ts";
import { businessDate, instant, period, periodOf } from "../domain/dates.ts";
import { decimal, negate, sum, toFixed } from "../domain/decimal.ts";
import { Movement, type MovementKind } from "../domain/movement.ts";
import { standardRules } from "../mappings/load.ts";
import { type TestDatabase, testDatabase } from "../test/support/database.ts";
import { createReconciliationActivities } from "./reconciliation.ts";
import { createReportActivities, neutralised } from "./report.ts";

/*
 * Both systems as plain lists behind the connector contract, and our tables filled by hand: what ingest, drafting and
 * posting leave there is their own tests' business.
 */

let testing: TestDatabase | undefined;
let database: Database;
let erp: ErpVoucher[];
let balances: AccountBalance[];
let warehouse: { records: SourceRecord[]; stock: WarehouseBalance[] };
const folders: string[] = [];

const notAsked = (): never => {
  throw new Error("reconciliation does not ask for this");
};
const target: VoucherTarget = {
  capabilities: {
    batchMax: 1,
    keyGuard: "lookup",
    keyLength: 26,
    stages: ["saved", "audited"],
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
    readsBalances: true,
    readsQuantities: true,
  },
  check: notAsked,
  close: async () => undefined,
  post: notAsked,
  advance: notAsked,
  findByKeys: notAsked,
  readBack: async (_book, erpIds) =>
    new Map(erp.filter(({ erpId }) => erpIds.includes(erpId)).map((voucher) => [voucher.erpId, voucher])),
  listPeriod: async function* (_book, of) {
    yield erp.filter((voucher) => voucher.period === of);
  },
  balances: async (_book, of) => (of === "2025-03" ? balances : []),
  periods: async () => [{ period: period("2025-03"), open: true }],
  masterData: notAsked,
};
const source: StockSource = {
  capabilities: { modifiedSince: false, listsDeletions: false, pushes: false, pageMax: 100 },
  forms: ["receipt"],
  check: notAsked,
  close: async () => undefined,
  changeMark: notAsked,
  readPage: async () => ({ records: warehouse.records, cursor: "", last: true }),
  readRecords: notAsked,
  items: notAsked,
  balances: async function* () {
    yield* warehouse.stock;
  },
  verifyPush: notAsked,
};

beforeEach(async () => {
  await database?.close();
  await testing?.drop();
  testing = await testDatabase();
  database = openDatabase(testing.url);
  erp = [];
  balances = [];
  warehouse = { records: [], stock: [] };
});
afterAll(async () => {
  await database.close();
  await testing?.drop();
  for (const folder of folders) await rm(folder, { recursive: true });
});

const activities = (rules = standardRules("cas")) =>
  createReconciliationActivities({
    store: reconciliationStore(database),
    exceptions: exceptionStore(database),
    targets: () => target,
    sources: () => source,
    sourcesOf: () => [{ code: "jdy", queue: "connection/jdy" }],
    bookOf: () => "001",
    stockAccountsOf: () => ["1405"],
    rulesOf: () => rules,
  });

const reconcile = async (rules = standardRules("cas")): Promise<readonly string[]> => {
  const run = activities(rules);
  const { periods, sources } = await run.planReconciliation({ company: "demo", ledger: "main" });
  for (const { code } of sources) await run.landWarehouse({ company: "demo", source: code });
  await run.landLedger({ company: "demo", ledger: "main", periods });
  await run.compare({ company: "demo", ledger: "main", statement: "2025-03" });
  return (await exceptionStore(database).listMismatches("demo")).map(({ id }) => id);
};

const Id = z.object({ id: z.string() });
const query = async (text: string, values: readonly unknown[] = []): Promise<string> => {
  const { rows } = await database.pool.query(text, [...values]);
  return rows.length === 0 ? "" : (Id.safeParse(rows[0]).data?.id ?? "");
};
const keyOf = (document: string): string =>
  createHash("sha256")
    .update(document)
    .digest("hex")
    .replace(/[^a-f2-7]/g, "a")
    .slice(0, 26);

interface Fact {
  readonly document: string;
  readonly item?: string;
  readonly day?: string;
  readonly quantity?: string;
  readonly unit?: string;
  readonly amount?: string;
  readonly kind?: MovementKind;
  readonly partner?: string;
  readonly taxAmount?: string;
  readonly warehouse?: string;
  readonly batch?: string;
  readonly lineId?: string;
}

const movementOf = ({
  document,
  item = "A",
  day = "2025-03-05",
  quantity = "5",
  unit = "个",
  amount = "50.00",
  kind = "purchase-receipt",
  partner = "S1",
  taxAmount,
  warehouse = "W1",
  batch = "",
  lineId = "1",
}: Fact) =>
  Movement.parse({
    company: "demo",
    source: "jdy",
    form: "receipt",
    recordId: `id-${document}`,
    lineId,
    revision: 1,
    cancelled: false,
    kind,
    documentNumber: document,
    happenedAt: `${day}T02:00:00.000Z`,
    happenedOn: day,
    item,
    warehouse,
    counterWarehouse: "",
    batch,
    unit,
    quantity,
    amount,
    taxAmount,
    currency: "CNY",
    partner,
    department: "",
    order: "",
    cause: "",
    invoiced: false,
    originDocument: "",
    sourceUpdatedAt: `${day}T02:00:00.000Z`,
  });

const recordOf = (fact: Fact): SourceRecord => ({
  form: "receipt",
  recordId: `id-${fact.document}`,
  documentNumber: fact.document,
  createdAt: instant("2025-03-05T02:00:00.000Z"),
  updatedAt: instant("2025-03-05T02:00:00.000Z"),
  digest: "d",
  movements: [movementOf(fact)],
  counts: [],
  problems: [],
});

/** In the source, in its stock on hand, and in our movement log. */
const pulled = async (fact: Fact, movementId?: string, revision = 1, cancelled = false): Promise<string> => {
  const m = movementOf(fact);
  const id = movementId ?? (await query("SELECT zs_next_id()::text AS id"));
  if (movementId === undefined) {
    warehouse.records.push(recordOf(fact));
    const effect = m.kind === "sales-issue" ? `-${m.quantity}` : m.quantity;
    warehouse.stock.push({ item: m.item, warehouse: "W1", batch: fact.document, quantity: decimal(effect) });
    await query(
      `INSERT INTO source_records (company, source, form, record_id, record_number, document_number, revision, digest, lines, source_updated_at)
       VALUES ('demo', 'jdy', 'receipt', $1, nextval('zs_sequence'), $2, 1, 'd', 1, now())`,
      [m.recordId, m.documentNumber],
    );
  }
  await query(
    `INSERT INTO movements (movement_id, revision, arrival, company, source, form, record_id, cancelled, kind, document_number,
       happened_at, happened_on, item, counter_warehouse, unit, quantity, amount, currency, department,
       order_number, cause, invoiced, origin_document, source_updated_at, recorded_at, tax_amount, warehouse, batch, partner, line_id)
     VALUES ($1, $2, nextval('zs_sequence'), 'demo', 'jdy', 'receipt', $3, $4, $5, $6, $7, $8, $9, '', $10, $11, $12,
       'CNY', '', '', '', false, '', now(), clock_timestamp(), $13, $14, $15, $16, $17)`,
    [
      id,
      revision,
      m.recordId,
      cancelled,
      m.kind,
      m.documentNumber,
      m.happenedAt,
      m.happenedOn,
      m.item,
      m.unit,
      m.quantity,
      m.amount,
      m.taxAmount ?? null,
      m.warehouse,
      m.batch,
      m.partner,
      m.lineId,
    ],
  );
  return id;
};

const voucherOf = (fact: Fact, erpId: string): ErpVoucher => {
  const { item = "A", day = "2025-03-05", quantity = "5", amount = "50.00" } = fact;
  const date = businessDate(day);
  const common = { summary: "入库", unit: undefined, amount: decimal(amount) };
  return {
    erpId,
    key: keyOf(fact.document),
    word: "记",
    number: erpId,
    date,
    period: periodOf(date),
    stage: "audited",
    voided: false,
    attachments: 1,
    origin: "api",
    maker: "接口",
    lines: [
      { ...common, lineNumber: 1, side: "debit", account: "1405", quantity: decimal(quantity), dimensions: { item } },
      { ...common, lineNumber: 2, side: "credit", account: "2202", quantity: undefined, dimensions: {} },
    ],
  };
};

/** Pulled, drafted, posted and verified; the voucher stands in the ERP. */
const verified = async (
  fact: Fact,
  changes: { state?: string; erp?: boolean; code?: string } = {},
): Promise<string> => {
  const movementId = await pulled(fact);
  const { item = "A", day = "2025-03-05", quantity = "5", amount = "50.00" } = fact;
  const postingId = await query("SELECT zs_next_id()::text AS id");
  const { state = "verified" } = changes;
  const booked = ["verified", "posted", "differs"].includes(state);
  const erpId = booked ? postingId.slice(-6) : null;
  await query("INSERT INTO posting_keys VALUES ($1, $2, 'main', $1)", [keyOf(fact.document), postingId]);
  await query(
    `INSERT INTO postings (posting_id, posting_key, company, ledger, book, source, form, record_id, purpose, part, generation, group_name,
       state, stage, target_stage, word, accounted_on, period, attachments, currency, documents, summary, rule_name, rule_version,
       debit_total, credit_total, fingerprint, erp_id, erp_number, audited_seen, verified_at, sent_at, error_code, created_at)
     VALUES ($1, $2, 'demo', 'main', '001', 'jdy', 'receipt', $3, 'stock', 1, 1, '', $4, $5, 'audited', '记', $6, $7, 1, 'CNY', $8,
       '入库', 'r', 1, $9, $9, 'f', $10, $10, false, CASE WHEN $4 = 'verified' THEN now() END, now(), $11, clock_timestamp())`,
    [
      postingId,
      keyOf(fact.document),
      `id-${fact.document}`,
      state,
      booked ? "saved" : "none",
      day,
      day.slice(0, 7),
      [fact.document],
      amount,
      erpId,
      changes.code ?? null,
    ],
  );
  await query(
    `INSERT INTO voucher_lines (posting_id, line_number, side, role, account, amount, quantity, item, dimensions, summary, why, movement_ids)
     VALUES ($1, 1, 'debit', 'inventory', '1405', $2, $3, $4, $5, '', '', ARRAY[$6::bigint]),
            ($1, 2, 'credit', 'payables', '2202', $2, NULL, NULL, '{}', '', '', ARRAY[$6::bigint])`,
    [postingId, amount, quantity, item, JSON.stringify({ item }), movementId],
  );
  await query(
    `INSERT INTO posting_movements (movement_id, revision, ledger, purpose, generation, posting_id, quantity, value)
     VALUES ($1, 1, 'main', 'stock', 1, $2, $3, $4)`,
    [movementId, postingId, quantity, amount],
  );
  if (erpId !== null && changes.erp !== false) erp.push(voucherOf(fact, erpId));
  return movementId;
};

const change = (document: string, how: (voucher: ErpVoucher) => ErpVoucher): void => {
  erp = erp.map((voucher) => (voucher.key === keyOf(document) ? how(voucher) : voucher));
};

/** Balances as the ERP would compute them from its vouchers. */
const closeBooks = (): void => {
  const zero = decimal("0");
  const march = erp.filter((voucher) => voucher.period === "2025-03" && !voucher.voided).flatMap(({ lines }) => lines);
  const money = (account: string, side: string): ReturnType<typeof decimal> => {
    const lines = march.filter((l) => l.account === account && l.side === side);
    return toFixed(sum(lines.map(({ amount }) => amount)), 2);
  };
  const items = [...new Set(march.flatMap((l) => (l.dimensions.item === undefined ? [] : [l.dimensions.item])))];
  const row = (account: string, item: string, closingQuantity?: string): AccountBalance => ({
    account,
    item,
    opening: zero,
    debit: money(account, "debit"),
    credit: money(account, "credit"),
    closing: zero,
    openingQuantity: zero,
    debitQuantity: undefined,
    creditQuantity: undefined,
    closingQuantity: closingQuantity === undefined ? undefined : decimal(closingQuantity),
  });
  balances = [
    row("1405", ""),
    row("2202", ""),
    ...items.map((item) => {
      const quantity = march
        .filter((l) => l.dimensions.item === item && l.account === "1405")
        .reduce((sum, l) => sum + Number(l.quantity ?? 0), 0);
      return row("1405", item, String(quantity));
    }),
  ];
};

test("where both sides agree nothing is reported", async () => {
  await verified({ document: "CG-1" });
  await verified({ document: "CG-2", item: "007", day: "2025-03-31", amount: "33.33" });
  closeBooks();
  expect(await reconcile()).toEqual([]);
});

test("each cause is found under its own name, once, and nothing else", async () => {
  for (const name of ["ok", "edited", "unaudited", "deleted", "moved", "double", "waiting"])
    await verified({ document: name });
  await verified({ document: "keyless" });
  await reconcile(); // sees them audited
  change("edited", (voucher) => ({
    ...voucher,
    lines: voucher.lines.map((line) => ({ ...line, amount: decimal("51.00") })),
  }));
  change("unaudited", (voucher) => ({ ...voucher, stage: "saved" }));
  erp = erp.filter(({ key }) => key !== keyOf("deleted"));
  change("moved", (voucher) => ({ ...voucher, date: businessDate("2025-04-01"), period: period("2025-04") }));
  erp.push(voucherOf({ document: "double" }, "copy-1"));
  erp.push({ ...voucherOf({ document: "by-hand" }, "7"), key: "", number: "7", origin: "manual", maker: "张会计" });
  erp.push({
    ...voucherOf({ document: "no-stock" }, "8"),
    key: "",
    lines: voucherOf({ document: "x" }, "8").lines.map((line) => ({ ...line, account: "6602" })),
  });
  change("keyless", (voucher) => ({ ...voucher, key: "" }));

  await verified({ document: "unseen" });
  change("unseen", (voucher) => ({ ...voucher, stage: "submitted" }));
  await verified({ document: "drafted" }, { state: "drafted" });
  await verified({ document: "refused" }, { state: "refused", code: "REFUSED_BY_ERP" });
  await verified({ document: "held" }, { state: "held", code: "PERIOD_CLOSED" });
  await verified({ document: "uncertain" }, { state: "uncertain", code: "NO_ANSWER" });

  const cancelled = await verified({ document: "cancelled" });
  await pulled({ document: "cancelled" }, cancelled, 2, true);
  await query("UPDATE source_records SET cancelled = true WHERE document_number = 'cancelled'");
  const repriced = await verified({ document: "repriced" });
  await pulled({ document: "repriced", amount: "60.00" }, repriced, 2);
  warehouse.records = warehouse.records.filter(({ documentNumber }) => documentNumber !== "cancelled");
  warehouse.stock = warehouse.stock.filter(({ batch }) => batch !== "cancelled");

  await verified({ document: "backdated", day: "2025-03-01" });
  await pulled({ document: "one-leg", kind: "transfer" });
  warehouse.stock = warehouse.stock.filter(({ batch }) => batch !== "one-leg");
  warehouse.stock.push({ item: "A", warehouse: "W1", batch: "", quantity: decimal("-5") });
  const blocked = async (document: string, code: string, subject: string): Promise<void> => {
    const id = await pulled({ document });
    await query("INSERT INTO blocked_movements VALUES ('main', $1, 1, 'jdy', 1, $2, $3)", [id, code, subject]);
  };
  await blocked("no-code-1", "CODE_MISSING", "item/ZS-9001");
  await blocked("no-code-2", "CODE_MISSING", "item/ZS-9001");
  await blocked("no-rule", "RULE_MISSING", "rule/other");

  await query(
    `INSERT INTO items (company, code, name, item_class, unit, conversions) VALUES ('demo', 'U', 'U', '', '个', '{"箱": "12"}')`,
  );
  await verified({ document: "unit", item: "U", quantity: "2" });
  await verified({ document: "unit-fine", item: "U", quantity: "3" });
  await verified({ document: "pair-1", item: "P1" });
  await verified({ document: "pair-2", item: "P2" });
  const off: Readonly<Record<string, string>> = { unit: "24", "pair-1": "8", "pair-2": "2" };
  warehouse.stock = warehouse.stock.map((row) => ({ ...row, quantity: decimal(off[row.batch] ?? row.quantity) }));
  warehouse.records.push(recordOf({ document: "unpulled" }));
  warehouse.stock.push({ item: "A", warehouse: "W1", batch: "unpulled", quantity: decimal("5") });
  closeBooks();

  const on = (cause: number, document: string): string => `demo/${cause}/movement:receipt/${document}`;
  const expected = [
    on(1, "unpulled"),
    on(2, "no-rule"),
    on(3, "drafted"),
    on(4, "unseen"),
    on(5, "double"),
    on(6, "moved"),
    on(8, "repriced"),
    on(9, "unit"),
    on(10, "edited"),
    on(10, "unaudited"),
    on(10, "deleted"),
    "demo/11/voucher:001/记-7@2025-03",
    on(12, "cancelled"),
    on(13, "backdated"),
    on(16, "one-leg"),
    "demo/18/item-pair:P1+P2",
    "demo/20/code:item/ZS-9001",
    on(21, "refused"),
    on(22, "held"),
    on(23, "uncertain"),
  ];
  expect(await reconcile()).toEqual(expected.toSorted());
  expect(await reconcile()).toEqual(expected.toSorted());
});

/** Deviations of an open difference, as "field: ours/theirs". */
const deviationsOf = async (id: string): Promise<readonly string[]> => {
  const open = await exceptionStore(database).listMismatches("demo");
  const evidence = z
    .object({ deviations: z.array(z.object({ field: z.string(), ours: z.string(), theirs: z.string() })) })
    .parse(open.find((each) => each.id === id)?.evidence);
  return evidence.deviations.map(({ field, ours, theirs }) => `${field}: ${ours}/${theirs}`);
};

test.each<readonly [what: string, edit: Partial<Fact>, cause: number, deviation: string]>([
  ["the quantity", { quantity: "6" }, 9, "A.quantity: 6/5"],
  ["the unit", { unit: "箱" }, 9, "A.unit: 箱/个"],
  ["the price", { amount: "60.00" }, 8, "A.amount: 60/50"],
  ["tax that was not there", { taxAmount: "6.50" }, 8, "A.taxAmount: 6.5/"],
  ["the day, into another period", { day: "2025-04-02" }, 6, "A.happenedOn: 2025-04-02/2025-03-05"],
  ["the day, inside the period", { day: "2025-03-06" }, 12, "A.happenedOn: 2025-03-06/2025-03-05"],
  ["the item", { item: "B" }, 12, "A.item: B/A"],
  ["the supplier", { partner: "S2" }, 12, "A.partner: S2/S1"],
  ["the warehouse", { warehouse: "W2" }, 12, "A.warehouse: W2/W1"],
  ["the kind", { kind: "count-gain" }, 12, "A.kind: count-gain/purchase-receipt"],
])("an edit of %s after posting is one difference that names the field", async (_, edit, cause, deviation) => {
  const id = await verified({ document: "CG-1" });
  await verified({ document: "CG-2" });
  await pulled({ document: "CG-1", ...edit }, id, 2);
  warehouse.stock = [];
  closeBooks();
  const expected = `demo/${cause}/movement:receipt/CG-1`;
  expect(await reconcile()).toEqual([expected]);
  expect(await deviationsOf(expected)).toEqual([deviation]);
});

test("an edit of what the books do not speak of is no difference", async () => {
  const id = await verified({ document: "CG-1" });
  await pulled({ document: "CG-1", batch: "B7" }, id, 2);
  warehouse.stock = [];
  closeBooks();
  expect(await reconcile()).toEqual([]);
});

/** Our own reversal of a voucher, posted and verified; the original becomes `reversed`. */
const reversed = async (fact: Fact, movementId: string): Promise<void> => {
  const key = keyOf(`reversal of ${fact.document}`);
  const postingId = await query("SELECT zs_next_id()::text AS id");
  await query("INSERT INTO posting_keys VALUES ($1, $2, 'main', $1)", [key, postingId]);
  await query(
    `INSERT INTO postings (posting_id, posting_key, company, ledger, book, source, form, record_id, purpose, part, generation, group_name,
       state, stage, target_stage, word, accounted_on, period, attachments, currency, documents, summary, rule_name, rule_version,
       debit_total, credit_total, fingerprint, erp_id, erp_number, reverses, verified_at, sent_at)
     SELECT $1, $2, company, ledger, book, source, form, 'reversal:' || posting_key, 'reversal', 1, 1, '', 'verified', stage,
       target_stage, word, accounted_on, period, 1, currency, documents, '红冲', 'reversal', 1, -debit_total, -credit_total, 'f',
       'r' || erp_id, 'r' || erp_number, posting_id, now(), now() FROM postings WHERE posting_key = $3`,
    [postingId, key, keyOf(fact.document)],
  );
  await query(
    `INSERT INTO voucher_lines (posting_id, line_number, side, role, account, amount, quantity, item, dimensions, summary, why, movement_ids)
     SELECT $1, line_number, side, role, account, -amount, -quantity, item, dimensions, '', '', movement_ids
     FROM voucher_lines l JOIN postings p ON p.posting_id = l.posting_id WHERE p.posting_key = $2`,
    [postingId, keyOf(fact.document)],
  );
  await query(
    `INSERT INTO posting_movements (movement_id, revision, ledger, purpose, generation, occurrence, posting_id, quantity, value)
     SELECT movement_id, revision, ledger, 'reversal', 1, 'stock', $1, -quantity, -value FROM posting_movements WHERE movement_id = $2`,
    [postingId, movementId],
  );
  await query("UPDATE postings SET state = 'reversed', reversed_by = $2 WHERE posting_key = $1", [
    keyOf(fact.document),
    postingId,
  ]);
  const original = voucherOf(fact, await query("SELECT erp_id AS id FROM postings WHERE posting_id = $1", [postingId]));
  erp.push({
    ...original,
    key,
    lines: original.lines.map((line) => ({
      ...line,
      amount: negate(line.amount),
      quantity: line.quantity === undefined ? undefined : negate(line.quantity),
    })),
  });
};

test("a voucher that a person reversed while its movement stands is a difference until a voucher stands again", async () => {
  const fact = { document: "CG-1" };
  const id = await verified(fact);
  await verified({ document: "CG-2" });
  await reversed(fact, id);
  closeBooks();
  expect(await reconcile()).toEqual(["demo/10/movement:receipt/CG-1"]);
  expect(await deviationsOf("demo/10/movement:receipt/CG-1")).toEqual(["voucher: verified/reversed"]);
  // The source changed as well: then the next drafting makes the new voucher, and nobody has to act.
  await query("UPDATE postings SET source_changed = true WHERE state = 'reversed'");
  expect(await reconcile()).toEqual([]);
  await query("UPDATE postings SET source_changed = false WHERE state = 'reversed'");
  expect(await reconcile()).toEqual(["demo/10/movement:receipt/CG-1"]);
  await pulled(fact, id, 2, true);
  warehouse.stock = [];
  await query("UPDATE source_records SET cancelled = true WHERE document_number = 'CG-1'");
  warehouse.records = warehouse.records.filter(({ documentNumber }) => documentNumber !== "CG-1");
  expect(await reconcile()).toEqual([]);
});

test("goods that drafting passed without a voucher are named, whatever their kind; what needs none is not", async () => {
  await verified({ document: "CG-1" });
  await pulled({ document: "XS-1", kind: "sales-issue", quantity: "2" });
  await pulled({ document: "QC-1", kind: "opening" });
  await pulled({ document: "ZT-1", kind: "status-change" });
  const gift = await pulled({ document: "ZP-1", kind: "count-gain", item: "G" });
  await query(
    `INSERT INTO cost_entries (ledger, movement_id, item, scope, accounted_on, at, arrival, effect, is_return, quantity, cancelled,
       canonical, booked, basis, running_quantity, running_value)
     VALUES ('main', $1, 'G', '', '2025-03-05', '', 1, 'in', false, 5, false, 0, 0, 'document', 5, 0)`,
    [gift],
  );
  await query("INSERT INTO draft_cursors (ledger, source, arrival) SELECT 'main', 'jdy', max(arrival) FROM movements");
  // A line that was added to a document whose voucher stands: nobody drafts it before the voucher is reversed.
  await pulled({ document: "XS-2", kind: "sales-issue", quantity: "1" });
  warehouse.stock = [];
  closeBooks();
  expect(await reconcile()).toEqual(["demo/2/movement:receipt/XS-1"]);
});

test("a line added to a document whose voucher stands is missing in that voucher", async () => {
  await verified({ document: "CG-1" });
  const added = await query("SELECT zs_next_id()::text AS id");
  await pulled({ document: "CG-1", lineId: "2", item: "B", quantity: "3" }, added, 2);
  await query("INSERT INTO draft_cursors (ledger, source, arrival) SELECT 'main', 'jdy', max(arrival) FROM movements");
  warehouse.stock = [];
  closeBooks();
  expect(await reconcile()).toEqual(["demo/9/movement:receipt/CG-1"]);
  expect(await deviationsOf("demo/9/movement:receipt/CG-1")).toEqual(["B.quantity: 3/0"]);
});

test("what no document explains between the warehouse's movements and 数量核算 is a difference of the item", async () => {
  await verified({ document: "CG-1" });
  await verified({ document: "CG-2", item: "B" });
  // By the rules of this company such an issue needs no voucher: the ledger keeps the quantity.
  await pulled({ document: "BF-1", kind: "scrap", quantity: "2" });
  await query("INSERT INTO draft_cursors (ledger, source, arrival) SELECT 'main', 'jdy', max(arrival) FROM movements");
  warehouse.stock = [];
  closeBooks();
  const rules = standardRules("cas");
  const silent = {
    name: "silent",
    version: 1,
    validFrom: businessDate("1990-01-01"),
    when: { kind: "scrap" as const },
    none: "不记账",
  };
  expect(await reconcile({ ...rules, rules: [silent, ...rules.rules] })).toEqual(["demo/9/item:A"]);
  expect(await deviationsOf("demo/9/item:A")).toEqual(["A.quantity: 3/5"]);
});

test("a double pauses the ledger once, and the reversal of the surplus voucher is proposed", async () => {
  await verified({ document: "CG-1" });
  closeBooks();
  const before = [...erp];
  const kept = erp[0]?.erpId ?? "";
  erp.push(voucherOf({ document: "CG-1" }, "99"));
  closeBooks();
  const id = "demo/5/movement:receipt/CG-1";
  expect(await reconcile()).toEqual([id]);
  expect(await ledgerState(database, "main")).toMatchObject({ paused: true, pauseCode: "FOUND_SEVERAL" });
  const open = async () => (await exceptionStore(database).listOpen("demo")).map((each) => each.id);
  expect(await open()).toEqual([id, "demo/ledger/main/paused"]);
  const [difference] = await exceptionStore(database).listMismatches("demo");
  expect(difference?.evidence["proposals"]).toEqual([{ act: "reverse", erpId: "99", erpNumber: "记-99" }]);
  expect(difference?.evidence["erpIds"]).toEqual(["99", kept].toSorted((a, b) => a.length - b.length));

  // A person has looked at it and lets the ledger go on: the same double does not stop it again, another one does.
  await resumeLedger(database, "main");
  expect(await reconcile()).toEqual([id]);
  expect(await ledgerState(database, "main")).toMatchObject({ paused: false });
  erp.push(voucherOf({ document: "CG-1" }, "98"));
  closeBooks();
  expect(await reconcile()).toEqual([id]);
  expect(await ledgerState(database, "main")).toMatchObject({ paused: true, pauseCode: "FOUND_SEVERAL" });

  await resumeLedger(database, "main");
  erp = before;
  closeBooks();
  expect(await reconcile()).toEqual([]);
  expect(await open()).toEqual([]);
});

test("a ledger that is paused for another reason keeps that reason", async () => {
  await verified({ document: "CG-1" });
  erp.push(voucherOf({ document: "CG-1" }, "99"));
  closeBooks();
  await pauseLedger(database, "demo", "main", "LOGIN_REFUSED", "no");
  await reconcile();
  expect(await ledgerState(database, "main")).toMatchObject({ paused: true, pauseCode: "LOGIN_REFUSED" });
});

test("a voucher posted after the listing is not taken for a deleted one", async () => {
  await verified({ document: "CG-1" });
  closeBooks();
  await reconcile();
  await verified({ document: "CG-2" }, { erp: false });
  await query("UPDATE postings SET posted_at = clock_timestamp() WHERE posting_key = $1", [keyOf("CG-2")]);
  await activities().compare({ company: "demo", ledger: "main" });
  expect(await exceptionStore(database).listMismatches("demo")).toEqual([]);
});

test("a difference closes when it is gone, opens again under its id when it is back, and counts that", async () => {
  await verified({ document: "CG-1" });
  closeBooks();
  await reconcile();
  const voucher = [...erp];
  erp = [];
  closeBooks();
  const id = "demo/10/movement:receipt/CG-1";
  expect(await reconcile()).toEqual([id]);
  const row = () =>
    database.pool.query(
      "SELECT state, closed_at IS NULL AS never, reopened, first_seen_at FROM exceptions WHERE exception_id = $1",
      [id],
    );
  const first = (await row()).rows[0];
  erp = voucher;
  closeBooks();
  expect(await reconcile()).toEqual([]);
  expect((await row()).rows).toEqual([{ ...first, state: "closed", never: false }]);
  erp = [];
  closeBooks();
  expect(await reconcile()).toEqual([id]);
  expect((await row()).rows).toEqual([{ ...first, state: "open", never: true, reopened: 1 }]);
});

test("what neither document nor voucher explains in the ERP's balances opens a difference of its own", async () => {
  await verified({ document: "CG-1" });
  closeBooks();
  balances = balances.map((row) =>
    row.item === "A"
      ? { ...row, closingQuantity: decimal("6") }
      : { ...row, debit: row.account === "1405" ? decimal("50.01") : row.debit },
  );
  expect(await reconcile()).toEqual(["demo/8/account:1405@2025-03", "demo/9/item:A"]);
});

test("a voucher line whose quantity lost its unit is found although ERP and voucher agree", async () => {
  await query(
    `INSERT INTO items (company, code, name, item_class, unit, conversions) VALUES ('demo', 'A', 'A', '', '个', '{"箱": "12"}')`,
  );
  await verified({ document: "CG-1", unit: "箱" });
  warehouse.stock = warehouse.stock.map((row) => ({ ...row, quantity: decimal("60") }));
  closeBooks();
  expect(await reconcile()).toEqual(["demo/9/movement:receipt/CG-1"]);
});

test("a source that keeps no stock on hand is not compared by quantity", async () => {
  await verified({ document: "CG-1" });
  warehouse.stock = [];
  closeBooks();
  expect(await reconcile()).toEqual([]);
});

test("the report lists every difference in Chinese, keeps codes as text and foots", async () => {
  await verified({ document: "CG-1", item: "007" });
  await verified({ document: "=cmd|1", amount: "12.34" });
  erp = erp.filter(({ key }) => key !== keyOf("=cmd|1"));
  closeBooks();
  await query(`INSERT INTO ledger_states (company, ledger) VALUES ('demo', 'main')`);
  await query(
    `INSERT INTO costing_states VALUES ('main', '007', '{"scopes": {"": {"quantity": "5", "value": "50.00"}}}'),
       ('main', '@A', '{"scopes": {"": {"quantity": "2.5", "value": "12.34"}}}')`,
  );
  await reconcile();
  const folder = await mkdtemp(join(tmpdir(), "zhangshi-report-"));
  folders.push(folder);
  const store = reconciliationStore(database);
  const reports = createReportActivities({
    store,
    exceptions: exceptionStore(database),
    reportFolder: join(folder, "new"),
  });
  const paths = await reports.writeReport({ company: "demo", figures: { pulled: 2 } });
  const { sheets } = await readXlsx(await readFile(paths.xlsx), { readStyles: true });
  expect(sheets.map(({ name }) => name)).toEqual(["汇总", "差异", "科目汇总", "库存"]);
  const [, differences, accounts, stock] = sheets;
  expect(differences?.rows[1]?.slice(0, 4)).toEqual([
    "10 过后在 ERP 被修改、反审核或删除",
    "确定",
    "movement:receipt/=cmd|1",
    "'=cmd|1",
  ]);
  expect(accounts?.rows.slice(1)).toEqual([
    ["1405", 62.34, 0],
    ["2202", 0, 62.34],
    ["合计", 62.34, 62.34],
  ]);
  expect(accounts?.cells?.get("3,1")?.formula).toBe("SUM(B2:B3)");
  expect(stock?.rows.slice(1, 3)).toEqual([
    ["007", 5, 50],
    ["'@A", 2.5, 12.34],
  ]);
  const json: unknown = JSON.parse(await readFile(paths.json, "utf8"));
  expect(json).toMatchObject({
    company: "demo",
    mismatches: [{ id: "demo/10/movement:receipt/=cmd|1", cause: 10, certainty: "certain" }],
    accountTotals: { 1405: { debit: "62.34", credit: "0.00" } },
    stock: { "007": { quantity: "5", value: "50.00" } },
  });
});

test("texts that a spreadsheet could run are neutralised, others stay as they are", () => {
  expect(["=1+1", "+1", "-1", "@x", "007", "记-1"].map(neutralised)).toEqual([
    "'=1+1",
    "'+1",
    "'-1",
    "'@x",
    "007",
    "记-1",
  ]);
});
