/** The journal entry behind a document: rows of one account and side, with the same dimensions, become one. */

import { scaleDecimal } from "../shared/decimal.ts";
import { postJournal } from "./ledger.ts";
import { amount, decimal, type Row, text } from "./model.ts";
import type { Context } from "./world.ts";

export type Posting = {
  readonly account: string;
  /** debit positive */
  readonly amount: bigint;
  readonly partner?: string | undefined;
  /** the document's line, for project and cost centre */
  readonly line?: Row | undefined;
};

export type DocumentEntry = {
  readonly transType: string;
  readonly entry: number;
  readonly number: number;
  readonly date: string;
  readonly due: string;
  readonly tax: string;
  readonly memo: string;
  readonly reference: string;
  readonly reference2: string;
  readonly project: string;
  readonly isSale: boolean;
};

const DIMENSIONS = ["CostingCode", "CostingCode2", "CostingCode3", "CostingCode4", "CostingCode5"] as const;

/** @returns JdtNum of the entry; null when the document moves no value, or the company keeps no perpetual inventory */
export function postDocumentEntry(
  context: Context,
  document: DocumentEntry,
  postings: readonly Posting[],
): number | null {
  if (!context.world.settings.perpetual) return null;
  const rows = merged(postings);
  if (rows.length === 0) return null;
  const entry = {
    ReferenceDate: document.date,
    DueDate: document.due,
    TaxDate: document.tax,
    Memo: document.memo.slice(0, context.world.settings.memoLength),
    Reference: document.reference || String(document.number),
    Reference2: document.reference2,
    ...(document.project === "" ? {} : { ProjectCode: document.project }),
    JournalEntryLines: rows,
  };
  return postJournal(context, entry, {
    type: document.transType,
    original: document.entry,
    baseReference: String(document.number),
    automatic: true,
    isSale: document.isSale,
  });
}

function merged(postings: readonly Posting[]): Row[] {
  const rows = new Map<string, { row: Row; sum: bigint }>();
  for (const posting of postings) {
    if (posting.amount === 0n) continue;
    const dimensions = Object.fromEntries(
      DIMENSIONS.flatMap((name) => (text(posting.line, name) === "" ? [] : [[name, text(posting.line, name)]])),
    );
    const project = text(posting.line, "ProjectCode");
    const row: Row = {
      AccountCode: posting.account,
      ...(posting.partner === undefined ? {} : { ShortName: posting.partner }),
      ...dimensions,
      ...(project === "" ? {} : { ProjectCode: project }),
    };
    const key = JSON.stringify([row, posting.amount > 0n]);
    rows.set(key, { row, sum: (rows.get(key)?.sum ?? 0n) + posting.amount });
  }
  return [...rows.values()].map(({ row, sum }) => ({
    ...row,
    Debit: decimal(sum > 0n ? sum : 0n),
    Credit: decimal(sum < 0n ? -sum : 0n),
  }));
}

/** @returns the tax of an amount by its VAT group's newest rate, and the group's account */
export function taxOf(context: Context, group: string, net: bigint): { tax: bigint; account: string } {
  const row = context.world.row("VatGroups", group);
  const lines = row?.["VatGroups_Lines"];
  const rates = typeof lines === "object" && lines !== null ? lines : [];
  const rate = amount(rates.at(-1), "Rate");
  return { tax: scaleDecimal(net, rate, 100n * 10n ** 10n) ?? 0n, account: text(row, "TaxAccount") };
}
