import { isoOf } from "./clock.ts";
import { emptyOf } from "./fields.ts";
import { type Field, type Form, isHidden, nameOf } from "./forms.ts";
import { isObject, type Json, type JsonObject, rawPlaceholder } from "./json.ts";
import type { FormRecord, Member, Store } from "./store.ts";

/** Read URLs of files die after this time. */
const FILE_URL_LIFE_MS = 15 * 86_400_000;

/**
 * A record as get, list, create and update answer it, or as a push carries it: the two differ in how members look and
 * in `formName`.
 *
 * Source: Jiandaoyun reference §4.1, §10.4.
 */
export interface RenderContext {
  readonly store: Store;
  readonly origin: string;
  readonly shape: "api" | "push";
}

const SYSTEM_NAMES = ["creator", "updater", "deleter", "createTime", "updateTime", "deleteTime", "flowState"] as const;

export function renderRecord(form: Form, record: FormRecord, context: RenderContext): JsonObject {
  const answer: JsonObject = { _id: record.id, appId: form.appId, entryId: form.entryId };
  if (context.shape === "push") answer["formName"] = form.name;
  const system = systemValues(record, context);
  for (const name of SYSTEM_NAMES) answer[name] = system[name] ?? null;
  for (const field of form.fields) addField(answer, field, record.values[field.widgetName], context);
  return answer;
}

/** Only the named fields, and the three ids that always come along. System fields cannot be named here. */
export function renderProjection(
  form: Form,
  record: FormRecord,
  fields: readonly Field[],
  context: RenderContext,
): JsonObject {
  const answer: JsonObject = { _id: record.id, appId: form.appId, entryId: form.entryId };
  for (const field of fields) addField(answer, field, record.values[field.widgetName], context);
  return answer;
}

function systemValues(record: FormRecord, context: RenderContext): JsonObject {
  return {
    creator: renderMember(record.creator, context),
    updater: renderMember(record.updater, context),
    deleter: record.deleter === null ? null : renderMember(record.deleter, context),
    createTime: isoOf(record.createAt),
    updateTime: isoOf(record.updateAt),
    deleteTime: record.deleteAt === null ? null : isoOf(record.deleteAt),
    flowState: record.flowState,
  };
}

function addField(answer: JsonObject, field: Field, value: Json | undefined, context: RenderContext): void {
  if (isHidden(field.type)) return;
  answer[nameOf(field)] = value === undefined ? emptyOf(field.type) : renderValue(field, value, context);
}

function renderValue(field: Field, value: Json, context: RenderContext): Json {
  const planted = rawPlaceholder(value);
  if (planted !== undefined) return planted;
  switch (field.type) {
    case "datetime":
      return typeof value === "number" ? isoOf(value) : value;
    case "user":
      return typeof value === "string" ? renderMember(value, context) : value;
    case "usergroup":
      return textsOf(value).map((username) => renderMember(username, context));
    case "dept":
      return renderDepartment(value, context);
    case "deptgroup":
      return Array.isArray(value) ? value.map((number) => renderDepartment(number, context)) : value;
    case "image":
    case "upload":
      return textsOf(value).map((key) => renderFile(key, context));
    case "subform":
      return Array.isArray(value) ? value.filter(isObject).map((row) => renderRow(field, row, context)) : value;
    case "text":
    case "textarea":
    case "number":
    case "radiogroup":
    case "combo":
    case "checkboxgroup":
    case "combocheck":
    case "address":
    case "location":
    case "linkdata":
    case "lookup":
    case "linkobject":
    case "phone":
    case "sn":
    case "signature":
    case "aggregation":
    case "richtext":
    case "company":
    case "separator":
    case "linkquery":
      return value;
  }
}

function renderRow(field: Field, row: JsonObject, context: RenderContext): JsonObject {
  const answer: JsonObject = { _id: row["_id"] ?? "" };
  for (const inner of field.items ?? []) addField(answer, inner, row[inner.widgetName], context);
  return answer;
}

const textsOf = (value: Json): string[] =>
  Array.isArray(value) ? value.filter((entry) => typeof entry === "string") : [];

export function renderMember(username: string, { store, shape }: RenderContext): JsonObject {
  const member = store.members.get(username);
  return member === undefined ? { name: username, username, status: -1, type: 0 } : memberShape(member, shape);
}

export function memberShape(member: Member, shape: "api" | "push"): JsonObject {
  const { id, name, username, status, type } = member;
  return shape === "push"
    ? { _id: id, name, username, status, type }
    : { name, username, status, type, departments: [...member.departments] };
}

function renderDepartment(number: Json, { store }: RenderContext): Json {
  const department = typeof number === "number" ? store.departments.get(number) : undefined;
  return department === undefined ? null : { ...department, type: 0, status: 1 };
}

function renderFile(key: string, { store, origin }: RenderContext): JsonObject {
  const file = store.files.get(key);
  const expires = store.clock.now() + FILE_URL_LIFE_MS;
  const url = `${origin}/_files/${key}?e=${expires}`;
  return { name: file?.name ?? "", size: file?.size ?? 0, mime: file?.mime ?? "", url };
}
