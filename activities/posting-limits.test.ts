import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type {
  ErpVoucher,
  FileHandover,
  LookUp,
  SendOutcome,
  TargetCapabilities,
  VoucherTarget,
} from "../connectors/contract.ts";
import { type Database, inTransaction, openDatabase } from "../db/database.ts";
import * as store from "../db/posting-store.ts";
import { type NewPosting, insertPostings } from "../db/voucher-store.ts";
import { instant, periodOf } from "../domain/dates.ts";
import { decimal } from "../domain/decimal.ts";
import type { LedgerConfig } from "../domain/installation.ts";
import { PostingKey, postingKeyOf } from "../domain/posting-key.ts";
import type { VoucherDraft } from "../domain/voucher.ts";
import { testDatabase } from "../test/support/database.ts";
import { postBatch } from "./posting.ts";

/* Ledgers with narrow limits, and ledgers that a person imports files into. */

let database: Database;
let run = 0;
let ledger: LedgerConfig;
beforeAll(async () => {
  database = openDatabase((await testDatabase()).url);
});
afterAll(() => database.close());
beforeEach(() => {
  run += 1;
  ledger = {
    code: `l${run}`,
    company: "c",
    connection: "files",
    book: "001",
    currency: "CNY",
    word: "记",
    targetStage: "saved",
    estimateStyle: "reverse-on-invoice",
    closedPeriod: "hold",
    averagingScope: "company",
    codeTables: {},
    approval: false,
    leaseMs: 60_000,
    deadlineMs: 30_000,
    settlingMs: 1,
    settings: {},
  };
});

const CAPABILITIES: TargetCapabilities = {
  batchMax: 1,
  keyGuard: "receipt",
  keyLength: 26,
  stages: ["saved"],
  asynchronous: false,
  dimensions: [],
  checks: { period: "nobody", account: "nobody", dimension: "nobody", code: "nobody", balance: "nobody" },
  people: { edit: true, unaudit: false, delete: true, void: false, copy: "without-key" },
  linesMax: 100,
  summaryMax: 40,
  text: { measure: "gbk-bytes", repertoire: "gbk" },
  amountDecimals: 2,
  amountDigits: 11,
  quantities: false,
  quantityDecimals: 0,
  quantityDigits: 0,
  vouchersPerPeriodMax: 2,
  red: "negative",
  readsBalances: false,
  readsQuantities: false,
};

/** A folder of files and receipts, as docs/decisions/0015-file-ledgers.md describes it. */
class Folder implements VoucherTarget {
  readonly capabilities: TargetCapabilities;
  readonly written: VoucherDraft[] = [];
  readonly imported = new Map<string, VoucherDraft>();
  readonly exported = new Map<string, VoucherDraft>();
  outstanding: VoucherDraft | undefined;

  constructor(change: Partial<TargetCapabilities> = {}) {
    this.capabilities = { ...CAPABILITIES, ...change };
  }

  async post(drafts: readonly VoucherDraft[]): Promise<readonly SendOutcome[]> {
    return drafts.map((draft): SendOutcome => {
      const key = PostingKey.parse(draft.key);
      if (this.outstanding !== undefined && this.outstanding.key !== draft.key)
        return { kind: "not-done", key, code: "FILE_OUTSTANDING", message: this.outstanding.key };
      this.outstanding = draft;
      this.written.push(draft);
      return { kind: "uncertain", key, code: "AWAITING_RECEIPT", message: `${draft.key}.dbf` };
    });
  }

  /** What a person says about the outstanding file. */
  receipt(imported: boolean): void {
    if (imported && this.outstanding !== undefined) this.imported.set(this.outstanding.key, this.outstanding);
    this.outstanding = undefined;
  }

