import nock from "nock";
import { afterEach, beforeEach, expect, test } from "vitest";
import { period } from "../../domain/dates.ts";
import type { ErpVoucher } from "../contract.ts";
import {
  type Heard,
  type Said,
  connect,
  error,
  keyOf,
  listOf,
  listRow,
  nameOf,
  okay,
  scriptGateway,
} from "./gateway.testing.ts";

beforeEach(() => {
  if (!nock.isActive()) nock.activate();
  nock.disableNetConnect();
});
afterEach(() => {
  nock.cleanAll();
  nock.enableNetConnect();
  nock.restore();
});

const gatewayWith = (answers: Readonly<Record<string, (heard: Heard) => Said>>) =>
  scriptGateway((heard) => answers[nameOf(heard)]?.(heard));
const keyAsked = (heard: Heard): string => heard.query.get("source_bill_no") ?? "";

test("a key is absent, one or several, and absence counts only beside a control that is seen", async () => {
  const books: Readonly<Record<string, readonly string[]>> = {
    [keyOf("one")]: ["1"],
    [keyOf("two")]: ["2", "3"],
    [keyOf("known")]: ["4"],
  };
  gatewayWith({ voucher: (heard) => listOf((books[keyAsked(heard)] ?? []).map((id) => listRow(id, keyAsked(heard)))) });
  const target = connect();
  const keys = [keyOf("one"), keyOf("two"), keyOf("none")];
  const { found, controlSeen } = await target.findByKeys("001", keys, keyOf("known"));
  expect([...found.values()].map(({ kind }) => kind).toSorted()).toEqual(["absent", "one", "several"]);
  expect(found.get(keyOf("two"))).toEqual({ kind: "several", erpIds: ["2", "3"] });
  expect(controlSeen).toBe(true);
  expect((await target.findByKeys("001", keys, keyOf("unknown"))).controlSeen).toBe(false);
  expect((await target.findByKeys("001", keys, undefined)).controlSeen).toBe(false);
  expect((await target.findByKeys("001", [], keyOf("known"))).controlSeen).toBe(true);
});

test("a look-up asks for nothing but the key", async () => {
  const gateway = gatewayWith({ voucher: () => listOf([]) });
  await connect().findByKeys("001", [keyOf("a")], undefined);
  const asked = gateway.heard.find((heard) => nameOf(heard) === "voucher");
  expect([...(asked?.query.keys() ?? [])].toSorted()).toEqual(["page", "page_size", "source_bill_no"]);
});

test("a filter that is ignored is a failed look-up, never an absence", async () => {
  gatewayWith({ voucher: () => listOf([listRow("1", keyOf("other")), listRow("2", "")]) });
  const { found, controlSeen } = await connect().findByKeys("001", [keyOf("a")], keyOf("other"));
  expect(found.get(keyOf("a"))).toMatchObject({ kind: "failed", code: "KEY_FIELD_MISSING" });
  expect(controlSeen).toBe(false);
});

test("a filter that finds parts of the text finds our key all the same, in capitals too", async () => {
  gatewayWith({
    voucher: (heard) =>
      listOf([listRow("1", `${keyAsked(heard)}-1`), listRow("2", ` ${keyAsked(heard).toUpperCase()} `)]),
  });
  const { found } = await connect().findByKeys("001", [keyOf("a")], undefined);
  expect(found.get(keyOf("a"))).toMatchObject({ kind: "one", erpId: "2" });
});

test("a list that promises more rows than it gives is a failed look-up", async () => {
  const gateway = gatewayWith({
    voucher: (heard) => listOf(heard.query.get("page") === "1" ? [listRow("1", keyAsked(heard))] : [], "2"),
  });
  const { found } = await connect().findByKeys("001", [keyOf("a")], undefined);
  expect(found.get(keyOf("a"))).toMatchObject({ kind: "failed", code: "RESULT_TRUNCATED" });
  expect(gateway.calls("voucher")).toBe(6);
});

