/** Why the two sides disagree. Numbers are the product's own and appear in reports; see docs/glossary.md. */
export const causes = {
  1: { name: "not-pulled", zh: "尚未拉取", en: "movement not yet pulled" },
  2: { name: "not-mapped", zh: "已拉取，未映射", en: "pulled, not mapped" },
  3: { name: "not-approved", zh: "已生成，未审批", en: "generated, not approved" },
  4: { name: "not-audited", zh: "已传，ERP 未审核", en: "posted, not audited in the ERP" },
  5: { name: "posted-twice", zh: "重复记账", en: "posted twice" },
  6: { name: "other-period", zh: "记入其他期间", en: "posted in another period" },
  8: { name: "amount-differs", zh: "金额不一致", en: "amount differs" },
  9: { name: "quantity-differs", zh: "数量或单位不一致", en: "quantity or unit differs" },
  10: {
    name: "changed-in-erp",
    zh: "过后在 ERP 被修改、反审核或删除",
    en: "edited, un-audited or deleted in the ERP after posting",
  },
  11: { name: "manual-voucher", zh: "存货科目上的手工凭证", en: "manual voucher on a stock account" },
  12: {
    name: "cancelled-after-posting",
    zh: "记账后在仓库端作废或改单",
    en: "cancelled, or made another one, in the warehouse after posting",
  },
  13: { name: "backdated", zh: "成本计算后补录的前期异动", en: "backdated movement after costing" },
  16: { name: "transfer-leg-missing", zh: "调拨只有一方", en: "transfer with one leg missing" },
  18: {
    name: "offsetting-pair",
    zh: "串货、串批或串库位（一正一负）",
    en: "wrong item, lot or location (offsetting pair)",
  },
  20: { name: "master-data-missing", zh: "一方缺少基础资料", en: "master data missing on one side" },
  21: { name: "refused", zh: "被 ERP 拒绝", en: "refused by the ERP" },
  22: { name: "held", zh: "挂起（期间已结账或超限）", en: "held (closed period, limit)" },
  23: { name: "uncertain", zh: "结果不明", en: "outcome uncertain" },
} as const;
export type Cause = keyof typeof causes;
export const certainties = ["certain", "suspected"] as const;
export type Certainty = (typeof certainties)[number];
