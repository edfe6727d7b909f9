/** Tables of base data, periods and monthly sums. */

import { isOn } from "./archives.ts";
import { parentCode } from "./charts.ts";
import { addPeriods, type Archive, periodText } from "./model.ts";
import { bit, type Cell, date, money, text, whole } from "./sql-cells.ts";
import type { Table } from "./sql-engine.ts";
import { type Columns, tableOf } from "./table-columns.ts";
import type { Book, World } from "./world.ts";

const field =
  (name: string) =>
  ({ fields }: Archive): Cell =>
    text(fields[name]);
const flag =
  (name: string) =>
  ({ fields }: Archive): Cell =>
    bit(isOn(fields[name]));
const code = (archive: Archive): Cell => text(archive.code);
const name = (archive: Archive): Cell => text(archive.name);
const day =
  (element: string) =>
  ({ fields }: Archive): Cell =>
    date(fields[element]?.slice(0, 10));

const SIMPLE: Readonly<Record<string, { kind: string; columns: Columns<Archive> }>> = {
  dsign: {
    kind: "dsign",
    columns: { csign: code, ctext: name, isignseq: ({ fields }) => whole(Number(fields["order_code"] ?? "1")) },
  },
  Inventory: {
    kind: "inventory",
    columns: {
      cInvCode: code,
      cInvName: name,
      cInvStd: field("specs"),
      cInvAddCode: field("InvAddCode"),
      cInvCCode: field("sort_code"),
      cGroupCode: field("unitgroup_code"),
      cComUnitCode: field("main_measure"),
      bInvBatch: flag("batch_flag"),
      bInvQuality: flag("qlty_guarantee_flag"),
      cDefWareHouse: field("defwarehouse"),
      dSDate: day("start_date"),
      dEDate: day("end_date"),
    },
  },
  Warehouse: {
    kind: "warehouse",
    columns: {
      cWhCode: code,
      cWhName: name,
      cDepCode: field("depart_code"),
      cWhValueStyle: field("valuestyle"),
      bWhPos: flag("whmanage"),
      bProxyWh: flag("bproxywh"),
      dWhEndDate: day("dWhEndDate"),
    },
  },
  Customer: {
    kind: "customer",
    columns: { cCusCode: code, cCusName: name, cCusAbbName: field("abbrname"), dEndDate: day("end_date") },
  },
  Vendor: {
    kind: "vendor",
    columns: { cVenCode: code, cVenName: name, cVenAbbName: field("abbrname"), dEndDate: day("end_date") },
  },
  Department: {
    kind: "department",
    columns: { cDepCode: code, bDepEnd: flag("endflag"), cDepName: name, dDepEndDate: day("ddependdate") },
  },
  Person: { kind: "person", columns: { cPersonCode: code, cPersonName: name, cDepCode: field("dept_code") } },
  Rd_Style: {
    kind: "receivesendtype",
    columns: {
      cRdCode: code,
      cRdName: name,
      bRdFlag: ({ fields }) => whole(isOn(fields["rsflag"]) ? 1 : 0),
      bRdEnd: flag("end_flag"),
    },
  },
  ComputationUnit: {
    kind: "unit",
    columns: { cComunitCode: code, cComUnitName: name, cGroupCode: field("group_code") },
  },
};

export function archiveTables(book: Book): [name: string, table: Table][] {
  return [
    ...Object.entries(SIMPLE).map(([table, { kind, columns }]): [string, Table] => [
      table,
      tableOf(columns, () => book.archives.list(kind)),
    ]),
    [
      "code",
      tableOf(ACCOUNT, () =>
        yearsOf(book).flatMap((year) => book.archives.list("code").map((account) => ({ year, account }))),
      ),
    ],
  ];
}

/** The chart stands once for every year in newer databases. */
const ACCOUNT: Columns<{ year: number; account: Archive }> = {
  iyear: ({ year }) => whole(year),
  ccode: ({ account }) => text(account.code),
  ccode_name: ({ account }) => text(account.name),
  igrade: ({ account }) => whole(Number(account.fields["grade"] ?? "1")),
  bproperty: ({ account }) => bit(isOn(account.fields["prop"])),
  bend: ({ account }) => bit(isOn(account.fields["end_item_flag"])),
  bperson: ({ account }) => bit(isOn(account.fields["person_acc"])),
  bcus: ({ account }) => bit(isOn(account.fields["cust_acc"])),
  bsup: ({ account }) => bit(isOn(account.fields["supplier_acc"])),
  bdept: ({ account }) => bit(isOn(account.fields["dept_acc"])),
  bitem: ({ account }) => bit(isOn(account.fields["item_acc"])),
  cass_item: ({ account }) => text(account.fields["item_category"]),
  bcash: ({ account }) => bit(isOn(account.fields["cash_acc_flag"])),
  bbank: ({ account }) => bit(isOn(account.fields["bank_acc_flag"])),
  bclose: ({ account }) => bit(isOn(account.fields["acc_seal_flag"])),
  cother: ({ account }) => text(account.fields["ctrled_acc"]),
  cexch_name: ({ account }) => text(account.fields["fc_name"]),
  cmeasure: ({ account }) => text(account.fields["measure_unit"]),
};

