import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chownSync, existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Progress } from "./progress.ts";

/** The account a server runs under when it must not run as root. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** "Nobody" on every Unix: it needs no entry in the list of accounts. */
const NOBODY: Account = { name: "nobody", uid: 65_534, gid: 65_534 };

/**
 * PostgreSQL refuses to run as root. Root lends it the `postgres` account where there is one, else "nobody".
 *
 * @returns undefined when we are an ordinary user, who can run it as himself
 */
export function unprivilegedAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const entry = accountList()
    .map((line) => line.split(":"))
    .find(([name]) => name === "postgres");
  const uid = Number(entry?.[2]);
  const gid = Number(entry?.[3]);
  if (!Number.isInteger(uid) || !Number.isInteger(gid) || uid === 0) return NOBODY;
  return { name: "postgres", uid, gid };
}

/**
 * A folder that the account can get to. Usually the one asked for; where a parent is closed to the account (a project
 * below a private home), a folder of ours under /var/tmp, always the same for the same wish, and a note is left behind.
 *
 * @param wanted  created when missing
 */
export function reachableFolder(wanted: string, account: Account | undefined, progress: Progress): string {
  mkdirSync(wanted, { recursive: true });
  if (account === undefined || canEnter(wanted, account)) return wanted;
  const digest = createHash("sha256").update(resolve(wanted)).digest("hex").slice(0, 16);
  const substitute = join(existsSync("/var/tmp") ? "/var/tmp" : tmpdir(), `zhangshi-${digest}`);
  mkdirSync(substitute, { recursive: true, mode: 0o711 });
  // Anybody may create folders there: one that is not ours, or a link, could lead our data astray.
  const found = lstatSync(substitute);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new Error(`${substitute} belongs to somebody else: remove it, or choose another data folder.`);
  }
  if (!canEnter(substitute, account))
    throw new Error(`The account ${account.name} can enter neither ${wanted} nor ${substitute}.`);
  writeFileSync(
    join(wanted, "moved.txt"),
    `The account ${account.name} may not enter this folder. The files are in ${substitute}\n`,
  );
  progress(`The account ${account.name} may not enter ${wanted}; the files are kept in ${substitute}.`);
  return substitute;
}

export function giveTo(path: string, account: Account | undefined): void {
  if (account !== undefined) chownSync(path, account.uid, account.gid);
}

/** Options that make a child process run under the account. */
export function runAs(account: Account | undefined): { uid?: number; gid?: number } {
  return account === undefined ? {} : { uid: account.uid, gid: account.gid };
}

function canEnter(folder: string, account: Account): boolean {
  const probe = spawnSync("/bin/sh", ["-c", 'cd "$1"', "sh", resolve(folder)], {
    cwd: "/",
    stdio: "ignore",
    ...runAs(account),
  });
  return probe.status === 0;
}

function accountList(): string[] {
  try {
    return readFileSync("/etc/passwd", "utf8").split("\n");
  } catch {
    return [];
  }
}
