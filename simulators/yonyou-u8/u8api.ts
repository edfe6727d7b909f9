/** U8API inside EAI: 审核, 弃审, 加载, 删除 and 新增 of stock documents, one call after the other (EAI-KB, folder API). */

import type { Answer } from "../shared/http.ts";
import { headFields, lineFields } from "./eai-stock.ts";
import { type EaiRequest, xmlAnswer } from "./eai-wire.ts";
import { type DocumentKind, type Origin, Refusal, type StockDocument, SUCCEED } from "./model.ts";
import type { DocumentDraft } from "./stock-kinds.ts";
import type { Book, World } from "./world.ts";
import { childOf, childrenOf, writeXml, type XmlElement, type XmlOut } from "./xml.ts";

/** Names in the address of a call; the same as the resources of the OpenAPI. */
const KINDS: Readonly<Record<string, DocumentKind>> = {
  purchasein: "01",
  otherin: "08",
  productin: "10",
  otherout: "09",
  materialout: "11",
  saleout: "32",
  transvouch: "trans",
};

/** Columns of the database by elements of the template. */
const HEAD: Readonly<Record<string, string>> = {
  ccode: "code",
  ddate: "date",
  cwhcode: "warehousecode",
  crdcode: "receivecode",
  cdepcode: "departmentcode",
  cpersoncode: "personcode",
  cvencode: "vendorcode",
  ccuscode: "customercode",
  cbustype: "businesstype",
  cvouchtype: "vouchtype",
  csource: "source",
  cmaker: "maker",
  cmemo: "memory",
  chandler: "chandler",
  dveridate: "auditdate",
  cbuscode: "businesscode",
};
const BODY: Readonly<Record<string, string>> = {
  cinvcode: "inventorycode",
  iquantity: "quantity",
  iunitcost: "price",
  iprice: "cost",
  cbatch: "serial",
  cposition: "position",
};
/** Seen in the vendor's own template, without meaning for the books. */
const IGNORED = new Set(["id", "autoid", "cwhname", "cinvname", "dnmaketime", "editprop", "irowno", "ufts"]);

export function u8ApiVerb(proc: string, services: readonly XmlElement[]): string {
  const verb = { add: "stockSave", edit: "stockEdit", modify: "stockEdit", delete: "stockDelete" }[proc];
  if (verb !== undefined) return verb;
  if (proc === "verify") return "audit";
  return proc === "unverify" ? "unaudit" : services.length >= 0 ? "query" : "";
}

export function answerU8Api(request: EaiRequest, world: World, book: Book, origin: Origin): Answer {
  // One failing call does not stop the others.
  const children = childrenOf(request.root, "u8apiservice").map((service): XmlOut => {
    try {
      const values = run(request, service, world, book, origin);
      const wanted = childrenOf(childOf(service, "returnParams"), "param").map(
        ({ attributes }) => attributes["name"] ?? "",
      );
      const returns = wanted.map((name) => ({ name: "param", attributes: { name }, text: values[name] ?? "" }));
      return {
        name: "u8apireturn",
        attributes: { issuccess: "true" },
        children: [{ name: "returns", children: returns }],
      };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return {
        name: "u8apireturn",
        attributes: { issuccess: "False" },
        children: [{ name: "error", text: error.message }],
      };
    }
  });
  const attributes = {
    roottag: "return",
    docid: request.docid,
    proc: request.procAsSent,
    sender: "u8",
    receiver: request.sender,
    "request-roottag": request.rootAsSent,
  };
  return xmlAnswer({ name: "ufinterface", attributes, children });
}

function run(
  request: EaiRequest,
  service: XmlElement,
  world: World,
  book: Book,
  origin: Origin,
): Record<string, string> {
  const address = childOf(service, "apiurl")?.attributes["value"] ?? "";
  const [, resource = "", method = ""] = address.split("/");
  const kind = KINDS[resource.toLowerCase()];
  if (kind === undefined) throw new Refusal(`API地址不正确：${address}`);
  const parameters = Object.fromEntries(
    childrenOf(childOf(service, "apiParams"), "param").map(({ attributes }) => [
      (attributes["name"] ?? "").toLowerCase(),
      attributes["value"] ?? "",
    ]),
  );
  if ((method === "" ? request.proc : method).toLowerCase() === "add") {
    const document = world.stock.create(book, readBo(service, kind), origin);
    return { VouchId: String(document.id), curID: String(document.id), errMsg: "" };
  }
  const document = found(world, book, kind, parameters["vouchid"] ?? "");
  const user = parameters["suserid"] ?? origin.user;
  switch (method.toLowerCase()) {
    case "audit":
    case "verify":
      world.stock.audit(book, document.id, user === "" ? origin.user : user, origin);
      break;
    case "cancelaudit":
    case "unverify":
      world.stock.unaudit(book, document.id, origin);
      break;
    case "delete":
      world.stock.delete(book, document.id, origin);
      break;
    case "load":
      return {
        domHead: rowset([headFields(document)]),
        domBody: rowset(document.lines.map((_, at) => lineFields(document, at))),
        errMsg: "",
      };
    default:
      throw new Refusal(`API地址不正确：${address}`);
  }
  return { VouchId: String(document.id), curID: String(document.id), errMsg: "" };
}

function found(world: World, book: Book, kind: DocumentKind, key: string): StockDocument {
  const byCode = world.stock.byCode(book.state.number, kind, key);
  const byId = /^\d{1,9}$/.test(key) ? world.stock.documents.get(Number(key)) : undefined;
  const document = byId?.kind === kind && byId.book === book.state.number ? byId : byCode;
  if (!document) throw new Refusal("单据不存在", SUCCEED.notFound);
  return document;
}

/** head and body as `field` elements with database names, one row number per line. */
function readBo(service: XmlElement, kind: DocumentKind): DocumentDraft {
  const bo = childOf(service, "bo");
  const head = rowsOf(childOf(bo, "head"), HEAD, `oHead`).at(0) ?? {};
  return { kind, head, lines: rowsOf(childOf(bo, "body"), BODY, "oBody") };
}

function rowsOf(
  part: XmlElement | undefined,
  names: Readonly<Record<string, string>>,
  object: string,
): Record<string, string>[] {
  const rows = new Map<string, Record<string, string>>();
  for (const { attributes } of childrenOf(part, "field")) {
    const column = (attributes["name"] ?? "").toLowerCase();
    const define = /^cdefine(\d{1,2})$/.exec(column)?.[1];
    const name = define === undefined ? names[column] : `define${define}`;
    if (name === undefined && !IGNORED.has(column))
      throw new Refusal(`BO对象${object}：不存在${attributes["name"] ?? ""}字段`);
    const row = attributes["row"] ?? "0";
    const fields = rows.get(row) ?? {};
    if (name !== undefined && (attributes["value"] ?? "") !== "") fields[name] = attributes["value"] ?? "";
    rows.set(row, fields);
  }
  return [...rows.values()];
}

/** An ADO rowset, as a load returns head and body. */
function rowset(rows: readonly Record<string, string>[]): string {
  const written = rows.map((row) => ({
    name: "z:row",
    attributes: Object.fromEntries(Object.entries(row).filter(([, value]) => value !== "")),
  }));
  const attributes = { "xmlns:rs": "urn:schemas-microsoft-com:rowset", "xmlns:z": "#RowsetSchema" };
  return writeXml({ name: "xml", attributes, children: [{ name: "rs:data", children: written }] });
}
