/** A small caller for the tests of this simulator: log-in, JSON bodies, answers as plain values. */

import { request } from "node:http";
import { request as secureRequest } from "node:https";
import { z } from "zod";
import type { SapB1 } from "./server.ts";

export type Reply = {
  status: number;
  text: string;
  headers: Record<string, string | string[] | undefined>;
  /** the body as JSON; undefined when it is none */
  json: unknown;
};

export type Sent = {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
  root?: "v1" | "v2";
};

export type Client = {
  readonly cookie: string;
  call(path: string, sent?: Sent): Promise<Reply>;
  get(path: string, headers?: Record<string, string>): Promise<Reply>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Reply>;
  batch(body: string, options?: { root?: "v1" | "v2"; headers?: Record<string, string> }): Promise<Reply>;
  person(act: string, body?: unknown): Promise<Record<string, unknown>>;
};

export const BOUNDARY = "batch_7c1d";

export function send(
  simulator: SapB1,
  path: string,
  sent: { method: string; body?: string; headers?: Record<string, string> },
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const make = simulator.ca === undefined ? request : secureRequest;
    const options = { method: sent.method, headers: sent.headers ?? {}, agent: false as const };
    const trusted = simulator.ca === undefined ? options : { ...options, ca: simulator.ca };
    const call = make(`${simulator.origin}${path}`, trusted, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        resolve({ status: response.statusCode ?? 0, text, headers: response.headers, json: parsed(text) });
      });
    });
    call.on("error", reject);
    call.end(sent.body);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export async function logIn(simulator: SapB1, root: "v1" | "v2" = "v2"): Promise<Client> {
  const { companyDb, userName, password } = simulator.credentials;
  const body = JSON.stringify({ CompanyDB: companyDb, UserName: userName, Password: password });
  const login = await send(simulator, `/b1s/${root}/Login`, { method: "POST", body });
  const cookies = z.array(z.string()).parse(login.headers["set-cookie"]);
  const cookie = cookies.map((one) => one.split(";")[0] ?? "").join("; ");
  const call: Client["call"] = (path, sent = {}) => {
    const text = typeof sent.body === "string" ? sent.body : JSON.stringify(sent.body);
    const headers = { Cookie: cookie, "Content-Type": "application/json", ...sent.headers };
    return send(simulator, `/b1s/${sent.root ?? root}/${path}`, {
      method: sent.method ?? "GET",
      ...(sent.body === undefined ? {} : { body: text }),
      headers,
    });
  };
  return {
    cookie,
    call,
    get: (path, headers = {}) => call(path, { headers }),
    post: (path, data, headers = {}) => call(path, { method: "POST", body: data, headers }),
    batch: (text, options = {}) =>
      call("$batch", {
        method: "POST",
        body: text,
        headers: { "Content-Type": `multipart/mixed; boundary=${BOUNDARY}`, ...options.headers },
        ...(options.root === undefined ? {} : { root: options.root }),
      }),
    person: async (act, data) => {
      const reply = await send(simulator, `/_person/${act}`, {
        method: data === undefined ? "GET" : "POST",
        ...(data === undefined ? {} : { body: JSON.stringify(data) }),
      });
      return z.record(z.string(), z.unknown()).parse(reply.json);
    },
  };
}

const CRLF = "\r\n";

/** A change set in a batch, framed as the guide does; each operation is `[method, path, body]`. */
export function changeSet(...operations: readonly (readonly [method: string, path: string, body?: unknown])[]): string {
  const parts = operations.map(([method, path, body], index) =>
    [
      "--changeset_19aa",
      "Content-Type: application/http",
      "Content-Transfer-Encoding: binary",
      `Content-ID: ${index + 1}`,
      "",
      `${method} ${path} HTTP/1.1`,
      "Content-Type: application/json",
      "",
      body === undefined ? "" : JSON.stringify(body),
      "",
    ].join(CRLF),
  );
  return [
    `--${BOUNDARY}`,
    "Content-Type: multipart/mixed; boundary=changeset_19aa",
    "",
    `${parts.join(CRLF)}--changeset_19aa--`,
    "",
  ].join(CRLF);
}

export const batchOf = (...parts: readonly string[]): string => `${parts.join("")}--${BOUNDARY}--${CRLF}`;

export const getPart = (path: string): string =>
  [
    `--${BOUNDARY}`,
    "Content-Type: application/http",
    "Content-Transfer-Encoding: binary",
    "",
    `GET ${path} HTTP/1.1`,
    "",
    "",
    "",
  ].join(CRLF);

/** A receipt of goods without invoice: 1405 against 2202.02. */
export function receipt(key: string, change: Record<string, unknown> = {}, amount = "128.50"): Record<string, unknown> {
  return {
    ReferenceDate: "2025-01-31",
    Memo: `暂估入库 ${key}`,
    Reference: key,
    JournalEntryLines: [
      { AccountCode: "1405", Debit: amount, Credit: "0", LineMemo: "入库" },
      { AccountCode: "2202.02", Debit: "0", Credit: amount },
    ],
    ...change,
  };
}
