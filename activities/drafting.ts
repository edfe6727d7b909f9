import { createHash } from "node:crypto";
import type { PeriodState } from "../connectors/contract.ts";
import type { Database } from "../db/database.ts";
import type * as DraftStore from "../db/draft-store.ts";
import type { ArrivedMovement, Block, EstimateRow, ItemRow, KnownPosting } from "../db/draft-store.ts";
import type * as PostingStore from "../db/posting-store.ts";
import type { NewPosting } from "../db/posting-store.ts";
import { costEventOf } from "../domain/costing-events.ts";
import {
  type CostCorrection,
  type CostEntry,
  type CostEvent,
  type ItemState,
  type RunningState,
  appendOnly,
  emptyItem,
  emptyRunning,
  valueEvents,
} from "../domain/costing.ts";
import { type BusinessDate, type Period, firstDayOf, lastDayOf, periodOf } from "../domain/dates.ts";
import { type Decimal, add, decimal, isDecimal, multiply, sum } from "../domain/decimal.ts";
import { groupBy } from "../domain/group-by.ts";
import type { CompanyConfig, LedgerConfig } from "../domain/installation.ts";
import { postingKeyOf } from "../domain/posting-key.ts";
import { type Purpose, sentStates } from "../domain/posting.ts";
import { totalsOf } from "../domain/voucher.ts";
import type { Chart } from "../mappings/chart.ts";
import { CodeTableName, type CodeTables, codeTables } from "../mappings/code-table.ts";
import type { MappingContext, MappingItem, ValuedMovement } from "../mappings/draft-types.ts";
import { draftVoucher } from "../mappings/draft.ts";
import type { RulePack } from "../mappings/rule.ts";
import { groupOf, selectRule } from "../mappings/select.ts";
import { type EstimateBook, type Estimated, estimateBook } from "./estimates.ts";

export interface DraftingDependencies {
  readonly database: Database;
  readonly inTransaction: <T>(database: Database, work: (client: DraftClient) => Promise<T>) => Promise<T>;
  readonly drafts: typeof DraftStore;
  readonly postings: typeof PostingStore;
  readonly company: CompanyConfig;
  readonly ledger: LedgerConfig;
  readonly sources: readonly string[];
  readonly rules: RulePack;
  readonly chart: Chart;
  /** Asked once per page: which periods the ERP has open. */
  readonly periods: () => Promise<readonly PeriodState[]>;
  /** The company's calendar day. */
  readonly today: () => BusinessDate;
  readonly heartbeat: (progress: unknown) => void;
}
type DraftClient = Parameters<typeof DraftStore.lockDrafting>[0];

export interface DraftSummary {
  readonly movements: number;
  readonly vouchers: number;
  readonly blocked: number;
  /** True when a further page waits. */
  readonly more: boolean;
}

/** Each round takes out the documents with problems and values the rest again; problems do not breed for ever. */
const ROUNDS_MAX = 20;
const BLOCKED_PER_PAGE_MAX = 20_000;

/** Values and drafts what arrived since the last page, and tries again what was blocked. One transaction: all or nothing. */
export const draftPage = async (dependencies: DraftingDependencies, sizeMax: number): Promise<DraftSummary> => {
  const { ledger, drafts } = dependencies;
  const calendar = calendarOf(await dependencies.periods());
  return dependencies.inTransaction(dependencies.database, async (client) => {
    await drafts.lockDrafting(client, ledger.code);
    await drafts.releaseHeld(client, ledger.code, calendar.openPeriods);
    const arrived = await takeArrivals(dependencies, client, sizeMax);
    const blocked = await drafts.readBlocked(client, ledger.code, BLOCKED_PER_PAGE_MAX);
    const freed = await drafts.takeReversed(client, ledger.code);
    const movements = newestFirstWins([...freed, ...blocked, ...arrived.movements]);
    const known = await knownPostings(dependencies, client, movements);
    const { toDraft, waiting } = await settleChanges(dependencies, client, movements, known);
    const plan = await planPage(dependencies, client, toDraft, calendar);
    const vouchers = await writePlan(dependencies, client, plan, known);
    const blocks = [...waiting, ...plan.blocks];
    await drafts.replaceBlocks(
      client,
      ledger.code,
      movements.map(({ movementId }) => movementId),
      blocks,
    );
    return { movements: arrived.movements.length, vouchers, blocked: blocks.length, more: arrived.more };
  });
};

