import { type Decimal, ZERO } from "./decimal.ts";
import { scaled, textOf } from "./fixed-point.ts";
import type { CostBasis, CostEvent, CostPolicy, OpenIssue, RunningState, ScopeState } from "./costing-types.ts";

/*
 * The arithmetic of the replay: one step per event, on whole cents and whole 10^-12 units, which is exact and fast.
 * Functions here change the fold they are given; nothing outside sees it before it is complete.
 */

const QUANTITY_PLACES = 12;
/** A chain of transfers out of negative stock settles one hop per pass; a circle ends in a pass with fixed values. */
const PASSES_MAX = 16;

export interface FoldEntry {
  readonly event: CostEvent;
  value: bigint;
  basis: CostBasis;
  /** The arriving event that last touched it. */
  because: string;
  runningQuantity: Decimal;
  runningValue: bigint;
}

interface FoldOpen {
  readonly eventId: string;
  quantity: bigint;
  value: bigint;
  readonly counterScope: string | undefined;
}

interface FoldScope {
  quantity: bigint;
  value: bigint;
  averageValue: bigint;
  averageQuantity: bigint;
  open: FoldOpen[];
}

export interface Fold {
  readonly policy: CostPolicy;
  readonly scopes: Map<string, FoldScope>;
  readonly entries: Map<string, FoldEntry>;
  readonly arriving: ReadonlySet<string>;
  /** What settling changed on events that lie before this fold. */
  readonly settledEarlier: Map<string, { delta: bigint; because: string }>;
  readonly invoices: ReadonlyMap<string, readonly CostEvent[]>;
  /** What each invoice adds to the value of its receipt. */
  readonly added: Map<string, bigint>;
  readonly returned: Map<string, { quantity: bigint; value: bigint }>;
  /** Settled value of transfers, known from the pass before. */
  readonly transferValues: ReadonlyMap<string, bigint>;
  readonly transferUsed: Map<string, bigint>;
  /** True in the last pass: transfers keep the value with which they entered their destination. */
  readonly fixed: boolean;
  /** A transfer from before this fold got another value: its destination must be replayed. */
  transferChanged: string | undefined;
  readonly awaited: Set<string>;
  cause: string;
  /** Undefined while there never was a provision. */
  provision: bigint | undefined;
  snapshot: RunningState | undefined;
}

/** Folds events, which are in canonical order, into `start`; repeats until no transfer passes on a wrong value. */
export const foldAll = (
  start: RunningState,
  events: readonly CostEvent[],
  arriving: ReadonlySet<string>,
  policy: CostPolicy,
  snapshotAfter?: string,
): Fold => {
  const invoices = invoicesOf(events);
  let transferValues: ReadonlyMap<string, bigint> = new Map();
  for (let pass = 1; pass <= PASSES_MAX; pass += 1) {
    const fold = foldOnce(start, events, { arriving, policy, invoices, transferValues, fixed: false, snapshotAfter });
    const wrong = [...fold.transferUsed].filter(([id, used]) => fold.entries.get(id)?.value !== used);
    if (wrong.length === 0) return fold;
    transferValues = new Map([...fold.transferUsed.keys()].map((id) => [id, fold.entries.get(id)?.value ?? 0n]));
  }
  return foldOnce(start, events, { arriving, policy, invoices, transferValues, fixed: true, snapshotAfter });
};

interface Pass {
  readonly arriving: ReadonlySet<string>;
  readonly policy: CostPolicy;
  readonly invoices: ReadonlyMap<string, readonly CostEvent[]>;
  readonly transferValues: ReadonlyMap<string, bigint>;
  readonly fixed: boolean;
  readonly snapshotAfter: string | undefined;
}

const foldOnce = (start: RunningState, events: readonly CostEvent[], pass: Pass): Fold => {
  const fold: Fold = {
    ...pass,
    scopes: new Map(Object.entries(start.scopes).map(([name, scope]) => [name, openScope(scope, pass.policy)])),
    entries: new Map(),
    settledEarlier: new Map(),
    added: new Map(),
    returned: new Map(),
    transferUsed: new Map(),
    transferChanged: undefined,
    awaited: new Set(start.awaited),
    cause: "",
    provision: start.provision === undefined ? undefined : scaled(start.provision, pass.policy.places),
    snapshot: undefined,
  };
  for (const event of events) {
    step(fold, event);
    if (event.id === pass.snapshotAfter) fold.snapshot = runningOf(fold, "");
  }
  return fold;
};

