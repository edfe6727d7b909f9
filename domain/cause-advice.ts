import type { Cause } from "./causes.ts";

/** For finance: why such a difference comes about, and what to do about it. */
export interface CauseAdvice {
  readonly why: string;
  readonly nextStep: string;
}

export const causeAdvice = {
  1: {
    why: "仓库端已有（或已修改、已删除）该单据，但还没有同步过来",
    nextStep: "运行 zhangshi sync；下次对账会自动关闭",
  },
  2: { why: "单据已同步，但没有适用的规则或资料不全，未生成凭证", nextStep: "补充规则或单据内容，相关单据会自动继续" },
  3: { why: "凭证已生成，等待审批", nextStep: "由审批人审批后自动发送" },
  4: { why: "凭证已保存到 ERP，但没有达到账簿要求的审核状态", nextStep: "检查审核用户的权限，或在 ERP 中审核该凭证" },
  5: {
    why: "ERP 中有多张有效凭证带有同一凭证键；账簿已暂停发送",
    nextStep: "核对后在 ERP 中冲销（未过账的可作废）建议冲销的凭证，再运行 zhangshi ledger resume",
  },
  6: { why: "凭证所在期间与单据的入账期间不同", nextStep: "确认是否有意调整；否则在 ERP 中改回日期" },
  8: {
    why: "两边金额不一致（单价、税额、舍入或汇率），或余额中有凭证无法说明的部分",
    nextStep: "核对金额；红冲原凭证后按新金额重做",
  },
  9: { why: "两边数量或计量单位不一致", nextStep: "核对所列单据的数量与单位，在仓库端更正" },
  10: {
    why: "凭证过后在 ERP 中被修改、反审核、作废或删除，或被红冲而单据仍然有效",
    nextStep: "查明修改人；恢复原凭证，或红冲后重做；若单据本身有误，请在仓库端作废",
  },
  11: { why: "有人在 ERP 中直接对存货科目做了凭证，仓库端没有对应单据", nextStep: "补录仓库单据，或红冲该手工凭证" },
  12: {
    why: "单据在仓库端已作废，或商品、往来单位、仓库、类型等已改，但原凭证仍然有效",
    nextStep: "红冲该凭证，系统按新单据重做；若误删或误改，请恢复单据",
  },
  13: { why: "该商品之后的异动已计算成本，才补录了更早的单据", nextStep: "核对成本调整凭证；以后请及时录入" },
  16: { why: "调拨单只有调出或调入一方", nextStep: "在仓库端补填另一方仓库" },
  18: {
    why: "两处数量一多一少且正好相等，很可能串货、串批或串库位",
    nextStep: "复核所列商品或仓库，在仓库端更正单据，不做盘盈盘亏",
  },
  20: { why: "编码在对照表、商品资料或 ERP 中不存在", nextStep: "补充该编码一次，所有等待的单据自动继续" },
  21: { why: "ERP 拒绝了该凭证", nextStep: "按 ERP 提示更正后重试" },
  22: { why: "期间已结账或超出限制，凭证挂起", nextStep: "由会计主管打开期间，或改记下一期间" },
  23: { why: "没有得到 ERP 的明确答复", nextStep: "等待系统查询 ERP；不要手工补做凭证" },
} as const satisfies Record<Cause, CauseAdvice>;
