/** The two charts of accounts that a fresh 账套 gets, in U8's way of numbering: 4-2-2 without points. */

import type { Standard } from "./model.ts";

/** One account as a caller describes it. Flags that are absent are off. */
export type AccountSeed = {
  code: string;
  name?: string | undefined;
  /** 借 or 贷 */
  direction?: "debit" | "credit" | undefined;
  department?: boolean | undefined;
  person?: boolean | undefined;
  customer?: boolean | undefined;
  supplier?: boolean | undefined;
  /** 项目大类 whose items the account demands; "" takes it away */
  itemClass?: string | undefined;
  /** 计量单位: the account keeps quantities */
  measure?: string | undefined;
  /** 外币 name: the account keeps that currency */
  currency?: string | undefined;
  cash?: boolean | undefined;
  bank?: boolean | undefined;
  /** 封存 */
  sealed?: boolean | undefined;
  /** 受控系统: "应收", "应付", "存货核算" */
  controlled?: string | undefined;
};

/** 项目大类 of the demonstration company whose items are the 存货 themselves. The simulator's choice of code. */
export const STOCK_ITEM_CLASS = "01";

type Line = readonly [code: string, name: string, direction: "debit" | "credit", rest?: Partial<AccountSeed>];

const STOCK = { itemClass: STOCK_ITEM_CLASS, measure: "个" };
const DEPARTMENT = { department: true };
const CUSTOMER = { customer: true };
const SUPPLIER = { supplier: true };

const COMMON: readonly Line[] = [
  ["1001", "库存现金", "debit", { cash: true }],
  ["1002", "银行存款", "debit", { bank: true }],
  ["1012", "其他货币资金", "debit"],
  ["1122", "应收账款", "debit", { ...CUSTOMER, controlled: "应收" }],
  ["1123", "预付账款", "debit", SUPPLIER],
  ["1221", "其他应收款", "debit"],
  ["122101", "个人借款", "debit", { person: true }],
  ["122102", "其他", "debit"],
  ["1401", "材料采购", "debit"],
  ["1402", "在途物资", "debit", STOCK],
  ["1403", "原材料", "debit", STOCK],
  ["1404", "材料成本差异", "debit"],
  ["1405", "库存商品", "debit", STOCK],
  ["1406", "发出商品", "debit", STOCK],
  ["1408", "委托加工物资", "debit", STOCK],
  ["1411", "周转材料", "debit", STOCK],
  ["1901", "待处理财产损溢", "debit"],
  ["190101", "待处理流动资产损溢", "debit"],
  ["190102", "待处理固定资产损溢", "debit"],
  ["2202", "应付账款", "credit"],
  ["220201", "应付账款", "credit", { ...SUPPLIER, controlled: "应付" }],
  ["220202", "暂估应付款", "credit", SUPPLIER],
  ["2203", "预收账款", "credit", CUSTOMER],
  ["2211", "应付职工薪酬", "credit"],
  ["2221", "应交税费", "credit"],
  ["222101", "应交增值税", "credit"],
  ["22210101", "进项税额", "debit"],
  ["22210102", "已交税金", "debit"],
  ["22210103", "转出未交增值税", "debit"],
  ["22210105", "销项税额", "credit"],
  ["22210106", "进项税额转出", "credit"],
  ["222102", "未交增值税", "credit"],
  ["222104", "待认证进项税额", "debit"],
  ["2241", "其他应付款", "credit"],
];

const CAS: readonly Line[] = [
  ["1471", "存货跌价准备", "credit"],
  ["4001", "实收资本", "credit"],
  ["4103", "本年利润", "credit"],
  ["4104", "利润分配", "credit"],
  ["5001", "生产成本", "debit", DEPARTMENT],
  ["5101", "制造费用", "debit", DEPARTMENT],
  ["5301", "研发支出", "debit", DEPARTMENT],
  ["6001", "主营业务收入", "credit"],
  ["6051", "其他业务收入", "credit"],
  ["6111", "投资收益", "credit"],
  ["6301", "营业外收入", "credit"],
  ["6401", "主营业务成本", "debit"],
  ["6402", "其他业务成本", "debit"],
  ["6403", "税金及附加", "debit"],
  ["6601", "销售费用", "debit", DEPARTMENT],
  ["6602", "管理费用", "debit", DEPARTMENT],
  ["6603", "财务费用", "debit"],
  ["6701", "资产减值损失", "debit"],
  ["6711", "营业外支出", "debit"],
  ["6801", "所得税费用", "debit"],
  ["6901", "以前年度损益调整", "credit"],
];

const SME: readonly Line[] = [
  ["3001", "实收资本", "credit"],
  ["3103", "本年利润", "credit"],
  ["3104", "利润分配", "credit"],
  ["4001", "生产成本", "debit", DEPARTMENT],
  ["4101", "制造费用", "debit", DEPARTMENT],
  ["4301", "研发支出", "debit", DEPARTMENT],
  ["5001", "主营业务收入", "credit"],
  ["5051", "其他业务收入", "credit"],
  ["5111", "投资收益", "credit"],
  ["5301", "营业外收入", "credit"],
  ["5401", "主营业务成本", "debit"],
  ["5402", "其他业务成本", "debit"],
  ["5403", "税金及附加", "debit"],
  ["5601", "销售费用", "debit", DEPARTMENT],
  ["5602", "管理费用", "debit", DEPARTMENT],
  ["5603", "财务费用", "debit"],
  ["5711", "营业外支出", "debit"],
  ["5801", "所得税费用", "debit"],
];

/** @returns every account of a fresh chart, parents before their children */
export function chartOf(standard: Standard): AccountSeed[] {
  const own = standard === "CAS" ? CAS : SME;
  return [...COMMON, ...own].map(([code, name, direction, rest]) => ({ code, name, direction, ...rest }));
}

/** @returns the code of the account above, "" for the first level (grades 4-2-2-2) */
export function parentCode(code: string): string {
  return code.length > 4 ? code.slice(0, -2) : "";
}

const PROPERTIES: Record<string, string> = {
  "1": "资产",
  "2": "负债",
  "3": "权益",
  "4": "成本",
  "5": "损益",
  "6": "损益",
};

/** The elements of the template Code.xml for an account. */
export function accountFields(seed: AccountSeed): Record<string, string> {
  const flags: [name: string, value: boolean | undefined][] = [
    ["dept_acc", seed.department],
    ["person_acc", seed.person],
    ["cust_acc", seed.customer],
    ["supplier_acc", seed.supplier],
    ["cash_acc_flag", seed.cash],
    ["bank_acc_flag", seed.bank],
    ["acc_seal_flag", seed.sealed],
    ["item_acc", seed.itemClass === undefined ? undefined : seed.itemClass !== ""],
  ];
  const fields: Record<string, string> = {
    grade: String(Math.max(1, Math.floor((seed.code.length - 4) / 2) + 1)),
    type: PROPERTIES[seed.code.charAt(0)] ?? "资产",
  };
  for (const [name, value] of flags) if (value !== undefined) fields[name] = value ? "1" : "0";
  if (seed.direction !== undefined) fields["prop"] = seed.direction === "debit" ? "1" : "0";
  if (seed.itemClass !== undefined) fields["item_category"] = seed.itemClass;
  if (seed.measure !== undefined) fields["measure_unit"] = seed.measure;
  if (seed.currency !== undefined) fields["fc_name"] = seed.currency;
  if (seed.controlled !== undefined) fields["ctrled_acc"] = seed.controlled;
  return fields;
}
