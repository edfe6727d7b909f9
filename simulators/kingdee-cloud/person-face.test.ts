import { afterEach, beforeEach, expect, test } from "vitest";
import { type KingdeeCloud, startKingdeeCloud } from "./server.ts";
import { type Client, FORM_SERVICE, logIn, receipt } from "./testing.ts";

let simulator: KingdeeCloud;
let client: Client;
let auditor: Client;

beforeEach(async () => {
  simulator = await startKingdeeCloud();
  client = await logIn(simulator);
  auditor = await logIn(simulator, "auditor");
});

afterEach(async () => {
  await simulator.close();
});

async function audited(key: string): Promise<number> {
  const [id = 0] = (await client.write("Save", { IsVerifyBaseDataField: true, Model: receipt(key) })).ids;
  await client.write("Submit", { Ids: String(id) });
  expect((await auditor.write("Audit", { Ids: String(id) })).ok).toBe(true);
  return id;
}

const stateOf = (id: number): Promise<unknown[][]> => {
  const keys =
    "FDocumentStatus,FPOSTED,FDate,FModifierId.FName,FCHECKERID.FName,FACCOUNTID.FNumber,FQty,FDEBIT,FCREDIT";
  return client.query({ FieldKeys: keys, FilterString: `FVOUCHERID=${id}`, OrderString: "FVOUCHERID,FEntity_FSeq" });
};

test("a person changes an audited voucher as the client would: un-audit, change, audit again", async () => {
  const id = await audited("k");
  const change = {
    id,
    lines: [
      { index: 0, debit: "130.00", quantity: "11" },
      { index: 1, credit: "130.00" },
    ],
  };
  expect(await client.person("change", change)).toMatchObject({ ok: false, msgCode: 12 });
  expect(await client.person("change", { ...change, force: true, head: { date: "2025-02-03" } })).toMatchObject({
    ok: true,
  });
  const date = "2025-02-03T00:00:00";
  expect(await stateOf(id)).toEqual([
    ["C", false, date, "财务人员", "审核用户", "1405", 11, 130, 0],
    ["C", false, date, "财务人员", "审核用户", "2202.02", 0, 0, 130],
  ]);
});

test("what a person changes is still checked by the books", async () => {
  const id = await audited("k");
  await client.person("unaudit", { id });
  const wrong = await client.person("change", { id, lines: [{ index: 0, debit: "1.00" }] });
  expect(wrong).toMatchObject({ ok: false, msgCode: 11, message: expect.stringContaining("凭证借贷不平衡") });
  expect(await client.person("change", { id, lines: [{ index: 0, debit: 1 }] })).toMatchObject({ ok: false });
  await client.person("submit", { id });
  expect(await client.person("change", { id, force: true, lines: [{ index: 0, debit: "1.00" }] })).toMatchObject({
    ok: false,
  });
  expect((await stateOf(id))[0]?.[0]).toBe("B");
  await client.person("cancel-submit", { id });
  const account = { id, lines: [{ index: 0, account: "1403", explanation: "改科目" }] };
  expect(await client.person("change", account)).toMatchObject({ ok: true });
  expect((await stateOf(id))[0]?.[5]).toBe("1403");
});

test("un-auditing, booking, voiding and deleting are there, with the client's own limits", async () => {
  const id = await audited("k");
  expect(await client.person("book", { id })).toMatchObject({ ok: true });
  expect(await client.person("unaudit", { id })).toMatchObject({
    ok: false,
    message: expect.stringContaining("已过账"),
  });
  expect(await client.person("delete", { id })).toMatchObject({ ok: false });
  expect(await client.person("delete", { id, force: true })).toEqual({ ok: true, deleted: id });
  expect(await stateOf(id)).toEqual([]);
  const other = await audited("v");
  await client.person("unaudit", { id: other });
  expect(await client.person("void", { id: other })).toMatchObject({ ok: true });
  expect(await client.query({ FieldKeys: "FInvalid", FilterString: "F_ZS_ExtNo='v'" })).toEqual([[true]]);
});

test("a copied voucher carries our key as well, so two vouchers answer to it", async () => {
  const id = await audited("k");
  const copy = await client.person("copy", { id });
  expect(copy).toMatchObject({
    ok: true,
    voucher: { external: "k", number: "2", documentStatus: "A", creator: "财务人员" },
  });
  const found = await client.query({ FieldKeys: "FVOUCHERID", FilterString: "F_ZS_ExtNo='k'" });
  expect(found).toHaveLength(2);
});

test("a voucher is written by hand and taken as far as asked", async () => {
  const written = await client.person("write", {
    book: "001",
    date: "2025-01-15",
    stage: "booked",
    lines: [
      { explanation: "手工调整", account: "1405", debit: "5.00", dimensions: { FFLEX8: "M-001" } },
      { explanation: "手工调整", account: "6602", credit: "5.00" },
    ],
  });
  expect(written).toMatchObject({ ok: true, voucher: { posted: true, external: "", origin: { kind: "person" } } });
});

