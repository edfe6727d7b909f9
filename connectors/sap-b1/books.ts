import { z } from "zod";
import { BusinessDate, type Period, firstDayOf, lastDayOf, nextPeriod, periodOf } from "../../domain/dates.ts";
import { Decimal, ZERO, add, isZero, negate, normalize, subtract } from "../../domain/decimal.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import type { AccountBalance, ErpVoucher, MasterDataKind, MasterDataRow, PeriodState } from "../contract.ts";
import type { AccountNames } from "./accounts.ts";
import type { B1Channel } from "./channel.ts";
import { type Entity, allPages, isYes, oneOf, quoted, textOf } from "./query.ts";
import type { SapB1Settings } from "./settings.ts";
import { signedAmount } from "./voucher-rows.ts";

/** Years that a company has at most; also bounds a year's finance periods. */
const CATEGORIES_MAX = 200;
const MONTHS_MAX = 1_200;

const Rows = z.union([
  z.object({ value: z.array(z.record(z.string(), z.unknown())) }).transform(({ value }) => value),
  z.array(z.record(z.string(), z.unknown())),
]);

/** A reader of CompanyService: POST in both editions, since v1 takes nothing else (reference §7.4). @throws ZhangshiError */
export const askCompany = async (channel: B1Channel, operation: string, body: unknown = {}): Promise<unknown> => {
  const answer = await channel.read("company", `CompanyService_${operation}`, { body });
  if (answer.kind === "answered" && answer.status === 200) return answer.body;
  const { code, message } = channel.errorOf(answer);
  throw new ZhangshiError(code, { operation, message });
};

const rowsOf = async (channel: B1Channel, operation: string, body: unknown = {}): Promise<readonly Entity[]> => {
  const rows = Rows.safeParse(await askCompany(channel, operation, body));
  if (!rows.success) throw new ZhangshiError("READ_FAILED", { operation, reason: "no collection in the answer" });
  return rows.data;
};

/** Statuses in which a journal entry may be added; "except sales" concerns sales documents (reference §7.4). */
const OPEN: ReadonlySet<string> = new Set(["ltUnlocked", "N", "ltUnlockedExceptSales", "S"]);

interface FinancePeriod {
  readonly from: BusinessDate;
  readonly to: BusinessDate;
  readonly open: boolean;
}

/** Calendar months from the finance periods of all years; a month counts as open when one of its finance periods is. @throws ZhangshiError */
export const readPeriods = async (channel: B1Channel): Promise<readonly PeriodState[]> => {
  const months = new Map<Period, boolean>();
  const categories = await rowsOf(channel, "GetPeriods");
  for (const category of categories.slice(0, CATEGORIES_MAX)) {
    const id = exactId(category["AbsoluteEntry"]);
    const rows = await rowsOf(channel, "GetFinancePeriods", { PeriodCategoryParams: { AbsoluteEntry: id } });
    for (const row of rows) {
      const { from, to, open } = financePeriod(row);
      let month = periodOf(from);
      for (let steps = 0; month <= periodOf(to) && steps < MONTHS_MAX; steps += 1) {
        months.set(month, open || months.get(month) === true);
        month = nextPeriod(month);
      }
    }
  }
  return [...months].sort(([a], [b]) => (a < b ? -1 : 1)).map(([period, open]) => ({ period, open }));
};

const financePeriod = (row: Entity): FinancePeriod => {
  const day = (field: string): BusinessDate => {
    const parsed = BusinessDate.safeParse(textOf(row[field]).slice(0, 10));
    if (parsed.success) return parsed.data;
    throw new ZhangshiError("READ_FAILED", { field, value: textOf(row[field]).slice(0, 40) });
  };
  const status = textOf(row["PeriodStatus"]);
  const open = status === "" ? !isYes(row["Locked"]) : OPEN.has(status);
  return { from: day("PostingDateFrom"), to: day("PostingDateTo"), open };
};

const exactId = (value: unknown): number => {
  const parsed = z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ZhangshiError("READ_FAILED", { field: "AbsoluteEntry", value: textOf(value).slice(0, 40) });
};

interface MasterDataSource {
  readonly set: string;
  readonly code: string;
  readonly name: string;
  readonly more: readonly string[];
  readonly filter?: string;
  readonly usable: (row: Entity) => boolean;
}

