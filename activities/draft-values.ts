import type { ArrivedMovement } from "../db/draft-store.ts";
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
import { type Decimal, add, decimal, sum } from "../domain/decimal.ts";
import type { ValuedMovement } from "../mappings/draft-types.ts";
import { type DraftingDependencies, type DraftClient, type Desk, ONE } from "./draft-desk.ts";
import type { EstimateBook, Estimated } from "./estimates.ts";

export interface Costing {
  readonly running: ReadonlyMap<string, RunningState>;
  readonly entries: readonly CostEntry[];
  readonly values: ReadonlyMap<string, { readonly amount: Decimal; readonly pending: boolean }>;
  readonly corrections: readonly CostCorrection[];
}

export const valuePage = async (
  { ledger, drafts }: DraftingDependencies,
  client: DraftClient,
  desk: Desk,
  movements: readonly ArrivedMovement[],
  quantities: ReadonlyMap<string, Decimal>,
): Promise<Costing> => {
  const scopeOf = ledger.averagingScope === "company" ? () => "" : (warehouse: string) => warehouse;
  const inPage = new Map(
    movements.map((movement) => [
      referenceKey(movement.documentNumber, movement.item, movement.kind),
      movement.movementId,
    ]),
  );
  const events = new Map<string, CostEvent[]>();
  for (const movement of movements) {
    const event = costEventOf(movement, {
      movementId: movement.movementId,
      arrival: movement.arrival,
      scopeOf,
      stockQuantity: quantities.get(movement.movementId) ?? ONE,
      originId: originOf(desk, inPage, movement),
    });
    if (event === undefined) continue;
    const list = events.get(event.item);
    if (list === undefined) events.set(event.item, [event]);
    else list.push(event);
  }
  // The append path cannot tell a new event from one that was valued before.
  const known = new Set(
    movements.filter(({ revision, cancelled }) => revision > 1 || cancelled).map((each) => each.movementId),
  );
  const running = new Map<string, RunningState>();
  const entries: CostEntry[] = [];
  const values = new Map<string, { amount: Decimal; pending: boolean }>();
  const corrections: CostCorrection[] = [];
  for (const [item, arrivals] of events) {
    const appended = arrivals.some(({ id }) => known.has(id))
      ? undefined
      : appendOnly(desk.running.get(item) ?? emptyRunning, arrivals);
    if (appended?.kind === "appended") {
      running.set(item, appended.running);
      entries.push(...appended.entries);
      corrections.push(...appended.corrections);
      entries.push(
        ...raised(
          await drafts.readCostEntries(
            client,
            ledger.code,
            appended.corrections.map(({ eventId }) => eventId),
          ),
          appended.corrections,
        ),
      );
      for (const { event, amount, pending } of appended.valued) values.set(event.id, { amount, pending });
      continue;
    }
    const history = await drafts.readCostHistory(client, ledger.code, item);
    const state = historyOf(unbooked(history, arrivals), desk.running.get(item));
    const valuation = valueEvents(state, arrivals);
    if (!("state" in valuation))
      throw new Error(`the costing history of ${item} is incomplete before ${valuation.eventId}`);
    running.set(item, valuation.state.running);
    entries.push(...valuation.state.entries);
    corrections.push(...valuation.corrections);
    for (const { event, amount, pending } of valuation.valued) values.set(event.id, { amount, pending });
  }
  return { running, entries, values, corrections };
};

/** Issues into negative stock that a receipt settles now are worth more than was booked for them. */
const raised = (earlier: readonly CostEntry[], corrections: readonly CostCorrection[]): readonly CostEntry[] =>
  earlier.map((entry) => {
    const delta = sum(corrections.filter(({ eventId }) => eventId === entry.event.id).map((each) => each.delta));
    return { ...entry, canonical: add(entry.canonical, delta), booked: add(entry.booked, delta) };
  });

/** What arrives again has no voucher that stands: it is valued anew, in full, instead of being corrected. */
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

const referenceKey = (document: string, item: string, kind: string): string => JSON.stringify([document, item, kind]);

/** Which kinds a reference of this kind can mean. */
const originKinds: Readonly<Partial<Record<ArrivedMovement["kind"], readonly ArrivedMovement["kind"][]>>> = {
  "sales-return": ["sales-issue"],
  "purchase-return": ["purchase-receipt"],
  "purchase-invoice": ["purchase-receipt"],
};

const originOf = (desk: Desk, inPage: ReadonlyMap<string, string>, movement: ArrivedMovement): string | undefined => {
  const kinds = originKinds[movement.kind];
  if (kinds === undefined || movement.originDocument === "") return undefined;
  for (const kind of kinds) {
    const found =
      desk.origins.get(movement.originDocument)?.find((each) => each.kind === kind && each.item === movement.item)
        ?.movementId ?? inPage.get(referenceKey(movement.originDocument, movement.item, kind));
    if (found !== undefined) return found;
  }
  return undefined;
};

/** Invoices and returns look for the receipt that the same page may bring. */
export const receiptsBeforeInvoices = (movements: readonly ArrivedMovement[]): readonly ArrivedMovement[] => {
  const rank = ({ kind }: ArrivedMovement): number =>
    kind === "purchase-invoice" ? 2 : kind === "purchase-return" ? 1 : 0;
  return [...movements].sort(
    (a, b) => rank(a) - rank(b) || (a.happenedOn < b.happenedOn ? -1 : a.happenedOn > b.happenedOn ? 1 : 0),
  );
};

const originsOf = (
  desk: Desk,
  inPage: ReadonlyMap<string, readonly ArrivedMovement[]>,
  { originDocument }: ArrivedMovement,
): readonly ArrivedMovement[] =>
  originDocument === "" ? [] : [...(desk.origins.get(originDocument) ?? []), ...(inPage.get(originDocument) ?? [])];

/** The purposes for which one movement needs a voucher, with the amounts of each. */
export const valuedOf = (
  movement: ArrivedMovement,
  costing: Costing,
  estimates: EstimateBook,
  desk: Desk,
  inPage: ReadonlyMap<string, readonly ArrivedMovement[]>,
  stockQuantity: Decimal,
): readonly Estimated[] => {
  if (
    movement.kind === "purchase-invoice" ||
    movement.kind === "purchase-return" ||
    movement.kind === "purchase-receipt"
  ) {
    const fromEstimates = estimates.take(movement, stockQuantity, originsOf(desk, inPage, movement));
    if (fromEstimates !== undefined) return fromEstimates;
  }
  const value = costing.values.get(movement.movementId);
  const stock: ValuedMovement = {
    ...movement,
    purpose: "stock",
    value: value?.pending === true ? undefined : value?.amount,
  };
  if (movement.salesAmount === undefined) return [stock];
  return [stock, { ...movement, purpose: "revenue", value: value?.amount }];
};
