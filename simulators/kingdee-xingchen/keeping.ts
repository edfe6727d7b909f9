/** How values are kept in the journal: amounts as exact text, everything parsed again when it is read. */

import { z } from "zod";
import { formatDecimal, parseDecimal } from "../shared/decimal.ts";
import type { Authorisation, Opening } from "./account-set.ts";
import type { StockBill } from "./bills.ts";
import type { DeletedVoucher } from "./ledger.ts";
import type { BaseItem, Book, Voucher } from "./model.ts";
import type { DeletedBill } from "./stock.ts";

const Amount = z.string().transform((text) => parseDecimal(text) ?? 0n);
const Texts = z.record(z.string(), z.string());
const Status = z.enum(["Z", "C"]);
const KeptOrigin = z.object({ kind: z.enum(["api", "person"]), request: z.string(), user: z.string() });
const life = {
  creator: z.string(),
  createdAtMs: z.number(),
  modifier: z.string(),
  modifiedAtMs: z.number(),
  auditor: z.string(),
  auditedAtMs: z.number(),
  origin: KeptOrigin,
  createdSequence: z.number(),
  changedSequence: z.number(),
};

export const KeptItem = z.object({
  id: z.string(),
  kind: z.string(),
  number: z.string(),
  name: z.string(),
  enable: z.boolean(),
  attributes: Texts,
  createdAtMs: z.number(),
  modifiedAtMs: z.number(),
}) satisfies z.ZodType<BaseItem>;

export const KeptBook = z.object({
  number: z.string(),
  name: z.string(),
  accountId: z.string(),
  standard: z.enum(["CAS", "SME"]),
  startPeriod: z.string(),
  closedThrough: z.string(),
  auditorMustDiffer: z.boolean(),
}) satisfies z.ZodType<Book>;

const KeptEntry = z.object({
  id: z.string(),
  explanation: z.string(),
  account: z.string(),
  assist: Texts,
  currency: z.string(),
  unit: z.string(),
  price: Amount,
  quantity: Amount,
  amountFor: Amount,
  debit: Amount,
  credit: Amount,
});

export const KeptVoucher = z.object({
  ...life,
  id: z.string(),
  date: z.string(),
  group: z.string(),
  number: z.string(),
  status: Status,
  remark: z.string(),
  external: z.string(),
  attachments: z.array(z.string()),
  reversalOf: z.string(),
  reversedBy: z.string(),
  entries: z.array(KeptEntry),
}) satisfies z.ZodType<Voucher>;

export const KeptDeletedVoucher = z.object({
  voucher: KeptVoucher,
  deletedBy: KeptOrigin,
  sequence: z.number(),
}) satisfies z.ZodType<DeletedVoucher>;

const KeptLine = z.object({
  id: z.string(),
  material: z.string(),
  store: z.string(),
  otherStore: z.string(),
  unit: z.string(),
  quantity: Amount,
  baseQuantity: Amount,
  price: Amount,
  cost: Amount,
  batch: z.string(),
  booked: Amount,
  comment: z.string(),
  fields: Texts,
  custom: Texts,
});

export const KeptBill = z.object({
  ...life,
  id: z.string(),
  kind: z.string(),
  number: z.string(),
  date: z.string(),
  status: Status,
  head: Texts,
  custom: Texts,
  task: z.string(),
  gain: z.string(),
  loss: z.string(),
  lines: z.array(KeptLine),
}) satisfies z.ZodType<StockBill>;

export const KeptDeletedBill = z.object({
  bill: KeptBill,
  deletedBy: KeptOrigin,
  sequence: z.number(),
}) satisfies z.ZodType<DeletedBill>;

const KeptOpening = z.object({
  account: z.string(),
  assist: Texts,
  amount: Amount,
  quantity: Amount,
}) satisfies z.ZodType<Opening>;

export const KeptOpenings = z.object({
  openings: z.array(KeptOpening),
  stock: z.array(z.object({ item: z.string(), warehouse: z.string(), quantity: z.string(), cost: z.string() })),
});

const KeptAuthorisation = z.object({
  outerInstanceId: z.string(),
  appKey: z.string(),
  appSecret: z.string(),
  domain: z.string(),
  accountId: z.string(),
  accountName: z.string(),
  serviceId: z.string(),
  groupName: z.string(),
}) satisfies z.ZodType<Authorisation>;

export const KeptSet = z.object({ authorisation: KeptAuthorisation, secretAtMs: z.number(), generation: z.number() });

/** @returns the voucher with its amounts as exact text, as it is kept and dumped */
export function plainVoucher(voucher: Voucher) {
  return {
    ...voucher,
    entries: voucher.entries.map((entry) => ({
      ...entry,
      price: formatDecimal(entry.price),
      quantity: formatDecimal(entry.quantity),
      amountFor: formatDecimal(entry.amountFor, 2),
      debit: formatDecimal(entry.debit, 2),
      credit: formatDecimal(entry.credit, 2),
    })),
  };
}

export function plainBill(bill: StockBill) {
  return {
    ...bill,
    lines: bill.lines.map((line) => ({
      ...line,
      quantity: formatDecimal(line.quantity),
      baseQuantity: formatDecimal(line.baseQuantity),
      price: formatDecimal(line.price),
      cost: formatDecimal(line.cost, 2),
      booked: formatDecimal(line.booked),
    })),
  };
}

export function plainOpening(opening: Opening) {
  return { ...opening, amount: formatDecimal(opening.amount), quantity: formatDecimal(opening.quantity) };
}
