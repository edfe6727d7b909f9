import { request } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { DEMO_COMPANY } from "./demo-company.ts";
import { type KingdeeXingchen, startKingdeeXingchen } from "./server.ts";
import { type Client, logIn, person, receipt, signedHeaders } from "./testing.ts";

let simulator: KingdeeXingchen;
let client: Client;

const Rows = z.object({ total_count: z.number(), rows: z.array(z.record(z.string(), z.unknown())) });

beforeEach(async () => {
  const openings = [
    { account: "1405", amount: "100", quantity: "4", assist: { bd_material: "M-001" } },
    { account: "4001", amount: "-100" },
  ];
  simulator = await startKingdeeXingchen({ requestsPerSecondMax: null, books: [{ ...DEMO_COMPANY, openings }] });
  client = await logIn(simulator);
});

afterEach(async () => {
  await simulator.close();
});

async function report(path: string, query: Record<string, string>): Promise<z.infer<typeof Rows>["rows"]> {
  return Rows.parse(await client.detail(path, { page_size: "100", ...query })).rows;
}

const FEBRUARY = { start_period: "202502", end_period: "202502" };

test("科目余额表: openings, turnover of the period and of the year, balances with their side, parents added up", async () => {
  await client.save(receipt("a"), receipt("b", { date: "2025-02-03" }));
  const rows = await report("fi/account_balance_report", FEBRUARY);
  expect(rows.map((row) => row["account_no"])).toEqual(["1405", "2202", "2202.02", "4001"]);
  expect(rows[0]).toMatchObject({
    account_name: "库存商品",
    begin_bal: "228.50",
    begin_dc: "1",
    debit: "128.50",
    credit: "0.00",
    ytd_debit: "257.00",
    end_bal: "357.00",
    end_dc: "1",
  });
  expect(rows[1]).toMatchObject({
    begin_bal: "128.50",
    begin_dc: "-1",
    credit: "128.50",
    end_bal: "257.00",
    end_dc: "-1",
  });
});

test("科目余额表 and 数量金额总账 by dimension, in the item's base unit", async () => {
  await client.save(receipt("a"));
  const query = { start_period: "202501", end_period: "202501", show_expand_item: "1", search: "1405" };
  const rows = await report("fi/account_balance_report", query);
  expect(rows.map((row) => [row["assist"], row["end_bal"]])).toEqual([
    [[], "228.50"],
    [[{ type: "bd_material", number: "M-001" }], "100.00"],
    [
      [
        { type: "bd_material", number: "M-001" },
        { type: "bd_store", number: "CK01" },
      ],
      "128.50",
    ],
  ]);
  const quantities = await report("fi/qty_sum", query);
  expect(quantities.map((row) => [row["begin_qty"], row["debit_qty"], row["end_qty"], row["end_price"]])).toEqual([
    ["4", "10", "14", "16.3214285714"],
    ["4", "0", "4", "25"],
    ["0", "10", "10", "12.85"],
  ]);
});

test("reports can be told to count audited vouchers only", async () => {
  await client.save(receipt("a"));
  await person(simulator, "settings", { reportsCountUnaudited: false });
  const query = { start_period: "202501", end_period: "202501", search: "1405" };
  expect(await report("fi/account_balance_report", query)).toMatchObject([{ debit: "0.00", end_bal: "100.00" }]);
});

test("明细账 runs the balance on from the beginning", async () => {
  await client.save(receipt("a"), receipt("b", { date: "2025-02-03" }), receipt("c", { date: "2025-02-01" }));
  const { id } = await client.detail("fi/account_detail", { number: "1405" });
  const ledger = await client.detail("fi/sub_ledger_report", { ...FEBRUARY, account_id: String(id) });
  expect(ledger).toMatchObject({
    begin_bal: "228.50",
    end_bal: "485.50",
    rows: [
      { date: "2025-02-01", explanation: "暂估入库 c", end_bal: "357.00", dc: "1" },
      { date: "2025-02-03", explanation: "暂估入库 b", end_bal: "485.50" },
    ],
  });
});

