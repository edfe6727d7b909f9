import { z } from "zod";
import { dateBound } from "./dates.ts";
import { VendorError } from "./errors.ts";
import type { Field, FieldType } from "./forms.ts";
import { isObject, type Json } from "./json.ts";
import type { FormRecord, FormTable, Store } from "./store.ts";
import type { Switches } from "./switches.ts";

/**
 * The filter language of `data/list`, with its worst trap: a condition that names an unknown field, an unknown method or
 * a value of the wrong JSON type is dropped without a word, and the whole table is answered.
 *
 * Source: Jiandaoyun reference §4.4.
 */
export type Predicate = (record: FormRecord) => boolean;

const Filter = z.object({ rel: z.unknown().optional(), cond: z.array(z.unknown()) });
const Condition = z.object({ field: z.string(), method: z.string(), value: z.array(z.json()).optional() });

type Kind =
  | "flowstate"
  | "dataid"
  | "creator"
  | "datetime"
  | "number"
  | "text"
  | "sn"
  | "combocheck"
  | "phone"
  | "user"
  | "usergroup"
  | "dept"
  | "deptgroup"
  | "lookup"
  | "other";

const COMPARE = ["eq", "ne", "in", "nin", "empty", "not_empty"];
const METHODS: Readonly<Record<Kind, readonly string[]>> = {
  flowstate: COMPARE,
  dataid: ["eq", "in", "empty", "not_empty"],
  creator: COMPARE,
  datetime: ["eq", "ne", "range", "empty", "not_empty"],
  number: ["eq", "ne", "range", "gt", "lt", "empty", "not_empty"],
  text: COMPARE,
  sn: [...COMPARE, "like"],
  combocheck: ["in", "all", "empty", "not_empty"],
  phone: ["like", "verified", "unverified", "empty", "not_empty"],
  user: COMPARE,
  usergroup: ["in", "all", "empty", "not_empty"],
  dept: COMPARE,
  deptgroup: ["in", "all", "empty", "not_empty"],
  lookup: COMPARE,
  other: ["empty", "not_empty"],
};

/** Conditions that were understood, and the ids that a `data_id` condition narrows the search to. */
export interface CompiledFilter {
  readonly matches: Predicate;
  readonly ids: readonly string[] | undefined;
}

/**
 * @returns undefined when nothing is left to filter by
 * @throws VendorError 4815 in strict mode
 */
export function compileFilter(
  filter: unknown,
  table: FormTable,
  store: Store,
  switches: Switches,
): CompiledFilter | undefined {
  const parsed = Filter.safeParse(filter);
  if (!parsed.success) return drop(switches, "filter");
  const context = { table, store, switches };
  const compiled = parsed.data.cond.map((condition) => compileCondition(condition, context)).filter(isPresent);
  if (compiled.length === 0) return undefined;
  if (parsed.data.rel === "or") {
    return { matches: (record) => compiled.some(({ matches }) => matches(record)), ids: undefined };
  }
  const ids = compiled.find((condition) => condition.ids !== undefined)?.ids;
  return { matches: (record) => compiled.every(({ matches }) => matches(record)), ids };
}

const isPresent = <Item>(item: Item | undefined): item is Item => item !== undefined;

function drop(switches: Switches, what: string): undefined {
  if (switches.filterErrors === "strict") throw new VendorError(4815, what);
  return undefined;
}

interface Context {
  readonly table: FormTable;
  readonly store: Store;
  readonly switches: Switches;
}

function compileCondition(condition: unknown, context: Context): CompiledFilter | undefined {
  const parsed = Condition.safeParse(condition);
  if (!parsed.success) return drop(context.switches, "condition");
  const { field, method, value = [] } = parsed.data;
  const target = targetOf(field, context.table, context.switches);
  if (target === undefined || !METHODS[target.kind].includes(method)) {
    return drop(context.switches, `${field} ${method}`);
  }
  if (value.length > context.switches.inLimit) throw new VendorError(4815, `${value.length} values`);
  const test = testOf(target.kind, method, value, context.store);
  if (test === undefined) return drop(context.switches, `${field} ${method} ${JSON.stringify(value)}`);
  const matches: Predicate = (record) => test(target.read(record));
  const narrows = target.kind === "dataid" && (method === "eq" || method === "in");
  return { matches, ids: narrows ? value.filter((entry) => typeof entry === "string") : undefined };
}

interface Target {
  readonly kind: Kind;
  read(record: FormRecord): Json | undefined;
}

function targetOf(name: string, table: FormTable, switches: Switches): Target | undefined {
  switch (name) {
    case "flowState":
      return { kind: "flowstate", read: (record) => record.flowState ?? undefined };
    case "data_id":
      return { kind: "dataid", read: (record) => record.id };
    case "creator":
      return { kind: "creator", read: (record) => record.creator };
    case "createTime":
      return { kind: "datetime", read: (record) => record.createAt };
    default:
      return fieldTarget(table.field(name), name, switches);
  }
}

function fieldTarget(field: Field | undefined, name: string, { aliasInput }: Switches): Target | undefined {
  if (field === undefined) return undefined;
  if (aliasInput === "alias-only" && field.alias !== undefined && field.alias !== name) return undefined;
  return { kind: kindOf(field.type), read: (record) => record.values[field.widgetName] };
}

