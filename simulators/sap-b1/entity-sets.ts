/** Entity sets: keys, tables, object codes, verbs and actions (API reference; v3 metadata). */

import type { SetDefinition, Verb } from "./schema.ts";

const ALL: readonly Verb[] = ["POST", "PATCH", "DELETE"];
/** DELETE is listed for some of these, but a document never goes: -5006 (guide §3.5.4). */
const DOCUMENT_ACTIONS = ["Close", "Cancel", "Reopen", "CreateCancellationDocument"];

type Rest = Partial<Omit<SetDefinition, "name" | "type" | "keys" | "table">>;

function set(name: string, type: string, keys: string, table: string, rest: Rest = {}): SetDefinition {
  const { lineTables = {}, objectCode = "", etag = false, verbs = ALL, actions = [] } = rest;
  return { name, type, keys: keys.split(","), table, lineTables, objectCode, etag, verbs, actions };
}

function document(name: string, table: string, objectCode: string): SetDefinition {
  const lines = `${table.slice(1)}1`;
  return set(name, "Document", "DocEntry", table, {
    lineTables: { DocumentLines: lines },
    objectCode,
    etag: true,
    actions: DOCUMENT_ACTIONS,
  });
}

const SETS: readonly SetDefinition[] = [
  set("JournalEntries", "JournalEntry", "JdtNum", "OJDT", {
    lineTables: { JournalEntryLines: "JDT1" },
    objectCode: "30",
    actions: ["Cancel"],
  }),
  document("InventoryGenEntries", "OIGN", "59"),
  document("InventoryGenExits", "OIGE", "60"),
  document("PurchaseDeliveryNotes", "OPDN", "20"),
  document("PurchaseInvoices", "OPCH", "18"),
  document("DeliveryNotes", "ODLN", "15"),
  document("Invoices", "OINV", "13"),
  document("Orders", "ORDR", "17"),
  document("PurchaseOrders", "OPOR", "22"),
  document("Drafts", "ODRF", "112"),
  set("StockTransfers", "StockTransfer", "DocEntry", "OWTR", {
    lineTables: { StockTransferLines: "WTR1" },
    objectCode: "67",
    actions: ["Cancel", "Close"],
  }),
  set("InventoryCountings", "InventoryCounting", "DocumentEntry", "OINC", {
    lineTables: { InventoryCountingLines: "INC1" },
    objectCode: "1470000065",
    actions: ["Close"],
  }),
  set("InventoryPostings", "InventoryPosting", "DocumentEntry", "OIQR", {
    lineTables: { InventoryPostingLines: "IQR1" },
    objectCode: "10000071",
  }),
  set("MaterialRevaluation", "MaterialRevaluation", "DocEntry", "OMRV", {
    lineTables: { MaterialRevaluationLines: "MRV1" },
    objectCode: "162",
    actions: ["Cancel", "Close"],
  }),
  set("Items", "Item", "ItemCode", "OITM", {
    lineTables: { ItemWarehouseInfoCollection: "OITW" },
    objectCode: "4",
    etag: true,
    actions: ["Cancel"],
  }),
  set("Warehouses", "Warehouse", "WarehouseCode", "OWHS", { objectCode: "64" }),
  set("ChartOfAccounts", "ChartOfAccount", "Code", "OACT", { objectCode: "1" }),
  set("BusinessPartners", "BusinessPartner", "CardCode", "OCRD", { objectCode: "2", etag: true }),
  set("BatchNumberDetails", "BatchNumberDetail", "DocEntry", "OBTN", { objectCode: "10000044", verbs: ["PATCH"] }),
  set("SerialNumberDetails", "SerialNumberDetail", "DocEntry", "OSRN", { objectCode: "10000045", verbs: ["PATCH"] }),
  set("Projects", "Project", "Code", "OPRJ", { objectCode: "63" }),
  set("ProfitCenters", "ProfitCenter", "CenterCode", "OPRC", { objectCode: "61" }),
  set("Currencies", "Currency", "Code", "OCRN", { objectCode: "37" }),
  set("UnitOfMeasurements", "UnitOfMeasurement", "AbsEntry", "OUOM", { objectCode: "10000199" }),
  set("VatGroups", "VatGroup", "Code", "OVTG", { objectCode: "5" }),
  set("UserTablesMD", "UserTablesMD", "TableName", "OUTB", { objectCode: "153" }),
  set("UserFieldsMD", "UserFieldMD", "TableName,FieldID", "CUFD", { objectCode: "152" }),
  set("UserKeysMD", "UserKeysMD", "TableName,KeyIndex", "OUKD", { objectCode: "161" }),
  set("SQLQueries", "SQLQuery", "SqlCode", "OSQR", { etag: true }),
  set("UserLanguages", "UserLanguage", "Code", "OLNG", { verbs: [] }),
  set("Users", "User", "InternalKey", "OUSR", { objectCode: "12", verbs: [] }),
  set("BusinessPlaces", "BusinessPlace", "BPLID", "OBPL", { objectCode: "247", verbs: [] }),
];

export const STANDARD_SETS: ReadonlyMap<string, SetDefinition> = new Map(SETS.map((one) => [one.name, one]));

/** Tables whose user fields are one: created on one marketing header (or line), a field stands on all (guide, UDF/UDT). */
const MARKETING = SETS.filter(({ type }) => type === "Document" || type === "StockTransfer");
const HEADERS = MARKETING.map(({ table }) => table);
const LINES = MARKETING.flatMap(({ lineTables }) => Object.values(lineTables));

/** @returns every table that gets a user field created on this one, the table itself first */
export function tablesSharing(table: string): readonly string[] {
  for (const family of [HEADERS, LINES]) {
    if (family.includes(table)) return [table, ...family.filter((other) => other !== table)];
  }
  return [table];
}
