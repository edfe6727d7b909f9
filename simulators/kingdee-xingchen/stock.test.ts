import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { type KingdeeXingchen, startKingdeeXingchen } from "./server.ts";
import { type Client, logIn, person, type Reply } from "./testing.ts";

let simulator: KingdeeXingchen;
let client: Client;

beforeEach(async () => {
  simulator = await startKingdeeXingchen({ requestsPerSecondMax: null });
  client = await logIn(simulator);
});

afterEach(async () => {
  await simulator.close();
});

const Saved = z.object({ ids: z.array(z.string()).length(1), id_number_map: z.record(z.string(), z.string()) });

function post(path: string, body: object): Promise<Reply> {
  return client.call("POST", `/jdy/v2/scm/${path}`, {}, body);
}

async function save(path: string, body: object): Promise<string> {
  const reply = await post(path, body);
  const saved = Saved.safeParse(reply.data);
  if (!saved.success) throw new Error(reply.description);
  return saved.data.ids[0] ?? "";
}

async function idOf(path: string, number: string): Promise<string> {
  return String((await client.detail(`${path}_detail`, { number }))["id"]);
}

/** A line in the unit of the demonstration items, referring by number. */
function line(material: string, unit: string, quantity: string, more: object = {}): object {
  return { material_number: material, unit_number: unit, qty: quantity, stock_number: "CK01", ...more };
}

/** Puts goods into CK01. */
function receive(quantity: string, cost: string, more: object = {}): Promise<string> {
  const lines = [line("M-001", "Pcs", quantity, { cost })];
  return save("inv_other_in", { bill_date: "2025-01-10", operation_key: "audit", material_entity: lines, ...more });
}

async function onHand(): Promise<unknown> {
  const rows = await client.list("scm/inventory");
  const place = (row: Record<string, unknown>): string =>
    `${String(row["material_number"])} ${String(row["stock_number"])}`;
  return rows
    .toSorted((left, right) => (place(left) < place(right) ? -1 : 1))
    .map((row) => [row["material_number"], row["stock_number"], row["qty"], row["cost"]]);
}

test("a document is saved by ids, listed and read back with names and numbers", async () => {
  const [material, stock, unit, supplier, dept] = [
    await idOf("bd/material", "M-001"),
    await idOf("bd/store", "CK01"),
    await idOf("bd/measure_unit", "Pcs"),
    await idOf("bd/supplier", "VEN001"),
    await idOf("bd/department", "BM001"),
  ];
  const reply = await post("inv_other_in", {
    bill_date: "2025-01-10",
    supplier_id: supplier,
    dept_id: dept,
    remark: "WMS-1",
    custom_field: { custom_key_1: "外部号" },
    material_entity: [
      { material_id: material, stock_id: stock, unit_id: unit, qty: 10, unit_cost: "2.5", comment: "行" },
    ],
  });
  const { ids, id_number_map: numbers } = Saved.parse(reply.data);
  expect(numbers).toEqual({ [ids[0] ?? ""]: "QTRK-20250110-00001" });
  expect(await client.list("scm/inv_other_in")).toMatchObject([
    {
      id: ids[0],
      bill_no: "QTRK-20250110-00001",
      bill_status: "Z",
      supplier_number: "VEN001",
      dept_name: "仓储部",
      remark: "WMS-1",
    },
  ]);
  expect(await client.detail("scm/inv_other_in_detail", { number: "QTRK-20250110-00001" })).toMatchObject({
    custom_field: { custom_key_1: "外部号" },
    create_time: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
    material_entity: [
      {
        seq: "1",
        material_number: "M-001",
        material_name: "示例物料一",
        stock_number: "CK01",
        unit_number: "Pcs",
        qty: "10",
        base_qty: "10",
        cost: "25.00",
        unit_cost: "2.5",
        comment: "行",
      },
    ],
  });
});

test("only what is audited is on hand, and goods leave at the moving average, the last with what remains", async () => {
  const draft = await save("inv_other_in", { bill_date: "2025-01-09", material_entity: [line("M-001", "Pcs", "5")] });
  await receive("2", "10");
  await receive("1", "10");
  expect(await onHand()).toEqual([["M-001", "CK01", "3", "20.00"]]);
  const out = async (quantity: string): Promise<unknown> => {
    const id = await save("sal_out_bound", {
      bill_date: "2025-01-11",
      customer_number: "CUST001",
      operation_key: "audit",
      material_entity: [line("M-001", "Pcs", quantity, { price: "9" })],
    });
    return (await client.detail("scm/sal_out_bound_detail", { id }))["material_entity"];
  };
  expect(await out("1")).toMatchObject([{ cost: "6.67", price: "9" }]);
  expect(await out("2")).toMatchObject([{ cost: "13.33" }]);
  expect(await onHand()).toEqual([["M-001", "CK01", "0", "0.00"]]);
  expect(await client.operate("inv_other_bill_inbound", "audit", [draft])).toMatchObject({ errcode: 0 });
  expect(await onHand()).toEqual([["M-001", "CK01", "5", "0.00"]]);
  expect(await client.operate("inv_other_bill_inbound", "unaudit", [draft])).toMatchObject({ errcode: 0 });
  expect(await client.operate("inv_other_bill_inbound", "delete", [draft])).toMatchObject({ errcode: 0 });
  expect(await onHand()).toEqual([["M-001", "CK01", "0", "0.00"]]);
  expect(await client.list("scm/inv_detail")).toMatchObject([
    { trans_type: "销售出库单", out_qty: "2", out_cost: "13.33" },
    { out_qty: "1", out_cost: "6.67", out_unit_cost: "6.67" },
    { trans_type: "其他入库单", in_qty: "1", in_cost: "10.00" },
    { in_qty: "2", in_cost: "10.00" },
  ]);
});

