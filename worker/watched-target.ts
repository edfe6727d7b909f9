import type {
  AccountBalance,
  CheckStage,
  ErpVoucher,
  FileHandover,
  LookUp,
  LookUpAnswer,
  MasterDataKind,
  MasterDataRow,
  PeriodState,
  SendOutcome,
  TargetCapabilities,
  VoucherTarget,
} from "../connectors/contract.ts";
import type { Period } from "../domain/dates.ts";
import { type ErrorCode, ZhangshiError, errorCatalog } from "../domain/errors.ts";
import { PostingKey } from "../domain/posting-key.ts";
import type { Stage } from "../domain/posting.ts";
import type { VoucherDraft } from "../domain/voucher.ts";

/** Where people hear of a refused log-in, and say that it is mended. */
export interface LogInAlarm {
  readonly raise: (message: string) => Promise<void>;
  /** True while a person still has to act. */
  readonly isStanding: () => Promise<boolean>;
}

const REFUSED = "LOGIN_REFUSED" satisfies ErrorCode;

/**
 * A ledger's ERP, asked no more once it refused the log-in: trying again and again would lock the user. The alarm is raised
 * at once; when it is over, a new connector is made, which remembers nothing of the refusal.
 */
export class WatchedTarget implements VoucherTarget {
  readonly #make: () => VoucherTarget;
  readonly #alarm: LogInAlarm;
  #target: VoucherTarget;
  #refusal: string | undefined;

  /** @throws ZhangshiError CONFIG_INVALID, SECRET_MISSING as `make` does */
  constructor(make: () => VoucherTarget, alarm: LogInAlarm) {
    this.#make = make;
    this.#alarm = alarm;
    this.#target = make();
  }

  get capabilities(): TargetCapabilities {
    return this.#target.capabilities;
  }

  get files(): FileHandover | undefined {
    return this.#target.files;
  }

  async post(drafts: readonly VoucherDraft[], deadlineAt: Date): Promise<readonly SendOutcome[]> {
    if (await this.#isRefused()) return drafts.map(({ key }) => this.#notDone(PostingKey.parse(key)));
    return this.#watched(await this.#target.post(drafts, deadlineAt));
  }

  async advance(
    vouchers: readonly { readonly key: PostingKey; readonly erpId: string }[],
    stage: Stage,
    deadlineAt: Date,
  ): Promise<readonly SendOutcome[]> {
    if (await this.#isRefused()) return vouchers.map(({ key }) => this.#notDone(key));
    return this.#watched(await this.#target.advance(vouchers, stage, deadlineAt));
  }

  async findByKeys(book: string, keys: readonly PostingKey[], control: PostingKey | undefined): Promise<LookUpAnswer> {
    if (await this.#isRefused()) {
      const failed: LookUp = { kind: "failed", code: REFUSED, message: this.#refusal ?? "" };
      return { found: new Map(keys.map((key) => [key, failed])), controlSeen: false };
    }
    const answer = await this.#target.findByKeys(book, keys, control);
    for (const look of answer.found.values())
      if (look.kind === "failed" && look.code === REFUSED) await this.#refused(look.message);
    return answer;
  }

  readBack(book: string, erpIds: readonly string[]): Promise<ReadonlyMap<string, ErpVoucher>> {
    return this.#read((target) => target.readBack(book, erpIds));
  }

  async *listPeriod(book: string, period: Period): AsyncGenerator<readonly ErpVoucher[]> {
    const pages = await this.#read(async (target) => target.listPeriod(book, period)[Symbol.asyncIterator]());
    for (
      let page = await this.#read(() => pages.next());
      page.done !== true;
      page = await this.#read(() => pages.next())
    )
      yield page.value;
  }

  balances(book: string, period: Period): Promise<readonly AccountBalance[]> {
    return this.#read((target) => target.balances(book, period));
  }

  periods(book: string): Promise<readonly PeriodState[]> {
    return this.#read((target) => target.periods(book));
  }

  masterData(kind: MasterDataKind, codes?: readonly string[]): Promise<readonly MasterDataRow[]> {
    return this.#read((target) => target.masterData(kind, codes));
  }

  check(): AsyncIterable<CheckStage> {
    return this.#target.check();
  }

  close(): Promise<void> {
    return this.#target.close();
  }

  /** Asked only after a refusal: whoever works undisturbed pays nothing for it. */
  async #isRefused(): Promise<boolean> {
    if (this.#refusal === undefined) return false;
    if (await this.#alarm.isStanding()) return true;
    // Another call may have noticed in the meantime.
    if (this.#refusal !== undefined) {
      this.#refusal = undefined;
      const old = this.#target;
      this.#target = this.#make();
      await old.close();
    }
    return false;
  }

  async #refused(message: string): Promise<void> {
    if (this.#refusal !== undefined) return;
    this.#refusal = message;
    await this.#alarm.raise(message);
  }

  async #watched(outcomes: readonly SendOutcome[]): Promise<readonly SendOutcome[]> {
    for (const outcome of outcomes)
      if (outcome.kind !== "posted" && outcome.code === REFUSED) await this.#refused(outcome.message);
    return outcomes;
  }

  #notDone(key: PostingKey): SendOutcome {
    return { kind: "not-done", key, code: REFUSED, message: this.#refusal ?? errorCatalog[REFUSED].what.en };
  }

  async #read<Value>(read: (target: VoucherTarget) => Promise<Value>): Promise<Value> {
    if (await this.#isRefused()) throw new ZhangshiError(REFUSED, { message: this.#refusal ?? "" });
    try {
      return await read(this.#target);
    } catch (error) {
      if (error instanceof ZhangshiError && error.code === REFUSED)
        await this.#refused(error.details["message"] ?? error.message);
      throw error;
    }
  }
}
