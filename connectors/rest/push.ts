import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { ZhangshiError } from "../../domain/errors.ts";
import type { PushDelivery } from "../contract.ts";
import { parseVendorJson } from "../transport/json.ts";
import { textAt } from "./json-path.ts";
import type { PushSettings } from "./settings.ts";
import { recipes } from "./signatures.ts";
import { readTime } from "./times.ts";

const BODY_BYTES_MAX = 4 * 1024 * 1024;
const ID_MAX = 200;

export interface PushRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly rawBody: Buffer;
}

/**
 * Tells whether a push is genuine and what it is about. The signature covers the bytes as they came.
 * @returns an empty `form` for what concerns no configured form
 * @throws ZhangshiError PUSH_SIGNATURE_WRONG, PUSH_TOO_OLD, PUSH_UNREADABLE
 */
export const verifyPush = (
  push: PushSettings | undefined,
  secret: string,
  zone: string,
  now: Date,
  request: PushRequest,
): PushDelivery => {
  if (push === undefined || secret === "")
    throw new ZhangshiError("PUSH_SIGNATURE_WRONG", { reason: "no push is set up" });
  if (request.rawBody.length > BODY_BYTES_MAX) throw new ZhangshiError("PUSH_UNREADABLE", { reason: "too long" });
  const stamp = push.timestamp === undefined ? "" : stampOf(push.timestamp, request);
  if (!isGenuine(push.signature, secret, stamp, request)) throw new ZhangshiError("PUSH_SIGNATURE_WRONG");
  if (push.timestamp !== undefined) {
    const at = readTime(stamp, push.timestamp.format, zone);
    if (at === undefined) throw new ZhangshiError("PUSH_UNREADABLE", { field: push.timestamp.name });
    if (Math.abs(now.getTime() - Date.parse(at)) > push.windowMs)
      throw new ZhangshiError("PUSH_TOO_OLD", { timestamp: stamp });
  }
  const body = jsonOf(request.rawBody);
  const form = typeof push.form === "string" ? push.form : ownOf(push.form.names, textAt(body, push.form.path));
  const recordId = textAt(body, push.recordId).trim().slice(0, ID_MAX);
  const removed = push.removedWhen?.in.includes(textAt(body, push.removedWhen.path)) ?? false;
  // Without an id the push still says that something of the form changed.
  const event = recordId === "" || form === "" ? "form-changed" : removed ? "removed" : "changed";
  return { deliveryId: deliveryOf(push, stamp, request), form, recordId: form === "" ? "" : recordId, event };
};

const headerOf = ({ headers }: PushRequest, name: string): string =>
  Object.entries(headers).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1] ?? "";

const stampOf = (where: NonNullable<PushSettings["timestamp"]>, request: PushRequest): string =>
  where.in === "header" ? headerOf(request, where.name) : ownOf(request.query, where.name);
const ownOf = (values: Readonly<Record<string, string>>, name: string): string =>
  Object.hasOwn(values, name) ? (values[name] ?? "") : "";

const isGenuine = (
  signature: PushSettings["signature"],
  secret: string,
  stamp: string,
  request: PushRequest,
): boolean => {
  if (signature.kind === "recipe") {
    const parameters = Object.fromEntries(
      Object.entries(request.query).filter(([name]) => name !== signature.parameter),
    );
    const expected = recipes[signature.recipe](parameters, request.rawBody.toString("utf8"), secret);
    return sameText(ownOf(request.query, signature.parameter).toUpperCase(), expected.toUpperCase());
  }
  const { algorithm, encoding, header, prefix, timestampBefore } = signature;
  const hmac = createHmac(algorithm, secret);
  if (timestampBefore !== undefined) hmac.update(`${stamp}${timestampBefore}`);
  return sameText(headerOf(request, header), `${prefix}${hmac.update(request.rawBody).digest(encoding)}`);
};

/** Where the sender names no delivery, the same message is the same delivery. */
const deliveryOf = (push: PushSettings, stamp: string, request: PushRequest): string => {
  const named = push.deliveryHeader === undefined ? "" : headerOf(request, push.deliveryHeader);
  if (named !== "") return named.slice(0, ID_MAX);
  return createHash("sha256").update(`${stamp}\n`).update(request.rawBody).digest("hex");
};

const jsonOf = (rawBody: Buffer): unknown => {
  try {
    return parseVendorJson(rawBody.toString("utf8"));
  } catch (cause) {
    throw new ZhangshiError("PUSH_UNREADABLE", { reason: "no JSON" }, { cause });
  }
};

/** Takes as long for a near miss as for any other. */
const sameText = (given: string, expected: string): boolean => {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
};
