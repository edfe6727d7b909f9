import { z } from "zod";
import type { Exchange } from "../transport/vendor-http.ts";

/** What a call brought, log-in included: without a session nothing was asked at all. */
export type ChannelAnswer =
  | Exchange
  | {
      readonly kind: "not-logged-in";
      readonly code: "LOGIN_REFUSED" | "NOT_LOGGED_IN" | "NOT_REACHABLE";
      readonly message: string;
    };

/** MsgCode (reference §4.2, vendor's table). */
export const MSG = {
  default: 0,
  contextLost: 1,
  noRight: 2,
  operationEmpty: 3,
  exception: 4,
  formEmpty: 5,
  database: 6,
  licence: 7,
  parameter: 8,
  fieldUnknown: 9,
  noData: 10,
  validation: 11,
  notOperable: 12,
  conflict: 13,
  throttled: 14,
  adminRefused: 15,
} as const;

/** Numbers of the vendor arrive as decimal text. */
const WholeNumber = z
  .string()
  .regex(/^-?\d+$/)
  .transform(Number);
const Text = z
  .union([z.string(), z.null()])
  .optional()
  .transform((text) => text ?? "");
const List = <Item extends z.ZodType>(item: Item) =>
  z
    .union([z.array(item), z.null()])
    .optional()
    .transform((list) => list ?? []);

/** Source: reference §4.1, captured answers and SDK-Java's classes. ErrorCode is a number in some, a string in others: unused. */
const ResponseStatus = z.object({
  IsSuccess: z.boolean(),
  Errors: List(z.object({ FieldName: Text, Message: Text, DIndex: WholeNumber.optional() })),
  SuccessEntitys: List(z.object({ Id: z.string(), Number: Text, DIndex: WholeNumber.optional() })),
  MsgCode: WholeNumber.optional(),
});
export type ResponseStatus = z.infer<typeof ResponseStatus>;

export const WriteReply = z.object({
  Result: z.object({
    ResponseStatus,
    NeedReturnData: List(z.union([z.record(z.string(), z.unknown()), z.null()])),
  }),
});
export type WriteReply = z.infer<typeof WriteReply>;

/** A list of errors without any envelope: one of the forms of a lost session (reference §4.3). */
const BareErrors = z.array(z.object({ Message: z.string(), FieldName: z.unknown(), DIndex: z.unknown() })).min(1);
const SessionCode = z.object({ ErrorCode: z.string().regex(/^-10001$/) });
const Wrapped = z.tuple([z.tuple([z.looseObject({ Result: z.unknown() })])]);

const SESSION_WORDS = ["会话信息已丢失", "ctx == null", "未登录", "-10001"];
const speaksOfSession = (text: string): boolean => SESSION_WORDS.some((word) => text.includes(word));

/** `[[{"Result":…}]]` is how a query fails; the object inside is the usual one. */
const unwrap = (body: unknown): unknown => {
  const wrapped = Wrapped.safeParse(body);
  return wrapped.success ? wrapped.data[0][0] : body;
};

/** The failure inside an answer, whatever its form; undefined where the answer is none. */
export const failureIn = (body: unknown): { readonly msgCode: number; readonly message: string } | undefined => {
  const reply = WriteReply.safeParse(unwrap(body));
  if (reply.success) {
    const { ResponseStatus: status } = reply.data.Result;
    return status.IsSuccess ? undefined : { msgCode: status.MsgCode ?? MSG.default, message: messageOf(status) };
  }
  const bare = BareErrors.safeParse(body);
  if (bare.success) {
    const message = bare.data.map((error) => error.Message).join("; ");
    return { msgCode: speaksOfSession(message) ? MSG.contextLost : MSG.default, message };
  }
  const code = SessionCode.safeParse(body);
  return code.success ? { msgCode: MSG.contextLost, message: code.data.ErrorCode } : undefined;
};

export const messageOf = (status: ResponseStatus): string =>
  status.Errors.map(({ FieldName, Message }) => (FieldName === "" ? Message : `${FieldName}: ${Message}`)).join("; ");

/** True only for failures: the word alone on a good answer has made other clients post twice (reference §4.3). */
export const isSessionLost = (answer: Exchange): boolean => {
  if (answer.kind === "unreadable")
    return answer.status === 401 || (answer.text.startsWith("response_error:") && speaksOfSession(answer.text));
  if (answer.kind !== "answered") return false;
  if (answer.status === 401) return true;
  const failure = failureIn(answer.body);
  return failure !== undefined && (failure.msgCode === MSG.contextLost || speaksOfSession(failure.message));
};

export const isThrottled = (answer: Exchange): boolean =>
  answer.kind === "answered" && failureIn(answer.body)?.msgCode === MSG.throttled;

/** Failures of queries that pass by themselves. */
export const isPassing = (answer: Exchange): boolean => {
  if (answer.kind !== "answered") return false;
  const code = failureIn(answer.body)?.msgCode;
  return code === MSG.throttled || code === MSG.database || code === MSG.exception || code === MSG.conflict;
};

const LogInReply = z.object({
  LoginResultType: WholeNumber,
  Message: Text,
  MessageCode: Text,
  KDSVCSessionId: Text,
});

/** -5 is "logged in, with a warning" to some clients (reference §2.2). */
const LOGGED_IN: ReadonlySet<number> = new Set([1, -5]);

export const logInIn = (
  body: unknown,
): { readonly ok: boolean; readonly sessionId: string; readonly message: string } | undefined => {
  const reply = LogInReply.safeParse(body);
  if (!reply.success) return undefined;
  const { LoginResultType, Message, MessageCode, KDSVCSessionId } = reply.data;
  return { ok: LOGGED_IN.has(LoginResultType), sessionId: KDSVCSessionId, message: `${Message} ${MessageCode}`.trim() };
};
