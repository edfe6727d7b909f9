import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { SapB1Settings } from "../connectors/sap-b1/settings.ts";
import { setUpsFor } from "../connectors/sap-b1/setup.ts";
import { startKingdeeCloud } from "../simulators/kingdee-cloud/server.ts";
import { startSapB1 } from "../simulators/sap-b1/server.ts";

const checkout = join(import.meta.dirname, "..");
vi.setConfig({ testTimeout: 180_000 });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "zhangshi-certify-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** As a user's shell starts it. */
async function certify(args: readonly string[], secrets: Readonly<Record<string, string>>) {
  const loader = join(checkout, "node_modules", "tsx", "dist", "loader.mjs");
  const child = spawn(
    process.execPath,
    ["--import", loader, join(checkout, "cli", "main.ts"), "certify", "erp", "--file", "erp.yaml", ...args],
    {
      cwd: folder,
      env: { PATH: process.env["PATH"] ?? "", HOME: folder, ...secrets },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  await once(child, "close");
  return { code: child.exitCode, out, err };
}

function configure(
  vendor: string,
  baseUrl: string,
  book: string,
  settings: unknown,
  secrets: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const variables = Object.keys(secrets).map((name): [string, string] => [name, `ERP_${name.toUpperCase()}`]);
  const installation = {
    connections: [
      {
        name: "erp",
        vendor,
        baseUrl,
        settings,
        secrets: Object.fromEntries(variables.map(([name, variable]) => [name, `env:${variable}`])),
        rate: { perSecond: 500 },
      },
    ],
    companies: [{ code: "main", name: "main", standard: "CAS" }],
    sources: [],
    ledgers: [
      {
        code: "main",
        company: "main",
        connection: "erp",
        book,
        estimateStyle: "reverse-on-invoice",
        closedPeriod: "hold",
        averagingScope: "company",
      },
    ],
  };
  // JSON is YAML as well.
  writeFileSync(join(folder, "erp.yaml"), JSON.stringify(installation));
  return Object.fromEntries(variables.map(([name, variable]) => [variable, secrets[name] ?? ""]));
}

const Report = z.object({
  counts: z.object({ passed: z.number(), failed: z.number(), skipped: z.number() }),
  cases: z.array(z.object({ id: z.string(), verdict: z.looseObject({ state: z.string() }) })),
  documents: z.array(z.object({ key: z.string(), number: z.string(), reversedBy: z.string().optional() })),
  left: z.number(),
});
const failures = (report: z.infer<typeof Report>) => report.cases.filter(({ verdict }) => verdict.state === "failed");

test("云星空: says what it will create, creates only that, and reverses every voucher", async () => {
  const simulator = await startKingdeeCloud();
  try {
    const { lcid: _lcid, orgNum: _orgNum, ...credentials } = simulator.credentials;
    const secrets = configure(
      "kingdee-cloud",
      simulator.baseUrl,
      "001",
      { authentication: "signed", books: { "001": "100" } },
      credentials,
    );
    const vouchers = async () =>
      z
        .object({
          vouchers: z.array(
            z.object({
              external: z.string(),
              entries: z.array(
                z.object({ explanation: z.string(), account: z.string(), debit: z.string(), credit: z.string() }),
              ),
            }),
          ),
        })
        .parse(await (await fetch(`${simulator.origin}/_person/vouchers`)).json()).vouchers;

    const dry = await certify(["--dry-run", "--json"], secrets);
    expect(dry.err).toBe("");
    expect(z.object({ vouchers: z.number() }).parse(JSON.parse(dry.out)).vouchers).toBeGreaterThan(20);
    const unasked = await certify([], { ...secrets, LANG: "zh_CN.UTF-8" });
    expect([unasked.code, unasked.out.includes("--yes")]).toEqual([1, true]);
    expect(await vouchers()).toEqual([]);

    const facts = [
      "--stock",
      "1405,M-001,Pcs",
      "--parent",
      "2202",
      "--demands",
      "supplier=2202.02",
      "--dimension",
      "supplier=2202.02,VEN001",
    ];
    const { code, out, err } = await certify(["--yes", "--json", "--report", "kingdee", ...facts], {
      ...secrets,
      LANG: "zh_CN.UTF-8",
    });
    const report = Report.parse(JSON.parse(out));
    expect(failures(report)).toEqual([]);
    expect([code, report.left]).toEqual([0, 0]);
    expect(report.counts.passed).toBeGreaterThan(30);
    expect(err).toContain("连接认证");
    const booked = await vouchers();
    expect(booked).toHaveLength(report.documents.length * 2);
    expect(
      booked.filter(({ entries }) => !entries.some(({ explanation }) => explanation.includes("连接认证"))),
    ).toEqual([]);
    const markdown = readFileSync(join(folder, "kingdee.md"), "utf8");
    expect(markdown).toContain("# 连接认证：erp");
    for (const { reversedBy } of report.documents) expect(reversedBy).not.toBe(undefined);
    expect(existsSync(join(folder, "kingdee.json"))).toBe(true);
  } finally {
    await simulator.close();
  }
});

test("Business One: every voucher is reversed, and the report is in English", async () => {
  const simulator = await startSapB1({ http: true });
  try {
    const settings = {
      serviceLayer: "v2",
      books: { SBO_DEMO: null },
      controlAccounts: { "2202.01": "supplier", "1122": "customer" },
    };
    for (const { set, body } of setUpsFor(SapB1Settings.parse(settings)))
      await fetch(`${simulator.origin}/_person/write`, { method: "POST", body: JSON.stringify({ set, fields: body }) });
    const secrets = configure("sap-b1", simulator.baseUrl, "SBO_DEMO", settings, simulator.credentials);
    const { code, out } = await certify(["--yes", "--json", "--report", "b1", "--stock", "1405,M-001,Pcs"], secrets);
    const report = Report.parse(JSON.parse(out));
    expect(failures(report)).toEqual([]);
    expect([code, report.left]).toEqual([0, 0]);
    expect(report.documents.length).toBeGreaterThan(20);
    expect(readFileSync(join(folder, "b1.md"), "utf8")).toContain("# Certification of the connection erp");
  } finally {
    await simulator.close();
  }
});
