/**
 * FilterString and OrderString: the SQL-like condition language of ExecuteBillQuery. Text compares as in SQL Server's
 * usual collation (case and trailing blanks do not count), which the vendor's cloud runs on.
 */

import { parseDecimal } from "../shared/decimal.ts";
import { MSG, Refusal } from "./model.ts";

/** A value of one column in one row; bigint is a decimal, null is NULL. */
export type Cell = string | number | bigint | boolean | null;

export type ColumnType = "text" | "integer" | "decimal" | "date" | "flag";

export type Column<Row> = { key: string; type: ColumnType; entry: boolean; read(row: Row): Cell };

type Comparison = "=" | "<>" | ">" | ">=" | "<" | "<=";

export type Condition =
  | { kind: "all" | "any"; parts: readonly Condition[] }
  | { kind: "not"; part: Condition }
  | { kind: "constant"; holds: boolean }
  | { kind: "compare"; field: string; operator: Comparison; literal: string }
  | { kind: "like"; field: string; pattern: string }
  | { kind: "in"; field: string; literals: readonly string[] }
  | { kind: "null"; field: string };

type Token = { kind: "word" | "text" | "number" | "mark"; text: string };

/** Long enough for `in (…)` with thousands of keys, short enough to stay parseable in a blink. */
const FILTER_LENGTH_MAX = 1_000_000;
const DEPTH_MAX = 100;

/** @throws Refusal MsgCode 8 when the text is no condition */
export function parseFilter(text: string): Condition {
  if (text.length > FILTER_LENGTH_MAX) throw wrong("过滤条件过长");
  const tokens = tokenize(text);
  if (tokens.length === 0) return { kind: "constant", holds: true };
  const parser = new Parser(tokens);
  const condition = parser.any(0);
  parser.end();
  return condition;
}

/** @returns columns with direction; an empty text gives none */
export function parseOrder(text: string): { field: string; descending: boolean }[] {
  const parts = text.split(",").map((part) => part.trim());
  return parts
    .filter((part) => part !== "")
    .map((part) => {
      const match = /^([\w.]+)(?:\s+(asc|desc))?$/i.exec(part);
      if (!match?.[1]) throw wrong(`排序字段“${part}”不正确`);
      return { field: match[1], descending: match[2]?.toLowerCase() === "desc" };
    });
}

/** @returns every field key that the condition names */
export function fieldsOf(condition: Condition): string[] {
  switch (condition.kind) {
    case "all":
    case "any":
      return condition.parts.flatMap(fieldsOf);
    case "not":
      return fieldsOf(condition.part);
    case "constant":
      return [];
    case "compare":
    case "like":
    case "in":
    case "null":
      return [condition.field];
  }
}

/** @returns fields (upper case) that must equal one of some texts for the condition to hold: what an index can use */
export function equalitiesOf(condition: Condition): Map<string, readonly string[]> {
  if (condition.kind === "compare" && condition.operator === "=") {
    return new Map([[condition.field.toUpperCase(), [condition.literal]]]);
  }
  if (condition.kind === "in") return new Map([[condition.field.toUpperCase(), condition.literals]]);
  if (condition.kind !== "all") return new Map();
  return new Map(condition.parts.flatMap((part) => [...equalitiesOf(part)]));
}

/** @returns the largest n for which the condition demands `field > n` (or ≥ n + 1), or undefined */
export function lowerBoundOf(condition: Condition, field: string): number | undefined {
  if (condition.kind === "all") {
    const bounds = condition.parts.flatMap((part) => lowerBoundOf(part, field) ?? []);
    return bounds.length === 0 ? undefined : Math.max(...bounds);
  }
  if (condition.kind !== "compare" || condition.field.toUpperCase() !== field) return undefined;
  const literal = Number(condition.literal);
  if (!Number.isSafeInteger(literal)) return undefined;
  if (condition.operator === ">") return literal;
  return condition.operator === ">=" ? literal - 1 : undefined;
}

/** Turns a condition into a test of rows; `columnOf` refuses unknown fields. */
export function compileFilter<Row>(
  condition: Condition,
  columnOf: (field: string) => Column<Row>,
): (row: Row) => boolean {
  switch (condition.kind) {
    case "all": {
      const tests = condition.parts.map((part) => compileFilter(part, columnOf));
      return (row) => tests.every((holds) => holds(row));
    }
    case "any": {
      const tests = condition.parts.map((part) => compileFilter(part, columnOf));
      return (row) => tests.some((holds) => holds(row));
    }
    case "not": {
      const holds = compileFilter(condition.part, columnOf);
      return (row) => !holds(row);
    }
    case "constant":
      return () => condition.holds;
    case "null": {
      const column = columnOf(condition.field);
      return (row) => column.read(row) === null;
    }
    case "like": {
      const column = columnOf(condition.field);
      const pattern = likePattern(condition.pattern);
      return (row) => {
        const cell = column.read(row);
        return cell !== null && pattern.test(cellText(cell));
      };
    }
    case "in": {
      const column = columnOf(condition.field);
      if (column.type === "text") {
        const wanted = new Set(condition.literals.map(foldText));
        return (row) => {
          const cell = column.read(row);
          return cell !== null && wanted.has(foldText(cellText(cell)));
        };
      }
      const wanted = condition.literals.map((literal) => literalCell(column.type, literal));
      return (row) => wanted.some((literal) => compareCells(column.read(row), literal) === 0);
    }
    case "compare": {
      const column = columnOf(condition.field);
      const literal = literalCell(column.type, condition.literal);
      const { operator } = condition;
      return (row) => {
        const order = compareCells(column.read(row), literal);
        return order !== undefined && holdsFor(operator, order);
      };
    }
  }
}

