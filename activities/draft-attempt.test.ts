import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { draftingStores } from "../db/drafting-stores.ts";
import { openDatabase } from "../db/database.ts";
import type { NewPosting, NewPostings } from "../db/voucher-store.ts";
import { draftingOf, enterMonth } from "../test/bench/warehouse-month.ts";
import { testDatabase } from "../test/support/database.ts";
import { draftPage } from "./drafting.ts";

const DOCUMENTS = 900;
const MOVEMENTS_MAX = 10_000;
/** The database is behind: nothing of the first batch is there when a later one fails. */
const SLOW_MS = 1_000;
/** Two batches are on their way to the database by then. */
const FAILS_AT = 850;

test("a page that fails while earlier vouchers of it are being written leaves nothing behind", async () => {
  const { url } = await testDatabase();
  const database = openDatabase(url);
  try {
    await enterMonth(database, DOCUMENTS);
    let made = 0;
    class Failing extends draftingStores.vouchers.NewPostings {
      override add(postingId: string, draft: NewPosting): void {
        made += 1;
        if (made === FAILS_AT) throw new Error("this voucher cannot be made ready");
        super.add(postingId, draft);
      }
      override async insert(client: Parameters<NewPostings["insert"]>[0]): Promise<void> {
        await sleep(SLOW_MS);
        await super.insert(client);
      }
    }
    const vouchers = { ...draftingStores.vouchers, NewPostings: Failing };
    const failing = { ...draftingOf(database), stores: { ...draftingStores, vouchers } };
    await expect(draftPage(failing, MOVEMENTS_MAX)).rejects.toThrow("cannot be made ready");
    await sleep(3 * SLOW_MS);
    const left = await database.pool.query(
      `SELECT (SELECT count(*) FROM posting_keys)::int AS keys, (SELECT count(*) FROM voucher_lines)::int AS lines,
         (SELECT count(*) FROM cost_entries)::int AS entries, (SELECT count(*) FROM estimates)::int AS estimates`,
    );
    expect(left.rows).toEqual([{ keys: 0, lines: 0, entries: 0, estimates: 0 }]);
    await draftPage(draftingOf(database), MOVEMENTS_MAX);
    const drafted = await database.pool.query("SELECT count(*)::int AS count FROM postings");
    expect(drafted.rows).toEqual([{ count: DOCUMENTS }]);
  } finally {
    await database.close();
  }
});
