/** The shape of entities: properties with kind, length, column and rights, written down in one short notation. */

export type Kind = "string" | "double" | "int" | "date" | "time" | "enum" | "list";

export type Property = {
  readonly name: string;
  readonly kind: Kind;
  /** longest text; undefined is any */
  readonly length?: number;
  /** enum, or type of a list's members */
  readonly of?: string;
  /** database column: error suffixes and SQL speak of it */
  readonly column: string;
  /** set by the server; silently ignored in what is sent (guide §3.5.3) */
  readonly readOnly: boolean;
  /** may be given at creation only: a change is refused with -1029 */
  readonly fixed: boolean;
  readonly initial?: string;
};

export type TypeDefinition = {
  readonly name: string;
  readonly properties: ReadonlyMap<string, Property>;
};

export type Verb = "POST" | "PATCH" | "DELETE";

export type SetDefinition = {
  readonly name: string;
  readonly type: string;
  readonly keys: readonly string[];
  /** table of the header, "OJDT"; user fields hang on it */
  readonly table: string;
  /** tables of sub-collections by property */
  readonly lineTables: Readonly<Record<string, string>>;
  /** object type in the database */
  readonly objectCode: string;
  readonly etag: boolean;
  readonly verbs: readonly Verb[];
  readonly actions: readonly string[];
};

const TOKEN = /^(\w+):(s\d*|n|i|d|t|b|e\.\w+|\[\w+\])([!^]*)(?:=(\w+))?(?:~(.*))?$/;

/**
 * One token per property: `Name:kind[!][^][=Column][~default]`. Kinds: s (text, with its length), n (double), i, d (date),
 * t (time), b (Yes/No), e.Enum, [Type] (list). `!` read-only, `^` fixed after creation.
 */
export function typeOf(name: string, notation: string): TypeDefinition {
  const properties = notation
    .trim()
    .split(/\s+/)
    .map((token) => propertyOf(token));
  return { name, properties: new Map(properties.map((property) => [property.name, property])) };
}

export function propertyOf(token: string): Property {
  const found = TOKEN.exec(token);
  if (found === null) throw new Error(`"${token}" is no property.`);
  const [, name = "", code = "", flags = "", column, initial] = found;
  const shared = {
    name,
    column: column ?? name,
    readOnly: flags.includes("!"),
    fixed: flags.includes("^"),
    ...(initial === undefined ? {} : { initial }),
  };
  if (code.startsWith("[")) return { ...shared, kind: "list", of: code.slice(1, -1) };
  if (code.startsWith("e.")) return { ...shared, kind: "enum", of: code.slice(2) };
  switch (code.charAt(0)) {
    case "b":
      return { ...shared, kind: "enum", of: "BoYesNoEnum", initial: initial ?? "tNO" };
    case "n":
      return { ...shared, kind: "double" };
    case "i":
      return { ...shared, kind: "int" };
    case "d":
      return { ...shared, kind: "date" };
    case "t":
      return { ...shared, kind: "time" };
    default:
      return code === "s"
        ? { ...shared, kind: "string" }
        : { ...shared, kind: "string", length: Number(code.slice(1)) };
  }
}
