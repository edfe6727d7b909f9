import { z } from "zod";
import { type ErrorCode, ZhangshiError } from "../../domain/errors.ts";
import type { ConnectorContext } from "../contract.ts";
import { type Answered, type Exchange, VendorHttp } from "../transport/vendor-http.ts";
import { textAt } from "./json-path.ts";
import { type RequestParts, writeRequest } from "./request.ts";
import type { RestForm, RestSettings } from "./settings.ts";

/** A token is renewed so long before it ends, for a request takes its time. */
const TOKEN_MARGIN_MS = 60_000;
/** Where the server does not say how long a token lives. */
const TOKEN_LIFE_SECONDS = "300";
const Token = z.looseObject({
  access_token: z.string().min(1),
  expires_in: z
    .string()
    .regex(/^\d{1,9}$/)
    .default(TOKEN_LIFE_SECONDS),
});
const SHOWN_MAX = 300;

/** The other side's interface over HTTP: authorised, signed, paced, bounded. */
export class RestApi {
  readonly http: VendorHttp;
  readonly #settings: RestSettings;
  readonly #context: ConnectorContext;
  readonly #tokens: VendorHttp | undefined;
  #token: { readonly text: string; readonly endsAtMs: number } | undefined;

  /** @throws ZhangshiError CONFIG_INVALID when an address is refused, SECRET_MISSING */
  constructor(settings: RestSettings, context: ConnectorContext) {
    this.#settings = settings;
    this.#context = context;
    for (const name of secretsOf(settings))
      if ((context.secrets[name] ?? "") === "")
        throw new ZhangshiError("SECRET_MISSING", { connection: context.connection, secret: name });
    const open = (baseUrl: string): VendorHttp =>
      new VendorHttp({
        baseUrl,
        pacer: context.pacer,
        now: context.now,
        onRequest: context.onRequest,
        secrets: Object.values(context.secrets),
        certificateAuthority: settings.certificateAuthority,
        allowedHosts: settings.allowedHosts,
        timeoutMs: settings.timeoutMs,
        answerBytesMax: settings.answerBytesMax,
      });
    this.http = open(context.baseUrl);
    this.#tokens = settings.auth.kind === "oauth2" ? open(new URL("/", settings.auth.tokenUrl).href) : undefined;
  }

  close(): void {
    this.http.close();
    this.#tokens?.close();
  }

  /**
   * @param link  an address that the other side gave for the next page; it has to lead to the same server
   * @throws ZhangshiError NOT_REACHABLE, LOGIN_REFUSED, PERMISSION_DENIED, THROTTLED, READ_FAILED
   */
  async read(
    form: RestForm,
    parameters: Readonly<Record<string, string>>,
    path?: string,
    link?: string,
  ): Promise<Answered> {
    const first = await this.#ask(form, parameters, path, link);
    if (first.kind !== "answered" || first.status !== 401 || this.#settings.auth.kind !== "oauth2")
      return this.#understood(first);
    // The token may have been withdrawn before its time: a new one is worth one more try.
    this.#token = undefined;
    return this.#understood(await this.#ask(form, parameters, path, link));
  }

  async #ask(
    form: RestForm,
    parameters: Readonly<Record<string, string>>,
    path: string | undefined,
    link: string | undefined,
  ): Promise<Exchange> {
    const authorization = await this.#authorization();
    const now = this.#context.now();
    const parts: RequestParts = {
      settings: this.#settings,
      secrets: this.#context.secrets,
      now,
      form,
      path,
      parameters,
    };
    const { contentType, ...written } = writeRequest(parts);
    const request = link === undefined ? written : { path: this.#sameServer(link), method: "GET" as const };
    return this.http.read(
      {
        lane: "read",
        ...request,
        headers: () => ({ ...authorization, Accept: "application/json", "Content-Type": contentType }),
      },
      ({ body }) => this.#says(body, this.#settings.throttled),
    );
  }

  #sameServer(link: string): string {
    const base = this.http.baseUrl;
    const url = URL.canParse(link, base.href) ? new URL(link, base) : undefined;
    if (url?.origin === base.origin) return url.href;
    throw new ZhangshiError("READ_FAILED", {
      link: link.slice(0, SHOWN_MAX),
      reason: "the next page is on another server",
    });
  }

