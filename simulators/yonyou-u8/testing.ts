/** A small caller for the tests of this simulator: both faces, the person and the books, as plain values. */

import { z } from "zod";
import type { YonyouU8 } from "./server.ts";
import { parseXml, type XmlElement } from "./xml.ts";

export type Line = {
  account: string;
  debit?: string;
  credit?: string;
  abstract?: string;
  quantity?: string;
  auxiliaries?: Record<string, string>;
};

/** A receipt of goods without invoice: 1405 against 220202. */
export function receiptLines(amount = "128.50"): Line[] {
  return [
    {
      account: "1405",
      debit: amount,
      quantity: "10",
      abstract: "暂估入库",
      auxiliaries: { item_class: "01", item_id: "M-001" },
    },
    { account: "220202", credit: amount, abstract: "暂估入库", auxiliaries: { supplier_id: "VEN001" } },
  ];
}

export type VoucherOptions = {
  proc?: string;
  id?: string;
  key?: string;
  sign?: string;
  date?: string;
  year?: string;
  period?: string;
  number?: string;
  attributes?: string;
  head?: string;
  sender?: string;
  making?: string;
};

export function voucherXml(lines: readonly Line[], options: VoucherOptions = {}): string {
  const { proc = "add", key = "", date = "2025-01-31", number = "" } = options;
  const attributes = options.attributes ?? `renewproofno="y" newadd="y" import="n"`;
  return `<?xml version="1.0" encoding="utf-8"?>
<ufinterface roottag="voucher" billtype="gl" docid="d-1" receiver="u8" sender="${options.sender ?? "001"}" proc="${proc}" codeexchanged="N" exportneedexch="N" ${attributes} version="2.0">
${voucherElement(lines, { ...options, key, date, number })}</ufinterface>`;
}

export function voucherElement(lines: readonly Line[], options: VoucherOptions): string {
  const { date = "2025-01-31", key = "" } = options;
  return `<voucher id="${options.id ?? ""}"><voucher_head><company/><voucher_type>${options.sign ?? "记"}</voucher_type>
<fiscal_year>${options.year ?? date.slice(0, 4)}</fiscal_year><accounting_period>${options.period ?? Number(date.slice(5, 7))}</accounting_period>
<voucher_id>${options.number ?? ""}</voucher_id><attachment_number>2</attachment_number><date>${date}</date><enter>接口用户</enter>
<voucher_making_system>${options.making ?? (key === "" ? "GL" : "CDM")}</voucher_making_system><reserve1/><reserve2>${key}</reserve2>${options.head ?? "<revokeflag/>"}</voucher_head>
<voucher_body>${lines.map(entryXml).join("")}</voucher_body></voucher>`;
}

function entryXml(line: Line, index: number): string {
  const items = Object.entries(line.auxiliaries ?? {}).map(([name, value]) => `<item name="${name}">${value}</item>`);
  const side = line.debit === undefined ? "credit" : "debit";
  return `<entry><entry_id>${index + 1}</entry_id><account_code>${line.account}</account_code><abstract>${line.abstract ?? "摘要"}</abstract>
<currency>人民币</currency><${side}_quantity>${line.quantity ?? ""}</${side}_quantity>
<natural_debit_currency>${line.debit ?? "0"}</natural_debit_currency><natural_credit_currency>${line.credit ?? "0"}</natural_credit_currency>
<auxiliary_accounting>${items.join("")}</auxiliary_accounting><detail><cash_flow_statement/><code_remark_statement/></detail></entry>`;
}

export async function eai(
  simulator: YonyouU8,
  body: string | Uint8Array,
): Promise<{ status: number; text: string; root: XmlElement | undefined; items: Record<string, string>[] }> {
  const response = await fetch(`${simulator.baseUrl}U8EAI/import.asp`, {
    method: "POST",
    body,
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
  });
  const text = await response.text();
  let root: XmlElement | undefined;
  try {
    root = parseXml(text);
  } catch {
    root = undefined;
  }
  const items = root?.children.filter(({ name }) => name === "item").map(({ attributes }) => attributes) ?? [];
  return { status: response.status, text, root, items };
}

