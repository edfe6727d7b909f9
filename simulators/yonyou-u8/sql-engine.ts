/** Runs a parsed SELECT over the tables that the books are shown as. */

import { parseDecimal } from "../shared/decimal.ts";
import { foldText } from "./model.ts";
import { asNumber, type Cell, cellKey, compareCells, likeCells, type Row } from "./sql-cells.ts";
import { type Expression, type Select, SqlError } from "./sql-parser.ts";

/** Columns that a condition ties to given texts: lets a table fetch by index. */
export type Hints = ReadonlyMap<string, readonly string[]>;

export type Table = {
  /** in the spelling of the database */
  columns: readonly string[];
  rows(hints: Hints): Iterable<Row>;
};

/** @returns undefined when there is no such table */
export type FindTable = (name: string) => Table | undefined;

export type Result = { columns: readonly string[]; rows: readonly (readonly Cell[])[] };

type Bound = { alias: string; table: Table };
/** one row per bound table; null where an outer join found none */
type Joined = readonly (Row | null)[];

const AGGREGATES = new Set(["count", "sum", "min", "max"]);
/** Rows that a join may look at; beyond it the query is refused instead of holding the server. */
const STEPS_MAX = 5_000_000;

export function runSelect(select: Select, findTable: FindTable): Result {
  const bound = [select.from, ...select.joins].map(({ table, alias }): Bound => {
    const found = findTable(table);
    if (!found) throw new SqlError(`对象名 '${table}' 无效。`);
    return { alias: foldText(alias === "" ? (table.split(".").at(-1) ?? "") : alias), table: found };
  });
  const scope = new Scope(bound);
  const items = select.items.flatMap((item) => expand(item, bound));
  for (const expression of [...items.map((item) => item.expression), select.where, ...select.groupBy]) {
    if (expression) scope.check(expression);
  }
  for (const { on } of select.joins) scope.check(on);
  const joined = joinRows(select, bound, scope);
  const kept = select.where ? joined.filter((row) => scope.holds(select.where, row)) : joined;
  const grouped = select.groupBy.length > 0 || items.some(({ expression }) => isAggregate(expression));
  const groups = grouped ? groupRows(kept, select, scope) : kept.map((row) => [row]);
  const named = new Map(items.map((item, index) => [foldText(item.name), index]));
  let lines = groups.map((group) => ({ group, cells: items.map((item) => scope.value(item.expression, group)) }));
  if (select.orderBy.length > 0) {
    const keyed = lines.map((line) => ({
      line,
      keys: select.orderBy.map(({ expression }) => {
        const at =
          expression.kind === "column" && expression.qualifier === ""
            ? named.get(foldText(expression.name))
            : undefined;
        if (at !== undefined) return line.cells[at] ?? null;
        scope.check(expression);
        return scope.value(expression, line.group);
      }),
    }));
    keyed.sort((left, right) => orderOf(left.keys, right.keys, select.orderBy));
    lines = keyed.map(({ line }) => line);
  }
  let rows = lines.map(({ cells }) => cells);
  if (select.distinct) rows = [...new Map(rows.map((row) => [row.map(cellKey).join("\u0001"), row])).values()];
  return {
    columns: items.map(({ name }, index) => (name === "" ? `Column${index + 1}` : name)),
    rows: select.top === undefined ? rows : rows.slice(0, select.top),
  };
}

/** Evaluates a condition on the rows of one table. */
export function matchRows(condition: Expression, table: Table): Row[] {
  const scope = new Scope([{ alias: "", table }]);
  scope.check(condition);
  return [...table.rows(hintsOf(condition, ""))].filter((row) => scope.holds(condition, [row]));
}

