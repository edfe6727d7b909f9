/** 基础资料: one store for all forms. A record is usable when it is audited (C), not forbidden, and in the caller's scope. */

import { FLEX_COLUMNS } from "./charts.ts";
import { type BaseItem, MSG, Refusal } from "./model.ts";

/** Further fields of a base-data form: key as sent, Chinese name, type, and the form a reference points to. */
export type BaseField = { key: string; name: string; type: "text" | "integer" | "flag"; lookup?: string };

export type BaseForm = {
  id: string;
  name: string;
  idKey: string;
  /** whether records belong to a 使用组织 (else they are shared by all) */
  scoped: boolean;
  fields: readonly BaseField[];
};

const FORMS: readonly BaseForm[] = [
  {
    id: "BD_MATERIAL",
    name: "物料",
    idKey: "FMATERIALID",
    scoped: true,
    fields: [
      { key: "FSpecification", name: "规格型号", type: "text" },
      { key: "FBaseUnitId", name: "基本单位", type: "text", lookup: "BD_UNIT" },
      { key: "FMaterialGroup", name: "物料分组", type: "text" },
      { key: "FErpClsID", name: "物料属性", type: "text" },
      { key: "FCategoryID", name: "存货类别", type: "text" },
      { key: "FIsBatchManage", name: "启用批号管理", type: "flag" },
    ],
  },
  { id: "BD_STOCK", name: "仓库", idKey: "FStockId", scoped: true, fields: [] },
  {
    id: "BD_SUPPLIER",
    name: "供应商",
    idKey: "FSupplierId",
    scoped: true,
    fields: [{ key: "FShortName", name: "简称", type: "text" }],
  },
  { id: "BD_CUSTOMER", name: "客户", idKey: "FCUSTID", scoped: true, fields: [] },
  { id: "BD_DEPARTMENT", name: "部门", idKey: "FDEPTID", scoped: true, fields: [] },
  { id: "BD_EMPINFO", name: "员工", idKey: "FID", scoped: true, fields: [] },
  { id: "BD_EXPENSE", name: "费用项目", idKey: "FEXPID", scoped: false, fields: [] },
  {
    id: "BD_ACCOUNT",
    name: "科目",
    idKey: "FACCTID",
    scoped: true,
    fields: [
      { key: "FACCTTBLID", name: "科目表", type: "text", lookup: "BD_ACCOUNTTABLE" },
      { key: "FPARENTID", name: "上级科目", type: "text", lookup: "BD_ACCOUNT" },
      { key: "FDC", name: "余额方向", type: "integer" },
      { key: "FIsDetail", name: "是否明细科目", type: "flag" },
      { key: "FISQUANTITIES", name: "数量金额辅助核算", type: "flag" },
      { key: "FITEMDETAILID", name: "必录核算维度", type: "text" },
      { key: "FITEMOPTIONALID", name: "选录核算维度", type: "text" },
    ],
  },
  {
    id: "BD_ACCOUNTTABLE",
    name: "科目表",
    idKey: "FACCTTBLID",
    scoped: false,
    fields: [],
  },
  {
    id: "BD_ACCOUNTBOOK",
    name: "账簿",
    idKey: "FBOOKID",
    scoped: false,
    fields: [
      { key: "FACCTTBLID", name: "科目表", type: "text", lookup: "BD_ACCOUNTTABLE" },
      { key: "FAccountOrgId", name: "核算组织", type: "text", lookup: "ORG_ORGANIZATIONS" },
      { key: "FCurrencyID", name: "记账本位币", type: "text", lookup: "BD_CURRENCY" },
      { key: "FStartYear", name: "启用年度", type: "integer" },
      { key: "FStartPeriod", name: "启用期间", type: "integer" },
      { key: "FCurrentYear", name: "当前年度", type: "integer" },
      { key: "FCurrentPeriod", name: "当前期间", type: "integer" },
    ],
  },
  {
    id: "BD_CURRENCY",
    name: "币别",
    idKey: "FCURRENCYID",
    scoped: false,
    fields: [{ key: "FCODE", name: "货币代码", type: "text" }],
  },
  { id: "BD_VOUCHERGROUP", name: "凭证字", idKey: "FVCHGROUPID", scoped: false, fields: [] },
  {
    id: "BD_UNIT",
    name: "计量单位",
    idKey: "FUNITID",
    scoped: false,
    fields: [
      { key: "FUnitGroupId", name: "单位组", type: "text" },
      { key: "FConvertRate", name: "换算率", type: "text" },
    ],
  },
  { id: "BD_RATETYPE", name: "汇率类型", idKey: "FRATETYPEID", scoped: false, fields: [] },
  { id: "BD_SETTLETYPE", name: "结算方式", idKey: "FSETTLETYPEID", scoped: false, fields: [] },
  { id: "ORG_ORGANIZATIONS", name: "组织机构", idKey: "FORGID", scoped: false, fields: [] },
  { id: "SEC_USER", name: "用户", idKey: "FUSERID", scoped: false, fields: [] },
];

const FORM_BY_ID = new Map(FORMS.map((form) => [form.id, form]));

