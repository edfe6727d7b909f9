import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ZhangshiError } from "../domain/errors.ts";
import { Installation, installationDigest } from "../domain/installation.ts";
import { booksOf, readMappings } from "./applied.ts";
import { standardText } from "./load.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "zhangshi-mappings-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const RULES = standardText("packs", "cas");
const CHART = standardText("charts", "cas");

const installationWith = (own: { rulePack?: string; chart?: string }, standard: "CAS" | "SME" = "CAS"): Installation =>
  Installation.parse({
    connections: [{ name: "erp", vendor: "kingdee-cloud", baseUrl: "http://127.0.0.1:1" }],
    companies: [{ code: "north", name: "north", standard }],
    sources: [],
    ledgers: [
      {
        code: "main",
        company: "north",
        connection: "erp",
        book: "001",
        estimateStyle: "reverse-on-invoice",
        closedPeriod: "hold",
        averagingScope: "company",
        ...own,
      },
    ],
  });
const written = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return name;
};
const booksIn = (installation: Installation, mappings: Parameters<typeof booksOf>[2]) => {
  const [ledger, company] = [installation.ledgers[0], installation.companies[0]];
  if (ledger === undefined || company === undefined) throw new Error("no ledger");
  return booksOf(ledger, company, mappings);
};
const refusal = (work: () => unknown): ZhangshiError => {
  try {
    work();
  } catch (error) {
    if (error instanceof ZhangshiError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
};

test("what was applied stays what a ledger books by, although its files are edited or gone", () => {
  const installation = installationWith({
    rulePack: written("rules.yaml", RULES.replace("name: cas", "name: own")),
    chart: written("chart.yaml", CHART.replace('"1122"', '"1122.07"')),
  });
  const mappings = readMappings(installation, folder);
  rmSync(join(folder, "rules.yaml"));
  written("chart.yaml", "");
  const { rules, chart } = booksIn(installation, mappings);
  expect(rules.name).toBe("own");
  expect(chart.roles["receivables"]?.account).toBe("1122.07");
});

test("every character of a rule pack or chart counts for the digest of the version", () => {
  const installation = installationWith({ rulePack: written("rules.yaml", RULES) });
  const before = installationDigest(installation, readMappings(installation, folder));
  expect(installationDigest(installation, readMappings(installation, folder))).toBe(before);
  written("rules.yaml", `${RULES}# a word\n`);
  expect(installationDigest(installation, readMappings(installation, folder))).not.toBe(before);
});

test("packs that come with the product are known by name, and one text serves every ledger that uses it", () => {
  const named = installationWith({ rulePack: "sme", chart: "sme" }, "SME");
  const { ledgers, texts } = readMappings(named, folder);
  expect(ledgers["main"]).toMatchObject({ rules: { name: "sme" }, chart: { name: "sme" } });
  const second = named.ledgers.map((ledger) => ({ ...ledger, code: "second" }));
  const twice = readMappings({ ...named, ledgers: [...named.ledgers, ...second] }, folder);
  expect(Object.keys(twice.texts)).toEqual(Object.keys(texts));
});

test("a version of before books by the packs of the product; one with files of its own asks to be applied again", () => {
  expect(booksIn(installationWith({}), undefined).rules.name).toBe("cas");
  const error = refusal(() => booksIn(installationWith({ rulePack: "rules.yaml" }), undefined));
  expect(error.code).toBe("MAPPINGS_NOT_STORED");
  expect(error.details).toEqual({ ledger: "main", file: "rules.yaml" });
  expect(error.say("zh")).toContain("重新运行 zhangshi apply");
});

test("a file that is not there is named with the field that names it", () => {
  const error = refusal(() => readMappings(installationWith({ chart: "none.yaml" }), folder));
  expect(error.code).toBe("FILE_UNREADABLE");
  expect(error.details).toEqual({ file: join(folder, "none.yaml"), field: "chart", usedBy: "ledger main" });
});

test("a mistake in a rule is refused with file, line, column, field, value and what is expected", () => {
  const text = RULES.replace("amount: value", "amount: worth");
  const error = refusal(() => readMappings(installationWith({ rulePack: written("wrong.yaml", text) }), folder));
  expect(error.code).toBe("CONFIG_INVALID");
  const line = text.split("\n").findIndex((each) => each.includes("amount: worth")) + 1;
  const column = (text.split("\n")[line - 1]?.indexOf("worth") ?? 0) + 1;
  expect(error.details).toMatchObject({
    file: "wrong.yaml",
    line: String(line),
    column: String(column),
    field: "rules.0.lines.0.amount",
    value: "worth",
    expected: expect.stringContaining("value"),
    usedBy: "ledger main",
  });
  expect(error.say("zh")).toContain("重新 apply");
});

test("a rule whose role has no account in the company's chart is refused at the place that uses it", () => {
  const chart = CHART.replace(/^ {2}revenue:.*\n/m, "");
  const error = refusal(() => readMappings(installationWith({ chart: written("short.yaml", chart) }), folder));
  expect(error.code).toBe("ROLE_MISSING");
  const line = RULES.split("\n").findIndex((each) => each.includes("account: revenue")) + 1;
  expect(line).toBeGreaterThan(0);
  expect(error.details).toMatchObject({ file: "cas", line: String(line), value: "revenue", chart: "short.yaml" });
  expect(error.details["rules"]).not.toBe("");
});

test("a pack or chart of another standard than the company's is refused", () => {
  const error = refusal(() => readMappings(installationWith({ chart: "sme" }), folder));
  expect(error.details).toMatchObject({
    file: "sme",
    field: "standard",
    value: "sme",
    expected: "cas (company north)",
  });
});