test("reports without a period are refused, and page at 100 rows", async () => {
  const refused = await client.call("GET", "/jdy/v2/fi/account_balance_report", { start_period: "202501" });
  expect(refused.errcode).not.toBe(0);
  await client.save(receipt("a"));
  const page = await client.detail("fi/account_balance_report", { ...FEBRUARY, page_size: "2", page: "2" });
  expect(page).toMatchObject({ total_count: 4, page_count: 2 });
  expect(Rows.parse(page).rows.map((row) => row["account_no"])).toEqual(["2202.02", "4001"]);
});

test("base data are listed with their fields, saved, changed and deleted while nobody uses them", async () => {
  expect(await client.list("bd/material", { search: "M-00" })).toMatchObject([
    { number: "M-002", base_unit_number: "kg", enable: "1" },
    { number: "M-001", base_unit_number: "Pcs" },
  ]);
  const accounts = await client.detail("fi/account", {});
  expect(accounts).toMatchObject({ total_count: expect.any(Number) });
  expect(await client.detail("fi/account_detail", { number: "2202.02" })).toMatchObject({
    parent_number: "2202",
    dc: "-1",
    is_leaf: true,
    level: "2",
    check_item_entry: [{ type: "bd_supplier", is_require: true }],
  });
  const saved = await client.call("POST", "/jdy/v2/bd/store", {}, { number: "CK03", name: "三号仓" });
  const { ids } = z.object({ ids: z.array(z.string()) }).parse(saved.data);
  expect(saved.data).toMatchObject({ id_number_map: { [ids[0] ?? ""]: "CK03" } });
  expect((await client.call("POST", "/jdy/v2/bd/store", {}, { number: "CK03", name: "又一个" })).description).toContain(
    "组合值与其他表单重复",
  );
  await client.call("POST", "/jdy/v2/bd/store", {}, { id: ids[0], name: "新三号仓" });
  expect(await client.detail("bd/store_detail", { number: "CK03" })).toMatchObject({ name: "新三号仓" });
  await client.operate("bd_store", "disable", ids);
  expect((await client.list("bd/store", { enable: "0" })).map((row) => row["number"])).toEqual(["CK03"]);
  await client.operate("bd_store", "delete", ids);
  expect((await client.call("GET", "/jdy/v2/bd/store_detail", { number: "CK03" })).description).toBe(
    "参数number[CK03]不存在",
  );
  await client.save(receipt("a"));
  const { id } = await client.detail("bd/supplier_detail", { number: "VEN001" });
  expect((await client.operate("bd_supplier", "delete", [String(id)])).description).toContain("已被引用");
});

test("filters in the JSON body of a GET are read, as the vendor's PHP client sends them", async () => {
  await client.save(receipt("a"), receipt("b"));
  const path = "/jdy/v2/fi/voucher";
  const headers = { ...signedHeaders(simulator.credentials, "GET", path, {}, Date.now()), "app-token": client.token };
  const body = JSON.stringify({ source_bill_no: "b", page: 1, page_size: 1 });
  const text = await new Promise<string>((resolve, reject) => {
    const sent = request(
      `${simulator.baseUrl}${path}`,
      { method: "GET", headers: { ...headers, "Content-Length": body.length } },
      (response) => {
        let received = "";
        response.on("data", (chunk: Buffer) => (received += chunk.toString()));
        response.on("end", () => resolve(received));
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
  expect(JSON.parse(text)).toMatchObject({ data: { count: "1", page_size: 1, rows: [{ source_bill_no: "b" }] } });
});

test("the system says who is asking and which period is open", async () => {
  expect(await client.detail("sys/current_user_info", {})).toMatchObject({ name: "接口用户" });
  expect(await client.detail("sys/system_param", {})).toMatchObject({
    gl: { current_period: "202501", start_period: "202401" },
  });
});
