/** For the tests of this folder: a U8 that answers as told, connectors to it, and drafts. */

import nock from "nock";
import { businessDate } from "../../domain/dates.ts";
import { decimal, multiply } from "../../domain/decimal.ts";
import { type PostingKey, postingKeyOf } from "../../domain/posting-key.ts";
import type { VoucherDraft, VoucherLine } from "../../domain/voucher.ts";
import type { ConnectorContext, SendOutcome, VoucherTarget } from "../contract.ts";
import { createYonyouU8 } from "./connector.ts";
import { xmlText } from "./encoding.ts";
import { type XmlElement, child, childrenOf, readXml } from "./xml.ts";

export const HOST = "http://u8.test";
export const NOW = new Date("2025-07-31T04:00:00Z");

export const connect = (
  settings: Readonly<Record<string, unknown>> = {},
  context: Partial<ConnectorContext> = {},
): VoucherTarget =>
  createYonyouU8(
    { since: "2025-01", ...settings },
    {
      connection: "erp",
      baseUrl: HOST,
      secrets: {
        sender: "001",
        from_account: "from-me",
        to_account: "to-them",
        app_key: "opa-key",
        app_secret: "s3cret",
      },
      pacer: { permit: async () => undefined },
      now: () => NOW,
      log: () => undefined,
      ...context,
    },
  );

export const soon = (ms = 5_000): Date => new Date(NOW.getTime() + ms);

export const keyOf = (name: string): PostingKey =>
  postingKeyOf({
    company: "c",
    source: "s",
    form: "f",
    recordId: name,
    ledger: "l",
    purpose: "stock",
    part: 1,
    generation: 1,
  });

/** Goods received without invoice: 1405 against 220202. A negative quantity makes it red. */
export const receiptDraft = (
  name: string,
  change: Partial<VoucherDraft> = {},
  quantity = "10",
  price = "12.85",
): VoucherDraft => {
  const amount = multiply(decimal(quantity), decimal(price));
  const line = { summary: `暂估入库 ${name}`, why: "", amount } as const;
  const lines: VoucherLine[] = [
    {
      ...line,
      lineNumber: 1,
      side: "debit",
      role: "inventory",
      account: "1405",
      quantity: decimal(quantity),
      unit: "Pcs",
      unitPrice: decimal(price),
      dimensions: {},
    },
    {
      ...line,
      lineNumber: 2,
      side: "credit",
      role: "estimated-payables",
      account: "220202",
      dimensions: { supplier: "V001" },
    },
  ];
  return {
    key: keyOf(name),
    ledger: "main",
    book: "001",
    word: "记",
    date: businessDate("2025-07-31"),
    attachments: 2,
    currency: "CNY",
    documents: [name],
    lines,
    ...change,
  };
};

export const briefly = (outcomes: readonly SendOutcome[]): readonly string[] =>
  outcomes.map((outcome) => (outcome.kind === "posted" ? outcome.erpId : `${outcome.kind} ${outcome.code}`));

/** An EAI request as it arrived. */
export interface EaiRequest {
  readonly root: XmlElement;
  readonly proc: string;
  readonly roottag: string;
  /** Values of the conditions of a query. */
  readonly values: readonly string[];
  readonly bytes: Buffer;
}

/** Answers every request by `answer`; "" answers nothing at all. @returns what arrived */
export const eaiServer = (answer: (request: EaiRequest) => string | { status: number; body: string }): EaiRequest[] => {
  const arrived: EaiRequest[] = [];
  nock(HOST)
    .persist()
    .post("/U8EAI/import.asp")
    .reply((_uri, body) => {
      const bytes =
        typeof body === "string" ? Buffer.from(body, /^[0-9a-f]+$/.test(body) ? "hex" : "utf8") : Buffer.alloc(0);
      const root = readXml(xmlText(bytes));
      const entity = child(root, root.attributes["roottag"] ?? "");
      const request = {
        root,
        proc: (root.attributes["proc"] ?? "").toLowerCase(),
        roottag: root.attributes["roottag"] ?? "",
        values: childrenOf(entity, "field").map(({ attributes }) => attributes["value"] ?? ""),
        bytes,
      };
      arrived.push(request);
      const reply = answer(request);
      return typeof reply === "string" ? [200, reply] : [reply.status, reply.body];
    });
  return arrived;
};

export const empty = (roottag: string): string =>
  `<?xml version="1.0"?><ufinterface roottag="${roottag}" proc="Query" sender="001" receiver="u8"/>`;
export const exported = (vouchers: readonly string[]): string =>
  `<?xml version="1.0"?><ufinterface roottag="voucher" proc="Query" sender="001" receiver="u8">${vouchers.join("")}</ufinterface>`;
export const addReply = (items: string, docid = ""): string =>
  `<?xml version="1.0"?><ufinterface roottag="voucheraddreturn" docid="${docid}" proc="add" sender="u8" receiver="001" request-roottag="voucher">${items}</ufinterface>`;
export const saved = (number: number, dsc = "凭证已成功保存"): string =>
  `<item accounting_period="7" voucher_type="记" voucher_id="" entry_id="" succeed="0" dsc="${dsc}" u8accounting_period="7" u8voucher_id="${number}"/>`;
export const refusal = (dsc: string, entry = "", succeed = "1"): string =>
  `<item accounting_period="7" voucher_type="记" voucher_id="" entry_id="${entry}" succeed="${succeed}" dsc="${dsc}" u8accounting_period="" u8voucher_id=""/>`;

/** A voucher of an export. */
export const exportedVoucher = (
  key: string,
  number: number,
  { head = "", amount = "128.5000", month = 7, sign = "记" } = {},
): string =>
  `<voucher id=""><voucher_head><voucher_type>${sign}</voucher_type><fiscal_year>2025</fiscal_year><accounting_period>${month}</accounting_period><voucher_id>${number}</voucher_id><attachment_number>2</attachment_number><date>2025-0${month}-31 00:00:00</date><enter>账实接口</enter><voucher_making_system>CDM</voucher_making_system><reserve2>${key}</reserve2>${head}</voucher_head><voucher_body>${entry(1, "1405", amount, "0", "10", "")}${entry(2, "220202", "0", amount, "", "V001")}</voucher_body></voucher>`;
const entry = (
  id: number,
  account: string,
  debit: string,
  credit: string,
  quantity: string,
  supplier: string,
): string =>
  `<entry><entry_id>${id}</entry_id><account_code>${account}</account_code><abstract>摘要</abstract><debit_quantity>${quantity}</debit_quantity><natural_debit_currency>${debit}</natural_debit_currency><natural_credit_currency>${credit}</natural_credit_currency><auxiliary_accounting><item name="supplier_id">${supplier}</item><item name="item_class"/></auxiliary_accounting></entry>`;
