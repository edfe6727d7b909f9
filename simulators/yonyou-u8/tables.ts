/** The books as tables of the database, with the columns that reading back needs (names and types: microfeel/Yonyou, U8Co). */

import { foldText, periodText, RECORD_KINDS, type StockDocument, type StockLine, type Voucher } from "./model.ts";
import { bit, type Cell, date, decimal, float, fullText, money, text, whole } from "./sql-cells.ts";
import type { FindTable, Hints, Table } from "./sql-engine.ts";
import { type Columns, numbered, tableOf } from "./table-columns.ts";
import { archiveTables, ledgerTables } from "./tables-base.ts";
import type { Book, World } from "./world.ts";

const QUANTITY_PLACES = 10;
const STOCK_PLACES = 6;
const NONE = (): Cell => null;

type VoucherRow = { voucher: Voucher; line: Voucher["lines"][number]; inid: number };

/** GL_accvouch: one row per line of a voucher. There is no rowversion in it. */
const ACCVOUCH: Columns<VoucherRow> = {
  i_id: ({ line }) => whole(line.id),
  iyear: ({ voucher }) => whole(voucher.year),
  iYPeriod: ({ voucher }) => whole(voucher.year * 100 + voucher.period),
  iperiod: ({ voucher }) => whole(voucher.period),
  csign: ({ voucher }) => text(voucher.sign),
  isignseq: () => whole(1),
  ino_id: ({ voucher }) => whole(voucher.number),
  inid: ({ inid }) => whole(inid),
  dbill_date: ({ voucher }) => date(voucher.date),
  idoc: ({ voucher }) => whole(voucher.attachments),
  cbill: ({ voucher }) => text(voucher.maker),
  ccheck: ({ voucher }) => text(voucher.auditor),
  cbook: ({ voucher }) => text(voucher.poster),
  ccashier: ({ voucher }) => text(voucher.cashier),
  ibook: ({ voucher }) => whole(voucher.posted ? 1 : 0),
  iflag: ({ voucher }) => (voucher.flag === 0 ? null : whole(voucher.flag)),
  ctext1: ({ voucher }) => text(voucher.memo1),
  ctext2: ({ voucher }) => text(voucher.memo2),
  cdigest: ({ line }) => text(line.abstract),
  ccode: ({ line }) => text(line.account),
  cexch_name: ({ line }) => (line.currency === "人民币" ? null : text(line.currency)),
  md: ({ line }) => money(line.debit),
  mc: ({ line }) => money(line.credit),
  md_f: ({ line }) => money(line.debitFor),
  mc_f: ({ line }) => money(line.creditFor),
  nfrat: ({ line }) => float(line.rate),
  nd_s: ({ line }) => float(line.debitQuantity),
  nc_s: ({ line }) => float(line.creditQuantity),
  csettle: ({ line }) => text(line.settlement),
  cn_id: ({ line }) => text(line.documentId),
  dt_date: ({ line }) => date(line.documentDate),
  cdept_id: ({ line }) => text(line.auxiliaries["dept_id"]),
  cperson_id: ({ line }) => text(line.auxiliaries["personnel_id"]),
  ccus_id: ({ line }) => text(line.auxiliaries["cust_id"]),
  csup_id: ({ line }) => text(line.auxiliaries["supplier_id"]),
  citem_class: ({ line }) => text(line.auxiliaries["item_class"]),
  citem_id: ({ line }) => text(line.auxiliaries["item_id"]),
  cname: ({ line }) => text(line.auxiliaries["operator"]),
  ccode_equal: ({ voucher, line }) => text(othersOf(voucher, line)),
  // 核销, not "deleted".
  bdelete: () => bit(false),
  coutaccset: NONE,
  ioutyear: NONE,
  ioutperiod: NONE,
  coutsysname: ({ voucher }) => text(voucher.makingSystem),
  coutsysver: NONE,
  doutbilldate: NONE,
  coutsign: ({ voucher }) => text(voucher.externalType),
  coutno_id: ({ voucher }) => text(voucher.external),
  doutdate: ({ line }) => date(line.billDate),
  coutbillsign: ({ line }) => text(line.billType),
  coutid: ({ line }) => text(line.billId),
  daudit_date: ({ voucher }) => date(voucher.auditedAt.slice(0, 10)),
  ...numbered("cDefine", 1, 16, ({ line }: VoucherRow, number) => line.auxiliaries[`self_define${number}`]),
};

