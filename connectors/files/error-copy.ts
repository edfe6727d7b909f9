import { writeXlsx } from "hucre/xlsx";
import { errorCatalog } from "../../domain/errors.ts";
import type { Fault } from "../row-source/document.ts";
import { writeCsv } from "./csv.ts";
import type { FileDocument } from "./sheet-file.ts";
import { type Table, textOf } from "./table.ts";

/** Heading of the column that we add. When the corrected copy is dropped, a column of this name means nothing. */
export const REASON_HEADING = "错误原因";

/** What is wrong with rows, by their number. */
export type Reasons = ReadonlyMap<number, readonly string[]>;

/** In words for the person who keeps the sheet: what is wrong, with the value, and what to do. */
export const describeFault = ({ code, field, value }: Pick<Fault, "code" | "field" | "value">): string => {
  const { what, nextStep } = errorCatalog[code];
  return `「${field}」${what.zh}${value === "" ? "" : `（${value}）`}：${nextStep.zh}`;
};

/** Reasons for every row of a document that did not enter: its own faults, or that another row has one. */
export const reasonsOf = (document: FileDocument, faults: readonly Fault[]): Reasons => {
  const reasons = new Map<number, string[]>();
  const firstBad = Math.min(...faults.map(({ line }) => document.rows[Math.max(0, line)] ?? 0));
  document.rows.forEach((row, index) => {
    const own = faults.filter(({ line }) => Math.max(0, line) === index).map(describeFault);
    reasons.set(row, own.length > 0 ? own : [`同一单据的第 ${firstBad} 行有错，整张单据没有导入`]);
  });
  return reasons;
};

/**
 * A copy of the sheet with the reasons in an added column, ready to be corrected and dropped again. Every cell is text, so
 * that codes and digits stay what they were, and nothing in it is a formula.
 */
export const writeErrorCopy = async (table: Table, reasons: Reasons, asWorkbook: boolean): Promise<Buffer> => {
  const known = table.headings.findIndex((heading) => heading.trim() === REASON_HEADING);
  const column = known >= 0 ? known : table.headings.length;
  const width = Math.max(column + 1, table.headings.length);
  const lineOf = (cells: readonly string[], reason: string): string[] => {
    const line = Array.from({ length: width }, (_, index) => cells[index] ?? "");
    line[column] = reason;
    return line;
  };
  const lines = [
    lineOf(table.headings, REASON_HEADING),
    ...table.rows.map(({ number, cells }) => lineOf(cells.map(textOf), (reasons.get(number) ?? []).join("；"))),
  ];
  if (!asWorkbook) return Buffer.from(writeCsv(lines), "utf8");
  return Buffer.from(await writeXlsx({ sheets: [{ name: "错误", rows: lines }] }));
};
