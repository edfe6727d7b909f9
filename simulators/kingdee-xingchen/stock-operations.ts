/** /jdy/v2/scm: stock documents, the differences of a count, and what is on hand. */

import { formatDecimal, ONE, scaleDecimal, trimDecimal } from "../shared/decimal.ts";
import type { JsonOut } from "../shared/json.ts";
import { type BillKind, billKind, type StockBill } from "./bills.ts";
import { type Call, eachElement, listOut, type Operation, reading } from "./call.ts";
import { ERR, Refusal } from "./model.ts";
import { fieldOf, flagIn, listOf, textIn, textOf } from "./parameters.ts";
import { type LineInput, movementsOf, type OnHand } from "./stock.ts";
import { billFilter, decodeBill, encodeBillDetail, encodeBillRow, toBaseUnit, triple } from "./stock-wire.ts";

export function saveBill(kind: BillKind): Operation {
  return {
    traits: ({ body }) => ({ verb: "stockSave", writes: true, creates: textIn(body, "id") === "", elements: 1 }),
    right: () => `${kind.entity}|save`,
    run: (call) => {
      const wordIds = (ids: string[]): JsonOut => ({
        ids,
        id_number_map: Object.fromEntries(ids.map((id) => [id, call.set.stock.bills.get(id)?.number ?? ""])),
      });
      return wordIds(eachElement(call, [call.parameters.body], (body) => saveOne(kind, body, call).id, wordIds));
    },
  };
}

function saveOne(kind: BillKind, body: unknown, call: Call): StockBill {
  const { set, origin, settings } = call;
  const input = decodeBill(kind, body, set);
  const operation = textIn(body, "operation_key");
  if (!["", "save", "audit"].includes(operation)) {
    throw new Refusal(ERR.validation, `参数operation_key[${operation}]不支持`);
  }
  const negative =
    settings.negativeStock === "warn" && flagIn(body, "ignore_warn") ? ("allow" as const) : settings.negativeStock;
  // Save and audit in one call: when the audit would be refused, nothing is saved.
  if (operation === "audit") set.stock.verifyAudit(kind, input.lines, negative);
  const id = textIn(body, "id");
  const bill = id === "" ? set.stock.create(kind, input, origin) : set.stock.update(kind, id, input, origin);
  return operation === "audit" ? set.stock.audit(kind, bill.id, origin, negative) : bill;
}

export function listBills(kind: BillKind): Operation {
  return reading("stockQuery", `${kind.entity}|query`, (call) => {
    const { set, parameters, settings } = call;
    const filter = billFilter(parameters, set, settings.ignoredFilters);
    const found = [...set.stock.bills.values()].filter((bill) => bill.kind === kind.path && filter(bill));
    return listOut(call, found, (bill) => encodeBillRow(bill, kind, set), false);
  });
}

export function viewBill(kind: BillKind): Operation {
  return reading("stockView", `${kind.entity}|query`, ({ set, parameters }) => {
    const [id, number] = [parameters.text("id"), parameters.text("number")];
    const bill = id === "" ? set.stock.byNumber(kind, number) : set.stock.get(kind, id);
    if (!bill) throw new Refusal(ERR.notFound, `参数number[${number}]不存在`);
    return encodeBillDetail(bill, kind, set);
  });
}

/** 盘点单盈亏处理: an audited count becomes a 盘盈单, a 盘亏单, or both, unaudited. */
export const dealWithDifferences: Operation = {
  traits: ({ body }) => ({
    verb: "stockDeal",
    writes: true,
    creates: false,
    elements: listOf(fieldOf(body, "ids")).length,
  }),
  right: () => "inv_check_bill|deal",
  run: (call) => {
    const ids = listOf(fieldOf(call.parameters.body, "ids")).map(textOf);
    const [id] = ids;
    // The answer has room for one count (XC-SDK InvCheckBillGainLossDealRes).
    if (id === undefined || ids.length > 1) throw new Refusal(ERR.validation, "参数ids必须为一张盘点单");
    const dealt = (): JsonOut => wordDeal(call.set.stock.get(billKind("inv_check_bill"), id), call);
    eachElement(call, ids, (one) => dealOne(one, call), dealt);
    return dealt();
  },
};

function dealOne(id: string, { set, origin }: Call): string {
  const kind = billKind("inv_check_bill");
  const count = set.stock.get(kind, id);
  if (count.status !== "C") throw new Refusal(ERR.state, `盘点单【${count.number}】未审核，不能进行盈亏处理`);
  if (count.gain !== "" || count.loss !== "") throw new Refusal(ERR.state, `盘点单【${count.number}】已进行盈亏处理`);
  const make = (path: string, sign: 1n | -1n): string => {
    const lines = count.lines.flatMap((line): LineInput[] => {
      const difference = (line.quantity - line.booked) * sign;
      if (difference <= 0n) return [];
      const baseQuantity = toBaseUnit(difference, line.unit, line.material, set.base);
      return [{ ...line, id: undefined, quantity: difference, baseQuantity, cost: 0n, price: 0n, booked: 0n }];
    });
    if (lines.length === 0) return "";
    const head = { remark: `盘点单${count.number}盈亏处理` };
    return set.stock.create(billKind(path), { number: "", date: count.date, head, custom: {}, task: "", lines }, origin)
      .id;
  };
  set.stock.link(count, { gain: make("inv_check_gail_bill", 1n), loss: make("inv_check_loss_bill", -1n) });
  return id;
}

