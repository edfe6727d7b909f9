import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type Cell, type CellStyle, type CellValue, type WriteSheet, writeXlsx } from "hucre/xlsx";
import type { ExceptionStore, OpenException } from "../db/exception-store.ts";
import type { ReconciliationStore, Stock, Totals } from "../db/reconciliation-store.ts";
import { causeAdvice } from "../domain/cause-advice.ts";
import { type Cause, causes } from "../domain/causes.ts";
import { type ErrorCode, errorCatalog } from "../domain/errors.ts";

export interface ReportNeeds {
  readonly store: ReconciliationStore;
  readonly exceptions: ExceptionStore;
  /** Created if missing. */
  readonly reportFolder: string;
}

export interface ReportRequest {
  readonly company: string;
  /** Figures of the run for the first sheet and the JSON file: "pulled" → 612. */
  readonly figures?: Readonly<Record<string, number>>;
}

export interface ReportPaths {
  readonly xlsx: string;
  readonly json: string;
}

export type ReportActivities = ReturnType<typeof createReportActivities>;

/** Writes what stands in the register and in the books of a company: a workbook for finance, a JSON file for machines. */
export function createReportActivities({ store, exceptions, reportFolder }: ReportNeeds) {
  return {
    /** The same names every time: a report replaces the one before, whole or not at all. */
    async writeReport({ company, figures = {} }: ReportRequest): Promise<ReportPaths> {
      const open = await exceptions.listOpen(company);
      const mismatches = await exceptions.listMismatches(company);
      const totals = await store.accountTotals(company);
      const stock = await store.stock(company);
      const paths = {
        xlsx: join(reportFolder, `reconciliation-${company}.xlsx`),
        json: join(reportFolder, `reconciliation-${company}.json`),
      };
      await mkdir(reportFolder, { recursive: true });
      const workbook = await writeXlsx({
        sheets: [summarySheet(company, figures, open), differenceSheet(open), accountSheet(totals), stockSheet(stock)],
      });
      await replaceFile(paths.xlsx, workbook);
      const json = { company, figures, mismatches, exceptions: open, accountTotals: totals, stock };
      await replaceFile(paths.json, `${JSON.stringify(json, undefined, 2)}\n`);
      return paths;
    },
  };
}

async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const unfinished = `${path}.unfinished`;
  await writeFile(unfinished, content);
  await rename(unfinished, path);
}

const MONEY = "#,##0.00";
const QUANTITY = "#,##0.######";
/** A spreadsheet keeps 15 digits of a number: what is longer stays text and is not summed. */
const DIGITS_MAX = 15;
const HEADER: CellStyle = { font: { bold: true } };

interface Column {
  readonly header: string;
  readonly width: number;
  readonly numFmt?: string;
  /** A total row at the end sums this column. */
  readonly total?: boolean;
}

/** A text that a spreadsheet could take for a formula gets an apostrophe before it. Codes stay text. */
export const neutralised = (text: string): string => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);

const asNumber = (text: string): CellValue =>
  text.replace(/[^0-9]/g, "").replace(/^0+/, "").length <= DIGITS_MAX ? Number(text) : text;

/** Header frozen and filtered; totals are formulas over the rows above, so that they follow a change. */
function tableSheet(name: string, columns: readonly Column[], rows: readonly (readonly CellValue[])[]): WriteSheet {
  const cells = new Map<string, Partial<Cell>>();
  columns.forEach(({ header }, index) => {
    cells.set(`0,${index}`, { value: header, type: "string", style: HEADER });
  });
  const totalRow = rows.length + 1;
  const totals = columns.some(({ total }) => total === true);
  if (totals && rows.length > 0) {
    cells.set(`${totalRow},0`, { value: "合计", type: "string", style: HEADER });
    columns.forEach((column, index) => {
      if (column.total === true) cells.set(`${totalRow},${index}`, totalCell(column, index, rows));
    });
  }
  return {
    name,
    columns: columns.map(({ width, numFmt }) => ({ width, ...(numFmt === undefined ? {} : { numFmt }) })),
    rows: [columns.map(({ header }) => header), ...rows.map((row) => row.map(safe))],
    cells,
    freezePane: { rows: 1 },
    autoFilter: { range: `A1:${letterOf(columns.length - 1)}${rows.length + 1}` },
  };
}

function totalCell(column: Column, index: number, rows: readonly (readonly CellValue[])[]): Partial<Cell> {
  const letter = letterOf(index);
  const cached =
    rows.reduce((sum, row) => sum + (typeof row[index] === "number" ? Math.round(row[index] * 1e6) : 0), 0) / 1e6;
  return {
    formula: `SUM(${letter}2:${letter}${rows.length + 1})`,
    formulaResult: cached,
    style: { font: { bold: true }, numFmt: column.numFmt ?? MONEY },
  };
}

const safe = (value: CellValue): CellValue => (typeof value === "string" ? neutralised(value) : value);
const letterOf = (index: number): string => String.fromCharCode("A".charCodeAt(0) + index);

function summarySheet(
  company: string,
  figures: Readonly<Record<string, number>>,
  open: readonly OpenException[],
): WriteSheet {
  const counted = new Map<string, number>();
  for (const { cause, code } of open) {
    const name = causeName(cause) ?? whatOf(code);
    counted.set(name, (counted.get(name) ?? 0) + 1);
  }
  const rows: (readonly CellValue[])[] = [
    ["公司", company],
    ...Object.entries(figures).map(([name, value]) => [FIGURE_NAMES[name] ?? name, value] as const),
    ["未处理异常", open.length],
    ...[...counted].map(([name, count]) => [`其中：${name}`, count] as const),
  ];
  return tableSheet(
    "汇总",
    [
      { header: "项目", width: 36 },
      { header: "数值", width: 16 },
    ],
    rows,
  );
}

