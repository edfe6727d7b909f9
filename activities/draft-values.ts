import type { ArrivedMovement } from "../db/movement-log.ts";
import { costScopeOf } from "../domain/costing-source.ts";
import { costEventOf } from "../domain/costing-events.ts";
import {
  type CostCorrection,
  type CostEntry,
  type CostEvent,
  type ItemState,
  type RunningState,
  type ValuedEvent,
  appendOnly,
  emptyRunning,
  emptyItem,
  valueEvents,
} from "../domain/costing.ts";
import { type Decimal, add, decimal, subtract, sum } from "../domain/decimal.ts";
import { type DraftingDependencies, type DraftClient, type Desk, ONE } from "./draft-desk.ts";
import { closestOf } from "./draft-origins.ts";
import { type Drawable, type EstimateBook, type EstimateEffect, inPart } from "./estimates.ts";
import { type ItemCosting, orderOf, passOnOrderCosts, withCauses } from "./order-cost.ts";

export interface Costing {
  readonly running: ReadonlyMap<string, RunningState>;
  readonly added: readonly CostEntry[];
  readonly changed: readonly CostEntry[];
  readonly values: ReadonlyMap<string, { readonly amount: Decimal; readonly pending: boolean }>;
  readonly corrections: readonly CostCorrection[];
}

/** What the estimates have to say to a movement, by its id; most have no entry. */
export type Effects = ReadonlyMap<string, EstimateEffect>;

/** Lets a page work on the estimates. @param movements  receipts before the returns and invoices that take of them */
export const workEstimates = (
  desk: Desk,
  estimates: EstimateBook,
  movements: readonly ArrivedMovement[],
  quantities: ReadonlyMap<string, Decimal>,
): Effects => {
  const live = new Map(movements.map((movement) => [movement.movementId, movement]));
  const effects = new Map<string, EstimateEffect>();
  for (const { movementId } of movements) {
    const receiptId = desk.entries.get(movementId)?.event.origin;
    if (receiptId !== undefined) estimates.giveBack(movementId, receiptId);
  }
  for (const movement of movements) {
    const { movementId } = movement;
    if (!isPurchase(movement) && !desk.entries.has(movementId)) continue;
    const effect = estimates.take(movement, quantities.get(movementId) ?? ONE, originsOf(desk, live, movement));
    if (effect !== undefined) effects.set(movementId, effect);
  }
  return effects;
};

const isPurchase = ({ kind }: ArrivedMovement): boolean =>
  kind === "purchase-invoice" || kind === "purchase-return" || kind === "purchase-receipt";

/** Invoices and returns look for the receipt that the same page may bring. */
export const receiptsBeforeInvoices = (movements: readonly ArrivedMovement[]): readonly ArrivedMovement[] => {
  const rank = ({ kind }: ArrivedMovement): number =>
    kind === "purchase-invoice" ? 2 : kind === "purchase-return" ? 1 : 0;
  return [...movements].sort(
    (a, b) => rank(a) - rank(b) || (a.happenedOn < b.happenedOn ? -1 : a.happenedOn > b.happenedOn ? 1 : 0),
  );
};

/** Movements of the document it refers to: as this page draws them, else as they were drawn. */
const originsOf = (
  desk: Desk,
  live: ReadonlyMap<string, ArrivedMovement>,
  { originDocument }: ArrivedMovement,
): readonly ArrivedMovement[] =>
  originDocument === ""
    ? []
    : (desk.origins.get(originDocument) ?? []).map((origin) => live.get(origin.movementId) ?? origin);

export const valuePage = async (
  dependencies: DraftingDependencies,
  client: DraftClient,
  desk: Desk,
  movements: readonly ArrivedMovement[],
  quantities: ReadonlyMap<string, Decimal>,
  effects: Effects,
): Promise<Costing> => {
  const { events, moved } = eventsOf(dependencies, desk, movements, quantities, effects);
  const histories = new Map<string, readonly CostEntry[]>();
  const revalue = (item: string, products: readonly CostEvent[], own: readonly CostEvent[]): Promise<Valued> =>
    valueItem(dependencies, client, desk, { item, own, products, moved, histories });
  const costings = new Map<string, Valued>();
  for (const [item, own] of events) costings.set(item, await revalue(item, [], own));
  const causes = await passOnOrderCosts(dependencies, client, { events, before: desk.entries, costings, revalue });
  return togetherOf(costings, causes, quantities);
};

