import { readXls, readXlsx, writeXlsx } from "hucre/xlsx";
import { type Decimal, equal, isDecimal, normalize } from "../../domain/decimal.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import type { Entry, ExportedEntry } from "./entry.ts";
import type { KingdeeKisSettings } from "./settings.ts";
import { refuseZipBomb } from "./zip-size.ts";

/**
 * Columns of 标准格式凭证 as a workbook by our names, each with the headers it may have: the Chinese layout that integrators
 * import, the key and the Chinese name of the technical one (reference §11.4, both unconfirmed by the vendor). Settings
 * can name others, from an exported sample.
 */
const COLUMNS = {
  date: ["日期", "FDate", "凭证日期"],
  word: ["凭证字", "FGroupID"],
  number: ["凭证号", "FNumber"],
  attachments: ["附单据数", "FAttachments", "附件数"],
  summary: ["摘要", "FExplanation"],
  account: ["科目编码", "FAccountNum", "科目代码"],
  accountName: ["科目名称", "FAccountName"],
  debit: ["借方金额", "FDebit", "借方"],
  credit: ["贷方金额", "FCredit", "贷方"],
  currency: ["币别", "FCurrencyNum", "币别代码"],
  rate: ["汇率", "FExchangeRate"],
  amountFor: ["原币金额", "FAmountFor"],
  quantity: ["数量", "FQuantity"],
  unitPrice: ["单价", "FUnitPrice"],
  class: ["核算类别"],
  code: ["核算编码"],
  codeName: ["核算名称"],
  preparer: ["制单人", "FPreparerID", "制单"],
  entryNumber: ["FEntryID", "分录序号"],
  item: ["FItem", "核算项目"],
  unit: ["FMeasureUnitID", "数量单位"],
  tradeNumber: ["FTransNo", "往来业务编号"],
  reference: ["FReference", "参考信息"],
  checker: ["FCheckerID", "审核"],
  booked: ["FPosted", "过账"],
  module: ["FObjectName", "系统模块"],
} as const;
type ColumnName = keyof typeof COLUMNS;

/** What is written: the first eighteen, in the guides' order. */
const WRITTEN = [
  "date",
  "word",
  "number",
  "attachments",
  "summary",
  "account",
  "accountName",
  "debit",
  "credit",
  "currency",
  "rate",
  "amountFor",
  "quantity",
  "unitPrice",
  "class",
  "code",
  "codeName",
  "preparer",
] as const satisfies readonly ColumnName[];
const NEEDED = [
  "date",
  "word",
  "number",
  "summary",
  "account",
  "debit",
  "credit",
] as const satisfies readonly ColumnName[];

/** Integrators' guides and the vendor's own exports name the sheet 凭证 (reference §11.4). */
export const SHEET_NAME = "凭证";
const ROWS_MAX = 1_048_575;
const BYTES_MAX = 64 * 1024 * 1024;
/** An export writes these where a reference is empty. */
const EMPTY_MARKS = new Set(["*", "NONE"]);
const ITEM_PARTS = "---";

export type WorkbookCell = string | number | null;

/** Rows of a workbook, headers first. Numbers are cells that Excel shows as numbers: see `survivesCell`. */
export const workbookRows = (entries: readonly Entry[], settings: KingdeeKisSettings): WorkbookCell[][] => [
  WRITTEN.map((name) => settings.headers[name] ?? COLUMNS[name][0]),
  ...entries.map((entry) => {
    const cells = cellsOf(entry, settings.objectSeparator);
    return WRITTEN.map((name) => cells[name] ?? null);
  }),
];

const cellsOf = (entry: Entry, separator: string): Partial<Record<ColumnName, WorkbookCell>> => ({
  date: entry.date,
  word: entry.word,
  number: entry.fileNumber,
  attachments: entry.attachments,
  summary: entry.summary,
  account: entry.account,
  [entry.side]: numberCell(entry.amount),
  currency: entry.currency,
  rate: 1,
  amountFor: numberCell(entry.amount),
  ...(entry.quantity === undefined ? {} : { quantity: numberCell(entry.quantity) }),
  ...(entry.unitPrice === undefined ? {} : { unitPrice: Number(entry.unitPrice) }),
  class: entry.objects.map((one) => one.class).join(separator),
  code: entry.objects.map(({ code }) => code).join(separator),
  preparer: entry.preparer,
});

/** Excel keeps fifteen digits of a number, whatever a double could hold. */
const DIGITS_MAX = 15;

/** @returns whether a cell gives this number back with every digit */
export const survivesCell = (value: Decimal): boolean => {
  const digits = normalize(value).replace(/[-.]/gu, "").replace(/^0+/u, "");
  const text = doubleText(Number(value));
  return digits.length <= DIGITS_MAX && isDecimal(text) && equal(text, value);
};

