import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import { type Bench, type Limit, atMost } from "./bench.ts";
import { inOwnDatabase } from "./own-database.ts";

const MEASURED = ["ingest", "value-and-draft", "posting", "temporal"] as const;
const MEGABYTE = 1_000_000;
const BYTES_MAX = 300 * MEGABYTE;
/**
 * What Node itself sets in a container of half a gigabyte: on a big machine it would rather let garbage lie than collect it,
 * and what is measured would be the machine. Work that needs more dies of it.
 */
const HEAP_MIB_MAX = 256;
const CHILD_MS_MAX = 900_000;
const LIMIT = 1;
const Memory = z.object({ idle: z.number(), peak: z.number() });

/** The greatest resident memory of each bench in a process and a database of its own, above what that process holds before it begins. */
export const memory: Bench = async ({ databaseUrl, say }) => {
  const limits: Limit[] = [];
  for (const name of MEASURED) {
    const { idle, peak } = await inOwnDatabase(databaseUrl, `memory-${name}`, (url) => measure(name, url));
    say(`${name}: idle ${inMegabytes(idle)}, peak ${inMegabytes(peak)}`);
    limits.push(atMost(`memory ${name}`, (peak - idle) / BYTES_MAX, LIMIT));
  }
  return limits;
};

async function measure(name: string, databaseUrl: string): Promise<z.infer<typeof Memory>> {
  const child = fileURLToPath(new URL("./memory-child.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      "--expose-gc",
      `--max-old-space-size=${HEAP_MIB_MAX}`,
      "--import",
      import.meta.resolve("tsx"),
      child,
      name,
      databaseUrl,
    ],
    { timeout: CHILD_MS_MAX },
  );
  return Memory.parse(JSON.parse(stdout));
}

const inMegabytes = (bytes: number): string => `${Math.round(bytes / MEGABYTE)} MB`;
