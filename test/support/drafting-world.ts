import { afterAll, beforeAll, expect } from "vitest";
import { z } from "zod";
import { draftPage } from "../../activities/drafting.ts";
import { type Database, inTransaction, openDatabase } from "../../db/database.ts";
import { draftingStores } from "../../db/drafting-stores.ts";
import { cancelRecords, ingestPage } from "../../db/ingest.ts";
import { businessDate, instant, period, periodOf } from "../../domain/dates.ts";
import { type Decimal, decimal, negate, subtract, sum, toFixed } from "../../domain/decimal.ts";
import { type EstimateState, estimatedInBooks } from "../../domain/estimate.ts";
import type { CompanyConfig, LedgerConfig } from "../../domain/installation.ts";
import type { Movement } from "../../domain/movement.ts";
import { standardChart, standardRules } from "../../mappings/load.ts";
import type { RulePack } from "../../mappings/rule.ts";
import { reversePosting } from "../../worker/reversal.ts";
import { type TestDatabase, testDatabase } from "./database.ts";

/*
 * Companies whose documents arrive, change, are drafted, sent and reversed, with a database of their own per test file.
 */

let testing: TestDatabase;
export let database: Database;
let worlds = 0;

beforeAll(async () => {
  testing = await testDatabase();
  database = openDatabase(testing.url);
});
afterAll(async () => {
  await database.close();
  await testing.drop();
});

export const SOURCE = "s";
export const INVENTORY = "1405";
export const COST_OF_SALES = "6401";
export const ESTIMATED_PAYABLES = "2202.02";
const PAGE = 1_000;
const PAGES_MAX = 20;

/** A document with one line; several papers of one record are its lines. */
export interface Paper {
  readonly record: string;
  readonly kind: Movement["kind"];
  readonly day: string;
  readonly quantity: string;
  readonly amount?: string;
  readonly tax?: string;
  readonly sales?: string;
  readonly item?: string;
  readonly warehouse?: string;
  readonly to?: string;
  readonly batch?: string;
  readonly line?: string;
  /** The record whose document it refers to. */
  readonly origin?: string;
  readonly invoiced?: boolean;
  readonly cause?: string;
  readonly source?: string;
  readonly order?: string;
}
const FORM = "documents";
const numberOf = (record: string): string => `NO-${record}`;

const movementOf = (company: string, paper: Paper): Movement => ({
  company,
  source: paper.source ?? SOURCE,
  form: FORM,
  recordId: paper.record,
  lineId: paper.line ?? "1",
  revision: 0,
  cancelled: false,
  kind: paper.kind,
  documentNumber: numberOf(paper.record.split("@")[0] ?? ""),
  happenedAt: instant(`${paper.day}T08:00:00.000Z`),
  happenedOn: businessDate(paper.day),
  item: paper.item ?? "I",
  warehouse: paper.warehouse ?? "W",
  counterWarehouse: paper.to ?? "",
  batch: paper.batch ?? "",
  unit: "件",
  quantity: decimal(paper.quantity),
  ...(paper.amount === undefined ? {} : { amount: decimal(paper.amount) }),
  ...(paper.tax === undefined ? {} : { taxAmount: decimal(paper.tax) }),
  ...(paper.sales === undefined ? {} : { salesAmount: decimal(paper.sales) }),
  currency: "CNY",
  partner: "P",
  department: "D",
  order: paper.order ?? "",
  cause: paper.cause ?? "",
  invoiced: paper.invoiced ?? false,
  originDocument: paper.origin === undefined ? "" : numberOf(paper.origin),
  sourceUpdatedAt: instant(`${paper.day}T08:00:00.000Z`),
});

const Line = z.object({ account: z.string(), net: z.string() });
const Blocked = z.object({ record: z.string(), code: z.string(), subject: z.string() });
const Voucher = z.object({
  key: z.string(),
  purpose: z.string(),
  state: z.string(),
  date: z.string(),
  documents: z.array(z.string()),
  total: z.string(),
});
const Key = z.object({ key: z.string() });
const Text = z.object({ text: z.string() });

export type Settings = Partial<LedgerConfig> & {
  readonly sources?: readonly string[];
  readonly standard?: CompanyConfig["standard"];
  readonly vat?: CompanyConfig["vat"];
};

