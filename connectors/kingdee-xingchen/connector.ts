import { type Period, nextPeriod } from "../../domain/dates.ts";
import { ZhangshiError, errorCatalog } from "../../domain/errors.ts";
import { limitBroken } from "../../domain/limits.ts";
import { type Stage, stages } from "../../domain/posting.ts";
import { PostingKey } from "../../domain/posting-key.ts";
import { type VoucherDraft, dimensionKinds } from "../../domain/voucher.ts";
import type {
  AccountBalance,
  CheckStage,
  ConnectorContext,
  ErpVoucher,
  LookUp,
  LookUpAnswer,
  MasterDataKind,
  MasterDataRow,
  PeriodState,
  SendOutcome,
  TargetCapabilities,
  VoucherTarget,
} from "../contract.ts";
import { Slots } from "../transport/slots.ts";
import { VendorHttp } from "../transport/vendor-http.ts";
import { readBalanceReport, readMasterData, readPeriods, sumEntries } from "./books.ts";
import { XingchenChannel } from "./channel.ts";
import { checkStages } from "./check.ts";
import { type Problem, echoedOutcome, failedOutcomes, operationProblem, problemIn, savedIds } from "./posting.ts";
import { type KingdeeXingchenSettings, credentialsOf, parseSettings } from "./settings.ts";
import { type CannotWrite, obstacleTo, saveBody } from "./voucher-body.ts";
import type { VoucherHead } from "./voucher-rows.ts";
import { type Reading, VOUCHER_PATH, headsOfPeriod, lookUp, readDetail, readVoucher, withLines } from "./vouchers.ts";

/** A list may lag behind a save: it is asked so often, so long apart, before a key counts as not echoed. */
const ECHO_ATTEMPTS = 4;
const ECHO_PAUSE_MS = 400;
/** Vouchers audited in one call: the operation takes a list of ids (reference §10.3). */
const VOUCHERS_PER_AUDIT = 20;
/** Vouchers whose lines are read before they are handed on together. */
const VOUCHERS_PER_PAGE = 50;

/** @throws ZhangshiError CONFIG_INVALID, SECRET_MISSING */
export const createKingdeeXingchen = (settings: unknown, context: ConnectorContext): VoucherTarget =>
  new KingdeeXingchen(parseSettings(settings, context.connection), context);

/** 金蝶云星辰: vouchers through its open platform. */
class KingdeeXingchen implements VoucherTarget {
  readonly capabilities: TargetCapabilities;
  readonly #settings: KingdeeXingchenSettings;
  readonly #context: ConnectorContext;
  readonly #http: VendorHttp;
  readonly #channel: XingchenChannel;
  readonly #reading: Reading;
  readonly #slots: Slots;

