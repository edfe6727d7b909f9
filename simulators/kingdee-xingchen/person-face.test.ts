import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { type KingdeeXingchen, startKingdeeXingchen } from "./server.ts";
import { type Client, logIn, person, receipt } from "./testing.ts";

let simulator: KingdeeXingchen;
let client: Client;

beforeEach(async () => {
  simulator = await startKingdeeXingchen({ requestsPerSecondMax: null });
  client = await logIn(simulator);
});

afterEach(async () => {
  await simulator.close();
});

test("a person changes what is audited, and it is audited again by whom it was", async () => {
  const [id = ""] = await client.save(receipt("k"));
  await client.operate("gl_voucher", "audit", [id]);
  const change = {
    id,
    lines: [
      { index: 0, debit: "100.00" },
      { index: 1, credit: "100.00" },
    ],
  };
  expect(await person(simulator, "change", change)).toMatchObject({
    ok: false,
    message: expect.stringContaining("已审核"),
  });
  expect(await person(simulator, "change", { ...change, force: true })).toMatchObject({
    ok: true,
    voucher: { status: "C", auditor: "接口用户", modifier: "财务人员", external: "k" },
  });
  expect(await client.detail("fi/voucher_detail", { id })).toMatchObject({
    debit_total: "100.00",
    bill_status: "C",
    entry_list: [{ price: "10", quantity: "10", amount_for: "100.00" }, {}],
  });
});

test("a change that the books refuse leaves the voucher audited as it was", async () => {
  const [id = ""] = await client.save(receipt("k"));
  await client.operate("gl_voucher", "audit", [id]);
  expect(await person(simulator, "change", { id, force: true, lines: [{ index: 0, remove: true }] })).toMatchObject({
    ok: false,
  });
  expect(await client.detail("fi/voucher_detail", { id })).toMatchObject({ bill_status: "C", debit_total: "128.50" });
});

test("a copy carries the external number, un-audit and deletion are seen, and what is deleted stays on record", async () => {
  const [id = ""] = await client.save(receipt("k"));
  await client.operate("gl_voucher", "audit", [id]);
  await person(simulator, "copy", { id });
  await person(simulator, "copy", { id, keepExternal: false });
  expect((await client.list("fi/voucher", { source_bill_no: "k" })).map((row) => row["bill_status"])).toEqual([
    "Z",
    "C",
  ]);
  await person(simulator, "unaudit", { id });
  expect(await client.detail("fi/voucher_detail", { id })).toMatchObject({ bill_status: "Z" });
  await person(simulator, "audit", { id });
  expect(await person(simulator, "delete", { id })).toMatchObject({ ok: false });
  expect(await person(simulator, "delete", { id, force: true })).toMatchObject({ ok: true, deleted: id });
  const { deleted } = z
    .object({
      deleted: z.array(z.object({ voucher: z.object({ id: z.string() }), deletedBy: z.object({ kind: z.string() }) })),
    })
    .parse(await (await fetch(`${simulator.origin}/_sim/books`)).json());
  expect(deleted).toEqual([{ voucher: { id }, deletedBy: { kind: "person" } }]);
});

test("a person writes a voucher by hand, and reverses one", async () => {
  const lines = [
    { account: "1002", debit: "5" },
    { account: "4001", credit: "5" },
  ];
  const written = await person(simulator, "write", { date: "2025-01-05", lines, stage: "audited" });
  const { id } = z.object({ id: z.string() }).parse(written["voucher"]);
  expect(await person(simulator, "reverse", { id })).toMatchObject({
    ok: true,
    voucher: { reversalOf: id, voucherNumber: "记-2" },
  });
  expect((await client.list("fi/voucher")).map((row) => [row["is_reverse"], row["have_reverse"]])).toEqual([
    [true, false],
    [false, true],
  ]);
});

test("whoever made a voucher may be forbidden to audit it", async () => {
  const [id = ""] = await client.save(receipt("k"));
  await person(simulator, "book-rules", { auditorMustDiffer: true });
  expect((await client.operate("gl_voucher", "audit", [id])).description).toContain("审核人与制单人不能相同");
  expect(await person(simulator, "audit", { id })).toMatchObject({ ok: true });
});

test("base data can be disabled and enabled, accounts changed, companies added while it runs", async () => {
  await person(simulator, "forbid", { kind: "bd_supplier", number: "VEN001" });
  await expect(client.save(receipt("k"))).rejects.toThrow("已禁用");
  await person(simulator, "enable", { kind: "bd_supplier", number: "VEN001" });
  await person(simulator, "account", { number: "2202.02.01", name: "明细" });
  await expect(client.save(receipt("k"))).rejects.toThrow("不是末级科目");
  const company = { number: "002", standard: "SME", warehouses: [{ number: "W", name: "仓" }] };
  await person(simulator, "base-data", {
    companies: [company],
    records: [{ kind: "bd_store", number: "CK09", name: "新仓" }],
  });
  expect((await client.list("bd/store", { search: "新" })).map((row) => row["number"])).toEqual(["CK09"]);
  const other = await logIn(simulator, "002");
  expect((await other.list("bd/store")).map((row) => row["number"])).toEqual(["W"]);
});

test("unknown acts, unknown switches and bodies that do not fit are told so", async () => {
  expect(await person(simulator, "dance", {})).toMatchObject({
    ok: false,
    message: expect.stringContaining("close-period"),
  });
  expect(await person(simulator, "constructor", {})).toMatchObject({ ok: false });
  expect(await person(simulator, "settings", { listOrder: "sideways" })).toMatchObject({ ok: false });
  expect(await person(simulator, "settings", { colour: "red" })).toMatchObject({ ok: false });
  expect(await person(simulator, "close-period", { period: "January" })).toMatchObject({ ok: false });
  expect(await person(simulator, "nothing")).toMatchObject({ ok: false });
});
