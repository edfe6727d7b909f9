import { z } from "zod";
import { Decimal } from "../../domain/decimal.ts";
import { MovementKind } from "../../domain/movement.ts";

/** Our names of what a row can carry. */
export const ourFields = [
  "recordId",
  "lineId",
  "createdAt",
  "updatedAt",
  "documentNumber",
  "happenedAt",
  "kind",
  "item",
  "warehouse",
  "counterWarehouse",
  "batch",
  "unit",
  "quantity",
  "amount",
  "unitPrice",
  "taxAmount",
  "salesAmount",
  "salesPrice",
  "currency",
  "partner",
  "department",
  "order",
  "cause",
  "invoiced",
  "originDocument",
  "bookQuantity",
  "countedQuantity",
  "name",
  "itemClass",
  "conversionUnit",
  "conversionFactor",
] as const;
export type OurField = (typeof ourFields)[number];

/** Where the source keeps a value: the heading of a column, or a dotted path. */
const Place = z.string().min(1).max(200);
export const Fields = z.partialRecord(z.enum(ourFields), Place);
export type Fields = z.infer<typeof Fields>;

/** Fields without which nothing can be used, by what the rows carry. */
const needed = {
  movements: ["documentNumber", "item", "quantity"],
  counts: ["documentNumber", "item", "bookQuantity", "countedQuantity"],
  items: ["item", "unit"],
  balances: ["item", "quantity"],
} as const satisfies Record<string, readonly OurField[]>;

const texts = z.array(z.string()).min(1);
const Condition = z.strictObject({ field: Place, in: texts });
/** One kind, or one per direction where the source writes both under one word and tells them apart by the sign. */
const Kind = z.union([MovementKind, z.strictObject({ positive: MovementKind, negative: MovementKind })]);

/** What every form of a row source can say; a source adds where its rows come from. */
export const rowFormShape = {
  carries: z.enum(["movements", "counts", "items", "balances"]),
  /** Our name → the column or path. */
  fields: Fields.default({}),
  /** What no column says. */
  constants: z
    .strictObject({
      kind: MovementKind.optional(),
      currency: z.string().min(1).max(10).default("CNY"),
      warehouse: z.string().max(200).optional(),
      counterWarehouse: z.string().max(200).optional(),
      unit: z.string().max(50).optional(),
      partner: z.string().max(200).optional(),
      department: z.string().max(200).optional(),
      cause: z.string().max(100).optional(),
      itemClass: z.string().max(200).optional(),
      invoiced: z.boolean().optional(),
    })
    .prefault({}),
  /** The source's words for the kind of movement, read from the field `kind`. */
  kinds: z.record(z.string().min(1), Kind).default({}),
  /** Per field of ours: their code → the code to use; a code that is not listed stays as it is. */
  codes: z.partialRecord(z.enum(ourFields), z.record(z.string().min(1), z.string())).default({}),
  /** Only rows that meet every condition count; the others are as if they were not there (yet). */
  onlyWhen: z.array(Condition).default([]),
  /** A row that meets one of these was taken back: it carries nothing (any more). */
  reversedWhen: z.array(Condition).default([]),
  /** Texts of the field `invoiced` that mean yes. */
  invoicedWhen: texts.default(["是", "已开票", "true", "t", "1", "Y"]),
  /** The share of tax in a price, "0.13"; absent: no tax amounts are computed. */
  taxRate: Decimal.optional(),
  priceIncludesTax: z.boolean().default(false),
  /** Digits behind the point of amounts; halves go up, line by line. */
  amountDecimals: z.int().min(0).max(8).default(2),
  /** Digits behind the point of quantities; more is a problem, except for the noise of a computed float. */
  quantityDecimals: z.int().min(0).max(10).default(6),
  /** True where issues are written as negative quantities, receipts as positive ones. */
  signedQuantity: z.boolean().default(false),
  /** How instants are written; "auto" knows the usual spellings of days and times, with or without a zone. */
  timeFormat: z.enum(["auto", "epoch-seconds", "epoch-milliseconds"]).default("auto"),
} as const;

const Shape = z.object(rowFormShape);
export type RowForm = z.infer<typeof Shape>;

/** Says what a form lacks. @param named  every field that is mapped, of the line and of the head */
export const complaintsAbout = (form: RowForm, named: Fields): readonly string[] => {
  const complaints: string[] = needed[form.carries]
    .filter((field) => named[field] === undefined)
    .map((field) => `${field} is not mapped`);
  if (form.carries === "movements" && named.kind === undefined && form.constants.kind === undefined)
    complaints.push("either map the field kind or give constants.kind");
  if (named.kind !== undefined && Object.keys(form.kinds).length === 0) complaints.push("kinds is empty");
  if (named.amount !== undefined && named.unitPrice !== undefined) complaints.push("map amount or unitPrice, not both");
  if (named.salesAmount !== undefined && named.salesPrice !== undefined)
    complaints.push("map salesAmount or salesPrice, not both");
  if (form.priceIncludesTax && form.taxRate === undefined) complaints.push("priceIncludesTax needs taxRate");
  return complaints;
};

/** What every row source knows beside its forms. Company, source and zone come from the installation. */
export const rowSourceShape = {
  company: z.string().min(1).max(200).default(""),
  source: z.string().min(1).max(200).default(""),
  /** The company's zone: decides what a time without zone means, and to which calendar day an instant belongs. */
  zone: z.string().default("Asia/Shanghai").refine(isZone, "no such time zone"),
} as const;

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat("sv-SE", { timeZone: zone }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
