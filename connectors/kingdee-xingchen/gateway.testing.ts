/** For the tests of this folder: a gateway that answers what a test tells it, without a socket. */

import nock from "nock";
import { businessDate } from "../../domain/dates.ts";
import { decimal, multiply } from "../../domain/decimal.ts";
import { type PostingKey, postingKeyOf } from "../../domain/posting-key.ts";
import type { VoucherDraft, VoucherLine } from "../../domain/voucher.ts";
import type { ConnectorContext, VoucherTarget } from "../contract.ts";
import { createKingdeeXingchen } from "./connector.ts";

export const GATEWAY = "http://xingchen.test";
export const secrets = {
  clientId: "205022",
  clientSecret: "0123456789abcdef0123456789abcdef",
  appKey: "bVZgAZOv",
  appSecret: "first-application-secret",
};

export interface Heard {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
/** HTTP status and body; an object is sent as JSON. */
export type Said = readonly [number, string | object];
export type Script = (heard: Heard) => Said | undefined;

export interface Gateway {
  readonly heard: Heard[];
  /** How often this last part of a path was called. */
  readonly calls: (name: string) => number;
}

export const okay = (data: unknown): Said => [200, { errcode: 0, description: "success", data }];
export const error = (errcode: number, description: string, status = 200): Said => [
  status,
  { errcode, description, data: null },
];
export const TOKEN_NAME = "kingdee_auth_token";
export const nameOf = (heard: Heard): string => heard.path.split("/").at(-1) ?? "";

/** Tokens are given by default; whatever else the script leaves open is `5001`. */
export const scriptGateway = (script: Script): Gateway => {
  const heard: Heard[] = [];
  const answer = (uri: string, body: unknown, request: { method: string; headers: Record<string, unknown> }): Said => {
    const url = new URL(uri, GATEWAY);
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
    );
    const one: Heard = {
      method: request.method,
      path: url.pathname,
      query: url.searchParams,
      headers,
      body: typeof body === "string" ? body : JSON.stringify(body),
    };
    heard.push(one);
    const said = script(one);
    if (said !== undefined) return said;
    if (nameOf(one) === TOKEN_NAME) return okay({ uid: 1, "app-token": "token-of-the-day", expires: 86_400 });
    return error(5001, "API not found", 519);
  };
  nock(GATEWAY)
    .persist()
    .intercept(/.*/, "GET")
    .reply(function reply(uri, body) {
      return sent(answer(uri, body, { method: "GET", headers: this.req.headers }));
    })
    .intercept(/.*/, "POST")
    .reply(function reply(uri, body) {
      return sent(answer(uri, body, { method: "POST", headers: this.req.headers }));
    });
  return { heard, calls: (name) => heard.filter((one) => nameOf(one) === name).length };
};

const sent = ([status, body]: Said): [number, string, Record<string, string>] => [
  status,
  typeof body === "string" ? body : JSON.stringify(body),
  { "Content-Type": "application/json" },
];

export const connect = (
  settings: Record<string, unknown> = {},
  context: Partial<ConnectorContext> = {},
): VoucherTarget =>
  createKingdeeXingchen(
    { book: "001", ...settings },
    {
      connection: "erp",
      baseUrl: `${GATEWAY}/`,
      secrets,
      pacer: { permit: async () => undefined },
      now: () => new Date(),
      log: () => undefined,
      ...context,
    },
  );

export const keyOf = (name: string): PostingKey =>
  postingKeyOf({
    company: "c",
    source: "s",
    form: "f",
    recordId: name,
    ledger: "l",
    purpose: "stock",
    part: 1,
    generation: 1,
  });

/** Goods received without invoice: 1405 against 2202.02. A negative quantity makes it red. */
export const receiptDraft = (
  name: string,
  change: Partial<VoucherDraft> = {},
  quantity = "10",
  price = "12.85",
): VoucherDraft => {
  const amount = multiply(decimal(quantity), decimal(price));
  const line = { summary: `暂估入库 ${name}`, why: "", amount } as const;
  const lines: VoucherLine[] = [
    {
      ...line,
      lineNumber: 1,
      side: "debit",
      role: "inventory",
      account: "1405",
      quantity: decimal(quantity),
      unit: "Pcs",
      unitPrice: decimal(price),
      dimensions: { item: "M-001" },
    },
    {
      ...line,
      lineNumber: 2,
      side: "credit",
      role: "estimated-payables",
      account: "2202.02",
      dimensions: { supplier: "VEN001" },
    },
  ];
  return {
    key: keyOf(name),
    ledger: "main",
    book: "001",
    word: "记",
    date: businessDate("2025-01-31"),
    attachments: 0,
    currency: "CNY",
    documents: [name],
    lines,
    ...change,
  };
};

export const soon = (ms = 20_000): Date => new Date(Date.now() + ms);

/** A row of the voucher list, as the vendor's model has it. */
export const listRow = (id: string, key: string, change: Record<string, unknown> = {}): Record<string, unknown> => ({
  id,
  date: "2025-01-31",
  period: "202501",
  number: id,
  voucher_no: `记-${id}`,
  bill_status: "Z",
  group_number: "记",
  source_bill_no: key,
  ...change,
});
export const listOf = (rows: readonly unknown[], count: number | string = rows.length): Said =>
  okay({ count, page: 1, page_size: 100, current_page_size: rows.length, total_page: 1, rows });
