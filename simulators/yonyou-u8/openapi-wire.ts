/** The JSON of the OpenAPI: answers with an errcode in text, bodies wrapped in the name of the resource, paging in text. */

import type { Answer } from "../shared/http.ts";
import { type JsonOut, writeJson } from "../shared/json.ts";

/** Known texts are the vendor's; 300xx besides 30012 and 30025 are the simulator's choice. */
export const ERRORS = {
  platform: ["10001", "平台错误"],
  u8: ["20005", "U8 服务调用失败"],
  missing: ["30001", "缺少参数"],
  unknownApp: ["30002", "应用或密钥不正确"],
  notAllowed: ["30003", "应用未获得该API的授权"],
  throttled: ["30005", "调用次数超过限制"],
  tokenExpired: ["30012", "参数token已过期"],
  tradeInvalid: ["30013", "参数tradeid无效"],
  tradeOrBiz: ["30014", "参数tradeid与biz_id必须且只能传一个"],
  running: ["30025", "操作正在执行"],
  resultGone: ["30026", "结果不存在"],
} as const satisfies Record<string, readonly [string, string]>;

export class ApiError extends Error {
  readonly code: string;

  constructor(error: readonly [code: string, text: string], detail = "") {
    super(detail === "" ? error[1] : `${error[1]}${detail}`);
    this.code = error[0];
  }
}

/** U8's own refusal, as the platform wraps it. */
export function u8Error(key: string, texts: readonly string[]): ApiError {
  return new ApiError(ERRORS.u8, `:key='${key}';${texts.join(";")};`);
}

export function jsonReply(value: JsonOut): Answer {
  return { status: 200, contentType: "application/json; charset=utf-8", body: writeJson(value) };
}

export function errorReply(code: string, message: string): Answer {
  return jsonReply({ errcode: code, errmsg: message });
}

/** @returns a member of an object, undefined when it is none or has none such */
export function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}

/** @returns text, numbers (which were read as text) and booleans as text; "" for everything else */
export function textAt(value: unknown, name: string): string {
  const member = memberOf(value, name);
  if (typeof member === "string") return member;
  return typeof member === "boolean" ? (member ? "1" : "0") : "";
}

/** @returns the members of a list; a single object counts as a list of one */
export function listAt(value: unknown, name: string): unknown[] {
  const member = memberOf(value, name);
  if (Array.isArray(member)) return member;
  return typeof member === "object" && member !== null ? [member] : [];
}

/** @returns every member of an object that is text, a number or a boolean */
export function textsOf(value: unknown): Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  const names = Object.keys(value);
  return Object.fromEntries(
    names.map((name) => [name, textAt(value, name)] as const).filter(([, text]) => text !== ""),
  );
}

const ROWS_PER_PAGE = 20;
/** Larger pages are cut to this. */
const ROWS_PER_PAGE_MAX = 10_000;

export type Page<Row> = {
  rows: readonly Row[];
  frame: { page_index: string; rows_per_page: string; row_count: string; page_count: string };
};

export function pageOf<Row>(rows: readonly Row[], query: URLSearchParams): Page<Row> {
  const size = Math.min(ROWS_PER_PAGE_MAX, Math.max(1, countIn(query, "rows_per_page") ?? ROWS_PER_PAGE));
  const index = Math.max(1, countIn(query, "page_index") ?? 1);
  return {
    rows: rows.slice((index - 1) * size, index * size),
    frame: {
      page_index: String(index),
      rows_per_page: String(size),
      row_count: String(rows.length),
      page_count: String(Math.ceil(rows.length / size)),
    },
  };
}

function countIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? "";
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** Whether a value lies in the range that `{name}_begin` and `{name}_end` (or _from and _to) give. */
export function inRange(value: string, query: URLSearchParams, name: string): boolean {
  const from = query.get(`${name}_begin`) ?? query.get(`${name}_from`) ?? "";
  const to = query.get(`${name}_end`) ?? query.get(`${name}_to`) ?? "";
  return (from === "" || value >= from) && (to === "" || value <= to);
}

export function equalsOrAbsent(value: string, query: URLSearchParams, name: string): boolean {
  const wanted = query.get(name) ?? "";
  return wanted === "" || value.toLowerCase() === wanted.toLowerCase();
}
