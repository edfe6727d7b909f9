import { z } from "zod";
import type { ErrorCode } from "../../domain/errors.ts";
import type { Exchange } from "../transport/vendor-http.ts";
import { THROTTLED, failureOf } from "./vendor-errors.ts";

/** One call, judged. What a vendor's no means for a send is for `failureOf` to say. */
export type Answer =
  | { readonly kind: "ok"; readonly data: unknown }
  /** `data` may hold ids all the same: what was done before the failure. */
  | { readonly kind: "error"; readonly errcode: string; readonly message: string; readonly data: unknown }
  /** Provably nothing ran: no connection, no token, throttled, deadline passed. */
  | { readonly kind: "not-done"; readonly code: ErrorCode; readonly message: string }
  /** No answer, half of one, or one that says nothing certain. */
  | { readonly kind: "unclear"; readonly code: ErrorCode; readonly message: string };

/** Numbers arrive as decimal text; the vendor sends the same field as number or as text (reference §10.3). */
export const Text = z
  .union([z.string(), z.null()])
  .optional()
  .transform((text) => text ?? "");

/** Source: reference §10.2. Errors keep the shape, some without data, sometimes under a status other than 200. */
const Envelope = z.looseObject({ errcode: z.string(), description: Text, data: z.unknown().optional() });
/** push_app_authorize answers some clients in this older shape; 200 is its success (public clients). */
const OlderEnvelope = z.looseObject({ code: z.string(), msg: Text, data: z.unknown().optional() });

const envelopeIn = (
  body: unknown,
): { readonly errcode: string; readonly description: string; readonly data: unknown } | undefined => {
  const envelope = Envelope.safeParse(body);
  if (envelope.success) {
    const { errcode, description, data } = envelope.data;
    return { errcode, description, data };
  }
  const older = OlderEnvelope.safeParse(body);
  if (!older.success) return undefined;
  const { code, msg, data } = older.data;
  return { errcode: code === "200" ? "0" : code, description: msg, data };
};

const TOO_MANY_REQUESTS = 429;

/** @param exchange  its words have to be redacted already where they may carry a secret */
export const judge = (exchange: Exchange): Answer => {
  switch (exchange.kind) {
    case "not-sent":
      return { kind: "not-done", code: exchange.code, message: exchange.message };
    case "no-answer":
    case "half":
      return { kind: "unclear", code: "NO_ANSWER", message: exchange.message };
    case "unreadable":
      return withoutEnvelope(exchange.status, exchange.message);
    case "answered": {
      const { status, text } = exchange;
      const envelope = envelopeIn(exchange.body);
      if (envelope === undefined) return withoutEnvelope(status, `HTTP ${status}: ${text}`);
      if (envelope.errcode !== "0")
        return {
          kind: "error",
          errcode: envelope.errcode,
          data: envelope.data,
          message: `errcode ${envelope.errcode}: ${envelope.description}`,
        };
      if (status < 200 || status > 299)
        return { kind: "unclear", code: "SERVER_ERROR", message: `HTTP ${status} with errcode 0` };
      return { kind: "ok", data: envelope.data };
    }
  }
};

const withoutEnvelope = (status: number, message: string): Answer =>
  status === TOO_MANY_REQUESTS
    ? { kind: "not-done", code: "THROTTLED", message }
    : { kind: "unclear", code: status >= 500 ? "SERVER_ERROR" : "ANSWER_UNREADABLE", message };

/** Answers of reads that are worth another try at once. */
export const isPassing = (exchange: Exchange): boolean => {
  const answer = judge(exchange);
  return answer.kind === "error" && answer.errcode === THROTTLED;
};

/** For reads: the error by which a failed answer is known. */
export const readErrorOf = (
  answer: Exclude<Answer, { kind: "ok" }>,
): { readonly code: ErrorCode; readonly message: string } => {
  const { message } = answer;
  if (answer.kind === "not-done") return { code: answer.code, message };
  if (answer.kind === "unclear") return { code: "READ_FAILED", message };
  const { outcome, code } = failureOf(answer.errcode, message);
  return { code: outcome === "not-done" ? code : "READ_FAILED", message };
};
