import type { ErrorCode } from "../../domain/errors.ts";
import { PostingKey } from "../../domain/posting-key.ts";
import type { VoucherDraft } from "../../domain/voucher.ts";
import type { SendOutcome } from "../contract.ts";
import {
  type ChannelAnswer,
  MSG,
  type ResponseStatus,
  WriteReply,
  failureIn,
  isSessionLost,
  messageOf,
} from "./answers.ts";

type Problem = {
  readonly kind: "refused" | "not-done" | "uncertain";
  readonly code: ErrorCode;
  readonly message: string;
};

/** What keeps a whole request from being a readable answer; undefined where there is a reply to look into. */
export const transportProblem = (answer: ChannelAnswer): Problem | undefined => {
  switch (answer.kind) {
    case "not-logged-in":
    case "not-sent":
      return { kind: "not-done", code: answer.code, message: answer.message };
    case "no-answer":
    case "half":
      return { kind: "uncertain", code: "NO_ANSWER", message: answer.message };
    case "unreadable":
      if (isSessionLost(answer)) return { kind: "uncertain", code: "SESSION_LOST", message: answer.message };
      return {
        kind: "uncertain",
        code: answer.status >= 500 || answer.text.startsWith("response_error:") ? "SERVER_ERROR" : "ANSWER_UNREADABLE",
        message: answer.message,
      };
    case "answered":
      if (isSessionLost(answer))
        return {
          kind: "uncertain",
          code: "SESSION_LOST",
          message: failureIn(answer.body)?.message ?? `HTTP ${answer.status}`,
        };
      if (answer.status === 200 || answer.status === 206) return undefined;
      return { kind: "uncertain", code: "SERVER_ERROR", message: `HTTP ${answer.status}` };
  }
};

/** Failures of the request as a whole: a single DIndex in the answer says nothing about the other documents. */
const WHOLE_REQUEST: ReadonlySet<number> = new Set([
  MSG.noRight,
  MSG.operationEmpty,
  MSG.formEmpty,
  MSG.licence,
  MSG.parameter,
  MSG.throttled,
  MSG.adminRefused,
]);

/** What a MsgCode says about a document that the answer names as failed (reference §4.2). */
export const problemOf = (msgCode: number, field: string, message: string): Problem => {
  // Another attempt of ours may have made it: only the ERP's books can tell.
  if (message.includes("已存在")) return { kind: "uncertain", code: "ALREADY_EXISTS", message };
  switch (msgCode) {
    case MSG.throttled:
      return { kind: "not-done", code: "THROTTLED", message };
    case MSG.conflict:
      return { kind: "not-done", code: "CONFLICT", message };
    case MSG.licence:
      return { kind: "not-done", code: "LICENCE_EXHAUSTED", message };
    case MSG.noRight:
    case MSG.adminRefused:
      return { kind: "refused", code: "PERMISSION_DENIED", message };
    case MSG.operationEmpty:
    case MSG.formEmpty:
    case MSG.parameter:
    case MSG.fieldUnknown:
    case MSG.noData:
    case MSG.validation:
    case MSG.notOperable:
      return { kind: "refused", code: refusalOf(msgCode, field, message), message };
    default:
      // 4 异常, 6 数据库操作失败, 0 and unknown ones: the reference does not prove them harmless.
      return { kind: "uncertain", code: "SERVER_ERROR", message };
  }
};

const BASE_DATA_FIELDS = /^F(ACCOUNTBOOKID|VOUCHERGROUPID|CURRENCYID|EXCHANGERATETYPE|UNITID|SOURCEBILLKEY)/i;

const refusalOf = (msgCode: number, field: string, message: string): ErrorCode => {
  if (/FACCOUNTID/i.test(field)) return "ACCOUNT_REFUSED";
  if (/FDETAILID|FFLEX\d|^FF\d/i.test(field)) return "DIMENSION_REFUSED";
  if (BASE_DATA_FIELDS.test(field) || msgCode === MSG.noData || message.includes("基础资料"))
    return "MASTER_DATA_REFUSED";
  return "REFUSED_BY_ERP";
};

/**
 * One outcome per draft of a BatchSave. A document counts as posted only where the answer names it and the key came back.
 * Keys are unique, so an echoed key proves its own voucher whatever the order of NeedReturnData.
 */
