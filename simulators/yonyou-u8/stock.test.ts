import { afterEach, beforeEach, expect, test } from "vitest";
import { startYonyouU8, type YonyouU8 } from "./server.ts";
import { type Api, books, eai, openApi, person, sql } from "./testing.ts";

let simulator: YonyouU8;
let api: Api;

beforeEach(async () => {
  simulator = await startYonyouU8();
  api = await openApi(simulator);
});

afterEach(async () => {
  await simulator.close();
});

type Fields = Record<string, string>;
const elements = (fields: Fields): string =>
  Object.entries(fields)
    .map(([name, value]) => `<${name}>${value}</${name}>`)
    .join("");

function documentXml(roottag: string, head: Fields, lines: readonly Fields[], proc = "add"): string {
  const entries = lines.map((line) => `<entry>${elements(line)}</entry>`).join("");
  return `<?xml version="1.0" encoding="utf-8"?><ufinterface roottag="${roottag}" billtype="" docid="" receiver="u8" sender="001" proc="${proc}" codeexchanged="N" exportneedexch="N" version="2.0"><${roottag}><header>${elements(head)}</header><body>${entries}</body></${roottag}></ufinterface>`;
}

const receipt = (change: Fields = {}): Fields => ({
  receiveflag: "1",
  vouchtype: "08",
  businesstype: "其他入库",
  source: "库存",
  warehousecode: "CK01",
  date: "2025-01-10",
  code: "GW01",
  receivecode: "13",
  maker: "接口用户",
  define1: "K-1",
  ...change,
});
const goods = (change: Fields = {}): Fields => ({ inventorycode: "M-001", quantity: "12.5", price: "8.40", ...change });
const issue = (change: Fields = {}): Fields =>
  receipt({ receiveflag: "0", vouchtype: "09", businesstype: "其他出库", receivecode: "23", ...change });

const send = async (...given: Parameters<typeof documentXml>) => (await eai(simulator, documentXml(...given))).items[0];
const stock = () =>
  sql(simulator, "select cWhCode, cInvCode, cBatch, iQuantity from CurrentStock where iQuantity <> 0");

test("a receipt moves the stock, and a taken number is replaced in silence", async () => {
  expect(await send("storein", receipt(), [goods()])).toEqual({ key: "GW01", succeed: "0", dsc: "ok", u8key: "GW01" });
  expect(await send("storein", receipt(), [goods({ quantity: "1" })])).toMatchObject({
    succeed: "0",
    u8key: "0000000001",
  });
  expect(await stock()).toEqual([{ cWhCode: "CK01", cInvCode: "M-001", cBatch: "", iQuantity: "13.500000" }]);
});

test("what the warehouse refuses, in the order of the reference", async () => {
  const head = async (change: Fields) => (await send("storein", receipt(change), [goods()]))?.["dsc"];
  const line = async (change: Fields) => (await send("storein", receipt(), [goods(change)]))?.["dsc"];
  expect(await head({ cwhcode: "x" })).toBe("数据库没有提供的字段(cwhcode)! 或者提供该字段的值格式不正确!");
  expect(await head({ warehousecode: "CK99" })).toBe("该仓库不合法,请重新输入。");
  expect(await head({ warehousecode: "CK09" })).toBe("该仓库不合法,请重新输入。");
  expect(await head({ receivecode: "23" })).toBe("该收发类别不合法,请重新输入。");
  expect(await head({ departmentcode: "x" })).toBe("该部门不合法,请重新输入。");
  expect(await head({ personcode: "x" })).toBe("该业务员不合法,请重新输入。");
  expect(await head({ date: "2024-12-31" })).toBe("单据日期所在月份库存管理已结账");
  expect(await head({ code: "" })).toBe("单据编号不能为空");
  expect(await head({ vouchtype: "09" })).toBe("单据类型不正确");
  expect(await head({ warehousecode: "CK03" })).toBe("该货位不合法,请重新输入。");
  expect(await line({ inventorycode: "x" })).toBe("该存货不合法,请重新输入。");
  expect(await line({ inventorycode: "B-001" })).toBe("存货B-001的批号不能为空");
  expect(await line({ serial: "L1" })).toBe("存货M-001未启用批次管理，不能输入批号");
  expect(await line({ quantity: "0" })).toBe("存货M-001的数量不能为空");
  expect(await line({ price: "-1" })).toBe("存货M-001的单价不能为负");
  const short = await send("storeout", issue(), [goods()]);
  expect(short).toMatchObject({ succeed: "1", dsc: "存货M-001现存量不足", u8key: "" });
  expect(await stock()).toEqual([]);
  await person(simulator, "settings", { zeroIssue: "allow" });
  expect(await send("storeout", issue(), [goods()])).toMatchObject({ succeed: "0" });
});

