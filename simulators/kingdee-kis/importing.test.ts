import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { KingdeeKisOptions } from "./server.ts";
import { STANDARD_LAYOUT } from "./dbf-layouts.ts";
import { type Cells, type Kis, professionalRows, receiptRows, startKis } from "./testing.ts";

const open: Kis[] = [];
afterEach(async () => {
  for (const kis of open.splice(0)) await kis.close();
});
async function start(options: KingdeeKisOptions = {}): Promise<Kis> {
  const kis = await startKis(options);
  open.push(kis);
  return kis;
}

test("标准版 takes vouchers, gives them its own numbers, and tells so in a log", async () => {
  const kis = await start();
  kis.dbf("a.dbf", [...receiptRows("71"), ...receiptRows("72")]);
  const answer = await kis.import("a.dbf");
  expect(answer.lines.map(({ taken, number }) => [taken, number])).toEqual([
    [true, 1],
    [true, 2],
  ]);
  expect(kis.text("a.dbf.log").split("\r\n").slice(4)).toEqual([
    "共读取凭证2张，分录4条",
    "第1张 2025-01-31 记-71 引入成功，凭证号记-1",
    "第2张 2025-01-31 记-72 引入成功，凭证号记-2",
    "引入完成：成功2张，失败0张",
    "",
  ]);
  const exported = await kis.exported("2025-01");
  expect(exported[0]).toMatchObject({
    FDATE: "20250131",
    FPERIOD: "1",
    FGROUP: "记",
    FNUM: "1",
    FENTRYID: "0",
    FEXP: "暂估入库 71",
    FACCTID: "1405",
    FCLSNAME1: "物料",
    FOBJID1: "M-001",
    FOBJNAME1: "示例物料一",
    FTRANSID: "key71",
    FCYID: "RMB",
    FDC: "D",
    FFCYAMT: "128.50",
    FQTY: "10.00",
    FDEBIT: "128.50",
    FCREDIT: "0.00",
    FATTCHMENT: "2",
    FPOSTED: "F",
    FDELETED: "F",
  });
  expect(exported[1]).toMatchObject({ FENTRYID: "1", FDC: "C", FCLSNAME2: "往来单位", FOBJID2: "VEN001" });
});

test("专业版 has other codes for debit and credit, and refuses those of 标准版", async () => {
  const kis = await start({ dialect: "professional" });
  kis.dbf("pro.dbf", professionalRows("0"));
  expect((await kis.import("pro.dbf")).lines).toMatchObject([{ taken: true, number: 1 }]);
  expect(
    (await kis.exported("2025-01")).map(({ FDC, FREFERENCE, FUNITNAME, FQTY }) => [FDC, FREFERENCE, FUNITNAME, FQTY]),
  ).toEqual([
    ["1", "reference 0", "个", "10.12345600"],
    ["0", "", "", "0.00000000"],
  ]);
  kis.dbf("std.dbf", receiptRows("1"), STANDARD_LAYOUT.columns);
  expect((await kis.import("std.dbf")).lines).toMatchObject([{ taken: false, row: 1, message: "借贷方向不正确" }]);
});

test("a workbook in the Chinese layout is taken and exported again", async () => {
  const kis = await start({ dialect: "excel" });
  const head = { 日期: "2025-01-31", 凭证字: "记", 凭证号: 5, 附单据数: 2, 币别: "人民币", 汇率: 1 };
  const rows = [
    {
      ...head,
      摘要: "入库",
      科目编码: "1405",
      借方金额: 128.5,
      原币金额: 128.5,
      数量: 10.5,
      核算类别: "物料;仓库",
      核算编码: "M-001;CK01",
    },
    {
      ...head,
      摘要: "入库",
      科目编码: "2202.02",
      贷方金额: 128.5,
      原币金额: 128.5,
      核算类别: "供应商",
      核算编码: "VEN001",
    },
  ];
  await kis.sheet("a.xlsx", rows);
  expect((await kis.import("a.xlsx")).lines).toMatchObject([{ taken: true, number: 1 }]);
  await kis.person("export", { period: "2025-01", file: "b.xlsx" });
  expect((await kis.import("b.xlsx")).lines).toMatchObject([{ taken: true, number: 2 }]);
  await kis.person("settings", { excelExport: "technical" });
  await kis.person("export", { period: "2025-01", file: "c.xlsx" });
  expect((await kis.import("c.xlsx")).lines.map(({ number }) => number)).toEqual([3, 4]);
  const vouchers = [...kis.simulator.world.ledger.vouchers.values()];
  expect(vouchers).toHaveLength(4);
  for (const { entries, attachments } of vouchers) {
    expect(attachments).toBe(2);
    expect(entries).toEqual(vouchers[0]?.entries);
  }
});

test("a program that opens legacy workbooks alone refuses xlsx", async () => {
  const kis = await start({ dialect: "excel", settings: { excelFormats: ["xls"] } });
  await kis.sheet("a.xlsx", []);
  expect((await kis.import("a.xlsx")).refusedWhole).toBe("外部表不是预期的格式");
});

const both = (change: Cells): { debit: Cells; credit: Cells } => ({ debit: change, credit: change });

