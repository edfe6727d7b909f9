import type { ErrorCode } from "../../domain/errors.ts";
import type { Exchange, VendorHttp, VendorRequest } from "../transport/vendor-http.ts";
import { type ChannelAnswer, isPassing, isSessionLost, logInIn } from "./answers.ts";
import { type SigningIdentity, signedHeaders } from "./signature.ts";

const AUTH = "Kingdee.BOS.WebApi.ServicesStub.AuthService";
const FORM = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService";

/** After a refused log-in nobody tries again for so long: a loop of log-ins locks the user for half an hour (reference §12). */
const REFUSED_PAUSE_MS = 5 * 60_000;
const LOCKED_PAUSE_MS = 35 * 60_000;
const LOCKED_WORD = "次数超限";
/** A signed call carries all credentials. Answered so often in a row as if there were no session, they are not accepted. */
const SIGNED_LOSSES_MAX = 3;
/** One fresh log-in after a lost session, then the next try belongs to the workflow. */
const SESSION_LOSSES_MAX = 2;
/** The vendor's own self test: the currency PRE001 is there on every server (reference §3.1). */
const SELF_TEST = {
  data: { FormId: "BD_Currency", FieldKeys: "FCODE", FilterString: "FNUMBER='PRE001'", TopRowCount: "0", Limit: "1" },
};

/** How a person or program identifies itself. */
export type Identity =
  | ({ readonly kind: "signed" } & SigningIdentity)
  /** ValidateUser, LoginByAppSecret: parameters in the vendor's order. */
  | {
      readonly kind: "session";
      readonly method: "ValidateUser" | "LoginByAppSecret";
      readonly parameters: readonly unknown[];
    };

export type LogIn =
  | { readonly kind: "ok"; readonly dateHeader: string }
  | {
      readonly kind: "failed";
      readonly code: "LOGIN_REFUSED" | "NOT_LOGGED_IN" | "NOT_REACHABLE";
      readonly message: string;
    };

interface Session {
  readonly cookies: ReadonlyMap<string, string>;
  readonly since: number;
  readonly dateHeader: string;
}

/** One identity's way to the server: finds a session, keeps it, renews it, never loops. */
export class KingdeeChannel {
  readonly #http: VendorHttp;
  readonly #identity: Identity;
  readonly #now: () => Date;
  readonly #sessionMs: number;
  readonly #logInTimeoutMs: number;
  #session: Session | undefined;
  #loggingIn: Promise<LogIn> | undefined;
  #refusal: { readonly until: number; readonly message: string } | undefined;
  /** Signed calls only: true once the server took the credentials, until it speaks of a lost session. */
  #accepted = false;

  constructor(
    http: VendorHttp,
    identity: Identity,
    now: () => Date,
    limits: { readonly sessionMs: number; readonly logInTimeoutMs: number },
  ) {
    this.#http = http;
    this.#identity = identity;
    this.#now = now;
    this.#sessionMs = limits.sessionMs;
    this.#logInTimeoutMs = limits.logInTimeoutMs;
  }

  /**
   * Repeats briefly, and again after a fresh log-in where the session was lost. The vendor uses the words for a lost session
   * for wrong credentials as well: a signed call that is answered so every time is refused (LOGIN_REFUSED); where a
   * log-in worked and its session is gone at once, the credentials are right (NOT_LOGGED_IN).
   */
  async read(method: string, lane: string, body: unknown): Promise<ChannelAnswer> {
    let answer = await this.#readOnce(method, lane, body);
    for (let losses = 1; answer.kind !== "not-logged-in" && isSessionLost(answer); losses += 1) {
      if (losses < this.#lossesMax) {
        answer = await this.#readOnce(method, lane, body);
        continue;
      }
      const message = this.#http.redact(textOf(answer));
      if (this.#identity.kind === "session") return { kind: "not-logged-in", code: "NOT_LOGGED_IN", message };
      this.#refusal = { until: this.#now().getTime() + REFUSED_PAUSE_MS, message };
      return { kind: "not-logged-in", code: "LOGIN_REFUSED", message };
    }
    return answer;
  }

  get #lossesMax(): number {
    return this.#identity.kind === "signed" ? SIGNED_LOSSES_MAX : SESSION_LOSSES_MAX;
  }

  /**
   * Sent once. A lost session is only noted, so that the look-up that follows logs in afresh. Credentials that the server has
   * not taken yet, or seems to take no longer, are tried on a question first: a refused write would look like an uncertain one.
   */
  async write(method: string, lane: string, body: unknown, deadlineAt: Date): Promise<ChannelAnswer> {
    const logIn = await this.logIn();
    if (logIn.kind === "failed") return { kind: "not-logged-in", code: logIn.code, message: logIn.message };
    if (this.#identity.kind === "signed" && !this.#accepted) {
      const asked = await this.read("ExecuteBillQuery", "query", SELF_TEST);
      if (asked.kind === "not-logged-in") return asked;
    }
    const session = this.#session;
    return this.#noted(await this.#http.write(this.#request(method, lane, body), deadlineAt), session);
  }

