import { assertNever } from "../domain/assert-never.ts";
import { periodOf } from "../domain/dates.ts";
import { type ErrorCode, errorCatalog } from "../domain/errors.ts";
import type { LedgerConfig } from "../domain/installation.ts";
import { fitted, limitBroken } from "../domain/limits.ts";
import type { PostingKey } from "../domain/posting-key.ts";
import { stages } from "../domain/posting.ts";
import { deviationsOf } from "../domain/read-back.ts";
import type { LookUp, LookUpAnswer, SendOutcome, TargetCapabilities, VoucherTarget } from "../connectors/contract.ts";
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
  /**
   * Batches under way at once; 1 keeps the vendor's rule of one writer per account book. Beyond the requests that the
   * connection lets through at once, a few more keep it busy while others are written down.
   */
  readonly lanes: number;
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
/** A look-up that nothing proves to see is repeated until the voucher has been in vain so often; then a person looks. */
const UNPROVEN_MAX = 6;
/** Verified vouchers asked for at once when the control key is gone: one query, like any other look-up. */
const PROBES = 100;
const RETRY_NOT_DONE_MS = 5_000;
const RETRY_ADVANCE_MS = 10_000;
/** A person exports or imports in minutes at best. */
const PERSON_POLL_MS = 60_000;
/** Requests one lane makes in one activity: keeps an activity within minutes, whatever the backlog. */
const REQUESTS_PER_LANE_MAX = 200;
const LOOK_UPS_PER_BATCH_MAX = 200;

/** Settles what is doubtful, sends what is ready, brings on what is posted; each voucher at most once, however often this runs. */
export const postBatch = async (dependencies: PostingDependencies, sizeMax: number): Promise<BatchSummary> => {
  const { store, database, ledger } = dependencies;
  const tally = { claimed: 0, posted: 0, verified: 0, refused: 0, uncertain: 0 };
  await store.expireClaims(database, ledger.code);
  tally.posted += await settleDoubtful(dependencies);
  await store.releaseDrafted(database, ledger.code, ledger.approval);
  const budget = { left: sizeMax };
  await bringOn(dependencies, tally);
  await readAgain(dependencies, tally);
  // Until one voucher stands in the books, nothing proves that a look-up can see: the first is sent alone.
  const isProven = await hasControlKey(dependencies);
  const lanes = isProven ? dependencies.lanes : 1;
  await Promise.all(Array.from({ length: lanes }, () => sendLane(dependencies, isProven, budget, tally)));
  await bringOn(dependencies, tally);
  const [work, state] = await Promise.all([
    store.remainingWork(database, ledger.code),
    store.ledgerState(database, ledger.code),
  ]);
  const left = (state.paused ? 0 : work.ready) + work.sending + work.uncertain + work.posted;
  // What is ready is not due while a person has a file in hand.
  const soonestMs = work.ready > 0 && (await hasFileOut(dependencies)) ? PERSON_POLL_MS : 0;
  const nextDueMs = left === 0 ? undefined : atLeast(work.nextDueMs, soonestMs);
  return { ...tally, left, nextDueMs, paused: state.paused };
};

const atLeast = (dueMs: number | undefined, soonestMs: number): number | undefined =>
  dueMs === undefined ? undefined : Math.max(dueMs, soonestMs);

/**
 * A ledger that takes files gets one at a time: until it is settled nothing further is claimed only to be put back. Where the
 * folder cannot be read, the send says so by name.
 */
const hasFileOut = async ({ target }: PostingDependencies): Promise<boolean> =>
  (await target.files?.outstanding().catch(() => undefined)) !== undefined;

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
  const { store, database, ledger, worker, timing } = dependencies;
  const doubtful = await store.claimUncertain(database, ledger.code, worker, timing, LOOK_UPS_PER_BATCH_MAX);
  if (doubtful.length === 0) return 0;
  const keys = doubtful.map(({ key }) => key);
  const { found, sight } = await lookUp(dependencies, keys);
  await dependencies.onStep("looked-up", keys);
  for (const { kind } of found.values()) dependencies.count("look-up", kind);
  if (sight === "blind") await stop(dependencies, "LOOKUP_BLIND", errorCatalog.LOOKUP_BLIND.what.en);
  const settlements = doubtful.map(({ postingId, key }) => ({
    postingId,
    outcome: lookUpSettlement(found.get(key), sight),
  }));
  const bounds = { absencesNeeded: ABSENCES_NEEDED, unprovenMax: UNPROVEN_MAX };
  await store.settleLookUps(database, settlements, worker, timing, bounds);
  if (settlements.some(({ outcome }) => outcome.kind === "found" && outcome.code === "FOUND_SEVERAL"))
    await stop(dependencies, "FOUND_SEVERAL", errorCatalog.FOUND_SEVERAL.what.en);
  await stopWhereAPersonMust(
    dependencies,
    settlements.map(({ outcome }) => outcome),
  );
  await dependencies.onStep("look-up-settled", keys);
  return settlements.filter(({ outcome }) => outcome.kind === "found").length;
};

