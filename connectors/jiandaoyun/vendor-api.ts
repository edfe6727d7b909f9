import { LosslessNumber, parse } from "lossless-json";
import pRetry, { AbortError } from "p-retry";
import type { z } from "zod";
import { type ErrorCode, ZhangshiError } from "../../domain/errors.ts";
import type { ConnectorContext } from "../contract.ts";
import { type Exchange, VendorHttp } from "../transport/vendor-http.ts";
import { meaningOf } from "./errors.ts";
import type { JiandaoyunSettings, Lane } from "./settings.ts";
import { Refusal } from "./wire.ts";

/** Enough for a busy second of the whole company and for a restart of the gateway; an outage belongs to the workflow. */
const RETRIES = 4;
const RETRY_WAIT_MS_MAX = 8_000;
const TIMEOUT_MS = 30_000;

const paths = {
  apps: "v5/app/list",
  forms: "v5/app/entry/list",
  fields: "v5/app/entry/widget/list",
  list: "v5/app/entry/data/list",
  get: "v5/app/entry/data/get",
} as const satisfies Record<Exclude<Lane, "all">, string>;
export type Interface = keyof typeof paths;

/** A call that did not bring what it should. `vendorCode` is "" where no answer of the vendor came. */
export class CallFailed extends ZhangshiError {
  readonly vendorCode: string;
  /** The vendor's words, secrets removed. */
  readonly raw: string;
  readonly retry: boolean;

  constructor(code: ErrorCode, call: string, vendorCode: string, raw: string, retry: boolean) {
    super(code, { call, vendorCode, raw: raw.slice(0, 300) });
    this.vendorCode = vendorCode;
    this.raw = raw;
    this.retry = retry;
  }
}

export interface Answer<T> {
  readonly body: T;
  readonly headers: Readonly<Record<string, string>>;
}

/** The base address may come with or without `/api` or `/api/v5`; private deployments differ in this. */
export const apiRootOf = (baseUrl: string): string =>
  `${baseUrl.replace(/\/+$/, "").replace(/\/api(\/v\d+)?$/, "")}/api/`;

/** The vendor's reading interfaces: everything is a POST, refusals are HTTP 400 with a code. Source: Jiandaoyun reference §1, §2, §9. */
export class VendorApi {
  readonly http: VendorHttp;
  readonly #apiKey: string;
  readonly #retryWaitMs: number;

  constructor(settings: JiandaoyunSettings, apiKey: string, secrets: Iterable<string>, context: ConnectorContext) {
    this.#apiKey = apiKey;
    this.#retryWaitMs = settings.retryWaitMs;
    this.http = new VendorHttp({
      baseUrl: apiRootOf(context.baseUrl),
      // Each call counts twice: for its interface and for the company.
      pacer: {
        permit: async (lane) => {
          await context.pacer.permit("all");
          await context.pacer.permit(lane);
        },
      },
      now: context.now,
      onRequest: context.onRequest,
      secrets,
      certificateAuthority: context.certificateAuthority,
      allowedHosts: context.allowedHosts,
      timeoutMs: TIMEOUT_MS,
      // This class repeats reads itself, because the vendor wants longer waits.
      readRetries: 0,
    });
  }

  /** A read is safe to repeat: hiccups and rate limits are waited out briefly. @throws CallFailed */
  async read<S extends z.ZodType>(name: Interface, body: object, schema: S): Promise<Answer<z.infer<S>>> {
    const attempt = async (): Promise<Answer<z.infer<S>>> => {
      try {
        return this.#understand(name, await this.#ask(name, body), schema);
      } catch (error) {
        if (error instanceof CallFailed && !error.retry) throw new AbortError(error);
        throw error;
      }
    };
    return pRetry(attempt, {
      retries: RETRIES,
      minTimeout: this.#retryWaitMs,
      maxTimeout: Math.max(this.#retryWaitMs, RETRY_WAIT_MS_MAX),
      randomize: true,
    });
  }

  async #ask(name: Interface, body: object): Promise<Exchange> {
    return this.http.read({
      lane: name,
      path: paths[name],
      headers: () => ({ Authorization: `Bearer ${this.#apiKey}`, "Content-Type": "application/json;charset=utf-8" }),
      body,
      // Parsed here: whether a number was written 1000 or 1e3 matters to us.
      answer: "text",
    });
  }

  #understand<S extends z.ZodType>(name: Interface, exchange: Exchange, schema: S): Answer<z.infer<S>> {
    const failed = (code: ErrorCode, vendorCode: string, raw: string, retry: boolean): CallFailed =>
      new CallFailed(code, paths[name], vendorCode, this.http.redact(raw), retry);
    if (exchange.kind === "not-sent") throw failed(exchange.code, "", exchange.message, true);
    if (exchange.kind !== "answered") throw failed("READ_FAILED", "", exchange.message, true);
    const { status, text, headers } = exchange;
    if (status === 429) throw failed("THROTTLED", "429", text, true);
    const body = jsonOf(text);
    if (status >= 500 || body === undefined) throw failed("READ_FAILED", "", `HTTP ${status}: ${text}`, true);
    const refusal = Refusal.safeParse(body);
    if (refusal.success) {
      const meaning = meaningOf(refusal.data.code);
      throw failed(meaning.code, refusal.data.code, refusal.data.msg, meaning.retry);
    }
    // Measured: 403 for interfaces that were not bought or do not exist.
    if (status === 403) throw failed("PERMISSION_DENIED", "403", text, false);
    if (status !== 200) throw failed("READ_FAILED", String(status), text, false);
    const parsed = schema.safeParse(body);
    if (!parsed.success) throw failed("READ_FAILED", "", `unexpected shape: ${parsed.error.message}`, false);
    return { body: parsed.data, headers };
  }
}

const jsonOf = (text: string): unknown => {
  try {
    return parse(text, undefined, (number) => new LosslessNumber(number));
  } catch {
    return undefined;
  }
};