  #understood(exchange: Exchange): Answered {
    const failed = (code: ErrorCode, raw: string, status = 0): ZhangshiError =>
      new ZhangshiError(code, {
        connection: this.#context.connection,
        ...(status === 0 ? {} : { status: String(status) }),
        raw: this.http.redact(raw).slice(0, SHOWN_MAX),
      });
    if (exchange.kind === "not-sent") throw failed(exchange.code, exchange.message);
    if (exchange.kind !== "answered") throw failed("READ_FAILED", exchange.message);
    const { status, body, text } = exchange;
    if (status === 401) throw failed("LOGIN_REFUSED", text, status);
    if (status === 403) throw failed("PERMISSION_DENIED", text, status);
    if (status === 429 || this.#says(body, this.#settings.throttled)) throw failed("THROTTLED", text, status);
    if (this.#says(body, this.#settings.loginRefused)) throw failed("LOGIN_REFUSED", text, status);
    // 404 is an answer: a record asked for by its id may be gone.
    if (status === 404) return exchange;
    const { success, message } = this.#settings;
    if (status !== 200 || (success !== undefined && !this.#says(body, success)))
      throw failed("READ_FAILED", (message === undefined ? "" : textAt(body, message)) || text, status);
    return exchange;
  }

  #says(body: unknown, rule: RestSettings["success"]): boolean {
    return rule?.in.includes(textAt(body, rule.path)) ?? false;
  }

  async #authorization(): Promise<Readonly<Record<string, string>>> {
    const { auth } = this.#settings;
    const { secrets } = this.#context;
    switch (auth.kind) {
      case "none":
        return {};
      case "header":
        return { [auth.name]: `${auth.prefix}${secrets["token"] ?? ""}` };
      case "basic":
        return { Authorization: basic(secrets["user"] ?? "", secrets["password"] ?? "") };
      case "oauth2":
        return { Authorization: `Bearer ${await this.#validToken(auth)}` };
    }
  }

  /** Client credentials. Source: RFC 6749 §4.4. */
  async #validToken(auth: Extract<RestSettings["auth"], { kind: "oauth2" }>): Promise<string> {
    const nowMs = this.#context.now().getTime();
    if (this.#token !== undefined && this.#token.endsAtMs > nowMs) return this.#token.text;
    const { clientId = "", clientSecret = "" } = this.#context.secrets;
    const inBody = auth.credentialsIn === "body" ? { client_id: clientId, client_secret: clientSecret } : {};
    const scope = auth.scope === undefined ? {} : { scope: auth.scope };
    const exchange = await this.#tokens?.read({
      lane: "token",
      path: new URL(auth.tokenUrl).href,
      body: new URLSearchParams({ grant_type: "client_credentials", ...scope, ...inBody }).toString(),
      headers: () => ({
        "Content-Type": "application/x-www-form-urlencoded",
        ...(auth.credentialsIn === "header" ? { Authorization: basic(clientId, clientSecret) } : {}),
      }),
    });
    const refused = (code: ErrorCode, reason: string): ZhangshiError =>
      new ZhangshiError(code, { connection: this.#context.connection, call: "token", reason });
    if (exchange === undefined || exchange.kind === "not-sent") throw refused("NOT_REACHABLE", exchange?.message ?? "");
    if (exchange.kind !== "answered") throw refused("READ_FAILED", exchange.message);
    if (exchange.status >= 400 && exchange.status < 500 && exchange.status !== 429)
      throw refused("LOGIN_REFUSED", `HTTP ${exchange.status}`);
    const token = Token.safeParse(exchange.body);
    if (!token.success) throw refused("READ_FAILED", `HTTP ${exchange.status}, no token`);
    const lifeMs = Number(token.data.expires_in) * 1_000;
    this.#token = { text: token.data.access_token, endsAtMs: nowMs + Math.max(0, lifeMs - TOKEN_MARGIN_MS) };
    return token.data.access_token;
  }
}

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

/** Names of the secrets that these settings need. */
const secretsOf = ({ auth, signing, commonSecrets, push }: RestSettings): readonly string[] => [
  ...(auth.kind === "header" ? ["token"] : []),
  ...(auth.kind === "basic" ? ["user", "password"] : []),
  ...(auth.kind === "oauth2" ? ["clientId", "clientSecret"] : []),
  ...(signing === undefined ? [] : [signing.secret]),
  ...Object.values(commonSecrets),
  ...(push === undefined ? [] : ["pushSecret"]),
];
