import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { randomBytes } from "node:crypto";
import pg from "pg";
import { migrateToLatest } from "./migrate.ts";

/*
 * The schema as text, read from the catalogue instead of pg_dump, so that every PostgreSQL from 15 on prints the same.
 * `npx tsx db/schema-dump.ts --write` rewrites db/schema.txt with the server of ZHANGSHI_DATABASE_URL (a database that is
 * created for it and removed again).
 */

const file = fileURLToPath(new URL("./schema.txt", import.meta.url));

/** @returns the committed dump */
export const committedSchema = (): string => readFileSync(file, "utf8");

// Month partitions repeat their parent and depend on the day; the migrator's own tables are not ours.
const OURS = `n.nspname = 'public' AND NOT c.relispartition AND c.relname NOT LIKE 'kysely%'`;

const TABLES = `
  SELECT c.oid, c.relname AS name, obj_description(c.oid, 'pg_class') AS comment,
    CASE WHEN c.relkind = 'p' THEN ' PARTITION BY ' || pg_get_partkeydef(c.oid) ELSE '' END AS partition
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND ${OURS} ORDER BY c.relname COLLATE "C"`;

const LINES = `
  SELECT c.oid, 1 AS part, a.attname AS name,
    '  ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
      || CASE WHEN a.attcollation <> 0 AND a.attcollation <> t.typcollation THEN ' COLLATE "' || l.collname || '"' ELSE '' END
      || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
      || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
      || coalesce('  -- ' || col_description(c.oid, a.attnum), '') AS line
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE c.relkind IN ('r', 'p') AND ${OURS}
  UNION ALL
  -- From PostgreSQL 18 on NOT NULL is a constraint as well (type n); the column says it already.
  SELECT c.oid, 2, k.conname, '  CONSTRAINT ' || k.conname || ' ' || pg_get_constraintdef(k.oid)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_constraint k ON k.conrelid = c.oid
  WHERE c.relkind IN ('r', 'p') AND k.contype IN ('p', 'u', 'c', 'f', 'x') AND ${OURS}
  UNION ALL
  SELECT c.oid, 3, x.relname, '  ' || pg_get_indexdef(x.oid)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid
  WHERE c.relkind IN ('r', 'p') AND ${OURS} AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.oid AND k.contype IN ('p', 'u', 'x') )
  UNION ALL
  SELECT c.oid, 4, g.tgname, '  ' || pg_get_triggerdef(g.oid)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_trigger g ON g.tgrelid = c.oid
  WHERE c.relkind IN ('r', 'p') AND NOT g.tgisinternal AND ${OURS}`;

const FUNCTIONS = `
  SELECT p.proname || '(' || pg_get_function_arguments(p.oid) || ') RETURNS ' || pg_get_function_result(p.oid)
      || ' LANGUAGE ' || l.lanname || ' ' || CASE p.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END AS head,
    coalesce(p.prosrc, '') AS body
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
  WHERE n.nspname = 'public' ORDER BY p.proname COLLATE "C", pg_get_function_arguments(p.oid) COLLATE "C"`;

const OTHERS = `
  SELECT 'SEQUENCE ' || sequencename || ' AS ' || data_type::text AS line
  FROM pg_sequences WHERE schemaname = 'public' ORDER BY sequencename COLLATE "C"`;

const VIEWS = `
  SELECT 'VIEW ' || viewname AS line, definition AS body FROM pg_views WHERE schemaname = 'public' ORDER BY viewname COLLATE "C"`;

/** @returns the schema of a migrated database, the same text for the same schema */
export async function dumpSchema(connectionString: string): Promise<string> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{
      oid: number;
      name: string;
      comment: string | null;
      partition: string;
    }>(TABLES);
    const { rows: lines } = await client.query<{ oid: number; line: string }>(
      `SELECT oid, line FROM (${LINES}) AS l ORDER BY part, name COLLATE "C"`,
    );
    const { rows: functions } = await client.query<{ head: string; body: string }>(FUNCTIONS);
    const { rows: sequences } = await client.query<{ line: string }>(OTHERS);
    const { rows: views } = await client.query<{ line: string; body: string }>(VIEWS);
    const sections = [
      ...tables.map(({ oid, name, comment, partition }) =>
        [
          `TABLE ${name}${partition}${comment === null ? "" : `  -- ${comment}`}`,
          ...lines.filter((line) => line.oid === oid).map(({ line }) => line),
        ].join("\n"),
      ),
      ...sequences.map(({ line }) => line),
      ...views.map(({ line, body }) => `${line}\n${body.trim()}`),
      ...functions.map(({ head, body }) => `FUNCTION ${head}\n${body.replaceAll("\r", "").trimEnd()}`),
    ];
    return `${sections.join("\n\n")}\n`;
  } finally {
    await client.end();
  }
}

async function write(serverUrl: string): Promise<void> {
  const name = `zhangshi_schema_${randomBytes(4).toString("hex")}`;
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const administration = new pg.Client({ connectionString: serverUrl });
  await administration.connect();
  try {
    await administration.query(`CREATE DATABASE ${name} TEMPLATE template0`);
    await migrateToLatest(url.href);
    writeFileSync(file, await dumpSchema(url.href));
  } finally {
    await administration.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await administration.end();
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const server = process.env["ZHANGSHI_DATABASE_URL"];
  if (!process.argv.includes("--write") || server === undefined) {
    process.stderr.write("Usage: ZHANGSHI_DATABASE_URL=… npx tsx db/schema-dump.ts --write\n");
    process.exit(2);
  }
  await write(server);
  process.stdout.write(`${file}\n`);
}
