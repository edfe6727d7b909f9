import { setTimeout as sleep } from "node:timers/promises";
import { type PostingDependencies, type ProtocolStep, postBatch } from "../../activities/posting.ts";
import type { VoucherTarget } from "../../connectors/contract.ts";
import type * as PostingStore from "../../db/posting-store.ts";
import type { Random } from "../../simulators/shared/prng.ts";
import type { WorkerFault } from "./faults.ts";
import { FREEZE_MS } from "./timing.ts";

/** The death of a worker: whatever of it was still under way is dead too. */
class Crash extends Error {}

const IDLE_MS_MAX = 300;
const IDLE_MS_MIN = 15;
/** A failed batch (the ERP cannot be read, say) is tried again after this; Temporal's part in the real thing. */
const FAILED_MS = 80;
const SIZE_MAX = 12;

export interface WorkerWorld {
  readonly dependencies: Omit<PostingDependencies, "worker" | "onStep" | "heartbeat" | "store" | "target">;
  readonly store: typeof PostingStore;
  readonly target: VoucherTarget;
  readonly random: Random;
  /** Shared by all workers of the run: each fault befalls whoever gets there first. */
  readonly faults: WorkerFault[];
  readonly onFault: (name: string) => void;
  /** Called at every step, before any fault: the world goes on while a worker works. */
  readonly onStep: (step: ProtocolStep) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

/** Works until told to stop; crashes and freezes as drawn, and is born again. */
export async function runWorker(world: WorkerWorld, name: string, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const state = { dead: false };
    const dependencies: PostingDependencies = {
      ...world.dependencies,
      worker: name,
      store: mortal(world.store, state),
      target: mortalTarget(world.target, state),
      heartbeat: () => undefined,
      onStep: async (step) => {
        await world.onStep(step);
        if (state.dead) throw new Crash();
        const index = world.faults.findIndex((fault) => fault.step === step);
        const fault = world.faults[index];
        if (fault === undefined) return;
        if (fault.nth > 1) {
          world.faults[index] = { ...fault, nth: fault.nth - 1 };
          return;
        }
        world.faults.splice(index, 1);
        world.onFault(`${fault.kind}-at-${step}`);
        if (fault.kind === "freeze") return sleep(FREEZE_MS);
        state.dead = true;
        throw new Crash();
      },
    };
    try {
      while (!isOver()) {
        const { nextDueMs } = await postBatch(dependencies, 1 + world.random.below(SIZE_MAX));
        await sleep(Math.min(Math.max(nextDueMs ?? IDLE_MS_MAX, IDLE_MS_MIN), IDLE_MS_MAX));
      }
    } catch (error) {
      if (!(error instanceof Crash)) {
        world.onFailure(error);
        await sleep(FAILED_MS);
      }
    }
  }
}

/** Every function fails once its worker is dead: nothing a dead process had in mind still happens. */
function mortal(store: typeof PostingStore, state: { readonly dead: boolean }): typeof PostingStore {
  return new Proxy(store, {
    get: (object, name) => {
      const value: unknown = Reflect.get(object, name);
      if (typeof value !== "function") return value;
      return (...given: unknown[]): unknown =>
        state.dead ? Promise.reject(new Crash()) : Reflect.apply(value, undefined, given);
    },
  });
}

function mortalTarget(target: VoucherTarget, state: { readonly dead: boolean }): VoucherTarget {
  const alive = (): void => {
    if (state.dead) throw new Crash();
  };
  return {
    capabilities: target.capabilities,
    check: () => target.check(),
    close: () => target.close(),
    listPeriod: (book, period) => target.listPeriod(book, period),
    balances: (book, period) => target.balances(book, period),
    periods: (book) => target.periods(book),
    masterData: (kind, codes) => target.masterData(kind, codes),
    post: async (drafts, deadlineAt) => {
      alive();
      return target.post(drafts, deadlineAt);
    },
    advance: async (vouchers, stage, deadlineAt) => {
      alive();
      return target.advance(vouchers, stage, deadlineAt);
    },
    findByKeys: async (book, keys, control) => {
      alive();
      return target.findByKeys(book, keys, control);
    },
    readBack: async (book, erpIds) => {
      alive();
      return target.readBack(book, erpIds);
    },
  };
}
