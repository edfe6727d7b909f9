// Makes sure that node_modules is what package-lock.json says. Runs before anything else, so it needs nothing but Node.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

const NODE_MIN = [20, 19];
const LOCK_WAIT_MS = 900_000;
const LOCK_POLL_MS = 500;

/** Installs when needed. Speaks on standard error only: standard output belongs to whoever runs next. */
export async function setUp() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1])) {
    fail(`Node ${NODE_MIN.join(".")} or later is needed; this is ${process.versions.node}.`);
  }
  if (isInstalled()) return;
  await withLock(join(root, ".zhangshi", "setup.lock"), () => {
    if (isInstalled()) return; // whoever held the lock before us has done it
    process.stderr.write("Installing the packages of package-lock.json …\n");
    const started = Date.now();
    const args = ["ci", "--no-audit", "--no-fund", "--include=dev", "--include=optional", "--loglevel=error"];
    const npm = npmCommand();
    const answer = spawnSync(npm.command, [...npm.args, ...args], { cwd: root, stdio: ["ignore", 2, 2] });
    if (answer.status !== 0)
      fail(`npm ci failed: ${answer.error?.message ?? `exit code ${answer.status ?? answer.signal}`}.`);
    process.stderr.write(`Installed in ${Math.round((Date.now() - started) / 1000)} s.\n`);
  });
}

/** npm keeps beside the packages a list of what it put there; every package of the lock file must be in it. */
function isInstalled() {
  const wanted = packagesIn(join(root, "package-lock.json"));
  const present = packagesIn(join(root, "node_modules", ".package-lock.json"));
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "") return true;
    if (present[path] === undefined) return entry.optional === true || entry.peer === true;
    return present[path].version === entry.version && existsSync(join(root, path, "package.json"));
  });
}

function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages ?? {};
  } catch {
    return {};
  }
}

/** When npm started us it says where it lives; that also works where `npm` is not on the PATH. */
function npmCommand() {
  const own = process.env.npm_execpath;
  return own?.endsWith("npm-cli.js") ? { command: process.execPath, args: [own] } : { command: "npm", args: [] };
}

/** Two runs that begin together in a fresh clone must not both install. */
async function withLock(file, run) {
  mkdirSync(join(file, ".."), { recursive: true });
  for (let waited = 0; ; waited += LOCK_POLL_MS) {
    try {
      writeFileSync(file, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const holder = Number(readIfThere(file));
    if (holder > 0 && !isAlive(holder)) rmSync(file, { force: true });
    if (waited > LOCK_WAIT_MS) fail(`Another process holds ${file}.`);
    await sleep(LOCK_POLL_MS);
  }
  try {
    run();
  } finally {
    rmSync(file, { force: true });
  }
}

function readIfThere(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
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

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  rmSync(join(root, ".zhangshi", "setup.lock"), { force: true });
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setUp();