test("a transfer moves stock once it is audited, by an issue and a receipt that name it", async () => {
  await send("storein", receipt({ code: "1" }), [goods({ quantity: "10" })]);
  const head = {
    tvcode: "T1",
    date: "2025-01-11",
    owhcode: "CK01",
    iwhcode: "CK02",
    ordcode: "25",
    irdcode: "15",
    define1: "T",
  };
  expect(await send("transvouch", head, [{ inventorycode: "M-001", quantity: "4" }])).toMatchObject({ u8key: "T1" });
  expect(await stock()).toHaveLength(1);
  const verified = await api.post("api/transvouch/verify", {}, { transvouch: { voucher_code: "T1", user_id: "主管" } });
  expect(verified).toMatchObject({ errcode: "0" });
  expect(await stock()).toEqual([
    expect.objectContaining({ cWhCode: "CK01", iQuantity: "6.000000" }),
    expect.objectContaining({ cWhCode: "CK02", iQuantity: "4.000000" }),
  ]);
  expect(
    await sql(simulator, "select cVouchType, cBusType from RdRecord where cBusCode = 'T1' order by cVouchType"),
  ).toEqual([
    { cVouchType: "08", cBusType: "调拨入库" },
    { cVouchType: "09", cBusType: "调拨出库" },
  ]);
  const tooMuch = { ...head, tvcode: "T2", auditperson: "主管", auditdate: "2025-01-11" };
  expect(await send("transvouch", tooMuch, [{ inventorycode: "M-001", quantity: "7" }])).toMatchObject({
    succeed: "1",
    dsc: "存货M-001现存量不足",
  });
  expect((await books(simulator)).documents.filter(({ kind }) => kind === "trans")).toHaveLength(1);
  await api.post("api/transvouch/unverify", {}, { transvouch: { voucher_code: "T1", user_id: "主管" } });
  expect(await stock()).toEqual([expect.objectContaining({ cWhCode: "CK01", iQuantity: "10.000000" })]);
});

test("a count books gains and losses when it is audited", async () => {
  await send("storein", receipt({ code: "1" }), [
    goods({ quantity: "10" }),
    goods({ inventorycode: "M-002", quantity: "5" }),
  ]);
  const head = {
    code: "P1",
    date: "2025-01-31",
    accountdate: "2025-01-31",
    whcode: "CK01",
    irdcode: "14",
    ordcode: "24",
  };
  const lines = [
    { inventorycode: "M-001", quantity: "11", accountquantity: "10" },
    { inventorycode: "M-002", quantity: "3", accountquantity: "4", adjustinquantity: "1" },
  ];
  await send("checkvouch", { ...head, auditperson: "主管", auditdate: "2025-01-31" }, lines);
  expect(await stock()).toEqual([
    expect.objectContaining({ cInvCode: "M-001", iQuantity: "11.000000" }),
    expect.objectContaining({ cInvCode: "M-002", iQuantity: "3.000000" }),
  ]);
  expect(await sql(simulator, "select cBusType from RdRecord where cBusCode = 'P1'")).toHaveLength(2);
  expect(await api.get("api/checkvouch/get", { id: "P1" })).toMatchObject({ errcode: "30003" });
  await person(simulator, "settings", { openApiCheckvouch: true });
  expect(await api.get("api/checkvouch/get", { id: "P1" })).toMatchObject({ checkvouch: { code: "P1" } });
});

