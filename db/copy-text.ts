import { finished } from "node:stream/promises";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";

const SPECIAL = /[\\\n\r\t\0]/;
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\0": "\uFFFD",
};

/** A value as COPY's text format wants it. PostgreSQL holds no NUL: it becomes the replacement character. */
export const copyText = (value: string): string =>
  SPECIAL.test(value) ? value.replace(/[\\\n\r\t\0]/g, (character) => ESCAPES[character] ?? character) : value;

/** The same for a value that may be absent. */
export const copyNullable = (value: string | undefined): string => (value === undefined ? "\\N" : copyText(value));

/** Sends finished lines of COPY's text format (tabs between values, one line feed at the end of each). */
export async function copyInto(
  client: pg.ClientBase,
  table: string,
  columns: readonly string[],
  lines: readonly string[],
): Promise<void> {
  if (lines.length === 0) return;
  const stream = client.query(copyFrom(`COPY ${table} (${columns.join(", ")}) FROM STDIN`));
  stream.end(lines.join(""));
  await finished(stream);
}
