/**
 * `$filter` and `$orderby`: the small language of Service Layer. Four text functions and six comparisons; no arithmetic, no
 * other function (guide §3.7, §8): an unknown function reads as a property that does not exist.
 */

import { parseDecimal } from "../shared/decimal.ts";
import { enumMember } from "./enums.ts";
import { invalidValue, ServiceError } from "./errors.ts";
import { scalarText, type Value } from "./model.ts";
import type { Property } from "./schema.ts";
import { readDate, readTime } from "./values.ts";

export type Operator = "eq" | "ne" | "gt" | "ge" | "lt" | "le";
export type Operand =
  | { readonly kind: "path"; readonly path: string; readonly property: Property }
  | { readonly kind: "literal"; readonly text: string; readonly quoted: boolean }
  | { readonly kind: "null" };
export type Expression =
  | { readonly kind: "and" | "or"; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "not"; readonly of: Expression }
  | { readonly kind: "compare"; readonly operator: Operator; readonly left: Operand; readonly right: Operand }
  | {
      readonly kind: "text";
      readonly name: "startswith" | "endswith" | "contains";
      readonly of: Operand;
      readonly part: string;
    };

/** Finds the property behind a path such as `CardCode` or `Orders/CardCode`. */
export type Resolver = (path: string) => Property | undefined;
export type Lookup = (path: string) => Value | undefined;

const TOKEN = /\s*(?:(datetime'(?:[^']*)')|('(?:[^']|'')*')|([A-Za-z_$][\w$./-]*)|(-?\d[\w.:+-]*)|([(),]))/y;
const OPERATORS: ReadonlySet<string> = new Set(["eq", "ne", "gt", "ge", "lt", "le"]);
const LENGTH_MAX = 60_000;
const DEPTH_MAX = 200;

type Token = { readonly kind: "name" | "text" | "number" | "mark"; readonly text: string };

const invalid = (): ServiceError => new ServiceError(201, "Not supported query string");
const unknownProperty = (name: string): ServiceError => new ServiceError(201, `Property '${name}' is invalid`);

function tokensOf(source: string): Token[] {
  if (source.length > LENGTH_MAX) throw invalid();
  const tokens: Token[] = [];
  const pattern = new RegExp(TOKEN);
  while (pattern.lastIndex < source.trimEnd().length) {
    const found = pattern.exec(source);
    if (found === null) throw invalid();
    const [, dated, quoted, name, numeric, mark] = found;
    const literal = dated === undefined ? quoted : dated.slice("datetime".length);
    if (literal !== undefined) tokens.push({ kind: "text", text: literal.slice(1, -1).replaceAll("''", "'") });
    else if (name !== undefined) tokens.push({ kind: "name", text: name });
    else if (numeric !== undefined) tokens.push({ kind: "number", text: numeric });
    else tokens.push({ kind: "mark", text: mark ?? "" });
  }
  return tokens;
}

/** @throws ServiceError 201 for what the language does not have */
export function parseFilter(source: string, resolve: Resolver): Expression {
  const reader = new Reader(tokensOf(source), resolve);
  const expression = reader.or(0);
  reader.end();
  return expression;
}

class Reader {
  readonly #tokens: readonly Token[];
  readonly #resolve: Resolver;
  #at = 0;

  constructor(tokens: readonly Token[], resolve: Resolver) {
    this.#tokens = tokens;
    this.#resolve = resolve;
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw invalid();
  }

  or(depth: number): Expression {
    if (depth > DEPTH_MAX) throw invalid();
    let left = this.#and(depth);
    while (this.#takeName("or")) left = { kind: "or", left, right: this.#and(depth) };
    return left;
  }

  #and(depth: number): Expression {
    let left = this.#unary(depth);
    while (this.#takeName("and")) left = { kind: "and", left, right: this.#unary(depth) };
    return left;
  }

  #unary(depth: number): Expression {
    if (this.#takeName("not")) return { kind: "not", of: this.#unary(depth + 1) };
    if (this.#takeMark("(")) {
      const inner = this.or(depth + 1);
      this.#expect(")");
      return inner;
    }
    const next = this.#tokens[this.#at + 1];
    const token = this.#tokens[this.#at];
    if (token?.kind === "name" && next?.kind === "mark" && next.text === "(") return this.#call(token.text);
    return this.#comparison();
  }

  #call(name: string): Expression {
    this.#at += 2;
    if (name !== "startswith" && name !== "endswith" && name !== "contains" && name !== "substringof") {
      throw new ServiceError(-1000, `Property '${name}' of 'Document' is invalid`);
    }
    const first = this.#operand();
    this.#expect(",");
    const second = this.#operand();
    this.#expect(")");
    // `substringof` names the text first, the others the property.
    const [of, part] = name === "substringof" ? [second, first] : [first, second];
    if (part.kind !== "literal") throw invalid();
    return { kind: "text", name: name === "substringof" ? "contains" : name, of, part: part.text };
  }

