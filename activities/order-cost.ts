import type { ArrivedMovement } from "../db/movement-log.ts";
import { passOnOrderCost } from "../domain/costing-source.ts";
import { type CostCorrection, type CostEntry, type CostEvent, positionOf } from "../domain/costing.ts";
import { type BusinessDate, lastDayOf, periodOf } from "../domain/dates.ts";
import { ZERO, add, compare, subtract } from "../domain/decimal.ts";
import { groupBy } from "../domain/group-by.ts";
import type { MovementKind } from "../domain/movement.ts";
import type { RulePack } from "../mappings/rule.ts";
import { selectRule } from "../mappings/select.ts";
import type { DraftClient, DraftingDependencies } from "./draft-desk.ts";

/*
 * The chain from what an order used to what it made. A product whose document says no amount is worth its share of what the
 * order has cost, and whatever changes that cost changes the product, and what became of it. Source:
 * docs/decisions/0012-cost-of-an-order.md.
 */

/** On which side of the entry the cost of an order stands. */
const sideOf: Readonly<Partial<Record<MovementKind, "debit" | "credit">>> = {
  "production-issue": "debit",
  "subcontract-issue": "debit",
  "subcontract-fee": "debit",
  "production-receipt": "credit",
  "subcontract-receipt": "credit",
};

/**
 * Where the cost of a movement's order is collected: the role that its rule gives, and the order. What a rule books as an
 * expense (a workshop's general use, research) is collected elsewhere than what goes into the products, so it never reaches them.
 *
 * @returns undefined where the movement belongs to no order, or has no voucher
 */
export const orderOf = (rules: RulePack, movement: ArrivedMovement, itemClass: string): string | undefined => {
  const side = sideOf[movement.kind];
  if (side === undefined || movement.order === "") return undefined;
  const rule = selectRule(rules, movement, { purpose: "stock", itemClass, negative: false, on: movement.happenedOn });
  if (rule === undefined || !("lines" in rule)) return undefined;
  const line = rule.lines.find((each) => each.side === side && (each.amount === "value" || each.amount === "net"));
  return line === undefined ? undefined : `${line.account}/${movement.order}`;
};

/** What one page did to the costing of one item. */
export interface ItemCosting {
  /** Entries that are new or stand differently now, others of the item among them. */
  readonly entries: readonly CostEntry[];
  readonly corrections: readonly CostCorrection[];
}

/** A value that an order gives to one of its products. */
interface Given {
  readonly event: CostEvent;
  /** The movement of the page that made it change. */
  readonly because: string;
}

export interface OrderWork<Costing extends ItemCosting> {
  /** What the page brings, by item. */
  readonly events: ReadonlyMap<string, readonly CostEvent[]>;
  /** As movements of the page were valued before, where they were. */
  readonly before: ReadonlyMap<string, CostEntry>;
  /** By item; takes in what the orders change. */
  readonly costings: Map<string, Costing>;
  /** Values the page's events of an item anew, with products of earlier pages at other values among them. */
  readonly revalue: (item: string, products: readonly CostEvent[], own: readonly CostEvent[]) => Promise<Costing>;
}

/**
 * A chain of orders that use each other's products settles one hop per pass. Goods that went back to their own order come
 * closer to their value with each pass; where they all went back and have not returned they have none, and keep what they had.
 */
const SETTLING_PASSES = 60;
const PASSES_MAX = 2 * SETTLING_PASSES;

/**
 * Passes the cost of the orders that a page touches on to their products, and on from there.
 *
 * @returns which movement of the page stands behind the change of a product that is not in the page
 */
