import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { CheckStage, StockSource } from "../contract.ts";
import { vendorCodes } from "./errors.ts";
import { ratesOf, VENDOR_RATES } from "./settings.ts";
import { type Company, receipt, receiptForm, RECEIPTS, settings, startCompany } from "./testing.ts";
import { apiRootOf } from "./vendor-api.ts";

let company: Company;
beforeEach(async () => {
  company = await startCompany();
});
afterEach(async () => company.close());

const stagesOf = async (source: StockSource): Promise<readonly CheckStage[]> => {
  const stages: CheckStage[] = [];
  for await (const stage of source.check()) stages.push(stage);
  return stages;
};
const brief = (stages: readonly CheckStage[]): readonly string[] =>
  stages.map(
    ({ stage, subject, state }) => `${stage} ${["rights", "key-field"].includes(stage) ? subject : ""} ${state}`,
  );

test("a good connection passes every stage", async () => {
  await company.enter(receipt("A"));
  const source = company.connect({ forms: { receipt: receiptForm } }, { now: () => new Date() });
  expect(brief(await stagesOf(source))).toEqual([
    "address  ok",
    "port  ok",
    "tls  skipped",
    "login  ok",
    "clock  ok",
    "rights receipt ok",
    "key-field receipt ok",
    "master-data  skipped",
    "limits  ok",
  ]);
});

test("a wrong key stops at the log-in with a sentence, a next step and no secret", async () => {
  const stages = await stagesOf(company.connect({}, { secrets: { apiKey: "wrong-key-123456" } }));
  const last = stages.at(-1);
  expect(last).toMatchObject({ stage: "login", state: "failed", message: vendorCodes["17018"]?.what });
  expect(last?.nextStep?.zh).toContain("密钥管理");
  expect(JSON.stringify(stages)).not.toContain("wrong-key-123456");
});

test("a key without the interface, a missing form and a missing field fail for their form alone", async () => {
  await company.enter(receipt("A"));
  const forms = {
    absent: { ...receiptForm, entryId: "66b1f0a2c3d4e5f6000002ff" },
    renamed: { ...receiptForm, fields: { ...receiptForm.fields, warehouse: "no_such_field" } },
    receipt: receiptForm,
  };
  const stages = await stagesOf(company.connect({ forms }));
  expect(brief(stages)).toEqual(
    expect.arrayContaining([
      "rights absent failed",
      "rights renamed ok",
      "key-field renamed failed",
      "key-field receipt ok",
    ]),
  );
  expect(stages.find((stage) => stage.subject === "renamed" && stage.state === "failed")?.raw).toContain(
    "no_such_field",
  );
});

test("fields that cannot hold what is looked for there are doubted", async () => {
  await company.enter(receipt("A"));
  const form = { ...receiptForm, fields: { ...receiptForm.fields, warehouse: "biz_date" } };
  const stages = await stagesOf(company.connect({ forms: { receipt: form } }));
  expect(stages.find((stage) => stage.stage === "key-field")).toMatchObject({ state: "warning" });
  expect(stages.find((stage) => stage.stage === "key-field")?.message.en).toContain("biz_date (datetime)");
});

test("a clock that is off is told, because pushes would count as too old", async () => {
  const stages = await stagesOf(company.connect({}, { now: () => new Date(Date.now() + 3_600_000) }));
  expect(stages.find((stage) => stage.stage === "clock")).toMatchObject({ state: "warning" });
});

test("nothing at the port ends the check there", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const { port }: Pick<AddressInfo, "port"> = address === null || typeof address === "string" ? { port: 0 } : address;
  await new Promise((resolve) => server.close(resolve));
  const stages = await stagesOf(company.connect({}, { baseUrl: `http://127.0.0.1:${port}` }));
  expect(stages.at(-1)).toMatchObject({ stage: "port", state: "failed" });
});

test("the address may come with or without the API's path", () => {
  for (const base of ["https://a.example", "https://a.example/", "https://a.example/api", "https://a.example/api/v5/"])
    expect(apiRootOf(base)).toBe("https://a.example/api/");
});

test("we ask for less than the vendor allows, and with that rate nothing is refused", async () => {
  const rates = ratesOf(settings);
  expect(rates.all).toBeLessThan(VENDOR_RATES.all);
  expect(rates.list).toBeLessThan(VENDOR_RATES.list);
  await company.close();
  company = await startCompany("vendor");
  await company.person("records/import", {
    entry_id: RECEIPTS,
    rows: Array.from({ length: 3_000 }, (_, index) => receipt(`RK-${index}`)),
  });
  // 31 calls and more in well under a second: the vendor refuses some, and the reading goes on.
  const patient = company.connect({ retryWaitMs: 1_000 });
  let records = 0;
  for (let page = 0, cursor = ""; page < 10; page += 1) {
    const read = await patient.readPage("receipt", cursor, 1_000);
    records += read.records.length;
    cursor = read.cursor;
    if (read.last) break;
  }
  expect(records).toBe(3_000);
});
