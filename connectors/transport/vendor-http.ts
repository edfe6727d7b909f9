import { lookup as lookUpName } from "node:dns";
import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import type { LookupFunction, Socket } from "node:net";
import { TLSSocket, rootCertificates } from "node:tls";
import axios, { type AxiosInstance } from "axios";
import pRetry from "p-retry";
import type { ErrorCode } from "../../domain/errors.ts";
import type { Pacer } from "../contract.ts";
import { checkedBaseUrl, isRefusedAddress } from "./address.ts";
import { parseVendorJson, writeVendorJson } from "./json.ts";
import { redactor } from "./redaction.ts";
import { Slots } from "./slots.ts";

const READ_TIMEOUT_MS = 120_000;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
const REQUEST_BYTES_MAX = 16 * 1024 * 1024;
/** Idle sockets are closed before servers and proxies usually do: a write on a dying socket would be an uncertain one. */
const IDLE_SOCKET_MS = 4_000;
const SOCKETS_MAX = 16;
/** Reads only. Time beyond this belongs to the workflow. */
const READ_RETRIES = 2;
const READ_RETRY_MS_MIN = 200;
const READ_RETRY_MS_MAX = 2_000;

export interface VendorHttpOptions {
  readonly baseUrl: string;
  readonly pacer: Pacer;
  readonly now: () => Date;
  /** Told of each request once it has ended, whatever came of it. */
  readonly onRequest?: ((lane: string, seconds: number) => void) | undefined;
  /** Removed from every message. */
  readonly secrets: Iterable<string>;
  /** PEM of a private certification authority, trusted beside the public ones. */
  readonly certificateAuthority?: string | undefined;
  /** Hosts allowed although they are link-local or metadata addresses. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** How long one request may take from permit to last byte. */
  readonly timeoutMs?: number | undefined;
  readonly answerBytesMax?: number | undefined;
  readonly requestBytesMax?: number | undefined;
  /** Reads repeat at most so often after the first try. */
  readonly readRetries?: number | undefined;
}

export interface VendorRequest {
  /** The interface that the pacer counts this request for. */
  readonly lane: string;
  /** Appended to the base URL. */
  readonly path: string;
  readonly method?: "POST" | "GET" | undefined;
  /** Called after the permit, so that time stamps and signatures are fresh. */
  readonly headers?: (() => Readonly<Record<string, string>>) | undefined;
  /** Written as JSON (see `exactNumber`); text and bytes go out as they are; absent means no body. */
  readonly body?: unknown;
  readonly timeoutMs?: number | undefined;
  /** "json" (default): an answer that is no JSON is `unreadable`. "text": the body stays text. */
  readonly answer?: "json" | "text" | undefined;
  /** How the answer's bytes become text, for vendors that do not write UTF-8. All of them are there: none is cut at a packet's end. */
  readonly decode?: ((bytes: Buffer) => string) | undefined;
}

/** What became of one request. Which of them prove that nothing ran is decided here, once, for all vendors. */
export type Exchange =
  | Answered
  /** Provably nothing ran: no connection was made (code NOT_REACHABLE), or the deadline had passed (DEADLINE_PASSED). */
  | {
      readonly kind: "not-sent";
      readonly code: ErrorCode & ("NOT_REACHABLE" | "DEADLINE_PASSED");
      readonly message: string;
    }
  /** The request may have arrived; no answer came. */
  | { readonly kind: "no-answer"; readonly message: string }
  /** An answer began and broke off. */
  | { readonly kind: "half"; readonly message: string }
  /** A whole answer that cannot be read: a proxy's page, broken JSON, too long. */
  | { readonly kind: "unreadable"; readonly status: number; readonly text: string; readonly message: string };

export interface Answered {
  readonly kind: "answered";
  readonly status: number;
  /** Names in lower case; several values of one name are joined by a line feed. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed JSON with numbers as decimal text, or the text itself. */
  readonly body: unknown;
  readonly text: string;
}

/** How far a request came, as its socket saw it. */
interface Progress {
  connected: boolean;
  answering: boolean;
}

class DeadlinePassed extends Error {}

/** One vendor's server over HTTP/1.1: paced, bounded in size and time, exact in its numbers, silent about secrets. */
export class VendorHttp {
  readonly baseUrl: URL;
  readonly redact: (text: string) => string;
  readonly #options: VendorHttpOptions;
  readonly #agent: http.Agent;
  readonly #client: AxiosInstance;
  /** Whoever waits for a socket waits here, before the deadline is looked at for the last time, never behind it. */
  readonly #slots = new Slots(SOCKETS_MAX);

