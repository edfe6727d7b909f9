import { afterEach, expect, test } from "vitest";
import { businessDate, period } from "../../domain/dates.ts";
import type { SendOutcome } from "../contract.ts";
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

test.each(["signed", "session"])(
  "a voucher posted with %s authentication reads back as it was sent",
  async (authentication) => {
    const { target } = await start({}, { authentication });
    const draft = receiptDraft("a", {}, "3.5", "0.10");
    const [outcome] = await target.post([draft], soon());
    if (outcome?.kind !== "posted") throw new Error(JSON.stringify(outcome));
    const voucher = (await target.readBack("001", [outcome.erpId])).get(outcome.erpId);
    expect(voucher).toMatchObject({
      key: draft.key,
      word: "记",
      number: outcome.number,
      date: "2025-01-31",
      period: "2025-01",
      stage: "saved",
      voided: false,
      attachments: 2,
      maker: "接口用户",
    });
    expect(voucher?.lines).toEqual([
      {
        lineNumber: 1,
        summary: "暂估入库 a",
        side: "debit",
        account: "1405",
        amount: "0.35",
        quantity: "3.5",
        unit: "Pcs",
        dimensions: { item: "M-001" },
      },
      {
        lineNumber: 2,
        summary: "暂估入库 a",
        side: "credit",
        account: "2202.02",
        amount: "0.35",
        quantity: undefined,
        unit: undefined,
        dimensions: { supplier: "VEN001" },
      },
    ]);
  },
);

test("a session made with an application's secret works as well", async () => {
  const { simulator, another } = await start();
  const { acctId, userName, appId, appSecret } = simulator.credentials;
  const target = another({}, { secrets: { acctId, userName, appId, appSecret } });
  expect(briefly(await target.post([receiptDraft("a")], soon()))).toEqual(["saved"]);
});

test("a red voucher keeps its sides and is negative in the books", async () => {
  const { target } = await start();
  const [first] = await target.post([receiptDraft("red", {}, "-10")], soon());
  if (first?.kind !== "posted") throw new Error(JSON.stringify(first));
  const lines = (await target.readBack("001", [first.erpId])).get(first.erpId)?.lines;
  expect(lines).toMatchObject([
    { side: "debit", amount: "-128.5", quantity: "-10" },
    { side: "credit", amount: "-128.5" },
  ]);
});

test("each voucher of a batch has its own outcome", async () => {
  const { target } = await start();
  const bad = receiptDraft("bad");
  const [line, ...others] = bad.lines;
  if (line === undefined) throw new Error("no line");
  const outcomes = await target.post(
    [
      receiptDraft("a"),
      { ...bad, lines: [{ ...line, account: "9999" }, ...others] },
      receiptDraft("closed", { date: businessDate("2024-12-31") }),
      receiptDraft("word", { word: "转" }),
      receiptDraft("b"),
    ],
    soon(),
  );
  expect(briefly(outcomes)).toEqual([
    "saved",
    "refused ACCOUNT_REFUSED",
    "refused PERIOD_CLOSED",
    "refused CODE_MISSING",
    "saved",
  ]);
  expect(outcomes.map((outcome) => outcome.key)).toEqual(["a", "bad", "closed", "word", "b"].map(keyOf));
});

test("a mixed batch that calls itself a success is judged element by element", async () => {
  const { target } = await start({ mixedBatchIsSuccess: true });
  const closed = receiptDraft("closed", { date: businessDate("2024-12-31") });
  expect(briefly(await target.post([closed, receiptDraft("a")], soon()))).toEqual(["refused PERIOD_CLOSED", "saved"]);
});

test("a voucher saved without the key field is uncertain, not posted", async () => {
  const { target } = await start({ customField: null });
  expect(briefly(await target.post([receiptDraft("a")], soon()))).toEqual(["uncertain KEY_NOT_ECHOED"]);
});

