import { Readable } from "node:stream";
import { finished, pipeline } from "node:stream/promises";
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

/** So much text goes to the server at a time: it works on one piece while the next is made. */
const PIECE_CHARACTERS = 65_536;

/** The same for lines that are made while they are sent. */
export async function copyLines(
  client: pg.ClientBase,
  table: string,
  columns: readonly string[],
  lines: Iterable<string>,
): Promise<void> {
  const stream = client.query(copyFrom(`COPY ${table} (${columns.join(", ")}) FROM STDIN`));
  await pipeline(Readable.from(pieces(lines), { objectMode: true, highWaterMark: 2 }), stream);
}

function* pieces(lines: Iterable<string>): Generator<string> {
  let piece = "";
  for (const line of lines) {
    piece += line;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = "";
  }
  if (piece !== "") yield piece;
}
