import { createServer } from "node:http";
import nock from "nock";
import { afterEach, beforeEach, expect, test } from "vitest";
import { period } from "../../domain/dates.ts";
import { deviationsOf } from "../../domain/read-back.ts";
import type { ErpVoucher } from "../contract.ts";
import {
  addReply,
  briefly,
  connect,
  eaiServer,
  empty,
  exported,
  exportedVoucher,
  keyOf,
  receiptDraft,
  refusal,
  saved,
  soon,
} from "./testing.ts";
import { child, childrenOf, textOf } from "./xml.ts";

beforeEach(() => {
  if (!nock.isActive()) nock.activate();
});
afterEach(() => {
  nock.cleanAll();
  nock.restore();
});

const KEY = keyOf("a");
const ID = `2025-07:记:58:${KEY}`;
const OPEN = `<?xml version="1.0"?><ufinterface roottag="SQLEXE" proc="row"><NewDataSet><row><iperiod>7</iperiod><bflag>false</bflag></row></NewDataSet></ufinterface>`;

/** A U8 that answers `add` by `reply` and then has the vouchers of `books`. */
const u8 = (reply: string | { status: number; body: string }, books: readonly string[] = []) =>
  eaiServer(({ proc, roottag }) => {
    if (proc === "add") return reply;
    if (roottag === "SQLEXE") return OPEN;
    return roottag === "voucher" ? exported(books) : empty(roottag);
  });

test("a voucher goes out by the template, with our key as message number, id and external number", async () => {
  const arrived = u8(addReply(saved(58)), [exportedVoucher(KEY, 58)]);
  expect(briefly(await connect().post([receiptDraft("a")], soon()))).toEqual([ID]);
  const [request, ...others] = arrived.filter(({ proc }) => proc === "add");
  expect(others).toEqual([]);
  const voucher = child(request?.root, "voucher");
  const head = child(voucher, "voucher_head");
  expect([request?.root.attributes["docid"], voucher?.attributes["id"], textOf(head, "reserve2")]).toEqual([
    KEY,
    KEY,
    KEY,
  ]);
  expect(request?.root.attributes).toMatchObject({ sender: "001", renewproofno: "y", newadd: "y", import: "n" });
  expect(head?.children.map(({ name }) => name)).toEqual([
    "company",
    "voucher_type",
    "fiscal_year",
    "accounting_period",
    "voucher_id",
    "attachment_number",
    "date",
    "enter",
    "cashier",
    "signature",
    "checker",
    "posting_date",
    "posting_person",
    "voucher_making_system",
    "memo1",
    "memo2",
    "reserve1",
    "reserve2",
    "revokeflag",
  ]);
  const [debit, credit] = childrenOf(child(voucher, "voucher_body"), "entry");
  expect(
    ["natural_debit_currency", "natural_credit_currency", "debit_quantity"].map((name) => textOf(debit, name)),
  ).toEqual(["128.50", "0", "10"]);
  expect(
    ["natural_debit_currency", "natural_credit_currency", "credit_quantity"].map((name) => textOf(credit, name)),
  ).toEqual(["0", "128.50", ""]);
  const supplier = childrenOf(child(credit, "auxiliary_accounting"), "item").find(
    ({ attributes }) => attributes["name"] === "supplier_id",
  );
  expect(supplier?.text).toBe("V001");
});

test("a red voucher keeps its sides and carries negative amounts and quantities", async () => {
  const arrived = u8(addReply(saved(58)));
  await connect().post([receiptDraft("a", {}, "-10")], soon());
  const request = arrived.find(({ proc }) => proc === "add");
  const [debit] = childrenOf(child(child(request?.root, "voucher"), "voucher_body"), "entry");
  expect([textOf(debit, "natural_debit_currency"), textOf(debit, "debit_quantity")]).toEqual(["-128.50", "-10"]);
});

