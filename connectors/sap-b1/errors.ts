import type { ErrorCode } from "../../domain/errors.ts";
import type { Bilingual } from "../contract.ts";
import { CONFLICTS, NAME_UNKNOWN, SWITCH_COMPANY, type VendorError, isForbidden, sentenceOf } from "./answers.ts";

/** What a failure means for a send. */
export interface Problem {
  readonly kind: "refused" | "not-done" | "uncertain";
  readonly code: ErrorCode;
  readonly message: string;
}

/** One row of the catalogue: what B1 says, what it means for a send, whose job it is and what to do. */
export interface CatalogEntry {
  readonly codes: readonly string[];
  readonly outcome: Problem["kind"];
  readonly code: ErrorCode;
  readonly owner: "finance" | "it" | "nobody";
  readonly cause: Bilingual;
  readonly nextStep: Bilingual;
}

const entry = (
  codes: readonly string[],
  outcome: Problem["kind"],
  code: ErrorCode,
  owner: CatalogEntry["owner"],
  cause: readonly [string, string],
  nextStep: readonly [string, string],
): CatalogEntry => ({
  codes,
  outcome,
  code,
  owner,
  cause: { zh: cause[0], en: cause[1] },
  nextStep: { zh: nextStep[0], en: nextStep[1] },
});

/**
 * Source: reference §6.3 and §6.4. A change set that answers with an error was rolled back as a whole (§5.2), so what is
 * refused did not run. Codes that stand for many causes (-10, -5002) are kept as the vendor words them.
 */
export const errorCatalogue: readonly CatalogEntry[] = [
  entry(
    ["301"],
    "not-done",
    "NOT_LOGGED_IN",
    "nobody",
    ["会话已失效，请求没有执行", "The session is over; the request was not executed"],
    ["自动重新登录后继续", "Work resumes by itself after a new log-in"],
  ),
  entry(
    ["-304", "100000027"],
    "not-done",
    "LOGIN_REFUSED",
    "it",
    ["用户名或密码错误，或用户被锁定", "Wrong user or password, or the user is locked"],
    [
      "核对公司数据库、用户与密码；不要反复尝试",
      "Check company database, user and password; do not try again and again",
    ],
  ),
  entry(
    [SWITCH_COMPANY],
    "not-done",
    "NOT_REACHABLE",
    "it",
    [
      "无法打开公司数据库（名称错误、数据库停止或会话过多）",
      "The company database cannot be opened: wrong name, database down, or too many sessions",
    ],
    ["核对 companyDb，检查数据库服务与 Service Layer", "Check companyDb, the database service and the Service Layer"],
  ),
  entry(
    ["-2035"],
    "uncertain",
    "ALREADY_EXISTS",
    "nobody",
    ["凭证键已登记：凭证多半已经在账上", "The key is claimed already: the voucher is most likely in the books"],
    ["自动按凭证键查询后决定", "The ERP is asked for the key before anything else happens"],
  ),
  entry(
    [...CONFLICTS],
    "not-done",
    "CONFLICT",
    "nobody",
    ["数据被他人占用或事务没有提交", "Data was locked by others, or the transaction was not committed"],
    [
      "自动重试；若一直出现 -1116，请重启 Service Layer",
      "It is tried again; where -1116 persists, restart the Service Layer",
    ],
  ),
  entry(
    ["-4013"],
    "refused",
    "PERIOD_CLOSED",
    "finance",
    ["过账期间已锁定", "The posting period is locked"],
    ["由会计主管解锁期间，或改记下一期间", "Unlock the period, or let the rule move the date to the next open one"],
  ),
  entry(
    ["-4006"],
    "refused",
    "MASTER_DATA_REFUSED",
    "finance",
    ["缺少当日汇率（公司设有另一种系统货币）", "The day has no exchange rate (the company keeps a system currency)"],
    ["在 B1 中维护当日汇率后重试", "Enter the day's rate in B1, then try again"],
  ),
  entry(
    ["-4002"],
    "refused",
    "REFUSED_BY_ERP",
    "it",
    ["该期间、分支没有可用的编号序列", "There is no numbering series for the period or branch"],
    ["在 B1 的凭证编号中建立序列", "Define the series in B1's document numbering"],
  ),
  entry(
    ["-2028"],
    "refused",
    "MASTER_DATA_REFUSED",
    "it",
    [
      "引用的编码不存在（科目、业务伙伴、成本中心、项目）",
      "A code that the voucher refers to does not exist (account, partner, cost centre, project)",
    ],
    ["在 B1 新建该资料，或更正对照表", "Create it in B1 or correct the code table"],
  ),
  entry(
    ["-10", "-5002"],
    "refused",
    "REFUSED_BY_ERP",
    "finance",
    [
      "B1 的业务检查或客户的事务通知过程拒绝了凭证",
      "A business check of B1, or the customer's transaction notification, refused the voucher",
    ],
    [
      "按 B1 的原文更正；括号中的数字是客户过程的编号",
      "Correct what B1 names; a number in brackets is that of the customer's own procedure",
    ],
  ),
  entry(
    ["-1000", "201", "-1004", "-1008", "-1029", "-5006"],
    "refused",
    "REFUSED_BY_ERP",
    "it",
    ["Service Layer 不认识某个字段或取值", "The Service Layer does not know a field or a value"],
    [
      "运行 zhangshi check；新建的用户字段要重启 Service Layer 才可见",
      "Run zhangshi check; new user fields show only after a restart of the Service Layer",
    ],
  ),
];

