/**
 * The small part of SQL that reading back needs: one SELECT with WHERE, JOIN … ON, GROUP BY, ORDER BY, TOP, DISTINCT.
 * A real U8 runs whatever SQLEXE is sent; that door stays shut here, and says so in SQL Server's words.
 */

export class SqlError extends Error {}

export type Expression =
  | { kind: "literal"; value: string | null; number: boolean }
  | { kind: "column"; qualifier: string; name: string }
  | { kind: "call"; name: string; star: boolean; parameters: readonly Expression[] }
  | { kind: "operation"; operator: string; left: Expression; right: Expression }
  | { kind: "not"; inner: Expression }
  | { kind: "null"; inner: Expression; negated: boolean }
  | { kind: "in"; inner: Expression; list: readonly Expression[]; negated: boolean };

export type Source = { table: string; alias: string };
export type Join = Source & { on: Expression; outer: boolean };
export type Select = {
  distinct: boolean;
  top: number | undefined;
  /** undefined: all columns, of one alias when it is named */
  items: readonly { expression: Expression | undefined; qualifier: string; name: string | undefined }[];
  from: Source;
  joins: readonly Join[];
  where: Expression | undefined;
  groupBy: readonly Expression[];
  orderBy: readonly { expression: Expression; descending: boolean }[];
};

type Token = { kind: "word" | "quoted" | "text" | "number" | "mark"; text: string };

const LENGTH_MAX = 20_000;
const DEPTH_MAX = 40;
const TOKEN =
  /\s*(?:(?<text>[Nn]?'(?:[^']|'')*')|(?<number>\d+(?:\.\d+)?)|\[(?<quoted>[^\]]+)\]|(?<word>[\p{L}_#@][\p{L}\p{N}_#@$]*)|(?<mark><>|!=|<=|>=|[=<>(),.*+\-;]))/uy;
const RESERVED = new Set(
  "select from where group order by join inner left outer on and or not in between like is null as top distinct having union with".split(
    " ",
  ),
);

/** @throws SqlError for whatever is no single SELECT within the subset */
export function parseSelect(text: string): Select {
  const parser = new Parser(text);
  const select = parser.select();
  parser.end();
  return select;
}