  /** @throws ZhangshiError CONFIG_INVALID when the base URL is refused */
  constructor(options: VendorHttpOptions) {
    this.#options = options;
    this.baseUrl = checkedBaseUrl(options.baseUrl, options.allowedHosts);
    this.redact = redactor(options.secrets);
    const sockets = {
      keepAlive: true,
      maxSockets: SOCKETS_MAX,
      timeout: IDLE_SOCKET_MS,
      scheduling: "lifo" as const,
      lookup: guardedLookup(options.allowedHosts ?? []),
    };
    this.#agent =
      this.baseUrl.protocol === "https:"
        ? new https.Agent({
            ...sockets,
            rejectUnauthorized: true,
            ...(options.certificateAuthority === undefined
              ? {}
              : { ca: [...rootCertificates, options.certificateAuthority] }),
          })
        : new http.Agent(sockets);
    this.#client = axios.create({
      adapter: "http",
      proxy: false,
      maxRedirects: 0,
      responseType: "arraybuffer",
      // The body is text already, and the answer stays bytes: nothing is read or written twice.
      transformRequest: [(data: unknown) => data],
      transformResponse: [(data: unknown) => data],
      validateStatus: () => true,
      maxContentLength: options.answerBytesMax ?? ANSWER_BYTES_MAX,
      maxBodyLength: options.requestBytesMax ?? REQUEST_BYTES_MAX,
    });
  }

  /**
   * Safe to repeat: a hiccup (no connection, no answer, half an answer, HTTP 429/502/503/504) is tried again briefly.
   * @param retryWhen  further answers that are worth another try, such as a vendor's "too many calls" inside HTTP 200
   */
  async read(request: VendorRequest, retryWhen: (answer: Answered) => boolean = () => false): Promise<Exchange> {
    let last: Exchange | undefined;
    const attempt = async (): Promise<Exchange> => {
      last = await this.#exchange(request, undefined);
      if (isHiccup(last) || (last.kind === "answered" && retryWhen(last))) throw new Error("worth another try");
      return last;
    };
    try {
      return await pRetry(attempt, {
        retries: this.#options.readRetries ?? READ_RETRIES,
        minTimeout: READ_RETRY_MS_MIN,
        maxTimeout: READ_RETRY_MS_MAX,
        randomize: true,
      });
    } catch (error) {
      if (last === undefined) throw error;
      return last;
    }
  }

  /**
   * Sent once and never repeated.
   * @param deadlineAt  checked after the permit and as the last act before the socket; the request is abandoned at it
   */
  async write(request: VendorRequest, deadlineAt: Date): Promise<Exchange> {
    return this.#exchange(request, deadlineAt);
  }

  /** Closes all sockets. */
  close(): void {
    this.#agent.destroy();
  }

  async #exchange(call: VendorRequest, deadlineAt: Date | undefined): Promise<Exchange> {
    // A link inside an answer may lead anywhere, and would take the credentials along.
    if (new URL(call.path, this.baseUrl).origin !== this.baseUrl.origin)
      return { kind: "not-sent", code: "NOT_REACHABLE", message: "the path leads away from the base URL" };
    const progress: Progress = { connected: false, answering: false };
    const body = bodyOf(call.body);
    if (this.#isPast(deadlineAt)) return deadlinePassed();
    return this.#slots.with(async () => {
      await this.#options.pacer.permit(call.lane);
      if (this.#isPast(deadlineAt)) return deadlinePassed();
      return this.#send(call, body, progress, deadlineAt);
    });
  }

  async #send(
    call: VendorRequest,
    body: string | Buffer | undefined,
    progress: Progress,
    deadlineAt: Date | undefined,
  ): Promise<Exchange> {
    const timeoutMs = call.timeoutMs ?? this.#options.timeoutMs ?? READ_TIMEOUT_MS;
    const leftMs = deadlineAt === undefined ? timeoutMs : deadlineAt.getTime() - this.#options.now().getTime();
    const began = performance.now();
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), Math.max(0, Math.min(timeoutMs, leftMs)));
    try {
      const answer = await this.#client.request<Buffer>({
        url: new URL(call.path, this.baseUrl).href,
        method: call.method ?? "POST",
        headers: { "User-Agent": "zhangshi", "Content-Type": "application/json", ...call.headers?.() },
        data: body,
        signal: abort.signal,
        transport: this.#transport(progress, deadlineAt),
      });
      return this.#read(answer.status, headersOf(answer.headers), Buffer.from(answer.data), call);
    } catch (error) {
      return this.#failed(error, progress, abort.signal.aborted);
    } finally {
      clearTimeout(timer);
      this.#options.onRequest?.(call.lane, (performance.now() - began) / 1_000);
    }
  }

  /** axios hands its request over to this; the deadline is looked at once more, then the socket is asked for. */
  #transport(progress: Progress, deadlineAt: Date | undefined) {
    const vendor = this.baseUrl.protocol === "https:" ? https : http;
    return {
      request: (options: RequestOptions, answered: (response: IncomingMessage) => void): ClientRequest => {
        if (this.#isPast(deadlineAt)) throw new DeadlinePassed();
        const sent = vendor.request({ ...options, agent: this.#agent }, answered);
        sent.on("socket", (socket) => watch(socket, progress));
        sent.on("response", () => {
          progress.answering = true;
        });
        return sent;
      },
    };
  }

  #read(status: number, headers: Readonly<Record<string, string>>, bytes: Buffer, call: VendorRequest): Exchange {
    const text = (call.decode?.(bytes) ?? bytes.toString("utf8")).replace(/^\uFEFF/, "");
    if (call.answer === "text") return { kind: "answered", status, headers, body: text, text };
    try {
      return { kind: "answered", status, headers, body: parseVendorJson(text), text };
    } catch {
      return { kind: "unreadable", status, text, message: this.redact(`HTTP ${status}, not JSON: ${text}`) };
    }
  }

  #failed(error: unknown, progress: Progress, aborted: boolean): Exchange {
    if (error instanceof DeadlinePassed || (error instanceof Error && error.cause instanceof DeadlinePassed))
      return deadlinePassed();
    const message = aborted ? "the time for this request ended" : this.redact(describe(error));
    if (!progress.connected) return { kind: "not-sent", code: "NOT_REACHABLE", message };
    if (!progress.answering) return { kind: "no-answer", message };
    if (message.includes("maxContentLength")) return { kind: "unreadable", status: 0, text: "", message };
    return { kind: "half", message };
  }

  #isPast(deadlineAt: Date | undefined): boolean {
    return deadlineAt !== undefined && this.#options.now().getTime() >= deadlineAt.getTime();
  }
}

