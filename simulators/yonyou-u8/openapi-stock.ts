/** 库存单据, 现存量 and 档案 over the OpenAPI. */

import { trimDecimal } from "../shared/decimal.ts";
import type { ArmedFault } from "../shared/faults.ts";
import type { JsonOut } from "../shared/json.ts";
import { actOn } from "./eai-archives.ts";
import { headFields, lineFields } from "./eai-stock.ts";
import { type Archive, type DocumentKind, type Origin, Refusal, type StockDocument, SUCCEED } from "./model.ts";
import { equalsOrAbsent, inRange, listAt, memberOf, textAt, textsOf } from "./openapi-wire.ts";
import { TRAITS } from "./stock-kinds.ts";
import { ARCHIVE_TEMPLATES, STOCK_TEMPLATES } from "./templates.ts";
import type { Book, World } from "./world.ts";

const KINDS: Readonly<Record<string, DocumentKind>> = {
  purchasein: "01",
  otherin: "08",
  productin: "10",
  otherout: "09",
  materialout: "11",
  saleout: "32",
  transvouch: "trans",
  checkvouch: "check",
};
const BUSINESS_TYPES: Readonly<Record<string, string>> = {
  "01": "普通采购",
  "08": "其他入库",
  "10": "成品入库",
  "09": "其他出库",
  "11": "领料",
  "32": "普通销售",
};

/** Elements of the body that only describe; the books keep the codes beside them. */
const DESCRIPTIVE = /name$|std$|^rowno$|^irowno$/;

export function documentKind(resource: string, world: World): DocumentKind | undefined {
  if (resource === "checkvouch" && !world.settings.openApiCheckvouch) return undefined;
  return Object.hasOwn(KINDS, resource) ? KINDS[resource] : undefined;
}

function templateOf(kind: DocumentKind): string {
  if (kind === "trans") return "transvouch";
  if (kind === "check") return "checkvouch";
  return TRAITS[kind].sign === 1 ? "storein" : "storeout";
}

/** @returns the number of the new document */
export function addDocument(
  resource: string,
  kind: DocumentKind,
  body: unknown,
  world: World,
  book: Book,
  origin: Origin,
  fault: ArmedFault | undefined,
): string {
  const sent = memberOf(body, resource);
  const head = knownFields(kind, "head", textsOf(sent));
  const record = TRAITS[kind].sign !== 0;
  if (record && (head["receivecode"] ?? "") === "" && (resource === "otherin" || resource === "otherout")) {
    throw new Refusal("receivecode不能为空");
  }
  const draft = {
    kind,
    head: {
      ...(record ? { vouchtype: kind, source: "库存", businesstype: BUSINESS_TYPES[kind] ?? "" } : {}),
      ...head,
      date: (head["date"] ?? "") === "" ? today(world) : (head["date"] ?? ""),
    },
    lines: listAt(sent, "entry").map((line) => knownFields(kind, "entry", textsOf(line))),
  };
  const document = world.stock.create(book, draft, origin);
  if (fault?.kind === "apply-twice") world.stock.create(book, draft, origin);
  return document.code;
}

const today = (world: World): string => new Date(world.now() + 8 * 3_600_000).toISOString().slice(0, 10);

function knownFields(
  kind: DocumentKind,
  part: "head" | "entry",
  fields: Record<string, string>,
): Record<string, string> {
  const known = STOCK_TEMPLATES[templateOf(kind)]?.[part] ?? [];
  for (const name of Object.keys(fields)) {
    if (known.includes(name) || DESCRIPTIVE.test(name)) continue;
    throw new Refusal(`数据库没有提供的字段(${name})! 或者提供该字段的值格式不正确!`);
  }
  return Object.fromEntries(Object.entries(fields).filter(([name]) => known.includes(name)));
}

/** verify and unverify; the body is `{"otherin":{"voucher_code","user_id"}}`, and `id` in the query serves too. */
export function turnDocument(
  resource: string,
  kind: DocumentKind,
  verify: boolean,
  body: unknown,
  query: URLSearchParams,
  world: World,
  book: Book,
  origin: Origin,
): string {
  const sent = memberOf(body, resource);
  const code = textAt(sent, "voucher_code") || (query.get("id") ?? "");
  const user = textAt(sent, "user_id") || textAt(sent, "person_code") || origin.user;
  const document = world.stock.byCode(book.state.number, kind, code);
  if (!document) throw new Refusal("单据不存在", SUCCEED.notFound);
  world.refuseOpen("document", document.id);
  if (verify) world.stock.audit(book, document.id, user, origin);
  else world.stock.unaudit(book, document.id, origin);
  return document.code;
}

type Row = Readonly<Record<string, JsonOut>>;