export const passOnOrderCosts = async <Costing extends ItemCosting>(
  { ledger, stores, today }: DraftingDependencies,
  client: DraftClient,
  work: OrderWork<Costing>,
): Promise<ReadonlyMap<string, string>> => {
  const given = new Map<string, Given>();
  const causes = new Map<string, string>();
  const touched = new Map<string, string>();
  noteTouched(touched, work, work.costings.keys(), causes);
  if (touched.size === 0) return causes;
  const book = new OrderBook();
  for (const { entries } of work.costings.values()) book.take(entries);
  let unsettled = new Set<string>();
  const circular = new Set<string>();
  for (let pass = 0; pass < PASSES_MAX; pass += 1) {
    const missing = book.missing([...touched.keys()]);
    if (missing.length > 0) book.load(missing, await stores.orders.readOrderEntries(client, ledger.code, missing));
    const dirty = new Set<string>();
    if (pass === SETTLING_PASSES)
      for (const order of book.circular(unsettled)) {
        circular.add(order);
        for (const { event } of book.entriesOf(order)) {
          const gift = given.get(event.id);
          if (gift === undefined) continue;
          const stored = book.storedOf(event.id);
          if (stored === undefined || isOfPage(work, event)) given.delete(event.id);
          else given.set(event.id, { ...gift, event: stored });
          dirty.add(event.item);
        }
      }
    unsettled = new Set();
    for (const [order, because] of touched) {
      if (circular.has(order)) continue;
      for (const event of sharesOf(book.entriesOf(order), (date) => isDue(ledger, today(), date))) {
        given.set(event.id, { event, because });
        causes.set(event.id, because);
        dirty.add(event.item);
        unsettled.add(order);
      }
    }
    if (dirty.size === 0) break;
    const givenOf = groupBy([...given.values()], ({ event }) => event.item);
    for (const item of dirty) {
      const costing = await revalueItem(work, item, givenOf.get(item) ?? []);
      work.costings.set(item, costing);
      book.take(costing.entries);
    }
    noteTouched(touched, work, dirty, causes);
  }
  return causes;
};

const isOfPage = ({ events }: Pick<OrderWork<ItemCosting>, "events">, { item, id }: CostEvent): boolean =>
  events.get(item)?.some((event) => event.id === id) === true;

const revalueItem = <Costing extends ItemCosting>(
  { events, revalue }: OrderWork<Costing>,
  item: string,
  given: readonly Given[],
): Promise<Costing> => {
  const own = events.get(item) ?? [];
  const inPage = new Set(own.map(({ id }) => id));
  const giftOf = new Map(given.map(({ event }) => [event.id, event]));
  return revalue(
    item,
    given.filter(({ event }) => !inPage.has(event.id)).map(({ event }) => event),
    own.map((event) => (event.cancelled === true ? event : (giftOf.get(event.id) ?? event))),
  );
};

/** Notes orders of which something came, went or changed its value, each with the movement of the page behind that. */
const noteTouched = <Costing extends ItemCosting>(
  touched: Map<string, string>,
  { events, before, costings }: OrderWork<Costing>,
  items: Iterable<string>,
  causes: ReadonlyMap<string, string>,
): void => {
  const touch = (order: string | undefined, because: string): void => {
    if (order !== undefined && !touched.has(order)) touched.set(order, causes.get(because) ?? because);
  };
  for (const item of items) {
    for (const { id, order } of events.get(item) ?? []) {
      touch(order, id);
      touch(before.get(id)?.event.order, id);
    }
    const { entries = [], corrections = [] } = costings.get(item) ?? {};
    if (corrections.length === 0) continue;
    const becauseOf = new Map(corrections.map(({ eventId, because }) => [eventId, because]));
    for (const { event } of entries) {
      const because = becauseOf.get(event.id);
      if (because !== undefined) touch(event.order, because);
    }
  }
};

/** The orders as they stand after the page so far. */
class OrderBook {
  readonly #entries = new Map<string, CostEntry>();
  readonly #stored = new Map<string, CostEvent>();
  readonly #members = new Map<string, Set<string>>();
  readonly #loaded = new Set<string>();