test.each([
  ["success without a voucher number", addReply(refusal("", "", "0")), "uncertain ANSWER_INCOMPLETE"],
  ["success that says it was uploaded before", addReply(saved(58, "数据重复上传")), "uncertain ALREADY_EXISTS"],
  ["another wording of the same", addReply(refusal("外部系统凭证已存在")), "uncertain ALREADY_EXISTS"],
  ["success for another message", addReply(saved(58), "somebody-else"), "uncertain ANSWER_INCOMPLETE"],
  ["success whose key the books do not have", addReply(saved(58)), "uncertain KEY_NOT_ECHOED"],
  ["a reply without items", addReply(""), "uncertain ANSWER_INCOMPLETE"],
  [
    "a line that is refused, then the summary",
    addReply(refusal("项目非法", "2") + refusal("凭证分录数据有错")),
    "refused DIMENSION_REFUSED",
  ],
  ["a success beside a failure", addReply(saved(58) + refusal("科目不是末级科目", "1")), "refused ACCOUNT_REFUSED"],
  ["a text that nobody knows", addReply(refusal("天知道", "", "7")), "refused REFUSED_BY_ERP"],
  ["a wrong registration code", addReply(refusal("注册号不正确!")), "not-done LOGIN_REFUSED"],
  ["a server that is busy", addReply(refusal("系统繁忙，请稍后再试")), "not-done THROTTLED"],
  ["somebody who edits", addReply(refusal("其他人正在修改")), "not-done CONFLICT"],
  ["the word false", "false", "uncertain ANSWER_UNREADABLE"],
  ["nothing", "", "uncertain ANSWER_UNREADABLE"],
  ["a page", "<html><body>An error occurred on the server</body></html>", "uncertain ANSWER_UNREADABLE"],
  ["half a reply", addReply(saved(58)).slice(0, 120), "uncertain ANSWER_UNREADABLE"],
  [
    "HTTP 500",
    { status: 500, body: "An error occurred on the server when processing the URL." },
    "uncertain SERVER_ERROR",
  ],
  ["a broken component", addReply(refusal("在对应所需名称或序数的集合中，未找到项目")), "uncertain SERVER_ERROR"],
])("%s", async (_name, reply, expected) => {
  u8(reply);
  const [outcome] = await connect().post([receiptDraft("a")], soon());
  expect(briefly(outcome === undefined ? [] : [outcome])).toEqual([expected]);
});

test("a refusal is not believed while the books have the key, or cannot be asked", async () => {
  u8(addReply(refusal("项目非法", "2")), [exportedVoucher(KEY, 58)]);
  expect(briefly(await connect().post([receiptDraft("a")], soon()))).toEqual(["uncertain SERVER_ERROR"]);
  nock.cleanAll();
  eaiServer(({ proc }) => (proc === "add" ? addReply(refusal("项目非法", "2")) : "false"));
  const [outcome] = await connect().post([receiptDraft("a")], soon());
  expect(outcome).toMatchObject({
    kind: "uncertain",
    code: "SERVER_ERROR",
    message: expect.stringContaining("项目非法"),
  });
});

test("a refused voucher of a closed period is held by that name, whatever U8 calls it", async () => {
  eaiServer(({ proc, roottag, root }) => {
    if (proc === "add") return addReply(refusal("天知道"));
    if (roottag !== "SQLEXE") return empty(roottag);
    const month = Number(/iperiod=(\d+)/.exec(child(root, "sql")?.attributes["value"] ?? "")?.[1]);
    return OPEN.replace("false", month <= 7 ? "true" : "false");
  });
  const target = connect();
  expect(briefly(await target.post([receiptDraft("a")], soon()))).toEqual(["refused PERIOD_CLOSED"]);
  const states = await target.periods("001");
  expect(states.filter(({ open }) => !open).map((state) => state.period)).toEqual(
    [1, 2, 3, 4, 5, 6, 7].map((month) => `2025-0${month}`),
  );
  expect(states.find(({ open }) => open)?.period).toBe("2025-08");
});

