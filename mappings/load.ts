import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ZhangshiError } from "../domain/errors.ts";
import { Chart } from "./chart.ts";
import { RulePack, type RuleLine } from "./rule.ts";
import { type FileProblem, type FileResult, parseYaml } from "./yaml-file.ts";

export const parseRulePack = (text: string, file: string): FileResult<RulePack> => parseYaml(RulePack, text, file);
export const parseChart = (text: string, file: string): FileResult<Chart> => parseYaml(Chart, text, file);

/** @throws ZhangshiError CONFIG_INVALID with file, line and field of the first problem; FILE_UNREADABLE */
export const loadRulePack = (path: string): RulePack => take(parseRulePack(read(path), path));
/** @throws ZhangshiError as `loadRulePack` */
export const loadChart = (path: string): Chart => take(parseChart(read(path), path));

/** The packs and charts that come with the product. */
export const standards = ["cas", "sme"] as const;
export type Standard = (typeof standards)[number];
export const standardRules = (standard: Standard): RulePack => loadRulePack(ownFile(`packs/${standard}.yaml`));
export const standardChart = (standard: Standard): Chart => loadChart(ownFile(`charts/${standard}.yaml`));

/** Roles that rules use and the chart does not name, each with the rules that wait for it. */
export const rolesMissing = (pack: RulePack, chart: Chart): ReadonlyMap<string, readonly string[]> => {
  const missing = new Map<string, string[]>();
  for (const rule of pack.rules) {
    const lines: readonly RuleLine[] = "lines" in rule ? rule.lines : [];
    for (const { account } of lines) {
      if (Object.hasOwn(chart.roles, account)) continue;
      const rules = missing.get(account) ?? [];
      missing.set(account, rules.includes(rule.name) ? rules : [...rules, rule.name]);
    }
  }
  return missing;
};

/** The text of a pack or chart that comes with the product. */
export const standardText = (kind: "packs" | "charts", standard: Standard): string =>
  read(ownFile(`${kind}/${standard}.yaml`));

const ownFile = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new ZhangshiError("FILE_UNREADABLE", { file: path }, { cause });
  }
};

const take = <T>(result: FileResult<T>): T => taken(result).value;

/** @throws ZhangshiError CONFIG_INVALID with the first problem of the file; `more` stands beside it in the details */
export const taken = <T>(
  result: FileResult<T>,
  more: Readonly<Record<string, string>> = {},
): Extract<FileResult<T>, { ok: true }> => {
  if (result.ok) return result;
  const [first] = result.problems;
  const details = first === undefined ? {} : detailsOf(first, result.problems.length);
  throw new ZhangshiError("CONFIG_INVALID", { ...details, ...more });
};
const detailsOf = (problem: FileProblem, count: number): Readonly<Record<string, string>> => ({
  file: problem.file,
  line: String(problem.line),
  column: String(problem.column),
  ...(problem.field === "" ? {} : { field: problem.field }),
  ...(problem.value === "" ? {} : { value: problem.value }),
  expected: count === 1 ? problem.message : `${problem.message} (+${count - 1})`,
});
