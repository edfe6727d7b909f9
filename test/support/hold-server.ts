import { startPostgres } from "../../embedded/postgres.ts";
import { startTemporal } from "../../embedded/temporal.ts";

/**
 * Starts one embedded server and prints where it is: the process that tests kill, or let end, to see what becomes of it.
 * Arguments: postgres | temporal, data folder, "throw-away" | "keep" | "detached".
 */
const [server, dataDir = "", lifetime] = process.argv.slice(2);
const options = {
  dataDir,
  throwAway: lifetime === "throw-away",
  lifetime: lifetime === "detached" ? "detached" : "parent",
} as const;
const started = server === "postgres" ? await startPostgres(options) : await startTemporal(options);
process.stdout.write(`${"url" in started ? started.url : started.address}\n`);
const FOREVER_MS = 600_000;
if (lifetime !== "detached") setTimeout(() => undefined, FOREVER_MS);
