import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { FAULT_KINDS, type FaultKind } from "../../simulators/shared/faults.ts";
import type { SendOutcome } from "../contract.ts";
import { keyInFile } from "./entries.ts";
import { lookUpIn } from "./look-up.ts";
import { logsOf, putFile, settleFile } from "./outbox.ts";
import { outcomesIn, parseReceipt } from "./receipt.ts";
import type { Dialect } from "./settings.ts";
import { type Kis, keyOf, receiptDraft, settingsFor, startKis, withLine } from "./testing.ts";
import { type VoucherFile, writeVoucherFile } from "./voucher-file.ts";

const running: Kis[] = [];
afterEach(async () => {
  for (const kis of running.splice(0)) await kis.close();
});

const kinds = Object.keys(FAULT_KINDS).filter((kind): kind is FaultKind => kind in FAULT_KINDS);
const dialects: Dialect[] = ["standard", "professional", "excel"];
const cases = kinds.flatMap((kind, index) => {
  const dialect = dialects[index % dialects.length] ?? "standard";
  return [1, 2, 3].map((seed): [FaultKind, number, Dialect] => [kind, seed, dialect]);
});

/** Puts the file, lets the person import it once, and reads whatever log there is. */
const send = async (
  kis: Kis,
  file: VoucherFile,
  settings: ReturnType<typeof settingsFor>,
): Promise<readonly SendOutcome[]> => {
  const turn = { attempt: file.name.slice(0, 8), deadlineAt: new Date(Date.now() + 10_000), now: () => new Date() };
  expect(await putFile(kis.folder, file, turn)).toEqual({ kind: "put", again: false });
  await kis.person("import", { file: file.name }).catch(() => undefined);
  const [log] = await logsOf(kis.folder, file.name);
  const bytes = log === undefined ? new Uint8Array() : readFileSync(join(kis.folder, log));
  return outcomesIn(parseReceipt(bytes), file.name, file.vouchers, settings);
};

test.each(cases)(
  "%s, seed %i, %s: a log never calls posted what is not booked, and a re-export settles the rest",
  async (kind, seed, dialect) => {
    const settings = settingsFor(dialect);
    const kis = await startKis({
      dialect,
      seed,
      // The first file goes through: its voucher is the known key of every later look.
      faults: [{ kind, operation: "import", nth: 2, delayMs: 20 }],
    });
    running.push(kis);
    const first = await writeVoucherFile([receiptDraft("known")], settings);
    await send(kis, first, settings);
    await settleFile(kis.folder, first.name);

    const drafts = ["a", "b", "c"].map((name) => receiptDraft(name));
    const wrong = withLine(receiptDraft("wrong"), 0, { account: "9999" });
    const file = await writeVoucherFile([...drafts, wrong], settings);
    const outcomes = await send(kis, file, settings);
    for (let waited = 0; kis.simulator.pendingCommits() > 0 && waited < 2_000; waited += 10) await sleep(10);

    const { found, controlSeen } = lookUpIn(
      await kis.exported(settings),
      ["a", "b", "c", "wrong"].map(keyOf),
      keyOf("known"),
      settings,
    );
    expect(controlSeen).toBe(true);
    const booked = (key: string): number =>
      [...kis.simulator.world.ledger.vouchers.values()].filter(({ entries: [entry] }) => {
        const inFile = keyInFile(key, settings);
        return entry?.tradeNumber === inFile || entry?.summary.endsWith(`#${inFile}`);
      }).length;
    for (const outcome of outcomes) {
      const count = booked(outcome.key);
      if (outcome.kind === "posted") expect(count).toBeGreaterThan(0);
      if (outcome.kind === "refused") expect(count).toBe(0);
      // Whatever the log said, the look says how often it is there.
      expect(found.get(outcome.key)?.kind).toBe(["absent", "one", "several"][Math.min(count, 2)]);
    }
    expect(outcomes.every(({ kind: one }) => one !== "not-done")).toBe(true);
  },
);

test("a look without its known key proves no absence; a void voucher and a copy are told", async () => {
  const settings = settingsFor("standard");
  const kis = await startKis();
  running.push(kis);
  await send(kis, await writeVoucherFile([receiptDraft("a"), receiptDraft("b")], settings), settings);
  await kis.person("void", { id: 1 });
  await kis.person("copy", { id: 2 });
  const exported = await kis.exported(settings);
  const { found, controlSeen } = lookUpIn(exported, [keyOf("a"), keyOf("b"), keyOf("c")], keyOf("d"), settings);
  expect(controlSeen).toBe(false);
  expect([...found.values()]).toEqual([
    { kind: "void", erpId: "2025-01/记-1" },
    { kind: "several", erpIds: ["2025-01/记-2", "2025-01/记-3"] },
    { kind: "absent" },
  ]);
});
