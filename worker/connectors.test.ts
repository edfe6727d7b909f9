import { afterAll, beforeAll, expect, test } from "vitest";
import { type Company, receipt, settings, startCompany } from "../connectors/jiandaoyun/testing.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { Installation } from "../domain/installation.ts";
import { createLog } from "../observability/log.ts";
import { createMetrics } from "../observability/metrics.ts";
import { startMetricsServer } from "../observability/metrics-server.ts";
import { startKingdeeCloud } from "../simulators/kingdee-cloud/server.ts";
import { testDatabase } from "../test/support/database.ts";
import { openConnectors } from "./connectors.ts";

let company: Company;
let erp: Awaited<ReturnType<typeof startKingdeeCloud>>;
let database: Database;
beforeAll(async () => {
  [company, erp] = await Promise.all([startCompany(), startKingdeeCloud()]);
  database = openDatabase((await testDatabase()).url);
});
afterAll(async () => {
  await database?.close();
  await Promise.all([company?.close(), erp?.close()]);
});

test("records pulled and requests made are in the text of /metrics, by source and by connection and interface", async () => {
  const metrics = createMetrics();
  const connectors = openConnectors(installation(), database, environment(), createLog({ level: "silent" }), metrics);
  const server = await startMetricsServer({ port: 0, host: "127.0.0.1", registry: metrics.registry });
  try {
    await company.enter(receipt("A"));
    await company.enter(receipt("B"));
    const source = connectors.source("demo", "warehouse");
    const page = await source.readPage("receipt", "", 10);
    expect(page.records).toHaveLength(2);
    await source.readRecords("receipt", [page.records[0]?.recordId ?? ""]);
    await connectors.target("main").periods("001");
    const text = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
    expect(text).toContain('zhangshi_records_pulled_total{company="demo",source="warehouse"} 3');
    expect(text).toMatch(/zhangshi_request_seconds_count\{connection="jdy",lane="list"\} [1-9]/);
    expect(text).toMatch(/zhangshi_request_seconds_count\{connection="erp",lane="query"\} [1-9]/);
    expect(text).toMatch(/zhangshi_request_seconds_sum\{connection="erp",lane="query"\} 0\.\d*[1-9]/);
  } finally {
    await server.close();
    await connectors.close();
  }
});

const environment = (): Record<string, string> => ({
  API_KEY: company.credentials.apiKey,
  ...Object.fromEntries(Object.entries(erp.credentials).map(([name, value]) => [name, String(value)])),
});

const installation = (): Installation => {
  const { company: _company, source: _source, ...forms } = settings;
  return Installation.parse({
    connections: [
      { name: "jdy", vendor: "jiandaoyun", baseUrl: company.baseUrl, secrets: { apiKey: "env:API_KEY" } },
      {
        name: "erp",
        vendor: "kingdee-cloud",
        baseUrl: erp.baseUrl,
        settings: { books: { "001": "100" } },
        secrets: { acctId: "env:acctId", userName: "env:userName", appId: "env:appId", appSecret: "env:appSecret" },
      },
    ],
    companies: [{ code: "demo", name: "demo", standard: "CAS" }],
    sources: [{ code: "warehouse", company: "demo", connection: "jdy", settings: forms }],
    ledgers: [
      {
        code: "main",
        company: "demo",
        connection: "erp",
        book: "001",
        estimateStyle: "reverse-on-invoice",
        closedPeriod: "hold",
        averagingScope: "company",
      },
    ],
  });
};
