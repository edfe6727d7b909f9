import type { BusinessDate } from "./dates.ts";
import { ZERO, add } from "./decimal.ts";
import type { CompanyConfig } from "./installation.ts";
import type { Movement, MovementKind } from "./movement.ts";

/*
 * Small-scale VAT taxpayers (小规模纳税人) deduct no input VAT: what a supplier charges is cost. Source: 财会〔2016〕22号, 二(二)5.
 */

/** Purchases whose VAT is cost. */
const bought: readonly MovementKind[] = ["purchase-receipt", "purchase-invoice", "purchase-return", "subcontract-fee"];
/** Losses, for which a general taxpayer may have to give deducted VAT back. */
const lost: readonly MovementKind[] = ["count-loss", "scrap"];

/** Whether the company was a small-scale taxpayer on that day. */
export const isSmallScale = ({ vat = "general" }: Pick<CompanyConfig, "vat">, on: BusinessDate): boolean =>
  typeof vat === "string" ? vat === "small-scale" : on <= vat.smallScaleUntil;

/** The movement as a small-scale taxpayer books it; sales keep the tax that their document says (征收率). */
export const withTaxInCost = <Moved extends Movement>(movement: Moved): Moved => {
  const { kind, amount, taxAmount } = movement;
  // Nothing was deducted, so there is nothing to transfer out; a stated zero says so.
  if (lost.includes(kind)) return { ...movement, taxAmount: ZERO };
  if (taxAmount === undefined || !bought.includes(kind)) return movement;
  return amount === undefined
    ? { ...movement, taxAmount: undefined }
    : { ...movement, amount: add(amount, taxAmount), taxAmount: undefined };
};