/**
 * What it means that a query does not name a key. "seen": it named a voucher known to be there, so absent is absent.
 * "unproven": no voucher is known to be there yet. "blind": none of those known to be there was named. "failed": no answer.
 */
type Sight = "seen" | "unproven" | "blind" | "failed";
type Looked = { readonly found: LookUpAnswer["found"]; readonly sight: Sight };

/** Asks for keys together with a control key; where that one is gone, with any other verified voucher that is still there. */
const lookUp = async (dependencies: PostingDependencies, keys: readonly PostingKey[]): Promise<Looked> => {
  const { store, database, ledger, target } = dependencies;
  const { controlKeys } = await store.ledgerState(database, ledger.code);
  const [control] = controlKeys;
  const answer = await target.findByKeys(ledger.book, keys, control);
  const { found } = answer;
  if (anyIs(found, "failed")) return { found, sight: "failed" };
  // A doubtful voucher that is found proves as much as a control key.
  if ((control !== undefined && answer.controlSeen) || anyIs(found, "one", "several", "void"))
    return { found, sight: "seen" };
  // Without a control key: an ERP that refuses a second voucher with the same key may be sent it again whatever it holds, and
  // of files that we wrote ourselves we know which were imported, because a person's receipt says so.
  if (control === undefined)
    return { found, sight: PROVES_ALONE.has(target.capabilities.keyGuard) ? "seen" : "unproven" };
  return lookUpWithout(dependencies, keys, controlKeys);
};

const PROVES_ALONE: ReadonlySet<TargetCapabilities["keyGuard"]> = new Set(["native", "receipt"]);

/** The control voucher is not seen: somebody deleted it in the ERP, or the query sees nothing at all. */
const lookUpWithout = async (
  { store, database, ledger, target }: PostingDependencies,
  keys: readonly PostingKey[],
  [gone, ...controls]: readonly PostingKey[],
): Promise<Looked> => {
  const nothing: Looked = { found: new Map(), sight: "blind" };
  const others = await store.otherVerified(
    database,
    ledger.code,
    gone === undefined ? controls : [gone, ...controls],
    PROBES - controls.length,
  );
  const probes = [...controls, ...others];
  if (probes.length === 0) return nothing;
  const { found } = await target.findByKeys(ledger.book, probes, undefined);
  const seen = probes.find((key) => found.get(key)?.kind === "one");
  if (seen === undefined) return anyIs(found, "failed") ? { ...nothing, sight: "failed" } : nothing;
  await store.replaceControls(database, ledger.code, seen);
  const answer = await target.findByKeys(ledger.book, keys, seen);
  if (anyIs(answer.found, "failed")) return { found: answer.found, sight: "failed" };
  return { found: answer.found, sight: answer.controlSeen ? "seen" : "blind" };
};

const anyIs = (found: LookUpAnswer["found"], ...kinds: readonly LookUp["kind"][]): boolean =>
  [...found.values()].some(({ kind }) => kinds.includes(kind));

const lookUpSettlement = (found: LookUp | undefined, sight: Sight): LookUpSettlement => {
  if (sight === "blind" && (found === undefined || found.kind === "absent"))
    return { kind: "again", code: "LOOKUP_BLIND", message: errorCatalog.LOOKUP_BLIND.what.en };
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
      if (sight === "seen") return { kind: "absent" };
      return sight === "unproven"
        ? { kind: "unproven", code: "LOOKUP_UNPROVEN", message: errorCatalog.LOOKUP_UNPROVEN.what.en }
        : { kind: "again", code: "READ_FAILED", message: "a part of the look-up failed" };
    default:
      return assertNever(found);
  }
};

const lowest = (erpIds: readonly string[]): string =>
  [...erpIds].sort((a, b) => a.length - b.length || (a < b ? -1 : 1))[0] ?? "";

