import { type Period, nextPeriod } from "../../domain/dates.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import { PostingKey } from "../../domain/posting-key.ts";
import { type Stage, stages } from "../../domain/posting.ts";
import type { VoucherDraft } from "../../domain/voucher.ts";
import type {
  AccountBalance,
  CheckStage,
  ConnectorContext,
  ErpVoucher,
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
import { sumVouchers } from "./balances.ts";
import { reachStages } from "./check-stage.ts";
import { EaiInterface } from "./eai.ts";
import { isWhole, NUMBER_MAX } from "./eai-list.ts";
import { type VoucherName, voucherNameIn } from "./erp-id.ts";
import { groupsOf, lookUpKeys } from "./look-up.ts";
import { OpenApiInterface } from "./openapi.ts";
import { sinceOf } from "./periods.ts";
import { outcomeOf } from "./posting.ts";
import { type YonyouU8Settings, parseSettings, secretOf } from "./settings.ts";
import type { U8Interface } from "./u8-interface.ts";
import { AMOUNT_DECIMALS, obstacleTo, placedKinds } from "./voucher-body.ts";

const PERIODS_MAX = 240;

/** @throws ZhangshiError CONFIG_INVALID, SECRET_MISSING */
export const createYonyouU8 = (settings: unknown, context: ConnectorContext): VoucherTarget =>
  new YonyouU8(parseSettings(settings, context.connection), context);

/** 用友 U8: vouchers through EAI or the OpenAPI. */
class YonyouU8 implements VoucherTarget {
  readonly capabilities: TargetCapabilities;
  readonly #settings: YonyouU8Settings;
  readonly #context: ConnectorContext;
  readonly #http: VendorHttp;
  readonly #face: U8Interface;
  readonly #slots: Slots;

  constructor(settings: YonyouU8Settings, context: ConnectorContext) {
    this.#settings = settings;
    this.#context = context;
    this.capabilities = capabilitiesOf(settings);
    this.#slots = new Slots(settings.parallelReads);
    const secret = (name: Parameters<typeof secretOf>[1]): string =>
      secretOf(context.secrets, name, context.connection);
    this.#http = new VendorHttp({
      baseUrl: context.baseUrl,
      pacer: context.pacer,
      now: context.now,
      onRequest: context.onRequest,
      secrets: Object.values(context.secrets),
      certificateAuthority: context.certificateAuthority,
      allowedHosts: [...settings.allowedHosts, ...(context.allowedHosts ?? [])],
      timeoutMs: settings.timeoutMs,
    });
    if (settings.interface === "eai") {
      const { iisUser: user = "", iisPassword: password = "" } = context.secrets;
      const iis = user === "" ? undefined : { user, password };
      this.#face = new EaiInterface(this.#http, { sender: secret("sender"), iis }, settings, context.now);
    } else {
      const identity = {
        fromAccount: secret("from_account"),
        toAccount: secret("to_account"),
        appKey: secret("app_key"),
        appSecret: secret("app_secret"),
      };
      this.#face = new OpenApiInterface(this.#http, identity, settings, context.now);
    }
  }

  async post(drafts: readonly VoucherDraft[], deadlineAt: Date): Promise<readonly SendOutcome[]> {
    const outcomes: SendOutcome[] = [];
    // One voucher per request, so that one reply is about one voucher; and one after the other, since U8 licences writers.
    for (const draft of drafts) {
      const obstacle = obstacleTo(draft, this.#settings);
      outcomes.push(
        obstacle === undefined
          ? await this.#send(draft, deadlineAt)
          : { kind: "refused", key: PostingKey.parse(draft.key), ...obstacle },
      );
    }
    return outcomes.map((outcome) =>
      outcome.kind === "posted" ? outcome : { ...outcome, message: this.#face.redact(outcome.message) },
    );
  }

  async #send(draft: VoucherDraft, deadlineAt: Date): Promise<SendOutcome> {
    const answer = await this.#face.send(draft, deadlineAt);
    return outcomeOf(this.#face, draft, answer, deadlineAt, this.#context.now);
  }

  /** Neither interface audits or books vouchers: people do, in U8. What they did is seen. */
  async advance(
    vouchers: readonly { readonly key: PostingKey; readonly erpId: string }[],
    stage: Stage,
  ): Promise<readonly SendOutcome[]> {
    const { found } = await this.findByKeys(
      this.#settings.book,
      vouchers.map(({ key }) => key),
      undefined,
    );
    return vouchers.map(({ key }): SendOutcome => {
      const look = found.get(key);
      const refused = (message: string): SendOutcome => ({ kind: "refused", key, code: "AUDIT_REFUSED", message });
      if (look?.kind === "failed") return { kind: "not-done", key, code: look.code, message: look.message };
      if (look?.kind !== "one") return refused(`the voucher is ${look?.kind ?? "absent"}`);
      if (stages.indexOf(look.stage) < stages.indexOf(stage)) return refused(`${stage} is done by people in U8`);
      return { kind: "posted", key, erpId: look.erpId, number: look.number, stage: look.stage };
    });
  }

  async findByKeys(book: string, keys: readonly PostingKey[], control: PostingKey | undefined): Promise<LookUpAnswer> {
    this.#mustBeOurs(book);
    const face = this.#face;
    const answer = await this.#slots.with(() => lookUpKeys(face, keys, control));
    for (const [key, look] of answer.found)
      if (look.kind === "failed") this.#context.log("look-up failed", { key, message: face.redact(look.message) });
    return {
      ...answer,
      found: new Map(
        [...answer.found].map(([key, look]) => [
          key,
          look.kind === "failed" ? { ...look, message: face.redact(look.message) } : look,
        ]),
      ),
    };
  }

  /** By key where the id has one, wherever the voucher went since; else by number. @throws ZhangshiError READ_FAILED, RESULT_TRUNCATED */
  async readBack(book: string, erpIds: readonly string[]): Promise<ReadonlyMap<string, ErpVoucher>> {
    this.#mustBeOurs(book);
    const names = new Map<string, VoucherName>();
    for (const erpId of erpIds) {
      const name = voucherNameIn(erpId);
      if (name !== undefined) names.set(erpId, name);
    }
    const keyed = [...names.values()].filter(({ key }) => key !== "");
    const byKey = new Map<string, readonly ErpVoucher[]>();
    for (const group of groupsOf([...new Set(keyed.map(({ key }) => key))], this.#face.keysPerQuery))
      for (const [key, vouchers] of await this.#allWithKeys(group)) byKey.set(key, vouchers);
    const others = [...names.values()].filter(({ key }) => key === "");
    const byNumber = others.length === 0 ? [] : await this.#slots.with(() => this.#face.vouchersNumbered(others));
    const found = new Map<string, ErpVoucher>();
    for (const [erpId, { key }] of names) {
      const candidates = key === "" ? byNumber : (byKey.get(key) ?? []);
      const same = candidates.find((voucher) => voucher.erpId === erpId);
      // 凭证整理 and people move vouchers: the only one with the key is the one that was meant.
      const voucher = same ?? (key !== "" && candidates.length === 1 ? candidates[0] : undefined);
      if (voucher === undefined) continue;
      if (!isWhole(voucher))
        throw new ZhangshiError("RESULT_TRUNCATED", { message: `${voucher.erpId} comes without all its lines` });
      await this.#face.confirmTotals(voucher);
      found.set(erpId, voucher);
    }
    return found;
  }

  /** Asked again for what an answer left out, until one adds nothing: it may have been cut. */
  async #allWithKeys(keys: readonly string[]): Promise<ReadonlyMap<string, readonly ErpVoucher[]>> {
    const vouchers = new Map<string, ErpVoucher>();
    let open = keys;
    for (let round = 0; open.length > 0 && round <= keys.length; round += 1) {
      const asked = open;
      const answer = await this.#slots.with(() => this.#face.vouchersWithKeys(asked));
      for (const voucher of answer)
        if (asked.includes(voucher.key) && isWhole(voucher)) vouchers.set(voucher.erpId, voucher);
      if (answer.length === 0) break;
      if (asked.length === 1) {
        // Alone it has to come whole, or it is said that it does not.
        for (const voucher of answer) if (voucher.key === asked[0]) vouchers.set(voucher.erpId, voucher);
        break;
      }
      const left = asked.filter((key) => ![...vouchers.values()].some((voucher) => voucher.key === key));
      // No progress: one by one.
      if (left.length === asked.length) {
        for (const key of left)
          for (const [, alone] of await this.#allWithKeys([key])) for (const one of alone) vouchers.set(one.erpId, one);
        break;
      }
      open = left;
    }
    const byKey = new Map<string, ErpVoucher[]>();
    for (const voucher of vouchers.values()) byKey.set(voucher.key, [...(byKey.get(voucher.key) ?? []), voucher]);
    return byKey;
  }

  async *listPeriod(book: string, of: Period): AsyncGenerator<readonly ErpVoucher[]> {
    this.#mustBeOurs(book);
    yield* this.#face.listPeriod(of);
  }

  async balances(book: string, of: Period): Promise<readonly AccountBalance[]> {
    this.#mustBeOurs(book);
    const sums = this.#face.sums(of);
    return sums === undefined ? sumVouchers(this.#vouchersUntil(of), of) : sums;
  }

  async *#vouchersUntil(until: Period): AsyncGenerator<readonly ErpVoucher[]> {
    let month = sinceOf(this.#settings.since, this.#context.now());
    for (let step = 0; month <= until; step += 1) {
      if (step >= PERIODS_MAX)
        throw new ZhangshiError("RESULT_TRUNCATED", { period: until, reason: "too many periods" });
      yield* this.#face.listPeriod(month);
      month = nextPeriod(month);
    }
  }

  async periods(book: string): Promise<readonly PeriodState[]> {
    this.#mustBeOurs(book);
    return this.#slots.with(() => this.#face.periods());
  }

  async masterData(kind: MasterDataKind, codes?: readonly string[]): Promise<readonly MasterDataRow[]> {
    return this.#slots.with(() => this.#face.masterData(kind, codes));
  }

  async *check(): AsyncGenerator<CheckStage> {
    const redact = (text: string): string => this.#face.redact(text);
    for await (const stage of reachStages(this.#http.baseUrl, this.#context.certificateAuthority, redact)) {
      yield stage;
      if (stage.state === "failed") return;
    }
    yield* this.#face.checkStages();
  }

  async close(): Promise<void> {
    this.#face.close();
  }

  #mustBeOurs(book: string): void {
    if (book !== this.#settings.book)
      throw new ZhangshiError("CONFIG_INVALID", {
        connection: this.#context.connection,
        book,
        reason: `the connection is for ${this.#settings.book}`,
      });
  }
}

const capabilitiesOf = (settings: YonyouU8Settings): TargetCapabilities => {
  const isExternal = settings.makingSystem === "CDM";
  return {
    batchMax: 1,
    keyGuard: settings.keyGuard,
    keyLength: 26,
    stages: ["saved"],
    red: "negative",
    asynchronous: settings.interface === "openapi" && !settings.openapi.sync,
    dimensions: placedKinds(settings),
    checks: { period: "erp", account: "erp", dimension: "erp", code: "erp", balance: "erp" },
    // External vouchers cannot be edited or deleted in U8, only voided through an interface (apiCenter, voucher/add).
    people: {
      edit: !isExternal,
      unaudit: true,
      delete: !isExternal,
      void: true,
      copy: "with-key",
    },
    linesMax: settings.linesMax,
    summaryMax: settings.summaryMax,
    text:
      settings.columns === "nvarchar"
        ? { measure: "utf16", repertoire: "unicode" }
        : { measure: "gbk-bytes", repertoire: "gbk" },
    amountDecimals: AMOUNT_DECIMALS,
    // money holds 15; a JSON number on its way through the relay is exact to the cent up to 13.
    amountDigits: 13,
    quantities: true,
    quantityDecimals: settings.quantityDecimals,
    // A float: 15 digits altogether.
    quantityDigits: 15 - settings.quantityDecimals,
    // 凭证号 is a smallint, per period and 凭证字.
    vouchersPerPeriodMax: NUMBER_MAX,
    readsBalances: true,
    readsQuantities: true,
  };
};
