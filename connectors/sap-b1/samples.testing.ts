/** For the tests of this folder: drafts, and outcomes in brief. */

import { businessDate } from "../../domain/dates.ts";
import { decimal } from "../../domain/decimal.ts";
import { type PostingKey, postingKeyOf } from "../../domain/posting-key.ts";
import type { VoucherDraft, VoucherLine } from "../../domain/voucher.ts";
import type { SendOutcome } from "../contract.ts";

export const BOOK = "SBO_DEMO";

export const keyOf = (name: string): PostingKey =>
  postingKeyOf({
    company: "c",
    source: "s",
    form: "f",
    recordId: name,
    ledger: "l",
    purpose: "stock",
    part: 1,
    generation: 1,
  });

/** Goods received without invoice: 1405 against 2202.02. A negative amount makes it red. */
export const receiptDraft = (name: string, change: Partial<VoucherDraft> = {}, amount = "184.50"): VoucherDraft => {
  const line = { summary: `暂估入库 ${name}`, why: "", amount: decimal(amount) } as const;
  const lines: VoucherLine[] = [
    {
      ...line,
      lineNumber: 1,
      side: "debit",
      role: "inventory",
      account: "1405",
      quantity: decimal(amount.startsWith("-") ? "-10" : "10"),
      unit: "Pcs",
      dimensions: { item: "M-001" },
    },
    {
      ...line,
      lineNumber: 2,
      side: "credit",
      role: "estimated-payables",
      account: "2202.02",
      dimensions: { supplier: "VEN001" },
    },
  ];
  return {
    key: keyOf(name),
    ledger: "main",
    book: BOOK,
    word: "记",
    date: businessDate("2026-01-31"),
    attachments: 2,
    currency: "CNY",
    documents: [name],
    lines,
    ...change,
  };
};

export const soon = (ms = 20_000): Date => new Date(Date.now() + ms);

export const briefly = (outcomes: readonly SendOutcome[]): readonly string[] =>
  outcomes.map((outcome) => (outcome.kind === "posted" ? outcome.stage : `${outcome.kind} ${outcome.code}`));
