/** One request of Service Layer, alone or out of a batch: from method and path to an answer. */

import type { ArmedFault } from "../shared/faults.ts";
import { type JsonOut, parseJson } from "../shared/json.ts";
import { emptyAnswer, jsonAnswer, type ServiceAnswer, textAnswer } from "./answers.ts";
import { runCrossJoin } from "./cross-join.ts";
import { invalidProperty, notFound, notSupported, ServiceError, unknownResource, type Version } from "./errors.ts";
import { checkIfMatch, etagOf } from "./etags.ts";
import type { UpdateMode } from "./merge.ts";
import { metadataXml } from "./metadata.ts";
import { type Entry, scalarText } from "./model.ts";
import { act, create, createDraft, remove, update } from "./operations.ts";
import { DOCUMENT_KINDS } from "./document-kinds.ts";
import {
  contextName,
  findAll,
  isDocumented,
  type ListRequest,
  listPage,
  parseExpand,
  parseSelect,
  writeEntity,
} from "./queries.ts";
import { keyInUrl, parseOptions, parsePath, recordKey, type ResourcePath } from "./resource-path.ts";
import type { SetDefinition, Verb } from "./schema.ts";
import { runService, SERVICES } from "./services.ts";
import { runSqlQuery } from "./sql-queries.ts";
import { isRecord, readRow, type Spelling, writeValue } from "./values.ts";
import type { Context, World } from "./world.ts";

export type ServiceRequest = {
  readonly version: Version;
  readonly method: string;
  /** behind the service root, as sent, without the query */
  readonly path: string;
  /** as sent, without the question mark */
  readonly query: string;
  /** lower-case names */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  /** "https://host:50000/b1s/v2/" */
  readonly root: string;
};

export type Traits = { readonly operation: string; readonly writes: boolean; readonly creates: boolean };

const PLAIN_BODY = "text/plain;charset=utf-8";

/** POST with X-HTTP-Method-Override is what the header says (guide §3.5). */
export function methodOf(request: ServiceRequest): string {
  const override = request.headers["x-http-method-override"]?.toUpperCase();
  if (request.method !== "POST" || override === undefined) return request.method;
  return override === "MERGE" ? "PATCH" : override;
}

export function decodedPath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** What a request is, before anything of it runs: for faults and counters. */
export function traitsOf(request: ServiceRequest): Traits {
  const path = parsePath(decodedPath(request.path));
  const method = methodOf(request);
  const is = (operation: string, writes: boolean, creates = false): Traits => ({ operation, writes, creates });
  if (path === undefined || path.name === "$metadata") return is("metadata", false);
  if (path.name === "$crossjoin" || path.name === "QueryService_PostQuery") return is("query", false);
  if (path.name === "SQLQueries" && path.rest[0] === "List") return is("query", false);
  if (path.name === "JournalVouchersService_Add") return is("save", true, true);
  if (SERVICES.has(path.name)) return is("service", method !== "GET" && !/_Get|_Round/.test(path.name));
  switch (method) {
    case "GET":
      return is(path.key === undefined ? "query" : "view", false);
    case "POST":
      return path.key === undefined ? is("save", true, true) : is("cancel", true);
    case "DELETE":
      return is("delete", true);
    default:
      return is("update", true);
  }
}

/**
 * Runs one request. A write is one transaction of its own, unless it runs inside one (a change set).
 *
 * @throws ServiceError
 */
export function runRequest(context: Context, request: ServiceRequest, fault: ArmedFault | undefined): ServiceAnswer {
  const path = parsePath(decodedPath(request.path));
  const { world } = context;
  const style = world.settings.jsonStyle;
  if (request.path === "" || request.path === "/")
    return jsonAnswer(request.version, style, serviceDocument(world, request));
  if (path === undefined) throw unknownResource();
  if (path.name === "$metadata") return metadata(world, request);
  if (path.name === "$crossjoin")
    return runCrossJoin(world, path.key ?? "", parseOptions(request.query), request, style);
  if (SERVICES.has(path.name)) return runService(context, path.name, request);
  const set = world.schema.sets.get(path.name);
  if (set === undefined) throw unknownResource();
  checkRights(context, set, traitsOf(request).operation);
  return new SetRequest(context, set, path, request, fault).run();
}

/** Rights that an administrator took away (code and text: the simulator's choice). */
function checkRights({ world, origin }: Context, set: SetDefinition, operation: string): void {
  for (const right of [`${origin.user}|${set.name}|${operation}`, `${origin.user}|${set.name}|*`]) {
    if (world.revoked.has(right)) throw new ServiceError(-5002, "You are not permitted to perform this action");
  }
}

export function spellingOf(world: World, version: Version): Spelling {
  const { dateStyleV2, batchNumberName } = world.settings;
  return { version, dateStyleV2, batchNumberName };
}

