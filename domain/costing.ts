import { compare } from "./decimal.ts";
import { foldAll, type Fold, type FoldEntry, runningOf } from "./costing-fold.ts";
import { scaled, textOf } from "./fixed-point.ts";
import type {
  AppendResult,
  CostCorrection,
  CostEntry,
  CostEvent,
  CostPolicy,
  HistoryNeeded,
  ItemState,
  RunningState,
  Valuation,
  ValuedEvent,
} from "./costing-types.ts";

export type * from "./costing-types.ts";

/*
 * Moving weighted average by canonical replay. Every event has one place in the canonical order, and its value follows
 * from that order alone. Whatever lands before events that are booked already changes their canonical value; canonical
 * minus booked is emitted as a correction for the open period, and nothing is rewritten. So the order of arrival can
 * change single vouchers but never a sum.
 */

export const emptyRunning: RunningState = { upTo: "", awaited: [], circular: false, scopes: {} };
export const emptyItem: ItemState = { checkpoint: emptyRunning, entries: [], running: emptyRunning };
export const defaultCostPolicy: CostPolicy = { places: 2, returns: "document-price" };

/** Place in the canonical order, to be compared as text. */
export const positionOf = (event: CostEvent): string =>
  `${event.date}|${rankOf(event)}|${event.at}|${event.arrival}|${event.id}`;

/** On equal dates receipts come first, then what changes their value, then issues and returns. */
const rankOf = (event: CostEvent): "0" | "1" | "2" => {
  if (event.effect === "revalue") return "1";
  return event.effect === "in" && event.isReturn !== true ? "0" : "2";
};

/**
 * Values arriving events of one item and corrects what they change.
 *
 * @param arrivals  new events in any order, or known ones that changed or were cancelled
 * @returns "needs-history" when something before the checkpoint of `state` would be needed
 */
export const valueEvents = (
  state: ItemState,
  arrivals: readonly CostEvent[],
  policy: CostPolicy = defaultCostPolicy,
): Valuation | HistoryNeeded => {
  const known = new Map(state.entries.map((entry) => [entry.event.id, entry]));
  if (!arrivals.some((event) => known.has(event.id))) {
    const appended = appendOnly(state.running, arrivals, policy);
    if (appended.kind === "appended") return join(state, appended);
  }
  const events = new Map(state.entries.map((entry) => [entry.event.id, entry.event]));
  for (const event of arrivals) events.set(event.id, event);
  const ordered = inOrder([...events.values()]);
  const beyond = beyondReach(state.checkpoint, ordered, events);
  if (beyond !== undefined) return { kind: "needs-history", eventId: beyond };
  const fold = foldAll(state.checkpoint, ordered, new Set(arrivals.map((event) => event.id)), policy);
  return emit(state, fold, ordered, known, arrivals[0]?.id ?? "");
};

/**
 * Values events that all come after everything valued before, from the running state alone: constant work per event.
 * What needs earlier entries (a backdated event, a return to its issue, an invoice for a receipt) says so. Corrections
 * name issues into negative stock that the new receipts settle; the caller raises `canonical` and `booked` of those.
 */
export const appendOnly = (
  running: RunningState,
  arrivals: readonly CostEvent[],
  policy: CostPolicy = defaultCostPolicy,
): AppendResult => {
  const placed = inPlaces(arrivals);
  const ids = new Set<string>();
  for (const { event, position } of placed) {
    const reason = ids.has(event.id) ? "repeated" : historyReason(running, event, position, ids);
    if (reason !== undefined) return { kind: "needs-history", eventId: event.id, reason };
    ids.add(event.id);
  }
  const events = placed.map(({ event }) => event);
  const fold = foldAll(running, events, ids, policy);
  const unsettled = running.circular || fold.fixed ? events[0]?.id : fold.transferChanged;
  if (unsettled !== undefined) return { kind: "needs-history", eventId: unsettled, reason: "transfer-settled" };
  const entries = [...fold.entries.values()].map((entry) => newEntry(entry, policy));
  return {
    kind: "appended",
    running: runningOf(fold, placed.at(-1)?.position ?? running.upTo),
    entries,
    valued: entries.filter((entry) => entry.basis !== "cancelled").map(valuedOf),
    corrections: [...fold.settledEarlier]
      .filter(([, { delta }]) => delta !== 0n)
      .map(([eventId, { delta, because }]) => ({ eventId, delta: textOf(delta, policy.places), because })),
  };
};

/**
 * Shortens the history that has to be kept: everything before `date` becomes the checkpoint.
 * A checkpoint with unsettled issues would forget them, so the state stays as it is while there are any.
 */
export const cutBefore = (state: ItemState, date: string, policy: CostPolicy = defaultCostPolicy): ItemState => {
  const events = state.entries.map((entry) => entry.event);
  const kept = state.entries.filter((entry) => entry.event.date >= date);
  const last = events.findLast((event) => event.date < date);
  if (last === undefined) return state;
  const fold = foldAll(state.checkpoint, events, new Set(), policy, last.id);
  const checkpoint = fold.snapshot === undefined ? undefined : { ...fold.snapshot, upTo: positionOf(last) };
  if (checkpoint === undefined || checkpoint.circular || hasOpen(checkpoint)) return state;
  return { checkpoint, entries: kept, running: state.running };
};

