import { randomInt } from "node:crypto";
import { z } from "zod";
import { redactor } from "../transport/redaction.ts";
import type { Exchange, VendorHttp, VendorRequest } from "../transport/vendor-http.ts";
import { type Answer, Text, isPassing, judge, readErrorOf } from "./answers.ts";
import type { Credentials } from "./settings.ts";
import { type Parameters, appSignature, queryOf, signedHeaders } from "./signature.ts";
import {
  AUTHORISATION_FAILED,
  CLOCK_OFF,
  SECRET_STALE,
  SECRET_STALE_WORDS,
  failureOf,
  isTokenLoss,
} from "./vendor-errors.ts";

const AUTHORISE_PATH = "jdyconnector/app_management/push_app_authorize";
const TOKEN_PATH = "jdyconnector/app_management/kingdee_auth_token";

/** A token is renewed at this part of its life (reference §12). */
const RENEWED_AT = 0.8;
/** After a refused log-in nobody tries again for so long. */
const REFUSED_PAUSE_MS = 5 * 60_000;
const TOKEN_WINDOW_MS = 60_000;
/** A read is tried once more, with a fresh token or with the clock put right. */
const READ_ATTEMPTS_MAX = 2;
/** Tokens refused one after the other with "authorisation failed": the authorisation itself is gone. */
const LOSSES_MAX = 2;
/** A smaller difference is no reason for a refused time stamp, which lives five minutes. */
const CLOCK_DIFFERENCE_MS_MIN = 60_000;
const NONCE_MAX = 2_147_483_647;

export type LogIn =
  | { readonly kind: "ok" }
  | {
      readonly kind: "failed";
      readonly code: "LOGIN_REFUSED" | "NOT_LOGGED_IN" | "NOT_REACHABLE" | "THROTTLED";
      readonly message: string;
    };

interface Application {
  readonly appKey: string;
  readonly appSecret: string;
  readonly domain: string;
}
interface Token {
  readonly text: string;
  readonly since: number;
  readonly lifeMs: number;
}

/** Source: reference §10.2. `status` 1 is a live authorisation (public clients). */
const AuthorisationRecords = z.array(
  z.looseObject({
    appKey: z.string().min(1),
    appSecret: z.string().min(1),
    domain: Text,
    accountId: Text,
    status: Text,
  }),
);
const TokenData = z.looseObject({ "app-token": z.string().min(1), domain: Text });

export interface ChannelLimits {
  readonly accountId: string | undefined;
  readonly routerAddress: string | undefined;
  readonly tokenHours: number;
  readonly tokensPerMinute: number;
  readonly tokenTimeoutMs: number;
}

/** The way to one account set: signs every call, keeps one token for all callers, renews it, never loops. */
export class XingchenChannel {
  readonly #http: VendorHttp;
  readonly #credentials: Credentials;
  readonly #now: () => Date;
  readonly #limits: ChannelLimits;
  #application: Application | undefined;
  #token: Token | undefined;
  #fetching: Promise<LogIn> | undefined;
  #refusal: { readonly until: number; readonly message: string } | undefined;
  /** When the last tokens were asked for, the newest last. */
  #tokensAskedAt: readonly number[] = [];
  #losses = 0;
  /** Added to our clock for time stamps, once the gateway refused one. */
  #clockOffsetMs = 0;
  /** Their clock minus ours, as the last answer's Date header said; undefined before the first one. */
  #difference: number | undefined;
  /** Secrets that arrived while running; the configured ones are known to the transport. */
  #hide: (text: string) => string = (text) => text;
  #hidden: readonly string[] = [];

  constructor(http: VendorHttp, credentials: Credentials, now: () => Date, limits: ChannelLimits) {
    this.#http = http;
    this.#credentials = credentials;
    this.#now = now;
    this.#limits = limits;
    if (credentials.application !== undefined)
      this.#application = { ...credentials.application, domain: limits.routerAddress ?? "" };
  }

  /** Their clock minus ours in milliseconds, as far as an answer has told it. */
  get clockDifferenceMs(): number | undefined {
    return this.#difference;
  }

  redact(text: string): string {
    return this.#http.redact(this.#hide(text));
  }

