/**
 * The vendor's error codes as far as the simulator answers them. Branch on `code` only: the texts come in Chinese or
 * English and are paraphrased.
 *
 * Source: Jiandaoyun reference §9.2.
 */
const TEXTS = {
  1: ["请求格式错误", "Malformed request"],
  1010: ["成员不存在", "Member does not exist"],
  2004: ["应用不存在", "App does not exist"],
  3000: ["表单不存在", "Form does not exist"],
  3001: ["名称不能为空", "Name is required"],
  3005: ["参数不合法", "Invalid parameters"],
  3042: ["字段别名校验失败", "Field alias check failed"],
  3083: ["字段数量超出限制", "Too many fields"],
  4001: ["数据不存在", "Data does not exist"],
  4005: ["不允许撤回", "Revoke is not allowed"],
  4007: ["找不到流程负责人", "No assignee"],
  4008: ["操作失败，流程已经关闭", "The workflow is closed already"],
  4009: ["没有操作权限", "No permission"],
  4015: ["流程负责人不合法", "Invalid assignee"],
  4016: ["不能转交给自己", "Cannot transfer to yourself"],
  4026: ["流转中的流程不能激活", "A running workflow cannot be activated"],
  4402: ["聚合表校验不通过", "Aggregate table check failed"],
  4815: ["过滤条件不合法", "Invalid filter"],
  5003: ["流程节点不存在", "Workflow node does not exist"],
  5004: ["请填写审批意见", "Comment is required"],
  5012: ["请填写手写签名", "Signature is required"],
  5059: ["流程已经发起", "The workflow has been started already"],
  5060: ["该表单不是流程表单", "Not a workflow form"],
  6002: ["部门不存在", "Department does not exist"],
  8301: ["密钥校验失败", "API key check failed"],
  8302: ["没有接口调用权限", "No right to call this interface"],
  8303: ["超出企业请求频率限制", "Company request limit exceeded"],
  8304: ["超出接口请求频率限制", "Interface request limit exceeded"],
  17017: ["平台接口参数异常", "Abnormal API parameters"],
  17018: ["API Key 无效", "Invalid API key"],
  17023: ["批量修改超出100条限制", "batch_update: more than 100 rows"],
  17024: ["批量新建超出100条限制", "batch_create: more than 100 rows"],
  17025: ["transaction_id 格式错误", "Malformed transaction_id"],
  17026: ["transaction_id 已存在", "transaction_id exists already"],
  17027: ["文件上传失败", "File upload failed"],
  17032: ["不支持的字段类型", "Unsupported field type"],
  17033: ["批量删除超出100条限制", "batch_delete: more than 100 rows"],
  17034: ["不支持的子表单字段类型", "Unsupported sub-field type"],
  17052: ["IP 不在白名单内", "IP address is not allowed"],
  17053: ["应用不在密钥授权范围内", "App is outside the key's scope"],
  17054: ["接口不在密钥授权范围内", "Interface is outside the key's scope"],
  50004: ["流程任务不存在", "Task does not exist"],
  50019: ["流程实例不存在", "Instance does not exist"],
  50051: ["流程任务已被处理", "The task has been handled already"],
} as const satisfies Record<number, readonly [string, string]>;

export type VendorCode = keyof typeof TEXTS;
export type ErrorLanguage = "zh" | "en";

/** A refusal in the vendor's words: HTTP 400 with `{code, msg}` unless another status is named. */
export class VendorError extends Error {
  readonly code: VendorCode;
  readonly status: number;
  readonly detail: string | undefined;

  constructor(code: VendorCode, detail?: string, status = 400) {
    super(`${code} ${TEXTS[code][1]}${detail === undefined ? "" : `: ${detail}`}`);
    this.code = code;
    this.status = status;
    this.detail = detail;
  }
}

/** The vendor's own text for a code, with the simulator's detail behind it where that helps whoever debugs. */
export function textOf(code: VendorCode, language: ErrorLanguage, detail?: string): string {
  const text = TEXTS[code][language === "zh" ? 0 : 1];
  return detail === undefined ? text : `${text} (${detail})`;
}

/** A refusal of the person's face or of the simulator's own controls: these are not the vendor's, so they use plain HTTP. */
export class FaceError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
