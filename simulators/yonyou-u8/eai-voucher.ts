/** 凭证 over EAI: template Voucher.xml to a draft, and a voucher of the books back to the template. */

import type { ArmedFault } from "../shared/faults.ts";
import type { Answer } from "../shared/http.ts";
import { formatDecimal } from "../shared/decimal.ts";
import { type EaiRequest, exportReply, type VoucherItem, voucherReply } from "./eai-wire.ts";
import { isExternal } from "./ledger.ts";
import { AUXILIARIES, type Complaint, DuplicateUpload, type Origin, Refusal, SUCCEED, type Voucher } from "./model.ts";
import type { LineDraft, VoucherDraft } from "./voucher-rules.ts";
import { wholeNumber } from "./voucher-rules.ts";
import type { Book, World } from "./world.ts";
import { childOf, childrenOf, textOf, type XmlElement, type XmlOut } from "./xml.ts";

export const SAVED = "凭证已成功保存";
const DUPLICATE = "数据重复上传";
/** Not found in any source: the switch `duplicateReply` words a repetition this way instead. */
const DUPLICATE_REFUSED = "外部系统凭证已存在";

/** @returns undefined when the entity has no voucher_head, so that nothing matches the template */
export function readVoucher(entity: XmlElement): VoucherDraft | undefined {
  const head = childOf(entity, "voucher_head");
  const body = childOf(entity, "voucher_body");
  if (!head || !body) return undefined;
  const of = (name: string): string => textOf(head, name);
  return {
    sign: of("voucher_type"),
    year: of("fiscal_year"),
    period: of("accounting_period"),
    number: of("voucher_id"),
    attachments: of("attachment_number"),
    date: of("date"),
    maker: of("enter"),
    cashier: of("cashier"),
    auditor: of("checker"),
    flag: of("revokeflag"),
    makingSystem: of("voucher_making_system"),
    memo1: of("memo1"),
    memo2: of("memo2"),
    externalType: of("reserve1"),
    external: of("reserve2"),
    uploadId: entity.attributes["id"]?.trim() ?? "",
    lines: childrenOf(body, "entry").map(readLine),
  };
}

function readLine(entry: XmlElement): LineDraft {
  const of = (name: string): string => textOf(entry, name);
  const auxiliaries: Record<string, string> = {};
  for (const item of childrenOf(childOf(entry, "auxiliary_accounting"), "item")) {
    const name = item.attributes["name"] ?? "";
    if (name !== "") auxiliaries[name] = item.text.trim();
  }
  const flows = childrenOf(childOf(childOf(entry, "detail"), "cash_flow_statement"), "cash_flow");
  return {
    entry: of("entry_id"),
    account: of("account_code"),
    abstract: of("abstract"),
    currency: of("currency"),
    rate: of("exchange_rate2"),
    price: of("unit_price"),
    debit: of("natural_debit_currency"),
    credit: of("natural_credit_currency"),
    debitFor: of("primary_debit_amount"),
    creditFor: of("primary_credit_amount"),
    debitQuantity: of("debit_quantity"),
    creditQuantity: of("credit_quantity"),
    settlement: of("settlement"),
    documentId: of("document_id"),
    documentDate: of("document_date"),
    billType: of("bill_type"),
    billId: of("bill_id"),
    billDate: of("bill_date"),
    auxiliaries,
    cashFlows: flows.map(({ attributes }) => ({
      item: attributes["cash_item"] ?? "",
      debit: attributes["natural_debit_currency"] ?? "",
      credit: attributes["natural_credit_currency"] ?? "",
    })),
  };
}

/** renewproofno, newadd and import, with procmode as U8.50 spells the last two (itreasury). */
function modeOf({ attributes }: EaiRequest, draft: VoucherDraft): { renumber: boolean; fresh: boolean } {
  const yes = (name: string): boolean => /^(y|true)/i.test(attributes[name] ?? "");
  const fresh = yes("newadd") || (attributes["procmode"] ?? "").toLowerCase() === "newadd";
  const silent = (attributes["renewproofno"] ?? "") === "";
  return { renumber: yes("renewproofno") || (silent && draft.number === ""), fresh };
}