const FIGURE_NAMES: Readonly<Record<string, string>> = {
  pulled: "拉取异动",
  drafted: "生成凭证",
  posted: "已传凭证",
  verified: "已核对凭证",
  held: "挂起",
  refused: "被拒绝",
  uncertain: "结果不明",
  exceptions: "异常",
  lines: "单据行数",
  linesInOneVoucher: "恰好记入一张已核对凭证的行数",
};
const CERTAINTY_NAMES = { certain: "确定", suspected: "疑似" } as const;

const isCause = (value: number | null): value is Cause => value !== null && value in causes;
const isErrorCode = (code: string): code is ErrorCode => code in errorCatalog;
const causeName = (cause: number | null): string | undefined =>
  isCause(cause) ? `${cause} ${causes[cause].zh}` : undefined;
const whatOf = (code: string): string => (isErrorCode(code) ? errorCatalog[code].what.zh : code);
const whyOf = ({ cause, code }: OpenException): string =>
  isErrorCode(code) ? errorCatalog[code].what.zh : isCause(cause) ? causeAdvice[cause].why : code;
const nextStepOf = ({ cause, code }: OpenException): string =>
  isErrorCode(code) ? errorCatalog[code].nextStep.zh : isCause(cause) ? causeAdvice[cause].nextStep : "";

function differenceSheet(open: readonly OpenException[]): WriteSheet {
  const columns: readonly Column[] = [
    { header: "原因", width: 28 },
    { header: "把握", width: 8 },
    { header: "对象", width: 40 },
    { header: "单据", width: 28 },
    { header: "发生了什么", width: 48 },
    { header: "为什么", width: 40 },
    { header: "下一步", width: 40 },
    { header: "建议冲销", width: 18 },
    { header: "ERP 凭证", width: 18 },
    { header: "凭证键", width: 30 },
    { header: "涉及单据数", width: 12, numFmt: "0" },
    { header: "金额", width: 16, numFmt: MONEY, total: true },
    { header: "首次发现", width: 20 },
    { header: "编号", width: 48 },
  ];
  return tableSheet("差异", columns, open.map(differenceRow));
}

function differenceRow(exception: OpenException): readonly CellValue[] {
  const { evidence, certainty } = exception;
  return [
    causeName(exception.cause) ?? whatOf(exception.code),
    certainty === null ? "" : CERTAINTY_NAMES[certainty],
    exception.subject,
    listOf(evidence["documents"]),
    whatHappened(exception),
    whyOf(exception),
    nextStepOf(exception),
    listOf(proposedOf(evidence["proposals"])),
    listOf(evidence["erpNumbers"]),
    listOf(evidence["postingKeys"]),
    exception.affected,
    exception.amount === null ? null : asNumber(exception.amount),
    exception.firstSeenAt.toISOString(),
    exception.id,
  ];
}

/** The deviations in words; without any, what the ERP or the record itself said. */
function whatHappened({ evidence, code }: OpenException): string {
  const deviations = Array.isArray(evidence["deviations"]) ? evidence["deviations"] : [];
  const sentences = deviations.flatMap((deviation: unknown) => {
    if (typeof deviation !== "object" || deviation === null) return [];
    const { field, ours, theirs } = { field: "", ours: "", theirs: "", ...deviation };
    return [`${field}：账实侧 ${ours === "" ? "（无）" : ours}，对方 ${theirs === "" ? "（无）" : theirs}`];
  });
  if (sentences.length > 0) return sentences.join("；");
  const message = evidence["message"];
  if (typeof message === "string" && message !== "") return message;
  const { field, value } = evidence;
  return typeof field === "string" && typeof value === "string" ? `${field}：${value}` : whatOf(code);
}

/** Vouchers of the ERP that the comparison proposes to reverse. */
const Proposed = z.array(z.object({ erpNumber: z.string() }));
const proposedOf = (value: unknown): readonly string[] =>
  Proposed.safeParse(value).data?.map(({ erpNumber }) => erpNumber) ?? [];

const listOf = (value: unknown): string => (Array.isArray(value) ? value.map(String).join("、") : "");

function accountSheet(totals: Totals): WriteSheet {
  const columns: readonly Column[] = [
    { header: "科目", width: 20 },
    { header: "借方", width: 18, numFmt: MONEY, total: true },
    { header: "贷方", width: 18, numFmt: MONEY, total: true },
  ];
  const rows = Object.entries(totals).map(([account, { debit, credit }]) => [
    account,
    asNumber(debit),
    asNumber(credit),
  ]);
  return tableSheet("科目汇总", columns, rows);
}

function stockSheet(stock: Stock): WriteSheet {
  const columns: readonly Column[] = [
    { header: "商品", width: 24 },
    { header: "数量", width: 16, numFmt: QUANTITY },
    { header: "金额", width: 18, numFmt: MONEY, total: true },
  ];
  const rows = Object.entries(stock).map(([item, { quantity, value }]) => [item, asNumber(quantity), asNumber(value)]);
  return tableSheet("库存", columns, rows);
}
