import { heartbeat } from "@temporalio/activity";
import type { ErpVoucher, PeriodState, SourceRecord, StockSource, VoucherTarget } from "../connectors/contract.ts";
import type { ExceptionStore } from "../db/exception-store.ts";
import type { ReconciliationStore, RecordToLand, Scope, StockToLand } from "../db/reconciliation-store.ts";
import { type Period, nextPeriod, period } from "../domain/dates.ts";
import { negate } from "../domain/decimal.ts";
import { type Movement, directionOf, movementKinds } from "../domain/movement.ts";
import { classify, explainedBy } from "../domain/reconciliation-classifier.ts";
import { postingFinding, surplusOf } from "../domain/reconciliation-documents.ts";
import type { DoubleFact, ErpVoucherFact, Facts, PostingFact, UndraftedFact } from "../domain/reconciliation.ts";
import type { RulePack } from "../mappings/rule.ts";
import { selectRule } from "../mappings/select.ts";
import { withNamedFailures } from "./failures.ts";

export interface ReconciliationNeeds {
  readonly store: ReconciliationStore;
  readonly exceptions: ExceptionStore;
  readonly targets: (ledger: string) => VoucherTarget;
  readonly sources: (source: string) => StockSource;
  /** The company's sources, each with the task queue of its connection. */
  readonly sourcesOf: (company: string) => readonly SourceToLand[];
  /** The account book of the ledger in the ERP. */
  readonly bookOf: (ledger: string) => string;
  /** Accounts that carry stock, from the ledger's chart. */
  readonly stockAccountsOf: (ledger: string) => readonly string[];
  /** The ledger's posting rules: they say what needs no voucher. */
  readonly rulesOf: (ledger: string) => RulePack;
}

export interface SourceToLand {
  readonly code: string;
  readonly queue: string;
}

export interface ComparisonSummary {
  readonly runId: string;
  /** Differences and blocked things that this comparison found. */
  readonly mismatches: number;
  /** Everything open in the register of the company. */
  readonly exceptions: number;
  readonly opened: number;
  readonly reopened: number;
  readonly closed: number;
}

export type ReconciliationActivities = ReturnType<typeof createReconciliationActivities>;

const PAGE_SIZE = 1_000;
/** 100 million documents of one form, or of one ledger. */
const PAGES_MAX = 100_000;

/** Lands both sides and compares what landed. Every activity may be repeated: a landing replaces the one before. */
export function createReconciliationActivities(needs: ReconciliationNeeds) {
  const { store, exceptions } = needs;
  const scopeOf = (company: string, ledger: string): Scope => ({
    company,
    ledger,
    book: needs.bookOf(ledger),
    stockAccounts: needs.stockAccountsOf(ledger),
  });

  return withNamedFailures({
    /**
     * What a comparison has to land: of the periods with vouchers of ours those that may have changed, the one after them
     * where the ERP has it, and the sources.
     * @param full  true: all periods
     */
    async planReconciliation({ company, ledger, full = false }: LedgerOf & { full?: boolean }): Promise<LandingPlan> {
      const posted = (await store.postingPeriods(ledger)).map(period);
      const last = posted.at(-1);
      const states = await needs.targets(ledger).periods(needs.bookOf(ledger));
      const after =
        last === undefined ? [] : [nextPeriod(last)].filter((next) => states.some((of) => of.period === next));
      const closed = new Set<string>(closedOf(states));
      const settled = full ? [] : (await store.settledPeriods(ledger)).filter((of) => closed.has(of));
      // One of them is read again each time, in turn: an edit that left no trace is found within as many nights.
      const rest = new Set(settled.slice(CLOSED_PERIODS_REREAD));
      const periods = [...posted.filter((of) => !rest.has(of)), ...after];
      return { periods, sources: [...needs.sourcesOf(company)], ...(last === undefined ? {} : { period: last }) };
    },

    /** Reads every voucher and the balances of these periods, and remembers which of them were closed before. */
    async landLedger({
      company,
      ledger,
      periods,
    }: LedgerOf & { periods: readonly string[] }): Promise<{ vouchers: number }> {
      const target = needs.targets(ledger);
      const book = needs.bookOf(ledger);
      const runId = await store.startRun(company, ledger, "landing");
      const closed = closedOf(await target.periods(book)).filter((of) => periods.includes(of));
      let vouchers = 0;
      for (const of of periods.map(period)) {
        vouchers += await landPeriod(store, target, { ledger, book, of, runId });
      }
      vouchers += await landMoved(store, target, ledger, book, runId);
      await store.rememberAudits(ledger);
      await store.finishRun(runId, { vouchers, closed });
      return { vouchers };
    },

    /** Reads every record of the source and, where it keeps it, the stock on hand. */
    async landWarehouse({ company, source }: SourceOf): Promise<{ records: number; balances: number }> {
      const from = needs.sources(source);
      const runId = await store.startRun(company, source, "landing");
      let records = 0;
      for (const form of from.forms) {
        records += await landForm(store, from, { company, source, form, runId });
      }
      await landStock(store, from, { company, source, runId });
      const { balances } = await store.finishSource(company, source, runId);
      await store.finishRun(runId, { records, balances });
      return { records, balances };
    },

    /** Compares what was landed last, and makes the register say what was found. A new double pauses the ledger. */
    async compare({ company, ledger, statement = "" }: LedgerOf & { statement?: string }): Promise<ComparisonSummary> {
      const runId = await store.startRun(company, ledger, statement);
      const scope = scopeOf(company, ledger);
      const facts = await factsOf(store, scope, needs.rulesOf);
      const differences = classify(facts);
      await pauseAtDoubles(needs, scope, facts.doubles);
      const changes = await exceptions.settle(company, ledger, differences);
      const summary = {
        runId,
        mismatches: differences.length,
        exceptions: await exceptions.countOpen(company),
        opened: changes.opened,
        reopened: changes.reopened,
        closed: changes.closed,
      };
      await store.finishRun(runId, summary);
      return summary;
    },
  });
}

