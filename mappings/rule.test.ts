import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  loadRulePack,
  parseChart,
  parseRulePack,
  rolesMissing,
  standardChart,
  standardRules,
  standards,
} from "./load.ts";
import { rulePackJsonSchema } from "./rule-pack-schema.ts";

const PACK = `name: own
standard: cas
rules:
  - name: receipt
    version: 3
    validFrom: 2026-01-01
    when: { kind: purchase-receipt, invoiced: false }
    voucher: { word: 记, summary: "暂估入库 {documentNumber}", group: document }
    lines:
      - { side: debit, account: inventory, amount: value, dimensions: [warehouse], why: 货已入库 }
      - { side: credit, account: estimated-payables, amount: value, dimensions: [supplier], why: 发票到达后冲回 }
`;
const problemsOf = (text: string) => {
  const result = parseRulePack(text, "own.yaml");
  return result.ok ? [] : result.problems.map(({ line, field, message }) => [line, field, message]);
};

test("a rule that a bookkeeper wrote is read", () => {
  expect(parseRulePack(PACK, "own.yaml")).toMatchObject({
    ok: true,
    value: { rules: [{ name: "receipt", version: 3 }] },
  });
});

test("a mistake is named with its line and field", () => {
  expect(
    problemsOf(PACK.replace("amount: value, dimensions: [warehouse]", "amount: worth, dimensions: [warehouse]")),
  ).toMatchObject([[10, "rules.0.lines.0.amount", expect.stringContaining("value")]]);
  expect(problemsOf(PACK.replace("{documentNumber}", "{number}"))).toMatchObject([
    [8, "rules.0.voucher.summary", expect.stringContaining("{documentNumber}")],
  ]);
  expect(problemsOf(PACK.replace("invoiced: false", "invoicd: false"))).toMatchObject([
    [7, "rules.0.when", expect.stringContaining("invoicd")],
  ]);
  expect(problemsOf(PACK.replace("version: 3", "version: [3"))[0]?.[0]).toBeGreaterThanOrEqual(5);
});

test("a rule that cannot balance is refused before any voucher is drawn", () => {
  expect(
    problemsOf(PACK.replace("estimated-payables, amount: value", "estimated-payables, amount: gross")),
  ).toMatchObject([[10, "rules.0.lines", expect.stringContaining("value, net, tax")]]);
});

test("two versions of one rule may not hold on the same day", () => {
  const [head = "", body = ""] = PACK.split("rules:\n");
  expect(problemsOf(`${head}rules:\n${body}${body.replace("version: 3", "version: 4")}`)).toMatchObject([
    [14, "rules.1.validFrom", "receipt version 4 overlaps version 3 in time"],
  ]);
});

test("an account number without quotes is refused, because 0405 is no number", () => {
  const chart = parseChart(
    "name: own\nstandard: cas\nroles:\n  inventory: { account: 1405, name: 库存商品 }\n",
    "own.yaml",
  );
  expect(chart).toMatchObject({ ok: false, problems: [{ line: 4, field: "roles.inventory.account" }] });
});

test("a file that cannot be used names file and line in the error", () => {
  expect(() => loadRulePack("/nowhere/own.yaml")).toThrow("FILE_UNREADABLE");
});

test("the editor's schema is the one that is checked against", () => {
  const committed: unknown = JSON.parse(readFileSync(new URL("rule-pack.schema.json", import.meta.url), "utf8"));
  expect(committed).toEqual(JSON.parse(JSON.stringify(rulePackJsonSchema())));
});

test("both packs use only roles that both charts name", () => {
  for (const standard of standards)
    expect([...rolesMissing(standardRules(standard), standardChart(standard))]).toEqual([]);
});
