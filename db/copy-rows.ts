import { finished } from "node:stream/promises";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";

const START_BYTES = 262_144;
/** UTF-8 needs at most three bytes for one UTF-16 unit; an escaped character needs two. */
const BYTES_PER_UNIT_MAX = 3;
/** Up to so many characters a loop is faster than a call into the runtime. */
const SHORT = 20;

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BACKSLASH = 0x5c;
const ASCII_END = 0x80;

const SPECIAL = /[\\\n\r\t\0]/;
const SPECIALS = /[\\\n\r\t\0]/g;
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  // PostgreSQL holds no NUL.
  "\0": "\uFFFD",
};

/**
 * Rows in COPY's text format, written straight into bytes. A row put together as text first is copied three times on its
 * way, and what it leaves behind is a third of the work of drafting.
 */
export class CopyRows {
  #bytes = Buffer.allocUnsafe(START_BYTES);
  #end = 0;

  get empty(): boolean {
    return this.#end === 0;
  }

  /** A value and the tab behind it. NUL and half a surrogate pair become the replacement character. */
  text(value: string): this {
    this.#room(value.length * BYTES_PER_UNIT_MAX + 1);
    if (value.length > SHORT) return this.#long(value);
    const bytes = this.#bytes;
    let at = this.#end;
    for (let index = 0; index < value.length; index += 1) {
      const unit = value.charCodeAt(index);
      if (unit >= ASCII_END || unit <= CARRIAGE_RETURN || unit === BACKSLASH) return this.#long(value);
      bytes[at] = unit;
      at += 1;
    }
    bytes[at] = TAB;
    this.#end = at + 1;
    return this;
  }

  #long(value: string): this {
    const escaped = SPECIAL.test(value)
      ? value.replace(SPECIALS, (character) => ESCAPES[character] ?? character)
      : value;
    this.#end += this.#bytes.write(escaped, this.#end);
    this.#bytes[this.#end] = TAB;
    this.#end += 1;
    return this;
  }

  /** The same for a value that may be absent. */
  optional(value: string | undefined): this {
    if (value !== undefined) return this.text(value);
    this.#room(NULL.length);
    NULL.copy(this.#bytes, this.#end);
    this.#end += NULL.length;
    return this;
  }

  integer(value: number): this {
    return this.text(String(value));
  }

  flag(value: boolean | undefined): this {
    return this.text(value === true ? "t" : "f");
  }

  endRow(): void {
    this.#bytes[this.#end - 1] = LINE_FEED;
  }

  /** Where the next value begins: `since` gives the bytes from there. */
  get position(): number {
    return this.#end;
  }

  since(position: number): Buffer {
    return this.#bytes.subarray(position, this.#end);
  }

  /** Sends everything. The rows must not be added to until it is done. */
  async copyInto(client: pg.ClientBase, table: string, columns: readonly string[]): Promise<void> {
    if (this.empty) return;
    const stream = client.query(copyFrom(`COPY ${table} (${columns.join(", ")}) FROM STDIN`));
    stream.end(this.since(0));
    await finished(stream);
  }

  #room(wanted: number): void {
    const needed = this.#end + wanted;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }
}

const NULL = Buffer.from("\\N\t");
