import { afterAll, beforeAll, expect, test } from "vitest";
import { type PostingDependencies, postBatch } from "../../activities/posting.ts";
import type { VoucherTarget } from "../../connectors/contract.ts";
import { createKingdeeCloud } from "../../connectors/kingdee-cloud/connector.ts";
import { type Database, inTransaction, openDatabase } from "../../db/database.ts";
import * as postingStore from "../../db/posting-store.ts";
import { insertPostings } from "../../db/voucher-store.ts";
import { type Decimal, ZERO, add, negate, normalize } from "../../domain/decimal.ts";
import { Installation, type LedgerConfig } from "../../domain/installation.ts";
import { period } from "../../domain/dates.ts";
import { postingKeyOf } from "../../domain/posting-key.ts";
import { type KingdeeCloud, startKingdeeCloud } from "../../simulators/kingdee-cloud/server.ts";
import { reversePosting } from "../../worker/reversal.ts";
import { testDatabase } from "../support/database.ts";
import { draftOf } from "../torture/drafting.ts";

/* A verified voucher is reversed in red: own key, same sides, negative amounts, both linked. */

let database: Database;
let drop: () => Promise<void>;
let kingdee: KingdeeCloud;
let target: VoucherTarget;
let ledger: LedgerConfig;

beforeAll(async () => {
  const made = await testDatabase("migrated");
  drop = () => made.drop();
  database = openDatabase(made.url);
  kingdee = await startKingdeeCloud({ openPeriod: "2025-01" });
  const { acctId, userName, password, appId, appSecret, auditorUserName, auditorPassword } = kingdee.credentials;
  target = createKingdeeCloud(
    { books: { "001": "100" } },
    {
      connection: "erp",
      baseUrl: kingdee.baseUrl,
      secrets: { acctId, userName, password, appId, appSecret, auditorUserName, auditorPassword },
      pacer: { permit: async () => undefined },
      now: () => new Date(),
      log: () => undefined,
    },
  );
  const found = Installation.parse({
    connections: [{ name: "erp", vendor: "kingdee-cloud", baseUrl: kingdee.baseUrl }],
    companies: [{ code: "c", name: "公司", standard: "CAS" }],
    sources: [],
    ledgers: [
      {
        code: "l",
        company: "c",
        connection: "erp",
        book: "001",
        estimateStyle: "reverse-on-invoice",
        closedPeriod: "hold",
        averagingScope: "company",
      },
    ],
  }).ledgers[0];
  if (found === undefined) throw new Error("no ledger");
  ledger = found;
});

afterAll(async () => {
  await target.close();
  await kingdee.close();
  await database.close();
  await drop();
});

const dependencies = (): PostingDependencies => ({
  database,
  store: postingStore,
  target,
  ledger,
  worker: "test",
  timing: ledger,
  lanes: 1,
  onStep: async () => undefined,
  heartbeat: () => undefined,
  count: () => undefined,
});
const stateOf = async (key: string): Promise<string> => {
  const { rows } = await database.pool.query<{ state: string }>("SELECT state FROM postings WHERE posting_key = $1", [
    key,
  ]);
  return rows[0]?.state ?? "";
};
const FOR_GOOD = { dryRun: false, redraw: false };
const JANUARY = [{ period: period("2025-01"), open: true }];

