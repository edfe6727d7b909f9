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

/** Source: XC-SDK model Gl inside system_param: a year beside a month, in some answers both in the period ("202501"). */
const Parameters = z.looseObject({
  gl: z.looseObject({ start_year: Text, start_period: Text, current_year: Text, current_period: Text }),
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
  return periodStates(
    periodIn(gl.start_year, gl.start_period, settings.book),
    periodIn(gl.current_year, gl.current_period, settings.book),
  );
};

/** @throws ZhangshiError READ_FAILED */
const periodIn = (year: string, month: string, book: string): Period => {
  const digits = month.replaceAll("-", "");
  const text = digits.length === 6 ? `${digits.slice(0, 4)}-${digits.slice(4)}` : `${year}-${digits.padStart(2, "0")}`;
  const parsed = Period.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new ZhangshiError("READ_FAILED", { book, value: `${year} ${month}`.slice(0, 40) });
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

/** The vendor's model has only the opaque detail_id for a combination; where a row names its dimensions, they count. */
const Described = z.looseObject({
  account_no: Text,
  detail_id: Text,
  begin_dc: Text,
  end_dc: Text,
  assist: z
    .union([z.array(z.looseObject({ type: Text, number: Text })), z.null()])
    .optional()
    .transform((assist) => assist ?? []),
});
type Described = z.infer<typeof Described>;

/** Source: XC-SDK models AccountBalanceReplyRow and QtySumReplyRow; balances are unsigned beside begin_dc and end_dc. */
const BalanceRow = Described.extend({ begin_bal: Text, debit: Text, credit: Text, end_bal: Text });
const QuantityRow = Described.extend({ begin_qty: Text, debit_qty: Text, credit_qty: Text, end_qty: Text });

/** 科目余额表 of one period, by account and as far as it says by item; with quantities where the book keeps them. Debit is positive. */
export const readBalanceReport = async (reading: Reading, of: Period): Promise<readonly AccountBalance[]> => {
  const yearMonth = of.replace("-", "");
  const { settings } = reading;
  const asked = {
    start_period: yearMonth,
    end_period: yearMonth,
    ...(settings.reportItems ? { show_expand_item: "1" } : {}),
  };
  const balances = new Map<string, AccountBalance>();
  for (const row of await reportRows(reading, "jdy/v2/fi/account_balance_report", asked, BalanceRow))
    put(balances, { ...EMPTY, ...whose(row, reading), ...moneyIn(row) });
  if (settings.reportQuantities)
    for (const row of await reportRows(reading, "jdy/v2/fi/qty_sum", asked, QuantityRow))
      put(balances, { ...EMPTY, ...whose(row, reading), ...quantitiesIn(row) });
  return [...balances.values()].filter((balance) => !isEmpty(balance));
};

const EMPTY = {
  opening: ZERO,
  debit: ZERO,
  credit: ZERO,
  closing: ZERO,
  openingQuantity: undefined,
  debitQuantity: undefined,
  creditQuantity: undefined,
  closingQuantity: undefined,
} as const;

/** Rows of accounts and of items. A combination that names no item is contained in its account's own row. */
const reportRows = async <Row extends Described>(
  { channel, settings }: Reading,
  path: string,
  asked: Readonly<Record<string, string>>,
  schema: z.ZodType<Row>,
): Promise<readonly Row[]> => {
  const rows = await readAll(channel, path, asked, settings.pageSize, (raw) => {
    const parsed = schema.safeParse(raw);
    if (!parsed.success) throw new ZhangshiError("READ_FAILED", { path, reason: "a row that is none of the report" });
    return [JSON.stringify([parsed.data.account_no, parsed.data.detail_id]), parsed.data];
  });
  return rows.filter((row) => row.account_no !== "" && (isOfAccount(row) || itemIn(row, settings) !== undefined));
};

const isOfAccount = ({ detail_id: detail }: Described): boolean => detail === "" || detail === "0";
const itemIn = ({ assist }: Described, settings: Reading["settings"]): string | undefined =>
  assist.find(({ type }) => type === settings.dimensions.item)?.number;
const whose = (row: Described, { settings }: Reading): { readonly account: string; readonly item: string } => ({
  account: row.account_no,
  item: isOfAccount(row) ? "" : (itemIn(row, settings) ?? ""),
});

const moneyIn = (row: z.infer<typeof BalanceRow>) => ({
  opening: signed(row.begin_bal, row.begin_dc, row.account_no),
  debit: amount(row.debit, row.account_no),
  credit: amount(row.credit, row.account_no),
  closing: signed(row.end_bal, row.end_dc, row.account_no),
});
/** A quantity on the credit side is written with or without a minus; it is negative either way. */
const quantitiesIn = (row: z.infer<typeof QuantityRow>) => ({
  openingQuantity: signed(unsignedOnCredit(row.begin_qty, row.begin_dc), row.begin_dc, row.account_no),
  debitQuantity: amount(row.debit_qty, row.account_no),
  creditQuantity: amount(row.credit_qty, row.account_no),
  closingQuantity: signed(unsignedOnCredit(row.end_qty, row.end_dc), row.end_dc, row.account_no),
});

const isCredit = (dc: string): boolean => dc === "-1" || dc === "贷";
const unsignedOnCredit = (text: string, dc: string): string => (isCredit(dc) ? text.trim().replace(/^-/, "") : text);

const amount = (text: string, account: string): Decimal => {
  const parsed = Decimal.safeParse(text.trim() === "" ? "0" : text.trim().replaceAll(",", ""));
  if (!parsed.success) throw new ZhangshiError("READ_FAILED", { account, value: text.slice(0, 200) });
  return normalize(parsed.data);
};
/** dc: 1 or 借 is debit, -1 or 贷 credit, 0 or 平 neither (reference §10.4: inferred). */
const signed = (text: string, dc: string, account: string): Decimal => {
  const value = amount(text, account);
  return isCredit(dc) ? negate(value) : value;
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
