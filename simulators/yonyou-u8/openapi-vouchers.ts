/** 凭证 over the OpenAPI: voucher/add, voucher/cancel, and the lists that read vouchers, periods and sums back. */

import { formatDecimal, trimDecimal } from "../shared/decimal.ts";
import type { ArmedFault } from "../shared/faults.ts";
import type { JsonOut } from "../shared/json.ts";
import { EXTERNAL_SYSTEM } from "./ledger.ts";
import { AUXILIARIES, chinaTime, type Origin, periodText, Refusal, type Voucher } from "./model.ts";
import { equalsOrAbsent, inRange, listAt, memberOf, textAt, textsOf } from "./openapi-wire.ts";
import { lastDay, monthlySums, yearsOf } from "./tables-base.ts";
import type { LineDraft, VoucherDraft } from "./voucher-rules.ts";
import type { Book, World } from "./world.ts";

/** @returns the 凭证号 */
export function addVoucher(
  body: unknown,
  world: World,
  book: Book,
  origin: Origin,
  fault: ArmedFault | undefined,
): string {
  const draft = readVoucher(body, world);
  if (draft.external !== "" && draft.makingSystem !== EXTERNAL_SYSTEM) {
    throw new Refusal(`使用reserve2时voucher_making_system必须为${EXTERNAL_SYSTEM}`);
  }
  const mode = { renumber: draft.number === "", fresh: true };
  const voucher = world.ledger.create(book, draft, mode, origin);
  if (fault?.kind === "apply-twice") world.ledger.repeat(book, draft, mode, origin);
  return String(voucher.number);
}

function readVoucher(body: unknown, world: World): VoucherDraft {
  const voucher = memberOf(body, "voucher");
  const of = (name: string): string => textAt(voucher, name).trim();
  const today = chinaTime(world.now()).slice(0, 10);
  const debit = listAt(memberOf(voucher, "debit"), "entry");
  const credit = listAt(memberOf(voucher, "credit"), "entry");
  const lines = [...debit.map((entry) => readLine(entry)), ...credit.map((entry) => readLine(entry))];
  // entry_id runs over both lists; lines without one keep their place behind.
  const placed = lines.map((line, index) => ({
    line,
    place: line.entry === "" ? lines.length + index : Number(line.entry),
  }));
  placed.sort((left, right) => left.place - right.place);
  return {
    sign: of("voucher_type"),
    year: of("fiscal_year") || today.slice(0, 4),
    period: of("accounting_period") || String(Number(today.slice(5, 7))),
    number: of("voucher_id"),
    attachments: of("attachment_number"),
    date: of("date") || today,
    maker: of("enter"),
    cashier: "",
    auditor: "",
    flag: "",
    makingSystem: of("voucher_making_system"),
    memo1: of("memo1"),
    memo2: of("memo2"),
    externalType: of("reserve1"),
    external: of("reserve2"),
    uploadId: "",
    lines: placed.map(({ line }) => line),
  };
}

function readLine(entry: unknown): LineDraft {
  const of = (name: string): string => textAt(entry, name).trim();
  return {
    entry: of("entry_id"),
    account: of("account_code"),
    abstract: of("abstract"),
    currency: of("currency"),
    rate: of("exchange_rate2"),
    price: of("unit_price"),
    debit: of("natural_debit_currency"),
    credit: of("natural_credit_currency"),
    debitFor: of("primary_debit_amount"),
    creditFor: of("primary_credit_amount"),
    debitQuantity: of("debit_quantity"),
    creditQuantity: of("credit_quantity"),
    settlement: of("settlement"),
    documentId: of("document_id"),
    documentDate: of("document_date"),
    billType: of("bill_type"),
    billId: of("bill_id"),
    billDate: of("bill_date"),
    auxiliaries: textsOf(memberOf(entry, "auxiliary")),
    cashFlows: listAt(entry, "cash_flow").map((flow) => ({
      item: textAt(flow, "cash_item") || textAt(flow, "cCashItem"),
      debit: textAt(flow, "natural_debit_currency") || textAt(flow, "md"),
      credit: textAt(flow, "natural_credit_currency") || textAt(flow, "mc"),
    })),
  };
}

/** 作废 of an external voucher by its reserve2; other vouchers have no such address. */
export function cancelVoucher(key: string, world: World, book: Book): void {
  const found = world.ledger
    .byExternal(book.state.number, key)
    .filter(({ makingSystem, flag }) => makingSystem === EXTERNAL_SYSTEM && flag !== 1);
  const [voucher] = found;
  if (key === "" || !voucher) throw new Refusal("外部凭证不存在");
  world.refuseOpen("voucher", voucher.id);
  world.ledger.void(book, voucher.id);
}

type Row = Readonly<Record<string, JsonOut>>;

