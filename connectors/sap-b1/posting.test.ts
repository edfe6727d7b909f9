import nock from "nock";
import { afterEach, beforeEach, expect, test } from "vitest";
import { decimal } from "../../domain/decimal.ts";
import {
  ORIGIN,
  asText,
  batchReply,
  committed,
  connect,
  errorV1,
  errorV2,
  mayLogIn,
  rolledBack,
} from "./recorded.testing.ts";
import { BOOK, briefly, keyOf, receiptDraft, soon } from "./samples.testing.ts";

beforeEach(() => nock.disableNetConnect());
afterEach(() => {
  nock.cleanAll();
  nock.enableNetConnect();
});

/** Answers one batch after the other, and keeps what was asked. */
const batches = (...replies: readonly nock.ReplyFnResult[]): string[] => {
  const asked: string[] = [];
  nock(ORIGIN)
    .persist()
    .post("/b1s/v2/$batch")
    .reply((_path, body) => {
      asked.push(asText(body));
      const reply = replies[asked.length - 1];
      if (reply === undefined) throw new Error("asked too often");
      return reply;
    });
  return asked;
};
const posted = (name: string, contentId = 1): string => committed(contentId, 48_211, { U_ZSKey: keyOf(name) });
const refusal = (contentId: number, code: string, message: string): string =>
  rolledBack(contentId, "400 Bad Request", errorV2(code, message));

test("a voucher goes out as claim row and journal entry in one change set, with both cookies", async () => {
  mayLogIn();
  let cookie = "";
  let type = "";
  let body = "";
  nock(ORIGIN)
    .post("/b1s/v2/$batch")
    .reply(function (_path, sent) {
      cookie = String(this.req.headers["cookie"]);
      type = String(this.req.headers["content-type"]);
      body = asText(sent);
      return batchReply(posted("a"));
    });
  const draft = receiptDraft("a");
  expect(await connect().post([draft], soon())).toEqual([
    { kind: "posted", key: draft.key, erpId: "48211", number: "1093", stage: "booked" },
  ]);
  expect(cookie).toBe("B1SESSION=6f0b1f9e-0a51-11f1-8000-0050569c1a11-4242-1180; ROUTEID=.node2");
  expect(type).toBe(`multipart/mixed; boundary=batch_${draft.key}`);
  expect(body.match(/^POST .*$/gm)).toEqual([
    "POST /b1s/v2/U_ZSCLAIM HTTP/1.1",
    "POST /b1s/v2/JournalEntries HTTP/1.1",
  ]);
  const [claim, journal] = [...body.matchAll(/^\{.*\}$/gm)].map(([text]): unknown => JSON.parse(text));
  expect(claim).toEqual({ Code: draft.key, Name: draft.key });
  expect(journal).toEqual({
    ReferenceDate: "2026-01-31",
    DueDate: "2026-01-31",
    TaxDate: "2026-01-31",
    Memo: "暂估入库 a",
    Reference: "a",
    U_ZSKey: draft.key,
    JournalEntryLines: [
      {
        AccountCode: "1405",
        Debit: "184.50",
        Credit: "0.00",
        LineMemo: "暂估入库 a",
        U_ZSQty: "10",
        U_ZSUnit: "Pcs",
        U_ZSItem: "M-001",
      },
      { AccountCode: "2202.02", Debit: "0.00", Credit: "184.50", LineMemo: "暂估入库 a", U_ZSSupplier: "VEN001" },
    ],
  });
});

test("what lies behind a refused voucher did not run and goes out again without it", async () => {
  mayLogIn();
  const asked = batches(
    batchReply(posted("a"), refusal(4, "-5002", "(7) Shop is closed")),
    batchReply(posted("c"), posted("d", 3)),
  );
  nock(ORIGIN).post("/b1s/v2/CompanyService_GetPeriods").reply(200, { value: [] });
  const outcomes = await connect().post(
    ["a", "b", "c", "d"].map((name) => receiptDraft(name)),
    soon(),
  );
  expect(briefly(outcomes)).toEqual(["booked", "refused REFUSED_BY_ERP", "booked", "booked"]);
  expect(outcomes[1]).toMatchObject({ key: keyOf("b"), message: "-5002: (7) Shop is closed (HTTP 400)" });
  expect(asked).toHaveLength(2);
  expect(asked[1]).not.toContain(keyOf("b"));
});

