/** EAI's two ways of asking: `field` conditions on a template, and SQLEXE. */

import type { Random } from "../shared/prng.ts";
import type { Answer } from "../shared/http.ts";
import { exportArchives, isArchiveTag } from "./eai-archives.ts";
import { exportDocuments, exportQuantities, isStockTag, kindsOf } from "./eai-stock.ts";
import { exportVouchers } from "./eai-voucher.ts";
import { type EaiRequest, failureReply, xmlAnswer } from "./eai-wire.ts";
import { showCell } from "./sql-cells.ts";
import { matchRows, runSelect, type Table } from "./sql-engine.ts";
import { parseCondition, parseSelect, SqlError } from "./sql-parser.ts";
import { tablesOf } from "./tables.ts";
import type { Book, World } from "./world.ts";
import { childOf, childrenOf, type XmlElement, type XmlOut } from "./xml.ts";

const OPERATIONS = new Set(["=", "<>", "!=", "<", ">", "<=", ">=", "like"]);
const FIELDS_MAX = 100;

/** The archives' tables, for conditions that name database columns. */
const ARCHIVE_TABLES: Readonly<Record<string, string>> = {
  inventory: "Inventory",
  warehouse: "Warehouse",
  customer: "Customer",
  vendor: "Vendor",
  department: "Department",
  person: "Person",
  receivesendtype: "Rd_Style",
  unit: "ComputationUnit",
  dsign: "dsign",
  code: "code",
};

/** @returns undefined when this roottag cannot be asked for */
export function answerQuery(request: EaiRequest, entity: XmlElement, world: World, book: Book): Answer | undefined {
  const described = {
    docid: nineDigits(world.random),
    timestamp: `0x${world.sequence.toString(16).padStart(16, "0").toUpperCase()}`,
  };
  const findTable = tablesOf(world, book);
  try {
    const condition = conditionOf(entity);
    const sources = (name: string): ReadonlySet<number> | undefined => {
      const table = findTable(name);
      if (condition === undefined || !table) return undefined;
      return new Set(matchRows(parseCondition(condition), table).map(({ source }) => source));
    };
    if (request.roottag === "voucher") {
      const ids = sources("GL_accvouch");
      const found = ids
        ? [...ids].flatMap((id) => world.ledger.vouchers.get(id) ?? [])
        : world.ledger.ofBook(book.state.number);
      const { rowsMax } = world.settings;
      return exportVouchers(request, rowsMax === 0 ? found : found.slice(0, rowsMax), described);
    }
    if (isStockTag(request.roottag)) {
      const name = { transvouch: "TransVouch", checkvouch: "CheckVouch" }[request.roottag] ?? "RdRecord";
      const ids = sources(name);
      const documents = world.stock
        .ofBook(book.state.number)
        .filter(({ id, kind }) => kindsOf(request.roottag).includes(kind) && (ids?.has(id) ?? true));
      return exportDocuments(request, documents, described);
    }
    if (request.roottag === "storequantity") {
      const items = condition === undefined ? undefined : columnOf("cInvCode", condition, findTable("Inventory"));
      return exportQuantities(request, items, world, book, described);
    }
    if (!isArchiveTag(request.roottag)) return undefined;
    const table = findTable(ARCHIVE_TABLES[request.roottag] ?? "");
    const first = table?.columns.find((column) => column !== "iyear") ?? "";
    const codes = condition === undefined ? undefined : columnOf(first, condition, table);
    const archives = book.archives.list(request.roottag).filter(({ code }) => codes?.has(code) ?? true);
    return exportArchives(request, archives, described);
  } catch (error) {
    if (error instanceof SqlError) return failureReply(request, error.message);
    throw error;
  }
}

/** @returns the condition as SQL; undefined without `field` elements */
function conditionOf(entity: XmlElement): string | undefined {
  const fields = childrenOf(entity, "field").filter(({ attributes }) => (attributes["name"] ?? "") !== "");
  if (fields.length === 0) return undefined;
  if (fields.length > FIELDS_MAX) throw new SqlError("查询条件过多。");
  return fields
    .map(({ attributes }, index) => {
      const { name = "", operation = "=", value = "", logic = "" } = attributes;
      if (!OPERATIONS.has(operation.trim().toLowerCase())) throw new SqlError(`'${operation}' 附近有语法错误。`);
      // Parentheses may be written into the logic: ") or (".
      const last = index === fields.length - 1;
      const joint = last ? logic.replace(/\b(and|or)\b/gi, "") : logic === "" ? "and" : logic;
      return `${name} ${operation} '${value.replaceAll("'", "''")}' ${joint}`;
    })
    .join(" ");
}

function columnOf(column: string, condition: string, table: Table | undefined): ReadonlySet<string> {
  if (!table) throw new SqlError("该模版不支持按条件查询。");
  const cells = matchRows(parseCondition(condition), table).map((row) => row.cell(column.toLowerCase()));
  return new Set(cells.flatMap((cell) => (cell === null ? [] : [showCell(cell)])));
}

function nineDigits(random: Random): string {
  return String(100_000_000 + random.below(900_000_000));
}

/** SQLEXE: the text of a query goes in, a .NET DataSet comes out; NULL columns are left out of it. */
export function answerSql(request: EaiRequest, world: World, book: Book, shuffle: boolean): Answer {
  const text = childOf(request.root, "sql")?.attributes["value"] ?? "";
  try {
    const { columns, rows } = runSelect(parseSelect(text), tablesOf(world, book));
    const ordered = shuffle ? world.random.shuffled(rows) : rows;
    const names = columns.map(xmlName);
    const written = ordered.map((row): XmlOut => {
      const children: XmlOut[] = [];
      row.forEach((cell, index) => {
        if (cell !== null) children.push({ name: names[index] ?? "Column", text: showCell(cell) });
      });
      return { name: xmlName(request.procAsSent), children };
    });
    return xmlAnswer({
      name: "ufinterface",
      attributes: {
        sender: "u8",
        receiver: request.sender,
        roottag: "SQLEXE",
        proc: request.procAsSent,
        "request-roottag": request.rootAsSent,
      },
      children: [{ name: "NewDataSet", children: written }],
    });
  } catch (error) {
    if (error instanceof SqlError) return failureReply(request, error.message);
    throw error;
  }
}

/** .NET writes what a name may not hold as _xHHHH_. */
function xmlName(name: string): string {
  const escaped = (character: string): string => {
    return `_x${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}_`;
  };
  const inner = name.replace(/[^\p{L}\p{N}_.-]/gu, escaped);
  return /^[\p{L}_]/u.test(inner) ? inner : `${escaped(inner.charAt(0))}${inner.slice(1)}`;
}
