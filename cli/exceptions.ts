import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { writeXlsx } from "hucre/xlsx";
import { z } from "zod";
import { exceptionStore, type OpenException } from "../db/exception-store.ts";
import { currentInstallation } from "../db/installation-store.ts";
import { causes } from "../domain/causes.ts";
import { errorCatalog, type ErrorEntry, ZhangshiError } from "../domain/errors.ts";
import { commandNamed, parseOptions, runCommand, say, withDatabase } from "./surroundings.ts";

const Options = z.object({
  company: z.string().optional(),
  code: z.string().optional(),
  xlsx: z.string().optional(),
});

const known: Readonly<Record<string, ErrorEntry>> = errorCatalog;
const causeNames: Readonly<Record<number, { readonly zh: string; readonly en: string }>> = causes;

/** What waits for a person, one by one. */
export const exceptionsCommand = (): Command =>
  commandNamed("exceptions", {
    zh: "列出未关闭的异常：代码、对象、原因与下一步",
    en: "list the open exceptions: code, subject, cause and what to do next",
  })
    .option("--company <CODE>", say({ zh: "只看这家公司", en: "only this company" }))
    .option("--code <CODE>", say({ zh: "只看这个错误代码", en: "only this error code" }))
    .option("--xlsx <FILE>", say({ zh: "同时写入 Excel 文件", en: "write them to an Excel file as well" }))
    .action((given: unknown) =>
      runCommand((surroundings) =>
        withDatabase(surroundings, async (database) => {
          const options = parseOptions(Options, given);
          const installation = await currentInstallation(database);
          if (installation === undefined) throw new ZhangshiError("CONFIG_MISSING");
          const companies = installation.companies.map(({ code }) => code);
          if (options.company !== undefined && !companies.includes(options.company)) {
            throw new ZhangshiError("ARGUMENT_INVALID", { company: options.company, expected: companies.join(", ") });
          }
          const store = exceptionStore(database);
          const found: Row[] = [];
          for (const company of options.company === undefined ? companies : [options.company]) {
            for (const one of await store.listOpen(company)) {
              if (options.code === undefined || one.code === options.code) found.push(rowOf(company, one));
            }
          }
          if (options.xlsx !== undefined) await writeSheet(options.xlsx, found);
          surroundings.result(
            { exceptions: found, ...(options.xlsx === undefined ? {} : { file: options.xlsx }) },
            textOf(found),
          );
        }),
      ),
    );

interface Row {
  readonly company: string;
  readonly id: string;
  readonly kind: string;
  readonly code: string;
  readonly cause: number | null;
  readonly certainty: string | null;
  readonly subject: string;
  readonly affected: number;
  readonly amount: string | null;
  readonly since: string;
  readonly what: string;
  readonly nextStep: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}

function rowOf(company: string, one: OpenException): Row {
  const { firstSeenAt, reopened: _counted, ...rest } = one;
  const entry = Object.hasOwn(known, one.code) ? known[one.code] : undefined;
  const cause = one.cause === null ? undefined : causeNames[one.cause];
  return {
    company,
    ...rest,
    since: firstSeenAt.toISOString(),
    what: entry === undefined ? (cause === undefined ? one.code : say(cause)) : say(entry.what),
    nextStep: entry === undefined ? "" : say(entry.nextStep),
  };
}

function textOf(rows: readonly Row[]): string {
  if (rows.length === 0) return say({ zh: "没有未关闭的异常。", en: "No exception is open." });
  return rows
    .map(
      ({ company, code, cause, subject, what, nextStep, evidence }) =>
        `${company}  ${code}${cause === null ? "" : ` (${cause})`}  ${subject}  ${what}\n` +
        `    ${plainEvidence(evidence)}${nextStep === "" ? "" : `\n    → ${nextStep}`}`,
    )
    .join("\n");
}

/** `field=quantity, value=1e3`; what is empty says nothing. */
const plainEvidence = (evidence: Readonly<Record<string, unknown>>): string =>
  Object.entries(evidence)
    .filter(([, value]) => value !== "" && value !== null && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(say({ zh: "，", en: ", " }));

async function writeSheet(file: string, rows: readonly Row[]): Promise<void> {
  const header = [
    "company",
    "code",
    "cause",
    "certainty",
    "subject",
    "what",
    "nextStep",
    "amount",
    "affected",
    "since",
    "evidence",
    "id",
  ];
  const cells = rows.map((row) => [
    row.company,
    row.code,
    row.cause === null ? "" : String(row.cause),
    row.certainty ?? "",
    row.subject,
    row.what,
    row.nextStep,
    row.amount ?? "",
    String(row.affected),
    row.since,
    plainEvidence(row.evidence),
    row.id,
  ]);
  try {
    await writeFile(file, await writeXlsx({ sheets: [{ name: "exceptions", rows: [header, ...cells] }] }));
  } catch (error) {
    throw new ZhangshiError("FILE_NOT_WRITTEN", { file }, { cause: error });
  }
}
