/** For the tests of this folder: drafts that a simulated 账套 accepts, and the person who works it. */

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { businessDate } from "../../domain/dates.ts";
import { decimal, multiply } from "../../domain/decimal.ts";
import { type PostingKey, postingKeyOf } from "../../domain/posting-key.ts";
import type { VoucherDraft, VoucherLine } from "../../domain/voucher.ts";
import { type KingdeeKis, type KingdeeKisOptions, startKingdeeKis } from "../../simulators/kingdee-kis/server.ts";
import type { ErpVoucher } from "../contract.ts";
import { readExport } from "./exported-vouchers.ts";
import { type Dialect, type KingdeeKisSettings, parseSettings } from "./settings.ts";

export const settingsFor = (dialect: Dialect, more: Record<string, unknown> = {}): KingdeeKisSettings =>
  parseSettings({ dialect, book: "001", ...more }, "kis");

export interface Kis {
  readonly simulator: KingdeeKis;
  readonly folder: string;
  readonly person: (act: string, body?: unknown) => Promise<Record<string, unknown>>;
  /** 引出 of January 2025, read back. */
  readonly exported: (settings: KingdeeKisSettings) => Promise<readonly ErpVoucher[]>;
  readonly close: () => Promise<void>;
}

export const startKis = async (options: KingdeeKisOptions = {}): Promise<Kis> => {
  const simulator = await startKingdeeKis(options);
  const { folder } = simulator.credentials;
  const person: Kis["person"] = async (act, body = {}) => {
    const response = await fetch(`${simulator.origin}/_person/${act}`, { method: "POST", body: JSON.stringify(body) });
    const answer: unknown = await response.json();
    return typeof answer === "object" && answer !== null ? { ...answer } : {};
  };
  return {
    simulator,
    folder,
    person,
    exported: async (settings) => {
      const { written } = await person("export", { period: "2025-01" });
      const name = String(written);
      return readExport(readFileSync(join(folder, name)), name, settings);
    },
    close: async () => {
      await simulator.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

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

/** Goods received without invoice: 1405 against 2202.02. A negative quantity makes it red. */
export const receiptDraft = (
  name: string,
  change: Partial<VoucherDraft> = {},
  quantity = "10",
  price = "12.85",
): VoucherDraft => {
  const amount = multiply(decimal(quantity), decimal(price));
  const line = { summary: `暂估入库 ${name}`, why: "", amount } as const;
  const lines: VoucherLine[] = [
    {
      ...line,
      lineNumber: 1,
      side: "debit",
      role: "inventory",
      account: "1405",
      quantity: decimal(quantity),
      unit: "个",
      unitPrice: decimal(price),
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
    book: "001",
    word: "记",
    date: businessDate("2025-01-31"),
    attachments: 2,
    currency: "CNY",
    documents: [name],
    lines,
    ...change,
  };
};

/** The draft with one of its lines changed. */
export const withLine = (draft: VoucherDraft, index: number, change: Partial<VoucherLine>): VoucherDraft => ({
  ...draft,
  lines: draft.lines.map((line, at) => (at === index ? { ...line, ...change } : line)),
});
