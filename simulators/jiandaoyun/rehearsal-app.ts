import type { AppDefinition, FieldDefinition, FieldType } from "./forms.ts";

/**
 * The warehouse application that the written configuration (`zhangshi init`) speaks of: the same forms and aliases, so that a
 * rehearsal needs nothing but addresses and ids.
 */
export const REHEARSAL_APP: AppDefinition = {
  name: "账实演练",
  forms: [
    {
      name: "采购入库",
      fields: [
        ...headOf("supplier", "供应商编码"),
        field("invoiced", "票货同到", "radiogroup"),
        lines("amount", "不含税金额"),
      ],
    },
    { name: "销售出库", fields: [...headOf("customer", "客户编码"), lines("sales_amount", "不含税销售额")] },
    {
      name: "其他出入库",
      fields: [
        field("document_type", "业务类型", "combo"),
        ...headOf("partner", "往来单位编码"),
        field("counter_warehouse", "对方仓库编码", "text"),
        field("department", "部门编码", "text"),
        field("cause", "原因", "text"),
        lines("amount", "不含税金额"),
      ],
    },
    {
      name: "商品",
      fields: [
        field("item_code", "商品编码", "text"),
        field("item_name", "商品名称", "text"),
        field("item_class", "存货类别", "text"),
        field("unit", "库存单位", "text"),
      ],
    },
  ],
};

/** Sections of the configuration's source and the form that each of them reads. */
export const REHEARSAL_FORMS: Readonly<Record<string, string>> = {
  "purchase-receipt": "采购入库",
  "sales-issue": "销售出库",
  "other-movements": "其他出入库",
  items: "商品",
};

function headOf(partner: string, partnerLabel: string): FieldDefinition[] {
  return [
    field("document_number", "单据编号", "text"),
    field("happened_at", "业务时间", "datetime"),
    field("warehouse", "仓库编码", "text"),
    field(partner, partnerLabel, "text"),
  ];
}

function lines(amount: string, amountLabel: string): FieldDefinition {
  return {
    ...field("lines", "明细", "subform"),
    items: [
      field("item", "商品编码", "text"),
      field("batch", "批次", "text"),
      field("unit", "单位", "text"),
      field("quantity", "数量", "number"),
      field(amount, amountLabel, "number"),
      field("tax_amount", "税额", "number"),
    ],
  };
}

function field(alias: string, label: string, type: FieldType): Omit<FieldDefinition, "items"> {
  return { alias, label, type };
}