test("a purchase without tax price takes the tax out of its cost, and needs its supplier", async () => {
  const lines = [line("M-002", "g", "500", { tax_price: "0.0113", cess: "13" })];
  const bill = { bill_date: "2025-01-10", operation_key: "audit", material_entity: lines };
  expect((await post("pur_inbound", bill)).description).toContain('"supplier"字段不能为空');
  await save("pur_inbound", { ...bill, supplier_number: "VEN001" });
  expect(await onHand()).toEqual([["M-002", "CK01", "0.5", "5.00"]]);
});

test("a move takes goods and their value from one warehouse to the other", async () => {
  await receive("4", "10");
  const lines = [{ ...line("M-001", "Pcs", "1"), out_stock_number: "CK01", in_stock_number: "CK02" }];
  await save("inv_tfmove", { bill_date: "2025-01-11", operation_key: "audit", material_entity: lines });
  expect(await onHand()).toEqual([
    ["M-001", "CK01", "3", "7.50"],
    ["M-001", "CK02", "1", "2.50"],
  ]);
  const material = await idOf("bd/material", "M-001");
  const { rows } = await client.detail("scm/inventory_stock", { material_id: material });
  expect(rows).toMatchObject([
    { inv_stock: "一号仓", inv_qty: "3", inv_base_unit: "Pcs" },
    { inv_stock: "二号仓", inv_qty: "1" },
  ]);
});

test("goods that are not there are refused, unless the warning is ignored; a refused audit keeps the document out", async () => {
  const bill = { bill_date: "2025-01-10", material_entity: [line("M-001", "Pcs", "1")] };
  expect((await post("inv_other_out", { ...bill, operation_key: "audit" })).description).toContain("库存不足");
  expect(await client.list("scm/inv_other_out")).toEqual([]);
  const id = await save("inv_other_out", bill);
  expect((await client.operate("inv_other_bill_outbound", "audit", [id])).description).toContain("库存不足");
  expect((await client.operate("inv_other_bill_outbound", "audit", [id], { ignore_warn: true })).errcode).toBe(0);
  expect(await onHand()).toEqual([["M-001", "CK01", "-1", "0.00"]]);
});

test("a count becomes a gain and a loss, once, and they change the stock when they are audited", async () => {
  await receive("10", "20");
  await save("inv_other_in", {
    bill_date: "2025-01-10",
    operation_key: "audit",
    material_entity: [line("M-002", "kg", "1", { cost: "4" })],
  });
  const count = await save("inv_check_bill", {
    bill_date: "2025-01-31",
    check_task_number: "PDRW001",
    material_entity: [line("M-001", "Pcs", "12"), line("M-002", "g", "0")],
  });
  expect(await client.detail("scm/inv_check_bill_detail", { id: count })).toMatchObject({
    check_status: "0",
    stock_number: "CK01",
    material_entity: [
      { qty: "12", inv_qty: "10" },
      { qty: "0", inv_qty: "1000", inv_base_qty: "1" },
    ],
  });
  const deal = (): Promise<Reply> => post("inv_check_bill_gain_loss_deal", { ids: [count] });
  expect((await deal()).description).toContain("未审核");
  await client.operate("inv_check_bill", "audit", [count]);
  const dealt = await deal();
  expect(dealt.data).toMatchObject({
    success: true,
    gain_loss_type: "3",
    gain_no: "PYD-20250131-00001",
    loss_no: "PKD-20250131-00001",
  });
  expect((await deal()).description).toContain("已进行盈亏处理");
  const { gain_id: gain, loss_id: loss } = z.object({ gain_id: z.string(), loss_id: z.string() }).parse(dealt.data);
  await client.operate("inv_check_gain_bill", "audit", [gain]);
  await client.operate("inv_check_loss_bill", "audit", [loss]);
  expect(await onHand()).toEqual([
    ["M-001", "CK01", "12", "24.00"],
    ["M-002", "CK01", "0", "0.00"],
  ]);
  expect(await client.detail("scm/inv_check_loss_bill_detail", { id: loss })).toMatchObject({
    material_entity: [{ qty: "1000", base_qty: "1", unit_number: "g", cost: "4.00" }],
  });
  expect((await client.operate("inv_check_bill", "unaudit", [count])).description).toContain("不能反审核");
});

