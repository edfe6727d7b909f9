import pg from "pg";
import { expect, test } from "vitest";
import { testDatabase } from "./database.ts";

test("two test files get two databases that know nothing of each other", async () => {
  const [one, other] = await Promise.all([testDatabase("empty"), testDatabase("empty")]);
  expect(one.url).not.toBe(other.url);
  await using(one.url, (client) => client.query("create table seen (id int)"));
  const seen = await using(other.url, (client) => client.query("select to_regclass('seen') as found"));
  expect(seen.rows).toEqual([{ found: null }]);
  await Promise.all([one.drop(), other.drop()]);
});

async function using<Result>(url: string, run: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await run(client);
  } finally {
    await client.end();
  }
}