test.each<[what: string, rows: Cells[], message: string]>([
  ["a closed period", receiptRows("1", both({ FDATE: "20241231", FPERIOD: "12" })), "会计期间2024年第12期已经结账"],
  ["a period that is not the date's", receiptRows("1", both({ FPERIOD: "2" })), "会计期间2与凭证日期2025-01-31不符"],
  ["a date that is none", receiptRows("1", both({ FDATE: "20250231" })), "凭证日期“2025-02-31”不正确"],
  ["an unknown 凭证字", receiptRows("1", both({ FGROUP: "银" })), "凭证字“银”不存在"],
  ["a parent account", receiptRows("1", { credit: { FACCTID: "2202" } }), "科目“2202”不是最明细科目"],
  ["an unknown account", receiptRows("1", { credit: { FACCTID: "9999" } }), "科目代码“9999”不存在"],
  ["an unbalanced voucher", receiptRows("1", { credit: { FCREDIT: "1", FFCYAMT: "1" } }), "凭证借贷不平衡"],
  ["a single entry", receiptRows("1").slice(0, 1), "凭证至少要有两条分录"],
  ["an unknown code", receiptRows("1", { debit: { FOBJID1: "X" } }), "核算类别“物料”中代码“X”不存在"],
  [
    "a missing dimension",
    receiptRows("1", { debit: { FCLSNAME1: "", FOBJID1: "" } }),
    "科目“1405”必须录入核算项目“物料”",
  ],
  [
    "a dimension of another account",
    receiptRows("1", { credit: { FCLSNAME3: "部门", FOBJID3: "BM001" } }),
    "科目“2202.02”没有核算类别“部门”",
  ],
  [
    "a class in a foreign slot",
    receiptRows("1", { credit: { FCLSNAME2: "", FOBJID2: "", FCLSNAME1: "往来单位", FOBJID1: "VEN001" } }),
    "核算类别“往来单位”应填在第2组",
  ],
  ["a side without its amount", receiptRows("1", { debit: { FDC: "C" } }), "借贷方向与金额不符"],
  ["an unknown currency", receiptRows("1", both({ FCYID: "USD" })), "币别“USD”不存在"],
  ["an empty first summary", receiptRows("1", { debit: { FEXP: "" } }), "第一条分录的摘要不能为空"],
  ["an amount of zero", receiptRows("1", {}, "0.00"), "分录金额不能为零"],
  ["an amount that is no number", receiptRows("1", { debit: { FDEBIT: "12,5" } }), "借方金额“12,5”不是数字"],
])("the books refuse %s, and the log says so", async (_what, rows, message) => {
  const kis = await start();
  kis.dbf("a.dbf", [...rows, ...receiptRows("2")]);
  const { lines } = await kis.import("a.dbf");
  expect(lines).toMatchObject([
    { taken: false, message },
    { taken: true, number: 1 },
  ]);
  expect(kis.text("a.dbf.log")).toContain(`引入失败，第${lines[0]?.row}条记录：${message}`);
  expect(kis.simulator.world.ledger.vouchers.size).toBe(1);
});

test("a summary over 40 bytes is refused even where the file's column is wider", async () => {
  const kis = await start();
  const columns = STANDARD_LAYOUT.columns.map((one) => (one.name === "FEXP" ? { ...one, length: 60 } : one));
  kis.dbf("a.dbf", receiptRows("1", { debit: { FEXP: "一".repeat(21) } }), columns);
  expect((await kis.import("a.dbf")).lines).toMatchObject([{ taken: false, message: "摘要超过40个字节" }]);
});

test("the ten-thousandth voucher of a 凭证字 and period is refused", async () => {
  const kis = await start({ settings: { numbering: "file" } });
  kis.dbf("a.dbf", [...receiptRows("9999"), ...receiptRows("9999")]);
  kis.dbf("b.dbf", receiptRows("9999"));
  await kis.person("settings", { numbering: "file" });
  // Equal numbers in one file are one voucher of four entries.
  expect((await kis.import("a.dbf")).lines).toMatchObject([{ taken: true, number: 9999 }]);
  expect((await kis.import("b.dbf")).lines).toMatchObject([{ message: "凭证号“记-9999”已经存在" }]);
  await kis.person("settings", { numbering: "program" });
  expect((await kis.import("b.dbf")).lines).toMatchObject([{ message: "2025-01“记”字凭证号已达9999" }]);
});

test("nothing is taken of a file with one wrong voucher when the program works that way", async () => {
  const kis = await start({ settings: { wholeFile: true } });
  kis.dbf("a.dbf", [...receiptRows("1"), ...receiptRows("2", { credit: { FACCTID: "9999" } })]);
  expect((await kis.import("a.dbf")).lines).toMatchObject([{ place: 2, taken: false }]);
  expect(kis.simulator.world.ledger.vouchers.size).toBe(0);
});

test("a half-written file is refused as a whole", async () => {
  const kis = await start();
  kis.dbf("a.dbf", receiptRows("1"));
  const path = join(kis.simulator.credentials.folder, "a.dbf");
  truncateSync(path, readFileSync(path).length - 50);
  expect((await kis.import("a.dbf")).refusedWhole).toContain("记录数与文件长度不符");
  writeFileSync(path, "");
  expect((await kis.import("a.dbf")).refusedWhole).toBe("不是有效的DBF文件");
  expect(kis.text("a.dbf.2.log")).toContain("引入失败：不是有效的DBF文件");
  expect(await kis.person("import", { file: "../a.dbf" })).toMatchObject({ ok: false });
  expect(await kis.person("import", { file: "none.dbf" })).toMatchObject({
    ok: false,
    message: "找不到文件“none.dbf”",
  });
});

test("a file imported twice is booked twice: nothing in it stops the program", async () => {
  const kis = await start();
  kis.dbf("a.dbf", receiptRows("1"));
  await kis.import("a.dbf");
  expect((await kis.import("a.dbf")).written).toBe("a.dbf.2.log");
  expect((await kis.exported("2025-01")).filter(({ FTRANSID }) => FTRANSID === "key1")).toHaveLength(2);
});
