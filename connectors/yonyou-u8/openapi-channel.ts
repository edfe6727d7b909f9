import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type ErrorCode, ZhangshiError } from "../../domain/errors.ts";
import type { Exchange, VendorHttp } from "../transport/vendor-http.ts";
import { OPENAPI_CODE } from "./errors.ts";
import { type AddReply, type Envelope, addReply, envelopeIn } from "./openapi-replies.ts";
import type { YonyouU8Settings } from "./settings.ts";
import type { SendAnswer } from "./u8-interface.ts";

/** After a refused token nobody asks again for so long. */
const REFUSED_PAUSE_MS = 5 * 60_000;
/** The vendor's own kit gives up after so many polls. */
const POLLS_MAX = 20;
const SHOWN = 500;
/** Bounds every loop over pages. */
const PAGES_MAX = 10_000;

export interface OpenApiIdentity {
  readonly fromAccount: string;
  readonly toAccount: string;
  readonly appKey: string;
  readonly appSecret: string;
}

export type Row = Readonly<Record<string, string>>;

interface Token {
  readonly id: string;
  readonly until: number;
  calls: number;
}
type LogIn =
  | { readonly kind: "ok"; readonly token: Token }
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly message: string };

const TokenReply = z.looseObject({ token: z.looseObject({ id: z.string().min(1), expiresIn: z.string().optional() }) });
const TradeReply = z.looseObject({ trade: z.looseObject({ id: z.string().min(1) }) });
const Cell = z.union([z.string(), z.boolean(), z.null()]).transform((cell) => (cell === null ? "" : String(cell)));
const Rows = z.array(z.record(z.string(), z.unknown()));

/** The gateway: one token that all callers share, credentials in the query string, results that have to be polled. */
export class OpenApiChannel {
  readonly #http: VendorHttp;
  readonly #identity: OpenApiIdentity;
  readonly #settings: YonyouU8Settings["openapi"];
  readonly #now: () => Date;
  #token: Token | undefined;
  #loggingIn: Promise<LogIn> | undefined;
  #refusal: { readonly until: number; readonly message: string } | undefined;
  #dateHeader = "";
  /** Tokens that may still stand in some answer. */
  readonly #tokens = new Set<string>();

  constructor(http: VendorHttp, identity: OpenApiIdentity, settings: YonyouU8Settings["openapi"], now: () => Date) {
    this.#http = http;
    this.#identity = identity;
    this.#settings = settings;
    this.#now = now;
  }

  get dateHeader(): string {
    return this.#dateHeader;
  }

