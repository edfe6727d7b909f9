import { z } from "zod";
import { type ApiContext, type Body, checkApp, type Interface, read, tableOf } from "./api-context.ts";
import { isoOf } from "./clock.ts";
import { type Field, type Form, isHidden, nameOf } from "./forms.ts";
import type { JsonObject } from "./json.ts";

/**
 * What the API tells about applications and forms. It can create neither.
 *
 * Source: Jiandaoyun reference §3.
 */
export const META_INTERFACES: readonly Interface[] = [
  { path: "v5/app/list", operation: "apps", rate: 30, effect: "read", handle: apps },
  { path: "v5/app/entry/list", operation: "forms", rate: 30, effect: "read", handle: forms },
  { path: "v5/app/entry/widget/list", operation: "fields", rate: 30, effect: "read", handle: widgets },
];

const ROWS_MAX = 100;
const Window = z.object({
  skip: z.int().min(0).default(0),
  limit: z.int().min(1).max(ROWS_MAX).default(ROWS_MAX),
});

function apps(body: Body, { store, key }: ApiContext): unknown {
  const { skip, limit } = read(Window, body);
  const visible = [...store.apps.values()].filter(({ appId }) => key.apps === undefined || key.apps.includes(appId));
  return { apps: visible.slice(skip, skip + limit).map(({ name, appId }) => ({ name, app_id: appId })) };
}

const AppAddress = z.object({ app_id: z.string() });

function forms(body: Body, context: ApiContext): unknown {
  const { app_id: appId } = read(AppAddress, body);
  checkApp(appId, context);
  const { skip, limit } = read(Window, body);
  const all = [...context.store.tables.values()].map(({ form }) => form).filter((form) => form.appId === appId);
  const rows = all.slice(skip, skip + limit);
  return { forms: rows.map(({ name, entryId }) => ({ name, app_id: appId, entry_id: entryId })) };
}

function widgets(body: Body, context: ApiContext): unknown {
  const { form, modifiedAt } = tableOf(body, context);
  // Stale: the flag has not moved although the data has.
  const stale = context.fault?.kind === "reorder" && context.fault.variant === "stale";
  return {
    widgets: widgetList(form.fields),
    sysWidgets: systemWidgets(form),
    dataModifyTime: isoOf(stale ? form.createAt : modifiedAt),
  };
}

/** The fields as the field list and a `form_update` push show them. */
export function widgetList(fields: readonly Field[]): JsonObject[] {
  return fields
    .filter(({ type }) => !isHidden(type))
    .map((field) => {
      const widget: JsonObject = {
        name: nameOf(field),
        widgetName: field.widgetName,
        label: field.label,
        type: field.type,
      };
      if (field.items !== undefined) widget["items"] = widgetList(field.items);
      return widget;
    });
}

function systemWidgets({ kind }: Form): { name: string }[] {
  const names = ["creator", "updater", "deleter", "ext", "createTime", "updateTime", "deleteTime"];
  return (kind === "flow" ? [...names, "flowState"] : names).map((name) => ({ name }));
}