  /** A session that is young enough, or one new log-in that all callers share. Signed calls need none. */
  async logIn(): Promise<LogIn> {
    const now = this.#now().getTime();
    if (this.#refusal !== undefined && now < this.#refusal.until)
      return { kind: "failed", code: "LOGIN_REFUSED", message: this.#refusal.message };
    if (this.#identity.kind === "signed") return { kind: "ok", dateHeader: this.#session?.dateHeader ?? "" };
    if (this.#session !== undefined && now - this.#session.since < this.#sessionMs)
      return { kind: "ok", dateHeader: this.#session.dateHeader };
    this.#loggingIn ??= this.#freshLogIn(this.#identity).finally(() => {
      this.#loggingIn = undefined;
    });
    return this.#loggingIn;
  }

  /** Gives the session back: the vendor counts concurrent ones. */
  async logOut(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined || this.#identity.kind === "signed") return;
    await this.#http.write(
      {
        lane: "logout",
        path: `${AUTH}.Logout.common.kdsvc`,
        body: {},
        headers: () => cookieHeaders(session),
        answer: "text",
      },
      new Date(this.#now().getTime() + this.#logInTimeoutMs),
    );
  }

  async #readOnce(method: string, lane: string, body: unknown): Promise<ChannelAnswer> {
    const logIn = await this.logIn();
    if (logIn.kind === "failed") return { kind: "not-logged-in", code: logIn.code, message: logIn.message };
    const session = this.#session;
    return this.#noted(await this.#http.read(this.#request(method, lane, body), isPassing), session);
  }

  #request(method: string, lane: string, body: unknown): VendorRequest {
    const path = `${FORM}.${method}.common.kdsvc`;
    const identity = this.#identity;
    const headers = (): Readonly<Record<string, string>> => {
      const cookies = this.#session === undefined ? {} : cookieHeaders(this.#session);
      if (identity.kind === "session") return cookies;
      const { pathname } = new URL(path, this.#http.baseUrl);
      return { ...signedHeaders(identity, pathname, String(Math.floor(this.#now().getTime() / 1000))), ...cookies };
    };
    return { lane, path, body, headers };
  }

  /** Forgets a lost session, and keeps the one that a signed call was given. */
  #noted(answer: Exchange, used: Session | undefined): Exchange {
    if (isSessionLost(answer)) {
      // Another call may have logged in meanwhile; only the session that this call used is gone.
      if (this.#session === used) this.#session = undefined;
      this.#accepted = false;
    } else if (answer.kind === "answered" && this.#identity.kind === "signed") {
      this.#accepted = true;
      const cookies = cookiesIn(answer.headers);
      if (cookies.size > 0 || this.#session === undefined)
        this.#session = { cookies, since: this.#now().getTime(), dateHeader: answer.headers["date"] ?? "" };
    }
    return answer;
  }

  async #freshLogIn(identity: Extract<Identity, { kind: "session" }>): Promise<LogIn> {
    this.#session = undefined;
    const answer = await this.#http.write(
      {
        lane: "login",
        path: `${AUTH}.${identity.method}.common.kdsvc`,
        body: { parameters: identity.parameters },
        timeoutMs: this.#logInTimeoutMs,
      },
      new Date(this.#now().getTime() + this.#logInTimeoutMs),
    );
    if (answer.kind === "not-sent") return { kind: "failed", code: "NOT_REACHABLE", message: answer.message };
    if (answer.kind !== "answered") return { kind: "failed", code: "NOT_LOGGED_IN", message: answer.message };
    const reply = logInIn(answer.body);
    if (reply === undefined || answer.status !== 200)
      return { kind: "failed", code: "NOT_LOGGED_IN", message: this.#http.redact(textOf(answer)) };
    if (!reply.ok) {
      const message = this.#http.redact(reply.message);
      const pauseMs = message.includes(LOCKED_WORD) ? LOCKED_PAUSE_MS : REFUSED_PAUSE_MS;
      this.#refusal = { until: this.#now().getTime() + pauseMs, message };
      return { kind: "failed", code: "LOGIN_REFUSED", message };
    }
    this.#refusal = undefined;
    const cookies = cookiesIn(answer.headers);
    if (reply.sessionId !== "") cookies.set(SESSION_COOKIE, reply.sessionId);
    const dateHeader = answer.headers["date"] ?? "";
    this.#session = { cookies, since: this.#now().getTime(), dateHeader };
    return { kind: "ok", dateHeader };
  }
}

const SESSION_COOKIE = "kdservice-sessionid";

/** Later calls need both cookies, or the header (reference §2.2): they get all of it. */
const cookieHeaders = (session: Session): Readonly<Record<string, string>> => {
  const id = session.cookies.get(SESSION_COOKIE);
  return {
    ...(session.cookies.size === 0
      ? {}
      : { Cookie: [...session.cookies].map(([name, value]) => `${name}=${value}`).join("; ") }),
    ...(id === undefined ? {} : { [SESSION_COOKIE]: id }),
  };
};

const cookiesIn = (headers: Readonly<Record<string, string>>): Map<string, string> => {
  const cookies = new Map<string, string>();
  for (const line of (headers["set-cookie"] ?? "").split("\n")) {
    const [name = "", value = ""] = (line.split(";")[0] ?? "").split(/=(.*)/s);
    if (value !== "") cookies.set(name.trim(), value.trim());
  }
  const id = headers[SESSION_COOKIE];
  if (id !== undefined && id !== "") cookies.set(SESSION_COOKIE, id);
  return cookies;
};

const textOf = (answer: Exchange): string =>
  answer.kind === "answered" || answer.kind === "unreadable" ? `HTTP ${answer.status} ${answer.text}` : answer.message;

/** For reads: the error by which a failed answer is known. */
export const readErrorOf = (answer: ChannelAnswer): { readonly code: ErrorCode; readonly message: string } =>
  answer.kind === "not-logged-in" || answer.kind === "not-sent"
    ? { code: answer.code, message: answer.message }
    : { code: "READ_FAILED", message: answer.kind === "answered" ? textOf(answer) : answer.message };