test("a key that is claimed already is uncertain: only the books can tell", async () => {
  mayLogIn();
  batches(batchReply(refusal(1, "-2035", "This entry already exists in the following tables (ODBC -2035)")));
  expect(briefly(await connect().post([receiptDraft("a")], soon()))).toEqual(["uncertain ALREADY_EXISTS"]);
});

test.each([
  ["-4013", "Posting period locked; specify an alternative date", "refused PERIOD_CLOSED"],
  ["-10", "Date deviates from permissible range  [OJDT.RefDate]", "refused PERIOD_CLOSED"],
  ["-2028", "No matching records found (ODBC -2028)", "refused MASTER_DATA_REFUSED"],
  ["-5002", "Enter valid code  [JDT1.Account][line: 1]", "refused ACCOUNT_REFUSED"],
  ["-1000", "Property 'U_ZSKey' of 'JournalEntry' is invalid", "not-done KEY_FIELD_MISSING"],
  ["-1000", "Property 'Foo' of 'JournalEntry' is invalid", "refused REFUSED_BY_ERP"],
  ["-1116", "Could not commit transaction: Error -1 detected during transaction", "not-done CONFLICT"],
  ["-99887", "Something that nobody has catalogued", "refused REFUSED_BY_ERP"],
])("error %s %s", async (code, message, outcome) => {
  mayLogIn();
  batches(batchReply(refusal(2, code, message)));
  nock(ORIGIN).post("/b1s/v2/CompanyService_GetPeriods").reply(200, { value: [] });
  const noted: unknown[] = [];
  const log = (text: string, fields: unknown): number => noted.push([text, fields]);
  const outcomes = await connect({}, { log }).post([receiptDraft("a")], soon());
  expect(briefly(outcomes)).toEqual([outcome]);
  expect(outcomes[0]).toMatchObject({ message: `${code}: ${message} (HTTP 400)` });
  expect(noted).toEqual(code === "-99887" ? [["unknown vendor error", { code, status: 400, message }]] : []);
});

test("a refusal without a clear code is a closed period where the period is closed", async () => {
  mayLogIn();
  batches(batchReply(refusal(2, "-5002", "no words for it")));
  nock(ORIGIN)
    .post("/b1s/v2/CompanyService_GetPeriods")
    .reply(200, { value: [{ AbsoluteEntry: 1 }] })
    .post("/b1s/v2/CompanyService_GetFinancePeriods", { PeriodCategoryParams: { AbsoluteEntry: 1 } })
    .reply(200, {
      value: [
        {
          AbsoluteEntry: 6,
          PostingDateFrom: "2026-01-01T00:00:00Z",
          PostingDateTo: "2026-01-31T00:00:00Z",
          PeriodStatus: "ltLocked",
        },
      ],
    });
  expect(briefly(await connect().post([receiptDraft("a")], soon()))).toEqual(["refused PERIOD_CLOSED"]);
});

test("a refusal without a clear code is for an account where the chart does not let it be used", async () => {
  mayLogIn();
  batches(batchReply(refusal(2, "-2028", "No matching records found (ODBC -2028)")));
  nock(ORIGIN)
    .get(/^\/b1s\/v2\/ChartOfAccounts/)
    .reply(200, { value: [{ Code: "1405", Name: "库存商品", ActiveAccount: "tYES" }], "@odata.count": 1 });
  expect(await connect().post([receiptDraft("a")], soon())).toMatchObject([
    {
      code: "ACCOUNT_REFUSED",
      message: "-2028: No matching records found (ODBC -2028) (HTTP 400); account 2202.02 takes no lines",
    },
  ]);
});

test("a conflict leaves the rest of the batch for later instead of running into it again", async () => {
  mayLogIn();
  const asked = batches(batchReply(refusal(2, "-2038", "Internal error (-2038) occurred")));
  const outcomes = await connect().post([receiptDraft("a"), receiptDraft("b")], soon());
  expect(briefly(outcomes)).toEqual(["not-done CONFLICT", "not-done CONFLICT"]);
  expect(asked).toHaveLength(1);
});