/** Sets and flags: reference §7.10; ProfitCenters and TransactionCodes by SAP's own entity names, never seen live. */
const sources = (settings: SapB1Settings): Readonly<Record<MasterDataKind, MasterDataSource | undefined>> => ({
  account: {
    set: "ChartOfAccounts",
    code: settings.accountCodes === "format" ? "FormatCode" : "Code",
    name: "Name",
    more: ["ActiveAccount", "FrozenFor", "BlockManualPosting", "LockManualTransaction"],
    // A control account takes lines of partners only.
    usable: (row) =>
      isYes(row["ActiveAccount"]) &&
      !isYes(row["FrozenFor"]) &&
      !isYes(row["BlockManualPosting"]) &&
      (!isYes(row["LockManualTransaction"]) ||
        settings.controlAccounts[textOf(row[settings.accountCodes === "format" ? "FormatCode" : "Code"])] !==
          undefined),
  },
  item: {
    set: "Items",
    code: "ItemCode",
    name: "ItemName",
    more: ["Frozen"],
    usable: (row) => !isYes(row["Frozen"]),
  },
  warehouse: {
    set: "Warehouses",
    code: "WarehouseCode",
    name: "WarehouseName",
    more: ["Inactive"],
    usable: (row) => !isYes(row["Inactive"]),
  },
  supplier: partner("cSupplier"),
  customer: partner("cCustomer"),
  department: settings.dimensions.department?.startsWith("CostingCode") === true ? costCentre : undefined,
  // Units stand on the line as text, and B1 keeps none for journal entries.
  unit: undefined,
  word: { set: "TransactionCodes", code: "Code", name: "Description", more: [], usable: () => true },
});

/** Lines name distribution rules; every cost centre has one of its own code that gives everything to it. */
const costCentre: MasterDataSource = {
  set: "ProfitCenters",
  code: "CenterCode",
  name: "CenterName",
  more: ["Active"],
  usable: (row) => isYes(row["Active"]),
};

const partner = (cardType: string): MasterDataSource => ({
  set: "BusinessPartners",
  code: "CardCode",
  name: "CardName",
  more: ["Frozen"],
  filter: `CardType eq ${quoted(cardType)}`,
  usable: (row) => !isYes(row["Frozen"]),
});

const CODES_PER_QUERY = 40;

/** @throws ZhangshiError */
export const readMasterData = async (
  channel: B1Channel,
  settings: SapB1Settings,
  kind: MasterDataKind,
  codes: readonly string[] | undefined,
): Promise<readonly MasterDataRow[]> => {
  const source = sources(settings)[kind];
  if (source === undefined) return [];
  const found = new Map<string, MasterDataRow>();
  for (const chunk of codes === undefined ? [undefined] : chunks(codes, CODES_PER_QUERY)) {
    const conditions = [
      ...(source.filter === undefined ? [] : [source.filter]),
      ...(chunk === undefined ? [] : [`(${oneOf(source.code, chunk.map(quoted))})`]),
    ];
    const query = {
      set: source.set,
      select: [source.code, source.name, ...source.more],
      filter: conditions.length === 0 ? undefined : conditions.join(" and "),
      order: `${source.code} asc`,
    };
    for await (const rows of allPages(channel, query, settings.pageSize))
      for (const row of rows) {
        const code = textOf(row[source.code]);
        found.set(code, { code, name: textOf(row[source.name]), usable: source.usable(row) });
      }
  }
  return [...found.values()];
};

export function* chunks<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}

/** How often the chart is read again because its balances moved while the entries were read. */
const CHART_READS_MAX = 4;

/**
 * The chart's balances count every entry, future ones too (reference §10): what lies behind the period is taken off again.
 * Posting that goes on meanwhile is noticed, because the chart is read before and after.
 * @param since  the journal entries from a day on, to the end of time
 */
export const balancesFromChart = async (
  channel: B1Channel,
  settings: SapB1Settings,
  names: AccountNames,
  of: Period,
  since: (from: BusinessDate) => AsyncIterable<readonly ErpVoucher[]>,
): Promise<readonly AccountBalance[]> => {
  let before = await readChart(channel, settings, names);
  for (let reads = 0; reads < CHART_READS_MAX; reads += 1) {
    const turnover = await turnoverSince(since(firstDayOf(of)), of);
    const after = await readChart(channel, settings, names);
    if (isSameChart(before, after)) return balancesOf(after, turnover);
    before = after;
  }
  throw new ZhangshiError("READ_FAILED", { period: of, reason: "balances keep moving while they are read" });
};

interface Turnover {
  debit: Decimal;
  credit: Decimal;
  /** Debit minus credit behind the period. */
  later: Decimal;
}