  /** Repeats briefly, and again where the token was lost or our clock is off. */
  async read(path: string, parameters: Parameters): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      const logIn = await this.logIn();
      if (logIn.kind === "failed") return { kind: "not-done", code: logIn.code, message: logIn.message };
      const used = this.#token;
      const answer = this.#heard(await this.#http.read(this.#request("GET", path, parameters), isPassing), used);
      if (answer.kind !== "error" || !isGate(answer.errcode)) return answer;
      if (this.#refusal !== undefined) return { kind: "not-done", code: "LOGIN_REFUSED", message: answer.message };
      if (attempt >= READ_ATTEMPTS_MAX) return answer;
    }
  }

  /** Sent once. A lost token or a refused time stamp proves that nothing ran; the next call has it put right. */
  async write(path: string, body: unknown, deadlineAt: Date): Promise<Answer> {
    const logIn = await this.logIn();
    if (logIn.kind === "failed") return { kind: "not-done", code: logIn.code, message: logIn.message };
    const used = this.#token;
    return this.#heard(await this.#http.write({ ...this.#request("POST", path, {}), body }, deadlineAt), used);
  }

  /** A token that is young enough, or one new one that all callers share. */
  async logIn(): Promise<LogIn> {
    const now = this.#now().getTime();
    if (this.#refusal !== undefined && now < this.#refusal.until)
      return { kind: "failed", code: "LOGIN_REFUSED", message: this.#refusal.message };
    if (this.#token !== undefined && now - this.#token.since < this.#token.lifeMs * RENEWED_AT) return { kind: "ok" };
    this.#fetching ??= this.#freshToken().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  /** What one answer of a business call teaches about token and clock. */
  #heard(exchange: Exchange, used: Token | undefined): Answer {
    const answer = this.#judged(exchange);
    if (answer.kind === "ok") this.#losses = 0;
    if (answer.kind !== "error") return answer;
    if (answer.errcode === CLOCK_OFF && !this.#corrected()) this.#refuse(answer.message);
    // Another call may have fetched a token meanwhile; only the one that this call used is gone.
    if (isTokenLoss(answer.errcode) && this.#token === used) {
      this.#token = undefined;
      // A token that has merely expired is no reason to doubt the authorisation.
      if (answer.errcode === AUTHORISATION_FAILED) this.#losses += 1;
      if (this.#losses >= LOSSES_MAX) this.#refuse(answer.message);
    }
    return answer;
  }

  #judged(exchange: Exchange): Answer {
    if (exchange.kind === "answered") this.#noteClock(exchange.headers["date"] ?? "");
    const answer = judge(exchange);
    return answer.kind === "ok" ? answer : { ...answer, message: this.redact(answer.message) };
  }

  #noteClock(dateHeader: string): void {
    const theirs = Date.parse(dateHeader);
    if (!Number.isNaN(theirs)) this.#difference = theirs - this.#now().getTime();
  }

  /** Takes over the gateway's clock for signing. False where that cannot be what is wrong. */
  #corrected(): boolean {
    const offset = this.#difference ?? 0;
    if (Math.abs(offset - this.#clockOffsetMs) < CLOCK_DIFFERENCE_MS_MIN) return false;
    this.#clockOffsetMs = offset;
    return true;
  }

  #refuse(message: string): void {
    this.#refusal = { until: this.#now().getTime() + REFUSED_PAUSE_MS, message };
    this.#losses = 0;
  }

  #request(method: "GET" | "POST", path: string, parameters: Parameters, withToken = true): VendorRequest {
    const query = queryOf(parameters);
    const { pathname } = new URL(path, this.#http.baseUrl);
    const headers = (): Readonly<Record<string, string>> => {
      const timestamp = String(this.#now().getTime() + this.#clockOffsetMs);
      const nonce = String(randomInt(1, NONCE_MAX));
      const domain = this.#application?.domain ?? "";
      return {
        ...signedHeaders(this.#credentials, method, pathname, parameters, timestamp, nonce),
        ...(withToken && this.#token !== undefined ? { "app-token": this.#token.text } : {}),
        ...(domain === "" ? {} : { "X-GW-Router-Addr": domain }),
      };
    };
    return { lane: laneOf(path), method, path: query === "" ? path : `${path}?${query}`, headers };
  }

  /** Asked again only where a rotated secret could be fetched. */
  async #freshToken(): Promise<LogIn> {
    if (this.#application === undefined) {
      const authorised = await this.#authorise();
      if (authorised.kind === "failed") return authorised;
    }
    let answer = await this.#askForToken();
    if (answer.kind === "error" && isStaleSecret(answer) && this.#credentials.outerInstanceId !== undefined) {
      const authorised = await this.#authorise();
      if (authorised.kind === "failed") return authorised;
      answer = await this.#askForToken();
    }
    return answer.kind === "ok" ? this.#kept(answer.data) : this.#logInFailed(answer);
  }

  async #askForToken(): Promise<Answer> {
    const application = this.#application;
    if (application === undefined) return { kind: "not-done", code: "NOT_LOGGED_IN", message: "no application" };
    const now = this.#now().getTime();
    this.#tokensAskedAt = this.#tokensAskedAt.filter((at) => now - at < TOKEN_WINDOW_MS);
    if (this.#tokensAskedAt.length >= this.#limits.tokensPerMinute)
      return {
        kind: "not-done",
        code: "THROTTLED",
        message: `${this.#limits.tokensPerMinute} tokens were asked for within a minute; the vendor gives no more`,
      };
    this.#tokensAskedAt = [...this.#tokensAskedAt, now];
    const { appKey, appSecret } = application;
    const parameters = { app_key: appKey, app_signature: appSignature(appKey, appSecret) };
    this.#keepSecret(parameters.app_signature);
    return this.#atTheDoor(() => this.#request("GET", TOKEN_PATH, parameters, false));
  }

  /** The present appSecret, as the vendor holds it for this instance (reference §10.2). */
  async #authorise(): Promise<LogIn> {
    const outerInstanceId = this.#credentials.outerInstanceId ?? "";
    const answer = await this.#atTheDoor(() => ({
      ...this.#request("POST", AUTHORISE_PATH, { outerInstanceId }, false),
      body: {},
    }));
    if (answer.kind !== "ok") return this.#logInFailed(answer);
    const records = AuthorisationRecords.safeParse(answer.data);
    if (!records.success)
      return { kind: "failed", code: "NOT_LOGGED_IN", message: "the authorisation holds no appKey and appSecret" };
    const { accountId, routerAddress } = this.#limits;
    const live = records.data.filter(({ status }) => status === "" || status === "1");
    const fitting = accountId === undefined ? live : live.filter((record) => record.accountId === accountId);
    const [record] = fitting;
    if (record === undefined || fitting.length > 1) {
      const message = `${fitting.length} live authorisations fit; exactly one has to (accountId: ${live.map((one) => one.accountId).join(", ")})`;
      return this.#logInRefused(message);
    }
    this.#keepSecret(record.appSecret);
    this.#application = {
      appKey: record.appKey,
      appSecret: record.appSecret,
      domain: record.domain === "" ? (routerAddress ?? "") : record.domain,
    };
    return { kind: "ok" };
  }

  /** One question about the log-in, and once more where the clock could be put right. */
  async #atTheDoor(request: () => VendorRequest): Promise<Answer> {
    const { tokenTimeoutMs } = this.#limits;
    const ask = async (): Promise<Answer> => {
      const deadlineAt = new Date(this.#now().getTime() + tokenTimeoutMs);
      return this.#judged(await this.#http.write({ ...request(), timeoutMs: tokenTimeoutMs }, deadlineAt));
    };
    const answer = await ask();
    return answer.kind === "error" && answer.errcode === CLOCK_OFF && this.#corrected() ? ask() : answer;
  }

  #kept(data: unknown): LogIn {
    const parsed = TokenData.safeParse(data);
    if (!parsed.success) return { kind: "failed", code: "NOT_LOGGED_IN", message: "the answer holds no app-token" };
    const text = parsed.data["app-token"];
    this.#keepSecret(text);
    // Some answers repeat the domain (public clients); a secret that a person entered came without one.
    const application = this.#application;
    if (application !== undefined && application.domain === "" && parsed.data.domain !== "")
      this.#application = { ...application, domain: parsed.data.domain };
    this.#token = { text, since: this.#now().getTime(), lifeMs: this.#limits.tokenHours * 3_600_000 };
    this.#refusal = undefined;
    return { kind: "ok" };
  }

  #logInFailed(answer: Exclude<Answer, { kind: "ok" }>): LogIn {
    if (answer.kind === "error") {
      const { code, outcome } = failureOf(answer.errcode, answer.message);
      if (code === "THROTTLED") return { kind: "failed", code, message: answer.message };
      // A definite no of the gate. What is no definite no passes by itself, or is said again the next time.
      if (isStaleSecret(answer) || outcome === "not-done" || GATE_CODE.test(answer.errcode))
        return this.#logInRefused(answer.message);
      return { kind: "failed", code: "NOT_LOGGED_IN", message: answer.message };
    }
    const { code, message } = readErrorOf(answer);
    return code === "NOT_REACHABLE" || code === "THROTTLED"
      ? { kind: "failed", code, message }
      : { kind: "failed", code: "NOT_LOGGED_IN", message };
  }

  #logInRefused(message: string): LogIn {
    this.#refuse(message);
    return { kind: "failed", code: "LOGIN_REFUSED", message };
  }

  #keepSecret(secret: string): void {
    if (this.#hidden.includes(secret)) return;
    // The last few are enough: what is older is rotated or expired.
    this.#hidden = [...this.#hidden, secret].slice(-HIDDEN_MAX);
    this.#hide = redactor(this.#hidden);
  }
}

const HIDDEN_MAX = 12;
/** 4002 and 4006 are the known ones of this family (reference §2.3): the gateway's own, about who calls. */
const GATE_CODE = /^40\d\d$/;

const isGate = (errcode: string): boolean => isTokenLoss(errcode) || errcode === CLOCK_OFF;
const isStaleSecret = (answer: { readonly errcode: string; readonly message: string }): boolean =>
  answer.errcode === SECRET_STALE || answer.message.includes(SECRET_STALE_WORDS);

/** The interface for the pacer: the last part of the path. */
const laneOf = (path: string): string => path.split("/").at(-1) ?? path;
