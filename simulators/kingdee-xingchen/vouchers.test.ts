import { afterEach, beforeEach, expect, test } from "vitest";
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

const VOUCHERS = "/jdy/v2/fi/voucher";

type Line = Record<string, unknown>;

/** The receipt with one of its lines changed. */
function withLine(index: number, change: Line): Record<string, unknown> {
  const { entry_list: lines } = receipt("k");
  return receipt("k", {
    entry_list: Array.isArray(lines) ? lines.map((line, at) => (at === index ? { ...line, ...change } : line)) : [],
  });
}

test("what was saved is read back equal, all scalars as text", async () => {
  const text = `引号"<&>'，换行，🚚𠮷`;
  const voucher = withLine(0, { explanation: text });
  const [id = ""] = await client.save({ ...voucher, remark: text });
  expect(id).toMatch(/^\d{19}$/);
  const detail = await client.detail("fi/voucher_detail", { id });
  expect(detail).toMatchObject({
    id,
    date: "2025-01-31",
    period: "202501",
    number: "1",
    voucher_no: "记-1",
    bill_status: "Z",
    group_number: "记",
    debit_total: "128.50",
    credit_total: "128.50",
    source_bill_no: "k",
    remark: text,
    have_reverse: false,
    is_reverse: false,
  });
  expect(detail["entry_list"]).toMatchObject([
    {
      seq: "1",
      explanation: text,
      account_number: "1405",
      account_name: "库存商品",
      debit_amount: "128.50",
      credit_amount: "0.00",
      amount_for: "128.50",
      quantity: "10",
      price: "12.85",
      measure_unit_number: "Pcs",
      dc: "1",
      assist: [
        { type: "bd_material", number: "M-001" },
        { type: "bd_store", number: "CK01" },
      ],
    },
    { account_number: "2202.02", dc: "-1", credit_amount: "128.50" },
  ]);
});

test("amounts of 12 digits and quantities of 6 decimals stay exact, as JSON numbers too", async () => {
  const big = "999999999999.99";
  const lines = [
    {
      account_number: "1405",
      explanation: "大",
      debit_amount: big,
      quantity: "0.123457",
      assist: [{ type: "bd_material", number: "M-002" }],
    },
    { account_number: "1002", explanation: "大", credit_amount: big },
  ];
  const [id = ""] = await client.save(receipt("big", { entry_list: lines }));
  const { entry_list: entries } = await client.detail("fi/voucher_detail", { id });
  expect(entries).toMatchObject([{ debit_amount: big, quantity: "0.123457" }, { credit_amount: big }]);
});

test.each<[string, Record<string, unknown>, string]>([
  ["a closed period", receipt("k", { date: "2024-12-31" }), "已结账"],
  ["a day that does not exist", receipt("k", { date: "2025-02-30" }), "date"],
  ["an unknown 凭证字", receipt("k", { group_number: "无" }), "参数group_number[无]不存在"],
  ["no lines", receipt("k", { entry_list: [] }), "分录不能为空"],
  ["an unknown account", withLine(0, { account_number: "9999" }), "第1条分录参数account_number[9999]不存在"],
  ["a parent account", withLine(1, { account_number: "2202" }), "不是末级科目"],
  ["a missing dimension", withLine(1, { assist: [] }), "辅助核算【供应商】不能为空"],
  ["an unknown item", withLine(0, { assist: [{ type: "bd_material", number: "X" }] }), "参数number[X]不存在"],
  ["an unknown unit", withLine(0, { measure_unit_number: "X" }), "measure_unit_number[X]不存在"],
  ["a unit that the item has not", withLine(0, { measure_unit_number: "kg" }), "不是商品的单位"],
  ["books out of balance", withLine(0, { debit_amount: "128.51", amount_for: "128.51" }), "借贷不平衡，差额0.01"],
  ["no amount", withLine(0, { debit_amount: "a" }), "不是有效数字"],
  ["both sides", withLine(0, { credit_amount: "1" }), "dc"],
  ["another amount in the original currency", withLine(0, { amount_for: "1" }), "原币金额与本位币金额不一致"],
  ["a side that disagrees with its amount", withLine(0, { dc: "-1" }), "与借贷方金额不一致"],
  ["no explanation", withLine(0, { explanation: " " }), "摘要不能为空"],
  ["an external number that is too long", receipt("k".repeat(101)), "source_bill_no"],
])("the books refuse %s", async (_, voucher, message) => {
  const reply = await client.call("POST", VOUCHERS, {}, { items: [voucher] });
  expect(reply).toMatchObject({ status: 200, data: null });
  expect(reply.errcode).not.toBe(0);
  expect(reply.description).toContain(message);
  expect(await client.list("fi/voucher")).toEqual([]);
});