const step = (fold: Fold, event: CostEvent): void => {
  if (fold.arriving.has(event.id)) fold.cause = event.id;
  const entry: FoldEntry = {
    event,
    value: 0n,
    basis: "cancelled",
    because: fold.cause,
    runningQuantity: ZERO,
    runningValue: 0n,
  };
  fold.entries.set(event.id, entry);
  if (event.effect === "charge" || event.effect === "balance") {
    if (event.cancelled !== true) takeBeside(fold, entry);
    return;
  }
  const scope = scopeOf(fold, event.scope);
  if (event.cancelled !== true) {
    apply(fold, scope, entry);
    entry.because = fold.cause;
  }
  entry.runningQuantity = plain(scope.quantity);
  entry.runningValue = scope.value;
};

const apply = (fold: Fold, scope: FoldScope, entry: FoldEntry): void => {
  switch (entry.event.effect) {
    case "in":
      return takeIn(fold, scope, entry);
    case "out":
      return takeOut(fold, scope, entry, undefined);
    case "across":
      return takeAcross(fold, scope, entry);
    case "revalue": {
      // Its effect was taken where its receipt stands; here it only learns how much that was.
      const added = fold.added.get(entry.event.id);
      entry.value = added ?? 0n;
      entry.basis = added === undefined ? "pending" : "document";
      if (added === undefined && entry.event.origin !== undefined) fold.awaited.add(entry.event.origin);
      return;
    }
    case "charge":
    case "balance":
  }
};

/** Money beside the stock: a charge is worth what it says, a provision what it has to grow by. */
const takeBeside = (fold: Fold, entry: FoldEntry): void => {
  const { effect, amount } = entry.event;
  entry.basis = amount === undefined ? "pending" : "document";
  if (amount === undefined) return;
  const stated = scaled(amount, fold.policy.places);
  entry.value = effect === "balance" ? stated - (fold.provision ?? 0n) : stated;
  if (effect === "balance") fold.provision = stated;
};

const takeIn = (fold: Fold, scope: FoldScope, entry: FoldEntry): void => {
  const { event } = entry;
  const quantity = scaled(event.quantity, QUANTITY_PLACES);
  const stated = event.amount;
  const origin = event.origin === undefined ? undefined : fold.entries.get(event.origin);
  if (stated !== undefined) {
    entry.value = scaled(stated, fold.policy.places);
    entry.basis = event.byOrder === true ? "order" : "document";
  } else if (event.isReturn === true && origin !== undefined && origin.event.effect === "out") {
    entry.value = shareOfOrigin(fold, origin, quantity);
    entry.basis = "origin";
  } else {
    entry.value = atAverage(scope, quantity);
    entry.basis = event.isReturn === true ? (scope.quantity > 0n ? "average" : "last-known") : "pending";
  }
  const before = entry.value;
  const changed = addInvoices(fold, entry, quantity);
  // The receipt keeps its own value; what its invoices add is theirs.
  entry.value = before;
  receive(fold, scope, quantity, before + changed);
};

/** Returns that together bring everything back bring exactly the value back that went out. */
const shareOfOrigin = (fold: Fold, origin: FoldEntry, quantity: bigint): bigint => {
  const done = fold.returned.get(origin.event.id) ?? { quantity: 0n, value: 0n };
  const total = done.quantity + quantity;
  const value = ratio(origin.value * total, scaled(origin.event.quantity, QUANTITY_PLACES)) - done.value;
  fold.returned.set(origin.event.id, { quantity: total, value: done.value + value });
  return value;
};

/** An invoice replaces its share of the receipt's value; the last one replaces whatever is left of it. */
const addInvoices = (fold: Fold, entry: FoldEntry, quantity: bigint): bigint => {
  let restQuantity = quantity;
  let restValue = entry.value;
  let changed = 0n;
  for (const invoice of fold.invoices.get(entry.event.id) ?? []) {
    const invoiced = scaled(invoice.quantity, QUANTITY_PLACES);
    const taken = invoiced < restQuantity ? invoiced : restQuantity;
    const share = taken === restQuantity && taken > 0n ? restValue : ratio(restValue * taken, restQuantity);
    const added = scaled(invoice.amount ?? ZERO, fold.policy.places) - share;
    restQuantity -= taken;
    restValue -= share;
    changed += added;
    fold.added.set(invoice.id, added);
    learn(fold, invoice.id, added);
    if (fold.arriving.has(invoice.id)) fold.cause = invoice.id;
  }
  return changed;
};

