/** Reading what callers send: numbers arrive as themselves or as text, filters in the query or as JSON body of a GET. */

import { parseDecimal } from "../shared/decimal.ts";
import { parseJson } from "../shared/json.ts";
import { ERR, Refusal } from "./model.ts";

export function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
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

export function textIn(value: unknown, name: string): string {
  return textOf(fieldOf(value, name)).trim();
}

/** true, "true", 1 and "1" */
export function flagIn(value: unknown, name: string): boolean {
  return ["true", "1"].includes(textIn(value, name).toLowerCase());
}

/**
 * @returns the number under that name; 0 when it is empty or absent
 * @throws Refusal when it is no number
 */
export function amountIn(value: unknown, name: string, where: string): bigint {
  const text = textIn(value, name);
  if (text === "") return 0n;
  const amount = parseDecimal(text);
  if (amount === undefined) throw new Refusal(ERR.validation, `${where}字段${name}的值“${text}”不是有效数字`);
  return amount;
}

/** Scalars of an object as text, for fields that are kept as they came. */
export function textsIn(value: unknown): Record<string, string> {
  const texts = membersOf(value).flatMap(([key, member]) => {
    const text = textOf(member);
    return text === "" ? [] : [[key, text] as const];
  });
  return Object.fromEntries(texts);
}

/**
 * The parameters of a call. The vendor's pages use the query, its PHP SDK sends a JSON body even with GET: both are read,
 * the query first.
 */
export class Parameters {
  readonly body: unknown;
  readonly #query: URLSearchParams;

  constructor(query: URLSearchParams, text: string) {
    this.#query = query;
    this.body = text.trim() === "" ? {} : parseJson(text);
  }

  text(name: string): string {
    return (this.#query.get(name) ?? textIn(this.body, name)).trim();
  }

  /** Lists come as JSON, as repeated parameters, or separated by commas. */
  list(name: string): string[] {
    const inBody = fieldOf(this.body, name);
    const all = Array.isArray(inBody) ? inBody.map(textOf) : [...this.#query.getAll(name), textOf(inBody)];
    const parts = all.flatMap((one) => one.replaceAll(/[[\]"\s]/g, "").split(","));
    return parts.filter((part) => part !== "");
  }

  flag(name: string): boolean {
    return ["true", "1"].includes(this.text(name).toLowerCase());
  }

  /** @throws Refusal when it is no whole number */
  whole(name: string, otherwise: number): number {
    const text = this.text(name);
    if (text === "") return otherwise;
    if (!/^\d{1,15}$/.test(text)) throw new Refusal(ERR.validation, `参数${name}[${text}]不正确`);
    return Number(text);
  }
}
