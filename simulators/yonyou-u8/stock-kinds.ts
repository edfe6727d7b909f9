/** What sets the kinds of stock documents apart: their elements, what they do to the stock, what comes after their audit. */

import { formatDecimal, ONE, parseDecimal, roundDecimal, scaleDecimal } from "../shared/decimal.ts";
import type { DocumentKind, StockDocument, StockLine } from "./model.ts";

/** A document as it came; elements by the names of the templates storein, storeout, transvouch and checkvouch. */
export type DocumentDraft = {
  kind: DocumentKind;
  head: Record<string, string>;
  lines: readonly Record<string, string>[];
};

type KindTraits = {
  /** 1 brings stock in, -1 takes it out, 0 does neither by itself */
  sign: 1 | -1 | 0;
  warehouse: string;
  counterWarehouse?: string;
  number: string;
  auditor: string;
  department: string;
};

const RECEIPT: KindTraits = {
  sign: 1,
  warehouse: "warehousecode",
  number: "code",
  auditor: "chandler",
  department: "departmentcode",
};
const ISSUE: KindTraits = { ...RECEIPT, sign: -1 };
export const TRAITS: Record<DocumentKind, KindTraits> = {
  "01": RECEIPT,
  "08": RECEIPT,
  "10": RECEIPT,
  "34": RECEIPT,
  "09": ISSUE,
  "11": ISSUE,
  "32": ISSUE,
  trans: {
    sign: 0,
    warehouse: "owhcode",
    counterWarehouse: "iwhcode",
    number: "tvcode",
    auditor: "auditperson",
    department: "odepcode",
  },
  check: { sign: 0, warehouse: "whcode", number: "code", auditor: "auditperson", department: "depcode" },
};

/** Elements for unit price and amount; they differ from template to template. */
export function pricesOf(
  fields: Record<string, string>,
  kind: DocumentKind,
  quantity: bigint,
): { price: bigint | undefined; cost: bigint | undefined } {
  const [unit, amount] = kind === "trans" ? ["actualcost", "actualprice"] : ["price", "cost"];
  const read = (name: string): bigint | undefined => {
    return (fields[name] ?? "").trim() === "" ? undefined : readNumber(fields[name]);
  };
  const [price, cost] = [read(unit), read(amount)];
  const reckoned = price === undefined ? undefined : scaleDecimal(price, quantity, ONE);
  const total = cost ?? (reckoned === undefined ? undefined : roundDecimal(reckoned, 2));
  return { price: price ?? (total === undefined ? undefined : scaleDecimal(total, ONE, quantity)), cost: total };
}

export function readNumber(text: string | undefined): bigint | undefined {
  return text === undefined || text.trim() === "" ? undefined : parseDecimal(text);
}

/** The receipts and issues that come with the audit of a transfer or a count. */
export function followUps(document: StockDocument): DocumentDraft[] {
  const head = (warehouse: string, into: boolean, businesstype: string): Record<string, string> => ({
    receiveflag: into ? "1" : "0",
    vouchtype: into ? "08" : "09",
    businesstype,
    businesscode: document.code,
    source: document.kind === "trans" ? "调拨" : "盘点",
    warehousecode: warehouse,
    date: document.date,
    receivecode: document.head[into ? "irdcode" : "ordcode"] ?? "",
    departmentcode:
      document.head[into && document.kind === "trans" ? "idepcode" : TRAITS[document.kind].department] ?? "",
    maker: document.maker,
    define1: document.head["define1"] ?? "",
    memory: document.head["memory"] ?? "",
  });
  const line = (stock: StockLine, quantity: bigint, position: string): Record<string, string> => ({
    inventorycode: stock.item,
    quantity: formatDecimal(quantity),
    price: stock.price === undefined ? "" : formatDecimal(stock.price),
    serial: stock.batch,
    position: stock.fields[position] ?? "",
  });
  if (document.kind === "trans") {
    return [
      {
        kind: "09",
        head: head(document.warehouse, false, "调拨出库"),
        lines: document.lines.map((stock) => line(stock, stock.quantity, "outposcode")),
      },
      {
        kind: "08",
        head: head(document.counterWarehouse, true, "调拨入库"),
        lines: document.lines.map((stock) => line(stock, stock.quantity, "inposcode")),
      },
    ];
  }
  if (document.kind !== "check") return [];
  const gains: Record<string, string>[] = [];
  const losses: Record<string, string>[] = [];
  for (const stock of document.lines) {
    const difference = countDifference(stock);
    if (difference > 0n) gains.push(line(stock, difference, "positioncode"));
    if (difference < 0n) losses.push(line(stock, -difference, "positioncode"));
  }
  return [
    ...(gains.length > 0
      ? [{ kind: "08" as const, head: head(document.warehouse, true, "盘盈入库"), lines: gains }]
      : []),
    ...(losses.length > 0
      ? [{ kind: "09" as const, head: head(document.warehouse, false, "盘亏出库"), lines: losses }]
      : []),
  ];
}

/** Counted minus (book + adjusted in − adjusted out), as the template CheckVouch.xml names them. */
function countDifference(line: StockLine): bigint {
  const part = (name: string): bigint => readNumber(line.fields[name]) ?? 0n;
  return line.quantity - (part("accountquantity") + part("adjustinquantity") - part("adjustoutquantity"));
}
