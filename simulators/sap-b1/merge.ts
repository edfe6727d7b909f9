/** PATCH and PUT: how sub-collections are matched, and what of a posted record may not change. */

import { notUpdatable } from "./errors.ts";
import { list, type Row, type Value } from "./model.ts";
import type { TypeDefinition } from "./schema.ts";
import type { Schema } from "./schema-registry.ts";
import { fillRow } from "./values.ts";

export type UpdateMode = {
  /** PUT: what is omitted goes back to its default */
  readonly put: boolean;
  /** B1S-ReplaceCollectionsOnPatch: members that are not named are deleted */
  readonly replace: boolean;
  /** members without a key apply by position (they overwrite), or are always new */
  readonly linePatchMode: "positional" | "insert";
};

/** What names a member of a sub-collection, where it has a name of its own. */
const MEMBER_KEYS = ["Line_ID", "LineNum", "LineNumber", "WarehouseCode", "PriceList", "RowNum"] as const;

export function mergeRow(type: TypeDefinition, before: Row, input: Row, schema: Schema, mode: UpdateMode): Row {
  const base: Record<string, Value | undefined> = mode.put ? keptOnPut(type, before) : { ...before };
  for (const [name, value] of Object.entries(input)) {
    const property = type.properties.get(name);
    base[name] =
      property?.kind === "list" && typeof value === "object" && value !== null
        ? mergeList(schema.type(property.of ?? ""), list(before, name), value, schema, mode)
        : value;
  }
  return fillRow(type, base, schema);
}

function keptOnPut(type: TypeDefinition, before: Row): Record<string, Value | undefined> {
  const kept = [...type.properties.values()].filter(
    ({ readOnly, fixed, kind }) => readOnly || fixed || kind === "list",
  );
  return Object.fromEntries(kept.map(({ name }) => [name, before[name]]));
}

/**
 * A member whose key matches is updated; one without a key applies to the member at its place, which destroys lines when a
 * client means to append (field note); others are added. Absent members stay unless they are to be replaced.
 */
function mergeList(
  type: TypeDefinition,
  before: readonly Row[],
  input: readonly Row[],
  schema: Schema,
  mode: UpdateMode,
): Row[] {
  const key = MEMBER_KEYS.find((name) => type.properties.has(name));
  const result: (Row | undefined)[] = [...before];
  const named = new Set<number>();
  input.forEach((member, index) => {
    const own = key === undefined ? undefined : member[key];
    const at = own === undefined || own === null ? positionOf(index, before, mode) : indexOf(before, key, own);
    if (at === undefined) {
      result.push(fillRow(type, member, schema));
      named.add(result.length - 1);
      return;
    }
    named.add(at);
    const old = before[at] ?? {};
    const nested: UpdateMode = { ...mode, put: false };
    result[at] = mergeRow(type, old, member, schema, nested);
  });
  return result.filter((member, index): member is Row => member !== undefined && (!mode.replace || named.has(index)));
}

function positionOf(index: number, before: readonly Row[], mode: UpdateMode): number | undefined {
  return mode.linePatchMode === "positional" && index < before.length ? index : undefined;
}

function indexOf(before: readonly Row[], key: string | undefined, value: Value): number | undefined {
  const at = key === undefined ? -1 : before.findIndex((member) => member[key] === value);
  return at < 0 ? undefined : at;
}

/** @throws ServiceError -1029 when something changed that is fixed once the record stands */
export function refuseFixedChanges(type: TypeDefinition, before: Row, after: Row, schema: Schema): void {
  for (const property of type.properties.values()) {
    if (property.kind === "list") {
      const members = schema.type(property.of ?? "");
      const isFixed = [...members.properties.values()].some(({ fixed }) => fixed);
      const [old, fresh] = [list(before, property.name), list(after, property.name)];
      if (isFixed && old.length !== fresh.length) throw notUpdatable();
      old.forEach((member, index) => refuseFixedChanges(members, member, fresh[index] ?? {}, schema));
    } else if (property.fixed && same(before[property.name]) !== same(after[property.name])) throw notUpdatable();
  }
}

/** Blank and null are one to the database's text columns. */
const same = (value: Value | undefined): Value => (value === undefined || value === "" ? null : value);
