/**
 * GetSysReportData for 科目余额表 (GL_RPT_AccountBalance): opening, turnover, year to date and closing per account, and
 * per combination of dimensions, in money and in quantity. The filter form's keys are the vendor's; the quantity
 * columns and FSHOWQTY are the simulator's choice.
 */

import { formatDecimal } from "../shared/decimal.ts";
import type { JsonOut } from "../shared/json.ts";
import { flexForm } from "./base-data.ts";
import { type FormContext, unknownField } from "./forms.ts";
import { yearAndPeriod } from "./ledger.ts";
import { type BaseItem, type Book, type Entry, MSG, Refusal, type Voucher } from "./model.ts";
import { fieldOf, flagOf, integerOf, textOf } from "./wire-values.ts";

export const BALANCE_REPORT = "GL_RPT_ACCOUNTBALANCE";

/** An opening balance that a book starts with, debit positive. */
export type Opening = {
  account: string;
  dimensions: Record<string, string>;
  amount: bigint;
  quantity: bigint;
  unit: string;
};

type Sums = { begin: bigint; debit: bigint; credit: bigint; yearDebit: bigint; yearCredit: bigint };

type Line = {
  account: BaseItem;
  organization: string;
  dimensions: Record<string, string>;
  unit: string;
  /** different units in one account have no common sum */
  mixedUnits: boolean;
  money: Sums;
  quantity: Sums;
};

type Ask = {
  book: Book;
  from: string;
  to: string;
  levelMax: number;
  showDetail: boolean;
  detailOnly: boolean;
  withUnposted: boolean;
  showQuantity: boolean;
  hideNoBusiness: boolean;
};

type ReportColumn = (line: Line, context: FormContext) => JsonOut;

const money =
  (pick: (sums: Sums) => bigint): ReportColumn =>
  (line) =>
    grouped(formatDecimal(pick(line.money), 2));
const quantity =
  (pick: (sums: Sums) => bigint): ReportColumn =>
  (line) => {
    return line.unit === "" || line.mixedUnits
      ? ""
      : grouped(formatDecimal(pick(line.quantity), 10).replace(/\.?0+$/, ""));
  };
const end = (sums: Sums): bigint => sums.begin + sums.debit - sums.credit;
const ifDebit = (value: bigint): bigint => (value > 0n ? value : 0n);
const ifCredit = (value: bigint): bigint => (value < 0n ? -value : 0n);

const COLUMNS: Record<string, ReportColumn> = {
  FBALANCEID: (line) => line.account.number,
  FBALANCENAME: (line) => line.account.name,
  FDETAILNUMBER: (line) =>
    sortedDimensions(line)
      .map(([, number]) => number)
      .join("/"),
  FDETAILNAME: (line, context) => dimensionNames(line, context),
  FBEGINDEBITLOCAL: money((sums) => ifDebit(sums.begin)),
  FBEGINCREDITLOCAL: money((sums) => ifCredit(sums.begin)),
  FDEBITLOCAL: money((sums) => sums.debit),
  FCREDITLOCAL: money((sums) => sums.credit),
  FYTDDEBITLOCAL: money((sums) => sums.yearDebit),
  FYTDCREDITLOCAL: money((sums) => sums.yearCredit),
  FENDDEBITLOCAL: money((sums) => ifDebit(end(sums))),
  FENDCREDITLOCAL: money((sums) => ifCredit(end(sums))),
  FUNITNUMBER: (line) => (line.mixedUnits ? "" : line.unit),
  FBEGINQTY: quantity((sums) => sums.begin),
  FDEBITQTY: quantity((sums) => sums.debit),
  FCREDITQTY: quantity((sums) => sums.credit),
  FENDQTY: quantity(end),
};
for (const key of [
  "FBEGINDEBIT",
  "FBEGINCREDIT",
  "FDEBIT",
  "FCREDIT",
  "FYTDDEBIT",
  "FYTDCREDIT",
  "FENDDEBIT",
  "FENDCREDIT",
]) {
  // Books keep one currency here, so original and local amounts are the same.
  const local = COLUMNS[`${key}LOCAL`];
  if (local) COLUMNS[key] = local;
}

