/** A server that speaks 金蝶云星空's WebAPI and keeps double-entry books of its own. */

import { randomUUID } from "node:crypto";
import type { z } from "zod";
import { Fault, type FaultCall, FaultFile, FaultPlan, parseFaultFile, type ArmedFault } from "../shared/faults.ts";
import { type Answer, type Exchange, startHttpServer } from "../shared/http.ts";
import { type JsonOut, writeJson } from "../shared/json.ts";
import { LateWork, perform } from "../shared/misbehave.ts";
import { RequestLog } from "../shared/request-log.ts";
import { Auth, type AuthOptions, type Caller, type Credentials, decodeDes, type Login, loginJson } from "./auth.ts";
import { failureJson, inQueryShape, jsonAnswer, readEnvelope, responseError } from "./envelope.ts";
import { addPeriods, MSG } from "./model.ts";
import { callOf, METHODS, runCall, type ServiceCall, SessionEnded, traitsOf } from "./operations.ts";
import { answerPerson } from "./person-face.ts";
import { ROWS_MAX } from "./query.ts";
import { fieldOf, textOf } from "./wire-values.ts";
import { type CompanyBook, plainDeleted, plainVoucher, World } from "./world.ts";

export type KingdeeCloudOptions = {
  /** 0 or absent takes a free port */
  port?: number;
  host?: string;
  /** draws credentials and faults; 1 when absent */
  seed?: number;
  faults?: readonly z.input<typeof Fault>[];
  /** milliseconds since 1970; the system's clock when absent */
  clock?: () => number;
  /** account books with their companies; one demonstration company when absent */
  books?: readonly CompanyBook[];
  /** first open period of books that do not say their own; "2025-01" when absent */
  openPeriod?: string;
  /** key of the custom head field; null: the form has none. "F_ZS_ExtNo" when absent */
  customField?: string | null;
  customFieldLengthMax?: number;
  /** unknown Model keys are refused (MsgCode 9) instead of ignored */
  strictKeys?: boolean;
  /** a BatchSave in which some documents failed calls itself a success */
  mixedBatchIsSuccess?: boolean;
  /** dimensions that an account does not list: kept (default), dropped in silence, or refused */
  unlistedDimensions?: "keep" | "drop" | "refuse";
  /** extra time that every vendor call takes */
  latencyMs?: number;
  /** idle life of a session; 20 minutes when absent */
  sessionMs?: number;
  /** largest accepted clock difference of a signature; any when absent */
  clockSkewMs?: number;
  /** log-ins per user and minute before it is locked for half an hour; any number when absent */
  loginsPerMinuteMax?: number;
  /** calls per second (with twice as many in a burst) before MsgCode 14; unlimited when absent */
  requestsPerSecondMax?: number;
  /** how long an asynchronous BatchSave takes; 100 ms when absent */
  asyncDelayMs?: number;
  /** keeps the books in this folder, so that a restart (also kill -9) finds them again */
  dataDir?: string;
};

export type KingdeeCloud = {
  /** ends in /k3cloud/ */
  baseUrl: string;
  /** scheme, host and port: where /_person and /_sim live */
  origin: string;
  credentials: Credentials;
  openPeriod: string;
  world: World;
  faults: FaultPlan;
  /** late commits that still wait */
  pendingCommits(): number;
  close(): Promise<void>;
};

const WEB_APPLICATION = "/k3cloud/";
const SERVICE_SUFFIX = ".common.kdsvc";
const FORM_SERVICE = "kingdee.bos.webapi.servicesstub.dynamicformservice.";
const AUTH_SERVICE = "kingdee.bos.webapi.servicesstub.authservice.";
const ACCOUNT_SERVICE = "kingdee.bos.servicefacade.servicesstub.account.accountservice.";
const SESSION_MS = 20 * 60_000;
const EXTERNAL_LENGTH_MAX = 100;
const ASYNC_DELAY_MS = 100;
/** The dump is sent in pieces of about this many characters. */
const DUMP_PIECE_LENGTH = 64 * 1024;
const SESSION_LOST = "会话信息已丢失，请重新登录";
const NO_HEADERS = {};

