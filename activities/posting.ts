import { assertNever } from "../domain/assert-never.ts";
import { errorCatalog } from "../domain/errors.ts";
import type { LedgerConfig } from "../domain/installation.ts";
import { fitSummaries, limitBroken } from "../domain/limits.ts";
import type { PostingKey } from "../domain/posting-key.ts";
import { stages } from "../domain/posting.ts";
import { deviationsOf } from "../domain/read-back.ts";
import type { LookUp, SendOutcome, VoucherTarget } from "../connectors/contract.ts";
import type { Database } from "../db/database.ts";
import type * as PostingStore from "../db/posting-store.ts";
import type { ClaimedPosting, LookUpSettlement, PostingTiming, ReadBackRow, Settlement } from "../db/posting-store.ts";

/** Where the protocol stands; instrumentation and fault tests listen to it. */
export type ProtocolStep =
  | "claimed"
  | "stamped"
  | "answered"
  | "settled"
  | "advanced"
  | "read-back"
  | "looked-up"
  | "look-up-settled";

export interface PostingDependencies {
  readonly database: Database;
  readonly store: typeof PostingStore;
  readonly target: VoucherTarget;
  readonly ledger: LedgerConfig;
  /** Names this worker in leases; unique per process. */
  readonly worker: string;
  readonly timing: PostingTiming;
  /** Requests under way at once; 1 keeps the vendor's rule of one writer per account book. */
  readonly inFlight: number;
  readonly onStep: (step: ProtocolStep, keys: readonly PostingKey[]) => Promise<void>;
  readonly heartbeat: (progress: unknown) => void;
  /** Counts sends, look-ups and read-backs for the metrics. */
  readonly count: (what: "send" | "look-up" | "read-back", result: string) => void;
}

export interface BatchSummary {
  readonly claimed: number;
  readonly posted: number;
  readonly verified: number;
  readonly refused: number;
  readonly uncertain: number;
  /** Work left that a later batch can do without a person. */
  readonly left: number;
  readonly nextDueMs: number | undefined;
  readonly paused: boolean;
}

/** Absent must be seen twice, apart by the settling time, before anything is sent again. */
const ABSENCES_NEEDED = 2;
const RETRY_NOT_DONE_MS = 5_000;
const RETRY_ADVANCE_MS = 10_000;
/** Requests one lane makes in one activity: keeps an activity within minutes, whatever the backlog. */
const REQUESTS_PER_LANE_MAX = 200;
const LOOK_UPS_PER_BATCH_MAX = 200;
const LANES_PER_SPARE = 2;

/** Settles what is doubtful, sends what is ready, brings on what is posted; each voucher at most once, however often this runs. */
export const postBatch = async (dependencies: PostingDependencies, sizeMax: number): Promise<BatchSummary> => {
  const { store, database, ledger } = dependencies;
  const tally = { claimed: 0, posted: 0, verified: 0, refused: 0, uncertain: 0 };
  await store.expireClaims(database, ledger.code);
  tally.posted += await settleDoubtful(dependencies);
  await store.releaseDrafted(database, ledger.code, ledger.approval);
  const budget = { left: sizeMax };
  const desk = { ...dependencies, throughGate: gateOf(dependencies.inFlight) };
  await bringOn(desk, tally);
  await Promise.all(Array.from({ length: lanesFor(desk.inFlight) }, (_, lane) => sendLane(desk, lane, budget, tally)));
  await bringOn(desk, tally);
  const [work, state] = await Promise.all([
    store.remainingWork(database, ledger.code),
    store.ledgerState(database, ledger.code),
  ]);
  const left = (state.paused ? 0 : work.ready) + work.sending + work.uncertain + work.posted;
  return { ...tally, left, nextDueMs: left === 0 ? undefined : work.nextDueMs, paused: state.paused };
};

/** Lets so many calls to the ERP through at once. */
type Gate = <Result>(call: () => Promise<Result>) => Promise<Result>;
type Desk = PostingDependencies & { readonly throughGate: Gate };

const gateOf = (width: number): Gate => {
  let free = width;
  const waiting: (() => void)[] = [];
  return async (call) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await call();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
};

/** While one batch is being written down, another one may be on the way: half as many lanes again as calls keep the ERP busy. */
const lanesFor = (inFlight: number): number => inFlight + Math.floor(inFlight / LANES_PER_SPARE);

type Tally = { claimed: number; posted: number; verified: number; refused: number; uncertain: number };

