/** User tables, user fields and user keys: made over the API or by a person, and seen at once or after a restart. */

import { tablesSharing } from "./entity-sets.ts";
import { alreadyExists, invalidValue, notFound, notSupported, ServiceError } from "./errors.ts";
import { list, number, type Row, text } from "./model.ts";
import { userProperty } from "./schema-registry.ts";
import { fillRow } from "./values.ts";
import type { Context, World } from "./world.ts";

export const USER_TABLES = "UserTablesMD";
export const USER_FIELDS = "UserFieldsMD";
export const USER_KEYS = "UserKeysMD";

export type UserTableSeed = {
  readonly name: string;
  readonly description?: string | undefined;
  readonly type?: string | undefined;
};
export type UserFieldSeed = {
  /** "OJDT", "JDT1", "@EXTPOST" */
  readonly table: string;
  /** without U_ */
  readonly name: string;
  readonly type?: string | undefined;
  readonly size?: number | undefined;
  readonly description?: string | undefined;
};

const TABLE_NAME = /^[A-Za-z0-9_]{1,19}$/;
const FIELD_NAME = /^[A-Za-z0-9_]{1,50}$/;
const NUMBERED = "bott_NoObjectAutoIncrement";

export function createUserObjects(
  context: Context,
  tables: readonly UserTableSeed[],
  fields: readonly UserFieldSeed[],
): void {
  for (const { name, description, type } of tables) {
    if (context.world.row(USER_TABLES, name) !== undefined) continue;
    const row = { TableName: name, TableDescription: description ?? name, TableType: type ?? "bott_NoObject" };
    createUserTable(context, row);
  }
  for (const { table, name, type, size, description } of fields) {
    if (fieldOf(context.world, table, name) !== undefined) continue;
    createUserField(context, {
      TableName: table,
      Name: name,
      Type: type ?? "db_Alpha",
      Size: size ?? 100,
      Description: description ?? name,
    });
  }
}

function fieldOf(world: World, table: string, name: string): Row | undefined {
  const keys = world.store.table(USER_FIELDS).keysWith("TableName", table);
  return keys.map((key) => world.row(USER_FIELDS, key)).find((row) => row?.["Name"] === name);
}

export function createUserTable({ world, origin }: Context, input: Row): string {
  const name = text(input, "TableName");
  if (!TABLE_NAME.test(name)) throw invalidValue(name, "TableName");
  if (world.row(USER_TABLES, name) !== undefined) throw alreadyExists();
  const filled = fillRow(world.schema.type("UserTablesMD"), input, world.schema);
  world.store.put(USER_TABLES, name, filled, origin);
  if (world.settings.udfVisibility === "immediate") showTable(world, filled);
  return name;
}

export function removeUserTable({ world }: Context, key: string): void {
  if (world.row(USER_TABLES, key) === undefined) throw notFound();
  for (const set of [USER_FIELDS, USER_KEYS]) {
    for (const one of world.store.table(set).keysWith("TableName", `@${key}`)) world.store.remove(set, one);
  }
  for (const [row] of world.store.rows(`U_${key}`)) world.store.remove(`U_${key}`, row);
  world.store.remove(USER_TABLES, key);
  world.schema.dropUserTable(key);
}

/** A field on one marketing header (or line) table stands on all of them (guide, UDF/UDT chapter). */
export function createUserField(context: Context, input: Row): string {
  const { world, origin } = context;
  const [table, name] = [text(input, "TableName"), text(input, "Name")];
  if (!FIELD_NAME.test(name)) throw invalidValue(name, "Name");
  const isUserTable = table.startsWith("@") && world.row(USER_TABLES, table.slice(1)) !== undefined;
  if (!isUserTable && world.schema.typeOfTable(table) === undefined) throw invalidValue(table, "TableName");
  const tables = tablesSharing(table);
  if (tables.some((one) => fieldOf(world, one, name) !== undefined)) throw alreadyExists();
  for (const one of tables) {
    const id = world.next(`FieldID|${one}`, 0);
    const size = number(input, "Size") ?? number(input, "EditSize") ?? (text(input, "Type") === "db_Alpha" ? 1 : 0);
    const row = { ...input, TableName: one, FieldID: id, Size: size, EditSize: number(input, "EditSize") ?? size };
    const filled = fillRow(world.schema.type("UserFieldMD"), row, world.schema);
    world.store.put(USER_FIELDS, userFieldKey(one, id), filled, origin);
    if (world.settings.udfVisibility === "immediate") showField(world, filled);
  }
  return userFieldKey(table, (number(world.row("counters", `FieldID|${table}`), "Next") ?? 1) - 1);
}

