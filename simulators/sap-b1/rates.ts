/** Exchange rates: one per currency and day (ORTT); without one the vendor refuses. */

import { parseDecimal, scaleDecimal, ONE } from "../shared/decimal.ts";
import { ServiceError } from "./errors.ts";
import { type Origin, text } from "./model.ts";
import type { World } from "./world.ts";

const RATES = "ORTT";

export type Rate = {
  /** local units per foreign unit, in 10^-10 */
  readonly value: bigint;
  convert(foreign: bigint): bigint;
};

export function putRate(world: World, currency: string, date: string, rate: string, origin: Origin): void {
  if (parseDecimal(rate) === undefined) throw new Error(`"${rate}" is no exchange rate.`);
  world.store.put(RATES, `${currency}|${date}`, { Currency: currency, RateDate: date, Rate: rate }, origin);
}

/** @throws ServiceError when there is none for the day (text: field note, with its blanks; code: the simulator's choice) */
export function rateOn(world: World, currency: string, date: string): Rate {
  const value = parseDecimal(text(world.row(RATES, `${currency}|${date}`), "Rate"));
  if (value === undefined) throw new ServiceError(-4006, `Update the exchange rate  , '${currency}'`);
  return { value, convert: (foreign) => scaleDecimal(foreign, value, ONE) ?? 0n };
}