/** An invoice dated before its receipt was passed already and learns only now what it adds. */
const learn = (fold: Fold, invoiceId: string, added: bigint): void => {
  const entry = fold.entries.get(invoiceId);
  if (entry === undefined) return;
  entry.value = added;
  entry.basis = "document";
  fold.awaited.delete(entry.event.origin ?? "");
};

/** Puts goods and value in: first they settle what was issued without stock, the rest is averaged in. */
const receive = (fold: Fold, scope: FoldScope, quantity: bigint, value: bigint): void => {
  let restQuantity = quantity;
  let restValue = value;
  while (restQuantity > 0n) {
    const open = scope.open[0];
    if (open === undefined) break;
    const taken = open.quantity < restQuantity ? open.quantity : restQuantity;
    const provisional = taken === open.quantity ? open.value : ratio(open.value * taken, open.quantity);
    const fixed = fold.fixed && open.counterScope !== undefined;
    const settled = fixed ? provisional : taken === restQuantity ? restValue : ratio(restValue * taken, restQuantity);
    if (settled !== provisional) settle(fold, open, settled - provisional);
    scope.value += provisional - settled;
    open.quantity -= taken;
    open.value -= provisional;
    restQuantity -= taken;
    restValue -= settled;
    if (open.quantity === 0n) scope.open.shift();
  }
  scope.quantity += quantity;
  scope.value += value;
  if (scope.quantity > 0n) setAverage(scope, scope.value, scope.quantity);
  else if (quantity > 0n) setAverage(scope, value, quantity);
};

const settle = (fold: Fold, open: FoldOpen, delta: bigint): void => {
  const entry = fold.entries.get(open.eventId);
  if (entry !== undefined) {
    entry.value += delta;
    entry.because = fold.cause;
    return;
  }
  if (open.counterScope !== undefined) fold.transferChanged = open.eventId;
  const sofar = fold.settledEarlier.get(open.eventId)?.delta ?? 0n;
  fold.settledEarlier.set(open.eventId, { delta: sofar + delta, because: fold.cause });
};

const takeOut = (fold: Fold, scope: FoldScope, entry: FoldEntry, counterScope: string | undefined): void => {
  const { event } = entry;
  const quantity = scaled(event.quantity, QUANTITY_PLACES);
  const priced = event.isReturn === true && event.amount !== undefined && fold.policy.returns === "document-price";
  const wanted = priced ? scaled(event.amount ?? ZERO, fold.policy.places) : atAverage(scope, quantity);
  if (quantity < scope.quantity) {
    entry.value = clamp(wanted, scope.value);
    entry.basis = priced && entry.value === wanted ? "document" : entry.value === wanted ? "average" : "rest";
    scope.quantity -= quantity;
    scope.value -= entry.value;
    if (priced) setAverage(scope, scope.value, scope.quantity);
  } else if (quantity === scope.quantity) {
    entry.value = scope.value;
    entry.basis = "rest";
    scope.quantity = 0n;
    scope.value = 0n;
  } else takeBeyond(fold, scope, entry, quantity, priced ? wanted : undefined, counterScope);
};

/** An issue of more than there is: what is there goes whole, the rest at the last known cost until it is settled. */
const takeBeyond = (
  fold: Fold,
  scope: FoldScope,
  entry: FoldEntry,
  quantity: bigint,
  priced: bigint | undefined,
  counterScope: string | undefined,
): void => {
  const covered = scope.quantity > 0n ? scope.value : 0n;
  const missing = scope.quantity > 0n ? quantity - scope.quantity : quantity;
  const known = fold.fixed && counterScope !== undefined ? fold.transferValues.get(entry.event.id) : undefined;
  const whole = known ?? priced;
  const provisional = whole === undefined ? atAverage(scope, missing) : whole > covered ? whole - covered : 0n;
  scope.open.push({ eventId: entry.event.id, quantity: missing, value: provisional, counterScope });
  entry.value = covered + provisional;
  entry.basis = "last-known";
  scope.quantity -= quantity;
  scope.value -= entry.value;
};

