/**
 * The two DBF layouts. 标准版 and 迷你版: EXPVCH up to FPoster (§11.2). 专业版 and K/3: 365SEAL up to FFCYAMT (§11.3).
 * What follows there is remembered or taken from integrators' tables: FChecker C8, FAttchment, FPosted L, FModule C2,
 * FDeleted L, FSerialNo N10.
 */

import type { DbfColumn, DbfTable } from "./dbf.ts";
import type { FileEntry } from "./file-entry.ts";

export type DbfLayout = {
  columns: readonly DbfColumn[];
  slots: number;
  /** FDC of debit and credit: 标准版 D and C, 专业版 1 and 0 (§11.3: make the dialect explicit) */
  debit: string;
  credit: string;
  quantityColumn: string;
};

const column = (name: string, type: string, length: number, decimals = 0): DbfColumn => ({
  name,
  type,
  length,
  decimals,
});
const objectColumns = (count: number, lengths: readonly [name: number, id: number, text: number]): DbfColumn[] =>
  Array.from({ length: count }, (_, index) => index + 1).flatMap((slot) => [
    column(`FCLSNAME${slot}`, "C", lengths[0]),
    column(`FOBJID${slot}`, "C", lengths[1]),
    column(`FOBJNAME${slot}`, "C", lengths[2]),
  ]);

export const STANDARD_LAYOUT: DbfLayout = {
  slots: 4,
  debit: "D",
  credit: "C",
  quantityColumn: "FQTY",
  columns: [
    column("FDATE", "D", 8),
    column("FPERIOD", "N", 4),
    column("FGROUP", "C", 4),
    column("FNUM", "N", 4),
    column("FENTRYID", "N", 4),
    column("FEXP", "C", 40),
    column("FACCTID", "C", 15),
    ...objectColumns(4, [20, 10, 20]),
    column("FTRANSID", "C", 10),
    column("FCYID", "C", 3),
    column("FEXCHRATE", "N", 19, 10),
    column("FDC", "C", 1),
    column("FFCYAMT", "N", 14, 2),
    column("FQTY", "N", 8, 2),
    column("FPRICE", "N", 10, 7),
    column("FDEBIT", "N", 14, 2),
    column("FCREDIT", "N", 14, 2),
    column("FSETTLCODE", "C", 8),
    column("FSETTLENO", "C", 8),
    column("FPREPARER", "C", 8),
    column("FPAY", "C", 8),
    column("FCASH", "C", 8),
    column("FPOSTER", "C", 8),
    column("FCHECKER", "C", 8),
    column("FATTCHMENT", "N", 4),
    column("FPOSTED", "L", 1),
    column("FMODULE", "C", 2),
    column("FDELETED", "L", 1),
    column("FSERIALNO", "N", 10),
  ],
};

/** Lengths of what §11.3 calls "double" and of the inferred columns are the simulator's choice. */
export const PROFESSIONAL_LAYOUT: DbfLayout = {
  slots: 8,
  debit: "1",
  credit: "0",
  quantityColumn: "FQTY",
  columns: [
    column("FDATE", "D", 8),
    column("FTRANSDATE", "D", 8),
    column("FPERIOD", "N", 4),
    column("FGROUP", "C", 10),
    column("FNUM", "N", 10),
    column("FENTRYID", "N", 10),
    column("FEXP", "C", 80),
    column("FACCTID", "C", 40),
    ...objectColumns(8, [80, 80, 80]),
    column("FTRANSID", "C", 80),
    column("FCYID", "C", 10),
    column("FEXCHRATE", "N", 20, 10),
    column("FDC", "C", 1),
    column("FFCYAMT", "N", 20, 2),
    column("FQTY", "N", 20, 8),
    column("FPRICE", "N", 20, 8),
    column("FDEBIT", "N", 20, 2),
    column("FCREDIT", "N", 20, 2),
    column("FSETTLCODE", "C", 80),
    column("FSETTLENO", "C", 80),
    column("FPREPARE", "C", 80),
    column("FPAY", "C", 80),
    column("FCASH", "C", 80),
    column("FPOSTER", "C", 80),
    column("FCHECKER", "C", 80),
    column("FATTCHMENT", "N", 10),
    column("FPOSTED", "L", 1),
    column("FMODULE", "C", 2),
    column("FDELETED", "L", 1),
    column("FSERIALNO", "N", 10),
    column("FUNITNAME", "C", 80),
    column("FREFERENCE", "C", 80),
    column("FCASHFLOW", "N", 10),
  ],
};

/** Columns without which a file says nothing. */
const NEEDED = ["FDATE", "FGROUP", "FNUM", "FEXP", "FACCTID", "FDC", "FDEBIT", "FCREDIT"] as const;

/** @returns the first needed column that the table lacks */
export function missingColumn(table: DbfTable): string | undefined {
  const names = new Set(table.columns.map(({ name }) => name.toUpperCase()));
  return NEEDED.find((name) => !names.has(name));
}