function expand(item: Select["items"][number], bound: readonly Bound[]): { expression: Expression; name: string }[] {
  const { expression } = item;
  if (expression) {
    if (item.name !== undefined) return [{ expression, name: item.name }];
    if (expression.kind !== "column") return [{ expression, name: "" }];
    const spelled = bound
      .filter(({ alias }) => expression.qualifier === "" || alias === foldText(expression.qualifier))
      .flatMap(({ table }) => table.columns)
      .find((column) => foldText(column) === foldText(expression.name));
    return [{ expression, name: spelled ?? expression.name }];
  }
  return bound
    .filter(({ alias }) => item.qualifier === "" || alias === foldText(item.qualifier))
    .flatMap(({ alias, table }) =>
      table.columns.map((name) => ({ expression: { kind: "column" as const, qualifier: alias, name }, name })),
    );
}

function joinRows(select: Select, bound: readonly Bound[], scope: Scope): Joined[] {
  const [first] = bound;
  if (!first) return [];
  let steps = 0;
  let joined: Joined[] = [...first.table.rows(hintsOf(select.where, first.alias))].map((row) => [row]);
  select.joins.forEach((join, index) => {
    const right = bound[index + 1];
    if (!right) return;
    const tie = equality(join.on, right.alias);
    const hints = new Map(hintsOf(select.where, right.alias));
    if (tie) hints.set(foldText(tie.own), [...new Set(joined.map((row) => keyText(scope.value(tie.other, [row]))))]);
    const rows = [...right.table.rows(join.outer ? new Map() : hints)];
    const byKey = tie ? grouped(rows, (row) => cellKey(row.cell(foldText(tie.own)))) : undefined;
    const next: Joined[] = [];
    for (const row of joined) {
      const candidates = byKey && tie ? (byKey.get(cellKey(scope.value(tie.other, [row]))) ?? []) : rows;
      steps += candidates.length;
      if (steps > STEPS_MAX) throw new SqlError("查询范围过大，请缩小条件。");
      const matching = candidates.filter((candidate) => scope.holds(join.on, [...row, candidate]));
      for (const candidate of matching) next.push([...row, candidate]);
      if (matching.length === 0 && join.outer) next.push([...row, null]);
    }
    joined = next;
  });
  return joined;
}

/** @returns the column of `alias` that an ON ties to an expression of the tables before it */
function equality(on: Expression, alias: string): { own: string; other: Expression } | undefined {
  if (on.kind !== "operation") return undefined;
  if (on.operator === "and") return equality(on.left, alias) ?? equality(on.right, alias);
  if (on.operator !== "=") return undefined;
  for (const [one, other] of [
    [on.left, on.right],
    [on.right, on.left],
  ] as const) {
    const own = one.kind === "column" && foldText(one.qualifier) === alias;
    if (own && other.kind === "column" && foldText(other.qualifier) !== alias) return { own: one.name, other };
  }
  return undefined;
}

/** Equalities that every row must fulfil: the AND-ed ones at the top of the condition. */
function hintsOf(condition: Expression | undefined, alias: string): Hints {
  const hints = new Map<string, string[]>();
  const visit = (expression: Expression): void => {
    if (expression.kind === "operation" && expression.operator === "and") {
      visit(expression.left);
      visit(expression.right);
    }
    const column =
      expression.kind === "operation" && expression.operator === "="
        ? expression.left
        : expression.kind === "in" && !expression.negated
          ? expression.inner
          : undefined;
    if (column?.kind !== "column" || (column.qualifier !== "" && foldText(column.qualifier) !== alias)) return;
    const list = expression.kind === "in" ? expression.list : expression.kind === "operation" ? [expression.right] : [];
    const values = list.flatMap((one) => (one.kind === "literal" && one.value !== null ? [one.value] : []));
    if (values.length === list.length && values.length > 0) hints.set(foldText(column.name), values);
  };
  if (condition) visit(condition);
  return hints;
}

