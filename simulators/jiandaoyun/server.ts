import { z } from "zod";
import type { ArmedFault, Fault } from "../shared/faults.ts";
import { type Answer, type Exchange, startHttpServer } from "../shared/http.ts";
import { LateWork, perform } from "../shared/misbehave.ts";
import { RequestLog } from "../shared/request-log.ts";
import { admit } from "./access.ts";
import type { Body, Interface, UploadToken } from "./api-context.ts";
import { type ClockOptions, createClock, type SimClock } from "./clock.ts";
import { CONTACT_INTERFACES } from "./contacts-api.ts";
import { DATA_INTERFACES, elementsOf } from "./data-api.ts";
import { FaceError, textOf, VendorError } from "./errors.ts";
import { FILE_INTERFACES, receiveUpload, serveFile } from "./file-api.ts";
import type { AppDefinition } from "./forms.ts";
import { createIds } from "./ids.ts";
import { isObject, type Json, renderJson } from "./json.ts";
import { META_INTERFACES } from "./meta-api.ts";
import type { PersonContext } from "./person-context.ts";
import { PERSON_ACTIONS, pushWorkflowStep } from "./person-face.ts";
import { type CreatedApp, createApp, describeApp } from "./person-forms.ts";
import { PushSender } from "./push.ts";
import { RateLimits } from "./rates.ts";
import { CONTROLS, type Controls, FaultBoard } from "./sim-face.ts";
import { type ApiKey, Store } from "./store.ts";
import { createSwitches, type SwitchChanges } from "./switches.ts";
import { WORKFLOW_INTERFACES } from "./workflow-api.ts";
import { COMPANY_CREATOR } from "./writes.ts";

/** Every request of the platform is limited to this. */
const BODY_LIMIT_BYTES = 2 * 1024 * 1024;
const SECRET_CHARACTERS = 24;
const KEY_CHARACTERS = 32;
const SEED_DEFAULT = 1;

const INTERFACES: readonly Interface[] = [
  ...META_INTERFACES,
  ...DATA_INTERFACES,
  ...FILE_INTERFACES,
  ...WORKFLOW_INTERFACES,
  ...CONTACT_INTERFACES,
];

export interface JiandaoyunOptions {
  /** 0 or absent takes a free one. */
  readonly port?: number | undefined;
  /** Draws ids, keys, secrets and faults. */
  readonly seed?: number | undefined;
  readonly faults?: readonly Fault[] | undefined;
  readonly clock?: ClockOptions | undefined;
  /** Keeps the state in this folder over restarts; in memory only when absent. */
  readonly dataDir?: string | undefined;
  /** Applications to set up, each unless one of its name exists already. */
  readonly apps?: readonly AppDefinition[] | undefined;
  readonly switches?: SwitchChanges | undefined;
}

export interface JiandaoyunCredentials {
  readonly apiKey: string;
  /** The first application; empty when there is none. */
  readonly appId: string;
  /** Secret of pushes that are set up without one of their own. */
  readonly webhookSecret: string;
}

export interface Jiandaoyun {
  /** "http://127.0.0.1:1234"; the API is below `/api/`. */
  readonly baseUrl: string;
  readonly credentials: JiandaoyunCredentials;
  /** Ids of the applications named in the options. */
  readonly apps: readonly CreatedApp[];
  readonly clock: SimClock;
  readonly store: Store;
  /** Late commits that still wait. */
  pendingCommits(): number;
  close(): Promise<void>;
}

/** Starts a simulated 简道云 company. @throws Error when the port is taken or the folder cannot be written */
export async function startJiandaoyun(options: JiandaoyunOptions = {}): Promise<Jiandaoyun> {
  const seed = options.seed ?? SEED_DEFAULT;
  const clock = createClock(options.clock);
  const ids = createIds(seed);
  const store = new Store(clock, ids, options.dataDir);
  const simulator = new Simulator(store, seed, options);
  const server = await startHttpServer({
    port: options.port,
    now: () => (simulator.switches.clockInHeaders ? clock.now() : Date.now()),
    handler: (exchange) => simulator.serve(exchange),
    onError: (error) => simulator.answerError(error),
  });
  simulator.origin = server.origin;
  const apps = (options.apps ?? []).map((app) => simulator.ensureApp(app));
  return {
    baseUrl: server.origin,
    credentials: { ...simulator.secrets, appId: [...store.apps.keys()][0] ?? "" },
    apps,
    clock,
    store,
    pendingCommits: () => simulator.pendingCommits,
    close: async () => {
      simulator.close();
      await server.close();
      store.close();
    },
  };
}

