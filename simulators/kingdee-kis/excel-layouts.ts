/** 标准格式凭证 as a workbook (§11.4): the Chinese layout that integrators import, the technical one that exports show. */

import { readXls, readXlsx, writeXlsx } from "hucre/xlsx";
import { Refusal } from "./model.ts";
import type { FileEntry } from "./file-entry.ts";

export type ExcelLayout = "chinese" | "technical";

/** Integrators' guides, not the vendor (§11.4). */
export const CHINESE_HEADERS = [
  "日期",
  "凭证字",
  "凭证号",
  "附单据数",
  "摘要",
  "科目编码",
  "科目名称",
  "借方金额",
  "贷方金额",
  "币别",
  "汇率",
  "原币金额",
  "数量",
  "单价",
  "核算类别",
  "核算编码",
  "核算名称",
  "制单人",
] as const;
/** From memory, never seen in a public file (§11.4); the order is the simulator's choice. */
export const TECHNICAL_HEADERS = [
  "FDate",
  "FYear",
  "FPeriod",
  "FGroupID",
  "FNumber",
  "FAccountNum",
  "FAccountName",
  "FCurrencyNum",
  "FCurrencyName",
  "FAmountFor",
  "FDebit",
  "FCredit",
  "FPreparerID",
  "FCheckerID",
  "FApproveID",
  "FCashierID",
  "FHandler",
  "FSettleTypeID",
  "FSettleNo",
  "FExplanation",
  "FQuantity",
  "FMeasureUnitID",
  "FUnitPrice",
  "FReference",
  "FTransDate",
  "FTransNo",
  "FAttachments",
  "FSerialNum",
  "FObjectName",
  "FParameter",
  "FExchangeRate",
  "FEntryID",
  "FItem",
  "FPosted",
  "FInternalInd",
  "FCashFlow",
] as const;

/** Between several 核算项目 of one entry: the simulator's choice, since no guide shows more than one. */
const OBJECT_SEPARATOR = ";";
const ITEM_SEPARATOR = "---";
const ROWS_MAX = 65_536;
const XLS_SIGNATURE = 0xd0;
const ZIP_SIGNATURE = 0x50;

/** What a sheet does not say of itself. */
export type SheetNames = { account: (number: string) => string; currencyName: string; currencyCode: string };

/** @throws Refusal when the file is no workbook or its first row is neither layout's */
export async function readSheet(
  bytes: Uint8Array,
  allowed: readonly ("xls" | "xlsx")[],
  names: SheetNames,
): Promise<FileEntry[]> {
  const format = bytes[0] === ZIP_SIGNATURE ? "xlsx" : bytes[0] === XLS_SIGNATURE ? "xls" : undefined;
  if (format === undefined || !allowed.includes(format)) throw new Refusal("外部表不是预期的格式");
  const workbook = await (format === "xls" ? readXls(bytes) : readXlsx(bytes, { maxRows: ROWS_MAX })).catch(() => {
    throw new Refusal("无法打开Excel文件");
  });
  const [header = [], ...rows] = workbook.sheets[0]?.rows ?? [];
  const places = new Map(header.map((cell, index) => [textOf(cell).trim(), index]));
  const wanted = places.has("FAccountNum") ? ["FDate", "FAccountNum", "FDebit", "FCredit"] : CHINESE_NEEDED;
  const missing = wanted.find((name) => !places.has(name));
  if (missing !== undefined) throw new Refusal(`找不到列“${missing}”`);
  return rows.flatMap((row, index) => {
    const text = (name: string): string => {
      const place = places.get(name);
      return place === undefined ? "" : textOf(row[place] ?? null);
    };
    if (row.every((cell) => textOf(cell) === "")) return [];
    return [places.has("FAccountNum") ? technicalEntry(text, index + 2) : chineseEntry(text, index + 2, names)];
  });
}

const CHINESE_NEEDED = ["日期", "凭证字", "凭证号", "摘要", "科目编码", "借方金额", "贷方金额"];

type Cells = (name: string) => string;

function chineseEntry(text: Cells, row: number, names: SheetNames): FileEntry {
  const [classes, codes] = [text("核算类别").split(OBJECT_SEPARATOR), text("核算编码").split(OBJECT_SEPARATOR)];
  return {
    ...EMPTY,
    row,
    date: text("日期"),
    group: text("凭证字"),
    number: text("凭证号"),
    attachments: text("附单据数"),
    summary: text("摘要"),
    account: text("科目编码"),
    debit: text("借方金额"),
    credit: text("贷方金额"),
    currency: text("币别") === names.currencyName ? names.currencyCode : text("币别"),
    rate: text("汇率"),
    amountFor: text("原币金额"),
    quantity: text("数量"),
    price: text("单价"),
    objects: classes.flatMap((className, at) =>
      className === "" && (codes[at] ?? "") === "" ? [] : [{ slot: 0, className, code: codes[at] ?? "", name: "" }],
    ),
    preparer: text("制单人"),
  };
}

