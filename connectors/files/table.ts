import type { RawValue } from "../row-source/values.ts";

/** One row as the file holds it. */
export interface SheetRow {
  /** As the person sees it: the first row is 1. */
  readonly number: number;
  readonly cells: readonly RawValue[];
}

/** What a file holds, whatever its format: headings and the rows below them. */
export interface Table {
  readonly headings: readonly string[];
  readonly rows: readonly SheetRow[];
}

/** Titles stand above the headings now and then. */
const HEADING_ROWS_SEARCHED = 20;

/** Headings are compared without what nobody sees: spaces, line ends, full-width forms. */
export const plainHeading = (text: string): string => text.normalize("NFKC").replaceAll(/\s+/g, "");

export const textOf = (value: RawValue): string =>
  value === undefined
    ? ""
    : typeof value === "string"
      ? value
      : (value.shown ?? value.local?.replace("T", " ").replace(/\.000$/, "") ?? value.double);

/**
 * Finds the row of headings: the first that has every column asked for.
 * @returns the columns that the best row lacks, or holds twice, when there is none
 */
export const tableOf = (
  rows: readonly SheetRow[],
  columns: readonly string[],
): { readonly table: Table } | { readonly missing: readonly string[] } => {
  let missing: readonly string[] = columns;
  for (const [index, row] of rows.slice(0, HEADING_ROWS_SEARCHED).entries()) {
    const headings = row.cells.map((cell) => plainHeading(textOf(cell)));
    const lacking = columns.filter((column) => headings.filter((each) => each === plainHeading(column)).length !== 1);
    if (lacking.length === 0) return { table: { headings: row.cells.map(textOf), rows: rows.slice(index + 1) } };
    if (lacking.length < missing.length) missing = lacking;
  }
  return { missing };
};
