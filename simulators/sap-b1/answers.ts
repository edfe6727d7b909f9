/** One answer of Service Layer before it becomes HTTP or a part of a batch. */

import type { JsonOut } from "../shared/json.ts";
import { errorJson, ServiceError, type Version } from "./errors.ts";
import { type JsonStyle, sapJson } from "./sap-json.ts";

export type ServiceAnswer = {
  readonly status: number;
  /** "" for 204 */
  readonly body: string;
  readonly contentType: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
};

const SUCCESS: Readonly<Record<Version, string>> = {
  v1: "application/json;odata=minimalmetadata;charset=utf-8",
  v2: "application/json;odata.metadata=minimal;charset=utf-8",
};
const V2_ERROR = "application/json;charset=utf-8";

export const protocolHeader = (version: Version): readonly [name: string, value: string] =>
  version === "v1" ? ["DataServiceVersion", "3.0"] : ["OData-Version", "4.0"];

export function jsonAnswer(
  version: Version,
  style: JsonStyle,
  value: JsonOut,
  rest: { status?: number; headers?: Readonly<Record<string, string>> } = {},
): ServiceAnswer {
  return {
    status: rest.status ?? 200,
    body: sapJson(value, style),
    contentType: SUCCESS[version],
    headers: rest.headers ?? {},
  };
}

export const textAnswer = (body: string, contentType = "text/plain;charset=utf-8"): ServiceAnswer => ({
  status: 200,
  body,
  contentType,
  headers: {},
});

export const emptyAnswer = (headers: Readonly<Record<string, string>> = {}): ServiceAnswer => ({
  status: 204,
  body: "",
  contentType: undefined,
  headers,
});

export function errorAnswer(version: Version, style: JsonStyle, error: ServiceError, inBatch = false): ServiceAnswer {
  return {
    status: error.status,
    body: sapJson(errorJson(version, error.code, error.message, inBatch), style),
    contentType: version === "v1" ? SUCCESS.v1 : V2_ERROR,
    headers: {},
  };
}

/** What Apache says by itself is HTML, never JSON. */
export function htmlPage(status: number, title: string): string {
  return `<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>${status} ${title}</title>\n</head><body>\n<h1>${title}</h1>\n</body></html>\n`;
}
