import type { MasterDataKind, MasterDataRow } from "../contract.ts";
import { isTrue } from "./values.ts";
import { type XmlElement, child, textOf } from "./xml.ts";

/** One archive: its EAI template, its OpenAPI resource, the database column of its code, and names of its fields. */
export interface Archive {
  readonly roottag: string;
  readonly resource: string;
  readonly column: string;
  readonly code: string;
  readonly name: string;
  /** Only 末级 (lowest level) may be used. */
  readonly leaf?: string;
  /** 封存 (sealed). */
  readonly sealed?: string;
  /** 停用日期: stopped where it is filled. */
  readonly ended?: string;
}

/** Field names: templates Code.xml, Dsign.xml, inventory.xml, Warehouse.xml and the data dictionary (reference §2.8); columns: §4. */
export const archives: Readonly<Record<MasterDataKind, Archive>> = {
  account: {
    roottag: "code",
    resource: "code",
    column: "ccode",
    code: "code",
    name: "name",
    leaf: "end_item_flag",
    sealed: "acc_seal_flag",
  },
  item: {
    roottag: "inventory",
    resource: "inventory",
    column: "cInvCode",
    code: "code",
    name: "name",
    ended: "end_date",
  },
  warehouse: {
    roottag: "warehouse",
    resource: "warehouse",
    column: "cWhCode",
    code: "code",
    name: "name",
    ended: "dWhEndDate",
  },
  supplier: {
    roottag: "vendor",
    resource: "vendor",
    column: "cVenCode",
    code: "code",
    name: "name",
    ended: "end_date",
  },
  customer: {
    roottag: "customer",
    resource: "customer",
    column: "cCusCode",
    code: "code",
    name: "name",
    ended: "end_date",
  },
  department: {
    roottag: "department",
    resource: "department",
    column: "cDepCode",
    code: "code",
    name: "name",
    leaf: "endflag",
  },
  unit: { roottag: "unit", resource: "unit", column: "cComunitCode", code: "code", name: "name" },
  word: { roottag: "dsign", resource: "dsign", column: "csign", code: "type", name: "type_name" },
};

/** A flag that an answer leaves out forbids nothing: U8 refuses what it does not take. */
export const usableFrom = (archive: Archive, field: (name: string) => string): boolean => {
  const has = (name: string | undefined): string => (name === undefined ? "" : field(name).trim());
  const leaf = has(archive.leaf);
  return (leaf === "" || isTrue(leaf)) && !isTrue(has(archive.sealed)) && has(archive.ended) === "";
};

/** Most archives carry their fields directly, inventory in a header. */
export const rowFrom = (archive: Archive, element: XmlElement): MasterDataRow => {
  const fields = child(element, "header") ?? element;
  const field = (name: string): string => textOf(fields, name);
  return {
    code: field(archive.code).trim(),
    name: field(archive.name).trim(),
    usable: usableFrom(archive, field),
  };
};
