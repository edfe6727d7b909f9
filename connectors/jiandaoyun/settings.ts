import { z } from "zod";
import { Decimal } from "../../domain/decimal.ts";
import { MovementKind } from "../../domain/movement.ts";

/** Calls per second and company that the vendor allows. Source: Jiandaoyun reference §2. */
export const VENDOR_RATES = {
  all: 50,
  apps: 30,
  forms: 30,
  fields: 30,
  list: 30,
  get: 30,
  create: 10,
  update: 20,
  instance: 30,
  approve: 20,
} as const;
export type Lane = keyof typeof VENDOR_RATES;
/** Other programs of the company share the vendor's limits, so we ask for four fifths. */
const SHARE_PERCENT = 80;
const share = (rate: number): number => Math.floor((rate * SHARE_PERCENT) / 100);

const rate = (lane: Lane) => z.number().positive().max(VENDOR_RATES[lane]).default(share(VENDOR_RATES[lane]));

/** What the vendor calls a field: an alias, an id (`_widget_…`), or one of the system fields. */
export const VendorField = z
  .string()
  .regex(/^(_widget_\d+|[a-z][a-z0-9_]*|_id|createTime|updateTime)$/, "no field alias or id");
export const systemFields: ReadonlySet<string> = new Set(["_id", "createTime", "updateTime"]);

/** Our names of what a form can carry; each is looked for in the line first, then in the head. */
export const ourFields = [
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
const Fields = z.partialRecord(z.enum(ourFields), VendorField);

/** Fields without which nothing of a form can be used, by what the form carries. */
const needed = {
  movements: ["documentNumber", "item", "quantity"],
  counts: ["documentNumber", "item", "bookQuantity", "countedQuantity"],
  items: ["item", "unit"],
  balances: ["item", "quantity"],
} as const satisfies Record<string, readonly OurField[]>;

const texts = z.array(z.string().min(1)).min(1);
/** A record meets it when the field holds one of these texts. */
export const Condition = z.strictObject({ field: VendorField, in: texts });
export type Condition = z.infer<typeof Condition>;
export const HexId = z.string().regex(/^[0-9a-f]{24}$/, "24 lower-case hex characters");

/** What every use of a connection to one app needs, be it a source or a ledger. */
export const appShape = {
  appId: HexId,
  /** The company's zone: decides to which calendar day an instant belongs. */
  zone: z.string().default("Asia/Shanghai").refine(isZone, "no such time zone"),
  /** Calls per second, below the vendor's limits; `all` is the company-wide one. */
  rates: z
    .strictObject({
      all: rate("all"),
      apps: rate("apps"),
      forms: rate("forms"),
      fields: rate("fields"),
      list: rate("list"),
      get: rate("get"),
      create: rate("create"),
      update: rate("update"),
      instance: rate("instance"),
      approve: rate("approve"),
    })
    .prefault({}),
  /** Wait before a refused or lost read is asked again; doubles each time. The vendor wants at least a second. */
  retryWaitMs: z.int().min(1).default(1_000),
  /** How long one request may take. */
  timeoutMs: z.int().min(100).max(120_000).default(30_000),
} as const;

export const FormSettings = z
  .strictObject({
    entryId: HexId,
    carries: z.enum(["movements", "counts", "items", "balances"]),
    /** Of the head: our name → the alias or id in the form. */
    fields: Fields.default({}),
    /** The subform that holds the lines; without it the record is its own only line. */
    lines: z.strictObject({ subform: VendorField, fields: Fields }).optional(),
    constants: z
      .strictObject({
        kind: MovementKind.optional(),
        currency: z.string().min(1).max(10).default("CNY"),
        warehouse: z.string().max(200).optional(),
        unit: z.string().max(50).optional(),
        partner: z.string().max(200).optional(),
        department: z.string().max(200).optional(),
        cause: z.string().max(100).optional(),
        itemClass: z.string().max(200).optional(),
        invoiced: z.boolean().optional(),
      })
      .prefault({}),
    /** The form's own words for the kind of movement, read from the field `kind`. */
    kinds: z.record(z.string().min(1), MovementKind).default({}),
    /** Only records that meet every condition count; the others are as if they were not there (yet). */
    onlyWhen: z.array(Condition).default([]),
    /** A record that meets one of these was taken back: it carries nothing (any more). */
    reversedWhen: z.array(Condition).default([]),
    /** Workflow forms: which states count. `finished` includes what no longer changes by approval. */
    flowState: z.array(z.enum(["running", "finished", "closed", "rejected"])).optional(),
    /** Texts of the field `invoiced` that mean yes. */
    invoicedWhen: texts.default(["是", "已开票"]),
    /** The share of tax in a price, "0.13"; absent: no tax amounts are computed. */
    taxRate: Decimal.optional(),
    priceIncludesTax: z.boolean().default(false),
    /** Digits behind the point of amounts; halves go up, line by line. */
    amountDecimals: z.int().min(0).max(8).default(2),
    /** Digits behind the point of quantities; more is a problem, except for the noise of a computed float. */
    quantityDecimals: z.int().min(0).max(10).default(6),
    /** True where issues are written as negative quantities, receipts as positive ones. */
    signedQuantity: z.boolean().default(false),
  })
  .superRefine((form, context) => {
    const named = { ...form.fields, ...form.lines?.fields };
    const refuse = (message: string): void => context.addIssue({ code: "custom", path: ["fields"], message });
    for (const field of needed[form.carries]) if (named[field] === undefined) refuse(`${field} is not mapped`);
    if (form.carries === "movements" && named.kind === undefined && form.constants.kind === undefined)
      refuse("either map the field kind or give constants.kind");
    if (named.kind !== undefined && Object.keys(form.kinds).length === 0) refuse("kinds is empty");
    if (named.amount !== undefined && named.unitPrice !== undefined) refuse("map amount or unitPrice, not both");
    if (named.salesAmount !== undefined && named.salesPrice !== undefined)
      refuse("map salesAmount or salesPrice, not both");
    if (form.priceIncludesTax && form.taxRate === undefined) refuse("priceIncludesTax needs taxRate");
  });
export type FormSettings = z.infer<typeof FormSettings>;

const Shape = z.strictObject({
  /** Code of the company and of the source that the movements belong to; needed as soon as there are forms. */
  company: z.string().min(1).max(200).optional(),
  source: z.string().min(1).max(200).optional(),
  ...appShape,
  forms: z.record(z.string().min(1).max(200), FormSettings).default({}),
});
export const JiandaoyunSettings = Shape.refine(
  ({ company, forms }) => company !== undefined || Object.keys(forms).length === 0,
  { path: ["company"], message: "forms need the company that they belong to" },
);
export type JiandaoyunSettings = z.infer<typeof JiandaoyunSettings>;

/** Calls per second that the pacer should allow, by lane. Every call takes a permit of `all` and one of its own lane. */
export const ratesOf = (settings: unknown): Readonly<Record<Lane, number>> => JiandaoyunSettings.parse(settings).rates;

export const JiandaoyunSecrets = z.looseObject({
  apiKey: z.string().min(1),
  /** Absent: pushes are not accepted, the regular sync finds everything. */
  webhookSecret: z.string().min(1).optional(),
});
export type JiandaoyunSecrets = z.infer<typeof JiandaoyunSecrets>;

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat("sv-SE", { timeZone: zone }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
