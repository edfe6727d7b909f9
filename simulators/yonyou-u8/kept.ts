/** How values are kept in the journal and shown in dumps: decimals as text. */

import { z } from "zod";
import { formatDecimal, parseDecimal } from "../shared/decimal.ts";
import type { DeletedVoucher } from "./ledger.ts";
import { type Archive, type BookState, DOCUMENT_KINDS, type StockDocument, type Voucher } from "./model.ts";
import type { DeletedDocument } from "./stock.ts";

const Amount = z.string().transform((text) => parseDecimal(text) ?? 0n);
const MaybeAmount = z
  .string()
  .nullable()
  .transform((text) => (text === null ? undefined : parseDecimal(text)));
const Texts = z.record(z.string(), z.string());
const KeptOrigin = z.object({ kind: z.enum(["api", "person"]), request: z.string(), user: z.string() });

export const KeptBook = z.object({
  number: z.string(),
  name: z.string(),
  standard: z.enum(["CAS", "SME"]),
  startPeriod: z.string(),
  closedThrough: z.string(),
  stockClosedThrough: z.string(),
  lockedPeriods: z.array(z.string()),
}) satisfies z.ZodType<BookState>;

export const KeptArchive = z.object({
  kind: z.string(),
  code: z.string(),
  name: z.string(),
  fields: Texts,
}) satisfies z.ZodType<Archive>;

const KeptLine = z.object({
  id: z.number(),
  abstract: z.string(),
  account: z.string(),
  currency: z.string(),
  rate: Amount,
  price: Amount,
  debit: Amount,
  credit: Amount,
  debitFor: Amount,
  creditFor: Amount,
  debitQuantity: Amount,
  creditQuantity: Amount,
  settlement: z.string(),
  documentId: z.string(),
  documentDate: z.string(),
  billType: z.string(),
  billId: z.string(),
  billDate: z.string(),
  auxiliaries: Texts,
  cashFlows: z.array(z.object({ item: z.string(), debit: Amount, credit: Amount })),
});

export const KeptVoucher = z.object({
  id: z.number(),
  book: z.string(),
  date: z.string(),
  year: z.number(),
  period: z.number(),
  sign: z.string(),
  number: z.number(),
  attachments: z.number(),
  maker: z.string(),
  cashier: z.string(),
  auditor: z.string(),
  auditedAt: z.string(),
  poster: z.string(),
  posted: z.boolean(),
  flag: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  makingSystem: z.string(),
  externalType: z.string(),
  external: z.string(),
  memo1: z.string(),
  memo2: z.string(),
  uploadId: z.string(),
  lines: z.array(KeptLine),
  createdAt: z.string(),
  origin: KeptOrigin,
  createdSequence: z.number(),
  changedSequence: z.number(),
}) satisfies z.ZodType<Voucher>;

export const KeptDeleted = z.object({
  voucher: KeptVoucher,
  deletedBy: KeptOrigin,
  sequence: z.number(),
}) satisfies z.ZodType<DeletedVoucher>;

export const KeptDocument = z.object({
  id: z.number(),
  book: z.string(),
  kind: z.enum(DOCUMENT_KINDS),
  code: z.string(),
  date: z.string(),
  warehouse: z.string(),
  counterWarehouse: z.string(),
  maker: z.string(),
  handler: z.string(),
  auditedAt: z.string(),
  head: Texts,
  lines: z.array(
    z.object({
      id: z.number(),
      item: z.string(),
      quantity: Amount,
      price: MaybeAmount,
      cost: MaybeAmount,
      batch: z.string(),
      fields: Texts,
    }),
  ),
  createdAt: z.string(),
  origin: KeptOrigin,
  createdSequence: z.number(),
  changedSequence: z.number(),
}) satisfies z.ZodType<StockDocument>;

export const KeptDeletedDocument = z.object({
  document: KeptDocument,
  deletedBy: KeptOrigin,
  sequence: z.number(),
}) satisfies z.ZodType<DeletedDocument>;

export const KeptCredentials = z.object({
  sender: z.string(),
  from_account: z.string(),
  to_account: z.string(),
  app_key: z.string(),
  app_secret: z.string(),
  ds_sequence: z.number(),
});

export const KeptResult = z.object({
  id: z.string(),
  bizId: z.string(),
  tradeId: z.string(),
  at: z.number(),
  errcode: z.string().nullable(),
  errmsg: z.string(),
  documentId: z.string(),
});

/** @returns the voucher as it is kept */
export function plainVoucher(voucher: Voucher) {
  return {
    ...voucher,
    lines: voucher.lines.map((line) => ({
      ...line,
      rate: formatDecimal(line.rate),
      price: formatDecimal(line.price),
      debit: formatDecimal(line.debit, 2),
      credit: formatDecimal(line.credit, 2),
      debitFor: formatDecimal(line.debitFor, 2),
      creditFor: formatDecimal(line.creditFor, 2),
      debitQuantity: formatDecimal(line.debitQuantity),
      creditQuantity: formatDecimal(line.creditQuantity),
      cashFlows: line.cashFlows.map((flow) => ({
        item: flow.item,
        debit: formatDecimal(flow.debit, 2),
        credit: formatDecimal(flow.credit, 2),
      })),
    })),
  };
}

export function plainDeleted(deleted: DeletedVoucher) {
  return { ...deleted, voucher: plainVoucher(deleted.voucher) };
}

export function plainDocument(document: StockDocument) {
  return {
    ...document,
    lines: document.lines.map((line) => ({
      ...line,
      quantity: formatDecimal(line.quantity),
      price: line.price === undefined ? null : formatDecimal(line.price),
      cost: line.cost === undefined ? null : formatDecimal(line.cost, 2),
    })),
  };
}

export function plainDeletedDocument(deleted: DeletedDocument) {
  return { ...deleted, document: plainDocument(deleted.document) };
}

/** @returns the voucher in the words that the dumps of all simulators share, for whoever counts or compares */
export function shownVoucher(voucher: Voucher) {
  return {
    id: voucher.id,
    book: voucher.book,
    date: voucher.date,
    year: voucher.year,
    period: voucher.period,
    group: voucher.sign,
    number: String(voucher.number),
    external: voucher.external,
    externalType: voucher.externalType,
    makingSystem: voucher.makingSystem,
    uploadId: voucher.uploadId,
    /** C is audited, as elsewhere */
    documentStatus: voucher.auditor === "" ? "A" : "C",
    invalid: voucher.flag === 1,
    flag: voucher.flag,
    posted: voucher.posted,
    attachments: voucher.attachments,
    creator: voucher.maker,
    auditor: voucher.auditor,
    poster: voucher.poster,
    entries: voucher.lines.map((line) => ({
      id: line.id,
      explanation: line.abstract,
      account: line.account,
      dimensions: line.auxiliaries,
      currency: line.currency,
      debit: formatDecimal(line.debit, 2),
      credit: formatDecimal(line.credit, 2),
      amountFor: formatDecimal(line.debitFor + line.creditFor, 2),
      quantity: formatDecimal(line.debitQuantity + line.creditQuantity),
      debitQuantity: formatDecimal(line.debitQuantity),
      creditQuantity: formatDecimal(line.creditQuantity),
      unit: "",
    })),
    createdAt: voucher.createdAt,
    origin: voucher.origin,
    createdSequence: voucher.createdSequence,
    changedSequence: voucher.changedSequence,
  };
}
