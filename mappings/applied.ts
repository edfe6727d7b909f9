import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { ZhangshiError } from "../domain/errors.ts";
import {
  type CompanyConfig,
  type Installation,
  type LedgerConfig,
  type MappingFile,
  type Mappings,
  textDigest,
} from "../domain/installation.ts";
import type { Chart } from "./chart.ts";
import { type Standard, parseChart, parseRulePack, rolesMissing, standardText, standards, taken } from "./load.ts";
import type { RulePack } from "./rule.ts";

/** What a ledger books by. */
export interface Books {
  readonly rules: RulePack;
  readonly chart: Chart;
}

type Ledger = Pick<LedgerConfig, "code" | "rulePack" | "chart">;
type Company = Pick<CompanyConfig, "code" | "standard">;

/**
 * Opens and checks the rule pack and the chart of every ledger, to be stored with the configuration.
 *
 * @param folder  where the configuration lies; paths in it start from there
 * @throws ZhangshiError FILE_UNREADABLE, CONFIG_INVALID, ROLE_MISSING  naming the ledger, file, place and value
 */
export const readMappings = (installation: Installation, folder: string): Mappings => {
  const companies = new Map(installation.companies.map((company) => [company.code, company]));
  const texts = new Map<string, string>();
  const keep = ({ name, text }: Read): MappingFile => {
    const digest = textDigest(text);
    texts.set(digest, text);
    return { name, digest };
  };
  const ledgers = installation.ledgers.map((ledger) => {
    const company = companies.get(ledger.company);
    if (company === undefined) throw new ZhangshiError("CONFIG_INVALID", { field: "company", value: ledger.company });
    const rules = readOne("packs", ledger, company, folder);
    const chart = readOne("charts", ledger, company, folder);
    check(rules, chart, ledger, company);
    return [ledger.code, { rules: keep(rules), chart: keep(chart) }] as const;
  });
  return { ledgers: Object.fromEntries(ledgers), texts: Object.fromEntries(texts) };
};

/**
 * What a ledger books by according to the version in force.
 *
 * @param mappings  those stored with the version; versions of before have none
 * @throws ZhangshiError MAPPINGS_NOT_STORED  for files of one's own that no version holds; CONFIG_INVALID
 */
export const booksOf = (ledger: Ledger, company: Company, mappings: Mappings | undefined): Books => {
  const applied = mappings?.ledgers[ledger.code];
  const textOf = (kind: Kind): Read => {
    const file = applied?.[kind === "packs" ? "rules" : "chart"];
    const text = file === undefined ? undefined : mappings?.texts[file.digest];
    if (file !== undefined && text !== undefined) return { name: file.name, text };
    const name = nameOf(kind, ledger, company);
    if (isStandard(name)) return { name, text: standardText(kind, name) };
    throw new ZhangshiError("MAPPINGS_NOT_STORED", { ledger: ledger.code, file: name });
  };
  const [rules, chart] = [textOf("packs"), textOf("charts")];
  return {
    rules: taken(parseRulePack(rules.text, rules.name)).value,
    chart: taken(parseChart(chart.text, chart.name)).value,
  };
};

type Kind = "packs" | "charts";
interface Read {
  readonly name: string;
  readonly text: string;
}

const isStandard = (name: string): name is Standard => standards.some((standard) => standard === name);
const standardOf = ({ standard }: Company): Standard => (standard === "CAS" ? "cas" : "sme");
const nameOf = (kind: Kind, ledger: Ledger, company: Company): string =>
  (kind === "packs" ? ledger.rulePack : ledger.chart) ?? standardOf(company);
const usedBy = (ledger: Ledger): Readonly<Record<string, string>> => ({ usedBy: `ledger ${ledger.code}` });

const readOne = (kind: Kind, ledger: Ledger, company: Company, folder: string): Read => {
  const name = nameOf(kind, ledger, company);
  if (isStandard(name)) return { name, text: standardText(kind, name) };
  try {
    return { name, text: readFileSync(resolve(folder, name), "utf8") };
  } catch (cause) {
    const field = kind === "packs" ? "rulePack" : "chart";
    throw new ZhangshiError("FILE_UNREADABLE", { file: resolve(folder, name), field, ...usedBy(ledger) }, { cause });
  }
};

/** Both can be read, are of the company's standard, and every role that a rule uses has an account. */
const check = (rulesRead: Read, chartRead: Read, ledger: Ledger, company: Company): void => {
  const rules = taken(parseRulePack(rulesRead.text, rulesRead.name), usedBy(ledger));
  const chart = taken(parseChart(chartRead.text, chartRead.name), usedBy(ledger));
  for (const [file, { value, placeOf }] of [[rulesRead.name, rules] as const, [chartRead.name, chart] as const]) {
    if (value.standard === standardOf(company)) continue;
    throw new ZhangshiError("CONFIG_INVALID", {
      file,
      ...inWords(placeOf(["standard"])),
      field: "standard",
      value: value.standard,
      expected: `${standardOf(company)} (company ${company.code})`,
      ...usedBy(ledger),
    });
  }
  const [missing] = rolesMissing(rules.value, chart.value);
  if (missing === undefined) return;
  const [role, waiting] = missing;
  const path = placeOfRole(rules.value, role);
  throw new ZhangshiError("ROLE_MISSING", {
    file: rulesRead.name,
    ...inWords(rules.placeOf(path)),
    field: path.join("."),
    value: role,
    chart: chartRead.name,
    rules: waiting.join(" "),
    ...usedBy(ledger),
  });
};

/** Where a role is used first. */
const placeOfRole = (pack: RulePack, role: string): readonly (string | number)[] => {
  for (const [at, rule] of pack.rules.entries()) {
    const line = "lines" in rule ? rule.lines.findIndex(({ account }) => account === role) : -1;
    if (line >= 0) return ["rules", at, "lines", line, "account"];
  }
  return ["rules"];
};

const inWords = ({ line, column }: { line: number; column: number }): Readonly<Record<string, string>> => ({
  line: String(line),
  column: String(column),
});
