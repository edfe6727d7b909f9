import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import type { Tables } from "./tables.ts";

const DATE_OID = 1082;
const POOL_MAX = 10;
const CONNECT_TIMEOUT_MS = 10_000;

/** A date has no zone: as a JavaScript Date it would move to another day. numeric and bigint are text in pg already. */
export const databaseTypes = (): pg.TypeOverrides => {
  const types = new pg.TypeOverrides();
  types.setTypeParser(DATE_OID, (text: string) => text);
  return types;
};

/** Access to the database: Kysely for queries, the pool for COPY and for statements that want plain SQL. */
export interface Database {
  readonly kysely: Kysely<Tables>;
  readonly pool: pg.Pool;
  readonly close: () => Promise<void>;
}

export const openDatabase = (connectionString: string, poolMax = POOL_MAX): Database => {
  const pool = new pg.Pool({
    connectionString,
    max: poolMax,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    types: databaseTypes(),
  });
  // An idle connection that dies (server restart) must not end the process; the next query reports it.
  pool.on("error", () => undefined);
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  const close = async (): Promise<void> => {
    await kysely.destroy();
    // Kysely ends the pool only if a query of its own went through it; an open one keeps the process for ten seconds.
    if (!pool.ended) await pool.end();
  };
  return { kysely, pool, close };
};

/** Runs `work` in one transaction on one connection. */
export const inTransaction = async <T>(database: Database, work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
  const client = await database.pool.connect();
  let broken: Error | undefined;
  // The server may go away between two statements: the next one reports it, the process does not end.
  const lost = (error: Error): void => {
    broken = error;
  };
  client.on("error", lost);
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK").catch((failure: Error) => (broken = failure));
    throw error;
  } finally {
    client.off("error", lost);
    client.release(broken);
  }
};
