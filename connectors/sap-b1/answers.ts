import { z } from "zod";
import { parseVendorJson } from "../transport/json.ts";
import type { Exchange } from "../transport/vendor-http.ts";

/** What a call brought, log-in included: without a session nothing was asked at all. */
export type ChannelAnswer =
  | Exchange
  | {
      readonly kind: "not-logged-in";
      readonly code: "LOGIN_REFUSED" | "NOT_LOGGED_IN" | "NOT_REACHABLE";
      readonly message: string;
    };

/** An error as B1 words it. `code` is decimal text, "" where the answer carries none. */
export interface VendorError {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** Numbers of the vendor arrive as text already; v2 sends codes as strings, v1 as numbers (reference §6.1). */
const ErrorBody = z.object({
  error: z.union([
    z.string().transform((message) => ({ code: "", message })),
    z
      .object({
        code: z.union([z.string(), z.null()]).optional(),
        message: z.union([z.string(), z.object({ value: z.string() }), z.null()]).optional(),
      })
      .transform(({ code, message }) => ({
        code: code ?? "",
        message: typeof message === "string" ? message : (message?.value ?? ""),
      })),
  ]),
});

/** The error in a failed answer, whatever its form: v1, v2, a bare string, a page of the proxy, nothing at all. */
export const errorOf = (status: number, text: string): VendorError => {
  let body: unknown;
  try {
    body = parseVendorJson(text);
  } catch {
    return { status, code: "", message: text.trim() === "" ? `HTTP ${status} without a text` : text };
  }
  const parsed = ErrorBody.safeParse(body);
  return parsed.success ? { status, ...parsed.data.error } : { status, code: "", message: text };
};

/** "-5002: Enter valid code (HTTP 400)": the vendor's words in full. */
export const sentenceOf = ({ status, code, message }: VendorError): string =>
  `${code === "" ? "" : `${code}: `}${message} (HTTP ${status})`;

/** What was answered with a status that is no success; undefined where it was, or where there is no whole answer. */
export const failureIn = (answer: Exchange): VendorError | undefined => {
  if (answer.kind !== "answered" && answer.kind !== "unreadable") return undefined;
  if (answer.kind === "answered" && answer.status >= 200 && answer.status < 300) return undefined;
  return errorOf(answer.status, answer.text);
};

/** 401 is a session that is missing or over; a refused log-in is told apart by who asked (reference §2.5). */
export const isSessionLost = (answer: Exchange): boolean => failureIn(answer)?.status === 401;

/** "Switch company error": integrators treat it as passing (reference §2.6). */
export const SWITCH_COMPANY = "305";
/** Lock conflicts and a lost commit: another try may succeed (reference §6.4). */
export const CONFLICTS: ReadonlySet<string> = new Set(["-2039", "-2038", "-1116"]);

/** "Property 'U_X' of 'JournalEntry' is invalid", "Unrecognized resource path." (reference §6.3) */
export const NAME_UNKNOWN: ReadonlySet<string> = new Set(["-1000", "201"]);

/** A missing right has no code of its own that is known, and it is missing for every voucher: only its words tell. */
const PERMISSION_WORDS = /not permitted to perform|no permission|not authori[sz]ed|没有权限|无权|未授权/i;
export const isForbidden = ({ status, message }: VendorError): boolean =>
  status === 403 || (status >= 400 && status < 500 && PERMISSION_WORDS.test(message));

/** Failures of a read that pass by themselves. */
export const isPassing = (answer: Exchange): boolean => {
  const failure = failureIn(answer);
  return failure !== undefined && (failure.code === SWITCH_COMPANY || CONFLICTS.has(failure.code));
};

/** Source: reference §2.1. SessionTimeout is in minutes. */
const LogInReply = z.object({
  SessionId: z.string().min(1),
  Version: z.union([z.string(), z.null()]).optional(),
  SessionTimeout: z
    .string()
    .regex(/^\d{1,6}$/)
    .transform(Number)
    .optional(),
});

export interface LogInAnswer {
  readonly sessionId: string;
  readonly version: string;
  readonly timeoutMinutes: number | undefined;
}

export const logInIn = (body: unknown): LogInAnswer | undefined => {
  const reply = LogInReply.safeParse(body);
  if (!reply.success) return undefined;
  const { SessionId, Version, SessionTimeout } = reply.data;
  return { sessionId: SessionId, version: Version ?? "", timeoutMinutes: SessionTimeout };
};

/** A page of entities: v2 and v1 name the count differently (reference §1). */
const Page = z.object({
  value: z.array(z.record(z.string(), z.unknown())),
  "@odata.count": z.string().regex(/^\d+$/).transform(Number).optional(),
  "odata.count": z.string().regex(/^\d+$/).transform(Number).optional(),
});

export interface EntityPage {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** How many entities match in all; undefined where the server does not say. */
  readonly count: number | undefined;
}

export const pageIn = (body: unknown): EntityPage | undefined => {
  const page = Page.safeParse(body);
  if (!page.success) return undefined;
  return { rows: page.data.value, count: page.data["@odata.count"] ?? page.data["odata.count"] };
};
