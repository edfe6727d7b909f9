import nock from "nock";
import { afterEach, beforeEach, expect, test } from "vitest";
import { period } from "../../domain/dates.ts";
import type { ErpVoucher, VoucherTarget } from "../contract.ts";
import { ORIGIN, connect, errorV2, mayLogIn } from "./recorded.testing.ts";
import { BOOK, keyOf } from "./samples.testing.ts";

beforeEach(() => {
  nock.disableNetConnect();
  mayLogIn();
});
afterEach(() => {
  nock.cleanAll();
  nock.enableNetConnect();
});

type Row = Readonly<Record<string, unknown>>;

/** Answers questions about one entity set, and keeps them as decoded text. */
const answering = (set: string, ...replies: readonly nock.ReplyFnResult[]): string[] => {
  const asked: string[] = [];
  nock(ORIGIN)
    .persist()
    .get((path) => path.startsWith(`/b1s/v2/${set}?`))
    .reply((path) => {
      asked.push(decodeURIComponent(path.slice(path.indexOf("?") + 1)));
      return replies[asked.length - 1] ?? replies.at(-1) ?? [200, page([])];
    });
  return asked;
};
const page = (value: readonly Row[], count = value.length): Row => ({ "@odata.count": count, value });
/** Amounts stay as they are written. */
const line = (id: number, account: string, debit: string, credit: string, more: Row = {}): string => {
  const texts = { ShortName: account, ...more };
  const others = Object.entries(texts).map(([name, value]) => `"${name}": ${JSON.stringify(value)}`);
  return `{"Line_ID": ${id}, "AccountCode": "${account}", "Debit": ${debit}, "Credit": ${credit}, ${others.join(", ")}}`;
};
const entry = (id: number, more: Row = {}, lines: readonly string[] = []): Row => ({
  JdtNum: id,
  Number: 1_000 + id,
  ReferenceDate: "2026-01-31T00:00:00Z",
  TransactionCode: null,
  OriginalJournal: "ttJournalEntry",
  U_ZSKey: null,
  JournalEntryLines: lines.map((text): unknown => JSON.parse(text)),
  ...more,
});
const listed = async (target: VoucherTarget, book = BOOK): Promise<readonly ErpVoucher[]> => {
  const vouchers: ErpVoucher[] = [];
  for await (const rows of target.listPeriod(book, period("2026-01"))) vouchers.push(...rows);
  return vouchers;
};

test("an entry reads back with exact amounts, user fields and the day of its instant", async () => {
  const body = `{"@odata.count": 1, "value": [{
    "JdtNum": 48211, "Number": 1093, "ReferenceDate": "2026-01-31T00:00:00Z", "TransactionCode": "JZ",
    "OriginalJournal": "ttJournalEntry", "U_ZSKey": "${keyOf("a")}", "JournalEntryLines": [
      ${line(1, "2202", "0.0", "123456789012.34", { ShortName: "VEN001", LineMemo: '\u6682\u4f30 "x" <&> \u{1f600}' })},
      ${line(0, "1405", "123456789012.34", "0.0", { U_ZSQty: 3.123456, U_ZSUnit: "Pcs", U_ZSItem: "M-001", CostingCode: "" })}
    ]}]}`;
  answering("JournalEntries", [200, body, { "Content-Type": "application/json" }]);
  const target = connect({ words: { 记: "JZ" }, controlAccounts: { "2202": "supplier" } });
  expect((await target.readBack(BOOK, ["48211"])).get("48211")).toEqual({
    erpId: "48211",
    key: keyOf("a"),
    word: "记",
    number: "1093",
    date: "2026-01-31",
    period: "2026-01",
    stage: "booked",
    voided: false,
    attachments: undefined,
    origin: "manual",
    maker: "",
    lines: [
      {
        lineNumber: 1,
        summary: "",
        side: "debit",
        account: "1405",
        amount: "123456789012.34",
        quantity: "3.123456",
        unit: "Pcs",
        dimensions: { item: "M-001" },
      },
      {
        lineNumber: 2,
        summary: '暂估 "x" <&> 😀',
        side: "credit",
        account: "2202",
        amount: "123456789012.34",
        quantity: undefined,
        unit: undefined,
        dimensions: { supplier: "VEN001" },
      },
    ],
  });
});

