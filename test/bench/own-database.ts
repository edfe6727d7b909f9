import pg from "pg";
import { migrateToLatest } from "../../db/migrate.ts";

/** Runs `work` on a migrated database of its own, so that one bench's rows do not slow another down. */
export async function inOwnDatabase<Result>(
  serverUrl: string,
  name: string,
  work: (databaseUrl: string) => Promise<Result>,
): Promise<Result> {
  const databaseName = `zhangshi_bench_${process.pid}_${name.replaceAll("-", "_")}`;
  await administer(serverUrl, `CREATE DATABASE ${databaseName} TEMPLATE template0`);
  try {
    const url = new URL(serverUrl);
    url.pathname = `/${databaseName}`;
    await migrateToLatest(url.href);
    return await work(url.href);
  } finally {
    await administer(serverUrl, `DROP DATABASE IF EXISTS ${databaseName} WITH (FORCE)`);
  }
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