test("no answer at all is uncertain, and nothing goes out twice", async () => {
  // nock shows no socket that connects: a server of its own hangs up behind the request.
  nock.restore();
  let sent = 0;
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      if (!body.includes('proc="add"')) return response.end(empty("dsign"));
      sent += 1;
      return request.socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const target = connect({}, { baseUrl: `http://127.0.0.1:${port}/` });
  const outcomes = await target.post([receiptDraft("a")], soon());
  await target.close();
  server.close();
  expect([briefly(outcomes), sent]).toEqual([["uncertain NO_ANSWER"], 1]);
});

test("after the deadline, and with a registration code that is refused, no voucher is sent", async () => {
  const arrived = u8(addReply(saved(58)));
  expect(briefly(await connect().post([receiptDraft("a")], soon(-1)))).toEqual(["not-done DEADLINE_PASSED"]);
  nock.cleanAll();
  const refusing = eaiServer(() => addReply(refusal("注册号不正确!")));
  const target = connect();
  for (let round = 0; round < 3; round += 1)
    expect(briefly(await target.post([receiptDraft("a")], soon()))).toEqual(["not-done LOGIN_REFUSED"]);
  expect([...arrived, ...refusing].filter(({ proc }) => proc === "add")).toEqual([]);
  expect(refusing.length).toBe(1);
});

test.each([
  [{ word: "转" }, "refused CODE_MISSING"],
  [{ book: "002" }, "refused CONFIG_INVALID"],
  [{ currency: "USD" }, "refused CODE_MISSING"],
])("what cannot be written down is refused before anything is sent: %j", async (change, expected) => {
  const arrived = u8(addReply(saved(58)));
  expect(briefly(await connect().post([receiptDraft("a", change)], soon()))).toEqual([expected]);
  expect(arrived).toEqual([]);
});

test("a dimension without a place, control characters and more than two decimals are refused before anything is sent", async () => {
  const arrived = u8(addReply(saved(58)));
  const draft = receiptDraft("a");
  const change = (line: object) => ({ ...draft, lines: draft.lines.map((one) => ({ ...one, ...line })) });
  const outcomes = await connect().post(
    [change({ dimensions: { batch: "B1" } }), change({ summary: "a\u0001b" }), change({ amount: "1.005" })],
    soon(),
  );
  expect(briefly(outcomes)).toEqual([
    "refused DIMENSION_REFUSED",
    "refused LIMIT_CHARACTERS",
    "refused LIMIT_DECIMALS",
  ]);
  expect(arrived).toEqual([]);
});

test("read-back is equal to what was sent, by key wherever the voucher went", async () => {
  u8("", [exportedVoucher(KEY, 57, { head: "<checker>审核人</checker>" })]);
  const read = (await connect().readBack("001", [ID])).get(ID);
  expect(read).toMatchObject({
    erpId: `2025-07:记:57:${KEY}`,
    key: KEY,
    number: "57",
    stage: "audited",
    word: "记",
    voided: false,
  });
  expect(deviationsOf(receiptDraft("a"), read as ErpVoucher)).toEqual([]);
});

test("look-ups tell absent, one, void and several apart, and see the control", async () => {
  const [one, gone, dead, twice] = ["one", "gone", "dead", "twice"].map(keyOf);
  u8("", []);
  nock.cleanAll();
  eaiServer(({ values }) =>
    exported(
      [
        exportedVoucher(one ?? "", 1),
        exportedVoucher(dead ?? "", 2, { head: "<revokeflag>1</revokeflag>" }),
        exportedVoucher(twice ?? "", 3),
        exportedVoucher(twice ?? "", 4),
      ].filter((voucher) => values.some((value) => voucher.includes(value))),
    ),
  );
  const keys = ["one", "gone", "dead", "twice"].map(keyOf);
  const { found, controlSeen } = await connect().findByKeys("001", keys, one === undefined ? undefined : keyOf("one"));
  expect(keys.map((key) => found.get(key)?.kind)).toEqual(["one", "absent", "void", "several"]);
  expect(controlSeen).toBe(true);
  expect((await connect().findByKeys("001", keys, gone === undefined ? undefined : keyOf("gone"))).controlSeen).toBe(
    false,
  );
});

