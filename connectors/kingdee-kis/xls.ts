import { ZhangshiError } from "../../domain/errors.ts";
import { compoundFile } from "./compound-file.ts";
import type { Entry } from "./entry.ts";
import type { KingdeeKisSettings } from "./settings.ts";
import { SHEET_NAME, type WorkbookCell, workbookRows } from "./workbook-layout.ts";

/*
 * Legacy workbooks (BIFF8): 专业版 is said to open .xls and no .xlsx (reference §11.4), and no library here writes them.
 * Only what a plain sheet of texts and numbers needs; record numbers as in Microsoft's published [MS-XLS].
 */

const RECORD = {
  bof: 0x0809,
  eof: 0x000a,
  codePage: 0x0042,
  window1: 0x003d,
  font: 0x0031,
  xf: 0x00e0,
  style: 0x0293,
  boundSheet: 0x0085,
  strings: 0x00fc,
  continue: 0x003c,
  dimensions: 0x0200,
  window2: 0x023e,
  stringCell: 0x00fd,
  numberCell: 0x0203,
} as const;

const GLOBALS = 0x0005;
const WORKSHEET = 0x0010;
/** UTF-16, as every BIFF8 file says. */
const CODE_PAGE_UTF16 = 1200;
const CHARSET_GB2312 = 134;
/** A record of a longer length has to go on in another one. */
const RECORD_LENGTH_MAX = 8_224;
const ROWS_MAX = 65_536;
/** Fifteen formats of styles come first; the sixteenth is that of cells. */
const STYLE_FORMATS = 15;

/** @throws ZhangshiError LIMIT_LINES when there are more rows than such a file takes */
export const writeXlsVouchers = (entries: readonly Entry[], settings: KingdeeKisSettings): Uint8Array => {
  const rows = workbookRows(entries, settings);
  if (rows.length > ROWS_MAX)
    throw new ZhangshiError("LIMIT_LINES", {
      rows: String(rows.length),
      reason: `at most ${ROWS_MAX} in one workbook`,
    });
  return compoundFile("Workbook", workbookStream(rows));
};

const workbookStream = (rows: readonly (readonly WorkbookCell[])[]): Buffer => {
  const strings = sharedStrings(rows);
  const before = [bof(GLOBALS), record(RECORD.codePage, uint16(CODE_PAGE_UTF16)), window1(), ...looks()];
  const after = [...stringRecords(strings), record(RECORD.eof, Buffer.alloc(0))];
  const lengthOf = (parts: readonly Buffer[]): number => parts.reduce((sum, part) => sum + part.length, 0);
  // The list of sheets names where the sheet begins; its own length does not depend on the place.
  const sheetAt = lengthOf(before) + boundSheet(0).length + lengthOf(after);
  return Buffer.concat([...before, boundSheet(sheetAt), ...after, ...sheet(rows, strings)]);
};

const record = (id: number, data: Buffer): Buffer => Buffer.concat([uint16(id), uint16(data.length), data]);
const uint16 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(2 * values.length);
  values.forEach((value, index) => bytes.writeUInt16LE(value, 2 * index));
  return bytes;
};
const uint32 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32LE(value, 4 * index));
  return bytes;
};

const bof = (kind: number): Buffer =>
  record(RECORD.bof, Buffer.concat([uint16(0x0600, kind, 0x0dbb, 0x07cc), uint32(0xc1, 0x06)]));

const window1 = (): Buffer => record(RECORD.window1, uint16(0, 0, 0x3a5c, 0x23be, 0x38, 0, 0, 1, 0x0258));

/** Fonts and formats without which Excel calls a file damaged. */
const looks = (): Buffer[] => {
  const name = Buffer.from("Arial", "latin1");
  const font = record(
    RECORD.font,
    Buffer.concat([uint16(200, 0, 0x7fff, 400, 0), Buffer.from([0, 0, CHARSET_GB2312, 0, name.length, 0]), name]),
  );
  const format = (kind: number, inherits: number): Buffer =>
    record(
      RECORD.xf,
      Buffer.concat([uint16(0, 0, kind), Buffer.from([0x20, 0, 0, inherits]), uint32(0, 0), uint16(0x20c0)]),
    );
  return [
    ...Array.from({ length: 4 }, () => font),
    ...Array.from({ length: STYLE_FORMATS }, () => format(0xfff5, 0xf4)),
    format(0x0001, 0),
    record(RECORD.style, Buffer.from([0x00, 0x80, 0x00, 0xff])),
  ];
};

const boundSheet = (at: number): Buffer =>
  record(
    RECORD.boundSheet,
    Buffer.concat([uint32(at), Buffer.from([0, 0, SHEET_NAME.length, 1]), Buffer.from(SHEET_NAME, "utf16le")]),
  );

interface Strings {
  readonly places: ReadonlyMap<string, number>;
  readonly uses: number;
}

const sharedStrings = (rows: readonly (readonly WorkbookCell[])[]): Strings => {
  const places = new Map<string, number>();
  let uses = 0;
  for (const cell of rows.flat()) {
    if (typeof cell !== "string" || cell === "") continue;
    uses += 1;
    if (!places.has(cell)) places.set(cell, places.size);
  }
  return { places, uses };
};

/** Each record ends between two strings: none of ours is longer than a record. */
const stringRecords = ({ places, uses }: Strings): Buffer[] => {
  const chunks: Buffer[][] = [[uint32(uses, places.size)]];
  let length = 8;
  for (const text of places.keys()) {
    const bytes = Buffer.concat([uint16(text.length), Buffer.from([1]), Buffer.from(text, "utf16le")]);
    if (length + bytes.length > RECORD_LENGTH_MAX) {
      chunks.push([]);
      length = 0;
    }
    chunks.at(-1)?.push(bytes);
    length += bytes.length;
  }
  return chunks.map((chunk, index) => record(index === 0 ? RECORD.strings : RECORD.continue, Buffer.concat(chunk)));
};

const sheet = (rows: readonly (readonly WorkbookCell[])[], strings: Strings): Buffer[] => {
  const width = rows[0]?.length ?? 0;
  return [
    bof(WORKSHEET),
    record(RECORD.dimensions, Buffer.concat([uint32(0, rows.length), uint16(0, width, 0)])),
    ...rows.flatMap((row, rowAt) => row.flatMap((cell, columnAt) => cellRecord(cell, rowAt, columnAt, strings))),
    record(RECORD.window2, Buffer.concat([uint16(0x06b6, 0, 0), uint32(64), uint16(0, 0), uint32(0)])),
    record(RECORD.eof, Buffer.alloc(0)),
  ];
};

const cellRecord = (cell: WorkbookCell, row: number, column: number, { places }: Strings): Buffer[] => {
  if (cell === null || cell === "") return [];
  const head = uint16(row, column, STYLE_FORMATS);
  if (typeof cell === "string")
    return [record(RECORD.stringCell, Buffer.concat([head, uint32(places.get(cell) ?? 0)]))];
  const value = Buffer.alloc(8);
  value.writeDoubleLE(cell);
  return [record(RECORD.numberCell, Buffer.concat([head, value]))];
};