test.each<[string, object, string]>([
  ["a closed period", { bill_date: "2024-12-31" }, "已结账"],
  ["no lines", { material_entity: [] }, "分录不能为空"],
  ["no unit", { material_entity: [line("M-001", "", "1")] }, '第1行基础资料"unit"字段不能为空'],
  ["an unknown item", { material_entity: [line("X", "Pcs", "1")] }, "第1行参数material_number[X]不存在"],
  ["a unit that the item has not", { material_entity: [line("M-001", "kg", "1")] }, "不是商品的单位"],
  ["no quantity", { material_entity: [line("M-001", "Pcs", "0")] }, "数量必须大于零"],
  ["an unknown operation", { operation_key: "fly" }, "operation_key[fly]"],
  ["an unknown partner", { supplier_number: "X" }, "参数supplier_number[X]不存在"],
])("a stock document with %s is refused", async (_, change, message) => {
  const bill = { bill_date: "2025-01-10", material_entity: [line("M-001", "Pcs", "1")], ...change };
  const reply = await post("inv_other_in", bill);
  expect(reply.errcode).not.toBe(0);
  expect(reply.description).toContain(message);
  expect(await client.list("scm/inv_other_in")).toEqual([]);
});

test("a bill number is unique, and a changed document keeps its own", async () => {
  const bill = { bill_date: "2025-01-10", bill_no: "WMS-1", material_entity: [line("M-001", "Pcs", "1")] };
  const id = await save("inv_other_in", bill);
  await expect(save("inv_other_in", bill)).rejects.toThrow("组合值与其他表单重复");
  expect(await save("inv_other_in", { ...bill, id, bill_no: "", material_entity: [line("M-001", "Pcs", "2")] })).toBe(
    id,
  );
  expect(await client.detail("scm/inv_other_in_detail", { id })).toMatchObject({
    bill_no: "WMS-1",
    material_entity: [{ qty: "2" }],
  });
});

test("lists filter by number, state, day, partner and time of change", async () => {
  const { now } = simulator.world;
  await receive("1", "1", { supplier_number: "VEN001", bill_no: "A" });
  const later = now() + 1;
  await expect.poll(now).toBeGreaterThan(later);
  await save("inv_other_in", { bill_date: "2025-01-20", bill_no: "B", material_entity: [line("M-001", "Pcs", "1")] });
  const numbers = async (query: Record<string, string>): Promise<unknown> => {
    return (await client.list("scm/inv_other_in", query)).map((row) => row["bill_no"]);
  };
  expect(await numbers({})).toEqual(["B", "A"]);
  expect(await numbers({ bill_no: "A" })).toEqual(["A"]);
  expect(await numbers({ bill_status: "Z" })).toEqual(["B"]);
  expect(await numbers({ start_bill_date: "2025-01-11", end_bill_date: "2025-01-31" })).toEqual(["B"]);
  expect(await numbers({ supplier_id: await idOf("bd/supplier", "VEN001") })).toEqual(["A"]);
  expect(await numbers({ modify_start_time: String(later) })).toEqual(["B"]);
  expect(await numbers({ modify_end_time: String(later) })).toEqual(["A"]);
});

test("stock of a past day leaves out what came later", async () => {
  await receive("1", "1");
  await receive("1", "1", { bill_date: "2025-01-20" });
  const [row] = await client.list("scm/inventory", { point_date: "2025-01-15", material_numbers: "M-001" });
  expect(row).toMatchObject({ qty: "1" });
  expect(await client.list("scm/inventory", { material_numbers: "M-002" })).toEqual([]);
});

test("a person writes, changes, un-audits and deletes stock documents", async () => {
  const written = await person(simulator, "bill-write", {
    kind: "inv_other_in",
    stage: "audited",
    body: { bill_date: "2025-01-10", material_entity: [line("M-002", "g", "500", { cost: "5" })] },
  });
  const { id } = z.object({ id: z.string() }).parse(written["bill"]);
  expect(await person(simulator, "bill-change", { id, lines: [{ index: 0, quantity: "1000" }] })).toMatchObject({
    ok: false,
  });
  await person(simulator, "bill-change", { id, force: true, lines: [{ index: 0, quantity: "1000" }] });
  expect(await onHand()).toEqual([["M-002", "CK01", "1", "5.00"]]);
  await person(simulator, "bill-unaudit", { id });
  expect(await person(simulator, "bill-delete", { id })).toMatchObject({ ok: true });
  expect(await onHand()).toEqual([["M-002", "CK01", "0", "0.00"]]);
});
