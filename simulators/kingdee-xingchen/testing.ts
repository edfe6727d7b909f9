/** A small caller for the tests of this simulator: it signs on its own, so that a misreading cannot agree with itself. */

import { createHmac } from "node:crypto";
import { z } from "zod";
import type { Credentials, KingdeeXingchen } from "./server.ts";

const TOKEN_PATH = "/jdyconnector/app_management/kingdee_auth_token";

export const Envelope = z.object({
  errcode: z.number(),
  description: z.string(),
  data: z.unknown().optional(),
});
export type Reply = z.infer<typeof Envelope> & { status: number; text: string };

const Ids = z.object({ ids: z.array(z.string()) });
const Rows = z.object({ count: z.union([z.string(), z.number()]), rows: z.array(z.record(z.string(), z.unknown())) });

export function hmacText(key: string, message: string): string {
  return Buffer.from(createHmac("sha256", key).update(message).digest("hex")).toString("base64");
}

/** The headers of a signed call, made from the words of the vendor's page. */
export function signedHeaders(
  credentials: Credentials,
  method: string,
  path: string,
  query: Readonly<Record<string, string>>,
  nowMs: number,
): Record<string, string> {
  const parameters = Object.keys(query)
    .toSorted()
    .map((name) => `${name}=${encodeURIComponent(encodeURIComponent(query[name] ?? ""))}`)
    .join("&");
  const [nonce, timestamp] = ["4711", String(nowMs)];
  const message = `${method}\n${encodeURIComponent(path)}\n${parameters}\nx-api-nonce:${nonce}\nx-api-timestamp:${timestamp}\n`;
  return {
    "Content-Type": "application/json",
    "X-Api-ClientID": credentials.clientId,
    "X-Api-Auth-Version": "2.0",
    "X-Api-TimeStamp": timestamp,
    "X-Api-Nonce": nonce,
    "X-Api-SignHeaders": "X-Api-TimeStamp,X-Api-Nonce",
    "X-Api-Signature": hmacText(credentials.clientSecret, message),
  };
}

export type Client = {
  token: string;
  call(method: string, path: string, query?: Record<string, string>, body?: unknown): Promise<Reply>;
  /** saves vouchers and gives their ids; throws with the vendor's words when it refuses */
  save(...vouchers: readonly object[]): Promise<string[]>;
  /** all rows of one page of a list */
  list(path: string, query?: Record<string, string>): Promise<Record<string, unknown>[]>;
  detail(path: string, query: Record<string, string>): Promise<Record<string, unknown>>;
  operate(entity: string, operation: string, ids: readonly string[], more?: object): Promise<Reply>;
};

export async function send(
  simulator: KingdeeXingchen,
  headers: Record<string, string>,
  method: string,
  path: string,
  query: Readonly<Record<string, string>> = {},
  body?: unknown,
): Promise<Reply> {
  const suffix = Object.keys(query).length === 0 ? "" : `?${new URLSearchParams(query).toString()}`;
  const content = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(`${simulator.baseUrl}${path}${suffix}`, { method, headers, ...content });
  const text = await response.text();
  const parsed = Envelope.safeParse(parse(text));
  const envelope = parsed.success ? parsed.data : { errcode: -1, description: text, data: null };
  return { ...envelope, status: response.status, text };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Log-in of the account set with that number; the first when absent. */
export async function requestToken(simulator: KingdeeXingchen, credentials: Credentials): Promise<Reply> {
  const query = { app_key: credentials.appKey, app_signature: hmacText(credentials.appSecret, credentials.appKey) };
  const headers = signedHeaders(credentials, "GET", TOKEN_PATH, query, simulator.world.now());
  return send(simulator, headers, "GET", TOKEN_PATH, query);
}

export async function logIn(simulator: KingdeeXingchen, book?: string): Promise<Client> {
  const credentials = book === undefined ? simulator.credentials : simulator.credentialsOf(book);
  const { data, description } = await requestToken(simulator, credentials);
  const issued = z.object({ "app-token": z.string() }).safeParse(data);
  if (!issued.success) throw new Error(description);
  const token = issued.data["app-token"];
  const call: Client["call"] = (method, path, query = {}, body) => {
    const headers = signedHeaders(credentials, method, path, query, simulator.world.now());
    return send(simulator, { ...headers, "app-token": token }, method, path, query, body);
  };
  return {
    token,
    call,
    save: async (...vouchers) => {
      const reply = await call("POST", "/jdy/v2/fi/voucher", {}, { items: vouchers });
      if (reply.errcode !== 0) throw new Error(reply.description);
      return Ids.parse(reply.data).ids;
    },
    list: async (path, query = {}) => {
      const { data } = await call("GET", `/jdy/v2/${path}`, { page_size: "100", ...query });
      return Rows.parse(data).rows;
    },
    detail: async (path, query) => {
      return z.record(z.string(), z.unknown()).parse((await call("GET", `/jdy/v2/${path}`, query)).data);
    },
    operate: (entity, operation, ids, more = {}) => {
      const body = { entity_number: entity, operate_type: operation, ids, ...more };
      return call("POST", "/jdy/v2/sys/common_operate", {}, body);
    },
  };
}

export async function person(
  simulator: KingdeeXingchen,
  act: string,
  body?: unknown,
): Promise<Record<string, unknown>> {
  const request = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const response = await fetch(`${simulator.origin}/_person/${act}`, request);
  return z.record(z.string(), z.unknown()).parse(await response.json());
}

/** A receipt of goods without invoice: 1405 against 2202.02. */
export function receipt(key: string, change: Record<string, unknown> = {}, amount = "128.50"): Record<string, unknown> {
  return {
    date: "2025-01-31",
    group_number: "记",
    number: "",
    source_bill_no: key,
    entry_list: [
      {
        explanation: `暂估入库 ${key}`,
        account_number: "1405",
        currency_number: "RMB",
        debit_amount: amount,
        credit_amount: "0",
        amount_for: amount,
        dc: "1",
        quantity: "10",
        assist: [
          { type: "bd_material", number: "M-001" },
          { type: "bd_store", number: "CK01" },
        ],
      },
      {
        explanation: `暂估入库 ${key}`,
        account_number: "2202.02",
        debit_amount: "0",
        credit_amount: amount,
        dc: "-1",
        assist: [{ type: "bd_supplier", number: "VEN001" }],
      },
    ],
    ...change,
  };
}
