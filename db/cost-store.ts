import type pg from "pg";
import { arrivalText } from "../domain/costing-events.ts";
import type { CostEntry, CostEvent, RunningState } from "../domain/costing-types.ts";
import { CopyRows } from "./copy-rows.ts";

/*
 * The moving average as it stands: a running state per item, and what each movement was worth.
 */

export const readRunning = async (
  client: pg.ClientBase,
  ledger: string,
  items: readonly string[],
): Promise<ReadonlyMap<string, RunningState>> => {
  const rows = await client.query<{ item: string; running: RunningState }>(
    "SELECT item, running FROM costing_states WHERE ledger = $1 AND item = ANY ($2::text[])",
    [ledger, items],
  );
  return new Map(rows.rows.map((row) => [row.item, row.running]));
};

export const ENTRY_FIELDS = `movement_id AS id, scope, item, accounted_on AS date, at, arrival, effect, is_return AS "isReturn",
  counter_scope AS "counterScope", quantity, amount, origin, order_number AS "order", cancelled, canonical, booked, basis,
  running_quantity AS "runningQuantity", running_value AS "runningValue"`;

export type StoredEntry = Omit<CostEntry, "event"> &
  Required<Pick<CostEvent, "id" | "scope" | "item" | "date" | "at" | "arrival" | "effect" | "quantity">> & {
    readonly isReturn: boolean;
    readonly cancelled: boolean;
    readonly counterScope: string | null;
    readonly amount: CostEvent["quantity"] | null;
    readonly origin: string | null;
    readonly order: string | null;
  };

export const entryOf = (row: StoredEntry): CostEntry => {
  const { id, scope, item, date, at, arrival, effect, quantity, counterScope, amount, origin, order } = row;
  const { canonical, booked, basis, runningQuantity, runningValue } = row;
  const event: CostEvent = {
    id,
    scope,
    item,
    date,
    at,
    arrival: arrivalText(arrival),
    effect,
    quantity,
    ...(row.isReturn ? { isReturn: true } : {}),
    ...(row.cancelled ? { cancelled: true } : {}),
    ...(counterScope === null ? {} : { counterScope }),
    ...(amount === null ? {} : { amount }),
    ...(origin === null ? {} : { origin }),
    ...(order === null ? {} : { order }),
    ...(basis === "order" ? { byOrder: true } : {}),
  };
  return { event, canonical, booked, basis, runningQuantity, runningValue };
};

/** The whole costing history of one item, in no particular order. */
export const readCostHistory = async (
  client: pg.ClientBase,
  ledger: string,
  item: string,
): Promise<readonly CostEntry[]> => {
  const { rows } = await client.query<StoredEntry>(
    `SELECT ${ENTRY_FIELDS} FROM cost_entries WHERE ledger = $1 AND item = $2`,
    [ledger, item],
  );
  return rows.map(entryOf);
};

export const readCostEntries = async (
  client: pg.ClientBase,
  ledger: string,
  movementIds: readonly string[],
): Promise<readonly CostEntry[]> => {
  if (movementIds.length === 0) return [];
  const { rows } = await client.query<StoredEntry>(
    `SELECT ${ENTRY_FIELDS} FROM cost_entries WHERE ledger = $1 AND movement_id = ANY ($2::bigint[])`,
    [ledger, movementIds],
  );
  return rows.map(entryOf);
};

/** What a page did to the costing: `added` are movements valued for the first time, `changed` may stand there already. */
export interface CostingChange {
  readonly running: ReadonlyMap<string, RunningState>;
  readonly added: readonly CostEntry[];
  readonly changed: readonly CostEntry[];
}

export const writeCosting = async (client: pg.ClientBase, ledger: string, change: CostingChange): Promise<void> => {
  const { running, added, changed } = change;
  await client.query(
    `INSERT INTO costing_states (ledger, item, running) SELECT $1, * FROM unnest($2::text[], $3::jsonb[])
     ON CONFLICT (ledger, item) DO UPDATE SET running = excluded.running`,
    [ledger, [...running.keys()], [...running.values()].map((state) => JSON.stringify(state))],
  );
  if (changed.length > 0)
    await client.query("DELETE FROM cost_entries WHERE ledger = $1 AND movement_id = ANY ($2::bigint[])", [
      ledger,
      changed.map(({ event }) => event.id),
    ]);
  const rows = new CopyRows();
  for (const entry of added) putEntry(rows, ledger, entry);
  for (const entry of changed) putEntry(rows, ledger, entry);
  await rows.copyInto(client, "cost_entries", COST_ENTRY_COLUMNS);
};

const COST_ENTRY_COLUMNS = [
  "ledger",
  "movement_id",
  "item",
  "scope",
  "accounted_on",
  "at",
  "arrival",
  "effect",
  "is_return",
  "counter_scope",
  "quantity",
  "amount",
  "origin",
  "order_number",
  "cancelled",
  "canonical",
  "booked",
  "basis",
  "running_quantity",
  "running_value",
];
const putEntry = (rows: CopyRows, ledger: string, entry: CostEntry): void => {
  const { event, canonical, booked, basis, runningQuantity, runningValue } = entry;
  rows.text(ledger).text(event.id).text(event.item).text(event.scope).text(event.date).text(event.at);
  rows.text(event.arrival).text(event.effect).flag(event.isReturn).optional(event.counterScope).text(event.quantity);
  rows.optional(event.amount).optional(event.origin).optional(event.order).flag(event.cancelled);
  rows.text(canonical).text(booked).text(basis).text(runningQuantity).text(runningValue).endRow();
};
