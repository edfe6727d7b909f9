/** What the general ledger refuses, in the order and words of the reference; † there marks the texts that were really seen. */

import { formatDecimal, parseDecimal, roundDecimal } from "../shared/decimal.ts";
import { type Archives, isOn } from "./archives.ts";
import {
  type Archive,
  addPeriods,
  type BookState,
  type CashFlow,
  type Complaint,
  type Line,
  periodText,
  readDate,
  Refusal,
} from "./model.ts";

/** A line as it came, every value as text. */
export type LineDraft = {
  /** entry_id as sent; names the line in complaints */
  entry: string;
  account: string;
  abstract: string;
  currency: string;
  rate: string;
  price: string;
  debit: string;
  credit: string;
  debitFor: string;
  creditFor: string;
  debitQuantity: string;
  creditQuantity: string;
  settlement: string;
  documentId: string;
  documentDate: string;
  billType: string;
  billId: string;
  billDate: string;
  auxiliaries: Record<string, string>;
  cashFlows: readonly { item: string; debit: string; credit: string }[];
};

/** A voucher as it came, every value as text. */
export type VoucherDraft = {
  sign: string;
  year: string;
  period: string;
  number: string;
  attachments: string;
  date: string;
  maker: string;
  cashier: string;
  auditor: string;
  flag: string;
  makingSystem: string;
  memo1: string;
  memo2: string;
  externalType: string;
  external: string;
  uploadId: string;
  lines: readonly LineDraft[];
};

export type VoucherSettings = {
  /** widths of the template (2005) or wider ones; characters */
  abstractLengthMax: number;
  externalLengthMax: number;
  /** auxiliaries that the account does not list: kept as sent, dropped in silence, or refused */
  unlistedAuxiliaries: "keep" | "drop" | "refuse";
  /** whether GL may use 受控 accounts (an option of the account set) */
  controlledAccounts: "allow" | "refuse";
};

export type CheckedHead = { date: string; year: number; period: number; attachments: number };

const MAKER_LENGTH_MAX = 20;
const MEMO_LENGTH_MAX = 10;
const ITEM_LENGTH_MAX = 20;
const BILL_LENGTH_MAX = 30;
const ACCOUNT_LENGTH_MAX = 15;
const SIGN_LENGTH_MAX = 2;
const SMALLINT_MAX = 32_767;
/** money of SQL Server ends here */
const MONEY_MAX = parseDecimal("922337203685477.58") ?? 0n;

/** Checks 5 and 6 of the order, and the widths of the head. */
export function checkHead(
  draft: VoucherDraft,
  book: BookState,
  archives: Archives,
  rules: VoucherSettings,
): CheckedHead {
  if (!archives.find("dsign", draft.sign)) throw new Refusal("凭证类别非法");
  const date = readDate(draft.date);
  const [year, period] = [wholeNumber(draft.year), wholeNumber(draft.period)];
  if (year === undefined || period === undefined || period < 1 || period > 12) throw new Refusal("会计期间非法");
  const wanted = periodText(year, period);
  const lastYear = Number(addPeriods(book.closedThrough, 1).slice(0, 4)) + 1;
  if (wanted < book.startPeriod || year > lastYear) throw new Refusal("会计期间非法");
  if (date === undefined || date.slice(0, 7) !== wanted) throw new Refusal("制单日期不在会计期间内");
  refuseClosed(book, wanted);
  const attachments = draft.attachments === "" ? 0 : wholeNumber(draft.attachments);
  if (attachments === undefined || attachments > SMALLINT_MAX) throw new Refusal("附单据数非法");
  checkLength("voucher_type", draft.sign, SIGN_LENGTH_MAX);
  checkLength("enter", draft.maker, MAKER_LENGTH_MAX);
  checkLength("memo1", draft.memo1, MEMO_LENGTH_MAX);
  checkLength("memo2", draft.memo2, MEMO_LENGTH_MAX);
  checkLength("voucher_making_system", draft.makingSystem, MEMO_LENGTH_MAX);
  checkLength("reserve1", draft.externalType, ITEM_LENGTH_MAX);
  checkLength("reserve2", draft.external, rules.externalLengthMax);
  if (!["", "0", "1", "2"].includes(draft.flag)) throw new Refusal("revokeflag非法");
  return { date, year, period, attachments };
}

export function refuseClosed(book: BookState, period: string): void {
  if (period <= book.closedThrough) throw new Refusal("该期间总账已结账");
  if (book.lockedPeriods.includes(period)) throw new Refusal("该期间总账已关账");
}

