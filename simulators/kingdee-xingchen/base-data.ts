/** 基础资料 of one account set: one store for all entities. A record is usable while it is not 禁用. */

import { type BaseItem, ERR, type IdMint, Refusal } from "./model.ts";

export type NewItem = {
  kind: string;
  number: string;
  name: string;
  enable?: boolean | undefined;
  attributes?: Record<string, string> | undefined;
};

export class BaseData {
  readonly #byNumber = new Map<string, Map<string, BaseItem>>();
  readonly #byId = new Map<string, BaseItem>();
  readonly #ids: IdMint;
  readonly #now: () => number;
  readonly #note: (id: string, item: BaseItem | null) => void;

  /** @param note  is told of every record that is new, changed or gone (null), so that it can be kept */
  constructor(ids: IdMint, now: () => number, note: (id: string, item: BaseItem | null) => void) {
    this.#ids = ids;
    this.#now = now;
    this.#note = note;
  }

  /** Takes a record as it was kept. */
  restore(item: BaseItem): void {
    const ofKind = this.#byNumber.get(item.kind) ?? new Map<string, BaseItem>();
    const old = this.#byId.get(item.id);
    if (old && old.number !== item.number) ofKind.delete(old.number);
    ofKind.set(item.number, item);
    this.#byNumber.set(item.kind, ofKind);
    this.#byId.set(item.id, item);
    this.#ids.seen(item.id);
  }

  /** Adds a record, or changes the one of that number. */
  put(item: NewItem): BaseItem {
    const known = this.find(item.kind, item.number);
    return this.#keep({
      id: known?.id ?? this.#ids.next(),
      kind: item.kind,
      number: item.number,
      name: item.name,
      enable: item.enable ?? known?.enable ?? true,
      attributes: { ...known?.attributes, ...item.attributes },
      createdAtMs: known?.createdAtMs ?? this.#now(),
      modifiedAtMs: this.#now(),
    });
  }

  /** Changes number, name, state or fields of a record that exists. */
  change(item: BaseItem, change: Partial<Pick<BaseItem, "number" | "name" | "enable" | "attributes">>): BaseItem {
    return this.#keep({ ...item, ...change, modifiedAtMs: this.#now() });
  }

  remove(item: BaseItem): void {
    this.#byNumber.get(item.kind)?.delete(item.number);
    this.#byId.delete(item.id);
    this.#note(item.id, null);
  }

  find(kind: string, number: string): BaseItem | undefined {
    return this.#byNumber.get(kind)?.get(number);
  }

  byId(kind: string, id: string): BaseItem | undefined {
    const item = this.#byId.get(id);
    return item?.kind === kind ? item : undefined;
  }

  /** @returns all records of an entity, oldest first */
  list(kind: string): BaseItem[] {
    return [...(this.#byNumber.get(kind)?.values() ?? [])];
  }

  /**
   * Finds what a document refers to, by id or by number.
   *
   * @param field  the vendor's key of the number
   * @returns undefined when neither is given
   * @throws Refusal when it does not exist or is 禁用; the wording "参数number[…]不存在" was reported by an integrator
   */
  refer(kind: string, id: string, number: string, field: string, where = ""): BaseItem | undefined {
    if (id === "" && number === "") return undefined;
    const item = id === "" ? this.find(kind, number) : this.byId(kind, id);
    const named = id === "" ? `${field}[${number}]` : `${field.replace(/number$/, "id")}[${id}]`;
    if (!item) throw new Refusal(ERR.notFound, `${where}参数${named}不存在`);
    if (!item.enable) throw new Refusal(ERR.validation, `${where}参数${named}已禁用`);
    return item;
  }

  #keep(item: BaseItem): BaseItem {
    this.restore(item);
    this.#note(item.id, item);
    return item;
  }
}

/** A unit with the group it converts within; factor = how many of the group's base unit it holds. */
type UnitSeed = readonly [number: string, name: string, group: string, factor: string];

const UNITS: readonly UnitSeed[] = [
  ["Pcs", "Pcs", "数量", "1"],
  ["Ge", "个", "个", "1"],
  ["Jian", "件", "件", "1"],
  ["Xiang", "箱", "箱", "1"],
  ["He", "盒", "盒", "1"],
  ["Bao", "包", "包", "1"],
  ["Dai", "袋", "袋", "1"],
  ["Ping", "瓶", "瓶", "1"],
  ["Tai", "台", "台", "1"],
  ["Tao", "套", "套", "1"],
  ["Shuang", "双", "双", "1"],
  ["Juan", "卷", "卷", "1"],
  ["Zhang", "张", "张", "1"],
  ["kg", "千克", "重量", "1"],
  ["g", "克", "重量", "0.001"],
  ["t", "吨", "重量", "1000"],
  ["m", "米", "长度", "1"],
  ["cm", "厘米", "长度", "0.01"],
  ["L", "升", "体积", "1"],
  ["mL", "毫升", "体积", "0.001"],
];

const ACCOUNT_TYPES = [
  ["1", "资产"],
  ["2", "负债"],
  ["3", "权益"],
  ["4", "成本"],
  ["5", "损益"],
] as const;

/** What every account set has before anybody works in it. */
export function seedSharedBaseData(base: BaseData): void {
  base.put({ kind: "bd_currency", number: "RMB", name: "人民币", attributes: { rate: "1" } });
  for (const [number, name] of [
    ["记", "记账凭证"],
    ["收", "收款凭证"],
    ["付", "付款凭证"],
    ["转", "转账凭证"],
  ] as const) {
    base.put({ kind: "gl_vouchertype", number, name });
  }
  for (const [number, name] of ACCOUNT_TYPES) base.put({ kind: "bd_accounttype", number, name });
  for (const [number, name, group, factor] of UNITS) {
    base.put({ kind: "bd_measureunits_new", number, name, attributes: { group, factor, precision: "6" } });
  }
  for (const [number, name] of [
    ["CI001", "办公费"],
    ["CI007", "存货盘亏"],
  ] as const) {
    base.put({ kind: "bd_auxinfo", number, name, attributes: { type: "费用项目" } });
  }
  base.put({ kind: "bd_bank", number: "ZH001", name: "基本户" });
}
