#!/usr/bin/env node
// Brings the database of ZHANGSHI_DATABASE_URL to the newest schema and, where TEMPORAL_ADDRESS is set, names our search
// attributes to Temporal. Production runs this once before the workers start; doing it again changes nothing.
import { existsSync } from "node:fs";
import process from "node:process";

const fromSources = existsSync(new URL("../db/migrate.ts", import.meta.url));
if (fromSources) {
  const { register } = await import("tsx/esm/api");
  register();
}
const load = (module) =>
  import(new URL(fromSources ? `../${module}.ts` : `../dist/${module}.js`, import.meta.url).href);

const { readEnvironment } = await load("config/environment");
const { databaseUrl, temporalAddress, temporalNamespace } = readEnvironment(process.env);
if (databaseUrl === undefined) {
  process.stderr.write("ZHANGSHI_DATABASE_URL is not set: there is no database to migrate.\n");
  process.exit(1);
}
const { migrateToLatest } = await load("db/migrate");
await migrateToLatest(databaseUrl);
process.stdout.write("The database has the newest schema.\n");
if (temporalAddress !== undefined) {
  const { ensureSearchAttributes } = await load("embedded/temporal");
  await ensureSearchAttributes(temporalAddress, temporalNamespace);
  process.stdout.write("Temporal knows our search attributes.\n");
}
