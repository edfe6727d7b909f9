import type { ArrivedMovement } from "../db/movement-log.ts";

/** Which kinds a reference of this kind can mean. */
const originKinds: Readonly<Partial<Record<ArrivedMovement["kind"], ArrivedMovement["kind"]>>> = {
  "sales-return": "sales-issue",
  "purchase-return": "purchase-receipt",
  "purchase-invoice": "purchase-receipt",
};

/**
 * The movement that one of another document refers to. Numbers may restart and be the same in two sources, and a document
 * may have several lines of one item: the same source counts most, then the same batch, warehouse and line.
 *
 * @param candidates  movements of the document it names
 */
export const closestOf = (
  movement: ArrivedMovement,
  candidates: readonly ArrivedMovement[],
): ArrivedMovement | undefined => {
  const wanted = originKinds[movement.kind];
  let best: ArrivedMovement | undefined;
  for (const each of candidates) {
    if (each.kind !== wanted || each.item !== movement.item || each.cancelled) continue;
    if (best === undefined || isCloser(movement, each, best)) best = each;
  }
  return best;
};

const isCloser = (movement: ArrivedMovement, one: ArrivedMovement, other: ArrivedMovement): boolean => {
  const [left, right] = [closeness(movement, one), closeness(movement, other)];
  // Of a number that was used again, the latest before it.
  return left === right ? one.happenedOn > other.happenedOn : left > right;
};

const closeness = (movement: ArrivedMovement, origin: ArrivedMovement): number =>
  (origin.source === movement.source ? SAME_SOURCE : 0) +
  (origin.happenedOn <= movement.happenedOn ? NOT_AFTER : 0) +
  (origin.batch === movement.batch ? SAME_BATCH : 0) +
  (origin.warehouse === movement.warehouse ? SAME_WAREHOUSE : 0) +
  (origin.lineId === movement.lineId ? SAME_LINE : 0);
const SAME_SOURCE = 16;
const NOT_AFTER = 8;
const SAME_BATCH = 4;
const SAME_WAREHOUSE = 2;
const SAME_LINE = 1;
