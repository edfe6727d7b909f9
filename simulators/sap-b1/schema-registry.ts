/** The types and sets of one company: the vendor's own, and what user fields and user tables add to them. */

import { STANDARD_SETS } from "./entity-sets.ts";
import { STANDARD_TYPES } from "./entity-types.ts";
import { type Property, propertyOf, type SetDefinition, type TypeDefinition, typeOf } from "./schema.ts";

const USER_TABLE_VERBS = ["POST", "PATCH", "DELETE"] as const;

export class Schema {
  readonly types = new Map<string, TypeDefinition>(STANDARD_TYPES);
  readonly sets = new Map<string, SetDefinition>(STANDARD_SETS);
  readonly #typeOfTable = new Map<string, string>();

  constructor() {
    for (const set of this.sets.values()) this.#nameTables(set);
  }

  type(name: string): TypeDefinition {
    const type = this.types.get(name);
    if (type === undefined) throw new Error(`There is no type ${name}.`);
    return type;
  }

  set(name: string): SetDefinition {
    const set = this.sets.get(name);
    if (set === undefined) throw new Error(`There is no entity set ${name}.`);
    return set;
  }

  /** @returns the type behind a table as user fields name it: "OJDT", "JDT1", "@EXTPOST" */
  typeOfTable(table: string): string | undefined {
    return this.#typeOfTable.get(table);
  }

  putProperty(typeName: string, property: Property): void {
    const type = this.type(typeName);
    this.types.set(typeName, { name: type.name, properties: new Map([...type.properties, [property.name, property]]) });
  }

  dropProperty(typeName: string, name: string): void {
    const type = this.types.get(typeName);
    if (type === undefined) return;
    const properties = new Map(type.properties);
    properties.delete(name);
    this.types.set(typeName, { name: type.name, properties });
  }

  /** A user table is a set `U_<name>` of the bare type name (v3 metadata). */
  putUserTable(table: string, numbered: boolean): void {
    const key = numbered ? "Code:i!" : "Code:s50^";
    this.types.set(table, typeOf(table, `${key} Name:s100`));
    const set: SetDefinition = {
      name: `U_${table}`,
      type: table,
      keys: ["Code"],
      table: `@${table}`,
      lineTables: {},
      objectCode: "",
      etag: false,
      verbs: USER_TABLE_VERBS,
      actions: [],
    };
    this.sets.set(set.name, set);
    this.#nameTables(set);
  }

  dropUserTable(table: string): void {
    this.types.delete(table);
    this.sets.delete(`U_${table}`);
    this.#typeOfTable.delete(`@${table}`);
  }

  #nameTables(set: SetDefinition): void {
    this.#typeOfTable.set(set.table, set.type);
    for (const [property, table] of Object.entries(set.lineTables)) {
      const of = this.type(set.type).properties.get(property)?.of;
      if (of !== undefined) this.#typeOfTable.set(table, of);
    }
  }
}

const USER_FIELD_KINDS: Readonly<Record<string, string>> = {
  db_Alpha: "s",
  db_Memo: "s",
  db_Numeric: "i",
  db_Date: "d",
  db_Float: "n",
};
const ALPHA_LENGTH_MAX = 254;

/** @returns the property behind a row of UserFieldsMD */
export function userProperty(name: string, type: string, subType: string, size: number | undefined): Property {
  const kind = subType === "st_Time" ? "t" : (USER_FIELD_KINDS[type] ?? "s");
  const length =
    type === "db_Alpha" ? String(size === undefined || size <= 0 ? 1 : Math.min(size, ALPHA_LENGTH_MAX)) : "";
  return propertyOf(`U_${name}:${kind}${kind === "s" ? length : ""}`);
}
