/**
 * Exact decimal sums for the simulated books: amounts are bigints counted in units of 10^-10, the finest step that the
 * simulated vendors keep. Text goes in, text comes out, no float in between.
 */

import Big from "big.js";

export const DECIMAL_PLACES = 10;
const SCALE = 10n ** BigInt(DECIMAL_PLACES);
const PLAIN_DECIMAL = /^([+-]?)(\d{1,28})(?:\.(\d{0,10}))?$/;
/** Beyond this many characters a number is refused unread; no vendor takes longer ones. */
const LENGTH_MAX = 64;

/** @returns the amount in 10^-10, or undefined when the text is no number or finer or larger than can be kept */
export function parseDecimal(text: string): bigint | undefined {
  const trimmed = text.trim();
  const plain = PLAIN_DECIMAL.exec(trimmed);
  if (plain) {
    const fraction = (plain[3] ?? "").padEnd(DECIMAL_PLACES, "0");
    const magnitude = BigInt(plain[2] ?? "0") * SCALE + BigInt(fraction);
    return plain[1] === "-" ? -magnitude : magnitude;
  }
  if (trimmed.length > LENGTH_MAX || !/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?$/.test(trimmed)) return undefined;
  const scaled = new Big(trimmed.replace(/^\+/, "")).times(SCALE.toString());
  return scaled.eq(scaled.round(0)) ? BigInt(scaled.toFixed(0)) : undefined;
}

/** @returns plain text with exactly `places` decimals ("12.5000000000"); what does not fit is rounded half away from zero */
export function formatDecimal(value: bigint, places: number = DECIMAL_PLACES): string {
  const rounded = roundDecimal(value, places);
  const magnitude = rounded < 0n ? -rounded : rounded;
  const whole = (magnitude / SCALE).toString();
  const fraction = (magnitude % SCALE).toString().padStart(DECIMAL_PLACES, "0").slice(0, places);
  return `${rounded < 0n ? "-" : ""}${whole}${places === 0 ? "" : `.${fraction}`}`;
}

/** @returns the shortest plain text: "12.5", "0", "-3" */
export function trimDecimal(value: bigint): string {
  return formatDecimal(value).replace(/\.?0+$/, "");
}

/** Rounds half away from zero, as Chinese bookkeeping does (四舍五入). */
export function roundDecimal(value: bigint, places: number): bigint {
  const step = 10n ** BigInt(DECIMAL_PLACES - places);
  const magnitude = value < 0n ? -value : value;
  const rounded = ((magnitude + step / 2n) / step) * step;
  return value < 0n ? -rounded : rounded;
}

/** @returns left × right ÷ divisor, rounded to 10 places; undefined when the divisor is zero */
export function scaleDecimal(left: bigint, right: bigint, divisor: bigint): bigint | undefined {
  if (divisor === 0n) return undefined;
  const numerator = left * right;
  const negative = numerator < 0n !== divisor < 0n;
  const above = numerator < 0n ? -numerator : numerator;
  const below = divisor < 0n ? -divisor : divisor;
  const rounded = (above + below / 2n) / below;
  return negative ? -rounded : rounded;
}

export const ONE = SCALE;