/** Reads a condition alone, as the `field` elements of an EAI query spell it. */
export function parseCondition(text: string): Expression {
  const parser = new Parser(text);
  const condition = parser.condition();
  parser.end();
  return condition;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    if (text.length > LENGTH_MAX) throw new SqlError("查询语句过长。");
    this.#tokens = tokensOf(text);
  }

  select(): Select {
    if (!this.#word("select")) throw new SqlError("EAI通用查询只支持SELECT语句。");
    const distinct = this.#word("distinct");
    const top = this.#word("top") ? this.#count() : undefined;
    const items = this.#list(() => this.#item());
    this.#need("from");
    const from = this.#source();
    const joins: Join[] = [];
    for (;;) {
      const outer = this.#word("left");
      if (outer) this.#word("outer");
      else this.#word("inner");
      if (!this.#word("join")) break;
      const source = this.#source();
      this.#need("on");
      joins.push({ ...source, on: this.condition(), outer });
    }
    const where = this.#word("where") ? this.condition() : undefined;
    const groupBy = this.#word("group") ? this.#by(() => this.#sum()) : [];
    const orderBy = this.#word("order")
      ? this.#by(() => {
          const expression = this.#sum();
          const descending = this.#word("desc");
          if (!descending) this.#word("asc");
          return { expression, descending };
        })
      : [];
    return { distinct, top, items, from, joins, where, groupBy, orderBy };
  }

  end(): void {
    this.#mark(";");
    if (this.#at < this.#tokens.length) throw this.#wrong();
  }

  condition(): Expression {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw new SqlError("查询条件嵌套过深。");
    let left = this.#conjunction();
    while (this.#word("or")) left = { kind: "operation", operator: "or", left, right: this.#conjunction() };
    this.#depth -= 1;
    return left;
  }

  #conjunction(): Expression {
    let left = this.#negation();
    while (this.#word("and")) left = { kind: "operation", operator: "and", left, right: this.#negation() };
    return left;
  }

  #negation(): Expression {
    return this.#word("not") ? { kind: "not", inner: this.#comparison() } : this.#comparison();
  }

  #comparison(): Expression {
    const left = this.#sum();
    if (this.#word("is")) {
      const negated = this.#word("not");
      this.#need("null");
      return { kind: "null", inner: left, negated };
    }
    const negated = this.#word("not");
    if (this.#word("in")) {
      this.#needMark("(");
      const list = this.#list(() => this.#sum());
      this.#needMark(")");
      return { kind: "in", inner: left, list, negated };
    }
    const wrap = (inner: Expression): Expression => (negated ? { kind: "not", inner } : inner);
    if (this.#word("between")) {
      const low = this.#sum();
      this.#need("and");
      const high = this.#sum();
      const above: Expression = { kind: "operation", operator: ">=", left, right: low };
      const below: Expression = { kind: "operation", operator: "<=", left, right: high };
      return wrap({ kind: "operation", operator: "and", left: above, right: below });
    }
    if (this.#word("like")) return wrap({ kind: "operation", operator: "like", left, right: this.#sum() });
    if (negated) throw this.#wrong();
    for (const operator of ["<>", "!=", "<=", ">=", "=", "<", ">"]) {
      if (this.#mark(operator)) {
        return { kind: "operation", operator: operator === "!=" ? "<>" : operator, left, right: this.#sum() };
      }
    }
    return left;
  }

  #sum(): Expression {
    let left = this.#primary();
    for (;;) {
      const operator = this.#mark("+") ? "+" : this.#mark("-") ? "-" : undefined;
      if (operator === undefined) return left;
      left = { kind: "operation", operator, left, right: this.#primary() };
    }
  }

  #primary(): Expression {
    const token = this.#next();
    if (token.kind === "text") return { kind: "literal", value: token.text, number: false };
    if (token.kind === "number") return { kind: "literal", value: token.text, number: true };
    if (token.kind === "mark" && token.text === "-") {
      const number = this.#next();
      if (number.kind !== "number") throw this.#wrong();
      return { kind: "literal", value: `-${number.text}`, number: true };
    }
    if (token.kind === "mark" && token.text === "(") {
      const inner = this.condition();
      this.#needMark(")");
      return inner;
    }
    if (token.kind === "mark") throw this.#wrong();
    const word = token.kind === "word" ? token.text.toLowerCase() : "";
    if (word === "null") return { kind: "literal", value: null, number: false };
    if (RESERVED.has(word)) throw this.#wrong();
    if (token.kind === "word" && this.#mark("(")) {
      if (this.#mark("*")) {
        this.#needMark(")");
        return { kind: "call", name: word, star: true, parameters: [] };
      }
      const parameters = this.#list(() => this.#sum());
      this.#needMark(")");
      return { kind: "call", name: word, star: false, parameters };
    }
    if (!this.#mark(".")) return { kind: "column", qualifier: "", name: token.text };
    return { kind: "column", qualifier: token.text, name: this.#name() };
  }

  #item(): Select["items"][number] {
    if (this.#mark("*")) return { expression: undefined, qualifier: "", name: undefined };
    const [first, point, star] = this.#tokens.slice(this.#at, this.#at + 3);
    if (first?.kind === "word" && point?.text === "." && star?.kind === "mark" && star.text === "*") {
      this.#at += 3;
      return { expression: undefined, qualifier: first.text, name: undefined };
    }
    const expression = this.#sum();
    if (this.#word("as")) return { expression, qualifier: "", name: this.#name() };
    const next = this.#tokens[this.#at];
    const named = next?.kind === "quoted" || (next?.kind === "word" && !RESERVED.has(next.text.toLowerCase()));
    return { expression, qualifier: "", name: named ? this.#name() : undefined };
  }

  #source(): Source {
    let table = this.#name();
    // Database and owner may stand in front: UFSystem..UA_Period, dbo.code.
    for (let parts = 0; parts < 3 && this.#mark("."); parts += 1) {
      this.#mark(".");
      table = `${table}.${this.#name()}`;
    }
    let alias = "";
    this.#word("as");
    const next = this.#tokens[this.#at];
    if (next?.kind === "word" && !RESERVED.has(next.text.toLowerCase())) alias = this.#name();
    if (this.#word("with")) {
      this.#needMark("(");
      this.#need("nolock");
      this.#needMark(")");
    } else if (this.#mark("(")) {
      this.#need("nolock");
      this.#needMark(")");
    }
    return { table, alias };
  }

  #list<Item>(one: () => Item): Item[] {
    const items = [one()];
    while (this.#mark(",")) items.push(one());
    return items;
  }

  #by<Item>(one: () => Item): Item[] {
    this.#need("by");
    return this.#list(one);
  }

  #count(): number {
    const bracket = this.#mark("(");
    const token = this.#next();
    if (token.kind !== "number" || token.text.length > 9) throw this.#wrong();
    if (bracket) this.#needMark(")");
    return Number(token.text);
  }

  #name(): string {
    const token = this.#next();
    if (token.kind === "quoted") return token.text;
    if (token.kind === "text") return token.text;
    if (token.kind !== "word" || RESERVED.has(token.text.toLowerCase())) throw this.#wrong();
    return token.text;
  }

  #next(): Token {
    const token = this.#tokens[this.#at];
    if (!token) throw this.#wrong();
    this.#at += 1;
    return token;
  }

  #word(word: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== "word" || token.text.toLowerCase() !== word) return false;
    this.#at += 1;
    return true;
  }

  #need(word: string): void {
    if (!this.#word(word)) throw this.#wrong();
  }

  #mark(mark: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== "mark" || token.text !== mark) return false;
    this.#at += 1;
    return true;
  }

  #needMark(mark: string): void {
    if (!this.#mark(mark)) throw this.#wrong();
  }

  #wrong(): SqlError {
    return new SqlError(`'${this.#tokens[Math.min(this.#at, this.#tokens.length - 1)]?.text ?? ""}' 附近有语法错误。`);
  }
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const trimmed = text.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < trimmed.length) {
    const start = TOKEN.lastIndex;
    const groups = TOKEN.exec(trimmed)?.groups;
    if (!groups) throw new SqlError(`'${trimmed.slice(start, start + 10).trim()}' 附近有语法错误。`);
    const { text: literal, number, quoted, word, mark } = groups;
    if (literal !== undefined) {
      tokens.push({ kind: "text", text: literal.replace(/^[Nn]?'|'$/g, "").replaceAll("''", "'") });
    } else if (number !== undefined) tokens.push({ kind: "number", text: number });
    else if (quoted !== undefined) tokens.push({ kind: "quoted", text: quoted });
    else if (word !== undefined) tokens.push({ kind: "word", text: word });
    else tokens.push({ kind: "mark", text: mark ?? "" });
  }
  return tokens;
}
