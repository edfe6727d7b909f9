import { localOfSerial } from "../row-source/local-time.ts";
import type { RawValue } from "../row-source/values.ts";
import type { Limits } from "./settings.ts";
import type { SheetRow } from "./table.ts";
import { UnreadableFile } from "./unreadable.ts";
import { attributeOf, scanXml } from "./xml-scan.ts";
import { BoundedZip } from "./zip.ts";

/*
 * Reads one sheet. Spreadsheet libraries hand numbers over as floats, and with them digits that the file has and a float
 * has not; here a numeric cell gives its digits as they are stored. Source: ECMA-376 part 1, §18.3, §18.4, §18.8.
 */

const CELL_CHARACTERS_MAX = 32_767;
/** A sheet may be wide or long, not both. */
const CELLS_MAX = 3_000_000;

/** How a style shows a number. */
interface NumberStyle {
  readonly isDate: boolean;
  /** Digits that a format of zeros pads to; 0 for every other format. */
  readonly padding: number;
}

/**
 * @param sheetName  the first visible sheet when left out
 * @throws UnreadableFile
 */
export const readXlsx = (bytes: Buffer, sheetName: string | undefined, limits: Limits): SheetRow[] => {
  if (bytes.subarray(0, 4).equals(Buffer.from([0xd0, 0xcf, 0x11, 0xe0])))
    throw new UnreadableFile("这是旧格式（.xls）或有密码的工作簿，请另存为没有密码的 .xlsx");
  const zip = new BoundedZip(bytes, limits.unpackedBytes);
  const text = (name: string): string =>
    zip
      .read(name)
      .toString("utf8")
      .replace(/^\uFEFF/, "");
  const { path, from1904 } = sheetOf(text("xl/workbook.xml"), text("xl/_rels/workbook.xml.rels"), sheetName);
  const strings = zip.has("xl/sharedStrings.xml") ? sharedStrings(text("xl/sharedStrings.xml")) : [];
  const styles = zip.has("xl/styles.xml") ? numberStyles(text("xl/styles.xml")) : [];
  return rowsOf(text(path), { strings, styles, from1904 }, limits);
};

const sheetOf = (workbook: string, relations: string, wanted: string | undefined) => {
  const sheets: { name: string; id: string; hidden: boolean }[] = [];
  let from1904 = false;
  scanXml(workbook, {
    open: (name, attributes) => {
      if (name === "workbookPr") from1904 = ["1", "true"].includes(attributeOf(attributes, "date1904") ?? "");
      if (name !== "sheet") return;
      const state = attributeOf(attributes, "state") ?? "visible";
      sheets.push({
        name: attributeOf(attributes, "name") ?? "",
        id: /\s[\w.-]+:id\s*=\s*["']([^"']*)["']/.exec(attributes)?.[1] ?? "",
        hidden: state !== "visible",
      });
    },
    text: () => undefined,
    close: () => undefined,
  });
  const sheet = sheets.find(({ name, hidden }) => (wanted === undefined ? !hidden : name === wanted));
  if (sheet === undefined)
    throw new UnreadableFile(wanted === undefined ? "工作簿没有可见的工作表" : `工作簿没有名为「${wanted}」的工作表`);
  let path = "";
  scanXml(relations, {
    open: (name, attributes) => {
      if (name === "Relationship" && attributeOf(attributes, "Id") === sheet.id)
        path = attributeOf(attributes, "Target") ?? "";
    },
    text: () => undefined,
    close: () => undefined,
  });
  return { path: path.startsWith("/") ? path.slice(1) : `xl/${path}`, from1904 };
};

/** Spreadsheets write characters that XML cannot hold as _x000D_. */
const unescapeString = (text: string): string =>
  text.replaceAll(/_x([0-9A-Fa-f]{4})_/g, (_whole, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

const sharedStrings = (xml: string): string[] => {
  const strings: string[] = [];
  let current = "";
  let inText = false;
  let inPhonetic = false;
  scanXml(xml, {
    open: (name) => {
      if (name === "si") current = "";
      if (name === "rPh") inPhonetic = true;
      if (name === "t") inText = !inPhonetic;
    },
    text: (text) => {
      if (inText) current += text;
    },
    close: (name) => {
      if (name === "t") inText = false;
      if (name === "rPh") inPhonetic = false;
      if (name === "si") strings.push(unescapeString(current));
    },
  });
  return strings;
};

/** The formats that every workbook knows without naming them; 27–36 and 50–58 are dates in East Asian editions. */
const isBuiltInDate = (id: number): boolean =>
  (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) || (id >= 50 && id <= 58);
/** Letters of a date outside of quoted text and of brackets. */
const isDateCode = (code: string): boolean =>
  /[ymdhs]/i.test(
    code
      .replaceAll(/"[^"]*"|\\.|_./g, "")
      .replaceAll(/\[(?!h+\]|m+\]|s+\])[^\]]*\]/gi, "")
      .replaceAll(/general/gi, ""),
  );