  constructor(settings: KingdeeXingchenSettings, context: ConnectorContext) {
    this.#settings = settings;
    this.#context = context;
    this.capabilities = {
      batchMax: settings.batchMax,
      keyGuard: "lookup",
      keyLength: 26,
      stages: ["saved", "audited"],
      red: "negative",
      asynchronous: false,
      dimensions: dimensionKinds.filter((kind) => (settings.dimensions[kind] ?? null) !== null),
      checks: { period: "erp", account: "erp", dimension: "erp", code: "erp", balance: "erp" },
      // Whether a copy takes source_bill_no along is not published; the worse case is declared.
      people: { edit: true, unaudit: true, delete: true, void: false, copy: "with-key" },
      linesMax: settings.linesMax,
      summaryMax: settings.summaryMax,
      // Java counts a character beyond U+FFFF twice.
      text: { measure: "utf16", repertoire: "unicode" },
      amountDecimals: 2,
      amountDigits: 13,
      quantities: true,
      quantityDecimals: settings.quantityDecimals,
      quantityDigits: 13,
      vouchersPerPeriodMax: undefined,
      readsBalances: true,
      readsQuantities: true,
    };
    this.#http = new VendorHttp({
      baseUrl: context.baseUrl,
      pacer: context.pacer,
      now: context.now,
      onRequest: context.onRequest,
      secrets: Object.entries(context.secrets).flatMap(([name, value]) => (HIDDEN.has(name) ? [value] : [])),
      certificateAuthority: this.#certificateAuthority(),
      allowedHosts: [...settings.allowedHosts, ...(context.allowedHosts ?? [])],
      timeoutMs: settings.timeoutMs,
    });
    this.#channel = new XingchenChannel(this.#http, credentialsOf(context.secrets, context.connection), context.now, {
      accountId: settings.accountId,
      routerAddress: settings.routerAddress,
      tokenHours: settings.tokenHours,
      tokensPerMinute: settings.tokensPerMinute,
      tokenTimeoutMs: settings.tokenTimeoutMs,
    });
    this.#reading = { channel: this.#channel, settings };
    this.#slots = new Slots(settings.parallelReads);
  }

  async post(drafts: readonly VoucherDraft[], deadlineAt: Date): Promise<readonly SendOutcome[]> {
    const outcomes = new Map<string, SendOutcome>();
    const sendable: VoucherDraft[] = [];
    for (const draft of drafts) {
      const obstacle = this.#obstacleTo(draft);
      if (obstacle === undefined) sendable.push(draft);
      else outcomes.set(draft.key, { kind: "refused", key: PostingKey.parse(draft.key), ...obstacle });
    }
    for (const batch of chunks(sendable, this.#settings.batchMax))
      for (const outcome of await this.#save(batch, deadlineAt)) outcomes.set(outcome.key, outcome);
    return drafts.map((draft) => {
      const outcome = outcomes.get(draft.key);
      if (outcome === undefined) throw new Error(`no outcome for ${draft.key}`);
      return this.#redacted(outcome);
    });
  }

  /** The ERP rounds what is too fine: what is beyond the declared limits never leaves. */
  #obstacleTo(draft: VoucherDraft): CannotWrite | undefined {
    const code = limitBroken(draft, this.capabilities);
    if (code !== undefined) return { code, message: errorCatalog[code].what.en };
    return obstacleTo(draft, this.#settings);
  }

  async #save(batch: readonly VoucherDraft[], deadlineAt: Date): Promise<readonly SendOutcome[]> {
    const answer = await this.#channel.write(VOUCHER_PATH, saveBody(batch, this.#settings), deadlineAt);
    const problem = problemIn(answer, this.#settings.knownFailures, batch.length);
    const ids = savedIds(answer);
    // A failure that names ids did a part: then each voucher is looked for, as after a success.
    if (problem !== undefined && (ids === undefined || ids.size === 0))
      return failedOutcomes(
        batch,
        await this.#named(problem, batch),
        this.#settings.batchRollsBack,
        await this.#booked(problem, batch),
      );
    return Promise.all(
      batch.map(async (draft): Promise<SendOutcome> => {
        const key = PostingKey.parse(draft.key);
        return echoedOutcome(key, ids, await this.#echo(key), batch.length);
      }),
    );
  }

  /** The vendor's words for "period closed" are not public, so the book is asked about a refused voucher's period. */
  async #named(problem: Problem, batch: readonly VoucherDraft[]): Promise<Problem> {
    const [draft] = batch;
    if (problem.kind !== "refused" || draft === undefined || batch.length > 1) return problem;
    try {
      const state = (await this.periods(draft.book)).find(({ period }) => period === draft.date.slice(0, 7));
      return state?.open === false ? { ...problem, code: "PERIOD_CLOSED" } : problem;
    } catch {
      // The refusal stands without it, only less precisely named.
      return problem;
    }
  }

  /** Of a refused set, what the books show all the same: then it was not rolled back. */
  async #booked(problem: Problem, batch: readonly VoucherDraft[]): Promise<ReadonlySet<string>> {
    if (problem.kind !== "refused" || batch.length === 1 || !this.#settings.batchRollsBack) return new Set();
    const looks = await Promise.all(
      batch.map(async ({ key }) => ({
        key,
        look: await this.#slots.with(() => lookUp(this.#reading, PostingKey.parse(key))),
      })),
    );
    return new Set(looks.filter(({ look }) => look.kind !== "absent").map(({ key }) => key));
  }

  /** The key as the list shows it. Just after a save an absent key is asked for again. */
  async #echo(key: PostingKey): Promise<LookUp> {
    let echo: LookUp = { kind: "absent" };
    for (let attempt = 1; attempt <= ECHO_ATTEMPTS; attempt += 1) {
      echo = await this.#slots.with(() => lookUp(this.#reading, key));
      if (echo.kind !== "absent") return echo;
      if (attempt < ECHO_ATTEMPTS) await new Promise((resolve) => setTimeout(resolve, ECHO_PAUSE_MS));
    }
    return echo;
  }

  async advance(
    vouchers: readonly { readonly key: PostingKey; readonly erpId: string }[],
    stage: Stage,
    deadlineAt: Date,
  ): Promise<readonly SendOutcome[]> {
    const outcomes: SendOutcome[] = [];
    for (const batch of chunks(vouchers, VOUCHERS_PER_AUDIT))
      outcomes.push(...(await this.#advanceBatch(batch, stage, deadlineAt)));
    return outcomes.map((outcome) => this.#redacted(outcome));
  }

  async #advanceBatch(
    vouchers: readonly { readonly key: PostingKey; readonly erpId: string }[],
    stage: Stage,
    deadlineAt: Date,
  ): Promise<readonly SendOutcome[]> {
    const before = await this.#standing(vouchers.map(({ erpId }) => erpId));
    const due = rank(stage) < rank("audited") ? [] : vouchers.filter(({ erpId }) => standsAt(before, erpId, "saved"));
    const problems = new Map<string, Problem>();
    const together = due.map(({ erpId }) => erpId);
    let after = await this.#audit(together, before, problems, deadlineAt);
    // One of them may keep back those behind it: whoever still stands where it stood is tried alone.
    const kept = together.filter((id) => problems.get(id)?.kind === "refused" && standsAt(after, id, "saved"));
    if (together.length > 1) for (const id of kept) after = await this.#audit([id], after, problems, deadlineAt);
    return vouchers.map((voucher) => arrived(voucher, after.get(voucher.erpId), stage, problems.get(voucher.erpId)));
  }

  /** One operation on some vouchers. What its answer calls a success is not believed, nor a failure: the books say who moved. */
  async #audit(
    ids: readonly string[],
    before: ReadonlyMap<string, Standing>,
    problems: Map<string, Problem>,
    deadlineAt: Date,
  ): Promise<ReadonlyMap<string, Standing>> {
    if (ids.length === 0) return before;
    const body = {
      ids,
      numbers: [],
      entity_number: this.#settings.operationEntity,
      operate_type: "audit",
      ignore_warn: false,
    };
    const answer = await this.#channel.write(OPERATE_PATH, body, deadlineAt);
    const problem = operationProblem(answer, this.#settings.knownFailures, ids.length);
    for (const id of ids) problems.set(id, problem);
    return problem.kind === "not-done" ? before : new Map([...before, ...(await this.#standing(ids))]);
  }

  /** Where each voucher stands; one that could not be asked for carries the reason. */
  async #standing(ids: readonly string[]): Promise<ReadonlyMap<string, Standing>> {
    const found = await Promise.all(
      ids.map(async (erpId): Promise<readonly [string, Standing]> => {
        try {
          const detail = await this.#slots.with(() => readDetail(this.#reading, erpId));
          return [erpId, detail === undefined ? { kind: "gone" } : { kind: "there", head: detail.head }];
        } catch (error) {
          if (!(error instanceof ZhangshiError)) throw error;
          return [erpId, { kind: "unknown", code: error.code, message: error.details["message"] ?? error.message }];
        }
      }),
    );
    return new Map(found);
  }

  async findByKeys(book: string, keys: readonly PostingKey[], control: PostingKey | undefined): Promise<LookUpAnswer> {
    this.#own(book);
    const found = new Map<PostingKey, LookUp>();
    // Each key is a question of its own. What the control shows before and after holds for those in between.
    let controlSeen = await this.#sees(control);
    await Promise.all(
      [...new Set(keys)].map(async (key) => {
        found.set(key, await this.#slots.with(() => lookUp(this.#reading, key)));
      }),
    );
    if (controlSeen && keys.length > 0) controlSeen = await this.#sees(control);
    return { found, controlSeen };
  }

  async #sees(control: PostingKey | undefined): Promise<boolean> {
    if (control === undefined) return false;
    const { kind } = await this.#slots.with(() => lookUp(this.#reading, control));
    return kind !== "absent" && kind !== "failed";
  }

  async readBack(book: string, erpIds: readonly string[]): Promise<ReadonlyMap<string, ErpVoucher>> {
    this.#own(book);
    const found = new Map<string, ErpVoucher>();
    await Promise.all(
      [...new Set(erpIds)].map(async (erpId) => {
        const voucher = await this.#slots.with(() => readVoucher(this.#reading, erpId));
        if (voucher !== undefined) found.set(erpId, voucher);
      }),
    );
    return found;
  }

  /**
   * The heads are read whole first, so that vouchers made or deleted meanwhile shift no page; then their lines, one by one.
   * @throws ZhangshiError RESULT_TRUNCATED, READ_FAILED
   */
  async *listPeriod(book: string, of: Period): AsyncGenerator<readonly ErpVoucher[]> {
    this.#own(book);
    const heads: readonly VoucherHead[] = await headsOfPeriod(this.#reading, of);
    for (const chunk of chunks(heads, VOUCHERS_PER_PAGE)) {
      const vouchers = await Promise.all(chunk.map((head) => this.#slots.with(() => withLines(this.#reading, head))));
      yield vouchers.filter((voucher) => voucher !== undefined);
    }
  }

  async balances(book: string, of: Period): Promise<readonly AccountBalance[]> {
    this.#own(book);
    if (this.#settings.balances === "report") return readBalanceReport(this.#reading, of);
    return sumEntries(this.#vouchersUntil(book, of), of);
  }

  async *#vouchersUntil(book: string, until: Period): AsyncGenerator<readonly ErpVoucher[]> {
    const [earliest] = await this.periods(book);
    for (let month = earliest?.period ?? until; month <= until; month = nextPeriod(month))
      yield* this.listPeriod(book, month);
  }

  async periods(book: string): Promise<readonly PeriodState[]> {
    this.#own(book);
    return readPeriods(this.#reading);
  }

  async masterData(kind: MasterDataKind, codes?: readonly string[]): Promise<readonly MasterDataRow[]> {
    return readMasterData(this.#reading, kind, codes);
  }

  check(): AsyncIterable<CheckStage> {
    return checkStages({
      http: this.#http,
      reading: this.#reading,
      certificateAuthority: this.#certificateAuthority(),
    });
  }

  async close(): Promise<void> {
    this.#http.close();
  }

  /** @throws ZhangshiError CONFIG_INVALID: a connection is one account set, and every other book would read the wrong one */
  #own(book: string): void {
    if (book !== this.#settings.book)
      throw new ZhangshiError("CONFIG_INVALID", {
        connection: this.#context.connection,
        field: "settings.book",
        value: book,
      });
  }

  /** The connection's own goes first. */
  #certificateAuthority(): string | undefined {
    return this.#settings.certificateAuthority ?? this.#context.certificateAuthority;
  }

  #redacted(outcome: SendOutcome): SendOutcome {
    return outcome.kind === "posted" ? outcome : { ...outcome, message: this.#channel.redact(outcome.message) };
  }
}

const OPERATE_PATH = "jdy/v2/sys/common_operate";

/** Secrets whose values must never be shown; the rest only identifies. */
const HIDDEN: ReadonlySet<string> = new Set(["clientSecret", "appSecret"]);

type Standing =
  | { readonly kind: "there"; readonly head: VoucherHead }
  | { readonly kind: "gone" }
  | { readonly kind: "unknown"; readonly code: Problem["code"]; readonly message: string };

const rank = (stage: Stage): number => stages.indexOf(stage);

const standsAt = (standings: ReadonlyMap<string, Standing>, erpId: string, stage: Stage): boolean => {
  const standing = standings.get(erpId);
  return standing?.kind === "there" && standing.head.stage === stage;
};

const arrived = (
  { key, erpId }: { readonly key: PostingKey; readonly erpId: string },
  standing: Standing | undefined,
  stage: Stage,
  problem: Problem | undefined,
): SendOutcome => {
  if (standing?.kind === "there" && rank(standing.head.stage) >= rank(stage))
    return { kind: "posted", key, erpId, number: standing.head.number, stage: standing.head.stage };
  if (standing?.kind === "there")
    return problem === undefined
      ? { kind: "refused", key, code: "AUDIT_REFUSED", message: `${stage} is out of this interface's reach` }
      : { ...problem, key };
  if (standing?.kind === "gone")
    return { kind: "refused", key, code: "AUDIT_REFUSED", message: "the voucher is no longer there" };
  const code = standing?.code ?? "READ_FAILED";
  const message = standing?.message ?? "not asked";
  // Before the operation nothing was sent; behind it nobody knows.
  return problem === undefined ? { kind: "not-done", key, code, message } : { kind: "uncertain", key, code, message };
};

export function* chunks<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}
