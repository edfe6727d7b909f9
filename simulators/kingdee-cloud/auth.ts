/**
 * Who is calling: header signatures in the three dialects of the vendor's SDKs, session log-ins, and sessions.
 * Formulas: Kingdee WebAPI SDK 8.2.0 (Python, Java, .NET).
 */

import { createDecipheriv, createHash, createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { JsonOut } from "../shared/json.ts";
import { integerOf } from "./wire-values.ts";

/** Constant of the vendor's clients with which the second half of an AppId is masked. */
const APP_ID_SEED = "0054f397c6234378b09ca7d3e5debce7";
/** Timestamps below this are seconds (Python), above it milliseconds (Java, .NET). */
const SECONDS_BELOW = 100_000_000_000;
/** Wrong passwords in a row that lock a user, and for how long. */
const LOGIN_FAILURES_MAX = 5;
const LOCKED_MS = 30 * 60_000;
const DES_KEY = "KingdeeK";

export type Credentials = {
  acctId: string;
  userName: string;
  password: string;
  appId: string;
  appSecret: string;
  lcid: number;
  /** a number, because the Python SDK compares it with 0 */
  orgNum: number;
  auditorUserName: string;
  auditorPassword: string;
};

export type Caller = { user: string; organization: string; session: string };

/** @returns the AppId whose second half hides this 24-byte client secret, and the secret as text */
export function mintAppId(clientId: string, plain: Uint8Array): { appId: string; clientSecret: string } {
  const masked = plain.map((byte, index) => byte ^ APP_ID_SEED.charCodeAt(index));
  return {
    appId: `${clientId}_${Buffer.from(masked).toString("base64")}`,
    clientSecret: Buffer.from(plain).toString("base64"),
  };
}

/** @returns the HMAC key hidden in an AppId; undefined when it has another shape */
export function clientSecretOf(appId: string): { clientId: string; clientSecret: string } | undefined {
  const at = appId.indexOf("_");
  const raw = Buffer.from(appId.slice(at + 1), "base64");
  if (at < 0 || raw.length !== 24) return undefined;
  const plain = raw.map((byte, index) => byte ^ APP_ID_SEED.charCodeAt(index));
  return { clientId: appId.slice(0, at), clientSecret: Buffer.from(plain).toString("base64") };
}

/** @returns base64 of the lower-case hexadecimal HMAC-SHA256, as the vendor signs */
export function signText(key: string, message: string): string {
  return Buffer.from(createHmac("sha256", key).update(message, "utf8").digest("hex"), "ascii").toString("base64");
}

/** @returns the text that X-Api-Signature is made over */
export function apiMessage(encodedPath: string, nonce: string, timestamp: string): string {
  return `POST\n${encodedPath}\n\nx-api-nonce:${nonce}\nx-api-timestamp:${timestamp}\n`;
}

/** @returns the spellings of a path that the SDKs produce: URL quoting, and Java's form encoding */
export function encodedPaths(target: string): string[] {
  const path = decodeSafely(target);
  const quoted = encodeURIComponent(path).replaceAll(/[!'()*]/g, (mark) => {
    return `%${mark.charCodeAt(0).toString(16).toUpperCase()}`;
  });
  const form = quoted.replaceAll("%20", "+").replaceAll("~", "%7E");
  return [...new Set([quoted, form, encodeURIComponent(target)])];
}

function decodeSafely(target: string): string {
  try {
    return decodeURIComponent(target);
  } catch {
    return target;
  }
}

/** LoginBySign: SHA-256 over the ordinally sorted, joined values. */
export function loginSign(
  acctId: string,
  userName: string,
  appId: string,
  appSecret: string,
  timestamp: string,
): string {
  const parts = [acctId, userName, appId, appSecret, timestamp].sort((left, right) =>
    Buffer.compare(Buffer.from(left), Buffer.from(right)),
  );
  return createHash("sha256").update(parts.join(""), "utf8").digest("hex");
}

/** ValidateUserEnDeCode sends user and password DES-encrypted. @returns undefined when it cannot be read */
export function decodeDes(text: string): string | undefined {
  try {
    const decipher = createDecipheriv("des-ede3-cbc", DES_KEY.repeat(3), DES_KEY);
    return Buffer.concat([decipher.update(text, "base64"), decipher.final()]).toString("utf8");
  } catch {
    return undefined;
  }
}

type Session = { caller: Caller; usedAtMs: number };

export type AuthOptions = {
  credentials: Credentials;
  now: () => number;
  sessionMs: number;
  /** refuse signatures whose time is further off than this; undefined accepts any */
  clockSkewMs: number | undefined;
  /** successful log-ins per user and minute before it is locked; undefined: any number */
  loginsPerMinuteMax: number | undefined;
  clientId: string;
  clientSecret: string;
  dataCentreName: string;
};

export type Login = { outcome: "ok"; caller: Caller } | { outcome: "failed"; code: string; message: string };

export class Auth {
  readonly #options: AuthOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #signedSessions = new Map<string, string>();
  readonly #failures = new Map<string, number>();
  readonly #lockedUntil = new Map<string, number>();
  readonly #logins = new Map<string, number[]>();
  readonly #disabled = new Set<string>();

  constructor(options: AuthOptions) {
    this.#options = options;
  }

  get credentials(): Credentials {
    return this.#options.credentials;
  }

  /** @returns the caller of a signed or session request; undefined: the session is lost (or never was) */
  callerOf(headers: IncomingHttpHeaders, target: string): Caller | undefined {
    const session = sessionIdOf(headers);
    if (headers["x-api-signature"] !== undefined || headers["x-kd-appdata"] !== undefined) {
      return this.#signedCaller(headers, target, session);
    }
    return session === undefined ? undefined : this.#touch(session);
  }

  /** Ends the caller's session; the next call with it is answered as lost. */
  end(session: string): void {
    this.#sessions.delete(session);
  }

  endAll(): void {
    this.#sessions.clear();
  }

  /** A disabled user is let in by no way of logging in, and the sessions end. @returns false when there is no such user */
  setEnabled(user: string, enabled: boolean): boolean {
    if (!this.#isListed(user)) return false;
    if (enabled) this.#disabled.delete(user);
    else this.#disabled.add(user);
    for (const [id, { caller }] of this.#sessions) if (!enabled && caller.user === user) this.#sessions.delete(id);
    return true;
  }

  login(user: string, password: string): Login {
    const { credentials } = this.#options;
    const expected = new Map([
      [credentials.userName, credentials.password],
      [credentials.auditorUserName, credentials.auditorPassword],
    ]).get(user);
    return this.#admit(
      user,
      expected !== undefined && expected === password,
      "CheckPasswordFailed",
      "用户名或密码错误",
    );
  }

  loginByAppSecret(user: string, appId: string, appSecret: string): Login {
    const { credentials } = this.#options;
    const right = appId === credentials.appId && appSecret === credentials.appSecret;
    return this.#admit(user, right && this.#knows(user), "CheckAppSecretFailed", "应用ID或应用密钥错误");
  }

  loginBySign(user: string, appId: string, timestamp: string, sign: string): Login {
    const { credentials } = this.#options;
    const wanted = loginSign(credentials.acctId, user, appId, credentials.appSecret, timestamp);
    const right = appId === credentials.appId && same(wanted, sign.toLowerCase());
    return this.#admit(user, right && this.#knows(user) && this.#fresh(timestamp), "002005000003016", "签名验证失败");
  }

  /** Cookies and header that every answer carries; without `Expires`, whose comma confuses the Python SDK. */
  headersFor(session: string): Record<string, string | readonly string[]> {
    const aspNet = createHash("sha256").update(session).digest("hex").slice(0, 24);
    return {
      "Set-Cookie": [
        `kdservice-sessionid=${session}; path=/`,
        `ASP.NET_SessionId=${aspNet}; path=/; HttpOnly; SameSite=Lax`,
      ],
      "kdservice-sessionid": session,
    };
  }

  #signedCaller(headers: IncomingHttpHeaders, target: string, session: string | undefined): Caller | undefined {
    const { credentials, clientId, clientSecret } = this.#options;
    const nonce = headerText(headers["x-api-nonce"]);
    const timestamp = headerText(headers["x-api-timestamp"]);
    const appData = Buffer.from(headerText(headers["x-kd-appdata"]), "base64").toString("utf8");
    const [acctId = "", user = "", , organization = ""] = appData.split(",");
    const signature = headerText(headers["x-api-signature"]);
    const right =
      headerText(headers["x-api-clientid"]) === clientId &&
      headerText(headers["x-kd-appkey"]) === credentials.appId &&
      encodedPaths(target).some((path) =>
        same(signText(clientSecret, apiMessage(path, nonce, timestamp)), signature),
      ) &&
      same(signText(credentials.appSecret, credentials.appId + appData), headerText(headers["x-kd-signature"])) &&
      acctId === credentials.acctId &&
      this.#knows(user) &&
      this.#fresh(timestamp);
    if (!right) return undefined;
    const kept = session === undefined ? undefined : this.#touch(session);
    // Each signed call carries full credentials: a stale session is silently replaced.
    if (kept?.user === user) return { ...kept, organization };
    const known = this.#signedSessions.get(appData);
    const reused = known === undefined ? undefined : this.#touch(known);
    if (reused) return reused;
    const caller = this.#open(user, organization);
    this.#signedSessions.set(appData, caller.session);
    return caller;
  }

  #knows(user: string): boolean {
    return this.#isListed(user) && !this.#disabled.has(user);
  }

  #isListed(user: string): boolean {
    const { credentials } = this.#options;
    return user === credentials.userName || user === credentials.auditorUserName;
  }

  #fresh(timestamp: string): boolean {
    const { clockSkewMs, now } = this.#options;
    const value = integerOf(timestamp);
    if (value === undefined) return false;
    const atMs = value < SECONDS_BELOW ? value * 1000 : value;
    return clockSkewMs === undefined || Math.abs(now() - atMs) <= clockSkewMs;
  }

  #admit(user: string, right: boolean, code: string, message: string): Login {
    const now = this.#options.now();
    if ((this.#lockedUntil.get(user) ?? 0) > now) return locked();
    if (this.#disabled.has(user)) return { outcome: "failed", code: "UserForbidden", message: "用户已被禁用" };
    if (!right) {
      const failures = (this.#failures.get(user) ?? 0) + 1;
      this.#failures.set(user, failures);
      if (failures < LOGIN_FAILURES_MAX) return { outcome: "failed", code, message };
      this.#failures.delete(user);
      this.#lockedUntil.set(user, now + LOCKED_MS);
      return locked();
    }
    this.#failures.delete(user);
    const recent = (this.#logins.get(user) ?? []).filter((atMs) => atMs > now - 60_000);
    this.#logins.set(user, [...recent, now]);
    const max = this.#options.loginsPerMinuteMax;
    if (max !== undefined && recent.length >= max) {
      this.#lockedUntil.set(user, now + LOCKED_MS);
      return locked();
    }
    return { outcome: "ok", caller: this.#open(user, String(this.#options.credentials.orgNum)) };
  }

  #open(user: string, organization: string): Caller {
    // Never drawn from the seed: after a restart an old session id must not be a valid new one.
    const session = randomUUID();
    const caller = { user, organization, session };
    this.#sessions.set(session, { caller, usedAtMs: this.#options.now() });
    return caller;
  }

  /** @returns the caller of a live session, whose life begins anew */
  #touch(id: string): Caller | undefined {
    const session = this.#sessions.get(id);
    if (!session) return undefined;
    if (this.#options.now() - session.usedAtMs > this.#options.sessionMs) {
      this.#sessions.delete(id);
      return undefined;
    }
    session.usedAtMs = this.#options.now();
    return session.caller;
  }
}

/** The body that answers a log-in, good or bad: HTTP 200 either way. */
export function loginJson(login: Login, auth: AuthOptions): JsonOut {
  const ok = login.outcome === "ok";
  return {
    Message: ok ? null : login.message,
    MessageCode: ok ? "CheckPasswordPolicy" : login.code,
    LoginResultType: ok ? 1 : 0,
    Context: ok
      ? {
          UserLocale: "zh-CN",
          LogLocale: "zh-CN",
          DBid: auth.credentials.acctId,
          DatabaseType: 3,
          SessionId: login.caller.session.replaceAll("-", "").slice(0, 24),
          UserId: 100001,
          UserName: login.caller.user,
          CustomName: auth.dataCentreName,
          DisplayVersion: "8.2.0",
          DataCenterName: auth.dataCentreName,
          DataCenterNumber: "001",
          UserToken: login.caller.session,
          CurrentOrganizationInfo: {
            ID: 1,
            AcctOrgType: "1",
            Name: String(auth.credentials.orgNum),
            FunctionIds: [101, 102],
          },
          GDCID: "",
          TenantId: "",
        }
      : null,
    KDSVCSessionId: ok ? login.caller.session : null,
    FormId: null,
    RedirectFormParam: null,
    FormInputObject: null,
    ErrorStackTrace: null,
    Lcid: 0,
    AccessToken: null,
    CustomParam: null,
    KdAccessResult: null,
    IsSuccessByAPI: ok,
  };
}

function locked(): Login {
  return { outcome: "failed", code: "CheckPasswordFailed", message: "登录错误次数超限，用户已被锁定，请30分钟后再试" };
}

/** The session arrives as header (Python, .NET), as SID (Java), or as cookie. */
function sessionIdOf(headers: IncomingHttpHeaders): string | undefined {
  const direct = headerText(headers["kdservice-sessionid"]) || headerText(headers["sid"]);
  if (direct !== "") return direct;
  return /(?:^|[;,]\s*)kdservice-sessionid=([^;,\s]+)/.exec(headerText(headers.cookie))?.[1];
}

function headerText(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(",") : (value ?? "");
}

function same(left: string, right: string): boolean {
  const [leftBytes, rightBytes] = [Buffer.from(left), Buffer.from(right)];
  return leftBytes.length === rightBytes.length && timingSafeEqual(leftBytes, rightBytes);
}