export const saveOutcomes = (
  drafts: readonly VoucherDraft[],
  answer: ChannelAnswer,
  keyField: string,
): readonly SendOutcome[] => {
  const everywhere = (problem: Problem): readonly SendOutcome[] =>
    drafts.map((draft) => ({ ...problem, key: PostingKey.parse(draft.key) }));
  const problem = transportProblem(answer);
  if (problem !== undefined) return everywhere(problem);
  const reply = WriteReply.safeParse(answer.kind === "answered" ? answer.body : undefined);
  if (!reply.success) {
    const message = "the answer has no ResponseStatus";
    return everywhere({ kind: "uncertain", code: "ANSWER_UNREADABLE", message });
  }
  const { ResponseStatus: status, NeedReturnData } = reply.data.Result;
  const echoed = echoedKeys(NeedReturnData, keyField);
  const whole = wholeRequestProblem(status);
  if (whole !== undefined) return everywhere(whole);

  return drafts.map((draft, index): SendOutcome => {
    const key = PostingKey.parse(draft.key);
    const saved = status.SuccessEntitys.filter((entity) => entity.DIndex === index);
    const errors = status.Errors.filter((error) => error.DIndex === index);
    const [first] = saved;
    if (first !== undefined && errors.length === 0 && saved.length === 1)
      return echoed.has(draft.key)
        ? { kind: "posted", key, erpId: first.Id, number: first.Number, stage: "saved" }
        : { kind: "uncertain", key, code: "KEY_NOT_ECHOED", message: `saved as ${first.Id} without our key` };
    if (saved.length === 0 && errors.length > 0 && !echoed.has(draft.key)) {
      const message = messageOf({ ...status, Errors: errors });
      return { ...problemOf(elementCode(status), errors[0]?.FieldName ?? "", message), key };
    }
    const message = saved.length === 0 && errors.length === 0 ? messageOf(status) : "the answer contradicts itself";
    return { kind: "uncertain", key, code: "ANSWER_INCOMPLETE", message: message || "not named in the answer" };
  });
};

/** A batch that calls itself a success carries MsgCode 0: the documents in its Errors were still refused one by one (reference §4.1). */
const elementCode = (status: ResponseStatus): number =>
  status.IsSuccess ? MSG.validation : (status.MsgCode ?? MSG.default);

const wholeRequestProblem = (status: ResponseStatus): Problem | undefined => {
  const msgCode = status.MsgCode ?? MSG.default;
  if (status.IsSuccess || status.SuccessEntitys.length > 0 || !WHOLE_REQUEST.has(msgCode)) return undefined;
  return problemOf(msgCode, status.Errors[0]?.FieldName ?? "", messageOf(status));
};

const echoedKeys = (
  returned: readonly (Readonly<Record<string, unknown>> | null)[],
  keyField: string,
): ReadonlySet<string> => {
  const keys = new Set<string>();
  for (const one of returned)
    for (const [name, value] of Object.entries(one ?? {}))
      if (name.toLowerCase() === keyField.toLowerCase() && typeof value === "string") keys.add(value.trim());
  return keys;
};

/** For Submit and Audit: what the answer says about one id. Whether it happened is read from the books, never from here. */
export const operationProblem = (answer: ChannelAnswer, index: number): Problem => {
  const problem = transportProblem(answer);
  if (problem !== undefined) return problem;
  const reply = WriteReply.safeParse(answer.kind === "answered" ? answer.body : undefined);
  if (!reply.success)
    return { kind: "uncertain", code: "ANSWER_UNREADABLE", message: "the answer has no ResponseStatus" };
  const status = reply.data.Result.ResponseStatus;
  if (status.IsSuccess && status.Errors.length === 0)
    return { kind: "uncertain", code: "ANSWER_INCOMPLETE", message: "called a success, but the voucher did not move" };
  const own = status.Errors.filter((error) => error.DIndex === index);
  const named = own.length > 0 ? own : status.Errors;
  const found = problemOf(status.MsgCode ?? MSG.default, "", messageOf({ ...status, Errors: named }));
  return found.kind === "refused" && found.code !== "PERMISSION_DENIED" ? { ...found, code: "AUDIT_REFUSED" } : found;
};
