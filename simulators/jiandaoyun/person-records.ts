import { z } from "zod";
import { parsePersonDate } from "./dates.ts";
import { FaceError } from "./errors.ts";
import { type Field, fieldNamed, isHidden } from "./forms.ts";
import type { JsonObject } from "./json.ts";
import { type PersonContext, read, tableOf } from "./person-context.ts";
import type { PushOp } from "./push.ts";
import { renderRecord } from "./records.ts";
import type { Change, FormRecord, FormTable, Store } from "./store.ts";
import type { Switches } from "./switches.ts";
import { startInstance } from "./workflow.ts";
import { renderInstance } from "./workflow-api.ts";
import {
  changedRecord,
  checkAggregates,
  checkAsForm,
  COMPANY_CREATOR,
  type Data,
  deletedRecord,
  newRecord,
  recoveredRecord,
  type Writing,
} from "./writes.ts";

/** When somebody did it: an instant, epoch milliseconds, or the tenant's local time; now when left out. */
const At = z.union([z.string(), z.number()]).optional();
const Who = z.string().default(COMPANY_CREATOR);
const DataObject = z.record(z.string(), z.json());

function instantOf(at: string | number | undefined, store: Store): number {
  if (at === undefined) return store.clock.now();
  const instant = parsePersonDate(at);
  if (instant === undefined) throw new FaceError(400, `not a time: ${at}`);
  return instant;
}

function writingAs(context: PersonContext, table: FormTable, by: string, at: string | number | undefined): Writing {
  const { store, switches } = context;
  if (!store.members.has(by)) throw new FaceError(400, `no member ${by}`);
  return { store, table, switches, face: "person", by, at: instantOf(at, store), transactionId: undefined };
}

/** Shows what changed, to the person and to the receivers of pushes. */
export function announce(op: PushOp, table: FormTable, record: FormRecord, context: PersonContext): JsonObject {
  const push = renderRecord(table.form, record, { ...context, shape: "push" });
  context.pushes.raise(table.form.entryId, op, removedShape(op, push, context.switches), context.store.clock.now());
  return { data: renderRecord(table.form, record, { ...context, shape: "api" }) };
}

function removedShape(op: PushOp, push: JsonObject, { removePayload }: Switches): JsonObject {
  if (op !== "data_remove" || removePayload === "full") return push;
  const names = ["_id", "appId", "entryId", "formName", "deleter", "deleteTime"];
  return Object.fromEntries(names.map((name) => [name, push[name] ?? null]));
}

const Creation = z.strictObject({ entry_id: z.string(), data: DataObject, as: Who, at: At });

export function createRecord(body: unknown, context: PersonContext): unknown {
  const request = read(Creation, body);
  const table = tableOf(request.entry_id, context);
  const write = writingAs(context, table, request.as, request.at);
  const record = newRecord(write, byId(table, request.data));
  checkAsForm(table, [record]);
  checkAggregates(context.store, table, undefined, record);
  const stored = submit(record, table, context);
  return announce("data_create", table, stored, context);
}

/** A person who submits a workflow form starts its workflow. */
function submit(record: FormRecord, table: FormTable, { store, pushes }: PersonContext): FormRecord {
  const entryId = table.form.entryId;
  if (table.form.kind === "plain") {
    store.commit([{ kind: "record", entryId, record, at: store.touch(table) }]);
    return record;
  }
  const { instance, flowState } = startInstance(store, table.form, record, record.createAt);
  const started = { ...record, flowState };
  store.commit([
    { kind: "record", entryId, record: started, at: store.touch(table) },
    { kind: "instance", instance },
  ]);
  pushes.raise(entryId, "flow_state_change", renderInstance(store, table, instance), store.clock.now());
  return started;
}

/** A person sees labels, aliases and ids alike; an unknown one is a slip of whoever wrote the test. */
function byId(table: FormTable, data: Data): Data {
  const entries = Object.entries(data).map(([name, value]) => {
    const field = fieldNamed(table.form.fields, name);
    if (isHidden(field.type)) throw new FaceError(400, `${name} holds no value`);
    return [field.widgetName, field.items === undefined ? value : rowsById(field, value)] as const;
  });
  return Object.fromEntries(entries);
}

function rowsById(field: Field, rows: Data[string]): Data[string] {
  if (!Array.isArray(rows)) return rows;
  return rows.map((row) => {
    if (typeof row !== "object" || row === null || Array.isArray(row)) return row;
    const entries = Object.entries(row).map(([name, value]) => {
      const id = name === "_id" ? name : fieldNamed(field.items ?? [], name).widgetName;
      return [id, value] as const;
    });
    return Object.fromEntries(entries);
  });
}

