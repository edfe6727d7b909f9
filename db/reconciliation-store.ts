import { z } from "zod";
import type { Period } from "../domain/dates.ts";
import { type Decimal, toFixed } from "../domain/decimal.ts";
import type { ErrorCode } from "../domain/errors.ts";
import { type MovementKind, directionOf } from "../domain/movement.ts";
import {
  AccountTotalFact,
  BackdatedFact,
  BlockedFact,
  ChangedMovementFact,
  DoubleFact,
  type ErpVoucherFact,
  type Explained,
  ForeignVoucherFact,
  ItemQuantityFact,
  LedgerQuantityFact,
  LineQuantityFact,
  OneLegFact,
  PostingFact,
  ReversedFact,
  StockFact,
  UndraftedFact,
  UnitCandidateFact,
  UnpulledFact,
} from "../domain/reconciliation.ts";
import type { Database } from "./database.ts";
import { ledgerState, pauseLedger } from "./posting-store.ts";
import * as sql from "./reconciliation-sql.ts";

/** A balance of the ERP as it is landed. `item` is empty for the account as a whole. */
export interface BalanceToLand {
  readonly account: string;
  readonly item: string;
  readonly opening: Decimal;
  readonly debit: Decimal;
  readonly credit: Decimal;
  readonly closing: Decimal;
  readonly openingQuantity: Decimal | undefined;
  readonly closingQuantity: Decimal | undefined;
}

export interface StockToLand {
  readonly item: string;
  readonly warehouse: string;
  readonly batch: string;
  readonly quantity: Decimal;
}

/** One record of the source's listing. `effects` is read only where the log holds another version. */
export interface RecordToLand {
  readonly recordId: string;
  readonly documentNumber: string;
  readonly digest: string;
  /** True where the record cannot be understood: its problem is in the register already. */
  readonly unreadable: boolean;
  /** As written; the landing converts to stock units. */
  readonly effects: readonly { item: string; warehouse: string; batch: string; unit: string; quantity: Decimal }[];
}

/** Where a comparison looks: a company's account book and the accounts that carry its stock. */
export interface Scope {
  readonly company: string;
  readonly ledger: string;
  readonly book: string;
  /** Account codes; what lies under them ("1405.01") belongs to them. */
  readonly stockAccounts: readonly string[];
}

export interface PostingPage {
  readonly facts: readonly PostingFact[];
  /** Hand it back for the next page; undefined after the last. */
  readonly after: string | undefined;
}

export type Totals = Readonly<Record<string, { readonly debit: Decimal; readonly credit: Decimal }>>;
export type Stock = Readonly<Record<string, { readonly quantity: string; readonly value: Decimal }>>;

/** Both sides as landed, and what is remarkable about them. Queries return deviations or pages, never whole tables. */
export type ReconciliationStore = ReturnType<typeof reconciliationStore>;

const RunRow = z.object({ run_id: z.string() });
const PageRow = z.object({ posting_id: z.string(), fact: PostingFact });
const Count = z.object({ count: z.coerce.number() });
const kindsOf = (direction: (typeof directionOf)[keyof typeof directionOf]): readonly string[] =>
  Object.entries(directionOf)
    .filter(([, of]) => of === direction)
    .map(([kind]) => kind);