/** Reads the records of a table; columns may stand in any order, and those unknown are passed over. */
export function entriesOf(table: DbfTable, layout: DbfLayout): FileEntry[] {
  const places = new Map(table.columns.map(({ name }, index) => [name.toUpperCase(), index]));
  return table.rows.map((row, index) => {
    // Leading blanks belong to a text; columns of numbers come trimmed.
    const text = (...names: readonly string[]): string => {
      const place = names.map((name) => places.get(name)).find((found) => found !== undefined);
      return place === undefined ? "" : (row[place] ?? "");
    };
    return {
      row: index + 1,
      date: dashed(text("FDATE")),
      period: text("FPERIOD"),
      group: text("FGROUP"),
      number: text("FNUM"),
      entryId: text("FENTRYID"),
      summary: text("FEXP"),
      account: text("FACCTID"),
      objects: Array.from({ length: layout.slots }, (_, at) => at + 1).flatMap((slot) => {
        const [className, code] = [text(`FCLSNAME${slot}`), text(`FOBJID${slot}`)];
        return className === "" && code === "" ? [] : [{ slot, className, code, name: text(`FOBJNAME${slot}`) }];
      }),
      tradeNumber: text("FTRANSID"),
      reference: text("FREFERENCE"),
      currency: text("FCYID"),
      rate: text("FEXCHRATE"),
      side: sideOf(text("FDC"), layout),
      amountFor: text("FFCYAMT"),
      // 365SEAL's list goes on after FFCYAMT in two spellings.
      quantity: text("FQTY", "FQUANTITY"),
      unit: text("FUNITNAME"),
      price: text("FPRICE"),
      debit: text("FDEBIT"),
      credit: text("FCREDIT"),
      settleCode: text("FSETTLCODE"),
      settleNumber: text("FSETTLENO"),
      // EXPVCH says FPreparer, 365SEAL and integrators FPREPARE.
      preparer: text("FPREPARER", "FPREPARE"),
      attachments: text("FATTCHMENT"),
      checker: text("FCHECKER"),
      poster: text("FPOSTER"),
      invalid: text("FDELETED") === "T",
      serial: text("FSERIALNO"),
    };
  });
}

function sideOf(text: string, layout: DbfLayout): FileEntry["side"] {
  if (text.toUpperCase() === layout.debit) return "D";
  return text.toUpperCase() === layout.credit ? "C" : "?";
}

/** @returns "2025-01-31" for "20250131"; other text stays what it is */
function dashed(text: string): string {
  return /^\d{8}$/.test(text) ? `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}` : text;
}

/** Writes entries in a layout; a text longer than its column is cut, as the program cuts it. */
export function tableOf(entries: readonly FileEntry[], layout: DbfLayout): DbfTable {
  return {
    columns: layout.columns,
    rows: entries.map((entry) => layout.columns.map(({ name }) => cellOf(entry, name, layout))),
  };
}

function cellOf(entry: FileEntry, name: string, layout: DbfLayout): string {
  const object = /^(FCLSNAME|FOBJID|FOBJNAME)(\d)$/.exec(name);
  if (object !== null) {
    const found = entry.objects.find(({ slot }) => String(slot) === object[2]);
    if (object[1] === "FCLSNAME") return found?.className ?? "";
    return (object[1] === "FOBJID" ? found?.code : found?.name) ?? "";
  }
  return CELLS[name]?.(entry, layout) ?? "";
}

const CELLS: Record<string, (entry: FileEntry, layout: DbfLayout) => string> = {
  FDATE: (entry) => entry.date.replaceAll("-", ""),
  FTRANSDATE: (entry) => entry.date.replaceAll("-", ""),
  FPERIOD: (entry) => entry.period,
  FGROUP: (entry) => entry.group,
  FNUM: (entry) => entry.number,
  FENTRYID: (entry) => entry.entryId,
  FEXP: (entry) => entry.summary,
  FACCTID: (entry) => entry.account,
  FTRANSID: (entry) => entry.tradeNumber,
  FCYID: (entry) => entry.currency,
  FEXCHRATE: (entry) => entry.rate,
  FDC: (entry, layout) => (entry.side === "D" ? layout.debit : layout.credit),
  FFCYAMT: (entry) => entry.amountFor,
  FQTY: (entry) => entry.quantity,
  FPRICE: (entry) => fitting(entry.price, PRICE_LENGTH),
  FDEBIT: (entry) => entry.debit,
  FCREDIT: (entry) => entry.credit,
  FSETTLCODE: (entry) => entry.settleCode,
  FSETTLENO: (entry) => entry.settleNumber,
  FPREPARER: (entry) => entry.preparer,
  FPREPARE: (entry) => entry.preparer,
  FPOSTER: (entry) => entry.poster,
  FCHECKER: (entry) => entry.checker,
  FATTCHMENT: (entry) => entry.attachments,
  FPOSTED: (entry) => (entry.poster === "" ? "F" : "T"),
  FDELETED: (entry) => (entry.invalid ? "T" : "F"),
  FSERIALNO: (entry) => entry.serial,
  FUNITNAME: (entry) => entry.unit,
  FREFERENCE: (entry) => entry.reference,
};

/** FPrice is N10,7: 99 at most with all its decimals. FoxPro gives up decimals where the whole part needs the room. */
const PRICE_LENGTH = 10;

function fitting(text: string, length: number): string {
  const point = text.indexOf(".");
  return text.length <= length || point < 0 || point > length ? text : text.slice(0, length).replace(/\.$/, "");
}
