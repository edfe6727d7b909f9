import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withLock } from "./lock.ts";
import { silent } from "./progress.ts";

let folder = "";
const wait = { waitMs: 10_000, progress: silent, waitingFor: "somebody else" };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "zhangshi-test-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

test("what is locked runs one at a time, and the lock goes with its end or its failure", async () => {
  const file = join(folder, "lock");
  let inside = 0;
  let most = 0;
  const work = async () => {
    inside += 1;
    most = Math.max(most, inside);
    await sleep(20);
    inside -= 1;
  };
  await Promise.all([withLock(file, wait, work), withLock(file, wait, work), withLock(file, wait, work)]);
  expect(most).toBe(1);
  await expect(withLock(file, wait, () => Promise.reject(new Error("no luck")))).rejects.toThrow("no luck");
  expect(existsSync(file)).toBe(false);
});

test("the lock of a process that died is taken over", async () => {
  const file = join(folder, "lock");
  const { pid } = spawnSync(process.execPath, ["--version"]);
  writeFileSync(file, String(pid));
  expect(await withLock(file, wait, () => Promise.resolve("in"))).toBe("in");
});

test("a lock held by a living process is waited for no longer than agreed", async () => {
  const file = join(folder, "lock");
  writeFileSync(file, String(process.pid));
  await expect(withLock(file, { ...wait, waitMs: 400 }, () => Promise.resolve())).rejects.toThrow("holds");
  expect(existsSync(file)).toBe(true);
});
