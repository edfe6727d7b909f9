import process from "node:process";
import { parseArgs } from "node:util";
import { Slots } from "../../connectors/transport/slots.ts";
import { type Verdict, play } from "../../conformance/play.ts";
import { suite } from "../../conformance/suite.ts";
import { benchesOf, ledgerVendors } from "./run.ts";

/* `npm run conformance -- <vendor|all> [--json]`: every case of every ledger, and counts per vendor. */

interface Line {
  readonly vendor: string;
  readonly bench: string;
  readonly id: string;
  readonly title: { readonly zh: string; readonly en: string };
  readonly verdict: Verdict;
}

const MARKS = { passed: "✓", failed: "✗", "not-applicable": "–" } as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, case: { type: "string" } },
});
const [wanted = "all"] = positionals;
const chosen = wanted === "all" ? ledgerVendors : ledgerVendors.filter((vendor) => vendor === wanted);
if (chosen.length === 0) {
  process.stderr.write(`No ledger is called ${wanted}. There are: ${ledgerVendors.join(", ")}, or all.\n`);
  process.exit(2);
}

const chinese = (process.env["LC_ALL"] ?? process.env["LANG"] ?? "").startsWith("zh");
const words = (text: { readonly zh: string; readonly en: string }): string => (chinese ? text.zh : text.en);
const show = ({ vendor, bench, id, title, verdict }: Line): string => {
  const detail =
    verdict.state === "failed" ? verdict.message : verdict.state === "not-applicable" ? words(verdict.reason) : "";
  return `${MARKS[verdict.state]} ${vendor}/${bench} ${id}: ${words(title)}${detail === "" ? "" : `\n    ${detail}`}`;
};

/** Most cases wait most of the time. */
const AT_ONCE = 8;

const games: (() => Promise<Line>)[] = [];
for (const vendor of chosen)
  for (const [bench, start] of Object.entries(await benchesOf(vendor)))
    for (const one of suite)
      if (values.case === undefined || one.id.includes(values.case))
        games.push(async () => ({ vendor, bench, id: one.id, title: one.title, verdict: await play(one, start) }));

const slots = new Slots(AT_ONCE);
const lines: Line[] = [];
for (const game of games.map((one) => slots.with(one))) {
  const line = await game;
  lines.push(line);
  if (!values.json) process.stdout.write(`${show(line)}\n`);
}

const count = (vendor: string, state: Verdict["state"]): number =>
  lines.filter((line) => line.vendor === vendor && line.verdict.state === state).length;
const counts = chosen.map((vendor) => ({
  vendor,
  passed: count(vendor, "passed"),
  failed: count(vendor, "failed"),
  notApplicable: count(vendor, "not-applicable"),
}));
if (values.json) process.stdout.write(`${JSON.stringify({ cases: lines, counts }, null, 2)}\n`);
else
  for (const { vendor, passed, failed, notApplicable } of counts)
    process.stdout.write(`${vendor}: ${passed} passed, ${failed} failed, ${notApplicable} not applicable\n`);
process.exitCode = counts.some(({ failed }) => failed > 0) ? 1 : 0;
