import { ZhangshiError } from "../../domain/errors.ts";
import { decodeGbk, encodeGbk } from "../../domain/gbk.ts";

/** One column of a dBase table. The name has at most ten characters; case does not count. */
export interface DbfColumn {
  readonly name: string;
  /** C text, N decimal number, D date, L logical. */
  readonly type: "C" | "N" | "D" | "L";
  /** In bytes of GBK. */
  readonly length: number;
  readonly decimals: number;
}

/** Records by column name in capital letters; dates are "20250131", logicals "T", "F" or "". */
export type DbfRecord = ReadonlyMap<string, string>;

const HEADER_LENGTH = 32;
const DESCRIPTOR_LENGTH = 32;
const DESCRIPTORS_END = 0x0d;
const FILE_END = 0x1a;
const BLANK = 0x20;
const DELETED_MARK = 0x2a;
const DBASE_III = 0x03;
/** Language driver byte of code page 936; the reference infers it (§11.2). */
const LANGUAGE_DRIVER = 0x7a;
const COLUMNS_MAX = 255;
/** Several months of 9,999 vouchers each stay below this. */
const FILE_LENGTH_MAX = 512 * 1024 * 1024;

/**
 * Writes a dBase III table.
 * @param rows  one text per column that fits it: whoever calls has checked lengths and characters
 * @param date  the header's date of the last change; taken from the content, so that equal content is an equal file
 * @throws RangeError when a text does not fit its column after all: a program's mistake, never cut in silence
 */
export const writeDbf = (
  columns: readonly DbfColumn[],
  rows: readonly (readonly string[])[],
  date: string,
): Uint8Array => {
  const recordLength = 1 + columns.reduce((sum, { length }) => sum + length, 0);
  const headerLength = HEADER_LENGTH + columns.length * DESCRIPTOR_LENGTH + 1;
  const file = Buffer.alloc(headerLength + rows.length * recordLength + 1, BLANK);
  file.fill(0, 0, headerLength);
  const [year = 0, month = 0, day = 0] = date.split("-").map(Number);
  file.set([DBASE_III, year % 100, month, day]);
  file.writeUInt32LE(rows.length, 4);
  file.writeUInt16LE(headerLength, 8);
  file.writeUInt16LE(recordLength, 10);
  file[29] = LANGUAGE_DRIVER;
  columns.forEach((column, index) => {
    const at = HEADER_LENGTH + index * DESCRIPTOR_LENGTH;
    file.write(column.name.toUpperCase(), at, "latin1");
    file.write(column.type, at + 11, "latin1");
    file.set([column.length, column.decimals], at + 16);
  });
  file[headerLength - 1] = DESCRIPTORS_END;
  rows.forEach((row, index) => {
    let at = headerLength + index * recordLength + 1;
    columns.forEach((column, place) => {
      const bytes = fitting(row[place] ?? "", column);
      file.set(bytes, column.type === "N" ? at + column.length - bytes.length : at);
      at += column.length;
    });
  });
  file[file.length - 1] = FILE_END;
  return file;
};

const fitting = (text: string, column: DbfColumn): Uint8Array => {
  const encoded = encodeGbk(text);
  if (encoded.unheld !== undefined || encoded.bytes.length > column.length)
    throw new RangeError(`"${text}" does not fit column ${column.name}`);
  return encoded.bytes;
};

/**
 * Reads a table of dBase or FoxPro, whole or not at all: a file that is still being written is no answer.
 * @throws ZhangshiError FILE_UNREADABLE
 */
