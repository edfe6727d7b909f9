/** What the simulated 云星辰 keeps. Amounts are bigints of 10^-10 (see shared/decimal.ts); ids are 19-digit text. */

/** 企业会计准则 or 小企业会计准则: decides the numbers of the chart of accounts. */
export type Standard = "CAS" | "SME";

/** Z 未审核, C 已审核 (XC-SDK). */
export type BillStatus = "Z" | "C";

/** One record of any base-data entity. */
export type BaseItem = {
  id: string;
  /** entity number, "bd_material" */
  kind: string;
  number: string;
  name: string;
  /** false: 禁用 */
  enable: boolean;
  /** further fields by the vendor's key, as text; references hold the other record's number */
  attributes: Record<string, string>;
  createdAtMs: number;
  modifiedAtMs: number;
};

/** How an account treats 数量核算. */
export type QuantityRule = "none" | "optional" | "required";

export type AccountSeed = {
  number: string;
  name?: string | undefined;
  /** 1 借, -1 贷 */
  direction?: 1 | -1 | undefined;
  quantity?: QuantityRule | undefined;
  /** 辅助核算: assist type ("bd_supplier") to "required" or "optional" */
  assist?: Record<string, "required" | "optional"> | undefined;
};

/** Rules and state of one 账套. */
export type Book = {
  number: string;
  name: string;
  accountId: string;
  standard: Standard;
  /** 启用期间 */
  startPeriod: string;
  /** "2024-12": this period and all before it are closed; the next one is the current one */
  closedThrough: string;
  /** 审核人与制单人不能相同 */
  auditorMustDiffer: boolean;
};

/** Who or what made a change: an API request ("r17"), or a person in the vendor's client. */
export type Origin = { kind: "api" | "person"; request: string; user: string };

/** What every document carries about its own life. */
export type Life = {
  creator: string;
  createdAtMs: number;
  modifier: string;
  modifiedAtMs: number;
  auditor: string;
  /** 0 while it is not audited */
  auditedAtMs: number;
  origin: Origin;
  /** commit sequence of its creation and of its last change */
  createdSequence: number;
  changedSequence: number;
};

export type Entry = {
  id: string;
  explanation: string;
  /** account number */
  account: string;
  /** assist type to the number of the record */
  assist: Record<string, string>;
  currency: string;
  unit: string;
  price: bigint;
  quantity: bigint;
  amountFor: bigint;
  debit: bigint;
  credit: bigint;
};

export type Voucher = Life & {
  id: string;
  date: string;
  /** 凭证字, by number */
  group: string;
  /** 凭证号, text */
  number: string;
  status: BillStatus;
  remark: string;
  /** source_bill_no: where an integrator keeps his own key */
  external: string;
  attachments: readonly string[];
  /** the voucher that this one reverses; "" for others */
  reversalOf: string;
  /** the voucher that reverses this one; "" while there is none */
  reversedBy: string;
  entries: readonly Entry[];
};

/** The vendor's no. */
export class Refusal extends Error {
  readonly errcode: number;

  constructor(errcode: number, message: string) {
    super(message);
    this.errcode = errcode;
  }
}

/**
 * Codes of the answers. The first group was seen in public clients and copies of the vendor's pages; those of the second
 * are the simulator's choice, because no list is public.
 */
export const ERR = {
  tokenExpired: 1_000_202_001,
  notAuthorised: 1_020_002_008,
  secretStale: 1_030_002_006,
  system: 2_000_002_000,
  clientUnknown: 4002,
  timestampExpired: 4006,
  apiUnknown: 5001,

  signatureInvalid: 4003,
  throttled: 429,
  validation: 2_000_002_001,
  state: 2_000_002_002,
  noPermission: 2_000_002_003,
  notFound: 2_000_002_004,
  duplicate: 2_000_002_005,
} as const;

/** @returns "2025-02" for "2025-01" and 1 */
export function addPeriods(period: string, count: number): string {
  const months = Number(period.slice(0, 4)) * 12 + Number(period.slice(5, 7)) - 1 + count;
  return `${Math.floor(months / 12)}-${String((months % 12) + 1).padStart(2, "0")}`;
}

/** Wall-clock text as the vendor writes times: "2022-04-01 21:54:47", in China Standard Time; "" for 0. */
export function chinaTime(atMs: number): string {
  return atMs === 0 ? "" : new Date(atMs + 8 * 3_600_000).toISOString().slice(0, 19).replace("T", " ");
}

/** @returns whether the text is a day that exists, "2025-01-31" */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const parsed = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(text);
}

/** Hands out ids: 19 digits, beyond what a float can hold, rising. */
export class IdMint {
  #last = 1_783_670_301_378_000_000n;

  next(): string {
    this.#last += 1n;
    return String(this.#last);
  }

  /** Notes an id that was given out before a restart. */
  seen(id: string): void {
    const value = BigInt(id);
    if (value > this.#last) this.#last = value;
  }
}