const bodyOf = (body: unknown): string | Buffer | undefined => {
  if (body === undefined || typeof body === "string") return body;
  return body instanceof Uint8Array ? Buffer.from(body) : writeVendorJson(body);
};

const HICCUP_STATUS: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const isHiccup = (exchange: Exchange): boolean =>
  exchange.kind === "answered" || exchange.kind === "unreadable"
    ? HICCUP_STATUS.has(exchange.status)
    : !(exchange.kind === "not-sent" && exchange.code === "DEADLINE_PASSED");

const deadlinePassed = (): Exchange => ({
  kind: "not-sent",
  code: "DEADLINE_PASSED",
  message: "the deadline had passed before anything was sent",
});

/** Bytes of a request leave only after the connection stands, over TLS only after the certificate was accepted. */
const watch = (socket: Socket, progress: Progress): void => {
  const connected = (): void => {
    progress.connected = true;
  };
  if (socket instanceof TLSSocket) {
    if (socket.authorized) connected();
    else socket.once("secureConnect", connected);
  } else if (socket.connecting) socket.once("connect", connected);
  else connected();
};

/** A name may lead to an address that may not be asked. */
const guardedLookup =
  (allowedHosts: readonly string[]): LookupFunction =>
  (hostname, options, callback) => {
    lookUpName(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, "", 0);
      const allowed = allowedHosts.includes(hostname.toLowerCase())
        ? addresses
        : addresses.filter(({ address }) => !isRefusedAddress(address));
      const [first] = allowed;
      if (first === undefined) return callback(new Error(`${hostname} leads to a refused address`), "", 0);
      if (options.all === true) return callback(null, allowed);
      return callback(null, first.address, first.family);
    });
  };

const headersOf = (headers: object): Readonly<Record<string, string>> => {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (Array.isArray(value)) plain[name.toLowerCase()] = value.map(String).join("\n");
    else if (value !== undefined && value !== null) plain[name.toLowerCase()] = String(value);
  }
  return plain;
};

const describe = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? `${error.code}: ` : "";
  // A refused connection to a name with several addresses carries a code and no words.
  return `${code}${error.message || error.name}`;
};