test("a closed period takes nothing from anybody until it is opened again", async () => {
  const id = await audited("k");
  expect(await client.person("close-period", { book: "001", period: "2025-01" })).toMatchObject({ ok: true });
  expect((await client.write("Save", { Model: receipt("late") })).messages[0]).toContain("已结账");
  expect(await client.person("unaudit", { id })).toMatchObject({ ok: false });
  const period = { FormId: "BD_AccountBook", FieldKeys: "FCurrentYear,FCurrentPeriod" };
  expect(await client.query(period)).toEqual([[2025, 2]]);
  await client.person("open-period", { book: "001", period: "2025-01" });
  expect(await client.query(period)).toEqual([[2025, 1]]);
  expect((await client.write("Save", { IsVerifyBaseDataField: true, Model: receipt("late") })).ok).toBe(true);
});

test("a removed custom field loses the key in silence, a renamed one answers to its new name only", async () => {
  await audited("k");
  await client.person("custom-field", { name: null });
  const saved = await client.write("Save", { NeedReturnFields: ["F_ZS_ExtNo"], Model: receipt("lost") });
  expect(saved).toMatchObject({ ok: true, returned: [{}] });
  const query = { FieldKeys: "FVOUCHERID", FilterString: "F_ZS_ExtNo='k'" };
  expect(await client.query(query)).toMatchObject([[{ Result: { ResponseStatus: { MsgCode: 9 } } }]]);
  await client.person("custom-field", { name: "F_ZS_Renamed" });
  expect(await client.query({ FieldKeys: "F_ZS_Renamed", OrderString: "FVOUCHERID" })).toEqual([["k"], [null]]);
  expect(await client.query(query)).toMatchObject([[{ Result: { ResponseStatus: { MsgCode: 9 } } }]]);
});

test("a right that was taken away is refused with MsgCode 2, naming form and operation", async () => {
  await client.person("rights", { form: "GL_VOUCHER", operation: "query", granted: false });
  const refused = await client.query({ FieldKeys: "FVOUCHERID" });
  expect(refused).toMatchObject([[{ Result: { ResponseStatus: { MsgCode: 2 } } }]]);
  expect(JSON.stringify(refused)).toContain("没有“凭证”的“查看”权限，请联系系统管理员");
  expect((await client.write("Save", { Model: receipt("k") })).ok).toBe(true);
  await client.person("rights", { form: "GL_VOUCHER", operation: "query", granted: true });
  expect(await client.query({ FieldKeys: "FVOUCHERID" })).toHaveLength(1);
});

test("latency, rules and sessions are changed while it runs", async () => {
  await client.person("settings", { latencyMs: 60 });
  const startedAt = performance.now();
  await client.query({ FieldKeys: "FVOUCHERID" });
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(55);
  await client.person("book-rules", { book: "001", auditorMustDiffer: false, auditWithoutSubmit: true });
  const [id = 0] = (await client.write("Save", { Model: receipt("k") })).ids;
  expect((await client.write("Audit", { Ids: String(id) })).ok).toBe(true);
  await client.person("end-sessions", {});
  const answer = await client.post(`${FORM_SERVICE}View`, { formid: "GL_VOUCHER", data: { Id: id } });
  expect(answer.text).toContain("会话信息已丢失");
});

test("an unknown act and a body that does not fit are told apart, and lists can be narrowed", async () => {
  expect(await client.person("explode", {})).toMatchObject({
    ok: false,
    message: expect.stringContaining("No such act"),
  });
  expect(await client.person("audit", { id: "x" })).toMatchObject({ ok: false });
  await audited("a");
  await audited("b");
  expect(await client.person("vouchers?external=b")).toMatchObject({ vouchers: [{ external: "b", year: 2025 }] });
  expect(await client.person("vouchers?book=001&period=2025-02")).toEqual({ vouchers: [] });
  expect(await client.person("books")).toMatchObject({ books: [{ number: "001", closedThrough: "2024-12" }] });
});

test("base data comes in bulk, and its records are usable at once", async () => {
  const bulk = {
    records: [
      { form: "BD_MATERIAL", number: "X-1", name: "料", attributes: { FBaseUnitId: "kg" } },
      { form: "BD_MATERIAL", number: "X-2", name: "未审核", attributes: { FBaseUnitId: "kg" }, documentStatus: "A" },
    ],
  };
  expect(await client.person("base-data", bulk)).toMatchObject({ ok: true, records: 2 });
  const items = { FormId: "BD_MATERIAL", FieldKeys: "FNumber,FBaseUnitId.FName,FDocumentStatus" };
  expect(await client.query({ ...items, FilterString: "FNumber like 'X-%'" })).toEqual([
    ["X-1", "千克", "C"],
    ["X-2", "千克", "A"],
  ]);
});
