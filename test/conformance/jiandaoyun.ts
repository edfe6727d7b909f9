import { z } from "zod";
import type { Bilingual, VoucherTarget } from "../../connectors/contract.ts";
import { createTarget } from "../../connectors/registry.ts";
import { period, shiftPeriod } from "../../domain/dates.ts";
import { Decimal, decimal } from "../../domain/decimal.ts";
import type { DimensionKind } from "../../domain/voucher.ts";
import { startJiandaoyun } from "../../simulators/jiandaoyun/server.ts";
import { hits, person, setFaults, settle } from "./http-face.ts";
import type { Bench, BookedVoucher, Connection, Facts, Office, RequestCounts } from "./office.ts";
import type { Benches } from "./run.ts";

/* 简道云 as a ledger: vouchers in a plain form with periods in the settings, and in a workflow form with a form of periods. */

const APP = "66b1f0a2c3d4e5f600000001";
const entry = (at: number): string => `66b1f0a2c3d4e5f6000003${String(at).padStart(2, "0")}`;
const VOUCHERS = entry(1);
const PERIODS = entry(2);
const ACCOUNTS = entry(3);
const MASTERS = { item: entry(4), supplier: entry(5), customer: entry(6), department: entry(7), warehouse: entry(8) };
export const BOOK = "001";
const OPEN = period("2025-01");
const AUDITOR = "lizg";

const text = (alias: string) => ({ label: alias, type: "text", alias });
const number = (alias: string) => ({ label: alias, type: "number", alias });
const choice = (alias: string) => ({ label: alias, type: "radiogroup", alias });

const masterForm = (name: string, entryId: string) => ({
  name,
  entry_id: entryId,
  fields: [text("code"), text("name"), choice("status")],
});

const app = (kind: "plain" | "flow") => ({
  name: "账务",
  app_id: APP,
  forms: [
    {
      name: "凭证",
      entry_id: VOUCHERS,
      kind,
      nodes: kind === "flow" ? [{ flow_id: 1, name: "会计主管审核", assignees: [AUDITOR] }] : [],
      fields: [
        text("zs_key"),
        { label: "日期", type: "datetime", alias: "voucher_date" },
        choice("word"),
        { label: "凭证号", type: "sn", alias: "voucher_no" },
        text("summary"),
        number("attachments"),
        text("documents"),
        choice("voucher_status"),
        {
          label: "分录",
          type: "subform",
          alias: "entries",
          items: [
            text("line_summary"),
            choice("side"),
            text("account"),
            number("amount"),
            number("qty"),
            text("uom"),
            text("item"),
            text("supplier"),
            text("customer"),
            text("dept"),
            text("wh"),
          ],
        },
      ],
    },
    { name: "会计期间", entry_id: PERIODS, fields: [text("period"), choice("status")] },
    {
      name: "科目",
      entry_id: ACCOUNTS,
      fields: [
        text("code"),
        text("name"),
        choice("is_detail"),
        choice("status"),
        { label: "核算维度", type: "combocheck", alias: "dimensions" },
      ],
    },
    masterForm("商品", MASTERS.item),
    masterForm("供应商", MASTERS.supplier),
    masterForm("客户", MASTERS.customer),
    masterForm("部门", MASTERS.department),
    masterForm("仓库", MASTERS.warehouse),
  ],
});

const account = (code: string, name: string, dimensions: readonly string[] = [], detail = "是") => ({
  code,
  name,
  is_detail: detail,
  status: "启用",
  dimensions,
});
const ACCOUNT_ROWS = [
  account("1001", "库存现金"),
  account("1122", "应收账款", ["客户"]),
  account("1405", "库存商品", ["商品"]),
  account("2202", "应付账款", [], "否"),
  account("2202.02", "暂估应付账款", ["供应商"]),
  account("2241", "其他应付款"),
  account("6602", "管理费用", ["部门"]),
];
const CODES: Readonly<Record<keyof typeof MASTERS, string>> = {
  item: "M-001",
  supplier: "VEN001",
  customer: "CUST001",
  department: "BM001",
  warehouse: "CK01",
};