const takeArrivals = async (
  { ledger, drafts, sources }: DraftingDependencies,
  client: DraftClient,
  sizeMax: number,
): Promise<{ readonly movements: readonly ArrivedMovement[]; readonly more: boolean }> => {
  const movements: ArrivedMovement[] = [];
  let more = false;
  for (const { source, arrival } of await drafts.draftCursors(client, ledger.code, sources)) {
    const page = await drafts.readArrivals(client, ledger.company, source, arrival, sizeMax);
    const last = page.at(-1);
    if (last === undefined) continue;
    await drafts.moveDraftCursor(client, ledger.code, source, last.arrival);
    movements.push(...page);
    more ||= page.length >= sizeMax;
  }
  return { movements, more };
};

/** Of several revisions of one movement only the newest counts; the order of arrival stays. */
const newestFirstWins = (movements: readonly ArrivedMovement[]): readonly ArrivedMovement[] => {
  const newest = new Map<string, ArrivedMovement>();
  for (const movement of movements) {
    const seen = newest.get(movement.movementId);
    if (seen === undefined || seen.revision <= movement.revision) newest.set(movement.movementId, movement);
  }
  return [...newest.values()];
};

const documentOf = (movement: Pick<ArrivedMovement, "source" | "form" | "recordId">): string =>
  JSON.stringify([movement.source, movement.form, movement.recordId]);

// ------------------------------------------------------------------------------------------ changes of the source

type Known = ReadonlyMap<string, readonly KnownPosting[]>;

/** Existing postings per document; only documents with more than one revision, or cancelled ones, can have any. */
const knownPostings = async (
  { ledger, drafts }: DraftingDependencies,
  client: DraftClient,
  movements: readonly ArrivedMovement[],
): Promise<Known> => {
  const changed = movements.filter(({ revision, cancelled }) => revision > 1 || cancelled);
  if (changed.length === 0) return new Map();
  const rows = await drafts.readPostingsOf(
    client,
    ledger.code,
    ledger.company,
    changed.map(({ recordId }) => recordId),
    changed.map(({ movementId }) => movementId),
  );
  const byRecord = groupBy(rows, ({ form, recordId }) => JSON.stringify([form, recordId]));
  return new Map(
    changed.map((movement) => [
      documentOf(movement),
      byRecord.get(JSON.stringify([movement.form, movement.recordId])) ?? [],
    ]),
  );
};

/**
 * A change waits while its posting is sending or uncertain. What stands in the ERP already is left standing, marked, and
 * shown as a mismatch: only a confirmed reversal makes room for a new voucher.
 */
const settleChanges = async (
  { drafts }: DraftingDependencies,
  client: DraftClient,
  movements: readonly ArrivedMovement[],
  known: Known,
): Promise<{ readonly toDraft: readonly ArrivedMovement[]; readonly waiting: readonly Block[] }> => {
  const waiting: Block[] = [];
  const marked = new Set<string>();
  const toDraft = movements.filter((movement) => {
    const postings = known.get(documentOf(movement)) ?? [];
    const onTheWay = postings.filter(({ state }) => state === "sending" || state === "uncertain");
    const standing = postings.filter(({ state }) => sentStates.includes(state) && state !== "reversed");
    for (const { postingId } of standing) marked.add(postingId);
    if (onTheWay.length > 0)
      waiting.push({ movement, code: "NO_ANSWER", subject: `posting/${onTheWay[0]?.key ?? ""}` });
    return standing.length === 0;
  });
  await drafts.markSourceChanged(client, [...marked]);
  return { toDraft, waiting };
};

// ------------------------------------------------------------------------------------------ planning

interface Calendar {
  readonly openPeriods: readonly Period[];
  readonly isOpen: (of: Period) => boolean;
  readonly nextOpen: (after: Period) => Period | undefined;
}