const LOOK_UPS = 3;
test.each([
  [{ kind: "lose-before" }, "uncertain NO_ANSWER", "absent"],
  [{ kind: "lose-after" }, "uncertain NO_ANSWER", "one"],
  [{ kind: "half-answer" }, "uncertain NO_ANSWER", "one"],
  [{ kind: "unreadable" }, "uncertain ANSWER_UNREADABLE", "one"],
  [{ kind: "500-before" }, "uncertain SERVER_ERROR", "absent"],
  [{ kind: "500-after", status: 502 }, "uncertain SERVER_ERROR", "one"],
  [{ kind: "200-failure" }, "uncertain SERVER_ERROR", "absent"],
  [{ kind: "200-failure", variant: "response_error" }, "uncertain SERVER_ERROR", "absent"],
  [{ kind: "failure-after" }, "uncertain SERVER_ERROR", "one"],
  [{ kind: "failure-after", variant: "response_error" }, "uncertain SERVER_ERROR", "one"],
  [{ kind: "already-exists" }, "uncertain ALREADY_EXISTS", "one"],
  [{ kind: "apply-twice" }, "saved", "several"],
  [{ kind: "session-lost" }, "uncertain SESSION_LOST", "absent"],
  [{ kind: "session-lost", variant: "array" }, "uncertain SESSION_LOST", "absent"],
  [{ kind: "session-lost", variant: "response_error" }, "uncertain SESSION_LOST", "absent"],
  [{ kind: "session-lost", variant: "401" }, "uncertain SESSION_LOST", "absent"],
  [{ kind: "session-lost", variant: "empty" }, "uncertain ANSWER_UNREADABLE", "absent"],
  [{ kind: "throttled" }, "not-done THROTTLED", "absent"],
] as const)("fault %j on a save gives %s, and the look-up finds it %s", async (fault, outcome, found) => {
  const { target } = await start({ faults: [{ ...fault, operation: "batchSave", times: 1 }] });
  expect(briefly(await target.post([receiptDraft("a")], soon()))).toEqual([outcome]);
  let kind: string | undefined;
  for (let index = 0; index < LOOK_UPS && kind !== found; index += 1)
    kind = (await target.findByKeys("001", [keyOf("a")], undefined)).found.get(keyOf("a"))?.kind;
  expect(kind).toBe(found);
});

test("a save that hangs is abandoned at the deadline and uncertain", async () => {
  const { target } = await start({ faults: [{ kind: "hang-after", operation: "batchSave", delayMs: 3_000 }] });
  await target.periods("001");
  const began = Date.now();
  expect(briefly(await target.post([receiptDraft("a")], soon(300)))).toEqual(["uncertain NO_ANSWER"]);
  expect(Date.now() - began).toBeLessThan(2_000);
});

test("a passed deadline sends nothing", async () => {
  const { target, calls } = await start();
  await target.periods("001");
  expect(briefly(await target.post([receiptDraft("a")], soon(-1)))).toEqual(["not-done DEADLINE_PASSED"]);
  expect(await calls("batchSave")).toBe(0);
});

test("a batch cut by a lost session is uncertain as a whole, and the look-up tells who is in the books", async () => {
  const { target } = await start({
    faults: [{ kind: "session-lost-mid-batch", operation: "batchSave", after: 1, times: 1 }],
  });
  const drafts = ["a", "b", "c"].map((name) => receiptDraft(name));
  expect(briefly(await target.post(drafts, soon()))).toEqual(Array(3).fill("uncertain SESSION_LOST"));
  const { found } = await target.findByKeys("001", ["a", "b", "c"].map(keyOf), undefined);
  expect([...found.values()].map((lookUp) => lookUp.kind)).toEqual(["one", "absent", "absent"]);
});

const threeDrafts = () => ["1", "2", "3"].map((name) => receiptDraft(name));

test("an element that the answer does not name is uncertain, the others are posted", async () => {
  const { target } = await start({
    faults: [{ kind: "batch-element-unnamed", operation: "batchSave", index: 1, done: true }],
  });
  expect(briefly(await target.post(threeDrafts(), soon()))).toEqual(["saved", "uncertain ANSWER_INCOMPLETE", "saved"]);
});

test("a refused element is refused alone", async () => {
  const { target } = await start({ faults: [{ kind: "batch-element-refused", operation: "batchSave", index: 0 }] });
  const [refused, ...others] = briefly(await target.post(threeDrafts(), soon()));
  expect(refused).toMatch(/^refused /);
  expect(others).toEqual(["saved", "saved"]);
});

test("an answer in another order than the request still finds each voucher's own id", async () => {
  const { target } = await start({ faults: [{ kind: "reorder", operation: "batchSave" }] });
  const outcomes = await target.post(threeDrafts(), soon());
  expect(briefly(outcomes)).toEqual(["saved", "saved", "saved"]);
  for (const outcome of outcomes) {
    if (outcome.kind !== "posted") throw new Error("not posted");
    expect((await target.readBack("001", [outcome.erpId])).get(outcome.erpId)?.key).toBe(outcome.key);
  }
});

test("an ERP that cannot be reached, or refuses the log-in, means that nothing was done", async () => {
  const { simulator, another } = await start({}, {});
  const closed = another({}, { baseUrl: "http://127.0.0.1:9/k3cloud/" });
  expect(briefly(await closed.post([receiptDraft("a")], soon()))).toEqual(["not-done NOT_REACHABLE"]);
  const { acctId, userName } = simulator.credentials;
  const stranger = another({}, { secrets: { acctId, userName, password: "wrong-password" } });
  expect(briefly(await stranger.post([receiptDraft("a")], soon()))).toEqual(["not-done LOGIN_REFUSED"]);
});

