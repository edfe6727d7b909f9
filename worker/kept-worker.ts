import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../db/database.ts";
import { currentInstallationVersion } from "../db/installation-store.ts";
import type { Installation } from "../domain/installation.ts";
import type { Log } from "../observability/log.ts";
import type { RunningWorker } from "./worker.ts";

/** How soon an applied configuration is noticed; one small query each time. */
const LOOK_EVERY_MS = 10_000;

export interface KeptWorker {
  /** Of the configuration that runs now. */
  readonly version: () => number;
  readonly stop: () => Promise<void>;
  /** Settles when the worker ends by itself. */
  readonly done: Promise<void>;
}

export interface Keeping {
  readonly database: Database;
  readonly log: () => Log;
  /** Starts everything that depends on the configuration in force. */
  readonly start: () => Promise<RunningWorker>;
  /** Sees whether a configuration could run here. @throws ZhangshiError SECRET_MISSING and the like */
  readonly tryOut: (installation: Installation) => void;
  readonly lookEveryMs?: number;
}

/**
 * Keeps a worker running on the configuration in force: when another version was applied, the worker ends what it has in
 * hand and starts anew, with that version's connections, queues, rules and schedules. A version that cannot run here is
 * told in the log, and the worker stays with the one it has.
 */
export async function keepWorker(keeping: Keeping): Promise<KeptWorker> {
  const { database, log, lookEveryMs = LOOK_EVERY_MS } = keeping;
  const stopping = new AbortController();
  let running = await keeping.start();
  let refused: number | undefined;

  /** The version to change to, or undefined. */
  const newer = async (): Promise<number | undefined> => {
    const current = await currentInstallationVersion(database);
    if (current === undefined || current.version === running.version || current.version === refused) return undefined;
    try {
      keeping.tryOut(current.installation);
      return current.version;
    } catch (error) {
      refused = current.version;
      log().error({ err: error, version: current.version }, "the applied configuration cannot run here");
      return undefined;
    }
  };

  const look = async (): Promise<void> => {
    // The database may be away for a while: activities wait for it, and so does this.
    const version = await newer().catch((error: unknown) => {
      log().warn({ err: error }, "the configuration in force could not be read");
      return undefined;
    });
    if (version === undefined || stopping.signal.aborted) return;
    log().info({ version, before: running.version }, "another configuration was applied: starting anew");
    await running.stop();
    if (!stopping.signal.aborted) running = await keeping.start();
  };

  const keep = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const nap = new AbortController();
      const woken = sleep(lookEveryMs, undefined, { signal: AbortSignal.any([stopping.signal, nap.signal]) });
      try {
        const ended = await Promise.race([
          running.done.then(() => true),
          woken.then(
            () => false,
            () => false,
          ),
        ]);
        if (ended) return;
      } finally {
        nap.abort();
      }
      await look();
    }
    await running.stop();
  };
  const done = keep();
  // Whoever waits for the end hears of a failure; nobody waiting yet is no reason to end the process.
  done.catch(() => undefined);
  return {
    version: () => running.version,
    done,
    stop: async () => {
      stopping.abort();
      await done;
    },
  };
}
