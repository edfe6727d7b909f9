import type pg from "pg";
import { to as copyTo } from "pg-copy-streams";

/** A row as COPY gives it: every value as PostgreSQL writes it, undefined for NULL. */
export type CopiedRow = readonly (string | undefined)[];

/**
 * Reads with COPY what a page of thousands of rows needs, in about half the time of a query: the driver makes a text of
 * every single value, COPY sends whole rows.
 *
 * @param select  SQL without parameters: COPY takes none. Values of others belong into `pg.escapeLiteral`.
 */
export const copiedRows = async (client: pg.ClientBase, select: string): Promise<readonly CopiedRow[]> => {
  const stream = client.query(copyTo(`COPY (${select}) TO STDOUT`));
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  // One byte, one character: tabs, line feeds and digits are found without decoding everything, and most values need none.
  const text = Buffer.concat(chunks).toString("latin1");
  if (text === "") return [];
  const decoded = new Map<string, string>();
  const valueOf = (field: string): string | undefined => {
    if (PLAIN.test(field)) return field;
    if (field === "\\N") return undefined;
    const known = decoded.get(field);
    if (known !== undefined) return known;
    const value = unescape(Buffer.from(field, "latin1").toString("utf8"));
    decoded.set(field, value);
    return value;
  };
  return text
    .slice(0, -1)
    .split("\n")
    .map((line) => line.split("\t").map(valueOf));
};

/** ASCII without a backslash. */
const PLAIN = /^[\0-[\]-\x7f]*$/;

const unescape = (value: string): string =>
  value.includes("\\") ? value.replace(/\\(.)/g, (_, letter: string) => ESCAPED[letter] ?? letter) : value;
/** What COPY writes behind a backslash. */
const ESCAPED: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };
