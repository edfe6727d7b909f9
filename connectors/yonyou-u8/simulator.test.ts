import { afterEach, expect, test } from "vitest";
import { businessDate, period } from "../../domain/dates.ts";
import { deviationsOf } from "../../domain/read-back.ts";
import type { ErpVoucher, SendOutcome, VoucherTarget } from "../contract.ts";
import { type YonyouU8, type YonyouU8Options, startYonyouU8 } from "../../simulators/yonyou-u8/server.ts";
import { briefly, connect, receiptDraft } from "./testing.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const start = async (
  settings: Readonly<Record<string, unknown>> = {},
  options: YonyouU8Options = {},
): Promise<{ readonly erp: YonyouU8; readonly target: VoucherTarget }> => {
  const erp = await startYonyouU8({ asyncDelayMs: 20, ...options });
  const { ds_sequence: _sequence, ...secrets } = erp.credentials;
  const target = connect(
    {
      since: "2024-01",
      dimensions: { item: { itemClass: "01" } },
      openapi: { pollSecondsMax: 0.05 },
      ...settings,
    },
    { baseUrl: erp.baseUrl, secrets, now: () => new Date() },
  );
  closers.push(
    () => erp.close(),
    () => target.close(),
  );
  return { erp, target };
};
const person = async (erp: YonyouU8, act: string, body: object): Promise<void> => {
  const response = await fetch(`${erp.origin}/_person/${act}`, { method: "POST", body: JSON.stringify(body) });
  if (!response.ok) throw new Error(await response.text());
};
const inTime = (): Date => new Date(Date.now() + 10_000);

/** The simulated company's codes. */
const draft = (name: string, change: Parameters<typeof receiptDraft>[1] = {}) => {
  const plain = receiptDraft(name, { date: businessDate("2025-01-31"), ...change });
  return {
    ...plain,
    lines: plain.lines.map((line) => ({
      ...line,
      dimensions: line.side === "debit" ? { item: "M-001" } : { supplier: "VEN001" },
    })),
  };
};
const posted = (outcome: SendOutcome | undefined): Extract<SendOutcome, { kind: "posted" }> => {
  if (outcome?.kind !== "posted") throw new Error(JSON.stringify(outcome));
  return outcome;
};

const faces = [{ interface: "eai" }, { interface: "openapi" }] as const;

test.each(faces)("after 凭证整理 a voucher is still found and read back, under its new number: %j", async (face) => {
  const { erp, target } = await start(face);
  const [, second] = await target.post([draft("a"), draft("b")], inTime());
  const { erpId, key, number } = posted(second);
  expect(number).toBe("2");
  await person(erp, "void", { id: 1, force: true });
  await person(erp, "tidy", { period: "2025-01" });
  const read = (await target.readBack("001", [erpId])).get(erpId);
  expect(read?.number).toBe("1");
  expect(deviationsOf(draft("b"), read as ErpVoucher)).toEqual([]);
  const look = (await target.findByKeys("001", [key], key)).found.get(key);
  expect(look).toMatchObject({ kind: "one", erpId: read?.erpId, number: "1" });
});

test.each([
  [{ interface: "eai" }, "uploaded"],
  [{ interface: "eai" }, "refused"],
  [{ interface: "openapi" }, "uploaded"],
  [{ interface: "openapi", openapi: { transaction: "tradeid", pollSecondsMax: 0.05 } }, "uploaded"],
] as const)("a voucher sent twice stands once, and is never called refused: %j, %s", async (face, duplicateReply) => {
  const { erp, target } = await start(face, { settings: { duplicateReply } });
  posted((await target.post([draft("a")], inTime()))[0]);
  const [again] = await target.post([draft("a")], inTime());
  expect(["posted", "uncertain"]).toContain(again?.kind);
  expect(erp.world.ledger.vouchers.size).toBe(1);
});

test("a poll that answers 操作正在执行 is asked again", async () => {
  const { target } = await start({ interface: "openapi" }, { asyncDelayMs: 120, settings: { pollRunning: "30025" } });
  posted((await target.post([draft("a")], inTime()))[0]);
});

test.each(faces)("what people audit and book is seen, and nothing is pushed: %j", async (face) => {
  const { erp, target } = await start(face);
  const voucher = posted((await target.post([draft("a")], inTime()))[0]);
  expect(briefly(await target.advance([voucher], "audited", inTime()))).toEqual(["refused AUDIT_REFUSED"]);
  await person(erp, "audit", { id: 1, user: "审核人" });
  expect(await target.advance([voucher], "audited", inTime())).toMatchObject([{ kind: "posted", stage: "audited" }]);
  await person(erp, "book", { id: 1, user: "记账人" });
  expect((await target.readBack("001", [voucher.erpId])).get(voucher.erpId)?.stage).toBe("booked");
});

