import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type FolderSettings, cacheFolder, cachesToSearch } from "./folders.ts";
import { withLock } from "./lock.ts";
import type { Progress } from "./progress.ts";
import { runProgram } from "./run-program.ts";

/** A server program, and how it came to be on this machine. */
export interface TemporalProgram {
  readonly file: string;
  readonly how: "binary" | "fetched" | "built";
}

/** Later versions of the command cannot be installed from the module alone: they carry a replace directive. */
const CLI_MODULE = "github.com/temporalio/cli/cmd/temporal@v1.5.1";
const TEST_SERVER_VERSION = "1.32.0";
const TEST_SERVER_MAIN = "io.temporal.testserver.TestServer";
/** A closed network answers at once, an open but slow one gets this long. */
const FETCH_LIMIT_MS = 240_000;
const BUILD_LIMIT_MS = 1_800_000;
const PROGRESS_EVERY_MS = 20_000;

const fetchScript = fileURLToPath(new URL("./fetch-temporal.mjs", import.meta.url));

/** The `temporal` command: on the PATH, at the usual places, from the official package, or built from its Go module. */
export async function temporalCommand(settings: FolderSettings, progress: Progress): Promise<TemporalProgram> {
  const look = () =>
    firstExecutable(
      "temporal",
      [...pathFolders(), join(homedir(), ".temporalio", "bin"), join(homedir(), "go", "bin")],
      settings,
    );
  return findOrMake({ look, kind: "dev", name: "the Temporal server", make: buildCommand, settings, progress });
}

/** The server that skips time, for tests: a program of the official package, or a script around its Java classes. */
export async function timeSkippingServer(settings: FolderSettings, progress: Progress): Promise<TemporalProgram> {
  const look = () => firstExecutable("temporal-test-server", pathFolders(), settings);
  return findOrMake({
    look,
    kind: "time-skipping",
    name: "the time-skipping server",
    make: assembleTestServer,
    settings,
    progress,
  });
}

interface Search {
  readonly look: () => string | undefined;
  readonly kind: "dev" | "time-skipping";
  readonly name: string;
  readonly make: (cache: string, progress: Progress) => Promise<string>;
  readonly settings: FolderSettings;
  readonly progress: Progress;
}

async function findOrMake({ look, kind, name, make, settings, progress }: Search): Promise<TemporalProgram> {
  const found = look();
  if (found !== undefined) return { file: found, how: "binary" };
  const cache = cacheFolder(settings);
  mkdirSync(join(cache, "bin"), { recursive: true });
  const lock = {
    waitMs: FETCH_LIMIT_MS + BUILD_LIMIT_MS,
    progress,
    waitingFor: `${name} is being fetched or built by another process`,
  };
  return withLock(join(cache, `${kind}.lock`), lock, async () => {
    const meanwhile = look();
    if (meanwhile !== undefined) return { file: meanwhile, how: "binary" };
    progress(`Fetching ${name} with the official package.`);
    const fetched = await fetchProgram(kind, cache).catch(() => undefined);
    if (fetched !== undefined) return { file: fetched, how: "fetched" };
    progress(`${capitalised(name)} cannot be fetched from here.`);
    return { file: await make(cache, progress), how: "built" };
  });
}

async function fetchProgram(kind: "dev" | "time-skipping", cache: string): Promise<string | undefined> {
  const output = await runProgram(process.execPath, [fetchScript, kind, cache], {
    cwd: cache,
    limitMs: FETCH_LIMIT_MS,
  });
  const file = output.trim().split("\n").at(-1);
  return file !== undefined && isExecutable(file) ? file : undefined;
}

async function buildCommand(cache: string, progress: Progress): Promise<string> {
  const go = firstExecutable("go", [...pathFolders(), "/usr/local/go/bin", "/usr/lib/go/bin"]);
  if (go === undefined) {
    throw new Error(
      "No Temporal server: install the `temporal` command, or Go so that it can be built, or set TEMPORAL_ADDRESS.",
    );
  }
  progress("Building the Temporal server from its Go module. This happens once and takes several minutes.");
  const target = join(cache, "bin");
  const since = Date.now();
  const ticker = setInterval(
    () => progress(`Still building (${Math.round((Date.now() - since) / 1000)} s).`),
    PROGRESS_EVERY_MS,
  );
  // Go installs in place; a folder of its own keeps a half-written program from being found by others.
  const folder = mkdtempSync(join(cache, "build-"));
  try {
    const env = { ...process.env, GOBIN: folder };
    await runProgram(go, ["install", CLI_MODULE], { cwd: folder, limitMs: BUILD_LIMIT_MS, env });
    renameSync(join(folder, "temporal"), join(target, "temporal"));
  } finally {
    clearInterval(ticker);
    rmSync(folder, { recursive: true, force: true });
  }
  return join(target, "temporal");
}

async function assembleTestServer(cache: string, progress: Progress): Promise<string> {
  const java = firstExecutable("java", javaFolders());
  const maven = firstExecutable("mvn", pathFolders());
  if (java === undefined || maven === undefined) {
    throw new Error(
      "No time-skipping server: tests of workflows need Java 11 or later and Maven (packages openjdk-17-jre-headless and maven).",
    );
  }
  progress("Assembling the time-skipping server from its Java classes.");
  const home = join(cache, `temporal-test-server-${TEST_SERVER_VERSION}`);
  const folder = mkdtempSync(join(cache, "maven-"));
  try {
    writeFileSync(join(folder, "pom.xml"), mavenProject());
    const goal = [
      "-q",
      "-B",
      "dependency:copy-dependencies",
      "-DincludeScope=runtime",
      `-DoutputDirectory=${join(folder, "lib")}`,
    ];
    await runProgram(maven, goal, { cwd: folder, limitMs: BUILD_LIMIT_MS });
    rmSync(home, { recursive: true, force: true });
    renameSync(join(folder, "lib"), home);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const script = join(cache, "bin", "temporal-test-server");
  writeFileSync(`${script}.new`, testServerScript(java, home));
  chmodSync(`${script}.new`, 0o755);
  renameSync(`${script}.new`, script);
  return script;
}

function mavenProject(): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>zhangshi</groupId><artifactId>temporal-test-server</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>io.temporal</groupId><artifactId>temporal-test-server</artifactId><version>${TEST_SERVER_VERSION}</version>
  </dependency></dependencies>
</project>
`;
}

/**
 * A script that stands in for the program of the official package and takes the same arguments. It becomes the Java
 * process; the watcher it leaves beside it ends that process when whoever started it is gone, because the SDK, which
 * starts it in workflow tests, cannot do so after a kill -9.
 */
function testServerScript(java: string, home: string): string {
  const options = "-Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto";
  return `#!/bin/sh
parent=$PPID
( while kill -0 $$ && kill -0 "$parent"; do sleep 0.2; done; kill -0 "$parent" || kill -9 $$ ) </dev/null >/dev/null 2>&1 &
exec "${java}" ${options} -cp "${home}/*" ${TEST_SERVER_MAIN} "$@"
`;
}

function firstExecutable(name: string, folders: readonly string[], settings?: FolderSettings): string | undefined {
  const caches = settings === undefined ? [] : cachesToSearch(settings).map((cache) => join(cache, "bin"));
  return [...folders, ...caches].map((folder) => join(folder, name)).find(isExecutable);
}

function pathFolders(): string[] {
  return (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
}

function javaFolders(): string[] {
  const home = process.env["JAVA_HOME"];
  return home === undefined ? pathFolders() : [join(home, "bin"), ...pathFolders()];
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return existsSync(file);
  } catch {
    return false;
  }
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
