import type { ProtocolStep } from "../../activities/posting.ts";
import type { Random } from "../../simulators/shared/prng.ts";
import type { FaultOperations, Form } from "./ledgers/ledger.ts";
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

interface Draw {
  readonly random: Random;
  readonly operations: FaultOperations;
}

/** Faults of the request that creates vouchers, each aimed so that it can fire. */
const creationFaults: Readonly<Record<string, (draw: Draw, key: string, timing: TortureTiming) => SimulatedFault>> = {
  "lose-before": (draw) => onSave("lose-before", draw),
  "lose-after": (draw) => onSave("lose-after", draw),
  "half-answer": (draw) => onSave("half-answer", draw),
  unreadable: (draw) => onSave("unreadable", draw),
  "500-before": (draw) => onSave("500-before", draw),
  "500-after": (draw) => onSave("500-after", draw),
  "200-failure": (draw) => ({ ...onSave("200-failure", draw), ...formOf(draw, draw.operations.failureForms) }),
  "failure-after": (draw) => ({ ...onSave("failure-after", draw), ...formOf(draw, draw.operations.failureForms) }),
  "already-exists": (draw) => onSave("already-exists", draw),
  hang: (draw) => onSave("hang", draw),
  "hang-after": (draw) => onSave("hang-after", draw),
  "late-commit-within": (draw, key, timing) => ({ ...onKey("late-commit", key, draw), delayMs: timing.lateWithinMs }),
  "late-commit-beyond": (draw, key, timing) => ({ ...onKey("late-commit", key, draw), delayMs: timing.lateBeyondMs }),
  "apply-twice": (draw, key) => onKey("apply-twice", key, draw),
  "session-lost": (draw) => ({ ...onSave("session-lost", draw), ...formOf(draw, draw.operations.sessionForms) }),
  "session-lost-mid-batch": (draw) => ({
    ...onSave("session-lost-mid-batch", draw),
    ...formOf(draw, draw.operations.sessionForms),
  }),
  "batch-element-refused": (draw) => onSave("batch-element-refused", draw),
  "batch-element-unnamed": (draw) => ({ ...onSave("batch-element-unnamed", draw), done: draw.random.below(2) === 0 }),
  throttled: (draw) => ({ ...onSave("throttled", draw), ...formOf(draw, draw.operations.throttledForms) }),
  reorder: (draw) => onSave("reorder", draw),
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
  operations: FaultOperations,
  without: Protection | undefined,
): FaultDraw {
  const draw = { random, operations };
  const names = Object.keys(creationFaults);
  const turn = run * CREATION_FAULTS_PER_RUN;
  const chosen = new Set(Array.from({ length: CREATION_FAULTS_PER_RUN }, (_, index) => at(names, turn + index)));
  for (const name of without === undefined ? [] : biting[without]) chosen.add(name);
  const victims = random.shuffled(keys);
  const simulated: SimulatedFault[] = [];
  const excusedKeys: string[] = [];
  for (const name of chosen) {
    const key = victims.pop() ?? "";
    const fault = creationFaults[name]?.(draw, key, timing);
    if (fault === undefined) continue;
    simulated.push(fault);
    if (name === "apply-twice" || name === "late-commit-beyond") excusedKeys.push(key);
  }
  for (let index = 0; index < OTHER_FAULTS_PER_RUN; index += 1) simulated.push(otherFault(draw));
  const workers: WorkerFault[] = [];
  const crashes = 1 + random.below(2);
  for (let crash = 0; crash < crashes; crash += 1)
    workers.push({ kind: "crash", step: at(STEPS, run + crash * 3), nth: 1 + random.below(2) });
  if (run % 2 === 0 || without === "lease")
    workers.push({ kind: "freeze", step: run % 4 < 2 ? "claimed" : "stamped", nth: 1 + random.below(NTH_MAX) });
  const workerCount = run % 2 === 0 || without === "lease" ? 2 : 1 + random.below(2);
  return { simulated, workers, excusedKeys, workerCount, sharedName: run % 8 >= 4, revisions: random.below(4) };
}

const onSave = (kind: string, { random, operations }: Draw): SimulatedFault => ({
  kind,
  operation: operations.create,
  nth: 1 + random.below(NTH_MAX),
  times: 1,
});
const onKey = (kind: string, key: string, { operations }: Draw): SimulatedFault => ({
  kind,
  operation: operations.create,
  match: key,
  times: 1,
});

/** The vendor says it in several ways. */
const formOf = ({ random }: Draw, forms: readonly Form[]): { readonly variant?: string } => {
  // Where there is one way, nothing is drawn.
  const variant = forms.length === 1 ? forms[0] : at(forms, random.below(forms.length));
  return variant === undefined ? {} : { variant };
};

function otherFault(draw: Draw): SimulatedFault {
  const { random, operations } = draw;
  const nth = 1 + random.below(NTH_MAX);
  if (random.below(2) === 0 || operations.advance.length === 0) {
    const kinds = [...READ_KINDS.map((kind) => ({ kind })), ...operations.ownReads];
    const drawn = at(kinds, random.below(kinds.length));
    const operation = at(operations.reads, random.below(operations.reads.length));
    const form = drawn.kind === "session-lost" ? formOf(draw, operations.sessionForms) : {};
    return { ...drawn, operation, nth, times: 1, ...form };
  }
  const kind = at(ADVANCE_KINDS, random.below(ADVANCE_KINDS.length));
  return { kind, operation: operations.advance, nth, times: 1 };
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index % items.length];
  if (item === undefined && items.length === 0) throw new RangeError("nothing to choose from");
  return item as Item;
}
