import { z } from "zod";
import type { Exchange } from "../transport/vendor-http.ts";
import { OPENAPI_CODE, problemIn } from "./errors.ts";
import type { YonyouU8Settings } from "./settings.ts";
import type { SendAnswer } from "./u8-interface.ts";

const SHOWN = 500;
const Text = z
  .union([z.string(), z.null()])
  .optional()
  .transform((text) => text ?? "");

/** Every answer (reference §3.2): `errcode` is text, "0" is good. A request that was only accepted has none (§3.5). */
const Envelope = z.looseObject({
  errcode: z.string().optional(),
  errmsg: Text,
  url: Text,
  ping_after: Text,
  id: Text,
  tradeid: Text,
});
export type Envelope = z.infer<typeof Envelope>;

/** undefined where the answer is no envelope at all. */
export const envelopeIn = (answer: Exchange): Envelope | undefined => {
  if (answer.kind !== "answered" || answer.status !== 200) return undefined;
  const parsed = Envelope.safeParse(answer.body);
  return parsed.success ? parsed.data : undefined;
};

/** What an answer to `add`, or to a poll for its result, says. */
export type AddReply = SendAnswer | { readonly kind: "running"; readonly url: string; readonly waitSeconds: number };

type Codes = YonyouU8Settings["openapi"]["codes"];

/** "U8 服务调用失败:key='GW1';该业务员不合法;": the words between are EAI's own (reference §3.10). */
export const u8Words = (message: string): string =>
  message
    .replace(/^\s*U8\s*服务调用失败[:：]?\s*/, "")
    .replace(/^key='[^']*'[;；]?/, "")
    .replace(/[;；]\s*$/, "");

const WAIT_SECONDS = 1;

/** @param tradeid  the number that was sent along, or "" */
export const addReply = (answer: Exchange, tradeid: string, codes: Codes): AddReply => {
  switch (answer.kind) {
    case "not-sent":
      return { kind: "not-done", code: answer.code, message: answer.message };
    case "no-answer":
    case "half":
      return { kind: "uncertain", code: "NO_ANSWER", message: answer.message };
    case "unreadable":
      return {
        kind: "uncertain",
        code: answer.status >= 500 ? "SERVER_ERROR" : "ANSWER_UNREADABLE",
        message: answer.message,
      };
    case "answered": {
      if (answer.status !== 200)
        return {
          kind: "uncertain",
          code: "SERVER_ERROR",
          message: `HTTP ${answer.status} ${answer.text.slice(0, SHOWN)}`,
        };
      const reply = envelopeIn(answer);
      if (reply === undefined)
        return { kind: "uncertain", code: "ANSWER_UNREADABLE", message: `no envelope: ${answer.text.slice(0, SHOWN)}` };
      return judged(reply, tradeid, codes);
    }
  }
};

const judged = (reply: Envelope, tradeid: string, codes: Codes): AddReply => {
  const { errcode, errmsg, id, url } = reply;
  const incomplete = (message: string): SendAnswer => ({ kind: "uncertain", code: "ANSWER_INCOMPLETE", message });
  if (errcode === undefined) {
    if (url === "") return incomplete("neither a result nor where to ask for one");
    const seconds = Number(reply.ping_after);
    return { kind: "running", url, waitSeconds: Number.isFinite(seconds) && seconds > 0 ? seconds : WAIT_SECONDS };
  }
  const message = `${errcode} ${errmsg}`.trim();
  if (errcode === OPENAPI_CODE.ok) {
    if (tradeid !== "" && reply.tradeid !== "" && reply.tradeid !== tradeid)
      return incomplete(`the answer is about ${reply.tradeid}`);
    return id === "" ? incomplete("called a success, but without an id") : { kind: "taken", message: `id ${id}` };
  }
  if (errcode === OPENAPI_CODE.refusedByU8) return { ...problemIn(u8Words(errmsg)), message, judged: true };
  if (errcode === OPENAPI_CODE.stillRunning) return { kind: "uncertain", code: "NO_ANSWER", message };
  // The gateway looks at the token before it hands anything to U8.
  if (errcode === OPENAPI_CODE.tokenExpired) return { kind: "not-done", code: "NOT_LOGGED_IN", message };
  if (codes.logInRefused.includes(errcode)) return { kind: "not-done", code: "LOGIN_REFUSED", message };
  if (codes.permissionDenied.includes(errcode)) return { kind: "not-done", code: "PERMISSION_DENIED", message };
  // These two codes are assumed: the books are asked whether really nothing happened.
  if (codes.throttled.includes(errcode)) return { kind: "not-done", code: "THROTTLED", message, judged: true };
  if (codes.notReachable.includes(errcode)) return { kind: "not-done", code: "NOT_REACHABLE", message, judged: true };
  return { kind: "uncertain", code: "SERVER_ERROR", message };
};
