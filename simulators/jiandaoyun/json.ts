import { z } from "zod";

/** Any JSON value, as a parser returns it. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export const JsonValue: z.ZodType<Json> = z.json();

/**
 * A value that is answered as this very text, whatever it is: how a test plants `1e3`, a twenty-digit number or a value
 * of the wrong type into a record. It is stored as an object of this one key.
 */
const RAW_KEY = "$raw";
const RAW_MARK = "\u0001raw:";
const RAW_IN_TEXT = /"\\u0001raw:((?:[^"\\]|\\.)*)"/g;

export function rawValue(text: string): JsonObject {
  return { [RAW_KEY]: text };
}

/** The placeholder that `renderJson` turns into the planted text, or undefined when the value was not planted. */
export function rawPlaceholder(value: Json): string | undefined {
  if (!isObject(value)) return undefined;
  const text = value[RAW_KEY];
  return typeof text === "string" ? `${RAW_MARK}${text}` : undefined;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** JSON text of an answer or a push, with planted values as they were planted. */
export function renderJson(value: unknown): string {
  const text = JSON.stringify(value);
  if (!text.includes('"\\u0001raw:')) return text;
  return text.replaceAll(RAW_IN_TEXT, (_whole, inner: string) => String(JSON.parse(`"${inner}"`)));
}
