/** Tables in dBase III and FoxPro files, as the desktop program reads and writes them. */

import { decodeGbk, encodeGbk } from "./gbk.ts";

export type DbfColumn = {
  /** at most ten characters; compared without regard to case */
  name: string;
  /** C text, N and F decimal text, D date, L logical, I integer, B double, Y currency, T date and time */
  type: string;
  length: number;
  decimals: number;
};

export type DbfTable = {
  columns: readonly DbfColumn[];
  /** one text per column, trimmed at its end (numbers on both sides); dates as "20250131", logicals as "T", "F" or "" */
  rows: readonly (readonly string[])[];
};

/** The file is no table, or not all of one. */
export class DbfError extends Error {}

const HEADER_BYTES = 32;
const COLUMN_BYTES = 32;
const NAME_BYTES = 11;
const HEADER_END = 0x0d;
const FILE_END = 0x1a;
const DELETED = 0x2a;
const SPACE = 0x20;
const VERSION_DBASE_III = 0x03;
/** Language driver of code page 936 (inferred in the reference; FoxPro's own list names it so). */
const CODE_PAGE_936 = 0x7a;
const VERSIONS = new Set([0x03, 0x04, 0x30, 0x31, 0x43, 0x83, 0x8b, 0xf5]);
/** FoxPro takes 255 columns and dBase fewer; more is no table. */
const COLUMNS_MAX = 255;

/** @throws DbfError when the bytes are no whole table */
export function readDbf(bytes: Uint8Array): DbfTable {
  if (bytes.length < HEADER_BYTES + 1 || !VERSIONS.has(bytes[0] ?? 0)) throw new DbfError("不是有效的DBF文件");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(4, true);
  const headerLength = view.getUint16(8, true);
  const recordLength = view.getUint16(10, true);
  if (bytes.length < headerLength) throw new DbfError("DBF文件头不完整");
  const columns = readColumns(bytes.subarray(0, headerLength));
  const expected = 1 + columns.reduce((sum, column) => sum + column.length, 0);
  if (expected !== recordLength) throw new DbfError("DBF文件的记录长度与字段不符");
  if (bytes.length < headerLength + count * recordLength) throw new DbfError("DBF文件不完整，记录数与文件长度不符");
  const rows: string[][] = [];
  for (let index = 0; index < count; index += 1) {
    const at = headerLength + index * recordLength;
    // A record with an asterisk was deleted and waits for PACK: no program shows it.
    if (bytes[at] === DELETED) continue;
    rows.push(readRecord(bytes.subarray(at, at + recordLength), columns));
  }
  return { columns, rows };
}

function readColumns(header: Uint8Array): DbfColumn[] {
  const columns: DbfColumn[] = [];
  for (let at = HEADER_BYTES; header[at] !== HEADER_END; at += COLUMN_BYTES) {
    if (at + COLUMN_BYTES > header.length || columns.length === COLUMNS_MAX)
      throw new DbfError("DBF文件的字段表已损坏");
    const name = decodeGbk(header.subarray(at, at + NAME_BYTES)).split("\0")[0] ?? "";
    const type = String.fromCharCode(header[at + 11] ?? 0);
    columns.push({ name: name.trim(), type, length: header[at + 16] ?? 0, decimals: header[at + 17] ?? 0 });
  }
  if (columns.length === 0) throw new DbfError("DBF文件没有字段");
  return columns;
}

function readRecord(record: Uint8Array, columns: readonly DbfColumn[]): string[] {
  let at = 1;
  return columns.map((column) => {
    const value = record.subarray(at, at + column.length);
    at += column.length;
    return readValue(value, column);
  });
}

function readValue(value: Uint8Array, column: DbfColumn): string {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  switch (column.type) {
    case "I":
      return String(view.getInt32(0, true));
    case "B":
      return plainNumber(view.getFloat64(0, true));
    case "Y":
      return tenThousandths(view.getBigInt64(0, true));
    case "T":
      return julianDate(view.getInt32(0, true));
    case "L":
      return /^[TtYy]$/.test(decodeGbk(value)) ? "T" : /^[FfNn]$/.test(decodeGbk(value)) ? "F" : "";
    case "N":
    case "F":
    case "D":
      return decodeGbk(value).replaceAll("\0", " ").trim();
    default:
      return decodeGbk(value).replace(/[\0 ]+$/, "");
  }
}

/** A double holds 15 digits: more than any amount of the program has. */
function plainNumber(value: number): string {
  return Number.isFinite(value) ? value.toFixed(8).replace(/\.?0+$/, "") : "";
}

function tenThousandths(value: bigint): string {
  const magnitude = value < 0n ? -value : value;
  return `${value < 0n ? "-" : ""}${magnitude / 10_000n}.${String(magnitude % 10_000n).padStart(4, "0")}`;
}

/** Days of the Julian calendar that passed before 1970-01-01. */
const JULIAN_EPOCH = 2_440_588;
const DAY_MS = 86_400_000;

function julianDate(days: number): string {
  if (days === 0) return "";
  return new Date((days - JULIAN_EPOCH) * DAY_MS).toISOString().slice(0, 10).replaceAll("-", "");
}

/** @param atMs  the day that the header names as the last change */
export function writeDbf({ columns, rows }: DbfTable, atMs: number): Uint8Array {
  const recordLength = 1 + columns.reduce((sum, column) => sum + column.length, 0);
  const headerLength = HEADER_BYTES + columns.length * COLUMN_BYTES + 1;
  const bytes = new Uint8Array(headerLength + rows.length * recordLength + 1);
  const view = new DataView(bytes.buffer);
  const day = new Date(atMs);
  bytes.set([VERSION_DBASE_III, day.getUTCFullYear() % 100, day.getUTCMonth() + 1, day.getUTCDate()]);
  view.setUint32(4, rows.length, true);
  view.setUint16(8, headerLength, true);
  view.setUint16(10, recordLength, true);
  bytes[29] = CODE_PAGE_936;
  columns.forEach((column, index) => {
    const at = HEADER_BYTES + index * COLUMN_BYTES;
    bytes.set(encodeGbk(column.name.toUpperCase()), at);
    bytes[at + 11] = column.type.charCodeAt(0);
    bytes[at + 16] = column.length;
    bytes[at + 17] = column.decimals;
  });
  bytes[headerLength - 1] = HEADER_END;
  bytes.fill(SPACE, headerLength, bytes.length - 1);
  rows.forEach((row, index) => {
    let at = headerLength + index * recordLength + 1;
    columns.forEach((column, place) => {
      writeValue(bytes.subarray(at, at + column.length), column, row[place] ?? "");
      at += column.length;
    });
  });
  bytes[bytes.length - 1] = FILE_END;
  return bytes;
}

function writeValue(field: Uint8Array, column: DbfColumn, text: string): void {
  const encoded = encodeGbk(text);
  const isNumber = column.type === "N" || column.type === "F";
  if (encoded.length > field.length) {
    // FoxPro fills a number that does not fit with asterisks and cuts text.
    if (isNumber) field.fill(DELETED);
    else field.set(encoded.subarray(0, field.length));
    return;
  }
  field.set(encoded, isNumber ? field.length - encoded.length : 0);
}
