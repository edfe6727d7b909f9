import { parseApiDate, parsePersonDate } from "./dates.ts";
import { VendorError } from "./errors.ts";
import { type Field, type FieldType, isHidden } from "./forms.ts";
import { isObject, type Json } from "./json.ts";
import { fieldsByName, type Values } from "./store.ts";
import type { Switches } from "./switches.ts";

/**
 * What a written value becomes.
 *
 * Source: Jiandaoyun reference §4.7, §5.1, §5.2.
 */
type Encoded =
  | { readonly kind: "value"; readonly value: Json }
  /** Stored empty, because it was emptied or because the vendor swallowed a wrong value. */
  | { readonly kind: "empty" }
  /** The field cannot be written; it keeps what it has. */
  | { readonly kind: "kept" };

export interface EncodeContext {
  /** The API wraps every value and takes a date without an offset for UTC; a person does neither. */
  readonly face: "api" | "person";
  readonly mode: "create" | "update";
  readonly switches: Switches;
  memberExists(username: string): boolean;
  departmentExists(number: number): boolean;
  /** Whether this file was uploaded under the transaction of this request. */
  fileBelongs(key: string): boolean;
  newRowId(): string;
}

const EMPTY: Encoded = { kind: "empty" };
const KEPT: Encoded = { kind: "kept" };
const NUMERIC_TEXT = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/**
 * The values a write leads to. Unknown names are ignored, values that are not wrapped are stored empty: both with
 * success, as measured.
 *
 * @param old  the record's present values; empty for a new one
 * @throws VendorError 3005 and, in strict mode, 17032 and 17034
 */
export function encodeValues(
  byName: ReadonlyMap<string, Field>,
  data: { readonly [name: string]: Json },
  old: Values,
  context: EncodeContext,
): Values {
  const values: Values = { ...old };
  for (const [name, sent] of Object.entries(data)) {
    const field = byName.get(name);
    if (field === undefined || !mayName(field, name, context)) continue;
    const encoded = encodeField(field, sent, values[field.widgetName], context);
    if (encoded.kind === "value") values[field.widgetName] = encoded.value;
    else if (encoded.kind === "empty") delete values[field.widgetName];
  }
  return values;
}

function mayName(field: Field, name: string, { face, switches }: EncodeContext): boolean {
  return face === "person" || switches.aliasInput === "both" || field.alias === undefined || field.alias === name;
}

function encodeField(field: Field, sent: Json, old: Json | undefined, context: EncodeContext): Encoded {
  if (context.face === "person") return encodePersonValue(field, sent, old, context);
  if (!isWrapped(sent)) return swallow(context, `${field.widgetName} is not wrapped`);
  const value = sent["value"] ?? null;
  if (isReadOnly(field.type)) return refuseOrKeep(context, 17032, field.widgetName);
  const cleared = clearing(field.type, value, context);
  return cleared ?? encodeApiValue(field, value, old, context);
}

function isWrapped(sent: Json): sent is { [key: string]: Json } {
  return isObject(sent) && Object.hasOwn(sent, "value");
}

export function isReadOnly(type: FieldType): boolean {
  return type === "linkdata" || type === "sn" || type === "signature" || type === "aggregation" || isHidden(type);
}

function clearing(type: FieldType, value: Json, { mode, switches }: EncodeContext): Encoded | undefined {
  if (isObject(value) && Object.keys(value).length === 0) return EMPTY;
  if (value !== null && value !== "") return undefined;
  const takesEmptyText = value === "" && (type === "text" || type === "textarea");
  // A new record has nothing to clear: there, null and "" were seen to be stored empty. A change refuses them.
  if (mode === "create" || takesEmptyText || switches.clearWith === "permissive") return EMPTY;
  throw new VendorError(3005, "value is null or empty");
}

function encodeApiValue(field: Field, value: Json, old: Json | undefined, context: EncodeContext): Encoded {
  if (field.type === "subform") return encodeApiSubform(field, value, old, context);
  if (field.type === "linkobject" && typeof value === "string") throw new VendorError(3005, field.widgetName);
  const files = field.type === "image" || field.type === "upload";
  const stored = files ? filesOf(value, context) : encodePlain(field.type, value, context, parseApiDate);
  return stored === undefined ? swallow(context, `${field.widgetName}: ${JSON.stringify(value)}`) : filled(stored);
}

function filled(value: Json): Encoded {
  return Array.isArray(value) && value.length === 0 ? EMPTY : { kind: "value", value };
}

function filesOf(value: Json, context: EncodeContext): Json | undefined {
  const keys = stringsOf(value);
  return keys?.filter((key) => context.fileBelongs(key));
}

/** @returns the stored value, or undefined when the vendor would not take this shape */
function encodePlain(
  type: FieldType,
  value: Json,
  context: EncodeContext,
  dateOf: (value: unknown) => number | undefined,
): Json | undefined {
  switch (type) {
    case "text":
      return typeof value === "number" ? String(value) : stringOf(value);
    case "textarea":
    case "radiogroup":
    case "combo":
    case "company":
    case "lookup":
      return stringOf(value);
    case "number":
      return numberOf(value);
    case "datetime":
      return dateOf(value);
    case "checkboxgroup":
    case "combocheck":
      return stringsOf(value);
    case "address":
      return isObject(value) ? addressOf(value) : undefined;
    case "location":
      return isObject(value) ? { ...addressOf(value), lnglatXY: coordinatesOf(value["lnglatXY"]) } : undefined;
    case "phone":
      return isObject(value) && typeof value["phone"] === "string"
        ? { phone: value["phone"], verified: false }
        : undefined;
    case "user":
      return typeof value === "string" && context.memberExists(value) ? value : undefined;
    case "usergroup":
      return stringsOf(value)?.filter((username) => context.memberExists(username));
    case "dept":
      return typeof value === "number" && context.departmentExists(value) ? value : undefined;
    case "deptgroup":
      return Array.isArray(value)
        ? value.filter((entry) => typeof entry === "number" && context.departmentExists(entry))
        : undefined;
    case "linkobject":
      return isObject(value) && typeof value["link_id"] === "string" ? { link_id: value["link_id"] } : undefined;
    case "richtext":
      return typeof value === "string" ? { html: value, attachments: [] } : undefined;
    case "image":
    case "upload":
      return stringsOf(value);
    case "linkdata":
    case "sn":
    case "signature":
    case "aggregation":
    case "separator":
    case "linkquery":
    case "subform":
      return undefined;
  }
}

const stringOf = (value: Json): string | undefined => (typeof value === "string" ? value : undefined);

/** Numbers are IEEE doubles, as everywhere at the vendor; numeric text is converted, other text is not a number. */
function numberOf(value: Json): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || !NUMERIC_TEXT.test(value.trim())) return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

function stringsOf(value: Json): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const strings = value.filter((entry) => typeof entry === "string");
  return strings.length === value.length ? strings : undefined;
}

function addressOf(value: { readonly [key: string]: Json }): { [key: string]: Json } {
  const part = (key: string): Json => stringOf(value[key] ?? "") ?? "";
  return { province: part("province"), city: part("city"), district: part("district"), detail: part("detail") };
}

function coordinatesOf(value: Json | undefined): Json[] {
  return Array.isArray(value) && value.length === 2 && value.every((entry) => typeof entry === "number") ? value : [];
}

/** Naming a subform replaces all its rows; a row keeps its id only if it names one that exists. */
function encodeApiSubform(field: Field, value: Json, old: Json | undefined, context: EncodeContext): Encoded {
  if (!Array.isArray(value)) return swallow(context, `${field.widgetName} is not an array`);
  checkRowCount(value.length, context);
  const byName = fieldsByName(field.items ?? []);
  // The read shape sent back (inner values not wrapped) loses the whole subform, with success.
  const readShape = value.some((row) => !isObject(row) || Object.entries(row).some((e) => isBare(byName, e)));
  if (readShape) return swallow(context, `${field.widgetName} holds rows that are not wrapped`);
  const oldIds = rowIdsOf(old);
  const rows = value.filter(isObject).map((row) => {
    const named = row["_id"];
    const id = isObject(named) && typeof named["value"] === "string" ? named["value"] : undefined;
    return encodeRow(field, row, id !== undefined && oldIds.has(id) ? id : context.newRowId(), context);
  });
  return filled(rows);
}

function isBare(byName: ReadonlyMap<string, Field>, [name, sent]: [string, Json]): boolean {
  return byName.has(name) && !isWrapped(sent);
}

function encodeRow(field: Field, row: { readonly [key: string]: Json }, id: string, context: EncodeContext): Values {
  try {
    return { _id: id, ...encodeValues(fieldsByName(field.items ?? []), row, {}, { ...context, mode: "create" }) };
  } catch (error) {
    if (error instanceof VendorError && error.code === 17032) throw new VendorError(17034, error.detail);
    throw error;
  }
}

function checkRowCount(count: number, { switches }: EncodeContext): void {
  if (count > switches.subformMaxRows) throw new VendorError(3005, `${count} subform rows`);
}

export function rowIdsOf(value: Json | undefined): ReadonlySet<string> {
  const rows = Array.isArray(value) ? value.filter(isObject) : [];
  return new Set(rows.map((row) => row["_id"]).filter((id) => typeof id === "string"));
}

function swallow({ switches }: EncodeContext, what: string): Encoded {
  if (switches.badValues === "strict") throw new VendorError(3005, what);
  return EMPTY;
}

function refuseOrKeep({ switches }: EncodeContext, code: 17032, what: string): Encoded {
  if (switches.badValues === "strict") throw new VendorError(code, what);
  return KEPT;
}

/** A person types into the form: plain values, local times; emptying a field is always possible. */
function encodePersonValue(field: Field, sent: Json, old: Json | undefined, context: EncodeContext): Encoded {
  if (sent === null || sent === "") return EMPTY;
  if (field.type === "subform") return encodePersonSubform(field, sent, old, context);
  // A person picks the record of a 选择数据 field and the form fills in its neighbours; both arrive as plain values.
  if (field.type === "linkdata" && isObject(sent)) return { kind: "value", value: sent };
  if (field.type === "phone" && typeof sent === "string") {
    return { kind: "value", value: { phone: sent, verified: false } };
  }
  // Formulas are not simulated: whoever plays the person says what the form would have computed.
  if (field.type === "sn" || field.type === "aggregation" || field.type === "signature") return filled(sent);
  const stored = encodePlain(field.type, sent, context, parsePersonDate);
  if (stored === undefined) throw new VendorError(3005, `${field.label}: ${JSON.stringify(sent)}`);
  return filled(stored);
}

function encodePersonSubform(field: Field, sent: Json, old: Json | undefined, context: EncodeContext): Encoded {
  if (!Array.isArray(sent)) throw new VendorError(3005, `${field.label} is not a list of rows`);
  checkRowCount(sent.length, context);
  const oldIds = rowIdsOf(old);
  const rows = sent.map((row) => {
    if (!isObject(row)) throw new VendorError(3005, `${field.label} holds something that is no row`);
    const id = typeof row["_id"] === "string" && oldIds.has(row["_id"]) ? row["_id"] : context.newRowId();
    return encodeRow(field, row, id, context);
  });
  return filled(rows);
}

/** What an empty field reads as. */
export function emptyOf(type: FieldType): Json {
  switch (type) {
    case "text":
    case "textarea":
    case "radiogroup":
    case "combo":
    case "company":
    case "lookup":
    case "sn":
      return "";
    case "number":
    case "datetime":
    case "user":
    case "dept":
    case "aggregation":
      return null;
    case "checkboxgroup":
    case "combocheck":
    case "image":
    case "upload":
    case "subform":
    case "usergroup":
    case "deptgroup":
      return [];
    case "address":
      return { province: "", city: "", district: "", detail: "" };
    case "location":
      return { province: "", city: "", district: "", detail: "", lnglatXY: [] };
    case "phone":
    case "linkdata":
    case "linkobject":
    case "signature":
      return {};
    case "richtext":
      return { html: "", attachments: [] };
    case "separator":
    case "linkquery":
      return null;
  }
}
