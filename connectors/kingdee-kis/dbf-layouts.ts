import { ZhangshiError } from "../../domain/errors.ts";
import { Decimal, ZERO, normalize, round, toFixed } from "../../domain/decimal.ts";
import type { Side } from "../../domain/voucher.ts";
import { type DbfColumn, type DbfRecord, readDbf, writeDbf } from "./dbf.ts";
import type { Entry, ExportedEntry } from "./entry.ts";

/** A column and what stands in it. */
interface LayoutColumn extends DbfColumn {
  readonly write: (entry: Entry) => string;
}

export interface DbfLayout {
  readonly columns: readonly LayoutColumn[];
  readonly slots: number;
  /** FDC of each side; the two editions differ (reference §11.2, §11.3). */
  readonly sides: Readonly<Record<Side, string>>;
}

const nothing = (): string => "";
const text = (name: string, length: number, write: (entry: Entry) => string = nothing): LayoutColumn => ({
  name,
  type: "C",
  length,
  decimals: 0,
  write,
});
const number = (
  name: string,
  length: number,
  decimals: number,
  write: (entry: Entry) => string | number,
): LayoutColumn => ({ name, type: "N", length, decimals, write: (entry) => String(write(entry)) });
const day = (name: string): LayoutColumn => ({
  name,
  type: "D",
  length: 8,
  decimals: 0,
  write: ({ date }) => date.replaceAll("-", ""),
});
const no = (name: string): LayoutColumn => ({ name, type: "L", length: 1, decimals: 0, write: () => "F" });

/** FCLSNAMEn, FOBJIDn, FOBJNAMEn: the program knows the name by the code, so the name stays empty. */
const objectColumns = (slots: number, lengths: { readonly name: number; readonly code: number }): LayoutColumn[] =>
  Array.from({ length: slots }, (_, index) => index + 1).flatMap((slot) => [
    text(`FCLSNAME${slot}`, lengths.name, ({ objects }) => objects.find((one) => one.slot === slot)?.class ?? ""),
    text(`FOBJID${slot}`, lengths.code, ({ objects }) => objects.find((one) => one.slot === slot)?.code ?? ""),
    text(`FOBJNAME${slot}`, lengths.name),
  ]);

const debitOf = (entry: Entry): string => toFixed(entry.side === "debit" ? entry.amount : ZERO, 2);
const creditOf = (entry: Entry): string => toFixed(entry.side === "credit" ? entry.amount : ZERO, 2);

/** A price is derived from amount and quantity: where its column is too narrow, decimals are given up. */
const priceText = (price: Decimal | undefined, length: number, decimals: number): string => {
  if (price === undefined) return toFixed(ZERO, decimals);
  for (let places = decimals; places >= 0; places -= 1) {
    const written = toFixed(round(price, places), places);
    if (written.length <= length) return written;
  }
  return "";
};

/** 标准版 and 迷你版: EXPVCH up to FPoster; the rest as integrators' tables have it (reference §11.2). */
export const STANDARD: DbfLayout = {
  slots: 4,
  sides: { debit: "D", credit: "C" },
  columns: [
    day("FDate"),
    number("FPeriod", 4, 0, ({ date }) => Number(date.slice(5, 7))),
    text("FGroup", 4, ({ word }) => word),
    number("FNum", 4, 0, ({ fileNumber }) => fileNumber),
    number("FEntryID", 4, 0, ({ entryNumber }) => entryNumber),
    text("FExp", 40, ({ summary }) => summary),
    text("FAcctID", 15, ({ account }) => account),
    ...objectColumns(4, { name: 20, code: 10 }),
    text("FTransID", 10, ({ tradeNumber }) => tradeNumber),
    text("FCyID", 3, ({ currency }) => currency),
    number("FExchRate", 19, 10, () => "1.0000000000"),
    text("FDC", 1, ({ side }) => (side === "debit" ? "D" : "C")),
    number("FFCyAmt", 14, 2, ({ amount }) => toFixed(amount, 2)),
    number("FQty", 8, 2, ({ quantity }) => toFixed(quantity ?? ZERO, 2)),
    number("FPrice", 10, 7, ({ unitPrice }) => priceText(unitPrice, 10, 7)),
    number("FDebit", 14, 2, debitOf),
    number("FCredit", 14, 2, creditOf),
    text("FSettlCode", 8),
    text("FSettleNo", 8),
    text("FPreparer", 8, ({ preparer }) => preparer),
    text("FPay", 8),
    text("FCash", 8),
    text("FPoster", 8),
    text("FChecker", 8),
    number("FAttchment", 4, 0, ({ attachments }) => attachments),
    no("FPosted"),
    text("FModule", 2),
    no("FDeleted"),
    number("FSerialNo", 10, 0, () => ""),
  ],
};

