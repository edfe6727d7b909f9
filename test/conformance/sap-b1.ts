import { z } from "zod";
import type { VoucherTarget } from "../../connectors/contract.ts";
import { createTarget } from "../../connectors/registry.ts";
import { SapB1Settings } from "../../connectors/sap-b1/settings.ts";
import { setUpsFor } from "../../connectors/sap-b1/setup.ts";
import { period } from "../../domain/dates.ts";
import { Decimal, isZero } from "../../domain/decimal.ts";
import type { DimensionKind } from "../../domain/voucher.ts";
import { startSapB1 } from "../../simulators/sap-b1/server.ts";
import { hits, person, personList, requests, setFaults, settle, shiftClock } from "./http-face.ts";
import type { Bench, BookedVoucher, Connection, Facts, Office } from "./office.ts";
import type { Benches } from "./run.ts";

/* SAP Business One: both editions of the Service Layer. */

const BOOK = "SBO_DEMO";
const JOURNAL = "JournalEntries";
const FIELDS: Readonly<Record<string, DimensionKind>> = {
  U_ZSItem: "item",
  U_ZSWhs: "warehouse",
  U_ZSSupplier: "supplier",
  U_ZSCustomer: "customer",
  CostingCode: "department",
};
const PARTNERS: Readonly<Record<string, DimensionKind>> = { "2202.01": "supplier", "1122": "customer" };

const Cell = z.union([z.string(), z.number().transform(String), z.null()]).optional();
const Booked = z.object({
  vouchers: z.array(
    z.looseObject({
      JdtNum: z.union([z.string(), z.number()]).transform(String),
      ReferenceDate: z.string(),
      U_ZSKey: z.union([z.string(), z.null()]).optional(),
      JournalEntryLines: z.array(z.record(z.string(), z.unknown())),
    }),
  ),
});
type Booked = z.infer<typeof Booked>["vouchers"][number];

const cell = (line: Readonly<Record<string, unknown>>, field: string): string => Cell.parse(line[field]) ?? "";
const amount = (line: Readonly<Record<string, unknown>>, field: string): Decimal =>
  Decimal.parse(cell(line, field) || "0");

const bookedVoucher = (voucher: Booked): BookedVoucher => ({
  erpId: voucher.JdtNum,
  key: voucher.U_ZSKey ?? "",
  date: voucher.ReferenceDate.slice(0, 10),
  voided: false,
  stage: "booked",
  lines: voucher.JournalEntryLines.map((line) => ({
    ...(isZero(amount(line, "Debit")) && !isZero(amount(line, "Credit"))
      ? { side: "credit", amount: amount(line, "Credit") }
      : { side: "debit", amount: amount(line, "Debit") }),
    account: cell(line, "AccountCode"),
    quantity: amount(line, "U_ZSQty"),
    summary: cell(line, "LineMemo"),
    dimensions: dimensionsOf(line),
  })),
});

/** @param dump  what `/_person/vouchers` or `/_sim/books` answers */
export const readBooks = (dump: unknown): readonly BookedVoucher[] => Booked.parse(dump).vouchers.map(bookedVoucher);

const dimensionsOf = (line: Readonly<Record<string, unknown>>): Partial<Record<DimensionKind, string>> => {
  const found: Partial<Record<DimensionKind, string>> = {};
  for (const [field, kind] of Object.entries(FIELDS)) if (cell(line, field) !== "") found[kind] = cell(line, field);
  const partner = PARTNERS[cell(line, "AccountCode")];
  if (partner !== undefined) found[partner] = cell(line, "ShortName");
  return found;
};

/** Small, so that lists have several pages. */
const PAGE_SIZE = 20;

const facts: Facts = {
  book: BOOK,
  word: "记",
  unknownWord: "无此字",
  currency: "CNY",
  openPeriod: period("2025-01"),
  closedPeriod: period("2024-12"),
  plainAccount: "1001",
  otherAccount: "2241",
  parentAccount: "2202",
  demanding: { account: "2202.01", kind: "supplier" },
  stock: { account: "1405", item: "M-001", unit: "Pcs" },
  dimensions: {
    item: { account: "1405", code: "M-001" },
    supplier: { account: "2202.01", code: "VEN001" },
    customer: { account: "1122", code: "CUST001" },
    department: { account: "6602", code: "BM001" },
    warehouse: { account: "1405", code: "CK01" },
  },
  page: { of: "vouchers", max: PAGE_SIZE },
  wrongSecrets: { password: "wrong" },
};

