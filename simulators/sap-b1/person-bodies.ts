/** What a body of the person's face may say about a company: the same description that starts a simulator. */

import { z } from "zod";
import { parseDecimal } from "../shared/decimal.ts";
import type { CompanySeed } from "./company.ts";

export const Period = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/);
export const DateText = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);
export const DecimalText = z.string().refine((text) => parseDecimal(text) !== undefined, "no decimal text");
const Texts = z.record(z.string(), z.string());
const Named = z.strictObject({ code: z.string(), name: z.string() });
const Partner = z.strictObject({ ...Named.shape, account: z.string().optional() });

export const CompanyBody = z.strictObject({
  companyDb: z.string().optional(),
  name: z.string().optional(),
  localCurrency: z.string().optional(),
  standard: z.enum(["CAS", "SME"]).optional(),
  accounts: z
    .array(
      z.strictObject({
        code: z.string(),
        name: z.string().optional(),
        parent: z.string().optional(),
        type: z.enum(["at_Revenues", "at_Expenses", "at_Other"]).optional(),
        control: z.boolean().optional(),
        blockManualPosting: z.boolean().optional(),
        projectRelevant: z.boolean().optional(),
        distributionRuleRelevant: z.boolean().optional(),
      }),
    )
    .optional(),
  items: z
    .array(
      z.strictObject({
        ...Named.shape,
        unit: z.string().optional(),
        batches: z.boolean().optional(),
        serials: z.boolean().optional(),
        properties: Texts.optional(),
      }),
    )
    .optional(),
  warehouses: z.array(z.strictObject({ ...Named.shape, properties: Texts.optional() })).optional(),
  suppliers: z.array(Partner).optional(),
  customers: z.array(Partner).optional(),
  costCentres: z.array(Named).optional(),
  projects: z.array(Named).optional(),
  rates: z.array(z.strictObject({ currency: z.string(), date: DateText, rate: DecimalText })).optional(),
  openings: z
    .array(z.strictObject({ account: z.string(), amount: DecimalText, partner: z.string().optional() }))
    .optional(),
  stock: z
    .array(
      z.strictObject({
        item: z.string(),
        warehouse: z.string(),
        quantity: DecimalText,
        price: DecimalText,
        batch: z.string().optional(),
      }),
    )
    .optional(),
  userTables: z
    .array(z.strictObject({ name: z.string(), description: z.string().optional(), type: z.string().optional() }))
    .optional(),
  userFields: z
    .array(
      z.strictObject({
        table: z.string(),
        name: z.string(),
        type: z.string().optional(),
        size: z.int().optional(),
        description: z.string().optional(),
      }),
    )
    .optional(),
}) satisfies z.ZodType<CompanySeed>;
