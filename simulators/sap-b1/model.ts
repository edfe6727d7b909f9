/** What a record is while the simulator holds it: exact values under the vendor's own property names. */

import { formatDecimal, parseDecimal, roundDecimal, trimDecimal } from "../shared/decimal.ts";

/** Text, whole number, decimal text (doubles), ISO date, enum member, or the members of a sub-collection. */
export type Value = string | number | null | readonly Row[];
export type Row = { readonly [name: string]: Value | undefined };

export type Origin = { readonly kind: "api" | "person" | "system"; readonly request: string; readonly user: string };

export type Meta = {
  /** the DataVersion counter: 1 at creation, one more per write */
  readonly version: number;
  readonly origin: Origin;
  readonly createdSequence: number;
  readonly changedSequence: number;
};

export type Entry = { readonly row: Row; readonly meta: Meta };

/** Amounts carry six decimals in the database. */
export const PLACES_MAX = 6;

export const text = (row: Row | undefined, name: string): string => scalarText(row?.[name]);

export const number = (row: Row | undefined, name: string): number | undefined => {
  const value = row?.[name];
  return typeof value === "number" ? value : undefined;
};

/** @returns the decimal in units of 10^-10; 0 when absent */
export const amount = (row: Row | undefined, name: string): bigint => parseDecimal(text(row, name)) ?? 0n;

export const given = (row: Row | undefined, name: string): boolean => {
  const value = row?.[name];
  return value !== undefined && value !== null && value !== "";
};

export const list = (row: Row | undefined, name: string): readonly Row[] => {
  const value = row?.[name];
  return typeof value === "object" && value !== null ? value : [];
};

export const yes = (row: Row | undefined, name: string): boolean => row?.[name] === "tYES";

/** @returns decimal text of at most six places, "12.5" */
export const decimal = (value: bigint, places: number = PLACES_MAX): string => trimDecimal(roundDecimal(value, places));

/** @returns decimal text as a double is written: always with a point, "100.0" */
export function doubleText(value: string): string {
  const exact = parseDecimal(value) ?? 0n;
  const short = formatDecimal(exact, PLACES_MAX).replace(/0+$/, "");
  return short.endsWith(".") ? `${short}0` : short;
}

/** @returns a single value as text; "" for nothing, and for the members of a sub-collection */
export const scalarText = (value: Value | undefined): string =>
  typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
