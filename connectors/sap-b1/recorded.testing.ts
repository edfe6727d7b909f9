/** For the tests of this folder: answers as the reference prints them, and a connector to a server that gives them. */

import nock from "nock";
import { dimensionKinds } from "../../domain/voucher.ts";
import type { ConnectorContext, VoucherTarget } from "../contract.ts";
import { createSapB1 } from "./connector.ts";
import { BOOK } from "./samples.testing.ts";

export const ORIGIN = "https://b1.example.test:50000";

export const connect = (
  settings: Readonly<Record<string, unknown>> = {},
  context: Partial<ConnectorContext> = {},
): VoucherTarget =>
  createSapB1(
    // Codes are looked up only in the tests that are about it.
    { books: { [BOOK]: null }, uncheckedCodes: dimensionKinds, ...settings },
    {
      connection: "erp",
      baseUrl: ORIGIN,
      secrets: { companyDb: BOOK, userName: "intg01", password: "s3cret-word" },
      pacer: { permit: async () => undefined },
      now: () => new Date(),
      log: () => undefined,
      ...context,
    },
  );

/** Reference §2.1 and §2.2: both cookies as the server writes them. */
export const logInReply = (session = "6f0b1f9e-0a51-11f1-8000-0050569c1a11-4242-1180"): nock.ReplyFnResult => [
  200,
  JSON.stringify({ SessionId: session, Version: "1000310", SessionTimeout: 30 }, null, 3),
  {
    "Content-Type": "application/json;odata.metadata=minimal;charset=utf-8",
    "Set-Cookie": [`B1SESSION=${session};HttpOnly;`, "ROUTEID=.node2; path=/b1s"],
  },
];

export const mayLogIn = (version = "v2"): nock.Scope =>
  nock(ORIGIN)
    .persist()
    .post(`/b1s/${version}/Login`)
    .reply(() => logInReply());

const json = (body: unknown): string => `${JSON.stringify(body, null, 3)}\n`;

export const errorV2 = (code: string, message: string): string =>
  json({ error: { code, details: [{ code: "", message: "" }], message } });
export const errorV1 = (code: number, value: string): string =>
  json({ error: { code, message: { lang: "en-us", value } } });

/** A change set that was committed: claim row and journal entry (reference §5.3). */
export const committed = (contentId: number, jdtNum: number, entry: Readonly<Record<string, unknown>>): string => {
  const inner = (id: number, body: unknown): string =>
    [
      "--changesetresponse_B",
      "Content-Type: application/http",
      "Content-Transfer-Encoding: binary",
      `Content-ID: ${id}`,
      "",
      "HTTP/1.1 201 Created",
      "Content-Type: application/json;odata.metadata=minimal;charset=utf-8",
      `Content-Length: ${Buffer.byteLength(json(body))}`,
      "OData-Version: 4.0",
      "",
      json(body),
    ].join("\r\n");
  return [
    "--batchresponse_A",
    "Content-Type: multipart/mixed; boundary=changesetresponse_B",
    "",
    inner(contentId, { Code: "claimed", Name: "claimed" }),
    inner(contentId + 1, { JdtNum: jdtNum, Number: 1_093, ...entry }),
    "--changesetresponse_B--",
    "",
  ].join("\r\n");
};

/** A change set that was rolled back: one plain part (reference §5.3). */
export const rolledBack = (contentId: number, status: string, body: string): string =>
  [
    "--batchresponse_A",
    "Content-Type: application/http",
    "Content-Transfer-Encoding: binary",
    `Content-ID: ${contentId}`,
    "",
    `HTTP/1.1 ${status}`,
    "Content-Type: application/json;charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "OData-Version: 4.0",
    "",
    body,
    "",
  ].join("\r\n");

export const batchReply = (...parts: readonly string[]): nock.ReplyFnResult => [
  200,
  `${parts.join("")}--batchresponse_A--\r\n`,
  { "Content-Type": "multipart/mixed;boundary=batchresponse_A", "OData-Version": "4.0" },
];

/** A multipart body reaches nock as text. */
export const asText = (body: nock.Body): string => (typeof body === "string" ? body : JSON.stringify(body));