export function yearsOf(book: Book): number[] {
  const first = Number(book.state.startPeriod.slice(0, 4));
  const last = Number(addPeriods(book.state.closedThrough, 1).slice(0, 4)) + 1;
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

type PeriodRow = { year: number; period: number };

export function ledgerTables(world: World, book: Book): [name: string, table: Table][] {
  const { state } = book;
  const periods = (from: number) => (): PeriodRow[] =>
    yearsOf(book).flatMap((year) => Array.from({ length: 13 - from }, (_, index) => ({ year, period: from + index })));
  const closed = ({ year, period }: PeriodRow): boolean => periodText(year, period) <= state.closedThrough;
  const stockClosed = ({ year, period }: PeriodRow): boolean => periodText(year, period) <= state.stockClosedThrough;
  const mend: Columns<PeriodRow> = {
    iyear: ({ year }) => whole(year),
    iperiod: ({ period }) => whole(period),
    iYPeriod: ({ year, period }) => whole(year * 100 + period),
    bflag: (row) => bit(closed(row)),
    bflag_GLGZ: (row) => bit(state.lockedPeriods.includes(periodText(row.year, row.period))),
    bflag_ST: (row) => bit(stockClosed(row)),
    bflag_IA: (row) => bit(stockClosed(row)),
    bflag_AR: (row) => bit(closed(row)),
    bflag_AP: (row) => bit(closed(row)),
    bflag_PU: (row) => bit(stockClosed(row)),
    bflag_SA: (row) => bit(stockClosed(row)),
  };
  const calendar: Columns<PeriodRow> = {
    cAcc_Id: () => text(state.number),
    iYear: ({ year }) => whole(year),
    iId: ({ period }) => whole(period),
    dBegin: ({ year, period }) => date(`${periodText(year, period)}-01`),
    dEnd: ({ year, period }) => date(lastDay(year, period)),
  };
  const information: Columns<{ system: string; name: string; value: string }> = {
    cSysID: ({ system }) => text(system),
    cName: ({ name: option }) => text(option),
    cValue: ({ value }) => text(value),
  };
  const start = `${state.startPeriod}-01`;
  return [
    ["GL_mend", tableOf(mend, periods(0))],
    ["UA_Period", tableOf(calendar, periods(1))],
    [
      "AccInformation",
      tableOf(information, () => [
        { system: "GL", name: "dGLStartDate", value: start },
        { system: "ST", name: "dSTStartDate", value: start },
      ]),
    ],
    ["GL_accsum", tableOf(SUM, () => monthlySums(world, book))],
  ];
}

export function lastDay(year: number, period: number): string {
  return new Date(Date.UTC(year, period, 0)).toISOString().slice(0, 10);
}

type Sum = { year: number; period: number; account: string; opening: bigint; debit: bigint; credit: bigint };

const SUM: Columns<Sum> = {
  iyear: ({ year }) => whole(year),
  iperiod: ({ period }) => whole(period),
  ccode: ({ account }) => text(account),
  cexch_name: () => null,
  cbegind_c: ({ opening }) => text(sideOf(opening)),
  mb: ({ opening }) => money(opening < 0n ? -opening : opening),
  md: ({ debit }) => money(debit),
  mc: ({ credit }) => money(credit),
  cendd_c: ({ opening, debit, credit }) => text(sideOf(opening + debit - credit)),
  me: ({ opening, debit, credit }) => {
    const closing = opening + debit - credit;
    return money(closing < 0n ? -closing : closing);
  },
};

const sideOf = (balance: bigint): string => (balance === 0n ? "平" : balance > 0n ? "借" : "贷");

/** Balances of posted (记账) vouchers only; amounts of an account stand in all accounts above it too. */
export function monthlySums(world: World, book: Book): Sum[] {
  const turnover = new Map<string, { debit: bigint; credit: bigint }>();
  for (const voucher of world.ledger.ofBook(book.state.number)) {
    if (!voucher.posted || voucher.flag === 1) continue;
    for (const { account, debit, credit } of voucher.lines) {
      for (let above = account; above !== ""; above = parentCode(above)) {
        const key = `${above}|${periodText(voucher.year, voucher.period)}`;
        const sum = turnover.get(key) ?? { debit: 0n, credit: 0n };
        turnover.set(key, { debit: sum.debit + debit, credit: sum.credit + credit });
      }
    }
  }
  const openings = new Map<string, bigint>();
  for (const [account, amount] of book.openings) {
    for (let above = account; above !== ""; above = parentCode(above)) {
      openings.set(above, (openings.get(above) ?? 0n) + amount);
    }
  }
  return book.archives.list("code").flatMap(({ code: account }) => {
    let opening = openings.get(account) ?? 0n;
    return yearsOf(book).flatMap((year) =>
      Array.from({ length: 12 }, (_, index): Sum => {
        const moved = turnover.get(`${account}|${periodText(year, index + 1)}`) ?? { debit: 0n, credit: 0n };
        const sum = { year, period: index + 1, account, opening, ...moved };
        opening += moved.debit - moved.credit;
        return sum;
      }),
    );
  });
}