const numberCell = (value: Decimal): number => {
  if (!survivesCell(value)) throw new RangeError(`"${value}" has more digits than a cell holds`);
  return Number(value);
};

const DECIMALS_MAX = 12;
const doubleText = (value: number): string => {
  const text = String(value);
  return text.includes("e") ? value.toFixed(DECIMALS_MAX).replace(/\.?0+$/u, "") : text;
};

export const writeXlsxVouchers = (entries: readonly Entry[], settings: KingdeeKisSettings): Promise<Uint8Array> =>
  writeXlsx({ sheets: [{ name: SHEET_NAME, rows: workbookRows(entries, settings) }] });

const ZIP_START = 0x50;
const OLE_START = 0xd0;

/** @throws ZhangshiError FILE_UNREADABLE when it is no workbook, too large, or lacks a column */
export const readWorkbookVouchers = async (
  bytes: Uint8Array,
  name: string,
  settings: KingdeeKisSettings,
): Promise<readonly ExportedEntry[]> => {
  const refuse = (reason: string, cause?: unknown): ZhangshiError =>
    new ZhangshiError("FILE_UNREADABLE", { file: name, reason }, cause === undefined ? undefined : { cause });
  if (bytes.length > BYTES_MAX) throw refuse(`longer than ${BYTES_MAX} bytes`);
  if (bytes[0] !== ZIP_START && bytes[0] !== OLE_START) throw refuse("not a workbook");
  if (bytes[0] === ZIP_START) refuseZipBomb(bytes, name);
  const workbook = await (bytes[0] === OLE_START ? readXls(bytes) : readXlsx(bytes, { maxRows: ROWS_MAX })).catch(
    (cause: unknown) => {
      throw refuse("the workbook cannot be opened: still being written, or damaged", cause);
    },
  );
  const [header = [], ...rows] = workbook.sheets[0]?.rows ?? [];
  const titles = header.map((cell) => cellText(cell).trim());
  const placeOf = (column: ColumnName): number => {
    const wanted = [settings.headers[column], ...COLUMNS[column]];
    return titles.findIndex((title) => wanted.includes(title));
  };
  const missing = NEEDED.find((column) => placeOf(column) < 0);
  if (missing !== undefined) throw refuse(`no column for ${missing}: name its header in settings.headers`);
  return rows.flatMap((row, index) => {
    const cell = (column: ColumnName): string => {
      const place = placeOf(column);
      return place < 0 ? "" : cellText(row[place]);
    };
    return row.every((one) => cellText(one) === "") ? [] : [exportedOf(cell, index + 2, settings.objectSeparator)];
  });
};

const exportedOf = (cell: (column: ColumnName) => string, row: number, separator: string): ExportedEntry => {
  const marked = (column: ColumnName): string => (EMPTY_MARKS.has(cell(column)) ? "" : cell(column));
  return {
    row,
    date: cell("date").slice(0, 10),
    word: cell("word"),
    number: cell("number"),
    entryNumber: cell("entryNumber"),
    summary: cell("summary"),
    account: cell("account"),
    objects: objectsOf(cell("class"), cell("code"), cell("item"), separator),
    tradeNumber: cell("tradeNumber"),
    reference: cell("reference"),
    side: undefined,
    debit: cell("debit"),
    credit: cell("credit"),
    quantity: cell("quantity"),
    unit: marked("unit"),
    attachments: cell("attachments"),
    preparer: marked("preparer"),
    checker: marked("checker"),
    booked: !["", "0", "false", "否"].includes(cell("booked")),
    // Neither layout has a mark for void vouchers: see the README.
    voided: false,
    module: cell("module"),
  };
};

/** 核算类别 and 核算编码 side by side, or "部门---001---行政部" in one cell (reference §11.4). */
const objectsOf = (classes: string, codes: string, item: string, separator: string): ExportedEntry["objects"] => {
  if (item !== "")
    return item.split(separator).flatMap((part) => {
      const [name = "", code = ""] = part.split(ITEM_PARTS);
      return code === "" ? [] : [{ class: name, code }];
    });
  const names = classes.split(separator);
  return codes.split(separator).flatMap((code, index) => (code === "" ? [] : [{ class: names[index] ?? "", code }]));
};

const cellText = (cell: unknown): string => {
  if (cell instanceof Date) return cell.toISOString().slice(0, 10);
  if (typeof cell === "number") return doubleText(cell);
  if (typeof cell === "boolean") return String(cell);
  return typeof cell === "string" ? cell : "";
};
