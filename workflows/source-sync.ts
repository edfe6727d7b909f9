import {
  ActivityFailure,
  ApplicationFailure,
  continueAsNew,
  defineSignal,
  isCancellation,
  log,
  proxyActivities,
  setHandler,
} from "@temporalio/workflow";
import type { SourceSyncActivities, SyncTotals } from "../activities/source-sync.ts";

/** Says that something waits in the source or in the inbox. */
export const nudge = defineSignal("nudge");

export const sourceSyncId = (company: string, source: string): string => `sync/${company}/${source}`;

export interface SourceSyncInput {
  readonly company: string;
  readonly source: string;
  /** The task queue of the source's connection: a slow vendor holds up nobody else. */
  readonly queue: string;
  /** How often each form is read again in full even if nothing says that it changed. */
  readonly passIntervalMs: number;
  /** True when a person confirmed that a bulk deletion is right. */
  readonly acceptDeletions?: boolean;
  /** Only from one run of the same execution to the next. */
  readonly carried?: Carried;
}

export interface SourceSyncTotals extends SyncTotals {
  readonly items: number;
  readonly balances: number;
  /** Steps that failed for good, as "step form: CODE". */
  readonly failures: readonly string[];
  /** Forms from whose re-read nothing may be concluded, as "step form: CODE"; each has an exception. */
  readonly inconclusive: readonly string[];
}

interface Carried {
  readonly totals: SourceSyncTotals;
  readonly forms: readonly string[];
  readonly round: Round;
  readonly step: number;
  /** True when the step has begun already: it goes on where the database says. */
  readonly entered: boolean;
  readonly nudged: boolean;
}
/** A nudge during a sync asks only for what is new, not for another look at everything. */
type Round = "full" | "changes";

type Step =
  | { readonly kind: "inbox" | "items" | "balances" }
  | { readonly kind: "pull" | "reread" | "conclude"; readonly form: string };

/** A step is one or two activities of six events each: a history stays well below 4,096 events, where replay gets slow. */
const STEPS_PER_RUN = 300;
/** Nudges that one execution answers; a later one finds the next. */
const ROUNDS_MAX = 100;

const NOTHING: SourceSyncTotals = {
  newRecords: 0,
  changedRecords: 0,
  unchangedRecords: 0,
  cancelledRecords: 0,
  movements: 0,
  problems: 0,
  items: 0,
  balances: 0,
  failures: [],
  inconclusive: [],
};

/**
 * Brings everything a source has to say into the database: pushed records, new records of every form, then, form by form
 * and only when due, a re-read that finds edits and deletions; items and balances last.
 * @returns totals of the whole sync; a form that fails does not keep the others waiting
 * @throws ApplicationFailure SYNC_INCOMPLETE  naming the steps that failed, after all others were done
 */
export async function sourceSync(input: SourceSyncInput): Promise<SourceSyncTotals> {
  let nudged = input.carried?.nudged ?? false;
  setHandler(nudge, () => {
    nudged = true;
  });
  const act = activitiesOn(input.queue);
  const { company, source } = input;
  const forms = input.carried?.forms ?? (await act.beginSync({ company, source })).forms;
  let { totals, round, step, entered } = input.carried ?? begin;
  let rounds = 0;
  for (let steps = 0; steps < STEPS_PER_RUN && rounds < ROUNDS_MAX; steps += 1) {
    const current = stepsOf(round, forms)[step];
    if (current === undefined) {
      if (!nudged) return finished(totals);
      [nudged, round, step, entered] = [false, "changes", 0, false];
      rounds += 1;
      continue;
    }
    // What was nudged before the inbox is read is in it.
    if (current.kind === "inbox") nudged = false;
    const { outcome, done, skip } = await attempt(act, input, current, entered);
    totals = addTo(totals, outcome);
    [step, entered] = done ? [step + 1 + skip, false] : [step, true];
  }
  return continueAsNew<typeof sourceSync>({ ...input, carried: { totals, forms, round, step, entered, nudged } });
}

const begin = { totals: NOTHING, round: "full", step: 0, entered: false } as const satisfies Partial<Carried>;

function stepsOf(round: Round, forms: readonly string[]): readonly Step[] {
  const changes: Step[] = [{ kind: "inbox" }, ...forms.map((form): Step => ({ kind: "pull", form }))];
  if (round === "changes") return changes;
  const passes = forms.flatMap((form): Step[] => [
    { kind: "reread", form },
    { kind: "conclude", form },
  ]);
  return [...changes, ...passes, { kind: "items" }, { kind: "balances" }];
}

