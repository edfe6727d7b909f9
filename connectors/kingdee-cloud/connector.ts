import { type Period, nextPeriod, period } from "../../domain/dates.ts";
import { type ErrorCode, ZhangshiError, errorCatalog } from "../../domain/errors.ts";
import { limitBroken } from "../../domain/limits.ts";
import { type Stage, stages } from "../../domain/posting.ts";
import type { VoucherDraft } from "../../domain/voucher.ts";
import { PostingKey } from "../../domain/posting-key.ts";
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
import { chunks, readBalanceReport, readMasterData, readPeriods, sumEntries } from "./books.ts";
import { type Identity, KingdeeChannel } from "./channel.ts";
import { checkStages } from "./check.ts";
import { operationProblem, saveOutcomes } from "./posting.ts";
import {
  PAGES_MAX,
  type QueryAnswer,
  type Row,
  allRows,
  flagCell,
  oneOf,
  queryBill,
  quoted,
  rowsOf,
  textCell,
} from "./query.ts";
import { type KingdeeCloudSettings, parseSettings, secretOf } from "./settings.ts";
import { clientOf } from "./signature.ts";
import { type CannotWrite, batchSaveBody, dimensionColumns, obstacleTo } from "./voucher-body.ts";
import { VOUCHER_ORDER, stageOf, voucherFields, vouchersOf } from "./voucher-rows.ts";

const FORM = "GL_VOUCHER";
/** Keys asked for in one query, the control key not counted. */
const KEYS_PER_QUERY = 100;
/** Bounds a look-up whose pages do not come to an end. */
const KEY_PAGES_MAX = 200;
/** Vouchers read back in one go; their lines may fill several pages. */
const VOUCHERS_PER_QUERY = 50;

/** @throws ZhangshiError CONFIG_INVALID, SECRET_MISSING */
export const createKingdeeCloud = (settings: unknown, context: ConnectorContext): VoucherTarget =>
  new KingdeeCloud(parseSettings(settings, context.connection), context);

