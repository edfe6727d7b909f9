import nock from "nock";
import { afterEach, beforeEach, expect, test } from "vitest";
import { period } from "../../domain/dates.ts";
import { decimal } from "../../domain/decimal.ts";
import { deviationsOf } from "../../domain/read-back.ts";
import type { ErpVoucher } from "../contract.ts";
import { HOST, briefly, connect, keyOf, receiptDraft, soon } from "./testing.ts";

beforeEach(() => {
  if (!nock.isActive()) nock.activate();
});
afterEach(() => {
  nock.cleanAll();
  nock.restore();
});

const KEY = keyOf("a");
const ID = `2025-07:记:58:${KEY}`;

const line = (key: string, number: number, inid: number, more: Readonly<Record<string, unknown>>) => ({
  i_id: number * 10 + inid,
  ino_id: number,
  inid: String(inid),
  date: "2025-07-31",
  digest: "摘要",
  md: 0,
  mc: 0,
  bill: "账实接口",
  ccheck: "",
  cbook: null,
  iflag: 0,
  coutno_id: key,
  ...more,
});
const voucher = (key: string, number: number, head: Readonly<Record<string, unknown>> = {}) => [
  line(key, number, 1, { code: "1405", md: "128.5000", nd_s: 10, ...head }),
  line(key, number, 2, { code: "220202", mc: 128.5, csup_id: "V001", ...head }),
];
type Rows = readonly Readonly<Record<string, unknown>>[];
interface Call {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
}
type Reply = Readonly<Record<string, unknown>> | string;

/** A gateway that gives tokens, answers `add` by `add` and has the vouchers of `books`. */
const gateway = (
  { add = {}, polls = [] }: { readonly add?: Reply; readonly polls?: readonly Reply[] } = {},
  books: Rows = [],
  special: (call: Call) => Reply | undefined = () => undefined,
): Call[] => {
  const calls: Call[] = [];
  let tokens = 0;
  let poll = 0;
  const answer = (call: Call): Reply => {
    const other = special(call);
    if (other !== undefined) return other;
    const { path, query } = call;
    const rows = (resource: string, list: Rows) => ({
      errcode: "0",
      errmsg: "",
      row_count: String(list.length),
      [resource]: list,
    });
    if (path === "/system/token")
      return { errcode: "0", errmsg: "", token: { appKey: "k", expiresIn: 7200, id: `token-${(tokens += 1)}` } };
    if (path === "/system/tradeid") return { errcode: "0", errmsg: "", trade: { id: "trade-1" } };
    if (path === "/api/voucher/add") return add;
    if (path === "/result") return polls[Math.min((poll += 1), polls.length) - 1] ?? {};
    if (path === "/api/dsign/batch_get") return rows("dsign", [{ type: "记", type_name: "记账凭证" }]);
    const key = query.get("coutno_id");
    const found = books.filter((row) => key === null || row["coutno_id"] === key);
    if (path === "/api/voucherdetails/batch_get") return { errcode: "0", errmsg: "", voucherdetails: found };
    if (path === "/api/voucherlist/batch_get") {
      const heads = found.filter((row) => row["inid"] === "1");
      return { errcode: "0", errmsg: "", row_count: String(heads.length), voucherlist: { entry: heads } };
    }
    return { errcode: "0", errmsg: "", row_count: "0", [path.split("/")[2] ?? ""]: [] };
  };
  const reply = (uri: string, body: unknown): [number, string] => {
    const url = new URL(uri, HOST);
    const call = { path: url.pathname, query: url.searchParams, body: JSON.stringify(body) };
    calls.push(call);
    const given = answer(call);
    return [200, typeof given === "string" ? given : JSON.stringify(given)];
  };
  nock(HOST).persist().get(/.*/).reply(reply);
  nock(HOST).persist().post(/.*/).reply(reply);
  return calls;
};

const target = (settings: Readonly<Record<string, unknown>> = {}) =>
  connect({ interface: "openapi", openapi: { pollSecondsMax: 0.05, ...settings } });
const DONE = { errcode: "0", errmsg: "", tradeid: "", id: "58" };
const RUNNING = { url: `https://elsewhere.test/result?requestid=1`, ping_after: 3, tradeid: "" };
const wrapped = (text: string) => ({ errcode: "20005", errmsg: `U8 服务调用失败:key='${KEY}';${text};` });