  /** Tokens are secrets that the transport never heard of. */
  redact(text: string): string {
    let clean = this.#http.redact(text);
    for (const token of this.#tokens) clean = clean.replaceAll(token, "***");
    return clean;
  }

  /** A token that is young and unspent, or one new one that all callers wait for. */
  async logIn(): Promise<LogIn> {
    const now = this.#now().getTime();
    if (this.#refusal !== undefined && now < this.#refusal.until)
      return { kind: "failed", code: "LOGIN_REFUSED", message: this.#refusal.message };
    const token = this.#token;
    if (token !== undefined && now < token.until && token.calls < this.#settings.tokenCallsMax)
      return { kind: "ok", token };
    this.#loggingIn ??= this.#freshToken().finally(() => {
      this.#loggingIn = undefined;
    });
    return this.#loggingIn;
  }

  async #freshToken(): Promise<LogIn> {
    this.#token = undefined;
    const query = new URLSearchParams({
      from_account: this.#identity.fromAccount,
      app_key: this.#identity.appKey,
      app_secret: this.#identity.appSecret,
    });
    const answer = this.#noted(
      await this.#http.read({ lane: "token", path: `${this.#settings.tokenPath}?${query.toString()}`, method: "GET" }),
    );
    if (answer.kind === "not-sent")
      return { kind: "failed", code: "NOT_REACHABLE", message: this.redact(answer.message) };
    const reply = envelopeIn(answer);
    if (reply === undefined) return { kind: "failed", code: "NOT_LOGGED_IN", message: this.redact(textOf(answer)) };
    const parsed = TokenReply.safeParse(reply);
    if (reply.errcode === OPENAPI_CODE.ok && parsed.success) {
      const { id, expiresIn } = parsed.data.token;
      const seconds = Number(expiresIn);
      const lifeMs = Math.min(
        this.#settings.tokenMinutes * 60_000,
        Number.isFinite(seconds) && seconds > 0 ? seconds * 900 : Number.POSITIVE_INFINITY,
      );
      const token = { id, until: this.#now().getTime() + lifeMs, calls: 0 };
      this.#token = token;
      this.#tokens.add(id);
      return { kind: "ok", token };
    }
    const message = this.redact(`${reply.errcode ?? ""} ${reply.errmsg}`.trim());
    const isPassing =
      reply.errcode === OPENAPI_CODE.platformFault ||
      this.#settings.codes.throttled.includes(reply.errcode ?? "") ||
      this.#settings.codes.notReachable.includes(reply.errcode ?? "");
    if (isPassing || reply.errcode === OPENAPI_CODE.ok) return { kind: "failed", code: "NOT_LOGGED_IN", message };
    this.#refusal = { until: this.#now().getTime() + REFUSED_PAUSE_MS, message };
    return { kind: "failed", code: "LOGIN_REFUSED", message };
  }

  #query(token: Token, more: Readonly<Record<string, string>>): string {
    token.calls += 1;
    const { fromAccount, toAccount, appKey } = this.#identity;
    const { dsSequence } = this.#settings;
    return new URLSearchParams({
      from_account: fromAccount,
      to_account: toAccount,
      app_key: appKey,
      token: token.id,
      ...(dsSequence === "" ? {} : { ds_sequence: dsSequence }),
      ...more,
    }).toString();
  }

  /** @throws ZhangshiError LOGIN_REFUSED, NOT_LOGGED_IN, NOT_REACHABLE, PERMISSION_DENIED, THROTTLED, READ_FAILED */
  async get(call: string, parameters: Readonly<Record<string, string>>, lane = "query"): Promise<Envelope> {
    const first = await this.#getOnce(call, parameters, lane);
    // A token that the gateway forgot is renewed once; the next try belongs to the workflow.
    const reply = first.errcode === OPENAPI_CODE.tokenExpired ? await this.#getOnce(call, parameters, lane) : first;
    if (reply.errcode === OPENAPI_CODE.ok) return reply;
    const { codes } = this.#settings;
    const errcode = reply.errcode ?? "";
    const code: ErrorCode =
      errcode === OPENAPI_CODE.tokenExpired
        ? "NOT_LOGGED_IN"
        : codes.permissionDenied.includes(errcode)
          ? "PERMISSION_DENIED"
          : codes.throttled.includes(errcode)
            ? "THROTTLED"
            : "READ_FAILED";
    throw new ZhangshiError(code, { call, message: this.redact(`${errcode} ${reply.errmsg}`.trim()) });
  }

  async #getOnce(call: string, parameters: Readonly<Record<string, string>>, lane: string): Promise<Envelope> {
    const logIn = await this.logIn();
    if (logIn.kind === "failed") throw new ZhangshiError(logIn.code, { call, message: logIn.message });
    const isPassing = (answer: Exchange): boolean => {
      const errcode = envelopeIn(answer)?.errcode ?? "";
      return errcode === OPENAPI_CODE.platformFault || this.#settings.codes.throttled.includes(errcode);
    };
    const path = `${call}?${this.#query(logIn.token, parameters)}`;
    const answer = this.#noted(await this.#http.read({ lane, path, method: "GET" }, isPassing));
    if (answer.kind === "not-sent")
      throw new ZhangshiError(answer.code, { call, message: this.redact(answer.message) });
    const reply = envelopeIn(answer);
    if (reply === undefined) throw new ZhangshiError("READ_FAILED", { call, message: this.redact(textOf(answer)) });
    if (reply.errcode === OPENAPI_CODE.tokenExpired && this.#token === logIn.token) this.#token = undefined;
    return reply;
  }

