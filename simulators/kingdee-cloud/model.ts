/** What the simulated 云星空 keeps: base data, account books, vouchers. Amounts are bigints of 10^-10 (see shared/decimal.ts). */

/** 企业会计准则 or 小企业会计准则: decides the numbers of the chart of accounts. */
export type Standard = "CAS" | "SME";

/** Z 暂存, A 创建, B 审核中, C 已审核, D 重新审核. */
export type DocumentStatus = "Z" | "A" | "B" | "C" | "D";

/** One record of any base-data form. */
export type BaseItem = {
  id: number;
  /** upper-case form id, "BD_MATERIAL" */
  form: string;
  number: string;
  name: string;
  /** 使用组织 by number; for accounts the 科目表; "" is shared by all */
  scope: string;
  documentStatus: DocumentStatus;
  /** A 启用, B 禁用 */
  forbidStatus: "A" | "B";
  /** further fields by upper-case key, as text; references hold the other record's number */
  attributes: Record<string, string>;
  createdAt: string;
  modifiedAt: string;
};

/** How an account treats 数量核算. */
export type QuantityRule = "none" | "optional" | "required";

export type AccountSeed = {
  number: string;
  name?: string | undefined;
  /** 1 借, -1 贷 */
  direction?: 1 | -1 | undefined;
  quantity?: QuantityRule | undefined;
  /** flex column to "required" or "optional" */
  dimensions?: Record<string, "required" | "optional"> | undefined;
};

/** Rules and state of one 账簿. */
export type Book = {
  number: string;
  name: string;
  organization: string;
  standard: Standard;
  /** number of the 科目表 */
  chart: string;
  currency: string;
  startPeriod: string;
  /** "2024-12": this period and all before it are closed; the next one is the current one */
  closedThrough: string;
  /** 审核人与制单人不能相同 */
  auditorMustDiffer: boolean;
  /** whether a saved voucher may be audited without 提交 */
  auditWithoutSubmit: boolean;
  /** whether an unaudited voucher may be booked (过账) */
  bookWithoutAudit: boolean;
  /** whether a caller may give FVOUCHERGROUPNO */
  selfNumbering: boolean;
};

export type Entry = {
  id: number;
  explanation: string;
  account: string;
  /** flex column (upper case, "FFLEX8") to item number */
  dimensions: Record<string, string>;
  currency: string;
  rateType: string;
  rate: bigint;
  unit: string;
  price: bigint;
  quantity: bigint;
  amountFor: bigint;
  debit: bigint;
  credit: bigint;
  businessNumber: string;
  settleType: string;
  settleNumber: string;
  exportEntryId: string;
};

/** Who or what made a change: an API request ("r17"), or a person in the vendor's client. */
export type Origin = { kind: "api" | "person"; request: string; user: string };

export type Voucher = {
  id: number;
  book: string;
  date: string;
  businessDate: string;
  year: number;
  period: number;
  /** 凭证字 */
  group: string;
  /** 凭证号, text */
  number: string;
  documentStatus: DocumentStatus;
  /** 作废 */
  invalid: boolean;
  /** 过账 */
  posted: boolean;
  attachments: number;
  reference: string;
  /** value of the custom head field */
  external: string;
  sourceBillKey: string;
  adjust: boolean;
  creator: string;
  createdAt: string;
  modifier: string;
  modifiedAt: string;
  auditor: string;
  auditedAt: string;
  poster: string;
  postedAt: string;
  entries: readonly Entry[];
  origin: Origin;
  /** commit sequence of its creation and of its last change */
  createdSequence: number;
  changedSequence: number;
};

/** The vendor's no: MsgCode, text, and the field it speaks of. */
export class Refusal extends Error {
  readonly msgCode: number;
  readonly fieldName: string | null;

  constructor(msgCode: number, message: string, fieldName: string | null = null) {
    super(message);
    this.msgCode = msgCode;
    this.fieldName = fieldName;
  }
}

/** Several things are wrong with one document. */
export class Refusals extends Error {
  readonly list: readonly Refusal[];

  constructor(list: readonly Refusal[]) {
    super(list.map((refusal) => refusal.message).join("; "));
    this.list = list;
  }
}

/** MsgCode of the vendor's table, as far as the simulator uses it. */
export const MSG = {
  sessionLost: 1,
  noPermission: 2,
  noOperation: 3,
  exception: 4,
  noForm: 5,
  parameters: 8,
  fieldUnknown: 9,
  notFound: 10,
  validation: 11,
  notOperable: 12,
  conflict: 13,
  throttled: 14,
} as const;

/** @returns "2025-02" for "2025-01" and 1 */
export function addPeriods(period: string, count: number): string {
  const months = Number(period.slice(0, 4)) * 12 + Number(period.slice(5, 7)) - 1 + count;
  return `${Math.floor(months / 12)}-${String((months % 12) + 1).padStart(2, "0")}`;
}

/** Wall-clock text without zone, as the vendor writes times: "2025-01-31T10:00:00", in China Standard Time. */
export function chinaTime(atMs: number): string {
  return new Date(atMs + 8 * 3_600_000).toISOString().slice(0, 19);
}
