/** A server that speaks 用友 U8's EAI and OpenAPI and keeps double-entry books and stock of its own. */

import type { z } from "zod";
import { Fault, FaultFile, FaultPlan, parseFaultFile, type ArmedFault } from "../shared/faults.ts";
import { type Answer, type Exchange, startHttpServer } from "../shared/http.ts";
import { LateWork, perform } from "../shared/misbehave.ts";
import { RequestLog } from "../shared/request-log.ts";
import { type CompanyBook, DEMO_COMPANY } from "./company.ts";
import { dump } from "./dump.ts";
import { answerEai, callOf, SessionEnded } from "./eai.ts";
import { type EaiRequest, failureReply, IIS_ERROR, iisError, readRequest } from "./eai-wire.ts";
import { encodeGbk } from "./encoding.ts";
import { apiVerb, OpenApi, type OpenApiOptions } from "./openapi.ts";
import { errorReply, ERRORS } from "./openapi-wire.ts";
import { answerPerson } from "./person-face.ts";
import { type Credentials, DEFAULT_SETTINGS, type Settings, World } from "./world.ts";

export type YonyouU8Options = {
  /** 0 or absent takes a free port */
  port?: number;
  host?: string;
  /** draws credentials, tokens and faults; 1 when absent */
  seed?: number;
  faults?: readonly z.input<typeof Fault>[];
  /** milliseconds since 1970; the system's clock when absent */
  clock?: () => number;
  /** 账套 with their companies; one demonstration company when absent */
  books?: readonly CompanyBook[];
  /** first open period of books that do not say their own; "2025-01" when absent */
  openPeriod?: string;
  /** the choices about which the vendor says nothing */
  settings?: Partial<Settings>;
  /** life of a token; 7200 when absent */
  tokenSeconds?: number;
  /** calls per token before 30005; 2000 when absent */
  callsPerTokenMax?: number;
  /** how long an asynchronous add takes; 100 ms when absent */
  asyncDelayMs?: number;
  /** ping_after; 1 when absent */
  pingAfterSeconds?: number;
  /** keeps the books in this folder, so that a restart (also kill -9) finds them again */
  dataDir?: string;
};

export type YonyouU8 = {
  /** ends in "/": EAI is baseUrl + "U8EAI/import.asp", the OpenAPI baseUrl + "api/…" and "system/…" */
  baseUrl: string;
  /** scheme, host and port: where /_person and /_sim live */
  origin: string;
  credentials: Credentials;
  openPeriod: string;
  world: World;
  faults: FaultPlan;
  /** late commits and asynchronous adds that still wait */
  pendingCommits(): number;
  close(): Promise<void>;
};

const TOKEN_SECONDS = 7_200;
const CALLS_PER_TOKEN_MAX = 2_000;
const ASYNC_DELAY_MS = 100;
const PING_AFTER_SECONDS = 1;
/** IIS is not asked for more; 自动设置IIS raises its own limit to about this. */
const BODY_LIMIT_BYTES = 16 * 1024 * 1024;

/** @throws Error when the port is taken or a fault does not fit */
export async function startYonyouU8(options: YonyouU8Options = {}): Promise<YonyouU8> {
  const seed = options.seed ?? 1;
  const clock = { offsetMs: 0 };
  const now = (): number => (options.clock ?? Date.now)() + clock.offsetMs;
  const openPeriod = options.openPeriod ?? "2025-01";
  const world = new World({
    seed,
    now,
    openPeriod,
    settings: { ...DEFAULT_SETTINGS, ...options.settings },
    dataDir: options.dataDir,
    companies: options.books ?? [DEMO_COMPANY],
  });
  const { faults } = FaultFile.parse({ faults: options.faults ?? [] });
  const address = { origin: "" };
  const server = new Server(world, {
    faults: new FaultPlan(seed, faults),
    clock,
    origin: () => address.origin,
    api: {
      tokenSeconds: options.tokenSeconds ?? TOKEN_SECONDS,
      callsPerTokenMax: options.callsPerTokenMax ?? CALLS_PER_TOKEN_MAX,
      asyncDelayMs: options.asyncDelayMs ?? ASYNC_DELAY_MS,
      pingAfterSeconds: options.pingAfterSeconds ?? PING_AFTER_SECONDS,
    },
  });
  const http = await startHttpServer({
    port: options.port,
    host: options.host,
    now,
    bodyLimitBytes: BODY_LIMIT_BYTES,
    handler: (exchange) => server.handle(exchange),
    onError: () => iisError(),
  });
  address.origin = http.origin;
  return {
    baseUrl: `${http.origin}/`,
    origin: http.origin,
    credentials: world.credentials,
    openPeriod,
    world,
    faults: server.faults,
    pendingCommits: () => server.late.pending,
    close: async () => {
      server.late.close();
      await http.close();
      world.close();
    },
  };
}

