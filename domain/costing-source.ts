import { type Decimal, ZERO, add, compare, divide, isZero, multiply, subtract, sum, toFixed } from "./decimal.ts";

/**
 * Over which stock one average is taken (计价范围); read from the ERP's setting, never assumed. Warehouses of one group share
 * an average; a warehouse in no group has its own.
 */
export type CostScope = "company" | "warehouse" | { readonly groups: Readonly<Record<string, readonly string[]>> };

/** @returns the name of the averaging scope to which a warehouse belongs; stored with every value, so it stays as it is */
export const costScopeOf = (scope: CostScope, warehouse: string): string => {
  if (scope === "company") return "";
  if (scope === "warehouse") return warehouse;
  const group = Object.entries(scope.groups).find(([, warehouses]) => warehouses.includes(warehouse));
  return group === undefined ? warehouse : `{${group[0]}}`;
};

export interface OrderReceipt {
  readonly id: string;
  readonly quantity: Decimal;
  /** Value given to it so far; undefined: none yet. */
  readonly value: Decimal | undefined;
}

/**
 * Passes the cost of a production order on to what it produced: the whole cost of its issues, split by quantity,
 * rounded down the list so that nothing is lost. It looks at totals only, so the order of arrival does not matter.
 *
 * @param cost  canonical value of all issues to the order, corrections included
 * @param share  produced quantity that the order's cost belongs to; at least the sum of the receipts (rest: in progress)
 * @returns per receipt its new value and how much that differs from before; unchanged ones are left out
 */
export const passOnOrderCost = (
  cost: Decimal,
  receipts: readonly OrderReceipt[],
  share: Decimal = sum(receipts.map((receipt) => receipt.quantity)),
  places = 2,
): readonly { readonly id: string; readonly value: Decimal; readonly delta: Decimal }[] => {
  if (isZero(share)) return [];
  let quantity = ZERO;
  let given = ZERO;
  const changes: { id: string; value: Decimal; delta: Decimal }[] = [];
  for (const receipt of receipts) {
    quantity = add(quantity, receipt.quantity);
    const upToHere = divide(multiply(cost, quantity), share, places);
    const value = toFixed(subtract(upToHere, given), places);
    given = upToHere;
    const delta = toFixed(subtract(value, receipt.value ?? ZERO), places);
    if (receipt.value === undefined || compare(delta, ZERO) !== 0) changes.push({ id: receipt.id, value, delta });
  }
  return changes;
};