const entry = (seq: number, change: Record<string, unknown>): Record<string, unknown> => ({
  id: `e${seq}`,
  seq: String(seq),
  explanation: "暂估入库",
  debit_amount: "0",
  credit_amount: "0",
  quantity: "0",
  ...change,
});
const detailOf = (id: string, change: Record<string, unknown> = {}): Said =>
  okay({
    ...listRow(id, ""),
    source_bill_no: undefined,
    entry_list: [
      entry(2, { account_number: "2202.02", credit_amount: "-123456789012.35", dc: "-1", assist: null }),
      entry(1, {
        account_number: "1405",
        debit_amount: "-123456789012.350",
        dc: "1",
        quantity: "-0.123456",
        measure_unit_number: "Pcs",
        assist: [
          { id: "9", type: "bd_material", number: "007" },
          { type: "bd_unknown", number: "x" },
        ],
      }),
    ],
    ...change,
  });

test("a voucher reads back in full, with the key out of the list, where its detail has none", async () => {
  const gateway = gatewayWith({
    voucher_detail: (heard) => (heard.query.get("id") === "7" ? detailOf("7") : error(31337, "参数id[8]不存在")),
    voucher: () => listOf([listRow("6", "x"), listRow("7", keyOf("a").toUpperCase())]),
  });
  const found = await connect().readBack("001", ["7", "8"]);
  expect([...found.keys()]).toEqual(["7"]);
  expect(found.get("7")).toEqual({
    erpId: "7",
    key: keyOf("a"),
    word: "记",
    number: "7",
    date: "2025-01-31",
    period: "2025-01",
    stage: "saved",
    voided: false,
    attachments: undefined,
    origin: "manual",
    maker: "",
    lines: [
      {
        lineNumber: 1,
        summary: "暂估入库",
        side: "debit",
        account: "1405",
        amount: "-123456789012.35",
        quantity: "-0.123456",
        unit: "Pcs",
        dimensions: { item: "007" },
      },
      {
        lineNumber: 2,
        summary: "暂估入库",
        side: "credit",
        account: "2202.02",
        amount: "-123456789012.35",
        quantity: undefined,
        unit: undefined,
        dimensions: {},
      },
    ],
  });
  const listed = gateway.heard.find((heard) => nameOf(heard) === "voucher");
  expect(listed?.query.get("start_period")).toBe("202501");
});

test("a voucher that cannot be read is an error, never one that is gone", async () => {
  gatewayWith({ voucher_detail: () => error(2000002000, "系统错误") });
  await expect(connect().readBack("001", ["7"])).rejects.toMatchObject({ code: "READ_FAILED" });
});

const pagesOf =
  (all: readonly Record<string, unknown>[], size: number) =>
  (heard: Heard): Said => {
    const from = (Number(heard.query.get("page")) - 1) * size;
    return listOf(all.slice(from, from + size), String(all.length));
  };
const idsOf = async (pages: AsyncIterable<readonly ErpVoucher[]>): Promise<readonly string[]> => {
  const ids: string[] = [];
  for await (const page of pages) ids.push(...page.map(({ erpId }) => erpId));
  return ids;
};

test("a period is listed whole, beyond the server's own cap of a page, ours and others", async () => {
  const all = Array.from({ length: 25 }, (_, index) =>
    listRow(String(index + 1), index % 2 === 0 ? keyOf(String(index)) : ""),
  );
  gatewayWith({
    voucher: pagesOf(all, 10),
    voucher_detail: (heard) => detailOf(heard.query.get("id") ?? ""),
  });
  expect(await idsOf(connect().listPeriod("001", period("2025-01")))).toEqual(all.map(({ id }) => id));
});

test("a list that changes while it is read is read again; one that never adds up is named", async () => {
  const all = Array.from({ length: 15 }, (_, index) => listRow(String(index + 1), ""));
  let reads = 0;
  gatewayWith({
    // While the first pass is between its pages somebody deletes the first voucher: one row slips past.
    voucher: (heard) => {
      reads += 1;
      return pagesOf(reads === 1 ? all : all.slice(1), 10)(heard);
    },
    voucher_detail: (heard) => detailOf(heard.query.get("id") ?? ""),
  });
  expect(await idsOf(connect().listPeriod("001", period("2025-01")))).toHaveLength(14);
  nock.cleanAll();
  gatewayWith({ voucher: (heard) => listOf(heard.query.get("page") === "1" ? all : [], 99) });
  await expect(idsOf(connect().listPeriod("001", period("2025-01")))).rejects.toMatchObject({
    code: "RESULT_TRUNCATED",
  });
});