test("a batch that is not taken as a whole is halved until the one to blame stands alone", async () => {
  mayLogIn();
  const whole: nock.ReplyFnResult = [400, errorV2("242", "invalid character"), { "Content-Type": "application/json" }];
  const asked = batches(whole, whole, batchReply(posted("b")));
  nock(ORIGIN).post("/b1s/v2/CompanyService_GetPeriods").reply(200, { value: [] });
  const outcomes = await connect().post([receiptDraft("a"), receiptDraft("b")], soon());
  expect(briefly(outcomes)).toEqual(["refused REFUSED_BY_ERP", "booked"]);
  expect(asked).toHaveLength(3);
});

test.each([
  ["another key", { U_ZSKey: "other" }, "uncertain KEY_NOT_ECHOED"],
  ["no key", {}, "uncertain KEY_NOT_ECHOED"],
])("an entry that echoes %s is not posted", async (_what, entry, outcome) => {
  mayLogIn();
  batches(batchReply(committed(1, 7, entry)));
  expect(briefly(await connect().post([receiptDraft("a")], soon()))).toEqual([outcome]);
});

test("parts are told apart by the key that they echo, not by where they stand", async () => {
  mayLogIn();
  batches(batchReply(posted("a"), posted("c", 5)));
  const outcomes = await connect().post(
    ["a", "b", "c"].map((name) => receiptDraft(name)),
    soon(),
  );
  expect(briefly(outcomes)).toEqual(["booked", "uncertain ANSWER_INCOMPLETE", "booked"]);
});

test("a failure behind a gap in the answer leaves the gap uncertain", async () => {
  mayLogIn();
  batches(batchReply(posted("a"), refusal(6, "-4013", "Posting period locked")));
  const outcomes = await connect().post(
    ["a", "b", "c", "d"].map((name) => receiptDraft(name)),
    soon(),
  );
  expect(briefly(outcomes)).toEqual([
    "booked",
    "uncertain ANSWER_INCOMPLETE",
    "refused PERIOD_CLOSED",
    "uncertain ANSWER_INCOMPLETE",
  ]);
});

test.each(["-1116", "-1", "-2038"])("error %s instead of a batch answer proves nothing", async (code) => {
  mayLogIn();
  batches([400, errorV2(code, "x"), { "Content-Type": "application/json" }]);
  const outcomes = await connect().post([receiptDraft("a"), receiptDraft("b")], soon());
  expect(briefly(outcomes)).toEqual(["uncertain SERVER_ERROR", "uncertain SERVER_ERROR"]);
});

test("a voucher that the answer does not name is uncertain", async () => {
  mayLogIn();
  batches(batchReply(posted("a")));
  const outcomes = await connect().post([receiptDraft("a"), receiptDraft("b")], soon());
  expect(briefly(outcomes)).toEqual(["booked", "uncertain ANSWER_INCOMPLETE"]);
});

const html = { "Content-Type": "text/html" };
test.each<[string, nock.ReplyFnResult, string]>([
  ["a proxy error", [502, "<html>Proxy Error</html>", html], "uncertain SERVER_ERROR"],
  ["a proxy that gave up waiting", [504, "<html>Timeout</html>", html], "uncertain SERVER_ERROR"],
  ["an empty 500", [500, "", {}], "uncertain SERVER_ERROR"],
  ["no free worker", [503, "<html>Unavailable</html>", html], "not-done THROTTLED"],
  ["a company that is away", [500, errorV2("305", "Switch company error: -1102"), {}], "not-done NOT_REACHABLE"],
  ["a missing right", [403, errorV2("", "forbidden"), {}], "not-done PERMISSION_DENIED"],
  ["a session that is over", [401, errorV2("301", "Invalid session."), {}], "uncertain SESSION_LOST"],
  ["a page instead of a batch", [200, "<html>Welcome</html>", html], "uncertain ANSWER_UNREADABLE"],
])("%s", async (_what, reply, outcome) => {
  mayLogIn();
  const asked = batches(reply);
  expect(briefly(await connect().post([receiptDraft("a")], soon()))).toEqual([outcome]);
  expect(asked).toHaveLength(1);
});

