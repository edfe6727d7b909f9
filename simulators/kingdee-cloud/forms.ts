/** What can be asked of a form: its fields with their types, and how a key such as FACCOUNTID.FNumber reads a row. */

import { type BaseData, type BaseForm, baseForm, flexForm } from "./base-data.ts";
import { FLEX_COLUMNS } from "./charts.ts";
import type { Ledger } from "./ledger.ts";
import { type BaseItem, type Entry, MSG, Refusal, type Voucher } from "./model.ts";
import { type Cell, type Column, type ColumnType, padDate } from "./query-language.ts";

export type VoucherRow = { voucher: Voucher; entry: Entry | undefined; sequence: number };

/** What columns read besides the row itself. */
export type FormContext = { base: BaseData; ledger: Ledger; customField: string | undefined };

type Target = (context: FormContext, row: VoucherRow) => BaseItem | undefined;

export type VoucherField = {
  key: string;
  name: string;
  entry: boolean;
  type: ColumnType;
  mustInput: boolean;
  read(row: VoucherRow): Cell;
  /** the form that the field refers to, and the record it points at */
  lookup?: string;
  target?: Target;
};

export const VOUCHER_FORM = "GL_VOUCHER";
export const ENTRY_ENTITY = "FEntity";

const textOrNull = (text: string): Cell => (text === "" ? null : text);
const stampOrNull = (text: string): Cell => (text === "" ? null : padDate(text));

function head(
  key: string,
  name: string,
  type: ColumnType,
  read: (voucher: Voucher) => Cell,
  mustInput = false,
): VoucherField {
  return { key, name, entry: false, type, mustInput, read: (row) => read(row.voucher) };
}

function line(
  key: string,
  name: string,
  type: ColumnType,
  read: (entry: Entry, row: VoucherRow) => Cell,
): VoucherField {
  return {
    key,
    name,
    entry: true,
    type,
    mustInput: false,
    read: (row) => (row.entry ? read(row.entry, row) : null),
  };
}

/** A reference: the bare key gives the other record's id, key.FNumber and the like its fields. */
function reference(entry: boolean, key: string, name: string, lookup: string, target: Target): VoucherField {
  return { key, name, entry, type: "integer", mustInput: entry, read: () => null, lookup, target };
}

function headReference(
  key: string,
  name: string,
  lookup: string,
  numberOf: (voucher: Voucher) => string,
): VoucherField {
  return reference(false, key, name, lookup, ({ base }, row) => base.find(lookup, numberOf(row.voucher)));
}

function lineReference(key: string, name: string, lookup: string, numberOf: (entry: Entry) => string): VoucherField {
  return reference(true, key, name, lookup, ({ base }, row) => {
    return row.entry ? base.find(lookup, numberOf(row.entry)) : undefined;
  });
}

