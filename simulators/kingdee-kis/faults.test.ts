import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import type { Fault } from "../shared/faults.ts";
import { type Kis, receiptRows, startKis } from "./testing.ts";

const open: Kis[] = [];
afterEach(async () => {
  for (const kis of open.splice(0)) await kis.close();
});

/** Three vouchers in a file, and one fault for their import. */
async function startWith(fault: Partial<Fault> & Pick<Fault, "kind">): Promise<Kis> {
  const kis = await startKis({ faults: [{ operation: "import", ...fault }] });
  open.push(kis);
  kis.dbf("a.dbf", [...receiptRows("1"), ...receiptRows("2"), ...receiptRows("3")]);
  return kis;
}
const booked = (kis: Kis): number => kis.simulator.world.ledger.vouchers.size;
const log = (kis: Kis): string | undefined => {
  return existsSync(join(kis.simulator.credentials.folder, "a.dbf.log")) ? kis.text("a.dbf.log") : undefined;
};

test.each<[fault: Partial<Fault> & Pick<Fault, "kind">, booked: number, hasLog: boolean]>([
  [{ kind: "lose-before" }, 0, false],
  [{ kind: "lose-after" }, 3, false],
  [{ kind: "500-before" }, 0, false],
  [{ kind: "500-after" }, 3, false],
  [{ kind: "session-lost" }, 0, false],
  [{ kind: "throttled" }, 0, false],
  [{ kind: "session-lost-mid-batch", after: 2 }, 2, false],
  [{ kind: "hang", delayMs: 10 }, 0, false],
  [{ kind: "hang-after", delayMs: 10 }, 3, false],
  [{ kind: "half-answer" }, 3, true],
  [{ kind: "unreadable" }, 3, true],
  [{ kind: "200-failure" }, 0, true],
  [{ kind: "failure-after" }, 3, true],
  [{ kind: "already-exists" }, 3, true],
  [{ kind: "apply-twice" }, 6, true],
  [{ kind: "batch-element-refused", index: 1 }, 2, true],
  [{ kind: "batch-element-unnamed", index: 1, done: true }, 3, true],
  [{ kind: "batch-element-unnamed", index: 1, done: false }, 2, true],
  [{ kind: "reorder" }, 3, true],
  [{ kind: "slow", delayMs: 5 }, 3, true],
])("%o: what is booked and whether there is a log", async (fault, count, hasLog) => {
  const kis = await startWith(fault);
  await kis.person("import", { file: "a.dbf" }).catch(() => undefined);
  expect(booked(kis)).toBe(count);
  expect(log(kis) !== undefined).toBe(hasLog);
  expect(kis.simulator.faults.hits()[fault.kind]).toBe(1);
});

test("a log cut in half lacks its closing line", async () => {
  const kis = await startWith({ kind: "half-answer" });
  await kis.person("import", { file: "a.dbf" }).catch(() => undefined);
  expect(log(kis)).not.toContain("引入完成");
});

test("a person who imports later leaves no log, and the vouchers come all the same", async () => {
  const kis = await startWith({ kind: "late-commit", delayMs: 30 });
  await kis.person("import", { file: "a.dbf" }).catch(() => undefined);
  expect([booked(kis), kis.simulator.pendingCommits()]).toEqual([0, 1]);
  for (let waited = 0; kis.simulator.pendingCommits() > 0 && waited < 2_000; waited += 10) await sleep(10);
  expect([booked(kis), log(kis)]).toEqual([3, undefined]);
});

test("reorder gives other numbers than the file's order, and the log says which", async () => {
  const kis = await startWith({ kind: "reorder" });
  const { lines } = await kis.import("a.dbf");
  const numbers = lines.map(({ number }) => number);
  expect(new Set(numbers)).toEqual(new Set([1, 2, 3]));
  expect(numbers).not.toEqual([1, 2, 3]);
});

test("an export can be cut in half; the next one is whole", async () => {
  const kis = await startWith({ kind: "half-answer", operation: "export", times: 1 });
  await kis.import("a.dbf");
  await expect(kis.exported("2025-01")).rejects.toThrow();
  expect(await kis.exported("2025-01")).toHaveLength(6);
});