let leases = 0;
/**
 * Each claim is held under a name of its own: an activity that Temporal has given up may go on beside its repetition in
 * the same process, and must not pass for it.
 */
const underLeaseOfItsOwn = <Given extends PostingDependencies>(dependencies: Given): Given => {
  leases += 1;
  return { ...dependencies, worker: `${dependencies.worker}#${leases}` };
};

/** An earlier attempt may have landed. Ask the ERP; never send again on a guess. @returns how many were found posted */
const settleDoubtful = async (base: PostingDependencies): Promise<number> => {
  const dependencies = underLeaseOfItsOwn(base);
  const { store, database, ledger, target, worker, timing } = dependencies;
  const doubtful = await store.claimUncertain(database, ledger.code, worker, timing, LOOK_UPS_PER_BATCH_MAX);
  if (doubtful.length === 0) return 0;
  const { controlKey } = await store.ledgerState(database, ledger.code);
  const keys = doubtful.map(({ key }) => key);
  const answer = await target.findByKeys(ledger.book, keys, controlKey);
  await dependencies.onStep("looked-up", keys);
  for (const { kind } of answer.found.values()) dependencies.count("look-up", kind);
  const anyFound = [...answer.found.values()].some(({ kind }) => kind === "one" || kind === "several");
  // Before the first voucher stands in the books there is nothing to prove the query's sight with, except a find itself.
  const canSee = answer.controlSeen || anyFound || controlKey === undefined;
  if (!canSee) {
    await store.pauseLedger(database, ledger.company, ledger.code, "LOOKUP_BLIND", errorCatalog.LOOKUP_BLIND.what.en);
  }
  const settlements = doubtful.map(({ postingId, key }) => ({
    postingId,
    outcome: lookUpSettlement(answer.found.get(key), canSee),
  }));
  await store.settleLookUps(database, settlements, worker, timing, ABSENCES_NEEDED);
  if (settlements.some(({ outcome }) => outcome.kind === "found" && outcome.code === "FOUND_SEVERAL")) {
    await store.pauseLedger(database, ledger.company, ledger.code, "FOUND_SEVERAL", errorCatalog.FOUND_SEVERAL.what.en);
  }
  await dependencies.onStep("look-up-settled", keys);
  return settlements.filter(({ outcome }) => outcome.kind === "found").length;
};

const lookUpSettlement = (found: LookUp | undefined, canSee: boolean): LookUpSettlement => {
  if (found === undefined) return { kind: "again", code: "READ_FAILED", message: "the look-up did not name this key" };
  switch (found.kind) {
    case "one":
      return { kind: "found", erpId: found.erpId, number: found.number, stage: found.stage, code: undefined };
    case "several":
      // It is in the books, more than once: posted, and the surplus goes to a person.
      return { kind: "found", erpId: lowest(found.erpIds), number: "", stage: "saved", code: "FOUND_SEVERAL" };
    case "void":
      return { kind: "person", code: "FOUND_VOID", message: `ERP id ${found.erpId}` };
    case "failed":
      return { kind: "again", code: found.code, message: found.message };
    case "absent":
      return canSee
        ? { kind: "absent" }
        : { kind: "again", code: "LOOKUP_BLIND", message: errorCatalog.LOOKUP_BLIND.what.en };
    default:
      return assertNever(found);
  }
};

const lowest = (erpIds: readonly string[]): string =>
  [...erpIds].sort((a, b) => a.length - b.length || (a < b ? -1 : 1))[0] ?? "";

/** One request after another until nothing is ready: claim, stamp, send, settle. */
const sendLane = async (base: Desk, lane: number, budget: { left: number }, tally: Tally): Promise<void> => {
  const { store, database, ledger, target, timing } = base;
  let isProven = false;
  for (let request = 0; request < REQUESTS_PER_LANE_MAX && budget.left > 0; request += 1) {
    const dependencies = underLeaseOfItsOwn(base);
    // A control key once found stays; whether the ledger is paused is asked by the claim itself.
    isProven ||= (await store.ledgerState(database, ledger.code)).controlKey !== undefined;
    // Until one voucher stands in the books, nothing proves that a look-up can see: the first is sent alone.
    if (!isProven && (lane > 0 || tally.claimed > 0)) return;
    const size = isProven ? Math.min(target.capabilities.batchMax, budget.left) : 1;
    budget.left -= size;
    const claimed = await store.claimReady(database, ledger.code, dependencies.worker, timing, size);
    if (claimed.length === 0) return;
    tally.claimed += claimed.length;
    await dependencies.onStep("claimed", keysOf(claimed));
    await sendClaimed(dependencies, claimed, tally);
    dependencies.heartbeat(tally);
  }
};