const turnoverSince = async (
  pages: AsyncIterable<readonly ErpVoucher[]>,
  of: Period,
): Promise<ReadonlyMap<string, Turnover>> => {
  const turnover = new Map<string, Turnover>();
  for await (const vouchers of pages)
    for (const voucher of vouchers)
      for (const line of voucher.lines) {
        const sums = turnover.get(line.account) ?? { debit: ZERO, credit: ZERO, later: ZERO };
        turnover.set(line.account, sums);
        if (voucher.date > lastDayOf(of)) sums.later = add(sums.later, signedAmount(line));
        else sums[line.side] = add(sums[line.side], line.amount);
      }
  return turnover;
};

const balancesOf = (
  chart: ReadonlyMap<string, Decimal>,
  turnover: ReadonlyMap<string, Turnover>,
): readonly AccountBalance[] =>
  [...new Set([...chart.keys(), ...turnover.keys()])].flatMap((account) => {
    const { debit, credit, later } = turnover.get(account) ?? { debit: ZERO, credit: ZERO, later: ZERO };
    const closing = normalize(subtract(chart.get(account) ?? ZERO, later));
    const opening = normalize(add(subtract(closing, debit), credit));
    if ([opening, debit, credit, closing].every(isZero)) return [];
    return [
      { account, item: "", opening, debit: normalize(debit), credit: normalize(credit), closing, ...NO_QUANTITIES },
    ];
  });

const NO_QUANTITIES = {
  openingQuantity: undefined,
  debitQuantity: undefined,
  creditQuantity: undefined,
  closingQuantity: undefined,
} as const;

const isSameChart = (a: ReadonlyMap<string, Decimal>, b: ReadonlyMap<string, Decimal>): boolean =>
  a.size === b.size && [...a].every(([account, balance]) => b.get(account) === balance);

/** Current balances of accounts that take postings; title accounts repeat what stands below them. */
const readChart = async (
  channel: B1Channel,
  settings: SapB1Settings,
  names: AccountNames,
): Promise<ReadonlyMap<string, Decimal>> => {
  const balances = new Map<string, Decimal>();
  const query = { set: "ChartOfAccounts", select: ["Code", "Balance", "ActiveAccount"], order: "Code asc" };
  for await (const rows of allPages(channel, query, settings.pageSize))
    for (const row of rows) {
      if (!isYes(row["ActiveAccount"])) continue;
      const balance = Decimal.safeParse(textOf(row["Balance"]) || "0");
      if (!balance.success) throw new ZhangshiError("READ_FAILED", { set: query.set, field: "Balance" });
      balances.set(names.toAccount(textOf(row["Code"])), normalize(balance.data));
    }
  return balances;
};

/** Balances of accounts and items from journal entries alone, up to the period's end. */
export const sumEntries = async (
  pages: AsyncIterable<readonly ErpVoucher[]>,
  of: Period,
): Promise<readonly AccountBalance[]> => {
  const balances = new Map<string, AccountBalance>();
  for await (const vouchers of pages)
    for (const voucher of vouchers)
      for (const line of voucher.lines)
        for (const item of new Set(["", line.dimensions.item ?? ""])) {
          const name = JSON.stringify([line.account, item]);
          const known = balances.get(name) ?? emptyBalance(line.account, item);
          balances.set(name, withLine(known, line, voucher.period === of));
        }
  return [...balances.values()];
};

const emptyBalance = (account: string, item: string): AccountBalance => ({
  account,
  item,
  opening: ZERO,
  debit: ZERO,
  credit: ZERO,
  closing: ZERO,
  ...NO_QUANTITIES,
});

const withLine = (balance: AccountBalance, line: ErpVoucher["lines"][number], inPeriod: boolean): AccountBalance => {
  const { quantity } = line;
  const signed = quantity === undefined || line.side === "debit" ? quantity : negate(quantity);
  const on = (side: "debit" | "credit", value: Decimal | undefined): Decimal | undefined =>
    inPeriod && line.side === side ? value : undefined;
  const plus = (a: Decimal | undefined, b: Decimal | undefined): Decimal | undefined =>
    b === undefined ? a : add(a ?? ZERO, b);
  return {
    account: balance.account,
    item: balance.item,
    opening: inPeriod ? balance.opening : add(balance.opening, signedAmount(line)),
    debit: add(balance.debit, on("debit", line.amount) ?? ZERO),
    credit: add(balance.credit, on("credit", line.amount) ?? ZERO),
    closing: add(balance.closing, signedAmount(line)),
    openingQuantity: plus(balance.openingQuantity, inPeriod ? undefined : signed),
    debitQuantity: plus(balance.debitQuantity, on("debit", quantity)),
    creditQuantity: plus(balance.creditQuantity, on("credit", quantity)),
    closingQuantity: plus(balance.closingQuantity, signed),
  };
};
