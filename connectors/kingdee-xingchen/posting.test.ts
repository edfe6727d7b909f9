import nock from "nock";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import type { SendOutcome } from "../contract.ts";
import {
  type Said,
  connect,
  error,
  keyOf,
  listOf,
  listRow,
  nameOf,
  okay,
  receiptDraft,
  scriptGateway,
  soon,
} from "./gateway.testing.ts";
import { failureOf } from "./vendor-errors.ts";

beforeEach(() => {
  if (!nock.isActive()) nock.activate();
  nock.disableNetConnect();
});
afterEach(() => {
  nock.cleanAll();
  nock.enableNetConnect();
  nock.restore();
});

const briefly = (outcomes: readonly SendOutcome[]): readonly string[] =>
  outcomes.map((outcome) => (outcome.kind === "posted" ? outcome.stage : `${outcome.kind} ${outcome.code}`));

/** Answers the save with `said`, and the list with the vouchers that stand in `books` (key → ids). */
const gatewayWith = (said: Said, books: Readonly<Record<string, readonly string[]>> = {}) =>
  scriptGateway((heard) => {
    if (nameOf(heard) !== "voucher") return undefined;
    if (heard.method === "POST") return said;
    const key = heard.query.get("source_bill_no") ?? "";
    return listOf((books[key] ?? []).map((id) => listRow(id, key)));
  });

test("a voucher is posted when the answer names its id and the list shows our key with it", async () => {
  const gateway = gatewayWith(okay({ ids: ["9007199254740993"] }), { [keyOf("a")]: ["9007199254740993"] });
  expect(await connect().post([receiptDraft("a")], soon())).toEqual([
    { kind: "posted", key: keyOf("a"), erpId: "9007199254740993", number: "9007199254740993", stage: "saved" },
  ]);
  expect(gateway.heard.filter((heard) => heard.method === "POST")).toHaveLength(1);
});

test("the body is the reference's: all values text, the key in source_bill_no, red amounts negative on their side", async () => {
  const gateway = gatewayWith(okay({ ids: ["1"] }), { [keyOf("a")]: ["1"] });
  await connect().post([receiptDraft("a", {}, "-3.5", "0.12")], soon());
  const body: unknown = JSON.parse(gateway.heard.find((heard) => heard.method === "POST")?.body ?? "");
  expect(body).toEqual({
    items: [
      {
        date: "2025-01-31",
        group_number: "记",
        number: "",
        remark: "",
        source_bill_no: keyOf("a"),
        entry_list: [
          {
            explanation: "暂估入库 a",
            account_number: "1405",
            currency_number: "RMB",
            debit_amount: "-0.42",
            credit_amount: "0",
            amount_for: "-0.42",
            dc: "1",
            quantity: "-3.5",
            measure_unit_number: "Pcs",
            price: "0.12",
            assist: [{ type: "bd_material", number: "M-001" }],
          },
          {
            explanation: "暂估入库 a",
            account_number: "2202.02",
            currency_number: "RMB",
            debit_amount: "0",
            credit_amount: "-0.42",
            amount_for: "-0.42",
            dc: "-1",
            assist: [{ type: "bd_supplier", number: "VEN001" }],
          },
        ],
      },
    ],
  });
});

test("a custom dimension carries the id of its type, and a summary arrives as it is", async () => {
  const gateway = gatewayWith(okay({ ids: ["1"] }), { [keyOf("a")]: ["1"] });
  const draft = receiptDraft("a");
  const lines = draft.lines.map((line) => ({ ...line, summary: "😀😀😀", dimensions: { batch: "B1" } }));
  await connect({ dimensions: { batch: "bd_auxinfo:12" } }).post([{ ...draft, lines }], soon());
  const Body = z.object({
    items: z.array(z.object({ entry_list: z.array(z.object({ explanation: z.string(), assist: z.unknown() })) })),
  });
  const body = Body.parse(JSON.parse(gateway.heard.find((heard) => heard.method === "POST")?.body ?? ""));
  expect(body.items[0]?.entry_list[0]).toMatchObject({
    explanation: "😀😀😀",
    assist: [{ type: "bd_auxinfo", number: "B1", bd_aux_info_type_id: "12" }],
  });
});