test("red lines come back on their side, negative", async () => {
  answering("JournalEntries", [
    200,
    page([entry(1, {}, [line(0, "1405", "-5.5", "0"), line(1, "2202", "0", "-5.5")])]),
  ]);
  expect((await connect().readBack(BOOK, ["1"])).get("1")?.lines).toMatchObject([
    { side: "debit", amount: "-5.5" },
    { side: "credit", amount: "-5.5" },
  ]);
});

test("advancing says booked of what is there, and refuses what is gone", async () => {
  answering("JournalEntries", [200, page([entry(1)])]);
  const vouchers = [
    { key: keyOf("a"), erpId: "1" },
    { key: keyOf("b"), erpId: "2" },
  ];
  expect(await connect().advance(vouchers, "audited", new Date())).toMatchObject([
    { kind: "posted", stage: "booked", number: "1001" },
    { kind: "refused", code: "AUDIT_REFUSED" },
  ]);
});

test("a period is listed behind the last key until all that was counted has come", async () => {
  const asked = answering(
    "JournalEntries",
    [200, page([entry(3), entry(5)], 3)],
    [200, page([entry(9, { OriginalJournal: "ttARInvoice", U_ZSKey: keyOf("a").toUpperCase() })])],
  );
  const vouchers = await listed(connect({ pageSize: 2 }));
  expect(vouchers.map(({ erpId, origin, key }) => [erpId, origin, key])).toEqual([
    ["3", "manual", ""],
    ["5", "manual", ""],
    ["9", "ttARInvoice", keyOf("a")],
  ]);
  const days = "ReferenceDate ge '2026-01-01' and ReferenceDate le '2026-01-31'";
  expect(asked.map((query) => /\$filter=([^&]*)/.exec(query)?.[1])).toEqual([days, `(${days}) and JdtNum gt 5`]);
  expect(asked[0]).toContain("$orderby=JdtNum asc&$count=true");
});

test.each<[string, readonly nock.ReplyFnResult[]]>([
  [
    "an empty page although more was counted",
    [
      [200, page([entry(3)], 2)],
      [200, page([], 1)],
    ],
  ],
  [
    "rows that come again",
    [
      [200, page([entry(3)], 2)],
      [200, page([entry(3)], 2)],
    ],
  ],
  ["rows out of order", [[200, page([entry(5), entry(3)])]]],
  ["rows of another period", [[200, page([entry(3, { ReferenceDate: "2025-12-31" })])]]],
])("%s is noticed", async (_what, replies) => {
  answering("JournalEntries", ...replies);
  await expect(listed(connect())).rejects.toThrow(/RESULT_TRUNCATED|READ_FAILED/);
});

test("a server that does not count is read until a page is empty", async () => {
  const asked = answering("JournalEntries", [200, { value: [entry(3)] }], [200, { value: [] }]);
  expect(await listed(connect())).toHaveLength(1);
  expect(asked).toHaveLength(2);
});

test("a branch's book lists the entries with a line of the branch", async () => {
  answering("JournalEntries", [
    200,
    page([
      entry(1, {}, [line(0, "1405", "1", "0", { BPLID: 3 })]),
      entry(2, {}, [line(0, "1405", "1", "0", { BPLID: 4 })]),
      entry(3, {}, [line(0, "1405", "1", "0", { BPLID: null })]),
    ]),
  ]);
  const vouchers = await listed(connect({ books: { north: 3 } }), "north");
  expect(vouchers.map(({ erpId }) => erpId)).toEqual(["1"]);
});

