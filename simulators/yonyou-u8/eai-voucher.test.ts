import { afterEach, beforeEach, expect, test } from "vitest";
import { startYonyouU8, type YonyouU8 } from "./server.ts";
import { books, eai, person, receiptLines, sql, voucherElement, voucherXml } from "./testing.ts";

let simulator: YonyouU8;

beforeEach(async () => {
  simulator = await startYonyouU8();
});

afterEach(async () => {
  await simulator.close();
});

const post = async (...given: Parameters<typeof voucherXml>) => (await eai(simulator, voucherXml(...given))).items;
const said = async (...given: Parameters<typeof voucherXml>) =>
  (await post(...given)).map(({ entry_id: entry, succeed, dsc }) => [entry, succeed, dsc]);

test("a voucher is saved under the next number, and the reply has the vendor's form to the letter", async () => {
  const { text } = await eai(simulator, voucherXml(receiptLines(), { key: "K-1" }));
  expect(text).toBe(
    `<?xml version="1.0" encoding="utf-8"?><ufinterface roottag="voucheraddreturn" docid="d-1" proc="add" sender="u8" receiver="001" request-roottag="voucher">` +
      `<item accounting_period="1" voucher_type="记" voucher_id="" entry_id="" succeed="0" dsc="凭证已成功保存" u8accounting_period="1" u8voucher_id="1" u8accounting_year="2025"/></ufinterface>`,
  );
  const second = await post(receiptLines(), { key: "K-2" });
  expect(second[0]?.["u8voucher_id"]).toBe("2");
});

test("what the books refuse: every failing line is named, then the summary, and nothing is saved", async () => {
  const [debit, credit] = receiptLines();
  if (!debit || !credit) throw new Error("the fixture has two lines");
  expect(await said([debit, { ...credit, account: "2202" }, { ...debit, auxiliaries: {} }])).toEqual([
    ["2", "1", "科目不是末级科目"],
    ["3", "1", "项目非法"],
    ["", "1", "凭证分录数据有错"],
  ]);
  const line = (change: object) => [{ ...debit, ...change }, credit];
  const first = async (change: object) => (await said(line(change)))[0]?.[2];
  expect(await first({ account: "9999" })).toBe("科目编码非法");
  expect(await first({ account: "101201" })).toBe("科目已封存");
  expect(await first({ auxiliaries: { item_class: "01", item_id: "nowhere" } })).toBe("项目非法");
  expect(await first({ account: "6602", auxiliaries: {} })).toBe("部门非法");
  expect(await first({ account: "1122", auxiliaries: { cust_id: "nobody" } })).toBe("客户非法");
  expect(await first({ account: "122101", auxiliaries: {} })).toBe("个人非法");
  expect(await first({ account: "220202", auxiliaries: {} })).toBe("供应商非法");
  expect(await first({ debit: "0" })).toBe("分录金额非法");
  expect(await first({ abstract: " " })).toBe("摘要不能为空");
  expect(await first({ abstract: "长".repeat(61) })).toBe("字段abstract超出最大长度60");
  expect(await said([{ ...debit, debit: "1.00" }, credit])).toEqual([["", "1", "借贷不平"]]);
  expect(await said(receiptLines(), { sign: "无" })).toEqual([["", "1", "凭证类别非法"]]);
  expect(await said(receiptLines(), { period: "13" })).toEqual([["", "1", "会计期间非法"]]);
  expect(await said(receiptLines(), { period: "2" })).toEqual([["", "1", "制单日期不在会计期间内"]]);
  expect(await said(receiptLines(), { date: "2024-12-31" })).toEqual([["", "1", "该期间总账已结账"]]);
  expect(await said(receiptLines(), { key: "x".repeat(51) })).toEqual([["", "1", "字段reserve2超出最大长度50"]]);
  expect(await said(receiptLines(), { sender: "999" })).toEqual([["", "1", "注册号不正确!"]]);
  expect((await books(simulator)).vouchers).toEqual([]);
});

test("a repeated key claims success and saves nothing; the switch words it as a refusal", async () => {
  await post(receiptLines(), { key: "K-1", id: "K-1" });
  expect(await said(receiptLines("1.00"), { key: "K-1", id: "K-1" })).toEqual([["", "0", "数据重复上传"]]);
  expect((await post(receiptLines("1.00"), { key: "K-1" }))[0]?.["u8voucher_id"]).toBe("");
  await person(simulator, "settings", { duplicateReply: "refused" });
  expect(await said(receiptLines(), { key: "K-1" })).toEqual([["", "1", "外部系统凭证已存在"]]);
  await person(simulator, "settings", { duplicateKey: "none" });
  expect(await said(receiptLines(), { key: "K-1" })).toEqual([["", "0", "凭证已成功保存"]]);
  expect((await books(simulator)).vouchers).toHaveLength(2);
});

test("names that are not the template's claim success with empty keys, and write nothing", async () => {
  const wrong = voucherXml(receiptLines()).replaceAll("voucher_head", "Voucher_Head");
  expect((await eai(simulator, wrong)).items[0]).toMatchObject({ succeed: "0", dsc: "", u8voucher_id: "" });
  expect((await books(simulator)).vouchers).toEqual([]);
});

