import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { period } from "../../domain/dates.ts";
import type { PostingKey } from "../../domain/posting-key.ts";
import type { VoucherDraft } from "../../domain/voucher.ts";
import type { LookUp } from "../contract.ts";
import { BOOK, receiptDraft, soon } from "./samples.testing.ts";
import { type Erp, startErp } from "./testing.ts";

let erp: Erp | undefined;
afterEach(async () => {
  await erp?.close();
  erp = undefined;
});

const VOUCHERS = 24;
const ROUNDS_MAX = 60;
const LATE_MS = 60;
const KINDS = [
  "lose-before",
  "lose-after",
  "half-answer",
  "unreadable",
  "500-before",
  "500-after",
  "200-failure",
  "failure-after",
  "already-exists",
  "late-commit",
  "apply-twice",
  "session-lost",
  "session-lost-mid-batch",
  "batch-element-refused",
  "batch-element-unnamed",
  "throttled",
] as const;

/** What each key stands at after a look-up that may fail as well; the impatient one never waits for late commits. */
const lookedUp = async ({ target }: Erp, keys: readonly PostingKey[]): Promise<ReadonlyMap<PostingKey, LookUp>> =>
  keys.length === 0 ? new Map() : (await target.findByKeys(BOOK, keys, undefined)).found;

test.each([1, 2, 3, 4, 5, 6])(
  "under faults of every kind (seed %i) each voucher stands once in the end, however impatient the sender",
  async (seed) => {
    erp = await startErp(
      {
        seed,
        faults: [
          ...KINDS.map((kind) => ({
            kind,
            operation: "batchSave",
            probability: 0.1,
            ...(kind === "late-commit" ? { delayMs: LATE_MS } : {}),
          })),
          { kind: "500-before", operation: "query", probability: 0.1 },
        ],
      },
      { batchMax: 3, timeoutMs: 3_000 },
    );
    const drafts = Array.from({ length: VOUCHERS }, (_, index) => receiptDraft(`${seed}-${index}`));
    const posted = new Map<string, string>();
    let waiting: readonly VoucherDraft[] = drafts;
    for (let round = 0; round < ROUNDS_MAX && waiting.length > 0; round += 1) {
      const outcomes = await erp.target.post(waiting, soon());
      const uncertain: PostingKey[] = [];
      for (const outcome of outcomes) {
        // Nothing here deserves a refusal.
        expect(outcome.kind, JSON.stringify(outcome)).not.toBe("refused");
        if (outcome.kind === "posted") posted.set(outcome.key, outcome.erpId);
        if (outcome.kind === "uncertain") uncertain.push(outcome.key);
      }
      for (const [key, look] of await lookedUp(erp, uncertain)) if (look.kind === "one") posted.set(key, look.erpId);
      waiting = drafts.filter(({ key }) => !posted.has(key));
    }
    await sleep(2 * LATE_MS);
    const hits = Object.values(erp.simulator.faults.hits()).reduce((sum, count) => sum + count, 0);
    expect(hits).toBeGreaterThan(0);
    erp.simulator.faults.replace([]);
    const inBooks: string[] = [];
    for await (const page of erp.target.listPeriod(BOOK, period("2026-01")))
      inBooks.push(...page.map(({ key, erpId }) => `${key} ${erpId}`));
    expect(waiting).toEqual([]);
    expect(inBooks.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(
      [...posted].map(([key, erpId]) => `${key} ${erpId}`).toSorted((a, b) => (a < b ? -1 : 1)),
    );
  },
  60_000,
);
