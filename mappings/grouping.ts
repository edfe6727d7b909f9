import { type BusinessDate, type Period, periodOf } from "../domain/dates.ts";
import type { VoucherLimits } from "../domain/limits.ts";
import type { Movement } from "../domain/movement.ts";
import { type Chart, accountOf } from "./chart.ts";
import type { PostingRule, RulePack } from "./rule.ts";
import { groupOf, selectRule } from "./select.ts";

export type Grouping = PostingRule["voucher"]["group"];

/** A ledger may group its vouchers otherwise than the pack proposes. */
export const regrouped = (pack: RulePack, grouping: Grouping | undefined): RulePack =>
  grouping === undefined
    ? pack
    : {
        ...pack,
        rules: pack.rules.map((rule) =>
          "lines" in rule ? { ...rule, voucher: { ...rule.voucher, group: grouping } } : rule,
        ),
      };

/** What a grouping would have made of a month that the warehouse has already had, where the ledger cannot hold it. */
export type Overflow =
  | {
      readonly kind: "lines";
      readonly rule: string;
      readonly grouping: Grouping;
      readonly group: string;
      readonly count: number;
      readonly max: number;
    }
  | { readonly kind: "vouchers"; readonly period: Period; readonly count: number; readonly max: number };

type Limits = Pick<VoucherLimits, "linesMax" | "vouchersPerPeriodMax">;

/**
 * Draws the groups of past movements, lines and vouchers counted from below: merged lines count once, and only vouchers of the
 * movements themselves (no revenue, no month turn) are counted: what comes out as too much would be more in truth.
 *
 * @param movements  live ones, no matter in which order; happened on days of whole months
 * @returns the worst overflow of each rule, and of each period
 */
export const overflows = (
  pack: RulePack,
  chart: Chart,
  movements: Iterable<Movement>,
  itemClassOf: (item: string) => string,
  limits: Limits,
): readonly Overflow[] => {
  const groups = new Map<string, { readonly rule: PostingRule; readonly on: BusinessDate; lines: number }>();
  for (const movement of movements) {
    const itemClass = itemClassOf(movement.item);
    const facts = { purpose: "stock" as const, itemClass, negative: false, on: movement.happenedOn };
    const rule = selectRule(pack, movement, facts);
    if (rule === undefined || !("lines" in rule)) continue;
    const group = groupOf(rule, movement, movement.happenedOn);
    // Ids of records are unique within their form only; a day or period gathers whatever a rule covers.
    const name = rule.voucher.group === "document" ? `${movement.source} ${movement.form} ${group}` : group;
    const own = rule.lines.filter((line) => standsAlone(line, chart, itemClass)).length;
    const known = groups.get(name);
    if (known !== undefined) known.lines += own;
    else groups.set(name, { rule, on: movement.happenedOn, lines: own + (rule.lines.length - own > 0 ? 1 : 0) });
  }
  return [...longest(groups, limits.linesMax), ...fullest(groups, limits.vouchersPerPeriodMax)];
};

/** As drafting merges: a line with a quantity stays by itself unless the rule says otherwise. */
const standsAlone = (line: PostingRule["lines"][number], chart: Chart, itemClass: string): boolean => {
  if (line.merge !== undefined) return !line.merge;
  return line.quantity !== false && accountOf(chart, line.account, itemClass)?.quantity === true;
};

type Groups = ReadonlyMap<string, { readonly rule: PostingRule; readonly on: BusinessDate; readonly lines: number }>;

const longest = (groups: Groups, max: number): readonly Overflow[] => {
  const worst = new Map<string, Overflow & { readonly kind: "lines" }>();
  for (const [group, { rule, lines }] of groups) {
    if (lines <= max || lines <= (worst.get(rule.name)?.count ?? 0)) continue;
    worst.set(rule.name, { kind: "lines", rule: rule.name, grouping: rule.voucher.group, group, count: lines, max });
  }
  return [...worst.values()];
};

const fullest = (groups: Groups, max: number | undefined): readonly Overflow[] => {
  if (max === undefined) return [];
  const counts = new Map<Period, number>();
  for (const { on } of groups.values()) counts.set(periodOf(on), (counts.get(periodOf(on)) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count > max)
    .map(([period, count]): Overflow => ({ kind: "vouchers", period, count, max }));
};
