import {
  type ActivityOptions,
  condition,
  continueAsNew,
  defineSignal,
  isCancellation,
  proxyActivities,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from "@temporalio/workflow";
import type { LedgerActivities } from "../activities/ledger.ts";
import { DRAFT_PAGE, POST_BATCH } from "../domain/procedures.ts";
import { type PostingState, stateAttributes, stateShown } from "./search-attributes.ts";

/** The id runs once at a time; schedules, the command and webhooks nudge it by signal-with-start. */
export const nudge = defineSignal("nudge");

export interface LedgerPosting {
  readonly company: string;
  readonly ledger: string;
  /** The task queue of the ledger's connection: one slow ERP starves nobody else. */
  readonly queue: string;
  /** After so long without a sign of life a batch is given to another worker; absent: three minutes. */
  readonly heartbeatMs?: number;
  readonly totals?: PostingTotals;
}

export interface PostingTotals {
  readonly drafted: number;
  readonly posted: number;
  readonly verified: number;
  readonly refused: number;
}

const NO_TOTALS: PostingTotals = { drafted: 0, posted: 0, verified: 0, refused: 0 };
/** A request may take its whole deadline before the next sign of life. */
const HEARTBEAT_MS = 180_000;
/** About four minutes: an outage of the database passes in them, a page that cannot be drawn does not. */
const DRAFTING_ATTEMPTS = 10;
const NOTHING_DRAFTED = { vouchers: 0, more: false };
/** Rounds before the history starts anew; each writes about fifteen events. */
const ROUNDS_PER_RUN = 200;
/** A wait inside the workflow is cut here, so that a changed situation is noticed. */
const WAIT_MAX_MS = 60_000;
const WAIT_MIN_MS = 20;

/** Values, drafts, posts and verifies whatever is ready for one ledger. Facts stay in the database; only counts pass here. */
export async function ledgerPosting(input: LedgerPosting): Promise<PostingTotals> {
  const options: ActivityOptions = {
    taskQueue: input.queue,
    // A batch is 1,000 vouchers at tens of requests a second, or an ERP that answers at its deadline each time.
    startToCloseTimeout: "30 minutes",
    heartbeatTimeout: input.heartbeatMs ?? HEARTBEAT_MS,
    retry: { initialInterval: "1 second", maximumInterval: "1 minute" },
  };
  const { postBatch } = proxyActivities<LedgerActivities>(options);
  const { draftPage } = proxyActivities<LedgerActivities>({
    ...options,
    retry: { ...options.retry, maximumAttempts: DRAFTING_ATTEMPTS },
  });
  let nudged = false;
  setHandler(nudge, () => {
    nudged = true;
  });

  const show = stateShower();
  let totals = input.totals ?? NO_TOTALS;
  for (let round = 0; round < ROUNDS_PER_RUN && !workflowInfo().continueAsNewSuggested; round += 1) {
    nudged = false;
    show("drafting");
    let failure: unknown;
    const drafted = await draftPage({ ledger: input.ledger, sizeMax: DRAFT_PAGE }).catch((error: unknown) => {
      if (isCancellation(error)) throw error;
      failure = error;
      return NOTHING_DRAFTED;
    });
    show("posting");
    const batch = await postBatch({ ledger: input.ledger, sizeMax: POST_BATCH });
    totals = {
      drafted: totals.drafted + drafted.vouchers,
      posted: totals.posted + batch.posted,
      verified: totals.verified + batch.verified,
      refused: totals.refused + batch.refused,
    };
    // What is drafted goes out all the same; the next nudge or schedule tries to draft again.
    if (failure !== undefined) throw failure;
    if (batch.paused) show("paused");
    if (drafted.more || nudged) continue;
    if (batch.left === 0) return totals;
    if (!batch.paused) show("waiting");
    const waitMs = Math.min(Math.max(batch.nextDueMs ?? WAIT_MAX_MS, WAIT_MIN_MS), WAIT_MAX_MS);
    await condition(() => nudged, waitMs);
  }
  return continueAsNew<typeof ledgerPosting>({ ...input, totals });
}

/** Tells Temporal's pages what the posting is at, once per change: each telling is an event. */
function stateShower(): (state: PostingState) => void {
  let shown = stateShown(workflowInfo().typedSearchAttributes);
  return (state) => {
    if (shown === undefined || state === shown) return;
    shown = state;
    upsertSearchAttributes(stateAttributes(state));
  };
}
