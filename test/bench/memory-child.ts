import { setTimeout as sleep } from "node:timers/promises";
import { openDatabase } from "../../db/database.ts";
import { benches } from "./registry.ts";

/* One bench in a process of its own, after a while of doing nothing: prints resident memory idle and at its peak, in bytes. */
const [name = "", databaseUrl = ""] = process.argv.slice(2);
const IDLE_MS = 500;
const KILOBYTE = 1024;

const load = benches[name];
if (load === undefined) throw new Error(`There is no bench ${name}.`);
const bench = await load();
const database = openDatabase(databaseUrl);
await database.pool.query("SELECT 1");
await sleep(IDLE_MS);
const idle = process.memoryUsage().rss;
await bench({ database, databaseUrl, say: () => undefined });
await database.close();
process.stdout.write(`${JSON.stringify({ idle, peak: process.resourceUsage().maxRSS * KILOBYTE })}\n`);
