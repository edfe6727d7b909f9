import { type Kysely, type Migration, Migrator } from "kysely";
import * as foundation from "./migrations/0001-foundation.ts";
import * as sources from "./migrations/0002-sources.ts";
import * as postings from "./migrations/0003-postings.ts";
import * as exceptions from "./migrations/0004-exceptions.ts";
import * as sourceOverlap from "./migrations/0005-source-overlap.ts";
import * as reconciliation from "./migrations/0006-reconciliation.ts";
import * as waysOut from "./migrations/0007-ways-out.ts";
import * as costEntries from "./migrations/0008-cost-entries.ts";
import * as balanceByChange from "./migrations/0009-balance-by-change.ts";
import * as orderCosts from "./migrations/0010-order-costs.ts";
import * as leanDrafting from "./migrations/0011-lean-drafting.ts";
import { openDatabase } from "./database.ts";

const migrations: Record<string, Migration> = {
  "0001-foundation": foundation,
  "0002-sources": sources,
  "0003-postings": postings,
  "0004-exceptions": exceptions,
  "0005-source-overlap": sourceOverlap,
  "0006-reconciliation": reconciliation,
  "0007-ways-out": waysOut,
  "0008-cost-entries": costEntries,
  "0009-balance-by-change": balanceByChange,
  "0010-order-costs": orderCosts,
  "0011-lean-drafting": leanDrafting,
};

/** Brings the database to the newest schema; several processes at once are fine. @throws the failed migration's error */
export async function migrateToLatest(connectionString: string): Promise<readonly string[]> {
  const { kysely, close } = openDatabase(connectionString);
  try {
    return await migrate(kysely as unknown as Kysely<unknown>);
  } finally {
    await close();
  }
}

async function migrate(db: Kysely<unknown>): Promise<readonly string[]> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { error, results } = await migrator.migrateToLatest();
  if (error !== undefined) throw error instanceof Error ? error : new Error("a migration failed", { cause: error });
  return (results ?? []).map(({ migrationName }) => migrationName);
}

/** Names of migrations the database has not run yet. */
export async function pendingMigrations(connectionString: string): Promise<readonly string[]> {
  const { kysely, close } = openDatabase(connectionString);
  try {
    const migrator = new Migrator({ db: kysely, provider: { getMigrations: async () => migrations } });
    return (await migrator.getMigrations())
      .filter(({ executedAt }) => executedAt === undefined)
      .map(({ name }) => name);
  } finally {
    await close();
  }
}

/** Whether not one migration has run: the database is new, and bringing it up changes nothing that anybody relies on. */
export const isUnmigrated = (pending: readonly string[]): boolean => pending.length === Object.keys(migrations).length;