const takeAcross = (fold: Fold, scope: FoldScope, entry: FoldEntry): void => {
  const { event } = entry;
  const counterScope = event.counterScope ?? event.scope;
  const quantity = scaled(event.quantity, QUANTITY_PLACES);
  if (counterScope === event.scope) {
    // Nothing moves within one average; the value only serves a voucher between two accounts of it.
    entry.value =
      quantity === scope.quantity
        ? scope.value
        : quantity < scope.quantity
          ? clamp(atAverage(scope, quantity), scope.value)
          : atAverage(scope, quantity);
    entry.basis = quantity === scope.quantity ? "rest" : scope.quantity > 0n ? "average" : "last-known";
    return;
  }
  takeOut(fold, scope, entry, counterScope);
  const passedOn = fold.transferValues.get(event.id) ?? entry.value;
  fold.transferUsed.set(event.id, passedOn);
  receive(fold, scopeOf(fold, counterScope), quantity, passedOn);
};

const setAverage = (scope: FoldScope, value: bigint, quantity: bigint): void => {
  scope.averageValue = value;
  scope.averageQuantity = quantity;
};
const atAverage = (scope: FoldScope, quantity: bigint): bigint =>
  ratio(scope.averageValue * quantity, scope.averageQuantity);
const clamp = (value: bigint, most: bigint): bigint => (value < 0n || most < 0n ? 0n : value > most ? most : value);

const scopeOf = (fold: Fold, name: string): FoldScope => {
  const known = fold.scopes.get(name);
  if (known !== undefined) return known;
  const made: FoldScope = { quantity: 0n, value: 0n, averageValue: 0n, averageQuantity: 0n, open: [] };
  fold.scopes.set(name, made);
  return made;
};

const invoicesOf = (events: readonly CostEvent[]): ReadonlyMap<string, readonly CostEvent[]> => {
  const found = new Map<string, CostEvent[]>();
  for (const event of events) {
    if (event.effect !== "revalue" || event.cancelled === true || event.origin === undefined) continue;
    const same = found.get(event.origin);
    if (same === undefined) found.set(event.origin, [event]);
    else same.push(event);
  }
  return found;
};

const openScope = (scope: ScopeState, { places }: CostPolicy): FoldScope => ({
  quantity: scaled(scope.quantity, QUANTITY_PLACES),
  value: scaled(scope.value, places),
  averageValue: scaled(scope.average.value, places),
  averageQuantity: scaled(scope.average.quantity, QUANTITY_PLACES),
  open: scope.open.map((open) => ({
    eventId: open.eventId,
    quantity: scaled(open.quantity, QUANTITY_PLACES),
    value: scaled(open.value, places),
    counterScope: open.counterScope,
  })),
});

/** The fold's state as plain text, to be stored. */
export const runningOf = (fold: Fold, upTo: string): RunningState => {
  const { places } = fold.policy;
  const scopes: Record<string, ScopeState> = {};
  for (const [name, scope] of fold.scopes)
    scopes[name] = {
      quantity: plain(scope.quantity),
      value: textOf(scope.value, places),
      average: { value: textOf(scope.averageValue, places), quantity: plain(scope.averageQuantity) },
      open: scope.open.map((open): OpenIssue => {
        const base = {
          eventId: open.eventId,
          quantity: plain(open.quantity),
          value: textOf(open.value, places),
        };
        return open.counterScope === undefined ? base : { ...base, counterScope: open.counterScope };
      }),
    };
  const running = { upTo, awaited: [...fold.awaited].toSorted(), circular: fold.fixed, scopes };
  return fold.provision === undefined ? running : { ...running, provision: textOf(fold.provision, places) };
};

/** Rounded half up, away from zero; 0 where nothing is known to divide by. */
const ratio = (numerator: bigint, denominator: bigint): bigint => {
  if (denominator === 0n) return 0n;
  const negative = numerator < 0n !== denominator < 0n;
  const top = numerator < 0n ? -numerator : numerator;
  const bottom = denominator < 0n ? -denominator : denominator;
  const rounded = (top * 2n + bottom) / (bottom * 2n);
  return negative ? -rounded : rounded;
};

/** A quantity as text, without zeros at the end. */
const plain = (quantity: bigint): Decimal => {
  const text = textOf(quantity, QUANTITY_PLACES);
  let end = text.length;
  while (text.endsWith("0", end)) end -= 1;
  if (text.endsWith(".", end)) end -= 1;
  return text.slice(0, end) as Decimal;
};
