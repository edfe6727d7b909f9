import { z } from "zod";
import { BusinessDate } from "../domain/dates.ts";
import { Code } from "../domain/movement.ts";

export const codeTableNames = [
  "item",
  "unit",
  "warehouse",
  "supplier",
  "customer",
  "department",
  "order",
  "batch",
  "word",
] as const;
export const CodeTableName = z.enum(codeTableNames);
export type CodeTableName = z.infer<typeof CodeTableName>;

/** One row: our (the warehouse system's) code, the ERP's code, and the days on which that holds, both included. */
export const CodeRow = z
  .strictObject({
    table: CodeTableName,
    code: Code,
    erpCode: Code,
    validFrom: BusinessDate.optional(),
    validTo: BusinessDate.optional(),
  })
  .refine((row) => row.validFrom === undefined || row.validTo === undefined || row.validFrom <= row.validTo, {
    path: ["validTo"],
    message: "validTo lies before validFrom",
  });
export type CodeRow = z.infer<typeof CodeRow>;

/** The columns of the sheet, in order: these are the header row. */
export const codeColumns = ["table", "code", "erpCode", "validFrom", "validTo"] as const;

export interface CodeTableProblem {
  /** As the spreadsheet counts: 1 is the header, 2 the first row. */
  readonly row: number;
  readonly column: (typeof codeColumns)[number];
  readonly value: string;
  readonly message: string;
}

export interface CodeTables {
  /** Tables in which a code without a row is the same on both sides. */
  readonly identity: ReadonlySet<CodeTableName>;
  readonly rows: readonly CodeRow[];
  /** By table, then code; made once by `codeTables`. */
  readonly index: ReadonlyMap<CodeTableName, ReadonlyMap<string, readonly CodeRow[]>>;
}

export type CodeTablesResult =
  | { readonly ok: true; readonly tables: CodeTables }
  | { readonly ok: false; readonly problems: readonly CodeTableProblem[] };

/**
 * Builds the tables. Two rows of one code may not overlap in time.
 *
 * @param rowNumbers  the sheet row of each, for the problems; without it they stand directly under the header
 */
export const codeTables = (
  rows: readonly CodeRow[],
  identity: Iterable<CodeTableName> = [],
  rowNumbers: readonly number[] = rows.map((_, at) => at + 2),
): CodeTablesResult => {
  const index = new Map<CodeTableName, Map<string, CodeRow[]>>();
  const numberOf = new Map(rows.map((row, at) => [row, rowNumbers[at] ?? 0]));
  const problems: CodeTableProblem[] = [];
  for (const row of rows) {
    const table = index.get(row.table) ?? new Map<string, CodeRow[]>();
    index.set(row.table, table);
    const same = table.get(row.code) ?? [];
    table.set(row.code, same);
    const clash = same.find((other) => overlaps(other, row));
    if (clash === undefined) same.push(row);
    else
      problems.push({
        row: numberOf.get(row) ?? 0,
        column: "code",
        value: row.code,
        message: `${row.table} ${row.code} is already given for these days in row ${numberOf.get(clash) ?? 0}`,
      });
  }
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, tables: { identity: new Set(identity), rows: [...rows], index } };
};

/** @returns the ERP's code on that day, or undefined: then finance has to add it */
export const lookUpCode = (
  tables: CodeTables,
  table: CodeTableName,
  code: string,
  on: BusinessDate,
): string | undefined => {
  const rows = tables.index.get(table)?.get(code);
  const row = rows?.find((each) => (each.validFrom ?? "") <= on && on <= (each.validTo ?? FAR));
  if (row !== undefined) return row.erpCode;
  // A code whose rows have all expired is missing, not identical: somebody ended it on purpose.
  return rows === undefined && tables.identity.has(table) ? code : undefined;
};

/** Reads a sheet (header row first); every wrong cell is named, nothing is taken in part. */
export const codeTablesFromSheet = (
  sheet: readonly (readonly string[])[],
  identity: Iterable<CodeTableName> = [],
): CodeTablesResult => {
  const [header = [], ...body] = sheet;
  const missing = codeColumns.filter((column) => !header.includes(column));
  if (missing.length > 0)
    return {
      ok: false,
      problems: missing.map((column) => ({ row: 1, column, value: "", message: `the column ${column} is missing` })),
    };
  const problems: CodeTableProblem[] = [];
  const rows: CodeRow[] = [];
  const rowNumbers: number[] = [];
  body.forEach((cells, at) => {
    const given = codeColumns.map((column) => [column, (cells[header.indexOf(column)] ?? "").trim()] as const);
    if (given.every(([, value]) => value === "")) return;
    const parsed = CodeRow.safeParse(Object.fromEntries(given.filter(([, value]) => value !== "")));
    if (parsed.success) {
      rows.push(parsed.data);
      rowNumbers.push(at + 2);
    } else
      for (const issue of parsed.error.issues) {
        const column = codeColumns.find((name) => name === issue.path[0]) ?? "table";
        const value = given.find(([name]) => name === column)?.[1] ?? "";
        problems.push({ row: at + 2, column, value, message: issue.message });
      }
  });
  if (problems.length > 0) return { ok: false, problems };
  return codeTables(rows, identity, rowNumbers);
};

/** The sheet that `codeTablesFromSheet` reads back to the same tables. */
export const sheetOfCodeTables = (tables: CodeTables): readonly (readonly string[])[] => [
  [...codeColumns],
  ...tables.rows.map((row) => [row.table, row.code, row.erpCode, row.validFrom ?? "", row.validTo ?? ""]),
];

const FAR = "9999-12-31";
const overlaps = (a: CodeRow, b: CodeRow): boolean =>
  (a.validFrom ?? "") <= (b.validTo ?? FAR) && (b.validFrom ?? "") <= (a.validTo ?? FAR);
