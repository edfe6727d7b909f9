/** What the general ledger refuses about the content of a voucher. The wording is the simulator's. */

import { formatDecimal, ONE, roundDecimal, scaleDecimal } from "../shared/decimal.ts";
import type { BaseData } from "./base-data.ts";
import { ASSIST_TYPES } from "./charts.ts";
import type { EntryInput, VoucherInput } from "./ledger.ts";
import { type BaseItem, type Book, ERR, isDay, Refusal } from "./model.ts";

export type RuleOptions = {
  /** assist that an account does not list: kept, dropped in silence, or refused */
  unlistedAssist: "keep" | "drop" | "refuse";
  /** amounts finer than 0.01: rounded half up, or refused */
  fineAmounts: "round" | "refuse";
};

const EXPLANATION_LENGTH_MAX = 255;
const EXTERNAL_LENGTH_MAX = 100;
const ENTRIES_MAX = 1_000;
const CURRENCY = "RMB";
/** Amounts of more digits before the point than this do not fit. */
const AMOUNT_MAX = 10n ** 13n * ONE;

/**
 * @returns the entries as they will be kept
 * @throws Refusal for the first thing that is wrong
 */
export function checkVoucher(input: VoucherInput, book: Book, base: BaseData, options: RuleOptions): EntryInput[] {
  checkHead(input, book, base);
  const entries = input.entries.map((entry, index) => checkEntry(entry, `第${index + 1}条分录`, base, options));
  let balance = 0n;
  for (const entry of entries) balance += entry.debit - entry.credit;
  if (balance !== 0n) throw invalid(`凭证借贷不平衡，差额${formatDecimal(balance, 2)}`);
  return entries;
}

function checkHead(input: VoucherInput, book: Book, base: BaseData): void {
  if (!isDay(input.date)) throw invalid(`参数date[${input.date}]不正确`);
  const period = input.date.slice(0, 7);
  if (period <= book.closedThrough) throw invalid(`凭证日期${input.date}所在期间已结账`);
  if (period < book.startPeriod) throw invalid(`凭证日期${input.date}早于账套启用期间`);
  if (input.group === "") throw invalid("凭证字不能为空");
  base.refer("gl_vouchertype", "", input.group, "group_number");
  if (input.entries.length === 0) throw invalid("凭证分录不能为空");
  if (input.entries.length > ENTRIES_MAX) throw invalid(`凭证分录不能超过${ENTRIES_MAX}条`);
  if (input.external.length > EXTERNAL_LENGTH_MAX) throw invalid(`source_bill_no长度不能超过${EXTERNAL_LENGTH_MAX}`);
}

function checkEntry(entry: EntryInput, where: string, base: BaseData, options: RuleOptions): EntryInput {
  if (entry.account === "") throw invalid(`${where}科目不能为空`);
  const account = base.refer("bd_account", "", entry.account, "account_number", where);
  if (!account) throw invalid(`${where}科目不能为空`);
  if (account.attributes["is_leaf"] !== "1") throw invalid(`${where}科目[${account.number}]不是末级科目`);
  if (entry.explanation.trim() === "") throw invalid(`${where}摘要不能为空`);
  if (entry.explanation.length > EXPLANATION_LENGTH_MAX)
    throw invalid(`${where}摘要不能超过${EXPLANATION_LENGTH_MAX}字`);
  if (entry.currency !== CURRENCY) base.refer("bd_currency", "", entry.currency, "currency_number", where);
  const amounts = checkAmounts(entry, where, options);
  const assist = checkAssist(entry, account, where, base, options);
  return { ...entry, ...amounts, assist, ...checkQuantity({ ...entry, ...amounts, assist }, account, where, base) };
}

