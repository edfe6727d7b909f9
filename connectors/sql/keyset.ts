import { z } from "zod";
import { ZhangshiError } from "../../domain/errors.ts";
import type { SqlForm } from "./settings.ts";

/** Where reading goes on. `until` is there within a read of several pages. */
const Cursor = z.strictObject({ at: z.string(), row: z.string(), until: z.string().optional() });
export type Cursor = z.infer<typeof Cursor>;

/** @throws ZhangshiError READ_FAILED when it is no cursor of ours */
export const cursorOf = (text: string): Cursor | undefined => {
  if (text === "") return undefined;
  try {
    return Cursor.parse(JSON.parse(text));
  } catch (cause) {
    throw new ZhangshiError(
      "READ_FAILED",
      { cursor: text.slice(0, 100), reason: "no cursor of this source" },
      { cause },
    );
  }
};
export const textOfCursor = (cursor: Cursor): string => JSON.stringify(cursor);

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** What rows are read from: the view by its name, or the query as a sub-query. */
export const relationOf = ({ from, query }: Pick<SqlForm, "from" | "query">): string =>
  from === undefined
    ? // The line end closes a comment at the query's end.
      `(${(query ?? "").replace(/[;\s]+$/, "")}\n)`
    : from.split(".").map(quoted).join(".");

/** The key's columns and their types, as the database names them. */
export interface Key {
  readonly relation: string;
  readonly changedAt: string;
  readonly changedAtType: string;
  readonly row: string;
  readonly rowType: string;
  readonly document: string;
  readonly documentType: string;
  /** Several rows may make one document. */
  readonly grouped: boolean;
}

const TIMES: ReadonlySet<string> = new Set(["timestamp with time zone", "timestamp without time zone", "date"]);
const COUNTERS: ReadonlySet<string> = new Set(["smallint", "integer", "bigint", "numeric"]);
export const kindOfCursor = (type: string): "time" | "counter" | "other" =>
  TIMES.has(type) ? "time" : COUNTERS.has(type) ? "counter" : "other";

/**
 * Documents in the order in which they last changed: one row for each, its newest, so that a document comes up once
 * however many lines it has.
 * Values: $1 from, $2 row, $3 until, $4 how many, $5 overlap (milliseconds or a count).
 */
export const pageSql = (key: Key, start: "beginning" | "overlap" | "after"): string => {
  const [at, row, document] = [`q.${key.changedAt}`, `q.${key.row}`, `q.${key.document}`];
  const newest = key.grouped
    ? `AND NOT EXISTS (SELECT FROM ${key.relation} AS n WHERE n.${key.document} = ${document}
         AND (n.${key.changedAt}, n.${key.row}) > (${at}, ${row}))`
    : "";
  return `SELECT ${at}::text AS zs_at, ${row}::text AS zs_row, ${document}::text AS zs_document
    FROM ${key.relation} AS q
    WHERE ${startSql(key, start)} AND ${at} <= $3::${key.changedAtType} AND ${document} IS NOT NULL ${newest}
    ORDER BY ${at}, ${row} LIMIT $4`;
};

/** Every value is used in every variant, for the protocol wants to know the type of each. */
const startSql = (key: Key, start: "beginning" | "overlap" | "after"): string => {
  const unused = "$5::bigint IS NOT NULL";
  if (start === "beginning") return `$1::text IS NOT NULL AND $2::text IS NOT NULL AND ${unused}`;
  if (start === "after")
    return `(q.${key.changedAt}, q.${key.row}) > ($1::${key.changedAtType}, $2::${key.rowType}) AND ${unused}`;
  const back = {
    time: `$1::${key.changedAtType} - $5::bigint * interval '1 ms'`,
    counter: `$1::${key.changedAtType} - $5::bigint`,
    other: `$1::${key.changedAtType}`,
  }[kindOfCursor(key.changedAtType)];
  const either = kindOfCursor(key.changedAtType) === "other" ? `AND ${unused}` : "";
  return `q.${key.changedAt} >= ${back} AND $2::text IS NOT NULL ${either}`;
};

/** All lines of these documents. Values: $1 ids, $2 how many at most. */
export const linesSql = (key: Key): string =>
  `SELECT q.*, q.${key.document}::text AS zs_document, q.${key.row}::text AS zs_row, q.${key.changedAt}::text AS zs_at
   FROM ${key.relation} AS q WHERE q.${key.document} = ANY ($1::text[]::${key.documentType}[])
   ORDER BY q.${key.document}, q.${key.row} LIMIT $2`;

/** Rows that a cursor never meets. Values: $1 how many at most. */
export const keylessSql = (key: Key): string =>
  `SELECT q.${key.row}::text AS zs_row, q.${key.document}::text AS zs_document FROM ${key.relation} AS q
   WHERE q.${key.changedAt} IS NULL OR q.${key.document} IS NULL ORDER BY q.${key.row} LIMIT $1`;

export const newestSql = (key: Key): string =>
  `SELECT max(q.${key.changedAt})::text AS newest FROM ${key.relation} AS q`;
