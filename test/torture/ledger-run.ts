import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { VoucherTarget } from "../../connectors/contract.ts";
import { createTarget } from "../../connectors/registry.ts";
import { type Database, inTransaction } from "../../db/database.ts";
import * as draftStore from "../../db/draft-store.ts";
import * as postingStore from "../../db/posting-store.ts";
import { redrawPosting } from "../../db/voucher-store.ts";
import { period } from "../../domain/dates.ts";
import type { LedgerConfig } from "../../domain/installation.ts";
import { Random } from "../../simulators/shared/prng.ts";
import { type PostingRow, type Verdict, excusedBy, judge } from "./count.ts";
import { type DraftTarget, type TortureDocument, draftOf, draftRun, drawAmount } from "./drafting.ts";
import { type FaultDraw, type Protection, drawFaults } from "./faults.ts";
import { findDoubles } from "./finder.ts";
import { tortureLedger } from "./ledgers/registry.ts";
import type { Books, RunSimulator } from "./simulators.ts";
import type { TortureTiming } from "./timing.ts";

export interface RunResult {
  readonly run: number;
  readonly keys: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly verdict: Verdict;
  readonly postings: readonly PostingRow[];
  readonly documents: readonly string[];
  readonly books: Books;
  /** Errors that are no part of the game, such as a refused state transition. */
  readonly broken: readonly string[];
  readonly seconds: number;
}

export interface LedgerRunPlan {
  readonly run: number;
  readonly seed: number;
  /** As the registry of connectors names it. */
  readonly vendor: string;
  readonly database: Database;
  readonly simulator: RunSimulator;
  readonly timing: TortureTiming;
  readonly without: Protection | undefined;
  /** Through Temporal the database goes down as well: then a statement that fails is part of the game. */
  readonly databaseFails: boolean;
}

const DEADLOCK = "40P01";
export const COMPANY = "torture";
const PERIOD = period("2025-01");
const LATE_POLL_MS = 100;
/** The runs of a seed draw from generators of their own, so that one run can be repeated alone. */
const RUN_STRIDE = 7_919;

/** The ledger of one run, with the drafters that feed it, the person who looks after it, and the count at the end. */
export class LedgerRun {
  readonly random: Random;
  readonly ledger: LedgerConfig;
  readonly target: VoucherTarget;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly #plan: LedgerRunPlan;
  readonly #startedAt = performance.now();
  readonly #draftTarget: DraftTarget;
  readonly #faults = new Map<string, number>();
  readonly #broken: string[] = [];
  /** Documents as the source has them now. */
  readonly #documents = new Map<string, TortureDocument>();
  readonly #falselyRefused = new Set<string>();
  /** Attempts of a posting at the moment when its source was known to have changed. */
  readonly #attemptsWhenMarked = new Map<string, number>();
  #excusedKeys: readonly string[] = [];
  #revisionsLeft = 0;

  constructor(plan: LedgerRunPlan) {
    this.#plan = plan;
    this.random = new Random(plan.seed * RUN_STRIDE + plan.run);
    const { book, drawSettings } = tortureLedger(plan.vendor);
    const { stages, settings } = plan.simulator;
    const targetStage = stages[this.random.below(stages.length)] ?? "saved";
    const { leaseMs, deadlineMs, settlingMs } = plan.timing;
    const name = `t${plan.seed}-${plan.run}`;
    this.settings = { ...settings, ...drawSettings(this.random) };
    this.ledger = {
      code: name,
      company: COMPANY,
      connection: name,
      book,
      currency: "CNY",
      word: "记",
      targetStage,
      estimateStyle: "reverse-on-invoice",
      closedPeriod: "hold",
      averagingScope: "company",
      codeTables: {},
      approval: false,
      settings: {},
      leaseMs,
      deadlineMs,
      settlingMs,
    };
    this.#draftTarget = { company: COMPANY, ledger: name, book, targetStage };
    this.target = createTarget(plan.vendor, this.settings, {
      connection: name,
      baseUrl: plan.simulator.baseUrl,
      secrets: plan.simulator.secrets,
      pacer: { permit: () => Promise.resolve() },
      now: () => new Date(),
      log: () => undefined,
    });
  }

