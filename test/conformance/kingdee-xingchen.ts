import { z } from "zod";
import type { VoucherTarget } from "../../connectors/contract.ts";
import { createTarget } from "../../connectors/registry.ts";
import { period } from "../../domain/dates.ts";
import { Decimal, isZero } from "../../domain/decimal.ts";
import type { DimensionKind } from "../../domain/voucher.ts";
import { type KingdeeXingchen, startKingdeeXingchen } from "../../simulators/kingdee-xingchen/server.ts";
import { hits, person, personList, requests, setFaults, settle, shiftClock } from "./http-face.ts";
import type { Bench, BookedVoucher, Connection, Facts, Office } from "./office.ts";
import type { Benches } from "./run.ts";

/*
 * 金蝶云星辰: with an instance whose present secret is fetched, one voucher a save; and with a secret that a person entered,
 * several vouchers a save, as an installation may set it that has seen them rolled back.
 */

const BOOK = "001";
const TYPES: Readonly<Record<string, DimensionKind>> = {
  bd_material: "item",
  bd_supplier: "supplier",
  bd_customer: "customer",
  bd_department: "department",
  bd_store: "warehouse",
};
const ENTITIES: Readonly<Record<string, string>> = { account: "bd_account", item: "bd_material" };
const RIGHTS = { read: "query", write: "save" } as const;

const Booked = z.object({
  vouchers: z.array(
    z.object({
      id: z.string(),
      date: z.string(),
      status: z.string(),
      external: z.string(),
      entries: z.array(
        z.object({
          explanation: z.string(),
          account: z.string(),
          assist: z.record(z.string(), z.string()),
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
  erpId: voucher.id,
  key: voucher.external,
  date: voucher.date,
  voided: false,
  stage: voucher.status === "C" ? "audited" : "saved",
  lines: voucher.entries.map((entry) => ({
    ...(isZero(entry.debit) ? { side: "credit", amount: entry.credit } : { side: "debit", amount: entry.debit }),
    account: entry.account,
    quantity: entry.quantity,
    summary: entry.explanation,
    dimensions: Object.fromEntries(
      Object.entries(entry.assist).flatMap(([type, code]) => {
        const kind = TYPES[type];
        return kind === undefined || code === "" ? [] : [[kind, code]];
      }),
    ),
  })),
});

const facts: Facts = {
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
  page: { of: "vouchers", max: 100 },
  wrongSecrets: { clientSecret: "wrong-client-secret" },
};

/** Short, so that a read that hangs is given up soon. */
const TIMEOUT_MS = 1_200;

type SecretsOf = (simulator: KingdeeXingchen) => Readonly<Record<string, string>>;

const start =
  (secretsOf: SecretsOf, settings: Readonly<Record<string, unknown>> = {}) =>
  async (): Promise<Bench> => {
    const simulator = await startKingdeeXingchen({ requestsPerSecondMax: null });
    const { origin } = simulator;
    const targets: VoucherTarget[] = [];
    const connect = (change: Connection): VoucherTarget => {
      const target = createTarget(
        "kingdee-xingchen",
        { book: BOOK, timeoutMs: TIMEOUT_MS, tokenTimeoutMs: TIMEOUT_MS, tokensPerMinute: 60, ...settings },
        {
          connection: "conformance",
          baseUrl: `${simulator.baseUrl}/`,
          secrets: { ...secretsOf(simulator), ...change.secrets },
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
        await act("change", { id, force: true, lines });
      },
      move: (id, date) => act("change", { id, force: true, head: { date } }),
      unaudit: (id) => act("unaudit", { id }),
      remove: (id) => act("delete", { id, force: true }),
      void: {
        zh: "星辰没有作废凭证：只能删除或冲销",
        en: "the ERP has no void vouchers: they are deleted or reversed",
      },
      copy: (id) => act("copy", { id }),
      write: (date, amount) =>
        act("write", {
          date,
          lines: [
            { account: "1001", debit: amount, explanation: "手工" },
            { account: "2241", credit: amount, explanation: "手工" },
          ],
        }),
      closePeriod: (closed) => act("close-period", { period: closed }),
      openPeriod: (opened) => act("open-period", { period: opened }),
      forbid: (kind, code) => act("forbid", { kind: ENTITIES[kind], number: code }),
      revoke: (right) => act("rights", { entity: "gl_voucher", operation: RIGHTS[right], granted: false }),
      hideKeyField: () => act("settings", { lostFields: ["source_bill_no"], ignoredFilters: ["source_bill_no"] }),
      endSessions: () => act("end-sessions", {}),
      shiftClock: (ms) => shiftClock(origin, ms),
      cutAnswers: {
        zh: "列表随每页给出总数，少了行即可发现",
        en: "each page of a list says how many rows there are, so that none is cut in silence",
      },
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
      facts,
      operations: { create: ["save", "batchSave"], advance: ["audit"], read: ["query", "view"] },
      variants: {
        "session-lost": ["200", "401", "gateway"],
        // The gateway refuses before the product has heard of the call: from there nothing is half done.
        "session-lost-mid-batch": ["200", "401"],
        throttled: ["200", "429"],
        "200-failure": ["2000002000", "2000002001"],
        "failure-after": ["2000002000", "2000002001"],
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

const byInstance: SecretsOf = ({ credentials: { clientId, clientSecret, outerInstanceId } }) => ({
  clientId,
  clientSecret,
  outerInstanceId,
});
const byApplication: SecretsOf = ({ credentials: { clientId, clientSecret, appKey, appSecret } }) => ({
  clientId,
  clientSecret,
  appKey,
  appSecret,
});

export const benches: Benches = {
  instance: start(byInstance),
  application: start(byApplication, { batchMax: 20, batchRollsBack: true }),
};
