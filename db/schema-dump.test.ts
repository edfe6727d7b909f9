import pg from "pg";
import { expect, test } from "vitest";
import { testDatabase } from "../test/support/database.ts";
import { committedSchema, dumpSchema } from "./schema-dump.ts";

test("the committed schema is what the migrations make", async () => {
  const { url } = await testDatabase();
  expect(await dumpSchema(url), "rewrite it: npx tsx db/schema-dump.ts --write").toBe(committedSchema());
});

test("a column, an index or a constraint more is seen, a further month partition is not", async () => {
  const { url } = await testDatabase();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const before = await dumpSchema(url);
    await client.query("SELECT zs_ensure_partitions('2031-01-01', 1)");
    expect(await dumpSchema(url)).toBe(before);
    for (const change of [
      "ALTER TABLE items ADD COLUMN colour text",
      "CREATE INDEX more ON items (name)",
      "ALTER TABLE items ADD CONSTRAINT named CHECK (name <> '')",
      "DROP TRIGGER movements_append_only ON movements",
    ]) {
      const earlier = await dumpSchema(url);
      await client.query(change);
      expect(await dumpSchema(url), change).not.toBe(earlier);
    }
  } finally {
    await client.end();
  }
});