export function documentRow(document: StockDocument, book: Book): Row {
  const head = headFields(document);
  const name = (kind: string, code: string | undefined): string =>
    code === undefined ? "" : (book.archives.find(kind, code)?.name ?? "");
  return {
    ...head,
    id: String(document.id),
    warehousename: name("warehouse", document.warehouse),
    departmentname: name("department", head["departmentcode"]),
    receivename: name("receivesendtype", head["receivecode"]),
    vendorname: name("vendor", head["vendorcode"]),
    handler: document.handler,
    chandler: document.handler,
  };
}

export function documentWithLines(document: StockDocument, book: Book): Row {
  const entry = document.lines.map((line, index): Row => {
    const item = book.archives.find("inventory", line.item);
    return {
      ...lineFields(document, index),
      rowno: String(index + 1),
      inventoryname: item?.name ?? "",
      inventorystd: item?.fields["specs"] ?? "",
      cmassunitname: book.archives.find("unit", item?.fields["main_measure"] ?? "")?.name ?? "",
    };
  });
  return { ...documentRow(document, book), entry };
}

export function documentsFor(world: World, book: Book, kind: DocumentKind, query: URLSearchParams): StockDocument[] {
  return world.stock
    .ofBook(book.state.number, kind)
    .filter((document) => inRange(document.code, query, "code") && inRange(document.date, query, "date"))
    .filter((document) => equalsOrAbsent(document.warehouse, query, "warehousecode"))
    .filter((document) => equalsOrAbsent(document.head["define1"] ?? "", query, "define1"));
}

export function currentStock(world: World, book: Book, query: URLSearchParams): Row[] {
  const { archives } = book;
  return world.stock
    .balances(book.state.number)
    .filter(({ warehouse, item }) => inRange(warehouse, query, "whcode") && inRange(item, query, "invcode"))
    .filter(({ batch }) => equalsOrAbsent(batch, query, "batch"))
    .map(({ warehouse, item, batch, quantity }) => {
      const stored = archives.find("inventory", item);
      const free = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`free${index + 1}`, ""]));
      return {
        whcode: warehouse,
        whname: archives.find("warehouse", warehouse)?.name ?? "",
        invcode: item,
        invname: stored?.name ?? "",
        invstd: stored?.fields["specs"] ?? "",
        invccode: stored?.fields["sort_code"] ?? "",
        invcname: archives.find("inventoryclass", stored?.fields["sort_code"] ?? "")?.name ?? "",
        ...free,
        batch,
        qty: trimDecimal(quantity),
        stopqty: "0",
        inqty: "0",
        transinqty: "0",
        inqtysum: "0",
        outqty: "0",
        transoutqty: "0",
        outqtysum: "0",
        disableqty: "0",
        availqty: trimDecimal(quantity),
      };
    })
    .filter((row) => equalsOrAbsent(row.whname, query, "whname") && equalsOrAbsent(row.invname, query, "invname"));
}

/** Resources of archives that have no EAI template in the simulator, by the kind they are kept under. */
const PLAIN_ARCHIVES: ReadonlySet<string> = new Set(["fitem", "fitemclass", "cashflowitem", "settlestyle"]);

export function isArchiveResource(resource: string): boolean {
  return Object.hasOwn(ARCHIVE_TEMPLATES, resource) || PLAIN_ARCHIVES.has(resource);
}

export function archiveRow(resource: string, archive: Archive): Row {
  const template = ARCHIVE_TEMPLATES[resource];
  if (resource === "fitem") {
    const { item_class: itemClass = "", item_code: code = "" } = archive.fields;
    return { citem_class: itemClass, code, name: archive.name };
  }
  const { code, name } = template ?? { code: "code", name: "name" };
  return { ...archive.fields, [code]: archive.code, [name]: archive.name };
}

export function archivesFor(resource: string, book: Book, query: URLSearchParams): Archive[] {
  return book.archives
    .list(resource)
    .filter(({ code, name }) => inRange(code, query, "code") && equalsOrAbsent(name, query, "name"))
    .filter(({ fields }) => equalsOrAbsent(fields["sort_code"] ?? "", query, "sort_code"));
}

export function changeArchive(resource: string, method: string, body: unknown, world: World, book: Book): string {
  const fields = textsOf(memberOf(body, resource));
  if (resource === "fitem" && method === "add") {
    const [itemClass, code] = [fields["citem_class"] ?? "", fields["code"] ?? ""];
    if (!book.archives.find("fitemclass", itemClass)) throw new Refusal("项目大类不存在", SUCCEED.reference);
    if (code === "") throw new Refusal("项目编码不能为空");
    const key = `${itemClass}|${code}`;
    if (book.archives.find("fitem", key)) throw new Refusal("项目编码已经存在，不可重复！", SUCCEED.exists);
    book.archives.put({
      kind: "fitem",
      code: key,
      name: fields["name"],
      fields: { item_class: itemClass, item_code: code },
    });
    return code;
  }
  return actOn(resource, method, fields, world, book).code;
}
