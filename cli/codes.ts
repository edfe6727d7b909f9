import process from "node:process";
import { readFile, stat, writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { readXlsx, writeXlsx } from "hucre/xlsx";
import { z } from "zod";
import { type CodeEntry, readCodes, replaceCodes } from "../db/code-store.ts";
import { currentInstallation } from "../db/installation-store.ts";
import { ZhangshiError } from "../domain/errors.ts";
import { type CodeRow, type CodeTableProblem, codeColumns, codeTablesFromSheet } from "../mappings/code-table.ts";
import { commandNamed, parseOptions, runCommand, say, type Surroundings, withDatabase } from "./surroundings.ts";
import { textTable } from "./table.ts";

const SHEET = "codes";
/** A sheet of a million rows is far below; what is larger is not one of ours. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;
const PROBLEMS_SHOWN_MAX = 50;

const ImportOptions = z.object({ mode: z.enum(["set", "add"]).default("set"), dryRun: z.boolean().default(false) });

export const codesCommand = (): Command => {
  const ledger = ["<ledger>", say({ zh: "账簿编码", en: "code of the ledger" })] as const;
  const file = ["<file>", say({ zh: "Excel 文件（.xlsx）", en: "Excel file (.xlsx)" })] as const;
  const exportTo = commandNamed("export", { zh: "把编码对照表写入 Excel", en: "write the code tables to Excel" })
    .argument(...ledger)
    .argument(...file)
    .action((ledgerCode: string, path: string) =>
      runCommand((surroundings) => exportCodes(surroundings, ledgerCode, path)),
    );
  const importFrom = commandNamed("import", {
    zh: "从 Excel 读入编码对照表；逐行校验，有错则全部不收",
    en: "read the code tables from Excel; every row is validated, with one mistake nothing is taken",
  })
    .argument(...ledger)
    .argument(...file)
    .option(
      "--mode <set|add>",
      say({ zh: "set：以文件为准；add：只增加", en: "set: the file is the whole; add: only adds" }),
      "set",
    )
    .option("--dry-run", say({ zh: "只校验并显示将发生什么", en: "validate and show what would happen" }))
    .action((ledgerCode: string, path: string, options: unknown) =>
      runCommand((surroundings) => importCodes(surroundings, ledgerCode, path, parseOptions(ImportOptions, options))),
    );
  return commandNamed("codes", { zh: "编码对照表 ↔ Excel", en: "code tables ↔ Excel" })
    .addCommand(exportTo)
    .addCommand(importFrom);
};

async function exportCodes(surroundings: Surroundings, ledger: string, file: string): Promise<void> {
  await withDatabase(surroundings, async (database) => {
    await requireLedger(database, ledger);
    const entries = await readCodes(database, ledger);
    const rows = [
      [...codeColumns],
      ...entries.map((one) => [one.table, one.code, one.erpCode, one.validFrom ?? "", one.validTo ?? ""]),
    ];
    await writeFile(file, await writeXlsx({ sheets: [{ name: SHEET, rows }] })).catch((error: unknown) => {
      throw new ZhangshiError("FILE_NOT_WRITTEN", { file }, { cause: error });
    });
    surroundings.result(
      { ledger, file, rows: entries.length },
      say({ zh: `已写入 ${entries.length} 行到 ${file}。`, en: `Wrote ${entries.length} rows to ${file}.` }),
    );
  });
}

async function importCodes(
  surroundings: Surroundings,
  ledger: string,
  file: string,
  { mode, dryRun }: z.infer<typeof ImportOptions>,
): Promise<void> {
  const sheet = await readSheet(file);
  await withDatabase(surroundings, async (database) => {
    await requireLedger(database, ledger);
    const read = codeTablesFromSheet(sheet);
    if (!read.ok) throw refused(file, read.problems);
    const present = await readCodes(database, ledger);
    const wanted: readonly (CodeRow | CodeEntry)[] =
      mode === "set" ? read.tables.rows : [...present, ...added(present, read.tables.rows)];
    if (mode === "add") {
      const whole = codeTablesFromSheet([
        [...codeColumns],
        ...wanted.map((one) => [one.table, one.code, one.erpCode, one.validFrom ?? "", one.validTo ?? ""]),
      ]);
      if (!whole.ok) throw refused(file, whole.problems);
    }
    if (!dryRun) await replaceCodes(database, ledger, wanted);
    const counts = {
      added: added(present, wanted).length,
      removed: added(wanted, present).length,
      total: wanted.length,
    };
    surroundings.result(
      { ledger, file, mode, dryRun, ...counts },
      say({
        zh: `${dryRun ? "试运行：" : ""}${mode}：增加 ${counts.added} 行，删除 ${counts.removed} 行，共 ${counts.total} 行。`,
        en: `${dryRun ? "Dry run: " : ""}${mode}: ${counts.added} rows added, ${counts.removed} removed, ${counts.total} in all.`,
      }),
    );
  });
}

async function requireLedger(database: Parameters<typeof currentInstallation>[0], code: string): Promise<void> {
  const installation = await currentInstallation(database);
  if (installation === undefined) throw new ZhangshiError("CONFIG_MISSING");
  const known = installation.ledgers.map((ledger) => ledger.code);
  if (!known.includes(code)) {
    throw new ZhangshiError("ARGUMENT_INVALID", { ledger: code, expected: known.join(", ") });
  }
}

/** Rows of `next` that `present` does not have. A changed row counts as one added and one removed. */
function added<One extends CodeEntry>(present: readonly CodeEntry[], next: readonly One[]): One[] {
  const known = new Set(present.map(identityOf));
  return next.filter((one) => !known.has(identityOf(one)));
}

const identityOf = ({ table, code, erpCode, validFrom, validTo }: CodeEntry): string =>
  JSON.stringify([table, code, erpCode, validFrom ?? "", validTo ?? ""]);

async function readSheet(file: string): Promise<string[][]> {
  try {
    const { size } = await stat(file);
    if (size > FILE_BYTES_MAX) throw new ZhangshiError("FILE_UNREADABLE", { file, size: String(size) });
    const { sheets } = await readXlsx(await readFile(file));
    const [sheet] = sheets;
    return (sheet?.rows ?? []).map((row) => row.map(cellText));
  } catch (error) {
    if (error instanceof ZhangshiError) throw error;
    throw new ZhangshiError("FILE_UNREADABLE", { file }, { cause: error });
  }
}

/** A date typed in Excel is a day; a code that Excel made a number is taken as it is shown. */
function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return "";
  if (cell instanceof Date) return cell.toISOString().slice(0, "2025-01-31".length);
  return typeof cell === "object" ? "" : String(cell as string | number | boolean);
}

function refused(file: string, problems: readonly CodeTableProblem[]): ZhangshiError {
  const shown = problems.slice(0, PROBLEMS_SHOWN_MAX);
  const table = textTable([
    ["row", "column", "value", "message"],
    ...shown.map((one) => [String(one.row), one.column, one.value, one.message]),
  ]);
  process.stderr.write(`${table}\n`);
  const [first] = problems;
  return new ZhangshiError("CONFIG_INVALID", {
    file,
    row: String(first?.row ?? 0),
    column: first?.column ?? "",
    value: first?.value ?? "",
    expected: first?.message ?? "",
    problems: String(problems.length),
  });
}