/** Where there was a control key once there always is one. */
const hasControlKey = async ({ store, database, ledger }: PostingDependencies): Promise<boolean> =>
  (await store.ledgerState(database, ledger.code)).controlKeys.length > 0;

/** One request after another until nothing is ready: claim, stamp, send, settle. */
const sendLane = async (
  base: PostingDependencies,
  wasProven: boolean,
  budget: { left: number },
  tally: Tally,
): Promise<void> => {
  const { store, database, ledger, target, timing } = base;
  let isProven = wasProven;
  for (let request = 0; request < REQUESTS_PER_LANE_MAX && budget.left > 0; request += 1) {
    const dependencies = underLeaseOfItsOwn(base);
    isProven ||= request > 0 && (await hasControlKey(base));
    if (!isProven && tally.claimed > 0) return;
    if (await hasFileOut(base)) return;
    const size = isProven ? Math.min(target.capabilities.batchMax, budget.left) : 1;
    budget.left -= size;
    // Whether the ledger is paused is asked by the claim itself.
    const claimed = await store.claimReady(database, ledger.code, dependencies.worker, timing, size);
    if (claimed.length === 0) return;
    tally.claimed += claimed.length;
    await dependencies.onStep("claimed", keysOf(claimed));
    await sendClaimed(dependencies, claimed, tally);
    dependencies.heartbeat(tally);
  }
};

const sendClaimed = async (
  dependencies: PostingDependencies,
  claimed: readonly ClaimedPosting[],
  tally: Tally,
): Promise<void> => {
  const { store, database, worker } = dependencies;
  const fitting = await settleMisfits(dependencies, claimed);
  if (fitting.length === 0) return;
  const { ours, outcomes } = await stampAndPost(dependencies, fitting);
  if (ours.length === 0) return;
  await dependencies.onStep("answered", keysOf(ours));
  const settlements = ours.map((posting, index) => ({
    postingId: posting.postingId,
    outcome: settlementOf(outcomes[index]),
  }));
  await store.settleSent(database, settlements, worker, "send");
  await dependencies.onStep("settled", keysOf(ours));
  await stopWhereAPersonMust(
    dependencies,
    settlements.map(({ outcome }) => outcome),
  );
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
    ours.map(({ draft }) => fitted(draft, target.capabilities)),
    new Date(stampedAt + stamped.remainingMs),
  );
  return { ours, outcomes };
};

