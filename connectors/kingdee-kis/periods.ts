import { type Period, nextPeriod, period, shiftPeriod } from "../../domain/dates.ts";
import type { PeriodState } from "../contract.ts";
import type { KingdeeKisSettings } from "./settings.ts";

/** Months around today that count as periods where the settings name no first one. */
const MONTHS_BACK = 24;
const MONTHS_AHEAD = 12;
const MONTHS_MAX = 1_200;

/** The program cannot be asked: what the settings do not call closed is open, and its log says otherwise. */
export const periodsOf = (
  { startPeriod, closedThrough }: Pick<KingdeeKisSettings, "startPeriod" | "closedThrough">,
  exported: readonly Period[],
  now: Date,
): readonly PeriodState[] => {
  const current = period(now.toISOString().slice(0, 7));
  const known = [...exported, shiftPeriod(current, -MONTHS_BACK)].toSorted((a, b) => (a < b ? -1 : 1));
  const first = startPeriod ?? known[0] ?? current;
  const last = shiftPeriod(current, MONTHS_AHEAD);
  const states: PeriodState[] = [];
  for (let month = first; month <= last && states.length < MONTHS_MAX; month = nextPeriod(month))
    states.push({ period: month, open: isOpen(month, { closedThrough }) });
  return states;
};

export const isOpen = (of: Period, { closedThrough }: Pick<KingdeeKisSettings, "closedThrough">): boolean =>
  closedThrough === undefined || of > closedThrough;
