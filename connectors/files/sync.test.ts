import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createSourceSyncActivities } from "../../activities/source-sync.ts";
import { type Database, openDatabase } from "../../db/database.ts";
import { createSourceStore } from "../../db/source-store.ts";
import { testDatabase } from "../../test/support/database.ts";
import { type DropFolder, dropFolder, HEADINGS } from "./testing.ts";

let database: Database;
let folder: DropFolder;
beforeAll(async () => {
  database = openDatabase((await testDatabase()).url);
});
afterAll(async () => database?.close());
beforeEach(() => {
  folder = dropFolder();
});
afterEach(() => folder.remove());

const IDENTITY = { company: "demo", source: "sheets" };
const FORM = { ...IDENTITY, form: "receipt" };
const sheet = (...lines: string[]): string => `${[HEADINGS, ...lines].join("\n")}\n`;

test("through the sync: sheets enter, corrections are revisions, re-reads conclude and cancel nothing", async () => {
  const source = folder.connect();
  const sync = createSourceSyncActivities({
    store: createSourceStore(database),
    sources: () => source,
    heartbeat: () => undefined,
  });
  const reread = async () => {
    await database.pool.query("UPDATE source_forms SET last_pass_at = NULL");
    expect(await sync.passIsDue({ ...FORM, intervalMs: 1 })).toBe(true);
    const read = await sync.rereadPage(FORM);
    const concluded = await sync.concludePass({ ...FORM, acceptDeletions: false });
    expect([read.stopped, concluded.stopped, concluded.cancelledRecords]).toEqual([undefined, undefined, 0]);
    return read;
  };
  await sync.beginSync(IDENTITY);
  folder.drop("a.csv", sheet("RK-1,2025-09-01,A,1,W1,10", "RK-2,2025-09-01,B,2,W1,20", "RK-3,2025-09-01,C,x,W1,30"));
  expect(await sync.pullPage({ ...FORM, fresh: true })).toMatchObject({
    newRecords: 2,
    movements: 2,
    problems: 1,
    last: true,
  });
  expect(await reread()).toMatchObject({ unchangedRecords: 3, changedRecords: 0 });

  folder.drop("a.csv", sheet("RK-1,2025-09-01,A,1,W1,10", "RK-2,2025-09-01,B,5,W1,20", "RK-3,2025-09-01,C,3,W1,30"));
  expect(await sync.pullPage({ ...FORM, fresh: true })).toMatchObject({
    changedRecords: 2,
    unchangedRecords: 1,
    problems: 0,
  });
  expect(await sync.pullPage({ ...FORM, fresh: true })).toMatchObject({
    newRecords: 0,
    changedRecords: 0,
    movements: 0,
  });
  expect(await reread()).toMatchObject({ unchangedRecords: 3, changedRecords: 0, movements: 0 });
  const { rows } = await database.pool.query("SELECT state, count(*)::int AS count FROM exceptions GROUP BY state");
  expect(rows).toEqual([{ state: "closed", count: 1 }]);
});
