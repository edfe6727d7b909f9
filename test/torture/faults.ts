import type { ProtocolStep } from "../../activities/posting.ts";
import type { Random } from "../../simulators/shared/prng.ts";
import type { TortureTiming } from "./timing.ts";

/** A fault as the simulator's fault file spells it. */
export interface SimulatedFault {
  readonly kind: string;
  readonly operation: string | readonly string[];
  readonly match?: string;
  readonly nth?: number;
  readonly times: number;
  readonly delayMs?: number;
  readonly done?: boolean;
  readonly variant?: string;
}

const STEPS: readonly ProtocolStep[] = [
  "claimed",
  "stamped",
  "answered",
  "settled",
  "advanced",
  "read-back",
  "looked-up",
  "look-up-settled",
];

/** What befalls a worker, and where: the harness acts it out. */
export type WorkerFault =
  | { readonly kind: "crash"; readonly step: ProtocolStep; readonly nth: number }
  | { readonly kind: "freeze"; readonly step: "claimed" | "stamped"; readonly nth: number };

export interface FaultDraw {
  readonly simulated: readonly SimulatedFault[];
  readonly workers: readonly WorkerFault[];
  /** Keys whose creation may come twice whatever we do: the answer's loss and the late commit lie with the ERP. */
  readonly excusedKeys: readonly string[];
  readonly workerCount: number;
  /** Both workers believe to be the same one. */
  readonly sharedName: boolean;
  /** Documents whose source changes while their posting may be on its way. */
  readonly revisions: number;
}

export type Protection = "lookup" | "lease" | "settling" | "constraint";

/** Faults of the request that creates vouchers, each aimed so that it can fire. */
const creationFaults: Readonly<Record<string, (random: Random, key: string, timing: TortureTiming) => SimulatedFault>> =
  {
    "lose-before": (random) => onSave("lose-before", random),
    "lose-after": (random) => onSave("lose-after", random),
    "half-answer": (random) => onSave("half-answer", random),
    unreadable: (random) => onSave("unreadable", random),
    "500-before": (random) => onSave("500-before", random),
    "500-after": (random) => onSave("500-after", random),
    "200-failure": (random) => ({ ...onSave("200-failure", random), ...failureForm(random) }),
    "failure-after": (random) => ({ ...onSave("failure-after", random), ...failureForm(random) }),
    "already-exists": (random) => onSave("already-exists", random),
    hang: (random) => onSave("hang", random),
    "hang-after": (random) => onSave("hang-after", random),
    "late-commit-within": (_random, key, timing) => ({ ...onKey("late-commit", key), delayMs: timing.lateWithinMs }),
    "late-commit-beyond": (_random, key, timing) => ({ ...onKey("late-commit", key), delayMs: timing.lateBeyondMs }),
    "apply-twice": (_random, key) => onKey("apply-twice", key),
    "session-lost": (random) => ({ ...onSave("session-lost", random), ...sessionForm(random) }),
    "session-lost-mid-batch": (random) => ({ ...onSave("session-lost-mid-batch", random), ...sessionForm(random) }),
    "batch-element-refused": (random) => onSave("batch-element-refused", random),
    "batch-element-unnamed": (random) => ({ ...onSave("batch-element-unnamed", random), done: random.below(2) === 0 }),
    throttled: (random) => onSave("throttled", random),
    reorder: (random) => onSave("reorder", random),
  };

const READ_KINDS = ["lose-after", "half-answer", "unreadable", "500-before", "session-lost", "throttled", "reorder"];
const ADVANCE_KINDS = [
  "lose-before",
  "lose-after",
  "half-answer",
  "unreadable",
  "500-after",
  "200-failure",
  "failure-after",
  "session-lost",
  "session-lost-mid-batch",
  "batch-element-refused",
  "batch-element-unnamed",
  "throttled",
  "hang-after",
];
/** A fault fires at one of the first so many requests that fit it; a run makes at least so many. */
const NTH_MAX = 4;
const CREATION_FAULTS_PER_RUN = 5;
const OTHER_FAULTS_PER_RUN = 2;

/** Which fault shows that a protection is needed. */
const biting: Readonly<Record<Protection, readonly string[]>> = {
  lookup: ["lose-after", "failure-after"],
  lease: [],
  settling: ["late-commit-within"],
  constraint: [],
};

/**
 * Draws what befalls one run. Kinds take turns from run to run, so that few runs meet them all; place and moment are drawn.
 *
 * @param run  counted from 0
 * @param keys  posting keys of the run
 */
export function drawFaults(
  random: Random,
  run: number,
  keys: readonly string[],
  timing: TortureTiming,
  without: Protection | undefined,
): FaultDraw {
  const names = Object.keys(creationFaults);
  const turn = run * CREATION_FAULTS_PER_RUN;
  const chosen = new Set(Array.from({ length: CREATION_FAULTS_PER_RUN }, (_, index) => at(names, turn + index)));
  for (const name of without === undefined ? [] : biting[without]) chosen.add(name);
  const victims = random.shuffled(keys);
  const simulated: SimulatedFault[] = [];
  const excusedKeys: string[] = [];
  for (const name of chosen) {
    const key = victims.pop() ?? "";
    const fault = creationFaults[name]?.(random, key, timing);
    if (fault === undefined) continue;
    simulated.push(fault);
    if (name === "apply-twice" || name === "late-commit-beyond") excusedKeys.push(key);
  }
  for (let index = 0; index < OTHER_FAULTS_PER_RUN; index += 1) simulated.push(otherFault(random));
  const workers: WorkerFault[] = [];
  const crashes = 1 + random.below(2);
  for (let crash = 0; crash < crashes; crash += 1)
    workers.push({ kind: "crash", step: at(STEPS, run + crash * 3), nth: 1 + random.below(2) });
  if (run % 2 === 0 || without === "lease")
    workers.push({ kind: "freeze", step: run % 4 < 2 ? "claimed" : "stamped", nth: 1 + random.below(NTH_MAX) });
  const workerCount = run % 2 === 0 || without === "lease" ? 2 : 1 + random.below(2);
  return { simulated, workers, excusedKeys, workerCount, sharedName: run % 8 >= 4, revisions: random.below(4) };
}

const WRITES = ["save", "batchSave"];
const onSave = (kind: string, random: Random): SimulatedFault => ({
  kind,
  operation: WRITES,
  nth: 1 + random.below(NTH_MAX),
  times: 1,
});
const onKey = (kind: string, key: string): SimulatedFault => ({ kind, operation: WRITES, match: key, times: 1 });

/** The vendor says it in several ways. */
const failureForm = (random: Random): { readonly variant?: string } =>
  random.below(3) === 0 ? { variant: "response_error" } : {};
const sessionForm = (random: Random): { readonly variant?: string } => {
  const variant = at([undefined, "array", "response_error", "401", "empty"], random.below(5));
  return variant === undefined ? {} : { variant };
};

function otherFault(random: Random): SimulatedFault {
  const nth = 1 + random.below(NTH_MAX);
  if (random.below(2) === 0) {
    const kind = at(READ_KINDS, random.below(READ_KINDS.length));
    const operation = at([["query"], ["view"], ["query", "view"]], random.below(3));
    return { kind, operation, nth, times: 1, ...(kind === "session-lost" ? sessionForm(random) : {}) };
  }
  const kind = at(ADVANCE_KINDS, random.below(ADVANCE_KINDS.length));
  return { kind, operation: ["submit", "audit"], nth, times: 1 };
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index % items.length];
  if (item === undefined && items.length === 0) throw new RangeError("nothing to choose from");
  return item as Item;
}
