import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const holder = fileURLToPath(new URL("./hold-server.ts", import.meta.url));

/** Runs `hold-server.ts` as a process of its own. @returns that process, and what it printed: where the server is */
export async function holdServer(
  server: "postgres" | "temporal",
  dataDir: string,
  lifetime: "throw-away" | "keep" | "detached",
): Promise<{ process: ChildProcess; place: string }> {
  const child = spawn(process.execPath, ["--import", "tsx", holder, server, dataDir, lifetime], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  const [place] = await Promise.race([once(lines, "line"), once(child, "exit").then(() => ["ended without a word"])]);
  return { process: child, place: String(place) };
}

/** Waits until something holds. @throws Error when it does not within the limit */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = 30_000,
): Promise<void> {
  const pollMs = 100;
  for (let waited = 0; waited < limitMs; waited += pollMs) {
    if (await holds()) return;
    await sleep(pollMs);
  }
  throw new Error(`Not within ${limitMs} ms: ${what}`);
}
