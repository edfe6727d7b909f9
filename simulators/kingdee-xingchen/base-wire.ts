/** Base data as they travel: lists, details and saves under /jdy/v2/bd and /jdy/v2/fi (XC-SDK models). */

import type { JsonOut } from "../shared/json.ts";
import type { AccountSet } from "./account-set.ts";
import { type Call, listOut, type Operation, reading } from "./call.ts";
import { type AccountSeed, type BaseItem, ERR, Refusal } from "./model.ts";
import { fieldOf, listOf, type Parameters, textIn } from "./parameters.ts";
import { HEAD_REFERENCES } from "./stock-wire.ts";
import { timeFilter } from "./voucher-wire.ts";
import { assistOf } from "./voucher-rules.ts";

export type BaseResource = {
  /** under /jdy/v2/ */
  path: string;
  /** entity number, for common_operate and for assist */
  kind: string;
  saves: boolean;
  /** fields beside id, number, name and enable, from the item's attributes */
  fields: (item: BaseItem, set: AccountSet) => { [key: string]: JsonOut };
  /** attributes that a save may give, by the vendor's key */
  takes: readonly string[];
};

const nothing = (): { [key: string]: JsonOut } => ({});

const texts =
  (...names: string[]) =>
  (item: BaseItem): { [key: string]: JsonOut } => {
    return Object.fromEntries(names.map((name) => [name, item.attributes[name] ?? ""]));
  };

function named(name: string, item: BaseItem | undefined): { [key: string]: JsonOut } {
  return {
    [`${name}_id`]: item?.id ?? "",
    [`${name}_number`]: item?.number ?? "",
    [`${name}_name`]: item?.name ?? "",
  };
}

export const BASE_RESOURCES: readonly BaseResource[] = [
  {
    path: "bd/material",
    kind: "bd_material",
    saves: true,
    fields: (item, { base }) => ({
      ...texts("model", "barcode", "help_code", "remark")(item),
      ...named("base_unit", base.find("bd_measureunits_new", item.attributes["base_unit"] ?? "")),
      is_batch: item.attributes["is_batch"] === "1",
      is_serial: false,
      is_kf_period: false,
      is_multi_unit: false,
      is_asst_attr: false,
    }),
    takes: ["model", "barcode", "help_code", "remark", "is_batch"],
  },
  {
    path: "bd/store",
    kind: "bd_store",
    saves: true,
    fields: texts("remark", "address"),
    takes: ["remark", "address"],
  },
  { path: "bd/spaces", kind: "bd_space", saves: false, fields: nothing, takes: [] },
  {
    path: "bd/supplier",
    kind: "bd_supplier",
    saves: true,
    fields: texts("rate", "bank", "bank_account", "remark"),
    takes: ["rate", "bank", "bank_account", "remark"],
  },
  { path: "bd/customer", kind: "bd_customer", saves: true, fields: texts("remark"), takes: ["remark"] },
  {
    path: "bd/department",
    kind: "bd_department",
    saves: true,
    fields: (item) => ({ long_number: item.number, full_name: item.name, level: "1", is_leaf: true }),
    takes: ["remark"],
  },
  { path: "bd/emp", kind: "bd_employee", saves: true, fields: texts("mobile"), takes: ["mobile"] },
  {
    path: "bd/measure_unit",
    kind: "bd_measureunits_new",
    saves: true,
    fields: texts("precision"),
    takes: ["precision"],
  },
  { path: "bd/currency", kind: "bd_currency", saves: false, fields: texts("rate"), takes: [] },
  { path: "bd/settlement_account", kind: "bd_bank", saves: false, fields: nothing, takes: [] },
  { path: "bd/aux_info", kind: "bd_auxinfo", saves: true, fields: texts("type"), takes: ["type"] },
  { path: "scm/inv_check_task", kind: "inv_check_task", saves: false, fields: checkTask, takes: [] },
  { path: "fi/account", kind: "bd_account", saves: true, fields: accountFields, takes: [] },
  { path: "fi/account_type", kind: "bd_accounttype", saves: false, fields: nothing, takes: [] },
];

function checkTask(item: BaseItem, { base }: AccountSet): { [key: string]: JsonOut } {
  const store = base.find("bd_store", item.attributes["stock"] ?? "");
  return { check_model: "1", check_type: "1", ...named("stock", store) };
}

function accountFields(item: BaseItem, { base }: AccountSet): { [key: string]: JsonOut } {
  const parent = base.find("bd_account", item.attributes["parent"] ?? "");
  const assist = Object.entries(assistOf(item));
  return {
    pid: parent?.id ?? "",
    full_name: parent ? `${parent.name}_${item.name}` : item.name,
    parent_id: parent?.id ?? "",
    parent_name: parent?.name ?? "",
    parent_number: parent?.number ?? "",
    dc: item.attributes["dc"] ?? "1",
    is_leaf: item.attributes["is_leaf"] === "1",
    level: String(item.number.split(".").length),
    is_cash: item.number.startsWith("1001"),
    is_bank: item.number.startsWith("1002"),
    is_qty: (item.attributes["quantity_rule"] ?? "none") !== "none",
    is_currency: false,
    is_assist: assist.length > 0,
    check_item_entry: assist.map(([type, demand], index) => ({
      id: type,
      type,
      bd_aux_info_type_id: "",
      is_require: demand === "required",
      seq: String(index + 1),
    })),
  };
}

function encode(item: BaseItem, resource: BaseResource, set: AccountSet): JsonOut {
  const { id, number, name, enable } = item;
  return { id, number, name, enable: enable ? "1" : "0", ...resource.fields(item, set) };
}

