import { type Period, firstDayOf, lastDayOf, periodOf } from "../../domain/dates.ts";
import { ZhangshiError, errorCatalog } from "../../domain/errors.ts";
import { limitBroken } from "../../domain/limits.ts";
import { PostingKey } from "../../domain/posting-key.ts";
import { type Stage, stages } from "../../domain/posting.ts";
import { type VoucherDraft, balances } from "../../domain/voucher.ts";
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
import { audit } from "./audit.ts";
import { type FilterCondition, PAGE_ROWS } from "./form-rows.ts";
import { BatchReply, type Problem, problemBefore, writtenOf } from "./ledger-answers.ts";
import { LedgerBalances } from "./ledger-balances.ts";
import { checkLedger } from "./ledger-check.ts";
import { LedgerPeriods } from "./ledger-periods.ts";
import { type LedgerSettings, dimensionFields, masterOf, parseLedgerSettings } from "./ledger-settings.ts";
import { Masters } from "./masters.ts";
import { PinnedForm } from "./pinned-form.ts";
import type { Pins } from "./pins.ts";
import { JiandaoyunSecrets } from "./settings.ts";
import { VendorApi } from "./vendor-api.ts";
import {
  type CannotWrite,
  type Standing,
  decodeVoucher,
  encodeVoucher,
  obstacleTo,
  rangeAround,
  standingOf,
  wantedOf,
} from "./voucher-form.ts";
import type { Row } from "./wire.ts";

/** A double holds fifteen digits: two behind the point leave thirteen before it (reference §5.4). */
const DOUBLE_DIGITS = 15;
const AMOUNT_DECIMALS = 2;

/**
 * Builds the ledger that keeps its vouchers in forms of one Jiandaoyun app. Nothing is asked of the vendor before the first use.
 * @param settings  see `LedgerSettings`
 * @throws ZhangshiError CONFIG_INVALID, SECRET_MISSING
 */
export const createJiandaoyunLedger = (settings: unknown, context: ConnectorContext): VoucherTarget => {
  const parsed = parseLedgerSettings(settings, context.connection);
  const secrets = JiandaoyunSecrets.safeParse(context.secrets);
  if (!secrets.success) throw new ZhangshiError("SECRET_MISSING", { connection: context.connection, secret: "apiKey" });
  return new JiandaoyunLedger(parsed, secrets.data.apiKey, context);
};

/** 简道云 as a ledger: one record of a form is one voucher. */
class JiandaoyunLedger implements VoucherTarget {
  readonly capabilities: TargetCapabilities;
  readonly #settings: LedgerSettings;
  readonly #context: ConnectorContext;
  readonly #api: VendorApi;
  readonly #books: ReadonlyMap<string, PinnedForm>;
  readonly #masters: Masters;
  readonly #periods: LedgerPeriods;

  constructor(settings: LedgerSettings, apiKey: string, context: ConnectorContext) {
    this.#settings = settings;
    this.#context = context;
    this.capabilities = capabilitiesOf(settings);
    this.#api = new VendorApi(settings, apiKey, Object.values(context.secrets), context);
    const wanted = wantedOf(settings);
    this.#books = new Map(
      Object.entries(settings.books).map(([book, entryId]) => [
        book,
        new PinnedForm(this.#api, settings.appId, entryId, `book ${book}`, wanted),
      ]),
    );
    this.#masters = new Masters(this.#api, settings, context.now);
    this.#periods = new LedgerPeriods(this.#api, settings, context.now);
  }

