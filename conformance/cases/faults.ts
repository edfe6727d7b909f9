import { stages } from "../../domain/posting.ts";
import { FAULT_KINDS, type FaultKind } from "../../simulators/shared/faults.ts";
import { type ConformanceCase, must, mustEqual, say, unless } from "../case.ts";
import { type Sent, arrive, bookedUnder, listAll, plainDraft, send, soon } from "../drafts.ts";
import type { Room, SetFault } from "../office.ts";

/** Short: a request that hangs is given up after it. */
const DEADLINE_MS = 2_500;
const LATE_MS = 1_200;
/** More than any connector repeats a read. */
const PERSISTENT = 50;
const KINDS = Object.keys(FAULT_KINDS).filter((kind): kind is FaultKind => kind in FAULT_KINDS);
const ONLY_BATCHES: ReadonlySet<FaultKind> = new Set([
  "session-lost-mid-batch",
  "batch-element-refused",
  "batch-element-unnamed",
]);
const READ_KINDS: readonly FaultKind[] = [
  "lose-before",
  "lose-after",
  "half-answer",
  "unreadable",
  "500-before",
  "200-failure",
  "session-lost",
  "throttled",
  "hang",
];
const ADVANCE_KINDS: readonly FaultKind[] = [
  "lose-before",
  "lose-after",
  "half-answer",
  "unreadable",
  "500-before",
  "500-after",
  "200-failure",
  "failure-after",
  "hang-after",
  "late-commit",
  "session-lost",
  "throttled",
];
/** Faults under which the voucher may stand twice whatever we do: it has to be found. */
const DOUBLING: ReadonlySet<FaultKind> = new Set(["apply-twice"]);

/** Every form in which this vendor can do that. */
const formsOf = (room: Room, kind: FaultKind): readonly SetFault[] => {
  const base = { kind, times: 1, ...(kind === "late-commit" ? { delayMs: LATE_MS } : {}) } as const;
  const places: readonly Partial<SetFault>[] =
    kind === "batch-element-unnamed"
      ? [
          { index: 1, done: true },
          { index: 1, done: false },
        ]
      : kind === "batch-element-refused"
        ? [{ index: 1 }]
        : kind === "session-lost-mid-batch"
          ? [{ after: 1 }]
          : [{}];
  const variants = room.variants[kind];
  return places.flatMap((place) => [
    { ...base, ...place },
    ...(variants ?? []).map((variant) => ({ ...base, ...place, variant })),
  ]);
};

/** Posted means it stands; refused and not done mean that it never will; only uncertain says nothing. */
const mustBeTrue = async (room: Room, outcome: Sent, excused: boolean): Promise<void> => {
  const live = (await bookedUnder(room, outcome.key)).filter(({ voided }) => !voided).length;
  if (outcome.kind === "posted") must(excused ? live >= 1 : live === 1, `posted, and ${live} in the books`);
  else if (outcome.kind !== "uncertain") mustEqual(live, 0, `${outcome.kind} (${outcome.code}): vouchers in the books`);
  if (room.can.keyGuard === "native") must(live <= 1, `${live} in the books although the ERP guards the key`);
  const { found, controlSeen } = await room.target.findByKeys(room.facts.book, [outcome.key], undefined);
  const wanted = live === 0 ? "absent" : live === 1 ? "one" : "several";
  mustEqual(found.get(outcome.key)?.kind, wanted, "the look-up afterwards");
  mustEqual(controlSeen, false, "no control was asked for");
};

const creation = (kind: FaultKind): ConformanceCase => ({
  id: `fault-create-${kind}`,
  title: say(`创建凭证时故障 ${kind}：结果属实`, `fault while creating: ${FAULT_KINDS[kind]}; the outcome is true`),
  unless: (can) => unless.asked(can) ?? (ONLY_BATCHES.has(kind) ? unless.batches(can) : undefined),
  run: async (room) => {
    for (const [at, form] of formsOf(room, kind).entries()) {
      const size = Math.min(3, room.can.batchMax);
      const drafts = Array.from({ length: size }, (_, index) => plainDraft(room, `${kind} ${at} ${index}`));
      const before = await room.office.hits(kind);
      await room.office.setFaults([{ ...form, operation: room.operations.create }]);
      const outcomes = await send(room, drafts, { deadlineMs: DEADLINE_MS });
      await room.office.setFaults([]);
      await room.office.settle();
      must((await room.office.hits(kind)) > before, `the fault never happened (${JSON.stringify(form)})`);
      for (const outcome of outcomes) await mustBeTrue(room, outcome, DOUBLING.has(kind));
    }
  },
});

