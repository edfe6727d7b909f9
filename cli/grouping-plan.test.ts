import { afterAll, beforeAll, expect, test } from "vitest";
import { parseInstallation } from "../config/installation.ts";
import { type Database, openDatabase } from "../db/database.ts";
import type { Installation } from "../domain/installation.ts";
import type { VoucherLimits } from "../domain/limits.ts";
import { readMappings } from "../mappings/applied.ts";
import { testDatabase } from "../test/support/database.ts";
import { refuseOverflowingGroups } from "./grouping-plan.ts";
import { template } from "./template-jiandaoyun-kingdee.ts";

const LIMITS: VoucherLimits = {
  linesMax: 200,
  summaryMax: 100,
  text: { measure: "characters", repertoire: "unicode" },
  amountDecimals: 2,
  amountDigits: 12,
  quantities: true,
  quantityDecimals: 6,
  quantityDigits: 12,
  vouchersPerPeriodMax: 400,
  red: "negative",
};
const DOCUMENTS = 500;

let database: Database;
beforeAll(async () => {
  database = openDatabase((await testDatabase()).url);
  const [company] = installationWith("document").companies;
  await database.pool.query(
    `INSERT INTO movements (movement_id, revision, arrival, company, source, form, record_id, line_id, cancelled, kind,
       document_number, happened_at, happened_on, item, warehouse, counter_warehouse, batch, unit, quantity, amount, currency,
       partner, department, order_number, cause, invoiced, origin_document, source_updated_at)
     SELECT zs_next_id(), 1, n, $1, 's', 'f', 'r' || n, '1', false, 'purchase-receipt', 'CG-' || n,
       '2025-01-05T02:00:00Z', ('2025-01-' || lpad((n % 10 + 1)::text, 2, '0'))::date, 'M-' || n, 'CK01', '', '', 'Pcs', 1, 10, 'CNY',
       'VEN001', '', '', '', true, '', now()
     FROM generate_series(1, $2) AS n`,
    [company?.code, DOCUMENTS],
  );
});
afterAll(() => database.close());

const installationWith = (grouping: string): Installation =>
  parseInstallation(template.replace("grouping: document", `grouping: ${grouping}`), "zhangshi.yaml");
const plan = (grouping: string, limits: Partial<VoucherLimits> = {}): Promise<void> => {
  const installation = installationWith(grouping);
  const mappings = readMappings(installation, import.meta.dirname);
  return refuseOverflowingGroups(database, installation, mappings, () => ({ ...LIMITS, ...limits }));
};

test("a grouping whose vouchers would be too long for the ledger is refused with rule, count and limit", async () => {
  await expect(plan("period")).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    details: { field: "grouping", value: "period", count: String(DOCUMENTS + 1), max: "200" },
  });
});

test("a grouping that makes more vouchers than the ledger can number is refused with the period", async () => {
  await expect(plan("document")).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    details: { field: "grouping", period: "2025-01", count: String(DOCUMENTS), max: "400" },
  });
});

test("what fits is not refused", async () => {
  await plan("day");
  await plan("document", { vouchersPerPeriodMax: undefined });
  await plan("period", { linesMax: DOCUMENTS + 1 });
});
