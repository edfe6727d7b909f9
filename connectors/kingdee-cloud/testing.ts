/** For the tests of this folder: a simulated ERP, a connector to it, and drafts that its books accept. */

import { z } from "zod";
import { businessDate } from "../../domain/dates.ts";
import { decimal, multiply } from "../../domain/decimal.ts";
import { PostingKey, postingKeyOf } from "../../domain/posting-key.ts";
import type { VoucherDraft, VoucherLine } from "../../domain/voucher.ts";
import {
  type KingdeeCloud,
  type KingdeeCloudOptions,
  startKingdeeCloud,
} from "../../simulators/kingdee-cloud/server.ts";
import type { ConnectorContext, VoucherTarget } from "../contract.ts";
import { createKingdeeCloud } from "./connector.ts";

const RequestReport = z.object({ totals: z.record(z.string(), z.number()) });

export interface Erp {
  readonly simulator: KingdeeCloud;
  readonly target: VoucherTarget;
  /** A second connector to the same books. */
  readonly another: (settings?: Record<string, unknown>, context?: Partial<ConnectorContext>) => VoucherTarget;
  readonly person: (act: string, body?: unknown) => Promise<void>;
  /** How often an operation was called. */
  readonly calls: (operation: string) => Promise<number>;
  readonly close: () => Promise<void>;
}

export const startErp = async (
  options: KingdeeCloudOptions = {},
  settings: Record<string, unknown> = {},
): Promise<Erp> => {
  const simulator = await startKingdeeCloud(options);
  const targets: VoucherTarget[] = [];
  const another: Erp["another"] = (more = {}, context = {}) => {
    const { lcid: _lcid, orgNum: _orgNum, ...secrets } = simulator.credentials;
    const target = createKingdeeCloud(
      { authentication: "session", books: { "001": "100" }, ...settings, ...more },
      {
        connection: "erp",
        baseUrl: simulator.baseUrl,
        secrets,
        pacer: { permit: async () => undefined },
        now: () => new Date(),
        log: () => undefined,
        ...context,
      },
    );
    targets.push(target);
    return target;
  };
  return {
    simulator,
    target: another(),
    another,
    person: async (act, body = {}) => {
      const response = await fetch(`${simulator.origin}/_person/${act}`, {
        method: "POST",
        body: JSON.stringify(body),
      });
      if (!response.ok) throw new Error(`${act}: ${await response.text()}`);
    },
    calls: async (operation) => {
      const log = RequestReport.parse(await (await fetch(`${simulator.origin}/_sim/requests`)).json());
      return log.totals[operation] ?? 0;
    },
    close: async () => {
      for (const target of targets) await target.close();
      await simulator.close();
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
      unit: "Pcs",
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

export const soon = (ms = 20_000): Date => new Date(Date.now() + ms);
