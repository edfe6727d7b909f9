import { type BusinessDate, type Period, firstDayOf, lastDayOf, period } from "../../domain/dates.ts";
import { ZhangshiError, errorCatalog } from "../../domain/errors.ts";
import { limitBroken } from "../../domain/limits.ts";
import { PostingKey } from "../../domain/posting-key.ts";
import { type Stage, stages } from "../../domain/posting.ts";
import { type DimensionKind, type VoucherDraft, dimensionKinds } from "../../domain/voucher.ts";
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
import { VendorHttp } from "../transport/vendor-http.ts";
import { z } from "zod";
import { type AccountNames, Accounts } from "./accounts.ts";
import { balancesFromChart, chunks, readMasterData, readPeriods, sumEntries } from "./books.ts";
import { B1Channel } from "./channel.ts";
import { checkStages } from "./check.ts";
import { Codes } from "./codes.ts";
import type { VendorError } from "./answers.ts";
import { type Problem, isCatalogued } from "./errors.ts";
import { findClaims, findKeys } from "./look-up.ts";
import { writeBatch } from "./multipart.ts";
import { readBatchAnswer } from "./posting.ts";
import { allBehind, oneOf, quoted } from "./query.ts";
import { type SapB1Settings, parseSettings, secretOf } from "./settings.ts";
import { AMOUNT_DECIMALS, type CannotWrite, changeSetOf, obstacleTo } from "./voucher-body.ts";
import { journalFields, voucherOf } from "./voucher-rows.ts";

/** Keys asked for in one query, the control key not counted: an address stays below 8 KB. */
const KEYS_PER_QUERY = 40;
const IDS_PER_QUERY = 50;

/** @throws ZhangshiError CONFIG_INVALID, SECRET_MISSING */
export const createSapB1 = (settings: unknown, context: ConnectorContext): VoucherTarget =>
  new SapB1(parseSettings(settings, context.connection), context);

/** SAP Business One: journal entries through its Service Layer. */
class SapB1 implements VoucherTarget {
  readonly capabilities: TargetCapabilities;
  readonly #settings: SapB1Settings;
  readonly #context: ConnectorContext;
  readonly #http: VendorHttp;
  readonly #channel: B1Channel;
  readonly #accounts: Accounts;
  readonly #codes: Codes;

