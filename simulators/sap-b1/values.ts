/** Between JSON and records: what a request may say about a property, and how an answer spells it. */

import { parseDecimal } from "../shared/decimal.ts";
import { JsonNumber, type JsonOut } from "../shared/json.ts";
import { enumMember } from "./enums.ts";
import { invalidProperty, invalidValue, ServiceError, tooLong, type Version } from "./errors.ts";
import { decimal, doubleText, type Row, type Value } from "./model.ts";
import type { Property, TypeDefinition } from "./schema.ts";
import type { Schema } from "./schema-registry.ts";

export type Spelling = {
  readonly version: Version;
  /** v2 dates: `2026-01-31T00:00:00Z` or `2026-01-31`; public samples show both */
  readonly dateStyleV2: "zulu" | "plain";
  readonly batchNumberName: "BatchNumber" | "BatchNumberProperty";
};

export type ReadOptions = {
  readonly schema: Schema;
  /** length of JournalEntry.Memo in the release at hand */
  readonly memoLength: number;
};

const COMPACT_DATE = /^(\d{4})(\d{2})(\d{2})(?:\d{6})?$/;
const ISO_DATE = /^(\d{4})-(\d{2})-(\d{2})(?:T.*)?$/;

/** @returns the ISO date of any accepted form (guide §3.7.4; a JSON number 20260131 too); undefined when it is none */
export function readDate(given: string): string | undefined {
  const found = COMPACT_DATE.exec(given) ?? ISO_DATE.exec(given);
  if (found === null) return undefined;
  const date = `${found[1] ?? ""}-${found[2] ?? ""}-${found[3] ?? ""}`;
  const at = new Date(`${date}T00:00:00Z`);
  return Number.isNaN(at.getTime()) || at.toISOString().slice(0, 10) !== date ? undefined : date;
}

/** @returns "18:38:00" of any accepted form (guide §3.7.5); undefined when it is none */
export function readTime(given: string): string | undefined {
  const clock = given.includes("T") ? given.slice(given.indexOf("T") + 1).replace(/Z$/, "") : given;
  const found = /^(\d{1,2}):?(\d{2})(?::?(\d{2}))?(?:\.\d+)?$/.exec(clock);
  if (found === null) return undefined;
  const [hours, minutes, seconds] = [Number(found[1]), Number(found[2]), Number(found[3] ?? "0")];
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  return [hours, minutes, seconds].map((part) => String(part).padStart(2, "0")).join(":");
}

/**
 * Reads one object of a request body. Read-only properties are dropped in silence (guide §3.5.3).
 *
 * @throws ServiceError -1000 for a name the type does not have, -1004 for a value it does not take
 */
export function readRow(type: TypeDefinition, body: unknown, options: ReadOptions): Row {
  if (!isRecord(body)) throw new ServiceError(-1000, "Invalid JSON format in request body");
  const row: Record<string, Value> = {};
  for (const [name, value] of Object.entries(body)) {
    if (name.startsWith("odata.") || name.startsWith("@odata.")) continue;
    const property = type.properties.get(name === "BatchNumberProperty" ? "BatchNumber" : name);
    if (property === undefined) throw invalidProperty(name, type.name);
    if (property.readOnly) continue;
    row[property.name] = readValue(property, value, type, options);
  }
  return row;
}

function readValue(property: Property, value: unknown, type: TypeDefinition, options: ReadOptions): Value {
  if (property.kind === "list") {
    if (value === null) return [];
    if (!Array.isArray(value)) throw invalidValue(JSON.stringify(value) ?? "", property.name);
    const member = options.schema.type(property.of ?? "");
    return value.map((one) => readRow(member, one, options));
  }
  if (value === null) return property.kind === "double" ? "0" : null;
  if (typeof value !== "string") throw invalidValue(JSON.stringify(value), property.name);
  return readScalar(property, value, type, options);
}

function readScalar(property: Property, value: string, type: TypeDefinition, options: ReadOptions): Value {
  const refuse = (): ServiceError => invalidValue(value, property.name);
  switch (property.kind) {
    case "double": {
      const exact = parseDecimal(value);
      if (exact === undefined) throw refuse();
      return decimal(exact);
    }
    case "int":
      if (value === "") return null;
      if (!/^-?\d{1,15}$/.test(value)) throw refuse();
      return Number(value);
    case "date":
    case "time": {
      if (value === "") return null;
      const read = property.kind === "date" ? readDate(value) : readTime(value);
      if (read === undefined) throw refuse();
      return read;
    }
    case "enum": {
      const member = enumMember(property.of ?? "", value);
      if (member === undefined) throw refuse();
      return member;
    }
    case "string":
    case "list": {
      const memo = property.name === "Memo" && type.name === "JournalEntry";
      const longest = memo ? options.memoLength : property.length;
      // Columns count characters as the database does: UTF-16 units of an nVarChar.
      if (longest !== undefined && value.length > longest) throw tooLong(property.name, type.name);
      return value;
    }
  }
}

/** @returns the row with every property of its type: nulls, zeroes and defaults where nothing was given */
export function fillRow(type: TypeDefinition, row: Row, schema: Schema): Row {
  const filled: Record<string, Value> = {};
  for (const property of type.properties.values()) {
    const value = row[property.name];
    if (property.kind === "list") {
      const member = schema.type(property.of ?? "");
      const members = typeof value === "object" && value !== null ? value : [];
      filled[property.name] = members.map((one) => fillRow(member, one, schema));
    } else if (value === undefined || (value === null && property.initial !== undefined)) {
      filled[property.name] = initialOf(property);
    } else filled[property.name] = value;
  }
  return filled;
}

function initialOf(property: Property): Value {
  if (property.initial === undefined) return property.kind === "double" ? "0" : null;
  return property.kind === "int" ? Number(property.initial) : property.initial;
}

/** @returns the row as an answer spells it; with `select` only those properties, in the type's order */
export function writeRow(
  type: TypeDefinition,
  row: Row,
  schema: Schema,
  spelling: Spelling,
  select?: ReadonlySet<string>,
): Record<string, JsonOut> {
  const out: Record<string, JsonOut> = {};
  for (const property of type.properties.values()) {
    if (select !== undefined && !select.has(property.name)) continue;
    const name = property.name === "BatchNumber" ? spelling.batchNumberName : property.name;
    out[name] = writeValue(property, row[property.name], schema, spelling);
  }
  return out;
}

export function writeValue(property: Property, value: Value | undefined, schema: Schema, spelling: Spelling): JsonOut {
  if (property.kind === "list") {
    const member = schema.type(property.of ?? "");
    const members = typeof value === "object" && value !== null ? value : [];
    return members.map((one) => writeRow(member, one, schema, spelling));
  }
  if (property.kind === "double") return new JsonNumber(doubleText(typeof value === "string" ? value : "0"));
  if (value === undefined || value === null || typeof value === "object") return initialJson(property, value);
  if (property.kind !== "date" || spelling.version === "v1" || spelling.dateStyleV2 === "plain") return value;
  return `${value}T00:00:00Z`;
}

/** A record kept before a user field existed says nothing about it. */
function initialJson(property: Property, value: Value | undefined): JsonOut {
  const initial = value === undefined ? initialOf(property) : null;
  return typeof initial === "object" ? null : initial;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