test.each<[string, Said, Readonly<Record<string, readonly string[]>>, string]>([
  ["saved, but the list does not show the key", okay({ ids: ["1"] }), {}, "uncertain KEY_NOT_ECHOED"],
  ["a success without ids", okay(null), {}, "uncertain ANSWER_INCOMPLETE"],
  ["a success without ids, though it stands in the books", okay({}), { a: ["1"] }, "uncertain ANSWER_UNREADABLE"],
  ["an older voucher with the key", okay({ ids: ["2"] }), { a: ["1"] }, "uncertain ALREADY_EXISTS"],
  ["two vouchers with the key", okay({ ids: ["2"] }), { a: ["1", "2"] }, "uncertain ALREADY_EXISTS"],
  ["a system error of the vendor", error(2000002000, "系统错误"), {}, "uncertain SERVER_ERROR"],
  ["a code nobody knows", error(31337, "something else"), {}, "uncertain SERVER_ERROR"],
  ["already there", error(31337, "单据编号已存在"), {}, "uncertain ALREADY_EXISTS"],
  ["HTTP 500", [500, "<html>oops</html>"], {}, "uncertain SERVER_ERROR"],
  [
    "HTTP 502 with errcode 0",
    [502, { errcode: 0, description: "success", data: { ids: ["1"] } }],
    {},
    "uncertain SERVER_ERROR",
  ],
  ["a proxy's page", [200, "<html>log in</html>"], {}, "uncertain ANSWER_UNREADABLE"],
  ["another JSON", [200, { hello: 1 }], {}, "uncertain ANSWER_UNREADABLE"],
  ["half a JSON", [200, '{"errcode":0,"data":{"id'], {}, "uncertain ANSWER_UNREADABLE"],
  ["HTTP 429", [429, "Too Many Requests"], {}, "not-done THROTTLED"],
  ["429 inside HTTP 200", error(429, "请求过于频繁"), {}, "not-done THROTTLED"],
  ["an expired token", error(1000202001, "JWT token has expired"), {}, "not-done NOT_LOGGED_IN"],
  ["an interface that is not granted", error(5001, "API not found", 519), {}, "not-done PERMISSION_DENIED"],
  ["a missing right", error(31337, "没有凭证新增权限"), {}, "not-done PERMISSION_DENIED"],
  ["a closed period", error(31337, "2024年12期已结账"), {}, "refused PERIOD_CLOSED"],
  ["a wrong account", error(31337, "科目1405不是明细科目"), {}, "refused ACCOUNT_REFUSED"],
  ["a missing dimension", error(31337, "科目1405必须录入辅助核算"), {}, "refused DIMENSION_REFUSED"],
  ["unknown master data", error(31337, "参数number[M-9]不存在"), {}, "refused MASTER_DATA_REFUSED"],
  ["an unbalanced voucher", error(31337, "凭证借贷不平衡"), {}, "refused REFUSED_BY_ERP"],
])("%s is its own outcome", async (_name, said, books, outcome) => {
  const named = Object.fromEntries(Object.entries(books).map(([name, ids]) => [keyOf(name), ids]));
  const gateway = gatewayWith(said, named);
  const outcomes = await connect({ periods: { start: "2025-01", current: "2025-01" } }).post(
    [receiptDraft("a")],
    soon(),
  );
  expect(briefly(outcomes)).toEqual([outcome]);
  expect(gateway.heard.filter((heard) => heard.method === "POST")).toHaveLength(1);
});

test("an unknown code keeps the vendor's number and words in full", async () => {
  gatewayWith(error(31337, "很奇怪的错误"));
  expect(await connect().post([receiptDraft("a")], soon())).toMatchObject([
    { message: expect.stringContaining("errcode 31337: 很奇怪的错误") },
  ]);
  expect(failureOf("31337", "很奇怪的错误").outcome).toBe("uncertain");
});

test("a refused voucher of a period that the book has closed is held as such, whatever the words", async () => {
  gatewayWith(error(31337, "日期格式不正确"));
  const target = connect({ periods: { start: "2024-12", current: "2025-02" } });
  expect(briefly(await target.post([receiptDraft("a")], soon()))).toEqual(["refused PERIOD_CLOSED"]);
});

test("in a save of several each voucher has its own outcome, whatever the order of the ids", async () => {
  gatewayWith(okay({ ids: ["2", "1"] }), { [keyOf("a")]: ["1"], [keyOf("b")]: ["2"] });
  expect(await connect({ batchMax: 2 }).post([receiptDraft("a"), receiptDraft("b")], soon())).toMatchObject([
    { kind: "posted", erpId: "1" },
    { kind: "posted", erpId: "2" },
  ]);
});

