import { z } from "zod";
import type { ArmedFault } from "../shared/faults.ts";
import { type ApiContext, type Body, type Interface, read, rendering, tableOf, writing } from "./api-context.ts";
import { VendorError } from "./errors.ts";
import { compileFilter, type CompiledFilter } from "./filter.ts";
import type { Field } from "./forms.ts";
import { isObject, type JsonObject } from "./json.ts";
import { renderProjection, renderRecord } from "./records.ts";
import type { Change, FormRecord, FormTable, Transaction } from "./store.ts";
import { startInstance } from "./workflow.ts";
import {
  changedRecord,
  checkAggregates,
  COMPANY_CREATOR,
  type Data,
  deletedRecord,
  newRecord,
  overwrittenRecord,
  type Writing,
} from "./writes.ts";

/**
 * The data interfaces, v5. None of them pushes anything.
 *
 * Source: Jiandaoyun reference §4.
 */
const ROWS_MAX = 100;
const LIMIT_DEFAULT = 10;
/** Within this time a transaction id means the same batch, which is overwritten; later it is a new one. */
const TRANSACTION_LIFE_MS = 3_600_000;
/** Keeps the place of a row that a partial failure left out, so that a second run pairs the others rightly. */
const NOT_STORED = "";
const MALFORMED_TRANSACTION = /\$[{(]/;

export const DATA_INTERFACES: readonly Interface[] = [
  { path: "v5/app/entry/data/get", operation: "get", rate: 30, effect: "read", handle: get },
  { path: "v5/app/entry/data/list", operation: "list", rate: 30, effect: "read", handle: list },
  { path: "v5/app/entry/data/create", operation: "create", rate: 20, effect: "create", handle: create },
  {
    path: "v5/app/entry/data/batch_create",
    operation: "batch-create",
    rate: 10,
    effect: "create",
    handle: batchCreate,
  },
  { path: "v5/app/entry/data/update", operation: "update", rate: 20, effect: "write", handle: update },
  { path: "v5/app/entry/data/batch_update", operation: "batch-update", rate: 10, effect: "write", handle: batchUpdate },
  { path: "v5/app/entry/data/delete", operation: "delete", rate: 20, effect: "write", handle: remove },
  { path: "v5/app/entry/data/batch_delete", operation: "batch-delete", rate: 10, effect: "write", handle: batchRemove },
];

/** How many records a batch names; 0 for a call that is none. */
export function elementsOf(body: Body): number {
  const rows = body["data_list"] ?? body["data_ids"];
  return Array.isArray(rows) ? rows.length : 0;
}

const OneRecord = z.object({ data_id: z.string() });

function get(body: Body, context: ApiContext): unknown {
  const table = tableOf(body, context);
  const record = liveRecord(table, read(OneRecord, body).data_id);
  return { data: renderRecord(table.form, record, rendering(context)) };
}

function liveRecord(table: FormTable, dataId: string): FormRecord {
  const record = table.live.get(dataId);
  if (record === undefined) throw new VendorError(4001);
  return record;
}

const ListRequest = z.object({
  data_id: z.string().nullish(),
  fields: z.array(z.string()).nullish(),
  filter: z.unknown().optional(),
  limit: z.int().min(1).max(ROWS_MAX).nullish(),
});

function list(body: Body, context: ApiContext): unknown {
  const table = tableOf(body, context);
  const request = read(ListRequest, body);
  const given = request.filter !== undefined && request.filter !== null;
  const filter = given ? compileFilter(request.filter, table, context.store, context.switches) : undefined;
  const limit = Math.min(request.limit ?? LIMIT_DEFAULT, context.switches.rowsMax ?? ROWS_MAX);
  const cursor = request.data_id === "" ? undefined : (request.data_id ?? undefined);
  const records = misread(page(table, cursor, limit, filter), context.fault);
  const fields = projectedFields(table, request.fields ?? []);
  return {
    data: records.map((record) =>
      fields.length === 0
        ? renderRecord(table.form, record, rendering(context))
        : renderProjection(table.form, record, fields, rendering(context)),
    ),
  };
}

/** Ascending by id, beginning after the cursor; a cursor whose record is gone is compared all the same. */
function page(
  table: FormTable,
  cursor: string | undefined,
  limit: number,
  filter: CompiledFilter | undefined,
): FormRecord[] {
  const narrowed = filter?.ids;
  const ids = narrowed === undefined ? table.ids : [...new Set(narrowed)].toSorted();
  const records: FormRecord[] = [];
  const start = narrowed === undefined ? table.positionAfter(cursor) : 0;
  for (let position = start; position < ids.length && records.length < limit; position += 1) {
    const id = ids[position] ?? "";
    if (cursor !== undefined && id <= cursor) continue;
    const record = table.live.get(id);
    if (record !== undefined && filter?.matches(record) !== false) records.push(record);
  }
  return records;
}

/** Names that are no field of the form (and `_id`) are ignored; with none left, whole rows are answered. */
function projectedFields(table: FormTable, names: readonly string[]): Field[] {
  const wanted = new Set(names.map((name) => table.field(name)?.widgetName));
  return table.form.fields.filter((field) => wanted.has(field.widgetName));
}

/** What goes wrong with a page that is being read while others write. */
function misread(records: FormRecord[], fault: ArmedFault | undefined): FormRecord[] {
  if (fault?.kind !== "reorder") return records;
  const misreading = MISREADINGS.get(fault.variant ?? "reversed");
  return misreading?.(records) ?? records;
}

const MISREADINGS: ReadonlyMap<string, (records: FormRecord[]) => FormRecord[]> = new Map([
  ["reversed", (records) => records.toReversed()],
  ["page-shift", (records) => records.slice(1)],
  ["short-page", (records) => records.slice(0, Math.floor(records.length / 2))],
  ["repeated-row", (records) => records.slice(0, 1).concat(records)],
]);

const Creation = z.object({
  data: z.record(z.string(), z.json()),
  data_creator: z.string().optional(),
  is_start_workflow: z.boolean().optional(),
  transaction_id: z.string().optional(),
});

function create(body: Body, context: ApiContext): unknown {
  const table = tableOf(body, context);
  const request = readContent(Creation, body);
  const rounds = context.fault?.kind === "apply-twice" ? 2 : 1;
  const write = writing(table, context, request);
  let answer: FormRecord | undefined;
  for (let round = 0; round < rounds; round += 1) {
    const record = newRecord(write, request.data);
    checkAggregates(context.store, table, undefined, record);
    context.store.commit(creation(write, record, request.is_start_workflow === true));
    answer = table.live.get(record.id);
  }
  if (context.fault?.kind === "already-exists") throw new VendorError(17026);
  return answer === undefined ? {} : { data: renderRecord(table.form, answer, rendering(context)) };
}

/** Like `read`, but what is wrong with the data itself is 3005. */
function readContent<Schema extends z.ZodType>(schema: Schema, body: Body): z.infer<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new VendorError(3005, parsed.error.issues[0]?.path.join("."));
}

function creation({ store, table }: Writing, record: FormRecord, startWorkflow: boolean): Change[] {
  const entryId = table.form.entryId;
  if (!startWorkflow) return [{ kind: "record", entryId, record, at: store.touch(table) }];
  const step = startInstance(store, table.form, record, record.createAt);
  return [
    { kind: "record", entryId, record: { ...record, flowState: step.flowState }, at: store.touch(table) },
    { kind: "instance", instance: step.instance },
  ];
}

const BatchCreation = z.object({
  // The rows come from a JSON parser, so only their outer shape is looked at: a batch may hold 100 large ones.
  data_list: z.array(z.custom<Data>(isObject)),
  data_creator: z.string().optional(),
  is_start_workflow: z.boolean().optional(),
  transaction_id: z.string().optional(),
});

function batchCreate(body: Body, context: ApiContext): unknown {
  const table = tableOf(body, context);
  const rows = body["data_list"];
  if (Array.isArray(rows) && rows.length > ROWS_MAX) throw new VendorError(17024);
  const request = readContent(BatchCreation, body);
  if (request.data_list.length === 0) throw new VendorError(3005, "data_list is empty");
  const repeated = repeatedTransaction(table, context, request.transaction_id);
  const write = writing(table, context, request);
  const startWorkflow = request.is_start_workflow === true;
  const outcome = writeBatch(write, request.data_list, repeated, startWorkflow, context.fault);
  if (context.fault?.kind === "apply-twice") {
    // A second arrival of the same request: its transaction id makes it overwrite the first, without one it doubles.
    const again = repeatedTransaction(table, context, request.transaction_id);
    writeBatch(write, request.data_list, again, startWorkflow, undefined);
  }
  return batchAnswer(outcome, context.fault);
}

/** @throws VendorError 17025 for a malformed id, 17026 when another form uses it */
function repeatedTransaction(table: FormTable, { store }: ApiContext, id: string | undefined): Transaction | undefined {
  if (id === undefined) return undefined;
  if (MALFORMED_TRANSACTION.test(id)) throw new VendorError(17025);
  const transaction = store.transactions.get(id);
  if (transaction === undefined || store.clock.now() - transaction.at > TRANSACTION_LIFE_MS) return undefined;
  if (transaction.entryId !== table.form.entryId) throw new VendorError(17026);
  return transaction;
}

interface BatchOutcome {
  /** Rows that belong to the transaction now. */
  readonly count: number;
  /** Ids that this request created. */
  readonly created: readonly string[];
}

/** Rows are paired with those of an earlier run by position; what the earlier run has more stays. */
function writeBatch(
  write: Writing,
  rows: readonly Data[],
  earlier: Transaction | undefined,
  startWorkflow: boolean,
  fault: ArmedFault | undefined,
): BatchOutcome {
  const { store, table, transactionId } = write;
  const changes: Change[] = [];
  const created: string[] = [];
  const ids: string[] = [];
  for (const [position, row] of rows.entries()) {
    if (isLeftOut(position, fault)) {
      ids.push(NOT_STORED);
      continue;
    }
    const old = table.live.get(earlier?.rows[position] ?? "");
    const record = old === undefined ? newRecord(write, row, created.length) : overwrittenRecord(write, old, row);
    if (old === undefined) {
      created.push(record.id);
      changes.push(...creation(write, record, startWorkflow));
    } else {
      changes.push({ kind: "record", entryId: table.form.entryId, record, at: store.touch(table) });
    }
    ids.push(record.id);
  }
  if (transactionId !== undefined) {
    const all = [...ids, ...(earlier?.rows.slice(rows.length) ?? [])];
    const at = earlier?.at ?? write.at;
    const transaction: Transaction = { id: transactionId, entryId: table.form.entryId, rows: all, at };
    changes.push({ kind: "transaction", transaction });
    store.commit(changes);
    return { count: all.filter((id) => id !== NOT_STORED).length, created };
  }
  store.commit(changes);
  return { count: created.length, created };
}

/** A partial failure: the batch breaks off at an element, or one element is not stored. */
function isLeftOut(position: number, fault: ArmedFault | undefined): boolean {
  if (fault === undefined) return false;
  if (fault.kind === "session-lost-mid-batch") return position >= fault.after;
  const singled = fault.kind === "batch-element-refused" || (fault.kind === "batch-element-unnamed" && !fault.done);
  return singled && position === fault.index;
}

function batchAnswer({ count, created }: BatchOutcome, fault: ArmedFault | undefined): unknown {
  const answer = { status: "success", success_count: count, success_ids: created };
  if (fault?.kind === "session-lost-mid-batch") throw new VendorError(17018);
  if (fault?.kind === "already-exists") return { ...answer, success_ids: [] };
  if (fault?.kind === "reorder") return { ...answer, success_ids: created.toReversed() };
  if (fault?.kind === "batch-element-unnamed" && fault.done) {
    const named = created.filter((_id, position) => position !== fault.index);
    return { ...answer, success_count: count - 1, success_ids: named };
  }
  return answer;
}

const Update = z.object({
  data_id: z.string(),
  data: z.record(z.string(), z.json()),
  transaction_id: z.string().optional(),
});

function update(body: Body, context: ApiContext): unknown {
  const table = tableOf(body, context);
  const request = readContent(Update, body);
  const record = liveRecord(table, request.data_id);
  const changed = changedRecord(writing(table, context, request), record, request.data);
  checkAggregates(context.store, table, record, changed);
  context.store.commit([recordChange(table, changed, context)]);
  return { data: renderRecord(table.form, changed, rendering(context)) };
}

function recordChange(table: FormTable, record: FormRecord, { store }: ApiContext): Change {
  return { kind: "record", entryId: table.form.entryId, record, at: store.touch(table) };
}

const DataIds = z.object({ data_ids: z.array(z.string()) });
const BatchUpdate = z.object({
  data: z.record(z.string(), z.json()),
  transaction_id: z.string().optional(),
});

function batchUpdate(body: Body, context: ApiContext): unknown {
  const table = tableOf(body, context);
  const ids = dataIds(body, 17023);
  const request = readContent(BatchUpdate, body);
  const data = withoutSubforms(table, request.data, context);
  const write = writing(table, context, request);
  const records = liveRecords(table, ids, context.fault).map((record) => changedRecord(write, record, data));
  context.store.commit(records.map((record) => recordChange(table, record, context)));
  return brokenOff(context.fault, { status: "success", success_count: records.length });
}

function dataIds(body: Body, tooMany: 17023 | 17033): readonly string[] {
  const ids = readContent(DataIds, body).data_ids;
  if (ids.length > ROWS_MAX) throw new VendorError(tooMany);
  if (ids.length === 0) throw new VendorError(3005, "data_ids is empty");
  return ids;
}

/** Unknown ids are skipped and not counted. */
function liveRecords(table: FormTable, ids: readonly string[], fault: ArmedFault | undefined): FormRecord[] {
  const kept = ids.filter((_id, position) => !isLeftOut(position, fault));
  return [...new Set(kept)].map((id) => table.live.get(id)).filter((record) => record !== undefined);
}

function withoutSubforms(table: FormTable, data: Data, { switches }: ApiContext): JsonObject {
  const entries = Object.entries(data).filter(([name]) => table.field(name)?.type !== "subform");
  if (entries.length < Object.keys(data).length && switches.badValues === "strict") throw new VendorError(17032);
  return Object.fromEntries(entries);
}

function brokenOff(fault: ArmedFault | undefined, answer: unknown): unknown {
  if (fault?.kind === "session-lost-mid-batch") throw new VendorError(17018);
  return answer;
}

function remove(body: Body, context: ApiContext): unknown {
  const table = tableOf(body, context);
  const record = liveRecord(table, read(OneRecord, body).data_id);
  checkAggregates(context.store, table, record, undefined);
  context.store.commit([removal(table, record, context)]);
  return { status: "success" };
}

function removal(table: FormTable, record: FormRecord, { store }: ApiContext): Change {
  const at = store.clock.now();
  const gone = deletedRecord(record, COMPANY_CREATOR, at);
  return { kind: "removal", entryId: table.form.entryId, record: gone, at: store.touch(table) };
}

function batchRemove(body: Body, context: ApiContext): unknown {
  const table = tableOf(body, context);
  const records = liveRecords(table, dataIds(body, 17033), context.fault);
  context.store.commit(records.map((record) => removal(table, record, context)));
  return brokenOff(context.fault, { status: "success", success_count: records.length });
}