class Server {
  readonly faults: FaultPlan;
  readonly late = new LateWork();
  readonly #world: World;
  readonly #api: OpenApi;
  readonly #clock: { offsetMs: number };
  readonly #requests = new RequestLog();
  #requestCount = 0;

  constructor(
    world: World,
    options: { faults: FaultPlan; clock: { offsetMs: number }; origin: () => string; api: OpenApiOptions },
  ) {
    this.#world = world;
    this.faults = options.faults;
    this.#clock = options.clock;
    this.#api = new OpenApi(world, options.api, this.late, options.origin);
  }

  async handle(exchange: Exchange): Promise<void> {
    this.#requestCount += 1;
    const request = `r${this.#requestCount}`;
    const [, face = "", second = "", third = ""] = exchange.path.split("/");
    if (face === "_person") return this.#person(second, exchange, request);
    if (face === "_sim") return this.#sim(second, exchange);
    // IIS does not mind the case of a path.
    if (exchange.path.toLowerCase() === "/u8eai/import.asp") return this.#eai(exchange, request);
    if (face === "system") return this.#system(second, third, exchange);
    if (face === "result") return this.#result(exchange);
    if (face === "api" && second !== "" && third !== "") return this.#call(second, third, exchange, request);
    return exchange.reply(notFound());
  }

  // ---- EAI

  async #eai(exchange: Exchange, requestId: string): Promise<void> {
    if (exchange.method !== "POST") {
      this.#requests.count("health", this.#world.now());
      return exchange.reply({
        status: 200,
        contentType: "text/html; charset=utf-8",
        body: "<html><body>正常</body></html>",
      });
    }
    const request = readRequest(exchange.rawBody);
    if (!request) return exchange.reply(iisError());
    const call = callOf(request, exchange.text);
    this.#requests.count(call.operation, this.#world.now());
    let last: Answer | undefined;
    await perform(
      exchange,
      call,
      {
        run: (fault) => {
          try {
            last = answerEai(request, this.#world, requestId, fault);
            return last;
          } catch (error) {
            if (error instanceof SessionEnded) return denied();
            throw error;
          } finally {
            this.#world.flush();
          }
        },
        failure: (fault) => eaiFailure(request, fault, last),
        sessionLost: denied,
        throttled: () => ({ status: 503, contentType: "text/html", body: "<html><body>Server Too Busy</body></html>" }),
      },
      this.#tools(),
    );
  }

  // ---- OpenAPI