const sendClaimed = async (dependencies: Desk, claimed: readonly ClaimedPosting[], tally: Tally): Promise<void> => {
  const { store, database, worker } = dependencies;
  const fitting = await settleMisfits(dependencies, claimed);
  if (fitting.length === 0) return;
  const { ours, outcomes } = await dependencies.throughGate(() => stampAndPost(dependencies, fitting));
  if (ours.length === 0) return;
  await dependencies.onStep("answered", keysOf(ours));
  const settlements = ours.map((posting, index) => ({
    postingId: posting.postingId,
    outcome: settlementOf(outcomes[index]),
  }));
  await store.settleSent(database, settlements, worker, "send");
  await dependencies.onStep("settled", keysOf(ours));
  await pauseWhenBlind(dependencies, settlements);
  for (const { outcome } of settlements) {
    dependencies.count("send", outcome.kind);
    if (outcome.kind === "posted") tally.posted += 1;
    else if (outcome.kind === "refused" || outcome.kind === "held") tally.refused += 1;
    else if (outcome.kind === "uncertain") tally.uncertain += 1;
  }
  await advanceAndVerify(
    dependencies,
    ours.flatMap((posting, index) => {
      const outcome = outcomes[index];
      return outcome?.kind === "posted" ? [{ ...posting, erpId: outcome.erpId, stage: outcome.stage }] : [];
    }),
    tally,
  );
};

/** The stamp and, right behind it, the request: nothing waits in between. */
const stampAndPost = async (
  { store, database, target, worker, timing, onStep }: PostingDependencies,
  fitting: readonly ClaimedPosting[],
): Promise<{ readonly ours: readonly ClaimedPosting[]; readonly outcomes: readonly SendOutcome[] }> => {
  const stampedAt = Date.now();
  const stamped = await store.stampSent(
    database,
    fitting.map(({ postingId }) => postingId),
    worker,
    timing,
  );
  const ours = fitting.filter(({ postingId }) => stamped.postingIds.has(postingId));
  if (ours.length === 0) return { ours, outcomes: [] };
  await onStep("stamped", keysOf(ours));
  // Counted from before the stamp was asked for: our clock may only err towards an earlier deadline.
  const outcomes = await target.post(
    ours.map(({ draft }) => fitSummaries(draft, target.capabilities.summaryMax)),
    new Date(stampedAt + stamped.remainingMs),
  );
  return { ours, outcomes };
};

/** What does not fit the ledger's limits is held before anything is sent. */
const settleMisfits = async (
  { store, database, target, worker }: PostingDependencies,
  claimed: readonly ClaimedPosting[],
): Promise<readonly ClaimedPosting[]> => {
  const misfits: { postingId: string; outcome: Settlement }[] = [];
  const fitting = claimed.filter(({ postingId, draft }) => {
    const code = limitBroken(draft, target.capabilities);
    if (code !== undefined)
      misfits.push({ postingId, outcome: { kind: "held", code, message: errorCatalog[code].what.en } });
    return code === undefined;
  });
  await store.settleSent(database, misfits, worker, "check");
  return fitting;
};

const settlementOf = (outcome: SendOutcome | undefined): Settlement => {
  if (outcome === undefined) {
    return { kind: "uncertain", code: "ANSWER_INCOMPLETE", message: errorCatalog.ANSWER_INCOMPLETE.what.en };
  }
  switch (outcome.kind) {
    case "posted":
      return { kind: "posted", erpId: outcome.erpId, number: outcome.number, stage: outcome.stage };
    case "refused":
      // A closed period is no mistake in the voucher: it waits, instead of being corrected.
      return {
        kind: errorCatalog[outcome.code].outcome === "held" ? "held" : "refused",
        code: outcome.code,
        message: outcome.message,
      };
    case "not-done":
      return { kind: "not-done", code: outcome.code, message: outcome.message, retryMs: RETRY_NOT_DONE_MS };
    case "uncertain":
      return { kind: "uncertain", code: outcome.code, message: outcome.message };
    default:
      return assertNever(outcome);
  }
};

