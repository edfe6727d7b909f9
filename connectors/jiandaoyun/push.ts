import { createHash, timingSafeEqual } from "node:crypto";
import { parse } from "lossless-json";
import { ZhangshiError } from "../../domain/errors.ts";
import type { PushDelivery } from "../contract.ts";
import { Push } from "./wire.ts";

/** How far the sender's clock and ours may differ; the scheme has no replay window of its own. */
const WINDOW_MS = 15 * 60_000;
const BODY_BYTES_MAX = 4 * 1024 * 1024;

export interface PushRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly rawBody: Buffer;
}

/** The signature covers the bytes as they came: parsing and writing them again would turn 118.0 into 118. Source: Jiandaoyun reference §10.2. */
export const signatureOf = (nonce: string, rawBody: Buffer, secret: string, timestamp: string): string =>
  createHash("sha1").update(`${nonce}:`).update(rawBody).update(`:${secret}:${timestamp}`).digest("hex");

/**
 * `X-JDY-Signature` carries the bare lower-case digest and `X-JDY-DeliverId` the delivery's id (the official sample
 * prints the two values swapped; every official receiver reads them as here). `timestamp` and `nonce` are in the query.
 *
 * @param formOf  our name of a form by the vendor's entry id
 * @returns an empty `form` for what concerns no configured form, such as the vendor's connection test
 * @throws ZhangshiError PUSH_SIGNATURE_WRONG, PUSH_TOO_OLD, PUSH_UNREADABLE
 */
export const verifyPush = (
  request: PushRequest,
  secret: string | undefined,
  now: Date,
  formOf: (entryId: string) => string | undefined,
): PushDelivery => {
  const header = (name: string): string =>
    Object.entries(request.headers).find(([key]) => key.toLowerCase() === name)?.[1] ?? "";
  const { timestamp = "", nonce = "" } = request.query;
  const signature = header("x-jdy-signature");
  if (secret === undefined) throw new ZhangshiError("PUSH_SIGNATURE_WRONG", { reason: "no webhookSecret is set" });
  if (request.rawBody.length > BODY_BYTES_MAX) throw new ZhangshiError("PUSH_UNREADABLE", { reason: "too long" });
  if (!sameText(signature, signatureOf(nonce, request.rawBody, secret, timestamp)))
    throw new ZhangshiError("PUSH_SIGNATURE_WRONG");

  if (!/^\d{10}$/.test(timestamp)) throw new ZhangshiError("PUSH_UNREADABLE", { field: "timestamp" });
  if (Math.abs(now.getTime() - Number(timestamp) * 1_000) > WINDOW_MS)
    throw new ZhangshiError("PUSH_TOO_OLD", { timestamp });
  const deliveryId = header("x-jdy-deliverid");
  if (deliveryId === "" || deliveryId.length > 200)
    throw new ZhangshiError("PUSH_UNREADABLE", { field: "X-JDY-DeliverId" });
  return { deliveryId, ...contentOf(request.rawBody, formOf) };
};

const contentOf = (
  rawBody: Buffer,
  formOf: (entryId: string) => string | undefined,
): Omit<PushDelivery, "deliveryId"> => {
  const push = Push.safeParse(jsonOf(rawBody));
  if (!push.success) throw new ZhangshiError("PUSH_UNREADABLE", { field: push.error.issues[0]?.path.join(".") ?? "" });
  const { op, data } = push.data;
  const form = formOf(data.entryId ?? data.form_id ?? "") ?? "";
  const recordId = data._id ?? data.instance_id ?? "";
  if (op === "form_update" || recordId === "" || form === "") return { form, recordId: "", event: "form-changed" };
  // `data_delete` occurs in no source; whoever sends it can only mean this.
  const removed = op === "data_remove" || op === "data_delete";
  return { form, recordId, event: removed ? "removed" : "changed" };
};

const jsonOf = (rawBody: Buffer): unknown => {
  try {
    return parse(rawBody.toString("utf8"));
  } catch (cause) {
    throw new ZhangshiError("PUSH_UNREADABLE", { reason: "no JSON" }, { cause });
  }
};

/** Takes as long for a near miss as for any other. */
const sameText = (given: string, expected: string): boolean => {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
};
