import type { ErrorCode } from "../../domain/errors.ts";
import { Slots } from "../transport/slots.ts";
import type { Exchange, VendorHttp, VendorRequest } from "../transport/vendor-http.ts";
import {
  type ChannelAnswer,
  SWITCH_COMPANY,
  errorOf,
  failureIn,
  isForbidden,
  isPassing,
  isSessionLost,
  logInIn,
  sentenceOf,
} from "./answers.ts";

/** After a refused log-in nobody tries again for so long: B1 locks a user after a few wrong passwords. */
const REFUSED_PAUSE_MS = 5 * 60_000;
/** Sessions end after 30 minutes without a request unless the server says otherwise (reference §2.3). */
const SESSION_MINUTES = 30;
/** A session is renewed so long before its end: a request may wait for its turn. */
const SESSION_MARGIN_MS = 2 * 60_000;

/** Who logs in, and into which company. */
export interface Identity {
  readonly companyDb: string;
  readonly userName: string;
  readonly password: string;
  readonly language: number | undefined;
}

export interface ChannelLimits {
  readonly serviceLayer: "v1" | "v2";
  readonly logInTimeoutMs: number;
  readonly parallelRequests: number;
}

export type LogIn =
  | { readonly kind: "ok"; readonly dateHeader: string; readonly version: string }
  | {
      readonly kind: "failed";
      readonly code: "LOGIN_REFUSED" | "NOT_LOGGED_IN" | "NOT_REACHABLE";
      readonly message: string;
      readonly status: number;
    };

interface Session {
  readonly cookies: Map<string, string>;
  readonly lifeMs: number;
  /** Sessions slide: each request prolongs them. */
  usedAt: number;
  readonly dateHeader: string;
  readonly version: string;
}

/** The way to one company: one session that all callers share, renewed before it ends and after a loss, never in a loop. */
export class B1Channel {
  readonly #http: VendorHttp;
  readonly #identity: Identity;
  readonly #now: () => Date;
  readonly #limits: ChannelLimits;
  readonly #slots: Slots;
  #session: Session | undefined;
  #loggingIn: Promise<LogIn> | undefined;
  #refusal: { readonly until: number; readonly message: string; readonly status: number } | undefined;

  constructor(http: VendorHttp, identity: Identity, now: () => Date, limits: ChannelLimits) {
    this.#http = http;
    this.#identity = identity;
    this.#now = now;
    this.#limits = limits;
    this.#slots = new Slots(limits.parallelRequests);
  }

  /** "/b1s/v2": what paths inside a batch begin with. */
  get root(): string {
    return `/b1s/${this.#limits.serviceLayer}`;
  }

  get serviceLayer(): "v1" | "v2" {
    return this.#limits.serviceLayer;
  }

