/** Tables as SQLQueries see them: columns over the records of sets, within the vendor's allow-list (guide §4.5). */

import { ServiceError } from "./errors.ts";
import { list, type Row, type Value } from "./model.ts";
import { PERIODS } from "./periods.ts";
import type { Property } from "./schema.ts";
import type { World } from "./world.ts";

export type SqlTable = {
  readonly name: string;
  /** upper-case columns with the property behind each; undefined: the record is kept under its columns */
  readonly columns: ReadonlyMap<string, Property> | undefined;
  readonly rows: readonly Row[];
};

/** Master data of accounts and warehouses, and the headers of stock documents, are not accessible (client b1sl-python). */
const REFUSED = new Set(["OACT", "OWHS", "OINC", "OIQR", "OIGN", "OIGE"]);
/** Kept under their column names. */
const RAW = ["OITW", "OBTQ", "OSRQ", "OINM"];
const RAW_COLUMNS: Readonly<Record<string, string>> = {
  WAREHOUSECODE: "WHSCODE",
  QUANTITY: "ONHAND",
  PRICE: "AVGPRICE",
};

/** @throws ServiceError 702 for a table that is not there or not allowed */
export function sqlTable(world: World, name: string): SqlTable {
  const upper = name.toUpperCase();
  if (RAW.includes(upper)) return { name: upper, columns: undefined, rows: rawRows(world, upper) };
  if (upper === PERIODS) return mapped(world, upper, "FinancePeriod", recordsOf(world, PERIODS));
  for (const set of world.schema.sets.values()) {
    if (set.table.toUpperCase() === upper && !REFUSED.has(upper)) {
      return mapped(world, upper, set.type, recordsOf(world, set.name));
    }
    const line = Object.entries(set.lineTables).find(([, table]) => table === upper);
    if (line !== undefined) return lineTable(world, upper, set.name, set.type, line[0]);
  }
  throw new ServiceError(702, `Table '${name}' is not accessible`);
}

const recordsOf = (world: World, set: string): Row[] => [...world.store.rows(set)].map(([, { row }]) => row);

function rawRows(world: World, table: string): Row[] {
  return recordsOf(world, table).map((row) => {
    const named = Object.entries(row).map(([name, value]): [string, Value | undefined] => {
      const upper = name.toUpperCase();
      const column = table === "OITW" ? (RAW_COLUMNS[upper] ?? upper) : upper;
      return [column, value];
    });
    return Object.fromEntries(named);
  });
}

function mapped(world: World, name: string, type: string, rows: readonly Row[]): SqlTable {
  const properties = [...world.schema.type(type).properties.values()].filter(({ kind }) => kind !== "list");
  return { name, columns: new Map(properties.map((property) => [property.column.toUpperCase(), property])), rows };
}

/** A row of a document knows its header by the header's key column. */
function lineTable(world: World, name: string, set: string, type: string, property: string): SqlTable {
  const definition = world.schema.type(type);
  const keys = world.schema.set(set).keys.flatMap((key) => definition.properties.get(key) ?? []);
  const of = definition.properties.get(property)?.of ?? "";
  const rows = recordsOf(world, set).flatMap((header) =>
    list(header, property).map((line) => ({
      ...line,
      ...Object.fromEntries(keys.map((key) => [key.name, header[key.name]])),
    })),
  );
  const table = mapped(world, name, of, rows);
  const columns = new Map([
    ...(table.columns ?? []),
    ...keys.map((key): [string, Property] => [key.column.toUpperCase(), key]),
  ]);
  return { name, columns, rows };
}

/** @throws ServiceError 703 for a column that the table does not have */
export function sqlValue(
  table: SqlTable,
  row: Row,
  column: string,
): { value: Value | undefined; property: Property | undefined } {
  const upper = column.toUpperCase();
  if (table.columns === undefined) {
    if (table.rows.length > 0 && !(upper in (table.rows[0] ?? {}))) throw noColumn(table, column);
    return { value: row[upper], property: undefined };
  }
  const property = table.columns.get(upper);
  if (property === undefined) throw noColumn(table, column);
  return { value: row[property.name], property };
}

const noColumn = (table: SqlTable, column: string): ServiceError =>
  new ServiceError(703, `Column '${column}' from table '${table.name}' not accessible`);