test("an answer that was cut names no key absent", async () => {
  const keys = ["a", "b", "c", "d"].map(keyOf);
  eaiServer(({ values }) =>
    exported(
      keys
        .filter((key) => values.includes(key))
        .slice(0, 2)
        .map((key, index) => exportedVoucher(key, index + 1)),
    ),
  );
  const { found, controlSeen } = await connect().findByKeys("001", [...keys, keyOf("e")], undefined);
  expect(keys.map((key) => found.get(key)?.kind)).toEqual(["one", "one", "one", "one"]);
  expect([found.get(keyOf("e"))?.kind, controlSeen]).toEqual(["absent", false]);
});

test.each([
  ["a condition that is ignored", exported([exportedVoucher(keyOf("other"), 1)])],
  ["a voucher without the external number", exported([exportedVoucher("", 1).replace("<reserve2></reserve2>", "")])],
  ["an error", addReply(refusal("数据库没有提供的字段(coutno_id)!"))],
  ["the word false", "false"],
])("%s makes a look-up fail, never absent", async (_name, reply) => {
  eaiServer(() => reply);
  const { found, controlSeen } = await connect().findByKeys("001", [KEY], KEY);
  expect([found.get(KEY)?.kind, controlSeen]).toEqual(["failed", false]);
});

/** A U8 whose answers hold at most `max` vouchers and say nothing about it. */
const cutting = (numbers: readonly number[], max: number, sign = "记") =>
  eaiServer(({ root }) => {
    const fields = childrenOf(child(root, "voucher"), "field").map(({ attributes }) => attributes);
    const fits = (number: number): boolean =>
      fields.every(({ name, operation, value = "" }) => {
        if (name === "csign") return operation === "=" ? value === sign : value !== sign;
        if (name !== "ino_id") return true;
        if (operation === ">") return number > Number(value);
        return operation === ">=" ? number >= Number(value) : number <= Number(value);
      });
    return exported(
      numbers
        .filter(fits)
        .slice(0, max)
        .map((number) => exportedVoucher("", number, { sign })),
    );
  });

const listed = async (settings: Readonly<Record<string, unknown>>): Promise<readonly string[]> => {
  const all: string[] = [];
  for await (const page of connect(settings).listPeriod("001", period("2025-07")))
    all.push(...page.map(({ word, number }) => `${word}-${number}`));
  return all;
};

test.each([
  [1_000, "记"],
  [3, "记"],
  [3, "收"],
])("a period is listed whole, cut answers (%i) and unknown 凭证字 (%s) included", async (max, sign) => {
  const numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 16, 95];
  cutting(numbers, max, sign);
  expect(await listed({ numbersPerQuery: 10 })).toEqual(numbers.map((number) => `${sign}-${number}`));
});

test("a voucher that comes without all its lines is no voucher", async () => {
  const half = exportedVoucher("", 1).replace(/<entry><entry_id>2.*?<\/entry>/, "");
  eaiServer(({ roottag }) => (roottag === "voucher" ? exported([half]) : empty(roottag)));
  await expect(listed({})).rejects.toThrow("RESULT_TRUNCATED");
});

test("control totals of the database are compared where that is configured", async () => {
  const totals = (debit: string): string =>
    `<ufinterface roottag="SQLEXE" proc="row"><NewDataSet><row><n>2</n><debit>${debit}</debit><credit>128.5000</credit></row></NewDataSet></ufinterface>`;
  const target = connect({ eai: { controlTotals: true } });
  eaiServer(({ roottag }) => (roottag === "SQLEXE" ? totals("128.5000") : exported([exportedVoucher(KEY, 58)])));
  expect((await target.readBack("001", [ID])).size).toBe(1);
  nock.cleanAll();
  eaiServer(({ roottag }) => (roottag === "SQLEXE" ? totals("256.5000") : exported([exportedVoucher(KEY, 58)])));
  await expect(target.readBack("001", [ID])).rejects.toThrow("RESULT_TRUNCATED");
});