/** Checks 8 to 12: every failing line is reported, then the summary. */
export function checkLines(
  draft: VoucherDraft,
  date: string,
  archives: Archives,
  rules: VoucherSettings,
): Omit<Line, "id">[] {
  const complaints: Complaint[] = [];
  const lines: Omit<Line, "id">[] = [];
  draft.lines.forEach((line, index) => {
    const entry = line.entry === "" ? String(index + 1) : line.entry;
    const result = checkLine(line, draft, date, archives, rules);
    if (typeof result === "string") complaints.push({ entry, text: result });
    else lines.push(result);
  });
  if (complaints.length > 0) {
    const all = [...complaints, { entry: "", text: "凭证分录数据有错" }];
    throw new Refusal(complaints.map(({ entry, text }) => `分录${entry}：${text}`).join("；"), undefined, all);
  }
  if (lines.length === 0) throw new Refusal("凭证没有分录");
  const [debit, credit] = [sum(lines, "debit"), sum(lines, "credit")];
  if (debit !== credit) throw new Refusal("借贷不平");
  return lines;
}

/** @returns the line, or what is wrong with it */
function checkLine(
  line: LineDraft,
  draft: VoucherDraft,
  date: string,
  archives: Archives,
  rules: VoucherSettings,
): Omit<Line, "id"> | string {
  const account = line.account.length > ACCOUNT_LENGTH_MAX ? undefined : archives.find("code", line.account);
  if (!account) return "科目编码非法";
  if (!isOn(account.fields["end_item_flag"])) return "科目不是末级科目";
  if (isOn(account.fields["acc_seal_flag"])) return "科目已封存";
  const controlled = (account.fields["ctrled_acc"] ?? "") !== "" && ["", "GL", "CDM"].includes(draft.makingSystem);
  if (controlled && rules.controlledAccounts === "refuse") return "受控科目不允许在总账中使用";
  const auxiliaries = checkAuxiliaries(line, account, date, archives, rules);
  if (typeof auxiliaries === "string") return auxiliaries;
  const numbers = readNumbers(line);
  if (numbers === undefined) return "分录金额非法";
  const { debit, credit } = numbers;
  if ((debit === 0n) === (credit === 0n)) return "分录金额非法";
  if (line.abstract.trim() === "") return "摘要不能为空";
  if (line.abstract.length > rules.abstractLengthMax) return tooLong("abstract", rules.abstractLengthMax);
  const currency = line.currency === "" ? "人民币" : line.currency;
  if (!archives.list("currency").some(({ name }) => name === currency)) return "币种非法";
  if (line.documentId.length > BILL_LENGTH_MAX) return tooLong("document_id", BILL_LENGTH_MAX);
  if (line.billId.length > BILL_LENGTH_MAX) return tooLong("bill_id", BILL_LENGTH_MAX);
  const cashFlows = readCashFlows(line, archives);
  if (cashFlows === undefined) return "现金流量项目非法";
  const measured = (account.fields["measure_unit"] ?? "") !== "";
  return {
    abstract: line.abstract,
    account: account.code,
    currency,
    settlement: line.settlement,
    documentId: line.documentId,
    documentDate: readDate(line.documentDate) ?? "",
    billType: line.billType,
    billId: line.billId,
    billDate: readDate(line.billDate) ?? "",
    auxiliaries,
    cashFlows,
    ...numbers,
    // "quantity accounts only": elsewhere the column stays empty.
    debitQuantity: measured ? numbers.debitQuantity : 0n,
    creditQuantity: measured ? numbers.creditQuantity : 0n,
  };
}

type LineNumbers = Pick<
  Line,
  "rate" | "price" | "debit" | "credit" | "debitFor" | "creditFor" | "debitQuantity" | "creditQuantity"
>;

function readNumbers(line: LineDraft): LineNumbers | undefined {
  const read = (text: string): bigint | undefined => (text === "" ? 0n : parseDecimal(text));
  const money = (text: string): bigint | undefined => {
    const value = read(text);
    if (value === undefined || value > MONEY_MAX || value < -MONEY_MAX) return undefined;
    return roundDecimal(value, 2);
  };
  const [rate, price] = [read(line.rate), read(line.price)];
  const [debit, credit] = [money(line.debit), money(line.credit)];
  const [debitFor, creditFor] = [money(line.debitFor), money(line.creditFor)];
  const [debitQuantity, creditQuantity] = [read(line.debitQuantity), read(line.creditQuantity)];
  if (rate === undefined || price === undefined || debit === undefined || credit === undefined) return undefined;
  if (debitFor === undefined || creditFor === undefined) return undefined;
  if (debitQuantity === undefined || creditQuantity === undefined) return undefined;
  return { rate, price, debit, credit, debitFor, creditFor, debitQuantity, creditQuantity };
}

