import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { openDatabase } from "../../db/database.ts";
import { benches } from "./registry.ts";

/*
 * One bench in a process of its own: prints its resident memory, in bytes, when it is set up and idle, and at its peak from
 * then on. What the set-up took, such as a month of movements made up for the purpose, is given back before.
 */
const [name = "", databaseUrl = ""] = process.argv.slice(2);
const IDLE_MS = 500;
const KILOBYTE = 1024;
/** Linux keeps the high-water mark of a process here; maxRSS begins with that of the process that forked this one. */
const STATUS = "/proc/self/status";
const CLEAR_REFS = "/proc/self/clear_refs";
const CLEAR_HIGH_WATER_MARK = "5";

const load = benches[name];
if (load === undefined) throw new Error(`There is no bench ${name}.`);
const bench = await load();
const database = openDatabase(databaseUrl);
let idle = 0;
const begin = async (): Promise<void> => {
  await sleep(IDLE_MS);
  globalThis.gc?.();
  await sleep(IDLE_MS);
  if (existsSync(CLEAR_REFS)) writeFileSync(CLEAR_REFS, CLEAR_HIGH_WATER_MARK);
  idle = process.memoryUsage().rss;
};
await bench({ database, databaseUrl, begin, say: () => undefined });
await database.close();
if (idle === 0) throw new Error(`The bench ${name} never said that it begins.`);
process.stdout.write(`${JSON.stringify({ idle, peak: peakBytes() })}\n`);

function peakBytes(): number {
  const own = existsSync(STATUS) ? /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(STATUS, "utf8"))?.[1] : undefined;
  return (own === undefined ? process.resourceUsage().maxRSS : Number(own)) * KILOBYTE;
}