const VOUCHER_FIELDS: readonly VoucherField[] = [
  head("FVOUCHERID", "内码", "integer", (voucher) => voucher.id),
  headReference("FAccountBookID", "账簿", "BD_ACCOUNTBOOK", (voucher) => voucher.book),
  reference(false, "FACCBOOKORGID", "核算组织", "ORG_ORGANIZATIONS", ({ base, ledger }, row) => {
    return base.find("ORG_ORGANIZATIONS", ledger.books.get(row.voucher.book)?.organization ?? "");
  }),
  head("FDate", "日期", "date", (voucher) => padDate(voucher.date), true),
  head("FBUSDATE", "业务日期", "date", (voucher) => padDate(voucher.businessDate)),
  head("FYEAR", "会计年度", "integer", (voucher) => voucher.year),
  head("FPERIOD", "期间", "integer", (voucher) => voucher.period),
  headReference("FVOUCHERGROUPID", "凭证字", "BD_VOUCHERGROUP", (voucher) => voucher.group),
  head("FVOUCHERGROUPNO", "凭证号", "text", (voucher) => voucher.number),
  head("FBILLNO", "凭证号", "text", (voucher) => voucher.number),
  head("FNumber", "凭证号", "text", (voucher) => voucher.number),
  head("FATTACHMENTS", "附件数", "integer", (voucher) => voucher.attachments),
  head("FREFERENCE", "参考信息", "text", (voucher) => textOrNull(voucher.reference)),
  head("FISADJUSTVOUCHER", "是否调整期凭证", "flag", (voucher) => voucher.adjust),
  head("FSourceBillKey", "业务类型", "text", (voucher) => textOrNull(voucher.sourceBillKey)),
  head("FDocumentStatus", "单据状态", "text", (voucher) => voucher.documentStatus),
  head("FInvalid", "作废", "flag", (voucher) => voucher.invalid),
  head("FCHECKED", "已审核", "flag", (voucher) => voucher.documentStatus === "C"),
  head("FPOSTED", "已过账", "flag", (voucher) => voucher.posted),
  headReference("FCreatorId", "制单人", "SEC_USER", (voucher) => voucher.creator),
  head("FCreateDate", "创建日期", "date", (voucher) => stampOrNull(voucher.createdAt)),
  headReference("FModifierId", "最后修改人", "SEC_USER", (voucher) => voucher.modifier),
  head("FModifyDate", "最后修改日期", "date", (voucher) => stampOrNull(voucher.modifiedAt)),
  headReference("FCHECKERID", "审核人", "SEC_USER", (voucher) => voucher.auditor),
  head("FAUDITDATE", "审核日期", "date", (voucher) => stampOrNull(voucher.auditedAt)),
  headReference("FPOSTERID", "过账人", "SEC_USER", (voucher) => voucher.poster),
  head("FPOSTDATE", "过账日期", "date", (voucher) => stampOrNull(voucher.postedAt)),
  head("FDEBITTOTAL", "借方总金额", "decimal", (voucher) => sum(voucher.entries, (entry) => entry.debit)),
  head("FCREDITTOTAL", "贷方总金额", "decimal", (voucher) => sum(voucher.entries, (entry) => entry.credit)),
  line("FEntryID", "分录内码", "integer", (entry) => entry.id),
  line("FEntity_FEntryID", "分录内码", "integer", (entry) => entry.id),
  line("FEntity_FSeq", "分录行号", "integer", (_entry, row) => row.sequence),
  line("FSeq", "分录行号", "integer", (_entry, row) => row.sequence),
  line("FEXPLANATION", "摘要", "text", (entry) => textOrNull(entry.explanation)),
  reference(true, "FACCOUNTID", "科目编码", "BD_ACCOUNT", ({ ledger }, row) => {
    const book = ledger.books.get(row.voucher.book);
    return book && row.entry ? ledger.account(book, row.entry.account) : undefined;
  }),
  lineReference("FCURRENCYID", "币别", "BD_CURRENCY", (entry) => entry.currency),
  lineReference("FEXCHANGERATETYPE", "汇率类型", "BD_RATETYPE", (entry) => entry.rateType),
  line("FEXCHANGERATE", "汇率", "decimal", (entry) => entry.rate),
  lineReference("FUnitId", "单位", "BD_UNIT", (entry) => entry.unit),
  line("FPrice", "单价", "decimal", (entry) => entry.price),
  line("FQty", "数量", "decimal", (entry) => entry.quantity),
  line("FAMOUNTFOR", "原币金额", "decimal", (entry) => entry.amountFor),
  line("FDEBIT", "借方金额", "decimal", (entry) => entry.debit),
  line("FCREDIT", "贷方金额", "decimal", (entry) => entry.credit),
  line("FDC", "余额方向", "integer", (entry) => (entry.credit === 0n ? 1 : -1)),
  line("FBUSNO", "业务编号", "text", (entry) => textOrNull(entry.businessNumber)),
  lineReference("FSettleTypeID", "结算方式", "BD_SETTLETYPE", (entry) => entry.settleType),
  line("FSETTLENO", "结算号", "text", (entry) => textOrNull(entry.settleNumber)),
  line("FEXPORTENTRYID", "现金流量", "text", (entry) => textOrNull(entry.exportEntryId)),
];

const FIELD_BY_KEY = new Map(VOUCHER_FIELDS.map((field) => [field.key.toUpperCase(), field]));

