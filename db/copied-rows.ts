import type pg from "pg";
import { to as copyTo } from "pg-copy-streams";

/**
 * Rows as COPY gives them. A value is one byte a character until it is decoded: most need no decoding, and those that do
 * repeat.
 */
export interface CopiedRows {
  readonly rows: readonly (readonly string[])[];
  /** A text as it was stored. */
  readonly text: (field: string | undefined) => string;
  /** A number, date or flag, as PostgreSQL writes it; undefined for NULL. */
  readonly plain: (field: string | undefined) => string | undefined;
}

/**
 * Reads with COPY what a page of thousands of rows needs, in about half the time of a query: the driver makes a text of
 * every single value, COPY sends whole rows.
 *
 * @param select  SQL without parameters: COPY takes none. Values of others belong into `pg.escapeLiteral`.
 */
export const copiedRows = async (client: pg.ClientBase, select: string): Promise<CopiedRows> => {
  const stream = client.query(copyTo(`COPY (${select}) TO STDOUT`));
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const lines = Buffer.concat(chunks).toString("latin1").split("\n");
  // Every row ends with a line feed.
  lines.pop();
  const decoded = new Map<string, string>();
  return {
    rows: lines.map((line) => line.split("\t")),
    text: (field = "") => {
      if (PLAIN.test(field)) return field;
      const known = decoded.get(field);
      if (known !== undefined) return known;
      const value = unescape(Buffer.from(field, "latin1").toString("utf8"));
      decoded.set(field, value);
      return value;
    },
    plain: (field) => (field === NULL ? undefined : field),
  };
};
const NULL = "\\N";

/** ASCII without a backslash. */
const PLAIN = /^[\0-[\]-\x7f]*$/;

const unescape = (value: string): string =>
  value.includes("\\") ? value.replace(/\\(.)/g, (_, letter: string) => ESCAPED[letter] ?? letter) : value;
/** What COPY writes behind a backslash. */
const ESCAPED: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };
