import { type Decimal, round } from "./decimal.ts";

/*
 * Exact numbers as whole multiples of a small unit (cents, 10^-12 pieces): where many are added, this is several times
 * faster than a decimal library, and as exact.
 */

/** "12.5" at 2 places → 1250n; more digits are rounded half up. */
export const scaled = (value: Decimal, places: number): bigint => {
  const point = value.indexOf(".");
  if (point < 0) return BigInt(value) * tenTo(places);
  const digits = value.length - point - 1;
  if (digits > places) return scaled(round(value, places), places);
  return BigInt(value.slice(0, point) + value.slice(point + 1)) * tenTo(places - digits);
};

const POWERS_KNOWN = 20;
const POWERS = Array.from({ length: POWERS_KNOWN }, (_, power) => 10n ** BigInt(power));
export const tenTo = (power: number): bigint => POWERS[power] ?? 10n ** BigInt(power);

/** 1250n at 2 places → "12.50". */
export const textOf = (value: bigint, places: number): Decimal => {
  const negative = value < 0n;
  const digits = (negative ? -value : value).toString().padStart(places + 1, "0");
  const text = places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
  // Digits with at most one point are a plain decimal number by construction.
  return (negative ? `-${text}` : text) as Decimal;
};