test("a batch answer that was cut is uncertain for all, whatever its first part says", async () => {
  mayLogIn();
  batches([200, posted("a"), { "Content-Type": "multipart/mixed;boundary=batchresponse_A" }]);
  const outcomes = await connect().post([receiptDraft("a"), receiptDraft("b")], soon());
  expect(briefly(outcomes)).toEqual(["uncertain ANSWER_UNREADABLE", "uncertain ANSWER_UNREADABLE"]);
});

test("a lost answer is uncertain and nothing is sent twice", async () => {
  mayLogIn();
  let sent = 0;
  nock(ORIGIN)
    .persist()
    .post("/b1s/v2/$batch", () => (sent += 1) > 0)
    .replyWithError("socket hang up");
  const [outcome] = await connect().post([receiptDraft("a")], soon());
  expect(outcome?.kind).not.toBe("posted");
  expect(sent).toBe(1);
});

test("nothing is sent behind the deadline", async () => {
  mayLogIn();
  const asked = batches();
  expect(briefly(await connect().post([receiptDraft("a")], new Date(Date.now() - 1)))).toEqual([
    "not-done DEADLINE_PASSED",
  ]);
  expect(asked).toEqual([]);
});

test("the first edition answers 202, with numbers for codes", async () => {
  mayLogIn("v1");
  const replies = [
    batchReply(posted("a")),
    batchReply(rolledBack(2, "400 Bad Request", errorV1(-4013, "Posting period locked; specify an alternative date"))),
  ];
  nock(ORIGIN)
    .persist()
    .post("/b1s/v1/$batch")
    .reply((_path, body) => {
      expect(asText(body)).toContain("POST /b1s/v1/JournalEntries");
      const [, text, headers] = replies.shift() ?? batchReply();
      return [202, text, headers];
    });
  const target = connect({ serviceLayer: "v1" });
  expect(briefly(await target.post([receiptDraft("a")], soon()))).toEqual(["booked"]);
  expect(briefly(await target.post([receiptDraft("b")], soon()))).toEqual(["refused PERIOD_CLOSED"]);
});

