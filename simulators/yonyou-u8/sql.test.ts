import { afterEach, beforeEach, expect, test } from "vitest";
import { startYonyouU8, type YonyouU8 } from "./server.ts";
import { eai, person, receiptLines, sql, voucherXml } from "./testing.ts";

let simulator: YonyouU8;

beforeEach(async () => {
  simulator = await startYonyouU8();
});

afterEach(async () => {
  await simulator.close();
});

test("R1 and R2: a voucher by its key and by its number, void ones left out", async () => {
  await eai(simulator, voucherXml(receiptLines("1280.50"), { key: "K1" }));
  await eai(simulator, voucherXml(receiptLines("7.00"), { key: "K2" }));
  const r1 = `SELECT iyear, iperiod, csign, ino_id, inid, dbill_date, ccode, md, mc, cdept_id, cperson_id, ccus_id, csup_id,
       citem_class, citem_id, cdigest, cbill, ccheck, cbook, ibook, iflag
FROM GL_accvouch
WHERE coutno_id = 'K1' AND iperiod BETWEEN 1 AND 12 AND ISNULL(iflag,0) <> 1
ORDER BY iyear, iperiod, csign, ino_id, inid;`;
  expect(await sql(simulator, r1)).toEqual([
    {
      iyear: "2025",
      iperiod: "1",
      csign: "记",
      ino_id: "1",
      inid: "1",
      dbill_date: "2025-01-31T00:00:00+08:00",
      ccode: "1405",
      md: "1280.5000",
      mc: "0.0000",
      citem_class: "01",
      citem_id: "M-001",
      cdigest: "暂估入库",
      cbill: "接口用户",
      ibook: "0",
    },
    expect.objectContaining({ inid: "2", ccode: "220202", mc: "1280.5000", csup_id: "VEN001" }),
  ]);
  const r2 = `SELECT COUNT(*) AS n, SUM(md) AS debit, SUM(mc) AS credit, MIN(coutno_id) AS k1, MAX(coutno_id) AS k2
FROM GL_accvouch WHERE iyear=2025 AND iperiod=1 AND csign='记' AND ino_id=1 AND ISNULL(iflag,0) <> 1;`;
  expect(await sql(simulator, r2)).toEqual([{ n: "2", debit: "1280.5000", credit: "1280.5000", k1: "K1", k2: "K1" }]);
  const { vouchers } = simulator.world.ledger;
  const [first] = vouchers.keys();
  await person(simulator, "void", { id: first, force: true });
  expect(await sql(simulator, r1)).toEqual([]);
  expect(await sql(simulator, r2)).toEqual([{ n: "0" }]);
});

test("R3 and R4: whether a period is open, and what an account demands", async () => {
  const r3 = (period: number) =>
    sql(simulator, `SELECT iperiod, bflag, bflag_ST, bflag_IA FROM GL_mend WHERE iyear=2025 AND iperiod=${period};`);
  expect(await r3(1)).toEqual([{ iperiod: "1", bflag: "false", bflag_ST: "false", bflag_IA: "false" }]);
  await person(simulator, "close-period", { period: "2025-01", module: "gl" });
  expect(await r3(1)).toEqual([{ iperiod: "1", bflag: "true", bflag_ST: "false", bflag_IA: "false" }]);
  const r4 = `SELECT ccode, bend, bdept, bperson, bcus, bsup, bitem, cass_item, bclose FROM code WHERE iyear=2025 AND ccode='1405';`;
  expect(await sql(simulator, r4)).toEqual([
    {
      ccode: "1405",
      bend: "true",
      bdept: "false",
      bperson: "false",
      bcus: "false",
      bsup: "false",
      bitem: "true",
      cass_item: "01",
      bclose: "false",
    },
  ]);
});

test("R5 and R6: a stock document by our key, and what lies in a warehouse", async () => {
  for (const [define1, quantity] of [
    ["S-1", "12.5"],
    ["S-2", "1.000001"],
  ] as const) {
    const head = { warehousecode: "CK01", date: "2025-01-10", receivecode: "13", define1 };
    const lines = [{ inventorycode: "M-001", quantity, price: "8.40" }];
    expect(await person(simulator, "write-document", { kind: "08", head, lines })).toMatchObject({ ok: true });
  }
  const r5 = `SELECT h.ID, h.cCode, h.dDate, h.cWhCode, h.cHandler, b.irowno, b.cInvCode, b.iQuantity, b.iUnitCost, b.iPrice
FROM RdRecord08 h JOIN rdrecords08 b ON b.ID = h.ID WHERE h.cDefine1 = 'S-1';`;
  expect(await sql(simulator, r5)).toEqual([
    {
      ID: "1",
      cCode: "0000000001",
      dDate: "2025-01-10T00:00:00+08:00",
      cWhCode: "CK01",
      irowno: "1",
      cInvCode: "M-001",
      iQuantity: "12.5000000000",
      iUnitCost: "8.4000000000",
      iPrice: "105.0000",
    },
  ]);
  const r6 = `SELECT cWhCode, cInvCode, SUM(iQuantity) AS qty FROM CurrentStock
WHERE cWhCode='CK01' AND (NULL IS NULL OR cInvCode=NULL) GROUP BY cWhCode, cInvCode;`;
  expect(await sql(simulator, r6)).toEqual([{ cWhCode: "CK01", cInvCode: "M-001", qty: "13.500001" }]);
});

test("whatever is no such SELECT is refused in the words of SQL Server", async () => {
  const refused = (query: string, text: string) => expect(sql(simulator, query)).rejects.toThrow(text);
  await refused("DELETE FROM GL_accvouch", "EAI通用查询只支持SELECT语句。");
  await refused("SELECT 1 FROM GL_accvouch; DROP TABLE code", "'DROP' 附近有语法错误。");
  await refused("SELECT * FROM UA_User", "对象名 'UA_User' 无效。");
  await refused("SELECT * FROM UFDATA_002_2025..code", "无效。");
  await refused("SELECT nope FROM code", "列名 'nope' 无效。");
  await refused("SELECT CHECKSUM(ccode) FROM code", "不是可以识别的");
  await refused("SELECT ccode FROM code WHERE ccode IN (SELECT ccode FROM code)", "附近有语法错误");
  await refused("SELECT ccode FROM code WHERE iyear = 'abc'", "转换成数据类型 int 时失败");
  await refused(`SELECT ccode FROM code WHERE ${"(".repeat(100)}1=1${")".repeat(100)}`, "嵌套过深");
});

test("names with the database in front, TOP, DISTINCT, LIKE, ORDER BY and NOLOCK work", async () => {
  expect(
    await sql(
      simulator,
      "select top 1 cAcc_Id, iYear, dEnd from UFSystem..UA_Period where iId = 2 order by iYear desc",
    ),
  ).toEqual([{ cAcc_Id: "001", iYear: "2026", dEnd: "2026-02-28T00:00:00+08:00" }]);
  expect(
    await sql(
      simulator,
      "select distinct c.ccode as 科目 from code c with (nolock) where c.ccode like '2221%' and not c.bend = 0 and c.ccode <> '222102' order by 科目 desc",
    ),
  ).toHaveLength(6);
});
