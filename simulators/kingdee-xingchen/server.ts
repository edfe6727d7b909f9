/** A server that speaks the open platform of 金蝶云星辰 and keeps double-entry books and stock of its own. */

import { type ArmedFault, FaultFile, FaultPlan } from "../shared/faults.ts";
import { type Answer, type Exchange, startHttpServer } from "../shared/http.ts";
import type { JsonOut } from "../shared/json.ts";
import { LateWork, perform, type Work } from "../shared/misbehave.ts";
import { RequestLog } from "../shared/request-log.ts";
import type { AccountSet } from "./account-set.ts";
import { Auth, type Caller, type TokenProblem } from "./auth.ts";
import { type Call, type Operation, PartialFailure, SessionEnded } from "./call.ts";
import { DEMO_COMPANY } from "./demo-company.ts";
import { failure, gatewayFailure, success, tokenFailure } from "./envelope.ts";
import { ERR, Refusal } from "./model.ts";
import type { Credentials, KingdeeXingchen, KingdeeXingchenOptions } from "./options.ts";
import { Parameters } from "./parameters.ts";
import { answerPerson } from "./person-face.ts";
import { pushAuthorisation } from "./push.ts";
import { routeOf } from "./routes.ts";
import { answerSim } from "./sim-face.ts";
import { World } from "./world.ts";

export type { Credentials, KingdeeXingchen, KingdeeXingchenOptions };

const DAY_MS = 24 * 3_600_000;
const CLOCK_SKEW_MS = 5 * 60_000;
const REQUESTS_PER_SECOND_MAX = 10;
const AUTHORIZE_PATH = "/jdyconnector/app_management/push_app_authorize";
const TOKEN_PATH = "/jdyconnector/app_management/kingdee_auth_token";
const BUSINESS_PREFIX = "/jdy/v2/";

/** @throws Error when the port is taken or a fault does not fit */
export async function startKingdeeXingchen(options: KingdeeXingchenOptions = {}): Promise<KingdeeXingchen> {
  const seed = options.seed ?? 1;
  const clock = { offsetMs: 0 };
  const now = (): number => (options.clock ?? Date.now)() + clock.offsetMs;
  const openPeriod = options.openPeriod ?? "2025-01";
  const latency = options.latencyMs === undefined ? {} : { latencyMs: options.latencyMs };
  const world = new World({
    seed,
    now,
    openPeriod,
    settings: { ...options.settings, ...latency },
    dataDir: options.dataDir,
    companies: options.books ?? [DEMO_COMPANY],
  });
  const faults = new FaultPlan(seed, FaultFile.parse({ faults: options.faults ?? [] }).faults);
  const server = new Server(world, faults, clock, options);
  const http = await startHttpServer({
    port: options.port,
    host: options.host,
    now,
    handler: (exchange) => server.handle(exchange),
    onError: (error) => failure(ERR.system, `系统异常：${String(error)}`, 500),
  });
  const credentialsOf = (number: string | undefined): Credentials => {
    const set = world.findSet(number);
    if (!set) throw new Error(`There is no account set ${number ?? ""}.`);
    const { clientId, clientSecret } = world.application;
    return { clientId, clientSecret, ...set.authorisation };
  };
  return {
    baseUrl: http.origin,
    origin: http.origin,
    get credentials() {
      return credentialsOf(undefined);
    },
    credentialsOf,
    openPeriod,
    world,
    faults,
    pendingCommits: () => server.late.pending,
    close: async () => {
      server.late.close();
      server.pushes.close();
      await http.close();
      world.close();
    },
  };
}

class Server {
  readonly late = new LateWork();
  /** pushes of new secrets that are on their way; no commits, so nobody waits for them */
  readonly pushes = new LateWork();
  readonly #world: World;
  readonly #faults: FaultPlan;
  readonly #clock: { offsetMs: number };
  readonly #auth: Auth;
  readonly #requests = new RequestLog();
  readonly #rateMax: number | undefined;
  #tokens: number;
  #tokensAtMs: number;
  #requestCount = 0;

