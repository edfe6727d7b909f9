import { expect, test } from "vitest";
import type { LookUp, SendOutcome, VoucherTarget } from "../../connectors/contract.ts";
import { PostingKey } from "../../domain/posting-key.ts";
import { benches } from "./kingdee-cloud.ts";
import type { Bench } from "./office.ts";
import { type Verdict, play } from "../../conformance/play.ts";
import { suite } from "../../conformance/suite.ts";

/* Connectors that lie in one way each: the suite has to catch every one of them. */

const playWith = async (id: string, lie: (honest: VoucherTarget) => Partial<VoucherTarget>): Promise<Verdict> => {
  const one = suite.find((candidate) => candidate.id === id);
  const start = benches["session"];
  if (one === undefined || start === undefined) throw new Error(`no case ${id}`);
  return play(one, async (): Promise<Bench> => {
    const bench = await start();
    const lies = lie(bench.target);
    // What does not lie still belongs to the honest one.
    const target = new Proxy(bench.target, {
      get: (honest, name) => {
        const value: unknown = Reflect.get(name in lies ? lies : honest, name);
        return typeof value === "function" ? value.bind(name in lies ? lies : honest) : value;
      },
    });
    return { ...bench, target, connect: (change) => bench.connect(change), close: () => bench.close() };
  });
};

const postedAnyway = (honest: VoucherTarget): Partial<VoucherTarget> => ({
  post: async (drafts, deadlineAt) =>
    (await honest.post(drafts, deadlineAt)).map(
      (outcome): SendOutcome =>
        outcome.kind === "posted"
          ? outcome
          : { kind: "posted", key: outcome.key, erpId: "100001", number: "1", stage: "saved" },
    ),
});
const refusedForUncertain = (honest: VoucherTarget): Partial<VoucherTarget> => ({
  post: async (drafts, deadlineAt) =>
    (await honest.post(drafts, deadlineAt)).map((outcome) =>
      outcome.kind === "uncertain" ? { ...outcome, kind: "refused" as const } : outcome,
    ),
});
const absentForFailed = (honest: VoucherTarget): Partial<VoucherTarget> => ({
  findByKeys: async (book, keys, control) => {
    const { found } = await honest.findByKeys(book, keys, control);
    const told = [...found].map(([key, look]): [PostingKey, LookUp] => [
      key,
      look.kind === "failed" ? { kind: "absent" } : look,
    ]);
    return { found: new Map(told), controlSeen: true };
  },
});
const sendsAgain = (honest: VoucherTarget): Partial<VoucherTarget> => ({
  post: async (drafts, deadlineAt) => {
    const first = await honest.post(drafts, deadlineAt);
    return first.some(({ kind }) => kind === "uncertain") ? honest.post(drafts, deadlineAt) : first;
  },
});
const listsFirstPage = (honest: VoucherTarget): Partial<VoucherTarget> => ({
  listPeriod: async function* (book, period) {
    for await (const page of honest.listPeriod(book, period)) {
      yield page;
      return;
    }
  },
});
const forgetsQuantities = (honest: VoucherTarget): Partial<VoucherTarget> => ({
  post: (drafts, deadlineAt) =>
    honest.post(
      drafts.map((draft) => ({
        ...draft,
        lines: draft.lines.map(({ quantity: _quantity, ...line }) => line),
      })),
      deadlineAt,
    ),
});

test.each([
  ["fault-create-lose-before", "a posted that never was", postedAnyway],
  ["fault-create-failure-after", "a refused that stands in the books", refusedForUncertain],
  ["find-failed", "a failed look-up that is called absent", absentForFailed],
  ["key-field-gone", "a blind look-up that is called seen", absentForFailed],
  ["fault-create-lose-after", "a second send on a guess", sendsAgain],
  ["paging", "a list that ends after its first page", listsFirstPage],
  ["quantity", "quantities that got lost", forgetsQuantities],
  ["batch-one-bad", "a bad voucher of a batch that is called posted", postedAnyway],
])("%s catches %s", async (id, _lie, lie) => {
  expect((await playWith(id, lie)).state).toBe("failed");
});

test("an honest connector passes the same cases", async () => {
  for (const id of ["fault-create-lose-before", "find-failed", "quantity"])
    expect(await playWith(id, () => ({}))).toEqual({ state: "passed" });
});
