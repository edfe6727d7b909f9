/** 科目余额表, 数量金额总账 and 明细账 (XC-SDK AccountBalanceReply, QtySumReply, SubLedgerReply). */

import { formatDecimal, ONE, parseDecimal, scaleDecimal, trimDecimal } from "../shared/decimal.ts";
import type { JsonOut } from "../shared/json.ts";
import type { AccountSet } from "./account-set.ts";
import { type Call, type Operation, reading } from "./call.ts";
import { type BaseItem, ERR, Refusal, type Entry, type Voucher } from "./model.ts";
import { pageOf } from "./paging.ts";
import { periodOf } from "./voucher-wire.ts";
import { baseUnitOf } from "./voucher-rules.ts";

/** Debit positive for balances; turnovers are kept by side. */
type Sums = { begin: bigint; debit: bigint; credit: bigint; ytdDebit: bigint; ytdCredit: bigint };

type Line = { account: BaseItem; assist: Record<string, string> | undefined; amount: Sums; quantity: Sums };

const noSums = (): Sums => ({ begin: 0n, debit: 0n, credit: 0n, ytdDebit: 0n, ytdCredit: 0n });

/** @throws Refusal when a period is missing */
function rangeOf({ parameters }: Call): { start: string; end: string } {
  const [start, end] = [periodOf(parameters.text("start_period")), periodOf(parameters.text("end_period"))];
  if (start === "" || end === "") throw new Refusal(ERR.validation, "参数start_period和end_period不能为空");
  if (start > end) throw new Refusal(ERR.validation, "起始期间不能大于结束期间");
  return { start, end };
}

function counted(call: Call): Voucher[] {
  const all = [...call.set.ledger.vouchers.values()];
  return call.settings.reportsCountUnaudited ? all : all.filter(({ status }) => status === "C");
}

/** Adds up every account with those above it, and each combination of 辅助核算 of a detail account by itself. */
function sumUp(call: Call): Line[] {
  const { start, end } = rangeOf(call);
  const { base, openings } = call.set;
  const lines = new Map<string, Line>();
  const add = (number: string, assist: Record<string, string>, part: (line: Line) => void): void => {
    const account = base.find("bd_account", number);
    if (!account) return;
    const combination = Object.entries(assist).toSorted(([left], [right]) => (left < right ? -1 : 1));
    if (combination.length > 0) {
      part(lineFor(lines, account, Object.fromEntries(combination), JSON.stringify(combination)));
    }
    for (
      let above: BaseItem | undefined = account;
      above;
      above = base.find("bd_account", above.attributes["parent"] ?? "")
    ) {
      part(lineFor(lines, above, undefined, ""));
    }
  };
  for (const { account, assist, amount, quantity } of openings) {
    add(account, assist, (line) => {
      line.amount.begin += amount;
      line.quantity.begin += quantity;
    });
  }
  for (const voucher of counted(call)) {
    const period = voucher.date.slice(0, 7);
    if (period > end) continue;
    for (const entry of voucher.entries) {
      add(entry.account, entry.assist, (line) => {
        book(line.amount, period, start, end, entry.debit, entry.credit);
        const quantity = baseQuantity(entry, call.set);
        const isDebit = entry.credit === 0n;
        book(line.quantity, period, start, end, isDebit ? quantity : 0n, isDebit ? 0n : quantity);
      });
    }
  }
  return [...lines.values()].toSorted((left, right) => compare(keyOf(left), keyOf(right)));
}

function lineFor(lines: Map<string, Line>, account: BaseItem, assist: Line["assist"], suffix: string): Line {
  const key = `${account.number}|${suffix}`;
  const known = lines.get(key);
  if (known) return known;
  const line = { account, assist, amount: noSums(), quantity: noSums() };
  lines.set(key, line);
  return line;
}

function book(sums: Sums, period: string, start: string, end: string, debit: bigint, credit: bigint): void {
  if (period < start) sums.begin += debit - credit;
  else {
    sums.debit += debit;
    sums.credit += credit;
  }
  if (period.slice(0, 4) !== end.slice(0, 4)) return;
  sums.ytdDebit += debit;
  sums.ytdCredit += credit;
}

/** @returns the entry's quantity in the base unit of its item */
function baseQuantity(entry: Entry, { base }: AccountSet): bigint {
  const unit = base.find("bd_measureunits_new", entry.unit);
  const baseUnit = baseUnitOf(entry.assist, base);
  if (!unit || !baseUnit || unit.id === baseUnit.id) return entry.quantity;
  const factor = (item: BaseItem): bigint => parseDecimal(item.attributes["factor"] ?? "1") ?? ONE;
  return scaleDecimal(entry.quantity, factor(unit), factor(baseUnit)) ?? 0n;
}

/** Blanks sort before dots: an account comes before its combinations, and those before the accounts below it. */
function keyOf({ account, assist }: Line): string {
  return [account.number, ...Object.entries(assist ?? {}).map(([type, number]) => `${type}:${number}`)].join(" ");
}

const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
const endOf = ({ begin, debit, credit }: Sums): bigint => begin + debit - credit;
const absolute = (value: bigint): bigint => (value < 0n ? -value : value);
/** 1 借, -1 贷, 0 平 */
const sideOf = (value: bigint): string => (value > 0n ? "1" : value < 0n ? "-1" : "0");

