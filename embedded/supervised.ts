import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Account } from "./account.ts";
import { isAlive } from "./processes.ts";

/**
 * `parent`: the server ends with this process, however this process ends, kill -9 included.
 * `detached`: the server stays up; the next start in the same folder finds it again.
 */
export type Lifetime = "parent" | "detached";

export interface ServerPlan {
  readonly command: string;
  readonly args: readonly string[];
  /** Defaults to the root folder: the account may not be allowed into ours. */
  readonly cwd?: string;
  readonly account?: Account | undefined;
  readonly logFile: string;
  readonly stopSignal: NodeJS.Signals;
  readonly lifetime: Lifetime;
  /** A throw-away folder, removed when the server ends because this process ended without stopping it. */
  readonly removeAfter?: string | undefined;
}

export interface SupervisedServer {
  /** Of the server itself, not of the watchdog in between. */
  readonly pid: number;
  readonly hasExited: () => boolean;
  /** Asks the server to end, insists after a while, and returns once it is gone. Safe to call twice. */
  stop(): Promise<void>;
  /** Ends the server without any warning, as a power cut would. */
  kill9(): Promise<void>;
}

/** How long a server may take to end when asked; then it is killed. */
export const STOP_GRACE_MS = 15_000;
const EXIT_WAIT_MS = STOP_GRACE_MS + 10_000;
const LOG_TAIL_LINES = 15;

const watchdogFile = fileURLToPath(new URL("./watchdog.mjs", import.meta.url));
const WatchdogMessage = z.union([z.object({ pid: z.number().int() }), z.object({ error: z.string() })]);

/** Starts a server under a watchdog, or on its own when it shall stay. Rejects when the program cannot be started at all. */
export async function startSupervised(plan: ServerPlan): Promise<SupervisedServer> {
  return plan.lifetime === "parent" ? startWatched(plan) : startDetached(plan);
}

/** The end of a server's log: what an error message shows when the server did not come up. */
export function logTail(logFile: string): string {
  try {
    return readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-LOG_TAIL_LINES).join("\n");
  } catch {
    return "(no log)";
  }
}

/** Waits for a server whose process is gone to be ended by its watchdog, and sees to it if that does not happen. */
export async function waitForOrphan(pid: number, stopSignal: NodeJS.Signals): Promise<void> {
  if (!(await goneWithin(pid, STOP_GRACE_MS))) await stopByPid(pid, stopSignal);
}

/** Ends a server that an earlier process left running. */
export async function stopByPid(pid: number, stopSignal: NodeJS.Signals): Promise<void> {
  signalIfAlive(pid, stopSignal);
  if (await goneWithin(pid, STOP_GRACE_MS)) return;
  signalIfAlive(pid, "SIGKILL");
  await goneWithin(pid, STOP_GRACE_MS);
}

async function startWatched(plan: ServerPlan): Promise<SupervisedServer> {
  const instructions = JSON.stringify({
    command: plan.command,
    args: plan.args,
    cwd: plan.cwd ?? "/",
    uid: plan.account?.uid,
    gid: plan.account?.gid,
    logFile: plan.logFile,
    stopSignal: plan.stopSignal,
    graceMs: STOP_GRACE_MS,
    removeAfter: plan.removeAfter,
  });
  // A session of its own keeps Ctrl-C at the terminal from reaching the server before we have finished with it.
  const watchdog = spawn(process.execPath, [watchdogFile, instructions], {
    detached: true,
    stdio: ["pipe", "pipe", "ignore"],
    env: environmentFor(plan),
  });
  const exited = exitOf(watchdog);
  watchdog.stdin.on("error", () => undefined);
  const pid = await announcedPid(watchdog, plan.command);
  // From here on the server must not keep our process from ending: when we end, the watchdog clears up.
  watchdog.unref();
  return {
    pid,
    hasExited: () => hasEnded(watchdog),
    async stop() {
      watchdog.ref();
      // Not by closing its input: that would say that we are gone, and a throw-away folder would go with us.
      watchdog.kill("SIGTERM");
      await within(exited, EXIT_WAIT_MS, `${plan.command} did not end`);
    },
    async kill9() {
      watchdog.ref();
      signalIfAlive(pid, "SIGKILL");
      await within(exited, EXIT_WAIT_MS, `${plan.command} did not end`);
    },
  };
}

async function startDetached(plan: ServerPlan): Promise<SupervisedServer> {
  const log = openSync(plan.logFile, "a");
  const owner = plan.account === undefined ? {} : { uid: plan.account.uid, gid: plan.account.gid };
  const server = spawn(plan.command, [...plan.args], {
    cwd: plan.cwd ?? "/",
    detached: true,
    stdio: ["ignore", log, log],
    env: environmentFor(plan),
    ...owner,
  });
  closeSync(log);
  const exited = exitOf(server);
  const pid = await new Promise<number>((resolve, reject) => {
    server.once("error", (error) => reject(new Error(`${plan.command} cannot be started: ${error.message}`)));
    server.once("spawn", () => (server.pid === undefined ? reject(new Error("no process")) : resolve(server.pid)));
  });
  server.unref();
  const end = async (signal: NodeJS.Signals) => {
    server.ref();
    signalIfAlive(pid, signal);
    const killer = setTimeout(() => signalIfAlive(pid, "SIGKILL"), STOP_GRACE_MS);
    try {
      await within(exited, EXIT_WAIT_MS, `${plan.command} did not end`);
    } finally {
      clearTimeout(killer);
    }
  };
  return {
    pid,
    hasExited: () => hasEnded(server),
    stop: () => end(plan.stopSignal),
    kill9: () => end("SIGKILL"),
  };
}

function announcedPid(watchdog: ChildProcess, command: string): Promise<number> {
  return new Promise((resolve, reject) => {
    if (watchdog.stdout === null) return reject(new Error("the watchdog has no output"));
    const lines = createInterface({ input: watchdog.stdout });
    watchdog.once("error", reject);
    watchdog.once("exit", () => reject(new Error(`${command} ended at once`)));
    lines.once("line", (line) => {
      lines.close();
      watchdog.stdout?.destroy();
      const message = WatchdogMessage.parse(JSON.parse(line));
      if ("pid" in message) resolve(message.pid);
      else reject(new Error(`${command} cannot be started: ${message.error}`));
    });
  });
}

/** The account the server runs under has no business in our home folder. */
function environmentFor(plan: ServerPlan): NodeJS.ProcessEnv {
  return plan.account === undefined ? process.env : { ...process.env, HOME: "/" };
}

function exitOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Already gone, which is what was wanted.
  }
}

async function goneWithin(pid: number, waitMs: number): Promise<boolean> {
  const pollMs = 50;
  for (let waited = 0; waited < waitMs; waited += pollMs) {
    if (!isAlive(pid)) return true;
    await sleep(pollMs);
  }
  return !isAlive(pid);
}

async function within(promise: Promise<void>, limitMs: number, complaint: string): Promise<void> {
  const limit = new AbortController();
  const late = sleep(limitMs, undefined, { signal: limit.signal }).then(
    () => Promise.reject(new Error(`${complaint} within ${limitMs} ms`)),
    () => undefined,
  );
  try {
    await Promise.race([promise, late]);
  } finally {
    limit.abort();
  }
}