/** A period the ERP does not list is closed when it lies before the first open one, and open when it lies after. */
const calendarOf = (states: readonly PeriodState[]): Calendar => {
  const listed = new Map(states.map((state) => [state.period, state.open]));
  const openPeriods = states
    .filter(({ open }) => open)
    .map((state) => state.period)
    .sort();
  const first = openPeriods[0];
  return {
    openPeriods,
    isOpen: (of) => listed.get(of) ?? (first !== undefined && of >= first),
    nextOpen: (after) => openPeriods.find((each) => each >= after) ?? first,
  };
};

interface Costing {
  readonly running: ReadonlyMap<string, RunningState>;
  readonly entries: readonly CostEntry[];
  readonly values: ReadonlyMap<string, { readonly amount: Decimal; readonly pending: boolean }>;
  readonly corrections: readonly CostCorrection[];
}

interface Plan {
  readonly costing: Costing;
  readonly postings: readonly NewPosting[];
  readonly estimates: readonly EstimateRow[];
  readonly blocks: readonly Block[];
  /** Documents tried, for which an unsent posting without a new draft is withdrawn. */
  readonly documents: ReadonlySet<string>;
}

const planPage = async (
  dependencies: DraftingDependencies,
  client: DraftClient,
  movements: readonly ArrivedMovement[],
  calendar: Calendar,
): Promise<Plan> => {
  const desk = await openDesk(dependencies, client, movements, calendar);
  const blocks: Block[] = [];
  let rest = movements;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const attempt = await attemptPage(dependencies, client, desk, rest);
    if (attempt.blocks.length === 0) return { ...attempt, blocks, documents: new Set(movements.map(documentOf)) };
    // A document enters whole or not at all: one missing code keeps all of its lines waiting.
    const reasons = new Map(attempt.blocks.map((block) => [documentOf(block.movement), block]));
    const direct = new Set(attempt.blocks.map(({ movement }) => movement.movementId));
    blocks.push(...attempt.blocks);
    for (const movement of rest) {
      const reason = reasons.get(documentOf(movement));
      if (reason !== undefined && !direct.has(movement.movementId)) blocks.push({ ...reason, movement });
    }
    rest = rest.filter((movement) => !reasons.has(documentOf(movement)));
  }
  throw new Error(`drafting of ${dependencies.ledger.code} finds new problems after ${ROUNDS_MAX} rounds`);
};

/** Everything read once per page. */
interface Desk {
  readonly items: ReadonlyMap<string, MappingItem>;
  readonly codes: CodeTables;
  readonly calendar: Calendar;
  /** Movements of documents that others refer to, by document number. */
  readonly origins: ReadonlyMap<string, readonly ArrivedMovement[]>;
  readonly running: ReadonlyMap<string, RunningState>;
  readonly estimates: EstimateBook;
  /** Receipts whose estimate is still open; only where the style turns with the month. */
  readonly openReceipts: readonly ArrivedMovement[];
}

/** Reversals on the first of the month and renewed estimates at its end, where the ledger works that way. */
const monthTurn = ({ today }: DraftingDependencies, desk: Desk, estimates: EstimateBook): readonly Estimated[] => {
  const started = desk.calendar.openPeriods[0];
  if (desk.openReceipts.length === 0 || started === undefined) return [];
  return estimates.turnMonth(desk.openReceipts, {
    started,
    ended: today() >= lastDayOf(started) ? started : undefined,
  });
};