function technicalEntry(text: Cells, row: number): FileEntry {
  return {
    ...EMPTY,
    row,
    date: text("FDate"),
    period: text("FPeriod"),
    group: text("FGroupID"),
    number: text("FNumber"),
    entryId: text("FEntryID"),
    attachments: text("FAttachments"),
    summary: text("FExplanation"),
    account: text("FAccountNum"),
    debit: text("FDebit"),
    credit: text("FCredit"),
    currency: text("FCurrencyNum"),
    rate: text("FExchangeRate"),
    amountFor: text("FAmountFor"),
    quantity: text("FQuantity"),
    unit: starred(text("FMeasureUnitID")),
    price: text("FUnitPrice"),
    reference: text("FReference"),
    tradeNumber: text("FTransNo"),
    settleCode: starred(text("FSettleTypeID")),
    settleNumber: text("FSettleNo"),
    objects: text("FItem")
      .split(OBJECT_SEPARATOR)
      .flatMap((part) => {
        const [className = "", code = "", name = ""] = part.split(ITEM_SEPARATOR);
        return className === "" ? [] : [{ slot: 0, className, code, name }];
      }),
    preparer: text("FPreparerID"),
  };
}

/** An export writes an asterisk where a reference is empty. */
function starred(text: string): string {
  return text === "*" ? "" : text;
}

const EMPTY: FileEntry = {
  row: 0,
  date: "",
  period: "",
  group: "",
  number: "",
  entryId: "",
  summary: "",
  account: "",
  objects: [],
  tradeNumber: "",
  reference: "",
  currency: "",
  rate: "",
  side: "",
  amountFor: "",
  quantity: "",
  unit: "",
  price: "",
  debit: "",
  credit: "",
  settleCode: "",
  settleNumber: "",
  preparer: "",
  attachments: "",
  checker: "",
  poster: "",
  invalid: false,
  serial: "",
};

function textOf(cell: unknown): string {
  if (cell instanceof Date) return cell.toISOString().slice(0, 10);
  if (typeof cell === "number") return plainNumber(cell);
  return typeof cell === "string" ? cell : "";
}

/** What a cell shows of a double: fifteen digits are all it has. */
function plainNumber(value: number): string {
  const text = String(value);
  return text.includes("e") ? value.toFixed(10).replace(/\.?0+$/, "") : text;
}

/** A cell that Excel shows as a number; "" stays empty. */
function numberCell(text: string): number | null {
  return text === "" ? null : Number(text);
}

/** @returns the workbook of an export, sheet 1 "凭证" */
export async function writeSheet(
  entries: readonly FileEntry[],
  layout: ExcelLayout,
  names: SheetNames,
): Promise<Uint8Array> {
  const headers = layout === "chinese" ? CHINESE_HEADERS : TECHNICAL_HEADERS;
  const cells = layout === "chinese" ? chineseCells : technicalCells;
  const rows = entries.map((entry) => {
    const values = cells(entry, names);
    return headers.map((name) => values[name] ?? null);
  });
  return writeXlsx({ sheets: [{ name: "凭证", rows: [[...headers], ...rows] }] });
}

type CellValues = Record<string, string | number | null>;

function chineseCells(entry: FileEntry, names: SheetNames): CellValues {
  const joined = (pick: (object: FileEntry["objects"][number]) => string): string =>
    entry.objects.map(pick).join(OBJECT_SEPARATOR);
  return {
    日期: entry.date,
    凭证字: entry.group,
    凭证号: numberCell(entry.number),
    附单据数: numberCell(entry.attachments),
    摘要: entry.summary,
    科目编码: entry.account,
    科目名称: names.account(entry.account),
    借方金额: entry.side === "D" ? numberCell(entry.debit) : null,
    贷方金额: entry.side === "C" ? numberCell(entry.credit) : null,
    币别: entry.currency === names.currencyCode ? names.currencyName : entry.currency,
    汇率: numberCell(entry.rate),
    原币金额: numberCell(entry.amountFor),
    数量: numberCell(entry.quantity),
    单价: numberCell(entry.price),
    核算类别: joined(({ className }) => className),
    核算编码: joined(({ code }) => code),
    核算名称: joined(({ name }) => name),
    制单人: entry.preparer,
  };
}

function technicalCells(entry: FileEntry, names: SheetNames): CellValues {
  return {
    FDate: entry.date,
    FYear: numberCell(entry.date.slice(0, 4)),
    FPeriod: numberCell(entry.period),
    FGroupID: entry.group,
    FNumber: numberCell(entry.number),
    FAccountNum: entry.account,
    FAccountName: names.account(entry.account),
    FCurrencyNum: entry.currency,
    FCurrencyName: entry.currency === names.currencyCode ? names.currencyName : entry.currency,
    FAmountFor: numberCell(entry.amountFor),
    FDebit: numberCell(entry.debit),
    FCredit: numberCell(entry.credit),
    FPreparerID: entry.preparer,
    FCheckerID: entry.checker === "" ? "NONE" : entry.checker,
    FApproveID: "NONE",
    FCashierID: "NONE",
    FHandler: "",
    FSettleTypeID: entry.settleCode === "" ? "*" : entry.settleCode,
    FSettleNo: entry.settleNumber,
    FExplanation: entry.summary,
    FQuantity: numberCell(entry.quantity),
    FMeasureUnitID: entry.unit === "" ? "*" : entry.unit,
    FUnitPrice: numberCell(entry.price),
    FReference: entry.reference,
    FTransDate: entry.date,
    FTransNo: entry.tradeNumber,
    FAttachments: numberCell(entry.attachments),
    FSerialNum: numberCell(entry.serial),
    FObjectName: "",
    FParameter: "",
    FExchangeRate: numberCell(entry.rate),
    FEntryID: numberCell(entry.entryId),
    FItem: entry.objects
      .map(({ className, code, name }) => [className, code, name].join(ITEM_SEPARATOR))
      .join(OBJECT_SEPARATOR),
    FPosted: entry.poster === "" ? 0 : 1,
    FInternalInd: "",
    FCashFlow: "",
  };
}
