import { afterEach, beforeEach, expect, test } from "vitest";
import { type SapB1, startSapB1 } from "./server.ts";
import { type Client, logIn, receipt } from "./testing.ts";

let simulator: SapB1;
let client: Client;

beforeEach(async () => {
  simulator = await startSapB1({ http: true });
  client = await logIn(simulator);
});
afterEach(() => simulator.close());

const store = (code: string, sql: string) => client.post("SQLQueries", { SqlCode: code, SqlName: code, SqlText: sql });

test("a stored statement is run by GET and by POST with its parameters, in the database's columns and values", async () => {
  for (const key of ["a", "b"]) await client.post("JournalEntries", receipt(key));
  const made = await store("byRef", "select TransId, Ref1 as Reference, TransType from OJDT where Ref1 = :ref");
  expect(made.json).toMatchObject({ ParamList: "ref" });
  const rows = { value: [{ TransId: 2, Reference: "b", TransType: "30" }] };
  expect((await client.get("SQLQueries('byRef')/List?ref='b'")).json).toMatchObject(rows);
  expect((await client.post("SQLQueries('byRef')/List", { ParamList: "ref='b'" })).json).toMatchObject(rows);
  expect((await client.get("SQLQueries('byRef')/List")).json).toMatchObject({ error: { code: "704" } });
});

test("rows of entries are joined to their heads, compared as numbers, ordered and cut", async () => {
  for (const [key, amount] of [
    ["a", "9.5"],
    ["b", "10.25"],
    ["c", "100"],
  ] as const) {
    await client.post("JournalEntries", receipt(key, {}, amount));
  }
  await store(
    "lines",
    `SELECT TOP 5 T0."TransId", T1."Account", T1."Debit" FROM "OJDT" T0 INNER JOIN "JDT1" T1 ON T0."TransId" = T1."TransId" WHERE T1."Debit" > 9.9 AND T1."Account" LIKE '14%' ORDER BY T1."Debit" DESC`,
  );
  expect((await client.post("SQLQueries('lines')/List", {})).json).toMatchObject({
    value: [
      { TransId: 3, Account: "1405", Debit: 100 },
      { TransId: 2, Account: "1405", Debit: 10.25 },
    ],
  });
  await store("open", "select Code, PeriodStat from OFPR where PeriodStat = 'Y' order by Code desc");
  expect((await client.get("SQLQueries('open')/List")).json).toMatchObject({
    value: [{ Code: "2024-12", PeriodStat: "Y" }, ...Array(11).fill({})],
  });
});

test("tables, columns and statements outside the vendor's list are refused with its codes", async () => {
  for (const [code, sql] of [
    ["701", "update OJDT set Memo = 'x'"],
    ["702", "select AcctCode from OACT"],
    ["702", "select x from NOPE"],
  ] as const) {
    expect((await store("q", sql)).json).toMatchObject({ error: { code } });
  }
  await client.post("JournalEntries", receipt("a"));
  await store("column", "select Nope from OJDT");
  expect((await client.get("SQLQueries('column')/List")).json).toMatchObject({
    error: { code: "703", message: "Column 'Nope' from table 'OJDT' not accessible" },
  });
});