export interface LandingPlan {
  readonly periods: string[];
  readonly sources: SourceToLand[];
  /** The newest period with vouchers of ours; absent where there is none. */
  readonly period?: string;
}

/** So many periods that nothing has touched since they were closed and landed are read again each time. */
const CLOSED_PERIODS_REREAD = 1;
const closedOf = (states: readonly PeriodState[]): Period[] =>
  states.filter(({ open }) => !open).map((state) => state.period);

interface LedgerOf {
  readonly company: string;
  readonly ledger: string;
}
interface SourceOf {
  readonly company: string;
  readonly source: string;
}

/** Tells Temporal that we live; outside of an activity (the command, a test) there is nobody to tell. */
const beat = (done: number): void => {
  try {
    heartbeat(done);
  } catch (error) {
    if (!(error instanceof Error && error.message.includes("Activity context not initialized"))) throw error;
  }
};

async function landPeriod(
  store: ReconciliationStore,
  target: VoucherTarget,
  { ledger, book, of, runId }: { ledger: string; book: string; of: Period; runId: string },
): Promise<number> {
  let landed = 0;
  for await (const page of target.listPeriod(book, of)) {
    await store.landVouchers(ledger, runId, page.map(voucherFact));
    landed += page.length;
    beat(landed);
  }
  if (target.capabilities.readsBalances) await store.landBalances(ledger, of, runId, await target.balances(book, of));
  await store.finishPeriod(ledger, of, runId);
  return landed;
}

/** A voucher that its period no longer lists is asked for by its id: moved to another period, or gone. */
async function landMoved(
  store: ReconciliationStore,
  target: VoucherTarget,
  ledger: string,
  book: string,
  runId: string,
): Promise<number> {
  let landed = 0;
  let after = "";
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const erpIds = await store.unseenErpIds(ledger, runId, after, PAGE_SIZE);
    const last = erpIds.at(-1);
    if (last === undefined) break;
    const found = await target.readBack(book, erpIds);
    await store.landVouchers(ledger, runId, [...found.values()].map(voucherFact));
    await store.dropVouchers(
      ledger,
      erpIds.filter((erpId) => !found.has(erpId)),
    );
    landed += found.size;
    after = last;
    beat(landed);
  }
  return landed;
}

async function landForm(
  store: ReconciliationStore,
  from: StockSource,
  { company, source, form, runId }: { company: string; source: string; form: string; runId: string },
): Promise<number> {
  let cursor = "";
  let landed = 0;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer = await from.readPage(form, cursor, Math.min(PAGE_SIZE, from.capabilities.pageMax));
    await store.landRecords(company, source, form, runId, onceEach(answer.records).map(recordToLand));
    landed += answer.records.length;
    cursor = answer.cursor;
    beat(landed);
    if (answer.last) return landed;
  }
  throw new Error(`${form}: more than ${PAGES_MAX} pages`);
}

/** One statement may touch a row only once; the later of two versions on one page is the newer. */
const onceEach = (records: readonly SourceRecord[]): readonly SourceRecord[] => [
  ...new Map(records.map((record) => [record.recordId, record])).values(),
];

async function landStock(
  store: ReconciliationStore,
  from: StockSource,
  { company, source, runId }: SourceOf & { runId: string },
): Promise<void> {
  let rows: StockToLand[] = [];
  for await (const balance of from.balances()) {
    rows.push(balance);
    if (rows.length < PAGE_SIZE) continue;
    await store.landStock(company, source, runId, rows);
    beat(rows.length);
    rows = [];
  }
  if (rows.length > 0) await store.landStock(company, source, runId, rows);
}

