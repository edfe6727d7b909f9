import type pg from "pg";
import type { CostEntry } from "../domain/costing-types.ts";
import { ENTRY_FIELDS, type StoredEntry, entryOf } from "./cost-store.ts";

/** Everything that was valued for these orders: what they used, what was charged to them, what they made. */
export const readOrderEntries = async (
  client: pg.ClientBase,
  ledger: string,
  orders: readonly string[],
): Promise<readonly CostEntry[]> => {
  const { rows } = await client.query<StoredEntry>(
    `SELECT ${ENTRY_FIELDS} FROM cost_entries WHERE ledger = $1 AND order_number = ANY ($2::text[]) AND NOT cancelled`,
    [ledger, orders],
  );
  return rows.map(entryOf);
};