const RecordAddress = { entry_id: z.string(), data_id: z.string() };
const Update = z.strictObject({ ...RecordAddress, data: DataObject, as: Who, at: At });

export function updateRecord(body: unknown, context: PersonContext): unknown {
  const request = read(Update, body);
  const table = tableOf(request.entry_id, context);
  const record = liveRecord(table, request.data_id);
  const write = writingAs(context, table, request.as, request.at);
  const changed = changedRecord(write, record, byId(table, request.data));
  checkAsForm(table, [changed]);
  checkAggregates(context.store, table, record, changed);
  put(table, [changed], context);
  return announce("data_update", table, changed, context);
}

function put(table: FormTable, records: readonly FormRecord[], { store }: PersonContext): void {
  const at = store.touch(table);
  const entryId = table.form.entryId;
  store.commit(records.map((record): Change => ({ kind: "record", entryId, record, at })));
}

function liveRecord(table: FormTable, dataId: string): FormRecord {
  const record = table.live.get(dataId);
  if (record === undefined) throw new FaceError(404, `no record ${dataId}`);
  return record;
}

function binnedRecord(table: FormTable, dataId: string): FormRecord {
  const record = table.bin.get(dataId);
  if (record === undefined) throw new FaceError(404, `no deleted record ${dataId}`);
  return record;
}

const Deletion = z.strictObject({ ...RecordAddress, as: Who, at: At });

export function deleteRecord(body: unknown, context: PersonContext): unknown {
  const request = read(Deletion, body);
  const table = tableOf(request.entry_id, context);
  const record = liveRecord(table, request.data_id);
  checkAggregates(context.store, table, record, undefined);
  const { by, at } = writingAs(context, table, request.as, request.at);
  const gone = deletedRecord(record, by, at);
  removeAll(table, [gone], context);
  return announce("data_remove", table, gone, context);
}

function removeAll(table: FormTable, records: readonly FormRecord[], { store }: PersonContext): void {
  const at = store.touch(table);
  const entryId = table.form.entryId;
  store.commit(records.map((record): Change => ({ kind: "removal", entryId, record, at })));
}

export function recoverRecord(body: unknown, context: PersonContext): unknown {
  const request = read(Deletion, body);
  const table = tableOf(request.entry_id, context);
  const record = recoveredRecord(binnedRecord(table, request.data_id));
  put(table, [record], context);
  return announce("data_recover", table, record, context);
}

const Import = z.strictObject({
  entry_id: z.string(),
  as: Who,
  at: At,
  /** Values of each row; or, with a time of its own, `{at, data}` in `timed`. */
  rows: z.array(DataObject).default([]),
  timed: z.array(z.strictObject({ at: z.union([z.string(), z.number()]), data: DataObject })).default([]),
});

/** 批量导入: any number of rows, no pushes, no workflow. */
export function importRecords(body: unknown, context: PersonContext): unknown {
  const request = read(Import, body);
  const table = tableOf(request.entry_id, context);
  const write = writingAs(context, table, request.as, request.at);
  const rows = [
    ...request.rows.map((data) => ({ at: write.at, data })),
    ...request.timed.map(({ at, data }) => ({ at: instantOf(at, context.store), data })),
  ];
  const records = rows.map(({ at, data }, ahead) => newRecord({ ...write, at }, byId(table, data), ahead));
  checkAsForm(table, records);
  put(table, records, context);
  return { count: records.length, data_ids: records.map(({ id }) => id) };
}

const Bulk = z.strictObject({ entry_id: z.string(), data_ids: z.array(z.string()), as: Who, at: At });
const BulkUpdate = Bulk.extend({ data: DataObject });

export function bulkUpdate(body: unknown, context: PersonContext): unknown {
  const request = read(BulkUpdate, body);
  const table = tableOf(request.entry_id, context);
  const write = writingAs(context, table, request.as, request.at);
  const data = byId(table, request.data);
  const records = request.data_ids.map((id) => changedRecord(write, liveRecord(table, id), data));
  put(table, records, context);
  return { count: records.length };
}

export function bulkDelete(body: unknown, context: PersonContext): unknown {
  const request = read(Bulk, body);
  const table = tableOf(request.entry_id, context);
  const { by, at } = writingAs(context, table, request.as, request.at);
  const records = request.data_ids.map((id) => deletedRecord(liveRecord(table, id), by, at));
  removeAll(table, records, context);
  return { count: records.length };
}

export function bulkRecover(body: unknown, context: PersonContext): unknown {
  const request = read(Bulk, body);
  const table = tableOf(request.entry_id, context);
  const records = request.data_ids.map((id) => recoveredRecord(binnedRecord(table, id)));
  put(table, records, context);
  return { count: records.length };
}
