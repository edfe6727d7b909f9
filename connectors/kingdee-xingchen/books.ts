import { z } from "zod";
import { Period, nextPeriod, period, shiftPeriod } from "../../domain/dates.ts";
import { Decimal, ZERO, add, isZero, negate, normalize } from "../../domain/decimal.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import type { AccountBalance, ErpVoucher, MasterDataKind, MasterDataRow, PeriodState } from "../contract.ts";
import { Text, readErrorOf } from "./answers.ts";
import { readAll } from "./lists.ts";
import { signedAmount } from "./voucher-rows.ts";
import type { Reading } from "./vouchers.ts";

/** Months after the current period that are reported as open. */
const MONTHS_AHEAD = 12;
const MONTHS_MAX = 1_200;

/** Source: XC-SDK model Gl inside system_param. */
const Parameters = z.looseObject({
  gl: z.looseObject({
    start_year: z.string(),
    start_period: z.string(),
    current_year: z.string(),
    current_period: z.string(),
  }),
});

/** Periods from the book's start to a year ahead; everything before the book's current period is closed. */
export const readPeriods = async ({ channel, settings }: Reading): Promise<readonly PeriodState[]> => {
  if (settings.periods !== undefined)
    return periodStates(period(settings.periods.start), period(settings.periods.current));
  const answer = await channel.read("jdy/v2/sys/system_param", { type: "gl" });
  if (answer.kind !== "ok") {
    const { code, message } = readErrorOf(answer);
    throw new ZhangshiError(code, { book: settings.book, message });
  }
  const parsed = Parameters.safeParse(answer.data);
  if (!parsed.success)
    throw new ZhangshiError("READ_FAILED", { book: settings.book, reason: "system_param has no gl" });
  const { gl } = parsed.data;
  const of = (year: string, month: string): Period => {
    const text = Period.safeParse(`${year}-${month.padStart(2, "0")}`);
    if (text.success) return text.data;
    throw new ZhangshiError("READ_FAILED", { book: settings.book, value: `${year}-${month}`.slice(0, 40) });
  };
  return periodStates(of(gl.start_year, gl.start_period), of(gl.current_year, gl.current_period));
};

const periodStates = (start: Period, current: Period): readonly PeriodState[] => {
  const last = shiftPeriod(current, MONTHS_AHEAD);
  const states: PeriodState[] = [];
  for (let month = start; month <= last && states.length < MONTHS_MAX; month = nextPeriod(month))
    states.push({ period: month, open: month >= current });
  return states;
};

const paths: Readonly<Record<MasterDataKind, string>> = {
  account: "jdy/v2/fi/account",
  item: "jdy/v2/bd/material",
  warehouse: "jdy/v2/bd/store",
  supplier: "jdy/v2/bd/supplier",
  customer: "jdy/v2/bd/customer",
  department: "jdy/v2/bd/department",
  unit: "jdy/v2/bd/measure_unit",
  word: "jdy/v2/fi/voucher_type",
};

/** Source: XC-SDK models of the lists. enable: 1 启用, 0 禁用; lists without it hold only what is enabled. */
const MasterRow = z.looseObject({ number: z.string().min(1), name: Text, enable: Text, is_leaf: Flag() });

function Flag(): z.ZodType<boolean | undefined> {
  return z
    .union([z.boolean(), z.string(), z.null()])
    .optional()
    .transform((flag) =>
      flag === undefined || flag === null || flag === "" ? undefined : flag === true || flag === "1" || flag === "true",
    );
}

/** Usable: enabled, an account also at the lowest level. */
export const readMasterData = async (
  { channel, settings }: Reading,
  kind: MasterDataKind,
  codes: readonly string[] | undefined,
): Promise<readonly MasterDataRow[]> => {
  const path = paths[kind];
  const rows = await readAll(channel, path, {}, settings.pageSize, (row) => {
    const parsed = MasterRow.safeParse(row);
    if (!parsed.success) throw new ZhangshiError("READ_FAILED", { path, reason: "a row without number" });
    const { number: code, name, enable, is_leaf: leaf } = parsed.data;
    const usable = enable !== "0" && (kind !== "account" || leaf !== false);
    return [code, { code, name, usable }];
  });
  const wanted = codes === undefined ? undefined : new Set(codes);
  return wanted === undefined ? rows : rows.filter((row) => wanted.has(row.code));
};

/** Source: XC-SDK models AccountBalanceReplyRow and QtySumReplyRow; amounts are unsigned beside begin_dc and end_dc. */
const BalanceRow = z.looseObject({
  account_no: Text,
  detail_id: Text,
  begin_bal: Text,
  begin_dc: Text,
  debit: Text,
  credit: Text,
  end_bal: Text,
  end_dc: Text,
});
const QuantityRow = z.looseObject({
  account_no: Text,
  detail_id: Text,
  begin_qty: Text,
  begin_dc: Text,
  debit_qty: Text,
  credit_qty: Text,
  end_qty: Text,
  end_dc: Text,
});