type Head = StockDocument;
type LineRow = { document: StockDocument; line: StockLine; irowno: number };

const RD_HEAD: Columns<Head> = {
  ID: ({ id }) => whole(id),
  bRdFlag: ({ kind }) => whole(["09", "11", "32"].includes(kind) ? 0 : 1),
  cVouchType: ({ kind }) => text(kind),
  cBusType: ({ head }) => text(head["businesstype"]),
  cSource: ({ head }) => text(head["source"]),
  cBusCode: ({ head }) => text(head["businesscode"]),
  cWhCode: ({ warehouse }) => text(warehouse),
  dDate: (document) => date(document.date),
  cCode: ({ code }) => text(code),
  cRdCode: ({ head }) => text(head["receivecode"]),
  cDepCode: ({ head }) => text(head["departmentcode"]),
  cPersonCode: ({ head }) => text(head["personcode"]),
  cCusCode: ({ head }) => text(head["customercode"]),
  cVenCode: ({ head }) => text(head["vendorcode"]),
  cOrderCode: ({ head }) => text(head["ordercode"]),
  cMemo: ({ head }) => text(head["memory"]),
  cMaker: ({ maker }) => text(maker),
  cHandler: ({ handler }) => text(handler),
  dVeriDate: ({ auditedAt }) => date(auditedAt),
  cAccounter: NONE,
  cPZID: NONE,
  dnmaketime: ({ createdAt }) => date(createdAt),
  ...numbered("cDefine", 1, 16, ({ head }: Head, number) => head[`define${number}`]),
};

const RD_LINE: Columns<LineRow> = {
  AutoID: ({ line }) => whole(line.id),
  ID: ({ document }) => whole(document.id),
  irowno: ({ irowno }) => whole(irowno),
  cInvCode: ({ line }) => text(line.item),
  iQuantity: ({ line }) => decimal(line.quantity, QUANTITY_PLACES),
  iNum: NONE,
  iUnitCost: ({ line }) => decimal(line.price, QUANTITY_PLACES),
  // The amount, whatever the name says (weixin_30653023).
  iPrice: ({ line }) => money(line.cost),
  cBatch: ({ line }) => text(line.batch),
  dMadeDate: ({ line }) => date(line.fields["makedate"]?.slice(0, 10)),
  dVDate: ({ line }) => date(line.fields["validdate"]?.slice(0, 10)),
  cPosition: ({ line }) => text(line.fields["position"]),
  cItem_class: ({ line }) => text(line.fields["itemclasscode"]),
  cItemCode: ({ line }) => text(line.fields["itemcode"]),
  cAssUnit: ({ line }) => text(line.fields["assitantunit"]),
  iNQuantity: ({ line }) => decimal(line.fields["shouldquantity"] ? line.quantity : undefined, QUANTITY_PLACES),
  cbaccounter: NONE,
  cbMemo: ({ line }) => text(line.fields["cbmemo"]),
  ...numbered("cFree", 1, 10, ({ line }: LineRow, number) => line.fields[`free${number}`]),
  ...numbered("cDefine", 22, 37, ({ line }: LineRow, number) => line.fields[`define${number}`]),
};

