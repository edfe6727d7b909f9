import { createHmac } from "node:crypto";
import { ZhangshiError } from "../../domain/errors.ts";

/** The constant of the vendor's client kits that hides the client secret inside the AppId (SDK-Py, SDK-Java, SDK-Net 8.2.0). */
const SEED = Buffer.from("0054f397c6234378b09ca7d3e5debce7", "ascii");
const HIDDEN_BYTES = 24;

export interface SigningIdentity {
  readonly acctId: string;
  readonly userName: string;
  readonly appId: string;
  readonly appSecret: string;
  readonly lcid: number;
  readonly orgNum: string;
}

/** HMAC-SHA256 as lower-case hex text, and that text in base64: 88 characters. */
const signed = (key: string, message: string): string =>
  Buffer.from(createHmac("sha256", key).update(message, "utf8").digest("hex"), "ascii").toString("base64");

/**
 * The two halves of `<clientId>_<32 base64 characters>`; the second one hides the client secret.
 * @throws ZhangshiError CONFIG_INVALID when the AppId has another shape
 */
export const clientOf = (
  appId: string,
  connection = "",
): { readonly clientId: string; readonly clientSecret: string } => {
  const [clientId = "", hidden = "", ...rest] = appId.split("_");
  const raw = Buffer.from(hidden, "base64");
  if (clientId === "" || rest.length > 0 || raw.length !== HIDDEN_BYTES)
    throw new ZhangshiError("CONFIG_INVALID", {
      ...(connection === "" ? {} : { connection }),
      field: "appId",
      reason: "not <client id>_<32 characters>: copy it whole from 第三方系统登录授权",
    });
  return {
    clientId,
    clientSecret: Buffer.from(raw.map((byte, index) => byte ^ (SEED[index] ?? 0))).toString("base64"),
  };
};

/** "/" becomes %2F; letters, digits, "_", "." and "-" stay. */
const encodePath = (path: string): string =>
  encodeURIComponent(path).replace(
    /[!'()*~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/**
 * Headers of one signed POST (reference §2.1). The body is not part of the signature.
 * @param path  of the URL, with its query
 * @param timestamp  Unix seconds as text (SDK-Py's way; the server takes milliseconds as well)
 */
export const signedHeaders = (
  identity: SigningIdentity,
  path: string,
  timestamp: string,
  nonce: string = timestamp,
): Readonly<Record<string, string>> => {
  const { clientId, clientSecret } = clientOf(identity.appId);
  const message = `POST\n${encodePath(path)}\n\nx-api-nonce:${nonce}\nx-api-timestamp:${timestamp}\n`;
  const appData = `${identity.acctId},${identity.userName},${identity.lcid},${identity.orgNum}`;
  return {
    "X-Api-ClientID": clientId,
    "X-Api-Auth-Version": "2.0",
    "x-api-timestamp": timestamp,
    "x-api-nonce": nonce,
    "x-api-signheaders": "x-api-timestamp,x-api-nonce",
    "X-Api-Signature": signed(clientSecret, message),
    "X-Kd-Appkey": identity.appId,
    "X-Kd-Appdata": Buffer.from(appData, "utf8").toString("base64"),
    "X-Kd-Signature": signed(identity.appSecret, identity.appId + appData),
  };
};