/** What the page did to the costing of one item. */
interface Valued extends ItemCosting {
  readonly running: RunningState;
  readonly added: readonly CostEntry[];
  readonly changed: readonly CostEntry[];
  readonly valued: readonly ValuedEvent[];
}

interface ItemWork {
  readonly item: string;
  /** Of the page. */
  readonly own: readonly CostEvent[];
  /** Of earlier pages, at the values that their orders give them now. */
  readonly products: readonly CostEvent[];
  readonly moved: ReadonlyMap<string, string>;
  /** Read once per page. */
  readonly histories: Map<string, readonly CostEntry[]>;
}

const valueItem = async (
  { ledger, stores }: DraftingDependencies,
  client: DraftClient,
  desk: Desk,
  { item, own, products, moved, histories }: ItemWork,
): Promise<Valued> => {
  // The append path cannot tell a new event from one that was valued before.
  const appended =
    products.length > 0 || own.some(({ id }) => desk.entries.has(id))
      ? undefined
      : appendOnly(desk.running.get(item) ?? emptyRunning, own);
  if (appended?.kind === "appended") {
    const { running, corrections, valued, entries: added } = appended;
    const settled = corrections.map(({ eventId }) => eventId);
    const changed = raised(await stores.costs.readCostEntries(client, ledger.code, settled), corrections);
    return {
      running,
      added,
      changed,
      entries: changed.length === 0 ? added : [...added, ...changed],
      corrections,
      valued,
    };
  }
  const history = histories.get(item) ?? (await stores.costs.readCostHistory(client, ledger.code, item));
  histories.set(item, history);
  const state = historyOf(unbooked(history, own), desk.running.get(item));
  const valuation = valueEvents(state, [...own, ...products]);
  if (!("state" in valuation))
    throw new Error(`the costing history of ${item} is incomplete before ${valuation.eventId}`);
  const { corrections, valued } = valuation;
  const changed = valuation.state.entries.filter((entry) => entry.basis !== "cancelled" || !isElsewhere(moved, entry));
  return { running: valuation.state.running, added: [], changed, entries: changed, corrections, valued };
};

const togetherOf = (
  costings: ReadonlyMap<string, Valued>,
  causes: ReadonlyMap<string, string>,
  inPage: ReadonlyMap<string, unknown>,
): Costing => {
  const running = new Map<string, RunningState>();
  const added: CostEntry[] = [];
  const changed: CostEntry[] = [];
  const values = new Map<string, { amount: Decimal; pending: boolean }>();
  const corrections: CostCorrection[] = [];
  for (const [item, costing] of costings) {
    running.set(item, costing.running);
    for (const entry of costing.added) added.push(entry);
    for (const entry of costing.changed) changed.push(entry);
    for (const correction of costing.corrections) corrections.push(correction);
    for (const { event, amount, pending } of costing.valued) values.set(event.id, { amount, pending });
  }
  return { running, added, changed, values, corrections: withCauses(corrections, causes, (id) => inPage.has(id)) };
};

