/** Reads `Items('A1')/ItemName`: a set or service, its key in any accepted form, and what follows (guide §3.5.2, §3.10). */

import type { SetDefinition } from "./schema.ts";
import type { Schema } from "./schema-registry.ts";

export type ResourcePath = {
  readonly name: string;
  /** undefined: no parentheses */
  readonly key: string | undefined;
  /** what stands behind the key, "Cancel", "DocEntry", "$value" */
  readonly rest: readonly string[];
};

/** @param path  decoded once, without the service root */
export function parsePath(path: string): ResourcePath | undefined {
  const found = /^(\$?[^(/]+)(?:\(((?:[^')]|'(?:[^']|'')*')*)\))?(?:\/(.*))?$/s.exec(path);
  if (found === null) return undefined;
  const [, name = "", key, rest] = found;
  return { name, key, rest: rest === undefined || rest === "" ? [] : rest.split("/") };
}

type KeyPart = { readonly name: string | undefined; readonly value: string };

/** @returns the key as records are kept under; undefined when it does not fit the set */
export function recordKey(set: SetDefinition, schema: Schema, text: string): string | undefined {
  const parts = keyParts(text);
  if (parts === undefined || parts.length !== set.keys.length) return undefined;
  const values = set.keys.map((name, index) => {
    const part =
      parts.find((one) => one.name === name) ?? (parts[index]?.name === undefined ? parts[index] : undefined);
    return part === undefined ? undefined : { name, value: part.value };
  });
  if (values.some((value) => value === undefined)) return undefined;
  const [only] = values;
  if (values.length === 1 && only !== undefined) {
    const isInt = schema.type(set.type).properties.get(only.name)?.kind === "int";
    return isInt && /^-?\d+$/.test(only.value) ? String(Number(only.value)) : only.value;
  }
  return values
    .map((value) => {
      if (value === undefined) return "";
      const isInt = schema.type(set.type).properties.get(value.name)?.kind === "int";
      return isInt ? `${value.name}=${value.value}` : `${value.name}='${value.value}'`;
    })
    .join(",");
}

function keyParts(text: string): KeyPart[] | undefined {
  const parts: KeyPart[] = [];
  const pattern = /\s*(?:(\w+)\s*=\s*)?('(?:[^']|'')*'|[^,']+?)\s*(?:,|$)/y;
  while (pattern.lastIndex < text.length) {
    const found = pattern.exec(text);
    if (found === null) return undefined;
    const [, name, raw = ""] = found;
    parts.push({ name, value: raw.startsWith("'") ? raw.slice(1, -1).replaceAll("''", "'") : raw });
  }
  return parts.length === 0 ? undefined : parts;
}

/** @returns the key as it stands in a Location header: `Items('i1')`, `JournalEntries(48211)` */
export function keyInUrl(set: SetDefinition, schema: Schema, key: string): string {
  const [first = ""] = set.keys;
  if (set.keys.length > 1) return `${set.name}(${encodeKey(key)})`;
  const isInt = schema.type(set.type).properties.get(first)?.kind === "int";
  return `${set.name}(${isInt ? key : `'${encodeKey(key.replaceAll("'", "''"))}'`})`;
}

/** Header values are ASCII; quotes and commas stay readable. */
const encodeKey = (key: string): string =>
  encodeURIComponent(key)
    .replaceAll("%27", "'")
    .replaceAll("%2C", ",")
    .replaceAll("%3D", "=")
    .replaceAll("%40", "@")
    .replaceAll("%3A", ":");

/** @returns the query with `+` as blank, names and values decoded once; the last of a name counts */
export function parseOptions(query: string): Map<string, string> {
  const options = new Map<string, string>();
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const at = pair.indexOf("=");
    const [name, value] = at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
    options.set(decoded(name), decoded(value));
  }
  return options;
}

function decoded(text: string): string {
  const blanks = text.replaceAll("+", " ");
  try {
    return decodeURIComponent(blanks);
  } catch {
    return blanks;
  }
}
