import pg from "pg";
import { z } from "zod";
import { fromTestServers } from "./servers.ts";

export interface TestDatabase {
  /** Connection string, as a superuser who may also create databases. */
  readonly url: string;
  /** Removes the database at once, connections and all. Without it the database goes when the run ends. */
  drop(): Promise<void>;
}

const Answer = z.object({ url: z.string() });

/**
 * A PostgreSQL database of its own for one test file: a copy of the migrated template (about 0.15 s), or an empty one.
 * Ask once in `beforeAll`; the first file to ask waits about two seconds for the cluster.
 */
export async function testDatabase(content: "migrated" | "empty" = "migrated"): Promise<TestDatabase> {
  const { url } = await fromTestServers(content === "migrated" ? "/database" : "/empty-database", Answer);
  return { url, drop: () => dropDatabase(url) };
}

async function dropDatabase(url: string): Promise<void> {
  const administration = new URL(url);
  const name = administration.pathname.slice(1);
  administration.pathname = "/postgres";
  const client = new pg.Client({ connectionString: administration.href });
  await client.connect();
  try {
    await client.query(`drop database if exists ${name} with (force)`);
  } finally {
    await client.end();
  }
}