/** The page as costing sees it, by item. What was valued before under another item, or has no value any more, leaves there. */
const eventsOf = (
  { ledger, rules }: DraftingDependencies,
  desk: Desk,
  movements: readonly ArrivedMovement[],
  quantities: ReadonlyMap<string, Decimal>,
  effects: Effects,
): { readonly events: ReadonlyMap<string, readonly CostEvent[]>; readonly moved: ReadonlyMap<string, string> } => {
  const scopeOf = (warehouse: string): string => costScopeOf(ledger.averagingScope, warehouse);
  const events = new Map<string, CostEvent[]>();
  const moved = new Map<string, string>();
  const put = (event: CostEvent): void => {
    const list = events.get(event.item);
    if (list === undefined) events.set(event.item, [event]);
    else list.push(event);
  };
  for (const movement of movements) {
    const effect = effects.get(movement.movementId);
    const event = costEventOf(movement, {
      movementId: movement.movementId,
      arrival: movement.arrival,
      scopeOf,
      stockQuantity: quantities.get(movement.movementId) ?? ONE,
      originId: originIdOf(desk, movement, effect),
      worth: effect?.kind === "reopened" || effect?.kind === "invoiced" ? effect.worth : undefined,
      order:
        movement.order === "" ? undefined : orderOf(rules, movement, desk.items.get(movement.item)?.itemClass ?? ""),
    });
    const before = desk.entries.get(movement.movementId)?.event;
    if (before !== undefined && before.item !== event?.item) {
      put({ ...before, cancelled: true });
      if (event !== undefined) moved.set(event.id, event.item);
    }
    if (event !== undefined) put(event);
  }
  return { events, moved };
};

const originIdOf = (desk: Desk, movement: ArrivedMovement, effect: EstimateEffect | undefined): string | undefined => {
  if (effect?.kind === "invoiced" || effect?.kind === "returned") return effect.receiptId;
  if (movement.originDocument === "" || movement.kind === "purchase-invoice") return undefined;
  return closestOf(movement, desk.origins.get(movement.originDocument) ?? [])?.movementId;
};

/** Another item has the entry now. */
const isElsewhere = (moved: ReadonlyMap<string, string>, { event }: CostEntry): boolean => {
  const item = moved.get(event.id);
  return item !== undefined && item !== event.item;
};

/** Issues into negative stock that a receipt settles now are worth more than was booked for them. */
const raised = (earlier: readonly CostEntry[], corrections: readonly CostCorrection[]): readonly CostEntry[] =>
  earlier.map((entry) => {
    const delta = sum(corrections.filter(({ eventId }) => eventId === entry.event.id).map((each) => each.delta));
    return { ...entry, canonical: add(entry.canonical, delta), booked: add(entry.booked, delta) };
  });

/**
 * What arrives again has no voucher that stands: it is valued anew, in full, instead of being corrected. Corrections of it
 * that stand are taken back beside that.
 */
const unbooked = (history: readonly CostEntry[], arrivals: readonly CostEvent[]): readonly CostEntry[] => {
  const again = new Set(arrivals.map(({ id }) => id));
  return history.map((entry) =>
    again.has(entry.event.id) ? { ...entry, basis: "cancelled" as const, booked: decimal("0") } : entry,
  );
};

const historyOf = (entries: readonly CostEntry[], running: RunningState | undefined): ItemState => ({
  ...emptyItem,
  entries,
  running: running ?? emptyRunning,
});

/** The purposes for which one movement needs a voucher, with the amounts of each. */
export const drawablesOf = (
  movement: ArrivedMovement,
  costing: Costing,
  effects: Effects,
  stockQuantity: Decimal,
): readonly Drawable[] => {
  const effect = effects.get(movement.movementId);
  const value = costing.values.get(movement.movementId);
  const known = value?.pending === true ? undefined : value?.amount;
  switch (effect?.kind) {
    case "problem":
      return [];
    case "invoiced":
      return effect.drawables;
    case "reopened": {
      const { quantity, value: booked } = effect.booked;
      return [{ movement: inPart(movement, quantity, stockQuantity), purpose: "stock", value: booked, net: booked }];
    }
    case "returned": {
      const { value: share, outside } = effect.part;
      if (outside === undefined) return [{ movement, purpose: "stock", value: known, net: share }];
      // What is reversed at the moment is in the warehouse and not in the books: it leaves only the warehouse.
      const standing = subtract(effect.part.quantity, outside.quantity);
      return [
        {
          movement: inPart(movement, standing, stockQuantity),
          purpose: "stock",
          value: known === undefined ? undefined : subtract(known, outside.value),
          net: subtract(share, outside.value),
        },
      ];
    }
    case undefined: {
      const stock: Drawable = { movement, purpose: "stock", value: known };
      if (movement.salesAmount === undefined) return [stock];
      return [stock, { movement, purpose: "revenue", value: value?.amount }];
    }
  }
};