  /** Drafts the vouchers, twice at once, and arms the simulator with what was drawn. */
  async begin(): Promise<FaultDraw> {
    const { database, run, without, simulator, timing, vendor } = this.#plan;
    const drafted = await draftRun(database, this.random, this.#draftTarget);
    for (const document of drafted.documents) this.#documents.set(document.number, document);
    this.hit("competing-drafters", drafted.conflicts);
    const draw = drawFaults(this.random, run, drafted.keys, timing, tortureLedger(vendor).faults, without);
    this.#revisionsLeft = draw.revisions;
    // Where the ERP itself lets a key in once, nothing excuses a double.
    if (this.target.capabilities.keyGuard !== "native") this.#excusedKeys = draw.excusedKeys;
    await simulator.setFaults(draw.simulated);
    return draw;
  }

  /** One look of the person and of the drafting at the ledger. @returns true when every posting has arrived */
  async lookAfter(): Promise<boolean> {
    await this.#resume();
    await this.#correct();
    const rows = await this.#plan.database.pool.query<{ open: string }>(
      "SELECT count(*) AS open FROM postings WHERE ledger = $1 AND state NOT IN ('verified', 'differs', 'withdrawn')",
      [this.ledger.code],
    );
    return rows.rows[0]?.open === "0";
  }