/** Reads the facts one kind after the other: each is small, and one connection is enough. */
async function factsOf(
  store: ReconciliationStore,
  scope: Scope,
  rulesOf: ReconciliationNeeds["rulesOf"],
): Promise<Facts> {
  const stock = await store.stockFacts(scope);
  const facts = {
    company: scope.company,
    ledger: scope.ledger,
    postings: await remarkablePostings(store, scope),
    doubles: await store.doubles(scope),
    foreign: await store.foreign(scope),
    changed: await store.changed(scope),
    backdated: await store.backdated(scope),
    blocked: await store.blocked(scope),
    reversed: await store.reversed(scope),
    undrafted: (await store.undrafted(scope, draftedKinds)).filter((fact) => needsVoucher(rulesOf(scope.ledger), fact)),
    oneLegs: await store.oneLegs(scope),
    unpulled: await store.unpulled(scope),
    lineQuantities: await store.lineQuantities(scope),
    stock,
    unitCandidates: await store.unitCandidates(scope, [...new Set(stock.map(({ item }) => item))]),
    ledgerQuantities: await store.ledgerQuantities(scope),
    totals: await store.totals(scope),
  };
  return { ...facts, itemQuantities: await store.itemQuantities(scope, explainedBy(facts)) };
}

/**
 * Kinds of which each movement has a voucher unless a rule says that it needs none. Whether a transfer or a provision has
 * one depends on accounts and earlier balances, which only drafting knows.
 */
const draftedKinds = movementKinds.filter((kind) => kind !== "transfer" && kind !== "provision");

/** An invoice always has a voucher; of any other movement the rule decides. What no rule covers should have been blocked. */
const needsVoucher = (rules: RulePack, { movement, itemClass }: UndraftedFact): boolean => {
  if (movement.kind === "purchase-invoice") return true;
  const looked = { purpose: "stock", itemClass, negative: false, on: movement.happenedOn } as const;
  const rule = selectRule(rules, movement, looked);
  return rule === undefined || "lines" in rule;
};

/**
 * A key with several vouchers: nothing more is sent to this ledger before a person has looked. Whoever resumed it knows
 * what the register shows; only a voucher that the register does not name yet stops the ledger again.
 */
async function pauseAtDoubles(
  { store, exceptions }: ReconciliationNeeds,
  scope: Scope,
  doubles: readonly DoubleFact[],
): Promise<void> {
  if (doubles.length === 0) return;
  const known = await exceptions.knownErpIds(scope.company, scope.ledger, POSTED_TWICE);
  const found = doubles.filter(({ erpIds }) => erpIds.some((erpId) => !known.has(erpId)));
  if (found.length === 0) return;
  const surplus = found.flatMap(surplusOf).map(({ erpNumber, erpId }) => `${erpNumber} (${erpId})`);
  const list = [...surplus.slice(0, NAMED_MAX), ...(surplus.length > NAMED_MAX ? ["…"] : [])].join(", ");
  await store.pause(scope, "FOUND_SEVERAL", `${found.length} keys with several vouchers; reverse ${list}`);
}

const POSTED_TWICE = 5;
/** The pause names so many surplus vouchers; each difference names its own. */
const NAMED_MAX = 20;

/** Goes through every posting page by page and keeps those about which there is something to say. */
async function remarkablePostings(store: ReconciliationStore, scope: Scope): Promise<readonly PostingFact[]> {
  const remarkable: PostingFact[] = [];
  let after: string | undefined = "0";
  for (let page = 0; after !== undefined && page < PAGES_MAX; page += 1) {
    const { facts, after: next } = await store.postingPage(scope, after, PAGE_SIZE);
    remarkable.push(...facts.filter((fact) => postingFinding(fact) !== undefined));
    after = next;
    beat(page);
  }
  return remarkable;
}

const voucherFact = (voucher: ErpVoucher): ErpVoucherFact => ({
  erpId: voucher.erpId,
  key: voucher.key,
  word: voucher.word,
  number: voucher.number,
  date: voucher.date,
  period: voucher.period,
  stage: voucher.stage,
  voided: voucher.voided,
  origin: voucher.origin,
  maker: voucher.maker,
  lines: voucher.lines.map(({ dimensions, ...line }) => ({
    ...line,
    dimensions: Object.fromEntries(Object.entries(dimensions).filter(([, code]) => code !== undefined)),
  })),
});

const recordToLand = (record: SourceRecord): RecordToLand => ({
  recordId: record.recordId,
  documentNumber: record.documentNumber,
  digest: record.digest,
  unreadable: record.problems.length > 0,
  effects: record.movements.flatMap(effectsOf),
});

/** What a movement does to each warehouse, as written: a transfer counts on both ends. */
const effectsOf = (movement: Movement): RecordToLand["effects"] => {
  const { item, warehouse, counterWarehouse, batch, unit, quantity } = movement;
  const into = { item, warehouse, batch, unit, quantity };
  const outOf = { ...into, quantity: negate(quantity) };
  switch (directionOf[movement.kind]) {
    case "in":
      return [into];
    case "out":
      return [outOf];
    case "across":
      return [outOf, { ...into, warehouse: counterWarehouse }].filter((effect) => effect.warehouse !== "");
    case "none":
      return [];
  }
};
