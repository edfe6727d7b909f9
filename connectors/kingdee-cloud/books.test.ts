import { afterEach, expect, test } from "vitest";
import { period } from "../../domain/dates.ts";
import type { CheckStage, ErpVoucher, VoucherTarget } from "../contract.ts";
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

const postOne = async (target: VoucherTarget, name: string): Promise<string> => {
  const [outcome] = await target.post([receiptDraft(name)], soon());
  if (outcome?.kind !== "posted") throw new Error(JSON.stringify(outcome));
  return outcome.erpId;
};
const lookUp = async (target: VoucherTarget, name: string) =>
  (await target.findByKeys("001", [keyOf(name)], undefined)).found.get(keyOf(name));
const january = period("2025-01");
const listed = async (target: VoucherTarget): Promise<readonly ErpVoucher[]> => {
  const all: ErpVoucher[] = [];
  for await (const page of target.listPeriod("001", january)) all.push(...page);
  return all;
};

test("the look-up says absent, one, void and several, whatever a person did with the voucher", async () => {
  const { target, person } = await start();
  const id = await postOne(target, "a");
  expect(await lookUp(target, "a")).toMatchObject({ kind: "one", erpId: id, stage: "saved" });
  await person("change", { id: Number(id), head: { date: "2025-02-03" }, force: true });
  expect(await lookUp(target, "a")).toMatchObject({ kind: "one", erpId: id });
  await person("void", { id: Number(id) });
  expect(await lookUp(target, "a")).toEqual({ kind: "void", erpId: id });
  await person("unvoid", { id: Number(id) });
  await person("copy", { id: Number(id) });
  expect(await lookUp(target, "a")).toMatchObject({ kind: "several" });
  const other = await postOne(target, "b");
  await person("delete", { id: Number(other) });
  expect(await lookUp(target, "b")).toEqual({ kind: "absent" });
});

test("absence counts only where the same query saw the control key", async () => {
  const { target, person } = await start();
  await postOne(target, "control");
  const seen = await target.findByKeys("001", [keyOf("x")], keyOf("control"));
  expect(seen.controlSeen).toBe(true);
  expect(seen.found.get(keyOf("x"))).toEqual({ kind: "absent" });
  expect((await target.findByKeys("001", [keyOf("x")], keyOf("never"))).controlSeen).toBe(false);
  expect((await target.findByKeys("001", [], keyOf("control"))).controlSeen).toBe(true);
  await person("custom-field", { name: "F_OTHER" });
  expect((await target.findByKeys("001", [], keyOf("control"))).controlSeen).toBe(false);
  const blind = await target.findByKeys("001", [keyOf("x")], keyOf("control"));
  expect(blind.controlSeen).toBe(false);
  expect(blind.found.get(keyOf("x"))?.kind).toBe("failed");
});

test("a look-up that stays without an answer has failed, it did not find absence", async () => {
  const { target } = await start({ faults: [{ kind: "lose-before", operation: "query" }] });
  expect(await lookUp(target, "a")).toMatchObject({ kind: "failed" });
});

test("many keys are found in chunks, each with the control key", async () => {
  const { target } = await start();
  const names = Array.from({ length: 230 }, (_, index) => `n${index}`);
  for (let from = 0; from < names.length; from += 50)
    await target.post(
      names.slice(from, from + 50).map((name) => receiptDraft(name)),
      soon(),
    );
  const answer = await target.findByKeys("001", [...names, "absent"].map(keyOf), keyOf("n0"));
  expect(answer.controlSeen).toBe(true);
  expect([...answer.found.values()].filter((one) => one.kind === "one")).toHaveLength(230);
  expect(answer.found.get(keyOf("absent"))).toEqual({ kind: "absent" });
});

test("a look-up whose answers are cut in silence calls nothing absent that is there", async () => {
  const { target, person } = await start();
  for (const name of ["a", "b", "c", "d"]) await postOne(target, name);
  await person("settings", { rowsMax: 2 });
  const { found } = await target.findByKeys("001", ["a", "b", "c", "d", "e"].map(keyOf), keyOf("a"));
  expect([...found.values()].map(({ kind }) => kind)).toEqual(["one", "one", "one", "one", "absent"]);
});

test("vouchers that were edited or deleted show in the read-back", async () => {
  const { target, person } = await start();
  const edited = await postOne(target, "edited");
  const deleted = await postOne(target, "deleted");
  await person("change", { id: Number(edited), lines: [{ index: 0, explanation: "改" }], force: true });
  await person("delete", { id: Number(deleted) });
  const found = await target.readBack("001", [edited, deleted]);
  expect([...found.keys()]).toEqual([edited]);
  expect(found.get(edited)?.lines[0]?.summary).toBe("改");
});

test("an un-audited voucher shows its real stage, a booked one too", async () => {
  const { target, person } = await start();
  const id = await postOne(target, "a");
  const stage = async () => (await target.readBack("001", [id])).get(id)?.stage;
  await target.advance([{ key: keyOf("a"), erpId: id }], "audited", soon());
  expect(await stage()).toBe("audited");
  await person("book", { id: Number(id) });
  expect(await stage()).toBe("booked");
  await person("unbook", { id: Number(id) });
  await person("unaudit", { id: Number(id) });
  expect(await stage()).toBe("saved");
});