function wordDeal(count: StockBill, { set }: Call): JsonOut {
  const number = (id: string): string => set.stock.bills.get(id)?.number ?? "";
  const type = count.gain === "" ? (count.loss === "" ? "0" : "2") : count.loss === "" ? "1" : "3";
  return {
    success: true,
    gain_loss_type: type,
    gain_id: count.gain,
    gain_no: number(count.gain),
    loss_id: count.loss,
    loss_no: number(count.loss),
  };
}

/** 商品库存列表; `point_date` asks for the stock at the end of a day. */
export const listInventory: Operation = reading("inventory", "inv_inventory_entity|query", (call) => {
  const { set, parameters } = call;
  const among = (kind: string, name: string, number: string): boolean => {
    const [ids, numbers] = [parameters.list(`${name}_ids`), parameters.list(`${name}_numbers`)];
    if (ids.length === 0 && numbers.length === 0) return true;
    return numbers.includes(number) || ids.includes(set.base.find(kind, number)?.id ?? "");
  };
  const found = set.stock
    .onHand(parameters.text("point_date").slice(0, 10))
    .filter(({ material, store }) => among("bd_material", "material", material) && among("bd_store", "stock", store))
    .map((held) => ({ ...held, id: `${held.material}|${held.store}|${held.batch}` }));
  return listOut(call, found, (held) => encodeHeld(held, call), false);
});

function encodeHeld(held: OnHand, { set }: Call): JsonOut {
  const material = set.base.find("bd_material", held.material);
  return {
    ...triple("material", material),
    material_model: material?.attributes["model"] ?? "",
    ...triple("stock", set.base.find("bd_store", held.store)),
    ...triple("sp", undefined),
    qty: trimDecimal(held.quantity),
    valid_qty: trimDecimal(held.quantity),
    batch_no: held.batch,
    // The vendor's model has no value here; ours adds it, because 收发明细 is the only other place that tells it.
    cost: formatDecimal(held.cost, 2),
  };
}

/** 商品仓库库存查询: one item over all warehouses. */
export const stockOfItem: Operation = reading("inventory", "inv_inventory_entity|query", ({ set, parameters }) => {
  const item = set.base.byId("bd_material", parameters.text("material_id"));
  if (!item) throw new Refusal(ERR.notFound, `参数material_id[${parameters.text("material_id")}]不存在`);
  const unit = set.base.find("bd_measureunits_new", item.attributes["base_unit"] ?? "");
  return {
    rows: set.base.list("bd_store").map((store) => {
      const { quantity } = set.stock.held(item.number, store.number);
      return {
        inv_stock_id: store.id,
        inv_stock: store.name,
        inv_qty: trimDecimal(quantity),
        inv_im_qty: trimDecimal(quantity),
        inv_base_unit: unit?.name ?? "",
        inv_stock_position: "",
      };
    }),
  };
});

/** 商品收发明细表: every audited line with its value. */
export const listMovements: Operation = reading("inventory", "inv_inventory_entity|query", (call) => {
  const { set, parameters } = call;
  const [start, end] = [parameters.text("start_date"), parameters.text("end_date")];
  const found = [...set.stock.bills.values()]
    .filter((bill) => bill.status === "C" && (start === "" || bill.date >= start) && (end === "" || bill.date <= end))
    .flatMap((bill) => {
      const kind = billKind(bill.kind);
      return movementsOf(kind, bill.lines).map((movement) => ({ ...movement, id: bill.id, bill, kind }));
    });
  return listOut(
    call,
    found,
    ({ bill, kind, quantity, cost, material, store, batch }) => {
      const side = (flow: "in" | "out", sign: bigint): { [key: string]: JsonOut } => {
        const mine = quantity * sign > 0n;
        const [count, value] = mine ? [quantity * sign, cost * sign] : [0n, 0n];
        return {
          [`${flow}_qty`]: trimDecimal(count),
          [`${flow}_base_qty`]: trimDecimal(count),
          [`${flow}_unit_cost`]: trimDecimal(scaleDecimal(value, ONE, count) ?? 0n),
          [`${flow}_cost`]: formatDecimal(value, 2),
        };
      };
      return {
        ...triple("material", set.base.find("bd_material", material)),
        ...triple("stock", set.base.find("bd_store", store)),
        batch_no: batch,
        bill_no: bill.number,
        bill_date: bill.date,
        bill_status: bill.status,
        trans_type: kind.name,
        ...side("in", 1n),
        ...side("out", -1n),
      };
    },
    false,
  );
});
