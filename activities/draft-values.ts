import type { ArrivedMovement } from "../db/movement-log.ts";
import { costEventOf } from "../domain/costing-events.ts";
import {
  type CostCorrection,
  type CostEntry,
  type CostEvent,
  type ItemState,
  type RunningState,
  appendOnly,
  emptyRunning,
  emptyItem,
  valueEvents,
} from "../domain/costing.ts";
import { type Decimal, add, decimal, subtract, sum } from "../domain/decimal.ts";
import { type DraftingDependencies, type DraftClient, type Desk, ONE } from "./draft-desk.ts";
import { closestOf } from "./draft-origins.ts";
import { type Drawable, type EstimateBook, type EstimateEffect, inPart } from "./estimates.ts";

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
  { ledger, stores }: DraftingDependencies,
  client: DraftClient,
  desk: Desk,
  movements: readonly ArrivedMovement[],
  quantities: ReadonlyMap<string, Decimal>,
  effects: Effects,
): Promise<Costing> => {
  const { events, moved } = eventsOf(ledger.averagingScope, desk, movements, quantities, effects);
  const running = new Map<string, RunningState>();
  const added: CostEntry[] = [];
  const changed: CostEntry[] = [];
  const values = new Map<string, { amount: Decimal; pending: boolean }>();
  const corrections: CostCorrection[] = [];
  for (const [item, arrivals] of events) {
    // The append path cannot tell a new event from one that was valued before.
    const appended = arrivals.some(({ id }) => desk.entries.has(id))
      ? undefined
      : appendOnly(desk.running.get(item) ?? emptyRunning, arrivals);
    if (appended?.kind === "appended") {
      running.set(item, appended.running);
      added.push(...appended.entries);
      corrections.push(...appended.corrections);
      const settled = appended.corrections.map(({ eventId }) => eventId);
      changed.push(...raised(await stores.costs.readCostEntries(client, ledger.code, settled), appended.corrections));
      for (const { event, amount, pending } of appended.valued) values.set(event.id, { amount, pending });
      continue;
    }
    const history = await stores.costs.readCostHistory(client, ledger.code, item);
    const state = historyOf(unbooked(history, arrivals), desk.running.get(item));
    const valuation = valueEvents(state, arrivals);
    if (!("state" in valuation))
      throw new Error(`the costing history of ${item} is incomplete before ${valuation.eventId}`);
    running.set(item, valuation.state.running);
    for (const entry of valuation.state.entries)
      if (entry.basis !== "cancelled" || !isElsewhere(moved, entry)) changed.push(entry);
    corrections.push(...valuation.corrections);
    for (const { event, amount, pending } of valuation.valued) values.set(event.id, { amount, pending });
  }
  return { running, added, changed, values, corrections };
};

/** The page as costing sees it, by item. What was valued before under another item, or has no value any more, leaves there. */
const eventsOf = (
  averagingScope: "company" | "warehouse",
  desk: Desk,
  movements: readonly ArrivedMovement[],
  quantities: ReadonlyMap<string, Decimal>,
  effects: Effects,
): { readonly events: ReadonlyMap<string, readonly CostEvent[]>; readonly moved: ReadonlyMap<string, string> } => {
  const scopeOf = averagingScope === "company" ? () => "" : (warehouse: string) => warehouse;
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
