import { type ErrorCode, type ErrorEntry, errorCatalog } from "../../domain/errors.ts";
import type { Bilingual } from "../contract.ts";

/** What words of U8 inside a failure mean for a voucher that was sent. */
export interface VendorText {
  readonly text: RegExp;
  readonly code: ErrorCode;
  /** "not-done" and "refused" hold only after the books were asked; "uncertain" goes to the look-up of the posting. */
  readonly kind: "refused" | "not-done" | "uncertain";
  readonly owner: ErrorEntry["owner"];
  /** What to do in U8; the catalogue's next step where nothing more is known. */
  readonly nextStep: Bilingual;
}

const vendorText = (
  text: RegExp,
  kind: VendorText["kind"],
  code: ErrorCode,
  zh: string = errorCatalog[code].nextStep.zh,
  en: string = errorCatalog[code].nextStep.en,
  owner: ErrorEntry["owner"] = errorCatalog[code].owner,
): VendorText => ({ text, code, kind, owner, nextStep: { zh, en } });

/**
 * In this order. Texts marked † were seen in captured replies, knowledge bases or U8's own windows (reference §2.5, §2.13, §5);
 * the rest is what such a text would have to say. A text that is not listed is a refusal only if the books do not have the key.
 */
export const vendorTexts: readonly VendorText[] = [
  // † 数据重复上传; nothing new was saved, or an attempt of ours saved it before.
  vendorText(/数据重复上传|外部系统凭证已存在|已经?存在.*不可重复|凭证号重复/, "uncertain", "ALREADY_EXISTS"),
  // † The registration code selects the 账套: without it nothing was even looked at.
  vendorText(
    /注册号不正确/,
    "not-done",
    "LOGIN_REFUSED",
    "在 EAI接口配置 » 外部系统注册 核对系统编码与 U8帐套，再用 zhangshi check 验证",
    "Compare the 系统编码 in EAI接口配置 » 外部系统注册, then verify with zhangshi check",
  ),
  // † Titles of the vendor's FAQ: somebody has the document open.
  vendorText(/其他人正在修改|正在被.*(修改|使用)|资源.*锁定/, "not-done", "CONFLICT"),
  vendorText(/系统繁忙|服务器忙|请稍后(再试|重试)/, "not-done", "THROTTLED"),
  vendorText(/权限/, "refused", "PERMISSION_DENIED"),
  vendorText(/已经?(结|关)(账|帐)/, "refused", "PERIOD_CLOSED"),
  // † 不是末级科目 is how U8's own windows say it.
  vendorText(
    /末级科目|科目已?(被)?(封存|停用)|科目编码(非法|错误|不存在)|科目非法|科目不存在|受控科目/,
    "refused",
    "ACCOUNT_REFUSED",
    "客户可能新增了下级科目或封存了科目：核对科目表后运行 zhangshi post --retry",
    "Somebody may have added a sub-account or sealed the account: compare the chart, then zhangshi post --retry",
  ),
  // † 项目非法 in a captured reply; 该业务员不合法 in a blog; 辅助核算不符 in U8's windows.
  vendorText(
    /(部门|个人|客户|供应商|项目|业务员)[^，,;；]*(非法|不合法|不存在|不能为空)|辅助核算/,
    "refused",
    "DIMENSION_REFUSED",
    "核对该科目的辅助核算设置与对照表中的编码，再运行 zhangshi post --retry",
    "Compare what the account demands and the codes in the code table, then zhangshi post --retry",
  ),
  vendorText(/凭证类别|(币种|结算方式|现金流量)[^，,;；]*(非法|不合法|不存在)/, "refused", "MASTER_DATA_REFUSED"),
  // † The program behind the endpoint broke: nothing says how far it had come.
  vendorText(
    /error occurred on the server|ASP \d{4}|在对应所需名称或序数的集合中/i,
    "uncertain",
    "SERVER_ERROR",
    "请 IT 检查 EAI 环境：IIS 应用池、组件注册、程序与数据库补丁是否一致",
    "IT checks EAI's environment: application pool, registered components, patch levels of program and database",
    "it",
  ),
];

/** What a failure's text says; a text that nobody knows is kept in full. */
export const problemIn = (text: string): { readonly kind: VendorText["kind"]; readonly code: ErrorCode } => {
  const known = vendorTexts.find((one) => one.text.test(text));
  return known === undefined ? { kind: "refused", code: "REFUSED_BY_ERP" } : { kind: known.kind, code: known.code };
};

/** Codes of the OpenAPI that the vendor's users published (reference §3.10). */
export const OPENAPI_CODE = {
  ok: "0",
  /** 平台错误: nobody says whether anything ran. */
  platformFault: "10001",
  /** U8 or EAI refused; the text is EAI's own. */
  refusedByU8: "20005",
  tokenExpired: "30012",
  stillRunning: "30025",
} as const;