class Simulator implements Controls, PersonContext {
  readonly store: Store;
  readonly faults: FaultBoard;
  readonly requests = new RequestLog();
  readonly pushes: PushSender;
  readonly secrets: { readonly apiKey: string; readonly webhookSecret: string };
  readonly #late = new LateWork();
  readonly #rates = new RateLimits();
  readonly #uploadTokens = new Map<string, UploadToken>();
  switches;
  origin = "";
  #underWay = 0;

  constructor(store: Store, seed: number, options: JiandaoyunOptions) {
    this.store = store;
    this.switches = createSwitches(options.switches);
    this.faults = new FaultBoard(seed, options.faults ?? []);
    this.secrets = seedCompany(store, seed);
    this.pushes = new PushSender(
      store,
      () => this.switches,
      () => this.faults.pushes,
    );
  }

  get defaultSecret(): string {
    return this.secrets.webhookSecret;
  }

  get pendingCommits(): number {
    return this.#late.pending;
  }

  close(): void {
    this.#late.close();
    this.pushes.close();
  }

  ensureApp(definition: AppDefinition): CreatedApp {
    const existing = [...this.store.apps.values()].find(({ name }) => name === definition.name);
    if (existing !== undefined) return describeApp(this.store, existing.appId);
    return createApp(definition, this);
  }

  async serve(exchange: Exchange): Promise<void> {
    const { path } = exchange;
    if (path.startsWith("/api/")) return this.#serveVendor(exchange, path.slice("/api/".length));
    if (path.startsWith("/_person/"))
      return exchange.reply(this.#actAsPerson(exchange, path.slice("/_person/".length)));
    if (path.startsWith("/_sim/")) return exchange.reply(this.#control(exchange, path.slice("/_sim/".length)));
    if (path.startsWith("/_files/")) return exchange.reply(serveFile(exchange, this.store));
    if (path === "/_upload") return this.#serveUpload(exchange);
    throw new FaceError(404, `nothing at ${path}`);
  }

  async #serveVendor(exchange: Exchange, path: string): Promise<void> {
    const found = exchange.method === "POST" ? findInterface(path) : undefined;
    this.requests.count(found?.called.operation ?? "unknown", Date.now());
    if (found === undefined) throw new VendorError(17017, `${exchange.method} ${path}`, 404);
    const { called, parameters } = found;
    const key = admit(this.store, exchange.headers.authorization, called.path, ipOf(exchange));
    if (exchange.rawBody.length > BODY_LIMIT_BYTES) throw new VendorError(1, "more than 2 MB", 413);
    if (this.#underWay >= (this.switches.concurrencyMax ?? Number.POSITIVE_INFINITY)) return exchange.reply(TOO_MANY);
    this.#rates.take(called.path, called.rate, this.switches);
    const body = { ...parseBody(exchange.text), ...parameters };
    this.#underWay += 1;
    try {
      await this.#perform(exchange, called, body, key);
    } finally {
      this.#underWay -= 1;
    }
  }

  #perform(exchange: Exchange, called: Interface, body: Body, key: ApiKey): Promise<void> {
    const call = {
      operation: called.operation,
      text: exchange.text,
      writes: called.effect !== "read",
      creates: called.effect === "create",
      elements: elementsOf(body),
    };
    const work = {
      run: (fault: ArmedFault | undefined) => this.#run(called, body, key, fault),
      failure: (fault: ArmedFault) => this.#failure(called, fault),
      sessionLost: () => this.answerError(new VendorError(17018)),
      throttled: (fault: ArmedFault) => this.#throttled(fault),
    };
    return perform(exchange, call, work, { faults: this.faults.calls, late: this.#late });
  }

  #run(called: Interface, body: Body, key: ApiKey, fault: ArmedFault | undefined): Answer {
    try {
      const answer = called.handle(body, {
        store: this.store,
        switches: this.switches,
        origin: this.origin,
        key,
        fault,
        uploadTokens: this.#uploadTokens,
        onWorkflowStep: (instanceId) => pushWorkflowStep(instanceId, this),
      });
      return { status: 200, body: renderJson(answer) };
    } catch (error) {
      return this.answerError(error);
    }
  }

  /** A failure that the data does not explain. An empty page is one too, and the worst: nothing in it says so. */
  #failure(called: Interface, fault: ArmedFault): Answer {
    if (fault.variant === "empty-page") return { status: 200, body: renderJson({ data: [] }) };
    const message = fault.message ?? "操作失败";
    if (called.path.includes("workflow/")) {
      return { status: 200, body: renderJson({ status: "failure", code: 50008, message }) };
    }
    return { status: 400, body: renderJson({ code: 4000, msg: message }) };
  }

  #throttled({ variant }: ArmedFault): Answer {
    if (variant === "429") return TOO_MANY;
    return this.answerError(new VendorError(variant === "8304" ? 8304 : 8303));
  }

