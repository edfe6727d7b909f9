import type { AppDefinition, FieldDefinition, FieldType } from "./forms.ts";

/**
 * A small warehouse application, for whoever starts the simulator without one of their own. Lines of documents are a
 * subform, movements and counts are one record per line.
 *
 * Source of the forms and aliases: Jiandaoyun reference §11.3.
 */
export const DEMO_APP: AppDefinition = {
  name: "仓库管理",
  forms: [
    {
      name: "商品档案",
      fields: [
        field("sku_code", "商品编码", "text", { required: true, unique: true }),
        field("sku_name", "商品名称", "text"),
        field("spec", "规格", "text"),
        field("category", "分类", "combo"),
        field("uom", "单位", "combo"),
        field("erp_item_code", "ERP物料编码", "text"),
        field("sku_status", "状态", "radiogroup", { options: ["启用", "停用"] }),
        field("ext_id", "外部编号", "text"),
      ],
    },
    {
      name: "仓库档案",
      fields: [
        field("wh_code", "仓库编码", "text", { required: true, unique: true }),
        field("wh_name", "仓库名称", "text"),
        field("wh_owner", "负责人", "user"),
        field("wh_address", "地址", "address"),
        field("erp_stock_code", "ERP仓库编码", "text"),
      ],
    },
    { name: "入库单", fields: documentFields("receipt_no", "入库单号", "supplier_code", "供应商编码") },
    { name: "出库单", fields: documentFields("issue_no", "出库单号", "customer_code", "客户编码") },
    {
      name: "库存流水",
      fields: [
        field("move_no", "流水号", "text"),
        field("move_type", "异动类型", "combo"),
        field("sku_code", "商品编码", "text"),
        field("batch_no", "批次", "text"),
        field("wh_code", "仓库编码", "text"),
        field("uom", "单位", "text"),
        field("qty_signed", "数量", "number"),
        field("occurred_at", "发生时间", "datetime"),
        field("src_no", "来源单号", "text"),
        field("src_line_no", "来源行号", "number"),
        field("ext_id", "外部编号", "text"),
      ],
    },
    {
      name: "盘点明细",
      fields: [
        field("task_no", "盘点任务号", "text"),
        field("line_no", "行号", "number"),
        field("sku_code", "商品编码", "text"),
        field("batch_no", "批次", "text"),
        field("wh_code", "仓库编码", "text"),
        field("uom", "单位", "text"),
        field("book_qty", "账面数量", "number"),
        field("counted_qty", "实盘数量", "number"),
        field("diff_cause", "差异原因", "combo"),
        field("counter", "盘点人", "user"),
        field("counted_at", "盘点时间", "datetime"),
        field("photos", "照片", "image"),
        field("ext_id", "外部编号", "text"),
      ],
    },
  ],
};

function documentFields(numberAlias: string, numberLabel: string, partner: string, label: string): FieldDefinition[] {
  return [
    field(numberAlias, numberLabel, "text", { required: true, unique: true }),
    field("biz_type", "业务类型", "combo"),
    field("source_no", "来源单号", "text"),
    field(partner, label, "text"),
    field("wh_code", "仓库编码", "text"),
    field("biz_date", "业务日期", "datetime"),
    field("handler", "经办人", "user"),
    field("doc_status", "单据状态", "radiogroup", { options: ["草稿", "待审", "已过账", "已作废"] }),
    field("erp_bill_no", "ERP单号", "text"),
    field("ext_id", "外部编号", "text"),
    {
      ...field("lines", "明细", "subform"),
      items: [
        field("line_no", "行号", "number"),
        field("sku_code", "商品编码", "text"),
        field("batch_no", "批次", "text"),
        field("uom", "单位", "text"),
        field("plan_qty", "应收发数量", "number"),
        field("actual_qty", "实收发数量", "number"),
        field("line_note", "备注", "text"),
      ],
    },
  ];
}

function field(
  alias: string,
  label: string,
  type: FieldType,
  more: { required?: boolean; unique?: boolean; options?: string[] } = {},
): Omit<FieldDefinition, "items"> {
  return { alias, label, type, ...more };
}
