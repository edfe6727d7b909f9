import { afterEach, expect, test } from "vitest";
import { businessDate, period } from "../../domain/dates.ts";
import { decimal } from "../../domain/decimal.ts";
import { deviationsOf } from "../../domain/read-back.ts";
import type { ErpVoucher } from "../contract.ts";
import { BOOK, briefly, keyOf, receiptDraft, soon } from "./samples.testing.ts";
import { type Erp, stagesOf, startErp } from "./testing.ts";

let erp: Erp | undefined;
afterEach(async () => {
  await erp?.close();
  erp = undefined;
});
const start = async (...args: Parameters<typeof startErp>): Promise<Erp> => {
  erp = await startErp(...args);
  return erp;
};
const listed = async ({ target }: Erp): Promise<readonly ErpVoucher[]> => {
  const vouchers: ErpVoucher[] = [];
  for await (const page of target.listPeriod(BOOK, period("2026-01"))) vouchers.push(...page);
  return vouchers;
};

test.each(["v2", "v1"])("with %s a batch is posted, listed and read back as it was sent", async (serviceLayer) => {
  const books = await start({}, { serviceLayer, pageSize: 2 });
  const drafts = ["a", "b", "c", "d", "e"].map((name) => receiptDraft(name, {}, `${name.charCodeAt(0)}.07`));
  const outcomes = await books.target.post(drafts, soon());
  expect(briefly(outcomes)).toEqual(drafts.map(() => "booked"));
  const ids = outcomes.map((outcome) => (outcome.kind === "posted" ? outcome.erpId : ""));
  const read = await books.target.readBack(BOOK, ids);
  expect(
    drafts.map((draft, index) => {
      const voucher = read.get(ids[index] ?? "");
      return voucher === undefined ? "missing" : deviationsOf(draft, voucher);
    }),
  ).toEqual(drafts.map(() => []));
  expect((await listed(books)).map(({ erpId, key }) => [erpId, key])).toEqual(
    drafts.map(({ key }, index) => [ids[index], key]),
  );
  const { found, controlSeen } = await books.target.findByKeys(BOOK, [keyOf("a"), keyOf("z")], keyOf("b"));
  expect([found.get(keyOf("a"))?.kind, found.get(keyOf("z"))?.kind, controlSeen]).toEqual(["one", "absent", true]);
});

test("a voucher sent twice stands once, and the second send is uncertain", async () => {
  const books = await start();
  await books.target.post([receiptDraft("a")], soon());
  expect(briefly(await books.target.post([receiptDraft("a"), receiptDraft("b")], soon()))).toEqual([
    "uncertain ALREADY_EXISTS",
    "booked",
  ]);
  expect(await listed(books)).toHaveLength(2);
});

test("two senders of one key at the same time: one wins, the other is told", async () => {
  const books = await start();
  const sends = [books.target, books.another(), books.another()].map((target) =>
    target.post([receiptDraft("a")], soon()),
  );
  const outcomes = (await Promise.all(sends)).flat();
  expect(briefly(outcomes).toSorted()).toEqual(["booked", "uncertain ALREADY_EXISTS", "uncertain ALREADY_EXISTS"]);
  expect(await listed(books)).toHaveLength(1);
});

test("a refused voucher leaves no claim behind: corrected, it is posted under the same key", async () => {
  const books = await start();
  const late = receiptDraft("late", { date: businessDate("2025-12-31") });
  expect(briefly(await books.target.post([late], soon()))).toEqual(["refused PERIOD_CLOSED"]);
  expect(briefly(await books.target.post([receiptDraft("late")], soon()))).toEqual(["booked"]);
});

test("a red voucher is negative in the books", async () => {
  const books = await start();
  await books.target.post([receiptDraft("red", {}, "-12.50")], soon());
  expect((await listed(books))[0]?.lines).toMatchObject([
    { side: "debit", amount: "-12.5", quantity: "-10" },
    { side: "credit", amount: "-12.5" },
  ]);
});

test("a line on a control account is the partner's and reads back with the account", async () => {
  const books = await start({}, { controlAccounts: { "2202.01": "supplier" } });
  const draft = receiptDraft("a");
  const lines = draft.lines.map((line) => (line.side === "credit" ? { ...line, account: "2202.01" } : line));
  expect(briefly(await books.target.post([{ ...draft, lines }], soon()))).toEqual(["booked"]);
  expect((await listed(books))[0]?.lines[1]).toMatchObject({
    account: "2202.01",
    dimensions: { supplier: "VEN001" },
  });
});

