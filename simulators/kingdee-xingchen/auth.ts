/**
 * Who is calling: the gateway's signature over every call, the rotating secret of an authorisation, and app-tokens.
 * Source: the open platform's pages on signing and authorisation, as copies and public clients show them.
 */

import { createHmac } from "node:crypto";
import type { Answer, Exchange } from "../shared/http.ts";
import type { Random } from "../shared/prng.ts";
import type { AccountSet } from "./account-set.ts";
import { gatewayFailure } from "./envelope.ts";
import { ERR, Refusal } from "./model.ts";
import { fieldOf, textIn } from "./parameters.ts";
import { appSignature, sameSignature, signedTexts, signText } from "./signing.ts";

export type AuthOptions = {
  clientId: string;
  clientSecret: string;
  /** signs the app-tokens, so that they outlive a restart */
  tokenKey: string;
  now: () => number;
  random: Random;
  sets: () => Iterable<AccountSet>;
  /** largest accepted distance between X-Api-TimeStamp and the server's clock */
  clockSkewMs: number;
  tokenMs: number;
  secretMs: number;
  /** log-ins per app_key and minute; undefined: any number */
  tokensPerMinuteMax: number | undefined;
  /** tells the application's callback address of a new secret */
  push: (set: AccountSet) => void;
};

const MINUTE_MS = 60_000;

export type Caller = { set: AccountSet; user: string };

/** Why an app-token is not taken. */
export type TokenProblem = "expired" | "unknown";

export class Auth {
  readonly #options: AuthOptions;
  readonly #logins = new Map<string, number[]>();
  #tokenCount = 0;

  constructor(options: AuthOptions) {
    this.#options = options;
  }

  /** @returns what the gateway refuses; undefined lets the call through */
  gateway(exchange: Exchange, request: string): Answer | undefined {
    const header = (name: string): string => [exchange.headers[name]].flat()[0] ?? "";
    const { clientId, clientSecret, clockSkewMs, now } = this.#options;
    const refuse = (code: number, text: string): Answer => gatewayFailure(code, text, request);
    const caller = header("x-api-clientid");
    if (caller === "") return refuse(ERR.clientUnknown, "Unauthorized, APP_ID is empty");
    if (caller !== clientId) return refuse(ERR.clientUnknown, "Unauthorized, APP_ID is invalid");
    const [timestamp, nonce] = [header("x-api-timestamp"), header("x-api-nonce")];
    const sentAtMs = /^\d{1,15}$/.test(timestamp) ? Number(timestamp) : Number.NaN;
    if (!(Math.abs(now() - sentAtMs) <= clockSkewMs)) return refuse(ERR.timestampExpired, "X-Api-TimeStamp expired");
    const signature = header("x-api-signature");
    const texts = signedTexts(exchange.method, exchange.path, exchange.query, nonce, timestamp);
    const good =
      header("x-api-auth-version") === "2.0" &&
      nonce !== "" &&
      texts.some((text) => sameSignature(signature, signText(clientSecret, text)));
    return good ? undefined : refuse(ERR.signatureInvalid, "X-Api-Signature is invalid");
  }

  /** push_app_authorize. @throws Refusal when nobody gave this application that account set */
  authorize(outerInstanceId: string, rotate: boolean): AccountSet[] {
    const found = [...this.#options.sets()].filter((set) => set.authorisation.outerInstanceId === outerInstanceId);
    if (found.length === 0) throw new Refusal(ERR.notAuthorised, "授权失败，未找到授权信息");
    for (const set of found) {
      if (rotate) this.rotate(set);
      else this.#rotateWhenDue(set);
    }
    return found;
  }

  /** kingdee_auth_token. @returns the token and how long it lasts */
  issue(appKey: string, signature: string): { set: AccountSet; token: string; expiresInMs: number } {
    const set = [...this.#options.sets()].find((one) => one.authorisation.appKey === appKey);
    if (!set) throw new Refusal(ERR.notAuthorised, "授权失败，app_key不存在");
    this.#countLogin(appKey);
    this.#rotateWhenDue(set);
    if (!sameSignature(signature, appSignature(appKey, set.authorisation.appSecret))) {
      throw new Refusal(ERR.secretStale, "授权密钥校验失败，请获取最新密钥加密");
    }
    return { set, token: this.#mint(set), expiresInMs: this.#options.tokenMs };
  }

  /** @returns the account set that a token opens, or why it opens none */
  callerOf(token: string): Caller | TokenProblem {
    const [head = "", payload = "", signature = ""] = token.split(".");
    if (!sameSignature(signature, this.#sign(`${head}.${payload}`))) return "unknown";
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    const set = [...this.#options.sets()].find((one) => one.book.accountId === textIn(claims, "accountId"));
    if (!set) return "unknown";
    const expired = Number(fieldOf(claims, "exp")) <= this.#options.now();
    if (expired || Number(fieldOf(claims, "gen")) !== set.generation) return "expired";
    return { set, user: "接口用户" };
  }

  /** Makes a new appSecret now, and pushes it. */
  rotate(set: AccountSet): void {
    set.rotateSecret(this.#options.random.hex(40), this.#options.now());
    this.#options.push(set);
  }

  #rotateWhenDue(set: AccountSet): void {
    if (this.#options.now() - set.secretAtMs >= this.#options.secretMs) this.rotate(set);
  }

  #countLogin(appKey: string): void {
    const { tokensPerMinuteMax, now } = this.#options;
    if (tokensPerMinuteMax === undefined) return;
    const recent = (this.#logins.get(appKey) ?? []).filter((atMs) => now() - atMs < MINUTE_MS);
    if (recent.length >= tokensPerMinuteMax) throw new Refusal(ERR.throttled, "请求过于频繁，请稍后再试");
    this.#logins.set(appKey, [...recent, now()]);
  }

  /** A JSON Web Token, as the vendor's are. */
  #mint(set: AccountSet): string {
    this.#tokenCount += 1;
    const iat = this.#options.now();
    const claims = {
      accountId: set.book.accountId,
      gen: set.generation,
      iat,
      exp: iat + this.#options.tokenMs,
      jti: this.#tokenCount,
    };
    const text = [{ alg: "HS256", typ: "JWT" }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    return `${text}.${this.#sign(text)}`;
  }

  #sign(text: string): string {
    return createHmac("sha256", this.#options.tokenKey).update(text).digest("base64url");
  }
}