/** @returns `{"Result":{"IsSuccess":true,"RowCount":n,"Rows":[[text,…]]}}`, every value as text, thousands separated */
export function accountBalance(
  data: unknown,
  context: FormContext,
  openings: (book: string) => readonly Opening[],
): JsonOut {
  const model = fieldOf(data, "Model");
  const ask = readAsk(model, context);
  const keys = textOf(fieldOf(data, "FieldKeys"))
    .split(",")
    .map((key) => key.trim())
    .filter((key) => key !== "");
  const columns = (keys.length === 0 ? Object.keys(COLUMNS) : keys).map(columnOf);
  const lines = balanceLines(ask, context, openings(ask.book.number));
  const start = Math.max(0, integerOf(fieldOf(data, "StartRow")) ?? 0);
  const limit = integerOf(fieldOf(data, "Limit")) ?? 0;
  const page = limit > 0 ? lines.slice(start, start + limit) : lines.slice(start);
  return {
    Result: {
      IsSuccess: true,
      RowCount: lines.length,
      Rows: page.map((line) => columns.map((column) => column(line, context))),
    },
  };
}

/** A flex column by itself ("FFLEX8") gives the number of that dimension. */
function columnOf(key: string): ReportColumn {
  const upper = key.toUpperCase();
  const column = COLUMNS[upper];
  if (column) return column;
  if (flexForm(upper) === undefined) throw unknownField(key);
  return (line) => line.dimensions[upper] ?? "";
}

function readAsk(model: unknown, context: FormContext): Ask {
  const bookRef = fieldOf(model, "FACCTBOOKID");
  const number = textOf(fieldOf(bookRef, "FNumber")) || textOf(bookRef);
  const period = (yearKey: string, periodKey: string): string => {
    const year = integerOf(fieldOf(model, yearKey));
    const month = integerOf(fieldOf(model, periodKey));
    if (year === undefined || month === undefined)
      throw new Refusal(MSG.parameters, `报表参数${yearKey}、${periodKey}不能为空`);
    return `${year}-${String(month).padStart(2, "0")}`;
  };
  return {
    book: context.ledger.book(number),
    from: period("FSTARTYEAR", "FSTARTPERIOD"),
    to: period("FENDYEAR", "FENDPERIOD"),
    levelMax: integerOf(fieldOf(model, "FBALANCELEVEL")) ?? Number.MAX_SAFE_INTEGER,
    showDetail: flagOf(fieldOf(model, "FSHOWDETAIL"), false),
    detailOnly: flagOf(fieldOf(model, "FSHOWDETAILONLY"), false),
    withUnposted: flagOf(fieldOf(model, "FNOTPOSTVOUCHER"), false),
    showQuantity: flagOf(fieldOf(model, "FSHOWQTY"), true),
    hideNoBusiness: flagOf(fieldOf(model, "FNOBUSINESS"), false),
  };
}

function balanceLines(ask: Ask, context: FormContext, openings: readonly Opening[]): Line[] {
  const totals = new Map<string, Line>();
  const details = new Map<string, Line>();
  for (const opening of openings) {
    const book = (line: Line): void => {
      line.money.begin += opening.amount;
      line.quantity.begin += opening.quantity;
    };
    touch(ask, context, totals, details, opening.account, opening.dimensions, opening.unit, book);
  }
  for (const voucher of context.ledger.vouchers.values()) {
    if (voucher.book !== ask.book.number || voucher.invalid || voucher.documentStatus === "Z") continue;
    if (!voucher.posted && !ask.withUnposted) continue;
    const month = voucher.date.slice(0, 7);
    if (month > ask.to) continue;
    for (const entry of voucher.entries) {
      const { quantity: baseQuantity, unit } = context.ledger.baseQuantity(ask.book, entry);
      touch(ask, context, totals, details, entry.account, entry.dimensions, unit, (line) => {
        addEntry(line, voucher, entry, baseQuantity, ask);
      });
    }
  }
  const lines = [...totals.values()].toSorted((left, right) => compareText(left.account.number, right.account.number));
  return lines.flatMap((total) => {
    const ofAccount = [...details.values()].filter((line) => line.account.id === total.account.id);
    const shown = ofAccount.toSorted((left, right) => compareText(dimensionKey(left), dimensionKey(right)));
    const rows = ask.showDetail ? [...(ask.detailOnly && shown.length > 0 ? [] : [total]), ...shown] : [total];
    return rows.filter((line) => !ask.hideNoBusiness || line.money.debit !== 0n || line.money.credit !== 0n);
  });
}

