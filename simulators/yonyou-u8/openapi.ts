/** The OpenAPI: token, tradeid, calls with their results, polling. Ends in the same books as EAI. */

import type { ArmedFault } from "../shared/faults.ts";
import type { Answer } from "../shared/http.ts";
import { type JsonOut, parseJson } from "../shared/json.ts";
import type { LateWork } from "../shared/misbehave.ts";
import { DuplicateUpload, type Origin, Refusal } from "./model.ts";
import {
  addDocument,
  archiveRow,
  archivesFor,
  changeArchive,
  currentStock,
  documentKind,
  documentRow,
  documentsFor,
  documentWithLines,
  isArchiveResource,
  turnDocument,
} from "./openapi-stock.ts";
import { accountSums, addVoucher, cancelVoucher, periodRows, voucherDetails, voucherList } from "./openapi-vouchers.ts";
import { ApiError, errorReply, ERRORS, jsonReply, memberOf, pageOf, textAt, u8Error } from "./openapi-wire.ts";
import type { AddResult, Book, World } from "./world.ts";

export type OpenApiOptions = {
  /** life of a token in seconds */
  tokenSeconds: number;
  /** calls that one token may make */
  callsPerTokenMax: number;
  /** how long an asynchronous add takes */
  asyncDelayMs: number;
  /** what ping_after says, in seconds */
  pingAfterSeconds: number;
};

export type ApiCall = {
  resource: string;
  method: string;
  post: boolean;
  query: URLSearchParams;
  text: string;
  requestId: string;
};

const TRADE_MS = 2 * 3_600_000;
const RESULT_MS = 24 * 3_600_000;
/** Whoever calls through the platform makes what comes without a 制单人. */
export const API_USER = "开放平台用户";

const READS = new Set(["get", "batch_get", "tasks", "history", "flowenabled", "buttonstate"]);
const VOUCHER_RESOURCES = new Set(["voucher", "voucherlist", "voucherdetails", "voucherdetaillist"]);
const PERIOD_RESOURCES = new Set(["period", "startperiod", "mendglgz", "mendst"]);

/** @returns the vendor-neutral verb of a call, for faults and counts */
export function apiVerb(resource: string, method: string, world: World): string {
  if (READS.has(method) || resource === "user") return "query";
  if (resource === "voucher") return method === "add" ? "save" : method === "cancel" ? "void" : "query";
  if (method === "verify") return "audit";
  if (method === "unverify") return "unaudit";
  if (documentKind(resource, world) !== undefined) return method === "add" ? "stockSave" : "stockEdit";
  return "baseSave";
}

export class OpenApi {
  readonly #world: World;
  readonly #options: OpenApiOptions;
  readonly #late: LateWork;
  readonly #origin: () => string;
  readonly #tokens = new Map<string, { endsAtMs: number; calls: number }>();
  readonly #trades = new Map<string, { appKey: string; atMs: number }>();
  /** results by "resource|tradeid or biz_id": the latest one counts */
  readonly #byKey = new Map<string, string>();

  constructor(world: World, options: OpenApiOptions, late: LateWork, origin: () => string) {
    this.#world = world;
    this.#options = options;
    this.#late = late;
    this.#origin = origin;
    for (const { id, bizId, tradeId } of world.results.values()) {
      this.#byKey.set(bizId === "" ? tradeId : bizId, id);
    }
  }

  endToken(token: string): void {
    this.#tokens.delete(token);
  }

  endAllTokens(): void {
    this.#tokens.clear();
  }

  // ---- system calls

  token(query: URLSearchParams): Answer {
    const { from_account: from, app_key: key, app_secret: secret } = this.#world.credentials;
    return guarded(() => {
      const [givenFrom, givenKey, givenSecret] = ["from_account", "app_key", "app_secret"].map((name) =>
        need(query, name),
      );
      if (givenFrom !== from || givenKey !== key || givenSecret !== secret) throw new ApiError(ERRORS.unknownApp);
      const id = this.#world.random.hex(32);
      const seconds = this.#options.tokenSeconds;
      // An earlier token stays good until its own end.
      this.#tokens.set(id, { endsAtMs: this.#world.now() + seconds * 1000, calls: 0 });
      return { errcode: "0", errmsg: "", token: { appKey: key, expiresIn: seconds, id } };
    });
  }

