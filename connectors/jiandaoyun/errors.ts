import type { Bilingual } from "../contract.ts";
import type { ErrorCode, ErrorEntry } from "../../domain/errors.ts";

/** What one of the vendor's codes means for a reader. */
export interface VendorCode {
  readonly code: ErrorCode;
  readonly owner: ErrorEntry["owner"];
  /** True where the same read may succeed a moment later. */
  readonly retry: boolean;
  readonly what: Bilingual;
  readonly nextStep: Bilingual;
}

const vendorCode = (
  code: ErrorCode,
  owner: ErrorEntry["owner"],
  retry: boolean,
  what: readonly [string, string],
  next: readonly [string, string],
): VendorCode => ({
  code,
  owner,
  retry,
  what: { zh: what[0], en: what[1] },
  nextStep: { zh: next[0], en: next[1] },
});

const waitAndLower = ["稍后自动重试；持续出现请降低 rates", "It is tried again; lower `rates` if it persists"] as const;
const checkForm = ["核对配置中的 appId、entryId", "Compare appId and entryId in the configuration"] as const;
const checkKey = [
  "在简道云 开放平台 » 密钥管理 核对密钥是否启用、是否抄写完整",
  "In 开放平台 » 密钥管理 check that the key is enabled and copied completely",
] as const;
const buy = ["联系简道云管理员检查套餐与用量", "Ask the Jiandaoyun administrator about plan and quota"] as const;
const tell = ["把该代码与时间报告给开发人员", "Report this code and the time to the developers"] as const;

/** Codes that a reader can meet; messages come in two languages, so only the code decides. Source: Jiandaoyun reference §9.2. */
export const vendorCodes: Readonly<Record<string, VendorCode>> = {
  "1": vendorCode("READ_FAILED", "it", false, ["请求不完整", "The request was malformed"], tell),
  "2004": vendorCode("CONFIG_INVALID", "it", false, ["应用不存在", "The app does not exist"], checkForm),
  "3000": vendorCode("CONFIG_INVALID", "it", false, ["表单不存在", "The form does not exist"], checkForm),
  "3005": vendorCode("READ_FAILED", "it", false, ["参数不正确", "The parameters are invalid"], tell),
  "4001": vendorCode("READ_FAILED", "nobody", false, ["记录不存在", "The record does not exist"], tell),
  "4012": vendorCode(
    "THROTTLED",
    "nobody",
    true,
    ["该表单正在批量修改", "A bulk edit of the form is running"],
    waitAndLower,
  ),
  "4815": vendorCode("READ_FAILED", "it", false, ["筛选条件不正确", "The filter is invalid"], tell),
  "7103": vendorCode("PERMISSION_DENIED", "it", false, ["系统用量超出套餐", "The plan's usage is exhausted"], buy),
  "7206": vendorCode("PERMISSION_DENIED", "it", false, ["系统已停用", "The company's system is disabled"], buy),
  "7212": vendorCode("PERMISSION_DENIED", "it", false, ["本月数据量用完", "The month's data quota is used up"], buy),
  "7221": vendorCode("PERMISSION_DENIED", "it", false, ["接口新增数据量用完", "The API's data quota is used up"], buy),
  "8017": vendorCode("LOGIN_REFUSED", "it", false, ["企业不存在", "The company does not exist"], buy),
  "8301": vendorCode("LOGIN_REFUSED", "it", false, ["密钥校验失败", "The key was not accepted"], checkKey),
  "8302": vendorCode(
    "PERMISSION_DENIED",
    "it",
    false,
    ["密钥没有该接口的权限", "The key lacks this interface"],
    ["在密钥管理中勾选该接口", "Grant the interface to the key"],
  ),
  "8303": vendorCode(
    "THROTTLED",
    "nobody",
    true,
    ["超出企业请求频率", "The company's call rate is exceeded"],
    waitAndLower,
  ),
  "8304": vendorCode(
    "THROTTLED",
    "nobody",
    true,
    ["超出接口请求频率", "The interface's call rate is exceeded"],
    waitAndLower,
  ),
  "8309": vendorCode(
    "THROTTLED",
    "nobody",
    true,
    ["超出成员请求频率", "The member's call rate is exceeded"],
    waitAndLower,
  ),
  "9004": vendorCode("THROTTLED", "nobody", true, ["队列任务失败", "A queued task failed"], waitAndLower),
  "9007": vendorCode("THROTTLED", "nobody", true, ["未取得锁", "A lock was not obtained"], waitAndLower),
  "17017": vendorCode("READ_FAILED", "it", false, ["接口参数异常", "The interface's parameters are wrong"], tell),
  "17018": vendorCode("LOGIN_REFUSED", "it", false, ["密钥无效", "The key is invalid"], checkKey),
  "17052": vendorCode(
    "PERMISSION_DENIED",
    "it",
    false,
    ["本机 IP 不在密钥白名单", "Our IP address is not on the key's list"],
    ["把出口 IP 加入密钥的白名单", "Add the outgoing address to the key's list"],
  ),
  "17053": vendorCode(
    "PERMISSION_DENIED",
    "it",
    false,
    ["应用不在密钥授权范围", "The app is outside the key's scope"],
    ["在密钥的应用授权范围中加入该应用", "Add the app to the key's scope"],
  ),
  "17054": vendorCode(
    "PERMISSION_DENIED",
    "it",
    false,
    ["接口不在密钥授权范围", "The interface is outside the key's scope"],
    ["在密钥的接口授权范围中加入该接口", "Add the interface to the key's scope"],
  ),
  "30002": vendorCode(
    "CONFIG_INVALID",
    "it",
    false,
    ["CRM 预置表单不能调用", "A preset CRM form cannot be called"],
    checkForm,
  ),
};

const unknownCode = vendorCode("READ_FAILED", "it", false, ["简道云返回了未收录的代码", "A code we do not know"], tell);

export const RECORD_UNKNOWN = "4001";

/** @param code  as text; codes that are not in the catalogue stop the read without another try */
export const meaningOf = (code: string): VendorCode => vendorCodes[code] ?? unknownCode;
