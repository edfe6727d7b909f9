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

/** How many lines of a company's documents stand in vouchers. */
export interface Coverage {
  /** Lines that are not taken back. */
  readonly lines: number;
  /** Of these: in exactly one verified voucher. */
  readonly linesInOneVoucher: number;
}

export const readCoverage = async (database: Database, company: string): Promise<Coverage> => {
  const rows = await database.pool.query<Record<keyof Coverage, string>>(
    `SELECT count(*) AS lines, count(*) FILTER (WHERE v.vouchers = 1) AS "linesInOneVoucher"
     FROM movements m
     LEFT JOIN (SELECT pm.movement_id, count(DISTINCT p.posting_id) AS vouchers
       FROM postings p JOIN posting_movements pm ON pm.posting_id = p.posting_id AND pm.purpose = 'stock'
       WHERE p.company = $1 AND p.state = 'verified' GROUP BY 1) v ON v.movement_id = m.movement_id
     WHERE m.company = $1 AND NOT m.cancelled
       AND NOT EXISTS (SELECT 1 FROM movements n WHERE n.movement_id = m.movement_id AND n.revision > m.revision)`,
    [company],
  );
  return { lines: Number(rows.rows[0]?.lines ?? 0), linesInOneVoucher: Number(rows.rows[0]?.linesInOneVoucher ?? 0) };
};

/** Ledgers to which nothing is sent before a person resumes them, and why. */
export const pausedLedgers = async (
  database: Database,
): Promise<readonly { readonly ledger: string; readonly pauseCode: string }[]> => {
  const rows = await database.pool.query<{ ledger: string; pauseCode: string }>(
    `SELECT ledger, coalesce(pause_code, '') AS "pauseCode" FROM ledger_states WHERE paused ORDER BY ledger`,
  );
  return rows.rows;
};
