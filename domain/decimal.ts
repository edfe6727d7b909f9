import Big from "big.js";
import { z } from "zod";

// Strict mode makes big.js refuse JavaScript numbers, so that a float can never slip into a sum.
const Exact = Big();
Exact.strict = true;
Exact.DP = 40;
Exact.RM = Big.roundHalfUp;

const PLAIN = /^-?(0|[1-9]\d*)(\.\d+)?$/;

/** An exact number as plain decimal text: "-12.50", never "1e3", never a float. */
export const Decimal = z.string().regex(PLAIN, "not a plain decimal number").brand<"Decimal">();
export type Decimal = z.infer<typeof Decimal>;

/** @throws ZodError when the text is not a plain decimal number. */
export const decimal = (text: string): Decimal => Decimal.parse(text);

export const isDecimal = (text: string): text is Decimal => PLAIN.test(text);

const ofBig = (value: Big): Decimal => {
  const text = value.toFixed();
  return (text === "-0" ? "0" : text) as Decimal;
};
const big = (value: Decimal): Big => new Exact(value);

export const ZERO = decimal("0");

export const add = (a: Decimal, b: Decimal): Decimal => ofBig(big(a).plus(big(b)));
export const subtract = (a: Decimal, b: Decimal): Decimal => ofBig(big(a).minus(big(b)));
export const multiply = (a: Decimal, b: Decimal): Decimal => ofBig(big(a).times(big(b)));
export const negate = (a: Decimal): Decimal => ofBig(big(a).times("-1"));
export const absolute = (a: Decimal): Decimal => ofBig(big(a).abs());
export const sum = (values: Iterable<Decimal>): Decimal => {
  let total = big(ZERO);
  for (const value of values) total = total.plus(big(value));
  return ofBig(total);
};

/** @param places digits behind the point; halves go away from zero (四舍五入) */
export const round = (a: Decimal, places: number): Decimal => ofBig(big(a).round(places, Big.roundHalfUp));
/** Rounded half up and printed with exactly `places` digits: "12.50". */
export const toFixed = (a: Decimal, places: number): Decimal => {
  const text = big(a).toFixed(places, Big.roundHalfUp);
  return (/^-0(\.0+)?$/.test(text) ? text.slice(1) : text) as Decimal;
};
/** @throws Error on division by zero. @param places digits of the result, half up */
export const divide = (a: Decimal, b: Decimal, places: number): Decimal =>
  ofBig(big(a).div(big(b)).round(places, Big.roundHalfUp));

export const compare = (a: Decimal, b: Decimal): -1 | 0 | 1 => big(a).cmp(big(b));
export const equal = (a: Decimal, b: Decimal): boolean => compare(a, b) === 0;
export const isZero = (a: Decimal): boolean => compare(a, ZERO) === 0;
export const isNegative = (a: Decimal): boolean => compare(a, ZERO) < 0;
export const isPositive = (a: Decimal): boolean => compare(a, ZERO) > 0;

/** One spelling per value: "1.50" and "1.5" both become "1.5". Used before values are compared as text or digested. */
export const normalize = (a: Decimal): Decimal => ofBig(big(a));

/** Digits behind the point as written: 2 for "1.50". */
export const scaleOf = (a: Decimal): number => a.split(".")[1]?.length ?? 0;
