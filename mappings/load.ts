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

const ownFile = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new ZhangshiError("FILE_UNREADABLE", { file: path }, { cause });
  }
};

const take = <T>(result: FileResult<T>): T => {
  if (result.ok) return result.value;
  const [first] = result.problems;
  throw new ZhangshiError("CONFIG_INVALID", first === undefined ? {} : detailsOf(first, result.problems.length));
};
const detailsOf = ({ file, line, field, message }: FileProblem, count: number): Readonly<Record<string, string>> => ({
  file,
  line: String(line),
  field,
  message,
  problems: String(count),
});
