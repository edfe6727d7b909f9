import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { adventureWorksTotals, northwindTotals } from "../../demo/independent-totals.ts";
import { centsOf, centsText } from "../../demo/document.ts";

/*
 * The main job as a user runs it: command line, servers, simulators, worker and all. What was planted is read from the file
 * that the planting wrote; the finder knows nothing of it.
 */

const run = promisify(execFile);
const DEMO_LIMIT_MS = 300_000;
const OUTPUT_MAX = 64 * 1024 * 1024;

const Named = z.object({ id: z.string(), cause: z.number() });
const Totals = z.record(z.string(), z.object({ debit: z.string(), credit: z.string() }));
const Result = z.object({
  pulled: z.number(),
  drafted: z.number(),
  posted: z.number(),
  verified: z.number(),
  held: z.number(),
  refused: z.number(),
  uncertain: z.number(),
  exceptions: z.number(),
  mismatches: z.array(Named.extend({ certainty: z.string(), company: z.string(), subject: z.string() })),
  accountTotals: z.record(z.string(), Totals),
  stock: z.record(z.string(), z.record(z.string(), z.object({ quantity: z.string(), value: z.string() }))),
  reports: z.array(z.string()),
});

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "zhangshi-demo-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const demo = async (...options: string[]): Promise<z.infer<typeof Result>> => {
  const { stdout } = await run(
    process.execPath,
    ["--import", "tsx", "demo/main.ts", "--json", "--folder", folder, ...options],
    { maxBuffer: OUTPUT_MAX, timeout: DEMO_LIMIT_MS },
  );
  // One object and nothing else.
  return Result.parse(JSON.parse(stdout));
};
const plantedBy = (result: z.infer<typeof Result>): z.infer<typeof Named>[] => {
  const file = result.reports.find((path) => path.endsWith("planted.json")) ?? "";
  return z.array(Named).parse(JSON.parse(readFileSync(file, "utf8")));
};
const idsOf = (list: readonly { readonly id: string }[]): string[] => list.map(({ id }) => id).toSorted();

test.each([11, 12])(
  "for seed %i the report names exactly what was planted, and a second run posts nothing twice",
  async (seed) => {
    const first = await demo("--seed", String(seed));
    const planted = plantedBy(first);
    expect(planted.length).toBeGreaterThanOrEqual(12);
    expect(new Set(planted.map(({ cause }) => cause)).size).toBeGreaterThanOrEqual(10);
    expect(idsOf(first.mismatches)).toEqual(idsOf(planted));
    expect(first.pulled).toBeGreaterThanOrEqual(600);
    expect(first.uncertain).toBe(0);
    for (const path of first.reports) expect(existsSync(path)).toBe(true);
    if (seed !== 11) return;
    const kept = join(folder, "kept");
    cpSync(first.reports.find((path) => path.endsWith(".json")) ?? "", kept);
    const second = await demo("--seed", String(seed));
    // The record that the first run had not pulled is pulled now; everything else stands as it was.
    const unpulled = planted.filter(({ cause }) => cause === 1).length;
    expect(second.posted - first.posted).toBeLessThanOrEqual(unpulled + 1);
    // Where a voucher stands twice, the ledger waits for a person: what is new is drafted and not sent.
    if (planted.some(({ cause }) => cause === 5)) expect(second.posted).toBe(first.posted);
    expect(second.mismatches.filter(({ cause }) => cause === 5)).toEqual(
      first.mismatches.filter(({ cause }) => cause === 5),
    );
  },
  2 * DEMO_LIMIT_MS,
);

type Stock = Readonly<Record<string, { readonly quantity: string; readonly value: string }>>;
const Report = z.object({ figures: z.record(z.string(), z.number()) });
const asTexts = (stock: ReadonlyMap<string, { readonly quantity: bigint; readonly value: bigint }>): Stock =>
  Object.fromEntries(
    [...stock].map(([item, { quantity, value }]) => [item, { quantity: centsText(quantity), value: centsText(value) }]),
  );
/** Items that are there, in hundredths of their unit and in cents; what is used up need not be listed. */
const stockOf = (stock: Stock): Readonly<Record<string, readonly [quantity: bigint, value: bigint]>> =>
  Object.fromEntries(
    Object.entries(stock)
      .map(([item, { quantity, value }]) => [item, [centsOf(quantity), centsOf(value)]] as const)
      .filter(([, [quantity, value]]) => quantity !== 0n || value !== 0n),
  );

const sampleData = process.env["ZHANGSHI_SAMPLE_DATA"] ?? join("..", "shared", "data");
if (!existsSync(sampleData)) process.stderr.write(`SKIPPED: no sample data in ${sampleData} (ZHANGSHI_SAMPLE_DATA)\n`);

test.skipIf(!existsSync(sampleData))(
  "on real data every account agrees to the cent with sums computed apart, and the final stock is the files'",
  async () => {
    const result = await demo("--data", sampleData);
    expect(result.mismatches).toEqual([]);
    expect([result.held, result.refused, result.uncertain]).toEqual([0, 0, 0]);
    expect(result.verified).toBe(result.drafted);
    const roleOf: Readonly<Record<string, string>> = {
      "1405": "inventory",
      "2202.02": "estimated-payables",
      "4104": "opening-counterpart",
      "6401": "cost-of-sales",
    };
    let vouchers = 0;
    for (const [company, expected] of [
      ["adventureworks", adventureWorksTotals(join(sampleData))],
      ["northwind", northwindTotals(join(sampleData))],
    ] as const) {
      expect(stockOf(result.stock[company] ?? {})).toEqual(stockOf(asTexts(expected.stock)));
      const written = result.reports.find((path) => path.endsWith(`reconciliation-${company}.json`)) ?? "";
      const { figures } = Report.parse(JSON.parse(readFileSync(written, "utf8")));
      expect(figures).toMatchObject({ lines: expected.lines, linesInOneVoucher: expected.lines });
      vouchers += expected.documents;
      const totals = result.accountTotals[company] ?? {};
      const byRole = Object.fromEntries(
        Object.entries(totals).map(([account, sums]) => [roleOf[account] ?? account, sums]),
      );
      expect(byRole).toEqual(
        Object.fromEntries(
          Object.entries(expected.accounts).map(([role, { debit, credit }]) => [
            role,
            { debit: centsText(debit), credit: centsText(credit) },
          ]),
        ),
      );
    }
    // One voucher per document, and nothing besides.
    expect(result.verified).toBe(vouchers);
  },
  2 * DEMO_LIMIT_MS,
);
