/** Charts of accounts of a fresh company: 企业会计准则 or 小企业会计准则, as far as stock, trade, production and month end need them. */

export type Standard = "CAS" | "SME";

export type AccountSeed = {
  readonly code: string;
  readonly name?: string | undefined;
  /** code of the account above; derived from a code with points when absent */
  readonly parent?: string | undefined;
  readonly type?: "at_Revenues" | "at_Expenses" | "at_Other" | undefined;
  /** takes rows of business partners only */
  readonly control?: boolean | undefined;
  readonly blockManualPosting?: boolean | undefined;
  readonly projectRelevant?: boolean | undefined;
  readonly distributionRuleRelevant?: boolean | undefined;
};

type Line = readonly [code: string, name: string, kind?: "control" | "revenue" | "expense"];

const COMMON: readonly Line[] = [
  ["1001", "库存现金"],
  ["1002", "银行存款"],
  ["1012", "其他货币资金"],
  ["1122", "应收账款", "control"],
  ["1123", "预付账款", "control"],
  ["1221", "其他应收款"],
  ["1401", "材料采购"],
  ["1402", "在途物资"],
  ["1403", "原材料"],
  ["1404", "材料成本差异"],
  ["1405", "库存商品"],
  ["1406", "发出商品"],
  ["1408", "委托加工物资"],
  ["1411", "周转材料"],
  ["1901", "待处理财产损溢"],
  ["1901.01", "待处理流动资产损溢"],
  ["1901.02", "待处理固定资产损溢"],
  ["2202", "应付账款"],
  ["2202.01", "应付账款", "control"],
  ["2202.02", "暂估应付款"],
  ["2203", "预收账款", "control"],
  ["2211", "应付职工薪酬"],
  ["2221", "应交税费"],
  ["2221.01", "应交增值税"],
  ["2221.01.01", "进项税额"],
  ["2221.01.02", "已交税金"],
  ["2221.01.03", "转出未交增值税"],
  ["2221.01.05", "销项税额"],
  ["2221.01.06", "进项税额转出"],
  ["2221.02", "未交增值税"],
  ["2221.04", "待认证进项税额"],
  ["2241", "其他应付款"],
];

const CAS: readonly Line[] = [
  ["1471", "存货跌价准备"],
  ["4001", "实收资本"],
  ["4103", "本年利润"],
  ["4104", "利润分配"],
  ["5001", "生产成本"],
  ["5101", "制造费用"],
  ["5301", "研发支出"],
  ["6001", "主营业务收入", "revenue"],
  ["6051", "其他业务收入", "revenue"],
  ["6111", "投资收益", "revenue"],
  ["6301", "营业外收入", "revenue"],
  ["6401", "主营业务成本", "expense"],
  ["6402", "其他业务成本", "expense"],
  ["6403", "税金及附加", "expense"],
  ["6601", "销售费用", "expense"],
  ["6602", "管理费用", "expense"],
  ["6603", "财务费用", "expense"],
  ["6701", "资产减值损失", "expense"],
  ["6711", "营业外支出", "expense"],
  ["6801", "所得税费用", "expense"],
  ["6901", "以前年度损益调整", "revenue"],
];

const SME: readonly Line[] = [
  ["3001", "实收资本"],
  ["3103", "本年利润"],
  ["3104", "利润分配"],
  ["4001", "生产成本"],
  ["4101", "制造费用"],
  ["4301", "研发支出"],
  ["5001", "主营业务收入", "revenue"],
  ["5051", "其他业务收入", "revenue"],
  ["5111", "投资收益", "revenue"],
  ["5301", "营业外收入", "revenue"],
  ["5401", "主营业务成本", "expense"],
  ["5402", "其他业务成本", "expense"],
  ["5403", "税金及附加", "expense"],
  ["5601", "销售费用", "expense"],
  ["5602", "管理费用", "expense"],
  ["5603", "财务费用", "expense"],
  ["5711", "营业外支出", "expense"],
  ["5801", "所得税费用", "expense"],
];

/** Accounts that warehouses of a fresh company post to. */
export type Determination = {
  readonly stock: string;
  readonly costOfGoodsSold: string;
  readonly revenues: string;
  /** goods received, invoice to come */
  readonly allocation: string;
  readonly increase: string;
  readonly decrease: string;
  readonly receivables: string;
  readonly payables: string;
  readonly opening: string;
  readonly inputTax: string;
  readonly outputTax: string;
};

const SHARED = {
  stock: "1405",
  allocation: "2202.02",
  increase: "1901.01",
  decrease: "1901.01",
  receivables: "1122",
  payables: "2202.01",
  inputTax: "2221.01.01",
  outputTax: "2221.01.05",
};

export const DETERMINATION: Readonly<Record<Standard, Determination>> = {
  CAS: { ...SHARED, costOfGoodsSold: "6401", revenues: "6001", opening: "4104" },
  SME: { ...SHARED, costOfGoodsSold: "5401", revenues: "5001", opening: "3104" },
};

/** @returns every account of a fresh chart, parents before their children */
export function chartOf(standard: Standard): AccountSeed[] {
  return [...COMMON, ...(standard === "CAS" ? CAS : SME)].map(([code, name, kind]) => ({
    code,
    name,
    control: kind === "control",
    type: kind === "revenue" ? "at_Revenues" : kind === "expense" ? "at_Expenses" : "at_Other",
  }));
}

/** "2221.01" is above "2221.01.05". */
export const parentCode = (code: string): string => (code.includes(".") ? code.slice(0, code.lastIndexOf(".")) : "");