function checkAuxiliaries(
  line: LineDraft,
  account: Archive,
  date: string,
  archives: Archives,
  rules: VoucherSettings,
): Record<string, string> | string {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(line.auxiliaries)) if (value.trim() !== "") given[name] = value.trim();
  const demands: [name: string, flag: string, kind: string, complaint: string][] = [
    ["dept_id", "dept_acc", "department", "部门非法"],
    ["personnel_id", "person_acc", "person", "个人非法"],
    ["cust_id", "cust_acc", "customer", "客户非法"],
    ["supplier_id", "supplier_acc", "vendor", "供应商非法"],
  ];
  for (const [name, flag, kind, complaint] of demands) {
    const value = given[name];
    const demanded = isOn(account.fields[flag]);
    if (value === undefined && demanded) return complaint;
    if (value === undefined) continue;
    const found = archives.usable(kind, value, date);
    if (!found || found.fields["endflag"] === "0") return complaint;
    given[name] = found.code;
    // A person always belongs to a department, so 个人往来 takes one without asking for it.
    const listed = demanded || (name === "dept_id" && isOn(account.fields["person_acc"]));
    if (!listed && rules.unlistedAuxiliaries === "refuse") return complaint;
    if (!listed && rules.unlistedAuxiliaries === "drop") delete given[name];
  }
  return checkItem(given, account, date, archives, rules);
}

function checkItem(
  given: Record<string, string>,
  account: Archive,
  date: string,
  archives: Archives,
  rules: VoucherSettings,
): Record<string, string> | string {
  const [itemClass, item] = [given["item_class"], given["item_id"]];
  const demanded = isOn(account.fields["item_acc"]);
  if (!demanded && itemClass === undefined && item === undefined) return given;
  if (itemClass === undefined || item === undefined) return "项目非法";
  if (demanded && itemClass !== account.fields["item_category"]) return "项目非法";
  if (!archives.hasItem(itemClass, item, date)) return "项目非法";
  if (!demanded && rules.unlistedAuxiliaries === "refuse") return "项目非法";
  if (!demanded && rules.unlistedAuxiliaries === "drop") {
    const { item_class: _class, item_id: _item, ...rest } = given;
    return rest;
  }
  return given;
}

function readCashFlows(line: LineDraft, archives: Archives): CashFlow[] | undefined {
  const known = archives.list("cashflowitem");
  const flows: CashFlow[] = [];
  for (const flow of line.cashFlows) {
    const debit = flow.debit === "" ? 0n : parseDecimal(flow.debit);
    const credit = flow.credit === "" ? 0n : parseDecimal(flow.credit);
    if (debit === undefined || credit === undefined) return undefined;
    if (known.length > 0 && !known.some(({ code }) => code === flow.item)) return undefined;
    flows.push({ item: flow.item, debit, credit });
  }
  return flows;
}

function sum(lines: readonly Omit<Line, "id">[], side: "debit" | "credit"): bigint {
  return lines.reduce((total, line) => total + line[side], 0n);
}

function checkLength(element: string, text: string, max: number): void {
  if (text.length > max) throw new Refusal(tooLong(element, max));
}

const tooLong = (element: string, max: number): string => `字段${element}超出最大长度${max}`;

export function wholeNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text.trim()) ? Number(text.trim()) : undefined;
}

/** The text a voucher of the books would have had on the wire: for changes by hand, which go through the same checks. */
export function draftOfLine(line: Line, entry: number): LineDraft {
  const plain = (value: bigint, places?: number): string => (value === 0n ? "" : formatDecimal(value, places));
  return {
    entry: String(entry),
    account: line.account,
    abstract: line.abstract,
    currency: line.currency,
    rate: plain(line.rate),
    price: plain(line.price),
    debit: plain(line.debit, 2),
    credit: plain(line.credit, 2),
    debitFor: plain(line.debitFor, 2),
    creditFor: plain(line.creditFor, 2),
    debitQuantity: plain(line.debitQuantity),
    creditQuantity: plain(line.creditQuantity),
    settlement: line.settlement,
    documentId: line.documentId,
    documentDate: line.documentDate,
    billType: line.billType,
    billId: line.billId,
    billDate: line.billDate,
    auxiliaries: line.auxiliaries,
    cashFlows: line.cashFlows.map((flow) => ({
      item: flow.item,
      debit: plain(flow.debit, 2),
      credit: plain(flow.credit, 2),
    })),
  };
}