export const DEMO_COMPANY: CompanyBook = {
  number: "001",
  name: "示例账簿",
  organization: "100",
  organizationName: "示例组织",
  items: [
    { number: "M-001", name: "示例物料一", unit: "Pcs" },
    { number: "M-002", name: "示例物料二", unit: "kg" },
    { number: "007", name: "示例物料三", unit: "Xiang" },
  ],
  warehouses: [
    { number: "CK01", name: "一号仓" },
    { number: "CK02", name: "二号仓" },
  ],
  suppliers: [{ number: "VEN001", name: "示例供应商" }],
  customers: [{ number: "CUST001", name: "示例客户" }],
  departments: [{ number: "BM001", name: "仓储部" }],
  employees: [{ number: "E001", name: "示例职员" }],
};

/** @throws Error when the port is taken or a fault does not fit */
export async function startKingdeeCloud(options: KingdeeCloudOptions = {}): Promise<KingdeeCloud> {
  const seed = options.seed ?? 1;
  const clock = { offsetMs: 0 };
  const now = (): number => (options.clock ?? Date.now)() + clock.offsetMs;
  const openPeriod = options.openPeriod ?? "2025-01";
  const world = new World({
    seed,
    now,
    openPeriod,
    settings: {
      customField: options.customField === undefined ? "F_ZS_ExtNo" : (options.customField ?? undefined),
      strictKeys: options.strictKeys ?? false,
      mixedBatchIsSuccess: options.mixedBatchIsSuccess ?? false,
      latencyMs: options.latencyMs ?? 0,
      rowsMax: ROWS_MAX,
    },
    externalLengthMax: options.customFieldLengthMax ?? EXTERNAL_LENGTH_MAX,
    unlistedDimensions: options.unlistedDimensions ?? "keep",
    dataDir: options.dataDir,
    companies: options.books ?? [DEMO_COMPANY],
  });
  const authOptions: AuthOptions = {
    credentials: world.credentials,
    clientId: world.clientId,
    clientSecret: world.clientSecret,
    now,
    sessionMs: options.sessionMs ?? SESSION_MS,
    clockSkewMs: options.clockSkewMs,
    loginsPerMinuteMax: options.loginsPerMinuteMax,
    dataCentreName: "示例账套",
  };
  const server = new Server(world, authOptions, {
    faults: new FaultPlan(seed, FaultFile.parse({ faults: options.faults ?? [] }).faults),
    clock,
    asyncDelayMs: options.asyncDelayMs ?? ASYNC_DELAY_MS,
    requestsPerSecondMax: options.requestsPerSecondMax,
  });
  const http = await startHttpServer({
    port: options.port,
    host: options.host,
    now,
    handler: (exchange) => server.handle(exchange),
    onError: (error) =>
      responseError(`发生时间：${new Date(now()).toISOString()} 错误信息：${String(error)}`, NO_HEADERS),
  });
  return {
    baseUrl: `${http.origin}${WEB_APPLICATION}`,
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

type Task = { result: JsonOut | undefined };

class Server {
  readonly faults: FaultPlan;
  readonly late = new LateWork();
  readonly #world: World;
  readonly #auth: Auth;
  readonly #authOptions: AuthOptions;
  readonly #requests = new RequestLog();
  readonly #tasks = new Map<string, Task>();
  readonly #clock: { offsetMs: number };
  readonly #asyncDelayMs: number;
  readonly #rateMax: number | undefined;
  #tokens: number;
  #tokensAtMs: number;
  #requestCount = 0;

  constructor(
    world: World,
    authOptions: AuthOptions,
    options: {
      faults: FaultPlan;
      clock: { offsetMs: number };
      asyncDelayMs: number;
      requestsPerSecondMax: number | undefined;
    },
  ) {
    this.#world = world;
    this.#authOptions = authOptions;
    this.#auth = new Auth(authOptions);
    this.faults = options.faults;
    this.#clock = options.clock;
    this.#asyncDelayMs = options.asyncDelayMs;
    this.#rateMax = options.requestsPerSecondMax;
    this.#tokens = 2 * (options.requestsPerSecondMax ?? 0);
    this.#tokensAtMs = world.now();
  }

  async handle(exchange: Exchange): Promise<void> {
    this.#requestCount += 1;
    const request = `r${this.#requestCount}`;
    const path = exchange.path.startsWith(WEB_APPLICATION)
      ? exchange.path.slice(WEB_APPLICATION.length - 1)
      : exchange.path;
    const [, face = "", name = ""] = path.split("/");
    if (face === "_person") return this.#person(name, exchange, request);
    if (face === "_sim") return this.#sim(name, exchange);
    if (path === exchange.path || !face.toLowerCase().endsWith(SERVICE_SUFFIX)) return exchange.reply(notFound());
    const service = face.slice(0, -SERVICE_SUFFIX.length).toLowerCase();
    if (service.startsWith(AUTH_SERVICE)) return this.#login(service.slice(AUTH_SERVICE.length), exchange);
    if (service.startsWith(ACCOUNT_SERVICE)) return this.#account(service.slice(ACCOUNT_SERVICE.length), exchange);
    if (service.startsWith(FORM_SERVICE)) return this.#form(service.slice(FORM_SERVICE.length), exchange, request);
    return exchange.reply(notFound());
  }

  // ---- log-in

  async #login(method: string, exchange: Exchange): Promise<void> {
    const envelope = readEnvelope(exchange.text, "data");
    const operation = method === "logout" ? "logout" : "login";
    this.#requests.count(operation, this.#world.now());
    const failed = (message: string): Answer => {
      return jsonAnswer(loginJson({ outcome: "failed", code: "LoginFailed", message }, this.#authOptions), NO_HEADERS);
    };
    const call = { operation, text: exchange.text, writes: false, creates: false, elements: 0 };
    await perform(
      exchange,
      call,
      {
        run: () => {
          if (method === "logout") return this.#logout(exchange);
          const login = envelope ? this.#admit(method, envelope.parameters, envelope.named) : undefined;
          if (!login) return failed("登录参数不正确");
          const headers = login.outcome === "ok" ? this.#auth.headersFor(login.caller.session) : NO_HEADERS;
          return jsonAnswer(loginJson(login, this.#authOptions), headers);
        },
        failure: (fault) => failed(fault.message ?? "系统繁忙，请稍后再试"),
        sessionLost: () => failed(SESSION_LOST),
        throttled: () => failed("登录次数超限，请30分钟后再试"),
      },
      this.#tools(),
    );
  }

  /** @returns undefined when the method is unknown or a parameter is missing */
  #admit(method: string, parameters: readonly unknown[], named: unknown): Login | undefined {
    const { acctId } = this.#auth.credentials;
    const names = LOGIN_PARAMETERS[method];
    if (!names) return undefined;
    const values = names.map((name, at) => textOf(parameters[at] ?? fieldOf(named, name)));
    const [account = "", user = "", third = "", fourth = "", fifth = ""] = values;
    if (account !== acctId) return { outcome: "failed", code: "DataCenterNotFound", message: "数据中心不存在" };
    switch (method) {
      case "validateuser":
      case "validateuserbyorgnumber":
        return this.#auth.login(user, third);
      case "validateuserendecode":
        return this.#auth.login(decodeDes(user) ?? "", decodeDes(third) ?? "");
      case "loginbyappsecret":
        return this.#auth.loginByAppSecret(user, third, fourth);
      case "loginbysign":
        return this.#auth.loginBySign(user, third, fourth, fifth);
      default:
        return undefined;
    }
  }

  #logout(exchange: Exchange): Answer {
    const caller = this.#auth.callerOf(exchange.headers, exchange.target);
    if (caller) this.#auth.end(caller.session);
    return jsonAnswer(true, NO_HEADERS);
  }

  #account(method: string, exchange: Exchange): void {
    this.#requests.count("dataCentres", this.#world.now());
    if (method !== "getdatacenterlist") return exchange.reply(notFound());
    const { acctId } = this.#auth.credentials;
    const centre = { Id: acctId, Number: "001", Name: this.#authOptions.dataCentreName, Version: "8.2.0" };
    exchange.reply(jsonAnswer([{ ...centre, GDCID: "", AuthenticationMethods: "1" }], NO_HEADERS));
  }

  // ---- forms

  async #form(method: string, exchange: Exchange, request: string): Promise<void> {
    const shape = METHODS.get(method);
    const envelope = shape && readEnvelope(exchange.text, shape.layout);
    if (!shape || !envelope) {
      const message = shape ? "请求内容不是有效的JSON" : `服务方法${method}不存在`;
      return exchange.reply(responseError(message, NO_HEADERS));
    }
    const serviceCall = callOf(method, shape, envelope, request);
    const { verb } = serviceCall;
    this.#requests.count(verb, this.#world.now());
    // Asked once, before any delay: what is committed late was allowed when it arrived.
    const caller = this.#auth.callerOf(exchange.headers, exchange.target);
    const headers = caller ? this.#auth.headersFor(caller.session) : NO_HEADERS;
    const worded = (failure: JsonOut): Answer => {
      return jsonAnswer(verb === "query" ? inQueryShape(failure) : failure, headers);
    };
    const throttled = (): Answer => worded(failureJson(MSG.throttled, "调用过于频繁，请稍后再试"));
    const lost = (fault: ArmedFault | undefined): Answer => {
      if (caller) this.#auth.end(caller.session);
      return sessionLost(verb === "query", fault?.variant);
    };
    const call: FaultCall = { operation: verb, text: exchange.text, ...traitsOf(serviceCall) };
    await perform(
      exchange,
      call,
      {
        run: (fault) => {
          if (!caller) return lost(fault);
          if (!this.#takeToken()) return throttled();
          return this.#answer(serviceCall, caller, fault, headers, lost);
        },
        failure: (fault) => {
          if (fault.variant === "response_error") return responseError(fault.message ?? "发生异常", headers);
          return worded(failureJson(Number(fault.variant ?? MSG_DATABASE), fault.message ?? "数据库操作失败"));
        },
        sessionLost: lost,
        throttled,
      },
      this.#tools(),
    );
  }

  #answer(
    call: ServiceCall,
    caller: Caller,
    fault: ArmedFault | undefined,
    headers: Record<string, string | readonly string[]>,
    lost: (fault: ArmedFault | undefined) => Answer,
  ): Answer {
    if (call.verb === "poll") return jsonAnswer(this.#poll(call), headers);
    if (call.verb === "batchSave" && call.envelope.begins) return jsonAnswer(this.#begin(call, caller, fault), headers);
    try {
      const result = runCall(call, caller, this.#world, fault);
      return jsonAnswer(result, headers);
    } catch (error) {
      if (error instanceof SessionEnded) return lost(fault);
      throw error;
    } finally {
      this.#world.flush();
    }
  }

  /** Starts an asynchronous BatchSave; the caller polls QueryAsyncResult. */
  #begin(call: ServiceCall, caller: Caller, fault: ArmedFault | undefined): JsonOut {
    const id = randomUUID();
    const task: Task = { result: undefined };
    this.#tasks.set(id, task);
    this.late.later(this.#asyncDelayMs, () => {
      try {
        task.result = runCall(call, caller, this.#world, fault);
      } catch {
        task.result = failureJson(MSG.sessionLost, SESSION_LOST);
      } finally {
        this.#world.flush();
      }
    });
    return taskJson(id, 0, undefined);
  }

  #poll(call: ServiceCall): JsonOut {
    const id = textOf(fieldOf(call.envelope.data, "TaskId"));
    const task = this.#tasks.get(id);
    if (!task) return failureJson(MSG.parameters, "查询任务不存在");
    return taskJson(id, task.result === undefined ? 1 : 2, task.result);
  }

  #takeToken(): boolean {
    if (this.#rateMax === undefined) return true;
    const now = this.#world.now();
    this.#tokens = Math.min(2 * this.#rateMax, this.#tokens + ((now - this.#tokensAtMs) / 1000) * this.#rateMax);
    this.#tokensAtMs = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #tools(): { faults: FaultPlan; late: LateWork; latencyMs: number } {
    return { faults: this.faults, late: this.late, latencyMs: this.#world.settings.latencyMs };
  }

  // ---- the person's face, and the simulator's own

  #person(name: string, exchange: Exchange, request: string): void {
    if (exchange.method === "POST" && name === "end-sessions") {
      this.#auth.endAll();
      return exchange.reply({ status: 200, body: `{"ok":true}` });
    }
    if (exchange.method === "POST" && name === "user") return this.#setUser(exchange);
    if (exchange.method === "POST" && name === "faults") return this.#setFaults(exchange);
    exchange.reply(answerPerson(name, exchange, this.#world, request));
  }

  async #sim(name: string, exchange: Exchange): Promise<void> {
    const reply = (value: JsonOut): void => exchange.reply({ status: 200, body: writeJson(value) });
    if (name === "faults" && exchange.method === "POST") return this.#setFaults(exchange);
    if (name === "faults") {
      const body = JSON.stringify({ hits: this.faults.hits(), faults: this.faults.standing() });
      return exchange.reply({ status: 200, body });
    }
    if (name === "requests") return reply(this.#requests.report());
    if (name === "books") return exchange.replyStream("application/json; charset=utf-8", this.#dump());
    if (name !== "clock") return exchange.reply(notFound());
    if (exchange.method === "POST") {
      const offset = Number(exchange.text === "" ? "0" : textOf(fieldOf(JSON.parse(exchange.text), "offsetMs")));
      this.#clock.offsetMs = Number.isFinite(offset) ? offset : 0;
    }
    const now = this.#world.now();
    return reply({ nowMs: now, now: new Date(now).toISOString(), offsetMs: this.#clock.offsetMs });
  }

  #setUser(exchange: Exchange): void {
    const request = parsed(exchange.text);
    const enabled = fieldOf(request, "enabled");
    const known = typeof enabled === "boolean" && this.#auth.setEnabled(textOf(fieldOf(request, "user")), enabled);
    exchange.reply({ status: known ? 200 : 400, body: JSON.stringify({ ok: known }) });
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

  /** The whole of the books, piece by piece: what the torture run counts, and what anyone can recount. */
  *#dump(): Generator<string> {
    const { ledger, settings } = this.#world;
    const books = [...ledger.books.values()].map((book) => ({
      ...book,
      currentPeriod: addPeriods(book.closedThrough, 1),
    }));
    const head = {
      vendor: "kingdee-cloud",
      sequence: ledger.sequence,
      pendingCommits: this.late.pending,
      customField: settings.customField ?? null,
      books,
    };
    yield `${JSON.stringify(head).slice(0, -1)},"vouchers":[`;
    let piece = "";
    let separator = "";
    for (const voucher of ledger.vouchers.values()) {
      piece += `${separator}${JSON.stringify(plainVoucher(voucher))}`;
      separator = ",\n";
      if (piece.length < DUMP_PIECE_LENGTH) continue;
      yield piece;
      piece = "";
    }
    yield piece;
    yield `],"deleted":[${ledger.deleted.map((deleted) => JSON.stringify(plainDeleted(deleted))).join(",\n")}]}\n`;
  }
}

const MSG_DATABASE = "6";

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Parameters of each log-in method in their order; named fields carry the same names. */
const LOGIN_PARAMETERS: Record<string, readonly string[]> = {
  validateuser: ["acctid", "username", "password", "lcid"],
  validateuserendecode: ["acctid", "username", "password", "lcid"],
  validateuserbyorgnumber: ["acctid", "username", "password", "lcid", "orgnumber"],
  loginbyappsecret: ["acctid", "username", "appid", "appsecret", "lcid"],
  loginbysign: ["acctid", "username", "appid", "timestamp", "sign", "lcid"],
};

/** The forms in which the vendor says that a session is gone; a fault's `variant` picks one. */
function sessionLost(isQuery: boolean, variant: string | undefined): Answer {
  const error = { FieldName: null, Message: SESSION_LOST, DIndex: 0 };
  switch (variant) {
    case "array":
      return jsonAnswer([error], NO_HEADERS);
    case "response_error":
      return responseError("发生异常：ctx == null", NO_HEADERS);
    case "401":
      return { status: 401, contentType: "text/plain; charset=utf-8", body: "未登录" };
    case "empty":
      return jsonAnswer({}, NO_HEADERS);
    case undefined:
    default: {
      const failure = failureJson(MSG.sessionLost, SESSION_LOST);
      return jsonAnswer(isQuery ? inQueryShape(failure) : failure, NO_HEADERS);
    }
  }
}

function taskJson(id: string, status: 0 | 1 | 2, result: JsonOut | undefined): JsonOut {
  return {
    Status: status,
    TaskId: id,
    Result: result ?? null,
    Cancelled: false,
    IsFaulted: false,
    FaultedException: null,
    Successful: status === 2,
    Message: null,
    Progress: status === 2 ? 100 : 0,
    ProgressDesc: null,
  };
}

function notFound(): Answer {
  return { status: 404, contentType: "text/plain; charset=utf-8", body: "not found" };
}