function checkAmounts(
  entry: EntryInput,
  where: string,
  options: RuleOptions,
): Pick<EntryInput, "debit" | "credit" | "amountFor"> {
  const exact = (amount: bigint): bigint => {
    const rounded = roundDecimal(amount, 2);
    if (rounded !== amount && options.fineAmounts === "refuse") throw invalid(`${where}金额的小数位数不能超过2位`);
    if (rounded >= AMOUNT_MAX || rounded <= -AMOUNT_MAX) throw invalid(`${where}金额超出范围`);
    return rounded;
  };
  const [debit, credit] = [exact(entry.debit), exact(entry.credit)];
  if (debit !== 0n && credit !== 0n) throw invalid(`${where}借方金额和贷方金额不能同时有值`);
  if (debit === 0n && credit === 0n && entry.quantity === 0n) throw invalid(`${where}借方金额和贷方金额不能同时为零`);
  const amountFor = entry.amountFor === 0n ? debit + credit : exact(entry.amountFor);
  if (entry.currency === CURRENCY && amountFor !== debit + credit) throw invalid(`${where}原币金额与本位币金额不一致`);
  return { debit, credit, amountFor };
}

function checkAssist(
  entry: EntryInput,
  account: BaseItem,
  where: string,
  base: BaseData,
  options: RuleOptions,
): Record<string, string> {
  const demands = assistOf(account);
  for (const [type, demand] of Object.entries(demands)) {
    if (demand !== "required" || (entry.assist[type] ?? "") !== "") continue;
    throw invalid(`${where}科目[${account.number}]的辅助核算【${ASSIST_TYPES[type] ?? type}】不能为空`);
  }
  const listed = Object.entries(entry.assist).filter(([type]) => type in demands);
  const unlisted = Object.entries(entry.assist).filter(([type]) => !(type in demands));
  const [first] = unlisted[0] ?? [];
  if (first !== undefined && options.unlistedAssist === "refuse") {
    throw invalid(`${where}科目[${account.number}]没有辅助核算【${ASSIST_TYPES[first] ?? first}】`);
  }
  const kept = options.unlistedAssist === "keep" ? [...listed, ...unlisted] : listed;
  for (const [type, number] of kept) base.refer(type, "", number, `${type}_number`, where);
  return Object.fromEntries(kept);
}

/** 数量核算: the unit must belong to the item's unit group; without 数量核算 quantity and unit are dropped. */
function checkQuantity(
  entry: EntryInput,
  account: BaseItem,
  where: string,
  base: BaseData,
): Pick<EntryInput, "quantity" | "unit" | "price"> {
  const rule = account.attributes["quantity_rule"] ?? "none";
  if (rule === "none") return { quantity: 0n, unit: "", price: 0n };
  if (rule === "required" && entry.quantity === 0n) {
    throw invalid(`${where}数量核算科目[${account.number}]必须录入数量`);
  }
  if (entry.quantity === 0n) return { quantity: 0n, unit: entry.unit, price: entry.price };
  const baseUnit = baseUnitOf(entry.assist, base);
  const unit = entry.unit === "" ? baseUnit : base.find("bd_measureunits_new", entry.unit);
  if (!unit) {
    throw invalid(
      entry.unit === "" ? `${where}基础资料"unit"字段不能为空` : `${where}参数measure_unit_number[${entry.unit}]不存在`,
    );
  }
  if (baseUnit && baseUnit.attributes["group"] !== unit.attributes["group"]) {
    throw invalid(`${where}单位“${unit.name}”不是商品的单位，商品的基本单位为“${baseUnit.name}”`);
  }
  const price =
    entry.price === 0n ? (scaleDecimal(entry.debit + entry.credit, ONE, entry.quantity) ?? 0n) : entry.price;
  return { quantity: entry.quantity, unit: unit.number, price };
}

/** @returns the base unit of the item among the assist, when there is one */
export function baseUnitOf(assist: Readonly<Record<string, string>>, base: BaseData): BaseItem | undefined {
  const item = base.find("bd_material", assist["bd_material"] ?? "");
  const unit = item?.attributes["base_unit"];
  return unit === undefined ? undefined : base.find("bd_measureunits_new", unit);
}

/** @returns what an account asks for: assist type to "required" or "optional" */
export function assistOf(account: BaseItem): Record<string, string> {
  const pairs = (account.attributes["assist"] ?? "").split(",").filter((pair) => pair !== "");
  return Object.fromEntries(
    pairs.map((pair): [string, string] => [pair.split(":")[0] ?? "", pair.split(":")[1] ?? ""]),
  );
}

function invalid(message: string): Refusal {
  return new Refusal(ERR.validation, message);
}
