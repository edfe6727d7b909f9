import { afterAll, beforeAll, expect, test } from "vitest";
import type { Difference } from "../domain/reconciliation.ts";
import { type TestDatabase, testDatabase } from "../test/support/database.ts";
import { type Database, openDatabase } from "./database.ts";
import { exceptionStore } from "./exception-store.ts";

let testing: TestDatabase;
let database: Database;

beforeAll(async () => {
  testing = await testDatabase();
  database = openDatabase(testing.url);
});
afterAll(async () => {
  await database.close();
  await testing.drop();
});

const difference = (company: string, ledger: string, subject: string): Difference => ({
  id: `${company}/10/${subject}`,
  company,
  cause: 10,
  certainty: "certain",
  subject,
  code: "changed-in-erp",
  kind: "difference",
  affected: 1,
  amount: undefined,
  evidence: {
    ledger,
    documents: [],
    postingKeys: [],
    erpIds: [],
    erpNumbers: [],
    deviations: [],
    proposals: [],
    also: [],
    message: "",
  },
});

test("a comparison closes what its own ledger had, and leaves other ledgers, companies and kinds alone", async () => {
  const store = exceptionStore(database);
  const [inMain, inOther, inNone] = [
    difference("demo", "main", "a"),
    difference("demo", "other", "b"),
    difference("demo", "", "c"),
  ];
  await store.settle("demo", "main", [inMain, inNone]);
  expect(await store.settle("demo", "other", [inOther, inNone])).toEqual({
    open: 2,
    opened: 1,
    reopened: 0,
    closed: 0,
  });
  await store.settle("second", "main", [difference("second", "main", "a")]);
  await database.pool.query(
    "INSERT INTO exceptions (exception_id, company, kind, code, subject) VALUES ('demo/record/x', 'demo', 'record', 'QUANTITY_ZERO', 'x')",
  );
  expect(await store.settle("demo", "main", [])).toEqual({ open: 0, opened: 0, reopened: 0, closed: 2 });
  expect((await store.listMismatches("demo")).map(({ id }) => id)).toEqual([inOther.id]);
  expect((await store.listOpen("demo")).map(({ id, kind }) => [id, kind])).toEqual([
    [inOther.id, "difference"],
    ["demo/record/x", "record"],
  ]);
  expect(await store.countOpen("second")).toBe(1);
  expect(await store.settle("demo", "main", [inMain])).toMatchObject({ opened: 0, reopened: 1 });
});
