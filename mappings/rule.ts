import { z } from "zod";
import { BusinessDate } from "../domain/dates.ts";
import { Code, MovementKind } from "../domain/movement.ts";
import { Purpose } from "../domain/posting.ts";
import { Side, dimensionKinds } from "../domain/voucher.ts";

const oneOrMore = <T extends z.ZodType>(of: T) => z.union([of, z.array(of).min(1)]);
const text = z.string().min(1).max(200);

/**
 * The amounts a line can carry.
 * value: stock value moved · net, tax, gross: of the document (gross = net + tax) · difference: net − value ·
 * variance: value − net · sales, salesTax, salesGross: of a sales line · provision: provision released with the goods ·
 * carrying: value − provision
 */
export const amountNames = [
  "value",
  "net",
  "tax",
  "gross",
  "difference",
  "variance",
  "sales",
  "salesTax",
  "salesGross",
  "provision",
  "carrying",
] as const;
export const AmountName = z.enum(amountNames);
export type AmountName = z.infer<typeof AmountName>;

/** "counter-warehouse" puts the destination of a transfer into the warehouse dimension. */
export const RuleDimension = z.enum([...dimensionKinds, "counter-warehouse"]);
export type RuleDimension = z.infer<typeof RuleDimension>;

/** What a summary may quote. */
export const summaryFields = [
  "documentNumber",
  "originDocument",
  "date",
  "period",
  "item",
  "itemName",
  "warehouse",
  "counterWarehouse",
  "partner",
  "department",
  "order",
  "cause",
] as const;
export type SummaryField = (typeof summaryFields)[number];
const knownFields: ReadonlySet<string> = new Set(summaryFields);

export const SummaryTemplate = z
  .string()
  .min(1)
  .max(200)
  .refine(
    (template) => [...template.matchAll(/\{([^}]*)\}/g)].every(([, name]) => knownFields.has(name ?? "")),
    `a summary may quote ${summaryFields.map((name) => `{${name}}`).join(" ")}`,
  );

/** Every condition that is written must hold; a list means "one of these". */
export const When = z
  .strictObject({
    kind: oneOrMore(MovementKind),
    /** Without it: "stock". */
    purpose: oneOrMore(Purpose).optional(),
    invoiced: z.boolean().optional(),
    /** Whether the movement names an earlier document. */
    origin: z.boolean().optional(),
    warehouse: oneOrMore(text).optional(),
    counterWarehouse: oneOrMore(text).optional(),
    /** Either direction between the two. */
    transferBetween: z.tuple([text, text]).optional(),
    itemClass: oneOrMore(text).optional(),
    item: oneOrMore(text).optional(),
    partner: oneOrMore(text).optional(),
    department: oneOrMore(text).optional(),
    cause: oneOrMore(text).optional(),
    /** Sign of the value, where the entry of an increase differs from that of a decrease. */
    value: z.enum(["positive", "negative"]).optional(),
  })
  .meta({ description: "All conditions that are written must hold; a list means one of these." });
export type When = z.infer<typeof When>;

export const RuleLine = z.strictObject({
  side: Side,
  /** The role; the chart says which account it is. */
  account: Code,
  amount: AmountName,
  /** Red: amount and quantity change their sign, the side stays. */
  negative: z.boolean().optional(),
  /** False leaves the quantity out although the account keeps quantities (a mere change of value). */
  quantity: z.boolean().optional(),
  /** True where an absent amount is a problem and not zero (the VAT to transfer out). */
  required: z.boolean().optional(),
  /** Besides those the account demands. */
  dimensions: z.array(RuleDimension).optional(),
  /** One line for all movements with equal account and dimensions; without it: true unless the line has a quantity. */
  merge: z.boolean().optional(),
  why: z.string().min(1),
});
export type RuleLine = z.infer<typeof RuleLine>;

const head = {
  name: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, "lower case words joined by hyphens"),
  version: z.int().min(1),
  validFrom: BusinessDate,
  /** The last day on which the rule holds. */
  validTo: BusinessDate.optional(),
  when: When,
};

const PostingRule = z.strictObject({
  ...head,
  voucher: z.strictObject({
    word: Code,
    summary: SummaryTemplate,
    group: z.enum(["document", "day", "period"]),
  }),
  lines: z.array(RuleLine).min(2),
});

/** Says that a movement needs no voucher, and why. */
const SilentRule = z.strictObject({ ...head, none: z.string().min(1) });

export const Rule = z.union([PostingRule, SilentRule]).superRefine((rule, context) => {
  if (rule.validTo !== undefined && rule.validTo < rule.validFrom)
    context.addIssue({ code: "custom", path: ["validTo"], message: "validTo lies before validFrom" });
  if (!("lines" in rule)) return;
  const open = openAmounts(rule.lines);
  if (open.length > 0)
    context.addIssue({
      code: "custom",
      path: ["lines"],
      message: `debit and credit differ by ${open.join(", ")}: the rule cannot balance`,
    });
});
export type Rule = z.infer<typeof Rule>;
export type PostingRule = z.infer<typeof PostingRule>;

/** Rules are tried from top to bottom; the first that fits is used. */
export const RulePack = z
  .strictObject({
    name: Code,
    standard: z.enum(["cas", "sme"]),
    rules: z.array(Rule).min(1),
  })
  .superRefine((pack, context) => {
    pack.rules.forEach((rule, index) => {
      const clash = pack.rules.findIndex((other, at) => at < index && other.name === rule.name && overlap(other, rule));
      if (clash >= 0)
        context.addIssue({
          code: "custom",
          path: ["rules", index, "validFrom"],
          message: `${rule.name} version ${rule.version} overlaps version ${pack.rules[clash]?.version ?? 0} in time`,
        });
    });
  });
export type RulePack = z.infer<typeof RulePack>;

const FAR = "9999-12-31";
type Validity = { readonly validFrom: string; readonly validTo?: string | undefined };
export const overlap = (a: Validity, b: Validity): boolean =>
  a.validFrom <= (b.validTo ?? FAR) && b.validFrom <= (a.validTo ?? FAR);
export const validOn = (of: Validity, day: string): boolean => of.validFrom <= day && day <= (of.validTo ?? FAR);

/** Each amount as a sum of independent ones, so that balance can be proven without any number. */
const partsOf: Readonly<Record<AmountName, Readonly<Record<string, number>>>> = {
  value: { value: 1 },
  net: { net: 1 },
  tax: { tax: 1 },
  gross: { net: 1, tax: 1 },
  difference: { net: 1, value: -1 },
  variance: { value: 1, net: -1 },
  sales: { sales: 1 },
  salesTax: { salesTax: 1 },
  salesGross: { sales: 1, salesTax: 1 },
  provision: { provision: 1 },
  carrying: { value: 1, provision: -1 },
};

/** The independent amounts by which debit and credit differ; empty when the rule balances whatever the amounts are. */
export const openAmounts = (lines: readonly Pick<RuleLine, "side" | "amount" | "negative">[]): readonly string[] => {
  const total = new Map<string, number>();
  for (const line of lines) {
    const sign = (line.side === "debit" ? 1 : -1) * (line.negative === true ? -1 : 1);
    for (const [part, factor] of Object.entries(partsOf[line.amount]))
      total.set(part, (total.get(part) ?? 0) + sign * factor);
  }
  return [...total].filter(([, factor]) => factor !== 0).map(([part]) => part);
};