  constructor(settings: SapB1Settings, context: ConnectorContext) {
    this.#settings = settings;
    this.#context = context;
    this.capabilities = {
      batchMax: settings.batchMax,
      keyGuard: "native",
      keyLength: 26,
      // A journal entry is final once it is added: it has no draft, no approval and no deletion.
      stages: ["booked"],
      red: settings.red,
      asynchronous: false,
      dimensions: dimensionsKept(settings),
      checks: { period: "erp", account: "erp", dimension: "us", code: "us", balance: "erp" },
      // Amounts, accounts and dates are fixed; duplicating an entry copies its user fields.
      people: { edit: false, unaudit: false, delete: false, void: false, copy: "with-key" },
      linesMax: settings.linesMax,
      summaryMax: settings.summaryMax,
      // nvarchar: a character beyond U+FFFF counts twice.
      text: { measure: "utf16", repertoire: "unicode" },
      amountDecimals: AMOUNT_DECIMALS,
      // Numbers are kept with 19 digits, six of them behind the point (reference §7.2).
      amountDigits: 13,
      quantities: settings.quantityField !== null,
      quantityDecimals: 6,
      quantityDigits: 13,
      vouchersPerPeriodMax: undefined,
      readsBalances: true,
      readsQuantities: settings.balances === "entries" && settings.quantityField !== null,
    };
    this.#http = new VendorHttp({
      // The edition is a setting: an address that names one is taken without it.
      baseUrl: context.baseUrl.replace(/\/b1s(\/v[12])?\/*$/, "/"),
      pacer: context.pacer,
      now: context.now,
      onRequest: context.onRequest,
      secrets: [context.secrets["password"] ?? ""],
      certificateAuthority: context.certificateAuthority,
      allowedHosts: context.allowedHosts,
      timeoutMs: settings.timeoutMs,
    });
    const secret = (name: Parameters<typeof secretOf>[1]): string =>
      secretOf(context.secrets, name, context.connection);
    const identity = {
      companyDb: secret("companyDb"),
      userName: secret("userName"),
      password: secret("password"),
      language: settings.language,
    };
    const { serviceLayer, logInTimeoutMs, parallelRequests } = settings;
    const limits = { serviceLayer, logInTimeoutMs, parallelRequests };
    this.#channel = new B1Channel(this.#http, identity, context.now, limits);
    this.#accounts = new Accounts(this.#channel, settings, context.now);
    this.#codes = new Codes(this.#channel, settings, context.now);
  }

  /**
   * One change set per voucher: its claim row and its journal entry stand or fall together. A batch ends at the first change set that
   * fails, so what lies behind it did not run and goes out again in a batch of its own.
   */
  async post(drafts: readonly VoucherDraft[], deadlineAt: Date): Promise<readonly SendOutcome[]> {
    const outcomes = new Map<string, SendOutcome>();
    let names: AccountNames;
    let waiting: readonly VoucherDraft[];
    try {
      const ready = await this.#untilDeadline(deadlineAt, async () => {
        const known = await this.#accounts.names();
        return { names: known, waiting: await this.#sendable(drafts, known, outcomes) };
      });
      if (ready === undefined) throw new ZhangshiError("DEADLINE_PASSED", { message: "codes were still looked up" });
      ({ names, waiting } = ready);
    } catch (error) {
      const problem = problemBefore(error);
      return drafts.map((draft) => ({ ...problem, key: PostingKey.parse(draft.key) }));
    }
    const sent = waiting;
    let size = this.#settings.batchMax;
    // Each round settles at least one draft, or halves the batch.
    const roundsMax = waiting.length + Math.ceil(Math.log2(size)) + 1;
    for (let round = 0; round < roundsMax && waiting.length > 0; round += 1) {
      const batch = waiting.slice(0, size);
      const behind = waiting.slice(size);
      const reading = await this.#postBatch(batch, names, deadlineAt);
      if (reading.halve) {
        size = Math.ceil(batch.length / 2);
        continue;
      }
      for (const outcome of reading.outcomes) outcomes.set(outcome.key, outcome);
      const { stopped } = reading;
      if (stopped !== undefined)
        for (const draft of reading.untouched)
          outcomes.set(draft.key, { ...stopped, kind: "not-done", key: PostingKey.parse(draft.key) });
      waiting = [...(stopped === undefined ? reading.untouched : []), ...behind];
    }
    return this.#judged(drafts, outcomes, sent, deadlineAt);
  }

  /** Reads around a send end with it: undefined at the deadline. What still runs then changes nothing. */
  async #untilDeadline<Value>(deadlineAt: Date, read: () => Promise<Value>): Promise<Value | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const passed = new Promise<undefined>((resolve) => {
      const leftMs = deadlineAt.getTime() - this.#context.now().getTime();
      timer = setTimeout(() => resolve(undefined), Math.max(0, leftMs));
    });
    try {
      return await Promise.race([read(), passed]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The drafts that can be written down and whose codes are there; the others are refused before anything is sent. */
  async #sendable(
    drafts: readonly VoucherDraft[],
    names: AccountNames,
    outcomes: Map<string, SendOutcome>,
  ): Promise<readonly VoucherDraft[]> {
    const refuse = ({ key }: VoucherDraft, { code, message }: CannotWrite): void => {
      outcomes.set(key, { kind: "refused", key: PostingKey.parse(key), code, message });
    };
    const writable = drafts.filter((draft) => {
      const limit = limitBroken(draft, this.capabilities);
      const obstacle =
        limit === undefined
          ? obstacleTo(draft, this.#settings, names.toCode)
          : { code: limit, message: errorCatalog[limit].what.en };
      if (obstacle !== undefined) refuse(draft, obstacle);
      return obstacle === undefined;
    });
    const wrong = await this.#codes.wrongIn(writable);
    return writable.filter((draft) => {
      const message = wrong.get(draft.key);
      if (message !== undefined) refuse(draft, { code: "MASTER_DATA_REFUSED", message });
      return message === undefined;
    });
  }

  async #postBatch(
    batch: readonly VoucherDraft[],
    names: AccountNames,
    deadlineAt: Date,
  ): Promise<ReturnType<typeof readBatchAnswer>> {
    const boundary = `batch_${batch[0]?.key ?? ""}`;
    const sets = batch.map((draft, index) =>
      changeSetOf(draft, index, this.#channel.root, this.#settings, names.toCode),
    );
    const answer = await this.#channel.batch(boundary, writeBatch(boundary, sets), deadlineAt);
    return readBatchAnswer(batch, answer, this.#settings, (error) => this.#noteUnknown(error));
  }

  /** What the catalogue does not know is kept in full, for the next one who meets it. */
  #noteUnknown(error: VendorError): void {
    if (isCatalogued(error.code)) return;
    const { code, status } = error;
    this.#context.log("unknown vendor error", { code, status, message: this.#http.redact(error.message) });
  }

  /** In the drafts' order, without secrets; a refusal without a clear code is looked into. */
  async #judged(
    drafts: readonly VoucherDraft[],
    outcomes: ReadonlyMap<string, SendOutcome>,
    sent: readonly VoucherDraft[],
    deadlineAt: Date,
  ): Promise<readonly SendOutcome[]> {
    const refused = sent.filter(({ key }) => isVague(outcomes.get(key)));
    const reasons =
      refused.length === 0 ? undefined : await this.#untilDeadline(deadlineAt, async () => this.#reasonsFor(refused));
    return drafts.map((draft) => {
      const outcome = outcomes.get(draft.key);
      if (outcome === undefined) throw new Error(`no outcome for ${draft.key}`);
      if (outcome.kind === "posted") return outcome;
      const reason = reasons?.get(draft.key);
      const message = this.#http.redact(
        reason === undefined ? outcome.message : `${outcome.message}; ${reason.message}`,
      );
      return { ...outcome, message, code: reason?.code ?? outcome.code };
    });
  }

  /**
   * Codes -10, -5002 and -2028 stand for many causes, and that of a date outside its window is not known (reference §6.3): the
   * books are asked whether the voucher's period is open and its accounts take lines.
   */
  async #reasonsFor(drafts: readonly VoucherDraft[]): Promise<ReadonlyMap<string, CannotWrite>> {
    const accounts = [...new Set(drafts.flatMap(({ lines }) => lines.map(({ account }) => account)))];
    const [periods, rows] = await Promise.all([
      orUndefined(readPeriods(this.#channel)),
      orUndefined(readMasterData(this.#channel, this.#settings, "account", accounts)),
    ]);
    const closed = new Set(periods?.flatMap(({ period: month, open }): string[] => (open ? [] : [month])));
    const usable = new Set((rows ?? []).filter((row) => row.usable).map(({ code }) => code));
    const reasons = new Map<string, CannotWrite>();
    for (const { key, date, lines } of drafts) {
      const wrong = rows === undefined ? undefined : lines.find(({ account }) => !usable.has(account));
      if (closed.has(date.slice(0, 7)))
        reasons.set(key, { code: "PERIOD_CLOSED", message: `period ${date.slice(0, 7)} is not open` });
      else if (wrong !== undefined)
        reasons.set(key, { code: "ACCOUNT_REFUSED", message: `account ${wrong.account} takes no lines` });
    }
    return reasons;
  }

  /** Nothing is left to do behind `booked`: what is there has arrived. */
  async advance(
    vouchers: readonly { readonly key: PostingKey; readonly erpId: string }[],
    stage: Stage,
    _deadlineAt: Date,
  ): Promise<readonly SendOutcome[]> {
    let found: ReadonlyMap<string, ErpVoucher>;
    try {
      found = await this.#byIds(vouchers.map(({ erpId }) => erpId));
    } catch (error) {
      const problem = problemBefore(error);
      return vouchers.map(({ key }) => ({ ...problem, key }));
    }
    return vouchers.map(({ key, erpId }): SendOutcome => {
      const voucher = found.get(erpId);
      if (voucher === undefined)
        return { kind: "refused", key, code: "AUDIT_REFUSED", message: "the journal entry is no longer there" };
      if (stages.indexOf(stage) > stages.indexOf(voucher.stage))
        return { kind: "refused", key, code: "AUDIT_REFUSED", message: `${stage} is out of this interface's reach` };
      return { kind: "posted", key, erpId, number: voucher.number, stage: voucher.stage };
    });
  }

  async findByKeys(_book: string, keys: readonly PostingKey[], control: PostingKey | undefined): Promise<LookUpAnswer> {
    const found = new Map<PostingKey, LookUp>();
    let controlSeen = control !== undefined;
    // Without keys the control alone is asked for: that shows whether look-ups see anything.
    const groups: readonly (readonly PostingKey[])[] =
      keys.length === 0 && control !== undefined ? [[]] : [...chunks(keys, KEYS_PER_QUERY)];
    for (const chunk of groups) {
      const asked = control === undefined || chunk.includes(control) ? chunk : [...chunk, control];
      const answer = await findKeys(this.#channel, asked, this.#settings);
      if (control !== undefined && !isSeen(answer.get(control))) controlSeen = false;
      const claimed = await findClaims(
        this.#channel,
        chunk.filter((key) => answer.get(key)?.kind === "absent"),
        this.#settings,
      );
      for (const key of chunk) {
        const look = claimed.get(key) ?? answer.get(key) ?? { kind: "absent" };
        found.set(key, look.kind === "failed" ? { ...look, message: this.#http.redact(look.message) } : look);
      }
    }
    return { found, controlSeen };
  }

  async readBack(_book: string, erpIds: readonly string[]): Promise<ReadonlyMap<string, ErpVoucher>> {
    return this.#byIds(erpIds);
  }

  async #byIds(erpIds: readonly string[]): Promise<ReadonlyMap<string, ErpVoucher>> {
    const found = new Map<string, ErpVoucher>();
    const groups = [...chunks([...new Set(erpIds)].map(idText), IDS_PER_QUERY)];
    await Promise.all(
      groups.map(async (chunk) => {
        for await (const vouchers of this.#entries(oneOf("JdtNum", chunk)))
          for (const voucher of vouchers) found.set(voucher.erpId, voucher);
      }),
    );
    return found;
  }

  /** @throws ZhangshiError RESULT_TRUNCATED, READ_FAILED */
  async *listPeriod(book: string, of: Period): AsyncGenerator<readonly ErpVoucher[]> {
    yield* this.#inDays(book, firstDayOf(of), lastDayOf(of));
  }

  async *#inDays(book: string, from: BusinessDate, to?: BusinessDate): AsyncGenerator<readonly ErpVoucher[]> {
    const until = to === undefined ? "" : ` and ReferenceDate le ${quoted(to)}`;
    const branch = this.#settings.books[book];
    if (branch === undefined) throw new ZhangshiError("READ_FAILED", { book, reason: "no such account book" });
    for await (const vouchers of this.#entries(`ReferenceDate ge ${quoted(from)}${until}`, branch)) {
      const stray = vouchers.find(({ date }) => date < from || (to !== undefined && date > to));
      if (stray !== undefined)
        throw new ZhangshiError("READ_FAILED", { book, voucher: stray.erpId, reason: "outside of what was asked for" });
      yield vouchers;
    }
  }

  /** Journal entries under a condition, in the order of their keys. @param branch  only entries with a line of it */
  async *#entries(filter: string, branch: number | null = null): AsyncGenerator<readonly ErpVoucher[]> {
    const { toAccount } = await this.#accounts.names();
    const query = { set: "JournalEntries", select: journalFields(this.#settings), filter, key: "JdtNum" };
    for await (const rows of allBehind(this.#channel, query, this.#settings.pageSize)) {
      const own = branch === null ? rows : rows.filter((row) => hasBranch(row["JournalEntryLines"], branch));
      yield own.map((row) => voucherOf(row, this.#settings, toAccount));
    }
  }

  async balances(book: string, of: Period): Promise<readonly AccountBalance[]> {
    const { balances, entriesSince } = this.#settings;
    // The chart's balances are the whole company's.
    if (balances === "chart" && this.#settings.books[book] === null)
      return balancesFromChart(this.#channel, this.#settings, await this.#accounts.names(), of, (from) =>
        this.#inDays(book, from),
      );
    const [earliest] = entriesSince === undefined ? await this.periods(book) : [];
    const since = entriesSince ?? earliest?.period ?? of;
    return sumEntries(this.#inDays(book, firstDayOf(period(since)), lastDayOf(of)), of);
  }

  async periods(_book: string): Promise<readonly PeriodState[]> {
    return readPeriods(this.#channel);
  }

  async masterData(kind: MasterDataKind, codes?: readonly string[]): Promise<readonly MasterDataRow[]> {
    return readMasterData(this.#channel, this.#settings, kind, codes);
  }

  check(): AsyncIterable<CheckStage> {
    return checkStages({
      http: this.#http,
      channel: this.#channel,
      settings: this.#settings,
      certificateAuthority: this.#context.certificateAuthority,
      now: this.#context.now,
    });
  }

  async close(): Promise<void> {
    await this.#channel.logOut();
    this.#http.close();
  }
}

const isVague = (outcome: SendOutcome | undefined): boolean =>
  outcome?.kind === "refused" && (outcome.code === "REFUSED_BY_ERP" || outcome.code === "MASTER_DATA_REFUSED");

/** A control account keeps its partner whatever field the dimension has elsewhere. */
const dimensionsKept = (settings: SapB1Settings): readonly DimensionKind[] =>
  dimensionKinds.filter((kind) => (settings.dimensions[kind] ?? null) !== null);

const isSeen = (found: LookUp | undefined): boolean => found?.kind === "one" || found?.kind === "several";

/** A refusal stands without its reason, only less precisely named. */
const orUndefined = async <Value>(reading: Promise<Value>): Promise<Value | undefined> => {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof ZhangshiError) return undefined;
    throw error;
  }
};

/** Nothing was sent, because the ERP could not be asked beforehand. */
const problemBefore = (error: unknown): Problem => {
  if (!(error instanceof ZhangshiError)) throw error;
  return { kind: "not-done", code: error.code, message: error.details["message"] ?? error.message };
};

/** @throws ZhangshiError READ_FAILED when this is no key of a journal entry; nothing else may enter a condition unquoted */
const idText = (erpId: string): string => {
  if (!/^\d{1,18}$/.test(erpId)) throw new ZhangshiError("READ_FAILED", { erpId: erpId.slice(0, 40) });
  return erpId;
};

const Branches = z.array(z.object({ BPLID: z.union([z.string(), z.null()]).optional() }));
const hasBranch = (lines: unknown, branch: number): boolean => {
  const parsed = Branches.safeParse(lines);
  return parsed.success && parsed.data.some(({ BPLID }) => BPLID === String(branch));
};
