import { VendorError } from "./errors.ts";
import { encodeValues, type EncodeContext } from "./fields.ts";
import type { Field } from "./forms.ts";
import type { Json } from "./json.ts";
import type { FlowState, FormRecord, FormTable, Store, Values } from "./store.ts";
import type { Switches } from "./switches.ts";

/** The company's own account: whoever creates through the API without naming anybody. */
export const COMPANY_CREATOR = "#admin";

export interface Writing {
  readonly store: Store;
  readonly table: FormTable;
  readonly switches: Switches;
  readonly face: "api" | "person";
  readonly by: string;
  /** Stamped on the record, in epoch milliseconds. */
  readonly at: number;
  /** Binds uploaded files to this request. */
  readonly transactionId: string | undefined;
}

export type Data = { readonly [name: string]: Json };

/** A new record; `ahead` is how many records before it in the same request are not stored yet. */
export function newRecord(writing: Writing, data: Data, ahead = 0): FormRecord {
  const { store, table, by, at } = writing;
  const serials = table.nextSerials(ahead);
  const values = { ...serials, ...encodeValues(table.byName, data, {}, encodeContext(writing, "create")) };
  return {
    id: store.ids.objectId(at),
    values,
    creator: by,
    updater: by,
    deleter: null,
    createAt: at,
    updateAt: at,
    deleteAt: null,
    flowState: restingState(table),
  };
}

/** A record of a workflow form that never went through its workflow counts as finished. */
function restingState(table: FormTable): FlowState | null {
  return table.form.kind === "flow" ? 1 : null;
}

export function changedRecord(writing: Writing, record: FormRecord, data: Data): FormRecord {
  const values = encodeValues(writing.table.byName, data, record.values, encodeContext(writing, "update"));
  return { ...record, values, updater: writing.by, updateAt: writing.at };
}

/** The record as if it were created anew under its old id: what a repeated transaction does. */
export function overwrittenRecord(writing: Writing, record: FormRecord, data: Data): FormRecord {
  const kept: Values = {};
  for (const { type, widgetName } of writing.table.form.fields) {
    const serial = record.values[widgetName];
    if (type === "sn" && serial !== undefined) kept[widgetName] = serial;
  }
  const values = { ...kept, ...encodeValues(writing.table.byName, data, {}, encodeContext(writing, "create")) };
  return { ...record, values, updater: writing.by, updateAt: writing.at };
}

export function deletedRecord(record: FormRecord, by: string, at: number): FormRecord {
  return { ...record, deleter: by, deleteAt: at };
}

export function recoveredRecord(record: FormRecord): FormRecord {
  return { ...record, deleter: null, deleteAt: null };
}

function encodeContext(writing: Writing, mode: "create" | "update"): EncodeContext {
  const { store, face, switches, at, transactionId } = writing;
  return {
    face,
    mode,
    switches,
    memberExists: (username) => store.members.has(username),
    departmentExists: (number) => store.departments.has(number),
    fileBelongs: (key) => transactionId !== undefined && store.files.get(key)?.transactionId === transactionId,
    newRowId: () => store.ids.objectId(at),
  };
}

/**
 * The checks that the form runs when a person submits or imports, and that an API write does not run.
 *
 * @throws VendorError 3005 naming the field that is missing or doubled
 */
export function checkAsForm(table: FormTable, records: readonly FormRecord[]): void {
  for (const record of records) checkRequired(table.form.fields, record.values);
  for (const field of table.form.fields) if (field.unique === true) checkUnique(table, field, records);
}

function checkUnique(table: FormTable, { widgetName, label }: Field, records: readonly FormRecord[]): void {
  const owners = new Map<Json, string>();
  for (const record of records) {
    const value = record.values[widgetName];
    if (value === undefined) continue;
    if (owners.has(value)) throw new VendorError(3005, `${label}: ${JSON.stringify(value)} twice`);
    owners.set(value, record.id);
  }
  for (const other of table.live.values()) {
    const owner = owners.get(other.values[widgetName] ?? null);
    if (owner === undefined || owner === other.id) continue;
    throw new VendorError(3005, `${label}: ${JSON.stringify(other.values[widgetName])} exists already`);
  }
}

function checkRequired(fields: readonly Field[], values: Values): void {
  for (const field of fields) {
    if (field.required === true && values[field.widgetName] === undefined) {
      throw new VendorError(3005, `${field.label} is required`);
    }
  }
}

/**
 * The stock rule of an 聚合表: checked by the form and by single API writes, not by batches.
 *
 * @param before  the record as it stands, undefined for a new one
 * @param after  the record as it will be, undefined for a deletion
 * @throws VendorError 4402
 */
export function checkAggregates(
  store: Store,
  table: FormTable,
  before: FormRecord | undefined,
  after: FormRecord | undefined,
): void {
  const rules = store.apps.get(table.form.appId)?.aggregates ?? [];
  for (const rule of rules) {
    const own = rule.sources.filter((source) => source.entry_id === table.form.entryId);
    if (own.length === 0) continue;
    const sums = new Map<string, number>();
    for (const source of rule.sources) {
      const other = store.tables.get(source.entry_id);
      if (other === undefined) continue;
      for (const record of other.live.values()) {
        if (record.id !== before?.id) addTo(sums, other, record, source);
      }
    }
    if (after !== undefined) for (const source of own) addTo(sums, table, after, source);
    const low = [...sums].find(([, sum]) => sum < rule.minimum);
    if (low !== undefined) throw new VendorError(4402, `${rule.name}: ${low[0]}`);
  }
}

interface AggregateSource {
  readonly dimensions: readonly string[];
  readonly value: string;
  readonly sign: 1 | -1;
}

function addTo(sums: Map<string, number>, table: FormTable, record: FormRecord, source: AggregateSource): void {
  const read = (name: string): Json | undefined => record.values[table.field(name)?.widgetName ?? ""];
  const key = JSON.stringify(source.dimensions.map((name) => read(name) ?? null));
  const amount = read(source.value);
  sums.set(key, (sums.get(key) ?? 0) + source.sign * (typeof amount === "number" ? amount : 0));
}
