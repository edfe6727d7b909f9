import type { DraftingDependencies } from "../../activities/draft-desk.ts";
import { copyInto } from "../../db/copy-text.ts";
import { type Database, inTransaction } from "../../db/database.ts";
import { draftingStores } from "../../db/drafting-stores.ts";
import { MOVEMENT_COLUMNS, movementLine } from "../../db/ingest.ts";
import { businessDate, instant, periodOf } from "../../domain/dates.ts";
import { decimal } from "../../domain/decimal.ts";
import type { CompanyConfig, LedgerConfig } from "../../domain/installation.ts";
import type { Movement } from "../../domain/movement.ts";
import { standardChart, standardRules } from "../../mappings/load.ts";

export const COMPANY = "bench";
export const SOURCE = "warehouse";
export const LINES_PER_DOCUMENT = 5;
const ITEMS = 500;
const OPEN_PERIOD = periodOf(businessDate("2025-01-01"));
const DAYS = 25;

export const company: CompanyConfig = { code: COMPANY, name: "Bench", zone: "Asia/Shanghai", standard: "CAS" };

/** One voucher per document, 暂估 reversed when the invoice comes, one average per item. */
export const ledgerConfig: LedgerConfig = {
  code: "bench-gl",
  company: COMPANY,
  connection: "bench",
  book: "001",
  currency: "CNY",
  word: "记",
  targetStage: "audited",
  estimateStyle: "reverse-on-invoice",
  closedPeriod: "hold",
  averagingScope: "company",
  codeTables: {},
  approval: false,
  leaseMs: 12e4,
  deadlineMs: 6e4,
  settlingMs: 6e4,
  settings: {},
};

/** What the product's worker hands to drafting. */
export const draftingOf = (database: Database): DraftingDependencies => ({
  database,
  inTransaction,
  stores: draftingStores,
  company,
  ledger: ledgerConfig,
  sources: [SOURCE],
  rules: standardRules("cas"),
  chart: standardChart("cas"),
  periods: async () => [
    {
      period: OPEN_PERIOD,
      open: true,
    },
  ],
  today: () => businessDate("2025-01-31"),
  heartbeat: () => undefined,
});

/** A month of the warehouse: receipts and the issues that take half of each out again, dated in order. */
export async function enterMonth(
  database: Database,
  documents: number,
  codes?: { readonly item: string; readonly unit: string; readonly supplier: string; readonly warehouse: string },
): Promise<void> {
  await database.pool.query(
    `INSERT INTO items (company, code, name, item_class, unit, conversions)
     SELECT $1, code, '货品 ' || code, 'goods', $3, '{}' FROM unnest($2::text[]) AS t (code)`,
    [
      COMPANY,
      codes === undefined ? Array.from({ length: ITEMS }, (_, index) => itemCode(index)) : [codes.item],
      codes?.unit ?? "件",
    ],
  );
  await inTransaction(database, async (client) => {
    const ids = await client.query<{ id: string }>("SELECT zs_next_id()::text AS id FROM generate_series(1, $1::int)", [
      documents * LINES_PER_DOCUMENT,
    ]);
    const lines = ids.rows.map(({ id }, index) => {
      const movement = movementAt(Math.floor(index / LINES_PER_DOCUMENT), index % LINES_PER_DOCUMENT, documents);
      const own =
        codes === undefined
          ? movement
          : { ...movement, item: codes.item, unit: codes.unit, partner: codes.supplier, warehouse: codes.warehouse };
      return movementLine(id, "1", String(index + 1), own);
    });
    await copyInto(client, "movements", MOVEMENT_COLUMNS, lines);
  });
  await database.pool.query("ANALYZE movements");
}

const itemCode = (index: number): string => `SKU-${String(index).padStart(6, "0")}`;

/** Every day first receives and then issues about half of what it received. */
function movementAt(document: number, line: number, documents: number): Movement {
  const perDay = Math.ceil(documents / DAYS);
  const receipts = Math.ceil(perDay / 2);
  const date = Math.floor(document / perDay);
  const issue = document % perDay >= receipts;
  const pair = date * receipts + ((document % perDay) % receipts);
  const day = businessDate(`2025-01-${String(date + 1).padStart(2, "0")}`);
  const at = instant(`${day}T08:30:00.000Z`);
  const recordId = `66c2${document.toString(16).padStart(20, "0")}`;
  const sku = (pair * 7 + line * 13) % ITEMS;
  const received = (sku % 90) + 2;
  return {
    company: COMPANY,
    source: SOURCE,
    form: issue ? "issues" : "receipts",
    recordId,
    revision: 1,
    cancelled: false,
    lineId: `${recordId.slice(4)}${line}`,
    kind: issue ? "sales-issue" : "purchase-receipt",
    documentNumber: `${issue ? "CK" : "RK"}-202501-${String(document).padStart(6, "0")}`,
    happenedAt: at,
    happenedOn: day,
    item: itemCode(sku),
    warehouse: `WH-${sku % 12}`,
    counterWarehouse: "",
    batch: `B${sku % 40}`,
    unit: "件",
    quantity: decimal(issue ? `${Math.ceil(received / 2)}` : `${received}.5`),
    ...(issue
      ? {}
      : {
          amount: decimal(`${(pair % 900) + received}.25`),
          taxAmount: decimal(`${received}.13`),
        }),
    currency: "CNY",
    partner: `${issue ? "客户" : "供应商"}-${pair % 300}`,
    department: "仓储部",
    order: `PO-${pair % 4e3}`,
    cause: "",
    invoiced: false,
    originDocument: "",
    sourceUpdatedAt: at,
  };
}