  constructor(world: World, faults: FaultPlan, clock: { offsetMs: number }, options: KingdeeXingchenOptions) {
    const { requestsPerSecondMax = REQUESTS_PER_SECOND_MAX, callbackUrl } = options;
    this.#world = world;
    this.#faults = faults;
    this.#clock = clock;
    this.#rateMax = requestsPerSecondMax ?? undefined;
    this.#tokens = 2 * (requestsPerSecondMax ?? 0);
    this.#tokensAtMs = world.now();
    this.#auth = new Auth({
      ...world.application,
      now: world.now,
      random: world.random,
      sets: () => world.sets(),
      clockSkewMs: options.clockSkewMs ?? CLOCK_SKEW_MS,
      tokenMs: options.tokenMs ?? DAY_MS,
      secretMs: options.secretMs ?? DAY_MS,
      tokensPerMinuteMax: options.tokensPerMinuteMax,
      push: (set) => {
        if (callbackUrl !== undefined) this.pushes.later(0, () => pushAuthorisation(callbackUrl, this.#record(set)));
      },
    });
  }

  async handle(exchange: Exchange): Promise<void> {
    this.#requestCount += 1;
    const request = `r${this.#requestCount}`;
    const [, face = "", name = ""] = exchange.path.split("/");
    if (face === "_person")
      return exchange.reply(answerPerson(name, exchange, this.#world, this.#auth, this.#faults, request));
    if (face === "_sim") {
      const { late } = this;
      const parts = { world: this.#world, faults: this.#faults, requests: this.#requests, clock: this.#clock, late };
      return answerSim(name, exchange, parts);
    }
    if (exchange.path === AUTHORIZE_PATH && exchange.method === "POST") return this.#authorize(exchange, request);
    if (exchange.path === TOKEN_PATH && exchange.method === "GET") return this.#token(exchange, request);
    if (exchange.path.startsWith(BUSINESS_PREFIX)) {
      const operation = routeOf(exchange.method, exchange.path.slice(BUSINESS_PREFIX.length));
      if (operation) return this.#business(operation, exchange, request);
    }
    return exchange.reply(gatewayFailure(ERR.apiUnknown, "API not found", request));
  }

  // ---- authorisation

  #authorize(exchange: Exchange, request: string): Promise<void> {
    const { settings } = this.#world;
    return this.#connect("authorize", exchange, request, () => {
      const id = new Parameters(exchange.query, exchange.text).text("outerInstanceId");
      const records = this.#auth.authorize(id, settings.rotateOnAuthorize).map((set) => this.#record(set));
      if (settings.authorizeEnvelope === "errcode") return success(records);
      return { status: 200, body: JSON.stringify({ code: 200, msg: "成功", data: records }) };
    });
  }