/** A save that does not echo the key would make every later look-up blind. */
const pauseWhenBlind = async (
  { store, database, ledger }: PostingDependencies,
  settlements: readonly { readonly outcome: Settlement }[],
): Promise<void> => {
  const blind = settlements.find(({ outcome }) => outcome.kind === "uncertain" && outcome.code === "KEY_NOT_ECHOED");
  if (blind === undefined || blind.outcome.kind !== "uncertain") return;
  await store.pauseLedger(database, ledger.company, ledger.code, "KEY_NOT_ECHOED", blind.outcome.message);
};

/** Takes up posted vouchers that an earlier run left on the way. */
const bringOn = async (dependencies: Desk, tally: Tally): Promise<void> => {
  const { store, database, ledger, worker, timing, target } = dependencies;
  for (let round = 0; round < REQUESTS_PER_LANE_MAX; round += 1) {
    const posted = await store.claimPosted(database, ledger.code, worker, timing, target.capabilities.batchMax);
    if (posted.length === 0) return;
    await advanceAndVerify(dependencies, posted, tally);
    dependencies.heartbeat(tally);
  }
};

const advanceAndVerify = async (dependencies: Desk, posted: readonly ClaimedPosting[], tally: Tally): Promise<void> => {
  const arrived = await advance(dependencies, posted);
  await verify(dependencies, arrived, tally);
};

const rank = (stage: ClaimedPosting["stage"]): number => stages.indexOf(stage);

/** Submits and audits what has not got there yet; a save that worked and an audit that did not is an ordinary state. */
const advance = async (dependencies: Desk, posted: readonly ClaimedPosting[]): Promise<readonly ClaimedPosting[]> => {
  const { store, database, target, worker, timing } = dependencies;
  const waiting = posted.filter(({ stage, targetStage }) => rank(stage) < rank(targetStage));
  const there = posted.filter(({ stage, targetStage }) => rank(stage) >= rank(targetStage));
  const first = waiting[0];
  if (first === undefined) return there;
  const outcomes = await dependencies.throughGate(() =>
    target.advance(
      waiting.map(({ key, erpId }) => ({ key, erpId: erpId ?? "" })),
      first.targetStage,
      new Date(Date.now() + timing.deadlineMs),
    ),
  );
  await dependencies.onStep("advanced", keysOf(waiting));
  const rows = waiting.map(({ postingId }, index) => {
    const outcome = outcomes[index];
    return outcome?.kind === "posted"
      ? { postingId, stage: outcome.stage, code: undefined, message: undefined }
      : {
          postingId,
          stage: undefined,
          code: outcome?.code ?? ("ANSWER_INCOMPLETE" as const),
          message: outcome?.message ?? "the answer does not name this voucher",
        };
  });
  await store.settleAdvance(database, rows, worker, RETRY_ADVANCE_MS);
  const advanced = waiting.flatMap((posting, index) => {
    const outcome = outcomes[index];
    return outcome?.kind === "posted" && rank(outcome.stage) >= rank(posting.targetStage)
      ? [{ ...posting, stage: outcome.stage }]
      : [];
  });
  return [...there, ...advanced];
};

/** Reads back and compares line by line. */
const verify = async (dependencies: Desk, arrived: readonly ClaimedPosting[], tally: Tally): Promise<void> => {
  if (arrived.length === 0) return;
  const { store, database, target, ledger, worker } = dependencies;
  const read = await dependencies.throughGate(() =>
    target.readBack(
      ledger.book,
      arrived.map(({ erpId }) => erpId ?? ""),
    ),
  );
  await dependencies.onStep("read-back", keysOf(arrived));
  const rows: ReadBackRow[] = [];
  const missing: ClaimedPosting[] = [];
  for (const posting of arrived) {
    const voucher = read.get(posting.erpId ?? "");
    if (voucher === undefined) {
      missing.push(posting);
      continue;
    }
    const deviations = deviationsOf(fitSummaries(posting.draft, target.capabilities.summaryMax), voucher);
    rows.push({
      postingId: posting.postingId,
      equal: deviations.length === 0,
      stage: voucher.stage,
      voucher,
      deviations,
    });
  }
  for (const { equal } of rows) dependencies.count("read-back", equal ? "equal" : "differs");
  await store.settleReadBacks(database, rows);
  await store.settleAdvance(
    database,
    missing.map(({ postingId }) => ({
      postingId,
      stage: undefined,
      code: "READ_FAILED" as const,
      message: "the ERP does not show the voucher under the id it gave",
    })),
    worker,
    RETRY_ADVANCE_MS,
  );
  tally.verified += rows.filter(({ equal }) => equal).length;
};

const keysOf = (postings: readonly ClaimedPosting[]): readonly PostingKey[] => postings.map(({ key }) => key);
