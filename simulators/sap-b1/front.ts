/** Everything between HTTP and Service Layer: faces, log-in, sessions, faults, batches, the balancer's own answers. */

import type { ArmedFault, Fault, FaultPlan } from "../shared/faults.ts";
import type { Answer, Exchange } from "../shared/http.ts";
import { parseJson } from "../shared/json.ts";
import { type LateWork, perform } from "../shared/misbehave.ts";
import { RequestLog } from "../shared/request-log.ts";
import { errorAnswer, htmlPage, jsonAnswer, protocolHeader, type ServiceAnswer } from "./answers.ts";
import { batchContentType, batchWrites, runBatch, SessionEnded, WorkerDied } from "./batch.ts";
import { type BatchPart, readBatch } from "./batch-request.ts";
import { dumpBooks } from "./books.ts";
import { commitFailed, invalidSession, ServiceError, unknownResource, type Version } from "./errors.ts";
import { answerPerson } from "./person-face.ts";
import { contextName } from "./queries.ts";
import { decodedPath, preference, runRequest, type ServiceRequest, traitsOf } from "./service.ts";
import { VERSION } from "./services.ts";
import { cookieOf, type Session, sessionCookies, Sessions } from "./sessions.ts";
import { isRecord } from "./values.ts";
import type { Context, World } from "./world.ts";

export const isHtmlBody = "text/html; charset=iso-8859-1";
const SERVER = "Apache/2.4.43 (Unix)";
const ROOT = /^\/b1s\/(v1|v2)(?:\/(.*))?$/s;

export type FrontOptions = {
  readonly world: World;
  readonly faults: FaultPlan;
  readonly late: LateWork;
  readonly clock: { offsetMs: number };
  readonly parseFaults: (text: string) => Fault[];
  readonly publicOrigin: string | undefined;
  readonly scheme: "http" | "https";
  readonly requestsPerSecondMax: number | undefined;
};

export class Front {
  readonly #options: FrontOptions;
  readonly #world: World;
  readonly #sessions: Sessions;
  readonly #requests = new RequestLog();
  #tokens: number;
  #tokensAtMs: number;
  #requestCount = 0;

