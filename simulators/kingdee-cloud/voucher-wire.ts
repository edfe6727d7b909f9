/** GL_VOUCHER on the wire: from a Save's Model to what the ledger keeps, and back for NeedReturnFields and View. */

import { formatDecimal, ONE, roundDecimal } from "../shared/decimal.ts";
import { JsonNumber, type JsonOut } from "../shared/json.ts";
import { type BaseData, baseForm, flexForm } from "./base-data.ts";
import { ENTRY_ENTITY, type FormContext, unknownField, voucherColumn, voucherField, type VoucherRow } from "./forms.ts";
import { type EntryInput, type VoucherInput, yearAndPeriod } from "./ledger.ts";
import { type BaseItem, type Entry, MSG, Refusal, Refusals, type Voucher } from "./model.ts";
import { outOf } from "./query.ts";
import { amountOf, fieldOf, flagOf, integerOf, listOf, membersOf, textOf } from "./wire-values.ts";

/** Options beside the Model, as far as they change how it is read. */
export type SaveOptions = {
  needUpdateFields: readonly string[];
  needReturnFields: readonly string[];
  isDeleteEntry: boolean;
  verifyBaseData: boolean;
  searchByNumber: boolean;
  /** refuse Model keys that the form does not have, instead of ignoring them */
  strictKeys: boolean;
};

/** Amounts are kept to the currency's precision. */
const MONEY_PLACES = 2;
const FLEX_PREFIX = "FDETAILID__";

export function readSaveOptions(data: unknown, strictKeys: boolean): SaveOptions {
  return {
    needUpdateFields: listOf(fieldOf(data, "NeedUpDateFields")).map((key) => textOf(key).toUpperCase()),
    needReturnFields: listOf(fieldOf(data, "NeedReturnFields")).map(textOf),
    isDeleteEntry: flagOf(fieldOf(data, "IsDeleteEntry"), true),
    verifyBaseData: flagOf(fieldOf(data, "IsVerifyBaseDataField"), false),
    searchByNumber: flagOf(fieldOf(data, "NumberSearch"), true),
    strictKeys,
  };
}

/** @returns the id that a Model carries; 0 (or none) means: new */
export function idInModel(model: unknown): number {
  return integerOf(fieldOf(model, "FVOUCHERID")) ?? integerOf(fieldOf(model, "FID")) ?? 0;
}

/**
 * Reads a Model over what is there already (or over nothing, for a new voucher).
 *
 * @throws Refusals naming everything that cannot be read
 */
export function readModel(
  model: unknown,
  existing: Voucher | undefined,
  options: SaveOptions,
  context: FormContext,
): VoucherInput {
  const reader = new ModelReader(options, context);
  const input = reader.voucher(model, existing);
  if (reader.refusals.length > 0) throw new Refusals(reader.refusals);
  return input;
}

class ModelReader {
  readonly refusals: Refusal[] = [];
  readonly #options: SaveOptions;
  readonly #context: FormContext;

  constructor(options: SaveOptions, context: FormContext) {
    this.#options = options;
    this.#context = context;
  }

  voucher(model: unknown, existing: Voucher | undefined): VoucherInput {
    this.#checkKeys(model, false);
    const book = this.#number(model, "FAccountBookID", "账簿", "BD_ACCOUNTBOOK", "", existing?.book);
    if (book === "") this.#refuse("FAccountBookID", "字段[账簿]是必录字段");
    const date = this.#date(model, "FDate", existing?.date);
    const organization = this.#context.ledger.books.get(book)?.organization ?? "";
    return {
      book,
      date,
      businessDate: this.#date(model, "FBUSDATE", existing?.businessDate ?? date),
      year: this.#integer(model, "FYEAR", undefined),
      period: this.#integer(model, "FPERIOD", undefined),
      group: this.#number(model, "FVOUCHERGROUPID", "凭证字", "BD_VOUCHERGROUP", "", existing?.group),
      number: this.#text(model, "FVOUCHERGROUPNO", existing?.number ?? "").trim(),
      attachments: this.#integer(model, "FATTACHMENTS", existing?.attachments ?? 0) ?? 0,
      reference: this.#text(model, "FREFERENCE", existing?.reference ?? ""),
      external: this.#external(model, existing),
      sourceBillKey: this.#sourceBillKey(model, existing),
      adjust: this.#given(model, "FISADJUSTVOUCHER")
        ? flagOf(fieldOf(model, "FISADJUSTVOUCHER"), false)
        : (existing?.adjust ?? false),
      entries: this.#entries(model, existing, book, organization),
    };
  }