  async #serveUpload(exchange: Exchange): Promise<void> {
    this.requests.count("upload", Date.now());
    exchange.reply(receiveUpload(exchange, this.store, this.#uploadTokens));
  }

  #actAsPerson(exchange: Exchange, name: string): Answer {
    const action = PERSON_ACTIONS[name];
    if (action === undefined) throw new FaceError(404, `no action ${name}`);
    return { status: 200, body: renderJson(action(faceBody(exchange) ?? {}, this)) };
  }

  #control(exchange: Exchange, name: string): Answer {
    const control = CONTROLS[name];
    if (control === undefined) throw new FaceError(404, `no control ${name}`);
    return { status: 200, body: renderJson(control(faceBody(exchange), this)) };
  }

  answerError(error: unknown): Answer {
    if (error instanceof VendorError) {
      const msg = textOf(error.code, this.switches.errorLanguage, error.detail);
      return { status: error.status, body: renderJson({ code: error.code, msg }) };
    }
    if (error instanceof FaceError) return { status: error.status, body: renderJson({ error: error.message }) };
    return { status: 500, body: renderJson({ error: error instanceof Error ? error.message : String(error) }) };
  }
}

const TOO_MANY: Answer = { status: 429, body: "Too Many Requests", contentType: "text/plain" };

/** The company as it is on its first day: its creator, its root department, one key that may do everything. */
function seedCompany(store: Store, seed: number): { apiKey: string; webhookSecret: string } {
  const drawn = createIds(seed ^ 0x5eed);
  const apiKey = drawn.hex(KEY_CHARACTERS);
  const webhookSecret = drawn.hex(SECRET_CHARACTERS);
  if (store.members.size > 0) return { apiKey, webhookSecret };
  const id = store.ids.objectId(store.clock.now());
  store.commit([
    { kind: "department", department: { dept_no: 1, name: "公司", parent_no: 0 } },
    {
      kind: "member",
      member: { id, username: COMPANY_CREATOR, name: "管理员", departments: [1], status: 1, type: 0 },
    },
    { kind: "key", key: { apiKey, name: "default", enabled: true, ips: [] } },
  ]);
  return { apiKey, webhookSecret };
}

const ROUTES = INTERFACES.map((called) => ({ called, parts: called.path.split("/") }));

function findInterface(path: string): { called: Interface; parameters: Body } | undefined {
  const parts = path.split("/");
  for (const route of ROUTES) {
    if (route.parts.length !== parts.length) continue;
    if (!route.parts.every((part, index) => part.startsWith(":") || part === parts[index])) continue;
    const named = route.parts.flatMap((part, index) =>
      part.startsWith(":") ? [[part.slice(1), parts[index] ?? ""] as const] : [],
    );
    return { called: route.called, parameters: Object.fromEntries(named) };
  }
  return undefined;
}

/** @throws VendorError 1 for what is no JSON object */
function parseBody(text: string): Body {
  const body = parseJson(text === "" ? "{}" : text);
  if (!isObject(body)) throw new VendorError(1);
  return body;
}

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @returns undefined for a request without a body */
function faceBody(exchange: Exchange): unknown {
  if (exchange.text.trim() === "") return undefined;
  const body = parseJson(exchange.text);
  if (body === undefined) throw new FaceError(400, "the body is not JSON");
  return body;
}

/** The server listens on this machine only; whoever wants to come from elsewhere says so as a proxy would. */
function ipOf(exchange: Exchange): string {
  const forwarded = z.string().safeParse(exchange.headers["x-forwarded-for"]);
  return forwarded.success ? (forwarded.data.split(",")[0]?.trim() ?? "") : "127.0.0.1";
}
