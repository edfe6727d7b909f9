import { LosslessNumber } from "lossless-json";
import { z } from "zod";

/** Shapes of the vendor's answers. Numbers arrive as `LosslessNumber`, exactly as spelled. Source: Jiandaoyun reference §3, §4, §9.1, §10. */
const wireNumber = z.instanceof(LosslessNumber).transform((number) => number.value);

export const Refusal = z.object({ code: wireNumber, msg: z.string().default("") });

export const FormList = z.object({ forms: z.array(z.object({ entry_id: z.string(), name: z.string().default("") })) });

const Widget = z.object({ name: z.string(), widgetName: z.string(), label: z.string().default(""), type: z.string() });
export const Fields = z.object({
  widgets: z.array(Widget.extend({ items: z.array(Widget).optional() })),
  dataModifyTime: z.string().optional(),
});
export type Fields = z.infer<typeof Fields>;
export type WidgetWithItems = Fields["widgets"][number];

const InstantText = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?Z$/);

/** Rows are checked where they lie and not copied: forms are wide, and we use a few of their fields. */
export interface Row {
  readonly _id: string;
  readonly [field: string]: unknown;
}
const hasId = (value: unknown, id: RegExp): value is Row =>
  typeof value === "object" && value !== null && "_id" in value && typeof value._id === "string" && id.test(value._id);

/** A row of `data/list`: only its id is demanded here, so that one malformed row does not stop its page. */
const RecordRow = z.custom<Row>((value) => hasId(value, /^[0-9a-f]{24}$/), "no row with an id");
export const RowList = z.object({ data: z.array(RecordRow) });
export const OneRow = z.object({ data: RecordRow });
export const Lines = z.array(z.custom<Row>((value) => hasId(value, /^.{1,200}$/), "no line with an id"));

/** The head of a row that can be used. `deleteTime` is set on what lies in the recycle bin. */
export const Head = z.object({
  createTime: InstantText,
  updateTime: InstantText,
  deleteTime: z.string().nullish(),
  flowState: wireNumber.nullish(),
});
export type Head = z.infer<typeof Head>;

/** `data_remove` may carry nothing but ids; workflow pushes name form and instance instead of entry and record. */
export const Push = z.object({
  op: z.string().min(1).max(100),
  data: z
    .object({
      _id: z.string().max(200).optional(),
      entryId: z.string().max(200).optional(),
      instance_id: z.string().max(200).optional(),
      form_id: z.string().max(200).optional(),
    })
    .default({}),
});
