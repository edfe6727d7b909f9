import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "./database.ts";

/**
 * Spaces the requests to one interface of a connection evenly, over all workers: each permit moves the next free moment
 * of the shared row on by one interval, by the database's clock.
 */
export const createPacer = (database: Database, connection: string, perSecond: number) => ({
  permit: async (lane: string): Promise<void> => {
    const rows = await database.pool.query<{ wait_ms: string }>(
      `INSERT INTO pacer_permits AS p (connection, lane, next_at)
       VALUES ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
       ON CONFLICT (connection, lane) DO UPDATE
         SET next_at = greatest(p.next_at, clock_timestamp()) + $3 * interval '1 millisecond'
       RETURNING extract(epoch FROM (next_at - clock_timestamp())) * 1000 - $3 AS wait_ms`,
      [connection, lane, 1000 / perSecond],
    );
    const waitMs = Number(rows.rows[0]?.wait_ms ?? 0);
    if (waitMs > 0) await sleep(waitMs);
  },
});
