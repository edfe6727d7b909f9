import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { type Instant, type Period, instant, periodOf } from "../../domain/dates.ts";
import { type ErrorCode, ZhangshiError, errorCatalog } from "../../domain/errors.ts";
import { PostingKey } from "../../domain/posting-key.ts";
import { type Stage, stages } from "../../domain/posting.ts";
import type { VoucherDraft } from "../../domain/voucher.ts";
import type {
  AccountBalance,
  CheckStage,
  ConnectorContext,
  ErpVoucher,
  FileHandover,
  FileReceipt,
  LookUp,
  LookUpAnswer,
  MasterDataRow,
  OutstandingFile,
  PeriodState,
  SendOutcome,
  TargetCapabilities,
  VoucherTarget,
  VoucherWord,
} from "../contract.ts";
import { capabilitiesOf } from "./capabilities.ts";
import { checkStages } from "./check.ts";
import { Desk, type Sight } from "./desk.ts";
import { keyInFile } from "./entries.ts";
import { lookUpIn } from "./look-up.ts";
import { obstaclesTo } from "./obstacles.ts";
import { type Outstanding, putFile } from "./outbox.ts";
import { isOpen, periodsOf } from "./periods.ts";
import type { Standing } from "./records.ts";
import { type KingdeeKisSettings, parseSettings } from "./settings.ts";
import { copyIdOf, shownVouchers } from "./shown.ts";
import { contentOf, filesOf, writeVoucherFile } from "./voucher-file.ts";

const PAGE = 500;

/** @throws ZhangshiError CONFIG_INVALID */
export const createKingdeeKis = (settings: unknown, context: ConnectorContext): VoucherTarget =>
  new KingdeeKis(parseSettings(settings, context.connection), context);

/** 金蝶KIS on a desktop: a folder, and a person between us and the program (docs/decisions/0015-file-ledgers.md). */
class KingdeeKis implements VoucherTarget {
  readonly capabilities: TargetCapabilities;
  readonly files: FileHandover;
  readonly #settings: KingdeeKisSettings;
  readonly #context: ConnectorContext;
  readonly #desk: Desk;
  #sorted: { readonly of: unknown; readonly vouchers: readonly ErpVoucher[] } | undefined;

  constructor(settings: KingdeeKisSettings, context: ConnectorContext) {
    this.#settings = settings;
    this.#context = context;
    this.capabilities = capabilitiesOf(settings);
    this.#desk = new Desk(folderOf(context), settings, { now: context.now, token: randomUUID, log: context.log });
    this.files = {
      outstanding: () => this.#outstanding(),
      confirm: (receipt: FileReceipt) => this.#desk.confirm(receipt),
      confirmVoucher: ({ key, number, by, at }: VoucherWord) => this.#desk.confirmVoucher(key, number, by, at),
      takeExport: (name: string, content: Uint8Array, madeAt: Instant) => this.#desk.takeExport(name, content, madeAt),
    };
  }