/** 专业版 and K/3: 365SEAL up to FFCYAMT; widths of its "double" columns and what follows are ours (reference §11.3). */
export const PROFESSIONAL: DbfLayout = {
  slots: 8,
  sides: { debit: "1", credit: "0" },
  columns: [
    day("FDATE"),
    day("FTRANSDATE"),
    number("FPERIOD", 4, 0, ({ date }) => Number(date.slice(5, 7))),
    text("FGROUP", 10, ({ word }) => word),
    number("FNUM", 10, 0, ({ fileNumber }) => fileNumber),
    number("FENTRYID", 10, 0, ({ entryNumber }) => entryNumber),
    text("FEXP", 80, ({ summary }) => summary),
    text("FACCTID", 40, ({ account }) => account),
    ...objectColumns(8, { name: 80, code: 80 }),
    text("FTRANSID", 80, ({ tradeNumber }) => tradeNumber),
    text("FCYID", 10, ({ currency }) => currency),
    number("FEXCHRATE", 20, 10, () => "1.0000000000"),
    text("FDC", 1, ({ side }) => (side === "debit" ? "1" : "0")),
    number("FFCYAMT", 20, 2, ({ amount }) => toFixed(amount, 2)),
    number("FQTY", 20, 8, ({ quantity }) => toFixed(quantity ?? ZERO, 8)),
    number("FPRICE", 20, 8, ({ unitPrice }) => priceText(unitPrice, 20, 8)),
    number("FDEBIT", 20, 2, debitOf),
    number("FCREDIT", 20, 2, creditOf),
    text("FSETTLCODE", 80),
    text("FSETTLENO", 80),
    text("FPREPARE", 80, ({ preparer }) => preparer),
    text("FPAY", 80),
    text("FCASH", 80),
    text("FPOSTER", 80),
    text("FCHECKER", 80),
    number("FATTCHMENT", 10, 0, ({ attachments }) => attachments),
    no("FPOSTED"),
    text("FMODULE", 2),
    no("FDELETED"),
    number("FSERIALNO", 10, 0, () => ""),
    text("FUNITNAME", 80, ({ unit }) => unit ?? ""),
    text("FREFERENCE", 80, ({ reference }) => reference),
    number("FCASHFLOW", 10, 0, () => "0"),
  ],
};

/** @throws RangeError when an entry does not fit: see `obstaclesTo` */
export const writeDbfVouchers = (entries: readonly Entry[], layout: DbfLayout): Uint8Array => {
  const rows = entries.map((entry) => layout.columns.map((column) => column.write(entry)));
  const lastDay = entries.reduce((latest, { date }) => (date > latest ? date : latest), "1980-01-01");
  return writeDbf(layout.columns, rows, lastDay);
};

const NEEDED = ["FDATE", "FGROUP", "FNUM", "FEXP", "FACCTID", "FDC", "FDEBIT", "FCREDIT"];

/** @throws ZhangshiError FILE_UNREADABLE when the file is no such table, or one of the other edition */
export const readDbfVouchers = (bytes: Uint8Array, name: string, layout: DbfLayout): readonly ExportedEntry[] => {
  const records = readDbf(bytes, name);
  return records.map((record, index) => exportedOf(record, index + 1, name, layout));
};

const exportedOf = (record: DbfRecord, row: number, name: string, layout: DbfLayout): ExportedEntry => {
  const missing = NEEDED.find((column) => !record.has(column));
  if (missing !== undefined) throw new ZhangshiError("FILE_UNREADABLE", { file: name, reason: `no column ${missing}` });
  const cell = (...names: readonly string[]): string =>
    names.map((one) => record.get(one)).find((value) => value !== undefined) ?? "";
  const side = sideOf(cell("FDC"), layout);
  // D and C in a file of 专业版, or 1 and 0 in one of 标准版: the connection names the wrong dialect.
  if (side === undefined) {
    const reason = `row ${row}: FDC is "${cell("FDC")}", not ${layout.sides.debit} or ${layout.sides.credit}`;
    throw new ZhangshiError("FILE_UNREADABLE", { file: name, reason });
  }
  return {
    row,
    date: cell("FDATE").replace(/^(\d{4})(\d{2})(\d{2})$/u, "$1-$2-$3"),
    word: cell("FGROUP"),
    number: cell("FNUM"),
    entryNumber: cell("FENTRYID"),
    summary: cell("FEXP"),
    account: cell("FACCTID"),
    objects: Array.from({ length: layout.slots }, (_, index) => index + 1).flatMap((slot) => {
      const code = cell(`FOBJID${slot}`);
      return code === "" ? [] : [{ class: cell(`FCLSNAME${slot}`), code }];
    }),
    tradeNumber: cell("FTRANSID"),
    reference: cell("FREFERENCE"),
    side,
    debit: cell("FDEBIT"),
    credit: cell("FCREDIT"),
    quantity: cell("FQTY", "FQUANTITY"),
    unit: cell("FUNITNAME"),
    attachments: cell("FATTCHMENT"),
    preparer: cell("FPREPARER", "FPREPARE"),
    checker: cell("FCHECKER"),
    booked: cell("FPOSTED") === "T",
    voided: cell("FDELETED") === "T",
    module: cell("FMODULE"),
  };
};

const sideOf = (letter: string, layout: DbfLayout): Side | undefined => {
  if (letter.toUpperCase() === layout.sides.debit) return "debit";
  return letter.toUpperCase() === layout.sides.credit ? "credit" : undefined;
};

/** Whether a number's text fits its column and loses nothing. */
export const fitsColumn = (value: Decimal, column: DbfColumn): "fits" | "too-fine" | "too-long" => {
  const [, fraction = ""] = normalize(value).split(".");
  if (fraction.length > column.decimals) return "too-fine";
  return toFixed(value, column.decimals).length > column.length ? "too-long" : "fits";
};
