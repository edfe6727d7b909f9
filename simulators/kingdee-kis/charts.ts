/** The chart of accounts and the 核算类别 of a fresh 账套, as far as stock, trade, production and month end need them. */

import type { Account, Demand, Dialect, ItemClass, Standard } from "./model.ts";

/** What an account asks for, in words that both editions translate into their own 核算类别. */
type Need = "item" | "warehouse" | "supplier" | "customer" | "department" | "employee";

/** 标准版: slots 2 往来单位, 3 部门, 4 职员 (EXPVCH); slot 1 is what is left for a class of the user's own. */
const STANDARD_CLASSES: readonly ItemClass[] = [
  { name: "物料", slot: 1 },
  { name: "往来单位", slot: 2 },
  { name: "部门", slot: 3 },
  { name: "职员", slot: 4 },
];
/** 专业版 names the classes as KOAS does (§11.5): any slot. */
const PROFESSIONAL_CLASSES: readonly ItemClass[] = ["客户", "部门", "职员", "物料", "仓库", "供应商"].map((name) => ({
  name,
  slot: 0,
}));

const NAMES: Record<"standard" | "professional", Record<Need, string | undefined>> = {
  standard: {
    item: "物料",
    // One slot of its own has to do: a 标准版 that keeps warehouses keeps them as accounts.
    warehouse: undefined,
    supplier: "往来单位",
    customer: "往来单位",
    department: "部门",
    employee: "职员",
  },
  professional: {
    item: "物料",
    warehouse: "仓库",
    supplier: "供应商",
    customer: "客户",
    department: "部门",
    employee: "职员",
  },
};

export function classesOf(dialect: Dialect): readonly ItemClass[] {
  return dialect === "standard" ? STANDARD_CLASSES : PROFESSIONAL_CLASSES;
}

/** @returns the name of the class that carries this kind of 核算项目; undefined where the edition has none */
export function className(dialect: Dialect, need: Need): string | undefined {
  return NAMES[dialect === "standard" ? "standard" : "professional"][need];
}

type Traits = { quantity?: boolean; needs?: Partial<Record<Need, Demand>> };
type Line = readonly [number: string, name: string, direction: 1 | -1, traits?: Traits];

const DEBIT = 1;
const CREDIT = -1;
const STOCK: Traits = { quantity: true, needs: { item: "required", warehouse: "optional" } };
const SUPPLIER: Traits = { needs: { supplier: "required" } };
const CUSTOMER: Traits = { needs: { customer: "required" } };
const COST_CENTRE: Traits = { needs: { department: "optional", item: "optional" } };
const TRADE: Traits = { needs: { customer: "optional", item: "optional", department: "optional" } };

const COMMON: readonly Line[] = [
  ["1001", "库存现金", DEBIT],
  ["1002", "银行存款", DEBIT],
  ["1122", "应收账款", DEBIT, CUSTOMER],
  ["1123", "预付账款", DEBIT, SUPPLIER],
  ["1221", "其他应收款", DEBIT, { needs: { employee: "optional", department: "optional" } }],
  ["1401", "材料采购", DEBIT],
  ["1402", "在途物资", DEBIT, STOCK],
  ["1403", "原材料", DEBIT, STOCK],
  ["1404", "材料成本差异", DEBIT],
  ["1405", "库存商品", DEBIT, STOCK],
  ["1406", "发出商品", DEBIT, STOCK],
  ["1408", "委托加工物资", DEBIT, STOCK],
  ["1411", "周转材料", DEBIT, STOCK],
  ["1901", "待处理财产损溢", DEBIT],
  ["1901.01", "待处理流动资产损溢", DEBIT, { needs: { item: "optional" } }],
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
  ["1471", "存货跌价准备", CREDIT, { needs: { item: "optional" } }],
  ["4001", "实收资本", CREDIT],
  ["4103", "本年利润", CREDIT],
  ["4104", "利润分配", CREDIT],
  ["5001", "生产成本", DEBIT, COST_CENTRE],
  ["5101", "制造费用", DEBIT, COST_CENTRE],
  ["5301", "研发支出", DEBIT, COST_CENTRE],
  ["6001", "主营业务收入", CREDIT, TRADE],
  ["6051", "其他业务收入", CREDIT, TRADE],
  ["6301", "营业外收入", CREDIT],
  ["6401", "主营业务成本", DEBIT, TRADE],
  ["6402", "其他业务成本", DEBIT, TRADE],
  ["6403", "税金及附加", DEBIT],
  ["6601", "销售费用", DEBIT, COST_CENTRE],
  ["6602", "管理费用", DEBIT, COST_CENTRE],
  ["6603", "财务费用", DEBIT],
  ["6701", "资产减值损失", DEBIT, { needs: { item: "optional" } }],
  ["6711", "营业外支出", DEBIT],
  ["6801", "所得税费用", DEBIT],
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

/** @returns every account of a fresh chart; one is a parent when another's number begins with it and a dot */
export function chartOf(standard: Standard, dialect: Dialect): Account[] {
  return [...COMMON, ...(standard === "CAS" ? CAS : SME)].map(([number, name, direction, traits]) => ({
    number,
    name,
    direction,
    quantity: traits?.quantity ?? false,
    objects: objectsOf(traits?.needs ?? {}, dialect),
    disabled: false,
  }));
}

function objectsOf(needs: Partial<Record<Need, Demand>>, dialect: Dialect): Record<string, Demand> {
  const objects: Record<string, Demand> = {};
  for (const need of NEEDS) {
    const [name, demand] = [className(dialect, need), needs[need]];
    if (name !== undefined && demand !== undefined) objects[name] = demand;
  }
  return objects;
}

const NEEDS: readonly Need[] = ["item", "warehouse", "supplier", "customer", "department", "employee"];
