import { createHash } from "node:crypto";
import { ZhangshiError } from "../../domain/errors.ts";
import { type FormSettings, systemFields } from "./settings.ts";
import type { Fields, Row, WidgetWithItems } from "./wire.ts";

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

/** What is looked for in one form, in the configuration's words. */
export interface WantedFields {
  readonly head: readonly string[];
  readonly subform: string | undefined;
  readonly line: readonly string[];
}

export const pinFields = (formName: string, form: FormSettings, answer: Fields, known: Pins | undefined): Pins =>
  pinNames(
    formName,
    { head: headFieldsOf(form), subform: form.lines?.subform, line: lineFieldsOf(form) },
    answer,
    known,
  );

/**
 * Finds every configured field. Once found, a field is followed by its id, so that a renamed alias changes nothing.
 * @param known  the pins of an earlier look
 * @throws ZhangshiError FORM_FIELD_GONE, naming form and fields
 */
export const pinNames = (formName: string, wanted: WantedFields, answer: Fields, known: Pins | undefined): Pins => {
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
  const head = pinAll(wanted.head, answer.widgets, known?.head);
  const subform = wanted.subform === undefined ? undefined : pin(wanted.subform, answer.widgets, known?.subform);
  const inner = answer.widgets.find((widget) => widget.widgetName === subform?.widgetName)?.items ?? [];
  const line = subform === undefined ? new Map<string, Pin>() : pinAll(wanted.line, inner, known?.line);
  if (gone.length > 0) throw new ZhangshiError("FORM_FIELD_GONE", { form: formName, field: gone.join(" ") });
  const names = [...head.values(), ...(subform === undefined ? [] : [subform]), ...line.values()];
  const mark = createHash("sha256").update(JSON.stringify(names)).digest("hex").slice(0, 16);
  return { head, subform, line, mark };
};

/** True where no row has a key that we look for: an alias was renamed since the form was looked at. */
export const lacksAKey = (pins: Pins, rows: readonly Row[]): boolean => {
  const headKeys = [...pins.head.values(), ...(pins.subform === undefined ? [] : [pins.subform])];
  if (headKeys.some((pin) => rows.every((row) => !Object.hasOwn(row, pin.name)))) return true;
  const { subform } = pins;
  if (subform === undefined) return false;
  const lines = rows.flatMap((row) => {
    const value = row[subform.name];
    return Array.isArray(value) ? value.filter((line: unknown) => typeof line === "object" && line !== null) : [];
  });
  return (
    lines.length > 0 &&
    [...pins.line.values()].some((pin) => lines.every((line: object) => !Object.hasOwn(line, pin.name)))
  );
};