export function bodyOf(text: string): unknown {
  if (text.trim() === "") return {};
  const body = parseJson(text);
  if (body === undefined) throw new ServiceError(-1000, "Invalid JSON format in request body");
  return body;
}

const ACTION_METHODS = new Set(["POST"]);

class SetRequest {
  readonly #context: Context;
  readonly #world: World;
  readonly #set: SetDefinition;
  readonly #path: ResourcePath;
  readonly #request: ServiceRequest;
  readonly #fault: ArmedFault | undefined;
  readonly #spelling: Spelling;

  constructor(
    context: Context,
    set: SetDefinition,
    path: ResourcePath,
    request: ServiceRequest,
    fault: ArmedFault | undefined,
  ) {
    this.#context = context;
    this.#world = context.world;
    this.#set = set;
    this.#path = path;
    this.#request = request;
    this.#fault = fault;
    this.#spelling = spellingOf(context.world, request.version);
  }

  run(): ServiceAnswer {
    const method = methodOf(this.#request);
    if (this.#path.key === undefined) return this.#onSet(method);
    const key = recordKey(this.#set, this.#world.schema, this.#path.key);
    if (key === undefined) throw notFound();
    const [below] = this.#path.rest;
    if (below !== undefined) return this.#below(method, key, below);
    switch (method) {
      case "GET":
        return this.#read(key);
      case "PATCH":
      case "PUT":
        return this.#change(key, method === "PUT");
      case "DELETE":
        this.#allow("DELETE");
        this.#world.store.transact(() => {
          checkIfMatch(this.#entry(key), this.#ifMatch());
          remove(this.#context, this.#set, key);
        });
        return emptyAnswer();
      default:
        throw notSupported();
    }
  }

  #onSet(method: string): ServiceAnswer {
    const [below] = this.#path.rest;
    if (method === "GET" && below === "$count") return textAnswer(String(findAll(this.#list()).length));
    if (below !== undefined) throw unknownResource();
    if (method === "GET") return this.#query();
    if (method === "POST") return this.#create();
    throw notSupported();
  }

  #list(): ListRequest {
    const { headers } = this.#request;
    return {
      world: this.#world,
      set: this.#set,
      options: parseOptions(this.#request.query),
      spelling: this.#spelling,
      pageSize: askedPageSize(headers),
      caseInsensitive: headers["b1s-caseinsensitive"]?.toLowerCase() === "true",
      root: this.#request.root,
    };
  }

  #query(): ServiceAnswer {
    const reorder = this.#fault?.kind === "reorder";
    const shuffled = (rows: JsonOut[]): JsonOut[] => this.#world.random.shuffled(rows);
    const page = listPage(this.#list(), reorder ? shuffled : undefined);
    const asked = preference(this.#request.headers, "odata.maxpagesize");
    const headers: Record<string, string> =
      asked === undefined ? {} : { "Preference-Applied": `odata.maxpagesize=${asked}` };
    return jsonAnswer(this.#request.version, this.#world.settings.jsonStyle, page, { headers });
  }

  #read(key: string): ServiceAnswer {
    const entry = this.#entry(key);
    const options = parseOptions(this.#request.query);
    for (const name of options.keys()) {
      if (!isDocumented(name)) throw new ServiceError(201, "Not supported query string");
    }
    const select = parseSelect(this.#world.schema.type(this.#set.type), options.get("$select"));
    return this.#entity(entry, select, parseExpand(options.get("$expand")));
  }

  #entity(
    entry: Entry,
    select: ReadonlySet<string> | undefined,
    expand: readonly string[] = [],
    rest: { status?: number; headers?: Readonly<Record<string, string>> } = {},
  ): ServiceAnswer {
    const suffix = this.#request.version === "v1" ? "@Element" : "$entity";
    const body = {
      [contextName(this.#request.version)]: `${this.#request.root}$metadata#${this.#set.name}/${suffix}`,
      ...writeEntity(this.#world, this.#set, entry, this.#spelling, select, expand),
    };
    const projected = select !== undefined && this.#world.settings.selectEtagBug;
    const tag: Record<string, string> = this.#set.etag && !projected ? { ETag: etagOf(entry) } : {};
    const headers = { ...tag, ...rest.headers };
    return jsonAnswer(this.#request.version, this.#world.settings.jsonStyle, body, { ...rest, headers });
  }

  #create(): ServiceAnswer {
    this.#allow("POST");
    const input = this.#input();
    this.#refuseUnapproved(input);
    const key = this.#world.store.transact(() => create(this.#context, this.#set, input));
    if (this.#fault?.kind === "apply-twice") this.#createAgain(input);
    const location = this.#request.root + keyInUrl(this.#set, this.#world.schema, key);
    if (preference(this.#request.headers, "return-no-content") !== undefined) {
      const { pathname } = new URL(location);
      return emptyAnswer({ Location: pathname, "Preference-Applied": "return-no-content" });
    }
    return this.#entity(this.#entry(key), undefined, [], { status: 201, headers: { Location: location } });
  }

  /** Done twice, named once. Where a unique key stands in the way, the database has kept its promise. */
  #createAgain(input: ReturnType<typeof readRow>): void {
    try {
      this.#world.store.transact(() => create(this.#context, this.#set, input));
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
    }
  }

  /** An approval template catches the document: a draft is made, and the POST says that nothing was found. */
  #refuseUnapproved(input: ReturnType<typeof readRow>): void {
    const kind = DOCUMENT_KINDS.get(this.#set.name);
    if (kind === undefined || !this.#world.settings.approvalTemplates.includes(this.#set.name)) return;
    this.#world.store.transact(() => createDraft(this.#context, input, kind.objectCode));
    throw notFound();
  }

  #change(key: string, put: boolean): ServiceAnswer {
    this.#allow("PATCH");
    const input = this.#input();
    const mode: UpdateMode = {
      put,
      replace: this.#request.headers["b1s-replacecollectionsonpatch"]?.toLowerCase() === "true",
      linePatchMode: this.#world.settings.linePatchMode,
    };
    this.#world.store.transact(() => {
      checkIfMatch(this.#entry(key), this.#ifMatch());
      update(this.#context, this.#set, key, input, mode);
    });
    return emptyAnswer();
  }

  /** A bound action, one property, or a sub-collection, which takes no writes of its own. */
  #below(method: string, key: string, below: string): ServiceAnswer {
    if (this.#set.name === "SQLQueries" && below === "List") {
      return runSqlQuery(this.#world, key, this.#request);
    }
    const property = this.#world.schema.type(this.#set.type).properties.get(below.replace(/\(.*$/s, ""));
    if (ACTION_METHODS.has(method)) {
      if (!this.#set.actions.includes(below)) throw new ServiceError(-1008, "Command Not Found");
      return this.#act(key, below);
    }
    if (method === "DELETE") throw notSupported();
    if (method !== "GET") throw new ServiceError(-1008, "Command Not Found");
    if (property === undefined) throw invalidProperty(below, this.#set.type);
    const { row } = this.#entry(key);
    const value = writeValue(property, row[property.name], this.#world.schema, this.#spelling);
    if (this.#path.rest[1] === "$value") return textAnswer(scalarText(row[property.name]), PLAIN_BODY);
    return jsonAnswer(this.#request.version, this.#world.settings.jsonStyle, { value });
  }

  #act(key: string, action: string): ServiceAnswer {
    const made = this.#world.store.transact(() => {
      checkIfMatch(this.#entry(key), this.#ifMatch());
      return act(this.#context, this.#set, key, action);
    });
    return made === undefined ? emptyAnswer() : this.#entity(this.#entry(made), undefined);
  }

  #input(): ReturnType<typeof readRow> {
    const body = bodyOf(this.#request.text);
    if (!isRecord(body)) throw new ServiceError(-1000, "Invalid JSON format in request body");
    const { memoLength } = this.#world.settings;
    return readRow(this.#world.schema.type(this.#set.type), body, { schema: this.#world.schema, memoLength });
  }

  #entry(key: string): Entry {
    const entry = this.#world.store.get(this.#set.name, key);
    if (entry === undefined) throw notFound();
    return entry;
  }

  #allow(verb: Verb): void {
    if (!this.#set.verbs.includes(verb)) throw notSupported();
  }

  #ifMatch(): string | undefined {
    return this.#set.etag ? this.#request.headers["if-match"] : undefined;
  }
}

/** `Prefer: odata.maxpagesize=N` before `B1S-PageSize: N` before the server's own (guide §3.7.6, §6.2). */
function askedPageSize(headers: ServiceRequest["headers"]): number | undefined {
  const asked = preference(headers, "odata.maxpagesize") ?? headers["b1s-pagesize"];
  return asked !== undefined && /^\d{1,9}$/.test(asked.trim()) ? Number(asked) : undefined;
}

/** @returns the value of one preference, "" for a bare token; undefined when it is not stated */
export function preference(headers: ServiceRequest["headers"], name: string): string | undefined {
  for (const one of (headers["prefer"] ?? "").split(/[,;]/)) {
    const [token = "", value = ""] = one.split("=").map((part) => part.trim());
    if (token.toLowerCase() === name) return value;
  }
  return undefined;
}

function serviceDocument(world: World, request: ServiceRequest): JsonOut {
  const value = [...world.schema.sets.keys()].map((name) => ({ name, kind: "EntitySet", url: name }));
  return { [contextName(request.version)]: `${request.root}$metadata`, value };
}

function metadata(world: World, request: ServiceRequest): ServiceAnswer {
  const asked = request.headers["odata-version"] === "4.0" ? "v2" : request.version;
  const mapping = world.settings.mappingInfo && request.headers["b1s-withmappinginfo"] === "1";
  return textAnswer(metadataXml(world.schema, asked, mapping), "application/xml;charset=utf-8");
}
