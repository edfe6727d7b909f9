import { createHash, createHmac } from "node:crypto";

/** Parameters as they are sent, without the signature itself. */
export type Parameters = Readonly<Record<string, string>>;
export type SignatureRecipe = (parameters: Parameters, body: string, secret: string) => string;

const md5 = (text: string): string => createHash("md5").update(text, "utf8").digest("hex");
/** By the bytes of the name, as every one of these systems does ("app_key" before "appKey"). */
const sorted = (parameters: Parameters): readonly (readonly [string, string])[] =>
  Object.entries(parameters).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
const joined = (parameters: Parameters): string =>
  sorted(parameters)
    .filter(([, value]) => value !== "")
    .map(([name, value]) => name + value)
    .join("");

/** Length in bytes; some older clients of the vendor count characters, which differs for Chinese values alone. */
const measured = (text: string, digits: number): string =>
  `${String(Buffer.byteLength(text)).padStart(digits, "0")}-${text}`;

/**
 * How warehouse systems sign what they are asked, and what they push.
 * Sources: 旺店通 (enterprise edition) and 管易 – warehouse reference §12, community clients that agree with each other;
 * 聚水潭 – open platform's "signature rules" (docType 7), as its community clients do it;
 * 奇门 – TOP "calling by HTTP", document 101617, with the body behind the parameters as its server-side sample does.
 */
export const recipes = {
  /** 旺店通: "07-name:0005-value" joined by semicolons, then the secret; MD5 in lower case. Empty values are signed too. */
  wangdian: (parameters, _body, secret) =>
    md5(
      sorted(parameters)
        .map(([name, value]) => `${measured(name, 2)}:${measured(value, 4)}`)
        .join(";") + secret,
    ),
  /** 聚水潭: the secret, then names and values; MD5 in lower case. */
  jushuitan: (parameters, _body, secret) => md5(secret + joined(parameters)),
  /** 奇门, sign_method=md5: names, values and body between two secrets; MD5 in upper case. */
  "qimen-md5": (parameters, body, secret) => md5(secret + joined(parameters) + body + secret).toUpperCase(),
  /** 奇门, sign_method=hmac. */
  "qimen-hmac": (parameters, body, secret) =>
    createHmac("md5", secret)
      .update(joined(parameters) + body, "utf8")
      .digest("hex")
      .toUpperCase(),
  /** 奇门, sign_method=hmac-sha256. */
  "qimen-hmac-sha256": (parameters, body, secret) =>
    createHmac("sha256", secret)
      .update(joined(parameters) + body, "utf8")
      .digest("hex")
      .toUpperCase(),
  /** 管易: the JSON between two secrets; MD5 in upper case. */
  guanyi: (_parameters, body, secret) => md5(secret + body + secret).toUpperCase(),
} as const satisfies Record<string, SignatureRecipe>;

export const recipeNames = ["wangdian", "jushuitan", "qimen-md5", "qimen-hmac", "qimen-hmac-sha256", "guanyi"] as const;
export type RecipeName = (typeof recipeNames)[number];