/** 科目余额表 of one period, by account; with quantities where the book keeps them. Debit is positive. */
export const readBalanceReport = async (reading: Reading, of: Period): Promise<readonly AccountBalance[]> => {
  const { channel, settings } = reading;
  const yearMonth = of.replace("-", "");
  const range = { start_period: yearMonth, end_period: yearMonth };
  const rows = await readAll(channel, "jdy/v2/fi/account_balance_report", range, settings.pageSize, (row) =>
    named(BalanceRow.parse(row), (one) => one.account_no),
  );
  const quantities = settings.reportQuantities ? await readQuantities(reading, range) : new Map();
  return rows
    .filter((row) => row.account_no !== "" && isAccountRow(row.detail_id))
    .map((row): AccountBalance => {
      const quantity = quantities.get(row.account_no);
      return {
        account: row.account_no,
        item: "",
        opening: signed(row.begin_bal, row.begin_dc, row.account_no),
        debit: amount(row.debit, row.account_no),
        credit: amount(row.credit, row.account_no),
        closing: signed(row.end_bal, row.end_dc, row.account_no),
        openingQuantity: quantity?.opening,
        debitQuantity: quantity?.debit,
        creditQuantity: quantity?.credit,
        closingQuantity: quantity?.closing,
      };
    })
    .filter((balance) => !isEmpty(balance));
};

interface Quantities {
  readonly opening: Decimal;
  readonly debit: Decimal;
  readonly credit: Decimal;
  readonly closing: Decimal;
}

const readQuantities = async (
  { channel, settings }: Reading,
  range: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, Quantities>> => {
  const rows = await readAll(channel, "jdy/v2/fi/qty_sum", range, settings.pageSize, (row) =>
    named(QuantityRow.parse(row), (one) => one.account_no),
  );
  return new Map(
    rows
      .filter((row) => isAccountRow(row.detail_id))
      .map((row) => [
        row.account_no,
        {
          opening: signed(row.begin_qty, row.begin_dc, row.account_no),
          debit: amount(row.debit_qty, row.account_no),
          credit: amount(row.credit_qty, row.account_no),
          closing: signed(row.end_qty, row.end_dc, row.account_no),
        },
      ]),
  );
};

/** Rows of one dimension carry its combination's id; the account's own row has none. */
const isAccountRow = (detailId: string): boolean => detailId === "" || detailId === "0";
const named = <Row extends { readonly detail_id: string }>(
  row: Row,
  account: (row: Row) => string,
): readonly [string, Row] => [JSON.stringify([account(row), isAccountRow(row.detail_id) ? "" : row.detail_id]), row];

const amount = (text: string, account: string): Decimal => {
  const parsed = Decimal.safeParse(text.trim() === "" ? "0" : text.trim().replaceAll(",", ""));
  if (!parsed.success) throw new ZhangshiError("READ_FAILED", { account, value: text.slice(0, 200) });
  return normalize(parsed.data);
};
/** dc: 1 or 借 is debit, -1 or 贷 credit, 0 or 平 neither (reference §10.4: inferred). */
const signed = (text: string, dc: string, account: string): Decimal => {
  const value = amount(text, account);
  return dc === "-1" || dc === "贷" ? negate(value) : value;
};

const isEmpty = ({ account: _account, item: _item, ...numbers }: AccountBalance): boolean =>
  Object.values(numbers).every((value) => value === undefined || isZero(value));

/** Balances of detail accounts from voucher lines alone, by account and by item. Opening balances of the book are not in it. */
export const sumEntries = async (
  pages: AsyncIterable<readonly ErpVoucher[]>,
  of: Period,
): Promise<readonly AccountBalance[]> => {
  const balances = new Map<string, AccountBalance>();
  for await (const vouchers of pages)
    for (const voucher of vouchers) {
      const inPeriod = voucher.period === of;
      for (const line of voucher.lines) {
        const value = signedAmount(line);
        const quantity = line.quantity === undefined || line.side === "debit" ? line.quantity : negate(line.quantity);
        const only = (side: "debit" | "credit", number: Decimal | undefined): Decimal | undefined =>
          number === undefined ? undefined : inPeriod && line.side === side ? number : ZERO;
        for (const item of new Set(["", line.dimensions.item ?? ""]))
          put(balances, {
            account: line.account,
            item,
            opening: inPeriod ? ZERO : value,
            debit: only("debit", line.amount) ?? ZERO,
            credit: only("credit", line.amount) ?? ZERO,
            closing: value,
            openingQuantity: quantity === undefined ? undefined : inPeriod ? ZERO : quantity,
            debitQuantity: only("debit", line.quantity),
            creditQuantity: only("credit", line.quantity),
            closingQuantity: quantity,
          });
      }
    }
  return [...balances.values()];
};

const put = (balances: Map<string, AccountBalance>, addition: AccountBalance): void => {
  const name = JSON.stringify([addition.account, addition.item]);
  const known = balances.get(name);
  const plus = (a: Decimal | undefined, b: Decimal | undefined): Decimal | undefined =>
    a === undefined && b === undefined ? undefined : add(a ?? ZERO, b ?? ZERO);
  balances.set(
    name,
    known === undefined
      ? addition
      : {
          account: known.account,
          item: known.item,
          opening: add(known.opening, addition.opening),
          debit: add(known.debit, addition.debit),
          credit: add(known.credit, addition.credit),
          closing: add(known.closing, addition.closing),
          openingQuantity: plus(known.openingQuantity, addition.openingQuantity),
          debitQuantity: plus(known.debitQuantity, addition.debitQuantity),
          creditQuantity: plus(known.creditQuantity, addition.creditQuantity),
          closingQuantity: plus(known.closingQuantity, addition.closingQuantity),
        },
  );
};