  /** Rows under the resource's name, directly or one level below under `entry`. @throws ZhangshiError as `get`, READ_FAILED */
  async rows(
    resource: string,
    parameters: Readonly<Record<string, string>>,
  ): Promise<{ readonly rows: readonly Row[]; readonly reply: Envelope }> {
    const reply = await this.get(`${this.#settings.apiPath}/${resource}/batch_get`, parameters);
    const found: unknown = reply[resource];
    const list = Array.isArray(found) || found === null ? found : entryOf(found);
    const parsed = Rows.safeParse(list === null ? [] : list);
    if (!parsed.success)
      throw new ZhangshiError("READ_FAILED", { call: resource, message: `no list under ${resource}` });
    return { rows: parsed.data.map(plainRow), reply };
  }

  /**
   * All pages. Their order is not promised and rows move between them while people work: rows are told apart by `identity`, and
   * there must be as many as the reply counts.
   * @throws ZhangshiError RESULT_TRUNCATED
   */
  async allRows(
    resource: string,
    parameters: Readonly<Record<string, string>>,
    identity: (row: Row) => string,
  ): Promise<readonly Row[]> {
    const found = new Map<string, Row>();
    for (let page = 1; page <= PAGES_MAX; page += 1) {
      const { rows, reply } = await this.rows(resource, {
        ...parameters,
        page_index: String(page),
        rows_per_page: String(this.#settings.pageRows),
      });
      const before = found.size;
      for (const row of rows) found.set(identity(row), row);
      const count = wholeNumber(reply["row_count"]);
      if (count !== undefined && found.size >= count) return [...found.values()];
      // A short page proves nothing; nothing new does, unless the reply itself counts more.
      if (rows.length > 0 && found.size > before) continue;
      if (count === undefined || count === found.size) return [...found.values()];
      throw new ZhangshiError("RESULT_TRUNCATED", { call: resource, reason: `${found.size} of ${count} rows` });
    }
    throw new ZhangshiError("RESULT_TRUNCATED", { call: resource, reason: "too many pages" });
  }

  /** Sends a voucher once, and waits for its result where the gateway only took it. */
  async add(resource: string, body: unknown, key: string, deadlineAt: Date): Promise<SendAnswer> {
    const logIn = await this.logIn();
    if (logIn.kind === "failed") return { kind: "not-done", code: logIn.code, message: logIn.message };
    let transaction: { readonly tradeid: string } | { readonly biz_id: string };
    try {
      transaction = this.#settings.transaction === "biz_id" ? { biz_id: key } : { tradeid: await this.#tradeid() };
    } catch (error) {
      if (!(error instanceof ZhangshiError)) throw error;
      // Nothing was sent yet: a number for the transaction is only read.
      return { kind: "not-done", code: withoutTrade(error.code), message: error.details["message"] ?? error.message };
    }
    const tradeid = "tradeid" in transaction ? transaction.tradeid : "";
    const query = this.#query(this.#token ?? logIn.token, { ...transaction, sync: this.#settings.sync ? "1" : "0" });
    const answer = this.#noted(
      await this.#http.write(
        { lane: "add", path: `${this.#settings.apiPath}/${resource}/add?${query}`, body },
        deadlineAt,
      ),
    );
    const reply = addReply(answer, tradeid, this.#settings.codes);
    if (reply.kind === "not-done" && reply.code === "NOT_LOGGED_IN") this.#token = undefined;
    if (reply.kind === "not-done" && reply.code === "LOGIN_REFUSED") this.#token = undefined;
    if (reply.kind === "running") return this.#result(reply, tradeid, deadlineAt);
    // U8 has not been asked yet when the gateway only takes a voucher: its refusal comes with the result. A voucher may be on its
    // way behind whatever this is.
    if (!this.#settings.sync && reply.kind !== "taken" && reply.judged === true)
      return {
        kind: "uncertain",
        code: reply.kind === "uncertain" ? reply.code : "SERVER_ERROR",
        message: reply.message,
      };
    return reply;
  }

  async #tradeid(): Promise<string> {
    const reply = await this.get(this.#settings.tradeidPath, {}, "tradeid");
    const parsed = TradeReply.safeParse(reply);
    if (parsed.success) return parsed.data.trade.id;
    throw new ZhangshiError("READ_FAILED", { message: "no tradeid in the answer" });
  }

  /** Polls until the result is there, the deadline has come, or the vendor's own kit would give up. */
  async #result(
    accepted: Extract<AddReply, { kind: "running" }>,
    tradeid: string,
    deadlineAt: Date,
  ): Promise<SendAnswer> {
    let { url, waitSeconds } = accepted;
    let last = "accepted, still running";
    for (let poll = 0; poll < POLLS_MAX; poll += 1) {
      const waitMs = Math.min(waitSeconds, this.#settings.pollSecondsMax) * 1_000;
      const leftMs = deadlineAt.getTime() - this.#now().getTime();
      if (waitMs >= leftMs) break;
      await sleep(waitMs);
      const path = pathOf(url, this.#http.baseUrl);
      if (path === undefined)
        return { kind: "uncertain", code: "ANSWER_INCOMPLETE", message: "the address of the result cannot be read" };
      const answer = this.#noted(
        await this.#http.read({ lane: "result", path, method: "GET", timeoutMs: leftMs - waitMs }),
      );
      const reply = addReply(answer, tradeid, this.#settings.codes);
      if (reply.kind === "running") {
        ({ url, waitSeconds } = reply);
        continue;
      }
      // Neither a hiccup while asking nor "still running" says anything about the voucher.
      if (reply.kind === "taken" || reply.judged === true) return reply;
      last = reply.message;
    }
    return { kind: "uncertain", code: "NO_ANSWER", message: this.redact(`no result yet (${last})`) };
  }

  #noted(answer: Exchange): Exchange {
    if (answer.kind === "answered") this.#dateHeader = answer.headers["date"] ?? "";
    return answer;
  }

  close(): void {
    this.#http.close();
  }
}

/** Whatever host the result's address names, it is asked for where the vendor was reached: behind a proxy the two differ. */
const pathOf = (url: string, base: URL): string | undefined => {
  if (!URL.canParse(url, base.href)) return undefined;
  const { pathname, search } = new URL(url, base);
  return new URL(`${pathname}${search}`, base.origin).href;
};

const withoutTrade = (code: ErrorCode): ErrorCode =>
  ["LOGIN_REFUSED", "NOT_LOGGED_IN", "NOT_REACHABLE", "PERMISSION_DENIED", "THROTTLED"].includes(code)
    ? code
    : "NOT_REACHABLE";

const entryOf = (found: unknown): unknown =>
  typeof found === "object" && found !== null && "entry" in found ? found.entry : undefined;

/** Names in lower case; nested values are none of ours. */
const plainRow = (row: Readonly<Record<string, unknown>>): Row => {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(row)) {
    const cell = Cell.safeParse(value);
    if (cell.success) plain[name.toLowerCase()] = cell.data;
  }
  return plain;
};

const wholeNumber = (value: unknown): number | undefined =>
  typeof value === "string" && /^\d+$/.test(value) ? Number(value) : undefined;

const textOf = (answer: Exchange): string =>
  answer.kind === "answered" || answer.kind === "unreadable"
    ? `HTTP ${answer.status} ${answer.text.slice(0, SHOWN)}`
    : answer.message;