test("one id too few leaves the voucher that cannot be found uncertain, and the other posted", async () => {
  gatewayWith(okay({ ids: ["1"] }), { [keyOf("a")]: ["1"] });
  expect(briefly(await connect({ batchMax: 2 }).post([receiptDraft("a"), receiptDraft("b")], soon()))).toEqual([
    "saved",
    "uncertain ANSWER_INCOMPLETE",
  ]);
});

test("a refusal of several together says nothing certain about any of them", async () => {
  gatewayWith(error(31337, "科目1405不是明细科目"));
  expect(briefly(await connect({ batchMax: 2 }).post([receiptDraft("a"), receiptDraft("b")], soon()))).toEqual([
    "uncertain ANSWER_INCOMPLETE",
    "uncertain ANSWER_INCOMPLETE",
  ]);
});

test("a failure that names ids did a part: each voucher is looked for", async () => {
  const part: Said = [200, { errcode: 31337, description: "科目1405不是明细科目", data: { ids: ["1"] } }];
  gatewayWith(part, { [keyOf("a")]: ["1"] });
  const target = connect({ batchMax: 2, batchRollsBack: true });
  expect(briefly(await target.post([receiptDraft("a"), receiptDraft("b")], soon()))).toEqual([
    "saved",
    "uncertain ANSWER_INCOMPLETE",
  ]);
});

test.each<[string, string, Readonly<Record<string, readonly string[]>>, readonly string[]]>([
  ["that names one", "第2条凭证：科目1405不是明细科目", {}, ["not-done CONFLICT", "refused ACCOUNT_REFUSED"]],
  ["of a line", "第2条分录：科目1405不是明细科目", {}, ["uncertain ANSWER_INCOMPLETE", "uncertain ANSWER_INCOMPLETE"]],
  [
    "that names two",
    "第1条凭证：科目不存在；第2条凭证：科目不存在",
    {},
    ["uncertain ANSWER_INCOMPLETE", "uncertain ANSWER_INCOMPLETE"],
  ],
  [
    "that left one in the books",
    "第2条凭证：科目不存在",
    { a: ["1"] },
    ["uncertain ANSWER_INCOMPLETE", "uncertain ANSWER_INCOMPLETE"],
  ],
])(
  "where a set is known to be rolled back, a refusal %s says as much as it proves",
  async (_name, words, books, outcomes) => {
    gatewayWith(
      error(31337, words),
      Object.fromEntries(Object.entries(books).map(([name, ids]) => [keyOf(name), ids])),
    );
    const target = connect({ batchMax: 2, batchRollsBack: true });
    expect(briefly(await target.post([receiptDraft("a"), receiptDraft("b")], soon()))).toEqual(outcomes);
  },
);

test("a token that ends while several are saved leaves them uncertain", async () => {
  gatewayWith([401, { errcode: 1000202001, description: "JWT token has expired" }]);
  expect(briefly(await connect({ batchMax: 2 }).post([receiptDraft("a"), receiptDraft("b")], soon()))).toEqual([
    "uncertain SESSION_LOST",
    "uncertain SESSION_LOST",
  ]);
});

test("a tenant whose list lost the key's field stops the ledger at the first save", async () => {
  scriptGateway((heard) => {
    if (nameOf(heard) !== "voucher") return undefined;
    return heard.method === "POST" ? okay({ ids: ["1"] }) : listOf([listRow("1", "")]);
  });
  expect(briefly(await connect().post([receiptDraft("a")], soon()))).toEqual(["uncertain KEY_NOT_ECHOED"]);
});

test("a number that the installation knows is what it says, and its words stay", async () => {
  const known = { knownFailures: { "31337": "refused" }, periods: { start: "2025-01", current: "2025-01" } };
  gatewayWith(error(31337, "很奇怪的错误"));
  expect(await connect(known).post([receiptDraft("a")], soon())).toMatchObject([
    { kind: "refused", code: "REFUSED_BY_ERP", message: "errcode 31337: 很奇怪的错误" },
  ]);
  expect(failureOf("31337", "科目停用", { "31337": "refused" }).code).toBe("ACCOUNT_REFUSED");
  expect(failureOf("1000202001", "", { "1000202001": "refused" }).outcome).toBe("not-done");
});

