/** 库存单据 over EAI: the templates storein, storeout, transvouch and checkvouch, and 库存量. */

import { formatDecimal, trimDecimal } from "../shared/decimal.ts";
import type { ArmedFault } from "../shared/faults.ts";
import type { Answer } from "../shared/http.ts";
import { type EaiRequest, exportReply, importReply, type Item } from "./eai-wire.ts";
import type { ExportTrailer } from "./eai-voucher.ts";
import { plainElements } from "./eai-voucher.ts";
import { type DocumentKind, type Origin, Refusal, type StockDocument, SUCCEED } from "./model.ts";
import { type DocumentDraft, TRAITS } from "./stock-kinds.ts";
import { STOCK_TEMPLATES, STORE_QUANTITY } from "./templates.ts";
import type { Book, World } from "./world.ts";
import { childOf, childrenOf, type XmlElement, type XmlOut } from "./xml.ts";

const KINDS_OF: Readonly<Record<string, readonly DocumentKind[]>> = {
  storein: ["01", "08", "10"],
  storeout: ["09", "11", "32"],
  transvouch: ["trans"],
  checkvouch: ["check"],
};

export function isStockTag(roottag: string): boolean {
  return Object.hasOwn(KINDS_OF, roottag);
}

export function kindsOf(roottag: string): readonly DocumentKind[] {
  return KINDS_OF[roottag] ?? [];
}

export function unknownField(name: string): Refusal {
  return new Refusal(`数据库没有提供的字段(${name})! 或者提供该字段的值格式不正确!`);
}

/** @throws Refusal for an element that the template does not have, or a vouchtype that does not belong to it */
export function readDocument(roottag: string, entity: XmlElement): DocumentDraft | undefined {
  const template = STOCK_TEMPLATES[roottag];
  const header = childOf(entity, "header");
  const body = childOf(entity, "body");
  if (!template || !header || !body) return undefined;
  const head = fieldsOf(header, template.head);
  const lines = childrenOf(body, "entry").map((entry) => fieldsOf(entry, template.entry));
  const kinds = kindsOf(roottag);
  const kind = kinds.length === 1 ? kinds[0] : kinds.find((one) => one === head["vouchtype"]?.padStart(2, "0"));
  if (kind === undefined) throw new Refusal("单据类型不正确");
  return { kind, head, lines };
}

function fieldsOf(element: XmlElement, names: readonly string[]): Record<string, string> {
  const known = new Set(names);
  const fields: Record<string, string> = {};
  for (const { name, text } of element.children) {
    if (!known.has(name)) throw unknownField(name);
    if (text.trim() !== "") fields[name] = text.trim();
  }
  return fields;
}

export function importDocuments(
  request: EaiRequest,
  entities: readonly XmlElement[],
  world: World,
  book: Book,
  origin: Origin,
  fault: ArmedFault | undefined,
): Answer {
  const items: Item[] = [];
  entities.forEach((entity, index) => {
    const unnamed = fault?.kind === "batch-element-unnamed" && fault.index === index;
    if (unnamed && !fault.done) return;
    const refused = fault?.kind === "batch-element-refused" && fault.index === index;
    const item = refused
      ? { key: "", succeed: SUCCEED.failure, dsc: fault.message ?? "系统繁忙", u8key: "" }
      : importOne(request, entity, world, book, origin, fault);
    if (!unnamed) items.push(item);
  });
  if (fault?.kind === "reorder") items.reverse();
  return importReply(request, items);
}

function importOne(
  request: EaiRequest,
  entity: XmlElement,
  world: World,
  book: Book,
  origin: Origin,
  fault: ArmedFault | undefined,
): Item {
  let key = childOf(childOf(entity, "header"), request.roottag === "transvouch" ? "tvcode" : "code")?.text.trim() ?? "";
  try {
    const draft = readDocument(request.roottag, entity);
    if (!draft) return { key: "", succeed: SUCCEED.ok, dsc: "", u8key: "" };
    if (request.proc === "add") {
      if (key === "") throw new Refusal("单据编号不能为空");
      const document = world.stock.create(book, draft, origin);
      if (fault?.kind === "apply-twice") world.stock.create(book, draft, origin);
      if (fault?.kind === "already-exists")
        return { key, succeed: SUCCEED.exists, dsc: "单据编号已经存在，不可重复！", u8key: "" };
      return { key, succeed: SUCCEED.ok, dsc: "ok", u8key: document.code };
    }
    const found = findDocument(world, book, draft);
    key = found.code;
    world.refuseOpen("document", found.id);
    if (request.proc === "edit") world.stock.update(book, found, draft);
    else world.stock.delete(book, found.id, origin);
    return { key, succeed: SUCCEED.ok, dsc: "ok", u8key: found.code };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { key, succeed: error.succeed, dsc: error.message, u8key: "" };
  }
}