const numberStyles = (xml: string): NumberStyle[] => {
  const codes = new Map<number, string>();
  const styles: NumberStyle[] = [];
  let inCells = false;
  scanXml(xml, {
    open: (name, attributes) => {
      if (name === "numFmt")
        codes.set(Number(attributeOf(attributes, "numFmtId")), attributeOf(attributes, "formatCode") ?? "");
      if (name === "cellXfs") inCells = true;
      if (name !== "xf" || !inCells) return;
      const id = Number(attributeOf(attributes, "numFmtId") ?? "0");
      const code = codes.get(id);
      styles.push({
        isDate: code === undefined ? isBuiltInDate(id) : isDateCode(code),
        padding: code !== undefined && /^0{2,}$/.test(code) ? code.length : 0,
      });
    },
    text: () => undefined,
    close: (name) => {
      if (name === "cellXfs") inCells = false;
    },
  });
  return styles;
};

interface Book {
  readonly strings: readonly string[];
  readonly styles: readonly NumberStyle[];
  readonly from1904: boolean;
}

const rowsOf = (xml: string, book: Book, limits: Limits): SheetRow[] => {
  const rows: SheetRow[] = [];
  let cells: RawValue[] = [];
  let number = 0;
  let column = 0;
  let total = 0;
  let cell = { type: "n", style: 0, value: "", formula: "", hasValue: false };
  let into: "value" | "formula" | undefined;
  scanXml(xml, {
    open: (name, attributes) => {
      if (name === "row") {
        number = Number(attributeOf(attributes, "r") ?? number + 1);
        cells = [];
        column = 0;
      } else if (name === "c") {
        const letters = /^[A-Z]{1,3}/.exec(attributeOf(attributes, "r") ?? "")?.[0];
        column = letters === undefined ? column + 1 : columnOf(letters);
        if (column > limits.columns) throw new UnreadableFile(`第 ${number} 行的列数超过上限 ${limits.columns}`);
        const style = Number(attributeOf(attributes, "s") ?? "0");
        cell = { type: attributeOf(attributes, "t") ?? "n", style, value: "", formula: "", hasValue: false };
      } else if (name === "v" || name === "t") {
        into = "value";
        cell.hasValue = true;
      } else if (name === "f") into = "formula";
    },
    text: (text) => {
      if (into !== undefined) cell[into] += text;
      if (cell.value.length > CELL_CHARACTERS_MAX) throw new UnreadableFile(`第 ${number} 行有单元格过长`);
    },
    close: (name) => {
      if (name === "v" || name === "t" || name === "f") into = undefined;
      if (name === "c") {
        total += 1;
        if (total > CELLS_MAX) throw new UnreadableFile("单元格过多，请拆分文件");
        cells[column - 1] = valueOf(cell, book);
      }
      if (name !== "row" || cells.every((each) => each === undefined || each === "")) return;
      rows.push({ number, cells: Array.from(cells) });
      if (rows.length > limits.rows + 1) throw new UnreadableFile(`行数超过上限 ${limits.rows}，请拆分文件`);
    },
  });
  return rows;
};

const columnOf = (letters: string): number =>
  Array.from(letters).reduce((column, letter) => column * 26 + letter.charCodeAt(0) - 64, 0);

/** The value that the person saw. A formula counts by the value that was stored with it, never by computing it. */
const valueOf = (
  cell: {
    readonly type: string;
    readonly style: number;
    readonly value: string;
    readonly formula: string;
    readonly hasValue: boolean;
  },
  { strings, styles, from1904 }: Book,
): RawValue => {
  if (!cell.hasValue) return cell.formula === "" ? undefined : { double: `=${cell.formula}`.slice(0, 200) };
  switch (cell.type) {
    case "s":
      return strings[Number(cell.value)];
    case "inlineStr":
    case "str":
    case "d":
      return unescapeString(cell.value);
    case "b":
      return cell.value === "1" ? "true" : "false";
    // "#N/A" is neither a code nor a number nor a day.
    case "e":
      return { double: cell.value };
    default:
      return numberOf(cell.value.trim(), styles[cell.style], from1904);
  }
};

const numberOf = (digits: string, style: NumberStyle | undefined, from1904: boolean): RawValue => {
  if (digits === "") return undefined;
  if (style?.isDate === true) {
    const local = localOfSerial(digits, from1904);
    return local === undefined ? { double: digits } : { double: digits, local };
  }
  if (style !== undefined && style.padding > 0 && /^\d+$/.test(digits))
    return { double: digits, shown: digits.padStart(style.padding, "0") };
  return { double: digits };
};