  async #system(name: string, method: string, exchange: Exchange): Promise<void> {
    const operation = name === "token" ? "login" : name === "tradeid" ? "ticket" : "query";
    const run = (): Answer => {
      if (name === "token") return this.#api.token(exchange.query);
      if (name === "tradeid") return this.#api.tradeId(exchange.query);
      return name === "datasource" ? this.#api.dataSource(method, exchange.query) : notFound();
    };
    await this.#performApi(exchange, operation, { writes: false, creates: false }, run);
  }

  async #result(exchange: Exchange): Promise<void> {
    const run = (): Answer => this.#api.poll(exchange.query);
    await this.#performApi(exchange, "poll", { writes: false, creates: false }, run);
  }

  async #call(resource: string, method: string, exchange: Exchange, requestId: string): Promise<void> {
    const operation = apiVerb(resource, method, this.#world);
    const post = exchange.method === "POST";
    const { query, text } = exchange;
    // Asked once, before any delay: what is committed late was allowed when it arrived.
    const { run } = this.#api.prepare({ resource, method, post, query, text, requestId });
    await this.#performApi(exchange, operation, { writes: operation !== "query", creates: method === "add" }, run);
  }

  async #performApi(
    exchange: Exchange,
    operation: string,
    traits: { writes: boolean; creates: boolean },
    run: (fault: ArmedFault | undefined) => Answer,
  ): Promise<void> {
    this.#requests.count(operation, this.#world.now());
    const call = { operation, text: `${exchange.target} ${exchange.text}`, ...traits, elements: 0 };
    await perform(
      exchange,
      call,
      {
        run: (fault) => {
          try {
            return run(fault);
          } finally {
            this.#world.flush();
          }
        },
        failure: (fault) => errorReply(fault.variant ?? ERRORS.platform[0], fault.message ?? ERRORS.platform[1]),
        sessionLost: () => {
          this.#api.endToken(exchange.query.get("token") ?? "");
          return errorReply(...ERRORS.tokenExpired);
        },
        throttled: () => errorReply(...ERRORS.throttled),
      },
      this.#tools(),
    );
  }

  #tools(): { faults: FaultPlan; late: LateWork; latencyMs: number } {
    return { faults: this.faults, late: this.late, latencyMs: this.#world.settings.latencyMs };
  }

  // ---- the person's face, and the simulator's own

  #person(name: string, exchange: Exchange, request: string): void {
    if (exchange.method === "POST" && name === "end-sessions") {
      this.#api.endAllTokens();
      return exchange.reply({ status: 200, body: `{"ok":true}` });
    }
    if (exchange.method === "POST" && name === "faults") return this.#setFaults(exchange);
    exchange.reply(answerPerson(name, exchange, this.#world, request));
  }

  async #sim(name: string, exchange: Exchange): Promise<void> {
    const reply = (value: object): void => exchange.reply({ status: 200, body: JSON.stringify(value) });
    if (name === "faults" && exchange.method === "POST") return this.#setFaults(exchange);
    if (name === "faults") return reply({ hits: this.faults.hits(), faults: this.faults.standing() });
    if (name === "requests") return reply(this.#requests.report());
    if (name === "books") {
      return exchange.replyStream("application/json; charset=utf-8", dump(this.#world, this.late.pending));
    }
    if (name !== "clock") return exchange.reply(notFound());
    if (exchange.method === "POST") {
      const offset = /"offsetMs"\s*:\s*(-?\d{1,15})/.exec(exchange.text)?.[1] ?? "0";
      this.#clock.offsetMs = Number(offset);
    }
    const now = this.#world.now();
    return reply({ nowMs: now, now: new Date(now).toISOString(), offsetMs: this.#clock.offsetMs });
  }

  #setFaults(exchange: Exchange): void {
    try {
      this.faults.replace(parseFaultFile(exchange.text));
      exchange.reply({ status: 200, body: JSON.stringify({ ok: true, faults: this.faults.standing() }) });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      exchange.reply({ status: 400, body: JSON.stringify({ ok: false, message }) });
    }
  }
}

/** The forms in which EAI fails although HTTP says 200; a fault's `variant` picks one. */
function eaiFailure(request: EaiRequest, fault: ArmedFault, last: Answer | undefined): Answer {
  const plain = (body: string): Answer => ({ status: 200, contentType: "text/html", body });
  switch (fault.variant) {
    case "false":
      return plain("false");
    case "empty":
      return plain("");
    case "keyless":
      return failureReply(request, "", "0");
    case "page":
      return plain(`<html><body>${IIS_ERROR}</body></html>`);
    case "gbk": {
      // The true answer, in bytes that its declaration does not announce.
      const answer = last ?? failureReply(request, fault.message ?? "系统繁忙");
      return typeof answer.body === "string" ? { ...answer, body: encodeGbk(answer.body) } : answer;
    }
    case undefined:
    default:
      return failureReply(request, fault.message ?? "系统繁忙，请稍后再试");
  }
}

/** EAI has no session; what comes nearest is the log-on of its own user, which IIS reports. */
function denied(): Answer {
  return { status: 401, contentType: "text/html", body: "<html><body>401 - Unauthorized</body></html>" };
}

function notFound(): Answer {
  return { status: 404, contentType: "text/plain; charset=utf-8", body: "not found" };
}
