/** Marketing and inventory documents: head, lines and journal entry of a new one. */

import { DOCUMENT_KINDS, type DocumentKind } from "./document-kinds.ts";
import { type Posting, postDocumentEntry } from "./document-journal.ts";
import { DocumentLine } from "./document-line.ts";
import { enumMember } from "./enums.ts";
import { notSupported, ServiceError } from "./errors.ts";
import { checkReference, PARTNERS } from "./ledger.ts";
import { amount, decimal, given, list, number, type Row, text, yes } from "./model.ts";
import { checkDates, DOCUMENT_DATES } from "./periods.ts";
import { fillRow } from "./values.ts";
import type { Context, World } from "./world.ts";

export function kindOf(set: string): DocumentKind {
  const kind = DOCUMENT_KINDS.get(set);
  if (kind === undefined) throw notSupported();
  return kind;
}

/** @returns DocEntry */
export function createDocument(context: Context, set: string, input: Row): string {
  const kind = kindOf(set);
  const { world, origin } = context;
  const dates = datesOf(world, input);
  const period = checkDates(world, { ...dates, table: kind.header, columns: DOCUMENT_DATES, isSale: kind.isSale });
  const partner = partnerOf(world, kind, input);
  checkReference(world, "Projects", input, "Project", `${kind.header}.Project`);
  const lines = list(input, "DocumentLines");
  if (lines.length === 0) throw new ServiceError(-5002, "No matching records found; document has no rows");
  const entry = world.next(`${set}.DocEntry`, 1);
  const docNum = yes(input, "HandWritten") ? (number(input, "DocNum") ?? entry) : world.next(`${set}.DocNum`, 1);
  const postings: Posting[] = [];
  const done = lines.map((line, index) => {
    const one = new DocumentLine(context, kind, line, index, { entry, date: dates.posting, partner });
    const { row, effects } = one.post();
    postings.push(...effects);
    return row;
  });
  const sum = (name: string): bigint => done.reduce((total, line) => total + amount(line, name), 0n);
  const [net, tax] = [sum("LineTotal"), sum("TaxTotal")];
  const gross = net + tax;
  if (kind.set === "PurchaseInvoices" || kind.set === "Invoices") {
    const sign = kind.isSale ? 1n : -1n;
    const account = text(partner, "DebitorAccount");
    postings.push({ account, amount: sign * gross, partner: text(partner, "CardCode") });
  }
  const memo = text(input, "JournalMemo") || memoFor(kind, partner);
  const journal = postDocumentEntry(
    context,
    {
      transType: kind.transType,
      entry,
      number: docNum,
      date: dates.posting,
      due: dates.due,
      tax: dates.tax,
      memo,
      reference: "",
      reference2: text(input, "Reference2"),
      project: text(input, "Project"),
      isSale: kind.isSale,
    },
    kind.transType === "" ? [] : postings,
  );
  const row: Row = {
    ...input,
    DocEntry: entry,
    DocNum: docNum,
    Series: number(input, "Series") ?? Number(kind.objectCode),
    DocDate: dates.posting,
    DocDueDate: dates.due,
    TaxDate: dates.tax,
    VatDate: input["VatDate"] ?? dates.tax,
    CardName: text(input, "CardName") || text(partner, "CardName") || null,
    DocCurrency: text(input, "DocCurrency") || world.localCurrency,
    DocRate: given(input, "DocRate") ? text(input, "DocRate") : "1",
    JournalMemo: memo,
    DocTotal: decimal(gross),
    DocTotalSys: decimal(gross),
    VatSum: decimal(tax),
    CreationDate: world.today(),
    UpdateDate: world.today(),
    UpdateTime: world.timeOfDay(),
    FinancialPeriod: number(period, "AbsoluteEntry") ?? null,
    PeriodIndicator: text(period, "PeriodIndicator"),
    UserSign: 2,
    TransNum: journal,
    DocumentStatus: kind.closed ? "bost_Close" : "bost_Open",
    DocObjectCode: enumMember("BoObjectTypes", kind.objectCode) ?? null,
    DocumentLines: done,
  };
  world.store.put(set, String(entry), fillRow(world.schema.type("Document"), row, world.schema), origin);
  return String(entry);
}

function memoFor(kind: DocumentKind, partner: Row | undefined): string {
  const name = kind.set.replaceAll(/([a-z])([A-Z])/g, "$1 $2");
  return partner === undefined ? name : `${name} - ${text(partner, "CardCode")}`;
}

export function datesOf(world: World, input: Row): { posting: string; due: string; tax: string } {
  const posting = text(input, "DocDate") || world.today();
  const due = text(input, "DocDueDate") || text(input, "DueDate") || posting;
  return { posting, due, tax: text(input, "TaxDate") || posting };
}

function partnerOf(world: World, kind: DocumentKind, input: Row): Row | undefined {
  if (kind.partner === undefined) return undefined;
  const code = text(input, "CardCode");
  const partner = world.row(PARTNERS, code);
  if (partner === undefined || partner["CardType"] !== kind.partner) {
    throw new ServiceError(-5002, `Invalid BP code [${kind.header}.CardCode] , '${code}'`);
  }
  if (yes(partner, "Frozen")) throw new ServiceError(-10, `10001071 - Customer ${code} is inactive`);
  return partner;
}
