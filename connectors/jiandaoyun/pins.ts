import { createHash } from "node:crypto";
import { ZhangshiError } from "../../domain/errors.ts";
import { type FormSettings, systemFields } from "./settings.ts";
import type { Fields, WidgetWithItems } from "./wire.ts";

/** One configured field, found in the form. */
export interface Pin {
  /** The vendor's own id, which stays whatever is renamed. */
  readonly widgetName: string;
  /** The key under which records carry it today: the alias where one is set. */
  readonly name: string;
  readonly type: string;
}

/** The configured fields of one form, by the word that the configuration uses. */
export interface Pins {
  readonly head: ReadonlyMap<string, Pin>;
  readonly subform: Pin | undefined;
  readonly line: ReadonlyMap<string, Pin>;
  /** Changes when records may read differently although none changed. */
  readonly mark: string;
}

type Widget = Pick<WidgetWithItems, "name" | "widgetName" | "type">;

/** Every field of the head that the configuration names; system fields need no pin. */
export const headFieldsOf = (form: FormSettings): readonly string[] => {
  const conditions = [...form.onlyWhen, ...form.reversedWhen].map((condition) => condition.field);
  const named = [...Object.values(form.fields), ...conditions].filter((field) => field !== undefined);
  return [...new Set(named)].filter((field) => !systemFields.has(field));
};
const lineFieldsOf = (form: FormSettings): readonly string[] =>
  [...new Set(Object.values(form.lines?.fields ?? {}))].filter(
    (field) => field !== undefined && !systemFields.has(field),
  );

/**
 * Finds every configured field. Once found, a field is followed by its id, so that a renamed alias changes nothing.
 * @param known  the pins of an earlier look
 * @throws ZhangshiError FORM_FIELD_GONE, naming form and fields
 */
export const pinFields = (formName: string, form: FormSettings, answer: Fields, known: Pins | undefined): Pins => {
  const gone: string[] = [];
  const pin = (field: string, widgets: readonly Widget[], before: Pin | undefined): Pin | undefined => {
    const found = widgets.find((widget) =>
      before === undefined
        ? widget.name === field || widget.widgetName === field
        : widget.widgetName === before.widgetName,
    );
    if (found === undefined) gone.push(field);
    return found && { widgetName: found.widgetName, name: found.name, type: found.type };
  };
  const pinAll = (
    fields: readonly string[],
    widgets: readonly Widget[],
    before: ReadonlyMap<string, Pin> | undefined,
  ) => {
    const pins = new Map<string, Pin>();
    for (const field of fields) {
      const found = pin(field, widgets, before?.get(field));
      if (found !== undefined) pins.set(field, found);
    }
    return pins;
  };
  const head = pinAll(headFieldsOf(form), answer.widgets, known?.head);
  const subform = form.lines && pin(form.lines.subform, answer.widgets, known?.subform);
  const inner = answer.widgets.find((widget) => widget.widgetName === subform?.widgetName)?.items ?? [];
  const line = subform === undefined ? new Map<string, Pin>() : pinAll(lineFieldsOf(form), inner, known?.line);
  if (gone.length > 0) throw new ZhangshiError("FORM_FIELD_GONE", { form: formName, field: gone.join(" ") });
  const names = [...head.values(), ...(subform === undefined ? [] : [subform]), ...line.values()];
  const mark = createHash("sha256").update(JSON.stringify(names)).digest("hex").slice(0, 16);
  return { head, subform, line, mark };
};