test("the OpenAPI adds, reads, verifies and lists stock documents", async () => {
  const body = {
    otherin: {
      warehousecode: "CK01",
      receivecode: "13",
      date: "2025-01-31",
      maker: "接口用户",
      define1: "S-1",
      entry: [{ inventorycode: "M-001", inventoryname: "x", quantity: 12.5, price: 8.4, cost: 105.0, rowno: 1 }],
    },
  };
  const added = await api.post("api/otherin/add", { biz_id: "S-1", sync: "1" }, body);
  expect(added).toMatchObject({ errcode: "0", id: "0000000001" });
  const query = { id: "0000000001" };
  expect(await api.get("api/otherin/get", query)).toMatchObject({
    otherin: { warehousename: "一号仓", handler: "", entry: [{ quantity: "12.5", price: "8.4", cost: "105.00" }] },
  });
  await api.post("api/otherin/verify", {}, { otherin: { voucher_code: "0000000001", user_id: "主管" } });
  expect(await api.get("api/otherinlist/batch_get", { define1: "S-1" })).toMatchObject({
    row_count: "1",
    otherinlist: [{ code: "0000000001", handler: "主管" }],
  });
  expect(await api.get("api/currentstock/batch_get", { whcode_begin: "CK01", whcode_end: "CK01" })).toMatchObject({
    currentstock: [{ whcode: "CK01", invcode: "M-001", qty: "12.5", availqty: "12.5" }],
  });
  const twice = await api.post("api/otherin/verify", query, {});
  expect(twice).toEqual({ errcode: "20005", errmsg: "U8 服务调用失败:key='0000000001';单据已审核;" });
  const { otherin } = body;
  const bare = { otherin: { ...otherin, receivecode: "" } };
  expect(await api.post("api/otherin/add", { biz_id: "S-2", sync: "1" }, bare)).toMatchObject({ errcode: "20005" });
  const odd = { otherin: { ...otherin, clabel: "x" } };
  expect(await api.post("api/otherin/add", { biz_id: "S-3", sync: "1" }, odd)).toMatchObject({
    errmsg: "U8 服务调用失败:key='';数据库没有提供的字段(clabel)! 或者提供该字段的值格式不正确!;",
  });
});

test("edit and delete over EAI stop at the audit; u8api verifies and says False when it cannot", async () => {
  await send("storein", receipt(), [goods()]);
  expect(await send("storein", receipt(), [goods({ quantity: "2" })], "edit")).toMatchObject({ succeed: "0" });
  expect(await stock()).toEqual([expect.objectContaining({ iQuantity: "2.000000" })]);
  const service = `<u8apiservice><apiurl value="U8API/otherin/Audit"/><apiParams><param name="VouchId" value="1" datatype="string"/></apiParams><returnParams><param name="VouchId"/></returnParams></u8apiservice>`;
  const twice = `<ufinterface sender="001" receiver="u8" roottag="u8api" proc="verify">${service}${service}</ufinterface>`;
  const { root } = await eai(simulator, twice);
  expect(root?.children.map(({ attributes }) => attributes["issuccess"])).toEqual(["true", "False"]);
  expect(await send("storein", receipt(), [goods()], "delete")).toMatchObject({ succeed: "104" });
  await person(simulator, "unaudit-document", { id: 1 });
  expect(await send("storein", receipt(), [goods()], "delete")).toMatchObject({ succeed: "0" });
  expect(await stock()).toEqual([]);
});

test("queries give documents and quantities back in the template's form", async () => {
  await send("storein", receipt(), [goods()]);
  const ask = (roottag: string, fields = "") =>
    eai(
      simulator,
      `<ufinterface sender="001" receiver="u8" roottag="${roottag}" proc="query"><${roottag}>${fields}</${roottag}></ufinterface>`,
    );
  const found = await ask("storein", `<field name="cDefine1" operation="=" value="K-1" logic=""/>`);
  expect(found.text).toContain("<inventorycode>M-001</inventorycode>");
  expect(found.text).toContain("<code>GW01</code>");
  expect((await ask("storein", `<field name="cDefine1" operation="=" value="K-2"/>`)).root?.children).toEqual([]);
  expect((await ask("storequantity")).text).toContain("<code>M-001</code><now>12.5</now>");
});
