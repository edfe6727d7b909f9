import type { ErrorCode } from "../../domain/errors.ts";
import type { Bilingual } from "../contract.ts";

/** What a failure of the vendor means for a send. Whose job it is and the next step stand in our catalogue, under `code`. */
export interface VendorFailure {
  readonly outcome: "refused" | "not-done" | "uncertain";
  readonly code: ErrorCode;
  readonly cause: Bilingual;
}

const failure = (outcome: VendorFailure["outcome"], code: ErrorCode, zh: string, en: string): VendorFailure => ({
  outcome,
  code,
  cause: { zh, en },
});

/** errcode 1000202001: the token's day is over. */
export const TOKEN_EXPIRED = "1000202001";
/** errcode 1020002008: the gate does not know the authorisation (any more). */
export const AUTHORISATION_FAILED = "1020002008";
/** errcode 1030002006: the token was asked for with an appSecret that has been rotated (public clients). */
export const SECRET_STALE = "1030002006";
/** The same in words, where the number is another one (reference §10.2). */
export const SECRET_STALE_WORDS = "授权密钥校验失败";
/** Gateway: the time stamp is more than five minutes off. */
export const CLOCK_OFF = "4006";
export const THROTTLED = "429";

export const isTokenLoss = (errcode: string): boolean => errcode === TOKEN_EXPIRED || errcode === AUTHORISATION_FAILED;

/**
 * By errcode. Sources: reference §2.3 and §10.2, public clients. The vendor publishes no list; these numbers come from the
 * gate before anything ran, save for the last one.
 */
export const failuresByCode: Readonly<Record<string, VendorFailure>> = {
  "4002": failure("not-done", "LOGIN_REFUSED", "网关：没有应用编号", "Gateway: no application id"),
  [CLOCK_OFF]: failure("not-done", "NOT_LOGGED_IN", "网关：时间戳过期，时钟不准", "Gateway: the time stamp is too old"),
  "5001": failure("not-done", "PERMISSION_DENIED", "网关：没有这个接口", "Gateway: no such interface"),
  [THROTTLED]: failure("not-done", "THROTTLED", "调用过于频繁", "Too many calls"),
  [TOKEN_EXPIRED]: failure("not-done", "NOT_LOGGED_IN", "app-token 已过期", "The app-token has expired"),
  [AUTHORISATION_FAILED]: failure("not-done", "NOT_LOGGED_IN", "授权失败", "The authorisation failed"),
  [SECRET_STALE]: failure("not-done", "LOGIN_REFUSED", "appSecret 已更换", "The appSecret was rotated"),
  "2000002000": failure("uncertain", "SERVER_ERROR", "星辰系统错误", "The vendor's system failed"),
};

/**
 * By words, first match first, for failures of business whose numbers are not public. What is not recognised here stays
 * uncertain: a wrong "refused" could lead to a second voucher, a wrong "uncertain" only to a look-up.
 */
const failuresByWords: readonly (readonly [RegExp, VendorFailure])[] = [
  [/已存在|重复/, failure("uncertain", "ALREADY_EXISTS", "单据已存在", "It exists already")],
  [
    /系统错误|系统异常|系统繁忙|内部错误|异常|超时|timeout|成功/i,
    failure("uncertain", "SERVER_ERROR", "星辰系统错误", "The vendor's system failed"),
  ],
  [/结账|期间.*关闭|关闭.*期间/, failure("refused", "PERIOD_CLOSED", "会计期间已结账", "The period is closed")],
  [/没有.*权限|无.*权限|权限不足/, failure("not-done", "PERMISSION_DENIED", "没有权限", "A right is missing")],
  [/频繁|限流/, failure("not-done", "THROTTLED", "调用过于频繁", "Too many calls")],
  [
    /辅助核算|核算项目|核算维度/,
    failure("refused", "DIMENSION_REFUSED", "辅助核算不对", "A dimension is wrong or missing"),
  ],
  [/科目/, failure("refused", "ACCOUNT_REFUSED", "科目不可用", "The account is not usable")],
  [/借贷|借方.*贷方|不平/, failure("refused", "REFUSED_BY_ERP", "借贷不平", "Debit and credit differ")],
  [
    /不存在|未启用|已禁用|被禁用/,
    failure("refused", "MASTER_DATA_REFUSED", "基础资料不可用", "Master data is missing or unusable"),
  ],
  [
    /已审核|未审核|审核人|制单人/,
    failure("refused", "REFUSED_BY_ERP", "单据状态不允许", "The document's state does not allow it"),
  ],
  [
    /不能为空|必填|必录|格式|长度|超过|超出/,
    failure("refused", "REFUSED_BY_ERP", "字段内容不合要求", "A field's content is not accepted"),
  ],
];

/** What an installation has come to know of further numbers: errcode → outcome (settings.knownFailures). */
export type KnownFailures = Readonly<Record<string, VendorFailure["outcome"]>>;

const CODE_OF = { refused: "REFUSED_BY_ERP", "not-done": "CONFLICT", uncertain: "SERVER_ERROR" } as const;

export const failureOf = (errcode: string, description: string, known: KnownFailures = {}): VendorFailure => {
  const byCode = Object.hasOwn(failuresByCode, errcode) ? failuresByCode[errcode] : undefined;
  if (byCode !== undefined) return byCode;
  const byWords = failuresByWords.find(([words]) => words.test(description))?.[1];
  const outcome = Object.hasOwn(known, errcode) ? known[errcode] : undefined;
  if (outcome === undefined) return byWords ?? UNKNOWN;
  // The installation knows what it proves; the words may still say it more precisely.
  return byWords?.outcome === outcome
    ? byWords
    : failure(outcome, CODE_OF[outcome], "本系统已登记的返回码", "A code that this installation knows");
};

const UNKNOWN = failure(
  "uncertain",
  "SERVER_ERROR",
  "未收录的返回码，原文保留",
  "A code that is not catalogued; its words are kept",
);
