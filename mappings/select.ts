import type { BusinessDate } from "../domain/dates.ts";
import { periodOf } from "../domain/dates.ts";
import type { Movement, MovementKind } from "../domain/movement.ts";
import type { Purpose } from "../domain/posting.ts";
import { type PostingRule, type Rule, type RulePack, type When, validOn } from "./rule.ts";

/** What conditions look at besides the movement itself. */
export interface Facts {
  readonly purpose: Purpose;
  readonly itemClass: string;
  /** True when the value is below zero. */
  readonly negative: boolean;
  /** The accounting date. */
  readonly on: BusinessDate;
}

/** @returns the first rule that fits on the accounting date, or undefined */
export const selectRule = (pack: RulePack, movement: Movement, facts: Facts): Rule | undefined => {
  for (const { rule, fits } of compiled(pack).get(movement.kind)?.get(facts.purpose) ?? [])
    if (validOn(rule, facts.on) && fits(movement, facts)) return rule;
  return undefined;
};

type Fits = (movement: Movement, facts: Facts) => boolean;
interface Compiled {
  readonly rule: Rule;
  readonly fits: Fits;
}

type CompiledPack = ReadonlyMap<MovementKind, ReadonlyMap<Purpose, readonly Compiled[]>>;
const packs = new WeakMap<RulePack, CompiledPack>();

/** Conditions become functions once per pack, sorted by kind and purpose. */
const compiled = (pack: RulePack): CompiledPack => {
  const known = packs.get(pack);
  if (known !== undefined) return known;
  const made = new Map<MovementKind, Map<Purpose, Compiled[]>>();
  for (const rule of pack.rules) {
    const entry = { rule, fits: fitsOf(rule.when) };
    for (const kind of listOf(rule.when.kind)) {
      const purposes = made.get(kind) ?? new Map<Purpose, Compiled[]>();
      made.set(kind, purposes);
      for (const purpose of listOf<Purpose>(rule.when.purpose ?? "stock"))
        purposes.set(purpose, [...(purposes.get(purpose) ?? []), entry]);
    }
  }
  packs.set(pack, made);
  return made;
};

const listOf = <T>(value: T | readonly T[]): readonly T[] => (isList(value) ? value : [value]);
const isList = <T>(value: T | readonly T[]): value is readonly T[] => Array.isArray(value);

const fitsOf = (when: When): Fits => {
  const tests: Fits[] = [];
  const oneOf = (wanted: string | readonly string[] | undefined, read: (m: Movement, f: Facts) => string): void => {
    if (wanted === undefined) return;
    const values = new Set(listOf<string>(wanted));
    tests.push((movement, facts) => values.has(read(movement, facts)));
  };
  oneOf(when.warehouse, (movement) => movement.warehouse);
  oneOf(when.counterWarehouse, (movement) => movement.counterWarehouse);
  oneOf(when.itemClass, (_, facts) => facts.itemClass);
  oneOf(when.item, (movement) => movement.item);
  oneOf(when.partner, (movement) => movement.partner);
  oneOf(when.department, (movement) => movement.department);
  oneOf(when.cause, (movement) => movement.cause);
  const { invoiced, origin, transferBetween, value } = when;
  if (invoiced !== undefined) tests.push((movement) => movement.invoiced === invoiced);
  if (origin !== undefined) tests.push((movement) => (movement.originDocument !== "") === origin);
  if (value !== undefined) tests.push((_, facts) => facts.negative === (value === "negative"));
  if (transferBetween !== undefined) {
    const [a, b] = transferBetween;
    tests.push(
      ({ warehouse, counterWarehouse }) =>
        (warehouse === a && counterWarehouse === b) || (warehouse === b && counterWarehouse === a),
    );
  }
  return (movement, facts) => tests.every((test) => test(movement, facts));
};

/**
 * The group a movement's voucher belongs to.
 *
 * @returns the record's own id for one voucher per document; "day:2025-01-31:rule" or "period:2025-01:rule" otherwise
 */
export const groupOf = (rule: PostingRule, movement: Movement, on: BusinessDate): string => {
  switch (rule.voucher.group) {
    case "document":
      return movement.recordId;
    case "day":
      return `day:${on}:${rule.name}`;
    case "period":
      return `period:${periodOf(on)}:${rule.name}`;
  }
};