function pageOfRows<Row>(call: Call, rows: readonly Row[], encode: (row: Row) => JsonOut): { [key: string]: JsonOut } {
  const { page, pageSize } = pageOf(call.parameters, call.settings.pageSizeOver);
  const shown = rows.slice((page - 1) * pageSize, page * pageSize).map(encode);
  return {
    total_count: rows.length,
    page_count: Math.ceil(rows.length / pageSize),
    rows: call.fault?.kind === "reorder" ? call.random.shuffled(shown) : shown,
  };
}

/** What a row says about its account, and the combination of 辅助核算 it stands for. */
function described({ account, assist }: Line, { base }: AccountSet): { [key: string]: JsonOut } {
  const items = Object.entries(assist ?? {}).map(([type, number]) => ({ type, number, item: base.find(type, number) }));
  return {
    account_id: account.id,
    account_no: account.number,
    account_name: [account.name, ...items.map(({ number, item }) => `${number} ${item?.name ?? ""}`)].join("_"),
    currency_name: "人民币",
    detail_id: items.map(({ item }) => item?.id ?? "").join("_"),
    // Ours: the vendor's model has only the opaque detail_id.
    assist: items.map(({ type, number }) => ({ type, number })),
  };
}

function wanted(call: Call, line: Line): boolean {
  const { parameters } = call;
  const search = parameters.text("search");
  if (search !== "" && !line.account.number.startsWith(search) && !line.account.name.includes(search)) return false;
  const account = parameters.text("account_id");
  if (account !== "" && line.account.id !== account) return false;
  return line.assist === undefined || parameters.flag("show_expand_item");
}

export const accountBalances: Operation = reading("report", "gl_voucher|report", (call) =>
  pageOfRows(
    call,
    sumUp(call).filter((line) => wanted(call, line)),
    (line) => {
      const { begin, debit, credit, ytdDebit, ytdCredit } = line.amount;
      const end = endOf(line.amount);
      const twice = (name: string, value: bigint): { [key: string]: JsonOut } => {
        const text = formatDecimal(value, 2);
        return { [name]: text, [`${name}_for`]: text };
      };
      return {
        ...described(line, call.set),
        ...twice("begin_bal", absolute(begin)),
        begin_dc: sideOf(begin),
        ...twice("debit", debit),
        ...twice("credit", credit),
        ...twice("ytd_debit", ytdDebit),
        ...twice("ytd_credit", ytdCredit),
        ...twice("end_bal", absolute(end)),
        end_dc: sideOf(end),
      };
    },
  ),
);

export const quantityBalances: Operation = reading("report", "gl_voucher|report", (call) =>
  pageOfRows(
    call,
    sumUp(call).filter((line) => (line.account.attributes["quantity_rule"] ?? "none") !== "none" && wanted(call, line)),
    (line) => {
      const { amount, quantity } = line;
      const [end, endQuantity] = [endOf(amount), endOf(quantity)];
      const price = (value: bigint, count: bigint): string => trimDecimal(scaleDecimal(value, ONE, count) ?? 0n);
      return {
        ...described(line, call.set),
        unit_name: baseUnitOf(line.assist ?? {}, call.set.base)?.name ?? "",
        begin_dc: sideOf(amount.begin),
        begin_qty: trimDecimal(quantity.begin),
        begin_price: price(amount.begin, quantity.begin),
        begin_amount: formatDecimal(amount.begin, 2),
        debit_qty: trimDecimal(quantity.debit),
        debit_amount: formatDecimal(amount.debit, 2),
        credit_qty: trimDecimal(quantity.credit),
        credit_amount: formatDecimal(amount.credit, 2),
        year_debit_qty: trimDecimal(quantity.ytdDebit),
        year_debit_amount: formatDecimal(amount.ytdDebit, 2),
        year_credit_qty: trimDecimal(quantity.ytdCredit),
        year_credit_amount: formatDecimal(amount.ytdCredit, 2),
        end_dc: sideOf(end),
        end_qty: trimDecimal(endQuantity),
        end_price: price(end, endQuantity),
        end_amount: formatDecimal(end, 2),
      };
    },
  ),
);

export const subLedger: Operation = reading("report", "gl_voucher|report", (call) => {
  const { start, end } = rangeOf(call);
  const account = call.set.base.byId("bd_account", call.parameters.text("account_id"));
  if (!account) throw new Refusal(ERR.notFound, `参数account_id[${call.parameters.text("account_id")}]不存在`);
  const begin = sumUp(call).find((line) => line.account.id === account.id && !line.assist)?.amount.begin ?? 0n;
  let balance = begin;
  const rows = counted(call)
    .filter(({ date }) => date.slice(0, 7) >= start && date.slice(0, 7) <= end)
    .toSorted((left, right) => compare(`${left.date}${left.id}`, `${right.date}${right.id}`))
    .flatMap((voucher) =>
      voucher.entries
        .filter((entry) => entry.account === account.number)
        .map((entry) => {
          balance += entry.debit - entry.credit;
          return {
            voucher_id: voucher.id,
            voucher_no: call.set.ledger.caption(voucher),
            date: voucher.date,
            explanation: entry.explanation,
            debit: formatDecimal(entry.debit, 2),
            credit: formatDecimal(entry.credit, 2),
            dc: sideOf(balance),
            end_bal: formatDecimal(absolute(balance), 2),
          };
        }),
    );
  return {
    ...pageOfRows(call, rows, (row) => row),
    begin_bal: formatDecimal(absolute(begin), 2),
    begin_dc: sideOf(begin),
    end_bal: formatDecimal(absolute(balance), 2),
    end_dc: sideOf(balance),
  };
});
