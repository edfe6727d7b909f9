/** Vouchers as they travel (XC-SDK models VoucherSaveRequestItem, VoucherListReplyRow, VoucherDetailReply). */

import { formatDecimal, trimDecimal } from "../shared/decimal.ts";
import type { JsonOut } from "../shared/json.ts";
import type { BaseData } from "./base-data.ts";
import type { EntryInput, Ledger, VoucherInput } from "./ledger.ts";
import { ERR, Refusal, type Entry, type Voucher } from "./model.ts";
import { amountIn, fieldOf, listOf, type Parameters, textIn, textOf } from "./parameters.ts";

/** Fields that a tenant or release does not have are lost in silence when they are sent, and empty in every answer. */
export type LostFields = readonly string[];

/** @param where  "第2条凭证" in a batch, "" alone */
export function decodeVoucher(item: unknown, base: BaseData, lost: LostFields, where: string): VoucherInput {
  const group = base.refer(
    "gl_vouchertype",
    textIn(item, "group_id"),
    textIn(item, "group_number"),
    "group_number",
    where,
  );
  const entries = listOf(fieldOf(item, "entry_list"));
  return {
    date: textIn(item, "date").slice(0, 10),
    group: group?.number ?? "",
    number: textIn(item, "number"),
    remark: lost.includes("remark") ? "" : textIn(item, "remark"),
    external: lost.includes("source_bill_no") ? "" : textIn(item, "source_bill_no"),
    attachments: listOf(fieldOf(item, "attachment_ids")).map(textOf),
    entries: entries.map((entry, index) => decodeEntry(entry, base, `${where}第${index + 1}条分录`)),
  };
}

function decodeEntry(entry: unknown, base: BaseData, where: string): EntryInput {
  const refer = (kind: string, name: string): string => {
    return (
      base.refer(kind, textIn(entry, `${name}_id`), textIn(entry, `${name}_number`), `${name}_number`, where)?.number ??
      ""
    );
  };
  const [debit, credit] = [amountIn(entry, "debit_amount", where), amountIn(entry, "credit_amount", where)];
  const dc = textIn(entry, "dc");
  if (dc !== "" && dc !== "1" && dc !== "-1") throw new Refusal(ERR.validation, `${where}参数dc[${dc}]不正确`);
  if ((dc === "1" && credit !== 0n) || (dc === "-1" && debit !== 0n)) {
    throw new Refusal(ERR.validation, `${where}参数dc[${dc}]与借贷方金额不一致`);
  }
  return {
    id: undefined,
    explanation: textIn(entry, "explanation"),
    account: refer("bd_account", "account"),
    assist: Object.fromEntries(listOf(fieldOf(entry, "assist")).flatMap((one) => decodeAssist(one, base, where))),
    currency: refer("bd_currency", "currency") || "RMB",
    unit: refer("bd_measureunits_new", "measure_unit"),
    price: amountIn(entry, "price", where),
    quantity: amountIn(entry, "quantity", where),
    amountFor: amountIn(entry, "amount_for", where),
    debit,
    credit,
  };
}

function decodeAssist(one: unknown, base: BaseData, where: string): [type: string, number: string][] {
  const type = assistType(textIn(one, "type"));
  const item = base.refer(type, textIn(one, "id"), textIn(one, "number"), "number", where);
  return item ? [[type, item.number]] : [];
}

/** The vendor's pages call employees bd_emp in paths and bd_employee as entity; both are understood. */
function assistType(type: string): string {
  return type === "bd_emp" ? "bd_employee" : type;
}

export function encodeRow(
  voucher: Voucher,
  ledger: Ledger,
  base: BaseData,
  lost: LostFields,
): { [key: string]: JsonOut } {
  const group = base.find("gl_vouchertype", voucher.group);
  let [debit, credit] = [0n, 0n];
  for (const entry of voucher.entries) {
    debit += entry.debit;
    credit += entry.credit;
  }
  return {
    id: voucher.id,
    date: voucher.date,
    period: voucher.date.slice(0, 7).replace("-", ""),
    number: voucher.number,
    voucher_no: ledger.caption(voucher),
    bill_status: voucher.status,
    group_id: group?.id ?? "",
    group_number: voucher.group,
    group_name: group?.name ?? "",
    debit_total: formatDecimal(debit, 2),
    credit_total: formatDecimal(credit, 2),
    source_bill_type: "",
    source_bill_id: "",
    source_bill_no: lost.includes("source_bill_no") ? "" : voucher.external,
    have_reverse: voucher.reversedBy !== "",
    is_reverse: voucher.reversalOf !== "",
    remark: lost.includes("remark") ? "" : voucher.remark,
  };
}

export function encodeDetail(voucher: Voucher, ledger: Ledger, base: BaseData, lost: LostFields): JsonOut {
  return {
    ...encodeRow(voucher, ledger, base, lost),
    entry_list: voucher.entries.map((entry, index) => encodeEntry(entry, index, base)),
  };
}