test("an accepted voucher is polled until its result is there, and our key is the upstream key", async () => {
  const calls = gateway(
    { add: RUNNING, polls: [RUNNING, { errcode: "30025", errmsg: "操作正在执行" }, DONE] },
    voucher(KEY, 58),
  );
  expect(briefly(await target().post([receiptDraft("a")], soon()))).toEqual([ID]);
  const [add, ...others] = calls.filter(({ path }) => path === "/api/voucher/add");
  expect(others).toEqual([]);
  expect([add?.query.get("biz_id"), add?.query.get("sync"), add?.query.get("tradeid")]).toEqual([KEY, "0", null]);
  expect(JSON.parse(add?.body ?? "")).toMatchObject({
    voucher: {
      reserve2: KEY,
      voucher_making_system: "CDM",
      fiscal_year: 2025,
      accounting_period: 7,
      debit: { entry: [{ entry_id: 1, account_code: "1405", natural_debit_currency: 128.5, debit_quantity: 10 }] },
      credit: { entry: [{ entry_id: 2, natural_credit_currency: 128.5, auxiliary: { supplier_id: "V001" } }] },
    },
  });
  // The result is asked for where the vendor was reached, whatever host its address names.
  expect(calls.filter(({ path }) => path === "/result").length).toBe(3);
});

test("with tradeid a number is fetched for each voucher, and its echo has to fit", async () => {
  const calls = gateway({ add: { ...DONE, tradeid: "trade-1" } }, voucher(KEY, 58));
  expect(briefly(await target({ transaction: "tradeid", sync: true }).post([receiptDraft("a")], soon()))).toEqual([ID]);
  const add = calls.find(({ path }) => path === "/api/voucher/add");
  expect([add?.query.get("tradeid"), add?.query.get("biz_id"), add?.query.get("sync")]).toEqual(["trade-1", null, "1"]);
  nock.cleanAll();
  gateway({ add: { ...DONE, tradeid: "trade-9" } }, voucher(KEY, 58));
  expect(briefly(await target({ transaction: "tradeid" }).post([receiptDraft("a")], soon()))).toEqual([
    "uncertain ANSWER_INCOMPLETE",
  ]);
});

test.each([
  ["a success whose key the books do not have", DONE, "uncertain KEY_NOT_ECHOED"],
  ["a success without an id", { ...DONE, id: "" }, "uncertain ANSWER_INCOMPLETE"],
  ["neither result nor address", { tradeid: "x" }, "uncertain ANSWER_INCOMPLETE"],
  ["a fault of the platform", { errcode: "10001", errmsg: "平台错误" }, "uncertain SERVER_ERROR"],
  ["a code that nobody knows", { errcode: "99999", errmsg: "?" }, "uncertain SERVER_ERROR"],
  ["a token that ended", { errcode: "30012", errmsg: "参数token已过期" }, "not-done NOT_LOGGED_IN"],
  ["a missing right", { errcode: "30003", errmsg: "" }, "not-done PERMISSION_DENIED"],
  ["too many calls", { errcode: "30005", errmsg: "" }, "not-done THROTTLED"],
  ["U8's own refusal", wrapped("科目不是末级科目"), "refused ACCOUNT_REFUSED"],
  ["U8 that has it already", wrapped("数据重复上传"), "uncertain ALREADY_EXISTS"],
  ["U8 whose server broke", wrapped("An error occurred on the server"), "uncertain SERVER_ERROR"],
  ["a page", "<html></html>", "uncertain ANSWER_UNREADABLE"],
  ["a list", "[1]", "uncertain ANSWER_UNREADABLE"],
])("%s", async (_name, add, expected) => {
  gateway({ add });
  expect(briefly(await target({ sync: true }).post([receiptDraft("a")], soon()))).toEqual([expected]);
});

test("a refusal where only the taking was to be answered proves nothing; one that is the result does", async () => {
  gateway({ add: wrapped("科目不是末级科目") });
  expect(briefly(await target().post([receiptDraft("a")], soon()))).toEqual(["uncertain SERVER_ERROR"]);
  nock.cleanAll();
  gateway({ add: RUNNING, polls: [wrapped("科目不是末级科目")] });
  expect(briefly(await target().post([receiptDraft("a")], soon()))).toEqual(["refused ACCOUNT_REFUSED"]);
});

test("a result that does not come in time is uncertain, and asking for it is bounded", async () => {
  const calls = gateway({ add: RUNNING, polls: [RUNNING] });
  expect(briefly(await target({ pollSecondsMax: 0.05 }).post([receiptDraft("a")], soon()))).toEqual([
    "uncertain NO_ANSWER",
  ]);
  expect(calls.filter(({ path }) => path === "/result").length).toBe(20);
});

test("one token serves all calls, is renewed when the gateway forgot it, and a refused one is not asked for again", async () => {
  let forgotten = true;
  const calls = gateway({}, [], ({ path, query }) => {
    if (path !== "/api/voucherdetails/batch_get" || query.get("token") !== "token-1" || !forgotten) return undefined;
    forgotten = false;
    return { errcode: "30012", errmsg: "参数token已过期" };
  });
  const erp = target();
  const { found } = await erp.findByKeys("001", [KEY, keyOf("b")], undefined);
  expect([...found.values()].map(({ kind }) => kind)).toEqual(["absent", "absent"]);
  expect(calls.filter(({ path }) => path === "/system/token").length).toBe(2);
  nock.cleanAll();
  const refusing = gateway({}, [], ({ path }) =>
    path === "/system/token" ? { errcode: "30002", errmsg: "app_secret s3cret" } : undefined,
  );
  const stranger = target();
  for (let round = 0; round < 3; round += 1) {
    const [outcome] = await stranger.post([receiptDraft("a")], soon());
    expect(outcome).toMatchObject({ kind: "not-done", code: "LOGIN_REFUSED" });
    expect(JSON.stringify(outcome)).not.toContain("s3cret");
  }
  expect(refusing.length).toBe(1);
});