test("a red line keeps its side with a negative amount", async () => {
  mayLogIn();
  const asked = batches(batchReply(posted("a")));
  await connect().post([receiptDraft("a", {}, "-184.50")], soon());
  const [body] = [...(asked[0] ?? "").matchAll(/^\{"Ref.*\}$/gm)].map(([text]) => JSON.parse(text));
  expect(body["JournalEntryLines"]).toMatchObject([
    { Debit: "-184.50", Credit: "0.00", U_ZSQty: "-10" },
    { Debit: "0.00", Credit: "-184.50" },
  ]);
});

test("codes that B1 would not check are looked up once, and a wrong one is refused before anything is sent", async () => {
  mayLogIn();
  const asked = batches(batchReply(posted("a")), batchReply(posted("a")));
  const listed: string[] = [];
  nock(ORIGIN)
    .persist()
    .get(/^\/b1s\/v2\/(Items|BusinessPartners)/)
    .reply((path) => {
      listed.push(
        decodeURIComponent(path)
          .replace(/\?.*\$filter=/, " ")
          .replace(/&.*/, ""),
      );
      const value = path.includes("Items")
        ? [{ ItemCode: "M-001", ItemName: "x", Frozen: "tNO" }]
        : [{ CardCode: "VEN001", CardName: "y", Frozen: "tNO" }];
      return [200, { "@odata.count": 1, value }];
    });
  const target = connect({ uncheckedCodes: [] });
  const [good, bad] = [receiptDraft("a"), receiptDraft("b")];
  const lines = bad.lines.map((line) => ({ ...line, dimensions: { item: "M-009" } }));
  const outcomes = await target.post([good, { ...bad, lines }], soon());
  expect(briefly(outcomes)).toEqual(["booked", "refused MASTER_DATA_REFUSED"]);
  expect(outcomes[1]).toMatchObject({ message: "item M-009 is not in B1, or inactive there" });
  expect(asked[0]).not.toContain(keyOf("b"));
  expect(briefly(await target.post([good], soon()))).toEqual(["booked"]);
  expect(listed.toSorted()).toEqual([
    "/b1s/v2/BusinessPartners CardType eq 'cSupplier' and (CardCode eq 'VEN001')",
    "/b1s/v2/Items (ItemCode eq 'M-001' or ItemCode eq 'M-009')",
  ]);
});

test("a line on a control account names the partner, and B1 puts the account", async () => {
  mayLogIn();
  const asked = batches(batchReply(posted("a")));
  await connect({ controlAccounts: { "2202.02": "supplier" } }).post([receiptDraft("a")], soon());
  const [body] = [...(asked[0] ?? "").matchAll(/^\{"Ref.*\}$/gm)].map(([text]) => JSON.parse(text));
  expect(body["JournalEntryLines"][1]).toEqual({
    ShortName: "VEN001",
    Debit: "0.00",
    Credit: "184.50",
    LineMemo: "暂估入库 a",
  });
});

test("what cannot be written down is refused before anything is sent", async () => {
  mayLogIn();
  const asked = batches();
  const withoutPartner = receiptDraft("partner");
  const lines = withoutPartner.lines.map((line) => ({ ...line, dimensions: {} }));
  const outcomes = await connect({
    controlAccounts: { "2202.02": "supplier" },
    dimensions: { item: null },
    linesMax: 2,
  }).post(
    [
      receiptDraft("book", { book: "OTHER" }),
      receiptDraft("word", { word: "转" }),
      receiptDraft("currency", { currency: "USD" }),
      receiptDraft("item"),
      { ...withoutPartner, lines },
      receiptDraft("lines", { lines: [...lines, ...lines] }),
    ],
    soon(),
  );
  expect(briefly(outcomes)).toEqual([
    "refused CONFIG_INVALID",
    "refused CODE_MISSING",
    "refused CODE_MISSING",
    "refused DIMENSION_REFUSED",
    "refused DIMENSION_REFUSED",
    "refused LIMIT_LINES",
  ]);
  expect(asked).toEqual([]);
});

test("long texts are cut to the column, visibly and between characters", async () => {
  mayLogIn();
  const asked = batches(batchReply(posted("a")));
  const draft = receiptDraft("a");
  const lines = draft.lines.map((line) => ({ ...line, summary: `${"货".repeat(252)}😀😀`, amount: decimal("1") }));
  await connect().post([{ ...draft, lines }], soon());
  const [body] = [...(asked[0] ?? "").matchAll(/^\{"Ref.*\}$/gm)].map(([text]) => JSON.parse(text));
  expect(body["JournalEntryLines"][0].LineMemo).toBe(`${"货".repeat(252)}…`);
  expect(body.Memo).toBe(`${"货".repeat(49)}…`);
});

test("a look-up of codes that hangs ends with the deadline, and nothing is sent", async () => {
  mayLogIn();
  const asked = batches();
  nock(ORIGIN)
    .get(/^\/b1s\/v2\/Items/)
    .delay(5_000)
    .reply(200, { value: [] });
  const outcomes = await connect({ uncheckedCodes: ["supplier"] }).post([receiptDraft("a")], soon(300));
  expect(briefly(outcomes)).toEqual(["not-done DEADLINE_PASSED"]);
  expect(asked).toEqual([]);
});

test("the password is in no message", async () => {
  mayLogIn();
  batches([500, "the password s3cret-word was wrong", {}]);
  const [outcome] = await connect().post([receiptDraft("a")], soon());
  expect(outcome).toMatchObject({ kind: "uncertain", message: "the password *** was wrong (HTTP 500)" });
});

test("a book of a branch writes the branch on every line", async () => {
  mayLogIn();
  const asked = batches(batchReply(posted("a")));
  await connect({ books: { [BOOK]: 3 } }).post([receiptDraft("a")], soon());
  expect(asked[0]?.match(/"BPLID":3/g)).toHaveLength(2);
});
