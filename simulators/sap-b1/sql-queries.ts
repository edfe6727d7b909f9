/**
 * SQLQueries: stored statements over an allow-list of tables (guide §4). Evaluated: columns of one table, or of two joined
 * by one equality, under comparisons joined by AND, ordered; anything else is refused as bad syntax (the simulator's choice).
 */

import { parseDecimal } from "../shared/decimal.ts";
import { JsonNumber, type JsonOut } from "../shared/json.ts";
import { jsonAnswer, type ServiceAnswer } from "./answers.ts";
import { ENUMS } from "./enums.ts";
import { alreadyExists, notFound, ServiceError } from "./errors.ts";
import { order } from "./filter.ts";
import { doubleText, type Row, scalarText, text, type Value } from "./model.ts";
import { contextName } from "./queries.ts";
import { parseOptions } from "./resource-path.ts";
import type { Property } from "./schema.ts";
import { bodyOf, preference, type ServiceRequest } from "./service.ts";
import { type SqlTable, sqlTable, sqlValue } from "./sql-tables.ts";
import { fillRow, isRecord } from "./values.ts";
import type { Context, World } from "./world.ts";

const SET = "SQLQueries";
const PAGE_SIZE = 20;
const TABLE = String.raw`[\["]?(@?\w+)[\]"]?(?:\s+(?:as\s+)?(?!where|inner|join|order|on)(\w+))?`;
const STATEMENT = new RegExp(
  String.raw`^\s*select\s+(?:top\s+(\d+)\s+)?(.+?)\s+from\s+${TABLE}(?:\s+(?:inner\s+)?join\s+${TABLE}\s+on\s+(\S+)\s*=\s*(\S+))?(?:\s+where\s+(.+?))?(?:\s+order\s+by\s+(.+?))?\s*;?\s*$`,
  "is",
);

const syntax = (): ServiceError => new ServiceError(701, "Invalid SQL syntax");

export function createQuery({ world, origin }: Context, input: Row): string {
  const code = text(input, "SqlCode");
  if (code === "") throw new ServiceError(-5002, "Enter valid code  [OSQR.SqlCode]");
  if (world.row(SET, code) !== undefined) throw alreadyExists();
  const sql = text(input, "SqlText");
  const statement = parse(world, sql);
  for (const { table } of statement.sources) sqlTable(world, table.name);
  const names = [...sql.matchAll(/:(\w+)/g)].map(([, name = ""]) => name);
  const row = {
    ...input,
    ParamList: [...new Set(names)].join(","),
    CreateDate: world.today(),
    UpdateDate: world.today(),
  };
  world.store.put(SET, code, fillRow(world.schema.type("SQLQuery"), row, world.schema), origin);
  return code;
}

type Source = { readonly alias: string; readonly table: SqlTable };
type Condition = { readonly left: string; readonly operator: string; readonly right: string };
type Statement = {
  readonly top: number | undefined;
  readonly columns: readonly { readonly column: string; readonly alias: string }[];
  readonly sources: readonly Source[];
  readonly conditions: readonly Condition[];
  readonly orderBy: readonly { readonly column: string; readonly sign: number }[];
};

const CONDITION =
  /^\s*\(?\s*([\w."[\]]+)\s*(<>|>=|<=|!=|=|>|<|\blike\b)\s*('(?:[^']|'')*'|:\w+|-?[\d.]+|[\w."[\]]+)\s*\)?\s*$/is;