const historyReason = (
  running: RunningState,
  event: CostEvent,
  position: string,
  before: ReadonlySet<string>,
): "backdated" | "origin" | "revalue" | "cancelled" | undefined => {
  if (position <= running.upTo) return "backdated";
  if (event.cancelled === true) return "cancelled";
  if (event.effect === "revalue" || running.awaited.includes(event.id)) return "revalue";
  if (event.effect === "in" && event.isReturn === true && event.origin !== undefined && !before.has(event.origin))
    return "origin";
  return undefined;
};

/** The first event that cannot be valued without entries older than the checkpoint. */
const beyondReach = (
  checkpoint: RunningState,
  ordered: readonly CostEvent[],
  events: ReadonlyMap<string, CostEvent>,
): string | undefined => {
  if (checkpoint.upTo === "") return undefined;
  if (checkpoint.circular || hasOpen(checkpoint)) return ordered[0]?.id;
  const found = ordered.find((event) => {
    if (positionOf(event) <= checkpoint.upTo) return true;
    const refers = event.effect === "revalue" || (event.effect === "in" && event.isReturn === true);
    return refers && event.origin !== undefined && !events.has(event.origin);
  });
  return found?.id;
};
const hasOpen = (state: RunningState): boolean => Object.values(state.scopes).some((scope) => scope.open.length > 0);

const inOrder = (events: readonly CostEvent[]): readonly CostEvent[] => inPlaces(events).map(({ event }) => event);

/** In canonical order, each with its place. */
const inPlaces = (events: readonly CostEvent[]): readonly { readonly event: CostEvent; readonly position: string }[] =>
  events
    .map((event) => ({ event, position: positionOf(event) }))
    .sort((a, b) => (a.position < b.position ? -1 : a.position > b.position ? 1 : 0));

const join = (state: ItemState, appended: Extract<AppendResult, { kind: "appended" }>): Valuation => {
  const deltas = new Map(appended.corrections.map((correction) => [correction.eventId, correction.delta]));
  const entries =
    deltas.size === 0
      ? state.entries
      : state.entries.map((entry) => {
          const delta = deltas.get(entry.event.id);
          if (delta === undefined) return entry;
          const places = delta.split(".")[1]?.length ?? 0;
          const canonical = textOf(scaled(entry.canonical, places) + scaled(delta, places), places);
          return { ...entry, canonical, booked: canonical };
        });
  return {
    kind: "valued",
    state: { checkpoint: state.checkpoint, entries: [...entries, ...appended.entries], running: appended.running },
    valued: appended.valued,
    corrections: appended.corrections,
    withdrawn: [],
  };
};

const emit = (
  state: ItemState,
  fold: Fold,
  ordered: readonly CostEvent[],
  known: ReadonlyMap<string, CostEntry>,
  firstCause: string,
): Valuation => {
  const { policy } = fold;
  const entries: CostEntry[] = [];
  const valued: ValuedEvent[] = [];
  const corrections: CostCorrection[] = [];
  const withdrawn: { eventId: string; booked: CostEntry["booked"] }[] = [];
  for (const found of fold.entries.values()) {
    const entry = newEntry(found, policy);
    const before = known.get(entry.event.id);
    if (entry.basis === "cancelled") {
      if (before !== undefined && before.basis !== "cancelled" && before.basis !== "pending")
        withdrawn.push({ eventId: entry.event.id, booked: before.booked });
      entries.push(entry);
    } else if (before === undefined || before.basis === "pending" || before.basis === "cancelled") {
      // A receipt whose value is still pending was announced once; it is told again only when its value is known.
      if (before?.basis !== "pending" || entry.basis !== "pending") valued.push(valuedOf(entry));
      entries.push(entry);
    } else if (entry.basis === "pending") {
      entries.push({ ...entry, booked: before.booked });
    } else {
      const delta = textOf(found.value - scaled(before.booked, policy.places), policy.places);
      if (compare(entry.canonical, before.booked) !== 0)
        corrections.push({
          eventId: entry.event.id,
          delta,
          because: found.because === "" ? firstCause : found.because,
        });
      entries.push(entry);
    }
  }
  const last = ordered.at(-1);
  const running = runningOf(fold, last === undefined ? state.checkpoint.upTo : positionOf(last));
  return {
    kind: "valued",
    state: { checkpoint: state.checkpoint, entries, running },
    valued,
    corrections,
    withdrawn,
  };
};

const newEntry = (entry: FoldEntry, policy: CostPolicy): CostEntry => {
  const canonical = textOf(entry.value, policy.places);
  return {
    event: entry.event,
    canonical,
    booked: entry.basis === "pending" ? textOf(0n, policy.places) : canonical,
    basis: entry.basis,
    runningQuantity: entry.runningQuantity,
    runningValue: textOf(entry.runningValue, policy.places),
  };
};
const valuedOf = (entry: CostEntry): ValuedEvent => ({
  event: entry.event,
  amount: entry.canonical,
  basis: entry.basis,
  pending: entry.basis === "pending",
});
