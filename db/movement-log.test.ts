import fc from "fast-check";
import { expect, test } from "vitest";
import { testDatabase } from "../test/support/database.ts";
import { businessDate, instant } from "../domain/dates.ts";
import { decimal } from "../domain/decimal.ts";
import type { Movement } from "../domain/movement.ts";
import { copyInto } from "./copy-text.ts";
import { inTransaction, openDatabase } from "./database.ts";
import { MOVEMENT_COLUMNS, movementLine } from "./ingest.ts";
import { readArrivals, readMovements } from "./movement-log.ts";

const COMPANY = "公司 'A' \\ 1";
const SOURCE = "仓'库";

/** Any text that the database can hold, with what COPY and SQL treat in a way of their own. */
const anyText = fc
  .oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom("\\", "\t", "\n", "\r", "\b", "\v", "N", "'", "库", "é", "ÿ", "😀") }),
  )
  .map((text) => text.slice(0, 50).replaceAll("\0", ""));

const anyMovement = fc.record({
  item: anyText.map((text) => `I${text}`),
  partner: anyText,
  cause: anyText,
  quantity: fc.constantFrom("1", "0.000001", "123456789012345678.123456"),
  amount: fc.constantFrom(undefined, "0.00", "99999999999999999.99"),
  cancelled: fc.boolean(),
  invoiced: fc.boolean(),
  at: fc.constantFrom("2025-01-31T16:00:00.000Z", "2025-02-01T08:30:00.125Z", "2025-06-30T23:59:59.990Z"),
});

test("a page of arrivals holds what a query for the same movements holds, whatever their texts are", async () => {
  const { url } = await testDatabase();
  const database = openDatabase(url);
  let arrival = 0;
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(anyMovement, { minLength: 1, maxLength: 20 }), async (drawn) => {
        const first = arrival;
        await inTransaction(database, async (client) => {
          const ids = await client.query<{ id: string }>(
            "SELECT zs_next_id()::text AS id FROM generate_series(1, $1::int)",
            [drawn.length],
          );
          const lines = drawn.map(({ item, partner, cause, quantity, amount, cancelled, invoiced, at }, index) => {
            const movement: Movement = {
              company: COMPANY,
              source: SOURCE,
              form: "receipts",
              recordId: `r${first}`,
              revision: 1,
              cancelled,
              lineId: String(index),
              kind: "purchase-receipt",
              documentNumber: "RK-1",
              happenedAt: instant(at),
              happenedOn: businessDate("2025-02-01"),
              item,
              warehouse: "",
              counterWarehouse: "",
              batch: "",
              unit: "件",
              quantity: decimal(quantity),
              ...(amount === undefined ? {} : { amount: decimal(amount) }),
              currency: "CNY",
              partner,
              department: "",
              order: "",
              cause,
              invoiced,
              originDocument: "",
              sourceUpdatedAt: instant(at),
            };
            arrival += 1;
            return movementLine(ids.rows[index]?.id ?? "", "1", String(arrival), movement);
          });
          await copyInto(client, "movements", MOVEMENT_COLUMNS, lines);
          const page = await readArrivals(client, COMPANY, SOURCE, String(first), drawn.length);
          const asked = await readMovements(
            client,
            page.map(({ movementId }) => movementId),
          );
          const byId = new Map(asked.map((movement) => [movement.movementId, movement]));
          expect(page).toEqual(page.map(({ movementId }) => byId.get(movementId)));
          expect(page.map(({ partner }) => partner)).toEqual(drawn.map(({ partner }) => partner));
        });
      }),
      { numRuns: 100 },
    );
  } finally {
    await database.close();
  }
});
