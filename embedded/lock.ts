import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive } from "./processes.ts";
import type { Progress } from "./progress.ts";

const POLL_MS = 200;
/** A lock file whose content is not readable yet is being written; it gets this many looks before it counts as rubbish. */
const EMPTY_LOOKS_MAX = 10;
/** Removing a dead process's lock takes an instant; whoever was at it for this long has died as well. */
const REMOVAL_MS = 10_000;

export interface LockWait {
  readonly waitMs: number;
  readonly progress: Progress;
  readonly waitingFor: string;
}

/**
 * Runs one thing at a time across processes. The lock is a file with our process id; one left by a process that died
 * is taken over.
 *
 * @throws Error  when somebody alive holds it for longer than `waitMs`
 */
export async function withLock<Result>(file: string, wait: LockWait, run: () => Promise<Result>): Promise<Result> {
  await acquire(file, wait);
  try {
    return await run();
  } finally {
    rmSync(file, { force: true });
  }
}

async function acquire(file: string, { waitMs, progress, waitingFor }: LockWait): Promise<void> {
  let emptyLooks = 0;
  for (let waited = 0; waited <= waitMs; waited += POLL_MS) {
    if (create(file)) return;
    const holder = holderOf(file);
    if (holder === undefined) emptyLooks += 1;
    if (holder === undefined ? emptyLooks > EMPTY_LOOKS_MAX : !isAlive(holder)) removeDead(file, holder);
    if (waited === POLL_MS * 5) progress(`Waiting for process ${holder ?? "?"}: ${waitingFor}.`);
    await sleep(POLL_MS);
  }
  throw new Error(`${waitingFor}: another process holds ${file} for more than ${waitMs / 1000} s.`);
}

/** Removes the lock of a dead process. Only one at a time may do so, or the second would remove the first one's new lock. */
function removeDead(file: string, holder: number | undefined): void {
  const removal = `${file}.removal`;
  if (!create(removal)) {
    const since = statSync(removal, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - since > REMOVAL_MS) rmSync(removal, { force: true });
    return;
  }
  try {
    if (holderOf(file) === holder) rmSync(file, { force: true });
  } finally {
    rmSync(removal, { force: true });
  }
}

function create(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function holderOf(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