function kindOf(type: FieldType): Kind {
  switch (type) {
    case "text":
    case "textarea":
    case "combo":
    case "radiogroup":
      return "text";
    case "number":
    case "datetime":
    case "sn":
    case "phone":
    case "user":
    case "usergroup":
    case "dept":
    case "deptgroup":
    case "lookup":
      return type;
    case "checkboxgroup":
    case "combocheck":
      return "combocheck";
    case "address":
    case "location":
    case "image":
    case "upload":
    case "subform":
    case "linkdata":
    case "linkobject":
    case "signature":
    case "aggregation":
    case "richtext":
    case "company":
    case "separator":
    case "linkquery":
      return "other";
  }
}

type Test = (stored: Json | undefined) => boolean;

function testOf(kind: Kind, method: string, value: readonly Json[], store: Store): Test | undefined {
  if (method === "empty") return (stored) => stored === undefined;
  if (method === "not_empty") return (stored) => stored !== undefined;
  if (method === "verified" || method === "unverified") {
    return (stored) => isObject(stored) && stored["verified"] === (method === "verified");
  }
  if (kind === "datetime") return dateTest(method, value);
  if (kind === "phone") return likeTest(value, (stored) => (isObject(stored) ? stored["phone"] : undefined));
  if (method === "like") return likeTest(value, (stored) => stored);
  if (method === "range" || method === "gt" || method === "lt") return numberTest(method, value);
  const wanted = valuesFor(kind, value, store);
  if (wanted === undefined) return undefined;
  // `nin` with somebody who does not exist switches the condition off.
  const strangers = isPeople(kind) && [...wanted].some((name) => typeof name === "string" && !store.members.has(name));
  return strangers && method === "nin" ? undefined : setTest(method, wanted);
}

/** @returns the values to compare with, or undefined when one of them has the wrong JSON type */
function valuesFor(kind: Kind, value: readonly Json[], store: Store): ReadonlySet<Json> | undefined {
  const numeric = kind === "number" || kind === "flowstate" || kind === "dept" || kind === "deptgroup";
  if (value.length === 0 || value.some((entry) => typeof entry !== (numeric ? "number" : "string"))) return undefined;
  return new Set(isPeople(kind) ? value.map((entry) => usernameOf(entry, store)) : value);
}

const isPeople = (kind: Kind): boolean => kind === "user" || kind === "creator" || kind === "usergroup";

/** The official sample filters members by id although everything else names them by username: both are taken. */
function usernameOf(value: Json, store: Store): Json {
  if (typeof value !== "string" || store.members.has(value)) return value;
  for (const member of store.members.values()) if (member.id === value) return member.username;
  return value;
}

function setTest(method: string, wanted: ReadonlySet<Json>): Test | undefined {
  const has = (stored: Json | undefined): boolean =>
    Array.isArray(stored) ? stored.some((entry) => wanted.has(entry)) : stored !== undefined && wanted.has(stored);
  switch (method) {
    case "eq":
    case "in":
      return has;
    case "ne":
    case "nin":
      return (stored) => !has(stored);
    case "all":
      return (stored) => Array.isArray(stored) && [...wanted].every((entry) => stored.includes(entry));
    default:
      return undefined;
  }
}

function likeTest(value: readonly Json[], read: (stored: Json | undefined) => Json | undefined): Test | undefined {
  const [part] = value;
  if (typeof part !== "string") return undefined;
  return (stored) => {
    const text = read(stored);
    return typeof text === "string" && text.includes(part);
  };
}

function numberTest(method: string, value: readonly Json[]): Test | undefined {
  const [first, second] = value;
  if (method === "range") return rangeTest(first, second, (bound) => (typeof bound === "number" ? bound : undefined));
  if (typeof first !== "number") return undefined;
  return (stored) => typeof stored === "number" && (method === "gt" ? stored > first : stored < first);
}

function dateTest(method: string, value: readonly Json[]): Test | undefined {
  const [first, second] = value;
  if (method === "range") {
    const upper = second === null || second === undefined ? null : (dateBound(second)?.[1] ?? "");
    return rangeTest(first === null ? null : (dateBound(first)?.[0] ?? ""), upper, asNumber);
  }
  const bound = dateBound(first);
  if (bound === undefined) return undefined;
  const inside: Test = (stored) => typeof stored === "number" && stored >= bound[0] && stored <= bound[1];
  return method === "eq" ? inside : (stored) => !inside(stored);
}

const asNumber = (bound: Json): number | undefined => (typeof bound === "number" ? bound : undefined);

/** Both ends included; null leaves an end open. */
function rangeTest(
  from: Json | undefined,
  to: Json | undefined,
  read: (bound: Json) => number | undefined,
): Test | undefined {
  const low = from === null || from === undefined ? Number.NEGATIVE_INFINITY : read(from);
  const high = to === null || to === undefined ? Number.POSITIVE_INFINITY : read(to);
  if (low === undefined || high === undefined || (from ?? to ?? null) === null) return undefined;
  return (stored) => typeof stored === "number" && stored >= low && stored <= high;
}