/** A company with one ledger of its own, and everything that can happen to its documents. */
export const world = async ({ sources = [SOURCE], standard = "CAS", vat, ...settings }: Settings = {}) => {
  worlds += 1;
  const company: CompanyConfig = { code: `c${worlds}`, name: "C", zone: "Asia/Shanghai", standard, vat };
  const ledger: LedgerConfig = {
    code: `l${worlds}`,
    company: company.code,
    connection: "erp",
    book: "001",
    currency: "CNY",
    word: "记",
    targetStage: "audited",
    estimateStyle: "reverse-on-invoice",
    closedPeriod: "next-open",
    averagingScope: "company",
    codeTables: {},
    approval: false,
    leaseMs: 120_000,
    deadlineMs: 60_000,
    settlingMs: 60_000,
    settings: {},
    ...settings,
  };
  const pack = standard === "CAS" ? "cas" : "sme";
  /** Every question about orders, with the orders it named. */
  const ordersAsked: (readonly string[])[] = [];
  const { readOrderEntries } = draftingStores.orders;
  const stores: typeof draftingStores = {
    ...draftingStores,
    orders: {
      readOrderEntries: (client, of, orders) => {
        ordersAsked.push(orders);
        return readOrderEntries(client, of, orders);
      },
    },
  };
  let revisions = 0;
  let open = ["2025-01"];
  await database.pool.query(
    "INSERT INTO items (company, code, name, item_class, unit) SELECT $1, code, code, 'goods', '件' FROM unnest($2::text[]) AS code",
    [company.code, ["I", "J", "K", "L"]],
  );
  const rows = async <T>(schema: z.ZodType<T>, text: string, values: readonly unknown[] = []): Promise<readonly T[]> =>
    z.array(schema).parse((await database.pool.query(text, [ledger.code, ...values])).rows);

  const periods = () => open.map((each) => ({ period: period(each), open: true }));

  /** Arrives, or replaces what arrived before under the same record. */
  const put = async (...papers: readonly Paper[]): Promise<void> => {
    revisions += 1;
    const [first] = papers;
    if (first === undefined) return;
    await ingestPage(database, {
      company: company.code,
      source: first.source ?? SOURCE,
      form: FORM,
      records: [
        {
          recordId: first.record,
          documentNumber: numberOf(first.record),
          updatedAt: instant(`${first.day}T08:00:00.000Z`),
          digest: String(revisions),
          movements: papers.map((paper) => movementOf(company.code, paper)),
          counts: [],
          problems: [],
        },
      ],
    });
  };
  const cancel = async (record: string): Promise<void> => {
    await cancelRecords(database, { company: company.code, source: SOURCE, form: FORM }, [record]);
  };

  /** Drafts on a day, with its month and what follows open. */
  const draft = async (today = "2025-01-31"): Promise<void> => {
    open = [periodOf(businessDate(today))];
    const { grouping } = ledger;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const { more } = await draftPage(
        {
          database,
          inTransaction,
          stores,
          company,
          ledger,
          sources,
          rules: grouping === undefined ? standardRules(pack) : groupedBy(standardRules(pack), grouping),
          chart: standardChart(pack),
          periods: async () => periods(),
          today: () => businessDate(today),
          heartbeat: () => undefined,
        },
        PAGE,
      );
      if (!more) return;
    }
  };

  const move = (from: string, to: string, documents: readonly string[], more = ""): Promise<unknown> =>
    database.pool.query(
      `UPDATE postings SET state = $2 ${more} WHERE ledger = $1 AND state = $3
         AND (state IN ('sending', 'posted') OR NOT source_changed) AND (cardinality($4::text[]) = 0 OR documents && $4)`,
      [ledger.code, to, from, documents],
    );
  const claim = async (records: readonly string[]): Promise<void> => {
    await move("drafted", "ready", records.map(numberOf));
    await move("ready", "sending", records.map(numberOf), ", sent_at = now()");
  };
  /** Everything drafted (for these documents only, where some are named) goes its way and is read back equal. */
  const send = async (...records: readonly string[]): Promise<void> => {
    await claim(records);
    await move("sending", "posted", [], ", erp_id = posting_id::text");
    await move("posted", "verified", []);
    await database.pool.query(
      `UPDATE postings o SET state = 'reversed' FROM postings r
       WHERE r.ledger = $1 AND r.reverses = o.posting_id AND r.state = 'verified' AND o.state = 'verified'`,
      [ledger.code],
    );
  };
  /** A person reverses what the ERP holds of these documents (all that changed since, where none is named). */
  const reverse = async (...records: readonly string[]): Promise<number> => {
    const found = await rows(
      Key,
      `SELECT posting_key AS key FROM postings o WHERE ledger = $1 AND state = 'verified' AND purpose NOT IN ('reversal', 'cost-correction')
         AND ${records.length === 0 ? "source_changed AND cardinality($2::text[]) = 0" : "documents && $2"}
         AND NOT EXISTS (SELECT 1 FROM postings r WHERE r.ledger = $1 AND r.reverses = o.posting_id AND r.state <> 'withdrawn')`,
      [records.map(numberOf)],
    );
    for (const { key } of found) await reversePosting(database, key, periods(), { dryRun: false, redraw: false });
    await send();
    return found.length;
  };

  const books = async (): Promise<Readonly<Record<string, string>>> => {
    const found = await rows(
      Line,
      `SELECT account, sum(CASE side WHEN 'debit' THEN amount ELSE -amount END)::text AS net
       FROM postings JOIN voucher_lines USING (posting_id) WHERE ledger = $1 AND state <> 'withdrawn' GROUP BY account`,
    );
    return Object.fromEntries(found.map(({ account, net }) => [account, toFixed(decimal(net), 2)]));
  };
  const stock = async (): Promise<Decimal> => {
    const found = await rows(Text, "SELECT value::text AS text FROM stock_values WHERE ledger = $1");
    return sum(found.map(({ text }) => decimal(text)));
  };
  const estimates = async (): Promise<readonly EstimateState[]> => {
    const found = await rows(
      z.object({ state: z.custom<EstimateState>() }),
      "SELECT state FROM estimates WHERE ledger = $1",
    );
    return found.map(({ state }) => state);
  };
  const blocked = (): Promise<readonly z.infer<typeof Blocked>[]> =>
    rows(
      Blocked,
      `SELECT DISTINCT m.record_id AS record, b.code, b.subject FROM blocked_movements b JOIN movements m USING (movement_id)
       WHERE b.ledger = $1 ORDER BY record`,
    );
  const vouchers = (): Promise<readonly z.infer<typeof Voucher>[]> =>
    rows(
      Voucher,
      `SELECT posting_key AS key, purpose, state, accounted_on::text AS date, documents, debit_total::text AS total
       FROM postings WHERE ledger = $1 AND state <> 'withdrawn' ORDER BY posting_id`,
    );
  /** Documents with value that no voucher carries. */
  const lost = async (): Promise<readonly string[]> => {
    // A return against an estimate that is reversed at the moment, at its price, moves no money in the books.
    const exempt = ledger.estimateStyle === "month-start-reversal" ? "purchase-return" : "";
    const found = await rows(
      Text,
      `SELECT m.record_id AS text FROM cost_entries e
       JOIN LATERAL (SELECT * FROM movements WHERE movement_id = e.movement_id ORDER BY revision DESC LIMIT 1) m ON true
       WHERE e.ledger = $1 AND NOT e.cancelled AND e.canonical <> 0 AND m.kind <> $2 AND NOT EXISTS (
         SELECT 1 FROM posting_movements l JOIN postings p USING (posting_id)
         WHERE l.ledger = $1 AND l.movement_id = e.movement_id AND p.state NOT IN ('withdrawn', 'reversed'))`,
      [exempt],
    );
    return found.map(({ text }) => text);
  };

  /** The promise of this file. */
  const check = async (): Promise<void> => {
    const [account, value, states] = [await books(), await stock(), await estimates()];
    const standing = sum(states.map(estimatedInBooks));
    const outside = subtract(sum(states.map(({ openValue }) => openValue)), standing);
    expect({
      inventory: account[INVENTORY] ?? "0.00",
      estimated: account[ESTIMATED_PAYABLES] ?? "0.00",
      lost: await lost(),
    }).toEqual({
      // What is reversed until the end of the month lies in the warehouse and not in the books.
      inventory: toFixed(subtract(value, outside), 2),
      estimated: toFixed(negate(standing), 2),
      lost: [],
    });
  };
  return {
    put,
    cancel,
    draft,
    claim,
    send,
    reverse,
    books,
    stock,
    estimates,
    blocked,
    vouchers,
    check,
    ledger,
    ordersAsked,
  };
};
export type World = Awaited<ReturnType<typeof world>>;

/** As a ledger that groups its vouchers has them. */
const groupedBy = (pack: RulePack, group: NonNullable<LedgerConfig["grouping"]>): RulePack => ({
  ...pack,
  rules: pack.rules.map((rule) => ("lines" in rule ? { ...rule, voucher: { ...rule.voucher, group } } : rule)),
});

export const receipt = (
  record: string,
  day: string,
  quantity: string,
  amount: string,
  more: Partial<Paper> = {},
): Paper => ({
  record,
  kind: "purchase-receipt",
  day,
  quantity,
  amount,
  ...more,
});
export const invoice = (record: string, origin: string, day: string, quantity: string, amount: string): Paper => ({
  record,
  kind: "purchase-invoice",
  day,
  quantity,
  amount,
  tax: "1.30",
  origin,
  invoiced: true,
});
export const back = (record: string, origin: string, day: string, quantity: string, amount: string): Paper => ({
  record,
  kind: "purchase-return",
  day,
  quantity,
  amount,
  origin,
});
export const issue = (record: string, day: string, quantity: string, more: Partial<Paper> = {}): Paper => ({
  record,
  kind: "sales-issue",
  day,
  quantity,
  ...more,
});
