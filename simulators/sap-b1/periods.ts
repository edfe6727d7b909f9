/** Posting periods: twelve a year, each with a status and three windows for the three dates of a document. */

import { place, ServiceError } from "./errors.ts";
import { type Origin, type Row, text } from "./model.ts";
import type { World } from "./world.ts";

export const PERIODS = "OFPR";
export const CATEGORIES = "OACP";
const LAST_DAY = ["31", "28", "31", "30", "31", "30", "31", "31", "30", "31", "30", "31"];

const lastDay = (year: number, month: number): string => {
  const leap = month === 2 && ((year % 4 === 0 && year % 100 !== 0) || year % 400 === 0);
  return leap ? "29" : (LAST_DAY[month - 1] ?? "30");
};

/** Makes the years from the one before the open period to the one after today; what lies before is locked. */
export function seedPeriods(world: World, origin: Origin): void {
  const first = Number(world.openPeriod.slice(0, 4)) - 1;
  const last = Math.max(first + 1, Number(world.today().slice(0, 4))) + 1;
  let entry = 0;
  for (let year = first; year <= last; year += 1) {
    world.store.put(CATEGORIES, String(year - first + 1), categoryOf(year, year - first + 1), origin);
    for (let month = 1; month <= 12; month += 1) {
      entry += 1;
      const code = `${year}-${String(month).padStart(2, "0")}`;
      const status = code < world.openPeriod ? "ltLocked" : "ltUnlocked";
      world.store.put(PERIODS, String(entry), periodOf(entry, year, month, status), origin);
    }
  }
}

function categoryOf(year: number, entry: number): Row {
  return {
    AbsoluteEntry: entry,
    BeginningofFinancialYear: `${year}-01-01`,
    FinancialYear: year,
    SubPeriodType: "spt_Months",
    NumberOfPeriods: 12,
    PeriodCategory: String(year),
    PeriodIndicator: String(year),
    PeriodName: String(year),
  };
}

function periodOf(entry: number, year: number, month: number, status: string): Row {
  const code = `${year}-${String(month).padStart(2, "0")}`;
  return {
    AbsoluteEntry: entry,
    PeriodCode: code,
    PeriodName: code,
    PeriodIndicator: String(year),
    SubNum: month,
    PostingDateFrom: `${code}-01`,
    PostingDateTo: `${code}-${lastDay(year, month)}`,
    ValueDateFrom: `${year}-01-01`,
    ValueDateTo: `${year + 1}-12-31`,
    TaxDateFrom: `${year - 1}-01-01`,
    TaxDateTo: `${year}-12-31`,
    Locked: status === "ltLocked" ? "tYES" : "tNO",
    PeriodStatus: status,
    ActiveforFeed: "tNO",
    AdditionalSubPeriods: "tNO",
  };
}

export function periods(world: World): Row[] {
  return [...world.store.rows(PERIODS)].map(([, { row }]) => row);
}

export function periodOn(world: World, date: string): Row | undefined {
  return periods(world).find((row) => text(row, "PostingDateFrom") <= date && date <= text(row, "PostingDateTo"));
}

export type DatesToCheck = {
  readonly posting: string;
  readonly due: string;
  readonly tax: string;
  /** table for the suffix of the text, "OJDT" */
  readonly table: string;
  /** columns of the three dates in that table */
  readonly columns: readonly [posting: string, due: string, tax: string];
  readonly isSale: boolean;
};

export const JOURNAL_DATES = ["RefDate", "DueDate", "TaxDate"] as const;
export const DOCUMENT_DATES = ["DocDate", "DocDueDate", "TaxDate"] as const;

/**
 * A locked period and a date outside its window are two different refusals (posting periods: field note; the code of the
 * second is the simulator's choice).
 *
 * @returns the period in which the document lies
 */
export function checkDates(world: World, dates: DatesToCheck): Row {
  const period = periodOn(world, dates.posting);
  const outside = (column: string): ServiceError =>
    new ServiceError(-10, `Date deviates from permissible range${place(`${dates.table}.${column}`)}`);
  const [posting, due, tax] = dates.columns;
  if (period === undefined) throw outside(posting);
  const status = text(period, "PeriodStatus");
  const open = status === "ltUnlocked" || (status === "ltUnlockedExceptSales" && !dates.isSale);
  if (!open) throw new ServiceError(-4013, "Posting period locked; specify an alternative date");
  if (dates.due < text(period, "ValueDateFrom") || dates.due > text(period, "ValueDateTo")) throw outside(due);
  if (dates.tax < text(period, "TaxDateFrom") || dates.tax > text(period, "TaxDateTo")) throw outside(tax);
  return period;
}

/** Locks this period and all before it, or unlocks it and all after it. */
export function setPeriodsThrough(world: World, code: string, open: boolean, origin: Origin): number {
  let changed = 0;
  for (const [key, { row }] of world.store.rows(PERIODS)) {
    const concerned = open ? text(row, "PeriodCode") >= code : text(row, "PeriodCode") <= code;
    const status = open ? "ltUnlocked" : "ltLocked";
    if (!concerned || row["PeriodStatus"] === status) continue;
    world.store.put(PERIODS, key, { ...row, PeriodStatus: status, Locked: open ? "tNO" : "tYES" }, origin);
    changed += 1;
  }
  return changed;
}

export function dayBefore(date: string): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
}
