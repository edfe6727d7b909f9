import { LosslessNumber } from "lossless-json";
import { z } from "zod";
import type { ErrorCode } from "../../domain/errors.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import type { Exchange } from "../transport/vendor-http.ts";
import { meaningOf } from "./errors.ts";
import { CallFailed, jsonOf } from "./vendor-api.ts";
import { Refusal } from "./wire.ts";

export interface Problem {
  readonly kind: "refused" | "not-done" | "uncertain";
  readonly code: ErrorCode;
  readonly message: string;
}
type Meaning = Pick<Problem, "kind" | "code">;

const refused = (code: ErrorCode): Meaning => ({ kind: "refused", code });
const notDone = (code: ErrorCode): Meaning => ({ kind: "not-done", code });
const uncertain = (code: ErrorCode): Meaning => ({ kind: "uncertain", code });

/**
 * What a code says about a write. Rates, keys, scopes and quotas are looked at before a call runs; parameters before anything
 * is stored. What is not named here may have been stored. Source: Jiandaoyun reference §9.2, §9.3.
 */
export const writeMeanings: Readonly<Record<string, Meaning>> = {
  "1": refused("REFUSED_BY_ERP"),
  "1010": refused("CONFIG_INVALID"), // data_creator is no member
  "2004": refused("CONFIG_INVALID"),
  "3000": refused("CONFIG_INVALID"),
  "3005": refused("REFUSED_BY_ERP"),
  "4012": notDone("CONFLICT"), // another bulk edit of the form is running
  "4402": refused("REFUSED_BY_ERP"), // the check of an 聚合表
  "5056": refused("CONFIG_INVALID"), // not a workflow form
  "5060": refused("CONFIG_INVALID"),
  "7103": notDone("LICENCE_EXHAUSTED"),
  "7206": notDone("LICENCE_EXHAUSTED"),
  "7212": notDone("LICENCE_EXHAUSTED"),
  "7221": notDone("LICENCE_EXHAUSTED"),
  "8017": notDone("LOGIN_REFUSED"),
  "8301": notDone("LOGIN_REFUSED"),
  "8302": refused("PERMISSION_DENIED"),
  "8303": notDone("THROTTLED"),
  "8304": notDone("THROTTLED"),
  "8309": notDone("THROTTLED"),
  "17017": refused("REFUSED_BY_ERP"),
  "17018": notDone("LOGIN_REFUSED"),
  "17023": refused("REFUSED_BY_ERP"),
  "17024": refused("REFUSED_BY_ERP"),
  "17025": refused("REFUSED_BY_ERP"),
  "17026": uncertain("ALREADY_EXISTS"), // the transaction id is known: an earlier send of ours may have made it
  "17032": refused("REFUSED_BY_ERP"),
  "17034": refused("REFUSED_BY_ERP"),
  "17052": refused("PERMISSION_DENIED"),
  "17053": refused("PERMISSION_DENIED"),
  "17054": refused("PERMISSION_DENIED"),
  "30002": refused("CONFIG_INVALID"),
};

/** Codes of workflow actions beside those above. Every other one is a refusal that a person reads. Source: reference §7.2, §9.2. */
const workflowMeanings: Readonly<Record<string, Meaning>> = {
  "50047": notDone("CONFLICT"), // the workflow is being migrated
  "50008": uncertain("SERVER_ERROR"),
  "50011": uncertain("SERVER_ERROR"),
  "4000": uncertain("SERVER_ERROR"),
};

/** What became of a write: a whole answer in JSON, or what its failure means. */
export type Written = { readonly kind: "body"; readonly body: unknown } | Problem;

export const writtenOf = (exchange: Exchange, redact: (text: string) => string): Written => {
  const say = (meaning: Meaning, message: string): Problem => ({ ...meaning, message: redact(message).slice(0, 500) });
  switch (exchange.kind) {
    case "not-sent":
      return say(notDone(exchange.code), exchange.message);
    case "no-answer":
    case "half":
      return say(uncertain("NO_ANSWER"), exchange.message);
    case "unreadable":
      return say(uncertain("ANSWER_UNREADABLE"), exchange.message);
    case "answered": {
      const { status, text } = exchange;
      // Too many requests at the same time: turned away at the gate (reference §9.1).
      if (status === 429) return say(notDone("THROTTLED"), `HTTP 429: ${text}`);
      if (status >= 500) return say(uncertain("SERVER_ERROR"), `HTTP ${status}: ${text}`);
      const body = jsonOf(text);
      if (body === undefined) return say(uncertain("ANSWER_UNREADABLE"), `HTTP ${status}: ${text}`);
      const refusal = Refusal.safeParse(body);
      if (refusal.success && status !== 200) {
        const { code, msg } = refusal.data;
        const words = `${code} ${msg} (${meaningOf(code).what.zh})`;
        return say(writeMeanings[code] ?? uncertain("SERVER_ERROR"), words);
      }
      if (status === 403) return say(refused("PERMISSION_DENIED"), `HTTP 403: ${text}`);
      return status === 200 ? { kind: "body", body } : say(uncertain("SERVER_ERROR"), `HTTP ${status}: ${text}`);
    }
  }
};

const wireNumber = z.instanceof(LosslessNumber).transform((number) => number.value);

/** `success_count` counts the rows of the transaction, `success_ids` only what this request made. Source: reference §4.6. */
export const BatchReply = z.object({
  status: z.literal("success"),
  success_count: wireNumber,
  success_ids: z.array(z.string()),
});

/** Workflow actions answer HTTP 200 either way, with `message` instead of `msg`. Source: reference §7.2. */
const ActionReply = z.discriminatedUnion("status", [
  z.object({ status: z.literal("success") }),
  z.object({ status: z.literal("failure"), code: wireNumber, message: z.string().default("") }),
]);

/** Why an approval did not happen, where its answer says so; undefined for one that calls itself a success. */
export const approvalProblem = (written: Written): Problem | undefined => {
  if (written.kind !== "body") return written;
  const reply = ActionReply.safeParse(written.body);
  if (!reply.success) return { ...uncertain("ANSWER_UNREADABLE"), message: "the answer has no status" };
  if (reply.data.status === "success") return undefined;
  const { code, message } = reply.data;
  const meaning = workflowMeanings[code] ?? writeMeanings[code] ?? refused("AUDIT_REFUSED");
  return { ...meaning, message: `${code} ${message}` };
};

/** A read before the write failed: nothing was sent. */
export const problemBefore = (error: unknown): Problem => {
  if (error instanceof CallFailed)
    return { ...notDone(error.code), message: `${error.vendorCode} ${error.raw}`.trim() };
  // A field that is gone stays gone until a person acts.
  if (error instanceof ZhangshiError && error.code === "FORM_FIELD_GONE")
    return { ...refused("FORM_FIELD_GONE"), message: error.message };
  if (error instanceof ZhangshiError) return { ...notDone(error.code), message: error.message };
  throw error;
};