  async findByKeys(_book: string, keys: readonly PostingKey[], control: PostingKey | undefined) {
    const look = (key: PostingKey): LookUp => {
      if (this.outstanding?.key === key)
        return { kind: "failed", code: "AWAITING_RECEIPT", message: "not confirmed yet" };
      return this.imported.has(key) ? { kind: "one", erpId: key, number: "", stage: "saved" } : { kind: "absent" };
    };
    return {
      found: new Map(keys.map((key) => [key, look(key)] as const)),
      controlSeen: control !== undefined && this.imported.has(control),
    };
  }

  async readBack(_book: string, erpIds: readonly string[]): Promise<ReadonlyMap<string, ErpVoucher>> {
    return new Map(erpIds.flatMap((id) => this.exported.get(id) ?? []).map((draft) => [draft.key, voucherOf(draft)]));
  }

  advance = notAsked;
  balances = notAsked;
  periods = notAsked;
  masterData = notAsked;
  listPeriod = notAsked;
  check = notAsked;
  close = async (): Promise<void> => undefined;
}
function notAsked(): never {
  throw new Error("not asked");
}
const voucherOf = (draft: VoucherDraft): ErpVoucher => ({
  erpId: draft.key,
  key: draft.key,
  word: draft.word,
  number: "1",
  date: draft.date,
  period: periodOf(draft.date),
  stage: "saved",
  voided: false,
  attachments: draft.attachments,
  origin: "manual",
  maker: "",
  lines: draft.lines.map((line) => ({ ...line, quantity: line.quantity, unit: line.unit })),
});

const insert = (recordIds: readonly string[], accountedOn = "2025-01-15"): Promise<readonly string[]> =>
  inTransaction(database, (client) =>
    insertPostings(
      client,
      recordIds.map((recordId): NewPosting => {
        const identity = {
          company: "c",
          source: "s",
          form: "f",
          recordId,
          ledger: ledger.code,
          purpose: "stock" as const,
          part: 1,
          generation: 1,
        };
        const shared = { amount: decimal("10.00"), summary: "入库", why: "w", dimensions: {}, movementIds: [] };
        return {
          ...identity,
          key: postingKeyOf(identity),
          book: "001",
          groupName: recordId,
          state: "drafted",
          targetStage: "saved",
          word: "记",
          accountedOn,
          late: false,
          attachments: 1,
          currency: "CNY",
          documents: [recordId],
          summary: "s",
          ruleName: "r",
          ruleVersion: 1,
          errorCode: undefined,
          reverses: undefined,
          lines: [
            { ...shared, lineNumber: 1, side: "debit", role: "inventory", account: "1405" },
            { ...shared, lineNumber: 2, side: "credit", role: "payables", account: "2202" },
          ],
          movements: [],
        };
      }),
    ),
  );

const post = (target: VoucherTarget) =>
  postBatch(
    {
      database,
      store,
      target,
      ledger,
      worker: "w",
      timing: { leaseMs: 60_000, deadlineMs: 30_000, settlingMs: 1 },
      lanes: 1,
      onStep: async () => undefined,
      heartbeat: () => undefined,
      count: () => undefined,
    },
    100,
  );
/** Lets time pass for whatever waits for it. */
const later = () =>
  database.pool.query(
    `UPDATE postings SET look_up_after = look_up_after - interval '1 hour', retry_after = retry_after - interval '1 hour',
       lease_until = lease_until - interval '1 hour'
     WHERE ledger = $1`,
    [ledger.code],
  );
const states = async (): Promise<readonly string[]> => {
  const { rows } = await database.pool.query<{ said: string }>(
    "SELECT concat_ws(' ', state, error_code) AS said FROM postings WHERE ledger = $1 ORDER BY posting_id",
    [ledger.code],
  );
  return rows.map(({ said }) => said);
};

test("the voucher beyond the numbers of its period is held, the next period goes on", async () => {
  const target = new Folder({ batchMax: 10 });
  target.post = async (drafts) => {
    for (const draft of drafts) target.exported.set(draft.key, draft);
    return drafts.map(({ key }) => ({
      kind: "posted",
      key: PostingKey.parse(key),
      erpId: key,
      number: "1",
      stage: "saved",
    }));
  };
  await insert(["a", "b", "c"]);
  await insert(["d"], "2025-02-01");
  // The first goes alone, the others together.
  for (let round = 0; round < 2; round += 1) await post(target);
  expect(await states()).toEqual(["verified", "verified", "held LIMIT_VOUCHERS", "verified"]);
});

