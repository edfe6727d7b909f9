import type { Period } from "../../domain/dates.ts";
import { type Decimal, ZERO, add, isZero, round, subtract } from "../../domain/decimal.ts";
import type { AccountBalance } from "../contract.ts";
import type { YonyouU8Settings } from "./settings.ts";
import { vendorNumber } from "./values.ts";
import { placeOf } from "./voucher-body.ts";

/** Asks SQLEXE; names of columns arrive in lower case. */
export type AskSql = (statement: string) => Promise<readonly Readonly<Record<string, string>>[]>;

/**
 * Sums of GL_accvouch by account and item, unposted vouchers included and void ones left out (columns: reference §4.2). Rows of
 * period 0, 20 and 21 are openings of other kinds. What the book opened with is not in it: GL_accsum knows posted vouchers alone.
 */
export const readSums = async (
  ask: AskSql,
  settings: YonyouU8Settings,
  since: Period,
  of: Period,
): Promise<readonly AccountBalance[]> => {
  const item = itemColumn(settings);
  const columns = ["ccode", ...item.columns];
  const statement = (when: string): string =>
    `SELECT ${columns.join(", ")}, SUM(md) AS debit, SUM(mc) AS credit, SUM(nd_s) AS debitq, SUM(nc_s) AS creditq ` +
    `FROM GL_accvouch WHERE ${when} AND iperiod BETWEEN 1 AND 12 AND ISNULL(iflag,0) <> 1 ` +
    `GROUP BY ${columns.join(", ")};`;
  const [year, month] = partsOf(of);
  const [sinceYear, sinceMonth] = partsOf(since);
  const sums = new Map<string, Sums>();
  const isBefore = `(iyear < ${year} OR (iyear = ${year} AND iperiod < ${month}))`;
  const isSince = `(iyear > ${sinceYear} OR (iyear = ${sinceYear} AND iperiod >= ${sinceMonth}))`;
  for (const row of await ask(statement(`${isBefore} AND ${isSince}`)))
    take(sums, row, item.of(row), "before", settings);
  for (const row of await ask(statement(`iyear = ${year} AND iperiod = ${month}`)))
    take(sums, row, item.of(row), "within", settings);
  return [...sums.values()].map(balanceOf);
};

const partsOf = (of: Period): readonly [number, number] => {
  const [year = "", month = ""] = of.split("-");
  return [Number(year), Number(month)];
};

const COLUMNS: Readonly<Record<string, string>> = {
  dept_id: "cdept_id",
  personnel_id: "cperson_id",
  cust_id: "ccus_id",
  supplier_id: "csup_id",
};

/** Where the item stands on a line, and how it is read from a row. */
const itemColumn = (
  settings: YonyouU8Settings,
): { readonly columns: readonly string[]; readonly of: (row: Readonly<Record<string, string>>) => string } => {
  const place = placeOf(settings, "item");
  if (place === undefined) return { columns: [], of: () => "" };
  if (typeof place !== "string")
    return {
      columns: ["citem_class", "citem_id"],
      of: (row) => (row["citem_class"]?.trim() === place.itemClass ? (row["citem_id"] ?? "").trim() : ""),
    };
  const column = COLUMNS[place] ?? place.replace("self_define", "cDefine");
  return { columns: [column], of: (row) => (row[column.toLowerCase()] ?? "").trim() };
};

type Side = { readonly debit: Decimal; readonly credit: Decimal; readonly debitQ: Decimal; readonly creditQ: Decimal };
interface Sums {
  readonly account: string;
  readonly item: string;
  readonly before: Side;
  readonly within: Side;
}
const NOTHING: Side = { debit: ZERO, credit: ZERO, debitQ: ZERO, creditQ: ZERO };

const take = (
  sums: Map<string, Sums>,
  row: Readonly<Record<string, string>>,
  item: string,
  when: "before" | "within",
  { quantityDecimals }: YonyouU8Settings,
): void => {
  const account = (row["ccode"] ?? "").trim();
  const number = (name: string): Decimal => vendorNumber(row[name] ?? "", name);
  // Floats added up by the database carry noise behind the last digit.
  const quantity = (name: string): Decimal => round(number(name), quantityDecimals);
  const more: Side = {
    debit: number("debit"),
    credit: number("credit"),
    debitQ: quantity("debitq"),
    creditQ: quantity("creditq"),
  };
  for (const one of new Set(["", item])) {
    const name = JSON.stringify([account, one]);
    const known = sums.get(name) ?? { account, item: one, before: NOTHING, within: NOTHING };
    const side = known[when];
    const added: Side = {
      debit: add(side.debit, more.debit),
      credit: add(side.credit, more.credit),
      debitQ: add(side.debitQ, more.debitQ),
      creditQ: add(side.creditQ, more.creditQ),
    };
    sums.set(name, { ...known, [when]: added });
  }
};

const balanceOf = ({ account, item, before, within }: Sums): AccountBalance => {
  const opening = subtract(before.debit, before.credit);
  const openingQuantity = subtract(before.debitQ, before.creditQ);
  const has = [before.debitQ, before.creditQ, within.debitQ, within.creditQ].some((quantity) => !isZero(quantity));
  return {
    account,
    item,
    opening,
    debit: within.debit,
    credit: within.credit,
    closing: subtract(add(opening, within.debit), within.credit),
    openingQuantity: has ? openingQuantity : undefined,
    debitQuantity: has ? within.debitQ : undefined,
    creditQuantity: has ? within.creditQ : undefined,
    closingQuantity: has ? subtract(add(openingQuantity, within.debitQ), within.creditQ) : undefined,
  };
};