test("a spent token is replaced before the vendor refuses it", async () => {
  const calls = gateway();
  const erp = target({ tokenCallsMax: 2 });
  for (let round = 0; round < 4; round += 1) await erp.findByKeys("001", [KEY], undefined);
  expect(calls.filter(({ path }) => path === "/system/token").length).toBe(2);
});

test("no message shows token or secret", async () => {
  gateway({ add: { errcode: "10001", errmsg: "token-1 s3cret" } });
  const [outcome] = await target().post([receiptDraft("a")], soon());
  expect(JSON.stringify(outcome)).not.toMatch(/token-1|s3cret/);
});

test("look-ups tell one, void, several and absent apart; a condition that is ignored is a failure", async () => {
  const books = [
    ...voucher(KEY, 58),
    ...voucher(keyOf("dead"), 59, { iflag: "1" }),
    ...voucher(keyOf("twice"), 60),
    ...voucher(keyOf("twice"), 61),
  ];
  gateway({}, books);
  const keys = ["a", "dead", "twice", "gone"].map(keyOf);
  const { found, controlSeen } = await target().findByKeys("001", keys, KEY);
  expect([keys.map((key) => found.get(key)?.kind), controlSeen]).toEqual([["one", "void", "several", "absent"], true]);
  nock.cleanAll();
  gateway({}, [], ({ path }) =>
    path === "/api/voucherdetails/batch_get" ? { errcode: "0", voucherdetails: voucher(keyOf("other"), 1) } : undefined,
  );
  expect((await target().findByKeys("001", [KEY], KEY)).found.get(KEY)?.kind).toBe("failed");
});

test("a look-up takes one call per key and one for the control", async () => {
  const calls = gateway({}, voucher(KEY, 58));
  const keys = ["b", "c", "d"].map(keyOf);
  const { controlSeen } = await target().findByKeys("001", keys, KEY);
  expect([controlSeen, calls.filter(({ path }) => path === "/api/voucherdetails/batch_get").length]).toEqual([true, 4]);
});

test("read-back is equal to what was sent, exact beyond floats", async () => {
  const amount = '"md":9999999999999.99';
  gateway({}, [], ({ path }) =>
    path === "/api/voucherdetails/batch_get"
      ? JSON.stringify({ errcode: "0", voucherdetails: voucher(KEY, 58) })
          .replace('"md":"128.5000"', amount)
          .replace('"mc":128.5', amount.replace("md", "mc"))
      : undefined,
  );
  const read = (await target().readBack("001", [ID])).get(ID);
  const draft = receiptDraft("a");
  const large = { ...draft, lines: draft.lines.map((one) => ({ ...one, amount: decimal("9999999999999.99") })) };
  expect(deviationsOf(large, read as ErpVoucher)).toEqual([]);
});

test("项目大类 and 项目编码 are read as a pair, whichever way round they come", async () => {
  for (const pair of [
    { citem_class: "97", citem_id: "M-001" },
    { citem_class: "M-001", citem_id: "97" },
  ]) {
    nock.cleanAll();
    gateway({}, voucher(KEY, 58, pair));
    const erp = connect({ interface: "openapi", dimensions: { item: { itemClass: "97" } } });
    expect((await erp.readBack("001", [ID])).get(ID)?.lines[0]?.dimensions).toEqual({ item: "M-001" });
  }
});

const listed = async (): Promise<readonly string[]> => {
  const all: string[] = [];
  for await (const page of target().listPeriod("001", period("2025-07"))) all.push(...page.map(({ erpId }) => erpId));
  return all;
};

test("a period is listed from list and details together, and vouchers without their lines are no vouchers", async () => {
  gateway({}, [...voucher(KEY, 58), ...voucher("", 59)]);
  expect(await listed()).toEqual([ID, "2025-07:记:59"]);
  nock.cleanAll();
  gateway({}, [...voucher(KEY, 58), ...voucher("", 59).slice(0, 1)]);
  await expect(listed()).rejects.toThrow("RESULT_TRUNCATED");
});

test("a list that counts more rows than it gives was cut", async () => {
  gateway({}, voucher(KEY, 58), ({ path, query }) =>
    path === "/api/voucherlist/batch_get" && query.get("page_index") !== "1"
      ? { errcode: "0", row_count: "2", voucherlist: { entry: [] } }
      : path === "/api/voucherlist/batch_get"
        ? { errcode: "0", row_count: "2", voucherlist: { entry: voucher(KEY, 58).slice(0, 1) } }
        : undefined,
  );
  await expect(listed()).rejects.toThrow("RESULT_TRUNCATED");
});
