import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { type Kis, receiptRows, startKis } from "./testing.ts";

let kis: Kis;
beforeEach(async () => {
  kis = await startKis();
  kis.dbf("a.dbf", [...receiptRows("1"), ...receiptRows("2"), ...receiptRows("3")]);
  await kis.import("a.dbf");
});
afterEach(async () => {
  await kis.close();
});

const numbers = async (): Promise<string[]> => {
  return (await kis.exported("2025-01")).filter(({ FENTRYID }) => FENTRYID === "0").map(({ FNUM = "" }) => FNUM);
};

test("change: an amount edited on both sides shows in the next export", async () => {
  const lines = [
    { index: 0, debit: "130.00" },
    { index: 1, credit: "130.00" },
  ];
  expect(await kis.person("change", { id: 1, lines })).toMatchObject({ ok: true });
  const [first] = await kis.exported("2025-01");
  expect(first).toMatchObject({ FNUM: "1", FDEBIT: "130.00", FFCYAMT: "130.00", FTRANSID: "key1" });
  expect(
    await kis.person("change", { id: 1, lines: lines.slice(0, 1).map((line) => ({ ...line, debit: "1" })) }),
  ).toEqual({
    ok: false,
    message: "凭证借贷不平衡",
  });
});

test("audited and booked vouchers cannot be edited until they are taken down", async () => {
  expect(await kis.person("audit", { id: 1, user: "会计" })).toMatchObject({ ok: true, voucher: { checker: "主管" } });
  expect(await kis.person("change", { id: 1, head: { attachments: 3 } })).toMatchObject({
    message: "凭证已经审核，不能修改",
  });
  expect(await kis.person("delete", { id: 1 })).toMatchObject({ ok: false });
  await kis.person("book", { id: 1 });
  expect(await kis.person("unaudit", { id: 1 })).toMatchObject({ message: "凭证已经过账，不能反审核" });
  expect((await kis.exported("2025-01"))[0]).toMatchObject({ FPOSTED: "T", FPOSTER: "会计", FCHECKER: "主管" });
  expect(await kis.person("change", { id: 1, head: { attachments: 3 }, force: true })).toMatchObject({
    voucher: { attachments: 3, checker: "主管", poster: "会计" },
  });
  await kis.person("unbook", { id: 1 });
  await kis.person("unaudit", { id: 1 });
  expect(await kis.person("delete", { id: 1 })).toMatchObject({ ok: true });
  expect(await numbers()).toEqual(["2", "3"]);
});

test("a void voucher stays in the export, marked", async () => {
  await kis.person("void", { id: 2 });
  const exported = await kis.exported("2025-01");
  expect(exported.map(({ FNUM, FDELETED }) => [FNUM, FDELETED]).slice(2, 4)).toEqual([
    ["2", "T"],
    ["2", "T"],
  ]);
  await kis.person("unvoid", { id: 2 });
  expect((await kis.exported("2025-01")).every(({ FDELETED }) => FDELETED === "F")).toBe(true);
});

test("a copy carries 业务编号 along and gets the next number", async () => {
  await kis.person("copy", { id: 1 });
  const exported = await kis.exported("2025-01");
  expect(exported.filter(({ FTRANSID }) => FTRANSID === "key1").map(({ FNUM }) => FNUM)).toEqual(["1", "4"]);
});

test("the last number is given again after a deletion; 整理断号 closes the gaps of others", async () => {
  await kis.person("delete", { id: 3 });
  await kis.person("copy", { id: 2 });
  expect(await numbers()).toEqual(["1", "2", "3"]);
  await kis.person("delete", { id: 1 });
  expect(await numbers()).toEqual(["2", "3"]);
  expect(await kis.person("renumber", { period: "2025-01" })).toEqual({ ok: true, changed: 2 });
  expect(await numbers()).toEqual(["1", "2"]);
});

test("a voucher moved to another period gets a number there", async () => {
  expect(await kis.person("change", { id: 3, head: { date: "2025-02-01" } })).toMatchObject({ voucher: { number: 1 } });
  expect(await numbers()).toEqual(["1", "2"]);
});

test("a period closes when everything in it is booked, and opens again", async () => {
  expect(await kis.person("close-period", { period: "2025-01" })).toEqual({
    ok: false,
    message: "本期还有3张凭证未过账，不能结账",
  });
  expect(await kis.person("close-period", { period: "2025-01", force: true })).toMatchObject({
    closedThrough: "2025-01",
  });
  expect((await kis.import("a.dbf")).lines[0]).toMatchObject({ message: "会计期间2025年第1期已经结账" });
  await kis.person("open-period", { period: "2025-01" });
  expect((await kis.import("a.dbf")).lines[0]).toMatchObject({ taken: true, number: 4 });
});

test("a person writes vouchers by hand, and the books check them alike", async () => {
  const lines = [
    { account: "6602", debit: "10.00", objects: { 部门: "BM001" } },
    { account: "1001", credit: "10.00" },
  ];
  expect(await kis.person("write", { date: "2025-01-15", lines, stage: "booked" })).toMatchObject({
    voucher: { number: 4, poster: "会计", origin: { kind: "person" } },
  });
  expect(await kis.person("write", { date: "2025-01-15", lines: lines.slice(1) })).toMatchObject({ ok: false });
});

test("base data: new accounts make parents, forbidden codes are refused", async () => {
  await kis.person("base-data", { items: [{ number: "M-9", name: "新物料" }], accounts: [{ number: "1405.01" }] });
  kis.dbf("b.dbf", receiptRows("9", { debit: { FOBJID1: "M-9" } }));
  expect((await kis.import("b.dbf")).lines[0]).toMatchObject({ message: "科目“1405”不是最明细科目" });
  await kis.person("forbid", { className: "往来单位", number: "VEN001" });
  kis.dbf("c.dbf", receiptRows("9", { debit: { FACCTID: "1403" } }));
  expect((await kis.import("c.dbf")).lines[0]).toMatchObject({ message: "核算项目“VEN001”已禁用" });
  expect(await kis.person("items?class=物料")).toMatchObject({ items: [{}, {}, {}, { code: "M-9" }] });
});

test("the simulator's own face tells books, requests and faults", async () => {
  const { origin } = kis.simulator;
  const books = z
    .object({
      vendor: z.string(),
      vouchers: z.array(z.object({ origin: z.object({ kind: z.string(), file: z.string() }) })),
    })
    .parse(await (await fetch(`${origin}/_sim/books`)).json());
  expect(books.vendor).toBe("kingdee-kis");
  expect(books.vouchers.map(({ origin: { kind, file } }) => [kind, file])).toEqual(Array(3).fill(["import", "a.dbf"]));
  expect(await (await fetch(`${origin}/_sim/requests`)).json()).toMatchObject({ totals: { import: 1 } });
  const set = await fetch(`${origin}/_sim/faults`, { method: "POST", body: `{"faults":[{"kind":"lose-after"}]}` });
  expect(await set.json()).toMatchObject({ ok: true });
  expect((await fetch(`${origin}/_sim/faults`, { method: "POST", body: `{"faults":[{"kind":"x"}]}` })).status).toBe(
    400,
  );
});
