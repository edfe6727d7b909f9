import { Period, nextPeriod, period, shiftPeriod } from "../../domain/dates.ts";
import type { PeriodState } from "../contract.ts";
import type { LedgerSettings } from "./ledger-settings.ts";
import { PinnedForm, headText, meets } from "./pinned-form.ts";
import type { VendorApi } from "./vendor-api.ts";

/** Months before the first and after the last one that is named, so that a list shows where it begins and ends. */
const MONTHS_AROUND = 12;
const MONTHS_MAX = 1_200;

/** Which months take vouchers, as the settings or a form of the app say it. */
export class LedgerPeriods {
  readonly #settings: LedgerSettings;
  readonly #now: () => Date;
  readonly form: PinnedForm | undefined;

  constructor(api: VendorApi, settings: LedgerSettings, now: () => Date) {
    this.#settings = settings;
    this.#now = now;
    const { periods } = settings;
    if (!("entryId" in periods)) return;
    const head = [...new Set([periods.period, ...periods.openWhen.map(({ field }) => field)])];
    this.form = new PinnedForm(api, settings.appId, periods.entryId, "periods", { head, subform: undefined, line: [] });
  }

  async states(): Promise<readonly PeriodState[]> {
    const { periods } = this.#settings;
    if ("entryId" in periods) return this.#fromForm();
    const today = period(this.#now().toISOString().slice(0, 7));
    if ("open" in periods) {
      const open = periods.open.toSorted();
      const [first = today] = open;
      return span(first, open.at(-1) ?? first, (month) => open.includes(month));
    }
    const { openFrom, openUntil } = periods;
    const last = openUntil ?? (today > openFrom ? today : openFrom);
    return span(openFrom, last, (month) => month >= openFrom && (openUntil === undefined || month <= openUntil));
  }

  /** A month that nobody speaks of is closed. */
  async isOpen(of: Period): Promise<boolean> {
    return (await this.states()).some((state) => state.period === of && state.open);
  }

  async #fromForm(): Promise<readonly PeriodState[]> {
    const { periods } = this.#settings;
    const { form } = this;
    if (form === undefined || !("entryId" in periods)) return [];
    const pins = await form.look();
    const open = new Map<Period, boolean>();
    for await (const rows of form.rows.matching([]))
      for (const row of rows) {
        const month = Period.safeParse(monthOf(headText(pins, row, periods.period)));
        if (!month.success) continue;
        const isOpen = periods.openWhen.every((condition) => meets(pins, row, condition));
        // Two records for one month that disagree: the careful one counts.
        open.set(month.data, isOpen && open.get(month.data) !== false);
      }
    return [...open].map(([month, isOpen]) => ({ period: month, open: isOpen })).toSorted(byPeriod);
  }
}

const byPeriod = (a: PeriodState, b: PeriodState): number => (a.period < b.period ? -1 : 1);

/** "202501", "2025/1" and "2025年1月" are what people write as well. */
const monthOf = (text: string): string => {
  const parts = /^(\d{4})\D?(\d{1,2})\D?$/.exec(text);
  return parts === null ? text : `${parts[1]}-${(parts[2] ?? "").padStart(2, "0")}`;
};

const span = (first: Period, last: Period, isOpen: (month: Period) => boolean): readonly PeriodState[] => {
  const end = shiftPeriod(last, MONTHS_AROUND);
  const states: PeriodState[] = [];
  for (
    let month = shiftPeriod(first, -MONTHS_AROUND);
    month <= end && states.length < MONTHS_MAX;
    month = nextPeriod(month)
  )
    states.push({ period: month, open: isOpen(month) });
  return states;
};