  #record(set: AccountSet): { [key: string]: JsonOut } {
    const { accountName } = set.authorisation;
    const { clientId } = this.#world.application;
    return { ...set.authorisation, clientId, agreementCompanyName: accountName, status: 1 };
  }

  #token(exchange: Exchange, request: string): Promise<void> {
    return this.#connect("login", exchange, request, () => {
      const parameters = new Parameters(exchange.query, exchange.text);
      const issued = this.#auth.issue(parameters.text("app_key"), parameters.text("app_signature"));
      const { serviceId, domain } = issued.set.authorisation;
      return success({
        uid: parameters.text("uid") || serviceId,
        "app-token": issued.token,
        access_token: issued.token,
        expires: issued.expiresInMs,
        auth_data: "",
        domain,
      });
    });
  }

  async #connect(operation: string, exchange: Exchange, request: string, run: () => Answer): Promise<void> {
    this.#requests.count(operation, this.#world.now());
    const refused = this.#auth.gateway(exchange, request);
    const call = { operation, text: exchange.target, writes: false, creates: false, elements: 0 };
    await perform(
      exchange,
      call,
      {
        run: () => refused ?? this.#worded(run),
        failure: (fault) => failure(codeOf(fault), fault.message ?? "系统繁忙，请稍后再试"),
        sessionLost: () => failure(ERR.secretStale, "授权密钥校验失败，请获取最新密钥加密"),
        throttled: () => this.#throttled(undefined),
      },
      this.#tools(),
    );
  }

  // ---- business

  async #business(operation: Operation, exchange: Exchange, request: string): Promise<void> {
    const parameters = new Parameters(exchange.query, exchange.text);
    const traits = operation.traits(parameters);
    this.#requests.count(traits.verb, this.#world.now());
    // Asked once, before any delay: what is committed late was allowed when it arrived.
    const refused = this.#auth.gateway(exchange, request);
    const token = [exchange.headers["app-token"]].flat()[0] ?? "";
    const caller = refused ? "unknown" : this.#auth.callerOf(token);
    const lost = (fault: ArmedFault | undefined): Answer => {
      if (typeof caller !== "string") caller.set.endTokens();
      return this.#tokenProblem("expired", fault?.variant, request);
    };
    const work: Work = {
      run: (fault) => {
        if (refused) return refused;
        if (typeof caller === "string") return this.#tokenProblem(caller, undefined, request);
        const address = [exchange.headers["x-gw-router-addr"]].flat()[0];
        if (this.#world.settings.routerRequired && address !== caller.set.authorisation.domain) {
          return gatewayFailure(ERR.apiUnknown, "X-GW-Router-Addr is invalid", request);
        }
        if (!this.#takeToken()) return this.#throttled(undefined);
        return this.#worded(
          () => success(this.#run(operation, parameters, caller, fault, request)),
          () => lost(fault),
        );
      },
      failure: (fault) => failure(codeOf(fault), fault.message ?? "系统繁忙，请稍后再试"),
      sessionLost: lost,
      throttled: (fault) => this.#throttled(fault.variant),
    };
    const { verb, ...rest } = traits;
    await perform(exchange, { operation: verb, text: exchange.target + exchange.text, ...rest }, work, this.#tools());
  }

  #run(
    operation: Operation,
    parameters: Parameters,
    { set, user }: Caller,
    fault: ArmedFault | undefined,
    request: string,
  ): JsonOut {
    if (parameters.body === undefined) throw new Refusal(ERR.validation, "请求内容不是有效的JSON");
    const right = operation.right(parameters);
    const [entity] = right.split("|");
    if (set.revoked.has(right) || set.revoked.has(`${entity ?? ""}|*`)) {
      throw new Refusal(ERR.noPermission, `没有【${right.replace("|", "】的【")}】权限`);
    }
    const call: Call = {
      set,
      parameters,
      origin: { kind: "api", request, user },
      fault,
      random: this.#world.random,
      settings: this.#world.settings,
      now: this.#world.now,
    };
    return operation.run(call);
  }

  /** Words what was refused, and hands to the system what was done, before the answer leaves. */
  #worded(run: () => Answer, sessionEnded?: () => Answer): Answer {
    try {
      return run();
    } catch (error) {
      if (error instanceof SessionEnded && sessionEnded) return sessionEnded();
      if (error instanceof PartialFailure) return failure(error.errcode, error.message, 200, error.data);
      if (error instanceof Refusal) return failure(error.errcode, error.message);
      throw error;
    } finally {
      this.#world.flush();
    }
  }

  #tokenProblem(problem: TokenProblem, variant: string | undefined, request: string): Answer {
    if (variant === "gateway") return gatewayFailure(ERR.clientUnknown, "Unauthorized, app-token expired", request);
    const status = variant === "200" ? 200 : variant === "401" ? 401 : this.#world.settings.tokenErrorStatus;
    return problem === "expired"
      ? tokenFailure(ERR.tokenExpired, "JWT token has expired", status)
      : tokenFailure(ERR.notAuthorised, "授权失败，app-token无效", status);
  }

  #throttled(variant: string | undefined): Answer {
    const status = variant === "429" ? 429 : variant === "200" ? 200 : this.#world.settings.throttleStatus;
    return failure(ERR.throttled, "请求过于频繁，请稍后再试", status);
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
    return { faults: this.#faults, late: this.late, latencyMs: this.#world.settings.latencyMs };
  }
}

function codeOf(fault: ArmedFault): number {
  return fault.variant === undefined ? ERR.system : Number(fault.variant);
}
