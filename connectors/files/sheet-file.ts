import { extname } from "node:path";
import type { Instant } from "../../domain/dates.ts";
import type { RawDocument } from "../row-source/document.ts";
import { type RawValue, readText } from "../row-source/values.ts";
import { parseCsv, separatorOf } from "./csv.ts";
import type { FileForm, Limits } from "./settings.ts";
import { plainHeading, type SheetRow, type Table, tableOf, textOf } from "./table.ts";
import { decodeText } from "./text-encoding.ts";
import { UnreadableFile } from "./unreadable.ts";
import { readXlsx } from "./xlsx.ts";

/** Endings of files that we take; everything else in a drop folder is left where it is. */
export const TAKEN_ENDINGS = [".csv", ".txt", ".xlsx", ".xlsm"] as const;
export const isTaken = (name: string): boolean =>
  TAKEN_ENDINGS.some((ending) => ending === extname(name).toLowerCase());

/** A document in a file, and where its lines stand. */
export interface FileDocument {
  readonly recordId: string;
  /** Row numbers as the person sees them, in the order of the lines. */
  readonly rows: readonly number[];
  readonly raw: RawDocument;
}
export interface SheetFile {
  readonly table: Table;
  readonly documents: readonly FileDocument[];
  /** Rows that name no document: they belong to nothing that could enter. */
  readonly nameless: readonly number[];
}

const IDENTITY_MAX = 200;

/**
 * Reads a dropped file into documents. Rows of one document may stand anywhere in the file.
 * @param at  when the file was taken: files know no other time of creation or change
 * @throws UnreadableFile with a reason for the person who dropped it
 */
export const readSheetFile = (name: string, bytes: Buffer, form: FileForm, limits: Limits, at: Instant): SheetFile => {
  if (bytes.length === 0) throw new UnreadableFile("文件是空的");
  const rows = /\.xls[xm]$/i.test(name) ? readXlsx(bytes, form.sheet, limits) : csvRows(bytes, form, limits);
  const columns = columnsOf(form);
  const found = tableOf(rows, columns);
  if ("missing" in found)
    throw new UnreadableFile(`找不到列或列名重复：${found.missing.join("、")}`, "FORM_FIELD_GONE");
  const table = filledDown(found.table, form.fillDown);
  return { table, ...documentsOf(table, form, at) };
};

const csvRows = (bytes: Buffer, form: FileForm, limits: Limits): SheetRow[] => {
  const { text } = decodeText(bytes, form.encoding);
  return parseCsv(text, form.separator === "auto" ? separatorOf(text) : form.separator, limits);
};

/** Every column that the form names, in whatever place. */
const columnsOf = (form: FileForm): readonly string[] => [
  ...new Set([
    ...Object.values(form.fields),
    ...(form.identity ?? []),
    ...form.fillDown,
    ...[...form.onlyWhen, ...form.reversedWhen].map(({ field }) => field),
  ]),
];

const indexOf = (headings: readonly string[]): ReadonlyMap<string, number> =>
  new Map(headings.map((heading, index) => [plainHeading(heading), index]));
const isEmpty = (value: RawValue): boolean => value === undefined || (typeof value === "string" && value.trim() === "");

const filledDown = (table: Table, columns: readonly string[]): Table => {
  if (columns.length === 0) return table;
  const places = indexOf(table.headings);
  const indexes = columns.map((column) => places.get(plainHeading(column)) ?? 0);
  const above: RawValue[] = [];
  const rows = table.rows.map(({ number, cells }) => {
    const filled = [...cells];
    for (const index of indexes) {
      if (isEmpty(filled[index])) filled[index] = above[index];
      else above[index] = filled[index];
    }
    return { number, cells: filled };
  });
  return { ...table, rows };
};

const documentsOf = (table: Table, form: FileForm, at: Instant): Pick<SheetFile, "documents" | "nameless"> => {
  const places = indexOf(table.headings);
  const cellsOf =
    (row: SheetRow) =>
    (column: string): RawValue =>
      row.cells[places.get(plainHeading(column)) ?? -1];
  const identity = form.identity ?? [identityColumn(form)];
  const groups = new Map<string, SheetRow[]>();
  const nameless: number[] = [];
  for (const row of table.rows) {
    const id = identity.map((column) => nameIn(cellsOf(row)(column))).join("/");
    if (identity.every((column) => nameIn(cellsOf(row)(column)) === "") || id.length > IDENTITY_MAX)
      nameless.push(row.number);
    else groups.set(id, [...(groups.get(id) ?? []), row]);
  }
  const documents = [...groups].map(([recordId, rows]): FileDocument => {
    const [first] = rows;
    return {
      recordId,
      rows: rows.map(({ number }) => number),
      raw: {
        recordId,
        head: first === undefined ? () => undefined : cellsOf(first),
        lines: rows.map((row, index) => ({ id: String(index + 1), cells: cellsOf(row) })),
        createdAt: at,
        updatedAt: at,
      },
    };
  });
  return { documents, nameless };
};

/** Master data is named by its code; a balance has no name of its own, so one sheet is one document. */
const identityColumn = (form: FileForm): string =>
  form.fields.recordId ??
  (form.carries === "items" || form.carries === "balances" ? form.fields.item : form.fields.documentNumber) ??
  "";

const nameIn = (value: RawValue): string => {
  const read = readText(value, IDENTITY_MAX);
  return read.ok ? (read.value ?? "") : textOf(value).trim();
};
