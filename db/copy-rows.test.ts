import fc from "fast-check";
import { expect, test } from "vitest";
import { testDatabase } from "../test/support/database.ts";
import { CopyRows } from "./copy-rows.ts";
import { openDatabase } from "./database.ts";

test("whatever text goes in, the database holds it; NUL and halves of pairs become the replacement character", async () => {
  const { url } = await testDatabase();
  const database = openDatabase(url);
  const client = await database.pool.connect();
  try {
    await client.query("CREATE TEMP TABLE texts (place integer, value text, other text)");
    const anything = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({
        unit: fc.constantFrom("\\", "\t", "\n", "\r", "\0", "N", "库", "é", "😀", "\ud83d", "\ude00", "\v"),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(anything, fc.option(anything, { nil: undefined }))), async (pairs) => {
        const rows = new CopyRows();
        for (const [place, [value, other]] of pairs.entries()) rows.integer(place).text(value).optional(other).endRow();
        await client.query("TRUNCATE texts");
        await rows.copyInto(client, "texts", ["place", "value", "other"]);
        const held = await client.query("SELECT value, other FROM texts ORDER BY place");
        expect(held.rows).toEqual(
          pairs.map(([value, other]) => ({
            value: storable(value),
            other: other === undefined ? null : storable(other),
          })),
        );
      }),
      { numRuns: 200 },
    );
  } finally {
    client.release();
    await database.close();
  }
});

test("rows beyond the first piece of memory arrive whole", async () => {
  const rows = new CopyRows();
  const long = "货".repeat(1_000);
  for (let row = 0; row < 500; row += 1) rows.integer(row).text(long).endRow();
  const lines = rows.since(0).toString().trimEnd().split("\n");
  expect(lines).toHaveLength(500);
  expect(lines[499]).toBe(`499\t${long}`);
});

const storable = (text: string): string => Buffer.from(text).toString().replaceAll("\0", "\uFFFD");