  /** Waits for the last late commit, looks for doubles, and counts. */
  async conclude(): Promise<RunResult> {
    const { run, simulator, database } = this.#plan;
    await simulator.setFaults([]);
    for (const [kind, count] of Object.entries(await simulator.hits())) this.hit(kind, count);
    await this.#lateCommitsLanded();
    await this.#resume();
    const found = await findDoubles(database, this.target, this.ledger, PERIOD);
    if (found.paused !== found.keys.size > 0)
      this.#broken.push(`${found.keys.size} doubles found, and the ledger ${found.paused ? "is" : "is not"} paused`);
    const books = await simulator.books();
    const postings = await this.#postings();
    const documents = [...this.#documents.keys()];
    const excused = excusedBy(this.#excusedKeys, books.vouchers);
    const verdict = judge({ vouchers: books.vouchers, documents, postings, found: found.keys, excused });
    await this.target.close();
    return {
      run,
      keys: postings.length,
      faults: Object.fromEntries(this.#faults),
      postings,
      documents,
      books,
      verdict: {
        ...verdict,
        falselyPosted: [...verdict.falselyPosted, ...this.#falselyRefused, ...(await this.#sentOutdated())],
      },
      broken: this.#broken,
      seconds: (performance.now() - this.#startedAt) / 1000,
    };
  }

  /** A person looks at a paused ledger and lets it go on. */
  async #resume(): Promise<void> {
    const { paused } = await postingStore.ledgerState(this.#plan.database, this.ledger.code);
    if (paused) await postingStore.resumeLedger(this.#plan.database, this.ledger.code);
  }

  /** What the ERP refused is corrected; what changed in the source while it was on its way, and never arrived, is redrawn. */
  async #correct(): Promise<void> {
    const rows = await this.#plan.database.pool.query<{
      posting_id: string;
      posting_key: string;
      record_id: string;
      documents: string[];
      state: string;
    }>(
      `SELECT posting_id::text, posting_key, record_id, documents, state FROM postings
       WHERE ledger = $1 AND (state IN ('refused', 'held') OR state IN ('ready', 'drafted') AND source_changed)`,
      [this.ledger.code],
    );
    const refused = rows.rows.filter(({ state }) => state === "refused" || state === "held");
    if (refused.length > 0) {
      const { vouchers } = await this.#plan.simulator.books();
      const booked = new Set(vouchers.map(({ key }) => key));
      for (const row of refused) if (booked.has(row.posting_key)) this.#falselyRefused.add(row.posting_key);
    }
    for (const row of rows.rows) await this.#redraw(row);
  }

  /** The source changes a document, whatever its posting is doing at the moment. */
  async reviseSomething(): Promise<void> {
    if (this.#revisionsLeft === 0 || this.random.below(3) > 0) return;
    this.#revisionsLeft -= 1;
    const rows = await this.#plan.database.pool.query<{ posting_id: string; record_id: string; documents: string[] }>(
      "SELECT posting_id::text, record_id, documents FROM postings WHERE ledger = $1 AND state IN ('ready', 'sending', 'uncertain') ORDER BY state DESC, posting_id",
      [this.ledger.code],
    );
    const row = rows.rows[this.random.below(Math.min(rows.rows.length, 4))];
    if (row === undefined) return;
    const document = this.#documents.get(row.documents[0] ?? "");
    if (document === undefined) return;
    this.#documents.set(document.number, { ...document, amount: drawAmount(this.random) });
    if (await this.#redraw(row)) return this.hit("source-revised");
    this.hit("source-revised-in-flight");
    await inTransaction(this.#plan.database, (client) => draftStore.markSourceChanged(client, [row.posting_id]));
    const marked = await this.#plan.database.pool.query<{ key: string; attempts: number }>(
      "SELECT posting_key AS key, attempts FROM postings WHERE posting_id = $1",
      [row.posting_id],
    );
    for (const { key, attempts } of marked.rows) this.#attemptsWhenMarked.set(key, attempts);
  }

  /** @returns false when the posting is in the ERP's hands, where its content is frozen */
  async #redraw(row: {
    readonly posting_id: string;
    readonly record_id: string;
    readonly documents: readonly string[];
  }): Promise<boolean> {
    const documents = row.documents.flatMap((number) => this.#documents.get(number) ?? []);
    const draft = draftOf(documents, row.record_id, this.#draftTarget);
    try {
      await inTransaction(this.#plan.database, async (client) => {
        await draftStore.lockDrafting(client, this.ledger.code);
        await redrawPosting(client, row.posting_id, draft);
      });
      return true;
    } catch (error) {
      if (error instanceof Error && error.message.includes("on its way")) return false;
      this.note(error);
      return false;
    }
  }

  async #lateCommitsLanded(): Promise<void> {
    const until = Date.now() + this.#plan.timing.lateBeyondMs * 2;
    while (Date.now() < until) {
      if ((await this.#plan.simulator.books()).pendingCommits === 0) return;
      await sleep(LATE_POLL_MS);
    }
  }

  async #postings(): Promise<readonly PostingRow[]> {
    const rows = await this.#plan.database.pool.query<{
      key: string;
      state: string;
      total: string;
      documents: string[];
    }>(
      `SELECT p.posting_key AS key, p.state, p.documents,
         (SELECT sum(amount) FROM voucher_lines l WHERE l.posting_id = p.posting_id AND l.side = 'debit')::text AS total
       FROM postings p WHERE p.ledger = $1 ORDER BY p.posting_id`,
      [this.ledger.code],
    );
    return rows.rows;
  }

  /** Sent once more with its old content, although the source was known to have changed. */
  async #sentOutdated(): Promise<readonly string[]> {
    const rows = await this.#plan.database.pool.query<{ key: string; attempts: number }>(
      "SELECT posting_key AS key, attempts FROM postings WHERE ledger = $1 AND source_changed",
      [this.ledger.code],
    );
    return rows.rows
      .filter(({ key, attempts }) => attempts > (this.#attemptsWhenMarked.get(key) ?? attempts))
      .map(({ key }) => key);
  }

  hit(kind: string, count = 1): void {
    this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count);
  }

  /**
   * A read that failed is part of the game, and so is a deadlock: the database undid the statement, and the activity is
   * repeated. A statement that a constraint refused is not.
   */
  note(error: unknown): void {
    if (error instanceof pg.DatabaseError && error.code === DEADLOCK) {
      this.hit("deadlock");
      return;
    }
    const isReading = error instanceof Error && error.name === "ZhangshiError";
    const isConnection =
      this.#plan.databaseFails && !(error instanceof pg.DatabaseError && error.code?.startsWith("23"));
    if (isReading || isConnection) this.hit("batch-failed");
    else this.#broken.push(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  }
}
