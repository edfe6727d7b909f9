import type { Database } from "./database.ts";
import { inTransaction } from "./database.ts";

/** A row of a ledger's code tables: the warehouse side's code, the ERP's, and the days on which that holds. */
export interface CodeEntry {
  readonly table: string;
  readonly code: string;
  readonly erpCode: string;
  readonly validFrom?: string | undefined;
  readonly validTo?: string | undefined;
}

/** Valid since ever; a primary key cannot hold null. */
const SINCE_EVER = "0001-01-01";

export async function readCodes({ pool }: Database, ledger: string): Promise<CodeEntry[]> {
  const { rows } = await pool.query<{ table: string; code: string; erp: string; since: string; until: string | null }>(
    `SELECT code_table AS table, their_code AS code, our_code AS erp, valid_from::text AS since, valid_to::text AS until
       FROM code_entries WHERE ledger = $1 ORDER BY code_table, their_code COLLATE "C", valid_from`,
    [ledger],
  );
  return rows.map(({ table, code, erp, since, until }) => ({
    table,
    code,
    erpCode: erp,
    ...(since === SINCE_EVER ? {} : { validFrom: since }),
    ...(until === null ? {} : { validTo: until }),
  }));
}

/** Makes `entries` the whole of a ledger's code tables: what is not among them is gone. */
export async function replaceCodes(database: Database, ledger: string, entries: readonly CodeEntry[]): Promise<void> {
  await inTransaction(database, async (client) => {
    await client.query("DELETE FROM code_entries WHERE ledger = $1", [ledger]);
    await client.query(
      `INSERT INTO code_entries (ledger, code_table, their_code, our_code, valid_from, valid_to)
       SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::date[], $6::date[])`,
      [
        ledger,
        entries.map(({ table }) => table),
        entries.map(({ code }) => code),
        entries.map(({ erpCode }) => erpCode),
        entries.map(({ validFrom }) => validFrom ?? SINCE_EVER),
        entries.map(({ validTo }) => validTo ?? null),
      ],
    );
  });
}