test("a field for the key that the ledger lacks pauses it at the first voucher and refuses none", async () => {
  const target = new Folder({ batchMax: 10 });
  let sent = 0;
  target.post = async (drafts) => {
    sent += drafts.length;
    return drafts.map(({ key }) => ({
      kind: "not-done",
      key: PostingKey.parse(key),
      code: "KEY_FIELD_MISSING",
      message: "U_ZSKey",
    }));
  };
  await insert(["a", "b"]);
  for (let round = 0; round < 2; round += 1) {
    expect((await post(target)).paused).toBe(true);
    await later();
  }
  expect(sent).toBe(1);
  expect(await states()).toEqual(["ready KEY_FIELD_MISSING", "ready"]);
  expect(await store.ledgerState(database, ledger.code)).toMatchObject({ pauseCode: "KEY_FIELD_MISSING" });
});

test("a file is no posted voucher until a person confirms it, and no second file is written before that", async () => {
  const target = new Folder();
  await insert(["a", "b"]);
  await post(target);
  await later();
  await post(target);
  expect(await states()).toEqual(["uncertain AWAITING_RECEIPT", "ready FILE_OUTSTANDING"]);
  expect(target.written).toHaveLength(1);

  target.receipt(true);
  await later();
  await post(target);
  expect(await states()).toEqual(["posted EXPORT_MISSING", "uncertain AWAITING_RECEIPT"]);

  for (const [key, draft] of target.imported) target.exported.set(key, draft);
  await later();
  await post(target);
  expect((await states())[0]).toBe("verified");
});

test("a file that was not imported is written again, and only then", async () => {
  const target = new Folder();
  await insert(["a"]);
  await post(target);
  target.receipt(false);
  for (let round = 0; round < 4; round += 1) {
    await later();
    await post(target);
  }
  expect(target.written).toHaveLength(2);
  expect(await states()).toEqual(["uncertain AWAITING_RECEIPT"]);
});

test("while a person has a file in hand nothing is claimed in vain, and waiting writes no attempts", async () => {
  const target = new (class extends Folder {
    readonly files: FileHandover = {
      outstanding: async () =>
        this.outstanding === undefined
          ? undefined
          : {
              name: "a",
              keys: [PostingKey.parse(this.outstanding.key)],
              writtenAt: instant("2025-01-31T08:00:00.000Z"),
            },
      confirm: notAsked,
      confirmVoucher: notAsked,
      takeExport: notAsked,
    };
  })();
  const attempts = async (): Promise<number> => {
    const { rows } = await database.pool.query<{ count: string }>(
      "SELECT count(*) FROM posting_attempts a JOIN postings p USING (posting_id) WHERE p.ledger = $1",
      [ledger.code],
    );
    return Number(rows[0]?.count);
  };
  await insert(["a", "b", "c"]);
  await post(target);
  await later();
  await post(target);
  const before = await attempts();
  for (let round = 0; round < 3; round += 1) {
    await later();
    const { claimed, nextDueMs } = await post(target);
    expect([claimed, (nextDueMs ?? 0) >= 30_000]).toEqual([0, true]);
  }
  expect([await states(), await attempts()]).toEqual([["uncertain AWAITING_RECEIPT", "ready", "ready"], before]);

  target.receipt(true);
  await later();
  await post(target);
  expect(await states()).toEqual(["posted EXPORT_MISSING", "uncertain AWAITING_RECEIPT", "ready"]);
  const posted = await attempts();
  for (let round = 0; round < 3; round += 1) {
    await later();
    await post(target);
  }
  expect(await attempts()).toBeLessThanOrEqual(posted + 1);
});