test("what cannot be written is refused before anything is sent", async () => {
  const gateway = gatewayWith(okay({ ids: ["1"] }));
  const draft = receiptDraft("a");
  const target = connect({ linesMax: 2 });
  const [line] = draft.lines;
  if (line === undefined) throw new Error("no line");
  const outcomes = await target.post(
    [
      { ...draft, book: "002" },
      { ...draft, key: keyOf("b"), word: "转" },
      { ...draft, key: keyOf("c"), currency: "USD" },
      { ...draft, key: keyOf("d"), lines: [line, line, line] },
      { ...draft, key: keyOf("e"), lines: [{ ...line, dimensions: { order: "PO1" } }, line] },
    ],
    soon(),
  );
  expect(briefly(outcomes)).toEqual([
    "refused CONFIG_INVALID",
    "refused CODE_MISSING",
    "refused CODE_MISSING",
    "refused LIMIT_LINES",
    "refused DIMENSION_REFUSED",
  ]);
  expect(gateway.heard).toHaveLength(0);
});

test("after the deadline nothing is sent", async () => {
  const gateway = gatewayWith(okay({ ids: ["1"] }));
  expect(briefly(await connect().post([receiptDraft("a")], new Date(Date.now() - 1)))).toEqual([
    "not-done DEADLINE_PASSED",
  ]);
  expect(gateway.heard.filter((heard) => heard.method === "POST")).toHaveLength(0);
});

const detail = (id: string, status: string): Said =>
  okay({
    id,
    date: "2025-01-31",
    period: "202501",
    number: "7",
    bill_status: status,
    group_number: "记",
    entry_list: [],
  });

test("an audit looks where each voucher stands, and believes the books, not the answer", async () => {
  const status = new Map([
    ["1", "Z"],
    ["2", "C"],
    ["3", "Z"],
  ]);
  const gateway = scriptGateway((heard) => {
    if (nameOf(heard) === "voucher_detail") {
      const id = heard.query.get("id") ?? "";
      const stands = status.get(id);
      return stands === undefined ? error(31337, `参数id[${id}]不存在`) : detail(id, stands);
    }
    if (nameOf(heard) !== "common_operate") return undefined;
    status.set("1", "C");
    return okay({ ids: ["1", "3"] });
  });
  const vouchers = ["1", "2", "3", "4"].map((erpId) => ({ key: keyOf(erpId), erpId }));
  expect(briefly(await connect().advance(vouchers, "audited", soon()))).toEqual([
    "audited",
    "audited",
    "uncertain ANSWER_INCOMPLETE",
    "refused AUDIT_REFUSED",
  ]);
  const [operation] = gateway.heard.filter((heard) => heard.method === "POST");
  expect(JSON.parse(operation?.body ?? "")).toEqual({
    ids: ["1", "3"],
    numbers: [],
    entity_number: "gl_voucher",
    operate_type: "audit",
    ignore_warn: false,
  });
});

test("a voucher that may not be audited keeps back none of those behind it", async () => {
  const audited = new Set<string>();
  scriptGateway((heard) => {
    if (nameOf(heard) === "voucher_detail") {
      const id = heard.query.get("id") ?? "";
      return detail(id, audited.has(id) ? "C" : "Z");
    }
    if (nameOf(heard) !== "common_operate") return undefined;
    const { ids } = z.object({ ids: z.array(z.string()) }).parse(JSON.parse(heard.body));
    for (const id of ids) {
      if (id === "1") return error(31337, "科目已停用，不能审核");
      audited.add(id);
    }
    return okay({ ids });
  });
  const vouchers = ["1", "2", "3"].map((erpId) => ({ key: keyOf(erpId), erpId }));
  expect(briefly(await connect().advance(vouchers, "audited", soon()))).toEqual([
    "refused AUDIT_REFUSED",
    "audited",
    "audited",
  ]);
});

test("repeating an audit that has worked sends nothing", async () => {
  const gateway = scriptGateway((heard) => (nameOf(heard) === "voucher_detail" ? detail("1", "C") : undefined));
  expect(briefly(await connect().advance([{ key: keyOf("a"), erpId: "1" }], "audited", soon()))).toEqual(["audited"]);
  expect(gateway.heard.every((heard) => heard.method === "GET")).toBe(true);
});

test.each<[string, Said, string]>([
  ["a refusal", error(31337, "审核人与制单人不能为同一人，单据未审核"), "refused AUDIT_REFUSED"],
  ["an unknown failure", error(31337, "???"), "uncertain SERVER_ERROR"],
  ["throttling", error(429, "请求过于频繁"), "not-done THROTTLED"],
])("%s of an audit that did not move the voucher is named", async (_name, said, outcome) => {
  scriptGateway((heard) => {
    if (nameOf(heard) === "voucher_detail") return detail("1", "Z");
    return nameOf(heard) === "common_operate" ? said : undefined;
  });
  expect(briefly(await connect().advance([{ key: keyOf("a"), erpId: "1" }], "audited", soon()))).toEqual([outcome]);
});
