import { rmSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import type { VoucherTarget } from "../../connectors/contract.ts";
import { createTarget } from "../../connectors/registry.ts";
import { period } from "../../domain/dates.ts";
import { Decimal } from "../../domain/decimal.ts";
import type { DimensionKind } from "../../domain/voucher.ts";
import { startKingdeeKis } from "../../simulators/kingdee-kis/server.ts";
import { hits, person, personList, requests, setFaults, settle } from "./http-face.ts";
import type { Bench, BookedVoucher, Connection, Facts, Office } from "./office.ts";
import type { Benches } from "./run.ts";

/* 金蝶KIS: a folder, a program on it, and its person; one bench for each kind of file. */

const BOOK = "001";
const CLOSED = "2024-12";
type Dialect = "standard" | "professional" | "excel";

const Booked = z.object({
  vouchers: z.array(
    z.object({
      id: z.number(),
      date: z.string(),
      group: z.string(),
      number: z.number(),
      checker: z.string(),
      poster: z.string(),
      invalid: z.boolean(),
      entries: z.array(
        z.object({
          summary: z.string(),
          account: z.string(),
          objects: z.array(z.object({ className: z.string(), code: z.string() })),
          tradeNumber: z.string(),
          side: z.enum(["D", "C"]),
          amount: Decimal,
          quantity: Decimal,
        }),
      ),
    }),
  ),
});
type Booked = z.infer<typeof Booked>["vouchers"][number];

/** 往来单位 of 标准版 are suppliers and customers alike: only the code tells which. */
const dimensionOf = (className: string, code: string): DimensionKind | undefined =>
  className === "往来单位" ? (code.startsWith("CUST") ? "customer" : "supplier") : CLASSES[className];
const CLASSES: Readonly<Record<string, DimensionKind>> = {
  物料: "item",
  仓库: "warehouse",
  供应商: "supplier",
  客户: "customer",
  部门: "department",
};

const KEY_IN_SUMMARY = / #([a-z2-7]{10})$/;
const keyOf = ({ entries }: Booked, dialect: Dialect): string =>
  (dialect === "excel" ? KEY_IN_SUMMARY.exec(entries[0]?.summary ?? "")?.[1] : entries[0]?.tradeNumber) ?? "";

const monthOf = ({ date }: Booked): string => date.slice(0, 7);

interface Named extends BookedVoucher {
  readonly id: number;
}

/** In the order in which people see them: the first of several with our key is ours, a later one its copy. */
const namedVouchers = (vouchers: readonly Booked[], dialect: Dialect): readonly Named[] => {
  const place = ({ date, group, number }: Booked): string => `${date.slice(0, 7)}/${group}-${number}`;
  const taken = new Set<string>();
  return vouchers
    .toSorted((a, b) => monthOf(a).localeCompare(monthOf(b)) || a.number - b.number)
    .map((voucher) => {
      const key = keyOf(voucher, dialect);
      const erpId = key === "" ? place(voucher) : taken.has(key) ? `${key}~${place(voucher)}` : key;
      taken.add(key);
      return {
        id: voucher.id,
        erpId,
        key,
        date: voucher.date,
        voided: voucher.invalid,
        stage: voucher.poster !== "" ? "booked" : voucher.checker !== "" ? "audited" : "saved",
        lines: voucher.entries.map((entry) => ({
          side: entry.side === "D" ? "debit" : "credit",
          account: entry.account,
          amount: entry.amount,
          quantity: entry.quantity,
          summary: dialect === "excel" ? entry.summary.replace(KEY_IN_SUMMARY, "") : entry.summary,
          dimensions: Object.fromEntries(
            entry.objects.flatMap(({ className, code }) => {
              const kind = dimensionOf(className, code);
              return kind === undefined ? [] : [[kind, code]];
            }),
          ),
        })),
      };
    });
};

const factsOf = (dialect: Dialect): Facts => ({
  book: BOOK,
  word: "记",
  currency: "CNY",
  unknownWord: "无此字",
  openPeriod: period("2025-01"),
  closedPeriod: period(CLOSED),
  plainAccount: "1001",
  otherAccount: "2241",
  parentAccount: "2202",
  demanding: { account: "2202.02", kind: "supplier" },
  stock: { account: "1405", item: "M-001", unit: "个" },
  dimensions: {
    item: { account: "1405", code: "M-001" },
    supplier: { account: "2202.02", code: "VEN001" },
    customer: { account: "1122", code: "CUST001" },
    department: { account: "6602", code: "BM001" },
    ...(dialect === "standard" ? {} : { warehouse: { account: "1405", code: "CK01" } }),
  },
  page: { of: "vouchers", max: 1 },
  wrongSecrets: {},
});

const NOT_ASKED = {
  zh: "程序不接受查询，没有会话、权限或时钟",
  en: "nothing is asked of the program: no sessions, rights or clock",
};

const start = (dialect: Dialect) => async (): Promise<Bench> => {
  const simulator = await startKingdeeKis({ dialect });
  const { origin } = simulator;
  const { folder } = simulator.credentials;
  const targets: VoucherTarget[] = [];
  const connect = (change: Connection): VoucherTarget => {
    const target = createTarget(
      "kingdee-kis",
      { dialect, book: BOOK, closedThrough: CLOSED },
      {
        connection: "conformance",
        baseUrl: pathToFileURL(folder).href,
        secrets: {},
        pacer: { permit: change.permit ?? (async () => undefined) },
        now: () => new Date(),
        log: () => undefined,
      },
    );
    targets.push(target);
    return target;
  };
  const act = async (name: string, body: unknown): Promise<void> => {
    await person(origin, name, body);
  };
  const booked = async (): Promise<readonly Booked[]> => Booked.parse(await personList(origin, "vouchers")).vouchers;
  const books = async (): Promise<readonly Named[]> => namedVouchers(await booked(), dialect);
  const idOf = async (erpId: string): Promise<number> => {
    const found = (await books()).find((one) => one.erpId === erpId);
    if (found === undefined) throw new Error(`no voucher ${erpId}`);
    return found.id;
  };
  const exportAll = async (): Promise<void> => {
    const periods = new Set((await booked()).map(({ date }) => date.slice(0, 7)));
    for (const of of periods) await act("export", { period: of });
  };
  const target = connect({});
  const office: Office = {
    edit: async (erpId, amount) => {
      const id = await idOf(erpId);
      const entries = (await booked()).find((one) => one.id === id)?.entries ?? [];
      const lines = entries.map(({ side }, index) => ({ index, [side === "D" ? "debit" : "credit"]: amount }));
      await act("change", { id, force: true, lines });
    },
    move: async (erpId, date) => act("change", { id: await idOf(erpId), force: true, head: { date } }),
    unaudit: async (erpId) => act("unaudit", { id: await idOf(erpId) }),
    remove: async (erpId) => act("delete", { id: await idOf(erpId), force: true }),
    void: async (erpId) => act("void", { id: await idOf(erpId) }),
    copy: async (erpId) => act("copy", { id: await idOf(erpId) }),
    write: (date, amount) =>
      act("write", {
        date,
        lines: [
          { account: "1001", debit: amount },
          { account: "2241", credit: amount },
        ],
      }),
    closePeriod: (closed) => act("close-period", { period: closed, force: true }),
    openPeriod: (opened) => act("open-period", { period: opened }),
    forbid: (kind, code) =>
      kind === "account"
        ? act("account", { number: code, disabled: true })
        : act("forbid", { className: "物料", number: code }),
    revoke: NOT_ASKED,
    hideKeyField: () => act("settings", { tradeNumber: "drop" }),
    endSessions: NOT_ASKED,
    shiftClock: NOT_ASKED,
    cutAnswers: NOT_ASKED,
    setFaults: (faults) => setFaults(origin, faults),
    hits: (kind) => hits(origin, kind),
    requests: () => requests(origin),
    settle: () => settle(() => simulator.pendingCommits()),
    books,
    importFile: async () => {
      const file = await target.files?.outstanding();
      if (file === undefined) throw new Error("no file waits to be imported");
      await act("import", { file: file.name });
      await exportAll();
    },
    exportAgain: exportAll,
  };
  return {
    target,
    facts: factsOf(dialect),
    operations: { create: ["import"], advance: [], read: ["export"] },
    variants: {},
    office,
    connect,
    close: async () => {
      await Promise.all(targets.map((one) => one.close()));
      await simulator.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

export const benches: Benches = {
  standard: start("standard"),
  professional: start("professional"),
  excel: start("excel"),
};