/** @returns the field of that key, the custom one included; keys do not mind their case */
export function voucherField(key: string, context: Pick<FormContext, "customField">): VoucherField | undefined {
  if (context.customField !== undefined && key.toUpperCase() === context.customField.toUpperCase()) {
    return head(context.customField, "外部编号", "text", (voucher) => textOrNull(voucher.external));
  }
  return FIELD_BY_KEY.get(key.toUpperCase());
}

export function voucherFields(context: Pick<FormContext, "customField">): VoucherField[] {
  const custom = context.customField === undefined ? undefined : voucherField(context.customField, context);
  return custom ? [...VOUCHER_FIELDS, custom] : [...VOUCHER_FIELDS];
}

/** @throws Refusal MsgCode 9 for keys that the form does not have, or that reach deeper than one level */
export function voucherColumn(key: string, context: FormContext): Column<VoucherRow> {
  const parts = key.split(".");
  const [first = "", second = "", third = ""] = parts;
  if (first.toUpperCase() === "FDETAILID" && parts.length <= 3) return flexColumn(key, second, third, context);
  const field = voucherField(first, context);
  if (!field || parts.length > 2) throw unknownField(key);
  const { target, lookup } = field;
  if (target === undefined || lookup === undefined) {
    if (parts.length > 1) throw unknownField(key);
    return { key, type: field.type, entry: field.entry, read: (row) => field.read(row) };
  }
  if (parts.length === 1) {
    return { key, type: "integer", entry: field.entry, read: (row) => target(context, row)?.id ?? 0 };
  }
  const member = baseColumn(lookup, second, context);
  return { key, type: member.type, entry: field.entry, read: readThrough(member, (row) => target(context, row)) };
}

function flexColumn(key: string, flex: string, member: string, context: FormContext): Column<VoucherRow> {
  const column = flex.toUpperCase();
  const form = flexForm(column);
  // The parent is not selectable, and FDETAILID__FFLEX8 is a key for Save only.
  if (form === undefined) throw unknownField(key);
  const target = (row: VoucherRow): BaseItem | undefined => {
    const number = row.entry?.dimensions[column];
    if (number === undefined) return undefined;
    return context.base.find(form, number, context.ledger.books.get(row.voucher.book)?.organization ?? "");
  };
  if (member === "") return { key, type: "integer", entry: true, read: (row) => target(row)?.id ?? 0 };
  const inner = baseColumn(form, member, context);
  return { key, type: inner.type, entry: true, read: readThrough(inner, target) };
}

function readThrough<Row>(member: Column<BaseItem>, target: (row: Row) => BaseItem | undefined): (row: Row) => Cell {
  return (row) => {
    const item = target(row);
    return item === undefined ? null : member.read(item);
  };
}

/** @throws Refusal MsgCode 9 for keys that the base-data form does not have */
export function baseColumn(formId: string, key: string, context: FormContext): Column<BaseItem> {
  const form = baseForm(formId);
  if (!form) throw new Refusal(MSG.fieldUnknown, "业务对象不存在");
  const [first = "", second = "", ...deeper] = key.split(".");
  const upper = first.toUpperCase();
  const lookup = lookupOf(form, upper);
  if (second !== "") {
    if (lookup === undefined || deeper.length > 0) throw unknownField(key);
    const member = baseColumn(lookup, second, context);
    return {
      key,
      type: member.type,
      entry: false,
      read: readThrough(member, (item) => referenced(context, form, item, upper, lookup)),
    };
  }
  if (lookup !== undefined) {
    return {
      key,
      type: "integer",
      entry: false,
      read: (item) => referenced(context, form, item, upper, lookup)?.id ?? 0,
    };
  }
  return { key, entry: false, ...plainBaseColumn(form, upper, key) };
}

function lookupOf(form: BaseForm, upper: string): string | undefined {
  if ((upper === "FUSEORGID" || upper === "FCREATEORGID") && form.scoped && form.id !== "BD_ACCOUNT")
    return "ORG_ORGANIZATIONS";
  return form.fields.find((field) => field.key.toUpperCase() === upper)?.lookup;
}

