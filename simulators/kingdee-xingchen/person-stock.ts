/** What a person does with stock documents in the vendor's client. */

import type { z } from "zod";
import { parseJson } from "../shared/json.ts";
import type { AccountSet } from "./account-set.ts";
import type { BaseData } from "./base-data.ts";
import { BILL_KINDS, billKind, type StockBill } from "./bills.ts";
import { plainBill } from "./keeping.ts";
import { ERR, type Origin, Refusal } from "./model.ts";
import type { ChangeBill, WriteBill } from "./person-shapes.ts";
import type { BillInput, LineInput } from "./stock.ts";
import { decodeBill, toBaseUnit } from "./stock-wire.ts";

/** @throws Refusal when there is no such document in any account set */
export function billOf(id: string, sets: readonly AccountSet[]): { set: AccountSet; bill: StockBill } {
  for (const set of sets) {
    const bill = set.stock.bills.get(id);
    if (bill) return { set, bill };
  }
  throw new Refusal(ERR.notFound, `参数id[${id}]不存在`);
}

export function writeBill(body: z.output<typeof WriteBill>, set: AccountSet, by: Origin): object {
  const kind = BILL_KINDS.find(({ path }) => path === body.kind);
  if (!kind) throw new Refusal(ERR.notFound, `There is no stock document ${body.kind}`);
  // Numbers in the body become text, as they do when the API is sent them.
  const input = decodeBill(kind, parseJson(JSON.stringify(body.body)), set);
  const bill = set.stock.create(kind, input, by);
  return { bill: plainBill(body.stage === "audited" ? set.stock.audit(kind, bill.id, by, "allow") : bill) };
}

export function changeBill(body: z.output<typeof ChangeBill>, set: AccountSet, bill: StockBill, by: Origin): object {
  const kind = billKind(bill.kind);
  const takenDown = body.force && bill.status === "C";
  if (takenDown) set.stock.unaudit(kind, bill.id);
  try {
    set.stock.update(kind, bill.id, changed(bill, body, set.base), by);
  } finally {
    // Also when the change was refused: the document is then as far as it was before.
    if (takenDown) set.stock.audit(kind, bill.id, { ...by, user: bill.auditor }, "allow");
  }
  return { bill: plainBill(set.stock.get(kind, bill.id)) };
}

function changed(bill: StockBill, body: z.output<typeof ChangeBill>, base: BaseData): BillInput {
  const lines: (LineInput | undefined)[] = [...bill.lines];
  for (const { index, remove, quantity, cost, comment } of body.lines) {
    const line = lines[index];
    if (!line) throw new Refusal(ERR.notFound, `单据没有第${index + 1}行`);
    const change = { quantity: quantity ?? line.quantity, cost: cost ?? line.cost, comment: comment ?? line.comment };
    const baseQuantity = toBaseUnit(change.quantity, line.unit, line.material, base);
    lines[index] = remove === true ? undefined : { ...line, ...change, baseQuantity };
  }
  return {
    number: body.number ?? bill.number,
    date: body.date ?? bill.date,
    head: { ...bill.head, ...(body.remark === undefined ? {} : { remark: body.remark }) },
    custom: bill.custom,
    task: bill.task,
    lines: lines.filter((line) => line !== undefined),
  };
}

export function operateBill(id: string, verb: "audit" | "unaudit", sets: readonly AccountSet[], by: Origin): object {
  const { set, bill } = billOf(id, sets);
  const kind = billKind(bill.kind);
  const done = verb === "audit" ? set.stock.audit(kind, id, by, "allow") : set.stock.unaudit(kind, id);
  return { bill: plainBill(done) };
}

export function deleteBill(id: string, force: boolean, sets: readonly AccountSet[], by: Origin): object {
  const { set, bill } = billOf(id, sets);
  const kind = billKind(bill.kind);
  if (force && bill.status === "C") set.stock.unaudit(kind, id);
  return { deleted: set.stock.delete(kind, id, by).id };
}
