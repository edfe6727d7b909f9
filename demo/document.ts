/*
 * What every data set of the demo is made of, before any system has seen it. Quantities and amounts are exact decimal
 * text; times are the company's local time, as a warehouse clerk would type them.
 */

/** Forms that carry movements; each is named after the kind it carries. */
export const movementForms = [
  "opening",
  "purchase-receipt",
  "purchase-invoice",
  "purchase-return",
  "sales-issue",
  "sales-return",
  "transfer",
  "production-issue",
  "production-receipt",
  "subcontract-issue",
  "subcontract-receipt",
  "subcontract-fee",
  "count-gain",
  "count-loss",
  "scrap",
  "status-change",
] as const;
export type MovementForm = (typeof movementForms)[number];
export const documentForms = [...movementForms, "count-sheet"] as const;
export type DocumentForm = (typeof documentForms)[number];

export interface DemoLine {
  readonly item: string;
  readonly batch: string;
  readonly unit: string;
  /** Always positive; the form says the direction. On a count sheet: what was counted. */
  readonly quantity: string;
  /** Net of VAT, two decimals. */
  readonly amount?: string;
  readonly taxAmount?: string;
  readonly salesAmount?: string;
  /** Count sheets only: what the warehouse system thought it held. */
  readonly bookQuantity?: string;
}

export interface DemoDocument {
  readonly form: DocumentForm;
  readonly documentNumber: string;
  /** "2025-03-01 08:15:00", local time of the company. */
  readonly happenedAt: string;
  /** When somebody typed it in; the same moment when absent. */
  readonly recordedAt?: string;
  readonly warehouse: string;
  readonly counterWarehouse: string;
  readonly partner: string;
  readonly department: string;
  readonly order: string;
  readonly cause: string;
  readonly invoiced: boolean;
  readonly originDocument: string;
  readonly lines: readonly DemoLine[];
}

export interface DemoItem {
  readonly code: string;
  readonly name: string;
  readonly itemClass: "raw-material" | "goods" | "finished-goods";
  /** Stock unit, as the warehouse calls it. */
  readonly unit: string;
  readonly conversions: readonly { readonly unit: string; readonly factor: string }[];
}

export interface Named {
  readonly code: string;
  readonly name: string;
}

/** What is physically there at the end, in stock units. */
export interface DemoBalance {
  readonly item: string;
  readonly warehouse: string;
  readonly batch: string;
  readonly quantity: string;
}

export interface DemoCompany {
  readonly code: string;
  readonly name: string;
  /** Account book and organisation in the ERP. */
  readonly book: string;
  readonly organization: string;
  readonly zone: "Asia/Shanghai";
  /** First period open in the ERP; the ones before it are closed. */
  readonly firstPeriod: string;
  readonly lastPeriod: string;
  readonly items: readonly DemoItem[];
  readonly warehouses: readonly Named[];
  readonly suppliers: readonly Named[];
  readonly customers: readonly Named[];
  readonly departments: readonly Named[];
  readonly documents: readonly DemoDocument[];
  readonly balances: readonly DemoBalance[];
}

/** Says on an opening that the books learn of it by a voucher; without it they are taken to hold it already. */
export const OPENING_CAUSE = "录入凭证";

/** A document with everything left out that most do not have. */
export const documentWith = (
  given: Pick<DemoDocument, "form" | "documentNumber" | "happenedAt" | "lines"> & Partial<DemoDocument>,
): DemoDocument => ({
  warehouse: "",
  counterWarehouse: "",
  partner: "",
  department: "",
  order: "",
  cause: "",
  invoiced: false,
  originDocument: "",
  ...given,
});

/** Cents to text: 1250n is "12.50". */
export const centsText = (cents: bigint): string => {
  const digits = (cents < 0n ? -cents : cents).toString().padStart(3, "0");
  return `${cents < 0n ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}`;
};

/** "12.5" to 1250n. @throws Error for anything but plain decimal text with at most two decimals */
export const centsOf = (text: string): bigint => scaledOf(text, 2);

/** Decimal text as a whole number of 10^-places. A leading point (".00") is read as zero before it. */
export const scaledOf = (text: string, places: number): bigint => {
  const match = /^(-?)(\d*)(?:\.(\d*))?$/.exec(text);
  const [, sign = "", whole = "", fraction = ""] = match ?? [];
  const significant = fraction.replace(/0+$/, "");
  if (match === null || whole + fraction === "" || significant.length > places) {
    throw new Error(`"${text}" is no decimal number with at most ${places} decimals`);
  }
  const value = BigInt(`${whole === "" ? "0" : whole}${significant.padEnd(places, "0")}`);
  return sign === "-" ? -value : value;
};

/** a / b, halves away from zero; b is positive. */
export const divideHalfUp = (a: bigint, b: bigint): bigint => {
  const size = a < 0n ? -a : a;
  const rounded = (2n * size + b) / (2n * b);
  return a < 0n ? -rounded : rounded;
};