test.each(faces)(
  "a period that is locked against entry counts as closed, before and after a refusal: %j",
  async (face) => {
    const { erp, target } = await start(face);
    const isOpen = async () => (await target.periods("001")).find((state) => state.period === period("2025-01"))?.open;
    expect(await isOpen()).toBe(true);
    await person(erp, "lock-period", { period: "2025-01" });
    expect(await isOpen()).toBe(false);
    expect(briefly(await target.post([draft("a")], inTime()))).toEqual(["refused PERIOD_CLOSED"]);
  },
);

test("a key that U8 does not guard can stand twice: then the look-up says several", async () => {
  const { target } = await start({ keyGuard: "lookup" }, { settings: { duplicateKey: "none" } });
  const { key } = posted((await target.post([draft("a")], inTime()))[0]);
  const [again] = await target.post([draft("a")], inTime());
  expect(briefly(again === undefined ? [] : [again])).toEqual(["uncertain ALREADY_EXISTS"]);
  expect((await target.findByKeys("001", [key], undefined)).found.get(key)).toMatchObject({ kind: "several" });
});

test("balances by sums of the database and by reading vouchers are the same", async () => {
  const { erp, target } = await start();
  await target.post([draft("a"), draft("b"), draft("c")], inTime());
  await person(erp, "void", { id: 2, force: true });
  const { ds_sequence: _sequence, ...secrets } = erp.credentials;
  const other = connect(
    { since: "2024-01", dimensions: { item: { itemClass: "01" } }, eai: { balances: "vouchers" } },
    { baseUrl: erp.baseUrl, secrets },
  );
  closers.push(() => other.close());
  const sorted = async (one: VoucherTarget) =>
    (await one.balances("001", period("2025-01"))).toSorted((a, b) =>
      `${a.account} ${a.item}` < `${b.account} ${b.item}` ? -1 : 1,
    );
  const byDatabase = await sorted(target);
  expect(byDatabase.find(({ account, item }) => account === "1405" && item === "M-001")).toMatchObject({
    debit: "257",
    closingQuantity: "20",
  });
  expect(await sorted(other)).toEqual(byDatabase);
});

const KEYS = 40;
const ROUNDS_MAX = 60;
const FAULTS: NonNullable<YonyouU8Options["faults"]> = [
  { kind: "lose-before", operation: "save", probability: 0.1 },
  { kind: "lose-after", operation: "save", probability: 0.15 },
  { kind: "half-answer", operation: "save", probability: 0.1 },
  { kind: "500-after", operation: "save", probability: 0.1 },
  { kind: "failure-after", operation: "save", probability: 0.1 },
  { kind: "late-commit", operation: "save", probability: 0.15, delayMs: 200 },
  { kind: "apply-twice", operation: "save", probability: 0.1 },
  { kind: "already-exists", operation: "save", probability: 0.1 },
  { kind: "200-failure", operation: ["save", "query"], probability: 0.1 },
  { kind: "unreadable", operation: "query", probability: 0.1 },
  { kind: "500-before", operation: "query", probability: 0.1 },
];

test.each(faces)(
  "under faults of every kind each voucher stands once, although absence is believed too early: %j",
  { timeout: 60_000 },
  async (face) => {
    const { erp, target } = await start({ ...face, timeoutMs: 2_000 }, { seed: 7, faults: FAULTS });
    const drafts = Array.from({ length: KEYS }, (_, at) => draft(`stress ${at}`));
    let open: readonly ReturnType<typeof draft>[] = drafts;
    for (let round = 0; open.length > 0 && round < ROUNDS_MAX; round += 1) {
      const outcomes = await target.post(open, inTime());
      for (const outcome of outcomes) if (outcome.kind === "refused") throw new Error(JSON.stringify(outcome));
      const keys = outcomes.flatMap((outcome) => (outcome.kind === "posted" ? [] : [outcome.key]));
      const { found } = await target.findByKeys("001", keys, undefined);
      // A careless caller: it sends again what one look-up does not see, and what look-ups could not answer.
      open = drafts.filter(({ key }) => keys.some((one) => one === key && found.get(one)?.kind !== "one"));
    }
    for (let wait = 0; wait < 200 && erp.pendingCommits() > 0; wait += 1)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(open).toEqual([]);
    const standing = [...erp.world.ledger.vouchers.values()].map(({ external }) => external);
    expect(standing.toSorted()).toEqual(drafts.map(({ key }) => key as string).toSorted());
  },
);