/** Short, so that a read that hangs is given up soon. */
const TIMEOUT_MS = 1_500;
const FORBIDDING: Readonly<Record<string, { readonly set: string; readonly fields: object }>> = {
  account: { set: "ChartOfAccounts", fields: { FrozenFor: "tYES" } },
  item: { set: "Items", fields: { Frozen: "tYES", Valid: "tNO" } },
};
const RIGHTS = { read: ["query", "view"], write: ["save"] } as const;

const final = {
  zh: "日记账分录一经添加，金额、科目与日期不可更改，也不能删除",
  en: "a journal entry is final: amounts, accounts and dates cannot be changed, and nothing can be deleted",
};

const start = (serviceLayer: "v1" | "v2") => async (): Promise<Bench> => {
  const simulator = await startSapB1({ http: true });
  const { origin } = simulator;
  const settings = {
    serviceLayer,
    books: { [BOOK]: null },
    controlAccounts: { "2202.01": "supplier", "1122": "customer" },
    pageSize: PAGE_SIZE,
    timeoutMs: TIMEOUT_MS,
    logInTimeoutMs: TIMEOUT_MS,
  };
  for (const { set, body } of setUpsFor(SapB1Settings.parse(settings)))
    await person(origin, "write", { set, fields: body });
  const targets: VoucherTarget[] = [];
  const connect = (change: Connection): VoucherTarget => {
    const target = createTarget("sap-b1", settings, {
      connection: "conformance",
      baseUrl: simulator.baseUrl,
      secrets: { ...simulator.credentials, ...change.secrets },
      pacer: { permit: change.permit ?? (async () => undefined) },
      now: () => new Date(),
      log: () => undefined,
    });
    targets.push(target);
    return target;
  };
  const act = async (name: string, body: unknown): Promise<void> => {
    await person(origin, name, body);
  };
  const office: Office = {
    edit: final,
    move: final,
    unaudit: { zh: "没有审核阶段", en: "there is no stage of audit" },
    remove: final,
    void: { zh: "不能作废，只能红冲", en: "nothing can be voided, only reversed" },
    copy: (id) => act("copy", { id }),
    write: (date, sum) =>
      act("write", {
        fields: {
          ReferenceDate: date,
          JournalEntryLines: [
            { AccountCode: facts.plainAccount, Debit: sum },
            { AccountCode: facts.otherAccount, Credit: sum },
          ],
        },
      }),
    closePeriod: (closed) => act("close-period", { period: closed }),
    openPeriod: (opened) => act("open-period", { period: opened }),
    forbid: async (kind, code) => {
      const how = FORBIDDING[kind];
      if (how === undefined) throw new Error(`${kind} cannot be forbidden here`);
      await act("change", { set: how.set, id: code, fields: how.fields });
    },
    revoke: async (right) => {
      for (const operation of RIGHTS[right]) await act("rights", { set: JOURNAL, operation, granted: false });
    },
    hideKeyField: () => act("delete", { set: "UserFieldsMD", id: "TableName='OJDT',FieldID=0" }),
    endSessions: () => act("end-sessions", {}),
    shiftClock: (ms) => shiftClock(origin, ms),
    cutAnswers: {
      zh: "Service Layer 按要求的页长应答，并给出总数",
      en: "the Service Layer answers with the page size asked for, and with the number of all",
    },
    setFaults: (faults) => setFaults(origin, faults),
    hits: (kind) => hits(origin, kind),
    requests: () => requests(origin),
    settle: () => settle(() => simulator.pendingCommits()),
    books: async () => readBooks(await personList(origin, "vouchers")),
    exportAgain: async () => undefined,
    importFile: { zh: "该账簿在线入账，没有文件", en: "this ledger takes requests, not files" },
  };
  return {
    target: connect({}),
    facts,
    operations: { create: ["batchSave"], advance: [], read: ["query"] },
    variants: { "200-failure": ["-2038", "-2039", "-1", "305"], "failure-after": ["-2038", "-1"] },
    office,
    connect,
    close: async () => {
      await setFaults(origin, []);
      await Promise.all(targets.map((target) => target.close()));
      await simulator.close();
    },
  };
};

export const benches: Benches = { v2: start("v2"), v1: start("v1") };
