/** 档案 over EAI. Fields are the template's; a name from the database is refused in the vendor's own words. */

import type { Answer } from "../shared/http.ts";
import { isOn } from "./archives.ts";
import { unknownField } from "./eai-stock.ts";
import { type EaiRequest, exportReply, importReply, type Item } from "./eai-wire.ts";
import { type ExportTrailer, plainElements } from "./eai-voucher.ts";
import { type Archive, Refusal, SUCCEED } from "./model.ts";
import { ARCHIVE_TEMPLATES, type ArchiveTemplate } from "./templates.ts";
import type { Book, World } from "./world.ts";
import { childOf, type XmlElement, type XmlOut } from "./xml.ts";

export function isArchiveTag(roottag: string): boolean {
  return Object.hasOwn(ARCHIVE_TEMPLATES, roottag);
}

export function importArchives(request: EaiRequest, entities: readonly XmlElement[], world: World, book: Book): Answer {
  const template = ARCHIVE_TEMPLATES[request.roottag];
  const items = entities.map((entity): Item => {
    const fields = template && readFields(template, entity);
    if (!template || !fields) return { key: "", succeed: SUCCEED.ok, dsc: "", u8key: "" };
    const key = fields[template.code] ?? "";
    try {
      actOn(request.roottag, request.proc, fields, world, book);
      return { key, succeed: SUCCEED.ok, dsc: "ok", u8key: key };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { key, succeed: error.succeed, dsc: error.message, u8key: "" };
    }
  });
  return importReply(request, items);
}

/** @returns undefined when the structure is not the template's: EAI then claims success and writes nothing */
function readFields(template: ArchiveTemplate, entity: XmlElement): Record<string, string> | undefined {
  const header = childOf(entity, "header");
  if ((header !== undefined) !== template.header) return undefined;
  const fields: Record<string, string> = {};
  for (const { name, text } of (header ?? entity).children) fields[name] = text.trim();
  return fields;
}

/** @throws Refusal in the vendor's words where they are known */
export function actOn(
  kind: string,
  proc: string,
  fields: Readonly<Record<string, string>>,
  world: World,
  book: Book,
): Archive {
  const template = ARCHIVE_TEMPLATES[kind];
  if (!template) throw new Refusal("不支持的模版或操作");
  for (const name of Object.keys(fields)) if (!template.elements.includes(name)) throw unknownField(name);
  const code = (fields[template.code] ?? "").trim();
  if (code === "") throw new Refusal(`${template.caption}编码不能为空`);
  const { archives } = book;
  const old = archives.find(kind, code);
  if (proc === "delete") {
    if (!old) throw new Refusal(`${template.caption}不存在`, SUCCEED.notFound);
    if (isUsed(kind, old.code, world, book)) throw new Refusal(`${template.caption}已被使用，不能删除`, SUCCEED.state);
    archives.remove(old);
    return old;
  }
  if (proc === "add" && old) throw new Refusal(`${template.caption}编码已经存在，不可重复！`, SUCCEED.exists);
  if (proc === "edit" && !old) throw new Refusal(`${template.caption}不存在`, SUCCEED.notFound);
  check(template, kind, fields, code, old, book);
  const given = Object.fromEntries(
    Object.entries(fields).filter(([name]) => name !== template.code && name !== template.name),
  );
  const name = fields[template.name];
  if (kind === "code" && !old) archives.putAccount({ code, name });
  return archives.put({ kind, code, name: name === "" ? undefined : name, fields: given });
}

function check(
  template: ArchiveTemplate,
  kind: string,
  fields: Readonly<Record<string, string>>,
  code: string,
  old: Archive | undefined,
  book: Book,
): void {
  if (code.length > template.codeLength) throw new Refusal(`${template.caption}编码超出最大长度${template.codeLength}`);
  const name = fields[template.name] ?? old?.name ?? "";
  if (name === "") throw new Refusal(`${template.caption}名称不能为空`);
  if (name.length > template.nameLength) throw new Refusal(`${template.caption}名称超出最大长度${template.nameLength}`);
  const all = { ...old?.fields, ...fields };
  for (const required of template.required) {
    if ((all[required] ?? "") === "") throw new Refusal(`字段(${required})不能为空`);
  }
  const refer = (element: string, target: string, caption: string): void => {
    const value = all[element] ?? "";
    if (value !== "" && !book.archives.find(target, value)) throw new Refusal(`${caption}不存在`, SUCCEED.reference);
  };
  if (kind === "inventory") {
    refer("sort_code", "inventoryclass", "存货分类");
    refer("unitgroup_code", "unitgroup", "计量单位组");
    refer("main_measure", "unit", "主计量单位");
  }
  if (kind === "customer") refer("sort_code", "customerclass", "客户分类");
  if (kind === "vendor") {
    refer("sort_code", "vendorclass", "供应商分类");
    const scopes = ["bvencargo", "bproxyforeign", "bvenservice"];
    if (!scopes.some((scope) => isOn(all[scope]))) throw new Refusal("必须至少选择一个业务范围");
  }
  if (kind === "person") refer("dept_code", "department", "部门");
}

function isUsed(kind: string, code: string, world: World, book: Book): boolean {
  const vouchers = world.ledger.ofBook(book.state.number);
  const auxiliary = { department: "dept_id", person: "personnel_id", customer: "cust_id", vendor: "supplier_id" }[kind];
  if (kind === "code") return vouchers.some(({ lines }) => lines.some(({ account }) => account === code));
  if (auxiliary !== undefined) {
    return vouchers.some(({ lines }) => lines.some(({ auxiliaries }) => auxiliaries[auxiliary] === code));
  }
  const documents = world.stock.ofBook(book.state.number);
  if (kind === "inventory") return documents.some(({ lines }) => lines.some(({ item }) => item === code));
  if (kind !== "warehouse") return false;
  return documents.some(({ warehouse, counterWarehouse }) => warehouse === code || counterWarehouse === code);
}

export function exportArchives(request: EaiRequest, archives: readonly Archive[], described: ExportTrailer): Answer {
  const template = ARCHIVE_TEMPLATES[request.roottag];
  if (!template) return exportReply(request, { display: "", family: "基础设置", ...described }, []);
  const written = archives.map((archive): XmlOut => {
    const all: Record<string, string> = {
      ...archive.fields,
      [template.code]: archive.code,
      [template.name]: archive.name,
    };
    const children = plainElements(template.elements.map((name) => [name, all[name] ?? ""] as const));
    if (!template.header) return { name: request.roottag, children };
    return { name: request.roottag, children: [{ name: "header", children }, { name: "body" }] };
  });
  return exportReply(request, { display: template.caption, family: "基础设置", ...described }, written);
}