  tradeId(query: URLSearchParams): Answer {
    return guarded(() => {
      this.#admit(query, false);
      return { errcode: "0", errmsg: "", trade: { id: this.#newTrade(need(query, "app_key")) } };
    });
  }

  dataSource(name: string, query: URLSearchParams): Answer {
    return guarded(() => {
      this.#admit(query, false);
      const all = [...this.#world.books.values()].map(({ state }, index) => ({
        sequence: String(index + 1),
        id: `(default)@${state.number}`,
        name: state.name,
      }));
      if (name === "batch_get") return { errcode: "0", errmsg: "", datasource: all };
      const found = all.find(({ sequence }) => sequence === need(query, "id"));
      if (!found) throw new ApiError(ERRORS.missing, ":id");
      return { errcode: "0", errmsg: "", datasource: found };
    });
  }

  /** @throws ApiError when the caller may not come in; asked before any delay */
  #admit(query: URLSearchParams, toAccount: boolean): void {
    const { from_account: from, to_account: to, app_key: key } = this.#world.credentials;
    const names = toAccount ? ["from_account", "to_account", "app_key", "token"] : ["from_account", "app_key", "token"];
    for (const name of names) need(query, name);
    if (query.get("from_account") !== from || query.get("app_key") !== key) throw new ApiError(ERRORS.unknownApp);
    if (toAccount && query.get("to_account") !== to) throw new ApiError(ERRORS.notAllowed);
    const token = this.#tokens.get(query.get("token") ?? "");
    if (!token || token.endsAtMs <= this.#world.now()) throw new ApiError(ERRORS.tokenExpired);
    token.calls += 1;
    if (token.calls > this.#options.callsPerTokenMax) throw new ApiError(ERRORS.throttled);
  }

  #newTrade(appKey: string): string {
    const id = this.#world.random.hex(32);
    this.#trades.set(id, { appKey, atMs: this.#world.now() });
    return id;
  }

  // ---- calls

  /** Decides before any delay whether the caller may come in. @returns the refusal, or what runs the call */
  prepare(call: ApiCall): { run: (fault: ArmedFault | undefined) => Answer } {
    let refused: unknown;
    try {
      this.#admit(call.query, true);
    } catch (error) {
      refused = error;
    }
    return {
      run: (fault) =>
        guarded(() => {
          if (refused !== undefined) throw refused;
          return this.#answer(call, fault);
        }),
    };
  }

  #answer(call: ApiCall, fault: ArmedFault | undefined): JsonOut {
    const { resource, method, query } = call;
    const sequence = query.get("ds_sequence") ?? "";
    const book = this.#world.bookAt(sequence === "" ? 1 : Number(sequence));
    if (!book) throw new ApiError(ERRORS.missing, ":ds_sequence");
    if (READS.has(method) === call.post) throw new ApiError(ERRORS.notAllowed, `：${resource}/${method}`);
    this.#checkRight(resource, method);
    if (READS.has(method)) return this.#read(resource, method, query, book, fault);
    const body = parseJson(call.text === "" ? "{}" : call.text);
    if (body === undefined) throw new ApiError(ERRORS.missing, "：请求内容不是有效的JSON");
    if (resource === "user" && method === "login") {
      if (textAt(memberOf(body, "user"), "user_id") === "") throw new ApiError(ERRORS.missing, ":user_id");
      return { errcode: "0", errmsg: "" };
    }
    if (method === "add") return this.#add(call, body, book, fault);
    const origin = this.#originOf(call);
    const id = inU8(query.get("id") ?? "", () => this.#change(resource, method, body, query, book, origin));
    return { errcode: "0", errmsg: "", ...(id === "" ? {} : { id }) };
  }