  async post(drafts: readonly VoucherDraft[], deadlineAt: Date): Promise<readonly SendOutcome[]> {
    const outcomes: SendOutcome[] = [];
    for (const draft of drafts) outcomes.push(await this.#postOne(draft, deadlineAt));
    return outcomes;
  }

  async #postOne(draft: VoucherDraft, deadlineAt: Date): Promise<SendOutcome> {
    const key = PostingKey.parse(draft.key);
    const refuse = ({ code, message }: CannotWrite): SendOutcome => ({ kind: "refused", key, code, message });
    const obstacle = this.#obstacleInside(draft);
    if (obstacle !== undefined) return refuse(obstacle);
    const form = this.#form(draft.book);
    let body: object;
    try {
      const outside = await this.#obstacleOutside(draft);
      if (outside !== undefined) return refuse(outside);
      // Looked at every time: what is written under a name that was changed is ignored with success (reference §5.2).
      const encoded = encodeVoucher(draft, this.#settings, await form.look(deadlineAt));
      if (!encoded.ok) return refuse(encoded);
      body = this.#creation(form, draft.key, encoded.data);
    } catch (error) {
      return { ...problemBefore(error), key };
    }
    const written = writtenOf(await this.#api.write("create", body, deadlineAt), this.#api.http.redact);
    if (written.kind !== "body") return { ...written, key };
    const reply = BatchReply.safeParse(written.body);
    if (!reply.success) return uncertain(key, "ANSWER_UNREADABLE", "the answer has no success_count");
    if (reply.data.success_count !== "1")
      return uncertain(key, "ANSWER_INCOMPLETE", `success_count ${reply.data.success_count}`);
    return this.#confirmed(form, key, reply.data.success_ids, deadlineAt);
  }

  /** What can be said against a draft without asking anybody. */
  #obstacleInside(draft: VoucherDraft): CannotWrite | undefined {
    if (!this.#books.has(draft.book))
      return { code: "CONFIG_INVALID", message: `account book ${draft.book} is not among the connection's books` };
    const code = limitBroken(draft, this.capabilities);
    if (code !== undefined) return { code, message: errorCatalog[code].what.en };
    if (!balances(draft.lines)) return { code: "VOUCHER_UNBALANCED", message: errorCatalog.VOUCHER_UNBALANCED.what.en };
    return obstacleTo(draft, this.#settings);
  }

  /** What the app says against it. The vendor itself checks nothing when a program writes (reference §4.10). */
  async #obstacleOutside(draft: VoucherDraft): Promise<CannotWrite | undefined> {
    const month = periodOf(draft.date);
    if (!(await this.#periods.isOpen(month))) return { code: "PERIOD_CLOSED", message: `${month} is not open` };
    return this.#masters.obstacleTo(draft, this.#settings);
  }

  /**
   * One row per request, under our key as the transaction: a second arrival within the hour overwrites the first instead of
   * doubling it. After that hour it would double, so this is no guard of the key. Source: Jiandaoyun reference §4.6.
   */
  #creation(form: PinnedForm, key: string, data: object): object {
    const { maker, flow } = this.#settings;
    return {
      ...form.rows.address(),
      data_list: [data],
      transaction_id: key,
      ...(maker === undefined ? {} : { data_creator: maker }),
      ...(flow === undefined ? {} : { is_start_workflow: true }),
    };
  }

  /** A value that the form did not take is stored empty with success, so the record has to show our key. */
  async #confirmed(form: PinnedForm, key: PostingKey, ids: readonly string[], deadlineAt: Date): Promise<SendOutcome> {
    const [id] = ids;
    try {
      // No id: the transaction was known, and an earlier record of ours was overwritten.
      if (id === undefined) {
        const found = lookUpOf((await this.#keyRows(form, [key])).get(key));
        return found.kind === "one"
          ? { ...found, kind: "posted", key }
          : uncertain(key, "ANSWER_INCOMPLETE", `no id in the answer, and the look-up says ${found.kind}`);
      }
      const row = await form.rows.get(id, deadlineAt);
      if (row === undefined) return uncertain(key, "ANSWER_INCOMPLETE", `${id} was made and is not there`);
      const { number, stage, key: stored } = standingOf(row, this.#settings, await form.pins());
      if (stored !== key) return uncertain(key, "KEY_NOT_ECHOED", `saved as ${id} without our key`);
      return { kind: "posted", key, erpId: id, number, stage };
    } catch (error) {
      const { code, message } = problemBefore(error);
      return uncertain(key, "ANSWER_INCOMPLETE", `made, and not read: ${code} ${message}`);
    }
  }

  async advance(
    vouchers: readonly { readonly key: PostingKey; readonly erpId: string }[],
    stage: Stage,
    deadlineAt: Date,
  ): Promise<readonly SendOutcome[]> {
    const outcomes: SendOutcome[] = [];
    for (const { key, erpId } of vouchers) outcomes.push(await this.#advanceOne(key, erpId, stage, deadlineAt));
    return outcomes;
  }

  async #advanceOne(key: PostingKey, erpId: string, stage: Stage, deadlineAt: Date): Promise<SendOutcome> {
    try {
      const before = await this.#standing(erpId, deadlineAt);
      const reached = advanced(before, key, stage);
      if (reached !== undefined) return reached;
    } catch (error) {
      return { ...problemBefore(error), key };
    }
    const { flow } = this.#settings;
    if (flow === undefined || flow.approvers.length === 0)
      return { kind: "refused", key, code: "AUDIT_REFUSED", message: `${stage} is left to people` };
    const problem = await audit(this.#api, flow, erpId, deadlineAt);
    try {
      const after = advanced(await this.#standing(erpId, deadlineAt), key, stage);
      if (after !== undefined) return after;
    } catch (error) {
      // Something may have been done, and what stands is not known.
      return uncertain(key, "NO_ANSWER", problem?.message ?? problemBefore(error).message);
    }
    return problem === undefined
      ? uncertain(key, "ANSWER_INCOMPLETE", "its workflow ended, but the voucher did not move")
      : { ...problem, key };
  }

  /** The books are told apart by their forms only, and the id alone does not say which it is. */
  async #standing(erpId: string, deadlineAt: Date): Promise<Standing | undefined> {
    for (const form of this.#books.values()) {
      const row = await form.rows.get(erpId, deadlineAt);
      if (row !== undefined) return standingOf(row, this.#settings, await form.pinsFor([row]));
    }
    return undefined;
  }

  async findByKeys(book: string, keys: readonly PostingKey[], control: PostingKey | undefined): Promise<LookUpAnswer> {
    const found = new Map<PostingKey, LookUp>();
    let controlSeen = control !== undefined;
    // Without keys the control alone is asked for: that shows whether look-ups see anything.
    const groups = keys.length === 0 && control !== undefined ? [[]] : chunksOf(keys);
    for (const chunk of groups) {
      try {
        const asked = control === undefined || chunk.includes(control) ? chunk : [...chunk, control];
        const byKey = await this.#keyRows(this.#form(book), asked);
        if (control !== undefined && !byKey.has(control)) controlSeen = false;
        for (const key of chunk) found.set(key, lookUpOf(byKey.get(key)));
      } catch (error) {
        const { code, message } = problemBefore(error);
        for (const key of chunk) found.set(key, { kind: "failed", code, message });
        controlSeen = false;
      }
    }
    return { found, controlSeen };
  }

  /**
   * Records under these keys. A filter that the vendor does not like is ignored in silence and answers the whole form: one row
   * with another key shows it. @throws ZhangshiError
   */
  async #keyRows(form: PinnedForm, keys: readonly string[]): Promise<ReadonlyMap<string, readonly Standing[]>> {
    const pins = await form.look();
    const name = pins.head.get(this.#settings.fields.key)?.name ?? "";
    const condition: FilterCondition = { field: name, type: "text", method: "in", value: keys };
    const wanted = new Set(keys);
    const byKey = new Map<string, Standing[]>();
    for await (const rows of form.rows.matching([condition]))
      for (const row of rows) {
        const standing = standingOf(row, this.#settings, pins);
        if (!wanted.has(standing.key))
          throw new ZhangshiError("READ_FAILED", {
            form: form.name,
            reason: "the filter was ignored",
            recordId: row._id,
          });
        byKey.set(standing.key, [...(byKey.get(standing.key) ?? []), standing]);
      }
    return byKey;
  }

  async readBack(book: string, erpIds: readonly string[]): Promise<ReadonlyMap<string, ErpVoucher>> {
    const form = this.#form(book);
    const rows = await form.rows.byIds(erpIds);
    const vouchers = await this.#decoded(form, rows);
    return new Map(vouchers.map((voucher) => [voucher.erpId, voucher]));
  }

  async *listPeriod(book: string, period: Period): AsyncGenerator<readonly ErpVoucher[]> {
    for await (const vouchers of this.#vouchers(book, period, period))
      yield vouchers.filter((voucher) => voucher.period === period);
  }

  async balances(book: string, period: Period): Promise<readonly AccountBalance[]> {
    const sums = new LedgerBalances(period);
    for await (const vouchers of this.#vouchers(book, undefined, period)) for (const one of vouchers) sums.add(one);
    return sums.all();
  }

  /** Whole pages; what the filter lets through beyond the periods is for the caller to leave out. */
  async *#vouchers(book: string, first: Period | undefined, last: Period): AsyncGenerator<readonly ErpVoucher[]> {
    const form = this.#form(book);
    const pin = (await form.look()).head.get(this.#settings.fields.date);
    const value = rangeAround(first && firstDayOf(first), lastDayOf(last), this.#settings.zone);
    // Text cannot be asked for by range: the whole form is read then.
    const conditions: readonly FilterCondition[] =
      pin?.type === "datetime" ? [{ field: pin.name, type: "datetime", method: "range", value }] : [];
    for await (const rows of form.rows.matching(conditions)) yield this.#decoded(form, rows);
  }

  async #decoded(form: PinnedForm, rows: readonly Row[]): Promise<readonly ErpVoucher[]> {
    const pins: Pins = await form.pinsFor(rows);
    return rows.map((row) => decodeVoucher(row, this.#settings, pins)).filter((voucher) => voucher !== undefined);
  }

  async periods(book: string): Promise<readonly PeriodState[]> {
    this.#form(book);
    return this.#periods.states();
  }

  async masterData(kind: MasterDataKind, codes?: readonly string[]): Promise<readonly MasterDataRow[]> {
    if (kind === "word") {
      const words = Object.entries(this.#settings.words).map(([name, code]) => ({ code, name, usable: true }));
      return codes === undefined ? words : words.filter(({ code }) => codes.includes(code));
    }
    const rows = await this.#masters.read(kind, codes);
    // Where no form is named, every code is as good as another.
    return rows ?? (codes ?? []).map((code) => ({ code, name: "", usable: true }));
  }

  check(): AsyncIterable<CheckStage> {
    return checkLedger({
      settings: this.#settings,
      context: this.#context,
      api: this.#api,
      books: this.#books,
      masters: this.#masters,
      periods: this.#periods,
    });
  }

  async close(): Promise<void> {
    this.#api.http.close();
  }

  /** @throws ZhangshiError CONFIG_INVALID */
  #form(book: string): PinnedForm {
    const form = this.#books.get(book);
    if (form === undefined) throw new ZhangshiError("CONFIG_INVALID", { connection: this.#context.connection, book });
    return form;
  }
}

const capabilitiesOf = (settings: LedgerSettings): TargetCapabilities => {
  const dimensions = dimensionFields(settings).map(([kind]) => kind);
  const { flow, master, lines } = settings;
  const hasMasters = dimensions.length > 0 && dimensions.every((kind) => masterOf(settings, kind) !== undefined);
  return {
    batchMax: 1,
    keyGuard: "lookup",
    keyLength: 26,
    // A workflow can only be entered when the record is made; a record that was not is never submitted by a program.
    stages: flow === undefined ? ["saved"] : flow.approvers.length === 0 ? ["submitted"] : ["submitted", "audited"],
    red: "negative",
    asynchronous: false,
    dimensions,
    checks: {
      period: "us",
      account: master.account === undefined ? "nobody" : "us",
      dimension: master.account?.dimensions === undefined ? "nobody" : "us",
      code: hasMasters ? "us" : "nobody",
      balance: "us",
    },
    people: {
      edit: true,
      unaudit: flow !== undefined,
      delete: true,
      void: flow !== undefined || settings.voidWhen.length > 0,
      copy: "with-key",
    },
    linesMax: settings.linesMax,
    summaryMax: settings.summaryMax,
    text: { measure: "utf16", repertoire: "unicode" },
    amountDecimals: AMOUNT_DECIMALS,
    amountDigits: DOUBLE_DIGITS - AMOUNT_DECIMALS,
    quantities: lines.fields.quantity !== undefined,
    quantityDecimals: settings.quantityDecimals,
    quantityDigits: DOUBLE_DIGITS - settings.quantityDecimals,
    vouchersPerPeriodMax: undefined,
    readsBalances: true,
    readsQuantities: lines.fields.quantity !== undefined,
  };
};

const uncertain = (key: PostingKey, code: Problem["code"], message: string): SendOutcome => ({
  kind: "uncertain",
  key,
  code,
  message,
});

const chunksOf = (keys: readonly PostingKey[]): readonly (readonly PostingKey[])[] => {
  const chunks: (readonly PostingKey[])[] = [];
  for (let start = 0; start < keys.length; start += PAGE_ROWS) chunks.push(keys.slice(start, start + PAGE_ROWS));
  return chunks;
};

const lookUpOf = (standings: readonly Standing[] | undefined): LookUp => {
  const [first, ...others] = standings ?? [];
  if (first === undefined) return { kind: "absent" };
  if (others.length > 0) return { kind: "several", erpIds: [first, ...others].map(({ erpId }) => erpId) };
  const { erpId, number, stage, voided } = first;
  return voided ? { kind: "void", erpId } : { kind: "one", erpId, number, stage };
};

const rank = (stage: Stage): number => stages.indexOf(stage);

/** Where a voucher stands settles the matter, or leaves it open. */
const advanced = (standing: Standing | undefined, key: PostingKey, stage: Stage): SendOutcome | undefined => {
  const refuse = (message: string): SendOutcome => ({ kind: "refused", key, code: "AUDIT_REFUSED", message });
  if (standing === undefined) return refuse("the voucher is no longer there");
  if (standing.voided) return refuse("the voucher is void");
  if (rank(standing.stage) < rank(stage)) return undefined;
  return { kind: "posted", key, erpId: standing.erpId, number: standing.number, stage: standing.stage };
};