function encodeEntry(entry: Entry, index: number, base: BaseData): JsonOut {
  const account = base.find("bd_account", entry.account);
  const unit = base.find("bd_measureunits_new", entry.unit);
  const currency = base.find("bd_currency", entry.currency);
  return {
    id: entry.id,
    seq: String(index + 1),
    explanation: entry.explanation,
    account_id: account?.id ?? "",
    account_name: account?.name ?? "",
    account_number: entry.account,
    measure_unit_id: unit?.id ?? "",
    measure_unit_name: unit?.name ?? "",
    measure_unit_number: entry.unit,
    currency_id: currency?.id ?? "",
    currency_name: currency?.name ?? "",
    currency_number: entry.currency,
    debit_amount: formatDecimal(entry.debit, 2),
    credit_amount: formatDecimal(entry.credit, 2),
    amount_for: formatDecimal(entry.amountFor, 2),
    price: trimDecimal(entry.price),
    quantity: trimDecimal(entry.quantity),
    dc: sideOf(entry) === "debit" ? "1" : "-1",
    assist: Object.entries(entry.assist).map(([type, number]) => ({
      id: base.find(type, number)?.id ?? "",
      type,
      number,
      bd_aux_info_type_id: "",
    })),
  };
}

function sideOf(entry: Entry): "debit" | "credit" {
  return entry.credit !== 0n ? "credit" : "debit";
}

/**
 * Vouchers that fit the filters of a list call. How exact the vendor matches is not published: source_bill_no and number
 * match whole, explanation and search in part.
 *
 * @param ignored  filters that this tenant does not know; they are ignored in silence
 */
export function findVouchers(
  parameters: Parameters,
  ledger: Ledger,
  base: BaseData,
  ignored: readonly string[],
): Voucher[] {
  const given = (name: string): string => (ignored.includes(name) ? "" : parameters.text(name));
  const external = given("source_bill_no");
  const [start, end] = [periodOf(given("start_period")), periodOf(given("end_period"))];
  const [status, number, search, explanation] = ["bill_status", "number", "search", "explanation"].map(given);
  const accounts = ignored.includes("account_ids") ? [] : parameters.list("account_ids");
  const between = timeFilter(given);
  const candidates =
    external !== ""
      ? ledger.byExternal(external)
      : start !== "" && start === end
        ? ledger.inPeriod(start)
        : [...ledger.vouchers.values()];
  return candidates.filter((voucher) => {
    const period = voucher.date.slice(0, 7);
    if ((start !== "" && period < start) || (end !== "" && period > end)) return false;
    if (status !== "" && voucher.status !== status) return false;
    if (number !== "" && voucher.number !== number && ledger.caption(voucher) !== number) return false;
    if (!between(voucher.createdAtMs, voucher.modifiedAtMs)) return false;
    const explained = (part: string): boolean => voucher.entries.some((entry) => entry.explanation.includes(part));
    if (explanation !== undefined && explanation !== "" && !explained(explanation)) return false;
    if (search !== undefined && search !== "" && !ledger.caption(voucher).includes(search) && !explained(search)) {
      return false;
    }
    if (accounts.length === 0) return true;
    return voucher.entries.some(({ account }) => accounts.includes(base.find("bd_account", account)?.id ?? ""));
  });
}

/** "202501" or "2025-01" as "2025-01"; "" for nothing. @throws Refusal for anything else */
export function periodOf(text: string): string {
  if (text === "") return "";
  const parts = /^(\d{4})-?(0[1-9]|1[0-2])$/.exec(text);
  if (!parts) throw new Refusal(ERR.validation, `会计期间[${text}]不正确，格式为yyyyMM`);
  return `${parts[1] ?? ""}-${parts[2] ?? ""}`;
}

/** create_ and modify_ start and end times, in milliseconds, both ends included. */
export function timeFilter(given: (name: string) => string): (createdAtMs: number, modifiedAtMs: number) => boolean {
  const [createdFrom, createdTo, modifiedFrom, modifiedTo] = [
    "create_start_time",
    "create_end_time",
    "modify_start_time",
    "modify_end_time",
  ].map((name) => {
    const text = given(name);
    if (text !== "" && !/^\d{1,15}$/.test(text)) throw new Refusal(ERR.validation, `参数${name}[${text}]不正确`);
    return text === "" ? undefined : Number(text);
  });
  const inside = (atMs: number, from: number | undefined, to: number | undefined): boolean => {
    return (from === undefined || atMs >= from) && (to === undefined || atMs <= to);
  };
  return (createdAtMs, modifiedAtMs) => {
    return inside(createdAtMs, createdFrom, createdTo) && inside(modifiedAtMs, modifiedFrom, modifiedTo);
  };
}
