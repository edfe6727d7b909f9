/**
 * Everything that can go wrong by name. `outcome` tells the machine what it means for a send, `owner` whose job it is,
 * and the sentences tell the person what happened and what to do next. docs/errors.md is generated from this.
 */
export interface ErrorEntry {
  /** For a send: what the outcome is. "none": it never concerns a send. */
  readonly outcome: "refused" | "not-done" | "uncertain" | "held" | "none";
  readonly owner: "finance" | "it" | "warehouse" | "vendor" | "nobody";
  readonly what: { readonly zh: string; readonly en: string };
  readonly nextStep: { readonly zh: string; readonly en: string };
}

const entry = (
  outcome: ErrorEntry["outcome"],
  owner: ErrorEntry["owner"],
  zh: string,
  zhNext: string,
  en: string,
  enNext: string,
): ErrorEntry => ({ outcome, owner, what: { zh, en }, nextStep: { zh: zhNext, en: enNext } });

export const errorCatalog = {
  // --- a record of the source ---------------------------------------------------------------------------------
  FIELD_MISSING: entry(
    "none",
    "warehouse",
    "必填字段没有值",
    "在来源单据中补填该字段后保存，下次同步自动重新读取",
    "A required field is empty",
    "Fill in the field in the source document; the next sync reads it again",
  ),
  NUMBER_UNREADABLE: entry(
    "none",
    "warehouse",
    "不是普通的十进制数字",
    "把该字段改成普通数字（如 12.50），不要用科学计数法或文字",
    "Not a plain decimal number",
    "Write a plain number such as 12.50, no exponent, no words",
  ),
  NUMBER_IMPRECISE: entry(
    "none",
    "it",
    "数字位数超出来源系统能精确保存的范围",
    "单据号、编码请改用文本字段保存",
    "The number has more digits than the source can keep exactly",
    "Keep document numbers and codes in a text field",
  ),
  QUANTITY_ZERO: entry(
    "none",
    "warehouse",
    "数量为零",
    "删除该行或填写实际数量",
    "The quantity is zero",
    "Remove the line or enter the real quantity",
  ),
  QUANTITY_NEGATIVE: entry(
    "none",
    "warehouse",
    "数量为负数",
    "退货、冲减请使用相应的退货单据",
    "The quantity is negative",
    "Use the return document instead of a negative quantity",
  ),
  DATE_UNREADABLE: entry(
    "none",
    "warehouse",
    "日期无法识别",
    "重新选择日期后保存",
    "The date cannot be understood",
    "Choose the date again and save",
  ),
  KIND_UNKNOWN: entry(
    "none",
    "it",
    "业务类型没有对应的异动类型",
    "在来源表单配置 kinds 中补充该业务类型",
    "The document type has no movement kind",
    "Add the type to `kinds` of this form in the configuration",
  ),
  SUBFORM_EMPTY: entry(
    "none",
    "warehouse",
    "单据没有明细行",
    "补填明细或删除该单据",
    "The document has no lines",
    "Add lines or delete the document",
  ),
  RECORD_UNREADABLE: entry(
    "none",
    "it",
    "来源记录的结构与配置不符",
    "核对表单字段别名与配置，再重新同步",
    "The record does not have the shape the configuration expects",
    "Compare the form's field aliases with the configuration, then sync again",
  ),
  FORM_FIELD_GONE: entry(
    "none",
    "it",
    "表单中找不到配置的字段",
    "在来源系统恢复字段别名，或修改配置后 apply",
    "A configured field is no longer in the form",
    "Restore the alias in the source or change the configuration and apply",
  ),
  DUPLICATE_LINE: entry(
    "none",
    "warehouse",
    "同一单据中明细行标识重复",
    "联系来源系统管理员检查该单据",
    "A line id occurs twice in one document",
    "Ask the source's administrator to check the document",
  ),
  // --- push intake --------------------------------------------------------------------------------------------
  PUSH_SIGNATURE_WRONG: entry(
    "none",
    "it",
    "推送签名不正确",
    "核对推送密钥；如非本方系统所发，请检查来源地址",
    "The push is not signed with our secret",
    "Compare the push secret; if the sender is unknown, check where it came from",
  ),
  PUSH_TOO_OLD: entry(
    "none",
    "it",
    "推送时间超出允许范围",
    "检查双方时钟；定期同步会补齐数据",
    "The push is outside the allowed time window",
    "Check both clocks; the regular sync catches up",
  ),
  PUSH_UNREADABLE: entry(
    "none",
    "it",
    "推送内容无法解析",
    "查看推送日志；定期同步会补齐数据",
    "The push cannot be parsed",
    "See the push log; the regular sync catches up",
  ),
  // --- sync completeness --------------------------------------------------------------------------------------
  SNAPSHOT_EMPTY: entry(
    "none",
    "it",
    "来源表单突然一条记录也没有",
    "检查接口授权与表单；确认后再同步，期间不判定任何删除",
    "The form suddenly has no records at all",
    "Check the key's scope and the form; nothing is concluded from this read",
  ),
  SNAPSHOT_SHRUNK: entry(
    "none",
    "it",
    "来源记录减少超过限度",
    "确认是否批量删除；确认后用 zhangshi sync --accept-deletions 继续",
    "More records vanished than allowed",
    "If a bulk deletion is right, continue with zhangshi sync --accept-deletions",
  ),
  SNAPSHOT_REPEATS: entry(
    "none",
    "it",
    "来源分页返回了重复记录",
    "稍后自动重读；持续出现请联系来源系统厂商",
    "The source's pages repeat records",
    "It is read again later; if it persists, ask the vendor",
  ),
  // --- mapping ------------------------------------------------------------------------------------------------
  CODE_MISSING: entry(
    "none",
    "finance",
    "对照表中没有这个编码",
    "在对照表补上对应的 ERP 编码，相关单据会自动继续",
    "A code has no entry in the code table",
    "Add the ERP's code to the table; all waiting documents proceed",
  ),
  ITEM_UNKNOWN: entry(
    "none",
    "warehouse",
    "商品主数据中没有该商品",
    "在来源系统建立商品，或更正单据上的商品编码",
    "The item is not in the item master",
    "Create the item in the source or correct the code on the document",
  ),
  UNIT_UNKNOWN: entry(
    "none",
    "warehouse",
    "商品没有这个计量单位的换算",
    "为商品补充单位换算，或更正单据单位",
    "The item has no conversion for this unit",
    "Add the conversion to the item or correct the unit",
  ),
  RULE_MISSING: entry(
    "none",
    "finance",
    "没有适用的记账规则",
    "在规则包中为该业务类型补充规则",
    "No rule applies to this movement",
    "Add a rule for this kind to the rule pack",
  ),
  ROLE_MISSING: entry(
    "none",
    "finance",
    "科目表没有为该角色指定科目",
    "在科目表中为该角色指定科目",
    "The chart names no account for this role",
    "Name the account for this role in the chart",
  ),
  AMOUNT_MISSING: entry(
    "none",
    "warehouse",
    "入库单没有金额或单价",
    "在来源单据补填单价或金额",
    "The receipt has neither price nor amount",
    "Enter price or amount in the source document",
  ),
  VALUE_PENDING: entry(
    "none",
    "finance",
    "产成品成本尚未确定",
    "完成成本计算或录入成本后继续",
    "The value of the production receipt is still pending",
    "Finish costing or enter the cost",
  ),
  VOUCHER_UNBALANCED: entry(
    "none",
    "it",
    "规则生成的凭证借贷不平",
    "修正规则；该凭证不会发送",
    "The rule produced an unbalanced voucher",
    "Correct the rule; the voucher is not sent",
  ),
  VOUCHER_EMPTY: entry(
    "none",
    "nobody",
    "金额为零，不生成凭证",
    "无需处理",
    "The amounts are zero: no voucher is needed",
    "Nothing to do",
  ),
  LIMIT_LINES: entry(
    "held",
    "finance",
    "分录行数超过 ERP 上限",
    "改为按单据生成凭证或拆分单据",
    "More lines than the ERP takes in one voucher",
    "Group by document or split the document",
  ),
  LIMIT_DECIMALS: entry(
    "held",
    "it",
    "数量或金额的小数位超过 ERP 上限",
    "调整来源小数位或 ERP 精度",
    "More decimals than the ERP keeps",
    "Change the source's or the ERP's precision",
  ),
  LIMIT_VOUCHERS: entry(
    "held",
    "finance",
    "该期间凭证数超过 ERP 上限",
    "改为按天或按期间汇总",
    "More vouchers than the ERP numbers in a period",
    "Group by day or period",
  ),
  ORIGIN_MISSING: entry(
    "none",
    "warehouse",
    "找不到所引用的原单据",
    "更正来源单据号，或先录入原单据",
    "The referenced document is unknown",
    "Correct the reference or enter the original document first",
  ),
  // --- posting ------------------------------------------------------------------------------------------------
  PERIOD_CLOSED: entry(
    "held",
    "finance",
    "会计期间已结账",
    "由会计主管打开期间，或按规则改记下一期间（补记）",
    "The accounting period is closed",
    "Open the period, or let the rule move the date to the next open one",
  ),
  REFUSED_BY_ERP: entry(
    "refused",
    "finance",
    "ERP 拒绝了凭证",
    "按 ERP 提示更正后重试",
    "The ERP refused the voucher",
    "Correct what the ERP names, then retry",
  ),
  ACCOUNT_REFUSED: entry(
    "refused",
    "finance",
    "ERP 不接受该科目（非明细、禁用或不存在）",
    "更正科目表或在 ERP 中启用科目",
    "The ERP does not accept the account",
    "Correct the chart or enable the account in the ERP",
  ),
  DIMENSION_REFUSED: entry(
    "refused",
    "finance",
    "缺少科目要求的辅助核算",
    "在规则中补充维度或检查对照表",
    "A dimension that the account demands is missing",
    "Add the dimension to the rule or check the code table",
  ),
  MASTER_DATA_REFUSED: entry(
    "refused",
    "it",
    "ERP 中没有可用的基础资料",
    "在 ERP 新建、审核该资料，或更正对照表",
    "Base data is missing or unusable in the ERP",
    "Create and audit it in the ERP or correct the code table",
  ),
  PERMISSION_DENIED: entry(
    "refused",
    "it",
    "接口用户没有权限",
    "为接口用户授予提示中的权限",
    "The interface user lacks a right",
    "Grant the right that the message names",
  ),
  LICENCE_EXHAUSTED: entry(
    "not-done",
    "it",
    "ERP 许可或并发会话不足",
    "释放会话或降低并发设置",
    "No licence or session is free in the ERP",
    "Free a session or lower the parallel setting",
  ),
  NOT_REACHABLE: entry(
    "not-done",
    "it",
    "连接不上 ERP，什么都没有执行",
    "检查网络与服务；恢复后自动继续",
    "The ERP cannot be reached; nothing ran",
    "Check network and service; work resumes by itself",
  ),
  NOT_LOGGED_IN: entry(
    "not-done",
    "it",
    "登录失败或会话失效，什么都没有执行",
    "核对账号、密钥与授权",
    "Not logged in; nothing ran",
    "Check account, keys and authorisation",
  ),
  LOGIN_REFUSED: entry(
    "not-done",
    "it",
    "ERP 拒绝登录",
    "核对账套、用户与密钥；避免反复尝试以免锁定",
    "The ERP refused the log-in",
    "Check book, user and keys; do not try again and again, the account may lock",
  ),
  THROTTLED: entry(
    "not-done",
    "nobody",
    "ERP 限流，什么都没有执行",
    "稍后自动重试；可降低速率设置",
    "The ERP throttled the call; nothing ran",
    "It is tried again later; lower the configured rate if it persists",
  ),
  DEADLINE_PASSED: entry(
    "not-done",
    "nobody",
    "发送期限已过，没有发送",
    "自动重新排队",
    "The deadline had passed before anything was sent",
    "It is queued again by itself",
  ),
  CONFLICT: entry(
    "not-done",
    "nobody",
    "ERP 中该单据正被他人使用",
    "稍后自动重试",
    "Somebody else is using the document in the ERP",
    "It is tried again later",
  ),
  NO_ANSWER: entry(
    "uncertain",
    "nobody",
    "没有收到 ERP 的答复",
    "等待：再次发送之前先按凭证键查询 ERP",
    "No answer came",
    "Wait: the ERP is asked for this key before anything is sent again",
  ),
  ANSWER_UNREADABLE: entry(
    "uncertain",
    "nobody",
    "ERP 的答复无法解析",
    "等待：先查询 ERP 再决定",
    "The answer cannot be read",
    "Wait: the ERP is asked before anything is sent again",
  ),
  ANSWER_INCOMPLETE: entry(
    "uncertain",
    "nobody",
    "批量答复中没有提到这张凭证",
    "等待：先查询 ERP 再决定",
    "The batch answer does not name this voucher",
    "Wait: the ERP is asked before anything is sent again",
  ),
  SERVER_ERROR: entry(
    "uncertain",
    "nobody",
    "ERP 报内部错误，结果不明",
    "等待：先查询 ERP 再决定",
    "The ERP failed internally; the outcome is unknown",
    "Wait: the ERP is asked before anything is sent again",
  ),
  ALREADY_EXISTS: entry(
    "uncertain",
    "nobody",
    "ERP 称单据已存在",
    "等待：先查询 ERP 再决定",
    "The ERP says it exists already",
    "Wait: the ERP is asked before anything is sent again",
  ),
  SESSION_LOST: entry(
    "uncertain",
    "nobody",
    "会话在写入途中失效，结果不明",
    "等待：重新登录后先查询 ERP",
    "The session was lost during a write; the outcome is unknown",
    "Wait: after a new log-in the ERP is asked first",
  ),
  KEY_NOT_ECHOED: entry(
    "uncertain",
    "it",
    "ERP 保存了凭证但没有返回凭证键，账簿已暂停",
    "检查自定义字段是否存在且可写，然后恢复账簿",
    "The ERP saved but did not echo the key: the ledger is paused",
    "Check that the custom field exists and is writable, then resume the ledger",
  ),
  KEY_FIELD_MISSING: entry(
    "none",
    "it",
    "ERP 凭证上没有配置的自定义字段",
    "在 ERP 中新增该字段后重新检查连接",
    "The configured custom field is not on the ERP's voucher",
    "Create the field in the ERP and check again",
  ),
  LOOKUP_BLIND: entry(
    "none",
    "it",
    "查询看不到已知凭证，因此不能判定缺失，账簿已暂停",
    "检查字段名、查询权限与过滤条件",
    "The query does not see a voucher known to exist, so absence proves nothing",
    "Check field name, rights and filter",
  ),
  FOUND_VOID: entry(
    "none",
    "finance",
    "ERP 中的凭证已作废",
    "由会计决定重做或保持作废",
    "The voucher is void in the ERP",
    "Decide whether to redo it or leave it void",
  ),
  FOUND_SEVERAL: entry(
    "none",
    "finance",
    "同一凭证键在 ERP 中有多张凭证",
    "核对后冲销多余的一张",
    "Several vouchers in the ERP carry one key",
    "Compare them and reverse the surplus one",
  ),
  READ_FAILED: entry(
    "none",
    "it",
    "读取 ERP 失败",
    "稍后自动重试",
    "Reading from the ERP failed",
    "It is tried again later",
  ),
  RESULT_TRUNCATED: entry(
    "none",
    "it",
    "ERP 返回的数据被截断",
    "自动分页重读；持续出现请检查权限",
    "The ERP cut its answer short",
    "It is read again in smaller pages; if it persists, check the rights",
  ),
  READ_BACK_DIFFERS: entry(
    "none",
    "finance",
    "回读与所发凭证不一致",
    "在 ERP 中核对后冲销重做或接受",
    "The voucher read back is not the one sent",
    "Compare in the ERP; reverse and redo, or accept",
  ),
  AUDIT_REFUSED: entry(
    "refused",
    "finance",
    "ERP 拒绝审核",
    "按提示处理；检查审核人与制单人是否不同",
    "The ERP refused the audit",
    "Follow its message; check that auditor and maker differ",
  ),
  NOT_REVERSIBLE: entry(
    "none",
    "finance",
    "这张凭证现在不能红冲",
    "只有已核对或回读不一致的凭证可以红冲；结果不明的先等查询结果",
    "This voucher cannot be reversed now",
    "Only a verified or differing voucher can be reversed; an uncertain one waits for its look-up",
  ),
  // --- configuration and environment ----------------------------------------------------------------------------
  CONFIG_INVALID: entry(
    "none",
    "it",
    "配置不正确",
    "按提示的文件、行与字段修改后重新 apply",
    "The configuration is wrong",
    "Correct the file, line and field named, then apply again",
  ),
  CONFIG_MISSING: entry(
    "none",
    "it",
    "还没有应用任何配置",
    "运行 zhangshi init，再运行 zhangshi apply",
    "No configuration has been applied",
    "Run zhangshi init, then zhangshi apply",
  ),
  SECRET_MISSING: entry(
    "none",
    "it",
    "环境变量中没有该密钥",
    "设置提示的环境变量后重启",
    "A secret is not in the environment",
    "Set the named variable and restart",
  ),
  CONNECTION_UNKNOWN: entry(
    "none",
    "it",
    "没有这个连接",
    "运行 zhangshi status 查看可用连接",
    "There is no such connection",
    "zhangshi status lists them",
  ),
  VOUCHER_UNKNOWN: entry(
    "none",
    "it",
    "没有这个凭证键",
    "运行 zhangshi status 或查看报告中的凭证键",
    "There is no such posting key",
    "Take a key from zhangshi status or from the report",
  ),
  DATABASE_UNREACHABLE: entry(
    "none",
    "it",
    "连接不上数据库",
    "检查 ZHANGSHI_DATABASE_URL 与数据库服务",
    "The database cannot be reached",
    "Check ZHANGSHI_DATABASE_URL and the server",
  ),
  TEMPORAL_UNREACHABLE: entry(
    "none",
    "it",
    "连接不上 Temporal",
    "检查 TEMPORAL_ADDRESS 与服务",
    "Temporal cannot be reached",
    "Check TEMPORAL_ADDRESS and the server",
  ),
  SCHEMA_OUTDATED: entry(
    "none",
    "it",
    "数据库结构版本不符",
    "运行 zhangshi apply --migrate 或升级程序",
    "The database schema has another version",
    "Run zhangshi apply --migrate or upgrade the program",
  ),
  FILE_UNREADABLE: entry(
    "none",
    "it",
    "文件无法读取",
    "检查路径与格式",
    "The file cannot be read",
    "Check path and format",
  ),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalog;
export const errorCodes = Object.keys(errorCatalog) as readonly ErrorCode[];

/** An error with a name from the catalogue. `details` name file, row, field and value; they never hold a secret. */
export class ZhangshiError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, details: Readonly<Record<string, string>> = {}, options?: ErrorOptions) {
    const entryOf = errorCatalog[code];
    const where = Object.entries(details)
      .map(([name, value]) => `${name}=${value}`)
      .join(", ");
    super(`${code}: ${entryOf.what.en}${where === "" ? "" : ` (${where})`}. ${entryOf.nextStep.en}.`, options);
    this.name = "ZhangshiError";
    this.code = code;
    this.details = details;
  }

  /** The sentence for the user, in the user's language. */
  say(language: "zh" | "en"): string {
    const entryOf = errorCatalog[this.code];
    const where = Object.entries(this.details)
      .map(([name, value]) => `${name}=${value}`)
      .join(language === "zh" ? "，" : ", ");
    const stop = language === "zh" ? "。" : ". ";
    const details = where === "" ? "" : language === "zh" ? `（${where}）` : ` (${where})`;
    return `${entryOf.what[language]}${details}${stop}${entryOf.nextStep[language]}${stop.trim()}`;
  }
}