  constructor(options: FrontOptions) {
    this.#options = options;
    this.#world = options.world;
    this.#sessions = new Sessions(
      () => this.#world.nowMs(),
      () => this.#world.settings,
    );
    this.#tokens = 2 * (options.requestsPerSecondMax ?? 0);
    this.#tokensAtMs = this.#world.nowMs();
  }

  /** Captured: 500, empty, and the balancer's route (field note on .NET). */
  refusedExpectation(): Answer {
    return { status: 500, body: "", headers: { Server: SERVER, "Set-Cookie": ["ROUTEID=.node1; path=/b1s"] } };
  }

  /** Nothing that the vendor refuses comes here: the simulator itself failed. */
  broken(error: unknown): Answer {
    const failure = new ServiceError(-1, `Internal error (-1) occurred: ${String(error)}`, 500);
    return this.#http("v2", errorAnswer("v2", this.#world.settings.jsonStyle, failure));
  }

  async handle(exchange: Exchange): Promise<void> {
    this.#requestCount += 1;
    const id = `r${this.#requestCount}`;
    const [, face = "", name = ""] = exchange.path.split("/");
    if (face === "_person") return this.#person(name, exchange, id);
    if (face === "_sim") return this.#sim(name, exchange);
    if (face === "ping") return this.#ping(exchange);
    const found = ROOT.exec(exchange.path);
    if (found === null) return exchange.reply(this.#html(404, "Not Found"));
    // Single sign-on is not simulated.
    if (exchange.path.includes("ssob1s")) return exchange.reply(this.#html(501, "Not Implemented"));
    const version: Version = found[1] === "v1" ? "v1" : "v2";
    const path = found[2] ?? "";
    switch (decodedPath(path)) {
      case "Login":
        return this.#login(exchange, version);
      case "Logout":
        return this.#logout(exchange, version);
      case "$batch":
        return this.#batch(exchange, version, id);
      default:
        return this.#request(exchange, version, path, id);
    }
  }

  // ---- sessions

  async #login(exchange: Exchange, version: Version): Promise<void> {
    this.#requests.count("login", this.#world.nowMs());
    const failure = (error: ServiceError): Answer => this.#failed(version, error);
    const call = { operation: "login", text: exchange.text, writes: false, creates: false, elements: 0 };
    const { loginDelayMs, latencyMs } = this.#world.settings;
    await perform(
      exchange,
      call,
      {
        run: () => (exchange.method === "POST" ? this.#admit(exchange, version) : failure(unknownResource())),
        failure: (fault) => failure(faultError(fault)),
        sessionLost: () => failure(invalidSession()),
        throttled: () => this.#html(503, "Service Unavailable"),
      },
      { ...this.#tools(), latencyMs: loginDelayMs + latencyMs },
    );
  }

  /** A stale cookie that comes with a log-in is ignored. */
  #admit(exchange: Exchange, version: Version): Answer {
    const { credentials, settings, disabledUsers } = this.#world;
    const body = parseJson(exchange.text);
    const given = (name: string): unknown => (isRecord(body) ? body[name] : undefined);
    if (given("CompanyDB") !== credentials.companyDb) {
      return this.#failed(version, new ServiceError(305, "Switch company error: -5027", 500));
    }
    if (given("UserName") !== credentials.userName || given("Password") !== credentials.password) {
      return this.#failed(version, new ServiceError(-304, "Fail to get DB Credentials from SLD", 401));
    }
    if (disabledUsers.has(credentials.userName)) {
      return this.#failed(version, new ServiceError(100_000_027, "Login failed", 401));
    }
    const session = this.#sessions.begin(credentials.userName);
    if (session === undefined) return this.#failed(version, new ServiceError(305, "Switch company error: -1102", 500));
    const suffix = version === "v1" ? "@Element" : "$entity";
    const answer = jsonAnswer(version, settings.jsonStyle, {
      [contextName(version)]: `${this.#root(exchange, version)}$metadata#B1Sessions/${suffix}`,
      SessionId: session.id,
      Version: VERSION,
      SessionTimeout: settings.sessionTimeoutMin,
    });
    const cookies = sessionCookies(session.id, this.#sessions.route(), settings.cookieStyle);
    const http = this.#http(version, answer);
    return { ...http, headers: { ...http.headers, "Set-Cookie": cookies } };
  }

  async #logout(exchange: Exchange, version: Version): Promise<void> {
    this.#requests.count("logout", this.#world.nowMs());
    const session = this.#sessions.find(exchange.headers.cookie);
    const lost = (): Answer => this.#failed(version, invalidSession());
    await perform(
      exchange,
      { operation: "logout", text: exchange.text, writes: false, creates: false, elements: 0 },
      {
        run: () => {
          if (session === undefined) return lost();
          this.#sessions.end(session.id);
          return { status: 204, body: "", headers: this.#headers(version) };
        },
        failure: (fault) => this.#failed(version, faultError(fault)),
        sessionLost: lost,
        throttled: () => this.#html(503, "Service Unavailable"),
      },
      this.#tools(),
    );
  }

  // ---- requests

  async #request(exchange: Exchange, version: Version, path: string, id: string): Promise<void> {
    const request = this.#requestOf(exchange, version, path);
    const traits = traitsOf(request);
    this.#requests.count(traits.operation, this.#world.nowMs());
    const open = traits.operation === "metadata" && this.#world.settings.metadataWithoutSession;
    // Asked once, before any delay: what is committed late was allowed when it arrived.
    const session = this.#sessions.find(exchange.headers.cookie);
    await this.#perform(exchange, { ...traits, elements: 0 }, version, session, (fault) => {
      if (session === undefined && !open) return this.#failed(version, invalidSession());
      if (traits.writes && this.#misrouted(exchange)) return this.#failed(version, commitFailed());
      const context = this.#context(session, id);
      return this.#guard(version, () => {
        const answer = runRequest(context, request, fault);
        if (fault?.kind === "already-exists") throw new ServiceError(-2035, ALREADY_EXISTS);
        return this.#http(version, answer);
      });
    });
  }

  async #batch(exchange: Exchange, version: Version, id: string): Promise<void> {
    const root = this.#root(exchange, version);
    let parts: BatchPart[] | ServiceError;
    try {
      parts = readBatch(exchange.headers["content-type"], exchange.text);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      parts = error;
    }
    const writes = Array.isArray(parts) && batchWrites(parts, { version, root });
    const elements = Array.isArray(parts) ? parts.length : 0;
    const operation = writes ? "batchSave" : "query";
    this.#requests.count(operation, this.#world.nowMs());
    const session = this.#sessions.find(exchange.headers.cookie);
    await this.#perform(exchange, { operation, writes, creates: writes, elements }, version, session, (fault) => {
      if (session === undefined) return this.#failed(version, invalidSession());
      if (parts instanceof ServiceError) return this.#failed(version, parts, true);
      if (writes && this.#misrouted(exchange)) return this.#failed(version, commitFailed());
      return this.#runParts(exchange, version, parts, this.#context(session, id), fault, session);
    });
  }

  #runParts(
    exchange: Exchange,
    version: Version,
    parts: readonly BatchPart[],
    context: Context,
    fault: ArmedFault | undefined,
    session: Session,
  ): Answer {
    const wanted = preference(lowerHeaders(exchange), "odata.continue-on-error") === "";
    const continueOnError = wanted && this.#world.settings.continueOnError === "honour";
    try {
      return this.#guard(version, () => {
        const body = runBatch(context, parts, { version, root: this.#root(exchange, version), fault, continueOnError });
        const status = version === "v1" ? 202 : 200;
        return { status, body, contentType: batchContentType(body), headers: this.#headers(version) };
      });
    } catch (error) {
      if (error instanceof WorkerDied) return this.#html(502, "Proxy Error");
      if (!(error instanceof SessionEnded)) throw error;
      this.#sessions.end(session.id);
      return this.#failed(version, invalidSession());
    } finally {
      this.#world.store.flush();
    }
  }

  #guard(version: Version, run: () => Answer): Answer {
    try {
      return run();
    } catch (error) {
      if (error instanceof ServiceError) return this.#failed(version, error);
      throw error;
    } finally {
      this.#world.store.flush();
    }
  }

  async #perform(
    exchange: Exchange,
    traits: { operation: string; writes: boolean; creates: boolean; elements: number },
    version: Version,
    session: Session | undefined,
    run: (fault: ArmedFault | undefined) => Answer,
  ): Promise<void> {
    await perform(
      exchange,
      { ...traits, text: `${decodedPath(exchange.target)}\n${exchange.text}` },
      {
        run: (fault) => (this.#takeToken() ? run(fault) : this.#html(503, "Service Unavailable")),
        failure: (fault) => this.#failed(version, faultError(fault)),
        sessionLost: () => {
          if (session !== undefined) this.#sessions.end(session.id);
          return this.#failed(version, invalidSession());
        },
        throttled: () => this.#html(503, "Service Unavailable"),
      },
      this.#tools(),
    );
  }

  #requestOf(exchange: Exchange, version: Version, path: string): ServiceRequest {
    const at = exchange.target.indexOf("?");
    return {
      version,
      method: exchange.method,
      path,
      query: at < 0 ? "" : exchange.target.slice(at + 1),
      headers: lowerHeaders(exchange),
      text: exchange.text,
      root: this.#root(exchange, version),
    };
  }

  #context(session: Session | undefined, request: string): Context {
    return { world: this.#world, origin: { kind: "api", request, user: session?.user ?? "" } };
  }

  /** Field note: without its route a write met a node that could not commit it. */
  #misrouted(exchange: Exchange): boolean {
    return this.#world.settings.requireRouteForWrites && cookieOf(exchange.headers.cookie, "ROUTEID") === undefined;
  }

  #root(exchange: Exchange, version: Version): string {
    const { publicOrigin, scheme } = this.#options;
    return `${publicOrigin ?? `${scheme}://${exchange.headers.host ?? "localhost"}`}/b1s/${version}/`;
  }

  #takeToken(): boolean {
    const { requestsPerSecondMax: rate } = this.#options;
    if (rate === undefined) return true;
    const now = this.#world.nowMs();
    this.#tokens = Math.min(2 * rate, this.#tokens + ((now - this.#tokensAtMs) / 1000) * rate);
    this.#tokensAtMs = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #tools(): { faults: FaultPlan; late: LateWork; latencyMs: number } {
    const { faults, late } = this.#options;
    return { faults, late, latencyMs: this.#world.settings.latencyMs };
  }

  // ---- answers

  #headers(version: Version): Record<string, string> {
    const [name, value] = protocolHeader(version);
    return { Server: SERVER, [name]: value };
  }

  #http(version: Version, answer: ServiceAnswer): Answer {
    return {
      status: answer.status,
      body: answer.body,
      ...(answer.contentType === undefined ? {} : { contentType: answer.contentType }),
      headers: { ...this.#headers(version), ...answer.headers },
    };
  }

  #failed(version: Version, error: ServiceError, inBatch = false): Answer {
    return this.#http(version, errorAnswer(version, this.#world.settings.jsonStyle, error, inBatch));
  }

  #html(status: number, title: string): Answer {
    const cookies = [`ROUTEID=${this.#sessions.route()}; path=/b1s`];
    return {
      status,
      body: htmlPage(status, title),
      contentType: isHtmlBody,
      headers: { Server: SERVER, "Set-Cookie": cookies },
    };
  }

  // ---- other faces

  /** Answered by Apache at the host's root, without a session (guide, Ping chapter). */
  #ping(exchange: Exchange): void {
    const [, , first = "", node = ""] = exchange.path.split("/");
    const sender = first === "node" ? `node${node === "" ? "" : ` ${node}`}` : "load balancer";
    if (first === "node" && node !== "" && Number(node) > 2)
      return exchange.reply(this.#html(503, "Service Unavailable"));
    const timestamp = (this.#world.nowMs() / 1000).toFixed(3);
    exchange.reply({
      status: 200,
      body: JSON.stringify({ message: "pong", sender, timestamp }),
      contentType: "application/json",
    });
  }

  #person(name: string, exchange: Exchange, request: string): void {
    if (exchange.method === "POST" && name === "end-sessions") {
      this.#sessions.endAll();
      return exchange.reply({ status: 200, body: `{"ok":true}` });
    }
    if (exchange.method === "POST" && name === "faults") return this.#setFaults(exchange);
    exchange.reply(answerPerson(name, exchange, this.#world, request));
  }

  async #sim(name: string, exchange: Exchange): Promise<void> {
    const reply = (value: object): void => exchange.reply({ status: 200, body: JSON.stringify(value) });
    const { faults, late, clock } = this.#options;
    switch (name) {
      case "faults":
        if (exchange.method === "POST") return this.#setFaults(exchange);
        return reply({ hits: faults.hits(), faults: faults.standing() });
      case "requests":
        return reply({ ...this.#requests.report(), sessions: this.#sessions.count });
      case "books":
        return exchange.replyStream("application/json; charset=utf-8", dumpBooks(this.#world, late.pending));
      case "clock": {
        const body = exchange.method === "POST" ? parseJson(exchange.text) : undefined;
        if (exchange.method === "POST") {
          const offset = Number(isRecord(body) ? body["offsetMs"] : 0);
          clock.offsetMs = Number.isFinite(offset) ? offset : 0;
        }
        const now = this.#world.nowMs();
        return reply({ nowMs: now, now: new Date(now).toISOString(), offsetMs: clock.offsetMs });
      }
      default:
        return exchange.reply(this.#html(404, "Not Found"));
    }
  }

  #setFaults(exchange: Exchange): void {
    try {
      this.#options.faults.replace(this.#options.parseFaults(exchange.text));
      exchange.reply({ status: 200, body: JSON.stringify({ ok: true, faults: this.#options.faults.standing() }) });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      exchange.reply({ status: 400, body: JSON.stringify({ ok: false, message }) });
    }
  }
}

const ALREADY_EXISTS = "This entry already exists in the following tables (ODBC -2035)";

/** A failure's `variant` picks its code: -1116 (default), -2038, -2039, -1, 305. */
function faultError(fault: ArmedFault): ServiceError {
  switch (fault.variant) {
    case "-2038":
    case "-1":
      return new ServiceError(Number(fault.variant), fault.message ?? `Internal error (${fault.variant}) occurred`);
    case "-2039":
      return new ServiceError(-2039, fault.message ?? STALE);
    case "305":
      return new ServiceError(305, fault.message ?? "Switch company error: -1102", 500);
    case undefined:
    default:
      return fault.message === undefined ? commitFailed() : new ServiceError(-1116, fault.message);
  }
}

const STALE = "Another user or another operation modified data; to continue, open the window again (ODBC -2039)";

function lowerHeaders(exchange: Exchange): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(exchange.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );
}
