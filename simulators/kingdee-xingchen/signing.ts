/**
 * The two signatures of the open platform, written from its documentation page on signing: base64 of the lower-case
 * hexadecimal HMAC-SHA256.
 */

import { createHmac, timingSafeEqual } from "node:crypto";

/** @returns base64 of the lower-case hexadecimal HMAC-SHA256 */
export function signText(key: string, message: string): string {
  return Buffer.from(createHmac("sha256", key).update(message, "utf8").digest("hex"), "ascii").toString("base64");
}

/** @returns app_signature: the appKey signed with the appSecret */
export function appSignature(appKey: string, appSecret: string): string {
  return signText(appSecret, appKey);
}

/** How the clients of one language percent-encode a value. */
type Encoding = (text: string) => string;

/** PHP's rawurlencode and Python's quote(safe=""). */
const strict: Encoding = (text) => encodeURIComponent(text).replaceAll(/[!'()*]/g, percent);
/** Java's URLEncoder, and PHP's urlencode: a blank becomes "+". */
const form: Encoding = (text) => strict(text).replaceAll("%20", "+").replaceAll("~", "%7E").replaceAll("%2A", "*");

const ENCODINGS: readonly Encoding[] = [encodeURIComponent, strict, form];

function percent(mark: string): string {
  return `%${mark.charCodeAt(0).toString(16).toUpperCase()}`;
}

/**
 * The texts that X-Api-Signature may be made over. Parameters are sorted by name and their values are encoded twice; public
 * clients differ only in the percent-encoding of their language, and in encoding the names as well (the vendor's PHP SDK).
 */
export function signedTexts(
  method: string,
  path: string,
  query: URLSearchParams,
  nonce: string,
  timestamp: string,
): string[] {
  const parameters = [...query].toSorted(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
  const texts = ENCODINGS.flatMap((encode) =>
    [(name: string) => name, (name: string) => encode(encode(name))].map((encodeName) => {
      const line = parameters.map(([name, value]) => `${encodeName(name)}=${encode(encode(value))}`).join("&");
      return [
        method.toUpperCase(),
        encode(decodeSafely(path)),
        line,
        `x-api-nonce:${nonce}`,
        `x-api-timestamp:${timestamp}`,
        "",
      ].join("\n");
    }),
  );
  return [...new Set(texts)];
}

/** Compares two signatures without telling by its time how far they agree. */
export function sameSignature(given: string, expected: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function decodeSafely(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