export function importVouchers(
  request: EaiRequest,
  entities: readonly XmlElement[],
  world: World,
  book: Book,
  origin: Origin,
  fault: ArmedFault | undefined,
): Answer {
  const items: VoucherItem[] = [];
  entities.forEach((entity, index) => {
    const refused = fault?.kind === "batch-element-refused" && fault.index === index;
    const unnamed = fault?.kind === "batch-element-unnamed" && fault.index === index;
    if (unnamed && !fault.done) return;
    const rows = refused
      ? rowsFor(readVoucher(entity), [{ entry: "", text: fault.message ?? "系统繁忙" }], SUCCEED.failure)
      : importOne(request, entity, world, book, origin, fault);
    if (!unnamed) items.push(...rows);
  });
  if (fault?.kind === "reorder") items.reverse();
  return voucherReply(request, items);
}

function importOne(
  request: EaiRequest,
  entity: XmlElement,
  world: World,
  book: Book,
  origin: Origin,
  fault: ArmedFault | undefined,
): VoucherItem[] {
  const draft = readVoucher(entity);
  // The envelope was understood, the names in it were not: success is claimed and nothing is written (U8EAI, FAQ).
  if (!draft) return rowsFor(undefined, [{ entry: "", text: "" }], SUCCEED.ok);
  try {
    const voucher = actOn(request, draft, world, book, origin, fault?.kind === "apply-twice");
    if (fault?.kind === "already-exists") return duplicateRows(draft, voucher, world);
    const text = request.proc === "delete" ? "凭证已删除" : SAVED;
    return [{ ...rowOf(draft, "", SUCCEED.ok, text), ...(request.proc === "delete" ? {} : numbersOf(voucher)) }];
  } catch (error) {
    if (error instanceof DuplicateUpload) return duplicateRows(draft, error.voucher, world);
    if (error instanceof Refusal) return rowsFor(draft, error.complaints, error.succeed);
    throw error;
  }
}

function actOn(
  request: EaiRequest,
  draft: VoucherDraft,
  world: World,
  book: Book,
  origin: Origin,
  twice: boolean,
): Voucher {
  const { renumber, fresh } = modeOf(request, draft);
  if (request.proc === "add") {
    const voucher = world.ledger.create(book, draft, { renumber, fresh }, origin);
    if (twice) world.ledger.repeat(book, draft, { renumber, fresh }, origin);
    return voucher;
  }
  const [year, period, number] = [wholeNumber(draft.year), wholeNumber(draft.period), wholeNumber(draft.number)];
  const found = world.ledger.byNumber(book.state.number, year ?? 0, period ?? 0, draft.sign, number ?? 0);
  if (!found) throw new Refusal("凭证不存在", SUCCEED.notFound);
  world.refuseOpen("voucher", found.id);
  if (request.proc === "edit") return world.ledger.update(book, found, draft, fresh);
  if (isExternal(found)) throw new Refusal("外部凭证不能删除", SUCCEED.state);
  return world.ledger.delete(book, found.id, origin);
}

function duplicateRows(draft: VoucherDraft, _earlier: Voucher, world: World): VoucherItem[] {
  const refused = world.settings.duplicateReply === "refused";
  // The numbers in such an answer are not to be trusted; the simulator leaves them empty.
  return refused ? [rowOf(draft, "", SUCCEED.failure, DUPLICATE_REFUSED)] : [rowOf(draft, "", SUCCEED.ok, DUPLICATE)];
}

function rowsFor(draft: VoucherDraft | undefined, complaints: readonly Complaint[], succeed: string): VoucherItem[] {
  return complaints.map(({ entry, text }) => rowOf(draft, entry, succeed, text));
}

function rowOf(draft: VoucherDraft | undefined, entry: string, succeed: string, dsc: string): VoucherItem {
  const echo = { period: draft?.period ?? "", sign: draft?.sign ?? "", number: draft?.number ?? "" };
  return { ...echo, entry, succeed, dsc, u8Period: "", u8Number: "", u8Year: "" };
}