  missing(orders: readonly string[]): readonly string[] {
    return orders.filter((order) => !this.#loaded.has(order));
  }
  /** @param stored  as they stood before the page: whatever the page did to an entry counts more */
  load(orders: readonly string[], stored: readonly CostEntry[]): void {
    for (const order of orders) this.#loaded.add(order);
    for (const { event } of stored) this.#stored.set(event.id, event);
    this.take(stored.filter(({ event }) => !this.#entries.has(event.id)));
  }
  storedOf(id: string): CostEvent | undefined {
    return this.#stored.get(id);
  }
  take(entries: readonly CostEntry[]): void {
    for (const entry of entries) {
      const { id, order } = entry.event;
      // One that left an order is remembered as well: the stored one must not come back.
      this.#entries.set(id, entry);
      if (order === undefined) continue;
      const members = this.#members.get(order);
      if (members === undefined) this.#members.set(order, new Set([id]));
      else members.add(id);
    }
  }
  entriesOf(order: string): readonly CostEntry[] {
    return [...(this.#members.get(order) ?? [])].flatMap((id) => {
      const entry = this.#entries.get(id);
      return entry === undefined || entry.event.order !== order || entry.basis === "cancelled" ? [] : [entry];
    });
  }
  /** Of these orders the ones whose products came back to them, by way of others or at once. */
  circular(orders: ReadonlySet<string>): readonly string[] {
    const usedBy = new Map<string, Set<string>>();
    for (const order of this.#members.keys())
      for (const { event } of this.entriesOf(order))
        if (event.effect === "out") usedBy.set(event.item, (usedBy.get(event.item) ?? new Set()).add(order));
    const nextOf = (order: string): readonly string[] =>
      this.entriesOf(order).flatMap(({ event }) => (event.effect === "in" ? [...(usedBy.get(event.item) ?? [])] : []));
    return [...orders].filter((order) => {
      const reached = new Set(nextOf(order));
      // A set goes on over what is added to it on the way.
      for (const each of reached) for (const next of nextOf(each)) reached.add(next);
      return reached.has(order);
    });
  }
}

/**
 * Products that are worth something else now than was said last, at what they are worth. An order that has collected nothing
 * yet gives no value: its products wait.
 */
const sharesOf = (entries: readonly CostEntry[], due: (date: BusinessDate) => boolean): readonly CostEvent[] => {
  let left = ZERO;
  const products: CostEvent[] = [];
  for (const { event, canonical } of entries) {
    if (event.effect !== "in") left = add(left, canonical);
    else if (event.byOrder !== true) left = subtract(left, canonical);
    else if (event.amount !== undefined || due(event.date)) products.push(event);
  }
  if (products.length === 0) return [];
  const isSpent = compare(left, ZERO) <= 0;
  const worth = products.filter((event) => !isSpent || event.amount !== undefined).toSorted(inOrder);
  const eventOf = new Map(worth.map((event) => [event.id, event]));
  return passOnOrderCost(
    isSpent ? ZERO : left,
    worth.map(({ id, quantity, amount }) => ({ id, quantity, value: amount })),
  ).flatMap(({ id, value }) => {
    const event = eventOf.get(id);
    return event === undefined ? [] : [{ ...event, amount: value }];
  });
};
const inOrder = (a: CostEvent, b: CostEvent): number => (positionOf(a) < positionOf(b) ? -1 : 1);

/** Whether a product is given its value already, or waits for the end of its month, or for its own document. */
const isDue = (
  { productValue = "on-receipt" }: DraftingDependencies["ledger"],
  today: BusinessDate,
  date: BusinessDate,
): boolean => {
  switch (productValue) {
    case "on-receipt":
      return true;
    case "at-period-end":
      return today >= lastDayOf(periodOf(date));
    case "by-document":
      return false;
  }
};

/** What an order changed goes back to the movement of the page that changed the order. */
export const withCauses = (
  corrections: readonly CostCorrection[],
  causes: ReadonlyMap<string, string>,
  inPage: (id: string) => boolean,
): readonly CostCorrection[] =>
  causes.size === 0
    ? corrections
    : corrections.map((correction) => {
        const because = inPage(correction.because) ? undefined : causes.get(correction.because);
        return because === undefined ? correction : { ...correction, because };
      });
