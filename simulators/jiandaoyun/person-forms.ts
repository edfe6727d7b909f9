import { z } from "zod";
import { isoOf } from "./clock.ts";
import { FaceError } from "./errors.ts";
import {
  AppDefinition,
  buildFields,
  checkFields,
  type Field,
  FieldDefinition,
  fieldNamed,
  type Form,
  FormDefinition,
} from "./forms.ts";
import type { JsonObject } from "./json.ts";
import { widgetList } from "./meta-api.ts";
import { type PersonContext, read, tableOf } from "./person-context.ts";
import type { Change, FormTable, Store } from "./store.ts";

/** Drawing applications and forms: the vendor's API can do none of this. */

export interface CreatedForm {
  readonly name: string;
  readonly entry_id: string;
  /** Field ids by alias where there is one, else by label. */
  readonly fields: { readonly [name: string]: string };
}

export interface CreatedApp {
  readonly app_id: string;
  readonly name: string;
  readonly forms: readonly CreatedForm[];
}

export function createApp(body: unknown, context: PersonContext): CreatedApp {
  const definition = read(AppDefinition, body);
  const { store } = context;
  const appId = definition.app_id ?? store.ids.objectId(store.clock.now());
  if (store.apps.has(appId)) throw new FaceError(409, `app ${appId} exists already`);
  const forms = definition.forms.map((form) => buildForm(form, appId, store));
  const taken = forms.find(({ entryId }) => store.tables.has(entryId));
  if (taken !== undefined) throw new FaceError(409, `form ${taken.entryId} exists already`);
  const app = { appId, name: definition.name, aggregates: definition.aggregates };
  store.commit([{ kind: "app", app }, ...forms.map((form): Change => ({ kind: "form", form, at: form.createAt }))]);
  return { app_id: appId, name: definition.name, forms: forms.map(describeForm) };
}

export function listApps(_body: unknown, { store }: PersonContext): { apps: CreatedApp[] } {
  return { apps: [...store.apps.keys()].map((appId) => describeApp(store, appId)) };
}

/** An application as it stands, in the shape its creation was answered. */
export function describeApp(store: Store, appId: string): CreatedApp {
  const forms = [...store.tables.values()].map(({ form }) => form).filter((form) => form.appId === appId);
  return { app_id: appId, name: store.apps.get(appId)?.name ?? "", forms: forms.map(describeForm) };
}

const NewForm = FormDefinition.extend({ app_id: z.string() });

export function createForm(body: unknown, { store }: PersonContext): CreatedForm {
  const definition = read(NewForm, body);
  if (!store.apps.has(definition.app_id)) throw new FaceError(404, `no app ${definition.app_id}`);
  const form = buildForm(definition, definition.app_id, store);
  if (store.tables.has(form.entryId)) throw new FaceError(409, `form ${form.entryId} exists already`);
  store.commit([{ kind: "form", form, at: form.createAt }]);
  return describeForm(form);
}

function buildForm(definition: z.output<typeof FormDefinition>, appId: string, store: Store): Form {
  const now = store.clock.now();
  return {
    appId,
    entryId: definition.entry_id ?? store.ids.objectId(now),
    name: definition.name,
    kind: definition.kind,
    fields: buildFields(definition.fields, store.ids, now),
    nodes: definition.nodes,
    createAt: now,
  };
}

function describeForm({ name, entryId, fields }: Form): CreatedForm {
  const ids = Object.fromEntries(fields.map((field) => [field.alias ?? field.label, field.widgetName]));
  return { name, entry_id: entryId, fields: ids };
}

const Alteration = z.strictObject({
  entry_id: z.string(),
  name: z.string().min(1).optional(),
  add: z.array(FieldDefinition).default([]),
  /** Fields by alias, id or label. A field that is removed loses its values; added again, it has a new id. */
  remove: z.array(z.string()).default([]),
  set: z
    .array(
      z.strictObject({
        field: z.string(),
        alias: z.string().nullable().optional(),
        label: z.string().min(1).optional(),
        required: z.boolean().optional(),
        unique: z.boolean().optional(),
        /** For fields inside this subform. */
        inner: z.array(z.strictObject({ field: z.string(), alias: z.string().nullable() })).optional(),
      }),
    )
    .default([]),
});

export function alterForm(body: unknown, context: PersonContext): CreatedForm {
  const request = read(Alteration, body);
  const table = tableOf(request.entry_id, context);
  const { store } = context;
  const removed = new Set(request.remove.map((name) => fieldNamed(table.form.fields, name).widgetName));
  const changes = new Map(request.set.map((change) => [fieldNamed(table.form.fields, change.field), change]));
  const kept = table.form.fields
    .filter(({ widgetName }) => !removed.has(widgetName))
    .map((field) => alterField(field, changes.get(field)));
  const fields = [...kept, ...buildFields(request.add, store.ids, store.clock.now())];
  checkFields(fields);
  return saveForm({ ...table.form, name: request.name ?? table.form.name, fields }, table, context);
}

type FieldChange = z.output<typeof Alteration>["set"][number];

function alterField(field: Field, change: FieldChange | undefined): Field {
  if (change === undefined) return field;
  const aliases = new Map(change.inner?.map(({ field: name, alias }) => [fieldNamed(field.items ?? [], name), alias]));
  return {
    ...field,
    alias: change.alias === undefined ? field.alias : (change.alias ?? undefined),
    label: change.label ?? field.label,
    required: change.required ?? field.required,
    unique: change.unique ?? field.unique,
    items: field.items?.map((item) => (aliases.has(item) ? { ...item, alias: aliases.get(item) ?? undefined } : item)),
  };
}

function saveForm(form: Form, table: FormTable, { store, pushes }: PersonContext): CreatedForm {
  const at = store.touch(table);
  store.commit([{ kind: "form", form, at }]);
  const data: JsonObject = {
    appId: form.appId,
    entryId: form.entryId,
    createTime: isoOf(form.createAt),
    name: form.name,
    widgets: widgetList(form.fields),
  };
  pushes.raise(form.entryId, "form_update", data, at);
  return describeForm(form);
}

const AliasChange = z.strictObject({ entry_id: z.string(), field: z.string(), alias: z.string().nullable() });

export function renameAlias(body: unknown, context: PersonContext): CreatedForm {
  const { entry_id, field, alias } = read(AliasChange, body);
  return alterForm({ entry_id, set: [{ field, alias }] }, context);
}

const FormAddress = z.strictObject({ entry_id: z.string() });

export function resetSerials(body: unknown, context: PersonContext): unknown {
  tableOf(read(FormAddress, body).entry_id, context).resetSerials();
  return {};
}
