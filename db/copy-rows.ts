import { finished } from "node:stream/promises";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";

const START_BYTES = 262_144;
/** UTF-8 needs at most three bytes for one UTF-16 unit; an escaped character needs two. */
const BYTES_PER_UNIT_MAX = 3;

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BACKSLASH = 0x5c;
const ASCII_END = 0x80;
const TWO_BYTES_END = 0x800;
const HIGH_SURROGATE = 0xd800;
const LOW_SURROGATE = 0xdc00;
const SURROGATE_END = 0xe000;
const REPLACEMENT = 0xfffd;
const CONTINUATION = 0x80;
const SIX_BITS = 0x3f;

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

  /** A value and the tab behind it. PostgreSQL holds no NUL: it becomes the replacement character. */
  text(value: string): this {
    this.#room(value.length * BYTES_PER_UNIT_MAX + 1);
    const bytes = this.#bytes;
    let at = this.#end;
    for (let index = 0; index < value.length; index += 1) {
      const unit = value.charCodeAt(index);
      if (unit < ASCII_END && unit > CARRIAGE_RETURN && unit !== BACKSLASH) bytes[at++] = unit;
      else at = putRare(bytes, at, value, index);
      // The second half of a pair went with the first.
      if (unit >= HIGH_SURROGATE && unit < LOW_SURROGATE && isLow(value.charCodeAt(index + 1))) index += 1;
    }
    bytes[at] = TAB;
    this.#end = at + 1;
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
const isLow = (unit: number): boolean => unit >= LOW_SURROGATE && unit < SURROGATE_END;

const ESCAPES: ReadonlyMap<number, number> = new Map(
  ["\\\\", "\nn", "\rr", "\tt"].map(([from = "", to = ""]) => [from.charCodeAt(0), to.charCodeAt(0)]),
);

/** Everything but plain ASCII. @returns the place behind it */
const putRare = (bytes: Buffer, start: number, value: string, index: number): number => {
  const unit = value.charCodeAt(index);
  let at = start;
  if (unit < ASCII_END && unit !== 0) {
    const letter = ESCAPES.get(unit);
    if (letter !== undefined) bytes[at++] = BACKSLASH;
    bytes[at++] = letter ?? unit;
    return at;
  }
  const point = codePointAt(value, index);
  if (point < TWO_BYTES_END) {
    bytes[at++] = 0xc0 | (point >> 6);
  } else if (point <= 0xffff) {
    bytes[at++] = 0xe0 | (point >> 12);
    bytes[at++] = CONTINUATION | ((point >> 6) & SIX_BITS);
  } else {
    bytes[at++] = 0xf0 | (point >> 18);
    bytes[at++] = CONTINUATION | ((point >> 12) & SIX_BITS);
    bytes[at++] = CONTINUATION | ((point >> 6) & SIX_BITS);
  }
  bytes[at++] = CONTINUATION | (point & SIX_BITS);
  return at;
};

/** Half a pair stands for nothing and NUL cannot be stored: both become the replacement character. */
const codePointAt = (value: string, index: number): number => {
  const point = value.codePointAt(index) ?? 0;
  return point === 0 || (point >= HIGH_SURROGATE && point < SURROGATE_END) ? REPLACEMENT : point;
};