test("one bad voucher among several keeps all of them out, and the switch keeps only the bad one out", async () => {
  const items = [receipt("a"), receipt("b", { date: "2024-01-01" }), receipt("c")];
  const refused = await client.call("POST", VOUCHERS, {}, { items });
  expect(refused.description).toMatch(/^第2条凭证：/);
  expect(await client.list("fi/voucher")).toEqual([]);
  await person(simulator, "settings", { batchMode: "partial" });
  const partial = await client.call("POST", VOUCHERS, {}, { items });
  expect(partial.errcode).not.toBe(0);
  expect(partial.data).toMatchObject({ ids: [expect.any(String), expect.any(String)] });
  expect((await client.list("fi/voucher")).map((row) => row["source_bill_no"])).toEqual(["c", "a"]);
});

test("numbers run per 凭证字 and period, a given one may not repeat, and the last is free again when it goes", async () => {
  const ids = await client.save(
    receipt("a"),
    receipt("b"),
    receipt("c", { date: "2025-02-01" }),
    receipt("d", { group_number: "转" }),
  );
  const numbers = async (): Promise<unknown> =>
    (await client.list("fi/voucher")).map((row) => row["voucher_no"]).toReversed();
  expect(await numbers()).toEqual(["记-1", "记-2", "记-1", "转-1"]);
  await expect(client.save(receipt("e", { number: "2" }))).rejects.toThrow("凭证号重复");
  await expect(client.save(receipt("e", { number: "9" }), receipt("f", { number: "9" }))).rejects.toThrow("凭证号重复");
  await client.save(receipt("e", { number: "7" }));
  expect((await client.operate("gl_voucher", "delete", [ids[1] ?? ""])).errcode).toBe(0);
  const [next = ""] = await client.save(receipt("g"));
  expect(await client.detail("fi/voucher_detail", { id: next })).toMatchObject({ number: "8" });
  await client.operate("gl_voucher", "delete", [next]);
  const [again = ""] = await client.save(receipt("h"));
  expect(await client.detail("fi/voucher_detail", { id: again })).toMatchObject({ number: "8" });
});

test("audit, unaudit and delete follow the state, and an id in a save changes the voucher", async () => {
  const [id = ""] = await client.save(receipt("a"));
  expect(await client.operate("gl_voucher", "audit", [id])).toMatchObject({ errcode: 0, data: { ids: [id] } });
  expect((await client.operate("gl_voucher", "audit", [id])).description).toContain("已审核");
  expect((await client.operate("gl_voucher", "delete", [id])).description).toContain("已审核，不能删除");
  await expect(client.save({ ...receipt("z"), id })).rejects.toThrow("已审核，不能修改");
  expect((await client.operate("gl_voucher", "unaudit", [id])).errcode).toBe(0);
  expect(await client.save({ ...receipt("z", {}, "1.00"), id })).toEqual([id]);
  expect(await client.detail("fi/voucher_detail", { id })).toMatchObject({
    source_bill_no: "z",
    debit_total: "1.00",
    number: "1",
  });
  expect((await client.operate("gl_voucher", "delete", [id])).errcode).toBe(0);
  expect((await client.call("GET", "/jdy/v2/fi/voucher_detail", { id })).description).toContain("不存在");
  expect((await client.operate("gl_voucher", "fly", [id])).errcode).not.toBe(0);
});

test("a closed period takes no audit, no change and no deletion, until it is opened again", async () => {
  const [id = ""] = await client.save(receipt("a"));
  await person(simulator, "close-period", { period: "2025-01" });
  for (const operation of ["audit", "delete"]) {
    expect((await client.operate("gl_voucher", operation, [id])).description).toContain("已结账");
  }
  await expect(client.save({ ...receipt("b"), id })).rejects.toThrow("已结账");
  await expect(client.save(receipt("b"))).rejects.toThrow("已结账");
  await person(simulator, "open-period", { period: "2025-01" });
  expect((await client.operate("gl_voucher", "audit", [id])).errcode).toBe(0);
});

