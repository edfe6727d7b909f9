import type { Database } from "../db/database.ts";

/** Counts over everything in the database. */
export interface DemoFigures {
  readonly pulled: number;
  readonly drafted: number;
  readonly posted: number;
  readonly verified: number;
  readonly held: number;
  readonly refused: number;
  readonly uncertain: number;
  readonly exceptions: number;
}

export const readDemoFigures = async (database: Database): Promise<DemoFigures> => {
  const rows = await database.pool.query<Record<keyof DemoFigures, string>>(
    `SELECT (SELECT count(DISTINCT movement_id) FROM movements) AS pulled,
       count(*) FILTER (WHERE state <> 'withdrawn') AS drafted,
       count(*) FILTER (WHERE state IN ('posted', 'verified', 'differs', 'reversed')) AS posted,
       count(*) FILTER (WHERE state IN ('verified', 'reversed')) AS verified,
       count(*) FILTER (WHERE state = 'held') AS held, count(*) FILTER (WHERE state = 'refused') AS refused,
       count(*) FILTER (WHERE state = 'uncertain') AS uncertain,
       (SELECT count(*) FROM exceptions WHERE state = 'open') AS exceptions
     FROM postings`,
  );
  const row = rows.rows[0];
  const number = (name: keyof DemoFigures): number => Number(row?.[name] ?? 0);
  return {
    pulled: number("pulled"),
    drafted: number("drafted"),
    posted: number("posted"),
    verified: number("verified"),
    held: number("held"),
    refused: number("refused"),
    uncertain: number("uncertain"),
    exceptions: number("exceptions"),
  };
};
