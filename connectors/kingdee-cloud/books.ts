import { type Period, nextPeriod, period, shiftPeriod } from "../../domain/dates.ts";
import { Decimal, ZERO, add, isZero, negate, normalize, subtract } from "../../domain/decimal.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import { z } from "zod";
import type { AccountBalance, ErpVoucher, MasterDataKind, MasterDataRow, PeriodState } from "../contract.ts";
import { failureIn } from "./answers.ts";
import { type KingdeeChannel, readErrorOf } from "./channel.ts";
import { PAGES_MAX, ROWS_MAX, allRows, flagCell, oneOf, quoted, rowsOf, textCell } from "./query.ts";
import type { KingdeeCloudSettings } from "./settings.ts";
import { signedAmount } from "./voucher-rows.ts";

/** Months after the current period that are reported as open. */
const MONTHS_AHEAD = 12;
const MONTHS_MAX = 1_200;

/** Periods from the book's start to a year ahead; everything before the book's current period is closed (BD_AccountBook, [inferred] keys). */
export const readPeriods = async (channel: KingdeeChannel, book: string): Promise<readonly PeriodState[]> => {
  const [row] = await rowsOf(channel, {
    form: "BD_AccountBook",
    fields: ["FStartYear", "FStartPeriod", "FCurrentYear", "FCurrentPeriod"],
    filter: `FNumber=${quoted(book)}`,
    order: "FNumber asc",
  });
  if (row === undefined) throw new ZhangshiError("READ_FAILED", { book, reason: "no such account book" });
  const [startYear, startPeriod, currentYear, currentPeriod] = row.map(textCell);
  const start = period(`${startYear}-${(startPeriod ?? "").padStart(2, "0")}`);
  const current = period(`${currentYear}-${(currentPeriod ?? "").padStart(2, "0")}`);
  const last = shiftPeriod(current, MONTHS_AHEAD);
  const states: PeriodState[] = [];
  for (let month = start; month <= last && states.length < MONTHS_MAX; month = nextPeriod(month))
    states.push({ period: month, open: month >= current });
  return states;
};

const forms: Readonly<Record<MasterDataKind, { readonly form: string; readonly byOrganisation: boolean }>> = {
  account: { form: "BD_Account", byOrganisation: false },
  item: { form: "BD_MATERIAL", byOrganisation: true },
  warehouse: { form: "BD_STOCK", byOrganisation: true },
  supplier: { form: "BD_Supplier", byOrganisation: true },
  customer: { form: "BD_Customer", byOrganisation: true },
  department: { form: "BD_Department", byOrganisation: true },
  unit: { form: "BD_UNIT", byOrganisation: false },
  word: { form: "BD_VOUCHERGROUP", byOrganisation: false },
};
const CODES_PER_QUERY = 200;

/** Usable: audited (C), not forbidden (A), an account also at the lowest level (reference §6). */
export const readMasterData = async (
  channel: KingdeeChannel,
  settings: KingdeeCloudSettings,
  kind: MasterDataKind,
  codes: readonly string[] | undefined,
): Promise<readonly MasterDataRow[]> => {
  const { form, byOrganisation } = forms[kind];
  const conditions = byOrganisation ? [oneOf("FUseOrgId.FNumber", [...new Set(Object.values(settings.books))])] : [];
  const found = new Map<string, MasterDataRow>();
  for (const chunk of codes === undefined ? [undefined] : chunks(codes, CODES_PER_QUERY)) {
    const filter = [...conditions, ...(chunk === undefined ? [] : [oneOf("FNumber", chunk)])].join(" and ");
    const fields = [
      "FNumber",
      "FName",
      "FDocumentStatus",
      "FForbidStatus",
      ...(kind === "account" ? ["FIsDetail"] : []),
    ];
    for await (const rows of allRows(channel, { form, fields, filter, order: "FNumber asc" }))
      for (const row of rows) {
        const [code = "", name = "", status, forbidden] = row.map(textCell);
        const usable = status === "C" && forbidden === "A" && (kind !== "account" || flagCell(row[4]));
        // One code may stand in several organisations: it is usable when one of them may use it.
        found.set(code, { code, name, usable: usable || found.get(code)?.usable === true });
      }
  }
  return [...found.values()];
};

export function* chunks<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}

const moneyColumns = [
  "FBEGINDEBITLOCAL",
  "FBEGINCREDITLOCAL",
  "FDEBITLOCAL",
  "FCREDITLOCAL",
  "FENDDEBITLOCAL",
  "FENDCREDITLOCAL",
] as const;
const quantityColumns = ["FBEGINQTY", "FDEBITQTY", "FCREDITQTY", "FENDQTY"] as const;

/** Source: reference §3.2 for the request (SYNC); the answer is inferred and was never seen live. */
const ReportReply = z.object({
  Result: z.object({ IsSuccess: z.boolean(), Rows: z.array(z.array(z.union([z.string(), z.null()]))) }),
});