  #external(model: unknown, existing: Voucher | undefined): string {
    const { customField } = this.#context;
    return customField === undefined ? "" : this.#text(model, customField, existing?.external ?? "");
  }

  #sourceBillKey(model: unknown, existing: Voucher | undefined): string {
    if (!this.#given(model, "FSourceBillKey")) return existing?.sourceBillKey ?? "";
    const value = fieldOf(model, "FSourceBillKey");
    return textOf(value) || textOf(fieldOf(value, "FNumber"));
  }

  #entries(model: unknown, existing: Voucher | undefined, book: string, organization: string): EntryInput[] {
    const old = existing?.entries ?? [];
    if (!this.#given(model, ENTRY_ENTITY)) return [...old];
    const rows = listOf(fieldOf(model, ENTRY_ENTITY));
    const sent = rows.map((row) => this.#entry(row, old, book, organization));
    const named = new Set(sent.map((entry) => entry.id));
    // Unless told otherwise the vendor deletes every row that the Model does not name.
    const kept = this.#options.isDeleteEntry ? [] : old.filter((entry) => !named.has(entry.id));
    return [...kept, ...sent];
  }

  #entry(row: unknown, old: readonly Entry[], book: string, organization: string): EntryInput {
    this.#checkKeys(row, true);
    const id = integerOf(fieldOf(row, "FEntryID")) ?? 0;
    const was = id === 0 ? undefined : old.find((entry) => entry.id === id);
    const ledgerBook = this.#context.ledger.books.get(book);
    const ownCurrency = ledgerBook?.currency ?? "PRE001";
    const debit = this.#money(row, "FDEBIT", was?.debit);
    const credit = this.#money(row, "FCREDIT", was?.credit);
    return {
      id: was?.id,
      explanation: this.#text(row, "FEXPLANATION", was?.explanation ?? ""),
      account: this.#number(row, "FACCOUNTID", "科目", "BD_ACCOUNT", ledgerBook?.chart ?? "", was?.account),
      dimensions: this.#dimensions(row, was?.dimensions ?? {}, organization),
      currency: this.#number(row, "FCURRENCYID", "币别", "BD_CURRENCY", "", was?.currency) || ownCurrency,
      rateType: this.#number(row, "FEXCHANGERATETYPE", "汇率类型", "BD_RATETYPE", "", was?.rateType) || "HLTX01_SYS",
      rate: this.#amount(row, "FEXCHANGERATE", was?.rate) || ONE,
      unit: this.#number(row, "FUnitId", "单位", "BD_UNIT", "", was?.unit),
      price: this.#amount(row, "FPrice", was?.price),
      quantity: this.#amount(row, "FQty", was?.quantity),
      amountFor: this.#given(row, "FAMOUNTFOR") ? this.#money(row, "FAMOUNTFOR", undefined) : debit + credit,
      debit,
      credit,
      businessNumber: this.#text(row, "FBUSNO", was?.businessNumber ?? ""),
      settleType: this.#number(row, "FSettleTypeID", "结算方式", "BD_SETTLETYPE", "", was?.settleType),
      settleNumber: this.#text(row, "FSETTLENO", was?.settleNumber ?? ""),
      exportEntryId: this.#text(row, "FEXPORTENTRYID", was?.exportEntryId ?? ""),
    };
  }

  #dimensions(row: unknown, was: Record<string, string>, organization: string): Record<string, string> {
    if (!this.#given(row, "FDetailID")) return was;
    const dimensions: Record<string, string> = {};
    for (const [key, value] of membersOf(fieldOf(row, "FDetailID"))) {
      const column = key.toUpperCase().replace(FLEX_PREFIX, "");
      const form = key.toUpperCase().startsWith(FLEX_PREFIX) ? flexForm(column) : undefined;
      if (form === undefined) {
        if (this.#options.strictKeys) this.refusals.push(unknownField(key));
        continue;
      }
      const number = this.#resolve(key, baseForm(form)?.name ?? form, form, organization, value);
      if (number !== "") dimensions[column] = number;
    }
    return dimensions;
  }

  /** Whether the Model sets this field: it is there, and NeedUpDateFields (when given) lets it through. */
  #given(model: unknown, key: string): boolean {
    if (fieldOf(model, key) === undefined) return false;
    const { needUpdateFields } = this.#options;
    return needUpdateFields.length === 0 || needUpdateFields.includes(key.toUpperCase());
  }

  #text(model: unknown, key: string, otherwise: string): string {
    return this.#given(model, key) ? textOf(fieldOf(model, key)) : otherwise;
  }

  #integer(model: unknown, key: string, otherwise: number | undefined): number | undefined {
    if (!this.#given(model, key) || textOf(fieldOf(model, key)) === "") return otherwise;
    const value = integerOf(fieldOf(model, key));
    if (value === undefined) this.#refuse(key, `字段[${key}]的值“${textOf(fieldOf(model, key))}”不是整数`);
    return value;
  }

  #amount(model: unknown, key: string, otherwise: bigint | undefined): bigint {
    if (!this.#given(model, key)) return otherwise ?? 0n;
    const value = amountOf(fieldOf(model, key));
    if (value === undefined) this.#refuse(key, `字段[${key}]的值“${textOf(fieldOf(model, key))}”不是数字`);
    return value ?? 0n;
  }

  #money(model: unknown, key: string, otherwise: bigint | undefined): bigint {
    return roundDecimal(this.#amount(model, key, otherwise), MONEY_PLACES);
  }

  #date(model: unknown, key: string, otherwise: string | undefined): string {
    const text = this.#text(model, key, otherwise ?? "").slice(0, 10);
    if (isDate(text)) return text;
    this.#refuse(key, text === "" ? "字段[日期]是必录字段" : `字段[日期]的值“${text}”不是日期`);
    return "1900-01-01";
  }

  #number(
    model: unknown,
    key: string,
    name: string,
    form: string,
    scope: string,
    otherwise: string | undefined,
  ): string {
    return this.#given(model, key) ? this.#resolve(key, name, form, scope, fieldOf(model, key)) : (otherwise ?? "");
  }

  /**
   * Finds what a reference names. With IsVerifyBaseDataField an unusable one is refused; without it the field
   * silently stays blank, as the vendor warns.
   */
  #resolve(key: string, name: string, form: string, scope: string, value: unknown): string {
    const isScalar = typeof value !== "object" && textOf(value).trim() !== "";
    if (isScalar) {
      this.#refuse(key, `字段[${name}]的值应为对象，例如{"FNumber":"…"}`);
      return "";
    }
    const item = this.#lookUp(form, scope, value);
    const sent = textOf(fieldOf(value, "FNumber")) || textOf(fieldOf(value, "FName")) || textOf(fieldOf(value, "Id"));
    if (item) return item.number;
    if (sent !== "" && this.#options.verifyBaseData) {
      this.#refuse(key, `基础资料【${name}】编码为“${sent}”的数据不存在或未审核`);
    }
    return "";
  }

  #lookUp(form: string, scope: string, value: unknown): BaseItem | undefined {
    const { base } = this.#context;
    const id = integerOf(fieldOf(value, "Id")) ?? integerOf(fieldOf(value, baseForm(form)?.idKey ?? "Id"));
    const number = textOf(fieldOf(value, "FNumber"));
    if (number !== "" && this.#options.searchByNumber) return base.usable(form, number, scope);
    const name = textOf(fieldOf(value, "FName"));
    if (name !== "") return usableByName(base, form, scope, name);
    const item = id === undefined ? undefined : base.byId(form, id);
    return item && base.usable(form, item.number, scope);
  }

  #checkKeys(model: unknown, entry: boolean): void {
    for (const [key] of membersOf(model)) {
      if (KEYS_WITHOUT_FIELD.has(key.toUpperCase())) continue;
      const field = voucherField(key, this.#context);
      if (field && field.entry !== entry && !ON_BOTH_LEVELS.has(key.toUpperCase())) {
        const entity = entry ? "FEntity" : "BillHead";
        this.refusals.push(new Refusal(MSG.exception, `实体不存在此属性！[EntityType：${entity}]`, key));
      } else if (!field && this.#options.strictKeys) this.refusals.push(unknownField(key));
    }
  }

  #refuse(field: string, message: string): void {
    this.refusals.push(new Refusal(MSG.validation, message, field));
  }
}