  /** Repeats briefly, and once more after a fresh log-in where the session was lost. A body makes it a POST that only reads. */
  async read(
    lane: string,
    path: string,
    options: { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<ChannelAnswer> {
    const once = (): Promise<ChannelAnswer> =>
      this.#inSession((session) =>
        this.#http.read(
          {
            lane,
            path: this.#path(path),
            method: options.body === undefined ? "GET" : "POST",
            body: options.body,
            headers: () => ({ ...headersOf(session), ...options.headers }),
          },
          isPassing,
        ),
      );
    const first = await once();
    if (first.kind === "not-logged-in" || !isSessionLost(first)) return first;
    const second = await once();
    if (second.kind === "not-logged-in" || !isSessionLost(second)) return second;
    return { kind: "not-logged-in", code: "NOT_LOGGED_IN", message: this.#http.redact(textOf(second)) };
  }

  /** Sent once. A lost session is only noted, so that the next call logs in afresh. */
  async batch(boundary: string, body: string, deadlineAt: Date): Promise<ChannelAnswer> {
    return this.#inSession((session) =>
      this.#http.write(
        {
          lane: "batch",
          path: this.#path("$batch"),
          body,
          headers: () => ({
            ...headersOf(session),
            "Content-Type": `multipart/mixed; boundary=${boundary}`,
            Accept: "multipart/mixed, application/json",
          }),
          answer: "text",
        },
        deadlineAt,
      ),
    );
  }

  /** The session in use where it is young enough, or one new log-in that all callers share. */
  async logIn(): Promise<LogIn> {
    const now = this.#now().getTime();
    const { status, message, until } = this.#refusal ?? { status: 0, message: "", until: 0 };
    if (now < until) return { kind: "failed", code: "LOGIN_REFUSED", message, status };
    const session = this.#session;
    if (session !== undefined && now - session.usedAt < session.lifeMs)
      return { kind: "ok", dateHeader: session.dateHeader, version: session.version };
    this.#loggingIn ??= this.#freshLogIn().finally(() => {
      this.#loggingIn = undefined;
    });
    return this.#loggingIn;
  }

  /** For reads: the error by which a failed answer is known, shortened and without secrets. */
  errorOf(answer: ChannelAnswer): { readonly code: ErrorCode; readonly message: string } {
    if (answer.kind === "not-logged-in" || answer.kind === "not-sent")
      return { code: answer.code, message: answer.message };
    const failure = failureIn(answer);
    const code = failure !== undefined && isForbidden(failure) ? "PERMISSION_DENIED" : "READ_FAILED";
    return { code, message: this.#http.redact(textOf(answer)) };
  }

  /** Gives the session back: each one holds a place on the server until it times out (reference §2.4). */
  async logOut(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return;
    const deadlineAt = new Date(this.#now().getTime() + this.#limits.logInTimeoutMs);
    const request: VendorRequest = {
      lane: "logout",
      path: this.#path("Logout"),
      headers: () => headersOf(session),
      answer: "text",
    };
    await this.#http.write(request, deadlineAt);
  }

  async #inSession(ask: (session: Session) => Promise<Exchange>): Promise<ChannelAnswer> {
    return this.#slots.with(async () => {
      const logIn = await this.logIn();
      if (logIn.kind === "failed") return { kind: "not-logged-in", code: logIn.code, message: logIn.message };
      const session = this.#session;
      // Another caller may have lost it between the log-in and here.
      if (session === undefined)
        return { kind: "not-logged-in", code: "NOT_LOGGED_IN", message: "the session was lost" };
      session.usedAt = this.#now().getTime();
      const answer = await ask(session);
      if (isSessionLost(answer)) {
        // Only the session that this call used is gone.
        if (this.#session === session) this.#session = undefined;
      } else if (answer.kind === "answered") {
        // After a failover the balancer names another node (reference §2.3).
        for (const [name, value] of cookiesIn(answer.headers)) session.cookies.set(name, value);
      }
      return answer;
    });
  }

  #path(path: string): string {
    return `b1s/${this.#limits.serviceLayer}/${path}`;
  }

  async #freshLogIn(): Promise<LogIn> {
    this.#session = undefined;
    const { companyDb, userName, password, language } = this.#identity;
    const answer = await this.#http.write(
      {
        lane: "login",
        path: this.#path("Login"),
        body: {
          CompanyDB: companyDb,
          UserName: userName,
          Password: password,
          ...(language === undefined ? {} : { Language: language }),
        },
        headers: () => ({ Accept: "application/json" }),
        timeoutMs: this.#limits.logInTimeoutMs,
      },
      new Date(this.#now().getTime() + this.#limits.logInTimeoutMs),
    );
    if (answer.kind === "not-sent") return failed("NOT_REACHABLE", answer.message);
    if (answer.kind === "no-answer" || answer.kind === "half") return failed("NOT_LOGGED_IN", answer.message);
    // 200 exactly: any other success is no log-in (reference §2.1).
    const reply = answer.kind === "answered" && answer.status === 200 ? logInIn(answer.body) : undefined;
    if (reply === undefined || answer.kind !== "answered") return this.#failedLogIn(answer);
    this.#refusal = undefined;
    const cookies = cookiesIn(answer.headers);
    cookies.set(SESSION_COOKIE, cookies.get(SESSION_COOKIE) ?? reply.sessionId);
    const lifeMs = (reply.timeoutMinutes ?? SESSION_MINUTES) * 60_000;
    const dateHeader = answer.headers["date"] ?? "";
    this.#session = {
      cookies,
      lifeMs: Math.max(lifeMs - SESSION_MARGIN_MS, lifeMs / 2),
      usedAt: this.#now().getTime(),
      dateHeader,
      version: reply.version,
    };
    return { kind: "ok", dateHeader, version: reply.version };
  }

  #failedLogIn(answer: Extract<Exchange, { kind: "answered" | "unreadable" }>): LogIn {
    const error = errorOf(answer.status, answer.text);
    const message = this.#http.redact(sentenceOf(error));
    if (answer.status === 401) {
      this.#refusal = { until: this.#now().getTime() + REFUSED_PAUSE_MS, message, status: answer.status };
      return failed("LOGIN_REFUSED", message, answer.status);
    }
    const isAway = error.code === SWITCH_COMPANY || AWAY.has(answer.status);
    return failed(isAway ? "NOT_REACHABLE" : "NOT_LOGGED_IN", message, answer.status);
  }
}

/** The balancer found no worker. */
const AWAY: ReadonlySet<number> = new Set([502, 503, 504]);

const failed = (
  code: Extract<LogIn, { kind: "failed" }>["code"],
  message: string,
  status = 0,
): Extract<LogIn, { kind: "failed" }> => ({ kind: "failed", code, message, status });

const SESSION_COOKIE = "B1SESSION";
const ROUTE_COOKIE = "ROUTEID";

/** Both cookies, always: writes without ROUTEID have failed where reads worked (reference §2.3). */
const headersOf = (session: Session): Readonly<Record<string, string>> => ({
  Accept: "application/json",
  Cookie: [SESSION_COOKIE, ROUTE_COOKIE]
    .flatMap((name) => {
      const value = session.cookies.get(name);
      return value === undefined ? [] : [`${name}=${value}`];
    })
    .join("; "),
});

/** By hand: B1SESSION comes without a path, so that strict cookie jars drop it (reference §2.2). */
const cookiesIn = (headers: Readonly<Record<string, string>>): Map<string, string> => {
  const cookies = new Map<string, string>();
  for (const line of (headers["set-cookie"] ?? "").split("\n")) {
    const [name = "", value = ""] = (line.split(";")[0] ?? "").split(/=(.*)/s);
    if (value.trim() !== "") cookies.set(name.trim(), value.trim());
  }
  return cookies;
};

const textOf = (answer: Exchange): string => {
  const failure = failureIn(answer);
  if (failure !== undefined) return sentenceOf(failure);
  return answer.kind === "answered" ? `HTTP ${answer.status}, of another shape than expected` : answer.message;
};