/** @returns a comparison of rows by these columns; NULL comes first */
export function compileOrder<Row>(
  order: readonly { field: string; descending: boolean }[],
  columnOf: (field: string) => Column<Row>,
): (left: Row, right: Row) => number {
  const columns = order.map(({ field, descending }) => ({ column: columnOf(field), sign: descending ? -1 : 1 }));
  return (left, right) => {
    for (const { column, sign } of columns) {
      const leftCell = column.read(left);
      const rightCell = column.read(right);
      const result = compareCells(leftCell, rightCell) ?? Number(rightCell === null) - Number(leftCell === null);
      if (result !== 0) return result * sign;
    }
    return 0;
  };
}

/** SQL Server's usual collation: case and trailing blanks do not count. */
export function foldText(text: string): string {
  return text.trimEnd().toLowerCase();
}

function holdsFor(operator: Comparison, order: number): boolean {
  switch (operator) {
    case "=":
      return order === 0;
    case "<>":
      return order !== 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
  }
}

/** @returns undefined when either is NULL: then no comparison holds */
function compareCells(left: Cell, right: Cell): number | undefined {
  if (left === null || right === null) return undefined;
  if (typeof left === "bigint" && typeof right === "bigint") return left < right ? -1 : left > right ? 1 : 0;
  if (typeof left === "number" && typeof right === "number") return Math.sign(left - right);
  const leftText = foldText(cellText(left));
  const rightText = foldText(cellText(right));
  return leftText < rightText ? -1 : leftText > rightText ? 1 : 0;
}

function cellText(cell: Exclude<Cell, null>): string {
  if (typeof cell === "boolean") return cell ? "1" : "0";
  return String(cell);
}

/** Reads a literal as the column's type; what cannot be read refuses the query, as a database would. */
function literalCell(type: ColumnType, literal: string): Cell {
  switch (type) {
    case "text":
      return literal;
    case "flag":
      return literal === "1" || /^true$/i.test(literal);
    case "date":
      return padDate(literal);
    case "integer": {
      const value = Number(literal);
      if (literal.trim() === "" || !Number.isFinite(value)) throw wrong(`值“${literal}”不是数字`);
      return value;
    }
    case "decimal": {
      const value = parseDecimal(literal);
      if (value === undefined) throw wrong(`值“${literal}”不是数字`);
      return value;
    }
  }
}

/** "2025-01-31", "2025/1/31 10:00" and their like become "2025-01-31T10:00:00". */
export function padDate(text: string): string {
  const match = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T](\d{1,2})(?::(\d{1,2}))?(?::(\d{1,2}))?.*)?$/.exec(
    text.trim(),
  );
  if (!match) throw wrong(`值“${text}”不是日期`);
  const [year, month, day, hour, minute, second] = match.slice(1).map((part) => (part ?? "0").padStart(2, "0"));
  return `${year}-${month}-${day}T${hour}:${minute}:${second}`;
}

/** SQL's like: % any text, _ one character, [abc] one of these. */
function likePattern(pattern: string): RegExp {
  let source = "";
  for (let index = 0; index < pattern.length; index += 1) {
    const character = pattern.charAt(index);
    const closing = pattern.indexOf("]", index);
    if (character === "%") source += "[\\s\\S]*";
    else if (character === "_") source += "[\\s\\S]";
    else if (character === "[" && closing > index + 1) {
      source += `[${pattern.slice(index + 1, closing).replaceAll(/[\\\]]/g, "\\$&")}]`;
      index = closing;
    } else source += character.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  }
  return new RegExp(`^${source}\\s*$`, "i");
}

