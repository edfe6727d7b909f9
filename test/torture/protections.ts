import type { LookUpAnswer, VoucherTarget } from "../../connectors/contract.ts";
import * as postingStore from "../../db/posting-store.ts";
import type { PostingTiming } from "../../db/posting-store.ts";
import { PostingKey } from "../../domain/posting-key.ts";
import type { Protection } from "./faults.ts";
import { IN_PROCESS, RETRY_MS } from "./timing.ts";

/** Longer than any freeze: without the lease nothing holds a late worker back. */
const NO_LEASE_REMAINING_MS = 5_000;

/** The real store, with shorter pauses; and without the lease where the run is to show what happens then. */
export function storeFor(without: Protection | undefined): typeof postingStore {
  const quick: typeof postingStore = {
    ...postingStore,
    settleSent: (database, settlements, worker, act) =>
      postingStore.settleSent(
        database,
        settlements.map(({ postingId, outcome }) => ({
          postingId,
          outcome: outcome.kind === "not-done" ? { ...outcome, retryMs: RETRY_MS } : outcome,
        })),
        worker,
        act,
      ),
    settleAdvance: (database, rows, worker) => postingStore.settleAdvance(database, rows, worker, RETRY_MS),
  };
  if (without !== "lease") return quick;
  return {
    ...quick,
    // Whatever was claimed once is sent, whoever holds it by now and however late it is.
    stampSent: async (database, postingIds, worker, timing) => {
      await postingStore.stampSent(database, postingIds, worker, timing);
      return { postingIds: new Set(postingIds), remainingMs: NO_LEASE_REMAINING_MS };
    },
  };
}

export const timingFor = (without: Protection | undefined): PostingTiming =>
  without === "settling" ? { ...IN_PROCESS, settlingMs: 0 } : IN_PROCESS;

/** Without the look-up, an ERP that was not asked counts as one that has nothing. */
export const findByKeysFor = (target: VoucherTarget, without: Protection | undefined): VoucherTarget["findByKeys"] =>
  without === "lookup"
    ? async (_book, keys): Promise<LookUpAnswer> => ({
        found: new Map(keys.map((key) => [PostingKey.parse(key), { kind: "absent" as const }])),
        controlSeen: true,
      })
    : (book, keys, control) => target.findByKeys(book, keys, control);