test("冲销 makes a red voucher on the same sides, once, in an open period", async () => {
  const [id = "", draft = ""] = await client.save(receipt("a"), receipt("b"));
  await client.operate("gl_voucher", "audit", [id]);
  await person(simulator, "close-period", { period: "2025-01" });
  const reply = await client.call("POST", "/jdy/v2/fi/voucher_reverse", {}, { ids: [id, draft] });
  expect(reply.data).toMatchObject({
    rows: [
      { id, message: "", reverse_voucher_id: expect.stringMatching(/^\d{19}$/) },
      { id: draft, message: expect.stringContaining("未审核"), reverse_voucher_id: "" },
    ],
  });
  const [row] = await client.list("fi/voucher");
  expect(row).toMatchObject({ date: "2025-02-01", debit_total: "-128.50", is_reverse: true, source_bill_no: "" });
  const { entry_list: entries } = await client.detail("fi/voucher_detail", { id: String(row?.["id"]) });
  expect(entries).toMatchObject([
    { account_number: "1405", debit_amount: "-128.50", quantity: "-10" },
    { credit_amount: "-128.50" },
  ]);
  expect(await client.detail("fi/voucher_detail", { id })).toMatchObject({ have_reverse: true });
  const again = await client.call("POST", "/jdy/v2/fi/voucher_reverse", {}, { ids: [id] });
  expect(again.data).toMatchObject({ rows: [{ message: expect.stringContaining("不能重复冲销") }] });
});

test("lists page with a cap of 100 in silence, newest first, by query or by JSON body", async () => {
  for (let batch = 0; batch < 3; batch += 1) {
    await client.save(...Array.from({ length: 50 }, (_, index) => receipt(`k${batch * 50 + index}`)));
  }
  const first = await client.call("GET", VOUCHERS, { page_size: "500" });
  expect(first.data).toMatchObject({ count: "150", page: 1, page_size: 100, current_page_size: 100, total_page: 2 });
  const rows = [...(await client.list("fi/voucher")), ...(await client.list("fi/voucher", { page: "2" }))];
  expect(rows.map((row) => row["source_bill_no"])).toEqual(
    Array.from({ length: 150 }, (_, index) => `k${149 - index}`),
  );
  expect((await client.call("GET", VOUCHERS)).data).toMatchObject({
    page_size: 10,
    current_page_size: 10,
    total_page: 15,
  });
  expect(await client.list("fi/voucher", { page: "3" })).toEqual([]);
});

test("lists filter by external number, period, state, account and time", async () => {
  const [first = "", second = ""] = await client.save(receipt("a"), receipt("b", { date: "2025-02-03" }));
  await client.operate("gl_voucher", "audit", [second]);
  const keys = async (query: Record<string, string>): Promise<unknown> => {
    return (await client.list("fi/voucher", query)).map((row) => row["source_bill_no"]);
  };
  expect(await keys({ source_bill_no: "a" })).toEqual(["a"]);
  expect(await keys({ source_bill_no: "A" })).toEqual([]);
  expect(await keys({ start_period: "202502", end_period: "202502" })).toEqual(["b"]);
  expect(await keys({ bill_status: "Z" })).toEqual(["a"]);
  expect(await keys({ number: "记-1" })).toEqual(["b", "a"]);
  expect(await keys({ explanation: "入库 b" })).toEqual(["b"]);
  const account = await client.detail("fi/account_detail", { number: "1002" });
  expect(await keys({ account_ids: String(account["id"]) })).toEqual([]);
  const { createdAtMs } = simulator.world.findSet(undefined)?.ledger.get(first) ?? { createdAtMs: 0 };
  expect(await keys({ create_end_time: String(createdAtMs - 1) })).toEqual([]);
  expect(await keys({ modify_start_time: String(createdAtMs) })).toEqual(["b", "a"]);
  expect((await client.call("GET", VOUCHERS, { start_period: "2025-13" })).errcode).not.toBe(0);
});

test("a tenant that has no external number shows none, also of what had one before", async () => {
  await client.save(receipt("before"));
  await person(simulator, "settings", { lostFields: ["source_bill_no"] });
  expect((await client.list("fi/voucher")).map((row) => row["source_bill_no"])).toEqual([""]);
});

test("a tenant can lose the external number in silence, and ignore a filter in silence", async () => {
  await person(simulator, "settings", { lostFields: ["source_bill_no"] });
  await client.save(receipt("lost"));
  expect((await client.list("fi/voucher")).map((row) => row["source_bill_no"])).toEqual([""]);
  await person(simulator, "settings", { lostFields: [], ignoredFilters: ["source_bill_no"] });
  await client.save(receipt("kept"));
  const rows = await client.list("fi/voucher", { source_bill_no: "nothing like this" });
  expect(rows.map((row) => row["source_bill_no"])).toEqual(["kept", ""]);
});

test("a right that was taken away is refused by name", async () => {
  await person(simulator, "rights", { entity: "gl_voucher", operation: "save", granted: false });
  await expect(client.save(receipt("a"))).rejects.toThrow("没有【gl_voucher】的【save】权限");
  await person(simulator, "rights", { entity: "gl_voucher", operation: "save", granted: true });
  expect(await client.save(receipt("a"))).toHaveLength(1);
});
