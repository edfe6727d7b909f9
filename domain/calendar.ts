import type { BusinessDate, Period } from "./dates.ts";
import { firstDayOf, periodOf } from "./dates.ts";
import type { LedgerConfig } from "./installation.ts";

/** Which periods an account book takes vouchers in. */
export interface Calendar {
  /** In order. */
  readonly openPeriods: readonly Period[];
  readonly isOpen: (of: Period) => boolean;
  readonly nextOpen: (after: Period) => Period | undefined;
}

/** A period the ERP does not list is closed when it lies before the first open one, and open when it lies after. */
export const calendarOf = (states: readonly { readonly period: Period; readonly open: boolean }[]): Calendar => {
  const listed = new Map(states.map((state) => [state.period, state.open]));
  const openPeriods = states
    .filter(({ open }) => open)
    .map((state) => state.period)
    .sort((a, b) => (a < b ? -1 : 1));
  const first = openPeriods[0];
  return {
    openPeriods,
    isOpen: (of) => listed.get(of) ?? (first !== undefined && of >= first),
    nextOpen: (after) => openPeriods.find((each) => each >= after) ?? first,
  };
};

/**
 * Where a voucher of that day goes: on the day itself, on the first day of the next open period (补记), or it is held,
 * as the ledger decides.
 */
export const placeInPeriod = (
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