const master = (entryId: string) => ({
  entryId,
  code: "code",
  name: "name",
  usableWhen: [{ field: "status", in: ["启用"] }],
});

const TIMEOUT_MS = 1_200;
export const settingsFor = (kind: "plain" | "flow"): Readonly<Record<string, unknown>> => ({
  appId: APP,
  retryWaitMs: 10,
  timeoutMs: TIMEOUT_MS,
  books: { [BOOK]: VOUCHERS },
  fields: {
    key: "zs_key",
    date: "voucher_date",
    word: "word",
    number: "voucher_no",
    summary: "summary",
    attachments: "attachments",
    documents: "documents",
  },
  lines: {
    subform: "entries",
    fields: {
      summary: "line_summary",
      side: "side",
      account: "account",
      amount: "amount",
      quantity: "qty",
      unit: "uom",
    },
    dimensions: { item: "item", supplier: "supplier", customer: "customer", department: "dept", warehouse: "wh" },
  },
  ...(kind === "flow"
    ? { flow: { approvers: [AUDITOR] } }
    : { voidWhen: [{ field: "voucher_status", in: ["已作废"] }] }),
  periods:
    kind === "flow"
      ? { entryId: PERIODS, period: "period", openWhen: [{ field: "status", in: ["开启"] }] }
      : { openFrom: OPEN },
  master: {
    account: {
      ...master(ACCOUNTS),
      detailWhen: [{ field: "is_detail", in: ["是"] }],
      dimensions: "dimensions",
    },
    ...Object.fromEntries(Object.entries(MASTERS).map(([name, entryId]) => [name, master(entryId)])),
  },
  masterTrustMs: 0,
});

const facts: Facts = {
  book: BOOK,
  word: "记",
  currency: "CNY",
  unknownWord: "无此字",
  openPeriod: OPEN,
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
  wrongSecrets: { apiKey: "no-such-key" },
};

const Counters = z.object({
  totals: z.record(z.string(), z.number()),
  perSecond: z.array(z.object({ second: z.number(), counts: z.record(z.string(), z.number()) })),
});
const Amount = z.number().transform((value) => decimal(String(value)));
const LineRow = z.object({
  _id: z.string(),
  line_summary: z.string(),
  side: z.string(),
  account: z.string(),
  amount: Amount,
  qty: Amount.nullable(),
  uom: z.string(),
  item: z.string(),
  supplier: z.string(),
  customer: z.string(),
  dept: z.string(),
  wh: z.string(),
});
const VoucherRow = z.object({
  _id: z.string(),
  flowState: z.number().nullable(),
  zs_key: z.string().optional(),
  voucher_date: z.string(),
  voucher_status: z.string(),
  entries: z.array(LineRow),
});
type VoucherRow = z.infer<typeof VoucherRow>;
const Dump = z.object({
  forms: z.array(
    z.object({
      form: z.looseObject({ entryId: z.string() }),
      records: z.array(z.looseObject({ _id: z.string() })),
    }),
  ),
  instances: z.array(
    z.looseObject({ id: z.string(), tasks: z.array(z.looseObject({ taskId: z.string(), status: z.number() })) }),
  ),
});

const SHANGHAI_MS = 8 * 3_600_000;
const DIMENSIONS: readonly (readonly ["item" | "supplier" | "customer" | "dept" | "wh", DimensionKind])[] = [
  ["item", "item"],
  ["supplier", "supplier"],
  ["customer", "customer"],
  ["dept", "department"],
  ["wh", "warehouse"],
];

const bookedVoucher = (row: VoucherRow): BookedVoucher => ({
  erpId: row._id,
  key: row.zs_key ?? "",
  date: new Date(Date.parse(row.voucher_date) + SHANGHAI_MS).toISOString().slice(0, 10),
  voided: row.voucher_status === "已作废" || row.flowState === 2 || row.flowState === 3,
  stage: row.flowState === null ? "saved" : row.flowState === 0 ? "submitted" : "audited",
  lines: row.entries.map((line) => ({
    side: line.side === "借" ? "debit" : "credit",
    account: line.account,
    amount: line.amount,
    quantity: line.qty ?? Decimal.parse("0"),
    summary: line.line_summary,
    dimensions: Object.fromEntries(
      DIMENSIONS.flatMap(([alias, kind]) => (line[alias] === "" ? [] : [[kind, line[alias]]])),
    ),
  })),
});

