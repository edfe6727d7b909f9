import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { startYonyouU8, type YonyouU8 } from "./server.ts";
import { books, eai, person, receiptLines, sql, voucherXml } from "./testing.ts";

let simulator: YonyouU8;

beforeEach(async () => {
  simulator = await startYonyouU8();
});

afterEach(async () => {
  await simulator.close();
});

const save = async (key: string, amount = "128.50") =>
  (await eai(simulator, voucherXml(receiptLines(amount), { key }))).items[0]?.["dsc"];
const lines = [
  { account: "1001", debit: "5.00" },
  { account: "1002", credit: "5.00" },
];
const Written = z.object({ voucher: z.object({ id: z.number(), number: z.string(), external: z.string() }) });
const act = (name: string, body: unknown) => person(simulator, name, body);

test("a voucher by hand goes from entered to audited to booked and back, and each step bars the others", async () => {
  const { voucher } = Written.parse(await act("write", { date: "2025-01-15", lines }));
  const { id } = voucher;
  expect(await act("book", { id })).toMatchObject({ ok: false, message: "未审核凭证不能记账" });
  expect(await act("audit", { id })).toMatchObject({ ok: true });
  expect(await act("change", { id, lines: [{ index: 0, debit: "6.00" }] })).toMatchObject({
    message: "凭证已审核，不能修改",
  });
  expect(await act("book", { id })).toMatchObject({ ok: true });
  expect(await act("unaudit", { id })).toMatchObject({ message: "凭证已记账" });
  expect(
    await sql(simulator, "select ccode, md, mc from GL_accsum where iyear=2025 and iperiod=1 and md+mc > 0"),
  ).toEqual([
    { ccode: "1001", md: "5.0000", mc: "0.0000" },
    { ccode: "1002", md: "0.0000", mc: "5.0000" },
  ]);
  expect(
    await act("change", {
      id,
      force: true,
      lines: [
        { index: 0, debit: "6.00" },
        { index: 1, credit: "6.00" },
      ],
    }),
  ).toMatchObject({
    voucher: { posted: true, documentStatus: "C", entries: [{ debit: "6.00" }, { credit: "6.00" }] },
  });
  await act("unbook", { id });
  await act("unaudit", { id });
  expect(await act("delete", { id })).toMatchObject({ ok: true });
  expect((await books(simulator)).vouchers).toEqual([]);
});

test("copying takes our key along, so that the key is there twice", async () => {
  await save("K-1");
  const [voucher] = (await books(simulator)).vouchers;
  expect(Written.parse(await act("copy", { id: voucher?.id })).voucher.external).toBe("K-1");
  expect((await books(simulator)).vouchers.map(({ external }) => external)).toEqual(["K-1", "K-1"]);
});

test("tidying removes void vouchers and renumbers the rest", async () => {
  for (const key of ["a", "b", "c"]) await save(key);
  const [first] = (await books(simulator)).vouchers;
  await act("void", { id: first?.id, force: true });
  expect(await act("tidy", { period: "2025-01" })).toMatchObject({ removed: 1, renumbered: 2 });
  expect((await books(simulator)).vouchers.map(({ external, number }) => [external, number])).toEqual([
    ["b", "1"],
    ["c", "2"],
  ]);
});

test("closing, locking and reopening a period decide what the books take", async () => {
  await act("lock-period", { period: "2025-01" });
  expect(await save("k")).toBe("该期间总账已关账");
  await act("close-period", { period: "2025-01" });
  expect(await save("k")).toBe("该期间总账已结账");
  await act("open-period", { period: "2025-01" });
  expect(await save("k")).toBe("凭证已成功保存");
});

test("base data comes and goes: records, companies, stops, accounts, rights, locks", async () => {
  await act("stop", { kind: "vendor", code: "VEN001" });
  expect(await save("k")).toBe("供应商非法");
  await act("enable", { kind: "vendor", code: "VEN001" });
  await act("account", { code: "220202", customer: true });
  expect(await save("k")).toBe("客户非法");
  await act("account", { code: "220202", customer: false });
  await act("rights", { resource: "voucher", operation: "add", granted: false });
  expect(await save("k")).toBe("没有该功能的权限");
  await act("rights", { resource: "voucher", operation: "add", granted: true });
  expect(await save("k")).toBe("凭证已成功保存");
  const company = {
    number: "002",
    standard: "SME",
    openPeriod: "2025-03",
    items: [{ code: "I", name: "i", unit: "01" }],
  };
  expect(await act("base-data", { companies: [company] })).toMatchObject({ ok: true, companies: 1 });
  const other = voucherXml(lines, { sender: "002", date: "2025-03-01" });
  expect((await eai(simulator, other)).items[0]).toMatchObject({ succeed: "0", u8voucher_id: "1" });
  expect(await person(simulator, "books")).toMatchObject({
    books: [{ number: "001" }, { number: "002", standard: "SME" }],
  });
  const [voucher] = (await books(simulator)).vouchers;
  await act("lock", { what: "voucher", id: voucher?.id });
  const edit = voucherXml(receiptLines(), { proc: "edit", number: "1" });
  expect((await eai(simulator, edit)).items[0]?.["dsc"]).toBe("其他人正在修改");
});

test("a body that does not fit is answered 400, what the books refuse 409, an unknown act 404", async () => {
  const status = async (name: string, body: unknown) =>
    (await fetch(`${simulator.origin}/_person/${name}`, { method: "POST", body: JSON.stringify(body) })).status;
  expect(await status("write", { date: "2025-01-15", lines: [{ debit: 5 }] })).toBe(400);
  expect(await status("write", { date: "2025-01-15", lines: [{ account: "1001", debit: "5" }] })).toBe(409);
  expect(await status("constructor", {})).toBe(404);
});
