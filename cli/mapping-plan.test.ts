import { expect, test } from "vitest";
import { type Mappings, textDigest } from "../domain/installation.ts";
import { standardText } from "../mappings/load.ts";
import { mappingChanges } from "./mapping-plan.ts";

const rule = (name: string, version: number, more = "", from = "2025-01-01"): string => `  - name: ${name}
    version: ${version}
    validFrom: ${from}
${more}    when: { kind: purchase-receipt, cause: ${name} }
    voucher: { word: 记, summary: 入库, group: document }
    lines:
      - { side: debit, account: inventory, amount: value, why: 入库 }
      - { side: credit, account: payables, amount: value, why: 应付 }
`;
const packOf = (...rules: readonly string[]): string => `name: own\nstandard: cas\nrules:\n${rules.join("")}`;
const CHART = standardText("charts", "cas");
const mappingsOf = (rules: string, chart = CHART): Mappings => ({
  ledgers: {
    main: {
      rules: { name: "rules.yaml", digest: textDigest(rules) },
      chart: { name: "cas", digest: textDigest(chart) },
    },
  },
  texts: { [textDigest(rules)]: rules, [textDigest(chart)]: chart },
});
const ONE = rule("one", 1);

test("the first version says what each ledger books by, and the same again changes nothing", () => {
  const next = mappingsOf(packOf(ONE));
  expect(mappingChanges(undefined, next)).toMatchObject([
    { kind: "added", subject: "ledger main rules", after: "own, 1 rules" },
    { kind: "added", subject: "ledger main chart", after: expect.stringMatching(/^cas, \d+ roles$/) },
  ]);
  expect(mappingChanges(next, next)).toEqual([]);
});

test("rules that were added, changed or removed are named with what changed in them", () => {
  const before = mappingsOf(packOf(ONE, rule("two", 1), rule("three", 1)));
  const changed = rule("two", 1).replace("account: payables", "account: estimated-payables");
  expect(mappingChanges(before, mappingsOf(packOf(ONE, changed, rule("four", 1))))).toEqual([
    {
      kind: "changed",
      subject: "ledger main rule two version 1",
      field: "lines[1].account",
      before: '"payables"',
      after: '"estimated-payables"',
    },
    { kind: "added", subject: "ledger main rule four version 1" },
    { kind: "removed", subject: "ledger main rule three version 1" },
  ]);
});

test("a rule that got the next version in place is one that changed; one beside the old is one that was added", () => {
  const before = mappingsOf(packOf(ONE, rule("two", 1)));
  expect(mappingChanges(before, mappingsOf(packOf(ONE, rule("two", 2))))).toEqual([
    { kind: "changed", subject: "ledger main rule two version 2", field: "version", before: "1", after: "2" },
  ]);
  const ended = rule("two", 1, "    validTo: 2025-05-31\n");
  expect(mappingChanges(before, mappingsOf(packOf(ONE, ended, rule("two", 2, "", "2025-06-01"))))).toEqual([
    { kind: "changed", subject: "ledger main rule two version 1", field: "validTo", after: '"2025-05-31"' },
    { kind: "added", subject: "ledger main rule two version 2" },
  ]);
});

test("another order is a change, because the first rule that fits is used", () => {
  const before = mappingsOf(packOf(ONE, rule("two", 1), rule("three", 1), rule("four", 1)));
  const after = mappingsOf(packOf(ONE, rule("three", 1), rule("two", 1), rule("four", 1)));
  expect(mappingChanges(before, after)).toEqual([
    {
      kind: "changed",
      subject: "ledger main rules",
      field: "order",
      before: "two version 1 > three version 1",
      after: "three version 1 > two version 1",
    },
  ]);
});

test("another account of a role is named, and a mere comment is told as such", () => {
  const before = mappingsOf(packOf(ONE));
  expect(mappingChanges(before, mappingsOf(packOf(ONE), CHART.replace('"1122"', '"1122.07"')))).toEqual([
    {
      kind: "changed",
      subject: "ledger main role receivables",
      field: "account",
      before: '"1122"',
      after: '"1122.07"',
    },
  ]);
  expect(mappingChanges(before, mappingsOf(`${packOf(ONE)}# a word\n`))).toMatchObject([
    { subject: "ledger main rules", field: "text" },
  ]);
});