const why = (zh: string, en: string): Bilingual => ({ zh, en });
const RIGHTS = {
  read: ["v5/app/entry/data/list", "v5/app/entry/data/get"],
  write: ["v5/app/entry/data/batch_create"],
} as const;
const INTERFACES = [
  "v5/app/entry/list",
  "v5/app/entry/widget/list",
  "v6/workflow/instance/get",
  "v1/workflow/task/approve",
  ...RIGHTS.read,
  ...RIGHTS.write,
];

const rowsIn = ({ forms }: z.infer<typeof Dump>, entryId: string) =>
  forms.find(({ form }) => form.entryId === entryId)?.records ?? [];

/** @param dump  what `/_sim/dump` answers */
export const readBooks = (dump: unknown): readonly BookedVoucher[] =>
  rowsIn(Dump.parse(dump), VOUCHERS).map((row) => bookedVoucher(VoucherRow.parse(row)));

/** Makes the app, its accounts, codes and periods. */
export const prepare = async (baseUrl: string, kind: "plain" | "flow"): Promise<void> => {
  const fill = (entryId: string, rows: readonly object[]) =>
    person(baseUrl, "records/import", { entry_id: entryId, rows });
  await person(baseUrl, "members", { members: [{ username: AUDITOR, name: "李主管" }] });
  await person(baseUrl, "apps", app(kind));
  await fill(ACCOUNTS, ACCOUNT_ROWS);
  for (const [name, entryId] of Object.entries(MASTERS))
    await fill(entryId, [{ code: CODES[name as keyof typeof MASTERS], name, status: "启用" }]);
  const months = Array.from({ length: 6 }, (_, at) => shiftPeriod(OPEN, at - 2));
  await fill(
    PERIODS,
    months.map((month) => ({ period: month, status: month < OPEN ? "已结账" : "开启" })),
  );
};