/** voucherlist/batch_get: one row per line, under an extra level `entry`. */
export function voucherList(world: World, book: Book, query: URLSearchParams): Row[] {
  return vouchersFor(world, book, query)
    .filter((voucher) => inRange(voucher.date, query, "bill_date"))
    .filter((voucher) => equalsOrAbsent(String(voucher.number), query, "cno_id"))
    .filter((voucher) => equalsOrAbsent(voucher.sign, query, "csign") && equalsOrAbsent(voucher.maker, query, "cbill"))
    .flatMap((voucher) =>
      voucher.lines
        .filter((line) => inRange(line.account, query, "bill_code"))
        .map((line) => ({
          i_id: String(line.id),
          ino_id: String(voucher.number),
          csign: voucher.sign,
          date: voucher.date,
          bill: voucher.maker,
          digest: line.abstract,
          code: line.account,
          debit_amount: formatDecimal(line.debit, 2),
          credit_amount: formatDecimal(line.credit, 2),
          coutno_id: voucher.external,
        })),
    );
}

/** voucherdetails/batch_get: every column of a line that the vendor's page names; void vouchers are in it (iflag 1). */
export function voucherDetails(world: World, book: Book, query: URLSearchParams): Row[] {
  return vouchersFor(world, book, query)
    .filter((voucher) => inRange(voucher.date, query, "date"))
    .flatMap((voucher) =>
      voucher.lines.flatMap((line, index) => {
        const fits = equalsOrAbsent(String(line.id), query, "i_id") && inRange(line.account, query, "code");
        return fits ? [detailOf(voucher, line, index + 1)] : [];
      }),
    );
}

function detailOf(voucher: Voucher, line: Voucher["lines"][number], inid: number): Row {
  const of = (name: (typeof AUXILIARIES)[number]): string => line.auxiliaries[name] ?? "";
  return {
    i_id: String(line.id),
    date: voucher.date,
    ino_id: String(voucher.number),
    csign: voucher.sign,
    inid: String(inid),
    digest: line.abstract,
    code: line.account,
    md: formatDecimal(line.debit, 2),
    mc: formatDecimal(line.credit, 2),
    md_f: formatDecimal(line.debitFor, 2),
    mc_f: formatDecimal(line.creditFor, 2),
    nfrat: trimDecimal(line.rate),
    nd_s: trimDecimal(line.debitQuantity),
    nc_s: trimDecimal(line.creditQuantity),
    cexch_name: line.currency,
    cdept_id: of("dept_id"),
    cperson_id: of("personnel_id"),
    ccus_id: of("cust_id"),
    csup_id: of("supplier_id"),
    citem_id: of("item_id"),
    citem_class: of("item_class"),
    ccashitem: line.cashFlows[0]?.item ?? "",
    bill: voucher.maker,
    ccheck: voucher.auditor,
    cbook: voucher.poster,
    ccashier: voucher.cashier,
    iflag: String(voucher.flag),
    bdelete: "0",
    coutno_id: voucher.external,
  };
}

function vouchersFor(world: World, book: Book, query: URLSearchParams): Voucher[] {
  const key = query.get("coutno_id") ?? "";
  const found = key === "" ? world.ledger.ofBook(book.state.number) : world.ledger.byExternal(book.state.number, key);
  return found.sort((left, right) => left.id - right.id);
}

/** period, startperiod, mendglgz, mendst: calendar and closing. Field names of the last three: the simulator's choice. */
export function periodRows(resource: string, book: Book): Row[] {
  const { state } = book;
  const all = yearsOf(book).flatMap((year) => Array.from({ length: 12 }, (_, index) => ({ year, period: index + 1 })));
  const flag = (closed: boolean): string => (closed ? "1" : "0");
  if (resource === "startperiod") {
    const [year = "", period = ""] = state.startPeriod.split("-");
    return [{ cacc_id: state.number, iyear: year, iperiod: String(Number(period)) }];
  }
  return all.map(({ year, period }): Row => {
    const id = periodText(year, period);
    const common = { iyear: String(year), iperiod: String(period) };
    if (resource === "mendglgz") {
      return { ...common, bflag: flag(id <= state.closedThrough), bflag_GLGZ: flag(state.lockedPeriods.includes(id)) };
    }
    if (resource === "mendst") return { ...common, bflag_ST: flag(id <= state.stockClosedThrough) };
    return {
      cacc_id: state.number,
      iyear: String(year),
      iid: String(period),
      dbegin: `${id}-01`,
      dend: lastDay(year, period),
    };
  });
}

/** accountsum: monthly sums of posted vouchers, as GL_accsum has them. */
export function accountSums(world: World, book: Book, query: URLSearchParams): Row[] {
  return monthlySums(world, book)
    .filter(({ account }) => inRange(account, query, "code"))
    .filter(({ year }) => equalsOrAbsent(String(year), query, "iyear"))
    .filter(({ period }) => equalsOrAbsent(String(period), query, "iperiod"))
    .map(({ year, period, account, opening, debit, credit }) => ({
      iyear: String(year),
      iperiod: String(period),
      ccode: account,
      mb: formatDecimal(opening, 2),
      md: formatDecimal(debit, 2),
      mc: formatDecimal(credit, 2),
      me: formatDecimal(opening + debit - credit, 2),
    }));
}
