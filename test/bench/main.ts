import { openDatabase } from "../../db/database.ts";
import { startPostgres } from "../../embedded/postgres.ts";
import type { Limit } from "./bench.ts";
import { inOwnDatabase } from "./own-database.ts";
import { benches } from "./registry.ts";

/*
 * npm run bench -- [name…] [--json]
 * Measures pairs in one run on a throw-away PostgreSQL and prints their ratios; ends with 1 when a limit does not hold.
 */
const words = process.argv.slice(2);
const json = words.includes("--json");
const named = words.filter((word) => !word.startsWith("--"));
const unknown = [
  ...named.filter((name) => !(name in benches)),
  ...words.filter((word) => word.startsWith("--") && word !== "--json"),
];
if (unknown.length > 0) {
  process.stderr.write(`Unknown: ${unknown.join(", ")}. Benches: ${Object.keys(benches).join(", ")}; option: --json\n`);
  process.exit(2);
}
const wanted = named.length > 0 ? named : Object.keys(benches);
const limits = await measure(wanted);
process.stdout.write(table(limits));
if (json) {
  const [only] = wanted;
  process.stdout.write(`${JSON.stringify({ name: wanted.length === 1 ? only : "all", limits })}\n`);
}
process.exitCode = limits.every(({ holds }) => holds) ? 0 : 1;

async function measure(names: readonly string[]): Promise<readonly Limit[]> {
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const postgres = await startPostgres({
    throwAway: true,
    environment: { ...process.env, ZHANGSHI_DATABASE_URL: process.env["ZHANGSHI_TEST_DATABASE_URL"] },
    progress: say,
  });
  try {
    const limits: Limit[] = [];
    for (const name of names) limits.push(...(await runBench(name, postgres.url, say)));
    return limits;
  } finally {
    await postgres.stop();
  }
}

function runBench(name: string, serverUrl: string, say: (line: string) => void): Promise<readonly Limit[]> {
  const load = benches[name];
  if (load === undefined) throw new Error(`There is no bench ${name}.`);
  return inOwnDatabase(serverUrl, name, async (databaseUrl) => {
    const database = openDatabase(databaseUrl);
    try {
      const bench = await load();
      return await bench({
        database,
        databaseUrl,
        begin: async () => undefined,
        say: (line) => say(`[${name}] ${line}`),
      });
    } finally {
      await database.close();
    }
  });
}

function table(rows: readonly Limit[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length), 5);
  const lines = rows.map(
    ({ name, ratio, limit, holds }) =>
      `${name.padEnd(width)}  ${ratio.toFixed(3).padStart(9)}  ${String(limit).padStart(7)}  ${holds ? "holds" : "BROKEN"}`,
  );
  return `${["bench".padEnd(width), "    ratio", "  limit"].join("  ")}\n${lines.join("\n")}\n`;
}
