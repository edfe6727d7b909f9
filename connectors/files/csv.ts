import type { Limits } from "./settings.ts";
import type { SheetRow } from "./table.ts";
import { UnreadableFile } from "./unreadable.ts";

const SEPARATORS = [",", "\t", ";"] as const;

/** The separator that splits the first line with anything in it into the most cells. */
export const separatorOf = (text: string): string => {
  const line = /[^\r\n]*\S[^\r\n]*/.exec(text)?.[0] ?? "";
  const unquoted = line.replaceAll(/"[^"]*"/g, "");
  const counted = SEPARATORS.map((separator) => ({ separator, count: unquoted.split(separator).length }));
  return counted.sort((a, b) => b.count - a.count)[0]?.separator ?? ",";
};

/**
 * Rows of a CSV text (RFC 4180: quoted cells may hold separators, line ends and doubled quotes). Every cell is text.
 * @throws UnreadableFile on an open quotation mark, on text behind a closing one, and beyond the limits
 */
export const parseCsv = (text: string, separator: string, limits: Limits): SheetRow[] => {
  const rows: SheetRow[] = [];
  let cells: string[] = [];
  let line = 1;
  let rowLine = 1;
  let at = 0;
  const endRow = (): void => {
    if (cells.some((cell) => cell !== "")) rows.push({ number: rowLine, cells });
    if (rows.length > limits.rows + 1) throw new UnreadableFile(`行数超过上限 ${limits.rows}，请拆分文件`);
    cells = [];
  };
  while (at < text.length) {
    const quoted = text[at] === '"';
    const end = quoted ? closingQuote(text, at, line) : plainEnd(text, at, separator);
    const raw = quoted ? text.slice(at + 1, end) : text.slice(at, end);
    if (quoted) line += raw.split("\n").length - 1;
    cells.push(quoted ? raw.replaceAll('""', '"') : raw);
    if (cells.length > limits.columns) throw new UnreadableFile(`第 ${rowLine} 行的列数超过上限 ${limits.columns}`);
    at = quoted ? end + 1 : end;
    const next = text[at];
    if (next === separator) {
      at += 1;
      // A separator at the very end opens one more cell, an empty one.
      if (at < text.length) continue;
      cells.push("");
    } else if (next !== undefined && next !== "\r" && next !== "\n")
      throw new UnreadableFile(`第 ${line} 行：引号之后还有文字`);
    if (text[at] === "\r") at += 1;
    if (text[at] === "\n") at += 1;
    endRow();
    line += 1;
    rowLine = line;
  }
  return rows;
};

const plainEnd = (text: string, from: number, separator: string): number => {
  let end = from;
  while (end < text.length && text[end] !== separator && text[end] !== "\n" && text[end] !== "\r") end += 1;
  return end;
};

const closingQuote = (text: string, from: number, line: number): number => {
  let end = text.indexOf('"', from + 1);
  while (end >= 0 && text[end + 1] === '"') end = text.indexOf('"', end + 2);
  if (end < 0) throw new UnreadableFile(`第 ${line} 行的引号没有结束`);
  return end;
};

/** What a spreadsheet would run when it opens a text file. A plain negative number is none. */
const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^[+-]?\d+(\.\d+)?$/;
/** A cell that no spreadsheet takes for a formula. */
export const withoutFormula = (cell: string): string => (FORMULA.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell);

/** Comma separated, quoted where needed, with a byte order mark: otherwise Excel reads it in the machine's own encoding. */
export const writeCsv = (rows: readonly (readonly string[])[]): string => {
  const cellOf = (cell: string): string => {
    const safe = withoutFormula(cell);
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return `\uFEFF${rows.map((cells) => `${cells.map(cellOf).join(",")}\r\n`).join("")}`;
};
