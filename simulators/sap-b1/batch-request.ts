/** Reads a `$batch` body in every framing that known clients send (guide §3.9; clients B1SLayer, b1slayer-node, b1sl-python). */

import { incompleteBatch, ServiceError } from "./errors.ts";

export type BatchOperation = {
  readonly method: string;
  /** as written: absolute, relative, a full URL, or `$1` */
  readonly target: string;
  /** lower-case names; of the part and of the request in it, the inner ones counting */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly contentId: string | undefined;
};

export type BatchPart =
  | { readonly kind: "request"; readonly operation: BatchOperation }
  | { readonly kind: "changeset"; readonly operations: readonly BatchOperation[] };

const PARTS_MAX = 10_000;

/** @throws ServiceError -1000 for what is no batch, 242 for a NUL byte */
export function readBatch(contentType: string | undefined, body: string): BatchPart[] {
  if (body.includes("\0")) throw new ServiceError(242, "Invalid character in batch request body");
  const boundary = boundaryOf(contentType ?? "");
  if (boundary === undefined) throw incompleteBatch();
  const pieces = piecesOf(body, boundary);
  const parts = pieces.flatMap((piece): BatchPart[] => {
    const { headers, content } = splitHead(piece);
    const type = headers["content-type"] ?? "";
    if (!type.toLowerCase().startsWith("multipart/mixed")) {
      return [{ kind: "request", operation: operationOf(headers, content) }];
    }
    const inner = boundaryOf(type);
    if (inner === undefined) throw incompleteBatch();
    const operations = piecesOf(content, inner).map((one) => {
      const head = splitHead(one);
      return operationOf(head.headers, head.content);
    });
    return [{ kind: "changeset", operations }];
  });
  if (parts.length === 0) throw incompleteBatch();
  return parts;
}

function boundaryOf(contentType: string): string | undefined {
  const found = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  return found?.[1] ?? found?.[2];
}

/** Delimiters stand alone on their lines; empty pieces (a delimiter written twice) are nothing. */
function piecesOf(body: string, boundary: string): string[] {
  const pieces: string[] = [];
  let current: string[] | undefined;
  let ended = false;
  for (const line of body.split("\n")) {
    const bare = line.trim();
    if (bare === `--${boundary}` || bare === `--${boundary}--`) {
      if (current !== undefined) pieces.push(current.join("\n"));
      if (pieces.length > PARTS_MAX) throw incompleteBatch();
      ended = bare.endsWith("--") && bare.length > boundary.length + 2;
      current = ended ? undefined : [];
    } else current?.push(line);
  }
  if (!ended) throw incompleteBatch();
  return pieces.filter((piece) => piece.trim() !== "");
}

/** Line ends may be CRLF or LF, even within one part. */
function splitHead(piece: string): { headers: Record<string, string>; content: string } {
  const lines = piece.split("\n");
  const start = lines.findIndex((line) => line.trim() !== "");
  const headers: Record<string, string> = {};
  let at = start;
  for (; at < lines.length; at += 1) {
    const line = (lines[at] ?? "").trim();
    if (line === "") break;
    const colon = line.indexOf(":");
    if (colon < 0) break;
    headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { headers, content: lines.slice(at).join("\n") };
}

const REQUEST_LINE = /^\s*([A-Za-z]+)\s+(\S.*?)(?:\s+HTTP\/\d\.\d)?\s*$/;

function operationOf(partHeaders: Readonly<Record<string, string>>, content: string): BatchOperation {
  const lines = content.replace(/^\s+/, "").split("\n");
  const found = REQUEST_LINE.exec(lines[0] ?? "");
  if (found === null) throw incompleteBatch();
  const { headers, content: body } = splitAfterLine(lines.slice(1));
  return {
    method: (found[1] ?? "").toUpperCase(),
    target: found[2] ?? "",
    headers: { ...partHeaders, ...headers },
    body: body.trim(),
    contentId: partHeaders["content-id"] ?? headers["content-id"],
  };
}

/** Directly after the request line: headers until the first blank line, or none at all. */
function splitAfterLine(lines: readonly string[]): { headers: Record<string, string>; content: string } {
  const first = lines[0]?.trim() ?? "";
  if (first === "" || first.startsWith("{")) return { headers: {}, content: lines.join("\n") };
  return splitHead(lines.join("\n"));
}
