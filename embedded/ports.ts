import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * The range lies below the ports that the system hands out by itself. A server that is killed and comes back on its port
 * would otherwise find it taken, even by a client of its own: who knocks at a closed port of that range again and again
 * is one day connected to himself.
 */
const LOWEST_PORT = 15_000;
const HIGHEST_PORT = 32_000;
const TRIES_MAX = 100;

/** A port of 127.0.0.1 on which nobody listens at the moment. Another process may still be quicker: callers try again. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT);
    if (await isFree(port)) return port;
  }
  throw new Error(`No free port between ${LOWEST_PORT} and ${HIGHEST_PORT} after ${TRIES_MAX} tries.`);
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}
