// npm test: sets everything up and checks everything. The last line is "N passed, N failed".
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { root, setUp } from "./setup.mjs";

/**
 * Everything one run writes lies in a folder of its own, so that two runs beside each other never meet and nothing stays
 * behind, whatever the tests forget. Among the temporary files, because the account that runs PostgreSQL can go there.
 */
const RUN_PREFIX = "zhangshi-run-";
const REMOVAL_TRIES_MAX = 20;
const REMOVAL_PAUSE_MS = 300;
await removeDeadRuns();
const runFolder = mkdtempSync(join(tmpdir(), `${RUN_PREFIX}${process.pid}-`));
chmodSync(runFolder, 0o711);
const vitestReport = join(runFolder, "vitest.json");
const STOP_GRACE_MS = 30_000;

/** A step without `count` is one check. A step whose `needs` is missing fails: nothing is left out in silence. */
const STEPS = [
  { name: "types", command: ["node_modules/typescript/bin/tsc", "--noEmit"] },
  { name: "lint", command: ["node_modules/oxlint/bin/oxlint", "--type-aware", "--deny-warnings", "."] },
  { name: "format", command: ["node_modules/@biomejs/biome/bin/biome", "format", "."] },
  {
    name: "tests",
    command: [
      "node_modules/vitest/vitest.mjs",
      "run",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${vitestReport}`,
    ],
    count: countVitest,
  },
  {
    name: "torture",
    needs: "test/torture/main.ts",
    command: ["scripts/run.mjs", "test/torture/main.ts", "--runs", "50", "--seed", "1"],
  },
  // One ledger that lets each key in once; the others take too long for every test run.
  {
    name: "torture-sap-b1",
    needs: "test/torture/main.ts",
    command: ["scripts/run.mjs", "test/torture/main.ts", "--in-process", "--runs=8", "--seed=2", "--ledger=sap-b1"],
  },
  // A torture that cannot fail proves nothing. The two protections whose absence shows within a few runs.
  ...["lookup", "constraint"].map((protection) => ({
    name: `torture-without-${protection}`,
    needs: "test/torture/main.ts",
    command: [
      "scripts/run.mjs",
      "test/torture/main.ts",
      "--in-process",
      "--runs=6",
      "--seed=3",
      `--without=${protection}`,
    ],
  })),
];

let running;
let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    interrupted = true;
    stopRunning();
  });
}

await setUp();
const only = process.argv.slice(2);
const unknown = only.filter((name) => !STEPS.some((step) => step.name === name));
if (unknown.length > 0) {
  process.stderr.write(`No such step: ${unknown.join(", ")}. Steps: ${STEPS.map(({ name }) => name).join(", ")}.\n`);
  process.exit(2);
}
const steps = STEPS.filter(({ name }) => only.length === 0 || only.includes(name));
const total = { passed: 0, failed: 0 };
try {
  for (const [index, step] of steps.entries()) {
    if (interrupted) break;
    const started = Date.now();
    process.stdout.write(`\n[${index + 1}/${steps.length}] ${step.name}\n`);
    const result = await runStep(step);
    total.passed += result.passed;
    total.failed += result.failed;
    const verdict = result.failed === 0 ? "ok" : "FAILED";
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    process.stdout.write(
      `[${index + 1}/${steps.length}] ${step.name}: ${verdict} (${result.passed} passed, ${result.failed} failed, ${seconds} s)\n`,
    );
  }
} finally {
  await removeFolder(runFolder);
}
if (interrupted) {
  process.stdout.write("\nInterrupted.\n");
  total.failed += 1;
}
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;

async function runStep(step) {
  if (step.needs !== undefined && !existsSync(join(root, step.needs))) {
    process.stdout.write(`${step.needs} is not there.\n`);
    return { passed: 0, failed: 1 };
  }
  const code = await runNode(step.command);
  if (step.count !== undefined) return step.count(code);
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

function runNode([script, ...args]) {
  return new Promise((resolve) => {
    running = spawn(process.execPath, [join(root, script), ...args], {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, TMPDIR: runFolder },
    });
    running.once("error", () => resolve(1));
    running.once("exit", (code) => {
      running = undefined;
      resolve(code ?? 1);
    });
  });
}

/** At a terminal the step hears Ctrl-C by itself; whoever signals only us means the step as well. */
function stopRunning() {
  const step = running;
  step?.kill("SIGTERM");
  setTimeout(() => step?.kill("SIGKILL"), STOP_GRACE_MS).unref();
}

/** Counts the tests, a file that could not be loaded as one failure, and an error outside of any test as another. */
function countVitest(code) {
  if (!existsSync(vitestReport)) return { passed: 0, failed: 1 };
  const report = JSON.parse(readFileSync(vitestReport, "utf8"));
  const unloadable = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  );
  for (const file of unloadable) process.stdout.write(`Could not be loaded: ${file.name}\n`);
  const failed = report.numFailedTests + unloadable.length;
  if (report.numPendingTests > 0) process.stdout.write(`${report.numPendingTests} tests were skipped.\n`);
  return { passed: report.numPassedTests, failed: code !== 0 && failed === 0 ? 1 : failed };
}

/**
 * Removes what a run wrote, and first ends what still works there: a run that was interrupted may leave servers that a
 * test meant to outlive their process, and workers that have not noticed yet.
 */
async function removeFolder(folder) {
  for (let tries = 0; tries < REMOVAL_TRIES_MAX; tries += 1) {
    for (const pid of processesOf(folder)) endNow(pid);
    try {
      rmSync(folder, { recursive: true, force: true });
      return;
    } catch {
      await sleep(REMOVAL_PAUSE_MS); // somebody wrote while we removed
    }
  }
  process.stderr.write(`${folder} could not be removed.\n`);
}

/** Where the system tells (Linux), the processes that were started for the folder: by command line or as their TMPDIR. */
function processesOf(folder) {
  if (!existsSync("/proc/self/cmdline")) return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter(
      (pid) =>
        readIfAllowed(`/proc/${pid}/cmdline`).includes(folder) ||
        readIfAllowed(`/proc/${pid}/environ`).includes(`TMPDIR=${folder}`),
    )
    .map(Number);
}

function readIfAllowed(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function endNow(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}

/** What a run that was killed outright could not remove itself. */
async function removeDeadRuns() {
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(new RegExp(`^${RUN_PREFIX}(\\d+)-`).exec(name)?.[1]);
    if (Number.isInteger(pid) && !isAlive(pid)) await removeFolder(join(tmpdir(), name));
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
