/** A company as a caller describes it, and the one that a simulator has when nobody does. */

import type { AccountSeed } from "./charts.ts";
import { STOCK_ITEM_CLASS } from "./charts.ts";
import type { Standard } from "./model.ts";

export type Named = { code: string; name: string };

export type ItemSeed = Named & {
  /** code of the 计量单位; one that is not there is made */
  unit: string;
  specification?: string | undefined;
  /** 批次管理 */
  batched?: boolean | undefined;
};

export type WarehouseSeed = Named & {
  /** 货位管理 */
  positions?: boolean | undefined;
  /** 停用 from this day on */
  stoppedOn?: string | undefined;
};

export type OpeningStock = {
  warehouse: string;
  item: string;
  /** decimal text */
  quantity: string;
  price?: string | undefined;
  batch?: string | undefined;
};

export type OpeningBalance = {
  account: string;
  /** decimal text, debit positive */
  amount: string;
};

/** One 账套 with its base data. */
export type CompanyBook = {
  /** 账套号, "001"; also its registration code for EAI */
  number: string;
  name?: string | undefined;
  /** chart of accounts; "CAS" when absent */
  standard?: Standard | undefined;
  /** first open period; the simulator's when absent */
  openPeriod?: string | undefined;
  /** 启用期间; January of the year before the open period when absent */
  startPeriod?: string | undefined;
  /** accounts to add, or to change by code */
  accounts?: readonly AccountSeed[] | undefined;
  openings?: readonly OpeningBalance[] | undefined;
  items?: readonly ItemSeed[] | undefined;
  units?: readonly Named[] | undefined;
  warehouses?: readonly WarehouseSeed[] | undefined;
  positions?: readonly (Named & { warehouse: string })[] | undefined;
  suppliers?: readonly Named[] | undefined;
  customers?: readonly Named[] | undefined;
  departments?: readonly Named[] | undefined;
  persons?: readonly (Named & { department: string })[] | undefined;
  /** 项目大类 and, as "class", 项目 */
  itemClasses?: readonly (Named & { source?: "inventory" | undefined })[] | undefined;
  projects?: readonly (Named & { itemClass: string })[] | undefined;
  openingStock?: readonly OpeningStock[] | undefined;
};

/** What every fresh 账套 has: 凭证类别, 收发类别, 币种, 计量单位, classes. */
export const SHARED_ARCHIVES: readonly { kind: string; code: string; name: string; fields?: Record<string, string> }[] =
  [
    { kind: "dsign", code: "记", name: "记账凭证", fields: { order_code: "1" } },
    { kind: "dsign", code: "收", name: "收款凭证", fields: { order_code: "2" } },
    { kind: "dsign", code: "付", name: "付款凭证", fields: { order_code: "3" } },
    { kind: "dsign", code: "转", name: "转账凭证", fields: { order_code: "4" } },
    { kind: "currency", code: "RMB", name: "人民币", fields: { precision: "2" } },
    { kind: "currency", code: "USD", name: "美元", fields: { precision: "2" } },
    { kind: "receivesendtype", code: "1", name: "入库", fields: { rsflag: "1", end_flag: "0" } },
    { kind: "receivesendtype", code: "11", name: "采购入库", fields: { rsflag: "1", end_flag: "1" } },
    { kind: "receivesendtype", code: "12", name: "产成品入库", fields: { rsflag: "1", end_flag: "1" } },
    { kind: "receivesendtype", code: "13", name: "其他入库", fields: { rsflag: "1", end_flag: "1" } },
    { kind: "receivesendtype", code: "14", name: "盘盈入库", fields: { rsflag: "1", end_flag: "1" } },
    { kind: "receivesendtype", code: "15", name: "调拨入库", fields: { rsflag: "1", end_flag: "1" } },
    { kind: "receivesendtype", code: "2", name: "出库", fields: { rsflag: "0", end_flag: "0" } },
    { kind: "receivesendtype", code: "21", name: "销售出库", fields: { rsflag: "0", end_flag: "1" } },
    { kind: "receivesendtype", code: "22", name: "材料出库", fields: { rsflag: "0", end_flag: "1" } },
    { kind: "receivesendtype", code: "23", name: "其他出库", fields: { rsflag: "0", end_flag: "1" } },
    { kind: "receivesendtype", code: "24", name: "盘亏出库", fields: { rsflag: "0", end_flag: "1" } },
    { kind: "receivesendtype", code: "25", name: "调拨出库", fields: { rsflag: "0", end_flag: "1" } },
    { kind: "unitgroup", code: "01", name: "自然单位组", fields: { type: "0" } },
    { kind: "unit", code: "01", name: "个", fields: { group_code: "01", main_flag: "1" } },
    { kind: "inventoryclass", code: "01", name: "存货", fields: { rank: "1", end_rank_flag: "1" } },
    { kind: "customerclass", code: "01", name: "客户", fields: { rank: "1", end_rank_flag: "1" } },
    { kind: "vendorclass", code: "01", name: "供应商", fields: { rank: "1", end_rank_flag: "1" } },
    { kind: "settlestyle", code: "1", name: "现金" },
    { kind: "settlestyle", code: "2", name: "转账" },
    { kind: "cashflowitem", code: "01", name: "销售商品、提供劳务收到的现金" },
    { kind: "cashflowitem", code: "04", name: "购买商品、接受劳务支付的现金" },
    { kind: "cashflowitem", code: "07", name: "支付的其他与经营活动有关的现金" },
    { kind: "fitemclass", code: STOCK_ITEM_CLASS, name: "存货", fields: { source: "inventory" } },
  ];

export const DEMO_COMPANY: CompanyBook = {
  number: "001",
  name: "示例账套",
  accounts: [
    { code: "101201", name: "外埠存款", direction: "debit", sealed: true },
    { code: "101202", name: "银行汇票", direction: "debit" },
    { code: "530101", name: "项目研发", direction: "debit", itemClass: "02", department: true },
    { code: "530102", name: "公共研发", direction: "debit", department: true },
  ],
  items: [
    { code: "M-001", name: "示例物料一", unit: "01" },
    { code: "M-002", name: "示例物料二", unit: "02" },
    { code: "007", name: "示例物料三", unit: "03" },
    { code: "B-001", name: "示例批次物料", unit: "01", batched: true },
  ],
  units: [
    { code: "02", name: "公斤" },
    { code: "03", name: "箱" },
  ],
  warehouses: [
    { code: "CK01", name: "一号仓" },
    { code: "CK02", name: "二号仓" },
    { code: "CK03", name: "货位仓", positions: true },
    { code: "CK09", name: "停用仓", stoppedOn: "2000-01-01" },
  ],
  positions: [{ code: "A-01", name: "甲区一号", warehouse: "CK03" }],
  suppliers: [{ code: "VEN001", name: "示例供应商" }],
  customers: [{ code: "CUST001", name: "示例客户" }],
  departments: [{ code: "BM001", name: "仓储部" }],
  persons: [{ code: "E001", name: "示例职员", department: "BM001" }],
  itemClasses: [{ code: "02", name: "研发项目" }],
  projects: [{ code: "P-001", name: "示例项目", itemClass: "02" }],
};
