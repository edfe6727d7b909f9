import { z } from "zod";
import type { VoucherTarget } from "../../connectors/contract.ts";
import { createTarget } from "../../connectors/registry.ts";
import { period } from "../../domain/dates.ts";
import { Decimal, isZero } from "../../domain/decimal.ts";
import type { DimensionKind } from "../../domain/voucher.ts";
import { startYonyouU8 } from "../../simulators/yonyou-u8/server.ts";
import { hits, person, personList, requests, setFaults, settle, shiftClock } from "./http-face.ts";
import type { Bench, BookedVoucher, Connection, Facts, Office, Operations } from "./office.ts";
import type { Benches } from "./run.ts";

/* 用友 U8: EAI with external and with ordinary vouchers, the OpenAPI with results that are polled and inside the call. */

const BOOK = "001";
const OUR_KEY = /^[a-z2-7]{26}$/;
/** 项目大类 under which the simulated company keeps its 存货. */
const STOCK_CLASS = "01";
const AUXILIARIES: Readonly<Record<string, DimensionKind>> = {
  supplier_id: "supplier",
  cust_id: "customer",
  dept_id: "department",
  item_id: "item",
};
const ARCHIVES: Readonly<Record<string, string>> = { item: "inventory", supplier: "vendor" };

const Booked = z.object({
  vouchers: z.array(
    z.object({
      id: z.number(),
      date: z.string(),
      year: z.number(),
      period: z.number(),
      group: z.string(),
      number: z.string(),
      documentStatus: z.string(),
      invalid: z.boolean(),
      posted: z.boolean(),
      external: z.string(),
      entries: z.array(
        z.object({
          explanation: z.string(),
          account: z.string(),
          dimensions: z.record(z.string(), z.string()),
          quantity: Decimal,
          debit: Decimal,
          credit: Decimal,
        }),
      ),
    }),
  ),
});
type Booked = z.infer<typeof Booked>["vouchers"][number];

const keyOf = ({ external }: Booked): string => (OUR_KEY.test(external) ? external : "");
/** How the connector names a voucher: U8 shows no id that lasts. */
const erpIdOf = (voucher: Booked): string =>
  [
    `${voucher.year}-${String(voucher.period).padStart(2, "0")}`,
    voucher.group,
    voucher.number,
    ...(keyOf(voucher) === "" ? [] : [keyOf(voucher)]),
  ].join(":");

const bookedVoucher = (voucher: Booked): BookedVoucher => ({
  erpId: erpIdOf(voucher),
  key: keyOf(voucher),
  date: voucher.date,
  voided: voucher.invalid,
  stage: voucher.posted ? "booked" : voucher.documentStatus === "C" ? "audited" : "saved",
  lines: voucher.entries.map((entry) => ({
    ...(isZero(entry.debit) ? { side: "credit", amount: entry.credit } : { side: "debit", amount: entry.debit }),
    account: entry.account,
    quantity: entry.quantity,
    summary: entry.explanation,
    dimensions: Object.fromEntries(
      Object.entries(entry.dimensions).flatMap(([name, code]) => {
        const kind = AUXILIARIES[name];
        return kind === undefined || code === "" ? [] : [[kind, code]];
      }),
    ),
  })),
});

const factsWith = (wrongSecrets: Readonly<Record<string, string>>, max: number): Facts => ({
  book: BOOK,
  word: "记",
  currency: "CNY",
  unknownWord: "无此字",
  openPeriod: period("2025-01"),
  closedPeriod: period("2024-12"),
  plainAccount: "1001",
  otherAccount: "2241",
  parentAccount: "2202",
  demanding: { account: "220202", kind: "supplier" },
  stock: { account: "1405", item: "M-001", unit: "个" },
  dimensions: {
    item: { account: "1405", code: "M-001" },
    supplier: { account: "220202", code: "VEN001" },
    customer: { account: "2203", code: "CUST001" },
    department: { account: "6602", code: "BM001" },
  },
  page: { of: "vouchers", max },
  wrongSecrets,
});

/** Short, so that a read that hangs is given up soon. */
const TIMEOUT_MS = 1_200;
/** Vouchers in one request of the list over EAI, lines in one page over the OpenAPI. */
const NUMBERS_PER_QUERY = 20;
const PAGE_ROWS = 40;