/** @returns the rows of a SQLEXE as plain objects; throws what the answer says when it failed */
export async function sql(simulator: YonyouU8, query: string): Promise<Record<string, string>[]> {
  const value = query.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
  const { root, items, text } = await eai(
    simulator,
    `<?xml version="1.0"?><ufinterface sender="001" receiver="u8" roottag="SQLEXE" proc="row"><sql value="${value}"/></ufinterface>`,
  );
  if (items[0]) throw new Error(items[0]["dsc"]);
  const set = root?.children.find(({ name }) => name === "NewDataSet");
  if (!set) throw new Error(text);
  return set.children.map((row) => Object.fromEntries(row.children.map((cell) => [cell.name, cell.text])));
}

export async function person(simulator: YonyouU8, act: string, body?: unknown): Promise<Record<string, unknown>> {
  const request = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const response = await fetch(`${simulator.origin}/_person/${act}`, request);
  return z.record(z.string(), z.unknown()).parse(await response.json());
}

const Json = z.record(z.string(), z.unknown());
const Token = z.object({ token: z.object({ id: z.string() }) });
const Trade = z.object({ trade: z.object({ id: z.string() }) });

export type Api = {
  token: string;
  tradeId(): Promise<string>;
  get(path: string, query?: Record<string, string>): Promise<Record<string, unknown>>;
  post(path: string, query: Record<string, string>, body: unknown): Promise<Record<string, unknown>>;
};

export async function openApi(simulator: YonyouU8): Promise<Api> {
  const { from_account, to_account, app_key, app_secret } = simulator.credentials;
  const call = async (
    path: string,
    query: Record<string, string>,
    body?: unknown,
  ): Promise<Record<string, unknown>> => {
    const request = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const response = await fetch(`${simulator.baseUrl}${path}?${new URLSearchParams(query).toString()}`, request);
    return Json.parse(await response.json());
  };
  const { token } = Token.parse(await call("system/token", { from_account, app_key, app_secret }));
  const common = { from_account, to_account, app_key, token: token.id };
  return {
    token: token.id,
    tradeId: async () => Trade.parse(await call("system/tradeid", common)).trade.id,
    get: (path, query = {}) => call(path, { ...common, ...query }),
    post: (path, query, body) => call(path, { ...common, ...query }, body),
  };
}

/** A voucher for voucher/add: debit and credit lines in lists of their own. */
export function voucherJson(lines: readonly Line[], head: Record<string, unknown> = {}): Record<string, unknown> {
  const entries = lines.map((line, index) => ({
    side: line.debit === undefined ? "credit" : "debit",
    entry: {
      entry_id: index + 1,
      account_code: line.account,
      abstract: line.abstract ?? "摘要",
      ...(line.debit === undefined
        ? { natural_credit_currency: Number(line.credit), credit_quantity: Number(line.quantity ?? 0) }
        : { natural_debit_currency: Number(line.debit), debit_quantity: Number(line.quantity ?? 0) }),
      auxiliary: line.auxiliaries ?? {},
    },
  }));
  const of = (side: string): unknown => ({
    entry: entries.filter((one) => one.side === side).map(({ entry }) => entry),
  });
  return {
    voucher: {
      voucher_type: "记",
      fiscal_year: 2025,
      accounting_period: 1,
      date: "2025-01-31",
      enter: "接口用户",
      ...head,
      debit: of("debit"),
      credit: of("credit"),
    },
  };
}

const Dump = z.object({
  pendingCommits: z.number(),
  sequence: z.number(),
  vouchers: z.array(
    z.object({
      id: z.number(),
      external: z.string(),
      number: z.string(),
      invalid: z.boolean(),
      entries: z.array(z.object({ account: z.string(), debit: z.string(), credit: z.string(), quantity: z.string() })),
    }),
  ),
  documents: z.array(z.object({ kind: z.string(), code: z.string() })),
});

export async function books(simulator: YonyouU8): Promise<z.output<typeof Dump>> {
  return Dump.parse(await (await fetch(`${simulator.origin}/_sim/books`)).json());
}