function tokenize(text: string): Token[] {
  const pattern =
    /\s+|N?'((?:[^']|'')*)'|\{\s*(?:ts|d)\s*'([^']*)'\s*\}|(-?\d+(?:\.\d+)?)(?![\w.])|([A-Za-z_\u4e00-\u9fff][\w.\u4e00-\u9fff]*)|(<>|!=|>=|<=|[=<>(),])/gy;
  const tokens: Token[] = [];
  while (pattern.lastIndex < text.length) {
    const start = pattern.lastIndex;
    const match = pattern.exec(text);
    if (!match) throw wrong(`过滤条件在“${text.slice(start, start + 20)}”附近不正确`);
    const [, quoted, stamp, number, word, mark] = match;
    if (quoted !== undefined) tokens.push({ kind: "text", text: quoted.replaceAll("''", "'") });
    else if (stamp !== undefined) tokens.push({ kind: "text", text: stamp });
    else if (number !== undefined) tokens.push({ kind: "number", text: number });
    else if (word !== undefined) tokens.push({ kind: "word", text: word });
    else if (mark !== undefined) tokens.push({ kind: "mark", text: mark === "!=" ? "<>" : mark });
  }
  return tokens;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  any(depth: number): Condition {
    if (depth > DEPTH_MAX) throw wrong("过滤条件嵌套过深");
    const parts = [this.#all(depth)];
    while (this.#takeWord("or")) parts.push(this.#all(depth));
    return parts.length === 1 && parts[0] ? parts[0] : { kind: "any", parts };
  }

  end(): void {
    const token = this.#tokens[this.#at];
    if (token) throw wrong(`过滤条件在“${token.text}”附近不正确`);
  }

  #all(depth: number): Condition {
    const parts = [this.#one(depth)];
    while (this.#takeWord("and")) parts.push(this.#one(depth));
    return parts.length === 1 && parts[0] ? parts[0] : { kind: "all", parts };
  }

  #one(depth: number): Condition {
    if (this.#takeWord("not")) return { kind: "not", part: this.#one(depth + 1) };
    if (this.#takeMark("(")) {
      const inner = this.any(depth + 1);
      this.#expectMark(")");
      return inner;
    }
    const left = this.#next();
    if (left.kind === "mark") throw wrong(`过滤条件在“${left.text}”附近不正确`);
    if (left.kind !== "word") return this.#literalComparison(left);
    if (this.#takeWord("is")) {
      const negated = this.#takeWord("not");
      if (!this.#takeWord("null")) throw wrong("is 之后应为 null");
      return negate(negated, { kind: "null", field: left.text });
    }
    const negated = this.#takeWord("not");
    if (this.#takeWord("like")) return negate(negated, { kind: "like", field: left.text, pattern: this.#literal() });
    if (this.#takeWord("in")) return negate(negated, { kind: "in", field: left.text, literals: this.#list() });
    if (this.#takeWord("between")) return negate(negated, this.#between(left.text));
    if (negated) throw wrong("not 之后应为 like、in 或 between");
    const operator = this.#operator();
    return { kind: "compare", field: left.text, operator, literal: this.#literal() };
  }

  /** "1=1", which callers send for "everything". */
  #literalComparison(left: Token): Condition {
    const operator = this.#operator();
    const right = this.#literal();
    const order = left.text === right ? 0 : left.text < right ? -1 : 1;
    return { kind: "constant", holds: holdsFor(operator, order) };
  }

  #between(field: string): Condition {
    const low: Condition = { kind: "compare", field, operator: ">=", literal: this.#literal() };
    if (!this.#takeWord("and")) throw wrong("between 之后应有 and");
    return { kind: "all", parts: [low, { kind: "compare", field, operator: "<=", literal: this.#literal() }] };
  }

  #list(): string[] {
    this.#expectMark("(");
    const literals = [this.#literal()];
    while (this.#takeMark(",")) literals.push(this.#literal());
    this.#expectMark(")");
    return literals;
  }

  #operator(): Comparison {
    const token = this.#next();
    switch (token.text) {
      case "=":
      case "<>":
      case ">":
      case ">=":
      case "<":
      case "<=":
        return token.text;
      default:
        throw wrong(`“${token.text}”不是比较符`);
    }
  }

  #literal(): string {
    const token = this.#next();
    const isWord = token.kind === "word" && /^(true|false)$/i.test(token.text);
    if (token.kind !== "text" && token.kind !== "number" && !isWord) throw wrong(`“${token.text}”不是值`);
    return token.text;
  }

  #next(): Token {
    const token = this.#tokens[this.#at];
    if (!token) throw wrong("过滤条件不完整");
    this.#at += 1;
    return token;
  }

  #takeWord(word: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== "word" || token.text.toLowerCase() !== word) return false;
    this.#at += 1;
    return true;
  }

  #takeMark(mark: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== "mark" || token.text !== mark) return false;
    this.#at += 1;
    return true;
  }

  #expectMark(mark: string): void {
    if (!this.#takeMark(mark)) throw wrong(`过滤条件缺少“${mark}”`);
  }
}

function negate(negated: boolean, condition: Condition): Condition {
  return negated ? { kind: "not", part: condition } : condition;
}

function wrong(message: string): Refusal {
  return new Refusal(MSG.parameters, message);
}