test("a look-up tells absent, one and several apart, and sees its control", async () => {
  const [a, b, c, control] = ["a", "b", "c", "control"].map(keyOf);
  if (a === undefined || b === undefined || c === undefined || control === undefined) throw new Error("keys");
  const asked = answering("JournalEntries", [
    200,
    page([
      entry(1, { U_ZSKey: a }),
      entry(2, { U_ZSKey: b }),
      entry(3, { U_ZSKey: b }),
      entry(4, { U_ZSKey: control }),
    ]),
  ]);
  const claims = answering("U_ZSCLAIM", [200, page([])]);
  expect(await connect().findByKeys(BOOK, [a, b, c], control)).toEqual({
    found: new Map<string, unknown>([
      [a, { kind: "one", erpId: "1", number: "1001", stage: "booked" }],
      [b, { kind: "several", erpIds: ["2", "3"] }],
      [c, { kind: "absent" }],
    ]),
    controlSeen: true,
  });
  expect(/\$filter=([^&]*)/.exec(asked[0] ?? "")?.[1]).toBe(
    [a, b, c, control].map((key) => `U_ZSKey eq '${key}'`).join(" or "),
  );
  expect(claims).toHaveLength(1);
});

test("a look-up that does not see its control says so, and one that fails is no absence", async () => {
  const [a, control] = [keyOf("a"), keyOf("control")];
  answering(
    "JournalEntries",
    [200, page([])],
    [400, errorV2("-1000", "Property 'U_ZSKey' of 'JournalEntry' is invalid")],
  );
  answering("U_ZSCLAIM", [200, page([])]);
  const target = connect();
  expect(await target.findByKeys(BOOK, [a], control)).toEqual({
    found: new Map([[a, { kind: "absent" }]]),
    controlSeen: false,
  });
  const { found, controlSeen } = await target.findByKeys(BOOK, [a], control);
  expect(found.get(a)).toMatchObject({ kind: "failed", code: "KEY_FIELD_MISSING" });
  expect(controlSeen).toBe(false);
});

test("a claim row without its entry is asked about once more, and then for a person", async () => {
  const [late, emptied] = [keyOf("late"), keyOf("emptied")];
  answering("JournalEntries", [200, page([])], [200, page([entry(8, { U_ZSKey: late })])]);
  answering("U_ZSCLAIM", [200, page([{ Code: late }, { Code: emptied }])]);
  const { found } = await connect().findByKeys(BOOK, [late, emptied], undefined);
  expect(found.get(late)).toMatchObject({ kind: "one", erpId: "8" });
  expect(found.get(emptied)).toEqual({ kind: "void", erpId: `U_ZSCLAIM('${emptied}')` });
});

const financePeriod = (from: string, to: string, status: string): Row => ({
  PostingDateFrom: from,
  PostingDateTo: to,
  PeriodStatus: status,
});

test("finance periods of all years become months", async () => {
  nock(ORIGIN)
    .post("/b1s/v2/CompanyService_GetPeriods")
    .reply(200, { value: [{ AbsoluteEntry: 2 }, { AbsoluteEntry: 1 }] })
    .post("/b1s/v2/CompanyService_GetFinancePeriods", { PeriodCategoryParams: { AbsoluteEntry: 2 } })
    .reply(200, {
      value: [
        financePeriod("2026-01-01", "2026-01-31", "ltUnlocked"),
        financePeriod("2026-02-01", "2026-02-28", "ltUnlockedExceptSales"),
        financePeriod("2026-03-01", "2026-03-31", "ltPeriodClosing"),
      ],
    })
    .post("/b1s/v2/CompanyService_GetFinancePeriods", { PeriodCategoryParams: { AbsoluteEntry: 1 } })
    .reply(200, { value: [financePeriod("2025-10-01T00:00:00Z", "2025-12-31T00:00:00Z", "ltLocked")] });
  expect(await connect().periods(BOOK)).toEqual([
    { period: "2025-10", open: false },
    { period: "2025-11", open: false },
    { period: "2025-12", open: false },
    { period: "2026-01", open: true },
    { period: "2026-02", open: true },
    { period: "2026-03", open: false },
  ]);
});