function referenced(
  context: FormContext,
  form: BaseForm,
  item: BaseItem,
  upper: string,
  lookup: string,
): BaseItem | undefined {
  if (upper === "FUSEORGID" || upper === "FCREATEORGID") return context.base.find(lookup, item.scope);
  const number = item.attributes[upper];
  return number === undefined ? undefined : context.base.find(lookup, number, form.id === lookup ? item.scope : "");
}

function plainBaseColumn(form: BaseForm, upper: string, key: string): Pick<Column<BaseItem>, "type" | "read"> {
  switch (upper) {
    case form.idKey.toUpperCase():
    case "FMASTERID":
      return { type: "integer", read: (item) => item.id };
    case "FNUMBER":
      return { type: "text", read: (item) => item.number };
    case "FNAME":
      return { type: "text", read: (item) => item.name };
    case "FDOCUMENTSTATUS":
      return { type: "text", read: (item) => item.documentStatus };
    case "FFORBIDSTATUS":
      return { type: "text", read: (item) => item.forbidStatus };
    case "FCREATEDATE":
      return { type: "date", read: (item) => item.createdAt };
    case "FMODIFYDATE":
      return { type: "date", read: (item) => item.modifiedAt };
    default:
  }
  const field = form.fields.find((candidate) => candidate.key.toUpperCase() === upper);
  if (!field) throw unknownField(key);
  switch (field.type) {
    case "text":
      return { type: "text", read: (item) => textOrNull(item.attributes[upper] ?? "") };
    case "integer":
      return { type: "integer", read: (item) => Number(item.attributes[upper] ?? "0") };
    case "flag":
      return { type: "flag", read: (item) => item.attributes[upper] === "1" };
  }
}

export function unknownField(key: string): Refusal {
  return new Refusal(MSG.fieldUnknown, `元数据中标识为${key}的字段不存在`, "");
}

/** What QueryBusinessInfo tells of a form. */
export type Metadata = {
  key: string;
  name: string;
  fields: { key: string; name: string; mustInput: boolean; lookup: string }[];
}[];

/** @throws Refusal when there is no such form */
export function metadataOf(formId: string, context: FormContext): { id: string; name: string; entities: Metadata } {
  if (formId.toUpperCase() === VOUCHER_FORM) {
    const fields = voucherFields(context);
    const tell = (field: VoucherField): Metadata[number]["fields"][number] => ({
      key: field.key,
      name: field.name,
      mustInput: field.mustInput,
      lookup: field.lookup ?? "",
    });
    const flex = Object.entries(FLEX_COLUMNS).map(([column, { name, form }]) => ({
      key: `FDETAILID__${column}`,
      name,
      mustInput: false,
      lookup: form,
    }));
    return {
      id: VOUCHER_FORM,
      name: "凭证",
      entities: [
        { key: "FBillHead", name: "单据头", fields: fields.filter((field) => !field.entry).map(tell) },
        { key: ENTRY_ENTITY, name: "分录", fields: [...fields.filter((field) => field.entry).map(tell), ...flex] },
      ],
    };
  }
  const form = baseForm(formId);
  if (!form) throw new Refusal(MSG.fieldUnknown, "业务对象不存在");
  const common = [
    { key: form.idKey, name: "内码", mustInput: false, lookup: "" },
    { key: "FNumber", name: "编码", mustInput: true, lookup: "" },
    { key: "FName", name: "名称", mustInput: true, lookup: "" },
    { key: "FDocumentStatus", name: "数据状态", mustInput: false, lookup: "" },
    { key: "FForbidStatus", name: "禁用状态", mustInput: false, lookup: "" },
    { key: "FUseOrgId", name: "使用组织", mustInput: false, lookup: "ORG_ORGANIZATIONS" },
  ];
  const own = form.fields.map(({ key, name, lookup }) => ({ key, name, mustInput: false, lookup: lookup ?? "" }));
  return { id: form.id, name: form.name, entities: [{ key: "FBillHead", name: "基本", fields: [...common, ...own] }] };
}

function sum(entries: readonly Entry[], amountOf: (entry: Entry) => bigint): bigint {
  return entries.reduce((total, entry) => total + amountOf(entry), 0n);
}