export const userFieldKey = (table: string, id: number): string => `TableName='${table}',FieldID=${id}`;

export function removeUserField({ world }: Context, key: string): void {
  const row = world.row(USER_FIELDS, key);
  if (row === undefined) throw notFound();
  for (const table of tablesSharing(text(row, "TableName"))) {
    for (const one of world.store.table(USER_FIELDS).keysWith("TableName", table)) {
      if (world.row(USER_FIELDS, one)?.["Name"] === row["Name"]) world.store.remove(USER_FIELDS, one);
    }
    world.schema.dropProperty(world.schema.typeOfTable(table) ?? "", `U_${text(row, "Name")}`);
  }
}

/** User keys belong to user tables; a unique one is kept unique from then on. */
export function createUserKey({ world, origin }: Context, input: Row): string {
  const table = text(input, "TableName");
  const bare = table.startsWith("@") ? table.slice(1) : table;
  if (world.row(USER_TABLES, bare) === undefined) throw notSupported();
  const elements = list(input, "UserKeysMD_Elements");
  if (elements.length === 0) throw new ServiceError(-5002, "Enter valid code  [UKD1.ColAlias]");
  const index = world.next(`KeyIndex|@${bare}`, 0);
  const key = `TableName='@${bare}',KeyIndex=${index}`;
  const numbered = elements.map((element, at) => ({ ...element, SubKeyIndex: at }));
  const row = { ...input, TableName: `@${bare}`, KeyIndex: index, UserKeysMD_Elements: numbered };
  world.store.put(USER_KEYS, key, fillRow(world.schema.type("UserKeysMD"), row, world.schema), origin);
  return key;
}

/** @returns sets of properties whose values together must be unique in a user table */
function uniqueKeys(world: World, table: string): string[][] {
  const own = world.store
    .table(USER_KEYS)
    .keysWith("TableName", `@${table}`)
    .map((key) => world.row(USER_KEYS, key))
    .filter((row) => row?.["Unique"] === "tYES")
    .map((row) => list(row, "UserKeysMD_Elements").map((element) => propertyFor(text(element, "ColumnAlias"))));
  return world.settings.userTableNameUnique ? [...own, ["Name"]] : own;
}

const propertyFor = (alias: string): string =>
  alias === "Code" || alias === "Name" || alias.startsWith("U_") ? alias : `U_${alias}`;

export function createUserRow(context: Context, table: string, input: Row): string {
  const { world, origin } = context;
  const set = `U_${table}`;
  const numbered = world.row(USER_TABLES, table)?.["TableType"] === NUMBERED;
  const key = numbered ? String(world.next(set, 1)) : text(input, "Code");
  if (key === "") throw new ServiceError(-5002, `Enter valid code  [@${table}.Code]`);
  if (world.row(set, key) !== undefined) throw alreadyExists();
  const row = fillRow(world.schema.type(table), { ...input, Code: numbered ? Number(key) : key }, world.schema);
  checkUnique(world, table, key, row);
  world.store.put(set, key, row, origin);
  return key;
}

export function checkUnique(world: World, table: string, key: string, row: Row): void {
  for (const properties of uniqueKeys(world, table)) {
    const [first = "Code", ...others] = properties;
    const value = row[first];
    if (value === undefined || value === null) continue;
    const clash = world.store
      .table(`U_${table}`)
      .keysWith(first, value)
      .some((other) => other !== key && others.every((name) => world.row(`U_${table}`, other)?.[name] === row[name]));
    if (clash) throw alreadyExists();
  }
}

/** What a restart of Service Layer does: everything created so far becomes visible. */
export function showUserObjects(world: World): void {
  for (const [, { row }] of world.store.rows(USER_TABLES)) showTable(world, row);
  for (const [, { row }] of world.store.rows(USER_FIELDS)) showField(world, row);
}

function showTable(world: World, row: Row): void {
  const name = text(row, "TableName");
  if (world.schema.sets.has(`U_${name}`)) return;
  world.schema.putUserTable(name, row["TableType"] === NUMBERED);
}

function showField(world: World, row: Row): void {
  const type = world.schema.typeOfTable(text(row, "TableName"));
  if (type === undefined) return;
  const property = userProperty(text(row, "Name"), text(row, "Type"), text(row, "SubType"), number(row, "Size"));
  const initial = text(row, "DefaultValue");
  world.schema.putProperty(type, initial === "" ? property : { ...property, initial });
}