/** 金蝶云星空: vouchers through its WebAPI. */
class KingdeeCloud implements VoucherTarget {
  readonly capabilities: TargetCapabilities;
  readonly #settings: KingdeeCloudSettings;
  readonly #context: ConnectorContext;
  readonly #http: VendorHttp;
  readonly #maker: KingdeeChannel;
  /** The one who audits: somebody else than the maker where the ERP demands it. */
  readonly #auditor: KingdeeChannel;
  #reading = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(settings: KingdeeCloudSettings, context: ConnectorContext) {
    this.#settings = settings;
    this.#context = context;
    this.capabilities = {
      batchMax: settings.batchMax,
      keyGuard: "lookup",
      keyLength: 26,
      stages: ["saved", "submitted", "audited"],
      red: "negative",
      asynchronous: false,
      dimensions: dimensionColumns(settings).map(([kind]) => kind),
      checks: { period: "erp", account: "erp", dimension: "erp", code: "erp", balance: "erp" },
      people: { edit: true, unaudit: true, delete: true, void: true, copy: "with-key" },
      linesMax: settings.linesMax,
      summaryMax: settings.summaryMax,
      // nvarchar: a character beyond U+FFFF counts twice.
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
      certificateAuthority: certificateAuthorityOf(settings, context),
      allowedHosts: [...settings.allowedHosts, ...(context.allowedHosts ?? [])],
      timeoutMs: settings.timeoutMs,
    });
    const limits = { sessionMs: settings.sessionMinutes * 60_000, logInTimeoutMs: settings.logInTimeoutMs };
    const channel = (identity: Identity): KingdeeChannel =>
      new KingdeeChannel(this.#http, identity, context.now, limits);
    this.#maker = channel(makerIdentity(settings, context));
    const auditor = auditorIdentity(settings, context);
    this.#auditor = auditor === undefined ? this.#maker : channel(auditor);
  }

  async post(drafts: readonly VoucherDraft[], deadlineAt: Date): Promise<readonly SendOutcome[]> {
    const outcomes = new Map<string, SendOutcome>();
    const sendable: VoucherDraft[] = [];
    for (const draft of drafts) {
      const obstacle = this.#obstacleTo(draft);
      if (obstacle === undefined) sendable.push(draft);
      else outcomes.set(draft.key, { kind: "refused", key: PostingKey.parse(draft.key), ...obstacle });
    }
    for (const batch of chunks(sendable, this.#settings.batchMax)) {
      const answer = await this.#maker.write("BatchSave", "save", batchSaveBody(batch, this.#settings), deadlineAt);
      const judged = saveOutcomes(batch, answer, this.#settings.keyField);
      for (const outcome of await this.#withClosedPeriods(batch, judged)) outcomes.set(outcome.key, outcome);
    }
    return drafts.map((draft) => {
      const outcome = outcomes.get(draft.key);
      if (outcome === undefined) throw new Error(`no outcome for ${draft.key}`);
      return outcome.kind === "posted" ? outcome : { ...outcome, message: this.#http.redact(outcome.message) };
    });
  }

  /** The ERP rounds what is too fine and says nothing: what is beyond the declared limits never leaves. */
  #obstacleTo(draft: VoucherDraft): CannotWrite | undefined {
    const code = limitBroken(draft, this.capabilities);
    if (code !== undefined) return { code, message: errorCatalog[code].what.en };
    return obstacleTo(draft, this.#settings);
  }

  /** The text of "period closed" is not known, so the book is asked whether the refused voucher's period is open. */
  async #withClosedPeriods(
    drafts: readonly VoucherDraft[],
    outcomes: readonly SendOutcome[],
  ): Promise<readonly SendOutcome[]> {
    const closed = new Map<string, ReadonlySet<string>>();
    const judged: SendOutcome[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      const draft = drafts[index];
      if (outcome.kind !== "refused" || draft === undefined || outcome.code === "PERMISSION_DENIED") {
        judged.push(outcome);
        continue;
      }
      const known = closed.get(draft.book) ?? (await this.#closedPeriods(draft.book));
      closed.set(draft.book, known);
      judged.push(known.has(draft.date.slice(0, 7)) ? { ...outcome, code: "PERIOD_CLOSED" } : outcome);
    }
    return judged;
  }

  async #closedPeriods(book: string): Promise<ReadonlySet<string>> {
    try {
      const periods = await this.periods(book);
      return new Set(periods.filter((state) => !state.open).map((state) => state.period));
    } catch {
      // The refusal stands without it, only less precisely named.
      return new Set();
    }
  }

  async advance(
    vouchers: readonly { readonly key: PostingKey; readonly erpId: string }[],
    stage: Stage,
    deadlineAt: Date,
  ): Promise<readonly SendOutcome[]> {
    const outcomes: SendOutcome[] = [];
    for (const batch of chunks(vouchers, this.#settings.batchMax))
      outcomes.push(...(await this.#advanceBatch(batch, stage, deadlineAt)));
    return outcomes.map((outcome) =>
      outcome.kind === "posted" ? outcome : { ...outcome, message: this.#http.redact(outcome.message) },
    );
  }

  async #advanceBatch(
    vouchers: readonly { readonly key: PostingKey; readonly erpId: string }[],
    stage: Stage,
    deadlineAt: Date,
  ): Promise<readonly SendOutcome[]> {
    const ids = vouchers.map((voucher) => voucher.erpId);
    let standing: StandingAnswer = await this.#standing(ids);
    if (standing.kind === "failed") {
      const { code, message } = standing;
      return vouchers.map(({ key }) => ({ kind: "not-done", key, code, message }));
    }
    const problems = new Map<string, ReturnType<typeof operationProblem>>();
    for (const step of STEPS) {
      if (rank(step.to) > rank(stage)) break;
      const before: ReadonlyMap<string, Standing> = standing.found;
      const due = ids.filter((id) => {
        const voucher = before.get(id);
        return voucher !== undefined && !voucher.voided && !problems.has(id) && voucher.stage === step.from;
      });
      if (due.length === 0) continue;
      const channel = step.operation === "Audit" ? this.#auditor : this.#maker;
      const answer = await channel.write(step.operation, step.operation.toLowerCase(), operationBody(due), deadlineAt);
      // What the answer calls a success is not believed: the books say who moved.
      const after = await this.#standing(due);
      for (const [index, id] of due.entries()) {
        const voucher = after.kind === "found" ? after.found.get(id) : undefined;
        if (voucher === undefined || rank(voucher.stage) < rank(step.to))
          problems.set(id, operationProblem(answer, index));
      }
      if (after.kind === "found") standing = { kind: "found", found: new Map([...before, ...after.found]) };
    }
    const { found } = standing;
    return vouchers.map(({ key, erpId }): SendOutcome => {
      const voucher = found.get(erpId);
      const problem = problems.get(erpId);
      if (problem !== undefined) return { ...problem, key };
      if (voucher === undefined || voucher.voided) {
        const message = voucher === undefined ? "the voucher is no longer there" : "the voucher is void";
        return { kind: "refused", key, code: "AUDIT_REFUSED", message };
      }
      if (rank(voucher.stage) < rank(stage))
        return { kind: "refused", key, code: "AUDIT_REFUSED", message: `${stage} is out of this interface's reach` };
      return { kind: "posted", key, erpId, number: voucher.number, stage: voucher.stage };
    });
  }

  async #standing(
    ids: readonly string[],
  ): Promise<
    | { readonly kind: "found"; readonly found: ReadonlyMap<string, Standing> }
    | { readonly kind: "failed"; readonly code: ErrorCode; readonly message: string }
  > {
    const answer = await this.#paced(() =>
      queryBill(this.#maker, {
        form: FORM,
        fields: ["FVOUCHERID", "FVOUCHERGROUPNO", "FDocumentStatus", "FPOSTED", "FInvalid"],
        filter: `FVOUCHERID in (${ids.map(idText).join(",")})`,
        order: "FVOUCHERID asc",
      }),
    );
    if (answer.kind === "failed") return { kind: "failed", code: answer.code, message: answer.message };
    const found = new Map<string, Standing>();
    for (const [id, number, status, posted, invalid] of answer.rows)
      found.set(textCell(id), {
        number: textCell(number),
        stage: stageOf(textCell(status), flagCell(posted)),
        voided: flagCell(invalid),
      });
    return { kind: "found", found };
  }

  async findByKeys(book: string, keys: readonly PostingKey[], control: PostingKey | undefined): Promise<LookUpAnswer> {
    const found = new Map<PostingKey, LookUp>();
    let controlSeen = control !== undefined;
    // Without keys the control alone is asked for: that shows whether look-ups see anything.
    const groups: readonly (readonly PostingKey[])[] =
      keys.length === 0 && control !== undefined ? [[]] : [...chunks(keys, KEYS_PER_QUERY)];
    for (const chunk of groups) {
      const asked = control === undefined || chunk.includes(control) ? chunk : [...chunk, control];
      const answer = await this.#paced(() => this.#keyRows(book, asked));
      if (answer.kind === "failed") {
        const { code, message } = answer;
        const failed: LookUp = { kind: "failed", code, message: this.#http.redact(message) };
        for (const key of chunk) found.set(key, failed);
        controlSeen = false;
        continue;
      }
      const byKey = rowsByKey(answer.rows);
      if (control !== undefined && !byKey.has(control)) controlSeen = false;
      for (const key of chunk) found.set(key, lookUpOf(byKey.get(key)));
    }
    return { found, controlSeen };
  }

  /**
   * All vouchers with one of these keys. A server may cut an answer anywhere and says nothing, and what is cut off here would
   * be called absent: only an empty page is the end.
   */
  async #keyRows(book: string, keys: readonly PostingKey[]): Promise<QueryAnswer> {
    const fields = ["FVOUCHERID", "FVOUCHERGROUPNO", this.#settings.keyField, "FDocumentStatus", "FPOSTED", "FInvalid"];
    const filter = `FAccountBookID.FNumber=${quoted(book)} and ${oneOf(this.#settings.keyField, keys)}`;
    const rows: Row[] = [];
    let last = "0";
    for (let page = 0; page < KEY_PAGES_MAX; page += 1) {
      const answer = await queryBill(this.#maker, {
        form: FORM,
        fields,
        filter: page === 0 ? filter : `${filter} and FVOUCHERID>${last}`,
        order: "FVOUCHERID asc",
      });
      if (answer.kind === "failed") return answer;
      if (answer.rows.length === 0) return { kind: "rows", rows };
      rows.push(...answer.rows);
      // Rows may come in any order: the highest id is what the next page begins behind.
      const ids = answer.rows.map(([id]) => textCell(id));
      if (!ids.every(isId)) return { kind: "failed", code: "READ_FAILED", message: "rows without an id" };
      for (const id of ids) if (BigInt(id) > BigInt(last)) last = id;
    }
    return { kind: "failed", code: "RESULT_TRUNCATED", message: `${rows.length} rows` };
  }

  async readBack(book: string, erpIds: readonly string[]): Promise<ReadonlyMap<string, ErpVoucher>> {
    const found = new Map<string, ErpVoucher>();
    await Promise.all(
      [...chunks(erpIds, VOUCHERS_PER_QUERY)].map((chunk) =>
        this.#paced(async () => {
          for (const voucher of await this.#vouchers(book, `FVOUCHERID in (${chunk.map(idText).join(",")})`))
            found.set(voucher.erpId, voucher);
        }),
      ),
    );
    return found;
  }

  /** Whole vouchers under a condition, their lines page after page. */
  async #vouchers(book: string, condition: string): Promise<readonly ErpVoucher[]> {
    const rows: Row[] = [];
    const query = {
      form: FORM,
      fields: voucherFields(this.#settings),
      filter: `FAccountBookID.FNumber=${quoted(book)} and ${condition}`,
      order: VOUCHER_ORDER,
    };
    for await (const page of allRows(this.#maker, query)) rows.push(...page);
    return vouchersOf(rows, this.#settings);
  }

  /**
   * Pages are bounded by the last voucher id instead of an offset, so that vouchers made or deleted meanwhile shift nothing.
   * A page's last voucher may be cut: it is read again with the next page. Only an empty page is the end.
   * @throws ZhangshiError RESULT_TRUNCATED, READ_FAILED
   */
  async *listPeriod(book: string, of: Period): AsyncGenerator<readonly ErpVoucher[]> {
    const [year = "", month = ""] = of.split("-");
    const fields = voucherFields(this.#settings);
    const idAt = fields.indexOf("FVOUCHERID");
    let after = 0n;
    let longest = 0;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const from = after;
      const rows = await this.#paced(() =>
        rowsOf(this.#maker, {
          form: FORM,
          fields,
          filter: `FAccountBookID.FNumber=${quoted(book)} and FYEAR=${year} and FPERIOD=${Number(month)} and FVOUCHERID>${from}`,
          order: VOUCHER_ORDER,
        }),
      );
      if (rows.length === 0) return;
      const ids = rows.map((row) => BigInt(idText(textCell(row[idAt]))));
      for (const [index, id] of ids.entries())
        if (id <= (index === 0 ? from : (ids[index - 1] ?? from) - 1n))
          throw new ZhangshiError("RESULT_TRUNCATED", { book, period: of, reason: "rows are out of order" });
      const first = ids[0] ?? from;
      const last = ids.at(-1) ?? from;
      if (first === last) {
        // An answer shorter than an earlier one was not cut. Otherwise this voucher's lines are read to their end.
        const whole = rows.length < longest;
        yield whole
          ? vouchersOf(rows, this.#settings)
          : await this.#paced(() => this.#vouchers(book, `FVOUCHERID in (${first})`));
        after = first;
        continue;
      }
      longest = Math.max(longest, rows.length);
      const whole = rows.filter((_row, index) => ids[index] !== last);
      yield vouchersOf(whole, this.#settings);
      after = ids.findLast((id) => id !== last) ?? from;
    }
    throw new ZhangshiError("RESULT_TRUNCATED", { book, period: of, reason: "too many pages" });
  }

  async balances(book: string, of: Period): Promise<readonly AccountBalance[]> {
    if (this.#settings.balances === "report")
      return this.#paced(() => readBalanceReport(this.#maker, this.#settings, book, of));
    return sumEntries(this.#vouchersUntil(book, of), of);
  }

  async *#vouchersUntil(book: string, until: Period): AsyncGenerator<readonly ErpVoucher[]> {
    const [earliest] = await this.periods(book);
    const since = this.#settings.entriesSince ?? earliest?.period ?? until;
    for (let month = period(since); month <= until; month = nextPeriod(month)) yield* this.listPeriod(book, month);
  }

  async periods(book: string): Promise<readonly PeriodState[]> {
    return this.#paced(() => readPeriods(this.#maker, book));
  }

  async masterData(kind: MasterDataKind, codes?: readonly string[]): Promise<readonly MasterDataRow[]> {
    return this.#paced(() => readMasterData(this.#maker, this.#settings, kind, codes));
  }

  check(): AsyncIterable<CheckStage> {
    return checkStages({
      http: this.#http,
      maker: this.#maker,
      auditor: this.#auditor === this.#maker ? undefined : this.#auditor,
      settings: this.#settings,
      certificateAuthority: certificateAuthorityOf(this.#settings, this.#context),
      now: this.#context.now,
    });
  }

  async close(): Promise<void> {
    await this.#maker.logOut();
    if (this.#auditor !== this.#maker) await this.#auditor.logOut();
    this.#http.close();
  }

  /** At most `parallelReads` at a time. */
  async #paced<Value>(read: () => Promise<Value>): Promise<Value> {
    if (this.#reading >= this.#settings.parallelReads)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#reading += 1;
    try {
      return await read();
    } finally {
      const next = this.#waiting.shift();
      // The place is handed on to whoever waits longest.
      if (next === undefined) this.#reading -= 1;
      else next();
    }
  }
}

interface Standing {
  readonly number: string;
  readonly stage: Stage;
  readonly voided: boolean;
}

type StandingAnswer =
  | { readonly kind: "found"; readonly found: ReadonlyMap<string, Standing> }
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly message: string };

/** The connection's own goes first. */
const certificateAuthorityOf = (settings: KingdeeCloudSettings, context: ConnectorContext): string | undefined =>
  settings.certificateAuthority ?? context.certificateAuthority;

/** Secrets whose values must never be shown; the rest only identifies. */
const HIDDEN: ReadonlySet<string> = new Set(["password", "appSecret", "auditorPassword", "appId"]);

const STEPS = [
  { operation: "Submit", from: "saved", to: "submitted" },
  { operation: "Audit", from: "submitted", to: "audited" },
] as const satisfies readonly { operation: string; from: Stage; to: Stage }[];
const rank = (stage: Stage): number => stages.indexOf(stage);

/** Ids are a comma-separated text here (reference §3.2). */
const operationBody = (ids: readonly string[]): Record<string, unknown> => ({
  formid: FORM,
  data: { CreateOrgId: "0", Numbers: [], Ids: ids.map(idText).join(","), NetworkCtrl: "", InterationFlags: "" },
});

/** @throws ZhangshiError READ_FAILED when this is no internal id; nothing else may enter a condition unquoted */
const idText = (erpId: string): string => {
  if (!isId(erpId)) throw new ZhangshiError("READ_FAILED", { erpId: erpId.slice(0, 40) });
  return erpId;
};

const isId = (text: string): boolean => /^\d{1,19}$/.test(text);

interface KeyRow {
  readonly erpId: string;
  readonly number: string;
  readonly stage: Stage;
  readonly voided: boolean;
}

/** The ERP's database may ignore case and trailing blanks; our keys are lower case. */
const rowsByKey = (rows: readonly Row[]): ReadonlyMap<string, ReadonlyMap<string, KeyRow>> => {
  const byKey = new Map<string, Map<string, KeyRow>>();
  for (const [id, number, keyCell, status, posted, invalid] of rows) {
    const key = textCell(keyCell).toLowerCase();
    const sameKey = byKey.get(key) ?? new Map<string, KeyRow>();
    byKey.set(key, sameKey);
    sameKey.set(textCell(id), {
      erpId: textCell(id),
      number: textCell(number),
      stage: stageOf(textCell(status), flagCell(posted)),
      voided: flagCell(invalid),
    });
  }
  return byKey;
};

/** A live voucher beside a void one is for a person as well: somebody copied or redid ours. */
const lookUpOf = (rows: ReadonlyMap<string, KeyRow> | undefined): LookUp => {
  const found = [...(rows?.values() ?? [])];
  const [first] = found;
  if (first === undefined) return { kind: "absent" };
  if (found.length > 1) return { kind: "several", erpIds: found.map((row) => row.erpId) };
  if (first.voided) return { kind: "void", erpId: first.erpId };
  return { kind: "one", erpId: first.erpId, number: first.number, stage: first.stage };
};

const makerIdentity = (settings: KingdeeCloudSettings, context: ConnectorContext): Identity => {
  const secret = (name: Parameters<typeof secretOf>[1]): string => secretOf(context.secrets, name, context.connection);
  const { lcid, orgNum } = settings;
  const acctId = secret("acctId");
  const userName = secret("userName");
  if (settings.authentication === "signed") {
    const appId = secret("appId");
    // An AppId of another shape cannot sign: that is known here, before anything is asked.
    clientOf(appId, context.connection);
    return { kind: "signed", acctId, userName, appId, appSecret: secret("appSecret"), lcid, orgNum };
  }
  if ((context.secrets["password"] ?? "") === "" && (context.secrets["appSecret"] ?? "") !== "")
    return {
      kind: "session",
      method: "LoginByAppSecret",
      parameters: [acctId, userName, secret("appId"), secret("appSecret"), lcid],
    };
  return { kind: "session", method: "ValidateUser", parameters: [acctId, userName, secret("password"), lcid] };
};

/** With a password the auditor has a session, else the signature names the auditor; undefined: the maker audits. */
const auditorIdentity = (settings: KingdeeCloudSettings, context: ConnectorContext): Identity | undefined => {
  const { auditorUserName = "", auditorPassword = "" } = context.secrets;
  if (auditorUserName === "") return undefined;
  const maker = makerIdentity(settings, context);
  const acctId = secretOf(context.secrets, "acctId", context.connection);
  if (auditorPassword !== "")
    return {
      kind: "session",
      method: "ValidateUser",
      parameters: [acctId, auditorUserName, auditorPassword, settings.lcid],
    };
  return maker.kind === "signed" ? { ...maker, userName: auditorUserName } : undefined;
};