const start = (settings: Readonly<Record<string, unknown>>, face: "eai" | "openapi") => async (): Promise<Bench> => {
  const simulator = await startYonyouU8({ asyncDelayMs: 30, pingAfterSeconds: 1 });
  const { origin } = simulator;
  const { ds_sequence: _sequence, ...secrets } = simulator.credentials;
  const targets: VoucherTarget[] = [];
  const connect = (change: Connection): VoucherTarget => {
    const target = createTarget(
      "yonyou-u8",
      {
        book: BOOK,
        since: "2024-01",
        dimensions: { item: { itemClass: STOCK_CLASS } },
        numbersPerQuery: NUMBERS_PER_QUERY,
        timeoutMs: TIMEOUT_MS,
        ...settings,
      },
      {
        connection: "conformance",
        baseUrl: simulator.baseUrl,
        secrets: { ...secrets, ...change.secrets },
        pacer: { permit: change.permit ?? (async () => undefined) },
        now: () => new Date(),
        log: () => undefined,
      },
    );
    targets.push(target);
    return target;
  };
  const all = async (): Promise<readonly Booked[]> => Booked.parse(await personList(origin, "vouchers")).vouchers;
  const voucher = async (erpId: string): Promise<Booked> => {
    const found = (await all()).find((one) => erpIdOf(one) === erpId);
    if (found === undefined) throw new Error(`no voucher ${erpId}`);
    return found;
  };
  const act = async (name: string, body: unknown): Promise<void> => {
    await person(origin, name, body);
  };
  const onVoucher = (name: string) => async (erpId: string) => {
    await act(name, { id: (await voucher(erpId)).id, force: true });
  };
  const office: Office = {
    edit: async (erpId, amount) => {
      const { id, entries } = await voucher(erpId);
      const lines = entries.map(({ debit }, index) => ({ index, [isZero(debit) ? "credit" : "debit"]: amount }));
      await act("change", { id, force: true, lines });
    },
    move: async (erpId, date) => act("change", { id: (await voucher(erpId)).id, force: true, head: { date } }),
    unaudit: onVoucher("unaudit"),
    remove: onVoucher("delete"),
    void: onVoucher("void"),
    copy: async (erpId) => act("copy", { id: (await voucher(erpId)).id }),
    write: (date, amount) =>
      act("write", {
        book: BOOK,
        date,
        lines: [
          { abstract: "手工", account: "1001", debit: amount },
          { abstract: "手工", account: "2241", credit: amount },
        ],
      }),
    closePeriod: (closed) => act("close-period", { book: BOOK, period: closed }),
    openPeriod: (opened) => act("open-period", { book: BOOK, period: opened }),
    forbid: (kind, code) =>
      kind === "account"
        ? act("account", { book: BOOK, code, sealed: true })
        : act("stop", { book: BOOK, kind: ARCHIVES[kind], code }),
    revoke: (right) =>
      act("rights", { resource: "voucher", operation: right === "read" ? "query" : "add", granted: false }),
    hideKeyField: { zh: "外部凭证业务号是 U8 的固定列", en: "the external number is a fixed column of U8" },
    endSessions: () => act("end-sessions", {}),
    shiftClock: (ms) => shiftClock(origin, ms),
    cutAnswers: (rowsMax) => act("settings", { rowsMax }),
    setFaults: (faults) => setFaults(origin, faults),
    hits: (kind) => hits(origin, kind),
    requests: () => requests(origin),
    settle: () => settle(() => simulator.pendingCommits()),
    books: async () => (await all()).map(bookedVoucher),
    exportAgain: async () => undefined,
    importFile: { zh: "该账簿在线入账，没有文件", en: "this ledger takes requests, not files" },
  };
  return {
    target: connect({}),
    facts:
      face === "eai"
        ? factsWith({ sender: "999" }, NUMBERS_PER_QUERY)
        : factsWith({ app_secret: "wrong-secret" }, PAGE_ROWS),
    operations: OPERATIONS,
    variants:
      face === "eai"
        ? {
            "200-failure": ["false", "empty", "keyless", "page"],
            "failure-after": ["false", "empty", "keyless", "page", "gbk"],
          }
        : { "200-failure": ["20005", "30025", "99999"], "failure-after": ["20005", "30025", "99999"] },
    office,
    connect,
    close: async () => {
      await setFaults(origin, []);
      await Promise.all(targets.map((target) => target.close()));
      await simulator.close();
    },
  };
};

const OPERATIONS: Operations = { create: ["save"], advance: [], read: ["query"] };

export const benches: Benches = {
  eai: start({ interface: "eai" }, "eai"),
  "eai-gl": start(
    {
      interface: "eai",
      makingSystem: "GL",
      eai: { encoding: "gb2312", controlTotals: true, balances: "vouchers" },
      numbersPerQuery: 7,
    },
    "eai",
  ),
  openapi: start({ interface: "openapi", openapi: { pageRows: PAGE_ROWS, pollSecondsMax: 0.1 } }, "openapi"),
  "openapi-sync": start(
    { interface: "openapi", openapi: { pageRows: PAGE_ROWS, sync: true, transaction: "tradeid" } },
    "openapi",
  ),
};
