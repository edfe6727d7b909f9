/** The two charts of accounts that a fresh book gets, as far as stock, trade, production and month end need them. */

import type { AccountSeed, Standard } from "./model.ts";

/** 辅助核算 of a fresh account set: assist type (the entity number of the record) to its Chinese name. */
export const ASSIST_TYPES: Readonly<Record<string, string>> = {
  bd_supplier: "供应商",
  bd_customer: "客户",
  bd_department: "部门",
  bd_employee: "职员",
  bd_material: "商品",
  bd_store: "仓库",
  bd_auxinfo: "费用项目",
};

export type ChartAccount = Required<AccountSeed>;

const DEBIT = 1;
const CREDIT = -1;
const STOCK = { quantity: "optional", assist: { bd_material: "required", bd_store: "optional" } } as const;
const SUPPLIER = { assist: { bd_supplier: "required" } } as const;
const CUSTOMER = { assist: { bd_customer: "required" } } as const;
const COST_CENTRE = { assist: { bd_department: "optional", bd_material: "optional", bd_auxinfo: "optional" } } as const;
const TRADE = { assist: { bd_customer: "optional", bd_material: "optional", bd_department: "optional" } } as const;

type Line = readonly [number: string, name: string, direction: 1 | -1, rest?: Partial<AccountSeed>];

const COMMON: readonly Line[] = [
  ["1001", "库存现金", DEBIT],
  ["1002", "银行存款", DEBIT],
  ["1012", "其他货币资金", DEBIT],
  ["1122", "应收账款", DEBIT, CUSTOMER],
  ["1123", "预付账款", DEBIT, SUPPLIER],
  ["1221", "其他应收款", DEBIT, { assist: { bd_employee: "optional", bd_department: "optional" } }],
  ["1401", "材料采购", DEBIT],
  ["1402", "在途物资", DEBIT, STOCK],
  ["1403", "原材料", DEBIT, STOCK],
  ["1404", "材料成本差异", DEBIT],
  ["1405", "库存商品", DEBIT, STOCK],
  ["1406", "发出商品", DEBIT, STOCK],
  ["1408", "委托加工物资", DEBIT, STOCK],
  ["1411", "周转材料", DEBIT, STOCK],
  ["1901", "待处理财产损溢", DEBIT],
  ["1901.01", "待处理流动资产损溢", DEBIT, { assist: { bd_material: "optional" } }],
  ["1901.02", "待处理固定资产损溢", DEBIT],
  ["2202", "应付账款", CREDIT],
  ["2202.01", "应付账款", CREDIT, SUPPLIER],
  ["2202.02", "暂估应付款", CREDIT, SUPPLIER],
  ["2203", "预收账款", CREDIT, CUSTOMER],
  ["2211", "应付职工薪酬", CREDIT],
  ["2221", "应交税费", CREDIT],
  ["2221.01", "应交增值税", CREDIT],
  ["2221.01.01", "进项税额", DEBIT],
  ["2221.01.02", "已交税金", DEBIT],
  ["2221.01.03", "转出未交增值税", DEBIT],
  ["2221.01.05", "销项税额", CREDIT],
  ["2221.01.06", "进项税额转出", CREDIT],
  ["2221.02", "未交增值税", CREDIT],
  ["2221.04", "待认证进项税额", DEBIT],
  ["2241", "其他应付款", CREDIT],
];

const CAS: readonly Line[] = [
  ["1471", "存货跌价准备", CREDIT, { assist: { bd_material: "optional" } }],
  ["4001", "实收资本", CREDIT],
  ["4103", "本年利润", CREDIT],
  ["4104", "利润分配", CREDIT],
  ["5001", "生产成本", DEBIT, COST_CENTRE],
  ["5101", "制造费用", DEBIT, COST_CENTRE],
  ["5301", "研发支出", DEBIT, COST_CENTRE],
  ["6001", "主营业务收入", CREDIT, TRADE],
  ["6051", "其他业务收入", CREDIT, TRADE],
  ["6111", "投资收益", CREDIT],
  ["6301", "营业外收入", CREDIT],
  ["6401", "主营业务成本", DEBIT, TRADE],
  ["6402", "其他业务成本", DEBIT, TRADE],
  ["6403", "税金及附加", DEBIT],
  ["6601", "销售费用", DEBIT, COST_CENTRE],
  ["6602", "管理费用", DEBIT, COST_CENTRE],
  ["6603", "财务费用", DEBIT],
  ["6701", "资产减值损失", DEBIT, { assist: { bd_material: "optional" } }],
  ["6711", "营业外支出", DEBIT],
  ["6801", "所得税费用", DEBIT],
  ["6901", "以前年度损益调整", CREDIT],
];

const SME: readonly Line[] = [
  ["3001", "实收资本", CREDIT],
  ["3103", "本年利润", CREDIT],
  ["3104", "利润分配", CREDIT],
  ["4001", "生产成本", DEBIT, COST_CENTRE],
  ["4101", "制造费用", DEBIT, COST_CENTRE],
  ["4301", "研发支出", DEBIT, COST_CENTRE],
  ["5001", "主营业务收入", CREDIT, TRADE],
  ["5051", "其他业务收入", CREDIT, TRADE],
  ["5111", "投资收益", CREDIT],
  ["5301", "营业外收入", CREDIT],
  ["5401", "主营业务成本", DEBIT, TRADE],
  ["5402", "其他业务成本", DEBIT, TRADE],
  ["5403", "税金及附加", DEBIT],
  ["5601", "销售费用", DEBIT, COST_CENTRE],
  ["5602", "管理费用", DEBIT, COST_CENTRE],
  ["5603", "财务费用", DEBIT],
  ["5711", "营业外支出", DEBIT],
  ["5801", "所得税费用", DEBIT],
];

/** @returns every account of a fresh chart, parents before their children */
export function chartOf(standard: Standard): ChartAccount[] {
  const own = standard === "CAS" ? CAS : SME;
  return [...COMMON, ...own].map(([number, name, direction, rest]) => ({
    number,
    name,
    direction,
    quantity: rest?.quantity ?? "none",
    assist: { ...rest?.assist },
  }));
}