test("balances from the chart leave out what lies behind the period", async () => {
  answering("JournalEntries", [
    200,
    page([
      entry(1, {}, [line(0, "1405", "10", "0"), line(1, "2202", "0", "10")]),
      entry(2, { ReferenceDate: "2026-02-01" }, [line(0, "1405", "3", "0"), line(1, "2202", "0", "3")]),
    ]),
  ]);
  answering("ChartOfAccounts", [
    200,
    page([
      { Code: "1", Balance: 113, ActiveAccount: "tNO" },
      { Code: "1405", Balance: 113, ActiveAccount: "tYES" },
      { Code: "2202", Balance: -13, ActiveAccount: "tYES" },
      { Code: "4001", Balance: -100, ActiveAccount: "tYES" },
      { Code: "9999", Balance: 0, ActiveAccount: "tYES" },
    ]),
  ]);
  const balances = await connect().balances(BOOK, period("2026-01"));
  expect(
    balances.map(({ account, opening, debit, credit, closing }) => [account, opening, debit, credit, closing]),
  ).toEqual([
    ["1405", "100", "10", "0", "110"],
    ["2202", "0", "0", "10", "-10"],
    ["4001", "-100", "0", "0", "-100"],
  ]);
});

test("balances that move while they are read are read again, not reported", async () => {
  const at = (balance: number): nock.ReplyFnResult => [
    200,
    page([{ Code: "1405", Balance: balance, ActiveAccount: "tYES" }]),
  ];
  answering("JournalEntries", [200, page([])], [200, page([entry(1, {}, [line(0, "1405", "5", "0")])])]);
  answering("ChartOfAccounts", at(100), at(105), at(105));
  expect(await connect().balances(BOOK, period("2026-01"))).toMatchObject([
    { account: "1405", opening: "100", debit: "5", closing: "105" },
  ]);
});

test("balances from entries add up per account and per item, quantities too", async () => {
  answering("JournalEntries", [
    200,
    page([
      entry(1, { ReferenceDate: "2025-12-31" }, [line(0, "1405", "10", "0", { U_ZSItem: "M-001", U_ZSQty: 4 })]),
      entry(2, {}, [line(0, "1405", "0", "2.5", { U_ZSItem: "M-001", U_ZSQty: 1 })]),
    ]),
  ]);
  const target = connect({ balances: "entries", entriesSince: "2025-12" });
  expect(target.capabilities.readsQuantities).toBe(true);
  const whole = {
    account: "1405",
    opening: "10",
    debit: "0",
    credit: "2.5",
    closing: "7.5",
    openingQuantity: "4",
    debitQuantity: undefined,
    creditQuantity: "1",
    closingQuantity: "3",
  };
  expect(await target.balances(BOOK, period("2026-01"))).toEqual([
    { ...whole, item: "" },
    { ...whole, item: "M-001" },
  ]);
});

test("master data come page after page with what may be used", async () => {
  const asked = answering(
    "ChartOfAccounts",
    [200, page([{ Code: "1405", Name: "库存商品", ActiveAccount: "tYES", FrozenFor: "tNO" }], 3)],
    [
      200,
      page(
        [
          { Code: "2202", Name: "应付账款", ActiveAccount: "tYES", LockManualTransaction: "tYES" },
          { Code: "22", Name: "负债", ActiveAccount: "tNO" },
        ],
        3,
      ),
    ],
  );
  expect(await connect().masterData("account")).toEqual([
    { code: "1405", name: "库存商品", usable: true },
    { code: "2202", name: "应付账款", usable: false },
    { code: "22", name: "负债", usable: false },
  ]);
  expect(asked.map((query) => /\$skip=(\d+)/.exec(query)?.[1])).toEqual([undefined, "1"]);
});

test("quotes in codes are doubled in conditions", async () => {
  const asked = answering("BusinessPartners", [200, page([{ CardCode: "O'X", CardName: "x", Frozen: "tNO" }])]);
  expect(await connect().masterData("supplier", ["O'X"])).toEqual([{ code: "O'X", name: "x", usable: true }]);
  expect(asked[0]).toContain("$filter=CardType eq 'cSupplier' and (CardCode eq 'O''X')");
});

test("segmented charts are spoken of by what people type", async () => {
  answering("ChartOfAccounts", [200, page([{ Code: "_SYS00000000019", FormatCode: "140501" }])]);
  answering("JournalEntries", [200, page([entry(1, {}, [line(0, "_SYS00000000019", "1", "0")])])]);
  const target = connect({ accountCodes: "format" });
  expect((await target.readBack(BOOK, ["1"])).get("1")?.lines[0]?.account).toBe("140501");
});
