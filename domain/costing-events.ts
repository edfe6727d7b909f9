import type { CostEvent } from "./costing-types.ts";
import { type Decimal, ZERO } from "./decimal.ts";
import type { Movement, MovementKind } from "./movement.ts";

/** How each kind meets the moving average; undefined: it has no part in it. */
const effectOf: Readonly<Partial<Record<MovementKind, CostEvent["effect"]>>> = {
  opening: "in",
  "purchase-receipt": "in",
  "purchase-invoice": "revalue",
  "purchase-return": "out",
  "sales-issue": "out",
  "sales-return": "in",
  transfer: "across",
  "production-issue": "out",
  "production-receipt": "in",
  "subcontract-issue": "out",
  "subcontract-receipt": "in",
  "subcontract-fee": "charge",
  "count-gain": "in",
  "count-loss": "out",
  scrap: "out",
  provision: "balance",
};
const returns: readonly MovementKind[] = ["purchase-return", "sales-return"];
/** Only these are worth what their document says; an issue is worth the average whatever a document claims. */
const pricedByDocument: readonly MovementKind[] = [
  "opening",
  "purchase-receipt",
  "purchase-invoice",
  "purchase-return",
  "production-receipt",
  "subcontract-receipt",
  "subcontract-fee",
  "count-gain",
  "provision",
];
/** What an order makes; without an amount of its own it is worth what the order cost. */
const products: readonly MovementKind[] = ["production-receipt", "subcontract-receipt"];
const ARRIVAL_WIDTH = 20;
/** Arrival numbers are compared as text. */
export const arrivalText = (arrival: string): string => arrival.padStart(ARRIVAL_WIDTH, "0");

export interface CostingPlace {
  readonly movementId: string;
  readonly arrival: string;
  /** Averaging scope of a warehouse. */
  readonly scopeOf: (warehouse: string) => string;
  /** In the item's stock unit. */
  readonly stockQuantity: Decimal;
  /** Movement id of the event it refers to, where known. */
  readonly originId: string | undefined;
  /**
   * What it is worth, where the estimates decide that: of an invoice the difference to the part of the receipt that it
   * replaces, of a receipt that was edited after invoices came what these took at their estimate and the rest at its own.
   */
  readonly worth?: Decimal | undefined;
  /** Where the cost of its order is collected; absent where it belongs to none. */
  readonly order?: string | undefined;
}

/** The costing engine's view of a movement, or undefined for kinds without stock value. */
export const costEventOf = (movement: Movement, place: CostingPlace): CostEvent | undefined => {
  const effect = effectOf[movement.kind];
  if (effect === undefined) return undefined;
  // An invoice that came before its goods changes no receipt yet.
  if (effect === "revalue" && place.originId === undefined) return undefined;
  // A fee without an order is an expense like any other.
  if (effect === "charge" && place.order === undefined) return undefined;
  const amount = place.worth ?? (pricedByDocument.includes(movement.kind) ? movement.amount : undefined);
  const event: { -readonly [field in keyof CostEvent]: CostEvent[field] } = {
    id: place.movementId,
    scope: place.scopeOf(movement.warehouse),
    item: movement.item,
    date: movement.happenedOn,
    at: movement.happenedAt,
    arrival: arrivalText(place.arrival),
    effect,
    // A difference is added as it is: the estimates keep which part of the receipt it concerns.
    quantity: effect === "revalue" && place.worth !== undefined ? ZERO : place.stockQuantity,
  };
  if (returns.includes(movement.kind)) event.isReturn = true;
  if (effect === "across") event.counterScope = place.scopeOf(movement.counterWarehouse);
  if (amount !== undefined) event.amount = amount;
  if (place.originId !== undefined) event.origin = place.originId;
  if (place.order !== undefined) {
    event.order = place.order;
    if (movement.amount === undefined && products.includes(movement.kind)) event.byOrder = true;
  }
  if (movement.cancelled) event.cancelled = true;
  return event;
};