interface Attempt {
  readonly outcome: Partial<SourceSyncTotals>;
  readonly done: boolean;
  /** Steps that make no sense any more. */
  readonly skip: number;
}

/** A step that failed for good is noted and left; the rest of the source still gets its turn. */
async function attempt(act: Activities, input: SourceSyncInput, step: Step, entered: boolean): Promise<Attempt> {
  try {
    return await run(act, input, step, entered);
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    const failure = `${nameOf(step)}: ${codeOf(error)}`;
    log.warn("A step of the sync failed", { failure });
    return { outcome: { failures: [failure] }, done: true, skip: step.kind === "reread" ? 1 : 0 };
  }
}

async function run(act: Activities, input: SourceSyncInput, step: Step, entered: boolean): Promise<Attempt> {
  const { company, source } = input;
  switch (step.kind) {
    case "inbox": {
      const result = await act.drainInbox({ company, source });
      return { outcome: result, done: result.last, skip: 0 };
    }
    case "pull": {
      const result = await act.pullPage({ company, source, form: step.form, fresh: !entered });
      return { outcome: result, done: result.last, skip: 0 };
    }
    case "reread": {
      const form = { company, source, form: step.form };
      // Accepted deletions are about a re-read that was stopped before: it is made again at once.
      const intervalMs = input.acceptDeletions === true ? 0 : input.passIntervalMs;
      if (!entered && !(await act.passIsDue({ ...form, intervalMs }))) return { outcome: {}, done: true, skip: 1 };
      const result = await act.rereadPage(form);
      return { outcome: withStop(step, result), done: result.last, skip: result.stopped === undefined ? 0 : 1 };
    }
    case "conclude": {
      const acceptDeletions = input.acceptDeletions ?? false;
      const result = await act.concludePass({ company, source, form: step.form, acceptDeletions });
      return { outcome: withStop(step, result), done: result.last, skip: 0 };
    }
    case "items":
      return { outcome: { items: await act.refreshItems({ company, source }) }, done: true, skip: 0 };
    case "balances":
      return { outcome: { balances: await act.refreshBalances({ company, source }) }, done: true, skip: 0 };
  }
}

const nameOf = (step: Step): string => ("form" in step ? `${step.kind} ${step.form}` : step.kind);
const withStop = (step: Step, result: SyncTotals & { readonly stopped?: string }): Partial<SourceSyncTotals> => ({
  ...result,
  inconclusive: result.stopped === undefined ? [] : [`${nameOf(step)}: ${result.stopped}`],
});
const codeOf = ({ cause }: ActivityFailure): string =>
  cause instanceof ApplicationFailure ? (cause.type ?? "Error") : (cause?.name ?? "Error");

const addTo = (totals: SourceSyncTotals, more: Partial<SourceSyncTotals>): SourceSyncTotals => ({
  newRecords: totals.newRecords + (more.newRecords ?? 0),
  changedRecords: totals.changedRecords + (more.changedRecords ?? 0),
  unchangedRecords: totals.unchangedRecords + (more.unchangedRecords ?? 0),
  cancelledRecords: totals.cancelledRecords + (more.cancelledRecords ?? 0),
  movements: totals.movements + (more.movements ?? 0),
  problems: totals.problems + (more.problems ?? 0),
  items: totals.items + (more.items ?? 0),
  balances: totals.balances + (more.balances ?? 0),
  failures: [...totals.failures, ...(more.failures ?? [])].slice(0, NAMED_MAX),
  inconclusive: [...totals.inconclusive, ...(more.inconclusive ?? [])].slice(0, NAMED_MAX),
});
/** A handful tells what is wrong; the exceptions hold the rest. */
const NAMED_MAX = 50;

function finished(totals: SourceSyncTotals): SourceSyncTotals {
  if (totals.failures.length === 0) return totals;
  throw ApplicationFailure.create({
    type: "SYNC_INCOMPLETE",
    message: `Parts of the sync were not done: ${totals.failures.join("; ")}`,
    nonRetryable: true,
    details: [totals],
  });
}

type Activities = ReturnType<typeof activitiesOn>;

const activitiesOn = (queue: string) =>
  proxyActivities<SourceSyncActivities>({
    taskQueue: queue,
    // A thousand records are ten to a hundred requests to a source that may allow only a few a second.
    startToCloseTimeout: "10 minutes",
    // One request may take a minute to be given up; silence for two means that the worker is gone.
    heartbeatTimeout: "2 minutes",
    // A short outage is waited out. After a longer one the sync ends as incomplete; the schedule starts the next.
    scheduleToCloseTimeout: "1 hour",
    retry: { initialInterval: "5 seconds", backoffCoefficient: 2, maximumInterval: "5 minutes" },
  });
