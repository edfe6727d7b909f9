import type { Basis, RedrawLink } from "../db/redraw-store.ts";
import type { Purpose } from "../domain/posting.ts";
import type { ValuedMovement } from "../mappings/draft-types.ts";

/** @returns what a redraw needs to know; undefined where the movement and the link's value say it all, as they mostly do */
export const basisOf = ({
  movement: { happenedOn, warehouse, batch, quantity },
  purpose,
  value,
  net,
  tax,
  salesTax,
  provision,
}: ValuedMovement): Basis | undefined => {
  const plain = purpose === "stock" || purpose === "revenue";
  const more = net ?? tax ?? salesTax ?? provision;
  if (plain && value !== undefined && more === undefined) return undefined;
  return { happenedOn, warehouse, batch, quantity, value, net, tax, salesTax, provision };
};

/** The movement as the voucher was drawn from it. */
export const valuedFrom = (
  { movement, basis, occurrence, value }: Pick<RedrawLink, "movement" | "basis" | "occurrence" | "value">,
  purpose: Purpose,
): ValuedMovement & { readonly occurrence: string } => {
  if (basis === undefined) return { movement, purpose, value, occurrence };
  const { happenedOn, warehouse, batch, quantity, ...amounts } = basis;
  return { movement: { ...movement, happenedOn, warehouse, batch, quantity }, purpose, ...amounts, occurrence };
};
