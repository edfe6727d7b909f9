import type pg from "pg";
import { CopyRows } from "./copy-rows.ts";

export interface EstimateRow {
  readonly movementId: string;
  readonly documentNumber: string;
  readonly item: string;
  readonly state: unknown;
  readonly closed: boolean;
}

interface StoredEstimate {
  movement_id: string;
  document_number: string;
  item: string;
  state: unknown;
  closed: boolean;
}
const ESTIMATE_FIELDS = "movement_id, document_number, item, state, closed";

const estimateOf = (row: StoredEstimate): EstimateRow => ({
  movementId: row.movement_id,
  documentNumber: row.document_number,
  item: row.item,
  state: row.state,
  closed: row.closed,
});

export const readEstimates = async (
  client: pg.ClientBase,
  ledger: string,
  documents: readonly string[],
): Promise<readonly EstimateRow[]> => {
  const rows = await client.query<StoredEstimate>(
    `SELECT ${ESTIMATE_FIELDS} FROM estimates WHERE ledger = $1 AND document_number = ANY ($2::text[])`,
    [ledger, documents],
  );
  return rows.rows.map(estimateOf);
};

/** Estimates of these receipts. */
export const readEstimatesOf = async (
  client: pg.ClientBase,
  ledger: string,
  movementIds: readonly string[],
): Promise<readonly EstimateRow[]> => {
  if (movementIds.length === 0) return [];
  const rows = await client.query<StoredEstimate>(
    `SELECT ${ESTIMATE_FIELDS} FROM estimates WHERE ledger = $1 AND movement_id = ANY ($2::bigint[])`,
    [ledger, movementIds],
  );
  return rows.rows.map(estimateOf);
};

/** Estimates that are still open: what a period end looks at. */
export const readOpenEstimates = async (client: pg.ClientBase, ledger: string): Promise<readonly EstimateRow[]> => {
  const rows = await client.query<StoredEstimate>(
    `SELECT ${ESTIMATE_FIELDS} FROM estimates WHERE ledger = $1 AND NOT closed`,
    [ledger],
  );
  return rows.rows.map(estimateOf);
};

/** What a page did to the estimates: `added` are receipts that had none. */
export interface EstimateChange {
  readonly added: readonly EstimateRow[];
  readonly changed: readonly EstimateRow[];
}

export const writeEstimates = async (
  client: pg.ClientBase,
  ledger: string,
  { added, changed }: EstimateChange,
): Promise<void> => {
  if (changed.length > 0)
    await client.query("DELETE FROM estimates WHERE ledger = $1 AND movement_id = ANY ($2::bigint[])", [
      ledger,
      changed.map(({ movementId }) => movementId),
    ]);
  const rows = new CopyRows();
  for (const { movementId, documentNumber, item, state, closed } of [...added, ...changed])
    rows
      .text(ledger)
      .text(movementId)
      .text(documentNumber)
      .text(item)
      .text(JSON.stringify(state))
      .flag(closed)
      .endRow();
  await rows.copyInto(client, "estimates", ESTIMATE_COLUMNS);
};

const ESTIMATE_COLUMNS = ["ledger", "movement_id", "document_number", "item", "state", "closed"];