test("a reversal negates its original on the same sides, is verified, and leaves the original reversed", async () => {
  const { rows } = await database.pool.query<{ id: string }>("SELECT zs_next_id()::text AS id");
  const movementId = rows[0]?.id ?? "";
  const posting = draftOf([{ number: "CG-1", movementId, amount: "128.50" }], "r1", {
    company: "c",
    ledger: "l",
    book: "001",
    targetStage: "audited",
  });
  await inTransaction(database, (client) => insertPostings(client, [posting]));
  await expect(reversePosting(database, posting.key, JANUARY, FOR_GOOD)).rejects.toThrow("NOT_REVERSIBLE");
  await postBatch(dependencies(), 10);
  expect(await stateOf(posting.key)).toBe("verified");

  const planned = await reversePosting(database, posting.key, JANUARY, { dryRun: true, redraw: false });
  expect(await stateOf(planned.key)).toBe("");
  const reversal = await reversePosting(database, posting.key, JANUARY, FOR_GOOD);
  expect(reversal.lines.map(({ side, account, amount }) => [side, account, normalize(amount)])).toEqual(
    posting.lines.map(({ side, account, amount }) => [side, account, normalize(negate(amount))]),
  );
  await postBatch(dependencies(), 10);
  expect([await stateOf(reversal.key), await stateOf(posting.key)]).toEqual(["verified", "reversed"]);
  await expect(reversePosting(database, posting.key, JANUARY, FOR_GOOD)).rejects.toThrow("NOT_REVERSIBLE");

  const totals = new Map<string, Decimal>();
  for await (const page of target.listPeriod("001", period("2025-01"))) {
    for (const { lines } of page) {
      for (const { account, side, amount } of lines)
        totals.set(`${account} ${side}`, add(totals.get(`${account} ${side}`) ?? ZERO, amount));
    }
  }
  expect([...totals.values()].map(normalize)).toEqual([...totals.keys()].map(() => "0"));
});

test("a reversal goes into the original's own open period, else into a later one, never into one before it", async () => {
  const { rows } = await database.pool.query<{ id: string }>("SELECT zs_next_id()::text AS id");
  const place = { company: "c", ledger: "l", book: "001", targetStage: "audited" } as const;
  const drawn = draftOf([{ number: "CG-2", movementId: rows[0]?.id ?? "", amount: "12.00" }], "r2", place);
  const [id] = await inTransaction(database, (client) =>
    insertPostings(client, [{ ...drawn, accountedOn: "2025-02-10" }]),
  );
  for (const state of ["ready", "sending", "posted", "verified"])
    await database.pool.query("UPDATE postings SET state = $2, erp_id = 'x2' WHERE posting_id = $1", [id, state]);
  const dateWhere = async (open: Readonly<Record<string, boolean>>) => {
    const periods = Object.entries(open).map(([name, isOpen]) => ({ period: period(name), open: isOpen }));
    return (await reversePosting(database, drawn.key, periods, { dryRun: true, redraw: false })).date;
  };
  expect(await dateWhere({ "2025-01": true, "2025-02": true })).toBe("2025-02-10");
  // January was opened again while February is closed.
  expect(await dateWhere({ "2025-01": true, "2025-02": false, "2025-03": true })).toBe("2025-03-01");
  await expect(dateWhere({ "2025-01": true, "2025-02": false })).rejects.toThrow("PERIOD_CLOSED");
});

test("two corrections of the cost of one movement are reversed one by one", async () => {
  const { rows } = await database.pool.query<{ id: string }>("SELECT zs_next_id()::text AS id");
  const place = { company: "c", ledger: "l", book: "001", targetStage: "audited" } as const;
  const corrections = ["11", "12"].map((occurrence) => {
    const drawn = draftOf(
      [{ number: "CG-3", movementId: rows[0]?.id ?? "", amount: "3.00" }],
      `r3#${occurrence}`,
      place,
    );
    const purpose = "cost-correction" as const;
    return {
      ...drawn,
      purpose,
      key: postingKeyOf({ ...drawn, purpose }),
      movements: drawn.movements.map((movement) => ({ ...movement, occurrence })),
    };
  });
  await inTransaction(database, (client) => insertPostings(client, corrections));
  for (const state of ["ready", "sending", "posted", "verified"])
    await database.pool.query("UPDATE postings SET state = $1, erp_id = 'x3' WHERE purpose = 'cost-correction'", [
      state,
    ]);
  for (const { key } of corrections) await reversePosting(database, key, JANUARY, FOR_GOOD);
  const links = await database.pool.query(
    "SELECT occurrence FROM posting_movements WHERE movement_id = $1 AND purpose = 'reversal' ORDER BY occurrence",
    [rows[0]?.id],
  );
  expect(links.rows).toEqual([{ occurrence: "cost-correction:11" }, { occurrence: "cost-correction:12" }]);
});
