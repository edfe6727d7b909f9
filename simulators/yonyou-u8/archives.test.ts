import { afterEach, beforeEach, expect, test } from "vitest";
import { startYonyouU8, type YonyouU8 } from "./server.ts";
import { eai, openApi } from "./testing.ts";

let simulator: YonyouU8;

beforeEach(async () => {
  simulator = await startYonyouU8();
});

afterEach(async () => {
  await simulator.close();
});

const send = async (roottag: string, content: string, proc = "add") => {
  const body = `<?xml version="1.0" encoding="utf-8"?><ufinterface roottag="${roottag}" docid="" receiver="u8" sender="001" proc="${proc}" version="2.0"><${roottag}>${content}</${roottag}></ufinterface>`;
  return eai(simulator, body);
};
const customer = `<code>C9</code><name>新客户</name><abbrname>新</abbrname><sort_code>01</sort_code><seed_date>2025-01-01 00:00:00</seed_date>`;

test("an archive is added once; a second time its code exists", async () => {
  expect((await send("customer", customer)).items).toEqual([{ key: "C9", succeed: "0", dsc: "ok", u8key: "C9" }]);
  expect((await send("customer", customer)).items[0]).toMatchObject({
    succeed: "101",
    dsc: "客户编码已经存在，不可重复！",
  });
  expect((await send("customer", "<code>C9</code><name>改名</name>", "edit")).items[0]).toMatchObject({ succeed: "0" });
  expect((await send("customer", "", "query")).text).toContain("<name>改名</name>");
  expect((await send("customer", "<code>C9</code>", "delete")).items[0]).toMatchObject({ succeed: "0" });
  expect((await send("customer", "<code>C9</code>", "delete")).items[0]).toMatchObject({ succeed: "102" });
});

test("database names, missing fields and unknown references are refused; a wrong structure claims success", async () => {
  const dsc = async (roottag: string, content: string) => (await send(roottag, content)).items[0]?.["dsc"];
  expect(await dsc("warehouse", "<cwhcode>1</cwhcode>")).toContain("数据库没有提供的字段(cwhcode)");
  expect(await dsc("customer", "<code>1</code><name>x</name>")).toBe("字段(abbrname)不能为空");
  expect(await dsc("customer", customer.replace(">01<", ">99<"))).toBe("客户分类不存在");
  expect(await dsc("vendor", customer)).toBe("必须至少选择一个业务范围");
  expect(await dsc("warehouse", "<code>12345678901</code><name>x</name>")).toBe("仓库编码超出最大长度10");
  expect((await send("inventory", "<code>1</code><name>x</name>")).items[0]).toEqual({
    key: "",
    succeed: "0",
    dsc: "",
    u8key: "",
  });
  expect(await dsc("saleorder", "<x/>")).toBe("不支持的模版或操作");
});

test("a new account under a leaf takes the leaf away, as it does in the client", async () => {
  const account = `<code>640101</code><name>商品成本</name><grade>2</grade><prop>1</prop>`;
  expect((await send("code", account)).items[0]).toMatchObject({ succeed: "0" });
  const asked = await send("code", `<field name="ccode" operation="=" value="6401" logic=""/>`, "query");
  expect(asked.text).toContain("<end_item_flag>0</end_item_flag>");
});

test("the OpenAPI lists, reads and adds archives", async () => {
  const api = await openApi(simulator);
  expect(await api.get("api/inventory/batch_get", { code_begin: "007", code_end: "007" })).toMatchObject({
    row_count: "1",
    inventory: [{ code: "007", name: "示例物料三", main_measure: "03" }],
  });
  const warehouse = { warehouse: { code: "W8", name: "新仓", valuestyle: "全月平均法", barcode: "W8" } };
  expect(await api.post("api/warehouse/add", { biz_id: "w", sync: "1" }, warehouse)).toMatchObject({ id: "W8" });
  expect(await api.get("api/warehouse/get", { id: "W8" })).toMatchObject({ warehouse: { name: "新仓" } });
  expect(await api.post("api/warehouse/add", { biz_id: "w2", sync: "1" }, warehouse)).toMatchObject({
    errcode: "20005",
    errmsg: "U8 服务调用失败:key='W8';仓库编码已经存在，不可重复！;",
  });
  const project = { fitem: { citem_class: "02", code: "P-9", name: "新项目" } };
  expect(await api.post("api/fitem/add", { biz_id: "f", sync: "1" }, project)).toMatchObject({ id: "P-9" });
});