function numbersOf(voucher: Voucher): Pick<VoucherItem, "u8Period" | "u8Number" | "u8Year"> {
  return { u8Period: String(voucher.period), u8Number: String(voucher.number), u8Year: String(voucher.year) };
}

export function exportVouchers(request: EaiRequest, vouchers: readonly Voucher[], described: ExportTrailer): Answer {
  return exportReply(request, { display: "凭证", family: "总账", ...described }, vouchers.map(writeVoucher));
}

export type ExportTrailer = { docid: string; timestamp: string };

function writeVoucher(voucher: Voucher): XmlOut {
  const head: [string, string][] = [
    ["company", ""],
    ["voucher_type", voucher.sign],
    ["fiscal_year", String(voucher.year)],
    ["accounting_period", String(voucher.period)],
    ["voucher_id", String(voucher.number)],
    ["attachment_number", String(voucher.attachments)],
    ["date", voucher.date],
    ["auditdate", voucher.auditedAt.slice(0, 10)],
    ["enter", voucher.maker],
    ["cashier", voucher.cashier],
    ["signature", voucher.cashier === "" ? "0" : "1"],
    ["checker", voucher.auditor],
    ["posting_date", ""],
    ["posting_person", voucher.poster],
    ["voucher_making_system", voucher.makingSystem],
    ["memo1", voucher.memo1],
    ["memo2", voucher.memo2],
    ["reserve1", voucher.externalType],
    ["reserve2", voucher.external],
    ["revokeflag", voucher.flag === 0 ? "" : String(voucher.flag)],
  ];
  return {
    name: "voucher",
    attributes: { id: String(voucher.id) },
    children: [
      { name: "voucher_head", children: plainElements(head) },
      { name: "voucher_body", children: voucher.lines.map(writeLine) },
    ],
  };
}

function writeLine(line: Voucher["lines"][number], index: number): XmlOut {
  const amount = (value: bigint): string => formatDecimal(value, 2);
  const maybe = (value: bigint, places?: number): string => (value === 0n ? "" : formatDecimal(value, places));
  const fields: [string, string][] = [
    ["entry_id", String(index + 1)],
    ["account_code", line.account],
    ["abstract", line.abstract],
    ["settlement", line.settlement],
    ["document_id", line.documentId],
    ["document_date", line.documentDate],
    ["currency", line.currency],
    ["unit_price", maybe(line.price)],
    ["exchange_rate1", ""],
    ["exchange_rate2", maybe(line.rate)],
    ["debit_quantity", maybe(line.debitQuantity)],
    ["primary_debit_amount", maybe(line.debitFor, 2)],
    ["secondary_debit_amount", ""],
    ["natural_debit_currency", amount(line.debit)],
    ["credit_quantity", maybe(line.creditQuantity)],
    ["primary_credit_amount", maybe(line.creditFor, 2)],
    ["secondary_credit_amount", ""],
    ["natural_credit_currency", amount(line.credit)],
    ["bill_type", line.billType],
    ["bill_id", line.billId],
    ["bill_date", line.billDate],
  ];
  const names = [...AUXILIARIES, ...Array.from({ length: 16 }, (_, at) => `self_define${at + 1}`)];
  const items = names.map((name) => ({ name: "item", attributes: { name }, text: line.auxiliaries[name] ?? "" }));
  const flows = line.cashFlows.map((flow) => ({
    name: "cash_flow",
    attributes: {
      cash_item: flow.item,
      natural_debit_currency: maybe(flow.debit, 2),
      natural_credit_currency: maybe(flow.credit, 2),
    },
  }));
  return {
    name: "entry",
    children: [
      ...plainElements(fields),
      { name: "auxiliary_accounting", children: items },
      {
        name: "detail",
        children: [{ name: "cash_flow_statement", children: flows }, { name: "code_remark_statement" }],
      },
    ],
  };
}

export function plainElements(fields: readonly (readonly [string, string])[]): XmlOut[] {
  return fields.map(([name, text]) => ({ name, text }));
}
