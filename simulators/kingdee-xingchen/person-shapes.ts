/** What the person's face is sent. Amounts are decimal text, books are named by number (the first one when left out). */

import { z } from "zod";
import { parseDecimal } from "../shared/decimal.ts";

const DEFAULT_PERSON = "财务人员";

export const DecimalText = z.string().transform((text, context) => {
  const value = parseDecimal(text);
  if (value !== undefined) return value;
  context.addIssue({ code: "custom", message: `"${text}" is no decimal text` });
  return z.NEVER;
});
const Period = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/);
const DateText = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);
const Texts = z.record(z.string(), z.string());
const NamedShape = z.strictObject({ number: z.string(), name: z.string() });
const book = z.string().optional();
const user = z.string().default(DEFAULT_PERSON);

const Line = z
  .strictObject({
    explanation: z.string(),
    account: z.string(),
    debit: DecimalText,
    credit: DecimalText,
    quantity: DecimalText,
    unit: z.string(),
    price: DecimalText,
    assist: Texts,
  })
  .partial();
export type LineChange = z.output<typeof Line>;

export const OneDocument = z.strictObject({ id: z.string(), user, force: z.boolean().default(false) });

export const ChangeVoucher = z.strictObject({
  id: z.string(),
  user,
  /** un-audits, changes, and audits again */
  force: z.boolean().default(false),
  head: z
    .strictObject({
      date: DateText,
      group: z.string(),
      number: z.string(),
      remark: z.string(),
      external: z.string(),
    })
    .partial()
    .default({}),
  /** `index` from 0; with `remove` the line goes; an index one past the end adds a line */
  lines: z.array(z.strictObject({ index: z.int().min(0), remove: z.boolean().optional(), ...Line.shape })).default([]),
});

export const WriteVoucher = z.strictObject({
  book,
  date: DateText,
  user,
  group: z.string().default("记"),
  number: z.string().default(""),
  external: z.string().default(""),
  remark: z.string().default(""),
  lines: z.array(Line).min(1),
  stage: z.enum(["saved", "audited"]).default("saved"),
});

export const CopyVoucher = z.strictObject({
  id: z.string(),
  user,
  date: DateText.optional(),
  /** whether the copy carries the external number too */
  keepExternal: z.boolean().default(true),
});

export const BookPeriod = z.strictObject({ book, period: Period });
export const BookRules = z.strictObject({ book, auditorMustDiffer: z.boolean().optional() });
export const ItemState = z.strictObject({ book, kind: z.string(), number: z.string() });

const AccountFields = z.strictObject({
  number: z.string(),
  name: z.string().optional(),
  direction: z.union([z.literal(1), z.literal(-1)]).optional(),
  quantity: z.enum(["none", "optional", "required"]).optional(),
  assist: z.record(z.string(), z.enum(["required", "optional"])).optional(),
});
export const ChangeAccount = z.strictObject({ book, ...AccountFields.shape });

const Company = z.strictObject({
  number: z.string(),
  name: z.string().optional(),
  standard: z.enum(["CAS", "SME"]).optional(),
  openPeriod: Period.optional(),
  startPeriod: Period.optional(),
  auditorMustDiffer: z.boolean().optional(),
  accounts: z.array(AccountFields).optional(),
  openings: z
    .array(
      z.strictObject({
        account: z.string(),
        amount: z.string(),
        assist: Texts.optional(),
        quantity: z.string().optional(),
      }),
    )
    .optional(),
  openingStock: z
    .array(z.strictObject({ item: z.string(), warehouse: z.string(), quantity: z.string(), cost: z.string() }))
    .optional(),
  items: z
    .array(z.strictObject({ ...NamedShape.shape, unit: z.string(), specification: z.string().optional() }))
    .optional(),
  units: z
    .array(z.strictObject({ ...NamedShape.shape, group: z.string().optional(), factor: z.string().optional() }))
    .optional(),
  warehouses: z.array(NamedShape).optional(),
  suppliers: z.array(NamedShape).optional(),
  customers: z.array(NamedShape).optional(),
  departments: z.array(NamedShape).optional(),
  employees: z.array(NamedShape).optional(),
  checkTasks: z.array(z.strictObject({ ...NamedShape.shape, warehouse: z.string() })).optional(),
});

export const BaseDataBulk = z.strictObject({
  book,
  records: z
    .array(
      z.strictObject({
        kind: z.string(),
        number: z.string(),
        name: z.string(),
        enable: z.boolean().optional(),
        attributes: Texts.optional(),
      }),
    )
    .default([]),
  companies: z.array(Company).default([]),
});

export const Right = z.strictObject({
  book,
  /** "gl_voucher", "inv_other_bill_inbound", "bd_material" … */
  entity: z.string(),
  /** "save", "query", "audit" …; "*" is every one */
  operation: z.string().default("*"),
  granted: z.boolean(),
});

export const Secret = z.strictObject({ book });
export const Anything = z.looseObject({});

const BillLineChange = z.strictObject({ quantity: DecimalText, cost: DecimalText, comment: z.string() }).partial();
export const ChangeBill = z.strictObject({
  id: z.string(),
  user,
  force: z.boolean().default(false),
  date: DateText.optional(),
  number: z.string().optional(),
  remark: z.string().optional(),
  lines: z
    .array(z.strictObject({ index: z.int().min(0), remove: z.boolean().optional(), ...BillLineChange.shape }))
    .default([]),
});
export const WriteBill = z.strictObject({
  book,
  /** path of the kind, "inv_other_in" */
  kind: z.string(),
  user,
  /** what the API would be sent */
  body: z.looseObject({}),
  stage: z.enum(["saved", "audited"]).default("saved"),
});