const KEYS_WITHOUT_FIELD = new Set(["FENTITY", "FDETAILID", "FID", "FENTRYID"]);
/** FNumber is the voucher's number on the head, and part of every reference. */
const ON_BOTH_LEVELS = new Set(["FNUMBER", "FENTRYID"]);

function usableByName(base: BaseData, form: string, scope: string, name: string): BaseItem | undefined {
  const item = base.list(form).find((candidate) => candidate.name === name && [scope, ""].includes(candidate.scope));
  return item && base.usable(form, item.number, scope);
}

function isDate(text: string): boolean {
  if (!/^(19|20)\d\d-\d\d-\d\d$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

/** What NeedReturnFields asks for, as far as the form has it; an unknown key is simply not echoed. */
export function returnData(voucher: Voucher, keys: readonly string[], context: FormContext): JsonOut {
  const headRow: VoucherRow = { voucher, entry: undefined, sequence: 0 };
  const data: Record<string, JsonOut> = {};
  const entryKeys: { key: string; field: string }[] = [];
  for (const key of keys) {
    const field = key.replace(/^FEntity\./i, "").replace(/^FEntity_FEntryID$/i, "FEntryID");
    const column = columnOrNothing(field, context);
    if (!column) continue;
    if (column.entry) entryKeys.push({ key: field, field });
    else data[key] = outOf(column.read(headRow));
  }
  if (entryKeys.length > 0) {
    data[ENTRY_ENTITY] = voucher.entries.map((entry, at) => {
      const row = { voucher, entry, sequence: at + 1 };
      return Object.fromEntries(
        entryKeys.map(({ key, field }) => [key, outOf(voucherColumn(field, context).read(row))]),
      );
    });
  }
  return data;
}

function columnOrNothing(key: string, context: FormContext): ReturnType<typeof voucherColumn> | undefined {
  try {
    return voucherColumn(key, context);
  } catch {
    return undefined;
  }
}

/** The whole voucher under the names of the vendor's model: no F prefix, references as objects. */
export function viewOf(voucher: Voucher, context: FormContext): JsonOut {
  const { base, ledger, customField } = context;
  const book = ledger.books.get(voucher.book);
  return {
    Id: voucher.id,
    BillNo: voucher.number,
    DocumentStatus: voucher.documentStatus,
    AccountBookID_Id: base.find("BD_ACCOUNTBOOK", voucher.book)?.id ?? 0,
    AccountBookID: itemView(base.find("BD_ACCOUNTBOOK", voucher.book)),
    Date: `${voucher.date}T00:00:00`,
    BUSDATE: `${voucher.businessDate}T00:00:00`,
    YEAR: voucher.year,
    PERIOD: voucher.period,
    VOUCHERGROUPID: itemView(base.find("BD_VOUCHERGROUP", voucher.group)),
    VOUCHERGROUPNO: voucher.number,
    ATTACHMENTS: voucher.attachments,
    REFERENCE: voucher.reference,
    ISADJUSTVOUCHER: voucher.adjust,
    SourceBillKey: voucher.sourceBillKey,
    Invalid: voucher.invalid,
    CHECKED: voucher.documentStatus === "C",
    POSTED: voucher.posted,
    CreatorId: itemView(base.find("SEC_USER", voucher.creator)),
    CreateDate: voucher.createdAt,
    ModifierId: itemView(base.find("SEC_USER", voucher.modifier)),
    ModifyDate: voucher.modifiedAt,
    CHECKERID: itemView(base.find("SEC_USER", voucher.auditor)),
    AUDITDATE: voucher.auditedAt === "" ? null : voucher.auditedAt,
    POSTERID: itemView(base.find("SEC_USER", voucher.poster)),
    POSTDATE: voucher.postedAt === "" ? null : voucher.postedAt,
    ...(customField === undefined ? {} : { [customField]: voucher.external }),
    GLVOUCHERENTRY: voucher.entries.map((entry, at) => ({
      Id: entry.id,
      Seq: at + 1,
      EXPLANATION: entry.explanation,
      ACCOUNTID: itemView(book && ledger.account(book, entry.account)),
      DetailID: dimensionView(base, entry, book?.organization ?? ""),
      CURRENCYID: itemView(base.find("BD_CURRENCY", entry.currency)),
      EXCHANGERATETYPE: itemView(base.find("BD_RATETYPE", entry.rateType)),
      EXCHANGERATE: decimal(entry.rate),
      UnitId: itemView(base.find("BD_UNIT", entry.unit)),
      Price: decimal(entry.price),
      Qty: decimal(entry.quantity),
      AMOUNTFOR: decimal(entry.amountFor),
      DEBIT: decimal(entry.debit),
      CREDIT: decimal(entry.credit),
      DC: entry.credit === 0n ? 1 : -1,
      BUSNO: entry.businessNumber,
      SETTLENO: entry.settleNumber,
      EXPORTENTRYID: entry.exportEntryId,
    })),
  };
}

function dimensionView(base: BaseData, entry: Entry, organization: string): JsonOut {
  const members = Object.entries(entry.dimensions).map(([column, number]): [string, JsonOut] => {
    return [column, itemView(base.find(flexForm(column) ?? "", number, organization))];
  });
  return members.length === 0 ? null : Object.fromEntries(members);
}

export function itemView(
  item: BaseItem | undefined,
): { Id: number; Number: string; Name: { Key: number; Value: string }[] } | null {
  return item ? { Id: item.id, Number: item.number, Name: [{ Key: 2052, Value: item.name }] } : null;
}

function decimal(value: bigint): JsonNumber {
  return new JsonNumber(formatDecimal(value));
}

/** A hand-made or copied voucher as the ledger takes it. */
export function inputOf(voucher: Voucher): VoucherInput {
  const [year, period] = yearAndPeriod(voucher.date);
  return { ...voucher, year, period, entries: voucher.entries.map((entry) => ({ ...entry })) };
}
