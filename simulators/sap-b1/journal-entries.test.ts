import { afterEach, expect, test } from "vitest";
import { type SapB1, type SapB1Options, startSapB1 } from "./server.ts";
import { type Client, logIn, receipt } from "./testing.ts";

let simulator: SapB1 | undefined;

async function start(options: SapB1Options = {}, root: "v1" | "v2" = "v2"): Promise<Client> {
  simulator = await startSapB1({ http: true, ...options });
  return logIn(simulator, root);
}

afterEach(async () => {
  await simulator?.close();
  simulator = undefined;
});

const message = (text: string, code = "-5002"): object => ({
  error: { code, message: expect.stringContaining(text) },
});

test("a journal entry is posted, answered in full with its key and number, and read back the same", async () => {
  const client = await start();
  const posted = await client.post("JournalEntries", receipt("R-1"));
  expect(posted.status).toBe(201);
  expect(posted.headers["location"]).toMatch(/\/b1s\/v2\/JournalEntries\(1\)$/);
  expect(posted.json).toMatchObject({
    "@odata.context": expect.stringMatching(/\/b1s\/v2\/\$metadata#JournalEntries\/\$entity$/),
    JdtNum: 1,
    Number: 1,
    ReferenceDate: "2025-01-31T00:00:00Z",
    OriginalJournal: "ttJournalEntry",
    Original: 1,
    JournalEntryLines: [
      { Line_ID: 0, AccountCode: "1405", ShortName: "1405", ContraAccount: "2202.02", Debit: 128.5, Reference1: "R-1" },
      { Line_ID: 1, AccountCode: "2202.02", Credit: 128.5, DueDate: "2025-01-31T00:00:00Z" },
    ],
  });
  const read = await client.get("JournalEntries(1)");
  expect(read.json).toEqual(posted.json);
});

test("v1 answers in its own spelling: plain dates, odata.metadata, errors with a number and a language", async () => {
  const client = await start({}, "v1");
  const posted = await client.post("JournalEntries", receipt("R-1"));
  expect(posted.headers["dataserviceversion"]).toBe("3.0");
  expect(posted.json).toMatchObject({
    "odata.metadata": expect.stringMatching(/\/b1s\/v1\/\$metadata#JournalEntries\/@Element$/),
    ReferenceDate: "2025-01-31",
  });
  const missing = await client.get("JournalEntries(99)");
  expect(missing.status).toBe(404);
  expect(missing.json).toEqual({
    error: { code: -2028, message: { lang: "en-us", value: "No matching records found (ODBC -2028)" } },
  });
});

test("bodies are pretty-printed as the vendor does, so that a search for code : -1116 finds it", async () => {
  const client = await start();
  const missing = await client.get("JournalEntries(99)");
  expect(Buffer.byteLength(missing.text)).toBe(210);
  expect(missing.text).toContain('      "code" : "-2028",\n');
});

test("the books refuse what the vendor refuses", async () => {
  const client = await start({ company: { ...DEMO, accounts: [{ code: "6602", distributionRuleRelevant: true }] } });
  const lines = (debit: object, credit: object): Record<string, unknown> => ({ JournalEntryLines: [debit, credit] });
  const good = { AccountCode: "2202.02", Credit: "10" };
  const cases: [what: object, expected: object, status?: number][] = [
    [
      receipt("k", lines({ AccountCode: "1405", Debit: "10" }, { ...good, Credit: "9.99" })),
      message("Unbalanced Transaction"),
    ],
    [
      receipt("k", lines({ AccountCode: "9999", Debit: "10" }, good)),
      message("Enter valid code  [JDT1.Account][line: 1]"),
    ],
    [receipt("k", lines({ AccountCode: "2202", Debit: "10" }, good)), message("title account")],
    [receipt("k", lines({ AccountCode: "1122", Debit: "10" }, good)), message("needs a business partner")],
    [receipt("k", lines({ AccountCode: "6602", Debit: "10" }, good)), message("Specify distribution rule")],
    [
      receipt("k", lines({ ShortName: "V9", Debit: "10" }, good)),
      message("Invalid BP code [JDT1.ShortName][line: 1] , 'V9'"),
    ],
    [
      receipt("k", { ReferenceDate: "2024-12-31" }),
      message("Posting period locked; specify an alternative date", "-4013"),
    ],
    [
      receipt("k", { ReferenceDate: "2035-01-31" }),
      message("Date deviates from permissible range  [OJDT.RefDate]", "-10"),
    ],
    [receipt("k", { DueDate: "2030-01-01" }), message("Date deviates from permissible range  [OJDT.DueDate]", "-10")],
    [receipt("k", { ProjectCode: "nope" }), message("[OJDT.Project] , No matching", "-2028"), 404],
    [receipt("k", { Memo: "x".repeat(51) }), message("Value too long in property 'Memo' of 'JournalEntry'", "-1000")],
    [receipt("k", { U_ExtRef: "x" }), message("Property 'U_ExtRef' of 'JournalEntry' is invalid", "-1000")],
    [
      receipt("k", { UseAutoStorno: "maybe" }),
      message("'maybe' is not a valid value for property 'UseAutoStorno'", "-1004"),
    ],
    [receipt("k", { JournalEntryLines: [] }), message("no rows")],
  ];
  for (const [body, expected, status = 400] of cases) {
    const refused = await client.post("JournalEntries", body);
    expect(refused.json).toMatchObject(expected);
    expect(refused.status).toBe(status);
  }
  expect((await client.get("JournalEntries/$count")).text).toBe("0");
});

test("a partner's line is posted to his control account, and his balance follows", async () => {
  const client = await start();
  const body = receipt("k", {
    JournalEntryLines: [
      { AccountCode: "1405", Debit: "10.01" },
      { ShortName: "VEN001", Credit: 10.01 },
    ],
  });
  expect((await client.post("JournalEntries", body)).json).toMatchObject({
    JournalEntryLines: [{}, { AccountCode: "2202.01", ShortName: "VEN001" }],
  });
  const partner = await client.get("BusinessPartners('VEN001')?$select=CurrentAccountBalance");
  expect(partner.json).toMatchObject({ CurrentAccountBalance: -10.01 });
  const account = await client.get("ChartOfAccounts('2202')?$select=Code,Balance");
  expect(account.json).toMatchObject({ Code: "2202", Balance: -10.01 });
});

test("memo and references may change after posting; amounts, accounts and the posting date may not", async () => {
  const client = await start();
  await client.post("JournalEntries", receipt("R-1"));
  const patch = (body: object): Promise<{ status: number; json: unknown }> =>
    client.call("JournalEntries(1)", { method: "PATCH", body });
  expect((await patch({ Memo: "changed", Reference2: "x", JdtNum: 77 })).status).toBe(204);
  for (const body of [
    { ReferenceDate: "2025-02-01" },
    { JournalEntryLines: [{ Line_ID: 0, Debit: "1" }] },
    { JournalEntryLines: [{ Line_ID: 1, AccountCode: "1002" }] },
    { JournalEntryLines: [{ Line_ID: 5, AccountCode: "1002" }] },
  ]) {
    expect((await patch(body)).json).toMatchObject({ error: { code: "-1029" } });
  }
  expect((await patch({ JournalEntryLines: [{ Line_ID: 1, LineMemo: "other" }] })).status).toBe(204);
  expect((await client.get("JournalEntries(1)")).json).toMatchObject({
    JdtNum: 1,
    Memo: "changed",
    JournalEntryLines: [{ LineMemo: "入库", Debit: 128.5 }, { LineMemo: "other" }],
  });
  expect((await client.call("JournalEntries(1)", { method: "DELETE" })).json).toMatchObject({
    error: { code: "-5006" },
  });
});

test("cancel posts the opposite entry once, and leaves the original as it was", async () => {
  const client = await start();
  await client.post("JournalEntries", receipt("R-1"));
  const cancelled = await client.post("JournalEntries(1)/Cancel", {});
  expect(cancelled).toMatchObject({ status: 204, text: "" });
  expect((await client.get("JournalEntries(2)")).json).toMatchObject({
    Reference: "R-1",
    Memo: "暂估入库 R-1 (Reversal)",
    JournalEntryLines: [{ AccountCode: "1405", Credit: 128.5, Debit: 0 }, { Debit: 128.5 }],
  });
  expect((await client.get("ChartOfAccounts('1405')?$select=Balance")).json).toMatchObject({ Balance: 0 });
  expect((await client.post("JournalEntries(1)/Cancel", {})).status).toBe(400);
  expect((await client.post("JournalEntries(2)/Cancel", {})).status).toBe(400);
});

test("numbers beyond 15 digits survive, as text and as JSON numbers, to six decimals", async () => {
  const client = await start();
  const big = "123456789012345678.91";
  const body = JSON.stringify(receipt("k", {}, big)).replace(`"Debit":"${big}"`, `"Debit":${big}`);
  const posted = await client.post("JournalEntries", body);
  expect(posted.text).toContain(`"Debit" : ${big}`);
  expect(posted.text).toContain(`"Credit" : ${big}`);
});

test("foreign currency needs a rate for the day, and is converted by it", async () => {
  const client = await start();
  const lines = [
    { AccountCode: "1002", FCDebit: "100", FCCurrency: "USD" },
    { AccountCode: "1012", FCCredit: "100", FCCurrency: "USD" },
  ];
  const refused = await client.post("JournalEntries", receipt("k", { JournalEntryLines: lines }));
  expect(refused.json).toMatchObject({ error: { code: "-4006", message: "Update the exchange rate  , 'USD'" } });
  await client.person("rate", { currency: "USD", date: "2025-01-31", rate: "7.1234" });
  const posted = await client.post("JournalEntries", receipt("k", { JournalEntryLines: lines }));
  expect(posted.json).toMatchObject({ JournalEntryLines: [{ Debit: 712.34, FCDebit: 100 }, { Credit: 712.34 }] });
});

test("Chinese, quotes, markup and four-byte characters come back as they went", async () => {
  const client = await start();
  const memo = `"引号"' <&> 𠮷😀 HTTP/1.1`;
  await client.post("JournalEntries", receipt("k", { Memo: memo }));
  expect((await client.get("JournalEntries(1)")).json).toMatchObject({ Memo: memo });
});

const DEMO = { suppliers: [{ code: "VEN001", name: "示例供应商" }] };
