/** What the simulated U8 keeps: 账套, archives, vouchers, stock documents. Amounts are bigints of 10^-10 (see shared/decimal.ts). */

/** 企业会计准则 or 小企业会计准则: decides the numbers of the chart of accounts. */
export type Standard = "CAS" | "SME";

/** Rules and state of one 账套. */
export type BookState = {
  /** 账套号, "001"; also the registration code (`sender`) that leads to it */
  number: string;
  name: string;
  standard: Standard;
  /** 启用期间 */
  startPeriod: string;
  /** GL_mend.bflag: this period and all before it are closed */
  closedThrough: string;
  /** GL_mend.bflag_ST, the same for 库存管理 */
  stockClosedThrough: string;
  /** GL_mend.bflag_GLGZ: periods locked against entry before they are closed (关账) */
  lockedPeriods: readonly string[];
};

/** Records of base data; accounts are the kind `code`, as in EAI. */
export type Archive = {
  kind: string;
  code: string;
  name: string;
  /** further elements of the template by their own spelling */
  fields: Record<string, string>;
};

/** Who or what made a change: a request ("r17") on one of the faces, or a person in the vendor's client. */
export type Origin = { kind: "api" | "person"; request: string; user: string };

/** The auxiliary items of a line by the names of the EAI template. */
export const AUXILIARIES = [
  "dept_id",
  "personnel_id",
  "cust_id",
  "supplier_id",
  "item_class",
  "item_id",
  "operator",
] as const;

export type CashFlow = { item: string; debit: bigint; credit: bigint };

export type Line = {
  /** GL_accvouch.i_id */
  id: number;
  abstract: string;
  account: string;
  currency: string;
  rate: bigint;
  price: bigint;
  debit: bigint;
  credit: bigint;
  debitFor: bigint;
  creditFor: bigint;
  debitQuantity: bigint;
  creditQuantity: bigint;
  settlement: string;
  documentId: string;
  documentDate: string;
  billType: string;
  billId: string;
  billDate: string;
  /** dept_id, personnel_id …, self_define1 …; empty ones are absent */
  auxiliaries: Record<string, string>;
  cashFlows: readonly CashFlow[];
};

/** 0 normal, 1 作废, 2 有错 (GL_accvouch.iflag). */
export type Flag = 0 | 1 | 2;

export type Voucher = {
  id: number;
  book: string;
  date: string;
  year: number;
  period: number;
  /** 凭证类别字, "记" */
  sign: string;
  /** 凭证号 (ino_id) */
  number: number;
  attachments: number;
  maker: string;
  cashier: string;
  auditor: string;
  auditedAt: string;
  poster: string;
  /** 记账 */
  posted: boolean;
  flag: Flag;
  /** voucher_making_system */
  makingSystem: string;
  /** reserve1, 外部凭证业务类型 */
  externalType: string;
  /** reserve2, 外部凭证业务号 */
  external: string;
  memo1: string;
  memo2: string;
  /** voucher/@id of the request that made it */
  uploadId: string;
  lines: readonly Line[];
  createdAt: string;
  origin: Origin;
  /** commit sequence of its creation and of its last change */
  createdSequence: number;
  changedSequence: number;
};

/** 01 采购入库, 08 其他入库, 09 其他出库, 10 产成品入库, 11 材料出库, 32 销售出库, 34 期初结存. */
export const RECORD_KINDS = ["01", "08", "09", "10", "11", "32", "34"] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];
export const DOCUMENT_KINDS = [...RECORD_KINDS, "trans", "check"] as const;
export type DocumentKind = (typeof DOCUMENT_KINDS)[number];

export type StockLine = {
  /** AutoID */
  id: number;
  item: string;
  quantity: bigint;
  /** unit price and amount; undefined where nobody gave one (issues are costed later) */
  price: bigint | undefined;
  cost: bigint | undefined;
  batch: string;
  /** every element of the template that came filled */
  fields: Record<string, string>;
};

export type StockDocument = {
  id: number;
  book: string;
  kind: DocumentKind;
  code: string;
  date: string;
  /** warehouse; of a transfer the one that gives */
  warehouse: string;
  /** of a transfer: the one that receives */
  counterWarehouse: string;
  maker: string;
  /** 审核人; "" is not audited */
  handler: string;
  auditedAt: string;
  head: Record<string, string>;
  lines: readonly StockLine[];
  createdAt: string;
  origin: Origin;
  createdSequence: number;
  changedSequence: number;
};

/** Which line, and what is wrong with it; `entry` is "" for the whole document. */
export type Complaint = { entry: string; text: string };

/** The values of `succeed` that the simulator uses; sources name 0, 1 and 101 only. */
export const SUCCEED = {
  ok: "0",
  failure: "1",
  exists: "101",
  notFound: "102",
  reference: "103",
  state: "104",
} as const;

/** The vendor's no. */
export class Refusal extends Error {
  readonly succeed: string;
  readonly complaints: readonly Complaint[];

  constructor(
    text: string,
    succeed: string = SUCCEED.failure,
    complaints: readonly Complaint[] = [{ entry: "", text }],
  ) {
    super(text);
    this.succeed = succeed;
    this.complaints = complaints;
  }
}

/** The voucher with this key is in the books already: nothing was saved. */
export class DuplicateUpload extends Error {
  readonly voucher: Voucher;

  constructor(voucher: Voucher) {
    super("数据重复上传");
    this.voucher = voucher;
  }
}

/** @returns "2025-02" for "2025-01" and 1 */
export function addPeriods(period: string, count: number): string {
  const months = Number(period.slice(0, 4)) * 12 + Number(period.slice(5, 7)) - 1 + count;
  return `${Math.floor(months / 12)}-${String((months % 12) + 1).padStart(2, "0")}`;
}

export function periodText(year: number, period: number): string {
  return `${year}-${String(period).padStart(2, "0")}`;
}

/** Wall-clock text without zone, "2025-01-31T10:00:00", in China Standard Time. */
export function chinaTime(atMs: number): string {
  return new Date(atMs + 8 * 3_600_000).toISOString().slice(0, 19);
}

/** SQL Server's usual collation: case and trailing blanks do not count. */
export function foldText(text: string): string {
  return text.replace(/ +$/, "").toLowerCase();
}

/**
 * Reads a date as U8 takes it: "2025-07-31", "2025-7-31", "2025/07/31", "07/31/2025", each with or without a time.
 *
 * @returns "2025-07-31", or undefined when it is no day of the calendar
 */
export function readDate(text: string): string | undefined {
  const [day = ""] = text.trim().split(/[ T]/);
  const parts = day.split(/[-/]/);
  const [a = "", b = "", c = ""] = parts;
  if (parts.length !== 3 || !parts.every((part) => /^\d{1,4}$/.test(part))) return undefined;
  const [year, month, date] = a.length === 4 ? [a, b, c] : [c, a, b];
  const result = `${year}-${month.padStart(2, "0")}-${date.padStart(2, "0")}`;
  const parsed = new Date(`${result}T00:00:00Z`);
  return Number.isNaN(parsed.getTime()) || parsed.toISOString().slice(0, 10) !== result ? undefined : result;
}
