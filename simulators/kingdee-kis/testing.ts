/** For the tests of this simulator: voucher files as an integrator would write them, and a person who works the program. */

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeXlsx } from "hucre/xlsx";
import { z } from "zod";
import { type DbfColumn, type DbfTable, readDbf, writeDbf } from "./dbf.ts";
import { PROFESSIONAL_LAYOUT, STANDARD_LAYOUT } from "./dbf-layouts.ts";
import { CHINESE_HEADERS } from "./excel-layouts.ts";
import { decodeGbk } from "./gbk.ts";
import { type KingdeeKis, type KingdeeKisOptions, startKingdeeKis } from "./server.ts";

export type Cells = Record<string, string>;

export type Kis = {
  simulator: KingdeeKis;
  /** writes records into a file of the program's DBF dialect */
  dbf(file: string, rows: readonly Cells[], columns?: readonly DbfColumn[]): void;
  /** writes a workbook in the Chinese layout */
  sheet(file: string, rows: readonly Record<string, string | number>[]): Promise<void>;
  person(act: string, body?: unknown): Promise<Record<string, unknown>>;
  import(file: string): Promise<ImportAnswer>;
  /** records of an export */
  exported(period: string): Promise<Cells[]>;
  text(file: string): string;
  close(): Promise<void>;
};

const ImportAnswer = z.object({
  ok: z.boolean(),
  written: z.string(),
  refusedWhole: z.string().optional(),
  lines: z.array(
    z.object({
      place: z.number(),
      taken: z.boolean(),
      number: z.number().optional(),
      row: z.number().optional(),
      message: z.string().optional(),
    }),
  ),
});
export type ImportAnswer = z.infer<typeof ImportAnswer>;

export async function startKis(options: KingdeeKisOptions = {}): Promise<Kis> {
  const simulator = await startKingdeeKis(options);
  const { folder } = simulator.credentials;
  const layout = simulator.dialect === "professional" ? PROFESSIONAL_LAYOUT : STANDARD_LAYOUT;
  const person: Kis["person"] = async (act, body) => {
    const request = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const response = await fetch(`${simulator.origin}/_person/${act}`, request);
    return z.record(z.string(), z.unknown()).parse(await response.json());
  };
  return {
    simulator,
    person,
    dbf: (file, rows, columns = layout.columns) =>
      writeFileSync(join(folder, file), writeDbf(tableFrom(rows, columns), 0)),
    sheet: async (file, rows) => {
      const cells = rows.map((row) => CHINESE_HEADERS.map((name) => row[name] ?? null));
      writeFileSync(
        join(folder, file),
        await writeXlsx({ sheets: [{ name: "凭证", rows: [[...CHINESE_HEADERS], ...cells] }] }),
      );
    },
    import: async (file) => ImportAnswer.parse(await person("import", { file })),
    exported: async (period) => {
      await person("export", { period });
      return recordsOf(readDbf(readFileSync(join(folder, `export-${period}.dbf`))));
    },
    text: (file) => decodeGbk(readFileSync(join(folder, file))),
    close: async () => {
      await simulator.close();
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function tableFrom(rows: readonly Cells[], columns: readonly DbfColumn[]): DbfTable {
  return { columns, rows: rows.map((row) => columns.map(({ name }) => row[name] ?? "")) };
}

export function recordsOf({ columns, rows }: DbfTable): Cells[] {
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, index) => [name, row[index] ?? ""])));
}

/** Goods received without invoice, as two records of 标准版: 1405 against 2202.02. */
export function receiptRows(
  number: string,
  change: { debit?: Cells; credit?: Cells } = {},
  amount = "128.50",
): Cells[] {
  const head: Cells = { FDATE: "20250131", FPERIOD: "1", FGROUP: "记", FNUM: number, FCYID: "RMB", FEXCHRATE: "1" };
  return [
    {
      ...head,
      FENTRYID: "0",
      FEXP: `暂估入库 ${number}`,
      FACCTID: "1405",
      FCLSNAME1: "物料",
      FOBJID1: "M-001",
      FTRANSID: `key${number}`,
      FDC: "D",
      FFCYAMT: amount,
      FQTY: "10.00",
      FPRICE: "12.85",
      FDEBIT: amount,
      FCREDIT: "0.00",
      FATTCHMENT: "2",
      ...change.debit,
    },
    {
      ...head,
      FENTRYID: "1",
      FEXP: `暂估入库 ${number}`,
      FACCTID: "2202.02",
      FCLSNAME2: "往来单位",
      FOBJID2: "VEN001",
      FDC: "C",
      FFCYAMT: amount,
      FDEBIT: "0.00",
      FCREDIT: amount,
      ...change.credit,
    },
  ];
}

/** The same in 专业版: 1 and 0 for debit and credit, suppliers by their own class, keys in 参考信息. */
export function professionalRows(number: string): Cells[] {
  return receiptRows(number, {
    debit: { FDC: "1", FREFERENCE: `reference ${number}`, FUNITNAME: "个", FQTY: "10.123456" },
    credit: { FDC: "0", FCLSNAME1: "供应商", FOBJID1: "VEN001", FCLSNAME2: "", FOBJID2: "" },
  });
}
