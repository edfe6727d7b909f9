/** The stock documents of 云星辰: their paths, entity numbers and what each does to the stock (XC-SDK; entity numbers from a public Java client). */

import type { Life, BillStatus } from "./model.ts";

/** in: into the line's warehouse; out: out of it; move: from out_stock to in_stock; count: nothing */
export type Effect = "in" | "out" | "move" | "count";

export type BillKind = {
  /** last part of the path under /jdy/v2/scm/ */
  path: string;
  /** for common_operate */
  entity: string;
  name: string;
  /** of bill_no: "QTRK-20250131-00001" */
  prefix: string;
  effect: Effect;
  /** where a line says its warehouse */
  store: "stock" | "in_stock" | "out_stock";
  /** who it is with, by field of the head */
  partner?: "supplier" | "customer";
  /** a partner must be named */
  partnerRequired?: boolean;
};

export const BILL_KINDS: readonly BillKind[] = [
  {
    path: "pur_inbound",
    entity: "pur_bill_inbound",
    name: "采购入库单",
    prefix: "CGRK",
    effect: "in",
    store: "stock",
    partner: "supplier",
    partnerRequired: true,
  },
  {
    path: "sal_out_bound",
    entity: "sal_bill_outbound",
    name: "销售出库单",
    prefix: "XSCK",
    effect: "out",
    store: "stock",
    partner: "customer",
    partnerRequired: true,
  },
  {
    path: "inv_other_in",
    entity: "inv_other_bill_inbound",
    name: "其他入库单",
    prefix: "QTRK",
    effect: "in",
    store: "stock",
  },
  {
    path: "inv_other_out",
    entity: "inv_other_bill_outbound",
    name: "其他出库单",
    prefix: "QTCK",
    effect: "out",
    store: "stock",
  },
  {
    path: "inv_tfin",
    entity: "inv_tfin_bill_inbound",
    name: "调拨入库单",
    prefix: "DBRK",
    effect: "in",
    store: "in_stock",
  },
  {
    path: "inv_tfout",
    entity: "inv_tfout_bill_outbound",
    name: "调拨出库单",
    prefix: "DBCK",
    effect: "out",
    store: "out_stock",
  },
  {
    path: "inv_tfmove",
    entity: "inv_tfmove_bill_order",
    name: "移仓单",
    prefix: "YCD",
    effect: "move",
    store: "out_stock",
  },
  { path: "inv_check_bill", entity: "inv_check_bill", name: "盘点单", prefix: "PDD", effect: "count", store: "stock" },
  {
    path: "inv_check_gail_bill",
    entity: "inv_check_gain_bill",
    name: "盘盈单",
    prefix: "PYD",
    effect: "in",
    store: "stock",
  },
  {
    path: "inv_check_loss_bill",
    entity: "inv_check_loss_bill",
    name: "盘亏单",
    prefix: "PKD",
    effect: "out",
    store: "stock",
  },
];

/** @throws Error when there is no such kind; kinds come from this list only */
export function billKind(path: string): BillKind {
  const kind = BILL_KINDS.find((one) => one.path === path);
  if (!kind) throw new Error(`There is no stock document ${path}.`);
  return kind;
}

export type BillLine = {
  id: string;
  /** item number */
  material: string;
  /** warehouse number, as in BillKind.store */
  store: string;
  /** second warehouse: where a move or transfer goes to (or comes from) */
  otherStore: string;
  unit: string;
  quantity: bigint;
  /** quantity in the item's base unit */
  baseQuantity: bigint;
  price: bigint;
  /** value of the line; of what goes out it is set by the audit */
  cost: bigint;
  batch: string;
  /** 账存 of a count, in the line's unit */
  booked: bigint;
  comment: string;
  /** further scalars as they came: spaces, shelf life, sources, batch details */
  fields: Record<string, string>;
  /** custom_entity_field */
  custom: Record<string, string>;
};

export type StockBill = Life & {
  id: string;
  /** path of its kind */
  kind: string;
  number: string;
  date: string;
  status: BillStatus;
  /** scalars of the head as they came, references by number: "dept", "emp", "supplier", "customer" */
  head: Record<string, string>;
  custom: Record<string, string>;
  /** a count: the task it belongs to, and the documents its differences became */
  task: string;
  gain: string;
  loss: string;
  lines: readonly BillLine[];
};