test("a period with more lines than one answer holds is listed whole, ours and others', void ones too", async () => {
  const { target, person } = await start();
  const names = Array.from({ length: 1_050 }, (_, index) => `n${index}`);
  for (let from = 0; from < names.length; from += 50)
    await target.post(
      names.slice(from, from + 50).map((name) => receiptDraft(name)),
      soon(),
    );
  await person("write", {
    book: "001",
    date: "2025-01-15",
    lines: [
      { account: "1001", debit: "5", explanation: "手工" },
      { account: "1002", credit: "5", explanation: "手工" },
    ],
  });
  const all = await listed(target);
  expect(all).toHaveLength(1_051);
  expect(new Set(all.map((voucher) => voucher.erpId)).size).toBe(1_051);
  expect(all.every((voucher) => voucher.lines.length === 2)).toBe(true);
  expect(all.at(-1)?.key).toBe("");
  const [first] = all;
  await person("void", { id: Number(first?.erpId) });
  expect((await listed(target)).find((voucher) => voucher.erpId === first?.erpId)?.voided).toBe(true);
});

test("a voucher with more lines than one answer holds is read whole", async () => {
  const { target } = await start({}, { linesMax: 5_000 });
  const draft = receiptDraft("big");
  const lines = Array.from({ length: 1_100 }, (_, index) =>
    draft.lines.map((line, at) => ({ ...line, lineNumber: index * 2 + at + 1 })),
  ).flat();
  const [outcome] = await target.post([{ ...draft, lines }], soon());
  if (outcome?.kind !== "posted") throw new Error(JSON.stringify(outcome));
  expect((await target.readBack("001", [outcome.erpId])).get(outcome.erpId)?.lines).toHaveLength(2_200);
  expect((await listed(target))[0]?.lines).toHaveLength(2_200);
});

test("an empty period is listed as empty", async () => {
  const { target } = await start();
  expect(await listed(target)).toEqual([]);
});

test("the balance report and the sum of the lines agree, per account and per item", async () => {
  const { target, another } = await start();
  await target.post([receiptDraft("a"), receiptDraft("b", {}, "1234", "1")], soon());
  const expected = { account: "1405", debit: "1362.5", credit: "0", closing: "1362.5", closingQuantity: "1244" };
  for (const balances of [
    await target.balances("001", january),
    await another({ balances: "entries" }).balances("001", january),
  ]) {
    expect(balances.find((one) => one.account === "1405" && one.item === "")).toMatchObject(expected);
    expect(balances.find((one) => one.account === "1405" && one.item === "M-001")).toMatchObject(expected);
    expect(balances.find((one) => one.account === "2202.02" && one.item === "")).toMatchObject({ closing: "-1362.5" });
  }
});

test("balances of a later period open with what the earlier one closed with", async () => {
  const { target, another } = await start();
  await target.post([receiptDraft("a")], soon());
  for (const one of [target, another({ balances: "entries" })]) {
    const balance = (await one.balances("001", period("2025-02"))).find(
      (row) => row.account === "1405" && row.item === "M-001",
    );
    expect(balance).toMatchObject({ opening: "128.5", debit: "0", closing: "128.5", openingQuantity: "10" });
  }
});

test("master data says what is usable", async () => {
  const { target, person } = await start();
  await person("forbid", { form: "BD_MATERIAL", number: "M-002", organization: "100" });
  const items = new Map((await target.masterData("item")).map((row) => [row.code, row.usable]));
  expect(items.get("M-001")).toBe(true);
  expect(items.get("M-002")).toBe(false);
  expect(await target.masterData("account", ["2202", "2202.02"])).toMatchObject([
    { code: "2202", usable: false },
    { code: "2202.02", usable: true },
  ]);
  for (const kind of ["warehouse", "supplier", "customer", "department", "unit", "word"] as const)
    expect((await target.masterData(kind)).length).toBeGreaterThan(0);
});

const stagesOf = async (target: VoucherTarget): Promise<readonly CheckStage[]> => {
  const found: CheckStage[] = [];
  for await (const stage of target.check()) found.push(stage);
  return found;
};

test.each(["signed", "session"])(
  "a check of a sound connection with %s authentication finds nothing wrong",
  async (authentication) => {
    const { target } = await start({}, { authentication });
    const found = await stagesOf(target);
    expect(found.filter((stage) => stage.state === "failed")).toEqual([]);
    expect(new Set(found.map((stage) => stage.stage))).toEqual(
      new Set(["address", "port", "tls", "login", "clock", "rights", "key-field", "master-data"]),
    );
  },
);

test("a check names a missing key field, a lost right, a wrong book and a wrong column", async () => {
  const { person, another } = await start();
  await person("custom-field", { name: null });
  await person("rights", { form: "BD_MATERIAL", operation: "query", granted: false });
  const target = another({ books: { "001": "100", "999": "100" }, dimensions: { warehouse: "FF199999" } });
  const failed = (await stagesOf(target)).filter((stage) => stage.state === "failed");
  expect(failed.map((stage) => `${stage.stage} ${stage.subject}`)).toEqual([
    "rights GL_VOUCHER",
    "rights BD_MATERIAL",
    "key-field F_ZS_ExtNo",
    "master-data books",
  ]);
  expect(failed.every((stage) => stage.nextStep !== undefined)).toBe(true);
});

test("a check stops at a port that nobody answers and at a refused log-in", async () => {
  const { simulator, another } = await start();
  const closed = await stagesOf(another({}, { baseUrl: "http://127.0.0.1:9/k3cloud/" }));
  expect(closed.map((stage) => `${stage.stage} ${stage.state}`)).toEqual(["address ok", "port failed"]);
  const { acctId, userName } = simulator.credentials;
  const refused = await stagesOf(another({}, { secrets: { acctId, userName, password: "wrong-password" } }));
  expect(refused.at(-1)).toMatchObject({ stage: "login", state: "failed" });
});