const TRANS_HEAD: Columns<Head> = {
  ID: ({ id }) => whole(id),
  cTVCode: ({ code }) => text(code),
  dTVDate: (document) => date(document.date),
  cOWhCode: ({ warehouse }) => text(warehouse),
  cIWhCode: ({ counterWarehouse }) => text(counterWarehouse),
  cODepCode: ({ head }) => text(head["odepcode"]),
  cIDepCode: ({ head }) => text(head["idepcode"]),
  cORdCode: ({ head }) => text(head["ordcode"]),
  cIRdCode: ({ head }) => text(head["irdcode"]),
  cPersonCode: ({ head }) => text(head["personcode"]),
  cTVMemo: ({ head }) => text(head["memory"]),
  cMaker: ({ maker }) => text(maker),
  cVerifyPerson: ({ handler }) => text(handler),
  dVerifyDate: ({ auditedAt }) => date(auditedAt),
  iverifystate: ({ handler }) => whole(handler === "" ? 0 : 2),
  csource: () => text("1"),
  ...numbered("cDefine", 1, 16, ({ head }: Head, number) => head[`define${number}`]),
};
const TRANS_LINE: Columns<LineRow> = {
  autoID: ({ line }) => whole(line.id),
  ID: ({ document }) => whole(document.id),
  cTVCode: ({ document }) => text(document.code),
  irowno: ({ irowno }) => whole(irowno),
  cInvCode: ({ line }) => text(line.item),
  iTVQuantity: ({ line }) => decimal(line.quantity, QUANTITY_PLACES),
  iTVACost: ({ line }) => decimal(line.price, QUANTITY_PLACES),
  iTVAPrice: ({ line }) => money(line.cost),
  cTVBatch: ({ line }) => text(line.batch),
  ...numbered("cDefine", 22, 37, ({ line }: LineRow, number) => line.fields[`define${number}`]),
};

const CHECK_HEAD: Columns<Head> = {
  ID: ({ id }) => whole(id),
  cCVCode: ({ code }) => text(code),
  dCVDate: (document) => date(document.date),
  dACDate: ({ head }) => date(head["accountdate"]?.slice(0, 10)),
  cWhCode: ({ warehouse }) => text(warehouse),
  cDepCode: ({ head }) => text(head["depcode"]),
  cIRdCode: ({ head }) => text(head["irdcode"]),
  cORdCode: ({ head }) => text(head["ordcode"]),
  cPersonCode: ({ head }) => text(head["personcode"]),
  cCVMemo: ({ head }) => text(head["memory"]),
  cMaker: ({ maker }) => text(maker),
  // Set means audited, on this table only.
  cAccounter: ({ handler }) => text(handler),
  ...numbered("cDefine", 1, 16, ({ head }: Head, number) => head[`define${number}`]),
};
const CHECK_LINE: Columns<LineRow> = {
  autoID: ({ line }) => whole(line.id),
  ID: ({ document }) => whole(document.id),
  cCVCode: ({ document }) => text(document.code),
  irowno: ({ irowno }) => whole(irowno),
  cInvCode: ({ line }) => text(line.item),
  iCVQuantity: ({ line }) => text(line.fields["accountquantity"]),
  iCVCQuantity: ({ line }) => decimal(line.quantity, QUANTITY_PLACES),
  iAdInQuantity: ({ line }) => text(line.fields["adjustinquantity"]),
  iAdOutQuantity: ({ line }) => text(line.fields["adjustoutquantity"]),
  cCVBatch: ({ line }) => text(line.batch),
  cCVReason: ({ line }) => text(line.fields["checkreason"]),
  cPosition: ({ line }) => text(line.fields["positioncode"]),
};

/** @returns what a FROM may name in this 账套, also with the database in front (UFDATA_001_2025..code, UFSystem..UA_Period) */
export function tablesOf(world: World, book: Book): FindTable {
  const tables = new Map<string, Table>();
  const add = (name: string, table: Table): void => void tables.set(foldText(name), table);
  add("GL_accvouch", accvouchTable(world, book));
  const headsOf = (kinds: readonly StockDocument["kind"][]) => (hints: Hints) => stockHeads(world, book, kinds, hints);
  const linesOf = (kinds: readonly StockDocument["kind"][]) => (hints: Hints) =>
    stockHeads(world, book, kinds, hints).flatMap((document) =>
      document.lines.map((line, index): LineRow => ({ document, line, irowno: index + 1 })),
    );
  const head = ({ id }: Head): number => id;
  const line = ({ document }: LineRow): number => document.id;
  for (const kind of RECORD_KINDS) {
    add(`RdRecord${kind}`, tableOf(RD_HEAD, headsOf([kind]), head));
    add(`rdrecords${kind}`, tableOf(RD_LINE, linesOf([kind]), line));
  }
  add("RdRecord", tableOf(RD_HEAD, headsOf(RECORD_KINDS), head));
  add("RdRecords", tableOf(RD_LINE, linesOf(RECORD_KINDS), line));
  add("TransVouch", tableOf(TRANS_HEAD, headsOf(["trans"]), head));
  add("TransVouchs", tableOf(TRANS_LINE, linesOf(["trans"]), line));
  add("CheckVouch", tableOf(CHECK_HEAD, headsOf(["check"]), head));
  add("CheckVouchs", tableOf(CHECK_LINE, linesOf(["check"]), line));
  add("CurrentStock", currentStock(world, book));
  for (const [name, table] of [...archiveTables(book), ...ledgerTables(world, book)]) add(name, table);
  return (name) => {
    const parts = name.split(".");
    const [database = ""] = parts;
    const own = new RegExp(`^(dbo|ufsystem|ufdata_${book.state.number}(_\\d{4})?)$`, "i");
    return parts.length > 1 && !own.test(database) ? undefined : tables.get(foldText(parts.at(-1) ?? ""));
  };
}