test("both ways to balances agree, and future entries do not count", async () => {
  const books = await start();
  await books.target.post(
    [
      receiptDraft("a", {}, "100.00"),
      receiptDraft("b", { date: businessDate("2026-02-10") }, "7.00"),
      receiptDraft("c", {}, "0.01"),
    ],
    soon(),
  );
  const simple = async (balances: string): Promise<unknown> =>
    (await books.another({ balances }).balances(BOOK, period("2026-01")))
      .filter(({ item }) => item === "")
      .map(({ account, opening, debit, credit, closing }) => [account, opening, debit, credit, closing].join(" "))
      .toSorted((a, b) => (a < b ? -1 : 1));
  const wanted = ["1405 0 100.01 0 100.01", "2202.02 0 0 100.01 -100.01"];
  expect(await simple("chart")).toEqual(wanted);
  expect(await simple("entries")).toEqual(wanted);
});

test("somebody empties the key: the claim row says that the voucher is there", async () => {
  const books = await start();
  const [outcome] = await books.target.post([receiptDraft("a")], soon());
  if (outcome?.kind !== "posted") throw new Error("not posted");
  await books.person("change", { set: "JournalEntries", id: outcome.erpId, fields: { U_ZSKey: null } });
  const { found } = await books.target.findByKeys(BOOK, [keyOf("a")], undefined);
  expect(found.get(keyOf("a"))).toEqual({ kind: "void", erpId: `U_ZSCLAIM('${keyOf("a")}')` });
});

test("the connection over TLS needs the authority, and then works", async () => {
  const books = await start({ http: false });
  expect((await stagesOf(books.target)).at(-1)).toMatchObject({ stage: "tls", state: "failed" });
  expect(briefly(await books.target.post([receiptDraft("a")], soon()))).toEqual(["not-done NOT_REACHABLE"]);
  const trusting = books.another({}, { certificateAuthority: books.simulator.ca });
  expect(briefly(await trusting.post([receiptDraft("a")], soon()))).toEqual(["booked"]);
  const states = (await stagesOf(trusting)).map(({ stage, state }) => `${stage} ${state}`);
  expect(states).toContain("tls ok");
});

test("the check passes on a company that is set up", async () => {
  const books = await start({}, { controlAccounts: { "2202.01": "supplier" } });
  const stages = await stagesOf(books.target);
  expect(stages.filter(({ state }) => state === "failed")).toEqual([]);
  expect(stages.map(({ stage, subject }) => `${stage} ${subject}`)).toContain("key-field OJDT.U_ZSKey");
});

test("the check says what to create, and what it says works", async () => {
  const books = await start({}, {}, false);
  const missing = (await stagesOf(books.target)).filter(({ state }) => state === "failed");
  expect(missing.map(({ subject }) => subject)).toEqual([
    "U_ZSCLAIM",
    "OJDT.U_ZSKey",
    "JDT1.U_ZSItem",
    "JDT1.U_ZSWhs",
    "JDT1.U_ZSSupplier",
    "JDT1.U_ZSCustomer",
    "JDT1.U_ZSQty",
    "JDT1.U_ZSUnit",
  ]);
  for (const { nextStep } of missing) {
    const [, set = "", body = ""] = /POST \S+\/(\w+) (\{.*\});/.exec(nextStep?.en ?? "") ?? [];
    await books.person("write", { set, fields: JSON.parse(body) });
  }
  expect((await stagesOf(books.target)).filter(({ state }) => state === "failed")).toEqual([]);
  expect(briefly(await books.target.post([receiptDraft("a")], soon()))).toEqual(["booked"]);
});

test("a user field that waits for a restart is told apart from one that is missing", async () => {
  const books = await start({ settings: { udfVisibility: "afterRestart" } });
  const waiting = (await stagesOf(books.target)).filter(({ state }) => state === "failed");
  expect(waiting.map(({ subject, nextStep }) => [subject, nextStep?.en.split(";")[0]])).toEqual([
    ["U_ZSCLAIM", "Restart the Service Layer"],
    ["OJDT.U_ZSKey", "Restart the Service Layer"],
  ]);
  expect(briefly(await books.target.post([receiptDraft("a")], soon()))).toEqual(["not-done KEY_FIELD_MISSING"]);
  await books.person("restart-service");
  expect(briefly(await books.target.post([receiptDraft("a")], soon()))).toEqual(["booked"]);
});

test("six decimals of quantity and twelve digits of money come back exactly", async () => {
  const books = await start();
  const draft = receiptDraft("exact", {}, "999999999999.99");
  const lines = draft.lines.map((line) =>
    line.quantity === undefined ? line : { ...line, quantity: decimal("0.000001") },
  );
  await books.target.post([{ ...draft, lines }], soon());
  expect((await listed(books))[0]?.lines[0]).toMatchObject({ amount: "999999999999.99", quantity: "0.000001" });
});
