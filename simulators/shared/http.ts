/** The HTTP/1.1 floor of every simulator: raw bodies in, exact bytes out, and every way of breaking a connection. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Longer than the idle time of common clients, so that a kept connection is not closed under a request. */
const KEEP_ALIVE_MS = 65_000;
const BODY_LIMIT_BYTES = 64 * 1024 * 1024;
/** How long `close()` waits for calls in flight before it cuts them. */
const CLOSE_GRACE_MS = 300;
const NO_CONTENT = 204;

export type Answer = {
  status: number;
  body: string | Uint8Array;
  /** "application/json; charset=utf-8" when absent */
  contentType?: string;
  headers?: Record<string, string | readonly string[]>;
};

const TOO_LARGE: Answer = { status: 413, body: "body too large", contentType: "text/plain" };

/** One request and the ways to end it. Exactly one of the ends is used. */
export type Exchange = {
  readonly method: string;
  /** path without the query, as sent (still percent-encoded) */
  readonly path: string;
  /** path and query as sent; signatures are made over this */
  readonly target: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly rawBody: Buffer;
  /** the body as UTF-8 */
  readonly text: string;
  reply(answer: Answer): void;
  /** Announces the whole body, sends its first half, and cuts the connection. */
  replyHalf(answer: Answer): void;
  /** For long answers: sends each piece when the connection can take it. */
  replyStream(contentType: string, pieces: Iterable<string>): Promise<void>;
  /** Cuts the connection without a byte. */
  destroy(): void;
  /** Leaves the request unanswered until the other side gives up; with a time, cuts the connection then. */
  hang(cutAfterMs: number | undefined): void;
};

export type HttpServer = {
  readonly host: string;
  readonly port: number;
  /** "http://127.0.0.1:1234" or "https://…", without a trailing slash */
  readonly origin: string;
  close(): Promise<void>;
};

export type HttpOptions = {
  /** 0 or absent takes a free one */
  port?: number | undefined;
  host?: string | undefined;
  /** larger bodies are answered 413 */
  bodyLimitBytes?: number | undefined;
  /** PEM texts; with them the server speaks HTTPS */
  tls?: { key: string; cert: string } | undefined;
  /** the answer to a body over the limit; 413 in plain text when absent */
  tooLarge?: Answer | undefined;
  /** the answer to `Expect: 100-continue` instead of going on; it goes on when absent */
  expectation?: Answer | undefined;
  /** for the Date header; the system's clock when absent */
  now?: (() => number) | undefined;
  handler: (exchange: Exchange) => void | Promise<void>;
  /** a handler threw: the answer to send; 500 with the message when absent */
  onError?: ((error: unknown, exchange: Exchange) => Answer) | undefined;
};

/** @throws Error when the port is taken */
export async function startHttpServer(options: HttpOptions): Promise<HttpServer> {
  const host = options.host ?? "127.0.0.1";
  const sockets = new Set<Socket>();
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    serve(request, response, options).catch(() => request.socket.destroy());
  };
  const server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
  const { expectation } = options;
  if (expectation !== undefined) {
    server.on("checkContinue", (_request: IncomingMessage, response: ServerResponse) => {
      response.writeHead(expectation.status, headersOf(expectation, options)).end(expectation.body);
    });
  }
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = KEEP_ALIVE_MS + 5_000;
  server.requestTimeout = 0;
  server.on("connection", (socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, host, () => resolve());
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    host,
    port,
    origin: `${options.tls === undefined ? "http" : "https"}://${host}:${port}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await Promise.race([closed, sleep(CLOSE_GRACE_MS, undefined, { ref: false })]);
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function serve(request: IncomingMessage, response: ServerResponse, options: HttpOptions): Promise<void> {
  const rawBody = await readBody(request, options.bodyLimitBytes ?? BODY_LIMIT_BYTES);
  const target = request.url ?? "/";
  const [path, query] = splitOnce(target, "?");
  const exchange: Exchange = {
    method: request.method ?? "GET",
    path,
    target,
    query: new URLSearchParams(query),
    headers: request.headers,
    rawBody: rawBody ?? Buffer.alloc(0),
    text: (rawBody ?? Buffer.alloc(0)).toString("utf8"),
    reply: (answer) => {
      response.writeHead(answer.status, headersOf(answer, options)).end(answer.body);
    },
    replyHalf: (answer) => {
      const body = Buffer.from(answer.body);
      response.writeHead(answer.status, headersOf(answer, options));
      response.write(body.subarray(0, Math.floor(body.length / 2)), () => request.socket.destroy());
    },
    replyStream: async (contentType, pieces) => {
      response.writeHead(200, { "Content-Type": contentType, Date: dateOf(options) });
      for (const piece of pieces) {
        if (response.destroyed) return;
        if (!response.write(piece)) await new Promise<void>((resolve) => onDrainOrClose(response, resolve));
      }
      response.end();
    },
    destroy: () => request.socket.destroy(),
    hang: (cutAfterMs) => {
      if (cutAfterMs === undefined) return;
      const timer = setTimeout(() => request.socket.destroy(), cutAfterMs);
      request.socket.on("close", () => clearTimeout(timer));
    },
  };
  if (rawBody === undefined) return exchange.reply(options.tooLarge ?? TOO_LARGE);
  try {
    await options.handler(exchange);
  } catch (error) {
    const answer = options.onError?.(error, exchange) ?? {
      status: 500,
      contentType: "text/plain; charset=utf-8",
      body: error instanceof Error ? error.message : String(error),
    };
    if (!response.headersSent) exchange.reply(answer);
    else request.socket.destroy();
  }
}

/** @returns undefined when the body is longer than the limit */
async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > limitBytes) return undefined;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks, length);
}

function headersOf(answer: Answer, options: HttpOptions): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { Date: dateOf(options) };
  // An answer without content names neither its type nor its length (RFC 9110, 8.6).
  if (answer.status !== NO_CONTENT) {
    headers["Content-Type"] = answer.contentType ?? "application/json; charset=utf-8";
    headers["Content-Length"] = String(Buffer.byteLength(answer.body));
  }
  for (const [name, value] of Object.entries(answer.headers ?? {})) {
    headers[name] = typeof value === "string" ? value : [...value];
  }
  return headers;
}

function dateOf(options: HttpOptions): string {
  return new Date(options.now?.() ?? Date.now()).toUTCString();
}

function onDrainOrClose(response: ServerResponse, proceed: () => void): void {
  const once = (): void => {
    response.off("drain", once);
    response.off("close", once);
    proceed();
  };
  response.on("drain", once);
  response.on("close", once);
}

function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + mark.length)];
}