/** Adds to the account, to every account above it, and to its combination of dimensions. */
function touch(
  ask: Ask,
  context: FormContext,
  totals: Map<string, Line>,
  details: Map<string, Line>,
  number: string,
  dimensions: Record<string, string>,
  unit: string,
  book: (line: Line) => void,
): void {
  const parts = number.split(".");
  for (let level = 1; level <= parts.length && level <= ask.levelMax; level += 1) {
    const account = context.ledger.account(ask.book, parts.slice(0, level).join("."));
    if (!account) continue;
    const line = totals.get(account.number) ?? emptyLine(ask.book, account, {}, unit);
    if (unit !== "" && line.unit !== unit) {
      line.mixedUnits ||= line.unit !== "";
      line.unit = unit;
    }
    totals.set(account.number, line);
    book(line);
  }
  const account = context.ledger.account(ask.book, number);
  if (!account || Object.keys(dimensions).length === 0 || parts.length > ask.levelMax) return;
  const fresh = emptyLine(ask.book, account, dimensions, unit);
  const key = `${number}|${dimensionKey(fresh)}`;
  const line = details.get(key) ?? fresh;
  details.set(key, line);
  book(line);
}

function addEntry(line: Line, voucher: Voucher, entry: Entry, baseQuantity: bigint, ask: Ask): void {
  const month = voucher.date.slice(0, 7);
  const isDebit = entry.credit === 0n;
  const debitQuantity = isDebit ? baseQuantity : 0n;
  const creditQuantity = isDebit ? 0n : baseQuantity;
  if (month < ask.from) {
    line.money.begin += entry.debit - entry.credit;
    line.quantity.begin += debitQuantity - creditQuantity;
  } else {
    line.money.debit += entry.debit;
    line.money.credit += entry.credit;
    line.quantity.debit += debitQuantity;
    line.quantity.credit += creditQuantity;
  }
  if (yearAndPeriod(voucher.date)[0] !== Number(ask.to.slice(0, 4))) return;
  line.money.yearDebit += entry.debit;
  line.money.yearCredit += entry.credit;
}

function emptyLine(book: Book, account: BaseItem, dimensions: Record<string, string>, unit: string): Line {
  const none = (): Sums => ({ begin: 0n, debit: 0n, credit: 0n, yearDebit: 0n, yearCredit: 0n });
  const { organization } = book;
  return { account, organization, dimensions, unit, mixedUnits: false, money: none(), quantity: none() };
}

function dimensionNames(line: Line, context: FormContext): string {
  const names = sortedDimensions(line).map(([column, number]) => {
    return context.base.find(flexForm(column) ?? "", number, line.organization)?.name ?? number;
  });
  return names.join("/");
}

function sortedDimensions(line: Line): [column: string, number: string][] {
  return Object.entries(line.dimensions).toSorted(([left], [right]) => compareText(left, right));
}

function dimensionKey(line: Line): string {
  return JSON.stringify([...sortedDimensions(line), line.unit]);
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** "1208.85" becomes "1,208.85", as the vendor's reports write amounts. */
function grouped(text: string): string {
  const [whole = "", fraction] = text.split(".");
  const separated = whole.replaceAll(/\B(?=(\d{3})+(?!\d))/g, ",");
  return fraction === undefined ? separated : `${separated}.${fraction}`;
}
