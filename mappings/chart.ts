import { z } from "zod";
import { Code } from "../domain/movement.ts";
import { DimensionKind } from "../domain/voucher.ts";

/** One account (科目) as the ledger knows it. */
export const ChartAccount = z.strictObject({
  account: Code,
  name: z.string().min(1),
  /** 数量核算 */
  quantity: z.boolean().default(false),
  /** Dimensions without which the ledger refuses a line on this account. */
  dimensions: z.array(DimensionKind).default([]),
});
export type ChartAccount = z.infer<typeof ChartAccount>;

const Override = ChartAccount.partial({ name: true, quantity: true, dimensions: true }).extend({
  quantity: z.boolean().optional(),
  dimensions: z.array(DimensionKind).optional(),
});

export const ChartRole = ChartAccount.extend({
  /** Other accounts for some item classes; what an override leaves out is as above. */
  itemClasses: z.record(Code, Override).optional(),
});
export type ChartRole = z.infer<typeof ChartRole>;

/** Which account plays which role. Numbers are defaults of a template: a company edits its own copy. */
export const Chart = z.strictObject({
  name: Code,
  standard: z.enum(["cas", "sme"]),
  roles: z.record(Code, ChartRole),
});
export type Chart = z.infer<typeof Chart>;

/** @returns undefined when the chart names no account for the role; the same object for the same question */
export const accountOf = (chart: Chart, role: string, itemClass: string): ChartAccount | undefined => {
  const known = resolved.get(chart) ?? new Map<string, ChartAccount | undefined>();
  resolved.set(chart, known);
  const key = `${role}\n${itemClass}`;
  if (!known.has(key)) known.set(key, resolve(chart, role, itemClass));
  return known.get(key);
};
const resolved = new WeakMap<Chart, Map<string, ChartAccount | undefined>>();

const resolve = (chart: Chart, role: string, itemClass: string): ChartAccount | undefined => {
  const found = Object.hasOwn(chart.roles, role) ? chart.roles[role] : undefined;
  if (found === undefined) return undefined;
  const override =
    found.itemClasses !== undefined && Object.hasOwn(found.itemClasses, itemClass)
      ? found.itemClasses[itemClass]
      : undefined;
  return {
    account: override?.account ?? found.account,
    name: override?.name ?? found.name,
    quantity: override?.quantity ?? found.quantity,
    dimensions: override?.dimensions ?? found.dimensions,
  };
};

/** Every account that keeps the company's stock: what the quantity reconciliation reads. */
export const accountsOfRole = (chart: Chart, role: string): readonly string[] => {
  const found = Object.hasOwn(chart.roles, role) ? chart.roles[role] : undefined;
  if (found === undefined) return [];
  return [...new Set([found.account, ...Object.values(found.itemClasses ?? {}).map((each) => each.account)])];
};
