import { type Period, nextPeriod, period, shiftPeriod } from "../../domain/dates.ts";
import type { PeriodState } from "../contract.ts";

/** Months after the first open one that are reported as open. */
const MONTHS_AHEAD = 12;
/** Bounds the walk to the first open period, and the list. */
const MONTHS_MAX = 240;

/** Whether a period is open; undefined where U8 has no such period (yet). */
export type AskPeriod = (of: Period) => Promise<boolean | undefined>;

/** January of last year, where the settings do not name the first period. */
export const sinceOf = (since: string | undefined, now: Date): Period =>
  since === undefined ? period(`${now.getUTCFullYear() - 1}-01`) : period(since);

/**
 * U8 closes one period after the other, so there is one border: everything before it is closed. It is found by walking from
 * where it was last time, which takes two questions when nothing changed.
 */
export class PeriodBorder {
  #firstOpen: Period | undefined;

  async read(ask: AskPeriod, since: Period, now: Date): Promise<readonly PeriodState[]> {
    const start = this.#firstOpen ?? period(now.toISOString().slice(0, 7));
    const firstOpen = await walk(ask, start < since ? since : start, since);
    this.#firstOpen = firstOpen;
    const states: PeriodState[] = [];
    for (let month = since; month < firstOpen && states.length < MONTHS_MAX; month = nextPeriod(month))
      states.push({ period: month, open: false });
    // A year that U8 has not opened yet takes no vouchers.
    const years = new Map<string, boolean>();
    const last = shiftPeriod(firstOpen, MONTHS_AHEAD);
    for (let month = firstOpen; month <= last; month = nextPeriod(month)) {
      const year = month.slice(0, 4);
      const isThere = years.get(year) ?? (await ask(month)) !== undefined;
      years.set(year, isThere);
      if (!isThere) break;
      states.push({ period: month, open: true });
    }
    return states;
  }
}

const walk = async (ask: AskPeriod, from: Period, since: Period): Promise<Period> => {
  let month = from;
  let open = await ask(month);
  for (let step = 0; step < MONTHS_MAX; step += 1) {
    if (open === false) {
      month = nextPeriod(month);
      open = await ask(month);
      if (open !== false) return month;
      continue;
    }
    if (month <= since) return month;
    const before = shiftPeriod(month, -1);
    const wasOpen = await ask(before);
    if (wasOpen === false) return month;
    month = before;
    open = wasOpen;
  }
  return month;
};