/** What does not fit the ledger's limits is held before anything is sent. */
const settleMisfits = async (
  { store, database, ledger, target, worker }: PostingDependencies,
  claimed: readonly ClaimedPosting[],
): Promise<readonly ClaimedPosting[]> => {
  const misfits: { postingId: string; outcome: Settlement }[] = [];
  const { capabilities } = target;
  const counts = new Map(
    capabilities.vouchersPerPeriodMax === undefined
      ? []
      : await store.countSentByPeriod(
          database,
          ledger.code,
          claimed.map(({ postingId }) => postingId),
        ),
  );
  const fitting = claimed.filter(({ postingId, draft }) => {
    const period = periodOf(draft.date);
    const inPeriod = counts.get(period) ?? 0;
    const code = limitBroken(draft, capabilities, inPeriod);
    if (code === undefined) counts.set(period, inPeriod + 1);
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
      return refusalOf(outcome);
    case "not-done":
      return { kind: "not-done", code: outcome.code, message: outcome.message, retryMs: RETRY_NOT_DONE_MS };
    case "uncertain":
      return { kind: "uncertain", code: outcome.code, message: outcome.message };
    default:
      return assertNever(outcome);
  }
};

/**
 * A closed period is no mistake in the voucher: it waits, instead of being corrected. A missing right is none either: it
 * would be refused to every other voucher as well.
 */
const refusalOf = ({ code, message }: Extract<SendOutcome, { kind: "refused" }>): Settlement => {
  const { outcome } = errorCatalog[code];
  if (outcome === "not-done") return { kind: "not-done", code, message, retryMs: RETRY_NOT_DONE_MS };
  return { kind: outcome === "held" ? "held" : "refused", code, message };
};

/**
 * What befalls every further voucher as well until a person acts: a save that does not echo the key would make every later
 * look-up blind, a field for the key that is not there and a right that the interface user lacks are missing for all.
 */
const STOPS: ReadonlySet<ErrorCode> = new Set(["KEY_NOT_ECHOED", "KEY_FIELD_MISSING", "PERMISSION_DENIED"]);

const stopWhereAPersonMust = async (
  dependencies: PostingDependencies,
  outcomes: readonly {
    readonly kind?: string;
    readonly code?: ErrorCode | undefined;
    readonly message?: string | undefined;
  }[],
): Promise<void> => {
  const found = outcomes.find(({ code }) => code !== undefined && STOPS.has(code));
  if (found?.code !== undefined) await stop(dependencies, found.code, found.message ?? "");
};

const stop = ({ store, database, ledger }: PostingDependencies, code: ErrorCode, message: string): Promise<void> =>
  store.pauseLedger(database, ledger.company, ledger.code, code, message);

/** Reads once more what read back unequal, where a person asked for it. */
const readAgain = async (dependencies: PostingDependencies, tally: Tally): Promise<void> => {
  const { store, database, ledger, worker, timing, target } = dependencies;
  for (let round = 0; round < REQUESTS_PER_LANE_MAX; round += 1) {
    const differing = await store.claimDiffering(database, ledger.code, worker, timing, target.capabilities.batchMax);
    if (differing.length === 0) return;
    await verify(dependencies, differing, tally);
    dependencies.heartbeat(tally);
  }
};

/** Takes up posted vouchers that an earlier run left on the way. */
const bringOn = async (dependencies: PostingDependencies, tally: Tally): Promise<void> => {
  const { store, database, ledger, worker, timing, target } = dependencies;
  for (let round = 0; round < REQUESTS_PER_LANE_MAX; round += 1) {
    const posted = await store.claimPosted(database, ledger.code, worker, timing, target.capabilities.batchMax);
    if (posted.length === 0) return;
    await advanceAndVerify(dependencies, posted, tally);
    dependencies.heartbeat(tally);
  }
};

const advanceAndVerify = async (
  dependencies: PostingDependencies,
  posted: readonly ClaimedPosting[],
  tally: Tally,
): Promise<void> => {
  const arrived = await advance(dependencies, posted);
  await verify(dependencies, arrived, tally);
};

const rank = (stage: ClaimedPosting["stage"]): number => stages.indexOf(stage);

/** Submits and audits what has not got there yet; a save that worked and an audit that did not is an ordinary state. */
const advance = async (
  dependencies: PostingDependencies,
  posted: readonly ClaimedPosting[],
): Promise<readonly ClaimedPosting[]> => {
  const { store, database, target, worker, timing } = dependencies;
  const waiting = posted.filter(({ stage, targetStage }) => rank(stage) < rank(targetStage));
  const there = posted.filter(({ stage, targetStage }) => rank(stage) >= rank(targetStage));
  const first = waiting[0];
  if (first === undefined) return there;
  const outcomes = await target.advance(
    waiting.map(({ key, erpId }) => ({ key, erpId: erpId ?? "" })),
    first.targetStage,
    new Date(Date.now() + timing.deadlineMs),
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

/** Why a posted voucher cannot be read back: a ledger that takes files shows it only once a person has exported it again. */
const unseen = ({ keyGuard }: TargetCapabilities): { readonly code: ErrorCode; readonly message: string } =>
  keyGuard === "receipt"
    ? { code: "EXPORT_MISSING", message: errorCatalog.EXPORT_MISSING.what.en }
    : { code: "READ_FAILED", message: "the ERP does not show the voucher under the id it gave" };

/** Reads back and compares line by line. */
const verify = async (
  dependencies: PostingDependencies,
  arrived: readonly ClaimedPosting[],
  tally: Tally,
): Promise<void> => {
  if (arrived.length === 0) return;
  const { store, database, target, ledger, worker } = dependencies;
  const read = await target.readBack(
    ledger.book,
    arrived.map(({ erpId }) => erpId ?? ""),
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
    const deviations = deviationsOf(fitted(posting.draft, target.capabilities), voucher);
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
    missing.map(({ postingId }) => ({ postingId, stage: undefined, ...unseen(target.capabilities) })),
    worker,
    target.capabilities.keyGuard === "receipt" ? PERSON_POLL_MS : RETRY_ADVANCE_MS,
  );
  tally.verified += rows.filter(({ equal }) => equal).length;
};

const keysOf = (postings: readonly ClaimedPosting[]): readonly PostingKey[] => postings.map(({ key }) => key);
