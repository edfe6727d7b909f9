import { z } from "zod";
import { BusinessDate, Instant } from "./dates.ts";
import { Decimal } from "./decimal.ts";

/**
 * Every kind of stock event of one legal entity, and the two kinds of money event that belong to the chain
 * (purchase invoice, subcontracting fee). Source: docs/glossary.md.
 */
export const movementKinds = [
  "opening", // 期初
  "purchase-receipt", // 采购入库
  "purchase-invoice", // 采购发票
  "purchase-return", // 采购退货
  "sales-issue", // 销售出库
  "sales-return", // 销售退货
  "transfer", // 调拨: warehouse → counterWarehouse
  "production-issue", // 生产领料
  "production-receipt", // 产成品入库
  "subcontract-issue", // 委外发料
  "subcontract-receipt", // 委外入库
  "subcontract-fee", // 委外加工费
  "count-gain", // 盘盈
  "count-loss", // 盘亏
  "scrap", // 报废
  "status-change", // 状态、库位、货主变更: no money
  "provision", // 跌价准备: required balance per item, no quantity
] as const;
export const MovementKind = z.enum(movementKinds);
export type MovementKind = z.infer<typeof MovementKind>;

/** What a kind does to the quantity of `warehouse`: in, out, from one warehouse to another, or nothing. */
export const directionOf = {
  opening: "in",
  "purchase-receipt": "in",
  "purchase-invoice": "none",
  "purchase-return": "out",
  "sales-issue": "out",
  "sales-return": "in",
  transfer: "across",
  "production-issue": "out",
  "production-receipt": "in",
  "subcontract-issue": "out",
  "subcontract-receipt": "in",
  "subcontract-fee": "none",
  "count-gain": "in",
  "count-loss": "out",
  scrap: "out",
  "status-change": "none",
  provision: "none",
} as const satisfies Record<MovementKind, "in" | "out" | "across" | "none">;

/** A code of somebody's master data. Codes are text: "007" is not 7. */
export const Code = z.string().min(1).max(200);

/**
 * One line of one warehouse document, as the warehouse side says it happened.
 *
 * Quantities are positive; the kind says the direction. A change or cancellation in the source is a new revision of
 * the whole record, never an edit. Amounts are net of VAT, in `currency`.
 */
export const Movement = z.object({
  company: Code,
  source: Code,
  /** The form (document type) in the source, by our configured name. */
  form: Code,
  /** The record's own id in the source, never its document number, which may restart. */
  recordId: Code,
  /** The line's own id inside the record; "1" where the record is its own only line. */
  lineId: Code,
  /** Counts up from 1; 0 while no ingest has given one. */
  revision: z.int().min(0),
  /** True in the revision with which the source took the record (or this line) back. */
  cancelled: z.boolean(),
  kind: MovementKind,
  documentNumber: z.string().min(1).max(200),
  /** When it happened in the warehouse. */
  happenedAt: Instant,
  /** The company's calendar day of `happenedAt`: the accounting date, unless a closed period moves it. */
  happenedOn: BusinessDate,
  item: Code,
  warehouse: z.string().max(200),
  counterWarehouse: z.string().max(200),
  batch: z.string().max(200),
  unit: z.string().max(50),
  quantity: Decimal,
  /** Net amount of the line from the document (receipts, invoices, returns at a price, fees); absent where the average decides. */
  amount: Decimal.optional(),
  taxAmount: Decimal.optional(),
  /** Net selling amount of a sales line, where the company lets us book revenue. */
  salesAmount: Decimal.optional(),
  currency: z.string().min(1).max(10),
  /** Supplier of purchases, customer of sales. */
  partner: z.string().max(200),
  department: z.string().max(200),
  /** Production order, subcontract order or project. */
  order: z.string().max(200),
  /** Cause of a loss or use of an issue, as the rules' `cause` condition sees it. */
  cause: z.string().max(100),
  /** True when a receipt came together with its invoice. */
  invoiced: z.boolean(),
  /** The document this one refers to: a return its issue, an invoice its receipt, a receipt the invoice that came first. */
  originDocument: z.string().max(200),
  /** When the source last changed the record (its own clock). */
  sourceUpdatedAt: Instant,
});
export type Movement = z.infer<typeof Movement>;

/** Names a movement for ever, whatever its revision. */
export type MovementIdentity = Pick<Movement, "company" | "source" | "form" | "recordId" | "lineId">;

/** One line of a count sheet: what was counted beside what the warehouse system thought it held. */
export const CountLine = z.object({
  company: Code,
  source: Code,
  form: Code,
  recordId: Code,
  lineId: Code,
  documentNumber: z.string().min(1).max(200),
  countedAt: Instant,
  countedOn: BusinessDate,
  item: Code,
  warehouse: z.string().max(200),
  batch: z.string().max(200),
  unit: z.string().max(50),
  bookQuantity: Decimal,
  countedQuantity: Decimal,
});
export type CountLine = z.infer<typeof CountLine>;