function accvouchTable(world: World, book: Book): Table {
  const { number } = book.state;
  return tableOf(
    ACCVOUCH,
    function* (hints) {
      for (const voucher of vouchersFor(world, number, hints)) {
        yield* voucher.lines.map((line, index) => ({ voucher, line, inid: index + 1 }));
      }
    },
    ({ voucher }) => voucher.id,
  );
}

function vouchersFor(world: World, book: string, hints: Hints): Iterable<Voucher> {
  const keys = hints.get("coutno_id");
  if (keys) return [...new Set(keys.map(foldText))].flatMap((key) => world.ledger.byExternal(book, key));
  const [years, periods] = [hints.get("iyear"), hints.get("iperiod")];
  if (!years || !periods) return world.ledger.ofBook(book);
  const pairs = new Set(years.flatMap((year) => periods.map((period) => periodText(Number(year), Number(period)))));
  return [...pairs].flatMap((pair) => world.ledger.inPeriod(book, Number(pair.slice(0, 4)), Number(pair.slice(5))));
}

function othersOf(voucher: Voucher, line: Voucher["lines"][number]): string {
  const other = voucher.lines.filter((one) => (one.debit === 0n) !== (line.debit === 0n)).map(({ account }) => account);
  return [...new Set(other)].join(",").slice(0, 50);
}

function stockHeads(world: World, book: Book, kinds: readonly StockDocument["kind"][], hints: Hints): StockDocument[] {
  const { number } = book.state;
  const fits = (document: StockDocument | undefined): document is StockDocument =>
    document !== undefined && document.book === number && kinds.includes(document.kind);
  const ids = hints.get("id");
  if (ids) return [...new Set(ids)].map((id) => world.stock.documents.get(Number(id))).filter(fits);
  const keys = hints.get("cdefine1");
  if (keys) return [...new Set(keys.map(foldText))].flatMap((key) => world.stock.byDefine1(number, key)).filter(fits);
  return world.stock.ofBook(number).filter(fits);
}

function currentStock(world: World, book: Book): Table {
  type Balance = ReturnType<World["stock"]["balances"]>[number];
  const zero = (): Cell => decimal(0n, STOCK_PLACES);
  const columns: Columns<{ balance: Balance; id: number }> = {
    AutoID: ({ id }) => whole(id),
    cWhCode: ({ balance }) => text(balance.warehouse),
    cInvCode: ({ balance }) => text(balance.item),
    ItemId: ({ id }) => whole(id),
    cBatch: ({ balance }) => fullText(balance.batch),
    cVMIVenCode: () => fullText(""),
    iSoType: () => whole(0),
    iSodid: () => fullText(""),
    iQuantity: ({ balance }) => decimal(balance.quantity, STOCK_PLACES),
    iNum: zero,
    fInQuantity: zero,
    fOutQuantity: zero,
    fTransInQuantity: zero,
    fTransOutQuantity: zero,
    fDisableQuantity: zero,
    fStopQuantity: zero,
    fAvaQuantity: ({ balance }) => decimal(balance.quantity, STOCK_PLACES),
    bStopFlag: () => bit(false),
    ...numbered("cFree", 1, 10, () => ""),
  };
  return tableOf(columns, () =>
    world.stock.balances(book.state.number).map((balance, index) => ({ balance, id: index + 1 })),
  );
}
