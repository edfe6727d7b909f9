import { afterEach, expect, test } from "vitest";
import { businessDate, period } from "../../domain/dates.ts";
import type { CheckStage, ErpVoucher, SendOutcome, VoucherTarget } from "../contract.ts";
import { type Erp, keyOf, receiptDraft, soon, startErp } from "./testing.ts";

let erp: Erp | undefined;
afterEach(async () => {
  await erp?.close();
  erp = undefined;
});

const start = async (...args: Parameters<typeof startErp>): Promise<Erp> => {
  erp = await startErp(...args);
  return erp;
};
const briefly = (outcomes: readonly SendOutcome[]): readonly string[] =>
  outcomes.map((outcome) => (outcome.kind === "posted" ? outcome.stage : `${outcome.kind} ${outcome.code}`));
const stagesOf = async (target: VoucherTarget): Promise<readonly CheckStage[]> => {
  const stages: CheckStage[] = [];
  for await (const stage of target.check()) stages.push(stage);
  return stages;
};
const listed = async (target: VoucherTarget): Promise<readonly ErpVoucher[]> => {
  const vouchers: ErpVoucher[] = [];
  for await (const page of target.listPeriod("001", period("2025-01"))) vouchers.push(...page);
  return vouchers;
};
const DAY_MS = 86_400_000;

test("a red voucher is posted, audited and read back as it was sent", async () => {
  const { target } = await start();
  const draft = receiptDraft("red", {}, "-3.5", "0.10");
  const [posted] = await target.post([draft], soon());
  if (posted?.kind !== "posted") throw new Error(JSON.stringify(posted));
  expect(briefly(await target.advance([posted], "audited", soon()))).toEqual(["audited"]);
  const voucher = (await target.readBack("001", [posted.erpId])).get(posted.erpId);
  expect(voucher).toMatchObject({
    key: draft.key,
    word: "记",
    date: "2025-01-31",
    period: "2025-01",
    stage: "audited",
  });
  expect(voucher?.lines).toMatchObject([
    { side: "debit", account: "1405", amount: "-0.35", quantity: "-3.5", unit: "Pcs", dimensions: { item: "M-001" } },
    { side: "credit", account: "2202.02", amount: "-0.35", dimensions: { supplier: "VEN001" } },
  ]);
});

test.each(["errcode", "code"] as const)(
  "a secret that rotates while we work is fetched from an authorisation in the form of %s, and nothing is sent twice",
  async (authorizeEnvelope) => {
    let skewMs = 0;
    const now = (): number => Date.now() + skewMs;
    const { target, person, another, calls } = await start({ clock: now, settings: { authorizeEnvelope } });
    const ours = another({}, { now: () => new Date(now()) });
    expect(briefly(await ours.post([receiptDraft("a")], soon()))).toEqual(["saved"]);
    await person("rotate-secret");
    await person("end-sessions");
    expect(briefly(await ours.post([receiptDraft("b")], soon()))).toEqual(["not-done NOT_LOGGED_IN"]);
    expect(briefly(await ours.post([receiptDraft("b")], soon()))).toEqual(["saved"]);
    skewMs = DAY_MS + 60_000;
    expect(briefly(await ours.post([receiptDraft("c")], new Date(now() + 20_000)))).toEqual(["saved"]);
    expect(await calls("authorize")).toBeGreaterThanOrEqual(2);
    expect(await calls("save")).toBe(4);
    await target.close();
  },
);

test("the vendor's two tokens a minute are enough for a start, and a third is not asked for", async () => {
  const { another, person, calls } = await start({ tokensPerMinuteMax: 2 });
  const target = another({ tokensPerMinute: 2 });
  expect(await target.periods("001")).not.toHaveLength(0);
  await person("end-sessions");
  expect(await target.periods("001")).not.toHaveLength(0);
  await person("end-sessions");
  await expect(target.periods("001")).rejects.toMatchObject({ code: "THROTTLED" });
  expect(await calls("login")).toBe(2);
});

