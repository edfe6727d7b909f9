/** POST /jdy/v2/sys/common_operate: 审核, 反审核, 删除, 启用, 禁用 of documents and base data by ids or numbers. */

import type { JsonOut } from "../shared/json.ts";
import { BASE_RESOURCES, usedBy } from "./base-wire.ts";
import { BILL_KINDS, type BillKind } from "./bills.ts";
import { type Call, eachElement, type Operation } from "./call.ts";
import { type BaseItem, ERR, Refusal } from "./model.ts";
import { flagIn, fieldOf, listOf, textIn, textOf } from "./parameters.ts";
import { voucherOfNumber } from "./voucher-operations.ts";

const ELEMENTS_MAX = 200;
const OPERATIONS: ReadonlySet<string> = new Set(["audit", "unaudit", "delete", "enable", "disable"]);

/** One record that is operated on. */
type Target = { id: string; number: string; act: () => void };

export const commonOperate: Operation = {
  traits: ({ body }) => {
    const asked = textIn(body, "operate_type");
    const act = OPERATIONS.has(asked) ? asked : "operate";
    const entity = textIn(body, "entity_number");
    const family = entity === "gl_voucher" ? "" : billOf(entity) ? "stock" : "master";
    const verb = family === "" ? act : `${family}${act.slice(0, 1).toUpperCase()}${act.slice(1)}`;
    return { verb, writes: true, creates: false, elements: keysOf(body).length };
  },
  right: ({ body }) => `${textIn(body, "entity_number")}|${textIn(body, "operate_type")}`,
  run: (call) => {
    const { body } = call.parameters;
    const keys = keysOf(body);
    if (keys.length === 0) throw new Refusal(ERR.validation, "参数ids和numbers不能同时为空");
    if (keys.length > ELEMENTS_MAX) throw new Refusal(ERR.validation, `一次最多操作${ELEMENTS_MAX}条数据`);
    // Whom it is about is looked up before anything is done; what is done stays done when a later one is refused.
    const targets = keys.map((key) => targetOf(textIn(body, "entity_number"), textIn(body, "operate_type"), key, call));
    const named = new Map(targets.map(({ id, number }) => [id, number]));
    const word = (ids: string[]): JsonOut => ({
      ids,
      id_number_map: Object.fromEntries(ids.map((id) => [id, named.get(id) ?? ""])),
    });
    const act = (target: Target): string => {
      target.act();
      return target.id;
    };
    return word(eachElement(call, targets, act, word));
  },
};

type Key = { id: string; number: string };

function keysOf(body: unknown): Key[] {
  return [
    ...listOf(fieldOf(body, "ids")).map((id) => ({ id: textOf(id), number: "" })),
    ...listOf(fieldOf(body, "numbers")).map((number) => ({ id: "", number: textOf(number) })),
  ];
}

function targetOf(entity: string, operation: string, key: Key, call: Call): Target {
  if (entity === "gl_voucher") return voucherTarget(operation, key, call);
  const bill = billOf(entity);
  if (bill) return billTarget(bill, operation, key, call);
  if (BASE_RESOURCES.some(({ kind }) => kind === entity)) return baseTarget(entity, operation, key, call);
  throw new Refusal(ERR.validation, `参数entity_number[${entity}]不存在`);
}

function billOf(entity: string): BillKind | undefined {
  return BILL_KINDS.find((kind) => kind.entity === entity);
}

function voucherTarget(operation: string, key: Key, { set, origin }: Call): Target {
  const { ledger } = set;
  const { id, number } = key.id === "" ? voucherOfNumber(key.number, ledger) : ledger.get(key.id);
  switch (operation) {
    case "audit":
      return { id, number, act: () => ledger.audit(id, origin) };
    case "unaudit":
      return { id, number, act: () => ledger.unaudit(id) };
    case "delete":
      return { id, number, act: () => ledger.delete(id, origin) };
    default:
      throw unknownOperation(operation);
  }
}

function billTarget(kind: BillKind, operation: string, key: Key, call: Call): Target {
  const { stock } = call.set;
  const bill = key.id === "" ? stock.byNumber(kind, key.number) : stock.get(kind, key.id);
  if (!bill) throw new Refusal(ERR.notFound, `参数number[${key.number}]不存在`);
  const { id, number } = bill;
  const { negativeStock } = call.settings;
  const negative = negativeStock === "warn" && flagIn(call.parameters.body, "ignore_warn") ? "allow" : negativeStock;
  switch (operation) {
    case "audit":
      return { id, number, act: () => stock.audit(kind, id, call.origin, negative) };
    case "unaudit":
      return { id, number, act: () => stock.unaudit(kind, id) };
    case "delete":
      return { id, number, act: () => stock.delete(kind, id, call.origin) };
    default:
      throw unknownOperation(operation);
  }
}

function baseTarget(kind: string, operation: string, key: Key, { set }: Call): Target {
  const { base } = set;
  const item = key.id === "" ? base.find(kind, key.number) : base.byId(kind, key.id);
  if (!item) throw new Refusal(ERR.notFound, `参数${key.id === "" ? `number[${key.number}]` : `id[${key.id}]`}不存在`);
  const { id, number } = item;
  switch (operation) {
    case "enable":
    case "disable":
      return { id, number, act: () => base.change(item, { enable: operation === "enable" }) };
    case "delete":
      return { id, number, act: () => removeUnused(item, set) };
    default:
      throw unknownOperation(operation);
  }
}

function removeUnused(item: BaseItem, set: Call["set"]): void {
  if (usedBy(item, set)) throw new Refusal(ERR.state, `【${item.number}】已被引用，不能删除`);
  set.base.remove(item);
}

function unknownOperation(operation: string): Refusal {
  return new Refusal(ERR.validation, `参数operate_type[${operation}]不支持`);
}
