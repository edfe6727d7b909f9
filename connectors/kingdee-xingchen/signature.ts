import { createHmac } from "node:crypto";

/** HMAC-SHA256 as lower-case hex text, and that text (not the bytes) in base64: 88 characters (reference §10.1). */
const signed = (key: string, message: string): string =>
  Buffer.from(createHmac("sha256", key).update(message, "utf8").digest("hex"), "ascii").toString("base64");

/** "/" becomes %2F; letters, digits, "_", "." and "-" stay. */
const percent = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

export type Parameters = Readonly<Record<string, string>>;

const sorted = (parameters: Parameters): readonly (readonly [string, string])[] =>
  Object.entries(parameters).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

/** The query of the URL: sorted like the signature's line, each value encoded once. */
export const queryOf = (parameters: Parameters): string =>
  sorted(parameters)
    .map(([name, value]) => `${percent(name)}=${percent(value)}`)
    .join("&");

/** app_signature of the token request: the application's key, signed with its present secret. */
export const appSignature = (appKey: string, appSecret: string): string => signed(appSecret, appKey);

/**
 * Headers that sign one call. The body is not part of it; each value of the query enters percent-encoded twice.
 * @param path  of the URL, without query
 * @param timestamp  milliseconds; the gateway takes it for five minutes
 * @param nonce  a positive whole number
 */
export const signedHeaders = (
  client: { readonly clientId: string; readonly clientSecret: string },
  method: "GET" | "POST",
  path: string,
  parameters: Parameters,
  timestamp: string,
  nonce: string,
): Readonly<Record<string, string>> => {
  const line = sorted(parameters)
    .map(([name, value]) => `${name}=${percent(percent(value))}`)
    .join("&");
  const message = `${method}\n${percent(path)}\n${line}\nx-api-nonce:${nonce}\nx-api-timestamp:${timestamp}\n`;
  return {
    "X-Api-ClientID": client.clientId,
    "X-Api-Auth-Version": "2.0",
    "X-Api-TimeStamp": timestamp,
    "X-Api-Nonce": nonce,
    "X-Api-SignHeaders": "X-Api-TimeStamp,X-Api-Nonce",
    "X-Api-Signature": signed(client.clientSecret, message),
  };
};