/** The vendor does not say which key counts: id when it is there, else the number within its kind. */
function findDocument(world: World, book: Book, draft: DocumentDraft): StockDocument {
  const id = draft.head["id"];
  const code = draft.head[TRAITS[draft.kind].number] ?? "";
  const found =
    id === undefined ? world.stock.byCode(book.state.number, draft.kind, code) : world.stock.documents.get(Number(id));
  if (!found || found.book !== book.state.number || found.kind !== draft.kind) {
    throw new Refusal("单据不存在", SUCCEED.notFound);
  }
  return found;
}

export function exportDocuments(
  request: EaiRequest,
  documents: readonly StockDocument[],
  described: ExportTrailer,
): Answer {
  const display = { storein: "入库单", storeout: "出库单", transvouch: "调拨单", checkvouch: "盘点单" }[
    request.roottag
  ];
  const written = documents.map((document) => writeDocument(request.roottag, document));
  return exportReply(request, { display: display ?? "", family: "库存管理", ...described }, written);
}

function writeDocument(roottag: string, document: StockDocument): XmlOut {
  const template = STOCK_TEMPLATES[roottag];
  const head = headFields(document);
  const lines = document.lines.map((_, index) => lineFields(document, index));
  const entries = lines.map((fields) => ({
    name: "entry",
    children: plainElements((template?.entry ?? []).map((name) => [name, fields[name] ?? ""] as const)),
  }));
  return {
    name: roottag,
    children: [
      {
        name: "header",
        children: plainElements((template?.head ?? []).map((name) => [name, head[name] ?? ""] as const)),
      },
      { name: "body", children: entries },
    ],
  };
}

/** @returns every element of the head that is filled, as the books have it now */
export function headFields(document: StockDocument): Record<string, string> {
  const traits = TRAITS[document.kind];
  const record = traits.sign !== 0;
  return {
    ...document.head,
    id: String(document.id),
    ...(record ? { receiveflag: traits.sign === 1 ? "1" : "0", vouchtype: document.kind } : {}),
    [traits.warehouse]: document.warehouse,
    ...(traits.counterWarehouse === undefined ? {} : { [traits.counterWarehouse]: document.counterWarehouse }),
    date: document.date,
    [traits.number]: document.code,
    maker: document.maker,
    [traits.auditor]: document.handler,
    auditdate: document.auditedAt,
  };
}

export function lineFields(document: StockDocument, index: number): Record<string, string> {
  const line = document.lines[index];
  if (!line) return {};
  const [price, cost] = document.kind === "trans" ? ["actualcost", "actualprice"] : ["price", "cost"];
  return {
    ...line.fields,
    id: String(document.id),
    autoid: String(line.id),
    inventorycode: line.item,
    quantity: trimDecimal(line.quantity),
    [price]: line.price === undefined ? "" : trimDecimal(line.price),
    [cost]: line.cost === undefined ? "" : formatDecimal(line.cost, 2),
    serial: line.batch,
  };
}

/** 库存量 per item over all warehouses; the template has no warehouse. */
export function exportQuantities(
  request: EaiRequest,
  items: ReadonlySet<string> | undefined,
  world: World,
  book: Book,
  described: ExportTrailer,
): Answer {
  const sums = new Map<string, bigint>();
  for (const { item, quantity } of world.stock.balances(book.state.number)) {
    if (items && !items.has(item)) continue;
    sums.set(item, (sums.get(item) ?? 0n) + quantity);
  }
  const rows = [...sums].map(([item, quantity]) => ({
    name: "storequantity",
    children: plainElements(
      STORE_QUANTITY.map((name) => {
        if (name === "code") return [name, item] as const;
        return [name, ["now", "expect", "useable"].includes(name) ? trimDecimal(quantity) : "0"] as const;
      }),
    ),
  }));
  return exportReply(request, { display: "库存量", family: "库存管理", ...described }, rows);
}