/** 科目余额表 with unposted vouchers, per account and per item. Debit is positive. */
export const readBalanceReport = async (
  channel: KingdeeChannel,
  settings: KingdeeCloudSettings,
  book: string,
  of: Period,
): Promise<readonly AccountBalance[]> => {
  const [year = "", month = ""] = of.split("-");
  const itemColumn = settings.dimensions.item ?? null;
  const fields = [
    "FBALANCEID",
    "FDETAILNUMBER",
    ...moneyColumns,
    ...(settings.reportQuantities ? quantityColumns : []),
    ...(itemColumn === null ? [] : [itemColumn]),
  ];
  const balances = new Map<string, AccountBalance>();
  let startRow = 0;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer = await channel.read("GetSysReportData", "report", {
      formid: "GL_RPT_AccountBalance",
      data: {
        FieldKeys: fields.join(","),
        SchemeId: "",
        StartRow: String(startRow),
        Limit: String(ROWS_MAX),
        IsVerifyBaseDataField: "true",
        FilterString: [],
        Model: {
          FACCTBOOKID: { FNumber: book },
          FSTARTYEAR: year,
          FSTARTPERIOD: String(Number(month)),
          FENDYEAR: year,
          FENDPERIOD: String(Number(month)),
          FBALANCELEVEL: "99",
          FSHOWDETAIL: "true",
          FSHOWDETAILONLY: "false",
          FNOTPOSTVOUCHER: "true",
          // 无发生额不显示: an account without movements still has a balance.
          FNOBUSINESS: "false",
        },
      },
    });
    if (answer.kind !== "answered" || answer.status !== 200) {
      const { code, message } = readErrorOf(answer);
      throw new ZhangshiError(code, { book, message });
    }
    const failure = failureIn(answer.body);
    const reply = ReportReply.safeParse(answer.body);
    if (failure !== undefined || !reply.success || !reply.data.Result.IsSuccess)
      throw new ZhangshiError("READ_FAILED", { book, message: failure?.message ?? "the report cannot be read" });
    const { Rows: rows } = reply.data.Result;
    if (rows.length === 0) return [...balances.values()].filter((balance) => !isEmpty(balance));
    for (const row of rows) addReportRow(balances, fields, row, itemColumn, settings.reportQuantities);
    startRow += rows.length;
  }
  throw new ZhangshiError("RESULT_TRUNCATED", { book, period: of });
};

const addReportRow = (
  balances: Map<string, AccountBalance>,
  fields: readonly string[],
  row: readonly (string | null)[],
  itemColumn: string | null,
  withQuantities: boolean,
): void => {
  const text = (field: string): string => (row[fields.indexOf(field)] ?? "").trim();
  const account = text("FBALANCEID");
  const item = itemColumn === null ? "" : text(itemColumn);
  // Rows of other dimensions are contained in the account's own row.
  if (account === "" || (text("FDETAILNUMBER") !== "" && item === "")) return;
  const money = (field: (typeof moneyColumns)[number]): Decimal => reportNumber(text(field), account, field);
  const quantity = (field: (typeof quantityColumns)[number]): Decimal | undefined => {
    const value = withQuantities ? text(field) : "";
    return value === "" ? undefined : reportNumber(value, account, field);
  };
  const addition: AccountBalance = {
    account,
    item,
    opening: subtract(money("FBEGINDEBITLOCAL"), money("FBEGINCREDITLOCAL")),
    debit: money("FDEBITLOCAL"),
    credit: money("FCREDITLOCAL"),
    closing: subtract(money("FENDDEBITLOCAL"), money("FENDCREDITLOCAL")),
    openingQuantity: quantity("FBEGINQTY"),
    debitQuantity: quantity("FDEBITQTY"),
    creditQuantity: quantity("FCREDITQTY"),
    closingQuantity: quantity("FENDQTY"),
  };
  put(balances, addition);
};

const isEmpty = ({ account: _account, item: _item, ...numbers }: AccountBalance): boolean =>
  Object.values(numbers).every((value) => value === undefined || isZero(value));

/** Every value of the report is text with thousands separators. */
const reportNumber = (text: string, account: string, field: string): Decimal => {
  const parsed = Decimal.safeParse(text === "" ? "0" : text.replaceAll(",", ""));
  if (!parsed.success) throw new ZhangshiError("READ_FAILED", { account, field, value: text.slice(0, 200) });
  return normalize(parsed.data);
};

/** One item may stand in several warehouses: its rows are added up. */
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

/** Balances of detail accounts from voucher lines alone; void vouchers do not count. Opening balances of the book are not in it. */
export const sumEntries = async (
  pages: AsyncIterable<readonly ErpVoucher[]>,
  of: Period,
): Promise<readonly AccountBalance[]> => {
  const balances = new Map<string, AccountBalance>();
  for await (const vouchers of pages)
    for (const voucher of vouchers) {
      if (voucher.voided) continue;
      const inPeriod = voucher.period === of;
      for (const line of voucher.lines) {
        const amount = signedAmount(line);
        const quantity = line.quantity === undefined || line.side === "debit" ? line.quantity : negate(line.quantity);
        const only = (side: "debit" | "credit", value: Decimal | undefined): Decimal | undefined =>
          value === undefined ? undefined : inPeriod && line.side === side ? value : ZERO;
        for (const item of new Set(["", line.dimensions.item ?? ""]))
          put(balances, {
            account: line.account,
            item,
            opening: inPeriod ? ZERO : amount,
            debit: only("debit", line.amount) ?? ZERO,
            credit: only("credit", line.amount) ?? ZERO,
            closing: amount,
            openingQuantity: quantity === undefined ? undefined : inPeriod ? ZERO : quantity,
            debitQuantity: only("debit", line.quantity),
            creditQuantity: only("credit", line.quantity),
            closingQuantity: quantity,
          });
      }
    }
  return [...balances.values()];
};