test.each(["clientId", "clientSecret", "outerInstanceId"])(
  "check names a wrong %s at the log-in and stops there, and nothing is posted",
  async (name) => {
    const running = await start();
    const { clientId, clientSecret, outerInstanceId } = running.simulator.credentials;
    const secrets = { clientId, clientSecret, outerInstanceId, [name]: "wrong-value-1234" };
    const stranger = running.another({}, { secrets });
    const stages = await stagesOf(stranger);
    expect(stages.at(-1)).toMatchObject({ stage: "login", state: "failed" });
    expect(briefly(await stranger.post([receiptDraft("a")], soon()))).toEqual(["not-done LOGIN_REFUSED"]);
    expect(await running.calls("save")).toBe(0);
    expect(JSON.stringify(stages)).not.toContain(clientSecret);
  },
);

test("check says when the filter on our key is ignored", async () => {
  const { target, person } = await start();
  await target.post([receiptDraft("a")], soon());
  await person("settings", { ignoredFilters: ["source_bill_no"] });
  expect((await stagesOf(target)).find(({ stage }) => stage === "key-field")).toMatchObject({ state: "failed" });
});

test("the domain of the authorisation is sent with every call", async () => {
  const { target } = await start({ settings: { routerRequired: true } });
  expect(await target.periods("001")).not.toHaveLength(0);
});

test.each(["newest-first", "oldest-first"] as const)(
  "a period of more than one page is listed whole, %s, with what people wrote and copied",
  async (listOrder) => {
    const { target, another, person } = await start({ settings: { listOrder } });
    const drafts = Array.from({ length: 104 }, (_, index) => receiptDraft(`v${index}`));
    const outcomes = await another({ batchMax: 100 }).post(drafts, soon());
    expect(new Set(briefly(outcomes))).toEqual(new Set(["saved"]));
    const [first] = outcomes;
    if (first?.kind !== "posted") throw new Error("not posted");
    await person("copy", { id: first.erpId });
    const vouchers = await listed(target);
    expect(vouchers).toHaveLength(105);
    expect(vouchers.filter(({ key }) => key === keyOf("v0"))).toHaveLength(2);
    const { found } = await target.findByKeys("001", [keyOf("v0"), keyOf("v1")], undefined);
    expect([found.get(keyOf("v0"))?.kind, found.get(keyOf("v1"))?.kind]).toEqual(["several", "one"]);
  },
);

test("a server that throttles reads is asked again, and the look-up is whole", async () => {
  const { target, person } = await start();
  await target.post([receiptDraft("a")], soon());
  await person("faults", { faults: [{ kind: "throttled", operation: "query", times: 1 }] });
  const { found } = await target.findByKeys("001", [keyOf("a")], keyOf("a"));
  expect(found.get(keyOf("a"))?.kind).toBe("one");
});

test.each<[string, Parameters<typeof receiptDraft>[1], string]>([
  ["a closed period", { date: businessDate("2024-12-31") }, "refused PERIOD_CLOSED"],
  ["a day before the book's start", { date: businessDate("2019-12-31") }, "refused PERIOD_CLOSED"],
])("%s is refused by name", async (_name, change, outcome) => {
  const { target } = await start();
  expect(briefly(await target.post([receiptDraft("a", change)], soon()))).toEqual([outcome]);
});

test("an audit that the ERP wants from another person is refused by name", async () => {
  const { target, person } = await start();
  const [posted] = await target.post([receiptDraft("a")], soon());
  if (posted?.kind !== "posted") throw new Error("not posted");
  await person("book-rules", { auditorMustDiffer: true });
  const [outcome] = await target.advance([posted], "audited", soon());
  expect(outcome?.kind).not.toBe("posted");
  expect((await target.readBack("001", [posted.erpId])).get(posted.erpId)?.stage).toBe("saved");
  expect(outcome).toMatchObject({ kind: "refused", code: "AUDIT_REFUSED" });
});

test.each(["report", "entries"])(
  "balances by %s agree with what was posted, by account and by item",
  async (balances) => {
    const { another } = await start();
    const target = another({ balances });
    await target.post([receiptDraft("a"), receiptDraft("b", {}, "-1", "12.85")], soon());
    const found = await target.balances("001", period("2025-01"));
    for (const item of ["", "M-001"])
      expect(found.find((one) => one.account === "1405" && one.item === item)).toMatchObject({
        opening: "0",
        debit: "115.65",
        closing: "115.65",
        closingQuantity: "9",
      });
    expect(found.find((one) => one.account === "2202.02" && one.item === "")).toMatchObject({
      credit: "115.65",
      closing: "-115.65",
    });
  },
);
