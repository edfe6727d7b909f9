/** Stock documents as they travel (XC-SDK models OtherInSaveReq, InvTfMoveSaveReq, InvCheckBillSaveReq and their answers). */

import { formatDecimal, ONE, parseDecimal, roundDecimal, scaleDecimal, trimDecimal } from "../shared/decimal.ts";
import type { JsonOut } from "../shared/json.ts";
import type { AccountSet } from "./account-set.ts";
import type { BaseData } from "./base-data.ts";
import type { BillKind, BillLine, StockBill } from "./bills.ts";
import { type BaseItem, chinaTime, ERR, Refusal } from "./model.ts";
import { amountIn, fieldOf, listOf, type Parameters, textIn, textsIn } from "./parameters.ts";
import { type BillInput, type LineInput, unitCost } from "./stock.ts";
import { timeFilter } from "./voucher-wire.ts";

/** References in the head: field to the entity it names. */
export const HEAD_REFERENCES: Readonly<Record<string, string>> = {
  supplier: "bd_supplier",
  customer: "bd_customer",
  dept: "bd_department",
  out_dept: "bd_department",
  emp: "bd_employee",
};
/** Fields of a line that are read on their own; the other scalars are kept as they come. */
const LINE_FIELDS =
  /^(id|seq|material|stock|in_stock|out_stock|unit)_|^(id|seq|qty|price|tax_price|cess|cost|unit_cost|batch_no|inv_qty|comment)$/;
const HUNDRED = 100n * ONE;

/** @throws Refusal when something that it refers to does not exist */
export function decodeBill(kind: BillKind, body: unknown, set: AccountSet): BillInput {
  const { base } = set;
  const head: Record<string, string> = {};
  for (const [key, value] of Object.entries(textsIn(body))) {
    const name = key.replace(/_(id|number|name)$/, "");
    if (!(name in HEAD_REFERENCES) && !["id", "bill_no", "bill_date", "operation_key"].includes(key)) head[key] = value;
  }
  for (const [name, entity] of Object.entries(HEAD_REFERENCES)) {
    const item = referTo(base, entity, body, name, "");
    if (item) head[name] = item.number;
  }
  if (kind.partnerRequired === true && kind.partner !== undefined && head[kind.partner] === undefined) {
    throw new Refusal(ERR.validation, `基础资料"${kind.partner}"字段不能为空`);
  }
  const task = kind.effect === "count" ? taskOf(body, base) : undefined;
  const lines = listOf(fieldOf(body, "material_entity"));
  return {
    number: textIn(body, "bill_no"),
    date: textIn(body, "bill_date").slice(0, 10),
    head,
    custom: textsIn(fieldOf(body, "custom_field")),
    task: task?.number ?? "",
    lines: lines.map((line, index) => decodeLine(kind, line, body, task, set, `第${index + 1}行`)),
  };
}

function taskOf(body: unknown, base: BaseData): BaseItem {
  const task = base.refer(
    "inv_check_task",
    textIn(body, "check_task_id"),
    textIn(body, "check_task_number"),
    "check_task_number",
  );
  if (!task) throw new Refusal(ERR.validation, `基础资料"check_task"字段不能为空`);
  return task;
}

function decodeLine(
  kind: BillKind,
  line: unknown,
  body: unknown,
  task: BaseItem | undefined,
  set: AccountSet,
  where: string,
): LineInput {
  const { base } = set;
  const required = (entity: string, name: string, ...froms: unknown[]): BaseItem => {
    const item = froms.map((from) => referTo(base, entity, from, name, where)).find((one) => one !== undefined);
    // An integrator reports this wording for a line without a unit.
    if (!item) throw new Refusal(ERR.validation, `${where}基础资料"${name}"字段不能为空`);
    return item;
  };
  const material = required("bd_material", "material", line);
  const unit = required("bd_measureunits_new", "unit", line);
  const headStore = { [`${kind.store}_id`]: textIn(body, `bill_${kind.store}_id`) };
  const otherName = kind.store === "in_stock" ? "out_stock" : "in_stock";
  const otherHead = { [`${otherName}_id`]: textIn(body, `bill_${otherName}_id`) };
  const other =
    kind.effect === "move"
      ? required("bd_store", otherName, line, otherHead).number
      : (referTo(base, "bd_store", line, otherName, where)?.number ?? "");
  const store = task?.attributes["stock"] ?? required("bd_store", kind.store, line, headStore).number;
  const quantity = amountIn(line, "qty", where);
  if (quantity <= 0n && kind.effect !== "count") throw new Refusal(ERR.validation, `${where}数量必须大于零`);
  refuseForeignUnit(unit, material, base, where);
  const baseQuantity = toBaseUnit(quantity, unit.number, material.number, base);
  const batch = textIn(line, "batch_no");
  const counted = (): bigint => {
    const held = set.stock.held(material.number, store, batch === "" ? undefined : batch);
    return fromBaseUnit(held.quantity, unit.number, material.number, base);
  };
  const price = amountIn(line, "price", where);
  return {
    id: undefined,
    material: material.number,
    store,
    otherStore: other,
    unit: unit.number,
    quantity,
    baseQuantity,
    price,
    cost: kind.effect === "in" ? costOf(line, quantity, baseQuantity, price, where) : 0n,
    batch,
    booked: textIn(line, "inv_qty") === "" ? counted() : amountIn(line, "inv_qty", where),
    comment: textIn(line, "comment"),
    fields: Object.fromEntries(Object.entries(textsIn(line)).filter(([key]) => !LINE_FIELDS.test(key))),
    custom: textsIn(fieldOf(line, "custom_entity_field")),
  };
}

