import { z } from "zod";
import { createTarget } from "../../connectors/registry.ts";
import type { VoucherTarget } from "../../connectors/contract.ts";
import { period } from "../../domain/dates.ts";
import { Decimal, isZero } from "../../domain/decimal.ts";
import type { DimensionKind } from "../../domain/voucher.ts";
import { startKingdeeCloud } from "../../simulators/kingdee-cloud/server.ts";
import { hits, person, personList, requests, setFaults, settle, shiftClock } from "./http-face.ts";
import type { Bench, BookedVoucher, Connection, Facts, Office } from "./office.ts";
import type { Benches } from "./run.ts";

/* 金蝶云星空: both kinds of log-in. */

const BOOK = "001";
const COLUMNS: Readonly<Record<string, DimensionKind>> = {
  FFLEX8: "item",
  FFLEX4: "supplier",
  FFLEX6: "customer",
  FFLEX5: "department",
  FF100002: "warehouse",
};
const FORMS: Readonly<Record<string, string>> = { account: "BD_ACCOUNT", item: "BD_MATERIAL" };

const Booked = z.object({
  vouchers: z.array(
    z.object({
      id: z.number(),
      date: z.string(),
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

const bookedVoucher = (voucher: Booked): BookedVoucher => ({
  erpId: String(voucher.id),
  key: voucher.external,
  date: voucher.date,
  voided: voucher.invalid,
  stage: voucher.posted ? "booked" : (STAGES[voucher.documentStatus] ?? "saved"),
  lines: voucher.entries.map((entry) => ({
    ...(isZero(entry.debit) ? { side: "credit", amount: entry.credit } : { side: "debit", amount: entry.debit }),
    account: entry.account,
    quantity: entry.quantity,
    summary: entry.explanation,
    dimensions: Object.fromEntries(
      Object.entries(entry.dimensions).flatMap(([column, code]) => {
        const kind = COLUMNS[column];
        return kind === undefined || code === "" ? [] : [[kind, code]];
      }),
    ),
  })),
});
const STAGES: Readonly<Record<string, BookedVoucher["stage"]>> = { B: "submitted", C: "audited" };

const factsWith = (password: Readonly<Record<string, string>>): Facts => ({
  book: BOOK,
  word: "记",
  currency: "CNY",
  unknownWord: "无此字",
  openPeriod: period("2025-01"),
  closedPeriod: period("2024-12"),
  plainAccount: "1001",
  otherAccount: "2241",
  parentAccount: "2202",
  demanding: { account: "2202.02", kind: "supplier" },
  stock: { account: "1405", item: "M-001", unit: "Pcs" },
  dimensions: {
    item: { account: "1405", code: "M-001" },
    supplier: { account: "2202.02", code: "VEN001" },
    customer: { account: "1122", code: "CUST001" },
    department: { account: "6602", code: "BM001" },
    warehouse: { account: "1405", code: "CK01" },
  },
  page: { of: "lines", max: 2_000 },
  wrongSecrets: password,
});

/** Short, so that a read that hangs is given up soon. */
const TIMEOUT_MS = 1_200;

const start = (authentication: "session" | "signed") => async (): Promise<Bench> => {
  const simulator = await startKingdeeCloud();
  const { origin } = simulator;
  const { lcid: _lcid, orgNum: _orgNum, ...secrets } = simulator.credentials;
  const targets: VoucherTarget[] = [];
  const connect = (change: Connection): VoucherTarget => {
    const target = createTarget(
      "kingdee-cloud",
      { authentication, books: { [BOOK]: "100" }, timeoutMs: TIMEOUT_MS, logInTimeoutMs: TIMEOUT_MS },
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
  const voucher = async (id: string): Promise<Booked> => {
    const [found] = Booked.parse(await personList(origin, `vouchers?id=${id}`)).vouchers;
    if (found === undefined) throw new Error(`no voucher ${id}`);
    return found;
  };
  const act = async (name: string, body: unknown): Promise<void> => {
    await person(origin, name, body);
  };
  const office: Office = {
    edit: async (id, amount) => {
      const { entries } = await voucher(id);
      const lines = entries.map(({ debit }, index) => ({ index, [isZero(debit) ? "credit" : "debit"]: amount }));
      await act("change", { id: Number(id), force: true, lines });
    },
    move: (id, date) => act("change", { id: Number(id), force: true, head: { date } }),
    unaudit: (id) => act("unaudit", { id: Number(id) }),
    remove: (id) => act("delete", { id: Number(id), force: true }),
    void: (id) => act("void", { id: Number(id) }),
    copy: (id) => act("copy", { id: Number(id) }),
    write: (date, amount) =>
      act("write", {
        book: BOOK,
        date,
        lines: [
          { account: "1001", debit: amount },
          { account: "2241", credit: amount },
        ],
      }),
    closePeriod: (closed) => act("close-period", { book: BOOK, period: closed }),
    openPeriod: (opened) => act("open-period", { book: BOOK, period: opened }),
    forbid: (kind, code) => act("forbid", { form: FORMS[kind], number: code }),
    revoke: async (right) => {
      for (const operation of RIGHTS[right]) await act("rights", { form: "GL_VOUCHER", operation, granted: false });
    },
    hideKeyField: () => act("custom-field", { name: "F_OTHER" }),
    endSessions: () => act("end-sessions", {}),
    shiftClock: (ms) => shiftClock(origin, ms),
    cutAnswers: (rowsMax) => act("settings", { rowsMax }),
    setFaults: (faults) => setFaults(origin, faults),
    hits: (kind) => hits(origin, kind),
    requests: () => requests(origin),
    settle: () => settle(() => simulator.pendingCommits()),
    books: async () => Booked.parse(await personList(origin, "vouchers")).vouchers.map(bookedVoucher),
    exportAgain: async () => undefined,
    importFile: { zh: "该账簿在线入账，没有文件", en: "this ledger takes requests, not files" },
  };
  return {
    target: connect({}),
    facts: factsWith(authentication === "session" ? { password: "wrong" } : { appSecret: "wrong" }),
    operations: { create: ["save", "batchSave"], advance: ["submit", "audit"], read: ["query", "view"] },
    variants: {
      "session-lost": ["array", "response_error", "401", "empty"],
      "session-lost-mid-batch": ["array", "response_error", "401", "empty"],
      "200-failure": ["response_error", "4", "13"],
      "failure-after": ["response_error", "4"],
    },
    office,
    connect,
    close: async () => {
      await setFaults(origin, []);
      await Promise.all(targets.map((target) => target.close()));
      await simulator.close();
    },
  };
};

const RIGHTS = { read: ["query", "view"], write: ["save", "batchSave"] } as const;

export const benches: Benches = { session: start("session"), signed: start("signed") };
