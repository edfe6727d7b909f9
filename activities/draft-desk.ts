import type { DraftingStores } from "../db/drafting-stores.ts";
import type { PeriodState } from "../connectors/contract.ts";
import type { Database } from "../db/database.ts";
import type { ItemRow } from "../db/draft-store.ts";
import type { ArrivedMovement } from "../db/movement-log.ts";
import type { Calendar } from "../domain/calendar.ts";
import type { CostEntry, RunningState } from "../domain/costing.ts";
import type { BusinessDate } from "../domain/dates.ts";
import { decimal, isDecimal } from "../domain/decimal.ts";
import { groupBy } from "../domain/group-by.ts";
import type { CompanyConfig, LedgerConfig } from "../domain/installation.ts";
import type { Chart } from "../mappings/chart.ts";
import { CodeTableName, type CodeTables, codeTables } from "../mappings/code-table.ts";
import type { MappingContext, MappingItem } from "../mappings/draft-types.ts";
import type { RulePack } from "../mappings/rule.ts";
import { type EstimateBook, estimateBook } from "./estimates.ts";

export interface DraftingDependencies {
  readonly database: Database;
  readonly inTransaction: <T>(database: Database, work: (client: DraftClient) => Promise<T>) => Promise<T>;
  readonly stores: DraftingStores;
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

export type DraftClient = Parameters<DraftingStores["drafts"]["lockDrafting"]>[0];

/** Everything read once per page. */
export interface Desk {
  readonly items: ReadonlyMap<string, MappingItem>;
  readonly codes: CodeTables;
  readonly calendar: Calendar;
  /** Movements of documents that others refer to, as they were drawn, by document number. */
  readonly origins: ReadonlyMap<string, readonly ArrivedMovement[]>;
  /** What movements of the page were worth before, where they come again. */
  readonly entries: ReadonlyMap<string, CostEntry>;
  readonly running: ReadonlyMap<string, RunningState>;
  readonly estimates: EstimateBook;
  /** Receipts whose estimate is still open, as they were drawn; only where the style turns with the month. */
  readonly openReceipts: readonly ArrivedMovement[];
}

/** @param again  ids of movements that may have been valued before */
export const openDesk = async (
  dependencies: DraftingDependencies,
  client: DraftClient,
  movements: readonly ArrivedMovement[],
  calendar: Calendar,
  again: readonly string[] = [],
): Promise<Desk> => {
  const { stores, ledger } = dependencies;
  const referred = [
    ...new Set(movements.map(({ originDocument }) => originDocument).filter((document) => document !== "")),
  ];
  const found = await stores.log.findOrigins(client, ledger.company, referred);
  const origins = groupBy(await asDrawn(dependencies, client, found), (each) => each.documentNumber);
  const turning =
    ledger.estimateStyle === "month-start-reversal" ? await stores.accruals.readOpenEstimates(client, ledger.code) : [];
  const turned = await stores.log.readMovements(
    client,
    turning.map(({ movementId }) => movementId),
  );
  const openReceipts = await asDrawn(dependencies, client, turned);
  const entries = await stores.costs.readCostEntries(client, ledger.code, again);
  const codesUsed = new Set(movements.map(({ item }) => item));
  for (const list of origins.values()) for (const { item } of list) codesUsed.add(item);
  for (const { item } of openReceipts) codesUsed.add(item);
  for (const { event } of entries) codesUsed.add(event.item);
  const [items, codeRows] = [
    await readItems(dependencies, client, [...codesUsed], movements),
    await stores.drafts.readCodeEntries(client, ledger.code),
  ];
  const receipts = entries.flatMap(({ event }) => event.origin ?? []);
  return {
    items,
    codes: codesOf(ledger, codeRows),
    calendar,
    origins,
    entries: new Map(entries.map((entry) => [entry.event.id, entry])),
    running: await stores.costs.readRunning(client, ledger.code, [...codesUsed]),
    estimates: estimateBook(ledger.estimateStyle, [
      ...turning,
      ...(await stores.accruals.readEstimates(client, ledger.code, referred)),
      ...(await stores.accruals.readEstimatesOf(client, ledger.code, [...new Set([...again, ...receipts])])),
    ]),
    openReceipts,
  };
};

/** What was edited after it was drawn is met as it was drawn: on the same account and dimensions. */
const asDrawn = async (
  { stores, ledger }: DraftingDependencies,
  client: DraftClient,
  movements: readonly ArrivedMovement[],
): Promise<readonly ArrivedMovement[]> => {
  const edited = movements.filter(({ revision }) => revision > 1).map(({ movementId }) => movementId);
  if (edited.length === 0) return movements;
  const drawn = await stores.log.readDrawn(client, ledger.code, edited);
  const drawnOf = new Map(drawn.map((movement) => [movement.movementId, movement]));
  return movements.map((movement) => drawnOf.get(movement.movementId) ?? movement);
};

export const ONE = decimal("1");

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

const codesOf = (
  ledger: LedgerConfig,
  rows: Awaited<ReturnType<DraftingStores["drafts"]["readCodeEntries"]>>,
): CodeTables => {
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

export const contextOf = ({ rules, chart }: DraftingDependencies, desk: Desk, on: BusinessDate): MappingContext => ({
  rules,
  chart,
  codes: desk.codes,
  items: (code) => desk.items.get(code),
  on,
});

export const missingItems = async (
  dependencies: DraftingDependencies,
  client: DraftClient,
  desk: Desk,
  movements: readonly Pick<ArrivedMovement, "item" | "kind">[],
): Promise<ReadonlyMap<string, MappingItem>> => {
  const missing = [...new Set(movements.map(({ item }) => item))].filter((code) => !desk.items.has(code));
  if (missing.length === 0) return desk.items;
  return new Map([...desk.items, ...(await readItems(dependencies, client, missing, movements))]);
};

/** A provision may stand for a whole class of many cheap items: then the class is named where others name an item. */
const readItems = async (
  { stores, ledger }: DraftingDependencies,
  client: DraftClient,
  codes: readonly string[],
  movements: readonly Pick<ArrivedMovement, "item" | "kind">[],
): Promise<ReadonlyMap<string, MappingItem>> => {
  const rows = await stores.drafts.readItems(client, ledger.company, codes);
  const items = new Map(rows.map((row) => [row.code, mappingItemOf(row)]));
  const others = movements.filter(({ kind, item }) => kind === "provision" && !items.has(item)).map(({ item }) => item);
  if (others.length === 0) return items;
  for (const code of await stores.drafts.readItemClasses(client, ledger.company, [...new Set(others)]))
    items.set(code, { itemClass: code, unit: "", name: code, factorOf: () => undefined });
  return items;
};