const start = (kind: "plain" | "flow") => async (): Promise<Bench> => {
  const simulator = await startJiandaoyun({ switches: { rates: "off", clockInHeaders: true } });
  const { baseUrl, credentials } = simulator;
  const sim = async (name: string, body?: unknown): Promise<unknown> => {
    const given = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(`${baseUrl}/_sim/${name}`, { method: "POST", ...given });
    if (!answer.ok) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const act = async (name: string, body: unknown): Promise<void> => {
    await person(baseUrl, name, body);
  };
  await prepare(baseUrl, kind);

  const dump = async () => Dump.parse(await sim("dump"));
  const rowsOf = async (entryId: string) => rowsIn(await dump(), entryId);
  const vouchers = async (): Promise<readonly VoucherRow[]> =>
    (await rowsOf(VOUCHERS)).map((row) => VoucherRow.parse(row));
  const voucher = async (id: string): Promise<VoucherRow> => {
    const found = (await vouchers()).find(({ _id }) => _id === id);
    if (found === undefined) throw new Error(`no voucher ${id}`);
    return found;
  };
  const change = (id: string, data: object) => act("records/update", { entry_id: VOUCHERS, data_id: id, data });
  const entries = (row: VoucherRow, amount?: Decimal) =>
    row.entries.map((line) => ({ ...line, amount: Number(amount ?? line.amount), qty: line.qty && Number(line.qty) }));
  const setPeriods = async (status: string, hits: (of: string) => boolean): Promise<void> => {
    for (const row of await rowsOf(PERIODS))
      if (hits(String(row["period"])))
        await act("records/update", { entry_id: PERIODS, data_id: row._id, data: { status } });
  };
  const targets: VoucherTarget[] = [];
  const connect = (given: Connection): VoucherTarget => {
    const target = createTarget("jiandaoyun", settingsFor(kind), {
      connection: "conformance",
      baseUrl,
      secrets: { apiKey: credentials.apiKey, ...given.secrets },
      pacer: { permit: given.permit ?? (async () => undefined) },
      now: () => new Date(),
      log: () => undefined,
    });
    targets.push(target);
    return target;
  };
  const byHand = (date: string, amount: number): object => ({
    voucher_date: date,
    word: "记",
    summary: "手工凭证",
    entries: [
      { line_summary: "手工凭证", side: "借", account: "1001", amount },
      { line_summary: "手工凭证", side: "贷", account: "2241", amount },
    ],
  });
  const inSettings = why("期间写在配置里，不在简道云中", "periods stand in the settings, not in the vendor's program");
  const noSession = why("每次请求都带密钥，没有会话", "every request carries the key: there are no sessions");
  const office: Office = {
    edit: async (id, amount) => change(id, { entries: entries(await voucher(id), amount) }),
    move: (id, date) => change(id, { voucher_date: date }),
    unaudit:
      kind === "flow"
        ? (id) => act("workflow/activate", { instance_id: id, flow_id: 1 })
        : why("普通表单没有流程", "a plain form has no workflow"),
    remove: (id) => act("records/delete", { entry_id: VOUCHERS, data_id: id }),
    void: async (id) => {
      if (kind === "plain") return change(id, { voucher_status: "已作废" });
      const tasks = (await dump()).instances.find((one) => one.id === id)?.tasks ?? [];
      const task = tasks.find(({ status }) => status === 0);
      return act("workflow/reject", { instance_id: id, username: AUDITOR, task_id: task?.taskId });
    },
    copy: async (id) => {
      const row = await voucher(id);
      const { voucher_date: voucherDate, zs_key: key } = row;
      const data = { zs_key: key, voucher_date: voucherDate, word: "记", entries: entries(row) };
      await act("records/create", { entry_id: VOUCHERS, data });
    },
    write: (date, amount) => act("records/create", { entry_id: VOUCHERS, data: byHand(date, Number(amount)) }),
    closePeriod: kind === "flow" ? (month) => setPeriods("已结账", (of) => of <= month) : inSettings,
    openPeriod: kind === "flow" ? (month) => setPeriods("开启", (of) => of >= month) : inSettings,
    forbid: async (form, code) => {
      const entryId = form === "account" ? ACCOUNTS : MASTERS.item;
      const row = (await rowsOf(entryId)).find((one) => one["code"] === code);
      await act("records/update", { entry_id: entryId, data_id: row?._id, data: { status: "停用" } });
    },
    revoke: (right) =>
      act("keys/alter", {
        apiKey: credentials.apiKey,
        interfaces: INTERFACES.filter((path) => !RIGHTS[right].some((one) => one === path)),
      }),
    hideKeyField: () => act("forms/alter", { entry_id: VOUCHERS, remove: ["zs_key"] }),
    endSessions: noSession,
    shiftClock: async (ms) => {
      await sim("clock", { set: Date.now() + ms });
    },
    cutAnswers: async (rowsMax) => {
      await sim("switches", { rowsMax });
    },
    setFaults: (faults) => setFaults(baseUrl, faults),
    hits: (fault) => hits(baseUrl, fault),
    requests: async (): Promise<RequestCounts> => {
      const { totals, perSecond } = Counters.parse(await sim("counters"));
      const sum = (counts: Readonly<Record<string, number>>) =>
        Object.values(counts).reduce((all, one) => all + one, 0);
      return { totals, perSecond: new Map(perSecond.map(({ second, counts }) => [second, sum(counts)])) };
    },
    settle: () => settle(() => simulator.pendingCommits()),
    books: async () => (await vouchers()).map(bookedVoucher),
    exportAgain: async () => undefined,
    importFile: why("该账簿在线入账，没有文件", "this ledger takes requests, not files"),
  };
  return {
    target: connect({}),
    facts,
    operations: {
      create: ["batch-create"],
      advance: ["workflow-approve"],
      read: ["fields", "list", "get", "workflow-read"],
    },
    variants: { throttled: ["8304", "429"], "200-failure": ["empty-page"] },
    office,
    connect,
    close: async () => {
      await setFaults(baseUrl, []);
      await Promise.all(targets.map((target) => target.close()));
      await simulator.close();
    },
  };
};

export const benches: Benches = { plain: start("plain"), workflow: start("flow") };
