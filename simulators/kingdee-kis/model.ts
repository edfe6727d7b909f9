/** What the simulated KIS keeps: one 账套 with accounts, 核算项目 and vouchers. Amounts are bigints of 10^-10. */

/** The two DBF layouts and the Excel layout of the reference §11.2–§11.4; a program speaks one of them. */
export const DIALECTS = ["standard", "professional", "excel"] as const;
export type Dialect = (typeof DIALECTS)[number];

/** 企业会计准则 or 小企业会计准则. */
export type Standard = "CAS" | "SME";

export type Demand = "required" | "optional";

export type Account = {
  number: string;
  name: string;
  /** 1 借, -1 贷 */
  direction: 1 | -1;
  /** 数量金额辅助核算 */
  quantity: boolean;
  /** 核算类别 to what the account asks of it */
  objects: Record<string, Demand>;
  disabled: boolean;
};

export type ItemClass = {
  name: string;
  /** the only slot that may carry the class in the DBF of 标准版; 0: any */
  slot: number;
};

/** One 核算项目. */
export type Item = { className: string; code: string; name: string; disabled: boolean };

/** One 核算项目 on an entry. */
export type ObjectUse = { className: string; code: string };

export type Entry = {
  summary: string;
  account: string;
  objects: readonly ObjectUse[];
  /** 业务编号 */
  tradeNumber: string;
  /** 参考信息 (professional only) */
  reference: string;
  currency: string;
  rate: bigint;
  side: "D" | "C";
  amountFor: bigint;
  amount: bigint;
  quantity: bigint;
  unit: string;
  price: bigint;
  settleCode: string;
  settleNumber: string;
};

/** Who made a voucher: a person by hand, or an import of a file. */
export type Origin = { kind: "import" | "person"; request: string; user: string; file: string };

export type Voucher = {
  id: number;
  date: string;
  /** 凭证字 */
  group: string;
  number: number;
  attachments: number;
  preparer: string;
  /** 审核; "" when nobody did */
  checker: string;
  /** 过账; "" when nobody did */
  poster: string;
  /** 作废 */
  invalid: boolean;
  entries: readonly Entry[];
  origin: Origin;
  /** commit sequence of its creation and of its last change */
  createdSequence: number;
  changedSequence: number;
};

/** A voucher before the books gave it a number. `number` 0 leaves it to the program. */
export type VoucherInput = {
  date: string;
  /** 0 when the file says none; else it must be the date's month */
  period: number;
  group: string;
  number: number;
  attachments: number;
  preparer: string;
  entries: readonly EntryInput[];
};
export type EntryInput = Entry & {
  /** where the entry stands in its file, from 1; 0 when a person wrote it */
  row: number;
  debit: bigint;
  credit: bigint;
};

/** The program's no, in its words. `row` is the record of the file, 0 for the voucher as a whole. */
export class Refusal extends Error {
  readonly row: number;

  constructor(message: string, row = 0) {
    super(message);
    this.row = row;
  }
}

/** FNum is N4 (EXPVCH): the program numbers 1 to 9999 per 凭证字 and period. */
export const NUMBER_MAX = 9_999;

/** @returns "2025-02" for "2025-01" and 1 */
export function addPeriods(period: string, count: number): string {
  const months = Number(period.slice(0, 4)) * 12 + Number(period.slice(5, 7)) - 1 + count;
  return `${Math.floor(months / 12)}-${String((months % 12) + 1).padStart(2, "0")}`;
}

export const periodOf = (date: string): string => date.slice(0, 7);