test("keeping numbers, editing and deleting go by year, period, type and number", async () => {
  const keep = { attributes: `renewproofno="n" newadd="y" import="n"`, number: "7" };
  expect((await post(receiptLines(), keep))[0]?.["u8voucher_id"]).toBe("7");
  expect(await said(receiptLines(), keep)).toEqual([["", "1", "凭证号重复"]]);
  expect((await post(receiptLines()))[0]?.["u8voucher_id"]).toBe("8");
  expect(await said(receiptLines("99.00"), { ...keep, proc: "edit" })).toEqual([["", "0", "凭证已成功保存"]]);
  expect((await books(simulator)).vouchers[0]?.entries[0]?.debit).toBe("99.00");
  expect(await said(receiptLines(), { ...keep, proc: "delete" })).toEqual([["", "0", "凭证已删除"]]);
  expect(await said(receiptLines(), { ...keep, proc: "delete" })).toEqual([["", "102", "凭证不存在"]]);
  await post(receiptLines(), { key: "K", attributes: `renewproofno="n" newadd="y"`, number: "9" });
  expect(await said(receiptLines(), { proc: "delete", number: "9" })).toEqual([["", "104", "外部凭证不能删除"]]);
});

test("an import keeps auditor and 作废 as sent, a fresh entry does not", async () => {
  const head = "<checker>审核人甲</checker><revokeflag>1</revokeflag>";
  await post(receiptLines(), { head, attributes: `renewproofno="y" newadd="n" import="y"`, key: "imported" });
  await post(receiptLines(), { head, key: "fresh" });
  expect(await sql(simulator, "select distinct coutno_id, ccheck, iflag from GL_accvouch order by coutno_id")).toEqual([
    { coutno_id: "fresh" },
    { coutno_id: "imported", ccheck: "审核人甲", iflag: "1" },
  ]);
});

test("several vouchers in one request each have their own item", async () => {
  const two = voucherXml(receiptLines(), { key: "A" }).replace(
    "</ufinterface>",
    `${voucherElement(receiptLines("1"), { key: "B", sign: "无" })}${voucherElement(receiptLines("2"), { key: "C" })}</ufinterface>`,
  );
  const { items } = await eai(simulator, two);
  expect(items.map(({ succeed }) => succeed)).toEqual(["0", "1", "0"]);
  expect((await books(simulator)).vouchers.map(({ external }) => external)).toEqual(["A", "C"]);
});

test("a query by fields gives the template back, filled", async () => {
  await post(receiptLines(), { key: "K-1" });
  await post(receiptLines("5.00"), { key: "K-2" });
  const asked = (fields: string) =>
    eai(
      simulator,
      `<?xml version="1.0"?><ufinterface sender="001" receiver="u8" roottag="voucher" docid="" proc="Query"><voucher>${fields}</voucher></ufinterface>`,
    );
  const { root } = await asked(`<field name="coutno_id" operation="=" value="K-2" logic=""/>`);
  expect(root?.attributes).toMatchObject({ roottag: "voucher", proc: "Query", display: "凭证", family: "总账" });
  expect(root?.children).toHaveLength(1);
  const head = root?.children[0]?.children[0]?.children.map(({ name, text }) => [name, text]);
  expect(head).toContainEqual(["reserve2", "K-2"]);
  const both = await asked(
    `<field name="iperiod" operation="=" value="1" logic="and"/><field name="ino_id" operation="&gt;" value="0" logic=""/>`,
  );
  expect(both.root?.children).toHaveLength(2);
  expect((await asked(`<field name="nope" operation="=" value="1" logic=""/>`)).items[0]?.["dsc"]).toBe(
    "列名 'nope' 无效。",
  );
});

test("quotes, markup, emoji and four-byte characters come back as they were sent; control characters never get in", async () => {
  const odd = "a\"b'c<d>&e 😀𠮷";
  const lines = receiptLines().map((line) => ({
    ...line,
    abstract: odd.replaceAll("&", "&amp;").replaceAll("<", "&lt;"),
  }));
  expect(await said(lines, { key: "K" })).toEqual([["", "0", "凭证已成功保存"]]);
  expect(await sql(simulator, "select top 1 cdigest from GL_accvouch where coutno_id = 'K'")).toEqual([
    { cdigest: odd },
  ]);
  const bell = voucherXml(receiptLines(), { key: "B" }).replaceAll("暂估入库", "&#7;");
  expect((await eai(simulator, bell)).status).toBe(500);
});

test("GBK in, UTF-8 out; a byte order mark is taken; broken XML, a DTD or deep nesting gets IIS's 500", async () => {
  const { encodeGbk } = await import("./encoding.ts");
  const gbk = encodeGbk(voucherXml(receiptLines(), { key: "G" }).replace("utf-8", "gb2312"));
  expect((await eai(simulator, gbk)).items[0]?.["succeed"]).toBe("0");
  expect((await eai(simulator, `\ufeff${voucherXml(receiptLines(), { key: "B" })}`)).items[0]?.["succeed"]).toBe("0");
  const bomb = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><ufinterface roottag="voucher" proc="add" sender="001">&a;</ufinterface>`;
  const deep = `<ufinterface roottag="voucher" proc="add" sender="001">${"<a>".repeat(5_000)}${"</a>".repeat(5_000)}</ufinterface>`;
  for (const body of [bomb, deep, "<ufinterface", "", "no xml", "<ufinterface/>"]) {
    const { status, text } = await eai(simulator, body);
    expect(status).toBe(500);
    expect(text).toContain("An error occurred on the server when processing the URL");
  }
  expect((await fetch(`${simulator.baseUrl}u8eai/IMPORT.ASP`)).status).toBe(200);
});
