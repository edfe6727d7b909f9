import type { PostingTiming } from "../../db/posting-store.ts";

/** Times of one kind of run: the protocol's own, and those of the faults that are measured by them. */
export interface TortureTiming extends PostingTiming {
  /** A late commit that lands after the lease has ended, and before absence has been seen twice: settling must catch it. */
  readonly lateWithinMs: number;
  /** One that lands after absence was seen twice: no look-up can catch it, only the finder of doubles. */
  readonly lateBeyondMs: number;
}

const timingOf = (timing: PostingTiming): TortureTiming => ({
  ...timing,
  lateWithinMs: timing.leaseMs + timing.settlingMs,
  lateBeyondMs: timing.leaseMs + 3 * timing.settlingMs + 100,
});

/** Short, so that a run takes seconds; in the proportions of the real thing: deadline < lease, settling on top. */
export const IN_PROCESS = timingOf({ leaseMs: 800, deadlineMs: 400, settlingMs: 800 });
/** A worker process and two servers have to keep pace as well. */
export const THROUGH_TEMPORAL = timingOf({ leaseMs: 2_000, deadlineMs: 1_000, settlingMs: 1_500 });
/** After so long without a sign of life Temporal gives a batch to another worker. */
export const HEARTBEAT_MS = 3_000;

/** A frozen worker wakes up when its lease has certainly ended and somebody else has had time to take over. */
export const FREEZE_MS = IN_PROCESS.leaseMs + 500;
/** What the vendor proved harmless is tried again after this; five seconds in production. */
export const RETRY_MS = 60;