/** @returns the form, found without regard to case; undefined when there is none */
export function baseForm(id: string): BaseForm | undefined {
  return FORM_BY_ID.get(id.toUpperCase());
}

export type NewItem = {
  form: string;
  number: string;
  name: string;
  scope?: string | undefined;
  attributes?: Record<string, string> | undefined;
  documentStatus?: BaseItem["documentStatus"] | undefined;
};

const FIRST_ID = 100_001;

export class BaseData {
  readonly #items = new Map<string, Map<string, BaseItem>>();
  readonly #byId = new Map<string, BaseItem>();
  readonly #now: () => string;
  readonly #note: (item: BaseItem) => void;
  #nextId = FIRST_ID;

  /** @param note  is told of every record that is new or changed, so that it can be kept */
  constructor(now: () => string, note: (item: BaseItem) => void) {
    this.#now = now;
    this.#note = note;
  }

  /** Takes a record as it was kept. */
  restore(item: BaseItem): void {
    const ofForm = this.#items.get(item.form) ?? new Map<string, BaseItem>();
    ofForm.set(keyOf(item.scope, item.number), item);
    this.#items.set(item.form, ofForm);
    this.#byId.set(`${item.form}|${item.id}`, item);
    this.#nextId = Math.max(this.#nextId, item.id + 1);
  }

  /** Adds a record, or changes the one of that number in that scope. */
  put(item: NewItem): BaseItem {
    const form = baseForm(item.form);
    if (!form) throw new Refusal(MSG.fieldUnknown, "业务对象不存在");
    const scope = form.scoped ? (item.scope ?? "") : "";
    const known = this.find(form.id, item.number, scope);
    const now = this.#now();
    const record: BaseItem = {
      id: known?.id ?? this.#nextId,
      form: form.id,
      number: item.number,
      name: item.name,
      scope,
      documentStatus: item.documentStatus ?? known?.documentStatus ?? "C",
      forbidStatus: known?.forbidStatus ?? "A",
      attributes: { ...known?.attributes, ...item.attributes },
      createdAt: known?.createdAt ?? now,
      modifiedAt: now,
    };
    this.restore(record);
    this.#note(record);
    return record;
  }

  /** Changes state or fields of a record that exists. */
  change(
    item: BaseItem,
    change: Partial<Pick<BaseItem, "documentStatus" | "forbidStatus" | "attributes" | "name">>,
  ): void {
    const record = { ...item, ...change, modifiedAt: this.#now() };
    this.restore(record);
    this.#note(record);
  }

  /** @returns the record of that number in the scope, or among those shared by all */
  find(form: string, number: string, scope = ""): BaseItem | undefined {
    const ofForm = this.#items.get(form.toUpperCase());
    return ofForm?.get(keyOf(scope, number)) ?? ofForm?.get(keyOf("", number));
  }

  byId(form: string, id: number): BaseItem | undefined {
    return this.#byId.get(`${form.toUpperCase()}|${id}`);
  }

  /** @returns all records of a form, oldest first */
  list(form: string): BaseItem[] {
    return [...(this.#items.get(form.toUpperCase())?.values() ?? [])];
  }

  /** @returns the record when a document may use it: audited, not forbidden */
  usable(form: string, number: string, scope = ""): BaseItem | undefined {
    const item = this.find(form, number, scope);
    return item?.documentStatus === "C" && item.forbidStatus === "A" ? item : undefined;
  }
}

function keyOf(scope: string, number: string): string {
  return `${scope}|${number}`;
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

/** What every data centre has before anybody works in it. */
export function seedSharedBaseData(base: BaseData): void {
  base.put({ form: "BD_CURRENCY", number: "PRE001", name: "人民币", attributes: { FCODE: "CNY" } });
  base.put({ form: "BD_CURRENCY", number: "PRE007", name: "美元", attributes: { FCODE: "USD" } });
  base.put({ form: "BD_RATETYPE", number: "HLTX01_SYS", name: "固定汇率" });
  base.put({ form: "BD_SETTLETYPE", number: "JSFS01_SYS", name: "现金" });
  base.put({ form: "BD_SETTLETYPE", number: "JSFS04_SYS", name: "电汇" });
  for (const [number, name] of [
    ["PRE001", "记"],
    ["PRE002", "收"],
    ["PRE003", "付"],
    ["PRE004", "转"],
  ] as const) {
    base.put({ form: "BD_VOUCHERGROUP", number, name });
  }
  for (const [number, name, group, factor] of UNITS) {
    base.put({ form: "BD_UNIT", number, name, attributes: { FUNITGROUPID: group, FCONVERTRATE: factor } });
  }
  for (const [number, name] of [
    ["CI001", "办公费"],
    ["CI007", "存货盘亏"],
  ] as const) {
    base.put({ form: "BD_EXPENSE", number, name });
  }
}

/** @returns the base-data form behind a flex column; undefined when the tenant has no such column */
export function flexForm(column: string): string | undefined {
  return FLEX_COLUMNS[column.toUpperCase()]?.form;
}