test("balances come from the database in two questions, by account and by item, without the noise of floats", async () => {
  const row = (account: string, item: string, debit: string, quantity: string): string =>
    `<row><ccode>${account}</ccode><citem_class>97</citem_class><citem_id>${item}</citem_id><debit>${debit}</debit><credit>0.0000</credit>${quantity === "" ? "" : `<debitq>${quantity}</debitq>`}</row>`;
  const arrived = eaiServer(({ root }) => {
    const isOpening = child(root, "sql")?.attributes["value"]?.includes("iyear < 2025") === true;
    const rows = isOpening
      ? [row("1405", "A", "100.0000", "0.30000000000000004")]
      : [row("1405", "A", "20.0000", "1E-06"), row("1405", "B", "5.0000", "2"), row("1001", "", "7.0000", "")];
    return `<ufinterface roottag="SQLEXE" proc="row"><NewDataSet>${rows.join("")}</NewDataSet></ufinterface>`;
  });
  const target = connect({ dimensions: { item: { itemClass: "97" } } });
  const balances = await target.balances("001", period("2025-07"));
  const of = (account: string, item: string) => balances.find((one) => one.account === account && one.item === item);
  expect(of("1405", "")).toMatchObject({ opening: "100", debit: "25", closing: "125", openingQuantity: "0.3" });
  expect(of("1405", "A")).toMatchObject({ closing: "120", debitQuantity: "0.000001", closingQuantity: "0.300001" });
  expect(of("1001", "")).toMatchObject({ closing: "7", closingQuantity: undefined });
  expect(arrived.length).toBe(2);
});

test("balances add up what the vouchers say, void ones left out", async () => {
  const books = [
    exportedVoucher("", 1),
    exportedVoucher("", 2, { amount: "71.5" }),
    exportedVoucher("", 3, { head: "<revokeflag>1</revokeflag>" }),
  ];
  eaiServer(({ roottag, values }) =>
    roottag === "voucher" && values.includes("7") && values.includes("1") && values.includes("200")
      ? exported(books)
      : empty(roottag),
  );
  const balances = await connect({ eai: { balances: "vouchers" } }).balances("001", period("2025-07"));
  expect(balances.find(({ account }) => account === "1405")).toMatchObject({
    opening: "0",
    debit: "200",
    closing: "200",
  });
});

test("GBK requests are GBK in bytes and by declaration", async () => {
  const arrived = u8(addReply(saved(58)));
  await connect({ eai: { encoding: "gb2312" } }).post([receiptDraft("a")], soon());
  const request = arrived.find(({ proc }) => proc === "add");
  expect(textOf(childrenOf(child(child(request?.root, "voucher"), "voucher_body"), "entry")[0], "abstract")).toBe(
    "暂估入库 a",
  );
  expect(request?.bytes.toString("latin1")).toContain('encoding="gb2312"');
});

test("an account that is sealed, or not at the lowest level, is not usable", async () => {
  const account = (code: string, flags: string): string => `<code><code>${code}</code><name>n</name>${flags}</code>`;
  eaiServer(
    () =>
      `<ufinterface roottag="code" proc="Query">${account("1001", "<end_item_flag>1</end_item_flag><acc_seal_flag>0</acc_seal_flag>")}${account("2202", "<end_item_flag>0</end_item_flag>")}${account("1405", "<end_item_flag>1</end_item_flag><acc_seal_flag>1</acc_seal_flag>")}</ufinterface>`,
  );
  const rows = await connect().masterData("account", ["1001", "2202", "1405"]);
  expect(rows.map(({ code, usable }) => [code, usable])).toEqual([
    ["1001", true],
    ["2202", false],
    ["1405", false],
  ]);
});
