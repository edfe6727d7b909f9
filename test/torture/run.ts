import { setTimeout as sleep } from "node:timers/promises";
import type { VoucherTarget } from "../../connectors/contract.ts";
import type { Database } from "../../db/database.ts";
import type { Protection } from "./faults.ts";
import { LedgerRun, type RunResult } from "./ledger-run.ts";
import { findByKeysFor, storeFor, timingFor } from "./protections.ts";
import type { SimulatorProcess } from "./simulators.ts";
import { IN_PROCESS } from "./timing.ts";
import { runWorker } from "./worker.ts";

export interface RunPlan {
  readonly run: number;
  readonly seed: number;
  readonly database: Database;
  readonly simulators: SimulatorProcess;
  readonly without: Protection | undefined;
}

const RUN_MS_MAX = 300_000;
const LOOK_MS = 90;

/** One run in this process: fresh ledger, fresh books, one or two workers, and what the draw has in store for them. */
export async function runOnce({ run, seed, database, simulators, without }: RunPlan): Promise<RunResult> {
  const simulator = await simulators.start({ seed: seed + run });
  try {
    const plan = {
      run,
      seed,
      database,
      simulator,
      without,
      timing: IN_PROCESS,
      databaseFails: false,
      vendor: simulators.vendor,
    };
    const ledger = new LedgerRun(plan);
    const draw = await ledger.begin();
    if (draw.workerCount > 1) ledger.hit("two-workers");
    const over = { is: false };
    const faults = [...draw.workers];
    const workers = Array.from({ length: draw.workerCount }, (_, index) =>
      runWorker(
        {
          dependencies: {
            database,
            ledger: ledger.ledger,
            timing: timingFor(without),
            lanes: 1 + ledger.random.below(3),
            count: () => undefined,
          },
          store: storeFor(without),
          target: withLookUp(ledger.target, without),
          random: ledger.random,
          faults,
          onFault: (name) => ledger.hit(name),
          onStep: () => ledger.reviseSomething(),
          onFailure: (error) => ledger.note(error),
        },
        // An activity that Temporal gave up may go on beside its repetition in the same process, under the same name.
        draw.sharedName ? "w" : `w${index + 1}`,
        () => over.is,
      ),
    );
    const until = Date.now() + RUN_MS_MAX;
    while (Date.now() < until && !(await ledger.lookAfter())) await sleep(LOOK_MS);
    over.is = true;
    await Promise.all(workers);
    return await ledger.conclude();
  } finally {
    await simulator.close();
  }
}

function withLookUp(target: VoucherTarget, without: Protection | undefined): VoucherTarget {
  return {
    capabilities: target.capabilities,
    check: () => target.check(),
    close: () => target.close(),
    listPeriod: (book, period) => target.listPeriod(book, period),
    balances: (book, period) => target.balances(book, period),
    periods: (book) => target.periods(book),
    masterData: (kind, codes) => target.masterData(kind, codes),
    post: (drafts, deadlineAt) => target.post(drafts, deadlineAt),
    advance: (vouchers, stage, deadlineAt) => target.advance(vouchers, stage, deadlineAt),
    findByKeys: findByKeysFor(target, without),
    readBack: (book, erpIds) => target.readBack(book, erpIds),
  };
}