export const readDbf = (bytes: Uint8Array, name: string): readonly DbfRecord[] => {
  const refuse = (reason: string): ZhangshiError => new ZhangshiError("FILE_UNREADABLE", { file: name, reason });
  if (bytes.length > FILE_LENGTH_MAX) throw refuse(`longer than ${FILE_LENGTH_MAX} bytes`);
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length <= HEADER_LENGTH) throw refuse("too short for a DBF table");
  const count = file.readUInt32LE(4);
  const headerLength = file.readUInt16LE(8);
  const recordLength = file.readUInt16LE(10);
  const columns = columnsIn(file.subarray(0, headerLength));
  if (columns === undefined) throw refuse("not a DBF table");
  if (recordLength !== 1 + columns.reduce((sum, { length }) => sum + length, 0))
    throw refuse("the columns do not add up to the record");
  if (file.length < headerLength + count * recordLength)
    throw refuse(`${count} records announced, the file ends before: still being written, or cut off`);
  const records: DbfRecord[] = [];
  for (let index = 0; index < count; index += 1) {
    const record = file.subarray(headerLength + index * recordLength, headerLength + (index + 1) * recordLength);
    if (record[0] !== DELETED_MARK) records.push(recordOf(record, columns));
  }
  return records;
};

interface ReadColumn {
  readonly name: string;
  readonly type: string;
  readonly length: number;
}

const columnsIn = (header: Buffer): readonly ReadColumn[] | undefined => {
  const columns: ReadColumn[] = [];
  for (let at = HEADER_LENGTH; header[at] !== DESCRIPTORS_END; at += DESCRIPTOR_LENGTH) {
    if (at + DESCRIPTOR_LENGTH > header.length || columns.length >= COLUMNS_MAX) return undefined;
    const [name = ""] = decodeGbk(header.subarray(at, at + 11)).split("\0");
    const type = header.toString("latin1", at + 11, at + 12);
    const length = header[at + 16] ?? 0;
    if (name === "" || length === 0 || (length < 8 && type === "B")) return undefined;
    columns.push({ name: name.trim().toUpperCase(), type, length });
  }
  return columns.length === 0 ? undefined : columns;
};

const recordOf = (record: Buffer, columns: readonly ReadColumn[]): DbfRecord => {
  const values = new Map<string, string>();
  let at = 1;
  for (const { name, type, length } of columns) {
    values.set(name, valueOf(record.subarray(at, at + length), type));
    at += length;
  }
  return values;
};

/** FoxPro's binary columns are read too: 365SEAL calls amounts "double", and the program may export them so (§11.3). */
const valueOf = (bytes: Buffer, type: string): string => {
  switch (type) {
    case "B":
      return doubleText(bytes.readDoubleLE(0));
    case "I":
      return String(bytes.readInt32LE(0));
    case "Y":
      return currencyText(bytes.readBigInt64LE(0));
    case "L":
      return logicalText(bytes.toString("latin1"));
    case "T":
      return dayText(bytes.readInt32LE(0));
    case "C":
      return decodeGbk(bytes).replace(/[\0 ]+$/u, "");
    default:
      return decodeGbk(bytes).replaceAll("\0", " ").trim();
  }
};

/** Digits behind the point that survive in a double beside the largest amounts of the program. */
const DOUBLE_DECIMALS = 6;

const doubleText = (value: number): string => {
  if (!Number.isFinite(value)) return "";
  const text = value.toFixed(DOUBLE_DECIMALS);
  return text.includes(".") ? text.replace(/\.?0+$/u, "") : text;
};

const currencyText = (tenThousandths: bigint): string => {
  const magnitude = tenThousandths < 0n ? -tenThousandths : tenThousandths;
  const fraction = String(magnitude % 10_000n).padStart(4, "0");
  return `${tenThousandths < 0n ? "-" : ""}${magnitude / 10_000n}.${fraction}`;
};

const logicalText = (text: string): string => {
  if (/^[TtYy]/u.test(text)) return "T";
  return /^[FfNn]/u.test(text) ? "F" : "";
};

const JULIAN_DAY_1970 = 2_440_588;
const DAY_MS = 86_400_000;

const dayText = (julianDay: number): string =>
  julianDay <= 0 ? "" : new Date((julianDay - JULIAN_DAY_1970) * DAY_MS).toISOString().slice(0, 10).replaceAll("-", "");