/** B1 names the column it complains about whatever the language of its words: `[OJDT.RefDate]`, `[JDT1.Account][line: 1]`. */
const PERIOD_COLUMN = /\[(OJDT|JDT1)\.(RefDate|DueDate|TaxDate)\]/i;
const PERIOD_WORDS = /Date deviates from permissible range|Posting period locked/i;
const ACCOUNT_COLUMN = /\[JDT1\.(Account|AccountCode|ShortName)\]|JournalEntryLines\.AccountCode/i;

const byCode = new Map(errorCatalogue.flatMap((row) => row.codes.map((code) => [code, row] as const)));

export const isCatalogued = (code: string): boolean => byCode.has(code);

/**
 * What an error means for the change set that it stopped.
 * @param ours  names of our own field and table: where the message holds one, they are what is missing
 */
export const problemOf = (error: VendorError, ours: readonly string[]): Problem => {
  const message = sentenceOf(error);
  const known = byCode.get(error.code);
  if (error.status === 401 && known === undefined) return { kind: "not-done", code: "NOT_LOGGED_IN", message };
  if (known?.code === "NOT_REACHABLE") return { kind: known.outcome, code: known.code, message };
  // The balancer had no worker to give the request to (reference §6.4).
  if (error.status === 503 || error.status === 429) return { kind: "not-done", code: "THROTTLED", message };
  if (error.status < 400 || error.status >= 500) return { kind: "uncertain", code: "SERVER_ERROR", message };
  // A field of ours that is not there is missing for every voucher: nothing ran, and nothing will before it is created.
  if (NAME_UNKNOWN.has(error.code) && ours.some((name) => message.includes(name)))
    return { kind: "not-done", code: "KEY_FIELD_MISSING", message };
  if (known?.outcome === "refused" || known === undefined) {
    if (isForbidden(error)) return { kind: "not-done", code: "PERMISSION_DENIED", message };
    if (PERIOD_COLUMN.test(message) || PERIOD_WORDS.test(message))
      return { kind: "refused", code: "PERIOD_CLOSED", message };
    if (ACCOUNT_COLUMN.test(message)) return { kind: "refused", code: "ACCOUNT_REFUSED", message };
  }
  if (known !== undefined) return { kind: known.outcome, code: known.code, message };
  return { kind: "refused", code: "REFUSED_BY_ERP", message };
};