test("after one refused log-in nobody tries again, so that the user is not locked", async () => {
  const { simulator, another, calls } = await start();
  const { acctId, userName } = simulator.credentials;
  const stranger = another({}, { secrets: { acctId, userName, password: "wrong-password" } });
  await Promise.all([1, 2, 3].map((index) => stranger.post([receiptDraft(`a${index}`)], soon())));
  await stranger.post([receiptDraft("b")], soon());
  await expect(stranger.periods("001")).rejects.toThrow("LOGIN_REFUSED");
  expect(await calls("login")).toBe(1);
});

test("callers that need a session at once share one log-in, and a lost one is renewed by the next read", async () => {
  const { target, person, calls } = await start();
  await Promise.all([1, 2, 3, 4].map(() => target.periods("001")));
  expect(await calls("login")).toBe(1);
  await person("end-sessions");
  await Promise.all([1, 2, 3, 4].map(() => target.periods("001")));
  expect(await calls("login")).toBe(2);
});

test.each(["signed", "session"])(
  "with %s authentication vouchers are audited by somebody else than their maker",
  async (authentication) => {
    const { target } = await start({}, { authentication });
    const posted = await target.post([receiptDraft("a"), receiptDraft("b")], soon());
    const vouchers = posted.map((outcome) => {
      if (outcome.kind !== "posted") throw new Error(JSON.stringify(outcome));
      return { key: outcome.key, erpId: outcome.erpId };
    });
    expect(briefly(await target.advance(vouchers, "submitted", soon()))).toEqual(["submitted", "submitted"]);
    expect(briefly(await target.advance(vouchers, "audited", soon()))).toEqual(["audited", "audited"]);
    // Repeating is harmless.
    expect(briefly(await target.advance(vouchers, "audited", soon()))).toEqual(["audited", "audited"]);
  },
);

test("where the maker may not audit, the refusal is named and the voucher stays submitted", async () => {
  const { simulator, another } = await start();
  const { acctId, userName, password } = simulator.credentials;
  const alone = another({}, { secrets: { acctId, userName, password } });
  const [posted] = await alone.post([receiptDraft("a")], soon());
  if (posted?.kind !== "posted") throw new Error("not posted");
  const [outcome] = await alone.advance([posted], "audited", soon());
  expect(outcome).toMatchObject({ kind: "refused", code: "AUDIT_REFUSED" });
  expect((await alone.readBack("001", [posted.erpId])).get(posted.erpId)?.stage).toBe("submitted");
});

test.each([
  [{ kind: "lose-after" }, "audited"],
  [{ kind: "lose-before" }, "uncertain NO_ANSWER"],
  [{ kind: "failure-after" }, "audited"],
  [{ kind: "throttled" }, "not-done THROTTLED"],
] as const)("fault %j on an audit gives %s, because the books are asked who moved", async (fault, expected) => {
  const { target } = await start({ faults: [{ ...fault, operation: "audit", times: 1 }] });
  const [posted] = await target.post([receiptDraft("a")], soon());
  if (posted?.kind !== "posted") throw new Error("not posted");
  expect(briefly(await target.advance([posted], "audited", soon()))).toEqual([expected]);
  expect(briefly(await target.advance([posted], "audited", soon()))).toEqual(["audited"]);
});

test("no message of a failure shows a secret", async () => {
  const { simulator, another } = await start();
  const { password } = simulator.credentials;
  await fetch(`${simulator.origin}/_sim/faults`, {
    method: "POST",
    body: JSON.stringify({
      faults: [{ kind: "200-failure", operation: "batchSave", message: `password ${password}` }],
    }),
  });
  const [outcome] = await another().post([receiptDraft("a")], soon());
  expect(outcome).toMatchObject({ kind: "uncertain" });
  expect(JSON.stringify(outcome)).not.toContain(password);
});

test("a period that the accountant closes is seen as closed", async () => {
  const { target, person } = await start();
  const open = async () => (await target.periods("001")).find((state) => state.period === period("2025-01"))?.open;
  expect(await open()).toBe(true);
  await person("close-period", { book: "001", period: "2025-01" });
  expect(await open()).toBe(false);
  expect(briefly(await target.post([receiptDraft("a")], soon()))).toEqual(["refused PERIOD_CLOSED"]);
});

test.each([
  ["LIMIT_DECIMALS", receiptDraft("a", {}, "1", "0.001")],
  ["LIMIT_DECIMALS", receiptDraft("a", {}, "0.0000001", "10000000")],
  ["LIMIT_DIGITS", receiptDraft("a", {}, "1", "99999999999999")],
])("what is beyond a limit is refused as %s and nothing is sent: the ERP would round it", async (code, draft) => {
  const { target, calls } = await start();
  expect(briefly(await target.post([draft], soon()))).toEqual([`refused ${code}`]);
  expect(await calls("batchSave")).toBe(0);
});

test("more lines than the ERP takes are refused by name", async () => {
  const { target } = await start({}, { linesMax: 2 });
  const { lines } = receiptDraft("a");
  expect(briefly(await target.post([receiptDraft("a", { lines: [...lines, ...lines] })], soon()))).toEqual([
    "refused LIMIT_LINES",
  ]);
});
