import { setTimeout as sleep } from "node:timers/promises";
import { type ConformanceCase, must, mustEqual, say, unless } from "../case.ts";
import { arriveOne, bookedUnder, creations, keyOf, plainDraft, send, soon } from "../drafts.ts";

const SLOW_MS = 400;
const HUNG_DEADLINE_MS = 2_500;
/** What a request may take beyond its deadline on a busy machine. */
const GRACE_MS = 2_000;
const RATE = 4;
/** A little slower than the rate, so that a late packet does not fall into the next one's second. */
const PERMIT_MS = Math.ceil(1_000 / (RATE - 1));

/** Slow, hung, throttled; and never faster than configured. */
export const paceCases: readonly ConformanceCase[] = [
  {
    id: "slow",
    title: say("响应缓慢：照常入账", "a slow ERP: posted all the same"),
    unless: unless.online,
    run: async (room) => {
      await room.office.setFaults([{ kind: "slow", delayMs: SLOW_MS }]);
      const draft = plainDraft(room, "slow");
      await arriveOne(room, draft);
      mustEqual((await bookedUnder(room, draft.key)).length, 1, "vouchers in the books");
    },
  },
  {
    id: "hung",
    title: say("ERP 不回应：到时限即放弃，结果为不确定", "a hung ERP: given up at the deadline, and uncertain"),
    unless: unless.online,
    run: async (room) => {
      await room.target.findByKeys(room.facts.book, [keyOf(room, "warm-up")], undefined);
      await room.office.setFaults([{ kind: "hang-after", operation: room.operations.create }]);
      const draft = plainDraft(room, "hung");
      const began = Date.now();
      // Not by `send`: where answers come later it would look the voucher up, and find what was done without an answer.
      const [outcome] = await room.target.post([draft], soon(HUNG_DEADLINE_MS));
      const tookMs = Date.now() - began;
      must(tookMs < HUNG_DEADLINE_MS + GRACE_MS, `took ${tookMs} ms`);
      mustEqual(outcome?.kind, "uncertain", "outcome");
    },
  },
  {
    id: "deadline-passed",
    title: say("时限已过：不再发送", "after the deadline nothing is sent"),
    unless: unless.online,
    run: async (room) => {
      const [outcome] = await room.target.post([plainDraft(room, "late")], soon(-1));
      must(outcome?.kind === "not-done", `outcome ${outcome?.kind}`);
      mustEqual(await creations(room), 0, "requests that create");
    },
  },
  {
    id: "throttled",
    title: say("被限流：明说未执行或不确定，随后可重试", "throttled: said so, and it works afterwards"),
    unless: unless.online,
    run: async (room) => {
      await room.office.setFaults([{ kind: "throttled", operation: room.operations.create }]);
      const draft = plainDraft(room, "throttled");
      const [outcome] = await send(room, [draft]);
      must(outcome?.kind === "not-done" || outcome?.kind === "uncertain", `outcome ${outcome?.kind}`);
      if (outcome.kind === "not-done") mustEqual(outcome.code, "THROTTLED", "code");
      mustEqual((await bookedUnder(room, draft.key)).length, 0, "vouchers in the books");
      await room.office.setFaults([]);
      await arriveOne(room, draft);
    },
  },
  {
    id: "rate",
    title: say(
      "每秒请求数不超过配置（在模拟器处计数）",
      "never more requests a second than configured, counted at the simulator",
    ),
    unless: unless.online,
    run: async (room) => {
      let permits = 0;
      let free = Date.now();
      const permit = async (): Promise<void> => {
        permits += 1;
        const at = Math.max(Date.now(), free);
        free = at + PERMIT_MS;
        await sleep(at - Date.now());
      };
      const before = total(await room.office.requests());
      const target = room.connect({ permit });
      await Promise.all([
        target.post([plainDraft(room, "paced")], soon()),
        ...Array.from({ length: 6 }, (_, at) =>
          target.findByKeys(room.facts.book, [keyOf(room, `paced ${at}`)], undefined),
        ),
        target.periods(room.facts.book),
      ]);
      const counts = await room.office.requests();
      must(permits >= 8, `${permits} permits were asked for`);
      must(total(counts) - before <= permits, `${total(counts) - before} requests with ${permits} permits`);
      for (const [second, count] of counts.perSecond) must(count <= RATE, `${count} requests in second ${second}`);
    },
  },
];

const total = ({ totals }: { readonly totals: Readonly<Record<string, number>> }): number =>
  Object.values(totals).reduce((sum, count) => sum + count, 0);
