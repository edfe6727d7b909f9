/** JSON without floats: incoming numbers become their own text, outgoing numbers are written from text. */

import { parse } from "lossless-json";

/** A number to be written as it is spelled, such as 12.5000000000. */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type JsonOut =
  | string
  | number
  | boolean
  | null
  | JsonNumber
  | readonly JsonOut[]
  | { readonly [key: string]: JsonOut | undefined };

/**
 * Reads JSON; every number in it becomes text ("0.1", "1e3").
 *
 * @returns undefined when the text is no JSON (also when one object names a key twice with different values)
 */
export function parseJson(text: string): unknown {
  try {
    return parse(text, null, (number) => number);
  } catch {
    return undefined;
  }
}

/** Writes compact JSON in the order in which the keys were set; undefined members are left out. */
export function writeJson(value: JsonOut): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (value === null || typeof value === "number" || typeof value === "boolean") return String(value);
  if (value instanceof JsonNumber) return value.text;
  if (isList(value)) return `[${value.map(writeJson).join(",")}]`;
  let text = "";
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    text += `${text === "" ? "" : ","}${JSON.stringify(key)}:${writeJson(member)}`;
  }
  return `{${text}}`;
}

function isList(value: JsonOut): value is readonly JsonOut[] {
  return Array.isArray(value);
}