  #comparison(): Expression {
    const left = this.#operand();
    const operator = this.#tokens[this.#at];
    if (operator?.kind !== "name" || !OPERATORS.has(operator.text)) throw invalid();
    this.#at += 1;
    const right = this.#operand();
    if (left.kind === "path" && right.kind === "literal") checkLiteral(left.property, right.text);
    return { kind: "compare", operator: operatorOf(operator.text), left, right };
  }

  #operand(): Operand {
    const token = this.#tokens[this.#at];
    if (token === undefined || token.kind === "mark") throw invalid();
    this.#at += 1;
    if (token.kind === "text") return { kind: "literal", text: token.text, quoted: true };
    if (token.kind === "number") return { kind: "literal", text: token.text, quoted: false };
    if (token.text === "null") return { kind: "null" };
    if (token.text === "true" || token.text === "false") return { kind: "literal", text: token.text, quoted: false };
    const property = this.#resolve(token.text);
    if (property === undefined || property.kind === "list") throw unknownProperty(token.text);
    return { kind: "path", path: token.text, property };
  }

  #takeName(name: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== "name" || token.text !== name) return false;
    this.#at += 1;
    return true;
  }

  #takeMark(mark: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== "mark" || token.text !== mark) return false;
    this.#at += 1;
    return true;
  }

  #expect(mark: string): void {
    if (!this.#takeMark(mark)) throw invalid();
  }
}

function operatorOf(name: string): Operator {
  switch (name) {
    case "eq":
    case "ne":
    case "gt":
    case "ge":
    case "lt":
      return name;
    default:
      return "le";
  }
}

/** `eq true` on a Yes/No property, or a number where a date stands, is refused (client b1sl-python's notes). */
function checkLiteral(property: Property, literal: string): void {
  if (normalised(property, literal) === undefined) throw invalidValue(literal, property.name);
}

function normalised(property: Property, literal: string): string | undefined {
  switch (property.kind) {
    case "enum":
      return enumMember(property.of ?? "", literal);
    case "date":
      return readDate(literal);
    case "time":
      return readTime(literal);
    case "double":
    case "int":
      return parseDecimal(literal) === undefined ? undefined : literal;
    case "string":
    case "list":
      return literal;
  }
}

/** @returns whether a record fits; comparisons with null are never true, as in SQL */
export function matches(expression: Expression, look: Lookup, fold: boolean): boolean {
  switch (expression.kind) {
    case "and":
      return matches(expression.left, look, fold) && matches(expression.right, look, fold);
    case "or":
      return matches(expression.left, look, fold) || matches(expression.right, look, fold);
    case "not":
      return !matches(expression.of, look, fold);
    case "text": {
      const value = expression.of.kind === "path" ? look(expression.of.path) : undefined;
      if (typeof value !== "string" && typeof value !== "number") return false;
      const [whole, part] = [folded(String(value), fold), folded(expression.part, fold)];
      if (expression.name === "startswith") return whole.startsWith(part);
      return expression.name === "endswith" ? whole.endsWith(part) : whole.includes(part);
    }
    case "compare":
      return compare(expression.operator, expression.left, expression.right, look, fold);
  }
}

const folded = (value: string, fold: boolean): string => (fold ? value.toLowerCase() : value);

function compare(operator: Operator, left: Operand, right: Operand, look: Lookup, fold: boolean): boolean {
  const property = left.kind === "path" ? left.property : right.kind === "path" ? right.property : undefined;
  const value = (operand: Operand): Value | undefined => {
    if (operand.kind === "null") return null;
    if (operand.kind === "path") return look(operand.path);
    return property === undefined ? operand.text : normalised(property, operand.text);
  };
  const [first, second] = [value(left), value(right)];
  const [empty, otherEmpty] = [first === null || first === undefined, second === null || second === undefined];
  if (left.kind === "null" || right.kind === "null") return (operator === "eq") === (empty && otherEmpty);
  if (empty || otherEmpty) return false;
  return holds(operator, order(property, first, second, fold));
}

function holds(operator: Operator, sign: number): boolean {
  switch (operator) {
    case "eq":
      return sign === 0;
    case "ne":
      return sign !== 0;
    case "gt":
      return sign > 0;
    case "ge":
      return sign >= 0;
    case "lt":
      return sign < 0;
    case "le":
      return sign <= 0;
  }
}

/** @returns negative, 0 or positive, as the property's kind orders its values; nulls come first */
export function order(
  property: Property | undefined,
  left: Value | undefined,
  right: Value | undefined,
  fold: boolean,
): number {
  const [empty, otherEmpty] = [left === null || left === undefined, right === null || right === undefined];
  if (empty || otherEmpty) return Number(otherEmpty) - Number(empty);
  if (property?.kind === "double" || property?.kind === "int") {
    const [first, second] = [parseDecimal(scalarText(left)) ?? 0n, parseDecimal(scalarText(right)) ?? 0n];
    return first < second ? -1 : first > second ? 1 : 0;
  }
  const [first, second] = [folded(scalarText(left), fold), folded(scalarText(right), fold)];
  return first < second ? -1 : first > second ? 1 : 0;
}

/**
 * @returns values that a property must equal for the expression to hold: from `P eq 'x'`, alone, in a conjunction, or in a
 * chain of `or`; undefined when no property is pinned so
 */
export function pinned(expression: Expression): { path: string; property: Property; values: string[] } | undefined {
  if (expression.kind === "and") return pinned(expression.left) ?? pinned(expression.right);
  if (expression.kind === "or") {
    const [left, right] = [pinned(expression.left), pinned(expression.right)];
    if (left === undefined || right === undefined || left.path !== right.path) return undefined;
    return { ...left, values: [...left.values, ...right.values] };
  }
  if (expression.kind !== "compare" || expression.operator !== "eq") return undefined;
  const { left, right } = expression;
  if (left.kind !== "path" || right.kind !== "literal") return undefined;
  const value = normalised(left.property, right.text);
  return value === undefined ? undefined : { path: left.path, property: left.property, values: [value] };
}
