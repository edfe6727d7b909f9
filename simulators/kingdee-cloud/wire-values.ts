/** Reading what callers send: keys in any case, booleans and numbers as themselves or as text. */

import { parseDecimal } from "../shared/decimal.ts";

/** @returns the member of that name, found without regard to case; undefined when the value is no object */
export function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const wanted = name.toLowerCase();
  for (const [key, member] of Object.entries(value)) {
    if (key.toLowerCase() === wanted) return member;
  }
  return undefined;
}

export function membersOf(value: unknown): [key: string, member: unknown][] {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}

export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** @returns the text of a scalar; "" for anything else */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

export function integerOf(value: unknown): number | undefined {
  const text = textOf(value).trim();
  return /^[+-]?\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** @returns undefined for what is neither empty nor a number */
export function amountOf(value: unknown): bigint | undefined {
  const text = textOf(value).trim();
  return text === "" ? 0n : parseDecimal(text);
}

/** true, "true", "True", 1 and "1" */
export function flagOf(value: unknown, otherwise: boolean): boolean {
  const text = textOf(value).trim().toLowerCase();
  if (text === "") return otherwise;
  return text === "true" || text === "1";
}