export function reconciliationStore(database: Database) {
  const { pool } = database;
  const read = async <T>(row: z.ZodType<T>, text: string, values: readonly unknown[]): Promise<readonly T[]> => {
    const { rows } = await pool.query(text, [...values]);
    return z.array(row).parse(rows);
  };
  const scoped =
    <T>(row: z.ZodType<T>, text: string) =>
    (scope: Scope) =>
      read(row, text, [scope.company, scope.ledger]);
  const directions = [kindsOf("in"), kindsOf("out"), kindsOf("across")];

  return {
    // ------------------------------------------------------------------------------------------- runs and landing

    async startRun(company: string, ledger: string, statement: string): Promise<string> {
      const [row] = await read(RunRow, sql.START_RUN, [company, ledger, statement]);
      return row?.run_id ?? "0";
    },
    async finishRun(runId: string, summary: Readonly<Record<string, unknown>>): Promise<void> {
      await pool.query("UPDATE reconciliation_runs SET finished_at = now(), summary = $2 WHERE run_id = $1", [
        runId,
        JSON.stringify(summary),
      ]);
    },

    /** A page of the ERP's listing. A voucher that moved to another period moves here too. */
    async landVouchers(ledger: string, runId: string, vouchers: readonly ErpVoucherFact[]): Promise<void> {
      await pool.query(sql.LAND_VOUCHERS, [ledger, runId, JSON.stringify(vouchers)]);
    },
    /** After the last page: what the ERP no longer lists in this period goes, and the period counts as landed. */
    async finishPeriod(ledger: string, of: Period, runId: string): Promise<void> {
      await pool.query("DELETE FROM erp_vouchers WHERE ledger = $1 AND period = $2 AND run_id <> $3", [
        ledger,
        of,
        runId,
      ]);
      await pool.query(sql.FINISH_PERIOD, [ledger, of, runId]);
    },
    /** Ids in the ERP of postings that the listing did not show: they may have been moved to another period. */
    async unseenErpIds(ledger: string, runId: string, after: string, limit: number): Promise<readonly string[]> {
      const rows = await read(z.object({ erp_id: z.string() }), sql.UNSEEN_ERP_IDS, [ledger, runId, after, limit]);
      return rows.map(({ erp_id }) => erp_id);
    },
    /** Vouchers that the ERP no longer knows under their id. */
    async dropVouchers(ledger: string, erpIds: readonly string[]): Promise<void> {
      await pool.query("DELETE FROM erp_vouchers WHERE ledger = $1 AND erp_id = ANY ($2)", [ledger, erpIds]);
    },
    /** Periods in which we have vouchers, oldest first. */
    async postingPeriods(ledger: string): Promise<readonly string[]> {
      const rows = await read(z.object({ period: z.string() }), sql.POSTING_PERIODS, [ledger]);
      return rows.map(({ period }) => period);
    },
    /**
     * Periods that were closed already when they were landed last, and in which nothing of ours was posted since: the one
     * landed longest ago first.
     */
    async settledPeriods(ledger: string): Promise<readonly string[]> {
      const rows = await read(z.object({ period: z.string() }), sql.SETTLED_PERIODS, [ledger]);
      return rows.map(({ period }) => period);
    },
    /** Remembers which vouchers the ERP has shown as audited: only then can one be un-audited. */
    async rememberAudits(ledger: string): Promise<void> {
      await pool.query(sql.REMEMBER_AUDITS, [ledger]);
    },
    async landBalances(ledger: string, of: Period, runId: string, balances: readonly BalanceToLand[]): Promise<void> {
      await pool.query(sql.LAND_BALANCES, [ledger, of, runId, JSON.stringify(balances)]);
      await pool.query("DELETE FROM erp_balances WHERE ledger = $1 AND period = $2 AND run_id <> $3", [
        ledger,
        of,
        runId,
      ]);
    },
    async landRecords(
      company: string,
      source: string,
      form: string,
      runId: string,
      records: readonly RecordToLand[],
    ): Promise<void> {
      await pool.query(sql.LAND_RECORDS, [company, source, form, runId, JSON.stringify(records)]);
    },
    async landStock(company: string, source: string, runId: string, rows: readonly StockToLand[]): Promise<void> {
      await pool.query(sql.LAND_STOCK, [company, source, runId, JSON.stringify(rows)]);
    },
    /** After the last page of every form: what was not listed goes, and the source counts as landed. */
    async finishSource(company: string, source: string, runId: string): Promise<{ readonly balances: number }> {
      await pool.query("DELETE FROM landed_records WHERE company = $1 AND source = $2 AND run_id <> $3", [
        company,
        source,
        runId,
      ]);
      await pool.query(sql.DELETE_OLD_STOCK, [company, source, runId]);
      const [row] = await read(Count, sql.FINISH_SOURCE, [company, source, runId]);
      return { balances: row?.count ?? 0 };
    },

    // ------------------------------------------------------------------------------------------- facts

    async postingPage({ ledger }: Scope, after: string, limit: number): Promise<PostingPage> {
      const rows = await read(PageRow, sql.POSTINGS, [ledger, after, limit]);
      const last = rows.at(-1);
      return {
        facts: rows.map(({ fact }) => fact),
        after: rows.length < limit || last === undefined ? undefined : last.posting_id,
      };
    },
    doubles: ({ ledger }: Scope) => read(DoubleFact, sql.DOUBLES, [ledger]),
    foreign: ({ ledger, book, stockAccounts }: Scope) =>
      read(ForeignVoucherFact, sql.FOREIGN, [ledger, book, stockAccounts]),
    changed: ({ ledger }: Scope) => read(ChangedMovementFact, sql.CHANGED, [ledger]),
    backdated: scoped(BackdatedFact, sql.BACKDATED),
    blocked: scoped(BlockedFact, sql.BLOCKED),
    reversed: ({ ledger }: Scope) => read(ReversedFact, sql.REVERSED, [ledger]),
    /** @param kinds  those that may need a voucher */
    undrafted: ({ company, ledger }: Scope, kinds: readonly MovementKind[]) =>
      read(UndraftedFact, sql.UNDRAFTED, [company, ledger, kinds]),
    oneLegs: ({ company }: Scope) => read(OneLegFact, sql.ONE_LEGS, [company]),
    unpulled: scoped(UnpulledFact, sql.UNPULLED),
    lineQuantities: ({ ledger, stockAccounts }: Scope) =>
      read(LineQuantityFact, sql.LINE_QUANTITIES, [ledger, stockAccounts, ...directions.slice(0, 2)]),
    stockFacts: ({ company }: Scope) => read(StockFact, sql.STOCK, [company, ...directions]),
    unitCandidates: ({ company }: Scope, items: readonly string[]) =>
      items.length === 0
        ? Promise.resolve<readonly UnitCandidateFact[]>([])
        : read(UnitCandidateFact, sql.UNIT_CANDIDATES, [company, ...directions, items]),
    ledgerQuantities: ({ company, ledger, stockAccounts }: Scope) =>
      read(LedgerQuantityFact, sql.LEDGER_QUANTITIES, [company, ledger, stockAccounts]),
    itemQuantities: ({ company, ledger, stockAccounts }: Scope, { movementIds, keys, erpIds }: Explained) =>
      read(ItemQuantityFact, sql.ITEM_QUANTITIES, [
        company,
        ledger,
        ...directions.slice(0, 2),
        stockAccounts,
        movementIds,
        keys,
        erpIds,
      ]),
    totals: ({ ledger }: Scope) => read(AccountTotalFact, sql.TOTALS, [ledger]),

    /**
     * Stops the sending to a ledger that already stands still for no other reason, until a person resumes it.
     * @returns false where it is paused already: the first reason is the one to look into
     */
    async pause({ company, ledger }: Scope, code: ErrorCode, message: string): Promise<boolean> {
      const { paused } = await ledgerState(database, ledger);
      if (!paused) await pauseLedger(database, company, ledger, code, message);
      return !paused;
    },

    // ------------------------------------------------------------------------------------------- results

    /** Debit and credit per account over all verified vouchers, reversed ones with their reversals. Two decimals. */
    async accountTotals(company: string): Promise<Totals> {
      const rows = await read(TotalRow, sql.ACCOUNT_TOTALS, [company]);
      return Object.fromEntries(
        rows.map(({ account, debit, credit }) => [account, { debit: toFixed(debit, 2), credit: toFixed(credit, 2) }]),
      );
    },
    /** Quantity in the stock unit and value per item, over all scopes of the company's ledgers. */
    async stock(company: string): Promise<Stock> {
      const rows = await read(ValueRow, sql.STOCK_VALUES, [company]);
      return Object.fromEntries(
        rows.map(({ item, quantity, value }) => [item, { quantity, value: toFixed(value, 2) }]),
      );
    },
  };
}

const TotalRow = AccountTotalFact.pick({ account: true }).extend({
  debit: AccountTotalFact.shape.ours,
  credit: AccountTotalFact.shape.ours,
});
const ValueRow = z.object({ item: z.string(), quantity: z.string(), value: AccountTotalFact.shape.ours });