test("a filter on the period that is ignored is not taken for the period", async () => {
  gatewayWith({ voucher: () => listOf([listRow("1", "", { period: "202412" })]) });
  await expect(idsOf(connect().listPeriod("001", period("2025-01")))).rejects.toMatchObject({ code: "READ_FAILED" });
});

test("the report's balances are signed by their side, with quantities beside them", async () => {
  gatewayWith({
    account_balance_report: () =>
      okay({
        total_count: 2,
        page_count: 1,
        rows: [
          {
            account_no: "1405",
            begin_bal: "1,000.00",
            begin_dc: "1",
            debit: "5",
            credit: "0",
            end_bal: "1005",
            end_dc: "1",
          },
          {
            account_no: "2202.02",
            begin_bal: "0",
            begin_dc: "0",
            debit: "0",
            credit: "5.00",
            end_bal: "5",
            end_dc: "-1",
          },
        ],
      }),
    qty_sum: () =>
      okay({
        total_count: 1,
        rows: [
          {
            account_no: "1405",
            begin_qty: "10",
            begin_dc: "1",
            debit_qty: "0.5",
            credit_qty: "0",
            end_qty: "10.5",
            end_dc: "1",
          },
        ],
      }),
  });
  expect(await connect().balances("001", period("2025-01"))).toMatchObject([
    {
      account: "1405",
      item: "",
      opening: "1000",
      debit: "5",
      closing: "1005",
      closingQuantity: "10.5",
      debitQuantity: "0.5",
    },
    { account: "2202.02", opening: "0", credit: "5", closing: "-5", closingQuantity: undefined },
  ]);
});

test("periods come from the book's parameters, and from the settings where these may not be read", async () => {
  gatewayWith({
    system_param: () => okay({ gl: { start_year: "2024", start_period: 11, current_year: 2025, current_period: "1" } }),
  });
  const read = await connect().periods("001");
  expect(read.slice(0, 3)).toEqual([
    { period: "2024-11", open: false },
    { period: "2024-12", open: false },
    { period: "2025-01", open: true },
  ]);
  expect(await connect({ periods: { start: "2024-11", current: "2025-01" } }).periods("001")).toEqual(read);
});

test("master data is usable when enabled, an account also when it is a leaf", async () => {
  gatewayWith({
    account: () =>
      okay({
        total_count: 3,
        rows: [
          { number: "1405", name: "库存商品", is_leaf: 1, enable: 1 },
          { number: "2202", name: "应付账款", is_leaf: 0, enable: 1 },
          { number: "1001", name: "现金", is_leaf: "1", enable: "0" },
        ],
      }),
    material: () =>
      listOf([
        { number: "007", name: "七", enable: "1" },
        { number: "008", name: "八" },
      ]),
  });
  const target = connect();
  expect((await target.masterData("account")).map(({ code, usable }) => [code, usable])).toEqual([
    ["1405", true],
    ["2202", false],
    ["1001", false],
  ]);
  expect(await target.masterData("item", ["007", "009"])).toEqual([{ code: "007", name: "七", usable: true }]);
});

test("another book than the connection's is a mistake in the configuration", async () => {
  const target = connect();
  await expect(target.periods("002")).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  await expect(target.findByKeys("002", [keyOf("a")], undefined)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
});

test("settings are explained in both languages by the field", () => {
  for (const [settings, field] of [
    [{ book: undefined }, "settings.book"],
    [{ pageSize: 0 }, "settings.pageSize"],
    [{ dimensions: { item: "BD Material" } }, "settings.dimensions.item"],
  ] as const) {
    expect(() => connect(settings)).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", details: expect.objectContaining({ field }) }),
    );
    expect(() => connect(settings)).toThrow(/[\u4e00-\u9fff].* \/ /);
  }
});

test("a missing secret is named", () => {
  expect(() => connect({}, { secrets: { clientId: "1", clientSecret: "s" } })).toThrow(/SECRET_MISSING.*appKey/);
});
