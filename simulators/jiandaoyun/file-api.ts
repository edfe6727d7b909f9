import { z } from "zod";
import type { Answer, Exchange } from "../shared/http.ts";
import { type ApiContext, type Body, type Interface, read, tableOf, type UploadToken } from "./api-context.ts";
import { renderJson } from "./json.ts";
import type { Store } from "./store.ts";

/**
 * Upload tokens, the upload itself, and the links that read a file back.
 *
 * Source: Jiandaoyun reference §6.
 */
const TOKENS_PER_CALL = 100;
const TOKEN_LIFE_MS = 3_600_000;
const TOKEN_CHARACTERS = 32;
/** The vendor's status for an upload that failed. */
const UPLOAD_FAILED = 579;

export const FILE_INTERFACES: readonly Interface[] = [
  {
    path: "v5/app/entry/file/get_upload_token",
    operation: "upload-token",
    rate: 20,
    effect: "read",
    handle: uploadTokens,
  },
];

const TokenRequest = z.object({ transaction_id: z.string().nullish() });

function uploadTokens(body: Body, context: ApiContext): unknown {
  tableOf(body, context);
  const transactionId = read(TokenRequest, body).transaction_id ?? null;
  const expiresAt = context.store.clock.now() + TOKEN_LIFE_MS;
  const pairs = Array.from({ length: TOKENS_PER_CALL }, () => {
    const token = context.store.ids.hex(TOKEN_CHARACTERS);
    context.uploadTokens.set(token, { transactionId, expiresAt });
    return { url: `${context.origin}/_upload`, token };
  });
  return { token_and_url_list: pairs };
}

/** One token takes one file. */
export function receiveUpload(exchange: Exchange, store: Store, tokens: Map<string, UploadToken>): Answer {
  const parts = multipartParts(exchange.rawBody, exchange.headers["content-type"] ?? "");
  const token = parts.find((part) => part.name === "token")?.content.toString("utf8") ?? "";
  const file = parts.find((part) => part.name === "file");
  const granted = tokens.get(token);
  if (granted === undefined || file === undefined || granted.expiresAt < store.clock.now()) {
    return { status: UPLOAD_FAILED, body: renderJson({ error: "bad token or no file" }) };
  }
  tokens.delete(token);
  const key = store.ids.uuid();
  store.commit([
    {
      kind: "file",
      file: {
        key,
        transactionId: granted.transactionId,
        name: file.fileName ?? "file",
        mime: file.mime ?? "application/octet-stream",
        base64: file.content.toString("base64"),
        size: file.content.length,
      },
    },
  ]);
  return { status: 200, body: renderJson({ key }) };
}

export function serveFile(exchange: Exchange, store: Store): Answer {
  const file = store.files.get(exchange.path.slice(exchange.path.lastIndexOf("/") + 1));
  const expires = Number(exchange.query.get("e") ?? 0);
  if (file === undefined || expires < store.clock.now()) {
    return { status: 404, body: "no such file, or the link has expired", contentType: "text/plain" };
  }
  return { status: 200, body: Buffer.from(file.base64, "base64"), contentType: file.mime };
}

interface Part {
  readonly name: string;
  readonly fileName: string | undefined;
  readonly mime: string | undefined;
  readonly content: Buffer;
}

function multipartParts(body: Buffer, contentType: string): Part[] {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1];
  if (boundary === undefined) return [];
  const mark = Buffer.from(`--${boundary}`);
  const parts: Part[] = [];
  let start = body.indexOf(mark);
  for (let end = body.indexOf(mark, start + mark.length); start !== -1 && end !== -1; ) {
    const part = parsePart(body.subarray(start + mark.length + 2, end - 2));
    if (part !== undefined) parts.push(part);
    start = end;
    end = body.indexOf(mark, start + mark.length);
  }
  return parts;
}

function parsePart(bytes: Buffer): Part | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd === -1) return undefined;
  const head = bytes.toString("utf8", 0, headEnd);
  const name = /name="([^"]*)"/.exec(head)?.[1];
  if (name === undefined) return undefined;
  return {
    name,
    fileName: /filename="([^"]*)"/.exec(head)?.[1],
    mime: /content-type:\s*([^\r\n]+)/i.exec(head)?.[1],
    content: bytes.subarray(headEnd + 4),
  };
}