  #change(resource: string, method: string, body: unknown, query: URLSearchParams, book: Book, origin: Origin): string {
    if (resource === "voucher" && method === "cancel") {
      const key = (query.get("id") ?? "") || textAt(memberOf(body, "voucher"), "id");
      cancelVoucher(key, this.#world, book);
      return "";
    }
    const kind = documentKind(resource, this.#world);
    if (kind !== undefined && (method === "verify" || method === "unverify")) {
      return turnDocument(resource, kind, method === "verify", body, query, this.#world, book, origin);
    }
    if (isArchiveResource(resource) && method === "edit")
      return changeArchive(resource, method, body, this.#world, book);
    throw new ApiError(ERRORS.notAllowed, `：${resource}/${method}`);
  }

  #checkRight(resource: string, method: string): void {
    const right = READS.has(method) ? "query" : method;
    const plain = VOUCHER_RESOURCES.has(resource) ? "voucher" : resource.replace(/list$/, "");
    if ([right, "*"].some((one) => this.#world.revoked.has(`${plain}|${one}`))) throw new ApiError(ERRORS.notAllowed);
  }

  #originOf(call: ApiCall): Origin {
    return { kind: "api", request: call.requestId, user: API_USER };
  }

  // ---- add, at once or later

  #add(call: ApiCall, body: unknown, book: Book, fault: ArmedFault | undefined): JsonOut {
    const { resource, query } = call;
    const kind = documentKind(resource, this.#world);
    if (resource !== "voucher" && kind === undefined && !isArchiveResource(resource)) {
      throw new ApiError(ERRORS.notAllowed, `：${resource}/add`);
    }
    const [trade, biz] = [query.get("tradeid") ?? "", query.get("biz_id") ?? ""];
    if ((trade === "") === (biz === "")) throw new ApiError(ERRORS.tradeOrBiz);
    const key = `${book.state.number}|${resource}|${trade === "" ? biz : trade}`;
    const earlier = this.#world.results.get(this.#byKey.get(key) ?? "");
    if (earlier?.errcode === null) throw new ApiError(ERRORS.running);
    if (earlier?.errcode === "0" && fault?.kind !== "apply-twice") return finished(earlier);
    if (trade !== "" && !this.#goodTrade(trade, query.get("app_key") ?? "")) throw new ApiError(ERRORS.tradeInvalid);
    const tradeId = trade === "" ? this.#newTrade(query.get("app_key") ?? "") : trade;
    const started: AddResult = {
      id: this.#world.random.hex(32),
      bizId: trade === "" ? key : "",
      tradeId: trade === "" ? tradeId : key,
      at: this.#world.now(),
      errcode: null,
      errmsg: "",
      documentId: "",
    };
    this.#byKey.set(key, started.id);
    this.#world.results.set(started.id, started);
    const work = (): AddResult => this.#runAdd(started, call, body, book, fault);
    if (query.get("sync") === "1") {
      const result = work();
      if (result.errcode !== "0") throw new ApiError([result.errcode ?? "", result.errmsg]);
      return finished(result);
    }
    this.#late.later(this.#options.asyncDelayMs, () => {
      work();
      this.#world.flush();
    });
    return { ...this.#waiting(started.id), tradeid: tradeId };
  }

  #runAdd(started: AddResult, call: ApiCall, body: unknown, book: Book, fault: ArmedFault | undefined): AddResult {
    const { resource } = call;
    const kind = documentKind(resource, this.#world);
    const origin = this.#originOf(call);
    let result: AddResult;
    try {
      const key = textAt(memberOf(body, resource), "code");
      const documentId = inU8(key, () => {
        if (resource === "voucher") return addVoucher(body, this.#world, book, origin, fault);
        if (kind !== undefined) return addDocument(resource, kind, body, this.#world, book, origin, fault);
        return changeArchive(resource, "add", body, this.#world, book);
      });
      if (fault?.kind === "already-exists") throw u8Error(key, ["数据重复上传"]);
      result = { ...started, errcode: "0", documentId };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      result = { ...started, errcode: error.code, errmsg: error.message };
    }
    this.#world.keepResult(result);
    return result;
  }

  #goodTrade(id: string, appKey: string): boolean {
    const trade = this.#trades.get(id);
    return trade !== undefined && trade.appKey === appKey && this.#world.now() - trade.atMs < TRADE_MS;
  }

  #waiting(id: string): { url: string; ping_after: number } {
    return { url: `${this.#origin()}/result?requestid=${id}`, ping_after: this.#options.pingAfterSeconds };
  }

  /** GET on the url of an asynchronous answer; nobody logs in for it. */
  poll(query: URLSearchParams): Answer {
    return guarded(() => {
      const result = this.#world.results.get(query.get("requestid") ?? "");
      if (!result || this.#world.now() - result.at > RESULT_MS) throw new ApiError(ERRORS.resultGone);
      if (result.errcode !== null) return finished(result);
      if (this.#world.settings.pollRunning === "30025") throw new ApiError(ERRORS.running);
      return { ...this.#waiting(result.id), tradeid: tradeOf(result) };
    });
  }

  // ---- reading

  #read(resource: string, method: string, query: URLSearchParams, book: Book, fault: ArmedFault | undefined): JsonOut {
    const world = this.#world;
    const arrange = <Row>(rows: readonly Row[]): readonly Row[] =>
      fault?.kind === "reorder" ? world.random.shuffled(rows) : rows;
    const paged = <Row>(rows: readonly Row[], name: string, show: (row: Row) => JsonOut): JsonOut => {
      const page = pageOf(rows, query);
      return { errcode: "0", errmsg: "", ...page.frame, [name]: arrange(page.rows).map(show) };
    };
    if (resource === "orderstatus") {
      return { errcode: "0", errmsg: "", orderstatus: { version: "1", status: "1", expiration_time: "2099-12-31" } };
    }
    if (resource === "account") {
      const rows = [...world.books.values()].map(({ state }) => ({ cacc_id: state.number, cacc_name: state.name }));
      return paged(rows, "account", (row) => row);
    }
    if (resource === "voucherlist" && method === "batch_get") {
      const page = pageOf(voucherList(world, book, query), query);
      return { errcode: "0", errmsg: "", ...page.frame, voucherlist: { entry: [...arrange(page.rows)] } };
    }
    if ((resource === "voucherdetails" || resource === "voucherdetaillist") && method === "batch_get") {
      // No paging on this page of the vendor's: everything comes at once.
      const rows = [...arrange(voucherDetails(world, book, query))];
      const { rowsMax } = world.settings;
      return { errcode: "0", errmsg: "", [resource]: rowsMax === 0 ? rows : rows.slice(0, rowsMax) };
    }
    if (PERIOD_RESOURCES.has(resource)) return paged(periodRows(resource, book), resource, (row) => row);
    if (resource === "accountsum") return paged(accountSums(world, book, query), resource, (row) => row);
    if (resource === "currentstock") return paged(currentStock(world, book, query), resource, (row) => row);
    const listed = /^(.+)list$/.exec(resource)?.[1];
    const listKind = listed === undefined ? undefined : documentKind(listed, world);
    if (listKind !== undefined && method === "batch_get") {
      return paged(documentsFor(world, book, listKind, query), resource, (document) => documentRow(document, book));
    }
    const kind = documentKind(resource, world);
    if (kind !== undefined && method === "get") {
      const document = world.stock.byCode(book.state.number, kind, query.get("id") ?? "");
      if (!document) throw u8Error(query.get("id") ?? "", ["单据不存在"]);
      return { errcode: "0", errmsg: "", [resource]: documentWithLines(document, book) };
    }
    if (isArchiveResource(resource) && method === "get") {
      const archive = book.archives.find(resource, query.get("id") ?? "");
      if (!archive) throw u8Error(query.get("id") ?? "", ["档案不存在"]);
      return { errcode: "0", errmsg: "", [resource]: archiveRow(resource, archive) };
    }
    if (isArchiveResource(resource) && method === "batch_get") {
      return paged(archivesFor(resource, book, query), resource, (archive) => archiveRow(resource, archive));
    }
    throw new ApiError(ERRORS.notAllowed, `：${resource}/${method}`);
  }
}

function finished(result: AddResult): JsonOut {
  const { errcode, errmsg, documentId } = result;
  return { errcode: errcode ?? "0", errmsg, tradeid: tradeOf(result), id: documentId };
}

/** The tradeid alone, without book and resource in front. */
function tradeOf(result: AddResult): string {
  return result.tradeId.split("|").at(-1) ?? "";
}

function need(query: URLSearchParams, name: string): string {
  const value = query.get(name) ?? "";
  if (value === "") throw new ApiError(ERRORS.missing, `:${name}`);
  return value;
}

/** Runs something of U8's and words its refusal as the platform does. */
function inU8(key: string, run: () => string): string {
  try {
    return run();
  } catch (error) {
    if (error instanceof DuplicateUpload) throw u8Error(key, [error.message]);
    if (!(error instanceof Refusal)) throw error;
    throw u8Error(
      key,
      error.complaints.map(({ text }) => text),
    );
  }
}

function guarded(run: () => JsonOut): Answer {
  try {
    return jsonReply(run());
  } catch (error) {
    if (error instanceof ApiError) return errorReply(error.code, error.message);
    throw error;
  }
}
