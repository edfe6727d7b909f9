// Runs one server and makes sure that it never outlives the process that wanted it. The parent holds our standard input
// open; when that ends, for whatever reason (a normal end, a signal, kill -9), the server is stopped and, if it was a
// throw-away, its folder removed. Plain JavaScript, because it runs on its own, from the checkout and from the package.
//
// argv[2] is JSON: {command, args, cwd, uid?, gid?, logFile, stopSignal, graceMs, removeAfter?}
// standard output: one line {"pid": n} once the server runs, or {"error": "…"} if it could not be started.
import { spawn } from "node:child_process";
import { openSync, rmSync } from "node:fs";
import process from "node:process";

/** How long an immediately killed server may keep us, before we leave all the same. */
const LAST_RESORT_MS = 5_000;

const plan = JSON.parse(process.argv[2]);
const log = openSync(plan.logFile, "a");
const owner = plan.uid === undefined ? {} : { uid: plan.uid, gid: plan.gid };
const server = spawn(plan.command, plan.args, { cwd: plan.cwd, stdio: ["ignore", log, log], ...owner });

let parentGone = false;
let stopping = false;

function say(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function stop() {
  if (stopping) return;
  stopping = true;
  server.kill(plan.stopSignal);
  setTimeout(() => server.kill("SIGKILL"), plan.graceMs);
  setTimeout(() => process.exit(1), plan.graceMs + LAST_RESORT_MS);
}

function parentEnded() {
  parentGone = true;
  stop();
}

server.on("spawn", () => say({ pid: server.pid }));
server.on("error", (error) => {
  say({ error: error.message });
  process.exitCode = 127;
  process.stdin.destroy();
});
server.on("exit", (code) => {
  if (parentGone && plan.removeAfter !== undefined)
    rmSync(plan.removeAfter, { recursive: true, force: true, maxRetries: 5 });
  process.exit(code ?? 1);
});

// The parent may be gone already when we write to it or read from it: that is the very case we are here for.
process.stdout.on("error", () => undefined);
process.stdin.on("end", parentEnded);
process.stdin.on("error", parentEnded);
process.stdin.resume();
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, stop);