function referTo(base: BaseData, entity: string, from: unknown, name: string, where: string): BaseItem | undefined {
  return base.refer(entity, textIn(from, `${name}_id`), textIn(from, `${name}_number`), `${name}_number`, where);
}

/** @throws Refusal when the item has no such unit */
function refuseForeignUnit(unit: BaseItem, material: BaseItem, base: BaseData, where: string): void {
  const baseUnit = base.find("bd_measureunits_new", material.attributes["base_unit"] ?? "");
  if (!baseUnit || baseUnit.attributes["group"] === unit.attributes["group"]) return;
  throw new Refusal(ERR.validation, `${where}单位“${unit.name}”不是商品的单位，商品的基本单位为“${baseUnit.name}”`);
}

/** @returns how many base units of the item one unit holds, as numerator and divisor */
function ratioOf(unit: string, material: string, base: BaseData): { unit: bigint; baseUnit: bigint } {
  const factor = (number: string | undefined): bigint => {
    return parseDecimal(base.find("bd_measureunits_new", number ?? "")?.attributes["factor"] ?? "1") ?? ONE;
  };
  return { unit: factor(unit), baseUnit: factor(base.find("bd_material", material)?.attributes["base_unit"]) };
}

export function toBaseUnit(quantity: bigint, unit: string, material: string, base: BaseData): bigint {
  const ratio = ratioOf(unit, material, base);
  return scaleDecimal(quantity, ratio.unit, ratio.baseUnit) ?? 0n;
}

function fromBaseUnit(quantity: bigint, unit: string, material: string, base: BaseData): bigint {
  const ratio = ratioOf(unit, material, base);
  return scaleDecimal(quantity, ratio.baseUnit, ratio.unit) ?? 0n;
}

/** The value of goods that come in: given whole, per unit, or as a purchase price without (or with) tax. */
function costOf(line: unknown, quantity: bigint, baseQuantity: bigint, price: bigint, where: string): bigint {
  const times = (unitPrice: bigint, count: bigint): bigint =>
    roundDecimal(scaleDecimal(unitPrice, count, ONE) ?? 0n, 2);
  const cost = amountIn(line, "cost", where);
  if (cost !== 0n) return roundDecimal(cost, 2);
  const perUnit = amountIn(line, "unit_cost", where);
  if (perUnit !== 0n) return times(perUnit, baseQuantity);
  if (price !== 0n) return times(price, quantity);
  const gross = times(amountIn(line, "tax_price", where), quantity);
  return roundDecimal(scaleDecimal(gross, HUNDRED, HUNDRED + amountIn(line, "cess", where)) ?? 0n, 2);
}

export function encodeBillRow(bill: StockBill, kind: BillKind, set: AccountSet): { [key: string]: JsonOut } {
  const references = Object.entries(HEAD_REFERENCES).flatMap(([name, entity]) =>
    Object.entries(triple(name, set.base.find(entity, bill.head[name] ?? ""))),
  );
  return {
    create_time: chinaTime(bill.createdAtMs),
    audit_time: chinaTime(bill.auditedAtMs),
    bill_date: bill.date,
    id: bill.id,
    bill_no: bill.number,
    bill_status: bill.status,
    remark: bill.head["remark"] ?? "",
    trans_type_id: bill.head["trans_type_id"] ?? "",
    ...Object.fromEntries(references),
    ...(kind.effect === "count" ? countHead(bill, set) : {}),
  };
}