  async post(drafts: readonly VoucherDraft[], deadlineAt: Date): Promise<readonly SendOutcome[]> {
    const outcomes = new Map<string, SendOutcome>();
    const sendable = drafts.filter((draft) => {
      const obstacle = this.#obstacleTo(draft);
      if (obstacle !== undefined) outcomes.set(draft.key, { kind: "refused", key: keyOf(draft), ...obstacle });
      return obstacle === undefined;
    });
    if (sendable.length > 0)
      for (const outcome of await this.#postSendable(sendable, deadlineAt)) outcomes.set(outcome.key, outcome);
    return drafts.map((draft) => {
      const outcome = outcomes.get(draft.key);
      if (outcome === undefined) throw new Error(`no outcome for ${draft.key}`);
      return outcome;
    });
  }

  #obstacleTo(draft: VoucherDraft): Failure | undefined {
    const [obstacle] = obstaclesTo(draft, this.#settings);
    if (obstacle !== undefined) return { code: obstacle.code, message: obstacle.message };
    if (isOpen(periodOf(draft.date), this.#settings)) return undefined;
    return { code: "PERIOD_CLOSED", message: `closedThrough: ${this.#settings.closedThrough}` };
  }

  async #postSendable(drafts: readonly VoucherDraft[], deadlineAt: Date): Promise<readonly SendOutcome[]> {
    let sight: Sight;
    try {
      await this.#desk.records.prepare();
      sight = await this.#desk.look();
    } catch (error) {
      const failure = failureOf(error);
      return drafts.map((draft) => ({ kind: "not-done", key: keyOf(draft), ...failure }));
    }
    const outcomes: SendOutcome[] = [];
    const fresh: VoucherDraft[] = [];
    for (const draft of drafts) {
      const known = await this.#knownOutcome(draft, sight);
      if (known === undefined) fresh.push(draft);
      else outcomes.push(known);
    }
    const [first = [], ...later] = filesOf(fresh, this.#settings);
    const waiting = sight.outstanding?.file ?? sight.strays[0];
    const isFree = waiting === undefined || sight.outstanding?.stage === "writing";
    const sent = isFree ? await this.#putFile(first, deadlineAt) : first.map((draft) => waitsFor(draft, waiting));
    return [...outcomes, ...sent, ...later.flat().map((draft) => waitsFor(draft, waiting ?? "another period's file"))];
  }

  /** What was sent before is not sent again: it waits in the outstanding file, was imported, or was refused with these words. */
  async #knownOutcome(draft: VoucherDraft, { outstanding, judged }: Sight): Promise<SendOutcome | undefined> {
    const key = keyOf(draft);
    const waiting = outstanding?.vouchers.find((one) => one.key === draft.key);
    if (waiting !== undefined && outstanding?.stage === "written")
      return { kind: "uncertain", key, code: "AWAITING_RECEIPT", message: messageOn(judged, key, outstanding.file) };
    const known = this.#desk.records.newest(key);
    if (known === undefined) return undefined;
    const { standing, voucher } = known;
    const isSame = voucher?.content === contentOf(draft, this.#settings);
    switch (standing.state) {
      case "taken":
        return isSame
          ? { kind: "posted", key, erpId: this.#idOf(key), number: standing.numbers[0] ?? "", stage: "saved" }
          : { kind: "uncertain", key, code: "ALREADY_EXISTS", message: "imported before, with another content" };
      case "refused":
        if (!isSame || this.#desk.records.wasTold(known)) return undefined;
        await this.#desk.records.tell(known);
        return { kind: "refused", key, code: standing.code, message: standing.message };
      case "absent":
        return undefined;
    }
  }

  async #putFile(drafts: readonly VoucherDraft[], deadlineAt: Date): Promise<readonly SendOutcome[]> {
    if (drafts.length === 0) return [];
    const each = (outcome: (key: PostingKey) => SendOutcome): readonly SendOutcome[] =>
      drafts.map((draft) => outcome(keyOf(draft)));
    try {
      const file = await writeVoucherFile(drafts, this.#settings);
      const turn = { attempt: randomUUID(), deadlineAt, now: this.#context.now };
      const put = await putFile(this.#desk.folder, file, turn);
      if (put.kind === "busy") return drafts.map((draft) => waitsFor(draft, put.outstanding?.file ?? "another file"));
      return each((key) => ({ kind: "uncertain", key, code: "AWAITING_RECEIPT", message: file.name }));
    } catch (error) {
      // Nothing that a person could import is there: `putFile` throws only before a file gets its name.
      const failure = failureOf(error);
      return each((key) => ({ kind: "not-done", key, ...failure }));
    }
  }

  /** Auditing and booking are a person's: the newest export tells how far a voucher got. */
  async advance(
    vouchers: readonly { readonly key: PostingKey; readonly erpId: string }[],
    stage: Stage,
  ): Promise<readonly SendOutcome[]> {
    await this.#desk.look();
    const shown = this.#shown();
    return vouchers.map(({ key, erpId }) => {
      const voucher = shown.find((one) => one.erpId === erpId);
      const reached = voucher?.stage ?? "saved";
      if (stages.indexOf(reached) >= stages.indexOf(stage))
        return { kind: "posted", key, erpId, number: voucher?.number ?? "", stage: reached };
      const message = `${reached}; a person brings it to ${stage} in the program and exports the period again`;
      return { kind: "not-done", key, code: "EXPORT_MISSING", message };
    });
  }

  async findByKeys(_book: string, keys: readonly PostingKey[], control: PostingKey | undefined): Promise<LookUpAnswer> {
    let sight: Sight;
    try {
      sight = await this.#desk.look();
    } catch (error) {
      const failed: LookUp = { kind: "failed", ...failureOf(error) };
      return { found: new Map(keys.map((key) => [key, failed])), controlSeen: false };
    }
    const asked = control === undefined ? keys : [...keys, control];
    const { found } = lookUpIn(this.#shown(), asked, undefined, this.#settings);
    const look = (key: PostingKey): LookUp => {
      const seen = found.get(key);
      return seen === undefined || seen.kind === "absent" ? this.#byRecord(key, sight) : seen;
    };
    return {
      found: new Map(keys.map((key) => [key, look(key)])),
      controlSeen: control !== undefined && ["one", "several", "void"].includes(look(control).kind),
    };
  }

  /** Of what no export shows, our own records tell. */
  #byRecord(key: PostingKey, { outstanding, judged, strays }: Sight): LookUp {
    const waiting = outstanding?.vouchers.some((one) => one.key === key) === true && !this.#isGivenUp(outstanding);
    const standing = waiting ? judged.get(key)?.standing : this.#desk.records.newest(key)?.standing;
    if (waiting && standing === undefined)
      return { kind: "failed", code: "AWAITING_RECEIPT", message: messageOn(judged, key, outstanding.file) };
    if (standing !== undefined) return this.#asLookUp(key, standing);
    if (strays[0] !== undefined)
      return { kind: "failed", code: "FILE_OUTSTANDING", message: `nothing is noted of ${strays[0]}` };
    if (!this.#desk.records.exists)
      return { kind: "failed", code: "FILE_UNREADABLE", message: `the records are gone from ${this.#desk.folder}` };
    return { kind: "absent" };
  }

  /** An attempt that never stamped its file cannot give it a name after its deadline. */
  #isGivenUp({ stage, deadlineAt }: Outstanding): boolean {
    return stage === "writing" && this.#context.now() >= new Date(deadlineAt);
  }

  #asLookUp(key: PostingKey, standing: Standing): LookUp {
    if (standing.state !== "taken") return { kind: "absent" };
    const erpId = this.#idOf(key);
    const [number = "", ...others] = standing.numbers;
    if (others.length === 0) return { kind: "one", erpId, number, stage: "saved" };
    return { kind: "several", erpIds: [erpId, ...others.map((other) => copyIdOf(erpId, other))] };
  }

  #idOf(key: PostingKey): string {
    return keyInFile(key, this.#settings);
  }

  #shown(): readonly ErpVoucher[] {
    const { newest } = this.#desk.exports;
    if (this.#sorted?.of !== newest) this.#sorted = { of: newest, vouchers: shownVouchers(newest.values()) };
    return this.#sorted.vouchers;
  }

  async readBack(_book: string, erpIds: readonly string[]): Promise<ReadonlyMap<string, ErpVoucher>> {
    await this.#desk.look();
    const wanted = new Set(erpIds);
    return new Map(
      this.#shown().flatMap((voucher) => (wanted.has(voucher.erpId) ? [[voucher.erpId, voucher] as const] : [])),
    );
  }

  /** @throws ZhangshiError EXPORT_MISSING when vouchers were imported since the period was exported last */
  async *listPeriod(_book: string, period: Period): AsyncGenerator<readonly ErpVoucher[]> {
    const { judged } = await this.#desk.look();
    const all = this.#shown();
    this.#refuseStale(period, all, judged);
    const vouchers = all.filter((voucher) => voucher.period === period);
    for (let at = 0; at < vouchers.length; at += PAGE) yield vouchers.slice(at, at + PAGE);
  }

  #refuseStale(period: Period, shown: readonly ErpVoucher[], judged: Sight["judged"]): void {
    const madeAt = this.#desk.exports.newest.get(period)?.madeAt ?? Number.NEGATIVE_INFINITY;
    const keys = new Set(shown.map(({ key }) => key));
    const known = [...this.#desk.records.all()].map(([key, one]) => ({ key, date: one.voucher?.date, ...one }));
    const waiting = [...judged.values()].flatMap(({ voucher, ...one }) =>
      one.standing === undefined ? [] : [{ key: voucher.key, date: voucher.date, ...one }],
    );
    for (const { key, date, standing, saidAt } of [...known, ...waiting]) {
      if (standing.state !== "taken" || date?.slice(0, 7) !== period || keys.has(keyInFile(key, this.#settings)))
        continue;
      if (madeAt < Date.parse(saidAt)) throw new ZhangshiError("EXPORT_MISSING", { period, voucher: key });
    }
  }

  /** @throws ZhangshiError READ_FAILED always: exports of vouchers have no opening balances (`readsBalances`) */
  async balances(_book: string, period: Period): Promise<readonly AccountBalance[]> {
    throw new ZhangshiError("READ_FAILED", { period, reason: "an export of vouchers has no opening balances" });
  }

  async periods(): Promise<readonly PeriodState[]> {
    await this.#desk.look();
    return periodsOf(this.#settings, [...this.#desk.exports.newest.keys()], this.#context.now());
  }

  /** Nothing in the folder tells codes of the 账套. */
  async masterData(): Promise<readonly MasterDataRow[]> {
    return [];
  }

  async #outstanding(): Promise<OutstandingFile | undefined> {
    const { outstanding } = await this.#desk.look();
    if (outstanding?.stage !== "written") return undefined;
    const { file, vouchers, writtenAt, deadlineAt } = outstanding;
    return {
      name: file,
      keys: vouchers.map(({ key }) => PostingKey.parse(key)),
      writtenAt: instant(writtenAt ?? deadlineAt),
    };
  }

  check(): AsyncIterable<CheckStage> {
    return checkStages(this.#desk, this.#settings);
  }

  async close(): Promise<void> {
    // Nothing is held open between two looks.
  }
}

type Failure = { readonly code: ErrorCode; readonly message: string };

const keyOf = (draft: VoucherDraft): PostingKey => PostingKey.parse(draft.key);

const waitsFor = (draft: VoucherDraft, file: string): SendOutcome => ({
  kind: "not-done",
  key: keyOf(draft),
  code: "FILE_OUTSTANDING",
  message: file,
});

const messageOn = (judged: Sight["judged"], key: string, file: string): string => {
  const one = judged.get(key);
  return one !== undefined && "message" in one ? `${file}: ${one.message}` : file;
};

const failureOf = (error: unknown): Failure => {
  if (error instanceof ZhangshiError)
    return { code: error.code, message: error.details["reason"] ?? errorCatalog[error.code].what.en };
  throw error;
};

const folderOf = ({ baseUrl, connection }: ConnectorContext): string => {
  if (URL.canParse(baseUrl) && new URL(baseUrl).protocol === "file:") return fileURLToPath(baseUrl);
  throw new ZhangshiError("CONFIG_INVALID", {
    connection,
    field: "baseUrl",
    reason: "a folder such as file:///srv/kis",
  });
};
