import type pg from "pg";
import { copyLines, copyText } from "./copy-text.ts";

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

export const writeEstimates = async (
  client: pg.ClientBase,
  ledger: string,
  estimates: readonly EstimateRow[],
): Promise<void> => {
  if (estimates.length === 0) return;
  await client.query("DELETE FROM estimates WHERE ledger = $1 AND movement_id = ANY ($2::bigint[])", [
    ledger,
    estimates.map(({ movementId }) => movementId),
  ]);
  await copyLines(client, "estimates", ESTIMATE_COLUMNS, estimateLines(ledger, estimates));
};

const ESTIMATE_COLUMNS = ["ledger", "movement_id", "document_number", "item", "state", "closed"];
function* estimateLines(ledger: string, estimates: readonly EstimateRow[]): Generator<string> {
  const of = copyText(ledger);
  for (const { movementId, documentNumber, item, state, closed } of estimates)
    yield `${of}\t${movementId}\t${copyText(documentNumber)}\t${copyText(item)}\t${copyText(JSON.stringify(state))}\t${closed ? "t" : "f"}\n`;
}