const openDesk = async (
  dependencies: DraftingDependencies,
  client: DraftClient,
  movements: readonly ArrivedMovement[],
  calendar: Calendar,
): Promise<Desk> => {
  const { drafts, ledger } = dependencies;
  const referred = [
    ...new Set(movements.map(({ originDocument }) => originDocument).filter((document) => document !== "")),
  ];
  const origins = groupBy(await drafts.findOrigins(client, ledger.company, referred), (each) => each.documentNumber);
  const turning =
    ledger.estimateStyle === "month-start-reversal" ? await drafts.readOpenEstimates(client, ledger.code) : [];
  const openReceipts = await drafts.readMovements(
    client,
    turning.map(({ movementId }) => movementId),
  );
  const codesUsed = new Set(movements.map(({ item }) => item));
  for (const list of origins.values()) for (const { item } of list) codesUsed.add(item);
  for (const { item } of openReceipts) codesUsed.add(item);
  const [items, codeRows] = [
    await drafts.readItems(client, ledger.company, [...codesUsed]),
    await drafts.readCodeEntries(client, ledger.code),
  ];
  const documents = [...new Set([...referred, ...movements.map(({ documentNumber }) => documentNumber)])];
  return {
    items: new Map(items.map((item) => [item.code, mappingItemOf(item)])),
    codes: codesOf(ledger, codeRows),
    calendar,
    origins,
    running: await drafts.readRunning(client, ledger.code, [...codesUsed]),
    estimates: estimateBook(ledger.estimateStyle, [
      ...turning,
      ...(await drafts.readEstimates(client, ledger.code, documents)),
    ]),
    openReceipts,
  };
};

const ONE = decimal("1");
const mappingItemOf = (item: ItemRow): MappingItem => ({
  itemClass: item.itemClass,
  unit: item.unit,
  name: item.name,
  factorOf: (unit) => {
    if (unit === item.unit) return ONE;
    const factor = Object.hasOwn(item.conversions, unit) ? item.conversions[unit] : undefined;
    return factor !== undefined && isDecimal(factor) ? factor : undefined;
  },
});

const codesOf = (ledger: LedgerConfig, rows: Awaited<ReturnType<typeof DraftStore.readCodeEntries>>): CodeTables => {
  const identity = CodeTableName.options.filter((table) => (ledger.codeTables[table] ?? "identity") === "identity");
  const built = codeTables(
    rows.map((row) => ({
      table: CodeTableName.parse(row.table),
      code: row.code,
      erpCode: row.erpCode,
      validFrom: row.validFrom as BusinessDate,
      ...(row.validTo === undefined ? {} : { validTo: row.validTo as BusinessDate }),
    })),
    identity,
  );
  if (!built.ok) throw new Error(`code tables of ${ledger.code} overlap: ${built.problems[0]?.message ?? ""}`);
  return built.tables;
};

type Attempt = Pick<Plan, "costing" | "postings" | "estimates" | "blocks">;

const attemptPage = async (
  dependencies: DraftingDependencies,
  client: DraftClient,
  desk: Desk,
  movements: readonly ArrivedMovement[],
): Promise<Attempt> => {
  const blocks: Block[] = [];
  const estimates = desk.estimates.copy();
  const quantities = new Map<string, Decimal>();
  for (const movement of movements) {
    const item = desk.items.get(movement.item);
    const factor = item?.factorOf(movement.unit);
    if (movement.kind === "provision" || movement.kind === "subcontract-fee")
      quantities.set(movement.movementId, movement.quantity);
    else if (item === undefined) blocks.push({ movement, code: "ITEM_UNKNOWN", subject: `item/${movement.item}` });
    else if (factor === undefined)
      blocks.push({ movement, code: "UNIT_UNKNOWN", subject: `unit/${movement.item}/${movement.unit}` });
    else quantities.set(movement.movementId, factor === ONE ? movement.quantity : multiply(movement.quantity, factor));
  }
  const live = movements.filter(({ movementId }) => quantities.has(movementId));
  const costing = await valuePage(dependencies, client, desk, live, quantities);
  const inPage = groupBy(live, ({ documentNumber }) => documentNumber);
  const groups = new Map<string, ValuedMovement[]>();
  const put = (movement: ValuedMovement, arrived: ArrivedMovement): void => {
    if (arrived.cancelled) return;
    const name = groupNameOf(dependencies, desk, movement);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [movement]);
    else group.push(movement);
  };
  for (const movement of receiptsBeforeInvoices(live)) {
    for (const valued of valuedOf(
      movement,
      costing,
      estimates,
      desk,
      inPage,
      quantities.get(movement.movementId) ?? ONE,
    )) {
      if ("problem" in valued) blocks.push({ movement, code: valued.problem, subject: valued.subject });
      else put(valued, movement);
    }
  }
  const byId = new Map(live.map((movement) => [movement.movementId, movement]));
  for (const valued of monthTurn(dependencies, desk, estimates)) {
    if ("problem" in valued) continue;
    const receipt = desk.openReceipts.find(({ movementId }) => movementId === valued.movementId);
    if (receipt === undefined) continue;
    byId.set(receipt.movementId, receipt);
    put(valued, receipt);
  }
  const postings: NewPosting[] = [];
  for (const [name, group] of groups) {
    const drafted = draftGroup(dependencies, desk, name, group, byId, quantities);
    if (drafted.kind === "posting") postings.push(drafted.posting);
    blocks.push(...drafted.blocks);
  }
  if (blocks.length === 0) {
    const corrected = await draftCorrections(dependencies, client, desk, costing.corrections, byId);
    postings.push(...corrected);
  }
  return { costing, postings, estimates: estimates.changed(), blocks };
};