export function listOperation(resource: BaseResource): Operation {
  return reading("master", `${resource.kind}|query`, (call) => {
    const { set, parameters } = call;
    const found = set.base.list(resource.kind).filter(baseFilter(parameters));
    const row = (item: BaseItem): JsonOut => encode(item, resource, set);
    // Accounts come all at once: their list has no pages in the vendor's models.
    if (resource.kind === "bd_account") return { total_count: found.length, rows: found.map(row) };
    return listOut(call, found, row, true);
  });
}

function baseFilter(parameters: Parameters): (item: BaseItem) => boolean {
  const [search, enable, number] = [parameters.text("search"), parameters.text("enable"), parameters.text("number")];
  const between = timeFilter((name) => parameters.text(name));
  return (item) =>
    (search === "" || item.number.includes(search) || item.name.includes(search)) &&
    (number === "" || item.number === number) &&
    (enable === "" || enable === "-1" || item.enable === (enable === "1")) &&
    between(item.createdAtMs, item.modifiedAtMs);
}

export function detailOperation(resource: BaseResource): Operation {
  return reading("master", `${resource.kind}|query`, ({ set, parameters }) => {
    const [id, number] = [parameters.text("id"), parameters.text("number")];
    const item = id === "" ? set.base.find(resource.kind, number) : set.base.byId(resource.kind, id);
    if (!item) throw new Refusal(ERR.notFound, `参数${id === "" ? `number[${number}]` : `id[${id}]`}不存在`);
    return encode(item, resource, set);
  });
}

export function saveOperation(resource: BaseResource): Operation {
  return {
    traits: ({ body }) => {
      return { verb: "masterSave", writes: true, creates: textIn(body, "id") === "", elements: elementsOf(body) };
    },
    right: () => `${resource.kind}|save`,
    run: (call) => {
      const bodies = listOf(fieldOf(call.parameters.body, "items"));
      const saved = (bodies.length > 0 ? bodies : [call.parameters.body]).map((body) => saveOne(body, resource, call));
      return {
        ids: saved.map(({ id }) => id),
        id_number_map: Object.fromEntries(saved.map(({ id, number }) => [id, number])),
      };
    },
  };
}

function elementsOf(body: unknown): number {
  return Math.max(1, listOf(fieldOf(body, "items")).length);
}

function saveOne(body: unknown, resource: BaseResource, { set }: Call): BaseItem {
  const { base } = set;
  const [id, number, name] = [textIn(body, "id"), textIn(body, "number"), textIn(body, "name")];
  const known = id === "" ? undefined : base.byId(resource.kind, id);
  if (id !== "" && !known) throw new Refusal(ERR.notFound, `参数id[${id}]不存在`);
  if (name === "") throw new Refusal(ERR.validation, "名称不能为空");
  if (number === "" && !known) throw new Refusal(ERR.validation, "编码不能为空");
  const other = number === "" ? undefined : base.find(resource.kind, number);
  if (other && other.id !== known?.id) throw new Refusal(ERR.duplicate, `编码“${number}”：组合值与其他表单重复`);
  if (resource.kind === "bd_account" && !known) return set.putAccount(accountSeed(body, number, name));
  const given = resource.takes.map((key) => [key, textIn(body, key)] as const).filter(([, value]) => value !== "");
  const attributes = { ...Object.fromEntries(given), ...baseUnit(body, resource, known, set) };
  if (!known) return base.put({ kind: resource.kind, number, name, attributes });
  if (number !== "" && number !== known.number && usedBy(known, set)) {
    throw new Refusal(ERR.state, `【${known.number}】已被引用，不能修改编码`);
  }
  const changed = { number: number === "" ? known.number : number, name };
  return base.change(known, { ...changed, attributes: { ...known.attributes, ...attributes } });
}

function baseUnit(
  body: unknown,
  resource: BaseResource,
  known: BaseItem | undefined,
  { base }: AccountSet,
): Record<string, string> {
  if (resource.kind !== "bd_material") return {};
  const unit = base.refer(
    "bd_measureunits_new",
    textIn(body, "base_unit_id"),
    textIn(body, "base_unit_number"),
    "base_unit_number",
  );
  if (!unit && !known) throw new Refusal(ERR.validation, `基础资料"base_unit"字段不能为空`);
  return unit ? { base_unit: unit.number } : {};
}

function accountSeed(body: unknown, number: string, name: string): AccountSeed {
  const assist = listOf(fieldOf(body, "check_item_entry")).map((entry) => {
    const demand = ["true", "1"].includes(textIn(entry, "is_require")) ? ("required" as const) : ("optional" as const);
    return [textIn(entry, "type"), demand] as const;
  });
  const quantity = ["true", "1"].includes(textIn(body, "is_qty")) ? "optional" : "none";
  return {
    number,
    name,
    direction: textIn(body, "dc") === "-1" ? -1 : 1,
    quantity,
    assist: Object.fromEntries(assist),
  };
}

/** Whether any voucher or stock document names the record. */
export function usedBy(item: BaseItem, { ledger, stock }: AccountSet): boolean {
  for (const voucher of ledger.vouchers.values()) {
    for (const entry of voucher.entries) {
      if (item.kind === "bd_account" && entry.account === item.number) return true;
      if (entry.assist[item.kind] === item.number) return true;
    }
  }
  const inHead = Object.entries(HEAD_REFERENCES).flatMap(([name, kind]) => (kind === item.kind ? [name] : []));
  for (const bill of stock.bills.values()) {
    if (inHead.some((name) => bill.head[name] === item.number)) return true;
    if (bill.lines.some((line) => item.kind === "bd_material" && line.material === item.number)) return true;
    if (bill.lines.some((line) => item.kind === "bd_store" && line.store === item.number)) return true;
  }
  return false;
}
