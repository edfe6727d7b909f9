import { type DocumentForm, documentForms } from "./document.ts";

/*
 * The warehouse application of a company as a person would draw it in Jiandaoyun: one form per kind of document, its lines
 * in a subform, and the two lists of items and balances. Labels are Chinese, aliases English; both sides of the demo
 * (entering and reading) use the aliases of this file.
 */

export interface FormField {
  readonly label: string;
  readonly type: "text" | "number" | "datetime" | "combo" | "radiogroup" | "subform";
  readonly alias: string;
  readonly items?: readonly FormField[];
}
export interface FormDrawing {
  readonly name: string;
  readonly fields: readonly FormField[];
}

export const formLabels = {
  opening: "期初库存",
  "purchase-receipt": "采购入库",
  "purchase-invoice": "采购发票",
  "purchase-return": "采购退货",
  "sales-issue": "销售出库",
  "sales-return": "销售退货",
  transfer: "调拨",
  "production-issue": "生产领料",
  "production-receipt": "产成品入库",
  "subcontract-issue": "委外发料",
  "subcontract-receipt": "委外入库",
  "subcontract-fee": "委外加工费",
  "count-gain": "盘盈",
  "count-loss": "盘亏",
  scrap: "报废",
  "status-change": "状态变更",
  "count-sheet": "盘点单",
} as const satisfies Record<DocumentForm, string>;

export const ITEM_FORM = "商品";
export const BALANCE_FORM = "库存余额";
/** What was entered by the demo itself, so that a second run enters nothing twice. */
export const ENTRY_LOG_FORM = "录入记录";

const text = (alias: string, label: string): FormField => ({ alias, label, type: "text" });
const number = (alias: string, label: string): FormField => ({ alias, label, type: "number" });

const headFields: readonly FormField[] = [
  text("document_number", "单据编号"),
  { alias: "happened_at", label: "业务时间", type: "datetime" },
  text("warehouse", "仓库编码"),
  text("counter_warehouse", "对方仓库编码"),
  text("partner", "往来单位编码"),
  text("department", "部门编码"),
  text("order_number", "订单号"),
  text("cause", "原因或用途"),
  { alias: "invoiced", label: "票货同到", type: "radiogroup" },
  text("origin_document", "来源单号"),
  { alias: "status", label: "单据状态", type: "combo" },
];
const lineFields: readonly FormField[] = [
  text("item", "商品编码"),
  text("batch", "批次"),
  text("unit", "单位"),
  number("quantity", "数量"),
  number("amount", "不含税金额"),
  number("tax_amount", "税额"),
  number("sales_amount", "不含税销售额"),
];
const countFields: readonly FormField[] = [
  text("item", "商品编码"),
  text("batch", "批次"),
  text("unit", "单位"),
  number("book_quantity", "账面数量"),
  number("counted_quantity", "实盘数量"),
];

const documentForm = (form: DocumentForm): FormDrawing => ({
  name: formLabels[form],
  fields: [
    ...headFields,
    { alias: "lines", label: "明细", type: "subform", items: form === "count-sheet" ? countFields : lineFields },
  ],
});

/** Name of a company's application, by which a later run finds it again. */
export const appNameOf = (company: string): string => `仓库管理（${company}）`;

/** The application of one company, as `POST /_person/apps` takes it. */
export const warehouseApp = (company: string): { readonly name: string; readonly forms: readonly FormDrawing[] } => ({
  name: appNameOf(company),
  forms: [
    ...documentForms.map(documentForm),
    {
      name: ITEM_FORM,
      fields: [
        text("item_code", "商品编码"),
        text("item_name", "商品名称"),
        text("item_class", "存货类别"),
        text("unit", "库存单位"),
        {
          alias: "conversions",
          label: "换算",
          type: "subform",
          items: [text("other_unit", "其他单位"), number("factor", "合库存单位")],
        },
      ],
    },
    {
      name: BALANCE_FORM,
      fields: [
        text("item", "商品编码"),
        text("warehouse", "仓库编码"),
        text("batch", "批次"),
        number("quantity", "结存数量"),
      ],
    },
    { name: ENTRY_LOG_FORM, fields: [text("entry_key", "录入键"), text("seed", "种子")] },
  ],
});
