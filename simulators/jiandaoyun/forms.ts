import { z } from "zod";
import { FaceError, VendorError } from "./errors.ts";
import type { IdFactory } from "./ids.ts";

/** Source of the type names: Jiandaoyun reference §5.1. */
export const FieldType = z.enum([
  "text",
  "textarea",
  "number",
  "datetime",
  "radiogroup",
  "combo",
  "checkboxgroup",
  "combocheck",
  "address",
  "location",
  "image",
  "upload",
  "subform",
  "linkdata",
  "lookup",
  "linkobject",
  "user",
  "usergroup",
  "dept",
  "deptgroup",
  "phone",
  "sn",
  "signature",
  "aggregation",
  "richtext",
  "company",
  "separator",
  "linkquery",
]);
export type FieldType = z.infer<typeof FieldType>;

/** These two never appear in the field list and hold no value. */
export const isHidden = (type: FieldType): boolean => type === "separator" || type === "linkquery";

export interface Field {
  readonly widgetName: string;
  readonly label: string;
  readonly type: FieldType;
  readonly alias?: string | undefined;
  /** Checked by nobody, as at the vendor; shown in dumps only. */
  readonly options?: readonly string[] | undefined;
  readonly required?: boolean | undefined;
  readonly unique?: boolean | undefined;
  readonly items?: readonly Field[] | undefined;
}

export const WorkflowNode = z.object({
  flow_id: z.number().int().positive(),
  name: z.string(),
  assignees: z.array(z.string()).min(1),
  commentRequired: z.boolean().optional(),
  signatureRequired: z.boolean().optional(),
  rollbackForbidden: z.boolean().optional(),
  transferForbidden: z.boolean().optional(),
});
export type WorkflowNode = z.infer<typeof WorkflowNode>;

export interface Form {
  readonly appId: string;
  readonly entryId: string;
  readonly name: string;
  readonly kind: "plain" | "flow";
  readonly fields: readonly Field[];
  readonly nodes: readonly WorkflowNode[];
  readonly createAt: number;
}

/**
 * A stock rule of an 聚合表: per combination of dimensions, the signed sum over several forms may not fall below
 * `minimum`. Fields are named as in requests.
 */
export const Aggregate = z.object({
  name: z.string(),
  minimum: z.number(),
  sources: z.array(
    z.object({
      entry_id: z.string(),
      dimensions: z.array(z.string()).min(1),
      value: z.string(),
      sign: z.union([z.literal(1), z.literal(-1)]),
    }),
  ),
});
export type Aggregate = z.infer<typeof Aggregate>;

export interface App {
  readonly appId: string;
  readonly name: string;
  readonly aggregates: readonly Aggregate[];
}

const fieldShape = {
  label: z.string().min(1),
  type: FieldType,
  alias: z.string().optional(),
  widgetName: z.string().startsWith("_widget_").optional(),
  options: z.array(z.string()).optional(),
  required: z.boolean().optional(),
  unique: z.boolean().optional(),
};
const InnerFieldDefinition = z.strictObject(fieldShape);
/** A field as a person draws it. Its id may be given, so that public samples run unmodified. */
export const FieldDefinition = z.strictObject({ ...fieldShape, items: z.array(InnerFieldDefinition).optional() });
export type FieldDefinition = z.infer<typeof FieldDefinition>;

const HexId = z.string().regex(/^[0-9a-f]{24}$/);

export const FormDefinition = z.strictObject({
  name: z.string().min(1),
  entry_id: HexId.optional(),
  kind: z.enum(["plain", "flow"]).default("plain"),
  fields: z.array(FieldDefinition),
  nodes: z.array(WorkflowNode).default([]),
});
export type FormDefinition = z.input<typeof FormDefinition>;

export const AppDefinition = z.strictObject({
  name: z.string().min(1),
  app_id: HexId.optional(),
  forms: z.array(FormDefinition).default([]),
  aggregates: z.array(Aggregate).default([]),
});
export type AppDefinition = z.input<typeof AppDefinition>;

const ALIAS = /^[a-z][a-z0-9_]*$/;
const FIELDS_MAX = 500;

/** Gives every field its id and checks the rules a form is saved under. */
export function buildFields(definitions: readonly FieldDefinition[], ids: IdFactory, now: number): Field[] {
  const fields = definitions.map(
    (definition): Field => ({
      widgetName: definition.widgetName ?? ids.widgetId(now),
      label: definition.label,
      type: definition.type,
      alias: definition.alias,
      options: definition.options,
      required: definition.required,
      unique: definition.unique,
      items: definition.type === "subform" ? buildFields(definition.items ?? [], ids, now) : undefined,
    }),
  );
  checkFields(fields);
  return fields;
}

/** @throws VendorError 3042 for a bad or doubled alias, 3083 for too many fields */
export function checkFields(fields: readonly Field[]): void {
  if (fields.length > FIELDS_MAX) throw new VendorError(3083, `${FIELDS_MAX}`);
  const names = new Set<string>();
  for (const field of fields) {
    if (field.alias !== undefined && !ALIAS.test(field.alias)) throw new VendorError(3042, field.alias);
    for (const name of field.alias === undefined ? [field.widgetName] : [field.widgetName, field.alias]) {
      if (names.has(name)) throw new VendorError(3042, name);
      names.add(name);
    }
    if (field.items !== undefined) checkFields(field.items);
  }
}

/** The name a field has in every answer and push: its alias if it has one, else its id. */
export function nameOf(field: Field): string {
  return field.alias ?? field.widgetName;
}

/** A field a person means, by alias, id or (when only one carries it) label. */
export function fieldNamed(fields: readonly Field[], name: string): Field {
  const byName = fields.find((field) => field.alias === name || field.widgetName === name);
  if (byName !== undefined) return byName;
  const labelled = fields.filter((field) => field.label === name);
  const [first] = labelled;
  if (first === undefined || labelled.length > 1) {
    throw new FaceError(400, labelled.length > 1 ? `several fields are labelled ${name}` : `no field ${name}`);
  }
  return first;
}