// ------------------------------------------------------------------------------------------ valuing

const valuePage = async (
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
const receiptsBeforeInvoices = (movements: readonly ArrivedMovement[]): readonly ArrivedMovement[] => {
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
const valuedOf = (
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

// ------------------------------------------------------------------------------------------ drafting

const contextOf = ({ rules, chart }: DraftingDependencies, desk: Desk, on: BusinessDate): MappingContext => ({
  rules,
  chart,
  codes: desk.codes,
  items: (code) => desk.items.get(code),
  on,
});

/** Movements of one purpose and one group share a voucher. What no rule covers stays by document, and is reported there. */
const groupNameOf = (dependencies: DraftingDependencies, desk: Desk, movement: ValuedMovement): string => {
  const rule = selectRule(dependencies.rules, movement, {
    purpose: movement.purpose,
    itemClass: desk.items.get(movement.item)?.itemClass ?? "",
    negative: movement.value?.startsWith("-") === true,
    on: movement.happenedOn,
  });
  const group =
    rule !== undefined && "lines" in rule ? groupOf(rule, movement, movement.happenedOn) : movement.recordId;
  const document = group === movement.recordId ? JSON.stringify([movement.source, movement.form, group]) : group;
  return `${movement.purpose}:${document}`;
};

type Drafted =
  | { readonly kind: "posting"; readonly posting: NewPosting; readonly blocks: readonly Block[] }
  | { readonly kind: "none"; readonly blocks: readonly Block[] };

const draftGroup = (
  dependencies: DraftingDependencies,
  desk: Desk,
  name: string,
  group: readonly ValuedMovement[],
  byId: ReadonlyMap<string, ArrivedMovement>,
  quantities: ReadonlyMap<string, Decimal>,
): Drafted => {
  const first = group[0];
  if (first === undefined) return { kind: "none", blocks: [] };
  const result = draftVoucher({ movements: group }, contextOf(dependencies, desk, first.happenedOn));
  if (result.kind === "none") return { kind: "none", blocks: [] };
  if (result.kind === "problems") {
    return {
      kind: "none",
      blocks: result.problems.flatMap(({ code, subject, movementIds }) =>
        movementIds.flatMap((id) => {
          const movement = byId.get(id);
          return movement === undefined ? [] : [{ movement, code, subject: `${subject.table}/${subject.code}` }];
        }),
      ),
    };
  }
  const posting = postingOf(dependencies, desk, name, group, result, first.happenedOn, (movement) => ({
    occurrence: occurrenceOf(movement),
    quantity: quantities.get(movement.movementId) ?? movement.quantity,
  }));
  return { kind: "posting", posting, blocks: [] };
};

/** Purposes that may repeat for one movement carry what makes them different. */
const occurrenceOf = (movement: ValuedMovement & { readonly occurrence?: string }): string => movement.occurrence ?? "";

const LATE = "补记 ";

const postingOf = (
  { ledger }: DraftingDependencies,
  desk: Desk,
  name: string,
  group: readonly ValuedMovement[],
  result: Extract<ReturnType<typeof draftVoucher>, { kind: "voucher" }>,
  on: BusinessDate,
  linkOf: (movement: ValuedMovement) => { readonly occurrence: string; readonly quantity: Decimal },
): NewPosting => {
  const first = group[0];
  if (first === undefined) throw new Error("a voucher needs a movement");
  const placed = placeInPeriod(ledger, desk.calendar, on);
  const whole = new Set(group.map(({ form, recordId }) => JSON.stringify([form, recordId]))).size === 1;
  const identity = {
    company: ledger.company,
    source: first.source,
    form: whole ? first.form : "*",
    recordId: whole ? first.recordId : name,
    ledger: ledger.code,
    purpose: first.purpose,
  };
  const lines = result.lines.map((line, index) => ({
    ...line,
    summary: placed.late ? `${LATE}${line.summary}` : line.summary,
    movementIds: result.movementsOfLine[index] ?? [],
  }));
  const head = { word: result.word, accountedOn: placed.date, documents: result.documents };
  return {
    ...identity,
    ...head,
    key: postingKeyOf({ ...identity, part: 1, generation: 1 }),
    book: ledger.book,
    part: 1,
    generation: 1,
    groupName: whole ? `document:${first.form}/${first.recordId}` : name,
    state: placed.held ? "held" : "drafted",
    targetStage: ledger.targetStage,
    late: placed.late,
    attachments: result.documents.length,
    currency: ledger.currency,
    summary: result.summary,
    ruleName: result.rules[0]?.name ?? "",
    ruleVersion: result.rules[0]?.version ?? 0,
    total: totalsOf(lines).debit,
    fingerprint: fingerprintOf(head, lines),
    errorCode: placed.held ? "PERIOD_CLOSED" : undefined,
    reverses: undefined,
    lines,
    movements: group.map((movement) => ({
      movementId: movement.movementId,
      revision: movement.revision,
      ...linkOf(movement),
      value: movement.value ?? movement.net ?? movement.amount ?? decimal("0"),
    })),
  };
};

const placeInPeriod = (
  ledger: LedgerConfig,
  calendar: Calendar,
  on: BusinessDate,
): { readonly date: BusinessDate; readonly late: boolean; readonly held: boolean } => {
  const wanted = periodOf(on);
  if (calendar.isOpen(wanted)) return { date: on, late: false, held: false };
  const next = ledger.closedPeriod === "next-open" ? calendar.nextOpen(wanted) : undefined;
  return next === undefined
    ? { date: on, late: false, held: true }
    : { date: firstDayOf(next), late: true, held: false };
};

const fingerprintOf = (head: unknown, lines: unknown): string =>
  createHash("sha256")
    .update(JSON.stringify([head, lines]))
    .digest("hex");

/**
 * What an arrival changed in the cost of earlier movements is posted in the open period, one voucher per arriving
 * document. The rule of the corrected movement draws it, with the difference as value and no quantity.
 */
const draftCorrections = async (
  dependencies: DraftingDependencies,
  client: DraftClient,
  desk: Desk,
  corrections: readonly CostCorrection[],
  byId: ReadonlyMap<string, ArrivedMovement>,
): Promise<readonly NewPosting[]> => {
  if (corrections.length === 0) return [];
  const corrected = await dependencies.drafts.readMovements(client, [
    ...new Set(corrections.map(({ eventId }) => eventId)),
  ]);
  const movementOf = new Map(corrected.map((movement) => [movement.movementId, movement]));
  const byCause = groupBy(corrections, ({ because }) => {
    const arriving = byId.get(because);
    return arriving === undefined ? because : documentOf(arriving);
  });
  const items = await missingItems(dependencies, client, desk, corrected);
  const full: Desk = { ...desk, items };
  const postings: NewPosting[] = [];
  for (const [cause, list] of byCause) {
    const arriving = byId.get(list[0]?.because ?? "");
    if (arriving === undefined) continue;
    const group = list.flatMap(({ eventId, delta }) => {
      const movement = movementOf.get(eventId);
      return movement === undefined
        ? []
        : [{ ...movement, purpose: "cost-correction" as Purpose, value: delta, quantity: decimal("0") }];
    });
    // Never before the goods it corrects, and never in a closed period.
    const on = group.reduce(
      (latest, movement) => (movement.happenedOn > latest ? movement.happenedOn : latest),
      arriving.happenedOn,
    );
    const open = placeInPeriod({ ...dependencies.ledger, closedPeriod: "next-open" }, desk.calendar, on).date;
    const result = draftVoucher({ movements: group }, contextOf(dependencies, full, open));
    if (result.kind !== "voucher") continue;
    const posting = postingOf(dependencies, full, `correction:${cause}`, group, result, open, () => ({
      occurrence: arriving.arrival,
      quantity: decimal("0"),
    }));
    const identity = {
      company: posting.company,
      source: arriving.source,
      form: arriving.form,
      recordId: `${arriving.recordId}#${arriving.arrival}`,
      ledger: posting.ledger,
      purpose: posting.purpose,
    };
    postings.push({
      ...posting,
      ...identity,
      key: postingKeyOf({ ...identity, part: 1, generation: 1 }),
      groupName: `correction:${arriving.form}/${arriving.recordId}`,
    });
  }
  return postings;
};

const missingItems = async (
  { drafts, ledger }: DraftingDependencies,
  client: DraftClient,
  desk: Desk,
  movements: readonly ArrivedMovement[],
): Promise<ReadonlyMap<string, MappingItem>> => {
  const missing = [...new Set(movements.map(({ item }) => item))].filter((code) => !desk.items.has(code));
  if (missing.length === 0) return desk.items;
  const rows = await drafts.readItems(client, ledger.company, missing);
  return new Map([...desk.items, ...rows.map((row) => [row.code, mappingItemOf(row)] as const)]);
};

// ------------------------------------------------------------------------------------------ writing

const writePlan = async (
  { drafts, postings, ledger }: DraftingDependencies,
  client: DraftClient,
  plan: Plan,
  known: Known,
): Promise<number> => {
  await drafts.writeCosting(client, ledger.code, plan.costing.running, plan.costing.entries);
  await drafts.writeEstimates(client, ledger.code, plan.estimates);
  const grouped = plan.postings.filter(({ groupName }) => !groupName.startsWith("document:"));
  const parts = await drafts.readGroupParts(
    client,
    ledger.code,
    grouped.map(({ groupName }) => groupName),
  );
  const fresh: NewPosting[] = [];
  const redrawn = new Set<string>();
  for (const posting of plan.postings) {
    const existing = (known.get(JSON.stringify([posting.source, posting.form, posting.recordId])) ?? []).filter(
      ({ purpose }) => purpose === posting.purpose,
    );
    const unsent = existing.find(({ state }) => !sentStates.includes(state) && state !== "withdrawn");
    if (unsent !== undefined) {
      await postings.redrawPosting(client, unsent.postingId, posting);
      redrawn.add(unsent.postingId);
      continue;
    }
    fresh.push(renumber(posting, existing, parts.get(posting.groupName) ?? 0));
  }
  await postings.insertPostings(client, fresh);
  for (const existing of new Set([...known.values()].flat())) {
    const gone =
      !redrawn.has(existing.postingId) && !sentStates.includes(existing.state) && existing.state !== "withdrawn";
    if (gone) await postings.withdrawPosting(client, existing.postingId);
  }
  return fresh.length + redrawn.size;
};

/** A reversed voucher makes room for the next generation; a withdrawn one, and a sealed group, for the next part. */
const renumber = (posting: NewPosting, existing: readonly KnownPosting[], groupParts: number): NewPosting => {
  const reversed = existing.filter(({ state }) => state === "reversed").map(({ generation }) => generation);
  const generation = Math.max(0, ...reversed) + 1;
  const withdrawn = existing.filter((each) => each.generation === generation).map(({ part }) => part);
  const part = Math.max(0, groupParts, ...withdrawn) + 1;
  if (part === 1 && generation === 1) return posting;
  return { ...posting, part, generation, key: postingKeyOf({ ...posting, part, generation }) };
};