/** A count: its task and warehouse, whether its differences were dealt with, and the documents they became. */
function countHead(bill: StockBill, { base, stock }: AccountSet): { [key: string]: JsonOut } {
  const task = base.find("inv_check_task", bill.task);
  return {
    check_status: bill.gain === "" && bill.loss === "" ? "0" : "1",
    ...triple("check", task),
    ...triple("stock", base.find("bd_store", task?.attributes["stock"] ?? "")),
    gain_id: bill.gain,
    gain_bill_no: stock.bills.get(bill.gain)?.number ?? "",
    loss_id: bill.loss,
    loss_bill_no: stock.bills.get(bill.loss)?.number ?? "",
  };
}

export function encodeBillDetail(bill: StockBill, kind: BillKind, set: AccountSet): JsonOut {
  const kept = Object.entries(bill.head).filter(([name]) => !(name in HEAD_REFERENCES));
  return {
    ...Object.fromEntries(kept),
    ...encodeBillRow(bill, kind, set),
    modify_time: chinaTime(bill.modifiedAtMs),
    creator_name: bill.creator,
    modifier_name: bill.modifier,
    auditor_name: bill.auditor,
    custom_field: bill.custom,
    material_entity: bill.lines.map((line, index) => encodeLine(line, index, kind, set)),
  };
}

function encodeLine(line: BillLine, index: number, kind: BillKind, { base }: AccountSet): JsonOut {
  const material = base.find("bd_material", line.material);
  const unit = base.find("bd_measureunits_new", line.unit);
  const baseUnit = base.find("bd_measureunits_new", material?.attributes["base_unit"] ?? "");
  const otherName = kind.store === "in_stock" ? "out_stock" : "in_stock";
  return {
    ...line.fields,
    seq: String(index + 1),
    id: line.id,
    ...triple("material", material),
    material_model: material?.attributes["model"] ?? "",
    ...triple(kind.store, base.find("bd_store", line.store)),
    ...(line.otherStore === "" ? {} : triple(otherName, base.find("bd_store", line.otherStore))),
    ...triple("unit", unit),
    ...triple("base_unit", baseUnit),
    qty: trimDecimal(line.quantity),
    base_qty: trimDecimal(line.baseQuantity),
    ...(kind.effect === "count"
      ? {
          inv_qty: trimDecimal(line.booked),
          inv_base_qty: trimDecimal(toBaseUnit(line.booked, line.unit, line.material, base)),
        }
      : {}),
    price: trimDecimal(line.price),
    cost: formatDecimal(line.cost, 2),
    unit_cost: trimDecimal(unitCost(line)),
    batch_no: line.batch,
    comment: line.comment,
    custom_entity_field: line.custom,
  };
}

export function triple(name: string, item: BaseItem | undefined): { [key: string]: JsonOut } {
  return {
    [`${name}_id`]: item?.id ?? "",
    [`${name}_name`]: item?.name ?? "",
    [`${name}_number`]: item?.number ?? "",
  };
}

/** Filters of a list of stock documents (XC-SDK OtherInOtherInListReq, PurInboundListReq). */
export function billFilter(
  parameters: Parameters,
  set: AccountSet,
  ignored: readonly string[],
): (bill: StockBill) => boolean {
  const given = (name: string): string => (ignored.includes(name) ? "" : parameters.text(name));
  const [status, search, number, start, end] = [
    "bill_status",
    "search",
    "bill_no",
    "start_bill_date",
    "end_bill_date",
  ].map(given);
  const between = timeFilter(given);
  const references = Object.entries(HEAD_REFERENCES).flatMap(([name, entity]) => {
    const id = given(`${name}_id`);
    return id === "" ? [] : [{ name, number: set.base.byId(entity, id)?.number }];
  });
  return (bill) =>
    fits(status, bill.status) &&
    fits(number, bill.number) &&
    (!search || bill.number.includes(search) || (bill.head["remark"] ?? "").includes(search)) &&
    (!start || bill.date >= start) &&
    (!end || bill.date <= end) &&
    references.every(({ name, number: wanted }) => wanted !== undefined && bill.head[name] === wanted) &&
    between(bill.createdAtMs, bill.modifiedAtMs);
}

function fits(wanted: string | undefined, value: string): boolean {
  return wanted === undefined || wanted === "" || wanted === value;
}