function keyText(cell: Cell): string {
  if (cell === null) return "";
  return cell.type === "text" || cell.type === "date" ? cell.value : cellKey(cell).replace(/^#(-?\d+)\d{10}$/, "$1");
}

function groupRows(rows: readonly Joined[], select: Select, scope: Scope): (readonly Joined[])[] {
  if (select.groupBy.length === 0) return [rows];
  const groups = grouped(rows, (row) =>
    select.groupBy.map((expression) => cellKey(scope.value(expression, [row]))).join("\u0001"),
  );
  return [...groups.values()];
}

function grouped<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

function isAggregate(expression: Expression): boolean {
  if (expression.kind === "call") return AGGREGATES.has(expression.name) || expression.parameters.some(isAggregate);
  return expression.kind === "operation" && (isAggregate(expression.left) || isAggregate(expression.right));
}

function orderOf(left: readonly Cell[], right: readonly Cell[], order: Select["orderBy"]): number {
  for (const [index, { descending }] of order.entries()) {
    const [a, b] = [left[index] ?? null, right[index] ?? null];
    // NULL comes first in SQL Server.
    const way = a === null || b === null ? Number(a !== null) - Number(b !== null) : (compareCells(a, b) ?? 0);
    if (way !== 0) return descending ? -way : way;
  }
  return 0;
}

class Scope {
  readonly #places = new Map<string, number>();
  readonly #bound: readonly Bound[];

  constructor(bound: readonly Bound[]) {
    this.#bound = bound;
    bound.forEach(({ alias, table }, index) => {
      for (const column of table.columns) {
        const name = foldText(column);
        this.#places.set(`${alias}.${name}`, index);
        if (!this.#places.has(name)) this.#places.set(name, index);
      }
    });
  }

  /** Names and functions are checked once, before any row is read. */
  check(expression: Expression): void {
    switch (expression.kind) {
      case "literal":
        return;
      case "column":
        if (this.#place(expression) === undefined) throw new SqlError(`列名 '${expression.name}' 无效。`);
        return;
      case "call":
        if (expression.name !== "isnull" && !AGGREGATES.has(expression.name)) {
          throw new SqlError(`'${expression.name}' 不是可以识别的 内置函数名称。`);
        }
        return expression.parameters.forEach((one) => this.check(one));
      case "operation":
        this.check(expression.left);
        return this.check(expression.right);
      case "in":
        this.check(expression.inner);
        return expression.list.forEach((one) => this.check(one));
      case "not":
      case "null":
        return this.check(expression.inner);
    }
  }

  holds(expression: Expression | undefined, row: Joined): boolean {
    return expression === undefined || this.#truth(expression, row) === true;
  }

  /** @param group  the rows an aggregate runs over; other expressions take its first row */
  value(expression: Expression, group: readonly Joined[]): Cell {
    if (expression.kind === "call" && AGGREGATES.has(expression.name)) return this.#aggregate(expression, group);
    const row = group[0];
    switch (expression.kind) {
      case "literal":
        return literal(expression);
      case "column": {
        const at = this.#place(expression);
        return (at === undefined ? undefined : row?.[at])?.cell(foldText(expression.name)) ?? null;
      }
      case "call": {
        const [first, second] = expression.parameters;
        return (first && this.value(first, group)) ?? (second ? this.value(second, group) : null);
      }
      case "operation":
        return this.#reckon(expression, group);
      case "in":
      case "not":
      case "null":
        throw new SqlError("此处只能使用值表达式。");
    }
  }

  #reckon(expression: Expression & { kind: "operation" }, group: readonly Joined[]): Cell {
    const [left, right] = [this.value(expression.left, group), this.value(expression.right, group)];
    if (left === null || right === null) return null;
    const [a, b] = [asNumber(left), asNumber(right)];
    if (expression.operator === "+" && left.type === "text" && right.type === "text") {
      return { type: "text", value: left.value + right.value };
    }
    if (a === undefined || b === undefined || !["+", "-"].includes(expression.operator)) {
      throw new SqlError("此处只能使用值表达式。");
    }
    const places = left.type === "number" ? left.places : undefined;
    return { type: "number", value: expression.operator === "+" ? a + b : a - b, places };
  }

  #aggregate(call: Expression & { kind: "call" }, group: readonly Joined[]): Cell {
    if (call.star) return { type: "number", value: BigInt(group.length) * 10_000_000_000n, places: 0 };
    const [of] = call.parameters;
    if (!of) throw new SqlError(`函数 ${call.name} 需要参数。`);
    const cells = group.map((row) => this.value(of, [row])).filter((cell) => cell !== null);
    if (call.name === "count") return { type: "number", value: BigInt(cells.length) * 10_000_000_000n, places: 0 };
    const [first] = cells;
    if (!first) return null;
    if (call.name === "sum") {
      let total = 0n;
      for (const cell of cells) {
        const number = cell.type === "number" ? cell.value : undefined;
        if (number === undefined) throw new SqlError("操作数数据类型 nvarchar 对于 sum 运算符无效。");
        total += number;
      }
      return { type: "number", value: total, places: first.type === "number" ? first.places : undefined };
    }
    const sign = call.name === "min" ? -1 : 1;
    return cells.reduce((best, cell) => ((compareCells(cell, best) ?? 0) * sign > 0 ? cell : best), first);
  }

  /** SQL's three values: undefined is UNKNOWN. */
  #truth(expression: Expression, row: Joined): boolean | undefined {
    switch (expression.kind) {
      case "not": {
        const inner = this.#truth(expression.inner, row);
        return inner === undefined ? undefined : !inner;
      }
      case "null":
        return (this.value(expression.inner, [row]) === null) !== expression.negated;
      case "in": {
        const cell = this.value(expression.inner, [row]);
        if (cell === null) return undefined;
        const found = expression.list.some((one) => compareCells(cell, this.value(one, [row])) === 0);
        return found !== expression.negated;
      }
      case "operation":
        return this.#operation(expression, row);
      case "literal":
      case "column":
      case "call":
        throw new SqlError("在应使用条件的上下文中指定了非布尔类型的表达式。");
    }
  }

  #operation(expression: Expression & { kind: "operation" }, row: Joined): boolean | undefined {
    const { operator, left, right } = expression;
    if (operator === "and" || operator === "or") {
      const decisive = operator === "or";
      const one = this.#truth(left, row);
      if (one === decisive) return decisive;
      const other = this.#truth(right, row);
      if (other === decisive) return decisive;
      return one === undefined || other === undefined ? undefined : !decisive;
    }
    const [a, b] = [this.value(left, [row]), this.value(right, [row])];
    if (operator === "like") return likeCells(a, b);
    const order = compareCells(a, b);
    if (order === undefined) return undefined;
    switch (operator) {
      case "=":
        return order === 0;
      case "<>":
        return order !== 0;
      case "<":
        return order < 0;
      case ">":
        return order > 0;
      case "<=":
        return order <= 0;
      case ">=":
        return order >= 0;
      default:
        throw new SqlError("在应使用条件的上下文中指定了非布尔类型的表达式。");
    }
  }

  #place(column: { qualifier: string; name: string }): number | undefined {
    const name = foldText(column.name);
    if (column.qualifier === "") return this.#places.get(name);
    const qualifier = foldText(column.qualifier);
    return this.#bound.some(({ alias }) => alias === qualifier) ? this.#places.get(`${qualifier}.${name}`) : undefined;
  }
}

function literal(expression: { value: string | null; number: boolean }): Cell {
  if (expression.value === null) return null;
  if (!expression.number) return { type: "text", value: expression.value };
  const value = parseDecimal(expression.value);
  if (value === undefined) throw new SqlError(`数字 '${expression.value}' 超出了数值表示范围。`);
  return { type: "number", value, places: expression.value.includes(".") ? undefined : 0 };
}