const bare = (name: string): string => name.replaceAll(/["[\]]/g, "");

function parse(world: World, sql: string): Statement {
  const found = STATEMENT.exec(sql);
  if (found === null) throw syntax();
  const [, top, columns = "", first = "", firstAlias, second, secondAlias, left, right, where, orderBy] = found;
  const source = (name: string, alias: string | undefined): Source => ({
    alias: (alias ?? name).toUpperCase(),
    table: sqlTable(world, name),
  });
  const sources = [source(first, firstAlias), ...(second === undefined ? [] : [source(second, secondAlias)])];
  const on = left === undefined || right === undefined ? [] : [{ left: bare(left), operator: "=", right: bare(right) }];
  const conditions = (where === undefined ? [] : where.split(/\s+and\s+(?=(?:[^']*'[^']*')*[^']*$)/i)).map((one) => {
    const parts = CONDITION.exec(one);
    if (parts === null) throw syntax();
    return { left: bare(parts[1] ?? ""), operator: (parts[2] ?? "").toLowerCase(), right: parts[3] ?? "" };
  });
  return {
    top: top === undefined ? undefined : Number(top),
    columns: columns.split(",").map((one) => columnOf(one)),
    sources,
    conditions: [...on, ...conditions],
    orderBy: (orderBy === undefined ? [] : orderBy.split(",")).map((one) => {
      const [column = "", direction] = one.trim().split(/\s+/);
      return { column: bare(column), sign: direction?.toLowerCase() === "desc" ? -1 : 1 };
    }),
  };
}

function columnOf(one: string): { column: string; alias: string } {
  const found = /^\s*([\w."[\]]+)(?:\s+(?:as\s+)?["'[]?(\w+)["'\]]?)?\s*$/i.exec(one);
  if (found === null) throw syntax();
  const column = bare(found[1] ?? "");
  return { column, alias: found[2] ?? column.slice(column.lastIndexOf(".") + 1) };
}

type Combined = readonly Row[];
type Cell = { readonly value: Value | undefined; readonly property: Property | undefined };

function cell(statement: Statement, rows: Combined, name: string): Cell {
  const at = name.indexOf(".");
  const column = at < 0 ? name : name.slice(at + 1);
  const index = at < 0 ? 0 : statement.sources.findIndex(({ alias }) => alias === name.slice(0, at).toUpperCase());
  const source = statement.sources[index];
  if (source === undefined) throw syntax();
  const { value, property } = sqlValue(source.table, rows[index] ?? {}, column);
  // The database holds the stored value of an enum, not its member.
  const stored = property?.kind === "enum" ? ENUMS.get(property.of ?? "")?.members.get(scalarText(value)) : undefined;
  return { value: stored ?? value, property: property?.kind === "enum" ? undefined : property };
}

export function runSqlQuery(world: World, key: string, request: ServiceRequest): ServiceAnswer {
  const query = world.row(SET, key);
  if (query === undefined) throw notFound();
  const sql = text(query, "SqlText");
  const options = new Map([...parseOptions(request.query), ...bodyParameters(request)]);
  const statement = parse(world, sql);
  const parameters = new Map([...options].filter(([name]) => !name.startsWith("$")));
  const names = text(query, "ParamList")
    .split(",")
    .filter((name) => name !== "");
  if (names.some((name) => !parameters.has(name))) throw new ServiceError(704, "Parameter is missing");
  const all = evaluated(statement, parameters);
  const from = Number(options.get("$skip") ?? "0") || 0;
  const size = Number(preference(request.headers, "odata.maxpagesize") ?? PAGE_SIZE) || all.length;
  const value = all.slice(from, from + size);
  const next =
    from + size < all.length ? { [nextName(request)]: `SQLQueries('${key}')/List?&$skip=${from + size}` } : {};
  return jsonAnswer(request.version, world.settings.jsonStyle, {
    [contextName(request.version)]: `${request.root}$metadata#SAPB1.SQLQueryResult`,
    SqlText: sql,
    value,
    ...next,
  });
}

const nextName = (request: ServiceRequest): string => (request.version === "v1" ? "odata.nextLink" : "@odata.nextLink");

/** A POST carries its parameters as one text: `{"ParamList":"ref='X1'&n=2"}`. */
function bodyParameters(request: ServiceRequest): Map<string, string> {
  const body = bodyOf(request.text);
  const given = isRecord(body) ? body["ParamList"] : undefined;
  return typeof given === "string" ? parseOptions(given) : new Map();
}

function evaluated(statement: Statement, parameters: ReadonlyMap<string, string>): JsonOut[] {
  const found: Combined[] = [];
  const [first, second] = statement.sources;
  for (const left of first?.table.rows ?? []) {
    for (const right of second?.table.rows ?? [{}]) {
      if (statement.conditions.every((condition) => holds(statement, [left, right], condition, parameters))) {
        found.push([left, right]);
      }
    }
  }
  const sorted = found.toSorted((left, right) => {
    for (const { column, sign } of statement.orderBy) {
      const [one, other] = [cell(statement, left, column), cell(statement, right, column)];
      const by = order(one.property, one.value, other.value, false);
      if (by !== 0) return by * sign;
    }
    return 0;
  });
  return sorted
    .slice(0, statement.top ?? sorted.length)
    .map((rows) =>
      Object.fromEntries(statement.columns.map(({ column, alias }) => [alias, written(cell(statement, rows, column))])),
    );
}

function written({ value, property }: Cell): JsonOut {
  if (property?.kind === "double") return new JsonNumber(doubleText(scalarText(value)));
  return typeof value === "string" || typeof value === "number" ? value : null;
}

function holds(
  statement: Statement,
  rows: Combined,
  { left, operator, right }: Condition,
  parameters: ReadonlyMap<string, string>,
): boolean {
  const one = cell(statement, rows, left);
  const other = operand(statement, rows, right, parameters);
  if (one.value === null || one.value === undefined || other === null || other === undefined) return false;
  if (operator === "like") return pattern(scalarText(other)).test(scalarText(one.value));
  const numeric = parseDecimal(scalarText(one.value)) !== undefined && parseDecimal(scalarText(other)) !== undefined;
  const as = one.property ?? (numeric ? NUMERIC : undefined);
  const by = order(as, one.value, other, false);
  switch (operator) {
    case "=":
      return by === 0;
    case "<>":
    case "!=":
      return by !== 0;
    case ">":
      return by > 0;
    case ">=":
      return by >= 0;
    case "<":
      return by < 0;
    default:
      return by <= 0;
  }
}

const NUMERIC: Property = { name: "", kind: "double", column: "", readOnly: true, fixed: false };

function operand(
  statement: Statement,
  rows: Combined,
  token: string,
  parameters: ReadonlyMap<string, string>,
): Value | undefined {
  const unquoted = (quoted: string): string =>
    quoted.startsWith("'") ? quoted.slice(1, -1).replaceAll("''", "'") : quoted;
  if (token.startsWith(":")) return unquoted(parameters.get(token.slice(1)) ?? "");
  if (token.startsWith("'") || /^-?[\d.]+$/.test(token)) return unquoted(token);
  return cell(statement, rows, bare(token)).value;
}

function pattern(like: string): RegExp {
  const escaped = like.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll("%", ".*").replaceAll("_", ".")}$`, "s");
}