const advancing = (kind: FaultKind): ConformanceCase => ({
  id: `fault-advance-${kind}`,
  title: say(
    `提交、审核时故障 ${kind}：结果属实，可再次推进`,
    `fault while advancing: ${FAULT_KINDS[kind]}; the outcome is true, and it can be repeated`,
  ),
  unless: (can) => unless.asked(can) ?? unless.stages(can),
  run: async (room) => {
    const last = room.can.stages.at(-1) ?? "saved";
    for (const [at, form] of formsOf(room, kind).entries()) {
      const [posted] = await arrive(room, [plainDraft(room, `${kind} ${at}`)]);
      must(posted !== undefined, "no voucher");
      const { key, erpId } = posted;
      const stage = async (): Promise<number> => stages.indexOf((await bookedUnder(room, key))[0]?.stage ?? "none");
      await room.office.setFaults([{ ...form, operation: room.operations.advance }]);
      const [outcome] = await room.target.advance([{ key, erpId }], last, soon(DEADLINE_MS));
      await room.office.setFaults([]);
      await room.office.settle();
      must(outcome !== undefined, "no outcome");
      if (outcome.kind === "posted") mustEqual(await stage(), stages.indexOf(last), "the books' stage");
      else if (outcome.kind !== "uncertain")
        must((await stage()) < stages.indexOf(last), `${outcome.kind}, and it is ${last}`);
      const [again] = await room.target.advance([{ key, erpId }], last, soon());
      mustEqual([again?.kind, await stage()], ["posted", stages.indexOf(last)], "repeated without the fault");
      mustEqual((await bookedUnder(room, key)).length, 1, "vouchers in the books");
    }
  },
});

const reading = (kind: FaultKind): ConformanceCase => ({
  id: `fault-read-${kind}`,
  title: say(
    `读取时持续故障 ${kind}：读全或报错`,
    `persistent fault while reading: ${FAULT_KINDS[kind]}; whole or an error`,
  ),
  unless: unless.asked,
  run: async (room) => {
    const posted = await arrive(room, [plainDraft(room, `${kind} a`), plainDraft(room, `${kind} b`)]);
    const keys = posted.map(({ key }) => key);
    const ids = posted.map(({ erpId }) => erpId);
    const { book, openPeriod } = room.facts;
    const [form] = formsOf(room, kind);
    must(form !== undefined, "no form");
    await room.office.setFaults([{ ...form, operation: room.operations.read, times: PERSISTENT }]);
    const [looked, listed, read] = await Promise.all([
      room.target.findByKeys(book, keys, keys[0]),
      listAll(room, openPeriod).then(
        (all) => all.length,
        () => "error" as const,
      ),
      room.target.readBack(book, ids).then(
        (all) => all.size,
        () => "error" as const,
      ),
    ]);
    for (const key of keys) {
      const { kind: found } = looked.found.get(key) ?? { kind: "missing" };
      must(found === "one" || found === "failed", `look-up: ${found}`);
    }
    must(listed === "error" || listed === 2, `listed ${listed}`);
    must(read === "error" || read === 2, `read back ${read}`);
    await room.office.setFaults([]);
    // What a vendor's server called a refusal may stop log-ins for a while: a fresh connector stands for that time.
    const later = await room.connect({}).findByKeys(book, keys, keys[0]);
    mustEqual(
      keys.map((key) => later.found.get(key)?.kind),
      ["one", "one"],
      "afterwards",
    );
  },
});

const reordering: ConformanceCase = {
  id: "fault-reorder",
  title: say("返回顺序被打乱：结果不错位", "results in another order are not mixed up"),
  unless: unless.asked,
  run: async (room) => {
    const { create, read } = room.operations;
    await room.office.setFaults([{ kind: "reorder", operation: [...create, ...read] }]);
    const drafts = ["1.01", "2.02", "3.03"].map((amount) => plainDraft(room, amount, { amount, pairs: 2 }));
    const outcomes = await send(room, drafts);
    for (const outcome of outcomes) {
      const [booked] = await bookedUnder(room, outcome.key);
      if (outcome.kind === "posted") mustEqual(outcome.erpId, booked?.erpId, "the id of its own voucher");
      else mustEqual(outcome.kind, "uncertain", "outcome");
    }
    const listed = await listAll(room, room.facts.openPeriod).catch(() => undefined);
    if (listed === undefined) return;
    mustEqual(listed.length, 3, "vouchers listed");
    for (const { lines } of listed)
      mustEqual(
        lines.map(({ lineNumber }) => lineNumber),
        [1, 2, 3, 4],
        "lines",
      );
  },
};

const CREATION_KINDS = KINDS.filter((kind) => kind !== "slow" && kind !== "reorder");

/** Each kind of fault of the shared language yields an outcome that is true: never a false posted, never a false refused. */
export const faultCases: readonly ConformanceCase[] = [
  ...CREATION_KINDS.map(creation),
  ...ADVANCE_KINDS.map(advancing),
  ...READ_KINDS.map(reading),
  reordering,
];
